"""Drawing pixel by pixel from a network that sees only earlier pixels."""

import keras
import numpy as np
import pytest
from keras import layers, ops
from scipy.stats import norm

from digitdreams import models
from digitdreams.models.pixels import PIXELS, pixel_generator

MEAN = np.linspace(0, 0.5, PIXELS, dtype="float32")


class Masked(layers.Dense):
    mask = np.triu(np.ones((PIXELS, PIXELS), "float32"), 1)

    def call(self, x):
        return ops.matmul(x, self.kernel * self.mask) + self.bias


@pytest.fixture(scope="module")
def net():
    keras.utils.set_random_seed(1)
    images = keras.Input((28, 28, 1))
    logits = Masked(PIXELS)(3 * (layers.Flatten()(images) - MEAN))
    return keras.Model(images, layers.Reshape((28, 28, 1))(logits))


def one_by_one(net, noise):
    """The same draw as it is explained: one pixel after the other."""
    masked = next(one for one in net.layers if isinstance(one, Masked))
    kernel, bias = masked.get_weights()
    kernel = 3.0 * kernel * Masked.mask
    images, logits = np.zeros(noise.shape), bias - MEAN @ kernel + 0 * noise
    for i in range(PIXELS):
        images[:, i] = norm.cdf(noise[:, i]) < 1 / (1 + np.exp(-logits[:, i]))
        logits += images[:, i, None] * kernel[i]
    return 1 / (1 + np.exp(-logits))


def test_guessing_and_correcting_gives_the_draw_pixel_by_pixel(net):
    noise = np.random.default_rng(2).normal(size=(6, PIXELS)).astype("float32")
    drawn = ops.convert_to_numpy(pixel_generator(net)(noise))
    assert drawn.shape == (6, 28, 28, 1)
    assert np.allclose(drawn.reshape(6, -1), one_by_one(net, noise), atol=1e-3)


def test_it_can_be_shared(net, tmp_path):
    generator = pixel_generator(net)
    models.check(generator, "MADE")
    generator.save(tmp_path / "made.keras")
    found, _ = models.sample(models.load(tmp_path / "made.keras"), 4, seed=3)
    assert np.allclose(found, models.sample(generator, 4, seed=3)[0], atol=1e-6)
