"""What was measured on every digit of MNIST, kept in a small file of the package.

`python tools/measure_digits.py` makes the file anew; `digitdreams status` tells when
the ruler or the digits have changed since.
"""

import functools
from pathlib import Path
from typing import Any

import numpy as np

from digitdreams import data
from digitdreams.attributes import NAMES, Attributes
from digitdreams.files import replacing

FILE = Path(__file__).with_name("measurements.npz")
COMMAND = "python tools/measure_digits.py"

# Stored as whole numbers of these units, which lie far below what the eye can see:
# thousandths of a pixel, hundredths of a degree, pixels.
UNITS = {"thickness": 1000, "slant": 100, "height": 1, "width": 1}
KINDS: dict[str, Any] = {
    "thickness": np.uint16,
    "slant": np.int16,
    "height": np.uint8,
    "width": np.uint8,
}
PARTS = {
    "train": slice(0, 55_000),
    "validation": slice(55_000, 60_000),
    "test": slice(60_000, 70_000),
}


class MeasurementsError(RuntimeError):
    """The file is missing or damaged; the message names it and says what to do."""


def measured(split: str) -> Attributes:
    """Return the attributes of a split of MNIST, in the order of `data.load()`.

    `split` is "train" (55,000 images), "validation" (5,000) or "test" (10,000).
    Thickness is kept to 0.001 pixel, slant to 0.01 degree.

    Raises:
        ValueError: there is no such split.
        MeasurementsError: the file is missing or damaged.
    """
    if split not in PARTS:
        raise ValueError(f"no split {split!r}; choose one of {', '.join(PARTS)}")
    columns = _load(FILE)
    return Attributes(**{name: columns[name][PARTS[split]] for name in NAMES})


def store(found: Attributes, path: Path = FILE) -> None:
    """Write the attributes of all 70,000 images: training file, then test file."""
    content: dict[str, Any] = {
        name: np.rint(getattr(found, name).astype("float64") * UNITS[name]).astype(
            KINDS[name]
        )
        for name in NAMES
    }
    with replacing(path) as partial, open(partial, "wb") as file:
        np.savez_compressed(file, **content)


@functools.lru_cache(maxsize=2)
def _load(path: Path) -> dict[str, np.ndarray]:
    """The columns of the file, float32 (70000,), not to be written to."""
    columns = {}
    try:
        with np.load(path, allow_pickle=False) as content:
            for name in NAMES:
                column = (content[name] / UNITS[name]).astype("float32")
                if column.shape != (sum(data.SIZES.values()),):
                    raise ValueError(f"{name} holds {column.shape}")
                column.setflags(write=False)
                columns[name] = column
    except Exception as error:  # a damaged archive can raise nearly anything
        raise MeasurementsError(
            f"The measurements {path} are missing or damaged. Restore them with `git "
            f"checkout -- digitdreams` or make them anew: `{COMMAND}`."
        ) from error
    return columns
