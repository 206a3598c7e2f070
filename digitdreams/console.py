"""What the commands print: plain lines and errors."""

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
