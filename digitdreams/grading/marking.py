"""Decide marks: run a submission in the sandbox, compare its answers outside."""

import hashlib
import hmac
import logging
import math
import time
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from digitdreams import checks, tasks
from digitdreams.grading import rebuild as rebuilding
from digitdreams.grading.exercise import TRAINING, Exercise
from digitdreams.grading.sandbox import Limits, Run, SandboxBroken, readable
from digitdreams.grading.wire import WireError

GRACE = 2.0  # seconds that the program inside may be late in ending a step
START = 60.0  # seconds that a sandbox may take to start
STATES = (
    "graded",
    "timeout",
    "memory",
    "crashed",
    "refused",
    "missing",
    "infrastructure",
)
STOPPED = {"OutOfTime": "timeout", "MemoryError": "memory"}


@dataclass
class TaskResult:
    """The mark of one task.

    Attributes:
        name: of the task, "training" for the training.
        points: earned; 0 unless the answers were compared and found right.
        max_points: what the task is worth.
        state: one of `STATES`.
        message: what to tell the student, plain text; may quote the student's code.
        mistake: which known wrong answer was recognised: `task/function`.
    """

    name: str
    points: float
    max_points: float
    state: str
    message: str = ""
    mistake: str | None = None


@dataclass
class Result:
    """The outcome of grading one submission.

    Attributes:
        state: "graded", or the first thing that stopped the run.
        tasks: one entry for each task, in the exercise's order.
        seconds: wall clock.
        peak_memory_mb: of the tree of processes.
        output: what the notebook printed, plain text, its first part.
        notes: about missing, doubled, moved and failing cells.
        unsafe: whether it ran without a sandbox.
        text: the source text of the submission's code cells.
    """

    state: str
    tasks: list[TaskResult]
    seconds: float = 0.0
    peak_memory_mb: float = 0.0
    output: str = ""
    notes: list[str] = field(default_factory=list)
    unsafe: bool = False
    text: str = ""

    @property
    def points(self) -> float:
        return sum(task.points for task in self.tasks)

    @property
    def max_points(self) -> float:
        return sum(task.max_points for task in self.tasks)

    def as_dict(self) -> dict:
        """As data for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: dict) -> "Result":
        """Read what `as_dict` wrote."""
        entries = [TaskResult(**one) for one in content["tasks"]]
        return cls(**{**content, "tasks": entries})


def hidden_seed(secret: str, stem: str, notebook: bytes) -> int:
    """The seed of a submission's hidden inputs.

    It depends on the submission, too: who learns the inputs of one attempt has
    learned nothing for the next.
    """
    content = stem.encode() + b"\0" + hashlib.sha256(notebook).digest()
    digest = hmac.new(secret.encode(), content, hashlib.sha256).digest()
    return int.from_bytes(digest[:16], "big")


# One question and its answers -------------------------------------------------------


@dataclass
class Question:
    """A task, or the training, as one submission meets it.

    Attributes:
        name: of the task.
        max_points: what it is worth.
        asked: the entry of the job: what the sandbox is told.
        count: how many answers are expected.
        answers: the messages that came, claims of the student's code.
        state: None while it is open.
        message: why it ended without a comparison.
    """

    name: str
    max_points: float
    asked: dict
    count: int
    answers: list[dict] = field(default_factory=list)
    state: str | None = None
    message: str = ""


class TaskQuestion(Question):
    def __init__(self, task: tasks.Task, seed: int):
        self.task = task
        self.cases = task.cases(seed)
        self.expected = self.results(task.reference)
        asked = {"name": task.name, "observe": task.observe, "cases": self.cases}
        super().__init__(task.name, task.points, asked, len(self.cases))

    def results(self, function) -> list:
        return [
            tasks.as_result(self.task.observe, function, case) for case in self.cases
        ]

    def mark(self) -> TaskResult:
        task = self.task
        result = TaskResult(task.name, 0, task.points, "graded")
        found = [as_found(one) for one in self.answers]
        for one in found:
            if "found" not in one:
                result.message = "not started" if "blank" in one else told(one["unfit"])
                return result
        found = [one["found"] for one in found]
        if self.agree(self.expected, found):
            result.points, result.message = task.points, "right"
            return result
        for number, wrong in enumerate(task.wrong, start=1):
            if self.agree(self.results(wrong.answer), found):
                name = getattr(wrong.answer, "__name__", "<lambda>")
                name = f"wrong_{number}" if name == "<lambda>" else name
                result.message, result.mistake = wrong.message, f"{task.name}/{name}"
                return result
        pairs = zip(self.expected, found, strict=True)
        for number, (wanted, one) in enumerate(pairs, start=1):
            if not self.agree([wanted], [one]):
                result.message = f"hidden case {number}: {self.said(wanted, one)}"
                break
        return result

    def agree(self, expected: list, found: list) -> bool:
        terms = {"tolerance": self.task.tolerance, "same_dtype": self.task.same_dtype}
        # An answer may be of any shape and size: where it cannot even be compared
        # (and the reference can), it does not agree.
        try:
            with np.errstate(all="ignore"):
                return all(
                    checks.matches(one, other, terms) is True
                    for one, other in zip(expected, found, strict=True)
                )
        except Exception:
            return False

    def said(self, wanted: Any, found: Any) -> str:
        if is_raised(found):
            return told(f"it raised {found['raised']}: {found['saying']}")
        if is_raised(wanted):
            return f"it should raise {wanted['raised']}"
        task = self.task
        try:
            with np.errstate(all="ignore"):
                text = checks.difference(wanted, found, task.tolerance, task.same_dtype)
        except Exception:
            text = "the result is of another kind than expected"
        return told(text)


class TrainingQuestion(Question):
    def __init__(self, exercise: Exercise, seed: int):
        self.training = exercise.training
        self.numbers = exercise.numbers
        rng = np.random.default_rng([seed, len(TRAINING)])
        self.given, self.kept = self.training.inputs(rng)
        asked = {
            "name": TRAINING,
            "source": self.training.probe,
            "given": self.given,
        }
        super().__init__(TRAINING, self.training.points, asked, 1)

    def mark(self) -> TaskResult:
        result = TaskResult(TRAINING, 0, self.max_points, "graded")
        answer = self.answers[0]
        if "value" not in answer:
            result.message = "the notebook gives nothing that could be measured"
            return result
        try:
            with np.errstate(all="ignore"):
                measured = self.training.measure(answer["value"], self.given, self.kept)
            values = {one.name: float(measured[one.name]) for one in self.numbers}
            if not all(math.isfinite(one) for one in values.values()):
                raise ValueError("it is not finite")
        except (MemoryError, OSError):
            raise  # this machine's failure, not the student's
        except Exception as error:
            result.message = told(f"its result cannot be measured: {error}")
            return result
        reached = [one for one in self.numbers if one.reached(values[one.name])]
        share = self.max_points * len(reached) / len(self.numbers)
        result.points = round(share, 2)
        result.message = "; ".join(
            f"{one.label} {values[one.name]:.4g}, to reach: {one.sense} {one.bar:g}"
            + ("" if one in reached else " (missed)")
            for one in self.numbers
        )
        return result


def as_found(answer: dict) -> dict:
    """Bring one message into the form that `checks.outcome` has."""
    if "value" in answer:
        value = answer["value"]
        if isinstance(value, dict) and "raised" in value:
            return {"unfit": "the result is a dictionary with the key 'raised'"}
        return {"found": value}
    if "raised" in answer:
        error = answer["raised"]
        if not isinstance(error, dict):
            raise WireError("a message has an error without a type")
        return {
            "found": {
                "raised": str(error.get("type"))[:80],
                "saying": str(error.get("text"))[:300],
            }
        }
    return answer


def is_raised(value: Any) -> bool:
    return isinstance(value, dict) and "raised" in value


def told(text: Any) -> str:
    """Text that may come from a student, made fit to be shown."""
    return readable(str(text)[:500].encode("utf-8", errors="replace"))


# The conversation with the sandbox --------------------------------------------------


@dataclass
class Conversation:
    """Follows what the program inside says; everything it says is a claim.

    Attributes:
        cells: those that are run this time.
        questions: those that are asked this time.
        limits: what the submission may use.
        seconds: what is left for the submission; starting the sandbox is not counted.
    """

    cells: list[rebuilding.Cell]
    questions: list[Question]
    limits: Limits
    seconds: float
    errors: dict[str, dict] = field(default_factory=dict)
    ready: bool = False
    cell: int = -1
    question: int = -1
    running: bool = False
    step_over: float = 0.0
    over: float = math.inf

    def __post_init__(self):
        self.step_over = time.monotonic() + START

    def deadline(self) -> float:
        return min(self.over, self.step_over)

    def seconds_left(self) -> float:
        return self.over - time.monotonic()

    def job(self, files: dict[str, bytes]) -> dict:
        return {
            "files": {
                name: np.frombuffer(content, "uint8") for name, content in files.items()
            },
            "cells": [{"name": one.name, "source": one.source} for one in self.cells],
            "tasks": [one.asked for one in self.questions],
            "cell_milliseconds": int(self.limits.cell * 1000),
            "task_milliseconds": int(self.limits.task * 1000),
        }

    def begin(self, seconds: float) -> None:
        self.running = True
        self.step_over = time.monotonic() + seconds + GRACE

    def receive(self, message: dict) -> None:
        """Take the next message.

        Raises:
            WireError: it is not what comes next.
        """
        kind = next(iter(message), None)
        if kind == "ready" and not self.ready:
            self.ready = True
            self.over = time.monotonic() + self.seconds
            self.step_over = time.monotonic() + GRACE + 5
        elif not self.ready or len(message) != 1:
            raise WireError("a message came out of turn")
        elif kind == "cell" and not self.running and self.question < 0:
            if self.cell + 1 >= len(self.cells):
                raise WireError("a message came out of turn")
            self.cell += 1
            self.begin(self.limits.cell)
        elif kind == "task" and not self.running:
            if self.question + 1 >= len(self.questions):
                raise WireError("a message came out of turn")
            self.question += 1
            self.begin(self.limits.task)
        elif kind == "ended" and self.running:
            self.running = False
            self.step_over = time.monotonic() + GRACE + 5
            self.ended(message["ended"])
        elif kind in ("value", "raised", "unfit", "blank", "undefined"):
            if not self.running or self.question < 0:
                raise WireError("a message came out of turn")
            current = self.questions[self.question]
            if len(current.answers) >= current.count:
                raise WireError("a message came out of turn")
            as_found(message)
            current.answers.append(message)
        elif kind != "finished":
            raise WireError("a message came out of turn")

    def ended(self, error: Any) -> None:
        if error is not None and not isinstance(error, dict):
            raise WireError("a message came out of turn")
        if self.question < 0:
            if error:
                self.errors[self.cells[self.cell].name] = error
            return
        current = self.questions[self.question]
        if error and "type" in error:
            current.state = STOPPED.get(str(error["type"]), "graded")
            current.message = f"it stopped with {told(described(error))}"
        elif current.answers[:1] == [{"undefined": True}]:
            current.state = "missing"
            current.message = "there is no such function"
        elif len(current.answers) == current.count:
            current.state = "answered"
        else:
            raise WireError("a task ended before all its answers came")


def described(error: dict) -> str:
    text = f"{error.get('type')}: {error.get('text')}"
    if error.get("type") == "OutOfTime":
        text = "its time used up"
    return text + (f" (line {error['line']})" if "line" in error else "")


class Grading:
    """The grading of one submission; see `grade`."""

    def __init__(
        self,
        notebook: bytes,
        exercise: Exercise,
        secret: str,
        limits: Limits,
        unsafe: bool,
    ):
        self.exercise = exercise
        self.limits = limits
        self.unsafe = unsafe
        self.rebuilt = rebuilding.rebuild(notebook, exercise)
        seed = hidden_seed(secret, exercise.stem, notebook)
        self.questions: list[Question] = [
            TaskQuestion(task, seed) for task in exercise.tasks
        ]
        if exercise.training:
            self.questions.append(TrainingQuestion(exercise, seed))
        self.left_out: dict[str, tuple[str, str]] = {}  # cell: cause and text
        self.errors: dict[str, dict] = {}
        self.state = "graded"
        self.peak_memory = 0.0
        self.output = ""

    def run(self) -> None:
        """Run the notebook until every question is answered or given up."""
        seconds = self.limits.wall
        for attempt in range(self.limits.restarts + 1):
            open_questions = [one for one in self.questions if one.state is None]
            talk = Conversation(
                cells=[c for c in self.rebuilt.cells if c.name not in self.left_out],
                questions=open_questions,
                limits=self.limits,
                seconds=seconds,
            )
            for one in open_questions:
                one.answers.clear()
            files = {checks.FILE_NAME: self.exercise.checks.encode()}
            ended = Run(
                talk.job(files if self.exercise.checks else {}),
                self.limits,
                receive=talk.receive,
                deadline=talk.deadline,
                shown=self.exercise.view,
                unsafe=self.unsafe,
            )()
            if not talk.ready:
                raise SandboxBroken(f"{ended.text}: {ended.output[-500:]}")
            seconds = talk.seconds_left()
            self.peak_memory = max(self.peak_memory, ended.peak_memory)
            if attempt == 0:
                self.output = ended.output
            self.errors.update(talk.errors)
            if ended.cause == "finished" and all(
                one.state is not None for one in open_questions
            ):
                return
            if ended.cause == "finished":
                ended.cause, ended.text = "crashed", "it ended before its time"
            if self.state == "graded":
                self.state = ended.cause
            self.blame(talk, ended)
            if seconds <= 0 or all(q.state for q in self.questions):
                break
        for one in self.questions:
            if one.state is None:
                one.state, one.message = ended.cause, f"not reached: {ended.text}"

    def blame(self, talk: Conversation, ended) -> None:
        """Charge the end of a run to the cell or task that was running."""
        if talk.question >= 0:
            current = talk.questions[talk.question]
            if current.state is None:
                current.state, current.message = ended.cause, ended.text
                return
            # It ended between two tasks: ask the next one alone.
            following = talk.questions[talk.question + 1 :]
            if following:
                following[0].state, following[0].message = ended.cause, ended.text
            return
        if talk.cells:
            name = talk.cells[max(talk.cell, 0)].name
            self.left_out[name] = (ended.cause, ended.text)

    def result(self) -> Result:
        entries = [self.mark(one) for one in self.questions]
        notes = list(self.rebuilt.notes)
        for name, (_, text) in self.left_out.items():
            notes.append(f"the cell {name} ended the run: {text}")
        for name, error in self.errors.items():
            if error.get("type") != "NotImplementedError":
                notes.append(f"the cell {name} stopped with {told(described(error))}")
        return Result(
            state=self.state,
            tasks=entries,
            peak_memory_mb=self.peak_memory,
            output=self.output,
            notes=notes,
            unsafe=self.unsafe,
            text=self.rebuilt.text,
        )

    def mark(self, question: Question) -> TaskResult:
        if question.state == "answered":
            return question.mark()
        entry = TaskResult(
            question.name, 0, question.max_points, question.state, question.message
        )
        if question.state == "missing":
            self.explain_missing(entry)
        return entry

    def explain_missing(self, entry: TaskResult) -> None:
        """Say why a function does not exist: its cell may have failed."""
        for cell in self.exercise.cells:
            if cell.task != entry.name:
                continue
            if cell.name in self.left_out:
                entry.state, text = self.left_out[cell.name]
                entry.message = f"its cell ended the run: {text}"
            elif cell.name in self.errors:
                error = self.errors[cell.name]
                entry.state = STOPPED.get(error.get("type"), "graded")
                entry.message = f"its cell stopped with {told(described(error))}"


def grade(
    notebook: bytes,
    exercise: Exercise,
    secret: str,
    limits: Limits | None = None,
    unsafe: bool = False,
) -> Result:
    """Grade one submission.

    Args:
        notebook: the file as it was handed in.
        exercise: what it is compared with.
        secret: the course's secret, from which the hidden inputs follow.
        limits: what the submission may use.
        unsafe: run without a sandbox; for one's own work only.

    Returns:
        The result. Its state is "infrastructure" where this machine failed: then no
        mark was decided, and it should be tried again.
    """
    started = time.monotonic()
    limits = limits or Limits()
    try:
        grading = Grading(notebook, exercise, secret, limits, unsafe)
        grading.run()
        result = grading.result()
    except rebuilding.Refused as error:
        result = without_marks(exercise, "refused", told(error))
    except Exception as error:
        # The machine's fault or the exercise's, never the student's.
        logging.getLogger(__name__).warning("grading failed", exc_info=True)
        text = told(f"{type(error).__name__}: {error}")
        result = without_marks(exercise, "infrastructure", text)
    result.unsafe = unsafe
    result.seconds = round(time.monotonic() - started, 3)
    return result


def without_marks(exercise: Exercise, state: str, message: str) -> Result:
    """A result without points, for a submission that was not run."""
    worth = [(task.name, task.points) for task in exercise.tasks]
    if exercise.training:
        worth.append((TRAINING, exercise.training.points))
    entries = [TaskResult(name, 0, points, state, message) for name, points in worth]
    return Result(state=state, tasks=entries, notes=[message])
