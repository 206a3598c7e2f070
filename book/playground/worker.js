// All computing, away from what the reader moves. Tasks in, parts and results out.
import { load } from "./engine.js";
import { Game } from "./ring.js";

const networks = new Map();

/** A network, loaded once. */
function network(name) {
  if (!networks.has(name)) networks.set(name, load(name));
  return networks.get(name);
}

const stopped = new Set();
const channel = new MessageChannel();
const resting = [];
channel.port1.onmessage = () => resting.shift()();
/** Lets messages in: one may ask to stop. */
const breathe = () =>
  new Promise((done) => {
    resting.push(done);
    channel.port2.postMessage(0);
  });

/** Calls `work` for 0 to count - 1, with a breath every 30 ms; false where it was stopped. */
async function each(job, count, work) {
  let began = performance.now();
  for (let i = 0; i < count; i++) {
    work(i);
    if (performance.now() - began > 30) {
      await breathe();
      if (stopped.has(job.id)) return false;
      began = performance.now();
    }
  }
  return true;
}

const sigmoid = (x) => 1 / (1 + Math.exp(-x));

let game;

const TASKS = {
  /** Loads networks before they are asked for, at the same time. */
  async warm({ names }) {
    await Promise.all(names.map(network));
  },

  /** Runs a network on several examples: a list of outputs. */
  async run({ name, inputs, outputs }) {
    const there = await network(name);
    return inputs.map((one) => there.run(one, outputs));
  },

  /** What a network's file has besides. */
  async table({ name }) {
    return (await network(name)).tables;
  },

  async judge({ images }) {
    const judge = await network("judge");
    return images.map((image) => judge.run({ images: image }).probabilities);
  },

  /** The digit at a place of the map, what the encoder says of it, and the judge. */
  async place({ code, image }) {
    const [latent, judge] = await Promise.all([network("latent"), network("judge")]);
    const decoded = (at) => latent.run({ code: at }, ["logits"]).logits.map(sigmoid);
    const seen = image ?? decoded(code);
    const { mean, log_variance } = latent.run({ images: seen }, ["mean", "log_variance"]);
    const deviation = log_variance.map((one) => Math.exp(one / 2));
    const shown = image ? decoded(mean) : seen;
    const { probabilities } = judge.run({ images: shown });
    return { shown, mean, deviation, probabilities };
  },

  /** Decodes a grid of codes, from its middle outwards, and asks the judge if wanted. */
  async map({ codes, judged, known }, job) {
    const latent = await network("latent");
    const judge = judged ? await network("judge") : undefined;
    let sent = performance.now();
    let ready = [];
    const flush = () => {
      job.part(ready);
      ready = [];
      sent = performance.now();
    };
    const done = await each(job, codes.length, (i) => {
      const image = known?.[i] ?? latent.run({ code: codes[i] }, ["logits"]).logits.map(sigmoid);
      const probabilities = judge?.run({ images: image }).probabilities;
      ready.push({ i, image, probabilities });
      if (performance.now() - sent > 60) flush();
    });
    flush();
    return done || null;
  },

  /** How much the judge's certainty of a digit falls where a square is covered. */
  async occlude({ image, digit, side, stride }, job) {
    const judge = await network("judge");
    const places = [];
    for (let row = 0; row <= 28 - side; row += stride) {
      for (let column = 0; column <= 28 - side; column += stride) places.push([row, column]);
    }
    const certain = judge.run({ images: image }).probabilities[digit];
    const sums = new Float32Array(784);
    const counts = new Float32Array(784);
    const covered = Float32Array.from(image);
    const done = await each(job, places.length, (i) => {
      const [row, column] = places[i];
      let ink = 0;
      for (let r = row; r < row + side; r++) {
        for (let c = column; c < column + side; c++) {
          ink += covered[28 * r + c];
          covered[28 * r + c] = 0;
        }
      }
      // Nothing changes where there was no ink.
      const fall = ink ? certain - judge.run({ images: covered }).probabilities[digit] : 0;
      for (let r = row; r < row + side; r++) {
        for (let c = column; c < column + side; c++) {
          covered[28 * r + c] = image[28 * r + c];
          sums[28 * r + c] += fall;
          counts[28 * r + c] += 1;
        }
      }
      if (i % 8 === 7) job.part(i / places.length);
    });
    return done ? sums.map((sum, i) => sum / Math.max(counts[i], 1)) : null;
  },

  /** All points of a flow's path, with the images at and ahead of each. */
  async flow({ noise, digit, steps, guidance }, job) {
    const [flow, judge] = await Promise.all([network("flow"), network("judge")]);
    const points = Float32Array.from(noise);
    const labels = (n) => Float32Array.from({ length: 11 }, (_, i) => (i === n ? 1 : 0));
    const asked = labels(digit);
    const none = labels(10);
    const image = (end) =>
      flow.run({ end }, ["pixels"]).pixels.map((one) => (one < 0.2 ? 0 : Math.min(one, 1)));
    return each(job, steps + 1, (step) => {
      const time = step / steps;
      const shown = image(points);
      let ahead = shown;
      if (step < steps) {
        const given = { points, time: [time] };
        const velocity = flow.run({ ...given, labels: asked }, ["velocity"]).velocity;
        if (guidance) {
          const free = flow.run({ ...given, labels: none }, ["velocity"]).velocity;
          for (let i = 0; i < velocity.length; i++) velocity[i] += guidance * (velocity[i] - free[i]);
        }
        ahead = image(points.map((one, i) => one + (1 - time) * velocity[i]));
        for (let i = 0; i < points.length; i++) points[i] += velocity[i] / steps;
      }
      const { probabilities } = judge.run({ images: shown });
      job.part({ step, shown, ahead, probabilities });
    }).then((done) => done || null);
  },

  /** A new game of generator and critic. */
  async begin({ seed, recipe, averaged }) {
    game = new Game(seed);
    return game.look(recipe, averaged);
  },

  /** Rounds of the game: so many, or as many as fit in a time; then a look. */
  async play({ recipe, rounds, averaged, most = Infinity }, job) {
    const began = performance.now();
    const mine = game;
    let played = 0;
    while (game === mine && played < rounds && performance.now() - began < most) {
      game.round(recipe);
      played += 1;
      if (most === Infinity && played % 10 === 0) {
        job.part({ played, look: played % 50 === 0 ? game.look(recipe, averaged) : undefined });
        await breathe();
        if (stopped.has(job.id)) break;
      }
    }
    return { played, ...game.look(recipe, averaged) };
  },

  async look({ recipe, averaged }) {
    return game.look(recipe, averaged);
  },
};

self.onmessage = async ({ data }) => {
  if (data.stop) return void stopped.add(data.stop);
  const job = { id: data.id, part: (part) => self.postMessage({ id: data.id, part }) };
  try {
    self.postMessage({ id: data.id, result: await TASKS[data.task](data.given, job) });
  } catch (error) {
    self.postMessage({ id: data.id, error: error.message });
  }
};
