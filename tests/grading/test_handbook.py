"""INSTRUCTORS.md says what the specifications say."""

from digitdreams import course, tasks
from digitdreams.authoring import handbook, readme
from places import WITH_EXERCISE

TEXT = handbook.FILE.read_text(encoding="utf-8")


def test_the_tables_are_those_of_the_specifications():
    assert handbook.updated(TEXT, course.load()) == TEXT, "run `make notebooks`"


def test_every_task_and_every_wrong_answer_is_named():
    for lesson in WITH_EXERCISE:
        for task in tasks.load(lesson.stem):
            assert f"| `{task.name}` | {task.points} |" in TEXT
            for wrong in task.mistakes:
                assert f"| `{task.name}` | `{wrong.answer.__name__}` |" in TEXT


def test_a_bar_in_a_cell_stays_text():
    made = readme.table(["a", "b"], [["log p(x|z)", "2"]])
    assert made == "| a | b |\n|---|---|\n| log p(x\\|z) | 2 |"
