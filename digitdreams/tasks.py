"""Task specifications: the author's side of an exercise.

One specification serves the check in the notebook (as data, see `checks`), the
tests of that check, and grading with inputs that nobody has seen. A file of
specifications reads like this:

    @task(points=2, inputs=some_numbers, hints=["Think.", "Think of **."])
    def squares(values):
        return values**2

    @squares.also_right
    def squares_as_products(values):
        return values * values

    @squares.wrong("You doubled the values: multiply each by itself.")
    def doubled(values):
        return 2 * values

The order of the wrong answers is that in which an answer is compared with them.
"""

import functools
import importlib.util
import inspect
import json
import zlib
from collections.abc import Callable, Iterable
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, Concatenate, ParamSpec, TypeVar

import numpy as np

from digitdreams import checks
from digitdreams.course import Number
from digitdreams.files import ROOT, write_atomically

FOLDER = ROOT / "sources" / "tasks"
NOTEBOOK_SEED = 20  # inputs of the checks that students see; grading uses others

Answer = Callable[..., Any]
Case = dict[str, Any]  # keyword arguments of one call
Inputs = Callable[[np.random.Generator], Iterable[Case]]

Settings = ParamSpec("Settings")
AnyAnswer = TypeVar("AnyAnswer", bound=Answer)
AnySpecification = TypeVar("AnySpecification", bound="Specification")


@dataclass(frozen=True)
class Wrong:
    """A plausible wrong answer and what to say to the one who gives it."""

    answer: Answer
    message: str


@dataclass(eq=False)
class Specification:
    """What a function has to do: inputs, and answers to them, right and wrong.

    It can be called like its reference, so that wrong answers can build on it.

    Attributes:
        reference: the right answer; the specification has its name.
        inputs: takes a NumPy Generator, yields dictionaries of keyword arguments.
        hints: from gentle to nearly the solution.
        tolerance: |found - expected| may be this times (1 + |expected|).
        observe: one of the names in `checks.OBSERVE`.
        same_dtype: whether the arrays' type has to agree, too.
        right: right answers, the reference first.
        mistakes: plausible wrong answers in the order in which they are compared.
    """

    reference: Answer
    _: KW_ONLY
    inputs: Inputs
    hints: list[str]
    tolerance: float = 1e-4
    observe: str = "value"
    same_dtype: bool = False
    right: list[Answer] = field(init=False)
    mistakes: list[Wrong] = field(init=False)

    def __post_init__(self) -> None:
        functools.update_wrapper(self, self.reference)
        self.right = [self.reference]
        self.mistakes = []

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Give the reference's answer."""
        return self.reference(*arguments, **named)

    @property
    def name(self) -> str:
        """The name of the function to write."""
        return self.reference.__name__

    @property
    def signature(self) -> str:
        """The head of the function to write, such as `def squares(values):`."""
        return f"def {self.name}{inspect.signature(self.reference)}:"

    def also_right(self, answer: AnyAnswer) -> AnyAnswer:
        """Add a right answer that is written differently."""
        self.right.append(answer)
        return answer

    def wrong(self, message: str) -> Callable[[AnyAnswer], AnyAnswer]:
        """Add a wrong answer and what to say to the one who gives it."""

        def add(answer: AnyAnswer) -> AnyAnswer:
            self.mistakes.append(Wrong(answer, message))
            return answer

        return add

    @property
    def rule(self) -> dict[str, Any]:
        """What `checks.matches` has to know of the task."""
        return {"tolerance": self.tolerance, "same_dtype": self.same_dtype}

    def cases(self, seed: int) -> list[Case]:
        """Generate the inputs that belong to a seed."""
        rng = np.random.default_rng([seed, zlib.crc32(self.name.encode())])
        return list(self.inputs(rng))

    def as_data(self, seed: int = NOTEBOOK_SEED) -> dict[str, Any]:
        """Run reference and wrong answers; return all as JSON-ready data."""

        def results(answer: Answer) -> list[Any]:
            return [
                checks.encode(as_result(self.observe, answer, case))
                for case in self.cases(seed)
            ]

        return {
            "observe": self.observe,
            **self.rule,
            "cases": [checks.encode(case) for case in self.cases(seed)],
            "expected": results(self.reference),
            "wrong": [
                {"message": one.message, "results": results(one.answer)}
                for one in self.mistakes
            ],
            "hints": self.hints,
        }


@dataclass(eq=False)
class Task(Specification):
    """One blank of an exercise, and what it is worth; made with `task`.

    Attributes:
        points: what it is worth.
        draws: how often grading draws the inputs. An answer that is one small number,
            such as a share or a count, could be guessed: several draws ask for many.
    """

    _: KW_ONLY
    points: int
    draws: int = 1

    def hidden_cases(self, seed: int) -> list[Case]:
        """Generate the inputs that grading asks for, `draws` times as many."""
        seeds = range(seed, seed + self.draws)
        return [case for each in seeds for case in self.cases(each)]

    def as_data(self, seed: int = NOTEBOOK_SEED) -> dict[str, Any]:
        """Run reference and wrong answers; return all as JSON-ready data."""
        return {"points": self.points, **super().as_data(seed)}


def decorator(
    kind: Callable[Concatenate[Answer, Settings], AnySpecification],
) -> Callable[Settings, Callable[[Answer], AnySpecification]]:
    """Turn a class of specifications into a decorator of their references."""

    def with_settings(
        *arguments: Settings.args, **named: Settings.kwargs
    ) -> Callable[[Answer], AnySpecification]:
        return lambda reference: kind(reference, *arguments, **named)

    return with_settings


task = decorator(Task)


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
        needs: the tasks whose functions it trains with: it counts once they are right.
        signs: numbers beside those of the contract that `measure` returns, too. Where
            one is missed, nothing was learned, and no point is earned.
        measured: in words, what is measured on what.
    """

    points: int
    inputs: Callable[[np.random.Generator], tuple[dict[str, Any], dict[str, Any]]]
    probe: str
    measure: Callable[[Any, dict[str, Any], dict[str, Any]], dict[str, float]]
    needs: tuple[str, ...] = ()
    signs: tuple[Number, ...] = ()
    measured: str = "measured on test images, from the weights"


def as_result(how: str, function: Answer, case: Case) -> Any:
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
    """Import the specifications of the exercise `03_vae`: tasks, perhaps TRAINING."""
    return import_file(folder / f"{stem}.py", f"tasks_{stem}")


def specified(
    module: ModuleType, kind: type[AnySpecification]
) -> list[AnySpecification]:
    """The specifications of a kind that a module defines, in its order."""
    found = (one for one in vars(module).values() if isinstance(one, kind))
    return list(dict.fromkeys(found))  # one that has two names counts once


def load(stem: str, folder: Path = FOLDER) -> list[Task]:
    """Read the specifications of the tasks of the exercise `03_vae`."""
    return specified(load_module(stem, folder), Task)


def write(tasks: list[Task], path: Path) -> None:
    """Write the checks.json of an exercise."""
    lines = [f"{json.dumps(one.name)}: {json.dumps(one.as_data())}" for one in tasks]
    joined = ",\n".join(lines)
    text = f'{{"format": {checks.FORMAT}, "tasks": {{\n{joined}\n}}}}\n'
    write_atomically(path, text)
