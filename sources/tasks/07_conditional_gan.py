"""Tasks of exercise 07: where a label enters a GAN."""

import keras
import numpy as np
from keras import layers, ops

from digitdreams import judge, learning, metrics
from digitdreams.inputs import normal
from digitdreams.tasks import Training, task


def draw_labels(rng, count, classes=10):
    """Draw labels that are not all equal, not in order and not all one."""
    labels = rng.permutation(classes)[:count]
    if count > classes:
        more = rng.integers(classes, size=count - classes)
        labels = np.concatenate([labels, more])
    return labels.astype("int32")


# Task 1: join_labels


def join_inputs(rng):
    for count, size in ((4, 3), (6, 5)):
        yield {
            "noise": normal(rng, count, size),
            "labels": draw_labels(rng, count, classes=9),  # a batch without 9
        }
    yield {"noise": normal(rng, 10, 2), "labels": draw_labels(rng, 10)}


@task(
    points=1,
    inputs=join_inputs,
    hints=[
        "Two steps: turn every label into ten numbers, then put the two "
        "arrays side by side.",
        "ops.one_hot(labels, 10) has the shape (batch, 10). Side by side "
        "means along axis 1.",
        "ops.concatenate([noise, ops.one_hot(...)], axis=1)",
    ],
)
def join_labels(noise, labels):
    return ops.concatenate([noise, ops.one_hot(labels, 10)], axis=1)


@join_labels.also_right
def join_by_stack(noise, labels):
    return np.hstack([noise, np.eye(10, dtype="float32")[labels]])


@join_labels.wrong("The parts are exchanged: the noise comes first.")
def labels_first(noise, labels):
    return ops.concatenate([ops.one_hot(labels, 10), noise], axis=1)


@join_labels.wrong(
    "You joined the digit as one number, as if a 9 were nine times as much as "
    "a 1: use a one-hot vector."
)
def label_as_number(noise, labels):
    number = ops.cast(labels, "float32")[:, None]
    return ops.concatenate([noise, number], axis=1)


@join_labels.wrong(
    "You put the vectors one below the other: join along axis 1."
)
def labels_below(noise, labels):
    return ops.concatenate([noise, ops.one_hot(labels, 10)], axis=0)


@join_labels.wrong(
    "The one-hot vectors end at the largest label of the batch: say that "
    "there are 10 classes."
)
def as_many_as_seen(noise, labels):
    one_hot = ops.one_hot(labels, int(max(labels)) + 1)
    return ops.concatenate([noise, one_hot], axis=1)


@join_labels.wrong(
    "You multiplied the noise by the label, which leaves nothing of it for a "
    "0: join noise and one-hot vector."
)
def noise_times_label(noise, labels):
    return noise * ops.cast(labels, "float32")[:, None]


# Task 2: label_maps


def maps_inputs(rng):
    yield {"labels": draw_labels(rng, 3), "height": 4, "width": 2}
    yield {"labels": draw_labels(rng, 2), "height": 3, "width": 3}


@task(
    points=3,
    inputs=maps_inputs,
    hints=[
        "Look at the maps of one label: print label_maps([3], 2, 2)[0]. Each "
        "row should be the one-hot vector.",
        "ops.repeat without an axis flattens the array and repeats each "
        "number. The vector as a whole has to be repeated.",
        "Give the one-hot vectors the shape (batch, 1, 1, 10), then "
        "ops.broadcast_to (batch, height, width, 10).",
    ],
)
def label_maps(labels, height, width):
    one_hot = ops.one_hot(labels, 10)[:, None, None, :]
    return ops.broadcast_to(one_hot, (len(labels), height, width, 10))


@label_maps.also_right
def maps_by_ones(labels, height, width):
    ones = np.ones((height, width, 1), "float32")
    return np.stack([ones * np.eye(10)[label] for label in labels])


@label_maps.also_right
def maps_by_repeat(labels, height, width):
    copies = ops.repeat(ops.one_hot(labels, 10), height * width, axis=0)
    return ops.reshape(copies, (-1, height, width, 10))


@label_maps.wrong(
    "Each number is still repeated on its own, as in the program as found: "
    "repeat whole vectors (axis 0), or broadcast."
)
def maps_as_found(labels, height, width):
    copies = ops.repeat(ops.one_hot(labels, 10), height * width)
    return ops.reshape(copies, (-1, height, width, 10))


@label_maps.wrong(
    "ops.tile puts the whole batch again and again, so that pixels get the "
    "labels of other images: repeat vector by vector."
)
def maps_tiled_over_images(labels, height, width):
    copies = ops.tile(ops.one_hot(labels, 10), (height * width, 1))
    return ops.reshape(copies, (-1, height, width, 10))


@label_maps.wrong(
    "You made one map with the digit as a number: ten maps are wanted, one "
    "for each digit."
)
def maps_of_the_number(labels, height, width):
    number = ops.cast(labels, "float32")[:, None, None, None]
    return ops.broadcast_to(number, (len(labels), height, width, 1))


@label_maps.wrong(
    "The ten maps are the last axis here: (batch, height, width, 10)."
)
def channels_first(labels, height, width):
    return ops.transpose(label_maps(labels, height, width), (0, 3, 1, 2))


@label_maps.wrong(
    "The maps are one pixel large: broadcast them to height and width."
)
def one_pixel(labels, height, width):
    return ops.one_hot(labels, 10)[:, None, None, :]


# Task 3: conditional_normalisation


def normalisation_inputs(rng):
    for shape, classes in (((4, 2, 3, 2), 5), ((3, 2, 2, 3), 4)):
        x = 2 * normal(rng, *shape) + 1
        x[..., 0] *= 0.002  # hardly any variance: here the 0.001 counts
        yield {
            "x": x,
            "labels": draw_labels(rng, shape[0], classes),
            "gains": 1 + normal(rng, classes, shape[-1]),
            "shifts": normal(rng, classes, shape[-1]),
        }


def normalised(x, axes=(0, 1, 2), keepdims=False):
    mean = ops.mean(x, axis=axes, keepdims=keepdims)
    variance = ops.var(x, axis=axes, keepdims=keepdims)
    return (x - mean) / ops.sqrt(variance + 0.001)


def rows(table, labels):
    return ops.take(table, labels, axis=0)[:, None, None]


@task(
    points=3,
    inputs=normalisation_inputs,
    tolerance=1e-3,
    hints=[
        "Two parts: a normalisation that knows no classes, then a gain and a "
        "shift that depend on the class.",
        "Mean and variance are taken over the axes 0, 1 and 2. "
        "ops.take(gains, labels, axis=0) gives a row for each image; it "
        "needs two more axes to meet the pixels.",
        "gain = ops.take(gains, labels, axis=0)[:, None, None], the same for "
        "the shift; gain * (x - mean) / ops.sqrt(variance + 0.001) + shift",
    ],
)
def conditional_normalisation(x, labels, gains, shifts):
    return rows(gains, labels) * normalised(x) + rows(shifts, labels)


@conditional_normalisation.also_right
def normalisation_by_loop(x, labels, gains, shifts):
    mean, variance = x.mean(axis=(0, 1, 2)), x.var(axis=(0, 1, 2))
    x = (x - mean) / np.sqrt(variance + 0.001)
    pairs = zip(x, labels, strict=True)
    return np.stack([gains[y] * image + shifts[y] for image, y in pairs])


@conditional_normalisation.also_right
def normalisation_by_layer(x, labels, gains, shifts):
    layer = keras.layers.BatchNormalization(
        center=False, scale=False, epsilon=0.001
    )
    return layer(x, training=True) * rows(gains, labels) + rows(shifts, labels)


@conditional_normalisation.wrong(
    "You normalised each image by itself: batch normalisation takes mean and "
    "variance over the batch as well (axes 0, 1 and 2)."
)
def normalisation_by_image(x, labels, gains, shifts):
    x = normalised(x, (1, 2), keepdims=True)
    return rows(gains, labels) * x + rows(shifts, labels)


@conditional_normalisation.wrong(
    "You took one mean and variance of all channels: each channel has its "
    "own, so leave the last axis out."
)
def normalisation_of_everything(x, labels, gains, shifts):
    x = normalised(x, (0, 1, 2, 3))
    return rows(gains, labels) * x + rows(shifts, labels)


@conditional_normalisation.wrong(
    "Gains and shifts are exchanged: multiply by the gain, add the shift."
)
def normalisation_swapped(x, labels, gains, shifts):
    return rows(shifts, labels) * normalised(x) + rows(gains, labels)


@conditional_normalisation.wrong(
    "Every image got the same gain and shift: take the row of its label."
)
def normalisation_without_class(x, labels, gains, shifts):
    gain, shift = ops.mean(gains, axis=0), ops.mean(shifts, axis=0)
    return gain * normalised(x) + shift


@conditional_normalisation.wrong(
    "The 0.001 is missing: add it to the variance, or a channel without "
    "variance is divided by 0."
)
def normalisation_without_epsilon(x, labels, gains, shifts):
    axes = (0, 1, 2)
    x = (x - ops.mean(x, axis=axes)) / ops.std(x, axis=axes)
    return rows(gains, labels) * x + rows(shifts, labels)


@conditional_normalisation.wrong(
    "The 0.001 was added to the deviation: add it to the variance, before the "
    "square root."
)
def normalisation_with_epsilon_outside(x, labels, gains, shifts):
    axes = (0, 1, 2)
    x = (x - ops.mean(x, axis=axes)) / (ops.std(x, axis=axes) + 0.001)
    return rows(gains, labels) * x + rows(shifts, labels)


@conditional_normalisation.wrong(
    "You divided by the variance: divide by its square root."
)
def normalisation_by_variance(x, labels, gains, shifts):
    axes = (0, 1, 2)
    x = (x - ops.mean(x, axis=axes)) / (ops.var(x, axis=axes) + 0.001)
    return rows(gains, labels) * x + rows(shifts, labels)


@conditional_normalisation.wrong(
    "The mean is not subtracted: do that before dividing."
)
def normalisation_without_mean(x, labels, gains, shifts):
    x = x / ops.sqrt(ops.var(x, axis=(0, 1, 2)) + 0.001)
    return rows(gains, labels) * x + rows(shifts, labels)


@conditional_normalisation.wrong(
    "The normalisation is missing: bring each channel to mean 0 and variance "
    "1 first."
)
def gain_and_shift_only(x, labels, gains, shifts):
    return rows(gains, labels) * x + rows(shifts, labels)


# Task 4: projection_logits


def draw_head(rng, size, classes):
    return {
        "w": normal(rng, size),
        "b": round(float(rng.normal()), 3),
        "vectors": normal(rng, classes, size),
    }


def projection_inputs(rng):
    for count, size, classes in ((4, 3, 5), (3, 6, 10)):
        yield {
            "features": normal(rng, count, size),
            "labels": draw_labels(rng, count, classes),
            **draw_head(rng, size, classes),
        }


@task(
    points=2,
    inputs=projection_inputs,
    hints=[
        "Two inner products with the same features: one with w, one with the "
        "vector of the image's label.",
        "ops.take(vectors, labels, axis=0) has a row for each image. "
        "Multiply by the features and sum over the features (axis 1).",
        "ops.matmul(features, w) + b + ops.sum(features * ..., axis=1)",
    ],
)
def projection_logits(features, labels, w, b, vectors):
    match = ops.sum(features * ops.take(vectors, labels, axis=0), axis=1)
    return ops.matmul(features, w) + b + match


@projection_logits.also_right
def projection_by_row(features, labels, w, b, vectors):
    return np.einsum("bf,bf->b", features, w + vectors[labels]) + b


@projection_logits.also_right
def projection_by_one_hot(features, labels, w, b, vectors):
    one_hot = ops.one_hot(labels, len(vectors))
    all_matches = ops.matmul(features, ops.transpose(vectors))
    return features @ w + b + ops.sum(one_hot * all_matches, axis=1)


@projection_logits.wrong(
    "The label plays no part: add the inner product with the vector of the "
    "label."
)
def logits_without_label(features, labels, w, b, vectors):
    return ops.matmul(features, w) + b


@projection_logits.wrong(
    "Only the match is left: add what the image is worth by itself, w times "
    "features plus b."
)
def logits_of_match_only(features, labels, w, b, vectors):
    return ops.sum(features * ops.take(vectors, labels, axis=0), axis=1)


@projection_logits.wrong("b is missing: add it to each logit.")
def logits_without_bias(features, labels, w, b, vectors):
    return projection_logits(features, labels, w, 0.0, vectors)


@projection_logits.wrong(
    "The products are not summed: an inner product sums over the features "
    "(axis=1)."
)
def match_not_summed(features, labels, w, b, vectors):
    alone = ops.matmul(features, w) + b
    return alone[:, None] + features * ops.take(vectors, labels, axis=0)


@projection_logits.wrong(
    "You returned a logit for every label: pick that of each image's own "
    "label."
)
def every_label(features, labels, w, b, vectors):
    matches = ops.matmul(features, ops.transpose(vectors))
    return (ops.matmul(features, w) + b)[:, None] + matches


@projection_logits.wrong(
    "You averaged over the features: an inner product is a sum."
)
def match_averaged(features, labels, w, b, vectors):
    match = ops.mean(features * ops.take(vectors, labels, axis=0), axis=1)
    return ops.matmul(features, w) + b + match


@projection_logits.wrong(
    "You added the match with all labels: only the image's own label counts."
)
def match_of_all_labels(features, labels, w, b, vectors):
    matches = ops.matmul(features, ops.transpose(vectors))
    return ops.matmul(features, w) + b + ops.sum(matches, axis=1)


@projection_logits.wrong(
    "You applied a sigmoid: return logits, the loss does the rest."
)
def projection_probabilities(features, labels, w, b, vectors):
    return ops.sigmoid(projection_logits(features, labels, w, b, vectors))


# Task 5: pair_loss


def pair_inputs(rng):
    # Most images have the smaller loss, and do not count more for that.
    for real, fake, bias in ((4, 4, 0.0), (6, 2, 3.0), (1, 5, -3.0)):
        given = {
            "real": normal(rng, real, 3),
            "real_labels": draw_labels(rng, real, 6),
            "fake": normal(rng, fake, 3),
            "fake_labels": draw_labels(rng, fake, 6),
            **draw_head(rng, 3, 6),
        }
        yield given | {"b": given["b"] + bias}


@task(
    points=3,
    inputs=pair_inputs,
    hints=[
        "Which label was each generated image made with? And what does the "
        "discriminator want to answer to a generated pair?",
        "The fakes are judged with fake_labels. -log D is softplus(-logit), "
        "-log(1 - D) is softplus(logit). Average real and generated pairs "
        "separately.",
        "ops.mean(ops.softplus(-real_logits)) + ops.mean(ops.softplus(...))",
    ],
)
def pair_loss(real, real_labels, fake, fake_labels, w, b, vectors):
    head = w, b, vectors
    loss = ops.mean(ops.softplus(-projection_logits(real, real_labels, *head)))
    return loss + ops.mean(
        ops.softplus(projection_logits(fake, fake_labels, *head))
    )


@pair_loss.also_right
def pair_loss_by_cross_entropy(
    real, real_labels, fake, fake_labels, w, b, vectors
):
    loss = 0.0
    for target, batch, labels in (
        (1.0, real, real_labels),
        (0.0, fake, fake_labels),
    ):
        logits = projection_logits(batch, labels, w, b, vectors)
        targets = ops.full_like(logits, target)
        loss += ops.mean(
            ops.binary_crossentropy(targets, logits, from_logits=True)
        )
    return loss


@pair_loss.wrong(
    "This is still the program as found: look at the labels of the fakes and "
    "at the sign of their logits."
)
def pair_loss_as_found(real, real_labels, fake, fake_labels, w, b, vectors):
    head = w, b, vectors
    logits = [projection_logits(x, real_labels, *head) for x in (real, fake)]
    return ops.mean(ops.softplus(-ops.concatenate(logits)))


@pair_loss.wrong(
    "The fakes are judged with the labels of the real images: then even a "
    "perfect generator is found out. Use those that they were made with."
)
def pair_loss_wrong_labels(
    real, real_labels, fake, fake_labels, w, b, vectors
):
    return pair_loss(real, real_labels, fake, real_labels, w, b, vectors)


@pair_loss.wrong(
    "The discriminator is rewarded for taking fakes as real: their loss is "
    "softplus(+logit)."
)
def pair_loss_both_real(real, real_labels, fake, fake_labels, w, b, vectors):
    head = w, b, vectors
    real_logits = projection_logits(real, real_labels, *head)
    fake_logits = projection_logits(fake, fake_labels, *head)
    loss = ops.mean(ops.softplus(-real_logits))
    return loss + ops.mean(ops.softplus(-fake_logits))


@pair_loss.wrong(
    "The labels are right now, but the discriminator is still asked to take "
    "fakes as real: their loss is softplus(+logit)."
)
def pair_loss_all_real(real, real_labels, fake, fake_labels, w, b, vectors):
    head = w, b, vectors
    real_logits = projection_logits(real, real_labels, *head)
    fake_logits = projection_logits(fake, fake_labels, *head)
    logits = ops.concatenate([real_logits, fake_logits])
    return ops.mean(ops.softplus(-logits))


@pair_loss.wrong(
    "Real and generated pairs are exchanged: real ones pay softplus(-logit)."
)
def pair_loss_swapped(real, real_labels, fake, fake_labels, w, b, vectors):
    return pair_loss(fake, fake_labels, real, real_labels, w, b, vectors)


@pair_loss.wrong(
    "The loss is half as large: add the two averages. It has to start at 2 "
    "log 2."
)
def pair_loss_halved(real, real_labels, fake, fake_labels, w, b, vectors):
    return 0.5 * pair_loss(real, real_labels, fake, fake_labels, w, b, vectors)


@pair_loss.wrong(
    "You averaged over real and generated pairs together: average each on its "
    "own and add."
)
def pair_loss_pooled(real, real_labels, fake, fake_labels, w, b, vectors):
    head = w, b, vectors
    real_logits = projection_logits(real, real_labels, *head)
    fake_logits = projection_logits(fake, fake_labels, *head)
    return ops.mean(ops.softplus(ops.concatenate([-real_logits, fake_logits])))


@pair_loss.wrong(
    "You summed over the pairs: average over them, or the loss depends on the "
    "size of the batch."
)
def pair_loss_summed(real, real_labels, fake, fake_labels, w, b, vectors):
    head = w, b, vectors
    real_logits = projection_logits(real, real_labels, *head)
    fake_logits = projection_logits(fake, fake_labels, *head)
    loss = ops.sum(ops.softplus(-real_logits))
    return loss + ops.sum(ops.softplus(fake_logits))


# Task 6: information_bound


def information_inputs(rng):
    yield {"code_logits": normal(rng, 4, 10), "codes": draw_labels(rng, 4)}
    codes = draw_labels(rng, 5)
    sure = 6 * np.eye(10, dtype="float32")[codes] + normal(rng, 5, 10)
    yield {"code_logits": sure, "codes": codes}
    yield {
        "code_logits": 300 * normal(rng, 3, 10),
        "codes": draw_labels(rng, 3),
    }


def log_q(code_logits, codes):
    log_softmax = ops.log_softmax(code_logits, axis=1)
    return ops.sum(log_softmax * ops.one_hot(codes, 10), axis=1)


@task(
    points=2,
    inputs=information_inputs,
    hints=[
        "A head that guesses blindly gives each code 1/10: its bound is "
        "log(1/10) + log 10 = 0.",
        "ops.log_softmax gives the logarithms of all ten probabilities; pick "
        "that of the right code with a one-hot vector.",
        "ops.mean(ops.sum(log_q * ops.one_hot(codes, 10), axis=1)) + ...",
    ],
)
def information_bound(code_logits, codes):
    return ops.mean(log_q(code_logits, codes)) + np.log(10)


@information_bound.also_right
def bound_by_cross_entropy(code_logits, codes):
    each = ops.sparse_categorical_crossentropy(
        codes, code_logits, from_logits=True
    )
    return np.log(10) - ops.mean(each)


@information_bound.wrong(
    "log 10 is missing: without it the bound would be negative."
)
def bound_without_entropy(code_logits, codes):
    return ops.mean(log_q(code_logits, codes))


@information_bound.wrong(
    "The sign is the other way round: where the head reads the codes well, "
    "the bound is positive."
)
def bound_negative(code_logits, codes):
    return -information_bound(code_logits, codes)


@information_bound.wrong(
    "log Q has the wrong sign: it is at most 0, and added to log 10."
)
def bound_with_log_q_subtracted(code_logits, codes):
    return np.log(10) - ops.mean(log_q(code_logits, codes))


@information_bound.wrong(
    "This is the cross-entropy, the loss: the bound is log 10 minus it."
)
def bound_as_loss(code_logits, codes):
    return -ops.mean(log_q(code_logits, codes))


@information_bound.wrong("This is in bits: nats need no division by log 2.")
def bound_in_bits(code_logits, codes):
    return information_bound(code_logits, codes) / np.log(2)


@information_bound.wrong(
    "You took the most probable code of each image: take the code that it was "
    "made with."
)
def bound_of_best_guess(code_logits, codes):
    best = ops.max(ops.log_softmax(code_logits, axis=1), axis=1)
    return ops.mean(best) + np.log(10)


@information_bound.wrong(
    "You averaged probabilities: average their logarithms."
)
def bound_of_probabilities(code_logits, codes):
    q = ops.softmax(code_logits, axis=1)
    chosen = ops.sum(q * ops.one_hot(codes, 10), axis=1)
    return ops.mean(chosen) + np.log(10)


@information_bound.wrong(
    "The softmax runs down the batch: the ten logits of one image belong "
    "together (axis=1)."
)
def bound_down_the_batch(code_logits, codes):
    log_softmax = ops.log_softmax(code_logits, axis=0)
    chosen = ops.sum(log_softmax * ops.one_hot(codes, 10), axis=1)
    return ops.mean(chosen) + np.log(10)


@information_bound.wrong(
    "Right for small logits, but for large ones the softmax rounds to 0, and "
    "0 times its logarithm is not a number: use ops.log_softmax."
)
def bound_with_nan(code_logits, codes):
    log = ops.log(ops.softmax(code_logits, axis=1))
    return ops.mean(ops.sum(log * ops.one_hot(codes, 10), axis=1)) + np.log(10)


@information_bound.wrong(
    "Right for small logits, but for large ones the softmax rounds to 0, "
    "whose logarithm is infinite: use ops.log_softmax."
)
def bound_infinite(code_logits, codes):
    q = ops.softmax(code_logits, axis=1) * ops.one_hot(codes, 10)
    return ops.mean(ops.log(ops.sum(q, axis=1))) + np.log(10)


@information_bound.wrong("One step is missing: average over the batch.")
def bound_for_each_image(code_logits, codes):
    return log_q(code_logits, codes) + np.log(10)


# The training: weights come out, and the digits are drawn and judged here.


def hidden_noise(rng):
    return {}, {"noise": 0.8 * normal(rng, 2000, 64), "rng": rng}


def measure_conditional_gan(weights, given, kept):
    generator = keras.Sequential([keras.Input((74,))])
    for size in (256, 256):
        generator.add(layers.Dense(size, activation="leaky_relu"))
    generator.add(layers.Dense(28 * 28, activation="sigmoid"))
    generator.set_weights(weights)
    asked = np.arange(2000) % 10
    drawn = generator(join_labels(kept["noise"], asked)).numpy()
    verdicts = judge.probabilities(drawn.reshape(-1, 28, 28))
    accuracy = metrics.label_accuracy(verdicts, asked)
    signs = learning.of_images(drawn, kept["rng"])
    return {"label_accuracy": accuracy, **signs}


TRAINING = Training(
    points=4,
    inputs=hidden_noise,
    probe="def probe():\n    return average.get_weights()",
    measure=measure_conditional_gan,
    needs=("join_labels", "projection_logits", "pair_loss"),
    signs=learning.OF_IMAGES,  # seeds 1, 2: 0.82, 0.79; 0.28, 0.27; 0
)
