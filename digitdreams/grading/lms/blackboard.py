"""Blackboard: "Assignment file download", the files of each attempt and its text."""

import re

from digitdreams.grading.lms.names import Name

FORM = re.compile(
    r"^.+_(?P<student>[^_]+)_attempt_(?P<time>\d{4}(?:-\d\d){5})(?:_(?P<file>.*))?$",
    re.DOTALL,
)


def read_name(text: str) -> Name | None:
    """Read `Exercise 3_ann17_attempt_2026-11-22-04-54-14_vae`; None for another form.

    The student is known by the platform's user name; the later of two attempts counts.
    """
    found = FORM.match(text)
    if not found:
        return None
    student = found.group("student").strip()
    return Name(student, student, f"{found.group('time')}_{found.group('file') or ''}")
