# %% [markdown]
# # Exercise 3: the parts of a variational autoencoder
#
# You write five functions for a VAE and repair a broken one; then the last
# cells train a VAE with your parts. `check` says whether a function is right,
# and often which mistake was made; `hint` helps, a little more each time.

# %%
from digitdreams import course
from digitdreams.checks import check, hint

seed = course.start("03", exercise=True)

# %% [markdown]
# A first hint, to see how it looks. The name is that of the function to write;
# call `hint` again and it tells more.

# %%
hint("reparameterise")

# %% [markdown]
# Use `keras.ops` in all tasks: it works like NumPy, and gradients pass through
# it.

# %%
import keras
from keras import layers, ops

# %% [markdown]
# ## Task 1: reparameterise
#
# Return draws from $N(\mu, \sigma^2)$ that gradients can pass through: $z =
# \mu + \sigma\epsilon$. The encoder gives the mean $\mu$ and $\log \sigma^2$;
# the noise $\epsilon$ was drawn from $N(0, 1)$ beforehand. All three have the
# shape (batch, latent numbers). Without this trick the encoder could not be
# trained. See [ops.exp](https://keras.io/api/ops/numpy/).


# %% task="reparameterise"
def reparameterise(mean, log_variance, noise):
    """Return z of the shape (batch, latent numbers)."""
    ### BEGIN SOLUTION
    return mean + ops.exp(0.5 * log_variance) * noise
    ### END SOLUTION


# %% check="reparameterise"
check(reparameterise)

# %% [markdown]
# ## Task 2: the KL divergence
#
# Return the price of each image's code in nats. Each latent number costs
# $\frac12(\mu^2 + \sigma^2 - 1 - \log\sigma^2)$. The price keeps codes near
# the prior, so that samples can be drawn from it. Mind the shape: one value
# for each image. See [ops.sum](https://keras.io/api/ops/numpy/).


# %% task="kl_divergence"
def kl_divergence(mean, log_variance):
    """Return the KL divergence to N(0, I) of each image in nats: (batch,)."""
    ### BEGIN SOLUTION
    each = 0.5 * (ops.square(mean) + ops.exp(log_variance) - 1 - log_variance)
    return ops.sum(each, axis=1)
    ### END SOLUTION


# %% check="kl_divergence"
check(kl_divergence)

# %% [markdown]
# ## Task 3: the reconstruction loss
#
# Return $-\log p(x|z)$ of each image in nats: the binary cross-entropy between
# pixels and logits, summed over the pixels. Images and logits have the shape
# (batch, height, width, 1). Summing matters: an average over the pixels would
# make the KL 784 times too expensive. See
# [ops.binary_crossentropy](https://keras.io/api/ops/nn/).


# %% task="reconstruction_loss"
def reconstruction_loss(images, logits):
    """Return -log p(image | z) of each image in nats: (batch,)."""
    ### BEGIN SOLUTION
    each = ops.binary_crossentropy(images, logits, from_logits=True)
    return ops.sum(each, axis=(1, 2, 3))
    ### END SOLUTION


# %% check="reconstruction_loss"
check(reconstruction_loss)

# %% [markdown]
# ## Task 4: the decoder
#
# Build the model that turns codes of the shape (batch, latent_size) into
# logits of the shape (batch, 28, 28, 1): dense layers of 128 and 256 numbers
# with ReLU, then one logit for each pixel. See
# [Sequential](https://keras.io/api/models/sequential/) and
# [Reshape](https://keras.io/api/layers/reshaping_layers/reshape/).


# %% task="build_decoder"
def build_decoder(latent_size):
    """Return a keras.Model from codes to logits."""
    ### BEGIN SOLUTION
    return keras.Sequential(
        [
            keras.Input((latent_size,)),
            layers.Dense(128, activation="relu"),
            layers.Dense(256, activation="relu"),
            layers.Dense(28 * 28),
            layers.Reshape((28, 28, 1)),
        ]
    )
    ### END SOLUTION


# %% check="build_decoder"
check(build_decoder)

# %% [markdown]
# ## Task 5: find the bugs
#
# Programs like this one are handed around as "VAE". It even runs, as long as
# the code has as many numbers as the image has pixels:
#
# ```python
# def vae_loss(images, noise, encoder, decoder):
#     x = ops.reshape(images, (len(images), -1))
#     code = ops.matmul(x, encoder)
#     logits = ops.reshape(ops.matmul(x, decoder), images.shape)
#     return ops.mean(ops.square(images - ops.sigmoid(logits)))
# ```
#
# Networks are plain matrices here, to keep the program short. `encoder` has
# the shape (pixels, 2 * latent numbers): the first half of its columns gives
# the mean, the second half the log variance. `decoder` has the shape (latent
# numbers, pixels). Four things are wrong. Write the loss of a VAE, the
# negative ELBO averaged over the batch, with your functions from tasks 1 to 3.
# See [ops.split](https://keras.io/api/ops/numpy/).


# %% task="vae_loss"
def vae_loss(images, noise, encoder, decoder):
    """Return the mean negative ELBO of the images in nats: one number."""
    ### BEGIN SOLUTION
    code = ops.matmul(ops.reshape(images, (len(images), -1)), encoder)
    mean, log_variance = ops.split(code, 2, axis=1)
    z = reparameterise(mean, log_variance, noise)
    logits = ops.reshape(ops.matmul(z, decoder), images.shape)
    reconstruction = reconstruction_loss(images, logits)
    return ops.mean(reconstruction + kl_divergence(mean, log_variance))
    ### END SOLUTION


# %% check="vae_loss"
check(vae_loss)

# %% [markdown]
# ## Task 6: spherical interpolation
#
# Walk from code $a$ to code $b$ without cutting through the middle:
# $\frac{\sin((1-t)\omega)}{\sin\omega} a + \frac{\sin(t\omega)}{\sin\omega}
# b$, where $\omega$ is the angle between them. `a` and `b` have the shape
# (latent numbers,), `t` holds the steps from 0 to 1. Return one row for each
# step. See [ops.arccos](https://keras.io/api/ops/numpy/).


# %% task="slerp"
def slerp(a, b, t):
    """Return the path from a to b: (steps, latent numbers)."""
    ### BEGIN SOLUTION
    angle = ops.arccos(ops.dot(a, b) / (ops.norm(a) * ops.norm(b)))
    t = t[:, None]
    path = ops.sin((1 - t) * angle) * a + ops.sin(t * angle) * b
    return path / ops.sin(angle)
    ### END SOLUTION


# %% check="slerp"
check(slerp)

# %% [markdown]
# ## Train with your parts
#
# The encoder and the training loop are given. The model is smaller than in the
# lesson and sees every image twice. Minus a softplus keeps the log variance
# below 0, as in the lesson.

# %%
import tensorflow as tf

latent_size = 16


def build_encoder():
    images = keras.Input((28, 28, 1))
    x = layers.Flatten()(images)
    for size in (256, 128):
        x = layers.Dense(size, activation="relu")(x)
    mean = layers.Dense(latent_size)(x)
    narrowness = layers.Dense(latent_size, activation="softplus")(x)
    return keras.Model(images, [mean, -narrowness])


# %%
class VAE(keras.Model):
    def __init__(self):
        super().__init__()
        self.decoder = build_decoder(latent_size)
        self.encoder = build_encoder()
        self.random = keras.random.SeedGenerator(seed)

    def call(self, images):
        mean, log_variance = self.encoder(images)
        noise = keras.random.normal(ops.shape(mean), seed=self.random)
        logits = self.decoder(reparameterise(mean, log_variance, noise))
        costs = reconstruction_loss(images, logits)
        return ops.mean(costs + kl_divergence(mean, log_variance))

    def train_step(self, images):
        with tf.GradientTape() as tape:
            loss = self(images)
        gradients = tape.gradient(loss, self.trainable_weights)
        self.optimizer.apply(gradients, self.trainable_weights)
        return {"negative_elbo": loss}


# %%
from digitdreams import data
from digitdreams.progress import Progress


def train():
    vae = VAE()
    vae.compile("adam", jit_compile=True, steps_per_execution=20)
    vae.optimizer.learning_rate = 0.002
    batches = data.batches(data.load().train.images, 128, seed)
    options = {"verbose": 0, "shuffle": False, "callbacks": [Progress("VAE")]}
    vae.fit(batches, epochs=2, **options)
    return vae


# %% [markdown]
# The number to reach: the negative ELBO of the test images, in nats.

# %% check="training" points=4
vae = train()
course.expect(negative_elbo=vae(data.load().test.images))

# %% [markdown]
# And what it has learned: a walk between two draws from the prior.

# %%
from digitdreams import plots

a, b = keras.random.normal((2, latent_size), seed=seed)
path = slerp(a, b, ops.linspace(0, 1, 10))
plots.strip(ops.sigmoid(vae.decoder(path)))
