# %% [markdown]
# # Exercise 14: a flow in few steps
#
# You write the training example of flow matching and a sampler, count its
# cost, and repair three programs: Heun's method, reflow, and a student. Each
# of the three runs without an error, and each is hardly better than what it
# should improve. `check` says whether a function is right, and often which
# mistake is left; `hint` helps, a little more each time.
#
# Everything here follows the convention of the lesson: at time 0 there is
# noise, at time 1 an image. Papers on diffusion count the other way, and many
# reports of "samples are noise although the loss is low" are programs that
# mix the two.

# %%
from digitdreams import course
from digitdreams.checks import check, hint

seed = course.start("14", exercise=True)

# %%
hint("training_example")

# %% [markdown]
# Use plain operators, NumPy or `keras.ops`. In the checks the velocity field
# is a small matrix, so that every answer can be computed by hand; in the
# training it is a network. `velocity` takes both:

# %%
import keras
import numpy as np
from keras import layers, ops


def velocity(x, t, field):
    """Return the velocities at points x (n, d) and a time t: (n, d)."""
    if callable(field):
        return field(x, t)
    return ops.matmul(x, field) + t


# %% [markdown]
# ## Task 1: a training example
#
# Return two arrays: the points on the straight paths from noise to images at
# the given times, and the velocities of these paths, which the network learns
# to predict. `noise` and `images` have the shape (n, d), `times` (n, 1).


# %% task="training_example"
def training_example(noise, images, times):
    """Return points and velocities, both (n, d)."""
    ### BEGIN SOLUTION
    return (1 - times) * noise + times * images, images - noise
    ### END SOLUTION


# %% check="training_example"
check(training_example)

# %% [markdown]
# ## Task 2: Euler's method
#
# Follow the field from noise at time 0 to time 1 in `steps` steps of equal
# length, each along the velocity at its beginning. Call `velocity(x, t,
# field)` with a number for the time.


# %% task="euler"
def euler(noise, steps, field):
    """Return the points at time 1: (n, d)."""
    ### BEGIN SOLUTION
    x = noise
    for i in range(steps):
        x = x + velocity(x, i / steps, field) / steps
    return x
    ### END SOLUTION


# %% check="euler"
check(euler)

# %% [markdown]
# ## Task 3: find the bug, Heun's method
#
# This program asks for two velocities a step, as Heun's method does. But the
# error does not fall with the *square* of the step, as it should: halving the
# step halves the error, no better than Euler's method for half the work.
#
# ```python
# def heun(noise, steps, field):
#     x = noise
#     for i in range(steps):
#         first = velocity(x, i / steps, field)
#         second = velocity(x, (i + 1) / steps, field)
#         x = x + (first + second) / 2 / steps
#     return x
# ```


# %% task="heun"
def heun(noise, steps, field):
    """Return the points at time 1: (n, d)."""
    ### BEGIN SOLUTION
    x = noise
    for i in range(steps):
        first = velocity(x, i / steps, field)
        second = velocity(x + first / steps, (i + 1) / steps, field)
        x = x + (first + second) / 2 / steps
    return x
    ### END SOLUTION


# %% check="heun"
check(heun)

# %% [markdown]
# ## Task 4: what it costs
#
# Samplers are compared by the number of network evaluations for a sample, not
# by steps. Return it for a `method`, "euler" or "heun", with or without
# guidance.


# %% task="evaluations"
def evaluations(steps, method, guided):
    """Return how often the network runs for one sample."""
    ### BEGIN SOLUTION
    return steps * {"euler": 1, "heun": 2}[method] * (1 + guided)
    ### END SOLUTION


# %% check="evaluations"
check(evaluations)

# %% [markdown]
# ## Task 5: find the bug, reflow
#
# A first flow has carried `noise` to `ends`. This program makes the training
# examples of the second flow, whose paths should be straighter. They are not:
# straightness stays what it was.
#
# ```python
# def reflow_example(noise, ends, fresh, times):
#     return training_example(fresh, ends, times)
# ```
#
# `fresh` are new draws from $N(0, I)$.


# %% task="reflow_example"
def reflow_example(noise, ends, fresh, times):
    """Return points and velocities of the second flow, both (n, d)."""
    ### BEGIN SOLUTION
    return training_example(noise, ends, times)
    ### END SOLUTION


# %% check="reflow_example"
check(reflow_example)

# %% [markdown]
# ## Task 6: find the bug, a student
#
# `paths` (n, stored points, d) are paths of the teacher, stored at equal
# intervals of time from 0 to 1: five points, or any multiple of `segments`
# plus one. The student covers a path in `segments` steps; this program makes
# the training examples of one of them, counted from 0. A student that it
# trains draws averages of digits:
#
# ```python
# def student_example(paths, images, segment, segments):
#     stride = (paths.shape[1] - 1) // segments
#     start = segment * stride
#     here = paths[:, start]
#     return here, (images - here) * segments
# ```
#
# `images` are training images.


# %% task="student_example"
def student_example(paths, images, segment, segments):
    """Return points and velocities for one step of a student: (n, d)."""
    ### BEGIN SOLUTION
    stride = (paths.shape[1] - 1) // segments
    start = segment * stride
    here = paths[:, start]
    return here, (paths[:, start + stride] - here) * segments
    ### END SOLUTION


# %% check="student_example"
check(student_example)

# %% [markdown]
# ## Train with your parts
#
# A flow on 64 principal components learns from your training examples; your
# Heun's method draws its paths; a student learns from your segments to cover
# them in four steps.

# %%
from digitdreams import data

images, labels = data.load().train
one_hot = np.eye(10, dtype="float32")[labels]
pixels = images.reshape(-1, 784)
mean = pixels.mean(axis=0)
_, directions = np.linalg.eigh(np.cov(pixels[:20_000].T))
basis = directions[:, :-65:-1].T.astype("float32")
scale = ((pixels[:20_000] - mean) @ basis.T).std()
basis = basis * scale
codes = ((pixels - mean) @ basis.T / scale**2).astype("float32")
codes.shape

# %%
import tensorflow as tf

batch_size, rate = 250, 0.002


def build_field(size):
    x, times = keras.Input((size,)), keras.Input((1,))
    labels = keras.Input((10,))
    waves = np.pi * 2.0 ** np.arange(4, dtype="float32")
    waves = [ops.sin(times * waves), ops.cos(times * waves)]
    h = layers.Concatenate()([x, labels, *waves])
    for _ in range(3):
        h = layers.Dense(384, activation="silu")(h)
    return keras.Model([x, times, labels], layers.Dense(size)(h))


def field_of(network, labels):
    """Return the field of these labels, as tasks 2 and 3 ask for it."""
    labels = ops.convert_to_tensor(labels)

    def field(x, t):
        times = ops.full((len(labels), 1), t)
        return network([ops.convert_to_tensor(x), times, labels])

    return field


# %% [markdown]
# One function trains both. `examples` draws points, times, labels and
# velocities; the learning rate falls to 0 along a cosine.

# %%
from digitdreams.progress import track


def train(network, examples, steps, title):
    falling = keras.optimizers.schedules.CosineDecay(rate, steps)
    optimizer = keras.optimizers.Adam(falling)
    optimizer.build(network.trainable_weights)

    @tf.function(jit_compile=True)
    def block():
        for _ in tf.range(50):
            points, times, chosen, target = examples()
            with tf.GradientTape() as tape:
                found = network([points, times, chosen], training=True)
                loss = ops.mean(ops.square(found - target))
            weights = network.trainable_weights
            optimizer.apply(tape.gradient(loss, weights), weights)

    for _ in track(range(steps // 50), title, unit="blocks"):
        block()


# %%
chance = keras.random.SeedGenerator(seed)
all_codes, all_labels = tf.constant(codes), tf.constant(one_hot)


def flow_examples():
    shape = (batch_size,)
    rows = keras.random.randint(shape, 0, len(codes), seed=chance)
    noise = keras.random.normal((batch_size, 64), seed=chance)
    times = keras.random.uniform((batch_size, 1), seed=chance)
    points, target = training_example(noise, tf.gather(all_codes, rows), times)
    return points, times, tf.gather(all_labels, rows), target


# %% [markdown]
# The teacher's paths: your `heun`, two steps for each quarter of the time. A
# quarter of a path is a whole path of a field that is four times slower and
# starts later; this field is `quarter`.


# %%
def draw_paths(network, count):
    asked = np.eye(10, dtype="float32")[np.arange(count) % 10]
    points = [keras.random.normal((count, 64), seed=seed + 1)]
    whole = field_of(network, asked)
    for k in range(4):

        def quarter(x, t, start=k / 4):
            return whole(x, start + t / 4) / 4

        points.append(heun(points[-1], 2, quarter))
    return ops.stack(points, axis=1), ops.convert_to_tensor(asked)


def student_examples(paths, asked):
    def examples():
        rows = keras.random.randint((batch_size,), 0, len(asked), seed=chance)
        four = [
            student_example(tf.gather(paths, rows), None, k, 4)
            for k in range(4)
        ]
        points = ops.concatenate([points for points, _ in four])
        target = ops.concatenate([target for _, target in four])
        times = ops.repeat(ops.arange(4, dtype="float32") / 4, batch_size)
        chosen = ops.tile(tf.gather(asked, rows), (4, 1))
        return points, times[:, None], chosen, target

    return examples


# %% [markdown]
# The number to reach: the share of 2,000 samples, drawn by the student in four
# evaluations, that the judge takes for the digit that was asked for.

# %% check="training" points=4
from digitdreams import judge, metrics

teacher = build_field(64)
train(teacher, flow_examples, 1500, "flow")
paths, asked = draw_paths(teacher, 8000)
student = keras.models.clone_model(teacher)
student.set_weights(teacher.get_weights())
train(student, student_examples(paths, asked), 150, "student")

wanted = np.arange(2000) % 10
noise = keras.random.normal((2000, 64), seed=seed + 2)
field = field_of(student, np.eye(10, dtype="float32")[wanted])
drawn = ops.convert_to_numpy(euler(noise, 4, field)) @ basis + mean
verdicts = judge.probabilities(drawn.clip(0, 1).reshape(-1, 28, 28))
course.expect(label_accuracy=metrics.label_accuracy(verdicts, wanted))
