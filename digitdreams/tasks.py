"""Task specifications: the author's side of an exercise.

One specification serves the check in the notebook (as data, see `checks`), the
tests of that check, and grading with inputs that nobody has seen.
"""

import importlib.util
import json
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from digitdreams import checks
from digitdreams.files import ROOT

FOLDER = ROOT / "sources" / "tasks"
NOTEBOOK_SEED = 20  # inputs of the checks that students see; grading uses others


@dataclass(frozen=True)
class Wrong:
    """A plausible wrong answer and what to say to the one who gives it."""

    answer: Callable
    message: str


@dataclass(frozen=True)
class Task:
    """One blank of an exercise.

    Attributes:
        name: the function's name.
        points: what it is worth.
        inputs: takes a NumPy Generator, yields dictionaries of keyword arguments.
        reference: the right answer.
        hints: from gentle to nearly the solution.
        wrong: plausible wrong answers, commonest first.
        also_right: right answers that are written differently.
        tolerance: |found - expected| may be this times (1 + |expected|).
        observe: one of the names in `checks.OBSERVE`.
        same_dtype: whether the arrays' type has to agree, too.
    """

    name: str
    points: int
    inputs: Callable[[np.random.Generator], Iterable[dict[str, Any]]]
    reference: Callable
    hints: list[str]
    wrong: list[Wrong] = field(default_factory=list)
    also_right: list[Callable] = field(default_factory=list)
    tolerance: float = 1e-4
    observe: str = "value"
    same_dtype: bool = False

    def cases(self, seed: int) -> list[dict[str, Any]]:
        """Generate the inputs that belong to a seed."""
        rng = np.random.default_rng([seed, zlib.crc32(self.name.encode())])
        return list(self.inputs(rng))

    def as_data(self, seed: int = NOTEBOOK_SEED) -> dict:
        """Run reference and wrong answers; return all as JSON-ready data."""

        def results(function):
            return [
                checks.encode(as_result(self.observe, function, case))
                for case in self.cases(seed)
            ]

        return {
            "points": self.points,
            "observe": self.observe,
            "tolerance": self.tolerance,
            "same_dtype": self.same_dtype,
            "cases": [checks.encode(case) for case in self.cases(seed)],
            "expected": results(self.reference),
            "wrong": [
                {"message": one.message, "results": results(one.answer)}
                for one in self.wrong
            ],
            "hints": self.hints,
        }


@dataclass(frozen=True)
class Training:
    """How grading measures what a student trained, without trusting the notebook.

    After the notebook has run in the sandbox, `probe` is called there with held-out
    data; what it returns is measured outside, with what never entered.

    Attributes:
        points: shared out evenly over the numbers of the exercise's contract.
        inputs: takes a NumPy Generator; returns two dictionaries: what the sandbox
            is given (keyword arguments of `probe`: arrays and numbers) and what is
            kept outside, such as labels.
        probe: source text that defines `probe(...)`. It sees the notebook's names
            and returns arrays: predictions, or the weights of a model.
        measure: `measure(answer, given, kept)` returns the numbers by name. The
            answer is the student's claim: it may have any shape, and an exception
            that this raises counts as a wrong answer.
    """

    points: int
    inputs: Callable[[np.random.Generator], tuple[dict[str, Any], dict[str, Any]]]
    probe: str
    measure: Callable[[Any, dict[str, Any], dict[str, Any]], dict[str, float]]


def as_result(how: str, function: Callable, case: dict) -> Any:
    """What `checks` will find for this answer, refusals included."""
    try:
        found = checks.outcome(how, function, case)
        if isinstance(found, dict):
            found.pop("saying", None)  # names layers by counters; nobody compares it
        return found
    except checks.CheckFailed as error:
        raise ValueError(
            f"{function.__name__} cannot serve as an answer: {error}"
        ) from error


def import_file(path: Path, name: str) -> ModuleType:
    """Run a file as a module of this name; `import` does not know of it.

    Raises:
        FileNotFoundError: there is no such file.
    """
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no file of Python")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def load_module(stem: str, folder: Path = FOLDER) -> ModuleType:
    """Import the specifications of the exercise `03_vae`: TASKS, perhaps TRAINING."""
    return import_file(folder / f"{stem}.py", f"tasks_{stem}")


def load(stem: str, folder: Path = FOLDER) -> list[Task]:
    """Read the specifications of the tasks of the exercise `03_vae`."""
    return load_module(stem, folder).TASKS


def write(tasks: list[Task], path: Path) -> None:
    """Write the checks.json of an exercise."""
    lines = [f"{json.dumps(one.name)}: {json.dumps(one.as_data())}" for one in tasks]
    joined = ",\n".join(lines)
    text = f'{{"format": {checks.FORMAT}, "tasks": {{\n{joined}\n}}}}\n'
    path.write_text(text, encoding="utf-8")
