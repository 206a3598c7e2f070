"""The wheel, built and installed outside any checkout with what a student gets."""

import os
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import nbformat
import pexpect
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from places import LESSONS, ROOT

pytestmark = pytest.mark.slow
SITE = "lib/python3.11/site-packages"


def requirements(distribution: metadata.Distribution, extra: str = ""):
    """The names, each with its extras, that a distribution needs on this system."""
    for line in distribution.requires or ():
        wanted = Requirement(line)
        if wanted.marker is None or wanted.marker.evaluate({"extra": extra}):
            for each in ("", *sorted(wanted.extras)):
                yield canonicalize_name(wanted.name), each


def closure() -> dict[tuple[str, str], metadata.Distribution]:
    """All distributions that `pip install digitdreams` brings, without extras."""
    found: dict[tuple[str, str], metadata.Distribution] = {}
    waiting = list(requirements(metadata.distribution("digitdreams")))
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) not in found:
            found[name, extra] = metadata.distribution(name)
            waiting += requirements(found[name, extra], extra)
    return found


def lend(distribution: metadata.Distribution, site: Path) -> None:
    """Link an installed distribution's modules into another environment."""
    for file in distribution.files or ():
        source, target = Path(distribution.locate_file(file)), site / file
        if file.parts[0] != ".." and source.exists() and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(source)


@pytest.fixture(scope="module")
def student(tmp_path_factory):
    """An environment with the wheel and a student's packages, and an empty folder."""
    place = tmp_path_factory.mktemp("away from home")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation"]
    command += ["--outdir", place, ROOT]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    [wheel] = place.glob("*.whl")
    python = place / "venv" / "bin" / "python"
    # Its own pip would take seconds to unpack.
    command = [sys.executable, "-m", "venv", "--without-pip", place / "venv"]
    subprocess.run(command, check=True, timeout=300)
    command = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet"]
    command += ["--no-index", "--no-deps", wheel]
    subprocess.run(command, check=True, timeout=300)
    for distribution in closure().values():
        lend(distribution, place / "venv" / SITE)
    (place / "home").mkdir()
    (place / "course").mkdir()
    return Student(place)


class Student:
    def __init__(self, place: Path):
        self.folder = place / "course"
        self.bin = place / "venv" / "bin"
        self.environment = {
            "HOME": str(place / "home"),
            "PATH": f"{self.bin}{os.pathsep}/usr/bin{os.pathsep}/bin",
            "COLUMNS": "200",
            "LANG": "C.UTF-8",
        }

    def type_in(self, *words: str, code: int = 0) -> str:
        """Type a command in the student's folder and return what it printed."""
        done = subprocess.run(
            [self.bin / "digitdreams", *words],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=500,
        )
        assert done.returncode == code, done.stdout
        assert "Traceback" not in done.stdout
        return done.stdout

    def python(self, program: str) -> str:
        done = subprocess.run(
            [self.bin / "python", "-c", program],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


def test_the_installation_is_a_students(student):
    said = student.python(
        "import importlib.util as util, digitdreams.files as files\n"
        "print(files.home(), files.in_checkout())\n"
        "for name in ('dask', 'psycopg2', 'genanki', 'nbgrader', 'jupytext'):\n"
        "    assert util.find_spec(name) is None, name"
    )
    assert said.split() == [
        *str(student.bin.parent / SITE / "digitdreams_course").split(),
        "False",
    ]


def test_the_wheel_holds_no_solution(student):
    course = student.bin.parent / SITE / "digitdreams_course"
    names = {one.name for one in course.iterdir()}
    assert names == {"course.toml", "content", "data", "exercises", "images", "lessons"}


def test_an_exercise_starts_in_the_current_folder(student):
    student.type_in("start", "03")
    [work] = (student.folder / "my_work").rglob("03_vae.ipynb")
    given = nbformat.read(ROOT / "exercises/03_vae/03_vae.ipynb", as_version=4)
    assert nbformat.read(work, as_version=4).cells == given.cells
    assert (work.parent / "checks.json").is_file()


def test_the_executed_lessons_are_copied(student):
    student.type_in("lessons")
    for one in LESSONS:
        copy = student.folder / "my_work" / "lessons" / f"{one.stem}.ipynb"
        original = nbformat.read(ROOT / "lessons" / copy.name, as_version=4)
        assert nbformat.read(copy, as_version=4).cells == original.cells


def test_a_lesson_runs_in_the_current_folder(student):
    said = student.type_in("run", "18")
    assert "passed" in said
    [executed] = (student.folder / "build" / "run").glob("18_*.ipynb")
    notebook = nbformat.read(executed, as_version=4)
    assert all(one.execution_count for one in notebook.cells if one.cell_type == "code")
    assert (student.folder / "build" / "gallery" / "index.html").is_file()


def test_a_quiz_asks_and_keeps_the_rating(student):
    child = pexpect.spawn(
        str(student.bin / "digitdreams"),
        ["quiz", "--topic", "gan"],
        cwd=str(student.folder),
        env=student.environment,
        encoding="utf-8",
        timeout=120,
        dimensions=(40, 100),
    )
    child.expect_exact("Answer aloud")
    child.sendline("")
    child.expect_exact("How was it?")
    child.sendline("3")
    child.expect_exact("Answer aloud")
    child.sendline("q")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    assert re.search(r"^gan +1 ", student.type_in("progress", "show"), re.M)


@pytest.mark.parametrize(
    "words",
    [
        ["notebooks", "03"],
        ["calibrate", "03"],
        ["judge", "train"],
        ["readme"],
        ["run", "03", "--exercise"],
        ["grade", "03"],
        ["report", "03"],
    ],
    ids=lambda words: words[0],
)
def test_what_needs_a_checkout_says_so_in_one_line(student, words):
    said = student.type_in(*words, code=1)
    assert "checkout" in said and len(said.strip().splitlines()) == 1


def test_what_needs_an_extra_names_it(student):
    said = student.type_in("anki", "deck.apkg", code=1)
    assert "digitdreams[interview]" in said and len(said.strip().splitlines()) == 1
