// A pad to draw a digit on, by pointer, touch or keys, and what a network sees of it.
import { button, element, onTheme, say } from "./frame.js";

const GRID = 64; // places in a row of the pad: a coordinate is one letter of an address
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const FINER = 4; // pixels of the drawing in a row of one of MNIST's
const PEN = 2.7; // width of a line, in MNIST's pixels
const BOX = 20; // MNIST's digits fill a box of this side
const LARGEST_SCALE = 1.2; // so that a dot does not fill the box

/** Strokes, lists of [x, y] from 0 to 63, in an address: two letters a point. */
export const strokes = {
  write: (given) =>
    given.map((stroke) => stroke.map(([x, y]) => LETTERS[x] + LETTERS[y]).join("")).join("."),
  read(text) {
    if (!/^([\w-]{2}){1,400}(\.([\w-]{2}){1,400}){0,30}$/.test(text)) return undefined;
    return text.split(".").map((stroke) =>
      stroke.match(/../g).map(([x, y]) => [LETTERS.indexOf(x), LETTERS.indexOf(y)]),
    );
  },
};

/** Digits drawn by hand, for those who want to see before they draw. */
export const DRAWN = {
  0: "iNmPpTsYtetkrppulxhzdzZwWsUnThTbVWYRbOfNjO",
  1: "cUdSeQgPhNhWhghqhz",
  4: "kMjOiRhUgWdaaeXhUlalgknktk.lYlfkmkuk1",
  7: "TPZPgOmOsOrQqTpWoYlfimgsdz",
  9: "oUmQjOfNaOXRVVVZXdagehihmeobpXpXpaocofoimmlrkwi0",
  A: "R0UqYgcWfMjWmgqqu0.Wmbmgmkmpm",
};

/** The box around all points. */
function extent(given) {
  const xs = given.flat().map(([x]) => x);
  const ys = given.flat().map(([, y]) => y);
  const [left, right] = [Math.min(...xs), Math.max(...xs)];
  const [top, bottom] = [Math.min(...ys), Math.max(...ys)];
  return { left, top, width: right - left, height: bottom - top };
}

/** Draws strokes as smooth lines. */
function trace(context, given) {
  context.lineCap = context.lineJoin = "round";
  for (const stroke of given) {
    context.beginPath();
    context.moveTo(...stroke[0]);
    for (let i = 1; i + 1 < stroke.length; i++) {
      const [x, y] = stroke[i];
      context.quadraticCurveTo(x, y, (x + stroke[i + 1][0]) / 2, (y + stroke[i + 1][1]) / 2);
    }
    context.lineTo(...stroke.at(-1));
    context.stroke();
  }
}

/**
 * Strokes as MNIST would have them, ink in [0, 1] of 28 x 28 pixels: scaled into a box
 * of 20 x 20 with their shape kept, drawn with a pen of MNIST's width, the centre of mass
 * in the middle. null where nothing is drawn.
 */
export function asMnist(given) {
  if (!given.length) return null;
  const { left, top, width, height } = extent(given);
  const scale = Math.min((BOX - PEN) / Math.max(width, height, 1), LARGEST_SCALE);
  const side = 28 * FINER;
  const canvas = new OffscreenCanvas(side, side);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const drawn = (x, y) => {
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, side, side);
    context.setTransform(FINER * scale, 0, 0, FINER * scale, FINER * x, FINER * y);
    context.lineWidth = PEN / scale;
    context.strokeStyle = "#fff";
    trace(context, given);
    const { data } = context.getImageData(0, 0, side, side);
    const pixels = new Float32Array(784);
    for (let row = 0; row < side; row++) {
      for (let column = 0; column < side; column++) {
        const at = 28 * Math.floor(row / FINER) + Math.floor(column / FINER);
        pixels[at] += data[4 * (side * row + column) + 3] / 255 / FINER ** 2;
      }
    }
    return pixels;
  };
  const x = 14 - scale * (left + width / 2);
  const y = 14 - scale * (top + height / 2);
  const [column, row] = centreOfMass(drawn(x, y));
  return drawn(x + 14 - column, y + 14 - row);
}

/** Column and row of the ink's centre, in pixels from the edge. */
function centreOfMass(pixels) {
  let [mass, x, y] = [0, 0, 0];
  pixels.forEach((ink, i) => {
    mass += ink;
    x += ink * ((i % 28) + 0.5);
    y += ink * (Math.floor(i / 28) + 0.5);
  });
  return [x / mass, y / mass];
}

/** A pad; `changed(strokes, done)` is told of every change. `done`: the pen is up. */
export function pad(given, changed) {
  let drawn = given.map((stroke) => [...stroke]);
  let pen; // the pointer that draws
  let cursor; // [x, y] where keys draw
  let down = false;
  const canvas = element("canvas", {
    width: 512,
    height: 512,
    class: "pad",
    tabindex: 0,
    role: "application",
    "aria-label": say("Pad: draw a digit with a finger, a mouse, or the arrow keys; the space bar puts the pen down and up"),
  });
  const context = canvas.getContext("2d");

  function repaint() {
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = "rgb(18, 22, 34)";
    context.fillRect(0, 0, 512, 512);
    const unit = 512 / GRID;
    context.setTransform(unit, 0, 0, unit, unit / 2, unit / 2);
    context.strokeStyle = "#fff";
    context.lineWidth = 5;
    trace(context, drawn);
    if (!drawn.length && !cursor) {
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.fillStyle = "rgb(150, 158, 178)";
      context.font = "34px sans-serif";
      context.textAlign = "center";
      context.fillText(say("Draw a digit here"), 256, 268);
    }
    if (cursor) {
      context.strokeStyle = down ? "#ffb000" : "#8fb7ff";
      context.lineWidth = 0.6;
      context.beginPath();
      context.arc(...cursor, 3, 0, 7);
      context.stroke();
    }
  }

  function told(done) {
    repaint();
    changed(drawn, done);
  }

  function place(event) {
    const box = canvas.getBoundingClientRect();
    const at = (part, whole) => Math.max(0, Math.min(GRID - 1, Math.floor((GRID * part) / whole)));
    return [at(event.clientX - box.left, box.width), at(event.clientY - box.top, box.height)];
  }

  function extend(stroke, [x, y]) {
    const last = stroke.at(-1);
    if (last && Math.hypot(last[0] - x, last[1] - y) < 2) return;
    stroke.push([x, y]);
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (pen !== undefined || event.button) return;
    event.preventDefault();
    canvas.focus({ preventScroll: true });
    cursor = undefined;
    pen = event.pointerId;
    canvas.setPointerCapture(pen);
    drawn.push([place(event)]);
    told(false);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerId !== pen) return;
    const events = event.getCoalescedEvents?.() ?? [];
    for (const one of events.length ? events : [event]) extend(drawn.at(-1), place(one));
    told(false);
  });
  for (const kind of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(kind, (event) => {
      if (event.pointerId !== pen) return;
      pen = undefined;
      told(true);
    });
  }

  const MOVES = { ArrowLeft: [-2, 0], ArrowRight: [2, 0], ArrowUp: [0, -2], ArrowDown: [0, 2] };
  canvas.addEventListener("keydown", (event) => {
    if (event.key === " ") {
      event.preventDefault();
      cursor ??= [GRID / 2, GRID / 2];
      down = !down;
      if (down) drawn.push([[...cursor]]);
      told(!down);
    } else if (MOVES[event.key]) {
      event.preventDefault();
      cursor ??= [GRID / 2, GRID / 2];
      cursor = cursor.map((one, i) => Math.max(0, Math.min(GRID - 1, one + MOVES[event.key][i])));
      if (down) drawn.at(-1).push([...cursor]);
      told(!down);
    }
  });
  canvas.addEventListener("blur", () => {
    cursor = undefined;
    down = false;
    repaint();
  });

  const made = element("div", { class: "pad-box" }, canvas);
  made.put = (text) => {
    drawn = text ? strokes.read(text) : [];
    told(true);
  };
  const undo = button(say("Undo"), () => {
    drawn.pop();
    told(true);
  });
  const clear = button(say("Clear"), () => made.put(""));
  made.append(element("div", { class: "row" }, undo, clear));
  onTheme(repaint);
  repaint();
  return made;
}

/** Buttons that draw: [[text, label], ...]. */
export function examples(label, given, put) {
  return element(
    "div",
    { class: "row examples" },
    element("span", {}, label),
    ...given.map(([text, name]) => button(name, () => put(text))),
  );
}
