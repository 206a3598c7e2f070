"""Submissions with TensorFlow: models come out as data, log lines cost nothing."""

import classroom
import pytest
from battlefield import points, states

from digitdreams.grading.exercise import Exercise
from digitdreams.grading.marking import grade
from digitdreams.grading.sandbox import Limits

STEM = "02_keras"
SOURCE = '''\
# %%
import keras
import numpy as np
from keras import ops

from digitdreams.checks import check

# %% task="build"
def build(size):
    """Return a linear model from (n, size) to (n, 1)."""
    ### BEGIN SOLUTION
    return keras.Sequential([keras.Input((size,)), keras.layers.Dense(1)])
    ### END SOLUTION


# %% check="build"
check(build)

# %% task="frozen"
def frozen(values):
    """Return the squares; no gradient passes through."""
    ### BEGIN SOLUTION
    return ops.stop_gradient(ops.square(values))
    ### END SOLUTION


# %% check="frozen"
check(frozen)

# %% check="training" points=4
keras.utils.set_random_seed(7)
inputs = np.random.default_rng(7).normal(size=(200, 2)).astype("float32")
model = build(2)
model.compile(optimizer=keras.optimizers.Adam(0.1), loss="mse", jit_compile=False)
model.fit(inputs, inputs @ [[3.0], [-1.0]], epochs=20, verbose=0)
'''
TASKS = """\
import keras
import numpy as np
from keras import ops

from digitdreams.tasks import Training, task


def sizes(rng):
    for size in (2, 5):
        # Whatever the weights, the outputs are 0 and lie in [0, 1].
        yield {"size": size, "x": np.zeros((3, size), "float32")}


@task(points=2, inputs=sizes, observe="model", hints=["Dense"])
def build(size):
    return keras.Sequential([keras.Input((size,)), keras.layers.Dense(1)])


@build.wrong("One layer is enough.")
def two_layers(size):
    dense = keras.layers.Dense
    return keras.Sequential([keras.Input((size,)), dense(size), dense(1)])


def values(rng):
    for size in (2, 4):
        yield {"values": rng.normal(size=size).astype("float32")}


@task(points=2, inputs=values, observe="gradient", hints=["stop_gradient"])
def frozen(values):
    return ops.stop_gradient(ops.square(values))


frozen.wrong("The gradient passes through.")(ops.square)


def held_out(rng):
    inputs = rng.normal(size=(100, 2))
    return {}, {"inputs": inputs, "outputs": inputs @ [[3.0], [-1.0]]}


def measure(answer, given, kept):
    kernel, bias = answer
    errors = kept["inputs"] @ kernel + bias - kept["outputs"]
    return {"held_out_error": float(np.mean(errors**2))}


TRAINING = Training(
    points=4,
    inputs=held_out,
    probe="def probe():\\n    return model.get_weights()",
    measure=measure,
)
"""
NOISE = """
import logging, os, sys, warnings
import tensorflow as tf
logging.getLogger("tensorflow").error("trouble")
tf.print("a line")
warnings.warn("old")
os.write(2, b"E0000 00:00:1 cuda_platform.cc:52] failed call to cuInit\\n")
"""
FORGED_MODEL = """
def build(size):
    class Meta(type(keras.Model)):
        def __instancecheck__(cls, one):
            return True
    class Weights(list):
        shape = (size + 1,)
    class Fake(keras.Model):
        trainable_variables = property(lambda self: [Weights()] * 1000)
        def call(self, x):
            return float("nan") * x
    return Fake()
"""
FORGED_ENDING = """
class Everything:
    def __getattr__(self, name): return Everything()
    def __call__(self, *args, **kwargs): return Everything()
    def __iter__(self): return iter([Everything()] * 2)
    def __rmatmul__(self, other): return other * 0
    def __eq__(self, other): return True
keras.Sequential = keras.Model = Everything
build = Everything()
"""


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    root = tmp_path_factory.mktemp("keras")
    return classroom.make(root, STEM, SOURCE, TASKS)


def graded(course, notebook):
    exercise = Exercise.load(STEM, course)
    limits = Limits(task=120, restarts=1)
    return grade(classroom.as_bytes(notebook), exercise, "s", limits)


def test_the_solution_with_all_of_tensorflows_noise(course):
    notebook = classroom.add(classroom.solution(course, STEM), NOISE, place=1)
    result = graded(course, notebook)
    assert points(result) == {"build": 2, "frozen": 2, "training": 4}
    assert (result.state, result.notes) == ("graded", [])
    assert "cuInit" in result.output


def test_known_mistakes_are_named(course):
    notebook = classroom.solution(course, STEM)
    source = """
def build(size):
    dense = keras.layers.Dense
    return keras.Sequential([keras.Input((size,)), dense(size), dense(1)])
"""
    classroom.put(notebook, "task-build", source)
    classroom.put(notebook, "task-frozen", "frozen = ops.square")
    result = graded(course, notebook)
    assert points(result)["build"] == points(result)["frozen"] == 0
    assert result.tasks[0].message == "One layer is enough."
    assert result.tasks[1].message == "The gradient passes through."


def test_forged_models(course):
    notebook = classroom.solution(course, STEM)
    classroom.put(notebook, "task-build", FORGED_MODEL)
    classroom.put(notebook, "task-frozen", "def frozen(values):\n    return True")
    classroom.add(notebook, FORGED_ENDING)
    result = graded(course, notebook)
    assert points(result) == {"build": 0, "frozen": 0, "training": 0}
    assert set(states(result).values()) <= {"graded", "missing", "crashed"}
