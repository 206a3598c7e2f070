"""Learning platforms: one module each, for the names and the layout of its exports.

A platform that changes the names of what students hand in has a module with a function
`read_name(text)`; add it to `RENAMING`.
"""

import re
import unicodedata

from digitdreams.grading.lms import (
    blackboard,
    canvas,
    classroom,
    moodle,
    nbgrader,
    plain,
)
from digitdreams.grading.lms.names import Name

__all__ = ["Name", "is_platforms", "nbgrader", "plain", "read_name"]

RENAMING = (moodle, blackboard, canvas, classroom)


def is_platforms(text: str) -> bool:
    """Tell whether a platform named a file or folder, which so was handed in."""
    return any(one.read_name(text) for one in (moodle, blackboard, canvas))


def read_name(text: str, stem: str, pattern: re.Pattern[str] | None = None) -> Name:
    """The student that a file or a folder is named by.

    Args:
        text: the name of the file, without `.ipynb`, or of the folder.
        stem: the exercise, such as `03_vae`.
        pattern: for names of another form, with a group `student`.

    Returns:
        The name; an empty one where the pattern does not match.
    """
    text = unicodedata.normalize("NFC", text)
    if pattern is not None:
        found = pattern.match(text)
        student = found.group("student").strip() if found else ""
        return Name(student, student)
    for platform in RENAMING:
        name = platform.read_name(text)
        if name is not None:
            return name
    return plain.read_name(text, stem)
