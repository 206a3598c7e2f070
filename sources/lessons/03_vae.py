# %% [markdown]
# # 3. Variational autoencoder
#
# The autoencoder of lesson 2 compresses digits but cannot invent them: numbers
# drawn at random land where its decoder was never trained. A *variational
# autoencoder* (VAE) closes most of these gaps. It also says, in a unit with a
# meaning, how well it describes the data.
#
# You will build two. One has 2 latent numbers, so that all it knows fits on
# one page. One has 16 and describes digits far better. Both together take
# about two minutes on two CPU cores; the first cell prints the numbers to
# reach.

# %%
from digitdreams import course

seed = course.start("03")

# %% [markdown]
# ## What comes out
#
# No digit below was written by hand. The first model invents all of them, from
# two numbers each; neighbours on the page have nearly equal numbers.
#
# ![A page of invented digits](../images/latent_map.png)
#
# For comparison, real digits:

# %%
from digitdreams import data, plots

digits = data.load()
plots.grid(digits.train.images[:20], title="Twenty of 55,000 real digits")

# %% [markdown]
# ## A story of how digits arise
#
# Suppose that each image $x$ was made in three steps:
#
# 1. Draw latent numbers $z$ from the *prior* $p(z) = N(0, I)$: each number is
#    normally distributed with mean 0 and variance 1, independent of the
#    others.
# 2. A *decoder* turns $z$ into 784 probabilities, one for each pixel.
# 3. Each pixel becomes white with its probability. This gives $p(x|z)$, the
#    probability of the image $x$ for given $z$.
#
# If the decoder is good, real images are probable under this story. So we
# would like to make the *evidence* $p(x) = \int p(x|z)\,p(z)\,dz$ large. The
# integral says: average $p(x|z)$ over all $z$ that the prior may draw. It has
# no formula, and trying random $z$ is hopeless, because almost none of them
# fits a given $x$.

# %% [markdown]
# ## The lower bound
#
# The way out is a second network. The *encoder* looks at $x$ and proposes
# where to search: a normal distribution $q(z|x)$, narrow, around latent
# numbers that may have produced $x$. Multiply and divide by it under the
# integral, and the evidence becomes an average over $q$, written $E_q$:
#
# $$\log p(x) = \log E_q\left[\frac{p(x|z)\,p(z)}{q(z|x)}\right]
# \ge E_q\left[\log \frac{p(x|z)\,p(z)}{q(z|x)}\right]
# = E_q[\log p(x|z)] - \mathrm{KL}(q(z|x)\,\|\,p(z))$$
#
# The step with $\ge$ is *Jensen's inequality*: the logarithm of an average is
# at least the average of the logarithms, because its curve bends downwards.

# %%
import numpy as np

values = np.array([1.0, 9.0])
np.log(values.mean()), np.log(values).mean()

# %% [markdown]
# The right-hand side is the *evidence lower bound*, short *ELBO*. We train
# both networks to minimise its negative, a sum of two costs for each image:
#
# - **reconstruction** $-E_q[\log p(x|z)]$: how surprising the image is to the
#   decoder;
# - **KL** (Kullback-Leibler divergence) $E_q[\log q(z|x) - \log p(z)]$: how
#   far the proposal is from the prior. It is never below 0.
#
# With natural logarithms both are in *nats* (1 nat is 1.44 bits). Read them as
# a price: KL nats to send the code, reconstruction nats to send what the code
# leaves open. The bound is exact when $q(z|x)$ equals the true $p(z|x)$.

# %% [markdown]
# ## The KL divergence by hand
#
# Take one latent number with prior $N(0, 1)$ and proposal $N(\mu, \sigma^2)$.
# Then $\log q - \log p = \frac12\left[z^2 - (z-\mu)^2/\sigma^2 - \log
# \sigma^2\right]$. On average over $q$, $(z-\mu)^2$ is $\sigma^2$ and $z^2$ is
# $\mu^2 + \sigma^2$, so that
#
# $$\mathrm{KL} = \tfrac12\left(\mu^2 + \sigma^2 - 1 - \log \sigma^2\right).$$
#
# For $\mu = 1$ and $\sigma^2 = 0.25$: $\log 0.25 = -1.386$, and $\frac12(1 +
# 0.25 - 1 + 1.386) = 0.818$ nats. For $\mu = 0$ and $\sigma^2 = 1$ it is 0:
# the proposal equals the prior and says nothing about the image.

# %%
from keras import ops


def kl_divergence(mean, log_variance):
    """Return the KL to N(0, 1) in nats: (batch, latent numbers)."""
    variance = ops.exp(log_variance)
    return 0.5 * (ops.square(mean) + variance - 1 - log_variance)


float(kl_divergence(1.0, ops.log(0.25)))

# %% [markdown]
# The network gives the *logarithm* of the variance, because a variance must be
# positive and a logarithm may be any number. Independent latent numbers add
# up: the KL of an image is the sum over its latent numbers. Four examples,
# $N(0, 1)$, $N(0, 0.01)$, $N(1, 0.25)$ and $N(2, 0.01)$:

# %%
means = ops.convert_to_tensor([0.0, 0.0, 1.0, 2.0])
variances = ops.convert_to_tensor([1.0, 0.01, 0.25, 0.01])
kl_divergence(means, ops.log(variances)).numpy().round(2)

# %% [markdown]
# A mean far from 0 has its price, and so has precision: a variance of 0.01
# alone is 1.81 nats. The encoder pays only where the decoder gains more.

# %% [markdown]
# ## The reconstruction cost
#
# For a pixel with value $x$ and probability $p$ the cost is $-x \log p - (1-x)
# \log(1-p)$, the binary cross-entropy. A grey level $x$ between 0 and 1 counts
# as a pixel that is white with probability $x$. An image costs the *sum* over
# its 784 pixels. The decoder returns *logits*, the numbers before the sigmoid,
# because computing with them stays exact where $p$ is nearly 0 or 1.


# %%
def reconstruction_loss(images, logits):
    """Return -log p(image | z) in nats: (batch,)."""
    each = ops.binary_crossentropy(images, logits, from_logits=True)
    return ops.sum(each, axis=(1, 2, 3))


# %% [markdown]
# A cheap check: with logits of 0 every pixel has $p = 0.5$ and costs $\log 2$.
# The image must cost $784 \cdot \log 2 = 543.4$ nats.

# %%
some = digits.validation.images[:1000]
float(ops.mean(reconstruction_loss(some, ops.zeros_like(some))))

# %% [markdown]
# A decoder that ignores $z$ can do better than that: it predicts the mean
# image every time. About 206 nats, the mean over all digits (these thousand
# cost a little more), is the price of knowing nothing about an image except
# that it is a digit. Remember this number.

# %%
mean_image = digits.train.images.mean(axis=0).clip(0.001, 0.999)
mean_logits = np.log(mean_image / (1 - mean_image))
same_for_all = ops.zeros_like(some) + mean_logits
float(ops.mean(reconstruction_loss(some, same_for_all)))

# %% [markdown]
# ## A random number has no gradient
#
# Between encoder and decoder a number $z$ is drawn from $N(\mu, \sigma^2)$. A
# random generator hands back a number and nothing else. How $z$ would have
# moved with $\mu$ is not recorded, so training cannot reach the encoder:

# %%
import tensorflow as tf

mean, log_variance = tf.Variable(1.0), tf.Variable(np.log(0.25, dtype="f"))
with tf.GradientTape() as tape:
    deviation = ops.exp(0.5 * log_variance)
    draw = np.random.default_rng(0).normal(mean.numpy(), deviation.numpy())
    z = ops.convert_to_tensor(draw)
float(z), tape.gradient(z, [mean, log_variance])

# %% [markdown]
# The *reparameterisation trick* draws the noise apart: $\epsilon$ from $N(0,
# 1)$, which depends on no weight, then $z = \mu + \sigma \epsilon$ with
# $\sigma = \exp(\frac12 \log \sigma^2)$. The number is the same, but now it is
# an ordinary formula: $\partial z / \partial \mu = 1$ and $\partial z /
# \partial \log\sigma^2 = \frac12 \sigma \epsilon$.

# %%
noise = np.random.default_rng(0).normal()
with tf.GradientTape() as tape:
    z = mean + ops.exp(0.5 * log_variance) * noise
float(z), [float(g) for g in tape.gradient(z, [mean, log_variance])]

# %% [markdown]
# Now the same as a layer. It keeps a `SeedGenerator` of its own: with a plain
# integer as seed Keras would draw the same noise at every call.

# %%
import keras


class Sampling(keras.layers.Layer):
    """Draw z = mean + standard deviation * noise."""

    def __init__(self, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.random = keras.random.SeedGenerator(seed)

    def call(self, mean, log_variance):
        deviation = ops.exp(0.5 * log_variance)
        noise = keras.random.normal(ops.shape(mean), seed=self.random)
        return mean + deviation * noise


# %% [markdown]
# Of ten thousand draws from $N(1, 0.25)$: their mean, their standard deviation
# (it should be 0.5), and one of them.

# %%
sampling = Sampling(seed)
many = ops.ones((10_000, 1))
draws = sampling(many, many * ops.log(0.25))
float(ops.mean(draws)), float(ops.std(draws)), float(draws[0, 0])

# %% [markdown]
# ## Encoder and decoder
#
# Both are stacks of dense layers, because they are quick on a CPU. All choices
# stand in one place:

# %%
hidden_sizes = [512, 256]
batch_size = 128
learning_rate = 0.006

# %% [markdown]
# The encoder subtracts the mean image, then narrows down to a mean and a log
# variance for each latent number. `swish` is a smooth relative of ReLU.
# `softplus`, $\log(1 + e^a)$, is never negative, so minus a softplus keeps the
# variance below the prior's 1. Without that limit a single odd image can make
# $e^{\log \sigma^2}$ so large that it spoils the mean over 10,000.

# %%
from keras import layers


def build_encoder(latent_size):
    images = keras.Input((28, 28, 1))
    x = layers.Flatten()(layers.Rescaling(1.0, offset=-mean_image)(images))
    for size in hidden_sizes:
        x = layers.Dense(size, activation="swish")(x)
    mean = layers.Dense(latent_size, name="mean")(x)
    narrowness = layers.Dense(latent_size, activation="softplus")(x)
    return keras.Model(images, [mean, -narrowness], name="encoder")


# %% [markdown]
# The decoder goes the other way. The biases of its last layer start at the
# logits of the mean image, so that the loss starts near 207 nats, not at 543.


# %%
def build_decoder(latent_size):
    start = keras.initializers.Constant(mean_logits.ravel())
    decoder = keras.Sequential(name="decoder")
    decoder.add(keras.Input((latent_size,)))
    for size in reversed(hidden_sizes):
        decoder.add(layers.Dense(size, activation="swish"))
    decoder.add(layers.Dense(28 * 28, bias_initializer=start))
    decoder.add(layers.Reshape((28, 28, 1)))
    return decoder


# %% [markdown]
# ## The model
#
# `call` returns both costs. `train_step` adds them up and moves the weights of
# both networks. Two knobs, `beta` and `free_nats`, do nothing at their
# defaults; we turn them in the section on collapse.


# %%
class VAE(keras.Model):
    def __init__(self, latent_size, beta=1.0, free_nats=0.0):
        super().__init__()
        self.encoder = build_encoder(latent_size)
        self.sampling = Sampling(seed)
        self.decoder = build_decoder(latent_size)
        self.beta, self.free_nats = beta, free_nats
        names = ("reconstruction", "kl")
        self.averages = [keras.metrics.Mean(name) for name in names]

    def call(self, images):
        mean, log_variance = self.encoder(images)
        logits = self.decoder(self.sampling(mean, log_variance))
        reconstruction = reconstruction_loss(images, logits)
        return reconstruction, kl_divergence(mean, log_variance)

    def train_step(self, images):
        with tf.GradientTape() as tape:
            reconstruction, kl = self(images)
            price = ops.maximum(ops.mean(kl, axis=0), self.free_nats)
            loss = ops.mean(reconstruction) + self.beta * ops.sum(price)
        gradients = tape.gradient(loss, self.trainable_weights)
        self.optimizer.apply(gradients, self.trainable_weights)
        self.averages[0].update_state(reconstruction)
        self.averages[1].update_state(ops.sum(kl, axis=1))
        return {mean.name: mean.result() for mean in self.averages}


# %% [markdown]
# Before the expensive cell, cheap checks: the first loss is near 207 nats, the
# KL is not negative, and a gradient reaches every weight.

# %%
vae_2 = VAE(latent_size=2)
with tf.GradientTape() as tape:
    reconstruction, kl = vae_2(some)
    loss = ops.mean(reconstruction) + ops.mean(ops.sum(kl, axis=1))
gradients = tape.gradient(loss, vae_2.trainable_weights)
float(loss), float(ops.min(kl)), all(np.any(g) for g in gradients)

# %% [markdown]
# ## Training with 2 latent numbers
#
# The optimiser is Adam, with a learning rate that rises during the first tenth
# of the steps and then falls along a cosine. `jit_compile=True` compiles the
# step; that takes some seconds and pays from the second epoch on.
# `steps_per_execution` saves the way back to Python after each step.

# %%
from digitdreams.progress import Progress


def train(vae, images, epochs, title):
    batches = data.batches(images, batch_size, seed)
    steps = epochs * len(batches)
    rate = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0,
        warmup_target=learning_rate,
        warmup_steps=steps // 10,
        decay_steps=steps - steps // 10,
    )
    optimizer = keras.optimizers.Adam(rate, beta_2=0.99)
    vae.compile(optimizer, jit_compile=epochs > 1, steps_per_execution=20)
    options = {"verbose": 0, "shuffle": False, "callbacks": [Progress(title)]}
    return vae.fit(batches, epochs=epochs, **options).history


# %%
history_2 = train(vae_2, digits.train.images, epochs=7, title="2 numbers")
plots.curve(history_2, "nats per image")

# %% [markdown]
# The validation images, which no weight has seen, give the number that we may
# look at while we make choices:


# %%
def negative_elbo(vae, images):
    """Return the mean of reconstruction + KL in nats."""
    reconstruction, kl = vae(images)
    return float(ops.mean(reconstruction + ops.sum(kl, axis=1)))


negative_elbo(vae_2, digits.validation.images)

# %% [markdown]
# ## The latent map
#
# With two latent numbers the means of $q(z|x)$ are points on a page. No label
# was used in training, yet equal digits lie together: neighbours in the plane
# must share a decoder that can only change smoothly.

# %%
codes, log_variances = vae_2.encoder(digits.validation.images)
plots.latent_map(codes, digits.validation.labels, "Where digits live")

# %% [markdown]
# The points gather around 0, as the prior asks, with the digits side by side.
# Each point stands for a small cloud, the normal distribution $q(z|x)$. Its
# standard deviation along each axis, on average over the images:

# %%
np.exp(0.5 * log_variances).mean(axis=0)

# %% [markdown]
# Now the other direction: a grid of latent numbers, decoded in *one* call. The
# places are quantiles of $N(0, 1)$ (the values below which 3 %, ..., 97 % of
# all draws fall), so that every picture stands for an equal share of the
# prior.

# %%
from scipy.stats import norm

places = norm.ppf(np.linspace(0.03, 0.97, 16))
corners = np.array([(x, y) for y in places[::-1] for x in places], "float32")
plots.grid(ops.sigmoid(vae_2.decoder(corners)), columns=16)

# %% [markdown]
# ## Sixteen latent numbers
#
# Two numbers cannot hold slant, width, thickness and shape at once. With 16
# the code costs more nats and the reconstruction far fewer.

# %%
vae_16 = VAE(latent_size=16)
history_16 = train(vae_16, digits.train.images, epochs=7, title="16 numbers")
plots.curve(history_16, "nats per image")

# %%
negative_elbo(vae_16, digits.validation.images)

# %% [markdown]
# To make new digits, draw $z$ from the prior and decode. We show the pixels'
# probabilities, not black-and-white draws, hence the soft edges.


# %%
def generate(vae, count, latent_size):
    z = keras.random.normal((count, latent_size), seed=vae.sampling.random)
    return ops.sigmoid(vae.decoder(z)).numpy()


first, second = generate(vae_2, 12, 2), generate(vae_16, 12, 16)
real = digits.validation.images[:12]
plots.panel({"real": real, "2 numbers": first, "16 numbers": second})

# %% [markdown]
# More latent numbers give sharper strokes but also more blots that are no
# digit: in 16 dimensions the prior has room that no training image has
# claimed.

# %% [markdown]
# ## Interpolation
#
# Walk from one code to another and decode on the way. A straight line is the
# obvious path. But the length of a 16-number draw from the prior is about
# $\sqrt{16} = 4$ and seldom much less, and the middle of a straight line
# between two draws is nearer to 0, where the prior seldom goes. The lengths
# that 5, 50 and 95 % of draws and of middles stay below:

# %%
z = keras.random.normal((10_000, 16), seed=seed)
middle = (z[:5000] + z[5000:]) / 2
lengths = [np.linalg.norm(points, axis=1) for points in (z, middle)]
[np.percentile(length, (5, 50, 95)).round(1) for length in lengths]

# %% [markdown]
# *Spherical interpolation* (slerp) turns one vector into the other through the
# angle $\omega$ between them, and keeps a length that both share. With the
# codes $a$ and $b$ it is $z_t = \frac{\sin((1-t)\omega)}{\sin\omega} a +
# \frac{\sin(t\omega)}{\sin\omega} b$ for $t$ from 0 to 1.


# %%
def slerp(a, b, steps):
    cosine = a @ b / np.linalg.norm(a) / np.linalg.norm(b)
    angle, t = np.arccos(cosine), np.linspace(0, 1, steps)[:, None]
    return (np.sin((1 - t) * angle) * a + np.sin(t * angle) * b) / np.sin(
        angle
    )


# %%
means = vae_16.encoder(digits.validation.images[:2])[0].numpy()
t = np.linspace(0, 1, 10)[:, None]
paths = {"linear": means[0] + t * (means[1] - means[0])}
paths["slerp"] = slerp(*means, 10)
plots.panel({n: ops.sigmoid(vae_16.decoder(p)) for n, p in paths.items()})

# %% [markdown]
# The two rows hardly differ: this decoder forgives a detour near 0. The more
# latent numbers there are, the thinner, for its radius, is the shell in which
# draws lie, and the more it matters to stay in it.

# %% [markdown]
# ## Beta and posterior collapse
#
# Put a weight $\beta$ before the KL and you choose how expensive the code is
# (*beta-VAE*). Below 1, reconstructions get sharper and samples worse. Above
# 1, fewer latent numbers carry more orderly information. Far above 1 comes
# *posterior collapse*: the encoder answers $N(0, I)$ to every image, the KL is
# 0 and the decoder ignores $z$.
#
# It happens by accident, too: average over the 784 pixels, sum over the latent
# numbers, and you have chosen $\beta = 784$. A decoder so strong that it does
# not need $z$ collapses even at $\beta = 1$. Here it is caused on purpose,
# with $\beta = 30$. Three short trainings on 15,000 images:

# %%
short = {
    "beta 1": VAE(16),
    "beta 30": VAE(16, beta=30.0),
    "free nats": VAE(16, beta=30.0, free_nats=1.0),
}
for name, vae in short.items():
    train(vae, digits.train.images[:15_000], epochs=1, title=name)

# %% [markdown]
# The third one holds the cure named *free bits*: the first nat of each latent
# number costs nothing (the `ops.maximum` in `train_step`), so that nothing is
# gained by giving it up. The reconstruction costs, and the KL of the five
# busiest latent numbers:

# %%
for name, vae in short.items():
    reconstruction, kl = vae(some)
    busiest = np.sort(np.mean(kl, axis=0))[:-6:-1].round(2)
    print(f"{name:10} {np.mean(reconstruction):5.0f} nats, KL", busiest)

# %%
plots.panel({name: generate(vae, 12, 16) for name, vae in short.items()})

# %% [markdown]
# With $\beta = 30$ each KL is practically 0, the reconstruction costs the 206
# nats of the decoder that knows nothing, and all samples are nearly the same
# mean image. Free nats bring the code back at the same $\beta$. Two other
# cures: sum over the pixels, and *warm-up*, which raises $\beta$ from 0 during
# the first steps, so that the decoder learns to use $z$ before $z$ has a
# price. Warm-up does not help where, as here, the collapsed model has the
# lower loss in the end.

# %% [markdown]
# ## Measuring
#
# The test images come in only now, once for each model. $E_q$ is estimated
# with one draw of $z$ for each image; over 10,000 images the luck of the draws
# averages out.

# %%
from digitdreams import metrics

test = digits.test.images
negative_elbo_2 = negative_elbo(vae_2, test)
negative_elbo_16 = negative_elbo(vae_16, test)
negative_elbo_2, negative_elbo_16

# %% [markdown]
# How much of this could be saved? Even a decoder that predicts every grey
# level $x$ exactly pays $-x \log x - (1-x) \log(1-x)$ for it, the *entropy* of
# a pixel that is white with probability $x$. Only the excess over this floor
# says something about the model:

# %%
floor = metrics.entropy_floor(test)
floor, negative_elbo_2 - floor, negative_elbo_16 - floor

# %% [markdown]
# ## Losses that cannot be compared
#
# Tutorials and papers print numbers under the same name that mean different
# things. Here is *one* model, scored on grey levels; on binary images drawn
# with the grey level as probability (*dynamic binarisation*); and on binary
# images cut at one half. The code $z$ is the same in all three.

# %%
targets = {
    "grey levels": test,
    "drawn at random": data.binarise(test, seed),
    "cut at 0.5": (test > 0.5).astype("float32"),
}
mean, log_variance = vae_16.encoder(test)
logits = vae_16.decoder(vae_16.sampling(mean, log_variance))
kl = metrics.kl_to_standard_normal(mean, log_variance).mean()
for name, images in targets.items():
    nats = kl + metrics.reconstruction_nats(images, logits).mean()
    print(
        f"{name:16}{nats:6.1f} nats {nats / 784 / np.log(2):.3f} bits a pixel"
    )

# %% [markdown]
# The first two agree, because a cross-entropy is linear in $x$: drawing pixels
# changes it by chance only. Cutting removes the uncertain pixels, so the same
# model looks some 15 nats better, and its floor is 0 instead of 45.5. In bits,
# or per pixel, the number is another one again. So compare our loss only with
# others in nats per image, on grey levels or under dynamic binarisation.
# There, a larger VAE that was trained for hours reaches about 87, and a
# PixelCNN, which draws one pixel after the other, 81 (both from
# [pytorch-generative](https://github.com/EugenHotaj/pytorch-generative)).

# %% [markdown]
# ## What the judge says
#
# The ELBO measures how well real images are described, not how real the
# samples look: a model may describe every digit well and still decode much of
# the prior to blots. The judge of lesson 0 gives the second opinion. *MNIST
# score*: are its verdicts sure and varied? *FID*: how far are the samples'
# features from those of real images? *Precision*: the share of samples that
# look like a real image. *Recall*: the share of real images that look like a
# sample. The column on the right is what real images reach.

# %%
from digitdreams import judge

judge.report(generate(vae_16, 5000, 16))

# %% [markdown]
# The verdict agrees with the eye: all ten digits are there, but many samples
# are blurred or lie between two digits, so the score is well below that of
# real images and the FID dozens of times its floor. A good likelihood and good
# samples are different things. One answer is the *GAN*, the subject of lesson
# 5: a generator is trained against a network that learns to tell its images
# from real ones. Lesson 8 compares all these models, so we keep the decoder of
# this one, with the sigmoid that turns its logits into images. The contract:

# %%
from digitdreams import models

code = keras.Input((16,))
drawn = layers.Activation("sigmoid")(vae_16.decoder(code))
models.save(keras.Model(code, drawn), "03").name

# %%
course.expect(
    negative_elbo_2=negative_elbo_2, negative_elbo_16=negative_elbo_16
)

# %% [markdown]
# ## What to remember
#
# 1. The negative ELBO is a reconstruction cost plus a KL, both summed, both in
#    nats; it is an upper bound on $-\log p(x)$.
# 2. $z = \mu + \sigma\epsilon$ moves the randomness into an input, so that
#    gradients reach the encoder.
# 3. A KL of 0 means that the code is unused: watch it for each latent number,
#    and compare losses only under the same convention.
#
# ## Asked in interviews
#
# - *Why not simply train an autoencoder and sample its codes?* Nothing makes
#   its codes follow a distribution that we can draw from; the KL does.
# - *Why the reparameterisation trick?* A draw has no derivative with respect
#   to the mean and variance; written as mean + deviation times noise it has
#   one.
# - *Why are VAE samples blurry?* The decoder gives each pixel's probability
#   independently, so where $z$ leaves several strokes possible it shows their
#   average.
# - *The KL goes to 0. What do you do?* Check that pixels are summed, then
#   lower or warm up beta, use free bits, or weaken the decoder.
# - *Your loss is 75, the paper's is 87. Is yours better?* Not before you know
#   that both sum over pixels, in nats, on images binarised the same way.
#
# ## To read
#
# - Kingma and Welling, [Auto-encoding variational
#   Bayes](https://arxiv.org/abs/1312.6114), 2013: the VAE and the trick.
# - Bowman and others, [Generating sentences from a continuous
#   space](https://arxiv.org/abs/1511.06349), 2015: collapse and warm-up.
# - Kingma and others, [Improved variational inference with inverse
#   autoregressive flow](https://arxiv.org/abs/1606.04934), 2016: free bits.
# - Higgins and others, [beta-VAE](https://openreview.net/forum?id=Sy2fzU9gl),
#   2017.
# - Kingma and Welling, [An introduction to variational
#   autoencoders](https://arxiv.org/abs/1906.02691), 2019: the whole story.
#
# ## Next
#
# In [exercise 3](../exercises/03_vae/03_vae.ipynb) you write these parts
# yourself and repair a broken VAE. Before that, take the loss of a VAE from
# any tutorial and find out its convention. Then [lesson
# 4](04_conditional_vae.ipynb) lets you choose the digit.
