"""Without a platform: STUDENT.ipynb, STUDENT_EXERCISE.ipynb or STUDENT/ANY.ipynb."""

import re

from digitdreams.grading.lms.names import Name


def read_name(text: str, stem: str) -> Name:
    """Read `ann`, `ann_03_vae` or `ann-03_vae`."""
    student = re.sub(rf"[ _-]+{re.escape(stem)}$", "", text).strip()
    return Name(student, student)


def is_students(parts: tuple[str, ...], stem: str) -> bool:
    """Tell whether a path below a folder makes that folder a student's."""
    return parts == (f"{stem}.ipynb",)
