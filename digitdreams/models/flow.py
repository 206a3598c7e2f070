"""What lesson 14 on flows needs beside the flow: its space, decoder, rival, file."""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from digitdreams.models.parts import STEPS_AT_ONCE, Tensor, adam
from digitdreams.progress import Progress

COMPONENTS = 128
NO_LABEL = 10  # the label that stands for none
FREQUENCIES = np.geomspace(1, 1000, 32).astype("float32")
FITTED_ON = 20_000  # images that give the components
DECODER_SIZE = 512
CODE_NOISE = 0.2  # standard deviation, of codes that are about 1 in size
BATCH_SIZE = 256


@dataclass(frozen=True)
class Components:
    """The strongest principal components of images, all divided by one scale.

    `average` (784,) is the mean image, `directions` (784, count) are orthonormal,
    `scale` is the mean standard deviation along them. Source: Pearson (1901), "On
    lines and planes of closest fit to systems of points in space".
    """

    average: np.ndarray
    directions: np.ndarray
    scale: float

    @classmethod
    def of(cls, images: np.ndarray, count: int = COMPONENTS) -> "Components":
        """Fit to images (n, 28, 28, 1) in [0, 1], of which 20,000 are used."""
        flat = images.reshape(len(images), -1)
        variances, directions = np.linalg.eigh(np.cov(flat[:FITTED_ON].T))
        scale = float(np.sqrt(variances[::-1][:count]).mean())
        strongest = directions[:, ::-1][:, :count]
        return cls(flat.mean(axis=0), strongest.astype("float32"), scale)

    def encode(self, images: np.ndarray) -> np.ndarray:
        """Return images (n, 28, 28, 1) as float32 (n, count), each about 1 in size."""
        flat = images.reshape(len(images), -1) - self.average
        return (flat @ self.directions / self.scale).astype("float32")

    def decode(self, points: Any) -> np.ndarray:
        """Return points (n, count) as images float32 (n, 28, 28, 1) in [0, 1]."""
        flat = np.asarray(points) @ self.directions.T * self.scale + self.average
        return np.clip(flat, 0, 1).reshape(-1, 28, 28, 1).astype("float32")


def train_decoder(codes: np.ndarray, images: np.ndarray) -> keras.Model:
    """Train a network to turn codes (n, count) into images (n, 28, 28, 1) in [0, 1].

    A hidden layer, and the cross-entropy of each pixel: the decoder of lesson 03. It
    sees codes with noise, so that it also mends the errors of what a flow draws. Two
    passes over as many whole blocks of 5,120 examples as there are. Raises ValueError
    where there is none.
    """
    whole = len(codes) // (BATCH_SIZE * STEPS_AT_ONCE) * BATCH_SIZE * STEPS_AT_ONCE
    if not whole:
        raise ValueError(
            f"{len(codes)} examples are too few for a decoder: give "
            f"{BATCH_SIZE * STEPS_AT_ONCE:,} or more"
        )
    points = keras.Input(codes.shape[1:], name="points")
    x = layers.Dense(DECODER_SIZE, "silu")(layers.GaussianNoise(CODE_NOISE)(points))
    logits = layers.Reshape((28, 28, 1))(layers.Dense(28 * 28)(x))
    network = keras.Model(points, logits)
    network.compile(
        adam(network, 3e-3, 2 * whole // BATCH_SIZE, beta_1=0.9),
        keras.losses.BinaryCrossentropy(from_logits=True),
        steps_per_execution=STEPS_AT_ONCE,
        jit_compile=True,
    )
    given = {"batch_size": BATCH_SIZE, "epochs": 2, "verbose": 0}
    told = [Progress("decoder")]
    network.fit(codes[:whole], images[:whole], callbacks=told, **given)
    return keras.Model(points, layers.Activation("sigmoid")(logits), name="decoder")


def embed(times: Tensor, labels: Tensor) -> Tensor:
    """Return what a network knows of times (n, 1) and labels (n,): (n, 128)."""
    angles = times * FREQUENCIES
    label = layers.Embedding(NO_LABEL + 1, 64)(labels)
    return layers.Concatenate()([ops.sin(angles), ops.cos(angles), label])


def build_unet() -> keras.Model:
    """Return a small U-Net from [pixels, times, labels] to velocities (n, 784).

    Pixels (n, 784), times (n, 1), labels (n,) with 10 for none. Untrained it gives 0.

    Source: Ronneberger et al. (2015), "U-Net: convolutional networks for biomedical
    image segmentation".
    """
    points, times = keras.Input((28 * 28,)), keras.Input((1,))
    labels = keras.Input((), dtype="int32")
    condition = layers.Dense(128, "silu")(embed(times, labels))

    def block(x: Tensor, channels: int, strides: int = 1) -> Tensor:
        x = layers.Conv2D(channels, 3, strides=strides, padding="same")(x)
        x += layers.Reshape((1, 1, channels))(layers.Dense(channels)(condition))
        return layers.Activation("silu")(layers.GroupNormalization(4)(x))

    def join(x: Tensor, shortcut: Tensor) -> Tensor:
        return layers.Concatenate()([layers.UpSampling2D()(x), shortcut])

    wide = block(layers.Reshape((28, 28, 1))(points), 16)
    half = block(wide, 32, strides=2)
    x = block(block(half, 64, strides=2), 64)
    x = block(join(block(join(x, half), 32), wide), 16)
    x = layers.Conv2D(1, 3, padding="same", kernel_initializer="zeros")(x)
    return keras.Model([points, times, labels], layers.Flatten()(x), name="unet")


def as_generator(
    network: keras.Model, decoder: keras.Model, steps: int, guidance: float = 0.0
) -> keras.Model:
    """Return a model from [noise, labels] to images in [0, 1], with its steps inside.

    The steps are Euler's, of equal length, from noise (n, components) at time 0 to a
    point at time 1, which `decoder` turns into an image. With `guidance` each costs two
    evaluations of the network: the velocity is v + guidance (v - v without a label).
    """
    noise = keras.Input(network.inputs[0].shape[1:], name="noise")
    labels = keras.Input((), dtype="int32", name="labels")
    free = ops.zeros_like(labels) + NO_LABEL
    points = noise
    for step in range(steps):
        times = ops.zeros_like(noise[:, :1]) + step / steps
        velocity = network([points, times, labels])
        if guidance:
            without = network([points, times, free])
            velocity += guidance * (velocity - without)
        points += velocity / steps
    return keras.Model([noise, labels], decoder(points))
