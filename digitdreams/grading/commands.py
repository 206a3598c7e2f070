"""The commands of an instructor: release, grade, report, marks."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digitdreams import course, files
from digitdreams.console import console, fail, say
from digitdreams.course import Lesson

if TYPE_CHECKING:
    from digitdreams.grading.grader import Options, Outcome


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
        typer.Option("--complete", help="add code and data: works by itself"),
    ] = False,
) -> None:
    """Write the bundle for students: exercise and checks, no solution."""
    files.checkout("Releasing exercises")
    from digitdreams.grading import release as bundle

    lessons = (
        [found for found in course.load().lessons if found.exercise_numbers]
        if lesson == "all"
        else [find_lesson(lesson)]
    )
    try:
        for wanted in lessons:
            place = to / "exercises" if complete else to
            say(f"Released {bundle.release(wanted, place)}")
        if complete:
            bundle.release_course(to)
    except bundle.ReleaseError as error:
        raise fail(error) from None


Submitted = Annotated[
    Path | None,
    typer.Option(help="folder or zip archive; otherwise nbgrader's `submitted`"),
]
Scheduler = Annotated[
    str | None,
    typer.Option(metavar="tls://HOST:PORT", help="an existing Dask cluster"),
]
Authority = Annotated[str | None, typer.Option(help="certificate authority")]
Certificate = Annotated[str | None, typer.Option(help="our certificate")]
Key = Annotated[str | None, typer.Option(help="its private key")]
Workers = Annotated[
    int | None, typer.Option(min=1, help="at a time; otherwise one a core")
]
Names = Annotated[
    str | None,
    typer.Option(
        metavar="PATTERN",
        help="regular expression with (?P<student>...) for files of another form",
    ),
]
Times = Annotated[
    Path | None,
    typer.Option(help="table of student_id,timestamp, for late penalties"),
]
Trust = Annotated[
    bool,
    typer.Option(
        "--trust-timestamps",
        help="believe the timestamp.txt that nbgrader's exchange wrote",
    ),
]
Again = Annotated[bool, typer.Option("--again", help="also what did not change")]
Seconds = Annotated[float | None, typer.Option(min=1, help="for one submission in all")]
Memory = Annotated[
    int | None, typer.Option(min=100, help="megabytes for one submission")
]
Unsafe = Annotated[
    bool,
    typer.Option("--unsafe", help="without the sandbox: for your own work only"),
]


def grade(
    lesson: LessonArgument,
    submitted: Submitted = None,
    db: DbOption = None,
    scheduler: Scheduler = None,
    tls_ca: Authority = None,
    tls_cert: Certificate = None,
    tls_key: Key = None,
    workers: Workers = None,
    names: Names = None,
    times: Times = None,
    trust_timestamps: Trust = False,
    again: Again = False,
    seconds: Seconds = None,
    memory: Memory = None,
    unsafe: Unsafe = False,
) -> None:
    """Grade the submissions of an exercise; only what changed."""
    files.checkout("Grading")
    from digitdreams.grading import grader

    options = grader.Options(
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
    outcome = graded(find_lesson(lesson), options)
    if outcome.failed or outcome.problems:
        raise typer.Exit(1)


def graded(lesson: Lesson, options: "Options") -> "Outcome":
    """Grade, show how far it is and the marks; end with one line where it cannot."""
    from digitdreams.grading import book, cluster, display, grader, inbox, schedule

    try:
        ours = grader.Grader(lesson, Path.cwd(), options)
        with (
            schedule.stopping_on_signals() as stop,
            display.shown_live(console) as shown,
        ):
            outcome = ours.run(shown, stop)
        display.show_outcome(outcome, ours, console)
    except (schedule.Stopped, KeyboardInterrupt):
        raise fail(
            "Stopped. What was finished is kept: run the same command to go on.", 130
        ) from None
    except (
        grader.GradingError,
        book.BookError,
        inbox.InboxError,
        cluster.SchedulingError,
    ) as error:
        raise fail(error) from None
    return outcome


def report(
    lesson: LessonArgument,
    db: DbOption = None,
    to: Annotated[Path | None, typer.Option(help="the page's file")] = None,
) -> None:
    """Show how the class did, its mistakes, and what a person should look at."""
    files.checkout("Reporting")
    from digitdreams.grading import feedback
    from digitdreams.grading import report as summary
    from digitdreams.grading.book import Book, BookError, CourseFolder

    found = find_lesson(lesson)
    try:
        folder = CourseFolder.open(Path.cwd())
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
    say(f"\nPage: {page}")


def marks(
    lesson: LessonArgument,
    table: Annotated[
        Path, typer.Argument(help="exported from the platform, see INSTRUCTORS.md")
    ],
    column: Annotated[
        str, typer.Option(help="part of the column's heading, where there are several")
    ] = "",
    to: Annotated[Path | None, typer.Option(help="the filled table's file")] = None,
    scale: Annotated[
        bool, typer.Option("--scale", help="turn the points into the platform's")
    ] = False,
    db: DbOption = None,
) -> None:
    """Fill the table of Moodle, Canvas, Blackboard or Classroom with the marks."""
    from digitdreams.grading.book import Book, BookError, CourseFolder
    from digitdreams.grading.lms import tables

    found = find_lesson(lesson)
    place = to or table.with_name(f"{table.stem}-marks{table.suffix}")
    if place.exists() and place.samefile(table):
        raise fail(f"{table} stays as it was exported: give another file by --to")
    try:
        with Book(CourseFolder.open(Path.cwd()), db) as book:
            entries = book.entries(found.stem)
    except BookError as error:
        raise fail(error) from None
    if not entries:
        raise fail(f"Nothing is graded yet: digitdreams grade {found.id}")
    scores = {entry.student: entry.score for entry in entries if entry.marked}
    most = max(entry.max_points for entry in entries)
    try:
        filled = tables.fill(table.read_bytes(), scores, most, column, scale)
        files.write_atomically(place, filled.content)
    except OSError as error:
        raise fail(f"{error.filename}: {error.strerror}") from None
    except tables.TableError as error:
        raise fail(f"{table}: {error}") from None
    waiting = [entry.student for entry in entries if not entry.marked]
    told = [*filled.told, *(f"{student} is not graded yet" for student in waiting)]
    for line in told:
        console.print(f"not used: {line}", markup=False, style="yellow")
    say(
        f"{filled.platform}, {filled.column}: {len(filled.placed)} marks of "
        f"{len(entries)}: {place}"
    )
    if told:
        raise typer.Exit(1)


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    for command in (release, grade, report, marks):
        app.command()(command)
