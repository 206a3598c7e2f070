// Draw one for the judge: what it sees, what it says, and which strokes it looks at.
import {
  State, ask, checkbox, digitCanvas, element, fill, latest, oneOf, paint, part, percent, progress,
  ready, root, say, verdict,
} from "./frame.js";
import { DRAWN, asMnist, examples, pad, strokes } from "./pad.js";

const SQUARE = 5; // pixels of the square that covers a part of the digit
const STRIDE = 2;

const state = new State({
  draw: [strokes.read(DRAWN["4"]), strokes],
  marks: ["on", oneOf("on", "off")],
});

const seen = digitCanvas(say("Your drawing as the judge gets it"), { class: "digit big" });
const marks = element("canvas", { width: 28, height: 28, class: "digit big over", "aria-hidden": "true" });
const says = element("p", { class: "said strong", role: "status" });
const found = element("p", { class: "said", role: "status" });
const bars = verdict();
const working = progress();
let image;
let job;

function clearMarks() {
  marks.getContext("2d").clearRect(0, 0, 28, 28);
  found.textContent = "";
}

const update = latest(async () => {
  const now = image;
  if (!now) {
    bars.put(undefined);
    says.textContent = say("Nothing is drawn, so there is nothing to read.");
    return;
  }
  const [shares] = await ask("judge", { images: [now] });
  if (now !== image) return;
  bars.put(shares);
  const order = [...shares.keys()].sort((a, b) => shares[b] - shares[a]);
  const [best, second] = order;
  const given = { digit: best, share: percent(shares[best]), other: second, rest: percent(shares[second]) };
  says.textContent =
    shares[best] > 0.9
      ? say("The judge reads a {digit} ({share}).", given)
      : say("The judge is not sure: a {digit} ({share}) or a {other} ({rest}).", given);
});

/** Covers one square after the other and marks where the verdict depends on it. */
async function look() {
  job?.stop();
  clearMarks();
  if (!image || state.marks === "off") return working.put(1);
  const now = image;
  const [shares] = await ask("judge", { images: [now] });
  if (now !== image) return;
  const digit = shares.indexOf(Math.max(...shares));
  const mine = (job = ask("occlude", { image: now, digit, side: SQUARE, stride: STRIDE }, (part) => working.put(part)));
  working.stopped = () => mine.stop();
  const falls = await mine;
  if (mine === job) working.put(1);
  if (!falls || now !== image) return;
  const most = Math.max(...falls.map(Math.abs));
  const picture = new ImageData(28, 28);
  falls.forEach((fall, i) => {
    const strength = Math.abs(fall) / Math.max(most, 0.02);
    picture.data.set(fall > 0 ? [255, 120, 0, 235 * strength] : [0, 150, 255, 235 * strength], 4 * i);
  });
  marks.getContext("2d").putImageData(picture, 0, 0);
  found.textContent = say("Orange: without it the judge is less sure of {digit}. Blue: more. Largest change: {share}.", {
    digit,
    share: percent(most),
  });
}

function changed(drawn, done) {
  image = asMnist(drawn);
  state.set({ draw: drawn });
  paint(seen, image ?? new Float32Array(784));
  if (!done) job?.stop();
  clearMarks();
  update();
  if (done) look();
}

const board = pad(state.draw, changed);
const parts = [
  part(
    state,
    "draw",
    say("Draw"),
    board,
    examples(say("Or take one:"), [
      [DRAWN["7"], "7"],
      [DRAWN["4"], "4"],
      [DRAWN["9"], "9"],
      [DRAWN.A, say("the letter A")],
    ], board.put),
  ),
  part(
    state,
    "sees",
    say("What the judge sees"),
    element(
      "div",
      { class: "side" },
      element("div", { class: "stack" }, seen, marks),
      element(
        "div",
        {},
        checkbox(say("Mark what the verdict depends on"), state.marks === "on", (on) => {
          state.set({ marks: on ? "on" : "off" });
          look();
        }),
        found,
        working,
      ),
    ),
  ),
  part(state, "verdict", say("What the judge says"), says, bars),
];
root.classList.add("judge");
fill(state, parts.slice(0, 1), parts.slice(1));
image = asMnist(state.draw);
paint(seen, image ?? new Float32Array(784));
await update();
ready();
look();
