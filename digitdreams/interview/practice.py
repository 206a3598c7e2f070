"""Problems in the reader's own folder: files to fill in, checks, hints.

The reader's code runs in a process of its own with a time limit, so that an endless
loop or a crash ends the check and nothing else.
"""

import contextlib
import os
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from digitdreams import checks, files
from digitdreams.interview import answers, problems, translations
from digitdreams.interview.judging import Result, State
from digitdreams.interview.problems import Problem
from digitdreams.remarks import is_remark

LIMIT = 20.0  # seconds for the reader's code
PREPARATION = 180.0  # and for loading Keras and the reference before it


class PracticeError(ValueError):
    """A file cannot be written or read; the message says which and what to do."""


# Files to fill in ---------------------------------------------------------------------


def problem_folder() -> Path:
    """The reader's folder of problems, my_work/problems."""
    return files.work_folder() / "problems"


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
    write = answers.as_notebook if notebook else answers.as_program
    folder = folder or problem_folder()
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
    folder = problem_folder()
    present = [
        path
        for suffix in (".py", ".ipynb")
        if (path := folder / f"{name}{suffix}").exists()
    ]
    if not present:
        raise PracticeError(
            f"{folder / name}.py does not exist: type "
            f"`digitdreams problems start {name}` first"
        )
    return max(present, key=lambda path: path.stat().st_mtime)


def editor() -> list[str] | None:
    """The command of the user's editor, None where none is set."""
    words = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "")
    return words or None


# Checking -----------------------------------------------------------------------------


def check_file(
    problem: Problem, path: Path, limit: float = LIMIT, language: str = "en"
) -> Result:
    """Run the reader's file in a process of its own and judge its function.

    Args:
        language: of what the problem says about a mistake.
        limit: seconds that the reader's code may take; loading comes on top.
    """
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "report.json"
        command = [sys.executable, "-m", "digitdreams.interview.judging"]
        command += [problem.topic, problem.name, str(path), str(limit), str(report)]
        command.append(language)
        with open(Path(scratch) / "printed", "w+b") as output:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={
                    **os.environ,
                    "PYTHONIOENCODING": "utf-8",  # as it is read below
                    "TF_CPP_MIN_LOG_LEVEL": "3",
                },
            )
            ended = True
            try:
                process.wait(limit + PREPARATION)
            except subprocess.TimeoutExpired:
                ended = False
            finally:
                kill(process)
            output.seek(0)
            lines = output.read().decode("utf-8", "replace").splitlines()
        lines = [line for line in lines if not is_remark(line)]
        printed = "\n".join(lines[-20:])
        if not ended:
            message = "The check did not end and was stopped."
            return Result(State.SLOW, message, printed)
        try:
            return Result.from_json(report.read_text(encoding="utf-8"), printed)
        except (OSError, ValueError):
            return Result(
                State.FAILED,
                f"The program ended by itself (status {process.returncode}) before "
                "the check was done: does it call exit(), or use up the memory?",
                printed,
            )


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a process and what it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()


# Inside a notebook --------------------------------------------------------------------

_hints_given: dict[str, int] = {}


def check(function: Callable[..., Any], language: str = "en") -> None:
    """Compare a function with the problem of the same name; print when it is right.

    Args:
        language: "en" or "zh".

    Raises:
        CheckFailed: naming the mistake where it is a known one.
        NotImplementedError: the blank was not filled in.
        LookupError: there is no problem of this name.
    """
    name = getattr(function, "__name__", str(function))
    mistake = checks.judge(problems.find(name).data_in(language), name, function)
    if mistake:
        raise checks.CheckFailed(translations.translated(mistake, language))
    print(translations.translated(f"{name}: right.", language))


def hint(name: str, language: str = "en") -> None:
    """Print the next hint of a problem, in "en" or "zh".

    Raises:
        LookupError: there is no problem of this name.
    """
    hints = problems.find(name).hints_in(language)
    given = min(_hints_given.get(name, 0), len(hints) - 1)
    print(numbered_hint(hints, given, language))
    _hints_given[name] = given + 1


def numbered_hint(hints: Sequence[str], given: int, language: str) -> str:
    """A hint with its number, counted from 0 here and from 1 for the reader."""
    word = translations.in_language(language)
    return word["hint_number"].format(
        number=given + 1, count=len(hints), hint=hints[given]
    )
