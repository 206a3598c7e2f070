"""Whether some case tells each reference from its mutants.

A check is as good as its cases: a wrong answer passes where no case touches what it
gets wrong. So each reference of the problems and of the exercises' tasks is changed in
one place at a time (`mutants`), and the changed function is checked like an answer. A
mutant that passes is a hole in the cases, or it is right, too: `sources/mutants.yaml`
says for each of these why. What a run found is recorded, file by file:

    digitdreams mutate               # files that have changed: seconds to minutes
    digitdreams mutate best_pair     # one reference, every survivor shown
"""

import ast
import contextlib
import io
import json
import os
import signal
import tempfile
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from digitdreams import checks, course, stamps, tasks
from digitdreams.authoring.mutants import mutants
from digitdreams.checks import Answer
from digitdreams.console import say
from digitdreams.files import ROOT, write_atomically
from digitdreams.interview import problems
from digitdreams.stamps import Stamp, StampError
from digitdreams.tasks import Case, Specification, Task

RECORD = Path("benchmarks/recorded/mutants.json")
REASONS = Path("sources/mutants.yaml")
LIMIT = 3.0  # seconds of processor for a mutant; a reference takes less than one
HIDDEN = (1000, 1001, 1002)  # seeds of grading: each tells a task's mutants apart


class MutationError(Exception):
    """The record or the reasons cannot be used; the message says what to do."""


class Endless(Exception):
    """A mutant takes too long."""


# What is changed ----------------------------------------------------------------------


@dataclass(frozen=True)
class Subject:
    """A reference with the functions that it is made of.

    Attributes:
        id: the problem's name, or exercise and task: `03_vae.slerp`.
        tree: the file of the problem or the task, or a bug hunt's own program.
    """

    id: str
    specification: Specification
    tree: ast.Module

    @cached_property
    def functions(self) -> list[ast.FunctionDef]:
        """The reference first, then what it reaches in its text.

        Another problem or task is a subject itself. Of a bug hunt only the function
        that is asked for and what the repair changed: a reader leaves the rest alone.
        """
        wanted = self.specification.reference.__name__
        known = functions_of(self.tree)
        broken = getattr(self.specification, "broken", None)
        left = functions_of(ast.parse(broken)) if broken else {}
        found: dict[str, ast.FunctionDef] = {}
        waiting = [wanted]
        while waiting:
            name = waiting.pop()
            own = name == wanted or not self.is_subject(name)
            if name in known and name not in found and own:
                found[name] = known[name]
                waiting += sorted(names_in(known[name]))
        return [
            function
            for name, function in found.items()
            if name == wanted
            or name not in left
            or ast.dump(left[name]) != ast.dump(function)
        ]

    def is_subject(self, name: str) -> bool:
        """Whether a name in the reference's file is that of a problem or a task."""
        value = self.specification.reference.__globals__.get(name)
        return isinstance(value, Specification)

    def answer(self) -> Answer:
        """The reference as its functions are now, mutated or not."""
        names = {**self.specification.reference.__globals__, **TIES}
        for one in self.functions:
            text = ast.unparse(ast.fix_missing_locations(one))
            exec(compile(text, f"<{self.id}>", "exec"), names)
        function: Answer = names[self.specification.reference.__name__]
        return function

    def case_sets(self) -> list[list[Case]]:
        """The cases of the check, and for a task those of grading, seed by seed."""
        found = [self.specification.cases(tasks.NOTEBOOK_SEED)]
        if isinstance(self.specification, Task):
            found += [self.specification.hidden_cases(seed) for seed in HIDDEN]
        return found


def functions_of(tree: ast.Module) -> dict[str, ast.FunctionDef]:
    """The functions of a module by name, without decorators and docstrings."""
    return {
        one.name: ast.FunctionDef(
            name=one.name,
            args=one.args,
            body=one.body[ast.get_docstring(one) is not None :],
            decorator_list=[],
        )
        for one in tree.body
        if isinstance(one, ast.FunctionDef)
    }


def names_in(function: ast.FunctionDef) -> set[str]:
    """The names that a function uses, but for its arguments and what it assigns."""
    inside = list(ast.walk(function))
    names = [one for one in inside if isinstance(one, ast.Name)]
    own = {one.arg for one in inside if isinstance(one, ast.arg)}
    own |= {one.id for one in names if isinstance(one.ctx, ast.Store)}
    return {one.id for one in names} - own


def sources(root: Path = ROOT) -> dict[str, Path]:
    """The files that hold references: `problems/vae`, `tasks/03_vae`."""
    found = {
        f"problems/{path.stem}": path
        for path in sorted((root / "content" / "problems").glob("*.py"))
    }
    for lesson in course.load(root / "course.toml").lessons:
        path = root / "sources" / "tasks" / f"{lesson.stem}.py"
        if lesson.exercise_numbers and path.is_file():
            found[f"tasks/{lesson.stem}"] = path
    return found


def subjects(source: str) -> list[Subject]:
    """The references of a file, see `sources`."""
    kind, _, stem = source.partition("/")
    found: list[Subject] = []
    if kind == "tasks":
        tree = parsed(tasks.FOLDER / f"{stem}.py")
        return [Subject(f"{stem}.{one.name}", one, tree) for one in tasks.load(stem)]
    for one in problems.of_topic(stem):
        program = one.reference.__globals__.get("__source__")
        tree = parsed(problems.FOLDER / f"{stem}.py")
        found.append(Subject(one.name, one, ast.parse(program) if program else tree))
    return found


@cache
def parsed(path: Path) -> ast.Module:
    """The tree of a file; subjects copy nothing but the heads of its functions."""
    return ast.parse(path.read_text(encoding="utf-8"))


# Ties broken the other way ------------------------------------------------------------


def other_argmax(values: Any, axis: Any = None) -> Any:
    """The last of several largest places."""
    values = np.asarray(values)
    if axis is None:
        return values.size - 1 - values.ravel()[::-1].argmax()
    return values.shape[axis] - 1 - np.flip(values, axis).argmax(axis)


def other_argmin(values: Any, axis: Any = None) -> Any:
    """The last of several smallest places."""
    return other_argmax(-np.asarray(values), axis)


def other_argsort(values: Any, axis: int = -1, **settings: Any) -> Any:
    """Places in order, the last of equal ones first."""
    values = np.asarray(values)
    flipped = np.flip(values, axis).argsort(axis, kind="stable")
    return values.shape[axis] - 1 - flipped


def other_max(values: Any, **settings: Any) -> Any:
    """The last of several largest."""
    return max(reversed(list(values)), **settings)


def other_min(values: Any, **settings: Any) -> Any:
    """The last of several smallest."""
    return min(reversed(list(values)), **settings)


def other_sorted(values: Any, **settings: Any) -> Any:
    """In order, the last of equal ones first."""
    return sorted(reversed(list(values)), **settings)


TIES = {
    one.__name__: one
    for one in (
        *(other_argmax, other_argmin, other_argsort),
        *(other_max, other_min, other_sorted),
    )
}


# Running ------------------------------------------------------------------------------


@dataclass
class Found:
    """What a run found of a reference.

    Attributes:
        count: its mutants.
        survivors: descriptions of those that some set of cases does not tell apart.
    """

    count: int = 0
    survivors: list[str] = field(default_factory=list)


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """End what takes more time of the processor, by an exception in this thread."""

    def end(*_: Any) -> None:
        raise Endless

    before = signal.signal(signal.SIGPROF, end)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


@contextlib.contextmanager
def aside() -> Iterator[None]:
    """Let what mutants print, warn of or write leave no trace."""
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        os.chdir(folder)
        try:
            with np.errstate(all="ignore"), contextlib.redirect_stdout(io.StringIO()):
                yield
        finally:
            os.chdir(here)


def passes(
    subject: Subject, answer: Answer, sets: list[list[tuple[Case, Any]]]
) -> bool:
    """Whether an answer is right in all cases of at least one set."""
    task = subject.specification

    def agrees(case: Case, expected: Any) -> bool:
        found = checks.outcome(task.observe, answer, case)
        return checks.matches(expected, found, task.rule)

    for one in sets:
        try:
            with time_limit(LIMIT):
                if all(agrees(case, expected) for case, expected in one):
                    return True
        except (checks.CheckFailed, NotImplementedError, Endless):
            continue
    return False


def examine(subject: Subject) -> Found:
    """Check every mutant of a reference.

    Raises:
        MutationError: the reference is not right when it is compiled by itself.
    """
    task, found = subject.specification, Found()
    with aside():
        sets = [
            [
                (case, tasks.as_result(task.observe, task.reference, case))
                for case in one
            ]
            for one in subject.case_sets()
        ]
        if not all(passes(subject, subject.answer(), [one]) for one in sets):
            raise MutationError(f"{subject.id}: its own text does not pass its check")
        for function in subject.functions:
            for description in mutants(function, task.same_dtype):
                found.count += 1
                try:
                    answer = subject.answer()
                except Exception:  # not even a function
                    continue
                if passes(subject, answer, sets):
                    found.survivors.append(description)
    return found


# The record ---------------------------------------------------------------------------

READ_ONLY = {"title", "statement", "limits", "examples", "hints", "lesson"}


class WithoutTexts(ast.NodeTransformer):
    """Leaves out what is shown to readers: it moves no result."""

    def visit_keyword(self, node: ast.keyword) -> ast.keyword | None:
        """Drop the keywords that hold texts."""
        return None if node.arg in READ_ONLY else node


def stamp_of_tool(root: Path = ROOT) -> Stamp:
    """What examines the mutants.

    Raises:
        StampError: a file is missing.
    """
    return stamps.of("digitdreams/authoring/mutation.py:examine", root=root)


def stamp_of(source: str, path: Path, tool: Stamp, root: Path = ROOT) -> Stamp:
    """What the record of a file is made from, but for texts that are only read.

    Raises:
        StampError: a file is missing.
    """
    if source.startswith("tasks/"):
        numbers = stamps.of(f"sources/{source}.py", root=root).numbers
    else:
        tree = WithoutTexts().visit(ast.parse(path.read_text(encoding="utf-8")))
        numbers = {f"content/{source}.py": stamps.digest_of(ast.dump(tree))}
    return Stamp({**tool.numbers, **numbers})


@dataclass
class Row:
    """What a run found of a file.

    Attributes:
        made_from: the numbers of its stamp.
        found: what it found of each reference, by id.
    """

    made_from: dict[str, str]
    found: dict[str, Found]

    @property
    def stamp(self) -> Stamp | None:
        """What the row was made from."""
        return Stamp.from_data({"numbers": self.made_from})


def read(root: Path = ROOT) -> dict[str, Row]:
    """The record, file by file; empty where there is none.

    Raises:
        MutationError: it is damaged.
    """
    try:
        content = json.loads((root / RECORD).read_text("utf-8"))
        return {
            source: Row(
                row["made_from"],
                {name: Found(**one) for name, one in row["found"].items()},
            )
            for source, row in content.items()
        }
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MutationError(
            f"cannot read {RECORD} ({error}): remove it and run `digitdreams mutate`"
        ) from error


def changes(root: Path = ROOT) -> dict[str, list[str]]:
    """Why the record of each file is stale; without those that are not.

    A file that is missing is a reason.

    Raises:
        MutationError: the record is damaged.
        StampError: a file of the tool itself is missing.
    """
    rows, tool, found = read(root), stamp_of_tool(root), {}
    for source, path in sources(root).items():
        row = rows.get(source)
        try:
            why = stamp_of(source, path, tool, root).changes(row.stamp if row else None)
        except StampError as error:
            why = [str(error)]
        if why:
            found[source] = why
    return found


def reasons(root: Path = ROOT) -> dict[str, dict[str, str]]:
    """Why each surviving mutant may survive: reference -> mutant -> reason.

    Raises:
        MutationError: the file is damaged, or names a mutant twice.
    """
    found: dict[str, dict[str, str]] = {}
    try:
        content = yaml.safe_load((root / REASONS).read_text("utf-8"))
        for name, groups in content.items():
            found[name] = {}
            for group in groups:
                for mutant in group["mutants"]:
                    if mutant in found[name]:
                        raise ValueError(f"{name} has twice: {mutant}")
                    found[name][mutant] = group["why"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise MutationError(f"cannot read {REASONS}: {error}") from error
    except yaml.YAMLError as error:
        raise MutationError(f"{REASONS} is no YAML: {error}") from error
    return found


def faults(rows: dict[str, Row], known: dict[str, dict[str, str]]) -> list[str]:
    """Survivors without a reason, and reasons without a survivor."""
    survivors = {
        name: set(one.survivors)
        for row in rows.values()
        for name, one in row.found.items()
    }
    said = []
    for name in sorted({*survivors, *known}):
        alive, explained = survivors.get(name, set()), set(known.get(name, {}))
        said += [
            f"{name}: no case tells apart {one}" for one in sorted(alive - explained)
        ]
        said += [
            f"{name}: a reason is out of date: {one}"
            for one in sorted(explained - alive)
        ]
    return said


def renew(fresh: bool = False, root: Path = ROOT) -> dict[str, Row]:
    """Examine the files that have changed, or all; write the record and return it.

    Raises:
        MutationError: a reference does not pass, or the record is damaged.
        StampError: a file is missing.
    """
    tool = stamp_of_tool(root)
    for source in sources(root) if fresh else changes(root):
        made_from = stamp_of(source, sources(root)[source], tool, root).numbers
        found = {one.id: examine(one) for one in subjects(source)}
        row = Row(dict(sorted(made_from.items())), found)
        # At once: an interrupted run goes on where it was.
        write({**read(root), source: row}, root)
        say(f"{source}: {summary(found.values())}")
    return write(read(root), root)


def write(rows: dict[str, Row], root: Path = ROOT) -> dict[str, Row]:
    """Record the rows of files that are still there, in their order; return these."""
    rows = {source: rows[source] for source in sources(root) if source in rows}
    content = {source: asdict(row) for source, row in rows.items()}
    text = json.dumps(content, indent=1, ensure_ascii=False)
    write_atomically(root / RECORD, text + "\n")
    return rows


def summary(found: Iterable[Found]) -> str:
    """How many mutants, and how many survive."""
    all_of_them = list(found)
    count = sum(one.count for one in all_of_them)
    survivors = sum(len(one.survivors) for one in all_of_them)
    return f"{count} mutants, {survivors} survive"


def show(names: list[str], root: Path = ROOT) -> None:
    """Examine some references and print every survivor, with its reason if it has one.

    Raises:
        MutationError: there is no such reference, or one does not pass.
    """
    known = reasons(root)
    for name in names:
        kind = "tasks/" if "." in name else "problems/"  # tasks load TensorFlow
        known_files = (source for source in sources(root) if source.startswith(kind))
        every = (one for source in known_files for one in subjects(source))
        subject = next((one for one in every if one.id == name), None)
        if subject is None:
            raise MutationError(
                f"there is no reference {name!r}: give the name of a problem, or "
                "exercise and task as in 03_vae.slerp"
            )
        found = examine(subject)
        say(f"{name}: {summary([found])}")
        for mutant in found.survivors:
            say(f"  {mutant}")
            say(f"    {known.get(name, {}).get(mutant, 'NO REASON')}")
