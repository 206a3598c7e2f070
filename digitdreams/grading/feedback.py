"""What students and formgrader are shown of a submission.

Everything that a student wrote or printed is shown as text: the pages are made by
Jinja with escaping on, and a security policy in them forbids scripts.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
from jinja2 import Environment, PackageLoader, StrictUndefined
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from digitdreams.files import write_atomically
from digitdreams.grading.book import CHECK, Entry
from digitdreams.grading.result import Result, State, SubmittedCell, TaskResult

STATES = {
    State.GRADED: "graded",
    State.TIMEOUT: "stopped: it needed more time than allowed",
    State.MEMORY: "stopped: it needed more memory than allowed",
    State.CRASHED: "it crashed the Python that ran it",
    State.REFUSED: "it could not be used",
    State.MISSING: "it is missing",
    State.INFRASTRUCTURE: "not graded yet",
}
LONGEST_OUTPUT = 20_000  # characters shown of what a submission printed


@cache
def environment() -> Environment:
    made = Environment(
        loader=PackageLoader("digitdreams.grading"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["points"] = lambda value: f"{value:g}"
    made.globals["states"] = STATES
    return made


def page(name: str, **values: Any) -> str:
    """Fill in one of our templates."""
    return environment().get_template(f"{name}.html").render(**values)


def student_page(title: str, entry: Entry) -> str:
    """One student's feedback as a HTML page.

    Args:
        title: of the exercise.
        entry: the student's line of the gradebook; a person's points and comments
            come before the grader's.
    """
    result = entry.result or Result(State.GRADED)
    return page(
        "feedback",
        title=title,
        entry=entry,
        result=result,
        tasks=task_lines(entry, result),
        output=result.output[:LONGEST_OUTPUT],
    )


@dataclass(frozen=True)
class TaskLine:
    """One task on a student's page; `mark` is what the grader found."""

    mark: TaskResult
    points: float
    max_points: float
    comment: str

    @property
    def by_person(self) -> bool:
        return self.points != self.mark.points


def task_lines(entry: Entry, result: Result) -> list[TaskLine]:
    marks = {mark.name: mark for mark in result.tasks}
    return [
        TaskLine(
            marks.get(name) or TaskResult(name, 0, max_points, State.GRADED),
            entry.points[name],
            max_points,
            entry.comments.get(name, ""),
        )
        for name, max_points in entry.worth.items()
    ]


def write_if_changed(path: Path, text: str) -> bool:
    """Write a file whole or not at all; tell whether it differed."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    write_atomically(path, text)
    return True


# For formgrader -----------------------------------------------------------------------


def as_code_block(text: str) -> str:
    """A student's prose such that Markdown shows it as it was typed."""
    return "\n".join(f"    {line}" for line in text.splitlines())


def graded_notebook(
    exercise: NotebookNode, written: Iterable[SubmittedCell], result: Result
) -> NotebookNode:
    """The submission as formgrader and `nbgrader generate_feedback` show it.

    It is built from the exercise: of the student's file only source text comes in,
    and no output that a browser would interpret.

    Args:
        exercise: the exercise as it was released.
        written: the student's cells in their order.
        result: what grading found.
    """
    sources: dict[str | None, SubmittedCell] = {}
    extra: dict[str | None, list[NotebookNode]] = {}  # by the cell that they follow
    known = {cell.id for cell in exercise.cells}
    last_known, count = None, 0
    for cell in written:
        sources.setdefault(cell.name, cell)
        if cell.name in known:
            last_known = cell.name
        else:
            extra.setdefault(last_known, []).append(extra_cell(cell, count))
            count += 1
    marks = {mark.name: mark for mark in result.tasks}
    cells = extra.get(None, [])
    for original in exercise.cells:
        theirs = sources.get(original.id)
        cells.append(graded_cell(original, theirs, marks))
        if theirs is not None and is_added_to(original, theirs):
            cells.append(extra_cell(theirs, count))
            count += 1
        cells.extend(extra.get(original.id, []))
    if result.output:
        heading = "What the notebook printed:"
        shown = as_code_block(result.output[:LONGEST_OUTPUT])
        cells.append(new_markdown_cell(heading, id="student-output"))
        cells.append(new_markdown_cell(shown, id="student-output-text"))
    notebook = nbformat.from_dict(exercise)
    notebook.cells = cells
    return notebook


def graded_cell(
    original: NotebookNode, theirs: SubmittedCell | None, marks: dict[str, TaskResult]
) -> NotebookNode:
    """A cell of the exercise with what the student wrote in it, and its mark."""
    cell = nbformat.from_dict(original)
    settings = cell.metadata.get("nbgrader", {})
    if cell.cell_type == "code":
        cell.outputs = []
        if theirs is not None and not settings.get("locked"):
            cell.source = theirs.source
        name = settings.get("grade_id", "").removeprefix(CHECK)
        if settings.get("grade") and name in marks:
            cell.outputs = [verdict(marks[name])]
    return cell


def is_added_to(original: NotebookNode, theirs: SubmittedCell) -> bool:
    """Whether a cell that is shown as the exercise has it was changed."""
    locked = original.metadata.get("nbgrader", {}).get("locked")
    return bool(locked) and theirs.source.split() != original.source.split()


def extra_cell(cell: SubmittedCell, number: int) -> NotebookNode:
    """A cell that the student added."""
    name = f"student-extra-{number}"
    if cell.kind == "code":
        return new_code_cell(cell.source, id=name)
    return new_markdown_cell(as_code_block(cell.source), id=name)


def verdict(mark: TaskResult) -> NotebookNode:
    points = f"{mark.points:g} of {mark.max_points:g} points"
    text = f"{points} ({STATES[mark.state]}). {mark.message}".strip()
    return new_output("stream", name="stdout", text=text + "\n")
