"""What the leaderboard measures of one saved generator.

The judge's report stands in `digitdreams.judge`, single metrics in
`digitdreams.metrics`; here is what needs a generator: how useful its images are to
train on, how near they are to training images, and what it costs.
"""

import statistics
import time
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from digitdreams import data, judge, metrics, models

SAMPLES = 5_000  # of the judge's report
TEACHING = 30_000  # images that a classifier learns from
SUSPECTS = 1_000  # samples whose nearest training image is looked up
BATCH = 250  # images that are drawn at a time
DRAWS = 5  # timed batches


def classification_accuracy(
    images: np.ndarray, labels: np.ndarray, seed: int = 0, epochs: int = 2
) -> float:
    """Return the classification accuracy score (CAS), from 0 to 1.

    A new small convolutional network learns from these images only, float32 (n, 28,
    28, 1) in [0, 1] with labels int (n,), and is tested on the real test images; 30,000
    generated images with the labels that they were asked for, as in lesson 08, give
    the score of a generator. It depends on n and on `epochs`: compare only values of
    equal ones. Real training images reach about 0.98. Source: Ravuri and Vinyals
    (2019), "Classification accuracy score for conditional generative models".

    Raises ValueError if there are not as many labels as images.
    """
    if len(images) != len(labels):
        raise ValueError(f"{len(images)} images need as many labels, not {len(labels)}")
    random = keras.random.SeedGenerator(seed)  # leaves the caller's seed as it is
    start = keras.initializers.GlorotUniform(random)
    classifier = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 5, 2, activation="relu", kernel_initializer=start),
            layers.Conv2D(64, 3, 2, activation="relu", kernel_initializer=start),
            layers.Flatten(),
            layers.Dropout(0.3, seed=seed),
            layers.Dense(10, kernel_initializer=start),
        ]
    )
    batches = data.batches((images, labels), 100, seed)
    rate = keras.optimizers.schedules.CosineDecay(0.004, epochs * len(batches))
    classifier.compile(
        keras.optimizers.Adam(rate),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        steps_per_execution=20,
        jit_compile=False,
    )
    classifier.fit(batches, epochs=epochs, shuffle=False, verbose=0)
    test = data.load().test
    found = classifier.predict(test.images, 1000, verbose=0)
    return float((found.argmax(axis=1) == test.labels).mean())


def near_copies(images: np.ndarray, suspects: int = SUSPECTS) -> float:
    """Return the share of images that lie suspiciously near a training image.

    `images` (n, 28, 28, 1) in [0, 1], of which the first `suspects` are looked up.
    Suspicious is a Euclidean distance below that of 99 % of as many validation images,
    so new real images have 0.01. Copies have 1, blurred images without copies may have
    more than 0.01: lesson 08 shows both.
    """
    digits = data.load()
    bank = digits.train.images
    new = metrics.nearest_neighbours(digits.validation.images[:suspects], bank)[1]
    found = metrics.nearest_neighbours(images[:suspects], bank)[1]
    return float((found < np.percentile(new, 1)).mean())


def milliseconds_to_draw(
    generator: keras.Model, batch: int = BATCH, draws: int = DRAWS
) -> float:
    """Return the time to draw one image, in batches: the median of several batches.

    Compiled to a graph; compilation is not counted. It depends on the machine.
    """
    conditional = len(generator.inputs) == 2

    def draw(*given: Any) -> Any:
        given = keras.tree.pack_sequence_as(generator.input, given)
        return generator(given, training=False)

    draw = tf.function(draw)
    random, width = np.random.default_rng(0), generator.inputs[0].shape[-1]
    labels = tf.constant(np.arange(batch, dtype="int32") % 10)
    seconds = []
    for _ in range(draws + 1):
        noise = random.normal(size=(batch, width)).astype("float32")
        given = [tf.constant(noise), labels][: 1 + conditional]
        began = time.perf_counter()
        np.asarray(draw(*given))
        seconds.append(time.perf_counter() - began)
    return 1000 * statistics.median(seconds[1:]) / batch  # the first one compiles


def measure(
    generator: keras.Model,
    seed: int,
    samples: int = SAMPLES,
    teaching: int = TEACHING,
) -> dict[str, float | None]:
    """Return what can be measured of a generator, None where it takes no label.

    `generator` as `models.save` asks, `seed` that of its draws. Keys: `fid_over_floor`,
    `precision`, `recall` (the judge's report on `samples` images), `label_accuracy`,
    `classification_accuracy` (on `teaching` further ones), `near_copies`,
    `milliseconds`, and `weights`, what it needs to draw, counted.
    """
    images, labels = models.sample(generator, samples, seed)
    report = judge.report(images)
    accuracy = useful = None
    if labels is not None:
        accuracy = metrics.label_accuracy(judge.probabilities(images), labels)
        taught, wanted = models.sample(generator, teaching, seed + 1)
        useful = classification_accuracy(taught, np.asarray(wanted), seed)
    return {
        "fid_over_floor": report.fid / report.fid_floor,
        "precision": report.precision,
        "recall": report.recall,
        "label_accuracy": accuracy,
        "classification_accuracy": useful,
        "near_copies": near_copies(images),
        "milliseconds": milliseconds_to_draw(generator),
        "weights": float(generator.count_params()),
    }


def measure_real(seed: int, teaching: int = TEACHING) -> dict[str, float | None]:
    """Return what real images reach in the place of a generator's, as `measure` does.

    Precision and recall are those of one half of the test images against the other,
    the CAS that of training images.
    """
    digits = data.load()
    report = judge.report(digits.test.images[::2])
    chosen = np.random.default_rng(seed).permutation(len(digits.train.images))
    train = (
        digits.train.images[chosen[:teaching]],
        digits.train.labels[chosen[:teaching]],
    )
    return {
        "fid_over_floor": 1.0,
        "precision": report.real_precision,
        "recall": report.real_recall,
        "label_accuracy": judge.record()["accuracy"],
        "classification_accuracy": classification_accuracy(*train, seed),
        "near_copies": 0.01,
        "milliseconds": None,
        "weights": None,
    }
