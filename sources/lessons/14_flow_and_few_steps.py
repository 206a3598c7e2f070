# %% [markdown]
# # 14. Flow and few steps
#
# A flow carries noise to digits along smooth paths. A network learns the
# velocity at every point and time; a sampler follows it. Many of today's large
# image models are trained this way. Their cost is the number of steps, so the
# second half of the lesson makes paths straighter and steps fewer: at the end
# a *student* draws in four network evaluations nearly as well as its teacher
# in twenty, and you see what one or two evaluations give.
#
# **You will be able to** derive flow matching and train it; write Euler's and
# Heun's sampler and count what they cost; measure how straight paths are, and
# straighten them; distil a few-step student; say how all this relates to
# diffusion.
#
# **You need** principal components ([lesson 2](02_autoencoder.ipynb)), labels
# as input ([lesson 7](07_conditional_gan.ipynb)) and the judge's FID ([lesson
# 8](08_measuring.ipynb)). **Time:** about 40 minutes to read, almost three
# minutes of machine time on two CPU cores.

# %%
from digitdreams import course

seed = course.start("14")

# %% [markdown]
# ## The picture first
#
# Take the two strongest principal components of 2,000 digits: each digit is a
# point of the plane. These are the points at time 1; at time 0 there is noise
# from $N(0, I)$. A flow is a rule that moves all points at once, so that noise
# arrives as data.

# %%
import numpy as np

from digitdreams import data, plots
from digitdreams.models import Components

digits = data.load()
images, labels = digits.train.images[:2000], digits.train.labels[:2000]
plane = Components.of(digits.train.images, 2).encode(images)
names = "component 1", "component 2"
plots.latent_map(plane, labels, axis_names=names)

# %% [markdown]
# For so few points the right velocity can be computed without a network. You
# will see the formula in a moment; here is what it does to 4,000 draws of
# noise. Each particle keeps its own path; none is redrawn.


# %%
def exact_velocity(points, t):
    """Return the mean velocity of all pairs through each point: (n, 2)."""
    lengths = (plane**2).sum(axis=1)
    logits = (t * points @ plane.T - t**2 * lengths / 2) / (1 - t) ** 2
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)
    return (weights @ plane - points) / (1 - t)


rng = np.random.default_rng(seed)
frames = [rng.normal(size=(4000, 2)).astype("float32")]
for i in range(30):
    frames.append(frames[-1] + exact_velocity(frames[-1], i / 30) / 30)
plots.animation(plots.densities(frames, reach=3), seconds=4)

# %% [markdown]
# ## Straight paths, and the mean of their velocities
#
# Pair each draw of noise $x_0$ with an image $x_1$ chosen at random, and move
# from one to the other at constant speed from time 0 to time 1:
#
# $$x_t = (1 - t)\,x_0 + t\,x_1, \qquad \frac{dx_t}{dt} = x_1 - x_0.$$
#
# The velocity is *image minus noise*. But a sampler that stands at $x_t$ does
# not know $x_1$: that is what it is about to draw. Many pairs pass through one
# point, each with a velocity of its own. *Flow matching* (Lipman and others,
# 2022; Liu and others, 2022) uses their mean:
#
# $$v(x, t) = E[\,x_1 - x_0 \mid x_t = x\,].$$
#
# Two facts make this work.
#
# 1. *Following the mean is enough.* In every small region, the mean velocity
#    carries the same number of points in and out as the pairs do. So at each
#    time the points of the flow are distributed as the $x_t$ are: noise at 0,
#    images at 1.
# 2. *Regression finds the mean.* For any prediction $u$ at a point, the mean
#    squared error against single pairs is $E\|(x_1 - x_0) - u\|^2 = \|u -
#    v\|^2 + \text{the variance of the pairs' velocities}$. The second term
#    does not depend on $u$, so the best $u$ is $v$. A network that is trained
#    on single pairs learns a field that it is never shown.
#
# The plane shows it. `exact_velocity` is the mean in closed form: for a pair
# through $x$ with image $x_1$ the velocity is $(x_1 - x) / (1 - t)$, weighted
# by how probable the noise $x_0 = (x - t x_1) / (1 - t)$ is. Compare it with
# two million random pairs, of which we keep those that pass through a small
# box at time 0.5:

# %%
noise = rng.normal(size=(2_000_000, 2)).astype("float32")
image = plane[rng.integers(len(plane), size=len(noise))]
centre = np.array([[1.0, 0.5]])
near = np.abs((noise + image) / 2 - centre).max(axis=1) < 0.05
single = (image - noise)[near].astype("float64")
print("mean of the pairs: ", single.mean(axis=0).round(2))
print("closed form:       ", exact_velocity(centre, 0.5)[0].round(2))
print("standard deviation:", single.std(axis=0).round(2))

# %% [markdown]
# The means agree within 0.1; the single velocities scatter widely. That
# scatter is the second term above: the loss of a *perfect* network is far from
# 0. It also says why losses cannot be compared between ways of pairing. Pair
# each noise with an image near it, and the loss falls because there is less
# scatter, whatever the samples look like.
#
# On the left, straight paths of 60 pairs: they cross. On the right, 60 paths
# of the flow: no two are ever at one point at one time, because there is one
# velocity for both. Where pairs cross, the flow has to bend.

# %%
pairs = np.stack([noise[:60], image[:60]], axis=1)
plots.paths({"pairs": pairs, "flow": np.stack(frames, axis=1)[:60]})

# %% [markdown]
# Blue: noise. Orange: where it arrives.
#
# ## The space, and the network
#
# For digits we take 128 components instead of two. They are all that the
# model sees. Adding them up again gives the image, with faint clouds around
# the strokes because the other components are missing; so the decoder sets
# pixels below 0.2 to 0.

# %%
size = 128
space = Components.of(digits.train.images, size)
codes = space.encode(digits.train.images)
rows = {"real": images[:12], "128 components": space.decode(codes[:12])}
plots.panel(rows)

# %% [markdown]
# Components suit a processor: they need only dense layers, which reach most of
# its speed. The usual network for images is a *U-Net*: convolutions at several
# sizes, here three, down and up again, with shortcuts between equal sizes
# (Ronneberger and others, 2015). We build both, and compare them at equal
# seconds. Heights in the figure are sizes: of layers above, of images below.
# Time and label enter every block.

# %%
blocks = [("+ 768", 768)] * 2
dense = [("128 in", 128), ("384", 384), *blocks, ("128 out", 128)]
down = [("28 x 16", 28), ("14 x 32", 14)]
unet = [*down, ("7 x 64", 7), *down[::-1]]
first, second = "components: dense", "pixels: a U-Net (size x channels)"
shortcuts = {first: [(1, 2), (2, 3)], second: [(0, 4), (1, 3)]}
plots.stages({first: dense, second: unet}, shortcuts)

# %% [markdown]
# The component network in code. `embed` turns a time into sines and cosines of
# 32 frequencies, so that close times differ, and a label into 64 numbers;
# label 10 will mean "no label". Each block adds to what it gets (a *residual*
# block). *Layer normalisation* brings the numbers of each example to mean 0
# and variance 1; the activation *SiLU* is $h$ times its sigmoid, a smooth
# relative of relu. `zeros` makes the untrained network predict velocity 0.

# %%
import keras
from keras import layers, ops

from digitdreams.models.flow import embed

hidden, no_label = 384, 10


def build_network():
    points, times = keras.Input((size,)), keras.Input((1,))
    labels = keras.Input((), dtype="int32")
    condition = layers.Dense(hidden, "silu")(embed(times, labels))
    h = layers.Dense(hidden)(points) + condition
    for _ in range(2):
        x = layers.LayerNormalization()(h) + layers.Dense(hidden)(condition)
        x = layers.Dense(2 * hidden, "silu")(x)
        h += layers.Dense(hidden, kernel_initializer="zeros")(x)
    h = layers.LayerNormalization()(h)
    velocity = layers.Dense(size, kernel_initializer="zeros")(h)
    return keras.Model([points, times, labels], velocity)


teacher = build_network()
f"{teacher.count_params():,} weights"

# %% [markdown]
# ## One training loop for all
#
# `flow_examples` makes a function that draws a batch. Times are more often in
# the middle, where most is decided, than at the ends: each is the sigmoid of a
# normal draw. One label in ten is replaced by "no label", for guidance below.

# %%
import tensorflow as tf

batch_size = 256
chance = keras.random.SeedGenerator(seed)
all_labels = tf.constant(digits.train.labels)


def flow_examples(data, batch_size):
    data, one = tf.constant(data), (batch_size, 1)

    def examples():
        rows = keras.random.randint(one[:1], 0, len(data), seed=chance)
        image, label = tf.gather(data, rows), tf.gather(all_labels, rows)
        noise = keras.random.normal(image.shape, seed=chance)
        times = ops.sigmoid(keras.random.normal(one, seed=chance))
        dropped = keras.random.uniform(one[:1], seed=chance) < 0.1
        label = ops.where(dropped, no_label, label)
        return (1 - times) * noise + times * image, times, label, image - noise

    return examples


batch = flow_examples(codes, batch_size)

# %% [markdown]
# The loop is plain regression. The optimizer keeps a moving average of the
# weights, as lesson 5 does by hand, and hands it over at the end. Teacher,
# second flow, students and U-Net differ only in the network and in the
# examples.

# %%
from digitdreams.progress import track


def train(network, examples, steps, rate, title, decay=0.99, compiled=True):
    """Train a network on examples; return the mean loss of each block."""
    weights = network.trainable_weights
    falling = keras.optimizers.schedules.CosineDecay(rate, steps)
    average = {"use_ema": True, "ema_momentum": decay}
    optimizer = keras.optimizers.Adam(falling, beta_2=0.99, **average)
    optimizer.build(weights)

    @tf.function(jit_compile=compiled)
    def block():
        total = 0.0
        for _ in tf.range(25):
            *given, target = examples()
            with tf.GradientTape() as tape:
                error = network(given, training=True) - target
                loss = ops.mean(ops.square(error))
            optimizer.apply(tape.gradient(loss, weights), weights)
            total += loss
        return total / 25

    count = range(steps // 25)
    losses = [float(block()) for _ in track(count, title, unit="blocks")]
    optimizer.finalize_variable_values(weights)
    return losses


# %% [markdown]
# Cheap checks first. An untrained network predicts 0, so its loss is the mean
# square of image minus noise: the mean square of the codes plus 1. And from
# its point, along its velocity for the rest of the time, an example has to
# arrive at a training image.

# %%
points, times, label, target = batch()
end = np.asarray(points + (1 - times) * target)[0]
found = ops.mean(ops.square(teacher([points, times, label]) - target))
print(f"loss {float(found):.2f}, expected {1 + np.mean(codes**2):.2f}")
print(f"error of the end: {np.abs(codes - end).max(axis=1).min():.4f}")

# %%
losses = train(teacher, batch, 2400, 0.003, "flow", decay=0.995)
plots.curve({"flow": losses}, "mean squared error", xlabel="block")

# %% [markdown]
# The curve ends far above 0, and it has to: what remains is mostly scatter of
# the pairs. Only samples tell how good the field is.
#
# ## Two samplers
#
# *Euler's method* goes along the velocity at the beginning of a step, $x
# \leftarrow x + h\,v(x, t)$ with the step $h$. *Heun's method* tries that
# step, asks for the velocity at its end, and goes along the mean of both. Its
# error falls with the square of the step, but each step costs two network
# evaluations.
#
# *Classifier-free guidance* (Ho and Salimans, 2022) makes the label count
# more. With $v_\varnothing$ for the velocity without a label and a *guidance
# scale* $w$, the sampler follows
#
# $$v + w\,(v - v_\varnothing).$$
#
# It doubles the cost again, because the network runs with and without the
# label. (Some papers call $1 + w$ the scale.) We take $w = 0.85$. It was
# chosen on validation images with a small classifier of our own, not with the
# judge: in its features the FID is lowest between 0.75 and 0.85, and of the
# two the larger scale misreads fewer digits.


# %%
from itertools import pairwise

tf.get_logger().setLevel("ERROR")  # it warns of many samplers


def build_sampler(network, method="euler", guidance=0.0):
    @tf.function(jit_compile=True)
    def velocity(points, t, labels):
        times = tf.fill((len(points), 1), t)
        found = network([points, times, labels])
        if guidance:
            free = tf.fill((len(points),), no_label)
            found += guidance * (found - network([points, times, free]))
        return found

    def sample(noise, labels, steps, shift=1.0):
        # returns paths: (n, steps + 1, size)
        path, labels = [tf.constant(noise)], tf.constant(labels)
        times = np.linspace(0, 1, steps + 1, dtype="float32")
        times /= times + shift * (1 - times)
        for now, then in pairwise(tf.constant(times)):
            first = velocity(path[-1], now, labels)
            if method == "heun":
                tried = path[-1] + (then - now) * first
                first = (first + velocity(tried, then, labels)) / 2
            path.append(path[-1] + (then - now) * first)
        return np.stack(path, axis=1)

    return sample


guidance = 0.85
euler = build_sampler(teacher, "euler", guidance)
heun = build_sampler(teacher, "heun", guidance)

# %% [markdown]
# Ten digits on their way, in 20 steps: the coarse shape comes first, clean
# strokes last.

# %%
wanted = np.arange(1000, dtype="int32") % 10
start = rng.normal(size=(1000, size)).astype("float32")
ways = euler(start, wanted, 20)
shown = space.decode(ways[:10].reshape(-1, size)).reshape(10, 21, 28, 28)
plots.animation(np.concatenate(shown, axis=2), seconds=3)

# %% [markdown]
# ## Quality against network evaluations
#
# Samplers are compared by the *number of function evaluations* (NFE): how
# often the network runs for one sample. Euler with guidance costs 2 a step,
# Heun 4. Each point below is 1,000 samples against the validation images, as
# FID over its floor (the FID of as many training images). It is the Fréchet
# distance on our judge's features. Few samples raise the floor, so these
# ratios are smaller than those of 5,000 samples at the end of the lesson.

# %%
from digitdreams import judge, metrics

powers = [2, 4, 8, 16, 32, 64, 128]
real = judge.features(digits.validation.images)
floor = metrics.fid(real, judge.features(digits.train.images[:1000]))


def over_floor(paths):
    drawn = judge.features(space.decode(paths[:, -1]))
    return metrics.fid(real, drawn) / floor


quality = {
    "Euler": {n: over_floor(euler(start, wanted, n // 2)) for n in powers},
    "Heun": {n: over_floor(heun(start, wanted, n // 4)) for n in powers[1:6]},
}

# %%
axes = "network evaluations", "FID over its floor"
plots.scores(quality, *axes)

# %% [markdown]
# From some 16 evaluations on, more steps buy little: what is left is due to
# the network, the 128 components and the guidance, and no sampler removes
# that. Heun's better order pays only once steps are small; with few
# evaluations Euler is ahead, because it can afford twice as many steps. Count
# evaluations, not steps, or Heun looks better than it is.
#
# ## Predict, change, run: where to spend four steps
#
# Steps need not be equal. With a *time shift* $s$, even times $t$ become $t /
# (t + s\,(1 - t))$: above 1, steps are short near the noise and long near the
# image; below 1 the reverse. Large image models shift towards the noise (Esser
# and others, 2024). *Predict* which of these is best for four Euler steps,
# then run; then *change* the number of steps to 10 and run again.

# %%
for s in (0.5, 1.0, 1.5, 2.0, 3.0):
    print(f"shift {s}: {over_floor(euler(start, wanted, 4, s)):.1f} floors")

# %% [markdown]
# Long first steps (0.5) cost most: the flow decides near the noise what to
# draw. Above 1 little changes, and with ten steps all differences shrink.
#
# ## How straight are the paths?
#
# On a straight path at constant speed, one Euler step would be exact. Along a
# path with velocities $v_t$, let $c = x_1 - x_0$ be the chord from its start
# to its end, which is also the mean of $v_t$ over time. The *bent share* is
#
# $$\frac{\text{mean of } \|v_t - c\|^2}{\text{mean of } \|v_t\|^2},$$
#
# means over time and paths. It is 0 for straight paths, never above 1, and has
# no unit: paths twice as long are not twice as bent.


# %%
def bent_share(paths):
    """Return how bent paths (n, stored, d) are: 0 is straight."""
    velocities = np.diff(paths, axis=1) * (paths.shape[1] - 1)
    return float(velocities.var(axis=1).mean() / np.mean(velocities**2))


before = bent_share(ways)
on_a_line = np.linspace(start, codes[:1000], 21, axis=1)
f"bent share: {before:.3f}, of straight lines {bent_share(on_a_line):.3f}"

# %% [markdown]
# ## Reflow: straighter paths
#
# The lines from any noise to any image cross. But the flow has made better
# pairs: each noise with *its own* end. *Reflow* (Liu and others, 2022) trains
# a second flow on these pairs, with the same loss. Straight lines between them
# cross less, so the mean velocity has less to average, and paths get
# straighter. The second flow needs no guidance: its pairs were made with it.
#
# First the pairs: 6,000 paths of the teacher, of which we keep the points at
# times 0, 0.25, 0.5, 0.75 and 1 for the students below.

# %%
noise = rng.normal(size=(6000, size)).astype("float32")
path_labels = np.arange(6000, dtype="int32") % 10
all_paths = tf.constant(euler(noise, path_labels, 12)[:, ::3])
f"paths, points of a path, components: {tuple(all_paths.shape)}"


# %%
def rows_of_paths():
    rows = keras.random.randint((batch_size,), 0, 6000, seed=chance)
    return tf.gather(all_paths, rows), tf.gather(path_labels, rows)


def reflow_examples():
    path, label = rows_of_paths()
    noise, end = path[:, 0], path[:, -1]
    times = keras.random.uniform((batch_size, 1), seed=chance)
    return (1 - times) * noise + times * end, times, label, end - noise


def distil(examples, title):
    # the network starts from the teacher's weights
    network = build_network()
    network.set_weights(teacher.get_weights())
    train(network, examples, 225, 0.001, title)
    return network


second = distil(reflow_examples, "second flow")
straighter = build_sampler(second)
ways_after = straighter(start, wanted, 20)
after = bent_share(ways_after)
f"bent share: {before:.3f} before, {after:.3f} after"

# %%
plots.paths({"before reflow": ways[:40], "after reflow": ways_after[:40]})

# %% [markdown]
# The same 40 draws of noise, projected onto two of 128 components. The right
# paths are straighter, and arrive near where the left ones do.
#
# Straighter paths need fewer steps. But a second flow learns from the ends of
# the first, so it inherits their errors and adds its own. With few evaluations
# it is ahead, with many the teacher is:

# %%
quality["second flow, Euler"] = {
    n: over_floor(straighter(start, wanted, n)) for n in (1, 2, 4, 8, 16, 32)
}
plots.scores(quality, *axes)

# %% [markdown]
# ## Students of one, two and four steps
#
# One step of the second flow is exact only if its whole path is straight. A
# *student* learns just the steps that it will take. Cut the teacher's path
# into equal segments; at the start of each, the student's target is the *mean
# velocity* of the segment,
#
# $$\frac{x_{\text{end of segment}} - x_{\text{start of segment}}}
# {\text{time of the segment}}.$$
#
# A student that predicts it exactly covers the whole segment in one Euler
# step. The ends are the teacher's, not training images: an image has no
# relation to this noise, and the best prediction would be an average of
# images.
#
# This is *distillation*. (In *progressive* distillation, Salimans and Ho,
# 2022, a student halves its teacher's steps and becomes the next teacher; here
# paths are cheap, so we go there directly.) The student starts from the
# teacher's weights.


# %%
def student_examples(segments):
    stride = 4 // segments

    def examples():
        path, label = rows_of_paths()
        segment = keras.random.randint(label.shape, 0, segments, seed=chance)
        here = tf.gather(path, segment * stride, batch_dims=1)
        there = tf.gather(path, (segment + 1) * stride, batch_dims=1)
        times = tf.cast(segment, "float32")[:, None] / segments
        return here, times, label, (there - here) * segments

    return examples


students, quality["student"] = {}, {}
drawn = {"teacher, 40": space.decode(ways[:12, -1])}
for segments in (1, 2, 4):
    title = f"student, {segments}"
    students[segments] = distil(student_examples(segments), title)
    made = build_sampler(students[segments])(start, wanted, segments)
    quality["student"][segments] = over_floor(made)
    drawn[title] = space.decode(made[:12, -1])

plots.scores(quality, *axes)

# %% [markdown]
# From the same noise, teacher and students draw nearly the same digits. The
# numbers are network evaluations:

# %%
drawn["teacher, 2"] = space.decode(euler(start, wanted, 1)[:12, -1])
plots.panel(drawn)

# %% [markdown]
# The last row is one step of the teacher. With an exact field it would be the
# same image for every noise: the mean of that digit's images, pushed by
# guidance. Ours is not exact, least of all at time 0, where training rarely
# was. Straight paths of the training pairs do not make the flow's paths
# straight.
#
# ## A U-Net in the same seconds
#
# The comparison promised above. The U-Net learns the same flow on pixels, with
# the same loop. The numbers of steps are fixed so that both take about the
# same time; the progress lines show it.


# %%
from digitdreams.models import build_unet


def as_pixels(points):
    return np.clip((points + 1) / 2, 0, 1).reshape(-1, 28, 28, 1)


def accuracy(images):
    verdicts = judge.probabilities(images)
    return metrics.label_accuracy(verdicts, np.arange(len(images)) % 10)


pixels = 2 * digits.train.images.reshape(-1, 28 * 28) - 1
rivals = {
    "components": (build_network(), True, codes, 256, 225, space.decode),
    "U-Net": (build_unet(), False, pixels, 64, 125, as_pixels),
}
made = {}
for name, (network, xla, points, few, steps, to_images) in rivals.items():
    examples = flow_examples(points, few)
    train(network, examples, steps, 0.003, name, compiled=xla)
    noise = rng.normal(size=(200, points.shape[1])).astype("float32")
    paths = build_sampler(network, guidance=guidance)(noise, wanted[:200], 8)
    made[name] = to_images(paths[:, -1])
    print(f"{name}: {accuracy(made[name]):.1%} right")

plots.panel({name: images[:12] for name, images in made.items()})

# %% [markdown]
# Neither is done, but the U-Net has hardly begun. In these seconds the
# component network sees seven times as many images, because a processor
# multiplies large matrices faster than it convolves. Components may also help:
# they hold from the start which pixels vary together. We have not separated
# these reasons. It is a statement about seconds on a processor and small
# digits; for large images, which need many components, the published models
# are U-Nets or Transformers.
#
# ## Flow and diffusion
#
# Diffusion mixes the same two things, $z = \alpha\,x_1 + \sigma\,x_0$ with
# $\alpha^2 + \sigma^2 = 1$; a network predicts the noise, the image, or
# $\mathrm{v} = \alpha\,x_0 - \sigma\,x_1$. The flow's mix has $\alpha = t$ and
# $\sigma = 1 - t$. Divide by $\sqrt{t^2 + (1 - t)^2}$, and it *is* a diffusion
# mix: the same family of Gaussian paths at another speed and scale. From the
# point and the velocity, each other target follows:
#
# $$x_1 = x_t + (1 - t)\,v, \qquad x_0 = x_t - t\,v.$$
#
# An Euler step has a reading of its own: $x_t + h\,v = (1 - t - h)\,x_0 + (t +
# h)\,x_1$ with these two *predicted* ends. It takes the noise and the image
# that the network believes in, and mixes them again for the next time. That is
# the deterministic sampler of diffusion, DDIM (Song and others, 2021), with
# another mix. Both statements as a test, on a batch of pairs:

# %%
points, times, _, velocity = (np.asarray(one) for one in batch())
image, noise = points + (1 - times) * velocity, points - times * velocity
length = np.sqrt(times**2 + (1 - times) ** 2)
alpha, sigma, z = times / length, (1 - times) / length, points / length
again = alpha * z - sigma * (alpha * noise - sigma * image)
mixed_anew = (0.9 - times) * noise + (times + 0.1) * image
gaps = again - image, points + 0.1 * velocity - mixed_anew
f"largest gap of the two: {np.abs(gaps).max():.5f}"

# %% [markdown]
# ## Predict, change, run: guidance in a student
#
# The students learned from paths with guidance 0.85, and cannot be guided any
# more or less: they take one evaluation a step. The teacher can. *Predict*
# what label accuracy and FID do for a guidance scale of 0, 0.5, 1 and 3, then
# run. Then *change* the four Euler steps to ten.

# %%
for scale in (0.0, 0.5, 1.0, 3.0):
    made = build_sampler(teacher, guidance=scale)(start, wanted, 4)
    right, floors = accuracy(space.decode(made[:, -1])), over_floor(made)
    print(f"guidance {scale}: {right:6.1%} right, {floors:5.1f} floors")

# %% [markdown]
# Without guidance, more digits are misread. With much of it nearly all are
# right but too alike, so the FID rises again.
#
# ## Measuring
#
# The final numbers, on the test images: 5,000 samples by the student of four
# evaluations, and as many by its teacher (ten guided Euler steps, 20
# evaluations) from the same noise. Both are kept for the leaderboard, each as
# one model from noise and label to image.

# %%
from digitdreams import models

kept = {
    "flow": models.as_generator(teacher, space, 10, guidance),
    "flow student": models.as_generator(students[4], space, 4),
}
[file.name for file in models.save_all(kept, "14")]

# %%
drawn = {name: models.sample(kept[name], 5000, seed)[0] for name in kept}
reports = {name: judge.report(drawn[name]) for name in kept}
reports["flow student"]

# %% [markdown]
# Precision comes near that of real images. Recall stays far below: guidance
# moves samples to where their label is sure, and the student has learned that
# from its teacher.

# %%
floors = {name: one.fid / one.fid_floor for name, one in reports.items()}
course.expect(
    label_accuracy=accuracy(drawn["flow"]),
    student_accuracy=accuracy(drawn["flow student"]),
    fid_over_floor=floors["flow"],
    fid_over_teacher=floors["flow student"] / floors["flow"],
    bent_share=after / before,
)

# %% [markdown]
# ## What to remember
#
# 1. Flow matching is regression on *image minus noise* along straight lines;
#    the network learns the mean over all pairs through a point, and following
#    that mean carries noise to images.
# 2. Paths of the *pairs* are straight, those of the *flow* are bent where
#    pairs cross; reflow, on the flow's own pairs, straightens them.
# 3. Cost is counted in network evaluations: Heun counts two a step, guidance
#    doubles; a student that learns the teacher's segments needs one, two or
#    four.
#
# ## Asked in interviews
#
# <details><summary>Why may one regress on single pairs, when the wanted field
# is a mean?</summary>The squared error splits into the squared distance to the
# mean and a variance that does not depend on the prediction; so both losses
# have the same gradient and the same best prediction.</details>
#
# <details><summary>"Paths are straight, so one step is enough." What does one
# step give?</summary>From pure noise the mean velocity leads to the mean of
# the images: one and the same blur for every noise.</details>
#
# <details><summary>Reflow did not straighten anything. What do you
# check?</summary>Whether each end is paired with the noise it came from; with
# fresh noise it is the first flow's training again.</details>
#
# <details><summary>A sampler with 10 steps of Heun and guidance: how many
# evaluations?</summary>40: two velocities a step, two network runs for
# each.</details>
#
# <details><summary>Method A has the lower training loss than method B. Is it
# the better flow?</summary>Only if both pair noise and images in the same way;
# otherwise the losses contain different variances.</details>
#
# ## To read
#
# - Lipman and others, [Flow matching for generative
#   modeling](https://arxiv.org/abs/2210.02747), 2022.
# - Liu, Gong and Liu, [Flow straight and
#   fast](https://arxiv.org/abs/2209.03003), 2022: rectified flow and reflow.
# - Salimans and Ho, [Progressive distillation for fast sampling of diffusion
#   models](https://arxiv.org/abs/2202.00512), 2022.
# - Song, Meng and Ermon, [Denoising diffusion implicit
#   models](https://arxiv.org/abs/2010.02502), 2021.
# - Ho and Salimans, [Classifier-free diffusion
#   guidance](https://arxiv.org/abs/2207.12598), 2022.
# - Esser and others, [Scaling rectified flow transformers for high-resolution
#   image synthesis](https://arxiv.org/abs/2403.03206), 2024: time shift.
# - Ronneberger and others, [U-Net](https://arxiv.org/abs/1505.04597), 2015.
#
# ## Next
#
# In [exercise
# 14](../exercises/14_flow_and_few_steps/14_flow_and_few_steps.ipynb) you write
# three of these parts and repair three programs.
