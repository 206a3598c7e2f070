"""The gallery: what is on the page, and that it needs nothing from elsewhere."""

import base64
import io
from dataclasses import replace
from html.parser import HTMLParser

import nbformat
import pytest
from nbformat.v4 import (
    new_code_cell,
    new_markdown_cell,
    new_notebook,
    new_output,
)
from PIL import Image

import tiny
from digitdreams import course
from digitdreams.authoring import gallery
from digitdreams.authoring.outcomes import Outcome

VOID = {"meta", "link", "img", "br", "line", "rect", "circle"}
NUMBER = {
    "name": "distance",
    "label": "distance <b>",
    "unit": "nats",
    "value": 2.5,
    "bar": 3.0,
    "side": "below",
    "typical": [2.4, 2.6],
    "stretch": 1.0,
    "limit": 4.0,
    "passed": True,
}


class Page(HTMLParser):
    """The elements and the text of a page; tags must be closed in order."""

    def __init__(self, html: str):
        super().__init__()
        self.elements: list[tuple[str, dict]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.text += data

    def all(self, tag: str) -> list[dict]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def words(self) -> str:
        return " ".join(self.text.split())


def picture(width=30, height=20, kind="PNG") -> str:
    stream = io.BytesIO()
    Image.new("L", (width, height)).save(stream, kind)
    return base64.b64encode(stream.getvalue()).decode()


def shows(data: dict, **metadata) -> nbformat.NotebookNode:
    output = new_output("display_data", data=data, metadata=metadata)
    return new_code_cell("show()", outputs=[output])


@pytest.fixture
def made(tmp_path):
    """A run of three lessons of four, and its gallery."""
    names = ("works", "misses", "raises", "waits")
    lessons = tiny.write_course(tmp_path, **dict.fromkeys(names, "4.0"))
    lessons[0] = replace(lessons[0], title="Loss & <em>bars</em>")
    table = course.Course(1, tuple(lessons))
    folder = tmp_path / "build" / "run"
    folder.mkdir(parents=True)
    notebook = new_notebook(
        cells=[
            new_markdown_cell("# Top\n\nFirst. The *grid* shows `four` [digits](x):"),
            shows(
                {
                    "image/png": picture(300, 20),
                    "text/plain": "<Figure: grid, 4 images>",
                },
                **{"image/png": {"width": 200}},
            ),
            shows({"image/png": picture(), "text/plain": "<Figure size 3x2>"}),
            new_markdown_cell("## Moving\n\n- a list"),
            shows({"image/gif": picture(kind="GIF"), "image/png": picture()}),
            shows({"image/png": "bm90IGEgcGljdHVyZQ=="}),
            shows({"text/html": "<script>alert(1)</script>"}),
        ]
    )
    nbformat.write(notebook, folder / "00_works.ipynb")
    nbformat.write(new_notebook(), folder / "01_misses.ipynb")
    missed = NUMBER | {"value": 3.5, "passed": False}
    outcomes = [
        Outcome(
            "01",
            "01_misses",
            state="missed",
            numbers=[missed, NUMBER | {"value": None, "passed": False}],
            path=folder / "01_misses.ipynb",
            reason="cell [2] of 3: distance is 3.5, it must be below 3",
        ),
        Outcome(
            "00",
            "00_works",
            state="passed",
            seconds=131.4,
            peak_memory_mb=1234.5,
            numbers=[NUMBER],
            path=folder / "00_works.ipynb",
            seed=5,
            machine="2 cores, <unknown>, 24 GB",
        ),
        Outcome("02", "02_raises", reason="there is no notebook <here>"),
    ]
    index = gallery.write(outcomes, table, root=tmp_path)
    return index, Page(index.read_text("utf-8")), outcomes, table


def test_lessons_stand_in_order_with_their_states_in_words(made):
    page = made[1]
    assert [one["id"] for one in page.all("article")] == [
        "00_works",
        "01_misses",
        "02_raises",
    ]
    assert (
        "3 notebooks: 1 passed, 1 missed a bar, 1 failed, in 2 min 11 s" in page.words
    )
    assert "03 The lesson that waits not run yet" in page.words


def test_texts_are_escaped(made):
    index, page, *_ = made
    assert "00 Loss & <em>bars</em> passed" in page.words
    assert "there is no notebook <here>" in page.words
    assert not {"em", "unknown", "here"} & {tag for tag, _ in page.elements}
    html = index.read_text("utf-8")
    assert "distance &lt;b&gt;" in html
    assert "alert(1)" not in html


def test_numbers_stand_beside_their_bars(made):
    words = made[1].words
    assert "distance <b> 2.5 nats below 3 2.4 to 2.6 below 1 reached" in words
    assert "distance <b> 3.5 nats below 3 2.4 to 2.6 below 1 missed" in words
    assert "distance <b> not a number below 3" in words


def test_seconds_memory_and_seed_are_told(made):
    words = made[1].words
    assert "2 min 11 s, course.toml states about 0.3 min" in words
    assert "peak memory 1,234 MB" in words
    assert "seed 5" in words
    assert "(2 cores, <unknown>, 24 GB)" in words


def test_a_failure_names_its_reason_and_the_kept_notebook(made):
    words = made[1].words
    assert (
        "cell [2] of 3: distance is 3.5, it must be below 3 "
        "The notebook is kept as build/run/01_misses.ipynb"
    ) in words
    links = [one["href"] for one in made[1].all("a")]
    assert "../run/01_misses.ipynb" in links


def test_pictures_have_files_sizes_captions_and_descriptions(made):
    index, page, *_ = made
    pictures = page.all("img")
    assert [one["alt"] for one in pictures] == ["grid, 4 images", "Top", "Moving"]
    assert [one["src"] for one in pictures] == [
        "images/00_works_01.png",
        "images/00_works_02.png",
        "images/00_works_03.gif",
    ]
    for one in pictures:
        Image.open(index.parent / one["src"]).verify()
    # 200 of the page's pixels for 300 stored, and a frame of 7 on each side
    assert (pictures[0]["width"], pictures[0]["height"]) == ("214", "27")
    assert "Top The grid shows four digits." in page.words


def test_nothing_comes_from_elsewhere(made):
    index, page, *_ = made
    for _, attributes in page.elements:
        for key in ("src", "href"):
            link = attributes.get(key, "")
            assert "//" not in link
            if link and not link.startswith(("#", "data:")):
                assert (index.parent / link).exists()
        assert not [key for key in attributes if key.startswith("on")]
    assert not page.all("script")
    assert "@import" not in index.read_text("utf-8")
    assert "url(" not in index.read_text("utf-8")


def test_old_pictures_go_and_other_files_stay(made, tmp_path):
    index, _, outcomes, table = made
    (index.parent / "notes.txt").write_text("mine")
    gallery.write(outcomes[2:], table, root=tmp_path)
    assert list((index.parent / "images").iterdir()) == []
    assert (index.parent / "notes.txt").exists()


def test_an_empty_run_makes_a_page(made, tmp_path):
    _, _, _, table = made
    index = gallery.write(course=table, root=tmp_path, run_folder="build/none")
    assert "No lesson has been run yet." in Page(index.read_text("utf-8")).words


@pytest.mark.parametrize(
    ("markdown", "sentence"),
    [
        ("# Heading\nOne. Two, e.g. *this* one:", "Two, e.g. this one."),
        ("Prose ends here.\n\n- item\n- item", "Prose ends here."),
        ("The loss is $\\ln 2$ at first.", ""),
        ("Say so.\n\n$$x = 1$$", "Say so."),
        (
            "Is it? `VAE` samples **are** [soft](https://x.org).",
            "VAE samples are soft.",
        ),
        ("Names such as negative_elbo_2 keep their marks.", None),
        ("```python\ncode = 1\n```", ""),
        ("## Only a heading", ""),
        ("| a | b |\n|---|---|", ""),
    ],
)
def test_the_caption_is_the_closing_sentence(markdown, sentence):
    expected = markdown if sentence is None else sentence
    assert gallery.closing_sentence(markdown) == expected
