"""The bundle that students get: the exercise and its checks, without its solution.

A complete bundle ships the whole package besides. Its shared models and metrics compute
what some exercises ask for; only the grader's sandbox hides them (`grading.view`).
"""

import json
import shutil
from pathlib import Path
from typing import Any

from digitdreams.checks import FILE_NAME as CHECKS
from digitdreams.course import Lesson
from digitdreams.files import ROOT

# What `--complete` adds, so that the folder works where there is nothing else. The
# course's sources, solutions and content hold answers, and its tests do, too.
COURSE_FILES = (
    "course.toml",
    "Makefile",
    "environment.yml",
    "pyproject.toml",
    "requirements.lock",
    "requirements-student.lock",
    "tools/wheel.py",  # pyproject.toml names it
    "README.md",
    "LICENSE",
    "LICENSE-TEXT",
)
FOLDERS = ("digitdreams", "data")


class ReleaseError(Exception):
    """An exercise cannot be released; the message says why."""


def solution_texts(source: str) -> list[str]:
    """What stands between the markers of solutions in one cell."""
    texts = []
    inside: list[str] | None = None
    for line in source.splitlines():
        if "### BEGIN SOLUTION" in line:
            inside = []
        elif "### END SOLUTION" in line and inside is not None:
            texts.append("\n".join(inside).strip())
            inside = None
        elif inside is not None:
            inside.append(line)
    return [text for text in texts if text]


def read(path: Path) -> tuple[dict[str, str], Any]:
    """The source of each cell by id, and the stamp of when it was built."""
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        cells = {cell["id"]: "".join(cell["source"]) for cell in notebook["cells"]}
        stamp = notebook["metadata"].get("digitdreams", {}).get("stamp")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ReleaseError(
            f"{path} cannot be read ({error}): build it with `digitdreams notebooks`"
        ) from None
    return cells, stamp


def examine(stem: str, root: Path) -> None:
    """Make sure that an exercise is of today and holds no solution.

    Raises:
        ReleaseError: it does not.
    """
    exercise, stamp = read(root / "exercises" / stem / f"{stem}.ipynb")
    solution, wanted = read(root / "solutions" / stem / f"{stem}.ipynb")
    if stamp != wanted:
        raise ReleaseError(
            f"The exercise {stem} is older than its solution: build it anew with "
            f"`digitdreams notebooks {stem[:2]}`"
        )
    for name, source in exercise.items():
        solved = solution_texts(solution.get(name, ""))
        for text in ("### BEGIN SOLUTION", "### BEGIN HIDDEN", *solved):
            if text in source:
                raise ReleaseError(f"{stem} shows its solution in the cell {name}")
    try:
        checks = root / "exercises" / stem / CHECKS
        json.loads(checks.read_text(encoding="utf-8"))["tasks"]
    except (OSError, ValueError, KeyError) as error:
        raise ReleaseError(f"{CHECKS} of {stem} cannot be read: {error}") from None


def release(lesson: Lesson, to: Path, root: Path = ROOT) -> Path:
    """Copy an exercise for students to `to/STEM`; return that folder.

    Files of the same names there are replaced, others stay.

    Raises:
        ReleaseError: the exercise is out of date, shows its solution or is missing.
    """
    examine(lesson.stem, root)
    target = to / lesson.stem
    target.mkdir(parents=True, exist_ok=True)
    for name in (f"{lesson.stem}.ipynb", CHECKS):
        shutil.copyfile(root / "exercises" / lesson.stem / name, target / name)
    return target


def release_course(to: Path, root: Path = ROOT) -> None:
    """Add the package and the data, so that the bundle works by itself.

    Neither lessons nor interview questions are among it: the commands that need them
    say so.
    """
    for pattern in COURSE_FILES:
        for path in sorted(root.glob(pattern)):
            target = to / path.relative_to(root)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    for name in FOLDERS:
        shutil.copytree(
            root / name,
            to / name,
            ignore=shutil.ignore_patterns("__pycache__"),
            dirs_exist_ok=True,
        )
