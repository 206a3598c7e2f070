"""The reader's files: written once, run apart, judged."""

import json

import nbformat
import pytest

from digitdreams import checks
from digitdreams.interview import answers, judging, practice, problems
from digitdreams.interview.judging import Result, State

PROBLEMS = problems.load()
SIMPLE = next(one for one in PROBLEMS if one.name == "stable_softmax")
HUNT = next(one for one in PROBLEMS if one.is_hunt and "keras" not in one.broken)
RIGHT = """
import numpy as np

def stable_softmax({arguments}):
    print("computing")
    print("2026-11-30 10:20:30.123456: I tensorflow/core/util/port.cc:153] oneDNN")
    print("I0000 00:00:1764496000.123456    77 cpu_feature_guard.cc:210] optimised")
    z = {first} - {first}.max(axis=-1, keepdims=True)
    return np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)
"""


def right():
    arguments = SIMPLE.signature.split("(", 1)[1].split(")")[0]
    first = arguments.split(",")[0].split(":")[0].strip()
    return RIGHT.format(arguments=arguments, first=first)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_the_reader_starts_from_runs(language, tmp_path):
    for problem in PROBLEMS:
        path = practice.start(problem, language, folder=tmp_path)
        text = path.read_text(encoding="utf-8")
        assert problem.title.in_language(language) in text
        names = {"__name__": problem.name}
        exec(compile(text, str(path), "exec"), names)
        assert callable(names[problem.name])


def test_a_blank_is_not_started_and_a_hunt_is_wrong(tmp_path):
    path = practice.start(SIMPLE, folder=tmp_path)
    result = practice.check_file(SIMPLE, path)
    assert result.state == State.BLANK and path.name in result.message
    path = practice.start(HUNT, folder=tmp_path)
    result = practice.check_file(HUNT, path)
    assert result.state == State.WRONG
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
    "right": (right, State.RIGHT, "stable_softmax: right"),
    "syntax": (lambda: "def stable_softmax(:\n", State.FAILED, "line 1"),
    "raises at once": (lambda: "x = 1\n1 / 0\n", State.FAILED, "line 2"),
    "no such function": (lambda: "x = 1\n", State.FAILED, "no function"),
    "exit": (lambda: "import os\nos._exit(3)\n", State.FAILED, "ended by itself"),
    "sys.exit": (lambda: "raise SystemExit(2)\n", State.FAILED, "SystemExit"),
    "endless": (
        lambda: right().replace("    z", "    while True:\n        pass\n    z"),
        State.SLOW,
        "still running in line",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", ENDINGS)
def test_whatever_the_reader_writes_ends_the_check_only(what, tmp_path):
    source, state, message = ENDINGS[what]
    path = tmp_path / "mine.py"
    path.write_text(source(), encoding="utf-8")
    limit = 2 if what == "endless" else practice.LIMIT
    result = practice.check_file(SIMPLE, path, limit)
    assert (result.state, message in result.message) == (state, True), result
    if what == "right":
        # Once a case; TensorFlow's own lines are left out.
        assert set(result.printed.splitlines()) == {"computing"}


def test_a_notebook_is_checked_like_a_program(tmp_path):
    path = practice.start(SIMPLE, "zh", notebook=True, folder=tmp_path)
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    (answer,) = [cell for cell in notebook.cells if cell.id == "answer"]
    answer.source = "%matplotlib inline\n" + right()
    nbformat.write(notebook, path)
    assert practice.check_file(SIMPLE, path).state == State.RIGHT


def test_a_damaged_notebook_is_said(tmp_path):
    path = tmp_path / "mine.ipynb"
    path.write_text("{", encoding="utf-8")
    result = practice.check_file(SIMPLE, path)
    assert result.state == State.FAILED and "mine.ipynb" in result.message


def test_the_judge_writes_its_report(tmp_path):
    """The same as above, in this process, for what coverage cannot see."""
    path = tmp_path / "mine.py"
    path.write_text(right(), encoding="utf-8")
    called = []
    found = judging.judge(SIMPLE.topic, SIMPLE.name, path, lambda: called.append(1))
    assert found.state is State.RIGHT and called == [1]
    assert Result.from_json(found.as_json(), "") == found


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"state": "fine", "message": ""}'])
def test_a_report_that_is_none_is_refused(text):
    with pytest.raises(ValueError):
        Result.from_json(text, "")


# What the reader writes in comments and texts decides nothing -------------------------


def changed_notebook(tmp_path, change):
    """A notebook with a right answer, after `change(cells by id)`; its path."""
    path = practice.start(SIMPLE, notebook=True, folder=tmp_path)
    notebook = nbformat.read(path, as_version=4)
    cells = {cell.id: cell for cell in notebook.cells}
    cells["answer"].source = right()
    change(cells, notebook)
    nbformat.write(notebook, path)
    return path


def judged(path):
    return judging.judge(SIMPLE.topic, SIMPLE.name, path, lambda: None)


@pytest.mark.parametrize(
    "remark",
    [
        "# I was asked this in an interview",
        "# like practice.check(stable_softmax) of digitdreams.interview",
        'NOTE = "from digitdreams.interview import practice"',
        '"""check, hint"""',
        'TEXT = """\n% of all\n! and ?\n"""\nassert "\\n% of all\\n! and" in TEXT',
        "SHARE = (17\n% 5)\nassert SHARE == 2",
    ],
)
def test_a_remark_of_the_reader_does_not_drop_his_answer(tmp_path, remark):
    def change(cells, notebook):
        cells["answer"].source = f"{remark}\n{right()}"

    assert judged(changed_notebook(tmp_path, change)).state is State.RIGHT


@pytest.mark.parametrize(
    "magic",
    ["%matplotlib inline", "!ls", "    %timeit 1 + 1", "names = !ls", "np?", "%%time"],
)
def test_magics_are_left_to_the_notebook(tmp_path, magic):
    def change(cells, notebook):
        source = f"if True:\n{magic}" if magic.startswith(" ") else magic
        cells["answer"].source = f"{source}\n{right()}"

    assert judged(changed_notebook(tmp_path, change)).state is State.RIGHT


def test_a_cell_of_another_language_is_not_run_as_python(tmp_path):
    def change(cells, notebook):
        notebook.cells.insert(1, nbformat.v4.new_code_cell("%%bash\necho $HOME | wc"))

    assert judged(changed_notebook(tmp_path, change)).state is State.RIGHT


def test_the_course_s_cells_are_known_without_their_ids(tmp_path):
    def change(cells, notebook):
        cells["answer"].source = "def stable_softmax(x):\n    return 0 * x"
        for cell in notebook.cells:
            cell.id = f"new-{cell.id}"

    path = changed_notebook(tmp_path, change)
    (source,) = answers.reader_cells(json.loads(path.read_text()), SIMPLE.name)
    assert source.startswith("def stable_softmax")


def test_a_check_in_a_cell_of_the_reader_names_the_mistake(tmp_path):
    def change(cells, notebook):
        cells["answer"].source = right().replace("return np", "return 2 * np")
        own = f"{cells['check'].source}  # once more"
        notebook.cells.append(nbformat.v4.new_code_cell(own))

    result = judged(changed_notebook(tmp_path, change))
    assert result.state is State.WRONG
    assert result.message.startswith("stable_softmax")


@pytest.mark.parametrize("notebook", [False, True])
def test_a_report_shows_all_that_the_reader_wrote(tmp_path, notebook):
    """Comments at the head, too; of the course's text nothing."""
    path = practice.start(SIMPLE, "zh", notebook, tmp_path)
    assert answers.written(path, SIMPLE, "zh") == answers.blank(SIMPLE).strip()
    remark = "# My idea for this interview: subtract the largest first."
    if notebook:
        content = nbformat.read(path, as_version=4)
        content.cells[1].source = f"{remark}\n{right()}"
        nbformat.write(content, path)
    else:
        text = path.read_text(encoding="utf-8")
        blank = answers.blank(SIMPLE)
        assert text.endswith(blank)
        path.write_text(text.replace(blank, f"{remark}\n{right()}"), encoding="utf-8")
    shown = answers.written(path, SIMPLE, "zh")
    assert shown == f"{remark}\n{right()}".strip()


def test_a_report_of_an_unusable_notebook_shows_nothing(tmp_path):
    path = tmp_path / "mine.ipynb"
    for content in ("{", "[]", '{"cells": [{}]}'):
        path.write_text(content, encoding="utf-8")
        assert answers.written(path, SIMPLE, "en") == ""


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
