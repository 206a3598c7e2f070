"""The gradebook on a real PostgreSQL server, which the tests start."""

import csv
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
from test_book import nbgrader, result_of

from digitdreams.grading import book as books

STEM = "01_small"
pytestmark = pytest.mark.slow


def find_binaries():
    """The folder with `initdb` and `postgres`; None where there is none."""
    places = [Path(one) for one in ("/usr/lib/postgresql", "/usr/pgsql")]
    found = [one.parent for place in places for one in place.glob("*/bin/initdb")]
    on_path = shutil.which("initdb")
    if on_path:
        found.append(Path(on_path).resolve().parent)
    usable = [one for one in found if (one / "postgres").exists()]
    return max(usable, default=None, key=str)


def ordinary():
    """Arguments for `subprocess` that leave root, whom PostgreSQL refuses."""
    if os.getuid():
        return {}
    user = pwd.getpwnam("nobody")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


@pytest.fixture(scope="module")
def server():
    """The address of a database on a new server, which ends with the tests."""
    binaries = find_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL's programs are not on this machine")
    # Not pytest's folder: the server's user could not enter it.
    with tempfile.TemporaryDirectory(prefix="pg-") as name:
        folder = Path(name)
        user = ordinary()
        if user:
            os.chown(folder, user["user"], user["group"])
        data = folder / "data"
        environment = {"PATH": f"{binaries}:/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
        options = {"env": environment, "cwd": folder, "capture_output": True, **user}
        made = subprocess.run(
            [
                *(binaries / "initdb", "--pgdata", data, "--username", "grader"),
                *("--auth", "trust", "--encoding", "UTF8", "--no-sync"),
            ],
            **options,
        )
        assert made.returncode == 0, made.stderr.decode()
        with open(folder / "log", "wb") as log:
            process = subprocess.Popen(
                [
                    *(binaries / "postgres", "-D", data, "-k", folder),
                    *("-c", "listen_addresses=", "-c", "fsync=off"),
                ],
                env=environment,
                cwd=folder,
                stdout=log,
                stderr=log,
                **user,
            )
        try:
            asked = [binaries / "pg_isready", "--host", folder, "--quiet"]
            until = time.monotonic() + 200
            while subprocess.run(asked, env=environment).returncode:
                assert process.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < until, (folder / "log").read_text()
                time.sleep(0.1)
            yield f"postgresql+psycopg2://grader@/postgres?host={folder}"
        finally:
            process.terminate()
            process.wait(timeout=120)


@pytest.fixture
def course_folder(tmp_path, server):
    (tmp_path / "nbgrader_config.py").write_text(
        "c = get_config()\n"
        "c.CourseDirectory.course_id = 'small'\n"
        f"c.CourseDirectory.db_url = {server!r}\n"
    )
    return books.CourseFolder.open(tmp_path)


def test_gradebook_on_postgresql(course_folder, server, released):
    """Marks, regrades, a person's points and nbgrader's own export."""
    hostile = result_of(squares=2)
    hostile.tasks[1].message = "nul \0 and lone \ud800 surrogate"
    hostile.output = "\0" * 10
    with books.Book(course_folder) as book:
        assert book.db_url == server
        book.prepare(STEM, released)
        book.prepare(STEM, released)
        book.write(STEM, "ann", result_of(squares=2, training=4), "key 1")
        book.write(STEM, "bob", hostile, "key 2")
        book.write(STEM, "ann", result_of(squares=2, training=4, count=1), "key 3")
        assert book.keys(STEM) == {"ann": "key 3", "bob": "key 2"}
        grade = book.gradebook.find_grade("check_standardise", STEM, STEM, "bob")
        grade.manual_score = 1.5
        book.gradebook.db.commit()
        scores = {one.student: one.score for one in book.entries(STEM)}
        assert scores == {"ann": 7.0, "bob": 3.5}
        books.write_csv(book, course_folder.root / "grades.csv")
        with (
            books.Book(course_folder) as second,
            book.alone(),
            pytest.raises(books.BookError, match="Another run"),
            second.alone(),
        ):
            pass
        with book.alone():
            pass
    nbgrader(course_folder, "export", "--to", "theirs.csv")
    with open(course_folder.root / "theirs.csv") as stream:
        theirs = {
            one["student_id"]: float(one["score"]) for one in csv.DictReader(stream)
        }
    assert theirs == scores
