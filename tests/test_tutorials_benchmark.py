"""The benchmark against published tutorials: recipes, verdict, a short run."""

import importlib.util
import itertools
import json

import numpy as np
import pytest

from digitdreams import data, stamps
from places import ROOT


@pytest.fixture(scope="module")
def tutorials():
    path = ROOT / "benchmarks" / "tutorials.py"
    spec = importlib.util.spec_from_file_location("tutorials", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def curve(*points, quality="fid"):
    return [{"seconds": at, "epochs": at / 10, quality: value} for at, value in points]


def result(ours, published, recorded=None, side="below"):
    return {
        "title": "a tutorial",
        "epochs": 50,
        "quality": "fid",
        "unit": "FID",
        "side": side,
        "ours_finished": True,
        "curves": {"ours": ours, "published": published},
        "recorded": recorded,
    }


# The recipes as published


def test_the_published_networks_have_the_published_sizes(tutorials):
    dcgan = tutorials.TensorFlowDCGAN()
    wide = 7 * 7 * 256
    expected = 100 * wide + 4 * wide  # without bias; four numbers a normalised channel
    expected += 25 * 256 * 128 + 4 * 128 + 25 * 128 * 64 + 4 * 64 + 25 * 64
    assert dcgan.generator.count_params() == expected
    expected = 26 * 64 + (25 * 64 + 1) * 128 + 7 * 7 * 128 + 1
    assert dcgan.discriminator.count_params() == expected

    conditional = tutorials.KerasConditionalGAN()
    expected = 139 * 7 * 7 * 138 + (16 * 138 + 1) * 128 + (16 * 128 + 1) * 128
    assert conditional.generator.count_params() == expected + 49 * 128 + 1
    expected = (9 * 11 + 1) * 64 + (9 * 64 + 1) * 128 + 128 + 1
    assert conditional.discriminator.count_params() == expected

    vae = tutorials.KerasVAE()
    expected = 10 * 32 + (9 * 32 + 1) * 64 + (7 * 7 * 64 + 1) * 16 + 2 * 17 * 2
    assert vae.encoder.count_params() == expected
    expected = 3 * 7 * 7 * 64 + (9 * 64 + 1) * 64 + (9 * 64 + 1) * 32 + 9 * 32 + 1
    assert vae.decoder.count_params() == expected


def test_the_published_settings(tutorials):
    settings = [
        (pair.published.epochs, pair.published.batch_size, pair.published.latent_size)
        for pair in tutorials.PAIRS
    ]
    assert settings == [(50, 256, 100), (20, 64, 128), (30, 128, 2)]


def test_the_published_label_map_is_a_band(tutorials):
    maps = np.asarray(
        tutorials.KerasConditionalGAN.label_maps(np.eye(10, dtype="float32")[[0, 3, 9]])
    )
    assert maps.shape == (3, 28, 28, 10)
    assert np.allclose(maps.sum(axis=(1, 2, 3)), 784)
    middles = (maps.sum(axis=(2, 3)) * np.arange(28)).sum(axis=1) / 784
    assert np.allclose(middles, 2.8 * np.array([0, 3, 9]) + 0.9, atol=0.5)


@pytest.mark.slow
def test_pictures_and_costs_are_what_the_measures_expect(tutorials):
    few = data.load().train
    batch = (few.images[:6], few.labels[:6])
    costs = np.asarray(tutorials.KerasVAE()(batch))
    assert costs.shape == (6,)
    assert abs(costs.mean() - 784 * np.log(2)) < 5  # all probabilities near one half
    for recipe in (tutorials.TensorFlowDCGAN, tutorials.KerasConditionalGAN):
        model = recipe()
        images, labels = tutorials.draw(model)
        assert images.shape == (tutorials.SAMPLES, 28, 28, 1)
        assert 0 <= images.min() <= images.max() <= 1
        assert (labels is None) == (recipe is tutorials.TensorFlowDCGAN)


# The verdict


def test_seconds_to_a_quality(tutorials):
    falling = curve((1, 50.0), (2, 20.0), (4, 22.0), (8, 10.0))
    assert tutorials.seconds_to(falling, "fid", "below", 20) == 2
    assert tutorials.seconds_to(falling, "fid", "below", 15) == 8
    assert tutorials.seconds_to(falling, "fid", "below", 9) is None
    rising = curve((1, 0.2), (3, 0.8))
    assert tutorials.seconds_to(rising, "fid", "above", 0.5) == 3


def test_the_common_quality_is_that_of_the_weaker(tutorials):
    found = tutorials.verdict(
        result(curve((1, 60.0), (2, 30.0), (9, 5.0)), curve((3, 90.0), (9, 40.0)))
    )
    assert found["common_quality"] == 40
    assert (found["seconds_ours"], found["seconds_published"]) == (2, 9)
    assert found["ratio"] == 4.5
    assert found["published_curve"] == "this run"


def test_a_recipe_that_beats_ours_gets_a_ratio_below_one(tutorials):
    found = tutorials.verdict(
        result(curve((1, 60.0), (8, 50.0)), curve((2, 45.0), (8, 30.0)))
    )
    assert found["common_quality"] == 50
    assert found["ratio"] == 2 / 8


def test_a_longer_recorded_run_is_used(tutorials):
    kept = {
        "machine": "a machine",
        "date": "2026-01-02",
        "curve": curve((10, 80.0), (900, 12.0)),
    }
    ours, theirs = curve((1, 60.0), (9, 11.0)), curve((9, 85.0))
    found = tutorials.verdict(result(ours, theirs, kept))
    assert (found["common_quality"], found["ratio"]) == (12, 100)
    assert "of 50 epochs, recorded on 2026-01-02" in found["published_curve"]
    kept["curve"] = curve((5, 12.0))
    assert (
        tutorials.verdict(result(ours, theirs, kept))["published_curve"] == "this run"
    )


def test_larger_may_be_better(tutorials):
    found = tutorials.verdict(
        result(curve((1, 0.5), (4, 0.99)), curve((4, 0.4), (8, 0.9)), side="above")
    )
    assert found["common_quality"] == 0.9
    assert found["ratio"] == 2


def test_marks_end_at_the_limit(tutorials):
    assert list(tutorials.marks(1.0)) == [1.0]
    times = list(tutorials.marks(10.0))
    assert times[0] == tutorials.FIRST_MEASURE and times[-1] == 10
    assert all(a < b for a, b in itertools.pairwise(times))


# A run


class Counter:
    """A recipe that only counts its steps."""

    steps_per_execution = 1

    def __init__(self):
        self.steps = 0

    def make_train_function(self):
        def train(batches):
            next(batches)
            self.steps += 1
            return {"loss": 0.0}

        self.train_function = train


def counting_pair(tutorials, our_epochs):
    class Published(Counter):
        epochs, batch_size = 1000, 5000

        def __init__(self, seed):
            super().__init__()

    return tutorials.Pair(
        *("counter", "a counter", Published, lambda seed, steps: Counter()),
        *(our_epochs, lambda one: {"fid": 100 / (1 + one.steps)}),
        *("fid", "FID", "below"),
    )


def test_a_pair_ends_when_ours_has_finished(tutorials, monkeypatch, tmp_path):
    monkeypatch.setattr(tutorials, "RECORDED", tmp_path)
    said = []
    pair = counting_pair(tutorials, our_epochs=0.05)
    found = tutorials.compete(pair, seed=1, budget=60, say=said.append)
    assert found["ours_finished"] and said
    our_curve, their_curve = found["curves"].values()
    assert our_curve[-1]["epochs"] >= 0.05
    assert their_curve[-1]["seconds"] >= our_curve[-1]["seconds"]
    json.dumps(found)
    picture = tmp_path / "page" / "figure.png"
    tutorials.figure({"counter": found}, picture)
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "a counter" in tutorials.table({"counter": found})


def test_a_budget_ends_a_pair(tutorials, monkeypatch, tmp_path):
    monkeypatch.setattr(tutorials, "RECORDED", tmp_path)
    pair = counting_pair(tutorials, our_epochs=100_000)
    found = tutorials.compete(pair, seed=1, budget=1.0, say=lambda line: None)
    assert not found["ours_finished"]
    assert 0.5 <= found["curves"]["ours"][-1]["seconds"] < 5
    assert "budget" in tutorials.table({"counter": found})


@pytest.fixture
def counted(monkeypatch):
    """Let a recorded counter be made from what a recipe of the page is made from."""
    monkeypatch.setitem(stamps.BENCHMARKS, "counter", stamps.BENCHMARKS["vae"])


def test_each_pair_has_its_stamp(tutorials):
    for pair in tutorials.PAIRS:
        names = (pair.published.__name__, pair.measure.__name__)
        assert stamps.BENCHMARKS[pair.name] == names
    assert len(stamps.BENCHMARKS) == len(tutorials.PAIRS)


def test_the_recorded_curves_are_of_today_s_recipes(tutorials):
    for pair in tutorials.PAIRS:
        kept = stamps.Stamp.from_data(tutorials.recorded(pair)["made_from"])
        assert stamps.of_benchmark(pair.name).changes(kept) == []


@pytest.mark.slow
def test_the_beginning_of_a_recorded_run_confirms_it(tutorials, tmp_path, counted):
    pair = counting_pair(tutorials, our_epochs=1)
    path = tutorials.record(pair, 1, 0.5, tmp_path, say=lambda line: None)
    before = json.loads(path.read_text())
    tutorials.confirm(pair, 60, tmp_path, say=lambda line: None)
    after = json.loads(path.read_text())
    assert after["made_from"]["how"].startswith("confirmed at [")
    assert after["made_from"]["numbers"] == before["made_from"]["numbers"]
    assert {**after, "made_from": 0} == {**before, "made_from": 0}
    assert list(after)[-1] == "curve"

    with pytest.raises(ValueError, match="no point is recorded within 0 s"):
        tutorials.confirm(pair, 0, tmp_path)
    after["curve"][-1]["fid"] *= 1.1
    path.write_text(json.dumps(after))
    with pytest.raises(ValueError, match=r"more than 5% apart.*--record counter"):
        tutorials.confirm(pair, 60, tmp_path, say=lambda line: None)
    with pytest.raises(ValueError, match="nothing is recorded"):
        tutorials.confirm(pair, 60, tmp_path / "none")


def test_a_recorded_run_is_found_again(tutorials, tmp_path, counted):
    pair = counting_pair(tutorials, our_epochs=1)
    path = tutorials.record(pair, 1, 0.5, tmp_path, say=lambda line: None)
    content = tutorials.recorded(pair, tmp_path)
    assert path == tmp_path / "counter.json"
    assert content["machine"] and content["date"].count("-") == 2
    assert content["curve"][-1]["seconds"] >= 0.5 and not content["finished"]
    assert tutorials.recorded(pair, tmp_path / "none") is None


def test_a_mark_that_compiling_went_past_adds_no_point(tutorials):
    one = tutorials.published(counting_pair(tutorials, our_epochs=1), seed=1)
    assert one.advance(0.2)
    assert not one.advance(one.seconds) and len(one.curve) == 1
    assert one.advance(one.seconds + 0.01) and len(one.curve) == 2


@pytest.mark.slow
def test_real_recipes_compete(tutorials, monkeypatch, tmp_path):
    monkeypatch.setattr(tutorials, "RECORDED", tmp_path)
    monkeypatch.setattr(tutorials, "SAMPLES", 500)
    monkeypatch.setattr(tutorials, "FIRST_MEASURE", 1.0)
    monkeypatch.setattr(tutorials, "BETWEEN_MEASURES", 2.0)
    picture = tmp_path / "elsewhere" / "figure.png"
    arguments = ["--budget", "12", "--output", str(tmp_path)]
    assert tutorials.main([*arguments, "--picture", str(picture)]) == 0
    content = json.loads((tmp_path / "tutorials.json").read_text())
    assert set(content["pairs"]) == {"gan", "conditional", "vae"}
    for one in content["pairs"].values():
        assert one["ratio"] > 0
        assert all(np.isfinite(p[one["quality"]]) for p in one["curves"]["ours"])
    assert picture.stat().st_size > 5000
