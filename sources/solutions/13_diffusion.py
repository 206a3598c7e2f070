# %% [markdown]
# # Exercise 13: noise and the way back
#
# You write one function of a diffusion model and repair five programs, each
# with a mistake that public programs have had. Then your parts train a small
# model that draws the digit it is asked for. `check` says whether a function
# is right, and often which mistake is left; `hint` helps, a little more each
# time.

# %%
from digitdreams import course
from digitdreams.checks import check, hint

seed = course.start("13", exercise=True)

# %%
hint("noised")

# %% [markdown]
# Tasks 1 and 4 run in a compiled training, so use `keras.ops` there: it works
# like NumPy, and it can be compiled. In the others you may use NumPy.

# %%
import keras
import numpy as np
from keras import layers, ops

# %% [markdown]
# ## Task 1: add noise
#
# Return images with noise, $z = \alpha x + \sigma \epsilon$. `images` (batch,
# pixels) have values in $[0, 1]$; the noise has mean 0 and standard deviation
# 1, so bring the images to $[-1, 1]$ first. `log_snr` (batch, 1) is $\lambda$:
# $\alpha^2$ is its sigmoid, and $\sigma^2$ that of $-\lambda$. See
# [ops.sigmoid](https://keras.io/api/ops/nn/) and
# [ops.sqrt](https://keras.io/api/ops/numpy/).


# %% task="noised"
def noised(images, noise, log_snr):
    """Return noised images (batch, pixels)."""
    ### BEGIN SOLUTION
    signal = ops.sqrt(ops.sigmoid(log_snr))
    spread = ops.sqrt(ops.sigmoid(-log_snr))
    return signal * (2 * images - 1) + spread * noise
    ### END SOLUTION


# %% check="noised"
check(noised)

# %% [markdown]
# ## Task 2: find the bugs, from any target to the image
#
# A network may predict the noise $\epsilon$, or v, which is $\alpha \epsilon -
# \sigma x$, or the velocity $u = x - \epsilon$ of the straight path from noise
# to image. This function should return the image $x$ that the prediction
# implies. All three returns have a mistake; loss curves would look fine.
#
# ```python
# def clean_image(z, prediction, kind, signal, spread):
#     if kind == "noise":
#         return z - spread * prediction
#     if kind == "v":
#         return signal * z + spread * prediction
#     return (z - spread * prediction) / (signal + spread)
# ```
#
# `signal` is $\alpha$, `spread` is $\sigma$, both (batch, 1), with $\alpha^2 +
# \sigma^2 = 1$. Solve $z = \alpha x + \sigma \epsilon$ and the definition for
# $x$. The [lesson](../../lessons/13_diffusion.ipynb) has the table.


# %% task="clean_image"
def clean_image(z, prediction, kind, signal, spread):
    """Return the image (batch, pixels); kind: noise, v or velocity."""
    ### BEGIN SOLUTION
    if kind == "noise":
        return (z - spread * prediction) / signal
    if kind == "v":
        return signal * z - spread * prediction
    return (z + spread * prediction) / (signal + spread)
    ### END SOLUTION


# %% check="clean_image"
check(clean_image)

# %% [markdown]
# ## Task 3: find the bugs, which levels to visit
#
# A model was trained with many noise levels; `kept[t]` is $\bar\alpha_t$, and
# it falls with $t$. A sampler should visit only a few of them. Return one row
# for each step: the level where it begins and the level where it ends.
#
# ```python
# def level_pairs(kept, steps):
#     stride = len(kept) // steps
#     index = np.arange(0, len(kept), stride)[:steps][::-1]
#     return np.stack([kept[index], kept[index - 1]], axis=1)
# ```
#
# Samples of this program are nothing but noise. Its first step does not begin
# at the noisiest level (with 3 steps of 1,000 it begins at 666), and its steps
# do not end where the next ones begin. Make `steps` indices, evenly spaced
# from the last one down to 0 and rounded to the nearest; the last step ends at
# the clean image, where everything is kept. See
# [np.linspace](https://numpy.org/doc/stable/reference/generated/numpy.linspace.html)
# and
# [np.append](https://numpy.org/doc/stable/reference/generated/numpy.append.html).


# %% task="level_pairs"
def level_pairs(kept, steps):
    """Return (steps, 2): kept share before and after each step."""
    ### BEGIN SOLUTION
    index = np.linspace(len(kept) - 1, 0, steps).round().astype(int)
    now = kept[index]
    return np.stack([now, np.append(now[1:], 1)], axis=1)
    ### END SOLUTION


# %% check="level_pairs"
check(level_pairs)

# %% [markdown]
# ## Task 4: find the bug, what the network sees
#
# With this function the loss falls, and then stays high; samples are blots. A
# well-known short program has the same mistake.
#
# ```python
# def features(z, log_snr, labels):
#     angles = log_snr * np.float32([0.25, 0.5, 1, 2])
#     times = ops.concatenate([ops.sin(angles), ops.cos(angles)], axis=1)
#     asked = ops.one_hot(labels, 11)
#     return ops.concatenate([z, asked], axis=1)
# ```
#
# Label 10 means "no label". The order is: $z$, the times, the label. See
# [ops.concatenate](https://keras.io/api/ops/numpy/).


# %% task="features"
def features(z, log_snr, labels):
    """Return what the network sees: (batch, pixels + 8 + 11)."""
    ### BEGIN SOLUTION
    angles = log_snr * np.float32([0.25, 0.5, 1, 2])
    times = ops.concatenate([ops.sin(angles), ops.cos(angles)], axis=1)
    asked = ops.one_hot(labels, 11)
    return ops.concatenate([z, times, asked], axis=1)
    ### END SOLUTION


# %% check="features"
check(features)

# %% [markdown]
# ## Task 5: find the bugs, guidance
#
# With this function the guidance scale changes nothing:
#
# ```python
# def guided(network, z, log_snr, labels, scale):
#     told = run(network, z, log_snr, labels)
#     free = run(network, z, log_snr, labels)
#     return free + scale * (told - free)
# ```
#
# Repair it so that scale 0 gives the plain prediction with label, and larger
# scales go further away from the prediction *without* one. `run` is given. So
# that a check can call it, a matrix may stand in for the network. See
# [ops.full_like](https://keras.io/api/ops/numpy/).


# %%
def run(network, z, log_snr, labels):
    """Return the network's output; a matrix is multiplied."""
    inputs = features(z, log_snr, labels)
    if callable(network):
        return network(inputs)
    return ops.matmul(inputs, ops.cast(network, "float32"))


# %% task="guided"
def guided(network, z, log_snr, labels, scale):
    """Return the guided prediction (batch, pixels)."""
    ### BEGIN SOLUTION
    told = run(network, z, log_snr, labels)
    free = run(network, z, log_snr, ops.full_like(labels, 10))
    return told + scale * (told - free)
    ### END SOLUTION


# %% check="guided"
check(guided)

# %% [markdown]
# ## Task 6: find the bug, a step of the sampler
#
# `kept` is $\bar\alpha$ where the step begins, `before` where it ends (it
# comes *before* in the order of noising, so it is larger). The image is the
# network's prediction. With `eta` = 1 this should be DDPM, with `eta` = 0
# DDIM. Yet the samples are the same for every `eta`:
#
# ```python
# def step(z, image, fresh, kept, before, eta):
#     noise = (z - np.sqrt(kept) * image) / np.sqrt(1 - kept)
#     share = (1 - before) / (1 - kept) * (1 - before / kept)
#     spread = eta * np.sqrt(max(share, 0))
#     left = np.sqrt(1 - before - spread**2)
#     return np.sqrt(before) * image + left * noise + spread * fresh
# ```
#
# The `max` was added because of a warning. Find out why it was needed. See
# [np.sqrt](https://numpy.org/doc/stable/reference/generated/numpy.sqrt.html).


# %% task="step"
def step(z, image, fresh, kept, before, eta):
    """Return z at the level `before`: (batch, pixels)."""
    ### BEGIN SOLUTION
    noise = (z - np.sqrt(kept) * image) / np.sqrt(1 - kept)
    share = (1 - before) / (1 - kept) * (1 - kept / before)
    spread = eta * np.sqrt(share)
    left = np.sqrt(1 - before - spread**2)
    return np.sqrt(before) * image + left * noise + spread * fresh
    ### END SOLUTION


# %% check="step"
check(step)

# %% [markdown]
# ## Train with your parts
#
# A dense network predicts the image, in $[-1, 1]$, with the squared error. It
# is smaller than the lesson's and trains for about half a minute.

# %%
import tensorflow as tf

from digitdreams import data
from digitdreams.progress import track

digits = data.load().train
pixels = tf.constant(digits.images.reshape(-1, 784))
all_labels = tf.constant(digits.labels)
chance = keras.random.SeedGenerator(seed)
steps, batch_size, at_once = 1000, 128, 25


def build_network():
    inputs = keras.Input((784 + 19,))
    h = layers.Dense(512, activation="silu")(inputs)
    for _ in range(2):
        x = layers.LayerNormalization()(h)
        h += layers.Dense(512, activation="silu")(x)
    return keras.Model(inputs, layers.Dense(784, activation="tanh")(h))


def log_snr_of(times):
    """The cosine schedule, shifted by 2 towards noise."""
    return -2 * ops.log(ops.tan(np.pi / 2 * times)) - 2


def train():
    network = build_network()
    weights = network.trainable_weights
    warmup = steps // 10
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, steps - warmup, warmup_target=0.003, warmup_steps=warmup
    )
    optimizer = keras.optimizers.Adam(rate, beta_2=0.99)
    optimizer.build(weights)
    one = (batch_size, 1)

    @tf.function(jit_compile=True)
    def some_steps(noises):
        for noise in noises:
            rows = keras.random.randint(one[:1], 0, len(pixels), seed=chance)
            images = tf.gather(pixels, rows)
            times = keras.random.uniform(one, 0.01, 0.99, seed=chance)
            dropped = keras.random.uniform(one[:1], seed=chance) < 0.1
            labels = ops.where(dropped, 10, tf.gather(all_labels, rows))
            log_snr = log_snr_of(times)
            z = noised(images, noise, log_snr)
            with tf.GradientTape() as tape:
                found = network(features(z, log_snr, labels))
                loss = ops.mean(ops.square(found - (2 * images - 1)))
            optimizer.apply(tape.gradient(loss, weights), weights)

    rng = np.random.default_rng(seed)
    for _ in track(range(steps // at_once), "denoiser", unit="blocks"):
        size = at_once, batch_size, 784
        some_steps(rng.standard_normal(size, "float32"))
    return network


# %% [markdown]
# The sampler visits ten of 100 levels, with guidance. The number to reach is
# the *label accuracy*: the share of digits in which the course's judge sees
# what was asked for.

# %%
from digitdreams import judge, metrics, plots


def draw(network, start, labels, scale=1.0, eta=0.0):
    levels = log_snr_of(np.linspace(0.02, 0.98, 100, dtype="float32"))
    z, rng = start, np.random.default_rng(seed)
    for now, before in level_pairs(np.array(ops.sigmoid(levels)), 10):
        level = np.full((len(z), 1), np.log(now / (1 - now)), "float32")
        image = np.array(guided(network, z, level, labels, scale)).clip(-1, 1)
        fresh = rng.normal(size=z.shape)
        z = np.float32(step(z, image, fresh, now, before, eta))
    return ((z + 1) / 2).clip(0, 1).reshape(-1, 28, 28)


# %% check="training" points=4
network = train()
asked = np.arange(2000, dtype="int32") % 10
start = np.random.default_rng(seed).normal(size=(2000, 784)).astype("float32")
drawn = draw(network, start, asked)
verdicts = judge.probabilities(drawn)
course.expect(label_accuracy=metrics.label_accuracy(verdicts, asked))
plots.grid(drawn[:40])
