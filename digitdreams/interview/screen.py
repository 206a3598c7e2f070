"""What the commands of the interview room share: output, questions, interruptions."""

import contextlib
import select
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.theme import Theme

from digitdreams.console import fail
from digitdreams.files import CourseMissing

if TYPE_CHECKING:  # imported where they are used, so that --help stays quick
    from digitdreams.interview.bank import Question, Text, Wrong
    from digitdreams.interview.judging import Result
    from digitdreams.interview.problems import Problem
    from digitdreams.interview.wrapping import BankMarkdown

THEME = Theme(
    {"markdown.code": "bold cyan", "markdown.code_block": "cyan", "markdown.h2": "bold"}
)
INTERRUPTED = 130  # what a shell reports after Ctrl-C
CTRL_C = "Ctrl-C"
PASTE = 0.05  # seconds within which a terminal brings the next line of a pasted text


class Stopped(Exception):
    """The user ended the session: by a letter, by Ctrl-C or by closing the input."""

    def __init__(self, how: str):
        self.how = how
        super().__init__(how)


def console() -> Console:
    """A console on the present standard output; it honours NO_COLOR."""
    return Console(highlight=False, theme=THEME)


def failure(reason: object, language: str = "en", code: int = 1) -> typer.Exit:
    """Print an error in this language; the caller raises what this returns."""
    from digitdreams.interview import translations

    return fail(translations.translated(str(reason), language), code)


@contextlib.contextmanager
def failures(*kinds: type[Exception], language: str = "en") -> Iterator[None]:
    """Show these exceptions, and a missing course, as one error without a traceback."""
    from digitdreams.interview import translations

    shown: tuple[type[Exception], ...] = (*kinds, CourseMissing)
    try:
        yield
    except shown as error:
        raise failure(error, language) from None
    except KeyboardInterrupt:
        text = translations.translated("Interrupted. Nothing was changed.", language)
        Console(stderr=True).print(f"\n{text}")
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


def clean(text: str) -> str:
    """What was typed, without what no file can hold: control signs and stray bytes."""
    text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return "".join(sign for sign in text if sign in "\t\n" or sign.isprintable())


def read_line(prompt: str, language: str = "en") -> str:
    """Read one line, with its spaces; a terminal that pastes whole may give several.

    Raises:
        Stopped: at Ctrl-C, or where the input has ended.
    """
    # With it, a terminal's own limit of 4,096 bytes a line does not hold.
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401
    sys.stdout.flush()
    try:
        return clean(input(prompt))
    except EOFError:
        print()
        raise Stopped("the input ended") from None
    except KeyboardInterrupt:
        print()
        raise Stopped(CTRL_C) from None
    except UnicodeDecodeError:
        print(words(language)["not_text"])
        return read_line(prompt, language)


def ask(prompt: str, language: str = "en") -> str:
    """Read one line without the spaces around it.

    Raises:
        Stopped: at Ctrl-C, or where the input has ended.
    """
    return read_line(prompt, language).strip()


def more_waits() -> bool:
    """Whether further lines are already there: those of a pasted text."""
    if not sys.stdin.isatty():
        return False
    try:
        return bool(select.select([sys.stdin], [], [], PASTE)[0])
    except (OSError, ValueError):  # no such call for a console of Windows
        return False


def choose(
    out: Console, text: str, prompt: str, answers: str, language: str = "en"
) -> str:
    """Show a text, then ask until one of these letters is given; `q` stops.

    Raises:
        Stopped: by `q`, Ctrl-C or the end of the input.
    """
    out.print()
    say(out, text)
    while True:
        letter = ask(prompt, language).lower()
        if letter == "q":
            raise Stopped("you typed q")
        if len(letter) == 1 and letter in answers:
            return letter
        say(out, words(language)["please_type"].format(letters=", ".join(answers)))


def write_answer(
    lines: list[str], language: str = "en", hint: Callable[[], None] | None = None
) -> None:
    """Read the user's own answer into `lines`, up to an empty line.

    An empty line, `q` or `h` inside a pasted text is part of it. What was written
    before a Stopped is in `lines`.

    Args:
        hint: what an `h` alone asks for.
    """
    while True:
        line = read_line("> ", language).rstrip()
        command = line.strip().lower()
        if command in ("", "q", "h") and not more_waits():
            if command == "q":
                raise Stopped("you typed q")
            if not command:
                break
            if hint:
                hint()
                continue
        lines.extend(line.split("\n"))
    while lines and not lines[-1]:
        lines.pop()


def markdown(text: str) -> "BankMarkdown":
    """The bank's Markdown as rich shows it, formulas in Unicode."""
    from digitdreams.interview import formula, wrapping

    return wrapping.BankMarkdown(formula.for_terminal(text))


# The bank on the screen ---------------------------------------------------------------


def words(language: str) -> dict[str, str]:
    """The words around a text of the bank, in "en" or "zh"."""
    from digitdreams.interview import translations

    return translations.in_language(language)


def say(out: Console, text: str, style: str = "", indent: int = 0) -> None:
    """Print plain text, broken as its language wants it, all lines indented alike."""
    from digitdreams.interview import wrapping

    out.print(wrapping.Lines(text, style, indent))


def show_dim(out: Console, text: str, indent: int = 0) -> None:
    """Print a line that steps back behind the texts of the bank."""
    say(out, text, "dim", indent)


def show_question(out: Console, question: "Question", language: str) -> None:
    """Print topic, level, kind and the question."""
    word = words(language)
    names = (word[question.topic], word[question.level], word[question.kind])
    show_dim(out, " · ".join([*names, question.id]))
    out.print(markdown(question.question.in_language(language)))


def show_answer(
    out: Console,
    question: "Question",
    language: str,
    problem: "Problem | None" = None,
) -> None:
    """Print an answer with all that belongs to it."""
    word = words(language)
    replies = [
        f"- *{one_line(asked.question, language)}* {one_line(asked.reply, language)}"
        for asked in question.follow_ups
    ]
    mistakes = [f"- {wrong_line(wrong, language)}" for wrong in question.wrong]
    parts = [
        f"**{word['short']}**{word['colon']}{question.short.in_language(language)}",
        question.answer.in_language(language),
        f"**{word['follow_ups']}**",
        "\n".join(replies),
        f"**{word['wrong']}**",
        "\n".join(mistakes),
    ]
    if question.rubric:
        points = [f"- {one_line(point, language)}" for point in question.rubric]
        parts += [f"**{word['rubric']}**", "\n".join(points)]
    out.print(markdown("\n\n".join(parts)))
    out.print()
    show_dim(out, word["sources"] + word["colon"].rstrip())
    for source in question.sources:
        show_dim(out, source, indent=2)
    if question.as_of:
        show_dim(out, f"{word['as_of']}{word['colon']}{question.as_of}")
    show_links(out, question.lesson, problem.name if problem else None, language)


def show_links(
    out: Console, lesson: str | None, problem: str | None, language: str
) -> None:
    """Print where a question is explained, and the command that practises it."""
    from digitdreams.interview import translations

    word = words(language)
    if lesson:
        stem, _, cell = lesson.partition("#")
        place = word["lesson_place"].format(stem=stem, cell=cell)
        show_dim(out, f"{word['lesson']}{word['colon']}{place}")
    if problem:
        command = f"digitdreams problems start {problem}{translations.option(language)}"
        show_dim(out, f"{word['practise']}{word['colon']}{command}")


def wrong_line(wrong: "Wrong", language: str) -> str:
    """A wrong claim and why it fails, as Markdown: told apart without a style."""
    return words(language)["wrong_claim"].format(
        claim=one_line(wrong.claim, language), why=one_line(wrong.why, language)
    )


def show_topic(out: Console, topic: str, before: str | None, language: str) -> str:
    """Print a topic unless it is that of the entry before; return it."""
    if topic != before:
        name = words(language)[topic]
        out.print()
        say(out, topic if name == topic else f"{name}（{topic}）", "bold")
    return topic


def one_line(text: "Text", language: str) -> str:
    """A text without its line breaks, for an entry of a list."""
    return " ".join(text.in_language(language).split())


def show_problem(out: Console, problem: "Problem", language: str) -> None:
    """Print title, statement, signature, limits and examples."""
    word = words(language)
    names = (word[problem.topic], word[problem.level], problem.name)
    show_dim(out, " · ".join(names))
    code = (problem.broken or problem.signature).strip()
    examples = "\n".join(problem.examples_in(language))
    parts = [
        f"## {problem.title.in_language(language)}",
        problem.statement.in_language(language),
        f"```python\n{code}\n```",
        f"**{word['limits']}**{word['colon']}{problem.limits.in_language(language)}",
        f"**{word['examples']}**\n\n```python\n{examples}\n```",
    ]
    out.print(markdown("\n\n".join(parts)))


def show_checking(out: Console, name: str, language: str = "en") -> None:
    """Print that a check runs: with Keras it takes seconds."""
    show_dim(out, words(language)["checking"].format(name=name))


def show_result(out: Console, result: "Result", language: str = "en") -> None:
    """Print what a check found, after what the reader's code printed."""
    from digitdreams.interview import translations
    from digitdreams.interview.judging import State

    word = words(language)
    if result.printed:
        show_dim(out, word["printed"])
        show_dim(out, result.printed)
    right = result.state is State.RIGHT
    start = "" if right else word["not_yet"]
    text = translations.translated(result.message, language)
    say(out, start + text, "green" if right else "red")
