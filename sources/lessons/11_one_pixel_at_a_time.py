# %% [markdown]
# # 11. One pixel at a time
#
# Every model so far draws a whole image at once. The models of this lesson
# draw one pixel, look at what they have drawn, and draw the next. They are
# called *autoregressive*, and they can do what neither VAE nor GAN can: say
# the *exact* probability of an image. You will build two of them, a masked
# dense network (MADE) and a masked convolutional one (PixelCNN).
#
# **Goals.** After this lesson you can
#
# - write the probability of an image as a product, and its cost in nats;
# - mask a network so that no output sees its own pixel, and test the mask;
# - draw, complete and judge images pixel by pixel;
# - tell a likelihood from a number that only looks like one;
# - explain the blind spot of a PixelCNN, and close it.
#
# **Before this:** [lesson 3](03_vae.ipynb), for nats and cross-entropy.
# **Time:** 45 minutes of reading, about two and a half minutes of computing on
# two CPU cores.

# %%
from digitdreams import course

seed = course.start("11")

# %% [markdown]
# ## What comes out
#
# Twelve digits that a model of this lesson draws, from the first row to the
# last. In each frame the grey part is what has not been drawn yet.
#
# ![Digits appear pixel by pixel](../images/pixel_by_pixel.png)

# %% [markdown]
# ## A product of small questions
#
# Number the pixels of an image from 1 to 784, row by row. The *chain rule* of
# probability says, without any approximation:
#
# $$p(x) = \prod_{i=1}^{784} p(x_i \mid x_1, \ldots, x_{i-1})$$
#
# Here $x_i$ is pixel $i$, and each factor is the probability of that pixel
# given all pixels before it. Only the first one is given nothing. For a
# network each factor is a small question: black or white, after these pixels?
# Its answer is one logit. The cost of the image is a sum:
#
# $$-\log p(x) = \sum_{i=1}^{784} -\log p(x_i \mid x_1, \ldots, x_{i-1})$$
#
# Each term is a binary cross-entropy, as in lesson 3. With natural logarithms
# the sum is in nats. But here nothing is a bound: it *is* the negative log
# likelihood.
#
# One logit is enough only if pixels are binary. So we draw each pixel: it is 1
# with a probability equal to its grey level (*dynamic binarisation*). In
# training each batch is drawn anew; the test images are drawn once.

# %%
from digitdreams import data, plots

digits = data.load()
test = data.binarise(digits.test.images, seed)
plots.panel({"grey": digits.test.images[:12], "drawn": test[:12]})

# %% [markdown]
# How good is a model that gives every pixel its own probability and looks at
# no other pixel? The best probability is the mean grey level of the training
# images. Remember this baseline, *independent pixels*:

# %%
import numpy as np

from digitdreams import metrics

mean_image = digits.train.images.mean(axis=0).clip(0.001, 0.999)
mean_logits = np.log(mean_image / (1 - mean_image))


def nats(images, logits):
    """Return -log p of each image: (images,)."""
    return metrics.reconstruction_nats(images, logits)


independent = nats(test, np.broadcast_to(mean_logits, test.shape)).mean()
print(f"independent pixels: {independent:.1f} nats an image")

# %% [markdown]
# ## MADE: a mask in each layer
#
# One network should answer all 784 questions in one pass: image in, 784 logits
# out. Then output $i$ must not depend on pixel $i$ or on any later one. MADE
# (Germain and others, 2015) removes the connections that would make it depend.
#
# Give every pixel its place in the order, and every hidden unit a *degree*
# $m$: the unit may see the pixels at the places 1 to $m$. So
#
# - a pixel at place $i$ is connected to a unit of degree $m$ if $i \le m$;
# - that unit is connected to the output at place $j$ if $m < j$.
#
# Along any path $i \le m < j$: the output sees smaller places only. One of
# the two inequalities must be strict. If both allow equality, an output sees
# its own pixel. If both are strict, it misses the pixel just before it.
#
# A connection is removed by a 0 in a *mask* that multiplies the kernel:

# %%
import keras
from keras import layers, ops


class MaskedDense(layers.Dense):
    """A dense layer whose kernel is multiplied by a mask (in, out)."""

    def __init__(self, mask, **options):
        super().__init__(mask.shape[1], **options)
        self.mask = mask.astype("float32")

    def call(self, x):
        x = ops.matmul(x, self.kernel * self.mask) + self.bias
        return self.activation(x)


# %% [markdown]
# `order` is an image that holds each pixel's place. Besides the hidden layer
# there is a direct connection from pixels to outputs, with its own mask. The
# last bias starts at the logits of the mean image, as in lesson 3: a bias is a
# constant, it tells nothing about an image and needs no mask. For the same
# reason the mean may be subtracted from the pixels, which makes learning
# easier.


# %%
def build_made(order, degrees, mean=0.5):
    """Return a network from images to logits, both like `order`."""
    place, mean = order.ravel(), np.ravel(mean).astype("float32")
    bias = keras.initializers.Constant(np.log(mean / (1 - mean)))
    images = keras.Input(order.shape)
    x = layers.Flatten()(images) - mean
    first, last = place[:, None] <= degrees, degrees[:, None] < place
    options = {"activation": "relu", "kernel_initializer": "he_normal"}
    hidden = MaskedDense(first, **options)(x)
    logits = MaskedDense(last, bias_initializer=bias)(hidden)
    direct = place[:, None] < place
    logits += MaskedDense(direct, kernel_initializer="zeros")(x)
    return keras.Model(images, layers.Reshape(order.shape)(logits))


# %% [markdown]
# The architecture of a tiny one, for images of five pixels, with six hidden
# units. Every line is a 1 in one of the two masks (the direct connections are
# left out). The numbers are places and degrees. Follow the lines down from
# output 3: they end at the pixels 1 and 2.

# %%
places, degrees = np.arange(1, 6), np.array([1, 1, 2, 3, 3, 4])


def draw_network(rows, masks, names):
    figure = plots.Picture(560, 260, "the connections of a small MADE")
    axes = figure.add_axes((0, 0, 1, 1))
    across = [np.linspace(0.25, 0.95, len(row)) for row in rows]
    for level, mask in enumerate(masks):
        for i, j in np.argwhere(mask):
            ends = [across[level][i], across[level + 1][j]], [level, level + 1]
            axes.plot(*ends, color=plots.LINE_COLOURS[level], zorder=1)
    for level, (row, name) in enumerate(zip(rows, names, strict=True)):
        axes.scatter(across[level], 0 * row + level, 420, "white", zorder=2)
        axes.text(0.02, level, name, va="center")
        for x, number in zip(across[level], row, strict=True):
            axes.text(x, level, number, ha="center", va="center", size=13)
    axes.set(xlim=(0, 1), ylim=(-0.3, 2.3))
    axes.axis("off")
    return figure


draw_network(
    [places, degrees, places],
    [places[:, None] <= degrees, degrees[:, None] < places],
    ["pixels: place", "units: degree", "logits: place"],
)

# %% [markdown]
# ## Is the mask right?
#
# A mask that lets too much through raises no error; the loss only looks too
# good. So test it, by *perturbation*: flip one pixel and see which logits
# change. Flip each of the six pixels of a tiny model: row $i$ of the table
# shows, for a flip of pixel $i$, counted along the rows of the image, which
# logits change.


# %%
def reactions(net, image):
    """Flip each pixel; return which logits change: (pixels, pixels)."""
    flips = np.eye(image.size, dtype="float32").reshape(-1, *image.shape)
    before, after = net(image[None]), net(abs(image - flips))
    return np.reshape(before != after, (image.size, image.size)).astype(int)


tiny_order = np.arange(1, 7).reshape(2, 3, 1)
image = np.ones((2, 3, 1), "float32")
wide = np.repeat(np.arange(1, 6), 20)
tiny = build_made(tiny_order, wide)
reactions(tiny, image)

# %% [markdown]
# The diagonal and everything below it are 0: no pixel changes its own logit or
# an earlier one. And everything above is 1: nothing that may be seen is
# hidden. **Predict, change, run:** what will the table be for the order
# 6, 5, 4, 3, 2, 1? Replace `tiny_order` by `7 - tiny_order`.
#
# The second test is by *gradients*, and gives a picture: take one logit of a
# network for digits and ask on which pixels it depends. Grey pixels have a
# gradient, black ones have none; the logit's own pixel is marked in white.

# %%
import tensorflow as tf


def seen_by(net, row, column):
    """Return a picture of the pixels that one logit depends on."""
    images = tf.random.uniform((8, 28, 28, 1))
    with tf.GradientTape() as tape:
        tape.watch(images)
        logit = net(images)[:, row, column]
    picture = np.any(tape.gradient(logit, images) != 0, axis=(0, 3)) * 0.6
    picture[row, column] += 1.0
    return picture


order = np.arange(1, 785).reshape(28, 28, 1)
each_degree = build_made(order, np.repeat(np.arange(1, 784), 8))
plots.strip([seen_by(each_degree, 14, at) for at in (3, 14, 24)])

# %% [markdown]
# ## Training MADE
#
# Which degrees? Spread evenly, many units would see only the empty rows at the
# top. We spread them by *entropy*: equally many units for each nat that
# independent pixels cost.

# %%
units, batch_size, rate, steps = 2000, 128, 0.008, 1900

entropy = np.logaddexp(0, mean_logits) - mean_image * mean_logits
share = np.cumsum(entropy) / np.sum(entropy)
degrees = 1 + np.searchsorted(share[:-2], (np.arange(units) + 0.5) / units)
made = build_made(order, degrees, mean_image)

# %% [markdown]
# The loss is the cost of a drawn image, with one improvement. The logit of
# pixel $i$ does not see the value that was drawn for pixel $i$, so we may
# average over both values: the target is the grey level itself. The gradient
# is the same on average and has less noise. The network still has to see drawn
# pixels.


# %%
class PixelModel(keras.Model):
    def __init__(self, net):
        super().__init__()
        self.net, self.random = net, keras.random.SeedGenerator(seed)
        self.average = keras.metrics.Mean("nats")

    def call(self, images):
        return self.net(images)

    def train_step(self, grey):
        images = data.binarise(grey, self.random)
        with tf.GradientTape() as tape:
            logits = self.net(images)
            costs = ops.binary_crossentropy(grey, logits, from_logits=True)
            loss = ops.mean(ops.sum(costs, axis=(1, 2, 3)))
        gradients = tape.gradient(loss, self.trainable_weights)
        self.optimizer.apply(gradients, self.trainable_weights)
        self.average.update_state(loss)
        return {"nats": self.average.result()}


# %% [markdown]
# A cheap check before the expensive cell: without any training the cost must
# be near the baseline.

# %%
some = data.binarise(digits.validation.images[:1000], seed)
print(f"before training: {nats(some, made(some)).mean():.1f} nats an image")

# %%
import time

from digitdreams.models import rising_and_falling
from digitdreams.progress import Progress

seconds = {}


def train(net, title, batch_size, rate, steps):
    model = PixelModel(net)
    adam = keras.optimizers.Adam(rising_and_falling(rate, steps), beta_2=0.99)
    model.compile(adam, jit_compile=False, steps_per_execution=10)
    batches = data.batches(digits.train.images, batch_size, seed).repeat()
    options = {"verbose": 0, "shuffle": False, "callbacks": [Progress(title)]}
    options |= {"epochs": 10, "steps_per_epoch": steps // 10}
    began = time.perf_counter()
    history = model.fit(batches, **options).history
    seconds[title] = time.perf_counter() - began
    return history


history = train(made, "MADE", batch_size, rate, steps)
plots.curve(history, "nats per image", xlabel="tenth of the training")


# %%
def mean_nats(net, images):
    """Return the mean cost of an image, computed 250 at a time."""
    ask, parts = tf.function(net), np.split(images, len(images) // 250)
    return np.mean([nats(part, ask(part)) for part in parts])


validation = data.binarise(digits.validation.images, seed)
print(f"validation: {mean_nats(made, validation):.2f} nats an image")

# %% [markdown]
# ## Drawing
#
# *Ancestral sampling*: ask for the first logit, draw the first pixel, put it
# into the image, ask for the second. For every pixel there is one uniform
# number $u$, and the pixel is 1 if $u$ is below its probability. A
# *temperature* divides the logits: below 1 the model is more certain than it
# learned to be.


# %%
def probabilities(net, images, temperature=1.0):
    return ops.sigmoid(net(images) / temperature).numpy()


def draw(net, levels):
    """Draw images pixel by pixel; `levels` are uniform, (n, 28, 28, 1)."""
    images, frames, ask = np.zeros_like(levels), [], tf.function(net)
    for row, column in np.ndindex(28, 28):
        p = probabilities(ask, images)[:, row, column]
        images[:, row, column] = levels[:, row, column] < p
        if column % 14 == 13:
            undrawn = order > order[row, column]
            shown = np.where(undrawn, 0.3, images)
            rows = np.hstack(shown[:6]), np.hstack(shown[6:])
            frames.append(np.vstack(rows))
    return images, frames


random = np.random.default_rng(seed)
levels = random.uniform(size=(12, 28, 28, 1)).astype("float32")
drawn, frames = draw(made, levels)
plots.animation(frames, seconds=6)

# %% [markdown]
# That was 784 passes. Training needs one pass for all pixels, because it knows
# the image; drawing cannot know what it has not drawn. But there is a shorter
# way to the *same* images. Guess all pixels, ask the network, and correct all
# of them at once, until nothing changes. After $k$ passes the first $k$ pixels
# are right, because each depends only on right ones; often many more are.


# %%
def fill_in(net, levels, known=None, start=0, temperature=1.0):
    """Draw the rows from `start` on; the others are kept from `known`."""
    images = np.zeros_like(levels) if known is None else np.array(known)
    fixed, ask = np.arange(28)[:, None, None] < start, tf.function(net)
    for passes in range(1, 786):
        p = probabilities(ask, images, temperature)
        better = np.where(fixed, images, levels < p)
        if np.array_equal(better, images):
            return images, passes
        images = better.astype("float32")


again, passes = fill_in(made, levels)
print(f"{passes} passes, equal to 784 passes: {np.array_equal(again, drawn)}")

# %% [markdown]
# ## Why draw, why not take the most likely pixel?
#
# Set every level to 0.5: each pixel then takes its more probable value, given
# those before it. There is nothing random left, so all images are the same
# one, and it is empty: wherever a stroke could begin, it is more probable that
# it does not begin just there. Typical digits take less probable values at
# many pixels. **Predict, change, run:** what do you expect of the temperatures
# 0.5 and 1.5? Then try 0.8.

# %%
rows = {"most likely": fill_in(made, 0 * levels + 0.5)[0]}
for temperature in (0.5, 1.0, 1.5):
    images, _ = fill_in(made, levels, temperature=temperature)
    rows[f"temperature {temperature}"] = images
plots.panel(rows)

# %% [markdown]
# ## Completing half an image
#
# Keep the upper half of a validation image and draw the rest, five times. No
# training was needed for this: $p(\text{rest} \mid \text{upper half})$ is the
# product of the remaining factors. The left half could not be completed from
# the right one, because this order never asks that way.

# %%
upper, lower = np.split(validation[:12], 2, axis=1)
known = np.concatenate([upper, np.zeros_like(lower)], axis=1)
rows = {"given": np.concatenate([upper, 0 * lower + 0.3], axis=1)}
for number in range(1, 6):
    new_levels = random.uniform(size=levels.shape).astype("float32")
    rows[f"draw {number}"], _ = fill_in(made, new_levels, known, start=14)
rows["true"] = validation[:12]
plots.panel(rows)

# %% [markdown]
# ## Where the surprise sits
#
# The cost of an image is a sum over pixels, so it can be drawn as a map.
# Brighter pixels cost more nats: above for ten images, below the mean over the
# validation images. The inside of a stroke is cheap, its edges and its turns
# are not: there the model could not know.

# %%
costs = ops.binary_crossentropy(validation, made(validation), from_logits=True)
mean_cost = np.mean(costs, axis=0)
costly = np.minimum(costs[:10] / 3, 1)
plots.panel({"image": validation[:10], "nats, up to 3": costly})

# %%
floor = metrics.entropy_floor(digits.validation.images)
print(f"the map {mean_cost.sum():.1f}, floor {floor:.1f} nats an image")
plots.strip([mean_cost / mean_cost.max()], title="mean nats of each pixel")

# %% [markdown]
# Even a model that knows the grey levels pays some 45 nats for the draws (the
# floor of lesson 3). More than half of what ours pays is chance that we added.

# %% [markdown]
# ## Two orders, and a number that is no likelihood
#
# Every order gives a model of its own. Several can be averaged, which usually
# helps: the *mixture* gives an image the probability $\frac{1}{K} \sum_k
# p_k(x)$, for $K$ models with the probabilities $p_k$. In logarithms that is a
# log-mean-exp of the log-probabilities of the *whole* image. A well-known
# program, [pytorch-made](https://github.com/karpathy/pytorch-made), averages
# the *logits* of ten orders instead and reports 79.3 nats, far below its 94.5
# for one order.
#
# Two pixels show what is wrong with it. They are equal in nine of ten images.
# The first model draws the left pixel by a fair coin and then the right one,
# with a logit that follows the left one. The second model goes from right to
# left. Both are exact, so averaging them should change nothing.

# %%
pairs = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
follow = np.log(9) * (2 * pairs - 1)  # the logit that copies a pixel
zero = np.zeros(4)
left_first = np.stack([zero, follow[:, 0]], axis=1)
right_first = np.stack([follow[:, 1], zero], axis=1)


def probability(logits):
    p = 1 / (1 + np.exp(-logits))
    return np.prod(np.where(pairs == 1, p, 1 - p), axis=1)


both = (probability(left_first) + probability(right_first)) / 2
averaged = probability((left_first + right_first) / 2)
for name, p in (("mixture", both), ("averaged logits", averaged)):
    print(f"{name:16}{p.round(3)}  sum {p.sum():.3f}")

# %% [markdown]
# Four images are all there are, and the averaged logits give them more than 1
# in total. In that average each pixel has seen the other one: the left sees
# the right, and the right sees the left. The product is no probability, so its
# logarithm is no log-likelihood. As a cost it is even below the *entropy* of
# the data, the mean cost with the true probabilities, which no model can beat:

# %%
for name, p in (("entropy", both), ("averaged logits", averaged)):
    print(f"{name:16}{-np.sum(both * np.log(p)):.3f} nats")

# %% [markdown]
# The check works for any small model: add up $p(x)$ over all images. For
# our tiny MADE of six pixels there are 64:

# %%
all_images = np.array(list(np.ndindex(*[2] * 6)), "float32")
all_images = all_images.reshape(-1, 2, 3, 1)
print(f"sum {np.exp(-nats(all_images, tiny(all_images))).sum():.6f}")

# %% [markdown]
# ## PixelCNN: masks A and B
#
# MADE learns each place anew. A convolution uses the same small kernel
# everywhere, so it learns a stroke once. PixelCNN (van den Oord and others,
# 2016) masks the kernels: rows below are hidden, and so is what lies to the
# right in the middle row. The middle itself depends on the layer. In the first
# layer it is the pixel that is asked for: **mask A** hides it. In later layers
# the middle holds what was computed from earlier pixels: **mask B** keeps it.
# Grey is a 1 of the mask, black a 0:


# %%
class MaskedConv(layers.Conv2D):
    def __init__(self, channels, size, kind, **options):
        super().__init__(channels, size, padding="same", **options)
        self.mask = np.ones((size, size, 1, 1), "float32")
        self.mask[size // 2, size // 2 + (kind == "B") :] = 0
        self.mask[size // 2 + 1 :] = 0

    def call(self, x):
        x = ops.conv(x, self.kernel * self.mask, padding="same") + self.bias
        return self.activation(x)


big = np.full((8, 8, 1), 0.6)
masks = [np.kron(MaskedConv(1, 5, kind).mask[..., 0], big) for kind in "AB"]
plots.strip(masks, captions=["mask A", "mask B"])

# %% [markdown]
# What does a logit see after one, two, four and eight such layers of size 3?


# %%
def build_masked(depth):
    images = x = keras.Input((28, 28, 1))
    for kind in ("A" + "B" * depth)[:depth]:
        x = MaskedConv(16, 3, kind, activation="elu")(x)
    return keras.Model(images, MaskedConv(1, 1, "B")(x))


depths = (1, 2, 4, 8)
seen = [seen_by(build_masked(depth), 14, 14) for depth in depths]
plots.strip(seen, captions=[f"depth {depth}" for depth in depths])

# %% [markdown]
# Nothing below, nothing to the right: the masks are right. But on the upper
# right a wedge stays black however deep the network is. This is the *blind
# spot*: a path there would have to go to the right in its row, and masks of
# this kind do not allow that.

# %% [markdown]
# ## Two stacks close it
#
# The *gated PixelCNN* (van den Oord and others, 2016) has two stacks of
# layers. The **vertical** stack sees whole rows, but only rows above. The
# **horizontal** stack sees its own row, to the left, and gets the vertical
# one's result at the same place. Neither needs a mask: a kernel that covers
# only the rows above comes from padding at the top and a cut at the bottom.
#
# Instead of a ReLU each layer has a *gate*, $\tanh(a) \cdot \sigma(b)$: the
# second factor, a sigmoid between 0 and 1, says how much of the first one
# passes.


# %%
channels, depth = 16, 5


def gate(x):
    a, b = ops.split(x, 2, axis=-1)
    return ops.tanh(a) * ops.sigmoid(b)


def shifted_conv(x, height, width, up=0, left=0):
    """Convolve over rows above or pixels to the left, moved by up and left."""
    side = 0 if height == 1 else width // 2
    across = (width - 1 + left, 0) if height == 1 else (side, side)
    x = layers.ZeroPadding2D(((height - 1 + up, 0), across))(x)
    x = layers.Conv2D(2 * channels, (height, width))(x)
    return x[:, :28, :28]


def build_pixelcnn():
    images = keras.Input((28, 28, 1))
    x = images - mean_image.astype("float32")
    vertical = shifted_conv(x, 3, 7, up=1)
    x = shifted_conv(x, 1, 3, left=1)
    x = gate(x + layers.Conv2D(2 * channels, 1)(vertical))
    for _ in range(depth):
        vertical = shifted_conv(gate(vertical), 2, 3)
        both = shifted_conv(x, 1, 2) + layers.Conv2D(2 * channels, 1)(vertical)
        x += layers.Conv2D(channels, 1)(gate(both))
    x = layers.Conv2D(64, 1, activation="relu")(ops.relu(x))
    x = layers.Conv2D(1, 1)(x)
    return keras.Model(images, x + mean_logits.astype("float32"))


# %% [markdown]
# What a logit of the two stacks sees, before training:

# %%
pixelcnn = build_pixelcnn()
plots.strip([seen_by(pixelcnn, 14, at) for at in (3, 14, 24)])

# %% [markdown]
# Within their reach there is no blind spot, and nothing of the future. A batch
# of 8 is enough here: each kernel learns from 784 places of every image.

# %%
history = train(pixelcnn, "PixelCNN", 8, 0.008, 640)
plots.curve(history, "nats per image", xlabel="tenth of the training")

# %%
print(f"validation: {mean_nats(pixelcnn, validation):.2f} nats an image")

# %% [markdown]
# The same uniform numbers as before, now asked of the PixelCNN:

# %%
images, passes = fill_in(pixelcnn, levels)
print(f"{passes} passes")
plots.panel({"MADE": drawn, "PixelCNN": images})

# %% [markdown]
# ## Measuring
#
# Only the baseline has met the test images so far. Its 206 nats and the two
# numbers here are exact negative log-likelihoods of the same drawn images.
# Bits a pixel (*bits a dimension*) are nats divided by $784 \log 2$. Seconds
# are those of this machine.

# %%
found = {}
for name, net in (("MADE", made), ("PixelCNN", pixelcnn)):
    found[name] = mean_nats(net, test)
    print(
        f"{name:12}{found[name]:7.2f} nats an image"
        f"{found[name] / 784 / np.log(2):8.4f} bits a pixel"
        f"{net.count_params():11,} weights{seconds[name]:6.0f} s"
    )

# %% [markdown]
# The VAE of lesson 3 reaches 99 nats, as a bound. Published numbers under the
# same convention: MADE 84.9 after 85 epochs, PixelCNN 81.5 and the best of
# them, PixelSNAIL, 78.6, both after 457 epochs (all from
# [pytorch-generative](https://github.com/EugenHotaj/pytorch-generative), whose
# test images are drawn anew in each evaluation).
# Numbers for *fixed* binary images or for images cut at 0.5 are not
# comparable: lesson 3 showed by how much a cut alone changes them.

# %% [markdown]
# The leaderboard of the course lists MADE as well, so it is kept. Its file
# draws by guessing and correcting, and gives each pixel's probability in place
# of the drawn pixel.

# %%
from digitdreams import models
from digitdreams.models.pixels import pixel_generator

models.save_all({"MADE": pixel_generator(made)}, "11")[0].name

# %%
course.expect(made_nats=found["MADE"], pixelcnn_nats=found["PixelCNN"])

# %% [markdown]
# ## What to remember
#
# 1. The chain rule is exact: $-\log p(x)$ is a sum of cross-entropies, one for
#    each pixel given those before it, as long as no output sees its own pixel.
# 2. Training takes one pass, drawing one for each pixel; a mask is tested by
#    perturbation or by gradients, not by the loss.
# 3. A likelihood adds up to 1 over all images: mix probabilities of whole
#    images, never logits of different orders.

# %% [markdown]
# ## Asked in interviews
#
# <details><summary>Why are autoregressive models slow to draw and quick to
# train?</summary>
#
# In training all pixels are known, so one pass gives all conditionals. In
# drawing each pixel waits for those before it.
#
# </details>
# <details><summary>What are mask A and mask B, and what happens with only one
# of them?</summary>
#
# A hides the middle, for the first layer; B keeps it, for later ones. Only B:
# the pixel sees itself, the loss falls far too low and drawing fails. Only A:
# with each further layer one more of the nearest pixels is lost.
#
# </details>
# <details><summary>What is the blind spot?</summary>
#
# Pixels above and to the right that no stack of masked kernels reaches. Two
# stacks, one for the rows above and one for the row itself, close it.
#
# </details>
# <details><summary>Someone reports 79 nats from averaging ten orders. What do
# you ask?</summary>
#
# What was averaged. Logits of different orders do not make a normalised
# probability; the log-mean-exp of image log-likelihoods does.
#
# </details>
# <details><summary>Two models report 0.11 and 0.16. Which one is
# better?</summary>
#
# Ask for the units first: 0.11 nats a pixel *is* 0.16 bits a pixel.
#
# </details>

# %% [markdown]
# ## To read
#
# - Germain and others, [MADE](https://arxiv.org/abs/1502.03509), 2015.
# - Van den Oord and others, [Pixel recurrent neural
#   networks](https://arxiv.org/abs/1601.06759), 2016: PixelCNN, masks A and B.
# - Van den Oord and others, [Conditional image generation with PixelCNN
#   decoders](https://arxiv.org/abs/1606.05328), 2016: blind spot, two stacks.
# - Song and others, [Accelerating feedforward computation via parallel
#   nonlinear equation solving](https://arxiv.org/abs/2002.03629), 2021: guess
#   and correct.

# %% [markdown]
# ## Next
#
# In [exercise
# 11](../exercises/11_one_pixel_at_a_time/11_one_pixel_at_a_time.ipynb) you
# write masks and mixtures, and repair four programs. The next lesson draws
# images in 49 steps instead of 784: each step is a *token* that stands for a
# small patch.
