"""Figures: what they show, how much they weigh, and what they refuse."""

import io

import numpy as np
import pytest
from PIL import Image, ImageSequence

from digitdreams import data, plots


@pytest.fixture
def random():
    return np.random.default_rng(0)


@pytest.fixture(scope="module")
def digits():
    validation = data.load().validation
    return validation.images[:400], validation.labels[:400]


def pixels(figure) -> np.ndarray:
    """The stored picture as an array (height, width, 3)."""
    return np.asarray(Image.open(io.BytesIO(figure.png())).convert("RGB"))


def texts(figure) -> list[str]:
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def bad_images():
    return {
        "a single image": (np.zeros((28, 28)), "single image"),
        "no image": (np.zeros((0, 28, 28)), "nothing to show"),
        "colours": (np.zeros((2, 28, 28, 3)), "must have the shape"),
        "not a number": (np.full((2, 28, 28), np.nan), "NaN"),
    }


@pytest.mark.parametrize("case", bad_images())
@pytest.mark.parametrize(
    "draw",
    [
        plots.grid,
        plots.strip,
        plots.animation,
        lambda images: plots.panel({"real": images}),
    ],
    ids=["grid", "strip", "animation", "panel"],
)
def test_bad_images_are_refused(draw, case):
    images, message = bad_images()[case]
    with pytest.raises(ValueError, match=message):
        draw(images)


def test_the_channel_axis_is_optional(digits):
    images, _ = digits
    with_channel = plots.grid(images[:4]).png()
    assert with_channel == plots.grid(images[:4, :, :, 0]).png()


def test_grey_levels_come_out_unchanged_and_unblurred():
    levels = np.array([[0, 1, 0.2, 0.6]]).repeat(4, axis=0)
    picture = pixels(plots.grid(levels[None]))[:, :, 0]
    margin = round(plots.MARGIN * plots.SHARPNESS)
    inside = picture[margin:-margin, margin:-margin]
    rows, columns = inside.shape
    assert rows == columns and columns % 4 == 0
    found = inside.reshape(rows, 4, columns // 4)
    assert np.ptp(found, axis=(0, 2)).max() == 0
    assert found[0, :, 0].tolist() == [0, 255, 51, 153]


def test_values_outside_are_clipped():
    images = np.stack([np.full((8, 8), -3.0), np.full((8, 8), 7.0)])
    clipped = np.stack([np.zeros((8, 8)), np.ones((8, 8))])
    assert plots.grid(images).png() == plots.grid(clipped).png()


def test_bytes_count_from_0_to_255():
    images = np.full((1, 8, 8), 51, "uint8")
    assert plots.grid(images).png() == plots.grid(np.full((1, 8, 8), 0.2)).png()


def test_a_grid_of_fifty_digits_is_small(digits):
    assert len(plots.grid(digits[0][:50]).png()) < 40_000


def test_figures_fit_the_page(digits):
    images, labels = digits
    widest = plots.PAGE_WIDTH + 2 * plots.MARGIN
    many = {"real": images[:20], "a long name of a row": images[20:40]}
    figures = [
        plots.grid(images, columns=20),
        plots.grid(images[:30], columns=15, labels=labels[:30], title="Some digits"),
        plots.strip(images[:16]),
        plots.panel(many, title="Two rows"),
    ]
    for figure in figures:
        assert figure.get_figwidth() * plots.PIXELS_PER_INCH <= widest


def test_every_image_and_label_is_drawn(digits):
    images, labels = digits
    figure = plots.grid(images[:7], columns=3, labels=labels[:7], title="Seven")
    assert len(figure.axes[0].images) == 7
    assert texts(figure) == ["Seven", *map(str, labels[:7])]


def test_panel_names_its_rows(digits):
    images, _ = digits
    figure = plots.panel({"real": images[:3], "generated": images[3:8]})
    assert texts(figure) == ["real", "generated"]
    assert len(figure.axes[0].images) == 8


def test_wrong_numbers_of_texts_are_refused(digits):
    images, _ = digits
    with pytest.raises(ValueError, match="3 images but 2 labels"):
        plots.grid(images[:3], labels=[1, 2])
    with pytest.raises(ValueError, match="3 images but 4 captions"):
        plots.strip(images[:3], captions=["abcd"] * 4)
    with pytest.raises(ValueError, match="columns"):
        plots.grid(images[:3], columns=0)


def test_panel_refuses_no_rows_and_mixed_sizes(digits):
    with pytest.raises(ValueError, match="nothing to show"):
        plots.panel({})
    with pytest.raises(ValueError, match="one size"):
        plots.panel({"large": digits[0][:2], "small": np.zeros((2, 14, 14))})


def test_curve_draws_each_history_and_the_bar():
    history = {"loss": [3.0, 2.0, 1.0], "val_loss": [4.0, np.nan, 2.0]}
    figure = plots.curve(history, ylabel="loss (nats)", title="A title", bar=1.5)
    axes = figure.axes[0]
    first, second, bar = axes.lines
    assert first.get_xdata().tolist() == [1, 2, 3]
    assert second.get_ydata()[2] == 2.0
    assert set(bar.get_ydata()) == {1.5}
    assert texts(figure) == ["bar 1.5"]
    legend = [text.get_text() for text in axes.get_legend().texts]
    assert legend == ["loss", "val loss"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("epoch", "loss (nats)")


@pytest.mark.parametrize(
    "history", [{}, {"loss": []}, {"loss": 3.0}, {"loss": [np.nan]}]
)
def test_curve_refuses_what_is_not_a_curve(history):
    with pytest.raises(ValueError):
        plots.curve(history, ylabel="loss")


def test_latent_map_colours_by_digit_and_draws_no_more_than_needed(random):
    codes = random.normal(size=(5000, 2))
    labels = np.arange(5000) % 10
    figure = plots.latent_map(codes, labels, title="Map")
    points = figure.axes[0].collections[0]
    assert len(points.get_offsets()) == plots.MOST_POINTS
    assert len(np.unique(points.get_facecolors(), axis=0)) == 10
    assert [text.get_text() for text in figure.legends[0].texts] == list("0123456789")
    assert len(figure.png()) < 120_000


def test_latent_map_refuses_wrong_arguments(random):
    codes, labels = random.normal(size=(20, 2)), np.arange(20) % 10
    for wrong_codes, wrong_labels in [
        (codes[:, :1], labels),
        (codes[:0], labels[:0]),
        (codes, labels[:19]),
        (codes, labels + 1),
        (codes, labels / 2),
        (codes * np.nan, labels),
    ]:
        with pytest.raises(ValueError):
            plots.latent_map(wrong_codes, wrong_labels)


def test_digit_colours_stay_apart_for_colour_blind_readers():
    """Distances after the simulation of Viénot et al. (1999), in linear RGB."""
    deuteranopia = np.array([[0.29, 0.71, 0], [0.29, 0.71, 0], [-0.02, 0.02, 1]])
    protanopia = np.array([[0.11, 0.89, 0], [0.11, 0.89, 0], [0, 0, 1]])
    colours = [
        [int(one[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        for one in plots.DIGIT_COLOURS
    ]
    linear = np.array(colours) ** 2.2
    assert len(set(plots.DIGIT_COLOURS)) == 10
    for seen in (linear @ deuteranopia.T, linear @ protanopia.T):
        seen = seen.clip(0, 1) ** (1 / 2.2)
        distances = np.linalg.norm(seen[:, None] - seen[None], axis=-1)
        assert distances[~np.eye(10, dtype=bool)].min() > 0.08


def test_confusion_counts():
    labels = np.array([3, 3, 3, 5, 7])
    predictions = np.array([3, 3, 8, 5, 1])
    figure = plots.confusion(labels, predictions)
    shown = {
        (int(y), int(x)): text.get_text()
        for text in figure.axes[0].texts
        for x, y in [text.get_position()]
    }
    assert shown == {(3, 3): "2", (3, 8): "1", (5, 5): "1", (7, 1): "1"}
    assert figure.axes[0].get_title("left").startswith("2 mistakes in 5 images")


def test_confusion_refuses_what_are_not_digits():
    for labels, predictions in [([1, 2], [1]), ([], []), ([1], [10]), ([1.0], [1.0])]:
        with pytest.raises(ValueError):
            plots.confusion(np.array(labels), np.array(predictions))


def test_animation_holds_its_frames_and_loops(digits):
    first, second = digits[0][:2]
    frames = [first * (1 - t) + second * t for t in np.linspace(0, 1, 12)]
    shown = plots.animation(np.stack(frames), seconds=2.0)
    picture = Image.open(io.BytesIO(shown.data))
    moments = [np.asarray(one.convert("L")) for one in ImageSequence.Iterator(picture)]
    assert len(moments) == 12
    assert picture.info["loop"] == 0
    scale = moments[0].shape[0] // 28
    small = moments[-1][::scale, ::scale] / 255
    assert np.abs(small - second[:, :, 0]).max() < 0.02


@pytest.mark.slow
def test_an_animation_of_noise_stays_small(random):
    frames = random.uniform(size=(40, 28, 280))
    assert len(plots.animation(frames).data) < plots.ANIMATION_BYTES
    with pytest.raises(ValueError, match="do not fit"):
        plots.animation(random.uniform(size=(12, 400, 400)))
    with pytest.raises(ValueError, match="seconds"):
        plots.animation(frames, seconds=0)


def test_figures_are_opaque_and_light(digits, random):
    images, labels = digits
    for figure in [
        plots.grid(images[:3], title="Three digits"),
        plots.curve({"loss": [2.0, 1.0]}, "loss"),
        plots.latent_map(random.normal(size=(400, 2)), labels),
        plots.confusion(labels, labels),
    ]:
        assert Image.open(io.BytesIO(figure.png())).mode == "P"
        picture = pixels(figure)
        corners = picture[[0, 0, -1, -1], [0, -1, 0, -1]]
        assert corners.min() == 255


def test_a_figure_leaves_nothing_open(digits):
    import matplotlib
    from matplotlib import pyplot

    before = dict(matplotlib.rcParams)
    plots.grid(digits[0][:3])
    plots.curve({"loss": [2.0, 1.0]}, "loss")
    assert pyplot.get_fignums() == []
    assert dict(matplotlib.rcParams) == before


def test_densities_are_shares_of_the_points():
    cloud = np.array([[0.5, 0.5]] * 199 + [[-0.5, -0.5]])  # upper right, lower left
    (image,) = plots.densities([cloud], reach=1, boxes=2)
    np.testing.assert_allclose(image, [[0, 1], [0.5, 0]])  # 0.5 % is half of white
    (outside,) = plots.densities([cloud + 5], reach=1, boxes=2)
    assert not outside.any()


@pytest.mark.parametrize("cloud", [np.zeros((3, 3)), np.zeros(4), np.zeros((0, 2))])
def test_what_is_no_cloud_has_no_density(cloud):
    with pytest.raises(ValueError, match="a cloud of points is"):
        plots.densities([cloud])


def test_scores_names_its_curves_and_refuses_what_has_no_logarithm():
    figure = plots.scores({"Euler": {1: 9.0, 2: 7.0}, "one": {4: 5.0}}, "cost", "FID")
    (axes,) = figure.axes
    assert [line.get_label() for line in axes.lines] == ["Euler", "one"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("cost", "FID")
    for wrong in ({}, {"Euler": {}}, {"Euler": {1: 0.0}}, {"Euler": {1: np.nan}}):
        with pytest.raises(ValueError):
            plots.scores(wrong, "cost", "FID")


def test_paths_draws_each_path_and_both_ends(random):
    figure = plots.paths({"a": random.normal(size=(5, 3, 7)), "b": np.zeros((2, 2, 2))})
    assert [len(axes.lines) for axes in figure.axes] == [5 + 2, 2 + 2]
    assert [axes.get_title("left") for axes in figure.axes] == ["a", "b"]
    for wrong in ({}, {"a": np.zeros((5, 3))}, {"a": np.full((2, 2, 2), np.nan)}):
        with pytest.raises(ValueError):
            plots.paths(wrong)


def test_stages_draws_a_box_for_each_stage_and_the_shortcuts():
    rows = {"small": [("in", 1), ("out", 1)], "U": [("a", 4), ("b", 2), ("c", 4)]}
    figure = plots.stages(rows, {"U": [(0, 2)]})
    assert [len(axes.patches) for axes in figure.axes] == [2, 3]
    assert {"in", "out", "a", "b", "c", "small", "U"} <= set(texts(figure))
    for wrong in ({}, {"small": []}):
        with pytest.raises(ValueError):
            plots.stages(wrong)
