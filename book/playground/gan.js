// A GAN in two dimensions that trains while you watch, as in lesson 06.
import {
  State, ask, button, checkbox, choice, colour, element, fill, oneOf, onTheme, part, percent, progress,
  ready, root, say, slider, whole,
} from "./frame.js";
import { CENTRES, FIELD, PLAIN, REACH, SPREAD } from "./ring.js";

const RECIPES = {
  plain: {},
  "slow critic": { criticRate: 0.0001, generatorRate: 0.001 },
  "two time scales": { criticRate: 0.003, generatorRate: 0.001 },
  momentum: { momentum: 0.9 },
  saturating: { loss: "saturating", criticSteps: 5 },
  friction: { loss: "saturating", criticSteps: 5, penalty: "flat", weight: 0.05 },
  wasserstein: { loss: "wasserstein", criticSteps: 5, penalty: "one", weight: 1 },
};
const LABELS = {
  plain: say("plain"),
  "slow critic": say("slow critic"),
  "two time scales": say("two time scales"),
  momentum: say("much momentum"),
  saturating: say("saturating loss"),
  friction: say("saturating, R1 and R2"),
  wasserstein: say("Wasserstein, slope of 1"),
};
const SPEEDS = { slow: 1, medium: 5, fast: 1000 };
const LONGEST = 5000; // rounds
const AT_ONCE = 45; // milliseconds of training between two pictures

// Recipes in the address, in the order in which they were played: 300*LOSS_RATE_...
const FIELDS = ["loss", "criticRate", "generatorRate", "momentum", "criticSteps", "penalty", "weight"];
const ALLOWED = {
  loss: oneOf("non-saturating", "saturating", "wasserstein"),
  penalty: oneOf("none", "flat", "one"),
  criticSteps: whole(1, 10),
};
const nameOf = (recipe) =>
  Object.keys(RECIPES).find((name) => FIELDS.every((one) => ({ ...PLAIN, ...RECIPES[name] })[one] === recipe[one]));
const recipes = {
  write: (recipe) => (nameOf(recipe) ?? FIELDS.map((one) => recipe[one]).join("_")).replaceAll(" ", "."),
  read(text) {
    const name = text.replaceAll(".", " ");
    if (Object.hasOwn(RECIPES, name)) return { ...PLAIN, ...RECIPES[name] };
    const values = text.split("_");
    if (values.length !== FIELDS.length) return undefined;
    const made = {};
    FIELDS.forEach((one, i) => {
      const number = Number(values[i]);
      made[one] = ALLOWED[one] ? ALLOWED[one].read(values[i]) : number >= 0 && number <= 100 ? number : undefined;
    });
    return FIELDS.some((one) => made[one] === undefined) ? undefined : made;
  },
};
const segments = {
  write: (given) => given.map(({ rounds, recipe }) => `${rounds}*${recipes.write(recipe)}`).join("~"),
  read(text) {
    const made = text.split("~").map((one) => {
      const [, rounds, rest] = /^(\d{1,5})\*(.+)$/.exec(one) ?? [];
      const recipe = rest && recipes.read(rest);
      return recipe ? { rounds: Number(rounds), recipe } : undefined;
    });
    const sum = made.reduce((all, one) => all + (one?.rounds ?? Infinity), 0);
    return made.length <= 30 && sum <= LONGEST ? made : undefined;
  },
};

const state = new State({
  seed: [1, whole(1, 999999)],
  recipe: [{ ...PLAIN }, recipes],
  played: [[], segments],
  speed: ["fast", oneOf("slow", "medium", "fast")],
  points: ["now", oneOf("now", "average")],
  arrows: ["on", oneOf("on", "off")],
});

const SIDE = 600;
const canvas = element("canvas", { width: SIDE, height: SIDE, class: "map", role: "img" });
const context = canvas.getContext("2d");
const chart = element("canvas", { width: SIDE, height: 150, class: "chart", role: "img" });
const status = element("dl", { class: "numbers" });
const working = progress();
const diagnosis = element("p", { class: "said", role: "status" });
let seen;
let playing = false;
let generation = 0; // of games: what an older one sends is dropped

const averaged = () => state.points === "average";
const rounds = () => state.played.reduce((sum, one) => sum + one.rounds, 0);

function toPlane(x, y) {
  return [((x + REACH) / (2 * REACH)) * SIDE, ((REACH - y) / (2 * REACH)) * SIDE];
}

function mixed(a, b, t) {
  return a.map((one, i) => Math.round(one + t * (b[i] - one)));
}

function repaint() {
  if (!seen) return;
  const dark = getComputedStyle(document.body).colorScheme.includes("dark") || isDark();
  // The critic's opinion: blue where it says "real", orange where "generated".
  const middle = dark ? [24, 28, 38] : [250, 250, 252];
  const real = dark ? [32, 84, 140] : [165, 205, 245];
  const fake = dark ? [122, 66, 20] : [250, 210, 165];
  const { field } = seen;
  const sorted = [...field].sort((a, b) => a - b);
  const score = state.recipe.loss === "wasserstein";
  const centre = score ? sorted[sorted.length >> 1] : 0;
  const scale = score ? Math.max(sorted.at(-1) - sorted[0], 1e-6) / 4 : 1;
  const picture = new ImageData(FIELD, FIELD);
  field.forEach((one, i) => {
    const t = Math.tanh((one - centre) / scale / 2);
    picture.data.set([...mixed(middle, t > 0 ? real : fake, Math.abs(t)), 255], 4 * i);
  });
  const small = new OffscreenCanvas(FIELD, FIELD);
  small.getContext("2d").putImageData(picture, 0, 0);
  context.imageSmoothingEnabled = true;
  context.drawImage(small, 0, 0, SIDE, SIDE);

  context.lineWidth = 2.5;
  for (const [x, y] of CENTRES) {
    context.beginPath();
    context.arc(...toPlane(x, y), (3 * SPREAD * SIDE) / (2 * REACH), 0, 7);
    context.strokeStyle = dark ? "#9ccbff" : "#1f5fa8";
    context.stroke();
  }
  const { points, pushes } = seen;
  if (state.arrows === "on" && !averaged()) {
    context.strokeStyle = dark ? "rgba(255,255,255,0.55)" : "rgba(0,0,0,0.45)";
    context.lineWidth = 1.5;
    for (let i = 0; i < pushes.length; i += 2) {
      const [x, y] = toPlane(points[i], points[i + 1]);
      const length = Math.hypot(pushes[i], pushes[i + 1]);
      const reach = 26 * Math.tanh(length) / (length + 1e-9);
      context.beginPath();
      context.moveTo(x, y);
      context.lineTo(x + reach * pushes[i], y - reach * pushes[i + 1]);
      context.stroke();
    }
  }
  context.fillStyle = dark ? "#ffab40" : "#c2410c";
  context.strokeStyle = dark ? "rgba(0,0,0,0.5)" : "rgba(255,255,255,0.8)";
  context.lineWidth = 1;
  for (let i = 0; i < points.length; i += 2) {
    context.beginPath();
    context.arc(...toPlane(points[i], points[i + 1]), 4, 0, 7);
    context.fill();
    context.stroke();
  }
  paintChart(dark);
  const given = { rounds: seen.rounds, modes: seen.covered, good: percent(seen.good) };
  canvas.setAttribute(
    "aria-label",
    say("Plane with eight modes on a circle. After {rounds} rounds the generator covers {modes} of them; {good} of its points are good.", given),
  );
}

const isDark = () => {
  const [red] = getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number);
  return red < 128;
};

function paintChart(dark) {
  const paper = chart.getContext("2d");
  const { curve } = seen;
  paper.clearRect(0, 0, SIDE, 150);
  const [left, right, top, bottom] = [34, SIDE - 8, 12, 126];
  const y = (modes) => bottom - ((bottom - top) * modes) / 8;
  paper.font = "20px sans-serif";
  paper.fillStyle = colour("--color-foreground-secondary");
  paper.strokeStyle = colour("--color-background-border");
  paper.lineWidth = 1.5;
  for (const modes of [0, 4, 8]) {
    paper.fillText(String(modes), 6, y(modes) + 7);
    paper.beginPath();
    paper.moveTo(left, y(modes));
    paper.lineTo(right, y(modes));
    paper.stroke();
  }
  const most = Math.max(60, curve.length);
  paper.textAlign = "right";
  paper.fillText(String(10 * most), right, 148);
  paper.textAlign = "left";
  const x = (i) => left + ((right - left) * (i + 1)) / most;
  paper.strokeStyle = dark ? "#ffab40" : "#c2410c";
  paper.lineWidth = 3;
  paper.beginPath();
  curve.forEach((modes, i) => (i ? paper.lineTo(x(i), y(modes)) : paper.moveTo(x(i), y(modes))));
  paper.stroke();
  // Where the recipe changed.
  paper.setLineDash([5, 5]);
  paper.strokeStyle = colour("--color-foreground-secondary");
  let sum = 0;
  for (const { rounds: count } of state.played.slice(0, -1)) {
    sum += count;
    paper.beginPath();
    paper.moveTo(x(sum / 10 - 1), top);
    paper.lineTo(x(sum / 10 - 1), bottom);
    paper.stroke();
  }
  paper.setLineDash([]);
  chart.setAttribute("aria-label", say("Modes covered so far, now {modes} of 8", { modes: seen.covered }));
}

function show(found) {
  seen = found;
  status.replaceChildren(
    ...[
      [say("rounds"), String(found.rounds)],
      [say("modes covered"), `${found.covered} / 8`],
      [say("good points"), percent(found.good)],
    ].flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]),
  );
  diagnosis.textContent = diagnosed(found);
  repaint();
}

/** What the numbers say, in words. */
function diagnosed({ rounds: count, covered, good, curve }) {
  if (count < 100) return say("The generator has hardly begun.");
  const last = curve.slice(-20);
  const lost = Math.max(...last) - covered >= 3;
  if (covered <= 2 && good < 0.3) return say("The points are together in few places, and these move: mode collapse that is chased around.");
  if (covered <= 4) return say("Several modes are missing: mode collapse.");
  if (lost) return say("Modes come and go: the game does not settle.");
  if (covered === 8 && good > 0.75) return say("All modes are covered and most points are good.");
  return say("Most modes are found; points still travel between them.");
}

/** Adds rounds to what was played. */
function note(count) {
  if (!count) return;
  const played = state.played.map((one) => ({ ...one }));
  const last = played.at(-1);
  if (last && recipes.write(last.recipe) === recipes.write(state.recipe)) last.rounds += count;
  else played.push({ rounds: count, recipe: state.recipe });
  state.set({ played });
}

async function step(count, most) {
  const mine = generation;
  const left = LONGEST - rounds();
  const found = await ask("play", { recipe: state.recipe, rounds: Math.min(count, left), averaged: averaged(), most });
  if (mine !== generation) return;
  note(found.played);
  show(found);
  if (rounds() >= LONGEST) {
    playing = false;
    diagnosis.textContent = say("{rounds} rounds are the most that this page plays: begin again.", { rounds: LONGEST });
  }
}

let running; // the loop that plays; there is one at most
async function loop() {
  while (playing) {
    const began = performance.now();
    await step(SPEEDS[state.speed], AT_ONCE);
    const rest = state.speed === "fast" ? 0 : 120 - (performance.now() - began);
    await new Promise((done) => setTimeout(() => requestAnimationFrame(done), rest));
  }
  running = undefined;
  label();
}

function label() {
  play.textContent = playing ? say("Pause") : say("Play");
  play.classList.toggle("on", playing);
}

function start() {
  playing = true;
  label();
  running ??= loop();
}

const play = button(say("Play"), () => {
  if (playing) {
    playing = false;
    label();
  } else start();
}, { class: "primary" });
const one = button(say("One round"), async () => {
  playing = false;
  label();
  await running;
  await step(1);
});

async function begin() {
  playing = false;
  label();
  generation += 1;
  show(await ask("begin", { seed: state.seed, recipe: state.recipe, averaged: averaged() }));
}

async function again(changes = {}) {
  state.set({ ...changes, played: [] });
  await begin();
}

const presets = choice(
  say("Recipe"),
  Object.keys(RECIPES).map((name) => [name, LABELS[name]]),
  nameOf(state.recipe),
  (name) => change({ ...PLAIN, ...RECIPES[name] }),
);

function change(recipe) {
  state.set({ recipe });
  presets.put(nameOf(recipe));
  for (const [name, control] of Object.entries(controls)) control.put(NUMBERS[name]?.to(recipe[name]) ?? recipe[name]);
  if (!playing && seen) ask("look", { recipe, averaged: averaged() }).then(show);
}

// Rates move by powers of ten.
const rate = { least: -5, most: -2, step: 0.1, show: (power) => String(Number((10 ** power).toPrecision(1))) };
const powers = { from: (power) => Number((10 ** power).toPrecision(1)), to: Math.log10 };
const NUMBERS = { criticRate: powers, generatorRate: powers };
const put = (name) => (value) => change({ ...state.recipe, [name]: NUMBERS[name]?.from(value) ?? value });
const controls = {
  criticRate: slider(say("critic's learning rate"), { ...rate, value: Math.log10(state.recipe.criticRate), change: put("criticRate") }),
  generatorRate: slider(say("generator's learning rate"), { ...rate, value: Math.log10(state.recipe.generatorRate), change: put("generatorRate") }),
  momentum: slider(say("momentum (beta 1)"), { least: 0, most: 0.95, step: 0.05, value: state.recipe.momentum, show: (x) => x.toFixed(2), change: put("momentum") }),
  criticSteps: slider(say("critic's steps a round"), { least: 1, most: 10, step: 1, value: state.recipe.criticSteps, change: put("criticSteps") }),
  loss: choice(say("Loss"), [
    ["non-saturating", say("non-saturating")], ["saturating", say("saturating")], ["wasserstein", say("Wasserstein")],
  ], state.recipe.loss, put("loss")),
  penalty: choice(say("Penalty on the critic's slope"), [
    ["none", say("none")], ["flat", say("towards 0 (R1, R2)")], ["one", say("towards 1 (gradient penalty)")],
  ], state.recipe.penalty, put("penalty")),
  weight: slider(say("weight of the penalty"), { least: 0, most: 2, step: 0.05, value: state.recipe.weight, show: (x) => x.toFixed(2), change: put("weight") }),
};

const parts = [
  part(
    state,
    "plane",
    say("Plane"),
    canvas,
    element(
      "ul",
      { class: "key" },
      element("li", { class: "key-real" }, say("real points lie in the circles")),
      element("li", { class: "key-fake" }, say("generated points")),
      element("li", { class: "key-area" }, say("the critic says: real (blue), generated (orange)")),
    ),
    element("div", { class: "row" }, play, one, button(say("Begin again"), () => again()),
      button(say("Another start"), () => again({ seed: (state.seed % 999) + 1 }))),
    working,
    choice(say("Speed"), [["slow", say("slow")], ["medium", say("medium")], ["fast", say("fast")]], state.speed, (speed) => state.set({ speed })),
  ),
  part(
    state,
    "numbers",
    say("Diagnosis"),
    status,
    element("h3", {}, say("Modes covered")),
    chart,
    diagnosis,
    element(
      "div",
      { class: "row" },
      button(say("Collapse it"), () => { change({ ...PLAIN, ...RECIPES["slow critic"] }); start(); }, { class: "bad" }),
      button(say("Repair it"), () => { change({ ...PLAIN, ...RECIPES["two time scales"] }); start(); }, { class: "good" }),
    ),
    checkbox(say("Arrows: where the critic sends the points"), state.arrows === "on", (on) => {
      state.set({ arrows: on ? "on" : "off" });
      repaint();
    }),
    checkbox(say("Points of the generator's average"), averaged(), (on) => {
      state.set({ points: on ? "average" : "now" });
      if (!playing) ask("look", { recipe: state.recipe, averaged: on }).then(show);
    }),
  ),
  part(state, "recipe", say("Recipe"), presets, element("details", {}, element("summary", {}, say("Every choice")), ...Object.values(controls))),
];
root.classList.add("gan");
fill(state, parts.slice(0, 1), parts.slice(1));
onTheme(repaint);

// A link with rounds plays them first, as they were.
const wanted = state.played;
state.played = [];
await begin();
ready();
if (wanted.length) {
  const last = state.recipe;
  const all = wanted.reduce((sum, one) => sum + one.rounds, 0);
  const mine = generation;
  let ended = false;
  for (const { rounds: count, recipe } of wanted) {
    if (ended || mine !== generation) break;
    state.recipe = recipe;
    const before = rounds();
    const job = ask("play", { recipe, rounds: count, averaged: averaged() }, ({ played, look }) => {
      working.put((before + played) / all);
      if (look) show(look);
    });
    working.stopped = () => {
      ended = true;
      job.stop();
    };
    const found = await job;
    if (mine !== generation) break;
    note(found.played);
    show(found);
  }
  working.put(1);
  change(ended ? state.recipe : last);
}
root.dataset.played = "true";
