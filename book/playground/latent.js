// The latent map of lesson 03: a place in the plane, its digit, its Gaussian.
import {
  COLOURS, State, ask, choice, digitCanvas, element, fill, latest, number, oneOf, paint, part,
  percent, progress, ready, root, say, signed, slider, verdict,
} from "./frame.js";
import { asMnist, DRAWN, examples, pad, strokes } from "./pad.js";

const REACH = 3; // the map goes from -3 to 3 in both directions
const CELLS = 21;
const SIDE = CELLS * 28;
const KEY = 0.1;

const place = number(-REACH, REACH);
const state = new State({
  z1: [-0.5, place],
  z2: [1.25, place],
  map: ["digits", oneOf("digits", "codes", "judge")],
  draw: [[], strokes],
});

let seen = asMnist(state.draw); // what was drawn, as the encoder gets it
let shown; // the worker's last answer
const layers = {}; // backgrounds that are ready or on their way
let pictures; // decoded digits of the map

const map = element("canvas", {
  width: SIDE,
  height: SIDE,
  class: "map",
  tabindex: 0,
  role: "application",
  "aria-label": say("Latent map: drag, or move with the arrow keys"),
});
const context = map.getContext("2d");
const working = progress();
const legend = element("ol", { class: "legend" });
COLOURS.forEach((one, digit) => {
  legend.append(element("li", {}, element("span", { style: `background:${one}` }), String(digit)));
});

const toX = (z) => ((z + REACH) / (2 * REACH)) * SIDE;
const toY = (z) => ((REACH - z) / (2 * REACH)) * SIDE;
const centre = (i) => REACH * ((2 * (i + 0.5)) / CELLS - 1);
const codes = [];
for (let row = CELLS - 1; row >= 0; row--) {
  for (let column = 0; column < CELLS; column++) codes.push([centre(column), centre(row)]);
}

function layer(name) {
  if (layers[name]) return;
  const canvas = new OffscreenCanvas(SIDE, SIDE);
  const paper = canvas.getContext("2d");
  paper.fillStyle = "rgb(18, 22, 34)";
  paper.fillRect(0, 0, SIDE, SIDE);
  layers[name] = canvas;
  if (name === "codes") return void codesLayer(paper);
  // From the middle outwards, where most digits are.
  const order = codes.map((code, i) => [Math.hypot(...code), i]).sort((a, b) => a[0] - b[0]);
  pictures ??= new Array(codes.length);
  let count = 0;
  const job = ask(
    "map",
    {
      codes: order.map(([, i]) => codes[i]),
      judged: name === "judge",
      known: order.map(([, i]) => pictures[i]),
    },
    (found) => {
      for (const { i: n, image, probabilities } of found) {
        const i = order[n][1];
        pictures[i] = image;
        const [x, y] = [28 * (i % CELLS), 28 * Math.floor(i / CELLS)];
        paint(canvas, image, x, y);
        if (probabilities) judged(paper, probabilities, x, y);
      }
      count += found.length;
      if (name === state.map) working.put(count / codes.length);
      repaint();
    },
  );
  working.stopped = () => {
    job.stop();
    working.put(1);
  };
  job.then((done) => {
    working.put(1);
    if (!done) delete layers[name];
  });
}

function judged(paper, probabilities, x, y) {
  const most = Math.max(...probabilities);
  paper.globalAlpha = 0.2 + 0.45 * Math.max(0, (most - 0.4) / 0.6);
  paper.fillStyle = COLOURS[probabilities.indexOf(most)];
  paper.fillRect(x, y, 28, 28);
  paper.globalAlpha = 1;
}

async function table() {
  if (!real) {
    const { codes: kept, labels } = await ask("table", { name: "latent" });
    real = { codes: kept.values, labels };
  }
  return real;
}

async function codesLayer(paper) {
  const { codes: values, labels } = await table();
  for (let i = 0; i < labels.length; i++) {
    paper.fillStyle = COLOURS[labels[i]];
    paper.beginPath();
    paper.arc(toX(values[2 * i]), toY(values[2 * i + 1]), 4, 0, 7);
    paper.fill();
  }
  repaint();
}

let real; // codes of real digits and their labels

/** The surroundings of the place, eight times as large. */
function repaintLens() {
  const paper = lens.getContext("2d");
  const half = 0.4;
  const [middle, unit] = [148, 148 / half];
  paper.setTransform(1, 0, 0, 1, 0, 0);
  paper.fillStyle = "rgb(18, 22, 34)";
  paper.fillRect(0, 0, 296, 296);
  const at = (z1, z2) => [middle + unit * (z1 - state.z1), middle - unit * (z2 - state.z2)];
  if (real) {
    for (let i = 0; i < real.labels.length; i++) {
      const [x, y] = at(real.codes[2 * i], real.codes[2 * i + 1]);
      if (x < -9 || y < -9 || x > 305 || y > 305) continue;
      paper.fillStyle = COLOURS[real.labels[i]];
      paper.beginPath();
      paper.arc(x, y, 9, 0, 7);
      paper.fill();
    }
  }
  if (shown) {
    const [x, y] = at(...shown.mean);
    for (const times of [1, 2]) {
      paper.beginPath();
      paper.ellipse(x, y, times * shown.deviation[0] * unit, times * shown.deviation[1] * unit, 0, 0, 7);
      paper.fillStyle = "rgba(255, 176, 0, 0.22)";
      paper.fill();
      paper.strokeStyle = "#ffb000";
      paper.lineWidth = times === 1 ? 4 : 2;
      paper.stroke();
    }
  }
  paper.strokeStyle = "#fff";
  paper.lineWidth = 3;
  paper.beginPath();
  paper.moveTo(middle - 12, middle);
  paper.lineTo(middle + 12, middle);
  paper.moveTo(middle, middle - 12);
  paper.lineTo(middle, middle + 12);
  paper.stroke();
}

function ellipse(mean, deviation, line) {
  context.strokeStyle = line;
  for (const times of [1, 2]) {
    context.lineWidth = times === 1 ? 4 : 2;
    context.beginPath();
    const unit = SIDE / (2 * REACH);
    const radii = [...deviation].map((one) => Math.max(2, times * one * unit));
    context.ellipse(toX(mean[0]), toY(mean[1]), ...radii, 0, 0, 7);
    context.stroke();
  }
}

function repaint() {
  const background = layers[state.map];
  if (background) context.drawImage(background, 0, 0);
  context.strokeStyle = "rgba(255, 255, 255, 0.35)";
  context.lineWidth = 1.5;
  context.setLineDash([6, 6]);
  context.beginPath();
  context.moveTo(SIDE / 2, 0);
  context.lineTo(SIDE / 2, SIDE);
  context.moveTo(0, SIDE / 2);
  context.lineTo(SIDE, SIDE / 2);
  context.stroke();
  context.setLineDash([]);
  if (shown) {
    ellipse(shown.mean, shown.deviation, "rgba(0, 0, 0, 0.6)");
    ellipse(shown.mean, shown.deviation, "#ffb000");
  }
  for (const [line, width] of [["#fff", 9], ["#d1006c", 5]]) {
    context.beginPath();
    context.arc(toX(state.z1), toY(state.z2), 17, 0, 7);
    context.lineWidth = width;
    context.strokeStyle = line;
    context.stroke();
  }
  repaintLens();
}

const big = digitCanvas(say("The digit that the decoder makes of this place"), { class: "digit big" });
const lens = element("canvas", {
  width: 296,
  height: 296,
  class: "digit big lens",
  role: "img",
  "aria-label": say("The place through a lens, with the Gaussian and real digits near it"),
});
const where = element("p", { class: "said" });
const says = element("p", { class: "said", role: "status" });
const bars = verdict();
const input = digitCanvas(say("Your drawing as the encoder gets it"));
const back = digitCanvas(say("What the decoder makes of its mean"));
const drawnSays = element("p", { class: "said", role: "status" });

const update = latest(async () => {
  const image = seen ?? undefined;
  const found = await ask("place", { code: [state.z1, state.z2], image });
  shown = found;
  paint(big, found.shown);
  bars.put(found.probabilities);
  const [m, d] = [found.mean, found.deviation];
  where.textContent = say("Place: z = ({a}, {b})", { a: signed(state.z1, 2), b: signed(state.z2, 2) });
  says.textContent = say("Encoder: mean ({a}, {b}), standard deviations {c} and {d}", {
    a: signed(m[0], 2), b: signed(m[1], 2), c: d[0].toFixed(2), d: d[1].toFixed(2),
  });
  if (image) {
    paint(input, image);
    paint(back, found.shown);
    const clip = (z) => Math.max(-REACH, Math.min(REACH, z));
    state.set({ z1: Number(clip(m[0]).toFixed(2)), z2: Number(clip(m[1]).toFixed(2)) });
    first.put(state.z1);
    second.put(state.z2);
    const best = found.probabilities.indexOf(Math.max(...found.probabilities));
    drawnSays.textContent = say("The encoder puts it at ({a}, {b}); the decoder makes a {digit} of that ({share}).", {
      a: signed(m[0], 2), b: signed(m[1], 2), digit: best, share: percent(found.probabilities[best]),
    });
    where.textContent = say("Place: z = ({a}, {b})", { a: signed(state.z1, 2), b: signed(state.z2, 2) });
  }
  repaint();
});

/** Moves by hand: what was drawn no longer decides the place. */
function move(z1, z2) {
  const clip = (z) => Number(Math.max(-REACH, Math.min(REACH, z)).toFixed(2));
  if (seen) {
    seen = null;
    drawnSays.textContent = say("You moved on: the map shows the decoder's digits again.");
  }
  state.set({ z1: clip(z1), z2: clip(z2), draw: [] });
  first.put(state.z1);
  second.put(state.z2);
  repaint();
  update();
}

const options = { least: -REACH, most: REACH, step: 0.05, show: (z) => signed(z, 2) };
const first = slider("z₁", { ...options, value: state.z1, change: (z) => move(z, state.z2) });
const second = slider("z₂", { ...options, value: state.z2, change: (z) => move(state.z1, z) });

let dragged = false;
const drag = (event) => {
  const box = map.getBoundingClientRect();
  const x = (event.clientX - box.left) / box.width;
  const y = (event.clientY - box.top) / box.height;
  move(REACH * (2 * x - 1), REACH * (1 - 2 * y));
};
map.addEventListener("pointerdown", (event) => {
  if (event.button) return;
  event.preventDefault();
  map.focus({ preventScroll: true });
  dragged = true;
  map.setPointerCapture(event.pointerId);
  drag(event);
});
map.addEventListener("pointermove", (event) => dragged && drag(event));
for (const kind of ["pointerup", "pointercancel"]) map.addEventListener(kind, () => (dragged = false));
const MOVES = { ArrowLeft: [-KEY, 0], ArrowRight: [KEY, 0], ArrowUp: [0, KEY], ArrowDown: [0, -KEY] };
map.addEventListener("keydown", (event) => {
  const step = MOVES[event.key];
  if (!step) return;
  event.preventDefault();
  const far = event.shiftKey ? 5 : 1;
  move(state.z1 + far * step[0], state.z2 + far * step[1]);
});

const views = choice(
  say("The map shows"),
  [
    ["digits", say("the decoder's digits")],
    ["codes", say("where real digits lie")],
    ["judge", say("the judge's verdicts")],
  ],
  state.map,
  (name) => {
    state.set({ map: name });
    legend.hidden = name === "digits";
    layer(name);
    repaint();
  },
);
legend.hidden = state.map === "digits";

const board = pad(state.draw, (drawn) => {
  seen = asMnist(drawn);
  state.set({ draw: drawn });
  if (seen) update();
  else {
    paint(input, new Float32Array(784));
    paint(back, new Float32Array(784));
    drawnSays.textContent = say("Nothing is drawn yet.");
    update();
  }
});
if (!seen) drawnSays.textContent = say("Nothing is drawn yet.");

const parts = [
  part(state, "map", say("Map"), map, legend, working, element("div", { class: "pair" }, first, second), views),
  part(
    state,
    "digit",
    say("Digit"),
    element(
      "div",
      { class: "row two" },
      element("figure", {}, big, element("figcaption", {}, say("digit"))),
      element("figure", {}, lens, element("figcaption", {}, say("its Gaussian, enlarged"))),
    ),
    where,
    says,
    element("h3", {}, say("What the judge says")),
    bars,
  ),
  part(
    state,
    "draw",
    say("Draw one"),
    element(
      "div",
      { class: "drawing" },
      board,
      element(
        "div",
        { class: "results" },
        element("figure", {}, input, element("figcaption", {}, say("seen"))),
        element("figure", {}, back, element("figcaption", {}, say("decoded"))),
      ),
    ),
    examples(say("Or take one:"), [[DRAWN["7"], "7"], [DRAWN["1"], "1"], [DRAWN["0"], "0"]], board.put),
    drawnSays,
  ),
];
root.classList.add("latent");
fill(state, parts.slice(0, 1), parts.slice(1));
await Promise.all([update(), table()]);
ready();
layer(state.map);
repaint();
