"""The run on a cluster: failures, killed workers, TLS, and how little it holds."""

import contextlib
import datetime
import ipaddress
import json
import os
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace

import classroom
import psutil
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from distributed import Client

from digitdreams.grading import cluster, schedule
from digitdreams.grading.inbox import Unreadable
from digitdreams.grading.result import Graded, Result, State
from digitdreams.grading.stamp import of_marks
from digitdreams.grading.worker import Order, failure

ORDER = Order("01_small", None, "secret", None, False, "a stamp")
DONE = Graded(Result(State.GRADED))


tries = Counter()  # of each content; the functions below run in this process


def fine(order, content):
    return DONE


def flaky(order, content):
    tries[content] += 1
    if content == b"b" and tries[content] < schedule.TRIES:
        return failure("no sandbox today")
    if content == b"c":
        raise OSError("disk full")
    return DONE


def too_slow(order, content):
    tries[content] += 1
    return Graded(Result(State.TIMEOUT))


@pytest.fixture(autouse=True)
def _no_tries_yet():
    tries.clear()


@pytest.fixture(scope="module")
def threads():
    """A cluster of threads in this process, for the logic of a run."""
    with cluster.quiet(), Client(processes=False, dashboard_address=None) as client:
        yield client


def jobs_of(names):
    return [schedule.Job(name, lambda name=name: name.encode()) for name in names]


def run(client, jobs, work, **more):
    """Run and return the results by student, and the progress."""
    found = {}
    progress = schedule.run(
        client, ORDER, jobs, len(jobs), found.__setitem__, work=work, **more
    )
    return found, progress


def test_every_result_comes_once(threads):
    names = [f"student{i}" for i in range(40)]
    seen = []
    found, progress = run(threads, jobs_of(names), fine, shown=seen.append)
    assert sorted(found) == sorted(names)
    assert (progress.done, progress.failed, progress.running) == (40, 0, 0)
    assert progress.seconds_left == 0
    assert progress.per_minute > 0


def test_infrastructure_is_tried_again(threads):
    found, progress = run(threads, jobs_of("abcd"), flaky)
    assert {name: one.result.state for name, one in found.items()} == {
        "a": "graded",
        "b": "graded",
        "c": "infrastructure",
        "d": "graded",
    }
    assert tries == {b"a": 1, b"b": 3, b"c": 3, b"d": 1}
    assert "disk full" in found["c"].result.notes[0]
    assert (progress.failed, progress.retried) == (1, 4)


def test_student_failures_are_not_tried_again(threads):
    _, progress = run(threads, jobs_of("ab"), too_slow)
    assert set(tries.values()) == {1}
    assert progress.failed == 2


def test_few_submissions_are_held_at_a_time(threads):
    """A submission is read when its turn comes, however many wait."""
    held, most = set(), []

    def job(name):
        def read():
            held.add(name)
            most.append(len(held))
            return b"x"

        return schedule.Job(name, read)

    jobs = [job(f"student{i}") for i in range(60)]
    schedule.run(
        threads,
        ORDER,
        jobs,
        len(jobs),
        lambda student, result: held.discard(student),
        work=fine,
    )
    workers = sum(threads.nthreads().values())
    assert max(most) <= schedule.IN_FLIGHT * workers


def test_submission_that_vanishes_during_the_run(threads):
    def gone():
        raise Unreadable("it changed during the run: grade again")

    jobs = [schedule.Job("ann", gone), *jobs_of("b")]
    found, _ = run(threads, jobs, fine)
    assert found["ann"].result.state == "infrastructure"
    assert found["b"].result.state == "graded"


def test_only_tls(tmp_path):
    with (
        pytest.raises(cluster.SchedulingError, match="tls://"),
        cluster.remote_cluster("tcp://127.0.0.1:8786"),
    ):
        pass
    with (
        pytest.raises(cluster.SchedulingError, match="--tls-ca"),
        cluster.remote_cluster("tls://127.0.0.1:1", str(tmp_path / "no.pem")),
    ):
        pass


def test_folders_of_killed_runs_are_swept(tmp_path, monkeypatch):
    monkeypatch.setattr(cluster.tempfile, "tempdir", str(tmp_path))
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    dead = tmp_path / f"{cluster.SCRATCH}{child.pid}-abc"
    alive = tmp_path / f"{cluster.SCRATCH}{os.getpid()}-abc"
    for folder in (dead, alive):
        folder.mkdir()
        (folder / "file").write_text("left over")
    with cluster.scratch_folder() as folder:
        assert folder.is_dir()
        assert not dead.exists()
    assert alive.exists()
    assert not folder.exists()


# Processes ----------------------------------------------------------------------------


def class_of(root, count):
    """Submissions whose points are known: 10, 8 and 0 of 10 in turn."""
    found = {}
    for i in range(count):
        notebook = classroom.blank(root) if i % 3 == 2 else classroom.solution(root)
        if i % 3 == 1:
            wrong = f"def squares(values):\n    return 2 * values  # {i}"
            classroom.put(notebook, "task-squares", wrong)
        found[f"student{i:03d}"] = classroom.as_bytes(notebook)
    return found


def order_for(root):
    stamp = of_marks(classroom.STEM, "s", None, False, root)
    return Order(classroom.STEM, str(root), "s", None, False, stamp)


def graded_points(result):
    graded = ("squares", "standardise", "count", "training")
    return sum(task.points for task in result.tasks if task.name in graded)


def wait_until(condition, seconds, what):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, what
        time.sleep(0.1)


def sandbox_of(worker):
    """A worker's children and their children, none while no sandbox is among them."""
    family = worker.children(recursive=True)
    for one in family:
        with contextlib.suppress(psutil.Error):
            if "digitdreams.grading.inside" in one.cmdline():
                return family
    return []


def kill_while_it_grades(worker):
    """Kill a worker that has a sandbox; return the sandbox's processes."""
    worker = psutil.Process(worker)
    until = time.monotonic() + 20  # it may have just finished all that it was given
    while not (family := sandbox_of(worker)) and time.monotonic() < until:
        time.sleep(0.001)
    worker.kill()
    return family


def grade_and_kill(client, root, worker, count=8):
    """Grade a class, kill one worker after the second result; return the points."""
    submissions = class_of(root, count)
    order = order_for(root)
    found, killed = {}, []

    def finished(student, graded):
        assert student not in found
        found[student] = graded.result
        if len(found) == 2:
            killed.append(kill_while_it_grades(worker))

    jobs = [
        schedule.Job(name, lambda name=name: submissions[name]) for name in submissions
    ]
    schedule.run(client, order, jobs, len(jobs), finished)
    _, alive = psutil.wait_procs(killed[0], timeout=60)
    assert not alive, "a sandbox outlived its worker"
    assert {result.state for result in found.values()} == {"graded"}
    return [graded_points(found[name]) for name in sorted(found)]


@pytest.mark.slow
def test_killed_worker_of_the_local_cluster_loses_nothing(root):
    with cluster.local_cluster(2) as client:
        worker = next(iter(client.run(os.getpid).values()))
        assert grade_and_kill(client, root, worker) == [10, 8, 0] * 2 + [10, 8]


def content_of(file):
    """What a file of JSON holds, None while it is not there or not yet whole."""
    with contextlib.suppress(OSError, ValueError):
        return json.loads(file.read_text())


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """A certificate authority of this test, and what it signed for everybody."""
    folder = tmp_path_factory.mktemp("tls")
    now = datetime.datetime.now(datetime.UTC)

    def certificate(name, key, issuer, issuer_key, authority):
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(minutes=5))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(authority, None), critical=True)
            .add_extension(
                x509.SubjectAlternativeName(
                    [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
                ),
                critical=False,
            )
            .sign(issuer_key, hashes.SHA256())
        )

    def named(text):
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    def write(name, made, key):
        private = serialization.PrivateFormat.PKCS8
        plain = serialization.NoEncryption()
        pem = serialization.Encoding.PEM
        (folder / f"{name}.pem").write_bytes(made.public_bytes(pem))
        (folder / f"{name}.key").write_bytes(key.private_bytes(pem, private, plain))

    for prefix in ("", "other-"):
        key = ec.generate_private_key(ec.SECP256R1())
        authority = named(f"{prefix}authority")
        made = certificate(authority, key, authority, key, True)
        write(f"{prefix}authority", made, key)
        own = ec.generate_private_key(ec.SECP256R1())
        made = certificate(named(f"{prefix}grading"), own, authority, key, False)
        write(f"{prefix}grading", made, own)
    return folder


@pytest.fixture(scope="module")
def remote(certificates, tmp_path_factory):
    """A scheduler and two workers as processes of their own, all with TLS."""
    folder = tmp_path_factory.mktemp("remote")
    tls = [
        *("--tls-ca-file", certificates / "authority.pem"),
        *("--tls-cert", certificates / "grading.pem"),
        *("--tls-key", certificates / "grading.key"),
    ]
    started = []

    def start(*arguments):
        command = [sys.executable, "-m", "dask", *map(str, arguments), *map(str, tls)]
        with open(folder / f"{len(started)}.log", "w") as log:
            process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
        started.append(process)
        return process

    address = folder / "address.json"
    start(
        *("scheduler", "--protocol", "tls", "--host", "127.0.0.1", "--port", "0"),
        *("--no-dashboard", "--scheduler-file", address),
    )
    wait_until(lambda: content_of(address), 200, "the scheduler does not start")
    workers = [
        start(
            *("worker", "--scheduler-file", address, "--nthreads", "1", "--no-nanny"),
            *("--no-dashboard", "--memory-limit", "0", "--protocol", "tls"),
            *("--local-directory", folder / f"worker{i}", "--death-timeout", "300"),
        )
        for i in range(2)
    ]
    yield content_of(address)["address"], workers
    for one in started:
        one.terminate()
    for one in started:
        try:
            one.wait(timeout=30)
        except subprocess.TimeoutExpired:
            one.kill()


@pytest.mark.slow
def test_remote_cluster_with_tls(root, remote, certificates):
    """A stranger is turned away; a killed worker loses nothing."""
    address, workers = remote
    stranger = [str(certificates / f"other-{n}") for n in ("authority.pem",)]
    stranger += [str(certificates / f"other-grading.{end}") for end in ("pem", "key")]
    with (
        pytest.raises(cluster.SchedulingError, match="does not answer"),
        cluster.remote_cluster(address, *stranger, patience=1),
    ):
        pass
    ours = [str(certificates / n) for n in ("authority.pem", "grading.pem")]
    with cluster.remote_cluster(
        address, *ours, str(certificates / "grading.key"), patience=200
    ) as client:
        client.wait_for_workers(2, timeout=200)
        cluster.examine_workers(client, order_for(root))
        other = replace(order_for(root), stamp="of another version")
        with pytest.raises(cluster.SchedulingError, match="another version"):
            cluster.examine_workers(client, other, probe=False)
        points = grade_and_kill(client, root, workers[0].pid)
        assert points == [10, 8, 0] * 2 + [10, 8]
        wait_until(lambda: len(client.nthreads()) == 1, 60, "a dead worker counts")


@pytest.mark.slow
def test_no_worker_ends_the_run_with_what_to_do():
    with (
        cluster.quiet(),
        Client(n_workers=0, processes=False, dashboard_address=None) as client,
        pytest.raises(cluster.SchedulingError, match="No worker"),
    ):
        run(client, jobs_of("a"), fine, patience=1)
