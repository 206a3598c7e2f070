"""The Anki deck, read back from its database."""

import json
import re
import sqlite3
import zipfile

import pytest
from test_bank import QUESTIONS

from digitdreams.interview import bank, cards


def notes(path, scratch):
    """The rows of an .apkg: guid, fields, tags, and the deck of the first card."""
    with zipfile.ZipFile(path) as archive:
        archive.extract("collection.anki2", scratch)
    database = sqlite3.connect(scratch / "collection.anki2")
    rows = database.execute(
        "SELECT guid, mid, flds, tags, did FROM notes JOIN cards ON nid = notes.id"
    ).fetchall()
    names = database.execute("SELECT models, decks FROM col").fetchone()
    database.close()
    return [(*row[:2], row[2].split("\x1f"), row[3].split(), row[4]) for row in rows], (
        names
    )


@pytest.fixture(scope="module")
def deck(tmp_path_factory):
    scratch = tmp_path_factory.mktemp("deck")
    cards.write(QUESTIONS, scratch / "out.apkg")
    return notes(scratch / "out.apkg", scratch)


def test_every_question_is_there_in_both_languages(deck):
    rows, (models, decks) = deck
    assert len(rows) == 2 * len(QUESTIONS)
    assert len({guid for guid, *_ in rows}) == len(rows)
    for number, name in cards.DECKS.values():
        ids = [fields[0] for _, _, fields, _, did in rows if did == number]
        assert ids == [one.id for one in QUESTIONS]
        assert json.loads(decks)[str(number)]["name"] == name
    assert str(cards.MODEL) in models


def test_fields_hold_the_texts_with_formulas_for_mathjax(deck):
    rows, _ = deck
    by_id = {(fields[0], did): (fields, tags) for _, _, fields, tags, did in rows}
    for one in QUESTIONS:
        for language, (number, _) in cards.DECKS.items():
            fields, tags = by_id[one.id, number]
            assert len(fields) == len(cards.FIELDS)
            assert all(fields[:7])
            assert one.topic in tags and one.level in tags
            answer = fields[cards.FIELDS.index("Answer")]
            formulas = re.findall(r"\$[^$]+\$", one.answer.in_language(language))
            if formulas and "`" not in one.answer.in_language(language):
                assert r"\(" in answer or r"\[" in answer
            outside = re.sub(r"<code.*?</code>", "", answer, flags=re.S)
            assert not re.search(r"(?<!\d)\$[^$ ]*\\", outside)


def test_a_rubric_is_on_the_card():
    one = next(one for one in QUESTIONS if one.rubric)
    fields = cards.note(one, "zh", cards.model()).fields
    answer = fields[cards.FIELDS.index("Answer")]
    assert "评分要点" in answer and answer.count("<li>") >= len(one.rubric)


def test_exporting_again_gives_the_same_ids(deck, tmp_path):
    cards.write(QUESTIONS, tmp_path / "again.apkg")
    rows, _ = deck
    again, _ = notes(tmp_path / "again.apkg", tmp_path)
    assert {(r[0], r[1], r[4]) for r in rows} == {(r[0], r[1], r[4]) for r in again}


def test_a_changed_answer_keeps_its_guid():
    kind = cards.model()
    one, other = QUESTIONS[:2]
    changed = bank.Question(**{**vars(one), "answer": other.answer})
    assert cards.note(one, "en", kind).guid == cards.note(changed, "en", kind).guid
    guids = {
        cards.note(q, lang, kind).guid for q in (one, other) for lang in ("en", "zh")
    }
    assert len(guids) == 4


def test_guids_do_not_change_between_versions():
    """A change here would make readers learn all cards anew."""
    kind = cards.model()
    first = bank.Question(**{**vars(QUESTIONS[0]), "id": "vae-why-sample"})
    assert cards.note(first, "en", kind).guid == "H5{Uv&}l=["
    assert cards.note(first, "zh", kind).guid == "pSI-S.)v&B"
    assert cards.DECKS["en"][0] == 1764900001 and cards.MODEL == 1764900000


def test_one_language_and_one_file(tmp_path):
    assert cards.write(QUESTIONS[:3], tmp_path / "zh.apkg", ("zh",)) == 3
    assert [one.name for one in tmp_path.iterdir()] == ["zh.apkg"]
