"""The page that shows what a run of the course made: pictures, numbers, seconds.

`write` reads the executed notebooks and the record of runs, and makes
one HTML page with its images beside it. The page needs no network and no script.
"""

import base64
import binascii
import io
import os
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

import nbformat
from jinja2 import Environment, PackageLoader, StrictUndefined
from markdown_it import MarkdownIt
from nbformat import NotebookNode
from PIL import Image, UnidentifiedImageError

from digitdreams.authoring import outcomes as record
from digitdreams.authoring.display import verdict
from digitdreams.authoring.outcomes import Outcome
from digitdreams.course import Course, Lesson
from digitdreams.course import load as load_course
from digitdreams.files import base, write_atomically
from digitdreams.words import amount, duration

FOLDER = Path("build/gallery")
KINDS = {"image/gif": "gif", "image/png": "png"}  # best first
WIDEST = 760  # pixels of the page
Row: TypeAlias = dict[str, Any]  # what the template shows of one thing
STATES = {"passed": "passed", "missed": "missed a bar", "failed": "failed"}


def write(
    outcomes: Iterable[Outcome] | None = None,
    course: Course | None = None,
    target: Path = FOLDER,
    run_folder: Path = record.FOLDER,
    root: Path | None = None,
) -> Path:
    """Write the gallery and return the path of its index.html.

    Args:
        outcomes: what to show; None shows all that `run_folder` records.
        course: gives titles, order and stated minutes; None reads course.toml.
        target: the gallery's folder, relative to `root`; its images are replaced.
        run_folder: where the record of runs lies, relative to `root`.
        root: the folder below which work is written; None takes `files.base()`.
    """
    course = course or load_course()
    root = root or base()
    if outcomes is None:
        outcomes = record.read_outcomes(root / run_folder)
    target = root / target
    images = target / "images"
    images.mkdir(parents=True, exist_ok=True)
    sections = [
        section(lesson, outcome, target, root)
        for lesson, outcome in in_order(outcomes, course)
    ]
    shown = {one["lesson"] for one in sections}
    page = (
        environment()
        .get_template("gallery.html")
        .render(
            sections=sections,
            summary=summary(sections),
            machines=sorted({one["machine"] for one in sections if one["machine"]}),
            waiting=[one for one in course.lessons if one.id not in shown],
            made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        )
    )
    used = {picture["file"] for one in sections for picture in one["pictures"]}
    index = target / "index.html"
    write_atomically(index, page)
    for old in images.iterdir():
        if old.name not in used:
            old.unlink()
    return index


def environment() -> Environment:
    # StrictUndefined: a misspelt name in the template is an error, not a blank.
    return Environment(
        loader=PackageLoader("digitdreams.authoring"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def in_order(
    outcomes: Iterable[Outcome], course: Course
) -> Iterator[tuple[Lesson, Outcome]]:
    """Outcomes in the course's order, each exercise after its lesson."""
    found = {(one.lesson, one.exercise): one for one in outcomes}
    for lesson in course.lessons:
        for exercise in (False, True):
            if (lesson.id, exercise) in found:
                yield lesson, found[lesson.id, exercise]


def section(lesson: Lesson, outcome: Outcome, target: Path, root: Path) -> Row:
    """What the template shows of one notebook; its images are written."""
    pictures: list[Row] = []
    link = path = None
    if outcome.path is not None and outcome.path.is_file():
        link = Path(os.path.relpath(outcome.path, target)).as_posix()
        path = as_seen_from(root, outcome.path)
        notebook = nbformat.read(outcome.path, as_version=4)
        stem = Path(outcome.file_name).stem
        pictures = save_pictures(notebook, stem, target / "images")
    return {
        "lesson": lesson.id,
        "anchor": Path(outcome.file_name).stem,
        "kind": f"{'Exercise' if outcome.exercise else 'Lesson'} {lesson.id}",
        "label": f"{lesson.id} {lesson.title}" + (", exercise" * outcome.exercise),
        "title": lesson.title,
        "part": lesson.part,
        "state": outcome.state,
        "state_words": STATES[outcome.state],
        "reason": outcome.reason,
        "seconds": outcome.seconds,
        "duration": duration(outcome.seconds),
        "stated": None if outcome.exercise else f"{lesson.minutes:g}",
        "memory": f"{outcome.peak_memory_mb:,.0f} MB",
        "seed": outcome.seed,
        "machine": outcome.machine,
        "link": link,
        "path": path,
        "numbers": [row(number) for number in outcome.numbers],
        "pictures": pictures,
    }


def as_seen_from(root: Path, path: Path) -> str:
    """A path below the course's folder without what leads there."""
    try:
        return path.relative_to(root).as_posix()
    except ValueError:
        return path.name


def summary(sections: list[Row]) -> str:
    """`4 notebooks: 3 passed, 1 failed, in 6 min 12 s`."""
    if not sections:
        return "No lesson has been run yet."
    counts = []
    for state, words in STATES.items():
        count = sum(one["state"] == state for one in sections)
        if count:
            counts.append(f"{count} {words}")
    plural = "" if len(sections) == 1 else "s"
    seconds = duration(sum(one["seconds"] for one in sections))
    return f"{len(sections)} notebook{plural}: {', '.join(counts)}, in {seconds}"


# Numbers ------------------------------------------------------------------------


def row(number: Row) -> Row:
    """A number as the page words it."""
    typical, stretch = number.get("typical"), number.get("stretch")
    return {
        "label": number["label"],
        "value": amount(number["value"], number["unit"]),
        "bar": f"{number['side']} {number['bar']:g}",
        "typical": "{:g} to {:g}".format(*typical) if typical else "",
        "stretch": "" if stretch is None else f"{number['side']} {stretch:g}",
        "verdict": verdict(number),
        "reached": number["passed"],
        "gauge": gauge(number),
    }


def gauge(number: Row) -> dict[str, float] | None:
    """Positions, in percent from the left, of what a number is compared with."""
    value, typical = number["value"], number.get("typical")
    if value is None:
        return None
    marks = {"value": value, "bar": number["bar"]}
    if number.get("stretch") is not None:
        marks["stretch"] = number["stretch"]
    if typical:
        marks["low"], marks["high"] = typical
    low, high = min(marks.values()), max(marks.values())
    width = high - low or abs(high) or 1.0
    return {
        name: round(8 + 84 * (mark - low) / width, 2) for name, mark in marks.items()
    }


# Pictures -----------------------------------------------------------------------


def save_pictures(notebook: NotebookNode, stem: str, folder: Path) -> list[Row]:
    """Write the notebook's PNG and GIF outputs into a folder and describe them."""
    pictures: list[Row] = []
    for heading, caption, output in captioned(notebook):
        kind = next(kind for kind in KINDS if kind in output.data)
        try:
            content = base64.b64decode(output.data[kind])
            width, height = size_of(content)
        except (binascii.Error, UnidentifiedImageError):
            continue
        shown = output.get("metadata", {}).get(kind, {}).get("width", width)
        shown = round(min(float(shown), WIDEST))
        name = f"{stem}_{len(pictures) + 1:02d}.{KINDS[kind]}"
        (folder / name).write_bytes(content)
        described = described_as(output)
        pictures.append(
            {
                "file": name,
                "width": shown,
                "height": round(height * shown / width),
                "heading": heading,
                "caption": caption,
                "alt": described or caption or heading or f"Picture of {stem}",
            }
        )
    return pictures


def captioned(notebook: NotebookNode) -> Iterator[tuple[str, str, NotebookNode]]:
    """Each picture with the nearest heading and the sentence before it.

    A sentence is given to the first picture after it only.
    """
    heading = caption = ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            found = re.findall(r"^#{1,6}\s+(.+?)\s*#*$", cell.source, re.MULTILINE)
            heading = plain(found[-1]) if found else heading
            caption = closing_sentence(cell.source)
        for output in cell.get("outputs", []):
            if any(kind in output.get("data", {}) for kind in KINDS):
                yield heading, caption, output
                caption = ""


def closing_sentence(markdown: str) -> str:
    """The last sentence of a text cell's prose; empty where that is a formula."""
    markdown = re.sub(r"```.*?```|\$\$.*?\$\$", "", markdown, flags=re.DOTALL)
    markdown = re.sub(r"^#{1,6}\s.*$", "\n", markdown, flags=re.MULTILINE)
    blocks = [block.strip() for block in re.split(r"\n\s*\n", markdown)]
    prose = [
        block
        for block in blocks
        if block and not re.match(r"[-*+] |\d+[.)] |\||>|!\[", block)
    ]
    if not prose:
        return ""
    text = re.sub(r"\s+", " ", prose[-1])
    sentences = re.split(r"(?<=[.!?:])\s+(?=[\"“(`*$\[]?[A-Z0-9$])", text)
    last = plain(sentences[-1])
    return "" if "$" in last else re.sub(r":$", ".", last)


def plain(markdown: str) -> str:
    """Inline Markdown without its marks."""
    [inline] = MarkdownIt().parseInline(markdown)
    kept = ("text", "code_inline", "image")
    parts = [one.content for one in inline.children or () if one.type in kept]
    return "".join(parts).strip()


def described_as(output: NotebookNode) -> str:
    """What a figure of `digitdreams.plots` says of itself."""
    text = output.data.get("text/plain", "")
    found = re.fullmatch(r"<(?:Figure|Animation): (.+)>", text.strip(), re.DOTALL)
    return found[1] if found else ""


def size_of(content: bytes) -> tuple[int, int]:
    """Width and height in pixels of a PNG or GIF.

    Raises:
        PIL.UnidentifiedImageError: it is neither.
    """
    with Image.open(io.BytesIO(content), formats=("PNG", "GIF")) as picture:
        return picture.size
