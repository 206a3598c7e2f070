"""The class's report, the students' pages, and text that two of them share."""

import io
import random
import re
import shutil
import subprocess
import time

import nbformat
import pytest
from rich.console import Console

from digitdreams.grading import feedback, report, similarity
from digitdreams.grading.book import Entry
from digitdreams.grading.feedback import graded_notebook
from digitdreams.grading.result import Result, State, SubmittedCell, TaskResult

WORTH = {"squares": 2.0, "standardise": 3.0}
DOUBLED = "You doubled the values: multiply each by itself."


def entry(
    student, squares=2.0, standardise=3.0, state="graded", message=DOUBLED, **more
):
    """One student's line of the gradebook."""
    points = {"squares": squares, "standardise": standardise}
    tasks = [
        TaskResult(
            name,
            points[name],
            max_points,
            State(state),
            message="" if points[name] == max_points else message,
            mistake=f"{name}/doubled" if message == DOUBLED else None,
        )
        for name, max_points in WORTH.items()
    ]
    result = Result(State(state), tasks, **{"seconds": 1.0, **more})
    return Entry(
        student=student,
        last_name=None,
        first_name=None,
        email=None,
        timestamp=None,
        duedate=None,
        result=result,
        points=points,
        worth=WORTH,
        comments={},
        penalty=0.0,
        needs_person=result.needs_person,
    )


@pytest.fixture
def entries():
    return [
        entry("ann"),
        entry("bob", squares=0.0),
        entry("cid", squares=0.0, seconds=9.0),
        entry("dan", squares=0.0, standardise=0.0, message="hidden case 1: 3, not 4"),
        entry("eve", squares=0.0, standardise=0.0, state="refused", notes=["no JSON"]),
    ]


def test_sums(entries):
    made = report.summarise("Small", entries, [])
    assert (made.count, made.max_points, made.mean, made.median) == (5, 5.0, 2.2, 3.0)
    assert [(one.label, one.count) for one in made.totals] == [
        ("0", 2),
        ("1", 0),
        ("2", 0),
        ("3", 2),
        ("4", 0),
        ("5", 1),
    ]
    squares, standardise = made.tasks
    assert [one.count for one in squares.bars] == [4, 0, 1]
    assert (squares.full_share, standardise.full_share) == (0.2, 0.6)
    first, *others = [(one.task, one.message, one.count) for one in made.mistakes]
    assert first == ("squares", DOUBLED, 2)
    assert ("squares", report.UNKNOWN, 1) in others
    assert made.seconds_median == 1.0
    assert made.seconds_most == 9.0
    (person,) = made.people
    assert (person.student, person.reason) == ("eve", "it could not be used; no JSON")


@pytest.mark.parametrize("highest", [1, 4, 11, 12, 30, 100, 299])
def test_histograms_are_small_and_lose_nothing(highest):
    values = [0.0, 0.5, highest / 2, highest - 0.01, float(highest)]
    bars = report.histogram(values, 0, highest)
    assert sum(one.count for one in bars) == len(values)
    assert len(bars) <= report.MOST_BARS
    assert max(one.percent for one in bars) == 100


def test_what_is_shown(entries):
    pairs = [similarity.Pair("bob", "cid", 0.9, 40, "my <b>secret</b> helper")]
    made = report.summarise("Small <i>", entries, pairs)
    page = report.html(made)
    stream = io.StringIO()
    report.show(made, Console(file=stream, width=100))
    for text in (page, stream.getvalue()):
        assert DOUBLED in text
        assert "eve" in text
        assert "90 %" in text
        assert "never a verdict" in text
    assert "<b>" not in page
    assert "Small &lt;i&gt;" in page


@pytest.mark.parametrize(
    "hostile", ["<script>x()</script>", "[red]{{7*7}}", "]]>&amp;"]
)
def test_hostile_text_stays_text(hostile):
    one = entry("ann", squares=0.0, message=hostile, notes=[hostile], output=hostile)
    page = feedback.student_page("Small", one)
    assert "<script" not in page
    assert "49" not in page
    made = report.summarise("Small", [one], [])
    assert "<script" not in report.html(made)
    report.show(made, Console(file=io.StringIO()))


def test_notebook_for_formgrader():
    """Sources come from the student, everything else from the exercise."""
    marks = {"grade_id": "squares", "solution": True, "grade": False, "locked": False}
    checked = {"grade_id": "check_squares", "grade": True, "locked": True, "points": 2}
    exercise = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_markdown_cell("# Title", id="top"),
            nbformat.v4.new_code_cell("blank", id="t", metadata={"nbgrader": marks}),
            nbformat.v4.new_code_cell("check", id="c", metadata={"nbgrader": checked}),
        ]
    )
    written = [
        SubmittedCell(None, "markdown", "<script>1</script>\n[a](javascript:b)"),
        SubmittedCell("top", "markdown", "<script>2</script>"),
        SubmittedCell("c", "code", "check = lambda f: None"),
        SubmittedCell("t", "code", "def squares(x): ..."),
        SubmittedCell("t", "code", "again"),
        SubmittedCell("mine", "code", "print('mine')"),
    ]
    result = entry("ann", output="<script>3</script>").result
    made = graded_notebook(exercise, written, result)
    nbformat.validate(made)
    assert [cell.source for cell in made.cells] == [
        "    <script>1</script>\n    [a](javascript:b)",
        "# Title",
        "def squares(x): ...",
        "print('mine')",
        "check",
        "check = lambda f: None",  # nothing that was written is lost
        "What the notebook printed:",
        "    <script>3</script>",
    ]
    assert made.cells[4].outputs[0].text.startswith("2 of 2 points")
    assert [cell.source for cell in exercise.cells] == ["# Title", "blank", "check"]


# Similarity ---------------------------------------------------------------------------

WORDS = ("alpha", "beta", "gamma", "delta", "total", "value", "row", "mean", "scale")


def program(seed, lines=40):
    """A program like no other."""
    rng = random.Random(seed)
    picked = [
        f"{rng.choice(WORDS)}_{rng.randrange(99)} = {rng.choice(WORDS)}"
        f"({rng.choice(WORDS)}, {rng.randrange(1000)})"
        for _ in range(lines)
    ]
    return "\n".join(picked)


def test_copied_text_is_found_and_nothing_else():
    texts = {f"student{i:02d}": program(i) for i in range(30)}
    texts["copier"] = texts["student07"].replace("  ", " ") + "\n" + program(99, 10)
    found = similarity.pairs(texts, [])
    assert [(one.first, one.second) for one in found] == [("copier", "student07")]
    assert found[0].share > 0.9
    assert found[0].sample.split(" =")[0] in texts["student07"]


def test_what_everybody_was_given_does_not_count():
    given = program("given", 60)
    texts = {f"s{i}": given + "\n" + program(i, 20) for i in range(6)}
    assert similarity.pairs(texts, [given]) == []
    # Not even when it is unknown: most students have it, so it is common.
    assert similarity.pairs(texts, []) == []


def test_short_right_answers_are_no_suspicion():
    texts = {f"s{i}": "def squares(v):\n    return v ** 2" for i in range(3)}
    assert similarity.pairs(texts, []) == []


@pytest.mark.slow
def test_large_classes_are_compared_in_seconds():
    shared = [program(f"shared {i}", 30) for i in range(40)]
    texts = {f"s{i}": shared[i % 40] + program(i, 60) for i in range(500)}
    started = time.process_time()  # whatever else the machine does
    similarity.pairs(texts, [])
    assert time.process_time() - started < 20


@pytest.mark.slow
def test_pages_in_a_browser(entries, tmp_path):
    """Scripts in a student's text do not run, and the pages draw something."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        pytest.skip("no Chromium on this machine")
    profile = f"--user-data-dir={tmp_path / 'profile'}"

    def title_of(text):
        """The title of a page after its scripts have run."""
        page = tmp_path / "page.html"
        page.write_text(text)
        done = subprocess.run(
            [
                *(browser, "--headless", "--no-sandbox", "--disable-gpu", profile),
                *("--virtual-time-budget=2000", "--dump-dom", page.as_uri()),
            ],
            capture_output=True,
            text=True,
            timeout=300,
        )
        return re.search("<title>(.*?)</title>", done.stdout).group(1)

    evil = (
        "<script>document.title='taken'</script>"
        "<img src=x onerror=\"document.title='taken'\">"
    )
    hostile = entry("eve", squares=0.0, message=evil, output=evil, notes=[evil])
    made = report.summarise("Small", [*entries, hostile], [])
    assert title_of(f"<title>mine</title>{evil}") == "taken"
    assert title_of(report.html(made)) == "Small: the class"
    assert title_of(feedback.student_page("Small", hostile)) == "Small: eve"


def of_numbers(start, count):
    return " ".join(f"x{number}" for number in range(start, start + count))


COPIES = {
    "two long copies": [of_numbers(0, 200_000)] * 2,
    "one token without end": ["x" * 1_000_000, "x" * 1_000_000],
    "one token again and again": ["x " * 500_000] * 3,
    "few tokens in any order": [program(1, 9) * 9000, program(2, 9) * 9000],
}


@pytest.mark.parametrize("texts", COPIES.values(), ids=COPIES)
def test_long_copies_are_compared_in_seconds(texts):
    started = time.process_time()
    found = similarity.pairs({f"s{i}": text for i, text in enumerate(texts)}, [])
    assert time.process_time() - started < 5
    assert len(found) == (texts[0].startswith("x0 x1"))
    assert all(len(pair.sample) == similarity.SAMPLE for pair in found)
