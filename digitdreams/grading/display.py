"""What a run of `digitdreams grade` shows: its progress, then the marks."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from digitdreams.console import say
from digitdreams.grading.book import Book, Entry
from digitdreams.grading.grader import Grader, Outcome
from digitdreams.grading.schedule import Progress

LINE_EVERY = 10.0  # seconds between two lines of progress where there is no terminal


def span(seconds: float | None) -> str:
    if seconds is None:
        return "unknown"
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 100 else f"{minutes / 60:.1f} h"


def in_words(progress: Progress) -> str:
    """The numbers of a run's progress in one line."""
    parts = [
        f"{progress.done} of {progress.total} done",
        f"{progress.running} running",
        f"{progress.failed} failed",
        f"{progress.per_minute:.0f} a minute",
        f"{span(progress.seconds_left)} left",
    ]
    if progress.retried:
        parts.append(f"{progress.retried} repeated")
    if not progress.workers:
        parts.append("waiting for a worker")
    return ", ".join(parts)


@contextmanager
def shown_live(console: Console) -> Iterator[Callable[[Progress], None]]:
    """A bar in a terminal; plain lines, one every ten seconds, elsewhere."""
    if not console.is_terminal:
        yield Lines(console)
        return
    with Live(console=console, refresh_per_second=4) as live:

        def draw(progress: Progress) -> None:
            bar = ProgressBar(total=progress.total, completed=progress.done, width=30)
            row = Table.grid(padding=(0, 1))
            row.add_row(bar, Text(in_words(progress)))
            live.update(row)

        yield draw


class Lines:
    """Prints a line of progress now and then, and one at the end."""

    def __init__(self, console: Console):
        self.console = console
        self.last = float("-inf")

    def __call__(self, progress: Progress) -> None:
        ended = progress.done == progress.total
        if progress.seconds - self.last >= LINE_EVERY or ended:
            self.last = progress.seconds
            say(in_words(progress), self.console)


def marks_table(entries: list[Entry]) -> Table:
    """Students' points, in all and per task, with the state and the seconds."""
    table = Table(box=None, pad_edge=False)
    table.add_column("student", overflow="fold")
    table.add_column("points", justify="right")
    names = list(entries[0].worth) if entries else []
    for name in names:
        table.add_column(name, justify="right", overflow="fold")
    for heading in ("state", "person"):
        table.add_column(heading, overflow="fold")
    table.add_column("seconds", justify="right")
    for entry in entries:
        result = entry.result
        table.add_row(
            Text(entry.student),
            f"{entry.score:g} / {entry.max_points:g}",
            *(f"{entry.points.get(name, 0):g}" for name in names),
            Text(result.state if result else "by hand"),
            "should look" if entry.needs_person else "",
            f"{result.seconds if result else 0:.1f}",
        )
    return table


def show_outcome(outcome: Outcome, grader: Grader, console: Console) -> None:
    """Print the table of marks and what was left out."""
    with Book(grader.folder, grader.options.db_url) as book:
        new = set(outcome.graded)
        entries = [entry for entry in book.entries(grader.stem) if entry.student in new]
        duedate = book.duedate(grader.stem)
    if entries:
        console.print(marks_table(entries))
    for problem in outcome.problems:
        console.print(f"not used: {problem}", markup=False, style="yellow")
    if outcome.claims and duedate:
        console.print(
            f"{outcome.claims} submissions carry a timestamp.txt. Students could have "
            "written it, so no penalty for lateness was taken: give the true times by "
            "--times, or believe the files by --trust-timestamps.",
            style="yellow",
        )
    for student, reason in sorted(outcome.failed.items()):
        text = f"not graded: {student}: {reason}"
        console.print(text, markup=False, style="red")
    if grader.options.unsafe:
        console.print("Graded WITHOUT the sandbox: every mark says so.", style="red")
    console.print(
        f"{len(outcome.graded)} graded, {outcome.unchanged} unchanged, "
        f"{len(outcome.failed)} to be graded again"
    )
    root = grader.folder.root
    feedback = root / grader.folder.directory.feedback_directory
    say(f"Marks: {root / 'grades.csv'}", console)
    say(f"Feedback: {feedback}", console)
