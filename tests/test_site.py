"""The book: what a build makes, that nothing leaves it, and a reader in a browser."""

import json
import os
import re
import shutil
from dataclasses import replace

import pytest
from reader import PHONE, WIDE, Reader
from typer.testing import CliRunner

from digitdreams import cli, course, launch
from digitdreams.interview import bank, memory, roles
from places import ROOT

pytest.importorskip("sphinx", reason="the book's tools are not installed: make site")

from digitdreams.authoring.site import (
    bankpages,
    build,
    formulas,
    links,
    notebooks,
    reference,
    sources,
    theme,
)

COURSE = course.load()
QUESTIONS = tuple(bank.load())


# Formulas -----------------------------------------------------------------------------


def dollars(text: str) -> list[tuple[str, bool]]:
    """The formulas of Markdown, and whether each is a paragraph of its own."""
    text = re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)
    block = re.findall(r"\$\$(.+?)\$\$", text, re.DOTALL)
    text = re.sub(r"\$\$.+?\$\$", "", text, flags=re.DOTALL)
    line = re.findall(r"(?<![\\$\w])\$([^$\s][^$]*?)\$(?![\d\w])", text)
    return [(one, True) for one in block] + [(one, False) for one in line]


@pytest.mark.parametrize("kind", ("lessons", "exercises"))
def test_every_formula_of_the_notebooks_renders_strictly(kind):
    count = 0
    for path in (ROOT / kind).rglob("*.ipynb"):
        for cell in notebooks.read(path).cells:
            if cell.cell_type == "markdown":
                for formula, display in dollars(cell.source):
                    formulas.rendered(formula, display)
                    count += 1
    assert count > 20


@pytest.mark.parametrize("language", bank.LANGUAGES)
def test_every_formula_of_the_questions_renders_strictly(language):
    count = 0
    for one in QUESTIONS:
        texts = [one.question, one.short, one.answer]
        texts += [each.reply for each in one.follow_ups] + [
            each.why for each in one.wrong
        ]
        for text in texts:
            for formula, display in dollars(text.in_language(language)):
                formulas.rendered(formula, display)
                count += 1
    assert count > 500


def test_a_formula_that_katex_refuses_is_named():
    with pytest.raises(formulas.FormulaError, match=r"\\frac\{1\}.*Expected|frac"):
        formulas.rendered(r"\frac{1}")


def test_a_formula_has_mathml_for_those_who_listen():
    html = formulas.rendered("x^2")
    assert "<math>" in html and "katex-html" in html
    assert "annotation" not in html


# Sources of pages ---------------------------------------------------------------------


def test_each_cell_of_a_lesson_can_be_linked_to():
    notebook = notebooks.read(ROOT / "lessons" / "03_vae.ipynb")
    text = "\n".join(one.source for one in notebooks.page_of_lesson(notebook).cells)
    for cell in notebook.cells:
        assert text.count(f'id="{notebooks.anchor(cell.id)}"') == 1


def test_a_figure_keeps_its_words():
    notebook = notebooks.read(ROOT / "lessons" / "03_vae.ipynb")
    pictures = [
        output
        for cell in notebooks.page_of_lesson(notebook).cells
        for output in cell.get("outputs", ())
        if any(kind.startswith("image/") for kind in output.get("data", ()))
    ]
    assert pictures
    assert all(one.metadata.alt and list(one.data) != [] for one in pictures)


def exercise(solved: bool) -> str:
    found = notebooks.files_of(COURSE.find("03"), ROOT)
    page = notebooks.page_of_exercise(
        notebooks.read(found["exercise"]),
        found["checks"],
        notebooks.read(found["solution"]) if solved else None,
    )
    return "\n".join(one.source for one in page.cells)


def test_an_exercise_shows_its_hints_and_no_solution():
    text = exercise(solved=False)
    tasks = json.loads((ROOT / "exercises/03_vae/checks.json").read_text())["tasks"]
    assert text.count("{fold} Hint ") == sum(
        len(one["hints"]) for one in tasks.values()
    )
    assert "{fold} Solution" not in text and "BEGIN SOLUTION" not in text


def test_an_exercise_shows_solutions_where_they_are_wanted():
    text = exercise(solved=True)
    tasks = json.loads((ROOT / "exercises/03_vae/checks.json").read_text())["tasks"]
    assert text.count("{fold} Solution") == len(tasks)


def test_a_notebook_for_download_keeps_text_and_leaves_pictures_to_the_page():
    notebook = notebooks.read(ROOT / "lessons" / "03_vae.ipynb")
    made = notebooks.to_run(notebook)
    assert [one.source for one in made.cells] == [one.source for one in notebook.cells]
    outputs = [out for one in made.cells for out in one.get("outputs", ())]
    assert outputs and not any(map(notebooks.pictures_of, outputs))


def test_a_link_to_what_is_no_page_becomes_a_name(tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "judge.md").touch()
    text = (
        "[the judge](judge.md), [licence](../LICENSE), [course.toml](../course.toml), "
        "[out](https://keras.io), ![picture](../images/a.png), [start](../README.md)"
    )
    assert sources.mended(text, tmp_path / "docs", tmp_path) == (
        "[the judge](judge.md), licence (`LICENSE`), `course.toml`, "
        "[out](https://keras.io), ![picture](../images/a.png), [start](/index.md)"
    )


def test_the_index_lists_the_terms_of_the_glossary():
    rows = "| batch | some |\n| prior, posterior | x |\n"
    table = f"| term | meaning |\n|---|---|\n{rows}"
    other = "| name | is |\n|---|---|\n| `x` | y |\n"
    text = sources.indexed(f"# Words\n\n{table}\n{other}")
    assert text.count("{index}") == 1
    assert f"```{{index}} batch, prior, posterior\n```\n\n{table}" in text


def test_code_is_left_alone(tmp_path):
    text = "```python\nx = table[one](two.md)\n```"
    assert sources.mended(text, tmp_path, tmp_path) == text


def test_a_closed_box_can_hold_another():
    inner = notebooks.folded("Inner", "text")
    outer = notebooks.folded("Outer", inner)
    fence = outer.split("{")[0]
    assert len(fence) > len(inner.split("{")[0])


@pytest.mark.parametrize("language", bank.LANGUAGES)
def test_a_question_has_a_title_of_one_paragraph(language):
    for one in QUESTIONS:
        title, _ = bankpages.title_and_rest(one.question.in_language(language))
        assert title and "```" not in title, one.id
        assert not title.startswith(("- ", "|", "#")), one.id


def test_every_word_of_a_page_is_in_chinese(tmp_path):
    asked = set()
    real = theme.words_of("zh", tmp_path)

    def say(text: str) -> str:
        asked.add(text)
        return real(text)

    bankpages.write_questions(tmp_path, QUESTIONS, "zh", say, {"03_vae"})
    bankpages.script_words(say)
    for template in (theme.BOOK / "theme" / "templates").glob("*.html"):
        found = re.findall(r"""say\((["'])(.+?)\1\)""", template.read_text("utf-8"))
        asked.update(text for _, text in found)
    assert len(asked) > 30
    assert [one for one in sorted(asked) if real(one) == one] == []


def test_the_reference_reads_signatures_and_docstrings():
    page = reference.module_page(
        "digitdreams.some",
        '"""Some."""\n\n\ndef double(x: int) -> int:\n'
        '    """Twice `x`.\n\n    Args:\n        x: a number.\n    """\n'
        "    return 2 * x\n",
    )
    assert ".. py:function:: double(x: int) -> int" in page
    assert ":param x: a number." in page


def test_the_reference_has_what_lessons_import():
    found = reference.modules(ROOT)
    assert {"checks", "course", "data", "metrics", "models", "models.vae"} <= set(found)
    assert not [one for one in found if one.startswith("interview")]


def test_above_a_notebook_stand_its_lines():
    pages = {"lessons/03_vae", "exercises/03_vae/03_vae", "lessons/00_start_here"}
    above = theme.of_notebook("lessons/03_vae", pages)
    assert above["lines"] == ["digitdreams lab 03", "digitdreams start 03"]
    assert above["exercise"] == "exercises/03_vae/03_vae"
    above = theme.of_notebook("exercises/03_vae/03_vae", pages)
    assert above["lines"] == ["digitdreams start 03"]
    assert above["lesson"] == "lessons/03_vae"
    above = theme.of_notebook("lessons/00_start_here", pages)
    assert above["lines"] == ["digitdreams lab 00"] and above["exercise"] is None
    assert theme.of_notebook("lessons/index", pages)["notebook"] is None


def test_code_in_a_docstring_is_shown_as_code():
    text = "Runs.\n\n    for x in y:\n        ...\n\nArgs:\n    y: some | of it."
    assert reference.with_code(text) == (
        "Runs.\n\n::\n\n    for x in y:\n        ...\n\nArgs:\n    y: some \\| of it."
    )


# Links --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("html", "fault"),
    [
        ('<img src="https://example.org/a.png">', "fetches https://example.org/a.png"),
        ('<script src="//example.org/a.js"></script>', "fetches //example.org/a.js"),
        (
            "<style>@import 'https://a.org/b.css';</style>",
            "fetches https://a.org/b.css",
        ),
        ('<p style="background: url(http://a.org/b)">', "fetches http://a.org/b"),
        ('<a href="b.html">', "links to b.html, which is not there"),
        ('<a href="#there">', "links to #there, which has no such anchor"),
    ],
)
def test_what_leaves_the_site_or_leads_nowhere_is_named(tmp_path, html, fault):
    (tmp_path / "a.html").write_text(html, encoding="utf-8")
    assert links.faults(tmp_path) == [f"a.html {fault}"]


def test_a_link_that_a_reader_has_to_click_may_lead_outside(tmp_path):
    (tmp_path / "a.html").write_text('<a href="https://keras.io">', encoding="utf-8")
    assert links.faults(tmp_path) == []


def test_who_lacks_the_tools_is_told_how_to_get_them():
    assert "make site" in launch.missing("sphinx")


def test_a_damaged_notebook_is_named(tmp_path):
    path = tmp_path / "03_vae.ipynb"
    path.write_text("{", encoding="utf-8")
    with pytest.raises(
        notebooks.NotebookError, match="digitdreams notebooks 03 --force"
    ):
        notebooks.read(path)


# A whole book of few lessons and questions --------------------------------------------

ASKED = (
    "vae-what-it-adds",
    "gan-what-is-it",
    "training-mode-collapse-what",
    "training-quality-triage",  # a rubric
    "gan-goal-unseen-samples",  # a trap
    "safety-marking-duty",  # dated
)


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """The report of a build with lessons 00 and 03 and a few questions.

    With DIGITDREAMS_WHOLE_BOOK=1 in the environment it is of all that there is.
    """
    lessons, questions = COURSE.lessons, QUESTIONS
    if not os.environ.get("DIGITDREAMS_WHOLE_BOOK"):
        lessons = tuple(one for one in lessons if one.id in ("00", "03"))
        questions = tuple(one for one in questions if one.id in ASKED)
    # A lesson that has come to read one more file is stale.
    first, *others = lessons
    first = replace(first, reads=(*first.reads, "docs/judge.md"))
    course = replace(COURSE, lessons=(first, *others))
    target = tmp_path_factory.mktemp("book") / "site"
    return build.build(course, target=target, questions=questions)


@pytest.fixture(scope="module")
def site(book):
    """The folder of the built book."""
    return book.index.parent


@pytest.mark.slow
def test_no_page_refers_to_another_host_and_every_link_has_a_target(book):
    assert book.warnings == ()


@pytest.mark.slow
def test_a_stale_notebook_is_named_with_what_renews_it(book):
    named = [one for one in book.stale if one.startswith("Lesson 00 is stale (")]
    assert len(named) == 1 and "docs/judge.md" in named[0]
    assert named[0].endswith(
        "and is shown as it is: `digitdreams notebooks 00` renews it."
    )


@pytest.mark.slow
def test_the_book_has_its_pages(site):
    for page in (
        "index",
        "en/index",
        "en/search",
        "en/genindex",
        "en/gallery",
        "en/lessons/03_vae",
        "en/exercises/03_vae/03_vae",
        "en/docs/leaderboard",
        "en/docs/glossary",
        "en/docs/notation",
        "en/INSTRUCTORS",
        "en/problems/gan",
        "en/api/metrics",
        *(f"{language}/questions/{one}" for one in ASKED for language in ("en", "zh")),
    ):
        assert (site / f"{page}.html").is_file(), page
    assert "posterior" in (site / "en" / "genindex.html").read_text("utf-8")
    assert (site / "notebooks" / "lessons" / "03_vae.ipynb").is_file()


@pytest.mark.slow
def test_a_page_is_small_beside_its_text(site):
    page = site / "zh" / "questions" / "gan-goal-unseen-samples.html"
    assert page.stat().st_size < 30_000
    assert "<annotation" not in page.read_text("utf-8")
    lost = ("*.map", "katex.min.js", "pagefind-modular-ui.js")
    assert not [path for name in lost for path in site.rglob(name)]


@pytest.mark.slow
def test_a_question_shows_its_rubric_and_when_it_was_checked(site):
    def text(language: str, name: str) -> str:
        return (site / language / "questions" / f"{name}.html").read_text("utf-8")

    assert "What earns points" in text("en", "training-quality-triage")
    assert "评分要点" in text("zh", "training-quality-triage")
    (dated,) = (one for one in QUESTIONS if one.id == "safety-marking-duty")
    assert f"Checked for {dated.as_of}" in text("en", dated.id)


@pytest.mark.slow
def test_the_catalogue_has_text_and_titles_of_boxes(tmp_path):
    root, pages = tmp_path / "course", tmp_path / "pages.pot"
    for name in ("images", "book", "lessons", "exercises/03_vae"):
        shutil.copytree(ROOT / name, root / name)
    (root / "docs").mkdir()
    shutil.copy(ROOT / "docs" / "glossary.md", root / "docs")
    lessons = tuple(one for one in COURSE.lessons if one.id == "03")
    made = build.catalogue(replace(COURSE, lessons=lessons), root, pages)
    text = made.read_text("utf-8")
    for words in ("The lower bound", "Hint 1 of 3", "Three ways in"):
        assert f'msgid "{words}"' in text
    assert {one.name for one in tmp_path.iterdir()} == {"course", "pages.pot"}


# A reader in a browser ----------------------------------------------------------------


@pytest.fixture
def reader(browser, address):
    """Someone with a telephone, who finds nothing wrong."""
    made = Reader(browser, address, viewport=PHONE, accept_downloads=True)
    made.context.grant_permissions(["clipboard-read", "clipboard-write"])
    yield made
    made.close()


# How much wider than its window a page is, and how light its ground.
LAID_OUT = """() => [
  document.documentElement.scrollWidth - innerWidth,
  Number(getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0]),
]"""


@pytest.mark.slow
def test_every_page_fits_both_windows_in_light_and_dark(reader, site):
    for path in sorted(site.rglob("*.html")):
        place = path.relative_to(site).as_posix()
        page = reader.open(place)
        for scheme in ("dark", "light"):
            page.emulate_media(color_scheme=scheme)
            for size in (PHONE, WIDE):
                page.set_viewport_size(size)
                over, light = page.evaluate(LAID_OUT)
                assert over <= 0, f"{place} at {size['width']}"
                assert (light < 60) == (scheme == "dark"), place
        assert reader.trouble == [], place


JUDGED = (
    "en/index.html",
    "en/lessons/03_vae.html",
    "en/exercises/03_vae/03_vae.html",
    "en/docs/leaderboard.html",
    "en/gallery.html",
    "en/problems/gan.html",
    "en/api/metrics.html",
    "en/search.html?q=prior",
    "en/questions/index.html",
    "zh/questions/index.html",
    "zh/questions/training-quality-triage.html",
)


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ("light", "dark"))
def test_axe_finds_nothing_serious(reader, scheme):
    reason = "axe-core is not installed: pip install axe-playwright-python"
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason=reason)
    options = {"resultTypes": ["violations"]}
    reader.page.emulate_media(color_scheme=scheme)
    found = {}
    for place in JUDGED if scheme == "light" else JUDGED[:3]:
        page = reader.open(place)
        page.evaluate(
            "document.querySelectorAll('details').forEach(o => o.open = true)"
        )
        page.wait_for_timeout(200)  # until colours have faded over
        answer = axe.Axe().run(page, options=options).response
        for one in answer["violations"]:
            if one["impact"] in ("serious", "critical"):
                nodes = [node["html"][:200] for node in one["nodes"][:3]]
                found[place, one["id"]] = nodes
    assert found == {}, json.dumps([[*k, v] for k, v in found.items()], indent=1)


@pytest.mark.slow
def test_a_reader_copies_the_line_that_starts_an_exercise(reader):
    page = reader.open("en/lessons/03_vae.html")
    page.get_by_role("button", name="digitdreams start 03").click()
    assert page.evaluate("navigator.clipboard.readText()") == "digitdreams start 03"
    with page.expect_download() as download:
        page.get_by_role("link", name="Notebook", exact=True).click()
    assert download.value.suggested_filename == "03_vae.ipynb"


@pytest.mark.slow
def test_a_reader_finds_words_in_both_languages(reader):
    for language, words in (
        ("en", "mode collapse"),
        ("en", "lower bound"),
        ("zh", "模式崩溃"),
        ("zh", "先验"),
    ):
        page = reader.open(f"{language}/index.html")
        page.set_viewport_size(WIDE)
        page.get_by_role("searchbox").fill(words)
        page.keyboard.press("Enter")
        results = page.locator(".pagefind-ui__result")
        results.locator("a").first.wait_for()  # until then there are dots in its place
        assert words.lower() in results.first.inner_text().lower()
    page = reader.open("zh/search.html?q=蘑菇")
    page.get_by_text("未找到 蘑菇").wait_for()  # a mushroom, which no page names


@pytest.mark.slow
def test_a_reader_rates_and_takes_the_ratings_along(reader, tmp_path, monkeypatch):
    page = reader.open("en/questions/gan-what-is-it.html")
    answer = page.locator("details.answer").first
    assert answer.get_attribute("open") is None
    answer.locator("summary").first.focus()
    page.keyboard.press("Enter")
    assert answer.get_attribute("open") is not None
    page.get_by_role("button", name="good").click()
    page.reload()
    pressed = page.locator(".rating button[aria-pressed=true]")
    assert pressed.inner_text() == "good"

    page = reader.open("en/questions/index.html?topic=gan")
    shown = page.locator("ul.questions li:visible")
    assert shown.count() == 1 and "good" in shown.inner_text()
    with page.expect_download() as download:
        page.get_by_role("button", name="Export ratings").click()
    file, progress = tmp_path / "ratings.json", tmp_path / "progress.sqlite"
    download.value.save_as(file)
    command = ["progress", "import", str(file), "--progress", str(progress)]
    result = CliRunner().invoke(cli.app, command)
    assert (result.exit_code, result.stdout) == (0, "1 ratings added\n")
    (review,) = memory.Memory(progress).reviews()
    assert (review.question, review.rating) == ("gan-what-is-it", 3)


@pytest.mark.slow
def test_a_reader_filters_the_questions(reader):
    page = reader.open("en/questions/index.html")
    shown = page.locator("ul.questions li:visible")

    def listed() -> set[str]:
        return {one.get_attribute("data-id") for one in shown.all()}

    every = {one.id: one for one in QUESTIONS}
    ordinary = {name for name in listed() if not every[name].tags}
    assert listed() == ordinary and "gan-goal-unseen-samples" not in ordinary
    page.get_by_label("also those that rebut").check()
    assert "gan-goal-unseen-samples" in listed()
    page.get_by_label("Role").select_option("research scientist")
    wanted = set(roles.ROLES["research scientist"].topics)
    assert listed() and {every[name].topic for name in listed()} <= wanted
    assert "role=research" in page.url and "traps=1" in page.url
    page.get_by_label("Level").select_option(every["gan-what-is-it"].level)
    assert "gan-what-is-it" in listed()
    page.get_by_label("Rated").select_option("easy")
    assert listed() == set()
    page.reload()
    assert page.get_by_label("Role").input_value() == "research scientist"
    page.locator(".languages a").first.evaluate("one => one.click()")
    page.wait_for_url("**/zh/questions/index.html?*role=research*")
    assert page.get_by_label("岗位").input_value() == "research scientist"

    page = reader.open("zh/questions/index.html")
    second = page.locator("ul.questions li:visible").nth(1).get_attribute("data-id")
    page.locator("ul.questions li:visible a").first.click()
    page.get_by_role("link", name="下一题").click()
    page.wait_for_url(f"**/{second}.html")
