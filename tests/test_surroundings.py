"""Faults of the surroundings are one line that names the cause and what to do."""

import errno
import os
import sqlite3

import pytest

from digitdreams import files, machine, surroundings


def system(number, place=None):
    return OSError(number, os.strerror(number), place)


def raised_from(cause):
    try:
        raise RuntimeError("Cluster failed to start") from cause
    except RuntimeError as error:
        return error


@pytest.mark.parametrize(
    ("error", "cause", "remedy"),
    [
        (system(errno.ENOSPC, "/x/y"), "/x/y: no space is left", "make room"),
        (system(errno.ENOSPC), "The disk: no space is left", "--home FOLDER"),
        (system(errno.EDQUOT, b"/x/y"), "/x/y: your quota is used up", "make room"),
        (system(errno.EACCES, "/x/y"), "/x/y: Permission denied", "--home FOLDER"),
        (system(errno.EROFS, "/x [v2]/y"), "/x [v2]/y: Read-only", "--home FOLDER"),
        (
            system(errno.ENOTDIR, "/x/y"),
            "/x/y: Not a directory",
            "move what stands there",
        ),
        (system(errno.ENAMETOOLONG, "/x"), "/x: File name too long", "choose"),
        (system(errno.EIO, "/x/y"), "/x/y: Input/output error", "network drive"),
        (system(errno.ESTALE, "/x/y"), "/x/y: Stale file handle", "network drive"),
        (system(errno.EAGAIN), "No more processes or threads", "ulimit -u"),
        (RuntimeError("can't start new thread"), "No more processes", "ulimit -u"),
        (system(errno.EMFILE, "/x/y"), "Too many files are open", "ulimit -n"),
        (MemoryError(), "The memory ran out (there are", "close other programs"),
        (system(errno.ENOMEM), "The memory ran out", "allow this one more"),
        (
            ImportError("libx.so: failed to map segment from shared object"),
            "The memory ran out",
            "close",
        ),
        (
            FileNotFoundError(
                2, "No usable temporary directory found in ['/tmp', '/var/tmp']"
            ),
            "No folder for temporary files can be written (looked in: ['/tmp'",
            "set TMPDIR",
        ),
        (
            sqlite3.OperationalError("database or disk is full"),
            "no space is left",
            "make room",
        ),
        (
            ValueError("A dask config file at '/x' is malformed, original error:\n\nx"),
            "A dask config file at '/x' is malformed",
            "remove that file",
        ),
        (system(errno.EADDRNOTAVAIL), "127.0.0.1", "ip link set lo up"),
        (raised_from(system(errno.EAGAIN)), "No more processes", "ulimit -u"),
    ],
    ids=lambda one: type(one).__name__,
)
def test_a_fault_is_told_with_its_cause_and_what_to_do(error, cause, remedy):
    line = surroundings.explained(error)
    assert line and "\n" not in line
    assert cause in line and remedy in line
    with pytest.raises(SystemExit) as ended:
        surroundings.in_one_line(lambda: exec("raise error", {"error": error}))()
    assert ended.value.code == line


@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError(errno.ENOENT, "No such file or directory", "/x/y"),
        OSError("a fault of ours"),
        ValueError("a fault of ours"),
        RuntimeError("a fault of ours"),
        sqlite3.OperationalError("no such table: marks"),
        raised_from(ValueError("a fault of ours")),
    ],
    ids=str,
)
def test_what_is_no_such_fault_keeps_its_traceback(error):
    assert surroundings.explained(error) is None
    with pytest.raises(type(error)):
        surroundings.in_one_line(lambda: exec("raise error", {"error": error}))()


def test_a_temporary_folder_has_a_remedy_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    line = surroundings.explained(system(errno.ENOSPC, str(tmp_path / "x")))
    assert line.endswith("set TMPDIR to a folder that you may write, with room")


def test_without_any_temporary_folder_a_place_is_still_told(monkeypatch):
    def none():
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found")

    monkeypatch.setattr("tempfile.gettempdir", none)
    assert "make room" in surroundings.explained(system(errno.ENOSPC, "/x/y"))


def test_a_file_that_cannot_be_written_is_named_itself(tmp_path):
    """Not the one with another name that is written first."""
    target = tmp_path / "page.html"
    with pytest.raises(OSError) as raised, files.replacing(target):
        raise system(errno.ENOSPC)
    assert raised.value.filename == str(target)
    with pytest.raises(OSError) as raised, files.replacing(target):
        raise system(errno.EACCES, "/other")
    assert raised.value.filename == "/other"
    assert not [*tmp_path.iterdir()]


# What a container allows --------------------------------------------------------------

MANY = 10**6
OLD = {  # a container's own group is the uppermost one, whatever its name is outside
    "cpu/cpu.cfs_quota_us": "150000",
    "cpu/cpu.cfs_period_us": "50000",
    "memory/memory.limit_in_bytes": "300000000",
    "pids/pids.max": "77",
}
NEW = {
    "a/cpu.max": "max 100000",
    "cpu.max": "300000 100000",
    "a/b/memory.max": "300000000",
    "a/memory.max": "max",
    "memory.max": "4000000000",
    "a/b/pids.max": "77",
}


@pytest.mark.parametrize(
    ("groups", "membership"),
    [(OLD, "5:cpu,cpuacct:/x/y\n4:memory:/x\n3:pids:/\n0::/x\n"), (NEW, "0::/a/b\n")],
    ids=["version 1", "version 2"],
)
def test_quotas_of_a_container_count(groups, membership, tmp_path, monkeypatch):
    for name, content in groups.items():
        files.write_atomically(tmp_path / "groups" / name, content + "\n")
    (tmp_path / "membership").write_text(membership, "utf-8")
    monkeypatch.setattr(machine, "CONTROL_GROUPS", tmp_path / "groups")
    monkeypatch.setattr(machine, "MEMBERSHIP", tmp_path / "membership")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(MANY))
    assert machine.cores() == 3
    assert machine.memory() == 300_000_000
    assert "the limit is 77" in surroundings.explained(system(errno.EAGAIN))
    if groups is NEW:  # less than one core is one worker
        (tmp_path / "groups" / "a" / "cpu.max").write_text("50000 100000", "utf-8")
        assert machine.cores() == 1


def test_without_quotas_all_cores_count(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "CONTROL_GROUPS", tmp_path)
    assert machine.cores() == len(os.sched_getaffinity(0))
