"""Generators that lessons share, and the recipes of the course in compact form.

A lesson that has trained a generator keeps it with `save`; a later lesson asks for it
with `get`, which trains a short version where no file is that counts. A lesson that has
trained several keeps them with `save_all`; `get_all` gives them. course.toml says which
lessons save and which need. The loops that teach stand in the lessons (03 and 04 for
the VAE, 05 to 07 for the GAN); here are their networks and losses for those who need
the result, with a few shortcuts for speed.

Every generator is a map from normal noise, and labels if it takes some, to images: also
one that draws pixel by pixel or in many steps. Its draws then follow from the noise by
inversion: a pixel is white where the normal distribution function of its noise is below
the pixel's probability.
"""

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from digitdreams import course, data, generators
from digitdreams.files import replacing
from digitdreams.models.flow import Components, as_generator, build_unet
from digitdreams.models.gan import GAN, train_gan
from digitdreams.models.parts import Tensor, adam, rising_and_falling, squared_slope
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
    "Components",
    "ModelError",
    "Sampling",
    "adam",
    "as_generator",
    "build_unet",
    "get",
    "get_all",
    "kl_divergence",
    "load",
    "needed",
    "path",
    "reconstruction_loss",
    "rising_and_falling",
    "sample",
    "save",
    "save_all",
    "squared_slope",
    "train_gan",
    "train_vae",
    "with_prior",
]

# Lesson -> its generator after a short training, by seed. course.toml names them.
SHORT: dict[str, Callable[[int], keras.Model]] = {
    "03": lambda seed: train_vae(False, 2, seed).generator,
    "04": lambda seed: train_vae(True, 2, seed).fitted_generator(data.load().train),
    "05": lambda seed: train_gan(False, 0.5, seed).generator,
    "07": lambda seed: train_gan(True, 1, seed).generator,
}
ROWS_AT_ONCE = 250  # of a sample; larger batches leave the processor's cache


class ModelError(ValueError):
    """A model is not a generator that other lessons can use; the message says why."""


path = generators.path


def needed() -> dict[str, str]:
    """Return lesson -> name of the generators that the running notebook needs.

    As course.toml declares them; outside a notebook that has called `course.start`,
    all that there are.
    """
    running = course.running()
    return {
        one.id: one.saves
        for one in course.load().lessons
        if one.saves and (running is None or one.id in running.lesson.needs)
    }


def saver(lesson: str) -> course.Lesson:
    """Return the entry of a lesson that saves a generator.

    Raises ModelError if course.toml does not say that it does.
    """
    found = {one.id: one for one in course.load().lessons if one.saves}
    if lesson not in found:
        raise ModelError(
            f"course.toml names no generator of lesson {lesson!r}, only of "
            f"{', '.join(found)}: give the lesson that makes it `saves`"
        )
    return found[lesson]


def save(generator: keras.Model, lesson: str) -> Path:
    """Keep a lesson's generator for later lessons and return the file's path.

    `generator` maps noise float32 (n, latent), drawn from N(0, I), or [noise, labels]
    with labels int32 (n,), to images float32 (n, 28, 28, 1) in [0, 1]. It consists of
    Keras's own layers, so that the file opens without the lesson's code. The file says
    what it was made from. Raises ModelError if the generator is not so, or if
    course.toml does not say that the lesson `saves` one.
    """
    entry = saver(lesson)
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
        generators.attach(partial, entry)
    return file


def get(lesson: str, seed: int = 0) -> keras.Model:
    """Return the generator that a lesson saved, or a short version of it.

    `lesson` is one whose generator the running notebook needs, such as "03". A saved
    file counts if it was made from what the course is made from today. Prints what it
    did. The short version, with this seed, is not kept: the lesson's own is better.
    Raises ModelError if course.toml does not declare the need.
    """
    entry, running = saver(lesson), course.running()
    if running and lesson not in (running.lesson.id, *running.lesson.needs):
        raise ModelError(
            f"lesson {running.lesson.id} does not say that it needs the generator of "
            f'lesson {lesson}: add "{lesson}" to its `needs` in course.toml'
        )
    file, name = path(lesson), entry.saves
    if not file.is_file():
        print(f"{name}: lesson {lesson} has saved none here; training a short version")
        return SHORT[lesson](seed)
    changed = generators.changes(entry)
    if changed:
        print(
            f"{name}: what lesson {lesson} saved is of another version of the course "
            f"({', '.join(changed)}); training a short version"
        )
        return SHORT[lesson](seed)
    kept = generators.record(file)
    own = " with your changes" if kept and kept.own_code else ""
    print(f"{name}: as lesson {lesson} saved it{own}")
    return keras.models.load_model(file)


def save_all(named: Mapping[str, keras.Model], lesson: str) -> list[Path]:
    """Keep the generators of a lesson that trains several; return the files' paths.

    `named` maps each name that course.toml's `saves = ["...", "..."]` lists for the
    lesson to its generator: noise float32 (n, latent), drawn from N(0, I), or [noise,
    labels] with labels int32 (n,), to images float32 (n, 28, 28, 1) in [0, 1]. Its
    layers are Keras's own or classes of `digitdreams.models`, registered with
    `keras.saving.register_keras_serializable("digitdreams")`: a loop over pixels,
    tokens or steps is such a layer. Each file says what it was made from. Raises
    ModelError if a generator is not so, or if the names are not those of course.toml;
    nothing is kept then.
    """
    entry = course.load().find(lesson)
    files = generators.paths(entry)
    if entry.saves or set(named) != set(files):
        listed = ", ".join(f'"{name}"' for name in named)
        raise ModelError(
            f"course.toml does not say that lesson {lesson} saves these: give it "
            f"`saves = [{listed}]`"
        )
    for name, generator in named.items():
        check(generator, name)
    for name, generator in named.items():
        with replacing(files[name]) as partial:
            generator.save(partial)
            generators.attach(partial, entry)
    return list(files.values())


def check(generator: keras.Model, name: str) -> None:
    """Raise ModelError if a generator is not as `save_all` asks."""
    if not getattr(generator, "inputs", None):
        raise ModelError(f"{name} has no inputs: build it with keras.Model(in, out)")
    images, _ = sample(generator, 10)
    if images.shape != (10, 28, 28, 1):
        raise ModelError(f"{name} makes {images.shape}, not (n, 28, 28, 1)")
    if not (images.min() >= 0 and images.max() <= 1):
        raise ModelError(
            f"{name}'s images lie in [0, 1]; these reach from {images.min():.3g} to "
            f"{images.max():.3g} (is the sigmoid missing, or a clip?)"
        )
    for layer in generator._flatten_layers():
        kind = type(layer)
        package, _, _ = kind.__module__.partition(".")
        if package not in ("keras", "digitdreams") or isinstance(layer, layers.Lambda):
            raise ModelError(
                f"{name} has a layer {kind.__name__}: only Keras's own layers and "
                "those of digitdreams.models can be shared"
            )
        registered = keras.saving.get_registered_name(kind)
        if package == "digitdreams" and not registered.startswith("digitdreams>"):
            raise ModelError(
                f"{name} has a layer {kind.__name__} that Keras cannot find again: "
                "give its class "
                '@keras.saving.register_keras_serializable("digitdreams")'
            )


def get_all(lesson: str) -> dict[str, keras.Model]:
    """Return the generators that a lesson kept with `save_all`, by name.

    `lesson` is one whose generators the running notebook needs, such as "11". Files
    count if they were made from what the course is made from today. Raises ModelError,
    saying what to do, if they are missing, do not count, or if course.toml does not
    declare the need.
    """
    entry, running = course.load().find(lesson), course.running()
    if not entry.generators or entry.saves:
        raise ModelError(f"course.toml names no list of generators of lesson {lesson}")
    if running and lesson not in (running.lesson.id, *running.lesson.needs):
        raise ModelError(
            f"lesson {running.lesson.id} does not say that it needs the generators of "
            f'lesson {lesson}: add "{lesson}" to its `needs` in course.toml'
        )
    remedy = f"run that lesson, or type `digitdreams run {lesson}`"
    try:
        changed = generators.changes(entry)
    except FileNotFoundError as error:
        raise ModelError(f"{error}: {remedy}") from None
    if changed:
        raise ModelError(
            f"what lesson {lesson} saved is of another version of the course "
            f"({', '.join(changed)}): {remedy}"
        )
    return {name: load(file) for name, file in generators.paths(entry).items()}


def load(file: Path) -> keras.Model:
    """Return the generator in a file, whatever layers of this package it has."""
    for module in pkgutil.iter_modules(__path__):  # so that Keras knows the layers
        importlib.import_module(f"{__name__}.{module.name}")
    return keras.models.load_model(file)


def sample(
    generator: keras.Model, count: int, seed: int = 0
) -> tuple[np.ndarray, np.ndarray | None]:
    """Draw images float32 (count, 28, 28, 1) and their labels int32 (count,).

    Labels are 0 to 9 in turn, or None for a generator that takes none. The same seed
    gives the same draw.
    """
    shape = generator.inputs[0].shape
    noise = np.random.default_rng(seed).normal(size=(count, shape[-1]))
    noise, labels = noise.astype("float32"), np.arange(count, dtype="int32") % 10
    conditional = len(generator.inputs) == 2

    def draw(*given: Tensor) -> Tensor:
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
