"""Our recipes for published ones that `digitdreams.models` has none for.

A flow in the space of principal components, and a density of binary images. Both are
made to be trained in minutes on two cores: whole batches are dense matrix products.
"""

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from digitdreams.models import rising_and_falling

STEPS_AT_ONCE = 20


class Flow(keras.Model):
    """Flow matching with labels, between noise and an image's principal components.

    The network guesses the velocity data - noise at a point between the two. Samples
    follow it in `steps` steps of Euler, guided by the label. Sources: Lipman et al.
    (2023), "Flow matching for generative modeling"; Ho and Salimans (2022),
    "Classifier-free diffusion guidance".
    """

    batch_size = 256
    components, width, blocks, rate = 128, 512, 2, 2e-3
    no_label, label_dropped = 10, 0.1
    decay = 0.995  # of the average of the weights that draws
    steps, guidance = 10, 1.0
    faintest = 0.1  # ink; what is fainter is rounding of the components

    def __init__(self, images: np.ndarray, seed: int = 0):
        super().__init__()
        flat = images.reshape(len(images), -1)
        self.mean = flat.mean(axis=0)
        rows = flat[:20_000] - self.mean
        _, axes = np.linalg.eigh(rows.T @ rows)
        self.axes = axes[:, : -self.components - 1 : -1].astype("float32")
        self.scale = (rows @ self.axes).std()
        self.trained, self.average = self._build_network(), self._build_network()
        self.average.set_weights(self.trained.get_weights())
        self.random = keras.random.SeedGenerator(seed)
        self.loss_mean = keras.metrics.Mean("loss")

    def _build_network(self) -> keras.Model:
        point, time = keras.Input((self.components,)), keras.Input((1,))
        labels = keras.Input((), dtype="int32")
        rates = np.geomspace(1, 1000, 32).astype("float32")
        waves = layers.Dense(32, use_bias=False, trainable=False)
        angles = waves(time)
        waves.set_weights([rates[None]])
        sines = [layers.Activation(wave)(angles) for wave in (ops.sin, ops.cos)]
        known = layers.Embedding(11, 64)(labels)
        known = layers.Concatenate()([*sines, known])
        known = layers.Dense(self.width, "silu")(known)
        x = layers.Add()([layers.Dense(self.width)(point), known])
        for _ in range(self.blocks):
            y = layers.LayerNormalization()(x)
            y = layers.Add()([y, layers.Dense(self.width)(known)])
            y = layers.Dense(2 * self.width, "silu")(y)
            y = layers.Dense(self.width, kernel_initializer="zeros")(y)
            x = layers.Add()([x, y])
        x = layers.LayerNormalization()(x)
        velocity = layers.Dense(self.components, kernel_initializer="zeros")(x)
        return keras.Model([point, time, labels], velocity)

    def prepare(self, steps: int) -> None:
        """Compile for so many steps."""
        optimizer = keras.optimizers.Adam(
            rising_and_falling(self.rate, steps), beta_2=0.99
        )
        optimizer.build(self.trained.trainable_weights)
        self.compile(
            optimizer, jit_compile=steps > 400, steps_per_execution=STEPS_AT_ONCE
        )

    def train_step(self, batch: Any) -> dict[str, Any]:
        images, labels = batch
        flat = ops.reshape(images, (-1, 28 * 28))
        data = ops.matmul(flat - self.mean, self.axes) / self.scale
        noise = keras.random.normal(ops.shape(data), seed=self.random)
        count = ops.shape(data)[0]
        time = ops.sigmoid(keras.random.normal((count, 1), seed=self.random))
        dropped = keras.random.uniform((count,), seed=self.random) < self.label_dropped
        labels = ops.where(dropped, self.no_label, ops.cast(labels, "int32"))
        point = (1 - time) * noise + time * data
        with tf.GradientTape() as tape:
            velocity = self.trained([point, time, labels], training=True)
            loss = ops.mean(ops.square(velocity - (data - noise)))
        weights = self.trained.trainable_weights
        self.optimizer.apply(tape.gradient(loss, weights), weights)
        for average, weight in zip(
            self.average.weights, self.trained.weights, strict=True
        ):
            average.assign(self.decay * average + (1 - self.decay) * weight)
        self.loss_mean.update_state(loss)
        return {"loss": self.loss_mean.result()}

    def draw(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Return images in [0, 1] and their labels, 0 to 9 in turn."""
        random = np.random.default_rng(0)
        noise = random.normal(size=(count, self.components)).astype("float32")
        labels = np.arange(count, dtype="int32") % 10
        asked, nothing = map(tf.constant, (labels, np.full_like(labels, self.no_label)))

        @tf.function
        def follow(x):
            for step in range(self.steps):
                time = tf.fill((count, 1), step / self.steps)
                known = self.average([x, time, asked])
                unknown = self.average([x, time, nothing])
                velocity = known + self.guidance * (known - unknown)
                x += velocity / self.steps
            return x

        images = follow(noise).numpy() * self.scale @ self.axes.T + self.mean
        images = np.where(images < self.faintest, 0, images).clip(0, 1)
        return images.reshape(-1, 28, 28, 1).astype("float32"), labels


class Masked(layers.Dense):
    """A dense layer in which some inputs reach only some outputs."""

    def __init__(self, mask: np.ndarray, **options: Any):
        super().__init__(mask.shape[1], **options)
        self.mask = mask.astype("float32")

    def call(self, inputs: Any) -> Any:
        return self.activation(ops.matmul(inputs, self.kernel * self.mask) + self.bias)


class Pixels(keras.Model):
    """A density of binary images, a pixel at a time: what is far and what is near.

    The logit of a pixel is a sum of two. A MADE sees all pixels that come before, with
    weights of their own for each pixel; its hidden units are spread over the image by
    how uncertain the pixels are. A small convolution sees the rows above and the pixels
    to the left, near by, and its weights are shared. Sources: Germain et al. (2015),
    "MADE: masked autoencoder for distribution estimation"; van den Oord et al. (2016),
    "Pixel recurrent neural networks".
    """

    batch_size = 50
    hidden, dropped, rate = 500, 0.2, 6e-3
    reach, channels = 6, (32, 32)

    def __init__(self, images: np.ndarray, threshold: float, seed: int = 0):
        super().__init__()
        self.threshold = threshold
        self.mean = (images >= threshold).mean(axis=0).clip(0.001, 0.999)
        self.mean = self.mean.astype("float32")
        self.network = self._build_network(seed)
        self.nats = keras.metrics.Mean("nats")

    def _build_network(self, seed: int) -> keras.Model:
        images = keras.Input((28, 28, 1))
        centred = layers.Rescaling(1.0, offset=-self.mean)(images)
        far, near = self._far(centred, seed), self._near(centred)
        start = layers.Rescaling(1.0, offset=np.log(self.mean / (1 - self.mean)))
        return keras.Model(images, start(layers.Add()([far, near])))

    def _far(self, centred: Any, seed: int) -> Any:
        mean, pixels = self.mean.ravel(), np.arange(784)
        doubt = np.cumsum(-mean * np.log(mean) - (1 - mean) * np.log(1 - mean))
        share = (np.arange(self.hidden) + 0.5) / self.hidden
        last = np.searchsorted(doubt / doubt[-1], share).clip(
            0, 782
        )  # that a unit sees
        flat = layers.Flatten()(centred)
        x = Masked(pixels[:, None] <= last, activation="relu")(flat)
        x = layers.Dropout(self.dropped, seed=seed)(x)
        x = Masked(last[:, None] < pixels, kernel_initializer="zeros")(x)
        direct = Masked(pixels[:, None] < pixels, kernel_initializer="zeros")(flat)
        return layers.Reshape((28, 28, 1))(layers.Add()([x, direct]))

    def _near(self, centred: Any) -> Any:
        reach, (first, second) = self.reach, self.channels
        above = layers.ZeroPadding2D(((reach, 0), (reach, reach)))(centred)
        above = layers.Conv2D(first, (reach, 2 * reach + 1))(above)[:, :-1]
        left = layers.ZeroPadding2D(((0, 0), (reach, 0)))(centred)
        left = layers.Conv2D(first, (1, reach), use_bias=False)(left)[:, :, :-1]
        x = layers.ReLU()(layers.Add()([above, left]))
        x = layers.Conv2D(second, 1, activation="relu")(x)
        return layers.Conv2D(1, 1, kernel_initializer="zeros")(x)

    def prepare(self, steps: int) -> None:
        """Compile for so many steps."""
        optimizer = keras.optimizers.Adam(
            rising_and_falling(self.rate, steps), beta_2=0.99
        )
        optimizer.build(self.trainable_weights)
        # XLA makes the convolution a hundred times slower on a processor.
        self.compile(optimizer, jit_compile=False, steps_per_execution=STEPS_AT_ONCE)

    def call(self, batch: Any, training: bool = False) -> Any:
        """Return the negative log-likelihood of each image in nats: (batch,)."""
        images, _ = batch
        binary = ops.cast(images >= self.threshold, "float32")
        logits = self.network(binary, training=training)
        pixels = ops.binary_crossentropy(binary, logits, from_logits=True)
        return ops.sum(pixels, axis=(1, 2, 3))

    def train_step(self, batch: Any) -> dict[str, Any]:
        with tf.GradientTape() as tape:
            nats = self(batch, training=True)
            loss = ops.mean(nats)
        weights = self.trainable_weights
        self.optimizer.apply(tape.gradient(loss, weights), weights)
        self.nats.update_state(nats)
        return {"nats": self.nats.result()}
