# %% [markdown]
# # Exercise 4: ask a VAE for a digit
#
# You write one function that a conditional VAE needs and repair five
# programs. Each of them has a mistake that can be found in articles about
# VAEs, which is why they are worth knowing. `check` says whether a function is
# right, and often which mistake is left; `hint` helps, a little more each
# time.
#
# Each of these mistakes also stands alone, in a short program of its own with
# a check: `digitdreams problems list --hunts --topic vae` and `--topic
# autoencoders` in a terminal list them, and `digitdreams problems start
# code_decoder` begins one.

# %%
from digitdreams import course
from digitdreams.checks import check, hint

seed = course.start("04", exercise=True)

# %%
hint("with_label")

# %% [markdown]
# Use `keras.ops` unless a task says otherwise: it works like NumPy, and
# gradients pass through it.

# %%
import keras
import numpy as np
from keras import layers, ops

# %% [markdown]
# The KL to $N(0, I)$ is that of lessons 3 and 4, and you may use it:


# %%
def kl_divergence(mean, log_variance):
    """Return the KL to N(0, I) of each image in nats: (batch,)."""
    each = ops.square(mean) + ops.exp(log_variance) - 1 - log_variance
    return 0.5 * ops.sum(each, axis=1)


# %% [markdown]
# ## Task 1: append the label
#
# Return each code with its label behind it, as ten numbers that are 0 but for
# a 1 at the place of the digit: codes (batch, latent numbers) and labels
# (batch,) become (batch, latent numbers + 10). As one number, the label would
# claim that a 7 lies between 6 and 8. NumPy will not do here, because the
# training compiles this function. See
# [ops.one_hot](https://keras.io/api/ops/nn/) and
# [ops.concatenate](https://keras.io/api/ops/numpy/).


# %% task="with_label"
def with_label(codes, labels):
    """Return codes and one-hot labels: (batch, latent numbers + 10)."""
    ### BEGIN SOLUTION
    return ops.concatenate([codes, ops.one_hot(labels, 10)], axis=1)
    ### END SOLUTION


# %% check="with_label"
check(with_label)

# %% [markdown]
# ## Task 2: find the bugs, an encoder
#
# This encoder runs, slowly, and fills the memory. Printed, its dense layer has
# the output shape (28, 28, 256): a dense layer works on the *last axis* of
# what it gets, so here it sees one pixel at a time and no pixel's neighbour.
# And what leaves the encoder is one code, where a VAE needs a mean and a log
# variance.
#
# ```python
# def build_encoder(latent_size):
#     images, label = keras.Input((28, 28, 1)), keras.Input((10,))
#     x = layers.Dense(256, activation="relu")(images)
#     x = layers.Concatenate()([layers.Flatten()(x), label])
#     return keras.Model([images, label], layers.Dense(latent_size)(x))
# ```
#
# Return a model that joins the pixels in one row with the label, has one dense
# layer of 256 numbers with ReLU, and gives two outputs as in the lesson: the
# mean, and minus a dense layer with softplus. See
# [Flatten](https://keras.io/api/layers/reshaping_layers/flatten/).


# %% task="build_encoder"
def build_encoder(latent_size):
    """Return a keras.Model: [images, label] to [mean, log variance]."""
    ### BEGIN SOLUTION
    images, label = keras.Input((28, 28, 1)), keras.Input((10,))
    x = layers.Concatenate()([layers.Flatten()(images), label])
    x = layers.Dense(256, activation="relu")(x)
    mean = layers.Dense(latent_size)(x)
    narrowness = layers.Dense(latent_size, activation="softplus")(x)
    return keras.Model([images, label], [mean, -narrowness])
    ### END SOLUTION


# %% check="build_encoder"
check(build_encoder)

# %% [markdown]
# ## Task 3: find the bug, a decoder
#
# This decoder can be built, but it refuses every code:
#
# ```python
# def build_decoder(latent_size):
#     inputs = keras.Input((28, 28, 1))
#     x = layers.Flatten()(inputs)
#     x = layers.Dense(256, activation="relu")(x)
#     logits = layers.Reshape((28, 28, 1))(layers.Dense(784)(x))
#     return keras.Model(inputs, logits)
# ```
#
# It was copied from an encoder and asks for an image. Repair it: it gets what
# `with_label` of task 1 returns. See
# [Input](https://keras.io/api/layers/core_layers/input/).


# %% task="build_decoder"
def build_decoder(latent_size):
    """Return a keras.Model: codes with labels to logits of images."""
    ### BEGIN SOLUTION
    inputs = keras.Input((latent_size + 10,))
    x = layers.Dense(256, activation="relu")(inputs)
    logits = layers.Reshape((28, 28, 1))(layers.Dense(784)(x))
    return keras.Model(inputs, logits)
    ### END SOLUTION


# %% check="build_decoder"
check(build_decoder)

# %% [markdown]
# ## Task 4: find the bugs, a loss
#
# Trained with this loss, reconstructions look fine. But most draws from $N(0,
# I)$ decode to blots:
#
# ```python
# def cvae_loss(images, labels, noise, encoder, decoder):
#     pixels = ops.reshape(images, (len(images), -1))
#     code = ops.matmul(with_label(pixels, labels), encoder)
#     mean, log_variance = ops.split(code, 2, axis=1)
#     logits = ops.matmul(with_label(mean, labels), decoder)
#     costs = ops.binary_crossentropy(pixels, logits, from_logits=True)
#     return ops.mean(ops.sum(costs, axis=1))
# ```
#
# Networks are plain matrices here, to keep the program short. The log variance
# and the noise are not used, nothing is sampled, and a term is missing: this
# is an autoencoder that has been told the label. Make it the negative ELBO
# with the prior $N(0, I)$, averaged over the batch. `kl_divergence` helps, and
# your `with_label` has to be right first. See
# [ops.exp](https://keras.io/api/ops/numpy/).


# %% task="cvae_loss"
def cvae_loss(images, labels, noise, encoder, decoder):
    """Return the mean negative ELBO of the images in nats: one number."""
    ### BEGIN SOLUTION
    pixels = ops.reshape(images, (len(images), -1))
    code = ops.matmul(with_label(pixels, labels), encoder)
    mean, log_variance = ops.split(code, 2, axis=1)
    z = mean + ops.exp(0.5 * log_variance) * noise
    logits = ops.matmul(with_label(z, labels), decoder)
    costs = ops.binary_crossentropy(pixels, logits, from_logits=True)
    kl = kl_divergence(mean, log_variance)
    return ops.mean(ops.sum(costs, axis=1) + kl)
    ### END SOLUTION


# %% check="cvae_loss"
check(cvae_loss)

# %% [markdown]
# ## Task 5: find the bug, a digit swap
#
# This function should draw each image's handwriting with another digit. It
# runs only where a code happens to have as many numbers as an image has
# pixels, and then the encoder has no influence on the result:
#
# ```python
# def swap_digit(images, labels, wanted, encoder, decoder):
#     pixels = ops.reshape(images, (len(images), -1))
#     code = ops.matmul(with_label(pixels, labels), encoder)
#     mean, _ = ops.split(code, 2, axis=1)
#     logits = ops.matmul(with_label(pixels, wanted), decoder)
#     return ops.reshape(ops.sigmoid(logits), images.shape)
# ```
#
# The decoder is fed with the *encoder's input*. Repair it; use the mean as the
# code. `labels` are the true digits, `wanted` those to draw.


# %% task="swap_digit"
def swap_digit(images, labels, wanted, encoder, decoder):
    """Return the images' handwriting as other digits, in [0, 1]."""
    ### BEGIN SOLUTION
    pixels = ops.reshape(images, (len(images), -1))
    code = ops.matmul(with_label(pixels, labels), encoder)
    mean, _ = ops.split(code, 2, axis=1)
    logits = ops.matmul(with_label(mean, wanted), decoder)
    return ops.reshape(ops.sigmoid(logits), images.shape)
    ### END SOLUTION


# %% check="swap_digit"
check(swap_digit)

# %% [markdown]
# ## Task 6: find the bug, the typical code of a digit
#
# The mean code of each digit says where a prior of its own should lie. This
# program stops with `'numpy.ndarray' object has no attribute 'numpy'`:
#
# ```python
# def class_means(codes, labels):
#     codes = codes.numpy()
#     means = [codes[labels == digit].mean(axis=0) for digit in range(10)]
#     return np.stack(means)
# ```
#
# `.numpy()` turns a tensor into an array. An array is one already and has no
# such method; `predict`, for example, returns arrays. Repair it so that it
# takes both. See
# [np.asarray](https://numpy.org/doc/stable/reference/generated/numpy.asarray.html).


# %% task="class_means"
def class_means(codes, labels):
    """Return the mean code of each digit: (10, latent numbers)."""
    ### BEGIN SOLUTION
    codes = np.asarray(codes)
    means = [codes[labels == digit].mean(axis=0) for digit in range(10)]
    return np.stack(means)
    ### END SOLUTION


# %% check="class_means"
check(class_means)

# %% [markdown]
# ## Train with your parts
#
# The model below uses your encoder, your decoder and `with_label`. It is
# smaller than in the lesson and sees every image three times.

# %%
import tensorflow as tf

latent_size = 6


class CVAE(keras.Model):
    def __init__(self):
        super().__init__()
        self.encoder = build_encoder(latent_size)
        self.decoder = build_decoder(latent_size)
        self.random = keras.random.SeedGenerator(seed)

    def call(self, images, labels):
        mean, log_variance = self.encoder([images, ops.one_hot(labels, 10)])
        noise = keras.random.normal(ops.shape(mean), seed=self.random)
        z = mean + ops.exp(0.5 * log_variance) * noise
        logits = self.decoder(with_label(z, labels))
        costs = ops.binary_crossentropy(images, logits, from_logits=True)
        kl = kl_divergence(mean, log_variance)
        return ops.mean(ops.sum(costs, axis=(1, 2, 3)) + kl)

    def train_step(self, batch):
        with tf.GradientTape() as tape:
            loss = self(*batch)
        gradients = tape.gradient(loss, self.trainable_weights)
        self.optimizer.apply(gradients, self.trainable_weights)
        return {"negative_elbo": loss}


# %%
from digitdreams import data
from digitdreams.progress import Progress


def train():
    cvae = CVAE()
    digits = data.load()
    cvae(digits.train.images[:1], digits.train.labels[:1])
    batches = data.batches(digits.train, 128, seed)
    rate = keras.optimizers.schedules.CosineDecay(0.006, 3 * len(batches))
    optimizer = keras.optimizers.Adam(rate)
    cvae.compile(optimizer, jit_compile=True, steps_per_execution=20)
    options = {"verbose": 0, "shuffle": False, "callbacks": [Progress("CVAE")]}
    cvae.fit(batches, epochs=3, **options)
    return cvae


# %% [markdown]
# Two numbers to reach: the negative ELBO of the test images, and the *label
# accuracy*, the share of drawn digits in which the course's judge sees the
# digit that was asked for. Each digit is drawn with the prior $N(m, I)$, where
# $m$ is its mean code from `class_means`.

# %%
from digitdreams import judge, metrics, plots


def draw(cvae, styles, wanted):
    """Draw the wanted digits, in styles from N(0, I): (n, 28, 28, 1)."""
    images, labels = data.load().validation
    codes, _ = cvae.encoder([images, np.eye(10)[labels]])
    z = styles + np.asarray(class_means(codes, labels))[wanted]
    return ops.sigmoid(cvae.decoder(with_label(z, wanted)))


def label_accuracy(cvae):
    wanted = np.tile(np.arange(10), 200)
    styles = keras.random.normal((len(wanted), latent_size), seed=seed)
    drawn = draw(cvae, styles, wanted)
    return metrics.label_accuracy(judge.probabilities(drawn), wanted)


# %% [markdown]
# Below the numbers you see what it has learned: four styles, each as ten
# digits.

# %% check="training" points=4
cvae = train()
course.expect(
    negative_elbo=cvae(*data.load().test), label_accuracy=label_accuracy(cvae)
)
styles = keras.random.normal((4, latent_size), seed=seed)
styles = ops.repeat(styles, 10, axis=0)
plots.grid(draw(cvae, styles, np.tile(np.arange(10), 4)))
