"""What lesson 14 on flows needs beside the flow: its space, its rival, its file."""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from digitdreams.models.parts import Tensor

COMPONENTS = 128
NO_LABEL = 10  # the label that stands for none
FREQUENCIES = np.geomspace(1, 1000, 32).astype("float32")
FITTED_ON = 20_000  # images that give the components
FAINTEST = 0.2  # in [0, 1]; fainter pixels are set to 0


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
        """Return points (n, count) as images float32 (n, 28, 28, 1) in [0, 1].

        Pixels below `FAINTEST` become 0.
        """
        flat = np.asarray(points) @ self.directions.T * self.scale + self.average
        images = np.clip(flat, 0, 1).reshape(-1, 28, 28, 1)
        return np.where(images < FAINTEST, 0, images).astype("float32")

    def decoder(self) -> layers.Dense:
        """Return a layer from points to pixels (n, 784), which are not yet clipped."""
        layer = layers.Dense(len(self.average), name="to_pixels")
        layer.build((None, self.directions.shape[1]))
        layer.set_weights([self.directions.T * self.scale, self.average])
        return layer


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
    network: keras.Model, space: Components, steps: int, guidance: float = 0.0
) -> keras.Model:
    """Return a model from [noise, labels] to images in [0, 1], with its steps inside.

    The steps are Euler's, of equal length, from noise (n, components) at time 0 to an
    image at time 1. With `guidance` each costs two evaluations of the network: the
    velocity is v + guidance (v - v without a label).
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
    images = ops.clip(space.decoder()(points), 0, 1)
    images *= ops.cast(images >= FAINTEST, "float32")
    return keras.Model([noise, labels], layers.Reshape((28, 28, 1))(images))
