"""Marks of a gradebook that were made from other files than today's are counted."""

import shutil
import sqlite3
from contextlib import closing

import classroom
import pytest

from digitdreams import course
from digitdreams.authoring import status
from digitdreams.grading.grader import Grader, Options, stale_marks


@pytest.fixture
def place(tmp_path, empty_gradebook):
    """A course whose gradebook holds a current mark of one student."""
    root = classroom.make(tmp_path / "course")
    shutil.copy(empty_gradebook, root / "gradebook.db")
    folder = root / "submitted" / "ada" / classroom.STEM
    folder.mkdir(parents=True)
    released = root / "exercises" / classroom.STEM / f"{classroom.STEM}.ipynb"
    shutil.copy(released, folder)
    grader = Grader(lesson(root), root, Options(), root)
    key = grader.key((folder / released.name).read_bytes())
    with closing(sqlite3.connect(root / "gradebook.db")) as book:
        values = (classroom.STEM, "ada", key, "{}", "2026-01-01 00:00:00")
        book.execute("INSERT INTO digitdreams_mark VALUES (?, ?, ?, ?, ?)", values)
        book.commit()
    return root


def lesson(root):
    [found] = course.load(root / "course.toml").lessons
    return found


def count(root):
    return stale_marks(lesson(root), root, root)


def test_a_mark_is_stale_once_the_specification_has_changed(place):
    assert count(place) == 0
    specification = place / "sources" / "tasks" / f"{classroom.STEM}.py"
    text = specification.read_text("utf-8")
    specification.write_text("# A remark.\n" + text, "utf-8")
    assert count(place) == 0
    specification.write_text(text.replace("points=1", "points=3"), "utf-8")
    assert count(place) == 1


def test_a_mark_is_stale_once_its_submission_has_changed(place):
    [submission] = (place / "submitted").rglob("*.ipynb")
    submission.write_text(submission.read_text("utf-8") + " ", "utf-8")
    assert count(place) == 1


def test_status_names_stale_marks_and_the_command(place):
    look = status.Look(course.load(place / "course.toml"), place)
    look.marks()
    assert look.found == []
    [checks] = (place / "exercises").rglob("checks.json")
    checks.write_text(checks.read_text("utf-8") + " ", "utf-8")
    look.marks()
    [found] = look.found
    assert (found.thing, found.command) == (
        "marks of exercise 01",
        "digitdreams grade 01",
    )
    assert found.why == ("1 made from other files or submissions",)
    assert not found.tracked
