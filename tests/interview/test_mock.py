"""The mock interview: what it asks, and its report."""

import html
import json
import subprocess
import sys

import pytest
from test_bank import QUESTIONS

from digitdreams.interview import (
    bank,
    history,
    mock,
    practice,
    problems,
    report,
    roles,
)

PROBLEMS = problems.load()


def ids(minutes=45, level="senior", seed=3):
    return [
        item.asked.id
        for item in mock.Plan(minutes, level, seed).draw(QUESTIONS, PROBLEMS)
    ]


def test_the_same_seed_asks_the_same_in_another_process():
    code = (
        "import json\n"
        "from digitdreams.interview import bank, mock, problems\n"
        "plan = mock.Plan(45, 'senior', 3)\n"
        "items = plan.draw(bank.load(), problems.load())\n"
        "print(json.dumps([item.asked.id for item in items]))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert json.loads(run.stdout) == ids()
    assert ids() == ids()


def test_the_order_of_the_files_does_not_matter():
    turned = mock.Plan(45, "senior", 3).draw(QUESTIONS[::-1], PROBLEMS[::-1])
    assert [item.asked.id for item in turned] == ids()


def test_seeds_levels_and_lengths_differ():
    assert len({tuple(ids(seed=seed)) for seed in range(5)}) == 5
    assert ids(level="junior") != ids(level="senior")
    assert len(ids(minutes=90)) > len(ids(minutes=45)) > len(ids(minutes=15))


@pytest.mark.parametrize("level", bank.LEVELS)
@pytest.mark.parametrize("minutes", [10, 45, 180])
def test_an_interview_has_every_part_once(level, minutes):
    items = mock.Plan(minutes, level, 7).draw(QUESTIONS, PROBLEMS)
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
        items = mock.Plan(45, "senior", seed).draw(QUESTIONS, PROBLEMS)
        later = [one for one in items if one.section is not mock.WARM_UP]
        assert sum(one.asked.level == "senior" for one in later) >= len(later) - 1
        first = [one for one in items if one.section is mock.WARM_UP]
        assert all(one.asked.level == "middle" for one in first)


def test_topics_are_spread():
    topics = [
        one.asked.topic for one in mock.Plan(45, "middle", 1).draw(QUESTIONS, PROBLEMS)
    ]
    assert len(set(topics)) >= len(topics) - 2


def test_a_bank_without_a_kind_leaves_that_part_out(small_bank):
    items = mock.Plan(45, "junior", 1).draw(bank.load(small_bank), PROBLEMS[:1])
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


def a_room(language="en", minutes=45, level="senior", **more):
    plan = mock.Plan(minutes, level, 3, **more)
    items = plan.draw(QUESTIONS, PROBLEMS)
    return mock.Interview(plan, items, PROBLEMS, language)


@pytest.fixture
def room(own_place):
    return a_room()


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
    path, _, cell = link.address.partition("#")
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
    room = a_room("zh", 20, "junior")
    text, page = reports(room)
    assert "模拟面试" in text and 'lang="zh"' in page
    assert room.items[0].asked.question.zh.strip()[:8] in text


def test_interviews_of_the_same_second_have_folders_of_their_own(room, own_place):
    assert room.folder.parent == own_place / "my_work" / "interviews"
    one = mock.own_folder(room.folder.parent, room.started, 3)
    assert one != room.folder and one.is_dir()


def test_a_folder_that_cannot_be_made_is_named(own_place):
    (own_place / "file").write_text("")
    for parent in (own_place / "file", own_place / "file" / "below"):
        with pytest.raises(practice.PracticeError, match=r"cannot be made|in the way"):
            mock.own_folder(parent, mock.datetime(2026, 1, 1), 3)


# Roles, lengths, prices ---------------------------------------------------------------


@pytest.mark.parametrize("name", [None, *roles.ROLES])
def test_a_role_weighs_sections_and_topics(name):
    role = roles.ROLES[name] if name else roles.ANY
    assert abs(sum(role.shares.values()) - 1) < 1e-9
    assert set(role.topics) <= set(bank.TOPICS)
    planned = sum(one.share for one in mock.sections_of(role))
    assert abs(planned - 1) < 1e-9
    if name is None:
        assert mock.sections_of(role) == mock.SECTIONS
        return
    asked = [
        item.asked.topic
        for seed in range(4)
        for item in mock.Plan(60, "middle", seed, role).draw(QUESTIONS, PROBLEMS)
    ]
    others = [
        item.asked.topic
        for seed in range(4)
        for item in mock.Plan(60, "middle", seed).draw(QUESTIONS, PROBLEMS)
    ]
    mine = sum(one in role.topics for one in asked) / len(asked)
    assert mine > sum(one in role.topics for one in others) / len(others) + 0.15


def test_an_engineer_codes_more_than_a_scientist():
    def coding(name):
        items = mock.Plan(180, "middle", 1, roles.ROLES[name]).draw(QUESTIONS, PROBLEMS)
        return sum(isinstance(item, mock.CodingItem) for item in items)

    assert coding("ml engineer") >= coding("research scientist") + 2


@pytest.mark.parametrize("level", bank.LEVELS)
def test_a_coding_item_is_seldom_a_bug_hunt(level):
    coding = [
        item.asked.is_hunt
        for seed in range(200)
        for item in mock.Plan(45, level, seed).draw([], PROBLEMS)
    ]
    assert len(coding) >= 200 and sum(coding) <= len(coding) / 5
    if level == "junior":
        assert any(coding)


def test_every_topic_leads_to_lessons_that_exist(room):
    assert set(roles.LESSONS) == set(bank.TOPICS)
    unlinked = [topic for topic in bank.TOPICS if not links_of(topic, room)]
    # taught by lessons that are still to come
    assert set(unlinked) <= {"text_encoders", "text_to_image", "captioning"}


def links_of(topic, room):
    links = report.lesson_links(topic, None, room.folder)
    assert all((room.folder / one.address).resolve().is_file() for one in links)
    return links


class Typed:
    """Answers what `input` asks, in order."""

    def __init__(self, *lines):
        self.lines = list(lines)

    def __call__(self, prompt):
        return self.lines.pop(0)


def test_a_hint_costs_a_fifth_and_says_so(room, monkeypatch, capsys):
    item = next(one for one in room.items if isinstance(one.asked, bank.Question))
    follow_up = [""] if item.asked.follow_ups else []
    typed = Typed("first", "h", "  second", "", *follow_up, "4")
    monkeypatch.setattr("builtins.input", typed)
    item.hold(room)
    assert (item.hints, item.score) == (1, 0.8)
    assert item.answer == "first\n  second"
    assert item.detail.endswith("1 hint") and not typed.lines
    out = " ".join(capsys.readouterr().out.split())
    assert "for a fifth of the points" in out and "a common wrong answer" in out


def test_a_section_says_how_long_it_took(room, capsys):
    for item in room.items:
        item.seconds = 61
    room.took(mock.DERIVATION)
    count = len(room.of_section(mock.DERIVATION))
    assert f"Derivation: {count}:0{count} of about 9 minutes" in capsys.readouterr().out


# Beside earlier interviews ------------------------------------------------------------


def finished(room, score):
    for item in room.items:
        item.done, item.score, item.seconds = True, score, 60
    room.write()
    return room


def test_a_report_stands_beside_the_last_three_of_its_kind(own_place):
    first = finished(a_room(), 0.1)
    text, _ = reports(first)
    assert "the first interview of this role and level" in text
    for score in (0.2, 0.3, 0.4):
        last = finished(a_room(), score)
    finished(a_room(level="junior"), 0.9)
    finished(a_room(role=roles.ROLES["ml engineer"]), 0.9)
    a_room()  # nothing was done
    room = finished(a_room(), 0.5)
    assert [past.score for past in room.earlier] == pytest.approx([0.4, 0.3, 0.2])
    for page in reports(room):
        part = page.split("Beside the last three")[1].split("What to study")[0]
        assert all(f"{score} %" in part for score in (50, 40, 30, 20))
        assert "10 %" not in part and "90 %" not in part
        assert last.started.strftime("%Y-%m-%d") in part


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\x00",
        b"[]",
        b"{}",
        b"null",
        b"[" * 100_000,
        b'{"format": 1}',
        b'{"format": 2, "date": "x"}',
    ],
)
def test_a_damaged_result_is_passed_over(own_place, content):
    room = finished(a_room(), 0.4)
    (room.folder / history.FILE_NAME).write_bytes(content)
    assert finished(a_room(), 0.5).earlier == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("score", 7),
        ("score", "much"),
        ("date", "0"),
        ("seconds", float("nan")),
        ("minutes", True),
        ("sections", {"coding": -1}),
        ("kind", {"role": "any_role"}),
        ("more", 1),
    ],
)
def test_a_result_with_an_impossible_value_is_passed_over(own_place, key, value):
    room = finished(a_room(), 0.4)
    path = room.folder / history.FILE_NAME
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**content, key: value}), encoding="utf-8")
    assert history.Past.read(path) is None
