// What all playgrounds share: words, the state in the address, controls, the worker.
// A page has <div class="play" data-play="NAME">; NAME.js fills it.

const words = globalThis.playWords ?? {};

/** The page's language for an English text; {name} in it is replaced by given.name. */
export function say(text, given = {}) {
  return (words[text] ?? text).replace(/\{(\w+)\}/g, (all, name) => given[name] ?? all);
}

/** An element with attributes, listeners (on...) and children. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children.filter((one) => one !== undefined && one !== null));
  return made;
}

export const root = document.querySelector(".play");

// State --------------------------------------------------------------------------------

/** Kinds of values in the address. `read` gives undefined for what is not allowed. */
export const number = (least, most, digits = 2) => ({
  read(text) {
    const value = text.trim() === "" ? NaN : Number(text);
    return value >= least && value <= most ? value : undefined;
  },
  write: (value) => String(Number(value.toFixed(digits))),
});
export const whole = (least, most) => ({
  read: (text) => (/^\d{1,9}$/.test(text) && text >= least && text <= most ? Number(text) : undefined),
  write: String,
});
export const oneOf = (...values) => ({
  read: (text) => (values.includes(text) ? text : undefined),
  write: String,
});

/** Values that the address holds; those that are as at the start are left out. */
export class State {
  constructor(kinds) {
    this.kinds = kinds;
    const given = new URLSearchParams(location.search);
    for (const [name, [start, kind]] of Object.entries(kinds)) {
      this[name] = (given.has(name) ? kind.read(given.get(name)) : undefined) ?? start;
    }
    this.hidden = new Set((given.get("hide") ?? "").split(",").filter(Boolean));
  }

  /** The query of the address, without "?". */
  query(hidden = this.hidden) {
    const made = new URLSearchParams();
    for (const [name, [start, kind]] of Object.entries(this.kinds)) {
      const text = kind.write(this[name]);
      if (text !== kind.write(start)) made.set(name, text);
    }
    const left = [...hidden].join(",");
    return made.toString() + (left ? `${made.size ? "&" : ""}hide=${left}` : "");
  }

  /** Sets values and, soon, the address. Browsers allow few changes a second. */
  set(changes) {
    Object.assign(this, changes);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.write(), 150);
  }

  write() {
    clearTimeout(this.timer);
    const query = this.query();
    history.replaceState(null, "", location.pathname + (query ? `?${query}` : "") + location.hash);
    shareBox?.renew();
  }
}

// Parts and controls -------------------------------------------------------------------

let shareBox;

/** A box of the page that a link can hide. */
export function part(state, name, title, ...children) {
  const made = element("section", { class: "part", "data-part": name, "aria-label": title });
  if (title) made.append(element("h2", {}, title));
  made.append(...children.filter(Boolean));
  made.hidden = state.hidden.has(name);
  return made;
}

let counter = 0;
const fresh = () => `play-${++counter}`;

/** A slider with its value beside its name. */
export function slider(label, { least, most, step, value, show = String, change }) {
  const id = fresh();
  const shown = element("output", { for: id }, show(value));
  const input = element("input", { type: "range", id, min: least, max: most, step, value });
  input.addEventListener("input", () => {
    shown.textContent = show(input.valueAsNumber);
    change(input.valueAsNumber);
  });
  const made = element("div", { class: "slider" }, element("label", { for: id }, label), shown, input);
  made.put = (given) => {
    input.value = given;
    shown.textContent = show(given);
  };
  return made;
}

/** Buttons of which one is on: [[value, label], ...]. */
export function choice(label, options, value, change) {
  const name = fresh();
  const made = element("fieldset", { class: "choice" }, element("legend", {}, label));
  for (const [one, text] of options) {
    const input = element("input", { type: "radio", name, value: one });
    input.checked = String(one) === String(value);
    input.addEventListener("change", () => change(one));
    made.append(element("label", {}, input, element("span", {}, text)));
  }
  made.put = (given) => {
    for (const input of made.querySelectorAll("input")) input.checked = input.value === String(given);
  };
  return made;
}

export function button(label, action, attributes = {}) {
  return element("button", { type: "button", onclick: action, ...attributes }, label);
}

export function checkbox(label, value, change) {
  const input = element("input", { type: "checkbox" });
  input.checked = value;
  input.addEventListener("change", () => change(input.checked));
  const made = element("label", { class: "check" }, input, label);
  made.put = (given) => (input.checked = given);
  return made;
}

/** Long work: how far it is, and a button that stops it. */
export function progress() {
  const bar = element("progress", { max: 1, value: 0, "aria-label": say("Progress") });
  const stop = button(say("Stop"), () => made.stopped?.());
  const made = element("div", { class: "progress", hidden: true }, bar, stop);
  made.put = (share) => {
    made.hidden = share >= 1;
    bar.value = share;
  };
  return made;
}

/** The link to this state, and what it hides. */
function share(state, parts) {
  const id = fresh();
  const address = element("input", { id, type: "text", readonly: true, onfocus: () => address.select() });
  const hidden = new Set(state.hidden);
  const boxes = parts.map((one) =>
    checkbox(one.getAttribute("aria-label"), !hidden.has(one.dataset.part), (shown) => {
      if (shown) hidden.delete(one.dataset.part);
      else hidden.add(one.dataset.part);
      shareBox.renew();
    }),
  );
  const copy = button(say("Copy"), async () => {
    address.select();
    try {
      await navigator.clipboard.writeText(address.value);
      copy.textContent = say("Copied");
      setTimeout(() => (copy.textContent = say("Copy")), 1500);
    } catch {
      // Without the right to copy: it is marked, for the reader to copy.
    }
  });
  shareBox = element(
    "details",
    { class: "share" },
    element("summary", {}, say("Link to what you see")),
    element("p", {}, say("The link opens this page as it is now. For a class: leave parts out.")),
    element("div", { class: "address" }, element("label", { for: id, class: "unseen" }, say("Link")), address, copy),
    element("fieldset", { class: "checks" }, element("legend", {}, say("Parts that the link shows")), ...boxes),
  );
  shareBox.renew = () => {
    const query = state.query(hidden);
    address.value = location.origin + location.pathname + (query ? `?${query}` : "");
  };
  shareBox.renew();
  if (state.hidden.has("link")) shareBox.hidden = true;
  return shareBox;
}

// Pictures -----------------------------------------------------------------------------

/** The colours of the ten digits. */
export const COLOURS = [
  "#4e79a7", "#f28e2b", "#e15759", "#76b7b2", "#59a14f",
  "#d4b106", "#b07aa1", "#ff6f91", "#9c755f", "#8a8f98",
];

const INK = new Uint8ClampedArray(256 * 3);
for (let i = 0; i < 256; i++) {
  const t = i / 255;
  INK.set([18 + 237 * t, 22 + 233 * t, 34 + 221 * t], 3 * i);
}

/** A canvas of 28 x 28 pixels, shown larger. */
export function digitCanvas(label, attributes = {}) {
  const made = element("canvas", { width: 28, height: 28, class: "digit", role: "img", ...attributes });
  if (label) made.setAttribute("aria-label", label);
  else made.setAttribute("aria-hidden", "true");
  paint(made, new Float32Array(784));
  return made;
}

/** Paints ink in [0, 1] at a place of a canvas. */
export function paint(canvas, pixels, x = 0, y = 0) {
  const picture = new ImageData(28, 28);
  for (let i = 0; i < 784; i++) {
    const level = 3 * Math.round(255 * Math.min(1, Math.max(0, pixels[i])));
    picture.data.set([INK[level], INK[level + 1], INK[level + 2], 255], 4 * i);
  }
  canvas.getContext("2d").putImageData(picture, x, y);
}

/** What the judge says: ten bars. */
export function verdict() {
  const rows = Array.from({ length: 10 }, (_, digit) => {
    const bar = element("span", { class: "bar" });
    const share = element("span", { class: "share-of" });
    return { bar, share, row: element("li", {}, element("b", {}, String(digit)), element("span", { class: "track" }, bar), share) };
  });
  const made = element("ol", { class: "verdict" }, ...rows.map((one) => one.row));
  made.put = (shares) => {
    const best = shares ? shares.indexOf(Math.max(...shares)) : -1;
    rows.forEach(({ bar, share, row }, digit) => {
      const value = shares?.[digit] ?? 0;
      bar.style.width = `${100 * value}%`;
      share.textContent = value >= 0.005 ? percent(value) : "";
      row.classList.toggle("best", digit === best);
    });
  };
  made.put(undefined);
  return made;
}

export const percent = (share) => {
  const rounded = 100 * share;
  const text = rounded > 0 && rounded < 1 ? "<1" : String(Math.round(rounded));
  return `${text}\u00a0%`;
};
export const signed = (value, digits = 1) => (value < 0 ? "−" : "") + Math.abs(value).toFixed(digits);

/** A colour of the page, such as colour("--color-brand-primary"). */
export const colour = (name) => getComputedStyle(document.body).getPropertyValue(name).trim();

/** Calls back when light turns to dark or back. */
export function onTheme(call) {
  new MutationObserver(call).observe(document.body, { attributes: true, attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", call);
}

// The worker ---------------------------------------------------------------------------

const worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
const waiting = new Map();
let asked = 0;

worker.addEventListener("message", ({ data }) => {
  const one = waiting.get(data.id);
  if (!one) return;
  if ("part" in data) return void one.part?.(data.part);
  waiting.delete(data.id);
  if (data.error) one.reject(new Error(data.error));
  else one.resolve(data.result);
});

/**
 * Lets the worker do a task and gives a promise of its result. `part` is told what is
 * ready so far; `stop()` of the promise ends the task, whose result is then null.
 */
export function ask(task, given = {}, part = undefined) {
  const id = ++asked;
  const promise = new Promise((resolve, reject) => waiting.set(id, { resolve, reject, part }));
  worker.postMessage({ id, task, given });
  promise.stop = () => worker.postMessage({ stop: id });
  promise.catch(trouble);
  return promise;
}

function trouble(error) {
  if (document.querySelector(".play .trouble")) return;
  root.prepend(
    element("p", { class: "trouble", role: "alert" }, say("This did not work: {why}", { why: error.message })),
  );
}

/**
 * Runs `work` for the newest input only: while one is at work, only the last of those
 * that came meanwhile is kept. A slider that is dragged asks more often than it is served.
 */
export function latest(work) {
  let busy = false;
  let next;
  return async function run(...given) {
    next = given;
    if (busy) return;
    busy = true;
    try {
      while (next) {
        const now = next;
        next = undefined;
        await work(...now);
      }
    } finally {
      busy = false;
    }
  };
}

/** Fills the page's box with two columns of parts, and the link below them. */
export function fill(state, left, right) {
  const column = (parts) => {
    const made = element("div", { class: "column" }, ...parts);
    made.hidden = parts.every((one) => one.hidden);
    return made;
  };
  const columns = [column(left), column(right)];
  root.classList.toggle("single", columns.some((one) => one.hidden));
  root.append(...columns, share(state, [...left, ...right]));
}

/** Tells that the first picture is there. */
export function ready() {
  root.dataset.ready = "true";
}
