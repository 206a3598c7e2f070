"""nbgrader's formgrader, in a real browser, on a gradebook that we filled."""

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import classroom
import nbformat
import pytest
from test_book import result_of

from digitdreams.grading import book as books
from digitdreams.grading import feedback
from digitdreams.grading.result import SubmittedCell

STEM = classroom.STEM
EVIL = "<script>document.title = 'taken'</script>"
pytestmark = pytest.mark.slow


@pytest.fixture
def browser():
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        pytest.skip("no Chromium on this machine")
    return found


@pytest.fixture
def graded(tmp_path, root, released, empty_gradebook):
    """A course's folder with two graded students, one of them hostile."""
    shutil.copytree(root / "solutions", tmp_path / "source")
    shutil.copyfile(empty_gradebook, tmp_path / "gradebook.db")
    (tmp_path / "nbgrader_config.py").write_text(
        "c = get_config()\nc.CourseDirectory.course_id = 'small'\n"
    )
    folder = books.CourseFolder.open(tmp_path)
    with books.Book(folder) as book:
        book.prepare(STEM, released)
        for student, points in (("ann", {"squares": 2, "training": 4}), ("eve", {})):
            result = result_of(**points)
            written = []
            if student == "eve":
                result.output = EVIL
                result.tasks[0].message = EVIL
                written = [
                    SubmittedCell("task-squares", "code", f"'{EVIL}'"),
                    SubmittedCell(None, "markdown", EVIL),
                ]
            notebook = feedback.graded_notebook(released, written, result)
            place = folder.place("autograded", student, STEM)
            place.mkdir(parents=True)
            nbformat.write(notebook, place / f"{STEM}.ipynb")
            book.write(STEM, student, result, "key")
        (entry,) = (one for one in book.entries(STEM) if one.student == "eve")
        found = book.gradebook.find_submission_notebook(STEM, STEM, "eve")
        assert entry.score == 0
        return folder, found.id


@pytest.fixture
def address(graded):
    """Where a Jupyter server with formgrader answers."""
    folder, _ = graded
    with open(folder.root / "server.log", "w") as log:
        yield from serve(folder, log)


def serve(folder, log):
    beside = Path(sys.executable).parent
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root"),
            *("--ServerApp.port=0", "--ServerApp.ip=127.0.0.1"),
            "--IdentityProvider.token=",
            f"--ServerApp.root_dir={folder.root}",
            "--ServerApp.jpserver_extensions={'nbgrader.server_extensions.formgrader':True}",
        ],
        cwd=folder.root,
        env={
            **os.environ,
            "PATH": f"{beside}{os.pathsep}{os.environ['PATH']}",
            "JUPYTER_CONFIG_DIR": str(folder.root / "jupyter"),
            "JUPYTER_DATA_DIR": str(folder.root / "jupyter"),
            "JUPYTER_RUNTIME_DIR": str(folder.root / "jupyter"),
        },
        stdout=log,
        stderr=log,
    )
    running = folder.root / "jupyter" / f"jpserver-{process.pid}.json"
    try:
        until = time.monotonic() + 300
        while True:
            try:
                url = f"http://127.0.0.1:{json.loads(running.read_text())['port']}"
                urllib.request.urlopen(f"{url}/api", timeout=60).close()
                break
            except (OSError, ValueError):  # not there, not yet whole, no answer yet
                assert process.poll() is None, (folder.root / "server.log").read_text()
                assert time.monotonic() < until
                time.sleep(0.2)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=120)


def page(browser, folder, url):
    """What a page is after its scripts have run."""
    done = subprocess.run(
        [
            *(browser, "--headless", "--no-sandbox", "--disable-gpu"),
            *(f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=15000"),
            *("--dump-dom", url),
        ],
        capture_output=True,
        text=True,
        timeout=300,
    )
    return done.stdout


def test_formgrader_shows_the_marks(browser, graded, address):
    folder, submission = graded
    shown = page(browser, folder.root, f"{address}/formgrader/gradebook/{STEM}/{STEM}")
    assert "6 / 10" in " ".join(shown.split())
    shown = page(
        browser, folder.root, f"{address}/formgrader/submissions/{submission}/"
    )
    assert "def squares" not in shown  # eve wrote another thing in that cell
    assert "What the notebook printed" in shown
    assert "&lt;script&gt;document.title" in shown
    assert "<title>taken" not in shown
