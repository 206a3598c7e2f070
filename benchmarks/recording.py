"""A published recipe's quality by epoch: recorded once, over as many runs as it takes.

After each epoch weights, optimisers, random state and the curve so far are kept in a
folder for each recipe, and the next run goes on from there. A run that was interrupted
and goes on ends with the numbers of one that was not. The curve itself, without the
weights, is kept in benchmarks/recorded/, also while it is incomplete.
"""

import datetime
import functools
import json
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import published
from digitdreams import machine, stamps
from digitdreams.files import replacing, write_atomically

RECORDED = Path(__file__).resolve().parent / "recorded"
EARLY = 0.1  # of the first epoch: a point to confirm a record by
TOLERANCE = 0.05  # of a quality, to confirm a record on another machine
tell = functools.partial(print, flush=True)


@dataclass(frozen=True)
class Published:
    """A published recipe and how its quality is measured.

    `side` is "below" where a smaller quality is better, else "above".
    """

    name: str
    title: str
    recipe: type[keras.Model]
    measure: Callable[[Any], dict[str, float]]
    quality: str
    unit: str
    side: str = "below"

    @property
    def stamp(self) -> stamps.Stamp:
        return stamps.of_benchmark(self.name)


GAN = Published(
    *("gan", "TensorFlow's DCGAN tutorial", published.TensorFlowDCGAN),
    *(published.measure_samples, "fid", "FID"),
)
CONDITIONAL_GAN = Published(
    *("conditional", "keras.io's conditional GAN", published.KerasConditionalGAN),
    *(published.measure_samples, "fid", "FID"),
)
VAE = Published(
    *("vae", "keras.io's VAE", published.KerasVAE),
    *(published.measure_nats, "nats", "nats"),
)
PIXELS = Published(
    *("pixels", "keras.io's PixelCNN", published.KerasPixelCNN),
    *(published.measure_thresholded, "nats", "nats"),
)
DIFFUSION = Published(
    *("diffusion", "Brian Pulfer's DDPM", published.PulferDDPM),
    *(published.measure_diffusion, "fid", "FID"),
)
ALL = (GAN, CONDITIONAL_GAN, VAE, PIXELS, DIFFUSION)


class Recording:
    """A recipe in training, which goes on where the last run in `folder` stopped.

    Attributes:
        epochs: how many are over.
        curve: a point for each of them, `epochs` and the qualities; the first point is
            from early in the first epoch.
    """

    def __init__(self, one: Published, seed: int, folder: Path):
        self.one, self.seed, self.stamp = one, seed, one.stamp
        self.state, self.partial = folder / "state.npz", folder / "curve.json"
        self.model = published.build(one.recipe, seed)
        self.epochs, self.curve = 0, []
        self._resume()

    @property
    def finished(self) -> bool:
        return self.epochs >= self.one.recipe.epochs and not self._owed

    @property
    def _owed(self) -> bool:
        """Whether a point is to be measured where training stands."""
        due = getattr(self.one.recipe, "measured_after", range(1, 1000))
        last = self.curve[-1]["epochs"] if self.curve else 0
        return self.epochs in due and last != self.epochs

    def _resume(self) -> None:
        """Take up what is kept of this recipe as it is today and this seed."""
        try:
            kept = json.loads(self.partial.read_text("utf-8"))
            with np.load(self.state) as arrays:
                values = [arrays[f"v{n}"] for n in range(len(arrays) - 1)]
                epochs = int(arrays["epochs"])
        except (OSError, ValueError, KeyError, zipfile.BadZipFile):
            return
        stamp = stamps.Stamp.from_data(kept.get("made_from"))
        if kept.get("seed") != self.seed or self.stamp.changes(stamp):
            return
        put(self.model, values)
        self.epochs = epochs
        # The curve may be a point behind the weights, or before them in a copy.
        self.curve = [point for point in kept["curve"] if point["epochs"] <= epochs]

    def advance(self) -> dict[str, float]:
        """Train one epoch, unless the last one is still to be measured; measure.

        Returns the last point of the curve. A recipe may name the epochs after which
        it is measured (`measured_after`), where that takes long.
        """
        if not self._owed:
            early = None
            for share in published.steps_of(self.model, self.seed, self.epochs + 1):
                if self.epochs == 0 and share >= EARLY and early is None:
                    early = self._point(share)
            self.curve += [early] if early else []
            self.epochs += 1
            self._keep()
        if self._owed:
            self.curve.append(self._point(float(self.epochs)))
            self._keep_curve()
        return self.curve[-1]

    def _point(self, epochs: float) -> dict[str, float]:
        """Measure; what measuring draws at random leaves no trace."""
        before = values_of(self.model)
        point = {"epochs": round(epochs, 3), **self.one.measure(self.model)}
        put(self.model, before)
        return point

    def _keep(self) -> None:
        values = {f"v{n}": value for n, value in enumerate(values_of(self.model))}
        with replacing(self.state) as partial, open(partial, "wb") as file:
            np.savez(file, epochs=self.epochs, **values)
        self._keep_curve()

    def _keep_curve(self) -> None:
        write_atomically(self.partial, as_text(self.record()))

    def record(self) -> dict[str, Any]:
        """What is recorded so far."""
        how = f"recorded up to epoch {self.epochs} of {self.one.recipe.epochs}"
        return {
            "recipe": self.one.title,
            "machine": machine.describe(),
            "date": datetime.date.today().isoformat(),
            "versions": {"keras": keras.__version__, "tensorflow": tf.__version__},
            "seed": self.seed,
            "finished": self.finished,
            "made_from": self.stamp.numbers_made(how),
            "curve": self.curve,
        }


def variables_of(model: keras.Model) -> list[keras.Variable]:
    """All that training changes: weights, random state, optimisers."""
    optimizers = getattr(model, "optimizers", None) or [model.optimizer]
    for optimizer in optimizers:
        if not optimizer.built:
            optimizer.build(model.trainable_variables)
    found = list(model.variables)
    for optimizer in optimizers:
        found += optimizer.variables
    return list({id(one): one for one in found}.values())


def values_of(model: keras.Model) -> list[np.ndarray]:
    return [keras.ops.convert_to_numpy(one) for one in variables_of(model)]


def put(model: keras.Model, values: list[np.ndarray]) -> None:
    """Give a model the values that `values_of` has read from one like it."""
    for variable, value in zip(variables_of(model), values, strict=True):
        variable.assign(value)


def record(
    one: Published, seed: int, budget: float, state: Path, folder: Path, say=tell
) -> Path:
    """Train a published recipe alone, epoch by epoch, and keep its curve.

    No epoch is begun after `budget` seconds; `state` is where the next run goes on.
    Returns the curve's file in `folder`, which is written at each epoch, unless it
    holds a longer curve of the recipe as it is today.
    """
    path, longest = folder / f"{one.name}.json", recorded_epochs(one, folder)
    run = Recording(one, seed, state / one.name)
    began = time.monotonic()
    if run.epochs:
        say(f"{one.title}: going on after epoch {run.epochs}")
    while not run.finished and time.monotonic() - began < budget:
        point = run.advance()
        minutes = (time.monotonic() - began) / 60
        epochs = f"epoch {run.epochs} of {one.recipe.epochs}"
        quality = f"{point[one.quality]:.2f} {one.unit} at {point['epochs']:g}"
        say(f"{one.title}: {epochs}, {quality}, {minutes:.1f} min")
        if run.epochs >= longest:
            write_atomically(path, as_text(run.record()))
    return path


def recorded_epochs(one: Published, folder: Path) -> float:
    """How far the recorded curve goes, 0 if it is of another version of the recipe."""
    kept = recorded(one.name, folder)
    stamp = stamps.Stamp.from_data(kept.get("made_from")) if kept else None
    if one.stamp.changes(stamp) or not kept["curve"]:
        return 0
    return kept["curve"][-1]["epochs"]


def confirm(one: Published, folder: Path, say=tell) -> Path:
    """Train the beginning of a recorded run again; if it is met, renew its stamp.

    Raises ValueError if nothing is recorded, or if the quality early in the first
    epoch differs by more than TOLERANCE.
    """
    kept = recorded(one.name, folder)
    if not kept or not kept["curve"]:
        raise ValueError(f"nothing is recorded of {one.title}: --record {one.name}")
    seed = kept["seed"] or 1  # a page that prints its curve names none
    point, model = kept["curve"][0], published.build(one.recipe, seed)
    for share in published.steps_of(model, seed, epoch=1):
        if round(share, 3) >= point["epochs"]:
            break
    found = one.measure(model)[one.quality]
    said = f"{one.unit} {found:.2f}, recorded {point[one.quality]:.2f}"
    say(f"{one.title}, {point['epochs']} epochs: {said}")
    if abs(found / point[one.quality] - 1) > TOLERANCE:
        raise ValueError(
            f"{one.title}: {said} at {point['epochs']} epochs, more than "
            f"{TOLERANCE:.0%} apart: record it anew with --record {one.name}"
        )
    today = datetime.date.today().isoformat()
    how = f"confirmed at {point['epochs']} epochs on {today}"
    kept["made_from"] = one.stamp.numbers_made(how)
    path = folder / f"{one.name}.json"
    write_atomically(path, as_text(kept))
    return path


def as_text(kept: dict[str, Any]) -> str:
    """A record as JSON, a line for each point of its curve, which comes last."""
    head = json.dumps({**kept, "curve": []}, indent=1).removesuffix("[]\n}")
    points = ",\n".join(f"  {json.dumps(point)}" for point in kept["curve"])
    return f"{head}[\n{points}\n ]\n}}\n"


def recorded(name: str, folder: Path = RECORDED) -> dict[str, Any] | None:
    """Read what is recorded of a recipe, if anything is."""
    path = folder / f"{name}.json"
    return json.loads(path.read_text("utf-8")) if path.is_file() else None
