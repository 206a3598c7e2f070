"""A mock interview: warm-up, concepts, derivation, coding, design, and a report."""

import os
import random
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from digitdreams.files import ROOT
from digitdreams.interview import bank, formula, practice, screen
from digitdreams.interview.bank import Question, Text
from digitdreams.interview.problems import Problem
from digitdreams.interview.search import companion

FOLDER = ROOT / "my_work" / "interviews"
ENOUGH = 2 / 3  # an item with less of its points is to be studied


@dataclass(frozen=True)
class Section:
    """A part of the interview.

    `share` is its share of the time, `each` the minutes that one item takes, `kinds`
    the kinds of questions it draws from (none for coding), `step` how many levels
    below the interview's level it starts.
    """

    name: Text
    share: float
    each: float
    kinds: tuple[str, ...]
    step: int = 0

    def count(self, minutes: float) -> int:
        return max(1, round(minutes * self.share / self.each))


WARM_UP = Section(Text("Warm-up", "热身"), 0.10, 2.5, ("concept", "number"), 1)
CONCEPT = Section(
    Text("Concepts", "概念"), 0.25, 4, ("concept", "trap", "code reading")
)
DERIVATION = Section(Text("Derivation", "推导"), 0.20, 8, ("derivation",))
CODING = Section(Text("Coding", "编程"), 0.30, 15, ())
DESIGN = Section(Text("Design", "设计"), 0.15, 8, ("design",))
SECTIONS = (WARM_UP, CONCEPT, DERIVATION, CODING, DESIGN)

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


@dataclass
class Item:
    """One question or problem of an interview, and how it went."""

    section: Section
    asked: Question | Problem
    done: bool = False
    score: float = 0.0  # 0 to 1
    answer: str = ""
    seconds: float = 0.0
    detail: str = ""  # such as "3 of 4" or "right, 2 checks, 1 hint"
    rubric: list[int] = field(default_factory=list)

    @property
    def is_problem(self) -> bool:
        return isinstance(self.asked, Problem)

    @property
    def id(self) -> str:
        return self.asked.name if self.is_problem else self.asked.id


def levels_from(level: str) -> list[str]:
    """This level, then the nearest ones, lower ones first."""
    wanted = bank.LEVELS.index(level)
    return sorted(
        bank.LEVELS,
        key=lambda one: (
            abs(bank.LEVELS.index(one) - wanted),
            bank.LEVELS.index(one),
        ),
    )


def plan(
    questions: list[Question],
    problems: list[Problem],
    minutes: int,
    level: str,
    seed: int,
) -> list[Item]:
    """Draw the items of an interview; the same arguments draw the same items.

    Topics that did not come up yet are preferred, as is the wanted level.
    """
    random_source = random.Random(f"{seed} {level} {minutes}")
    topics: Counter = Counter()
    items: list[Item] = []

    def draw(candidates: list, wanted: str):
        order = levels_from(wanted)
        taken = {item.id for item in items}
        pool = [
            (order.index(one.level), topics[one.topic], random_source.random(), one)
            for one in candidates
            if (one.name if isinstance(one, Problem) else one.id) not in taken
        ]
        best = min(pool, key=lambda entry: entry[:3], default=None)
        return best and best[3]

    for section in SECTIONS:
        if section is CODING:
            candidates = sorted(problems, key=lambda one: one.name)
        else:
            candidates = [one for one in questions if one.kind in section.kinds]
            candidates.sort(key=lambda one: one.id)
        wanted = bank.LEVELS[max(0, bank.LEVELS.index(level) - section.step)]
        for _ in range(section.count(minutes)):
            found = draw(candidates, wanted)
            if found is not None:
                topics[found.topic] += 1
                items.append(Item(section, found))
    return items


# At the terminal ----------------------------------------------------------------------


class Interview:
    """A mock interview at the terminal; its report is written after every item."""

    def __init__(
        self,
        items: list[Item],
        problems: list[Problem],
        minutes: int,
        level: str,
        seed: int,
        language: str,
        notebook: bool = False,
        folder: Path = FOLDER,
    ):
        self.items, self.problems = items, problems
        self.minutes, self.level, self.seed = minutes, level, seed
        self.language, self.notebook = language, notebook
        self.out = screen.console()
        self.started = datetime.now()
        self.clock = time.monotonic()
        self.stopped: str | None = None
        self.folder = own_folder(folder, self.started, seed)

    def run(self) -> str | None:
        """Ask everything; return how the reader stopped, if he did."""
        out = self.out
        out.print(
            f"Mock interview: {self.minutes} minutes, level {self.level}, seed "
            f"{self.seed}. {len(self.items)} items. Type q to stop; what is done so "
            "far is reported.",
            markup=False,
        )
        try:
            last = None
            for number, item in enumerate(self.items, start=1):
                if item.section is not last:
                    self.announce(item.section)
                    last = item.section
                out.print(f"\n{number} of {len(self.items)}", style="bold")
                self.ask(item)
                write_report(self)
        except screen.Stopped as stopped:
            self.stopped = stopped.how
        except KeyboardInterrupt:
            self.stopped = screen.CTRL_C
        with screen.undisturbed():
            write_report(self)
        self.close()
        return self.stopped

    def announce(self, section: Section) -> None:
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

    def ask(self, item: Item) -> None:
        started = time.monotonic()
        try:
            if item.is_problem:
                self.code(item)
            else:
                self.talk(item)
        finally:
            item.seconds = time.monotonic() - started

    def talk(self, item: Item) -> None:
        """A question: answer, follow-ups, then the whole answer and a rating."""
        out, language, question = self.out, self.language, item.asked
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
            item.answer = "\n".join(lines).strip()
        screen.show_answer(out, question, language, companion(question, self.problems))
        if item.section is DESIGN:
            self.judge_design(item)
        else:
            said = screen.choose(
                out,
                "\nHow was it? 1 missed, 2 partly, 3 right, 4 right and complete",
                "rating: ",
                "1234",
            )
            item.score = (int(said) - 1) / 3
            item.detail = f"{said} of 4"
        item.done = True

    def judge_design(self, item: Item) -> None:
        """Five criteria, each worth 0, 1 or 2 points."""
        self.out.print("\nRate your design: 0 no, 1 partly, 2 yes.", style="bold")
        for criterion in RUBRIC:
            text = criterion.in_language(self.language)
            item.rubric.append(int(screen.choose(self.out, text, "points: ", "012")))
        item.score = sum(item.rubric) / (2 * len(RUBRIC))
        item.detail = f"{sum(item.rubric)} of {2 * len(RUBRIC)}"

    def code(self, item: Item) -> None:
        """A coding problem: a file, an editor, checks and hints."""
        out, problem = self.out, item.asked
        screen.show_problem(out, problem, self.language)
        path = practice.start(problem, self.language, self.notebook, self.folder)
        out.print(f"\nYour file: {path}", markup=False, soft_wrap=True)
        edit = practice.editor() if sys.stdin.isatty() and not self.notebook else None
        if edit:
            self.open_editor(edit, path)
        else:
            opener = "jupyter lab" if self.notebook else "your editor"
            out.print(f"Open it with {opener}; come back here to check it.")
        checks = hints = 0
        right = False
        item.detail = "not solved"
        try:
            while not right:
                out.print("\nEnter check, h hint, e editor, s give up, q end")
                said = screen.ask("coding: ").lower()[:1]
                if said == "q":
                    raise screen.Stopped("you typed q")
                if said == "s":
                    break
                if said == "h":
                    known = problem.task.hints
                    hints = min(hints + 1, len(known))
                    text = f"Hint {hints} of {len(known)}: {known[hints - 1]}"
                    out.print(text, markup=False)
                elif said == "e" and practice.editor():
                    self.open_editor(practice.editor(), path)
                elif said == "e":
                    out.print("Set the environment variable EDITOR to your editor.")
                else:
                    checks += 1
                    result = practice.check_file(problem, path)
                    screen.show_result(out, result)
                    right = result.state == practice.RIGHT
        finally:
            item.answer = read_answer(path)
            item.score = max(0.4, 1 - 0.2 * hints) if right else 0.0
            state = "right" if right else "not solved"
            item.detail = f"{state}, {counted(checks, 'check')}" + (
                f", {counted(hints, 'hint')}" if hints else ""
            )
        item.done = True

    def open_editor(self, command: list[str], path: Path) -> None:
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
            f"{len(done)} of {len(self.items)} items done; points: {percent(done)}"
        )
        out.print(
            f"Report: {self.folder / 'report.html'}", markup=False, soft_wrap=True
        )


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


def read_answer(path: Path) -> str:
    """The reader's program for the report."""
    from digitdreams.interview import judging

    try:
        text = judging.source_of(path)
    except (OSError, ValueError, KeyError):
        return ""
    lines = text.splitlines()
    while lines and (lines[0].startswith("#") or not lines[0].strip()):
        lines.pop(0)  # the statement, which the report holds already
    return "\n".join(lines)


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
                f"{folder} cannot be made ({error.strerror}): make {ROOT} writable, "
                "or name another folder with --folder"
            ) from None
    raise practice.PracticeError(f"{parent} is full of interviews of this second")


# The report ---------------------------------------------------------------------------


def clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def to_study(interview: Interview) -> list[dict]:
    """What fell short: its short answer, its lesson, and a problem to practise."""
    found = []
    for item in interview.items:
        if not item.done or item.score >= ENOUGH:
            continue
        practised = item.asked
        if not item.is_problem:
            practised = companion(item.asked, interview.problems)
        lesson = item.asked.lesson
        text = item.asked.title if item.is_problem else item.asked.short
        found.append(
            {
                "id": item.id,
                "topic": item.asked.topic,
                "text": text.in_language(interview.language),
                "lesson": lesson,
                "link": lesson_link(lesson, interview.folder),
                "problem": practised.name if practised else None,
                "show": f"digitdreams {'problems' if item.is_problem else 'questions'} "
                f"show {item.id}",
            }
        )
    return found


def percent(done: list[Item]) -> str:
    """The share of the points as text, a dash where nothing was done."""
    if not done:
        return "-"
    return f"{sum(one.score for one in done) / len(done):.0%}".replace("%", " %")


def lesson_link(lesson: str | None, folder: Path) -> str | None:
    """The way from a report to a lesson's notebook."""
    if not lesson:
        return None
    stem, _, cell = lesson.partition("#")
    path = os.path.relpath(ROOT / "lessons" / f"{stem}.ipynb", folder)
    return f"{Path(path).as_posix()}#{cell}"


def sections(interview: Interview) -> list[dict]:
    """Points and time of each section."""
    rows = []
    for section in SECTIONS:
        items = [one for one in interview.items if one.section is section]
        done = [one for one in items if one.done]
        if items:
            rows.append(
                {
                    "name": section.name.in_language(interview.language),
                    "items": len(items),
                    "done": len(done),
                    "score": percent(done),
                    "minutes": f"{interview.minutes * section.share:.0f}",
                    "used": clock(sum(one.seconds for one in items)),
                }
            )
    return rows


def as_data(interview: Interview) -> dict:
    """What the templates of the report need."""
    language = interview.language
    done = [item for item in interview.items if item.done]
    entries = []
    for number, item in enumerate(interview.items, start=1):
        asked = item.asked
        entries.append(
            {
                "number": number,
                "section": item.section.name.in_language(language),
                "id": item.id,
                "topic": asked.topic,
                "level": asked.level,
                "done": item.done,
                "detail": item.detail,
                "time": clock(item.seconds),
                "question": (
                    f"**{asked.title.in_language(language)}.** "
                    + asked.statement.in_language(language)
                    if item.is_problem
                    else asked.question.in_language(language)
                ),
                "broken": asked.broken if item.is_problem else None,
                "given": item.answer,
                "is_problem": item.is_problem,
                "answer": None
                if item.is_problem
                else asked.answer.in_language(language),
                "rubric": [
                    (criterion.in_language(language), points)
                    for criterion, points in zip(RUBRIC, item.rubric, strict=False)
                ],
                "sources": () if item.is_problem else asked.sources,
            }
        )
    return {
        "language": language,
        "word": WORDS[language],
        "date": f"{interview.started:%Y-%m-%d %H:%M}",
        "minutes": interview.minutes,
        "level": interview.level,
        "seed": interview.seed,
        "stopped": interview.stopped,
        "score": percent(done),
        "done": len(done),
        "count": len(interview.items),
        "sections": sections(interview),
        "study": to_study(interview),
        "entries": entries,
        "command": f"digitdreams interview --minutes {interview.minutes} --level "
        f"{interview.level} --seed {interview.seed}",
    }


WORDS = {
    "en": {
        "title": "Mock interview",
        "result": "Result",
        "section": "section",
        "done": "done",
        "points": "points",
        "planned": "minutes planned",
        "used": "used",
        "study": "What to study",
        "nothing": "Nothing fell short of two thirds of its points.",
        "lesson": "lesson",
        "colon": ": ",
        "read": "read again",
        "practise": "practise",
        "items": "The interview",
        "given": "Your answer",
        "spoken": "Answered aloud.",
        "open": "Not done.",
        "answer": "A good answer",
        "again": "The same interview again",
        "stopped": "Ended early",
        "sources": "Sources",
    },
    "zh": {
        "title": "模拟面试",
        "result": "结果",
        "section": "环节",
        "done": "完成",
        "points": "得分",
        "planned": "计划分钟",
        "used": "用时",
        "study": "需要复习",
        "nothing": "没有低于三分之二得分的题目。",
        "lesson": "课程",
        "colon": "：",
        "read": "重读",
        "practise": "练习",
        "items": "面试记录",
        "given": "你的回答",
        "spoken": "口头作答。",
        "open": "未完成。",
        "answer": "参考回答",
        "again": "再来一次同样的面试",
        "stopped": "提前结束",
        "sources": "来源",
    },
}


def environment(html: bool) -> Environment:
    """Jinja2 with autoescape for HTML; the bank's Markdown is rendered, not trusted."""
    found = Environment(
        loader=PackageLoader("digitdreams.interview", ""),
        autoescape=html,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    found.filters["markdown"] = formula.for_web  # escapes HTML itself
    return found


def write_report(interview: Interview) -> None:
    """Write report.md and report.html into the interview's folder."""
    data = as_data(interview)
    for suffix in ("md", "html"):
        template = environment(suffix == "html").get_template(f"report.{suffix}")
        path = interview.folder / f"report.{suffix}"
        partial = path.with_suffix(".partial")
        partial.write_text(template.render(data), encoding="utf-8")
        partial.replace(path)
