# %% [markdown]
# # Exercise 1: the parts of a classifier
#
# You write the functions that take a digit from raw bytes to an honest
# probability, repair a broken one, and train a classifier with your parts.
# After each task, `check` says whether your function is right, and often which
# mistake was made. `hint` helps, a little more each time you call it.

# %%
from digitdreams import course
from digitdreams.checks import check, hint

seed = course.start("01", exercise=True)

# %% [markdown]
# Try a hint now, to see how it looks. It takes the name of a function.

# %%
hint("scale_images")

# %% [markdown]
# These are all the imports that the tasks need.

# %%
import keras
import numpy as np
from keras import layers, ops

# %% [markdown]
# ## Task 1: scale the images
#
# The published files hold each image as bytes: an array `uint8` (n, height,
# width) with values from 0 to 255. A convolution wants numbers of moderate
# size and a channel axis. Return `float32` (n, height, width, 1) in [0, 1],
# where 255 becomes exactly 1. See
# [astype](https://numpy.org/doc/stable/reference/generated/numpy.ndarray.astype.html).


# %% task="scale_images"
def scale_images(pixels):
    """Turn uint8 (n, height, width) into float32 (n, height, width, 1)."""
    ### BEGIN SOLUTION
    return (pixels.astype("float32") / 255)[..., None]
    ### END SOLUTION


# %% check="scale_images"
check(scale_images)

# %% [markdown]
# ## Task 2: find the bug
#
# Some libraries put the channels before the height: (n, channels, height,
# width). Keras on a CPU wants them last: (n, height, width, channels). This
# program was written for a single image without the axis n, and it raises
# `ValueError: axes don't match array` for a batch:
#
# ```python
# def channels_last(images):
#     return np.transpose(images, (1, 2, 0))
# ```
#
# Repair it. Beware of a repair that only makes the shape right: a digit must
# still stand upright. See
# [np.transpose](https://numpy.org/doc/stable/reference/generated/numpy.transpose.html).


# %% task="channels_last"
def channels_last(images):
    """Turn (n, channels, height, width) into (n, height, width, channels)."""
    ### BEGIN SOLUTION
    return np.transpose(images, (0, 2, 3, 1))
    ### END SOLUTION


# %% check="channels_last"
check(channels_last)

# %% [markdown]
# ## Task 3: the network
#
# Return a `keras.Model` that turns images (n, size, size, 1) into logits (n,
# classes). Its layers, in this order:
#
# 1. a convolution with 16 kernels of 5 by 5, and one with 32 kernels of 3 by
#    3, both with a stride of 2, ReLU and padding "same" (zeros around the
#    image, so that only the stride shrinks it);
# 2. all responses laid out as one row;
# 3. 64 features, dense, with ReLU; then the logits, dense, without activation.
#
# It is a smaller sister of the lesson's network, made for speed. See
# [Sequential](https://keras.io/guides/sequential_model/) and
# [Conv2D](https://keras.io/api/layers/convolution_layers/convolution2d/).


# %% task="build_classifier"
def build_classifier(image_size, classes):
    """Return a model from (n, image_size, image_size, 1) to (n, classes)."""
    ### BEGIN SOLUTION
    return keras.Sequential(
        [
            keras.Input((image_size, image_size, 1)),
            layers.Conv2D(16, 5, strides=2, padding="same", activation="relu"),
            layers.Conv2D(32, 3, strides=2, padding="same", activation="relu"),
            layers.Flatten(),
            layers.Dense(64, activation="relu", name="features"),
            layers.Dense(classes, name="logits"),
        ]
    )
    ### END SOLUTION


# %% check="build_classifier"
check(build_classifier)

# %% [markdown]
# ## Task 4: the loss
#
# Return the cross-entropy of each image, $-\log p_y$, where $p$ is the softmax
# of the logits $l$ and $y$ the true class:
#
# $$-\log \frac{e^{l_y}}{\sum_k e^{l_k}}$$
#
# Labels are whole numbers (batch,), logits are (batch, classes). The check
# uses logits of $\pm 1000$ as well, where $e^l$ is too large for a computer;
# so rewrite the formula before you compute it. Use `keras.ops`, because
# training needs the gradient. See [ops](https://keras.io/api/ops/numpy/) and
# [logsumexp](https://keras.io/api/ops/core/).


# %% task="cross_entropy"
def cross_entropy(logits, labels):
    """Return the loss of each image: (batch,)."""
    ### BEGIN SOLUTION
    chosen = ops.sum(ops.one_hot(labels, logits.shape[1]) * logits, axis=1)
    return ops.logsumexp(logits, axis=1) - chosen
    ### END SOLUTION


# %% check="cross_entropy"
check(cross_entropy)

# %% [markdown]
# ## Task 5: the calibration error
#
# Return the expected calibration error of probabilities (n, classes), with ten
# bins of equal width over the confidence, the largest probability: for each
# bin the distance between its mean confidence and its accuracy, weighted by
# its share of the images, all added up. Bin 0 holds confidences from 0 up to
# 0.1 (not included), and so on; a confidence of exactly 1 belongs to bin 9.
# With this number you can say whether to believe a network that is sure. NumPy
# is enough here. See
# [np.minimum](https://numpy.org/doc/stable/reference/generated/numpy.minimum.html).


# %% task="expected_calibration_error"
def expected_calibration_error(probabilities, labels):
    """Return one number, 0 for a perfectly calibrated network."""
    ### BEGIN SOLUTION
    confidence = np.max(probabilities, axis=1)
    right = np.argmax(probabilities, axis=1) == labels
    bins = np.minimum((10 * confidence).astype(int), 9)
    error = 0.0
    for one in np.unique(bins):
        inside = bins == one
        gap = abs(confidence[inside].mean() - right[inside].mean())
        error += inside.mean() * gap
    return error
    ### END SOLUTION


# %% check="expected_calibration_error"
check(expected_calibration_error)

# %% [markdown]
# ## Train with your parts
#
# First the digits, turned back into the bytes of the published files.

# %%
from digitdreams import data

digits = data.load()
train_pixels = np.rint(255 * digits.train.images[..., 0]).astype("uint8")
test_pixels = np.rint(255 * digits.test.images[..., 0]).astype("uint8")
train_pixels.shape, train_pixels.dtype, train_pixels.max()

# %% [markdown]
# Training goes as in the lesson, with your network and your loss. Keras gives
# a loss function the labels first, as floats, and averages what it returns.

# %%
from digitdreams.progress import Progress


def loss_for_keras(labels, logits):
    return cross_entropy(logits, ops.cast(labels, "int32"))


def train(images, labels):
    classifier = build_classifier(28, 10)
    classifier.compile(
        optimizer=keras.optimizers.Adam(0.002),
        loss=loss_for_keras,
        steps_per_execution=33,
        jit_compile=False,
    )
    batches = data.batches((images, labels), 128, seed)
    progress = Progress("classifier")
    classifier.fit(
        batches, epochs=2, shuffle=False, verbose=0, callbacks=[progress]
    )
    return classifier


# %% [markdown]
# The number to reach is the accuracy on the test images.

# %% check="training" points=4
classifier = train(scale_images(train_pixels), digits.train.labels)
test_logits = classifier(scale_images(test_pixels))
predictions = np.argmax(test_logits, axis=1)
course.expect(accuracy=np.mean(predictions == digits.test.labels))

# %% [markdown]
# And is it calibrated? Your own measure says how far confidence and accuracy
# lie apart: first for perfect answers, then for those of your network.

# %%
print(expected_calibration_error(np.eye(10), np.arange(10)))
probabilities = ops.softmax(test_logits).numpy()
print(expected_calibration_error(probabilities, digits.test.labels))
