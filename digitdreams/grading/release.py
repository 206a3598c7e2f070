"""The bundle that students get: the exercise and its checks, without its solution.

A complete bundle works by itself: of the package it holds what its exercises use, as
the sandbox shows it (`grading.view`), and a student's commands. No function there is an
answer to an exercise, but where another exercise of the bundle uses what it asks for.
"""

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from digitdreams.checks import FILE_NAME as CHECKS
from digitdreams.course import Lesson, load
from digitdreams.files import ROOT, write_atomically
from digitdreams.grading import view

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
    "LICENSE",
    "LICENSE-TEXT",
)
FOLDERS = ("data", "digitdreams/jupyter")
COMMANDS = (
    "digitdreams.launch",
    "digitdreams.cli",
    "digitdreams.surroundings",
    "digitdreams.workspace",
)
INSIDE_ONLY = {view.INSIDE, "digitdreams.grading.wire"}  # what the sandbox itself runs
README = """# Digit Dreams: exercises

{lessons}

This folder holds exercises, the digits and the code that they need, no lessons.

You need Python 3.11 and `make`. Type `make lab` in this folder: the first time it
installs what the course needs into `.venv`, then JupyterLab opens an exercise, in a
copy of yours below `my_work/exercises/`. Without `make`: `python3.11 -m venv .venv`,
then `.venv/bin/pip install -r requirements-student.lock`, then
`.venv/bin/pip install -e .`, then `.venv/bin/digitdreams lab`. The command
`.venv/bin/digitdreams lab {number} --exercise` opens exercise {number}.

Fill in the blanks, run the whole notebook, save it, and hand in the notebook of that
name in `my_work/exercises/`, nothing else, where your instructor asks for it.

Code is under [Apache-2.0](LICENSE), text under [CC BY 4.0](LICENSE-TEXT), the digits
under [CC BY-SA 3.0]({digits}).
"""


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


def modules_for(stems: Iterable[str], root: Path = ROOT) -> set[str]:
    """The modules of ours that students need for these exercises.

    Raises:
        ReleaseError: an exercise cannot be read.
    """
    found = {*view.needed(COMMANDS)}
    try:
        for stem in stems:
            notebook = root / "exercises" / stem / f"{stem}.ipynb"
            found |= {*view.view_of(notebook, "", root).modules}
    except view.ViewError as error:
        raise ReleaseError(str(error)) from None
    return found - INSIDE_ONLY


def release_course(to: Path, root: Path = ROOT) -> None:
    """Add what makes the exercises in `to/exercises` work by themselves.

    That is their and the commands' part of the package, the data, and a README.
    Neither lessons nor interview questions are among it: the commands that need them
    say so.

    Raises:
        ReleaseError: an exercise cannot be read.
    """
    lessons = [
        one
        for one in load(root / "course.toml").lessons
        if (to / "exercises" / one.stem / f"{one.stem}.ipynb").is_file()
    ]
    shown = view.View(tuple(modules_for([one.stem for one in lessons], root))).files()
    package = f"{view.COURSE}/{view.NAME}/"
    wanted = {
        Path(view.NAME, inside.removeprefix(package)): Path(here)
        for inside, here in shown.items()
        if inside.startswith(package)
    }
    for name in (*COURSE_FILES, *FOLDERS):
        for path in [root / name, *(root / name).rglob("*")]:
            if path.is_file() and "__pycache__" not in path.parts:
                wanted[path.relative_to(root)] = path
    for place, source in wanted.items():
        target = to / place
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    write_atomically(to / "README.md", readme(lessons, to))


def readme(lessons: list[Lesson], to: Path) -> str:
    """What a complete bundle says of itself."""
    listed = "\n".join(
        f"- {one.id} [{one.title}](exercises/{one.stem}/{one.stem}.ipynb)"
        for one in lessons
    )
    (digits, *_) = sorted(to.glob("data/mnist/*/LICENSE"))
    return README.format(
        lessons=listed,
        number=lessons[0].id,
        digits=digits.relative_to(to).as_posix(),
    )
