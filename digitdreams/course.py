"""The course's table of contents and the contract of each lesson.

`course.toml` holds both. A notebook calls `start` in its first cell and
`expect` in its last one; everything else here reads the file for the command
line, the tests and the README.
"""

import os
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from digitdreams.files import home
from digitdreams.words import amount

CONTRACT_MIME = "application/vnd.digitdreams.contract+json"


class UnknownLesson(LookupError):
    """No lesson of that name; the message lists those that exist."""


class BarMissed(AssertionError):
    """A number of a notebook is on the wrong side of its bar."""

    def _render_traceback_(self) -> list[str]:
        """Let IPython show the line instead of the way to it."""
        return [f"{type(self).__name__}: {self}"]


@dataclass(frozen=True)
class Number:
    """One measured number of a lesson and the bar that it has to reach."""

    name: str
    label: str
    unit: str
    side: str  # "below" or "above"
    bar: float
    limit: float | None = None  # the widest bar that the course permits
    stretch: float | None = None
    typical: tuple[float, float] | None = None  # 5th to 95th percentile
    seeds: int | None = None
    machine: str | None = None

    def reached(self, value: float) -> bool:
        """Tell whether a value is on the right side of the bar (NaN never is)."""
        return value < self.bar if self.side == "below" else value > self.bar

    def describe(self) -> str:
        """The bar in words: `test accuracy above 0.99`."""
        unit = f" {self.unit}" if self.unit else ""
        return f"{self.label} {self.side} {self.bar:g}{unit}"


@dataclass(frozen=True)
class Generator:
    """A generator that a lesson saves, and where the leaderboard finds its facts."""

    name: str
    nats: str | None = None  # the number of the lesson that is its likelihood
    cells: tuple[str, ...] = ()  # ids of the cells that train it
    note: str = ""  # what a reader of the table should know, a sentence


@dataclass(frozen=True)
class Lesson:
    """One entry of course.toml."""

    id: str
    name: str
    title: str
    part: str
    minutes: float
    after: tuple[str, ...]
    numbers: tuple[Number, ...]
    exercise_numbers: tuple[Number, ...]
    memory_mb: float | None = None
    exercise_minutes: float | None = None  # that the solution runs
    needs: tuple[str, ...] = ()  # lessons whose generators this one uses
    saves: str | None = None  # its generator's name, kept with `models.save`
    generators: tuple[Generator, ...] = ()  # all that it saves, in any form
    reads: tuple[str, ...] = ()  # files or entries of course.toml that its code reads
    # What the calibrations were made from; see `digitdreams.stamps`.
    stamp: dict[str, Any] | None = field(default=None, hash=False)
    exercise_stamp: dict[str, Any] | None = field(default=None, hash=False)

    @property
    def stem(self) -> str:
        """The name of the lesson's files, without suffix: `03_vae`."""
        return f"{self.id}_{self.name}"


@dataclass(frozen=True)
class Course:
    """The whole of course.toml."""

    seed: int
    lessons: tuple[Lesson, ...]

    def find(self, text: str) -> Lesson:
        """Return the lesson called `03`, `3`, `vae` or `03_vae`.

        Raises:
            UnknownLesson: with the list of lessons.
        """
        wanted = text.strip().lower().removesuffix(".ipynb")
        for lesson in self.lessons:
            number = lesson.id.lstrip("0") or "0"
            if wanted in (lesson.id, number, lesson.name, lesson.stem):
                return lesson
        listed = "\n".join(f"  {one.id}  {one.title}" for one in self.lessons)
        raise UnknownLesson(f"There is no lesson {text!r}. The lessons are:\n{listed}")


def read_number(entry: dict[str, Any]) -> Number:
    entry = dict(entry)
    sides = [side for side in ("below", "above") if side in entry]
    if len(sides) != 1:
        raise ValueError(
            f"course.toml: number {entry.get('name')!r} needs exactly one of "
            "`below` and `above`"
        )
    bar = float(entry.pop(sides[0]))
    if "typical" in entry:
        entry["typical"] = tuple(entry["typical"])
    return Number(side=sides[0], bar=bar, **entry)


def read_generators(entry: dict[str, Any]) -> tuple[Generator, ...]:
    """The generators of an entry: `saves`, one name or several, and their facts.

    Raises:
        ValueError: one line that says what to mend.
    """
    saves = entry.get("saves", ())
    names = (saves,) if isinstance(saves, str) else tuple(saves)
    facts = {one["name"]: one for one in entry.get("generator", ())}
    for name in facts:
        if name not in names:
            raise ValueError(
                f"course.toml: lesson {entry['id']} tells of a generator {name!r}, "
                "which its `saves` does not name"
            )
    numbers = {one["name"] for one in entry.get("number", ())}
    found = []
    for name in names:
        fact = {"name": name, **facts.get(name, {})}
        if fact.get("nats") not in (None, *numbers):
            raise ValueError(
                f"course.toml: lesson {entry['id']} has no number {fact['nats']!r}, "
                f"which {name!r} gives as its nats"
            )
        fact["cells"] = tuple(fact.get("cells", ()))
        found.append(Generator(**fact))
    return tuple(found)


def read_lesson(entry: dict[str, Any]) -> Lesson:
    entry = dict(entry)
    entry["generators"] = read_generators(entry)
    entry.pop("generator", None)
    if not isinstance(entry.get("saves"), str):
        entry["saves"] = None
    numbers = tuple(read_number(one) for one in entry.pop("number", []))
    exercise = tuple(read_number(one) for one in entry.pop("exercise", []))
    for key in ("after", "needs", "reads"):
        entry[key] = tuple(entry.get(key, ()))
    return Lesson(numbers=numbers, exercise_numbers=exercise, **entry)


def load(file: Path | None = None) -> Course:
    """Read course.toml, the course's own unless another is named."""
    file = file or home() / "course.toml"
    with open(file, "rb") as stream:
        entries = tomllib.load(stream)
    lessons = tuple(read_lesson(entry) for entry in entries["lesson"])
    check_needs(lessons)
    return Course(seed=entries["seed"], lessons=lessons)


def check_needs(lessons: tuple[Lesson, ...]) -> None:
    """Hold that a lesson needs only generators that a lesson before it saves.

    The order of course.toml is therefore an order in which lessons can be built.

    Raises:
        ValueError: one line that says what to mend.
    """
    saved: set[str] = set()
    for one in lessons:
        for needed in one.needs:
            if needed not in saved:
                raise ValueError(
                    f"course.toml: lesson {one.id} needs {needed!r}, but no lesson "
                    f"{needed} with `saves` stands before it"
                )
        if one.generators:
            saved.add(one.id)


def wanted_seed(default: int) -> int:
    """The seed of this run: DIGITDREAMS_SEED where it is set, else `default`.

    Raises:
        ValueError: DIGITDREAMS_SEED is not a whole number from 0 to 2**32 - 1.
    """
    text = os.environ.get("DIGITDREAMS_SEED", "").strip()
    if not text:
        return default
    if not text.isdecimal() or int(text) >= 2**32:
        raise ValueError(
            f"DIGITDREAMS_SEED is {text!r}: set it to a whole number such as 7, "
            "or unset it"
        )
    return int(text)


@dataclass(frozen=True)
class Running:
    """The notebook that called `start`."""

    lesson: Lesson
    exercise: bool
    seed: int

    @property
    def numbers(self) -> tuple[Number, ...]:
        return self.lesson.exercise_numbers if self.exercise else self.lesson.numbers


_running: Running | None = None


def start(lesson: str, exercise: bool = False) -> int:
    """Begin a notebook: seed every source of random numbers, say what to reach.

    Args:
        lesson: number or name of the lesson, such as "03".
        exercise: whether this is the lesson's exercise.

    Returns:
        The seed: DIGITDREAMS_SEED where it is set, else course.toml's.

    Raises:
        ready.NotReady: a file of the course, Keras or TensorFlow is missing or is of
            the wrong kind; one line says what to do.
    """
    global _running
    from digitdreams import ready

    ready.check_files()
    ready.check_keras()
    import keras

    course = load()
    _running = Running(course.find(lesson), exercise, wanted_seed(course.seed))
    keras.utils.set_random_seed(_running.seed)
    found = _running.lesson
    kind = "exercise" if exercise else "lesson"
    print(f"{found.title} · {kind} {found.id} · seed {_running.seed}")
    for number in _running.numbers:
        print(f"to reach: {number.describe()}")
    for line in ready.notes():
        print(line)
    return _running.seed


def running() -> Running | None:
    """The notebook that called `start`, None where none did."""
    return _running


class Verdict:
    """What `expect` shows: a table, and the same as data for tools."""

    def __init__(self, running: Running, values: dict[str, float]):
        self.running = running
        self.values = values

    def missed(self) -> list[Number]:
        return [
            one
            for one in self.running.numbers
            if not one.reached(self.values[one.name])
        ]

    def rows(self) -> list[tuple[str, str, str, str, str]]:
        rows = []
        for one in self.running.numbers:
            value = self.values[one.name]
            typical = "{:g} to {:g}".format(*one.typical) if one.typical else "-"
            state = "reached" if one.reached(value) else "MISSED"
            if one.stretch is not None:
                further = Number(**{**vars(one), "bar": one.stretch}).reached(value)
                state += f", stretch {one.stretch:g} {'reached' if further else 'open'}"
            measured = amount(value, one.unit)
            rows.append(
                (one.label, measured, f"{one.side} {one.bar:g}", typical, state)
            )
        return rows

    def __repr__(self) -> str:
        rows = [("number", "this run", "bar", "typical", "state"), *self.rows()]
        widths = [max(len(row[i]) for row in rows) for i in range(5)]
        lines = []
        for row in rows:
            cells = (text.ljust(width) for text, width in zip(row, widths, strict=True))
            lines.append("  ".join(cells).rstrip())
        return "\n".join(lines)

    def _repr_mimebundle_(
        self, include: object = None, exclude: object = None
    ) -> dict[str, Any]:
        numbers = [
            {
                "name": one.name,
                "label": one.label,
                "unit": one.unit,
                "value": self.values[one.name],
                "bar": one.bar,
                "side": one.side,
                "typical": list(one.typical) if one.typical else None,
                "stretch": one.stretch,
                "limit": one.limit,
                "passed": one.reached(self.values[one.name]),
            }
            for one in self.running.numbers
        ]
        contract = {
            "lesson": self.running.lesson.id,
            "exercise": self.running.exercise,
            "seed": self.running.seed,
            "numbers": numbers,
        }
        return {"text/plain": repr(self), CONTRACT_MIME: contract}


def expect(**numbers: float) -> None:
    """Compare the notebook's numbers with their bars and show the comparison.

    Args:
        numbers: every number that course.toml names for this notebook.

    Raises:
        BarMissed: one line, naming each number that missed its bar.
        TypeError: the names differ from those in course.toml.
        RuntimeError: `start` was not called.
    """
    from IPython.display import display

    if _running is None:
        raise RuntimeError('call course.start("…") in the first cell, then run again')
    known = {one.name for one in _running.numbers}
    if set(numbers) != known:
        raise TypeError(
            f"course.toml names {sorted(known)} for this notebook, "
            f"expect() was given {sorted(numbers)}"
        )
    verdict = Verdict(_running, {name: float(value) for name, value in numbers.items()})
    display(verdict)
    missed = verdict.missed()
    if missed:
        raise BarMissed(
            "; ".join(
                f"{one.name} is {verdict.values[one.name]:g}, "
                f"it must be {one.side} {one.bar:g}"
                for one in missed
            )
        )
