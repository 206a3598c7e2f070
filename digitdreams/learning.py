"""Signs that a network has learned, and does not only know what it is measured with.

What a training is measured with is public: the test images, and what the judge likes.
So grading also asks for each of these where it applies: that what a generator draws
varies, that it is no copy of a real image, and that the test images are nothing that
the network knows better than other images.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from digitdreams import data, judge, metrics
from digitdreams.course import Number

Numbers = npt.NDArray[np.floating[Any]]
SUSPECTS = 200  # images that are looked up among all real ones
COMPONENTS = 24  # of real digits: noise of single pixels hardly shows in them
BALLS = 5  # neighbours that the balls of `recall` reach to

# Honest solutions reach at least 0.59 and 0.24 (one or two seeds of each exercise, see
# sources/tasks); a few stored pictures, also with noise on them, at most 0.4 and 0.02.
VARIETY = Number("variety", "variety of what it draws", "", "above", 0.5)
RECALL = Number(
    "recall", "share of real digits that are like drawn ones", "", "above", 0.1
)
# Of stored real images 1; of real digits that are new 0.01.
COPIES = Number("copies", "share of copies of real images", "", "below", 0.5)
OF_IMAGES = (VARIETY, RECALL, COPIES)


def of_images(images: Numbers, rng: np.random.Generator) -> dict[str, float]:
    """Return what `OF_IMAGES` asks for of drawn images (n, ...) in [0, 1].

    Args:
        images: 784 numbers each; n at most 5,000.
        rng: chooses which images are looked up.
    """
    images = np.asarray(images, "float32").reshape(-1, 28, 28)
    real = data.load().test.images[: len(images), ..., 0]
    seen, known = judge.features(images), judge.features(real)
    return {
        "variety": variety(images, real),
        "recall": metrics.precision_recall(known, seen, BALLS)[1],
        "copies": copies(images, rng),
    }


def variety(images: Numbers, real: Numbers) -> float:
    """Return how much images (n, ...) differ among themselves, compared with real ones.

    The median distance from an image to the most similar other one, divided by that of
    as many real ones: 1 for real digits, 0 for a few pictures that return. Distances
    are those of the first `COMPONENTS` principal components. The idea is the birthday
    paradox test of Arora and Zhang (2017), "Do GANs actually learn the distribution?
    An empirical study".
    """
    basis = components()
    apart = [
        median_distance(np.asarray(each, "float64").reshape(len(each), -1) @ basis)
        for each in (images, real)
    ]
    return apart[0] / apart[1]


@cache
def components() -> Numbers:
    """The first principal components of the digits, (784, COMPONENTS)."""
    images = data.load().train.images[:5000].reshape(5000, -1).astype("float64")
    _, directions = np.linalg.eigh(np.cov(images.T))  # from the smallest on
    return np.asarray(directions[:, : -COMPONENTS - 1 : -1])


def median_distance(vectors: Numbers) -> float:
    """Return the median distance from a vector (n, d) to its nearest other one."""
    vectors = vectors - vectors.mean(axis=0)
    lengths = (vectors**2).sum(axis=1)
    squared = lengths[:, None] + lengths - 2 * vectors @ vectors.T
    np.fill_diagonal(squared, np.inf)
    return float(np.median(np.sqrt(squared.min(axis=1).clip(min=0))))


def copies(images: Numbers, rng: np.random.Generator) -> float:
    """Return the share of images (n, ...) that lie suspiciously near a real image.

    `SUSPECTS` of them, chosen by `rng`, are looked up among all images of all splits.
    Suspicious is half the median distance of a validation image to the nearest
    training image.
    """
    digits = data.load()
    new = rng.choice(digits.validation.images, SUSPECTS, replace=False)
    usual = np.median(metrics.nearest_neighbours(new, digits.train.images)[1])
    suspects = rng.choice(images.reshape(len(images), 28, 28, 1), SUSPECTS)
    found = [metrics.nearest_neighbours(suspects, split.images)[1] for split in digits]
    return float((np.min(found, axis=0) < usual / 2).mean())


def known(bar: float) -> Number:
    """The sign that a network does not know the test images better than others."""
    label = "how much better it knows the test images than other new ones"
    return Number("known", label, "", "below", bar)


def known_better(losses: Callable[[data.Split], npt.ArrayLike]) -> float:
    """Return by how much a network knows the test images better than new ones.

    The mean loss of the validation images minus that of the test images, in units of
    their mean: nearly the same for all networks of a kind that saw neither, higher for
    one that was trained on test images. The idea is that of membership inference, as in
    Yeom et al. (2018), "Privacy risk in machine learning".

    Args:
        losses: the loss (n,) of each image of a split.
    """
    digits = data.load()
    new, test = (
        float(np.mean(np.asarray(losses(split), "float64")))
        for split in (digits.validation, digits.test)
    )
    return (new - test) / ((new + test) / 2)
