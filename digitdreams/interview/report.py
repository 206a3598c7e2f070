"""The report of a mock interview, as Markdown and as a page that needs no network."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined

from digitdreams import files
from digitdreams.interview import formula, translations

if TYPE_CHECKING:
    from digitdreams.interview.mock import AnyItem, Interview

ENOUGH = 2 / 3  # an item with less of its points is to be studied


def percent(items: "Sequence[AnyItem]") -> str:
    """The share of the points of what was done, a dash where nothing was."""
    scores = [item.score for item in items if item.done]
    return f"{sum(scores) / len(scores):.0%}".replace("%", " %") if scores else "-"


def clock(seconds: float) -> str:
    """Minutes and seconds: `1:05`."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def lesson_link(lesson: str, folder: Path) -> str:
    """The relative link from a report in `folder` to a lesson's cell, `stem#cell`."""
    stem, _, cell = lesson.partition("#")
    path = os.path.relpath(files.ROOT / "lessons" / f"{stem}.ipynb", folder)
    return f"{Path(path).as_posix()}#{cell}"


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
    for section in dict.fromkeys(item.section for item in interview.items):
        items = [item for item in interview.items if item.section is section]
        rows.append(
            SectionRow(
                name=section.name.in_language(interview.language),
                items=len(items),
                done=sum(item.done for item in items),
                score=percent(items),
                minutes=f"{interview.minutes * section.share:.0f}",
                used=clock(sum(item.seconds for item in items)),
            )
        )
    return rows


@dataclass(frozen=True)
class Advice:
    """What fell short, with where to read it again and what to practise."""

    id: str
    topic: str
    text: str
    show: str  # a command
    lesson: str | None
    link: str | None
    problem: str | None


def to_study(interview: "Interview") -> list[Advice]:
    """Advice for each item that was done with too few of its points."""
    advice = []
    for item in interview.items:
        if item.done and item.score < ENOUGH:
            asked = item.asked
            problem = item.practised_by(interview.problems)
            lesson = asked.lesson
            advice.append(
                Advice(
                    id=asked.id,
                    topic=asked.topic,
                    text=item.summary(interview.language),
                    show=f"{item.show} {asked.id}",
                    lesson=lesson,
                    link=lesson_link(lesson, interview.folder) if lesson else None,
                    problem=problem.name if problem else None,
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
    content = {
        "interview": interview,
        "language": interview.language,
        "word": translations.in_language(interview.language),
        "date": f"{interview.started:%Y-%m-%d %H:%M}",
        "score": percent(interview.items),
        "done": sum(item.done for item in interview.items),
        "sections": section_rows(interview),
        "study": to_study(interview),
        "command": f"digitdreams interview --minutes {interview.minutes} --level "
        f"{interview.level} --seed {interview.seed}",
    }
    for suffix in ("md", "html"):
        template = environment(suffix == "html").get_template(f"report.{suffix}")
        path = interview.folder / f"report.{suffix}"
        files.write_atomically(path, template.render(content))
