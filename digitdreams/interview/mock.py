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
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import ClassVar, Generic, TypeVar

from digitdreams import files
from digitdreams.interview import (
    answers,
    bank,
    history,
    practice,
    report,
    screen,
    translations,
)
from digitdreams.interview.bank import Question, Text
from digitdreams.interview.judging import State
from digitdreams.interview.problems import Problem
from digitdreams.interview.roles import ANY, Role
from digitdreams.interview.search import companion

Asked = TypeVar("Asked", Question, Problem)
HINT_PRICE = 0.2  # of an item's points, for each hint
HUNT_SHARE = 0.15  # of coding items are bug hunts: at most one in five, by a margin
ELSEWHERE = 2  # a topic that the role does not name counts as asked so often before

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
        hints: how many were given, each for HINT_PRICE of the points.
        detail: the score in words, such as "3 of 4" or "right, 2 checks, 1 hint".
    """

    section: "Section"
    asked: Asked
    done: bool = False
    score: float = 0.0
    answer: str = ""
    seconds: float = 0.0
    hints: int = 0
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

    def earn(self, share: float, detail: Sequence[str], language: str) -> None:
        """Note the score, less what hints cost, and how it came about."""
        self.score = max(0.0, share - HINT_PRICE * self.hints)
        parts = [*detail]
        if self.hints:
            parts.append(counted(self.hints, "hint", language))
        self.detail = translations.in_language(language)["comma"].join(parts)

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
        out.print()
        for key in ("answer_aloud", "hint_price"):
            screen.show_dim(out, interview.word[key])
        lines: list[str] = []
        try:
            screen.write_answer(lines, language, lambda: self.give_hint(interview))
            for follow_up in question.follow_ups[:1]:
                asked = screen.one_line(follow_up.question, language)
                head = f"**{interview.word['follow_up']}**{interview.word['colon']}"
                out.print(screen.markdown(head + asked))
                more: list[str] = []
                try:
                    screen.write_answer(more, language)
                finally:
                    lines += ["", *more]
        finally:
            self.answer = "\n".join(lines).strip()
        problem = self.practised_by(interview.problems)
        screen.show_answer(out, question, language, problem)
        self.rate(interview)
        self.done = True

    def hint_texts(self, language: str) -> list[str]:
        """What a hint may say, from the first: answers that are wrong."""
        word = translations.in_language(language)
        return [
            word["hint_claim"].format(claim=screen.one_line(wrong.claim, language))
            for wrong in self.asked.wrong[:2]
        ]

    def give_hint(self, interview: "Interview") -> None:
        """Print the next hint, which costs points, or say that there is none."""
        texts = self.hint_texts(interview.language)
        if self.hints < len(texts):
            interview.out.print(screen.markdown(texts[self.hints]))
            self.hints += 1
        else:
            screen.say(interview.out, interview.word["no_hint"])

    def rate(self, interview: "Interview") -> None:
        """Let the reader say how well it went."""
        word = interview.word
        choice = screen.choose(
            interview.out,
            word["how_right"],
            word["rating"],
            "1234",
            interview.language,
        )
        detail = word["of_four"].format(points=choice)
        self.earn((int(choice) - 1) / 3, [detail], interview.language)

    def statement(self, language: str) -> str:
        """The question."""
        return self.asked.question.in_language(language)

    def summary(self, language: str) -> str:
        """The short answer."""
        return self.asked.short.in_language(language)

    def practised_by(self, problems: Sequence[Problem]) -> Problem | None:
        """The problem that the question names, if any."""
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

    def hint_texts(self, language: str) -> list[str]:
        """What a hint may say: points that earn something."""
        word = translations.in_language(language)
        return [
            word["hint_point"].format(point=criterion.in_language(language))
            for criterion in self.criteria[:3]
        ]

    def rate(self, interview: "Interview") -> None:
        """Let the reader rate each criterion."""
        out, word = interview.out, interview.word
        out.print()
        screen.say(out, word["rate_design"], "bold")
        for criterion in self.criteria:
            text = criterion.in_language(interview.language)
            points = screen.choose(
                out, text, word["points_prompt"], "012", interview.language
            )
            self.points.append(int(points))
        most = 2 * len(self.criteria)
        detail = word["points_of"].format(points=sum(self.points), most=most)
        self.earn(sum(self.points) / most, [detail], interview.language)

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
        out, problem, language = interview.out, self.asked, interview.language
        word = interview.word
        screen.show_problem(out, problem, language)
        path = practice.start(problem, language, interview.notebook, interview.folder)
        text = word["your_file"].format(path=path)
        out.print(f"\n{text}", markup=False, soft_wrap=True)
        editor = practice.editor()
        if editor and sys.stdin.isatty() and not interview.notebook:
            interview.open_editor(editor, path)
        else:
            opener = word["jupyter" if interview.notebook else "your_editor"]
            screen.say(out, word["open_with"].format(program=opener))
        checks = 0
        right = False
        try:
            while not right:
                out.print()
                screen.say(out, word["coding_menu"])
                letter = screen.ask(word["coding_prompt"], language).lower()[:1]
                if letter == "q":
                    raise screen.Stopped("you typed q")
                if letter == "s":
                    break
                if letter == "h":
                    self.give_hint(interview)
                elif letter == "e" and editor:
                    interview.open_editor(editor, path)
                elif letter == "e":
                    screen.say(out, word["no_editor"])
                else:
                    checks += 1
                    screen.show_checking(out, problem.name, language)
                    result = practice.check_file(problem, path, language=language)
                    screen.show_result(out, result, language)
                    right = result.state is State.RIGHT
        finally:
            self.answer = answers.written(path, problem, language)
            state = word["right" if right else "not_solved"]
            detail = [state, counted(checks, "check", language)]
            self.earn(1.0 if right else 0.0, detail, language)
        self.done = True

    def give_hint(self, interview: "Interview") -> None:
        """Print the next hint, which costs points; the last one again for nothing."""
        known = self.asked.hints_in(interview.language)
        self.hints = min(self.hints + 1, len(known))
        text = practice.numbered_hint(known, self.hints - 1, interview.language)
        screen.say(interview.out, text)

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


def counted(number: int, noun: str, language: str) -> str:
    """A number of checks or hints in words: `1 check`, `2 checks`."""
    word = translations.in_language(language)
    return word[f"one_{noun}" if number == 1 else f"{noun}s"].format(count=number)


# Sections -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Section:
    """A part of the interview.

    Attributes:
        key: of its name in `translations.TABLE` and of its share in a role's.
        share: of the interview's time, 0 to 1.
        each: the minutes that one item takes.
        kinds: the kinds of questions that it draws from.
        step: how many levels below the interview's level it starts.
    """

    key: str
    share: float
    each: float
    kinds: tuple[str, ...] = ()
    step: int = 0

    def name(self, language: str) -> str:
        """Its name as it is shown."""
        return translations.name(self.key, language)

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

    def narrowed(
        self, pool: list[AnyItem], random_source: random.Random
    ) -> list[AnyItem]:
        """Those of the items left over from which the next one is drawn."""
        return pool


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

    def narrowed(
        self, pool: list[AnyItem], random_source: random.Random
    ) -> list[AnyItem]:
        """Mostly something to write, now and then a bug hunt."""
        hunt = random_source.random() < HUNT_SHARE
        fitting: list[AnyItem] = [
            item
            for item in pool
            if isinstance(item, CodingItem) and item.asked.is_hunt == hunt
        ]
        return fitting or pool


WARM_UP = Section("warm_up", 0.10, 2.5, kinds=("concept", "number"), step=1)
CONCEPT = Section("concepts", 0.25, 4, kinds=("concept", "trap", "code reading"))
DERIVATION = Section("derivations", 0.20, 8, kinds=("derivation",))
CODING = CodingSection("coding", 0.30, 15)
DESIGN = DesignSection("designs", 0.15, 8, kinds=("design",))
SECTIONS = (WARM_UP, CONCEPT, DERIVATION, CODING, DESIGN)


def sections_of(role: Role) -> tuple[Section, ...]:
    """The sections with the shares of a role."""
    return tuple(
        section
        if section.share == role.shares[section.key]
        else replace(section, share=role.shares[section.key])
        for section in SECTIONS
    )


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


@dataclass(frozen=True)
class Plan:
    """What an interview is made from; the same plan draws the same items.

    Attributes:
        minutes: the length of the interview.
        level: one of `bank.LEVELS`.
        role: what is weighed, see `roles`.
    """

    minutes: int
    level: str
    seed: int
    role: Role = ANY

    @property
    def command(self) -> str:
        """The command that holds the same interview again."""
        role = "" if self.role is ANY else f' --role "{self.role.name}"'
        return (
            f"digitdreams interview{role.replace('_', ' ')} --minutes {self.minutes} "
            f"--level {self.level} --seed {self.seed}"
        )

    def draw(self, questions: list[Question], problems: list[Problem]) -> list[AnyItem]:
        """Draw the items.

        The wanted level is preferred, then the role's topics and those that did not
        come up yet.

        Args:
            questions, problems: those that may be asked.
        """
        parts = [str(self.seed), self.level, str(self.minutes)]
        random_source = random.Random(
            " ".join(parts if self.role is ANY else [*parts, self.role.name])
        )
        topics: Counter[str] = Counter()
        if self.role.topics:
            topics.update(
                {one: ELSEWHERE for one in bank.TOPICS if one not in self.role.topics}
            )
        items: list[AnyItem] = []
        for section in sections_of(self.role):
            order = levels_from(
                bank.LEVELS[max(0, bank.LEVELS.index(self.level) - section.step)]
            )

            def preference(
                item: AnyItem, order: list[str] = order
            ) -> tuple[float, ...]:
                asked = item.asked
                place = order.index(asked.level)
                return place, topics[asked.topic], random_source.random()

            candidates = section.items(questions, problems)
            for _ in range(section.count(self.minutes)):
                taken = {item.asked.id for item in items}
                pool = [item for item in candidates if item.asked.id not in taken]
                if pool:
                    pool = section.narrowed(pool, random_source)
                    item = min(pool, key=preference)
                    topics[item.asked.topic] += 1
                    items.append(item)
        return items


# At the terminal ----------------------------------------------------------------------


class Interview:
    """A mock interview at the terminal; its report is written after every item.

    Args:
        plan: what the items were drawn by.
        items: what is asked.
        problems: those that an answer may recommend.
        language: "en" or "zh".
        notebook: whether code is written in notebooks.
        folder: where the interview makes its own folder; else my_work/interviews.
        topic: what the items were narrowed to.

    Raises:
        PracticeError: its folder cannot be made.
    """

    def __init__(
        self,
        plan: Plan,
        items: Sequence[AnyItem],
        problems: Sequence[Problem],
        language: str,
        notebook: bool = False,
        folder: Path | None = None,
        topic: str | None = None,
    ):
        self.plan, self.items, self.problems = plan, items, problems
        self.language, self.notebook, self.topic = language, notebook, topic
        self.word = translations.in_language(language)
        self.out = screen.console()
        self.started = datetime.now()
        self.clock = time.monotonic()
        self.stopped: str | None = None
        parent = folder or files.work_folder() / "interviews"
        self.folder = own_folder(parent, self.started, plan.seed)
        self.earlier = history.last(parent, history.Kind.of(self))

    @property
    def sections(self) -> list[Section]:
        """The sections that have items, in their order."""
        return list(dict.fromkeys(item.section for item in self.items))

    def of_section(self, section: Section) -> list[AnyItem]:
        """The items of a section."""
        return [item for item in self.items if item.section is section]

    def planned(self, section: Section) -> float:
        """The minutes that a section should take."""
        return self.plan.minutes * section.share

    def run(self) -> str | None:
        """Ask everything; return how the reader stopped, None if not."""
        out, plan, word = self.out, self.plan, self.word
        text = word["welcome"].format(
            role=word[plan.role.name],
            level=word[plan.level],
            minutes=plan.minutes,
            seed=plan.seed,
            count=len(self.items),
        )
        screen.say(out, text)
        try:
            section = None
            for number, item in enumerate(self.items, start=1):
                if item.section is not section:
                    self.took(section)
                    section = item.section
                    self.announce(section)
                out.print()
                text = word["number_of"].format(number=number, count=len(self.items))
                screen.say(out, text, "bold")
                self.ask(item)
                self.write()
            self.took(section)
        except screen.Stopped as stopped:
            self.stopped = stopped.how
        except KeyboardInterrupt:
            self.stopped = screen.CTRL_C
        with screen.undisturbed():
            self.write()
        self.close()
        return self.stopped

    def write(self) -> None:
        """Write the report, and what a later one compares with."""
        report.write(self)
        history.write(self)

    def announce(self, section: Section) -> None:
        """Print a section's name and how much time is left."""
        used = (time.monotonic() - self.clock) / 60
        self.out.print()
        self.out.rule(section.name(self.language), style="dim")
        text = self.word["section_time"].format(
            minutes=f"{self.planned(section):.0f}",
            used=f"{used:.0f}",
            all=self.plan.minutes,
        )
        screen.show_dim(self.out, text)
        if used > self.plan.minutes:
            screen.say(self.out, self.word["time_is_over"])

    def took(self, section: Section | None) -> None:
        """Print how long a section took beside what was planned."""
        if section is None:
            return
        seconds = sum(item.seconds for item in self.of_section(section))
        text = self.word["section_took"].format(
            section=section.name(self.language),
            used=report.clock(seconds),
            planned=f"{self.planned(section):.0f}",
        )
        self.out.print()
        screen.show_dim(self.out, text)

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
            text = self.word["not_startable"].format(
                program=command[0], reason=error.strerror
            )
            screen.say(self.out, text)

    def close(self) -> None:
        """The last lines: the result, and where the report is."""
        out, word = self.out, self.word
        out.print()
        if self.stopped:
            how = translations.translated(self.stopped, self.language)
            screen.say(out, word["stopped_by"].format(how=how))
        done = [item for item in self.items if item.done]
        text = word["items_done"].format(
            done=len(done),
            count=len(self.items),
            score=report.percent(self.items, self.language),
        )
        screen.say(out, text)
        text = word["report_at"].format(path=self.folder / "report.html")
        out.print(text, markup=False, soft_wrap=True)


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
