"""What is stale, why, and the command that renews it: `digitdreams status`.

Reads files only, so that it answers within seconds: nothing here imports TensorFlow.
"""

import json
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from rich.console import Console

from digitdreams import generators, stamps
from digitdreams.authoring import readme
from digitdreams.authoring.site import playground
from digitdreams.console import say
from digitdreams.course import Course, Lesson
from digitdreams.course import load as load_course
from digitdreams.files import ROOT
from digitdreams.stamps import Stamp, StampError


@dataclass(frozen=True)
class Stale:
    """Something that was made from what has changed since.

    Attributes:
        thing: what, such as `lesson 03`.
        why: the parts that changed, or one line.
        command: what renews it.
        tracked: whether git keeps it; what is only on this machine is no fault.
    """

    thing: str
    why: tuple[str, ...]
    command: str
    tracked: bool = True


def stale(root: Path = ROOT) -> list[Stale]:
    """Everything that is stale, in the order in which it is best renewed."""
    look = Look(load_course(root / "course.toml"), root)
    look.judge()
    look.measurements()
    look.exercises()
    look.lessons()
    look.calibrations()
    look.saved_generators()
    look.networks()
    look.benchmarks()
    look.leaderboard()
    look.mutants()
    look.marks()
    look.documents()
    return look.found


class Look:
    """Compares recorded stamps with those of today, each made once."""

    def __init__(self, course: Course, root: Path):
        self.course = course
        self.root = root
        self.found: list[Stale] = []
        self.of_lesson = cache(partial(stamps.of_lesson, root=root))
        self.exercised = [one for one in course.lessons if one.exercise_numbers]

    def compare(
        self,
        thing: str,
        command: str,
        now: Callable[[], Stamp],
        recorded: Callable[[], Stamp | None],
        display: bool = False,
        tracked: bool = True,
    ) -> None:
        """Note what has changed; a file that is missing is reported as the reason."""
        try:
            why = now().changes(recorded(), display)
        except StampError as error:
            why = [str(error)]
        if why:
            self.found.append(Stale(thing, tuple(why), command, tracked))

    def judge(self) -> None:
        """The judge's weights, and the numbers in its record."""
        path = stamps.places_of(self.root).package / "judge.json"
        self.compare(
            "judge",
            "digitdreams judge train",
            partial(stamps.of_judge, self.root),
            partial(stamp_in, path, "made_from"),
        )
        self.compare(
            "the judge's record",
            "digitdreams judge measure",
            partial(stamps.of_judgement, root=self.root),
            partial(stamp_in, path, "measured_from"),
        )

    def measurements(self) -> None:
        """The attributes of the digits, which captions are made from."""
        path = stamps.places_of(self.root).package / "captions" / "measurements.json"
        self.compare(
            "the measurements of the digits",
            "python tools/measure_digits.py",
            partial(stamps.of_measurements, self.root),
            partial(stamp_in, path, "made_from"),
        )

    def exercises(self) -> None:
        """The built exercises and their solutions."""
        for one in self.exercised:
            self.compare(
                f"exercise {one.id}",
                f"digitdreams notebooks {one.id}",
                partial(stamps.of_exercise, one, self.root),
                partial(self.in_exercise, one),
                display=True,
            )

    def in_exercise(self, lesson: Lesson) -> Stamp | None:
        """The stamp that an exercise and its solution share."""
        exercise, solution = (
            stamps.recorded_in(stamps.notebook_of(kind, lesson, self.root))
            for kind in ("exercises", "solutions")
        )
        if exercise != solution:
            raise StampError("the exercise and its solution differ in age")
        return exercise

    def lessons(self) -> None:
        """The built notebooks of lessons."""
        for one in self.course.lessons:
            path = stamps.notebook_of("lessons", one, self.root)
            self.compare(
                f"lesson {one.id}",
                f"digitdreams notebooks {one.id}",
                partial(self.of_lesson, one),
                partial(stamps.recorded_in, path),
                display=True,
            )

    def calibrations(self) -> None:
        """The bars of course.toml."""
        for one in self.course.lessons:
            if one.numbers:
                self.compare(
                    f"calibration of lesson {one.id}",
                    f"digitdreams calibrate {one.id}",
                    partial(self.of_lesson, one),
                    partial(Stamp.from_data, one.stamp),
                )
            if one.exercise_numbers:
                self.compare(
                    f"calibration of exercise {one.id}",
                    f"digitdreams calibrate {one.id} --exercise",
                    partial(stamps.of_solution, one, self.root),
                    partial(Stamp.from_data, one.exercise_stamp),
                )

    def saved_generators(self) -> None:
        """The generators that are saved here; others are made when needed."""
        for one in self.course.lessons:
            for file in generators.paths(one).values():
                if not file.is_file():
                    continue
                record = generators.record(file)
                self.compare(
                    f"saved generator of lesson {one.id}",
                    f"digitdreams run {one.id}",
                    partial(self.of_lesson, one),
                    partial(getattr, record, "stamp", None),
                    tracked=False,
                )

    def networks(self) -> None:
        """The networks that the playground's pages run."""
        for name, record in playground.records(self.root).items():
            self.compare(
                f"the playground's network {name}",
                record["command"],
                partial(playground.stamp_of, name, self.course, self.root),
                partial(Stamp.from_data, record["made_from"]),
            )

    def benchmarks(self) -> None:
        """The recorded curves of published recipes."""
        for name in stamps.BENCHMARKS:
            path = self.root / "benchmarks" / "recorded" / f"{name}.json"
            self.compare(
                f"recorded benchmark {name}",
                f"python benchmarks/tutorials.py --record {name}",
                partial(stamps.of_benchmark, name, self.root),
                partial(stamp_in, path, "made_from"),
            )

    def leaderboard(self) -> None:
        """The rows of the recorded leaderboard, and the page that follows from it."""
        from digitdreams.authoring import board, leaderboard

        measuring = None
        with suppress(StampError):  # each row tells which file is missing
            measuring = leaderboard.stamp_of_measuring(self.root)
        try:
            for row in leaderboard.read(self.root):
                why = leaderboard.changes(row, self.course, self.root, measuring)
                if why:
                    command = leaderboard.renewal(row, why)
                    thing = f"leaderboard, {row.name}"
                    self.found.append(Stale(thing, tuple(why), command))
            why = board.differences(self.course, self.root)
        except leaderboard.LeaderboardError as error:
            why = [str(error)]
        if why:
            page = board.PAGE.as_posix()
            self.found.append(Stale(page, tuple(why), "digitdreams readme"))

    def mutants(self) -> None:
        """The record of mutants, where there is one."""
        from digitdreams.authoring import mutation

        if not (self.root / mutation.RECORD).is_file():
            return
        try:
            stale = mutation.changes(self.root)
        except mutation.MutationError as error:
            stale = {"all references": [str(error)]}
        for source, why in stale.items():
            thing = f"mutants of {source}"
            self.found.append(Stale(thing, tuple(why), "digitdreams mutate"))

    def marks(self) -> None:
        """The marks of a gradebook in the course's folder, if there is one."""
        if not (self.root / "gradebook.db").is_file():
            return
        from digitdreams.grading import grader, inbox

        for one in self.exercised:
            try:
                count = grader.stale_marks(one, self.root, self.root)
                why = f"{count} made from other files or submissions" * bool(count)
            except (grader.GradingError, inbox.InboxError, sqlite3.Error) as error:
                why = str(error)
            if why:
                command = f"digitdreams grade {one.id}"
                self.found.append(
                    Stale(f"marks of exercise {one.id}", (why,), command, tracked=False)
                )

    def documents(self) -> None:
        """The tables and the picture that README.md and INSTRUCTORS.md hold."""
        for thing, check in (
            (readme.FILE.name, partial(readme.differences, self.course, self.root)),
            ("INSTRUCTORS.md", self.handbook),
        ):
            try:
                why = check()
            except (OSError, ValueError, LookupError, StampError) as error:
                why = [str(error)]
            if why:
                self.found.append(Stale(thing, tuple(why), "digitdreams readme"))

    def handbook(self) -> list[str]:
        """Why the tables of INSTRUCTORS.md are stale; they carry a stamp's digest."""
        digest = stamps.of_handbook(self.course, self.root).digest()
        text = (self.root / "INSTRUCTORS.md").read_text(encoding="utf-8")
        return [] if readme.MADE_FROM.format(digest) in text else ["its tables"]


def stamp_in(path: Path, key: str) -> Stamp | None:
    """The stamp in a record in JSON, None if it holds none.

    Raises:
        StampError: the record is missing or damaged.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StampError(f"cannot read {path}: {error}") from error
    return Stamp.from_data(content.get(key))


# Showing ------------------------------------------------------------------------------

MOST_PARTS = 3


def show(found: list[Stale], console: Console) -> None:
    """A line for each thing that is stale: what it is, what renews it, and why."""
    things = max((len(one.thing) for one in found), default=0)
    commands = max((len(one.command) for one in found), default=0)
    for one in found:
        parts = list(one.why[:MOST_PARTS])
        if len(one.why) > MOST_PARTS:
            parts.append(f"{len(one.why) - MOST_PARTS} more")
        line = f"{one.thing:{things}}  {one.command:{commands}}  {', '.join(parts)}"
        say(line, console)
    tracked = sum(one.tracked for one in found)
    if tracked:
        say(f"{tracked} stale", console)
    elif found:
        say("What git keeps is up to date; the above is on this machine only.", console)
    else:
        say("Everything is up to date.", console)
    if any(one.thing.startswith("calibration") for one in found):
        say(
            "A calibration whose numbers should not have moved: add --confirm to its "
            "command; it costs one run.",
            console,
        )
