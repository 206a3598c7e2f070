"""Set a lesson's bars from runs with many seeds.

`calibrate` executes a notebook once per seed, looks at how far its numbers scatter,
and writes bars, typical ranges, minutes and memory into course.toml, with the stamp of
what they were made from. The outcomes of seeds are kept with theirs, so that an
interrupted calibration goes on where it stopped. `confirm` renews the stamp where one
run shows that the numbers have not moved.
"""

import json
import math
import shutil
import statistics
import tempfile
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import tomlkit
from rich.console import Console
from rich.table import Table

from digitdreams import course, generators, machine, stamps
from digitdreams.authoring import run as running
from digitdreams.authoring.build import provide
from digitdreams.authoring.display import sentence
from digitdreams.authoring.outcomes import FAILED, Outcome, finite, read_outcomes
from digitdreams.console import say
from digitdreams.course import Lesson, Number
from digitdreams.files import ROOT, relative, write_atomically
from digitdreams.stamps import Stamp, StampError
from digitdreams.words import amount

FOLDER = Path("build/calibrate")
FEWEST_SEEDS = 2  # a range needs two values


class CalibrationError(Exception):
    """A seed failed or misses a limit; course.toml stays as it was."""


@dataclass(frozen=True)
class Finding:
    """What the seeds say about one number.

    `typical` is the 5th and 95th percentile of the values.
    """

    number: Number
    values: tuple[float, ...]
    bar: float
    typical: tuple[float, float]


def calibrate(
    lesson: Lesson,
    seeds: int = 10,
    exercise: bool = False,
    first_seed: int = 1,
    console: Console | None = None,
    fresh: bool = False,
    timeout: float = running.TIMEOUT,
    root: Path = ROOT,
    folder: Path = FOLDER,
) -> list[Finding]:
    """Run a notebook with several seeds and write what follows into course.toml.

    Args:
        lesson: entry of `course.load().lessons`.
        seeds: how many, at least 2.
        exercise: calibrate the exercise's numbers and minutes, not the lesson's.
        first_seed: the seeds are `first_seed`, `first_seed + 1`, ...
        console: where progress and the result are shown.
        fresh: do not use the kept outcomes of earlier runs of the same code.
        timeout: seconds that one cell may take.
        root: the folder of course.toml and of the notebooks.
        folder: where outcomes are kept, relative to `root`.

    Raises:
        CalibrationError: a seed failed, or a value misses the limit of its number.
        KeyboardInterrupt: on Ctrl-C; the seeds that had finished are kept.
    """
    console = console or Console()
    if seeds < FEWEST_SEEDS:
        raise CalibrationError(f"{seeds} seed is too few: give {FEWEST_SEEDS} or more")
    numbers = lesson.exercise_numbers if exercise else lesson.numbers
    if exercise and not numbers:
        raise CalibrationError(f"course.toml names no exercise numbers for {lesson.id}")
    stamp = stamp_of(lesson, exercise, root)
    outcomes = []
    for seed in range(first_seed, first_seed + seeds):
        at = folder_of(lesson, exercise, root / folder) / f"seed_{seed}"
        outcome = None if fresh else kept(lesson, seed, exercise, at, stamp)
        if outcome is not None:
            say(f"seed {seed}: done before; {in_words(outcome)}", console)
        else:
            outcome = run_seed(lesson, seed, exercise, at, console, timeout, root)
        outcomes.append(outcome)
    findings = [find(number, outcomes) for number in numbers]
    how = f"{seeds} seeds, finished on {today()}"
    write(lesson, findings, outcomes, exercise, root / "course.toml")
    write_stamp(lesson, stamp, how, exercise, root / "course.toml")
    report(findings, outcomes, console)
    return findings


def run_seed(
    lesson: Lesson,
    seed: int,
    exercise: bool,
    at: Path,
    console: Console,
    timeout: float,
    root: Path,
) -> Outcome:
    """Run a notebook in the folder `at`, with generators of the course's seed.

    Raises:
        CalibrationError: it failed.
    """
    shutil.rmtree(at, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="digitdreams-") as models:
        # What this seed saves must not take the place of what later lessons load.
        if not exercise:  # an exercise loads no generator
            provide(lesson)
            for needed in map(course.load().find, lesson.needs):
                for file in generators.paths(needed).values():
                    shutil.copy(file, models)
        [outcome] = running.run(
            [lesson], seed, exercise, at, console, timeout, root, Path(models)
        )
        if not exercise:  # the leaderboard measures what each seed made
            for file in generators.paths(lesson, Path(models)).values():
                if file.is_file():
                    shutil.move(file, at)
    if outcome.state == FAILED:
        where = f"; see {relative(outcome.path)}" if outcome.path else ""
        raise CalibrationError(f"seed {seed} failed: {outcome.reason}{where}")
    return outcome


def folder_of(lesson: Lesson, exercise: bool, folder: Path) -> Path:
    return folder / f"{lesson.stem}{'_exercise' * exercise}"


def stamp_of(lesson: Lesson, exercise: bool, root: Path) -> Stamp:
    """What the notebook's numbers are made from.

    Raises:
        CalibrationError: a file is missing, or the notebook is older than its source.
    """
    try:
        return running.stamp_of(lesson, exercise, root)
    except StampError as error:
        raise CalibrationError(str(error)) from error


def kept(
    lesson: Lesson, seed: int, exercise: bool, folder: Path, stamp: Stamp
) -> Outcome | None:
    """The outcome of an earlier run, if it was of the same code on this machine.

    A lesson's generators have to be kept with it.
    """
    saved = {} if exercise else generators.paths(lesson, folder)
    if not all(file.is_file() for file in saved.values()):
        return None
    numbers = lesson.exercise_numbers if exercise else lesson.numbers
    for outcome in read_outcomes(folder):
        if (
            (outcome.lesson, outcome.exercise) == (lesson.id, exercise)
            and outcome.seed == seed
            and outcome.state != FAILED
            and outcome.machine == machine.describe()
            and outcome.stamp == stamp.digest()
            and {one["name"] for one in outcome.numbers}
            == {one.name for one in numbers}
        ):
            return outcome
    return None


# Confirming ---------------------------------------------------------------------


def confirm(
    lesson: Lesson,
    exercise: bool = False,
    console: Console | None = None,
    timeout: float = running.TIMEOUT,
    root: Path = ROOT,
    folder: Path = FOLDER,
) -> None:
    """Hold that a calibration still describes its notebook; write the present stamp.

    One run with the course's seed is compared with what course.toml says: the numbers
    that a lesson's built notebook shows, if it is current, else those of a fresh run.
    They agree if each reaches its bar and lies no farther beyond the better end of the
    typical range than the bar lies beyond the worse one. The stamp says that it was
    confirmed in this way. That is for code that was rewritten and should make the same
    numbers; ten seeds say more.

    Raises:
        CalibrationError: a number disagrees, was never calibrated, or the run failed.
    """
    console = console or Console()
    seed = course.load(root / "course.toml").seed
    stamp = stamp_of(lesson, exercise, root)
    numbers = lesson.exercise_numbers if exercise else lesson.numbers
    if not numbers:
        kind = "exercise numbers" if exercise else "numbers"
        raise CalibrationError(f"course.toml names no {kind} for {lesson.id}")
    values = {} if exercise else published(lesson, stamp, root)
    if not values:
        at = folder_of(lesson, exercise, root / folder) / "confirm"
        outcome = kept(lesson, seed, exercise, at, stamp)
        if outcome is None:
            outcome = run_seed(lesson, seed, exercise, at, console, timeout, root)
        values = {one["name"]: one["value"] for one in outcome.numbers}
    doubts = [doubt(number, values.get(number.name)) for number in numbers]
    if any(doubts):
        kind = " --exercise" * exercise
        raise CalibrationError(
            f"{'; '.join(filter(None, doubts))}: type "
            f"`digitdreams calibrate {lesson.id}{kind}`"
        )
    how = f"confirmed by seed {seed} on {today()}, not calibrated anew"
    write_stamp(lesson, stamp, how, exercise, root / "course.toml")
    for number in numbers:
        value = amount(values[number.name], number.unit)
        low, high = number.typical or (math.nan, math.nan)
        say(f"{number.label} {value}, typical {low:g} to {high:g}: confirmed", console)


def published(lesson: Lesson, stamp: Stamp, root: Path) -> dict[str, float | None]:
    """The numbers that a lesson's built notebook shows; empty if it is not current."""
    path = running.source_of(lesson, False, root)
    recorded = stamps.recorded_in(path)
    if recorded is None or recorded.numbers != stamp.numbers:
        return {}
    found = {}
    for cell in json.loads(path.read_text("utf-8"))["cells"]:
        for output in cell.get("outputs", []):
            contract = output.get("data", {}).get(course.CONTRACT_MIME)
            if contract:
                found = {
                    one["name"]: finite(one)["value"] for one in contract["numbers"]
                }
    return found


def doubt(number: Number, value: float | None) -> str:
    """Why a value does not agree with a calibration; empty if it does."""
    if number.typical is None:
        return f"{number.name} was never calibrated"
    if value is None:
        return f"{number.name} is not a finite number"
    if not number.reached(value):
        return f"{number.name} is {value:g}, not {number.side} {number.bar:g}"
    low, high = number.typical
    margin = abs(number.bar - (high if number.side == "below" else low))
    if not low - margin <= value <= high + margin:
        return (
            f"{number.name} is {value:g}, better by more than {margin:.2g} than what "
            f"is typical, {low:g} to {high:g}"
        )
    return ""


# From values to bars ------------------------------------------------------------


def find(number: Number, outcomes: list[Outcome]) -> Finding:
    """Set the bar and the typical range of one number.

    Raises:
        CalibrationError: a value is not finite or misses the number's limit.
    """
    values = []
    for outcome in outcomes:
        value = next(
            one["value"] for one in outcome.numbers if one["name"] == number.name
        )
        if value is None:
            raise CalibrationError(
                f"seed {outcome.seed}: {number.name} is not a finite number"
            )
        values.append(value)
    if number.limit is not None:
        limit = replace(number, bar=number.limit)
        missed = [
            f"seed {outcome.seed}: {number.name} is {value:g}"
            for outcome, value in zip(outcomes, values, strict=True)
            if not limit.reached(value)
        ]
        if missed:
            raise CalibrationError(
                f"{'; '.join(missed)}; the course permits no bar but {number.side} "
                f"{number.limit:g}"
            )
    bar, digits = bar_for(values, number.side, number.limit)
    low, high = np.percentile(values, [5, 95])
    typical = (round(float(low), digits + 1), round(float(high), digits + 1))
    return Finding(number, tuple(values), bar, typical)


def bar_for(
    values: list[float], side: str, limit: float | None = None
) -> tuple[float, int]:
    """The worst value moved outward by half the values' range, and rounded outward.

    Args:
        values: one per seed.
        side: "below" or "above".
        limit: the widest bar that is permitted; all values are on its right side.

    Returns:
        The bar and the number of decimal places that it was rounded to.
    """
    margin = (max(values) - min(values)) / 2
    if margin == 0:
        # Equal values say nothing of other machines, whose sums round differently.
        margin = 0.005 * abs(values[0]) or 1e-6
    digits = -math.floor(math.log10(margin))
    # what binary fractions add or lack must not cost a whole step
    if side == "below":
        steps = math.ceil(round((max(values) + margin) * 10.0**digits, 6))
    else:
        steps = math.floor(round((min(values) - margin) * 10.0**digits, 6))
    bar = round(steps / 10.0**digits, max(0, digits))
    if limit is not None:
        bar = min(bar, limit) if side == "below" else max(bar, limit)
    return float(bar), max(0, digits)


# course.toml --------------------------------------------------------------------


def write(
    lesson: Lesson,
    findings: list[Finding],
    outcomes: list[Outcome],
    exercise: bool,
    file: Path,
) -> None:
    """Put the results into course.toml; comments and order stay."""
    document = tomlkit.parse(file.read_text("utf-8"))
    entry = next(one for one in document["lesson"] if one["id"] == lesson.id)
    seconds = statistics.median(one.seconds for one in outcomes)
    minutes = max(0.1, round(seconds / 60, 1))
    if exercise:
        entry["exercise_minutes"] = minutes
    else:
        entry["minutes"] = minutes
        entry["memory_mb"] = math.ceil(max(one.peak_memory_mb for one in outcomes))
    entries = entry.get("exercise" if exercise else "number", [])
    tables = {one["name"]: one for one in entries}
    for finding in findings:
        table = tables[finding.number.name]
        table[finding.number.side] = finding.bar
        table["typical"] = list(finding.typical)
        table["seeds"] = len(outcomes)
        table["machine"] = outcomes[-1].machine
    write_atomically(file, tomlkit.dumps(document))


def write_stamp(
    lesson: Lesson, stamp: Stamp, how: str, exercise: bool, file: Path
) -> None:
    """Put what a calibration was made from into course.toml."""
    document = tomlkit.parse(file.read_text("utf-8"))
    entry = next(one for one in document["lesson"] if one["id"] == lesson.id)
    content = stamp.numbers_made(how)
    numbers = tomlkit.inline_table()
    numbers.update(content["numbers"])
    table = tomlkit.table()
    table.update({**content, "numbers": numbers})
    entry["exercise_stamp" if exercise else "stamp"] = table
    write_atomically(file, tomlkit.dumps(document))


def today() -> str:
    return date.today().isoformat()


# Showing ------------------------------------------------------------------------


def in_words(outcome: Outcome) -> str:
    return "; ".join(sentence(number) for number in outcome.numbers) or "no numbers"


def report(findings: list[Finding], outcomes: list[Outcome], console: Console) -> None:
    """Show what was found and written."""
    table = Table(box=None, pad_edge=False)
    for heading in ("number", "values", "typical", "bar", "limit"):
        table.add_column(heading)
    for one in findings:
        limit = "-" if one.number.limit is None else f"{one.number.limit:g}"
        low, high = amount(min(one.values)), amount(max(one.values))
        table.add_row(
            one.number.label,
            f"{low} to {high}",
            "{:g} to {:g}".format(*one.typical),
            f"{one.number.side} {one.bar:g}",
            limit,
        )
    if findings:
        console.print(table)
    seconds = [one.seconds for one in outcomes]
    say(
        f"{len(outcomes)} seeds, {min(seconds):.0f} to {max(seconds):.0f} s each, at "
        f"most {max(one.peak_memory_mb for one in outcomes):,.0f} MB; written to "
        "course.toml",
        console,
    )
