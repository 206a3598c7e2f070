"""The run of all notebooks must fail on bad ones, and say in one line why.

Bad notebooks go through the command that `make test` uses, in a process of its own.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

import tiny
from digitdreams.grading import sandbox
from places import LESSONS, ROOT, WITH_EXERCISE

pytestmark = pytest.mark.slow
TESTS = Path(__file__).resolve().parent
COMMAND = [
    "-m",
    "pytest",
    "-n2",
    "--dist=loadfile",
    "--no-loadscope-reorder",
    "--nbval-lax",
    "--nbval-current-env",
    "--nbval-cell-timeout=12",
    "--nbval-kernel-startup-timeout=100",
    "-p",
    "no:cacheprovider",
    "--color=no",
    "-ra",
]


def run(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        timeout=500,
        env={**os.environ, "COLUMNS": "200", "PYTEST_ADDOPTS": ""},
    )


@pytest.fixture(scope="module")
def failures(tmp_path_factory):
    """The line that pytest's summary has for each failed cell, and the whole report."""
    root = tmp_path_factory.mktemp("bad")
    names = ("works", "misses", "raises", "hangs", "dies")
    lessons = tiny.write_course(root, **dict.fromkeys(names, "4.0"))
    cells = {
        "works": ["course.expect(distance=2)"],
        "misses": ["course.expect(distance=3.5)"],
        "raises": ["raise ValueError('no such shape')"],
        "hangs": ["while True:\n    pass"],
        "dies": ["os._exit(3)", "1"],
    }
    for lesson in lessons:
        tiny.write_notebook(root, lesson, *cells[lesson.name])
    done = run(*COMMAND, str(root / "lessons"), str(TESTS / "notebooks"))
    assert done.returncode == 1, done.stdout + done.stderr
    found = re.findall(
        r"^FAILED \S*\d\d_(\w+)\.ipynb::(Cell \d+) - (.*)$", done.stdout, re.M
    )
    return {(name, cell): line for name, cell, line in found}, done.stdout


def test_a_good_notebook_passes(failures):
    assert not [name for name, _ in failures[0] if name == "works"]


def test_a_missed_bar_is_named_with_its_number(failures):
    line = "BarMissed: distance is 3.5, it must be below 3"
    assert failures[0]["misses", "Cell 1"] == line


def test_an_error_is_named(failures):
    assert failures[0]["raises", "Cell 1"] == "ValueError: no such shape"


def test_a_cell_that_hangs_is_stopped_and_named(failures):
    line = failures[0]["hangs", "Cell 1"]
    assert line.startswith("Timeout of 12 seconds exceeded executing cell")


def test_a_dead_kernel_is_named_and_the_cells_after_it_fail(failures):
    assert failures[0]["dies", "Cell 1"] == "the kernel died in this cell"
    assert ("dies", "Cell 2") in failures[0]


def test_nothing_else_fails_and_the_cell_is_shown(failures):
    assert len(failures[0]) == 5
    assert "course.expect(distance=3.5)" in failures[1]


def test_notebooks_run_in_order(tmp_path):
    """First what others need, last what needs another lesson's generator."""
    for lesson in LESSONS:
        cells = [nbformat.v4.new_code_cell("1")]
        path = tmp_path / "lessons" / f"{lesson.stem}.ipynb"
        path.parent.mkdir(exist_ok=True)
        nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    folders = str(tmp_path / "lessons"), str(TESTS / "notebooks")
    done = run(*COMMAND, "--collect-only", "-q", "-n0", *folders)
    names = re.findall(r"^\S*?(\d\d_\w+)\.ipynb::", done.stdout, re.M)
    needed = {id for one in LESSONS for id in one.needs}
    assert needed

    def place(one):
        return bool(one.needs), one.id not in needed, -one.minutes

    expected = sorted(LESSONS, key=place)
    assert names == [one.stem for one in expected], done.stdout


def test_a_solution_runs_in_the_sandbox_or_as_a_notebook():
    """Beside the test that grades the solutions, their notebooks do not run again."""
    lesson = WITH_EXERCISE[0]
    path = ROOT / "solutions" / lesson.stem / f"{lesson.stem}.ipynb"
    cells = nbformat.read(path, as_version=4).cells
    count = sum(one.cell_type == "code" for one in cells)
    grading = TESTS / "attacks" / "test_exercise_attacks.py"
    for others, expected in (
        ([], count),
        ([grading], 0 if sandbox_works() else count),
    ):
        folders = map(str, (path, *others, TESTS / "notebooks"))
        done = run(*COMMAND, "--collect-only", "-q", "-n0", *folders)
        assert done.stdout.count(f"{lesson.stem}.ipynb::Cell ") == expected, done.stdout


def sandbox_works() -> bool:
    try:
        sandbox.probe()
    except sandbox.SandboxUnavailable:
        return False
    return True


def namespaces_are_allowed() -> bool:
    """Ask another program, so that a fault in netless.py does not look like a ban."""
    program = shutil.which("unshare")
    command = [program, "--user", "--map-root-user", "--net", "true"]
    return bool(program) and subprocess.run(command, check=False).returncode == 0


def test_notebooks_run_without_a_network(tmp_path):
    [lesson] = tiny.write_course(tmp_path, works=None)
    tiny.write_notebook(
        tmp_path,
        lesson,
        "import socket\nassert [name for _, name in socket.if_nameindex()] == ['lo']",
        "assert os.environ['DIGITDREAMS_NETWORK'] == 'cut'",
    )
    netless = str(TESTS / "netless.py")
    tried = run(netless, "--required", "-c", "print('cut')")
    if tried.returncode == 3:
        assert not namespaces_are_allowed(), tried.stderr
        pytest.skip(tried.stderr.strip())
    assert tried.stdout == "cut\n"
    folders = str(tmp_path / "lessons"), str(TESTS / "notebooks")
    done = run(netless, *COMMAND, "-n1", *folders)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^=+ 6 passed in ", done.stdout, re.MULTILINE), done.stdout


def test_where_the_network_cannot_be_cut_the_reason_is_passed_on():
    program = (
        f"import sys; sys.path.insert(0, {str(TESTS)!r}); import netless; "
        "netless.leave_network = lambda: 'it is forbidden'; "
        "sys.exit(netless.main(sys.argv[1:]))"
    )
    show = "import os; print(os.environ['DIGITDREAMS_NETWORK'])"
    assert run("-c", program, "-c", show).stdout == "open: it is forbidden\n"
    refused = run("-c", program, "--required", "-c", show)
    assert (refused.returncode, refused.stdout) == (3, "")
    assert "it is forbidden" in refused.stderr
