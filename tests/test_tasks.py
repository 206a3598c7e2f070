"""The form of task specifications: decorated answers, in order."""

import ast

import numpy as np
import pytest

from digitdreams import checks, tasks
from digitdreams.interview import problems
from digitdreams.interview.bank import Text
from digitdreams.tasks import task
from places import ROOT, WITH_EXERCISE

FILES = sorted(
    path
    for folder in ("sources/tasks", "content/problems")
    for path in (ROOT / folder).glob("*.py")
)
SOURCE = """
from digitdreams.tasks import task


def some_values(rng):
    yield {"values": rng.normal(size=3)}


@task(points=2, inputs=some_values, hints=["Think."])
def squares(values):
    return values**2


@squares.wrong("You doubled them.")
def doubled(values):
    return 2 * values


@task(points=1, inputs=some_values, hints=["Count."])
def count(values):
    return len(values)


same = squares
"""


def some_values(rng):
    for size in (3, 5):
        yield {"values": rng.normal(size=size)}


def specified():
    @task(points=2, inputs=some_values, tolerance=1e-6, hints=["Think.", "Multiply."])
    def squares(values):
        """Return each value times itself."""
        return values**2

    return squares


def test_a_task_is_called_like_its_reference_and_has_its_name():
    squares = specified()
    assert squares(3) == squares.reference(values=3) == 9
    assert squares.name == squares.__name__ == "squares"
    assert squares.signature == "def squares(values):"
    assert squares.__doc__ == "Return each value times itself."
    assert (squares.points, squares.tolerance) == (2, 1e-6)


def test_answers_stay_what_they_are_and_keep_their_order():
    squares = specified()

    @squares.also_right
    def products(values):
        return values * values

    @squares.wrong("You doubled them.")
    def doubled(values):
        return 2 * values

    @squares.wrong("The sign is wrong.")
    def negative(values):
        return -squares(values)

    assert doubled(3) == 6 and negative(3) == -9 and products(3) == 9
    assert squares.right == [squares.reference, products]
    assert [(one.answer, one.message) for one in squares.mistakes] == [
        (doubled, "You doubled them."),
        (negative, "The sign is wrong."),
    ]
    data = squares.as_data()
    assert [one["message"] for one in data["wrong"]] == [
        "You doubled them.",
        "The sign is wrong.",
    ]
    assert checks.judge(data, "squares", squares) is None
    assert checks.judge(data, "squares", negative) == "squares: The sign is wrong."


def test_the_first_of_two_equal_mistakes_is_named():
    squares = specified()
    for message in ("The first.", "The second."):
        squares.wrong(message)(lambda values: 0 * values)
    data = squares.as_data()
    said = checks.judge(data, "squares", lambda values: np.zeros_like(values))
    assert said == "squares: The first."


def test_tasks_share_a_wrong_answer_but_not_their_lists():
    one, other = specified(), specified()

    @one.wrong("Of one.")
    @other.wrong("Of the other.")
    def doubled(values):
        return 2 * values

    assert [wrong.message for wrong in one.mistakes] == ["Of one."]
    assert [wrong.message for wrong in other.mistakes] == ["Of the other."]


def test_what_a_seed_draws_depends_on_the_task_name_too():
    squares = specified()

    @task(points=1, inputs=some_values, hints=[])
    def others(values):
        return values

    (first, _), (again, _) = squares.cases(7), squares.cases(7)
    assert (first["values"] == again["values"]).all()
    for cases in (squares.cases(8), others.cases(7)):
        assert (first["values"] != cases[0]["values"]).all()


def test_a_forgotten_or_unknown_setting_is_an_error():
    with pytest.raises(TypeError, match="hints"):
        task(points=1, inputs=some_values)(len)
    with pytest.raises(TypeError, match="tolerence"):
        task(points=1, inputs=some_values, hints=[], tolerence=1)(len)


def test_a_file_gives_its_tasks_once_and_in_order(tmp_path):
    (tmp_path / "01_small.py").write_text(SOURCE, encoding="utf-8")
    found = tasks.load("01_small", tmp_path)
    assert [one.name for one in found] == ["squares", "count"]
    with pytest.raises(FileNotFoundError):
        tasks.load("02_none", tmp_path)


def hunt(**more):
    both = Text(en="Squares", zh="平方")
    settings = {
        "title": both,
        "statement": both,
        "limits": both,
        "examples": ["4 -> 16"],
    }
    settings |= {"topic": "vae", "level": "junior", "inputs": some_values, "hints": []}
    return problems.problem(**settings | more)(specified().reference)


def test_the_mistake_of_a_bug_hunt_comes_first():
    broken = "def squares(values):\n    return 2 * values\n"
    squares = hunt(broken=broken, mistake="It doubles.")
    squares.wrong("The sign is wrong.")(lambda values: -(values**2))
    assert squares.is_hunt and not hunt().is_hunt
    assert [one.message for one in squares.mistakes] == [
        "It doubles.",
        "The sign is wrong.",
    ]
    said = checks.judge(squares.as_data(), "squares", lambda values: values + values)
    assert said == "squares: It doubles."


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"topic": "poetry"}, "topic is 'poetry', choose one of classifiers"),
        ({"level": "expert"}, "level is 'expert', choose one of junior"),
        ({"broken": "def squares(values): ..."}, "both broken and mistake"),
        ({"mistake": "It doubles."}, "both broken and mistake"),
    ],
)
def test_a_problem_that_is_not_whole_is_refused(settings, message):
    with pytest.raises(ValueError, match=f"problem squares: .*{message}"):
        hunt(**settings)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_function_of_a_content_file_is_used(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    used = {one.id for one in ast.walk(tree) if isinstance(one, ast.Name)}
    functions = [one for one in tree.body if isinstance(one, ast.FunctionDef)]
    names = [one.name for one in functions]
    assert len(set(names)) == len(names)
    assert not [
        one.name for one in functions if not one.decorator_list and one.name not in used
    ]


def test_every_exercise_has_tasks():
    assert all(tasks.load(one.stem) for one in WITH_EXERCISE)
