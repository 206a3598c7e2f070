"""Set a lesson's bars from runs with many seeds.

`calibrate` executes a notebook once per seed, looks at how far its numbers scatter,
and writes bars, typical ranges, minutes and memory into course.toml. The outcomes of
seeds are kept, so that an interrupted calibration goes on where it stopped.
"""

import hashlib
import json
import math
import shutil
import statistics
from dataclasses import dataclass, replace
from pathlib import Path

import nbformat
import numpy as np
import tomlkit
from rich.console import Console
from rich.table import Table

from digitdreams import machine
from digitdreams.authoring import run as running
from digitdreams.authoring.display import sentence
from digitdreams.authoring.outcomes import FAILED, Outcome, read_outcomes
from digitdreams.console import amount, say
from digitdreams.course import Lesson, Number
from digitdreams.files import ROOT, relative, write_atomically

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
    outcomes = []
    for seed in range(first_seed, first_seed + seeds):
        at = root / folder / (f"{lesson.stem}{'_exercise' * exercise}/seed_{seed}")
        outcome = None if fresh else kept(lesson, seed, exercise, at, root)
        if outcome is not None:
            say(f"seed {seed}: done before; {in_words(outcome)}", console)
        else:
            shutil.rmtree(at, ignore_errors=True)
            outcome = running.run(
                [lesson], seed, exercise, at, console, timeout=timeout, root=root
            )[0]
        if outcome.state == FAILED:
            where = f"; see {relative(outcome.path)}" if outcome.path else ""
            raise CalibrationError(f"seed {seed} failed: {outcome.reason}{where}")
        outcomes.append(outcome)
    findings = [find(number, outcomes) for number in numbers]
    write(lesson, findings, outcomes, exercise, root / "course.toml")
    report(findings, outcomes, console)
    return findings


def kept(
    lesson: Lesson, seed: int, exercise: bool, folder: Path, root: Path
) -> Outcome | None:
    """The outcome of an earlier run, if it was of the same code on this machine."""
    numbers = lesson.exercise_numbers if exercise else lesson.numbers
    source = running.source_of(lesson, exercise, root)
    for outcome in read_outcomes(folder):
        if (
            (outcome.lesson, outcome.exercise) == (lesson.id, exercise)
            and outcome.seed == seed
            and outcome.state != FAILED
            and outcome.machine == machine.describe()
            and {one["name"] for one in outcome.numbers}
            == {one.name for one in numbers}
            and source.is_file()
            and outcome.path is not None
            and outcome.path.is_file()
            and code_hash(outcome.path) == code_hash(source)
        ):
            return outcome
    return None


def code_hash(notebook: Path) -> str:
    """A fingerprint of a notebook's code cells; text and outputs do not count."""
    cells = nbformat.read(notebook, as_version=4).cells
    code = [cell.source for cell in cells if cell.cell_type == "code"]
    return hashlib.sha256(json.dumps(code).encode()).hexdigest()


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
                f"{'; '.join(missed)}; the course permits no bar but {number.sense} "
                f"{number.limit:g}"
            )
    bar, digits = bar_for(values, number.sense, number.limit)
    low, high = np.percentile(values, [5, 95])
    typical = (round(float(low), digits + 1), round(float(high), digits + 1))
    return Finding(number, tuple(values), bar, typical)


def bar_for(
    values: list[float], sense: str, limit: float | None = None
) -> tuple[float, int]:
    """The worst value moved outward by half the values' range, and rounded outward.

    Args:
        values: one per seed.
        sense: "below" or "above".
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
    if sense == "below":
        steps = math.ceil(round((max(values) + margin) * 10.0**digits, 6))
    else:
        steps = math.floor(round((min(values) - margin) * 10.0**digits, 6))
    bar = round(steps / 10.0**digits, max(0, digits))
    if limit is not None:
        bar = min(bar, limit) if sense == "below" else max(bar, limit)
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
        table[finding.number.sense] = finding.bar
        table["typical"] = list(finding.typical)
        table["seeds"] = len(outcomes)
        table["machine"] = outcomes[-1].machine
    write_atomically(file, tomlkit.dumps(document))


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
            f"{one.number.sense} {one.bar:g}",
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
