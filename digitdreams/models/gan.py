"""The generative adversarial network of lessons 05 to 07, in compact form."""

from dataclasses import dataclass

import keras
import tensorflow as tf
from keras import layers, ops

from digitdreams import data
from digitdreams.models import parts
from digitdreams.models.parts import (
    Tensor,
    adam,
    one_hot,
    squared_slope,
    train,
)

NOISE_SIZE = 32
GENERATOR_SIZE = 256  # of the dense layer behind the noise
DISCRIMINATOR_SIZE = 128  # of the dense layer behind the convolutions
CHANNELS = (64, 32)  # at 7 x 7 and 14 x 14 pixels
BATCH_SIZE = 32
DISCRIMINATOR_RATE = 4e-3
R1_IMAGES = 16  # of a batch; the penalty costs a second derivative
R1_EVERY = 8  # steps; the weight is as many times larger then
AVERAGE_DECAY = 0.995


@dataclass(frozen=True)
class Settings:
    """What the two recipes, without and with labels, do not share."""

    title: str
    generator_rate: float
    r1_weight: float


WITHOUT_LABELS = Settings("GAN", generator_rate=6e-3, r1_weight=0.01)
WITH_LABELS = Settings("conditional GAN", generator_rate=8e-3, r1_weight=0.02)


def train_gan(
    conditional: bool, epochs: float, seed: int = 0, split: data.Split | None = None
) -> "GAN":
    """Train a GAN on the train split, or on another one, and return it."""
    return train(GAN(conditional, seed), epochs, seed, split or data.load().train)


class GAN(keras.Model):
    """A small DCGAN; with labels, its discriminator ends in a projection.

    Batches are pairs (images, labels). `generator` holds moving averages of the trained
    weights. Sources: Radford et al. (2015), "Unsupervised representation learning with
    deep convolutional generative adversarial networks"; Miyato and Koyama (2018),
    "cGANs with projection discriminator"; Mescheder et al. (2018), "Which training
    methods for GANs do actually converge?" (the penalty R1); Karras et al. (2020),
    "Analyzing and improving the image quality of StyleGAN" (the penalty now and then).
    """

    batch_size = BATCH_SIZE

    def __init__(self, conditional: bool, seed: int = 0):
        super().__init__()
        self.conditional = conditional
        self.settings = WITH_LABELS if conditional else WITHOUT_LABELS
        self.title = self.settings.title
        self.trained = self._build_generator()
        self.generator = self._build_generator()
        self.generator.set_weights(self.trained.get_weights())
        self.discriminator = self._build_discriminator()
        self.random = keras.random.SeedGenerator(seed)
        self.averages = [keras.metrics.Mean(f"{name}_loss") for name in "dg"]

    def _build_generator(self) -> keras.Model:
        noise = keras.Input((NOISE_SIZE,), name="noise")
        inputs, one_hot_labels = noise, None
        if self.conditional:
            labels = keras.Input((), dtype="int32", name="labels")
            inputs, one_hot_labels = [noise, labels], one_hot(labels)
        wide, narrow = CHANNELS
        options = {"kernel_size": 4, "strides": 2, "padding": "same"}
        x = noise
        x = layers.Dense(GENERATOR_SIZE, use_bias=False)(x)
        x = self._normalise(x, one_hot_labels)
        x = layers.Dense(7 * 7 * wide, use_bias=False)(x)
        # Each place on its own, not each channel: else no label could move a stroke.
        x = layers.Reshape((7, 7, wide))(self._normalise(x, one_hot_labels))
        x = layers.Conv2DTranspose(narrow, use_bias=False, **options)(x)
        x = self._normalise(x, one_hot_labels)
        x = layers.Conv2DTranspose(1, activation="sigmoid", **options)(x)
        return keras.Model(inputs, x, name="generator")

    def _normalise(self, x: Tensor, one_hot_labels: Tensor | None) -> Tensor:
        if one_hot_labels is None:
            return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
        x = layers.BatchNormalization(momentum=0.9, center=False, scale=False)(x)
        channels = x.shape[-1]
        shape = (1,) * (len(x.shape) - 2) + (channels,)
        gain, shift = (
            layers.Reshape(shape)(
                layers.Dense(channels, use_bias=False, kernel_initializer=start)(
                    one_hot_labels
                )
            )
            for start in ("ones", "zeros")
        )
        return layers.ReLU()(layers.Add()([layers.Multiply()([x, gain]), shift]))

    def _build_discriminator(self) -> keras.Model:
        images = keras.Input((28, 28, 1), name="images")
        inputs, x = images, images
        for channels in reversed(CHANNELS):
            x = layers.Conv2D(channels, 4, strides=2, padding="same")(x)
            x = layers.LeakyReLU(negative_slope=0.2)(x)
        x = layers.Flatten()(x)
        x = layers.Dense(DISCRIMINATOR_SIZE)(x)
        x = layers.LeakyReLU(negative_slope=0.2)(x)
        verdict = layers.Dense(1)(x)
        if self.conditional:
            labels = keras.Input((), dtype="int32", name="labels")
            inputs = [images, labels]
            projection = layers.Dense(x.shape[-1], use_bias=False)(one_hot(labels))
            match = layers.Dot(axes=1)([projection, x])
            verdict = layers.Add()([verdict, match])
        return keras.Model(inputs, verdict, name="discriminator")

    def prepare(self, steps: int) -> None:
        """Compile for so many steps."""
        self.optimizers = [
            adam(self.discriminator, DISCRIMINATOR_RATE, steps),
            adam(self.trained, self.settings.generator_rate, steps),
        ]
        # XLA makes small convolutions slower on a processor.
        self.compile(jit_compile=False, steps_per_execution=parts.STEPS_AT_ONCE)

    def _draw(self, labels: Tensor) -> Tensor:
        noise = keras.random.normal(
            (ops.shape(labels)[0], NOISE_SIZE), seed=self.random
        )
        return self.trained(self._with(noise, labels), training=True)

    def _with(self, first: Tensor, labels: Tensor) -> Tensor | list[Tensor]:
        return [first, labels] if self.conditional else first

    def train_step(self, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        images, labels = batch
        # The fakes are made once, for both turns: this tape goes on below.
        with tf.GradientTape() as generator_tape:
            fakes = self._draw(labels)
        with tf.GradientTape() as tape:
            seen = self._with(
                ops.concatenate([images, fakes]), ops.concatenate([labels, labels])
            )
            real, fake = ops.split(self.discriminator(seen), 2)
            d_loss = ops.mean(ops.softplus(-real)) + ops.mean(ops.softplus(fake))
            penalty = tf.cond(
                self.optimizers[0].iterations % R1_EVERY == 0,
                lambda: self._steepness(images[:R1_IMAGES], labels[:R1_IMAGES]),
                lambda: 0.0,
            )
            total = d_loss + R1_EVERY * self.settings.r1_weight / 2 * penalty
        weights = self.discriminator.trainable_weights
        self.optimizers[0].apply(tape.gradient(total, weights), weights)
        with generator_tape:
            fake = self.discriminator(self._with(fakes, labels))
            g_loss = ops.mean(ops.softplus(-fake))
        weights = self.trained.trainable_weights
        gradients = generator_tape.gradient(g_loss, weights)
        self.optimizers[1].apply(gradients, weights)
        for average, weight in zip(
            self.generator.weights, self.trained.weights, strict=True
        ):
            average.assign(AVERAGE_DECAY * average + (1 - AVERAGE_DECAY) * weight)
        for mean, loss in zip(self.averages, (d_loss, g_loss), strict=True):
            mean.update_state(loss)
        return {mean.name: mean.result() for mean in self.averages}

    def _steepness(self, images: Tensor, labels: Tensor) -> Tensor:
        """The mean squared gradient of the verdict on real images (R1)."""

        def verdict(images: Tensor) -> Tensor:
            return self.discriminator(self._with(images, labels))

        return ops.mean(squared_slope(verdict, images))
