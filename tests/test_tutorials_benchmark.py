"""The benchmark against published tutorials: recipes, arithmetic, verdict, a run."""

import itertools
import json

import numpy as np
import pytest
import tensorflow as tf

import arithmetic
import published
import recipes
import recording
import tutorials
from digitdreams import data

# The recipes as published


def test_the_published_networks_have_the_published_sizes():
    dcgan = published.TensorFlowDCGAN()
    wide = 7 * 7 * 256
    expected = 100 * wide + 4 * wide  # without bias; four numbers a normalised channel
    expected += 25 * 256 * 128 + 4 * 128 + 25 * 128 * 64 + 4 * 64 + 25 * 64
    assert dcgan.generator.count_params() == expected
    expected = 26 * 64 + (25 * 64 + 1) * 128 + 7 * 7 * 128 + 1
    assert dcgan.discriminator.count_params() == expected

    conditional = published.KerasConditionalGAN()
    expected = 139 * 7 * 7 * 138 + (16 * 138 + 1) * 128 + (16 * 128 + 1) * 128
    assert conditional.generator.count_params() == expected + 49 * 128 + 1
    expected = (9 * 11 + 1) * 64 + (9 * 64 + 1) * 128 + 128 + 1
    assert conditional.discriminator.count_params() == expected

    vae = published.KerasVAE()
    expected = 10 * 32 + (9 * 32 + 1) * 64 + (7 * 7 * 64 + 1) * 16 + 2 * 17 * 2
    assert vae.encoder.count_params() == expected
    expected = 3 * 7 * 7 * 64 + (9 * 64 + 1) * 64 + (9 * 64 + 1) * 32 + 9 * 32 + 1
    assert vae.decoder.count_params() == expected

    # The page prints 532,673.
    assert published.KerasPixelCNN().network.count_params() == 532_673


def test_the_published_diffusion_model_has_the_published_size():
    def embedding(channels):
        return (100 + 1 + channels + 1) * channels

    def block(size, before, after, normalised=True):
        weights = (9 * before + 1) * after + (9 * after + 1) * after
        return weights + 2 * size * size * before * normalised

    levels = (
        (28, 1, 10, 10, 10),
        (14, 10, 20, 20, 20),
        (7, 20, 40, 40, 40),
        (3, 40, 20, 20, 40),
        (7, 80, 40, 20, 20),
        (14, 40, 20, 10, 10),
        (28, 20, 10, 10, 10),
    )
    expected = 1000 * 100 - 2 * 28 * 28 * 10  # the steps' table; one has no norm
    for size, *channels in levels:
        expected += embedding(channels[0])
        expected += sum(block(size, *two) for two in itertools.pairwise(channels))
    for before, after, size in (
        *((10, 10, 4), (20, 20, 4), (40, 40, 2), (40, 40, 4)),  # down
        *((40, 40, 4), (40, 40, 2), (20, 20, 4), (10, 10, 4)),  # up
        (10, 1, 3),
    ):
        expected += (before * size * size + 1) * after
    assert published.PulferDDPM().network.count_params() == expected == 591_172


def test_the_published_settings():
    settings = {
        one.name: (one.recipe.epochs, one.recipe.batch_size) for one in recording.ALL
    }
    assert settings == {
        "gan": (50, 256),
        "conditional": (20, 64),
        "vae": (30, 128),
        "pixels": (50, 128),
        "diffusion": (20, 128),
    }
    assert published.TensorFlowDCGAN.latent_size == 100
    assert published.KerasConditionalGAN.latent_size == 128


def test_the_published_label_map_is_a_band():
    maps = np.asarray(
        published.KerasConditionalGAN.label_maps(np.eye(10, dtype="float32")[[0, 3, 9]])
    )
    assert maps.shape == (3, 28, 28, 10)
    assert np.allclose(maps.sum(axis=(1, 2, 3)), 784)
    middles = (maps.sum(axis=(2, 3)) * np.arange(28)).sum(axis=1) / 784
    assert np.allclose(middles, 2.8 * np.array([0, 3, 9]) + 0.9, atol=0.5)


@pytest.mark.slow
def test_pictures_and_costs_are_what_the_measures_expect(monkeypatch):
    monkeypatch.setattr(published, "SAMPLES", 50)
    few = data.load().train
    batch = (few.images[:6], few.labels[:6])
    costs = np.asarray(published.KerasVAE()(batch))
    assert costs.shape == (6,)
    assert abs(costs.mean() - 784 * np.log(2)) < 5  # all probabilities near one half
    for recipe in (published.TensorFlowDCGAN, published.KerasConditionalGAN):
        model = recipe()
        images, labels = published.draw(model)
        assert images.shape == (published.SAMPLES, 28, 28, 1)
        assert 0 <= images.min() <= images.max() <= 1
        assert (labels is None) == (recipe is published.TensorFlowDCGAN)


def test_the_published_pixelcnn_sees_no_pixel_that_comes_later():
    model = published.KerasPixelCNN()
    images = np.random.default_rng(0).integers(0, 2, (1, 28, 28, 1)).astype("float32")
    changed = images.copy()
    changed[0, 14, 14] = 1 - changed[0, 14, 14]
    before, after = (
        np.asarray(model.network(one))[0, ..., 0] for one in (images, changed)
    )
    moved = np.argwhere(before != after)
    assert len(moved) and all(tuple(place) > (14, 14) for place in moved)
    assert [14, 15] in moved.tolist()


def test_the_published_pixelcnn_rounds_at_a_third():
    model = published.KerasPixelCNN()
    levels = np.float32([84, 85]) / 255  # 0.33 * 256 lies between them
    images = np.broadcast_to(levels[:, None, None, None], (2, 28, 28, 1))
    ends = np.stack([np.zeros((28, 28, 1)), np.ones((28, 28, 1))]).astype("float32")
    found, expected = (np.asarray(model((one, None))) for one in (images, ends))
    assert np.array_equal(found, expected)


@pytest.mark.slow
def test_the_published_diffusion_model_guesses_noise_at_each_step():
    model = published.build(published.PulferDDPM, 1)
    assert model.kept[0] == pytest.approx(1 - 1e-4)
    assert 3e-5 < model.kept[-1] < 5e-5  # hardly anything of the image is left
    table = model._time_table()
    assert np.allclose(table[0], np.tile([0, 1], 50))
    assert np.allclose(table[7, :2], [np.sin(7), np.cos(7)])
    assert np.allclose(table[7, 2:4], [np.sin(7 / 1e4**0.04), np.cos(7 / 1e4**0.04)])
    model.steps, few = 2, published.ROWS_AT_ONCE
    images = model.draw(2)
    assert images.shape == (2, 28, 28, 1) and 0 <= images.min() <= images.max() <= 1
    assert np.array_equal(images, model.draw(few)[:2])  # the same draw each time


# Ours


@pytest.mark.slow
def test_our_flow_keeps_images_in_its_components():
    digits = data.load().train.images
    flow = recipes.Flow(digits, seed=1)
    flat = digits[:100].reshape(100, -1) - flow.mean
    lost = np.square(flat - flat @ flow.axes @ flow.axes.T).sum()
    assert lost < 0.1 * np.square(flat).sum()
    assert np.allclose(flow.axes.T @ flow.axes, np.eye(flow.components), atol=1e-4)
    images, labels = flow.draw(20)
    assert images.shape == (20, 28, 28, 1) and list(labels[:3]) == [0, 1, 2]
    assert 0 <= images.min() <= images.max() <= 1


def test_our_pixels_see_what_comes_before_alone():
    train = data.load().train.images
    threshold = published.KerasPixelCNN.threshold
    model = recipes.Pixels(train, threshold, seed=1)
    costs = np.asarray(model((train[:500], None)))
    assert costs.shape == (500,)
    assert 200 < costs.mean() < 230  # pixels that are independent: 216 on the test set
    random = np.random.default_rng(0)
    model.set_weights([random.normal(0, 0.1, one.shape) for one in model.get_weights()])
    images = random.integers(0, 2, (1, 28, 28, 1)).astype("float32")
    changed = images.copy()
    changed[0, 14, 14] = 1 - changed[0, 14, 14]
    before, after = (
        np.asarray(model.network(one))[0, ..., 0] for one in (images, changed)
    )
    moved = np.argwhere(before != after)
    assert moved.min(axis=0)[0] >= 14 and [14, 14] not in moved.tolist()
    assert all(tuple(place) > (14, 14) for place in moved)
    assert len(moved) > 300  # all that follow, near and far


# Arithmetic


def test_operations_of_products_and_convolutions():
    rows = tf.zeros((4, 10))
    kernel = tf.Variable(tf.zeros((10, 7)))
    assert arithmetic.operations(lambda x: x @ kernel, rows) == 2 * 4 * 10 * 7
    images = tf.zeros((3, 8, 8, 5))
    window = tf.Variable(tf.zeros((3, 3, 5, 6)))

    def convolve(x):
        return tf.nn.conv2d(x, window, strides=2, padding="SAME")

    forwards = 2 * 3 * 4 * 4 * 6 * 9 * 5
    assert arithmetic.operations(convolve, images) == forwards

    def both_gradients(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(tf.square(convolve(x)))
        return tape.gradient(loss, [x, window])

    assert arithmetic.operations(both_gradients, images) == 3 * forwards


def test_a_rare_branch_counts_as_often_as_it_is_taken():
    rows = tf.zeros((4, 10))
    kernel = tf.Variable(tf.zeros((10, 10)))

    def step(x):
        x = x @ kernel
        return tf.cond(x[0, 0] > 0, lambda: x @ kernel @ kernel, lambda: x)

    one = 2 * 4 * 10 * 10
    assert arithmetic.operations(step, rows) == 3 * one
    assert arithmetic.operations(step, rows, rare=1 / 8) == 1.25 * one


def test_what_hides_its_arithmetic_is_refused():
    rows = tf.zeros((4, 10))
    kernel = tf.Variable(tf.zeros((10, 10)))

    def repeated(x):
        return tf.while_loop(lambda y: y[0, 0] < 1, lambda y: (y @ kernel,), (x,))

    with pytest.raises(ValueError, match="unknown how often"):
        arithmetic.operations(repeated, rows)
    unknown = tf.keras.Input((10,))  # of any number of rows
    with pytest.raises(ValueError, match="no fixed shape"):
        arithmetic.operations(lambda x: x @ kernel, unknown)


def test_a_step_of_our_vae_holds_three_times_its_forward_products():
    vae = tutorials.our_vae(1, 10)
    vae.optimizer.build(vae.trainable_variables)
    inputs = tf.zeros((16, 28, 28, 1)), tf.zeros((16,), "int32")
    found = arithmetic.operations(lambda *batch: vae.train_step(batch), *inputs)
    weights = sum(
        int(np.prod(one.shape))
        for one in vae.trainable_variables
        if len(one.shape) == 2
    )
    first = 784 * 512  # an image needs no gradient
    assert found == 2 * 16 * (3 * weights - first)


def test_a_peak_is_a_speed():
    assert 1e9 < arithmetic.Peak().measure() < 1e14


# The verdict


def curve(*points, quality="fid"):
    return [{"seconds": at, "epochs": at / 10, quality: value} for at, value in points]


def record(*values, epochs=50, **more):
    """A recorded curve, a value an epoch."""
    points = [{"epochs": n, "fid": value} for n, value in enumerate(values, start=1)]
    whole = {"machine": "a machine", "date": "2026-01-02", "curve": points}
    return {**whole, "finished": len(values) == epochs, **more}


def result(ours, kept, turns=((10, 100),), side="below"):
    return {
        "title": "a tutorial",
        "epochs": 50,
        "quality": "fid",
        "unit": "FID",
        "side": side,
        "curve": ours,
        "turns": [
            {"ours": mine, "published": theirs, "share": 0.5} for mine, theirs in turns
        ],
        "recorded": kept,
    }


def test_the_ratio_is_epochs_times_seconds_an_epoch_over_our_seconds():
    found = tutorials.verdict(
        result(curve((1, 60.0), (2, 30.0), (9, 5.0)), record(90.0, 38.0, 45.0, 40.0))
    )
    assert found["reached"] and found["quality_compared"] == 40  # the final one
    assert found["epochs_published"] == 2  # where theirs was first that good
    assert found["seconds_published"] == 200 and found["seconds_ours"] == 2
    assert found["ratio"] == 100 and found["spread"] == [100, 100]
    assert found["share"] == 0.5


def test_turns_give_the_spread():
    turns = [(10, 100), (20, 200), (10, 200), (10, 50)]
    found = tutorials.verdict(result(curve((5, 10.0)), record(10.0), turns))
    theirs, mine = 550 / 4, 50 / 4
    assert found["ratio"] == pytest.approx(theirs / 5)
    fair = found["ratio"] * mine / theirs  # of a turn: times theirs over ours
    assert found["spread"] == pytest.approx([fair * 5, fair * 20])
    # A load that slows both alike moves nothing.
    loaded = [(3 * mine, 3 * theirs) for mine, theirs in turns]
    again = tutorials.verdict(result(curve((15, 10.0)), record(10.0), loaded))
    assert again["ratio"] == pytest.approx(found["ratio"])
    assert again["spread"] == pytest.approx(found["spread"])


def test_a_quality_that_ours_does_not_reach_is_said():
    one = result(curve((1, 60.0), (8, 50.0)), record(55.0, 49.0, 30.0))
    found = tutorials.verdict(one)
    assert not found["reached"] and found["quality_compared"] == 50
    assert found["epochs_published"] == 2 and found["ratio"] == 200 / 8
    assert (
        "ours does not reach their last quality so far, 30.00 FID"
        in tutorials.table({"a": {**one, **found}})
    )


def test_larger_may_be_better():
    found = tutorials.verdict(
        result(curve((1, 0.5), (4, 0.99)), record(0.4, 0.9), side="above")
    )
    assert (found["quality_compared"], found["ratio"]) == (0.9, 200 / 4)


def test_the_source_of_their_curve_is_said():
    words = tutorials.source(result(curve((1, 1.0)), record(9.0, 8.0)))
    assert words == "recorded up to epoch 2 of 50, 2026-01-02, a machine"
    words = tutorials.source(result(curve((1, 1.0)), record(*range(50))))
    assert words == "recorded all 50 epochs, 2026-01-02, a machine"
    printed = record(9.0, printed_by="https://keras.io")
    assert tutorials.source(result([], printed)) == "as printed by https://keras.io"


# A run


class Counter:
    """A recipe that only counts its steps."""

    epochs, batch_size, steps_per_execution = 1000, 5000, 1

    def __init__(self, seed):
        self.steps = 0
        self.kernel = tf.Variable(tf.zeros((784, 10)))

    def make_train_function(self):
        def train(batches):
            next(batches)
            self.steps += 1
            return {"loss": 0.0}

        self.train_function = train

    def train_step(self, batch):
        return tf.reshape(batch[0], (5000, 784)) @ self.kernel


def counting(our_epochs):
    def measure(one):
        return {"fid": 100 / (1 + one.steps)}

    one = recording.Published("counter", "a counter", Counter, measure, "fid", "FID")
    return tutorials.Pair(
        one, lambda seed, steps: Counter(seed), our_epochs, 5000, measure
    )


@pytest.mark.slow
def test_a_pair_is_measured_in_turns(monkeypatch, tmp_path):
    monkeypatch.setattr(tutorials, "TURN", 0.6)  # after each, the peak is measured
    monkeypatch.setattr(tutorials, "FIRST_MEASURE", 0.1)
    said = []
    kept = record(90.0, 20.0)
    found = tutorials.compete(counting(20), kept, 1, said.append)
    assert said and found["curve"][-1]["epochs"] == 20
    assert found["curve"][-1]["fid"] == pytest.approx(100 / 221)
    assert found["turns"] and all(turn["share"] > 0 for turn in found["turns"])
    assert all(turn["ours"] > 0 < turn["published"] for turn in found["turns"])
    found |= tutorials.verdict(found)
    json.dumps(found)
    picture = tmp_path / "page" / "figure.png"
    tutorials.figure({"counter": found}, picture)
    assert picture.read_bytes().startswith(b"\x89PNG")
    text = tutorials.table({"counter": found})
    assert "a counter" in text and "up to epoch 2 of 1000" in text


@pytest.mark.slow
def test_a_page_s_own_epoch_counts(monkeypatch):
    monkeypatch.setattr(tutorials, "TURN", 0.5)
    kept = record(90.0, 20.0)
    short = tutorials.compete(counting(3), kept, 1, lambda line: None)
    long = tutorials.compete(
        counting(3), {**kept, "steps_an_epoch": 11_000}, 1, lambda line: None
    )
    ratio = long["turns"][0]["published"] / short["turns"][0]["published"]
    assert ratio > 50  # 1,000 times as many steps, each as long but for the load


def test_marks_grow():
    times = list(itertools.islice(tutorials.marks(), 10))
    assert times[0] == tutorials.FIRST_MEASURE
    assert all(a < b for a, b in itertools.pairwise(times))


def test_each_pair_measures_the_same_quality_on_both_sides():
    for pair in tutorials.PAIRS:
        assert pair.published in recording.ALL
        assert pair.our_epochs > 0 and pair.batch_size > 0


def test_without_a_record_there_is_nothing_to_compare(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(recording, "RECORDED", tmp_path)
    monkeypatch.setattr(tutorials, "PAIRS", tutorials.PAIRS[:1])
    assert tutorials.main(["--output", str(tmp_path)]) == 1
    assert "nothing is recorded yet, run --record gan" in capsys.readouterr().out


@pytest.mark.slow
def test_real_recipes_compete(monkeypatch, tmp_path):
    short = [
        tutorials.dataclasses.replace(pair, our_epochs=0.1) for pair in tutorials.PAIRS
    ]
    few = [pair for pair in short if pair.name in ("gan", "vae")]
    monkeypatch.setattr(tutorials, "PAIRS", tuple(few))
    monkeypatch.setattr(published, "SAMPLES", 500)
    monkeypatch.setattr(published.TensorFlowDCGAN, "batch_size", 32)
    monkeypatch.setattr(tutorials, "TURN", 1.0)
    monkeypatch.setattr(tutorials, "FIRST_MEASURE", 2.0)
    monkeypatch.setattr(tutorials, "BETWEEN_MEASURES", 3.0)
    picture = tmp_path / "elsewhere" / "figure.png"
    arguments = ["--output", str(tmp_path), "--picture", str(picture)]
    assert tutorials.main(arguments) == 0
    content = json.loads((tmp_path / "tutorials.json").read_text())
    assert set(content["pairs"]) == {"gan", "vae"}
    for one in content["pairs"].values():
        assert one["ratio"] > 0 and 0 < one["share"] < 1
        assert all(np.isfinite(p[one["quality"]]) for p in one["curve"])
    assert picture.stat().st_size > 5000


@pytest.mark.slow
@pytest.mark.parametrize(
    ("recipe", "batch_size"),
    [(published.KerasPixelCNN, 16), (published.PulferDDPM, 128)],
)
def test_the_long_recipes_learn(recipe, batch_size, monkeypatch):
    monkeypatch.setattr(recipe, "batch_size", batch_size)
    model = published.build(recipe, 1)
    steps = published.steps_of(model, 1, 1)
    images = data.load().train.images[:16]
    inputs = tf.constant(images), tf.zeros((16,), "int32")
    before = float(next(iter(model.train_step(inputs).values())))
    for _ in range(3):
        next(steps)
    after = float(next(iter(model.train_step(inputs).values())))
    assert np.isfinite(before) and after < before


def test_recorded_variables_are_all_there_are():
    model = published.build(published.TensorFlowDCGAN, 1)
    names = [one.path for one in recording.variables_of(model)]
    assert sum("adam" in name for name in names) > 10
    assert sum("seed" in name for name in names) == 3  # two dropouts, the noise
