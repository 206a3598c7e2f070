"""Make nbval's failures say in their first line what happened, and order notebooks.

Name this folder on pytest's command line beside the notebooks, as `make test` does.
"""

import re
import time
from queue import Empty

import pytest
from nbval.kernel import RunningKernel
from nbval.plugin import IPyNbCell, NbCellError

from digitdreams import course
from digitdreams.grading import sandbox

COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def await_reply(kernel: RunningKernel, message_id: str, timeout: float) -> None:
    """Wait for the reply to a cell, as nbval does, but notice a kernel's death.

    nbval itself waits for the cell's whole timeout and calls that a timeout.

    Raises:
        Empty: no reply within `timeout` seconds.
        RuntimeError: the kernel died, or did not take the cell.
    """
    end = time.monotonic() + timeout
    while True:
        try:
            left = max(0.0, min(1.0, end - time.monotonic()))
            message = kernel.get_message(stream="shell", timeout=left)
        except Empty:
            if not kernel.is_alive():
                raise RuntimeError("the kernel died in this cell") from None
            if time.monotonic() >= end:
                raise
            continue
        if message["parent_header"].get("msg_id") == message_id:
            if message["content"]["status"] == "aborted":
                raise RuntimeError("the kernel did not take this cell")
            return


RunningKernel.await_reply = await_reply


def what_happened(error: BaseException) -> str:
    """One line: the notebook's own exception where there is one."""
    if isinstance(error, NbCellError) and error.inner_traceback:
        bare = COLOURS.sub("", error.inner_traceback)
        lines = [line.strip() for line in bare.splitlines() if line.strip()]
        said = lines[-1]
        if str(error) != "Cell execution caused an exception":
            said = f"{error} ({said})"
        return said
    return str(error)


def repr_failure(cell: IPyNbCell, failure: pytest.ExceptionInfo) -> str:
    """nbval's report of a failed cell, below one line that says what happened."""
    return f"{what_happened(failure.value)}\n\n{nbval_report(cell, failure)}"


nbval_report, IPyNbCell.repr_failure = IPyNbCell.repr_failure, repr_failure


GRADES = "test_exercise_attacks.py"  # the solutions, with their trainings


def sandbox_works() -> bool:
    try:
        sandbox.probe()
    except sandbox.SandboxUnavailable:
        return False
    return True


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Put notebooks in order, and leave out solutions that are graded elsewhere.

    Workers take whole notebooks in this order: first those whose generators others
    need, last those that need them, so that they are there; of each the longest first.
    Where the solutions are graded in the same run, the sandbox runs all their cells
    and asks their functions and trainings for more than the notebooks do.
    """
    lessons = course.load().lessons
    minutes = {one.stem: one.minutes for one in lessons}
    needing = {one.stem for one in lessons if one.needs}
    needed = {one.stem for one in lessons for other in lessons if one.id in other.needs}
    cells = [item for item in items if isinstance(item, IPyNbCell)]
    others = [item for item in items if not isinstance(item, IPyNbCell)]
    cells.sort(
        key=lambda item: (
            item.path.stem in needing,
            is_solution(item),
            item.path.stem not in needed,
            -minutes.get(item.path.stem, 0),
        )
    )
    if any(item.path.name == GRADES for item in others) and sandbox_works():
        config.hook.pytest_deselected(items=[*filter(is_solution, cells)])
        cells = [item for item in cells if not is_solution(item)]
    items[:] = [*others, *cells]  # what is slow is put behind them by tests/conftest.py


def is_solution(item: pytest.Item) -> bool:
    return item.path.parents[1].name == "solutions"
