"""The playground: its scripts, its networks and their records, the words they say."""

import json
import re
import shutil
from functools import cache
from pathlib import Path
from typing import Any

from digitdreams import stamps
from digitdreams.course import Course
from digitdreams.files import ROOT
from digitdreams.stamps import Stamp

SCRIPTS = ROOT / "book" / "playground"
NETWORKS = SCRIPTS / "networks"
RECORDS = Path("book/playground/networks/networks.json")  # seen from a checkout
# Network -> the lesson that trains it; the judge is trained by its own command.
LESSONS = {"latent": "03", "cvae": "04", "cgan": "07", "flow": "14"}
SAID = re.compile(r"""\bsay\(\s*"((?:[^"\\]|\\.)+)"\s*[,)]""")


def records(root: Path = ROOT) -> dict[str, Any]:
    """How each network was made: `sha256`, `bytes`, `command`, `made_from`.

    Empty where a checkout has no playground.
    """
    path = root / RECORDS
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def stamp_of(name: str, course: Course, root: Path = ROOT) -> Stamp:
    """What a network is made from today.

    Raises:
        StampError: a file is missing.
    """
    if name in LESSONS:
        return Stamp(stamps.of_lesson(course.find(LESSONS[name]), root).numbers)
    judge = stamps.places_of(root).package / "judge.keras"
    digest = stamps.digest_of_file(judge)[: stamps.LENGTH]
    return Stamp({"digitdreams/judge.keras": digest})


def script_of(page: str) -> str | None:
    """The script that fills a page such as `playground/latent`; None for others."""
    folder, _, name = page.partition("/")
    there = folder == "playground" and (SCRIPTS / f"{name}.js").is_file()
    return f"playground/{name}.js" if there else None


@cache
def words() -> tuple[str, ...]:
    """What the scripts say, in English: the arguments of their calls of `say`."""
    found: dict[str, None] = {}
    for path in sorted(SCRIPTS.glob("*.js")):
        for text in SAID.findall(path.read_text(encoding="utf-8")):
            found[json.loads(f'"{text}"')] = None
    return tuple(found)


def copy(site: Path) -> None:
    """Put scripts and networks where pages of all languages find them."""
    left_out = shutil.ignore_patterns("*.json", "*.md")
    shutil.copytree(SCRIPTS, site / "playground", ignore=left_out)
