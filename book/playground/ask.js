// Ask for a digit: the conditional VAE of lesson 04 and the conditional GAN of lesson 07.
import {
  State, ask, button, choice, digitCanvas, element, fill, latest, number, oneOf, paint, part, percent,
  ready, root, say, signed, slider, verdict, whole,
} from "./frame.js";
import { Chance } from "./ring.js";

const STYLES = { thickness: say("thickness"), slant: say("slant"), width: say("width") };
const MORPH = 9; // digits on the way from one label to another
const style = number(-3, 3, 1);
const state = new State({
  model: ["cgan", oneOf("cgan", "cvae")],
  digit: [3, whole(0, 9)],
  with: [8, whole(0, 9)],
  share: [0, number(0, 1)],
  seed: [7, whole(1, 999999)],
  thickness: [0, style],
  slant: [0, style],
  width: [0, style],
});

ask("warm", { names: [state.model, "judge"] });
const tables = new Map();
async function table(name) {
  if (!tables.has(name)) tables.set(name, await ask("table", { name }));
  return tables.get(name);
}

/** Shares of the ten labels. */
function labels(digit, other = digit, part = 0) {
  const made = new Float32Array(10);
  made[digit] += 1 - part;
  made[other] += part;
  return made;
}

/**
 * The noise of a seed, whose components along the styles are replaced by the sliders'.
 * The directions of a digit are the rows of D: what is left of the noise has no part in
 * their span.
 */
function noise(there, shares) {
  const size = there.sizes.noise;
  const { names, directions } = there.styles;
  const rows = names.map((_, n) => {
    const row = new Float32Array(size);
    shares.forEach((one, digit) => {
      const base = (digit * names.length + n) * size;
      if (one) for (let i = 0; i < size; i++) row[i] += one * directions.values[base + i];
    });
    return row;
  });
  const made = new Chance(state.seed).normals(size);
  const basis = [];
  for (const row of rows) {
    const rest = Float32Array.from(row);
    for (const one of basis) {
      const along = rest.reduce((sum, x, i) => sum + x * one[i], 0);
      for (let i = 0; i < size; i++) rest[i] -= along * one[i];
    }
    const length = Math.hypot(...rest);
    basis.push(rest.map((x) => x / length));
  }
  for (const one of basis) {
    const along = made.reduce((sum, x, i) => sum + x * one[i], 0);
    for (let i = 0; i < size; i++) made[i] -= along * one[i];
  }
  names.forEach((name, n) => rows[n].forEach((x, i) => (made[i] += state[name] * x)));
  return made;
}

const big = digitCanvas(say("The digit that was asked for"), { class: "digit big" });
const says = element("p", { class: "said", role: "status" });
const bars = verdict();
const ten = Array.from({ length: 10 }, (_, digit) => {
  const picture = digitCanvas("");
  const press = element(
    "button",
    { type: "button", class: "pick", "aria-label": say("Ask for {digit}", { digit }), onclick: () => choose({ digit }) },
    picture,
  );
  return { picture, press };
});
const way = Array.from({ length: MORPH }, (_, i) => {
  const picture = digitCanvas("");
  const part = i / (MORPH - 1);
  const press = element(
    "button",
    {
      type: "button",
      class: "pick",
      "aria-label": say("Mix in {share}", { share: percent(part) }),
      onclick: () => choose({ share: Number(part.toFixed(2)) }),
    },
    picture,
  );
  return { picture, press, part };
});

const update = latest(async () => {
  const name = state.model;
  const there = await table(name);
  const asked = [labels(state.digit, state.with, state.share)];
  ten.forEach((_, digit) => asked.push(labels(digit)));
  way.forEach(({ part }) => asked.push(labels(state.digit, state.with, part)));
  const inputs = asked.map((shares) => ({ noise: noise(there, shares), labels: shares }));
  // First what was asked for, then the rest.
  const [{ images }] = await ask("run", { name, inputs: inputs.slice(0, 1), outputs: ["images"] });
  paint(big, images);
  const [shares] = await ask("judge", { images: [images] });
  bars.put(shares);
  const best = shares.indexOf(Math.max(...shares));
  const wanted = state.share ? say("{a} and {b}, mixed", { a: state.digit, b: state.with }) : state.digit;
  says.textContent = say("Asked for: {wanted}. The judge reads: {digit} ({share}).", {
    wanted, digit: best, share: percent(shares[best]),
  });
  const rest = await ask("run", { name, inputs: inputs.slice(1), outputs: ["images"] });
  ten.forEach(({ picture, press }, digit) => {
    paint(picture, rest[digit].images);
    press.setAttribute("aria-pressed", String(digit === state.digit));
  });
  way.forEach(({ picture, press, part }, i) => {
    paint(picture, rest[10 + i].images);
    press.setAttribute("aria-pressed", String(Math.abs(part - state.share) < 0.5 / (MORPH - 1)));
  });
});

const digits = Array.from({ length: 10 }, (_, digit) => [digit, String(digit)]);
const models = choice(
  say("Model"),
  [
    ["cgan", say("conditional GAN")],
    ["cvae", say("conditional VAE")],
  ],
  state.model,
  (model) => choose({ model }),
);
const first = choice(say("Digit"), digits, state.digit, (digit) => choose({ digit }));
const other = choice(say("Mixed with"), digits, state.with, (one) => choose({ with: one }));
const mixed = slider(say("share of the second"), {
  least: 0, most: 1, step: 0.01, value: state.share, show: percent, change: (one) => choose({ share: one }),
});
const sliders = Object.fromEntries(
  Object.entries(STYLES).map(([name, label]) => [
    name,
    slider(label, {
      least: -3, most: 3, step: 0.1, value: state[name], show: (one) => signed(one), change: (one) => choose({ [name]: one }),
    }),
  ]),
);

function choose(changes) {
  state.set(changes);
  for (const [name, one] of Object.entries({ model: models, digit: first, with: other, share: mixed, ...sliders })) {
    if (name in changes) one.put(state[name]);
  }
  update();
}

const parts = [
  part(
    state,
    "digit",
    say("Digit"),
    models,
    first,
    element("div", { class: "side" }, big, element("div", {}, says, bars)),
  ),
  part(
    state,
    "style",
    say("Style"),
    ...Object.values(sliders),
    element(
      "div",
      { class: "row" },
      button(say("Another handwriting"), () => choose({ seed: (state.seed * 48271 + 11) % 999983 + 1 })),
      button(say("Sliders to the middle"), () => choose({ thickness: 0, slant: 0, width: 0 })),
    ),
    element("h3", {}, say("The same style for all ten digits")),
    element("div", { class: "strip ten" }, ...ten.map((one) => one.press)),
  ),
  part(
    state,
    "mix",
    say("Mixed labels"),
    other,
    mixed,
    element("div", { class: "strip nine" }, ...way.map((one) => one.press)),
  ),
];
root.classList.add("ask");
fill(state, [parts[0], parts[2]], [parts[1]]);
await update();
ready();
