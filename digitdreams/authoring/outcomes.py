"""What became of a notebook that was run, and the record of many."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from digitdreams.files import base, write_atomically

FOLDER = Path("build/run")
RECORD = "outcomes.json"
FORMAT = 2

Number: TypeAlias = dict[str, Any]  # as `course.expect` publishes it

PASSED, MISSED, FAILED = "passed", "missed", "failed"
COLOURS = {PASSED: "green", MISSED: "red", FAILED: "red"}


@dataclass
class Outcome:
    """What became of one notebook.

    `numbers` have the keys name, label, unit, value (None where it was not finite),
    bar, side, typical, stretch, limit and passed.
    """

    lesson: str  # the lesson's id, such as "03"
    stem: str
    exercise: bool = False
    state: str = FAILED  # "passed", "missed" (a bar) or "failed"
    seconds: float = 0.0
    peak_memory_mb: float = 0.0
    numbers: list[Number] = field(default_factory=list)
    path: Path | None = None  # the executed notebook; None where nothing ran
    reason: str = ""  # one line; empty when the notebook passed
    seed: int | None = None
    machine: str = ""
    finished: str = ""  # ISO 8601, UTC
    stamp: str = ""  # what its numbers were made from; empty where that is not known

    @property
    def passed(self) -> bool:
        return self.state == PASSED

    @property
    def file_name(self) -> str:
        """The executed notebook's name; an exercise is kept beside its lesson."""
        return f"{self.stem}_exercise.ipynb" if self.exercise else f"{self.stem}.ipynb"


def finite(number: Number) -> Number:
    """A published number whose value is a finite float or None."""
    value = number["value"]
    known = isinstance(value, (int, float)) and abs(value) < float("inf")
    return {**number, "value": value if known else None}


def record(outcome: Outcome, folder: Path) -> None:
    """Write an outcome into the folder's outcomes.json, in place of an older one."""
    others = {(one.lesson, one.exercise): one for one in read_outcomes(folder)}
    others[outcome.lesson, outcome.exercise] = outcome
    entries = []
    for key in sorted(others):
        entry = asdict(others[key])
        entry["path"] = entry["path"] and entry["path"].name
        entries.append(entry)
    content = {"format": FORMAT, "outcomes": entries}
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    write_atomically(folder / RECORD, text + "\n")


def read_outcomes(folder: Path | None = None) -> list[Outcome]:
    """Read outcomes.json; a record that is absent or from another version is empty."""
    folder = folder or base() / FOLDER
    try:
        content = json.loads((folder / RECORD).read_text("utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return []
    if content.get("format") != FORMAT:
        return []
    for entry in content["outcomes"]:
        entry["path"] = entry["path"] and folder / entry["path"]
    return [Outcome(**entry) for entry in content["outcomes"]]
