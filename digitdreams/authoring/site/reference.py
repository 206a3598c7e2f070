"""The reference of the package that lessons import, read without importing it."""

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, cast

from sphinx.config import Config
from sphinx.ext import napoleon
from sphinx.ext.napoleon.docstring import GoogleDocstring

from digitdreams.authoring.site.notebooks import read

# Of these the reader uses commands, not functions.
APART = ("authoring", "grading", "interview")
IMPORT = re.compile(
    r"^\s*from digitdreams((?:\.\w+)*) import (\([^)]*\)|[^\n(]+)", re.MULTILINE
)
# A bar outside code, which would begin the name of a substitution.
BAR = re.compile(r"\|(?=(?:[^`]*`[^`]*`)*[^`]*\Z)")
SECTION = re.compile(r"[A-Z][a-z]+:$")  # of a docstring, such as `Args:`
SETTINGS = cast(
    Config, napoleon.Config(napoleon_use_rtype=False, napoleon_use_ivar=True)
)
Kind = Literal["module", "class", "function", "method", "property"]
Function = ast.FunctionDef | ast.AsyncFunctionDef


def write_reference(folder: Path, root: Path) -> None:
    """Write a page for each module that notebooks import to `folder`/api."""
    place = folder / "api"
    place.mkdir(parents=True, exist_ok=True)
    found = modules(root)
    for name in found:
        file = file_of(root / "digitdreams", name)
        assert file is not None
        page = module_page(f"digitdreams.{name}", file.read_text(encoding="utf-8"))
        (place / f"{name}.rst").write_text(page, encoding="utf-8")
    listed = "\n".join(f"   {name}" for name in found)
    text = (
        "Package reference\n=================\n\n"
        "What lessons and exercises import from ``digitdreams``. Shapes, units and\n"
        "ranges are those of arguments and results.\n\n"
        f".. toctree::\n   :maxdepth: 1\n\n{listed}\n"
    )
    (place / "index.rst").write_text(text, encoding="utf-8")


def modules(root: Path) -> list[str]:
    """The modules that notebooks import, a package with all that it holds."""
    package = root / "digitdreams"
    names = set()
    for path in (*root.glob("lessons/*.ipynb"), *root.glob("exercises/*/*.ipynb")):
        code = (one.source for one in read(path).cells if one.cell_type == "code")
        for outer, words in IMPORT.findall("\n".join(code)):
            within = outer.strip(".")
            names.add(within)
            names |= {f"{within}.{one}".strip(".") for one in re.findall(r"\w+", words)}
    for name in names - {""}:
        for inner in package.joinpath(*name.split(".")).glob("[!_]*.py"):
            names.add(f"{name}.{inner.stem}".strip("."))
    return sorted(
        name
        for name in names
        if file_of(package, name) and name.partition(".")[0] not in APART
    )


def file_of(package: Path, name: str) -> Path | None:
    """The file of a module below the package, None where it is no module."""
    place = package.joinpath(*name.split("."))
    file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    return file if name and file.is_file() else None


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
    kind: Kind
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


def documented(node: ast.AST, kind: Kind) -> list[str]:
    """A docstring's lines in reStructuredText."""
    assert isinstance(
        node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    )
    text = with_code(inspect.cleandoc(ast.get_docstring(node) or ""))
    return str(GoogleDocstring(text, SETTINGS, what=kind)).splitlines()


def with_code(text: str) -> str:
    """A docstring whose indented lines before its sections are marked as code."""
    lines: list[str] = []
    inside = False
    rest = iter(text.splitlines())
    for line in rest:
        if SECTION.match(line):
            return "\n".join([*lines, *map(barred, [line, *rest])])
        indented = line.startswith("    ")
        if indented and not inside and lines and not lines[-1]:
            inside = True
            lines += ["::", ""]
        elif line and not indented:
            inside = False
        lines.append(line if inside else barred(line))
    return "\n".join(lines)


def barred(line: str) -> str:
    """Text whose bars begin no name of a substitution."""
    return BAR.sub(r"\\|", line)
