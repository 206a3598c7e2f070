"""The commands of an instructor, as a course's folder and a terminal see them."""

import csv
import io
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import types
import zipfile
from contextlib import contextmanager
from pathlib import Path

import classroom
import psutil
import pytest
from rich.console import Console
from typer.testing import CliRunner

import digitdreams
from digitdreams import course
from digitdreams.cli import app
from digitdreams.grading import book as books
from digitdreams.grading import cluster, display, grader, schedule, worker
from digitdreams.grading.result import Part, State, without_marks
from digitdreams.grading.stamp import of_marks

pytestmark = pytest.mark.slow  # each starts programs

STEM = classroom.STEM


def submission(root, kind):
    """A notebook of a known kind as a dictionary; see `POINTS`."""
    notebook = classroom.solution(root)
    if kind == "doubled":
        wrong = "def squares(values):\n    return 2 * values"
        classroom.put(notebook, "task-squares", wrong)
    elif kind == "blank":
        notebook = classroom.blank(root)
    elif kind == "script":
        attack = "print('<script>alert(1)</script> <img src=x onerror=alert(2)>')"
        classroom.add(notebook, attack, 1)
    elif kind == "dies":
        classroom.add(notebook, "import os\nos._exit(3)")
    return notebook


POINTS = {"right": 10, "doubled": 8, "blank": 0, "script": 10, "dies": 10}


def put(folder, root, **kinds):
    """Hand in notebooks in nbgrader's layout, by student."""
    for student, kind in kinds.items():
        place = folder / "submitted" / student / STEM
        place.mkdir(parents=True, exist_ok=True)
        content = classroom.as_bytes(submission(root, kind))
        (place / f"{STEM}.ipynb").write_bytes(content)


@pytest.fixture(scope="module")
def client():
    with cluster.local_cluster(2) as client:
        yield client


@pytest.fixture
def folder(tmp_path, empty_gradebook):
    shutil.copyfile(empty_gradebook, tmp_path / "gradebook.db")
    return tmp_path


@pytest.fixture
def grade(root, folder, client, monkeypatch):
    """Grade in this process, on a cluster that the tests share."""

    @contextmanager
    def shared(self):
        yield client

    monkeypatch.setattr(grader.Grader, "cluster", shared)
    lesson = course.load(root / "course.toml").find("01")

    def run(**options):
        ours = grader.Grader(lesson, folder, grader.Options(**options), root)
        outcome = ours.run(lambda progress: None)
        stream = io.StringIO()
        display.show_outcome(outcome, ours, Console(file=stream, width=100))
        outcome.shown = stream.getvalue()
        return outcome

    return run


def scores(folder):
    with open(folder / "grades.csv", encoding="utf-8") as stream:
        return {one["student_id"]: one for one in csv.DictReader(stream)}


def page_of(folder, student):
    return (folder / "feedback" / student / STEM / f"{STEM}.html").read_text()


def test_a_small_class(grade, folder, root):
    put(folder, root, ann="right", bob="doubled", cid="blank", dan="dies")
    (folder / "submitted" / "eve" / STEM).mkdir(parents=True)
    outcome = grade()
    assert sorted(outcome.graded) == ["ann", "bob", "cid", "dan", "eve"]
    found = scores(folder)
    got = {name: float(one["score"]) for name, one in found.items()}
    assert got == {"ann": 10, "bob": 8, "cid": 0, "dan": 10, "eve": 0}
    assert found["eve"]["state"] == "missing"
    assert found["eve"]["needs_person"] == "1"
    assert "squares 0/2" in found["bob"]["tasks"]
    assert "You doubled the values" in page_of(folder, "bob")
    assert "8 / 10" in outcome.shown
    assert (folder / "grading_secret").stat().st_mode & 0o777 == 0o600


def test_only_what_changed_is_graded_again(grade, folder, root):
    put(folder, root, ann="right", bob="doubled")
    assert len(grade().graded) == 2
    before = (folder / "feedback" / "ann" / STEM / f"{STEM}.html").stat().st_mtime_ns
    again = grade()
    assert (again.graded, again.unchanged) == ([], 2)
    put(folder, root, bob="right", cid="blank")
    third = grade()
    assert (sorted(third.graded), third.unchanged) == (["bob", "cid"], 1)
    assert float(scores(folder)["bob"]["score"]) == 10
    after = (folder / "feedback" / "ann" / STEM / f"{STEM}.html").stat().st_mtime_ns
    assert before == after
    assert len(grade(again=True).graded) == 3
    (folder / "grading_secret").write_text("another secret, long enough\n")
    assert len(grade().graded) == 3


def test_student_output_is_text_everywhere(grade, folder, root):
    put(folder, root, eve="script")
    grade()
    page = page_of(folder, "eve")
    assert "<script" not in page
    assert "<img" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page
    path = folder / "autograded" / "eve" / STEM / f"{STEM}.ipynb"
    kinds = {
        kind
        for cell in json.loads(path.read_text())["cells"]
        for output in cell.get("outputs", [])
        for kind in output.get("data", {})
    }
    assert not kinds  # nothing that a browser would interpret, only streams


@pytest.mark.parametrize("form", ["flat", "zip"])
def test_other_places(grade, folder, root, form):
    right = classroom.as_bytes(submission(root, "right"))
    place = folder / "downloads"
    place.mkdir()
    if form == "flat":
        (place / f"ann_{STEM}.ipynb").write_bytes(right)
    else:
        place = place / "all.zip"
        with zipfile.ZipFile(place, "w") as made:
            made.writestr("ann_17_assignsubmission_file_/vae.ipynb", right)
            made.writestr("../../evil.ipynb", right)
    outcome = grade(submitted=place)
    ann = "ann" if form == "flat" else "ann 17"
    assert outcome.graded == [ann]
    assert float(scores(folder)[ann]["score"]) == 10
    if form == "zip":
        assert "leads out" in outcome.shown


def test_hostile_submission_changes_nobody_elses_result(grade, folder, root):
    put(folder, root, ann="right")
    place = folder / "submitted" / "eve" / STEM
    place.mkdir(parents=True)
    (place / f"{STEM}.ipynb").symlink_to(
        folder / "submitted" / "ann" / STEM / f"{STEM}.ipynb"
    )
    (folder / "submitted" / "mallory" / STEM).mkdir(parents=True)
    (folder / "submitted" / "mallory" / STEM / f"{STEM}.ipynb").write_bytes(b"[" * 9000)
    outcome = grade()
    assert len(outcome.graded) == 3
    found = scores(folder)
    assert float(found["ann"]["score"]) == 10
    for name in ("eve", "mallory"):
        assert found[name]["state"] == "refused"
        assert float(found[name]["score"]) == 0
        assert found[name]["needs_person"] == "1"
        assert "could not be used" in page_of(folder, name)


def test_lateness_is_not_read_from_what_students_write(grade, folder, root):
    put(folder, root, ann="right", bob="right")
    for student in ("ann", "bob"):
        path = folder / "submitted" / student / STEM / "timestamp.txt"
        path.write_text("1999-01-01 00:00:00 UTC")
    (folder / "nbgrader_config.py").write_text(
        "c = get_config()\nc.LateSubmissionPlugin.penalty_method = 'zero'\n"
    )
    with books.Book(books.CourseFolder.open(folder)) as book:
        book.gradebook.update_or_create_assignment(STEM, duedate="2026-11-20 12:00 UTC")
    assert "2 submissions carry a timestamp.txt" in grade().shown
    assert scores(folder)["ann"]["timestamp"] == ""
    table = folder / "times.csv"
    table.write_text("student_id,timestamp\nann,2026-11-21 08:00 UTC\n")
    outcome = grade(times=table)
    assert (outcome.graded, outcome.unchanged) == ([], 2)
    found = scores(folder)
    assert (float(found["ann"]["score"]), float(found["bob"]["score"])) == (0, 10)
    assert "for being late" in page_of(folder, "ann")
    grade(trust_timestamps=True)
    assert float(scores(folder)["ann"]["score"]) == 10


def test_a_persons_points_show_in_feedback(grade, folder, root):
    put(folder, root, bob="doubled")
    grade()
    with books.Book(books.CourseFolder.open(folder)) as book:
        formgrader = book.gradebook
        mark = formgrader.find_grade("check_squares", STEM, STEM, "bob")
        mark.manual_score = 1.0
        comment = formgrader.find_comment("squares", STEM, STEM, "bob")
        comment.manual_comment = "The idea was right."
        formgrader.db.commit()
    assert grade().unchanged == 1
    page = page_of(folder, "bob")
    assert "9 of 10 points" in page
    assert "The idea was right." in page
    assert "set by a person" in page


def test_a_failure_of_the_machine_leaves_no_mark_and_charges_nobody(
    grade, folder, root, monkeypatch
):
    """What was marked before is no mark of what is there now."""
    put(folder, root, ann="right", cid="right")
    grade()
    put(folder, root, ann="doubled", bob="right")
    monkeypatch.setattr(grader, "of_marks", lambda *a: of_marks(*a)[::-1])
    outcome = grade()
    assert sorted(outcome.failed) == ["ann", "bob", "cid"]
    assert "not graded: bob: this worker has another version" in outcome.shown
    found = scores(folder)
    assert "bob" not in found
    for student in ("ann", "cid"):
        assert found[student]["score"] == found[student]["raw_score"] == ""
        assert found[student]["state"] == "infrastructure"
        assert found[student]["needs_person"] == "1"
        page = page_of(folder, student)
        assert "not graded yet" in page and "another version" in page
        assert "10 of 10" not in page
        shown = folder / "autograded" / student / STEM / f"{STEM}.ipynb"
        assert "not graded yet" in shown.read_text() and "right" not in (
            shown.read_text()
        )
    monkeypatch.undo()
    outcome = grade()
    assert (sorted(outcome.graded), outcome.failed) == (["ann", "bob", "cid"], {})
    found = scores(folder)
    assert [found[one]["score"] for one in ("ann", "bob", "cid")] == [
        *("8.0", "10.0", "10.0")
    ]
    assert {one["needs_person"] for one in found.values()} == {"0"}


def test_a_run_that_breaks_off_leaves_no_mark_of_before(
    grade, folder, root, monkeypatch
):
    """Neither where a mark cannot be written, nor where a turn did not come."""
    put(folder, root, ann="right", bob="right", dan="right")
    grade()
    put(folder, root, ann="doubled", cid="right", dan="doubled")
    write, run = books.Book.write, schedule.run

    def fails(self, stem, student, *rest):
        write(self, stem, student, *rest) if student != "ann" else 1 / 0

    def breaks_off(client, order, jobs, *rest):
        run(client, order, [job for job in jobs if job.student == "ann"], *rest)
        raise schedule.SchedulingError("no worker")

    monkeypatch.setattr(books.Book, "write", fails)
    monkeypatch.setattr(schedule, "run", breaks_off)
    with pytest.raises(schedule.SchedulingError):
        grade()
    found = scores(folder)
    assert {name: one["score"] for name, one in found.items()} == {
        **{"ann": "", "bob": "10.0", "dan": ""}
    }
    assert "ZeroDivisionError" in page_of(folder, "ann")
    assert "its turn did not come: no worker" in page_of(folder, "dan")


def test_what_fails_for_one_student_stops_nobody(grade, folder, root):
    """A file stands where two folders should be made; the next run goes on."""
    put(folder, root, ann="right", bob="right", cid="doubled", dan="right")
    for place in ("autograded/bob", "feedback/cid"):
        path = folder / place
        path.parent.mkdir(exist_ok=True)
        path.write_text("in the way")
    outcome = grade()
    assert sorted(outcome.graded) == ["ann", "cid", "dan"]
    assert sorted(outcome.failed) == ["bob", "cid"]
    why = outcome.failed["bob"]
    assert why.startswith("the marks cannot be written: ")
    assert f"{Path('autograded', 'bob')}" in why and "Not a directory" in why
    assert "not graded: bob: the marks cannot be written" in (
        outcome.shown.replace("\n", " ")
    )
    assert sorted(scores(folder)) == ["ann", "cid", "dan"]
    for place in ("autograded/bob", "feedback/cid"):
        (folder / place).unlink()
    outcome = grade()
    assert (outcome.graded, outcome.unchanged, outcome.failed) == (["bob"], 3, {})
    assert "8 of 10 points" in page_of(folder, "cid")


def test_a_gradebook_that_another_program_holds(grade, folder, root, monkeypatch):
    """Its own words in one line; what was finished is kept, the next run goes on."""
    put(folder, root, ann="right", bob="right", cid="right", dan="right")
    keep, other = grader.Desk.keep, sqlite3.connect(folder / "gradebook.db")

    def held(self, student, graded):
        keep(self, student, graded)
        if not other.in_transaction:
            other.execute("BEGIN EXCLUSIVE")

    monkeypatch.setattr(grader.Desk, "keep", held)
    monkeypatch.setattr(grader, "IN_A_ROW", 2)
    url = f"sqlite:///{folder / 'gradebook.db'}?timeout=0.1"
    with pytest.raises(books.BookError, match=r"locked.* same command"):
        grade(db_url=url)
    other.rollback()
    monkeypatch.undo()
    with books.Book(books.CourseFolder.open(folder)) as book:
        assert len(book.entries(STEM)) == 1


def test_a_penalty_follows_a_changed_deadline(grade, folder, root):
    put(folder, root, ann="right")
    (folder / "nbgrader_config.py").write_text(
        "c = get_config()\nc.LateSubmissionPlugin.penalty_method = 'zero'\n"
    )
    table = folder / "times.csv"
    table.write_text("student_id,timestamp\nann,2026-11-21 08:00 UTC\n")
    for due, points in (("2026-11-20", 0), ("2026-11-22", 10), ("2026-11-19", 0)):
        with books.Book(books.CourseFolder.open(folder)) as book:
            book.gradebook.update_or_create_assignment(STEM, duedate=f"{due} 12:00 UTC")
        grade(**{"times": table} if due == "2026-11-20" else {})
        assert float(scores(folder)["ann"]["score"]) == points
    with books.Book(books.CourseFolder.open(folder)) as book:
        book.gradebook.update_or_create_assignment(STEM, duedate=None)
    grade()
    assert float(scores(folder)["ann"]["score"]) == 10


def test_grading_refuses_without_a_sandbox(root, folder, monkeypatch):
    put(folder, root, ann="right")
    monkeypatch.setattr(worker, "probe_here", lambda: "enable user namespaces")
    lesson = course.load(root / "course.toml").find("01")
    ours = grader.Grader(lesson, folder, grader.Options(), root)
    with pytest.raises(grader.GradingError, match="enable user namespaces"):
        ours.run(lambda progress: None)
    assert scores(folder) == {}


def test_unsafe_marks_say_so(grade, folder, root):
    put(folder, root, ann="right")
    outcome = grade(unsafe=True)
    assert "WITHOUT the sandbox" in outcome.shown
    assert scores(folder)["ann"]["unsafe"] == "1"
    assert "not to be relied on" in page_of(folder, "ann")
    assert grade().graded == ["ann"]
    assert scores(folder)["ann"]["unsafe"] == "0"


def test_progress_in_words(monkeypatch):
    clock = types.SimpleNamespace(monotonic=lambda: 1030.0)
    monkeypatch.setattr(schedule, "time", clock)
    progress = schedule.Progress(200, 50, 2, 3, workers=2, started=1000.0)
    text = display.in_words(progress)
    assert "50 of 200 done, 2 running, 3 failed" in text
    assert "100 a minute, 90 s left" in text
    progress.workers = 0
    assert "waiting for a worker" in display.in_words(progress)


def test_progress_is_live_in_a_terminal_and_lines_elsewhere(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    progress = schedule.Progress(2, workers=1)
    for terminal in (True, False):
        stream = io.StringIO()
        console = Console(file=stream, force_terminal=terminal, width=120)
        with display.shown_live(console) as shown:
            shown(progress)
            progress.done = 2
            shown(progress)
        assert "2 of 2 done" in stream.getvalue()
        assert ("\x1b[" in stream.getvalue()) == terminal


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["grade", "99"], "There is no lesson '99'"),
        (["grade", "01", "--submitted", "nowhere"], "nowhere does not exist"),
        (["grade", "01", "--db", "nonsense"], "gradebook cannot be opened"),
        (["grade", "01", "--names", "("], "not a regular expression"),
        (["grade", "01", "--times", "no.csv"], "no.csv cannot be read"),
        (["grade", "01", "--scheduler", "tcp://127.0.0.1:1"], "tls://host:port"),
        (["report", "01"], "Nothing is graded yet"),
        (["marks", "01", "table.csv"], "Nothing is graded yet"),
        (["release", "99", "--to", "x"], "There is no lesson '99'"),
    ],
)
def test_errors_are_one_legible_message(arguments, said, folder, root, monkeypatch):
    put(folder, root, ann="right")
    monkeypatch.chdir(folder)
    monkeypatch.setattr(
        course, "load", lambda *_, load=course.load: load(root / "course.toml")
    )
    monkeypatch.setattr(grader.Grader.__init__, "__defaults__", (root,))
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 1
    assert said in " ".join(done.output.split())
    assert "Traceback" not in done.output


def test_marks_go_back_to_a_platform(folder, root, released, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.setattr(
        course, "load", lambda *_, load=course.load: load(root / "course.toml")
    )
    part = Part("squares", 10)
    with books.Book(books.CourseFolder.open(folder)) as book:
        parts = book.prepare(STEM, released)
        for student in ("ann 1", "bob 2", "cid 3"):
            book.write(STEM, student, without_marks(parts, "graded", ""), "key")
        failed = without_marks([part], State.INFRASTRUCTURE, "no disk")
        book.withdraw(STEM, "bob 2", failed)
    columns = "Identifier,Full name,Grade,Maximum Grade,Last modified (grade)\n"
    table = folder / "Grades [a].csv"
    table.write_text(columns + "Participant 1,Ann,,10.00,-\n")
    invoke = CliRunner().invoke
    done = invoke(app, ["marks", "01", str(table)])
    said = " ".join(done.output.split())
    assert done.exit_code == 1
    assert "Moodle, Grade: 1 marks of 3" in said
    assert "cid 3 has a mark, but no row" in said and "bob 2 is not graded" in said
    filled = (folder / "Grades [a]-marks.csv").read_text()
    assert filled == columns + "Participant 1,Ann,0,10.00,-\n"
    for arguments, refused in (
        (["marks", "01", str(table), "--to", str(table)], "stays as it was exported"),
        (["marks", "01", "nowhere.csv"], "nowhere.csv: No such file"),
        (["marks", "01", "grading_secret", "--to", "x"], "No such file"),
        (["marks", "01", str(table), "--column", "x"], "name one by --column"),
    ):
        done = invoke(app, arguments)
        assert done.exit_code == 1
        assert refused in " ".join(done.output.split())


def test_secret_is_made_once(tmp_path, monkeypatch):
    first = grader.read_secret(tmp_path)
    assert len(first) == 64
    assert grader.read_secret(tmp_path) == first
    monkeypatch.setenv(grader.SECRET_VARIABLE, "from the environment")
    assert grader.read_secret(tmp_path) == "from the environment"
    monkeypatch.delenv(grader.SECRET_VARIABLE)
    (tmp_path / grader.SECRET_FILE).write_text("")
    with pytest.raises(grader.GradingError, match="damaged"):
        grader.read_secret(tmp_path)


# The command line as a process --------------------------------------------------------


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The package with a course of one small exercise as its own."""
    place = tmp_path_factory.mktemp("installed")
    package = Path(digitdreams.__file__).parent
    ignored = shutil.ignore_patterns("__pycache__", "*.keras")
    shutil.copytree(package, place / "digitdreams", ignore=ignored)
    return classroom.make(place)


def start(installed, folder, *arguments):
    """Start `digitdreams` in a folder as a process of its own."""
    program = "from digitdreams.cli import app; app()"
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(installed)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def run(installed, folder, *arguments):
    process = start(installed, folder, *arguments)
    printed = process.communicate(timeout=400)[0]
    return process.returncode, printed


def test_killed_run_goes_on_where_it_stopped(installed, folder):
    """Kill the process that grades, look for what it leaves, and run it again."""
    kinds = ["right", "doubled", "blank"] * 3
    put(folder, installed, **{f"s{i}": kind for i, kind in enumerate(kinds)})
    process = start(installed, folder, "grade", "01", "--workers", "2")
    page = folder / "autograded"
    until = time.monotonic() + 300
    while len(list(page.glob("*"))) < 3:
        assert time.monotonic() < until
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.02)
    children = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.communicate()
    _, alive = psutil.wait_procs(children, timeout=60)
    assert not alive
    code, printed = run(installed, folder, "grade", "01", "--workers", "2")
    assert code == 0, printed
    graded, unchanged = map(
        int, re.search(r"(\d+) graded, (\d+) unchanged", printed).groups()
    )
    assert graded + unchanged == 9
    assert 1 <= unchanged < 9
    found = {name: float(one["score"]) for name, one in scores(folder).items()}
    assert found == {f"s{i}": POINTS[kind] for i, kind in enumerate(kinds)}


def test_interrupt_keeps_what_is_finished(installed, folder):
    put(folder, installed, **{f"s{i}": "right" for i in range(30)})
    process = start(installed, folder, "grade", "01", "--workers", "2")
    until = time.monotonic() + 300
    while not list((folder / "autograded").glob("*")):
        assert time.monotonic() < until
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)  # Ctrl+C reaches the workers, too
    printed = process.communicate(timeout=400)[0]
    assert process.returncode == 130, printed
    assert "run the same command to go on" in printed
    assert "Traceback" not in printed
    found = scores(folder)
    assert 1 <= len(found) < 30
    assert {float(one["score"]) for one in found.values()} == {10.0}


def test_release_grade_report(installed, folder):
    """The way of an instructor through a term, by the command line."""
    code, printed = run(installed, folder, "release", "01", "--to", "handout")
    assert code == 0, printed
    assert sorted(one.name for one in (folder / "handout" / STEM).iterdir()) == [
        f"{STEM}.ipynb",
        "checks.json",
    ]
    put(folder, installed, ann="right", bob="doubled", cid="doubled", dan="dies")
    code, printed = run(installed, folder, "grade", "01")
    assert code == 0, printed
    assert "4 of 4 done" in printed
    assert "4 graded, 0 unchanged, 0 to be graded again" in printed
    code, printed = run(installed, folder, "report", "01")
    assert code == 0, printed
    assert "You doubled the values" in printed
    assert (folder / "reports" / f"{STEM}.html").exists()
