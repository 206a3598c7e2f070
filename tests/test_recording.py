"""Recorded curves of published recipes: interrupted runs go on where they stopped."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

import recording
from digitdreams import stamps


@pytest.fixture(autouse=True)
def stamped(monkeypatch):
    """Let a tiny recipe be made from what a published one is made from."""
    monkeypatch.setitem(stamps.BENCHMARKS, "tiny", stamps.BENCHMARKS["vae"])


class Tiny(keras.Model):
    """All that has to be kept: weights, Adam, dropout, noise of its own."""

    epochs, batch_size = 3, 5_500

    def __init__(self, seed):
        super().__init__()
        self.random = keras.random.SeedGenerator(seed)
        self.network = keras.Sequential(
            [
                keras.Input((784,)),
                layers.Dense(8, activation="relu"),
                layers.BatchNormalization(),
                layers.Dropout(0.5),
                layers.Dense(784),
            ]
        )
        self.compile(keras.optimizers.Adam(0.01), jit_compile=False)

    def cost(self, images, training):
        noisy = images + keras.random.normal(ops.shape(images), seed=self.random)
        return ops.mean(ops.square(self.network(noisy, training=training) - images))

    def train_step(self, batch):
        images = ops.reshape(batch[0], (-1, 784))
        with tf.GradientTape() as tape:
            loss = self.cost(images, training=True)
        weights = self.trainable_weights
        self.optimizer.apply(tape.gradient(loss, weights), weights)
        return {"loss": loss}


def measure(model):
    """A quality that draws at random, as the VAE's does."""
    return {"cost": float(model.cost(np.ones((50, 784), "float32"), training=False))}


@pytest.fixture
def tiny():
    return recording.Published("tiny", "a tiny recipe", Tiny, measure, "cost", "each")


def quiet(line):
    pass


@pytest.mark.slow
def test_a_resumed_recording_equals_an_uninterrupted_one(tiny, tmp_path):
    whole = recording.Recording(tiny, 1, tmp_path / "whole")
    points = [whole.advance() for _ in range(3)]
    assert whole.finished and [one["epochs"] for one in points] == [1, 2, 3]
    assert len({one["cost"] for one in whole.curve}) == 4
    for epoch in range(3):
        keras.utils.set_random_seed(100 + epoch)  # of the process: it plays no part
        part = recording.Recording(tiny, 1, tmp_path / "parts")
        assert part.epochs == epoch
        part.advance()
    assert part.curve == whole.curve
    for ours, theirs in zip(
        recording.values_of(part.model), recording.values_of(whole.model), strict=True
    ):
        assert np.array_equal(ours, theirs)


@pytest.mark.slow
def test_an_epoch_that_was_not_measured_is_measured_first(tiny, tmp_path):
    run = recording.Recording(tiny, 1, tmp_path)
    run.advance()
    run.advance()
    kept = json.loads(run.partial.read_text())
    recorded = kept["curve"].pop()
    run.partial.write_text(json.dumps(kept))
    again = recording.Recording(tiny, 1, tmp_path)
    assert again.advance() == recorded and again.epochs == 2
    # A copy of the folder may hold a curve that is longer than its weights are old.
    kept["curve"] += [recorded, {**recorded, "epochs": 3}]
    run.partial.write_text(json.dumps(kept))
    assert recording.Recording(tiny, 1, tmp_path).curve == again.curve


@pytest.mark.slow
@pytest.mark.parametrize("change", ["seed", "code", "damage"])
def test_what_is_of_another_recipe_is_not_gone_on_with(tiny, tmp_path, change):
    run = recording.Recording(tiny, 1, tmp_path)
    run.advance()
    seed = 1
    if change == "seed":
        seed = 2
    elif change == "code":
        kept = json.loads(run.partial.read_text())
        kept["made_from"]["numbers"]["keras"] = "0"
        run.partial.write_text(json.dumps(kept))
    else:
        run.state.write_bytes(run.state.read_bytes()[:-1000])
    assert recording.Recording(tiny, seed, tmp_path).epochs == 0


@pytest.mark.slow
def test_a_record_is_kept_while_it_is_incomplete(tiny, tmp_path):
    state, folder = tmp_path / "state", tmp_path / "recorded"
    path = recording.record(tiny, 1, 1e-9, state, folder, say=quiet)
    assert not path.exists()
    run = recording.Recording(tiny, 1, state / "tiny")
    run.advance()
    said = []
    path = recording.record(tiny, 1, 600, state, folder, say=said.append)
    assert said[0] == "a tiny recipe: going on after epoch 1" and len(said) == 3
    kept = recording.recorded("tiny", folder)
    assert kept["finished"] and [one["epochs"] for one in kept["curve"]] == [
        *(0.1, 1, 2, 3)
    ]
    assert kept["made_from"]["how"] == "recorded up to epoch 3 of 3"
    assert kept["machine"] and kept["date"].count("-") == 2
    assert recording.recorded("tiny", tmp_path / "none") is None
    # Another run from the beginning does not replace a longer curve.
    before = path.read_text()
    said.clear()
    recording.record(tiny, 2, 1e-3, tmp_path / "other", folder, say=said.append)
    assert len(said) == 1 and "epoch 1 of 3" in said[0]
    assert path.read_text() == before


@pytest.mark.slow
def test_the_beginning_of_a_recorded_run_confirms_it(tiny, tmp_path):
    path = recording.record(tiny, 1, 600, tmp_path / "state", tmp_path, say=quiet)
    before = json.loads(path.read_text())
    recording.confirm(tiny, tmp_path, say=quiet)
    after = json.loads(path.read_text())
    assert after["made_from"]["how"].startswith("confirmed at 0.1 epochs on ")
    assert after["made_from"]["numbers"] == before["made_from"]["numbers"]
    assert {**after, "made_from": 0} == {**before, "made_from": 0}
    after["curve"][0]["cost"] *= 1.1
    path.write_text(json.dumps(after))
    with pytest.raises(ValueError, match=r"more than 5% apart.*--record tiny"):
        recording.confirm(tiny, tmp_path, say=quiet)
    with pytest.raises(ValueError, match="nothing is recorded"):
        recording.confirm(tiny, tmp_path / "none")


def test_each_recipe_has_its_stamp():
    for one in recording.ALL:
        names = (one.recipe.__name__, one.measure.__name__)
        assert stamps.BENCHMARKS[one.name] == names
    assert {one.name for one in recording.ALL} == {*stamps.BENCHMARKS} - {"tiny"}


def test_the_recorded_curves_are_of_today_s_recipes():
    for one in recording.ALL:
        kept = recording.recorded(one.name)
        assert one.stamp.changes(stamps.Stamp.from_data(kept["made_from"])) == []
        epochs = [point["epochs"] for point in kept["curve"]]
        assert epochs == sorted(set(epochs))
        assert kept["finished"] == (epochs[-1:] == [one.recipe.epochs])
        assert all(np.isfinite(point[one.quality]) for point in kept["curve"])
