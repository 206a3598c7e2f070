"""nbgrader's gradebook: marks and comments in, everything a person set kept.

All is read and written through `nbgrader.api.Gradebook`; one table of our own
beside nbgrader's says from what each mark was made, so that grading again
changes only what changed.
"""

import contextlib
import csv
import fcntl
import hashlib
import io
import json
import sys
import unicodedata
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import nbformat
import sqlalchemy
from nbgrader.api import (
    Assignment,
    Gradebook,
    MissingEntry,
    SubmittedAssignment,
    SubmittedNotebook,
)
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import AssignLatePenalties, SaveCells
from sqlalchemy.exc import SAWarning, SQLAlchemyError
from sqlalchemy.orm import joinedload, selectinload
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from digitdreams import machine
from digitdreams.files import write_atomically
from digitdreams.grading.result import Part, Result, State

CONFIG = "nbgrader_config.py"
LOCK = 0x646967697464  # of PostgreSQL's advisory locks the one that is ours
WITHDRAWN = "withdrawn"  # what no submission's mark was made from
CHECK = "check_"  # begins the grade_id of the cell that a task's points belong to

Plain = TypeVar("Plain")
_records = sqlalchemy.Table(
    "digitdreams_mark",
    sqlalchemy.MetaData(),
    sqlalchemy.Column("assignment", sqlalchemy.String(128), primary_key=True),
    sqlalchemy.Column("student", sqlalchemy.String(128), primary_key=True),
    sqlalchemy.Column("key", sqlalchemy.String(64), nullable=False),
    sqlalchemy.Column("result", sqlalchemy.Text, nullable=False),
    sqlalchemy.Column("graded_at", sqlalchemy.DateTime, nullable=False),
)


class BookError(Exception):
    """The gradebook cannot be used; the message says what to do."""


def said_by(error: BaseException) -> str:
    """What a database said, in one line."""
    lines = str(getattr(error, "orig", None) or error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


# The course's folder ------------------------------------------------------------------


@dataclass(frozen=True)
class CourseFolder:
    """Where nbgrader keeps a course, with nbgrader's own settings."""

    root: Path
    config: Config
    directory: CourseDirectory

    @classmethod
    def open(cls, root: Path) -> "CourseFolder":
        """Read the folder's nbgrader_config.py, if there is one.

        Raises:
            BookError: it is not right; the message says where.
        """
        root = root.resolve()
        config = Config()
        if (root / CONFIG).exists():
            try:
                config = Config(PyFileConfigLoader(CONFIG, str(root)).load_config())
            except Exception as error:  # a person wrote this program
                said = str(error).strip() or type(error).__name__
                raise BookError(
                    f"{root / CONFIG} cannot be read: {said.splitlines()[0]}"
                ) from None
        config.CourseDirectory.root = str(root)
        return cls(root, config, CourseDirectory(config=config))

    @property
    def db_url(self) -> str:
        return str(self.directory.db_url)

    @property
    def course_id(self) -> str:
        return str(self.directory.course_id or "default_course")

    def place(self, step: str, student: str, stem: str) -> Path:
        """The folder of a student's exercise in `submitted`, `autograded` ..."""
        name = getattr(self.directory, f"{step}_directory")
        return Path(self.directory.format_path(name, student, stem))

    @property
    def submitted(self) -> Path:
        return self.root / str(self.directory.submitted_directory)


# What an exercise is made of ----------------------------------------------------------


def parts_of(exercise: nbformat.NotebookNode) -> list[Part]:
    """The tasks of an exercise, read from nbgrader's metadata."""
    marks = (cell.metadata.get("nbgrader", {}) for cell in exercise.cells)
    return [
        Part(mark["grade_id"].removeprefix(CHECK), float(mark["points"]))
        for mark in marks
        if mark.get("grade")
    ]


def clean(value: Plain) -> Plain:
    """Replace what a database, a page or a terminal cannot hold, at any depth."""
    return _clean(value)


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        value = value.encode("utf-8", "replace").decode("utf-8")
        return "".join(
            letter
            if letter in "\n\t" or unicodedata.category(letter) != "Cc"
            else "\ufffd"
            for letter in value
        )
    if isinstance(value, list):
        return [_clean(part) for part in value]
    if isinstance(value, dict):
        return {key: _clean(part) for key, part in value.items()}
    return value


def clean_result(result: Result) -> Result:
    """The same result, its texts cleaned."""
    return Result.from_dict(_clean(result.as_dict()))


def key_of(content: bytes, stamp: str) -> str:
    """What a mark was made from: the submission and all that decides about it."""
    return hashlib.sha256(hashlib.sha256(content).digest() + stamp.encode()).hexdigest()


@dataclass(frozen=True)
class Entry:
    """One student's line of the gradebook for one exercise.

    Attributes:
        student: the student's name in the gradebook.
        result: what grading found, None where only a person or nbgrader itself
            graded.
        points: of each task, a person's where one was set.
        worth: the most points that each task gives.
        comments: a person's comments by task.
        penalty: the points taken for being late.
        needs_person: whether a grade waits for a person.
    """

    student: str
    last_name: str | None
    first_name: str | None
    email: str | None
    timestamp: datetime | None
    duedate: datetime | None
    result: Result | None
    points: dict[str, float]
    worth: dict[str, float]
    comments: dict[str, str]
    penalty: float
    needs_person: bool

    # Of the whole exercise.

    @property
    def marked(self) -> bool:
        """Whether there is a mark at all: not where only this machine failed."""
        waits = self.result is not None and self.result.state is State.INFRASTRUCTURE
        return not waits or any(self.points.values())

    @property
    def raw_score(self) -> float:
        return sum(self.points.values())

    @property
    def score(self) -> float:
        return max(0.0, self.raw_score - self.penalty)

    @property
    def max_points(self) -> float:
        return sum(self.worth.values())


# The gradebook ------------------------------------------------------------------------


class Book:
    """The one writer of a gradebook; use it as a context manager.

    Args:
        folder: the course's folder.
        db_url: instead of the folder's, such as
            `postgresql+psycopg2://user@host/name`.

    Raises:
        BookError: the database cannot be reached.
    """

    def __init__(self, folder: CourseFolder, db_url: str | None = None):
        self.folder = folder
        self.db_url = db_url or folder.db_url
        machine.programs_on_path()
        try:
            self.gradebook = Gradebook(self.db_url, folder.course_id)
            _records.create(self.gradebook.engine, checkfirst=True)
        except (SQLAlchemyError, ImportError) as error:
            raise BookError(
                f"The gradebook cannot be opened: {said_by(error)}. Look at the "
                "address given by --db or by db_url in nbgrader_config.py."
            ) from None
        self.late = self._late_plugin()

    def __enter__(self) -> "Book":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with contextlib.suppress(SQLAlchemyError):
            self.gradebook.close()
        if isinstance(error, SQLAlchemyError):
            raise BookError(
                f"The gradebook fails: {said_by(error)}. What was finished is kept: "
                "run the same command again when nobody else writes to it and its "
                "disk or server is well."
            ) from None

    def forget_unfinished(self) -> None:
        """Leave out what was begun and not finished, even if the database is gone."""
        with contextlib.suppress(SQLAlchemyError):
            self.gradebook.db.rollback()

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Be the only run that writes to this gradebook.

        Raises:
            BookError: another one does already.
        """
        with contextlib.ExitStack() as stack:
            engine = self.gradebook.engine
            if engine.dialect.name == "postgresql":
                # The server gives the lock back when the connection ends, however.
                connection = stack.enter_context(engine.connect())
                asked = sqlalchemy.text("SELECT pg_try_advisory_lock(:number)")
                free = connection.execute(asked, {"number": LOCK}).scalar()
                connection.commit()
                stack.callback(connection.invalidate)
            else:
                name = engine.url.database or str(self.folder.root / "gradebook")
                file = stack.enter_context(open(f"{name}.lock", "w"))
                free = True
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    free = False
            if not free:
                raise BookError("Another run is writing to this gradebook: let it end.")
            yield

    def _late_plugin(self) -> AssignLatePenalties:
        # nbgrader's programs find a course's own plugin in the working folder.
        sys.path.append(str(self.folder.root))
        try:
            late = AssignLatePenalties(config=self.folder.config)
            late.log.setLevel("ERROR")
            late.init_plugin()
        finally:
            sys.path.remove(str(self.folder.root))
        return late

    # The exercise ---------------------------------------------------------------------

    def prepare(self, stem: str, exercise: nbformat.NotebookNode) -> list[Part]:
        """Make the exercise known, as `nbgrader generate_assignment` does.

        Raises:
            BookError: its cells differ from those that students were graded on.
        """
        self.gradebook.update_or_create_assignment(stem)
        resources = {
            "nbgrader": {"notebook": stem, "assignment": stem, "db_url": self.db_url}
        }
        try:
            SaveCells().preprocess(exercise, resources)
        except RuntimeError as error:
            raise BookError(
                f"{error}. To begin anew, remove the exercise from the gradebook: "
                f"nbgrader db assignment remove {stem} --force"
            ) from None
        self.gradebook.db.expire_all()
        self._forget_removed()
        return parts_of(exercise)

    def _forget_removed(self) -> None:
        """Drop our record of every submission that nbgrader does not know any more."""
        known = (
            sqlalchemy.select(SubmittedAssignment.id)
            .join(SubmittedAssignment.assignment)
            .where(
                Assignment.name == _records.c.assignment,
                SubmittedAssignment.student_id == _records.c.student,
            )
        )
        self.gradebook.db.execute(sqlalchemy.delete(_records).where(~known.exists()))
        self.gradebook.db.commit()

    def duedate(self, stem: str) -> datetime | None:
        try:
            due: datetime | None = self.gradebook.find_assignment(stem).duedate
            return due
        except MissingEntry:
            return None

    def keys(self, stem: str) -> dict[str, str]:
        """From what each student's mark was made, by student."""
        query = sqlalchemy.select(_records.c.student, _records.c.key).where(
            _records.c.assignment == stem
        )
        return {student: key for student, key in self.gradebook.db.execute(query)}

    # One mark -------------------------------------------------------------------------

    def write(
        self,
        stem: str,
        student: str,
        result: Result,
        key: str,
        timestamp: datetime | None = None,
    ) -> None:
        """Write one student's marks and comments; what a person set stays.

        The marks, the penalty and the record of what they were made from become
        visible together or not at all.

        Args:
            stem: the exercise.
            student: the student's name.
            result: never one with the state `INFRASTRUCTURE`, which is no mark.
            key: see `key_of`.
            timestamp: when it was handed in, in UTC; None leaves what is there.
        """
        if result.state is State.INFRASTRUCTURE:
            raise ValueError("a failure of the infrastructure is no mark")
        result = clean_result(result)
        book = self.gradebook
        try:
            book.find_student(student)
        except MissingEntry:
            book.add_student(student)
        submission = self._submission(stem, student, timestamp)
        notebook = notebook_of(submission, stem)
        marks = {task.name: task for task in result.tasks}
        for grade in notebook.grades:
            mark = marks[grade.name.removeprefix(CHECK)]
            changed = grade.auto_score != mark.points
            grade.auto_score = float(mark.points)
            # As nbgrader does: a person's grade of another answer is looked at again.
            overtaken = grade.manual_score is not None and (
                changed or grade.needs_manual_grade
            )
            grade.needs_manual_grade = result.needs_person or overtaken
        for comment in notebook.comments:
            if comment.name in marks:
                comment.auto_comment = marks[comment.name].message or None
        book.db.flush()
        book.db.expire(notebook)
        self._set_penalty(submission, notebook)
        self._record(stem, student, key, result)
        book.db.commit()

    def _record(self, stem: str, student: str, key: str, result: Result) -> None:
        """Put a result in place of the one before."""
        row = {"assignment": stem, "student": student}
        where = [_records.c[name] == value for name, value in row.items()]
        self.gradebook.db.execute(sqlalchemy.delete(_records).where(*where))
        values = {
            **row,
            "key": key,
            "result": json.dumps(result.as_dict()),
            "graded_at": datetime.now(UTC).replace(tzinfo=None, microsecond=0),
        }
        self.gradebook.db.execute(sqlalchemy.insert(_records).values(**values))

    def _submission(
        self, stem: str, student: str, timestamp: datetime | None
    ) -> SubmittedAssignment:
        times = {} if timestamp is None else {"timestamp": timestamp.isoformat()}
        with warnings.catch_warnings():  # nbgrader's own use of SQLAlchemy
            warnings.simplefilter("ignore", SAWarning)
            return self.gradebook.update_or_create_submission(stem, student, **times)

    def _set_penalty(
        self, submission: SubmittedAssignment, notebook: SubmittedNotebook
    ) -> None:
        """What nbgrader's AssignLatePenalties does, within our transaction."""
        notebook.late_submission_penalty = None
        late = submission.total_seconds_late
        if late > 0:
            penalty = self.late.plugin_inst.late_submission_penalty(
                submission.student.id, notebook.score, late
            )
            if penalty is not None:
                penalty = self.late._check_late_penalty(notebook, penalty)
                notebook.late_submission_penalty = penalty

    def set_time(self, stem: str, student: str, timestamp: datetime | None) -> None:
        """Set when it was handed in, and the penalty that follows from it today.

        The penalty also follows from the deadline, which may have changed.

        Args:
            stem: the exercise.
            student: the student's name.
            timestamp: in UTC; None leaves what is there.
        """
        submission = self._submission(stem, student, timestamp)
        for notebook in submission.notebooks:
            self._set_penalty(submission, notebook)
        self.gradebook.db.commit()

    def withdraw(self, stem: str, student: str, result: Result) -> None:
        """Take back a mark that was made from something else than is there today.

        What a person set stays, to be looked at again. The next run grades the
        submission whatever it is.

        Args:
            stem: the exercise.
            student: the student's name.
            result: has the state `INFRASTRUCTURE`; it says why there is no mark.
        """
        book = self.gradebook
        submission = self._submission(stem, student, None)
        notebook = notebook_of(submission, stem)
        for grade in notebook.grades:
            grade.auto_score = None
            grade.needs_manual_grade = True
        messages = {task.name: task.message for task in result.tasks}
        for comment in notebook.comments:
            comment.auto_comment = messages.get(comment.name) or None
        notebook.late_submission_penalty = None
        self._record(stem, student, WITHDRAWN, clean_result(result))
        book.db.commit()

    # Reading --------------------------------------------------------------------------

    def entries(self, stem: str) -> list[Entry]:
        """All students' lines of an exercise, in order of the students' names."""
        query = sqlalchemy.select(_records.c.student, _records.c.result).where(
            _records.c.assignment == stem
        )
        results = {student: text for student, text in self.gradebook.db.execute(query)}
        try:
            assignment = self.gradebook.find_assignment(stem)
        except MissingEntry:
            return []
        # All at once: one query a student and table takes minutes for a large class.
        grades = selectinload(SubmittedAssignment.notebooks)
        submissions = (
            self.gradebook.db.query(SubmittedAssignment)
            .filter(SubmittedAssignment.assignment == assignment)
            .options(
                joinedload(SubmittedAssignment.student),
                grades.selectinload(SubmittedNotebook.grades),
                grades.selectinload(SubmittedNotebook.comments),
            )
            .all()
        )
        entries = [
            entry_of(submission, stem, results.get(submission.student.id))
            for submission in submissions
        ]
        return sorted(entries, key=lambda entry: entry.student)

    def graded_stems(self) -> list[str]:
        """The exercises that have marks of ours."""
        query = sqlalchemy.select(_records.c.assignment).distinct()
        return sorted(self.gradebook.db.execute(query).scalars())


def notebook_of(submission: SubmittedAssignment, stem: str) -> SubmittedNotebook:
    """The one notebook of a submission."""
    (notebook,) = (book for book in submission.notebooks if book.name == stem)
    return notebook


def entry_of(submission: SubmittedAssignment, stem: str, stored: str | None) -> Entry:
    """A student's line, from nbgrader's tables and the result that we keep."""
    student = submission.student
    notebook = notebook_of(submission, stem)
    names = {grade: grade.name.removeprefix(CHECK) for grade in notebook.grades}
    comments = {
        comment.name: comment.manual_comment
        for comment in notebook.comments
        if comment.manual_comment
    }
    return Entry(
        student=student.id,
        last_name=student.last_name,
        first_name=student.first_name,
        email=student.email,
        timestamp=submission.timestamp,
        duedate=submission.duedate if submission.assignment.duedate else None,
        result=Result.from_dict(json.loads(stored)) if stored else None,
        points={name: float(grade.score) for grade, name in names.items()},
        worth={name: float(grade.max_score) for grade, name in names.items()},
        comments=comments,
        penalty=float(notebook.late_submission_penalty or 0),
        needs_person=any(grade.needs_manual_grade for grade in notebook.grades),
    )


# grades.csv ---------------------------------------------------------------------------

NBGRADER_COLUMNS = (
    "assignment",
    "duedate",
    "timestamp",
    "student_id",
    "last_name",
    "first_name",
    "email",
    "raw_score",
    "late_submission_penalty",
    "score",
    "max_score",
)
OUR_COLUMNS = ("state", "needs_person", "unsafe", "seconds", "tasks")


def rows(stem: str, entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """The lines of grades.csv: nbgrader's columns, then ours."""
    return [row(stem, entry) for entry in entries]


def row(stem: str, entry: Entry) -> dict[str, Any]:
    result = entry.result
    tasks = [
        f"{name} {entry.points[name]:g}/{most:g}" for name, most in entry.worth.items()
    ]
    return {
        "assignment": stem,
        "duedate": entry.duedate or "",
        "timestamp": entry.timestamp or "",
        "student_id": entry.student,
        "last_name": entry.last_name or "",
        "first_name": entry.first_name or "",
        "email": entry.email or "",
        "raw_score": entry.raw_score if entry.marked else "",
        "late_submission_penalty": entry.penalty,
        "score": entry.score if entry.marked else "",
        "max_score": entry.max_points,
        "state": result.state if result else "graded by hand",
        "needs_person": int(entry.needs_person),
        "unsafe": int(result is not None and result.unsafe),
        "seconds": result.seconds if result else "",
        "tasks": "; ".join(tasks),
    }


def write_csv(book: Book, path: Path) -> int:
    """Write all marks of all exercises; return how many lines there are."""
    lines = [
        line for stem in book.graded_stems() for line in rows(stem, book.entries(stem))
    ]
    table = io.StringIO(newline="")
    writer = csv.DictWriter(table, [*NBGRADER_COLUMNS, *OUR_COLUMNS])
    writer.writeheader()
    writer.writerows(lines)
    write_atomically(path, table.getvalue())
    return len(lines)
