"""README.md and INSTRUCTORS.md name commands that exist; tables are true."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from digitdreams import cli, course
from digitdreams.authoring import readme
from places import ROOT

TEXT = readme.FILE.read_text(encoding="utf-8")
BOTH = TEXT + (ROOT / "INSTRUCTORS.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```bash\n(.*?)```", BOTH, re.S)
INLINE = re.findall(r"`((?:make|digitdreams|nbgrader|jupyter|python) [^`]+)`", BOTH)
COMMANDS = [line for block in BLOCKS for line in block.splitlines() if line] + INLINE
TARGETS = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M)
PLACES = re.findall(r"\]\(([^)#]+)\)", BOTH) + re.findall(r"`([a-z_/.]+/)`", BOTH)
NOT_OURS = {"conda", "pip"}


def subcommand(words):
    """Follow the words of a `digitdreams` command down to what runs it."""
    group = typer.main.get_command(cli.app)
    while hasattr(group, "commands"):
        assert words and words[0] in group.commands, f"no command {words}"
        group = group.commands[words[0]]
        words = words[1:]
    return group, words


@pytest.mark.parametrize("command", sorted(set(COMMANDS)))
def test_a_command_exists(command):
    program, *words = shlex.split(command)
    if program == "make":
        assert not words or words[0] in TARGETS
    elif program == "digitdreams":
        group, rest = subcommand(words)
        options = {name for one in group.params for name in one.opts}
        assert {word for word in rest if word.startswith("--")} <= options
    elif program not in NOT_OURS:
        assert shutil.which(program, path=str(Path(sys.executable).parent))


@pytest.mark.parametrize("place", sorted(set(PLACES)))
def test_a_link_leads_somewhere(place):
    generated = ("build/", "my_work/", "submitted/", "autograded/", "feedback/")
    generated += ("reports/",)
    if not place.startswith(("http", *generated)):
        assert (ROOT / place).exists()


def test_the_table_is_that_of_course_toml():
    assert readme.with_table(TEXT, course.load()) == TEXT, "run `make notebooks`"


def test_the_picture_is_from_the_lesson():
    assert readme.PICTURE.read_bytes() == readme.picture(), "run `make notebooks`"


def test_a_readme_without_markers_is_refused():
    with pytest.raises(ValueError, match="needs the lines"):
        readme.with_table("nothing", course.load())


def test_make_alone_prints_help():
    run = subprocess.run(
        ["make"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=300
    )
    for name in ("make run", "make test", "make test-fast", "make lab"):
        assert name in run.stdout


def test_a_second_run_installs_nothing():
    if not (ROOT / ".venv" / ".ready").exists():
        pytest.skip("this Python was not installed by make")
    # Called by `make test`, this process would hand down make's own variables.
    outer = {"MAKEFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "MFLAGS"}
    run = subprocess.run(
        ["make", "--dry-run", "run"],
        env={name: os.environ[name] for name in os.environ.keys() - outer},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    assert run.stdout.strip().endswith("digitdreams run")
    assert "pip" not in run.stdout
