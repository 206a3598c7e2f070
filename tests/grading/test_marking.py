"""Marks: what is compared, what is said, what happens where the machine fails."""

import json
import time
import types
from dataclasses import replace

import classroom
import numpy as np
import pytest

from digitdreams.grading import marking, sandbox
from digitdreams.grading.exercise import Exercise, ExerciseError
from digitdreams.grading.marking import grade, hidden_seed
from digitdreams.grading.result import Result, State
from digitdreams.grading.sandbox import Limits


@pytest.fixture(scope="module")
def available():
    try:
        sandbox.probe()
    except sandbox.SandboxUnavailable as error:
        pytest.skip(str(error))


def test_hidden_inputs_depend_on_secret_exercise_and_submission():
    seeds = {
        hidden_seed("a", "01_small", b"x"),
        hidden_seed("b", "01_small", b"x"),
        hidden_seed("a", "02_other", b"x"),
        hidden_seed("a", "01_small", b"y"),
    }
    assert len(seeds) == 4
    assert hidden_seed("a", "01_small", b"x") in seeds


def test_hidden_inputs_are_not_those_of_the_notebook(exercise):
    task = exercise.tasks[0]
    hidden = task.cases(hidden_seed("a", exercise.stem, b"x"))
    seen = task.cases(20)
    assert not np.allclose(hidden[0]["values"], seen[0]["values"])


def test_a_result_survives_json(root, exercise, available):
    result = grade(classroom.as_bytes(classroom.solution(root)), exercise, "s")
    again = Result.from_dict(json.loads(json.dumps(result.as_dict())))
    assert again == result
    assert (again.points, again.max_points) == (12, 12)


def test_the_sandbox_is_given_neither_references_nor_expected_values(
    root, exercise, available, monkeypatch
):
    jobs = []
    start = sandbox.Run.__init__

    def spy(self, job, *args, **kwargs):
        jobs.append(job)
        start(self, job, *args, **kwargs)

    monkeypatch.setattr(sandbox.Run, "__init__", spy)
    grade(classroom.as_bytes(classroom.blank(root)), exercise, "s")
    (job,) = jobs
    asked = [set(one) for one in job["tasks"]]
    task, training = {"name", "observe", "cases"}, {"name", "source", "given"}
    assert asked == [{*task, "after"}] * 4 + [{*training, "after"}]
    assert set(job["tasks"][-1]["given"]) == {"places"}
    assert all("polyfit" not in cell["source"] for cell in job["cells"])


def test_unsafe_marks_the_result(root, exercise):
    result = grade(
        classroom.as_bytes(classroom.solution(root)), exercise, "s", unsafe=True
    )
    assert result.unsafe is True
    assert result.points == 12


def test_safe_is_the_default(root, exercise, available):
    result = grade(classroom.as_bytes(classroom.solution(root)), exercise, "s")
    assert result.unsafe is False


def test_a_machine_without_sandboxes_is_not_charged_to_the_student(
    root, exercise, monkeypatch
):
    monkeypatch.setattr(sandbox, "command", lambda *_: ["/usr/bin/false"])
    result = grade(classroom.as_bytes(classroom.solution(root)), exercise, "s")
    assert result.state == "infrastructure"
    assert {one.state for one in result.tasks} == {"infrastructure"}
    assert result.points == 0
    monkeypatch.setattr(sandbox, "command", lambda *_: ["/no/such/program"])
    result = grade(classroom.as_bytes(classroom.solution(root)), exercise, "s")
    assert result.state == "infrastructure"


def test_an_error_of_the_author_is_not_charged_to_the_student(root, exercise):
    def fails(rng):
        raise RuntimeError("the author's mistake")

    broken = replace(exercise.tasks[0], inputs=fails)
    result = grade(
        classroom.as_bytes(classroom.solution(root)),
        replace(exercise, tasks=(broken, *exercise.tasks[1:])),
        "s",
    )
    assert result.state == "infrastructure"


def test_training_shares_its_points_among_its_numbers(root, exercise, available):
    one = exercise.numbers[0]
    both = (one, replace(one, name="other", bar=-1.0))

    def measure(answer, given, kept):
        value = exercise.training.measure(answer, given, kept)["held_out_error"]
        return {"held_out_error": value, "other": value}

    changed = replace(
        exercise,
        numbers=both,
        training=replace(exercise.training, measure=measure),
    )
    result = grade(classroom.as_bytes(classroom.solution(root)), changed, "s")
    assert result.tasks[-1].points == 2


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_training_that_is_not_finite_reaches_no_bar(root, exercise, available, value):
    training = replace(exercise.training, measure=lambda *_: {"held_out_error": value})
    result = grade(
        classroom.as_bytes(classroom.solution(root)),
        replace(exercise, training=training),
        "s",
    )
    assert result.tasks[-1].points == 0


def test_points_without_a_specification_are_an_error(tmp_path):
    specs = classroom.TASKS.replace("TRAINING", "OTHER")
    root = classroom.make(tmp_path, specs=specs)
    with pytest.raises(ExerciseError, match="worth points"):
        Exercise.load(classroom.STEM, root)


def test_points_that_differ_are_an_error(tmp_path):
    root = classroom.make(tmp_path, source=classroom.SOURCE.replace("=4", "=5"))
    with pytest.raises(ExerciseError, match="TRAINING 4"):
        Exercise.load(classroom.STEM, root)


def test_an_exercise_that_does_not_exist(tmp_path):
    with pytest.raises(ExerciseError, match="does not exist"):
        Exercise.load("09_none", tmp_path)


@pytest.mark.slow
def test_the_time_of_the_whole_submission_is_bounded(root, exercise, available):
    notebook = classroom.solution(root)
    for _ in range(120):  # each of them within its own limit
        classroom.add(notebook, "while True: pass", place=2)
    limits = Limits(wall=2, cell=1)
    result = grade(classroom.as_bytes(notebook), exercise, "s", limits)
    assert result.state == "timeout"
    assert result.points == 0
    assert result.seconds < 60


def test_states_are_known_words(root, exercise, available):
    result = grade(classroom.as_bytes(classroom.blank(root)), exercise, "s")
    assert {result.state, *(one.state for one in result.tasks)} <= set(State)


def test_a_grader_that_stood_still_charges_nobody(
    root, exercise, available, monkeypatch
):
    """While the student's first cell runs, the grader's clock jumps past all limits."""
    lost = [0]
    clock = types.SimpleNamespace(monotonic=lambda: time.monotonic() + lost[0])
    begin = marking.Conversation.begin

    def stands_still(self, seconds):
        begin(self, seconds)
        lost[0] = 1000

    monkeypatch.setattr(sandbox, "time", clock)
    monkeypatch.setattr(marking, "time", clock)
    monkeypatch.setattr(marking.Conversation, "begin", stands_still)
    notebook = classroom.as_bytes(classroom.solution(root))
    result = grade(notebook, exercise, "s", Limits(wall=200, cell=100))
    assert (result.state, result.points) == ("graded", 12)
    assert result.seconds > 1000
