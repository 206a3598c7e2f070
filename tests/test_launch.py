"""What stops a command ends it with one line."""

import os
import subprocess
import sys

import pytest

from places import ROOT

PROGRAM = "from digitdreams.launch import main; main()"
WRITING = {
    "start": ["start", "03"],
    "lessons": ["lessons"],
    "lab": ["lab", "--no-browser"],
    "run": ["run", "00"],
    "release": ["release", "03", "--to", "{file}"],
    "release below": ["release", "03", "--to", "{file}/below"],
    "release --complete": ["release", "03", "--complete", "--to", "{file}/below"],
    "anki": ["anki", "{file}/deck.apkg"],
    "grade": ["grade", "03"],
}


def type_in(words, folder, home):
    """Run a command in a folder; its work goes to `home`."""
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *words],
        cwd=folder,
        env=os.environ
        | {"PYTHONPATH": str(ROOT), "DIGITDREAMS_HOME": str(home), "COLUMNS": "500"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )


@pytest.mark.slow
@pytest.mark.parametrize("words", WRITING.values(), ids=WRITING)
def test_a_place_that_cannot_be_written_is_named_in_one_line(words, tmp_path):
    """A file stands where a folder should be, or a folder where a file should be."""
    file = tmp_path / "occupied"
    file.write_text("a file")
    (tmp_path / "grading_secret").mkdir()
    done = type_in([word.format(file=file) for word in words], tmp_path, file)
    assert done.returncode == 1, done.stdout
    assert "Traceback" not in done.stdout
    (line,) = done.stdout.strip().splitlines()
    assert str(tmp_path) in line
    assert file.read_text() == "a file"


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("PermissionError(13, 'Permission denied', '/x/y')", "/x/y: Permission denied"),
        ("FileNotFoundError(2, 'No such file', '/x/y')", "Traceback"),
        ("OSError('a fault of ours')", "Traceback"),
    ],
)
def test_only_a_place_that_cannot_be_written_hides_the_traceback(fault, said):
    program = f"""
from digitdreams import cli, launch
def fail():
    raise {fault}
cli.app = fail
launch.main()
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 1
    assert said in done.stderr
    assert ("Traceback" in done.stderr) == (said == "Traceback")
