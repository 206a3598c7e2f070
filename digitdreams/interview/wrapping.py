"""Markdown on a terminal, with Chinese broken where Chinese may be broken.

Chinese has no spaces, and rich breaks lines at spaces only, which would leave ragged
lines before each long run. So paragraphs are broken here: at spaces and between any
two wide characters, but not before a closing mark or after an opening one.
"""

from typing import ClassVar

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.markdown import Markdown, Paragraph
from rich.segment import Segment
from rich.text import Text

from digitdreams.interview.formula import JOINED

CLOSING = "，。；：？！、）》」』”’…%"  # noqa: RUF001
OPENING = "（《「『“‘"  # noqa: RUF001


def breaks(text: str, width: int) -> list[int]:
    """Where lines begin when a text is broken to this width in terminal cells."""
    starts, start, place, used = [], 0, 0, 0
    for i, sign in enumerate(text):
        previous = text[i - 1] if i else ""
        wide = max(cell_len(sign), cell_len(previous)) > 1
        if sign != " " and (
            previous == " "
            or (previous and wide and sign not in CLOSING and previous not in OPENING)
        ):
            place = i
        used += cell_len(sign)
        if used > width and sign != " ":
            start = place if place > start else i
            starts.append(start)
            used = cell_len(text[start : i + 1])
    return starts


class WrappedParagraph(Paragraph):
    """A paragraph whose Chinese is broken where Chinese may be broken."""

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> RenderResult:
        self.text.rstrip()
        for line in self.text.divide(breaks(self.text.plain, options.max_width)):
            line.rstrip()
            yield line


class BankMarkdown(Markdown):
    """The bank's Markdown: headings to the left, Chinese broken well."""

    elements: ClassVar = {**Markdown.elements, "paragraph_open": WrappedParagraph}

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> RenderResult:
        for part in super().__rich_console__(console, options):
            if isinstance(part, Segment):
                text, style, control = part
                yield Segment(text.replace(JOINED, " "), style, control)
            else:
                yield part


class Lines:
    """Plain text, broken where its language allows, each line indented.

    A line that holds no space, such as a path, is cut where it has to be.
    """

    def __init__(self, text: str, style: str = "", indent: int = 0):
        self.text, self.style, self.indent = text, style, indent

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> RenderResult:
        width = max(1, options.max_width - self.indent)
        for paragraph in self.text.expandtabs(4).split("\n"):
            for line in broken(paragraph, width):
                text = " " * self.indent + line.replace(JOINED, " ")
                yield Text(text, self.style, no_wrap=True, overflow="ignore", end="\n")


def broken(text: str, width: int) -> list[str]:
    """A paragraph in lines of at most this many terminal cells."""
    starts = breaks(text, width)
    return [
        text[i:j].rstrip(" ")
        for i, j in zip([0, *starts], [*starts, None], strict=True)
    ]


class Cut:
    """One line, cut at the edge of the terminal where it is too long."""

    def __init__(self, text: str):
        self.text = text

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> RenderResult:
        yield Text(self.text, no_wrap=True, overflow="ellipsis", end="\n")
