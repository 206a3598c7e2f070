"""The command line, as a user types it."""

import os
import subprocess
import sys

import pytest
from rich.console import Console
from typer.testing import CliRunner

from digitdreams import cli, files, launch
from places import LESSONS


@pytest.fixture
def type_in(tmp_path, monkeypatch):
    monkeypatch.setenv("DIGITDREAMS_HOME", str(tmp_path))
    monkeypatch.setattr(cli, "console", Console(highlight=False, width=200))
    return lambda *words: CliRunner().invoke(cli.app, words)


def test_lessons_are_listed_with_their_contracts(type_in):
    result = type_in("list")
    assert result.exit_code == 0
    for one in LESSONS:
        assert one.title in result.output
        for number in one.numbers:
            assert number.describe() in result.output


@pytest.mark.parametrize("command", ["start", "run", "notebooks", "calibrate"])
def test_an_unknown_lesson_is_answered_with_the_list(type_in, command):
    result = type_in(command, "77")
    assert result.exit_code == 1
    for one in LESSONS:
        assert one.title in result.output


def test_start_says_when_a_lesson_has_no_exercise(type_in):
    result = type_in("start", "00")
    assert result.exit_code == 1
    assert "has no exercise: open it with `digitdreams lab 00`" in result.output


def test_help_is_quick_and_does_not_load_tensorflow():
    code = "import digitdreams.cli, sys; print('tensorflow' in sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "False"


def test_ctrl_c_while_the_commands_load_leaves_no_traceback():
    code = """
import os, signal, sys
from digitdreams import launch

class Press:
    def find_spec(self, name, *_):
        if name == "digitdreams.cli":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Press())
launch.main()
"""
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=300
    )
    assert (run.returncode, run.stdout, run.stderr) == (130, "", "")


def test_a_missing_package_is_told_with_the_way_to_get_it(monkeypatch):
    assert "make install" in launch.missing("dask")
    monkeypatch.setattr(files, "in_checkout", lambda: False)
    assert "pip install 'digitdreams[grading]'" in launch.missing("dask")


def test_an_output_without_chinese_letters_ends_no_command():
    program = "from digitdreams import launch; launch.main()"
    command = ["questions", "list", "--topic", "vae", "--language", "zh"]
    run = subprocess.run(
        [sys.executable, "-c", program, *command],
        env=os.environ | {"PYTHONIOENCODING": "latin-1"},
        capture_output=True,
        timeout=200,
    )
    assert run.returncode == 0, run.stderr.decode("latin-1")
    assert b"?" in run.stdout
