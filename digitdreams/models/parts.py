"""What the generators of the course have in common: optimisers, penalties, training."""

from collections.abc import Callable
from typing import Any, TypeAlias

import keras
import tensorflow as tf
from keras import layers, ops

from digitdreams import data
from digitdreams.progress import Progress

Tensor: TypeAlias = Any  # of the backend; Keras gives it no type

STEPS_AT_ONCE = 20


def rising_and_falling(
    rate: float, steps: int
) -> keras.optimizers.schedules.LearningRateSchedule:
    """A learning rate that rises for a tenth of the steps, then falls to 0."""
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0,
        warmup_target=rate,
        warmup_steps=max(1, steps // 10),
        decay_steps=max(1, steps - steps // 10),
    )


def adam(
    network: keras.Model, rate: float, steps: int = 0, beta_1: float = 0.0
) -> keras.optimizers.Adam:
    """Return Adam, built for the weights of one player of a game.

    Built, because a compiled loop cannot make variables. With `steps`, the learning
    rate falls to 0 over so many, along a cosine. `beta_1` is 0 unless told: the
    gradients of the past belong to an opponent who is gone.
    """
    if steps:
        rate = keras.optimizers.schedules.CosineDecay(rate, steps)
    optimizer = keras.optimizers.Adam(rate, beta_1=beta_1, beta_2=0.99)
    optimizer.build(network.trainable_weights)
    return optimizer


def squared_slope(score: Callable[[Tensor], Tensor], inputs: Tensor) -> Tensor:
    """Return the squared length of d score / d input of each example: (batch,).

    `score` is a function or network that gives each example of `inputs` (batch, ...)
    one number, which must not depend on the others of the batch. Its mean over real
    images is the penalty R1: Mescheder et al. (2018), "Which training methods for GANs
    do actually converge?".
    """
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        scores = score(inputs)
    slopes = tape.gradient(scores, inputs)
    return ops.sum(ops.square(slopes), axis=range(1, len(inputs.shape)))


def train(model: Any, epochs: float, seed: int, split: data.Split) -> Any:
    steps = max(1, round(epochs * len(split.images) / model.batch_size))
    model.prepare(steps)
    batches = data.batches(split, model.batch_size, seed).repeat()
    model.fit(
        batches,
        steps_per_epoch=steps,
        shuffle=False,
        verbose=0,
        callbacks=[Progress(model.title)],
    )
    return model


def one_hot(labels: Tensor) -> Tensor:
    # A fixed table, because every Keras layer in a shared file is a built-in one.
    return layers.Embedding(
        10, 10, embeddings_initializer="identity", trainable=False, name="one_hot"
    )(labels)
