"""Grade many submissions at once on a Dask cluster.

Workers run `grade_one`; student code runs only in the sandbox that it starts.
Only a few submissions are in flight at a time, so that the queue costs no
memory, and results come back to one place, which owns the gradebook.
"""

import contextlib
import functools
import hashlib
import logging
import os
import queue
import shutil
import signal
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dask
import psutil
from distributed import Client, LocalCluster, Security, WorkerPlugin
from distributed.client import FutureCancelledError, FuturesCancelledError
from distributed.comm import CommClosedError
from distributed.scheduler import KilledWorker

from digitdreams.files import ROOT
from digitdreams.grading.inbox import Unreadable

WRITTEN = "written"
INFRASTRUCTURE = "infrastructure"
TRIES = 3  # of one submission, counting those that an infrastructure failure ended
IN_FLIGHT = 2  # submissions a worker: one running, one there already
PATIENCE = 120.0  # seconds without any worker until the run stops
TICK = 0.5  # seconds between two looks at the progress

# Modules that decide no mark; when another one changes, everything is graded again.
DECIDING_NOTHING = frozenset(
    {
        *("book", "commands", "feedback", "inbox"),
        *("handbook", "release", "report", "schedule", "similarity"),
    }
)


class SchedulingError(Exception):
    """The cluster cannot be used; the message says what to do."""


def fingerprint(stem: str, root: Path, secret: str, limits: Any, unsafe: bool) -> str:
    """All that decides about marks besides the submission, as one short text."""
    package = Path(__file__).resolve().parents[1]
    files = [package / name for name in ("checks.py", "tasks.py", "course.py")]
    files += sorted(
        one
        for one in (package / "grading").glob("*.py")
        if one.stem not in DECIDING_NOTHING
    )
    files += [
        root / "sources" / "tasks" / f"{stem}.py",
        root / "exercises" / stem / f"{stem}.ipynb",
        root / "exercises" / stem / "checks.json",
        root / "course.toml",
    ]
    total = hashlib.sha256(f"{stem}\0{secret}\0{limits!r}\0{unsafe}".encode())
    for file in files:
        content = file.read_bytes() if file.exists() else b""
        total.update(hashlib.sha256(content).digest())
    return total.hexdigest()


class Stopped(Exception):
    """The run was asked to stop."""


# On the worker ------------------------------------------------------------------------


@dataclass(frozen=True)
class Order:
    """What a worker has to know besides the submission.

    Attributes:
        stem: the exercise.
        root: the course's folder there; None for the one of the worker's package.
        secret: from which the hidden inputs come.
        limits: see `grading.sandbox.Limits`; None for the usual ones.
        unsafe: run without the sandbox.
        fingerprint: the worker refuses when its own files give another one.
    """

    stem: str
    root: str | None
    secret: str = field(repr=False)
    limits: Any = None
    unsafe: bool = False
    fingerprint: str = ""


OTHER_VERSION = "this worker has another version of the course or the package"


def root_of(order: Order) -> Path:
    return Path(order.root) if order.root else ROOT


@functools.lru_cache(maxsize=4)
def load_exercise(stem: str, root: Path, fingerprint: str):
    """The exercise as this worker has it, read once for all submissions."""
    from digitdreams.grading.exercise import Exercise

    return Exercise.load(stem, root)


def grade_one(order: Order, notebook: bytes) -> dict:
    """Grade one submission: this is the work that the cluster does.

    Returns:
        `grading.marking.Result` as a dictionary, and under `written` the cells that
        the student handed in; with the state `infrastructure` when the machine and
        not the student is to blame.
    """
    root = root_of(order)
    own = fingerprint(order.stem, root, order.secret, order.limits, order.unsafe)
    if own != order.fingerprint:
        return failure(OTHER_VERSION)
    # Whatever goes wrong here is not the student's fault: `grade` itself turns
    # everything that a submission can do into a state.
    try:
        from digitdreams.grading import marking, rebuild

        exercise = load_exercise(order.stem, root, order.fingerprint)
        limits = {} if order.limits is None else {"limits": order.limits}
        result = marking.grade(
            notebook, exercise, order.secret, unsafe=order.unsafe, **limits
        )
        written = []
        with contextlib.suppress(rebuild.Refused):
            for name, kind, source in rebuild.read(notebook):
                written.append({"id": name, "kind": kind, "source": source})
        found = result.as_dict()
        del found["text"]  # the same is in `written`, cell by cell
        return {**found, WRITTEN: written}
    except Exception as error:
        return failure(f"{type(error).__name__}: {error}")


def failure(reason: str) -> dict:
    """A result that is nobody's mark."""
    return {
        "state": INFRASTRUCTURE,
        "tasks": [],
        "seconds": 0.0,
        "peak_memory_mb": 0.0,
        "output": "",
        "notes": [reason],
        "unsafe": False,
        WRITTEN: [],
    }


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
    root = root_of(order)
    own = fingerprint(order.stem, root, order.secret, order.limits, order.unsafe)
    if own != order.fingerprint:
        return OTHER_VERSION
    try:
        load_exercise(order.stem, root, order.fingerprint)
    except Exception as error:
        return f"the exercise cannot be loaded: {type(error).__name__}: {error}"
    return None


def examine_workers(client: Client, order: Order, probe: bool = True) -> None:
    """Make sure that every worker can grade, before anything is queued.

    Raises:
        SchedulingError: one cannot; the message says what to mend there.
    """
    for worker, reason in client.run(examine_here, order, probe).items():
        if reason:
            raise SchedulingError(f"The worker {worker} cannot grade: {reason}")


# Clusters -----------------------------------------------------------------------------

SCRATCH = "digitdreams-cluster-"
SETTINGS = {
    "distributed.admin.tick.limit": "1h",  # no warnings when the machine is busy
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
}
OURS = ("distributed", "tornado")  # loggers of Dask and of what it is made with


def sweep() -> int:
    """Remove the folders of runs that were killed; return how many there were."""
    swept = 0
    for folder in Path(tempfile.gettempdir()).glob(f"{SCRATCH}*"):
        number = folder.name.removeprefix(SCRATCH).partition("-")[0]
        with contextlib.suppress(OSError, ValueError):
            ours = folder.lstat().st_uid == os.getuid() and not folder.is_symlink()
            if ours and not psutil.pid_exists(int(number)):
                shutil.rmtree(folder, ignore_errors=True)
                swept += 1
    return swept


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder for the cluster's own files, gone with it."""
    sweep()
    folder = Path(tempfile.mkdtemp(prefix=f"{SCRATCH}{os.getpid()}-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class LeaveInterrupts(WorkerPlugin):
    """Let the run end workers: Ctrl+C in a terminal reaches them at the same time."""

    name = "leave-interrupts"

    def setup(self, worker) -> None:
        with contextlib.suppress(ValueError):  # not the main thread
            signal.signal(signal.SIGINT, lambda *_: None)


@contextlib.contextmanager
def local_cluster(workers: int | None = None) -> Iterator[Client]:
    """A cluster in this machine with one worker a core.

    Its parts speak TLS with certificates made for this run: a Dask scheduler runs
    what anybody sends it, and other people may have accounts on this machine.
    """
    count = workers or len(os.sched_getaffinity(0))
    with scratch_folder() as folder, quiet():
        cluster = LocalCluster(
            n_workers=count,
            threads_per_worker=1,
            processes=True,
            protocol="tls",
            security=Security.temporary(),
            dashboard_address="127.0.0.1:0",  # its pages are switched off in `quiet`
            memory_limit=0,  # the sandbox has its own, and the worker holds little
            local_directory=str(folder),
            silence_logs=logging.CRITICAL,
        )
        try:
            with Client(cluster) as client:
                client.register_plugin(LeaveInterrupts())
                yield client
        finally:
            cluster.close(timeout=60)


@contextlib.contextmanager
def remote_cluster(
    address: str,
    authority: str | None = None,
    certificate: str | None = None,
    key: str | None = None,
    patience: float = 20,
) -> Iterator[Client]:
    """An existing cluster, by TLS only.

    Args:
        address: `tls://host:port` of its scheduler.
        authority: file of the certificate authority; Dask's own settings
            (`distributed.comm.tls`) are used for what is left out here.
        certificate: file of our certificate.
        key: file of its private key.
        patience: seconds until the scheduler must have answered.

    Raises:
        SchedulingError: the address is not TLS, a file is missing, nobody answers.
    """
    if not address.startswith("tls://"):
        raise SchedulingError(
            f"{address} is not of the form tls://host:port. Without TLS a scheduler "
            "runs what anybody sends it, with the rights of the grader."
        )
    given = {
        "tls_ca_file": authority,
        "tls_client_cert": certificate,
        "tls_client_key": key,
    }
    with quiet():
        try:
            security = Security(
                **{name: file for name, file in given.items() if file},
                require_encryption=True,
            )
            client = Client(address, security=security, timeout=patience)
        except (OSError, TypeError, ValueError, ImportError) as error:
            raise SchedulingError(
                f"{address} does not answer as it should: {error}. Look at the "
                "address and at the files given by --tls-ca, --tls-cert, --tls-key."
            ) from None
        with client:
            yield client


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep Dask's own messages and pages to itself."""
    names = [one for one in logging.root.manager.loggerDict if one.startswith(OURS)]
    before = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    try:
        with dask.config.set(SETTINGS):
            yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)


# The run ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Job:
    """One submission to grade: its student and its content, read when due."""

    student: str
    read: Callable[[], bytes]


@dataclass
class Progress:
    """How far a run is.

    Attributes:
        total: submissions of this run.
        done: finished, whatever their state.
        running: being graded right now.
        failed: finished with another state than `graded`.
        retried: times that the infrastructure failed and work was repeated.
        workers: how many there are.
    """

    total: int
    done: int = 0
    running: int = 0
    failed: int = 0
    retried: int = 0
    workers: int = 0
    started: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started

    @property
    def per_minute(self) -> float:
        return 60 * self.done / self.seconds if self.done else 0.0

    @property
    def seconds_left(self) -> float | None:
        """An estimate; None before anything is done."""
        if not self.done:
            return None
        return (self.total - self.done) * self.seconds / self.done


@dataclass
class Flight:
    """A submission that is on its way."""

    job: Job
    tries: int = 1


def run(
    client: Client,
    order: Order,
    jobs: Iterable[Job],
    total: int,
    finished: Callable[[str, dict], None],
    shown: Callable[[Progress], None] = lambda progress: None,
    stop: threading.Event | None = None,
    patience: float = PATIENCE,
    work: Callable[[Order, bytes], dict] = grade_one,
) -> Progress:
    """Grade submissions on a cluster.

    Args:
        client: of the cluster.
        order: what to grade with.
        jobs: the submissions; one is read only when a worker is about to be free.
        total: how many there are.
        finished: called in this thread with each student and result, in the order
            in which they finish; a result with the state `infrastructure` comes
            only after `TRIES` tries.
        shown: called at least every `TICK` seconds.
        stop: when it is set, the run ends; see `Stopped`.
        patience: seconds to wait when there is no worker at all.
        work: what the workers do.

    Raises:
        SchedulingError: the cluster went away; what finished is finished.
        Stopped: somebody asked for it; what finished is finished.
    """
    progress = Progress(total)
    fresh = iter(jobs)
    again: deque[Flight] = deque()
    flying: dict[Any, Flight] = {}
    landed: queue.SimpleQueue = queue.SimpleQueue()
    lonely_since: float | None = None

    def conclude(flight: Flight, result: dict) -> None:
        progress.done += 1
        progress.failed += result["state"] != "graded"
        finished(flight.job.student, result)

    def launch() -> bool:
        job = next(fresh, None)
        if job is not None:
            flight = Flight(job)
        elif again:  # last, so that what was wrong has had time to pass
            flight = again.popleft()
        else:
            return False
        try:
            content = flight.job.read()
        except Unreadable as error:
            conclude(flight, failure(str(error)))
            return True
        future = client.submit(work, order, content, pure=False, retries=0)
        flying[future] = flight
        future.add_done_callback(landed.put)
        return True

    def land(future) -> None:
        flight = flying.pop(future)
        result = outcome(future)
        future.release()
        if result["state"] == INFRASTRUCTURE and flight.tries < TRIES:
            progress.retried += 1
            flight.tries += 1
            again.append(flight)
        else:
            conclude(flight, result)

    while True:
        progress.workers = count_threads(client)
        while len(flying) < IN_FLIGHT * max(1, progress.workers) and launch():
            pass
        progress.running = min(len(flying), progress.workers)
        shown(progress)
        if not flying:
            return progress
        if stop is not None and stop.is_set():
            raise Stopped
        if progress.workers:
            lonely_since = None
        else:
            lonely_since = lonely_since or time.monotonic()
            if time.monotonic() - lonely_since > patience:
                raise SchedulingError(
                    f"No worker for {patience:.0f} seconds. What was finished is kept: "
                    "run the same command again when there are workers."
                )
        with contextlib.suppress(queue.Empty):
            land(landed.get(timeout=TICK))
            while True:
                land(landed.get_nowait())


def count_threads(client: Client) -> int:
    """How many submissions the cluster works on at once.

    Raises:
        SchedulingError: the scheduler went away.
    """
    try:
        if client.status == "running":
            return sum(client.nthreads().values())
    except (OSError, CommClosedError, TimeoutError):
        pass
    raise SchedulingError(
        "The scheduler went away. What was finished is kept: run the same command "
        "again to go on."
    )


def outcome(future) -> dict:
    """A future's result; what the cluster itself did wrong becomes a failure."""
    try:
        return future.result(timeout=30)
    except KilledWorker:
        return failure("the worker died several times")
    except (FutureCancelledError, FuturesCancelledError, CommClosedError) as error:
        return failure(f"the connection broke: {error}")
    except Exception as error:
        return failure(f"{type(error).__name__}: {error}")


@contextlib.contextmanager
def stopping_on_signals() -> Iterator[threading.Event]:
    """Turn the first Ctrl+C or SIGTERM into an event, so that a run ends in order.

    The second one interrupts at once.
    """
    asked = threading.Event()

    def stop(*_) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    before = {}
    with contextlib.suppress(ValueError):  # not the main thread
        for number in (signal.SIGINT, signal.SIGTERM):
            before[number] = signal.signal(number, stop)
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
