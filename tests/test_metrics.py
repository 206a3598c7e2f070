"""Each metric against a closed form or a case whose answer is known."""

import keras
import numpy as np
import pytest
import scipy.linalg
from scipy import integrate, ndimage, stats

from digitdreams import data, judge, metrics


@pytest.fixture
def random():
    return np.random.default_rng(0)


@pytest.fixture(scope="module")
def real():
    """Real images to damage, and the judge's features of others."""
    images = data.load().validation.images
    return images[:1500], judge.features(images[2500:])


def covariance(random, width, rank=None):
    factor = random.normal(size=(width, rank or width))
    return factor @ factor.T / width


def one_hot(labels):
    return np.eye(10)[labels]


# ELBO terms


def test_reconstruction_is_the_naive_cross_entropy(random):
    images = random.uniform(size=(5, 28, 28, 1))
    logits = random.normal(scale=3, size=images.shape)
    p = 1 / (1 + np.exp(-logits))
    naive = -(images * np.log(p) + (1 - images) * np.log(1 - p)).sum(axis=(1, 2, 3))
    found = metrics.reconstruction_nats(images, logits)
    assert found.shape == (5,)
    assert np.allclose(found, naive, rtol=1e-12)


def test_reconstruction_stands_extreme_logits():
    found = metrics.reconstruction_nats([[1.0], [0.0], [1.0]], [[1e4], [-1e4], [-1e4]])
    assert np.array_equal(found, [0, 0, 1e4])


def test_reconstruction_of_undecided_logits_is_log_two_a_pixel():
    images = np.zeros((3, 28, 28, 1))
    assert np.allclose(
        metrics.reconstruction_nats(images, images), 784 * np.log(2), rtol=1e-12
    )


@pytest.mark.parametrize(("mean", "log_variance"), [(0.7, -1.2), (-2, 0.4), (0, 3)])
def test_kl_matches_numeric_integration(mean, log_variance):
    q = stats.norm(mean, np.exp(log_variance / 2))
    p = stats.norm()
    expected, _ = integrate.quad(
        lambda z: q.pdf(z) * (q.logpdf(z) - p.logpdf(z)), -30, 30, limit=200
    )
    found = metrics.kl_to_standard_normal([[mean]], [[log_variance]])
    assert found == pytest.approx([expected], rel=1e-7)


def test_kl_adds_over_latent_numbers_and_vanishes_for_the_prior(random):
    mean, log_variance = random.normal(size=(2, 6, 3))
    whole = metrics.kl_to_standard_normal(mean, log_variance)
    parts = [
        metrics.kl_to_standard_normal(mean[:, [i]], log_variance[:, [i]])
        for i in range(3)
    ]
    assert np.allclose(whole, sum(parts))
    assert (whole > 0).all()
    assert metrics.kl_to_standard_normal([[0, 0]], [[0, 0]]) == 0
    assert metrics.kl_to_standard_normal([[0.0]], [[1e-5]])[0] > 0


def test_entropy_floor():
    assert metrics.entropy_floor(data.load().test.images) == pytest.approx(
        45.53, abs=0.01
    )
    assert metrics.entropy_floor([[0.0, 1.0]]) == 0
    assert metrics.entropy_floor(np.full((2, 5), 0.5)) == pytest.approx(5 * np.log(2))


def test_no_reconstruction_lies_below_the_entropy_floor(random):
    grey = random.uniform(0.01, 0.99, size=(20, 28, 28, 1))
    floor = metrics.entropy_floor(grey)
    exact = np.log(grey / (1 - grey))
    assert metrics.reconstruction_nats(grey, exact).mean() == pytest.approx(floor)
    assert metrics.reconstruction_nats(grey, exact + 0.1).mean() > floor


# Scores from probabilities


def test_inception_score_extremes(random):
    constant = np.tile(random.dirichlet(np.ones(10)), (50, 1))
    assert metrics.inception_score(constant) == pytest.approx(1)
    assert metrics.inception_score(one_hot(np.arange(100) % 10)) == pytest.approx(10)
    assert metrics.inception_score(one_hot(np.arange(100) % 4)) == pytest.approx(4)


def test_inception_score_of_symmetric_doubt():
    # Each class is given p for its own digit and (1 - p) / 9 for each other one.
    p = 0.8
    rows = np.full((10, 10), (1 - p) / 9)
    np.fill_diagonal(rows, p)
    expected = 10 * p**p * ((1 - p) / 9) ** (1 - p)
    assert metrics.inception_score(rows) == pytest.approx(expected)


def test_label_accuracy():
    rows = one_hot(np.array([3, 1, 4, 1]))
    assert metrics.label_accuracy(rows, np.array([3, 1, 4, 1])) == 1
    assert metrics.label_accuracy(rows, np.array([3, 1, 4, 5])) == 0.75


def test_class_shares_and_mode_coverage():
    rows = one_hot(np.repeat([0, 1, 2], [500, 494, 6]))
    assert np.allclose(metrics.class_shares(rows), [0.5, 0.494, 0.006] + [0] * 7)
    assert metrics.mode_coverage(rows) == 2
    assert metrics.mode_coverage(rows, at_least=0.006) == 3
    assert metrics.mode_coverage(one_hot(np.arange(10))) == 10


# Fréchet distance


@pytest.mark.parametrize("rank", [16, 5])
def test_frechet_distance_matches_the_formula(random, rank):
    a, b = covariance(random, 16), covariance(random, 16, rank)
    mean_a, mean_b = random.normal(size=(2, 16))
    root = scipy.linalg.sqrtm(a @ b).real
    expected = ((mean_a - mean_b) ** 2).sum() + np.trace(a + b - 2 * root)
    found = metrics.frechet_distance(mean_a, a, mean_b, b)
    assert found == pytest.approx(expected, abs=1e-6)
    assert found == pytest.approx(metrics.frechet_distance(mean_b, b, mean_a, a))


def test_frechet_distance_of_diagonal_gaussians(random):
    mean_a, mean_b = random.normal(size=(2, 64))
    deviation_a, deviation_b = random.uniform(0, 3, size=(2, 64))
    expected = ((mean_a - mean_b) ** 2 + (deviation_a - deviation_b) ** 2).sum()
    found = metrics.frechet_distance(
        mean_a, np.diag(deviation_a**2), mean_b, np.diag(deviation_b**2)
    )
    assert found == pytest.approx(expected, abs=1e-6)


def test_frechet_distance_of_equal_gaussians_is_zero(random):
    mean, spread = random.normal(size=64), covariance(random, 64, rank=20)
    assert metrics.frechet_distance(mean, spread, mean, spread) < 1e-6
    moved = metrics.frechet_distance(mean, spread, mean + 1, spread)
    assert moved == pytest.approx(64, abs=1e-6)


def test_fid_of_a_scaled_and_moved_set(random):
    features = random.normal(size=(200, 8))
    variances = features.var(axis=0, ddof=1)
    expected = 9 * 8 + variances.sum()  # deviations double: (2 s - s)^2
    centred = features - features.mean(axis=0)
    assert metrics.fid(centred, 2 * centred + 3) == pytest.approx(expected)


def test_fid_floor_shrinks_with_more_samples(random):
    features = random.normal(size=(4000, 8))
    small, large = metrics.fid_floor(features[:200]), metrics.fid_floor(features)
    assert 0 < large < small
    assert metrics.fid_floor(features, seed=1) != large
    assert metrics.fid_floor(features, seed=0) == large


# FID on the judge's features


def blurred(images, strength):
    return ndimage.gaussian_filter(images, (0, strength, strength, 0))


def noisy(images, strength):
    noise = np.random.default_rng(0).normal(scale=strength, size=images.shape)
    return np.clip(images + noise, 0, 1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("damage", "strengths"), [(blurred, (0.5, 0.8, 1.2)), (noisy, (0.05, 0.15, 0.3))]
)
def test_fid_grows_with_damage(real, damage, strengths):
    images, reference = real
    values = [metrics.fid(reference, judge.features(images))]
    for strength in strengths:
        worse = judge.features(damage(images, strength))
        values.append(metrics.fid(reference, worse))
    assert values == sorted(values)
    assert len(set(values)) == len(values)


def test_fid_grows_with_dropped_classes(real):
    images, reference = real
    found = judge.features(images)
    labels = judge.probabilities(images).argmax(axis=1)
    values = [
        metrics.fid(reference, found[labels >= dropped]) for dropped in (0, 1, 3, 6)
    ]
    assert values == sorted(values)
    assert values[1] > 3 * values[0]


# Precision and recall


def test_precision_and_recall_of_equal_and_of_far_sets(random):
    vectors = random.normal(size=(300, 8))
    assert metrics.precision_recall(vectors, vectors) == (1, 1)
    repeated = np.repeat(vectors[:50], 6, axis=0)
    assert metrics.precision_recall(repeated, repeated) == (1, 1)
    assert metrics.precision_recall(vectors, vectors + 1000) == (0, 0)


def test_recall_falls_with_dropped_modes(random):
    centres = 20 * np.eye(10)
    real = centres[np.arange(1000) % 10] + random.normal(size=(1000, 10))
    generated = centres[np.arange(1000) % 10] + random.normal(size=(1000, 10))
    few = centres[np.arange(1000) % 3] + random.normal(size=(1000, 10))
    precision, recall = metrics.precision_recall(real, generated)
    assert min(precision, recall) > 0.7
    precision_few, recall_few = metrics.precision_recall(real, few)
    assert precision_few > 0.7
    assert recall_few < 0.3


def test_precision_falls_with_outliers(random):
    real = random.normal(size=(1000, 4))
    generated = random.normal(size=(1000, 4))
    generated[:400] += 50
    precision, recall = metrics.precision_recall(real, generated)
    assert 0.4 < precision <= 0.6
    assert recall > 0.7


def test_precision_and_recall_by_hand():
    real = np.array([[0.0], [1.0], [2.0], [10.0]])
    generated = np.array([[0.5], [3.5], [2.9]])
    # With one neighbour the real balls are [-1, 1], [0, 2], [1, 3], [2, 18] and the
    # generated ones [-1.9, 2.9], [2.9, 4.1], [2.3, 3.5].
    precision, recall = metrics.precision_recall(real, generated, neighbours=1)
    assert precision == 1
    assert recall == 0.75
    precision, _ = metrics.precision_recall(real[:3], generated, neighbours=1)
    assert precision == pytest.approx(2 / 3)


# Whatever goes wrong is said


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: metrics.reconstruction_nats(np.zeros((2, 3)), np.zeros((2, 4))),
            "shape",
        ),
        (lambda: metrics.reconstruction_nats([[2.0]], [[0.0]]), r"\[0, 1\]"),
        (lambda: metrics.reconstruction_nats([[0.5]], [[np.nan]]), "logits.*finite"),
        (lambda: metrics.kl_to_standard_normal([[0.0]], [[0.0, 0.0]]), "shape"),
        (lambda: metrics.kl_to_standard_normal([[np.inf]], [[0.0]]), "mean.*finite"),
        (lambda: metrics.entropy_floor([[255.0]]), r"\[0, 1\]"),
        (lambda: metrics.entropy_floor([]), "filled"),
        (lambda: metrics.inception_score(np.zeros((4, 10))), "softmax"),
        (lambda: metrics.inception_score(np.ones(10) / 10), "classes"),
        (lambda: metrics.inception_score(np.full((2, 2), np.nan)), "finite"),
        (lambda: metrics.label_accuracy(np.eye(3), [0, 1]), "labels"),
        (lambda: metrics.label_accuracy(np.eye(3), [0, 1, 7]), "0 to 2"),
        (lambda: metrics.class_shares([[0.7, 0.7]]), "sum to 1"),
        (lambda: metrics.mode_coverage(np.eye(3), at_least=2), "at_least"),
        (lambda: metrics.frechet_distance([0], [[1]], [0, 0], np.eye(2)), "shape"),
        (lambda: metrics.frechet_distance([0], np.eye(2), [0], [[1]]), r"\(1, 1\)"),
        (
            lambda: metrics.frechet_distance(
                [0, 0], [[1, 1], [0, 1]], [0, 0], np.eye(2)
            ),
            "symmetric",
        ),
        (lambda: metrics.frechet_distance([0], [[-1]], [0], [[1]]), "negative"),
        (lambda: metrics.fid(np.zeros((8, 8)), np.zeros((9, 8))), "too few samples"),
        (lambda: metrics.fid(np.zeros((9, 8)), np.zeros((9, 7))), "columns"),
        (lambda: metrics.fid(np.zeros(9), np.zeros(9)), r"\(n, d\)"),
        (lambda: metrics.fid(np.full((9, 2), np.nan), np.zeros((9, 2))), "finite"),
        (lambda: metrics.fid_floor(np.zeros((16, 8))), "at least 18"),
        (
            lambda: metrics.precision_recall(np.zeros((3, 2)), np.zeros((9, 2))),
            "3 rows",
        ),
        (lambda: metrics.precision_recall(np.eye(9), np.zeros((9, 2))), "columns"),
        (lambda: metrics.precision_recall(np.eye(9), np.eye(9), 0), "neighbours"),
    ],
)
def test_wrong_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_tensors_are_welcome():
    tensor = keras.ops.zeros((2, 3))
    assert np.array_equal(metrics.kl_to_standard_normal(tensor, tensor), [0, 0])
    assert isinstance(metrics.entropy_floor(tensor), float)


# Kernel distance


def test_kid_of_one_number_matches_the_definition():
    a, b = np.array([[0.0], [1.0], [2.0]]), np.array([[1.0], [3.0]])

    def kernel(x, y):
        return (x * y + 1) ** 3

    within_a = (kernel(0, 1) + kernel(0, 2) + kernel(1, 2)) / 3
    across = np.mean([kernel(x, y) for x in (0, 1, 2) for y in (1, 3)])
    expected = within_a + kernel(1, 3) - 2 * across
    assert metrics.kid(a, b) == pytest.approx(expected)
    assert metrics.kid(b, a) == pytest.approx(expected)


@pytest.mark.slow
def test_kid_of_shifted_numbers_matches_its_expectation(random):
    # With k(x, y) = (xy + 1)^3 the distance compares the first three moments,
    # 3 (m1 - n1)^2 + 3 (m2 - n2)^2 + (m3 - n3)^2: here of N(0, 1) and N(1, 1).
    expected = 3 * 1**2 + 3 * (2 - 1) ** 2 + 4**2
    a, b = random.normal(size=(20_000, 1)), random.normal(1, size=(20_000, 1))
    assert metrics.kid(a, b) == pytest.approx(expected, rel=0.05)


def test_kid_has_no_bias_in_the_number_of_samples(random):
    values = [metrics.kid(*random.normal(size=(2, 20, 8))) for _ in range(400)]
    standard_error = np.std(values) / 20
    assert abs(np.mean(values)) < 4 * standard_error
    assert min(values) < 0  # as an estimate without bias of 0 must sometimes be


def test_kid_does_not_depend_on_the_size_of_parts(random):
    a, b = random.normal(size=(2100, 3)), random.normal(0.2, size=(1500, 3))

    def mean(x, y, without_self):
        kernel = (x @ y.T / 3 + 1) ** 3
        if without_self:
            return (kernel.sum() - np.trace(kernel)) / (len(x) * (len(x) - 1))
        return kernel.mean()

    expected = mean(a, a, True) + mean(b, b, True) - 2 * mean(a, b, False)
    assert metrics.kid(a, b) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("a", "b"), [([[1.0]], [[1.0], [2.0]]), ([[1.0, 2.0]] * 2, [[1.0]] * 2), ([1.0], 2)]
)
def test_kid_refuses(a, b):
    with pytest.raises(ValueError):
        metrics.kid(a, b)


# Nearest neighbours


def test_nearest_neighbours_on_a_line():
    bank = np.array([[0.0], [10.0], [20.0]])
    indices, distances = metrics.nearest_neighbours([[1.0], [14.0], [20.0]], bank)
    assert indices.tolist() == [0, 1, 2]
    assert np.array_equal(distances, [1, 4, 0])


@pytest.mark.slow
def test_nearest_neighbours_of_images_match_all_pairs(random):
    bank = random.uniform(size=(300, 28, 28, 1))
    points = np.concatenate([random.uniform(size=(260, 28, 28, 1)), bank[7:9]])
    distances = np.linalg.norm(
        points.reshape(262, 1, 784) - bank.reshape(1, 300, 784), axis=2
    )
    found, how_far = metrics.nearest_neighbours(points, bank)
    assert np.array_equal(found, distances.argmin(axis=1))
    assert np.allclose(how_far, distances.min(axis=1), atol=1e-6)
    assert np.array_equal(found[-2:], [7, 8])


@pytest.mark.parametrize(
    ("points", "bank"),
    [([1.0], [[1.0]]), ([[np.nan]], [[1.0]]), ([[1.0, 2.0]], [[1.0]])],
)
def test_nearest_neighbours_refuses(points, bank):
    with pytest.raises(ValueError):
        metrics.nearest_neighbours(points, bank)
