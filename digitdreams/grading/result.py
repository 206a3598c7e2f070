"""The outcome of grading one submission, as it travels from worker to gradebook."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple


class State(StrEnum):
    """How a submission, or one of its tasks, ended."""

    GRADED = "graded"
    TIMEOUT = "timeout"
    MEMORY = "memory"
    CRASHED = "crashed"
    REFUSED = "refused"  # the file is no notebook that can be run
    MISSING = "missing"
    INFRASTRUCTURE = "infrastructure"  # this machine failed: nobody's mark


FOR_A_PERSON = frozenset({State.REFUSED, State.CRASHED})


class Part(NamedTuple):
    """One graded cell of an exercise: its task, or "training", and what it is worth."""

    name: str
    max_points: float


@dataclass
class TaskResult:
    """The mark of one task.

    Attributes:
        name: of the task, "training" for the training.
        points: earned; 0 unless the answers were compared and found right.
        max_points: what the task is worth.
        state: how it ended.
        message: what to tell the student, plain text; may quote the student's code.
        mistake: which known wrong answer was recognised: `task/function`.
    """

    name: str
    points: float
    max_points: float
    state: State
    message: str = ""
    mistake: str | None = None


@dataclass
class Result:
    """The outcome of grading one submission.

    Attributes:
        state: `GRADED`, or the first thing that stopped the run.
        tasks: one entry for each task, in the exercise's order.
        seconds: wall clock.
        peak_memory_mb: of the tree of processes.
        output: what the notebook printed, plain text, its first part.
        notes: about missing, doubled, moved and failing cells.
        unsafe: whether it ran without a sandbox.
    """

    state: State
    tasks: list[TaskResult] = field(default_factory=list)
    seconds: float = 0.0
    peak_memory_mb: float = 0.0
    output: str = ""
    notes: list[str] = field(default_factory=list)
    unsafe: bool = False

    @property
    def points(self) -> float:
        return sum(task.points for task in self.tasks)

    @property
    def max_points(self) -> float:
        return sum(task.max_points for task in self.tasks)

    @property
    def needs_person(self) -> bool:
        """Whether a person should look at it."""
        states = {self.state, *(task.state for task in self.tasks)}
        missing = self.state is State.MISSING
        return missing or self.unsafe or bool(states & FOR_A_PERSON)

    def as_dict(self) -> dict[str, Any]:
        """As data for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> "Result":
        """Read what `as_dict` wrote."""
        tasks = [
            TaskResult(**{**task, "state": State(task["state"])})
            for task in content["tasks"]
        ]
        return cls(**{**content, "state": State(content["state"]), "tasks": tasks})


def without_marks(parts: Iterable[Part], state: State, reason: str) -> Result:
    """A result without points, for a submission that was not run; it says why."""
    tasks = [TaskResult(name, 0, points, state) for name, points in parts]
    for first in tasks[:1]:
        first.message = reason
    return Result(state, tasks, notes=[reason])


class SubmittedCell(NamedTuple):
    """A cell as it was handed in; its name is None where its id is none of ours."""

    name: str | None
    kind: str
    source: str


@dataclass(frozen=True)
class Graded:
    """What a worker sends back: the result, and the cells that were handed in."""

    result: Result
    cells: tuple[SubmittedCell, ...] = ()
