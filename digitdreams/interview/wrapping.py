"""Markdown on a terminal, with Chinese broken where Chinese may be broken.

Chinese has no spaces, and rich breaks lines at spaces only, which would leave ragged
lines before each long run. So paragraphs are broken here: at spaces and between any
two wide characters, but not before a closing mark or after an opening one.
"""

from typing import ClassVar

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.markdown import Markdown, Paragraph

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
