"""Without a platform: STUDENT.ipynb, STUDENT_EXERCISE.ipynb or STUDENT/ANY.ipynb."""

import re

from digitdreams.grading.lms.names import Name


def read_name(text: str, stem: str) -> Name:
    """Read `ann`, `ann_03_vae` or `ann-03_vae`."""
    student = re.sub(rf"[ _-]+{re.escape(stem)}$", "", text).strip()
    return Name(student, student)


def choose(names: list[str], stem: str) -> tuple[str | None, tuple[str, ...]]:
    """The notebook in a student's folder, None where it is unclear, and notes on it.

    Args:
        names: of the notebooks there.
        stem: the exercise.
    """
    if f"{stem}.ipynb" in names:
        return f"{stem}.ipynb", ()
    if len(names) == 1:
        return names[0], (f"the file was called {names[0]}",)
    return None, ()


def is_students(parts: tuple[str, ...], stem: str) -> bool:
    """Tell whether a path below a folder makes that folder a student's."""
    return parts == (f"{stem}.ipynb",)
