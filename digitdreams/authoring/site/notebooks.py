"""Lessons and exercises as pages: anchors, hints, links that lead somewhere."""

import copy
import json
import re
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

from digitdreams.course import Course, Lesson
from digitdreams.files import relative

ANCHOR = '<span class="cell-anchor" id="cell-{}"></span>'
SHOWN = ("image/gif", "image/png", "text/html", "text/markdown", "text/plain")
CHECKSUM = re.compile(r"\x1b\[[0-9;]*m")


def anchor(cell: str) -> str:
    """The id, in a page, of a notebook's cell."""
    return f"cell-{cell}"


def page_of_lesson(notebook: NotebookNode) -> NotebookNode:
    """A lesson whose every cell can be linked to, with nothing that a page cannot show.

    Links from outside name cells by their ids: `03_vae#cell-the-lower-bound`.
    """
    made = copy.deepcopy(notebook)
    cells: list[NotebookNode] = []
    for cell in made.cells:
        if cell.cell_type == "markdown":
            cell.source = marked(cell.source, cell.id)
        else:
            cell.outputs = [one for one in map(cleaned, cell.outputs) if one]
            cells.append(markdown(ANCHOR.format(cell.id), f"at-{cell.id}"))
        cells.append(cell)
    made.cells = cells
    return made


def marked(source: str, cell: str) -> str:
    """Text with its anchor: after a heading, which has to come first in a page."""
    first, _, rest = source.partition("\n")
    mark = ANCHOR.format(cell)
    if first.startswith("#"):
        return f"{first}\n\n{mark}\n\n{rest.lstrip()}"
    return f"{mark}\n\n{source}"


def cleaned(output: NotebookNode) -> NotebookNode | None:
    """An output without what only a notebook shows; None where nothing is left."""
    if "data" in output:
        output.data = {kind: output.data[kind] for kind in SHOWN if kind in output.data}
        pictures = pictures_of(output)
        if pictures:
            alt = described(output.data.get("text/plain", ""))
            output.data = NotebookNode({pictures[0]: output.data[pictures[0]]})
            output.metadata = NotebookNode({"alt": alt})
        if not output.data:
            return None
    elif output.output_type == "stream":
        output.text = last_states(output.text)
        if not output.text.strip():
            return None
    return output


def to_run(notebook: NotebookNode) -> NotebookNode:
    """A notebook for download: its pictures are on the page, and come when it runs."""
    made = copy.deepcopy(notebook)
    for cell in made.cells:
        if cell.cell_type == "code":
            cell.outputs = [one for one in cell.outputs if not pictures_of(one)]
    return made


def pictures_of(output: NotebookNode) -> list[str]:
    """The kinds of picture that an output holds."""
    return [kind for kind in output.get("data", ()) if kind.startswith("image/")]


def described(text: str) -> str:
    """What a figure of `digitdreams.plots` says of itself."""
    found = re.fullmatch(r"<(?:Figure|Animation): (.+)>", text.strip(), re.DOTALL)
    return found[1] if found else ""


def last_states(text: str) -> str:
    """A stream as a terminal leaves it: what a line was overwritten with."""
    lines = CHECKSUM.sub("", text).split("\n")
    return "\n".join(line.rstrip("\r").rsplit("\r", 1)[-1] for line in lines)


def page_of_exercise(
    notebook: NotebookNode,
    checks: Path,
    solution: NotebookNode | None,
) -> NotebookNode:
    """An exercise with its hints, folded, after each task.

    Args:
        notebook: the exercise as students get it.
        checks: its checks.json, which holds the hints.
        solution: the same with solutions, which are added folded; None adds none.
    """
    tasks: dict[str, Any] = json.loads(checks.read_text(encoding="utf-8"))["tasks"]
    solved = {} if solution is None else {one.id: one.source for one in solution.cells}
    made = page_of_lesson(notebook)
    cells: list[NotebookNode] = []
    for cell in made.cells:
        cells.append(cell)
        name = cell.id.removeprefix("check-")
        if cell.cell_type != "code" or name == cell.id or name not in tasks:
            continue
        hints = tasks[name]["hints"]
        for number, hint in enumerate(hints, start=1):
            title = f"Hint {number} of {len(hints)}"
            cells.append(markdown(folded(title, hint_text(hint)), f"{name}-{number}"))
        answer = solved.get(f"task-{name}")
        if answer:
            text = f"```python\n{answer.strip()}\n```"
            cells.append(markdown(folded("Solution", text), f"{name}-solution"))
    made.cells = cells
    return made


def hint_text(hint: str) -> str:
    """A hint, which is plain text and may be code, as Markdown."""
    return re.sub(r"([\\`*_$<>\[\]{}|#~])", r"\\\1", hint)


def folded(title: str, text: str, kind: str = "hint") -> str:
    """Markdown of a closed box; longer fences than any inside."""
    ticks = max((len(one) for one in re.findall(r"[`:]{3,}", text)), default=3) + 1
    fence = ":" * ticks
    return f"{fence}{{fold}} {title}\n:class: {kind}\n\n{text}\n{fence}"


def markdown(text: str, identity: str) -> NotebookNode:
    """A text cell; nbformat allows ids of at most 64 characters."""
    cell = new_markdown_cell(text)
    cell.id = re.sub(r"[^A-Za-z0-9_-]", "-", identity)[:64]
    return cell


class NotebookError(ValueError):
    """A notebook cannot be read; the message says how to renew it."""


def read(path: Path) -> NotebookNode:
    """A notebook of the course.

    Raises:
        NotebookError: it is damaged.
    """
    try:
        return nbformat.read(path, as_version=4)
    except ValueError as error:
        number = path.stem.partition("_")[0]
        raise NotebookError(
            f"{relative(path)} is no notebook ({error}): "
            f"`digitdreams notebooks {number} --force` builds it anew"
        ) from None


def files_of(lesson: Lesson, root: Path) -> dict[str, Path]:
    """The files of a lesson that are here: lesson, exercise, checks, solution."""
    stem = lesson.stem
    named = {
        "lesson": root / "lessons" / f"{stem}.ipynb",
        "exercise": root / "exercises" / stem / f"{stem}.ipynb",
        "checks": root / "exercises" / stem / "checks.json",
        "solution": root / "solutions" / stem / f"{stem}.ipynb",
    }
    return {name: path for name, path in named.items() if path.is_file()}


def present(course: Course, root: Path) -> frozenset[str]:
    """The lessons that have a notebook, such as `03_vae`."""
    found = (one.stem for one in course.lessons if "lesson" in files_of(one, root))
    return frozenset(found)
