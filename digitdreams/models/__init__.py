"""Generators that lessons share, and the recipes of the course in compact form.

A lesson that has trained a generator keeps it with `save`; a later lesson asks for it
with `get`, which trains a short version where no file is. The loops that teach stand in
the lessons (03 and 04 for the VAE, 05 to 07 for the GAN); here are their networks and
losses for those who need the result, with a few shortcuts for speed.
"""

import os
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from digitdreams import data
from digitdreams.files import base, replacing
from digitdreams.models.gan import GAN, train_gan
from digitdreams.models.parts import adam, rising_and_falling, squared_slope
from digitdreams.models.vae import (
    VAE,
    Sampling,
    kl_divergence,
    reconstruction_loss,
    train_vae,
    with_prior,
)

__all__ = [
    "GAN",
    "VAE",
    "ModelError",
    "Sampling",
    "adam",
    "get",
    "kl_divergence",
    "path",
    "reconstruction_loss",
    "rising_and_falling",
    "sample",
    "save",
    "squared_slope",
    "train_gan",
    "train_vae",
    "with_prior",
]

FOLDER = Path(os.environ.get("DIGITDREAMS_MODELS") or base() / "build" / "models")
NAMES = {"03": "VAE", "04": "conditional VAE", "05": "GAN", "07": "conditional GAN"}
SHORT_EPOCHS = {"03": 2, "04": 2, "05": 0.5, "07": 1}
ROWS_AT_ONCE = 250  # of a sample; larger batches leave the processor's cache


class ModelError(ValueError):
    """A model is not a generator that other lessons can use; the message says why."""


def path(lesson: str) -> Path:
    """Return where the generator of a lesson, such as "05", is kept."""
    return Path(FOLDER) / f"{lesson}.keras"


def save(generator: keras.Model, lesson: str) -> Path:
    """Keep a lesson's generator for later lessons and return the file's path.

    `generator` maps noise float32 (n, latent), drawn from N(0, I), or [noise, labels]
    with labels int32 (n,), to images float32 (n, 28, 28, 1) in [0, 1]. It consists of
    Keras's own layers, so that the file opens without the lesson's code. Raises
    ModelError if it does not.
    """
    if not getattr(generator, "inputs", None):
        raise ModelError("a generator has inputs: build it with keras.Model(in, out)")
    images, _ = sample(generator, 10)
    if images.shape != (10, 28, 28, 1):
        raise ModelError(f"a generator makes (n, 28, 28, 1), not {images.shape}")
    if not (images.min() >= 0 and images.max() <= 1):
        raise ModelError(
            f"a generator's images lie in [0, 1]; these reach from {images.min():.3g} "
            f"to {images.max():.3g} (is the sigmoid missing?)"
        )
    foreign = [
        type(layer).__name__
        for layer in generator._flatten_layers()
        if not type(layer).__module__.startswith("keras.")
        or isinstance(layer, layers.Lambda)
    ]
    if foreign:
        raise ModelError(f"only Keras's own layers can be shared, not {foreign[0]}")
    file = path(lesson)
    with replacing(file) as partial:
        generator.save(partial)
    return file


def get(lesson: str, seed: int = 0) -> keras.Model:
    """Return the generator that a lesson saved; where no file is, train a short one.

    `lesson` is one of "03", "04", "05" and "07". Prints which of the two it did. The
    short version is not kept: the lesson's own is better.
    """
    name, file = NAMES[lesson], path(lesson)
    if file.is_file():
        print(f"{name}: as lesson {lesson} saved it")
        return keras.models.load_model(file)
    print(f"{name}: lesson {lesson} has saved none here; training a short version")
    train = train_vae if lesson in ("03", "04") else train_gan
    model = train(lesson in ("04", "07"), SHORT_EPOCHS[lesson], seed)
    if lesson == "04":
        return model.fitted_generator(data.load().train)
    return model.generator


def sample(generator: keras.Model, count: int, seed: int = 0):
    """Draw images float32 (count, 28, 28, 1) and their labels int32 (count,).

    Labels are 0 to 9 in turn, or None for a generator that takes none. The same seed
    gives the same draw.
    """
    shape = generator.inputs[0].shape
    noise = np.random.default_rng(seed).normal(size=(count, shape[-1]))
    noise, labels = noise.astype("float32"), np.arange(count, dtype="int32") % 10
    conditional = len(generator.inputs) == 2

    def draw(*given):
        given = keras.tree.pack_sequence_as(generator.input, given)
        return generator(given, training=False)

    if count > 4 * ROWS_AT_ONCE:  # then a graph pays off
        draw = tf.function(draw)
    parts = []
    for at in range(0, count, ROWS_AT_ONCE):
        rows = slice(at, at + ROWS_AT_ONCE)
        images = draw(*[noise[rows], labels[rows]][: 1 + conditional])
        parts.append(ops.convert_to_numpy(images))
    return np.concatenate(parts), labels if conditional else None
