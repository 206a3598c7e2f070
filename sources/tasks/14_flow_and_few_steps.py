"""Tasks of exercise 14: a flow in few steps."""

from functools import cache

import keras
import numpy as np
from keras import layers, ops

from digitdreams import data, judge, learning, metrics
from digitdreams.inputs import normal
from digitdreams.tasks import Training, task


def eighths(rng, *shape):
    """Draw numbers from -2 to 2 that processors add without rounding."""
    return (rng.integers(-16, 17, size=shape) / 8).astype("float32")


def velocity(x, t, field):
    if callable(field):
        return field(x, t)
    return ops.matmul(x, field) + t


# Task 1: training_example


def pair_inputs(rng):
    for rows, size in ((3, 4), (4, 2)):
        times = rng.permutation([1, 2, 3, 5, 6, 7])[:rows, None] / 8
        yield {
            "noise": eighths(rng, rows, size),
            "images": eighths(rng, rows, size) + 3,
            "times": times.astype("float32"),
        }


@task(
    points=1,
    inputs=pair_inputs,
    hints=[
        "The point lies on the straight line from the noise to the image; "
        "where is it at t = 0, and where at t = 1?",
        "points = (1 - times) * noise + times * images. The derivative with "
        "respect to time does not depend on time.",
        "return (1 - times) * noise + times * images, ...",
    ],
)
def training_example(noise, images, times):
    return (1 - times) * noise + times * images, images - noise


@training_example.also_right
def example_from_the_noise(noise, images, times):
    way = images - noise
    return noise + times * way, way


@training_example.wrong(
    "The velocity has the wrong sign: it leads from the noise to the image, "
    "images - noise."
)
def example_with_the_wrong_sign(noise, images, times):
    return training_example(noise, images, times)[0], noise - images


@training_example.wrong(
    "Time runs backwards in the points: at t = 0 there is noise, at t = 1 the "
    "image."
)
def example_with_time_swapped(noise, images, times):
    return times * noise + (1 - times) * images, images - noise


@training_example.wrong(
    "Points and velocities both run from image to noise. That is consistent, "
    "but the sampler starts with noise at t = 0."
)
def example_reversed(noise, images, times):
    return times * noise + (1 - times) * images, noise - images


@training_example.wrong(
    "The second array is the rest of the path, images - points. The velocity "
    "is the whole path in the whole time: images - noise."
)
def example_with_the_rest(noise, images, times):
    points = training_example(noise, images, times)[0]
    return points, images - points


@training_example.wrong(
    "The target is the image: that is another target for the same network. "
    "Return the velocity, images - noise."
)
def example_with_the_image(noise, images, times):
    return training_example(noise, images, times)[0], images


@training_example.wrong(
    "The two shares are those of diffusion, whose squares add up to 1. On a "
    "straight path they are 1 - times and times."
)
def example_of_diffusion(noise, images, times):
    return ops.sqrt(1 - times**2) * noise + times * images, images - noise


@training_example.wrong("Return the points first, then the velocities.")
def example_the_wrong_way_round(noise, images, times):
    return training_example(noise, images, times)[::-1]


# Task 2: euler


def sampler_inputs(rng):
    for rows, steps in ((3, 2), (2, 4)):
        yield {
            "noise": eighths(rng, rows, 2) + 3,
            "steps": steps,
            "field": (rng.integers(2, 9, size=(2, 2)) / 8).astype("float32"),
        }


@task(
    points=2,
    inputs=sampler_inputs,
    hints=[
        "A loop over the steps. Each one asks for the velocity where x is "
        "now, at the time that it is now, and goes along it for 1 / steps.",
        "At the beginning of step i (counted from 0) the time is i / steps.",
        "for i in range(steps): x = x + velocity(x, i / steps, field) / steps",
    ],
)
def euler(noise, steps, field):
    x = noise
    for i in range(steps):
        x = x + velocity(x, i / steps, field) / steps
    return x


@euler.also_right
def euler_with_a_clock(noise, steps, field):
    x, t, step = noise, 0.0, 1 / steps
    while t < 1 - step / 2:
        x, t = x + step * velocity(x, t, field), t + step
    return x


@euler.wrong(
    "Each step asks for the velocity at its end: at the beginning of step i "
    "the time is i / steps, not (i + 1) / steps."
)
def euler_with_late_time(noise, steps, field):
    x = noise
    for i in range(steps):
        x = x + velocity(x, (i + 1) / steps, field) / steps
    return x


@euler.wrong(
    "Time runs from 1 to 0 here, as in diffusion: the network was trained "
    "with noise at t = 0."
)
def euler_with_time_reversed(noise, steps, field):
    x = noise
    for i in range(steps):
        x = x + velocity(x, 1 - i / steps, field) / steps
    return x


@euler.wrong("The sign is wrong: add the velocity, it leads to the image.")
def euler_backwards(noise, steps, field):
    x = noise
    for i in range(steps):
        x = x - velocity(x, i / steps, field) / steps
    return x


@euler.wrong(
    "Every step is as long as the whole path: divide the velocity by steps."
)
def euler_with_steps_of_one(noise, steps, field):
    x = noise
    for i in range(steps):
        x = x + velocity(x, i / steps, field)
    return x


@euler.wrong("A step is missing: the path ends before t = 1.")
def euler_without_the_last_step(noise, steps, field):
    x = noise
    for i in range(steps - 1):
        x = x + velocity(x, i / steps, field) / steps
    return x


@euler.wrong(
    "linspace(0, 1, steps) gives the times of steps - 1 steps, and its last "
    "time is 1, where no step begins: use i / steps."
)
def euler_with_linspace(noise, steps, field):
    x = noise
    for t in np.linspace(0, 1, steps):
        x = x + velocity(x, float(t), field) / steps
    return x


@euler.wrong(
    "The velocity is always that of the noise: ask for it at the point that "
    "the steps before have reached."
)
def euler_at_the_noise(noise, steps, field):
    x = noise
    for i in range(steps):
        x = x + velocity(noise, i / steps, field) / steps
    return x


# Task 3: heun (find the bug)


@task(
    points=2,
    inputs=sampler_inputs,
    hints=[
        "Heun's method tries an Euler step, asks for the velocity where that "
        "step ends, and goes along the mean of the two.",
        "Where does the Euler step end? Both velocities are asked for at the "
        "same x in the program above.",
        "second = velocity(x + first / steps, (i + 1) / steps, field)",
    ],
)
def heun(noise, steps, field):
    x = noise
    for i in range(steps):
        first = velocity(x, i / steps, field)
        second = velocity(x + first / steps, (i + 1) / steps, field)
        x = x + (first + second) / 2 / steps
    return x


@heun.also_right
def heun_by_correction(noise, steps, field):
    x = noise
    for i in range(steps):
        first = velocity(x, i / steps, field)
        tried = x + first / steps
        second = velocity(tried, (i + 1) / steps, field)
        x = tried + (second - first) / (2 * steps)
    return x


@heun.wrong(
    "The second velocity is still asked for at the old point: try the Euler "
    "step first, and ask at its end, x + first / steps."
)
def heun_at_the_old_point(noise, steps, field):
    x = noise
    for i in range(steps):
        first = velocity(x, i / steps, field)
        second = velocity(x, (i + 1) / steps, field)
        x = x + (first + second) / 2 / steps
    return x


@heun.wrong(
    "The point is new but the time is old: the second velocity belongs to the "
    "time (i + 1) / steps."
)
def heun_at_the_old_time(noise, steps, field):
    x = noise
    for i in range(steps):
        first = velocity(x, i / steps, field)
        second = velocity(x + first / steps, i / steps, field)
        x = x + (first + second) / 2 / steps
    return x


@heun.wrong(
    "The step starts from the tried point: start it from x, which the Euler "
    "step must not change."
)
def heun_from_the_tried_point(noise, steps, field):
    x = noise
    for i in range(steps):
        first = velocity(x, i / steps, field)
        x = x + first / steps
        second = velocity(x, (i + 1) / steps, field)
        x = x + (first + second) / 2 / steps
    return x


@heun.wrong("Only the second velocity is used: go along the mean of the two.")
def heun_by_the_second(noise, steps, field):
    x = noise
    for i in range(steps):
        first = velocity(x, i / steps, field)
        second = velocity(x + first / steps, (i + 1) / steps, field)
        x = x + second / steps
    return x


@heun.wrong("The sum of two velocities is twice their mean: halve it.")
def heun_without_the_half(noise, steps, field):
    x = noise
    for i in range(steps):
        first = velocity(x, i / steps, field)
        second = velocity(x + first / steps, (i + 1) / steps, field)
        x = x + (first + second) / steps
    return x


@heun.wrong(
    "The trial step is as long as a whole path: divide its velocity by steps "
    "as well."
)
def heun_with_a_long_trial(noise, steps, field):
    x = noise
    for i in range(steps):
        first = velocity(x, i / steps, field)
        second = velocity(x + first, (i + 1) / steps, field)
        x = x + (first + second) / 2 / steps
    return x


@heun.wrong(
    "This is Euler's method, with one velocity a step: Heun's needs a second "
    "one."
)
def heun_as_euler(noise, steps, field):
    return euler(noise, steps, field)


# Task 4: evaluations


def counting_inputs(rng):
    few, some, more, many = (int(n) for n in rng.permutation(range(3, 20))[:4])
    yield {"steps": few, "method": "euler", "guided": False}
    yield {"steps": some, "method": "heun", "guided": False}
    yield {"steps": more, "method": "euler", "guided": True}
    yield {"steps": many, "method": "heun", "guided": True}


@task(
    points=1,
    inputs=counting_inputs,
    hints=[
        "How many velocities does one step of each method ask for? How often "
        "does the network run for one guided velocity?",
        "Heun: two velocities a step. Guidance: two runs a velocity, with "
        "the label and without it. The two factors are independent.",
        "steps * (2 if method == 'heun' else 1) * (2 if guided else 1)",
    ],
)
def evaluations(steps, method, guided):
    return steps * {"euler": 1, "heun": 2}[method] * (1 + guided)


@evaluations.also_right
def evaluations_by_cases(steps, method, guided):
    count = steps
    if method == "heun":
        count *= 2
    if guided:
        count *= 2
    return count


@evaluations.wrong(
    "These are steps, not evaluations: count what Heun's method and guidance "
    "add."
)
def evaluations_as_steps(steps, method, guided):
    return steps


@evaluations.wrong(
    "A step of Heun's method asks for two velocities: count both."
)
def evaluations_with_heun_once(steps, method, guided):
    return steps * (1 + guided)


@evaluations.wrong(
    "Guidance runs the network twice for a velocity, with the label and "
    "without it. In one batch or in two, it is twice the work."
)
def evaluations_without_guidance(steps, method, guided):
    return steps * {"euler": 1, "heun": 2}[method]


@evaluations.wrong(
    "With Heun and guidance there are four runs a step: the factors multiply, "
    "they do not add."
)
def evaluations_added(steps, method, guided):
    return steps * (1 + (method == "heun") + guided)


@evaluations.wrong(
    "You left one of Heun's velocities out. Some samplers end with an Euler "
    "step; ours does not, so every step asks for two."
)
def evaluations_with_euler_last(steps, method, guided):
    count = 2 * steps - 1 if method == "heun" else steps
    return count * (1 + guided)


@evaluations.wrong(
    "The method does not count here: Euler asks for one velocity a step."
)
def evaluations_always_heun(steps, method, guided):
    return 2 * steps * (1 + guided)


# Task 5: reflow_example (find the bug)


def reflow_inputs(rng):
    for given in pair_inputs(rng):
        given["ends"] = given.pop("images")
        given["fresh"] = eighths(rng, *given["noise"].shape) - 3
        yield {
            name: given[name] for name in ("noise", "ends", "fresh", "times")
        }


@task(
    points=2,
    inputs=reflow_inputs,
    hints=[
        "Which noise did each end come from? What does the program pair it "
        "with?",
        "Reflow learns as task 1 does; only the pairs differ. The paired "
        "noise is an argument that the program never uses.",
        "return training_example(noise, ends, times)",
    ],
)
def reflow_example(noise, ends, fresh, times):
    return training_example(noise, ends, times)


@reflow_example.also_right
def reflow_written_out(noise, ends, fresh, times):
    return noise + times * (ends - noise), ends - noise


@reflow_example.wrong(
    "Still with fresh noise: such pairs are independent again, and the paths "
    "stay as bent as before. Use the noise that each end came from."
)
def reflow_with_fresh_noise(noise, ends, fresh, times):
    return training_example(fresh, ends, times)


@reflow_example.wrong(
    "The points lie on the right lines, but the velocities are those of the "
    "fresh noise: use ends - noise."
)
def reflow_with_a_fresh_velocity(noise, ends, fresh, times):
    return training_example(noise, ends, times)[0], ends - fresh


@reflow_example.wrong(
    "The velocities are right, but the points are mixed with fresh noise: use "
    "the paired noise in both."
)
def reflow_at_fresh_points(noise, ends, fresh, times):
    return training_example(fresh, ends, times)[0], ends - noise


@reflow_example.wrong(
    "The pair is right, but its path runs from the end to the noise: the "
    "noise belongs to t = 0."
)
def reflow_reversed(noise, ends, fresh, times):
    return training_example(ends, noise, times)


@reflow_example.wrong(
    "The mean of two noise vectors is neither the paired one nor plain noise "
    "(its variance is one half): use noise alone."
)
def reflow_with_mixed_noise(noise, ends, fresh, times):
    return training_example((noise + fresh) / 2, ends, times)


# Task 6: student_example (find the bug)


def student_inputs(rng):
    for segment, segments in ((1, 2), (2, 4), (0, 1), (0, 4)):
        paths = eighths(rng, 3, 5, 2) + 2 * np.arange(5)[:, None]
        yield {
            "paths": paths.astype("float32"),
            "images": eighths(rng, 3, 2) + 15,
            "segment": segment,
            "segments": segments,
        }


def student_start(paths, segment, segments):
    stride = (paths.shape[1] - 1) // segments
    return segment * stride, segment * stride + stride


@task(
    points=3,
    inputs=student_inputs,
    hints=[
        "A student has to do in one step what its teacher did in many. Where "
        "did the teacher's path go from this point?",
        "The step ends at the point of the same path that is one stride "
        "later, not at a training image, which has no relation to the path.",
        "return here, (paths[:, start + stride] - here) * segments",
    ],
)
def student_example(paths, images, segment, segments):
    start, end = student_start(paths, segment, segments)
    return paths[:, start], (paths[:, end] - paths[:, start]) * segments


@student_example.also_right
def student_by_slices(paths, images, segment, segments):
    kept = paths[:, :: (paths.shape[1] - 1) // segments]
    here, there = kept[:, segment], kept[:, segment + 1]
    return here, (there - here) / (1 / segments)


@student_example.wrong(
    "The student still learns from training images: they have no relation to "
    "the path. Its target is the teacher's point one stride later."
)
def student_of_images(paths, images, segment, segments):
    here = student_example(paths, images, segment, segments)[0]
    return here, (images - here) * segments


@student_example.wrong(
    "The velocity leads to the path's last point, in the time of one segment: "
    "it has to lead to the end of this segment."
)
def student_to_the_last_point(paths, images, segment, segments):
    here = student_example(paths, images, segment, segments)[0]
    return here, (paths[:, -1] - here) * segments


@student_example.wrong(
    "This is the difference of two points: a velocity is that difference "
    "divided by the time, 1 / segments."
)
def student_with_a_distance(paths, images, segment, segments):
    here, target = student_example(paths, images, segment, segments)
    return here, target / segments


@student_example.wrong(
    "The velocity leads backwards: later point minus earlier point."
)
def student_backwards(paths, images, segment, segments):
    here, target = student_example(paths, images, segment, segments)
    return here, -target


@student_example.wrong(
    "The target is the next stored point. With fewer segments than the path "
    "has stored steps, a segment ends a stride later."
)
def student_to_the_next_point(paths, images, segment, segments):
    start, _ = student_start(paths, segment, segments)
    here = paths[:, start]
    return here, (paths[:, start + 1] - here) * segments


@student_example.wrong(
    "All segments start at the noise here: the start of a segment is "
    "paths[:, segment * stride]."
)
def student_from_the_noise(paths, images, segment, segments):
    _, end = student_start(paths, segment, segments)
    here = paths[:, 0]
    return here, (paths[:, end] - here) * segments


# The training: weights come out, and the digits are drawn and judged here.


def build_field(size):
    x, times = keras.Input((size,)), keras.Input((1,))
    labels = keras.Input((10,))
    waves = np.pi * 2.0 ** np.arange(4, dtype="float32")
    waves = [ops.sin(times * waves), ops.cos(times * waves)]
    h = layers.Concatenate()([x, labels, *waves])
    for _ in range(3):
        h = layers.Dense(384, activation="silu")(h)
    return keras.Model([x, times, labels], layers.Dense(size)(h))


def hidden_noise(rng):
    return {}, {"noise": normal(rng, 2000, 64), "rng": rng}


@cache
def components():
    """Return basis and mean as the exercise gives them."""
    pixels = data.load().train.images.reshape(-1, 784)
    mean = pixels.mean(axis=0)
    _, directions = np.linalg.eigh(np.cov(pixels[:20_000].T))
    basis = directions[:, :-65:-1].T.astype("float32")
    return basis * ((pixels[:20_000] - mean) @ basis.T).std(), mean


def space(theirs):
    """Return them, each direction as the student's: both ways are right."""
    basis, mean = components()
    theirs = np.asarray(theirs, "float32").reshape(basis.shape)
    return basis * np.sign((basis * theirs).sum(axis=1, keepdims=True)), mean


def measure_student(answer, given, kept):
    student = build_field(64)
    student.set_weights(answer["weights"])
    asked = np.arange(2000) % 10
    one_hot = ops.one_hot(asked, 10)

    def field(x, t):
        times = ops.full((len(asked), 1), t)
        return student([ops.convert_to_tensor(x), times, one_hot])

    ends = np.asarray(euler(kept["noise"], 4, field))
    basis, mean = space(answer["basis"])
    drawn = (ends @ basis + mean).clip(0, 1).astype("float32")
    verdicts = judge.probabilities(drawn.reshape(-1, 28, 28))
    accuracy = metrics.label_accuracy(verdicts, asked)
    signs = learning.of_images(drawn, kept["rng"])
    return {"label_accuracy": accuracy, **signs}


TRAINING = Training(
    points=4,
    inputs=hidden_noise,
    probe="""
def probe():
    return {"weights": student.get_weights(), "basis": basis}
""",
    measure=measure_student,
    needs=("training_example", "heun", "student_example"),
    signs=learning.OF_IMAGES,  # seed 1: 0.95; 0.50; 0.02
)
