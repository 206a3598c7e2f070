"""The process that runs a reader's code: `python -m digitdreams.interview.judging`.

Arguments: topic, name of the problem, the reader's file, seconds, where to write the
report, a Result as JSON, and the language of what the problem says.
"""

import json
import os
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from digitdreams import checks
from digitdreams.interview import answers, problems


class State(StrEnum):
    """How a check ended."""

    RIGHT = "right"
    WRONG = "wrong"
    BLANK = "not started"
    FAILED = "failed"  # the file does not run
    SLOW = "slow"


@dataclass(frozen=True)
class Result:
    """What a check found.

    Attributes:
        message: one or two sentences for the reader.
        printed: what the reader's code printed, its last lines.
    """

    state: State
    message: str
    printed: str = ""

    def as_json(self) -> str:
        """The result as a JSON document."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str, printed: str) -> "Result":
        """The result in a document of `as_json`, with what was printed meanwhile.

        Raises:
            ValueError: the document is no result.
        """
        try:
            content = json.loads(text)
            return cls(State(content["state"]), content["message"], printed)
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a result: {error!r}") from None


def own_line(error: BaseException, path: Path) -> str:
    """`, line 7` of the reader's file, where the error has such a line."""
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return f", line {error.lineno}"
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename == str(path)
    ]
    return f", line {lines[-1]}" if lines else ""


def judge(
    topic: str,
    name: str,
    path: Path,
    ready: Callable[[], object],
    language: str = "en",
) -> Result:
    """Run the reader's file and compare its function with the problem `name`.

    Args:
        language: of what the problem says about a mistake; the words around it are
            English, see `translations.translated`.
        ready: called when Keras and the reference are loaded, before the reader's
            code runs.
    """
    problem = next(
        candidate for candidate in problems.of_topic(topic) if candidate.name == name
    )
    data = problem.data_in(language)
    not_started = Result(State.BLANK, f"{name} is not started: fill in {path.name}.")
    ready()
    names: dict[str, Any] = {
        "__name__": name,
        "__file__": str(path),
        "get_ipython": answers.NoShell,
    }
    try:
        exec(compile(answers.program_of(path, name), str(path), "exec"), names)
    except checks.CheckFailed as error:  # by a check of the reader's own
        return Result(State.WRONG, str(error))
    except (SystemExit, Exception) as error:
        where = own_line(error, path)
        if isinstance(error, NotImplementedError) and checks.blank(error):
            return not_started
        text = error.msg if isinstance(error, SyntaxError) else str(error)
        return Result(
            State.FAILED,
            f"{path.name}{where} does not run: {type(error).__name__}: {text}",
        )
    function = names.get(name)
    if not callable(function):
        return Result(
            State.FAILED, f"{path.name} defines no function {name}: keep its name"
        )
    try:
        mistake = checks.judge(data, name, function)
    except NotImplementedError:
        return not_started
    except SystemExit:
        return Result(State.FAILED, f"{name} calls exit(): return a value instead")
    if mistake:
        return Result(State.WRONG, mistake)
    return Result(State.RIGHT, f"{name}: right ({len(data['cases'])} cases).")


def main(
    topic: str, name: str, file: str, seconds: str, report: str, language: str
) -> None:
    """Judge one file, write the report, and end this process."""
    path, limit, process = Path(file), float(seconds), os.getpid()

    def write(result: Result) -> None:
        if os.getpid() == process:  # not in a child of the reader's code
            Path(report).write_text(result.as_json(), encoding="utf-8")

    def too_slow() -> None:
        frames = traceback.extract_stack(sys._current_frames()[main_thread])
        lines = [frame.lineno for frame in frames if frame.filename == str(path)]
        where = f" in line {lines[-1]}" if lines else ""
        text = f"{name} was still running{where} after {limit:g} s: is a loop endless?"
        write(Result(State.SLOW, text))
        os._exit(0)

    main_thread = threading.get_ident()
    timer = threading.Timer(limit, too_slow)
    timer.daemon = True
    try:
        found = judge(topic, name, path, timer.start, language)
    finally:
        timer.cancel()
    write(found)
    sys.stdout.flush()
    os._exit(0)  # without waiting for threads that the reader's code left


if __name__ == "__main__":
    main(*sys.argv[1:])
