"""The judge: a small classifier that says what digit a generated image shows.

Sample metrics need a network that knows digits: its probabilities give the MNIST score
and the label accuracy, its features the FID, precision and recall. The weights are
bundled (`judge.keras`) with a record of how they were made (`judge.json`); anyone can
train them again with `digitdreams judge train`.
"""

import dataclasses
import functools
import hashlib
import json
import platform
import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from digitdreams import data
from digitdreams.files import write_atomically

if TYPE_CHECKING:  # TensorFlow takes seconds to import
    from collections.abc import Iterator, Sequence

    import keras
    import tensorflow as tf

FILE = Path(__file__).with_name("judge.keras")
COMMAND = "digitdreams judge train"
REMEDY = f"Restore it with `git checkout -- digitdreams` or train it: `{COMMAND}`."

EPOCHS = 10
BATCH_SIZE = 128
LEARNING_RATE = 3e-3
WIDTHS = (24, 48)
FEATURES = 64
DROPOUT = 0.4
LARGEST_SHIFT = 2
SHARE_SPOILED = 0.5
LARGEST_NOISE = 0.3  # standard deviations, in grey levels
LARGEST_SHADOW = 0.3
LARGEST_BLUR = 1.0  # weight of the 3x3 mean against the image itself
LARGEST_GREY = 0.3  # grey level of the paper

LARGEST_SAMPLE = 5_000
SMALLEST_SAMPLE = 100
# Of validation accuracies, to confirm a judge: two standard deviations of a share of
# 0.995 among 5,000 images.
LARGEST_DIFFERENCE = 0.002
REMEMBERED_SETS = 8

# What the judge said of the last sets of images: reports ask about the same ones.
_remembered: dict[tuple[object, ...], dict[str, np.ndarray]] = {}


class JudgeError(RuntimeError):
    """The judge's file is missing or damaged; the message names it and the remedy."""


def load() -> "keras.Model":
    """Return the judge, a keras.Model, read once in a process.

    It takes images float32 (n, 28, 28, 1) in [0, 1] and returns a dictionary:
    "probabilities" (n, 10) and "features" (n, 64), the layer before them.

    Raises JudgeError if the file is missing or is not the recorded one.
    """
    return _load(Path(FILE))


def record() -> dict[str, Any]:
    """Return how the bundled judge was made and what it reaches.

    Keys: `accuracy` and `score` on the 10,000 test images (the MNIST score of real
    images), `validation_accuracy`, `sha256` of the file, `command`, `seed`, `epochs`,
    `seconds`, `parameters`, `machine` and `versions`; the stamps `made_from` (the
    weights) and `measured_from` (accuracies and score), see `digitdreams.stamps`.

    Raises JudgeError if the record is missing or damaged.
    """
    return _record(Path(FILE))


def _write_record(path: Path, made: dict[str, Any]) -> None:
    write_atomically(path.with_suffix(".json"), json.dumps(made, indent=2) + "\n")


def _record(path: Path) -> dict[str, Any]:
    path = path.with_suffix(".json")
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise JudgeError(
            f"The judge's record {path} is missing or damaged. {REMEDY}"
        ) from error


def probabilities(images: np.ndarray) -> np.ndarray:
    """Return the judge's probability of each digit, float32 (n, 10), rows sum to 1.

    `images` (n, 28, 28) or (n, 28, 28, 1), values in [0, 1]. Raises ValueError for
    anything else, JudgeError as `load` does.
    """
    return _outputs(images)["probabilities"]


def features(images: np.ndarray) -> np.ndarray:
    """Return the judge's features, float32 (n, 64), at least 0.

    They are what its last but one layer says of an image: images of alike digits in
    alike handwriting lie close together. `images` and exceptions as in `probabilities`.
    """
    return _outputs(images)["features"]


@dataclasses.dataclass(frozen=True, repr=False)
class Report:
    """Sample metrics of generated images beside those of real ones.

    `samples` counts the images on either side. `score` is the MNIST score, 1 to 10;
    `fid` the FID on the judge's features, `fid_floor` that of as many real images;
    `precision` and `recall` lie in [0, 1]; `coverage` counts the digits that hold at
    least 1 % of the samples. `real_score`, `real_precision` and `real_recall` are what
    a second set of real images reaches. See `digitdreams.metrics` for each.
    """

    samples: int
    score: float
    fid: float
    precision: float
    recall: float
    coverage: int
    real_score: float
    fid_floor: float
    real_precision: float
    real_recall: float

    def _rows(self) -> "Iterator[tuple[str, ...]]":
        yield "MNIST score", f"{self.score:.2f}", f"{self.real_score:.2f}", "up to 10"
        yield "FID", f"{self.fid:.2f}", f"{self.fid_floor:.2f}", "0 is best"
        for name in ("precision", "recall"):
            values = getattr(self, name), getattr(self, f"real_{name}")
            yield name, *(f"{value:.3f}" for value in values), "up to 1"
        yield "digits covered", str(self.coverage), "10", "of 10"

    def _header(self) -> tuple[str, ...]:
        return f"{self.samples:,} images each", "samples", "real", ""

    def __str__(self) -> str:
        return "\n".join(
            f"{name:<18}{samples:>9}{real:>9}  {note}".rstrip()
            for name, samples, real, note in (self._header(), *self._rows())
        )

    __repr__ = __str__

    def _repr_html_(self) -> str:
        def row(cells: "Sequence[str]", tag: str) -> str:
            return "<tr>" + "".join(f"<{tag}>{c}</{tag}>" for c in cells) + "</tr>"

        lines = [row(self._header(), "th")] + [row(c, "td") for c in self._rows()]
        return f"<table>{''.join(lines)}</table>"


def report(images: np.ndarray, seed: int = 0, real: np.ndarray | None = None) -> Report:
    """Measure generated images against real ones.

    `images` (n, 28, 28[, 1]) in [0, 1], at least 100, better 5,000. `real`: images to
    compare with, by default the test images; give the validation images while you are
    still choosing, and binarised ones for a model of binary images. Real images are
    split at random into two halves: samples are compared with one half, and so is the
    other half, which gives the values that real images reach. All sets are cut to the
    same size, at most 5,000, because the FID depends on it.

    Raises ValueError for too few images, a wrong shape or values outside [0, 1];
    JudgeError and `data.DataError` if a file is missing.
    """
    from digitdreams import metrics  # here: exercise 08 asks for what it computes

    real_outputs = _outputs(data.load().test.images if real is None else real)
    real_count = len(real_outputs["features"])
    size = min(len(images), real_count // 2, LARGEST_SAMPLE)
    if size < SMALLEST_SAMPLE:
        raise ValueError(
            f"A report needs at least {SMALLEST_SAMPLE} images and twice as many real "
            f"ones, not {len(images)} and {real_count}."
        )
    random = np.random.default_rng(seed)
    order = random.permutation(real_count)
    chosen = random.permutation(len(images))[:size]
    reference = _take(real_outputs, order[:size])
    other = _take(real_outputs, order[size : 2 * size])
    generated = _outputs(np.asarray(images)[chosen])

    precision, recall = _precision_recall(reference, generated)
    real_precision, real_recall = _precision_recall(reference, other)
    return Report(
        samples=size,
        score=metrics.inception_score(generated["probabilities"]),
        fid=metrics.fid(reference["features"], generated["features"]),
        precision=precision,
        recall=recall,
        coverage=metrics.mode_coverage(generated["probabilities"]),
        real_score=metrics.inception_score(other["probabilities"]),
        fid_floor=metrics.fid(reference["features"], other["features"]),
        real_precision=real_precision,
        real_recall=real_recall,
    )


def build() -> "keras.Model":
    """Return a new, untrained judge; outputs as described at `load`, plus "logits"."""
    import keras
    from keras import layers

    def convolution(
        x: "keras.KerasTensor", filters: int, strides: int = 1
    ) -> "keras.KerasTensor":
        x = layers.Conv2D(filters, 3, strides=strides, padding="same", use_bias=False)(
            x
        )
        return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))

    images = keras.Input((28, 28, 1), name="images")
    x = images
    for filters in WIDTHS:  # (28, 28) to (14, 14) to (7, 7)
        x = convolution(x, filters)
        x = convolution(x, filters, strides=2)
    x = layers.Dropout(DROPOUT)(layers.Flatten()(x))
    x = layers.Dense(FEATURES, use_bias=False)(x)
    x = layers.BatchNormalization(momentum=0.9)(x)
    feature = layers.ReLU(name="features")(x)
    logits = layers.Dense(10, name="logits")(feature)
    probability = layers.Softmax(name="probabilities")(logits)
    return keras.Model(
        images,
        {"probabilities": probability, "features": feature, "logits": logits},
        name="judge",
    )


def train(
    seed: int = 0, path: Path | str | None = None, epochs: int = EPOCHS
) -> dict[str, Any]:
    """Train a judge on the train split, save it and return its record.

    Writes `path` (by default the bundled file) and the record beside it, with the
    ending .json: see `fit` and `measure`. Another run with the same seed gives other
    weights of the same quality.
    """
    from digitdreams import machine, stamps

    path = Path(FILE if path is None else path)
    started = time.perf_counter()
    judge = fit(seed, epochs)
    made = {
        "sha256": "",  # which `measure` fills in
        "command": COMMAND if seed == 0 else f"digitdreams.judge.train(seed={seed})",
        "seed": seed,
        "epochs": epochs,
        "seconds": round(time.perf_counter() - started),
        "parameters": judge.count_params(),
        "machine": machine.describe(),
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("keras", "tensorflow", "numpy")},
        },
        "made_from": stamps.of_judge().numbers_made("trained"),
    }
    judge.save(path)
    _write_record(path, made)
    return measure(path)


def measure(path: Path | str | None = None) -> dict[str, Any]:
    """Measure a saved judge, complete its record and return it.

    `path` is the bundled file by default; its record lies beside it. Every choice was
    made on the validation split; the test images are only looked at here. Raises
    JudgeError if one of the two files is missing or damaged.
    """
    import keras

    from digitdreams import metrics, stamps

    path = Path(FILE if path is None else path)
    digits, made = data.load(), _record(path)
    try:
        content = path.read_bytes()
        saved = keras.models.load_model(path)
    except (OSError, ValueError) as error:
        raise JudgeError(f"The judge {path} is missing or damaged. {REMEDY}") from error
    chosen = _run(saved, digits.validation.images)["probabilities"]
    tested = _run(saved, digits.test.images)["probabilities"]
    measured = {
        "accuracy": metrics.label_accuracy(tested, digits.test.labels),
        "score": metrics.inception_score(tested),
        "validation_accuracy": metrics.label_accuracy(chosen, digits.validation.labels),
    }
    made = {
        **{name: round(value, 4) for name, value in measured.items()},
        **{name: value for name, value in made.items() if name not in measured},
        "sha256": hashlib.sha256(content).hexdigest(),
        "measured_from": stamps.of_judgement(path).numbers_made("measured"),
    }
    _write_record(path, made)
    _load.cache_clear()
    print(f"test accuracy {made['accuracy']:.4f}, MNIST score {made['score']:.2f}")
    return made


def confirm(epochs: int = EPOCHS) -> dict[str, Any]:
    """Train a judge anew, compare it with the bundled one, renew its stamp.

    For training code that was rewritten and should make the same: the bundled weights
    stay, on which the numbers of all lessons rest. Returns the record.

    Raises JudgeError if the validation accuracies differ by more than 0.002, or a file
    is missing or damaged.
    """
    from datetime import date

    from digitdreams import metrics, stamps

    made = measure()
    validation = data.load().validation
    found = _run(fit(made["seed"], epochs), validation.images)["probabilities"]
    accuracy = metrics.label_accuracy(found, validation.labels)
    if abs(accuracy - made["validation_accuracy"]) > LARGEST_DIFFERENCE:
        raise JudgeError(
            f"A new judge's validation accuracy is {accuracy:.4f}, that of the bundled "
            f"one {made['validation_accuracy']:.4f}: take the new one with `{COMMAND}`"
        )
    how = f"confirmed by a new training, {accuracy:.4f}, on {date.today()}"
    made["made_from"] = stamps.of_judge().numbers_made(how)
    _write_record(Path(FILE), made)
    return made


def fit(seed: int = 0, epochs: int = EPOCHS) -> "keras.Model":
    """Return a judge that was trained on the train split: its weights, not measured.

    Ten epochs of Adam with a one-cycle learning rate on randomly shifted images, half
    of them with a little noise, shadow, blur or grey paper, so that verdicts do not
    hang on clean paper; about eight minutes on two processor cores; prints a line per
    epoch. Batches are prepared in parallel, in no fixed order.
    """
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(seed)
    digits = data.load()
    started = time.perf_counter()
    batches = data.batches(digits.train, BATCH_SIZE, seed)
    batches = batches.map(
        lambda images, labels: (_spoil(_shift(images)), labels),
        num_parallel_calls=tf.data.AUTOTUNE,
    )
    judge = build()
    classifier = keras.Model(judge.input, judge.output["logits"])
    classifier.compile(
        keras.optimizers.Adam(_one_cycle(epochs * len(batches))),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=False,  # XLA makes small convolutions slower on a processor
    )

    def show(epoch: int, logs: dict[str, float]) -> None:
        print(
            f"epoch {epoch + 1:2d}/{epochs}  loss {logs['loss']:.4f}  validation "
            f"accuracy {logs['val_accuracy']:.4f}  "
            f"{time.perf_counter() - started:.0f} s",
            flush=True,
        )

    classifier.fit(
        batches.prefetch(tf.data.AUTOTUNE),
        shuffle=False,  # the batches are shuffled already
        epochs=epochs,
        validation_data=tuple(digits.validation),
        validation_batch_size=500,
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=show)],
        verbose=0,
    )

    outputs = {name: judge.output[name] for name in ("probabilities", "features")}
    return keras.Model(judge.input, outputs, name="judge")


def _one_cycle(steps: int) -> "keras.optimizers.schedules.LearningRateSchedule":
    """A rate that climbs for a tenth of the steps and then falls to zero."""
    import keras

    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=LEARNING_RATE / 10,
        warmup_target=LEARNING_RATE,
        warmup_steps=steps // 10,
        decay_steps=steps - steps // 10,
    )


def _shift(images: "tf.Tensor") -> "tf.Tensor":
    """Move each image of a batch by up to two pixels in both directions."""
    import tensorflow as tf

    room = LARGEST_SHIFT
    padded = tf.pad(images, [[0, 0], [room, room], [room, room], [0, 0]])
    for _ in range(2):  # rows, then columns
        first = tf.random.uniform((tf.shape(images)[0], 1), 0, 2 * room + 1, tf.int32)
        kept = first + tf.range(28)  # (batch, 28)
        padded = tf.gather(padded, kept, axis=1, batch_dims=1)
        padded = tf.transpose(padded, [0, 2, 1, 3])
    return padded


def _spoil(images: "tf.Tensor") -> "tf.Tensor":
    """Give half the images of a batch a little noise, shadow, blur or grey paper."""
    import tensorflow as tf

    count = tf.shape(images)[0]

    def strength(largest: float) -> "tf.Tensor":
        return tf.random.uniform((count, 1, 1, 1), 0, largest)

    noise = strength(LARGEST_NOISE) * tf.random.normal(tf.shape(images))
    shadow = tf.image.resize(tf.random.normal((count, 7, 7, 1)), (28, 28))
    shadow = strength(LARGEST_SHADOW) * shadow
    blurred = tf.nn.avg_pool2d(images, 3, strides=1, padding="SAME")
    blur = strength(LARGEST_BLUR) * (blurred - images)
    grey = strength(LARGEST_GREY) * (1 - images)
    changes = tf.stack([noise, shadow, blur, grey], axis=1)
    which = tf.random.uniform((count,), 0, 4, tf.int32)
    change = tf.gather(changes, which, axis=1, batch_dims=1)
    spoiled = tf.random.uniform((count, 1, 1, 1)) < SHARE_SPOILED
    return tf.clip_by_value(tf.where(spoiled, images + change, images), 0.0, 1.0)


@functools.lru_cache(maxsize=1)
def _load(path: Path) -> "keras.Model":
    expected = record()["sha256"]
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise JudgeError(f"The judge {path} is missing. {REMEDY}") from error
    if found != expected:
        raise JudgeError(
            f"The judge {path} is damaged: its sha256 is not the one recorded in "
            f"{path.with_suffix('.json').name}. {REMEDY}"
        )
    import keras

    return keras.models.load_model(path)


@functools.lru_cache(maxsize=1)
def _compiled(model: "keras.Model") -> Any:
    import tensorflow as tf

    signature = [tf.TensorSpec((None, 28, 28, 1), tf.float32)]
    return tf.function(
        lambda images: model(images, training=False), input_signature=signature
    )


def _run(
    model: "keras.Model", images: np.ndarray, rows: int = 250
) -> dict[str, np.ndarray]:
    call = _compiled(model)
    parts = [call(images[at : at + rows]) for at in range(0, len(images), rows)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _outputs(images: np.ndarray) -> dict[str, np.ndarray]:
    images = np.ascontiguousarray(images, "float32")
    if images.ndim == 3:
        images = images[..., None]
    if images.shape[1:] != (28, 28, 1) or not len(images):
        raise ValueError(
            f"The judge needs images (n, 28, 28) or (n, 28, 28, 1), not {images.shape}."
        )
    if not (images.min() >= -1e-3 and images.max() <= 1 + 1e-3):
        raise ValueError(
            "The judge needs images with values in [0, 1]; these reach from "
            f"{images.min():.3g} to {images.max():.3g}. Clip or rescale them first."
        )
    model = load()
    key = (
        record()["sha256"],
        images.shape,
        # NumPy types its arrays as buffers from Python 3.12 on.
        hashlib.blake2b(images).digest(),  # type: ignore[arg-type]
    )
    if key not in _remembered:
        while len(_remembered) >= REMEMBERED_SETS:
            del _remembered[next(iter(_remembered))]
        _remembered[key] = _run(model, images)
    return {name: values.copy() for name, values in _remembered[key].items()}


def _take(outputs: dict[str, np.ndarray], rows: np.ndarray) -> dict[str, np.ndarray]:
    return {name: values[rows] for name, values in outputs.items()}


def _precision_recall(
    real: dict[str, np.ndarray], generated: dict[str, np.ndarray]
) -> tuple[float, float]:
    from digitdreams import metrics

    return metrics.precision_recall(real["features"], generated["features"])
