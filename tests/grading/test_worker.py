"""A worker that lives on while the course is updated grades with the new files."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import classroom
import pytest

import digitdreams
from digitdreams import stamps
from digitdreams.grading.stamp import of_marks

SPECS = classroom.TASKS.replace(
    "from digitdreams.tasks", "from digitdreams import metrics\nfrom digitdreams.tasks"
).replace(
    "points=2, inputs=square_inputs", "points=metrics.WORTH, inputs=square_inputs"
)

# Grades on one worker; between two marks it changes files, as an update would.
PROGRAM = """
import json, os, sys, time
from dataclasses import replace
from pathlib import Path

import psutil
sys.path.append(sys.argv[2])
import classroom
from digitdreams.grading import cluster
from digitdreams.grading.stamp import of_marks
from digitdreams.grading.worker import Order, grade_one

ROOT = Path(sys.argv[1])
SPECIFICATION = ROOT / "sources" / "tasks" / f"{classroom.STEM}.py"
METRICS = ROOT / "digitdreams" / "metrics.py"
RESULT = ROOT / "digitdreams" / "grading" / "result.py"
RIGHT = classroom.as_bytes(classroom.solution(ROOT))
SLOW = classroom.as_bytes(
    classroom.add(classroom.solution(ROOT), "import time; time.sleep(20)")
)

def order():
    stamp = of_marks(classroom.STEM, "s", None, False, ROOT)
    return Order(classroom.STEM, str(ROOT), "s", None, False, stamp)

def change(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))

def tell(name, future):
    result = future.result(timeout=400).result
    points = {task.name: task.points for task in result.tasks}
    print(json.dumps([name, result.state, points, result.notes]), flush=True)

def sandbox_runs(worker):
    for one in psutil.Process(worker).children(recursive=True):
        if "digitdreams.grading.inside" in one.cmdline():
            return True
    return False

if __name__ == "__main__":
    with cluster.local_cluster(1) as client:
        def grade(name, order, notebook=RIGHT):
            tell(name, client.submit(grade_one, order, notebook, pure=False))
        (worker,) = client.run(os.getpid).values()
        first = order()
        grade("at first", first)
        grade("the same", first)
        change(SPECIFICATION, "points=3, inputs=table", "points=7, inputs=table")
        grade("old order", first)
        grade("new specification", order())
        change(METRICS, "WORTH = 2", "WORTH = 5")
        grade("new module", order())
        now = order()
        future = client.submit(grade_one, now, SLOW, pure=False)
        until = time.monotonic() + 300
        while not sandbox_runs(worker):
            assert time.monotonic() < until
            time.sleep(0.1)
        change(SPECIFICATION, "points=1, inputs=label", "points=4, inputs=label")
        tell("changed meanwhile", future)
        grade("at last", order())
        change(RESULT, 'REFUSED = "refused"', 'REFUSED: str = "refused"')
        grade("what it keeps", order())
        assert list(client.run(os.getpid).values()) == [worker]
"""


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A copy of the package, with one small exercise whose points a module says."""
    place = tmp_path_factory.mktemp("course")
    ignored = shutil.ignore_patterns("__pycache__", "*.keras")
    package = Path(digitdreams.__file__).parent
    shutil.copytree(package, place / "digitdreams", ignore=ignored)
    with open(place / "digitdreams" / "metrics.py", "a") as stream:
        stream.write("\n\nWORTH = 2\n")
    classroom.make(place)
    specification = place / "sources" / "tasks" / f"{classroom.STEM}.py"
    specification.write_text(SPECS)
    return place


@pytest.mark.slow
def test_a_worker_that_lives_on_grades_with_the_new_files(course, tmp_path):
    program = tmp_path / "grade_for_long.py"
    program.write_text(PROGRAM)
    done = subprocess.run(
        [sys.executable, program, course, Path(classroom.__file__).parent],
        env={**os.environ, "PYTHONPATH": str(course)},
        capture_output=True,
        text=True,
        timeout=550,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = {name: rest for name, *rest in map(json.loads, done.stdout.splitlines())}

    def points(squares, standardise, count=1):
        return {
            **{"squares": squares, "standardise": standardise},
            **{"count": count, "fit": 2, "training": 4},
        }

    assert found["at first"] == found["the same"] == ["graded", points(2, 3), []]
    assert found["new specification"] == ["graded", points(2, 7), []]
    assert found["new module"] == ["graded", points(5, 7), []]
    assert found["at last"] == ["graded", points(5, 7, 4), []]
    for name in ("old order", "changed meanwhile"):
        state, marks, (note,) = found[name]
        assert (state, marks) == ("infrastructure", {})
        assert "another version" in note
    assert found["what it keeps"][0] == "infrastructure"
    assert "start this worker again" in found["what it keeps"][2][0]


# What a stamp of marks is made from ---------------------------------------------------


@pytest.fixture
def copy(course, tmp_path):
    place = tmp_path / "copy"
    shutil.copytree(course, place)
    return place


def stamp(root, secret="s", limits=None, unsafe=False):
    return of_marks(classroom.STEM, secret, limits, unsafe, root)


def test_a_stamp_changes_with_the_secret_the_limits_and_the_sandbox(copy):
    first = stamp(copy)
    assert stamp(copy) == first
    limits = {"wall": 10}
    others = {stamp(copy, "other"), stamp(copy, limits=limits)}
    others.add(stamp(copy, unsafe=True))
    assert len(others | {first}) == 4


STEM = classroom.STEM
MATTERS = {
    f"sources/tasks/{STEM}.py": ("(3, 8)", "(3, 9)"),
    f"exercises/{STEM}/{STEM}.ipynb": ("A small exercise", "A tiny exercise"),
    f"exercises/{STEM}/checks.json": ("Think.", "Think!"),
    "course.toml": ("below = 0.05", "below = 0.06"),
    "digitdreams/metrics.py": ("WORTH = 2", "WORTH = 3"),
    "digitdreams/checks.py": ("equal_nan=True", "equal_nan=False"),
    "digitdreams/grading/marking.py": ("GRACE = 2.0", "GRACE = 3.0"),
    "digitdreams/grading/inside.py": ("SHORT = 300", "SHORT = 400"),
    "digitdreams/grading/wire.py": ("DEPTH = 16", "DEPTH = 17"),
    "digitdreams/grading/result.py": ("REFUSED = ", "REFUSED: str = "),
    "digitdreams/grading/sandbox.py": ("memory: int = 4000", "memory: int = 4001"),
}
DOES_NOT = {
    "digitdreams/grading/book.py": ("CHECK = ", "CHECK: str = "),
    "digitdreams/grading/feedback.py": ("20_000", "20_001"),
    "digitdreams/grading/inbox.py": ("50_000", "50_001"),
    "digitdreams/models/gan.py": ("import keras", "import keras  # again"),
    f"solutions/{STEM}/{STEM}.ipynb": ("A small exercise", "A tiny exercise"),
}


def change(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize("name", [*MATTERS, *DOES_NOT])
def test_a_stamp_changes_with_what_decides_and_nothing_else(copy, name):
    before = stamp(copy)
    change(copy / name, *{**MATTERS, **DOES_NOT}[name])
    assert (stamp(copy) != before) == (name in MATTERS)


@pytest.mark.parametrize("name", [one for one in MATTERS if one != "course.toml"])
def test_a_missing_file_is_an_error(copy, name):
    (copy / name).unlink()
    with pytest.raises(stamps.StampError, match=Path(name).stem):
        stamp(copy)


def test_the_judge_and_the_data_count_where_they_are_used(copy, monkeypatch):
    """A specification that asks the judge is stamped with its file, and the digits'."""
    monkeypatch.delenv("DIGITDREAMS_DATA", raising=False)
    specification = copy / "sources" / "tasks" / f"{STEM}.py"
    change(specification, "import metrics", "import data, judge, metrics")
    change(specification, "return values**2", "return judge.features(values)")
    change(specification, "return values**3", "return data.load()")
    named = stamps.FILES["digitdreams/data.py:FOLDER"]
    needed = [*named, "digitdreams/judge.keras"]
    for name in needed:
        with pytest.raises(stamps.StampError, match="is missing"):
            stamp(copy)
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_bytes(b"digits, or a judge")
    before = stamp(copy)
    (copy / "digitdreams" / "judge.keras").write_bytes(b"another judge")
    after = stamp(copy)
    (copy / named[0]).write_bytes(b"other digits")
    assert len({before, after, stamp(copy)}) == 3
