"""One notebook in one fresh kernel of this Python."""

import asyncio
import importlib.util
import logging
import os
import re
import signal
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any, Protocol, cast

import nbformat
import psutil
from ipykernel.kernelspec import get_kernel_dict
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

from digitdreams.authoring.outcomes import FAILED, MISSED, Number, finite
from digitdreams.course import CONTRACT_MIME, BarMissed
from digitdreams.files import relative
from digitdreams.remarks import is_remark, without_remarks

STARTUP_TIMEOUT = 120  # seconds; a cold disk and a busy machine are slow
SAMPLING = 0.2  # seconds between two looks at the kernel's memory

log = logging.getLogger(__name__)
log.addHandler(logging.NullHandler())


class Watcher(Protocol):
    """Who is told how a notebook proceeds."""

    def cell(self, count: int, total: int) -> None:
        """A code cell begins."""

    def numbers(self, numbers: list[Number]) -> None:
        """The notebook has published its numbers."""


def read_notebook(path: Path) -> NotebookNode:
    """Read a notebook without its stored outputs, so that none outlives a failure.

    Raises:
        FileNotFoundError, ValueError: with one legible line.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no notebook {relative(path)}")
    try:
        notebook = nbformat.read(path, as_version=4)
    except Exception as error:
        raise ValueError(
            f"{relative(path)} is not a readable notebook ({one_line(error)})"
        ) from error
    for cell in code_cells(notebook):
        cell.outputs = []
        cell.execution_count = None
    return notebook


class OwnKernelManager(AsyncKernelManager):
    """Starts kernels of this interpreter, whatever kernel specs are installed."""

    @property
    def kernel_spec(self) -> KernelSpec:
        return KernelSpec(**get_kernel_dict())


class Execution(NotebookClient):
    """One notebook in one fresh kernel: `run` fills its cells' outputs.

    After `run`, `failure` is None or (state, reason), `contract` holds what
    `course.expect` published and `peak_memory` the largest resident size, in bytes,
    of the kernel and its children together.
    """

    def __init__(
        self,
        notebook: NotebookNode,
        seed: int | None,
        timeout: float,
        progress: Watcher,
        models: Path | None = None,
    ):
        super().__init__(
            notebook,
            timeout=max(1, round(timeout)),
            startup_timeout=STARTUP_TIMEOUT,
            kernel_manager_class=OwnKernelManager,
            kernel_name="python3",
            coalesce_streams=True,
            record_timing=True,  # the leaderboard tells what training takes
            log=log,
        )
        self.environment: dict[str, str] = {}
        if seed is not None:
            self.environment["DIGITDREAMS_SEED"] = str(seed)
        if models is not None:
            self.environment["DIGITDREAMS_MODELS"] = str(models)
        self.progress = progress
        self.total = sum(1 for _ in code_cells(notebook))
        self.count = 0
        self.contract: dict[str, Any] = {}
        self.peak_memory = 0
        self.failure: tuple[str, str] | None = None
        self.completed = False

    def run(self, folder: Path) -> None:
        """Execute every cell with `folder` as the working directory."""
        # A file, not a pipe: nobody reads it unless the kernel dies.
        with (
            tempfile.TemporaryFile() as kernel_log,
            tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as settings,
        ):
            self.environment = {**environment(settings), **self.environment}
            try:
                asyncio.run(self.execute_all(folder, kernel_log))
            finally:
                drop_remarks(self.nb)

    async def execute_all(self, folder: Path, kernel_log: IO[bytes]) -> None:
        manager = cast(AsyncKernelManager, self.create_kernel_manager())
        sampler = None
        try:
            await manager.start_kernel(
                cwd=str(folder),
                env=self.environment,
                stdout=kernel_log,
                stderr=kernel_log,
            )
            pid = manager.provisioner.pid  # type: ignore[union-attr]
            sampler = asyncio.create_task(self.sample_memory(psutil.Process(pid)))
            await self.async_start_new_kernel_client()
            for index, cell in enumerate(self.nb.cells):
                if cell.cell_type == "code" and cell.source.strip():
                    self.count += 1
                    self.progress.cell(self.count, self.total)
                await self.async_execute_cell(
                    cell, index, execution_count=self.code_cells_executed + 1
                )
            self.completed = True
        except CellExecutionError as error:
            state = MISSED if error.ename == BarMissed.__name__ else FAILED
            said = one_line(error.evalue)
            reason = said if state == MISSED else f"{error.ename}: {said}"
            self.failure = state, f"{self.where()}: {reason}"
        except CellTimeoutError:
            self.failure = FAILED, f"{self.where()} took longer than {self.timeout} s"
        except DeadKernelError:
            task = asyncio.current_task()
            if task and task.cancelling():  # nbclient mistakes Ctrl-C for it
                raise asyncio.CancelledError from None
            provisioner = manager.provisioner
            status = await provisioner.poll() if provisioner else None
            self.failure = (
                FAILED,
                f"{self.where()}: {self.cause_of_death(status, kernel_log)}",
            )
        except RuntimeError as error:
            if self.count:
                raise
            said = last_line(kernel_log) or one_line(error)
            self.failure = FAILED, f"the kernel did not start: {said}"
        finally:
            if sampler:
                sampler.cancel()
            await self.shut_down(manager)

    async def shut_down(self, manager: AsyncKernelManager) -> None:
        # A kernel that hangs in a cell would not hear a polite request.
        await manager.shutdown_kernel(now=not self.completed)
        if self.kc is not None:
            self.kc.stop_channels()

    async def sample_memory(self, kernel: psutil.Process) -> None:
        while True:
            size = 0
            try:
                for process in (kernel, *kernel.children(recursive=True)):
                    size += process.memory_info().rss
            except psutil.Error:
                pass  # a process ended between listing and looking
            self.peak_memory = max(self.peak_memory, size)
            await asyncio.sleep(SAMPLING)

    def process_message(
        self, message: dict[str, Any], cell: NotebookNode, cell_index: int
    ) -> Any:
        result = super().process_message(message, cell, cell_index)
        data = message["content"].get("data") or {}
        if CONTRACT_MIME in data:
            self.contract = data[CONTRACT_MIME]
            self.progress.numbers([finite(one) for one in self.contract["numbers"]])
        return result

    def where(self) -> str:
        return f"cell [{self.count}] of {self.total}"

    def cause_of_death(self, status: int | None, kernel_log: IO[bytes]) -> str:
        """What is known of a dead kernel, in one line."""
        if status is None:
            return "the kernel died"
        if status >= 0:
            how = f"it ended with exit status {status}"
        else:
            how = f"signal {signal.Signals(-status).name}"
        if status == -9:
            how += ", often a sign that memory ran out"
        said = last_line(kernel_log)
        return f"the kernel died ({how})" + (
            f"; its last words: {said}" if said else ""
        )


def environment(settings: str) -> dict[str, str]:
    """The environment of a kernel: what a notebook makes looks the same everywhere.

    Without the user's own settings of IPython and Matplotlib, which are for other work.

    Args:
        settings: an empty folder, instead of that with IPython's settings.
    """
    variables = dict(os.environ, PYDEVD_DISABLE_FILE_VALIDATION="1")
    variables["IPYTHONDIR"] = settings
    variables.pop("PYTHONSTARTUP", None)
    found = importlib.util.find_spec("matplotlib")
    if found and found.origin:
        usual = Path(found.origin).parent / "mpl-data" / "matplotlibrc"
        variables["MATPLOTLIBRC"] = str(usual)
    return variables


def drop_remarks(notebook: NotebookNode) -> None:
    """Leave TensorFlow's own remarks out of what a notebook shows."""
    for cell in code_cells(notebook):
        kept = []
        for output in cell.outputs:
            if output.output_type == "stream" and output.name == "stderr":
                output.text = without_remarks(output.text)
                if not output.text.strip():
                    continue
            kept.append(output)
        cell.outputs = kept


def code_cells(notebook: NotebookNode) -> Iterable[NotebookNode]:
    """The cells that will be executed."""
    return (
        cell
        for cell in notebook.cells
        if cell.cell_type == "code" and cell.source.strip()
    )


def last_line(stream: IO[bytes]) -> str:
    """The line of a kernel's log that best tells why it ended."""
    stream.seek(0)
    lines = stream.read().decode(errors="replace").strip().splitlines()
    # Jupyter's own remarks say nothing of the end, nor do TensorFlow's
    lines = [
        line
        for line in lines
        if not line.startswith("[IPKernelApp]") and not is_remark(line)
    ]
    fatal = [line for line in lines if line.startswith("Fatal Python error")]
    return one_line((fatal or lines or [""])[-1])


def one_line(text: object) -> str:
    """The first line that says something, without terminal colours."""
    bare = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", str(text))
    lines = [line.strip() for line in bare.splitlines() if line.strip()]
    return lines[0][:300] if lines else ""
