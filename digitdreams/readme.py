"""The parts of README.md that are made from course.toml and the lessons."""

import base64
from pathlib import Path

import nbformat

from digitdreams.course import ROOT, Course

FILE = ROOT / "README.md"
PICTURE = ROOT / "images" / "latent_map.png"
PICTURE_FROM = ("03_vae", "the-latent-map-6")  # lesson, id of the cell
BEGIN, END = "<!-- lessons: made by `digitdreams readme` -->", "<!-- end -->"


def table(course: Course) -> str:
    """The table of lessons, in Markdown."""
    rows = [
        "| no. | lesson | exercise | minutes | must reach |",
        "|---|---|---|---|---|",
    ]
    for one in course.lessons:
        exercise = "-"
        if one.exercise_numbers:
            exercise = f"[exercise](exercises/{one.stem}/{one.stem}.ipynb)"
        reach = "; ".join(number.describe() for number in one.numbers)
        lesson = f"[{one.title}](lessons/{one.stem}.ipynb)"
        rows.append(f"| {one.id} | {lesson} | {exercise} | {one.minutes:g} | {reach} |")
    return "\n".join(rows)


def with_table(text: str, course: Course) -> str:
    """README's text with its table brought up to date.

    Raises:
        ValueError: a marker of the table is missing.
    """
    if BEGIN not in text or END not in text:
        raise ValueError(f"README.md needs the lines {BEGIN!r} and {END!r}")
    before, rest = text.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    return f"{before}{BEGIN}\n{table(course)}\n{END}{after}"


def picture() -> bytes:
    """The PNG of the chosen cell of the chosen lesson.

    Raises:
        LookupError: the lesson has no such picture.
    """
    stem, name = PICTURE_FROM
    notebook = nbformat.read(ROOT / "lessons" / f"{stem}.ipynb", as_version=4)
    for cell in notebook.cells:
        if cell.id == name:
            for output in cell.outputs:
                png = output.get("data", {}).get("image/png")
                if png:
                    return base64.b64decode(png)
    raise LookupError(f"lessons/{stem}.ipynb has no picture in a cell {name!r}")


def update(course: Course, file: Path = FILE) -> None:
    """Bring README.md's table and picture up to date."""
    text = with_table(file.read_text(encoding="utf-8"), course)
    file.write_text(text, encoding="utf-8")
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_bytes(picture())
