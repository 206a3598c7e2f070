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
from digitdreams.course import ROOT
from digitdreams.progress import Progress

FOLDER = Path(os.environ.get("DIGITDREAMS_MODELS") or ROOT / "build" / "models")
NAMES = {"03": "VAE", "04": "conditional VAE", "05": "GAN", "07": "conditional GAN"}
SHORT_EPOCHS = {"03": 2, "04": 2, "05": 0.5, "07": 1}

STEPS_AT_ONCE = 20
ROWS_AT_ONCE = 250  # of a sample; larger batches leave the processor's cache

VAE_LATENT_SIZE = 16
VAE_HIDDEN_SIZES = (512, 256)
VAE_BATCH_SIZE = 128
VAE_RATE = 6e-3

GAN_NOISE_SIZE = 32
GAN_GENERATOR_SIZE = 256  # of the dense layer behind the noise
GAN_DISCRIMINATOR_SIZE = 128  # of the dense layer behind the convolutions
GAN_CHANNELS = (64, 32)  # at 7 x 7 and 14 x 14 pixels
GAN_BATCH_SIZE = 32
GAN_GENERATOR_RATE = {False: 6e-3, True: 8e-3}  # without and with labels
GAN_DISCRIMINATOR_RATE = 4e-3
R1_WEIGHT = {False: 0.01, True: 0.02}
R1_IMAGES = 16  # of a batch; the penalty costs a second derivative
R1_EVERY = 8  # steps; the weight is as many times larger then
AVERAGE_DECAY = 0.995


class ModelError(ValueError):
    """A model is not a generator that other lessons can use; the message says why."""


# Keeping and finding --------------------------------------------------------------


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
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f".{os.getpid()}.{file.name}")
    try:
        generator.save(partial)
        os.replace(partial, file)
    finally:
        partial.unlink(missing_ok=True)
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


# Training -------------------------------------------------------------------------


def rising_and_falling(rate: float, steps: int):
    """A learning rate that rises for a tenth of the steps, then falls to 0."""
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0,
        warmup_target=rate,
        warmup_steps=max(1, steps // 10),
        decay_steps=max(1, steps - steps // 10),
    )


def adam(network: keras.Model, rate: float, steps: int = 0, beta_1: float = 0.0):
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


def squared_slope(score, inputs):
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


def train_vae(
    conditional: bool, epochs: float, seed: int = 0, split: data.Split | None = None
) -> "VAE":
    """Train a VAE on the train split, or on another one, and return it."""
    split = split or data.load().train
    return _train(VAE(conditional, split.images, seed), epochs, seed, split)


def train_gan(
    conditional: bool, epochs: float, seed: int = 0, split: data.Split | None = None
) -> "GAN":
    """Train a GAN on the train split, or on another one, and return it."""
    return _train(GAN(conditional, seed), epochs, seed, split or data.load().train)


def _train(model, epochs, seed, split):
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


def _one_hot(labels):
    # A fixed table, because every Keras layer in a shared file is a built-in one.
    return layers.Embedding(
        10, 10, embeddings_initializer="identity", trainable=False, name="one_hot"
    )(labels)


# The variational autoencoder (lessons 03 and 04) -----------------------------------


def kl_divergence(mean, log_variance):
    """Return KL(q || N(0, I)) in nats: (batch,). Both arguments: (batch, latent).

    q is the normal distribution with these means and, independent of each other, these
    variances. Source: Kingma and Welling (2014), "Auto-encoding variational Bayes".
    """
    each = ops.square(mean) + ops.exp(log_variance) - 1 - log_variance
    return 0.5 * ops.sum(each, axis=1)


def reconstruction_loss(images, logits):
    """Return -log p(image | z) in nats: (batch,). Both arguments: (batch, 28, 28, 1).

    Pixels lie in [0, 1]; `logits` are those of the probability of ink.
    """
    each = ops.binary_crossentropy(images, logits, from_logits=True)
    return ops.sum(each, axis=(1, 2, 3))


class Sampling(layers.Layer):
    """Draw z = mean + standard deviation * noise, the noise from N(0, I)."""

    def __init__(self, seed: int | None = None, **kwargs):
        super().__init__(**kwargs)
        self.random = keras.random.SeedGenerator(seed)

    def call(self, mean, log_variance):
        noise = keras.random.normal(ops.shape(mean), seed=self.random)
        return mean + ops.exp(0.5 * log_variance) * noise


def with_prior(decoder: keras.Model, means, covariances) -> keras.Model:
    """Return the generator whose codes have a normal distribution for each label.

    `decoder` maps [codes (n, latent), labels (n,)] to logits (n, 28, 28, 1); `means` is
    (10, latent), `covariances` (10, latent, latent). The generator maps noise from
    N(0, I) and labels to images in [0, 1]: with the Cholesky root L of a covariance,
    mean + L noise has that covariance. Raises numpy.linalg.LinAlgError where one is
    not positive definite.
    """
    means, roots = np.asarray(means), np.linalg.cholesky(covariances)
    size = means.shape[1]
    noise = keras.Input((size,), name="noise")
    labels = keras.Input((), dtype="int32", name="labels")
    root = layers.Reshape((size, size))(_table(roots)(labels))
    moved = layers.Dot(axes=(1, 2))([noise, root])
    codes = layers.Add()([moved, _table(means)(labels)])
    images = layers.Activation("sigmoid")(decoder([codes, labels]))
    return keras.Model([noise, labels], images)


def _table(rows):
    """Return a layer that looks up a row, made flat, by its number."""
    rows = np.reshape(rows, (len(rows), -1))
    start = keras.initializers.Constant(rows)
    return layers.Embedding(*rows.shape, embeddings_initializer=start, trainable=False)


class VAE(keras.Model):
    """A dense VAE, of the digits alone or of digits given their labels.

    Batches are pairs (images, labels). `generator` is the decoder with probabilities;
    its noise is the code. With labels, `fitted_generator` draws better.
    """

    batch_size = VAE_BATCH_SIZE

    def __init__(
        self,
        conditional: bool,
        images: np.ndarray,
        seed: int = 0,
        latent_size: int = VAE_LATENT_SIZE,
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

    def _inputs(self, first):
        if not self.conditional:
            return first, first
        labels = keras.Input((), dtype="int32", name="labels")
        x = layers.Flatten()(first)
        return [first, labels], layers.Concatenate()([x, _one_hot(labels)])

    def _build_encoder(self, mean):
        images = keras.Input((28, 28, 1), name="images")
        inputs, _ = self._inputs(images)
        x = layers.Flatten()(layers.Rescaling(1.0, offset=-mean)(images))
        if self.conditional:
            x = layers.Concatenate()([x, _one_hot(inputs[1])])
        for size in VAE_HIDDEN_SIZES:
            x = layers.Dense(size, activation="swish")(x)
        narrowness = layers.Dense(self.latent_size, activation="softplus")(x)
        return keras.Model(inputs, [layers.Dense(self.latent_size)(x), -narrowness])

    def _build_decoder(self, mean_logits):
        inputs, x = self._inputs(keras.Input((self.latent_size,), name="noise"))
        for size in reversed(VAE_HIDDEN_SIZES):
            x = layers.Dense(size, activation="swish")(x)
        start = keras.initializers.Constant(mean_logits.ravel())
        x = layers.Dense(28 * 28, bias_initializer=start)(x)
        return keras.Model(inputs, layers.Reshape((28, 28, 1))(x))

    def prepare(self, steps: int) -> None:
        """Compile for so many steps."""
        rate = rising_and_falling(VAE_RATE, steps)
        optimizer = keras.optimizers.Adam(rate, beta_2=0.99)
        # XLA makes dense networks faster once its compilation has paid off.
        self.compile(
            optimizer, jit_compile=steps > 400, steps_per_execution=STEPS_AT_ONCE
        )

    def call(self, batch):
        """Return the negative ELBO of each image in nats, with one draw of z."""
        images, labels = batch
        given = [labels] if self.conditional else []
        mean, log_variance = self.encoder([images, *given] if given else images)
        z = self.sampling(mean, log_variance)
        logits = self.decoder([z, *given] if given else z)
        return reconstruction_loss(images, logits) + kl_divergence(mean, log_variance)

    def train_step(self, batch):
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


# The adversarial network (lessons 05 to 07) -----------------------------------------


class GAN(keras.Model):
    """A small DCGAN; with labels, its discriminator ends in a projection.

    Batches are pairs (images, labels). `generator` holds moving averages of the trained
    weights. Sources: Radford et al. (2015), "Unsupervised representation learning with
    deep convolutional generative adversarial networks"; Miyato and Koyama (2018),
    "cGANs with projection discriminator"; Mescheder et al. (2018), "Which training
    methods for GANs do actually converge?" (the penalty R1); Karras et al. (2020),
    "Analyzing and improving the image quality of StyleGAN" (the penalty now and then).
    """

    batch_size = GAN_BATCH_SIZE

    def __init__(self, conditional: bool, seed: int = 0):
        super().__init__()
        self.conditional = conditional
        self.title = "conditional GAN" if conditional else "GAN"
        self.trained = self._build_generator()
        self.generator = self._build_generator()
        self.generator.set_weights(self.trained.get_weights())
        self.discriminator = self._build_discriminator()
        self.random = keras.random.SeedGenerator(seed)
        self.averages = [keras.metrics.Mean(f"{name}_loss") for name in "dg"]

    def _build_generator(self):
        noise = keras.Input((GAN_NOISE_SIZE,), name="noise")
        inputs, one_hot = noise, None
        if self.conditional:
            labels = keras.Input((), dtype="int32", name="labels")
            inputs, one_hot = [noise, labels], _one_hot(labels)
        wide, narrow = GAN_CHANNELS
        options = {"kernel_size": 4, "strides": 2, "padding": "same"}
        x = noise
        x = layers.Dense(GAN_GENERATOR_SIZE, use_bias=False)(x)
        x = self._normalise(x, one_hot)
        x = layers.Dense(7 * 7 * wide, use_bias=False)(x)
        # Each place on its own, not each channel: else no label could move a stroke.
        x = layers.Reshape((7, 7, wide))(self._normalise(x, one_hot))
        x = layers.Conv2DTranspose(narrow, use_bias=False, **options)(x)
        x = self._normalise(x, one_hot)
        x = layers.Conv2DTranspose(1, activation="sigmoid", **options)(x)
        return keras.Model(inputs, x, name="generator")

    def _normalise(self, x, one_hot):
        if one_hot is None:
            return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
        x = layers.BatchNormalization(momentum=0.9, center=False, scale=False)(x)
        channels = x.shape[-1]
        shape = (1,) * (len(x.shape) - 2) + (channels,)
        gain, shift = (
            layers.Reshape(shape)(
                layers.Dense(channels, use_bias=False, kernel_initializer=start)(
                    one_hot
                )
            )
            for start in ("ones", "zeros")
        )
        return layers.ReLU()(layers.Add()([layers.Multiply()([x, gain]), shift]))

    def _build_discriminator(self):
        images = keras.Input((28, 28, 1), name="images")
        inputs, x = images, images
        for channels in reversed(GAN_CHANNELS):
            x = layers.Conv2D(channels, 4, strides=2, padding="same")(x)
            x = layers.LeakyReLU(negative_slope=0.2)(x)
        x = layers.Flatten()(x)
        x = layers.Dense(GAN_DISCRIMINATOR_SIZE)(x)
        x = layers.LeakyReLU(negative_slope=0.2)(x)
        verdict = layers.Dense(1)(x)
        if self.conditional:
            labels = keras.Input((), dtype="int32", name="labels")
            inputs = [images, labels]
            projection = layers.Dense(x.shape[-1], use_bias=False)(_one_hot(labels))
            match = layers.Dot(axes=1)([projection, x])
            verdict = layers.Add()([verdict, match])
        return keras.Model(inputs, verdict, name="discriminator")

    def prepare(self, steps: int) -> None:
        """Compile for so many steps."""
        generator_rate = GAN_GENERATOR_RATE[self.conditional]
        self.optimizers = [
            adam(self.discriminator, GAN_DISCRIMINATOR_RATE, steps),
            adam(self.trained, generator_rate, steps),
        ]
        # XLA makes small convolutions slower on a processor.
        self.compile(jit_compile=False, steps_per_execution=STEPS_AT_ONCE)

    def _draw(self, labels):
        noise = keras.random.normal(
            (ops.shape(labels)[0], GAN_NOISE_SIZE), seed=self.random
        )
        return self.trained(self._with(noise, labels), training=True)

    def _with(self, first, labels):
        return [first, labels] if self.conditional else first

    def train_step(self, batch):
        images, labels = batch
        # The fakes are made once, for both turns: this tape goes on below.
        with tf.GradientTape() as generator_tape:
            fakes = self._draw(labels)
        with tf.GradientTape() as tape:
            seen = self._with(
                ops.concatenate([images, fakes]), ops.concatenate([labels, labels])
            )
            real, fake = ops.split(self.discriminator(seen), 2)
            d_loss = ops.mean(ops.softplus(-real)) + ops.mean(ops.softplus(fake))
            penalty = tf.cond(
                self.optimizers[0].iterations % R1_EVERY == 0,
                lambda: self._steepness(images[:R1_IMAGES], labels[:R1_IMAGES]),
                lambda: 0.0,
            )
            total = d_loss + R1_EVERY * R1_WEIGHT[self.conditional] / 2 * penalty
        weights = self.discriminator.trainable_weights
        self.optimizers[0].apply(tape.gradient(total, weights), weights)
        with generator_tape:
            fake = self.discriminator(self._with(fakes, labels))
            g_loss = ops.mean(ops.softplus(-fake))
        weights = self.trained.trainable_weights
        gradients = generator_tape.gradient(g_loss, weights)
        self.optimizers[1].apply(gradients, weights)
        for average, weight in zip(
            self.generator.weights, self.trained.weights, strict=True
        ):
            average.assign(AVERAGE_DECAY * average + (1 - AVERAGE_DECAY) * weight)
        for mean, loss in zip(self.averages, (d_loss, g_loss), strict=True):
            mean.update_state(loss)
        return {mean.name: mean.result() for mean in self.averages}

    def _steepness(self, images, labels):
        """The mean squared gradient of the verdict on real images (R1)."""

        def verdict(images):
            return self.discriminator(self._with(images, labels))

        return ops.mean(squared_slope(verdict, images))
