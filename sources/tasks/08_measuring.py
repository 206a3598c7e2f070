"""Tasks of exercise 08: four measures and two repairs."""

import numpy as np
from scipy.spatial.distance import cdist
from scipy.special import xlogy

from digitdreams import data, judge
from digitdreams.tasks import Training, task


def rounded(values):
    return np.round(values, 4)


# Task 1: inception_score


def score_inputs(rng):
    for rows, classes, sharpness in ((12, 4, 0.3), (20, 5, 0.1)):
        weights = np.full(classes, sharpness)
        weights[0] *= 6  # unequal classes: their mean is not uniform
        yield {"probabilities": rng.dirichlet(weights, rows)}
    yield {"probabilities": np.eye(6)[rng.permutation(np.arange(15) % 6)]}


@task(
    points=2,
    inputs=score_inputs,
    hints=[
        "Three steps: the mean row, one divergence for each sample, then exp "
        "of their mean.",
        "xlogy(p, p) - xlogy(p, mean) gives the terms p ln(p / mean) and 0 "
        "where p is 0. Sum over the classes, axis=1.",
        "np.exp(terms.sum(axis=1).mean()) with terms = xlogy(probabilities, "
        "probabilities) - xlogy(probabilities, mean)",
    ],
)
def inception_score(probabilities):
    mean = probabilities.mean(axis=0)
    terms = xlogy(probabilities, probabilities) - xlogy(probabilities, mean)
    return np.exp(terms.sum(axis=1).mean())


def entropy(rows):
    return -xlogy(rows, rows).sum(axis=-1)


@inception_score.also_right
def score_by_entropies(probabilities):
    variety = entropy(probabilities.mean(axis=0))
    return np.exp(variety - entropy(probabilities).mean())


@inception_score.wrong(
    "The last step is missing: the score is exp of the mean divergence, so "
    "that it counts classes."
)
def score_without_exp(probabilities):
    return np.log(inception_score(probabilities))


@inception_score.wrong(
    "The logarithm has the base 2, but exp has the base e: use the natural "
    "logarithm. (-log of 0.8 is 0.223, not 0.322.)"
)
def score_in_bits(probabilities):
    return np.exp(np.log2(inception_score(probabilities)))


@inception_score.wrong(
    "The order of the last steps is exchanged: first the mean over the "
    "samples, then exp."
)
def score_mean_of_exp(probabilities):
    mean = probabilities.mean(axis=0)
    terms = xlogy(probabilities, probabilities) - xlogy(probabilities, mean)
    return np.exp(terms.sum(axis=1)).mean()


@inception_score.wrong(
    "You measured only how varied the mean row is. Each sample's own doubt "
    "must lower the score."
)
def score_of_variety(probabilities):
    return np.exp(entropy(probabilities.mean(axis=0)))


@inception_score.wrong(
    "You compared each row with equal probabilities: compare it with the mean "
    "row. Else a generator of a single digit would get the full score."
)
def score_against_uniform(probabilities):
    classes = probabilities.shape[1]
    return np.exp((np.log(classes) - entropy(probabilities)).mean())


@inception_score.wrong(
    "You averaged over the classes: a divergence is a sum over them (axis=1). "
    "Only over the samples do you average."
)
def score_mean_over_classes(probabilities):
    classes = probabilities.shape[1]
    return np.exp(np.log(inception_score(probabilities)) / classes)


@inception_score.wrong(
    "You summed over the samples: take the mean, so that the score does not "
    "grow with their number."
)
def score_summed(probabilities):
    return inception_score(probabilities) ** len(probabilities)


@inception_score.wrong(
    "Where a probability is 0 you multiply 0 by an infinite logarithm, which "
    "gives NaN: use xlogy, which gives 0."
)
def score_with_nan(probabilities):
    with np.errstate(all="ignore"):
        ratio = probabilities / probabilities.mean(axis=0)
        terms = probabilities * np.log(ratio)
    return np.exp(terms.sum(axis=1).mean())


# Task 2: fid_table


def fid_inputs(rng):
    zero_and_two = np.array([0.0, 2.0])
    yield {
        "real": zero_and_two,
        "models": np.stack([zero_and_two + 3, zero_and_two + 3]),
    }
    for models, count in ((3, 12), (4, 20)):
        spread = rng.uniform(0.5, 3, (models, 1))
        shift = rng.uniform(-2, 2, (models, 1))
        features = shift + spread * rng.normal(size=(models, count))
        yield {"real": 2 * rng.normal(size=count), "models": features}


@task(
    points=2,
    inputs=fid_inputs,
    hints=[
        "What is a model good at if it is like another model? Where does the "
        "program look at `real`?",
        "Compare each row of models with real. Then (s_a - s_b) squared is "
        "s_a^2 + s_b^2 - 2 s_a s_b: the last term holds standard deviations, "
        "not variances.",
        "(models.mean(axis=1) - real.mean()) ** 2 + (models.std(axis=1) - "
        "real.std()) ** 2",
    ],
)
def fid_table(real, models):
    means = (models.mean(axis=1) - real.mean()) ** 2
    return means + (models.std(axis=1) - real.std()) ** 2


@fid_table.also_right
def fid_one_by_one(real, models):
    def moments(values):
        mean = sum(values) / len(values)
        return mean, np.sqrt(
            sum((v - mean) ** 2 for v in values) / len(values)
        )

    mean, spread = moments(real)
    return [
        (m - mean) ** 2 + s**2 + spread**2 - 2 * s * spread
        for m, s in map(moments, models)
    ]


@fid_table.wrong(
    "These are the article's values: compare each model with real, and look "
    "at the last term."
)
def fid_as_printed(real, models):
    others = np.roll(models, 1, axis=0)
    means = (models.mean(axis=1) - others.mean(axis=1)) ** 2
    a, b = models.var(axis=1), others.var(axis=1)
    return means + a + b - 2 * a * b


@fid_table.wrong(
    "You still compare one generator with another: one side of an FID is "
    "always the real images."
)
def fid_of_neighbours(real, models):
    others = np.roll(models, 1, axis=0)
    return np.array(
        [fid_table(b, a[None])[0] for a, b in zip(models, others, strict=True)]
    )


@fid_table.wrong(
    "The last term multiplies variances. It needs the square root of their "
    "product, which is the product of the standard deviations."
)
def fid_without_root(real, models):
    means = (models.mean(axis=1) - real.mean()) ** 2
    a, b = models.var(axis=1), real.var()
    return means + a + b - 2 * a * b


@fid_table.wrong(
    "You subtracted variances: subtract standard deviations, then square."
)
def fid_of_variances(real, models):
    means = (models.mean(axis=1) - real.mean()) ** 2
    return means + (models.var(axis=1) - real.var()) ** 2


@fid_table.wrong(
    "You compared only the means: a model that makes a single average image "
    "would be perfect. Add the spread."
)
def fid_of_means(real, models):
    return (models.mean(axis=1) - real.mean()) ** 2


@fid_table.wrong(
    "You divided by n - 1, as the lesson's metrics do: divide by n here, "
    "which is what np.std does by itself."
)
def fid_by_sample_deviation(real, models):
    means = (models.mean(axis=1) - real.mean()) ** 2
    return means + (models.std(axis=1, ddof=1) - real.std(ddof=1)) ** 2


@fid_table.wrong(
    "You took a square root at the end: the FID is the squared distance. The "
    "number to try is 9, not 3."
)
def fid_rooted(real, models):
    return np.sqrt(fid_table(real, models))


@fid_table.wrong(
    "You compared one sample with one real image. They are no pairs: compare "
    "means and standard deviations."
)
def fid_pixel_by_pixel(real, models):
    return ((models - real) ** 2).mean(axis=1)


@fid_table.wrong(
    "You put all models together: give each row its own value (axis=1)."
)
def fid_of_all_models(real, models):
    return fid_table(real, models.reshape(1, -1))[0]


# Task 3: fid_at_infinity


def infinity_inputs(rng):
    for start, slope, count in (
        (2.0, 900.0, 4),
        (0.0, 150.0, 3),
        (7.5, 40.0, 5),
    ):
        # One small size holds the slope; the ends lie above the line, the
        # others below it, so that two points are not enough.
        others = rng.choice(np.arange(8, 60), count - 1, replace=False)
        sizes = np.sort([rng.integers(2, 5), *others]) * 50
        noise = np.full(count, -1.0)
        noise[[0, -1]] = 1
        noise *= rng.uniform(0.03, 0.06, count)
        yield {"sizes": sizes, "values": start + slope / sizes + noise}


@task(
    points=1,
    draws=2,
    inputs=infinity_inputs,
    hints=[
        "What lies on the horizontal axis? At which place of it are "
        "infinitely many samples?",
        "np.polyfit(x, y, 1) gives two numbers: the slope and the value at x "
        "= 0, in this order.",
        "slope, start = np.polyfit(1 / sizes, values, 1)",
    ],
)
def fid_at_infinity(sizes, values):
    return np.polyfit(1 / sizes, values, 1)[1]


@fid_at_infinity.also_right
def infinity_by_hand(sizes, values):
    x = 1 / sizes
    slope = ((x - x.mean()) * (values - values.mean())).sum()
    slope /= ((x - x.mean()) ** 2).sum()
    return values.mean() - slope * x.mean()


@fid_at_infinity.wrong(
    "You returned the slope: polyfit gives the highest power first, and the "
    "value at 0 is the second number."
)
def infinity_slope(sizes, values):
    return np.polyfit(1 / sizes, values, 1)[0]


@fid_at_infinity.wrong(
    "You fitted over N, where 0 means no samples at all: fit over 1 / sizes."
)
def infinity_over_sizes(sizes, values):
    return np.polyfit(sizes, values, 1)[1]


@fid_at_infinity.wrong(
    "You returned the value at the largest number of samples, which still has "
    "a bias: extend the line to 1/N = 0."
)
def infinity_largest(sizes, values):
    return values[np.argmax(sizes)]


@fid_at_infinity.wrong(
    "You averaged the values, so the bias is averaged as well: fit a line and "
    "extend it."
)
def infinity_mean(sizes, values):
    return values.mean()


@fid_at_infinity.wrong(
    "You drew the line through two of the points: use all of them, "
    "np.polyfit(1 / sizes, values, 1)."
)
def infinity_two_points(sizes, values):
    return np.polyfit(1 / sizes[[0, -1]], values[[0, -1]], 1)[1]


@fid_at_infinity.wrong(
    "You evaluated the line at 1/N = 1, a single sample: infinitely many are "
    "at 1/N = 0."
)
def infinity_at_one(sizes, values):
    return np.polyval(np.polyfit(1 / sizes, values, 1), 1)


# Task 4: copy_share


def copy_inputs(rng):
    for count, width in ((8, 2), (12, 3)):
        train = rounded(rng.normal(size=(count, width)))
        copies = train[:3] + rng.normal(0, 0.01, (3, width))
        far = 4 + rng.normal(size=(4, width))
        near = rng.normal(size=(5, width))
        yield {
            "generated": np.concatenate([copies, far, near]),
            "train": train,
        }
    # Crowded on one side: only some distances are small for their place.
    train = np.array([[0.0], [0.1], [0.2], [5.0], [9.0]])
    # 13 is as far from 9 as 5 is.
    generated = [[0], [0.16], [1.5], [1.6], [1.7], [3], [4], [8], [13.0]]
    yield {"generated": np.array(generated), "train": train}
    # Near by the straight way, not by the way along the axes.
    train = np.array([[0, 0], [-1.8, 0], [20, 20]])
    yield {"generated": np.array([[1.0, 1.0]]), "train": train}


def room_of(train):
    among = cdist(train, train)
    np.fill_diagonal(among, np.inf)
    return among.min(axis=1)


@task(
    points=2,
    draws=4,
    inputs=copy_inputs,
    hints=[
        "Two tables of distances: generated to train, and train to train. In "
        "the second one, what stands on the diagonal?",
        "Put infinity on the diagonal; then the smallest number in a row is "
        "the room around that training vector. argmin of the first table "
        "says which training vector is meant.",
        "to_train.min(axis=1) < room[to_train.argmin(axis=1)], then the mean",
    ],
)
def copy_share(generated, train):
    to_train = cdist(generated, train)
    nearest = to_train.argmin(axis=1)
    return (to_train.min(axis=1) < room_of(train)[nearest]).mean()


@copy_share.also_right
def copies_by_loops(generated, train):
    count = 0
    for one in generated:
        apart = [np.sqrt(((one - other) ** 2).sum()) for other in train]
        at = int(np.argmin(apart))
        others = [i for i in range(len(train)) if i != at]
        room = min(np.linalg.norm(train[at] - train[i]) for i in others)
        count += apart[at] < room
    return count / len(generated)


@copy_share.wrong(
    "Each training vector has itself as nearest, at distance 0, so nothing is "
    "ever a copy: put infinity on the diagonal."
)
def copies_with_self(generated, train):
    to_train, among = cdist(generated, train), cdist(train, train)
    room = among.min(axis=1)
    return (to_train.min(axis=1) < room[to_train.argmin(axis=1)]).mean()


@copy_share.wrong(
    "The comparison is the wrong way round: this is the share of vectors that "
    "are no copies."
)
def copies_share_of_originals(generated, train):
    return 1 - copy_share(generated, train)


@copy_share.wrong(
    "You counted exact copies only: a trace of noise would hide them. Compare "
    "with the room around the training vector."
)
def copies_exact(generated, train):
    return (cdist(generated, train).min(axis=1) == 0).mean()


@copy_share.wrong(
    "You used one limit for all: where training vectors are crowded a copy "
    "must be nearer. Take the room around the nearest training vector."
)
def copies_mean_room(generated, train):
    return (cdist(generated, train).min(axis=1) < room_of(train).mean()).mean()


@copy_share.wrong(
    "You measured the room among the generated vectors: it is the training "
    "vector's distance to other training vectors that counts."
)
def copies_room_of_samples(generated, train):
    return (cdist(generated, train).min(axis=1) < room_of(generated)).mean()


@copy_share.wrong(
    "You asked whether any training vector has it within its room: ask only "
    "the nearest one."
)
def copies_any_ball(generated, train):
    return (cdist(generated, train) < room_of(train)).any(axis=1).mean()


@copy_share.wrong(
    "You returned a share of the training vectors: it is the generated ones "
    "that may be copies."
)
def copies_of_train(generated, train):
    to_generated = cdist(train, generated)
    return (to_generated.min(axis=1) < room_of(train)).mean()


@copy_share.wrong(
    "You added up the differences of the coordinates: take the Euclidean "
    "distance."
)
def copies_along_the_axes(generated, train):
    to_train = cdist(generated, train, "cityblock")
    among = cdist(train, train, "cityblock")
    np.fill_diagonal(among, np.inf)
    room = among.min(axis=1)[to_train.argmin(axis=1)]
    return (to_train.min(axis=1) < room).mean()


@copy_share.wrong(
    "A vector exactly as far as the nearest other training vector is no copy: "
    "it has to be nearer, so compare with <."
)
def copies_with_the_edge(generated, train):
    to_train = cdist(generated, train)
    nearest = to_train.argmin(axis=1)
    return (to_train.min(axis=1) <= room_of(train)[nearest]).mean()


@copy_share.wrong(
    "You returned a number of copies: divide by the number of generated "
    "vectors."
)
def copies_counted(generated, train):
    return copy_share(generated, train) * len(generated)


# Task 5: accuracy_score


def accuracy_inputs(rng):
    for classes, width, count in ((3, 2, 12), (4, 3, 20)):
        centres = 1.5 * rng.normal(size=(classes, width))
        labels = rng.permutation(np.arange(count) % classes)
        real_labels = rng.permutation(np.arange(count + 8) % classes)
        shift = rng.normal(0, 0.8, (classes, width))
        yield {
            "generated": (centres + shift)[labels]
            + 0.4 * rng.normal(size=(count, width)),
            "labels": labels,
            "real": centres[real_labels] + rng.normal(size=(count + 8, width)),
            "real_labels": real_labels,
        }
    # One perfect image a class, at the edge of its class.
    yield {
        "generated": np.array([[0.0], [0.0], [4.0], [4.0]]),
        "labels": np.array([0, 0, 1, 1]),
        "real": np.array([[0.0], [1.9], [2.2], [4.0], [9.0], [3.9], [3.5]]),
        "real_labels": np.array([0, 0, 0, 1, 1, 0, 0]),
    }
    # The nearest image to (0.5, 0) is not of the class with the nearest mean;
    # and along the axes another mean is the nearest to (31, 31).
    known = [[-3, 0], [3, 0], [1, 0], [19, 0], [30, 30], [32.8, 31]]
    yield {
        "generated": np.array(known),
        "labels": np.array([0, 0, 1, 1, 2, 3]),
        "real": np.array([[0.5, 0], [10, 0], [31, 31]]),
        "real_labels": np.array([0, 1, 2]),
    }


def nearest_mean(known, labels, asked):
    classes = np.unique(labels)
    means = np.stack([known[labels == d].mean(axis=0) for d in classes])
    return classes[cdist(asked, means).argmin(axis=1)]


@task(
    points=2,
    draws=3,
    inputs=accuracy_inputs,
    hints=[
        "Two questions to the program: from which images are the means, and "
        "which images are classified? For how many images does it give an "
        "answer?",
        "Means from generated and labels; distances from each real image to "
        "each mean, a table (real images, classes); argmin along the classes.",
        "apart = ((real[:, None] - means) ** 2).sum(axis=2); then compare "
        "apart.argmin(axis=1) with real_labels",
    ],
)
def accuracy_score(generated, labels, real, real_labels):
    return (nearest_mean(generated, labels, real) == real_labels).mean()


@accuracy_score.also_right
def accuracy_by_loops(generated, labels, real, real_labels):
    right = 0
    for image, label in zip(real, real_labels, strict=True):
        apart = {
            int(d): float(
                ((image - generated[labels == d].mean(axis=0)) ** 2).sum()
            )
            for d in labels
        }
        right += min(apart, key=apart.get) == label
    return right / len(real)


@accuracy_score.wrong(
    "This is the article's number: train on the generated images, test on the "
    "real ones, and answer for each image."
)
def accuracy_as_printed(generated, labels, real, real_labels):
    classes = sorted(set(real_labels.tolist()))
    means = [real[real_labels == d].mean(axis=0) for d in classes]
    apart = [((generated - mean) ** 2).sum() for mean in means]
    return (np.argmin(apart) == labels).mean()


@accuracy_score.wrong(
    "You trained on real images and tested on generated ones: that is label "
    "accuracy, and one perfect image a class would reach 100 %. Exchange them."
)
def accuracy_wrong_way(generated, labels, real, real_labels):
    return (nearest_mean(real, real_labels, generated) == labels).mean()


@accuracy_score.wrong(
    "You summed over the images as well and gave all of them the same answer: "
    "sum over the last axis only."
)
def accuracy_one_answer(generated, labels, real, real_labels):
    classes = np.unique(labels)
    means = [generated[labels == d].mean(axis=0) for d in classes]
    apart = [((real - mean) ** 2).sum() for mean in means]
    return (classes[np.argmin(apart)] == real_labels).mean()


@accuracy_score.wrong(
    "You tested on the generated images that you trained on: test on the real "
    "ones."
)
def accuracy_on_generated(generated, labels, real, real_labels):
    return (nearest_mean(generated, labels, generated) == labels).mean()


@accuracy_score.wrong(
    "The generated images play no part: take the means from them."
)
def accuracy_on_real(generated, labels, real, real_labels):
    return (nearest_mean(real, real_labels, real) == real_labels).mean()


@accuracy_score.wrong(
    "You trained on both sets: the classifier may see generated images only."
)
def accuracy_with_both(generated, labels, real, real_labels):
    known = np.concatenate([generated, real])
    found = nearest_mean(known, np.concatenate([labels, real_labels]), real)
    return (found == real_labels).mean()


@accuracy_score.wrong(
    "You took the farthest mean: the class is that of the nearest one, argmin."
)
def accuracy_farthest(generated, labels, real, real_labels):
    classes = np.unique(labels)
    means = np.stack([generated[labels == d].mean(axis=0) for d in classes])
    found = classes[cdist(real, means).argmax(axis=1)]
    return (found == real_labels).mean()


@accuracy_score.wrong(
    "You took the class of the nearest image: take that of the nearest class "
    "mean."
)
def accuracy_of_neighbours(generated, labels, real, real_labels):
    nearest = cdist(real, generated).argmin(axis=1)
    return (labels[nearest] == real_labels).mean()


@accuracy_score.wrong(
    "You added up the differences of the coordinates: add up their squares."
)
def accuracy_along_the_axes(generated, labels, real, real_labels):
    classes = np.unique(labels)
    means = np.stack([generated[labels == d].mean(axis=0) for d in classes])
    found = classes[cdist(real, means, "cityblock").argmin(axis=1)]
    return (found == real_labels).mean()


@accuracy_score.wrong(
    "This is the share of mistakes: return the share of right answers."
)
def accuracy_errors(generated, labels, real, real_labels):
    return 1 - accuracy_score(generated, labels, real, real_labels)


# Task 6: recurrence_rate


def recurrence_inputs(rng):
    yield {"image": rng.uniform(size=(6, 5)), "threshold": 0.8}
    image = rng.uniform(size=(8, 4))
    image[:3] = 0
    yield {"image": image, "threshold": 0.9}
    yield {"image": rng.uniform(size=(5, 9)), "threshold": 1.2}
    # Distances 1.5, 2, 2.5: one is the threshold itself.
    image = np.array([[0, 0], [1.5, 0], [0, 2.0]])
    yield {"image": image, "threshold": 2.0}


def rows_apart(image):
    return np.linalg.norm(image[:, None] - image[None], axis=2)


@task(
    points=1,
    draws=3,
    inputs=recurrence_inputs,
    hints=[
        "First a table of all distances between rows: (rows, rows). How many "
        "of its places are pairs of different rows?",
        "image[:, None] - image[None] has the shape (rows, rows, columns); "
        "its norm along axis 2 is the table. Leave out the diagonal.",
        "((apart < threshold).sum() - n) / (n * (n - 1)) with n rows",
    ],
)
def recurrence_rate(image, threshold):
    count = len(image)
    close = (rows_apart(image) < threshold).sum() - count
    return close / (count * (count - 1))


@recurrence_rate.also_right
def recurrence_by_pairs(image, threshold):
    upper = np.triu_indices(len(image), k=1)
    return (cdist(image, image)[upper] < threshold).mean()


@recurrence_rate.wrong(
    "You counted each row with itself: leave out the diagonal, which is "
    "always white."
)
def recurrence_with_self(image, threshold):
    return (rows_apart(image) < threshold).mean()


@recurrence_rate.wrong("You compared columns: compare rows.")
def recurrence_of_columns(image, threshold):
    return recurrence_rate(image.T, threshold)


@recurrence_rate.wrong(
    "You compared the squared distance with the threshold: take the square "
    "root first."
)
def recurrence_squared(image, threshold):
    return recurrence_rate(image, np.sqrt(threshold))


@recurrence_rate.wrong(
    "This is the share of pairs that are far apart: a pair recurs when it is "
    "below the threshold."
)
def recurrence_of_far_rows(image, threshold):
    return 1 - recurrence_rate(image, threshold)


@recurrence_rate.wrong(
    "You compared each row only with the next one: compare all pairs."
)
def recurrence_next_row(image, threshold):
    return (np.linalg.norm(np.diff(image, axis=0), axis=1) < threshold).mean()


@recurrence_rate.wrong(
    "A pair exactly at the threshold does not recur: its distance has to be "
    "below it, so compare with <."
)
def recurrence_with_the_edge(image, threshold):
    upper = np.triu_indices(len(image), k=1)
    return (rows_apart(image)[upper] <= threshold).mean()


@recurrence_rate.wrong(
    "You left the diagonal out of the count, but not of the number of pairs: "
    "n rows make n (n - 1) of them."
)
def recurrence_of_all_places(image, threshold):
    count = len(image)
    return recurrence_rate(image, threshold) * (count - 1) / count


@recurrence_rate.wrong(
    "You counted each pair once but divided by the pairs in both orders: "
    "count both or divide by half as many."
)
def recurrence_half(image, threshold):
    return recurrence_rate(image, threshold) / 2


@recurrence_rate.wrong("You compared single pixels: a state is a whole row.")
def recurrence_by_pixels(image, threshold):
    flat = image.reshape(-1, 1)
    return recurrence_rate(flat, threshold)


# No model is trained: the functions measure digits that nobody has chosen,
# and a number counts if it is ours.


def hidden_digits(rng):
    digits = data.load()
    known = rng.permutation(55_000)[:2000]
    rows = rng.permutation(10_000)
    shown, images = digits.train.images[known], digits.test.images[rows]
    vectors = images[:200].reshape(-1, 784)
    sizes = np.array([100, 200, 400, 800])
    given = {
        "probabilities": judge.probabilities(images[:2000]),
        "generated": judge.features(shown),
        "labels": digits.train.labels[known],
        "real": judge.features(images),
        "real_labels": digits.test.labels[rows],
        "sizes": sizes,
        "values": 30 / sizes + rng.normal(0, 1e-3, 4),
        "noisy": vectors + rng.normal(0, 0.01, vectors.shape),
        "vectors": vectors,
    }
    return given, {}


def measure_measures(answer, given, kept):
    of = given.__getitem__
    seen = map(of, ("generated", "labels", "real", "real_labels"))
    own = {
        "score": inception_score(of("probabilities")),
        "classification_accuracy": accuracy_score(*seen),
        "fid_bias": abs(fid_at_infinity(of("sizes"), of("values"))),
        "copies": copy_share(of("noisy"), of("vectors")),
    }
    useless = dict.fromkeys(own, 0.0) | {"fid_bias": 1.0}
    return {
        name: value
        if np.isclose(answer[name], value, 1e-3, 1e-4)
        else useless[name]
        for name, value in own.items()
    }


TRAINING = Training(
    points=4,
    inputs=hidden_digits,
    probe="""
def probe(**given):
    of = given.__getitem__
    seen = map(of, ("generated", "labels", "real", "real_labels"))
    return {
        "score": inception_score(of("probabilities")),
        "classification_accuracy": accuracy_score(*seen),
        "fid_bias": abs(fid_at_infinity(of("sizes"), of("values"))),
        "copies": copy_share(of("noisy"), of("vectors")),
    }
""",
    measure=measure_measures,
    measured="the student's functions, on digits that no notebook has seen",
)
