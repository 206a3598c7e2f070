"""What the commands of the interview room share: output, questions, interruptions."""

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.theme import Theme

from digitdreams.console import fail
from digitdreams.files import CourseMissing

if TYPE_CHECKING:  # imported where they are used, so that --help stays quick
    from digitdreams.interview.bank import Question, Text
    from digitdreams.interview.judging import Result
    from digitdreams.interview.problems import Problem
    from digitdreams.interview.wrapping import BankMarkdown

THEME = Theme(
    {"markdown.code": "bold cyan", "markdown.code_block": "cyan", "markdown.h2": "bold"}
)
INTERRUPTED = 130  # what a shell reports after Ctrl-C
CTRL_C = "Ctrl-C"


class Stopped(Exception):
    """The user ended the session: by a letter, by Ctrl-C or by closing the input."""

    def __init__(self, how: str):
        self.how = how
        super().__init__(how)


def console() -> Console:
    """A console on the present standard output; it honours NO_COLOR."""
    return Console(highlight=False, theme=THEME)


@contextlib.contextmanager
def failures(*kinds: type[Exception]) -> Iterator[None]:
    """Show these exceptions, and a missing course, as one error without a traceback."""
    shown: tuple[type[Exception], ...] = (*kinds, CourseMissing)
    try:
        yield
    except shown as error:
        raise fail(str(error)) from None
    except KeyboardInterrupt:
        Console(stderr=True).print("\nInterrupted. Nothing was changed.")
        raise typer.Exit(INTERRUPTED) from None
    except BrokenPipeError:
        with contextlib.suppress(OSError):
            sys.stdout.close()
        raise typer.Exit(1) from None


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Put off Ctrl-C until the block is done, so that it is done whole."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    waiting: list[bool] = []
    before = signal.signal(signal.SIGINT, lambda *_: waiting.append(True))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if waiting:
        raise KeyboardInterrupt


def ask(prompt: str) -> str:
    """Read one line.

    Raises:
        Stopped: at Ctrl-C, or where the input has ended.
    """
    sys.stdout.flush()
    try:
        return input(prompt).strip()
    except EOFError:
        print()
        raise Stopped("the input ended") from None
    except KeyboardInterrupt:
        print()
        raise Stopped(CTRL_C) from None
    except UnicodeDecodeError:
        print("That was not text in this terminal's encoding; please type it again.")
        return ask(prompt)


def choose(out: Console, text: str, prompt: str, answers: str) -> str:
    """Show a text, then ask until one of these letters is given; `q` stops.

    Raises:
        Stopped: by `q`, Ctrl-C or the end of the input.
    """
    out.print(text, markup=False)
    while True:
        letter = ask(prompt).strip().lower()
        if letter == "q":
            raise Stopped("you typed q")
        if len(letter) == 1 and letter in answers:
            return letter
        out.print(f"Please type one of {', '.join(answers)}, or q to stop.")


def write_answer(lines: list[str]) -> None:
    """Read the user's own answer into `lines`, up to an empty line.

    What was written before a Stopped is in `lines`.
    """
    while line := ask("> "):
        if line.lower() == "q":
            raise Stopped("you typed q")
        lines.append(line)


def markdown(text: str) -> "BankMarkdown":
    """The bank's Markdown as rich shows it, formulas in Unicode."""
    from digitdreams.interview import formula, wrapping

    return wrapping.BankMarkdown(formula.for_terminal(text))


# The bank on the screen ---------------------------------------------------------------


def words(language: str) -> dict[str, str]:
    """The words around a text of the bank, in "en" or "zh"."""
    from digitdreams.interview import translations

    return translations.in_language(language)


def show_question(out: Console, question: "Question", language: str) -> None:
    """Print topic, level, kind and the question."""
    show_dim(
        out, f"{question.topic} · {question.level} · {question.kind} · {question.id}"
    )
    out.print(markdown(question.question.in_language(language)))


def show_answer(
    out: Console,
    question: "Question",
    language: str,
    problem: "Problem | None" = None,
    whole: bool = True,
) -> None:
    """Print short and long answer and links.

    With `whole`, also follow-ups, common wrong answers and sources.
    """
    word = words(language)

    def listed(pairs: "list[tuple[Text, Text]]") -> str:
        return "\n".join(
            f"- *{one_line(first, language)}* {one_line(second, language)}"
            for first, second in pairs
        )

    short = question.short.in_language(language)
    parts = [
        f"**{word['short']}**{word['colon']}{short}",
        question.answer.in_language(language),
    ]
    if whole:
        replies = [(asked.question, asked.reply) for asked in question.follow_ups]
        mistakes = [(wrong.claim, wrong.why) for wrong in question.wrong]
        parts += [f"**{word['follow_ups']}**", listed(replies)]
        parts += [f"**{word['wrong']}**", listed(mistakes)]
        if question.rubric:
            points = [f"- {one_line(point, language)}" for point in question.rubric]
            parts += [f"**{word['rubric']}**", "\n".join(points)]
    out.print(markdown("\n\n".join(parts)))
    out.print()
    for source in question.sources if whole else ():
        show_dim(out, f"{word['sources']}{word['colon']}{source}")
    if question.as_of:
        show_dim(out, f"{word['as_of']}{word['colon']}{question.as_of}")
    if question.lesson:
        stem, _, cell = question.lesson.partition("#")
        place = f"lessons/{stem}.ipynb, {cell}"
        show_dim(out, f"{word['lesson']}{word['colon']}{place}")
    if problem:
        show_start(out, problem, language)


def show_dim(out: Console, text: str) -> None:
    """Print a line that steps back behind the texts of the bank."""
    out.print(text, style="dim", markup=False)


def show_topic(out: Console, topic: str, before: str | None) -> str:
    """Print a topic unless it is that of the entry before; return it."""
    if topic != before:
        out.print(f"\n{topic}", style="bold", markup=False)
    return topic


def one_line(text: "Text", language: str) -> str:
    """A text without its line breaks, for an entry of a list."""
    return " ".join(text.in_language(language).split())


def show_start(out: Console, problem: "Problem", language: str) -> None:
    """Print the command that begins a problem."""
    word = words(language)
    command = f"digitdreams problems start {problem.name}"
    show_dim(out, f"{word['practise']}{word['colon']}{command}")


def show_problem(out: Console, problem: "Problem", language: str) -> None:
    """Print title, statement, signature, limits and examples."""
    word = words(language)
    show_dim(out, f"{problem.topic} · {problem.level} · {problem.name}")
    code = (problem.broken or problem.signature).strip()
    examples = "\n".join(problem.examples)
    parts = [
        f"## {problem.title.in_language(language)}",
        problem.statement.in_language(language),
        f"```python\n{code}\n```",
        f"**{word['limits']}**{word['colon']}{problem.limits.in_language(language)}",
        f"**{word['examples']}**\n\n```python\n{examples}\n```",
    ]
    out.print(markdown("\n\n".join(parts)))


def show_result(out: Console, result: "Result") -> None:
    """Print what a check found, after what the reader's code printed."""
    from digitdreams.interview.judging import State

    if result.printed:
        out.print("Your program printed:", style="dim")
        show_dim(out, result.printed)
    right = result.state is State.RIGHT
    start = "" if right else "Not yet: "
    style = "green" if right else "red"
    out.print(start + result.message, style=style, markup=False)
