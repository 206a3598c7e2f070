"""Grade many submissions at once on a Dask cluster.

Workers run `worker.grade_one`; student code runs only in the sandbox that it starts.
Only a few submissions are in flight at a time, so that the queue costs no memory, and
results come back to one place, which owns the gradebook.
"""

import contextlib
import queue
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from distributed import Client, Future
from distributed.client import FutureCancelledError, FuturesCancelledError
from distributed.comm.core import CommClosedError
from distributed.scheduler import KilledWorker

from digitdreams.grading.cluster import SchedulingError
from digitdreams.grading.inbox import Unreadable
from digitdreams.grading.result import Graded, State
from digitdreams.grading.worker import Order, failure, grade_one

TRIES = 3  # of one submission, counting those that an infrastructure failure ended
IN_FLIGHT = 2  # submissions a worker: one running, one there already
PATIENCE = 120.0  # seconds without any worker until the run stops
TICK = 0.5  # seconds between two looks at the progress


class Stopped(Exception):
    """The run was asked to stop."""


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


Finished = Callable[[str, Graded], None]


class Dispatcher:
    """Keeps a cluster busy: sends a submission for each result that comes back.

    Args:
        client: of the cluster.
        order: what to grade with.
        jobs: the submissions; one is read only when a worker is about to be free.
        total: how many there are.
        finished: called in this thread with each student and result, in the order
            in which they finish; a result with the state `INFRASTRUCTURE` comes only
            after `TRIES` tries.
        work: what the workers do.
    """

    def __init__(
        self,
        client: Client,
        order: Order,
        jobs: Iterable[Job],
        total: int,
        finished: Finished,
        work: Callable[[Order, bytes], Graded],
    ):
        self.client = client
        self.order = order
        self.progress = Progress(total)
        self.finished = finished
        self.work = work
        self.fresh = iter(jobs)
        self.again: deque[Flight] = deque()
        self.flying: dict[Future[Graded], Flight] = {}
        self.landed: queue.SimpleQueue[Future[Graded]] = queue.SimpleQueue()

    def fill(self) -> None:
        """Launch until every worker has enough, or nothing is left."""
        self.progress.workers = count_threads(self.client)
        room = IN_FLIGHT * max(1, self.progress.workers)
        while len(self.flying) < room and (flight := self.following()):
            self.launch(flight)
        self.progress.running = min(len(self.flying), self.progress.workers)

    def following(self) -> Flight | None:
        """The next submission; what failed comes last, so that time has passed."""
        job = next(self.fresh, None)
        if job is not None:
            return Flight(job)
        return self.again.popleft() if self.again else None

    def launch(self, flight: Flight) -> None:
        try:
            content = flight.job.read()
        except Unreadable as error:
            self.conclude(flight, failure(str(error)))
            return
        future = self.client.submit(
            self.work, self.order, content, pure=False, retries=0
        )
        self.flying[future] = flight
        future.add_done_callback(self.landed.put)

    def receive(self) -> None:
        """Take the results that are there; wait for the first one for `TICK`."""
        with contextlib.suppress(queue.Empty):
            self.land(self.landed.get(timeout=TICK))
            while True:
                self.land(self.landed.get_nowait())

    def land(self, future: "Future[Graded]") -> None:
        flight = self.flying.pop(future)
        graded = outcome(future)
        future.release()
        failed = graded.result.state is State.INFRASTRUCTURE
        if failed and flight.tries < TRIES:
            self.progress.retried += 1
            flight.tries += 1
            self.again.append(flight)
        else:
            self.conclude(flight, graded)

    def conclude(self, flight: Flight, graded: Graded) -> None:
        self.progress.done += 1
        self.progress.failed += graded.result.state is not State.GRADED
        self.finished(flight.job.student, graded)


def run(
    client: Client,
    order: Order,
    jobs: Iterable[Job],
    total: int,
    finished: Finished,
    shown: Callable[[Progress], None] = lambda progress: None,
    stop: threading.Event | None = None,
    patience: float = PATIENCE,
    work: Callable[[Order, bytes], Graded] = grade_one,
) -> Progress:
    """Grade submissions on a cluster.

    Args:
        client, order, jobs, total, finished, work: see `Dispatcher`.
        shown: called at least every `TICK` seconds.
        stop: when it is set, the run ends; see `Stopped`.
        patience: seconds to wait when there is no worker at all.

    Raises:
        SchedulingError: the cluster went away; what finished is finished.
        Stopped: somebody asked for it; what finished is finished.
    """
    dispatcher = Dispatcher(client, order, jobs, total, finished, work)
    progress = dispatcher.progress
    last_worker = time.monotonic()
    while True:
        dispatcher.fill()
        shown(progress)
        if not dispatcher.flying:
            return progress
        if stop is not None and stop.is_set():
            raise Stopped
        if progress.workers:
            last_worker = time.monotonic()
        elif time.monotonic() - last_worker > patience:
            raise SchedulingError(
                f"No worker for {patience:.0f} seconds. What was finished is kept: "
                "run the same command again when there are workers."
            )
        dispatcher.receive()


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


def outcome(future: "Future[Graded]") -> Graded:
    """A future's result; what the cluster itself did wrong becomes a failure."""
    try:
        graded: Graded = future.result(timeout=30)
        return graded
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

    def stop(*_: Any) -> None:
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
