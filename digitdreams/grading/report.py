"""The class as a whole: points, mistakes, times, and what a person should see."""

import contextlib
import json
import statistics
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from digitdreams.files import ROOT
from digitdreams.grading import similarity
from digitdreams.grading.book import CourseFolder, Entry
from digitdreams.grading.feedback import STATES, page
from digitdreams.grading.result import State, TaskResult
from digitdreams.grading.similarity import Pair

MOST_BARS = 12
UNKNOWN = "none of the known mistakes"
BAR_WIDTH = 40  # characters, in the terminal


@dataclass(frozen=True)
class Bar:
    label: str
    count: int
    percent: float  # of the longest bar of the same histogram


@dataclass(frozen=True)
class TaskSummary:
    """One task's points: how many students have how many, and all of them."""

    name: str
    max_points: float
    bars: list[Bar]
    full_share: float


@dataclass(frozen=True)
class Mistake:
    """A diagnosis and how many students got it."""

    task: str
    message: str
    count: int


@dataclass(frozen=True)
class Attention:
    """A submission that needs a person, and why."""

    student: str
    score: float
    reason: str


@dataclass(frozen=True)
class Report:
    """What `digitdreams report` shows; see `summarise`."""

    title: str
    count: int
    max_points: float
    mean: float
    median: float
    unsafe: int
    totals: list[Bar]
    tasks: list[TaskSummary]
    mistakes: list[Mistake]
    seconds: list[Bar]
    seconds_median: float
    seconds_ninth: float
    seconds_most: float
    memory_most: float
    people: list[Attention]
    pairs: list[Pair]


def bars(counts: list[tuple[str, int]]) -> list[Bar]:
    longest = max((count for _, count in counts), default=0) or 1
    return [Bar(label, count, 100 * count / longest) for label, count in counts]


def histogram(values: list[float], lowest: float, highest: float) -> list[Bar]:
    """Count values in steps of one where that gives few bars, else in wider steps."""
    step = 1.0
    while (highest - lowest) / step + 1 > MOST_BARS:
        step *= 2 if str(step)[0] in "15" else 2.5
    starts = [lowest + i * step for i in range(int((highest - lowest) / step) + 1)]
    counts = Counter(min(int((v - lowest) / step), len(starts) - 1) for v in values)
    labels = [
        f"{start:g}" if step == 1 else f"{start:g} to {min(start + step, highest):g}"
        for start in starts
    ]
    return bars([(label, counts[i]) for i, label in enumerate(labels)])


def reasons(entry: Entry) -> str:
    """Why a person should look at a submission, empty where none should."""
    result = entry.result
    if not entry.needs_person and not (result and result.notes):
        return ""
    if result is None:
        return "waits for a person's grade"
    found = []
    if result.state is not State.GRADED:
        found.append(STATES[result.state])
    for task in result.tasks:
        if task.state not in (State.GRADED, result.state):
            found.append(f"{task.name}: {STATES[task.state]}")
    found += result.notes
    if result.unsafe:
        found.append("graded without the sandbox")
    return "; ".join(found) or "the answer changed after a person had graded it"


def diagnosis(task: TaskResult) -> str:
    """Why a task has lost points, in the words that its student reads."""
    return task.message if task.state is State.GRADED else STATES[task.state]


def find_mistakes(entries: list[Entry]) -> list[Mistake]:
    """Count what students were told; what only one was told counts as unknown."""
    lost = [
        task
        for entry in entries
        if entry.result
        for task in entry.result.tasks
        if task.name in entry.worth and task.points < task.max_points
    ]
    messages = Counter((task.name, diagnosis(task)) for task in lost)
    counts: Counter[tuple[str, str]] = Counter()
    for task in lost:
        message = diagnosis(task)
        known = (
            task.mistake
            or task.state is not State.GRADED
            or messages[task.name, message] > 1
        )
        counts[task.name, message if known else UNKNOWN] += 1
    return [Mistake(*key, count) for key, count in counts.most_common()]


def summarise(title: str, entries: list[Entry], pairs: list[Pair]) -> Report:
    """Sum up one exercise's entries of the gradebook; there must be one at least."""
    results = [entry.result for entry in entries if entry.result]
    seconds = sorted(float(result.seconds) for result in results) or [0.0]
    scores = [entry.score for entry in entries]
    max_points = max(entry.max_points for entry in entries)
    tasks = []
    for name, worth in entries[0].worth.items():
        values = [entry.points.get(name, 0.0) for entry in entries]
        full = sum(value >= worth for value in values) / len(values)
        tasks.append(TaskSummary(name, worth, histogram(values, 0, worth), full))
    waiting = [(entry, reasons(entry)) for entry in entries]
    return Report(
        title=title,
        count=len(entries),
        max_points=max_points,
        mean=statistics.fmean(scores),
        median=statistics.median(scores),
        unsafe=sum(result.unsafe for result in results),
        totals=histogram(scores, 0, max_points),
        tasks=tasks,
        mistakes=find_mistakes(entries),
        seconds=histogram(seconds, 0, max(1.0, float(int(seconds[-1]) + 1))),
        seconds_median=statistics.median(seconds),
        seconds_ninth=seconds[min(len(seconds) - 1, int(0.9 * len(seconds)))],
        seconds_most=seconds[-1],
        memory_most=max((result.peak_memory_mb for result in results), default=0.0),
        people=[Attention(e.student, e.score, why) for e, why in waiting if why],
        pairs=pairs,
    )


def html(report: Report) -> str:
    return page("report", report=report)


# In the terminal ----------------------------------------------------------------------


def drawn(rows: list[Bar]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right")
    for row in rows:
        drawing = "█" * round(BAR_WIDTH * row.percent / 100)
        table.add_row(row.label, Text(drawing, style="blue"), str(row.count))
    return table


def listed(headings: list[str], rows: list[list[str]]) -> RenderableType:
    if not rows:
        return Text("none")
    table = Table(box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))  # Text: nothing in it is markup
    return table


def show(report: Report, console: Console) -> None:
    """Print the report's essence."""
    parts: list[RenderableType] = [
        Text(f"{report.title}: {report.count} submissions", style="bold"),
        f"points: mean {report.mean:.1f}, median {report.median:.1f} "
        f"of {report.max_points:g}",
        drawn(report.totals),
    ]
    for task in report.tasks:
        share = f"{100 * task.full_share:.0f} % with all {task.max_points:g} points"
        parts += [Text(f"\n{task.name}: {share}", style="bold"), drawn(task.bars)]
    mistakes = [[m.task, m.message, str(m.count)] for m in report.mistakes[:12]]
    people = [[p.student, f"{p.score:g}", p.reason] for p in report.people]
    alike = [[p.first, p.second, f"{100 * p.share:.0f} %"] for p in report.pairs]
    parts += [
        Text("\nCommonest mistakes", style="bold"),
        listed(["task", "diagnosis", "students"], mistakes),
        Text("\nRunning time", style="bold"),
        f"median {report.seconds_median:.1f} s, nine in ten under "
        f"{report.seconds_ninth:.1f} s, longest {report.seconds_most:.1f} s",
        Text("\nNeed a person", style="bold"),
        listed(["student", "points", "why"], people),
        Text("\nShare text (a reason to look, never a verdict)", style="bold"),
        listed(["student", "student", "shared"], alike),
    ]
    console.print(Group(*parts))


# From the gradebook -------------------------------------------------------------------


def alike(
    folder: CourseFolder, stem: str, entries: list[Entry], root: Path = ROOT
) -> list[Pair]:
    """The pairs of submissions that share text; see `similarity.pairs`."""
    texts = {}
    for entry in entries:
        path = folder.place("autograded", entry.student, stem) / f"{stem}.ipynb"
        with contextlib.suppress(OSError, ValueError, KeyError):
            texts[entry.student] = students_text(path)
    known = []
    for name in ("exercises", "solutions"):
        path = root / name / stem / f"{stem}.ipynb"
        if path.exists():
            known.append(students_text(path))
    return similarity.pairs(texts, known)


def students_text(path: Path) -> str:
    """The text of the cells that a student could write."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return "\n\n".join(
        "".join(cell["source"])
        for cell in cells
        if cell["cell_type"] == "code" and cell["metadata"].get("editable") is not False
    )
