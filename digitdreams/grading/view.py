"""What a sandbox sees of the course: the modules that an exercise uses, no more.

The package holds answers: a loss of a shared model is the answer of an exercise, a
metric that of another one. So an exercise is shown the modules whose functions its own
notebook calls, what these functions call, and what has to be there to import them. A
module that only another function would import is left out, and whoever calls that
function inside is told so.
"""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import platformdirs

from digitdreams.files import PACKAGE, ROOT, data_folder
from digitdreams.tracing import Places, Tracer, TracingError

NAME = "digitdreams"
INSIDE = f"{NAME}.grading.inside"  # the program that runs there
COURSE = "/course"  # where the view lies, inside
HOME = "/student/home"
JUDGE = ("judge.keras", "judge.json")


class ViewError(Exception):
    """An exercise imports what no sandbox shows; the message says what to mend."""


def file_of(module: str, package: Path = PACKAGE) -> Path | None:
    """The source of a module of ours, None where there is no such module."""
    place = package.joinpath(*module.split(".")[1:])
    for path in (place / "__init__.py", place.with_suffix(".py")):
        if path.is_file():
            return path
    return None


def statements(tree: ast.AST, at_import: bool) -> Iterator[ast.AST]:
    """All nodes of a program, or only those that run when it is imported."""
    for node in ast.iter_child_nodes(tree):
        later = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        if at_import and later:
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        yield from statements(node, at_import)


def imported(source: str, at_import: bool = True) -> set[str]:
    """The modules of ours that a program imports.

    Args:
        source: its text.
        at_import: leave out what is imported only when a function is called.
    """
    found = set()
    for node in statements(ast.parse(source), at_import):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            module = str(node.module)
            names = [module, *(f"{module}.{alias.name}" for alias in node.names)]
        else:
            continue
        found |= {
            name for name in names if name.split(".")[0] == NAME and file_of(name)
        }
    return found


def used(programs: Iterable[Path], root: Path) -> set[str]:
    """The modules of ours that programs use, also within the functions that they call.

    Args:
        programs: Python files or notebooks.
        root: the folder of their course.

    Raises:
        ViewError: one of them cannot be read.
    """
    tracer = Tracer(Places(PACKAGE, root), lambda label, unit: True)
    try:
        for program in programs:
            tracer.whole(program)
    except TracingError as error:
        raise ViewError(str(error)) from None
    found = set()
    for path, _, _ in tracer:
        if path.is_relative_to(PACKAGE):
            parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
            found.add(".".join(parts).removesuffix(".__init__"))
    return found


def needed(modules: Iterable[str]) -> tuple[str, ...]:
    """These modules and all of ours that importing them imports, in order of names."""
    found: set[str] = set()
    waiting = {INSIDE, *modules}
    while waiting:
        module = waiting.pop()
        path = file_of(module)
        if path is None:
            raise ViewError(f"there is no module {module}")
        found.add(module)
        more = imported(path.read_text(encoding="utf-8"))
        more |= {parent for parent in [module.rpartition(".")[0]] if parent}
        waiting |= more - found
    return tuple(sorted(found))


@dataclass(frozen=True)
class View:
    """What one exercise's sandbox sees of the course.

    Attributes:
        modules: of ours, those that can be imported there.
        hidden: places of this machine that are never shown, whatever lies above them.
    """

    modules: tuple[str, ...]
    hidden: tuple[Path, ...] = ()

    def files(self) -> dict[str, str]:
        """Place inside, place here; all are shown read-only."""
        files = {}
        for module in self.modules:
            path = file_of(module)
            if path is None:
                raise ViewError(f"there is no module {module}")
            files[f"{COURSE}/{NAME}/{path.relative_to(PACKAGE)}"] = str(path)
        if f"{NAME}.course" in self.modules:
            files[f"{COURSE}/course.toml"] = str(ROOT / "course.toml")
        if {f"{NAME}.judge", f"{NAME}.ready"} & {*self.modules}:
            for name in JUDGE:
                files[f"{COURSE}/{NAME}/{name}"] = str(PACKAGE / name)
        if f"{NAME}.data" in self.modules:
            files |= digits()
        return {inside: here for inside, here in files.items() if Path(here).exists()}


def digits() -> dict[str, str]:
    """The data, and the copies of them that save each run seconds."""
    files = {f"{COURSE}/data": str(data_folder().resolve())}
    cache = Path(platformdirs.user_cache_dir(NAME, appauthor=False))
    for path in sorted(cache.glob("mnist-*.npz")):
        files[f"{HOME}/.cache/{NAME}/{path.name}"] = str(path.resolve())
    return files


def view_of(notebook: Path, probe: str, root: Path) -> View:
    """The view for an exercise.

    Args:
        notebook: as it is handed out.
        probe: what is run after it, empty without one; it calls the notebook's names.
        root: the folder of the exercise's course.

    Raises:
        ViewError: the notebook cannot be read.
    """
    program = file_of(INSIDE)
    assert program is not None
    modules = used((program, notebook), root) | imported(probe, at_import=False)
    return View(needed(modules), (root.resolve(),))


@cache
def bare() -> View:
    """Without an exercise: enough to see whether a sandbox starts."""
    return View(needed(()))
