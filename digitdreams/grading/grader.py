"""One run of `digitdreams grade`: from the submissions to the marks in the book."""

import csv
import os
import secrets
import sqlite3
import threading
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path

import nbformat
from distributed import Client

from digitdreams import surroundings
from digitdreams.course import Lesson, UnknownLesson
from digitdreams.files import ROOT, checkout
from digitdreams.grading import cluster, feedback, inbox, sandbox, schedule, worker
from digitdreams.grading.book import (
    Book,
    CourseFolder,
    Entry,
    clean,
    clean_result,
    key_of,
    parts_of,
    write_csv,
)
from digitdreams.grading.inbox import Submission, Unreadable
from digitdreams.grading.lms.names import legible
from digitdreams.grading.lms.nbgrader import TIMESTAMP
from digitdreams.grading.result import Graded, Part, State, SubmittedCell, without_marks
from digitdreams.grading.stamp import of_marks
from digitdreams.stamps import StampError

GRADEBOOK = "gradebook.db"  # nbgrader's, where no database is configured
SECRET_FILE = "grading_secret"
SECRET_VARIABLE = "DIGITDREAMS_GRADING_SECRET"
SLOWER = 10  # times as long as the solution a submission may take, without --seconds
TIME_COLUMNS = ("timestamp", "time", "submitted")
STUDENT_COLUMNS = ("student_id", "student", "id", "name")


class GradingError(Exception):
    """Grading cannot begin or go on; the message says what to do."""


# Settings -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Options:
    """What `digitdreams grade` was asked to do; see its help."""

    submitted: Path | None = None
    db_url: str | None = None
    scheduler: str | None = None
    tls_ca: str | None = None
    tls_cert: str | None = None
    tls_key: str | None = None
    workers: int | None = None
    names: str | None = None
    times: Path | None = None
    trust_timestamps: bool = False
    again: bool = False
    unsafe: bool = False
    seconds: float | None = None
    memory: int | None = None


def read_secret(folder: Path) -> str:
    """The secret that the hidden inputs come from, made at first use.

    It is one for the course: whoever grades with another one grades everything
    again. DIGITDREAMS_GRADING_SECRET stands in for the file.

    Raises:
        GradingError: the file is damaged.
    """
    if os.environ.get(SECRET_VARIABLE):
        return os.environ[SECRET_VARIABLE]
    path = folder / SECRET_FILE
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        text = path.read_text(encoding="ascii").strip()
        if len(text) < 16:
            raise GradingError(
                f"{path} is damaged: bring it back from a copy, or remove it to make "
                "a new secret and grade everything again"
            ) from None
        return text
    with os.fdopen(file, "w", encoding="ascii") as stream:
        text = secrets.token_hex(32)
        stream.write(text + "\n")
    return text


def read_times(path: Path) -> dict[str, datetime | None]:
    """When each student handed in, from a table with a header: student_id,timestamp.

    Of a student without a time, empty or "-" as platforms write it, the time is None.

    Raises:
        GradingError: a column is missing or something is no time.
    """
    try:
        with open(path, newline="", encoding="utf-8-sig") as stream:
            table = csv.DictReader(stream)
            lines = [(table.line_num, line) for line in table]
            columns = list(table.fieldnames or ())
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise GradingError(f"{path} cannot be read: {error}") from None
    students = [name for name in STUDENT_COLUMNS if name in columns]
    times = [name for name in TIME_COLUMNS if name in columns]
    if not students or not times:
        raise GradingError(f"{path} needs the columns student_id and timestamp")
    found: dict[str, datetime | None] = {}
    for number, line in lines:
        student, time = line[students[0]], line[times[0]]
        if not student or not student.strip() or time is None:
            raise GradingError(
                f"{path}, line {number}: it needs a student and a time, with a comma "
                "between them"
            )
        name = unicodedata.normalize("NFC", student.strip())
        if name in found:
            raise GradingError(
                f"{path}, line {number}: {legible(name)} is there a second time"
            )
        try:
            none = time.strip() in ("", "-")
            found[name] = None if none else inbox.read_time(time)
        except ValueError as error:
            raise GradingError(f"{path}, line {number}: {error}") from None
    return found


# Grading ------------------------------------------------------------------------------


@dataclass
class Outcome:
    """What a run did.

    Attributes:
        graded: students whose marks were written in this run, in that order.
        unchanged: how many were graded before from the same files.
        failed: students whom only the infrastructure kept from a mark, and why.
        problems: files that belong to no student.
        claims: how many carry a timestamp.txt that was not believed.
    """

    graded: list[str] = field(default_factory=list)
    unchanged: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    claims: int = 0


class Grader:
    """Grades one exercise in a course's folder.

    Args:
        lesson: whose exercise.
        folder: the course's folder with the gradebook and the submissions.
        options: see `Options`.
        root: where the exercises are.

    Raises:
        GradingError: there is no such exercise, or a part of it is missing.
        CourseMissing: the package was installed without the authors' sources.
    """

    def __init__(
        self, lesson: Lesson, folder: Path, options: Options, root: Path = ROOT
    ):
        if root == ROOT:
            checkout("Grading")
        self.stem = lesson.stem
        self.title = lesson.title
        self.options = options
        self.folder = CourseFolder.open(folder)
        path = root / "exercises" / self.stem / f"{self.stem}.ipynb"
        if not path.exists():
            raise GradingError(f"Lesson {lesson.id} has no exercise: {path} is missing")
        self.exercise = nbformat.read(path, as_version=4)
        # A worker elsewhere has the course in a place of its own.
        order = worker.Order(
            stem=self.stem,
            root=None if root == ROOT else str(root),
            secret=read_secret(folder),
            limits=asdict(limits_for(lesson, options)),
            unsafe=options.unsafe,
        )
        try:
            stamp = of_marks(self.stem, order.secret, order.limits, order.unsafe, root)
        except (StampError, UnknownLesson) as error:
            raise GradingError(f"{self.stem} cannot be graded: {error}") from None
        self.order = replace(order, stamp=stamp)

    @contextmanager
    def cluster(self) -> Iterator[Client]:
        """The cluster that the options name, when all its workers can grade."""
        options = self.options
        if options.scheduler:
            tls = (options.tls_ca, options.tls_cert, options.tls_key)
            with cluster.remote_cluster(options.scheduler, *tls) as client:
                cluster.examine_workers(client, self.order, not options.unsafe)
                yield client
            return
        reason = None if options.unsafe else worker.probe_here()
        if reason:
            raise GradingError(reason)
        with cluster.local_cluster(options.workers) as client:
            cluster.examine_workers(client, self.order, probe=False)
            yield client

    def run(
        self,
        shown: Callable[[schedule.Progress], None],
        stop: threading.Event | None = None,
    ) -> Outcome:
        """Grade what changed.

        Args:
            shown: called with the progress.
            stop: an event that ends the run early, in order.

        Raises:
            GradingError: see the message; the same holds for `InboxError`,
                `BookError` and `SchedulingError`.
            Stopped: `stop` was set; what was finished is kept.
        """
        place = self.options.submitted or self.folder.submitted
        found = inbox.find(place, self.stem, self.options.names)
        times = self.times(found)
        with Book(self.folder, self.options.db_url) as book, book.alone():
            book.prepare(self.stem, self.exercise)
            desk = Desk(self, book, found, times)
            try:
                desk.sort()
                if desk.waiting:
                    with self.cluster() as client:
                        self.dispatch(client, desk, shown, stop)
            finally:
                # What is finished is complete, also when the run ends early.
                book.forget_unfinished()
                desk.write_pages()
        return desk.outcome

    def dispatch(
        self,
        client: Client,
        desk: "Desk",
        shown: Callable[[schedule.Progress], None],
        stop: threading.Event | None,
    ) -> None:
        jobs = desk.jobs()
        try:
            schedule.run(client, self.order, jobs, len(jobs), desk.keep, shown, stop)
        except (GradingError, cluster.SchedulingError) as error:
            desk.give_up(f"its turn did not come: {str(error).splitlines()[0]}")
            raise

    def key(self, content: bytes) -> str:
        """What a mark is made from, the submission included."""
        return key_of(content, self.order.stamp)

    def times(self, found: inbox.Inbox) -> dict[str, datetime]:
        """When each student handed in, as far as that is known and believed.

        A line of the table that is nobody's is added to the problems of `found`.
        """
        if self.options.times:
            table = read_times(self.options.times)
            times, told = times_by_student(table, found.submissions)
            found.problems.extend(f"{self.options.times}: {line}" for line in told)
            return times
        if self.options.trust_timestamps:
            claimed = {
                one.student: one.claimed for one in found.submissions if one.extras
            }
            found.problems.extend(
                f"{student}: its {TIMESTAMP} holds no time with a zone"
                for student, time in claimed.items()
                if not time
            )
            return {student: time for student, time in claimed.items() if time}
        return {}


def times_by_student(
    table: dict[str, datetime | None], submissions: Iterable[Submission]
) -> tuple[dict[str, datetime], list[str]]:
    """The times by the gradebook's names, and what to tell of the lines without use.

    The table may leave out the number that a platform adds to a name, where only one
    student has that name.
    """
    students = {one.student for one in submissions}
    named: dict[str, list[str]] = {}
    for one in submissions:
        named.setdefault(one.name, []).append(one.student)
    times, told = {}, []
    for name, time in table.items():
        known = [name] if name in students else named.get(name, [])
        if len(known) > 1:
            told.append(f"{legible(name)} may be {' or '.join(known)}")
        elif known and time is None:
            told.append(f"{legible(name)} handed in, but has no time")
        elif known and time is not None:
            times[known[0]] = time
        elif time is not None:
            told.append(f"{legible(name)} has a time, but handed in nothing")
    return times, told


def stale_marks(lesson: Lesson, folder: Path, root: Path = ROOT) -> int:
    """How many marks were made from something else than what is there today.

    Looks into the folder's own gradebook and changes nothing. Marks that were made
    with other options than the usual ones count as stale, too.

    Raises:
        GradingError: the exercise is incomplete; see `Grader`.
        sqlite3.Error: the gradebook is damaged.
    """
    address = f"{(folder / GRADEBOOK).resolve().as_uri()}?mode=ro"
    query = "SELECT student, key FROM digitdreams_mark WHERE assignment = ?"
    with closing(sqlite3.connect(address, uri=True)) as book:
        exists = "SELECT 1 FROM sqlite_master WHERE name = 'digitdreams_mark'"
        if not book.execute(exists).fetchone():
            return 0
        known = dict(book.execute(query, (lesson.stem,)).fetchall())
    if not known:
        return 0
    grader = Grader(lesson, folder, Options(), root)
    found = inbox.find(grader.folder.submitted, lesson.stem)
    present = {one.student: one for one in found.submissions}
    stale = 0
    for student, key in known.items():
        if student in present:
            with suppress(Unreadable):
                stale += grader.key(present[student].read()) != key
    return stale


def limits_for(lesson: Lesson, options: Options) -> sandbox.Limits:
    """What one submission may use: more than its solution needs."""
    usual = max(sandbox.Limits.wall, SLOWER * 60 * (lesson.exercise_minutes or 0))
    limits = sandbox.Limits.lasting(options.seconds or usual)
    return replace(limits, memory=options.memory) if options.memory else limits


IN_A_ROW = 5  # students whose marks could not be kept, after which a run ends


def cause_of(error: BaseException) -> str:
    """What went wrong here, for a person: the true cause, or the error's own words."""
    line = surroundings.explained(error)
    if line:
        return line[:300]
    said = getattr(error, "orig", None) or error
    if isinstance(said, OSError) and said.strerror:
        where = f": {said.filename}" if said.filename else ""
        return f"{said.strerror}{where}"[:300]
    lines = str(said).strip().splitlines() or [""]
    return f"{type(said).__name__}: {lines[0]}"[:300]


class Desk:
    """Where a run's submissions wait, and where their marks are written down.

    Attributes:
        waiting: the students that a worker has to grade, with the key of the mark.
        marked: from what each mark was made that there is already.
        outcome: what the run has done so far.
    """

    def __init__(
        self,
        grader: Grader,
        book: Book,
        found: inbox.Inbox,
        times: dict[str, datetime],
    ):
        self.grader = grader
        self.book = book
        self.times = times
        self.submissions = {
            submission.student: submission for submission in found.submissions
        }
        self.keys: dict[str, str] = {}
        self.in_vain = 0  # marks in a row that could not be kept
        self.waiting: list[str] = []
        self.marked: dict[str, str] = {}
        self.outcome = Outcome(problems=found.problems)
        options = grader.options
        if not options.times and not options.trust_timestamps:
            extras = [bool(submission.extras) for submission in found.submissions]
            self.outcome.claims = sum(extras)

    @property
    def parts(self) -> list[Part]:
        return parts_of(self.grader.exercise)

    def sort(self) -> None:
        """Find out what is unchanged, what waits for a worker, and what is none."""
        stem, again = self.grader.stem, self.grader.options.again
        self.marked = self.book.keys(stem)
        known = {} if again else self.marked
        timed = self.timed()
        for student, submission in self.submissions.items():
            unreadable = None
            try:
                key = self.grader.key(submission.read())
            except Unreadable as error:
                unreadable = error
                key = self.grader.key(f"unreadable: {error}".encode())
            if known.get(student) == key:
                self.outcome.unchanged += 1
                if student in timed:
                    self.book.set_time(stem, student, self.times.get(student))
                continue
            self.keys[student] = key
            if unreadable is None:
                self.waiting.append(student)
            else:
                reason = str(unreadable)
                result = without_marks(self.parts, unreadable.state, reason)
                self.keep(student, Graded(result))

    def timed(self) -> set[str]:
        """Whose penalty follows anew from the times and the deadline of today."""
        stem = self.grader.stem
        if self.book.duedate(stem):
            return {*self.submissions}
        late = {entry.student for entry in self.book.entries(stem) if entry.penalty}
        return late | {*self.times}

    def jobs(self) -> list[schedule.Job]:
        return [schedule.Job(student, self.reader(student)) for student in self.waiting]

    def reader(self, student: str) -> Callable[[], bytes]:
        """Reads the submission again when its turn comes: the queue holds none."""

        def read() -> bytes:
            content = self.submissions[student].read()
            if self.grader.key(content) != self.keys[student]:
                raise Unreadable("it changed during the run: grade again")
            return content

        return read

    def keep(self, student: str, graded: Graded) -> None:
        """Write down a student's marks, as soon as they are there.

        What goes wrong with one student's is told and stops nobody else's.

        Raises:
            GradingError: nobody's marks can be kept any more.
        """
        result = graded.result
        if result.state is State.INFRASTRUCTURE:
            self.outcome.failed[student] = "; ".join(result.notes)
            self.withdraw(student, graded)
            return
        try:
            self.write(student, graded)
        except Exception as error:  # a disk, a database, a name that neither can hold
            self.book.forget_unfinished()
            self.in_vain += 1
            reason = cause_of(error)
            self.outcome.failed[student] = f"the marks cannot be written: {reason}"
            self.withdraw(student, worker.failure(self.outcome.failed[student]))
            if self.in_vain >= IN_A_ROW:
                raise GradingError(
                    f"The marks of {self.in_vain} students in a row could not be "
                    f"written, those of {student} because of: {reason}. What was "
                    "finished is kept: mend that and run the same command to go on."
                ) from None
            return
        self.in_vain = 0
        self.outcome.graded.append(student)

    def withdraw(self, student: str, graded: Graded) -> None:
        """Take back the mark of an earlier submission: it is none of this one's."""
        if student not in self.marked:
            return
        reason = self.outcome.failed[student]
        result = without_marks(self.parts, State.INFRASTRUCTURE, reason)
        try:
            self.book.withdraw(self.grader.stem, student, result)
            self.write_notebook(student, Graded(clean_result(result), graded.cells))
        except Exception as error:
            self.book.forget_unfinished()
            self.outcome.failed[student] += (
                f"; the mark before it cannot be taken back: {cause_of(error)}"
            )

    def give_up(self, reason: str) -> None:
        """Take back the earlier marks of all whose turn did not come."""
        done = {*self.outcome.graded, *self.outcome.failed}
        for student in self.waiting:
            if student not in done:
                self.outcome.failed[student] = reason
                self.withdraw(student, worker.failure(reason))

    def write(self, student: str, graded: Graded) -> None:
        """Write a student's marks to the gradebook and for formgrader."""
        result = graded.result
        notes = [*self.submissions[student].notes, *result.notes]
        result = clean_result(replace(result, notes=notes))
        self.write_notebook(student, Graded(result, graded.cells))
        self.book.write(
            self.grader.stem,
            student,
            result,
            self.keys[student],
            self.times.get(student),
        )

    def write_notebook(self, student: str, graded: Graded) -> None:
        """Write what formgrader shows."""
        stem = self.grader.stem
        cells = [
            SubmittedCell(cell.name, clean(cell.kind), clean(cell.source))
            for cell in graded.cells
        ]
        notebook = feedback.graded_notebook(self.grader.exercise, cells, graded.result)
        text = nbformat.writes(notebook, version=4) + "\n"
        place = self.grader.folder.place("autograded", student, stem)
        feedback.write_if_changed(place / f"{stem}.ipynb", text)

    def write_pages(self) -> None:
        """Write the students' feedback and grades.csv from the gradebook."""
        write_csv(self.book, self.grader.folder.root / "grades.csv")
        for entry in self.book.entries(self.grader.stem):
            try:
                self.write_page(entry)
            except Exception as error:
                reason = f"the feedback cannot be written: {cause_of(error)}"
                self.outcome.failed.setdefault(entry.student, reason)

    def write_page(self, entry: Entry) -> None:
        """Write one student's feedback."""
        place = self.grader.folder.place("feedback", entry.student, self.grader.stem)
        page = feedback.student_page(self.grader.title, entry)
        feedback.write_if_changed(place / f"{self.grader.stem}.html", page)
        # With these beside it, `nbgrader release_feedback` knows whose it is.
        submission = self.submissions.get(entry.student)
        for name, content in (submission.extras if submission else {}).items():
            (place / name).write_bytes(content)
