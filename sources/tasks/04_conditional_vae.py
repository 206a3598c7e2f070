"""Tasks of exercise 04: ask a VAE for a digit."""

import keras
import numpy as np
from keras import layers, ops

from digitdreams import data, judge, learning, metrics
from digitdreams.inputs import grey_images, normal, one_hot, some_labels
from digitdreams.tasks import Training, task

# Task 1: with_label


def label_inputs(rng):
    for rows, latent in ((4, 3), (6, 2)):
        yield {
            "codes": normal(rng, rows, latent),
            "labels": some_labels(rng, rows, classes=9),  # a batch without 9
        }
    yield {"codes": normal(rng, 10, 3), "labels": some_labels(rng, 10)}


@task(
    points=1,
    inputs=label_inputs,
    hints=[
        "Two steps: turn the labels into rows of ten numbers, then put each "
        "row behind its code.",
        "ops.one_hot(labels, 10) has the shape (batch, 10). Along which axis "
        "do the two belong together?",
        "ops.concatenate([codes, ops.one_hot(...)], axis=...)",
    ],
)
def with_label(codes, labels):
    return ops.concatenate([codes, ops.one_hot(labels, 10)], axis=1)


@with_label.also_right
def label_written_into_zeros(codes, labels):
    joined = np.zeros((len(codes), codes.shape[1] + 10), "float32")
    joined[:, :-10] = codes
    joined[np.arange(len(codes)), codes.shape[1] + labels] = 1
    return joined


@with_label.wrong(
    "The label was appended as one number: make it ten with ops.one_hot, so "
    "that no digit lies between two others."
)
def label_as_a_number(codes, labels):
    return np.concatenate([codes, labels[:, None]], axis=1)


@with_label.wrong(
    "The label comes first here: put it behind the code, which is where the "
    "other functions expect it."
)
def label_in_front(codes, labels):
    return ops.concatenate([ops.one_hot(labels, 10), codes], axis=1)


@with_label.wrong(
    "Codes and labels belong side by side: concatenate along axis 1."
)
def label_below(codes, labels):
    return ops.concatenate([codes, ops.one_hot(labels, 10)], axis=0)


@with_label.wrong(
    "Digits count from 0: the 1 of the digit 3 is the fourth of the ten "
    "numbers."
)
def label_without_zero(codes, labels):
    return ops.concatenate([codes, ops.one_hot(labels - 1, 10)], axis=1)


@with_label.wrong(
    "There are ten digits, 0 to 9: with nine numbers the 9 has none."
)
def label_of_nine(codes, labels):
    return ops.concatenate([codes, ops.one_hot(labels, 9)], axis=1)


# Task 2: build_encoder (find the bugs)


def encoder_inputs(rng):
    # Many and large, so that no untrained output lies in [0, 1].
    for latent, rows in ((10, 2), (16, 1)):
        pixels = 100 * rng.integers(0, 2, size=(rows, 28, 28, 1))
        yield {
            "latent_size": latent,
            "x": [pixels.astype("float32"), one_hot(some_labels(rng, rows))],
        }
    # Zeros come out as 0 and as -0.69, which shows the sign and the order.
    nothing = np.zeros((1, 28, 28, 1), "float32")
    yield {"latent_size": 10, "x": [nothing, np.zeros((1, 10), "float32")]}


def image_and_label():
    return keras.Input((28, 28, 1)), keras.Input((10,))


def encoder_with(latent_size, hidden="relu", narrow="softplus", sign=-1):
    images, label = image_and_label()
    x = layers.Concatenate()([layers.Flatten()(images), label])
    x = layers.Dense(256, activation=hidden)(x)
    mean = layers.Dense(latent_size)(x)
    narrowness = layers.Dense(latent_size, activation=narrow)(x)
    return keras.Model([images, label], [mean, sign * narrowness])


@task(
    points=2,
    inputs=encoder_inputs,
    observe="activations",
    hints=[
        "What does a dense layer see of an array (batch, 28, 28, 1)? Bring "
        "all pixels into one row before it.",
        "The order is: Flatten, Concatenate with the label, Dense(256). Two "
        "more dense layers then start from the same numbers.",
        "mean = layers.Dense(latent_size)(x); narrowness = "
        'layers.Dense(latent_size, activation="softplus")(x); '
        "keras.Model([images, label], [mean, -narrowness])",
    ],
)
def build_encoder(latent_size):
    return encoder_with(latent_size)


@build_encoder.also_right
def encoder_by_reshape(latent_size):
    images, label = image_and_label()
    x = ops.concatenate([layers.Reshape((784,))(images), label], axis=-1)
    x = ops.relu(layers.Dense(256)(x))
    narrowness = ops.softplus(layers.Dense(latent_size)(x))
    mean = layers.Dense(latent_size)(x)
    return keras.Model([images, label], [mean, ops.negative(narrowness)])


@build_encoder.also_right
def encoder_label_first(latent_size):
    images, label = image_and_label()
    x = layers.Concatenate()([label, layers.Flatten()(images)])
    x = layers.Dense(256, activation="relu")(x)
    mean = layers.Dense(latent_size)(x)
    narrow = layers.Dense(latent_size, activation=lambda t: -ops.softplus(t))(
        x
    )
    return keras.Model([images, label], [mean, narrow])


@build_encoder.wrong(
    "Both mistakes are still there: the first dense layer sees single pixels, "
    "and there is one code instead of a mean and a log variance."
)
def encoder_of_the_article(latent_size):
    images, label = image_and_label()
    x = layers.Dense(256, activation="relu")(images)
    x = layers.Concatenate()([layers.Flatten()(x), label])
    return keras.Model([images, label], layers.Dense(latent_size)(x))


@build_encoder.wrong(
    "The dense layer still works on the last axis of the image, one pixel at "
    "a time: put Flatten before it."
)
def encoder_of_pixels(latent_size):
    images, label = image_and_label()
    x = layers.Dense(256, activation="relu")(images)
    x = layers.Concatenate()([layers.Flatten()(x), label])
    mean = layers.Dense(latent_size)(x)
    narrowness = layers.Dense(latent_size, activation="softplus")(x)
    return keras.Model([images, label], [mean, -narrowness])


@build_encoder.wrong(
    "The model has one output: a VAE's encoder gives two, the mean and the "
    "log variance."
)
def encoder_with_one_code(latent_size):
    images, label = image_and_label()
    x = layers.Concatenate()([layers.Flatten()(images), label])
    x = layers.Dense(256, activation="relu")(x)
    return keras.Model([images, label], layers.Dense(latent_size)(x))


@build_encoder.wrong(
    "The label is not used: join it with the pixels before the dense layer."
)
def encoder_without_label(latent_size):
    images, label = image_and_label()
    x = layers.Dense(256, activation="relu")(layers.Flatten()(images))
    mean = layers.Dense(latent_size)(x)
    narrowness = layers.Dense(latent_size, activation="softplus")(x)
    return keras.Model([images, label], [mean, -narrowness])


@build_encoder.wrong(
    "Mean and log variance come as one array: use two dense layers and return "
    "them as a list of two outputs."
)
def encoder_with_one_wide_code(latent_size):
    images, label = image_and_label()
    x = layers.Concatenate()([layers.Flatten()(images), label])
    x = layers.Dense(256, activation="relu")(x)
    return keras.Model([images, label], layers.Dense(2 * latent_size)(x))


@build_encoder.wrong(
    "One layer was split in two: make mean and log variance with a dense "
    "layer each."
)
def encoder_split_in_two(latent_size):
    wide = encoder_with_one_wide_code(latent_size)
    mean, narrowness = ops.split(wide.output, 2, axis=-1)
    return keras.Model(wide.inputs, [mean, -ops.softplus(narrowness)])


@build_encoder.wrong(
    "The minus is missing: the log variance is below 0 here, so return "
    "-narrowness."
)
def encoder_without_minus(latent_size):
    return encoder_with(latent_size, sign=1)


@build_encoder.wrong(
    "The softplus is missing: without it the log variance can grow without a "
    "limit."
)
def encoder_without_softplus(latent_size):
    return encoder_with(latent_size, narrow=None)


@build_encoder.wrong(
    "The hidden layer has no ReLU: without it the two layers are no more than "
    "one."
)
def encoder_without_relu(latent_size):
    return encoder_with(latent_size, hidden=None)


@build_encoder.wrong(
    "The outputs are the wrong way round: first the mean, then the log "
    "variance."
)
def encoder_with_mean_last(latent_size):
    right = build_encoder(latent_size)
    return keras.Model(right.inputs, right.outputs[::-1])


# Task 3: build_decoder (find the bug)


def decoder_inputs(rng):
    yield {"latent_size": 2, "x": normal(rng, 3, 12)}
    yield {"latent_size": 7, "x": normal(rng, 2, 17)}


def decoder_with(latent_size, hidden="relu"):
    return keras.Sequential(
        [
            keras.Input((latent_size + 10,)),
            layers.Dense(256, activation=hidden),
            layers.Dense(784),
            layers.Reshape((28, 28, 1)),
        ]
    )


@task(
    points=1,
    inputs=decoder_inputs,
    observe="activations",
    hints=[
        "Whose shape belongs into keras.Input: the image's, or that of what "
        "the decoder gets?",
        "A code with its label is a row of latent_size + 10 numbers. There "
        "is nothing to flatten.",
        "inputs = keras.Input((latent_size + 10,)); the rest can stay, "
        "without Flatten.",
    ],
)
def build_decoder(latent_size):
    return decoder_with(latent_size)


@build_decoder.also_right
def functional_decoder(latent_size):
    inputs = keras.Input((10 + latent_size,))
    x = ops.relu(layers.Dense(256)(inputs))
    logits = ops.reshape(layers.Dense(28 * 28)(x), (-1, 28, 28, 1))
    return keras.Model(inputs, logits)


@build_decoder.wrong(
    "The decoder refuses its input. It is neither an image nor a code alone, "
    "but a code with its label: begin with keras.Input((latent_size + 10,))."
)
def decoder_of_images(latent_size):
    inputs = keras.Input((28, 28, 1))
    x = layers.Dense(256, activation="relu")(layers.Flatten()(inputs))
    logits = layers.Reshape((28, 28, 1))(layers.Dense(784)(x))
    return keras.Model(inputs, logits)


@build_decoder.wrong(
    "The output is a row of 784 numbers: keep the Reshape to (28, 28, 1)."
)
def decoder_without_reshape(latent_size):
    return keras.Sequential(build_decoder(latent_size).layers[:-1])


@build_decoder.wrong(
    "The ReLU of the hidden layer is gone: it was right, keep it."
)
def decoder_without_relu(latent_size):
    return decoder_with(latent_size, hidden=None)


@build_decoder.wrong(
    "The images lack their channel: the shape is (28, 28, 1), not (28, 28)."
)
def decoder_without_channel(latent_size):
    before = build_decoder(latent_size).layers[:-1]
    return keras.Sequential([*before, layers.Reshape((28, 28))])


@build_decoder.wrong(
    "The output went through a sigmoid: return logits, the loss applies the "
    "sigmoid itself."
)
def decoder_with_sigmoid(latent_size):
    before = build_decoder(latent_size).layers
    return keras.Sequential([*before, layers.Activation("sigmoid")])


@build_decoder.wrong("The hidden layer is missing: Dense(256) with ReLU.")
def decoder_without_hidden_layer(latent_size):
    return keras.Sequential(
        [
            keras.Input((latent_size + 10,)),
            layers.Dense(784),
            layers.Reshape((28, 28, 1)),
        ]
    )


# Task 4: cvae_loss (find the bugs)


def matrices(rng, pixels, latent):
    return {
        "encoder": 0.5 * normal(rng, pixels + 10, 2 * latent),
        "decoder": normal(rng, latent + 10, pixels),
    }


def loss_inputs(rng):
    for batch, side, latent in ((3, 3, 2), (5, 2, 3), (1, 3, 4)):
        given = {
            "images": grey_images(rng, batch, side, side, 1),
            "labels": some_labels(rng, batch),
            "noise": 2 * normal(rng, batch, latent),
            **matrices(rng, side * side, latent),
        }
        # Variances clearly below 1, so that their root and their absence show.
        given["encoder"][-10:, latent:] -= 1.5
        yield given


def flat(images):
    return ops.reshape(images, (len(images), -1))


def proposal(images, labels, encoder):
    code = ops.matmul(with_label(flat(images), labels), encoder)
    return ops.split(code, 2, axis=1)


def cost(images, z, labels, decoder):
    logits = ops.matmul(with_label(z, labels), decoder)
    each = ops.binary_crossentropy(flat(images), logits, from_logits=True)
    return ops.sum(each, axis=1)


def kl_divergence(mean, log_variance):
    each = ops.square(mean) + ops.exp(log_variance) - 1 - log_variance
    return 0.5 * ops.sum(each, axis=1)


def sampled(mean, log_variance, noise):
    return mean + ops.exp(0.5 * log_variance) * noise


@task(
    points=3,
    inputs=loss_inputs,
    hints=[
        "Compare with the story of the lesson: mean and log variance, then "
        "z, then logits, then *two* costs.",
        "z = mean + ops.exp(0.5 * log_variance) * noise, and the decoder "
        "gets z instead of the mean.",
        "ops.mean(ops.sum(costs, axis=1) + kl_divergence(mean, log_variance))",
    ],
)
def cvae_loss(images, labels, noise, encoder, decoder):
    mean, log_variance = proposal(images, labels, encoder)
    z = sampled(mean, log_variance, noise)
    price = kl_divergence(mean, log_variance)
    return ops.mean(cost(images, z, labels, decoder) + price)


@cvae_loss.also_right
def loss_in_one_piece(images, labels, noise, encoder, decoder):
    x, y = images.reshape(len(images), -1), one_hot(labels)
    code = np.concatenate([x, y], axis=1) @ encoder
    mean, log_variance = code[:, : noise.shape[1]], code[:, noise.shape[1] :]
    z = mean + noise * np.exp(log_variance / 2)
    logits = np.concatenate([z, y], axis=1) @ decoder
    total = np.sum(np.logaddexp(0, logits) - x * logits)
    total += np.sum(mean**2 + np.exp(log_variance) - 1 - log_variance) / 2
    return total / len(x)


@cvae_loss.wrong("This is still an autoencoder: sample z, and add the KL.")
def loss_of_an_autoencoder(images, labels, noise, encoder, decoder):
    mean, _ = proposal(images, labels, encoder)
    return ops.mean(cost(images, mean, labels, decoder))


@cvae_loss.wrong(
    "Nothing is sampled: decode z = mean + standard deviation * noise, not "
    "the mean."
)
def loss_without_sampling(images, labels, noise, encoder, decoder):
    mean, log_variance = proposal(images, labels, encoder)
    price = kl_divergence(mean, log_variance)
    return ops.mean(cost(images, mean, labels, decoder) + price)


@cvae_loss.wrong(
    "The KL is missing: nothing holds the codes where N(0, I) will draw them."
)
def loss_without_kl(images, labels, noise, encoder, decoder):
    z = sampled(*proposal(images, labels, encoder), noise)
    return ops.mean(cost(images, z, labels, decoder))


@cvae_loss.wrong(
    "The KL is subtracted, so training would make it large: both costs are "
    "added."
)
def loss_with_kl_rewarded(images, labels, noise, encoder, decoder):
    mean, log_variance = proposal(images, labels, encoder)
    z = sampled(mean, log_variance, noise)
    price = kl_divergence(mean, log_variance)
    return ops.mean(cost(images, z, labels, decoder) - price)


@cvae_loss.wrong(
    "The noise takes the standard deviation, ops.exp(0.5 * log_variance), not "
    "the variance."
)
def loss_with_variance_as_deviation(images, labels, noise, encoder, decoder):
    mean, log_variance = proposal(images, labels, encoder)
    z = mean + ops.exp(log_variance) * noise
    price = kl_divergence(mean, log_variance)
    return ops.mean(cost(images, z, labels, decoder) + price)


@cvae_loss.wrong(
    "The noise was added as it is: multiply it by the standard deviation, or "
    "the encoder cannot say how sure it is."
)
def loss_without_variance(images, labels, noise, encoder, decoder):
    mean, log_variance = proposal(images, labels, encoder)
    price = kl_divergence(mean, log_variance)
    return ops.mean(cost(images, mean + noise, labels, decoder) + price)


@cvae_loss.wrong(
    "This is the ELBO itself: a loss is made small, so it is the negative "
    "ELBO."
)
def loss_with_the_wrong_sign(images, labels, noise, encoder, decoder):
    return -cvae_loss(images, labels, noise, encoder, decoder)


@cvae_loss.wrong(
    "The costs of an image's pixels are averaged: add them up, or the KL "
    "outweighs them."
)
def loss_averaged_over_pixels(images, labels, noise, encoder, decoder):
    mean, log_variance = proposal(images, labels, encoder)
    z = sampled(mean, log_variance, noise)
    pixels = cost(images, z, labels, decoder) / np.prod(images.shape[1:])
    return ops.mean(pixels + kl_divergence(mean, log_variance))


@cvae_loss.wrong(
    "You returned one value for each image: a loss is one number, so average "
    "over the batch."
)
def loss_of_each_image(images, labels, noise, encoder, decoder):
    mean, log_variance = proposal(images, labels, encoder)
    z = sampled(mean, log_variance, noise)
    price = kl_divergence(mean, log_variance)
    return cost(images, z, labels, decoder) + price


@cvae_loss.wrong(
    "You summed over the batch: average over it, or the loss depends on its "
    "size."
)
def loss_summed(images, labels, noise, encoder, decoder):
    total = loss_of_each_image(images, labels, noise, encoder, decoder)
    return ops.sum(total)


@cvae_loss.wrong(
    "The decoder's logits are taken for probabilities: say from_logits=True."
)
def loss_of_logits_as_pixels(images, labels, noise, encoder, decoder):
    mean, log_variance = proposal(images, labels, encoder)
    z = sampled(mean, log_variance, noise)
    logits = ops.matmul(with_label(z, labels), decoder)
    each = ops.binary_crossentropy(flat(images), logits)
    price = kl_divergence(mean, log_variance)
    return ops.mean(ops.sum(each, axis=1) + price)


@cvae_loss.wrong("The KL is averaged over the latent numbers: add them up.")
def loss_with_kl_averaged(images, labels, noise, encoder, decoder):
    mean, log_variance = proposal(images, labels, encoder)
    z = sampled(mean, log_variance, noise)
    price = kl_divergence(mean, log_variance) / noise.shape[1]
    return ops.mean(cost(images, z, labels, decoder) + price)


# Task 5: swap_digit (find the bug)


def swap_inputs(rng):
    # A code is as long as an image, so that a decoder fed with images runs.
    for batch, side in ((3, 3), (5, 2)):
        labels = some_labels(rng, batch)
        yield {
            "images": grey_images(rng, batch, side, side, 1),
            "labels": labels,
            "wanted": ((labels + rng.integers(1, 10)) % 10).astype("int32"),
            **matrices(rng, side * side, side * side),
        }


def decoded(images, z, labels, decoder):
    logits = ops.matmul(with_label(z, labels), decoder)
    return ops.reshape(ops.sigmoid(logits), images.shape)


@task(
    points=2,
    inputs=swap_inputs,
    hints=[
        "Follow each variable: which one is computed and then never used?",
        "The encoder gets the image with its *true* label. What leaves it is "
        "what the decoder needs.",
        "logits = ops.matmul(with_label(mean, wanted), decoder)",
    ],
)
def swap_digit(images, labels, wanted, encoder, decoder):
    mean, _ = proposal(images, labels, encoder)
    return decoded(images, mean, wanted, decoder)


@swap_digit.also_right
def swap_by_numpy(images, labels, wanted, encoder, decoder):
    x = images.reshape(len(images), -1)
    code = np.concatenate([x, one_hot(labels)], axis=1) @ encoder
    z = code[:, : code.shape[1] // 2]
    logits = np.concatenate([z, one_hot(wanted)], axis=1) @ decoder
    return (1 / (1 + np.exp(-logits))).reshape(images.shape)


@swap_digit.wrong(
    "The decoder is still fed with the encoder's input: give it the mean that "
    "the encoder found."
)
def swap_fed_with_images(images, labels, wanted, encoder, decoder):
    return decoded(images, flat(images), wanted, decoder)


@swap_digit.wrong(
    "The image was encoded with the wanted label. Encode it with its true "
    "one, or the code describes another digit's style."
)
def swap_encoded_as_wanted(images, labels, wanted, encoder, decoder):
    mean, _ = proposal(images, wanted, encoder)
    return decoded(images, mean, wanted, decoder)


@swap_digit.wrong("Nothing is swapped: decode with the wanted labels.")
def swap_not_swapped(images, labels, wanted, encoder, decoder):
    mean, _ = proposal(images, labels, encoder)
    return decoded(images, mean, labels, decoder)


@swap_digit.wrong(
    "The decoder got the log variance: the mean is the first of the two "
    "halves."
)
def swap_by_log_variance(images, labels, wanted, encoder, decoder):
    _, log_variance = proposal(images, labels, encoder)
    return decoded(images, log_variance, wanted, decoder)


@swap_digit.wrong(
    "These are logits: apply ops.sigmoid, so that pixels lie between 0 and 1."
)
def swap_as_logits(images, labels, wanted, encoder, decoder):
    mean, _ = proposal(images, labels, encoder)
    logits = ops.matmul(with_label(mean, wanted), decoder)
    return ops.reshape(logits, images.shape)


# Task 6: class_means (find the bug)


def codes_inputs(rng):
    for rows, latent in ((24, 2), (17, 4)):
        labels = np.append(np.arange(10), rng.integers(0, 10, rows - 10))
        yield {
            "codes": normal(rng, rows, latent),
            "labels": rng.permutation(labels).astype("int32"),
        }


@task(
    points=1,
    inputs=codes_inputs,
    observe="both",
    hints=[
        "Only one line is at fault: the one that the error message quotes.",
        "np.asarray takes arrays and tensors, and always returns an array.",
        "codes = np.asarray(codes)",
    ],
)
def class_means(codes, labels):
    codes = np.asarray(codes)
    return np.stack([codes[labels == d].mean(axis=0) for d in range(10)])


@class_means.also_right
def means_by_matrix_product(codes, labels):
    given = one_hot(labels)
    return given.T @ codes / given.sum(axis=0)[:, None]


@class_means.wrong(
    "It still stops with one of the two: an array has no method numpy(), a "
    "tensor has no mean(). Use np.asarray(codes), which takes both."
)
def means_of_a_tensor(codes, labels):
    codes = codes.numpy()
    return np.stack([codes[labels == d].mean(axis=0) for d in range(10)])


@class_means.wrong(
    "You averaged each code's numbers: average over the images, which is "
    "axis=0."
)
def means_of_codes(codes, labels):
    codes = np.asarray(codes)
    return np.stack([codes[labels == d].mean(axis=1) for d in range(10)])


@class_means.wrong(
    "You averaged over the latent numbers as well: keep axis=0, one mean for "
    "each latent number."
)
def means_over_everything(codes, labels):
    codes = np.asarray(codes)
    return np.stack([codes[labels == d].mean() for d in range(10)])


@class_means.wrong(
    "These are sums: divide by the number of images of each digit."
)
def sums_of_classes(codes, labels):
    return one_hot(labels).T @ codes


@class_means.wrong(
    "Divide by the number of images of *that* digit, not of all."
)
def means_over_all_images(codes, labels):
    return one_hot(labels).T @ codes / len(codes)


@class_means.wrong("The digit 0 is missing: range(10) begins with it.")
def means_of_nine(codes, labels):
    codes = np.asarray(codes)
    return np.stack([codes[labels == d].mean(axis=0) for d in range(1, 10)])


# The training: weights come out, and the numbers are computed here.


def hidden_draws(rng):
    return {}, {"styles": normal(rng, 2000, 6), "rng": rng}


def layer_by_layer(weights, inputs):
    """Put the layer of so many inputs first; others keep their order."""
    pairs = list(zip(weights[::2], weights[1::2], strict=True))
    pairs.sort(key=lambda pair: len(pair[0]) != inputs)
    return [one for pair in pairs for one in pair]


def readings(weights):
    """Yield the encoder's weights in each order that a right one can have.

    Image or label may come first, and so may mean or variance: Keras orders
    weights by how the model was written.
    """
    kernel, bias, *heads = layer_by_layer(weights, inputs=28 * 28 + 10)
    for first in (kernel, np.roll(kernel, -10, axis=0)):
        yield [first, bias, *heads]
        yield [first, bias, *heads[2:], *heads[:2]]


def measure_cvae(weights, given, kept):
    decoder = build_decoder(6)
    decoder.set_weights(layer_by_layer(weights["decoder"], inputs=6 + 10))
    encoders = [build_encoder(6) for _ in range(4)]
    for encoder, reading in zip(
        encoders, readings(weights["encoder"]), strict=True
    ):
        encoder.set_weights(reading)
    found = [measure_with(encoder, decoder, kept) for encoder in encoders]
    return min(found, key=lambda one: one["negative_elbo"])


def measure_with(encoder, decoder, kept):
    elbo = {}

    def losses(split):
        images, labels = split
        mean, log_variance = encoder([images, one_hot(labels)])
        noise = normal(kept["rng"], *mean.shape)
        z = with_label(sampled(mean, log_variance, noise), labels)
        costs = metrics.reconstruction_nats(images, decoder(z))
        costs += metrics.kl_to_standard_normal(mean, log_variance)
        elbo[len(costs)] = costs.mean()
        return costs

    known = learning.known_better(losses)
    validation = data.load().validation
    codes, _ = encoder([validation.images, one_hot(validation.labels)])
    wanted = np.tile(np.arange(10), 200)
    z = kept["styles"] + class_means(codes, validation.labels)[wanted]
    drawn = np.asarray(ops.sigmoid(decoder(with_label(z, wanted))))
    accuracy = metrics.label_accuracy(judge.probabilities(drawn), wanted)
    return {
        "negative_elbo": elbo[10_000],
        "label_accuracy": accuracy,
        "known": known,
        **learning.of_images(drawn, kept["rng"]),
    }


TRAINING = Training(
    points=4,
    inputs=hidden_draws,
    probe="""
def probe():
    models = {"encoder": cvae.encoder, "decoder": cvae.decoder}
    return {name: one.get_weights() for name, one in models.items()}
""",
    measure=measure_cvae,
    needs=("with_label", "build_encoder", "build_decoder"),
    # Seed 1: 0.65, 0.27, 0.05 and 0.002; trained on test images: known 0.035.
    signs=(*learning.OF_IMAGES, learning.known(0.019)),
)
