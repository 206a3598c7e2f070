"""Run lessons as real notebooks, each in a fresh kernel, and record what they reach.

`run` executes notebooks one after the other, shows live progress, and keeps each
executed notebook together with `outcomes.json`: state, seconds, peak memory, and the
numbers that the notebook's `course.expect` published.
"""

import asyncio
import json
import logging
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import nbformat
import psutil
from ipykernel.kernelspec import get_kernel_dict
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from rich.console import Console, Group
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from digitdreams import course
from digitdreams.course import CONTRACT_MIME, Lesson

FOLDER = Path("build/run")
RECORD = "outcomes.json"
FORMAT = 1
TIMEOUT = 600  # seconds a cell
STARTUP_TIMEOUT = 120  # seconds; a cold disk and a busy machine are slow
SAMPLING = 0.2  # seconds between two looks at the kernel's memory

PASSED, MISSED, FAILED = "passed", "missed", "failed"
COLOURS = {PASSED: "green", MISSED: "red", FAILED: "red"}

log = logging.getLogger(__name__)
log.addHandler(logging.NullHandler())


@dataclass
class Outcome:
    """What became of one notebook.

    `numbers` are dictionaries as `course.expect` publishes them: name, label, unit,
    value (None where it was not finite), bar, sense, typical, stretch, limit, passed.
    """

    lesson: str  # the lesson's id, such as "03"
    stem: str
    exercise: bool = False
    state: str = FAILED  # "passed", "missed" (a bar) or "failed"
    seconds: float = 0.0
    peak_memory_mb: float = 0.0
    numbers: list[dict] = field(default_factory=list)
    path: Path | None = None  # the executed notebook; None where nothing ran
    reason: str = ""  # one line; empty when the notebook passed
    seed: int | None = None
    machine: str = ""
    finished: str = ""  # ISO 8601, UTC

    @property
    def passed(self) -> bool:
        return self.state == PASSED

    @property
    def file_name(self) -> str:
        """The executed notebook's name; an exercise is kept beside its lesson."""
        return f"{self.stem}_exercise.ipynb" if self.exercise else f"{self.stem}.ipynb"


# Running ------------------------------------------------------------------------


def run(
    lessons: Iterable[Lesson],
    seed: int | None = None,
    exercise: bool = False,
    folder: Path = FOLDER,
    console: Console | None = None,
    timeout: float = TIMEOUT,
    root: Path = course.ROOT,
) -> list[Outcome]:
    """Execute lessons in order; a lesson that fails does not stop the others.

    Args:
        lessons: entries of `course.load().lessons`.
        seed: given to the notebooks as DIGITDREAMS_SEED; None leaves it as it is.
        exercise: run the exercises' solutions, in a scratch copy of their folders.
        folder: where executed notebooks and `outcomes.json` go; relative to `root`.
        console: where progress is shown; one plain line per event in a log file.
        timeout: seconds that one cell may take.
        root: the folder that holds `lessons/` and `solutions/`.

    Returns:
        One outcome per lesson, in order.

    Raises:
        KeyboardInterrupt: on Ctrl-C, after the kernel was shut down. Lessons that
            had finished are kept.
    """
    lessons = list(lessons)
    console = console or Console()
    folder = root / folder
    folder.mkdir(parents=True, exist_ok=True)
    outcomes: list[Outcome] = []
    with show_progress(console, lessons, seed) as progress:
        for lesson in lessons:
            progress.start(lesson)
            try:
                outcome = run_one(
                    lesson, seed, exercise, folder, timeout, root, progress
                )
            except KeyboardInterrupt:
                progress.interrupt(lesson)
                raise
            record(outcome, folder)
            outcomes.append(outcome)
            progress.finish(lesson, outcome)
        progress.summarise(outcomes)
    return outcomes


def source_of(lesson: Lesson, exercise: bool, root: Path = course.ROOT) -> Path:
    """The notebook to run: the lesson, or its exercise with the solution."""
    if exercise:
        return root / "solutions" / lesson.stem / f"{lesson.stem}.ipynb"
    return root / "lessons" / f"{lesson.stem}.ipynb"


def run_one(
    lesson: Lesson,
    seed: int | None,
    exercise: bool,
    folder: Path,
    timeout: float,
    root: Path,
    progress: "Progress",
) -> Outcome:
    """Execute one notebook and keep it in `folder`, whatever becomes of it."""
    source = source_of(lesson, exercise, root)
    outcome = Outcome(lesson.id, lesson.stem, exercise, seed=seed, machine=machine())
    began = time.monotonic()
    try:
        notebook = read_notebook(source)
    except (OSError, ValueError) as error:
        outcome.reason = one_line(error)
        (folder / outcome.file_name).unlink(missing_ok=True)
    else:
        execution = Execution(notebook, seed, timeout, progress)
        with (
            scratch_copy(source.parent)
            if exercise
            else nullcontext(source.parent) as at
        ):
            execution.run(Path(at))
        judge(outcome, execution, lesson)
        outcome.path = folder / outcome.file_name
        write_atomically(outcome.path, nbformat.writes(notebook))
    outcome.seconds = round(time.monotonic() - began, 1)
    outcome.finished = datetime.now(UTC).isoformat(timespec="seconds")
    return outcome


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


class scratch_copy(tempfile.TemporaryDirectory):
    """A copy of a folder that lasts for the length of a `with` block."""

    def __init__(self, folder: Path):
        super().__init__(prefix="digitdreams-", ignore_cleanup_errors=True)
        self.folder = folder

    def __enter__(self) -> str:
        return shutil.copytree(self.folder, Path(self.name) / self.folder.name)


def judge(outcome: Outcome, execution: "Execution", lesson: Lesson) -> None:
    """Turn what an execution left into the outcome's state, reason and numbers."""
    contract = execution.contract
    outcome.numbers = [legible(number) for number in contract.get("numbers", [])]
    outcome.peak_memory_mb = round(execution.peak_memory / 1e6, 1)
    expected = lesson.exercise_numbers if outcome.exercise else lesson.numbers
    missing = {one.name for one in expected} - {one["name"] for one in outcome.numbers}
    if execution.failure is not None:
        outcome.state, outcome.reason = execution.failure
    elif contract and contract["lesson"] != lesson.id:
        outcome.reason = f"the notebook calls itself lesson {contract['lesson']}"
    elif contract and outcome.seed not in (None, contract["seed"]):
        outcome.reason = (
            f"the notebook used seed {contract['seed']} where {outcome.seed} was asked"
        )
    elif missing:
        outcome.reason = "the notebook ended without giving course.expect " + ", ".join(
            sorted(missing)
        )
    elif not all(number["passed"] for number in outcome.numbers):
        outcome.state, outcome.reason = MISSED, "a bar was missed"
    else:
        outcome.state = PASSED
    if contract:
        outcome.seed = contract["seed"]


def legible(number: dict) -> dict:
    """A published number whose value is a finite float or None."""
    value = number["value"]
    finite = isinstance(value, (int, float)) and abs(value) < float("inf")
    return {**number, "value": value if finite else None}


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
        progress: "Progress",
    ):
        super().__init__(
            notebook,
            timeout=max(1, round(timeout)),
            startup_timeout=STARTUP_TIMEOUT,
            kernel_manager_class=OwnKernelManager,
            kernel_name="python3",
            coalesce_streams=True,
            record_timing=False,
            log=log,
        )
        self.environment = dict(os.environ, PYDEVD_DISABLE_FILE_VALIDATION="1")
        if seed is not None:
            self.environment["DIGITDREAMS_SEED"] = str(seed)
        self.progress = progress
        self.total = sum(1 for _ in code_cells(notebook))
        self.count = 0
        self.contract: dict = {}
        self.peak_memory = 0
        self.failure: tuple[str, str] | None = None
        self.completed = False

    def run(self, folder: Path) -> None:
        """Execute every cell with `folder` as the working directory."""
        # A file, not a pipe: nobody reads it unless the kernel dies.
        with tempfile.TemporaryFile() as kernel_log:
            asyncio.run(self.execute_all(folder, kernel_log))

    async def execute_all(self, folder: Path, kernel_log) -> None:
        manager = self.create_kernel_manager()
        sampler = None
        try:
            await manager.start_kernel(
                cwd=str(folder),
                env=self.environment,
                stdout=kernel_log,
                stderr=kernel_log,
            )
            process = psutil.Process(manager.provisioner.pid)
            sampler = asyncio.create_task(self.sample_memory(process))
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
            state = MISSED if error.ename == course.BarMissed.__name__ else FAILED
            said = one_line(error.evalue)
            reason = said if state == MISSED else f"{error.ename}: {said}"
            self.failure = state, f"{self.where()}: {reason}"
        except CellTimeoutError:
            self.failure = FAILED, f"{self.where()} took longer than {self.timeout} s"
        except DeadKernelError:
            if asyncio.current_task().cancelling():  # nbclient mistakes Ctrl-C for it
                raise asyncio.CancelledError from None
            status = await manager.provisioner.poll()
            self.failure = (
                FAILED,
                f"{self.where()}: {self.obituary(status, kernel_log)}",
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

    def process_message(self, message: dict, cell: NotebookNode, cell_index: int):
        result = super().process_message(message, cell, cell_index)
        data = message["content"].get("data") or {}
        if CONTRACT_MIME in data:
            self.contract = data[CONTRACT_MIME]
            self.progress.numbers([legible(one) for one in self.contract["numbers"]])
        return result

    def where(self) -> str:
        return f"cell [{self.count}] of {self.total}"

    def obituary(self, status: int | None, kernel_log) -> str:
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


def code_cells(notebook: NotebookNode) -> Iterable[NotebookNode]:
    """The cells that will be executed."""
    return (
        cell
        for cell in notebook.cells
        if cell.cell_type == "code" and cell.source.strip()
    )


def last_line(stream) -> str:
    """The line of a kernel's log that best tells why it ended."""
    stream.seek(0)
    lines = stream.read().decode(errors="replace").strip().splitlines()
    # Jupyter's own remarks say nothing of the end
    lines = [line for line in lines if not line.startswith("[IPKernelApp]")]
    fatal = [line for line in lines if line.startswith("Fatal Python error")]
    return one_line((fatal or lines or [""])[-1])


def one_line(text: object) -> str:
    """The first line that says something, without terminal colours."""
    bare = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", str(text))
    lines = [line.strip() for line in bare.splitlines() if line.strip()]
    return lines[0][:300] if lines else ""


# The record ---------------------------------------------------------------------


def record(outcome: Outcome, folder: Path) -> None:
    """Write an outcome into the folder's outcomes.json, in place of an older one."""
    others = {(one.lesson, one.exercise): one for one in read_outcomes(folder)}
    others[outcome.lesson, outcome.exercise] = outcome
    entries = []
    for key in sorted(others):
        entry = asdict(others[key])
        entry["path"] = entry["path"] and entry["path"].name
        entries.append(entry)
    content = {"format": FORMAT, "outcomes": entries}
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    write_atomically(folder / RECORD, text + "\n")


def read_outcomes(folder: Path = course.ROOT / FOLDER) -> list[Outcome]:
    """Read outcomes.json; a record that is absent or from another version is empty."""
    try:
        content = json.loads((folder / RECORD).read_text("utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return []
    if content.get("format") != FORMAT:
        return []
    for entry in content["outcomes"]:
        entry["path"] = entry["path"] and folder / entry["path"]
    return [Outcome(**entry) for entry in content["outcomes"]]


def write_atomically(path: Path, text: str) -> None:
    """Write a whole text file or, on any trouble, leave the old one as it was."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        # mkstemp makes private files; a page or a course.toml is for everyone
        os.chmod(name, path.stat().st_mode & 0o777 if path.exists() else 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def machine() -> str:
    """This machine in words, without names: `2 cores, AMD EPYC, 24 GB`."""
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    memory = round(psutil.virtual_memory().total / 2**30)
    plural = "" if cores == 1 else "s"
    return f"{cores} core{plural}, {processor()}, {memory} GB"


def processor() -> str:
    """The processor's model, such as `AMD EPYC`."""
    model = ""
    if sys.platform == "linux":
        text = Path("/proc/cpuinfo").read_text("utf-8", errors="replace")
        found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
        model = found[1] if found else ""
    elif sys.platform == "darwin":
        command = ["sysctl", "-n", "machdep.cpu.brand_string"]
        model = subprocess.run(command, capture_output=True, text=True).stdout
    model = model or platform.processor() or platform.machine()
    model = re.sub(r"\((R|TM)\)|@.*|\b(CPU|Processor|\d+-Core)\b", "", model)
    return " ".join(model.split())


# Showing ------------------------------------------------------------------------


def amount(value: float | None, unit: str = "") -> str:
    """A measured value as people read it: `145.20 nats`, `0.9923`."""
    if value is None:
        return "not a number"
    digits = f"{value:.4g}" if abs(value) < 10 else f"{value:,.2f}"
    return f"{digits} {unit}".rstrip()


def duration(seconds: float) -> str:
    """`48 s` or `2 min 05 s`."""
    seconds = round(seconds)
    if seconds < 60:
        return f"{seconds} s"
    return f"{seconds // 60} min {seconds % 60:02d} s"


def verdict(number: dict) -> str:
    """`reached`, `missed` or `stretch reached`."""
    if not number["passed"]:
        return "missed"
    stretch, value = number.get("stretch"), number["value"]
    if stretch is not None:
        further = value < stretch if number["sense"] == "below" else value > stretch
        if further:
            return "stretch reached"
    return "reached"


def sentence(number: dict) -> str:
    """`test accuracy 0.9921, above 0.99: reached`."""
    return (
        f"{number['label']} {amount(number['value'], number['unit'])}, "
        f"{number['sense']} {number['bar']:g}: {verdict(number)}"
    )


def relative(path: Path) -> str:
    """A path as seen from the working directory, where it lies below it."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def counted(outcomes: list[Outcome]) -> str:
    """`4 lessons: 3 passed, 1 failed (02)`."""
    parts = []
    for state in (PASSED, MISSED, FAILED):
        ids = [one.lesson for one in outcomes if one.state == state]
        if ids:
            named = "" if state == PASSED else f" ({', '.join(ids)})"
            words = "missed a bar" if state == MISSED else state
            parts.append(f"{len(ids)} {words}{named}")
    plural = "" if len(outcomes) == 1 else "s"
    return f"{len(outcomes)} lesson{plural}: " + ", ".join(parts)


class Progress:
    """What the two ways of showing progress have in common."""

    def __init__(self, console: Console, lessons: list[Lesson], seed: int | None):
        self.console = console
        self.total = len(lessons)
        self.seed = seed

    def __enter__(self):
        return self

    def __exit__(self, *error) -> None:
        pass

    def start(self, lesson: Lesson) -> None:
        """A lesson begins."""

    def cell(self, count: int, total: int) -> None:
        """A code cell begins."""

    def numbers(self, numbers: list[dict]) -> None:
        """The notebook has published its numbers."""

    def finish(self, lesson: Lesson, outcome: Outcome) -> None:
        """A lesson has ended."""

    def interrupt(self, lesson: Lesson) -> None:
        """Someone pressed Ctrl-C."""
        self.print(
            f"{lesson.id} {lesson.title}: interrupted; what had finished is kept"
        )

    def summarise(self, outcomes: list[Outcome]) -> None:
        """All lessons have ended."""

    def print(self, line: str) -> None:
        """Print one plain line, however long."""
        self.console.print(line, markup=False, highlight=False, soft_wrap=True)


class PlainProgress(Progress):
    """One line when a lesson starts and one when it ends: for logs."""

    def start(self, lesson: Lesson) -> None:
        seed = "" if self.seed is None else f", seed {self.seed}"
        self.print(
            f"{lesson.id} {lesson.title}: started (about {lesson.minutes:g} min{seed})"
        )

    def finish(self, lesson: Lesson, outcome: Outcome) -> None:
        parts = [
            f"{outcome.state} in {duration(outcome.seconds)}, "
            f"peak {outcome.peak_memory_mb:,.0f} MB"
        ]
        parts += [sentence(number) for number in outcome.numbers]
        if outcome.reason:
            parts.append(outcome.reason)
        if outcome.path and not outcome.passed:
            parts.append(f"kept as {relative(outcome.path)}")
        self.print(f"{lesson.id} {lesson.title}: " + "; ".join(parts))

    def summarise(self, outcomes: list[Outcome]) -> None:
        if len(outcomes) > 1:
            self.print(counted(outcomes))


class LiveProgress(Progress):
    """A block that is redrawn in place; finished lessons stay above it."""

    def __init__(self, console: Console, lessons: list[Lesson], seed: int | None):
        super().__init__(console, lessons, seed)
        self.done = 0
        self.began = time.monotonic()
        self.lesson: Lesson | None = None
        self.live = Live(
            console=console,
            get_renderable=self.draw,
            refresh_per_second=4,
            transient=True,
        )

    def __enter__(self):
        self.live.start()
        return self

    def __exit__(self, *error) -> None:
        self.lesson = None
        self.live.stop()

    def start(self, lesson: Lesson) -> None:
        self.count, self.cells, self.published = 0, 0, []
        self.lesson_began = time.monotonic()
        self.lesson = lesson

    def cell(self, count: int, total: int) -> None:
        self.count, self.cells = count, total
        self.live.refresh()

    def numbers(self, numbers: list[dict]) -> None:
        self.published = numbers
        self.live.refresh()

    def draw(self) -> Group:
        lesson = self.lesson
        if lesson is None:
            return Group()
        elapsed = duration(time.monotonic() - self.lesson_began)
        where = f"cell {self.count}/{self.cells}" if self.count else "starting"
        line = Table.grid(padding=(0, 2))
        bar = ProgressBar(self.cells or 1, max(0, self.count - 1), width=16)
        line.add_row(
            Text("running", style="yellow"),
            Text(f"{lesson.id} {lesson.title}", style="bold"),
            bar,
            Text(where),
            Text(elapsed),
        )
        rows = [Text(""), line]
        if self.published:
            rows.append(table_of(self.published))
        if self.total > 1 or self.seed is not None:
            seed = "" if self.seed is None else f", seed {self.seed}"
            spent = duration(time.monotonic() - self.began)
            rows.append(
                Text(f"{self.done} of {self.total} done, {spent}{seed}", style="dim")
            )
        return Group(*rows)

    def finish(self, lesson: Lesson, outcome: Outcome) -> None:
        self.lesson = None
        self.live.refresh()
        self.done += 1
        colour = COLOURS[outcome.state]
        head = Text.assemble(
            (f"{outcome.state:7}", f"bold {colour}"),
            (f"  {lesson.id} {lesson.title}", "bold"),
            f"  {duration(outcome.seconds)}, {outcome.peak_memory_mb:,.0f} MB",
        )
        parts = [head]
        if outcome.numbers:
            parts.append(table_of(outcome.numbers))
        if outcome.reason:
            parts.append(Padding(Text(outcome.reason, style=colour), (0, 0, 0, 9)))
        if outcome.path and not outcome.passed:
            kept = Text(f"kept as {relative(outcome.path)}")
            parts.append(Padding(kept, (0, 0, 0, 9)))
        self.console.print(Group(*parts))

    def summarise(self, outcomes: list[Outcome]) -> None:
        if len(outcomes) > 1:
            spent = duration(time.monotonic() - self.began)
            passed = all(one.passed for one in outcomes)
            style = "bold green" if passed else "bold red"
            self.console.print(Text(f"{counted(outcomes)}, {spent}", style=style))


def show_progress(
    console: Console, lessons: list[Lesson], seed: int | None
) -> Progress:
    """Live where someone is watching, plain lines in a log."""
    watched = console.is_terminal and not console.is_dumb_terminal
    return (LiveProgress if watched else PlainProgress)(console, lessons, seed)


def table_of(numbers: list[dict]) -> Table:
    """Numbers against their bars, for a terminal."""
    table = Table.grid(padding=(0, 2))
    for number in numbers:
        state = verdict(number)
        colour = "red" if state == "missed" else "green"
        table.add_row(
            "       ",
            Text(number["label"]),
            Text(amount(number["value"], number["unit"]), justify="right"),
            Text(f"{number['sense']} {number['bar']:g}"),
            Text(state, style=colour),
        )
    return table
