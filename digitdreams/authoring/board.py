"""The leaderboard's table, figure and pages, from its record alone.

`table` is what a terminal shows, `write` makes the page `build/leaderboard/index.html`,
`update` the page docs/leaderboard.md with its figure, for readers on a code host. What
draws is imported where it is used: `digitdreams status` only compares texts.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from rich.table import Table

from digitdreams.authoring import leaderboard
from digitdreams.authoring.leaderboard import REAL, LeaderboardError, Row
from digitdreams.authoring.readme import MADE_FROM
from digitdreams.authoring.readme import table as markdown_table
from digitdreams.course import Course
from digitdreams.files import ROOT, base, write_atomically
from digitdreams.stamps import digest_of
from digitdreams.words import duration

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from digitdreams import plots

FOLDER = Path("build/leaderboard")
PAGE = Path("docs/leaderboard.md")
PICTURE = Path("images/leaderboard.png")
DASH = "-"
PERCENTILES = (5, 95)
FEWEST_SEEDS = 5  # of each generator, before one of them is called the best

Cell: TypeAlias = tuple[str, str]  # the median, and the interval over seeds


def percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def significant(value: float) -> str:
    """Three significant digits, large numbers in thousands or millions."""
    for size, letter in ((1e6, " M"), (1e3, " k")):
        if value >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}"


def three_digits(value: float) -> str:
    """`2.80`, `37.4`, `120`."""
    return f"{value:#.3g}".rstrip(".") if value < 1000 else f"{value:,.0f}"


def megabytes(value: float) -> str:
    return f"{value / 1e6:.2f} MB"


@dataclass(frozen=True)
class Measure:
    """A column of the table: where it stands in the record, and how it reads.

    `best` is min, max, or None where neither end is better.
    """

    name: str
    heading: str
    words: Callable[[float], str]
    best: Callable[[list[float]], float] | None
    meaning: str
    logarithmic: bool = False

    def tick(self, value: float) -> str:
        """A value in round numbers, as an axis shows it."""
        if self.words is percent:
            return f"{100 * value:g} %"
        if self.words is duration:
            return duration(value).removesuffix(" 00 s").replace(".0 s", " s")
        return significant(value)


MEASURES = (
    Measure(
        *("nats", "nats", "{:.1f}".format, min),
        "what a test image costs under the model, or an upper bound of it, for models "
        "that have a likelihood; lower is better",
    ),
    Measure(
        *("fid_over_floor", "FID / floor", three_digits, min),
        "FID of 5,000 samples on the judge's features, divided by that of as many real "
        "images; lower is better, 1 is real",
        True,
    ),
    Measure(
        *("precision", "precision", "{:.3f}".format, max),
        "share of samples that look like a real image; higher is better",
    ),
    Measure(
        *("recall", "recall", "{:.3f}".format, max),
        "share of real images that look like a sample; higher is better",
    ),
    Measure(
        *("label_accuracy", "label accuracy", percent, max),
        "share of samples in which the judge sees the wanted digit; higher is better",
    ),
    Measure(
        *("classification_accuracy", "CAS", percent, max),
        "classification accuracy score: accuracy on real test images of a small "
        "network that has learned from 30,000 generated ones only; higher is better",
    ),
    Measure(
        *("near_copies", "near copies", percent, None),
        "share of samples nearer to a training image than 99 % of new real images are: "
        "1 % is usual, copies have 100 %, blurred images more without being copies",
    ),
    Measure(
        *("seconds", "to train", duration, min),
        "time of the lesson's cells that train it",
        True,
    ),
    Measure(
        *("milliseconds", "ms to draw one", three_digits, min),
        "in batches of 250, compiled",
        True,
    ),
    Measure(
        *("weights", "weights", significant, min),
        "numbers that it needs to draw, without what was only there for training",
        True,
    ),
    Measure(*("bytes", "file", megabytes, min), "size of the saved file", True),
)
QUALITY, COST = MEASURES[:7], MEASURES[7:]
DRAWN = tuple(one for one in MEASURES if one.name != "bytes")


def interval(values: list[float]) -> tuple[float, float, float]:
    """The median and the 5th and 95th percentile."""
    low, middle, high = np.percentile(values, [PERCENTILES[0], 50, PERCENTILES[1]])
    return float(low), float(middle), float(high)


def cell(row: Row, measure: Measure) -> Cell:
    """What the table says of a row's measure: a dash where the model has none."""
    values = row.values(measure.name)
    if not values:
        return DASH, ""
    low, middle, high = interval(values)
    if len(values) == 1:
        return measure.words(middle), ""
    return measure.words(middle), f"{measure.words(low)} to {measure.words(high)}"


def state(row: Row, course: Course, root: Path) -> tuple[str, str]:
    """`today's` or `stale`, and the command that renews a stale row."""
    why = leaderboard.changes(row, course, root)
    return ("stale", leaderboard.renewal(row, why)) if why else ("today's", "")


def recorded(root: Path) -> list[Row]:
    """The rows that were measured.

    Raises:
        LeaderboardError: there are none.
    """
    rows = [one for one in leaderboard.read(root) if one.seeds]
    if not rows:
        raise LeaderboardError(
            "nothing was measured yet: type `digitdreams leaderboard measure`"
        )
    return rows


def machines(rows: list[Row]) -> tuple[str, str]:
    """On which machines the models were trained and measured, in words."""
    seeds = [seed for row in rows for seed in row.seeds.values()]
    trained = sorted({one.trained_on for one in seeds if one.trained_on})
    measured = sorted({one.measured_on for one in seeds if one.measured_on})
    return "; ".join(trained) or "not recorded", "; ".join(measured)


def caption(rows: list[Row]) -> str:
    """What all numbers of the table have in common."""
    trained, measured = machines(rows)
    dates = sorted({seed.date for row in rows for seed in row.seeds.values()})
    when = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    low, high = PERCENTILES
    return (
        f"Median over seeds, and the range from the {low}th to the {high}th percentile "
        f"where there are several. Fewer than {FEWEST_SEEDS} seeds are no ranking. "
        f"Trained on: {trained}. "
        f"Measured on: {measured}, {when}. Times hold for these machines; compare them "
        "within a column."
    )


# Terminal -----------------------------------------------------------------------------


def tables(course: Course, root: Path = ROOT) -> Iterator[Table]:
    """The leaderboard for a terminal, in two parts: quality and cost.

    Raises:
        LeaderboardError: nothing was measured.
    """
    rows = recorded(root)
    for measures in (QUALITY, COST):
        table = Table(box=None, pad_edge=False)
        headings = [one.heading for one in measures]
        if measures is QUALITY:
            headings = ["seeds", *headings]
        else:
            headings.append("stamp")
        table.add_column("generator")
        for heading in headings:
            table.add_column(heading, justify="right" if heading != "stamp" else "left")
        for row in rows:
            cells = ["\n".join(cell(row, one)).strip() for one in measures]
            if measures is QUALITY:
                cells = [str(len(row.seeds)), *cells]
            else:
                cells.append("\n".join(state(row, course, root)).strip())
            table.add_row(named(row), *cells)
        yield table


def named(row: Row) -> str:
    """`07 conditional GAN`."""
    return f"{row.lesson} {row.name}".strip()


# Figure -------------------------------------------------------------------------------


def in_figure_words(rows: list[Row]) -> str:
    """The figure in words: what it shows, and the medians of each measure."""
    parts = []
    for measure in DRAWN:
        found = [
            f"{one.name} {cell(one, measure)[0]}"
            for one in rows
            if one.values(measure.name)
        ]
        if found:
            parts.append(f"{measure.heading}: {', '.join(found)}")
    return (
        "Dots with ranges over seeds, a panel for each measure and a row for each "
        f"generator. Medians: {'; '.join(parts)}."
    )


def figure(rows: list[Row]) -> "plots.Picture":
    """A panel for each measure: a row for each generator, its median and its range.

    A dashed line shows what real images reach. Logarithmic where values differ by
    orders of magnitude.
    """
    from matplotlib import rc_context

    from digitdreams import plots

    generators = [one for one in rows if one.name != REAL]
    real = next((one for one in rows if one.name == REAL), None)
    height = 2 * (95 + 21 * len(generators))
    with rc_context(plots.STYLE):
        picture = plots.Picture(
            980, height, in_figure_words(rows), layout="constrained"
        )
        for place, measure in enumerate(DRAWN):
            axes = picture.add_subplot(2, len(DRAWN) // 2, place + 1)
            axes.set_title(measure.heading, fontsize=9)
            axes.set_xlabel(better(measure), fontsize=8)
            axes.grid(axis="y")
            for line, row in enumerate(generators):
                values = row.values(measure.name)
                if not values:
                    continue
                low, middle, high = interval(values)
                colour = plots.LINE_COLOURS[0]
                axes.plot([low, high], [line, line], color=colour, linewidth=2.5)
                axes.plot(middle, line, "o", color=colour, markersize=5.5)
            if real is not None and real.values(measure.name):
                middle = interval(real.values(measure.name))[1]
                axes.axvline(middle, color=plots.QUIET, linestyle="--", linewidth=1)
            axes.set_ylim(len(generators) - 0.5, -0.5)
            first = place % (len(DRAWN) // 2) == 0
            names = [one.name for one in generators] if first else []
            axes.set_yticks(range(len(generators)), names or [""] * len(generators))
            axes.tick_params(axis="y", length=0)
            axes.margins(x=0.12)
            scale(axes, measure)
    return picture


def scale(axes: "Axes", measure: Measure) -> None:
    """Give an axis few ticks, worded as in the table."""
    from matplotlib.ticker import MaxNLocator, NullLocator

    if not axes.lines:
        axes.set_xticks([])
        axes.text(0.5, 0.5, "none known", ha="center", transform=axes.transAxes)
        return
    if measure.logarithmic:
        axes.set_xscale("log")
        axes.xaxis.set_minor_locator(NullLocator())
    low, high = axes.get_xlim()
    if measure.logarithmic and high > 8 * low:
        powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        inside = [
            digit * 10.0**power
            for power in powers
            for digit in (1, 3)
            if low <= digit * 10.0**power <= high
        ]
        ticks = inside[:: math.ceil(len(inside) / 3)]
    else:
        found = MaxNLocator(3).tick_values(low, high)
        ticks = [one for one in found if low <= one <= high]
    axes.set_xticks(ticks, [measure.tick(one) for one in ticks], fontsize=8)
    axes.set_xlim(low, high)


def better(measure: Measure) -> str:
    """Which end of a measure is better, in words."""
    if measure.best is None:
        return "1 % is usual"
    return "lower is better" if measure.best is min else "higher is better"


# Pages --------------------------------------------------------------------------------


def write(course: Course, root: Path = ROOT, target: Path | None = None) -> Path:
    """Write the leaderboard's page and return the path of its index.html.

    Raises:
        LeaderboardError: nothing was measured.
    """
    from digitdreams.authoring.gallery import environment

    rows = recorded(root)
    target = target or base() / FOLDER
    best = {one.name: best_of(rows, one) for one in MEASURES}
    lines = []
    for row in rows:
        word, command = state(row, course, root)
        lines.append(
            {
                "name": row.name,
                "lesson": row.lesson,
                "seeds": len(row.seeds),
                "cells": [
                    (one.heading, *cell(row, one), row.name in best[one.name])
                    for one in MEASURES
                ],
                "state": word,
                "command": command,
            }
        )
    page = (
        environment()
        .get_template("board.html")
        .render(
            rows=lines,
            measures=MEASURES,
            notes=notes(rows, course),
            caption=caption(rows),
            ranked=any(best.values()),
            alt=in_figure_words(rows),
        )
    )
    target.mkdir(parents=True, exist_ok=True)
    (target / "leaderboard.png").write_bytes(figure(rows).png())
    write_atomically(target / "index.html", page)
    return target / "index.html"


def best_of(rows: list[Row], measure: Measure) -> set[str]:
    """The generators whose range holds the best median of a measure.

    None while a generator has too few seeds to be ranked.
    """
    values = {
        one.name: one.values(measure.name)
        for one in rows
        if one.name != REAL and one.values(measure.name)
    }
    fewest = min(map(len, values.values()), default=0)
    if measure.best is None or fewest < FEWEST_SEEDS:
        return set()
    found = {name: interval(each) for name, each in values.items()}
    best = measure.best([middle for _, middle, _ in found.values()])
    return {name for name, (low, _, high) in found.items() if low <= best <= high}


def notes(rows: list[Row], course: Course) -> list[tuple[str, str]]:
    """What course.toml says of rows: name and sentence."""
    shown = {(one.lesson, one.name) for one in rows}
    return [
        (each.name, each.note)
        for one in course.lessons
        for each in one.generators
        if each.note and (one.id, each.name) in shown
    ]


DOCUMENT = """\
# Leaderboard

{made_from}

Every generator that a lesson of the course saves, measured alike. No measure is enough
on its own: [lesson 08](../lessons/08_measuring.ipynb) shows how each can be fooled.
`digitdreams leaderboard` shows this table and writes it as a page.

![{alt}](../images/leaderboard.png)

*The dashed line is what real images reach. A dot is the median over seeds, a line its
range.*

## Quality

{quality}

## Cost

{cost}

{caption}

## What the columns mean

{meanings}
{notes}
A dash: the model has no such number. A GAN has no likelihood; a generator that takes no
label has no label accuracy and no CAS. `digitdreams calibrate 03` keeps the generators
of ten seeds, `digitdreams leaderboard measure 03` measures them and writes this page.
"""


def document(course: Course, root: Path = ROOT) -> str:
    """The text of docs/leaderboard.md, from the record.

    Raises:
        LeaderboardError: nothing was measured.
    """
    rows = recorded(root)

    def part(measures: tuple[Measure, ...]) -> str:
        headings = ["lesson", "generator", "seeds", *(one.heading for one in measures)]
        lines = []
        for row in rows:
            cells = [cell(row, one) for one in measures]
            texts = [f"{a}<br>{b}" if b else a for a, b in cells]
            lines.append([row.lesson or DASH, row.name, str(len(row.seeds)), *texts])
        return markdown_table(headings, lines)

    said = "".join(f"- {name}: {note}.\n" for name, note in notes(rows, course))
    return DOCUMENT.format(
        made_from=MADE_FROM.format(
            digest_of((root / leaderboard.FILE).read_text("utf-8"))
        ),
        alt=in_figure_words(rows),
        quality=part(QUALITY),
        cost=part(COST),
        caption=caption(rows),
        meanings="\n".join(f"- {one.heading}: {one.meaning}." for one in MEASURES),
        notes=f"\n{said}" if said else "",
    )


def differences(course: Course, root: Path = ROOT) -> list[str]:
    """What of docs/leaderboard.md does not follow from the record.

    Raises:
        LeaderboardError: the record is damaged.
    """
    if not leaderboard.read(root):
        return []
    page, found = root / PAGE, []
    text = page.read_text("utf-8") if page.is_file() else ""
    if text != document(course, root):
        found.append("its tables")
    if not (root / PICTURE).is_file():
        found.append(PICTURE.as_posix())
    return found


def update(course: Course, root: Path = ROOT) -> None:
    """Write docs/leaderboard.md and its figure.

    Raises:
        LeaderboardError: nothing was measured.
    """
    write_atomically(root / PAGE, document(course, root))
    write_atomically(root / PICTURE, figure(recorded(root)).png())
