"""Tasks of exercise 05: repair the GANs in circulation."""

import math

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from digitdreams.tasks import Task, Wrong


def normal(rng, *shape):
    return rng.normal(size=shape).astype("float32")


# Task 1: gan_losses (find the bugs)


def logits_inputs(rng):
    for real, fake in ((5, 5), (6, 3)):
        yield {
            "real_logits": 2 * normal(rng, real) + 1,
            "fake_logits": 2 * normal(rng, fake) - 1,
        }
    sure = np.array([-90.0, 60.0, 2.0], "float32")
    yield {"real_logits": sure + normal(rng, 3), "fake_logits": -sure}


def gan_losses(real_logits, fake_logits):
    real = ops.mean(ops.softplus(-real_logits))
    fake = ops.mean(ops.softplus(fake_logits))
    return real + fake, ops.mean(ops.softplus(-fake_logits))


def losses_by_keras(real_logits, fake_logits):
    cost = keras.losses.BinaryCrossentropy(from_logits=True)
    real = cost(ops.ones_like(real_logits), real_logits)
    fake = cost(ops.zeros_like(fake_logits), fake_logits)
    return [real + fake, cost(ops.ones_like(fake_logits), fake_logits)]


def losses_of_the_article(real_logits, fake_logits):
    cost = keras.losses.BinaryCrossentropy()
    real = cost(ops.ones_like(real_logits), real_logits)
    fake = cost(ops.zeros_like(fake_logits), fake_logits)
    return real + fake, cost(ops.zeros_like(fake_logits), fake_logits)


def losses_of_probabilities(real_logits, fake_logits):
    cost = keras.losses.BinaryCrossentropy()
    real = cost(ops.ones_like(real_logits), real_logits)
    fake = cost(ops.zeros_like(fake_logits), fake_logits)
    return real + fake, cost(ops.ones_like(fake_logits), fake_logits)


def losses_labelled_fake(real_logits, fake_logits):
    fake = ops.mean(ops.softplus(fake_logits))
    return gan_losses(real_logits, fake_logits)[0], fake


def losses_saturating(real_logits, fake_logits):
    fake = ops.mean(ops.softplus(fake_logits))
    return gan_losses(real_logits, fake_logits)[0], -fake


def probability(logits):
    return 1 / (1 + np.exp(-np.asarray(logits, "float64")))


def losses_of_the_sum(real_logits, fake_logits):
    count = min(len(real_logits), len(fake_logits))
    total = probability(real_logits[:count]) + probability(fake_logits[:count])
    return -np.log(total).mean(), gan_losses(real_logits, fake_logits)[1]


def losses_in_bits(real_logits, fake_logits):
    return [one / math.log(2) for one in gan_losses(real_logits, fake_logits)]


def losses_with_labels_swapped(real_logits, fake_logits):
    return gan_losses(-real_logits, -fake_logits)


def losses_halved(real_logits, fake_logits):
    judged, made = gan_losses(real_logits, fake_logits)
    return judged / 2, made


def losses_naive(real_logits, fake_logits):
    with np.errstate(all="ignore"):
        real = 1 / (1 + np.exp(-real_logits))
        fake = 1 / (1 + np.exp(-fake_logits))
        judged = -np.log(real).mean() - np.log(1 - fake).mean()
        return judged, -np.log(fake).mean()


# Task 2: build_generator (find the bugs)


def generator_inputs(rng):
    for noise_size, channels in ((5, 3), (8, 2)):
        yield {
            "noise_size": noise_size,
            "channels": channels,
            "x": normal(rng, 2, noise_size),
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


def build_generator(noise_size, channels):
    return generator_with(noise_size, channels)


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


def generator_reshaped(noise_size, channels):
    small = generator_with(noise_size, channels, strides=(1, 1))
    return keras.Sequential([*small.layers, layers.Reshape((28, 28, 1))])


def generator_not_growing(noise_size, channels):
    return generator_with(noise_size, channels, strides=(1, 1))


def generator_growing_once(noise_size, channels):
    return generator_with(noise_size, channels, strides=(2, 1))


def generator_with_tanh(noise_size, channels):
    return generator_with(noise_size, channels, last="tanh")


def generator_not_normalised(noise_size, channels):
    return generator_with(noise_size, channels, normalise=False)


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


def build_discriminator(channels):
    return discriminator_with(channels, leak)


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


def discriminator_with_alpha(channels):
    return discriminator_with(channels, lambda x: ops.leaky_relu(x, alpha=0.2))


def discriminator_flattened_wrongly(channels):
    images = keras.Input((28, 28, 1))
    x = leak(layers.Conv2D(channels, 4, strides=2, padding="same")(images))
    x = leak(layers.Conv2D(2 * channels, 4, strides=2, padding="same")(x))
    x = layers.Flatten(x)
    return keras.Model(images, layers.Dense(1)(x))


def discriminator_never_flat(channels):
    return discriminator_with(channels, leak, flatten=False)


def discriminator_with_sigmoid(channels):
    return discriminator_with(channels, leak, last="sigmoid")


def discriminator_of_one_convolution(channels):
    images = keras.Input((28, 28, 1))
    x = layers.Conv2D(channels, 4, strides=2, padding="same")(images)
    x = layers.Flatten()(leak(x))
    return keras.Model(images, layers.Dense(1)(x))


# Task 4: labelled_batch (find the bugs)


def batch_inputs(rng):
    for rows, side in ((3, 2), (2, 3)):
        shape = (rows, side, side, 1)
        yield {
            "pixels": rng.integers(0, 256, size=shape).astype("float32"),
            "fakes": rng.uniform(size=shape).astype("float32"),
        }


def with_labels(real, fakes):
    images = ops.concatenate([real, fakes], axis=0)
    labels = ops.concatenate([ops.ones(len(real)), ops.zeros(len(fakes))])
    return images, labels


def labelled_batch(pixels, fakes):
    return with_labels(pixels / 255, fakes)


def batch_by_numpy(pixels, fakes):
    labels = np.zeros(len(pixels) + len(fakes), "float32")
    labels[: len(pixels)] = 1
    return [np.vstack([pixels / 255, fakes]), labels]


def batch_of_the_article(pixels, fakes):
    return with_labels(fakes, fakes)


def batch_in_another_range(pixels, fakes):
    return with_labels(pixels / 127.5 - 1, fakes)


def batch_with_fakes_stretched(pixels, fakes):
    return with_labels(pixels / 127.5 - 1, 2 * fakes - 1)


def batch_not_scaled(pixels, fakes):
    return with_labels(pixels, fakes)


def batch_with_labels_swapped(pixels, fakes):
    images, labels = labelled_batch(pixels, fakes)
    return images, 1 - labels


def batch_with_fakes_first(pixels, fakes):
    images, labels = with_labels(fakes, pixels / 255)
    return images, 1 - labels


# Task 5: discriminator_step (find the bugs)


def discriminator_inputs(rng):
    for rows, pixels in ((6, 3), (4, 5)):
        yield {
            "images": rng.uniform(size=(rows, pixels)).astype("float32"),
            "labels": np.repeat([1, 0], rows // 2).astype("float32"),
            "weights": normal(rng, pixels),
            "rate": 0.5,
        }


def discriminator_step(images, labels, weights, rate):
    weights = tf.Variable(weights)
    with tf.GradientTape() as tape:
        logits = tf.linalg.matvec(images, weights)
        costs = tf.nn.sigmoid_cross_entropy_with_logits(labels, logits)
        loss = tf.reduce_mean(costs)
    return weights - rate * tape.gradient(loss, weights)


def step_by_hand(images, labels, weights, rate):
    errors = probability(images @ weights) - labels
    return weights - rate * images.T @ errors / len(images)


def step_of_the_article(images, labels, weights, rate):
    weights = tf.Variable(weights)
    shown = tf.reduce_mean(images, axis=1)
    costs = tf.nn.sigmoid_cross_entropy_with_logits(labels, shown)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(costs)
    return weights - rate * tape.gradient(loss, weights)


def step_standing_still(images, labels, weights, rate):
    return tf.convert_to_tensor(weights)


def step_upwards(images, labels, weights, rate):
    return step_by_hand(images, labels, weights, -rate)


def step_summed(images, labels, weights, rate):
    return step_by_hand(images, labels, weights, rate * len(images))


def step_labelled_wrongly(images, labels, weights, rate):
    return step_by_hand(images, 1 - labels, weights, rate)


def step_with_probabilities(images, labels, weights, rate):
    weights = tf.Variable(weights)
    with tf.GradientTape() as tape:
        white = 1 / (1 + tf.exp(-tf.linalg.matvec(images, weights)))
        costs = tf.nn.sigmoid_cross_entropy_with_logits(labels, white)
        loss = tf.reduce_mean(costs)
    return weights - rate * tape.gradient(loss, weights)


# Task 6: generator_step (find the bugs)


def generator_step_inputs(rng):
    for rows, noise_size, pixels in ((4, 3, 5), (6, 2, 4)):
        yield {
            "noise": normal(rng, rows, noise_size),
            "generator": normal(rng, noise_size, pixels),
            "discriminator": normal(rng, pixels),
            "rate": 0.5,
        }


def generator_cost(noise, generator, discriminator):
    fakes = tf.sigmoid(noise @ generator)
    logits = tf.linalg.matvec(fakes, discriminator)
    return tf.reduce_mean(tf.nn.softplus(-logits))


def generator_step(noise, generator, discriminator, rate):
    weights = tf.convert_to_tensor(generator)
    with tf.GradientTape() as tape:
        tape.watch(weights)
        loss = generator_cost(noise, weights, discriminator)
    return [weights - rate * tape.gradient(loss, weights), discriminator]


def generator_gradient(noise, generator, discriminator):
    fakes = probability(noise @ generator)
    pull = probability(fakes @ discriminator) - 1
    slopes = pull[:, None] * discriminator * fakes * (1 - fakes)
    return noise.T @ slopes / len(noise)


def generator_step_by_hand(noise, generator, discriminator, rate):
    move = generator_gradient(noise, generator, discriminator)
    return generator - rate * move, discriminator


def step_watching_arrays(noise, generator, discriminator, rate):
    weights = [generator, discriminator]
    with tf.GradientTape() as tape:
        tape.watch(weights)
        loss = generator_cost(noise, *weights)
    moves = tape.gradient(loss, weights)
    return [w - rate * m for w, m in zip(weights, moves, strict=True)]


def step_of_both(noise, generator, discriminator, rate):
    weights = [tf.Variable(generator), tf.Variable(discriminator)]
    with tf.GradientTape() as tape:
        loss = generator_cost(noise, *weights)
    moves = tape.gradient(loss, weights)
    return [w - rate * m for w, m in zip(weights, moves, strict=True)]


def step_of_the_discriminator(noise, generator, discriminator, rate):
    _, moved = step_of_both(noise, generator, discriminator, rate)
    return [generator, moved]


def step_labelled_fake(noise, generator, discriminator, rate):
    weights = tf.Variable(generator)
    with tf.GradientTape() as tape:
        fakes = tf.sigmoid(noise @ weights)
        logits = tf.linalg.matvec(fakes, discriminator)
        loss = tf.reduce_mean(tf.nn.softplus(logits))
    return [weights - rate * tape.gradient(loss, weights), discriminator]


def step_of_nobody(noise, generator, discriminator, rate):
    return [generator, discriminator]


def step_of_the_generator_only(noise, generator, discriminator, rate):
    return generator_step(noise, generator, discriminator, rate)[0]


def generator_step_upwards(noise, generator, discriminator, rate):
    return generator_step(noise, generator, discriminator, -rate)


# Task 7: fakes_of_steps (find the bugs)


def steps_inputs(rng):
    for steps, rows, noise_size, pixels in ((3, 2, 4, 5), (2, 3, 3, 4)):
        kernel = rng.integers(-2, 3, size=(noise_size, pixels))
        kernel[0] += kernel[0] == 0
        yield {
            "noise": normal(rng, steps, rows, noise_size),
            # Whole numbers: no gradient with respect to them is compared.
            "kernel": kernel.astype("int32"),
        }


def one_layer(kernel):
    noise_size, pixels = kernel.shape
    generator = layers.Dense(pixels, "sigmoid", use_bias=False)
    generator = keras.Sequential([keras.Input((noise_size,)), generator])
    generator.layers[0].kernel.assign(kernel)
    return generator


def fakes_of_steps(noise, kernel):
    generator = one_layer(kernel)
    return ops.stack([generator(z) for z in noise])


def fakes_by_matrix_product(noise, kernel):
    return ops.sigmoid(ops.matmul(noise, ops.cast(kernel, "float32")))


def fakes_of_undefined_names(noise, kernel):
    generator = layers.Dense(kernel.shape[1], "sigmoid", use_bias=False)
    generator = keras.Sequential(
        [keras.Input((z_dim,)), generator]  # noqa: F821
    )
    generator.layers[0].kernel.assign(kernel)
    return np.stack([generator.predict(z, verbose=0) for z in noise])


def fakes_predicted(noise, kernel):
    generator = one_layer(kernel)
    images = [generator.predict(z, verbose=0) for z in noise]
    return ops.convert_to_tensor(np.stack(images))


def fakes_without_sigmoid(noise, kernel):
    return ops.matmul(noise, ops.cast(kernel, "float32"))


def fakes_of_one_step(noise, kernel):
    return one_layer(kernel)(noise[0])


def fakes_in_one_row(noise, kernel):
    generator = one_layer(kernel)
    return ops.concatenate([generator(z) for z in noise], axis=0)


# Task 8: rest_of_script (find the bugs)


def script_inputs(rng):
    images = int(rng.integers(20_000, 60_000))
    for updates, batch_size in ((10_000, 128), (7, 64)):
        yield {
            "losses": [round(float(x), 5) for x in rng.uniform(0.3, 2, 4)],
            "updates": updates,
            "images": images,
            "batch_size": batch_size,
        }
    # An epoch that is filled exactly must not count twice.
    yield {
        "losses": [1.5, 0.25],
        "updates": 30,
        "images": 1000 + int(rng.integers(1, 90)),
        "batch_size": 100,
    }


def mean_of(losses):
    return sum(losses) / len(losses)


def rest_of_script(losses, updates, images, batch_size):
    epochs = -(-updates // (images // batch_size))
    return [epochs, f"loss {mean_of(losses):.4f}", "generator.keras"]


def script_by_ceil(losses, updates, images, batch_size):
    epochs = math.ceil(updates / (images // batch_size))
    return epochs, f"loss {np.mean(losses):.4f}", "generator.keras"


def script_of_the_article(losses, updates, images, batch_size):
    line = f"loss {losses:.4f}"
    return [updates, line, "generator.h5"]


def script_of_many_epochs(losses, updates, images, batch_size):
    return [updates, *rest_of_script(losses, updates, images, batch_size)[1:]]


def script_with_old_format(losses, updates, images, batch_size):
    right = rest_of_script(losses, updates, images, batch_size)
    return [*right[:2], "generator.h5"]


def script_printing_the_last(losses, updates, images, batch_size):
    right = rest_of_script(losses, updates, images, batch_size)
    return [right[0], f"loss {losses[-1]:.4f}", right[2]]


def script_printing_the_list(losses, updates, images, batch_size):
    right = rest_of_script(losses, updates, images, batch_size)
    return [right[0], f"loss {losses}", right[2]]


def script_rounded_down(losses, updates, images, batch_size):
    right = rest_of_script(losses, updates, images, batch_size)
    return [updates // (images // batch_size), *right[1:]]


def script_of_single_images(losses, updates, images, batch_size):
    right = rest_of_script(losses, updates, images, batch_size)
    return [-(-updates // images), *right[1:]]


def script_always_one_more(losses, updates, images, batch_size):
    right = rest_of_script(losses, updates, images, batch_size)
    return [updates // (images // batch_size) + 1, *right[1:]]


TASKS = [
    Task(
        name="gan_losses",
        points=3,
        inputs=logits_inputs,
        reference=gan_losses,
        also_right=[losses_by_keras],
        hints=[
            "What does BinaryCrossentropy() take its second argument for, "
            "and which label does the generator wish for its images?",
            "BinaryCrossentropy has an option that says that logits come in. "
            "The generator wants its images to be called real, which is 1.",
            "cost = keras.losses.BinaryCrossentropy(from_logits=True), and "
            "the generator's loss is cost(ops.ones_like(...), fake_logits).",
        ],
        wrong=[
            Wrong(
                losses_of_the_article,
                "Both mistakes are still there: say from_logits=True, and "
                "train the generator with the label 1.",
            ),
            Wrong(
                losses_of_probabilities,
                "The logits are still taken for probabilities: say "
                "from_logits=True. Anything outside 0 to 1 is cut off, and "
                "there the gradient is 0.",
            ),
            Wrong(
                losses_labelled_fake,
                "The generator still learns with the label fake: it gets "
                "better at being found out. Its label is 1.",
            ),
            Wrong(
                losses_saturating,
                "This is the minimax loss log(1 - D(G(z))): it is flat where "
                "the discriminator is sure. Use -log D(G(z)).",
            ),
            Wrong(
                losses_of_the_sum,
                "The discriminator's loss is not the logarithm of a sum: "
                "-log D(x) and -log(1 - D(G(z))) are averaged separately and "
                "added. The logarithm of the sum rewards D for believing "
                "fakes; at D = 1 and 0.8 it gives -log 1.8 = -0.588.",
            ),
            Wrong(
                losses_in_bits,
                "These are bits: use the natural logarithm. At D = 0.8 the "
                "loss is 0.223, not 0.322.",
            ),
            Wrong(
                losses_with_labels_swapped,
                "Real and fake are swapped: the more real an image looks, "
                "the higher is D.",
            ),
            Wrong(
                losses_halved,
                "The discriminator's loss is half of what it should be: add "
                "the two averages. At logits of 0 it is 1.386.",
            ),
            Wrong(
                losses_naive,
                "Right as a formula, but not exact: where the sigmoid rounds "
                "to 0 or 1 the logarithm is infinite. Use softplus, or "
                "from_logits=True.",
            ),
        ],
    ),
    Task(
        name="build_generator",
        points=2,
        observe="model",
        inputs=generator_inputs,
        reference=build_generator,
        also_right=[generator_in_a_row],
        hints=[
            "Which side has the map after each layer? 7 must become 14, then "
            "28.",
            "With padding='same' a Conv2DTranspose multiplies the side by "
            "its stride.",
            'options = {"strides": 2, "padding": "same"}, and the last '
            "Reshape goes.",
        ],
        wrong=[
            Wrong(
                generator_reshaped,
                "Still the program of the article: 49 numbers cannot be "
                "reshaped to 784. Let both strides double the side, then no "
                "Reshape is needed at the end.",
            ),
            Wrong(
                generator_not_growing,
                "The Reshape is gone, but the images are 7 x 7: both strides "
                "have to be 2.",
            ),
            Wrong(
                generator_growing_once,
                "The images are 14 x 14: only one of the strides is 2.",
            ),
            Wrong(
                generator_with_tanh,
                "The pixels reach from -1 to 1: keep the sigmoid, because "
                "the real ones lie between 0 and 1.",
            ),
            Wrong(
                generator_not_normalised,
                "The batch normalisation is gone: it was right, keep it.",
            ),
            Wrong(
                generator_by_dense,
                "A dense layer at the end gives 28 x 28, too, but knows no "
                "neighbours and has most of the weights. Let the strides do "
                "it.",
            ),
        ],
    ),
    Task(
        name="build_discriminator",
        points=2,
        observe="model",
        inputs=image_inputs,
        reference=build_discriminator,
        also_right=[discriminator_in_a_row],
        hints=[
            "Two lines are at fault, and the text names them. How is a "
            "layer such as Conv2D used in the line above?",
            "The slope below 0 is called negative_slope now. A layer is made "
            "with its settings and then called with the image.",
            "x = ops.leaky_relu(x, negative_slope=0.2) and x = "
            "layers.Flatten()(x)",
        ],
        wrong=[
            Wrong(
                discriminator_with_alpha,
                "leaky_relu does not know alpha any more: write "
                "negative_slope=0.2.",
            ),
            Wrong(
                discriminator_flattened_wrongly,
                "Flatten(x) hands the image to the making of the layer: make "
                "it first, then call it, Flatten()(x).",
            ),
            Wrong(
                discriminator_never_flat,
                "Without Flatten there is a logit for each of 7 x 7 places: "
                "one for the whole image is wanted.",
            ),
            Wrong(
                discriminator_with_sigmoid,
                "The output went through a sigmoid: return logits, as the "
                "losses of task 1 expect.",
            ),
            Wrong(
                discriminator_of_one_convolution,
                "One of the two convolutions is missing: the loop makes one "
                "with channels and one with 2 * channels.",
            ),
        ],
    ),
    Task(
        name="labelled_batch",
        points=2,
        inputs=batch_inputs,
        reference=labelled_batch,
        also_right=[batch_by_numpy],
        hints=[
            "Which variable is computed and then hardly used? And in which "
            "range do the pixels of a sigmoid lie?",
            "The batch is real images, then fakes. Pixels from 0 to 255 must "
            "be brought to 0 to 1.",
            "real = pixels / 255; images = ops.concatenate([real, fakes], "
            "axis=0)",
        ],
        wrong=[
            Wrong(
                batch_of_the_article,
                "There is still no real image in the batch: the first half "
                "are fakes with the label real.",
            ),
            Wrong(
                batch_in_another_range,
                "The real images reach from -1 to 1, the fakes from 0 to 1: "
                "the range alone gives them away. Divide the pixels by 255.",
            ),
            Wrong(
                batch_with_fakes_stretched,
                "Both are in [-1, 1] now, which would do; but the rest of "
                "this program works in [0, 1]. Leave the fakes, divide the "
                "pixels by 255.",
            ),
            Wrong(
                batch_not_scaled,
                "The real images reach up to 255, the fakes up to 1: divide "
                "the pixels by 255.",
            ),
            Wrong(
                batch_with_labels_swapped,
                "The labels are swapped: real is 1, fake is 0.",
            ),
            Wrong(
                batch_with_fakes_first,
                "The pairs are right, but in another order: real images "
                "first.",
            ),
        ],
    ),
    Task(
        name="discriminator_step",
        points=2,
        inputs=discriminator_inputs,
        reference=discriminator_step,
        also_right=[step_by_hand],
        hints=[
            "Where do the weights enter the loss? And which lines does the "
            "tape see?",
            "logits = tf.linalg.matvec(images, weights) is the "
            "discriminator. It belongs inside the with, and so does all that "
            "follows up to the loss.",
            "with tf.GradientTape() as tape: logits = ...; costs = "
            "tf.nn.sigmoid_cross_entropy_with_logits(labels, logits); loss = "
            "tf.reduce_mean(costs)",
        ],
        wrong=[
            Wrong(
                step_of_the_article,
                "The gradient is still None: the loss must be computed from "
                "images @ weights, and inside the with.",
            ),
            Wrong(
                step_standing_still,
                "The weights have not moved: subtract rate times the "
                "gradient.",
            ),
            Wrong(
                step_upwards,
                "The step goes uphill: subtract the gradient.",
            ),
            Wrong(
                step_summed,
                "The loss is the mean over the batch, not the sum: with a "
                "sum the step grows with the batch.",
            ),
            Wrong(
                step_labelled_wrongly,
                "The labels are swapped: the step makes real images look "
                "fake.",
            ),
            Wrong(
                step_with_probabilities,
                "The sigmoid was applied twice: this cross-entropy takes "
                "logits.",
            ),
        ],
    ),
    Task(
        name="generator_step",
        points=3,
        inputs=generator_step_inputs,
        reference=generator_step,
        also_right=[generator_step_by_hand],
        hints=[
            "Of whose weights does this step need the gradient? Only those "
            "have to be watched.",
            "Make the generator's array a tensor with tf.convert_to_tensor "
            "and watch it; or make it a tf.Variable, which is watched by "
            "itself. The discriminator can stay an array.",
            "weights = tf.Variable(generator); ...; return [weights - rate * "
            "tape.gradient(loss, weights), discriminator]",
        ],
        wrong=[
            Wrong(
                step_watching_arrays,
                "A tape cannot watch a NumPy array: turn the generator into "
                "a tensor or a tf.Variable first.",
            ),
            Wrong(
                step_of_both,
                "The discriminator has moved, too: it learns to call fakes "
                "real. Take the gradient for the generator only and return "
                "the discriminator as it came.",
            ),
            Wrong(
                step_of_the_discriminator,
                "The wrong player has moved: this step is the generator's.",
            ),
            Wrong(
                step_labelled_fake,
                "The generator gets better at being found out: its loss is "
                "softplus of *minus* the logits.",
            ),
            Wrong(
                step_of_nobody,
                "Nothing has moved: subtract rate times the gradient from "
                "the generator.",
            ),
            Wrong(
                step_of_the_generator_only,
                "Return the weights of both, the generator's first: the check "
                "wants to see that the discriminator did not move.",
            ),
            Wrong(
                generator_step_upwards,
                "The step goes uphill: subtract the gradient.",
            ),
        ],
    ),
    Task(
        name="fakes_of_steps",
        points=2,
        observe="gradient",
        inputs=steps_inputs,
        reference=fakes_of_steps,
        also_right=[fakes_by_matrix_product],
        hints=[
            "What is z_dim? The array `kernel` knows. And how else than with "
            "predict can a model be used?",
            "noise_size, pixels = kernel.shape. A model can be called like a "
            "function, and ops.stack stacks tensors.",
            "ops.stack([generator(z) for z in noise])",
        ],
        wrong=[
            Wrong(
                fakes_of_undefined_names,
                "A name is still not defined: z_dim is the number of rows of "
                "kernel, and instead of np use ops.",
            ),
            Wrong(
                fakes_predicted,
                "The values are right, but they come from predict: it is "
                "slow in a loop, and no gradient passes. Call the model, "
                "generator(z).",
            ),
            Wrong(
                fakes_without_sigmoid,
                "The sigmoid is missing: keep the layer as it is.",
            ),
            Wrong(
                fakes_of_one_step,
                "These are the images of the first step only: return all, "
                "(steps, batch, pixels).",
            ),
            Wrong(
                fakes_in_one_row,
                "The steps were joined: stack them, so that the first axis "
                "counts the steps.",
            ),
        ],
    ),
    Task(
        name="rest_of_script",
        points=2,
        inputs=script_inputs,
        reference=rest_of_script,
        also_right=[script_by_ceil],
        hints=[
            "Three lines, three mistakes. Begin with the one that stops the "
            "program: what is `losses`?",
            "sum(losses) / len(losses) is a number. updates divided by the "
            "updates of an epoch, rounded up, gives the epochs.",
            "math.ceil(updates / (images // batch_size)), f'loss "
            "{mean:.4f}', 'generator.keras'",
        ],
        wrong=[
            Wrong(
                script_of_the_article,
                "It still stops: a list cannot be written with .4f. Take its "
                "mean.",
            ),
            Wrong(
                script_of_many_epochs,
                "The updates are still taken for epochs: divide by the "
                "updates in one epoch, images // batch_size, and round up.",
            ),
            Wrong(
                script_with_old_format,
                "The file is still in the old format: its name ends in "
                ".keras.",
            ),
            Wrong(
                script_printing_the_last,
                "This prints the last loss only, and one batch says little: "
                "print the mean.",
            ),
            Wrong(
                script_printing_the_list,
                "This prints the whole list: print its mean with four places "
                "after the point.",
            ),
            Wrong(
                script_rounded_down,
                "Round up: a part of an epoch counts as a whole one, or the "
                "last updates are missing.",
            ),
            Wrong(
                script_of_single_images,
                "An update uses a whole batch: an epoch holds images // "
                "batch_size of them.",
            ),
            Wrong(
                script_always_one_more,
                "Where the updates fill the epochs exactly, this is one too "
                "many: round up only what is left over.",
            ),
        ],
    ),
]
