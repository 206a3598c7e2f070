"""Numbers that say how good a generative model is.

Every function takes NumPy arrays (or anything that turns into one), computes in
float64 and returns Python floats or NumPy arrays. All raise ValueError, saying what is
wrong, for a wrong shape, for values that are not finite or out of range, and for too
few samples.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import entr, xlogy


def reconstruction_nats(images: ArrayLike, logits: ArrayLike) -> np.ndarray:
    """Return the Bernoulli cross-entropy of each image, in nats, summed over pixels.

    `images` (n, ...) in [0, 1], grey or binary; `logits` of the same shape, any real
    numbers. Returns float64 (n,), at least 0. For grey images the lowest possible mean
    is `entropy_floor(images)`. Source: Kingma and Welling (2013), "Auto-encoding
    variational Bayes", appendix C.1.
    """
    images = _unit_interval(_array(images, "images"), "images")
    logits = _array(logits, "logits")
    _same_shape(images, logits, "images", "logits")
    terms = np.maximum(logits, 0) - logits * images + np.log1p(np.exp(-abs(logits)))
    return _sum_per_example(terms)


def kl_to_standard_normal(mean: ArrayLike, log_variance: ArrayLike) -> np.ndarray:
    """Return the KL divergence of each Gaussian to N(0, I), in nats.

    `mean` and `log_variance` (n, latent) describe Gaussians with a diagonal
    covariance. Returns float64 (n,), at least 0. Source: Kingma and Welling (2013),
    "Auto-encoding variational Bayes", appendix B.
    """
    mean = _array(mean, "mean")
    log_variance = _array(log_variance, "log_variance")
    _same_shape(mean, log_variance, "mean", "log_variance")
    # expm1(v) - v stays exact for variances close to 1.
    terms = mean**2 + np.expm1(log_variance) - log_variance
    return 0.5 * _sum_per_example(terms)


def entropy_floor(images: ArrayLike) -> float:
    """Return the least mean cross-entropy that grey images allow, in nats an image.

    `images` (n, ...) in [0, 1]. A model that predicts every grey level exactly still
    pays the binary entropy of each level: 45.53 nats on MNIST's test images, 0 on
    binary images. Source: Shannon (1948), "A mathematical theory of communication",
    section 6 (cross-entropy is at least entropy).
    """
    images = _unit_interval(_array(images, "images"), "images")
    return float(_sum_per_example(entr(images) + entr(1 - images)).mean())


def inception_score(probabilities: ArrayLike) -> float:
    """Return how sure and how varied a classifier finds the samples.

    `probabilities` (n, classes), one row a sample, each summing to 1. The score is
    exp of the mean KL divergence of a row to the mean row: from 1 (all rows equal) to
    the number of classes (each row certain, all classes equally frequent). On the
    judge's probabilities it is the "MNIST score", at most 10. Source: Salimans et al.
    (2016), "Improved techniques for training GANs".
    """
    rows = _probabilities(probabilities)
    mean = rows.mean(axis=0)
    divergences = (xlogy(rows, rows) - xlogy(rows, mean)).sum(axis=1)
    return float(np.exp(divergences.mean()))


def frechet_distance(
    mean_a: ArrayLike,
    covariance_a: ArrayLike,
    mean_b: ArrayLike,
    covariance_b: ArrayLike,
) -> float:
    """Return the squared Fréchet distance between two Gaussians.

    Means (d,), covariances (d, d), symmetric with no negative variance. Returns

        |mean_a - mean_b|^2 + trace(A + B - 2 (A B)^(1/2)),

    at least 0, and 0 for equal Gaussians. Source: Dowson and Landau (1982), "The
    Fréchet distance between multivariate normal distributions".
    """
    mean_a, mean_b = _array(mean_a, "mean_a"), _array(mean_b, "mean_b")
    _same_shape(mean_a, mean_b, "mean_a", "mean_b")
    if mean_a.ndim != 1:
        raise ValueError(f"mean_a must have the shape (d,), not {mean_a.shape}.")
    root_a = _square_root(covariance_a, len(mean_a), "covariance_a")
    root_b = _square_root(covariance_b, len(mean_b), "covariance_b")
    # The trace of (A B)^(1/2) is the sum of the singular values of A^(1/2) B^(1/2);
    # unlike a matrix square root of A B it stays accurate when A or B is singular.
    shared = np.linalg.svd(root_a @ root_b, compute_uv=False).sum()
    spread = (root_a**2).sum() + (root_b**2).sum() - 2 * shared
    return max(0.0, float(((mean_a - mean_b) ** 2).sum() + spread))


def fid(features_a: ArrayLike, features_b: ArrayLike) -> float:
    """Return the Fréchet distance between two sets of feature vectors (FID).

    `features_a` (n, d) and `features_b` (m, d), each with more rows than columns.
    At least 0; smaller is better. The value depends on the features and, because a
    covariance from few samples is off, on n and m: compare it only with values from
    the same judge and as many samples, and read it beside `fid_floor`. Source: Heusel
    et al. (2017), "GANs trained by a two time-scale update rule converge to a local
    Nash equilibrium".
    """
    features_a = _features(features_a, "features_a")
    features_b = _features(features_b, "features_b")
    if features_a.shape[1] != features_b.shape[1]:
        raise ValueError(
            f"features_a has {features_a.shape[1]} columns and features_b "
            f"{features_b.shape[1]}: take both from the same judge."
        )
    return frechet_distance(*_gaussian(features_a), *_gaussian(features_b))


def fid_floor(features: ArrayLike, seed: int = 0) -> float:
    """Return the FID between two random halves of real features.

    `features` (n, d) with n > 2 d. A perfect generator reaches about this value with
    n / 2 samples against n / 2 real ones; no FID below it means anything.
    Source: as for `fid`.
    """
    features = _features(features, "features", halves=2)
    order = np.random.default_rng(seed).permutation(len(features))
    half = len(features) // 2
    return fid(features[order[:half]], features[order[half : 2 * half]])


def kid(features_a: ArrayLike, features_b: ArrayLike) -> float:
    """Return the kernel distance between two sets of feature vectors (KID).

    `features_a` (n, d) and `features_b` (m, d), at least two rows each. The squared
    maximum mean discrepancy with the kernel (x y / d + 1)^3, without bias: on average
    0 for two draws of one distribution, whatever n and m, so that it may be slightly
    negative. The value depends on the features: compare it only with values from the
    same judge. Source: Bińkowski et al. (2018), "Demystifying MMD GANs".
    """
    features_a = _vectors(features_a, "features_a")
    features_b = _vectors(features_b, "features_b")
    _same_width(features_a, features_b, "features_a", "features_b")

    def total(a: np.ndarray, b: np.ndarray) -> Any:
        return sum(_kernel(a[part], b).sum() for part in _parts(len(a)))

    def within(a: np.ndarray, name: str) -> Any:
        if len(a) < 2:
            raise ValueError(f"{name} has one row; at least two are needed.")
        # A vector's likeness to itself would say nothing of the others.
        own = ((np.einsum("nd,nd->n", a, a) / a.shape[1] + 1) ** 3).sum()
        return (total(a, a) - own) / (len(a) * (len(a) - 1))

    across = total(features_a, features_b) / (len(features_a) * len(features_b))
    own = within(features_a, "features_a") + within(features_b, "features_b")
    return float(own - 2 * across)


def precision_recall(
    real: np.ndarray, generated: np.ndarray, neighbours: int = 3
) -> tuple[float, float]:
    """Return improved precision and recall, both from 0 to 1.

    `real` (n, d) and `generated` (m, d) are feature vectors. A ball around each vector
    reaches to its `neighbours`-th nearest neighbour in its own set; the balls of a set
    estimate where its distribution lives. Precision is the share of generated vectors
    inside the real balls (are samples realistic?), recall the share of real vectors
    inside the generated balls (is everything covered?). Use equally many of both.
    Source: Kynkäänniemi et al. (2019), "Improved precision and recall metric for
    assessing generative models".
    """
    real, generated = _array(real, "real"), _array(generated, "generated")
    for name, vectors in (("real", real), ("generated", generated)):
        if vectors.ndim != 2:
            raise ValueError(f"{name} must have the shape (n, d), not {vectors.shape}.")
        if neighbours < 1 or len(vectors) <= neighbours:
            raise ValueError(
                f"{name} has {len(vectors)} rows; with neighbours={neighbours} it "
                f"needs more than {neighbours}, and neighbours must be at least 1."
            )
    if real.shape[1] != generated.shape[1]:
        raise ValueError(
            f"real has {real.shape[1]} columns and generated {generated.shape[1]}: "
            "take both from the same judge."
        )
    centre = real.mean(axis=0)  # smaller numbers lose fewer digits in float32
    real = (real - centre).astype("float32")
    generated = (generated - centre).astype("float32")
    real_radii = _squared_radii(real, neighbours)
    generated_radii = _squared_radii(generated, neighbours)
    precise, recalled = [], np.zeros(len(real), bool)
    for part in _parts(len(generated)):
        distances = _squared_distances(generated[part], real)
        precise.append((distances <= real_radii).any(axis=1))
        recalled |= (distances <= generated_radii[part, None]).any(axis=0)
    return float(np.concatenate(precise).mean()), float(recalled.mean())


def nearest_neighbours(
    points: ArrayLike, bank: ArrayLike
) -> tuple[np.ndarray, np.ndarray]:
    """Return the index and the distance of the nearest vector of a bank, both (n,).

    `points` (n, ...) and `bank` (m, ...), such as generated and training images; what
    follows the first axis is taken as one vector. Distances are Euclidean, float64;
    an exact copy has the distance 0. Source: Cover and Hart (1967), "Nearest neighbor
    pattern classification".
    """
    points, bank = np.asarray(points, "float32"), np.asarray(bank, "float32")
    for name, vectors in (("points", points), ("bank", bank)):
        if vectors.ndim < 2 or not vectors.size:
            raise ValueError(
                f"{name} must have the shape (n, ...), not {vectors.shape}."
            )
        if not np.isfinite(vectors).all():
            raise ValueError(f"{name} has values that are not finite.")
    points = points.reshape(len(points), -1)
    bank = bank.reshape(len(bank), -1)
    _same_width(points, bank, "points", "bank")
    lengths = np.einsum("nd,nd->n", bank, bank)
    indices = np.concatenate(
        [
            (lengths - 2 * points[part] @ bank.T).argmin(axis=1)
            for part in _parts(len(points), 250)
        ]
    )
    # Single precision is enough to find the nearest, not to say how near.
    differences = points.astype("float64") - bank[indices]
    return indices, np.sqrt((differences**2).sum(axis=1))


def label_accuracy(probabilities: ArrayLike, labels: ArrayLike) -> float:
    """Return the share of samples whose most probable class is the wanted one.

    `probabilities` (n, classes), rows summing to 1; `labels` (n,) integers from 0.
    From 0 to 1. Source: Ravuri and Vinyals (2019), "Classification accuracy score for
    conditional generative models", discuss it and its limits: it says nothing of
    variety within a class.
    """
    rows = _probabilities(probabilities)
    labels = _array(labels, "labels")
    if labels.shape != rows.shape[:1]:
        raise ValueError(f"labels must be {rows.shape[:1]}, not {labels.shape}.")
    if not np.isin(labels, np.arange(rows.shape[1])).all():
        raise ValueError(f"labels must be whole numbers from 0 to {rows.shape[1] - 1}.")
    return float((rows.argmax(axis=1) == labels).mean())


def class_shares(probabilities: ArrayLike) -> np.ndarray:
    """Return the share of samples that fall into each class, float64 (classes,).

    `probabilities` (n, classes), rows summing to 1. A sample counts for its most
    probable class; shares sum to 1. Source: as for `mode_coverage`.
    """
    rows = _probabilities(probabilities)
    return np.bincount(rows.argmax(axis=1), minlength=rows.shape[1]) / len(rows)


def mode_coverage(probabilities: ArrayLike, at_least: float = 0.01) -> int:
    """Return how many classes hold at least the share `at_least` of the samples.

    `probabilities` (n, classes), rows summing to 1; `at_least` in [0, 1]. From 0 to
    the number of classes; less than that is a sign of mode collapse. Source: the
    mode count of Metz et al. (2017), "Unrolled generative adversarial networks", with
    digits as modes.
    """
    if not 0 <= at_least <= 1:
        raise ValueError(f"at_least must be from 0 to 1, not {at_least}.")
    return int((class_shares(probabilities) >= at_least).sum())


def _array(values: ArrayLike, name: str) -> np.ndarray:
    array = np.asarray(values, "float64")
    if array.ndim == 0 or array.size == 0:
        raise ValueError(f"{name} must be a filled array, not {array.shape}.")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} has values that are not finite (NaN or infinite).")
    return array


def _same_shape(a: np.ndarray, b: np.ndarray, name_a: str, name_b: str) -> None:
    if a.shape != b.shape:
        raise ValueError(f"{name_a} has the shape {a.shape} but {name_b} {b.shape}.")


def _unit_interval(array: np.ndarray, name: str) -> np.ndarray:
    if array.min() < 0 or array.max() > 1:
        raise ValueError(
            f"{name} must lie in [0, 1]; they reach from {array.min():.3g} to "
            f"{array.max():.3g}."
        )
    return array


def _sum_per_example(terms: np.ndarray) -> np.ndarray:
    return terms.reshape(len(terms), -1).sum(axis=1)


def _probabilities(values: ArrayLike) -> np.ndarray:
    rows = _array(values, "probabilities")
    if rows.ndim != 2:
        raise ValueError(f"probabilities must be (n, classes), not {rows.shape}.")
    if rows.min() < 0 or abs(rows.sum(axis=1) - 1).max() > 1e-3:
        raise ValueError(
            "probabilities must be at least 0 and sum to 1 in each row (are these "
            "logits? use a softmax)."
        )
    return rows / rows.sum(axis=1, keepdims=True)


def _vectors(values: ArrayLike, name: str) -> np.ndarray:
    vectors = _array(values, name)
    if vectors.ndim != 2:
        raise ValueError(f"{name} must have the shape (n, d), not {vectors.shape}.")
    return vectors


def _same_width(a: np.ndarray, b: np.ndarray, name_a: str, name_b: str) -> None:
    if a.shape[1] != b.shape[1]:
        raise ValueError(
            f"{name_a} has {a.shape[1]} numbers a row and {name_b} {b.shape[1]}: take "
            "both from the same place."
        )


def _kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    likeness = a @ b.T / a.shape[1] + 1
    return likeness * likeness * likeness  # ten times as fast as ** 3


def _features(values: ArrayLike, name: str, halves: int = 1) -> np.ndarray:
    features = _array(values, name)
    if features.ndim != 2:
        raise ValueError(f"{name} must have the shape (n, d), not {features.shape}.")
    size, width = features.shape
    if size // halves <= width:
        raise ValueError(
            f"{name} has {size} rows of {width} numbers: too few samples, at least "
            f"{halves * (width + 1)} are needed."
        )
    return features


def _gaussian(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    covariance = np.atleast_2d(np.cov(features, rowvar=False))
    return features.mean(axis=0), covariance


def _square_root(covariance: ArrayLike, width: int, name: str) -> np.ndarray:
    """The symmetric square root of a covariance matrix."""
    covariance = _array(covariance, name)
    if covariance.shape != (width, width):
        raise ValueError(
            f"{name} must have the shape {(width, width)}, not {covariance.shape}."
        )
    scale = abs(covariance).max()
    if abs(covariance - covariance.T).max() > 1e-6 * scale:
        raise ValueError(f"{name} is not symmetric.")
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
    if values.min() < -1e-6 * scale:
        raise ValueError(f"{name} has a negative variance in some direction.")
    return (vectors * np.sqrt(values.clip(min=0))) @ vectors.T


def _squared_distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    distances = (-2 * a) @ b.T
    distances += (a**2).sum(axis=1)[:, None]
    distances += (b**2).sum(axis=1)
    return distances.clip(min=0, out=distances)


def _squared_radii(vectors: np.ndarray, neighbours: int) -> np.ndarray:
    """The squared distance of each vector to its k-th nearest neighbour."""
    # Column 0 after sorting is the vector itself, at distance 0.
    return np.concatenate(
        [
            np.partition(_squared_distances(vectors[part], vectors), neighbours)[
                :, neighbours
            ]
            for part in _parts(len(vectors))
        ]
    )


def _parts(count: int, rows: int = 1000) -> Iterator[slice]:
    """Slices of so many rows each, so that no large matrix is needed at once."""
    return (slice(start, start + rows) for start in range(0, count, rows))
