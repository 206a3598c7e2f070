"""Tasks of exercise 05: repair the GANs in circulation."""

import itertools
import math

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from digitdreams import judge, learning, metrics
from digitdreams.inputs import grey_images, normal
from digitdreams.tasks import Training, task

# Task 1: gan_losses (find the bugs)


def logits_inputs(rng):
    for real, fake in ((5, 5), (6, 3)):
        yield {
            "real_logits": 2 * normal(rng, real) + 1,
            "fake_logits": 2 * normal(rng, fake) - 1,
        }
    sure = np.array([-90.0, 60.0, 2.0], "float32")
    yield {"real_logits": sure + normal(rng, 3), "fake_logits": -sure}


@task(
    points=3,
    inputs=logits_inputs,
    hints=[
        "What does BinaryCrossentropy() take its second argument for, and "
        "which label does the generator wish for its images?",
        "BinaryCrossentropy has an option that says that logits come in. The "
        "generator wants its images to be called real, which is 1.",
        "cost = keras.losses.BinaryCrossentropy(from_logits=True), and the "
        "generator's loss is cost(ops.ones_like(...), fake_logits).",
    ],
)
def gan_losses(real_logits, fake_logits):
    real = ops.mean(ops.softplus(-real_logits))
    fake = ops.mean(ops.softplus(fake_logits))
    return real + fake, ops.mean(ops.softplus(-fake_logits))


@gan_losses.also_right
def losses_by_keras(real_logits, fake_logits):
    cost = keras.losses.BinaryCrossentropy(from_logits=True)
    real = cost(ops.ones_like(real_logits), real_logits)
    fake = cost(ops.zeros_like(fake_logits), fake_logits)
    return [real + fake, cost(ops.ones_like(fake_logits), fake_logits)]


@gan_losses.wrong(
    "Both mistakes are still there: say from_logits=True, and train the "
    "generator with the label 1."
)
def losses_of_the_article(real_logits, fake_logits):
    cost = keras.losses.BinaryCrossentropy()
    real = cost(ops.ones_like(real_logits), real_logits)
    fake = cost(ops.zeros_like(fake_logits), fake_logits)
    return real + fake, cost(ops.zeros_like(fake_logits), fake_logits)


@gan_losses.wrong(
    "The logits are still taken for probabilities: say from_logits=True. "
    "Anything outside 0 to 1 is cut off, and there the gradient is 0."
)
def losses_of_probabilities(real_logits, fake_logits):
    cost = keras.losses.BinaryCrossentropy()
    real = cost(ops.ones_like(real_logits), real_logits)
    fake = cost(ops.zeros_like(fake_logits), fake_logits)
    return real + fake, cost(ops.ones_like(fake_logits), fake_logits)


@gan_losses.wrong(
    "The generator still learns with the label fake: it gets better at being "
    "found out. Its label is 1."
)
def losses_labelled_fake(real_logits, fake_logits):
    fake = ops.mean(ops.softplus(fake_logits))
    return gan_losses(real_logits, fake_logits)[0], fake


@gan_losses.wrong(
    "This is the minimax loss log(1 - D(G(z))): it is flat where the "
    "discriminator is sure. Use -log D(G(z))."
)
def losses_saturating(real_logits, fake_logits):
    fake = ops.mean(ops.softplus(fake_logits))
    return gan_losses(real_logits, fake_logits)[0], -fake


def probability(logits):
    return 1 / (1 + np.exp(-np.asarray(logits, "float64")))


@gan_losses.wrong(
    "The discriminator's loss is not the logarithm of a sum: -log D(x) and "
    "-log(1 - D(G(z))) are averaged separately and added. The logarithm of "
    "the sum rewards D for believing fakes; at D = 1 and 0.8 it gives -log "
    "1.8 = -0.588."
)
def losses_of_the_sum(real_logits, fake_logits):
    count = min(len(real_logits), len(fake_logits))
    total = probability(real_logits[:count]) + probability(fake_logits[:count])
    return -np.log(total).mean(), gan_losses(real_logits, fake_logits)[1]


@gan_losses.wrong(
    "These are bits: use the natural logarithm. At D = 0.8 the loss is 0.223, "
    "not 0.322."
)
def losses_in_bits(real_logits, fake_logits):
    return [one / math.log(2) for one in gan_losses(real_logits, fake_logits)]


@gan_losses.wrong(
    "Real and fake are swapped: the more real an image looks, the higher is D."
)
def losses_with_labels_swapped(real_logits, fake_logits):
    return gan_losses(-real_logits, -fake_logits)


@gan_losses.wrong(
    "The arguments are swapped: Keras's losses take the labels first, then "
    "the logits."
)
def losses_with_arguments_swapped(real_logits, fake_logits):
    def cost(labels, logits):
        return keras.losses.BinaryCrossentropy(from_logits=True)(
            logits, labels
        )

    real = cost(ops.ones_like(real_logits), real_logits)
    fake = cost(ops.zeros_like(fake_logits), fake_logits)
    return real + fake, cost(ops.ones_like(fake_logits), fake_logits)


@gan_losses.wrong(
    "You summed over the batch: average over it, or the loss depends on its "
    "size."
)
def losses_summed(real_logits, fake_logits):
    real, fake = ops.softplus(-real_logits), ops.softplus(fake_logits)
    return ops.sum(real) + ops.sum(fake), ops.sum(ops.softplus(-fake_logits))


@gan_losses.wrong(
    "The discriminator's loss is half of what it should be: add the two "
    "averages. At logits of 0 it is 1.386."
)
def losses_halved(real_logits, fake_logits):
    judged, made = gan_losses(real_logits, fake_logits)
    return judged / 2, made


@gan_losses.wrong(
    "Right as a formula, but not exact: where the sigmoid rounds to 0 or 1 "
    "the logarithm is infinite. Use softplus, or from_logits=True."
)
def losses_naive(real_logits, fake_logits):
    with np.errstate(all="ignore"):
        real = 1 / (1 + np.exp(-real_logits))
        fake = 1 / (1 + np.exp(-fake_logits))
        judged = -np.log(real).mean() - np.log(1 - fake).mean()
        return judged, -np.log(fake).mean()


# Task 2: build_generator (find the bugs)


def generator_inputs(rng):
    # One case, because Keras takes its time to build a model.
    noise_size = int(rng.integers(4, 9))
    yield {
        "noise_size": noise_size,
        "channels": int(rng.integers(2, 4)),
        # Large, so that a ReLU in place of the sigmoid leaves [0, 1].
        "x": 1000 * normal(rng, 2, noise_size),
    }


def generator_with(
    noise_size, channels, strides=(2, 2), last="sigmoid", normalise=True
):
    noise = keras.Input((noise_size,))
    x = layers.Dense(7 * 7 * channels, activation="relu")(noise)
    x = layers.Reshape((7, 7, channels))(x)
    x = layers.Conv2DTranspose(
        channels, 5, strides=strides[0], padding="same"
    )(x)
    if normalise:
        x = layers.BatchNormalization()(x)
    x = layers.Conv2DTranspose(
        1, 5, strides=strides[1], padding="same", activation=last
    )(layers.ReLU()(x))
    return keras.Model(noise, x)


@task(
    points=3,
    inputs=generator_inputs,
    observe="activations",
    hints=[
        "Which argument is never used? And which side has the map after each "
        "layer? 7 must become 14, then 28.",
        "noise_size is what z_dim stands for. With padding='same' a "
        "Conv2DTranspose multiplies the side by its stride.",
        "noise = keras.Input((noise_size,)), size = 7 * 7 * channels, "
        'options = {"strides": 2, "padding": "same"}, and the last Reshape '
        "goes.",
    ],
)
def build_generator(noise_size, channels):
    return generator_with(noise_size, channels)


@build_generator.also_right
def generator_in_a_row(noise_size, channels):
    return keras.Sequential(
        [
            keras.Input((noise_size,)),
            layers.Dense(49 * channels),
            layers.ReLU(),
            layers.Reshape((7, 7, channels)),
            layers.Conv2DTranspose(channels, 5, 2, padding="same"),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Conv2DTranspose(1, 5, 2, padding="same"),
            layers.Activation("sigmoid"),
        ]
    )


@build_generator.wrong(
    "A name is still not defined: z_dim is the argument noise_size, and 7 * 7 "
    "* channels needs no np."
)
def generator_of_undefined_names(noise_size, channels):
    noise = keras.Input((z_dim,))  # noqa: F821
    return keras.Model(noise, layers.Dense(7 * 7 * channels)(noise))


@build_generator.wrong(
    "The names are defined now, but 49 numbers cannot be reshaped to 784. Let "
    "both strides double the side, then no Reshape is needed at the end."
)
def generator_reshaped(noise_size, channels):
    small = generator_with(noise_size, channels, strides=(1, 1))
    return keras.Sequential([*small.layers, layers.Reshape((28, 28, 1))])


@build_generator.wrong(
    "The Reshape is gone, but the images are 7 x 7: both strides have to be 2."
)
def generator_not_growing(noise_size, channels):
    return generator_with(noise_size, channels, strides=(1, 1))


@build_generator.wrong("The images are 14 x 14: only one of the strides is 2.")
def generator_growing_once(noise_size, channels):
    return generator_with(noise_size, channels, strides=(2, 1))


@build_generator.wrong(
    "The pixels reach from -1 to 1: keep the sigmoid, because the real ones "
    "lie between 0 and 1."
)
def generator_with_tanh(noise_size, channels):
    return generator_with(noise_size, channels, last="tanh")


@build_generator.wrong(
    "The sigmoid is gone: keep it, because the pixels of real images lie "
    "between 0 and 1."
)
def generator_of_logits(noise_size, channels):
    return generator_with(noise_size, channels, last=None)


@build_generator.wrong(
    "The batch normalisation is gone: it was right, keep it."
)
def generator_not_normalised(noise_size, channels):
    return generator_with(noise_size, channels, normalise=False)


@build_generator.wrong("The ReLUs are gone: they were right, keep them.")
def generator_without_relu(noise_size, channels):
    return keras.Sequential(
        [
            keras.Input((noise_size,)),
            layers.Dense(49 * channels),
            layers.Reshape((7, 7, channels)),
            layers.Conv2DTranspose(channels, 5, 2, padding="same"),
            layers.BatchNormalization(),
            layers.Conv2DTranspose(1, 5, 2, "same", activation="sigmoid"),
        ]
    )


@build_generator.wrong(
    "A dense layer at the end gives 28 x 28, too, but knows no neighbours and "
    "has most of the weights. Let the strides do it."
)
def generator_by_dense(noise_size, channels):
    small = generator_with(noise_size, channels, strides=(1, 1))
    end = [layers.Flatten(), layers.Dense(784, "sigmoid")]
    end = [*end, layers.Reshape((28, 28, 1))]
    return keras.Sequential([*small.layers, *end])


# Task 3: build_discriminator (find the bugs)


def image_inputs(rng):
    for channels, rows in ((2, 2), (3, 1)):
        ink = rng.integers(0, 2, size=(rows, 28, 28, 1))
        # Far from 0, so that a logit leaves [0, 1].
        yield {
            "channels": channels,
            "x": (40_000 * ink - 9_000).astype("float32"),
        }


def discriminator_with(channels, leak, flatten=True, last=None):
    images = keras.Input((28, 28, 1))
    x = images
    for size in (channels, 2 * channels):
        x = layers.Conv2D(size, 4, strides=2, padding="same")(x)
        x = leak(x)
    if flatten:
        x = layers.Flatten()(x)
    return keras.Model(images, layers.Dense(1, activation=last)(x))


def leak(x):
    return ops.leaky_relu(x, negative_slope=0.2)


@task(
    points=2,
    inputs=image_inputs,
    observe="activations",
    hints=[
        "Two lines are at fault, and the text names them. How is a layer "
        "such as Conv2D used in the line above?",
        "The slope below 0 is called negative_slope now. A layer is made "
        "with its settings and then called with the image.",
        "x = ops.leaky_relu(x, negative_slope=0.2) and x = "
        "layers.Flatten()(x)",
    ],
)
def build_discriminator(channels):
    return discriminator_with(channels, leak)


@build_discriminator.also_right
def discriminator_in_a_row(channels):
    first = layers.Conv2D(channels, (4, 4), (2, 2), padding="same")
    second = layers.Conv2D(2 * channels, (4, 4), (2, 2), padding="same")
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            first,
            layers.LeakyReLU(0.2),
            second,
            layers.LeakyReLU(0.2),
            layers.Reshape((-1,)),
            layers.Dense(1),
        ]
    )


@build_discriminator.wrong(
    "leaky_relu does not know alpha any more: write negative_slope=0.2."
)
def discriminator_with_alpha(channels):
    return discriminator_with(channels, lambda x: ops.leaky_relu(x, alpha=0.2))


@build_discriminator.wrong(
    "Flatten(x) hands the image to the making of the layer: make it first, "
    "then call it, Flatten()(x)."
)
def discriminator_flattened_wrongly(channels):
    images = keras.Input((28, 28, 1))
    x = leak(layers.Conv2D(channels, 4, strides=2, padding="same")(images))
    x = leak(layers.Conv2D(2 * channels, 4, strides=2, padding="same")(x))
    x = layers.Flatten(x)
    return keras.Model(images, layers.Dense(1)(x))


@build_discriminator.wrong(
    "The slope below 0 is 0.3, the default of LeakyReLU: say "
    "negative_slope=0.2."
)
def discriminator_leaking_more(channels):
    return discriminator_with(channels, lambda x: layers.LeakyReLU()(x))


@build_discriminator.wrong(
    "The leaky ReLU is gone from both convolutions: it was right, but for the "
    "name of its argument."
)
def discriminator_without_leak(channels):
    return discriminator_with(channels, lambda x: x)


@build_discriminator.wrong(
    "Without Flatten there is a logit for each of 7 x 7 places: one for the "
    "whole image is wanted."
)
def discriminator_never_flat(channels):
    return discriminator_with(channels, leak, flatten=False)


@build_discriminator.wrong(
    "The output went through a sigmoid: return logits, as the losses of task "
    "1 expect."
)
def discriminator_with_sigmoid(channels):
    return discriminator_with(channels, leak, last="sigmoid")


@build_discriminator.wrong(
    "One of the two convolutions is missing: the loop makes one with channels "
    "and one with 2 * channels."
)
def discriminator_of_one_convolution(channels):
    images = keras.Input((28, 28, 1))
    x = layers.Conv2D(channels, 4, strides=2, padding="same")(images)
    x = layers.Flatten()(leak(x))
    return keras.Model(images, layers.Dense(1)(x))


# Task 4: discriminator_step (find the bugs)


def discriminator_inputs(rng):
    for rows, pixels in ((3, 4), (2, 5)):
        shape = (rows, pixels)
        yield {
            "pixels": rng.integers(0, 256, size=shape).astype("float32"),
            "fakes": grey_images(rng, *shape),
            # Small, so that D is sure of nothing and every image counts.
            "weights": 0.5 * normal(rng, pixels),
            "rate": 8.0,  # A long step shows a small slip in the images.
        }


def step_on(real, fakes, weights, rate):
    images = np.concatenate([real, fakes])
    labels = np.repeat([1, 0], [len(real), len(fakes)])
    errors = probability(images @ weights) - labels
    return weights - rate * images.T @ errors / len(images)


@task(
    points=4,
    inputs=discriminator_inputs,
    tolerance=1e-5,
    hints=[
        "Where do the weights enter the loss, and which lines does the tape "
        "see? Which variable is computed and never used?",
        "logits = tf.linalg.matvec(images, weights) is the discriminator. It "
        "belongs inside the with, and so does all that follows up to the "
        "loss. The images are the real ones, brought to 0 to 1, then the "
        "fakes.",
        "images = tf.concat([pixels / 255, fakes], axis=0); with "
        "tf.GradientTape() as tape: logits = ...; costs = "
        "tf.nn.sigmoid_cross_entropy_with_logits(labels, logits); loss = "
        "tf.reduce_mean(costs)",
    ],
)
def discriminator_step(pixels, fakes, weights, rate):
    weights = tf.Variable(weights)
    images = tf.concat([pixels / 255, fakes], axis=0)
    labels = tf.repeat([1.0, 0.0], len(fakes))
    with tf.GradientTape() as tape:
        logits = tf.linalg.matvec(images, weights)
        costs = tf.nn.sigmoid_cross_entropy_with_logits(labels, logits)
        loss = tf.reduce_mean(costs)
    return weights - rate * tape.gradient(loss, weights)


@discriminator_step.also_right
def step_by_hand(pixels, fakes, weights, rate):
    return step_on(pixels / 255, fakes, weights, rate)


@discriminator_step.wrong(
    "The gradient is still None: the loss must be computed from "
    "tf.linalg.matvec(images, weights), and inside the with."
)
def step_of_the_article(pixels, fakes, weights, rate):
    weights = tf.Variable(weights)
    images = tf.concat([fakes, fakes], axis=0)
    labels = tf.repeat([1.0, 0.0], len(fakes))
    shown = tf.reduce_mean(images, axis=1)
    costs = tf.nn.sigmoid_cross_entropy_with_logits(labels, shown)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(costs)
    return weights - rate * tape.gradient(loss, weights)


@discriminator_step.wrong(
    "There is still no real image in the batch: the first half are fakes with "
    "the label real."
)
def step_without_real_images(pixels, fakes, weights, rate):
    return step_on(fakes, fakes, weights, rate)


@discriminator_step.wrong(
    "The real images reach from -1 to 1, the fakes from 0 to 1: the range "
    "alone gives them away. Divide the pixels by 255."
)
def step_in_another_range(pixels, fakes, weights, rate):
    return step_on(pixels / 127.5 - 1, fakes, weights, rate)


@discriminator_step.wrong(
    "Both are in [-1, 1] now, which would do; but the rest of this program "
    "works in [0, 1]. Leave the fakes, divide the pixels by 255."
)
def step_with_fakes_stretched(pixels, fakes, weights, rate):
    return step_on(pixels / 127.5 - 1, 2 * fakes - 1, weights, rate)


@discriminator_step.wrong(
    "White is 255: divide the pixels by 255, not by 256."
)
def step_of_256_greys(pixels, fakes, weights, rate):
    return step_on(pixels / 256, fakes, weights, rate)


@discriminator_step.wrong(
    "The real images reach up to 255, the fakes up to 1: divide the pixels by "
    "255."
)
def step_not_scaled(pixels, fakes, weights, rate):
    return step_on(pixels, fakes, weights, rate)


@discriminator_step.wrong(
    "The weights have not moved: subtract rate times the gradient."
)
def step_standing_still(pixels, fakes, weights, rate):
    return tf.convert_to_tensor(weights)


@discriminator_step.wrong("The step goes uphill: subtract the gradient.")
def step_upwards(pixels, fakes, weights, rate):
    return step_by_hand(pixels, fakes, weights, -rate)


@discriminator_step.wrong(
    "The loss is the mean over the batch, not the sum: with a sum the step "
    "grows with the batch."
)
def step_summed(pixels, fakes, weights, rate):
    return step_by_hand(pixels, fakes, weights, rate * 2 * len(fakes))


@discriminator_step.wrong(
    "The step is twice too long: here the loss is the mean over the whole "
    "batch, not the sum of two means as in task 1."
)
def step_of_two_means(pixels, fakes, weights, rate):
    return step_by_hand(pixels, fakes, weights, 2 * rate)


@discriminator_step.wrong(
    "The labels are swapped: the step makes real images look fake."
)
def step_labelled_wrongly(pixels, fakes, weights, rate):
    return step_on(fakes, pixels / 255, weights, rate)


@discriminator_step.wrong(
    "The sigmoid was applied twice: this cross-entropy takes logits."
)
def step_with_probabilities(pixels, fakes, weights, rate):
    weights = tf.Variable(weights)
    images = np.concatenate([pixels / 255, fakes])
    labels = tf.repeat([1.0, 0.0], len(fakes))
    with tf.GradientTape() as tape:
        sure = tf.sigmoid(tf.linalg.matvec(images, weights))
        costs = tf.nn.sigmoid_cross_entropy_with_logits(labels, sure)
        loss = tf.reduce_mean(costs)
    return weights - rate * tape.gradient(loss, weights)


# Task 5: generator_step (find the bugs)


def generator_step_inputs(rng):
    for rows, noise_size, pixels in ((4, 3, 5), (6, 2, 4)):
        yield {
            "noise": normal(rng, rows, noise_size),
            "kernel": normal(rng, noise_size, pixels),
            "discriminator": normal(rng, pixels),
            "rate": 4.0,
        }


def one_layer(kernel):
    noise = keras.Input((len(kernel),))
    layer = layers.Dense(kernel.shape[1], "sigmoid", use_bias=False)
    generator = keras.Model(noise, layer(noise))
    generator.set_weights([kernel])
    return generator


def cost_of(fakes, discriminator):
    logits = tf.linalg.matvec(fakes, discriminator)
    return tf.reduce_mean(tf.nn.softplus(-logits))


@task(
    points=4,
    inputs=generator_step_inputs,
    hints=[
        "Of whose weights does this step need the gradient? And how else "
        "than with predict can a model be used?",
        "A model can be called like a function, and then gradients pass. The "
        "discriminator need not be watched: it can stay an array.",
        "weights = generator.trainable_weights[0]; ...; fakes = "
        "generator(noise); ...; return [weights - rate * tape.gradient(loss, "
        "weights), discriminator]",
    ],
)
def generator_step(noise, kernel, discriminator, rate):
    generator = one_layer(kernel)
    weights = generator.trainable_weights[0]
    with tf.GradientTape() as tape:
        loss = cost_of(generator(noise), discriminator)
    return [weights - rate * tape.gradient(loss, weights), discriminator]


@generator_step.also_right
def generator_step_with_tensors(noise, kernel, discriminator, rate):
    weights = tf.convert_to_tensor(kernel)
    with tf.GradientTape() as tape:
        tape.watch(weights)
        loss = cost_of(tf.sigmoid(noise @ weights), discriminator)
    return weights - rate * tape.gradient(loss, weights), discriminator


@generator_step.also_right
def generator_step_by_hand(noise, kernel, discriminator, rate):
    fakes = probability(noise @ kernel)
    pull = probability(fakes @ discriminator) - 1
    slopes = pull[:, None] * discriminator * fakes * (1 - fakes)
    return kernel - rate * noise.T @ slopes / len(noise), discriminator


@generator_step.wrong(
    "A tape cannot watch a NumPy array. The discriminator's need not be "
    "watched; an array that has to be becomes a tensor or a tf.Variable first."
)
def step_watching_an_array(noise, kernel, discriminator, rate):
    generator = one_layer(kernel)
    weights = [generator.trainable_weights[0], discriminator]
    with tf.GradientTape() as tape:
        tape.watch(discriminator)
        fakes = generator.predict(noise, verbose=0)
        loss = cost_of(fakes, discriminator)
    moves = tape.gradient(loss, weights)
    return [w - rate * m for w, m in zip(weights, moves, strict=True)]


@generator_step.wrong(
    "A gradient is still None: predict returns an array, which no gradient "
    "passes. Call the model, generator(noise), and take the gradient for its "
    "weights only."
)
def step_of_predicted_fakes(noise, kernel, discriminator, rate):
    generator = one_layer(kernel)
    weights = generator.trainable_weights[0]
    with tf.GradientTape() as tape:
        fakes = generator.predict(noise, verbose=0)
        loss = cost_of(fakes, discriminator)
    return [weights - rate * tape.gradient(loss, weights), discriminator]


@generator_step.wrong(
    "There is no gradient for a NumPy array, and none is needed: the "
    "discriminator stays as it is. Take the gradient for the generator only."
)
def step_with_an_array_as_source(noise, kernel, discriminator, rate):
    generator = one_layer(kernel)
    weights = [generator.trainable_weights[0], discriminator]
    with tf.GradientTape() as tape:
        loss = cost_of(generator(noise), discriminator)
    moves = tape.gradient(loss, weights)
    return [w - rate * m for w, m in zip(weights, moves, strict=True)]


@generator_step.wrong(
    "The discriminator has moved, too: it learns to call fakes real. Take the "
    "gradient for the generator only and return the discriminator as it came."
)
def step_of_both(noise, kernel, discriminator, rate):
    weights = [tf.Variable(kernel), tf.Variable(discriminator)]
    with tf.GradientTape() as tape:
        loss = cost_of(tf.sigmoid(noise @ weights[0]), weights[1])
    moves = tape.gradient(loss, weights)
    return [w - rate * m for w, m in zip(weights, moves, strict=True)]


@generator_step.wrong(
    "The wrong player has moved: this step is the generator's."
)
def step_of_the_discriminator(noise, kernel, discriminator, rate):
    _, moved = step_of_both(noise, kernel, discriminator, rate)
    return [kernel, moved]


@generator_step.wrong(
    "The discriminator has no say in this loss: judge its logits, not the "
    "pixels."
)
def step_comparing_images(noise, kernel, discriminator, rate):
    weights = tf.Variable(kernel)
    with tf.GradientTape() as tape:
        fakes = tf.sigmoid(noise @ weights)
        costs = keras.losses.binary_crossentropy(tf.ones_like(fakes), fakes)
        loss = tf.reduce_mean(costs)
    return [weights - rate * tape.gradient(loss, weights), discriminator]


@generator_step.wrong(
    "The generator gets better at being found out: its loss is softplus of "
    "*minus* the logits."
)
def step_labelled_fake(noise, kernel, discriminator, rate):
    weights = tf.Variable(kernel)
    with tf.GradientTape() as tape:
        fakes = tf.sigmoid(noise @ weights)
        logits = tf.linalg.matvec(fakes, discriminator)
        loss = tf.reduce_mean(tf.nn.softplus(logits))
    return [weights - rate * tape.gradient(loss, weights), discriminator]


@generator_step.wrong(
    "Nothing has moved: subtract rate times the gradient from the generator."
)
def step_of_nobody(noise, kernel, discriminator, rate):
    return [kernel, discriminator]


@generator_step.wrong(
    "Return the weights of both, the generator's first: the check wants to "
    "see that the discriminator did not move."
)
def step_of_the_generator_only(noise, kernel, discriminator, rate):
    return generator_step(noise, kernel, discriminator, rate)[0]


@generator_step.wrong("The step goes uphill: subtract the gradient.")
def generator_step_upwards(noise, kernel, discriminator, rate):
    return generator_step(noise, kernel, discriminator, -rate)


@generator_step.wrong(
    "The step is larger by the size of the batch: the loss is the mean over "
    "it."
)
def generator_step_summed(noise, kernel, discriminator, rate):
    return generator_step(noise, kernel, discriminator, rate * len(noise))


# Task 6: rest_of_script (find the bugs)


def script_inputs(rng):
    images = int(rng.integers(20_000, 60_000))
    for updates, batch_size in ((10_000, 128), (7, 64)):
        yield {
            # Multiples of 0.0004, so that no mean lies between two roundings.
            "losses": [
                round(0.0004 * int(n), 4) for n in rng.integers(800, 5000, 4)
            ],
            "updates": updates,
            "images": images,
            "batch_size": batch_size,
        }
    # 30 updates fill three epochs exactly, 31 need a fourth; some images
    # are left over.
    images = 1000 + int(rng.integers(70, 90))
    for updates in (30, 31):
        yield {
            "losses": [1.5, 0.25],
            "updates": updates,
            "images": images,
            "batch_size": 100,
        }


def mean_of(losses):
    return sum(losses) / len(losses)


@task(
    points=2,
    inputs=script_inputs,
    hints=[
        "Three lines, three mistakes. Begin with the one that stops the "
        "program: what is `losses`?",
        "sum(losses) / len(losses) is a number. updates divided by the "
        "updates of an epoch, rounded up, gives the epochs.",
        "-(-updates // (images // batch_size)), f'loss {mean:.4f}', "
        "'generator.keras'",
    ],
)
def rest_of_script(losses, updates, images, batch_size):
    epochs = -(-updates // (images // batch_size))
    return [epochs, f"loss {mean_of(losses):.4f}", "generator.keras"]


@rest_of_script.also_right
def script_by_ceil(losses, updates, images, batch_size):
    epochs = math.ceil(updates / (images // batch_size))
    return epochs, f"loss {np.mean(losses):.4f}", "generator.keras"


@rest_of_script.wrong(
    "It still stops: a list cannot be written with .4f. Take its mean."
)
def script_of_the_article(losses, updates, images, batch_size):
    line = f"loss {losses:.4f}"
    return [updates, line, "generator.h5"]


@rest_of_script.wrong(
    "The updates are still taken for epochs: divide by the updates in one "
    "epoch, images // batch_size, and round up."
)
def script_of_many_epochs(losses, updates, images, batch_size):
    return [updates, *rest_of_script(losses, updates, images, batch_size)[1:]]


@rest_of_script.wrong(
    "The file is still in the old format: its name ends in .keras."
)
def script_with_old_format(losses, updates, images, batch_size):
    right = rest_of_script(losses, updates, images, batch_size)
    return [*right[:2], "generator.h5"]


@rest_of_script.wrong(
    "This prints the last loss only, and one batch says little: print the "
    "mean."
)
def script_printing_the_last(losses, updates, images, batch_size):
    right = rest_of_script(losses, updates, images, batch_size)
    return [right[0], f"loss {losses[-1]:.4f}", right[2]]


@rest_of_script.wrong(
    "This prints the whole list: print its mean with four places after the "
    "point."
)
def script_printing_the_list(losses, updates, images, batch_size):
    right = rest_of_script(losses, updates, images, batch_size)
    return [right[0], f"loss {losses}", right[2]]


@rest_of_script.wrong(
    "Round up: a part of an epoch counts as a whole one, or the last updates "
    "are missing."
)
def script_rounded_down(losses, updates, images, batch_size):
    right = rest_of_script(losses, updates, images, batch_size)
    return [updates // (images // batch_size), *right[1:]]


@rest_of_script.wrong(
    "An update uses a whole batch: an epoch holds images // batch_size of "
    "them."
)
def script_of_single_images(losses, updates, images, batch_size):
    right = rest_of_script(losses, updates, images, batch_size)
    return [-(-updates // images), *right[1:]]


@rest_of_script.wrong(
    "The images left over at the end of an epoch make no update: it holds "
    "images // batch_size of them."
)
def script_of_all_images(losses, updates, images, batch_size):
    epochs = math.ceil(updates * batch_size / images)
    return [epochs, f"loss {mean_of(losses):.4f}", "generator.keras"]


@rest_of_script.wrong(
    "Where the updates fill the epochs exactly, this is one too many: round "
    "up only what is left over."
)
def script_always_one_more(losses, updates, images, batch_size):
    right = rest_of_script(losses, updates, images, batch_size)
    return [updates // (images // batch_size) + 1, *right[1:]]


# The training: weights come out, and the score is measured here.


def hidden_noise(rng):
    return {}, {"noise": normal(rng, 2000, 32), "rng": rng}


def layer_by_layer(weights):
    """Order the weights as ours are, however the student's were made."""
    kernels = {}
    rest = list(weights)
    for kernel, bias in itertools.pairwise(weights):
        if kernel.ndim > 1:
            kernels[kernel.shape] = [kernel, bias]
            rest = [x for x in rest if x is not kernel and x is not bias]
    dense, grown, last = (
        kernels[shape] for shape in ((32, 784), (5, 5, 16, 16), (5, 5, 1, 16))
    )
    return [*dense, *grown, *rest, *last]


def measure_gan(weights, given, kept):
    generator = build_generator(32, 16)
    generator.set_weights(layer_by_layer(weights))
    drawn = generator.predict(kept["noise"], batch_size=500, verbose=0)
    verdicts = judge.probabilities(drawn)
    signs = learning.of_images(drawn, kept["rng"])
    return {"mnist_score": metrics.inception_score(verdicts), **signs}


TRAINING = Training(
    points=4,
    inputs=hidden_noise,
    probe="def probe():\n    return generator.get_weights()",
    measure=measure_gan,
    needs=("gan_losses", "build_generator", "build_discriminator"),
    signs=learning.OF_IMAGES,  # seeds 1, 2: 1.19, 1.12; 0.63, 0.51; 0
)
