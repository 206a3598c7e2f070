"""The README's animation shows what its caption says."""

import numpy as np
import pytest
from PIL import Image, ImageSequence

from digitdreams import judge
from places import ROOT

FILE = ROOT / "images" / "banner.gif"
ROWS, COLUMNS, GAP = 3, 10, 2  # as in tools/draw_banner.py


def label_accuracy(frame):
    """The share of the frame's digits that the judge reads as those of their column."""
    pixels = np.asarray(frame.convert("L"), "float32") / 255
    tiles = pixels.reshape(ROWS, 28 + 2 * GAP, COLUMNS, 28 + 2 * GAP)
    digits = tiles[:, GAP:-GAP, :, GAP:-GAP].transpose(0, 2, 1, 3).reshape(-1, 28, 28)
    read = judge.probabilities(digits).argmax(axis=1)
    return np.mean(read == np.tile(np.arange(COLUMNS), ROWS))


def test_it_is_small_and_repeats():
    assert FILE.stat().st_size < 500_000
    with Image.open(FILE) as picture:
        assert picture.info["loop"] == 0  # for ever
        milliseconds = sum(
            frame.info["duration"] for frame in ImageSequence.Iterator(picture)
        )
    assert 5000 < milliseconds < 15_000


@pytest.mark.slow
def test_digits_stay_what_they_are_and_emerge_from_noise():
    with Image.open(FILE) as picture:
        accuracies = [
            label_accuracy(frame) for frame in ImageSequence.Iterator(picture)
        ]
    walk, learning = accuracies[:49], accuracies[49:]
    assert min(walk) > 0.9
    assert min(learning) < 0.2 and learning[-1] > 0.9
