"""Every check is right about right and wrong answers, and blanks are friendly."""

import re
import shutil
import time
from functools import cache

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

from answers import too_close
from digitdreams import checks, course, tasks
from digitdreams.authoring.kernel import OwnKernelManager
from places import ROOT, WITH_EXERCISE

TASKS = [
    pytest.param(one.stem, task, id=f"{one.id}-{task.name}")
    for one in WITH_EXERCISE
    for task in tasks.load(one.stem)
]


@cache
def stored_tasks(stem):
    return checks.read(ROOT / "exercises" / stem)["tasks"]


def stored(stem, task):
    """The task as the student's folder holds it."""
    return stored_tasks(stem)[task.name]


@pytest.mark.parametrize(("stem", "task"), TASKS)
def test_right_answers_are_accepted(stem, task):
    assert len(task.right) > 1, "add a differently written right answer"
    for answer in task.right:
        assert checks.judge(stored(stem, task), task.name, answer) is None


@pytest.mark.parametrize(("stem", "task"), TASKS)
def test_wrong_answers_get_their_own_messages(stem, task):
    assert len(task.mistakes) >= 5
    for wrong in task.mistakes:
        said = checks.judge(stored(stem, task), task.name, wrong.answer)
        start = f"{task.name}: {wrong.message}"
        assert said == start or said.startswith(f"{start} (It raised ")


@pytest.mark.parametrize(("stem", "task"), TASKS)
def test_answers_are_far_apart(stem, task):
    """No processor's rounding may turn one answer into another."""
    assert not too_close(stored(stem, task))


@pytest.mark.parametrize(("stem", "task"), TASKS)
def test_hints_and_messages_are_there_and_differ(stem, task):
    messages = [one.message for one in task.mistakes]
    assert len(set(messages)) == len(messages)
    assert len(task.hints) >= 2 and len(set(task.hints)) == len(task.hints)


@pytest.mark.parametrize(("stem", "task"), TASKS)
def test_a_check_takes_less_than_a_second(stem, task):
    content = stored(stem, task)
    seconds = []
    for _ in range(3):  # the first call also builds what Keras keeps
        started = time.process_time()  # whatever else the machine does
        checks.judge(content, task.name, task.reference)
        seconds.append(time.process_time() - started)
    assert min(seconds) < 1


@pytest.mark.slow
def test_exercise_08_counts_only_measurements_that_are_ours():
    """It trains nothing, so the attacks on trainings leave it out."""
    module = tasks.load_module("08_measuring")
    training, numbers = module.TRAINING, course.load().find("08").exercise_numbers
    given, kept = training.inputs(np.random.default_rng(7))
    names = dict(vars(module))
    exec(training.probe, names)
    answer = names["probe"](**given)
    measured = training.measure(answer, given, kept)
    assert all(one.reached(measured[one.name]) for one in numbers)
    for one in numbers:
        better = answer[one.name] + (0.05 if one.side == "above" else -0.05)
        measured = training.measure(answer | {one.name: better}, given, kept)
        assert [n.name for n in numbers if not n.reached(measured[n.name])] == [
            one.name
        ]


@pytest.mark.parametrize(
    "form", ["build_encoder", "encoder_by_reshape", "encoder_label_first"]
)
def test_exercise_04_reads_an_encoder_however_it_is_written(form):
    module = tasks.load_module("04_conditional_vae")
    written = getattr(module, form)(6)
    inputs = next(module.encoder_inputs(np.random.default_rng(1)))["x"]
    expected = [np.asarray(one) for one in written(inputs)]
    encoder, found = module.build_encoder(6), []
    for reading in module.readings(written.get_weights()):
        encoder.set_weights(reading)
        found.append([np.asarray(one) for one in encoder(inputs)])
    same = [np.allclose(one, expected, rtol=1e-4, atol=1e-3) for one in found]
    assert any(same)


@pytest.mark.parametrize(("stem", "task"), TASKS)
def test_a_blank_is_told_that_it_is_not_started(stem, task):
    def blank(**arguments):
        raise NotImplementedError

    with pytest.raises(NotImplementedError, match="not started"):
        checks.judge(stored(stem, task), task.name, blank)


@pytest.fixture(scope="module")
def untouched(tmp_path_factory):
    """What went wrong in each exercise as it is handed out: stem -> cell -> error.

    One kernel runs them all and forgets every name in between: TensorFlow is imported
    once.
    """
    cells, places = [], {}
    for one in WITH_EXERCISE:
        folder = tmp_path_factory.mktemp("exercise") / one.stem
        shutil.copytree(ROOT / "exercises" / one.stem, folder)
        begin = f"import os\nos.chdir({str(folder)!r})\n%reset -f"
        notebook = nbformat.read(folder / f"{one.stem}.ipynb", as_version=4)
        places[one.stem] = notebook.cells
        cells += [nbformat.v4.new_code_cell(begin), *notebook.cells]
    together = nbformat.v4.new_notebook()
    together.cells = cells  # themselves, no copies
    client = NotebookClient(
        together,
        timeout=400,
        startup_timeout=200,
        kernel_manager_class=OwnKernelManager,
        allow_errors=True,
    )
    client.execute()
    return {
        stem: {
            cell.id: f"{output.ename}: {output.evalue}"
            for cell in cells
            if cell.cell_type == "code"
            for output in cell.outputs
            if output.output_type == "error"
        }
        for stem, cells in places.items()
    }


@pytest.mark.slow
def test_an_untouched_exercise_raises_only_not_implemented(exercised, untouched):
    errors = untouched[exercised.stem]
    unexpected = {
        name: said
        for name, said in errors.items()
        if not said.startswith("NotImplementedError")
    }
    assert not unexpected
    for task in tasks.load(exercised.stem):
        said = errors[f"check-{task.name}"]
        assert re.search(rf"{task.name}, or a function .* is not started", said)
    assert "check-training" in errors
