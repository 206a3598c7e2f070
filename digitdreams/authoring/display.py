"""Show the progress of a run: live where someone watches, plain lines in a log."""

import time
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from digitdreams.authoring.outcomes import FAILED, MISSED, PASSED, Number, Outcome
from digitdreams.console import say
from digitdreams.course import Lesson
from digitdreams.files import relative
from digitdreams.words import amount, duration

COLOURS = {PASSED: "green", MISSED: "red", FAILED: "red"}


def verdict(number: Number) -> str:
    """`reached`, `missed` or `stretch reached`."""
    if not number["passed"]:
        return "missed"
    stretch, value = number.get("stretch"), number["value"]
    if stretch is not None:
        further = value < stretch if number["side"] == "below" else value > stretch
        if further:
            return "stretch reached"
    return "reached"


def sentence(number: Number) -> str:
    """`test accuracy 0.9921, above 0.99: reached`."""
    return (
        f"{number['label']} {amount(number['value'], number['unit'])}, "
        f"{number['side']} {number['bar']:g}: {verdict(number)}"
    )


def counted(outcomes: list[Outcome]) -> str:
    """`4 lessons: 3 passed, 1 failed (02)`."""
    parts = []
    for state in (PASSED, MISSED, FAILED):
        ids = [one.lesson for one in outcomes if one.state == state]
        if ids:
            named = "" if state == PASSED else f" ({', '.join(ids)})"
            words = "missed a bar" if state == MISSED else state
            parts.append(f"{len(ids)} {words}{named}")
    plural = "" if len(outcomes) == 1 else "s"
    return f"{len(outcomes)} lesson{plural}: " + ", ".join(parts)


class Progress:
    """What the two ways of showing progress have in common."""

    def __init__(self, console: Console, lessons: list[Lesson], seed: int | None):
        self.console = console
        self.total = len(lessons)
        self.seed = seed

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def start(self, lesson: Lesson) -> None:
        """A lesson begins."""

    def cell(self, count: int, total: int) -> None:
        """A code cell begins."""

    def numbers(self, numbers: list[Number]) -> None:
        """The notebook has published its numbers."""

    def finish(self, lesson: Lesson, outcome: Outcome) -> None:
        """A lesson has ended."""

    def interrupt(self, lesson: Lesson) -> None:
        """Someone pressed Ctrl-C."""
        self.print(
            f"{lesson.id} {lesson.title}: interrupted; what had finished is kept"
        )

    def summarise(self, outcomes: list[Outcome]) -> None:
        """All lessons have ended."""

    def print(self, line: str) -> None:
        """Print one plain line, however long."""
        say(line, self.console)


class PlainProgress(Progress):
    """One line when a lesson starts and one when it ends: for logs."""

    def start(self, lesson: Lesson) -> None:
        seed = "" if self.seed is None else f", seed {self.seed}"
        self.print(
            f"{lesson.id} {lesson.title}: started (about {lesson.minutes:g} min{seed})"
        )

    def finish(self, lesson: Lesson, outcome: Outcome) -> None:
        parts = [
            f"{outcome.state} in {duration(outcome.seconds)}, "
            f"peak {outcome.peak_memory_mb:,.0f} MB"
        ]
        parts += [sentence(number) for number in outcome.numbers]
        if outcome.reason:
            parts.append(outcome.reason)
        if outcome.path and not outcome.passed:
            parts.append(f"kept as {relative(outcome.path)}")
        self.print(f"{lesson.id} {lesson.title}: " + "; ".join(parts))

    def summarise(self, outcomes: list[Outcome]) -> None:
        if len(outcomes) > 1:
            self.print(counted(outcomes))


class LiveProgress(Progress):
    """A block that is redrawn in place; finished lessons stay above it."""

    def __init__(self, console: Console, lessons: list[Lesson], seed: int | None):
        super().__init__(console, lessons, seed)
        self.done = 0
        self.began = time.monotonic()
        self.lesson: Lesson | None = None
        self.live = Live(
            console=console,
            get_renderable=self.draw,
            refresh_per_second=4,
            transient=True,
        )

    def __enter__(self) -> Self:
        self.live.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.lesson = None
        self.live.stop()

    def start(self, lesson: Lesson) -> None:
        self.count, self.cells = 0, 0
        self.published: list[Number] = []
        self.lesson_began = time.monotonic()
        self.lesson = lesson

    def cell(self, count: int, total: int) -> None:
        self.count, self.cells = count, total
        self.live.refresh()

    def numbers(self, numbers: list[Number]) -> None:
        self.published = numbers
        self.live.refresh()

    def draw(self) -> Group:
        lesson = self.lesson
        if lesson is None:
            return Group()
        elapsed = duration(time.monotonic() - self.lesson_began)
        where = f"cell {self.count}/{self.cells}" if self.count else "starting"
        line = Table.grid(padding=(0, 2))
        bar = ProgressBar(self.cells or 1, max(0, self.count - 1), width=16)
        line.add_row(
            Text("running", style="yellow"),
            Text(f"{lesson.id} {lesson.title}", style="bold"),
            bar,
            Text(where),
            Text(elapsed),
        )
        rows: list[RenderableType] = [Text(""), line]
        if self.published:
            rows.append(table_of(self.published))
        if self.total > 1 or self.seed is not None:
            seed = "" if self.seed is None else f", seed {self.seed}"
            spent = duration(time.monotonic() - self.began)
            rows.append(
                Text(f"{self.done} of {self.total} done, {spent}{seed}", style="dim")
            )
        return Group(*rows)

    def finish(self, lesson: Lesson, outcome: Outcome) -> None:
        self.lesson = None
        self.live.refresh()
        self.done += 1
        colour = COLOURS[outcome.state]
        head = Text.assemble(
            (f"{outcome.state:7}", f"bold {colour}"),
            (f"  {lesson.id} {lesson.title}", "bold"),
            f"  {duration(outcome.seconds)}, {outcome.peak_memory_mb:,.0f} MB",
        )
        parts: list[RenderableType] = [head]
        if outcome.numbers:
            parts.append(table_of(outcome.numbers))
        if outcome.reason:
            parts.append(Padding(Text(outcome.reason, style=colour), (0, 0, 0, 9)))
        if outcome.path and not outcome.passed:
            kept = Text(f"kept as {relative(outcome.path)}")
            parts.append(Padding(kept, (0, 0, 0, 9)))
        self.console.print(Group(*parts))

    def summarise(self, outcomes: list[Outcome]) -> None:
        if len(outcomes) > 1:
            spent = duration(time.monotonic() - self.began)
            passed = all(one.passed for one in outcomes)
            style = "bold green" if passed else "bold red"
            self.console.print(Text(f"{counted(outcomes)}, {spent}", style=style))


def show_progress(
    console: Console, lessons: list[Lesson], seed: int | None
) -> Progress:
    """Live where someone is watching, plain lines in a log."""
    watched = console.is_terminal and not console.is_dumb_terminal
    return (LiveProgress if watched else PlainProgress)(console, lessons, seed)


def table_of(numbers: list[Number]) -> Table:
    """Numbers against their bars, for a terminal."""
    table = Table.grid(padding=(0, 2))
    for number in numbers:
        state = verdict(number)
        colour = "red" if state == "missed" else "green"
        table.add_row(
            "       ",
            Text(number["label"]),
            Text(amount(number["value"], number["unit"]), justify="right"),
            Text(f"{number['side']} {number['bar']:g}"),
            Text(state, style=colour),
        )
    return table
