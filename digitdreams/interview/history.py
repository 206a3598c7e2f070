"""Results of earlier mock interviews, so that a report can be compared with them.

Each interview's folder holds `result.json`. A file that is damaged, or of another
version, is passed over.
"""

import json
import math
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitdreams import files

if TYPE_CHECKING:
    from digitdreams.interview.mock import Interview

FILE_NAME = "result.json"
FORMAT = 1


@dataclass(frozen=True)
class Kind:
    """What two interviews share that can be compared."""

    role: str
    level: str
    topic: str | None

    @classmethod
    def of(cls, interview: "Interview") -> "Kind":
        """The kind of an interview."""
        plan = interview.plan
        return cls(plan.role.name, plan.level, interview.topic)


@dataclass(frozen=True)
class Past:
    """The result of an interview.

    Attributes:
        date: when it began, ISO 8601 in local time.
        minutes: its planned length.
        done, items: how many of its items were done, and how many it had.
        score: the mean share of the points of what was done, 0 to 1; None for nothing.
        seconds: that it took.
        hints: that were given.
        sections: the same score for each section, by its key.
    """

    date: str
    kind: Kind
    minutes: int
    done: int
    items: int
    score: float | None
    seconds: float
    hints: int
    sections: dict[str, float | None]

    @classmethod
    def of(cls, interview: "Interview") -> "Past":
        """The result of an interview as it stands."""
        items = interview.items
        return cls(
            date=interview.started.isoformat(timespec="microseconds"),
            kind=Kind.of(interview),
            minutes=interview.plan.minutes,
            done=sum(item.done for item in items),
            items=len(items),
            score=mean([item.score for item in items if item.done]),
            seconds=sum(item.seconds for item in items),
            hints=sum(item.hints for item in items),
            sections={
                section.key: mean(
                    [one.score for one in interview.of_section(section) if one.done]
                )
                for section in interview.sections
            },
        )

    @classmethod
    def read(cls, path: Path) -> "Past | None":
        """The result in a file, None where it holds none."""
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content.pop("format") != FORMAT:
                return None
            content["kind"] = Kind(**content["kind"])
            past = cls(**content)
            datetime.fromisoformat(past.date)
            return past if past.is_sound() else None
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        except RecursionError:
            return None

    def is_sound(self) -> bool:
        """Whether the values are such as an interview has."""
        counts = (self.minutes, self.done, self.items, self.hints)
        scores = [self.score, *self.sections.values()]
        return (
            all(type(one) is int and 0 <= one < 10_000 for one in counts)
            and all(one is None or is_share(one) for one in scores)
            and type(self.seconds) in (int, float)
            and 0 <= self.seconds < math.inf
        )


def is_share(value: Any) -> bool:
    """Whether a value is a number from 0 to 1."""
    return type(value) in (int, float) and 0 <= value <= 1


def mean(values: list[float]) -> float | None:
    """The mean, None of nothing."""
    return sum(values) / len(values) if values else None


def write(interview: "Interview") -> None:
    """Write an interview's result into its folder."""
    content = {"format": FORMAT, **asdict(Past.of(interview))}
    text = json.dumps(content, indent=1) + "\n"
    files.write_atomically(interview.folder / FILE_NAME, text)


def last(parent: Path, kind: Kind, count: int = 3) -> list[Past]:
    """The last results of a kind below a folder, the newest first.

    Interviews in which nothing was done do not count.
    """
    found = [Past.read(path) for path in parent.glob(f"*/{FILE_NAME}")]
    fitting = [past for past in found if past and past.kind == kind and past.done]
    return sorted(fitting, key=lambda past: past.date, reverse=True)[:count]
