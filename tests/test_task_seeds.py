"""Grading draws its inputs from a seed: at none may a wrong answer come near."""

import numpy as np
import pytest

from answers import FAR, NEAR, within
from digitdreams import tasks
from places import WITH_EXERCISE

SLOW = {"generator_step"}  # its wrong answers predict


def builds(task):
    """Whether Keras builds a model for each answer: it takes a second for a seed."""
    return task.observe in ("model", "activations") or task.name in SLOW


TASKS = [
    pytest.param(
        task,
        id=f"{one.id}-{task.name}",
        marks=[pytest.mark.slow] if builds(task) else [],
    )
    for one in WITH_EXERCISE
    for task in tasks.load(one.stem)
]


def seeds_of(task):
    return range(1000, 1003 if builds(task) else 1020)


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_no_seed_lets_a_wrong_answer_come_near(task):
    passing = []
    for seed in seeds_of(task):
        cases = task.cases(seed)

        def results(answer, cases=cases):
            return [tasks.as_result(task.observe, answer, case) for case in cases]

        expected = results(task.reference)
        for answer in task.right[1:]:
            near = within(NEAR, task.rule, expected, results(answer))
            assert near, (answer.__name__, seed)
        passing += [
            (wrong.answer.__name__, seed)
            for wrong in task.mistakes
            if within(FAR, task.rule, expected, results(wrong.answer))
        ]
    assert not passing


def test_weights_may_come_in_any_order_of_layers():
    """A subclassed model holds its layers in the order in which they were made."""
    rng = np.random.default_rng(1)
    encoder = tasks.load_module("04_conditional_vae")
    shapes = [(794, 256), (256,), (256, 6), (6,), (256, 6), (6,)]
    weights = [rng.normal(size=shape) for shape in shapes]
    for found in (weights, weights[2:] + weights[:2]):
        first = next(encoder.readings(found))
        assert all(one is other for one, other in zip(first, weights, strict=True))
    generator = tasks.load_module("05_gan")
    shapes = [(32, 784), (784,), (5, 5, 16, 16), (16,), *4 * [(16,)]]
    weights = [rng.normal(size=shape) for shape in [*shapes, (5, 5, 1, 16), (1,)]]
    dense, grown, norm, last = weights[:2], weights[2:4], weights[4:8], weights[8:]
    for found in (weights, [*norm, *last, *grown, *dense]):
        ordered = generator.layer_by_layer(found)
        assert all(one is other for one, other in zip(ordered, weights, strict=True))
