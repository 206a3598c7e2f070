"""The parts of INSTRUCTORS.md that are made from the tasks' specifications."""

import ast
from collections.abc import Callable

from digitdreams import stamps
from digitdreams.authoring import readme
from digitdreams.course import Course, Lesson
from digitdreams.files import ROOT, write_atomically
from digitdreams.grading.exercise import TRAINING, Exercise

FILE = ROOT / "INSTRUCTORS.md"
EXERCISES = "<!-- exercises: made by `digitdreams readme` -->"
RUBRICS = "<!-- rubrics: made by `digitdreams readme` -->"
MISTAKES = "<!-- mistakes: made by `digitdreams readme` -->"
COMPARED = {
    "value": "the result",
    "both": "the result, for arrays and for tensors",
    "gradient": "the result and its gradients",
    "model": "shapes, number of weights, range of the outputs",
    "activations": "shapes, number of weights, range and values of the outputs",
}


def exercises(lessons: list[Lesson]) -> str:
    """Points and running time of each exercise."""
    rows = []
    for one in lessons:
        exercise = Exercise.load(one.stem)
        minutes = one.exercise_minutes
        rows.append(
            [
                f"{one.id} {one.title}",
                str(len(exercise.tasks)),
                str(exercise.max_points),
                "not measured yet" if minutes is None else f"{minutes:g}",
                "; ".join(number.describe() for number in exercise.numbers),
            ]
        )
    headings = ["exercise", "tasks", "points", "minutes", "the training must reach"]
    return readme.table(headings, rows)


def summaries(exercise: Exercise) -> dict[str, str]:
    """The first line of each task's documentation, as students see it."""
    found = {}
    for cell in exercise.cells:
        if cell.task:
            function = next(
                one
                for one in ast.parse(cell.source).body
                if isinstance(one, ast.FunctionDef) and one.name == cell.task
            )
            found[cell.task] = (ast.get_docstring(function) or "").partition("\n")[0]
    return found


def rubric(lesson: Lesson) -> str:
    exercise = Exercise.load(lesson.stem)
    summary = summaries(exercise)
    headings = ["task", "points", "full points for", "what is compared"]
    rows = []
    for task in exercise.tasks:
        compared = f"{COMPARED[task.observe]} (within {task.tolerance:g})"
        if task.observe == "model":
            compared = COMPARED["model"]
        if task.same_dtype:
            compared += ", the type"
        points = f"{task.points:g}"
        rows.append([f"`{task.name}`", points, summary[task.name], compared])
    reach = "; ".join(number.describe() for number in exercise.numbers)
    if exercise.training is None:
        return readme.table(headings, rows)
    points = f"{exercise.training.points:g}"
    rows.append([TRAINING, points, reach, exercise.training.measured])
    return readme.table(headings, rows)


def mistakes(lesson: Lesson) -> str:
    rows = [
        [f"`{task.name}`", f"`{wrong.answer.__name__}`", wrong.message]
        for task in Exercise.load(lesson.stem).tasks
        for wrong in task.mistakes
    ]
    return readme.table(["task", "mistake", "what the student is told"], rows)


def updated(text: str, course: Course) -> str:
    """The text of INSTRUCTORS.md with its tables brought up to date."""
    lessons = [one for one in course.lessons if one.exercise_numbers]

    def sections(made: Callable[[Lesson], str]) -> str:
        parts = [f"**{one.id} {one.title}**\n\n{made(one)}" for one in lessons]
        return "\n\n".join(parts)

    made_from = readme.MADE_FROM.format(stamps.of_handbook(course).digest())
    table = f"{made_from}\n\n{exercises(lessons)}"
    text = readme.replaced(text, EXERCISES, table)
    text = readme.replaced(text, RUBRICS, sections(rubric))
    return readme.replaced(text, MISTAKES, sections(mistakes))


def update(course: Course) -> None:
    """Bring the tables of INSTRUCTORS.md up to date."""
    text = updated(FILE.read_text(encoding="utf-8"), course)
    write_atomically(FILE, text)
