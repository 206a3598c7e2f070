"""A reader's file of a problem: what it begins with, and the program read back.

A problem is written as a program whose comments hold the statement, or as a notebook
with a cell to fill in and cells that check and give hints.
"""

import json
import re
import textwrap
from pathlib import Path
from typing import Any

from digitdreams.interview.bank import LANGUAGES
from digitdreams.interview.problems import Problem

CHECK, HINT = "check", "hint"  # ids of the cells that belong to the course
TOOLS = "from digitdreams.interview import practice\n\n"
# Magics whose cell holds Python that runs in the notebook itself.
RUNS_PYTHON = re.compile(r"\s*%%(capture|prun|time|timeit)\b.*")


# Writing ------------------------------------------------------------------------------


def blank(problem: Problem) -> str:
    """The code that the reader starts from."""
    if problem.broken is not None:
        return problem.broken.strip() + "\n"
    return (
        f"import numpy as np\n\n\n{problem.signature}\n    raise NotImplementedError\n"
    )


def instructions(problem: Problem, language: str) -> str:
    """Title, statement, limits and examples as Markdown."""
    shown = problem.examples_in(language)
    examples = "\n".join(textwrap.indent(text, "    ") for text in shown)
    parts = [
        f"# {problem.title.in_language(language)}",
        problem.statement.in_language(language).strip(),
        problem.limits.in_language(language).strip(),
        examples,
    ]
    return "\n\n".join(parts)


def header(problem: Problem, language: str) -> str:
    """The comments at the head of a program: instructions and commands."""
    from digitdreams.interview import formula, translations, wrapping

    lines = []
    for line in formula.for_terminal(instructions(problem, language)).splitlines():
        indent = line[: len(line) - len(line.lstrip())]
        for part in wrapping.broken(line.lstrip(), 85 - len(indent)):
            lines.append(f"{indent}{part}".replace(formula.JOINED, " "))
    comments = "\n".join(f"# {line}".rstrip() for line in lines)
    word = translations.in_language(language)
    commands = [
        f"# {word[key]}{word['colon']}digitdreams problems {key} {problem.name}"
        f"{translations.option(language)}\n"
        for key in ("check", "hint")
    ]
    return f"{comments}\n#\n{''.join(commands)}"


def as_program(problem: Problem, language: str) -> str:
    """A Python file with the instructions as comments."""
    return f"{header(problem, language)}\n{blank(problem)}"


def course_cells(name: str, language: str = "en") -> dict[str, str]:
    """The code of the cells that check and give hints, by cell id."""
    more = "" if language == "en" else f', "{language}"'
    return {
        CHECK: f"{TOOLS}practice.check({name}{more})",
        HINT: f'{TOOLS}practice.hint("{name}"{more})',
    }


def as_notebook(problem: Problem, language: str) -> str:
    """The same as a notebook, with cells that check and give hints."""
    import nbformat
    from nbformat import v4

    cells = [
        v4.new_markdown_cell(instructions(problem, language), id="statement"),
        v4.new_code_cell(blank(problem).rstrip(), id="answer"),
    ]
    for cell_id, source in course_cells(problem.name, language).items():
        cells.append(v4.new_code_cell(source, id=cell_id))
    notebook = v4.new_notebook(cells=cells)
    notebook.metadata["kernelspec"] = {
        "name": "python3",
        "display_name": "Python 3",
        "language": "python",
    }
    text: str = nbformat.writes(notebook, version=4)
    return text + "\n"


# Reading back -------------------------------------------------------------------------


def reader_cells(notebook: dict[str, Any], name: str) -> list[str]:
    """The code cells of a notebook that are the reader's, not the course's.

    The course's cells are known by their ids, and by their whole text where a program
    has removed or renewed the ids. What the reader wrote in a cell decides nothing.
    """
    texts = {text for one in LANGUAGES for text in course_cells(name, one).values()}
    found = []
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        of_course = cell.get("id") in (CHECK, HINT) or source.strip() in texts
        if cell["cell_type"] == "code" and not of_course:
            found.append(source)
    return found


def as_python(cell: str) -> str:
    """A notebook's cell as Python: magics become calls of `get_ipython()`.

    IPython knows them from lines of a text or of an expression that only begin with
    the same sign.
    """
    from IPython.core.inputtransformer2 import TransformerManager

    head, newline, body = cell.lstrip("\n").partition("\n")
    source = body if RUNS_PYTHON.fullmatch(head) else head + newline + body
    text: str = TransformerManager().transform_cell(source)
    return text


class NoShell:
    """Stands for IPython's shell where there is none: each of its methods does nothing.

    Magics and shell commands belong to the notebook, not to the answer.
    """

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments, **named: None


def program_of(path: Path, name: str) -> str:
    """The Python program in a reader's file of the problem `name`.

    A notebook's program expects `get_ipython`, such as NoShell.

    Raises:
        OSError: the file cannot be read.
        ValueError, KeyError, TypeError: it is no text in UTF-8, or no notebook.
    """
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        return text
    return "\n\n".join(as_python(cell) for cell in reader_cells(json.loads(text), name))


def written(path: Path, problem: Problem, language: str) -> str:
    """What the reader wrote, without the instructions; empty for an unusable file."""
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".ipynb":
            text = "\n\n".join(reader_cells(json.loads(text), problem.name))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ""
    return text.removeprefix(header(problem, language)).strip("\n")
