"""What a worker of the cluster does: grade one submission with the files of today.

A worker may live for weeks, while the course is updated under it. So every order
carries the stamp of all that decides about its marks. The worker takes the stamp of
its own files before and after it grades; when they are not those that it has loaded,
it imports every module of ours anew. Only this one and the one of the results stay:
Dask's own thread, which must never import while that happens, reads and writes their
classes. They import no other module of ours before they work.
"""

import contextlib
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitdreams.grading import result as results
from digitdreams.grading.result import Graded, Result, State, SubmittedCell

if TYPE_CHECKING:
    from digitdreams.grading.exercise import Exercise

PACKAGE = "digitdreams"
KEPT = {__name__: Path(__file__), results.__name__: Path(results.__file__)}
OTHER_VERSION = "this worker has another version of the course or the package"
START_AGAIN = "the package has changed here: start this worker again"


@dataclass(frozen=True)
class Order:
    """What a worker has to know besides the submission.

    Attributes:
        stem: the exercise.
        root: the course's folder there; None for the one of the worker's package.
        secret: from which the hidden inputs come.
        limits: the fields of `grading.sandbox.Limits`; None for the usual ones.
        unsafe: run without the sandbox.
        stamp: of all that decides about the marks (see `grading.stamp`); the worker
            refuses when its own files give another one.
    """

    stem: str
    root: str | None
    secret: str = field(repr=False)
    limits: Mapping[str, Any] | None = None
    unsafe: bool = False
    stamp: str = ""


class OtherVersion(Exception):
    """The worker's files are not those that the order was made with."""


@dataclass
class Loaded:
    """The exercise that this process has read, and the stamp that it had."""

    stamp: str
    exercise: "Exercise"


_loaded: Loaded | None = None
# Python before 3.11.5 also fails where two threads read programs (`ast`) at once.
_reading = threading.Lock()
_kept = [path.read_bytes() for path in KEPT.values()]


def forget_modules() -> None:
    """Import every module of ours anew when it is needed next, but for those kept."""
    for name in list(sys.modules):
        if name.partition(".")[0] == PACKAGE and name not in KEPT:
            del sys.modules[name]


def check_version(order: Order) -> None:
    """Compare the order's stamp with that of the files here, as they are now.

    Raises:
        OtherVersion: they differ.
    """
    from digitdreams.grading.stamp import of_marks

    if [path.read_bytes() for path in KEPT.values()] != _kept:
        raise OtherVersion(START_AGAIN)
    root = Path(order.root) if order.root else None
    found = of_marks(order.stem, order.secret, order.limits, order.unsafe, root)
    if found != order.stamp:
        raise OtherVersion(OTHER_VERSION)


def load_exercise(order: Order) -> "Exercise":
    """The exercise as the files here have it, read once for all its submissions.

    Raises:
        OtherVersion: these are not the files that the order was made with.
    """
    global _loaded
    with _reading:
        if _loaded is None or _loaded.stamp != order.stamp:
            _loaded = None
            forget_modules()
            check_version(order)
            from digitdreams.files import ROOT
            from digitdreams.grading.exercise import Exercise

            root = Path(order.root) if order.root else ROOT
            _loaded = Loaded(order.stamp, Exercise.load(order.stem, root))
        check_version(order)  # also: nothing changed while it was read
        return _loaded.exercise


def grade_one(order: Order, notebook: bytes) -> Graded:
    """Grade one submission: this is the work that the cluster does.

    Whatever goes wrong here is not the student's fault: `marking.grade` turns all that
    a submission can do into a state. It comes back with the state `INFRASTRUCTURE`.
    """
    try:
        exercise = load_exercise(order)
        from digitdreams.grading import marking, rebuild, sandbox

        limits = sandbox.Limits(**(order.limits or {}))
        result = marking.grade(notebook, exercise, order.secret, limits, order.unsafe)
        cells: tuple[SubmittedCell, ...] = ()
        with contextlib.suppress(rebuild.Refused):
            cells = tuple(rebuild.submitted(notebook, exercise))
        with _reading:  # nothing changed while the sandbox showed the files
            check_version(order)
        return Graded(result, cells)
    except OtherVersion as error:
        return failure(str(error))
    except Exception as error:
        return failure(f"{type(error).__name__}: {error}")


def failure(reason: str) -> Graded:
    """What comes back when the machine and not the student is to blame."""
    return Graded(Result(State.INFRASTRUCTURE, notes=[reason]))


def probe_here() -> str | None:
    """Why this machine cannot run student code, None where it can."""
    from digitdreams.grading import sandbox

    try:
        sandbox.probe()
    except sandbox.SandboxUnavailable as error:
        return str(error)
    return None


def examine_here(order: Order, probe: bool) -> str | None:
    """Why this worker cannot grade, None where it can."""
    reason = probe_here() if probe else None
    if reason:
        return reason
    try:
        load_exercise(order)
    except OtherVersion as error:
        return str(error)
    except Exception as error:
        return f"the exercise cannot be loaded: {type(error).__name__}: {error}"
    return None
