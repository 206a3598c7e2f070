"""What the leaderboard measures of a generator, where the answer is known."""

import time

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from digitdreams import data, scores

pytestmark = pytest.mark.slow


def of_images(images):
    """A conditional generator that draws ten given images, by label."""
    noise, labels = keras.Input((2,)), keras.Input((), dtype="int32")
    table = layers.Embedding(10, 784, trainable=False)
    x = layers.Reshape((28, 28, 1))(table(labels))
    still = layers.Reshape((1, 1, 1))(
        layers.Dense(1, kernel_initializer="zeros")(noise)
    )
    generator = keras.Model([noise, labels], layers.Add()([x, still]))
    table.set_weights([images.reshape(10, 784)])
    return generator


@pytest.fixture(scope="module")
def one_of_each():
    train = data.load().train
    return np.stack([train.images[train.labels == digit][0] for digit in range(10)])


def test_copies_are_caught_and_teach_little(one_of_each):
    generator = of_images(one_of_each)
    found = scores.measure(generator, seed=1, samples=200, teaching=2000)
    assert found["near_copies"] == 1.0
    assert found["label_accuracy"] == 1.0
    assert 0.2 < found["classification_accuracy"] < 0.8  # ten images, again and again
    assert found["fid_over_floor"] > 1 and found["recall"] < 0.1
    assert found["weights"] == 7840 + 3
    assert 0 < found["milliseconds"] < 100


def test_a_generator_without_labels_has_no_scores_of_labels():
    noise = keras.Input((3,))
    x = layers.Dense(784, activation="sigmoid")(noise)
    generator = keras.Model(noise, layers.Reshape((28, 28, 1))(x))
    found = scores.measure(generator, seed=1, samples=200)
    assert found["label_accuracy"] is found["classification_accuracy"] is None
    assert found["near_copies"] == 0.0  # grey noise is near nothing


def test_real_images_teach_well_and_labels_must_fit():
    train = data.load().train
    images, labels = train.images[:10_000], train.labels[:10_000]
    accuracy = scores.classification_accuracy(images, labels, seed=1)
    assert 0.94 < accuracy < 0.985
    assert scores.classification_accuracy(images, labels, seed=1) == pytest.approx(
        accuracy, abs=0.003
    )
    wrong = scores.classification_accuracy(images, (labels + 1) % 10, seed=1)
    assert wrong < 0.02
    with pytest.raises(ValueError, match="as many labels"):
        scores.classification_accuracy(images, labels[:5])


class Waiting(layers.Layer):
    """Takes 0.3 seconds for a batch of any size."""

    def call(self, x):
        def wait(x):
            time.sleep(0.3)
            return x

        return tf.ensure_shape(tf.py_function(wait, [x], x.dtype), (None, 784))


def test_time_is_that_of_one_image():
    noise = keras.Input((784,))
    slow = keras.Model(noise, layers.Reshape((28, 28, 1))(Waiting()(noise)))
    one = scores.milliseconds_to_draw(slow, batch=100, draws=3)
    assert 3 <= one < 6  # 300 ms for 100 images


def test_validation_images_are_the_scale_of_near_copies():
    digits = data.load()
    assert scores.near_copies(digits.validation.images) == pytest.approx(
        0.01, abs=0.002
    )
    assert scores.near_copies(digits.train.images) == 1.0
