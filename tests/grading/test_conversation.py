"""Whatever comes out of a sandbox is the submission's, and never breaks grading."""

import itertools
import time

import classroom
import numpy as np
import pytest

from digitdreams import checks
from digitdreams.grading import wire
from digitdreams.grading.marking import Conversation, Grading, grade, is_error, simple
from digitdreams.grading.result import State
from digitdreams.grading.sandbox import Limits, Run
from digitdreams.grading.wire import WireError

ERROR = {"type": "ValueError", "text": "no", "line": "3"}
VALUES = {
    "nothing": None,
    "true": True,
    "false": False,
    "a number": 7,
    "a text": "x",
    "a list": [1, "x"],
    "an empty list": [],
    "an array": np.arange(3),
    "an empty array": np.zeros((0, 3)),
    "a truth": np.array(True),
    "a dictionary": {"a": 1},
    "an error": ERROR,
    "an error of arrays": {"type": np.arange(2), "text": np.arange(2)},
    "an error of lists": {"type": ["OutOfTime"], "text": []},
    "an error without text": {"type": "OutOfTime"},
    "an error with more": {**ERROR, "points": "12"},
    "an endless error": {**ERROR, "text": "x" * 1900},
    "NaN": np.float64("nan"),
}
KINDS = ("ready", "cell", "task", "ended", "value", "raised", "unfit", "blank")
KINDS += ("undefined", "finished", "found", "points", "")
FORMS = {
    f"{kind or 'no kind'}: {name}": {kind: value}
    for kind in KINDS
    for name, value in VALUES.items()
}
FORMS |= {"nothing at all": {}, "two things": {"value": 1, "ended": None}}


@pytest.fixture
def grading(root, exercise):
    notebook = classroom.as_bytes(classroom.solution(root))
    return Grading(notebook, exercise, classroom.SECRET, Limits(), unsafe=False)


def at(grading, place):
    """A conversation that has reached a place."""
    for question in grading.questions:
        question.answered.clear()
        question.settled = False
    rebuilt = grading.rebuilt
    talk = Conversation(rebuilt.cells, grading.questions, rebuilt.after, Limits(), 100)
    said = {"start": [], "ready": [{"ready": True}]}
    said["cell"] = [*said["ready"], {"cell": "top-0"}]
    said["task"] = [*said["ready"], {"task": "squares"}]
    said["answer"] = [*said["task"], {"value": np.zeros(3)}]
    said["training"] = [*said["ready"]]
    for question in grading.questions[:-1]:
        answers = [{"value": one} for one in question.expected]
        said["training"] += [{"task": question.name}, *answers, {"ended": None}]
    said["training"].append({"task": "training"})
    for message in said[place]:
        talk.receive(message)
    return talk


@pytest.mark.parametrize(
    "place", ["start", "ready", "cell", "task", "answer", "training"]
)
def test_a_message_is_taken_or_refused_and_can_be_marked(grading, place):
    """After any message, and after any two of one task, every question has a mark."""
    for name, message in FORMS.items():
        talk = at(grading, place)
        for ended in ({"ended": None}, {"value": 1}, {"undefined": True}):
            try:
                talk.receive(message)
                talk.receive(ended)
            except WireError:
                continue
        for question in grading.questions:
            if question.open:
                question.end(State.CRASHED, "it ended")
        grading.errors.update(talk.errors)
        result = grading.result()
        earned = sum(one.points for one in result.tasks)
        right = 8 if place == "training" else 0
        assert earned == right, (name, result.tasks)


def test_answers_of_any_kind_can_be_marked(grading):
    for first, second in itertools.permutations(VALUES, 2):
        talk = at(grading, "task")
        for value in (VALUES[first], VALUES[second]):
            talk.receive({"value": value})
        talk.receive({"ended": None})
        mark = grading.mark(grading.questions[0])
        assert (mark.points, mark.state) == (0, "graded"), (first, second)


def test_only_errors_as_they_are_described_are_errors():
    assert is_error(ERROR) and is_error({"type": "A", "text": ""})
    others = [one for name, one in VALUES.items() if name != "an error"]
    assert not [one for one in others if is_error(one)]


RULE = {"tolerance": 1e-4, "same_dtype": False}
LONG = 18_000
TANGLES = {
    "uneven arrays": [np.zeros(400) for _ in range(LONG)] + [np.zeros(401)],
    "uneven lists of arrays": [[np.zeros(300)] * 100 for _ in range(150)] + [7],
    "long texts": ["x" * 1900] * 400,
    "arrays without numbers": [np.zeros((0,) * 8) for _ in range(LONG)],
    "dictionaries": [{"a": 1}] * LONG,
    "a huge number": 10**39,
    "a huge dictionary": {str(i): np.zeros(9) for i in range(LONG)},
}


@pytest.mark.parametrize("value", TANGLES.values(), ids=TANGLES)
@pytest.mark.parametrize("expected", [np.zeros(8), [np.zeros(3)] * 2, 3, {"a": 1}])
def test_what_cannot_agree_is_refused_in_no_time(value, expected):
    started = time.process_time()
    assert checks.difference(expected, simple(expected, value), 1e-4)
    assert not checks.matches(expected, simple(expected, value), RULE)
    assert time.process_time() - started < 1


TREES = {
    "no numbers on eight axes": ["array", "<f8", [0] + [2**31 - 1] * 7],
    "no numbers on many more": ["array", "<f8", [2**30, 0, 2**30, 2**30]],
    "a row that is too long": ["row", "<f8", 2**40],
    "a row below nothing": ["row", "<f8", -1],
    "a row of texts": ["row", "<U3", 1],
    "a row of rows": ["row", "<f8", [1, 1]],
}


@pytest.mark.parametrize("tree", TREES.values(), ids=TREES)
def test_arrays_that_numpy_cannot_make_are_refused(tree):
    with pytest.raises(WireError):
        wire.unpack(tree, wire.Payload(b"", 100))


def test_a_fault_in_reading_is_the_submissions():
    def receive(message):
        raise ZeroDivisionError

    run = Run({"cells": []}, Limits(), receive, lambda: 0.0)
    ended = run.take(wire.message(ready=True))
    assert (ended.cause, ended.text) == (
        "crashed",
        "its messages cannot be read (ZeroDivisionError)",
    )


def test_a_file_whose_reading_fails_is_refused(exercise, monkeypatch):
    monkeypatch.setattr("json.loads", lambda text: 1 / 0)
    result = grade(b"{}", exercise, "s")
    assert result.state == "refused"
    assert result.notes == ["the file cannot be read (ZeroDivisionError)"]


ROWS = {
    "floats": [0.5] * 60_000,
    "whole numbers": list(range(60_000)),
    "truths": [True, False] * 30_000,
    "numbers of NumPy": [np.float32(0.5)] * 60_000,
    "arrays of one number": [np.array(2)] * 60_000,
    "long doubles": [np.longdouble(0.5)] * 60_000,
    "a table": [[0.25] * 300] * 300,
}


@pytest.mark.parametrize("value", ROWS.values(), ids=ROWS)
def test_lists_of_numbers_may_be_long(value):
    """What the notebook's own check accepts crosses the wall."""
    plain = checks.plain(value)
    (found,) = wire.Reader(10**7).feed(wire.answer(plain))
    assert type(found["value"]) is list
    assert checks.difference(np.array(value, "float64"), found["value"], 1e-4) is None


def test_long_doubles_are_compared_as_the_notebook_does():
    value = np.arange(4, dtype="longdouble") / 2
    (found,) = wire.Reader(1000).feed(wire.answer(value))
    assert checks.difference(np.arange(4) / 2, found["value"], 1e-6) is None


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([{"a": 1}] * 60_000, "too many parts"),
        ("x" * 5000, "too long"),
        (np.zeros((1,) * 9), "unknown shape"),
        (10**50, "too long"),
    ],
    ids=["parts", "text", "axes", "number"],
)
def test_an_answer_that_is_too_much_is_told_so(value, said):
    with pytest.raises(WireError, match=f"the result .*{said}"):
        wire.answer(value)
