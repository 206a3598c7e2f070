"""Formulas as HTML, made by KaTeX while the pages are built.

KaTeX (book/katex) runs in the V8 engine of mini-racer, so that a build needs no Node
and a reader no script. `setup` makes it a math renderer of Sphinx.
"""

import json
import re
from functools import cache
from html import escape
from pathlib import Path

from docutils import nodes
from py_mini_racer import JSEvalException, MiniRacer
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator

from digitdreams.files import ROOT

FOLDER = ROOT / "book" / "katex"
# A KaTeX error or warning ends a build: no formula is shown half rendered.
OPTIONS = {"throwOnError": True, "strict": "error", "output": "htmlAndMathml"}
# The LaTeX beside the MathML, which no reader sees but whoever copies gets; then what
# HTML does not need around MathML.
SURPLUS = re.compile(
    r"<annotation[^>]*>.*?</annotation>|</?semantics>"
    r'| xmlns="http://www.w3.org/1998/Math/MathML"',
    re.DOTALL,
)


class FormulaError(ValueError):
    """KaTeX cannot render a formula; the message has the formula and the reason."""


@cache
def engine(folder: Path = FOLDER) -> MiniRacer:
    """A JavaScript engine in which KaTeX is loaded, made once."""
    made = MiniRacer()
    made.eval((folder / "katex.min.js").read_text(encoding="utf-8"))
    return made


@cache
def rendered(formula: str, display: bool = False) -> str:
    """The HTML of a formula, with MathML beside it for screen readers.

    Args:
        formula: LaTeX, without dollar signs.
        display: as a paragraph of its own instead of inside a line.

    Raises:
        FormulaError: KaTeX refuses it.
    """
    options = json.dumps({**OPTIONS, "displayMode": display})
    call = f"katex.renderToString({json.dumps(formula)}, {options})"
    try:
        html = engine().eval(call)
    except JSEvalException as error:
        reason = str(error).strip().splitlines()[0]
        raise FormulaError(f"KaTeX cannot render {formula!r}: {reason}") from None
    return SURPLUS.sub("", str(html))


def on_page(self: HTML5Translator, node: nodes.Element, display: bool) -> str:
    """The HTML of a formula of the page that is being written.

    Raises:
        FormulaError: KaTeX refuses it; the message names the page.
    """
    try:
        return rendered(node.astext().strip(), display)
    except FormulaError as error:
        page = self.builder.current_docname
        raise FormulaError(f"{page}: {error}") from None


def visit_inline(self: HTML5Translator, node: nodes.math) -> None:
    """Write a formula inside a line."""
    self.body.append(f'<span class="math">{on_page(self, node, False)}</span>')
    raise nodes.SkipNode


def visit_block(self: HTML5Translator, node: nodes.math_block) -> None:
    """Write a formula as a paragraph, which scrolls where it is wider than a page."""
    label = node.get("label")
    anchor = f' id="equation-{escape(label)}"' if label else ""
    html = on_page(self, node, True)
    self.body.append(f'<div class="math"{anchor}>{html}</div>\n')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the renderer `katex`."""
    app.add_html_math_renderer("katex", (visit_inline, None), (visit_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
