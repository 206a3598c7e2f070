// The flow of lesson 14: every step from noise to a digit.
import {
  State, ask, button, choice, digitCanvas, element, fill, latest, number, paint, part, percent, progress,
  ready, root, say, signed, slider, verdict, whole,
} from "./frame.js";
import { Chance } from "./ring.js";

const SIZE = 128; // components
const state = new State({
  digit: [5, whole(0, 9)],
  seed: [3, whole(1, 999999)],
  steps: [10, whole(1, 30)],
  guidance: [0.85, number(0, 4)],
  at: [100, whole(0, 100)], // how much of the path is shown, in per cent
});

const big = digitCanvas(say("Where the path is"), { class: "digit big" });
const ahead = digitCanvas(say("Where it would arrive on a straight line"), { class: "digit big" });
const strip = element("ol", { class: "strip path" });
const says = element("p", { class: "said", role: "status" });
const cost = element("p", { class: "said" });
const bars = verdict();
const working = progress();
let path = [];
let job;

const along = () => Math.round((state.at / 100) * state.steps);

function show() {
  const step = Math.min(along(), path.length - 1);
  const now = path[step];
  if (!now) return;
  paint(big, now.shown);
  paint(ahead, now.ahead);
  bars.put(now.probabilities);
  const best = now.probabilities.indexOf(Math.max(...now.probabilities));
  says.textContent = say("Time {time}, step {step} of {steps}. The judge reads: {digit} ({share}).", {
    time: (step / state.steps).toFixed(2), step, steps: state.steps, digit: best, share: percent(now.probabilities[best]),
  });
  [...strip.querySelectorAll("button")].forEach((one, i) => one.setAttribute("aria-pressed", String(i === step)));
}

const update = latest(async () => {
  const { steps, digit, guidance, seed } = state;
  path = [];
  const shown = Array.from({ length: steps + 1 }, (_, step) => {
    const picture = digitCanvas("");
    const press = element(
      "button",
      {
        type: "button",
        class: "pick",
        "aria-label": say("Step {step}", { step }),
        onclick: () => go((100 * step) / steps),
      },
      picture,
    );
    return { picture, press };
  });
  strip.replaceChildren(...shown.map((one) => element("li", {}, one.press)));
  cost.textContent = say("{count} evaluations of the network", { count: steps * (guidance ? 2 : 1) });
  const noise = new Chance(seed).normals(SIZE);
  job = ask("flow", { noise, digit, steps, guidance }, (part) => {
    path.push(part);
    paint(shown[part.step].picture, part.shown);
    working.put(part.step / steps);
    show();
    ready();
  });
  const mine = job;
  working.stopped = () => mine.stop();
  await job;
  working.put(1);
});

let timer;
function go(at) {
  clearInterval(timer);
  state.set({ at: Math.round(at) });
  scrub.put(state.at);
  show();
}

function choose(changes) {
  clearInterval(timer);
  state.set(changes);
  job?.stop();
  update();
}

const scrub = slider(say("along the path"), {
  least: 0, most: 100, step: 1, value: state.at, show: (one) => `${one} %`, change: (at) => go(at),
});

function animate() {
  clearInterval(timer);
  let step = 0;
  timer = setInterval(() => {
    state.set({ at: Math.round((100 * step) / state.steps) });
    scrub.put(state.at);
    show();
    if (++step > state.steps) clearInterval(timer);
  }, Math.max(80, 1500 / state.steps));
}

const parts = [
  part(
    state,
    "ask",
    say("Ask"),
    choice(say("Digit"), Array.from({ length: 10 }, (_, one) => [one, String(one)]), state.digit, (digit) => choose({ digit })),
    slider(say("steps"), { least: 1, most: 30, step: 1, value: state.steps, change: (steps) => choose({ steps }) }),
    slider(say("guidance scale"), {
      least: 0, most: 4, step: 0.05, value: state.guidance, show: (one) => signed(one, 2), change: (guidance) => choose({ guidance }),
    }),
    cost,
    element("div", { class: "row" }, button(say("Other noise"), () => choose({ seed: (state.seed * 48271 + 11) % 999983 + 1 })),
      button(say("Play the path"), animate, { class: "primary" })),
    working,
  ),
  part(
    state,
    "path",
    say("Path"),
    element(
      "div",
      { class: "row two" },
      element("figure", {}, big, element("figcaption", {}, say("where the path is"))),
      element("figure", {}, ahead, element("figcaption", {}, say("where it heads"))),
    ),
    scrub,
    strip,
    says,
  ),
  part(state, "verdict", say("What the judge says"), bars),
];
root.classList.add("flow");
fill(state, [parts[0], parts[2]], [parts[1]]);
update();
