"""The report of a mock interview, as Markdown and as a page that needs no network."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined

from digitdreams import files
from digitdreams.interview import formula, history, roles, translations
from digitdreams.interview.history import Past

if TYPE_CHECKING:
    from digitdreams.interview.mock import AnyItem, Interview

ENOUGH = 2 / 3  # an item with less of its points is to be studied


def share(value: float | None, language: str) -> str:
    """A share as a percentage, a dash for none; Chinese wants no space in it."""
    if value is None:
        return "-"
    return f"{value:.0%}" if language == "zh" else f"{value:.0%}".replace("%", " %")


def percent(items: "Sequence[AnyItem]", language: str) -> str:
    """The share of the points of what was done, a dash where nothing was."""
    return share(history.mean([item.score for item in items if item.done]), language)


def clock(seconds: float) -> str:
    """Minutes and seconds: `1:05`."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


@dataclass(frozen=True)
class Link:
    """A link from a report to a lesson."""

    text: str
    address: str


def lesson_link(lesson: str, folder: Path) -> Link:
    """The relative link from a report in `folder` to a lesson's cell, `stem#cell`."""
    stem, _, cell = lesson.partition("#")
    path = os.path.relpath(files.ROOT / "lessons" / f"{stem}.ipynb", folder)
    return Link(lesson, Path(path).as_posix() + (f"#{cell}" if cell else ""))


def lesson_links(topic: str, lesson: str | None, folder: Path) -> list[Link]:
    """Links to the cell that explains something, else to the lessons of its topic."""
    if lesson:
        return [lesson_link(lesson, folder)]
    found = [
        path.stem
        for number in roles.LESSONS[topic]
        for path in sorted((files.ROOT / "lessons").glob(f"{number}_*.ipynb"))
    ]
    return [lesson_link(stem, folder) for stem in found]


@dataclass(frozen=True)
class SectionRow:
    """A section's points and times, as the table shows them."""

    name: str
    items: int
    done: int
    score: str
    minutes: str
    used: str


def section_rows(interview: "Interview") -> list[SectionRow]:
    """One row for each section that has items, in their order."""
    rows = []
    for section in interview.sections:
        items = interview.of_section(section)
        rows.append(
            SectionRow(
                name=section.name(interview.language),
                items=len(items),
                done=sum(item.done for item in items),
                score=percent(items, interview.language),
                minutes=f"{interview.planned(section):.0f}",
                used=clock(sum(item.seconds for item in items)),
            )
        )
    return rows


@dataclass(frozen=True)
class PastRow:
    """An interview beside earlier ones, as the table shows it."""

    date: str
    minutes: int
    done: str
    score: str
    sections: list[str]
    hints: int
    used: str


def past_rows(interview: "Interview") -> list[PastRow]:
    """This interview, then earlier ones of its kind; none where there are no others."""
    if not interview.earlier:
        return []
    return [
        past_row(one, interview) for one in (Past.of(interview), *interview.earlier)
    ]


def past_row(past: Past, interview: "Interview") -> PastRow:
    """The row of one interview."""
    language = interview.language
    return PastRow(
        date=past.date.replace("T", " ")[:16],
        minutes=past.minutes,
        done=f"{past.done} / {past.items}",
        score=share(past.score, language),
        sections=[
            share(past.sections.get(section.key), language)
            for section in interview.sections
        ],
        hints=past.hints,
        used=clock(past.seconds),
    )


@dataclass(frozen=True)
class Advice:
    """What fell short, with where to read it again and what to practise."""

    id: str
    topic: str
    text: str
    show: str  # a command
    links: list[Link]
    problem: str | None


def to_study(interview: "Interview") -> list[Advice]:
    """Advice for each item that was done with too few of its points."""
    advice = []
    option = translations.option(interview.language)
    for item in interview.items:
        if item.done and item.score < ENOUGH:
            asked = item.asked
            problem = item.practised_by(interview.problems)
            advice.append(
                Advice(
                    id=asked.id,
                    topic=translations.name(asked.topic, interview.language),
                    text=item.summary(interview.language),
                    show=f"{item.show} {asked.id}{option}",
                    links=lesson_links(asked.topic, asked.lesson, interview.folder),
                    problem=f"{problem.name}{option}" if problem else None,
                )
            )
    return advice


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
    found.filters["clock"] = clock
    return found


def write(interview: "Interview") -> None:
    """Write report.md and report.html into the interview's folder."""
    language, plan = interview.language, interview.plan
    word = translations.in_language(language)
    content = {
        "interview": interview,
        "language": language,
        "word": word,
        "date": f"{interview.started:%Y-%m-%d %H:%M}",
        "what": [
            word[plan.role.name],
            word[plan.level],
            f"{plan.minutes} {word['minutes']}",
            f"{word['seed']} {plan.seed}",
        ],
        "stopped": translations.translated(interview.stopped or "", language),
        "score": percent(interview.items, language),
        "done": sum(item.done for item in interview.items),
        "sections": section_rows(interview),
        "past": past_rows(interview),
        "study": to_study(interview),
        "command": plan.command
        + (f" --topic {interview.topic}" if interview.topic else "")
        + translations.option(language),
    }
    for suffix in ("md", "html"):
        template = environment(suffix == "html").get_template(f"report.{suffix}")
        path = interview.folder / f"report.{suffix}"
        files.write_atomically(path, template.render(content))
