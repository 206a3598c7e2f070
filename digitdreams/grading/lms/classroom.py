"""Google Classroom: the folder of an assignment in Drive, a file for each student."""

import re

from digitdreams.grading.lms.names import Name

FORM = re.compile(r"^(?P<student>.+?) - (?P<file>(?:Copy of )?.+)$", re.DOTALL)


def read_name(text: str) -> Name | None:
    """Read `Ann Lee - Copy of 03_vae`; None for another form."""
    found = FORM.match(text)
    if not found:
        return None
    student = found.group("student").strip()
    return Name(student, student, found.group("file"))
