"""The stamp of marks: all that decides about them besides the submission."""

from pathlib import Path
from typing import Any

from digitdreams import course, stamps
from digitdreams.files import PACKAGE, ROOT


def of_marks(
    stem: str, secret: str, limits: Any, unsafe: bool, root: Path | None = None
) -> str:
    """The stamp of an exercise's marks, as the files are now.

    It covers the specification, the exercise's notebook and checks, the contract, the
    code of ours that compares and measures, what a sandbox shows of it, and the data
    and the judge where the exercise uses them.

    Args:
        stem: the exercise, such as `03_vae`.
        secret: from which the hidden inputs come.
        limits: what a submission may use.
        unsafe: whether it runs without the sandbox.
        root: the course's folder; None for the package's own.

    Raises:
        stamps.StampError: a file is missing; the message names it.
        course.UnknownLesson: course.toml does not know the exercise.
    """
    root = root or ROOT
    numbers = course.load(root / "course.toml").find(stem).exercise_numbers
    exercise = f"exercises/{stem}"
    checks = f"{exercise}/checks.json"
    made_from = stamps.of(
        f"sources/tasks/{stem}.py",
        f"{exercise}/{stem}.ipynb",
        "digitdreams/grading/marking.py:grade",
        "digitdreams/grading/inside.py",
        texts={
            "contract": repr(numbers),
            "grading": f"{secret}\0{limits!r}\0{unsafe}",
            # It also decides which bar is reached.
            "digitdreams/course.py": (PACKAGE / "course.py").read_text("utf-8"),
        },
        files=[f"{exercise}/{stem}.ipynb", checks],
        root=root,
    )
    return made_from.digest()
