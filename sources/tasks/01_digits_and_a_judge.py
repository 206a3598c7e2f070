"""Tasks of exercise 01: the parts of a classifier and of its measurement."""

import keras
import numpy as np
from keras import layers, ops

from digitdreams import learning
from digitdreams.inputs import grey_images
from digitdreams.tasks import Training, task

# Task 1: scale_images


def scale_images_inputs(rng):
    full = rng.integers(0, 256, (3, 4, 5), dtype="uint8")
    full[0, 0, 0] = 255
    yield {"pixels": full}
    yield {"pixels": rng.integers(0, 101, (2, 6, 6), dtype="uint8")}


@task(
    points=1,
    inputs=scale_images_inputs,
    tolerance=1e-5,
    same_dtype=True,
    hints=[
        "Three things have to change: the type, the range and the number of "
        "axes. Do them one after the other and look at `.dtype`, `.max()` "
        "and `.shape`.",
        'Convert first: `pixels.astype("float32")`. Then divide by the '
        "largest value that a uint8 can hold.",
        "An axis of length 1 is added at the end by indexing: "
        "`array[..., None]`. So: "
        '`(pixels.astype("float32") / 255)[..., None]`.',
    ],
)
def scale_images(pixels):
    return (pixels.astype("float32") / 255)[..., None]


@scale_images.also_right
def scaled_by_ops(pixels):
    return ops.expand_dims(ops.cast(pixels, "float32") / 255.0, -1)


@scale_images.wrong(
    "The channel axis is missing: the shape has to end in 1. Add it with "
    "`[..., None]`."
)
def no_channel(pixels):
    return pixels.astype("float32") / 255


@scale_images.wrong(
    "You put the channel axis second. Keras expects it last: (n, height, "
    "width, 1)."
)
def channel_first(pixels):
    return (pixels.astype("float32") / 255)[:, None]


@scale_images.wrong(
    "The values still reach from 0 to 255. Divide them by 255."
)
def not_scaled(pixels):
    return pixels.astype("float32")[..., None]


@scale_images.wrong(
    "The values are right but of type float64, twice the memory and slower. "
    "Convert to float32 before you divide."
)
def double_precision(pixels):
    return (pixels / 255)[..., None]


@scale_images.wrong(
    "You divided by 256. The largest value of a uint8 is 255, and it should "
    "become exactly 1."
)
def by_256(pixels):
    return (pixels.astype("float32") / 256)[..., None]


@scale_images.wrong(
    "Nearly every pixel became 0: `//` drops the fraction. Convert to float32 "
    "and use `/`."
)
def whole_numbers(pixels):
    return (pixels // 255).astype("float32")[..., None]


@scale_images.wrong(
    "You divided by the largest pixel of these images, so the same grey would "
    "mean something else in each batch. Divide by 255 always."
)
def by_largest(pixels):
    return (pixels.astype("float32") / pixels.max())[..., None]


# Task 2: channels_last


def channels_last_inputs(rng):
    for shape in ((2, 3, 4, 5), (3, 1, 4, 4)):
        yield {"images": grey_images(rng, *shape)}


@task(
    points=1,
    inputs=channels_last_inputs,
    tolerance=1e-6,
    hints=[
        "Count the axes of a batch, and count the numbers in the tuple.",
        "The tuple says for each new axis which old one it is. The first "
        "axis, the images, stays where it is: the tuple begins with 0.",
        "Old axes: 0 images, 1 channels, 2 height, 3 width. New order: "
        "images, height, width, channels. Write their old numbers into the "
        "tuple.",
    ],
)
def channels_last(images):
    return np.transpose(images, (0, 2, 3, 1))


@channels_last.also_right
def moved_axis(images):
    return np.moveaxis(images, 1, -1)


@channels_last.wrong(
    "NumPy raised ValueError: the tuple still names three axes, and a batch "
    "has four. Name the axis of the images, too."
)
def three_axes(images):
    return np.transpose(images, (1, 2, 0))


@channels_last.wrong(
    "Height and width have changed places: every digit lies on its side. Keep "
    "them in the order height, width."
)
def mirrored(images):
    return np.transpose(images, (0, 3, 2, 1))


@channels_last.wrong(
    "The last axis has moved to the second place, but the second one is to go "
    "last: the tuple holds old places, not new ones."
)
def moved_the_other_way(images):
    return np.transpose(images, (0, 3, 1, 2))


@channels_last.wrong(
    "The shape is right but the pixels are in the wrong places: `reshape` "
    "cuts the row of numbers anew. Use `np.transpose`."
)
def reshaped(images):
    count, channels, height, width = images.shape
    return images.reshape(count, height, width, channels)


@channels_last.wrong(
    "Without a tuple `np.transpose` reverses all axes, so the images come "
    "last. Give it the order of the four axes."
)
def all_reversed(images):
    return np.transpose(images)


# Task 3: build_classifier


def build_classifier_inputs(rng):
    for count, size, classes in ((4, 8, 10), (3, 12, 7)):
        shape = (count, size, size, 1)
        x = rng.normal(scale=3, size=shape).round(2).astype("float32")
        yield {"image_size": size, "classes": classes, "x": x}


def layers_of_classifier(classes, padding="same", strides=2):
    options = {"padding": padding, "strides": strides, "activation": "relu"}
    return [
        layers.Conv2D(16, 5, **options),
        layers.Conv2D(32, 3, **options),
        layers.Flatten(),
        layers.Dense(64, activation="relu"),
        layers.Dense(classes),
    ]


def stacked(image_size, these):
    return keras.Sequential([keras.Input((image_size, image_size, 1)), *these])


@task(
    points=2,
    inputs=build_classifier_inputs,
    observe="activations",
    hints=[
        "`keras.Sequential` takes a list: first `keras.Input`, then the "
        "layers in the order of the text. `model.summary()` shows what you "
        "have.",
        "The first convolution is `layers.Conv2D(16, 5, strides=2, "
        'padding="same", activation="relu")`; the second differs in two '
        "numbers.",
        "After the convolutions: `layers.Flatten()`, "
        '`layers.Dense(64, activation="relu")`, `layers.Dense(classes)`. '
        "The last one has no activation.",
    ],
)
def build_classifier(image_size, classes):
    return stacked(image_size, layers_of_classifier(classes))


@build_classifier.also_right
def functional_classifier(image_size, classes):
    x = images = keras.Input((image_size, image_size, 1))
    for layer in layers_of_classifier(classes):
        x = layer(x)
    return keras.Model(images, x)


@build_classifier.wrong(
    "The model returns probabilities. Return the logits: leave the softmax "
    "out, the loss applies it."
)
def with_softmax(image_size, classes):
    these = layers_of_classifier(classes)
    return stacked(image_size, [*these, layers.Softmax()])


@build_classifier.wrong(
    "The output still has places: a dense layer acts on the last axis only. "
    "Put `layers.Flatten()` between convolutions and dense layers."
)
def without_flatten(image_size, classes):
    first, second, _, *rest = layers_of_classifier(classes)
    return stacked(image_size, [first, second, *rest])


@build_classifier.wrong(
    "The convolutions lose the border of the image. Give both "
    '`padding="same"`.'
)
def without_padding(image_size, classes):
    return stacked(image_size, layers_of_classifier(classes, padding="valid"))


@build_classifier.wrong(
    "The image does not shrink, so the dense layer has far too many weights. "
    "Give both convolutions `strides=2`."
)
def without_strides(image_size, classes):
    return stacked(image_size, layers_of_classifier(classes, strides=1))


@build_classifier.wrong(
    "The layer of 64 features is missing between `Flatten` and the logits."
)
def without_features(image_size, classes):
    *rest, _, last = layers_of_classifier(classes)
    return stacked(image_size, [*rest, last])


@build_classifier.wrong(
    "The number of logits is fixed at 10. Use the argument `classes`."
)
def always_ten(image_size, classes):
    return build_classifier(image_size, 10)


@build_classifier.wrong(
    "The model takes images of 28 by 28 only. Use the argument `image_size` "
    "for both sides."
)
def always_28(image_size, classes):
    return build_classifier(28, classes)


# Task 4: cross_entropy


def cross_entropy_inputs(rng):
    for count, scale in ((5, 2), (4, 1000)):
        yield {
            "logits": rng.normal(scale=scale, size=(count, 6)).astype(
                "float32"
            ),
            "labels": rng.integers(0, 6, count),
        }


@task(
    points=2,
    inputs=cross_entropy_inputs,
    observe="gradient",
    hints=[
        "Write the logarithm of the softmax as a difference: the logarithm "
        "of a quotient is the difference of two logarithms.",
        "The loss is log(sum of e^l) minus the logit of the true class. "
        "`ops.logsumexp(logits, axis=1)` computes the first part safely.",
        "The second part: "
        "`ops.sum(ops.one_hot(labels, classes) * logits, axis=1)`, where "
        "`classes` is `logits.shape[1]`.",
    ],
)
def cross_entropy(logits, labels):
    chosen = ops.sum(ops.one_hot(labels, logits.shape[1]) * logits, axis=1)
    return ops.logsumexp(logits, axis=1) - chosen


@cross_entropy.also_right
def by_log_softmax(logits, labels):
    rows = ops.log_softmax(logits, axis=-1)
    return -ops.take_along_axis(rows, ops.expand_dims(labels, 1), axis=1)[:, 0]


@cross_entropy.also_right
def by_keras(logits, labels):
    return keras.losses.sparse_categorical_crossentropy(
        labels, logits, from_logits=True
    )


@cross_entropy.wrong(
    "You averaged over the batch. Return one loss per image: (batch,)."
)
def averaged(logits, labels):
    return ops.mean(cross_entropy(logits, labels))


@cross_entropy.wrong(
    "The sign is wrong: a logarithm of a probability is negative, and the "
    "loss is its negative."
)
def positive_log(logits, labels):
    return -cross_entropy(logits, labels)


@cross_entropy.wrong(
    "You used logarithms to base 2, which gives bits. Use the natural "
    "logarithm."
)
def in_bits(logits, labels):
    return cross_entropy(logits, labels) / np.log(2)


@cross_entropy.wrong(
    "Right for small logits, infinite for large ones: the softmax rounds to 0 "
    "before the logarithm is taken. Use `ops.logsumexp` instead."
)
def log_of_softmax(logits, labels):
    chosen = ops.one_hot(labels, logits.shape[1]) * ops.softmax(logits, axis=1)
    return -ops.log(ops.sum(chosen, axis=1))


@cross_entropy.wrong(
    "Right for small logits, not a number for large ones: e^1000 is too large "
    "for a float32. Use `ops.logsumexp` instead."
)
def naive_softmax(logits, labels):
    powers = ops.exp(logits)
    rows = powers / ops.sum(powers, axis=1, keepdims=True)
    return -ops.log(
        ops.sum(ops.one_hot(labels, logits.shape[1]) * rows, axis=1)
    )


@cross_entropy.wrong(
    "The difference is right, but e^1000 is too large for a float32. Let "
    "`ops.logsumexp` take the exponential, the sum and the logarithm."
)
def naive_difference(logits, labels):
    chosen = ops.sum(ops.one_hot(labels, logits.shape[1]) * logits, axis=1)
    return ops.log(ops.sum(ops.exp(logits), axis=1)) - chosen


@cross_entropy.wrong(
    "This is only the true logit with a minus. The logarithm of the sum over "
    "all classes is missing."
)
def without_normalising(logits, labels):
    return -ops.sum(ops.one_hot(labels, logits.shape[1]) * logits, axis=1)


@cross_entropy.wrong(
    "You summed the exponentials over all images together. Sum over the "
    "classes of each image: `axis=1`."
)
def over_the_batch(logits, labels):
    chosen = ops.sum(ops.one_hot(labels, logits.shape[1]) * logits, axis=1)
    return ops.logsumexp(logits) - chosen


@cross_entropy.wrong(
    "The values are right, but NumPy lets no gradient pass, so nothing could "
    "be trained with it. Use `keras.ops` throughout."
)
def by_numpy(logits, labels):
    logits = np.asarray(logits)
    shifted = logits - logits.max(axis=1, keepdims=True)
    chosen = shifted[np.arange(len(labels)), labels]
    return np.log(np.exp(shifted).sum(axis=1)) - chosen


# Task 5: expected_calibration_error


def calibration_inputs(rng):
    """Unsure rows that are right, sure ones that are wrong, and certain ones.

    The first case is too sure on the whole, the second not sure enough. In the
    third one the last bin is not sure enough and the bin before it too sure.
    """
    for unsure, sure, certain, classes in (
        (8, 14, 4, 3),
        (24, 4, 4, 4),
        (2, 14, 0, 3),
    ):
        confidence = np.concatenate(
            [
                rng.uniform(0.4, 0.6, unsure),
                rng.uniform(0.6, 0.9, sure),
                rng.uniform(0.9, 0.96, 6),
                np.ones(6),
            ]
        )
        counts = [unsure, sure, 6, certain, 6 - certain]
        right = np.repeat([1, 0, 1, 0, 1], counts)
        said = rng.integers(0, classes, len(right))
        labels = np.where(right, said, (said + 1) % classes)
        rest = (1 - confidence) / (classes - 1)
        rows = np.where(
            np.arange(classes) == said[:, None],
            confidence[:, None],
            rest[:, None],
        )
        yield {"probabilities": rows.astype("float32"), "labels": labels}


def binned(probabilities, labels):
    confidence = np.max(probabilities, axis=1)
    right = np.argmax(probabilities, axis=1) == labels
    bins = np.minimum((10 * confidence).astype(int), 9)
    return confidence, right, bins


@task(
    points=2,
    inputs=calibration_inputs,
    hints=[
        "You need three numbers per image: its confidence (the largest "
        "probability), whether the answer is right, and its bin from 0 to 9.",
        "The bin is `(10 * confidence).astype(int)`, except for a confidence "
        "of exactly 1, which belongs into bin 9: `np.minimum(..., 9)`.",
        "Loop over the ten bins. For a bin with images, add its share of the "
        "images times abs(mean confidence - share of right answers).",
    ],
)
def expected_calibration_error(probabilities, labels):
    confidence, right, bins = binned(probabilities, labels)
    error = 0.0
    for one in range(10):
        inside = bins == one
        if inside.any():
            gap = abs(confidence[inside].mean() - right[inside].mean())
            error += inside.mean() * gap
    return error


@expected_calibration_error.also_right
def by_counting(probabilities, labels):
    confidence, right, bins = binned(probabilities, labels)
    sums = np.bincount(bins, weights=confidence - right, minlength=10)
    return np.abs(sums).sum() / len(labels)


def gaps(confidence, right, bins):
    filled = [bins == one for one in np.unique(bins)]
    return np.array(
        [(g.mean(), confidence[g].mean() - right[g].mean()) for g in filled]
    ).T


@expected_calibration_error.wrong(
    "All filled bins count the same. Weight each by its share of the images."
)
def unweighted(probabilities, labels):
    _, differences = gaps(*binned(probabilities, labels))
    return np.abs(differences).mean()


@expected_calibration_error.wrong(
    "You divided by ten bins. Weight each bin by its share of the images "
    "instead."
)
def unweighted_over_all_bins(probabilities, labels):
    _, differences = gaps(*binned(probabilities, labels))
    return np.abs(differences).sum() / 10


@expected_calibration_error.wrong(
    "Bins that are too sure cancel bins that are not sure enough. Take the "
    "absolute value of each bin's difference."
)
def signed(probabilities, labels):
    shares, differences = gaps(*binned(probabilities, labels))
    return (shares * differences).sum()


@expected_calibration_error.wrong(
    "You compared the means over all images. Compare them within each of the "
    "ten bins."
)
def one_bin(probabilities, labels):
    confidence, right, _ = binned(probabilities, labels)
    return abs(confidence.mean() - right.mean())


@expected_calibration_error.wrong(
    "You binned by the probability of the true class, which the network does "
    "not know. Use the largest probability."
)
def of_the_true_class(probabilities, labels):
    _, right, _ = binned(probabilities, labels)
    given = probabilities[np.arange(len(labels)), labels]
    bins = np.minimum((10 * given).astype(int), 9)
    shares, differences = gaps(given, right, bins)
    return (shares * np.abs(differences)).sum()


@expected_calibration_error.wrong(
    "Images with a confidence of exactly 1 fell out of all bins. Put them "
    "into the last one."
)
def certain_ones_left_out(probabilities, labels):
    confidence, right, _ = binned(probabilities, labels)
    bins = (10 * confidence).astype(int)
    shares, differences = gaps(confidence, right, bins)
    return (shares * np.abs(differences))[np.unique(bins) < 10].sum()


@expected_calibration_error.wrong(
    "A confidence of exactly 1 got a bin of its own. Put it into the last of "
    "the ten: `np.minimum(..., 9)`."
)
def eleventh_bin(probabilities, labels):
    confidence, right, _ = binned(probabilities, labels)
    bins = (10 * confidence).astype(int)
    shares, differences = gaps(confidence, right, bins)
    return (shares * np.abs(differences)).sum()


# The training: weights come out, for the sandbox holds the test labels, too.


def nothing(rng):
    return {}, {}


def measure_accuracy(weights, given, kept):
    classifier = build_classifier(28, 10)
    classifier.set_weights(weights)
    found = {}

    def losses(split):
        logits = classifier.predict(split.images, batch_size=1000, verbose=0)
        correct = logits.argmax(axis=1) == split.labels
        found[len(split.labels)] = correct.mean()
        return cross_entropy(logits, split.labels)

    known = learning.known_better(losses)
    return {"accuracy": found[10_000], "known": known}


TRAINING = Training(
    points=4,
    inputs=nothing,
    probe="def probe():\n    return classifier.get_weights()",
    measure=measure_accuracy,
    needs=("scale_images", "build_classifier", "cross_entropy"),
    # Seed 1: 0.16; trained on test images: 1.7
    signs=(learning.known(0.6),),
)
