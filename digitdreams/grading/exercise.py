"""What grading knows of an exercise: its cells, its tasks, and what they are worth."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from digitdreams import course, tasks
from digitdreams.files import ROOT
from digitdreams.grading.result import Part
from digitdreams.grading.view import View, ViewError, view_of
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
        checks: the name of the task that it checks, or "training".
        skipped: whether it is left out (the check of a task: it decides nothing).
    """

    name: str
    source: str
    task: str | None = None
    locked: bool = False
    checks: str | None = None
    skipped: bool = False

    @property
    def given(self) -> bool:
        """Whether it is there to be used as it is, though a student may change it."""
        return self.task is None and not self.locked and not self.skipped


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
        view: what its sandbox sees of the course.
    """

    stem: str
    cells: tuple[ExerciseCell, ...]
    tasks: tuple[Task, ...]
    training: Training | None
    numbers: tuple[course.Number, ...]
    checks: str
    view: View

    @property
    def parts(self) -> tuple[Part, ...]:
        """The tasks and the training, with what they are worth."""
        parts = [Part(task.name, task.points) for task in self.tasks]
        if self.training:
            parts.append(Part(TRAINING, self.training.points))
        return tuple(parts)

    @property
    def max_points(self) -> float:
        return sum(part.max_points for part in self.parts)

    @classmethod
    def load(cls, stem: str, root: Path = ROOT) -> "Exercise":
        """Read `exercises/STEM` and `sources/tasks/STEM.py` below `root`, as they are.

        Raises:
            ExerciseError: a file is missing, or points have no specification.
        """
        folder = root / "exercises" / stem
        notebook = folder / f"{stem}.ipynb"
        specification = root / "sources" / "tasks" / f"{stem}.py"
        for path in (notebook, specification):
            if not path.is_file():
                raise ExerciseError(f"{path} does not exist")
        module = tasks.load_module(stem, specification.parent)
        training = getattr(module, "TRAINING", None)
        specified = tasks.specified(module, Task)
        names = {task.name for task in specified}
        cells = [
            read_cell(cell, names, training, notebook)
            for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]
            if cell["cell_type"] == "code"
        ]
        try:
            view = view_of(notebook, training.probe if training else "", root)
        except ViewError as error:
            raise ExerciseError(f"{stem} cannot be graded: {error}") from None
        checks = folder / "checks.json"
        return cls(
            stem=stem,
            cells=tuple(cells),
            tasks=tuple(specified),
            training=training,
            numbers=contract(stem, root) if training else (),
            checks=checks.read_text(encoding="utf-8") if checks.is_file() else "",
            view=view,
        )


def read_cell(
    cell: dict[str, Any], names: set[str], training: Training | None, path: Path
) -> ExerciseCell:
    """Read one code cell of an exercise's notebook.

    Args:
        cell: as JSON has it.
        names: of the tasks that have a specification.
        training: of the exercise.
        path: of the notebook, for messages.

    Raises:
        ExerciseError: it is worth points that no specification gives.
    """
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
        checks=checked,
        skipped=checked in names,
    )


def contract(stem: str, root: Path) -> tuple[course.Number, ...]:
    """The numbers that an exercise's training has to reach.

    Raises:
        ExerciseError: course.toml cannot be read or does not know the exercise.
    """
    path = root / "course.toml"
    try:
        return course.load(path).find(stem).exercise_numbers
    except (OSError, course.UnknownLesson) as error:
        raise ExerciseError(f"{path}: {error}") from None
