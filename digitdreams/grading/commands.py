"""The commands of an instructor: release, grade, report."""

import csv
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from digitdreams import course
from digitdreams.course import Lesson
from digitdreams.files import ROOT

SECRET_FILE = "grading_secret"
SECRET_VARIABLE = "DIGITDREAMS_GRADING_SECRET"
SLOWER = 10  # times as long as the solution a submission may take, without --seconds
LINE_EVERY = 10.0  # seconds between two lines of progress where there is no terminal
TIME_COLUMNS = ("timestamp", "time", "submitted")
STUDENT_COLUMNS = ("student_id", "student", "id", "name")

console = Console(highlight=False)


class GradingError(Exception):
    """Grading cannot begin or go on; the message says what to do."""


# Settings -----------------------------------------------------------------------------


def read_secret(folder: Path) -> str:
    """The secret that the hidden inputs come from, made at first use.

    It is one for the course: whoever grades with another one grades everything
    again. DIGITDREAMS_GRADING_SECRET stands in for the file.
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


def read_times(path: Path) -> dict[str, datetime]:
    """When each student handed in, from a table with a header: student_id,timestamp.

    Raises:
        GradingError: a column is missing or something is no time.
    """
    from digitdreams.grading.inbox import read_time

    try:
        with open(path, newline="", encoding="utf-8-sig") as stream:
            lines = list(csv.DictReader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise GradingError(f"{path} cannot be read: {error}") from None
    columns = list(lines[0]) if lines else []
    students = [one for one in STUDENT_COLUMNS if one in columns]
    times = [one for one in TIME_COLUMNS if one in columns]
    if not students or not times:
        raise GradingError(f"{path} needs the columns student_id and timestamp")
    found = {}
    for line in lines:
        try:
            found[line[students[0]].strip()] = read_time(line[times[0]])
        except ValueError as error:
            raise GradingError(f"{path}: {error}") from None
    return found


# Grading ------------------------------------------------------------------------------


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

    graded: list[str]
    unchanged: int
    failed: dict[str, str]
    problems: list[str]
    claims: int = 0


def no_marks(parts, state: str, reason: str) -> dict:
    """The result of what cannot even be read: no points, and why."""
    return {
        "state": state,
        "tasks": [
            {
                "name": part.name,
                "points": 0.0,
                "max_points": part.points,
                "state": state,
                "message": reason if i == 0 else "",
                "mistake": None,
            }
            for i, part in enumerate(parts)
        ],
        "seconds": 0.0,
        "peak_memory_mb": 0.0,
        "output": "",
        "notes": [reason],
        "unsafe": False,
    }


class Grader:
    """One run of `digitdreams grade` for one exercise.

    Args:
        lesson: whose exercise.
        folder: the course's folder with the gradebook and the submissions.
        options: see `Options`.
        root: where the exercises are.
    """

    def __init__(self, lesson: Lesson, folder: Path, options: Options, root=ROOT):
        import nbformat

        from digitdreams.grading import book, sandbox, schedule

        self.stem = lesson.stem
        self.title = lesson.title
        self.root = root
        self.options = options
        self.folder = book.CourseFolder.open(folder)
        path = root / "exercises" / self.stem / f"{self.stem}.ipynb"
        if not path.exists():
            raise GradingError(f"Lesson {lesson.id} has no exercise: {path} is missing")
        self.exercise = nbformat.read(path, as_version=4)
        wall = max(sandbox.Limits.wall, SLOWER * 60 * (lesson.exercise_minutes or 0))
        limits = sandbox.Limits.lasting(options.seconds or wall)
        if options.memory:
            limits = replace(limits, memory=options.memory)
        secret = read_secret(folder)
        fingerprint = schedule.fingerprint(
            self.stem, root, secret, limits, options.unsafe
        )
        # A worker elsewhere has the course in a place of its own.
        self.order = schedule.Order(
            stem=self.stem,
            root=None if root == ROOT else str(root),
            secret=secret,
            limits=limits,
            unsafe=options.unsafe,
            fingerprint=fingerprint,
        )

    @contextmanager
    def cluster(self) -> Iterator:
        from digitdreams.grading import schedule

        options = self.options
        if options.scheduler:
            with schedule.remote_cluster(
                options.scheduler, options.tls_ca, options.tls_cert, options.tls_key
            ) as client:
                schedule.examine_workers(client, self.order, not options.unsafe)
                yield client
        else:
            if not options.unsafe:
                reason = schedule.probe_here()
                if reason:
                    raise GradingError(reason)
            with schedule.local_cluster(options.workers) as client:
                schedule.examine_workers(client, self.order, probe=False)
                yield client

    def run(self, shown, stop=None) -> Outcome:
        """Grade what changed.

        Args:
            shown: called with the progress (see `schedule.Progress`).
            stop: an event that ends the run early, in order.

        Raises:
            GradingError: see the message; the same holds for `InboxError`,
                `BookError` and `SchedulingError`.
            Stopped: `stop` was set; what was finished is kept.
        """
        from digitdreams.grading import inbox, schedule
        from digitdreams.grading.book import Book

        place = self.options.submitted or self.folder.submitted
        found = inbox.find(place, self.stem, self.options.names)
        times = self.times(found.submissions)
        outcome = Outcome([], 0, {}, found.problems)
        if not self.options.times and not self.options.trust_timestamps:
            outcome.claims = sum(bool(one.extras) for one in found.submissions)
        with Book(self.folder, self.options.db_url) as book, book.alone():
            parts = book.prepare(self.stem, self.exercise)
            known = {} if self.options.again else book.keys(self.stem)
            due: dict[str, tuple[inbox.Submission, str]] = {}

            def keep(student: str, result: dict) -> None:
                submission, key = due[student]
                if result["state"] == schedule.INFRASTRUCTURE:
                    outcome.failed[student] = "; ".join(result["notes"])
                    return
                written = result.pop(schedule.WRITTEN, [])
                result["notes"] = [*submission.notes, *result["notes"]]
                self.write_notebook(submission, written, result)
                book.write(self.stem, student, result, key, times.get(student))
                outcome.graded.append(student)

            for one in found.submissions:
                try:
                    key = self.key(one.read())
                    unreadable = None
                except inbox.Unreadable as error:
                    unreadable = error
                    key = self.key(f"unreadable: {error}".encode())
                if known.get(one.student) == key:
                    outcome.unchanged += 1
                    if one.student in times:
                        book.set_time(self.stem, one.student, times[one.student])
                    continue
                due[one.student] = (one, key)
                if unreadable is not None:
                    keep(
                        one.student, no_marks(parts, unreadable.state, str(unreadable))
                    )
            jobs = [
                schedule.Job(student, self.reader(one, key))
                for student, (one, key) in due.items()
                if student not in outcome.graded
            ]
            try:
                if jobs:
                    with self.cluster() as client:
                        schedule.run(
                            client, self.order, jobs, len(jobs), keep, shown, stop
                        )
            finally:
                # What is finished is complete, also when the run ends early.
                book.gradebook.db.rollback()
                self.write_pages(book, {one.student: one for one in found.submissions})
        return outcome

    def key(self, content: bytes) -> str:
        from digitdreams.grading.book import key_of

        return key_of(content, self.order.fingerprint)

    def reader(self, submission, key: str):
        """Reads the submission again when its turn comes: the queue holds none."""
        from digitdreams.grading.inbox import Unreadable

        def read() -> bytes:
            content = submission.read()
            if self.key(content) != key:
                raise Unreadable("it changed during the run: grade again")
            return content

        return read

    def times(self, submissions: Iterable) -> dict[str, datetime]:
        if self.options.times:
            return read_times(self.options.times)
        if self.options.trust_timestamps:
            claimed = {one.student: one.claimed for one in submissions}
            return {student: time for student, time in claimed.items() if time}
        return {}

    def write_notebook(self, submission, written: list[dict], result: dict) -> None:
        import nbformat

        from digitdreams.grading import feedback
        from digitdreams.grading.book import clean

        notebook = feedback.graded_notebook(
            self.exercise, clean(written), clean(result)
        )
        place = self.folder.place("autograded", submission.student, self.stem)
        text = nbformat.writes(notebook, version=4) + "\n"
        feedback.write_if_changed(place / f"{self.stem}.ipynb", text)

    def write_pages(self, book, submissions: dict) -> None:
        """Write the students' feedback and grades.csv from the gradebook."""
        from digitdreams.grading import feedback
        from digitdreams.grading.book import write_csv

        for entry in book.entries(self.stem):
            place = self.folder.place("feedback", entry.student, self.stem)
            page = feedback.student_page(self.title, entry)
            feedback.write_if_changed(place / f"{self.stem}.html", page)
            # With these beside it, `nbgrader release_feedback` knows whose it is.
            extras = getattr(submissions.get(entry.student), "extras", {})
            for name, content in extras.items():
                (place / name).write_bytes(content)
        write_csv(book, self.folder.root / "grades.csv")


# Showing ------------------------------------------------------------------------------


def span(seconds: float | None) -> str:
    if seconds is None:
        return "unknown"
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 100 else f"{minutes / 60:.1f} h"


def in_words(progress) -> str:
    """The numbers of a run's progress in one line."""
    parts = [
        f"{progress.done} of {progress.total} done",
        f"{progress.running} running",
        f"{progress.failed} failed",
        f"{progress.per_minute:.0f} a minute",
        f"{span(progress.seconds_left)} left",
    ]
    if progress.retried:
        parts.append(f"{progress.retried} repeated")
    if not progress.workers:
        parts.append("waiting for a worker")
    return ", ".join(parts)


@contextmanager
def shown_live(console: Console) -> Iterator:
    """A bar in a terminal; plain lines, one every ten seconds, elsewhere."""
    if not console.is_terminal:
        last = [float("-inf")]

        def print_line(progress) -> None:
            ended = progress.done == progress.total
            if progress.seconds - last[0] >= LINE_EVERY or ended:
                last[0] = progress.seconds
                console.print(in_words(progress), soft_wrap=True)

        yield print_line
        return
    with Live(console=console, refresh_per_second=4) as live:

        def draw(progress) -> None:
            bar = ProgressBar(total=progress.total, completed=progress.done, width=30)
            row = Table.grid(padding=(0, 1))
            row.add_row(bar, Text(in_words(progress)))
            live.update(row)

        yield draw


def marks_table(entries: list) -> Table:
    """Students' points, in all and per task, with the state and the seconds."""
    table = Table(box=None, pad_edge=False)
    table.add_column("student", overflow="fold")
    table.add_column("points", justify="right")
    names = list(entries[0].most) if entries else []
    for name in names:
        table.add_column(name, justify="right", overflow="fold")
    for heading in ("state", "person"):
        table.add_column(heading, overflow="fold")
    table.add_column("seconds", justify="right")
    for one in entries:
        result = one.result or {"state": "by hand", "seconds": 0.0}
        table.add_row(
            Text(one.student),
            f"{one.score:g} / {one.max_score:g}",
            *(f"{one.scores.get(name, 0):g}" for name in names),
            Text(result["state"]),
            "should look" if one.needs_person else "",
            f"{result['seconds']:.1f}",
        )
    return table


def tell(outcome: Outcome, grader: Grader, console: Console) -> None:
    """Print the table and what was left out."""
    from digitdreams.grading.book import Book

    with Book(grader.folder, grader.options.db_url) as book:
        new = set(outcome.graded)
        entries = [one for one in book.entries(grader.stem) if one.student in new]
        duedate = book.duedate(grader.stem)
    if entries:
        console.print(marks_table(entries))
    for problem in outcome.problems:
        console.print(f"not used: {problem}", markup=False, style="yellow")
    if outcome.claims and duedate:
        console.print(
            f"{outcome.claims} submissions carry a timestamp.txt. Students could have "
            "written it, so no penalty for lateness was taken: give the true times by "
            "--times, or believe the files by --trust-timestamps.",
            style="yellow",
        )
    for student, reason in sorted(outcome.failed.items()):
        text = f"not graded: {student}: {reason}"
        console.print(text, markup=False, style="red")
    if grader.options.unsafe:
        console.print("Graded WITHOUT the sandbox: every mark says so.", style="red")
    console.print(
        f"{len(outcome.graded)} graded, {outcome.unchanged} unchanged, "
        f"{len(outcome.failed)} to be graded again"
    )
    root = grader.folder.root
    name = grader.folder.directory.feedback_directory
    console.print(f"Marks: {root / 'grades.csv'}", soft_wrap=True, markup=False)
    console.print(f"Feedback: {root / name}", soft_wrap=True, markup=False)


# Commands -----------------------------------------------------------------------------


def fail(text: object, code: int = 1) -> typer.Exit:
    Console(stderr=True, highlight=False).print(str(text), style="red", markup=False)
    return typer.Exit(code)


def find_lesson(name: str) -> Lesson:
    try:
        return course.load().find(name)
    except course.UnknownLesson as error:
        raise fail(error) from None


LessonArgument = Annotated[
    str, typer.Argument(metavar="LESSON", help="number or name, such as 03 or vae")
]
DbOption = Annotated[
    str | None,
    typer.Option(
        "--db",
        metavar="URL",
        help="gradebook, such as postgresql+psycopg2://user@host/name; otherwise "
        "the one in nbgrader_config.py or gradebook.db here",
    ),
]


def release(
    lesson: Annotated[
        str, typer.Argument(metavar="LESSON", help="number or name, or: all")
    ],
    to: Annotated[Path, typer.Option(help="folder for the students' files")],
    complete: Annotated[
        bool,
        typer.Option("--complete", help="add the package and data: works by itself"),
    ] = False,
) -> None:
    """Write the bundle for students: exercise and checks, no solution."""
    from digitdreams.grading import release as bundle

    lessons = (
        [one for one in course.load().lessons if one.exercise_numbers]
        if lesson == "all"
        else [find_lesson(lesson)]
    )
    try:
        for one in lessons:
            place = to / "exercises" if complete else to
            console.print(
                f"Released {bundle.release(one, place)}", soft_wrap=True, markup=False
            )
        if complete:
            bundle.release_course(to)
    except bundle.ReleaseError as error:
        raise fail(error) from None


def grade(
    lesson: LessonArgument,
    submitted: Annotated[
        Path | None,
        typer.Option(help="folder or zip archive; otherwise nbgrader's `submitted`"),
    ] = None,
    db: DbOption = None,
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="tls://HOST:PORT", help="an existing Dask cluster"),
    ] = None,
    tls_ca: Annotated[str | None, typer.Option(help="certificate authority")] = None,
    tls_cert: Annotated[str | None, typer.Option(help="our certificate")] = None,
    tls_key: Annotated[str | None, typer.Option(help="its private key")] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="at a time; otherwise one a core")
    ] = None,
    names: Annotated[
        str | None,
        typer.Option(
            metavar="PATTERN",
            help="regular expression with (?P<student>...) for files of another form",
        ),
    ] = None,
    times: Annotated[
        Path | None,
        typer.Option(help="table of student_id,timestamp, for late penalties"),
    ] = None,
    trust_timestamps: Annotated[
        bool,
        typer.Option(
            "--trust-timestamps",
            help="believe the timestamp.txt that nbgrader's exchange wrote",
        ),
    ] = False,
    again: Annotated[
        bool, typer.Option("--again", help="also what did not change")
    ] = False,
    seconds: Annotated[
        float | None, typer.Option(min=1, help="for one submission in all")
    ] = None,
    memory: Annotated[
        int | None, typer.Option(min=100, help="megabytes for one submission")
    ] = None,
    unsafe: Annotated[
        bool,
        typer.Option("--unsafe", help="without the sandbox: for your own work only"),
    ] = False,
) -> None:
    """Grade the submissions of an exercise; only what changed."""
    from digitdreams.grading import book, inbox, schedule

    options = Options(
        submitted=submitted,
        db_url=db,
        scheduler=scheduler,
        tls_ca=tls_ca,
        tls_cert=tls_cert,
        tls_key=tls_key,
        workers=workers,
        names=names,
        times=times,
        trust_timestamps=trust_timestamps,
        again=again,
        unsafe=unsafe,
        seconds=seconds,
        memory=memory,
    )
    try:
        grader = Grader(find_lesson(lesson), Path.cwd(), options)
        with schedule.stopping_on_signals() as stop, shown_live(console) as shown:
            outcome = grader.run(shown, stop)
        tell(outcome, grader, console)
    except (schedule.Stopped, KeyboardInterrupt):
        raise fail(
            "Stopped. What was finished is kept: run the same command to go on.", 130
        ) from None
    except (
        GradingError,
        book.BookError,
        inbox.InboxError,
        schedule.SchedulingError,
    ) as error:
        raise fail(error) from None
    if outcome.failed:
        raise typer.Exit(1)


def report(
    lesson: LessonArgument,
    db: DbOption = None,
    to: Annotated[Path | None, typer.Option(help="the page's file")] = None,
) -> None:
    """Show how the class did, its mistakes, and what a person should look at."""
    from digitdreams.grading import feedback
    from digitdreams.grading import report as summary
    from digitdreams.grading.book import Book, BookError, CourseFolder

    found = find_lesson(lesson)
    folder = CourseFolder.open(Path.cwd())
    try:
        with Book(folder, db) as book:
            entries = book.entries(found.stem)
    except BookError as error:
        raise fail(error) from None
    if not entries:
        raise fail(f"Nothing is graded yet: digitdreams grade {found.id}")
    made = summary.summarise(
        found.title, entries, summary.alike(folder, found.stem, entries)
    )
    summary.show(made, console)
    page = to or folder.root / "reports" / f"{found.stem}.html"
    feedback.write_if_changed(page, summary.html(made))
    console.print(f"\nPage: {page}", soft_wrap=True, markup=False)


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    for command in (release, grade, report):
        app.command()(command)
