"""A student's name as a platform writes it, and as the gradebook can hold it."""

import hashlib
import re
import unicodedata
from typing import NamedTuple

LONGEST = 250  # characters
LONGEST_KEPT = 100  # characters that the gradebook keeps of a longer one
MOST_BYTES = 200  # of a folder's name, with room for what is put behind it
REFUSED = frozenset('/\\<>:"|?*`')  # in paths, pages and shells
FORMULA = "=+-@"  # what a spreadsheet computes
JOINERS = "\u200c\u200d"  # letters of some scripts change their form beside these


class Name(NamedTuple):
    """A student's name.

    Attributes:
        student: the name itself.
        unique: the same with what tells namesakes apart, where the platform says it:
            this is who the gradebook knows, whoever else is in an export.
        file: what the student called the file, where the platform says that, too.
    """

    student: str
    unique: str
    file: str = ""


def numbered(form: re.Pattern[str], text: str) -> Name | None:
    """Read a name by a pattern with the groups `student`, `number` and `file`."""
    found = form.match(text)
    if not found:
        return None
    student = found.group("student").strip()
    return Name(student, f"{student} {found.group('number')}", found.group("file"))


def is_usable(text: str) -> bool:
    """Tell whether a text can name a student, a folder and a spreadsheet cell.

    Names of every script can, with marks, apostrophes, dots, commas and parentheses.
    """
    return (
        0 < len(text) <= LONGEST
        and not text.startswith((".", "~", *FORMULA))
        and not any(letter in REFUSED for letter in text)
        and any(unicodedata.category(letter)[0] in "LN" for letter in text)
        and all(is_plain(letter) for letter in text)
        and unicodedata.normalize("NFC", text) == text
        and text == text.strip()
    )


def is_plain(letter: str) -> bool:
    """Tell whether a character is seen, or the space."""
    kind = unicodedata.category(letter)
    return letter == " " or letter in JOINERS or kind[0] not in "CZ"


def fitting(text: str) -> str:
    """A name that a folder and a database can hold: of a long one the beginning.

    A digest of the whole name follows, so that two people stay two.
    """
    if len(text) <= LONGEST_KEPT and len(text.encode()) <= MOST_BYTES:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:10]
    kept = text[: LONGEST_KEPT - 11]
    while len(kept.encode()) > MOST_BYTES - 11:
        kept = kept[:-1]
    return f"{kept.rstrip()} {digest}"


def legible(text: str) -> str:
    """A file's name as it may be printed: control characters are replaced."""
    seen = (letter if is_plain(letter) else "\ufffd" for letter in text)
    return "".join(seen).encode("utf-8", "replace").decode("utf-8")
