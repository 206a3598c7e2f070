"""From a submitted file to the cells that are run."""

import classroom
import pytest

from digitdreams.grading import rebuild


def names(rebuilt):
    return [cell.name for cell in rebuilt.cells]


def of(notebook, exercise):
    return rebuild.rebuild(classroom.as_bytes(notebook), exercise)


RIGHT = [
    "top-1",
    "task-squares",
    "task-standardise",
    "task-count",
    "top-12",
    "task-fit",
    "check-training",
]


def test_the_solution_needs_no_notes(root, exercise):
    found = of(classroom.solution(root), exercise)
    assert names(found) == RIGHT  # the checks of tasks decide nothing: left out
    assert found.notes == []


def test_cells_of_ones_own_keep_their_place(root, exercise):
    found = of(classroom.add(classroom.solution(root), "mine = 1", place=3), exercise)
    assert found.cells[1].source == "mine = 1" or found.cells[2].source == "mine = 1"
    assert len(found.cells) == len(RIGHT) + 1
    assert found.notes == []


def test_locked_cells_are_the_exercises_own(root, exercise):
    notebook = classroom.put(classroom.solution(root), "check-training", "line = 3")
    found = of(notebook, exercise)
    assert "polyval" in found.cells[-1].source
    assert found.notes == [
        "the cell check-training was changed; the exercise's own was used"
    ]


def test_a_missing_given_cell_is_put_back_in_its_place(root, exercise):
    notebook = classroom.solution(root)
    notebook["cells"] = [c for c in notebook["cells"] if c["id"] != "top-12"]
    found = of(notebook, exercise)
    assert names(found) == RIGHT
    assert found.notes == ["the cell top-12 is missing; the exercise's own was used"]


def test_all_cells_missing(exercise):
    notebook = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    found = of(notebook, exercise)
    for task in ("squares", "standardise", "count", "fit"):
        assert f"the cell task-{task} is missing" in found.notes
    assert names(found) == ["top-1", "top-12", "check-training"]


def test_a_task_in_another_cell(root, exercise):
    notebook = classroom.solution(root)
    for cell in notebook["cells"]:
        if cell["id"] == "task-count":
            cell["id"] = "pasted"
    found = of(notebook, exercise)
    assert found.notes == [
        "the cell task-count is missing; its function was found in another cell"
    ]


def test_moved_names_the_fewest_cells():
    right = ["a", "b", "c", "d"]
    assert rebuild.moved(right, right) == []
    assert rebuild.moved(["b", "c", "d", "a"], right) == ["a"]
    assert rebuild.moved(["a", "d", "b", "c"], right) == ["d"]
    assert rebuild.moved(["c"], right) == []
    assert rebuild.moved([], right) == []


@pytest.mark.parametrize(
    "source, expected",
    [
        ("def f(x):\n    pass", True),
        ("x = 1\nasync  def f():", True),
        ("f = lambda: 1", True),
        ("class f: pass", True),
        ("def ff(x): pass", False),
        ("    def f(x): pass", False),
        ("# def f(x)", False),
    ],
)
def test_defines(source, expected):
    assert rebuild.defines(source, "f") is expected
