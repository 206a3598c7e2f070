"""Random arrays for the inputs of tasks and problems, drawn from a NumPy Generator."""

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int32]


def normal(rng: np.random.Generator, *shape: int) -> Floats:
    """Draw numbers from N(0, 1)."""
    return rng.normal(size=shape).astype("float32")


def grey_images(rng: np.random.Generator, *shape: int) -> Floats:
    """Draw grey levels from [0, 1], all equally likely."""
    return rng.uniform(size=shape).astype("float32")


def some_labels(rng: np.random.Generator, count: int, classes: int = 10) -> Labels:
    """Draw labels (count,) of which no two are equal; count is at most `classes`."""
    return rng.permutation(classes)[:count].astype("int32")


def one_hot(labels: npt.NDArray[Any], classes: int = 10) -> Floats:
    """Return an array (count, classes) with a 1 at each label."""
    return np.eye(classes, dtype="float32")[labels]
