"""What the commands print: plain lines, errors, and amounts as people read them."""

import sys

import typer
from rich.console import Console

console = Console(highlight=False)


def say(line: object, to: Console | None = None) -> None:
    """Print one plain line, however long: nothing in it is read as markup."""
    # `to` may be a console of a test or of a log file.
    (to or console).print(str(line), markup=False, highlight=False, soft_wrap=True)


def fail(reason: object, code: int = 1) -> typer.Exit:
    """Print an error to standard error; the caller raises what this returns."""
    Console(stderr=True, highlight=False).print(
        str(reason), style="red", markup=False, soft_wrap=not sys.stderr.isatty()
    )
    return typer.Exit(code)


def amount(value: float | None, unit: str = "") -> str:
    """A measured value as people read it: `145.20 nats`, `0.9923`."""
    if value is None:
        return "not a number"
    digits = f"{value:.4g}" if abs(value) < 10 else f"{value:,.2f}"
    return f"{digits} {unit}".rstrip()


def duration(seconds: float) -> str:
    """`48 s` or `2 min 05 s`."""
    seconds = round(seconds)
    if seconds < 60:
        return f"{seconds} s"
    return f"{seconds // 60} min {seconds % 60:02d} s"
