"""Figures of built notebooks: few bytes, and nobody sees it."""

import base64
import io

import nbformat
import numpy as np
import pytest
from PIL import Image, ImageDraw, PngImagePlugin

from digitdreams import plots
from digitdreams.authoring import build, figures
from places import LESSONS, ROOT


def as_png(picture, **options):
    buffer = io.BytesIO()
    picture.save(buffer, format="png", **options)
    return buffer.getvalue()


def opened(content):
    return Image.open(io.BytesIO(content))


def pixels(content):
    return np.asarray(opened(content).convert("RGB"))


def smooth_greys():
    """A picture with all greys, as an enlarged digit has them."""
    small = np.random.default_rng(1).integers(0, 256, (9, 30), dtype="uint8")
    greys = Image.fromarray(small).resize((300, 90), Image.Resampling.BICUBIC)
    return greys.convert("RGB")


def many_colours():
    """A picture that no palette can show."""
    rng = np.random.default_rng(1)
    return Image.fromarray(rng.integers(0, 256, (50, 60, 3), dtype="uint8"))


def few_colours():
    picture = Image.new("RGB", (300, 200), "white")
    draw = ImageDraw.Draw(picture)
    for place, colour in enumerate(["navy", "#cc5500", "#123456", "black"]):
        draw.ellipse((60 * place, 20, 60 * place + 90, 160), fill=colour)
    return picture


def test_lab_agrees_with_known_colours():
    known = {  # of CIE D65, by the standard's formula
        (255, 255, 255): (100, 0, 0),
        (0, 0, 0): (0, 0, 0),
        (255, 0, 0): (53.24, 80.09, 67.20),
        (0, 0, 255): (32.30, 79.19, -107.86),
        (119, 119, 119): (50.03, 0, 0),
    }
    found = figures.lab(np.array(list(known), "uint8"))
    assert np.allclose(found, list(known.values()), atol=0.02)


def test_the_largest_difference_is_that_of_one_pixel():
    one = np.full((20, 30, 3), 200, "uint8")
    other = one.copy()
    assert figures.largest_difference(one, other) == 0
    other[3, 4] = (190, 200, 210)
    expected = np.linalg.norm(figures.lab(one[3, 4]) - figures.lab(other[3, 4]))
    assert figures.largest_difference(one, other) == pytest.approx(expected)


def test_few_colours_stay_exact():
    content = as_png(few_colours())
    found = figures.smaller(content)
    assert np.array_equal(pixels(found), pixels(content))
    assert len(found) < len(content)


def test_greys_get_a_palette_that_nobody_sees():
    content = as_png(smooth_greys())
    found = figures.smaller(content)
    colours = np.unique(pixels(found).reshape(-1, 3), axis=0)
    assert len(colours) <= 64
    difference = figures.largest_difference(pixels(content), pixels(found))
    assert 0 < difference <= figures.VISIBLE


def test_where_a_palette_would_show_all_colours_stay():
    content = as_png(many_colours())
    assert np.array_equal(pixels(figures.smaller(content)), pixels(content))


def test_a_figure_of_the_course_gets_smaller_and_looks_the_same():
    rng = np.random.default_rng(3)
    clouds = rng.normal(size=(40, 28, 28, 1)).cumsum(axis=1).cumsum(axis=2)
    content = plots.grid((clouds / 40) % 1).png()
    found = figures.smaller(content)
    assert len(found) < 0.9 * len(content)
    assert figures.largest_difference(pixels(content), pixels(found)) <= 3


def test_transparent_and_moving_pictures_keep_every_pixel():
    picture = smooth_greys().convert("RGBA")
    picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    found = figures.smaller(as_png(picture))
    assert np.array_equal(np.asarray(opened(found).convert("RGBA")), picture)

    frames = [smooth_greys().convert("L").rotate(90 * turn) for turn in range(4)]
    options = {"save_all": True, "append_images": frames[1:], "loop": 0}
    content = as_png(frames[0], **options, duration=[100, 100, 100, 900])
    found = figures.smaller(content)
    before, after = opened(content), opened(found)
    assert (before.n_frames, after.n_frames) == (4, 4)
    assert after.info["loop"] == 0
    for number in range(4):
        before.seek(number)
        after.seek(number)
        assert before.info["duration"] == after.info["duration"]
        assert np.array_equal(np.asarray(before), np.asarray(after))


@pytest.mark.parametrize("make", [smooth_greys, many_colours, few_colours])
def test_once_more_changes_nothing(make):
    found = figures.smaller(as_png(make()))
    assert figures.smaller(found) == found
    assert figures.smaller(as_png(make())) == found


def test_what_a_picture_says_besides_its_pixels_is_dropped():
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Software", "a program with a version")
    found = figures.smaller(as_png(few_colours(), pnginfo=notes, dpi=(72, 72)))
    assert opened(found).info == {}


def test_what_is_no_png_is_refused():
    buffer = io.BytesIO()
    few_colours().save(buffer, format="gif")
    with pytest.raises(ValueError, match="a PNG is needed, this is GIF"):
        figures.smaller(buffer.getvalue())


def test_a_saved_notebook_has_small_figures_and_all_else_as_it_was(tmp_path):
    content = as_png(smooth_greys())
    data = {"image/png": base64.b64encode(content).decode(), "text/plain": "greys"}
    shown = nbformat.v4.new_output("display_data", data)
    shown.metadata = nbformat.NotebookNode({"image/png": {"width": 9}})
    text = nbformat.v4.new_output("stream", text="said")
    cell = nbformat.v4.new_code_cell("1", outputs=[shown, text], execution_count=1)
    words = nbformat.v4.new_markdown_cell("words")
    path = tmp_path / "one.ipynb"
    build.save(nbformat.v4.new_notebook(cells=[words, cell]), path)
    first, second = nbformat.read(path, as_version=4).cells[1].outputs
    found = base64.b64decode(first.data["image/png"])
    assert found == figures.smaller(content)
    assert (first.data["text/plain"], first.metadata) == ("greys", shown.metadata)
    assert second == text


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda one: one.stem)
def test_figures_of_the_lessons_are_stored_small(lesson):
    notebook = nbformat.read(ROOT / "lessons" / f"{lesson.stem}.ipynb", as_version=4)
    for data in figures.pictures(notebook):
        with opened(base64.b64decode(data["image/png"])) as picture:
            kept = {"loop", "bbox", "duration", "disposal", "blend"}
            assert set(picture.info) <= kept, "run `make notebooks`"
            assert picture.mode in ("1", "L", "P", "RGB"), picture.mode
