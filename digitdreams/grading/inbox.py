"""Find the submissions of an exercise, in a folder or a zip archive.

Everything here was written by students: names, links, archives. Nothing is
unpacked to disk, no link is followed, and no more is read than a notebook may
have.
"""

import contextlib
import os
import re
import stat
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from digitdreams.grading.lms import moodle, nbgrader, plain, read_name
from digitdreams.grading.lms.names import Name, is_usable
from digitdreams.grading.result import State

LARGEST = 10_000_000  # bytes of one submitted notebook
MOST_MEMBERS = 50_000  # of an archive
LARGEST_ARCHIVE = 4_000_000_000  # bytes of all notebooks in it together


class InboxError(Exception):
    """The place of the submissions cannot be used; the message says why."""


class Unreadable(Exception):
    """One submission cannot be read; the message says why, fit for its author."""

    state = State.REFUSED


class Missing(Unreadable):
    """There is a folder for the exercise, but no notebook in it."""

    state = State.MISSING


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
            return read_time(
                self.extras.get(nbgrader.TIMESTAMP, b"").decode("ascii").strip()
            )
        except ValueError:
            return None


@dataclass(frozen=True)
class Inbox:
    """The submissions in order of the students' names, and what is none."""

    submissions: list[Submission]
    problems: list[str]


def refuse(reason: str, kind: type[Unreadable] = Unreadable) -> Callable[[], bytes]:
    """A reader for what must not or cannot be read."""

    def read() -> bytes:
        raise kind(reason)

    return read


@dataclass(frozen=True)
class Found:
    """A notebook before it is known whether its student's name is unique."""

    name: Name
    where: str
    read: Callable[[], bytes]
    extras: dict[str, bytes] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def settle(found: list[Found], problems: list[str]) -> Inbox:
    """Give every student one submission; what cannot be told apart is a problem."""
    namesakes = Counter(notebook.name.student for notebook in found)
    by_student: dict[str, list[Found]] = {}
    for notebook in found:
        student, unique = notebook.name
        name = student if namesakes[student] == 1 else unique
        if is_usable(name):
            by_student.setdefault(name, []).append(notebook)
        else:
            problems.append(f"{notebook.where}: {name!r} cannot be a student's name")
    submissions = []
    for name, (first, *others) in sorted(by_student.items()):
        if others:
            listed = ", ".join(notebook.where for notebook in (first, *others))
            reason = f"several notebooks for one student: {listed}"
            problems.append(f"{name}: {reason}")
            submissions.append(Submission(name, first.where, refuse(reason)))
        else:
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
    for name in nbgrader.EXTRAS:
        with contextlib.suppress(Unreadable):
            found[name] = read_beneath(root, (*parts, name), nbgrader.LARGEST_EXTRA)
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


def plain_entries(folder: Path) -> list[os.DirEntry[str]]:
    """What lies in a folder, hidden files left out, by name."""
    with os.scandir(folder) as entries:
        shown = [entry for entry in entries if not entry.name.startswith(".")]
    return sorted(shown, key=lambda entry: entry.name)


def in_folder(root: Path, stem: str, pattern: re.Pattern[str] | None = None) -> Inbox:
    """Find submissions in nbgrader's layout, in student folders, or flat.

    The three may be mixed: `STUDENT/STEM/STEM.ipynb`, `STUDENT/ANY.ipynb` and
    `STUDENT.ipynb`.
    """
    found: list[Found] = []
    problems: list[str] = []
    for entry in plain_entries(root):
        name = read_name(entry.name.removesuffix(".ipynb"), stem, pattern)
        if entry.is_symlink():
            read = refuse(f"{entry.name} is a link")
            found.append(Found(name, entry.name, read))
        elif entry.is_dir(follow_symlinks=False):
            folder = read_name(entry.name, stem, pattern)
            found += in_students_folder(root, entry.name, folder, stem)
        elif entry.name.endswith(".ipynb"):
            found.append(Found(name, entry.name, reader(root, (entry.name,))))
        elif entry.name.endswith(".zip"):
            problems.append(f"{entry.name}: an archive; give it to --submitted by name")
    return settle(found, problems)


def in_students_folder(root: Path, folder: str, name: Name, stem: str) -> list[Found]:
    """The notebook in one student's folder, if there is one or should be one."""
    nested = root / folder / stem
    if nested.is_symlink():
        where = f"{folder}/{stem}"
        return [Found(name, where, refuse(f"{where} is a link"))]
    parts = (folder, stem) if nested.is_dir() else (folder,)
    where = "/".join(parts)
    try:
        entries = plain_entries(root.joinpath(*parts))
    except OSError as error:
        reason = f"{where} cannot be read ({error.strerror})"
        return [Found(name, where, refuse(reason))]
    names = [entry.name for entry in entries if entry.name.endswith(".ipynb")]
    chosen, notes = plain.choose(names, stem)
    if chosen is not None:
        path = (*parts, chosen)
        extras = read_extras(root, parts)
        return [Found(name, "/".join(path), reader(root, path), extras, notes)]
    if nested.is_dir():
        reason = f"there is no {stem}.ipynb in it"
        return [Found(name, where, refuse(reason, Missing))]
    return []


def reader(root: Path, parts: tuple[str, ...]) -> Callable[[], bytes]:
    return lambda: read_beneath(root, parts, LARGEST)


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


def in_archive(path: Path, stem: str, pattern: re.Pattern[str] | None = None) -> Inbox:
    """Find submissions in a zip archive, in the same three forms as in a folder.

    A folder that holds all others, as some platforms add, is looked through.

    Raises:
        InboxError: it is no archive, or it would expand beyond all measure.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = [info for info in archive.infolist() if not info.is_dir()]
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise InboxError(f"{path} is not a zip archive: {error}") from None
    if len(members) > MOST_MEMBERS:
        raise InboxError(f"{path} has {len(members)} members, {MOST_MEMBERS} are many")
    notebooks: list[tuple[tuple[str, ...], zipfile.ZipInfo]] = []
    problems = []
    for info in members:
        parts = PurePosixPath(info.filename).parts
        hidden = any(part.startswith((".", "__MACOSX")) for part in parts)
        # Such a path names nobody: it could put the blame on another student.
        if climbs_out(info.filename):
            problems.append(f"{info.filename!r}: its path leads out of the archive")
        elif info.filename.endswith(".ipynb") and parts and not hidden:
            notebooks.append((parts, info))
    size = sum(min(info.file_size, LARGEST) for _, info in notebooks)
    if size > LARGEST_ARCHIVE:
        raise InboxError(f"{path} would expand to more than {LARGEST_ARCHIVE / 1e9} GB")

    wrapped = is_wrapped([parts for parts, _ in notebooks], stem)
    found: list[Found] = []
    for parts, info in notebooks:
        parts = parts[1:] if wrapped else parts
        name = read_name(parts[0].removesuffix(".ipynb"), stem, pattern)
        wrong = member_problem(info)
        misnamed = len(parts) > 1 and parts[-1] != f"{stem}.ipynb"
        notes = (f"the file was called {parts[-1]}",) if misnamed else ()
        read = member_reader(path, info) if wrong is None else refuse(wrong)
        found.append(Found(name, info.filename, read, {}, notes))
    return settle(prefer_named(found, stem), problems)


def is_wrapped(paths: list[tuple[str, ...]], stem: str) -> bool:
    """Tell whether one folder holds all students' folders or files."""
    tops = {parts[0] for parts in paths}
    if len(tops) != 1 or any(len(parts) == 1 for parts in paths):
        return False
    for parts in paths:
        below = parts[1:]
        if nbgrader.is_students(below, stem) or plain.is_students(below, stem):
            return False
    lonely = len(paths) == 1 and len(paths[0]) == 2
    return not lonely and not any(moodle.read_name(top) for top in tops)


def prefer_named(found: list[Found], stem: str) -> list[Found]:
    """Of one student's several files keep the one with the exercise's name."""

    def is_named(notebook: Found) -> bool:
        return PurePosixPath(notebook.where).name == f"{stem}.ipynb"

    students = {notebook.name.unique for notebook in found if is_named(notebook)}
    return [
        notebook
        for notebook in found
        if is_named(notebook) or notebook.name.unique not in students
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
