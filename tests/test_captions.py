"""Captions say what was measured, in templates whose splits do not meet."""

import json
import re
import time

import numpy as np
import pytest

from digitdreams import attributes, captions, data, stamps
from digitdreams.captions import free, grammar, pairs, stored, vocabulary
from digitdreams.captions.fields import CLASSES, MARGIN, NAMES, UNSAID, Fields
from places import ROOT

BOTH = ("en", "zh")
EVALUATED = ("de", "es", "fr", "tr")


@pytest.fixture(scope="module")
def train():
    return captions.of_split("train")


@pytest.fixture(scope="module")
def mixed():
    """Ten thousand rows, some of them with something unsaid."""
    random = np.random.default_rng(0)
    return Fields(
        random.integers(10, size=10_000), *random.integers(-1, 3, (2, 10_000))
    )


# Measurements ----------------------------------------------------------------------


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_stored_measurements_are_those_of_the_images(split):
    images = getattr(data.load(), split).images
    rows = np.random.default_rng(1).choice(len(images), 100, replace=False)
    found = attributes.measure(images[rows]).table()
    kept = captions.measured(split).table()
    assert len(kept) == len(images)
    assert np.abs(found - kept[rows]).max(axis=0) == pytest.approx(0, abs=0.006)


def test_the_record_is_of_todays_ruler_and_digits():
    record = json.loads(stored.FILE.with_suffix(".json").read_text("utf-8"))
    made_from = stamps.Stamp.from_data(record["made_from"])
    assert stamps.of_measurements().changes(made_from) == []
    assert record["bytes"] == stored.FILE.stat().st_size


def test_a_lesson_with_captions_counts_the_measurements(tmp_path):
    program = tmp_path / "program.py"
    program.write_text("from digitdreams import captions\ncaptions.of_split('train')\n")
    assert "digitdreams/captions/measurements.npz" in stamps.of(program).numbers


@pytest.mark.parametrize("content", [None, b"nothing"])
def test_a_damaged_file_is_told_in_one_line(content, tmp_path, monkeypatch):
    path = tmp_path / "measurements.npz"
    if content:
        path.write_bytes(content)
    monkeypatch.setattr(stored, "FILE", path)
    with pytest.raises(captions.MeasurementsError, match="measure_digits") as said:
        captions.measured("test")
    assert "\n" not in str(said.value)


def test_a_file_is_written_as_it_is_read(tmp_path):
    path = tmp_path / "measurements.npz"
    splits = [captions.measured(one).table() for one in stored.PARTS]
    columns = np.concatenate(splits).T
    stored.store(attributes.Attributes(*columns), path)
    assert path.read_bytes() == stored.FILE.read_bytes()


def test_no_such_split():
    with pytest.raises(ValueError, match="validation"):
        captions.measured("training")


# Classes ---------------------------------------------------------------------------


def test_a_third_of_the_training_images_lies_in_each_class():
    fields = captions.of_split("train", margin=False)
    for name in CLASSES:
        shares = np.bincount(getattr(fields, name), minlength=3) / len(fields)
        assert shares == pytest.approx(1 / 3, abs=0.002)


def test_sentences_leave_out_what_lies_near_a_cut(train):
    judged = captions.of_split("train", margin=False)
    for name in CLASSES:
        said = getattr(train, name)
        assert np.mean(said == UNSAID) == pytest.approx(4 * MARGIN, abs=0.005)
        clear = said != UNSAID
        assert np.array_equal(said[clear], getattr(judged, name)[clear])
        values = getattr(captions.measured("train"), name)
        for cut in captions.cuts(name):
            nearest = np.argsort(np.abs(values - cut))[:500]
            assert (said[nearest] == UNSAID).all()


def test_classes_follow_the_measure():
    for name in CLASSES:
        values = getattr(captions.measured("test"), name)
        found = getattr(captions.of_split("test", margin=False), name)
        assert (np.diff(found[np.argsort(values)]) >= 0).all()


def test_unseen_combinations_cover_what_they_should():
    digits, thickness, slant = zip(*captions.UNSEEN, strict=True)
    assert digits == tuple(range(10))
    assert len(set(zip(thickness, slant, strict=True))) == 9
    held_out = captions.is_unseen(captions.of_split("train", margin=False))
    assert 0.08 < held_out.mean() < 0.12
    record = dict(zip(NAMES, captions.UNSEEN[3], strict=True))
    near = [record, {**record, "digit": 4}, {**record, "slant": None}]
    assert captions.is_unseen(Fields.of(near)).tolist() == [True, False, False]


def test_fields_are_dictionaries_and_back(mixed):
    assert np.array_equal(Fields.of(mixed.records()).table(), mixed.table())
    assert Fields.of([{"digit": 7, "thickness": "thick"}]).records() == [
        {"digit": 7, "thickness": "thick", "slant": None}
    ]
    assert len(Fields.of([])) == 0


def test_fields_are_chosen_by_rows(mixed):
    chosen = mixed[mixed.digit == 3]
    assert len(chosen) == (mixed.digit == 3).sum() and (chosen.digit == 3).all()
    assert np.array_equal(mixed[5].table(), mixed.table()[5:6])
    only = mixed.naming("slant")
    assert (only.thickness == UNSAID).all() and np.array_equal(only.slant, mixed.slant)


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({"digit": 10}, "0 to 9"),
        ({"digit": 1, "slant": "leaning"}, "upright"),
        ({"digit": 1, "colour": "red"}, "no field 'colour'"),
    ],
)
def test_fields_that_there_are_none_of_are_refused(record, said):
    with pytest.raises(ValueError, match=said):
        Fields.of([record])


def test_columns_have_to_fit():
    with pytest.raises(ValueError, match="shape"):
        Fields(np.zeros(3), np.zeros(2), np.zeros(3))
    with pytest.raises(ValueError, match="between -1 and 2"):
        Fields(np.zeros(1), np.full(1, 3), np.zeros(1))


# Sentences -------------------------------------------------------------------------


@pytest.mark.parametrize("language", BOTH)
def test_there_are_hundreds_of_templates_and_the_splits_do_not_meet(language):
    train, unseen = (captions.templates(language, one) for one in grammar.SPLITS)
    assert len(set(train)) == len(train) > 400
    assert len(set(unseen)) == len(unseen) > 100
    parts = grammar.LANGUAGES[language].templates
    for name in vars(parts["train"]):
        shared = set(getattr(parts["train"], name)) & set(
            getattr(parts["unseen"], name)
        )
        assert not shared, name
    slots = {split: set(grammar.SLOT.findall(" ".join(texts))) for split, texts in
             (("train", train), ("unseen", unseen))}  # fmt: skip
    assert slots["unseen"] <= slots["train"]


@pytest.mark.parametrize("language", grammar.LANGUAGES)
@pytest.mark.parametrize("split", grammar.SPLITS)
def test_captions_and_requests_say_what_they_are_told(language, split, mixed):
    if split == "train" and language in EVALUATED:
        with pytest.raises(ValueError, match="unseen templates only"):
            captions.write(mixed, language, split)
        return
    texts, asked = captions.write(mixed, language, split, ("caption", "request"))
    assert np.array_equal(asked.table(), mixed.table())
    assert np.array_equal(captions.read(texts, language).table(), mixed.table())
    assert not re.search("[{}]", "".join(texts))


@pytest.mark.parametrize("language", BOTH)
def test_some_sentences_leave_something_out(language, mixed):
    texts, asked = captions.write(mixed, language, kinds="caption", complete=False)
    assert np.array_equal(captions.read(texts, language).table(), asked.table())
    for name in CLASSES:
        said, named = getattr(mixed, name) >= 0, getattr(asked, name) >= 0
        assert not (named & ~said).any()
        assert 0.45 < named[said].mean() < 0.55


@pytest.mark.parametrize("language", BOTH)
def test_distractors_distract(language, mixed):
    """The digit that is asked for is one of several, so the words alone do not tell."""
    texts, asked = captions.write(mixed, language, kinds="distractor")
    found = captions.read(texts, language)
    assert np.mean(found.digit == asked.digit) < 0.2
    assert not ((found.digit != asked.digit) & (found.digit != UNSAID)).any()


def test_the_same_seed_writes_the_same(mixed):
    first, second = (captions.write(mixed, BOTH, seed=5).texts for _ in range(2))
    other = captions.write(mixed, BOTH, seed=6).texts
    assert first == second
    assert np.mean([a != b for a, b in zip(first, other, strict=True)]) > 0.9


def test_english_articles():
    eights = Fields.of([{"digit": digit} for digit in (8, 1, 9, 8) for _ in range(200)])
    texts = " ".join(captions.write(eights).texts)
    assert re.search(r"\ban (8|eight)\b", texts) and re.search(r"\ba (1|one)\b", texts)
    assert not re.search(r"\ba (8|eight|upright)\b|\ban (1|one|9|nine)\b", texts)


def test_the_training_images_are_captioned_within_two_seconds(train):
    started = time.process_time()
    texts, _ = captions.write(train, BOTH)
    assert len(texts) == 55_000
    assert time.process_time() - started < 2


def test_riddles_have_the_right_answer():
    forms = {
        **{"after": ("{a} + 1",), "before": ("{a} - 1",), "sums": ("{a} + {b}",)},
        **{"differences": ("{a} - {b}",), "products": ("{a} * {b}",)},
        "halves": ("{a} / 2",),
    }
    found = vocabulary.arithmetic("0123456789", **forms)
    for digit, sums in enumerate(found):
        assert sums and all(eval(one) == digit for one in sums)
    for digit, words in enumerate(grammar.LANGUAGES["en"].riddles["train"]):
        for text in words:
            if "letters" in text:
                assert len(text.split('"')[1]) == digit


@pytest.mark.parametrize("language", BOTH)
def test_every_digit_has_riddles_in_both_splits(language):
    train, unseen = (grammar.LANGUAGES[language].riddles[one] for one in grammar.SPLITS)
    assert all(len(one) >= 4 for one in train) and all(unseen)
    assert not {text for one in train for text in one} & {
        text for one in unseen for text in one
    }
    every = Fields.of([{"digit": digit} for digit in range(10) for _ in range(50)])
    for split in grammar.SPLITS:
        assert len(set(captions.write(every, language, split, "riddle").texts)) > 50


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"languages": "nl"}, "no language 'nl'"),
        ({"languages": ()}, "no language 'nothing'"),
        ({"split": "test"}, "no split 'test'"),
        ({"kinds": "poem"}, "no kind 'poem'"),
        ({"languages": "tr", "split": "unseen", "kinds": "riddle"}, "no template"),
    ],
)
def test_what_cannot_be_written_is_refused(arguments, said):
    with pytest.raises(ValueError, match=said):
        captions.write(Fields.of([{"digit": 1}]), **arguments)
    with pytest.raises(ValueError, match="names a digit"):
        captions.write(Fields.of([{"slant": "left"}]))


# Requests --------------------------------------------------------------------------


@pytest.mark.parametrize("language", BOTH)
def test_free_requests_are_many_and_even(language):
    texts, asked, riddle = captions.requests(language)
    assert len(texts) == len(asked) == len(riddle) == 60
    assert riddle.sum() == 23
    assert (np.bincount(asked.digit) >= 5).all()
    for name in CLASSES:
        assert (np.bincount(getattr(asked, name) + 1, minlength=4) >= 11).all()
    chinese = [bool(re.search("[\u4e00-\u9fff]", text)) for text in texts]
    assert all(chinese) == any(chinese) == (language == "zh")


@pytest.mark.parametrize("language", BOTH)
def test_no_free_request_is_in_the_grammar(language):
    texts = captions.requests(language).texts
    riddles = grammar.LANGUAGES[language].riddles
    known = [one for split in riddles.values() for digit in split for one in digit]
    for text in texts:
        assert not [one for one in known if one in text.lower()]
    for split in grammar.SPLITS:
        for template in captions.templates(language, split, ("request", "distractor")):
            first, *pieces = grammar.SLOT.split(template)[::2]
            for text in texts:
                same = text.startswith(first) and all(one in text for one in pieces)
                assert not same, template


def test_damaged_requests_are_told(tmp_path, monkeypatch):
    path = tmp_path / "requests.yaml"
    monkeypatch.setattr(free, "FILE", path)
    with pytest.raises(captions.RequestsError, match="git checkout"):
        captions.requests("en")
    path.write_text("en:\n  - {digit: 1}\n")
    with pytest.raises(captions.RequestsError, match="git checkout"):
        captions.requests("en")
    with pytest.raises(ValueError, match="no requests in 'de'"):
        monkeypatch.undo()
        captions.requests("de")


# Is it right? ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def some():
    """300 validation images and what can be said of them."""
    rows = slice(0, 300)
    return data.load().validation.images[rows], captions.of_split("validation")[rows]


def test_real_images_show_what_was_measured_on_them(some):
    rates = captions.agreement(*some).rates()
    assert rates["digit"] > 0.98
    assert rates["thickness"] == rates["slant"] == 1
    assert rates["all"] == rates["digit"]


def test_with_requests_shuffled_agreement_falls_to_chance(some):
    images, _ = some
    asked = captions.of_split("validation", margin=False)[:300]
    found = captions.seen(images)
    random = np.random.default_rng(0)
    rates = [
        captions.compare(found, asked[random.permutation(300)]).rates()
        for _ in range(30)
    ]
    mean = {name: np.mean([one[name] for one in rates]) for name in rates[0]}
    assert mean == pytest.approx(
        {"digit": 0.1, "thickness": 1 / 3, "slant": 1 / 3, "all": 1 / 90}, abs=0.03
    )


def test_what_is_not_asked_for_is_right(some):
    images, _ = some
    nothing = Fields(*np.full((3, 300), UNSAID))
    assert captions.agreement(images, nothing).all.all()


def test_images_and_requests_have_to_be_as_many(some):
    images, asked = some
    with pytest.raises(ValueError, match="one row for each image"):
        captions.agreement(images, asked[:5])
    with pytest.raises(ValueError, match="cannot be compared"):
        captions.compare(asked, asked[:5])
    with pytest.raises(ValueError, match="image\\[None\\]"):
        captions.agreement(images[0, ..., 0], asked[:28])


# Scenes ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def two():
    return captions.scenes(200, "validation", seed=3)


def test_scenes_are_two_digits_side_by_side(two):
    images, left, right = two
    assert images.shape == (200, 28, 56, 1) and images.dtype == "float32"
    assert len(left) == len(right) == 200
    rates = captions.binding(images, left, right).rates()
    assert rates["digit"] > 0.97 and rates["thickness"] == rates["slant"] == 1
    again = captions.scenes(200, "validation", seed=3)
    assert np.array_equal(again.images, images)


def test_attributes_on_the_wrong_side_are_wrong(two):
    images, left, right = two
    different = left.thickness != right.thickness
    swapped = captions.binding(
        images,
        Fields(left.digit, right.thickness, left.slant),
        Fields(right.digit, left.thickness, right.slant),
    )
    assert not swapped.thickness[different].any()
    assert swapped.slant.all() and swapped.digit.mean() > 0.97
    with pytest.raises(ValueError, match="28, 56"):
        captions.binding(images[:, :, :28], left, right)


def test_training_scenes_show_no_unseen_combination():
    _, left, right = captions.scenes(3_000)
    assert not captions.is_unseen(left).any() and not captions.is_unseen(right).any()
    assert np.unique(left.digit * 10 + right.digit).size == 100


@pytest.mark.parametrize("language", BOTH)
@pytest.mark.parametrize("split", grammar.SPLITS)
def test_scenes_are_described_with_sides(language, split, two):
    left, right = (one.naming("thickness") for one in two[1:])
    texts = captions.write_scenes(left, right, language, split)
    assert texts == captions.write_scenes(left, right, language, split)
    found = captions.read(texts, language)
    same = left.digit == right.digit
    assert np.array_equal(found.digit != UNSAID, same)
    assert not {*pairs.RELATIONS[language]["train"]} & {
        *pairs.RELATIONS[language]["unseen"]
    }
    # Either side is named, and a sentence turned round is another sentence.
    turned = captions.write_scenes(right, left, language, split)
    assert all(
        one != other for one, other, equal in zip(texts, turned, same, strict=True)
        if not equal
    )  # fmt: skip


def test_scenes_that_cannot_be_made_or_told_are_refused(two):
    _, left, right = two
    with pytest.raises(ValueError, match="0 or more"):
        captions.scenes(-1)
    with pytest.raises(ValueError, match="on the left"):
        captions.write_scenes(left, right[:2])
    with pytest.raises(ValueError, match="no language 'de'"):
        captions.write_scenes(left, right, "de")
    with pytest.raises(ValueError, match="no split"):
        captions.write_scenes(left, right, split="test")


# The datasheet ---------------------------------------------------------------------


def test_the_datasheet_quotes_what_is_there(train):
    text = (ROOT / "docs" / "captions.md").read_text("utf-8")
    table = captions.measured("train").table()
    for row in np.quantile(table, [0.05, 0.5, 0.95], axis=0).T[:2]:
        assert ", ".join(f"{value:.2f}" for value in row) in text
    for name, digits in (("thickness", 3), ("slant", 2)):
        clear = [f"{one:.{digits}f}" for one in captions.cuts(name, margin=True)]
        first, second = (f"{one:.{digits}f}" for one in captions.cuts(name))
        for row in (
            f"below {clear[0]} | below {first}",
            f"{clear[1]} to {clear[2]} | {first} to {second}",
            f"above {clear[3]} | above {second}",
        ):
            assert row in text
    said = [getattr(train, name) != UNSAID for name in CLASSES]
    shares = [np.mean(one) for one in (*said, said[0] & said[1])]
    assert [f"{share:.0%}" for share in shares] == ["78%", "78%", "60%"]
    assert "78 % of the training images" in text and "and 60 %\nboth" in text
    for row, language in (("English", "en"), ("Chinese", "zh")):
        counts = [len(captions.templates(language, one)) for one in grammar.SPLITS]
        assert f"| {row} | {counts[0]} | {counts[1]} |" in text
    for language in EVALUATED:
        assert len(captions.templates(language, "unseen")) == 36
    judged = captions.of_split("train", margin=False)
    counts = np.unique(judged.table(), axis=0, return_counts=True)[1]
    assert f"{counts.max():,} training images are thick ones" in text
    assert f"{counts.min()} thin zeros" in text and len(counts) == 90
    assert f"{captions.is_unseen(judged).mean():.1%}".replace("%", " %") in text
    slant = captions.measured("train").slant
    for digit in (5, 9):
        assert f"{slant[judged.digit == digit].mean():.1f}" in text
