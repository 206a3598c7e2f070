"""A training earns its points by what it learned."""

import ast
import json
from itertools import pairwise

import numpy as np
import pytest

from digitdreams import course, data, learning, tasks
from digitdreams.files import ROOT
from places import WITH_EXERCISE

STEMS = [lesson.stem for lesson in WITH_EXERCISE]
PIXELS = 28 * 28


def training(number):
    (stem,) = (stem for stem in STEMS if stem.startswith(number))
    return tasks.load_module(stem).TRAINING


def measured(number, answer):
    """The numbers of an answer, and the signs that it misses."""
    ours = training(number)
    given, kept = ours.inputs(np.random.default_rng(3))
    found = ours.measure(answer, given, kept)
    return found, {
        sign.name for sign in ours.signs if not sign.reached(found[sign.name])
    }


def one_of_each():
    """A real picture of each digit, as logits that a sigmoid turns into it."""
    images, labels = data.load().test
    rows = [np.argmax(labels == digit) for digit in range(10)]
    return images[rows].reshape(10, PIXELS)


def dense(*shape):
    return np.zeros(shape, "float32"), np.zeros(shape[-1], "float32")


# Weights that nobody trained: a picture for each digit, whatever the noise.


def constant_cvae():
    """Exercise 04: the label alone decides what is drawn."""
    module = tasks.load_module("04_conditional_vae")
    encoder = [0 * w for w in module.build_encoder(6).get_weights()]
    (first, bias), (last, bottom) = dense(16, 256), dense(256, PIXELS)
    first[6:16, :10] = np.eye(10)
    last[:10] = 12 * one_of_each() - 6
    return {"encoder": encoder, "decoder": [first, bias, last, bottom]}


def constant_gan():
    """Exercise 07: the same for the conditional generator."""
    (first, bias), (second, zeros), (last, bottom) = (
        *(dense(74, 256), dense(256, 256)),
        dense(256, PIXELS),
    )
    first[64:, :10] = second[:10, :10] = np.eye(10)
    last[:10] = 12 * one_of_each() - 6
    return [first, bias, second, zeros, last, bottom]


def constant_points():
    """Exercise 06: eight points, chosen by the noise."""
    (first, bias), (second, zeros), (last, bottom) = (
        *(dense(8, 128), dense(128, 128)),
        dense(128, 2),
    )
    for bit in range(3):
        first[bit, 2 * bit : 2 * bit + 2] = 1e6
        bias[2 * bit + 1] = -1
    angles = np.arange(8) * np.pi / 4
    centres = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    for mode in range(8):
        for bit in range(3):
            sign = 1 if mode >> bit & 1 else -1
            second[2 * bit, mode], second[2 * bit + 1, mode] = sign, -sign
        zeros[mode] = 1 - bin(mode).count("1")
    last[:8] = centres
    return [first, bias, second, zeros, last, bottom]


def constant_denoiser():
    """Exercise 13: the label alone decides which image is predicted."""
    module = tasks.load_module("13_diffusion")
    weights = [0 * w for w in module.build_network().get_weights()]
    weights[0][-11:-1, :10] = 10 * np.eye(10)
    weights[-2][:10] = 0.2 * (2 * one_of_each() - 1)
    return weights


def constant_field():
    """Exercise 14: the student's velocities end in a picture of each digit."""
    module = tasks.load_module("14_flow_and_few_steps")
    basis, mean = module.space(np.ones((64, PIXELS)))
    weights = [0 * w for w in module.build_field(64).get_weights()]
    weights[0][64:74, :10] = 100 * np.eye(10)
    for number in (2, 4):
        weights[number][:10, :10] = np.eye(10)
    scale = (basis**2).sum(axis=1).mean()
    weights[6][:10] = (one_of_each() - mean) @ basis.T / scale / 100
    return {"weights": weights, "basis": basis}


CONSTANT = {
    "04": (constant_cvae, {"label_accuracy": 0.9}),
    "06": (constant_points, {"modes": 7.9, "good_share": 0.9}),
    "07": (constant_gan, {"label_accuracy": 0.99}),
    "13": (constant_denoiser, {"label_accuracy": 0.9}),
    "14": (constant_field, {"label_accuracy": 0.6}),
}


@pytest.mark.slow
@pytest.mark.parametrize("number", CONSTANT)
def test_a_constant_picture_for_each_digit_is_no_learning(number):
    made, reached = CONSTANT[number]
    found, missed = measured(number, made())
    assert {name: found[name] > bar for name, bar in reached.items()} == dict.fromkeys(
        reached, True
    )
    assert missed & {"variety", "recall", "spread"}


def layered(*sizes):
    """Weights of dense layers as they begin."""
    chance = np.random.default_rng(5)
    return [
        one
        for ins, outs in pairwise(sizes)
        for one in (
            chance.normal(size=(ins, outs)).astype("float32") / np.sqrt(ins),
            np.zeros(outs, "float32"),
        )
    ]


def untrained(number):
    """What an exercise's probe gives of networks that nobody trained."""
    (stem,) = (stem for stem in STEMS if stem.startswith(number))
    module = tasks.load_module(stem)

    def weights(build, *sizes, **named):
        return getattr(module, build)(*sizes, **named).get_weights()

    if number == "01":
        return weights("build_classifier", 28, 10)
    if number == "02":
        shape, sizes = (28, 28, 1), {"hidden_size": 256, "latent_size": 32}
        parts = ("build_encoder", "build_decoder")
        return [one for part in parts for one in weights(part, shape, **sizes)]
    if number in ("03", "04"):
        size = {"03": 16, "04": 6}[number]
        return {part: weights(f"build_{part}", size) for part in ("encoder", "decoder")}
    if number == "05":
        return weights("build_generator", 32, 16)
    if number == "11":
        return [layered(PIXELS, module.UNITS, PIXELS) for _ in range(2)]
    if number == "12":
        return weights("build_gpt")
    if number == "13":
        return weights("build_network")
    if number == "14":
        basis, _ = module.components()
        return {"weights": weights("build_field", 64), "basis": basis}
    return {"06": layered(8, 128, 128, 2), "07": layered(74, 256, 256, PIXELS)}[number]


@pytest.mark.slow
@pytest.mark.parametrize(
    "number", [one.id for one in WITH_EXERCISE if training(one.id).signs]
)
def test_weights_that_nobody_trained_reach_no_bar(number):
    found, _ = measured(number, untrained(number))
    numbers = course.load().find(number).exercise_numbers
    assert [one.name for one in numbers if one.reached(found[one.name])] == []


def stored(count, noise, kind):
    """Real pictures that return, with noise on them."""
    rng = np.random.default_rng(4)
    images = data.load().test.images[:count].reshape(-1, PIXELS)
    drawn = images[rng.integers(0, count, 2000)]
    if kind == "pixels":
        return (drawn + noise * rng.normal(size=drawn.shape)).clip(0, 1)
    basis = learning.components()
    way = (images @ basis).std(axis=0) * rng.normal(size=(2000, basis.shape[1]))
    return (drawn + noise * way @ basis.T).clip(0, 1)


@pytest.mark.parametrize(
    ("count", "noise", "kind"),
    [
        (10, 0, "pixels"),
        (10, 0.2, "pixels"),
        (10, 0.3, "components"),
        (500, 0, "pixels"),
    ],
)
def test_stored_pictures_are_no_learning(count, noise, kind):
    found = learning.of_images(stored(count, noise, kind), np.random.default_rng(1))
    missed = [
        one.name for one in learning.OF_IMAGES if not one.reached(found[one.name])
    ]
    assert "variety" in missed


def test_real_digits_show_all_signs_but_that_they_are_copies():
    images = data.load().validation.images[:2000]
    found = learning.of_images(images, np.random.default_rng(1))
    missed = [
        one.name for one in learning.OF_IMAGES if not one.reached(found[one.name])
    ]
    assert missed == ["copies"]
    assert 0.9 < found["variety"] < 1.1 and found["recall"] > 0.5
    moved = np.roll(images, (2, 1), axis=(1, 2))
    assert learning.copies(moved, np.random.default_rng(1)) < 0.2


def test_who_knows_the_test_images_better():
    test = data.load().test
    assert learning.known_better(lambda split: np.ones(len(split.labels))) == 0

    def memory(split):
        return np.ones(len(split.labels)) - 0.5 * (
            len(split.labels) == len(test.labels)
        )

    assert learning.known_better(memory) == pytest.approx(2 / 3)


@pytest.mark.slow
def test_weights_trained_on_the_test_images_are_no_learning():
    """Exercise 03 with its own solution, but for the images that it trains on."""
    import keras

    module = tasks.load_module("03_vae")
    encoder, decoder = module.build_encoder(16), module.build_decoder(16)

    class Vae(keras.Model):
        def call(self, images):
            mean, log_variance = encoder(images)
            noise = keras.random.normal(keras.ops.shape(mean))
            logits = decoder(module.reparameterise(mean, log_variance, noise))
            costs = module.reconstruction_loss(images, logits)
            costs += module.kl_divergence(mean, log_variance)
            self.add_loss(keras.ops.mean(costs))
            return logits

    keras.utils.set_random_seed(0)
    model = Vae()
    model.compile(keras.optimizers.Adam(2e-3), jit_compile=True)
    model.encoder, model.decoder = encoder, decoder
    model.fit(data.load().test.images, batch_size=100, epochs=9, verbose=0)
    answer = {"encoder": encoder.get_weights(), "decoder": decoder.get_weights()}
    found, missed = measured("03", answer)
    assert found["negative_elbo"] < 118.4
    assert missed == {"known"}


# What it has to be made of --------------------------------------------------------


def reached_by_the_training(stem):
    """All names that the cell of the training uses, directly or not."""
    path = ROOT / "solutions" / stem / f"{stem}.ipynb"
    uses, wanted = {}, set()
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] != "code":
            continue
        tree = ast.parse("".join(cell["source"]))
        for node in tree.body:
            names = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
            own = {getattr(node, "name", "")} | {
                one.id
                for one in ast.walk(node)
                if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)
            }
            for name in own:
                uses.setdefault(name, set()).update(names)
        marks = cell["metadata"].get("nbgrader", {})
        if marks.get("grade_id") == "check_training":
            wanted = {one.id for one in ast.walk(tree) if isinstance(one, ast.Name)}
            break
    while not wanted >= (more := set().union(*(uses.get(one, ()) for one in wanted))):
        wanted |= more
    return wanted


@pytest.mark.parametrize("stem", STEMS)
def test_a_training_needs_parts_that_it_is_made_of(stem):
    module = tasks.load_module(stem)
    names = {task.name for task in tasks.specified(module, tasks.Task)}
    needs = {*module.TRAINING.needs}
    assert needs <= names & reached_by_the_training(stem)
    assert needs or "No model is trained" in (
        (tasks.FOLDER / f"{stem}.py").read_text(encoding="utf-8")
    )
    assert bool(module.TRAINING.signs) == bool(needs)
