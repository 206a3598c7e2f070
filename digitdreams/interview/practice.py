"""Problems in the reader's own folder: files to fill in, checks, hints.

The reader's code runs in a process of its own with a time limit, so that an endless
loop or a crash ends the check and nothing else.
"""

import contextlib
import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import textwrap
from dataclasses import dataclass
from pathlib import Path

from digitdreams import checks
from digitdreams.files import ROOT
from digitdreams.interview import formula, problems
from digitdreams.interview.problems import Problem

FOLDER = ROOT / "my_work" / "problems"
LIMIT = 20.0  # seconds for the reader's code
PREPARATION = 180.0  # and for loading Keras and the reference before it
RIGHT, WRONG, BLANK, FAILED, SLOW = "right", "wrong", "not started", "failed", "slow"


class PracticeError(ValueError):
    """A file cannot be written or read; the message says which and what to do."""


@dataclass(frozen=True)
class Result:
    """What a check found.

    Attributes:
        state: RIGHT, WRONG, BLANK (not started), FAILED (the file does not run) or
            SLOW.
        message: one or two sentences for the reader.
        printed: what the reader's code printed, its last lines.
    """

    state: str
    message: str
    printed: str = ""


# Files to fill in ---------------------------------------------------------------------


def blank(problem: Problem) -> str:
    """The code that the reader starts from."""
    if problem.is_hunt:
        return problem.broken.strip() + "\n"
    head = problem.signature.strip()
    if not head.endswith(":"):
        head += ":"
    imports = "" if "import " in head else "import numpy as np\n\n\n"
    return f"{imports}{head}\n    raise NotImplementedError\n"


def instructions(problem: Problem, language: str) -> str:
    """Title, statement, limits and examples as Markdown."""
    examples = "\n".join(textwrap.indent(one, "    ") for one in problem.examples)
    parts = [
        f"# {problem.title.in_language(language)}",
        problem.statement.in_language(language).strip(),
        problem.limits.in_language(language).strip(),
        examples,
    ]
    return "\n\n".join(parts)


def as_program(problem: Problem, language: str) -> str:
    """A Python file with the instructions as comments."""
    text = formula.for_terminal(instructions(problem, language))
    lines = []
    for line in text.splitlines():
        lines += textwrap.wrap(line, 85, subsequent_indent=indent_of(line)) or [""]
    comments = "\n".join(f"# {line}".rstrip() for line in lines)
    ending = (
        f"# Check:  digitdreams problems check {problem.name}\n"
        f"# Hint:   digitdreams problems hint {problem.name}\n"
    )
    return f"{comments}\n#\n{ending}\n{blank(problem)}"


def indent_of(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def as_notebook(problem: Problem, language: str) -> str:
    """The same as a notebook, with cells that check and give hints."""
    import nbformat
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

    tools = "from digitdreams.interview import practice"
    hint_code = f'{tools}\n\npractice.hint("{problem.name}")'
    cells = [
        new_markdown_cell(instructions(problem, language), id="statement"),
        new_code_cell(blank(problem).rstrip(), id="answer"),
        new_code_cell(f"{tools}\n\npractice.check({problem.name})", id="check"),
        new_code_cell(hint_code, id="hint"),
    ]
    notebook = new_notebook(cells=cells)
    notebook.metadata["kernelspec"] = {
        "name": "python3",
        "display_name": "Python 3",
        "language": "python",
    }
    return nbformat.writes(notebook, version=4) + "\n"


def start(
    problem: Problem,
    language: str = "en",
    notebook: bool = False,
    folder: Path | None = None,
) -> Path:
    """Write a problem to the reader's folder and return the file.

    Raises:
        PracticeError: the file exists (it stays as it is) or cannot be written.
    """
    write = as_notebook if notebook else as_program
    folder = folder or FOLDER
    path = folder / f"{problem.name}{'.ipynb' if notebook else '.py'}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with open(path, "x", encoding="utf-8") as stream:
            stream.write(write(problem, language))
    except FileExistsError as error:
        if error.filename != str(path):
            raise PracticeError(f"{error.filename} is in the way: rename it") from None
        raise PracticeError(
            f"{path} exists and stays as it is. To begin anew, rename that file first."
        ) from None
    except OSError as error:
        raise PracticeError(
            f"{path} cannot be written ({error.strerror}): make {folder.parent} "
            "writable"
        ) from None
    return path


def find_file(name: str) -> Path:
    """The reader's file of a problem, the newer one of program and notebook.

    Raises:
        PracticeError: there is none.
    """
    found = [
        path
        for suffix in (".py", ".ipynb")
        if (path := FOLDER / f"{name}{suffix}").exists()
    ]
    if not found:
        raise PracticeError(
            f"{FOLDER / name}.py does not exist: type "
            f"`digitdreams problems start {name}` first"
        )
    return max(found, key=lambda path: path.stat().st_mtime)


def editor() -> list[str] | None:
    """The command of the user's editor, None where none is set."""
    words = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "")
    return words or None


# Checking -----------------------------------------------------------------------------


def check_file(problem: Problem, path: Path, limit: float = LIMIT) -> Result:
    """Run the reader's file in a process of its own and judge its function.

    Args:
        limit: seconds that the reader's code may take; loading comes on top.
    """
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "report.json"
        command = [sys.executable, "-m", "digitdreams.interview.judging"]
        command += [problem.topic, problem.name, str(path), str(limit), str(report)]
        with open(Path(scratch) / "printed", "w+b") as printed:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
            )
            ended = True
            try:
                process.wait(limit + PREPARATION)
            except subprocess.TimeoutExpired:
                ended = False
            finally:
                kill(process)
            printed.seek(0)
            lines = printed.read().decode("utf-8", "replace").splitlines()
        said = "\n".join(lines[-20:])
        if not ended:
            return Result(SLOW, "The check did not end and was stopped.", said)
        try:
            content = json.loads(report.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return Result(
                FAILED,
                f"The program ended by itself (status {process.returncode}) before "
                "the check was done: does it call exit(), or use up the memory?",
                said,
            )
    return Result(content["state"], content["message"], said)


def kill(process: subprocess.Popen) -> None:
    """End a process and what it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()


# Inside a notebook --------------------------------------------------------------------

_given: dict[str, int] = {}


def check(function) -> None:
    """Compare a function with the problem of the same name; print when it is right.

    Raises:
        CheckFailed: naming the mistake where it is a known one.
    """
    name = getattr(function, "__name__", str(function))
    said = checks.judge(problems.find(name).task.as_data(), name, function)
    if said:
        raise checks.CheckFailed(said)
    print(f"{name}: right.")


def hint(name: str) -> None:
    """Print the next hint of a problem."""
    hints = problems.find(name).task.hints
    given = min(_given.get(name, 0), len(hints) - 1)
    print(f"Hint {given + 1} of {len(hints)}: {hints[given]}")
    _given[name] = given + 1
