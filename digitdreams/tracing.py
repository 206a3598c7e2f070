"""Which of our code does a file use? The answer is read from its text, nothing runs.

A file is cut into units, its statements at the top level: a function, a class, an
assignment. `trace` starts from whole files or single functions, follows every name to
the unit that binds it, across the modules of ours that are imported (also inside
functions, relatively, or from the same folder), and returns the units that can take
part. A new function in a shared module therefore changes nothing for those who do not
use it.

Where the text does not tell, more is counted, never less: a module that is handed on
as a value counts whole, and so does one whose attribute is not found; what runs on
import (expressions, conditions, functions under a decorator that may register them)
always counts. Not seen: names made from strings, such as `getattr(module, name)` with
the module imported elsewhere, or modules imported by a computed name. Such files are
declared where they are used, see `digitdreams.stamps.FILES`.
"""

import ast
import functools
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PACKAGE = "digitdreams"
# Decorators that only wrap what they decorate.
WRAPPING = {
    "cache",
    "cached_property",
    "contextmanager",
    "dataclass",
    "lru_cache",
    "overload",
    "total_ordering",
    "wraps",
}


class TracingError(Exception):
    """A file is missing or cannot be read; the message names it."""


@dataclass(frozen=True)
class Import:
    """`from` so many dots and `module` `import member`; without a member, `import`."""

    module: str
    member: str | None = None
    level: int = 0


@dataclass(frozen=True)
class Reference:
    """A name with the attributes behind it, bound by the module or by an import."""

    base: str | Import
    attributes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Unit:
    """One statement at the top level of a module.

    Attributes:
        names: what it binds.
        on_import: whether importing the module makes it count.
        digest: of its syntax, without comments, layout, docstrings and types.
        references: the names that it needs.
        imports: what it imports when it runs.
    """

    names: frozenset[str]
    on_import: bool
    digest: str
    references: frozenset[Reference]
    imports: tuple[Import, ...]


@dataclass(frozen=True)
class Module:
    """A file of Python text, cut into units."""

    units: tuple[Unit, ...]
    bound_by_import: dict[str, tuple[Import, ...]]
    stars: tuple[Import, ...]

    @functools.cached_property
    def binders(self) -> dict[str, list[int]]:
        """Name -> numbers of the units that bind it."""
        found: dict[str, list[int]] = {}
        for number, unit in enumerate(self.units):
            for name in unit.names:
                found.setdefault(name, []).append(number)
        return found

    def binds(self, name: str) -> bool:
        return name in self.binders or name in self.bound_by_import


# Reading a file -----------------------------------------------------------------------

_read: dict[Path, tuple[tuple[int, int], Module]] = {}


def read(path: Path) -> Module:
    """Cut a file into units; read again only if its time or size has changed.

    Raises:
        TracingError: it is missing, or is not Python.
    """
    try:
        status = path.stat()
        key = (status.st_mtime_ns, status.st_size)
        if path in _read and _read[path][0] == key:
            return _read[path][1]
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".ipynb":
            text = code_of(text)
    except (OSError, ValueError, LookupError) as error:
        reason = getattr(error, "strerror", None) or error
        raise TracingError(f"cannot read {path}: {reason}") from error
    try:
        module = cut(text)
    except SyntaxError as error:
        raise TracingError(f"{path}, line {error.lineno}: {error.msg}") from error
    _read[path] = key, module
    return module


def code_of(notebook: str) -> str:
    """The code cells of a notebook file as one program."""
    cells = [one for one in json.loads(notebook)["cells"] if one["cell_type"] == "code"]
    return "\n".join("".join(cell["source"]) for cell in cells)


@functools.lru_cache(maxsize=1000)
def cut(text: str) -> Module:
    """Cut Python text into units.

    Raises:
        SyntaxError: it is not Python.
    """
    units, bound, stars = [], dict[str, tuple[Import, ...]](), list[Import]()
    for statement in ast.parse(text).body:
        if is_text(statement) or is_for_others(statement):
            continue
        statement = Bare().visit(statement)
        finder = Finder()
        finder.visit(statement)
        for name, targets in finder.scopes[0].items():
            bound[name] = bound.get(name, ()) + targets
        stars += finder.stars
        plain = isinstance(statement, (ast.Import, ast.ImportFrom))
        dump = "" if plain else ast.dump(statement, annotate_fields=False)
        units.append(
            Unit(
                names=frozenset(bound_names([statement])),
                on_import=runs_on_import(statement),
                digest=hashlib.sha256(dump.encode()).hexdigest() if dump else "",
                references=frozenset(finder.references),
                imports=tuple(finder.imports),
            )
        )
    return Module(tuple(units), bound, tuple(stars))


def is_text(node: ast.stmt) -> bool:
    """Whether a statement is a docstring."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def is_for_others(node: ast.stmt) -> bool:
    """Whether this is for type checkers, or for running the file as a program."""
    if not isinstance(node, ast.If):
        return False
    condition = ast.unparse(node.test)
    return condition in {
        "TYPE_CHECKING",
        "typing.TYPE_CHECKING",
        "__name__ == '__main__'",
    }


def runs_on_import(node: ast.stmt) -> bool:
    """Whether a statement does more than bind names."""
    if isinstance(node, DEFINITIONS):
        return not all(map(is_wrapping, node.decorator_list))
    if isinstance(node, ast.Assign):
        return not all(isinstance(target, ast.Name) for target in node.targets)
    return not isinstance(node, ast.Pass)


def is_wrapping(decorator: ast.expr) -> bool:
    if isinstance(decorator, ast.Call):
        decorator = decorator.func
    name = decorator.attr if isinstance(decorator, ast.Attribute) else None
    name = decorator.id if isinstance(decorator, ast.Name) else name
    return name in WRAPPING


class Bare(ast.NodeTransformer):
    """Takes out what changes no result: docstrings, and hints of types.

    The hints of a class's own body stay: they make the fields of a dataclass.
    """

    def __init__(self) -> None:
        self.in_class = False

    def bare_body(self, node: Any, in_class: bool) -> Any:
        outside, self.in_class = self.in_class, in_class
        if is_text(node.body[0]):
            node.body = node.body[1:]
        self.generic_visit(node)
        node.body = node.body or [ast.Pass()]
        self.in_class = outside
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> Any:
        return self.bare_body(node, in_class=True)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
        node.returns = None
        return self.bare_body(node, in_class=False)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> Any:
        node.returns = None
        return self.bare_body(node, in_class=False)

    def visit_arg(self, node: ast.arg) -> Any:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        if self.in_class:
            return self.generic_visit(node)
        if node.value is None:
            return ast.copy_location(ast.Pass(), node)
        bare = ast.Assign([node.target], self.visit(node.value))
        return ast.copy_location(bare, node)


def bound_names(body: Iterable[ast.AST]) -> set[str]:
    """The names that statements bind in their own scope, imports left out."""
    names: set[str] = set()
    elsewhere: set[str] = set()
    waiting = list(body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Name):
            if isinstance(node.ctx, ast.Store):
                names.add(node.id)
        elif isinstance(node, DEFINITIONS):
            names.add(node.name)
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            elsewhere.update(node.names)
        elif not isinstance(node, OWN_SCOPE):
            if isinstance(node, ast.ExceptHandler) and node.name:
                names.add(node.name)
            waiting += ast.iter_child_nodes(node)
    return names - elsewhere


DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
OWN_SCOPE = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


class Finder(ast.NodeVisitor):
    """Collects what a statement refers to; names of an inner scope are left out.

    `scopes` maps a name to what imports bind to it, () for a variable. The first scope
    is the module's and holds imports only: its variables are units.
    """

    def __init__(self) -> None:
        self.scopes: list[dict[str, tuple[Import, ...]]] = [{}]
        self.references: set[Reference] = set()
        self.imports: list[Import] = []
        self.stars: list[Import] = []

    def refer(self, name: str, attributes: tuple[str, ...] = ()) -> None:
        for scope in reversed(self.scopes[1:]):
            if name in scope:
                for target in scope[name]:
                    self.references.add(Reference(target, attributes))
                return
        self.references.add(Reference(name, attributes))

    def visit_Name(self, node: ast.Name) -> None:
        if not isinstance(node.ctx, ast.Store):
            self.refer(node.id)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        attributes: list[str] = []
        inner: ast.expr = node
        while isinstance(inner, ast.Attribute):
            attributes.insert(0, inner.attr)
            inner = inner.value
        if isinstance(inner, ast.Name):
            self.refer(inner.id, tuple(attributes))
        else:
            self.visit(inner)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):  # it reads what it writes
            self.refer(node.target.id)
        self.generic_visit(node)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self.imports.append(Import(alias.name))
            if alias.asname:
                self.bind(alias.asname, Import(alias.name))
            else:
                top = alias.name.partition(".")[0]
                self.bind(top, Import(top))

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            if alias.name == "*":
                star = Import(node.module or "", None, node.level)
                self.imports.append(star)
                self.stars.append(star)
            else:
                found = Import(node.module or "", alias.name, node.level)
                self.imports.append(found)
                self.bind(alias.asname or alias.name, found)

    def bind(self, name: str, target: Import) -> None:
        self.scopes[-1][name] = (*self.scopes[-1].get(name, ()), target)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self.function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self.function(node)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self.function(node)

    def function(self, node: Function) -> None:
        arguments = node.args
        names = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        names += [one for one in (arguments.vararg, arguments.kwarg) if one]
        for default in (*arguments.defaults, *arguments.kw_defaults):
            if default is not None:
                self.visit(default)
        body: list[ast.stmt] = []
        if isinstance(node, ast.Lambda):
            parts: list[ast.AST] = [node.body]
        else:
            body = node.body
            parts = list(body)
            for decorator in node.decorator_list:
                self.visit(decorator)
        local = bound_names(body) | {name.arg for name in names}
        self.scopes.append({name: () for name in local})
        for part in parts:
            self.visit(part)
        self.scopes.pop()

    def comprehension(self, node: Comprehension) -> None:
        self.visit(node.generators[0].iter)
        targets = {
            name.id
            for generator in node.generators
            for name in ast.walk(generator.target)
            if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)
        }
        self.scopes.append({name: () for name in targets})
        for index, generator in enumerate(node.generators):
            if index:
                self.visit(generator.iter)
            self.visit(generator.target)
            for condition in generator.ifs:
                self.visit(condition)
        if isinstance(node, ast.DictComp):
            self.visit(node.key)
            self.visit(node.value)
        else:
            self.visit(node.elt)
        self.scopes.pop()

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = comprehension


# Following names ----------------------------------------------------------------------


@dataclass(frozen=True)
class Places:
    """Where our files lie: the package's folder, and the course's."""

    package: Path
    root: Path

    def label(self, path: Path) -> str:
        """A file's name below the package's parent or the course's folder."""
        for folder in (self.package.parent, self.root):
            if path.is_relative_to(folder):
                return path.relative_to(folder).as_posix()
        return path.name

    def find(self, target: Import, importer: Path) -> list[Path] | None:
        """The files that importing a module runs: its packages', then its own.

        None where the module is not ours.

        Raises:
            TracingError: it would be ours, and is missing.
        """
        parts = target.module.split(".") if target.module else []
        if target.level:
            folder = importer.parent
            for _ in range(target.level - 1):
                folder = folder.parent
            found = files_of(folder, parts)
        elif parts[0] == PACKAGE:
            found = files_of(self.package.parent, parts)
        else:
            inside = importer.is_relative_to(self.package)
            for folder in () if inside else (importer.parent, self.root):
                found = files_of(folder, parts)
                if found:
                    return found
            return None
        if not found:
            dots = "." * target.level
            raise TracingError(
                f"{self.label(importer)} imports {dots}{target.module}, which does "
                "not exist"
            )
        return found


def files_of(folder: Path, parts: list[str]) -> list[Path]:
    """The files of a dotted module below a folder; empty if there is none."""
    found = []
    if not parts and (folder / "__init__.py").is_file():
        return [folder / "__init__.py"]
    for number, part in enumerate(parts, 1):
        folder = folder / part
        if (folder / "__init__.py").is_file():
            found.append(folder / "__init__.py")
        elif number == len(parts) and folder.with_suffix(".py").is_file():
            found.append(folder.with_suffix(".py"))
        elif number == len(parts) or not folder.is_dir():
            return []
    return found


@dataclass
class Trace:
    """What was reached: the units of each file, and the names of foreign packages."""

    units: dict[Path, set[int]] = field(default_factory=dict)
    foreign: set[str] = field(default_factory=set)


class Tracer:
    """Follows names from unit to unit.

    Args:
        places: where our files lie.
        enter: `enter(label, unit)` tells whether to count a unit and follow it;
            `unit` is None for the import of the file.
    """

    def __init__(self, places: Places, enter: Callable[[str, Unit | None], bool]):
        self.places = places
        self.enter = enter
        self.trace = Trace()
        self.unknown: set[str] = set()  # attributes that no text binds
        self.followed: set[tuple[Path, Import, tuple[str, ...]]] = set()
        self.modules: dict[Path, Module] = {}
        self.found: dict[tuple[Import, Path], list[Path] | None] = {}
        self.labels: dict[Path, str] = {}

    # All of one trace sees the same files, and looks for each of them once.

    def module(self, path: Path) -> Module:
        if path not in self.modules:
            self.modules[path] = read(path)
        return self.modules[path]

    def find(self, target: Import, importer: Path) -> list[Path] | None:
        key = target, importer
        if key not in self.found:
            self.found[key] = self.places.find(target, importer)
        return self.found[key]

    def label(self, path: Path) -> str:
        if path not in self.labels:
            self.labels[path] = self.places.label(path)
        return self.labels[path]

    def __iter__(self) -> Iterator[tuple[Path, Module, list[int]]]:
        """Each file reached, with the numbers of its units in the order of the text."""
        for path in sorted(self.trace.units):
            yield path, self.module(path), sorted(self.trace.units[path])

    def whole(self, path: Path) -> None:
        """Count all of a file."""
        self.load(path)
        for number in range(len(self.module(path).units)):
            self.use(path, number)

    def load(self, path: Path) -> None:
        """Count what runs when a file is imported."""
        if path in self.trace.units or not self.enter(self.label(path), None):
            return
        self.trace.units[path] = set()
        for number, unit in enumerate(self.module(path).units):
            if unit.on_import:
                self.use(path, number)

    def use(self, path: Path, number: int) -> None:
        unit = self.module(path).units[number]
        used = self.trace.units.setdefault(path, set())
        if number in used or not self.enter(self.label(path), unit):
            return
        used.add(number)
        for target in unit.imports:
            self.run_import(path, target)
        for reference in sorted(unit.references, key=repr):
            if isinstance(reference.base, Import):
                self.follow(path, reference.base, reference.attributes)
            else:
                self.name(path, reference.base, reference.attributes)

    def run_import(self, importer: Path, target: Import) -> None:
        """Count what an import statement runs."""
        found = self.find(target, importer)
        if found is None:
            self.trace.foreign.add(target.module.partition(".")[0])
            return
        for path in found:
            self.load(path)
        if target.member is None or self.has(found[-1], target.member):
            return
        inner = self.submodule(found[-1], target.member)
        if inner is None:
            raise TracingError(
                f"{self.label(importer)} imports {target.member} from "
                f"{self.label(found[-1])}, where it does not exist"
            )
        self.load(inner)

    def has(self, path: Path, name: str) -> bool:
        """Whether a module has an attribute that is no submodule."""
        module = self.module(path)
        if module.binds(name) or module.binds("__getattr__") or name[:2] == "__":
            return True
        return any(
            found is not None and self.has(found[-1], name)
            for found in (self.find(star, path) for star in module.stars)
        )

    def submodule(self, path: Path, name: str) -> Path | None:
        if path.name != "__init__.py":
            return None
        found = files_of(path.parent, [name])
        return found[-1] if found else None

    def follow(
        self, importer: Path, target: Import, attributes: tuple[str, ...]
    ) -> None:
        """Count what an imported name stands for."""
        if (importer, target, attributes) in self.followed:
            return
        self.followed.add((importer, target, attributes))
        found = self.find(target, importer)
        if found is None:
            self.trace.foreign.add(target.module.partition(".")[0])
            return
        for path in found:
            self.load(path)
        if target.member is not None:
            attributes = (target.member, *attributes)
        self.attribute(found[-1], attributes)

    def attribute(self, path: Path, attributes: tuple[str, ...]) -> None:
        """Count what `module.a.b` stands for; the module itself counts whole."""
        if not attributes:
            self.whole(path)
            return
        name, rest = attributes[0], attributes[1:]
        inner = self.submodule(path, name)
        if inner is not None and name not in self.module(path).binders:
            self.load(inner)
            self.attribute(inner, rest)
        elif not self.name(path, name, rest) and name[:2] != "__":
            self.unknown.add(f"{self.label(path)}:{name}")
            self.whole(path)

    def name(self, path: Path, name: str, attributes: tuple[str, ...] = ()) -> bool:
        """Count what binds a name in a module; tell whether anything does."""
        module = self.module(path)
        for number in module.binders.get(name, ()):
            self.use(path, number)
        for target in module.bound_by_import.get(name, ()):
            self.follow(path, target, attributes)
        if module.binds(name):
            return True
        for star in module.stars:
            found = self.find(star, path)
            if found and self.has(found[-1], name):
                self.attribute(found[-1], (name, *attributes))
                return True
        return False
