"""Every generator of the course measured alike: the record behind the leaderboard.

A calibration keeps what each seed saved (`build/calibrate/<lesson>/seed_N/`). `measure`
measures those generators and writes `benchmarks/recorded/leaderboard.json`, which git
holds, seed by seed; a row is dropped and measured anew when its lesson or what measures
it has changed. `digitdreams.authoring.board` shows the record.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeAlias

from rich.console import Console

from digitdreams import generators, machine, stamps
from digitdreams.authoring.outcomes import FAILED, Outcome, read_outcomes
from digitdreams.authoring.outcomes import FOLDER as RUNS
from digitdreams.console import say
from digitdreams.course import Course, Generator, Lesson
from digitdreams.files import ROOT, write_atomically
from digitdreams.stamps import Stamp, StampError

FILE = Path("benchmarks/recorded/leaderboard.json")
FORMAT = 1
REAL = "real images"

Values: TypeAlias = dict[str, float | None]


class LeaderboardError(Exception):
    """Nothing to measure or to show; the message says what to do."""


@dataclass
class Seed:
    """What was measured of one seed's generator.

    `values` as `digitdreams.scores.measure` names them, and `nats` and `seconds` of
    training from the run, `bytes` of the file. None where a model has none, or where
    the run did not tell.
    """

    values: Values
    trained_on: str = ""  # machine
    measured_on: str = ""
    date: str = ""


@dataclass
class Row:
    """A generator of the course, or real images, with all its seeds."""

    lesson: str
    name: str
    made_from: dict[str, Any] = field(default_factory=dict)
    seeds: dict[int, Seed] = field(default_factory=dict)

    @property
    def stamp(self) -> Stamp | None:
        """What the row was made from."""
        return Stamp.from_data(self.made_from)

    def values(self, measure: str) -> list[float]:
        """What the seeds have of a measure; empty where the model has none."""
        found = (one.values.get(measure) for one in self.seeds.values())
        return [value for value in found if value is not None]


def read(root: Path = ROOT) -> list[Row]:
    """The recorded rows, none where nothing was recorded.

    Raises:
        LeaderboardError: the record is damaged.
    """
    path = root / FILE
    try:
        content = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise LeaderboardError(f"cannot read {FILE}: {error}") from error
    if content.get("format") != FORMAT:
        return []
    return [
        Row(
            one["lesson"],
            one["name"],
            one["made_from"],
            {int(seed): Seed(**values) for seed, values in one["seeds"].items()},
        )
        for one in content["rows"]
    ]


def write(rows: Iterable[Row], table: Course, root: Path = ROOT) -> None:
    """Record rows in the course's order, those of real images last."""
    places = {
        (one.id, generator.name): (number, position)
        for number, one in enumerate(table.lessons)
        for position, generator in enumerate(one.generators)
    }
    last = (len(places) + len(table.lessons), 0)
    ordered = sorted(rows, key=lambda row: places.get((row.lesson, row.name), last))
    for row in ordered:
        row.seeds = dict(sorted(row.seeds.items()))
    content = {"format": FORMAT, "rows": [asdict(row) for row in ordered]}
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    write_atomically(root / FILE, text + "\n")


# What a row is made from --------------------------------------------------------------


def stamp_of(
    row: Row, table: Course, root: Path = ROOT, measuring: Stamp | None = None
) -> Stamp:
    """What a row would be made from today.

    `measuring`: the stamp of what measures a generator, where the caller has it.

    Raises:
        StampError: a file is missing, or the course has no such generator.
    """
    if row.name == REAL:
        return stamps.of("digitdreams/scores.py:measure_real", root=root)
    known = {
        (one.id, each.name): one for one in table.lessons for each in one.generators
    }
    lesson = known.get((row.lesson, row.name))
    if lesson is None:
        raise StampError(f"course.toml names no {row.name} of lesson {row.lesson}")
    measuring = measuring or stamp_of_measuring(root)
    made = stamps.digest_of(stamps.of_lesson(lesson, root).digest())
    return Stamp({**measuring.numbers, f"lesson {lesson.id}": made})


def stamp_of_measuring(root: Path = ROOT) -> Stamp:
    """The stamp of what measures a generator.

    Raises:
        StampError: a file is missing.
    """
    return stamps.of("digitdreams/scores.py:measure", root=root)


def renewal(row: Row, why: Iterable[str]) -> str:
    """The command that renews a stale row."""
    command = f"digitdreams leaderboard measure {row.lesson}".rstrip()
    if any(part.startswith("lesson ") for part in why):
        return f"digitdreams calibrate {row.lesson} && {command}"
    return command


def changes(
    row: Row, table: Course, root: Path = ROOT, measuring: Stamp | None = None
) -> list[str]:
    """Why a row is stale, part by part; empty if it is today's."""
    try:
        return stamp_of(row, table, root, measuring).changes(row.stamp)
    except StampError as error:
        return [str(error)]


# Kept generators ----------------------------------------------------------------------


@dataclass(frozen=True)
class Kept:
    """A generator's file, and the run that made it where that is known."""

    seed: int
    file: Path
    outcome: Outcome | None


def kept(
    lesson: Lesson, generator: Generator, table: Course, root: Path = ROOT
) -> list[Kept]:
    """The files of a generator that the lesson, as it is today, has made, by seed.

    Those of a calibration, and that of the course's seed in `build/models` where no
    calibration has one.

    Raises:
        StampError: a file of the course is missing.
    """
    from digitdreams.authoring import calibrate  # takes a second, and `status` is quick

    now = stamps.of_lesson(lesson, root)
    folders = sorted((root / calibrate.FOLDER / lesson.stem).glob("seed_*"))
    places = [(at, generators.paths(lesson, at)[generator.name]) for at in folders]
    places.append((root / RUNS, generators.paths(lesson)[generator.name]))
    found: dict[int, Kept] = {}
    for folder, file in places:
        record = generators.record(file)
        if record is None or record.seed is None or record.own_code:
            continue
        if record.stamp.numbers != now.numbers:
            continue
        runs = [
            one
            for one in read_outcomes(folder)
            if (one.lesson, one.exercise, one.seed) == (lesson.id, False, record.seed)
            and one.state != FAILED
            and one.stamp == now.digest()
        ]
        is_course_s = file.parent == generators.folder()
        if not is_course_s or (record.seed == table.seed and record.seed not in found):
            found[record.seed] = Kept(record.seed, file, runs[0] if runs else None)
    return [found[seed] for seed in sorted(found)]


def facts(
    lesson: Lesson, generator: Generator, one: Kept, table: Course, root: Path = ROOT
) -> Values:
    """What the run of a kept generator tells: nats, seconds of training, bytes."""
    from digitdreams.authoring import calibrate

    numbers: dict[str, float | None] = {}
    if one.outcome is not None:
        numbers = {each["name"]: each["value"] for each in one.outcome.numbers}
    elif one.seed == table.seed:  # then the built notebook made the same
        numbers = calibrate.published(lesson, stamps.of_lesson(lesson, root), root)
    return {
        "nats": numbers.get(generator.nats) if generator.nats else None,
        "seconds": seconds_of(one.outcome, generator.cells),
        "bytes": float(one.file.stat().st_size),
    }


def seconds_of(outcome: Outcome | None, cells: Iterable[str]) -> float | None:
    """How long the cells of an executed notebook ran; None where it does not tell."""
    if outcome is None or outcome.path is None or not outcome.path.is_file():
        return None
    notebook = json.loads(outcome.path.read_text("utf-8"))
    times = {
        cell.get("id"): cell.get("metadata", {}).get("execution", {})
        for cell in notebook["cells"]
    }
    total = 0.0
    for cell in cells:
        time = times.get(cell, {})
        began, ended = (time.get(f"iopub.status.{one}") for one in ("busy", "idle"))
        if began is None or ended is None:
            return None
        total += (moment(ended) - moment(began)).total_seconds()
    return round(total, 2) if total else None


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


# Measuring ----------------------------------------------------------------------------


def measure(
    lessons: Iterable[Lesson],
    table: Course,
    fresh: bool = False,
    console: Console | None = None,
    root: Path = ROOT,
) -> list[Row]:
    """Measure the kept generators of lessons, and real images; record each at once.

    What was measured before under the same stamps is kept, unless `fresh`: an
    interrupted measurement goes on where it stopped. Rows of generators that the
    course no longer has are dropped.

    Raises:
        LeaderboardError: no lesson keeps a generator that counts.
        StampError: a file of the course is missing.
    """
    from digitdreams import models, scores

    console = console or Console()
    named = {(one.id, each.name) for one in table.lessons for each in one.generators}
    named.add(("", REAL))
    rows = {(one.lesson, one.name): one for one in read(root)}
    rows = {key: row for key, row in rows.items() if key in named}
    missing: dict[str, str] = {}  # lesson: what makes its generators
    seeds: set[int] = set()

    def prepared(lesson: str, name: str) -> Row:
        row = rows.get((lesson, name), Row(lesson, name))
        stamp = stamp_of(row, table, root)
        if fresh or row.stamp is None or row.stamp.numbers != stamp.numbers:
            row = Row(lesson, name, stamp.numbers_made("measured"))
        return row

    def keep(row: Row, seed: int, values: Values, trained_on: str) -> None:
        row.seeds[seed] = Seed(
            values, trained_on, machine.describe(), date.today().isoformat()
        )
        rows[row.lesson, row.name] = row
        write(rows.values(), table, root)
        say(f"{row.name}, seed {seed}: {in_words(values)}", console)

    for lesson in lessons:
        for generator in lesson.generators:
            found = kept(lesson, generator, table, root)
            if not found:
                missing[lesson.id] = f"`digitdreams calibrate {lesson.id}`"
            row = prepared(lesson.id, generator.name)
            for one in found:
                seeds.add(one.seed)
                told = facts(lesson, generator, one, table, root)
                if one.seed in row.seeds:
                    before = row.seeds[one.seed].values
                    news = {name: told[name] for name in told if before[name] is None}
                    before.update(news)
                    write(rows.values(), table, root)
                    say(f"{row.name}, seed {one.seed}: measured before", console)
                    continue
                values = {**scores.measure(models.load(one.file), one.seed), **told}
                keep(row, one.seed, values, one.outcome.machine if one.outcome else "")
    if not seeds:
        raise LeaderboardError(
            "no generator of the course as it is today is kept here: type "
            f"{' or '.join(missing.values()) or '`digitdreams calibrate 03`'}"
        )
    real = prepared("", REAL)
    for seed in sorted(seeds - set(real.seeds)):
        keep(real, seed, scores.measure_real(seed), "")
    for number, command in missing.items():
        say(f"Nothing is kept of lesson {number}: {command} makes it", console)
    return list(rows.values())


def in_words(values: Values) -> str:
    """`fid over floor 4.1, precision 0.82, ...`."""
    return ", ".join(
        f"{name.replace('_', ' ')} {value:.4g}"
        for name, value in values.items()
        if value is not None
    )
