"""Prepare data/mnist from the four published IDX files of MNIST.

    python tools/prepare_mnist.py FOLDER_WITH_IDX_FILES

TensorFlow Datasets writes the folder itself, so `tfds.load("mnist",
data_dir="data", download=False)` reads it. Two things differ from its usual
preparation: images keep the published order (the files can then be checked
against their md5), and each PNG is compressed as far as zlib goes, because
the repository carries them for good.
"""

import gzip
import hashlib
import io
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
import tensorflow_datasets as tfds
from tensorflow_datasets.image_classification import mnist

PUBLISHED = {  # md5 of the uncompressed files
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}


def published_bytes(folder: Path, name: str) -> bytes:
    """Read one IDX file, plain or gzipped, dots or dashes in its name."""
    stem, kind = name.split("-idx")
    for path in sorted(folder.glob(f"{stem}?idx{kind}*")):
        raw = path.read_bytes()
        if path.suffix == ".gz":
            raw = gzip.decompress(raw)
        found = hashlib.md5(raw).hexdigest()
        if found != PUBLISHED[name]:
            sys.exit(f"{path}: md5 {found}, expected {PUBLISHED[name]}")
        return raw
    sys.exit(f"{folder} has no file {name} (nor {name}.gz)")


def chunk(kind: bytes, content: bytes) -> bytes:
    body = kind + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))


def filtered(image: np.ndarray) -> list[np.ndarray]:
    """The image under each of PNG's five row filters (PNG standard, 9.2)."""
    image = image.astype(int)
    left = np.pad(image, ((0, 0), (1, 0)))[:, :-1]
    above = np.pad(image, ((1, 0), (0, 0)))[:-1]
    corner = np.pad(image, ((1, 0), (1, 0)))[:-1, :-1]
    estimate = left + above - corner
    far_left, far_above, far_corner = (
        abs(estimate - neighbour) for neighbour in (left, above, corner)
    )
    paeth = np.where(
        (far_left <= far_above) & (far_left <= far_corner),
        left,
        np.where(far_above <= far_corner, above, corner),
    )
    guesses = (0, left, above, (left + above) // 2, paeth)
    return [(image - guess) % 256 for guess in guesses]


def smallest_png(image: np.ndarray) -> bytes:
    """Encode a (28, 28) uint8 image; keep the smallest of ten encodings."""
    candidates = []
    for kind, rows in enumerate(filtered(image)):
        lines = np.column_stack([np.full(len(rows), kind), rows])
        raw = lines.astype(np.uint8).tobytes()
        for strategy in (zlib.Z_DEFAULT_STRATEGY, zlib.Z_FILTERED):
            packer = zlib.compressobj(9, zlib.DEFLATED, 15, 9, strategy)
            candidates.append(packer.compress(raw) + packer.flush())
    height, width = image.shape
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", min(candidates, key=len))
        + chunk(b"IEND", b"")
    )


def main(source: Path, target: Path) -> None:
    raw = {name: published_bytes(source, name) for name in PUBLISHED}

    def info(self):
        return tfds.core.DatasetInfo(
            builder=self,
            description="The MNIST database of handwritten digits.",
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=(28, 28, 1)),
                    "label": tfds.features.ClassLabel(num_classes=10),
                }
            ),
            supervised_keys=("image", "label"),
            homepage="http://yann.lecun.com/exdb/mnist/",
            citation=mnist._MNIST_CITATION,
            license="Creative Commons Attribution-ShareAlike 3.0",
            disable_shuffling=True,
        )

    def examples(part):
        pixels = np.frombuffer(
            raw[f"{part}-images-idx3-ubyte"], np.uint8, offset=16
        ).reshape(-1, 28, 28)
        labels = raw[f"{part}-labels-idx1-ubyte"][8:]
        for index, (image, label) in enumerate(zip(pixels, labels, strict=True)):
            png = io.BytesIO(smallest_png(image))
            yield index, {"image": png, "label": label}

    mnist.MNIST._info = info
    mnist.MNIST._split_generators = lambda self, downloads: {
        "train": examples("train"),
        "test": examples("t10k"),
    }
    mnist.MNIST(data_dir=target).download_and_prepare()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(__file__).resolve().parents[1] / "data")
