"""With `--language zh` everything is Chinese: no English sentence in any output."""

import ast
import html
import json
import re
from pathlib import Path

import pytest
from test_bank import QUESTIONS
from typer.testing import CliRunner

from digitdreams import checks, cli
from digitdreams.interview import (
    bank,
    commands,
    history,
    judging,
    memory,
    mock,
    practice,
    problems,
    report,
    screen,
    translations,
)

PROBLEMS = problems.load()
# Four Latin words in a row, with what stands between words of a sentence.
WORD = r"[A-Za-z]{2,}(?:['-][A-Za-z]+)*"
SENTENCE = re.compile(rf"(?:{WORD}[,;:]? +(?:a +)?){{3,}}{WORD}")
CODE = re.compile(
    r"`[^`]*`|digitdreams( +[\w=.\"-]+)+|\(\w+(?:, [\w /*+-]+)+\)|\S*/\S*"
)
run = CliRunner().invoke


def plain_sentences(text, allowed=()):
    """The Latin sentences of a text, less commands, paths and what is allowed."""
    flat = " ".join(text.split())
    for one in sorted(allowed, key=len, reverse=True):
        flat = flat.replace(" ".join(one.split()), " ")
    return [match[0] for match in SENTENCE.finditer(CODE.sub(" | ", flat))]


def output(*words, input=None):
    """What a command prints in Chinese, errors included."""
    result = run(cli.app, [*words, "--language", "zh"], input=input)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.stdout + result.stderr


def sources():
    """What stays in its own language: titles of papers."""
    return {source for question in QUESTIONS for source in question.sources}


def quoted():
    """What Chinese texts quote in its own words, such as the text of an error."""
    texts = [text.zh for question in QUESTIONS for text in texts_of(question)]
    found = {one for text in texts for one in re.findall(r"[`“]([^`”\n]+)[`”]", text)}
    return {one for one in found if SENTENCE.search(one)}


def test_the_test_finds_a_sentence():
    assert plain_sentences("提示：Subtract the largest logit first。")
    assert plain_sentences("今天 Nothing is due today 到期")
    assert not plain_sentences("用 PyTorch 的 KV cache，见 `a b c d e f`")
    assert not plain_sentences("digitdreams problems start hinge_losses --language zh")


# Commands -----------------------------------------------------------------------------

FAILURES = (
    ("questions", "show", "no-such-question"),
    ("questions", "list", "--topic", "vea"),
    ("questions", "search", "xyzzyqq"),
    ("problems", "show", "stable_sofmax"),
    ("problems", "check", "stable_softmax"),
    ("problems", "check", "stable_softmax", "no.py"),
    ("interview", "--role", "poet"),
    ("interview", "--length", "ever"),
    ("anki", "deck.txt"),
    ("anki", "no/deck.apkg"),
    ("progress", "import", "no.json"),
    ("progress", "import", "bad.json"),
    ("progress", "import", "late.json"),
)


@pytest.mark.slow
def test_no_command_prints_an_english_sentence(own_place, monkeypatch):
    monkeypatch.chdir(own_place)
    monkeypatch.setenv("COLUMNS", "400")
    Path("bad.json").write_text("[1", encoding="utf-8")
    Path("late.json").write_text(
        '{"format": 1, "reviews": [{"question": "q", "rated_at": '
        '"9999-01-01T00:00:00+00:00", "rating": 1, "seconds": 1, "language": "en", '
        '"answer": ""}]}',
        encoding="utf-8",
    )
    said = [output(*words) for words in FAILURES]
    said.append(output("problems", "start", "stable_softmax"))
    said.append(output("problems", "start", "stable_softmax"))
    said += [output("problems", "hint", "stable_softmax", str(n)) for n in (1, 2)]
    said.append(output("problems", "list"))
    said.append(output("questions", "list"))
    said.append(output("questions", "search", "mode collapse"))
    said.append(output("quiz", "--due"))
    said.append(output("quiz", input="because\n\n3\n\nx\n1\ns\n\nq\n"))
    said.append(output("quiz", input="\n4\nq\n"))
    said.append(output("quiz", "--count", "1", input=""))
    said += [output("progress", "show"), output("progress", "export", "out.json")]
    said += [output("progress", "import", "out.json"), output("anki", "deck.apkg")]
    talk = "h\nh\nh\nwords\n\n\n2\n" * 4 + "h\ne\ns\n" + "h\n\n" + "1\n" * 20
    said.append(output("interview", "--minutes", "20", "--seed", "5", input=talk))
    allowed = {*sources(), *quoted()}
    for text in said:
        assert text.strip()
        assert not plain_sentences(text, allowed)
    written = (own_place / "my_work" / "problems" / "stable_softmax.py").read_text(
        encoding="utf-8"
    )
    assert not plain_sentences(written)


# Programs, formulas, and what is quoted, such as a prompt or an error's text.
OWN = re.compile(
    r"```.*?```|`[^`]*`|\$\$.*?\$\$|\$[^$]*\$|“[A-Za-z][^”\u4e00-\u9fff]*”|\"[^\"]*\"",
    re.DOTALL,
)


def texts_of(question):
    """All Chinese texts of a question."""
    yield from (question.question, question.short, question.answer, *question.rubric)
    for follow_up in question.follow_ups:
        yield from (follow_up.question, follow_up.reply)
    for wrong in question.wrong:
        yield from (wrong.claim, wrong.why)


def test_every_question_and_problem_is_chinese():
    texts = [(one.id, text.zh) for one in QUESTIONS for text in texts_of(one)]
    for one in PROBLEMS:
        texts += [
            (one.name, text.zh) for text in (one.title, one.statement, one.limits)
        ]
    found = [
        (where, sentences)
        for where, text in texts
        if (sentences := plain_sentences(OWN.sub(" | ", text)))
    ]
    assert found == []


def test_an_answer_and_a_problem_are_chinese_on_the_screen():
    question = next(one for one in QUESTIONS if one.id == "gan-design-small")
    problem = next(one for one in PROBLEMS if one.name == "kl_standard_normal")
    out = screen.console()
    out.width = 10_000
    with out.capture() as caught:
        screen.show_question(out, question, "zh")
        screen.show_answer(out, question, "zh", problem)
        screen.show_problem(out, problem, "zh")
    assert not plain_sentences(caught.get(), question.sources)


def test_a_report_is_chinese_throughout(own_place):
    plan = mock.Plan(60, "middle", 3)
    room = mock.Interview(plan, plan.draw(QUESTIONS, PROBLEMS), PROBLEMS, "zh")
    for item in room.items:
        item.done, item.hints, item.seconds = True, 1, 70
        item.earn(0.5, [room.word["not_solved"]], "zh")
        if isinstance(item, mock.DesignItem):
            item.points = [1] * len(item.criteria)
    room.earlier = [history.Past.of(room)]
    room.stopped = "you typed q"
    report.write(room)
    allowed = {
        *sources(),
        *quoted(),
        *(code for item in room.items if (code := item.code())),
    }
    for name in ("report.md", "report.html"):
        text = (room.folder / name).read_text(encoding="utf-8")
        text = re.sub(
            r"<style>.*?</style>|```.*?```|<pre>.*?</pre>", "", text, flags=re.S
        )
        text = html.unescape(re.sub(r"<[^>]+>", " ", text))
        assert not plain_sentences(text, allowed)
        assert "与最近三次对比" in text and "你输入了 q" in text


# What modules say in English ----------------------------------------------------------


def templates(module):
    """The messages that a module's source raises or hands on, as templates."""
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    names = ("MemoryFault", "PracticeError", "LookupError", "CourseMissing", "failure")
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if called in names and node.args:
                yield from said(node.args[0])
            if called == "Result" and len(node.args) > 1:
                yield from said(node.args[1])
        if module is memory and isinstance(node, ast.Return):
            yield from said(node.value)


def said(node):
    """The text of a literal or an f-string, each placeholder filled with `x`."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    if isinstance(node, ast.JoinedStr):
        parts = [
            one.value if isinstance(one, ast.Constant) else "x" for one in node.values
        ]
        yield "".join(parts)


@pytest.mark.parametrize(
    "module", [commands, memory, practice, problems, judging, bank, mock]
)
def test_all_that_a_module_says_is_translated(module):
    missing = [
        text
        for text in templates(module)
        if " " in text and translations.translated(text, "zh") == text
    ]
    # in the authors' words only
    assert [text for text in missing if "the topics are" not in text] == []


def test_a_hint_a_message_and_an_example_of_every_problem_are_chinese():
    for problem in PROBLEMS:
        texts = [*problem.hints, *(one.message for one in problem.mistakes)]
        texts += problem.examples
        for english, chinese in zip(
            texts, problems.translated(texts, "zh"), strict=True
        ):
            sentence = plain_sentences(english) or re.search("[a-z]{3,}[.:]$", english)
            assert bank.CHINESE.search(chinese) or not sentence, (problem.name, english)
            assert not plain_sentences(chinese), (problem.name, chinese)


def test_translations_name_texts_that_exist():
    known = {
        text
        for problem in PROBLEMS
        for text in (
            *problem.hints,
            *problem.examples,
            *(one.message for one in problem.mistakes),
        )
    }
    assert set(problems.chinese()) <= known


@pytest.mark.parametrize(
    "answer",
    [
        lambda logits: logits,  # another value
        lambda logits: None,
        lambda logits: logits[0],
        lambda logits: "text",
        lambda logits: 1 / 0,
        lambda logits: object(),
        lambda logits: [logits, logits],
        lambda logits: logits * float("nan"),
        lambda logits: logits.sort() or logits,
        lambda x: x,
    ],
)
def test_what_a_check_says_is_chinese(answer):
    problem = next(one for one in PROBLEMS if one.name == "stable_softmax")
    text = checks.judge(problem.data_in("zh"), problem.name, answer)
    chinese = translations.translated(text, "zh")
    assert bank.CHINESE.search(chinese) and not plain_sentences(chinese), chinese


def test_both_languages_have_the_same_placeholders():
    for key, text in translations.TABLE.items():
        fields = [set(re.findall(r"\{(\w+)\}", one)) for one in (text.en, text.zh)]
        assert fields[0] >= fields[1], key
    for english, chinese in translations.MESSAGES.items():
        names = set(re.findall(r"\{(\w+)\}", english))
        assert set(re.findall(r"\{(\w+)\}", chinese)) <= names, english


def test_a_message_with_braces_and_lines_is_translated():
    text = translations.translated("{0}\n.py cannot be read: {x}", "zh")
    assert text == "无法读取 {0}\n.py：{x}"
    assert translations.translated("something else", "zh") == "something else"
    assert json.dumps(translations.in_language("zh"))
