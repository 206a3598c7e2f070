"""What students get: the exercise, nothing that solves it."""

import json
import os
import re
import shutil
import subprocess
import sys

import classroom
import pytest

from digitdreams import course
from digitdreams.grading import release

STEM = classroom.STEM
VAE = "03_vae"


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


@pytest.fixture(scope="module")
def complete(tmp_path_factory):
    """What students get with --complete: the package, the data, one exercise."""
    place = tmp_path_factory.mktemp("handout")
    release.release(course.load().find("03"), place / "exercises")
    release.release_course(place)
    return place


def test_complete_bundle_has_no_author_side(complete):
    files = {str(path.relative_to(complete)) for path in complete.rglob("*")}
    tops = {name.partition("/")[0] for name in files}
    folders = {name for name in tops if (complete / name).is_dir()}
    assert folders == {"data", "digitdreams", "exercises", "tools"}
    assert {"course.toml", "pyproject.toml", "digitdreams/checks.py"} <= files
    code = {name for name in files if name.startswith("digitdreams/")}
    assert "digitdreams/grading/commands.py" in code
    assert not {"digitdreams/models", "digitdreams/metrics.py"} & code
    assert not {"digitdreams/authoring", "digitdreams/grading/grader.py"} & code
    answers = ("problems/", "questions/", "content", "solutions", "sources")
    assert not [name for name in files if any(word in name for word in answers)]


def test_readme_of_a_complete_bundle_leads_only_where_something_is(complete):
    text = (complete / "README.md").read_text()
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert f"exercises/{VAE}/{VAE}.ipynb" in links and len(links) == 4
    assert [link for link in links if not (complete / link).is_file()] == []
    typed = re.findall(r"`([^`]+)`", text)
    for target in [one.split()[1] for one in typed if one.startswith("make ")]:
        assert f"\n{target}:" in (complete / "Makefile").read_text()
    (lock,) = [one.split()[-1] for one in typed if "install -r" in one]
    assert (complete / lock).is_file()
    said = [one.split("digitdreams ")[1] for one in typed if "digitdreams " in one]
    assert said == ["lab", "lab 03 --exercise"]


@pytest.mark.slow
def test_the_exercise_works_in_a_complete_bundle(complete):
    """Its first cells run with what is there, and a check answers."""
    notebook = json.loads((complete / "exercises" / VAE / f"{VAE}.ipynb").read_text())
    code = ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code"]
    imports = [
        line
        for cell in code
        for line in cell.splitlines()
        if line.startswith(("import ", "from ", "course.start"))
    ]
    program = "\n".join([*imports, "import digitdreams; print(digitdreams.__file__)"])
    done = run_in(complete, complete / "exercises" / VAE, program)
    assert done.returncode == 0, done.stdout + done.stderr
    assert str(complete) in done.stdout


@pytest.mark.slow
def test_lab_opens_the_first_exercise_of_a_complete_bundle(complete, tmp_path):
    program = """
from digitdreams import workspace
workspace.lab = lambda page, options: print("opens", page)
from digitdreams.launch import main
import sys
sys.argv = ["digitdreams", "lab"]
main()
"""
    done = run_in(complete, tmp_path, program)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"opens exercises/{VAE}/{VAE}.ipynb" in done.stdout


def run_in(bundle, folder, program):
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(bundle)},
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["start", "03"], 0, "03_vae.ipynb"),
        (["list"], 0, "Variational autoencoder"),
        (["start", "04"], 1, "exercises/04_conditional_vae"),
        (["lessons"], 1, "holds no lessons"),
        (["lab", "03"], 1, "holds no lessons/03_vae.ipynb"),
        (["run", "03"], 1, "holds no digitdreams.authoring"),
        (["quiz"], 1, "holds no digitdreams.interview"),
        (["problems", "list"], 1, "holds no digitdreams.interview"),
        (["run", "03", "--exercise"], 1, "needs a checkout of the course"),
        (["grade", "03"], 1, "needs a checkout of the course"),
        (["report", "03"], 1, "needs a checkout of the course"),
        (["release", "03", "--to", "x"], 1, "needs a checkout of the course"),
    ],
)
def test_commands_in_a_complete_bundle(complete, arguments, code, said):
    """They work, or say in one line what is not there."""
    program = "from digitdreams.launch import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=complete,
        env={**os.environ, "PYTHONPATH": str(complete)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    printed = done.stdout + done.stderr
    assert done.returncode == code, printed
    assert said in printed
    assert "Traceback" not in printed
    if code:
        assert len(printed.strip().splitlines()) == 1
