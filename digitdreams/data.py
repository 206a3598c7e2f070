"""MNIST for the lessons: arrays, binary images and tf.data pipelines.

The database is LeCun, Cortes and Burges (1998); it stands in `data/mnist` in the form
that TensorFlow Datasets reads.
"""

import contextlib
import functools
import hashlib
import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import platformdirs

from digitdreams.files import data_folder, in_checkout, replacing

if TYPE_CHECKING:  # TensorFlow takes seconds to import
    import keras
    import tensorflow as tf

FOLDER = data_folder()

RECORDS = {
    "train": "mnist-train.tfrecord-00000-of-00001",
    "test": "mnist-test.tfrecord-00000-of-00001",
}
DESCRIPTIONS = ("dataset_info.json", "features.json")
SIZES = {"train": 60_000, "test": 10_000}
SPLITS = {"train": "train[:55000]", "validation": "train[55000:]", "test": "test"}


class DataError(RuntimeError):
    """A data file is missing or damaged; the message names it and says what to do."""


class Split(NamedTuple):
    """Images float32 (n, 28, 28, 1) in [0, 1] and labels int32 (n,) from 0 to 9."""

    images: np.ndarray
    labels: np.ndarray


class Digits(NamedTuple):
    """The three splits: 55,000 to train on, 5,000 to choose on, 10,000 to report on."""

    train: Split
    validation: Split
    test: Split


def load() -> Digits:
    """Return MNIST as three splits of read-only arrays.

    Images are float32 (n, 28, 28, 1), 0 for paper and 1 for ink; labels are int32
    (n,). The validation split is the last 5,000 images of the published training
    file. The first call decodes the data files and keeps a copy in the user's cache
    folder; later calls take well under 2 s, in other processes too.

    Raises DataError if a data file is missing or damaged.
    """
    return _load(Path(FOLDER))


def binarise(
    images: "np.ndarray | tf.Tensor", seed: "int | keras.random.SeedGenerator"
) -> "np.ndarray | tf.Tensor":
    """Draw binary images: each pixel is 1 with a probability equal to its grey level.

    `images` holds values in [0, 1], of any shape; the result is float32 of the same
    shape, 0 or 1, a NumPy array for a NumPy array and a tensor for a tensor. An
    integer `seed` gives the same draw at each call; a `keras.random.SeedGenerator`
    gives a fresh one. Source: Salakhutdinov and Murray (2008), "On the quantitative
    analysis of deep belief networks".

    Raises ValueError if an array holds values outside [0, 1].
    """
    import keras

    as_array = not keras.ops.is_tensor(images)
    if as_array:
        images = np.asarray(images, "float32")
        if images.size and not (images.min() >= 0 and images.max() <= 1):
            raise ValueError("binarise needs images with values in [0, 1].")
    levels = keras.random.uniform(keras.ops.shape(images), seed=seed)
    drawn = keras.ops.cast(levels < images, "float32")
    return np.asarray(drawn) if as_array else drawn


def pipeline(split_name: str, batch_size: int, seed: int = 0) -> "tf.data.Dataset":
    """Return a tf.data.Dataset that reads a split from its TFRecord file.

    It yields pairs: images float32 (batch, 28, 28, 1) in [0, 1] and labels int64
    (batch,). `split_name` is "train", "validation" or "test". Images are decoded and
    scaled once, then cached in memory; only the training split is shuffled, anew in
    each epoch. The last batch may be smaller. See
    https://www.tensorflow.org/guide/data_performance.

    Raises ValueError for another split name, DataError if a file is missing.
    """
    if split_name not in SPLITS:
        raise ValueError(f"No split {split_name!r}; choose one of {', '.join(SPLITS)}.")
    check_files(Path(FOLDER))
    import tensorflow as tf
    import tensorflow_datasets as tfds

    examples = tfds.load(
        "mnist",
        split=SPLITS[split_name],
        data_dir=FOLDER,
        download=False,
        as_supervised=True,
        read_config=tfds.ReadConfig(try_autocache=False),
    )

    def scale(image: "tf.Tensor", label: "tf.Tensor") -> "tuple[tf.Tensor, tf.Tensor]":
        return tf.cast(image, tf.float32) / 255.0, label

    examples = examples.map(scale, num_parallel_calls=tf.data.AUTOTUNE).cache()
    if split_name == "train":
        examples = examples.shuffle(len(examples), seed=seed)
    return examples.batch(batch_size).prefetch(tf.data.AUTOTUNE)


def batches(
    images: np.ndarray | tuple[np.ndarray, ...], batch_size: int, seed: int
) -> "tf.data.Dataset":
    """Return a tf.data.Dataset of batches of an array in memory, shuffled each epoch.

    `images` is an array (n, ...) or a tuple of arrays of equal length, such as a
    Split; the dataset yields (batch_size, ...) or a tuple of such batches. What does
    not fill a batch is left out of that epoch. The same seed gives the same order.

    Raises ValueError if lengths differ or there are fewer images than one batch.
    """
    import tensorflow as tf

    several = isinstance(images, tuple)
    arrays = tuple(images) if several else (images,)
    size = len(arrays[0])
    if any(len(array) != size for array in arrays):
        raise ValueError(f"Lengths differ: {[len(array) for array in arrays]}.")
    if not 1 <= batch_size <= size:
        raise ValueError(f"A batch of {batch_size} needs 1 to {size} images.")
    tensors = tuple(tf.convert_to_tensor(array) for array in arrays)

    def gather(rows: "tf.Tensor") -> "tf.Tensor | tuple[tf.Tensor, ...]":
        chosen = tuple(tf.gather(tensor, rows) for tensor in tensors)
        return chosen if several else chosen[0]

    # Shuffling row numbers and gathering whole batches costs a tenth of shuffling
    # the images themselves.
    rows = tf.data.Dataset.range(size).shuffle(size, seed=seed)
    rows = rows.batch(batch_size, drop_remainder=True)
    return rows.map(gather, num_parallel_calls=2).prefetch(4)


@functools.lru_cache(maxsize=1)
def _load(folder: Path) -> Digits:
    cache = _cache_file(check_files(folder))
    arrays = _read_cache(cache)
    if arrays is None:
        arrays = {}
        for part in RECORDS:
            arrays[f"{part}_images"], arrays[f"{part}_labels"] = _decode(folder, part)
        _write_cache(cache, arrays)

    splits = {}
    for part in RECORDS:
        images = np.divide(arrays[f"{part}_images"], 255, dtype="float32")
        labels = arrays[f"{part}_labels"].astype("int32")
        for array in (images, labels):
            array.setflags(write=False)
        splits[part] = Split(images, labels)
    images, labels = splits["train"]
    return Digits(
        train=Split(images[:55_000], labels[:55_000]),
        validation=Split(images[55_000:], labels[55_000:]),
        test=splits["test"],
    )


def _remedy(folder: Path) -> str:
    restore = "Restore it with `git checkout -- data`, clone the repository afresh"
    if not in_checkout():
        restore = "Install digitdreams again"
    return (
        f"{restore}, or set DIGITDREAMS_DATA to a folder that holds mnist/3.0.1 "
        f"(now {folder})."
    )


def check_files(folder: Path) -> str:
    """Return a digest of the data files' contents; raise DataError if one is gone."""
    digest = hashlib.sha256()
    for name in (*DESCRIPTIONS, *RECORDS.values()):
        path = folder / "mnist" / "3.0.1" / name
        try:
            content = path.read_bytes()
        except OSError as error:
            reason = error.strerror or "it cannot be read"
            raise DataError(
                f"The data file {path} is missing ({reason}). {_remedy(folder)}"
            ) from error
        if name in DESCRIPTIONS:
            try:
                json.loads(content)
            except ValueError as error:
                raise DataError(
                    f"The data file {path} is damaged ({error}). {_remedy(folder)}"
                ) from error
        digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()


def _decode(folder: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Read one TFRecord file: uint8 (n, 28, 28, 1) and int64 (n,), published order."""
    import tensorflow_datasets as tfds

    path = folder / "mnist" / "3.0.1" / RECORDS[part]
    images, labels = [], []
    try:
        examples = tfds.load(
            "mnist",
            split=part,
            data_dir=folder,
            download=False,
            as_supervised=True,
            read_config=tfds.ReadConfig(try_autocache=False),
        )
        for image, label in examples.batch(1000).as_numpy_iterator():
            images.append(image)
            labels.append(label)
    # Anything can be wrong in a damaged file; records carry checksums, so
    # TensorFlow reports a flipped byte as a DataLossError.
    except Exception as error:
        detail = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(
            f"The data file {path} is damaged ({detail}). {_remedy(folder)}"
        ) from error
    count = sum(map(len, images))
    if count != SIZES[part]:
        raise DataError(
            f"The data file {path} is damaged (it holds {count:,} images, not "
            f"{SIZES[part]:,}). {_remedy(folder)}"
        )
    return np.concatenate(images), np.concatenate(labels)


def _cache_file(digest: str) -> Path:
    folder = platformdirs.user_cache_dir("digitdreams", appauthor=False)
    return Path(folder) / f"mnist-{digest[:16]}.npz"


def _read_cache(path: Path) -> dict[str, np.ndarray] | None:
    """Read the cached arrays; None if they are absent, damaged or unreadable."""
    arrays = {}
    try:
        with np.load(path, allow_pickle=False) as stored:
            for part, size in SIZES.items():
                arrays[f"{part}_images"] = stored[f"{part}_images"]
                arrays[f"{part}_labels"] = stored[f"{part}_labels"]
                if arrays[f"{part}_images"].shape != (size, 28, 28, 1):
                    return None
                if arrays[f"{part}_labels"].shape != (size,):
                    return None
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile):
        return None
    return arrays


def _write_cache(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write the cache in one step; do without it where the folder is read-only."""
    with (
        contextlib.suppress(OSError),
        replacing(path) as partial,
        open(partial, "wb") as file,  # savez would append a suffix to a name
    ):
        # NumPy's hints take every name for its option `allow_pickle`.
        np.savez(file, **arrays)  # type: ignore[arg-type]
