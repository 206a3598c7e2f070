"""Marks in nbgrader's gradebook, seen through nbgrader's own eyes."""

import csv
import os
import shutil
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import classroom
import nbformat
import pytest
from nbgrader.api import Gradebook

from digitdreams.grading import book as books
from digitdreams.grading import feedback
from digitdreams.grading.result import Result, State, SubmittedCell, TaskResult

STEM = classroom.STEM
WORTH = {"squares": 2.0, "standardise": 3.0, "count": 1.0, "training": 4.0}


def result_of(state="graded", notes=(), unsafe=False, **points):
    """A result with these points; every other task has none."""
    tasks = [
        TaskResult(
            name,
            points.get(name, 0),
            max_points,
            State(state),
            message="right" if points.get(name) else "You doubled the values.",
            mistake=None if points.get(name) else f"{name}/doubled",
        )
        for name, max_points in WORTH.items()
    ]
    return Result(
        State(state),
        tasks,
        seconds=1.5,
        peak_memory_mb=60.0,
        notes=list(notes),
        unsafe=unsafe,
    )


@pytest.fixture
def folder(tmp_path, root, empty_gradebook):
    """A course's folder with nbgrader's settings."""
    shutil.copyfile(empty_gradebook, tmp_path / "gradebook.db")
    (tmp_path / "nbgrader_config.py").write_text(
        "c = get_config()\n"
        "c.CourseDirectory.course_id = 'small'\n"
        f"c.CourseDirectory.source_directory = {str(root / 'solutions')!r}\n"
    )
    return books.CourseFolder.open(tmp_path)


@pytest.fixture
def book(folder, released):
    with books.Book(folder) as made:
        made.prepare(STEM, released)
        yield made


def nbgrader(folder, *arguments):
    """Run nbgrader's own command line."""
    program = Path(sys.executable).with_name("nbgrader")
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [sys.executable, program, *arguments],
        cwd=folder.root,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done


def test_marks_and_comments_are_nbgraders(book):
    book.write(STEM, "ann", result_of(squares=2, training=4), "key")
    with Gradebook(book.db_url, "small") as theirs:
        submission = theirs.find_submission(STEM, "ann")
        assert (submission.score, submission.max_score) == (6, 10)
        assert not submission.needs_manual_grade
        grade = theirs.find_grade("check_standardise", STEM, STEM, "ann")
        assert (grade.auto_score, grade.manual_score) == (0, None)
        comment = theirs.find_comment("standardise", STEM, STEM, "ann")
        assert comment.comment == "You doubled the values."


def test_what_a_person_set_stays(book):
    """A regrade keeps points and comments of a person, and says when to look again."""
    book.write(STEM, "ann", result_of(squares=2), "key 1")
    with Gradebook(book.db_url, "small") as formgrader:
        grade = formgrader.find_grade("check_standardise", STEM, STEM, "ann")
        grade.manual_score, grade.extra_credit = 2.5, 0.5
        comment = formgrader.find_comment("standardise", STEM, STEM, "ann")
        comment.manual_comment = "Half of it is right."
        formgrader.db.commit()
    book.gradebook.db.expire_all()
    book.write(STEM, "ann", result_of(squares=2), "key 2")
    (entry,) = book.entries(STEM)
    assert entry.points["standardise"] == 3.0
    assert entry.comments == {"standardise": "Half of it is right."}
    assert not entry.needs_person
    book.write(STEM, "ann", result_of(squares=2, standardise=3), "key 3")
    (entry,) = book.entries(STEM)
    assert entry.points["standardise"] == 3.0
    assert entry.needs_person


def test_no_mark_for_a_failure_of_the_infrastructure(book):
    book.write(STEM, "ann", result_of(squares=2), "key")
    with pytest.raises(ValueError, match="no mark"):
        book.write(STEM, "ann", result_of(state="infrastructure"), "key 2")
    (entry,) = book.entries(STEM)
    assert entry.score == 2
    assert book.keys(STEM) == {"ann": "key"}


def test_whom_nbgrader_forgot_is_forgotten(book, released):
    for student in ("ann", "bob"):
        book.write(STEM, student, result_of(squares=2), "key")
    book.gradebook.remove_student("ann")
    book.prepare(STEM, released)
    assert book.keys(STEM) == {"bob": "key"}


@pytest.mark.parametrize("state", ["refused", "crashed", "missing"])
def test_states_that_need_a_person(book, state):
    book.write(STEM, "ann", result_of(state=state), "key")
    with Gradebook(book.db_url, "small") as theirs:
        assert theirs.find_submission(STEM, "ann").needs_manual_grade


def test_text_that_databases_and_pages_cannot_hold(book):
    result = result_of()
    result.tasks[0].message = "nul \0 bell \a lone \ud800 <b>"
    result.output = "\x1b[31mred\0"
    book.write(STEM, "ann", result, "key")
    (entry,) = book.entries(STEM)
    assert "\0" not in entry.result.output
    page = feedback.student_page("Small", entry)
    page.encode("utf-8")
    assert "&lt;b&gt;" in page


def test_lateness(folder, released):
    """nbgrader's penalty plugin decides, as in `nbgrader autograde`."""
    due = datetime(2026, 11, 20, 12)
    (folder.root / "late.py").write_text(
        "from nbgrader.plugins import BasePlugin\n"
        "class HalfAPointADay(BasePlugin):\n"
        "    def late_submission_penalty(self, student_id, score, seconds):\n"
        "        return 0.5 * seconds / 86400\n"
    )
    config = folder.root / "nbgrader_config.py"
    with open(config, "a") as stream:
        stream.write("c.AssignLatePenalties.plugin_class = 'late.HalfAPointADay'\n")
    with books.Book(books.CourseFolder.open(folder.root)) as book:
        book.prepare(STEM, released)
        book.gradebook.update_or_create_assignment(STEM, duedate=due.isoformat())
        late = due + timedelta(days=2)
        book.write(STEM, "late", result_of(squares=2, training=4), "k", late)
        book.write(STEM, "zero", result_of(), "k", late)
        book.write(STEM, "early", result_of(squares=2), "k", due - timedelta(days=1))
        book.write(STEM, "unknown", result_of(squares=2), "k")
        scores = {one.student: (one.penalty, one.score) for one in book.entries(STEM)}
        assert scores["late"] == (1.0, 5.0)
        assert scores["zero"] == (0.0, 0.0)  # never below nothing
        assert scores["early"] == scores["unknown"] == (0.0, 2.0)
        book.set_time(STEM, "late", due)
        assert book.entries(STEM)[1].penalty == 0


def test_changed_exercise_with_submissions_is_refused(book, released):
    book.write(STEM, "ann", result_of(), "key")
    other = nbformat.from_dict(released)
    other.cells = other.cells[:-1]
    with pytest.raises(books.BookError, match="nbgrader db assignment remove"):
        book.prepare(STEM, other)
    book.prepare(STEM, released)


def test_one_writer(book, folder):
    with (
        books.Book(folder) as second,
        book.alone(),
        pytest.raises(books.BookError, match="Another run"),
        second.alone(),
    ):
        pass
    with book.alone():
        pass


def test_database_that_cannot_be_reached(folder):
    with pytest.raises(books.BookError, match="--db"):
        books.Book(folder, "sqlite:////nonexistent/folder/gradebook.db")
    with pytest.raises(books.BookError, match="cannot be opened"):
        books.Book(folder, "postgresql+psycopg2://x@127.0.0.1:1/x?connect_timeout=2")


@pytest.mark.slow
def test_nbgraders_own_commands_go_on_working(book, folder, released):
    """`nbgrader export` and `generate_feedback` on our gradebook and notebooks."""
    result = result_of(squares=2, training=4)
    result.output = "<script>alert(1)</script>"
    written = [SubmittedCell("task-count", "code", "'<script>alert(2)'")]
    book.write(STEM, "ann", result, "key")
    notebook = feedback.graded_notebook(released, written, result)
    place = folder.place("autograded", "ann", STEM)
    place.mkdir(parents=True)
    nbformat.write(notebook, place / f"{STEM}.ipynb")
    lines = books.write_csv(book, folder.root / "ours.csv")

    nbgrader(folder, "export", "--to", "theirs.csv")
    with open(folder.root / "theirs.csv") as stream:
        (theirs,) = csv.DictReader(stream)
    with open(folder.root / "ours.csv") as stream:
        (ours,) = csv.DictReader(stream)
    assert lines == 1
    assert theirs["score"] == ours["score"] == "6.0"
    names = ("assignment", "student_id", "raw_score", "max_score")
    assert [theirs[name] for name in names] == [ours[name] for name in names]

    nbgrader(folder, "generate_feedback", STEM)
    page = (folder.root / "feedback" / "ann" / STEM / f"{STEM}.html").read_text()
    assert "You doubled the values." in page
    assert "2.0" in page
    assert "<script>alert" not in page
