"""The command `digitdreams`."""

import shutil
from collections.abc import Callable
from typing import Annotated

import typer
from rich.table import Table

from digitdreams import course, files
from digitdreams.console import console, fail
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


@app.command()
def lessons() -> None:
    """List the lessons with their minutes and contracts."""
    table = Table(box=None, pad_edge=False)
    for heading in ("no.", "lesson", "minutes", "to reach"):
        table.add_column(heading)
    for one in course.load().lessons:
        reach = "\n".join(number.describe() for number in one.numbers)
        table.add_row(one.id, one.title, f"{one.minutes:g}", reach)
    console.print(table)


@app.command()
def start(lesson: LessonArgument) -> None:
    """Copy an exercise to my_work/, where updates of the course never touch it."""
    found = chosen([lesson])[0]
    source = files.home() / "exercises" / found.stem
    target = files.work_folder() / found.stem
    if not source.exists():
        raise fail(
            f"Lesson {found.id} has no exercise: open lessons/{found.stem}.ipynb"
        )
    if target.exists():
        raise fail(
            f"{target} exists and stays as it is. To begin anew, rename that folder "
            f"first, then type `digitdreams start {found.id}` again."
        )
    shutil.copytree(source, target)
    console.print(f"Copied to {target}. Open it with:")
    console.print(f"  jupyter lab {target / found.stem}.ipynb", soft_wrap=True)


@app.command()
def run(
    names: LessonsArgument = None,
    seed: Annotated[int | None, typer.Option(help="instead of course.toml's")] = None,
    exercise: Annotated[
        bool, typer.Option("--exercise", help="run the solutions of the exercises")
    ] = False,
) -> None:
    """Run lessons as notebooks, show progress, write build/gallery/index.html."""
    from digitdreams.authoring import gallery
    from digitdreams.authoring import run as running

    wanted = [one for one in chosen(names) if not exercise or one.exercise_numbers]
    outcomes = running.run(wanted, seed=seed, exercise=exercise, console=console)
    if not exercise:
        page = gallery.write(course=course.load())
        console.print(f"Gallery: {page}", soft_wrap=True)
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
        console.print(f"{one.stem} {kind}: {done}", markup=False, soft_wrap=True)
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


@app.command(name="readme")
def update_readme() -> None:
    """Bring the tables and the picture of README.md and INSTRUCTORS.md up to date."""
    files.checkout("Updating the README")
    from digitdreams.authoring import handbook, readme

    readme.update(course.load())
    handbook.update(course.load())


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
