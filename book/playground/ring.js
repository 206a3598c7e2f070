// A GAN in two dimensions, as in lesson 06: two small networks, their gradients by hand,
// Adam. Everything follows from the seed.

import { addProduct } from "./sums.js";

export const BATCH = 128;
export const NOISE = 8;
export const HIDDEN = 64;
export const MODES = 8;
export const SPREAD = 0.05;
const SHOWN = 400;
export const FIELD = 33; // values of the critic in a row of its picture
export const REACH = 1.5; // the picture's edge

export const CENTRES = Array.from({ length: MODES }, (_, i) => [
  Math.cos((i * Math.PI) / 4),
  Math.sin((i * Math.PI) / 4),
]);

/** Uniform numbers in [0, 1) and normal ones, from a seed (mulberry32, Box-Muller). */
export class Chance {
  constructor(seed) {
    this.state = seed >>> 0;
    // Seeds that follow each other would begin alike.
    for (let i = 0; i < 8; i++) this.uniform();
  }

  uniform() {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  normal() {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return radius * Math.cos(2 * Math.PI * this.uniform());
  }

  normals(count) {
    return Float32Array.from({ length: count }, () => this.normal());
  }
}

const sigmoid = (x) => 1 / (1 + Math.exp(-x));

/** Dense layers with ReLU between them, for batches of rows. */
export class Dense {
  constructor(sizes, chance) {
    this.sizes = sizes;
    this.weights = [];
    for (let i = 0; i + 1 < sizes.length; i++) {
      const limit = Math.sqrt(6 / (sizes[i] + sizes[i + 1]));
      const kernel = Float32Array.from(
        { length: sizes[i] * sizes[i + 1] },
        () => limit * (2 * chance.uniform() - 1),
      );
      this.weights.push(kernel, new Float32Array(sizes[i + 1]));
    }
    const zeros = () => this.weights.map((one) => new Float32Array(one.length));
    this.gradients = zeros();
    this.first = zeros();
    this.second = zeros();
    this.steps = 0;
  }

  /** (rows, inputs) to (rows, outputs); what is between is kept for `backward`. */
  forward(x, rows) {
    this.kept = [x];
    const last = this.sizes.length - 2;
    for (let layer = 0; layer <= last; layer++) {
      const [inputs, outputs] = this.sizes.slice(layer, layer + 2);
      const kernel = this.weights[2 * layer];
      const bias = this.weights[2 * layer + 1];
      const given = this.kept[layer];
      const made = new Float32Array(rows * outputs);
      for (let row = 0; row < rows; row++) {
        made.set(bias, row * outputs);
        addProduct(made, row * outputs, outputs, given, row * inputs, 1, inputs, kernel);
      }
      if (layer < last) for (let i = 0; i < made.length; i++) if (made[i] < 0) made[i] = 0;
      this.kept.push(made);
    }
    return this.kept[last + 1];
  }

  /**
   * From the slopes of a loss at the outputs to those at the inputs. With `learn` the
   * weights' gradients are added up.
   */
  backward(slopes, rows, learn) {
    let dy = slopes;
    this.slopes = [];
    for (let layer = this.sizes.length - 2; layer >= 0; layer--) {
      const [inputs, outputs] = this.sizes.slice(layer, layer + 2);
      const kernel = this.weights[2 * layer];
      const x = this.kept[layer];
      this.slopes[layer] = dy;
      if (learn) {
        addOuter(this.gradients[2 * layer], x, dy, rows, inputs, outputs);
        const bias = this.gradients[2 * layer + 1];
        for (let i = 0; i < rows * outputs; i++) bias[i % outputs] += dy[i];
      }
      const dx = new Float32Array(rows * inputs);
      const turned = transposed(kernel, inputs, outputs);
      for (let row = 0; row < rows; row++) {
        addProduct(dx, row * inputs, inputs, dy, row * outputs, 1, outputs, turned);
      }
      if (layer > 0) for (let i = 0; i < dx.length; i++) if (x[i] <= 0) dx[i] = 0; // ReLU
      dy = dx;
    }
    return dy;
  }

  /**
   * Adds the gradients of a penalty on the slopes of the score with respect to the
   * points. `push` turns the slopes (rows, inputs) into the penalty's derivative by
   * them. Where ReLU is linear the second derivative is a product of the same weights.
   */
  penalise(points, rows, push) {
    this.forward(points, rows);
    const slopes = this.backward(new Float32Array(rows).fill(1), rows, false);
    let v = push(slopes);
    for (let layer = 0; layer < this.sizes.length - 1; layer++) {
      const [inputs, outputs] = this.sizes.slice(layer, layer + 2);
      addOuter(this.gradients[2 * layer], v, this.slopes[layer], rows, inputs, outputs);
      if (layer === this.sizes.length - 2) break;
      const kernel = this.weights[2 * layer];
      const next = this.kept[layer + 1];
      const u = new Float32Array(rows * outputs);
      for (let row = 0; row < rows; row++) {
        addProduct(u, row * outputs, outputs, v, row * inputs, 1, inputs, kernel);
      }
      for (let i = 0; i < u.length; i++) if (next[i] <= 0) u[i] = 0;
      v = u;
    }
  }

  /** A step of Adam; the gradients begin anew. */
  adam(rate, beta1, beta2 = 0.99) {
    this.steps += 1;
    const scale = (rate * Math.sqrt(1 - beta2 ** this.steps)) / (1 - beta1 ** this.steps);
    this.weights.forEach((weights, n) => {
      const gradient = this.gradients[n];
      const first = this.first[n];
      const second = this.second[n];
      for (let i = 0; i < weights.length; i++) {
        first[i] += (1 - beta1) * (gradient[i] - first[i]);
        second[i] += (1 - beta2) * (gradient[i] * gradient[i] - second[i]);
        weights[i] -= (scale * first[i]) / (Math.sqrt(second[i]) + 1e-7);
      }
      gradient.fill(0);
    });
  }
}

/** to += x' dy, summed over rows. */
function addOuter(to, x, dy, rows, inputs, outputs) {
  for (let i = 0; i < inputs; i++) addProduct(to, i * outputs, outputs, x, i, inputs, rows, dy);
}

/** (inputs, outputs) as (outputs, inputs). */
function transposed(kernel, inputs, outputs) {
  const made = new Float32Array(kernel.length);
  for (let i = 0; i < inputs; i++) {
    for (let o = 0; o < outputs; o++) made[o * inputs + i] = kernel[i * outputs + o];
  }
  return made;
}

// Slopes of the losses by the scores: of the critic at real and generated points, of the
// generator at its points.
const LOSSES = {
  "non-saturating": [(s) => -sigmoid(-s), sigmoid, (s) => -sigmoid(-s)],
  saturating: [(s) => -sigmoid(-s), sigmoid, (s) => -sigmoid(s)],
  wasserstein: [() => -1, () => 1, () => -1],
};

/** What a recipe may be; `change` of a game's recipe keeps the weights. */
export const PLAIN = {
  loss: "non-saturating",
  criticRate: 0.003,
  generatorRate: 0.003,
  momentum: 0.5,
  criticSteps: 1,
  penalty: "none",
  weight: 0,
};

export class Game {
  constructor(seed) {
    this.chance = new Chance(seed);
    this.generator = new Dense([NOISE, HIDDEN, HIDDEN, 2], this.chance);
    this.critic = new Dense([2, HIDDEN, HIDDEN, 1], this.chance);
    this.average = this.generator.weights.map((one) => one.slice());
    this.noise = this.chance.normals(SHOWN * NOISE);
    this.rounds = 0;
    this.history = []; // shares of the modes, at every look
  }

  real() {
    const points = new Float32Array(2 * BATCH);
    for (let row = 0; row < BATCH; row++) {
      const centre = CENTRES[Math.floor(this.chance.uniform() * MODES)];
      points[2 * row] = centre[0] + SPREAD * this.chance.normal();
      points[2 * row + 1] = centre[1] + SPREAD * this.chance.normal();
    }
    return points;
  }

  fakes() {
    return this.generator.forward(this.chance.normals(BATCH * NOISE), BATCH);
  }

  criticTurn(recipe) {
    const [atReal, atFake] = LOSSES[recipe.loss];
    const real = this.real();
    const fake = this.fakes();
    for (const [points, slope] of [[real, atReal], [fake, atFake]]) {
      const scores = this.critic.forward(points, BATCH);
      this.critic.backward(scores.map((s) => slope(s) / BATCH), BATCH, true);
    }
    const share = recipe.weight / BATCH;
    if (recipe.penalty === "flat" && share) {
      const push = (slopes) => slopes.map((one) => 2 * share * one);
      this.critic.penalise(real, BATCH, push);
      this.critic.penalise(fake, BATCH, push);
    }
    if (recipe.penalty === "one" && share) {
      const between = new Float32Array(2 * BATCH);
      for (let row = 0; row < BATCH; row++) {
        const part = this.chance.uniform();
        for (const i of [2 * row, 2 * row + 1]) between[i] = part * real[i] + (1 - part) * fake[i];
      }
      this.critic.penalise(between, BATCH, (slopes) => {
        const made = new Float32Array(slopes.length);
        for (let row = 0; row < BATCH; row++) {
          const length = Math.hypot(slopes[2 * row], slopes[2 * row + 1]) + 1e-12;
          const factor = (2 * share * (length - 1)) / length;
          made[2 * row] = factor * slopes[2 * row];
          made[2 * row + 1] = factor * slopes[2 * row + 1];
        }
        return made;
      });
    }
    this.critic.adam(recipe.criticRate, recipe.momentum);
  }

  generatorTurn(recipe) {
    const slope = LOSSES[recipe.loss][2];
    const scores = this.critic.forward(this.fakes(), BATCH);
    const atPoints = this.critic.backward(scores.map((s) => slope(s) / BATCH), BATCH, false);
    this.generator.backward(atPoints, BATCH, true);
    this.generator.adam(recipe.generatorRate, recipe.momentum);
    this.generator.weights.forEach((weights, n) => {
      const mean = this.average[n];
      for (let i = 0; i < weights.length; i++) mean[i] += 0.01 * (weights[i] - mean[i]);
    });
  }

  round(recipe) {
    for (let i = 0; i < recipe.criticSteps; i++) this.criticTurn(recipe);
    this.generatorTurn(recipe);
    this.rounds += 1;
    // Looks are tied to rounds, so that the same rounds give the same curve.
    if (this.rounds % 10 === 0) this.history.push(shares(this.points(false)));
  }

  /** The generator's points, or those of its average, from noise that stays. */
  points(averaged) {
    if (!averaged) return this.generator.forward(this.noise, SHOWN);
    const now = this.generator.weights;
    this.generator.weights = this.average;
    const points = this.generator.forward(this.noise, SHOWN);
    this.generator.weights = now;
    return points;
  }

  /** What the page shows. */
  look(recipe, averaged) {
    const points = this.points(averaged);
    const grid = new Float32Array(2 * FIELD * FIELD);
    for (let row = 0, i = 0; row < FIELD; row++) {
      for (let column = 0; column < FIELD; column++) {
        grid[i++] = REACH * ((2 * column) / (FIELD - 1) - 1);
        grid[i++] = REACH * (1 - (2 * row) / (FIELD - 1));
      }
    }
    const field = this.critic.forward(grid, FIELD * FIELD);
    const some = points.slice(0, 2 * 60);
    const scores = this.critic.forward(some, 60);
    const slope = LOSSES[recipe.loss][2];
    const pushes = this.critic.backward(scores.map(slope), 60, false).map((one) => -one);
    const now = shares(points);
    return {
      rounds: this.rounds,
      points,
      field,
      pushes,
      covered: now.filter((one) => one >= 0.02).length,
      good: now.reduce((sum, one) => sum + one, 0),
      curve: this.history.map((one) => one.filter((share) => share >= 0.02).length),
    };
  }
}

/** The share of points that belong to each mode: within three standard deviations. */
export function shares(points) {
  const count = points.length / 2;
  const found = new Array(MODES).fill(0);
  for (let row = 0; row < count; row++) {
    CENTRES.forEach(([x, y], mode) => {
      const distance = Math.hypot(points[2 * row] - x, points[2 * row + 1] - y);
      if (distance < 3 * SPREAD) found[mode] += 1 / count;
    });
  }
  return found;
}
