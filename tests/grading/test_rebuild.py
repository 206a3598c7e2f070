"""From a submitted file to the cells that are run."""

import json

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
            cell["source"] += "\n\n\ndef fit_of_mine():\n    pass"
            cell["id"] = "pasted"
    found = of(notebook, exercise)
    assert names(found) == RIGHT
    assert found.notes == []


def test_two_tasks_in_one_cell(root, exercise):
    notebook = classroom.solution(root)
    cells = {cell["id"]: cell for cell in notebook["cells"]}
    cells["task-squares"]["source"] += "\n\n\n" + cells["task-count"]["source"]
    notebook["cells"].remove(cells["task-count"])
    found = of(notebook, exercise)
    assert found.notes == [
        "the cell task-count is missing; its function was found in another cell"
    ]


def with_ids(notebook, new):
    for number, cell in enumerate(notebook["cells"]):
        del cell["id"]
        cell |= new(number)
    return notebook


def in_lines(notebook):
    for cell in notebook["cells"]:
        cell["source"] = cell["source"].splitlines(keepends=True)
    return notebook


def with_returns(notebook):
    for cell in notebook["cells"]:
        cell["source"] = cell["source"].replace("\n", "\r\n") + "\r\n"
    return notebook


def as_format_3(notebook):
    cells = []
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            made = {"input": cell["source"].splitlines(keepends=True), "outputs": []}
            made |= {"cell_type": "code", "language": "python", "collapsed": False}
            cells.append({**made, "metadata": {}, "prompt_number": 1})
        elif cell["source"].startswith("#"):
            text = {"source": cell["source"].lstrip("# "), "metadata": {}}
            cells.append({"cell_type": "heading", "level": 1, **text})
        else:
            kept = ("cell_type", "source", "metadata")
            cells.append({name: cell[name] for name in kept})
    sheets = [{"cells": cells[:5], "metadata": {}}, {"cells": cells[5:]}]
    return {"metadata": {}, "nbformat": 3, "nbformat_minor": 0, "worksheets": sheets}


SAVED = {
    "JupyterLab": lambda one: json.dumps(in_lines(one), indent=1).encode() + b"\n",
    "VS Code": lambda one: json.dumps(
        with_ids(in_lines(one), lambda n: {"id": f"{n:02}d0c0de", "metadata": {}})
    ).encode(),
    "Colab": lambda one: json.dumps(
        with_ids(in_lines(one), lambda n: {"metadata": {"id": f"Xy-{n}", "tags": []}})
        | {"nbformat_minor": 0, "metadata": {"colab": {"provenance": []}}},
    ).encode(),
    "Windows": lambda one: (
        b"\xef\xbb\xbf" + json.dumps(with_returns(one), indent=1).encode()
    ).replace(b"\n", b"\r\n"),
    "format 3": lambda one: json.dumps(as_format_3(one)).encode(),
    "format 3 of Windows": lambda one: (
        b"\xef\xbb\xbf" + json.dumps(as_format_3(with_returns(one))).encode()
    ),
    "empty cells between": lambda one: json.dumps(
        with_ids(
            one | {"cells": [c for cell in one["cells"] for c in (cell, {**EMPTY})]},
            lambda n: {},
        )
    ).encode(),
}
EMPTY = {"cell_type": "code", "source": "", "metadata": {}, "id": "e", "outputs": []}


@pytest.mark.parametrize("save", SAVED.values(), ids=SAVED)
@pytest.mark.parametrize("made", [classroom.solution, classroom.blank])
def test_whoever_saves_it_the_same_cells_are_run(root, exercise, save, made):
    right = of(made(root), exercise)
    found = rebuild.rebuild(save(made(root)), exercise)
    kept = [cell for cell in found.cells if cell.source]
    assert [(c.name, c.source.strip()) for c in kept] == [
        (c.name, c.source.strip()) for c in right.cells
    ]
    assert {task: places[0] for task, places in found.after.items()} == {
        task: places[0] for task, places in right.after.items()
    }
    assert (found.notes, {cell.own for cell in found.cells}) == ([], {None})
    shown = rebuild.submitted(save(made(root)), exercise)
    assert {cell.name for cell in shown} >= {cell.name for cell in exercise.cells}


def test_without_ids_changed_cells_are_known_by_their_text(root, exercise):
    notebook = classroom.solution(root)
    extra = "\nheights = heights + 0"
    for cell in notebook["cells"]:
        if cell["id"] in ("top-12", "check-training", "check-count"):
            cell["source"] += extra
        del cell["id"]
    classroom.add(notebook, "def squares(values):\n    return 0", place=5)
    found = of(notebook, exercise)
    kept = [one for one in names(found) if not one.startswith("own-")]
    assert set(kept) == set(RIGHT)
    (given,) = (cell for cell in found.cells if cell.name == "top-12")
    assert given.source.endswith(extra) and given.own is not None
    assert len([cell for cell in found.cells if cell.source == extra.strip()]) == 2


def test_no_sheets_no_cells(exercise):
    for sheets in (None, 3, [3], [{"cells": 3}], {}):
        content = {"nbformat": 3, "worksheets": sheets, "cells": []}
        with pytest.raises(rebuild.Refused, match="no list of cells"):
            rebuild.rebuild(json.dumps(content).encode(), exercise)


def test_what_is_written_around_a_locked_cell_is_run(root, exercise):
    notebook = classroom.solution(root)
    for name in ("check-squares", "check-training"):
        (cell,) = (cell for cell in notebook["cells"] if cell["id"] == name)
        cell["source"] = f"first = 1\n\n{cell['source']}  \n\nlast = 2\n"
    found = of(notebook, exercise)
    assert [cell.source for cell in found.cells if cell.name.startswith("own")] == [
        *("first = 1", "last = 2"),
        *("first = 1", "last = 2"),
    ]
    assert names(found)[-2] == "check-training"
    assert found.after["training"] == ["check-training"]
    assert found.notes == [
        f"the cell {name} was changed; the exercise's own was used, and what was "
        "written around it"
        for name in ("check-squares", "check-training")
    ]


def test_tasks_are_asked_after_their_cells(root, exercise):
    notebook = classroom.add(classroom.solution(root), "mine = 1", place=4)
    assert of(notebook, exercise).after == {
        "squares": ["task-squares", "own-5"],
        "standardise": ["task-standardise"],
        "count": ["task-count"],
        "fit": ["task-fit"],
        "training": ["check-training"],
    }


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
