"""A student's name as a platform writes it, and as the gradebook can hold it."""

import re
import unicodedata
from typing import NamedTuple

LONGEST = 100  # characters


class Name(NamedTuple):
    """A student's name.

    Attributes:
        student: the name itself.
        unique: the same with what tells namesakes apart, where the platform says it.
    """

    student: str
    unique: str


def numbered(form: re.Pattern[str], text: str) -> Name | None:
    """Read a name by a pattern with the groups `student` and `number`."""
    found = form.match(text)
    if not found:
        return None
    student = found.group("student").strip()
    return Name(student, f"{student} {found.group('number')}")


def is_usable(text: str) -> bool:
    """Tell whether a text can name a student, a folder and a spreadsheet cell."""
    return (
        0 < len(text) <= LONGEST
        and text[0].isalnum()
        and all(letter.isalnum() or letter in " ._@'-+" for letter in text)
        and unicodedata.normalize("NFC", text) == text
        and text == text.strip(" .")
    )
