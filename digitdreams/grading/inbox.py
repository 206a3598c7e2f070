"""Find the submissions of an exercise, in a folder or a zip archive.

Everything here was written by students: names, links, archives. Nothing is
unpacked to disk, no link is followed, and no more is read than a notebook may
have.
"""

import contextlib
import os
import re
import stat
import unicodedata
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

LARGEST = 10_000_000  # bytes of one submitted notebook
MOST_MEMBERS = 50_000  # of an archive
LARGEST_ARCHIVE = 4_000_000_000  # bytes of all notebooks in it together
LONGEST_NAME = 100
TIMESTAMP = "timestamp.txt"
EXTRAS = (TIMESTAMP, "submission_secret.txt")  # what nbgrader's exchange puts beside
LARGEST_EXTRA = 1000  # bytes

# What learning platforms add to the student's name, in folders and in files.
MOODLE = re.compile(
    r"^(?P<student>.+?)_(?P<number>\d+)_assignsubmission_(?:file|onlinetext).*$"
)
CANVAS = re.compile(r"^(?P<student>[^_]+)(?:_LATE)?_(?P<number>\d+)_\d+_.*$")


class InboxError(Exception):
    """The place of the submissions cannot be used; the message says why."""


class Unreadable(Exception):
    """One submission cannot be read; the message says why, fit for its author."""

    state = "refused"


class Missing(Unreadable):
    """There is a folder for the exercise, but no notebook in it."""

    state = "missing"


@dataclass(frozen=True)
class Submission:
    """One student's file.

    Attributes:
        student: the student's name in the gradebook.
        where: the file, for messages.
        read: returns the notebook's bytes; raises `Unreadable`.
        extras: the small files that nbgrader's exchange puts beside a notebook; a
            student could have written them.
        notes: what a person may want to know.
    """

    student: str
    where: str
    read: Callable[[], bytes] = field(compare=False)
    extras: dict[str, bytes] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def claimed(self) -> datetime | None:
        """What a timestamp.txt says, in UTC; None where it says nothing."""
        try:
            return read_time(self.extras.get(TIMESTAMP, b"").decode("ascii").strip())
        except ValueError:
            return None


@dataclass(frozen=True)
class Inbox:
    """The submissions in order of the students' names, and what is none."""

    submissions: list[Submission]
    problems: list[str]


def refuse(reason: str, kind: type = Unreadable) -> Callable[[], bytes]:
    """A reader for what must not or cannot be read."""

    def read() -> bytes:
        raise kind(reason)

    return read


def is_name(text: str) -> bool:
    """Tell whether a text can name a student, a folder and a spreadsheet cell."""
    return (
        0 < len(text) <= LONGEST_NAME
        and text[0].isalnum()
        and all(one.isalnum() or one in " ._@'-+" for one in text)
        and unicodedata.normalize("NFC", text) == text
        and text == text.strip(" .")
    )


# Names -------------------------------------------------------------------------------


def split_name(text: str, stem: str, pattern: re.Pattern | None) -> tuple[str, str]:
    """The student that a file or folder is named by, and the same made unique.

    Learning platforms add a number to the name; it tells namesakes apart.
    """
    text = unicodedata.normalize("NFC", text)
    if pattern is not None:
        found = pattern.match(text)
        name = found.group("student").strip() if found else ""
        return name, name
    for form in (MOODLE, CANVAS):
        found = form.match(text)
        if found:
            name = found.group("student").strip()
            return name, f"{name} {found.group('number')}"
    name = re.sub(rf"[ _-]+{re.escape(stem)}$", "", text).strip()
    return name, name


@dataclass(frozen=True)
class Found:
    """A notebook before it is known whether its student's name is unique."""

    name: str
    unique: str
    where: str
    read: Callable[[], bytes]
    extras: dict[str, bytes] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def settle(found: list[Found], problems: list[str]) -> Inbox:
    """Give every student one submission; what cannot be told apart is a problem."""
    taken: dict[str, int] = {}
    for one in found:
        taken[one.name] = taken.get(one.name, 0) + 1
    chosen: dict[str, list[Found]] = {}
    for one in found:
        name = one.name if taken[one.name] == 1 else one.unique
        if is_name(name):
            chosen.setdefault(name, []).append(one)
        else:
            problems.append(f"{one.where}: {name!r} cannot be a student's name")
    submissions = []
    for name, those in sorted(chosen.items()):
        first = those[0]
        if len(those) > 1:
            listed = ", ".join(one.where for one in those)
            reason = f"several notebooks for one student: {listed}"
            problems.append(f"{name}: {reason}")
            submissions.append(Submission(name, first.where, refuse(reason)))
            continue
        submissions.append(
            Submission(name, first.where, first.read, first.extras, first.notes)
        )
    return Inbox(submissions, sorted(problems))


# Folders ------------------------------------------------------------------------------


def read_beneath(root: Path, parts: tuple[str, ...], largest: int) -> bytes:
    """Read a regular file below `root` without following any link.

    Raises:
        Unreadable: it is a link, no regular file, too large, or away.
    """
    where = "/".join(parts)
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for part in parts[:-1]:
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
            inner = os.open(part, flags, dir_fd=folder)
            os.close(folder)
            folder = inner
        # NONBLOCK: a named pipe would otherwise wait for a writer for ever.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
        file = os.open(parts[-1], flags, dir_fd=folder)
    except OSError as error:
        raise Unreadable(
            f"{where} is a link or cannot be read ({error.strerror})"
        ) from None
    finally:
        os.close(folder)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise Unreadable(f"{where} is not a regular file")
    with os.fdopen(file, "rb") as stream:
        content = stream.read(largest + 1)
    if len(content) > largest:
        raise Unreadable(f"{where} is larger than {largest / 1e6:g} MB")
    return content


def read_extras(root: Path, parts: tuple[str, ...]) -> dict[str, bytes]:
    """The files beside a notebook that nbgrader's exchange knows."""
    found = {}
    for name in EXTRAS:
        with contextlib.suppress(Unreadable):
            found[name] = read_beneath(root, (*parts, name), LARGEST_EXTRA)
    return found


def read_time(text: str) -> datetime:
    """Read a time as nbgrader or a spreadsheet writes it; without zone it is UTC.

    Raises:
        ValueError: it is no time.
    """
    from dateutil import parser

    try:
        found = parser.parse(text)
    except (OverflowError, parser.ParserError) as error:
        raise ValueError(f"{text!r} is not a time: {error}") from None
    if found.tzinfo is None:
        found = found.replace(tzinfo=UTC)
    return found.astimezone(UTC).replace(tzinfo=None)


def plain_entries(folder: Path) -> Iterator[os.DirEntry]:
    with os.scandir(folder) as entries:
        yield from sorted(
            (one for one in entries if not one.name.startswith(".")),
            key=lambda one: one.name,
        )


def notebook_in(folder: Path, stem: str) -> tuple[str | None, tuple[str, ...]]:
    """The name of the notebook in a student's folder, and notes about it."""
    names = [one.name for one in plain_entries(folder) if one.name.endswith(".ipynb")]
    if f"{stem}.ipynb" in names:
        return f"{stem}.ipynb", ()
    if len(names) == 1:
        return names[0], (f"the file was called {names[0]}",)
    return None, ()


def in_folder(root: Path, stem: str, pattern: re.Pattern | None = None) -> Inbox:
    """Find submissions in nbgrader's layout, in student folders, or flat.

    The three may be mixed: `STUDENT/STEM/STEM.ipynb`, `STUDENT/ANY.ipynb` and
    `STUDENT.ipynb`.
    """
    found: list[Found] = []
    problems: list[str] = []

    def add(label: str, parts: tuple[str, ...], extras=None, notes=()) -> None:
        name, unique = split_name(label, stem, pattern)
        where = "/".join(parts)

        def read() -> bytes:
            return read_beneath(root, parts, LARGEST)

        found.append(Found(name, unique, where, read, extras or {}, tuple(notes)))

    def add_unusable(label: str, where: str, reason: str, kind=Unreadable) -> None:
        name, unique = split_name(label, stem, pattern)
        found.append(Found(name, unique, where, refuse(reason, kind)))

    for entry in plain_entries(root):
        if entry.is_symlink():
            label = entry.name.removesuffix(".ipynb")
            add_unusable(label, entry.name, f"{entry.name} is a link")
        elif entry.is_dir(follow_symlinks=False):
            nested = Path(entry.path) / stem
            if nested.is_symlink():
                reason = f"{entry.name}/{stem} is a link"
                add_unusable(entry.name, f"{entry.name}/{stem}", reason)
                continue
            inner = (entry.name, stem) if nested.is_dir() else (entry.name,)
            try:
                name, notes = notebook_in(root.joinpath(*inner), stem)
            except OSError as error:
                reason = f"{'/'.join(inner)} cannot be read ({error.strerror})"
                add_unusable(entry.name, "/".join(inner), reason)
                continue
            if name is not None:
                add(entry.name, (*inner, name), read_extras(root, inner), notes)
            elif len(inner) == 2:
                reason = f"there is no {stem}.ipynb in it"
                add_unusable(entry.name, "/".join(inner), reason, Missing)
        elif entry.name.endswith(".ipynb"):
            add(entry.name.removesuffix(".ipynb"), (entry.name,))
        elif entry.name.endswith(".zip"):
            problems.append(f"{entry.name}: an archive; give it to --submitted by name")
    return settle(found, problems)


# Archives -----------------------------------------------------------------------------


def member_problem(info: zipfile.ZipInfo) -> str | None:
    """Why a member of an archive is not read, None where it may be."""
    mode = info.external_attr >> 16
    if mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        return "it is a link or no regular file"
    if info.flag_bits & 0x1:
        return "it is encrypted"
    if info.file_size > LARGEST:
        return f"it is larger than {LARGEST / 1e6:g} MB"
    return None


def climbs_out(name: str) -> bool:
    """Tell whether a member's path is absolute, Windows's, or has `..` in it."""
    return (
        name.startswith("/")
        or "\\" in name
        or ":" in name.split("/")[0]
        or ".." in name.split("/")
    )


def member_reader(path: Path, info: zipfile.ZipInfo) -> Callable[[], bytes]:
    def read() -> bytes:
        try:
            with zipfile.ZipFile(path) as archive, archive.open(info) as stream:
                content = stream.read(LARGEST + 1)
        except Exception as error:  # zlib, struct, EOF ...: the archive is a student's
            raise Unreadable(f"{info.filename} is damaged ({error})") from None
        if len(content) > LARGEST:
            raise Unreadable(f"{info.filename} is larger than {LARGEST / 1e6:g} MB")
        return content

    return read


def in_archive(path: Path, stem: str, pattern: re.Pattern | None = None) -> Inbox:
    """Find submissions in a zip archive, in the same three forms as in a folder.

    A folder that holds all others, as some platforms add, is looked through.

    Raises:
        InboxError: it is no archive, or it would expand beyond all measure.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = [one for one in archive.infolist() if not one.is_dir()]
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise InboxError(f"{path} is not a zip archive: {error}") from None
    if len(members) > MOST_MEMBERS:
        raise InboxError(f"{path} has {len(members)} members, {MOST_MEMBERS} are many")
    notebooks, problems = [], []
    for one in members:
        parts = PurePosixPath(one.filename).parts
        hidden = any(part.startswith((".", "__MACOSX")) for part in parts)
        # Such a path names nobody: it could put the blame on another student.
        if climbs_out(one.filename):
            problems.append(f"{one.filename!r}: its path leads out of the archive")
        elif one.filename.endswith(".ipynb") and parts and not hidden:
            notebooks.append((parts, one))
    if sum(min(one.file_size, LARGEST) for _, one in notebooks) > LARGEST_ARCHIVE:
        raise InboxError(f"{path} would expand to more than {LARGEST_ARCHIVE / 1e9} GB")

    wrapped = is_wrapped([parts for parts, _ in notebooks], stem)
    found: list[Found] = []
    for parts, info in notebooks:
        parts = parts[1:] if wrapped else parts
        label = parts[0].removesuffix(".ipynb")
        name, unique = split_name(label, stem, pattern)
        wrong = member_problem(info)
        misnamed = len(parts) > 1 and parts[-1] != f"{stem}.ipynb"
        notes = (f"the file was called {parts[-1]}",) if misnamed else ()
        read = member_reader(path, info) if wrong is None else refuse(wrong)
        found.append(Found(name, unique, info.filename, read, {}, notes))
    return settle(prefer_named(found, stem), problems)


def is_wrapped(paths: list[tuple[str, ...]], stem: str) -> bool:
    """Tell whether one folder holds all students' folders or files."""
    tops = {parts[0] for parts in paths}
    if len(tops) != 1 or any(len(parts) == 1 for parts in paths):
        return False
    of_one_student = {(f"{stem}.ipynb",), (stem, f"{stem}.ipynb")}
    if any(parts[1:] in of_one_student for parts in paths):
        return False
    return not (len(paths) == 1 and len(paths[0]) == 2) and not MOODLE.match(*tops)


def prefer_named(found: list[Found], stem: str) -> list[Found]:
    """Of one student's several files keep the one with the exercise's name."""
    wanted = {
        one.unique for one in found if PurePosixPath(one.where).name == f"{stem}.ipynb"
    }
    return [
        one
        for one in found
        if one.unique not in wanted or PurePosixPath(one.where).name == f"{stem}.ipynb"
    ]


def find(place: Path, stem: str, pattern: str | None = None) -> Inbox:
    """Find the submissions of the exercise `stem` in a folder or an archive.

    Args:
        place: folder or zip archive.
        stem: the exercise, such as `03_vae`.
        pattern: a regular expression with a group `student` for names of files or
            folders that are of another form.

    Raises:
        InboxError: the place or the pattern cannot be used.
    """
    try:
        compiled = re.compile(pattern) if pattern else None
    except re.error as error:
        raise InboxError(f"{pattern!r} is not a regular expression: {error}") from None
    if compiled is not None and "student" not in compiled.groupindex:
        raise InboxError("the pattern for names needs a group (?P<student>...)")
    if place.is_dir():
        return in_folder(place, stem, compiled)
    if place.is_file():
        return in_archive(place, stem, compiled)
    raise InboxError(f"{place} does not exist")
