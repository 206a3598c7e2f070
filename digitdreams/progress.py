"""A line of progress for loops and for `model.fit`.

In a notebook the line is one output that is rewritten in place, so that the stored
notebook keeps the last state and nothing else. In a terminal it is rewritten with a
carriage return; elsewhere (a file, a pipe) only the last state is written.
"""

import atexit
import shutil
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sized
from typing import Any, Generic, TypeVar

import keras

from digitdreams.words import duration

SECONDS_BETWEEN_UPDATES = 0.25
BAR_WIDTH = 20
LONGEST_LINE = 120

Item = TypeVar("Item")


def find_shell() -> Any:
    """Return IPython's shell if this process is a notebook's kernel, else None."""
    if "IPython" not in sys.modules:
        return None
    shell = sys.modules["IPython"].get_ipython()
    return shell if hasattr(shell, "kernel") else None


class NotebookLine:
    """A line of text that is one output of the running cell."""

    def __init__(self) -> None:
        self.handle: Any = None

    def show(self, text: str) -> None:
        """Show a text in place of the one before."""
        from IPython.display import display

        if self.handle is None:
            self.handle = display({"text/plain": text}, raw=True, display_id=True)
        else:
            self.handle.update({"text/plain": text}, raw=True)

    finish = show


class TerminalLine:
    """A line of text that is rewritten with a carriage return."""

    def __init__(self) -> None:
        self.width = 0

    def show(self, text: str, end: str = "") -> None:
        """Show a text in place of the one before, cut to the terminal's width."""
        text = text[: shutil.get_terminal_size().columns - 1]
        sys.stdout.write("\r" + text.ljust(self.width) + end)
        sys.stdout.flush()
        self.width = len(text)

    def finish(self, text: str) -> None:
        """Show the last text and end the line."""
        self.show(text, end="\n")


class FileLine:
    """A line of text that is written once, at the end."""

    def show(self, text: str) -> None:
        """Show nothing yet."""

    def finish(self, text: str) -> None:
        """Write the last text."""
        print(text, flush=True)


def new_line() -> NotebookLine | TerminalLine | FileLine:
    """The line that suits where the output goes."""
    if find_shell() is not None:
        return NotebookLine()
    return TerminalLine() if sys.stdout.isatty() else FileLine()


def number(value: Any) -> str:
    """Write a number with four significant digits; leave text as it is."""
    return value if isinstance(value, str) else f"{float(value):.4g}"


class Meter:
    """Counts steps from `start` to `finish` and keeps the line up to date."""

    def __init__(self, title: str, unit: str, total: int | None):
        self.title = title
        self.unit = unit
        self.total = total
        self.done = 0
        self.fraction = 0.0  # of the step that is under way
        self.numbers: Mapping[str, Any] = {}
        self.running = False

    def start(self) -> None:
        """Begin a new line and take the time from now on."""
        self.line = new_line()
        self.done, self.fraction, self.numbers = 0, 0.0, {}
        self.started = time.monotonic()
        self.running = True
        self.draw()

    def update(self) -> None:
        """Draw again, unless that was done a moment ago."""
        if time.monotonic() - self.drawn >= SECONDS_BETWEEN_UPDATES:
            self.draw()

    def draw(self) -> None:
        """Show the line as it is now."""
        self.drawn = time.monotonic()
        self.line.show(self.text())

    def finish(self, complete: bool) -> None:
        """Write the last line; `complete` says whether all steps were done."""
        self.running = False
        self.complete = complete
        self.line.finish(self.text())

    def text(self) -> str:
        """The line: a bar while it runs and the total is known, time, numbers."""
        elapsed = time.monotonic() - self.started
        if self.running and self.total:
            part = min((self.done + self.fraction) / self.total, 1.0)
            filled = round(part * BAR_WIDTH)
            bar = "█" * filled + "░" * (BAR_WIDTH - filled)
            parts = [f"{bar} {self.count()}", duration(elapsed)]
            if part > 0 and elapsed > 1:
                parts.append(f"about {duration(elapsed / part - elapsed)} left")
        else:
            parts = [self.count(), duration(elapsed)]
            if not self.running and not self.complete:
                parts[0] = "stopped at " + parts[0]
        parts += [
            f"{name.replace('_', ' ')} {number(value)}"
            for name, value in self.numbers.items()
        ]
        line = f"{self.title}: {', '.join(parts)}"
        return line if len(line) <= LONGEST_LINE else line[: LONGEST_LINE - 1] + "…"

    def count(self) -> str:
        """How many steps are done: `7/20 epochs`."""
        total = "" if self.total is None else f"/{self.total}"
        return f"{self.done}{total} {self.unit}"


class Track(Generic[Item]):
    """An iterable that shows how far a loop over it has come; see `track`."""

    def __init__(
        self, iterable: Iterable[Item], title: str, total: int | None, unit: str
    ):
        self.iterable = iterable
        self.meter = Meter(title, unit, total)

    def __len__(self) -> int:
        """The number of items; TypeError where the iterable has none."""
        if isinstance(self.iterable, Sized):
            return len(self.iterable)
        raise TypeError(f"{type(self.iterable).__name__} has no len()")

    def __iter__(self) -> Iterator[Item]:
        meter = self.meter
        meter.start()
        complete = False
        try:
            for item in self.iterable:
                yield item
                meter.done += 1
                meter.update()
            complete = True
        finally:
            meter.finish(complete)

    def report(self, **numbers: Any) -> None:
        """Set the numbers shown, such as `report(loss=loss)`."""
        self.meter.numbers = numbers
        if self.meter.running:
            self.meter.update()


def track(
    iterable: Iterable[Item], title: str, total: int | None = None, unit: str = "steps"
) -> Track[Item]:
    """Show a live line of progress while a loop runs.

        steps = track(range(1000), "Sampling")
        for step in steps:
            ...
            steps.report(loss=loss)

    A loop that ends early, by `break` or by an exception, leaves the line
    "stopped at 7/1000 steps".

    Args:
        iterable: what the loop runs over.
        title: what the loop does, in a word or two.
        total: number of items; default: len(iterable), unknown where it has none.
        unit: what is counted.

    Returns:
        An iterable over the same items with a method `report(**numbers)`.

    Raises:
        TypeError: `iterable` is not one.
    """
    iter(iterable)
    if total is None and isinstance(iterable, Sized):
        total = len(iterable)
    return Track(iterable, title, total, unit)


class Progress(keras.callbacks.Callback):
    """Shows a live line of progress during `model.fit(..., verbose=0)`.

        model.fit(..., verbose=0, callbacks=[Progress("VAE")])

    The last line reads like "VAE: 20/20 epochs, 31 s, loss 101.2", or "VAE: stopped
    at 7/20 epochs, ..." if the training ended early.

    Args:
        title: what is trained, in a word or two.
        show: names of the numbers to show; default: the first four that Keras
            reports, those of the validation images included.
    """

    def __init__(self, title: str, show: Iterable[str] | None = None):
        super().__init__()
        self.show = None if show is None else tuple(show)
        self.meter = Meter(title, "epochs", None)

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Begin the line."""
        self.end()
        self.meter.total = self.params["epochs"]
        self.meter.start()
        # `fit` does not tell its callbacks when it is interrupted.
        shell = find_shell()
        if shell is None:
            atexit.register(self.end)
        else:
            shell.events.register("post_run_cell", self.end)

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Count the epochs before this one."""
        self.meter.done = epoch
        self.meter.fraction = 0.0

    # The hook at a batch's end would make Keras read every batch's numbers.
    def on_train_batch_begin(
        self, batch: int, logs: Mapping[str, Any] | None = None
    ) -> None:
        """Count the batches of this epoch before this one."""
        if self.params["steps"]:
            self.meter.fraction = batch / self.params["steps"]
        self.meter.update()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Count this epoch and show its numbers."""
        self.meter.done = epoch + 1
        self.meter.fraction = 0.0
        self.meter.numbers = self.choose(logs or {})
        self.meter.update()

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """Write the last line."""
        self.end()

    def choose(self, logs: Mapping[str, Any]) -> dict[str, Any]:
        """The numbers to show, of all that Keras reports."""
        names = self.show
        if names is None:
            names = tuple(name for name in logs if name != "learning_rate")[:4]
        return {name: logs[name] for name in names if name in logs}

    def end(self, result: Any = None) -> None:
        """Write the last line, where one is under way; IPython gives a `result`."""
        if not self.meter.running:
            return
        self.meter.finish(complete=self.meter.done >= (self.meter.total or 0))
        shell = find_shell()
        if shell is None:
            atexit.unregister(self.end)
        else:
            shell.events.unregister("post_run_cell", self.end)
