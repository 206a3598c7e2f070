"""What `get_ipython()` is inside the sandbox: IPython's own shell, but for what needs
a network, a screen or a person. Those lines are ignored, and so are magics that only
another machine knows.
"""

import re
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.text import SList
from traitlets.config import Config

IGNORED = frozenset(
    {
        *("autoreload", "config", "gui", "load_ext", "matplotlib", "pylab"),
        *("reload_ext", "tensorflow_version", "tensorboard", "unload_ext"),
        *("conda", "mamba", "micromamba", "pip", "uv"),
        *("debug", "edit", "pdb", "bookmark", "logstart"),
    }
)
FETCHES = re.compile(
    r"^\s*(sudo\s+)?(\S*python\S*\s+-m\s+)?"
    r"(apt|apt-get|brew|conda|curl|gdown|git|kaggle|mamba|npm|pip3?|uv|wget)\b"
)


class Shell(InteractiveShell):
    """Runs magics in the notebook's own namespace."""

    def ignore(self, what: str) -> None:
        print(f"({what} is ignored while grading)", file=sys.stderr)

    def run_line_magic(self, magic_name: str, line: str, _stack_depth: int = 1) -> Any:
        once = magic_name == "timeit" and "-o" not in line.split()
        known = self.find_magic(magic_name, "line") is not None
        if once or magic_name in IGNORED or not known:
            self.ignore(f"%{magic_name}")
            return None
        return super().run_line_magic(magic_name, line, _stack_depth + 1)

    def run_cell_magic(self, magic_name: str, line: str, cell: str) -> Any:
        if magic_name == "timeit":
            # Once: what a notebook repeats for a minute says nothing here.
            exec(self.transform_cell(cell), {**self.user_ns})
            return None
        known = self.find_magic(magic_name, "cell") is not None
        if magic_name in IGNORED or not known:
            self.ignore(f"%%{magic_name}")
            return None
        return super().run_cell_magic(magic_name, line, cell)

    def magic(self, line: str) -> Any:
        """Run a magic as old notebooks write it: `get_ipython().magic("time f()")`."""
        name, _, rest = line.lstrip("%").partition(" ")
        return self.run_line_magic(name, rest)

    def said(self, command: str) -> str:
        """What a command prints."""
        if FETCHES.match(command):
            self.ignore(f"!{command.split()[0]}")
            return ""
        done = subprocess.run(
            self.var_expand(command, depth=1),
            shell=True,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self.user_ns["_exit_code"] = done.returncode
        return done.stdout.decode("utf-8", errors="replace")

    def system(self, command: str) -> None:
        print(self.said(command), end="")

    def getoutput(self, command: str, split: bool = True, depth: int = 0) -> Any:
        output = self.said(command)
        return SList(output.splitlines()) if split else output


def make(module: types.ModuleType) -> Shell:
    """The shell of a notebook whose names are those of a module."""
    settings = Config()
    settings.HistoryManager.enabled = False
    folder = str(Path("home", ".ipython").resolve())
    made = Shell.instance(user_module=module, config=settings, ipython_dir=folder)
    assert isinstance(made, Shell)
    return made
