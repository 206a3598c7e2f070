"""The parts of README.md that are made from course.toml and the lessons.

Notebooks are read as JSON: importing nbformat takes seconds, and `status` is quick.
"""

import base64
import json
from pathlib import Path

from digitdreams.course import Course
from digitdreams.files import ROOT, write_atomically

FILE = ROOT / "README.md"
PICTURE = ROOT / "images" / "latent_map.png"
PICTURE_FROM = ("03_vae", "the-latent-map-6")  # lesson, id of the cell
BEGIN, END = "<!-- lessons: made by `digitdreams readme` -->", "<!-- end -->"
MADE_FROM = "<!-- made from {} -->"  # a stamp's digest


def table(headings: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown; a bar within a cell stays text."""
    lines = [[one.replace("|", "\\|") for one in row] for row in [headings, *rows]]
    written = [f"| {' | '.join(line)} |" for line in lines]
    return "\n".join([written[0], "|---" * len(headings) + "|", *written[1:]])


def table_of_lessons(course: Course) -> str:
    rows = []
    for one in course.lessons:
        exercise = "-"
        if one.exercise_numbers:
            exercise = f"[exercise](exercises/{one.stem}/{one.stem}.ipynb)"
        reach = "; ".join(number.describe() for number in one.numbers)
        lesson = f"[{one.title}](lessons/{one.stem}.ipynb)"
        rows.append([one.id, lesson, exercise, f"{one.minutes:g}", reach])
    return table(["no.", "lesson", "exercise", "minutes", "must reach"], rows)


def replaced(text: str, begin: str, new: str) -> str:
    """Put something new between the line `begin` and the next `END`.

    Raises:
        ValueError: a marker is missing.
    """
    before, found, rest = text.partition(begin)
    _, ended, after = rest.partition(END)
    if not found or not ended:
        raise ValueError(f"the text needs the lines {begin!r} and {END!r}")
    return f"{before}{begin}\n{new}\n{END}{after}"


def with_table(text: str, course: Course) -> str:
    """README's text with its table brought up to date."""
    return replaced(text, BEGIN, table_of_lessons(course))


def picture(root: Path = ROOT) -> bytes:
    """The PNG of the chosen cell of the chosen lesson.

    Raises:
        LookupError: the lesson has no such picture.
    """
    stem, name = PICTURE_FROM
    text = (root / "lessons" / f"{stem}.ipynb").read_text(encoding="utf-8")
    for cell in json.loads(text)["cells"]:
        if cell["id"] == name:
            for output in cell["outputs"]:
                png = output.get("data", {}).get("image/png")
                if png:
                    return base64.b64decode(png)
    raise LookupError(f"lessons/{stem}.ipynb has no picture in a cell {name!r}")


def differences(course: Course, root: Path = ROOT) -> list[str]:
    """What of README.md is not up to date.

    Raises:
        OSError, ValueError, LookupError: something that it is made from is missing.
    """
    found = []
    text = (root / FILE.name).read_text(encoding="utf-8")
    if with_table(text, course) != text:
        found.append("its table of lessons")
    drawn = root / PICTURE.relative_to(ROOT)
    if not drawn.is_file() or drawn.read_bytes() != picture(root):
        found.append(drawn.relative_to(root).as_posix())
    return found


def update(course: Course, file: Path = FILE) -> None:
    """Bring README.md's table and picture up to date."""
    text = with_table(file.read_text(encoding="utf-8"), course)
    write_atomically(file, text)
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_bytes(picture())
