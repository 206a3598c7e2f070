"""What grading knows of an exercise: its cells, its tasks, and what they are worth."""

import functools
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from digitdreams import course, tasks
from digitdreams.files import ROOT
from digitdreams.tasks import Task, Training

TRAINING = "training"


class ExerciseError(Exception):
    """The exercise cannot be graded as it is; the message says what to mend."""


@dataclass(frozen=True)
class ExerciseCell:
    """One code cell as it was handed out.

    Attributes:
        name: its id.
        source: its text.
        task: the name of the task whose blank it is, None for others.
        locked: whether a submission's change of it is ignored.
        skipped: whether it is left out (the check of a task: it decides nothing).
    """

    name: str
    source: str
    task: str | None = None
    locked: bool = False
    skipped: bool = False


@dataclass(frozen=True)
class Exercise:
    """An exercise as the author has it, references included.

    Attributes:
        stem: its name, such as `03_vae`.
        cells: the code cells as handed out.
        tasks: the specifications.
        training: how the training is measured, None without one.
        numbers: the contract of the training.
        checks: the content of checks.json, empty without one.
        fingerprint: changes whenever marks could change.
    """

    stem: str
    cells: tuple[ExerciseCell, ...]
    tasks: tuple[Task, ...]
    training: Training | None
    numbers: tuple[course.Number, ...]
    checks: str
    fingerprint: str

    @property
    def max_points(self) -> int:
        own = self.training.points if self.training else 0
        return sum(task.points for task in self.tasks) + own

    @classmethod
    def load(cls, stem: str, root: Path = ROOT) -> "Exercise":
        """Read `exercises/STEM` and `sources/tasks/STEM.py` below `root`.

        Raises:
            ExerciseError: a file is missing, or points have no specification.
        """
        return load(stem, Path(root))


@functools.lru_cache(maxsize=64)
def load(stem: str, root: Path) -> Exercise:
    folder = root / "exercises" / stem
    notebook = folder / f"{stem}.ipynb"
    specification = root / "sources" / "tasks" / f"{stem}.py"
    for path in (notebook, specification):
        if not path.is_file():
            raise ExerciseError(f"{path} does not exist")
    text = notebook.read_text(encoding="utf-8")
    module = tasks.load_module(stem, specification.parent)
    training = getattr(module, "TRAINING", None)
    names = {task.name for task in module.TASKS}
    cells = []
    for cell in json.loads(text)["cells"]:
        if cell["cell_type"] == "code":
            cells.append(read_cell(cell, names, training, notebook))
    numbers = contract(stem, root) if training else ()
    path = folder / "checks.json"
    checks = path.read_text(encoding="utf-8") if path.is_file() else ""
    parts = [stem, *(cell.name + "\0" + cell.source for cell in cells)]
    parts += [specification.read_text(encoding="utf-8"), repr(numbers), checks]
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()
    return Exercise(
        stem=stem,
        cells=tuple(cells),
        tasks=tuple(module.TASKS),
        training=training,
        numbers=numbers,
        checks=checks,
        fingerprint=digest[:16],
    )


def read_cell(cell: dict, names: set[str], training, path: Path) -> ExerciseCell:
    marks = cell.get("metadata", {}).get("nbgrader", {})
    grade_id = str(marks.get("grade_id", ""))
    checked = grade_id.removeprefix("check_") if marks.get("grade") else None
    if checked is not None and checked not in names:
        if checked != TRAINING or training is None:
            raise ExerciseError(
                f"{path.name}: the cell {cell['id']} is worth points, but the task "
                f"{checked!r} has no specification"
            )
        if training.points != marks["points"]:
            raise ExerciseError(
                f"{path.name}: the cell {cell['id']} is worth {marks['points']} "
                f"points, TRAINING {training.points}"
            )
    source = cell["source"]
    return ExerciseCell(
        name=cell["id"],
        source="".join(source) if isinstance(source, list) else source,
        task=grade_id if marks.get("solution") else None,
        locked=bool(marks.get("locked")),
        skipped=checked in names,
    )


def contract(stem: str, root: Path) -> tuple[course.Number, ...]:
    path = root / "course.toml"
    try:
        return course.load(path).find(stem).exercise_numbers
    except (OSError, course.UnknownLesson) as error:
        raise ExerciseError(f"{path}: {error}") from None
