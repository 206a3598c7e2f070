"""What students get: the exercise, nothing that solves it."""

import json
import shutil

import classroom
import pytest

from digitdreams import course
from digitdreams.grading import release

STEM = classroom.STEM


@pytest.fixture
def built(root, tmp_path):
    place = tmp_path / "course"
    shutil.copytree(root, place)
    return place


@pytest.fixture
def lesson(built):
    return course.load(built / "course.toml").find("01")


def everything(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_bundle(built, lesson, tmp_path):
    place = release.release(lesson, tmp_path / "handout", built)
    files = everything(tmp_path / "handout")
    assert sorted(files) == [f"{STEM}/{STEM}.ipynb", f"{STEM}/checks.json"]
    assert place == tmp_path / "handout" / STEM
    text = b"".join(files.values())
    for secret in (
        b"return values**2",
        b"np.polyfit(places, heights, 1)",
        b"### BEGIN",
    ):
        assert secret not in text
    (place / "notes.txt").write_text("the instructor's")
    release.release(lesson, tmp_path / "handout", built)
    assert (place / "notes.txt").exists()


def change(built, kind, edit):
    path = built / kind / STEM / f"{STEM}.ipynb"
    notebook = json.loads(path.read_text())
    edit(notebook)
    path.write_text(json.dumps(notebook))


def test_a_shown_solution_is_not_released(built, lesson, tmp_path):
    solved = "def squares(values):\n    return values**2"
    change(built, "exercises", lambda one: classroom.put(one, "task-squares", solved))
    with pytest.raises(release.ReleaseError, match="shows its solution"):
        release.release(lesson, tmp_path / "handout", built)
    assert not (tmp_path / "handout").exists()


def test_an_old_exercise_is_not_released(built, lesson, tmp_path):
    def stamp(notebook):
        notebook["metadata"]["digitdreams"] = {"stamp": "new"}

    change(built, "solutions", stamp)
    with pytest.raises(release.ReleaseError, match="older than its solution"):
        release.release(lesson, tmp_path / "handout", built)


def test_damaged_checks_are_not_released(built, lesson, tmp_path):
    (built / "exercises" / STEM / "checks.json").write_text("{")
    with pytest.raises(release.ReleaseError, match=r"checks\.json"):
        release.release(lesson, tmp_path / "handout", built)
    shutil.rmtree(built / "exercises")
    with pytest.raises(release.ReleaseError, match="digitdreams notebooks"):
        release.release(lesson, tmp_path / "handout", built)


def test_complete_bundle_has_no_author_side(tmp_path):
    release.release_course(tmp_path / "handout")
    files = everything(tmp_path / "handout")
    assert "course.toml" in files
    assert "digitdreams/checks.py" in files
    assert not [name for name in files if name.startswith(("sources/", "solutions/"))]
