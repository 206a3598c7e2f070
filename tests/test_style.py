"""Format, lint, and what must not stand in a public repository."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from places import ROOT

TEXT = {".py", ".md", ".toml", ".yml", ".ipynb", ".html", ".json", ".lock", ".yaml", ""}


def tracked():
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    names = [name for name in listed.stdout.decode().split("\0") if name]
    return [ROOT / name for name in names if (ROOT / name).is_file()]


LINT_IMPORTS = "from importlinter.cli import lint_imports; exit(lint_imports())"
TOOLS = {
    "format": ["-m", "ruff", "format", "--check", "."],
    "lint": ["-m", "ruff", "check", "."],
    "types": ["-m", "mypy"],
    "layers": ["-c", LINT_IMPORTS],
}


@pytest.mark.parametrize("tool", TOOLS)
def test_a_tool_finds_nothing(tool):
    run = subprocess.run(
        [sys.executable, *TOOLS[tool]],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_no_file_names_a_machine_or_a_package_index():
    words = r"/(work|root|home|tmp)/|p[y]pi\.org|pythonhosted|regis[t]ry\.npm"
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in tracked()
        if path.suffix in TEXT
        and path != Path(__file__)
        # Attacks name the places on the host that they try to reach.
        and path.parent != ROOT / "tests" / "attacks"
        for match in re.finditer(words, path.read_text(encoding="utf-8"))
    ]
    assert not found


def test_nothing_generated_is_tracked():
    unwanted = {".venv", "build", "my_work", "__pycache__", ".ipynb_checkpoints"}
    assert not [one for one in tracked() if unwanted & set(one.parts)]
