"""The process that runs a reader's code: `python -m digitdreams.interview.judging`.

Arguments: topic, name of the problem, the reader's file, seconds, where to write the
report.
"""

import json
import os
import sys
import threading
import traceback
from pathlib import Path

from digitdreams import checks
from digitdreams.interview import practice, problems


def source_of(path: Path) -> str:
    """The program in a file; of a notebook, the code cells up to the check.

    Raises:
        ValueError: the file is no notebook or no text.
    """
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        return text
    cells = [
        "".join(cell["source"])
        for cell in json.loads(text)["cells"]
        if cell["cell_type"] == "code"
    ]
    lines = "\n\n".join(one for one in cells if "interview" not in one).splitlines()
    # Magics and shell commands belong to the notebook, not to the answer.
    return "\n".join("" if line[:1] in ("%", "!") else line for line in lines)


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


def judge(topic: str, name: str, path: Path, ready) -> tuple[str, str]:
    """Return state and message; `ready` is called before the reader's code runs."""
    problem = next(one for one in problems.load_topic(topic) if one.name == name)
    data = problem.as_data()
    ready()
    names = {"__name__": name, "__file__": str(path)}
    try:
        exec(compile(source_of(path), str(path), "exec"), names)
    except (SystemExit, Exception) as error:
        where = own_line(error, path)
        if isinstance(error, NotImplementedError) and checks.blank(error):
            return practice.BLANK, f"{name} is not started: fill in {path.name}."
        said = error.msg if isinstance(error, SyntaxError) else str(error)
        return practice.FAILED, (
            f"{path.name}{where} does not run: {type(error).__name__}: {said}"
        )
    function = names.get(name)
    if not callable(function):
        return practice.FAILED, f"{path.name} defines no function {name}: keep its name"
    try:
        said = checks.judge(data, name, function)
    except NotImplementedError:
        return practice.BLANK, f"{name} is not started: fill in {path.name}."
    except SystemExit:
        return practice.FAILED, f"{name} calls exit(): return a value instead"
    if said:
        return practice.WRONG, said
    return practice.RIGHT, f"{name}: right ({len(data['cases'])} cases)."


def main(topic: str, name: str, file: str, seconds: str, report: str) -> None:
    path, limit, process = Path(file), float(seconds), os.getpid()

    def write(state: str, message: str) -> None:
        if os.getpid() == process:  # not in a child of the reader's code
            text = json.dumps({"state": state, "message": message})
            Path(report).write_text(text, encoding="utf-8")

    def too_slow() -> None:
        frames = traceback.extract_stack(sys._current_frames()[main_thread])
        lines = [frame.lineno for frame in frames if frame.filename == str(path)]
        where = f" in line {lines[-1]}" if lines else ""
        write(
            practice.SLOW,
            f"{name} was still running{where} after {limit:g} s: is a loop endless?",
        )
        os._exit(0)

    main_thread = threading.get_ident()
    timer = threading.Timer(limit, too_slow)
    timer.daemon = True
    try:
        found = judge(topic, name, path, timer.start)
    finally:
        timer.cancel()
    write(*found)
    sys.stdout.flush()
    os._exit(0)  # without waiting for threads that the reader's code left


if __name__ == "__main__":
    main(*sys.argv[1:])
