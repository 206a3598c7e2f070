"""What is recorded and compared later holds on any processor.

Other processors are imitated: TensorFlow, NumPy and OpenBLAS choose their code by what
a processor can do, and can be told that it can do less. The sums come out in another
order then, and other last digits with them, as they do on another machine. What is
observed on each of them must lie within a tenth of the tolerance of what is recorded,
and `test_exercises` and `test_problems` hold that different answers are a hundred
tolerances apart.
"""

import functools
import os
import pickle
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy._core._multiarray_umath import __cpu_dispatch__

import on_processor
from answers import NEAR, recorded, within
from digitdreams import checks, course, data, judge, metrics
from digitdreams.interview import problems
from places import ROOT, WITH_EXERCISE

# A process for each processor: half a minute on two quiet cores.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

X86 = platform.machine().lower() in ("x86_64", "amd64")
NEWEST = [one for one in __cpu_dispatch__ if one != "X86_V3"]  # V3 has AVX2


def threads(count: int) -> dict[str, str]:
    names = ("OMP", "OPENBLAS", "TF_NUM_INTRAOP", "TF_NUM_INTEROP")
    ends = ("_NUM_THREADS", "_NUM_THREADS", "_THREADS", "_THREADS")
    return {name + end: str(count) for name, end in zip(names, ends, strict=True)}


PROCESSORS = {
    "this one": {"TF_ENABLE_ONEDNN_OPTS": "1"},
    "with SSE4.1, one thread": {
        "TF_ENABLE_ONEDNN_OPTS": "1",
        "ONEDNN_MAX_CPU_ISA": "SSE41",
        "NPY_DISABLE_CPU_FEATURES": " ".join(__cpu_dispatch__),
        "OPENBLAS_CORETYPE": "Nehalem",
        **threads(1),
    },
    "with AVX2, two threads": {
        "TF_ENABLE_ONEDNN_OPTS": "1",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "NPY_DISABLE_CPU_FEATURES": " ".join(NEWEST),
        "OPENBLAS_CORETYPE": "Haswell",
        **threads(2),
    },
    "without oneDNN": {
        "TF_ENABLE_ONEDNN_OPTS": "0",
        "NPY_DISABLE_CPU_FEATURES": " ".join(__cpu_dispatch__),
        "OPENBLAS_CORETYPE": "Sandybridge",
        **threads(1),
    },
}
OTHERS = list(PROCESSORS)[1:]


@pytest.fixture(scope="module")
def compute(tmp_path_factory):
    """What `on_processor.py` computes on a processor, once for all tests."""
    program = Path(__file__).with_name("on_processor.py")
    path = tmp_path_factory.mktemp("processors") / "results.pickle"

    @functools.cache
    def compute(name):
        settings = {**PROCESSORS[name], "TF_CPP_MIN_LOG_LEVEL": "3"}
        done = subprocess.run(
            [sys.executable, program, path],
            env=os.environ | settings,
            cwd=ROOT,
            text=True,
            capture_output=True,
        )
        assert done.returncode == 0, f"{name}: {done.stderr[-2000:]}"
        return pickle.loads(path.read_bytes())

    return compute


@pytest.fixture(params=PROCESSORS)
def found(request, compute):
    return compute(request.param)


@pytest.fixture(params=OTHERS)
def pair(request, compute):
    """This processor and another one."""
    return compute("this one"), compute(request.param)


@pytest.fixture
def computed(compute):
    return {name: compute(name) for name in PROCESSORS}


def stored_tasks():
    for one in WITH_EXERCISE:
        content = checks.read(ROOT / "exercises" / one.stem)
        for name, stored in content["tasks"].items():
            yield (one.stem, name), stored


def test_inputs_and_results_are_the_recorded_ones(found):
    far = []
    for key, stored in stored_tasks():
        fresh = found["exercises"][key]
        cases = [checks.decode(one) for one in stored["cases"]]
        if not within(
            1, {"tolerance": 1e-6, "same_dtype": True}, cases, fresh["cases"]
        ):
            far.append((*key, "inputs"))
        known = recorded(stored)
        for name, results in fresh["found"].items():
            wanted = known["right" if name.startswith("also right") else name]
            if not within(NEAR, stored, wanted, results):
                far.append((*key, name))
    assert not far


@pytest.mark.skipif(not X86, reason="the settings name features of x86 processors")
def test_the_processors_are_other_ones(computed):
    for name, content in computed.items():
        settings, seen = PROCESSORS[name], content["processor"]
        disabled = settings.get("NPY_DISABLE_CPU_FEATURES", "").split()
        assert not set(disabled) & set(seen["NumPy"]), name
        if core := settings.get("OPENBLAS_CORETYPE"):
            assert core in seen["BLAS"], name
    # They compute other digits (AVX2 may be all that this one has).
    texts = {pickle.dumps(one["judge"]["outputs"]) for one in computed.values()}
    assert len(texts) >= len(computed) - 1


def test_every_answer_gets_the_recorded_verdict(found):
    for key, stored in stored_tasks():
        for name, results in found["exercises"][key]["found"].items():
            cases = [checks.decode(one) for one in stored["cases"]]
            said = checks.verdict(stored, key[1], cases, results)
            if name in {one["message"] for one in stored["wrong"]}:
                assert said.startswith(f"{key[1]}: {name}"), key
            else:
                assert said is None, (key, name)


def test_problems_give_the_same_results_on_another_processor(pair):
    """A problem's reference runs where it is checked: nothing of it is recorded."""
    here, there = (one["problems"] for one in pair)
    far = []
    for problem in problems.load():
        rule = problem.rule
        mine, theirs = here[problem.name]["found"], there[problem.name]["found"]
        far += [
            (problem.name, name)
            for name in mine
            if not within(NEAR, rule, mine[name], theirs[name])
        ]
    assert not far


def test_the_judge_says_the_same_on_another_processor(pair):
    here, there = (one["judge"]["outputs"] for one in pair)
    for name, values in here.items():
        np.testing.assert_allclose(there[name], values, rtol=1e-4, atol=1e-5)
        if name.startswith("probabilities"):
            best, second = np.sort(values, axis=1)[:, :-3:-1].T
            sure = best > second + 1e-3
            assert sure.mean() > 0.99
            same = values.argmax(axis=1) == there[name].argmax(axis=1)
            assert same[sure].all()


def test_the_judge_is_as_good_as_recorded(found):
    rows = found["judge"]["outputs"]["probabilities of all images"]
    accuracy = metrics.label_accuracy(rows, data.load().test.labels)
    assert accuracy == pytest.approx(judge.record()["accuracy"], abs=2e-4)
    score = metrics.inception_score(rows)
    assert score == pytest.approx(judge.record()["score"], abs=1e-3)


def test_what_is_measured_is_the_same(pair):
    here, there = (one["judge"]["measured"] for one in pair)
    for name, value in here.items():
        if name in ("label accuracy", "precision", "recall"):  # a share of images
            near = pytest.approx(value, abs=2 / on_processor.IMAGES)
        else:
            near = pytest.approx(value, rel=1e-3)
        assert there[name] == near, name


def test_no_bar_hangs_on_the_processor(computed):
    """A processor changes a measurement by far less than a bar leaves room for."""
    measured = [one["judge"]["measured"] for one in computed.values()]
    for name, word in (("FID", "fid"), ("score", "score")):
        values = [one[name] for one in measured]
        change = np.ptp(values) / min(values)
        room = {
            f"{lesson.id} {number.name}": abs(number.bar / edge - 1)
            for lesson in course.load().lessons
            for number in (*lesson.numbers, *lesson.exercise_numbers)
            if number.typical and word in number.name.split("_")
            for edge in [number.typical[number.side == "below"]]
        }
        assert len(room) >= 2
        assert 10 * change < min(room.values()), room


def test_the_numbers_of_the_interview_hold(found):
    faults = {name: fault for name, (_, fault) in found["numbers"].items() if fault}
    assert not faults


def test_the_numbers_of_the_interview_are_the_same(pair):
    here, there = (one["numbers"] for one in pair)
    for name, (value, _) in here.items():
        assert there[name][0] == pytest.approx(value, rel=1e-9, abs=1e-12), name
