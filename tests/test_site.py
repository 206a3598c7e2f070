"""The book: what a build makes, that nothing leaves it, and a reader in a browser."""

import json
import re
import shutil
import threading
from dataclasses import replace

import pytest

from digitdreams import course, launch
from digitdreams.interview import bank, memory
from places import ROOT

pytest.importorskip("sphinx", reason="the book's tools are not installed: make site")

from digitdreams.authoring.site import (
    bankpages,
    build,
    formulas,
    links,
    notebooks,
    reference,
    serve,
    sources,
    theme,
)

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
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
    assert "<math" in html and "katex-html" in html


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


# A whole book of few lessons ----------------------------------------------------------


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """The report of a build with lessons 00 and 03 and a few questions."""
    lessons = tuple(one for one in COURSE.lessons if one.id in ("00", "03"))
    asked = tuple(one for one in QUESTIONS if one.id == "gan-what-is-it")
    asked += tuple(one for one in QUESTIONS if (one.lesson or "").startswith("03"))[:3]
    target = tmp_path_factory.mktemp("book") / "site"
    few = replace(COURSE, lessons=lessons)
    return build.build(few, target=target, questions=asked)


@pytest.mark.slow
def test_no_page_refers_to_another_host_and_every_link_has_a_target(book):
    assert book.warnings == ()


@pytest.mark.slow
def test_the_book_has_its_pages(book):
    site = book.index.parent
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
        "en/INSTRUCTORS",
        "en/questions/gan-what-is-it",
        "zh/questions/gan-what-is-it",
        "en/problems/gan",
        "en/api/metrics",
    ):
        assert (site / f"{page}.html").is_file(), page
    assert "posterior" in (site / "en" / "genindex.html").read_text("utf-8")
    assert (site / "notebooks" / "lessons" / "03_vae.ipynb").is_file()


@pytest.mark.slow
def test_the_catalogue_has_text_and_titles_of_boxes(tmp_path):
    lessons = tuple(one for one in COURSE.lessons if one.id == "03")
    few = replace(COURSE, lessons=lessons)
    text = build.catalogue(few, target=tmp_path / "pages.pot").read_text("utf-8")
    for words in ("The lower bound", "Hint 1 of 3", "Three ways in"):
        assert f'msgid "{words}"' in text
    assert list(tmp_path.iterdir()) == [tmp_path / "pages.pot"]


def test_a_damaged_notebook_is_named(tmp_path):
    path = tmp_path / "03_vae.ipynb"
    path.write_text("{", encoding="utf-8")
    with pytest.raises(
        notebooks.NotebookError, match="digitdreams notebooks 03 --force"
    ):
        notebooks.read(path)


# A reader in a browser ----------------------------------------------------------------

WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
READ = (
    "en/index.html",
    "en/lessons/03_vae.html",
    "en/exercises/03_vae/03_vae.html",
    "en/questions/index.html",
    "en/questions/gan-what-is-it.html",
    "en/problems/gan.html",
    "en/docs/leaderboard.html",
    "en/gallery.html",
    "zh/questions/gan-what-is-it.html",
)


class Reader:
    """A browser's page, and whatever went wrong on it or left this machine."""

    def __init__(self, browser, address: str, **options):
        self.context = browser.new_context(**options)
        self.context.grant_permissions(["clipboard-read", "clipboard-write"])
        self.page = self.context.new_page()
        self.address, self.trouble = address, []
        self.page.on("console", self.heard)
        self.page.on("pageerror", lambda error: self.trouble.append(str(error)))
        self.page.on("request", self.asked)
        self.page.on("response", self.answered)

    def heard(self, message) -> None:
        if message.type == "error":
            self.trouble.append(message.text)

    def asked(self, request) -> None:
        if not request.url.startswith((self.address, "data:", "blob:")):
            self.trouble.append(request.url)

    def answered(self, response) -> None:
        if response.status >= 400:
            self.trouble.append(f"{response.status} {response.url}")

    def open(self, place: str):
        self.page.goto(self.address + place, wait_until="load")
        return self.page


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on the PATH")
    reason = "Playwright is not installed: pip install playwright"
    sync_api = pytest.importorskip("playwright.sync_api", reason=reason)
    with sync_api.sync_playwright() as play:
        started = play.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox"],  # root in a container
        )
        yield started
        started.close()


@pytest.fixture(scope="module")
def address(book):
    with serve.server(book.index.parent) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_address[1]}/"
        running.shutdown()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("size", "scheme"), [(WIDE, "light"), (PHONE, "dark")], ids=("wide", "phone")
)
def test_no_page_is_wider_than_its_window_or_asks_elsewhere(
    browser, address, size, scheme
):
    reader = Reader(browser, address, viewport=size, color_scheme=scheme)
    for place in READ:
        page = reader.open(place)
        over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert over <= 0, place
        dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
        level = int(re.findall(r"\d+", dark)[0])
        assert (level < 60) == (scheme == "dark"), place
    assert reader.trouble == []
    reader.context.close()


@pytest.mark.slow
def test_a_reader_copies_searches_and_drills(browser, address, tmp_path):
    reader = Reader(browser, address, viewport=PHONE, accept_downloads=True)
    page = reader.open("en/lessons/03_vae.html")
    page.get_by_role("button", name="digitdreams start 03").click()
    assert page.evaluate("navigator.clipboard.readText()") == "digitdreams start 03"

    for language, words in (("en", "lower bound"), ("zh", "生成器"), ("zh", "判别器")):
        page = reader.open(f"{language}/search.html?q={words}")
        page.locator(".pagefind-ui__result-link").first.wait_for()

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
    file = tmp_path / "ratings.json"
    download.value.save_as(file)
    kept = memory.Memory(tmp_path / "progress.sqlite")
    assert kept.merge(file.read_text(encoding="utf-8")) == 1
    (review,) = kept.reviews()
    assert (review.question, review.rating) == ("gan-what-is-it", 3)

    page = reader.open("en/questions/index.html")
    listed = page.locator("ul.questions li")
    assert listed.count() > 2
    second = listed.nth(1).get_attribute("data-id")
    listed.first.locator("a").click()
    page.get_by_role("link", name="Next question").click()
    page.wait_for_url(f"**/{second}.html")
    assert reader.trouble == []
    reader.context.close()
