# %% [markdown]
# # Exercise 5: repair the GANs in circulation
#
# Every program below is broken, and every mistake in it was found in articles
# that explain GANs: some stop at once, some run for hours and learn nothing.
# Each text says what the program should do and what it does instead. You write
# it anew, without the mistakes. `check` says whether it is right, and often
# which mistake is left; `hint` helps, a little more each time.

# %%
from digitdreams import course
from digitdreams.checks import check, hint

seed = course.start("05", exercise=True)

# %%
hint("gan_losses")

# %%
import keras
import tensorflow as tf
from keras import layers, ops

# %% [markdown]
# Three more mistakes of such articles are in the formulas: the logarithm of a
# sum, logarithms with base 2, and a $D$ that is low for real images. They are
# questions with a number to compute; `digitdreams quiz --topic gan` in a
# terminal asks them, too.
#
# Most programs below hold several mistakes, as published ones do. Each mistake
# also stands alone, in a short program of its own with a check:
# `digitdreams problems list --hunts --topic gan` and `--topic
# training_failures` list them, and `digitdreams problems start
# digit_generator` begins one.

# %% [markdown]
# ## Task 1: two losses
#
# The discriminator ends in `Dense(1)` and returns *logits*, any numbers. With
# this program the losses hardly move, one of them often at 0, and what the
# generator learns is to be found out:
#
# ```python
# def gan_losses(real_logits, fake_logits):
#     cost = keras.losses.BinaryCrossentropy()
#     real = cost(ops.ones_like(real_logits), real_logits)
#     fake = cost(ops.zeros_like(fake_logits), fake_logits)
#     return real + fake, cost(ops.zeros_like(fake_logits), fake_logits)
# ```
#
# Two mistakes: the cross-entropy believes that it was given probabilities, and
# the generator is trained with the label *fake*. Return $-\log D(x) - \log(1 -
# D(G(z)))$ and the non-saturating $-\log D(G(z))$, both as averages over the
# batch, in nats. See [BinaryCrossentropy](https://keras.io/api/losses/) or
# [ops.softplus](https://keras.io/api/ops/nn/).


# %% task="gan_losses"
def gan_losses(real_logits, fake_logits):
    """Return the discriminator's and the generator's loss in nats."""
    ### BEGIN SOLUTION
    cost = keras.losses.BinaryCrossentropy(from_logits=True)
    real = cost(ops.ones_like(real_logits), real_logits)
    fake = cost(ops.zeros_like(fake_logits), fake_logits)
    return real + fake, cost(ops.ones_like(fake_logits), fake_logits)
    ### END SOLUTION


# %% check="gan_losses"
check(gan_losses)

# %% [markdown]
# ## Task 2: a generator
#
# It stops with `NameError: name 'z_dim' is not defined`. The lines that define
# `z_dim` and import `np` were left out when the program was printed:
#
# ```python
# def build_generator(noise_size, channels):
#     noise = keras.Input((z_dim,))
#     size = int(np.prod((7, 7, channels)))
#     x = layers.Dense(size, activation="relu")(noise)
#     x = layers.Reshape((7, 7, channels))(x)
#     options = {"strides": 1, "padding": "same"}
#     x = layers.Conv2DTranspose(channels, 5, **options)(x)
#     x = layers.ReLU()(layers.BatchNormalization()(x))
#     x = layers.Conv2DTranspose(1, 5, activation="sigmoid", **options)(x)
#     return keras.Model(noise, layers.Reshape((28, 28, 1))(x))
# ```
#
# With both names defined it stops with a `ValueError`. It should double the
# side of its map twice, 7, 14, 28. But both strides are 1, so the map stays at
# 7 x 7; and the last layer, put there to help, cannot turn 49 numbers into
# 784. Repair it; keep the layers that are right. See
# [Conv2DTranspose](https://keras.io/api/layers/convolution_layers/convolution2d_transpose/).


# %% task="build_generator"
def build_generator(noise_size, channels):
    """Return a keras.Model: noise to images (28, 28, 1) in [0, 1]."""
    ### BEGIN SOLUTION
    noise = keras.Input((noise_size,))
    x = layers.Dense(7 * 7 * channels, activation="relu")(noise)
    x = layers.Reshape((7, 7, channels))(x)
    options = {"strides": 2, "padding": "same"}
    x = layers.Conv2DTranspose(channels, 5, **options)(x)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.Conv2DTranspose(1, 5, activation="sigmoid", **options)(x)
    return keras.Model(noise, x)
    ### END SOLUTION


# %% check="build_generator"
check(build_generator)

# %% [markdown]
# ## Task 3: a discriminator
#
# It stops twice. First, `leaky_relu() got an unexpected keyword argument
# 'alpha'`: Keras 3 calls this number `negative_slope`. (Its layer `LeakyReLU`
# still takes the old name, with a warning.) Then `Flatten(x)`: a layer is
# first made and then called, and here the image is handed to the making.
#
# ```python
# def build_discriminator(channels):
#     images = keras.Input((28, 28, 1))
#     x = images
#     for size in (channels, 2 * channels):
#         x = layers.Conv2D(size, 4, strides=2, padding="same")(x)
#         x = ops.leaky_relu(x, alpha=0.2)
#     x = layers.Flatten(x)
#     return keras.Model(images, layers.Dense(1)(x))
# ```
#
# Repair it. It ends in logits, so there is no sigmoid. See
# [LeakyReLU](https://keras.io/api/layers/activation_layers/leaky_relu/).


# %% task="build_discriminator"
def build_discriminator(channels):
    """Return a keras.Model: images to one logit each."""
    ### BEGIN SOLUTION
    images = keras.Input((28, 28, 1))
    x = images
    for size in (channels, 2 * channels):
        x = layers.Conv2D(size, 4, strides=2, padding="same")(x)
        x = ops.leaky_relu(x, negative_slope=0.2)
    x = layers.Flatten()(x)
    return keras.Model(images, layers.Dense(1)(x))
    ### END SOLUTION


# %% check="build_discriminator"
check(build_discriminator)

# %% [markdown]
# ## Task 4: the discriminator's step
#
# One step of gradient descent for the simplest discriminator there is: `logits
# = images @ weights`, in TensorFlow `tf.linalg.matvec(images, weights)`. Its
# batch holds real images, with the label 1, and fakes, with the label 0. This
# one stops, because its gradient is `None`:
#
# ```python
# def discriminator_step(pixels, fakes, weights, rate):
#     weights = tf.Variable(weights)
#     real = pixels / 127.5 - 1
#     images = tf.concat([fakes, fakes], axis=0)
#     labels = tf.repeat([1.0, 0.0], len(fakes))
#     shown = tf.reduce_mean(images, axis=1)
#     costs = tf.nn.sigmoid_cross_entropy_with_logits(labels, shown)
#     with tf.GradientTape() as tape:
#         loss = tf.reduce_mean(costs)
#     return weights - rate * tape.gradient(loss, weights)
# ```
#
# Two reasons, each sufficient. The loss compares the labels with the *images*
# instead of the discriminator's outputs, so the weights have no part in it.
# And a tape records only what is computed inside its `with`.
#
# Once it runs, two more mistakes show. The batch holds no real image, and
# every fake is in it twice, once with each label: whoever learns from it does
# best to answer 0.5 to everything. And the real pixels, 0 to 255, are scaled
# to [-1, 1], while the generator ends in a sigmoid and cannot draw anything
# below 0: any pixel below 0 gives a real image away.
#
# Return the weights after one step on the *mean* cost of the batch, with all
# images in the range of the fakes. See
# [GradientTape](https://www.tensorflow.org/api_docs/python/tf/GradientTape).


# %% task="discriminator_step"
def discriminator_step(pixels, fakes, weights, rate):
    """Return the discriminator's weights after one step: (pixels,)."""
    ### BEGIN SOLUTION
    weights = tf.Variable(weights)
    images = tf.concat([pixels / 255, fakes], axis=0)
    labels = tf.repeat([1.0, 0.0], len(fakes))
    with tf.GradientTape() as tape:
        logits = tf.linalg.matvec(images, weights)
        costs = tf.nn.sigmoid_cross_entropy_with_logits(labels, logits)
        loss = tf.reduce_mean(costs)
    return weights - rate * tape.gradient(loss, weights)
    ### END SOLUTION


# %% check="discriminator_step"
check(discriminator_step)

# %% [markdown]
# ## Task 5: the generator's step
#
# The generator of this task has one layer, with the given weights:


# %%
def one_layer(kernel):
    """Return a generator that computes sigmoid(noise @ kernel)."""
    noise = keras.Input((len(kernel),))
    layer = layers.Dense(kernel.shape[1], "sigmoid", use_bias=False)
    generator = keras.Model(noise, layer(noise))
    generator.set_weights([kernel])
    return generator


# %% [markdown]
# The discriminator is as in task 4; its weights are a NumPy array. This step
# should move the generator and leave the discriminator as it is:
#
# ```python
# def generator_step(noise, kernel, discriminator, rate):
#     generator = one_layer(kernel)
#     weights = [generator.trainable_weights[0], discriminator]
#     with tf.GradientTape() as tape:
#         tape.watch(discriminator)
#         fakes = generator.predict(noise, verbose=0)
#         logits = tf.linalg.matvec(fakes, discriminator)
#         loss = tf.reduce_mean(tf.nn.softplus(-logits))
#     moves = tape.gradient(loss, weights)
#     return [w - rate * move for w, move in zip(weights, moves)]
# ```
#
# It stops at `tape.watch`: a tape can watch tensors, not arrays. (The weights
# of Keras's layers it watches by itself.) Then it stops because the
# generator's gradient is `None`: `predict` returns an array, and no gradient
# passes through an array. It is slow, too: made for one large array, it sets
# up a data pipeline at every call, at every step of the training. And if all
# this worked, the discriminator would learn along, to call fakes real: the
# loss falls quickly, and the images stay bad.
#
# Keep the loss. In some programs it compares the fakes' *pixels* with ones,
# `binary_crossentropy(ones_like(fakes), fakes)`, and the generator learns to
# paint everything white. Return the weights of both after the step, the
# discriminator's unchanged. See [the FAQ on predict and
# call](https://keras.io/getting_started/faq/).


# %% task="generator_step"
def generator_step(noise, kernel, discriminator, rate):
    """Return [kernel, discriminator] after the generator's step."""
    ### BEGIN SOLUTION
    generator = one_layer(kernel)
    weights = generator.trainable_weights[0]
    with tf.GradientTape() as tape:
        logits = tf.linalg.matvec(generator(noise), discriminator)
        loss = tf.reduce_mean(tf.nn.softplus(-logits))
    return [weights - rate * tape.gradient(loss, weights), discriminator]
    ### END SOLUTION


# %% check="generator_step"
check(generator_step)

# %% [markdown]
# ## Task 6: the rest of the script
#
# What stands around the training: how long it runs, what it prints, where the
# model goes.
#
# ```python
# def rest_of_script(losses, updates, images, batch_size):
#     epochs = updates
#     line = f"loss {losses:.4f}"
#     return [epochs, line, "generator.h5"]
# ```
#
# `losses` is the list of the last epoch's losses, and a list cannot be written
# with `.4f`: print its mean. `updates` is how many *updates* a published
# recipe makes, often 10,000. As 10,000 *epochs* of 55,000 images it would take
# about a week with the lesson's GAN on two cores. An epoch holds `images //
# batch_size` updates, and a part of an epoch counts as a whole one. And `.h5`
# is the old file format, which Keras keeps for old files only: the new one
# ends in `.keras`. See [saving
# models](https://keras.io/guides/serialization_and_saving/).


# %% task="rest_of_script"
def rest_of_script(losses, updates, images, batch_size):
    """Return [epochs, line to print, name of the file]."""
    ### BEGIN SOLUTION
    epochs = -(-updates // (images // batch_size))
    line = f"loss {sum(losses) / len(losses):.4f}"
    return [epochs, line, "generator.keras"]
    ### END SOLUTION


# %% check="rest_of_script"
check(rest_of_script)

# %% [markdown]
# ## Train with your parts
#
# A small GAN with your losses, your generator and your discriminator. To save
# time, both take their turns with the same fakes; one tape records both
# losses, and each is differentiated with respect to its own weights.

# %%
from digitdreams import data

noise_size, batch_size = 32, 32
random = keras.random.SeedGenerator(seed)


def both_losses(generator, discriminator, real):
    noise = keras.random.normal((batch_size, noise_size), seed=random)
    fake = generator(noise, training=True)
    return gan_losses(discriminator(real), discriminator(fake))


# %%
from digitdreams.progress import track


def train():
    networks = build_generator(noise_size, 16), build_discriminator(16)
    # Some models have no weights before their first call.
    networks[1](networks[0](ops.zeros((1, noise_size))))
    weights = [network.trainable_weights for network in networks]
    adams = [keras.optimizers.Adam(3e-3, beta_1=0.5) for _ in networks]
    for adam, own in zip(adams, weights, strict=True):
        adam.build(own)

    @tf.function
    def step(real):
        with tf.GradientTape(persistent=True) as tape:
            judged, made = both_losses(*networks, real)
        adams[0].apply(tape.gradient(made, weights[0]), weights[0])
        adams[1].apply(tape.gradient(judged, weights[1]), weights[1])
        return judged, made

    batches = data.batches(data.load().train.images, batch_size, seed)
    steps = track(batches.take(1200), "GAN", total=1200)
    for real in steps:
        judged, made = step(real)
        steps.report(discriminator=judged, generator=made)
    return networks[0]


# %% [markdown]
# The number to reach is the *MNIST score* of lesson 0's judge, from 1 to 10:
# are its verdicts sure and varied? Real digits reach 9.8.

# %%
from digitdreams import judge, metrics


def draw(generator, count):
    noise = keras.random.normal((count, noise_size), seed=seed)
    return generator.predict(noise, batch_size=500, verbose=0)


# %% check="training" points=4
generator = train()
verdicts = judge.probabilities(draw(generator, 2000))
course.expect(mnist_score=metrics.inception_score(verdicts))

# %% [markdown]
# And what it draws. `gan_losses` at logits of 0 should be $2 \log 2$ and $\log
# 2$.

# %%
from digitdreams import plots

print(*(f"{loss:.3f}" for loss in gan_losses(ops.zeros(4), ops.zeros(4))))
plots.grid(draw(generator, 30))
