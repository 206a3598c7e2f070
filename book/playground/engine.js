// Reads a network's file and computes it, one example at a time. A file is a mark, the
// header's length, the header in JSON, the weights: tools/export_networks.py writes it.

import { addProduct } from "./sums.js";

const half = (bits) => {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
};

/** An array as numbers of 32 bits, whatever the file keeps. */
function unpacked(kept, buffer, begin) {
  const size = kept.shape.reduce((product, one) => product * one, 1);
  const at = begin + kept.at;
  if (kept.type === "f32") return new Float32Array(buffer, at, size);
  if (kept.type === "f16") return Float32Array.from(new Uint16Array(buffer, at, size), half);
  const columns = kept.shape[1];
  const scale = new Float32Array(buffer, begin + kept.scale, columns);
  const rounded = new Int8Array(buffer, at, size);
  const values = new Float32Array(size);
  for (let i = 0, row = 0; row < kept.shape[0]; row++) {
    for (let column = 0; column < columns; column++, i++) values[i] = rounded[i] * scale[column];
  }
  return values;
}

const sigmoid = (x) => 1 / (1 + Math.exp(-x));

const UNARY = {
  relu: (x) => (x > 0 ? x : 0),
  silu: (x) => x * sigmoid(x),
  sigmoid,
  softplus: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  negative: (x) => -x,
  sin: Math.sin,
  cos: Math.cos,
};

/** Where a convolution of stride s with padding "same" begins: rows left of the image. */
function padding(size, stride, kernel) {
  const made = Math.ceil(size / stride);
  return Math.floor(Math.max((made - 1) * stride + kernel - size, 0) / 2);
}

const STEPS = {
  dense(step, [x], y) {
    if (step.bias) y.set(step.bias.values);
    else y.fill(0);
    addProduct(y, 0, y.length, x, 0, 1, x.length, step.kernel.values);
  },

  convolve(step, [x], y) {
    const { stride, height, width, channels } = step;
    const [size, , , filters] = step.kernel.shape;
    const kernel = step.kernel.values;
    const top = padding(height, stride, size);
    const left = padding(width, stride, size);
    const rows = Math.ceil(height / stride);
    const columns = Math.ceil(width / stride);
    const sum = new Float32Array(filters);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        if (step.bias) sum.set(step.bias.values);
        else sum.fill(0);
        for (let i = 0; i < size; i++) {
          const r = row * stride + i - top;
          if (r < 0 || r >= height) continue;
          for (let j = 0; j < size; j++) {
            const c = column * stride + j - left;
            if (c < 0 || c >= width) continue;
            const from = (r * width + c) * channels;
            const weights = (i * size + j) * channels * filters;
            addProduct(sum, 0, filters, x, from, 1, channels, kernel, weights);
          }
        }
        y.set(sum, (row * columns + column) * filters);
      }
    }
  },

  // A transposed convolution: each place spreads over the kernel's size.
  spread(step, [x], y) {
    const { stride, height, width, channels } = step;
    const [size, , filters] = step.kernel.shape; // (size, size, filters, channels)
    const kernel = step.turned ?? (step.turned = turned(step.kernel));
    const rows = height * stride;
    const columns = width * stride;
    const top = padding(rows, stride, size);
    const left = padding(columns, stride, size);
    for (let i = 0; i < y.length; i++) y[i] = step.bias ? step.bias.values[i % filters] : 0;
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const from = (row * width + column) * channels;
        for (let i = 0; i < size; i++) {
          const r = row * stride + i - top;
          if (r < 0 || r >= rows) continue;
          for (let j = 0; j < size; j++) {
            const c = column * stride + j - left;
            if (c < 0 || c >= columns) continue;
            const to = (r * columns + c) * filters;
            const weights = (i * size + j) * channels * filters;
            addProduct(y, to, filters, x, from, 1, channels, kernel, weights);
          }
        }
      }
    }
  },

  affine(step, [x], y) {
    const scale = step.scale.values;
    const shift = step.shift.values;
    const size = scale.length;
    for (let i = 0; i < y.length; i++) y[i] = x[i] * scale[i % size] + shift[i % size];
  },

  scale(step, [x], y) {
    const scale = step.scale.values;
    for (let i = 0; i < y.length; i++) y[i] = x[i % x.length] * scale[i % scale.length];
  },

  normalise(step, [x], y) {
    let mean = 0;
    for (const one of x) mean += one / x.length;
    let variance = 0;
    for (const one of x) variance += (one - mean) ** 2 / x.length;
    const scale = 1 / Math.sqrt(variance + step.epsilon);
    const { scale: gamma, shift: beta } = step;
    for (let i = 0; i < y.length; i++) {
      y[i] = (x[i] - mean) * scale * gamma.values[i] + beta.values[i];
    }
  },

  softmax(step, [x], y) {
    let largest = -Infinity;
    for (const one of x) largest = Math.max(largest, one);
    let sum = 0;
    for (let i = 0; i < y.length; i++) sum += y[i] = Math.exp(x[i] - largest);
    for (let i = 0; i < y.length; i++) y[i] /= sum;
  },

  concatenate(step, parts, y) {
    let at = 0;
    for (const part of parts) {
      y.set(part, at);
      at += part.length;
    }
  },

  // The second one is repeated where it is shorter: one number for each channel.
  add(step, [a, b], y) {
    const [long, short] = a.length >= b.length ? [a, b] : [b, a];
    for (let i = 0; i < y.length; i++) y[i] = long[i] + short[i % short.length];
  },

  multiply(step, [a, b], y) {
    const [long, short] = a.length >= b.length ? [a, b] : [b, a];
    for (let i = 0; i < y.length; i++) y[i] = long[i] * short[i % short.length];
  },

  dot(step, [x, matrix], y) {
    const size = x.length;
    for (let row = 0; row < size; row++) {
      let sum = 0;
      for (let column = 0; column < size; column++) sum += x[column] * matrix[row * size + column];
      y[row] = sum;
    }
  },
};

/** A kernel (size, size, filters, channels) as (size, size, channels, filters). */
function turned({ shape: [size, , filters, channels], values }) {
  const made = new Float32Array(values.length);
  for (let place = 0; place < size * size; place++) {
    for (let f = 0; f < filters; f++) {
      for (let c = 0; c < channels; c++) {
        made[(place * channels + c) * filters + f] = values[(place * filters + f) * channels + c];
      }
    }
  }
  return made;
}

export class Network {
  /** @param {ArrayBuffer} buffer the file's content. */
  constructor(buffer) {
    const bytes = new Uint8Array(buffer);
    const text = new TextDecoder();
    if (text.decode(bytes.subarray(0, 4)) !== "DDN1") throw new Error("This is no network.");
    const length = new DataView(buffer).getUint32(4, true);
    const header = JSON.parse(text.decode(bytes.subarray(8, 8 + length)));
    const begin = 8 + length;
    const unpack = (holder) => {
      for (const one of Object.values(holder)) {
        if (one?.shape) one.values = unpacked(one, buffer, begin);
        else if (one && typeof one === "object") unpack(one);
      }
    };
    header.steps.forEach(unpack);
    unpack(header.tables);
    Object.assign(this, header);
    this.values = new Array(header.values);
    for (const step of this.steps) this.values[step.out] = new Float32Array(step.size);
  }

  /** How many numbers an input takes. */
  size(input) {
    return this.tables.sizes[input];
  }

  /**
   * Computes outputs from inputs, such as run({code: [0, 0]}, ["logits"]).
   * Only the steps that these outputs need are taken; arrays that come back are copies.
   */
  run(inputs, outputs = Object.keys(this.outputs)) {
    for (const [name, given] of Object.entries(inputs)) {
      if (given.length !== this.size(name)) {
        throw new Error(`${name} takes ${this.size(name)} numbers, not ${given.length}.`);
      }
      this.values[this.inputs[name]] = given;
    }
    for (const step of this.needed(outputs)) {
      const given = step.in.map((one) => this.values[one]);
      const y = this.values[step.out];
      const unary = UNARY[step.op];
      if (unary) for (let i = 0; i < y.length; i++) y[i] = unary(given[0][i]);
      else STEPS[step.op](step, given, y);
    }
    const found = {};
    for (const name of outputs) found[name] = Float32Array.from(this.values[this.outputs[name]]);
    return found;
  }

  /** The steps for some outputs, in the order of their computing. */
  needed(outputs) {
    this.plans ??= new Map();
    const key = outputs.join();
    if (!this.plans.has(key)) {
      const wanted = new Set(outputs.map((name) => this.outputs[name]));
      const plan = [];
      for (const step of [...this.steps].reverse()) {
        if (!wanted.has(step.out)) continue;
        plan.unshift(step);
        step.in.forEach((one) => wanted.add(one));
      }
      this.plans.set(key, plan);
    }
    return this.plans.get(key);
  }
}

/** Loads a network. */
export async function load(name) {
  const address = new URL(`networks/${name}.net`, import.meta.url);
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${address.pathname}: ${answer.status}`);
  return new Network(await answer.arrayBuffer());
}
