"""What a sentence can say of a digit: which it is, how thick, and how it leans.

Thickness and slant are measured; their classes come from quantiles of the training
images, so "thick" means thicker than most of MNIST's digits, and "leaning left" further
to the left than most of them.
"""

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from digitdreams import data
from digitdreams.attributes import Attributes
from digitdreams.captions import stored

Ints = npt.NDArray[np.int32]

THICKNESS = ("thin", "medium", "thick")
SLANT = ("left", "upright", "right")
CLASSES = {"thickness": THICKNESS, "slant": SLANT}
NAMES = ("digit", "thickness", "slant")
UNSAID = -1

# A third of the training images lies in each class. Sentences leave out the images near
# a cut: those within an eighteenth of all on either side of it.
SHARES = (1 / 3, 2 / 3)
MARGIN = 1 / 18

# Digit, thickness and slant that training never shows together: each digit once, each
# pair of thickness and slant at least once.
UNSEEN = (
    (0, "thin", "left"),
    (1, "medium", "upright"),
    (2, "thick", "right"),
    (3, "thin", "right"),
    (4, "thick", "upright"),
    (5, "medium", "left"),
    (6, "thin", "upright"),
    (7, "thick", "left"),
    (8, "medium", "right"),
    (9, "medium", "upright"),
)


@dataclass(frozen=True)
class Fields:
    """What n sentences ask for, or what is known of n images.

    Attributes:
        digit: int32 (n,), 0 to 9.
        thickness: int32 (n,), 0 thin, 1 medium, 2 thick.
        slant: int32 (n,), 0 leaning left, 1 upright, 2 leaning right.

    UNSAID, -1, stands for what is not said.
    """

    digit: Ints
    thickness: Ints
    slant: Ints

    def __post_init__(self) -> None:
        for name in NAMES:
            column = np.asarray(getattr(self, name), dtype="int32")
            highest = 9 if name == "digit" else 2
            if column.shape != (np.size(self.digit),):
                raise ValueError(f"{name} has shape {column.shape}, not (n,)")
            if column.size and not (column.min() >= -1 and column.max() <= highest):
                raise ValueError(f"{name} has to lie between -1 and {highest}")
            object.__setattr__(self, name, column)

    def __len__(self) -> int:
        return len(self.digit)

    def __getitem__(self, rows: Any) -> "Fields":
        """The fields of some rows: a slice, an index array or a mask."""
        return Fields(*(np.atleast_1d(getattr(self, name)[rows]) for name in NAMES))

    def table(self) -> Ints:
        """Return digit, thickness and slant side by side: (n, 3)."""
        return np.stack([self.digit, self.thickness, self.slant], axis=1)

    def naming(self, *names: str) -> "Fields":
        """Return the digits with only these of "thickness" and "slant" said."""
        left_out = np.full(len(self), UNSAID, "int32")
        return Fields(
            self.digit,
            self.thickness if "thickness" in names else left_out,
            self.slant if "slant" in names else left_out,
        )

    def records(self) -> list[dict[str, int | str | None]]:
        """Return one dictionary a row: `{"digit": 7, "thickness": "thick", "slant":
        None}`, with None for what is not said."""
        return [
            {
                "digit": int(digit) if digit >= 0 else None,
                "thickness": THICKNESS[thickness] if thickness >= 0 else None,
                "slant": SLANT[slant] if slant >= 0 else None,
            }
            for digit, thickness, slant in self.table()
        ]

    @classmethod
    def of(cls, records: Iterable[Mapping[str, Any]]) -> "Fields":
        """Return the fields of such dictionaries; what is missing is not said.

        Raises:
            ValueError: a name or value that there is none of.
        """
        rows = []
        for record in records:
            if strange := set(record) - set(NAMES):
                raise ValueError(f"no field {strange.pop()!r}; there are {NAMES}")
            digit = record.get("digit")
            if digit is not None and digit not in range(10):
                raise ValueError(f"digit has to be 0 to 9 or None, not {digit!r}")
            row = [UNSAID if digit is None else int(digit)]
            for name, classes in CLASSES.items():
                value = record.get(name)
                if value is not None and value not in classes:
                    raise ValueError(
                        f"{name} has to be one of {classes}, not {value!r}"
                    )
                row.append(UNSAID if value is None else classes.index(value))
            rows.append(row)
        return cls(*np.array(rows, "int32").reshape(-1, 3).T)


def cuts(name: str, margin: bool = False) -> tuple[float, ...]:
    """Return the values between the classes of "thickness" or "slant".

    Two values in pixels or degrees; a third of the training images lies below the
    first, a third above the second. With a margin four: where the first class ends, the
    second begins and ends, and the third begins.

    Raises:
        MeasurementsError: as `stored.measured` does.
    """
    sides = (-MARGIN, MARGIN) if margin else (0.0,)
    values = _sorted(name)
    # Each is a value that was measured, so that no rounding decides a class.
    places = [
        round((one + side) * (len(values) - 1)) for one in SHARES for side in sides
    ]
    return tuple(float(values[place]) for place in places)


def classify(found: Attributes, margin: bool = False) -> tuple[Ints, Ints]:
    """Return the classes of thickness and slant, int32 (n,) each.

    Args:
        found: attributes of n images, by `attributes.measure`.
        margin: UNSAID for what lies near a cut, where a sentence should name no class.
            Without it every image has a class.

    Raises:
        MeasurementsError: as `stored.measured` does.
    """
    columns = []
    for name in CLASSES:
        column = np.digitize(getattr(found, name), cuts(name, margin))
        if margin:
            column = np.where(column % 2, UNSAID, column // 2)
        columns.append(column.astype("int32"))
    thickness, slant = columns
    return thickness, slant


def of_split(split: str, margin: bool = True) -> Fields:
    """Return the fields of every image of a split, in the order of `data.load()`.

    Args:
        split: "train", "validation" or "test".
        margin: what lies near a cut is UNSAID, so that no sentence names it.

    Raises:
        ValueError: there is no such split.
        MeasurementsError, DataError: a file is missing or damaged.
    """
    thickness, slant = classify(stored.measured(split), margin)
    return Fields(getattr(data.load(), split).labels, thickness, slant)


def is_unseen(fields: Fields) -> npt.NDArray[np.bool_]:
    """Return which rows are one of the combinations UNSEEN: bool (n,).

    Images that training may show are those for which the classes without a margin are
    no such combination: `~is_unseen(of_split("train", margin=False))`.
    """
    held_out = Fields.of(dict(zip(NAMES, one, strict=True)) for one in UNSEEN).table()
    return (fields.table()[:, None] == held_out).all(axis=2).any(axis=1)


@functools.lru_cache(maxsize=8)
def _sorted(name: str) -> npt.NDArray[np.float32]:
    return np.sort(getattr(stored.measured("train"), name))
