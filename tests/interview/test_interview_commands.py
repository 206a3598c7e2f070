"""The commands, as a reader types them: output, wrong input, terminals, Ctrl-C."""

import json
import os
import re
import shlex
import signal
import sqlite3
import subprocess
import time

import psutil
import pytest
from rich.cells import cell_len
from typer.testing import CliRunner

from digitdreams import cli, files
from digitdreams.interview import bank, problems

pytestmark = pytest.mark.slow  # each starts programs

pexpect = pytest.importorskip("pexpect")

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
SECONDS = 120  # for one answer of a terminal, on a busy machine
run = CliRunner().invoke


def called(*words, input=None):
    """Run a command in this process; return exit code, output and errors."""
    result = run(cli.app, list(words), input=input)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


# Questions and problems ---------------------------------------------------------------


def test_the_list_for_tools_holds_everything(own_place):
    code, out, _ = called("questions", "list", "--json")
    content = json.loads(out)
    assert code == 0 and len(content) == len(bank.load()) >= 150
    for one in content:
        assert {"id", "topic", "level", "kind", "question", "answer"} <= set(one)
        assert one["question"]["en"] and one["question"]["zh"]


def test_the_list_can_be_filtered(own_place):
    code, out, _ = called(
        "questions", "list", "--topic", "VAE", "--kind", "derivation", "--json"
    )
    content = json.loads(out)
    assert code == 0
    assert {(one["topic"], one["kind"]) for one in content} == {("vae", "derivation")}
    code, out, _ = called("questions", "list", "--topic", "vae", "--language", "zh")
    assert code == 0 and bank.CHINESE.search(out)


@pytest.mark.parametrize(
    "words",
    [
        ("questions", "list", "--topic"),
        ("problems", "list", "--topic"),
        ("quiz", "--topic"),
        ("interview", "--topic"),
        ("anki", "x.apkg", "--topic"),
    ],
)
def test_an_unknown_topic_is_answered_with_the_list(own_place, words):
    code, out, errors = called(*words, "poetry")
    assert code == 1 and not out
    assert "There is no topic 'poetry'" in errors
    assert all(topic in errors for topic in bank.TOPICS)


def test_traps_are_asked_on_demand(own_place):
    known = [one for one in bank.load() if one.topic == "text_to_image"]
    few = len(bank.ordinary(known))
    assert 0 < few < len(known)
    words = ("anki", str(own_place / "t.apkg"), "--topic", "text_to_image")
    for more, count in (((), few), (("--traps",), len(known))):
        code, out, _ = called(*words, "--language", "zh", *more)
        assert code == 0 and out.startswith(f"已把 {count} 张笔记写入")


def test_other_unknown_values_are_answered_too(own_place):
    for option, value, hint in (
        ("--level", "expert", "senior"),
        ("--kind", "riddle", "trap"),
        ("--language", "fr", "zh"),
    ):
        code, _, errors = called("quiz", option, value)
        assert code == 1 and value in errors and hint in errors
    code, _, errors = called("quiz", "--topic", "diffusion")
    assert "did you mean 'diffusion_flow'" in errors
    code, _, errors = called("questions", "show", "vae-gausian-kl")
    assert code == 1 and "did you mean" in errors
    code, _, errors = called("problems", "start", "stable_sofmax")
    assert code == 1 and "did you mean 'stable_softmax'" in errors


def test_a_filter_that_leaves_nothing_is_said(own_place, monkeypatch, small_bank):
    monkeypatch.setattr(bank.load, "__defaults__", (small_bank,))
    code, _, errors = called("quiz", "--topic", "gan")
    assert code == 1 and "Nothing in the bank is gan" in errors


def test_the_search_shows_answer_lesson_and_problem(own_place):
    code, out, _ = called("questions", "search", "posterior", "collapse")
    assert code == 0
    assert "In short" in out and "lessons/03_vae.ipynb" in out
    assert "digitdreams problems start" in out
    code, out, _ = called("questions", "search", "模式崩溃", "--limit", "3")
    assert code == 0 and "一句话" in out
    code, _, errors = called("questions", "search", "xyzzyqq")
    assert code == 1 and "Nothing was found" in errors
    code, out, _ = called("questions", "search", "KL", "--json")
    assert json.loads(out)


def test_a_question_is_shown_whole(own_place):
    one = bank.load()[0]
    for language in bank.LANGUAGES:
        code, out, _ = called("questions", "show", one.id, "--language", language)
        flat = "".join(out.split())
        assert code == 0
        assert one.sources[0].replace(" ", "")[:30] in flat
        assert one.wrong[0].why.in_language(language)[:8].replace(" ", "") in flat


def test_problems_are_listed_shown_and_started(own_place):
    code, out, _ = called("problems", "list", "--json")
    assert code == 0 and len(json.loads(out)) == len(problems.load())
    code, out, _ = called("problems", "list", "--hunts")
    assert code == 0 and "bug hunt)" in out
    code, out, _ = called("problems", "show", "stable_softmax", "--language", "zh")
    assert code == 0 and bank.CHINESE.search(out)
    code, out, _ = called("problems", "hint", "stable_softmax", "99")
    assert code == 0 and out.startswith("Hint")
    code, _, errors = called("problems", "check", "stable_softmax")
    assert code == 1 and "problems start stable_softmax" in " ".join(errors.split())
    code, out, _ = called("problems", "start", "stable_softmax")
    assert code == 0
    code, _, errors = called("problems", "start", "stable_softmax")
    assert code == 1 and "stays as it is" in " ".join(errors.split())
    code, out, _ = called("problems", "check", "stable_softmax")
    assert code == 1 and "not started" in " ".join(out.split())
    assert out.startswith("Checking stable_softmax ...\n")


def without_answers(monkeypatch, folder):
    """The course as it is handed out: neither questions nor problems."""
    monkeypatch.setattr(files, "ROOT", folder)
    monkeypatch.setattr(bank.question_files, "__defaults__", (questions(folder),))
    monkeypatch.setattr(bank.load, "__defaults__", (questions(folder),))
    monkeypatch.setattr(problems, "FOLDER", folder / "content" / "problems")


def questions(folder):
    return folder / "content" / "questions"


@pytest.mark.parametrize(
    ("words", "missing"),
    [
        (("questions", "list"), "no interview questions"),
        (("questions", "search", "mode"), "no interview questions"),
        (("questions", "show", "vae-second"), "no interview questions"),
        (("quiz",), "no interview questions"),
        (("interview",), "no interview questions"),
        (("anki", "deck.apkg"), "no interview questions"),
        (("progress", "show"), "no interview questions"),
        (("problems", "list"), "no coding problems"),
        (("problems", "show", "stable_softmax"), "no coding problems"),
        (("problems", "start", "stable_softmax"), "no coding problems"),
        (("problems", "check", "stable_softmax"), "no coding problems"),
        (("problems", "hint", "stable_softmax"), "no coding problems"),
    ],
)
def test_a_course_without_answers_says_so_in_one_line(
    own_place, monkeypatch, words, missing
):
    without_answers(monkeypatch, own_place)
    code, out, errors = called(*words)
    assert code == 1 and not out
    assert f"This copy of the course holds {missing}" in errors
    assert "made without answers. Take the whole course" in errors
    assert errors.count("\n") == 1


def test_the_check_of_the_bank_says_so_too(own_place, monkeypatch, capsys):
    without_answers(monkeypatch, own_place)
    assert bank.main([]) == 1
    assert "holds no interview questions" in capsys.readouterr().out


def test_questions_of_ones_own_need_no_problems(own_place, monkeypatch, small_bank):
    without_answers(monkeypatch, own_place)
    monkeypatch.setattr(bank.load, "__defaults__", (small_bank,))
    code, out, _ = called("quiz", input="\n3\nq\n")
    assert code == 0 and "1 rating (1 good) saved" in out
    code, out, _ = called("interview", input="q\n")
    assert code == 0 and "holds no problems: no coding part follows" in out


# Quiz and progress --------------------------------------------------------------------


def test_a_quiz_and_its_progress(own_place):
    answers = "because\n\n3\n\nx\n1\ns\nq\n"
    code, out, _ = called("quiz", "--topic", "vae", input=answers)
    assert code == 0
    assert "Comes again in 10 minutes" in out and "Please type one of" in out
    assert out.count("rating") and "2 ratings (1 again, 1 good) saved" in out
    code, out, _ = called("progress", "show", "--json")
    content = json.loads(out)
    assert content["topics"]["vae"]["seen"] == 2
    code, out, _ = called("progress", "show")
    assert code == 0 and "vae" in out

    export = own_place / "export.json"
    code, out, _ = called("progress", "export", str(export))
    assert code == 0 and "2 ratings written" in out
    code, _, errors = called("progress", "export", str(export))
    assert code == 1 and "stays as it is" in errors
    (own_place / "data" / "digitdreams" / "interview.sqlite").unlink()
    code, out, _ = called("progress", "import", str(export))
    assert code == 0 and "2 ratings added" in out
    export.write_text("[]")
    code, _, errors = called("progress", "import", str(export))
    assert code == 1 and "Nothing was added" in " ".join(errors.split())
    code, _, errors = called("progress", "import", str(own_place / "no.json"))
    assert code == 1 and "cannot be read" in errors


def test_a_damaged_progress_file_is_kept_and_said(own_place):
    path = own_place / "data" / "digitdreams" / "interview.sqlite"
    path.parent.mkdir(parents=True)
    path.write_text("no database" * 1000)
    code, out, _ = called("quiz", "--topic", "vae", input="\n3\nq\n")
    assert code == 0 and "damaged" in out and "1 rating (1 good) saved" in out
    (kept,) = path.parent.glob("*damaged*")
    assert kept.read_text() == "no database" * 1000


def test_no_place_for_progress_is_said_before_the_first_question(own_place):
    (own_place / "data").write_text("a file where the folder should be")
    code, out, errors = called("quiz", input="\n3\n")
    assert code == 1 and "--progress FILE" in " ".join(errors.split())
    assert "Answer aloud" not in out
    other = own_place / "mine.sqlite"
    code, out, _ = called("quiz", "--progress", str(other), input="\n3\nq\n")
    assert code == 0 and other.exists()


def test_an_end_of_input_ends_the_quiz(own_place):
    code, out, _ = called("quiz", input="")
    assert code == 0
    assert "Stopped: the input ended." in out and "0 ratings saved" in out


def test_a_count_ends_the_quiz(own_place):
    code, out, _ = called("quiz", "--count", "2", input="\n4\n\n4\n\n4\n")
    assert code == 0 and "2 ratings (2 easy)" in out and "Stopped" not in out


# Interview and deck -------------------------------------------------------------------


def test_an_interview_from_end_to_end(own_place, monkeypatch):
    coding = iter(["h", "e", "", "s"])
    replies = {"> ": "", "rating: ": "2", "points: ": "1"}
    monkeypatch.setattr(
        "builtins.input",
        lambda prompt: next(coding) if prompt == "coding: " else replies[prompt],
    )
    words = ("interview", "--minutes", "10", "--level", "junior", "--seed", "5")
    code, out, _ = called(*words)
    assert code == 0 and "Stopped" not in out
    assert "Hint 1 of" in out and "EDITOR" in out and "Not yet: " in out
    (folder,) = (own_place / "my_work" / "interviews").iterdir()
    names = {one.name for one in folder.iterdir()}
    assert {"report.md", "report.html"} <= names
    text = (folder / "report.md").read_text(encoding="utf-8")
    assert "not solved, 1 check, 1 hint" in text and "5 of 10" in text


def test_an_interview_without_a_place_is_said(own_place):
    (own_place / "my_work").write_text("")
    code, _, errors = called("interview", "--seed", "1", input="")
    assert code == 1 and "cannot be made" in " ".join(errors.split())


def test_a_deck_is_written_or_refused(own_place):
    code, _, _ = called("anki", str(own_place / "out.apkg"), "--topic", "vae")
    assert code == 0 and (own_place / "out.apkg").exists()
    code, _, errors = called("anki", str(own_place / "out.txt"))
    assert code == 1 and ".apkg" in errors
    code, _, errors = called("anki", str(own_place / "no" / "out.apkg"))
    assert code == 1 and "cannot be written" in " ".join(errors.split())


# Real processes and terminals ---------------------------------------------------------


def test_a_broken_bank_is_answered_with_every_fault(environment, command, small_bank):
    path = small_bank / "vae.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("concept", "riddle"))
    for words in (["quiz"], ["questions", "list", "--json"]):
        done = subprocess.run(
            [*command, *words], env=environment, capture_output=True, text=True
        )
        assert done.returncode == 1 and not done.stdout
        assert "has 3 faults" in done.stderr
        assert done.stderr.count("vae.yaml:") == 3
        assert "Traceback" not in done.stderr


def test_a_closed_pipe_is_no_error(environment, command):
    text = shlex.join([*command[:3], "questions", "list", "--json"])
    done = subprocess.run(
        f"{text} | head -1", shell=True, env=environment, capture_output=True, text=True
    )
    assert done.stdout == "[\n" and "Traceback" not in done.stderr


def hear_ctrl_c():
    """Undo what a shell does to programs in the background: they ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Terminal:
    """A program at a pseudo-terminal."""

    def __init__(self, words, environment, columns=80):
        self.child = pexpect.spawn(
            words[0],
            words[1:],
            env=environment,
            dimensions=(30, columns),
            encoding="utf-8",
            timeout=SECONDS,
            preexec_fn=hear_ctrl_c,
        )
        self.seen = ""

    def wait(self, text):
        self.child.expect_exact(text)
        self.seen += self.child.before + text

    def press_ctrl_c(self):
        """Interrupt once the program waits for a key, as a person would.

        Between the prompt and that, `input` notes a Ctrl-C only with the next key.
        """
        program = psutil.Process(self.child.pid)
        until = time.monotonic() + SECONDS
        before = None
        while (now := program.num_ctx_switches()) != before or (
            program.status() != psutil.STATUS_SLEEPING
        ):
            assert time.monotonic() < until, "the program does not wait for a key"
            before = now
            time.sleep(0.2)
        self.child.sendintr()

    def end(self):
        """Wait for the end; return what was shown, and the exit code."""
        self.child.expect(pexpect.EOF)
        self.seen += self.child.before
        self.child.close()
        return ESCAPES.sub("", self.seen), self.child.exitstatus


def test_a_quiz_at_40_columns_without_colour(environment, command):
    environment["NO_COLOR"] = "1"
    terminal = Terminal([*command, "quiz", "--new", "1"], environment, columns=40)
    terminal.wait("> ")
    terminal.child.sendline("")
    terminal.wait("rating: ")
    terminal.child.sendline("4")
    text, code = terminal.end()
    assert code == 0
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", terminal.seen)  # no colour
    body = text.split("saved in")[0].splitlines()
    assert body and not [line for line in body if cell_len(line.strip()) > 40]


@pytest.mark.parametrize("at", ["question", "writing", "rating", "next"])
def test_ctrl_c_in_a_quiz_loses_nothing(environment, command, own_place, at):
    terminal = Terminal([*command, "quiz"], environment)
    terminal.wait("empty line.")
    terminal.wait("> ")
    if at != "question":
        terminal.child.sendline("my words")
        terminal.wait("> ")
    if at in ("rating", "next"):
        terminal.child.sendline("")
        terminal.wait("rating: ")
    if at == "next":
        terminal.child.sendline("3")
        terminal.wait("empty line.")
        terminal.wait("> ")
    terminal.press_ctrl_c()
    text, code = terminal.end()
    assert code == 130 and "Traceback" not in text
    assert "Stopped: Ctrl-C." in text
    assert (
        text.strip()
        .splitlines()[-1]
        .startswith("1 rating (1 good) saved" if at == "next" else "0 ratings saved")
    )
    path = own_place / "data" / "digitdreams" / "interview.sqlite"
    database = sqlite3.connect(path)
    drafts = database.execute("SELECT answer FROM drafts").fetchall()
    ratings = database.execute("SELECT answer, rating FROM reviews").fetchall()
    database.close()
    assert drafts == ([("my words",)] if at in ("writing", "rating") else [])
    assert ratings == ([("my words", 3)] if at == "next" else [])


def test_a_killed_quiz_keeps_its_ratings(environment, command, own_place):
    terminal = Terminal([*command, "quiz"], environment)
    for _ in range(2):
        terminal.wait("> ")
        terminal.child.sendline("")
        terminal.wait("rating: ")
        terminal.child.sendline("3")
    terminal.wait("> ")
    os.kill(terminal.child.pid, signal.SIGKILL)
    terminal.end()
    path = own_place / "data" / "digitdreams" / "interview.sqlite"
    database = sqlite3.connect(path)
    assert database.execute("SELECT count(*) FROM reviews").fetchone() == (2,)
    database.close()


def test_an_interview_with_an_editor_and_ctrl_c(environment, command, own_place):
    """The editor is opened on the file; Ctrl-C still leaves a report."""
    editor = own_place / "editor"
    editor.write_text(
        "#!/bin/sh\nprintf '#e' >> \"$1\"\n"  # no path, which may hold a space
    )
    editor.chmod(0o755)
    environment["EDITOR"] = str(editor)
    folder = own_place / "rooms"
    words = ["interview", "--minutes", "10", "--level", "junior", "--seed", "1"]
    terminal = Terminal([*command, *words, "--folder", str(folder)], environment)
    while True:
        found = terminal.child.expect_exact(["> ", "rating: ", "coding: "])
        if found == 2:
            break
        terminal.child.sendline("" if found == 0 else "3")
    terminal.press_ctrl_c()
    text, code = terminal.end()
    assert code == 130 and "Stopped: Ctrl-C." in text and "Traceback" not in text
    assert text.strip().splitlines()[-1].startswith("Report:")
    (room,) = folder.iterdir()
    (program,) = room.glob("*.py")
    assert program.read_text(encoding="utf-8").endswith("#e")
    assert "Ctrl-C" in (room / "report.md").read_text(encoding="utf-8")
