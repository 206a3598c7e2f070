"""The mock interview: what it asks, and its report."""

import html
import json
import subprocess
import sys

import pytest

from digitdreams.interview import bank, mock, practice, problems, report

QUESTIONS = bank.load()
PROBLEMS = problems.load()


def ids(minutes=45, level="senior", seed=3):
    return [
        item.asked.id for item in mock.plan(QUESTIONS, PROBLEMS, minutes, level, seed)
    ]


def test_the_same_seed_asks_the_same_in_another_process():
    code = (
        "import json\n"
        "from digitdreams.interview import bank, mock, problems\n"
        "items = mock.plan(bank.load(), problems.load(), 45, 'senior', 3)\n"
        "print(json.dumps([item.asked.id for item in items]))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert json.loads(run.stdout) == ids()
    assert ids() == ids()


def test_the_order_of_the_files_does_not_matter():
    turned = mock.plan(QUESTIONS[::-1], PROBLEMS[::-1], 45, "senior", 3)
    assert [item.asked.id for item in turned] == ids()


def test_seeds_levels_and_lengths_differ():
    assert len({tuple(ids(seed=seed)) for seed in range(5)}) == 5
    assert ids(level="junior") != ids(level="senior")
    assert len(ids(minutes=90)) > len(ids(minutes=45)) > len(ids(minutes=15))


@pytest.mark.parametrize("level", bank.LEVELS)
@pytest.mark.parametrize("minutes", [10, 45, 180])
def test_an_interview_has_every_part_once(level, minutes):
    items = mock.plan(QUESTIONS, PROBLEMS, minutes, level, 7)
    assert [s for s in mock.SECTIONS if any(i.section is s for i in items)] == list(
        mock.SECTIONS
    )
    names = [item.asked.id for item in items]
    assert len(set(names)) == len(names)
    for one in items:
        if one.section is mock.CODING:
            assert isinstance(one, mock.CodingItem)
        else:
            assert one.asked.kind in one.section.kinds
            rated_by_criteria = isinstance(one, mock.DesignItem)
            assert rated_by_criteria == (one.section is mock.DESIGN)


def test_the_level_is_that_of_most_questions():
    for seed in range(10):
        items = mock.plan(QUESTIONS, PROBLEMS, 45, "senior", seed)
        later = [one for one in items if one.section is not mock.WARM_UP]
        assert sum(one.asked.level == "senior" for one in later) >= len(later) - 1
        first = [one for one in items if one.section is mock.WARM_UP]
        assert all(one.asked.level == "middle" for one in first)


def test_topics_are_spread():
    topics = [
        one.asked.topic for one in mock.plan(QUESTIONS, PROBLEMS, 45, "middle", 1)
    ]
    assert len(set(topics)) >= len(topics) - 2


def test_a_bank_without_a_kind_leaves_that_part_out(small_bank):
    items = mock.plan(bank.load(small_bank), PROBLEMS[:1], 45, "junior", 1)
    sections = {one.section for one in items}
    assert mock.DESIGN not in sections and mock.CODING in sections


# The report ---------------------------------------------------------------------------


def test_a_design_is_rated_by_its_own_rubric():
    own = next(one for one in QUESTIONS if one.rubric)
    other = next(one for one in QUESTIONS if one.kind == "design" and not one.rubric)
    assert mock.DesignItem(mock.DESIGN, own).criteria == own.rubric
    assert mock.DesignItem(mock.DESIGN, other).criteria == mock.RUBRIC
    item = mock.DesignItem(mock.DESIGN, own, points=[2, 1])
    assert item.ratings("en") == [(own.rubric[0].en, 2), (own.rubric[1].en, 1)]


@pytest.fixture
def room(own_place):
    items = mock.plan(QUESTIONS, PROBLEMS, 45, "senior", 3)
    return mock.Interview(items, PROBLEMS, 45, "senior", 3, "en")


def reports(room):
    report.write(room)
    return [
        (room.folder / name).read_text(encoding="utf-8")
        for name in ("report.md", "report.html")
    ]


def test_a_report_says_what_to_study_and_where(room):
    for number, item in enumerate(room.items):
        item.done, item.seconds = True, 65
        item.score = 0.0 if number % 2 else 1.0
        item.detail = "1 of 4"
        if item.section is mock.DESIGN:
            item.points = [1] * len(item.criteria)
    for text in reports(room):
        assert "seed 3" in text and "1:05" in text
        study = text.split("What to study")[1].split("The interview")[0]
        for number, item in enumerate(room.items):
            assert (item.asked.id in study) == bool(number % 2)
            assert item.asked.id in text
        if any(one.asked.lesson for one in room.items[1::2]):
            assert ".ipynb#" in study
        designs = [one for one in room.items if one.section is mock.DESIGN]
        assert all(one.criteria[-1].en in html.unescape(text) for one in designs)
        assert "digitdreams interview --minutes 45 --level senior --seed 3" in text


def test_links_of_a_report_lead_to_lessons(room):
    link = report.lesson_link("03_vae#the-lower-bound", room.folder)
    path, _, cell = link.partition("#")
    assert (room.folder / path).resolve().exists() and cell == "the-lower-bound"


def test_what_the_reader_writes_cannot_break_the_page(room):
    bad = "</pre><script>alert(1)</script> ``` {{ 7 * 7 }} & <b>"
    room.items[0].done, room.items[0].answer = True, bad
    text, page = reports(room)
    assert "<script" not in page and "&lt;script&gt;" in page
    assert "{{ 7 * 7 }}" in page  # not a template
    line = next(line for line in text.splitlines() if "<script>" in line)
    assert line.startswith("    ")  # a code block


def test_nothing_done_is_said_plainly(room):
    text, page = reports(room)
    assert "Nothing fell short" in text and "Not done." in page


def test_a_chinese_report_is_chinese(own_place):
    items = mock.plan(QUESTIONS, PROBLEMS, 20, "junior", 1)
    room = mock.Interview(items, PROBLEMS, 20, "junior", 1, "zh")
    text, page = reports(room)
    assert "模拟面试" in text and 'lang="zh"' in page
    assert items[0].asked.question.zh.strip()[:8] in text


def test_interviews_of_the_same_second_have_folders_of_their_own(room, own_place):
    assert room.folder.parent == own_place / "my_work" / "interviews"
    one = mock.own_folder(room.folder.parent, room.started, 3)
    assert one != room.folder and one.is_dir()


def test_a_folder_that_cannot_be_made_is_named(own_place):
    (own_place / "file").write_text("")
    for parent in (own_place / "file", own_place / "file" / "below"):
        with pytest.raises(practice.PracticeError, match=r"cannot be made|in the way"):
            mock.own_folder(parent, mock.datetime(2026, 1, 1), 3)
