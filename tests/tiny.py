"""A course of tiny notebooks, which run in real kernels within a second."""

from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from digitdreams import course
from digitdreams.course import Lesson

LESSON = """
# what lesson {id} is
[[lesson]]
id = "{id}"
name = "{name}"
title = "The lesson that {name}"
part = "Tests"
minutes = 0.3  # by hand
after = []
"""
NUMBER = """
[[lesson.{kind}]]
name = "distance"
label = "distance"
unit = "nats"
below = 3.0  # the bar
limit = {limit}
stretch = 1.0
"""
# Without `course.start`, which needs seconds to import Keras.
BEGIN = """\
import os
from pathlib import Path
from digitdreams import course
seed = int(os.environ.get("DIGITDREAMS_SEED") or 1)
lesson = course.load(Path({file!r})).find({id!r})
course._running = course.Running(lesson, {exercise}, seed)"""


def write_course(root: Path, **lessons: str | None) -> list[Lesson]:
    """Write course.toml: lesson name -> the limit of its number, None for no number.

    Each lesson with a number has an exercise with the same number.
    """
    text = "# A small course.\nseed = 1\n"
    for index, (name, limit) in enumerate(lessons.items()):
        text += LESSON.format(id=f"{index:02d}", name=name)
        if limit is not None:
            text += NUMBER.format(kind="number", limit=limit)
            text += NUMBER.format(kind="exercise", limit=limit)
    root.mkdir(parents=True, exist_ok=True)
    (root / "course.toml").write_text(text, "utf-8")
    return list(course.load(root / "course.toml").lessons)


def write_notebook(
    root: Path, lesson: Lesson, *cells: str, exercise: bool = False
) -> Path:
    """Write a lesson, or the solution of its exercise; its first cell begins it.

    A stored output stands in every code cell, as in a lesson that was executed.
    """
    begin = BEGIN.format(
        file=str(root / "course.toml"), id=lesson.id, exercise=exercise
    )
    stored = nbformat.v4.new_output("stream", text="stored before")
    notebook = new_notebook(
        cells=[
            new_markdown_cell(f"# {lesson.title}"),
            *(
                new_code_cell(cell, outputs=[stored], execution_count=7)
                for cell in (begin, *cells)
            ),
        ],
        metadata={
            "kernelspec": {"name": "python3", "display_name": "", "language": "python"}
        },
    )
    folder = root / "solutions" / lesson.stem if exercise else root / "lessons"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{lesson.stem}.ipynb"
    nbformat.write(notebook, path)
    return path
