# %% [markdown]
# # 5. Generative adversarial network
#
# A VAE draws soft digits, because it answers for every pixel on its own. A
# *generative adversarial network* (GAN) answers for whole images, to an
# opponent that learns along. Two networks play against each other: the
# *generator* makes images out of noise, the *discriminator* learns to tell
# them from real ones, and the generator learns from being found out. There is
# no likelihood, no label of a digit and no comparison with any single image.
#
# You will build a small dense GAN, which takes seconds, and then a
# convolutional one. Together they take about two and a half minutes on two CPU
# cores; the first cell prints the numbers to reach.

# %%
from digitdreams import course

seed = course.start("05")

# %% [markdown]
# ## What comes out
#
# No digit below was written by hand. A row is a walk through the space of
# noise, from left to right: digits turn into each other, and most stops on the
# way are digits, too. (Three walks, picked because they meet many digits.)
#
# ![Three walks through the generator's noise](../images/noise_walk.png)
#
# For comparison, real digits:

# %%
from digitdreams import data, plots

digits = data.load()
plots.grid(digits.train.images[:20], title="Twenty of 55,000 real digits")

# %% [markdown]
# ## A game for two
#
# The generator $G$ turns noise $z$, drawn from $N(0, I)$, into an image
# $G(z)$. The discriminator $D$ turns an image $x$ into a probability $D(x)$
# that it is real: the more real it looks, the *higher*. Both care about one
# number, the *value* of the game (Goodfellow and others, 2014):
#
# $$V(D, G) = E_x[\log D(x)] + E_z[\log(1 - D(G(z)))]$$
#
# $E_x$ is the average over real images, $E_z$ that over noise. The
# discriminator makes $V$ large, the generator makes it small: a *minimax*
# game. The discriminator's loss is $-V$. Suppose that it gives a real image
# 0.8 and a generated one 0.3:

# %%
import numpy as np

-np.log(0.8), -np.log(1 - 0.3), -np.log(0.8) - np.log(1 - 0.3)

# %% [markdown]
# These are *natural* logarithms, so the loss is in nats. With base 2 the first
# number would be 0.322, in bits. Two logarithms, one for each kind of image:
# the logarithm of the sum $D(x) + D(G(z))$, which is in circulation, too,
# would reward a discriminator for taking fakes for real, and at 1 and 0.8 it
# is $-\log 1.8 = -0.588$: no probability has a negative loss.

# %% [markdown]
# ## What the optimum means
#
# Let $p(x)$ be how probable an image is among real ones, and $q(x)$ among
# generated ones. For a fixed generator the best discriminator is
#
# $$D^*(x) = \frac{p(x)}{p(x) + q(x)}.$$
#
# An image that is three times as frequent among real ones gets 0.75. If the
# generator is perfect, $q = p$, then $D^* = \frac12$ everywhere, and the loss
# is $-2 \log \frac12 = 2 \log 2 = 1.386$ nats. Remember this number. In
# general, with the best discriminator, $V = -2 \log 2 + 2\,\mathrm{JS}(p, q)$.
# JS is the *Jensen-Shannon divergence*, the mean of KL$(p\|m)$ and KL$(q\|m)$
# with the mixture $m = (p + q) / 2$. It is 0 if $p = q$ and $\log 2$ if they
# share nothing. So the generator, by making $V$ small, brings $q$ to $p$.
#
# A world with three images; the generator draws the first far too seldom:

# %%
p, q = np.array([0.5, 0.3, 0.2]), np.array([0.1, 0.5, 0.4])
best = p / (p + q)
value = np.sum(p * np.log(best)) + np.sum(q * np.log(1 - best))
best, value

# %%
from scipy.spatial.distance import jensenshannon

-2 * np.log(2) + 2 * jensenshannon(p, q) ** 2

# %% [markdown]
# The same number by both ways. (SciPy returns the root of the divergence,
# hence the square.) The loss of this discriminator is below 1.386: it can
# still tell something.

# %% [markdown]
# ## Losses from logits
#
# The discriminator will return *logits* $a$ with $D = 1 / (1 + e^{-a})$. Then
# $-\log D$ is $\log(1 + e^{-a})$ and $-\log(1 - D)$ is $\log(1 + e^a)$. The
# function $\log(1 + e^a)$ is called *softplus*, and Keras computes it without
# overflow.

# %%
from keras import ops


def discriminator_loss(real_logits, fake_logits):
    """Return -V in nats: one number."""
    real = ops.mean(ops.softplus(-real_logits))
    return real + ops.mean(ops.softplus(fake_logits))


# %% [markdown]
# A cheap check: logits of 0 mean 0.5 for everything.

# %%
float(discriminator_loss(ops.zeros(8), ops.zeros(8)))

# %% [markdown]
# ## A loss that pulls when it is needed
#
# The game's rule for the generator is to make $\log(1 - D(G(z)))$ small. At
# the start the discriminator sees through everything, $D(G(z))$ is near 0, and
# there this curve is flat: its slope with respect to the logit is $-D$. The
# *non-saturating* loss $-\log D(G(z))$ wants the same and has the slope $-(1 -
# D)$. For three values of $D$, both slopes:

# %%
import tensorflow as tf

logits = tf.Variable([-4.595, 0.0, 4.595])  # D is 0.01, 0.5 and 0.99
with tf.GradientTape(persistent=True) as tape:
    losses = -ops.softplus(logits), ops.softplus(-logits)
np.round([tape.gradient(loss, logits) for loss in losses], 2)

# %% [markdown]
# For an image that is found out with 99 % certainty, the second loss pulls 99
# times as hard. In other words: the generator is trained with the label
# *real*.


# %%
def generator_loss(fake_logits):
    """Return -log D(G(z)) in nats: one number."""
    return ops.mean(ops.softplus(-fake_logits))


# %% [markdown]
# ## Recipe
#
# The choices of the game stand here; those of the optimiser are in `adam`,
# below. GANs are choosy; each line has a reason, and lesson 6 shows what
# happens without some of them. The learning rates are several times Adam's
# usual 1e-3, because there are few steps, and the generator's is the higher
# one: on validation images that did better than the other way round, which
# lesson 6 will need. `average_decay` and the `penalty` are explained below.

# %%
noise_size, batch_size = 32, 32
dense_rounds, rounds = 120, 300  # of `penalty_every` steps each
rates = 6e-3, 4e-3  # of the generator, of the discriminator
average_decay = 0.995
penalty, penalty_every = 0.005, 8

# %% [markdown]
# ## A first, dense GAN
#
# The plainest pair: 32 noise numbers to 784 pixels, 784 pixels to one logit.
# The last layer of the generator is a sigmoid, because real pixels lie between
# 0 and 1: were the two ranges different, the discriminator would look at
# nothing else. `leaky_relu` is a ReLU that lets a little through below 0, so
# that no unit dies.

# %%
import keras
from keras import layers

noise, images = keras.Input((noise_size,)), keras.Input((28, 28, 1))
x = layers.Dense(256, activation="leaky_relu")(noise)
x = layers.Dense(28 * 28, activation="sigmoid")(x)
dense_generator = keras.Model(noise, layers.Reshape((28, 28, 1))(x))
x = layers.Dense(256, activation="leaky_relu")(layers.Flatten()(images))
dense_discriminator = keras.Model(images, layers.Dense(1)(x))

# %% [markdown]
# A GAN holds the two networks, an optimiser for *each*, and a third network:
# the `average`. It is a generator whose weights are the mean of the trained
# generator's over the last few hundred steps (an *exponential moving average*,
# EMA). The two players circle around each other, and the average sits near the
# centre of the circle. It is the one whose images we use.
#
# `adam` of our package makes Keras's optimiser Adam as this game needs it.
# Adam usually averages gradients of the past (*momentum*, `beta_1`); the
# opponent of the past is gone, so here it does not. `beta_2` is 0.99, as in
# lesson 3. And the learning rate falls to 0 along a cosine, so that the game
# comes to rest.

# %%
from digitdreams.models import adam


class GAN:
    def __init__(self, generator, discriminator, rounds):
        self.generator, self.discriminator = generator, discriminator
        steps = rounds * penalty_every
        self.generator_adam = adam(generator, rates[0], steps)
        self.discriminator_adam = adam(discriminator, rates[1], steps)
        self.average = keras.models.clone_model(generator)
        self.average.set_weights(generator.get_weights())
        self.random = keras.random.SeedGenerator(seed)

    def fakes(self):
        noise = keras.random.normal((batch_size, noise_size), seed=self.random)
        return self.generator(noise, training=True)


# %% [markdown]
# ## The discriminator's turn
#
# Generate a batch, judge it and a batch of real images, take the gradient of
# the loss with respect to the *discriminator's* weights. The fakes are made
# outside the tape: to this step they are just images.
#
# The penalty is a safety rope. It is the squared slope of the logit at real
# images (*R1*, Mescheder and others, 2018) and keeps the discriminator from
# becoming a cliff. Slopes of slopes are expensive, so it is paid in one step
# of eight only, eight times over. (The paper writes $\gamma / 2$ for our
# `penalty`.)


# %%
def squared_slope(discriminator, images):
    """Return the mean squared length of d logit / d image: one number."""
    with tf.GradientTape() as tape:
        tape.watch(images)
        logits = discriminator(images)
    slopes = tape.gradient(logits, images)
    return ops.mean(ops.sum(ops.square(slopes), axis=(1, 2, 3)))


# %%
def discriminator_step(gan, real, penalised=False):
    fake = gan.fakes()
    with tf.GradientTape() as tape:
        judged = gan.discriminator(real), gan.discriminator(fake)
        loss = price = discriminator_loss(*judged)
        if penalised:
            slope = squared_slope(gan.discriminator, real)
            price = loss + penalty_every * penalty * slope
    weights = gan.discriminator.trainable_weights
    gan.discriminator_adam.apply(tape.gradient(price, weights), weights)
    return loss


# %% [markdown]
# ## The generator's turn
#
# Now the fakes are made *inside* the tape: the gradient runs from the logit
# back through the discriminator into the image and on into the generator. It
# passes through the discriminator but is asked for, and applied to, the
# *generator's* weights only. That is all there is to "freezing" the
# discriminator. Older programs set `discriminator.trainable = False`, which a
# compiled model notices only at `compile`, and which misleads as often as it
# helps.


# %%
def generator_step(gan):
    with tf.GradientTape() as tape:
        loss = generator_loss(gan.discriminator(gan.fakes()))
    weights = gan.generator.trainable_weights
    gan.generator_adam.apply(tape.gradient(loss, weights), weights)
    pairs = zip(gan.average.weights, gan.generator.weights, strict=True)
    for mean, new in pairs:
        mean.assign(average_decay * mean + (1 - average_decay) * new)
    return loss


# %% [markdown]
# A cheap check of both turns. Untrained logits are small but not 0, so the
# discriminator's loss should start somewhere around 1.386. Then the generator
# takes its turn: are the discriminator's weights the same before and after,
# all of them?

# %%
dense = GAN(dense_generator, dense_discriminator, dense_rounds)
float(discriminator_step(dense, digits.train.images[:batch_size]))

# %%
before = dense.discriminator.get_weights()
generator_step(dense)
after = dense.discriminator.get_weights()
all(np.array_equal(*pair) for pair in zip(before, after, strict=True))

# %% [markdown]
# ## Alternating
#
# A training step is a turn of each. `tf.function` compiles the loop into a
# graph; in plain Python most of the time would go into the way between
# TensorFlow and Python. The first of eight steps carries the penalty.


# %%
def both_turns(gan, real, penalised):
    discriminator = discriminator_step(gan, real, penalised)
    return tf.stack([discriminator, generator_step(gan)])


@tf.function
def train_rounds(gan, batches, count):
    total = tf.zeros(2)
    for _ in tf.range(count):
        total += both_turns(gan, next(batches), penalised=True)
        for _ in tf.range(penalty_every - 1):
            total += both_turns(gan, next(batches), penalised=False)
    return total / tf.cast(count * penalty_every, "float32")


# %% [markdown]
# Around it, what a training needs to be watched: the mean losses of every
# part of the steps, and what the average generator makes of ten noise vectors
# that stay the same. `track` shows how many parts are done.

# %%
from digitdreams.progress import track

same_noise = keras.random.normal((10, noise_size), seed=seed)


def train(gan, rounds, title):
    batches = data.batches(digits.train.images, batch_size, seed)
    batches = iter(batches.repeat())
    history, frames = [], []
    parts = track(range(20), title, unit="parts")
    for _ in parts:
        losses = train_rounds(gan, batches, tf.constant(rounds // 20))
        history.append(losses.numpy())
        frames.append(gan.average(same_noise).numpy())
        parts.report(discriminator=losses[0], generator=losses[1])
    judged, made = np.transpose(history)
    return {"discriminator": judged, "generator": made}, np.array(frames)


# %%
history, frames = train(dense, dense_rounds, "dense GAN")
knowing_nothing = {"bar": 1.386, "bar_name": "2 log 2 ="}
plots.curve(history, "loss in nats", xlabel="part", **knowing_nothing)

# %% [markdown]
# At the dashed line, 1.386, the discriminator could no longer tell. (The
# generator's loss would be $\log 2 = 0.693$ there.) The discriminator's loss
# comes near and then falls away: it still learns, and this generator cannot
# follow. Below, the same ten noise vectors during training:

# %%
plots.panel({f"part {i + 1}": frames[i] for i in (0, 4, 9, 19)})

# %% [markdown]
# It works, and shows its weakness: ragged strokes and stray white pixels. A
# dense layer does not know which pixels are neighbours, so each pixel has to
# learn by itself when to be black.

# %% [markdown]
# ## DCGAN
#
# A *deep convolutional* GAN (Radford and others, 2015) knows neighbours. Ours
# keeps the paper's idea and adds a dense layer to each network. The generator
# plans with a dense layer, draws a small map with many channels and doubles
# its side twice, 7, 14, 28. A *transposed convolution* does that: with stride
# 2 each number of the map paints a patch of 4 x 4 numbers, and neighbouring
# patches overlap by half. *Batch normalisation* brings each channel of a batch
# to mean 0 and variance 1, which keeps the signal alive on its way up.


# %%
def normalised(x):
    return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))


def build_generator():
    double = {"kernel_size": 4, "strides": 2, "padding": "same"}
    noise = keras.Input((noise_size,))
    x = normalised(layers.Dense(256, use_bias=False)(noise))
    x = normalised(layers.Dense(7 * 7 * 64, use_bias=False)(x))
    x = layers.Reshape((7, 7, 64))(x)
    x = layers.Conv2DTranspose(32, use_bias=False, **double)(x)
    x = layers.Conv2DTranspose(1, **double)(normalised(x))
    return keras.Model(noise, layers.Activation("sigmoid")(x))


# %% [markdown]
# The discriminator goes the other way, with convolutions that step two pixels
# at a time. They see strokes; the dense layer behind them sees the whole
# digit. Without it the samples have fine strokes in no order. No batch
# normalisation here, although the paper has it: it would let the images of a
# batch whisper to each other, and the slope of the penalty would no longer be
# that of one image.


# %%
def build_discriminator():
    images = keras.Input((28, 28, 1))
    x = images
    for channels in (32, 64):
        x = layers.Conv2D(channels, 4, strides=2, padding="same")(x)
        x = layers.LeakyReLU(0.2)(x)
    x = layers.Dense(128)(layers.Flatten()(x))
    return keras.Model(images, layers.Dense(1)(layers.LeakyReLU(0.2)(x)))


# %% [markdown]
# Cheap checks: the shape of the images, the generator's first loss (near
# 0.693), and whether its gradient reaches every weight.

# %%
gan = GAN(build_generator(), build_discriminator(), rounds)
with tf.GradientTape() as tape:
    fake = gan.fakes()
    loss = generator_loss(gan.discriminator(fake))
gradients = tape.gradient(loss, gan.generator.trainable_weights)
fake.shape, float(loss), all(np.any(g) for g in gradients)

# %% [markdown]
# ## Training

# %%
history, frames = train(gan, rounds, "DCGAN")
plots.curve(history, "loss in nats", xlabel="part", **knowing_nothing)

# %% [markdown]
# Read these curves with care. They are not errors but the score of a match: a
# level line means that neither gains on the other, whether both get better or
# none does. In the second half, with smaller steps, the discriminator gains,
# and the generator's loss *rises*. Did the generator get worse? Only images
# tell:

# %%
plots.panel({f"part {i + 1}": frames[i] for i in (0, 2, 5, 9, 19)})

# %% [markdown]
# ## Save and load
#
# Only the average generator is needed from now on. `models.save` tries it out
# and calls its `save` with a name that ends in `.keras`. This format holds the
# layers, their settings and the weights in one file; the older `.h5` is
# legacy. `clone_model`, `save` and `load_model` all rebuild a network from its
# settings, which is why it is built of standard layers. Lesson 8 loads this
# file for its table of all models.

# %%
from digitdreams import models

generator = keras.models.load_model(models.save(gan.average, "05"))
float(ops.max(ops.abs(generator(same_noise) - gan.average(same_noise))))

# %% [markdown]
# A difference of 0: the loaded network is the saved one. From here on we use
# it.

# %%
noise = keras.random.normal((5000, noise_size), seed=seed + 1)
samples = generator.predict(noise, batch_size=500, verbose=0)
plots.grid(samples[:50])

# %% [markdown]
# What does the discriminator say now? In theory 0.5 to everything. In
# practice, the mean of $D$ over real validation images, which it has never
# seen, and over fakes of the average generator:

# %%
shown = digits.validation.images[:1000], samples[:1000]
[float(ops.mean(ops.sigmoid(gan.discriminator(x)))) for x in shown]

# %% [markdown]
# ## A walk through the noise
#
# Take two noise vectors $a$ and $b$ and go around in the circle $\cos t \cdot
# a + \sin t \cdot b$. For each angle $t$ this is again a draw from $N(0, I)$,
# because $\cos^2 t + \sin^2 t = 1$, so the generator meets nothing unusual on
# its way. Eight walks side by side:

# %%
a, b = keras.random.normal((2, 8, noise_size), seed=seed).numpy()
angles = np.linspace(0, 2 * np.pi, 48, endpoint=False)[:, None, None]
path = np.cos(angles) * a + np.sin(angles) * b
walk = generator.predict(path.reshape(-1, noise_size), verbose=0)
walk = walk.reshape(48, 8, 28, 28).transpose(0, 2, 1, 3)
plots.animation(walk.reshape(48, 28, 8 * 28), seconds=6)

# %% [markdown]
# The walk has no jumps, although no two of these images were ever compared in
# training: a smooth network can only change smoothly. Where one digit becomes
# another it must pass through shapes that are neither. These in-between shapes
# are the price of one space of noise without gaps for ten kinds of digits.

# %% [markdown]
# ## Measuring
#
# No likelihood can be computed for a GAN, so samples are all we have. The
# judge of lesson 0 reports on 5,000 of them; nothing in this notebook was
# chosen by it.

# %%
from digitdreams import judge, metrics

report = judge.report(samples)
report

# %% [markdown]
# Compare with the VAE at the end of lesson 3: strokes are sharp now. Does the
# generator draw all digits? It was never told that there are ten. Only at the
# optimum, $q = p$, would each have its fair share; on the way there nothing
# counts them. The shares, 0 to 9:

# %%
verdicts = judge.probabilities(samples)
shares = metrics.class_shares(verdicts)
shares.round(3)

# %% [markdown]
# The thirty samples about which the judge is least sure, a small gallery of
# failures: mostly the in-between shapes of the walk.

# %%
doubtful = np.argsort(verdicts.max(axis=1))[:30]
plots.grid(samples[doubtful])

# %%
course.expect(
    mnist_score=report.score,
    smallest_share=shares.min(),
    fid_over_floor=report.fid / report.fid_floor,
)

# %% [markdown]
# ## What to remember
#
# 1. The discriminator's loss is $-\log D(x) - \log(1 - D(G(z)))$; $2 \log 2 =
#    1.386$ means that it can no longer tell.
# 2. The generator is trained with the label *real*: the gradient passes
#    through the discriminator and moves the generator only.
# 3. The losses are the score of a match, not a measure of quality: look at
#    samples, and measure them.
#
# ## Asked in interviews
#
# - *What is the best possible discriminator?* $p / (p + q)$; for a perfect
#   generator 0.5 everywhere, with a loss of $2 \log 2 = 1.386$ nats.
# - *Why not minimise $\log(1 - D(G(z)))$?* Where the discriminator is sure, at
#   $D = 0.01$, its slope is 0.01; that of $-\log D(G(z))$ is 0.99.
# - *How do you keep the discriminator fixed while the generator learns?* Take
#   and apply the gradient for the generator's weights only.
# - *The loss of the discriminator goes to 0. Is that good?* No: it wins
#   everything. With $\log(1 - D)$ the generator then gets hardly any gradient;
#   with $-\log D$ it gets one, but from a judgement that no longer tells good
#   fakes from bad ones.
# - *Why is $-\log(D(x) + D(G(z)))$ no loss?* It falls when fakes are taken for
#   real, and at 1 and 0.8 it is $-\log 1.8 = -0.588$, below 0. The right loss
#   is $-\log 1 - \log 0.2 = 1.609$ there.
# - *$D$ gives a real image 0.8. What does it cost?* $-\log 0.8 = 0.223$ nats
#   (0.322 bits).
#
# ## To read
#
# - Goodfellow and others, [Generative adversarial
#   networks](https://arxiv.org/abs/1406.2661), 2014: the game and its optimum.
# - Radford, Metz and Chintala, [Unsupervised representation learning with
#   DCGANs](https://arxiv.org/abs/1511.06434), 2015: the architecture.
# - Mescheder, Geiger and Nowozin, [Which training methods for GANs do actually
#   converge?](https://arxiv.org/abs/1801.04406), 2018: R1.
# - Yazici and others, [The unusual effectiveness of averaging in GAN
#   training](https://arxiv.org/abs/1806.04498), 2019: the average generator.
#
# ## Next
#
# In [exercise 5](../exercises/05_gan/05_gan.ipynb) you repair the GAN programs
# that are in circulation. [Lesson 6](06_gan_failure.ipynb) breaks GANs on
# purpose, in three ways in which they also break by themselves.
