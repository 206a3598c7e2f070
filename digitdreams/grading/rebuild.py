"""From a submitted file to the cells that are run: source text only.

Metadata, tags, outputs and the name of the kernel are dropped. Cells are matched to
the exercise's by id and, where a program gave them other ids or none, by their text.
What the exercise locks is run as the exercise has it.
"""

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from digitdreams.grading.result import SubmittedCell

if TYPE_CHECKING:
    from digitdreams.grading.exercise import Exercise, ExerciseCell

BYTES = 20_000_000
BRACKETS = 400_000
CELLS = 1000
CHARACTERS = 1_000_000  # of all source text


class Refused(Exception):
    """The file is not a notebook that can be graded; the message says why."""


@dataclass(frozen=True)
class Cell:
    """One code cell that is run.

    Attributes:
        name: its id where it is one of the exercise's.
        source: its text.
        own: the exercise's text, where it gave this cell and the submission changed it.
    """

    name: str
    source: str
    own: str | None = None


@dataclass
class Rebuilt:
    """What is run, and what a person should know about it.

    Attributes:
        cells: in the order in which they are run; every name once.
        after: the cells after which a task (or "training") can be asked, by its name.
        notes: sentences about missing, doubled and moved cells.
    """

    cells: list[Cell]
    after: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def ask_here(self, task: str) -> None:
        """Let a task be asked after the last cell so far."""
        if self.cells:
            places = self.after.setdefault(task, [])
            if self.cells[-1].name not in places:
                places.append(self.cells[-1].name)


def read(notebook: bytes) -> list[SubmittedCell]:
    """Read the cells of a notebook file.

    Raises:
        Refused: it is not a notebook of format 3 or 4, or it is too large.
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
    if type(version) is not int or version not in (3, 4):
        raise Refused(
            f"the notebook has the format {str(version)[:20]!r}, not 4: save it with a "
            "current JupyterLab"
        )
    cells = cells_of_sheets(content) if version == 3 else content.get("cells")
    if not isinstance(cells, list):
        raise Refused("the notebook has no list of cells")
    if len(cells) > CELLS:
        raise Refused(f"the notebook has {len(cells)} cells, more than {CELLS}")
    found = [read_cell(cell, number) for number, cell in enumerate(cells, start=1)]
    if sum(len(cell.source) for cell in found) > CHARACTERS:
        raise Refused(f"the notebook has more than {CHARACTERS} characters of source")
    return found


def cells_of_sheets(content: dict[str, Any]) -> list[Any] | None:
    """The cells of format 3, which kept them in sheets."""
    sheets = content.get("worksheets")
    if not isinstance(sheets, list):
        return None
    found: list[Any] = []
    for sheet in sheets:
        cells = sheet.get("cells") if isinstance(sheet, dict) else None
        if not isinstance(cells, list):
            return None
        found += cells
    return found


def read_cell(cell: Any, number: int) -> SubmittedCell:
    if not isinstance(cell, dict):
        raise Refused(f"cell {number} is not a cell")
    source = cell.get("source", cell.get("input", ""))  # "input" in format 3
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if not isinstance(source, str):
        raise Refused(f"cell {number} has no source text")
    source = source.replace("\r\n", "\n").replace("\r", "\n")
    name = cell.get("id")
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name):
        name = None
    return SubmittedCell(name, str(cell.get("cell_type"))[:20], source)


def defines(source: str, name: str) -> bool:
    """Whether a text seems to define a function of that name."""
    # A pattern, not a parser: the text is the student's.
    pattern = rf"^(async[ \t]+def|def|class)[ \t]+{re.escape(name)}\b|^{name}[ \t]*="
    return re.search(pattern, source, re.MULTILINE) is not None


def lines_of(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip().splitlines()]


def submitted(notebook: bytes, exercise: "Exercise") -> list[SubmittedCell]:
    """Read the cells of a notebook file, those of the exercise with their ids.

    Raises:
        Refused: it is not a notebook that can be graded.
    """
    cells = read(notebook)
    known = {cell.name for cell in exercise.cells}
    present = {cell.name for cell in cells}
    free = {
        place: lines_of(cell.source)
        for place, cell in enumerate(cells)
        if cell.kind == "code" and cell.name not in known and cell.source.strip()
    }
    missing = [cell for cell in exercise.cells if cell.name not in present]
    for likeness in (same, same_function, same_check, alike):
        for original in [*missing]:
            places = [place for place in free if likeness(original, free[place])]
            if places:
                # Of several functions of one name the last one is what remains.
                place = places[-1 if likeness is same_function else 0]
                cells[place] = cells[place]._replace(name=original.name)
                del free[place]
                missing.remove(original)
    return cells


def same(original: "ExerciseCell", lines: list[str]) -> bool:
    return lines == lines_of(original.source)


def same_function(original: "ExerciseCell", lines: list[str]) -> bool:
    return bool(original.task) and defines("\n".join(lines), str(original.task))


def same_check(original: "ExerciseCell", lines: list[str]) -> bool:
    return original.skipped and f"check({original.checks})" in lines


def alike(original: "ExerciseCell", lines: list[str]) -> bool:
    """Whether most of a given cell's lines are there, as after a change."""
    wanted = {line for line in lines_of(original.source) if line}
    common = wanted & {*lines}
    return original.task is None and 2 * len(common) > len(wanted)


def rebuild(notebook: bytes, exercise: "Exercise") -> Rebuilt:
    """Choose the cells that are run for an exercise.

    Raises:
        Refused: the file is not a notebook that can be graded.
    """
    cells = submitted(notebook, exercise)
    known = {cell.name: cell for cell in exercise.cells}
    result = Rebuilt(cells=[])
    text = "\n".join(cell.source for cell in cells if cell.kind == "code")
    used: set[str] = set()
    order = []
    for number, (name, kind, source) in enumerate(cells, start=1):
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
        add_known(result, original, source, number)
    for name in moved(order, [cell.name for cell in exercise.cells]):
        result.notes.append(f"the cell {name} was moved")
    add_missing(result, exercise, used, text)
    return result


def add_known(
    result: Rebuilt, original: "ExerciseCell", source: str, number: int
) -> None:
    """Put in one of the exercise's cells, as the submission has it where it may."""
    name = original.name
    changed = lines_of(source) != lines_of(original.source)
    before = after = ""
    if original.locked and changed:
        note = f"the cell {name} was changed; the exercise's own was used"
        before, after = around(source, original.source)
        if before or after:
            note += ", and what was written around it"
        result.notes.append(note)
    if before:
        result.cells.append(Cell(f"own-{number}-before", before))
    if original.locked:
        source = original.source
    if not original.skipped:
        own = original.source if original.given and changed else None
        result.cells.append(Cell(name, source, own))
    if original.task or original.checks:
        result.ask_here(str(original.task or original.checks))
    if after:
        result.cells.append(Cell(f"own-{number}-after", after))


def around(source: str, original: str) -> tuple[str, str]:
    """What was written before and after the text of a locked cell."""
    lines, wanted = lines_of(source), lines_of(original)
    for place in range(len(lines) - len(wanted) + 1):
        if lines[place : place + len(wanted)] == wanted:
            before, after = lines[:place], lines[place + len(wanted) :]
            return "\n".join(before).strip("\n"), "\n".join(after).strip("\n")
    return "", ""


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
        if original.checks:
            result.after.setdefault(original.checks, []).append(original.name)
        previous = original.name
