"""What the commands of the interview room share: output, questions, interruptions."""

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator

import typer
from rich.console import Console
from rich.theme import Theme

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


def fail(text: str) -> typer.Exit:
    """Print an error without markup; the caller raises what this returns."""
    Console(stderr=True, highlight=False).print(
        text, style="red", markup=False, soft_wrap=not sys.stderr.isatty()
    )
    return typer.Exit(1)


@contextlib.contextmanager
def failures(*kinds: type[Exception]) -> Iterator[None]:
    """Show these exceptions as one error, without the way to them."""
    try:
        yield
    except kinds as error:
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
    waiting = []
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
        found = ask(prompt).lower()[:1]
        if found == "q":
            raise Stopped("you typed q")
        if found and found in answers:
            return found
        out.print(f"Please type one of {', '.join(answers)}, or q to stop.")


def write_answer(lines: list[str]) -> None:
    """Read the user's own answer into `lines`, up to an empty line.

    What was written before a Stopped is in `lines`.
    """
    while line := ask("> "):
        if line.lower() == "q":
            raise Stopped("you typed q")
        lines.append(line)


def markdown(text: str):
    """The bank's Markdown as rich shows it, formulas in Unicode."""
    from digitdreams.interview import formula, wrapping

    return wrapping.BankMarkdown(formula.for_terminal(text))


# The bank on the screen ---------------------------------------------------------------

WORDS = {
    "en": {
        "colon": ": ",
        "short": "In short",
        "follow_ups": "Follow-ups",
        "wrong": "Common wrong answers",
        "sources": "Sources",
        "lesson": "Lesson",
        "practise": "Practise",
        "limits": "Limits",
        "examples": "Examples",
    },
    "zh": {
        "colon": "：",
        "short": "一句话",
        "follow_ups": "追问",
        "wrong": "常见错误回答",
        "sources": "来源",
        "lesson": "课程",
        "practise": "练习",
        "limits": "限制",
        "examples": "示例",
    },
}


def show_question(out: Console, question, language: str) -> None:
    """Print topic, level, kind and the question."""
    label = f"{question.topic} · {question.level} · {question.kind} · {question.id}"
    out.print(label, style="dim", markup=False)
    out.print(markdown(question.question.in_language(language)))


def show_answer(
    out: Console, question, language: str, problem=None, whole: bool = True
) -> None:
    """Print short and long answer and links.

    With `whole`, also follow-ups, common wrong answers and sources.
    """
    word = WORDS[language]
    short = question.short.in_language(language)
    answer = question.answer.in_language(language)
    parts = [f"**{word['short']}**{word['colon']}{short}", answer]
    if whole:
        parts.append(f"**{word['follow_ups']}**")
        parts.append(
            "\n".join(
                f"- *{one_line(one.question, language)}* "
                f"{one_line(one.reply, language)}"
                for one in question.follow_ups
            )
        )
        parts.append(f"**{word['wrong']}**")
        parts.append(
            "\n".join(
                f"- *{one_line(one.claim, language)}* {one_line(one.why, language)}"
                for one in question.wrong
            )
        )
    out.print(markdown("\n\n".join(parts)))
    out.print()
    for source in question.sources if whole else ():
        out.print(
            f"{word['sources']}{word['colon']}{source}", style="dim", markup=False
        )
    show_links(out, question, language, problem)


def one_line(text, language: str) -> str:
    return " ".join(text.in_language(language).split())


def show_links(out: Console, question, language: str, problem=None) -> None:
    """Print where the lesson shows it and which problem practises it."""
    word = WORDS[language]
    if question.lesson:
        stem, _, cell = question.lesson.partition("#")
        out.print(
            f"{word['lesson']}{word['colon']}lessons/{stem}.ipynb, {cell}",
            style="dim",
            markup=False,
        )
    if problem:
        show_start(out, problem, language)


def show_start(out: Console, problem, language: str) -> None:
    """Print the command that begins a problem."""
    command = f"digitdreams problems start {problem.name}"
    word = WORDS[language]
    text = f"{word['practise']}{word['colon']}{command}"
    out.print(text, style="dim", markup=False)


def show_problem(out: Console, problem, language: str) -> None:
    """Print title, statement, signature, limits and examples."""
    word = WORDS[language]
    label = f"{problem.topic} · {problem.level} · {problem.name}"
    out.print(label, style="dim", markup=False)
    code = problem.broken.strip() if problem.is_hunt else problem.signature
    examples = "\n".join(problem.examples)
    parts = [
        f"## {problem.title.in_language(language)}",
        problem.statement.in_language(language),
        f"```python\n{code}\n```",
        f"**{word['limits']}**{word['colon']}{problem.limits.in_language(language)}",
        f"**{word['examples']}**\n\n```python\n{examples}\n```",
    ]
    out.print(markdown("\n\n".join(parts)))


def show_result(out: Console, result) -> None:
    """Print what a check found, after what the reader's code printed."""
    from digitdreams.interview import practice

    if result.printed:
        out.print("Your program printed:", style="dim")
        out.print(result.printed, style="dim", markup=False)
    right = result.state == practice.RIGHT
    start = "" if right else "Not yet: "
    style = "green" if right else "red"
    out.print(start + result.message, style=style, markup=False)
