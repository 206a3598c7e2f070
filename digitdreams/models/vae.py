"""The variational autoencoder of lessons 03 and 04, in compact form."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from digitdreams import data
from digitdreams.models import parts
from digitdreams.models.parts import Tensor, one_hot, rising_and_falling, train

LATENT_SIZE = 16
HIDDEN_SIZES = (512, 256)
BATCH_SIZE = 128
RATE = 6e-3


def train_vae(
    conditional: bool, epochs: float, seed: int = 0, split: data.Split | None = None
) -> "VAE":
    """Train a VAE on the train split, or on another one, and return it."""
    split = split or data.load().train
    return train(VAE(conditional, split.images, seed), epochs, seed, split)


def kl_divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Return KL(q || N(0, I)) in nats: (batch,). Both arguments: (batch, latent).

    q is the normal distribution with these means and, independent of each other, these
    variances. Source: Kingma and Welling (2014), "Auto-encoding variational Bayes".
    """
    each = ops.square(mean) + ops.exp(log_variance) - 1 - log_variance
    return 0.5 * ops.sum(each, axis=1)


def reconstruction_loss(images: Tensor, logits: Tensor) -> Tensor:
    """Return -log p(image | z) in nats: (batch,). Both arguments: (batch, 28, 28, 1).

    Pixels lie in [0, 1]; `logits` are those of the probability of ink.
    """
    each = ops.binary_crossentropy(images, logits, from_logits=True)
    return ops.sum(each, axis=(1, 2, 3))


class Sampling(layers.Layer):
    """Draw z = mean + standard deviation * noise, the noise from N(0, I)."""

    def __init__(self, seed: int | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.random = keras.random.SeedGenerator(seed)

    def call(self, mean: Tensor, log_variance: Tensor) -> Tensor:
        noise = keras.random.normal(ops.shape(mean), seed=self.random)
        return mean + ops.exp(0.5 * log_variance) * noise


def with_prior(
    decoder: keras.Model,
    means: Sequence[np.ndarray] | np.ndarray,
    covariances: Sequence[np.ndarray] | np.ndarray,
) -> keras.Model:
    """Return the generator whose codes have a normal distribution for each label.

    `decoder` maps [codes (n, latent), labels (n,)] to logits (n, 28, 28, 1); `means` is
    (10, latent), `covariances` (10, latent, latent). The generator maps noise from
    N(0, I) and labels to images in [0, 1]: with the Cholesky root L of a covariance,
    mean + L noise has that covariance. Raises numpy.linalg.LinAlgError where one is
    not positive definite.
    """
    centres, roots = np.asarray(means), np.linalg.cholesky(np.asarray(covariances))
    size = centres.shape[1]
    noise = keras.Input((size,), name="noise")
    labels = keras.Input((), dtype="int32", name="labels")
    root = layers.Reshape((size, size))(_table(roots)(labels))
    moved = layers.Dot(axes=(1, 2))([noise, root])
    codes = layers.Add()([moved, _table(centres)(labels)])
    images = layers.Activation("sigmoid")(decoder([codes, labels]))
    return keras.Model([noise, labels], images)


def _table(rows: np.ndarray) -> layers.Layer:
    """Return a layer that looks up a row, made flat, by its number."""
    rows = np.reshape(rows, (len(rows), -1))
    start = keras.initializers.Constant(rows)
    return layers.Embedding(*rows.shape, embeddings_initializer=start, trainable=False)


class VAE(keras.Model):
    """A dense VAE, of the digits alone or of digits given their labels.

    Batches are pairs (images, labels). `generator` is the decoder with probabilities;
    its noise is the code. With labels, `fitted_generator` draws better.
    """

    batch_size = BATCH_SIZE

    def __init__(
        self,
        conditional: bool,
        images: np.ndarray,
        seed: int = 0,
        latent_size: int = LATENT_SIZE,
    ):
        super().__init__()
        self.conditional = conditional
        self.latent_size = latent_size
        self.title = "conditional VAE" if conditional else "VAE"
        mean = images.mean(axis=0).clip(0.001, 0.999)
        self.encoder = self._build_encoder(mean)
        self.decoder = self._build_decoder(np.log(mean / (1 - mean)))
        probabilities = layers.Activation("sigmoid")(self.decoder.output)
        self.generator = keras.Model(self.decoder.input, probabilities)
        self.sampling = Sampling(seed)
        self.average = keras.metrics.Mean("negative_elbo")

    def _inputs(self, first: Tensor) -> tuple[Tensor, Tensor]:
        if not self.conditional:
            return first, first
        labels = keras.Input((), dtype="int32", name="labels")
        x = layers.Flatten()(first)
        return [first, labels], layers.Concatenate()([x, one_hot(labels)])

    def _build_encoder(self, mean: np.ndarray) -> keras.Model:
        images = keras.Input((28, 28, 1), name="images")
        inputs, _ = self._inputs(images)
        x = layers.Flatten()(layers.Rescaling(1.0, offset=-mean)(images))
        if self.conditional:
            x = layers.Concatenate()([x, one_hot(inputs[1])])
        for size in HIDDEN_SIZES:
            x = layers.Dense(size, activation="swish")(x)
        narrowness = layers.Dense(self.latent_size, activation="softplus")(x)
        return keras.Model(inputs, [layers.Dense(self.latent_size)(x), -narrowness])

    def _build_decoder(self, mean_logits: np.ndarray) -> keras.Model:
        inputs, x = self._inputs(keras.Input((self.latent_size,), name="noise"))
        for size in reversed(HIDDEN_SIZES):
            x = layers.Dense(size, activation="swish")(x)
        start = keras.initializers.Constant(mean_logits.ravel())
        x = layers.Dense(28 * 28, bias_initializer=start)(x)
        return keras.Model(inputs, layers.Reshape((28, 28, 1))(x))

    def prepare(self, steps: int) -> None:
        """Compile for so many steps."""
        rate = rising_and_falling(RATE, steps)
        optimizer = keras.optimizers.Adam(rate, beta_2=0.99)
        # XLA makes dense networks faster once its compilation has paid off.
        self.compile(
            optimizer, jit_compile=steps > 400, steps_per_execution=parts.STEPS_AT_ONCE
        )

    def call(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        """Return the negative ELBO of each image in nats, with one draw of z."""
        images, labels = batch
        given = [labels] if self.conditional else []
        mean, log_variance = self.encoder([images, *given] if given else images)
        z = self.sampling(mean, log_variance)
        logits = self.decoder([z, *given] if given else z)
        return reconstruction_loss(images, logits) + kl_divergence(mean, log_variance)

    def train_step(self, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        with tf.GradientTape() as tape:
            cost = self(batch)
            loss = ops.mean(cost)
        gradients = tape.gradient(loss, self.trainable_weights)
        self.optimizer.apply(gradients, self.trainable_weights)
        self.average.update_state(cost)
        return {"negative_elbo": self.average.result()}

    def fitted_generator(self, split: data.Split) -> keras.Model:
        """Return the generator with the prior of each label fitted to its codes.

        As lesson 04 keeps it: one normal distribution for each label, with the mean and
        the covariance of codes drawn for the images of the split (each label needs
        two). Only with labels.
        """
        proposals = self.encoder.predict(list(split), batch_size=1000, verbose=0)
        codes = ops.convert_to_numpy(self.sampling(*proposals))
        of_label = [codes[split.labels == label] for label in range(10)]
        means = [part.mean(axis=0) for part in of_label]
        ridge = 1e-3 * np.eye(self.latent_size)  # as the lesson's reg_covar
        covariances = [np.cov(part.T) + ridge for part in of_label]
        return with_prior(self.decoder, means, covariances)
