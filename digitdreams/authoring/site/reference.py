"""The reference of the package that lessons import, read without importing it."""

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

from sphinx.ext.napoleon import Config
from sphinx.ext.napoleon.docstring import GoogleDocstring

# What lessons and exercises import; see CONTRIBUTING.md.
MODULES = (
    "course",
    "checks",
    "data",
    "metrics",
    "judge",
    "scores",
    "plots",
    "progress",
    "models",
    "models.parts",
    "models.vae",
    "models.gan",
    "models.pixels",
)
# A bar outside code, which would begin the name of a substitution.
BAR = re.compile(r"\|(?=(?:[^`]*`[^`]*`)*[^`]*\Z)")
SETTINGS = Config(napoleon_use_rtype=False, napoleon_use_ivar=True)
Function = ast.FunctionDef | ast.AsyncFunctionDef


def write_reference(folder: Path, package: Path) -> None:
    """Write a page for each module that is here into `folder`/api."""
    place = folder / "api"
    place.mkdir(parents=True, exist_ok=True)
    written = []
    for name in MODULES:
        file = package.joinpath(*name.split("."))
        file = file / "__init__.py" if file.is_dir() else file.with_suffix(".py")
        if file.is_file():
            page = module_page(f"digitdreams.{name}", file.read_text(encoding="utf-8"))
            (place / f"{name}.rst").write_text(page, encoding="utf-8")
            written.append(name)
    listed = "\n".join(f"   {name}" for name in written)
    text = (
        "Package reference\n=================\n\n"
        "What lessons and exercises import from ``digitdreams``. Shapes, units and\n"
        "ranges are those of arguments and results.\n\n"
        f".. toctree::\n   :maxdepth: 1\n\n{listed}\n"
    )
    (place / "index.rst").write_text(text, encoding="utf-8")


def module_page(name: str, source: str) -> str:
    """reStructuredText of a module's public functions and classes."""
    tree = ast.parse(source)
    lines = [name, "=" * len(name), "", f".. py:module:: {name}", ""]
    lines += [*documented(tree, "module"), ""]
    for node in public(tree):
        lines += described(node, "")
    return "\n".join(lines) + "\n"


def public(tree: ast.Module | ast.ClassDef) -> Iterator[Function | ast.ClassDef]:
    """Functions and classes with a docstring whose name has no underscore."""
    for node in tree.body:
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        if not node.name.startswith("_") and ast.get_docstring(node):
            yield node


def described(node: Function | ast.ClassDef, indent: str) -> list[str]:
    """A function or class, its methods inside."""
    if isinstance(node, ast.ClassDef):
        kind, signature = "class", node.name
    else:
        kind = "method" if indent else "function"
        signature = f"{node.name}({arguments(node)}){returned(node)}"
        if any(ast.unparse(one) == "property" for one in node.decorator_list):
            kind, signature = "property", node.name
    lines = [f"{indent}.. py:{kind}:: {signature}", ""]
    inner = indent + "   "
    lines += [f"{inner}{line}".rstrip() for line in documented(node, kind)] + [""]
    if isinstance(node, ast.ClassDef):
        for one in public(node):
            lines += described(one, inner)
    return lines


def arguments(node: Function) -> str:
    """The arguments of a signature; `self` is left out."""
    text = ast.unparse(node.args)
    return text.removeprefix("self, ").removeprefix("self")


def returned(node: Function) -> str:
    """The result's type in a signature, where it is given."""
    return f" -> {ast.unparse(node.returns)}" if node.returns else ""


def documented(node: ast.AST, kind: str) -> list[str]:
    """A docstring's lines in reStructuredText."""
    assert isinstance(
        node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    )
    text = BAR.sub(r"\\|", inspect.cleandoc(ast.get_docstring(node) or ""))
    return str(GoogleDocstring(text, SETTINGS, what=kind)).splitlines()
