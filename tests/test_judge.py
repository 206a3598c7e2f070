"""The bundled judge is the recorded one, knows its digits and refuses bad input."""

import hashlib
import json
import shutil

import numpy as np
import pytest

from digitdreams import data, judge, metrics, stamps


@pytest.fixture(scope="module")
def test_split():
    return data.load().test


@pytest.fixture(scope="module")
def rows(test_split):
    return judge.probabilities(test_split.images)


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """A copy of the judge's two files that a test may damage."""
    for path in (judge.FILE, judge.FILE.with_suffix(".json")):
        shutil.copy(path, tmp_path)
    monkeypatch.setattr(judge, "FILE", tmp_path / judge.FILE.name)
    judge._load.cache_clear()
    yield tmp_path / judge.FILE.name
    judge._load.cache_clear()


def test_the_record_belongs_to_the_file():
    record = judge.record()
    content = judge.FILE.read_bytes()
    assert record["sha256"] == hashlib.sha256(content).hexdigest()
    assert len(content) < 1_000_000
    assert record["command"] == "digitdreams judge train"
    assert record["seconds"] > 0
    assert record["epochs"] == judge.EPOCHS
    assert {"keras", "tensorflow", "numpy", "python"} <= set(record["versions"])
    assert record["parameters"] == judge.load().count_params()


@pytest.mark.slow
def test_accuracy_is_the_recorded_one(rows, test_split):
    accuracy = metrics.label_accuracy(rows, test_split.labels)
    assert accuracy >= 0.993
    # Another processor may round one or two doubtful images to the other side.
    assert accuracy == pytest.approx(judge.record()["accuracy"], abs=2e-4)


def test_real_images_score_high_and_cover_all_digits(rows, test_split):
    score = metrics.inception_score(rows)
    assert score > 9.7
    assert score == pytest.approx(judge.record()["score"], abs=0.005)
    assert metrics.mode_coverage(rows, at_least=0.08) == 10
    shares = np.bincount(test_split.labels) / len(rows)
    assert np.allclose(metrics.class_shares(rows), shares, atol=0.003)


def test_verdicts_do_not_hang_on_clean_paper(test_split):
    images, labels = test_split.images[:2000], test_split.labels[:2000]
    noise = 0.1 * np.random.default_rng(0).normal(size=images.shape)
    spoiled = {
        "faint noise": (images + noise).clip(0, 1),
        "light grey paper": 0.2 + 0.8 * images,
        "binary": (images > 0.5).astype("float32"),
    }
    for name, changed in spoiled.items():
        accuracy = metrics.label_accuracy(judge.probabilities(changed), labels)
        assert accuracy > 0.985, name


def test_outputs(test_split, rows):
    assert rows.shape == (10_000, 10) and rows.dtype == np.float32
    assert np.allclose(rows.sum(axis=1), 1, atol=1e-5)
    images = test_split.images[:30]
    found = judge.features(images)
    assert found.shape == (30, judge.FEATURES) and found.dtype == np.float32
    assert found.min() >= 0
    assert np.allclose(judge.features(images[..., 0]), found, atol=1e-5)
    assert np.allclose(judge.probabilities(images), rows[:30], atol=1e-5)
    assert judge.load() is judge.load()


def test_what_was_said_is_remembered_and_cannot_be_spoiled(test_split):
    first = judge.probabilities(test_split.images[:50])
    expected = first.copy()
    first[:] = 0
    for start in range(60, 60 + judge.REMEMBERED_SETS):
        judge.probabilities(test_split.images[start : start + 20])
        assert len(judge._remembered) <= judge.REMEMBERED_SETS
        assert np.array_equal(judge.probabilities(test_split.images[:50]), expected)


def test_features_are_the_layer_before_the_probabilities(test_split):
    images = test_split.images[:30]
    kernel, bias = judge.load().get_layer("logits").get_weights()
    logits = judge.features(images) @ kernel + bias
    exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
    expected = exponents / exponents.sum(axis=1, keepdims=True)
    assert np.allclose(judge.probabilities(images), expected, atol=1e-5)


def test_no_feature_is_dead(test_split):
    spread = judge.features(test_split.images[:1000]).std(axis=0)
    assert (spread > 1e-3).sum() >= 0.9 * judge.FEATURES


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((4, 784)), r"\(4, 784\)"),
        (np.zeros((0, 28, 28, 1)), "needs images"),
        (np.full((4, 28, 28), 255.0), r"\[0, 1\]"),
        (np.full((4, 28, 28), -0.5), "Clip or rescale"),
        (np.full((4, 28, 28), np.nan), r"\[0, 1\]"),
    ],
)
def test_wrong_images_are_refused(images, message):
    for ask in (judge.probabilities, judge.features):
        with pytest.raises(ValueError, match=message):
            ask(images)


def test_a_missing_judge_is_named_with_the_remedy(copy):
    copy.unlink()
    with pytest.raises(judge.JudgeError, match="digitdreams judge train") as raised:
        judge.load()
    assert str(copy) in str(raised.value)


def test_a_damaged_judge_is_named_with_the_remedy(copy, test_split):
    content = copy.read_bytes()
    copy.write_bytes(content[:5000] + b"\x00" + content[5001:-10])
    with pytest.raises(judge.JudgeError, match="digitdreams judge train") as raised:
        judge.report(test_split.images[:200])
    assert str(copy) in str(raised.value)


@pytest.mark.parametrize("damage", ["absent", "cut"])
def test_a_missing_or_damaged_record_is_named_with_the_remedy(copy, damage):
    path = copy.with_suffix(".json")
    if damage == "cut":
        path.write_text(path.read_text()[:20])
    else:
        path.unlink()
    with pytest.raises(judge.JudgeError, match="digitdreams judge train") as raised:
        judge.record()
    assert str(path) in str(raised.value)


@pytest.mark.slow
def test_training_learns_and_records(tmp_path, monkeypatch, capsys):
    """The recipe with a narrow network on little data."""
    sizes = 2560, 500, 500
    few = data.Digits(
        *(
            data.Split(images[:size], labels[:size])
            for size, (images, labels) in zip(sizes, data.load(), strict=True)
        )
    )
    monkeypatch.setattr(data, "load", lambda: few)
    monkeypatch.setattr(judge, "FILE", tmp_path / "judge.keras")
    monkeypatch.setattr(judge, "WIDTHS", (6, 12))
    monkeypatch.setattr(judge, "DROPOUT", 0.1)
    made = judge.train(epochs=2)
    assert json.loads((tmp_path / "judge.json").read_text()) == made
    assert judge.record() == made
    assert made["sha256"] == hashlib.sha256(judge.FILE.read_bytes()).hexdigest()
    found = judge.probabilities(few.test.images)
    accuracy = metrics.label_accuracy(found, few.test.labels)
    assert accuracy == pytest.approx(made["accuracy"], abs=1e-4)
    assert accuracy > 0.5
    judge._load.cache_clear()
    printed = capsys.readouterr().out
    assert "epoch  2/2" in printed and "validation accuracy" in printed
    assert made["made_from"]["how"] == "trained"

    monkeypatch.setattr(judge, "LARGEST_DIFFERENCE", 1.0)
    confirmed = judge.confirm(epochs=1)
    assert confirmed["made_from"]["how"].startswith("confirmed by a new training")
    assert confirmed["made_from"]["numbers"] == stamps.of_judge().numbers
    assert {**confirmed, "made_from": 0} == {**made, "made_from": 0}
    monkeypatch.setattr(judge, "LARGEST_DIFFERENCE", -1.0)
    with pytest.raises(judge.JudgeError, match="digitdreams judge train"):
        judge.confirm(epochs=1)
    assert judge.record() == confirmed


def test_the_record_says_what_the_judge_was_made_and_measured_from():
    record = judge.record()
    made = stamps.Stamp.from_data(record["made_from"])
    assert stamps.of_judge().changes(made) == []
    assert "digitdreams/metrics.py" not in made.numbers
    measured = stamps.Stamp.from_data(record["measured_from"])
    assert stamps.of_judgement().changes(measured) == []
    assert "digitdreams/metrics.py" in measured.numbers


@pytest.mark.slow
def test_report_of_real_images(test_split):
    images = data.load().validation.images[:1500]
    found = judge.report(images)
    assert found.samples == 1500
    assert found.coverage == 10
    assert found.score > 9.5 and found.real_score > 9.5
    assert 0 < found.fid_floor < found.fid
    assert min(found.precision, found.recall) > 0.7
    assert min(found.real_precision, found.real_recall) > 0.7


@pytest.mark.slow
def test_report_repeats_with_its_seed():
    images = data.load().validation.images[:300]
    first = judge.report(images)
    assert first == judge.report(images, seed=0)
    assert first != judge.report(images, seed=1)


@pytest.mark.slow
def test_report_finds_fault_with_bad_samples(test_split):
    random = np.random.default_rng(0)
    noise = judge.report(random.uniform(size=(300, 28, 28, 1)))
    assert noise.precision < 0.05 and noise.recall < 0.1
    assert noise.fid > 10 * noise.fid_floor
    ones = judge.report(test_split.images[test_split.labels == 1][:1000])
    assert ones.coverage == 1
    assert ones.score < 1.2
    assert ones.recall < 0.5 < ones.precision


@pytest.mark.slow
def test_report_compares_equal_numbers(test_split):
    images = test_split.images
    assert judge.report(images[:150]).samples == 150
    assert judge.report(images[:500], real=images[500:1100]).samples == 300
    with pytest.raises(ValueError, match="at least 100"):
        judge.report(images[:20])
    with pytest.raises(ValueError, match="at least 100"):
        judge.report(images[:500], real=images[500:600])


def test_report_reads_as_a_table(test_split):
    report = judge.Report(5000, 9.123, 4.567, 0.91, 0.52, 9, 9.87, 0.25, 0.93, 0.94)
    assert repr(report) == str(report)
    lines = str(report).splitlines()
    assert lines[0].split() == ["5,000", "images", "each", "samples", "real"]
    assert lines[2].split()[:3] == ["FID", "4.57", "0.25"]
    assert len(lines) == 6
    assert max(map(len, lines)) < 60
    html = report._repr_html_()
    for value in ("9.12", "4.57", "0.910", "0.520", "0.25", "digits covered"):
        assert f">{value}<" in html
