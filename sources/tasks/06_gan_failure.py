"""Tasks of exercise 06: the tests and the repairs of a GAN."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops
from scipy.stats import spearmanr

from digitdreams.course import Number
from digitdreams.inputs import normal
from digitdreams.tasks import Training, task

# Task 1: covered_modes


def modes_inputs(rng):
    # The shares lie on both sides of the bar, and some samples are bad ones.
    for modes in (16, 25):
        side = round(modes**0.5)
        centres = 4 * np.indices((side, side)).reshape(2, -1).T
        counts = rng.integers(0, 7, modes)
        which = np.repeat(np.arange(modes), counts)
        samples = centres[which] + 0.2 * normal(rng, len(which), 2)
        bad = -8 + normal(rng, 5, 2)
        yield {
            "samples": np.concatenate([samples, bad]).astype("float32"),
            "centres": centres.astype("float32"),
            "radius": 1.2,
            # Between two counts: no rounding decides.
            "at_least": (rng.integers(1, 6) + 0.5) / (len(which) + 5),
        }
    centres = np.array([[0, 0], [1, 0], [0, 1]], "float32")
    samples = [
        [0.7, 0.7],
        [0.7, 0.6],
        [0.05, 0],
        [1, 0.1],
        [0.6, 0.7],
        [0, 0.6],
    ]
    samples = np.array(samples, "float32")
    yield {
        "samples": samples,
        "centres": centres,
        "radius": 0.3,
        "at_least": 0.15,
    }

    # One share exactly at the bar, and samples inside in each coordinate only.
    samples = [[0, 0], [0, 0.6], [4, 0], [4.4, 0.4], [8, 0], [8.3, 0.3]]
    samples += [[20, 0], [20, 0]]
    yield {
        "samples": np.array(samples, "float32"),
        "centres": np.array([[0, 0], [4, 0], [8, 0]], "float32"),
        "radius": 0.5,
        "at_least": 0.25,
    }

    # One sample exactly at the radius, one near by the straight way only.
    samples = [[0, 0], [3, 4], [20, 0], [23, 3], [40, 0]] + 3 * [[100, 100]]
    yield {
        "samples": np.array(samples, "float32"),
        "centres": np.array([[0, 0], [20, 0], [40, 0]], "float32"),
        "radius": 5.0,
        "at_least": 0.2,
    }


def shares_of(samples, centres, radius):
    distances = np.linalg.norm(samples[:, None] - centres, axis=2)
    return (distances < radius).mean(axis=0)


@task(
    points=2,
    draws=3,
    inputs=modes_inputs,
    hints=[
        "First all distances: a table with a row for each sample and a "
        "column for each centre.",
        "samples[:, None] - centres has the shape (samples, modes, 2). The "
        "share of a mode is the mean of (distance < radius) down its column.",
        "shares = (np.linalg.norm(samples[:, None] - centres, axis=2) < "
        "radius).mean(axis=0), then count where shares >= at_least",
    ],
)
def covered_modes(samples, centres, radius, at_least):
    return int((shares_of(samples, centres, radius) >= at_least).sum())


@covered_modes.also_right
def covered_by_loop(samples, centres, radius, at_least):
    covered = 0
    for centre in centres:
        near = ((samples - centre) ** 2).sum(axis=1) < radius**2
        covered += near.sum() >= at_least * len(samples)
    return covered


@covered_modes.wrong(
    "You counted every mode that some sample reaches: a mode needs at least "
    "the share at_least of all samples."
)
def modes_touched(samples, centres, radius, at_least):
    return int((shares_of(samples, centres, radius) > 0).sum())


@covered_modes.wrong(
    "The share is to be taken of all samples, bad ones included: divide by "
    "the number of samples."
)
def modes_of_good_samples(samples, centres, radius, at_least):
    shares = shares_of(samples, centres, radius)
    return int((shares / shares.sum() >= at_least).sum())


@covered_modes.wrong(
    "You gave every sample to its nearest centre: it belongs there only if "
    "the distance is below radius."
)
def modes_by_nearest(samples, centres, radius, at_least):
    distances = np.linalg.norm(samples[:, None] - centres, axis=2)
    counts = np.bincount(distances.argmin(axis=1), minlength=len(centres))
    return int((counts / len(samples) >= at_least).sum())


@covered_modes.wrong(
    "You compared the squared distance with radius: take the square root, or "
    "square the radius."
)
def modes_squared(samples, centres, radius, at_least):
    return covered_modes(samples, centres, np.sqrt(radius), at_least)


@covered_modes.wrong(
    "A mode whose share is exactly at_least is covered, too: compare with >=."
)
def modes_above(samples, centres, radius, at_least):
    return int((shares_of(samples, centres, radius) > at_least).sum())


@covered_modes.wrong(
    "Each coordinate lies within the radius, which makes a square: take the "
    "length of the difference."
)
def modes_in_boxes(samples, centres, radius, at_least):
    inside = (np.abs(samples[:, None] - centres) < radius).all(axis=2)
    return int((inside.mean(axis=0) >= at_least).sum())


@covered_modes.wrong(
    "You added up the differences of the coordinates: take the length of the "
    "difference, the root of the summed squares."
)
def modes_in_diamonds(samples, centres, radius, at_least):
    ways = np.abs(samples[:, None] - centres).sum(axis=2)
    return int(((ways < radius).mean(axis=0) >= at_least).sum())


@covered_modes.wrong(
    "A sample exactly at radius does not belong to the mode: its distance has "
    "to be below it, so compare with <."
)
def modes_with_the_edge(samples, centres, radius, at_least):
    distances = np.linalg.norm(samples[:, None] - centres, axis=2)
    return int(((distances <= radius).mean(axis=0) >= at_least).sum())


@covered_modes.wrong(
    "This is the share of good samples: count the modes whose share is at "
    "least at_least."
)
def good_share(samples, centres, radius, at_least):
    return float(shares_of(samples, centres, radius).sum())


@covered_modes.wrong(
    "One step is missing: count the modes for which this is true."
)
def shares_not_counted(samples, centres, radius, at_least):
    return shares_of(samples, centres, radius) >= at_least


# Task 2: wasserstein_distance


def clouds_inputs(rng):
    yield {"one": normal(rng, 6), "other": normal(rng, 6) + 3}
    yield {"one": normal(rng, 9), "other": 2 * normal(rng, 9)}
    yield {
        "one": np.array([5, 0, 1], "float32"),
        "other": np.array([2, 9, -1], "float32"),
    }


@task(
    points=1,
    inputs=clouds_inputs,
    hints=[
        "If no two ways cross, the leftmost point goes to the leftmost "
        "place. What does that say about the order?",
        "Sort both clouds. Then the first goes to the first, the second to "
        "the second, and so on.",
        "ops.mean(ops.abs(ops.sort(one) - ...))",
    ],
)
def wasserstein_distance(one, other):
    return ops.mean(ops.abs(ops.sort(one) - ops.sort(other)))


@wasserstein_distance.also_right
def wasserstein_by_area(one, other):
    both = np.sort(np.concatenate([one, other]))
    below = [np.searchsorted(np.sort(x), both, "right") for x in (one, other)]
    heights = np.abs(below[0] - below[1])[:-1] / len(one)
    return float((heights * np.diff(both)).sum())


@wasserstein_distance.wrong(
    "The points are carried in the order in which they happen to stand: sort "
    "both clouds first."
)
def distance_unsorted(one, other):
    return ops.mean(ops.abs(one - other))


@wasserstein_distance.wrong(
    "This is the distance of the means. Clouds with one mean and different "
    "widths are apart, too: average the ways of the sorted points."
)
def distance_of_means(one, other):
    return ops.abs(ops.mean(one) - ops.mean(other))


@wasserstein_distance.wrong(
    "The ways are squared: work is mass times way, so take ops.abs."
)
def distance_squared(one, other):
    return ops.mean(ops.square(ops.sort(one) - ops.sort(other)))


@wasserstein_distance.wrong(
    "You summed over the points: divide by their number, so that each cloud "
    "has the mass 1."
)
def distance_summed(one, other):
    return ops.sum(ops.abs(ops.sort(one) - ops.sort(other)))


@wasserstein_distance.wrong(
    "Ways to the left and to the right cancel: take ops.abs before averaging."
)
def distance_signed(one, other):
    return ops.mean(ops.sort(one) - ops.sort(other))


@wasserstein_distance.wrong(
    "Every point goes to its nearest neighbour, so some places get several "
    "points and others none: sort and carry the first to the first."
)
def distance_to_nearest(one, other):
    return ops.mean(ops.min(ops.abs(one[:, None] - other), axis=1))


# Task 3: relativistic_losses


def scores_inputs(rng):
    yield {"real_scores": normal(rng, 5) + 1, "fake_scores": normal(rng, 5)}
    yield {"real_scores": 4 * normal(rng, 8), "fake_scores": normal(rng, 8)}
    yield {
        "real_scores": 200 * normal(rng, 4),
        "fake_scores": 200 * normal(rng, 4),
    }


@task(
    points=2,
    inputs=scores_inputs,
    observe="gradient",
    hints=[
        "Only the difference of the two scores of a pair matters. Which sign "
        "of it does the critic want?",
        "ops.softplus(a) is log(1 + exp(a)). Apply it to the difference of "
        "each pair, then average.",
        "ops.mean(ops.softplus(fake_scores - real_scores)) for the critic; "
        "for the generator the difference is turned round.",
    ],
)
def relativistic_losses(real_scores, fake_scores):
    critic = ops.mean(ops.softplus(fake_scores - real_scores))
    return critic, ops.mean(ops.softplus(real_scores - fake_scores))


@relativistic_losses.also_right
def relativistic_by_cross_entropy(real_scores, fake_scores):
    margin = real_scores - fake_scores
    return [
        ops.mean(
            ops.binary_crossentropy(
                ops.full_like(margin, label), margin, from_logits=True
            )
        )
        for label in (1.0, 0.0)
    ]


@relativistic_losses.wrong(
    "The two losses are exchanged: the critic pays little where the real "
    "score is the higher one."
)
def losses_swapped(real_scores, fake_scores):
    return relativistic_losses(fake_scores, real_scores)


@relativistic_losses.wrong(
    "These are the losses of lesson 5, which judge each score on its own: "
    "take the difference of each pair first."
)
def losses_of_lesson_5(real_scores, fake_scores):
    real = ops.mean(ops.softplus(-real_scores))
    critic = real + ops.mean(ops.softplus(fake_scores))
    return critic, ops.mean(ops.softplus(-fake_scores))


@relativistic_losses.wrong(
    "You averaged the scores before the softplus: compare pair by pair, then "
    "average the losses."
)
def losses_of_means(real_scores, fake_scores):
    margin = ops.mean(real_scores) - ops.mean(fake_scores)
    return ops.softplus(-margin), ops.softplus(margin)


@relativistic_losses.wrong(
    "The softplus is missing: without it, and without a limit on the slope, "
    "the critic's loss has no lowest value."
)
def losses_without_softplus(real_scores, fake_scores):
    margin = ops.mean(real_scores - fake_scores)
    return -margin, margin


@relativistic_losses.wrong(
    "The generator's loss is minus the critic's, which is flat where the "
    "critic is sure: use softplus(real - fake)."
)
def losses_saturating(real_scores, fake_scores):
    critic, _ = relativistic_losses(real_scores, fake_scores)
    return critic, -critic


@relativistic_losses.wrong(
    "You returned a loss for each pair: average over the pairs."
)
def losses_not_averaged(real_scores, fake_scores):
    critic = ops.softplus(fake_scores - real_scores)
    return critic, ops.softplus(real_scores - fake_scores)


@relativistic_losses.wrong(
    "You summed over the pairs: average over them, or the loss depends on the "
    "size of the batch."
)
def losses_summed(real_scores, fake_scores):
    losses = losses_not_averaged(real_scores, fake_scores)
    return [ops.sum(one) for one in losses]


@relativistic_losses.wrong(
    "Right as a formula, but exp overflows for large differences and NumPy "
    "cuts the gradient off: use ops.softplus."
)
def losses_overflowing(real_scores, fake_scores):
    margin = np.asarray(real_scores - fake_scores)
    with np.errstate(over="ignore"):
        return (
            np.log(1 + np.exp(-margin)).mean(),
            np.log(1 + np.exp(margin)).mean(),
        )


@relativistic_losses.wrong(
    "Right as a formula, but not a finite number for large differences: use "
    "ops.softplus."
)
def losses_overflowing_in_ops(real_scores, fake_scores):
    margin = real_scores - fake_scores
    critic = ops.mean(ops.log(1 + ops.exp(-margin)))
    return critic, ops.mean(ops.log(1 + ops.exp(margin)))


@relativistic_losses.wrong(
    "The values are right, but no gradient passes through NumPy: use "
    "ops.softplus."
)
def losses_without_gradient(real_scores, fake_scores):
    margin = np.asarray(real_scores - fake_scores)
    return np.logaddexp(0, -margin).mean(), np.logaddexp(0, margin).mean()


# Tasks 4 and 5: slopes of the exercise's critic


def critic(points, matrices):
    *hidden, last = matrices
    for matrix in hidden:
        points = ops.tanh(ops.matmul(points, matrix[:-1]) + matrix[-1])
    return ops.matmul(points, last[:-1, 0]) + last[-1, 0]


def gradient_at(points, matrices, summarise=lambda scores: scores):
    points = ops.convert_to_tensor(points)
    with tf.GradientTape() as tape:
        tape.watch(points)
        scores = summarise(critic(points, matrices))
    return tape.gradient(scores, points)


def one_hidden_layer(points, matrices):
    """Write the gradient without a tape."""
    first, last = matrices
    slope = 1 - np.tanh(points @ first[:-1] + first[-1]) ** 2
    return (slope * last[:-1, 0]) @ first[:-1].T


def draw_matrices(rng):
    return [normal(rng, 3, 4), 2 * normal(rng, 5, 1)]


def r1_inputs(rng):
    # Slopes far from 2 in the second case: half of 2 squared is 2 again.
    for size, gamma, steepness in ((5, 1.0, 1), (3, 0.1, 4)):
        first, last = draw_matrices(rng)
        yield {
            "real": normal(rng, size, 2),
            "matrices": [first, steepness * last],
            "gamma": gamma,
        }


@task(
    points=3,
    inputs=r1_inputs,
    hints=[
        "Two repairs: what the tape watches, and what is averaged in the "
        "last line.",
        "real = ops.convert_to_tensor(real) before the tape. In the last "
        "line, each point has its own gradient, a row of `slopes`: square, "
        "sum over the row, then average over the batch.",
        "gamma / 2 * ops.mean(ops.sum(ops.square(slopes), axis=...))",
    ],
)
def r1_penalty(real, matrices, gamma):
    slopes = gradient_at(real, matrices)
    return gamma / 2 * ops.mean(ops.sum(ops.square(slopes), axis=1))


@r1_penalty.also_right
def r1_by_hand(real, matrices, gamma):
    slopes = one_hidden_layer(real, matrices)
    return gamma * (slopes**2).sum() / len(real) / 2


@r1_penalty.wrong(
    "A tape watches tensors: turn the array into one with "
    "ops.convert_to_tensor before the tape begins."
)
def r1_watching_an_array(real, matrices, gamma):
    with tf.GradientTape() as tape:
        tape.watch(real)
        scores = critic(real, matrices)
    slopes = tape.gradient(scores, real)
    return gamma / 2 * ops.mean(ops.norm(slopes))


@r1_penalty.wrong(
    "The tape works now. But ops.norm takes the length of the whole table: "
    "sum the squares of each row, then average."
)
def r1_half_repaired(real, matrices, gamma):
    return gamma / 2 * ops.mean(ops.norm(gradient_at(real, matrices)))


@r1_penalty.wrong("You averaged the lengths: R1 averages the squared lengths.")
def r1_of_lengths(real, matrices, gamma):
    slopes = gradient_at(real, matrices)
    return gamma / 2 * ops.mean(ops.norm(slopes, axis=1))


@r1_penalty.wrong(
    "You averaged over the coordinates, too: sum the squares of each point "
    "(axis=1) and average over the batch."
)
def r1_over_coordinates(real, matrices, gamma):
    return gamma / 2 * ops.mean(ops.square(gradient_at(real, matrices)))


@r1_penalty.wrong("The penalty is twice too large: its weight is gamma / 2.")
def r1_without_half(real, matrices, gamma):
    return 2 * r1_penalty(real, matrices, gamma)


@r1_penalty.wrong(
    "You summed over the batch: average over it, so that the penalty does not "
    "depend on its size."
)
def r1_summed(real, matrices, gamma):
    return gamma / 2 * ops.sum(ops.square(gradient_at(real, matrices)))


@r1_penalty.wrong(
    "You took the gradient of the mean score, which is smaller by the size of "
    "the batch: take that of each point's own score."
)
def r1_of_the_mean(real, matrices, gamma):
    slopes = gradient_at(real, matrices, ops.mean)
    return gamma / 2 * ops.mean(ops.sum(ops.square(slopes), axis=1))


@r1_penalty.wrong(
    "This pulls the slope to 1, as WGAN-GP does: R1 pulls it to 0."
)
def r1_around_one(real, matrices, gamma):
    slopes = gradient_at(real, matrices)
    lengths = ops.sqrt(ops.sum(ops.square(slopes), axis=1))
    return gamma / 2 * ops.mean(ops.square(lengths - 1))


def penalty_inputs(rng):
    for size, steepness in ((5, 1), (3, 1), (4, 0.3)):  # slopes below 1, too
        yield {
            "real": normal(rng, size, 2),
            "fake": normal(rng, size, 2) - 1,
            "share": rng.uniform(size=(size, 1)).astype("float32"),
            "matrices": [steepness * one for one in draw_matrices(rng)],
        }


def between(real, fake, share):
    return share * real + (1 - share) * fake


def penalty_of(slopes):
    lengths = ops.sqrt(ops.sum(ops.square(slopes), axis=1) + 1e-12)
    return ops.mean(ops.square(lengths - 1))


@task(
    points=3,
    inputs=penalty_inputs,
    hints=[
        "Go through it line by line: the places on the lines, what the "
        "gradient is taken of, and the last line.",
        "Each pair has its own share, and the rest is 1 - share. The "
        "gradient is taken of each score, not of their mean. One length for "
        "each row of slopes.",
        "between = share * real + (1 - share) * fake; scores without "
        "ops.mean; lengths = ops.sqrt(ops.sum(ops.square(slopes), axis=1) + "
        "1e-12); then the mean of (lengths - 1) squared",
    ],
)
def gradient_penalty(real, fake, share, matrices):
    return penalty_of(gradient_at(between(real, fake, share), matrices))


@gradient_penalty.also_right
def penalty_by_hand(real, fake, share, matrices):
    slopes = one_hidden_layer(fake + share * (real - fake), matrices)
    return ((np.linalg.norm(slopes, axis=1) - 1) ** 2).mean()


@gradient_penalty.wrong(
    "This is still the program as found: begin with the places, share * real "
    "+ (1 - share) * fake."
)
def penalty_as_found(real, fake, share, matrices):
    points = share[0] * real + share[0] * fake
    slopes = gradient_at(points, matrices, ops.mean)
    return ops.mean(ops.square(slopes - 1))


@gradient_penalty.wrong(
    "The shares are exchanged: share belongs to the real points."
)
def penalty_swapped(real, fake, share, matrices):
    return gradient_penalty(fake, real, share, matrices)


@gradient_penalty.wrong(
    "All pairs use the first share: each has its own, so use share, not "
    "share[0]."
)
def penalty_at_one_place(real, fake, share, matrices):
    return gradient_penalty(real, fake, share[0], matrices)


@gradient_penalty.wrong(
    "The places are not on the lines between the points: the generated point "
    "gets the rest, 1 - share."
)
def penalty_off_the_line(real, fake, share, matrices):
    return penalty_of(gradient_at(share * real + share * fake, matrices))


@gradient_penalty.wrong(
    "You took the gradient of the mean score, which is smaller by the size of "
    "the batch: take that of the scores."
)
def penalty_of_the_mean(real, fake, share, matrices):
    points = between(real, fake, share)
    return penalty_of(gradient_at(points, matrices, ops.mean))


@gradient_penalty.wrong(
    "You pulled each coordinate of the gradient to 1: take the length of each "
    "row first."
)
def penalty_of_coordinates(real, fake, share, matrices):
    slopes = gradient_at(between(real, fake, share), matrices)
    return ops.mean(ops.square(slopes - 1))


@gradient_penalty.wrong(
    "You compared the squared length with 1: take the square root first."
)
def penalty_of_squares(real, fake, share, matrices):
    slopes = gradient_at(between(real, fake, share), matrices)
    squares = ops.sum(ops.square(slopes), axis=1)
    return ops.mean(ops.square(squares - 1))


@gradient_penalty.wrong(
    "ops.norm took the length of the whole table: each row has its own length "
    "(axis=1)."
)
def penalty_of_the_batch(real, fake, share, matrices):
    slopes = gradient_at(between(real, fake, share), matrices)
    return ops.square(ops.norm(slopes) - 1)


@gradient_penalty.wrong(
    "This pulls the slope to 0, as R1 does: WGAN-GP subtracts 1 from the "
    "length first."
)
def penalty_around_zero(real, fake, share, matrices):
    slopes = gradient_at(between(real, fake, share), matrices)
    return ops.mean(ops.sum(ops.square(slopes), axis=1))


@gradient_penalty.wrong(
    "Slopes below 1 cost nothing here: WGAN-GP pulls them up to 1, too."
)
def penalty_one_sided(real, fake, share, matrices):
    slopes = gradient_at(between(real, fake, share), matrices)
    lengths = ops.norm(slopes, axis=1)
    return ops.mean(ops.square(ops.relu(lengths - 1)))


@gradient_penalty.wrong(
    "You summed over the batch: average over it, so that the penalty does not "
    "depend on its size."
)
def penalty_summed(real, fake, share, matrices):
    return len(real) * gradient_penalty(real, fake, share, matrices)


# Task 6: rank_correlation


def lists_inputs(rng):
    for size in (6, 15):
        one = rng.normal(size=size)
        other = np.exp(2 * one + rng.normal(size=size))
        yield {"one": one, "other": other}
    falling = np.sort(rng.uniform(size=5))[::-1].copy()
    yield {"one": np.arange(5) ** 3, "other": falling}


@task(
    points=1,
    draws=3,
    inputs=lists_inputs,
    hints=[
        "np.argsort says which value comes first, second, and so on. That is "
        "not yet the rank of each value.",
        "Apply np.argsort twice: the second call turns the order into ranks. "
        "np.corrcoef gives a table of correlations.",
        "np.corrcoef(np.argsort(np.argsort(one)), ...)[0, 1]",
    ],
)
def rank_correlation(one, other):
    ranks = [np.argsort(np.argsort(values)) for values in (one, other)]
    return float(np.corrcoef(*ranks)[0, 1])


@rank_correlation.also_right
def rank_correlation_by_formula(one, other):
    first, second = (
        [sum(v < value for v in values) for value in values]
        for values in (one, other)
    )
    gaps = sum((a - b) ** 2 for a, b in zip(first, second, strict=True))
    return 1 - 6 * gaps / (len(one) * (len(one) ** 2 - 1))


@rank_correlation.also_right
def rank_correlation_by_scipy(one, other):
    return spearmanr(one, other).statistic


@rank_correlation.wrong(
    "This is the correlation of the values: replace them by their ranks first."
)
def plain_correlation(one, other):
    return float(np.corrcoef(one, other)[0, 1])


@rank_correlation.wrong(
    "np.argsort once gives the places of the smallest, the next, ...: apply "
    "it twice to get the rank of each value."
)
def correlation_of_orders(one, other):
    orders = [np.argsort(values) for values in (one, other)]
    return float(np.corrcoef(*orders)[0, 1])


@rank_correlation.wrong(
    "You sorted both lists, so that nothing is left of which value belongs to "
    "which: use ranks."
)
def correlation_of_sorted(one, other):
    return float(np.corrcoef(np.sort(one), np.sort(other))[0, 1])


@rank_correlation.wrong("np.corrcoef returns a table: pick the entry [0, 1].")
def correlation_table(one, other):
    ranks = [np.argsort(np.argsort(values)) for values in (one, other)]
    return np.corrcoef(*ranks)


@rank_correlation.wrong(
    "The sign is the other way round: lists that rise together have a "
    "positive correlation."
)
def correlation_backwards(one, other):
    return -rank_correlation(one, other)


# The training: weights come out, and its points are counted here.


def hidden_noise(rng):
    return {}, {"noise": normal(rng, 2000, 8)}


def measure_ring(weights, given, kept):
    sizes = (
        keras.Input((8,)),
        layers.Dense(128, "relu"),
        layers.Dense(128, "relu"),
    )
    generator = keras.Sequential([*sizes, layers.Dense(2)])
    generator.set_weights(weights)
    points = generator(kept["noise"]).numpy()
    angles = np.arange(8) * np.pi / 4
    centres = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    distances = np.linalg.norm(points[:, None] - centres, axis=2)
    return {
        "modes": covered_modes(points, centres, 0.15, 0.02),
        "good_share": (distances < 0.15).any(axis=1).mean(),
        "spread": spread(points, distances),
    }


def spread(points, distances):
    """Return the narrowest mode's spread, 1 for that of real points."""
    nearest, good = distances.argmin(axis=1), distances.min(axis=1) < 0.15
    parts = [points[good & (nearest == mode)] for mode in range(8)]
    return min(
        np.sqrt(part.var(axis=0).mean()) / 0.05 if len(part) else 0
        for part in parts
    )


TRAINING = Training(
    points=4,
    inputs=hidden_noise,
    probe="def probe():\n    return average.get_weights()",
    measure=measure_ring,
    needs=("relativistic_losses", "r1_penalty"),
    signs=(
        Number("spread", "spread of the narrowest mode", "", "above", 0.2),
    ),
    measured="measured on points drawn with fresh noise, from the weights",
)
