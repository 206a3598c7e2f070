"""A mock interview: warm-up, concepts, derivation, coding, design.

Each section draws items, a question or a problem each, which know how they are asked
and scored; `report` writes what came of it.
"""

import random
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import ClassVar, Generic, TypeVar

from digitdreams import files
from digitdreams.interview import answers, bank, practice, report, screen
from digitdreams.interview.bank import Question, Text
from digitdreams.interview.judging import State
from digitdreams.interview.problems import Problem
from digitdreams.interview.search import companion

Asked = TypeVar("Asked", Question, Problem)

RUBRIC = (
    Text(
        "Asked what is needed: users, quality, latency, budget, data",
        "问清了需求：用户、质量、延迟、预算、数据",
    ),
    Text(
        "Began with a simple baseline and said when it is enough",
        "先给出简单的基线，并说明它何时就够用",
    ),
    Text(
        "Gave numbers: data, parameters, memory, time, cost",
        "给出了数字：数据量、参数量、内存、时间、成本",
    ),
    Text(
        "Named how it can fail and how one would see that",
        "说出了可能的失败方式，以及如何发现",
    ),
    Text(
        "Weighed at least two ways and decided",
        "比较了至少两种方案并做出取舍",
    ),
)


# Items --------------------------------------------------------------------------------


@dataclass
class Item(ABC, Generic[Asked]):
    """A question or a problem of an interview, and how it went.

    Attributes:
        score: the share of its points, 0 to 1.
        answer: what the reader wrote.
        seconds: that it took.
        detail: the score in words, such as "3 of 4" or "right, 2 checks, 1 hint".
    """

    section: "Section"
    asked: Asked
    done: bool = False
    score: float = 0.0
    answer: str = ""
    seconds: float = 0.0
    detail: str = ""

    show: ClassVar[str]  # the command that shows it, without its id

    @abstractmethod
    def hold(self, interview: "Interview") -> None:
        """Ask it at the terminal; note answer and score, also where that is stopped.

        Raises:
            Stopped: the reader ended the interview.
        """

    @abstractmethod
    def statement(self, language: str) -> str:
        """What is asked, as Markdown."""

    @abstractmethod
    def summary(self, language: str) -> str:
        """What to take home, as Markdown: the short answer, or a problem's title."""

    @abstractmethod
    def practised_by(self, problems: Sequence[Problem]) -> Problem | None:
        """The problem to practise with."""

    def code(self) -> str | None:
        """The broken program of a bug hunt."""
        return None

    def good_answer(self, language: str) -> str | None:
        """A good answer as Markdown, where there is one in words."""
        return None

    def sources(self) -> tuple[str, ...]:
        """Where the good answer comes from."""
        return ()

    def ratings(self, language: str) -> list[tuple[str, int]]:
        """The criteria that were rated, with 0, 1 or 2 points each."""
        return []


@dataclass
class QuestionItem(Item[Question]):
    """A question that is answered in words."""

    show = "digitdreams questions show"

    def hold(self, interview: "Interview") -> None:
        """Answer, follow-up, then the whole answer and a rating."""
        out, language, question = interview.out, interview.language, self.asked
        screen.show_question(out, question, language)
        out.print(
            "\nAnswer aloud and press Enter, or write and end with an empty line.",
            style="dim",
        )
        lines: list[str] = []
        try:
            screen.write_answer(lines)
            for follow_up in question.follow_ups[:1]:
                out.print(screen.markdown(follow_up.question.in_language(language)))
                lines.append("")
                screen.write_answer(lines)
        finally:
            self.answer = "\n".join(lines).strip()
        problem = self.practised_by(interview.problems)
        screen.show_answer(out, question, language, problem)
        self.rate(interview)
        self.done = True

    def rate(self, interview: "Interview") -> None:
        """Let the reader say how well it went."""
        choice = screen.choose(
            interview.out,
            "\nHow was it? 1 missed, 2 partly, 3 right, 4 right and complete",
            "rating: ",
            "1234",
        )
        self.score = (int(choice) - 1) / 3
        self.detail = f"{choice} of 4"

    def statement(self, language: str) -> str:
        """The question."""
        return self.asked.question.in_language(language)

    def summary(self, language: str) -> str:
        """The short answer."""
        return self.asked.short.in_language(language)

    def practised_by(self, problems: Sequence[Problem]) -> Problem | None:
        """The closest problem, where one is close."""
        return companion(self.asked, problems)

    def good_answer(self, language: str) -> str | None:
        """The long answer."""
        return self.asked.answer.in_language(language)

    def sources(self) -> tuple[str, ...]:
        """The sources of the answer."""
        return self.asked.sources


@dataclass
class DesignItem(QuestionItem):
    """A question of design, rated by criteria worth 0, 1 or 2 points each."""

    points: list[int] = field(default_factory=list)

    @property
    def criteria(self) -> tuple[Text, ...]:
        """What is rated: the question's own rubric, else the one for every design."""
        return self.asked.rubric or RUBRIC

    def rate(self, interview: "Interview") -> None:
        """Let the reader rate each criterion."""
        out = interview.out
        out.print("\nRate your design: 0 no, 1 partly, 2 yes.", style="bold")
        for criterion in self.criteria:
            text = criterion.in_language(interview.language)
            self.points.append(int(screen.choose(out, text, "points: ", "012")))
        most = 2 * len(self.criteria)
        self.score = sum(self.points) / most
        self.detail = f"{sum(self.points)} of {most}"

    def ratings(self, language: str) -> list[tuple[str, int]]:
        """The criteria that were rated."""
        return [  # it may have been stopped
            (criterion.in_language(language), points)
            for criterion, points in zip(self.criteria, self.points, strict=False)
        ]


@dataclass
class CodingItem(Item[Problem]):
    """A coding problem or a bug hunt, checked by running it."""

    show = "digitdreams problems show"

    def hold(self, interview: "Interview") -> None:
        """A file, an editor, checks and hints."""
        out, problem, notebook = interview.out, self.asked, interview.notebook
        screen.show_problem(out, problem, interview.language)
        path = practice.start(problem, interview.language, notebook, interview.folder)
        out.print(f"\nYour file: {path}", markup=False, soft_wrap=True)
        editor = practice.editor()
        if editor and sys.stdin.isatty() and not notebook:
            interview.open_editor(editor, path)
        else:
            opener = "jupyter lab" if notebook else "your editor"
            out.print(f"Open it with {opener}; come back here to check it.")
        checks = hints = 0
        right = False
        self.detail = "not solved"
        try:
            while not right:
                out.print("\nEnter check, h hint, e editor, s give up, q end")
                letter = screen.ask("coding: ").lower()[:1]
                if letter == "q":
                    raise screen.Stopped("you typed q")
                if letter == "s":
                    break
                if letter == "h":
                    known = problem.hints
                    hints = min(hints + 1, len(known))
                    text = f"Hint {hints} of {len(known)}: {known[hints - 1]}"
                    out.print(text, markup=False)
                elif letter == "e" and editor:
                    interview.open_editor(editor, path)
                elif letter == "e":
                    out.print("Set the environment variable EDITOR to your editor.")
                else:
                    checks += 1
                    result = practice.check_file(problem, path)
                    screen.show_result(out, result)
                    right = result.state is State.RIGHT
        finally:
            self.answer = answers.written(path, problem, interview.language)
            self.score = max(0.4, 1 - 0.2 * hints) if right else 0.0
            state = "right" if right else "not solved"
            self.detail = f"{state}, {counted(checks, 'check')}" + (
                f", {counted(hints, 'hint')}" if hints else ""
            )
        self.done = True

    def statement(self, language: str) -> str:
        """Title and statement."""
        title = self.asked.title.in_language(language)
        return f"**{title}.** {self.asked.statement.in_language(language)}"

    def summary(self, language: str) -> str:
        """The title."""
        return self.asked.title.in_language(language)

    def practised_by(self, problems: Sequence[Problem]) -> Problem | None:
        """The problem itself."""
        return self.asked

    def code(self) -> str | None:
        """The broken program of a bug hunt."""
        return self.asked.broken


AnyItem = Item[Question] | Item[Problem]


def counted(number: int, noun: str) -> str:
    """A number of things in words: `1 check`, `2 checks`."""
    return f"{number} {noun}{'s' * (number != 1)}"


# Sections -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Section:
    """A part of the interview.

    Attributes:
        share: of the interview's time, 0 to 1.
        each: the minutes that one item takes.
        kinds: the kinds of questions that it draws from.
        step: how many levels below the interview's level it starts.
    """

    name: Text
    share: float
    each: float
    kinds: tuple[str, ...] = ()
    step: int = 0

    def count(self, minutes: float) -> int:
        """How many items an interview of so many minutes has here, at least one."""
        return max(1, round(minutes * self.share / self.each))

    def questions(self, questions: Iterable[Question]) -> list[Question]:
        """The questions that it may ask, by id."""
        fitting = [question for question in questions if question.kind in self.kinds]
        return sorted(fitting, key=lambda question: question.id)

    def items(
        self, questions: Iterable[Question], problems: Iterable[Problem]
    ) -> Sequence[AnyItem]:
        """Everything that it may ask, in an order that does not depend on files."""
        return [QuestionItem(self, question) for question in self.questions(questions)]


class DesignSection(Section):
    """The part with questions of design."""

    def items(
        self, questions: Iterable[Question], problems: Iterable[Problem]
    ) -> Sequence[AnyItem]:
        """The questions of its kinds, rated by criteria."""
        return [DesignItem(self, question) for question in self.questions(questions)]


class CodingSection(Section):
    """The part with coding problems and bug hunts."""

    def items(
        self, questions: Iterable[Question], problems: Iterable[Problem]
    ) -> Sequence[AnyItem]:
        """All problems."""
        by_name = sorted(problems, key=lambda problem: problem.name)
        return [CodingItem(self, problem) for problem in by_name]


WARM_UP = Section(
    Text("Warm-up", "热身"), 0.10, 2.5, kinds=("concept", "number"), step=1
)
CONCEPT = Section(
    Text("Concepts", "概念"), 0.25, 4, kinds=("concept", "trap", "code reading")
)
DERIVATION = Section(Text("Derivation", "推导"), 0.20, 8, kinds=("derivation",))
CODING = CodingSection(Text("Coding", "编程"), 0.30, 15)
DESIGN = DesignSection(Text("Design", "设计"), 0.15, 8, kinds=("design",))
SECTIONS = (WARM_UP, CONCEPT, DERIVATION, CODING, DESIGN)


def levels_from(level: str) -> list[str]:
    """This level, then the nearest ones, lower ones first."""
    wanted = bank.LEVELS.index(level)
    return sorted(
        bank.LEVELS,
        key=lambda other: (
            abs(bank.LEVELS.index(other) - wanted),
            bank.LEVELS.index(other),
        ),
    )


def plan(
    questions: list[Question],
    problems: list[Problem],
    minutes: int,
    level: str,
    seed: int,
) -> list[AnyItem]:
    """Draw the items of an interview; the same arguments draw the same items.

    Topics that did not come up yet are preferred, as is the wanted level.

    Args:
        questions, problems: those that may be asked.
        minutes: the length of the interview.
        level: one of `bank.LEVELS`.
    """
    random_source = random.Random(f"{seed} {level} {minutes}")
    topics: Counter[str] = Counter()
    items: list[AnyItem] = []
    for section in SECTIONS:
        order = levels_from(
            bank.LEVELS[max(0, bank.LEVELS.index(level) - section.step)]
        )

        def preference(item: AnyItem, order: list[str] = order) -> tuple[float, ...]:
            asked = item.asked
            return order.index(asked.level), topics[asked.topic], random_source.random()

        candidates = section.items(questions, problems)
        for _ in range(section.count(minutes)):
            taken = {item.asked.id for item in items}
            pool = [item for item in candidates if item.asked.id not in taken]
            if pool:
                item = min(pool, key=preference)
                topics[item.asked.topic] += 1
                items.append(item)
    return items


# At the terminal ----------------------------------------------------------------------


class Interview:
    """A mock interview at the terminal; its report is written after every item.

    Args:
        items: what is asked, from `plan`.
        problems: those that an answer may recommend.
        minutes, level, seed: what `plan` was given.
        language: "en" or "zh".
        notebook: whether code is written in notebooks.
        folder: where the interview makes its own folder; else my_work/interviews.

    Raises:
        PracticeError: its folder cannot be made.
    """

    def __init__(
        self,
        items: Sequence[AnyItem],
        problems: Sequence[Problem],
        minutes: int,
        level: str,
        seed: int,
        language: str,
        notebook: bool = False,
        folder: Path | None = None,
    ):
        self.items, self.problems = items, problems
        self.minutes, self.level, self.seed = minutes, level, seed
        self.language, self.notebook = language, notebook
        self.out = screen.console()
        self.started = datetime.now()
        self.clock = time.monotonic()
        self.stopped: str | None = None
        parent = folder or files.work_folder() / "interviews"
        self.folder = own_folder(parent, self.started, seed)

    def run(self) -> str | None:
        """Ask everything; return how the reader stopped, None if not."""
        out = self.out
        out.print(
            f"Mock interview: {self.minutes} minutes, level {self.level}, seed "
            f"{self.seed}. {len(self.items)} items. Type q to stop; what is done so "
            "far is reported.",
            markup=False,
        )
        try:
            section = None
            for number, item in enumerate(self.items, start=1):
                if item.section is not section:
                    section = item.section
                    self.announce(section)
                out.print(f"\n{number} of {len(self.items)}", style="bold")
                self.ask(item)
                report.write(self)
        except screen.Stopped as stopped:
            self.stopped = stopped.how
        except KeyboardInterrupt:
            self.stopped = screen.CTRL_C
        with screen.undisturbed():
            report.write(self)
        self.close()
        return self.stopped

    def announce(self, section: Section) -> None:
        """Print a section's name and how much time is left."""
        used = (time.monotonic() - self.clock) / 60
        name = section.name.in_language(self.language)
        self.out.print()
        self.out.rule(name, style="dim")
        self.out.print(
            f"About {self.minutes * section.share:.0f} minutes; {used:.0f} of "
            f"{self.minutes} are used.",
            style="dim",
        )
        if used > self.minutes:
            self.out.print("The time is over: type q to end here, or go on.")

    def ask(self, item: AnyItem) -> None:
        """Ask one item and take its time."""
        started = time.monotonic()
        try:
            item.hold(self)
        finally:
            item.seconds = time.monotonic() - started

    def open_editor(self, command: list[str], path: Path) -> None:
        """Open a file in the reader's editor and wait for it."""
        try:
            subprocess.run([*command, str(path)], check=False)
        except OSError as error:
            self.out.print(
                f"{command[0]} cannot be started ({error.strerror}): open the file "
                "yourself.",
                markup=False,
            )

    def close(self) -> None:
        """The last lines: the result, and where the report is."""
        out = self.out
        out.print()
        if self.stopped:
            out.print(f"Stopped: {self.stopped}.", markup=False)
        done = [item for item in self.items if item.done]
        out.print(
            f"{len(done)} of {len(self.items)} items done; points: "
            f"{report.percent(self.items)}"
        )
        out.print(
            f"Report: {self.folder / 'report.html'}", markup=False, soft_wrap=True
        )


def own_folder(parent: Path, now: datetime, seed: int) -> Path:
    """Make a new folder for one interview.

    Raises:
        PracticeError: it cannot be made.
    """
    name = f"{now:%Y-%m-%d_%H%M%S}_seed{seed}"
    for number in range(1, 100):
        folder = parent / (name if number == 1 else f"{name}_{number}")
        try:
            folder.mkdir(parents=True)
            return folder
        except FileExistsError as error:
            if not folder.is_dir():
                raise practice.PracticeError(
                    f"{error.filename} is in the way of the interview's folder: "
                    "rename it"
                ) from None
        except OSError as error:
            raise practice.PracticeError(
                f"{folder} cannot be made ({error.strerror}): make {files.base()} "
                "writable, or name another folder with --folder"
            ) from None
    raise practice.PracticeError(f"{parent} is full of interviews of this second")
