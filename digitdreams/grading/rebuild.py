"""From a submitted file to the cells that are run: source text only.

Metadata, tags, outputs and the name of the kernel are dropped. Cells are matched to
the exercise's by id. What the exercise locks is run as the exercise has it.
"""

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from digitdreams.grading.result import SubmittedCell

if TYPE_CHECKING:
    from digitdreams.grading.exercise import Exercise

BYTES = 20_000_000
BRACKETS = 400_000
CELLS = 1000
CHARACTERS = 1_000_000  # of all source text


class Refused(Exception):
    """The file is not a notebook that can be graded; the message says why."""


@dataclass(frozen=True)
class Cell:
    """One code cell that is run."""

    name: str
    source: str


@dataclass
class Rebuilt:
    """What is run, and what a person should know about it.

    Attributes:
        cells: in the order in which they are run; every name once.
        notes: sentences about missing, doubled and moved cells.
    """

    cells: list[Cell]
    notes: list[str] = field(default_factory=list)


def read(notebook: bytes) -> list[SubmittedCell]:
    """Read the cells of a notebook file.

    Raises:
        Refused: it is not a notebook of format 4, or it is too large.
    """
    try:
        return read_cells(notebook)
    except Refused:
        raise
    except Exception as error:  # whatever is wrong with it, the submission wrote it
        raise Refused(f"the file cannot be read ({type(error).__name__})") from None


def read_cells(notebook: bytes) -> list[SubmittedCell]:
    if len(notebook) > BYTES:
        raise Refused(
            f"the file has {len(notebook) / 1e6:.0f} MB, more than "
            f"{BYTES / 1e6:.0f}: clear the outputs and hand it in again"
        )
    if not notebook.strip():
        raise Refused("the file is empty")
    if notebook.count(b"{") + notebook.count(b"[") > BRACKETS:
        raise Refused("the file has too many parts to be a notebook")
    try:
        content = json.loads(notebook.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise Refused("the file is not UTF-8 text") from None
    except RecursionError:
        raise Refused("the file is nested too deeply to be a notebook") from None
    except ValueError as error:
        raise Refused(f"the file is not a notebook: {str(error)[:200]}") from None
    if not isinstance(content, dict):
        raise Refused("the file is JSON, but not a notebook")
    version = content.get("nbformat")
    if type(version) is not int or version != 4:
        raise Refused(
            f"the notebook has the format {str(version)[:20]!r}, not 4: save it with a "
            "current JupyterLab"
        )
    cells = content.get("cells")
    if not isinstance(cells, list):
        raise Refused("the notebook has no list of cells")
    if len(cells) > CELLS:
        raise Refused(f"the notebook has {len(cells)} cells, more than {CELLS}")
    found = [read_cell(cell, number) for number, cell in enumerate(cells, start=1)]
    if sum(len(cell.source) for cell in found) > CHARACTERS:
        raise Refused(f"the notebook has more than {CHARACTERS} characters of source")
    return found


def read_cell(cell: Any, number: int) -> SubmittedCell:
    if not isinstance(cell, dict):
        raise Refused(f"cell {number} is not a cell")
    source = cell.get("source", "")
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if not isinstance(source, str):
        raise Refused(f"cell {number} has no source text")
    name = cell.get("id")
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name):
        name = None
    return SubmittedCell(name, str(cell.get("cell_type"))[:20], source)


def defines(source: str, name: str) -> bool:
    """Whether a text seems to define a function of that name."""
    # A pattern, not a parser: the text is the student's.
    pattern = rf"^(async[ \t]+def|def|class)[ \t]+{re.escape(name)}\b|^{name}[ \t]*="
    return re.search(pattern, source, re.MULTILINE) is not None


def rebuild(notebook: bytes, exercise: "Exercise") -> Rebuilt:
    """Choose the cells that are run for an exercise.

    Raises:
        Refused: the file is not a notebook that can be graded.
    """
    submitted = read(notebook)
    known = {cell.name: cell for cell in exercise.cells}
    result = Rebuilt(cells=[])
    text = "\n".join(cell.source for cell in submitted if cell.kind == "code")
    used: set[str] = set()
    order = []
    for number, (name, kind, source) in enumerate(submitted, start=1):
        original = known.get(name) if name else None
        if kind != "code":
            if original is not None:
                result.notes.append(f"the cell {name} is not a code cell any more")
            continue
        if name is None or original is None or name in used:
            if original is not None:
                result.notes.append(f"the cell {name} is there more than once")
                if original.locked:
                    continue
            result.cells.append(Cell(f"own-{number}", source))
            continue
        used.add(name)
        order.append(name)
        if original.locked:
            if source.strip() != original.source.strip():
                result.notes.append(
                    f"the cell {name} was changed; the exercise's own was used"
                )
            source = original.source
        if not original.skipped:
            result.cells.append(Cell(name, source))
    for name in moved(order, [cell.name for cell in exercise.cells]):
        result.notes.append(f"the cell {name} was moved")
    add_missing(result, exercise, used, text)
    return result


def moved(order: list[str], right: list[str]) -> list[str]:
    """The fewest cells that explain a different order."""
    places = {name: place for place, name in enumerate(right)}
    best: list[list[str]] = []  # longest run in the right order that ends at each cell
    for name in order:
        before = [run for run in best if places[run[-1]] < places[name]]
        best.append([*longest(before), name])
    kept = set(longest(best))
    return [name for name in order if name not in kept]


def longest(runs: list[list[str]]) -> list[str]:
    return max(runs, key=len) if runs else []


def add_missing(
    result: Rebuilt, exercise: "Exercise", used: set[str], text: str
) -> None:
    """Put in what the exercise gives and the submission, whose code is given, lacks."""
    previous = None
    for original in exercise.cells:
        if original.name in used:
            if not original.skipped:
                previous = original.name
            continue
        if original.task:
            elsewhere = defines(text, original.task)
            where = "; its function was found in another cell" if elsewhere else ""
            result.notes.append(f"the cell {original.name} is missing{where}")
            continue
        result.notes.append(f"the cell {original.name} is missing")
        if original.skipped:
            continue
        result.notes[-1] += "; the exercise's own was used"
        places = [i for i, cell in enumerate(result.cells, 1) if cell.name == previous]
        place = places[0] if places else 0
        result.cells.insert(place, Cell(original.name, original.source))
        previous = original.name
