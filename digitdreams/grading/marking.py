"""Decide marks: run a submission in the sandbox, compare its answers outside."""

import hashlib
import hmac
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from digitdreams import checks, tasks
from digitdreams.course import Number
from digitdreams.grading import rebuild
from digitdreams.grading.exercise import TRAINING, Exercise
from digitdreams.grading.result import Result, State, TaskResult, without_marks
from digitdreams.grading.sandbox import Limits, Run, SandboxBroken, readable
from digitdreams.grading.wire import Message, WireError

GRACE = 2.0  # seconds that the program inside may be late in ending a step
START = 60.0  # seconds that a sandbox may take to start
STOPPED = {"OutOfTime": State.TIMEOUT, "MemoryError": State.MEMORY}


def hidden_seed(secret: str, stem: str, notebook: bytes) -> int:
    """The seed of a submission's hidden inputs.

    It depends on the submission, too: who learns the inputs of one attempt has
    learned nothing for the next.
    """
    content = stem.encode() + b"\0" + hashlib.sha256(notebook).digest()
    digest = hmac.new(secret.encode(), content, hashlib.sha256).digest()
    return int.from_bytes(digest[:16], "big")


# One question and its answers -------------------------------------------------------


Answers = list[Message]  # to all cases of one task, claims of the student's code


@dataclass
class Question:
    """A task, or the training, as one submission meets it.

    Attributes:
        name: of the task.
        max_points: what it is worth.
        asked: the entry of the job: what the sandbox is told.
        count: how many answers are expected.
        answers: the messages that came since it was asked last.
        answered: all that came whole: it is asked as soon as its cell has run, and at
            the end where what it hangs on has changed.
        times: how often it was asked in this run.
        settled: whether it is asked in no later run.
        state: how it ended without a comparison, None while it did not.
        message: why it did.
    """

    name: str
    max_points: float
    asked: Message
    count: int
    answers: Answers = field(default_factory=list)
    answered: list[Answers] = field(default_factory=list)
    times: int = 0
    settled: bool = False
    state: State | None = None
    message: str = ""

    @property
    def open(self) -> bool:
        return not self.answered and self.state is None

    def end(self, state: State, message: str) -> None:
        self.state, self.message = state, message

    def settle(self, state: State, message: str) -> None:
        self.end(state, message)
        self.settled = True

    def best(self) -> TaskResult:
        """The mark of the first right answers, else of the last ones."""
        marks = [self.mark(answers) for answers in self.answered]
        return max(reversed(marks), key=lambda mark: mark.points)

    def mark(self, answers: Answers) -> TaskResult:
        """Compare answers."""
        raise NotImplementedError


class TaskQuestion(Question):
    """A task: its reference and its wrong answers are called with the same inputs."""

    def __init__(self, task: tasks.Task, seed: int):
        self.task = task
        self.cases = task.hidden_cases(seed)
        self.expected = self.results(task.reference)
        asked = {"name": task.name, "observe": task.observe, "cases": self.cases}
        super().__init__(task.name, task.points, asked, len(self.cases))

    def results(self, function: Callable[..., Any]) -> list[Any]:
        return [
            tasks.as_result(self.task.observe, function, case) for case in self.cases
        ]

    def mark(self, answers: Answers) -> TaskResult:
        task = self.task
        result = TaskResult(task.name, 0, task.points, State.GRADED)
        answers = [as_found(answer) for answer in answers]
        for answer in answers:
            if "found" not in answer:
                blank = "blank" in answer
                unfit = answer.get("unfit", "one case found it, another one did not")
                result.message = "not started" if blank else safe_text(unfit)
                return result
        found = [answer["found"] for answer in answers]
        if self.agree(self.expected, found):
            result.points, result.message = task.points, "right"
            return result
        for number, wrong in enumerate(task.mistakes, start=1):
            if self.agree(self.results(wrong.answer), found):
                name = getattr(wrong.answer, "__name__", "<lambda>")
                name = f"wrong_{number}" if name == "<lambda>" else name
                result.message, result.mistake = wrong.message, f"{task.name}/{name}"
                return result
        pairs = zip(self.expected, found, strict=True)
        for number, (wanted, got) in enumerate(pairs, start=1):
            if not self.agree([wanted], [got]):
                result.message = f"hidden case {number}: {self.difference(wanted, got)}"
                break
        return result

    def agree(self, expected: list[Any], found: list[Any]) -> bool:
        # An answer may be of any shape and size: where it cannot even be compared
        # (and the reference can), it does not agree.
        try:
            with np.errstate(all="ignore"):
                return all(
                    checks.matches(wanted, simple(wanted, got), self.task.rule) is True
                    for wanted, got in zip(expected, found, strict=True)
                )
        except Exception:
            return False

    def difference(self, wanted: Any, found: Any) -> str:
        """What to tell the student about an answer that does not agree."""
        if is_raised(found):
            return safe_text(f"it raised {found['raised']}: {found['saying']}")
        if is_raised(wanted):
            return f"it should raise {wanted['raised']}"
        task = self.task
        try:
            found = simple(wanted, found)
            with np.errstate(all="ignore"):
                text = checks.difference(wanted, found, task.tolerance, task.same_dtype)
        except Exception:
            text = "the result is of another kind than expected"
        return safe_text(text)


class TrainingQuestion(Question):
    """The training: what the probe returns is measured here."""

    def __init__(
        self, training: tasks.Training, numbers: tuple[Number, ...], seed: int
    ):
        self.training = training
        self.numbers = numbers
        rng = np.random.default_rng([seed, len(TRAINING)])
        self.given, self.kept = self.training.inputs(rng)
        asked = {
            "name": TRAINING,
            "source": self.training.probe,
            "given": self.given,
        }
        super().__init__(TRAINING, self.training.points, asked, 1)

    def mark(self, answers: Answers) -> TaskResult:
        result = TaskResult(TRAINING, 0, self.max_points, State.GRADED)
        numbers = self.numbers
        answer = answers[0]
        if "value" not in answer:
            result.message = "the notebook gives nothing that could be measured"
            return result
        try:
            with np.errstate(all="ignore"):
                measured = self.training.measure(answer["value"], self.given, self.kept)
            wanted = (*numbers, *self.training.signs)
            values = {number.name: float(measured[number.name]) for number in wanted}
            if not all(math.isfinite(value) for value in values.values()):
                raise ValueError("it is not finite")
        except (MemoryError, OSError):
            raise  # this machine's failure, not the student's
        except Exception as error:
            result.message = safe_text(f"its result cannot be measured: {error}")
            return result
        for sign in self.training.signs:
            if not sign.reached(values[sign.name]):
                result.message = (
                    f"it shows no learning: {sign.label} {values[sign.name]:.4g}, to "
                    f"reach: {sign.side} {sign.bar:g}"
                )
                return result
        reached = [number for number in numbers if number.reached(values[number.name])]
        share = self.max_points * len(reached) / len(numbers)
        result.points = round(share, 2)
        result.message = "; ".join(
            f"{number.label} {values[number.name]:.4g}, to reach: {number.side} "
            f"{number.bar:g}" + ("" if number in reached else " (missed)")
            for number in numbers
        )
        return result


def as_found(answer: Message) -> Message:
    """Bring one message into the form that `checks.outcome` has."""
    if "value" in answer:
        value = answer["value"]
        if isinstance(value, dict) and "raised" in value:
            return {"unfit": "the result is a dictionary with the key 'raised'"}
        return {"found": value}
    if "raised" in answer:
        error = answer["raised"]
        return {"found": {"raised": error["type"], "saying": error["text"]}}
    return answer


FEW = 50  # parts of a list that may be written out in a message


def simple(wanted: Any, found: Any) -> Any:
    """An answer in which only lists that are wanted are long.

    Where something else is wanted, a long list is compared as the array that it is, or
    as a text that says what it is: nobody writes out a thousand arrays to say that they
    are wrong.
    """
    if isinstance(wanted, dict) and isinstance(found, dict) and not is_raised(found):
        return {key: simple(wanted.get(key), part) for key, part in found.items()}
    if not isinstance(found, (list, dict)) or is_raised(found):
        return found
    if isinstance(wanted, list) and len(wanted) == len(found):
        return [simple(*pair) for pair in zip(wanted, found, strict=True)]
    if isinstance(found, dict):
        return found if wanted is None else f"a dictionary of {len(found)} parts"
    if len(found) <= FEW and not any(isinstance(part, (list, dict)) for part in found):
        return found
    try:
        return np.asarray(found)
    except ValueError:
        return f"a list of {len(found)} parts that are not alike"


def is_raised(value: Any) -> bool:
    return isinstance(value, dict) and "raised" in value


def safe_text(text: Any) -> str:
    """Text that may come from a student, made fit to be shown."""
    return readable(str(text)[:500].encode("utf-8", errors="replace"))


# What may be said ---------------------------------------------------------------------

ERROR = {"type": 80, "text": 300, "line": 20}  # characters of each text


def is_text(value: Any) -> bool:
    return type(value) is str


def is_true(value: Any) -> bool:
    return value is True


def is_error(value: Any) -> bool:
    """Whether a value is what `inside.describe` makes of an error."""
    return (
        type(value) is dict
        and {"type", "text"} <= value.keys() <= ERROR.keys()
        and all(
            type(text) is str and len(text) <= ERROR[name]
            for name, text in value.items()
        )
    )


FORMS: dict[str, Callable[[Any], bool]] = {
    "ready": is_true,
    "cell": is_text,
    "fallback": is_text,
    "task": is_text,
    "ended": lambda value: value is None or is_error(value),
    "value": lambda value: True,  # plain data of any kind; `wire` bounds its size
    "raised": is_error,
    "unfit": is_text,
    "blank": is_true,
    "undefined": is_true,
    "finished": is_true,
}


def kind_of(message: Message) -> str:
    return next(iter(message))


def checked(message: Message) -> str:
    """The kind of a message, once its form is found right.

    Raises:
        WireError: no message has this form.
    """
    if len(message) != 1:
        raise WireError("a message says not one thing")
    ((kind, value),) = message.items()
    if kind not in FORMS or not FORMS[kind](value):
        raise WireError("a message has an unknown form")
    return kind


# The conversation with the sandbox --------------------------------------------------


TIMES = 3  # that a task may be asked in one run: twice after cells, once at the end


@dataclass
class Conversation:
    """Follows what the program inside says; everything it says is a claim.

    Attributes:
        cells: those that are run this time.
        questions: those that are asked this time.
        after: after which cells each is asked, by its name.
        limits: what the submission may use.
        seconds: what is left for the submission; starting the sandbox is not counted.
        errors: how cells ended that failed, by their name.
        fallbacks: the given cells that were run as the exercise has them.
        cell: the number of the last cell.
        question: what was asked after it last.
    """

    cells: list[rebuild.Cell]
    questions: list[Question]
    after: dict[str, list[str]]
    limits: Limits
    seconds: float
    errors: dict[str, dict[str, str]] = field(default_factory=dict)
    fallbacks: set[str] = field(default_factory=set)
    ready: bool = False
    cell: int = -1
    question: Question | None = None
    running: bool = False
    step_over: float = 0.0
    over: float = math.inf

    def __post_init__(self) -> None:
        self.step_over = time.monotonic() + START
        for question in self.questions:
            question.times = 0
            question.state, question.message = None, ""

    def deadline(self) -> float:
        return min(self.over, self.step_over)

    def seconds_left(self) -> float:
        return self.over - time.monotonic()

    def job(self, files: dict[str, bytes]) -> Message:
        return {
            "files": {
                name: np.frombuffer(content, "uint8") for name, content in files.items()
            },
            "cells": [
                {"name": cell.name, "source": cell.source, "own": cell.own}
                for cell in self.cells
            ],
            "tasks": [
                {**question.asked, "after": self.after.get(question.name, [])}
                for question in self.questions
            ],
            "cell_milliseconds": int(self.limits.cell * 1000),
            "task_milliseconds": int(self.limits.task * 1000),
        }

    def begin(self, seconds: float) -> None:
        self.running = True
        self.step_over = time.monotonic() + seconds + GRACE

    def receive(self, message: Message) -> None:
        """Take the next message.

        Raises:
            WireError: it is not what comes next.
        """
        kind = checked(message)
        if kind == "ready" and not self.ready:
            self.ready = True
            self.over = time.monotonic() + self.seconds
            self.step_over = time.monotonic() + GRACE + 5
        elif not self.ready:
            raise WireError("a message came out of turn")
        elif kind in ("cell", "fallback", "task") and not self.running:
            self.next_step(kind, message[kind])
        elif kind == "ended" and self.running:
            self.running = False
            self.step_over = time.monotonic() + GRACE + 5
            self.ended(message["ended"])
        elif kind in ("value", "raised", "unfit", "blank", "undefined"):
            current = self.question
            if not self.running or current is None:
                raise WireError("a message came out of turn")
            if len(current.answers) >= current.count:
                raise WireError("a message came out of turn")
            current.answers.append(message)
        elif kind != "finished":
            raise WireError("a message came out of turn")

    def next_step(self, kind: str, name: str) -> None:
        """Begin with a cell, the exercise's own in place of the last one, or a task."""
        if kind == "cell" and self.cell + 1 < len(self.cells):
            self.cell += 1
            self.question = None
            self.begin(self.limits.cell)
            return
        last = self.cells[self.cell] if self.cell >= 0 else None
        if kind == "fallback" and last and self.question is None:
            failed = last.own is not None and last.name in self.errors
            if failed and last.name == name and name not in self.fallbacks:
                self.fallbacks.add(name)
                self.begin(self.limits.cell)
                return
        for question in self.questions:
            if kind == "task" and question.name == name and question.times < TIMES:
                question.times += 1
                question.answers = []
                self.question = question
                self.begin(self.limits.task)
                return
        raise WireError("a message came out of turn")

    def ended(self, error: dict[str, str] | None) -> None:
        current = self.question
        if current is None:
            name = self.cells[self.cell].name
            if error and name not in self.fallbacks:
                self.errors[name] = error
            elif error:
                self.fallbacks.remove(name)  # it did not help
            return
        if error:
            state = STOPPED.get(error["type"], State.GRADED)
            current.end(state, f"it stopped with {safe_text(described(error))}")
            current.settled |= state is not State.GRADED
        elif [*map(kind_of, current.answers)] == ["undefined"]:
            current.end(State.MISSING, "there is no such function")
        elif len(current.answers) == current.count:
            current.answered.append(current.answers)
        else:
            raise WireError("a task ended before all its answers came")


def described(error: dict[str, str]) -> str:
    """An error inside, in words."""
    text = f"{error['type']}: {error['text']}"
    if error["type"] == "OutOfTime":
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
        self.rebuilt = rebuild.rebuild(notebook, exercise)
        seed = hidden_seed(secret, exercise.stem, notebook)
        self.questions: list[Question] = [
            TaskQuestion(task, seed) for task in exercise.tasks
        ]
        if exercise.training:
            self.questions.append(
                TrainingQuestion(exercise.training, exercise.numbers, seed)
            )
        self.left_out: dict[str, tuple[State, str]] = {}  # cell: how and why it ended
        self.fallbacks: set[str] = set()
        self.errors: dict[str, dict[str, str]] = {}
        self.state = State.GRADED
        self.peak_memory = 0.0
        self.output = ""

    def cells(self) -> list[rebuild.Cell]:
        """Those that are run next: none that ended a run before."""
        found = []
        for cell in self.rebuilt.cells:
            if cell.own is not None and cell.name in self.fallbacks:
                found.append(rebuild.Cell(cell.name, cell.own))
            elif cell.name not in self.left_out:
                found.append(cell)
        return found

    def run(self) -> None:
        """Run the notebook until every question is answered or given up."""
        seconds = self.limits.wall
        for attempt in range(self.limits.restarts + 1):
            talk = Conversation(
                cells=self.cells(),
                questions=[one for one in self.questions if not self.is_settled(one)],
                after=self.rebuilt.after,
                limits=self.limits,
                seconds=seconds,
            )
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
            self.fallbacks |= talk.fallbacks
            complete = not any(question.open for question in talk.questions)
            if ended.cause == "finished" and complete:
                return
            if ended.cause == "finished":
                ended.cause, ended.text = "crashed", "it ended before its time"
            if self.state is State.GRADED:
                self.state = State(ended.cause)
            self.blame(talk, State(ended.cause), ended.text)
            if seconds <= 0 or all(self.is_settled(one) for one in self.questions):
                break
        for question in self.questions:
            if not question.answered and not question.settled:
                question.end(State(ended.cause), f"not reached: {ended.text}")

    def is_settled(self, question: Question) -> bool:
        """Whether nothing that comes later changes its mark."""
        if question.settled or not question.answered:
            return question.settled
        question.settled = (
            isinstance(question, TrainingQuestion)
            or question.best().points == question.max_points
        )
        return question.settled

    def blame(self, talk: Conversation, state: State, text: str) -> None:
        """Charge the end of a run to the cell or task that was running, or ended."""
        current = talk.question
        if current is not None and not current.settled:
            current.settle(state, text)
            return
        following = [one for one in talk.questions if not one.times]
        number = max(talk.cell, 0) if current is None else talk.cell + 1
        if number < len(talk.cells):
            cell = talk.cells[number]
            if cell.own is not None and cell.name not in self.fallbacks:
                self.fallbacks.add(cell.name)
            else:
                self.left_out[cell.name] = (state, text)
        elif following:
            following[0].settle(state, text)

    def result(self) -> Result:
        marks = [self.mark(question) for question in self.questions]
        self.without_parts(marks)
        notes = list(self.rebuilt.notes)
        for name, (_, text) in self.left_out.items():
            notes.append(f"the cell {name} ended the run: {text}")
        for name, error in self.errors.items():
            said = f"the cell {name} stopped with {safe_text(described(error))}"
            if name in self.fallbacks:
                notes.append(f"{said}; the exercise's own was used")
            elif error["type"] != "NotImplementedError":
                notes.append(said)
        for name in self.fallbacks - self.errors.keys():
            notes.append(f"the cell {name} ended the run; the exercise's own was used")
        return Result(
            state=self.state,
            tasks=marks,
            peak_memory_mb=self.peak_memory,
            output=self.output,
            notes=notes,
            unsafe=self.unsafe,
        )

    def without_parts(self, marks: list[TaskResult]) -> None:
        """Take the points of a training whose parts are not right."""
        training = self.exercise.training
        if not training:
            return
        *parts, trained = marks
        wrong = [
            part.name
            for part in parts
            if part.name in training.needs and part.points < part.max_points
        ]
        if wrong and trained.points:
            trained.points = 0
            trained.message = (
                f"it counts once its parts are right: {', '.join(wrong)} "
                f"({trained.message})"
            )

    def mark(self, question: Question) -> TaskResult:
        if question.answered:
            return question.best()
        assert question.state is not None, "a question was forgotten"
        mark = TaskResult(
            question.name, 0, question.max_points, question.state, question.message
        )
        if mark.state is State.MISSING:
            self.explain_missing(mark)
        return mark

    def explain_missing(self, mark: TaskResult) -> None:
        """Say why a function does not exist: its cell may have failed."""
        for cell in self.exercise.cells:
            if cell.task != mark.name:
                continue
            if cell.name in self.left_out:
                mark.state, text = self.left_out[cell.name]
                mark.message = f"its cell ended the run: {text}"
            elif cell.name in self.errors:
                error = self.errors[cell.name]
                mark.state = STOPPED.get(error["type"], State.GRADED)
                mark.message = f"its cell stopped with {safe_text(described(error))}"


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
    except rebuild.Refused as error:
        result = without_marks(exercise.parts, State.REFUSED, safe_text(error))
    except Exception as error:
        # The machine's fault or the exercise's, never the student's.
        logging.getLogger(__name__).warning("grading failed", exc_info=True)
        text = safe_text(f"{type(error).__name__}: {error}")
        result = without_marks(exercise.parts, State.INFRASTRUCTURE, text)
    result.unsafe = unsafe
    result.seconds = round(time.monotonic() - started, 3)
    return result
