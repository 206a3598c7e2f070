"""Find the submissions of an exercise, in a folder or a zip archive.

Everything here was written by students: names, links, archives. Nothing is
unpacked to disk, no link is followed, and no more is read than a notebook may
have. Nothing is left out in silence: every file is somebody's submission, lies beside
one and is named in its notes, belongs to another exercise, or is a problem.
"""

import contextlib
import os
import re
import stat
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path, PurePosixPath

from digitdreams.grading.lms import is_platforms, nbgrader, plain, read_name
from digitdreams.grading.lms.names import Name, fitting, is_usable, legible
from digitdreams.grading.result import State

LARGEST = 10_000_000  # bytes of one submitted notebook
MOST_MEMBERS = 50_000  # of an archive or a folder
DEEPEST = 8  # folders within each other
SHOWN = 5  # names of other files in a note
NOTEBOOK = ".ipynb"
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
        name: the student's name without what a platform adds to tell namesakes apart.
    """

    student: str
    where: str
    read: Callable[[], bytes] = field(compare=False)
    extras: dict[str, bytes] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    name: str = ""

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


@dataclass(frozen=True)
class Refusal:
    """A reader for what must not or cannot be read."""

    reason: str
    kind: type[Unreadable]

    def __call__(self) -> bytes:
        raise self.kind(self.reason)


def refuse(reason: str, kind: type[Unreadable] = Unreadable) -> Refusal:
    """A reader that says why there is nothing to read."""
    return Refusal(reason, kind)


@dataclass(frozen=True)
class Member:
    """A file, or an empty folder, wherever it lies.

    Attributes:
        parts: its path below the place that is searched.
        where: the same for messages.
        read: returns its bytes; raises `Unreadable`.
        closed: whether it is a link or cannot be looked at: a notebook may be meant.
        empty: whether it is a folder with nothing in it.
        extras: what nbgrader's exchange puts beside it.
    """

    parts: tuple[str, ...]
    where: str
    read: Callable[[], bytes]
    closed: bool = False
    empty: bool = False
    extras: Callable[[], dict[str, bytes]] = dict

    @property
    def is_notebook(self) -> bool:
        return self.parts[-1].lower().endswith(NOTEBOOK)


@dataclass(frozen=True)
class Found:
    """A notebook, and the name of its student."""

    name: Name
    where: str
    read: Callable[[], bytes]
    extras: dict[str, bytes] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


ATTEMPT = re.compile(
    r"^(?:(?P<time>\d{4}(?:-\d\d){5})_)?(?:Copy of )?(?P<name>.*?)"
    r"(?:-(?P<number>\d{1,4})| ?\((?P<copy>\d{1,4})\))?$",
    re.DOTALL,
)


def attempt(file: str, stem: str) -> tuple[str, bool, int]:
    """What decides between several files of one student, the largest counts.

    When it was handed in, where the platform says that; whether it is called as the
    exercise; the number that a platform or a browser puts behind another one.
    """
    found = ATTEMPT.match(file)
    assert found is not None
    number = int(found["number"] or found["copy"] or 0)
    return found["time"] or "", found["name"] == stem, number


def one_of(found: list[Found], stem: str) -> Found:
    """The submission among the files of one student, refused where it is unclear."""
    if len(found) == 1:
        return found[0]
    listed = ", ".join("; ".join((one.where, *one.notes)) for one in found)
    keys = [attempt(notebook.name.file, stem) for notebook in found]
    latest = max(keys)
    if keys.count(latest) > 1 or not (latest[0] or latest[1]):
        reason = f"several notebooks for one student: {listed}"
        return Found(found[0].name, found[0].where, refuse(reason), notes=(reason,))
    chosen = found[keys.index(latest)]
    note = f"of several files this one was graded: {chosen.where}; there are {listed}"
    return Found(
        chosen.name, chosen.where, chosen.read, chosen.extras, (*chosen.notes, note)
    )


def settle(found: list[Found], problems: list[str], stem: str) -> Inbox:
    """Give every student one submission; what names nobody is a problem."""
    by_student: dict[str, list[Found]] = {}
    for notebook in found:
        name = notebook.name.unique
        if is_usable(name):
            by_student.setdefault(fitting(name), []).append(notebook)
        else:
            said = f"{notebook.where}: {legible(name)!r} cannot be a student's name"
            problems.append("; ".join((said, *notebook.notes)))
    submissions = []
    for student, theirs in sorted(by_student.items()):
        one = one_of(theirs, stem)
        if one.notes and one.notes[0].startswith("several"):
            problems.append(f"{student}: {one.notes[0]}")
            one = Found(one.name, one.where, one.read)
        notes = one.notes
        if student != one.name.unique:
            notes = (*notes, f"the whole name is {one.name.unique}")
        submissions.append(
            Submission(
                student, one.where, one.read, one.extras, notes, one.name.student
            )
        )
    return Inbox(submissions, sorted(problems))


def sort_members(
    members: list[Member], stem: str, pattern: re.Pattern[str] | None
) -> Inbox:
    """Find out whose each member is: in the three forms, which may be mixed.

    They are `STUDENT/STEM/STEM.ipynb`, `STUDENT/ANY.ipynb` and `STUDENT.ipynb`.
    """
    tops: dict[str, list[Member]] = {}
    for member in members:
        tops.setdefault(member.parts[0], []).append(member)
    found: list[Found] = []
    problems: list[str] = []
    for top, theirs in sorted(tops.items()):
        if len(theirs) == 1 and len(theirs[0].parts) == 1 and not theirs[0].empty:
            problems += at_the_top(theirs[0], stem, pattern, found)
        else:
            name = read_name(top, stem, pattern)
            problems += in_students_folder(name, top, theirs, stem, found)
    # A text or an archive beside a notebook does not make it several.
    there = {one.name.unique for one in found if not is_missing(one)}
    beside: dict[str, list[str]] = {}
    kept = []
    for one in found:
        if is_missing(one) and one.name.unique in there:
            beside.setdefault(one.name.unique, []).extend((one.where, *one.notes))
        else:
            kept.append(one)
    kept = [noted(one, beside.get(one.name.unique)) for one in kept]
    return settle(kept, problems, stem)


def at_the_top(
    one: Member, stem: str, pattern: re.Pattern[str] | None, found: list[Found]
) -> list[str]:
    """Add a file that lies in no folder to `found`; return what is a problem."""
    base, ending = os.path.splitext(one.parts[0])
    if one.is_notebook or one.closed:
        text = base if ending.lower() == NOTEBOOK else one.parts[0]
        found.append(Found(read_name(text, stem, pattern), one.where, one.read))
        return []
    if is_platforms(base):
        name = read_name(base, stem, pattern)
        reason = f"{one.where} is no notebook: hand in the file {NOTEBOOK}"
        found.append(Found(name, one.where, refuse(reason, Missing)))
        return []
    return [f"{one.where}: no notebook"]


def in_students_folder(
    name: Name, top: str, members: list[Member], stem: str, found: list[Found]
) -> list[str]:
    """Add the notebook in one student's folder to `found`; return what is a problem."""
    shown = legible(top)
    nested = [one for one in members if one.parts[1:2] == (stem,)]
    ours = [one for one in members if not is_another_exercise(one.parts, stem)]
    own = nested or ours
    if not own:
        return []
    notebooks = [
        one for one in own if not one.empty and (one.is_notebook or one.closed)
    ]
    chosen = choose(notebooks, stem)
    if chosen is None and notebooks:
        reason = f"several notebooks, and none is called {stem}{NOTEBOOK}"
        one = Found(name, shown, refuse(reason))
        found.append(noted(one, [one.where for one in ours]))
        return []
    if chosen is None:
        listed = [one.where for one in ours]
        if nested or is_platforms(top):
            reason = f"there is no {stem}{NOTEBOOK} in it"
            one = Found(name, shown, refuse(reason, Missing))
            found.append(noted(one, listed))
            return []
        return [f"{shown}: there is no notebook in it: {', '.join(listed)}"]
    notes: tuple[str, ...] = ()
    if chosen.parts[-1] != f"{stem}{NOTEBOOK}":
        notes = (f"the file was called {legible(chosen.parts[-1])}",)
    others = [one.where for one in ours if one is not chosen and not one.empty]
    others = [one for one in others if PurePosixPath(one).name not in nbgrader.EXTRAS]
    one = Found(name, chosen.where, chosen.read, chosen.extras(), notes)
    found.append(noted(one, others))
    return []


def noted(found: Found, others: list[str] | None) -> Found:
    """The same with a note on what lies beside it."""
    if not others:
        return found
    more = f" and {len(others) - SHOWN} more" if len(others) > SHOWN else ""
    note = f"also handed in: {', '.join(others[:SHOWN])}{more}"
    return replace(found, notes=(*found.notes, note))


def is_another_exercise(parts: tuple[str, ...], stem: str) -> bool:
    """Tell whether a path is that of another exercise in nbgrader's layout."""
    inner = parts[1:]
    return len(inner) == 2 and inner[0] != stem and inner[1] == f"{inner[0]}{NOTEBOOK}"


def choose(notebooks: list[Member], stem: str) -> Member | None:
    """Of the notebooks in a student's folder the one that is meant, if that is clear.

    It is the only one, or the only one at its depth that is called as the exercise,
    exactly or with something before or behind.
    """
    if len(notebooks) == 1:
        return notebooks[0]
    names = {one: one.parts[-1].lower().removesuffix(NOTEBOOK) for one in notebooks}
    for fits in (lambda name: name == stem.lower(), lambda name: stem.lower() in name):
        named = [one for one in notebooks if fits(names[one])]
        highest = min((len(one.parts) for one in named), default=0)
        named = [one for one in named if len(one.parts) == highest]
        if len(named) == 1:
            return named[0]
    return None


def is_missing(found: Found) -> bool:
    return isinstance(found.read, Refusal) and found.read.kind is Missing


# Folders ------------------------------------------------------------------------------


def read_beneath(root: Path, parts: tuple[str, ...], largest: int) -> bytes:
    """Read a regular file below `root` without following any link.

    Raises:
        Unreadable: it is a link, no regular file, too large, or away.
    """
    where = "/".join(parts)
    folder = -1
    try:
        folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
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
        if folder >= 0:
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


TIME = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})[T ]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?"
    r" ?(Z|UTC|GMT|[+-]\d{2}:?\d{2})?",
    re.ASCII,
)


def read_time(text: str) -> datetime:
    """Read a time such as `2026-11-22 18:00 +0100`; without zone it is UTC.

    Only what cannot be misread is a time: the year first, hour and minute, and of zones
    UTC or the hours from it. A name such as CST means several zones.

    Returns:
        It in UTC, without zone, as nbgrader keeps it.

    Raises:
        ValueError: it is no time.
    """
    found = TIME.fullmatch(text.strip())
    form = "write it as 2026-11-22 18:00 +0100"
    if not found:
        raise ValueError(f"{text[:60]!r} is not a time: {form}")
    *numbers, fraction, zone = found.groups()
    try:
        year, month, day, hour, minute, second = (int(one or 0) for one in numbers)
        parts = int((fraction or "0").ljust(6, "0")[:6])
        time = datetime(year, month, day, hour, minute, second, parts)
        if zone and zone[0] in "+-":
            hours, minutes = int(zone[1:3]), int(zone[-2:])
            if hours > 14 or minutes > 59:
                raise ValueError("no zone is so far from UTC")
            offset = timedelta(hours=hours, minutes=minutes)
            time -= offset if zone[0] == "+" else -offset
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{text[:60]!r} is not a time ({error}): {form}") from None
    return time


def walk(root: Path, parts: tuple[str, ...] = ()) -> Iterator[Member]:
    """All files below a folder, hidden ones left out; no link is followed."""
    where = legible("/".join(parts))
    try:
        with os.scandir(root.joinpath(*parts)) as entries:
            shown = [entry for entry in entries if not entry.name.startswith(".")]
    except OSError as error:
        if not parts:
            raise InboxError(f"{root} cannot be read: {error.strerror}") from None
        reason = f"{where} cannot be read ({error.strerror})"
        yield Member(parts, where, refuse(reason), closed=True)
        return
    if not shown and parts:
        yield Member(parts, where, refuse(f"{where} is empty", Missing), empty=True)
    for entry in sorted(shown, key=lambda entry: entry.name):
        inner = (*parts, entry.name)
        where = legible("/".join(inner))
        if entry.is_symlink():
            yield Member(inner, where, refuse(f"{where} is a link"), closed=True)
        elif not entry.is_dir(follow_symlinks=False) or entry.name.endswith(NOTEBOOK):
            beside = partial(read_extras, root, parts) if parts else dict
            yield Member(inner, where, reader(root, inner), extras=beside)
        elif len(inner) < DEEPEST:
            yield from walk(root, inner)
        else:
            reason = f"{where} lies too deep to be searched"
            yield Member(inner, where, refuse(reason), closed=True)


def in_folder(root: Path, stem: str, pattern: re.Pattern[str] | None = None) -> Inbox:
    """Find submissions in nbgrader's layout, in student folders, or flat.

    Raises:
        InboxError: it cannot be read, or holds files beyond all measure.
    """
    members = list(islice(walk(root), MOST_MEMBERS + 1))
    if len(members) > MOST_MEMBERS:
        raise InboxError(f"{root} has more than {MOST_MEMBERS} files")
    return sort_members(members, stem, pattern)


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
    found: list[Member] = []
    problems = []
    for info in members:
        parts = PurePosixPath(info.filename).parts
        where = legible(info.filename)
        # Such a path names nobody: it could put the blame on another student.
        if climbs_out(info.filename):
            problems.append(f"{where!r}: its path leads out of the archive")
        elif parts and not any(part.startswith((".", "__MACOSX")) for part in parts):
            wrong = member_problem(info)
            read = member_reader(path, info) if wrong is None else refuse(wrong)
            found.append(Member(parts, where, read))
    sizes = {info.filename: min(info.file_size, LARGEST) for info in members}
    size = sum(sizes[name] for name in sizes if name.lower().endswith(NOTEBOOK))
    if size > LARGEST_ARCHIVE:
        raise InboxError(f"{path} would expand to more than {LARGEST_ARCHIVE / 1e9} GB")
    if is_wrapped([one.parts for one in found if one.is_notebook], stem):
        found = [replace(one, parts=one.parts[1:]) for one in found if one.parts[1:]]
    sorted_out = sort_members(found, stem, pattern)
    return Inbox(sorted_out.submissions, sorted(problems + sorted_out.problems))


def is_wrapped(paths: list[tuple[str, ...]], stem: str) -> bool:
    """Tell whether one folder holds all students' folders or files.

    Args:
        paths: of the notebooks.
        stem: the exercise.
    """
    tops = {parts[0] for parts in paths}
    if len(tops) != 1 or any(len(parts) == 1 for parts in paths):
        return False
    inner = [parts[1:] for parts in paths]
    if any(nbgrader.is_students(p, stem) or plain.is_students(p, stem) for p in inner):
        return False
    if any(map(is_platforms, tops)):
        return False
    students = {parts[0] for parts in inner}
    named = all(len(p) > 1 and p[-1] == f"{stem}{NOTEBOOK}" for p in inner)
    return len(students) > 1 or named or any(map(is_platforms, students))


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
