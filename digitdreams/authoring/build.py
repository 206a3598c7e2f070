"""Build the notebooks from their text sources.

Lessons are executed. Solutions get nbgrader's metadata and their checks.json;
nbgrader itself then makes the exercises. A stamp in each notebook's metadata says from
what it was made, so that only what changed is built again.
"""

import copy
import functools
import logging
import re
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

from digitdreams import generators, machine, stamps, tasks
from digitdreams.authoring import figures
from digitdreams.authoring.kernel import (
    OwnKernelManager,
    drop_remarks,
    environment,
)
from digitdreams.checks import FILE_NAME as CHECKS
from digitdreams.course import Lesson
from digitdreams.course import load as load_course
from digitdreams.files import ROOT, write_atomically
from digitdreams.stamps import Stamp, StampError

SOURCES = ROOT / "sources"
LESSONS = ROOT / "lessons"
SOLUTIONS = ROOT / "solutions"
EXERCISES = ROOT / "exercises"
FAILED = ROOT / "build" / "failed"
LARGEST = 700_000  # bytes of a notebook file: git keeps every version
CELL_SECONDS = 600
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}


class BuildError(Exception):
    """A notebook cannot be built; the message says which and why."""


# From text to notebook --------------------------------------------------------------


def slug(heading: str) -> str:
    """The words of a heading, fit for a cell id."""
    words = re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-")
    return words[:40].rstrip("-") or "cell"


def name_cells(notebook: NotebookNode) -> None:
    """Give each cell an id that follows from its section and its place there.

    A Markdown cell with several headings is named by the first if it starts with it;
    the cells after it belong to the section of the last.
    """
    section = "top"
    seen: dict[str, int] = {}
    for cell in notebook.cells:
        name = section
        if cell.cell_type == "markdown":
            text = re.sub(r"^```.*?^```", "", cell.source, flags=re.M | re.S)
            headings = re.findall(r"^#+\s+(.+)", text, re.M)
            if headings:
                section = slug(headings[-1])
                if text.startswith("#"):
                    name = slug(headings[0])
        for key in ("task", "check"):
            if key in cell.metadata:
                name = f"{key}-{cell.metadata[key]}"
        seen[name] = seen.get(name, 0) + 1
        cell.id = name if seen[name] == 1 else f"{name}-{seen[name]}"


def read_source(path: Path) -> NotebookNode:
    """Turn a jupytext percent file into a notebook with stable cell ids."""
    if not path.exists():
        raise BuildError(f"{path.relative_to(ROOT)} does not exist")
    notebook = jupytext.reads(path.read_text(encoding="utf-8"), fmt="py:percent")
    notebook.metadata = NotebookNode(
        kernelspec=NotebookNode(KERNEL), language_info=NotebookNode(name="python")
    )
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    for cell in notebook.cells:
        cell.metadata.pop("lines_to_next_cell", None)  # jupytext's own bookkeeping
    name_cells(notebook)
    return notebook


def mark_for_nbgrader(notebook: NotebookNode, points: dict[str, int]) -> None:
    """Turn the markers `task=` and `check=` into nbgrader's metadata.

    Args:
        notebook: changed in place.
        points: what each task is worth; a check that is not a task's states its
            own (`check="training" points=4`).
    """
    for cell in notebook.cells:
        task = cell.metadata.pop("task", None)
        checked = cell.metadata.pop("check", None)
        own_points = cell.metadata.pop("points", None)
        if task is None and checked is None:
            continue
        if task is not None and task not in points:
            raise BuildError(f"cell {cell.id}: no specification of task {task!r}")
        worth = points.get(checked, own_points)
        if checked is not None and worth is None:
            raise BuildError(f"cell {cell.id}: say how many points= it is worth")
        marks = NotebookNode(
            schema_version=3,
            grade_id=task or f"check_{checked}",
            cell_type="code",
            grade=checked is not None,
            solution=task is not None,
            locked=checked is not None,
            task=False,
        )
        if checked is not None:
            marks.points = int(worth)
        cell.metadata.nbgrader = marks


def save(notebook: NotebookNode, path: Path) -> None:
    """Write a notebook with its figures in few bytes.

    Raises:
        BuildError: it is larger than `LARGEST`.
    """
    figures.shrink(notebook)
    nbformat.validate(notebook)
    text = nbformat.writes(notebook, version=4).rstrip("\n") + "\n"
    if len(text.encode()) > LARGEST:
        raise BuildError(
            f"{path.name} would have {len(text.encode()) / 1e6:.2f} MB: use fewer or "
            f"smaller figures, the limit is {LARGEST / 1e6} MB"
        )
    write_atomically(path, text)


# Lessons ------------------------------------------------------------------------------


def lesson_notebook(lesson: Lesson) -> NotebookNode:
    """The lesson as its source says, not executed."""
    notebook = read_source(SOURCES / "lessons" / f"{lesson.stem}.py")
    set_stamp(notebook, stamps.of_lesson(lesson))
    return notebook


def set_stamp(notebook: NotebookNode, stamp: Stamp) -> None:
    notebook.metadata.digitdreams = nbformat.from_dict({"stamp": stamp.as_data()})


def is_current(notebook: NotebookNode, *paths: Path) -> bool:
    """Whether files were made from what this notebook is made from."""
    stamp = Stamp.from_data(notebook.metadata.digitdreams.stamp)
    with suppress(StampError):  # a file that is damaged or has gone is made anew
        return all(stamps.recorded_in(path) == stamp for path in paths)
    return False


def execute(notebook: NotebookNode, folder: Path) -> None:
    """Run a notebook in a fresh kernel of this Python, in place."""
    metadata = copy.deepcopy(notebook.metadata)
    client = NotebookClient(
        notebook,
        timeout=CELL_SECONDS,
        kernel_manager_class=OwnKernelManager,
        record_timing=False,
        extra_arguments=["--IPKernelApp.log_level=ERROR"],  # it warns of plain TCP
        resources={"metadata": {"path": str(folder)}},
    )
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as settings:
        client.execute(env={**environment(settings), "DIGITDREAMS_SEED": ""})
    drop_remarks(notebook)
    notebook.metadata = metadata  # without what the kernel adds about itself


def build_lesson(lesson: Lesson, force: bool = False) -> bool:
    """Execute the lesson and write it to `lessons/`; tell whether it was needed.

    Generators that it needs are made first where the saved ones do not count. Where
    no more than text between the cells of code changed, their outputs stand.

    Raises:
        BuildError: a notebook failed or is too large.
        StampError: a file that it is made from is missing.
    """
    target = LESSONS / f"{lesson.stem}.ipynb"
    notebook = lesson_notebook(lesson)
    if not force and is_current(notebook, target):
        return False
    if force or not outputs_stand(notebook, target):
        provide(lesson)
        executed(notebook, target.name)
    save(notebook, target)
    return True


def outputs_stand(notebook: NotebookNode, target: Path) -> bool:
    """Take over outputs of the notebook in `target`, if only its text differs."""
    with suppress(StampError):
        recorded = stamps.recorded_in(target)
        stamp = Stamp.from_data(notebook.metadata.digitdreams.stamp)
        if stamp is None or stamp.changes(recorded, display=True) != ["text"]:
            return False
        found = nbformat.read(target, as_version=4)
        cells, executed_cells = (
            [cell for cell in one.cells if cell.cell_type == "code"]
            for one in (notebook, found)
        )
        if [cell.source for cell in cells] != [cell.source for cell in executed_cells]:
            return False
        for cell, made in zip(cells, executed_cells, strict=True):
            cell.outputs, cell.execution_count = made.outputs, made.execution_count
        return True
    return False


def provide(lesson: Lesson) -> None:
    """Make the generators that a lesson needs, where the saved ones do not count.

    What counts was saved by the unchanged lesson with the course's seed.

    Raises:
        BuildError: a lesson that makes one failed, or saved none.
    """
    course = load_course()
    for giver in (course.find(one) for one in lesson.needs):
        if generators.is_the_course_s(giver, course.seed):
            continue
        provide(giver)
        executed(lesson_notebook(giver), f"{giver.stem}.ipynb")
        if not generators.is_the_course_s(giver, course.seed):
            raise BuildError(
                f"lesson {lesson.id} needs the generator of lesson {giver.id}, which "
                "has run and saved none that counts: does it call models.save, and "
                "does the package stay as it is while it runs?"
            )


def executed(notebook: NotebookNode, name: str) -> None:
    """Run a lesson in place; keep what there is of one that fails.

    Raises:
        BuildError: one line that says how it failed and where it is kept.
    """
    LESSONS.mkdir(exist_ok=True)
    try:
        execute(notebook, LESSONS)
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        kept = FAILED / name
        kept.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, kept)
        raise BuildError(
            f"{name} failed, see {kept.relative_to(ROOT)}: "
            f"{str(error).strip().splitlines()[-1]}"
        ) from error


# Solutions and exercises ------------------------------------------------------------


def solution_notebook(lesson: Lesson) -> NotebookNode:
    """The solution with nbgrader's metadata, not executed."""
    notebook = read_source(SOURCES / "solutions" / f"{lesson.stem}.py")
    points = {task.name: task.points for task in tasks.load(lesson.stem)}
    mark_for_nbgrader(notebook, points)
    set_stamp(notebook, stamps.of_exercise(lesson))
    return notebook


@functools.cache
def scratch() -> tempfile.TemporaryDirectory[str]:
    """A folder for nbgrader's gradebook, which takes seconds to make: once a process.

    It goes when the process ends.
    """
    return tempfile.TemporaryDirectory()


def generate_exercise(stem: str, folder: Path) -> None:
    """Let nbgrader make `folder/exercises/<stem>` from `folder/solutions/<stem>`."""
    machine.programs_on_path()
    from nbgrader.apps import NbGraderAPI
    from traitlets.config import Config
    from traitlets.config.loader import PyFileConfigLoader

    config = Config(PyFileConfigLoader("nbgrader_config.py", str(ROOT)).load_config())
    config.CourseDirectory.root = str(folder)
    config.CourseDirectory.db_url = f"sqlite:///{scratch().name}/gradebook.db"
    api = NbGraderAPI(config=config)
    api.log.setLevel(logging.WARNING)
    result = api.generate_assignment(stem, force=True, create=True)
    if not result["success"]:
        raise BuildError(f"nbgrader could not make {stem}:\n{result['log']}")


def build_exercise(lesson: Lesson, force: bool = False, root: Path = ROOT) -> bool:
    """Write the solution and its exercise below `root`; tell whether it was needed."""
    notebook = solution_notebook(lesson)
    name = Path(lesson.stem) / f"{lesson.stem}.ipynb"
    solution, exercise = root / "solutions" / name, root / "exercises" / name
    if not force and is_current(notebook, solution, exercise):
        return False
    if solution.parent.exists():
        shutil.rmtree(solution.parent)
    save(notebook, solution)
    tasks.write(tasks.load(lesson.stem), solution.parent / CHECKS)
    generate_exercise(lesson.stem, root)
    return True
