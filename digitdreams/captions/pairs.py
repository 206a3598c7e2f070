"""Two digits side by side, for questions of binding: which attribute is whose?"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from digitdreams import data
from digitdreams.captions.fields import UNSAID, Fields, is_unseen, of_split
from digitdreams.captions.grammar import write
from digitdreams.captions.judging import Agreement, agreement

WIDTH = 28

RELATIONS = {
    "en": {
        "train": (
            "{a} left of {b}",
            "{a} to the left of {b}",
            "{b} to the right of {a}",
            "{a} on the left and {b} on the right",
            "on the right {b}, on the left {a}",
            "left: {a}; right: {b}",
        ),
        "unseen": (
            "{b} right of {a}",
            "on the left {a}, on the right {b}",
            "{a} and, to its right, {b}",
            "the right half shows {b}, the left half {a}",
        ),
    },
    "zh": {
        "train": (
            "左边是{a}，右边是{b}",
            "{a}在{b}的左边",
            "{b}在{a}的右边",
            "右边{b}，左边{a}",
            "左：{a}；右：{b}",
        ),
        "unseen": (
            "{b}的左边是{a}",
            "右边是{b}，左边是{a}",
            "左半边画{a}，右半边画{b}",
        ),
    },
}


class Scenes(NamedTuple):
    """Images float32 (n, 28, 56, 1) in [0, 1], and what stands left and right."""

    images: npt.NDArray[np.float32]
    left: Fields
    right: Fields


def scenes(count: int, split: str = "train", seed: int = 0) -> Scenes:
    """Put pairs of digits of a split side by side.

    Only digits of which thickness and slant can both be named take part, and from
    training none of a combination that is kept unseen. So every digit is followed by
    every other one, and thick, medium and thin stand on either side.

    Raises:
        ValueError: there is no such split, or `count` is negative.
        MeasurementsError, DataError: a file is missing or damaged.
    """
    if count < 0:
        raise ValueError(f"{count} scenes cannot be made: ask for 0 or more")
    fields = of_split(split)
    clear = (fields.thickness != UNSAID) & (fields.slant != UNSAID)
    if split == "train":
        clear &= ~is_unseen(fields)
    random = np.random.default_rng(seed)
    left, right = random.choice(np.flatnonzero(clear), (2, count))
    images = getattr(data.load(), split).images
    pair = np.concatenate([images[left], images[right]], axis=2)
    return Scenes(pair, fields[left], fields[right])


def write_scenes(
    left: Fields,
    right: Fields,
    language: str = "en",
    split: str = "train",
    seed: int = 0,
) -> list[str]:
    """Write a sentence for each pair: "a thick seven left of a thin two".

    Args:
        left: n rows; `naming("thickness")` keeps the sentences short.
        right: n rows.
        language: "en" or "zh".
        split: "train" or "unseen" templates; those of the relation differ too.
        seed: the same seed gives the same sentences.

    Raises:
        ValueError: lengths differ, or there are no such templates.
    """
    if len(left) != len(right):
        raise ValueError(f"{len(left)} digits on the left, {len(right)} on the right")
    if language not in RELATIONS:
        raise ValueError(f"no language {language!r}; there are {', '.join(RELATIONS)}")
    if split not in RELATIONS[language]:
        raise ValueError(f"no split {split!r}; there are train, unseen")
    relations = RELATIONS[language][split]
    random = np.random.default_rng(seed)
    places = random.integers(len(relations), size=len(left))
    seeds = random.integers(2**31, size=2).tolist()
    # What is unseen here is the relation; phrases are those of training.
    a, b = (
        write(fields, language, "train", ("phrase",), seed=one).texts
        for fields, one in zip((left, right), seeds, strict=True)
    )
    return [
        relations[place].format(a=one, b=other)
        for place, one, other in zip(places.tolist(), a, b, strict=True)
    ]


def binding(images: npt.ArrayLike, left: Fields, right: Fields) -> Agreement:
    """Return whether each scene has, field by field, the right thing on both sides.

    A scene with the attributes of left and right exchanged is wrong in those fields.
    `images` (n, 28, 56) or (n, 28, 56, 1), values in [0, 1].

    Raises:
        ValueError: another shape or range, or lengths that differ.
        JudgeError, MeasurementsError: a file is missing or damaged.
    """
    pair = np.asarray(images, dtype="float32")
    if pair.ndim not in (3, 4) or pair.shape[1:3] != (WIDTH, 2 * WIDTH):
        raise ValueError(f"scenes are (n, 28, 56) or (n, 28, 56, 1), not {pair.shape}")
    one = agreement(pair[:, :, :WIDTH], left)
    other = agreement(pair[:, :, WIDTH:], right)
    return Agreement(
        one.digit & other.digit,
        one.thickness & other.thickness,
        one.slant & other.slant,
    )
