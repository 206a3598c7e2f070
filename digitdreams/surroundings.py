"""Faults of the surroundings in one line: a full disk, a closed folder, a quota.

They are no faults of the program, so a traceback helps nobody: the line names the true
cause and what to do. What is no such fault keeps its traceback.
"""

import errno
import functools
import os
import re
import shlex
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

from digitdreams import files, machine

Given = ParamSpec("Given")
Answer = TypeVar("Answer")

FULL = {errno.ENOSPC: "no space is left there", errno.EDQUOT: "your quota is used up"}
CLOSED = {errno.EACCES, errno.EPERM, errno.EROFS}
IN_THE_WAY = {errno.EEXIST, errno.EISDIR, errno.ENOTDIR}
IMPOSSIBLE = {errno.ELOOP, errno.ENAMETOOLONG}
BROKEN = {errno.EIO, errno.ENODEV, errno.ENXIO, errno.ESTALE, errno.ETIMEDOUT}
MEMORY = re.compile(
    "cannot allocate memory|failed to map segment|OOM when allocating|bad_alloc",
    re.IGNORECASE,
)
THREADS = re.compile(
    "can't start new thread|Resource temporarily unavailable|pthread_create|"
    "thread constructor failed",
    re.IGNORECASE,
)
# What SQLite says, as the number of a fault that a file has.
SQLITE = {
    "database or disk is full": errno.ENOSPC,
    "attempt to write a readonly database": errno.EROFS,
    "unable to open database file": errno.EACCES,
    "disk I/O error": errno.EIO,
}


def in_one_line(function: Callable[Given, Answer]) -> Callable[Given, Answer]:
    """Decorate a program: a fault of the surroundings ends it with one line."""

    @functools.wraps(function)
    def program(*args: Given.args, **kwargs: Given.kwargs) -> Answer:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            line = explained(error)
            if line is None:
                raise
            sys.exit(line)

    return program


def explained(error: BaseException) -> str | None:
    """The line that tells a fault of the surroundings, None for another error.

    An error that a library raised from such a fault counts as that fault.
    """
    cause: BaseException | None = error
    while cause is not None:
        line = of_one(getattr(cause, "orig", None) or cause)  # SQLAlchemy wraps one
        if line is not None:
            return line
        cause = cause.__cause__
    return None


def of_one(error: BaseException) -> str | None:
    """The line for one error, whatever it was raised from."""
    said = str(error).strip()
    if isinstance(error, MemoryError) or MEMORY.search(said):
        return (
            f"The memory ran out ({machine.memory_in_words()}): close other programs, "
            "or allow this one more"
        )
    if isinstance(error, sqlite3.OperationalError):
        number = SQLITE.get(said)
        return of_place(number, None) if number else None
    if isinstance(error, OSError) and error.errno is not None:
        return of_system(error)
    if isinstance(error, RuntimeError) and THREADS.search(said):
        return too_many_processes()
    if isinstance(error, ValueError) and said.startswith("A dask config file"):
        return f"{' '.join(said.split())}: mend or remove that file"
    return None


def of_system(error: OSError) -> str | None:
    """The line for an error of the operating system."""
    number, place = error.errno, error.filename
    if number == errno.EAGAIN and place is None:
        return too_many_processes()
    if number in (errno.EMFILE, errno.ENFILE):
        return (
            f"Too many files are open here ({machine.limit_in_words('NOFILE')}): "
            "allow more with `ulimit -n`"
        )
    if number == errno.ENOENT and place is None:
        if "temporary directory" in str(error):
            return (
                "No folder for temporary files can be written (looked in: "
                f"{str(error).partition('found in')[2].strip() or 'the usual ones'}): "
                "make room in one of them, or set TMPDIR to a folder with room"
            )
        return here_is_gone()
    if number == errno.EADDRNOTAVAIL:
        return (
            "This machine has no network of its own (127.0.0.1), over which a notebook "
            "is run: `ip link set lo up`, or ask whoever set up the container"
        )
    if place is None and number not in FULL:
        return None
    return of_place(number, place)


def of_place(number: int | None, place: object) -> str | None:
    """The line for a file or folder that cannot be used."""
    named = os.fsdecode(place) if isinstance(place, (str, bytes, os.PathLike)) else ""
    if number in FULL:
        where = named or "The disk"
        return f"{where}: {FULL[number]}: make room, or {another(named)}"
    if number in CLOSED:
        if is_ours(named) and not os.access(named, os.R_OK):
            return (
                f"{named}: it is closed to this user: whoever installed the course "
                f"types `chmod -R a+rX {shlex.quote(str(files.ROOT))}`"
            )
        said = os.strerror(number) if number else ""
        return f"{named or 'A file'}: {said}: {another(named)}"
    if number in IN_THE_WAY and number is not None:
        said = os.strerror(number)
        return f"{named}: {said}: move what stands there, or {another(named)}"
    if number in IMPOSSIBLE and number is not None:
        return f"{named}: {os.strerror(number)}: {another(named)}"
    if number in BROKEN and number is not None:
        where = named or "The disk"
        return f"{where}: {os.strerror(number)}: its disk or network drive is at fault"
    return None


def another(place: str) -> str:
    """What to do about a place that cannot be written."""
    try:
        temporary = Path(place).is_relative_to(tempfile.gettempdir())
    except OSError:  # there is no such folder, either
        temporary = False
    if place and temporary:
        return "set TMPDIR to a folder that you may write, with room"
    return (
        "choose a folder that you may write, for the course's own files with "
        "`digitdreams --home FOLDER ...`"
    )


def is_ours(place: str) -> bool:
    """Whether a place belongs to the installed course."""
    return bool(place) and Path(place).is_relative_to(files.ROOT)


def too_many_processes() -> str:
    return (
        f"No more processes or threads can be started here "
        f"({machine.limit_in_words('NPROC')}): end other programs, or allow more "
        "(`ulimit -u`, or the container's number of processes)"
    )


def here_is_gone() -> str | None:
    try:
        Path.cwd()
    except FileNotFoundError:
        return "The folder that you work in was removed: go to another one with `cd`"
    return None
