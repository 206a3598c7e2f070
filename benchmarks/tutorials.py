"""Published tutorials against this course's recipes: quality by seconds of training.

    python benchmarks/tutorials.py --budget 720

trains three published recipes and ours, side by side on one machine:

- TensorFlow's DCGAN tutorial, https://www.tensorflow.org/tutorials/generative/dcgan
- keras.io's conditional GAN, https://keras.io/examples/generative/conditional_gan/
- keras.io's VAE, https://keras.io/examples/generative/vae/

The published ones are written here anew, from their architectures and settings. What
differs: all recipes learn from the same 55,000 training images (the pages use 60,000
or, with the test images, 70,000), kept in memory, so that reading costs the same. Each
is compiled in the way that trains faster on a processor.

The two recipes of a pair take turns of a few seconds, so that whatever else the machine
does meets both. Only training counts, its compilation included; measuring does not. A
pair ends when our recipe has finished, or when its share of the budget is used up.
Every GAN is measured by the judge on 5,000 samples against test images, VAEs by their
negative ELBO on the test images; nothing here is chosen by these numbers. How long our
recipes train was chosen on validation images: 3, 4 and 7 epochs were compared for the
VAE, the GANs train as long as in the lessons.

The published recipes need hours. A recorded run of one of them,

    python benchmarks/tutorials.py --record vae --budget 3600

is kept in benchmarks/recorded/ with machine and date, and continues its curve here. The
file says what it was made from. Where the code of a recipe was rewritten and should do
the same,

    python benchmarks/tutorials.py --confirm vae --budget 60

trains its first minute again, holds that the recorded points are met, and renews that.
"""

import argparse
import dataclasses
import datetime
import functools
import json
import math
import time
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from digitdreams import data, judge, machine, metrics, models, stamps
from digitdreams.files import write_atomically

HERE = Path(__file__).resolve().parent
RECORDED = HERE / "recorded"
OUTPUT = HERE.parent / "build" / "benchmarks"
SAMPLES = 5_000
FIRST_MEASURE = 2.0  # seconds of training
BETWEEN_MEASURES = 1.25  # each time is this many times the one before
IMAGES = 55_000
TOLERANCE = 0.05  # of a quality, to confirm a recorded run on another machine


# The published recipes ----------------------------------------------------------------


class PublishedGAN(keras.Model):
    """Two networks, and an Adam of one rate for each, the discriminator's first."""

    conditional = False

    def __init__(self, seed: int = 0):
        super().__init__()
        self.generator = self._build_generator()
        self.discriminator = self._build_discriminator()
        self.random = keras.random.SeedGenerator(seed)
        networks = (self.discriminator, self.generator)
        self.optimizers = [keras.optimizers.Adam(self.rate) for _ in networks]
        for optimizer, network in zip(self.optimizers, networks, strict=True):
            optimizer.build(network.trainable_weights)
        self.compile()


class TensorFlowDCGAN(PublishedGAN):
    """The DCGAN of TensorFlow's tutorial: 50 epochs in batches of 256."""

    epochs, batch_size, latent_size, rate = 50, 256, 100, 1e-4

    def _build_generator(self):
        def block(x):
            return layers.LeakyReLU()(layers.BatchNormalization()(x))

        noise = keras.Input((self.latent_size,))
        x = block(layers.Dense(7 * 7 * 256, use_bias=False)(noise))
        x = layers.Reshape((7, 7, 256))(x)
        options = {"padding": "same", "use_bias": False}
        for channels, strides in ((128, 1), (64, 2)):
            x = layers.Conv2DTranspose(channels, 5, strides, **options)(x)
            x = block(x)
        x = layers.Conv2DTranspose(1, 5, 2, activation="tanh", **options)(x)
        return keras.Model(noise, x)

    def _build_discriminator(self):
        images = keras.Input((28, 28, 1))
        x = images
        for channels in (64, 128):
            x = layers.Conv2D(channels, 5, 2, padding="same")(x)
            x = layers.Dropout(0.3)(layers.LeakyReLU()(x))
        return keras.Model(images, layers.Dense(1)(layers.Flatten()(x)))

    def train_step(self, batch):
        images, _ = batch
        noise = keras.random.normal(
            (ops.shape(images)[0], self.latent_size), seed=self.random
        )
        with tf.GradientTape(persistent=True) as tape:
            fakes = self.generator(noise, training=True)
            real = self.discriminator(2 * images - 1, training=True)
            fake = self.discriminator(fakes, training=True)
            d_loss = ops.mean(ops.softplus(-real)) + ops.mean(ops.softplus(fake))
            g_loss = ops.mean(ops.softplus(-fake))
        for optimizer, network, loss in (
            (self.optimizers[0], self.discriminator, d_loss),
            (self.optimizers[1], self.generator, g_loss),
        ):
            weights = network.trainable_weights
            optimizer.apply(tape.gradient(loss, weights), weights)
        return {"d_loss": d_loss, "g_loss": g_loss}

    def draw(self, noise, labels):
        """Return images in [0, 1]."""
        return (self.generator(noise, training=False) + 1) / 2


class KerasConditionalGAN(PublishedGAN):
    """The conditional GAN of keras.io: 20 epochs in batches of 64."""

    epochs, batch_size, latent_size, rate = 20, 64, 128, 3e-4
    conditional = True

    def _build_generator(self):
        width = self.latent_size + 10
        inputs = keras.Input((width,))
        x = layers.Dense(7 * 7 * width)(inputs)
        x = layers.Reshape((7, 7, width))(layers.LeakyReLU(negative_slope=0.2)(x))
        for _ in range(2):
            x = layers.Conv2DTranspose(128, 4, 2, padding="same")(x)
            x = layers.LeakyReLU(negative_slope=0.2)(x)
        x = layers.Conv2D(1, 7, padding="same", activation="sigmoid")(x)
        return keras.Model(inputs, x)

    def _build_discriminator(self):
        inputs = keras.Input((28, 28, 11))
        x = inputs
        for channels in (64, 128):
            x = layers.Conv2D(channels, 3, 2, padding="same")(x)
            x = layers.LeakyReLU(negative_slope=0.2)(x)
        return keras.Model(inputs, layers.Dense(1)(layers.GlobalMaxPooling2D()(x)))

    @staticmethod
    def label_maps(one_hot):
        """Return the published label maps: (batch, 28, 28, 10).

        The page repeats all numbers of a label without naming an axis. The result is a
        band of ones across all channels, whose height on the image tells the label,
        not one channel of ones. It is kept here as it is published.
        """
        stretched = ops.repeat(ops.reshape(one_hot, (-1,)), 28 * 28)
        return ops.reshape(stretched, (-1, 28, 28, 10))

    def _draw(self, one_hot):
        noise = keras.random.normal(
            (ops.shape(one_hot)[0], self.latent_size), seed=self.random
        )
        return self.generator(ops.concatenate([noise, one_hot], axis=1))

    def train_step(self, batch):
        images, labels = batch
        one_hot = ops.one_hot(labels, 10)
        maps = self.label_maps(one_hot)
        fakes = self._draw(one_hot)
        with tf.GradientTape() as tape:
            # One batch of both kinds; the page labels generated images with 1.
            both = ops.concatenate([fakes, images], axis=0)
            seen = ops.concatenate([maps, maps], axis=0)
            verdicts = self.discriminator(ops.concatenate([both, seen], axis=-1))
            fake, real = ops.split(verdicts, 2)
            d_loss = (ops.mean(ops.softplus(-fake)) + ops.mean(ops.softplus(real))) / 2
        weights = self.discriminator.trainable_weights
        self.optimizers[0].apply(tape.gradient(d_loss, weights), weights)
        with tf.GradientTape() as tape:
            fakes = self._draw(one_hot)
            verdicts = self.discriminator(ops.concatenate([fakes, maps], axis=-1))
            g_loss = ops.mean(ops.softplus(verdicts))
        weights = self.generator.trainable_weights
        self.optimizers[1].apply(tape.gradient(g_loss, weights), weights)
        return {"d_loss": d_loss, "g_loss": g_loss}

    def draw(self, noise, labels):
        """Return images in [0, 1] of the given digits."""
        one_hot = ops.one_hot(labels, 10)
        return self.generator(ops.concatenate([noise, one_hot], axis=1))


class KerasVAE(keras.Model):
    """The VAE of keras.io: 2 latent numbers, 30 epochs in batches of 128."""

    epochs, batch_size, latent_size = 30, 128, 2

    def __init__(self, seed: int = 0):
        super().__init__()
        self.encoder, self.decoder = self._build_encoder(), self._build_decoder()
        self.random = keras.random.SeedGenerator(seed)
        # Without XLA, Keras's default: it makes this model's steps 1.5 times as long.
        # The two GANs gain from it, or lose nothing.
        self.compile(keras.optimizers.Adam(1e-3), jit_compile=False)

    def _build_encoder(self):
        images = keras.Input((28, 28, 1))
        x = images
        for channels in (32, 64):
            x = layers.Conv2D(channels, 3, 2, padding="same", activation="relu")(x)
        x = layers.Dense(16, activation="relu")(layers.Flatten()(x))
        heads = [layers.Dense(self.latent_size)(x) for _ in range(2)]
        return keras.Model(images, heads)

    def _build_decoder(self):
        codes = keras.Input((self.latent_size,))
        x = layers.Dense(7 * 7 * 64, activation="relu")(codes)
        x = layers.Reshape((7, 7, 64))(x)
        options = {"padding": "same", "activation": "relu"}
        for channels in (64, 32):
            x = layers.Conv2DTranspose(channels, 3, 2, **options)(x)
        x = layers.Conv2DTranspose(1, 3, padding="same", activation="sigmoid")(x)
        return keras.Model(codes, x)

    def call(self, batch):
        """Return the negative ELBO of each image in nats, with one draw of z."""
        images, _ = batch
        mean, log_variance = self.encoder(images)
        noise = keras.random.normal(ops.shape(mean), seed=self.random)
        probabilities = self.decoder(mean + ops.exp(0.5 * log_variance) * noise)
        pixels = ops.binary_crossentropy(images, probabilities)
        kl = ops.square(mean) + ops.exp(log_variance) - 1 - log_variance
        return ops.sum(pixels, axis=(1, 2, 3)) + 0.5 * ops.sum(kl, axis=1)

    def train_step(self, batch):
        with tf.GradientTape() as tape:
            loss = ops.mean(self(batch))
        weights = self.trainable_weights
        self.optimizer.apply(tape.gradient(loss, weights), weights)
        return {"negative_elbo": loss}


# Our recipes --------------------------------------------------------------------------


def our_vae(seed: int, steps: int):
    vae = models.VAE(False, data.load().train.images, seed, latent_size=2)
    vae.prepare(steps)
    return vae


def our_gan(seed: int, steps: int, conditional: bool = False):
    gan = models.GAN(conditional, seed)
    gan.prepare(steps)
    return gan


def our_conditional_gan(seed: int, steps: int):
    return our_gan(seed, steps, conditional=True)


# Measuring ----------------------------------------------------------------------------


def measure_nats(model) -> dict[str, float]:
    """The negative ELBO of the test images."""
    test = data.load().test
    parts = [
        model((test.images[at : at + 1000], test.labels[at : at + 1000]))
        for at in range(0, len(test.images), 1000)
    ]
    return {"nats": float(np.concatenate(parts).mean())}


@functools.cache
def real_features(count: int) -> np.ndarray:
    """What the judge sees in so many test images, drawn once."""
    test = data.load().test.images
    rows = np.random.default_rng(0).permutation(len(test))[:count]
    return judge.features(test[rows])


def measure_samples(model) -> dict[str, float]:
    """What the judge says about 5,000 samples, beside 5,000 test images."""
    if isinstance(model, PublishedGAN):
        images, labels = draw(model)
    else:
        images, labels = models.sample(model.generator, SAMPLES, seed=0)
    probabilities = judge.probabilities(images)
    found = {
        "fid": metrics.fid(real_features(SAMPLES), judge.features(images)),
        "score": metrics.inception_score(probabilities),
    }
    if labels is not None:
        found["label_accuracy"] = metrics.label_accuracy(probabilities, labels)
    return found


def draw(model):
    """Draw images and labels from a published GAN, as `models.sample` does."""
    random = np.random.default_rng(0)
    noise = random.normal(size=(SAMPLES, model.latent_size)).astype("float32")
    labels = np.arange(SAMPLES, dtype="int32") % 10
    images = [
        ops.convert_to_numpy(model.draw(noise[rows], labels[rows]))
        for rows in np.split(np.arange(SAMPLES), 5)
    ]
    labels = labels if model.conditional else None
    return np.clip(np.concatenate(images), 0, 1), labels


# A pair -------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Pair:
    """A published recipe, ours for the same task, and the quality to compare.

    `side` is "below" where a smaller quality is better, else "above". Our recipe
    trains for `our_epochs`.
    """

    name: str
    title: str
    published: Callable
    ours: Callable
    our_epochs: float
    measure: Callable
    quality: str
    unit: str
    side: str


PAIRS = (
    Pair(
        *("gan", "TensorFlow's DCGAN tutorial", TensorFlowDCGAN, our_gan, 1.4),
        *(measure_samples, "fid", "FID", "below"),
    ),
    Pair(
        *("conditional", "keras.io's conditional GAN", KerasConditionalGAN),
        *(our_conditional_gan, 1.02, measure_samples, "fid", "FID", "below"),
    ),
    Pair(
        *("vae", "keras.io's VAE", KerasVAE, our_vae, 4),
        *(measure_nats, "nats", "nats", "below"),
    ),
)


class Contestant:
    """A recipe in training: it advances by seconds and keeps its curve.

    The curve holds dictionaries with `seconds`, `epochs` and the qualities.
    """

    def __init__(self, build, epochs: float, batch_size: int, measure, seed: int):
        started = time.perf_counter()
        self.epochs, self.measure = epochs, measure
        self.steps_an_epoch = IMAGES // batch_size
        self.steps = self.steps_left = math.ceil(epochs * self.steps_an_epoch)
        self.model = build()
        batches = data.batches(data.load().train, batch_size, seed)
        self.batches = iter(batches.repeat())
        self.model.make_train_function()
        self.train = self.model.train_function
        self.steps_at_once = self.model.steps_per_execution
        self.seconds = time.perf_counter() - started
        self.curve = []

    @property
    def finished(self) -> bool:
        return self.steps_left <= 0

    def advance(self, until: float) -> bool:
        """Train until so many seconds of training are over, or all is learned.

        Returns whether the curve grew: compiling takes a recipe past several marks.
        """
        if self.curve and self.seconds >= until:
            return False
        began = time.perf_counter() - self.seconds
        while self.seconds < until and not self.finished:
            self.step()
            self.seconds = time.perf_counter() - began
        done = (self.steps - max(0, self.steps_left)) / self.steps_an_epoch
        point = {"seconds": round(self.seconds, 2), "epochs": round(done, 3)}
        self.curve.append({**point, **self.measure(self.model)})
        return True

    def step(self) -> None:
        """Train on the next batches and wait until that is done."""
        logs = self.train(self.batches)
        float(next(iter(logs.values())))
        self.steps_left -= self.steps_at_once

    def quality_after(self, epochs: float) -> dict[str, float]:
        """Train until so many epochs are over and measure."""
        steps = round(epochs * self.steps_an_epoch)
        while self.steps - self.steps_left < steps:
            self.step()
        return self.measure(self.model)


def published(pair: Pair, seed: int) -> Contestant:
    recipe = pair.published
    return Contestant(
        lambda: recipe(seed), recipe.epochs, recipe.batch_size, pair.measure, seed
    )


def ours(pair: Pair, seed: int) -> Contestant:
    gan = pair.measure is measure_samples
    batch_size = models.gan.BATCH_SIZE if gan else models.vae.BATCH_SIZE
    steps = math.ceil(pair.our_epochs * (IMAGES // batch_size))
    return Contestant(
        lambda: pair.ours(seed, steps),
        pair.our_epochs,
        batch_size,
        pair.measure,
        seed,
    )


def marks(limit: float):
    """The seconds at which a curve is measured, up to and with `limit`."""
    at = min(FIRST_MEASURE, limit)
    while at < limit:
        yield at
        at *= BETWEEN_MEASURES
    yield limit


def compete(pair: Pair, seed: int, budget: float, say=print) -> dict:
    """Train both recipes of a pair in turns; return their curves and the verdict.

    `budget` is in seconds of training of both together.
    """
    both = {"ours": ours(pair, seed), "published": published(pair, seed)}
    for until in marks(budget / 2):
        if not both["ours"].advance(until):
            continue
        both["published"].advance(both["ours"].seconds)
        latest = {name: one.curve[-1] for name, one in both.items()}
        shown = [
            f"{name} {point[pair.quality]:8.2f} {pair.unit} ({point['epochs']:.2f} "
            f"epochs)"
            for name, point in latest.items()
        ]
        say(f"{pair.title:28}{latest['ours']['seconds']:7.1f} s  {'  '.join(shown)}")
        if both["ours"].finished:
            break
    result = {
        "title": pair.title,
        "epochs": pair.published.epochs,
        **{key: getattr(pair, key) for key in ("quality", "unit", "side")},
        "ours_finished": both["ours"].finished,
        "curves": {name: one.curve for name, one in both.items()},
        "recorded": recorded(pair),
    }
    return {**result, **verdict(result)}


def record(pair: Pair, seed: int, budget: float, folder: Path, say=print) -> Path:
    """Train a published recipe alone and keep its curve with machine and date."""
    one = published(pair, seed)
    content = {
        "recipe": pair.title,
        "machine": machine.describe(),
        "date": datetime.date.today().isoformat(),
        "versions": {"keras": keras.__version__, "tensorflow": tf.__version__},
        "seed": seed,
        "made_from": stamps.of_benchmark(pair.name).numbers_made("recorded"),
    }
    path = folder / f"{pair.name}.json"
    for until in marks(budget):
        if not one.advance(until):
            continue
        latest = one.curve[-1]
        say(f"{pair.title}: {latest['seconds']:.0f} s, {latest[pair.quality]:.2f}")
        whole = {**content, "finished": one.finished, "curve": one.curve}
        # Written at each point, so that an interrupted run keeps what it has.
        write_atomically(path, as_text(whole))
        if one.finished:
            break
    return path


def confirm(pair: Pair, budget: float, folder: Path, say=print) -> Path:
    """Train the beginning of a recorded run again; if it is met, renew its stamp.

    `budget` is in recorded seconds. The last point within it, and the one before, are
    compared at the same number of steps.

    Raises ValueError if nothing is recorded or a point differs by more than TOLERANCE.
    """
    kept = recorded(pair, folder)
    if kept is None:
        raise ValueError(f"nothing is recorded of {pair.title}: --record {pair.name}")
    one = published(pair, kept["seed"])
    met = []
    for point in [one for one in kept["curve"] if one["seconds"] <= budget][-2:]:
        found = one.quality_after(point["epochs"])[pair.quality]
        difference = abs(found / point[pair.quality] - 1)
        said = f"{pair.unit} {found:.2f}, recorded {point[pair.quality]:.2f}"
        say(f"{pair.title}, {point['epochs']} epochs: {said}")
        if difference > TOLERANCE:
            raise ValueError(
                f"{pair.title}: {said} at {point['epochs']} epochs, more than "
                f"{TOLERANCE:.0%} apart: record it anew with --record {pair.name}"
            )
        met.append(point["epochs"])
    if not met:
        raise ValueError(f"no point is recorded within {budget:g} s: raise --budget")
    how = f"confirmed at {met} epochs on {datetime.date.today().isoformat()}"
    kept["made_from"] = stamps.of_benchmark(pair.name).numbers_made(how)
    path = folder / f"{pair.name}.json"
    write_atomically(path, as_text(kept))
    return path


def as_text(kept: dict) -> str:
    """A recorded run as JSON; its curve comes last."""
    first = {name: value for name, value in kept.items() if name != "curve"}
    return json.dumps({**first, "curve": kept["curve"]}, indent=1) + "\n"


def recorded(pair: Pair, folder: Path | None = None) -> dict | None:
    """Read the recorded run of a pair's published recipe, if there is one."""
    path = (folder or RECORDED) / f"{pair.name}.json"
    return json.loads(path.read_text("utf-8")) if path.is_file() else None


# The verdict --------------------------------------------------------------------------


def best(curve: list[dict], quality: str, side: str) -> float:
    """The best quality on a curve."""
    return (min if side == "below" else max)(point[quality] for point in curve)


def seconds_to(curve: list[dict], quality: str, side: str, target: float):
    """Return the seconds to the first point that is at least as good, or None."""
    for point in curve:
        value = point[quality]
        if (value <= target) if side == "below" else (value >= target):
            return point["seconds"]
    return None


def verdict(result: dict) -> dict:
    """Compare the seconds that both recipes need to a quality that both reach.

    The common quality is the best one of the recipe that comes less far. The published
    recipe's curve is the recorded one where there is a longer one.
    """
    quality, side = result["quality"], result["side"]
    our_curve = result["curves"]["ours"]
    their_curve, source = result["curves"]["published"], "this run"
    kept = result["recorded"]
    if kept and kept["curve"][-1]["seconds"] > their_curve[-1]["seconds"]:
        their_curve = kept["curve"]
        epochs = f"{their_curve[-1]['epochs']:.1f} of {result['epochs']} epochs"
        source = f"{epochs}, recorded on {kept['date']}, {kept['machine']}"
    reached = [best(curve, quality, side) for curve in (our_curve, their_curve)]
    common = (max if side == "below" else min)(reached)
    ours_in = seconds_to(our_curve, quality, side, common)
    theirs_in = seconds_to(their_curve, quality, side, common)
    return {
        "common_quality": common,
        "seconds_ours": ours_in,
        "seconds_published": theirs_in,
        "ratio": theirs_in / ours_in,
        "published_curve": source,
    }


def table(results: dict[str, dict]) -> str:
    """The verdicts as text."""
    head = f"{'':30}{'common quality':>18}{'theirs':>11}{'ours':>9}{'ratio':>8}"
    lines = [head]
    for one in results.values():
        common = f"{one['common_quality']:.2f} {one['unit']}"
        theirs = f"{one['seconds_published']:.1f} s"
        mine = f"{one['seconds_ours']:.1f} s"
        lines.append(
            f"{one['title']:30}{common:>18}{theirs:>11}{mine:>9}{one['ratio']:>8.1f}"
        )
        lines.append(f"  their curve: {one['published_curve']}")
        if not one["ours_finished"]:
            lines.append("  the budget ended before our recipe had finished")
    return "\n".join(lines)


def figure(results: dict[str, dict], path: Path) -> None:
    """Draw quality by seconds, a panel for each pair."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogFormatter

    page = Figure(figsize=(4 * len(results), 3.4), layout="constrained", dpi=110)
    for axes, one in zip(
        page.subplots(1, len(results), squeeze=False)[0], results.values(), strict=True
    ):
        lines = [("ours", one["curves"]["ours"], "C0-")]
        lines.append(("published", one["curves"]["published"], "C1-"))
        if one["recorded"]:
            lines.append(("published, recorded", one["recorded"]["curve"], "C1:"))
        for name, curve, style in lines:
            seconds = [point["seconds"] for point in curve]
            values = [point[one["quality"]] for point in curve]
            axes.plot(seconds, values, style, marker=".", label=name)
        axes.axhline(one["common_quality"], color="0.6", linewidth=0.8)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.xaxis.set_major_formatter(LogFormatter())
        axes.yaxis.set_major_formatter(LogFormatter())
        axes.yaxis.set_minor_formatter(LogFormatter())
        axes.set(xlabel="seconds of training", ylabel=one["unit"])
        quality = f"{one['common_quality']:.1f} {one['unit']}"
        title = f"{one['title']}\nratio {one['ratio']:.0f} at {quality}"
        axes.set_title(title, fontsize=10)
    # Any panel may lack the recorded curve; a legend inside would hide points.
    handles = {
        line.get_label(): line
        for axes in page.axes
        for line in axes.lines
        if not line.get_label().startswith("_")
    }
    page.legend(
        handles=handles.values(), loc="outside lower center", ncols=3, frameon=False
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    page.savefig(path)


def main(arguments: list[str] | None = None) -> int:
    names = [pair.name for pair in PAIRS]
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--budget",
        type=float,
        default=720.0,
        help="seconds of training in all (default: 720)",
    )
    parser.add_argument(
        "--only",
        choices=names,
        action="append",
        help="run one pair; may be given several times",
    )
    parser.add_argument(
        "--record",
        choices=names,
        help="train a published recipe alone and keep its curve",
    )
    parser.add_argument(
        "--confirm",
        choices=names,
        help="train the beginning of a recorded run again and compare",
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--output",
        type=Path,
        default=OUTPUT,
        help="folder for tutorials.json and tutorials.png (default: build/benchmarks)",
    )
    parser.add_argument(
        "--picture", type=Path, help="draw the figure here, not in the output folder"
    )
    options = parser.parse_args(arguments)
    if options.budget <= 0:
        parser.error("--budget must be above 0")
    keras.utils.set_random_seed(options.seed)
    if options.confirm:
        pair = next(one for one in PAIRS if one.name == options.confirm)
        try:
            print(f"renewed: {confirm(pair, options.budget, RECORDED).name}")
        except ValueError as error:
            parser.error(str(error))
        return 0
    if options.record:
        pair = next(one for one in PAIRS if one.name == options.record)
        print(f"kept: {record(pair, options.seed, options.budget, RECORDED).name}")
        return 0
    real_features(SAMPLES)  # data and judge are read before the clock runs
    chosen = [one for one in PAIRS if one.name in (options.only or names)]
    results = {}
    for pair in chosen:
        results[pair.name] = compete(pair, options.seed, options.budget / len(chosen))
        keras.backend.clear_session()
    print(table(results))
    content = {
        "machine": machine.describe(),
        "date": datetime.date.today().isoformat(),
        "budget": options.budget,
        "seed": options.seed,
        "pairs": results,
    }
    text = json.dumps(content, indent=1) + "\n"
    write_atomically(options.output / "tutorials.json", text)
    figure(results, options.picture or options.output / "tutorials.png")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
