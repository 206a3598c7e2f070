"""No function that a sandbox shows is an answer to the exercise that it is for."""

import time

import pytest

from digitdreams import checks, tasks
from digitdreams.grading import release, sandbox, view
from digitdreams.grading.exercise import Exercise
from digitdreams.grading.marking import hidden_seed
from places import WITH_EXERCISE

LIMITS = sandbox.Limits(wall=500, cell=400, task=400, answers=256)
# Inside: call all that can be imported with a task's hidden inputs, by name and in
# every order, and return what comes back as it is and as its mean.
PROBE = """
import importlib, inspect, itertools, pkgutil
import digitdreams, keras

def no_training(*args, **named):
    raise TypeError("a training takes minutes and returns a model, no answer")

keras.Model.fit = no_training

from digitdreams import checks
from digitdreams.grading import wire

def modules():
    found = pkgutil.walk_packages(digitdreams.__path__, "digitdreams.")
    return [digitdreams, *(importlib.import_module(one.name) for one in found)]

def is_ours(value):
    return callable(value) and str(value.__module__).startswith("digitdreams")

def functions():
    found = {}
    for module in modules():
        for name, one in vars(module).items():
            if hasattr(one, "__module__") and is_ours(one):
                found[id(one)] = (f"{module.__name__}.{name}", one)
                members = vars(one).items() if inspect.isclass(one) else ()
                for inner, method in members:
                    method = getattr(method, "__func__", method)
                    if inspect.isfunction(method):
                        label = f"{module.__name__}.{name}.{inner}"
                        found[id(method)] = (label, method)
    return list(found.values())

def ways(function, case):
    yield lambda **given: function(**given)
    if len(case) <= 3:
        for order in itertools.permutations(case):
            yield lambda order=order, **given: function(*[given[n] for n in order])

def mean(way):
    return lambda **given: keras.ops.mean(way(**given))

def attempt(way, how, cases):
    try:
        results = [checks.observe(how, way, case) for case in cases]
        wire.answer(results)
        return results
    except BaseException:
        return None

def probe(cases, how):
    found, tried = [], []
    for name, function in functions():
        tried.append(name)
        for way in ways(function, cases[0]):
            for one in (way, mean(way)):
                results = attempt(one, how, cases)
                if results is not None:
                    found.append([name, results])
    return {"tried": tried, "found": found}
"""


def passing(exercise, shown):
    """The functions that answer tasks, by task, and the names of all tried."""
    seed = hidden_seed("s", exercise.stem, b"a submission")
    cases = {task.name: task.hidden_cases(seed) for task in exercise.tasks}
    asked = [
        {
            "name": task.name,
            "source": PROBE,
            "given": {"cases": cases[task.name], "how": task.observe},
            "after": [],
        }
        for task in exercise.tasks
    ]
    answers, errors = {}, {}
    current = [None]

    def receive(message):
        ((kind, value),) = message.items()
        if kind == "task":
            current[0] = value
        elif kind == "value":
            answers[current[0]] = value
        elif kind == "ended" and value:
            errors[current[0]] = value

    until = time.monotonic() + LIMITS.wall
    job = {**sandbox.EMPTY_JOB, "tasks": asked, "task_milliseconds": 400_000}
    ended = sandbox.Run(job, LIMITS, receive, lambda: until, shown)()
    assert (ended.cause, errors) == ("finished", {}), (ended, errors)
    found, tried = {}, set()
    for task in exercise.tasks:
        answer = answers[task.name]
        tried |= set(answer["tried"])
        expected = [
            tasks.as_result(task.observe, task.reference, case)
            for case in cases[task.name]
        ]
        for name, results in answer["found"]:
            pairs = zip(expected, results, strict=True)
            if all(checks.matches(one, other, task.rule) for one, other in pairs):
                found.setdefault(task.name, set()).add(name)
    return found, tried


@pytest.mark.parametrize("lesson", WITH_EXERCISE, ids=lambda one: one.id)
def test_nothing_in_the_view_answers_a_task(lesson):
    exercise = Exercise.load(lesson.stem)
    found, tried = passing(exercise, exercise.view)
    assert found == {}
    modules = {one.rpartition(".")[0] for one in tried}
    assert set(exercise.view.modules) - modules <= {
        "digitdreams",
        "digitdreams.grading",
    }
    assert "digitdreams.data.load" in tried


@pytest.mark.parametrize("stem", ["03_vae", "08_measuring"])
def test_nothing_in_a_complete_handout_answers_a_task(stem):
    """Of an exercise that is handed out alone; see `release`."""
    exercise = Exercise.load(stem)
    found, tried = passing(
        exercise, view.View(view.needed(release.modules_for([stem])))
    )
    assert found == {}
    assert "digitdreams.workspace.refresh" in tried


@pytest.mark.parametrize(
    ("stem", "module", "answers"),
    [
        ("03_vae", "models", {"kl_divergence", "reconstruction_loss"}),
        ("08_measuring", "metrics", {"inception_score"}),
    ],
)
def test_the_search_finds_answers_where_they_are(stem, module, answers):
    """With one module more, what the test above looks for is there."""
    exercise = Exercise.load(stem)
    modules = {*exercise.view.modules, f"digitdreams.{module}"}
    found, _ = passing(exercise, view.View(view.needed(modules)))
    assert set(found) == answers
