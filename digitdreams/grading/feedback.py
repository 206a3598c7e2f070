"""What students and formgrader are shown of a submission.

Everything that a student wrote or printed is shown as text: the pages are made by
Jinja with escaping on, and a security policy in them forbids scripts.
"""

from functools import cache
from pathlib import Path

import nbformat
from jinja2 import Environment, PackageLoader, StrictUndefined
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from digitdreams.grading.book import CHECK, Entry

STATES = {
    "graded": "graded",
    "timeout": "stopped: it needed more time than allowed",
    "memory": "stopped: it needed more memory than allowed",
    "crashed": "it crashed the Python that ran it",
    "refused": "it could not be used",
    "missing": "it is missing",
    "infrastructure": "not graded yet",
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


def page(name: str, **values) -> str:
    """Fill in one of our templates."""
    return environment().get_template(f"{name}.html").render(**values)


def student_page(title: str, entry: Entry) -> str:
    """One student's feedback as a HTML page.

    Args:
        title: of the exercise.
        entry: the student's line of the gradebook; a person's points and comments
            come before the grader's.
    """
    result = entry.result or {"state": "graded", "tasks": [], "notes": [], "output": ""}
    found = {one["name"]: one for one in result["tasks"]}
    tasks = []
    for name, most in entry.most.items():
        mark = found.get(name, {"points": 0.0, "state": "graded", "message": ""})
        tasks.append(
            {
                "name": name,
                "points": entry.scores[name],
                "most": most,
                "state": mark["state"],
                "message": mark["message"],
                "comment": entry.comments.get(name, ""),
                "by_person": entry.scores[name] != mark["points"],
            }
        )
    return page(
        "feedback",
        title=title,
        entry=entry,
        result=result,
        tasks=tasks,
        output=result["output"][:LONGEST_OUTPUT],
    )


def write_if_changed(path: Path, text: str) -> bool:
    """Write a file whole or not at all; tell whether it differed."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
    return True


# For formgrader -----------------------------------------------------------------------


def as_code_block(text: str) -> str:
    """A student's prose such that Markdown shows it as it was typed."""
    return "\n".join(f"    {line}" for line in text.splitlines())


def graded_notebook(
    exercise: NotebookNode, written: list[dict], result: dict
) -> NotebookNode:
    """The submission as formgrader and `nbgrader generate_feedback` show it.

    It is built from the exercise: of the student's file only source text comes in,
    and no output that a browser would interpret.

    Args:
        exercise: the exercise as it was released.
        written: the student's cells, `{"id", "kind", "source"}` in their order.
        result: see `grading.marking.Result`.
    """
    sources = {}
    for one in written:
        sources.setdefault(one["id"], one)
    found = {one["name"]: one for one in result["tasks"]}
    notebook = nbformat.from_dict(exercise)
    cells, last_known = [], None
    extra: dict[str | None, list[NotebookNode]] = {}
    known = {cell.id for cell in exercise.cells}
    for one in written:
        if one["id"] in known:
            last_known = one["id"]
        else:
            number = sum(len(those) for those in extra.values())
            extra.setdefault(last_known, []).append(extra_cell(one, number))
    cells.extend(extra.get(None, []))
    for cell in exercise.cells:
        cell = nbformat.from_dict(cell)
        theirs = sources.get(cell.id)
        marks = cell.metadata.get("nbgrader", {})
        if cell.cell_type == "code":
            cell.outputs = []
            if theirs is not None and not marks.get("locked"):
                cell.source = theirs["source"]
            name = marks.get("grade_id", "").removeprefix(CHECK)
            if marks.get("grade") and name in found:
                cell.outputs = [verdict(found[name])]
        cells.append(cell)
        cells.extend(extra.get(cell.id, []))
    if result["output"]:
        cells.append(
            new_markdown_cell("What the notebook printed:", id="student-output")
        )
        shown = as_code_block(result["output"][:LONGEST_OUTPUT])
        cells.append(new_markdown_cell(shown, id="student-output-text"))
    notebook.cells = cells
    return notebook


def extra_cell(one: dict, number: int) -> NotebookNode:
    """A cell that the student added."""
    if one["kind"] == "code":
        return new_code_cell(one["source"], id=f"student-extra-{number}")
    return new_markdown_cell(as_code_block(one["source"]), id=f"student-extra-{number}")


def verdict(mark: dict) -> NotebookNode:
    points = f"{mark['points']:g} of {mark['max_points']:g} points"
    text = f"{points} ({STATES[mark['state']]}). {mark['message']}".strip()
    return new_output("stream", name="stdout", text=text + "\n")
