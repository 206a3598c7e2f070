"""Published tutorials against this course's recipes: seconds to the same quality.

    python benchmarks/tutorials.py

compares published recipes (benchmarks/published.py) with ours for the same tasks, on
one machine:

    ratio = epochs that the published recipe needs * its seconds an epoch / our seconds

- *The quality* is that of the published recipe after its last epoch.
- *The epochs that it needs* are those until its recorded curve is first that good.
  Curves by epoch do not depend on the machine, so they are recorded once:
  benchmarks/recorded/. Where a record is not complete yet, the quality is that of its
  last epoch so far, and the table says so.
- *Its seconds an epoch* are measured here and now. Our recipe trains as long as it
  takes, in turns with the published one, a few seconds each, so that whatever else the
  machine does meets both. Each turn tells how long the published recipe would need at
  the speed of that turn, over what ours would have; the table prints the ratio of the
  whole run, and the smallest and largest of its turns.
- *Our seconds* are all those of training until our curve is first that good, with
  compilation. Measuring does not count.

Where ours does not become that good, both are compared at the best that ours reaches,
and the table says so. Every GAN is measured by the judge on 5,000 samples against test
images, VAEs by their negative ELBO on the test images; nothing here is chosen by these
numbers. How long our recipes train was chosen on validation images: 3, 4 and 7 epochs
were compared for the VAE, the GANs train as long as in the lessons.

Beside it stands which share of the machine's peak our recipe uses: the operations of
its matrix products and convolutions a second, over those of one large matrix product,
measured in the same turns.

    python benchmarks/tutorials.py --record gan

records a published recipe, epoch by epoch. It needs hours, and may be interrupted: the
same command goes on after the last epoch, which is kept in build/benchmarks/recording/.
Where the code of a recipe was rewritten and should do the same,

    python benchmarks/tutorials.py --confirm gan

trains the beginning of its first epoch again, holds that the recorded quality is met,
and renews the record's stamp.
"""

import argparse
import dataclasses
import datetime
import itertools
import json
import math
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras

import arithmetic
import published
import recipes
import recording
from digitdreams import data, machine, models
from digitdreams.files import write_atomically
from recording import Published

OUTPUT = Path(__file__).resolve().parents[1] / "build" / "benchmarks"
FIRST_MEASURE = 2.0  # seconds of our training
BETWEEN_MEASURES = 1.25  # each time is this many times the one before
TURN = 5.0  # seconds of our training, then as many of theirs


# Our recipes --------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Pair:
    """A published recipe, and ours for the same task.

    `ours` makes the model from a seed and the number of steps, and is trained in
    batches of `batch_size`; `measure` returns the same qualities as the published
    recipe's. `rare` is how often our step takes the costlier branch of a condition.
    """

    published: Published
    ours: Callable[[int, int], Any]
    our_epochs: float
    batch_size: int
    measure: Callable[[Any], dict[str, float]]
    rare: float = 1.0

    @property
    def name(self) -> str:
        return self.published.name


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


def our_pixels(seed: int, steps: int):
    threshold = published.KerasPixelCNN.threshold
    pixels = recipes.Pixels(data.load().train.images, threshold, seed)
    pixels.prepare(steps)
    return pixels


def our_flow(seed: int, steps: int):
    flow = recipes.Flow(data.load().train.images, seed)
    flow.prepare(steps)
    return flow


def measure_flow(model) -> dict[str, float]:
    """What the judge says about as many samples as the published model is asked for."""
    return published.judged(*model.draw(published.PulferDDPM.samples))


def measure_generator(model) -> dict[str, float]:
    """What the judge says about samples of one of our generators."""
    images, labels = models.sample(model.generator, published.SAMPLES, seed=0)
    return published.judged(images, labels)


OF_GAN = (models.gan.BATCH_SIZE, measure_generator, 1 / models.gan.R1_EVERY)
PAIRS = (
    Pair(recording.GAN, our_gan, 1.4, *OF_GAN),
    Pair(recording.CONDITIONAL_GAN, our_conditional_gan, 1.02, *OF_GAN),
    Pair(recording.VAE, our_vae, 4, models.vae.BATCH_SIZE, published.measure_nats),
    Pair(
        *(recording.PIXELS, our_pixels, 4, recipes.Pixels.batch_size),
        published.measure_thresholded,
    ),
    Pair(recording.DIFFUSION, our_flow, 11, recipes.Flow.batch_size, measure_flow),
)


# A run --------------------------------------------------------------------------------


class Ours:
    """Our recipe in training: it advances by seconds and keeps its curve.

    Attributes:
        seconds: of training, with compilation.
        compiling: those of them until the first steps were done.
        curve: points with `seconds`, `epochs` and the qualities.
    """

    def __init__(self, pair: Pair, seed: int):
        keras.utils.set_random_seed(seed)
        self.measure = pair.measure
        began = time.perf_counter()
        split = data.load().train
        self.steps_an_epoch = len(split.images) // pair.batch_size
        self.steps_left = math.ceil(pair.our_epochs * self.steps_an_epoch)
        self.steps_done = 0
        self.model = pair.ours(seed, self.steps_left)
        self.batches = iter(data.batches(split, pair.batch_size, seed).repeat())
        self.model.make_train_function()
        self.seconds = time.perf_counter() - began
        self.step()
        self.compiling = self.seconds
        self.curve: list[dict[str, float]] = []

    @property
    def finished(self) -> bool:
        return self.steps_left <= 0

    @property
    def epochs(self) -> float:
        return self.steps_done / self.steps_an_epoch

    def step(self) -> None:
        """Train on the next batches and wait until that is done."""
        began = time.perf_counter()
        logs = self.model.train_function(self.batches)
        float(next(iter(logs.values())))
        self.seconds += time.perf_counter() - began
        self.steps_done += self.model.steps_per_execution
        self.steps_left -= self.model.steps_per_execution

    def advance(self, until: float) -> None:
        """Train until so many seconds of training are over, or all is learned."""
        while self.seconds < until and not self.finished:
            self.step()

    def look(self) -> dict[str, float]:
        """Measure the quality and keep the point."""
        point = {"seconds": round(self.seconds, 2), "epochs": round(self.epochs, 3)}
        self.curve.append({**point, **self.measure(self.model)})
        return self.curve[-1]

    def operations_an_epoch(self, rare: float) -> float:
        """The arithmetic of an epoch."""
        batch = next(self.batches)
        step = arithmetic.operations(
            lambda *parts: self.model.train_step(parts), *batch, rare=rare
        )
        return step * self.steps_an_epoch


class Pace:
    """How fast a published recipe trains here, a few seconds at a time."""

    def __init__(self, one: Published, seed: int):
        model = published.build(one.recipe, seed)
        self.steps = itertools.chain.from_iterable(
            published.steps_of(model, seed, epoch) for epoch in itertools.count(1)
        )
        next(self.steps)  # compiles

    def measure(self, seconds: float) -> tuple[float, int]:
        """Train for so long, one step at least; return the seconds and the steps."""
        began, steps = time.perf_counter(), 0
        while True:
            next(self.steps)
            steps += 1
            gone = time.perf_counter() - began
            if gone >= seconds:
                return gone, steps


def marks() -> Iterator[float]:
    """The seconds at which our curve is measured."""
    at = FIRST_MEASURE
    while True:
        yield at
        at *= BETWEEN_MEASURES


def compete(pair: Pair, kept: dict, seed: int, say=recording.tell) -> dict:
    """Train our recipe in turns with the published one; return what was measured.

    `kept` is the published recipe's record. A turn holds the seconds an epoch of both,
    and the share of the machine's peak that ours used.
    """
    one = pair.published
    steps = kept.get("steps_an_epoch", published.IMAGES // one.recipe.batch_size)
    theirs, peak = Pace(one, seed), arithmetic.Peak()
    ours, turns = Ours(pair, seed), []
    operations = ours.operations_an_epoch(pair.rare)
    before = ours.seconds, ours.epochs
    measured = marks()
    mark = next(measured)
    while not ours.finished:
        turn_ends = before[0] + TURN
        ours.advance(min(mark, turn_ends))
        if ours.seconds >= mark or ours.finished:
            point = ours.look()
            while mark <= ours.seconds:
                mark = next(measured)
            shown = f"{point[one.quality]:.2f} {one.unit}, {ours.epochs:.2f} epochs"
            say(f"{one.title:28}{ours.seconds:7.1f} s  ours {shown}")
        if ours.seconds >= turn_ends or (ours.finished and not turns):
            seconds = ours.seconds - before[0]
            pace = seconds / (ours.epochs - before[1])
            gone, done = theirs.measure(seconds)
            turns.append(
                {
                    "ours": pace,
                    "published": gone / done * steps,
                    "share": operations / pace / peak.measure(),
                }
            )
            before = ours.seconds, ours.epochs
    return {
        "title": one.title,
        "epochs": one.recipe.epochs,
        **{key: getattr(one, key) for key in ("quality", "unit", "side")},
        "compiling": ours.compiling,
        "curve": ours.curve,
        "turns": turns,
        "recorded": kept,
    }


# The verdict --------------------------------------------------------------------------


def good_enough(value: float, target: float, side: str) -> bool:
    return value <= target if side == "below" else value >= target


def first_reaching(curve: list[dict], key: str, target: float, side: str) -> dict:
    """The first point of a curve that is at least as good."""
    return next(one for one in curve if good_enough(one[key], target, side))


def verdict(result: dict) -> dict:
    """The ratio at the published recipe's final quality, or at our best if it is less.

    `spread` are the smallest and the largest ratio of a turn, `share` is the median
    share of the machine's peak.
    """
    key, side = result["quality"], result["side"]
    kept, turns = result["recorded"], result["turns"]
    final = kept["curve"][-1][key]
    best = (min if side == "below" else max)(point[key] for point in result["curve"])
    reached = good_enough(best, final, side)
    quality = final if reached else best
    theirs = first_reaching(kept["curve"], key, quality, side)
    ours = first_reaching(result["curve"], key, quality, side)
    their_pace, our_pace = (
        statistics.fmean(turn[who] for turn in turns) for who in ("published", "ours")
    )
    seconds = theirs["epochs"] * their_pace
    ratio = seconds / ours["seconds"]
    speeds = [
        (turn["published"] / their_pace) / (turn["ours"] / our_pace) for turn in turns
    ]
    return {
        "final_quality": final,
        "reached": reached,
        "quality_compared": quality,
        "epochs_published": theirs["epochs"],
        "pace_published": their_pace,
        "seconds_published": seconds,
        "seconds_ours": ours["seconds"],
        "ratio": ratio,
        "spread": [ratio * min(speeds), ratio * max(speeds)],
        "share": statistics.median(turn["share"] for turn in turns),
    }


def source(result: dict) -> str:
    """Where the published recipe's curve comes from, in words."""
    kept, epochs = result["recorded"], result["epochs"]
    if "printed_by" in kept:
        return f"as printed by {kept['printed_by']}"
    length = f"all {epochs} epochs"
    if not kept["finished"]:
        length = f"up to epoch {kept['curve'][-1]['epochs']:g} of {epochs}"
    return f"recorded {length}, {kept['date']}, {kept['machine']}"


def table(results: dict[str, dict]) -> str:
    """The verdicts as text."""
    lines = [
        f"{'':30}{'quality':>12}{'epochs':>8}{'s/epoch':>9}{'theirs':>10}{'ours':>9}"
        f"{'ratio':>7}{'of turns':>14}{'of peak':>9}"
    ]
    for one in results.values():
        quality = f"{one['quality_compared']:.2f} {one['unit']}"
        low, high = one["spread"]
        spread = f"{low:.0f} to {high:.0f}"
        lines.append(
            f"{one['title']:30}{quality:>12}{one['epochs_published']:>8g}"
            f"{one['pace_published']:>9.1f}{one['seconds_published']:>8,.0f} s"
            f"{one['seconds_ours']:>7.1f} s{one['ratio']:>7.0f}{spread:>14}"
            f"{one['share']:>9.0%}"
        )
        lines.append(f"  their curve: {source(one)}")
        if not one["reached"]:
            lines.append(
                f"  ours does not reach their last quality so far, "
                f"{one['final_quality']:.2f} {one['unit']}: compared at its own best"
            )
    return "\n".join(lines)


def figure(results: dict[str, dict], path: Path) -> None:
    """Draw quality by seconds, a panel for each pair."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogFormatter

    page = Figure(figsize=(4 * len(results), 3.4), layout="constrained", dpi=110)
    for axes, one in zip(
        page.subplots(1, len(results), squeeze=False)[0], results.values(), strict=True
    ):
        ours, theirs = one["curve"], one["recorded"]["curve"]
        pace = one["pace_published"]
        lines = (
            ("ours", [point["seconds"] for point in ours], ours, "C0-"),
            ("published", [point["epochs"] * pace for point in theirs], theirs, "C1-"),
        )
        for name, seconds, curve, style in lines:
            values = [point[one["quality"]] for point in curve]
            axes.plot(seconds, values, style, marker=".", label=name)
        axes.axhline(one["quality_compared"], color="0.6", linewidth=0.8)
        axes.set_xscale("log")
        axes.set_yscale("log")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(LogFormatter())
        axes.yaxis.set_minor_formatter(LogFormatter())
        axes.set(xlabel="seconds of training", ylabel=one["unit"])
        quality = f"{one['quality_compared']:.1f} {one['unit']}"
        title = f"{one['title']}\nratio {one['ratio']:.0f} at {quality}"
        axes.set_title(title, fontsize=10)
        axes.legend(frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    page.savefig(path)


# The command --------------------------------------------------------------------------


def parse(arguments: list[str] | None) -> tuple[argparse.ArgumentParser, Any]:
    names = [pair.name for pair in PAIRS]
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
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
        help="train a published recipe alone, from where the last run stopped",
    )
    parser.add_argument(
        "--confirm",
        choices=names,
        help="train the beginning of a recorded run again and compare",
    )
    parser.add_argument(
        "--budget",
        type=float,
        default=math.inf,
        help="with --record: begin no epoch after so many seconds",
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
    return parser, options


def main(arguments: list[str] | None = None) -> int:
    parser, options = parse(arguments)
    chosen = {pair.name: pair for pair in PAIRS}
    if options.confirm:
        one = chosen[options.confirm].published
        try:
            print(f"renewed: {recording.confirm(one, recording.RECORDED).name}")
        except ValueError as error:
            parser.error(str(error))
        return 0
    if options.record:
        path = recording.record(
            chosen[options.record].published,
            *(options.seed, options.budget, options.output / "recording"),
            recording.RECORDED,
        )
        print(f"kept: {path.name}")
        return 0
    published.real_features(published.SAMPLES)  # read before the clock runs
    results = {}
    for name in options.only or chosen:
        kept = recording.recorded(name, recording.RECORDED)
        if not kept or not kept["curve"]:
            print(f"{name}: nothing is recorded yet, run --record {name}")
            continue
        result = compete(chosen[name], kept, options.seed)
        results[name] = {**result, **verdict(result)}
        keras.backend.clear_session()
    if not results:
        return 1
    print(table(results))
    content = {
        "machine": machine.describe(),
        "date": datetime.date.today().isoformat(),
        "seed": options.seed,
        "pairs": results,
    }
    text = json.dumps(content, indent=1) + "\n"
    write_atomically(options.output / "tutorials.json", text)
    figure(results, options.picture or options.output / "tutorials.png")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
