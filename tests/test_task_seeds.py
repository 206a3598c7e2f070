"""Grading draws its inputs from a seed: none of them may let a wrong answer pass."""

import pytest

from digitdreams import checks, tasks
from places import WITH_EXERCISE

TASKS = [
    pytest.param(task, id=f"{one.id}-{task.name}")
    for one in WITH_EXERCISE
    for task in tasks.load(one.stem)
]
SLOW = {"generator_step"}  # its wrong answers predict


def seeds_of(task):
    """Keras takes a second to build the models of one seed."""
    slow = task.observe in ("model", "activations") or task.name in SLOW
    return range(1000, 1003 if slow else 1040)


@pytest.mark.parametrize("task", TASKS)
def test_no_seed_lets_a_wrong_answer_pass(task):
    rule = {"tolerance": task.tolerance, "same_dtype": task.same_dtype}
    passing = []
    for seed in seeds_of(task):
        cases = task.cases(seed)
        expected = [
            tasks.as_result(task.observe, task.reference, case) for case in cases
        ]

        def is_right(answer, cases=cases, expected=expected):
            return all(
                checks.matches(
                    wanted, tasks.as_result(task.observe, answer, case), rule
                )
                for case, wanted in zip(cases, expected, strict=True)
            )

        for answer in (task.reference, *task.also_right):
            assert is_right(answer), (answer.__name__, seed)
        passing += [
            (wrong.answer.__name__, seed)
            for wrong in task.wrong
            if is_right(wrong.answer)
        ]
    assert not passing
