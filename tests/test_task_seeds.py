"""Grading draws its inputs from a seed: no wrong answer comes near, none is known."""

import numpy as np
import pytest

from answers import FAR, NEAR, within
from digitdreams import checks, tasks
from places import ROOT, WITH_EXERCISE

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
OF_EXERCISES = [
    pytest.param(one.stem, task, id=f"{one.id}-{task.name}")
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


OFTEN = 3  # seeds with one answer; two of many meet by accident


def size_of(result):
    """The mean size of its first numbers, alike in equal answers: 0 without numbers."""
    while isinstance(result, (dict, list)) and result:
        result = next(iter(result.values() if isinstance(result, dict) else result))
    if not np.size(result) or np.asarray(result).dtype.kind not in "fiub":
        return 0.0
    return float(np.abs(np.asarray(result, "float64")).mean())


def commonest(results, rule):
    """The seeds that share one answer to a case, as many as possible; few are none."""
    sizes = np.nan_to_num([size_of(result) for result in results])
    best = set()
    for seed, size in enumerate(sizes):
        if seed in best:
            continue
        close = np.flatnonzero(np.isclose(sizes, size, 1e-3, 1e-3))
        if len(close) < OFTEN:
            continue
        alike = {
            int(other)
            for other in close
            if checks.matches(results[seed], results[other], rule)
        }
        best = max(best, alike, key=len)
    return best if len(best) >= OFTEN else set()


def guessed(task, known, seeds):
    """Seeds at which what is `known`, or the commonest answer to each case, passes.

    A case is asked of all seeds before the next one: where no answer to it is known
    and none is common, nothing can be guessed and the rest is left out.
    """
    cases = [task.hidden_cases(seed) for seed in seeds]
    remembered, constant = set(range(len(seeds))), set(range(len(seeds)))
    for place in range(len(cases[0])):
        results = [
            tasks.as_result(task.observe, task.reference, case[place]) for case in cases
        ]
        public = known[place % len(known)]
        remembered &= {
            seed
            for seed, result in enumerate(results)
            if checks.matches(public, result, task.rule)
        }
        constant &= commonest(results, task.rule)
        if not remembered and not constant:
            return set()
    return remembered | constant


def smallest(values):
    return float(values.min())


def place_of_largest(values):
    return int(values.argmax())


def some_values(rng):
    for _ in range(2):
        yield {"values": rng.uniform(size=4)}


def values_beside_zero(rng):
    yield {"values": np.array([0.0, *rng.uniform(size=3)])}


KNOWN = {
    "a place among four": (place_of_largest, some_values, 1, True),
    "the same, drawn often": (place_of_largest, some_values, 6, False),
    "always zero": (smallest, values_beside_zero, 6, True),
    "any number": (smallest, some_values, 1, False),
}


@pytest.mark.parametrize(
    ("reference", "inputs", "draws", "expected"), KNOWN.values(), ids=KNOWN
)
def test_what_can_be_guessed_is_found(reference, inputs, draws, expected):
    made = tasks.Task(reference, points=1, inputs=inputs, hints=[], draws=draws)
    known = [reference(**case) for case in made.cases(tasks.NOTEBOOK_SEED)]
    assert bool(guessed(made, known, range(1000, 1200))) is expected


@pytest.mark.slow
@pytest.mark.parametrize(("stem", "task"), OF_EXERCISES)
def test_no_hidden_answer_can_be_remembered_or_guessed(stem, task):
    """Neither from checks.json, which everybody has, nor as a constant."""
    stored = checks.read(ROOT / "exercises" / stem)["tasks"][task.name]
    known = [checks.decode(one) for one in stored["expected"]]
    seeds = range(1000, 1006 if builds(task) else 1200)
    assert not guessed(task, known, seeds)


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
