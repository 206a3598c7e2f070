"""Run lessons as real notebooks, each in a fresh kernel, and record what they reach.

`run` executes notebooks one after the other, shows live progress, and keeps each
executed notebook together with `outcomes.json`: state, seconds, peak memory, and the
numbers that the notebook's `course.expect` published.
"""

import shutil
import tempfile
import time
from collections.abc import Iterable
from contextlib import nullcontext, suppress
from datetime import UTC, datetime
from pathlib import Path

import nbformat
from rich.console import Console

from digitdreams import files, machine, stamps
from digitdreams.authoring.display import Progress, show_progress
from digitdreams.authoring.kernel import Execution, one_line, read_notebook
from digitdreams.authoring.outcomes import (
    FOLDER,
    MISSED,
    PASSED,
    Outcome,
    finite,
    record,
)
from digitdreams.course import Lesson
from digitdreams.files import write_atomically
from digitdreams.stamps import Stamp, StampError

TIMEOUT = 600  # seconds a cell


def run(
    lessons: Iterable[Lesson],
    seed: int | None = None,
    exercise: bool = False,
    folder: Path = FOLDER,
    console: Console | None = None,
    timeout: float = TIMEOUT,
    root: Path | None = None,
    models: Path | None = None,
) -> list[Outcome]:
    """Execute lessons in order; a lesson that fails does not stop the others.

    Args:
        lessons: entries of `course.load().lessons`.
        seed: given to the notebooks as DIGITDREAMS_SEED; None leaves it as it is.
        exercise: run the exercises' solutions, in a scratch copy of their folders.
        folder: where executed notebooks and `outcomes.json` go; relative to `root`,
            or to the folder where work is written.
        console: where progress is shown; one plain line per event in a log file.
        timeout: seconds that one cell may take.
        root: the folder that holds `lessons/` and `solutions/`; the course's if None.
        models: where saved generators lie; as usual if None.

    Returns:
        One outcome per lesson, in order.

    Raises:
        KeyboardInterrupt: on Ctrl-C, after the kernel was shut down. Lessons that
            had finished are kept.
    """
    lessons = list(lessons)
    console = console or Console()
    folder = (root or files.base()) / folder
    root = root or files.home()
    folder.mkdir(parents=True, exist_ok=True)
    outcomes: list[Outcome] = []
    with show_progress(console, lessons, seed) as progress:
        for lesson in lessons:
            progress.start(lesson)
            try:
                outcome = run_one(
                    lesson, seed, exercise, folder, timeout, root, progress, models
                )
            except KeyboardInterrupt:
                progress.interrupt(lesson)
                raise
            record(outcome, folder)
            outcomes.append(outcome)
            progress.finish(lesson, outcome)
        progress.summarise(outcomes)
    return outcomes


def source_of(lesson: Lesson, exercise: bool, root: Path = files.ROOT) -> Path:
    """The notebook to run: the lesson, or its exercise with the solution."""
    return stamps.notebook_of("solutions" if exercise else "lessons", lesson, root)


def stamp_of(lesson: Lesson, exercise: bool, root: Path = files.ROOT) -> Stamp:
    """What the numbers of a notebook are made from.

    Raises:
        StampError: a file is missing, or the notebook is older than its source.
    """
    kind = "solutions" if exercise else "lessons"
    if not stamps.is_built(kind, lesson, root):
        raise StampError(
            f"{source_of(lesson, exercise, root)} has other code than its source: "
            f"type `digitdreams notebooks {lesson.id}`"
        )
    return (stamps.of_solution if exercise else stamps.of_lesson)(lesson, root)


def run_one(
    lesson: Lesson,
    seed: int | None,
    exercise: bool,
    folder: Path,
    timeout: float,
    root: Path,
    progress: Progress,
    models: Path | None = None,
) -> Outcome:
    """Execute one notebook and keep it in `folder`, whatever becomes of it."""
    source = source_of(lesson, exercise, root)
    outcome = Outcome(
        lesson.id, lesson.stem, exercise, seed=seed, machine=machine.describe()
    )
    began = time.monotonic()
    try:
        notebook = read_notebook(source)
    except (OSError, ValueError) as error:
        outcome.reason = one_line(error)
        (folder / outcome.file_name).unlink(missing_ok=True)
    else:
        with suppress(StampError):
            outcome.stamp = stamp_of(lesson, exercise, root).digest()
        execution = Execution(notebook, seed, timeout, progress, models)
        with (
            ScratchCopy(source.parent) if exercise else nullcontext(source.parent) as at
        ):
            execution.run(Path(at))
        settle(outcome, execution, lesson)
        outcome.path = folder / outcome.file_name
        write_atomically(outcome.path, nbformat.writes(notebook))
    outcome.seconds = round(time.monotonic() - began, 1)
    outcome.finished = datetime.now(UTC).isoformat(timespec="seconds")
    return outcome


class ScratchCopy(tempfile.TemporaryDirectory[str]):
    """A copy of a folder that lasts for the length of a `with` block."""

    def __init__(self, folder: Path):
        super().__init__(prefix="digitdreams-", ignore_cleanup_errors=True)
        self.folder = folder

    def __enter__(self) -> str:
        copy = Path(self.name) / self.folder.name
        return str(shutil.copytree(self.folder, copy))


def settle(outcome: Outcome, execution: Execution, lesson: Lesson) -> None:
    """Turn what an execution left into the outcome's state, reason and numbers."""
    contract = execution.contract
    outcome.numbers = [finite(number) for number in contract.get("numbers", [])]
    outcome.peak_memory_mb = round(execution.peak_memory / 1e6, 1)
    expected = lesson.exercise_numbers if outcome.exercise else lesson.numbers
    missing = {one.name for one in expected} - {one["name"] for one in outcome.numbers}
    if execution.failure is not None:
        outcome.state, outcome.reason = execution.failure
    elif contract and contract["lesson"] != lesson.id:
        outcome.reason = f"the notebook calls itself lesson {contract['lesson']}"
    elif contract and outcome.seed not in (None, contract["seed"]):
        outcome.reason = (
            f"the notebook used seed {contract['seed']} where {outcome.seed} was asked"
        )
    elif missing:
        outcome.reason = "the notebook ended without giving course.expect " + ", ".join(
            sorted(missing)
        )
    elif not all(number["passed"] for number in outcome.numbers):
        outcome.state, outcome.reason = MISSED, "a bar was missed"
    else:
        outcome.state = PASSED
    if contract:
        outcome.seed = contract["seed"]
