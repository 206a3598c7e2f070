"""A small bank and a place for progress, so that tests do not touch the reader's."""

import os
import sys

import pytest
from test_bank import GOOD


@pytest.fixture
def own_place(tmp_path, monkeypatch):
    """The user's data folder and my_work lie below tmp_path, here and in children."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("DIGITDREAMS_HOME", str(tmp_path))
    for name in ("COLUMNS", "NO_COLOR", "FORCE_COLOR", "EDITOR", "VISUAL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def small_bank(tmp_path):
    """A folder with three questions."""
    folder = tmp_path / "questions"
    folder.mkdir()
    second = GOOD.replace("vae-why-sample", "vae-second").replace("a VAE", "it")
    third = second.replace("vae-second", "vae-third").replace("junior", "senior")
    text = GOOD + second + third
    (folder / "vae.yaml").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def environment(own_place, small_bank):
    """The environment of a child process that uses the small bank."""
    return {
        **os.environ,
        "DIGITDREAMS_QUESTIONS": str(small_bank),
        "PYTHONIOENCODING": "utf-8",
        "TERM": "xterm-256color",
    }


@pytest.fixture
def command():
    """The command `digitdreams` of this Python, as a list of words."""
    return [sys.executable, "-c", "from digitdreams.cli import app; app()"]
