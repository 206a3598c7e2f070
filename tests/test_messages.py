"""Messages, hints and statements are well formed."""

import ast
import io
import re
import tokenize

import pytest

from digitdreams import tasks
from digitdreams.interview import problems
from places import ROOT, WITH_EXERCISE

FILES = sorted(
    path
    for folder in ("sources/tasks", "content/problems")
    for path in (ROOT / folder).glob("*.py")
)
NOT_PROSE = re.compile(r"```.*?```|`[^`]*`|\$\$.*?\$\$|\$[^$]*\$", re.DOTALL)
FAULTS = {
    "two spaces": r"\S {2,}\S",
    "no space behind a punctuation mark": r"[a-z)\]][,;:!?][A-Za-z]",
    "a space before a punctuation mark": r"\w [,.;:!?](\s|$)",
    "a word twice": r"\b([a-z]{2,}) \1\b",
}


def specifications():
    for lesson in WITH_EXERCISE:
        yield from ((lesson.stem, one) for one in tasks.load(lesson.stem))
    yield from ((one.topic, one) for one in problems.load())


def sentences(one):
    """The texts that end like a sentence."""
    yield from (wrong.message for wrong in one.mistakes)
    if isinstance(one, problems.Problem):
        yield from (one.statement.en, one.statement.zh)


def texts(one):
    """All texts."""
    yield from sentences(one)
    yield from one.hints
    if isinstance(one, problems.Problem):
        for both in (one.title, one.limits):
            yield from (both.en, both.zh)


def faults(text):
    """What is wrong with the form of a text, by name."""
    prose = NOT_PROSE.sub("x", text)
    found = [name for name, pattern in FAULTS.items() if re.search(pattern, prose)]
    return found + ["space around it"] * (text != text.strip())


def test_texts_are_well_formed_and_end_like_sentences():
    ends = (*".?!。？！", ".)", "。）", "$$", "```")
    wrong, count = [], 0
    for where, one in specifications():
        count += 1
        said = [(text, faults(text)) for text in texts(one)]
        said += [(text, not text.endswith(ends)) for text in sentences(one)]
        wrong += [(where, one.name, *each) for each in said if each[1]]
    assert count > 200 and not wrong


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("Dense(128) and Dense(256),both with relu.", "no space behind"),
        ("The sum  of all.", "two spaces"),
        ("Sum all , then divide.", "a space before"),
        ("Take the the mean.", "a word twice"),
        (" Sum.", "space around it"),
    ],
)
def test_a_fault_is_found(text, fault):
    (found,) = faults(text)
    assert found.startswith(fault)


def run_together(source):
    """Literals that Python joins with no space between them, as pairs."""
    last = ""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.STRING and "f" not in token.string[:2]:
            text = ast.literal_eval(token.string)
            join = last[-1:] + text[:1]
            if len(join) == 2 and join.isascii() and not re.search(r"\s", join):
                yield last, text
            last = text
        elif token.type not in (tokenize.NL, tokenize.COMMENT):
            last = ""


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_two_literals_run_together(path):
    assert not list(run_together(path.read_text(encoding="utf-8")))


def test_literals_that_run_together_are_found():
    source = 'say("take the sum" \n "over all", "then", "divide " "by n")'
    assert list(run_together(source)) == [("take the sum", "over all")]
