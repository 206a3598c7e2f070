"""Published recipes, and how they are trained and measured: what a record is made from.

- TensorFlow's DCGAN tutorial, https://www.tensorflow.org/tutorials/generative/dcgan
- keras.io's conditional GAN, https://keras.io/examples/generative/conditional_gan/
- keras.io's VAE, https://keras.io/examples/generative/vae/

They are written here anew, from their architectures and settings. What differs: all
recipes learn from the same 55,000 training images (the pages use 60,000 or, with the
test images, 70,000), kept in memory, so that reading costs the same. Each is compiled
in the way that trains faster on a processor.
"""

import functools
from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from digitdreams import data, judge, metrics

IMAGES = 55_000  # of an epoch
SAMPLES = 5_000  # that the judge sees


# The recipes --------------------------------------------------------------------------


class PublishedGAN(keras.Model):
    """Two networks, and an Adam of one rate for each, the discriminator's first."""

    conditional = False

    def __init__(self, seed: int = 0):
        super().__init__()
        self.generator = self._build_generator()
        self.discriminator = self._build_discriminator()
        self.random = keras.random.SeedGenerator(seed)
        networks = (self.discriminator, self.generator)
        self.optimizers = [keras.optimizers.Adam(self.rate) for _ in networks]
        for optimizer, network in zip(self.optimizers, networks, strict=True):
            optimizer.build(network.trainable_weights)
        self.compile()


class TensorFlowDCGAN(PublishedGAN):
    """The DCGAN of TensorFlow's tutorial: 50 epochs in batches of 256."""

    epochs, batch_size, latent_size, rate = 50, 256, 100, 1e-4

    def _build_generator(self):
        def block(x):
            return layers.LeakyReLU()(layers.BatchNormalization()(x))

        noise = keras.Input((self.latent_size,))
        x = block(layers.Dense(7 * 7 * 256, use_bias=False)(noise))
        x = layers.Reshape((7, 7, 256))(x)
        options = {"padding": "same", "use_bias": False}
        for channels, strides in ((128, 1), (64, 2)):
            x = layers.Conv2DTranspose(channels, 5, strides, **options)(x)
            x = block(x)
        x = layers.Conv2DTranspose(1, 5, 2, activation="tanh", **options)(x)
        return keras.Model(noise, x)

    def _build_discriminator(self):
        images = keras.Input((28, 28, 1))
        x = images
        for channels in (64, 128):
            x = layers.Conv2D(channels, 5, 2, padding="same")(x)
            x = layers.Dropout(0.3)(layers.LeakyReLU()(x))
        return keras.Model(images, layers.Dense(1)(layers.Flatten()(x)))

    def train_step(self, batch):
        images, _ = batch
        noise = keras.random.normal(
            (ops.shape(images)[0], self.latent_size), seed=self.random
        )
        with tf.GradientTape(persistent=True) as tape:
            fakes = self.generator(noise, training=True)
            real = self.discriminator(2 * images - 1, training=True)
            fake = self.discriminator(fakes, training=True)
            d_loss = ops.mean(ops.softplus(-real)) + ops.mean(ops.softplus(fake))
            g_loss = ops.mean(ops.softplus(-fake))
        for optimizer, network, loss in (
            (self.optimizers[0], self.discriminator, d_loss),
            (self.optimizers[1], self.generator, g_loss),
        ):
            weights = network.trainable_weights
            optimizer.apply(tape.gradient(loss, weights), weights)
        return {"d_loss": d_loss, "g_loss": g_loss}

    def draw(self, noise, labels):
        """Return images in [0, 1]."""
        return (self.generator(noise, training=False) + 1) / 2


class KerasConditionalGAN(PublishedGAN):
    """The conditional GAN of keras.io: 20 epochs in batches of 64."""

    epochs, batch_size, latent_size, rate = 20, 64, 128, 3e-4
    conditional = True

    def _build_generator(self):
        width = self.latent_size + 10
        inputs = keras.Input((width,))
        x = layers.Dense(7 * 7 * width)(inputs)
        x = layers.Reshape((7, 7, width))(layers.LeakyReLU(negative_slope=0.2)(x))
        for _ in range(2):
            x = layers.Conv2DTranspose(128, 4, 2, padding="same")(x)
            x = layers.LeakyReLU(negative_slope=0.2)(x)
        x = layers.Conv2D(1, 7, padding="same", activation="sigmoid")(x)
        return keras.Model(inputs, x)

    def _build_discriminator(self):
        inputs = keras.Input((28, 28, 11))
        x = inputs
        for channels in (64, 128):
            x = layers.Conv2D(channels, 3, 2, padding="same")(x)
            x = layers.LeakyReLU(negative_slope=0.2)(x)
        return keras.Model(inputs, layers.Dense(1)(layers.GlobalMaxPooling2D()(x)))

    @staticmethod
    def label_maps(one_hot):
        """Return the published label maps: (batch, 28, 28, 10).

        The page repeats all numbers of a label without naming an axis. The result is a
        band of ones across all channels, whose height on the image tells the label,
        not one channel of ones. It is kept here as it is published.
        """
        stretched = ops.repeat(ops.reshape(one_hot, (-1,)), 28 * 28)
        return ops.reshape(stretched, (-1, 28, 28, 10))

    def _draw(self, one_hot):
        noise = keras.random.normal(
            (ops.shape(one_hot)[0], self.latent_size), seed=self.random
        )
        return self.generator(ops.concatenate([noise, one_hot], axis=1))

    def train_step(self, batch):
        images, labels = batch
        one_hot = ops.one_hot(labels, 10)
        maps = self.label_maps(one_hot)
        fakes = self._draw(one_hot)
        with tf.GradientTape() as tape:
            # One batch of both kinds; the page labels generated images with 1.
            both = ops.concatenate([fakes, images], axis=0)
            seen = ops.concatenate([maps, maps], axis=0)
            verdicts = self.discriminator(ops.concatenate([both, seen], axis=-1))
            fake, real = ops.split(verdicts, 2)
            d_loss = (ops.mean(ops.softplus(-fake)) + ops.mean(ops.softplus(real))) / 2
        weights = self.discriminator.trainable_weights
        self.optimizers[0].apply(tape.gradient(d_loss, weights), weights)
        with tf.GradientTape() as tape:
            fakes = self._draw(one_hot)
            verdicts = self.discriminator(ops.concatenate([fakes, maps], axis=-1))
            g_loss = ops.mean(ops.softplus(verdicts))
        weights = self.generator.trainable_weights
        self.optimizers[1].apply(tape.gradient(g_loss, weights), weights)
        return {"d_loss": d_loss, "g_loss": g_loss}

    def draw(self, noise, labels):
        """Return images in [0, 1] of the given digits."""
        one_hot = ops.one_hot(labels, 10)
        return self.generator(ops.concatenate([noise, one_hot], axis=1))


class KerasVAE(keras.Model):
    """The VAE of keras.io: 2 latent numbers, 30 epochs in batches of 128."""

    epochs, batch_size, latent_size = 30, 128, 2

    def __init__(self, seed: int = 0):
        super().__init__()
        self.encoder, self.decoder = self._build_encoder(), self._build_decoder()
        self.random = keras.random.SeedGenerator(seed)
        # Without XLA: it makes this model's steps 1.5 times as long. For the GANs,
        # where it does so too, Keras itself leaves it out on a processor.
        self.compile(keras.optimizers.Adam(1e-3), jit_compile=False)

    def _build_encoder(self):
        images = keras.Input((28, 28, 1))
        x = images
        for channels in (32, 64):
            x = layers.Conv2D(channels, 3, 2, padding="same", activation="relu")(x)
        x = layers.Dense(16, activation="relu")(layers.Flatten()(x))
        heads = [layers.Dense(self.latent_size)(x) for _ in range(2)]
        return keras.Model(images, heads)

    def _build_decoder(self):
        codes = keras.Input((self.latent_size,))
        x = layers.Dense(7 * 7 * 64, activation="relu")(codes)
        x = layers.Reshape((7, 7, 64))(x)
        options = {"padding": "same", "activation": "relu"}
        for channels in (64, 32):
            x = layers.Conv2DTranspose(channels, 3, 2, **options)(x)
        x = layers.Conv2DTranspose(1, 3, padding="same", activation="sigmoid")(x)
        return keras.Model(codes, x)

    def call(self, batch):
        """Return the negative ELBO of each image in nats, with one draw of z."""
        images, _ = batch
        mean, log_variance = self.encoder(images)
        noise = keras.random.normal(ops.shape(mean), seed=self.random)
        probabilities = self.decoder(mean + ops.exp(0.5 * log_variance) * noise)
        pixels = ops.binary_crossentropy(images, probabilities)
        kl = ops.square(mean) + ops.exp(log_variance) - 1 - log_variance
        return ops.sum(pixels, axis=(1, 2, 3)) + 0.5 * ops.sum(kl, axis=1)

    def train_step(self, batch):
        with tf.GradientTape() as tape:
            loss = ops.mean(self(batch))
        weights = self.trainable_weights
        self.optimizer.apply(tape.gradient(loss, weights), weights)
        return {"negative_elbo": loss}


# Training -----------------------------------------------------------------------------


def build(recipe: type[keras.Model], seed: int) -> keras.Model:
    """A recipe's model, with the weights of a seed."""
    keras.utils.set_random_seed(seed)
    return recipe(seed)


def steps_of(model: keras.Model, seed: int, epoch: int) -> Iterator[float]:
    """Train on each batch of an epoch once; yield the share that is done.

    The order of the images follows from the seed and the epoch, counted from 1, so
    that an interrupted run can go on with any epoch. A step is over when it is yielded.
    """
    order = int(np.random.SeedSequence((seed, epoch)).generate_state(1)[0])
    split, size = data.load().train, model.batch_size
    batches = iter(data.batches(split, size, seed=order))
    model.make_train_function()
    count = len(split.images) // size
    for step in range(1, count + 1):
        logs = model.train_function(batches)
        float(next(iter(logs.values())))
        yield step / count


# Measuring ----------------------------------------------------------------------------


def measure_nats(model) -> dict[str, float]:
    """The negative ELBO of the test images."""
    test = data.load().test
    parts = [
        model((test.images[at : at + 1000], test.labels[at : at + 1000]))
        for at in range(0, len(test.images), 1000)
    ]
    return {"nats": float(np.concatenate(parts).mean())}


def measure_samples(model) -> dict[str, float]:
    """What the judge says about samples of a published GAN."""
    return judged(*draw(model))


def judged(images: np.ndarray, labels: np.ndarray | None) -> dict[str, float]:
    """What the judge says about samples, beside as many test images."""
    probabilities = judge.probabilities(images)
    found = {
        "fid": metrics.fid(real_features(len(images)), judge.features(images)),
        "score": metrics.inception_score(probabilities),
    }
    if labels is not None:
        found["label_accuracy"] = metrics.label_accuracy(probabilities, labels)
    return found


@functools.cache
def real_features(count: int) -> np.ndarray:
    """What the judge sees in so many test images, drawn once."""
    test = data.load().test.images
    rows = np.random.default_rng(0).permutation(len(test))[:count]
    return judge.features(test[rows])


def draw(model) -> tuple[np.ndarray, np.ndarray | None]:
    """Draw images and labels from a published GAN, as `models.sample` does."""
    random = np.random.default_rng(0)
    noise = random.normal(size=(SAMPLES, model.latent_size)).astype("float32")
    labels = np.arange(SAMPLES, dtype="int32") % 10
    images = [
        ops.convert_to_numpy(model.draw(noise[rows], labels[rows]))
        for rows in np.split(np.arange(SAMPLES), 5)
    ]
    labels = labels if model.conditional else None
    return np.clip(np.concatenate(images), 0, 1), labels
