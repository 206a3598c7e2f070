# %% [markdown]
# # Exercise 11: masks, draws and honest nats
#
# You write the masks of MADE and a mixture of several orders, and repair four
# programs. All their mistakes come from public code or from questions that
# its readers asked. At the end you mix two small models: one draws from the
# first pixel on, the other from the last. `check` says whether a function is
# right, and often which mistake is left; `hint` helps, a little more each
# time.

# %%
from digitdreams import course
from digitdreams.checks import check, hint

seed = course.start("11", exercise=True)

# %%
hint("made_masks")

# %%
import keras
import numpy as np
from keras import ops

# %% [markdown]
# ## Task 1: the masks of MADE
#
# `order` gives each pixel its place, from 1 to the number of pixels: a pixel
# may depend on pixels at *smaller* places. `degrees` gives each hidden unit a
# number $m$: it sees the pixels at the places 1 to $m$. Return two masks of
# ones and zeros: for the kernel from pixels to units, (pixels, units), and
# for the kernel from units to logits, (units, pixels). Both arguments are
# NumPy arrays of whole numbers. See [broadcasting in
# NumPy](https://numpy.org/doc/stable/user/basics.broadcasting.html).


# %% task="made_masks"
def made_masks(order, degrees):
    """Return the masks of both kernels, float32."""
    ### BEGIN SOLUTION
    first = order[:, None] <= degrees
    last = degrees[:, None] < order
    return first.astype("float32"), last.astype("float32")
    ### END SOLUTION


# %% check="made_masks"
check(made_masks)

# %% [markdown]
# ## Task 2: find the bugs, a loss
#
# Trained with this loss, a model soon reports 0.0001 nats and draws nothing
# but noise:
#
# ```python
# def made_loss(grey, levels, order, degrees, weights):
#     first, first_bias, last, last_bias = weights
#     first_mask, last_mask = made_masks(order, degrees)
#     images = ops.cast(grey > 0.5, "float32")
#     x = ops.relu(ops.matmul(images, first) + first_bias)
#     logits = ops.matmul(x, last * last_mask) + last_bias
#     each = ops.binary_crossentropy(images, logits, from_logits=True)
#     return ops.mean(each)
# ```
#
# `grey` holds images (batch, pixels) with grey levels from 0 to 1, `levels`
# uniform random numbers of the same shape. Repair it: draw each pixel, so
# that it is 1 where its number lies below its grey level; keep every output
# from seeing its own pixel; return the nats of an image, averaged over the
# batch. Your `made_masks` has to be right first. Use `keras.ops`, because the
# training compiles this function. See
# [ops.cast](https://keras.io/api/ops/core/).


# %% task="made_loss"
def made_loss(grey, levels, order, degrees, weights):
    """Return the mean nats of an image: one number."""
    ### BEGIN SOLUTION
    first, first_bias, last, last_bias = weights
    first_mask, last_mask = made_masks(order, degrees)
    images = ops.cast(levels < grey, "float32")
    x = ops.relu(ops.matmul(images, first * first_mask) + first_bias)
    logits = ops.matmul(x, last * last_mask) + last_bias
    each = ops.binary_crossentropy(images, logits, from_logits=True)
    return ops.mean(ops.sum(each, axis=1))
    ### END SOLUTION


# %% check="made_loss"
check(made_loss)

# %% [markdown]
# ## Task 3: find the bugs, drawing
#
# The smallest model of the kind has no hidden units: the logit of pixel $i$ is
# a sum over the pixels before it, `images @ kernel[:, i] + bias[i]`, and
# `kernel` is 0 for all others. This program draws from it. But all images come
# out the same, and the temperature changes nothing:
#
# ```python
# def draw(kernel, bias, uniforms, temperature):
#     images = np.zeros(uniforms.shape)
#     for i in range(uniforms.shape[1]):
#         logit = images @ kernel[:, i] + bias[i]
#         probability = 1 / (1 + np.exp(-logit * temperature))
#         images[:, i] = probability > 0.5
#     return images
# ```
#
# Repair it. `uniforms` holds a uniform random number for each pixel of each
# image, (images, pixels). A temperature below 1 makes the model more certain.


# %% task="draw"
def draw(kernel, bias, uniforms, temperature):
    """Return images of zeros and ones, (images, pixels)."""
    ### BEGIN SOLUTION
    images = np.zeros(uniforms.shape)
    for i in range(uniforms.shape[1]):
        logit = images @ kernel[:, i] + bias[i]
        probability = 1 / (1 + np.exp(-logit / temperature))
        images[:, i] = uniforms[:, i] < probability
    return images
    ### END SOLUTION


# %% check="draw"
check(draw)

# %% [markdown]
# ## Task 4: find the bugs, the score
#
# Two numbers are usual: nats an image, and bits a pixel (bits a dimension).
# This program is proud of 0.11 nats:
#
# ```python
# def score(images, logits):
#     each = np.logaddexp(0, logits) - images * logits
#     nats = each.mean()
#     return nats, nats * np.log(2)
# ```
#
# `each` is right: it is the cost of each pixel in nats, (images, pixels).
# Repair the rest: return the nats of an image, averaged over the images, and
# the bits of a pixel.


# %% task="score"
def score(images, logits):
    """Return the nats of an image and the bits of a pixel."""
    ### BEGIN SOLUTION
    each = np.logaddexp(0, logits) - images * logits
    nats = each.sum(axis=1).mean()
    return nats, nats / (images.shape[1] * np.log(2))
    ### END SOLUTION


# %% check="score"
check(score)

# %% [markdown]
# ## Task 5: several orders
#
# Several models, each with an order of its own, judge the same images.
# `images` is (images, pixels), zeros and ones; `logits` is (orders, images,
# pixels), one table for each model. Return the *logarithm* of the probability
# that their mixture gives to each image, (images,): the average of the
# probabilities that the models give to the *whole* image. A famous program
# averages the logits instead, and reports nats that no model can reach. The
# probability of one image can be as small as $e^{-1000}$, which a computer
# rounds to 0. See
# [np.logaddexp](https://numpy.org/doc/stable/reference/generated/numpy.logaddexp.html)
# and its method `reduce`.


# %% task="mix_orders"
def mix_orders(images, logits):
    """Return log p of each image under the mixture: (images,)."""
    ### BEGIN SOLUTION
    costs = np.logaddexp(0, logits) - images * logits
    log_p = -costs.sum(axis=2)
    return np.logaddexp.reduce(log_p, axis=0) - np.log(len(logits))
    ### END SOLUTION


# %% check="mix_orders"
check(mix_orders)

# %% [markdown]
# ## Task 6: find the bug, the kernels of a PixelCNN
#
# This program masks the kernels of a PixelCNN, from the first layer to the
# last. Each has the shape (size, size, channels in, channels out), with an odd
# size. The network trains, but its strokes do not hold together, and where the
# last kernel is 1x1 its output is the same for every image:
#
# ```python
# def masked_kernels(kernels):
#     masked = []
#     for number, kernel in enumerate(kernels):
#         middle = len(kernel) // 2
#         mask = np.ones((len(kernel), len(kernel), 1, 1), "float32")
#         mask[middle + 1 :] = 0
#         if number == 0:
#             mask[middle, middle:] = 0
#         else:
#             mask[middle] = 0
#         masked.append(kernel * mask)
#     return masked
# ```
#
# Repair it: mask A for the first layer, mask B for all others.


# %% task="masked_kernels"
def masked_kernels(kernels):
    """Return the kernels in their order, masked, as a list."""
    ### BEGIN SOLUTION
    masked = []
    for number, kernel in enumerate(kernels):
        middle = len(kernel) // 2
        mask = np.ones((len(kernel), len(kernel), 1, 1), "float32")
        mask[middle + 1 :] = 0
        if number == 0:
            mask[middle, middle:] = 0
        else:
            mask[middle, middle + 1 :] = 0
        masked.append(kernel * mask)
    return masked
    ### END SOLUTION


# %% check="masked_kernels"
check(masked_kernels)

# %% [markdown]
# ## Train with your parts
#
# Two models of 256 hidden units, smaller than the lesson's. The first one
# follows the rows from the top, the second one runs backwards from the last
# pixel. Training uses `made_loss`, the end `mix_orders` and `score`.

# %%
from digitdreams import data

pixels, units = 28 * 28, 256
digits = data.load()
grey = ops.convert_to_tensor(digits.train.images.reshape(-1, pixels))
mean = np.asarray(grey).mean(axis=0).clip(0.001, 0.999)
degrees = np.linspace(1, pixels - 1, units).round().astype("int32")
forwards = np.arange(pixels) + 1
orders = [forwards, forwards[::-1]]


# %%
import tensorflow as tf

from digitdreams.progress import track


class Model:
    def __init__(self, order):
        self.order = order
        self.random = keras.random.SeedGenerator(seed)
        sizes = [(pixels, units), (units,), (units, pixels), (pixels,)]
        start = [0.05, 0.0, 0.01, 0.0]
        self.weights = [
            keras.Variable(scale * keras.random.normal(size, seed=self.random))
            for scale, size in zip(start, sizes, strict=True)
        ]
        self.weights[3].assign(np.log(mean / (1 - mean)))

    @tf.function(autograph=False)
    def step(self, batch):
        levels = keras.random.uniform(ops.shape(batch), seed=self.random)
        values = [w.value for w in self.weights]
        with tf.GradientTape() as tape:
            loss = made_loss(batch, levels, self.order, degrees, values)
        gradients = tape.gradient(loss, values)
        self.adam.apply(gradients, self.weights)
        return loss

    def train(self, steps=1500, batch_size=100):
        rate = keras.optimizers.schedules.CosineDecay(0.005, steps)
        self.adam = keras.optimizers.Adam(rate, beta_2=0.99)
        self.adam.build(self.weights)
        batches = iter(data.batches(grey.numpy(), batch_size, seed).repeat())
        for _ in track(range(steps), f"from pixel {np.argmin(self.order)}"):
            self.step(next(batches))

    def logits(self, images):
        first, first_bias, last, last_bias = map(np.asarray, self.weights)
        first_mask, last_mask = made_masks(self.order, degrees)
        x = np.maximum(images @ (first * first_mask) + first_bias, 0)
        return x @ (last * last_mask) + last_bias


# %% [markdown]
# The number to reach: the nats of a test image under the mixture of both
# models. The test images are drawn once with their grey levels as
# probabilities. Each model's own nats and bits stand above it.

# %% check="training" points=4
models = [Model(order) for order in orders]
for model in models:
    model.train()
images = data.binarise(digits.test.images.reshape(-1, pixels), seed)
logits = np.stack([model.logits(images) for model in models])
for one in logits:
    print(
        "nats an image {:.2f}, bits a pixel {:.4f}".format(*score(images, one))
    )
course.expect(nats=-mix_orders(images, logits).mean())
