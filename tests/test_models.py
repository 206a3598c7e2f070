"""Generators that lessons share, and the short recipes behind them."""

import re
from dataclasses import replace
from types import SimpleNamespace

import IPython
import jupytext
import keras
import numpy as np
import pytest
from keras import layers, ops

from digitdreams import course, data, generators, judge, metrics, models, stamps
from digitdreams.models.flow import FAINTEST
from digitdreams.stamps import Stamp
from places import ROOT


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    monkeypatch.setenv("DIGITDREAMS_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


@pytest.fixture(scope="module")
def few():
    train = data.load().train
    return data.Split(train.images[:512], train.labels[:512])


def tiny(conditional=False, activation="sigmoid", size=784):
    noise = keras.Input((3,))
    inputs, x = noise, noise
    if conditional:
        labels = keras.Input((), dtype="int32")
        inputs = [noise, labels]
        x = layers.Add()([noise, layers.Embedding(10, 3)(labels)])
    x = layers.Dense(size, activation=activation)(x)
    side = int(size**0.5)
    return keras.Model(inputs, layers.Reshape((side, side, 1))(x))


@pytest.mark.parametrize("conditional", [False, True])
def test_what_is_saved_is_found(conditional, folder, capsys):
    generator = tiny(conditional)
    lesson = "07" if conditional else "05"
    assert models.save(generator, lesson) == folder / f"{lesson}.keras"
    assert [file.name for file in folder.iterdir()] == [f"{lesson}.keras"]
    found = models.get(lesson)
    assert "as lesson" in capsys.readouterr().out
    images, labels = models.sample(found, 25, seed=3)
    assert images.shape == (25, 28, 28, 1) and images.dtype == np.float32
    assert np.allclose(images, models.sample(generator, 25, seed=3)[0], atol=1e-6)
    if conditional:
        assert labels.tolist() == [i % 10 for i in range(25)]
    else:
        assert labels is None


# What was saved counts or not --------------------------------------------------------


def lesson(id):
    return course.load().find(id)


def in_notebook(monkeypatch, id, seed=1):
    """As after `course.start` in a lesson."""
    monkeypatch.setattr(course, "_running", course.Running(lesson(id), False, seed))


@pytest.fixture
def shell(monkeypatch):
    """IPython with the cells that a notebook has run."""
    shell = SimpleNamespace(user_ns={"In": []})
    monkeypatch.setattr(IPython, "get_ipython", lambda: shell)
    return shell


def cells_of(id):
    source = ROOT / "sources" / "lessons" / f"{lesson(id).stem}.py"
    notebook = jupytext.read(source, fmt="py:percent")
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def test_a_file_says_what_it_was_made_from(monkeypatch, shell):
    in_notebook(monkeypatch, "05", seed=1)
    shell.user_ns["In"] = ["", *cells_of("05")[:-3]]
    file = models.save(tiny(), "05")
    record = generators.record(file)
    assert record.stamp == stamps.of_lesson(lesson("05"))
    assert (record.seed, record.own_code) == (1, False)
    assert generators.changes(lesson("05")) == []
    assert generators.is_the_course_s(lesson("05"), seed=1)
    assert not generators.is_the_course_s(lesson("05"), seed=2)


def test_changed_code_is_the_reader_s_own(monkeypatch, shell, capsys):
    in_notebook(monkeypatch, "05", seed=1)
    first, second, *others = cells_of("05")
    for cells in ([], [first + "\nx = 1"], [first, first], [second, first], ["f(:"]):
        shell.user_ns["In"] = ["", *cells]
        models.save(tiny(), "05")
        assert not generators.is_the_course_s(lesson("05"), seed=1)
    models.get("05")
    assert "GAN: as lesson 05 saved it with your changes" in capsys.readouterr().out
    shell.user_ns["In"] = ["", "# other comments\n" + first, second, *others]
    models.save(tiny(), "05")
    assert generators.is_the_course_s(lesson("05"), seed=1)


def test_a_file_of_another_version_does_not_count(monkeypatch, capsys):
    file = models.save(tiny(), "05")
    now = stamps.of_lesson(lesson("05"))
    other = Stamp({**now.numbers, "digitdreams/metrics.py": "other"})
    monkeypatch.setattr(stamps, "of_lesson", lambda *_: other)
    monkeypatch.setitem(models.SHORT, "05", lambda seed: f"short {seed}")
    assert models.get("05", seed=3) == "short 3"
    shown = capsys.readouterr().out
    assert "another version of the course (digitdreams/metrics.py)" in shown
    assert not generators.is_the_course_s(lesson("05"), seed=1)

    tiny().save(file)  # as before stamps were kept
    assert models.get("05") == "short 0"
    assert "made before stamps were kept" in capsys.readouterr().out
    file.write_bytes(b"damaged")
    assert generators.record(file) is None


def test_only_declared_needs_are_given(monkeypatch):
    in_notebook(monkeypatch, "08")
    assert list(models.needed()) == ["03", "04", "05", "07"]
    in_notebook(monkeypatch, "06")
    assert models.needed() == {}
    with pytest.raises(models.ModelError, match=r'add "05" to its `needs` in course'):
        models.get("05")
    for call in (lambda: models.get("06"), lambda: models.save(tiny(), "06")):
        with pytest.raises(models.ModelError, match=r"only of 03, 04, 05, 07"):
            call()


def test_the_registry_is_what_course_toml_declares():
    """Of lessons that save one; a list has no short training."""
    saving = {one.id for one in course.load().lessons if one.saves}
    assert set(models.SHORT) == saving == set(models.needed())
    for one in course.load().lessons:
        text = "\n".join(cells_of(one.id))
        saved = set(re.findall(r'models\.save\(.*?, "(\d+)"\)', text, re.DOTALL))
        assert saved == ({one.id} if one.saves else set()), one.id
        listed = bool(one.generators) and not one.saves
        assert ("models.save_all(" in text) == listed, one.id
        assert bool(re.search(r"models\.get(_all)?\(", text)) == bool(one.needs), one.id


# Several generators of one lesson -----------------------------------------------------


@keras.saving.register_keras_serializable("digitdreams")
class OneAfterAnother(layers.Layer):
    """Draws four pixels, each depending on the one before, and repeats them."""

    def call(self, noise):
        pixels = ops.zeros(ops.shape(noise))

        def step(at, pixels):
            before = ops.take(pixels, [at - 1], axis=1)
            white = ops.cast(noise[:, at : at + 1] > before - 0.5, "float32")
            return ops.where(ops.arange(4) == at, white, pixels)

        pixels = ops.fori_loop(0, 4, step, pixels)
        return ops.reshape(ops.tile(pixels, (1, 196)), (-1, 28, 28, 1))


OneAfterAnother.__module__ = "digitdreams.models.parts"  # as if it stood there


@pytest.fixture
def several(monkeypatch):
    """Lesson 05 saves two generators, as far as course.toml is concerned."""
    table = course.load()
    pair = tuple(map(course.Generator, ("MADE", "VQ-GPT 7 x 7")))
    lessons = tuple(
        replace(one, saves=None, generators=pair) if one.id == "05" else one
        for one in table.lessons
    )
    monkeypatch.setattr(course, "load", lambda *_: replace(table, lessons=lessons))


def looping():
    noise = keras.Input((4,))
    return keras.Model(noise, OneAfterAnother()(noise))


def test_several_generators_are_saved_and_found(several, folder, monkeypatch):
    in_notebook(monkeypatch, "05")
    made = {"VQ-GPT 7 x 7": looping(), "MADE": tiny(conditional=True)}
    files = models.save_all(made, "05")
    assert files == [folder / "05_made.keras", folder / "05_vq_gpt_7_x_7.keras"]
    assert all(generators.record(file).seed == 1 for file in files)
    found = models.get_all("05")
    assert list(found) == ["MADE", "VQ-GPT 7 x 7"]
    for name, generator in found.items():
        images, labels = models.sample(generator, 1250, seed=3)  # compiled
        again, _ = models.sample(made[name], 1250, seed=3)
        assert np.allclose(images, again, atol=1e-6)
        assert (labels is not None) == (name == "MADE")
    in_notebook(monkeypatch, "08")
    assert models.get_all("05")
    files[0].unlink()
    with pytest.raises(models.ModelError, match=r"no MADE in .*`digitdreams run 05`"):
        models.get_all("05")
    tiny().save(files[0])
    with pytest.raises(models.ModelError, match=r"version .*before stamps"):
        models.get_all("05")
    in_notebook(monkeypatch, "06")
    with pytest.raises(models.ModelError, match=r'add "05" to its `needs`'):
        models.get_all("05")


def test_several_are_saved_whole_or_not_at_all(several, folder):
    other = "VQ-GPT 7 x 7"
    for made, word in (
        ({"MADE": tiny()}, r'give it `saves = \["MADE"\]`'),
        ({"MADE": tiny(), other: tiny(size=16)}, r"VQ-GPT 7 x 7 makes .* not"),
        ({"MADE": tiny(activation="tanh"), other: tiny()}, "MADE's images .* clip"),
        ({"MADE": tiny(), other: ending_in(Mine())}, "a layer Mine"),
        ({"MADE": keras.Sequential([layers.Dense(3)]), other: tiny()}, "no inputs"),
        ({"MADE": tiny(), other: ending_in(Unnamed())}, "Unnamed that Keras"),
    ):
        with pytest.raises(models.ModelError, match=word):
            models.save_all(made, "05")
    assert not folder.exists() or not list(folder.iterdir())
    for call in (lambda: models.get_all("03"), lambda: models.get_all("06")):
        with pytest.raises(models.ModelError, match="no list of generators"):
            call()


def test_sampling_in_parts_gives_what_one_call_gives():
    generator = tiny(conditional=True)
    images, labels = models.sample(generator, 1500, seed=1)
    noise = np.random.default_rng(1).normal(size=(1500, 3)).astype("float32")
    assert np.allclose(images, generator([noise, labels]), atol=1e-6)
    assert not np.allclose(images, models.sample(generator, 1500, seed=2)[0])


class Mine(layers.Layer):
    def call(self, x):
        return x


class Unnamed(Mine):
    """Not registered with Keras."""


Unnamed.__module__ = "digitdreams.models.parts"


def ending_in(layer):
    generator = tiny()
    return keras.Model(generator.input, layer(generator.output))


@pytest.mark.parametrize(
    ("generator", "word"),
    [
        (lambda: tiny(size=16), "28"),
        (lambda: tiny(activation="tanh"), "sigmoid"),
        (lambda: ending_in(Mine()), "Mine"),
        (lambda: ending_in(layers.Lambda(lambda x: x)), "Lambda"),
        (lambda: keras.Sequential([layers.Dense(784)]), "inputs"),
    ],
)
def test_what_cannot_be_shared_is_refused(generator, word, folder):
    with pytest.raises(models.ModelError, match=word):
        models.save(generator(), "05")
    assert not folder.exists() or not list(folder.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("lesson", models.SHORT)
def test_a_missing_generator_is_trained(lesson, few, monkeypatch, capsys, folder):
    digits = data.load()
    monkeypatch.setattr(data, "load", lambda: digits._replace(train=few))
    monkeypatch.setattr(models.parts, "STEPS_AT_ONCE", 2)
    generator = models.get(lesson, seed=1)
    assert "training a short version" in capsys.readouterr().out
    images, labels = models.sample(generator, 20)
    assert (labels is not None) == (lesson in ("04", "07"))
    assert images.shape == (20, 28, 28, 1) and 0 <= images.min() <= images.max() <= 1
    assert not models.path(lesson).exists()
    models.save(generator, lesson)  # and could be shared


@pytest.mark.slow
@pytest.mark.parametrize("conditional", [False, True])
def test_the_vae_learns(conditional, few):
    before = models.VAE(conditional, few.images)
    after = models.train_vae(conditional, 8, seed=1, split=few)
    batch = (few.images, few.labels)
    first, last = (float(np.mean(vae(batch))) for vae in (before, after))
    assert 195 < first < 220  # nats: the mean image
    assert last < first - 20


def test_a_prior_for_each_label_moves_the_noise():
    random = np.random.default_rng(0)
    roots = np.tril(random.normal(size=(10, 3, 3))) + 2 * np.eye(3)
    means, covariances = random.normal(size=(10, 3)), roots @ roots.transpose(0, 2, 1)
    decoder = tiny(conditional=True, activation=None)
    generator = models.with_prior(decoder, means, covariances)
    noise = random.normal(size=(20, 3)).astype("float32")
    labels = np.arange(20, dtype="int32") % 10
    codes = means[labels].astype("float32")
    for row, label in enumerate(labels):
        codes[row] += np.linalg.cholesky(covariances[label]) @ noise[row]
    expected = keras.ops.sigmoid(decoder([codes, labels]))
    assert np.allclose(generator([noise, labels]), expected, atol=1e-5)
    models.save(generator, "04")
    with pytest.raises(np.linalg.LinAlgError):
        models.with_prior(decoder, means, -covariances)


@pytest.mark.slow
def test_the_conditional_vae_fits_its_prior(few):
    model = models.train_vae(True, 16, seed=1, split=few)
    images, labels = models.sample(model.fitted_generator(few), 1000)
    accuracy = metrics.label_accuracy(judge.probabilities(images), labels)
    assert accuracy > 0.7  # it was 0.86, and 0.44 with codes from N(0, I)


@pytest.mark.slow
def test_labels_reach_the_conditional_gan(few):
    gan = models.train_gan(True, 1, seed=1, split=few)
    noise = np.zeros((2, models.gan.NOISE_SIZE), "float32")
    labels = np.array([1, 8])
    one, other = gan.generator([noise, labels])
    assert np.abs(one - other).max() > 1e-4
    verdicts = gan.discriminator([few.images[:1].repeat(2, axis=0), labels])
    assert abs(float(verdicts[0, 0] - verdicts[1, 0])) > 1e-6


@pytest.mark.slow
def test_the_gan_averages_its_generator(few):
    gan = models.train_gan(False, 2, seed=1, split=few)
    pairs = zip(gan.generator.weights, gan.trained.weights, strict=True)
    assert any(np.abs(a.numpy() - b.numpy()).max() > 1e-5 for a, b in pairs)
    assert all(np.isfinite(weight.numpy()).all() for weight in gan.weights)


def test_the_squared_slope_of_a_known_function():
    points = ops.convert_to_tensor([[[1.0, 2.0]], [[3.0, 4.0]]])
    slopes = models.squared_slope(lambda x: ops.sum(x**2, axis=(1, 2)), points)
    np.testing.assert_allclose(slopes, [4 * 5, 4 * 25])


def test_adam_falls_to_0_over_its_steps_or_stays():
    network = keras.Sequential([keras.Input((1,)), layers.Dense(1, use_bias=False)])
    falling = models.adam(network, 0.1, steps=4)
    staying = models.adam(network, 0.1, beta_1=0.9)
    (weights,) = network.trainable_weights
    for optimizer in (falling, staying):
        for _ in range(4):
            optimizer.apply([ops.ones((1, 1))], [weights])
    assert float(falling.learning_rate) == pytest.approx(0, abs=1e-8)
    assert float(staying.learning_rate) == pytest.approx(0.1)
    assert (falling.beta_1, staying.beta_1) == (0, 0.9)


def test_more_components_leave_less_error(few):
    errors = []
    for count in (1, 4, 16):
        space = models.Components.of(few.images, count)
        codes = space.encode(few.images)
        assert codes.shape == (len(few.images), count) and codes.dtype == np.float32
        drawn = space.decode(codes)
        assert drawn.shape == few.images.shape
        assert drawn.min() >= 0 and drawn.max() <= 1
        errors.append(np.square(drawn - few.images).mean())
    assert np.all(np.diff(errors) < 0)
    assert np.allclose(space.average, few.images.mean(axis=0).ravel(), atol=1e-6)


def test_the_decoder_layer_gives_the_pixels_before_faint_ones_become_0(few):
    space = models.Components.of(few.images, 16)
    codes = space.encode(few.images)
    pixels = np.clip(np.asarray(space.decoder()(codes)), 0, 1)
    drawn = space.decode(codes).reshape(pixels.shape)
    assert np.allclose(drawn[drawn > 0], pixels[drawn > 0], atol=1e-5)
    assert pixels[drawn == 0].max() < FAINTEST + 1e-5
    assert drawn[drawn > 0].min() >= FAINTEST


@pytest.mark.parametrize("guidance", [0.0, 1.0])
def test_a_generator_of_a_flow_takes_eulers_steps(few, guidance):
    space = models.Components.of(few.images, 8)
    points, times = keras.Input((8,)), keras.Input((1,))
    labels = keras.Input((), dtype="int32")
    known = ops.cast(labels < 10, "float32")[:, None]
    network = keras.Model([points, times, labels], 0 * points + known * times)
    generator = models.as_generator(network, space, 4, guidance)
    noise, labels = np.zeros((3, 8), "float32"), np.arange(3, dtype="int32")
    moved = np.full((3, 8), (1 + guidance) * (0 + 1 + 2 + 3) / 16)
    assert np.allclose(generator([noise, labels]), space.decode(moved), atol=1e-5)


def test_the_unet_takes_what_the_dense_network_takes():
    given = np.zeros((2, 784), "float32"), np.ones((2, 1), "float32"), np.array([3, 10])
    assert models.build_unet()(list(given)).shape == (2, 784)
