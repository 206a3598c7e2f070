"""Is it right? Whether images show what was asked for."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from digitdreams import attributes, judge
from digitdreams.captions.fields import NAMES, UNSAID, Fields, classify

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Agreement:
    """Whether each of n images has what was asked for, bool (n,) each.

    What was not asked for counts as right.
    """

    digit: Bools
    thickness: Bools
    slant: Bools

    @property
    def all(self) -> Bools:
        """Whether all that was asked for is right."""
        return self.digit & self.thickness & self.slant

    def rates(self) -> dict[str, float]:
        """Return the share of images, 0 to 1, by field and for "all" of them."""
        names = (*NAMES, "all")
        return {name: float(np.mean(getattr(self, name))) for name in names}


def seen(images: npt.ArrayLike) -> Fields:
    """Return what images show: the digit that the judge reads, and measured classes.

    `images` (n, 28, 28) or (n, 28, 28, 1), values in [0, 1]. Every image has a class:
    thickness and slant are cut where a third of the training images lies. About 2 ms an
    image on one processor core.

    Raises:
        ValueError: another shape, or values outside [0, 1].
        JudgeError, MeasurementsError: a file is missing or damaged.
    """
    ink = np.asarray(images, dtype="float32")
    thickness, slant = classify(attributes.measure(ink))
    digit = judge.probabilities(ink).argmax(axis=1).astype("int32")
    return Fields(digit, thickness, slant)


def agreement(images: npt.ArrayLike, asked: Fields) -> Agreement:
    """Compare what images show with what was asked for, field by field.

    An image that shows noise has a digit and classes as well: random images agree with
    random requests in about 10, 33 and 33 % of cases, and in all three in about 1 %.

    Args:
        images: (n, 28, 28) or (n, 28, 28, 1), values in [0, 1].
        asked: n rows; UNSAID is right whatever the image shows.

    Raises:
        ValueError: as many images as rows are needed; and as `seen` does.
        JudgeError, MeasurementsError: as `seen` does.
    """
    ink = np.asarray(images, dtype="float32")
    if ink.ndim and len(ink) != len(asked):
        raise ValueError(
            f"{len(ink)} images cannot be compared with {len(asked)} rows of fields: "
            "give one row for each image"
        )
    return compare(seen(ink), asked)


def compare(found: Fields, asked: Fields) -> Agreement:
    """Compare two tables of n fields; what was not asked for counts as right.

    Raises:
        ValueError: they differ in length.
    """
    if len(found) != len(asked):
        raise ValueError(f"{len(found)} rows cannot be compared with {len(asked)}")
    columns = (
        (getattr(asked, name) == UNSAID)
        | (getattr(asked, name) == getattr(found, name))
        for name in NAMES
    )
    return Agreement(*columns)
