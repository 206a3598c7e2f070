"""Files of saved generators, and whether they count.

A lesson that `saves` a generator (course.toml) keeps it as `build/models/NN.keras`; one
that saves a list of them, each as `NN_name.keras`. The file says inside what it was
made from: it counts only while that is what its lesson and the course are made from
today. `digitdreams.models` saves and loads; nothing here needs TensorFlow.
"""

import json
import re
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

from digitdreams import course, stamps, tracing
from digitdreams.course import Lesson
from digitdreams.files import ROOT, base, named_folder
from digitdreams.stamps import Stamp

MEMBER = "digitdreams.json"  # beside Keras's own members of the file


@dataclass(frozen=True)
class Record:
    """What a file says of its making.

    `seed` is the run's, None outside a lesson; `own_code` tells that the notebook's
    code was not, or not in this order, the lesson's.
    """

    stamp: Stamp
    seed: int | None
    own_code: bool


def folder() -> Path:
    """Where generators are kept: DIGITDREAMS_MODELS where it is set."""
    return named_folder("DIGITDREAMS_MODELS") or base() / "build" / "models"


def path(lesson: str) -> Path:
    """Where the generator of a lesson that saves one, such as "05", is kept."""
    return folder() / f"{lesson}.keras"


def paths(lesson: Lesson, at: Path | None = None) -> dict[str, Path]:
    """Name -> file of each generator that a lesson saves, in course.toml's order.

    `at` is the folder where they lie, by default that of `path`. A file need not exist.
    """
    at = at or folder()
    if lesson.saves:
        return {lesson.saves: at / f"{lesson.id}.keras"}
    return {
        one.name: at / f"{lesson.id}_{in_file_name(one.name)}.keras"
        for one in lesson.generators
    }


def in_file_name(name: str) -> str:
    """`VQ-GPT` as `vq_gpt`."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def attach(file: Path, lesson: Lesson) -> None:
    """Write into a .keras file what it is made from, in the running notebook.

    Raises:
        StampError: a file of the course is missing.
    """
    running = course.running()
    content = {
        "lesson": lesson.id,
        "seed": running.seed if running else None,
        "own_code": not runs_as_written(lesson),
        "stamp": stamps.of_lesson(lesson).as_data(),
    }
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(MEMBER, json.dumps(content))


def record(file: Path) -> Record | None:
    """What a file says of its making; None if it says nothing."""
    try:
        with zipfile.ZipFile(file) as archive:
            content = json.loads(archive.read(MEMBER))
        stamp = Stamp.from_data(content["stamp"])
        seed, own_code = content["seed"], bool(content["own_code"])
    except (OSError, KeyError, ValueError, zipfile.BadZipFile):
        return None
    return Record(stamp, seed, own_code) if stamp else None


def changes(lesson: Lesson, root: Path = ROOT) -> list[str]:
    """Why the saved files do not count, part by part; empty if they do.

    Raises:
        FileNotFoundError: one is not saved.
        StampError: a file of the course is missing.
    """
    now = stamps.of_lesson(lesson, root)
    found: dict[str, None] = {}
    for name, file in paths(lesson).items():
        if not file.is_file():
            raise FileNotFoundError(f"lesson {lesson.id} has saved no {name} in {file}")
        kept = record(file)
        found.update(dict.fromkeys(now.changes(kept.stamp if kept else None)))
    return list(found)


def is_the_course_s(lesson: Lesson, seed: int, root: Path = ROOT) -> bool:
    """Whether the saved files are what the unchanged lesson makes with this seed."""
    kept = [record(file) for file in paths(lesson).values()]
    return all(
        one is not None and (one.seed, one.own_code) == (seed, False) for one in kept
    ) and not changes(lesson, root)


def runs_as_written(lesson: Lesson, root: Path = ROOT) -> bool:
    """Whether this notebook has run the lesson's code so far, each cell once in order.

    False outside IPython, and where the package in memory is older than its files.
    """
    shell = sys.modules.get("IPython")
    running = shell.get_ipython() if shell else None
    if running is None or stamps.changed_since_start():
        return False
    try:
        executed = tracing.cut("\n".join(running.user_ns.get("In", [])))
    except SyntaxError:
        return False
    written = tracing.read(root / stamps.source_of("lessons", lesson, root))
    return executed.units == written.units[: len(executed.units)] != ()
