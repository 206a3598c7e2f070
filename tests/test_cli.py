"""The command line, as a user types it."""

import subprocess
import sys

import pytest
from rich.console import Console
from typer.testing import CliRunner

from digitdreams import cli
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
