"""The clusters that grading runs on: one in this machine, or an existing one."""

import contextlib
import copy
import logging
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dask
import psutil
from distributed import Client, LocalCluster, Security, WorkerPlugin

from digitdreams import machine
from digitdreams.grading import worker


class SchedulingError(Exception):
    """The cluster cannot be used; the message says what to do."""


def examine_workers(client: Client, order: worker.Order, probe: bool = True) -> None:
    """Make sure that every worker can grade, before anything is queued.

    Raises:
        SchedulingError: one cannot; the message says what to mend there.
    """
    # Not `client.run`: that would hold up the thread in which a worker listens.
    asked = {
        address: client.submit(
            *(worker.examine_here, order, probe),
            workers=[address],
            pure=False,
            allow_other_workers=False,
        )
        for address in client.nthreads()
    }
    for address, future in asked.items():
        try:
            reason = future.result(timeout=LONGEST_START)
        except Exception as error:  # it died, or is of another kind altogether
            reason = f"{type(error).__name__}: {error}"
        if reason:
            raise SchedulingError(f"The worker {address} cannot grade: {reason}")


LONGEST_START = 600  # seconds until a worker must have read an exercise
MEMORY_OF_ONE = 2_000_000_000  # bytes that a worker needs with a training inside
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

    def setup(self, worker: Any) -> None:
        with contextlib.suppress(ValueError):  # not the main thread
            signal.signal(signal.SIGINT, lambda *_: None)


@contextlib.contextmanager
def local_cluster(workers: int | None = None) -> Iterator[Client]:
    """A cluster in this machine with one worker a core, fewer where memory is short.

    Its parts speak TLS with certificates made for this run: a Dask scheduler runs
    what anybody sends it, and other people may have accounts on this machine.
    """
    room = max(1, machine.memory() // MEMORY_OF_ONE)
    count = workers or min(machine.cores(), room)
    with scratch_folder() as folder, settings_of_dask(), quiet():
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
def settings_of_dask() -> Iterator[None]:
    """Dask's settings as it brings them: the user's own are for other clusters."""
    theirs = copy.deepcopy(dask.config.config)
    dask.config.config.clear()
    dask.config.config.update(dask.config.merge(*dask.config.defaults))
    try:
        yield
    finally:
        dask.config.config.clear()
        dask.config.config.update(theirs)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep Dask's own messages and pages to itself."""
    known = logging.root.manager.loggerDict
    names = [name for name in known if name.startswith(OURS)]
    before = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    try:
        with dask.config.set(SETTINGS):
            yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)
