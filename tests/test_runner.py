"""Running tiny notebooks in real kernels."""

import io
import json
import signal
import subprocess
import sys
import time

import nbformat
import psutil
import pytest
from rich.console import Console

import tiny
from digitdreams.authoring.outcomes import Outcome, read_outcomes
from digitdreams.authoring.run import run

pytestmark = pytest.mark.slow
# As TensorFlow writes them, past Python; the last one tells why a program ends.
REMARKS = (
    "I0000 00:00:1796061669.638240   22302 cudart_stub.cc:31] no CUDA drivers\n"
    "2026-11-30 17:59:01.123456: W tensorflow/core/common.cc:7] a warning\n"
    "E0000 00:00:1796061669.638241   22302 cuda_dnn.cc:8310] an error\n"
)
CHILD = "import time; size = b'x' * 200_000_000; time.sleep(2)"


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Seven notebooks and a missing one, run once beside a foreign kernel spec."""
    root = tmp_path_factory.mktemp("small")
    names = ("works", "misses", "raises", "hangs", "dies", "forgets", "lies", "lacks")
    limits = dict.fromkeys(names, "4.0") | {"raises": None, "lacks": None}
    lessons = dict(zip(names, tiny.write_course(root, **limits), strict=True))
    write = tiny.write_notebook
    write(
        root,
        lessons["works"],
        "import sys\nprint(sys.executable)",
        f"sys.stderr.write({REMARKS!r} + 'a real one\\n')",
        "print(os.getcwd())",
        f"import subprocess\nsubprocess.run([sys.executable, '-c', {CHILD!r}])",
        "course.expect(distance=seed / 10)",
    )
    write(root, lessons["misses"], "course.expect(distance=3.5)", "print('after')")
    write(root, lessons["raises"], "raise ValueError('a <tag>\\nmore')", "1")
    write(root, lessons["hangs"], "while True:\n    pass")
    write(
        root,
        lessons["dies"],
        f"os.write(2, {REMARKS!r}.encode())\nos.kill(os.getpid(), 9)",
    )
    write(root, lessons["forgets"], "1 + 1")
    write(root, lessons["lies"], "course.expect(distance=2)")
    path = root / "lessons" / f"{lessons['lies'].stem}.ipynb"
    path.write_text(path.read_text().replace("find('06')", "find('00')"))

    foreign = root / "jupyter" / "kernels" / "python3"
    foreign.mkdir(parents=True)
    spec = {"argv": ["/bin/false"], "display_name": "Python 3", "language": "python"}
    (foreign / "kernel.json").write_text(json.dumps(spec))
    log = io.StringIO()
    console = Console(file=log, width=80)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PATH", str(root / "jupyter"))
        patch.setenv("JUPYTER_DATA_DIR", str(root / "jupyter"))
        # The user's own settings, which are for other work.
        startup = root / "ipython" / "profile_default" / "startup" / "mine.py"
        startup.parent.mkdir(parents=True)
        startup.write_text("os = course = 'mine'; print('from my startup')")
        patch.setenv("IPYTHONDIR", str(root / "ipython"))
        patch.setenv("PYTHONSTARTUP", str(startup))
        hanging = lessons.pop("hangs")
        found = run(lessons.values(), seed=5, root=root, console=console)
        quiet = Console(file=io.StringIO())
        found += run([hanging], root=root, timeout=8, console=quiet)
    outcomes = dict(zip((*lessons, "hangs"), found, strict=True))
    return root, outcomes, log.getvalue()


def outputs(outcome: Outcome) -> str:
    """All text that the kept notebook's cells printed."""
    notebook = nbformat.read(outcome.path, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return "".join(out.get("text", "") for cell in cells for out in cell.outputs)


@pytest.mark.parametrize(
    ("name", "state", "reason"),
    [
        ("works", "passed", ""),
        ("misses", "missed", "cell [2] of 3: distance is 3.5, it must be below 3"),
        ("raises", "failed", "cell [2] of 3: ValueError: a <tag>"),
        ("hangs", "failed", "cell [2] of 2 took longer than 8 s"),
        (
            "dies",
            "failed",
            "cell [2] of 2: the kernel died (signal SIGKILL, often a sign that memory "
            "ran out)",
        ),
        (
            "forgets",
            "failed",
            "the notebook ended without giving course.expect distance",
        ),
        ("lies", "failed", "the notebook calls itself lesson 00"),
    ],
)
def test_every_lesson_gets_its_state_and_one_line(small, name, state, reason):
    outcome = small[1][name]
    assert (outcome.state, outcome.reason) == (state, reason)


def test_a_missing_notebook_is_named(small):
    outcome = small[1]["lacks"]
    assert outcome.state == "failed"
    assert outcome.reason.startswith("there is no notebook")
    assert outcome.reason.endswith("07_lacks.ipynb")
    assert outcome.path is None


def test_the_kernel_is_this_python_in_the_notebook_s_folder(small):
    root, outcomes, _ = small
    printed = outputs(outcomes["works"])
    assert sys.executable in printed
    assert "from my startup" not in printed
    assert str(root / "lessons") in printed


def test_remarks_of_tensorflow_are_not_stored(small):
    printed = outputs(small[1]["works"])
    assert "a real one\n" in printed
    assert "CUDA" not in printed and "a warning" not in printed
    assert "an error" not in printed


def test_the_seed_reaches_the_notebook_and_the_number_comes_back(small):
    outcome = small[1]["works"]
    assert outcome.seed == 5
    [number] = outcome.numbers
    assert (number["name"], number["value"]) == ("distance", 0.5)
    assert (number["bar"], number["side"], number["passed"]) == (3.0, "below", True)


def test_a_missed_number_is_kept(small):
    [number] = small[1]["misses"].numbers
    assert (number["value"], number["passed"]) == (3.5, False)


def test_peak_memory_counts_the_kernel_s_children(small):
    assert 200 < small[1]["works"].peak_memory_mb < 800
    assert 20 < small[1]["misses"].peak_memory_mb < 200


def test_a_failed_notebook_is_kept_without_outputs_of_an_earlier_run(small):
    root, outcomes, _ = small
    path = root / "build" / "run" / "01_misses.ipynb"
    assert outcomes["misses"].path == path
    assert "stored before" not in path.read_text()
    cells = nbformat.read(path, as_version=4).cells
    assert [cell.get("execution_count") for cell in cells] == [None, 1, 2, None]


def test_the_record_is_read_back_as_written(small):
    root, outcomes, _ = small
    in_order = sorted(outcomes.values(), key=lambda one: one.lesson)
    assert read_outcomes(root / "build" / "run") == in_order


def test_a_log_gets_one_line_at_the_start_and_one_at_the_end(small):
    lines = small[2].splitlines()
    assert len(lines) == 2 * 7 + 1
    assert lines[0] == "00 The lesson that works: started (about 0.3 min, seed 5)"
    assert "passed in " in lines[1]
    assert "distance 0.5 nats, below 3: stretch reached" in lines[1]
    assert "distance 3.5 nats, below 3: missed" in lines[3]
    assert "kept as " in lines[3]
    assert lines[-1] == (
        "7 lessons: 1 passed, 1 missed a bar (01), 5 failed (02, 04, 05, 06, 07)"
    )


def test_a_terminal_shows_progress_and_states_in_words(tmp_path, monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    [lesson] = tiny.write_course(tmp_path, works="4.0")
    tiny.write_notebook(tmp_path, lesson, "course.expect(distance=2)", "1")
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=80, no_color=True)
    run([lesson], root=tmp_path, console=console)
    text = screen.getvalue()
    assert "running" in text
    assert "cell 3/3" in text
    assert "reached" in text
    assert "passed" in text


def test_an_exercise_runs_in_a_copy_and_beside_its_lesson(tmp_path):
    [lesson] = tiny.write_course(tmp_path, works="4.0")
    tiny.write_notebook(tmp_path, lesson, "course.expect(distance=2)")
    tiny.write_notebook(
        tmp_path,
        lesson,
        "print(Path('checks.json').read_text())",
        "Path('left_over.txt').write_text('')",
        "course.expect(distance=float('nan'))",
        exercise=True,
    )
    solution = tmp_path / "solutions" / lesson.stem
    (solution / "checks.json").write_text("the checks")
    console = Console(file=io.StringIO())
    run([lesson], root=tmp_path, console=console)
    [outcome] = run([lesson], exercise=True, root=tmp_path, console=console)
    assert "the checks" in outputs(outcome)
    assert not (solution / "left_over.txt").exists()
    assert outcome.path.name == "00_works_exercise.ipynb"
    assert outcome.state == "missed"
    assert outcome.numbers[0]["value"] is None  # NaN is no JSON
    found = read_outcomes(tmp_path / "build" / "run")
    assert [(one.exercise, one.state) for one in found] == [
        (False, "passed"),
        (True, "missed"),
    ]


def test_a_damaged_notebook_fails_and_nothing_old_is_kept_for_it(tmp_path):
    [lesson] = tiny.write_course(tmp_path, works=None)
    path = tiny.write_notebook(tmp_path, lesson)
    path.write_text("{ half a file")
    kept = tmp_path / "build" / "run" / path.name
    kept.parent.mkdir(parents=True)
    kept.write_text("of an earlier run")
    console = Console(file=io.StringIO())
    [outcome] = run([lesson], root=tmp_path, console=console)
    assert outcome.state == "failed"
    assert "not a readable notebook" in outcome.reason
    assert not kept.exists()


PROGRAM = """
import sys
from pathlib import Path
from digitdreams import course
from digitdreams.authoring.run import run
root = Path(sys.argv[1])
run(course.load(root / "course.toml").lessons, root=root)
"""


def hear_ctrl_c():
    """Undo what a shell does to programs in the background: they ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is not SIGINT there")
def test_ctrl_c_ends_the_kernel_and_keeps_what_is_done(tmp_path):
    lessons = tiny.write_course(tmp_path, works=None, hangs=None)
    tiny.write_notebook(tmp_path, lessons[0], "1")
    tiny.write_notebook(
        tmp_path,
        lessons[1],
        "Path('started.part').write_text(str(os.getpid()))\n"
        "Path('started.part').rename('started')",
        "while True:\n    pass",
    )
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=hear_ctrl_c,
    )
    started = tmp_path / "lessons" / "started"
    end = time.monotonic() + 200
    while not started.exists():
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    out, error = process.communicate(timeout=200)
    assert process.returncode == -signal.SIGINT, error
    assert "01 The lesson that hangs: interrupted" in out
    assert not psutil.pid_exists(int(started.read_text()))
    [outcome] = read_outcomes(tmp_path / "build" / "run")
    assert (outcome.lesson, outcome.state) == ("00", "passed")
