"""The command `digitdreams`."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from digitdreams import course, files
from digitdreams.console import console, fail, say
from digitdreams.course import Lesson
from digitdreams.grading import commands as grading_commands
from digitdreams.interview import commands as interview_room
from digitdreams.stamps import StampError

app = typer.Typer(
    help="Learn generative image models by building them, on MNIST, on a CPU.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
judge_app = typer.Typer(
    help="The classifier that judges samples.", no_args_is_help=True
)
app.add_typer(judge_app, name="judge")
board_app = typer.Typer(help="Every generator of the course, measured alike.")
app.add_typer(board_app, name="leaderboard")
grading_commands.register(app)
interview_room.register(app)

LessonArgument = Annotated[
    str, typer.Argument(metavar="LESSON", help="number or name, such as 03 or vae")
]
LessonsArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="[LESSON]...", help="numbers or names; all when left out"),
]


def chosen(names: list[str] | None) -> list[Lesson]:
    """The lessons of these names in the course's order, all for none."""
    table = course.load()
    try:
        wanted = {table.find(name).id for name in names or []}
    except course.UnknownLesson as error:
        raise fail(str(error)) from None
    return [one for one in table.lessons if not wanted or one.id in wanted]


@app.command(name="list")
def list_lessons() -> None:
    """List the lessons with their minutes and contracts."""
    table = Table(box=None, pad_edge=False)
    for heading in ("no.", "lesson", "minutes", "to reach"):
        table.add_column(heading)
    for one in course.load().lessons:
        reach = "\n".join(number.describe() for number in one.numbers)
        table.add_row(one.id, one.title, f"{one.minutes:g}", reach)
    console.print(table)


@app.callback()
def settings(
    home: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="where my_work and build go, or set DIGITDREAMS_HOME; otherwise "
            "the checkout, or the current folder of an installed course",
        ),
    ] = None,
) -> None:
    """Options of all commands."""
    if home is not None:
        os.environ["DIGITDREAMS_HOME"] = str(home.expanduser().absolute())
        files.settle_home()


# The student's workspace --------------------------------------------------------------

ExerciseOption = Annotated[
    bool, typer.Option("--exercise", help="the exercise instead of the lesson")
]


def refresh(pages: list[str], lessons: list[Lesson], command: str) -> None:
    """Bring notebooks into my_work/ and say what was done, a line for each trouble."""
    from digitdreams import workspace

    try:
        report = workspace.refresh(pages)
    except (workspace.WorkspaceError, files.CourseMissing) as error:
        raise fail(error) from None
    folder = files.relative(files.work_folder())
    if report.renewed:
        say(f"Renewed in {folder}: {', '.join(report.renewed)}")
    for name, reason in report.kept.items():
        say(
            f"Kept {folder}/{name}: {reason}, and the course has another version. "
            f"To get that one, rename yours and type `{command}`."
        )
    for line in workspace.from_earlier_layout(lessons):
        say(line)


def page_of(lesson: Lesson, exercise: bool) -> str:
    """The notebook of a lesson or its exercise, as seen from the workspace."""
    from digitdreams import workspace

    if exercise and not lesson.exercise_numbers:
        raise fail(
            f"Lesson {lesson.id} has no exercise: open it with "
            f"`digitdreams lab {lesson.id}`"
        )
    return workspace.page(lesson, exercise)


@app.command()
def lessons() -> None:
    """Copy the executed lessons to my_work/lessons/, to read, run and change."""
    from digitdreams import workspace

    table = chosen(None)
    offered = {page_of(one, exercise=False): one for one in table}
    found = {page: one for page, one in offered.items() if workspace.is_here(page)}
    if not found:
        raise fail(
            "This copy of the course holds no lessons, only exercises: "
            "open them with `digitdreams lab`"
        )
    refresh(list(found), table, "digitdreams lessons")
    folder = files.work_folder()
    for page, one in found.items():
        say(f"{files.relative(folder / page):45} {one.title}")
    say("Open one with `digitdreams lab` and its number, such as `digitdreams lab 03`.")


@app.command()
def start(lesson: LessonArgument) -> None:
    """Copy an exercise to my_work/, where updates of the course never touch it."""
    (found,) = chosen([lesson])
    page = page_of(found, exercise=True)
    refresh([page], [found], f"digitdreams start {found.id}")
    say(f"The exercise is {files.relative(files.work_folder() / page)}")
    say(f"Open it with `digitdreams lab {found.id} --exercise`, or in an editor")
    say(f"for notebooks with the Python {sys.executable}")


@app.command(
    context_settings={"ignore_unknown_options": True},
    epilog="Options of JupyterLab, written as --name=value, are passed on to it.",
)
def lab(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[LESSON]", help="number or name; the first when left out"
        ),
    ] = None,
    exercise: ExerciseOption = False,
    browser: Annotated[
        bool, typer.Option(help="open a browser, or print the address only")
    ] = True,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="8888 or the next free one")
    ] = None,
) -> None:
    """Open JupyterLab in my_work/, with copies of all lessons and exercises."""
    options = [word for word in words or [] if word.startswith("-")]
    names = [word for word in words or [] if not word.startswith("-")]
    if len(names) > 1:
        raise fail(f"One lesson at a time: {names[0]} or {names[1]}?")
    from digitdreams import workspace

    table = chosen(None)
    pages = [page_of(one, exercise=False) for one in table]
    pages += [page_of(one, exercise=True) for one in table if one.exercise_numbers]
    pages = [one for one in pages if workspace.is_here(one)]
    if not pages:
        raise fail("This copy of the course holds neither lessons nor exercises")
    if names or exercise:
        (found,) = chosen(names or ["00"])
        page = page_of(found, exercise)
        if page not in pages:
            raise fail(
                f"This copy of the course holds no {page}: "
                "`digitdreams lab` opens the first page that it holds"
            )
    else:
        page = pages[0]  # lesson 00; in a handout the first exercise
    refresh(pages, table, "digitdreams lab")
    if not browser:
        options.append("--no-browser")
    if port is not None:
        options.append(f"--port={port}")
    workspace.lab(page, options)


@app.command()
def run(
    names: LessonsArgument = None,
    seed: Annotated[int | None, typer.Option(help="instead of course.toml's")] = None,
    exercise: Annotated[
        bool, typer.Option("--exercise", help="run the solutions of the exercises")
    ] = False,
) -> None:
    """Run lessons as notebooks, show progress, write build/gallery/index.html."""
    if exercise:
        files.checkout("Running a solution")
    from digitdreams.authoring import gallery
    from digitdreams.authoring import run as running

    wanted = [one for one in chosen(names) if not exercise or one.exercise_numbers]
    outcomes = running.run(wanted, seed=seed, exercise=exercise, console=console)
    if not exercise:
        page = gallery.write(course=course.load())
        say(f"Gallery: {page}")
    if any(one.state != "passed" for one in outcomes):
        raise typer.Exit(1)


@app.command()
def notebooks(
    names: LessonsArgument = None,
    force: Annotated[
        bool, typer.Option("--force", help="build also what did not change")
    ] = False,
) -> None:
    """Build lessons (executed), solutions and exercises from sources/."""
    files.checkout("Building notebooks")
    from digitdreams.authoring import build

    wanted = chosen(names)
    # Exercises first: lesson 00 shows a check of exercise 01.
    steps: list[tuple[str, Callable[..., bool], Lesson]] = [
        ("exercise", build.build_exercise, one)
        for one in wanted
        if one.exercise_numbers
    ]
    steps += [("lesson", build.build_lesson, one) for one in wanted]
    failed = False
    for kind, step, one in steps:
        try:
            done = "built" if step(one, force=force) else "unchanged"
        except (build.BuildError, StampError) as error:
            failed = True
            done = f"FAILED: {error}"
        say(f"{one.stem} {kind}: {done}")
    if failed:
        raise typer.Exit(1)


@app.command()
def status() -> None:
    """Print what is stale, why, and the command that renews it."""
    root = files.checkout("What is stale: the answer")
    from digitdreams.authoring import status as stale

    found = stale.stale(root)
    stale.show(found, console)
    if any(one.tracked for one in found):
        raise typer.Exit(1)


@app.command()
def site(
    solutions: Annotated[
        bool, typer.Option("--solutions", help="show the solutions of exercises")
    ] = False,
    serve: Annotated[
        bool, typer.Option("--serve", help="serve it here and open a browser")
    ] = False,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="of --serve; 0 takes a free one")
    ] = 8000,
    browser: Annotated[
        bool, typer.Option(help="with --serve: open a browser, or print the address")
    ] = True,
    catalogue: Annotated[
        bool,
        typer.Option(
            "--catalogue", help="write only build/pages.pot, for translators of pages"
        ),
    ] = False,
) -> None:
    """Build the book, build/site, from what exists; nothing is trained."""
    root = files.checkout("Building the book")
    from digitdreams.authoring.site import build as book
    from digitdreams.authoring.site import serve as serving

    try:
        if catalogue:
            say(f"Written: {files.relative(book.catalogue(course.load(), root))}")
            return
        report = book.build(course.load(), solutions, root, say=say)
    except book.SiteError as error:
        raise fail(str(error)) from None
    for line in (*report.warnings, *report.stale):
        say(line)
    say(f"Built in {report.seconds:.0f} s: {files.relative(report.index)}")
    if serve:
        try:
            serving.serve(report.index.parent, port, browser, say)
        except OSError as error:
            raise fail(
                f"Port {port} cannot be used ({error.strerror}): choose another one "
                "with --port, or 0 for any"
            ) from None
    else:
        say("Open it with `digitdreams site --serve`.")


@app.command(name="readme")
def update_readme() -> None:
    """Bring README.md, INSTRUCTORS.md and docs/leaderboard.md up to date."""
    root = files.checkout("Updating the README")
    from digitdreams.authoring import board, handbook, leaderboard, readme

    readme.update(course.load())
    handbook.update(course.load())
    if leaderboard.read(root):
        board.update(course.load(), root)


@app.command()
def calibrate(
    lesson: LessonArgument,
    seeds: Annotated[int, typer.Option(min=2, help="how many, from 1 on")] = 10,
    exercise: Annotated[
        bool, typer.Option("--exercise", help="the exercise's contract")
    ] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="do not reuse finished seeds")
    ] = False,
    confirm: Annotated[
        bool,
        typer.Option(
            "--confirm", help="one run; keep the bars if it is as typical as before"
        ),
    ] = False,
) -> None:
    """Run a notebook with many seeds and write its bars to course.toml."""
    files.checkout("Calibrating")
    from digitdreams.authoring import build
    from digitdreams.authoring import calibrate as calibration

    found = chosen([lesson])[0]
    try:
        if confirm:
            calibration.confirm(found, exercise=exercise, console=console)
        else:
            calibration.calibrate(
                found, seeds=seeds, exercise=exercise, fresh=fresh, console=console
            )
    except (calibration.CalibrationError, build.BuildError) as error:
        raise fail(str(error)) from None


@app.command()
def mutate(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[ID]...", help="problems, or exercise.task; what changed if none"
        ),
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="also what is recorded")
    ] = False,
) -> None:
    """Find mistakes that no case of a problem or a task tells from its reference."""
    root = files.checkout("Mutating references")
    from digitdreams.authoring import mutation

    try:
        if names:
            mutation.show(names, root)
            return
        rows = mutation.renew(fresh, root)
        found = [one for row in rows.values() for one in row.found.values()]
        say(f"All: {mutation.summary(found)}")
        faults = mutation.faults(rows, mutation.reasons(root))
    except (mutation.MutationError, StampError) as error:
        raise fail(str(error)) from None
    for line in faults:
        say(line)
    if faults:
        raise typer.Exit(1)


@judge_app.command()
def train(
    confirm: Annotated[
        bool,
        typer.Option(
            "--confirm", help="keep the judge if a new one is as good, renew its stamp"
        ),
    ] = False,
) -> None:
    """Train the judge again, in about eight minutes, and record its accuracy."""
    files.checkout("Training the judge")
    from digitdreams import judge

    try:
        judge.confirm() if confirm else judge.train()
    except judge.JudgeError as error:
        raise fail(str(error)) from None


@judge_app.command()
def measure() -> None:
    """Measure the judge again, as it is, and record its accuracy."""
    files.checkout("Measuring the judge")
    from digitdreams import judge

    try:
        judge.measure()
    except judge.JudgeError as error:
        raise fail(str(error)) from None


@board_app.callback(invoke_without_command=True)
def leaderboard(context: typer.Context) -> None:
    """Print the leaderboard and write its page, build/leaderboard/index.html."""
    if context.invoked_subcommand is not None:
        return
    root = files.checkout("The leaderboard")
    from digitdreams.authoring import board
    from digitdreams.authoring.leaderboard import LeaderboardError

    table = course.load()
    try:
        for part in board.tables(table, root):
            console.print(part)
            console.print()
        page = board.write(table, root)
        say(board.caption(board.recorded(root)))
    except LeaderboardError as error:
        raise fail(str(error)) from None
    say(f"Page: {files.relative(page)}")


@board_app.command(name="measure")
def measure_leaderboard(
    names: LessonsArgument = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="measure again what was measured before")
    ] = False,
) -> None:
    """Measure the generators that calibrations have kept, and record the result."""
    root = files.checkout("Measuring the leaderboard")
    from digitdreams.authoring import board
    from digitdreams.authoring import leaderboard as measuring

    table = course.load()
    try:
        measuring.measure(chosen(names), table, fresh, console, root)
        board.update(table, root)
    except (measuring.LeaderboardError, StampError) as error:
        raise fail(str(error)) from None
    say(f"Written: {measuring.FILE}, {board.PAGE} and {board.PICTURE}")
