"""The pages name commands, files and links that exist; their tables are true."""

import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urldefrag

import pytest
import typer

from digitdreams import cli, course, tasks
from digitdreams.authoring import readme
from digitdreams.interview import bank, problems
from places import ROOT, WITH_EXERCISE

NAMES = ("README", "INSTRUCTORS", "CONTRIBUTING", "SECURITY", "CHANGELOG")
PAGES = [ROOT / f"{name}.md" for name in NAMES] + sorted((ROOT / "docs").glob("*.md"))
TEXTS = {page: page.read_text(encoding="utf-8") for page in PAGES}
README = TEXTS[ROOT / "README.md"]
TARGETS = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M)
NOT_OURS = {"apt", "brew", "conda", "pip", "source"}
GENERATED = ("my_work/", "build/", "dist/", "submitted/", "autograded/", "feedback/")
GENERATED += ("reports/", ".venv/")


def commands(text):
    """The commands of a page, from blocks of shell and from within sentences."""
    for block in re.findall(r"```bash\n(.*?)```", text, re.S):
        yield from filter(None, block.splitlines())
    programs = r"make|digitdreams|nbgrader|jupyter|python|pip|\.venv/bin/\w+"
    yield from re.findall(rf"`((?:{programs}) [^`]+)`", text)


def anchors(text):
    """The names that a code host gives to the headings of a page."""
    prose = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    headings = re.findall(r"^#+ (.+)", prose, re.M)
    return {re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in headings}


def links(text):
    """Where links and pictures of a page lead: (link, "") or ("", picture)."""
    prose = re.sub(r"```.*?```|`[^`]*`", "", text, flags=re.S)
    return re.findall(r"\]\(([^)]+)\)|src=\"([^\"]+)\"", prose)


GROUP = typer.main.get_command(cli.app)


def subcommand(words):
    """Follow the words of a `digitdreams` command down to what runs it."""
    group = GROUP
    while hasattr(group, "commands"):
        if not words and group.invoke_without_command:
            break
        assert words and words[0] in group.commands, f"no command {words}"
        group = group.commands[words[0]]
        words = words[1:]
    return group, words


def all_commands(group=GROUP, name="digitdreams"):
    """Every command that does something: `digitdreams judge train`."""
    for word, found in group.commands.items():
        if hasattr(found, "commands"):
            yield from all_commands(found, f"{name} {word}")
        else:
            yield f"{name} {word}"


COMMANDS = sorted({one for text in TEXTS.values() for one in commands(text)})
LINKS = sorted(
    {
        (page.relative_to(ROOT).as_posix(), link or picture)
        for page, text in TEXTS.items()
        for link, picture in links(text)
    }
)
# Names of files and folders, but for those that grading makes while it works.
PLACES = sorted(
    {
        place
        for page, text in TEXTS.items()
        if page.name != "INSTRUCTORS.md"
        for place in re.findall(r"`([\w.*-]+/[\w.*/-]*)`", text)
        if not place.startswith(GENERATED) and "NN_" not in place
    }
)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_exists(command):
    words = [one for one in shlex.split(command) if not re.match(r"[A-Z_]+=", one)]
    program, *words = words
    if program.startswith(".venv/bin/"):
        program = Path(program).name
    if program == "make":
        assert not words or words[0] in TARGETS
    elif program == "digitdreams":
        if words[0].startswith("--"):  # an option of all commands, and its folder
            assert words.pop(0) in {name for one in GROUP.params for name in one.opts}
            words.pop(0)
            if not words:
                return
        group, rest = subcommand(words)
        options = {name for one in group.params for name in one.opts}
        assert {word for word in rest if word.startswith("--")} <= options
    elif program == "python" and words[0] != "-m":
        assert (ROOT / words[0]).is_file()
    elif program == "python" and words[1] != "build":
        assert importlib.util.find_spec(words[1])
    elif program not in NOT_OURS:
        assert shutil.which(program, path=str(Path(sys.executable).parent))


def test_links_lead_somewhere():
    for page, link in LINKS:
        place, anchor = urldefrag(link)
        if place.startswith("http"):
            continue
        target = (ROOT / page).parent / place if place else ROOT / page
        assert target.exists(), (page, link)
        if anchor:
            text = target.read_text(encoding="utf-8")
            assert anchor in anchors(text), (page, link)


def test_files_that_pages_name_exist():
    assert PLACES and not [place for place in PLACES if not [*ROOT.glob(place)]]


def test_every_command_is_on_a_page():
    pages = "".join(TEXTS.values())
    found = [re.escape(one) for one in all_commands()]
    assert len(found) > 25
    assert not [one for one in found if not re.search(rf"{one}[ `\n]", pages)]


@pytest.mark.parametrize("target", sorted(set(TARGETS) - {"help"}))
def test_every_target_of_make_is_explained(target):
    assert f"`make {target}`" in TEXTS[ROOT / "CONTRIBUTING.md"]


def test_the_table_is_that_of_course_toml():
    assert readme.with_table(README, course.load()) == README, "run `make notebooks`"


def test_the_picture_is_from_the_lesson():
    assert readme.PICTURE.read_bytes() == readme.picture(), "run `make notebooks`"


def test_a_readme_without_markers_is_refused():
    with pytest.raises(ValueError, match="needs the lines"):
        readme.with_table("nothing", course.load())


def test_readme_promises_no_more_than_there_is():
    there = {
        "wrong answers": sum(
            len(task.mistakes) for one in WITH_EXERCISE for task in tasks.load(one.stem)
        ),
        "questions": len(bank.load()),
        "coding problems": len(problems.load()),
    }
    for what, count in there.items():
        promised = re.search(rf"more\s+than\s+(\d+)\s+{what}", README, re.I)
        assert promised and int(promised[1]) < count


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
