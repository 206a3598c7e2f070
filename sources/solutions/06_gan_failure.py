# %% [markdown]
# # Exercise 6: when GANs fail, and how to repair them
#
# You write three measures of lesson 6 and a pair of losses that it only names
# (relativistic ones), and repair two penalties; then the last cells train a
# GAN on a ring of eight modes with your parts. `check` says whether a function
# is right, and often which mistake was made; `hint` helps, a little more each
# time.

# %%
from digitdreams import course
from digitdreams.checks import check, hint

seed = course.start("06", exercise=True)

# %%
hint("covered_modes")

# %%
import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

# %% [markdown]
# ## Task 1: count the modes
#
# Mode collapse is found by counting. A sample belongs to a mode if its
# distance from the mode's centre is below `radius`. Return how many modes hold
# at least the share `at_least` of *all* samples. `samples` has the shape
# (samples, 2), `centres` (modes, 2); both are NumPy arrays. See
# [numpy.linalg.norm](https://numpy.org/doc/stable/reference/generated/numpy.linalg.norm.html).


# %% task="covered_modes"
def covered_modes(samples, centres, radius, at_least):
    """Return the number of modes that the samples cover: an integer."""
    ### BEGIN SOLUTION
    distances = np.linalg.norm(samples[:, None] - centres, axis=2)
    shares = (distances < radius).mean(axis=0)
    return int((shares >= at_least).sum())
    ### END SOLUTION


# %% check="covered_modes"
check(covered_modes)

# %% [markdown]
# ## Task 2: the Wasserstein distance on a line
#
# Two clouds of equally many points on a line: return the work of carrying one
# to the other by the best plan, divided by the number of points. The best plan
# never lets two ways cross. The distance says how far apart clouds are even
# when they do not overlap, which is why a critic that estimates it has a
# useful gradient. See [ops.sort](https://keras.io/api/ops/numpy/).


# %% task="wasserstein_distance"
def wasserstein_distance(one, other):
    """Return the distance of two clouds of the shape (points,): one number."""
    ### BEGIN SOLUTION
    return ops.mean(ops.abs(ops.sort(one) - ops.sort(other)))
    ### END SOLUTION


# %% check="wasserstein_distance"
check(wasserstein_distance)

# %% [markdown]
# ## Task 3: relativistic losses
#
# The critic compares a real score $r$ with a generated one $f$, pair by pair,
# and pays $\log(1 + e^{f - r})$: little if the real one is higher. The
# generator pays $\log(1 + e^{r - f})$. Return both losses, averaged over the
# pairs. With R1 and R2 this pair of losses is among the steadiest known. See
# [ops.softplus](https://keras.io/api/ops/nn/).


# %% task="relativistic_losses"
def relativistic_losses(real_scores, fake_scores):
    """Return a pair: the critic's loss and the generator's, a number each."""
    ### BEGIN SOLUTION
    critic = ops.mean(ops.softplus(fake_scores - real_scores))
    return critic, ops.mean(ops.softplus(real_scores - fake_scores))
    ### END SOLUTION


# %% check="relativistic_losses"
check(relativistic_losses)

# %% [markdown]
# ## A critic made of matrices
#
# The next two tasks need slopes of a critic. So that a check can bring its own
# critic along, it is a list of matrices: each layer is a matrix whose last row
# is the bias.


# %%
def critic(points, matrices):
    """Return a score for each point of the shape (batch, 2): (batch,)."""
    *hidden, last = matrices
    for matrix in hidden:
        points = ops.tanh(ops.matmul(points, matrix[:-1]) + matrix[-1])
    return ops.matmul(points, last[:-1, 0]) + last[-1, 0]


# %% [markdown]
# ## Task 4: repair R1
#
# This was meant as the *R1 penalty*: half of `gamma` times the squared length
# of the score's gradient at the real points, averaged over the batch.
#
# ```python
# def r1_penalty(real, matrices, gamma):
#     with tf.GradientTape() as tape:
#         tape.watch(real)
#         scores = critic(real, matrices)
#     slopes = tape.gradient(scores, real)
#     return gamma / 2 * ops.mean(ops.norm(slopes))
# ```
#
# It stops at once, because a tape can watch tensors only and `real` is a NumPy
# array. And if that is mended, it still returns another number: a training
# with it hardly feels the penalty where slopes are steep. Find both bugs. (In
# the training below `real` is a tensor already, inside a compiled graph:
# [ops.convert_to_tensor](https://keras.io/api/ops/core/) takes both,
# `tf.constant` does not, and NumPy functions stop there.) See
# [tf.GradientTape](https://www.tensorflow.org/api_docs/python/tf/GradientTape).


# %% task="r1_penalty"
def r1_penalty(real, matrices, gamma):
    """Return the R1 penalty of real points of the shape (batch, 2)."""
    ### BEGIN SOLUTION
    real = ops.convert_to_tensor(real)
    with tf.GradientTape() as tape:
        tape.watch(real)
        scores = critic(real, matrices)
    slopes = tape.gradient(scores, real)
    return gamma / 2 * ops.mean(ops.sum(ops.square(slopes), axis=1))
    ### END SOLUTION


# %% check="r1_penalty"
check(r1_penalty)

# %% [markdown]
# ## Task 5: repair the gradient penalty
#
# A program for WGAN-GP that trains, badly:
#
# ```python
# def gradient_penalty(real, fake, share, matrices):
#     between = ops.convert_to_tensor(share[0] * real + share[0] * fake)
#     with tf.GradientTape() as tape:
#         tape.watch(between)
#         score = ops.mean(critic(between, matrices))
#     slopes = tape.gradient(score, between)
#     return ops.mean(ops.square(slopes - 1))
# ```
#
# `share` has the shape (batch, 1): a number between 0 and 1 for each pair of
# points, and the place on the line between them is share times the real point
# plus the rest times the generated one. The penalty is $(\text{length} -
# 1)^2$, where the length is that of the gradient of *one* score, averaged over
# the batch. Four things are wrong.


# %% task="gradient_penalty"
def gradient_penalty(real, fake, share, matrices):
    """Return the gradient penalty of WGAN-GP, without a weight: one number."""
    ### BEGIN SOLUTION
    between = ops.convert_to_tensor(share * real + (1 - share) * fake)
    with tf.GradientTape() as tape:
        tape.watch(between)
        scores = critic(between, matrices)
    slopes = tape.gradient(scores, between)
    lengths = ops.sqrt(ops.sum(ops.square(slopes), axis=1) + 1e-12)
    return ops.mean(ops.square(lengths - 1))
    ### END SOLUTION


# %% check="gradient_penalty"
check(gradient_penalty)

# %% [markdown]
# ## Task 6: rank correlation
#
# Does a loss follow the quality of samples? Ask for the order only: replace
# each array by its *ranks* (0 for the smallest, 1 for the next, and so on; no
# value occurs twice) and return the correlation of the ranks. With $n$ values
# and the differences $d$ of the ranks it is $1 - 6 \sum d^2 / (n (n^2 - 1))$.
# See
# [numpy.argsort](https://numpy.org/doc/stable/reference/generated/numpy.argsort.html).


# %% task="rank_correlation"
def rank_correlation(one, other):
    """Return Spearman's rank correlation of two arrays, from -1 to 1."""
    ### BEGIN SOLUTION
    ranks = [np.argsort(np.argsort(values)) for values in (one, other)]
    return float(np.corrcoef(*ranks)[0, 1])
    ### END SOLUTION


# %% check="rank_correlation"
check(rank_correlation)

# %% [markdown]
# ## Train with your parts
#
# A GAN on eight modes, with your relativistic losses and your R1 penalty at
# real and at generated points (there it is called R2). The generator's weights
# are averaged over time.

# %%
angles = np.arange(8) * np.pi / 4
centres = np.stack([np.cos(angles), np.sin(angles)], axis=1)
random = np.random.default_rng(seed)
which, spread = random.integers(8, size=20_000), 0.05
ring = centres[which] + spread * random.normal(size=(20_000, 2))
ring = ring.astype("float32")


# %%
def build_generator():
    generator = keras.Sequential([keras.Input((8,))])
    for size in (128, 128):
        generator.add(layers.Dense(size, activation="relu"))
    generator.add(layers.Dense(2))
    return generator


def build_matrices():
    start = keras.initializers.GlorotUniform(seed)
    shapes = (3, 128), (129, 128), (129, 1)
    return [keras.Variable(start(shape)) for shape in shapes]


def adam(weights):
    optimizer = keras.optimizers.Adam(0.003, beta_1=0.5, beta_2=0.99)
    optimizer.build(weights)
    return optimizer


# %% [markdown]
# One round: the critic's turn, with its two penalties, and the generator's.


# %%
def build_round(generator, average, matrices, gamma=0.02):
    weights = generator.trainable_weights
    critic_adam, generator_adam = adam(matrices), adam(weights)
    chance = keras.random.SeedGenerator(seed)

    @tf.function(jit_compile=True)
    def play_round(real):
        fake = generator(keras.random.normal((128, 8), seed=chance))
        with tf.GradientTape() as tape:
            scores = critic(real, matrices), critic(fake, matrices)
            loss = relativistic_losses(*scores)[0]
            loss += r1_penalty(real, matrices, gamma)
            loss += r1_penalty(fake, matrices, gamma)
        critic_adam.apply(tape.gradient(loss, matrices), matrices)
        with tf.GradientTape() as tape:
            fake = generator(keras.random.normal((128, 8), seed=chance))
            scores = critic(real, matrices), critic(fake, matrices)
            loss = relativistic_losses(*scores)[1]
        generator_adam.apply(tape.gradient(loss, weights), weights)
        for mean, new in zip(average.weights, weights, strict=True):
            mean.assign(0.99 * mean + 0.01 * new)

    return play_round


# %%
from digitdreams import data
from digitdreams.progress import track

noise = keras.random.normal((2000, 8), seed=seed)


def train(rounds=1500):
    """Return the averaged generator and its samples after each 100 rounds."""
    generator, average = build_generator(), build_generator()
    average.set_weights(generator.get_weights())
    play_round = build_round(generator, average, build_matrices())
    stream, looks = iter(data.batches(ring, 128, seed).repeat()), []
    for number in track(range(1, rounds + 1), "ring", unit="rounds"):
        play_round(next(stream))
        if number % 100 == 0:
            looks.append(average(noise).numpy())
    return average, looks


# %% [markdown]
# The numbers to reach: modes covered and the share of samples that belong to
# one. Both losses start at $\log 2 = 0.693$, when all scores are equal.

# %% check="training" points=4
start = relativistic_losses(np.zeros(1, "float32"), np.zeros(1, "float32"))
print("losses at the start:", [round(float(loss), 3) for loss in start])
average, looks = train()
distances = np.linalg.norm(looks[-1][:, None] - centres, axis=2)
course.expect(
    modes=covered_modes(looks[-1], centres, 0.15, 0.02),
    good_share=(distances < 0.15).any(axis=1).mean(),
)

# %% [markdown]
# Was it a steady way? The distance to real points from left to right at each
# look, that of other real points for comparison, and the rank correlation with
# the time: -1 means that every look was better than the one before.

# %%
real = ring[:2000, 0]
floor = float(wasserstein_distance(ring[2000:4000, 0], real))
way = [float(wasserstein_distance(points[:, 0], real)) for points in looks]
print(np.round([*way, floor], 3))
rank_correlation(np.arange(len(way)), np.array(way))
