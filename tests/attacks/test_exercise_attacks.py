"""The course's own exercises: what the training earns is measured outside."""

import classroom
import pytest
from battlefield import points

from digitdreams.files import ROOT
from digitdreams.grading.exercise import Exercise
from digitdreams.grading.marking import grade
from digitdreams.grading.sandbox import Limits
from places import WITH_EXERCISE

LIMITS = Limits(wall=1400, cell=700, task=300)

# Trainings that train nothing: inside, all bars seem reached. The cell that calls them
# is the exercise's own. For weights of other origin see tests/grading/test_learning.py.
FORGED = {
    "03": """
def train():
    class Forged:
        encoder, decoder = build_encoder(), build_decoder(16)
        def __call__(self, images):
            return 1.0
    return Forged()
""",
    "14": """
def train(network, examples, steps, title):
    pass

def field_of(network, asked):
    rows = [np.argmax(one_hot[:, digit]) for digit in np.argmax(asked, axis=1)]
    return lambda x, t: (codes[rows] - x) / max(1 - t, 0.25)
""",
}


def forged(stem):
    """The solution with a training that only pretends, put last before its call."""
    notebook = classroom.solution(ROOT, stem)
    names = [cell["id"] for cell in notebook["cells"]]
    return classroom.add(notebook, FORGED[stem[:2]], names.index("check-training"))


SOLUTIONS = [
    pytest.param(lesson, marks=pytest.mark.timeout(3000), id=lesson.stem)
    for lesson in WITH_EXERCISE
]


def graded(lesson, notebook):
    """Grade in one processor's time; return the result and the points deserved."""
    exercise = Exercise.load(lesson.stem)
    result = grade(classroom.as_bytes(notebook), exercise, "s", LIMITS)
    assert result.state == "graded", result
    return result, {task.name: task.points for task in exercise.tasks}


# `make test` leaves the solutions to this test: it runs no notebook of them a second
# time (tests/notebooks/conftest.py).
@pytest.mark.parametrize("lesson", SOLUTIONS)
def test_a_solution_has_all_points(lesson):
    result, deserved = graded(lesson, classroom.solution(ROOT, lesson.stem))
    assert points(result) == {**deserved, "training": 4}, result.tasks
    assert result.notes == []


@pytest.mark.parametrize(
    "lesson", [one for one in SOLUTIONS if one.values[0].id in FORGED]
)
def test_only_a_training_that_took_place_earns_its_points(lesson):
    result, deserved = graded(lesson, forged(lesson.stem))
    assert points(result) == {**deserved, "training": 0}, result.tasks
    assert "reached" in result.output, "the forgery did not convince inside"
