"""The reader's files: written once, run apart, judged."""

import json

import nbformat
import pytest

from digitdreams import checks
from digitdreams.interview import judging, practice, problems

PROBLEMS = problems.load()
SIMPLE = next(one for one in PROBLEMS if one.name == "stable_softmax")
HUNT = next(one for one in PROBLEMS if one.is_hunt and "keras" not in one.broken)
RIGHT = """
import numpy as np

def stable_softmax({arguments}):
    print("computing")
    z = {first} - {first}.max(axis=-1, keepdims=True)
    return np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)
"""


def right():
    arguments = SIMPLE.signature.split("(", 1)[1].split(")")[0]
    first = arguments.split(",")[0].split(":")[0].strip()
    return RIGHT.format(arguments=arguments, first=first)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda one: one.name)
def test_what_the_reader_starts_from_runs(problem, language, tmp_path):
    path = practice.start(problem, language, folder=tmp_path)
    text = path.read_text(encoding="utf-8")
    assert problem.title.in_language(language) in text
    names = {"__name__": problem.name}
    exec(compile(text, str(path), "exec"), names)
    assert callable(names[problem.name])


def test_a_blank_is_not_started_and_a_hunt_is_wrong(tmp_path):
    path = practice.start(SIMPLE, folder=tmp_path)
    result = practice.check_file(SIMPLE, path)
    assert result.state == practice.BLANK and path.name in result.message
    path = practice.start(HUNT, folder=tmp_path)
    result = practice.check_file(HUNT, path)
    assert result.state == practice.WRONG
    assert HUNT.mistakes[0].message in result.message


def test_a_file_is_never_overwritten(tmp_path):
    path = practice.start(SIMPLE, folder=tmp_path)
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(practice.PracticeError, match="stays as it is"):
        practice.start(SIMPLE, folder=tmp_path)
    assert path.read_text(encoding="utf-8") == "mine"


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(practice.PracticeError, match=r"in the way|cannot be written"):
        practice.start(SIMPLE, folder=tmp_path / "file" / "problems")
    with pytest.raises(practice.PracticeError, match=r"in the way|cannot be written"):
        practice.start(SIMPLE, folder=tmp_path / "file")


def test_a_problem_that_was_not_started_is_said(own_place):
    with pytest.raises(practice.PracticeError, match="problems start"):
        practice.find_file("stable_softmax")


# The process apart --------------------------------------------------------------------

ENDINGS = {
    "right": (right, practice.RIGHT, "stable_softmax: right"),
    "syntax": (lambda: "def stable_softmax(:\n", practice.FAILED, "line 1"),
    "raises at once": (lambda: "x = 1\n1 / 0\n", practice.FAILED, "line 2"),
    "no such function": (lambda: "x = 1\n", practice.FAILED, "no function"),
    "exit": (lambda: "import os\nos._exit(3)\n", practice.FAILED, "ended by itself"),
    "sys.exit": (lambda: "raise SystemExit(2)\n", practice.FAILED, "SystemExit"),
    "endless": (
        lambda: right().replace("    z", "    while True:\n        pass\n    z"),
        practice.SLOW,
        "still running in line",
    ),
}


@pytest.mark.parametrize("what", ENDINGS)
def test_whatever_the_reader_writes_ends_the_check_only(what, tmp_path):
    source, state, message = ENDINGS[what]
    path = tmp_path / "mine.py"
    path.write_text(source(), encoding="utf-8")
    limit = 2 if what == "endless" else practice.LIMIT
    result = practice.check_file(SIMPLE, path, limit)
    assert (result.state, message in result.message) == (state, True), result
    if what == "right":
        assert "computing" in result.printed


def test_a_notebook_is_checked_like_a_program(tmp_path):
    path = practice.start(SIMPLE, "zh", notebook=True, folder=tmp_path)
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    (answer,) = [cell for cell in notebook.cells if cell.id == "answer"]
    answer.source = "%matplotlib inline\n" + right()
    nbformat.write(notebook, path)
    assert practice.check_file(SIMPLE, path).state == practice.RIGHT


def test_a_damaged_notebook_is_said(tmp_path):
    path = tmp_path / "mine.ipynb"
    path.write_text("{", encoding="utf-8")
    result = practice.check_file(SIMPLE, path)
    assert result.state == practice.FAILED and "mine.ipynb" in result.message


def test_the_judge_writes_its_report(tmp_path):
    """The same as above, in this process, for what coverage cannot see."""
    path = tmp_path / "mine.py"
    path.write_text(right(), encoding="utf-8")
    called = []
    found = judging.judge(SIMPLE.topic, SIMPLE.name, path, lambda: called.append(1))
    assert found[0] == practice.RIGHT and called == [1]
    json.dumps(found)


# Inside a notebook --------------------------------------------------------------------


def test_check_and_hint_in_a_notebook(capsys):
    names = {}
    exec(right(), names)
    practice.check(names["stable_softmax"])
    assert "stable_softmax: right" in capsys.readouterr().out

    def stable_softmax(*args, **kwargs):
        return 0.0

    with pytest.raises(checks.CheckFailed):
        practice.check(stable_softmax)
    for _ in range(9):
        practice.hint("stable_softmax")
    out = capsys.readouterr().out
    assert out.count("Hint ") == 9
    for text in SIMPLE.hints:
        assert text in out
