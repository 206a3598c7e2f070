"""What a sandbox sees of the course, and that answers are not among it."""

import sys
import tempfile
from pathlib import Path

import classroom
import pytest

from digitdreams.grading import sandbox, view
from digitdreams.grading.exercise import Exercise
from digitdreams.grading.marking import grade
from places import WITH_EXERCISE

SEEN = {
    "",
    "checks",
    "course",
    "data",
    "files",
    "grading",
    "grading.inside",
    "grading.shell",
    "grading.wire",
    "words",
}
SEEN |= {"judge", "metrics", "plots", "progress", "quiet", "ready"}
# Modules that compute what an exercise asks for.
ANSWERS = {"03": {"metrics", "models"}, "08": {"metrics"}}


@pytest.fixture
def available():
    try:
        sandbox.probe()
    except sandbox.SandboxUnavailable as error:
        pytest.skip(str(error))


def names(shown):
    return {one.removeprefix("digitdreams").removeprefix(".") for one in shown.modules}


@pytest.mark.parametrize("lesson", WITH_EXERCISE, ids=lambda one: one.id)
def test_an_exercise_sees_few_modules(lesson):
    seen = names(Exercise.load(lesson.stem).view)
    assert seen <= SEEN
    assert {"checks", "course", "grading.inside", "grading.wire"} <= seen
    assert not seen & ANSWERS.get(lesson.id, set())


def test_imports_of_a_program():
    source = """
import numpy
import digitdreams.data as d
from digitdreams import checks, nothing_of_ours
from digitdreams.grading.wire import message
if True:
    from digitdreams import plots
def later():
    from digitdreams import metrics
"""
    at_once = {"", ".data", ".checks", ".grading.wire", ".plots"}
    assert view.imported(source) == {f"digitdreams{one}" for one in at_once}
    everything = view.imported(source, at_import=False)
    assert everything - view.imported(source) == {"digitdreams.metrics"}


def test_a_function_brings_what_it_calls(tmp_path):
    """`report` measures, `features` only looks: one needs the metrics, one does not."""
    program = tmp_path / "program.py"
    found = {}
    for name in ("features", "report"):
        program.write_text(f"from digitdreams import judge\njudge.{name}([])\n")
        found[name] = view.used([program], tmp_path)
    assert {"digitdreams.judge", "digitdreams.data"} <= found["features"]
    assert found["report"] - found["features"] == {"digitdreams.metrics"}
    program.write_text("from digitdreams import course\ncourse.start('03')\n")
    assert "digitdreams.ready" in view.used([program], tmp_path)
    with pytest.raises(view.ViewError, match="nowhere"):
        view.used([tmp_path / "nowhere.py"], tmp_path)


def test_files_that_modules_need():
    files = view.View(view.needed({"digitdreams.judge"})).files()
    assert "/course/digitdreams/judge.keras" in files
    assert "/course/data" in files
    assert not [one for one in view.bare().files() if "data" in one or "judge" in one]
    with pytest.raises(view.ViewError, match="no module"):
        view.needed({"digitdreams.nonsense"})


WALK = """
import os, sys
for folder, below, files in os.walk("/course"):
    for name in files:
        print("sees", os.path.join(folder, name))
"""


def test_what_is_mounted(root, exercise, available):
    """Exactly the files of the view lie inside, and no data that are not used."""
    notebook = classroom.add(classroom.solution(root), WALK, 0)
    result = grade(classroom.as_bytes(notebook), exercise, "s")
    lines = result.output.splitlines()
    seen = {one.removeprefix("sees ") for one in lines if one.startswith("sees ")}
    assert seen == set(exercise.view.files())
    assert not [one for one in seen if "/data/" in one or "judge" in one]


ABSENT = """
import numpy as np
from digitdreams import metrics, models, plots
import digitdreams.interview
print("still", np.arange(3))
from digitdreams.models import kl_divergence
"""


def test_a_missing_module_spoils_only_its_own_use(root, exercise, available):
    notebook = classroom.add(classroom.solution(root), ABSENT, 0)
    result = grade(classroom.as_bytes(notebook), exercise, "s")
    assert result.points == 12
    assert "still [0 1 2]" in result.output
    (note,) = result.notes
    assert "digitdreams.models is not there while an exercise is graded" in note
    assert "(line 6)" in note


LOOK = """
import os, sys
for folder, below, files in os.walk({place!r}):
    for name in files:
        print("sees", os.path.join(folder, name))
"""


def put(folder, name):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("TREASURE = 1\n")


def seen_at(place, root, exercise):
    notebook = classroom.add(classroom.solution(root), LOOK.format(place=place), 0)
    result = grade(classroom.as_bytes(notebook), exercise, "s")
    assert result.points == 12, result.notes
    lines = [one for one in result.output.splitlines() if one.startswith("sees ")]
    return {one.removeprefix(f"sees {place}/") for one in lines}


def test_a_course_among_the_packages_is_hidden(available, monkeypatch):
    """An installed course, another copy of it, and a course's folder beside them."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name, "site-packages")
        for file in ("innocent.py", "digitdreams/metrics.py", "other/digits.py"):
            put(place, file)
        put(place, "digitdreams_course/content/problems/answer.py")
        root = classroom.make(place / "course")
        for one in (Path(name), place):
            one.chmod(0o755)
        monkeypatch.setattr(sys, "path", [str(place), *sys.path])
        inside = next(i for i, h in sandbox.packages().items() if h == str(place))
        exercise = Exercise.load(classroom.STEM, root)
        seen = seen_at(inside, root, exercise)
    assert seen == {"innocent.py", "other/digits.py"}


def test_a_course_below_a_system_folder_is_hidden(available, monkeypatch):
    """As where a course is cloned to /usr/local, with the packages within it."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        place = Path(name)
        put(place, "innocent.txt")
        root = classroom.make(place / "src" / "course")
        packages = root / ".venv" / "site-packages"
        put(packages, "helper.py")
        place.chmod(0o755)
        links = (*sandbox.SYSTEM_LINKS, name.removeprefix("/"))
        monkeypatch.setattr(sandbox, "SYSTEM_LINKS", links)
        monkeypatch.setattr(sys, "path", [str(packages), *sys.path])
        exercise = Exercise.load(classroom.STEM, root)
        assert seen_at(name, root, exercise) == {"innocent.txt"}
        inside = next(i for i, h in sandbox.packages().items() if h == str(packages))
        assert seen_at(inside, root, exercise) == {"helper.py"}


def test_a_course_that_cannot_be_hidden_is_refused(tmp_path):
    with pytest.raises(sandbox.SandboxUnavailable, match="folder of its own"):
        sandbox.masks("/packages/0", str(tmp_path), [tmp_path])
