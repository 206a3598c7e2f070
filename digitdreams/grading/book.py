"""nbgrader's gradebook: marks and comments in, everything a person set kept.

All is read and written through `nbgrader.api.Gradebook`; one table of our own
beside nbgrader's says from what each mark was made, so that grading again
changes only what changed.
"""

import contextlib
import csv
import fcntl
import hashlib
import json
import os
import sys
import unicodedata
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

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

CONFIG = "nbgrader_config.py"
LOCK = 0x646967697464  # of PostgreSQL's advisory locks the one that is ours
CHECK = "check_"  # begins the grade_id of the cell that a task's points belong to
PERSON_STATES = frozenset({"refused", "crashed"})

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


# The course's folder ------------------------------------------------------------------


@dataclass(frozen=True)
class CourseFolder:
    """Where nbgrader keeps a course, with nbgrader's own settings."""

    root: Path
    config: Config
    directory: CourseDirectory

    @classmethod
    def open(cls, root: Path) -> "CourseFolder":
        """Read the folder's nbgrader_config.py, if there is one."""
        root = root.resolve()
        config = Config()
        if (root / CONFIG).exists():
            config = Config(PyFileConfigLoader(CONFIG, str(root)).load_config())
        config.CourseDirectory.root = str(root)
        return cls(root, config, CourseDirectory(config=config))

    @property
    def db_url(self) -> str:
        return self.directory.db_url

    @property
    def course_id(self) -> str:
        return self.directory.course_id or "default_course"

    def place(self, step: str, student: str, stem: str) -> Path:
        """The folder of a student's exercise in `submitted`, `autograded` ..."""
        name = getattr(self.directory, f"{step}_directory")
        return Path(self.directory.format_path(name, student, stem))

    @property
    def submitted(self) -> Path:
        return self.root / self.directory.submitted_directory


# What an exercise is made of ----------------------------------------------------------


@dataclass(frozen=True)
class Part:
    """One graded cell of an exercise: its task and what that is worth."""

    name: str
    points: float


def parts_of(exercise: nbformat.NotebookNode) -> list[Part]:
    """The tasks of an exercise, read from nbgrader's metadata."""
    marks = (cell.metadata.get("nbgrader", {}) for cell in exercise.cells)
    return [
        Part(one["grade_id"].removeprefix(CHECK), float(one["points"]))
        for one in marks
        if one.get("grade")
    ]


def needs_person(result: dict) -> bool:
    """Tell whether a person should look at a result (see `grading.marking`)."""
    states = {result["state"], *(one["state"] for one in result["tasks"])}
    return bool(
        result["state"] == "missing" or states & PERSON_STATES or result["unsafe"]
    )


def clean(value):
    """Replace what a database, a page or a terminal cannot hold, at any depth."""
    if isinstance(value, str):
        value = value.encode("utf-8", "replace").decode("utf-8")
        return "".join(
            one if one in "\n\t" or unicodedata.category(one) != "Cc" else "\ufffd"
            for one in value
        )
    if isinstance(value, list):
        return [clean(one) for one in value]
    if isinstance(value, dict):
        return {key: clean(one) for key, one in value.items()}
    return value


def key_of(content: bytes, fingerprint: str) -> str:
    """What a mark was made from: the submission and all that decides about it."""
    return hashlib.sha256(
        hashlib.sha256(content).digest() + fingerprint.encode()
    ).hexdigest()


@dataclass(frozen=True)
class Entry:
    """One student's line of the gradebook for one exercise.

    Attributes:
        student: the student's name in the gradebook.
        result: what grading found (see `grading.marking.Result`), None where
            only a person or nbgrader itself graded.
        scores: the points of each task, a person's where one was set.
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
    result: dict | None
    scores: dict[str, float]
    most: dict[str, float]
    comments: dict[str, str]
    penalty: float
    needs_person: bool

    @property
    def raw_score(self) -> float:
        return sum(self.scores.values())

    @property
    def score(self) -> float:
        return max(0.0, self.raw_score - self.penalty)

    @property
    def max_score(self) -> float:
        return sum(self.most.values())


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
        # nbgrader starts the program `alembic`, which lies beside this Python.
        beside = str(Path(sys.executable).parent)
        if beside not in os.environ["PATH"].split(os.pathsep):
            os.environ["PATH"] = beside + os.pathsep + os.environ["PATH"]
        try:
            self.gradebook = Gradebook(self.db_url, folder.course_id)
            _records.create(self.gradebook.engine, checkfirst=True)
        except (SQLAlchemyError, ImportError) as error:
            said = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
            raise BookError(
                f"The gradebook cannot be opened: {said}. Look at the address given "
                "by --db or by db_url in nbgrader_config.py."
            ) from None
        self.late = self._late_plugin()

    def __enter__(self) -> "Book":
        return self

    def __exit__(self, *_) -> None:
        self.gradebook.close()

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
            return self.gradebook.find_assignment(stem).duedate
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
        result: dict,
        key: str,
        timestamp: datetime | None = None,
    ) -> None:
        """Write one student's marks and comments; what a person set stays.

        The marks, the penalty and the record of what they were made from become
        visible together or not at all.

        Args:
            stem: the exercise.
            student: the student's name.
            result: see `grading.marking.Result`; never one with the state
                `infrastructure`, which is no mark.
            key: see `key_of`.
            timestamp: when it was handed in, in UTC; None leaves what is there.
        """
        if result["state"] == "infrastructure":
            raise ValueError("a failure of the infrastructure is no mark")
        result = clean(result)
        book = self.gradebook
        try:
            book.find_student(student)
        except MissingEntry:
            book.add_student(student)
        submission = self._submission(stem, student, timestamp)
        (notebook,) = (one for one in submission.notebooks if one.name == stem)
        found = {one["name"]: one for one in result["tasks"]}
        person = needs_person(result)
        for grade in notebook.grades:
            mark = found[grade.name.removeprefix(CHECK)]
            changed = grade.auto_score != mark["points"]
            grade.auto_score = float(mark["points"])
            # As nbgrader does: a person's grade of another answer is looked at again.
            overtaken = grade.manual_score is not None and (
                changed or grade.needs_manual_grade
            )
            grade.needs_manual_grade = person or overtaken
        for comment in notebook.comments:
            if comment.name in found:
                comment.auto_comment = found[comment.name]["message"] or None
        book.db.flush()
        book.db.expire(notebook)
        self._set_penalty(submission, notebook)
        row = {"assignment": stem, "student": student}
        where = [_records.c[name] == value for name, value in row.items()]
        book.db.execute(sqlalchemy.delete(_records).where(*where))
        now = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
        row |= {"key": key, "result": json.dumps(result), "graded_at": now}
        book.db.execute(sqlalchemy.insert(_records).values(**row))
        book.db.commit()

    def _submission(self, stem: str, student: str, timestamp: datetime | None):
        times = {} if timestamp is None else {"timestamp": timestamp.isoformat()}
        with warnings.catch_warnings():  # nbgrader's own use of SQLAlchemy
            warnings.simplefilter("ignore", SAWarning)
            return self.gradebook.update_or_create_submission(stem, student, **times)

    def _set_penalty(self, submission, notebook) -> None:
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

    def set_time(self, stem: str, student: str, timestamp: datetime) -> None:
        """Set when it was handed in, and the penalty that follows from it."""
        submission = self._submission(stem, student, timestamp)
        for notebook in submission.notebooks:
            self._set_penalty(submission, notebook)
        self.gradebook.db.commit()

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
        entries = []
        for submission in submissions:
            student = submission.student
            stored = results.get(student.id)
            (notebook,) = (one for one in submission.notebooks if one.name == stem)
            scores, most = {}, {}
            for grade in notebook.grades:
                name = grade.name.removeprefix(CHECK)
                scores[name] = float(grade.score)
                most[name] = float(grade.max_score)
            entries.append(
                Entry(
                    student=student.id,
                    last_name=student.last_name,
                    first_name=student.first_name,
                    email=student.email,
                    timestamp=submission.timestamp,
                    duedate=submission.duedate if assignment.duedate else None,
                    result=json.loads(stored) if stored else None,
                    scores=scores,
                    most=most,
                    comments={
                        one.name: one.manual_comment
                        for one in notebook.comments
                        if one.manual_comment
                    },
                    penalty=float(notebook.late_submission_penalty or 0),
                    needs_person=any(one.needs_manual_grade for one in notebook.grades),
                )
            )
        return sorted(entries, key=lambda one: one.student)

    def graded_stems(self) -> list[str]:
        """The exercises that have marks of ours."""
        query = sqlalchemy.select(_records.c.assignment).distinct()
        return sorted(self.gradebook.db.execute(query).scalars())


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


def rows(stem: str, entries: Iterable[Entry]) -> list[dict]:
    """The lines of grades.csv: nbgrader's columns, then ours."""
    lines = []
    for one in entries:
        result = one.result or {"state": "graded by hand", "unsafe": False}
        tasks = [f"{name} {one.scores[name]:g}/{one.most[name]:g}" for name in one.most]
        lines.append(
            {
                "assignment": stem,
                "duedate": one.duedate or "",
                "timestamp": one.timestamp or "",
                "student_id": one.student,
                "last_name": one.last_name or "",
                "first_name": one.first_name or "",
                "email": one.email or "",
                "raw_score": one.raw_score,
                "late_submission_penalty": one.penalty,
                "score": one.score,
                "max_score": one.max_score,
                "state": result["state"],
                "needs_person": int(one.needs_person),
                "unsafe": int(result["unsafe"]),
                "seconds": result.get("seconds", ""),
                "tasks": "; ".join(tasks),
            }
        )
    return lines


def write_csv(book: Book, path: Path) -> int:
    """Write all marks of all exercises; return how many lines there are."""
    lines = [
        line for stem in book.graded_stems() for line in rows(stem, book.entries(stem))
    ]
    partial = path.with_suffix(".partial")
    with open(partial, "w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, [*NBGRADER_COLUMNS, *OUR_COLUMNS])
        writer.writeheader()
        writer.writerows(lines)
    partial.replace(path)
    return len(lines)
