"""Thickness, slant, height and width against shapes whose attributes are known."""

import time

import numpy as np
import pytest

from digitdreams import attributes, data


def bar(thickness, length=18, size=28):
    """An upright bar of so many pixels, on exact pixel borders."""
    image = np.zeros((size, size), "float32")
    top, left = (size - length) // 2, (size - thickness) // 2
    image[top : top + length, left : left + thickness] = 1
    return image


def leaning(degrees, size=28):
    """A line that leans to the right by so many degrees, soft at its edges."""
    rows, columns = np.mgrid[:size, :size] - (size - 1) / 2
    distance = columns + rows * np.tan(np.radians(degrees))
    line = np.clip(2.5 - np.abs(distance), 0, 1) * (np.abs(rows) < 9)
    return line.astype("float32")


@pytest.mark.parametrize("thickness", [2, 3, 4, 6])
def test_thickness_of_a_bar(thickness):
    found = attributes.measure(bar(thickness)[None]).thickness
    assert abs(found[0] - thickness) < 0.3


def test_a_bar_on_its_side_is_as_thick():
    upright, lying = bar(3), bar(3).T
    found = attributes.measure([upright, lying]).thickness
    assert abs(found[0] - found[1]) < 1e-5


def test_height_and_width_count_rows_and_columns():
    found = attributes.measure(bar(3, length=17)[None])
    assert (found.height[0], found.width[0]) == (17, 3)
    assert attributes.measure(np.ones((1, 28, 28))).height[0] == 28


@pytest.mark.parametrize("degrees", [-30, -10, 0, 10, 30])
def test_slant_of_a_line(degrees):
    found = attributes.measure(leaning(degrees)[None]).slant[0]
    assert abs(found - degrees) < 1.5


def test_a_mirrored_image_leans_the_other_way():
    image = leaning(20)
    found = attributes.measure([image, image[:, ::-1]]).slant
    assert abs(found.sum()) < 1e-3


def test_an_empty_image_has_no_attributes():
    assert not attributes.measure(np.zeros((2, 28, 28))).table().any()


def test_images_do_not_disturb_each_other():
    """Strokes that touch the border of their image are measured by themselves."""
    touching = np.zeros((3, 28, 28), "float32")
    touching[:, :4] = touching[:, -4:] = 1
    alone = [attributes.measure(one[None]).table() for one in touching]
    assert np.array_equal(attributes.measure(touching).table(), np.concatenate(alone))


def test_many_images_are_measured_in_parts_and_in_order(monkeypatch):
    monkeypatch.setattr(attributes, "IMAGES_AT_ONCE", 70)
    images = data.load().validation.images[:30]
    repeated = np.tile(images, (5, 1, 1, 1))
    table = attributes.measure(repeated).table()
    assert np.array_equal(table[:30], table[-30:])
    assert np.array_equal(table[:30], attributes.measure(images[..., 0]).table())


def test_digits_are_as_people_see_them():
    digits = data.load().validation
    found = attributes.measure(digits.images[:500])
    assert 1.5 < np.median(found.thickness) < 4
    assert np.median(found.height) == 20  # as MNIST was made
    ones = digits.labels[:500] == 1
    assert found.width[ones].mean() < found.width[~ones].mean() - 4


def test_the_table_has_the_columns_of_names():
    found = attributes.measure(data.load().validation.images[:5])
    columns = [getattr(found, name) for name in attributes.NAMES]
    assert np.array_equal(found.table(), np.transpose(columns))
    assert found.table().shape == (5, 4) and found.table().dtype == "float32"


def test_no_image_gives_an_empty_table():
    assert attributes.measure(np.zeros((0, 28, 28))).table().shape == (0, 4)


@pytest.mark.parametrize(
    ("images", "said"),
    [
        (np.zeros((28, 28)), "image[None]"),
        (np.zeros((2, 28, 28, 3)), "(n, height, width, 1)"),
        (np.full((1, 28, 28), 255.0), "rescale"),
        (np.full((1, 28, 28), np.nan), "in [0, 1]"),
    ],
)
def test_what_is_no_image_is_refused(images, said):
    with pytest.raises(ValueError) as refused:
        attributes.measure(images)
    assert said in str(refused.value)


def test_an_image_takes_at_most_two_milliseconds():
    images = data.load().validation.images[:200]
    best = float("inf")
    for _ in range(5):  # what else the machine does must not count
        started = time.process_time()
        attributes.measure(images)
        best = min(best, time.process_time() - started)
        if best < 0.002 * len(images):
            break
    assert best < 0.002 * len(images)
