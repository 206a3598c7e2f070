"""MNIST is the published database, whole, split as promised and quick to load."""

import hashlib
import importlib.util
import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from digitdreams import data

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def digits():
    return data.load()


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """A copy of the data folder that a test may damage, and an empty cache."""
    shutil.copytree(data.FOLDER, tmp_path / "data")
    monkeypatch.setattr(data, "FOLDER", tmp_path / "data")
    cache = tmp_path / "cache"
    monkeypatch.setattr(data.platformdirs, "user_cache_dir", lambda *_, **__: cache)
    data._load.cache_clear()
    yield tmp_path / "data" / "mnist" / "3.0.1"
    data._load.cache_clear()


def published_md5():
    path = ROOT / "tools" / "prepare_mnist.py"
    spec = importlib.util.spec_from_file_location("prepare_mnist", path)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    return tool.PUBLISHED


def idx_bytes(array):
    """A uint8 array as the published files hold it: magic number, sizes, values."""
    header = struct.pack(f">{1 + array.ndim}I", 0x800 + array.ndim, *array.shape)
    return header + array.tobytes()


@pytest.mark.slow
@pytest.mark.parametrize(("part", "stem"), [("train", "train"), ("test", "t10k")])
def test_the_tfds_line_reads_the_published_files(part, stem):
    import tensorflow_datasets as tfds

    read = tfds.load("mnist", split=part, data_dir=data.FOLDER, download=False)
    pixels, labels = [], []
    for batch in read.batch(1000).as_numpy_iterator():
        pixels.append(batch["image"][..., 0])
        labels.append(batch["label"].astype("uint8"))
    found = {
        f"{stem}-images-idx3-ubyte": np.concatenate(pixels),
        f"{stem}-labels-idx1-ubyte": np.concatenate(labels),
    }
    published = published_md5()
    for name, array in found.items():
        assert hashlib.md5(idx_bytes(array)).hexdigest() == published[name], name


def test_arrays_are_the_published_files(digits):
    published = published_md5()
    train = [np.concatenate(pair) for pair in zip(*digits[:2], strict=True)]
    for stem, (images, labels) in {"train": train, "t10k": digits.test}.items():
        pixels = np.round(images[..., 0] * 255).astype("uint8")
        for name, array in (
            (f"{stem}-images-idx3-ubyte", pixels),
            (f"{stem}-labels-idx1-ubyte", labels.astype("uint8")),
        ):
            assert hashlib.md5(idx_bytes(array)).hexdigest() == published[name], name


def test_shapes_types_and_ranges(digits):
    for split, size in zip(digits, (55_000, 5_000, 10_000), strict=True):
        assert split.images.shape == (size, 28, 28, 1)
        assert split.images.dtype == np.float32
        assert split.images.min() == 0 and split.images.max() == 1
        assert split.labels.shape == (size,)
        assert split.labels.dtype == np.int32
        assert set(split.labels) == set(range(10))


def test_no_image_stands_in_two_splits(digits):
    train, validation, test = (
        {image.tobytes() for image in split.images} for split in digits
    )
    assert not train & test
    assert not validation & test
    assert not train & validation


def test_arrays_cannot_be_changed_by_accident(digits):
    with pytest.raises(ValueError, match="read-only"):
        digits.train.images[0] = 0


@pytest.mark.slow
def test_second_call_is_quick_in_another_process():
    data.load()
    code = (
        "import sys, time; from digitdreams import data; start = time.process_time();"
        "data.load(); print(time.process_time() - start, 'tensorflow' in sys.modules)"
    )
    best = float("inf")
    for _ in range(3):  # what else the machine does must not count
        ran = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        seconds, tensorflow = ran.stdout.split()
        assert tensorflow == "False"
        best = min(best, float(seconds))
    assert best < 2
    assert data.load() is data.load()  # not read again


@pytest.mark.parametrize("damage", ["absent", "cut", "flipped", "other"])
def test_a_damaged_cache_is_rebuilt(copy, monkeypatch, damage, digits):
    decoded = []

    def decode(folder, part):
        decoded.append(part)
        split = digits.test if part == "test" else None
        size = data.SIZES[part]
        if split is None:
            return np.full((size, 28, 28, 1), 7, "uint8"), np.zeros(size, "int64")
        pixels = np.round(split.images * 255).astype("uint8")
        return pixels, split.labels.astype("int64")

    monkeypatch.setattr(data, "_decode", decode)
    data.load()
    assert decoded == ["train", "test"]
    (cache,) = copy.parents[2].joinpath("cache").iterdir()
    whole = cache.read_bytes()
    if damage == "absent":
        cache.unlink()
    elif damage == "cut":
        cache.write_bytes(whole[:-1000])
    elif damage == "flipped":
        middle = len(whole) // 2
        cache.write_bytes(whole[:middle] + b"\xff\x00\xff" + whole[middle + 3 :])
    else:
        np.savez(cache, train_images=np.zeros(3))
    data._load.cache_clear()
    assert np.array_equal(data.load().test.images, digits.test.images)
    assert len(decoded) == 4, "the cache was not rebuilt"
    assert cache.read_bytes() == whole


def test_a_cache_folder_that_cannot_be_written_is_tolerated(copy, monkeypatch):
    sizes = data.SIZES
    monkeypatch.setattr(
        data,
        "_decode",
        lambda folder, part: (
            np.zeros((sizes[part], 28, 28, 1), "uint8"),
            np.zeros(sizes[part], "int64"),
        ),
    )
    copy.parents[2].joinpath("cache").write_text("a file where the folder should be")
    assert len(data.load().train.images) == 55_000


@pytest.mark.parametrize("name", [*data.DESCRIPTIONS, *data.RECORDS.values()])
def test_a_missing_file_is_named_with_the_remedy(copy, name):
    (copy / name).unlink()
    for read in (data.load, lambda: data.pipeline("train", 8)):
        with pytest.raises(data.DataError, match="missing") as raised:
            read()
        for part in (str(copy / name), "git checkout -- data", "DIGITDREAMS_DATA"):
            assert part in str(raised.value)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("features.json", "cut"),
        (data.RECORDS["test"], "cut"),
        (data.RECORDS["test"], "flipped"),
        (data.RECORDS["test"], "shortened"),
        (data.RECORDS["test"], "empty"),
    ],
)
def test_a_damaged_file_is_named_with_the_remedy(copy, monkeypatch, name, damage):
    path = copy / name
    whole = path.read_bytes()
    middle = len(whole) // 2
    if damage == "cut":
        path.write_bytes(whole[:-100])
    elif damage == "flipped":
        path.write_bytes(whole[:middle] + b"\xff\x00\xff" + whole[middle + 3 :])
    elif damage == "shortened":  # to whole records: length, crc, content, crc
        (length,) = struct.unpack("<Q", whole[:8])
        path.write_bytes(whole[: 16 + length])
    else:
        path.write_bytes(b"")
    monkeypatch.setattr(data, "RECORDS", {"test": data.RECORDS["test"]})
    with pytest.raises(data.DataError, match="damaged") as raised:
        data.load()
    assert str(path) in str(raised.value)
    assert "git checkout -- data" in str(raised.value)


def test_the_environment_variable_moves_the_folder(tmp_path):
    ran = subprocess.run(
        [sys.executable, "-c", "from digitdreams import data; print(data.FOLDER)"],
        env=os.environ | {"DIGITDREAMS_DATA": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.strip() == str(tmp_path)
    assert ROOT / "data" == data.FOLDER or "DIGITDREAMS_DATA" in os.environ


def test_binarise_draws_with_the_grey_levels_as_probabilities(digits):
    images = digits.test.images[:2000]
    drawn = data.binarise(images, seed=3)
    assert isinstance(drawn, np.ndarray)
    assert drawn.dtype == np.float32 and drawn.shape == images.shape
    assert set(np.unique(drawn)) == {0.0, 1.0}
    assert drawn[images == 0].max() == 0
    assert drawn[images == 1].min() == 1
    # 1.6 million draws: four standard errors are 4 * 0.5 / sqrt(2000 * 784).
    assert abs(drawn.mean() - images.mean()) < 0.0016
    grey = (images > 0.4) & (images < 0.6)
    assert abs(drawn[grey].mean() - images[grey].mean()) < 2 / np.sqrt(grey.sum())


def test_binarise_seeds(digits):
    images = digits.test.images[:100]
    first = data.binarise(images, seed=3)
    assert np.array_equal(first, data.binarise(images, seed=3))
    assert not np.array_equal(first, data.binarise(images, seed=4))
    generator = keras.random.SeedGenerator(3)
    draws = [data.binarise(images, generator) for _ in range(2)]
    assert not np.array_equal(*draws)
    tensor = data.binarise(keras.ops.convert_to_tensor(images), seed=3)
    assert keras.ops.is_tensor(tensor)
    assert np.array_equal(first, tensor)


def test_binarise_wants_grey_levels():
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        data.binarise(np.array([0.0, 255.0]), seed=0)


def test_pipeline_reads_a_split_in_order(digits):
    read = data.pipeline("validation", 128)
    assert len(read) == 40
    images, labels = zip(*read.as_numpy_iterator(), strict=True)
    assert images[0].shape == (128, 28, 28, 1)
    assert images[-1].shape == (5000 - 39 * 128, 28, 28, 1)
    assert images[0].dtype == np.float32
    assert np.allclose(np.concatenate(images), digits.validation.images, atol=1e-7)
    assert np.array_equal(np.concatenate(labels), digits.validation.labels)


def test_pipeline_shuffles_the_training_split(monkeypatch, digits):
    monkeypatch.setitem(data.SPLITS, "train", "train[:600]")
    known = {image.tobytes() for image in np.float32(digits.train.images[:600])}

    def epochs(seed):
        keras.utils.set_random_seed(0)
        read = data.pipeline("train", 200, seed)
        assert len(read) == 3
        return [
            np.concatenate([images for images, _ in read.as_numpy_iterator()])
            for _ in range(2)
        ]

    first, second = epochs(seed=1)
    assert not np.array_equal(first, second)
    assert {image.tobytes() for image in first} == known
    assert {image.tobytes() for image in second} == known
    assert np.array_equal(first, epochs(seed=1)[0])
    assert not np.array_equal(first, epochs(seed=2)[0])


def test_pipeline_names_the_splits():
    with pytest.raises(ValueError, match="train, validation, test"):
        data.pipeline("valid", 8)


def test_batches_reshuffle_and_repeat_with_the_seed():
    numbers = np.arange(100, dtype="float32")[:, None]

    def epochs(seed):
        keras.utils.set_random_seed(0)
        read = data.batches(numbers, 32, seed)
        assert len(read) == 3
        return [np.stack(list(read.as_numpy_iterator())) for _ in range(2)]

    first, second = epochs(seed=1)
    assert first.shape == (3, 32, 1) and first.dtype == np.float32
    assert len(set(first.ravel())) == 96
    assert not np.array_equal(first, second)
    again = epochs(seed=1)
    assert np.array_equal(first, again[0]) and np.array_equal(second, again[1])
    assert not np.array_equal(first, epochs(seed=2)[0])


def test_batches_keep_images_and_labels_together(digits):
    split = data.Split(digits.test.images[:500], digits.test.labels[:500])
    label_of = {image.tobytes(): label for image, label in zip(*split, strict=True)}
    for images, labels in data.batches(split, 100, seed=0).as_numpy_iterator():
        assert images.shape == (100, 28, 28, 1)
        assert [label_of[image.tobytes()] for image in images] == list(labels)


def test_batches_say_what_is_wrong():
    with pytest.raises(ValueError, match="needs 1 to 10"):
        data.batches(np.zeros((10, 2)), 11, seed=0)
    with pytest.raises(ValueError, match="Lengths differ"):
        data.batches((np.zeros(10), np.zeros(9)), 2, seed=0)
