"""The directive `fold`: text that a reader opens, such as a hint or an answer.

Its title is a node of its own, so that translations reach it.
"""

from typing import ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.writers.html5 import HTML5Translator


class fold(nodes.General, nodes.Element):
    """A box that is closed at first."""


class fold_title(nodes.General, nodes.TextElement):
    """What stands on the closed box."""


class Fold(SphinxDirective):
    """`{fold} Title` with Markdown inside; `:name:` makes it a target."""

    has_content = True
    required_arguments = 1
    final_argument_whitespace = True
    option_spec: ClassVar = {"class": directives.class_option}

    def run(self) -> list[nodes.Node]:
        """Parse title and content."""
        box = fold(classes=["fold", *self.options.get("class", [])])
        parts, messages = self.parse_inline(self.arguments[0], lineno=self.lineno)
        title = fold_title(self.arguments[0], "", *parts)
        self.set_source_info(title)
        box += title
        box += self.parse_content_to_nodes()
        return [box, *messages]


def visit_fold(self: HTML5Translator, node: fold) -> None:
    """Open the box."""
    self.body.append(self.starttag(node, "details"))


def depart_fold(self: HTML5Translator, node: fold) -> None:
    """Close the box."""
    self.body.append("</details>\n")


def visit_title(self: HTML5Translator, node: fold_title) -> None:
    """Open the title."""
    self.body.append("<summary>")


def depart_title(self: HTML5Translator, node: fold_title) -> None:
    """Close the title."""
    self.body.append("</summary>\n")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register directive and nodes."""
    app.add_node(fold, html=(visit_fold, depart_fold))
    app.add_node(fold_title, html=(visit_title, depart_title))
    app.add_directive("fold", Fold)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
