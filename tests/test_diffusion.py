"""The generator that a denoiser becomes: its steps, its guidance, its file."""

from itertools import pairwise

import keras
import numpy as np
import pytest
from keras import layers, ops

from digitdreams import models
from digitdreams.models.diffusion import diffusion_generator

LEVELS = [-6.0, -2.0, 1.0, 5.0]


def denoiser():
    """Return a small network that sees all three inputs, with random weights."""
    keras.utils.set_random_seed(1)
    z, level = keras.Input((784,)), keras.Input((1,))
    labels = keras.Input((), dtype="int32")
    told = layers.Concatenate()([z, level, layers.Embedding(11, 4)(labels)])
    logits = layers.Dense(784)(layers.Dense(32, "tanh")(told))
    return keras.Model([z, level, labels], 3 * logits)


def step_by_step(net, noise, labels, guidance):
    """The same draw as the lesson explains it, in NumPy."""
    z = noise
    for (now, then), scale in zip(pairwise(LEVELS), guidance, strict=True):
        level = np.full((len(z), 1), now, "float32")
        told, free = net([z, level, labels]), net([z, level, 0 * labels + 10])
        image = ops.convert_to_numpy(ops.sigmoid(told + scale * (told - free)))
        rate, spread = (1 / (1 + np.exp(-s * now)) for s in (1, -1))
        implied = (z - rate**0.5 * (2 * image - 1)) / spread**0.5
        rate, spread = (1 / (1 + np.exp(-s * then)) for s in (1, -1))
        z = np.float32(rate**0.5 * (2 * image - 1) + spread**0.5 * implied)
    return image


def test_it_takes_the_steps_of_ddim():
    guidance = [0, 1.5, 2]
    net, labels = denoiser(), np.arange(6, dtype="int32")
    noise = np.random.default_rng(2).normal(size=(6, 784)).astype("float32")
    drawn = diffusion_generator(net, LEVELS, guidance)([noise, labels])
    expected = step_by_step(net, noise, labels, guidance)
    assert drawn.shape == (6, 28, 28, 1)
    assert np.allclose(ops.reshape(drawn, (6, -1)), expected, atol=1e-4)


def test_it_can_be_shared(tmp_path):
    generator = diffusion_generator(denoiser(), LEVELS, [0, 1.5, 1.5])
    models.check(generator, "diffusion")
    generator.save(tmp_path / "diffusion.keras")
    found, _ = models.sample(models.load(tmp_path / "diffusion.keras"), 20, seed=3)
    assert np.allclose(found, models.sample(generator, 20, seed=3)[0], atol=1e-5)


@pytest.mark.parametrize("levels", [[], [1.0], [5.0, -6.0], [-6.0, -6.0, 5.0]])
def test_levels_that_do_not_rise_are_refused(levels):
    with pytest.raises(ValueError, match="rising from noise to image"):
        diffusion_generator(denoiser(), levels, [])


def test_each_step_has_a_scale():
    with pytest.raises(ValueError, match="a scale for each step: 3, not 2"):
        diffusion_generator(denoiser(), LEVELS, [1.0, 1.0])
