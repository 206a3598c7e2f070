# %% [markdown]
# # Exercise 8: four measures and two repairs
#
# You write four measures and repair two that are handed around with mistakes
# in them; then the last cell measures a generator with your parts. `check`
# says whether a function is right, and often which mistake was made; `hint`
# helps, a little more each time.

# %%
from digitdreams import course
from digitdreams.checks import check, hint

seed = course.start("08", exercise=True)

# %% [markdown]
# A first hint, to see how it looks. The name is that of the function to write;
# call `hint` again and it tells more.

# %%
hint("inception_score")

# %% [markdown]
# Measures need no gradients, so NumPy is enough:

# %%
import numpy as np

# %% [markdown]
# ## Task 1: the Inception Score
#
# `probabilities` has a row for each sample: the judge's probability of each
# class. With $p(y)$ the mean row, return $\exp$ of the mean over the samples
# of $\sum_y p(y|x) \ln \frac{p(y|x)}{p(y)}$. A probability may be 0; its term
# is 0 then, although $\ln 0$ is not finite. The score tells how sure and how
# varied the verdicts are. See
# [scipy.special.xlogy](https://docs.scipy.org/doc/scipy/reference/generated/scipy.special.xlogy.html).


# %% task="inception_score"
def inception_score(probabilities):
    """Return the score, from 1 to the number of classes."""
    ### BEGIN SOLUTION
    from scipy.special import xlogy

    mean = probabilities.mean(axis=0)
    terms = xlogy(probabilities, probabilities) - xlogy(probabilities, mean)
    return np.exp(terms.sum(axis=1).mean())
    ### END SOLUTION


# %% check="inception_score"
check(inception_score)

# %% [markdown]
# ## Task 2: repair a leaderboard
#
# "The FID says how similar two generators are; the smaller, the better", an
# article explains, and ranks models like this:
#
# ```python
# def fid_table(real, models):
#     values = []
#     for i in range(len(models)):
#         a, b = models[i], models[i - 1]
#         values.append((a.mean() - b.mean()) ** 2 + a.var() + b.var()
#                       - 2 * a.var() * b.var())
#     return np.array(values)
# ```
#
# To keep it short there is a single feature: `real` has the shape (n,) and
# `models` the shape (models, n). Two models that are wrong in the same way
# would share the first place. Two things have to change: what is compared with
# what, and the last term. With one feature the FID is $(m_a - m_b)^2 + (s_a -
# s_b)^2$, where $s$ is the standard deviation (divide by $n$). A number to try
# it on: features 0 and 2 in both sets, but one is moved by 3. The FID must be
# 9. See
# [numpy.std](https://numpy.org/doc/stable/reference/generated/numpy.std.html).


# %% task="fid_table"
def fid_table(real, models):
    """Return the FID of each model: (models,)."""
    ### BEGIN SOLUTION
    means = (models.mean(axis=1) - real.mean()) ** 2
    return means + (models.std(axis=1) - real.std()) ** 2
    ### END SOLUTION


# %% check="fid_table"
check(fid_table)

# %% [markdown]
# ## Task 3: an FID without its bias
#
# An FID from few samples is too large, nearly as if a multiple of $1/N$ had
# been added to it. `sizes` holds several $N$, `values` the FID at each of
# them. Fit a straight line to the values over $1/N$ by least squares, and
# return where it ends for infinitely many samples. Only such a value may be
# compared with one from another number of samples. See
# [numpy.polyfit](https://numpy.org/doc/stable/reference/generated/numpy.polyfit.html).


# %% task="fid_at_infinity"
def fid_at_infinity(sizes, values):
    """Return the FID that the line has at 1/N = 0."""
    ### BEGIN SOLUTION
    return np.polyfit(1 / sizes, values, 1)[1]
    ### END SOLUTION


# %% check="fid_at_infinity"
check(fid_at_infinity)

# %% [markdown]
# ## Task 4: the share of copies
#
# A measure of memorising that needs no limit chosen by hand: call a generated
# vector a copy if it is nearer (by Euclidean distance) to its nearest training
# vector than that training vector is to any *other* training vector. Return
# the share of copies. `generated` has the shape (n, d), `train` the shape (m,
# d).
#
# No limit, but a scale all the same: for *new real* digits the share is not 0
# but about a third, and for blurred ones about a half, since they lie near to
# everything. Only a share far above that of new real images is suspicious. See
# [cdist](https://docs.scipy.org/doc/scipy/reference/generated/scipy.spatial.distance.cdist.html)
# and
# [numpy.fill_diagonal](https://numpy.org/doc/stable/reference/generated/numpy.fill_diagonal.html).


# %% task="copy_share"
def copy_share(generated, train):
    """Return the share of generated vectors that are copies, 0 to 1."""
    ### BEGIN SOLUTION
    from scipy.spatial.distance import cdist

    to_train = cdist(generated, train)
    among = cdist(train, train)
    np.fill_diagonal(among, np.inf)
    room = among.min(axis=1)
    return (to_train.min(axis=1) < room[to_train.argmin(axis=1)]).mean()
    ### END SOLUTION


# %% check="copy_share"
check(copy_share)

# %% [markdown]
# ## Task 5: repair a classification accuracy score
#
# This program is meant to say how much real knowledge a classifier gains from
# generated images alone. The classifier is a very small one: it takes the
# class whose mean is nearest.
#
# ```python
# def accuracy_score(generated, labels, real, real_labels):
#     means = [real[real_labels == d].mean(axis=0) for d in set(real_labels)]
#     apart = [((generated - mean) ** 2).sum() for mean in means]
#     return (np.argmin(apart) == labels).mean()
# ```
#
# It measures in the wrong direction: so a generator with one perfect image of
# each digit would reach 100 %. It also sums over too much. Repair both. Images
# have the shape (n, d); labels are whole numbers from 0, and each occurs in
# both sets. See
# [numpy.argmin](https://numpy.org/doc/stable/reference/generated/numpy.argmin.html).


# %% task="accuracy_score"
def accuracy_score(generated, labels, real, real_labels):
    """Return the accuracy on real images after training on generated."""
    ### BEGIN SOLUTION
    classes = np.unique(labels)
    means = np.stack([generated[labels == d].mean(axis=0) for d in classes])
    apart = ((real[:, None] - means) ** 2).sum(axis=2)
    return (classes[apart.argmin(axis=1)] == real_labels).mean()
    ### END SOLUTION


# %% check="accuracy_score"
check(accuracy_score)

# %% [markdown]
# ## Task 6: what a recurrence plot cannot see
#
# The lesson tested a "measure" without a source. Write it, to test it
# yourself: the share of all pairs of *different* rows of an image whose
# Euclidean distance is below `threshold`. A row always recurs at its own
# place, so pairs of a row with itself would only add a constant. `image` has
# the shape (rows, columns). Try it on an image with shuffled columns
# afterwards. See
# [numpy.linalg.norm](https://numpy.org/doc/stable/reference/generated/numpy.linalg.norm.html).


# %% task="recurrence_rate"
def recurrence_rate(image, threshold):
    """Return the share of pairs of different rows that recur, 0 to 1."""
    ### BEGIN SOLUTION
    apart = np.linalg.norm(image[:, None] - image[None], axis=2)
    count = len(image)
    return ((apart < threshold).sum() - count) / (count * (count - 1))
    ### END SOLUTION


# %% check="recurrence_rate"
check(recurrence_rate)

# %% [markdown]
# ## Measure with your parts
#
# The generator is the baseline of lesson 0: principal components and one
# Gaussian for each digit. It trains in a moment, and it is good to know what
# it is worth.

# %%
from sklearn.decomposition import PCA

from digitdreams import data, judge

digits = data.load()
rng = np.random.default_rng(seed)


def baseline(count):
    vectors = digits.train.images[:20_000].reshape(-1, 784)
    known = digits.train.labels[:20_000]
    pca = PCA(40, random_state=seed).fit(vectors)
    codes = pca.transform(vectors)
    drawn = [
        rng.multivariate_normal(chosen.mean(axis=0), np.cov(chosen.T), count)
        for chosen in (codes[known == digit] for digit in range(10))
    ]
    images = pca.inverse_transform(np.concatenate(drawn)).clip(0, 1)
    return images.reshape(-1, 28, 28, 1), np.repeat(np.arange(10), count)


# %% [markdown]
# Four numbers, each from your functions: the score of the baseline; the
# accuracy on real test digits of the small classifier, trained on features of
# generated ones; the bias of the FID of real digits, which must vanish (the
# sum over the judge's 64 features, each on its own); and the share of copies
# among training images with a trace of noise, which must be all.


# %%
def mean_fid(first, second):
    pairs = zip(first.T, second.T, strict=True)
    return sum(fid_table(a, b[None])[0] for a, b in pairs)


def measured():
    images, labels = baseline(500)
    features, test = judge.features(images), digits.test
    score = inception_score(judge.probabilities(images))
    real = judge.features(test.images)
    accuracy = accuracy_score(features, labels, real, test.labels)
    sizes = np.array([100, 200, 400, 800])
    draws = [[rng.permutation(10_000)[:n] for _ in range(20)] for n in sizes]
    values = [np.mean([mean_fid(real, real[r]) for r in d]) for d in draws]
    vectors = digits.validation.images[:200].reshape(-1, 784)
    noisy = vectors + rng.normal(0, 0.01, vectors.shape)
    return {
        "score": float(score),
        "classification_accuracy": float(accuracy),
        "fid_bias": abs(float(fid_at_infinity(sizes, np.array(values)))),
        "copies": float(copy_share(noisy, vectors)),
    }


# %% check="training" points=4
course.expect(**measured())

# %% [markdown]
# And the recurrence rate of a digit, as it is and with its columns shuffled:
# equal, although nobody can read the second one.

# %%
image = digits.test.images[0, :, :, 0]
shuffled = image[:, rng.permutation(28)]
recurrence_rate(image, 1.0), recurrence_rate(shuffled, 1.0)
