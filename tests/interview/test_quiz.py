"""The quiz: order, schedule, a file that survives, statistics."""

import json
import random
import sqlite3
from datetime import UTC, datetime, timedelta

import pytest

from digitdreams.interview import bank, quiz, screen
from digitdreams.interview.memory import Memory, MemoryFault, Review

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def questions(small_bank):
    return bank.load(small_bank)


@pytest.fixture
def memory(tmp_path):
    found = Memory(tmp_path / "new" / "interview.sqlite")
    yield found
    found.close()


# What comes next ----------------------------------------------------------------------


def test_easy_questions_come_first(questions):
    shuffled = [questions[2], questions[0], questions[1]]
    levels = [one.level for one in quiz.in_order(shuffled)]
    assert levels == ["junior", "junior", "senior"]


def test_topics_take_turns():
    questions = bank.load()
    topics = [one.topic for one in quiz.in_order(questions)]
    junior = {one.topic for one in questions if one.level == "junior"}
    assert len(set(topics[: len(junior)])) == len(junior)


def test_what_is_due_comes_before_what_is_new(questions, memory):
    memory.rate("vae-second", 1, NOW)
    deck = quiz.Deck(questions, memory.cards(), new=10)
    assert deck.next(NOW).id == "vae-why-sample"  # not due yet: a new one
    assert deck.next(NOW + timedelta(hours=1)).id == "vae-second"


def test_new_questions_are_limited(questions, memory):
    deck = quiz.Deck(questions, memory.cards(), new=1)
    first = deck.next(NOW)
    deck.rated(first, NOW + timedelta(days=3))
    assert deck.next(NOW) is None


def test_a_question_rated_again_returns_in_the_same_session(questions, memory):
    deck = quiz.Deck(questions, memory.cards(), new=1)
    first = deck.next(NOW)
    deck.rated(first, memory.rate(first.id, 1, NOW).due)
    assert deck.next(NOW) == first
    deck.skipped(first)
    assert deck.next(NOW) is None


def test_good_ratings_move_a_question_away(memory):
    time, gaps = NOW, []
    for _ in range(5):
        card = memory.rate("vae-why-sample", 3, time)
        gaps.append(card.due - time)
        time = card.due
    assert gaps == sorted(gaps)
    assert gaps[0] < timedelta(hours=1) and gaps[-1] > timedelta(days=20)
    assert memory.rate("vae-why-sample", 1, time).due - time < timedelta(hours=1)


@pytest.mark.parametrize(
    ("delta", "words"),
    [
        (timedelta(seconds=5), "now"),
        (timedelta(minutes=1), "in 1 minute"),
        (timedelta(minutes=10), "in 10 minutes"),
        (timedelta(hours=5), "in 5 hours"),
        (timedelta(days=40), "in 40 days"),
        (timedelta(days=-1), "now"),
    ],
)
def test_times_are_said_in_words(delta, words):
    assert quiz.span(delta) == words


# The file -----------------------------------------------------------------------------


def test_ratings_are_there_after_reopening(memory):
    memory.rate("vae-why-sample", 3, NOW, seconds=12, language="zh", answer="因为……")
    memory.rate("vae-second", 1, NOW)
    memory.close()
    again = Memory(memory.path)
    assert again.note is None
    first = again.reviews()[0]
    assert first == Review("vae-why-sample", NOW.isoformat(), 3, 12.0, "zh", "因为……")
    assert set(again.cards()) == {"vae-why-sample", "vae-second"}


def test_a_draft_is_kept_until_the_rating(memory):
    memory.keep_draft("vae-second", "half an")
    memory.keep_draft("vae-second", "half an answer")
    assert memory.draft("vae-second") == "half an answer"
    memory.rate("vae-second", 2, NOW)
    assert memory.draft("vae-second") == ""


def test_an_impossible_rating_is_refused(memory):
    for rating in (0, 5, "3"):
        with pytest.raises(ValueError, match="rating"):
            memory.rate("vae-second", rating, NOW)
    assert memory.reviews() == []


DAMAGES = {
    "text": lambda path: path.write_text("this is no database" * 100),
    "zeros in the middle": lambda path: overwrite(path, 100, b"\xff" * 6000),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:5000]),
    "another program's": lambda path: foreign(path),
}


def overwrite(path, start, content):
    whole = bytearray(path.read_bytes())
    whole[start : start + len(content)] = content
    path.write_bytes(whole)


def foreign(path):
    path.unlink()
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE songs (name)")
    database.commit()
    database.close()


@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_file_is_kept_aside(memory, how):
    for number in range(50):
        memory.rate("vae-second", 3, NOW + timedelta(days=number), answer="long " * 50)
    memory.close()
    DAMAGES[how](memory.path)
    before = memory.path.read_bytes()
    again = Memory(memory.path)
    (kept,) = memory.path.parent.glob("interview.damaged-*.sqlite")
    assert kept.read_bytes() == before
    assert str(kept) in again.note and "import" in again.note
    again.rate("vae-second", 3, NOW)
    assert len(again.reviews()) == 1
    again.close()
    assert Memory(memory.path).note is None


def test_two_damaged_files_are_both_kept(memory):
    memory.close()
    for _ in range(2):
        memory.path.write_text("no database" * 1000)
        Memory(memory.path).close()
    assert len(list(memory.path.parent.glob("interview.damaged-*.sqlite"))) == 2


def test_entries_that_have_impossible_values_are_left_alone(memory):
    memory.rate("vae-second", 3, NOW)
    memory.database.execute(
        "INSERT INTO reviews VALUES ('vae-third', 'yesterday', 3, 1, 'en', '')"
    )
    assert [one.question for one in memory.reviews()] == ["vae-second"]
    assert list(memory.cards()) == ["vae-second"]


def test_a_file_of_a_newer_version_is_not_touched(memory):
    memory.database.execute("PRAGMA user_version = 99")
    memory.close()
    with pytest.raises(MemoryFault, match="newer version"):
        Memory(memory.path)
    assert not list(memory.path.parent.glob("*damaged*"))


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file" / "interview.sqlite", tmp_path):
        with pytest.raises(MemoryFault, match="--progress FILE"):
            Memory(path)


def test_a_file_in_use_is_not_called_damaged(memory):
    memory.database.execute("BEGIN EXCLUSIVE")
    try:
        sqlite_connect = sqlite3.connect
        sqlite3.connect = lambda *args, **named: sqlite_connect(
            *args, **{**named, "timeout": 0.1}
        )
        with pytest.raises(MemoryFault, match="in use"):
            Memory(memory.path)
    finally:
        sqlite3.connect = sqlite_connect
    assert not list(memory.path.parent.glob("*damaged*"))


# Export and import --------------------------------------------------------------------


def test_an_export_brings_everything_back(memory, tmp_path):
    for number in range(4):
        memory.rate("vae-second", 3, NOW + timedelta(days=3 * number), answer="因为")
    text = memory.as_json()
    other = Memory(tmp_path / "other.sqlite")
    assert other.merge(text) == 4
    assert other.merge(text) == 0
    assert other.reviews() == memory.reviews()
    assert other.cards()["vae-second"].due == memory.cards()["vae-second"].due
    assert other.as_json() == text


def test_two_machines_can_be_merged(memory, tmp_path):
    other = Memory(tmp_path / "other.sqlite")
    memory.rate("vae-second", 3, NOW)
    other.rate("vae-second", 1, NOW + timedelta(days=1))
    memory.merge(other.as_json())
    assert [one.rating for one in memory.reviews()] == [3, 1]


GOOD = {
    "question": "vae-second",
    "rated_at": NOW.isoformat(),
    "rating": 3,
    "seconds": 1,
    "language": "en",
    "answer": "",
}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "not JSON"),
        ("[]", "no list"),
        ('{"format": 7, "reviews": []}', "format is 7"),
        ({**GOOD, "rating": 9}, "review 2: rating is 9"),
        ({**GOOD, "rated_at": "today"}, "review 2: rated_at is 'today'"),
        ({**GOOD, "rated_at": "2026-01-01"}, "time zone is missing"),
        ({**GOOD, "question": 3}, "question is not text"),
        ({**GOOD, "seconds": "x"}, "seconds"),
        ({"question": "x"}, "must have the keys"),
        ({**GOOD, "more": 1}, "must have the keys"),
        ("text", "not JSON"),
    ],
)
def test_a_bad_import_adds_nothing(memory, content, said):
    if isinstance(content, dict):
        content = json.dumps({"format": 1, "reviews": [GOOD, content]})
    with pytest.raises(ValueError, match=said):
        memory.merge(content)
    assert memory.reviews() == []


# Statistics ---------------------------------------------------------------------------


def test_statistics_count_what_was_done(questions, memory):
    memory.rate("vae-second", 3, NOW, seconds=90)
    memory.rate("vae-third", 1, NOW, seconds=30)
    memory.rate("gone-from-the-bank", 4, NOW)
    later = NOW + timedelta(minutes=5)
    content = quiz.statistics(questions, memory, later)
    row = content.topics["vae"]
    assert (row.questions, row.seen, row.due) == (3, 2, 1)
    assert 0.9 < row.recall <= 1
    assert content.topics["all"].seen == 2
    assert "gan" not in content.topics
    assert content.ratings == {"again": 1, "hard": 0, "good": 1, "easy": 1}
    assert (content.minutes, content.days) == (2.0, 1)
    month = quiz.statistics(questions, memory, NOW + timedelta(days=30))
    assert month.topics["vae"].recall < row.recall


# Damage of any byte, dates that no clock shows ----------------------------------------


def some_progress(path):
    """A file with thirty ratings, a draft and a sitting; its bytes."""
    memory = Memory(path)
    with memory.writing():
        for number in range(30):
            time = NOW + timedelta(hours=5 * number)
            review = Review(
                f"q{number % 7}", time.isoformat(), 1, 2.0, "en", "so " * 30
            )
            memory.insert(review)
    memory.keep_draft("q1", "half")
    memory.keep_sitting("new 10", {"rated": 1})
    memory.close()
    return path.read_bytes()


def test_a_damaged_byte_loses_nothing_and_stops_nobody(tmp_path):
    path = tmp_path / "interview.sqlite"
    whole = some_progress(path)
    places = [0, 18, 19, 24, 44, 47, 56, 60, 63, 100, 104, 110]
    places += random.Random(4).sample(range(len(whole)), 24)
    for number, place in enumerate(places):
        for old in tmp_path.iterdir():
            old.unlink()
        damaged = bytearray(whole)
        damaged[place] ^= (0xFF, 0x01, 0x80)[number % 3]
        path.write_bytes(damaged)
        try:
            memory = Memory(path)
        except MemoryFault as fault:  # only where it seems to be of a newer course
            assert "newer version" in str(fault) and path.read_bytes() == damaged
            continue
        assert len(memory.reviews()) == 30 or memory.note
        memory.cards()
        memory.rate("q1", 3)
        assert memory.draft("q1") == "" and memory.sitting("new 10") in (
            None,
            {"rated": 1},
        )
        json.loads(memory.as_json())
        memory.close()
        kept = list(tmp_path.glob("*damaged*"))
        if memory.note:
            assert [one.read_bytes() for one in kept] == [bytes(damaged)]


def test_what_is_readable_of_a_damaged_file_is_taken_over(tmp_path):
    path = tmp_path / "interview.sqlite"
    whole = some_progress(path)
    path.write_bytes(whole.replace(b"reviews_1", b"reviews_9"))  # an index's name
    overwrite(path, 18, b"\x09")
    path.write_bytes(whole[:-100] + b"\xff" * 100)
    memory = Memory(path)
    if memory.note:
        assert f"with {len(memory.reviews())} ratings" in memory.note
    assert len(memory.reviews()) > 20


ABSURD = [
    "0001-01-01T00:00:00+14:00",
    "1970-01-01T00:00:00+00:00",
    "2999-01-01T00:00:00+00:00",
    "9999-12-31T23:59:59-14:00",
    "2026-02-30T00:00:00+00:00",
    "2026-01-01T00:00:00",
    "yesterday",
    "",
]


def exported(**changes):
    entry = {
        "question": "q",
        "rated_at": NOW.isoformat(),
        "rating": 3,
        "seconds": 2,
        "language": "en",
        "answer": "",
    }
    return json.dumps({"format": 1, "reviews": [{**entry, **changes}]})


@pytest.mark.parametrize("time", ABSURD)
def test_an_absurd_date_is_named_and_never_stored(memory, time):
    with pytest.raises(ValueError, match="review 1: rated_at is"):
        memory.merge(exported(rated_at=time))
    memory.database.execute(
        "INSERT INTO reviews VALUES ('q', ?, 3, 1, 'en', '')", (time,)
    )  # as an older version would have stored it
    assert memory.cards() == {} and memory.reviews() == []
    assert quiz.statistics([], memory, NOW).days == 0


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("seconds", float("nan")),
        ("seconds", float("inf")),
        ("seconds", -1),
        ("seconds", True),
        ("seconds", 10**400),
        ("rating", True),
        ("rating", 3.0),
        ("question", "\ud800"),
        ("answer", None),
    ],
)
def test_an_impossible_value_is_named_and_never_stored(memory, key, value):
    with pytest.raises(ValueError, match=f"review 1: {key} "):
        memory.merge(exported(**{key: value}))
    assert memory.reviews() == []


def test_one_moment_in_two_zones_is_one_rating(memory):
    assert memory.merge(exported(rated_at="2026-03-01T12:00:00+00:00")) == 1
    assert memory.merge(exported(rated_at="2026-03-01T20:00:00+08:00")) == 0


@pytest.mark.parametrize("text", ["[" * 100_000, "\ud800", "9" * 5000, "\x00"])
def test_no_text_breaks_an_import(memory, text):
    with pytest.raises(ValueError):
        memory.merge(text)


# What is due, and a quiz that goes on -------------------------------------------------


def test_the_agenda_says_what_is_due_today_and_after(questions, memory):
    noon = datetime(2026, 3, 2, 12).astimezone()
    deck = quiz.Deck(questions, memory.cards(), new=10)
    assert quiz.agenda(deck, noon, "en")[0] == "Nothing is due today."
    for question, due in zip(
        questions,
        (noon, noon + timedelta(hours=3), noon + timedelta(days=1)),
        strict=True,
    ):
        deck.rated(question, due)
    first, topics, later = quiz.agenda(deck, noon, "en")
    assert first == "Due today: 2 (1 now, 1 later today)" and topics == "vae 2"
    assert later == "new: 0, tomorrow: 1, in the next seven days: 1"
    first, topics, later = quiz.agenda(deck, noon, "zh")
    assert first == "今天到期：2 道（现在 1 道，今天稍后 1 道）"


def sat(monkeypatch, questions, memory, *lines, **more):
    """Hold a sitting with these lines typed; return the session."""
    typed = list(lines)
    monkeypatch.setattr("builtins.input", lambda prompt: typed.pop(0))
    session = quiz.Session(
        questions, [], memory, "en", **{"new": 2, "count": None, **more}
    )
    session.run()
    assert not typed
    return session


def test_a_quiz_that_was_left_goes_on(monkeypatch, questions, memory, capsys):
    sat(monkeypatch, questions, memory, "", "4", "my words", "q")
    assert memory.draft("vae-second") == "my words"
    session = sat(monkeypatch, questions, memory, "", "4")
    out = capsys.readouterr().out
    assert session.resumed and session.ratings == [4]  # two new ones, not two more
    assert "1 rated, 1 new left" in " ".join(out.split()) and "my words" in out
    assert memory.sitting(session.name) is None
    # done: the next one is new again, and may ask the third question
    assert sat(monkeypatch, questions, memory, "", "4").ratings == [4]


def test_a_quiz_goes_on_only_with_the_same_choice(monkeypatch, questions, memory):
    sat(monkeypatch, questions, memory, "q", filters=("vae",))
    assert not sat(monkeypatch, questions, memory, "q").resumed
    assert not sat(
        monkeypatch, questions, memory, "q", filters=("vae",), restart=True
    ).resumed
    assert sat(monkeypatch, questions, memory, "q", filters=("vae",)).resumed
    assert sat(monkeypatch, questions, memory, "", "4", count=1).ratings == [4]


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"began": "x", "rated": 1, "left": 1, "question": "vae-second"},
        {"began": NOW.isoformat(), "rated": -1, "left": 1, "question": "vae-second"},
        {"began": NOW.isoformat(), "rated": 1, "left": "1", "question": "vae-second"},
        {"began": NOW.isoformat(), "rated": 1, "left": 1, "question": ["x"]},
    ],
)
def test_a_damaged_sitting_is_forgotten(monkeypatch, questions, memory, content):
    memory.keep_sitting("new 2", content)
    assert not sat(monkeypatch, questions, memory, "q").resumed


def test_a_question_that_is_gone_does_not_stop_a_quiz(monkeypatch, questions, memory):
    sat(monkeypatch, questions, memory, "q")
    session = sat(monkeypatch, questions[1:], memory, "q")
    assert session.resumed


# Pasted answers -----------------------------------------------------------------------


def test_what_is_pasted_whole_is_one_answer(monkeypatch):
    typed = ["def f():\n    return 1\n\nq\nh\n", "last", ""]
    monkeypatch.setattr("builtins.input", lambda prompt: typed.pop(0))
    lines = []
    screen.write_answer(lines)
    assert lines == ["def f():", "    return 1", "", "q", "h", "last"]


def test_empty_lines_and_q_within_a_paste_belong_to_it(monkeypatch):
    """A terminal that hands on line by line: further lines wait meanwhile."""
    typed = ["first", "", "q", "h", "    last", ""]
    monkeypatch.setattr("builtins.input", lambda prompt: typed.pop(0))
    monkeypatch.setattr(screen, "more_waits", lambda: bool(typed))
    lines = []
    screen.write_answer(lines)
    assert lines == ["first", "", "q", "h", "    last"]


def test_bytes_that_are_no_text_are_kept_as_marks():
    assert screen.clean("a\udcffb\x1b[31m\x00\tc\nd") == "a�b[31m\tc\nd"
    assert screen.clean("判别器 ü") == "判别器 ü"
