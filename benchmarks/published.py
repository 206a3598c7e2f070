"""Published recipes, and how they are trained and measured: what a record is made from.

- TensorFlow's DCGAN tutorial, https://www.tensorflow.org/tutorials/generative/dcgan
- keras.io's conditional GAN, https://keras.io/examples/generative/conditional_gan/
- keras.io's VAE, https://keras.io/examples/generative/vae/
- keras.io's PixelCNN, https://keras.io/examples/generative/pixelcnn/
- Brian Pulfer's DDPM, a small diffusion model for digits,
  https://github.com/BrianPulfer/PapersReimplementations (src/cv/ddpm)

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
SAMPLES = 5_000  # that the judge sees of a GAN
ROWS_AT_ONCE = 250  # of a sample that takes many calls of a network
HELD_OUT = 7_000  # the last test images: keras.io's PixelCNN learns from the others


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


class MaskedConv2D(layers.Conv2D):
    """A convolution that sees the pixels above and to the left, with `own` its own."""

    def __init__(self, filters: int, size: int, own: bool):
        super().__init__(filters, size, padding="same", activation="relu")
        mask = np.zeros((size, size, 1, 1), "float32")
        mask[: size // 2] = 1
        mask[size // 2, : size // 2 + own] = 1
        self.mask = mask

    def call(self, inputs):
        # The page sets the hidden weights back to 0 before each call: the same numbers.
        outputs = ops.conv(inputs, self.kernel * self.mask, padding="same")
        return self.activation(outputs + self.bias)


class KerasPixelCNN(keras.Model):
    """The PixelCNN of keras.io: 50 epochs in batches of 128."""

    epochs, batch_size = 50, 128
    blocks, filters = 5, 128
    threshold = 0.33 * 256 / 255  # of an image in [0, 1]: what is below is 0

    def __init__(self, seed: int = 0):
        super().__init__()
        self.network = self._build_network()
        self.compile(keras.optimizers.Adam(5e-4), jit_compile=False)

    def _build_network(self):
        images = keras.Input((28, 28, 1))
        x = MaskedConv2D(self.filters, 7, own=False)(images)
        for _ in range(self.blocks):
            y = layers.Conv2D(self.filters, 1, activation="relu")(x)
            y = MaskedConv2D(self.filters // 2, 3, own=True)(y)
            y = layers.Conv2D(self.filters, 1, activation="relu")(y)
            x = layers.Add()([x, y])
        for _ in range(2):
            x = layers.Conv2D(self.filters, 1, activation="relu")(x)
        return keras.Model(images, layers.Conv2D(1, 1)(x))

    def call(self, batch):
        """Return the negative log-likelihood of each image in nats: (batch,)."""
        images, _ = batch
        binary = ops.cast(images >= self.threshold, "float32")
        logits = self.network(binary)
        pixels = ops.binary_crossentropy(binary, logits, from_logits=True)
        return ops.sum(pixels, axis=(1, 2, 3))

    def train_step(self, batch):
        with tf.GradientTape() as tape:
            nats = ops.mean(self(batch))
            loss = nats / 784  # the page's mean over pixels
        weights = self.trainable_weights
        self.optimizer.apply(tape.gradient(loss, weights), weights)
        return {"nats": nats}


class PulferDDPM(keras.Model):
    """Brian Pulfer's DDPM: 20 epochs in batches of 128, 1,000 steps of noise.

    A small U-Net with 10, 20 and 40 channels at 28, 14 and 7 pixels. Weights begin as
    PyTorch's do, biases at 0. The page keeps the epoch with the least training loss.
    """

    epochs, batch_size = 20, 128
    steps, time_size = 1000, 100
    samples = 1_000  # that the judge sees: each takes 1,000 calls of the network
    measured_after = (1, 2, 3, 5, 7, 10, 15, 20)  # epochs: drawing takes so long

    def __init__(self, seed: int = 0):
        super().__init__()
        self.betas = np.linspace(1e-4, 0.02, self.steps, dtype="float32")
        self.kept = np.cumprod(1 - self.betas)  # of the image's variance, after a step
        self.random = keras.random.SeedGenerator(seed)
        self.network = self._build_network()
        self.compile(keras.optimizers.Adam(1e-3), jit_compile=False)

    def _time_table(self) -> np.ndarray:
        """Sines and cosines of the step, in turns."""
        rates = 1e4 ** (-2 * np.arange(0, self.time_size, 2) / self.time_size)
        angles = np.arange(self.steps)[:, None] * rates
        table = np.stack([np.sin(angles), np.cos(angles)], axis=-1)
        return table.reshape(self.steps, self.time_size).astype("float32")

    def _build_network(self):
        def start():
            return keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform")

        def conv(channels, size=3, strides=1, padding="same", up=False):
            kind = layers.Conv2DTranspose if up else layers.Conv2D
            options = {"strides": strides, "padding": padding}
            return kind(channels, size, **options, kernel_initializer=start())

        def with_time(x):
            channels = x.shape[-1]
            y = layers.Dense(channels, "silu", kernel_initializer=start())(times)
            y = layers.Dense(channels, kernel_initializer=start())(y)
            return layers.Add()([x, layers.Reshape((1, 1, channels))(y)])

        def level(x, *channels, last=False):
            x = with_time(x)
            for place, count in enumerate(channels):
                if not (last and place == len(channels) - 1):
                    x = layers.LayerNormalization(axis=[1, 2, 3], epsilon=1e-5)(x)
                for _ in range(2):
                    x = layers.Activation("silu")(conv(count)(x))
            return x

        table = keras.initializers.Constant(self._time_table())
        images, step = keras.Input((28, 28, 1)), keras.Input((), dtype="int32")
        times = layers.Embedding(
            *(self.steps, self.time_size),
            embeddings_initializer=table,
            trainable=False,
        )(step)
        first = level(images, 10, 10, 10)
        second = level(conv(10, 4, 2)(first), 20, 20, 20)
        third = level(conv(20, 4, 2)(second), 40, 40, 40)
        x = layers.Activation("silu")(conv(40, 2, padding="valid")(third))
        x = level(conv(40, 4, 2)(x), 20, 20, 40)
        x = layers.Activation("silu")(conv(40, 4, 2, up=True)(x))
        x = conv(40, 2, padding="valid", up=True)(x)
        x = level(layers.Concatenate()([third, x]), 40, 20, 20)
        x = layers.Concatenate()([second, conv(20, 4, 2, up=True)(x)])
        x = level(x, 20, 10, 10)
        x = layers.Concatenate()([first, conv(10, 4, 2, up=True)(x)])
        x = level(x, 10, 10, 10, last=True)
        return keras.Model([images, step], conv(1)(x))

    def train_step(self, batch):
        images, _ = batch
        count = ops.shape(images)[0]
        noise = keras.random.normal(ops.shape(images), seed=self.random)
        step = keras.random.randint((count,), 0, self.steps, seed=self.random)
        kept = ops.reshape(ops.take(self.kept, step), (-1, 1, 1, 1))
        noisy = ops.sqrt(kept) * (2 * images - 1) + ops.sqrt(1 - kept) * noise
        with tf.GradientTape() as tape:
            guess = self.network([noisy, step], training=True)
            loss = ops.mean(ops.square(guess - noise))
        weights = self.trainable_weights
        self.optimizer.apply(tape.gradient(loss, weights), weights)
        return {"loss": loss}

    def draw(self, count: int) -> np.ndarray:
        """Return images in [0, 1], from all steps of noise."""

        @tf.function
        def rows(seed):
            shape = (ROWS_AT_ONCE, 28, 28, 1)
            x = tf.random.stateless_normal(shape, [seed, self.steps])
            for step in tf.range(self.steps - 1, -1, -1):
                beta, kept = tf.gather(self.betas, step), tf.gather(self.kept, step)
                guess = self.network([x, tf.fill((ROWS_AT_ONCE,), step)])
                x = (x - beta / tf.sqrt(1 - kept) * guess) / tf.sqrt(1 - beta)
                noise = tf.random.stateless_normal(shape, [seed, step])
                x += tf.where(step > 0, tf.sqrt(beta), 0.0) * noise
            return x

        parts = [rows(tf.constant(at)).numpy() for at in range(0, count, ROWS_AT_ONCE)]
        return np.clip((np.concatenate(parts)[:count] + 1) / 2, 0, 1)


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


def measure_thresholded(model) -> dict[str, float]:
    """The negative log-likelihood of the images that the page validates with."""
    test = data.load().test
    call = tf.function(lambda images: model((images, None)))
    parts = [
        call(test.images[at : at + ROWS_AT_ONCE])
        for at in range(len(test.images) - HELD_OUT, len(test.images), ROWS_AT_ONCE)
    ]
    return {"nats": float(np.concatenate(parts).mean())}


def measure_diffusion(model) -> dict[str, float]:
    """What the judge says about samples of a published diffusion model."""
    return judged(model.draw(model.samples), None)


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
