"""`digitdreams site`: build the book from what exists, training nothing."""

import asyncio
import io
import logging
import re
import shutil
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter

import nbformat
from sphinx.application import Sphinx
from sphinx.errors import SphinxError
from sphinx.util.docutils import docutils_namespace, patch_docutils

from digitdreams.authoring.site import links, notebooks, playground, sources, theme
from digitdreams.authoring.site.bankpages import Say, write_questions
from digitdreams.authoring.site.formulas import FormulaError
from digitdreams.authoring.status import Look
from digitdreams.course import Course
from digitdreams.files import ROOT, CourseMissing, base, write_atomically
from digitdreams.interview import bank

TARGET = Path("build/site")
CATALOGUE = Path("build/pages.pot")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class SiteError(RuntimeError):
    """The book cannot be built; the message says what to do."""


@dataclass(frozen=True)
class Report:
    """What a build made.

    Attributes:
        index: the first page.
        seconds: how long it took.
        stale: sentences on notebooks that are older than their sources.
        warnings: what Sphinx complained about, requests to other hosts and links that
            lead nowhere, a line each.
    """

    index: Path
    seconds: float
    stale: tuple[str, ...]
    warnings: tuple[str, ...]


def build(
    course: Course,
    solutions: bool = False,
    root: Path = ROOT,
    target: Path | None = None,
    questions: tuple[bank.Question, ...] | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> Report:
    """Build the book anew and return what was made.

    Args:
        course: its lessons.
        solutions: whether exercises show their solutions, folded.
        root: the checkout.
        target: the site's folder, which is replaced; None takes build/site.
        questions: the bank; None reads it.
        say: told what is being done.

    Raises:
        SiteError: Sphinx or KaTeX refuses a page, or the search index is not made.
    """
    began = perf_counter()
    target = target or base() / TARGET
    work = target.with_name(target.name + "-work")
    site = work / "site"
    shutil.rmtree(work, ignore_errors=True)
    site.mkdir(parents=True)
    with explained():
        questions = tuple(bank.load()) if questions is None else questions
    warnings: list[str] = []
    words = {one: theme.words_of(one, work) for one in theme.LANGUAGES}
    for language in theme.LANGUAGES:
        (work / language).mkdir(parents=True)
    with explained():
        sources.write_english(
            work / "en", course, questions, root, words["en"], solutions
        )
    lessons = notebooks.present(course, root)
    write_chinese(work / "zh", questions, words["zh"], lessons)
    pages = {one: pages_in(work / one) for one in theme.LANGUAGES}
    for language, name in theme.LANGUAGES.items():
        say(f"{len(pages[language])} pages in {name}")
    warnings += make_all_pages(work, pages)
    for language in theme.LANGUAGES:
        (work / "made" / language / "html").replace(site / language)
    theme.write_shared(site)
    playground.copy(site)
    copy_notebooks(course, root, site / "notebooks")
    write_atomically(site / "index.html", WAY_IN)
    asyncio.run(index(site))
    warnings += links.faults(site)
    shutil.rmtree(target, ignore_errors=True)  # not before the new one is whole
    site.replace(target)
    shutil.rmtree(work)
    return Report(
        target / "index.html",
        perf_counter() - began,
        stale(course, root),
        tuple(warnings),
    )


# The site's address leads to the English pages.
WAY_IN = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Digit Dreams</title>
<meta http-equiv="refresh" content="0; url=en/index.html">
<a href="en/index.html">Digit Dreams</a>
</html>
"""


def pages_in(folder: Path) -> set[str]:
    """The names of the pages in a folder of sources, without suffix."""
    found = {
        path.relative_to(folder).with_suffix("").as_posix()
        for path in folder.rglob("*")
        if path.suffix in (".md", ".rst", ".ipynb")
    }
    return found | {"search"}


def write_chinese(
    folder: Path,
    questions: tuple[bank.Question, ...],
    say: Say,
    lessons: Collection[str],
) -> None:
    """The pages that exist in Chinese: the front page of the drill, the questions."""
    write_questions(folder, questions, "zh", say, lessons)
    parts = [
        "# Digit Dreams",
        say("Questions are here in Chinese; lessons are in English."),
        "```{toctree}\n:maxdepth: 1\n\nquestions/index\n```",
    ]
    (folder / "index.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def make_all_pages(work: Path, pages: dict[str, set[str]]) -> list[str]:
    """Make the pages of all languages, each in a process of its own.

    Args:
        work: as in `make_pages`.
        pages: the names of all pages in each language.

    Returns:
        Sphinx's warnings, a line each.

    Raises:
        SiteError: a page cannot be made.
    """
    first, *others = theme.LANGUAGES
    # Sphinx and V8 do not survive a fork.
    with ProcessPoolExecutor(len(others), get_context("spawn")) as processes:
        beside = [processes.submit(make_pages, work, one, pages) for one in others]
        warnings = make_pages(work, first, pages)
        for one in beside:
            warnings += one.result()
    return warnings


def make_pages(work: Path, language: str, pages: dict[str, set[str]]) -> list[str]:
    """Let Sphinx make `work`/made/`language`/html from `work`/`language`.

    Args:
        work: the folder that holds all that is needed for the build only.
        language: "en" or "zh".
        pages: the names of all pages in each language.

    Returns:
        Its warnings, a line each.

    Raises:
        SiteError: a page cannot be made.
    """
    # MyST-NB puts a folder beside that of the pages: each language has its own place.
    target = work / "made" / language / "html"
    words = theme.words_of(language, work / "words")
    theme.write_words(work / "words" / language, words)
    common = theme.shared(language, pages, words)
    warnings = run_sphinx(work, language, target, "html", common)
    (target / ".buildinfo").unlink(missing_ok=True)
    shutil.rmtree(target / "_sources", ignore_errors=True)
    for name in theme.UNUSED:
        for path in (target / "_static").rglob(name):
            path.unlink()
    for path in target.rglob("*.html"):
        path.write_text(theme.squeezed(path.read_text("utf-8")), encoding="utf-8")
    return warnings


def run_sphinx(
    work: Path, language: str, target: Path, builder: str, common: dict[str, object]
) -> list[str]:
    """Run a builder of Sphinx on the sources `work`/`language`; return its warnings.

    Raises:
        SiteError: a page cannot be made.
    """
    said, troubles = io.StringIO(), io.StringIO()
    source = work / language
    words = work / "words" / language
    try:
        with patch_docutils(None), docutils_namespace():
            app = Sphinx(
                source,
                None,
                target,
                work / "doctrees" / builder / language,
                builder,
                confoverrides=theme.settings(language, words),
                status=said,
                warning=troubles,
                freshenv=True,
            )
            add = partial(theme.add_context, common)
            app.connect("html-page-context", add, priority=400)  # before Furo's
            app.build(force_all=True)
    except (SphinxError, FormulaError) as error:
        raise SiteError(f"The pages cannot be made: {error}") from error
    finally:
        logging.getLogger("sphinx").handlers.clear()
    lines = COLOUR.sub("", troubles.getvalue()).replace(str(source), "").splitlines()
    return [line for line in lines if line.strip()]


def catalogue(
    course: Course,
    root: Path = ROOT,
    target: Path | None = None,
) -> Path:
    """Write what translators of the English pages need, and return the file.

    A translation of it belongs to book/locale/zh_CN/LC_MESSAGES/pages.po. Questions
    are not in it: the bank has them in both languages.

    Args:
        course: its lessons.
        root: the checkout.
        target: the file, which is replaced; None takes build/pages.pot.

    Raises:
        SiteError: a page cannot be made.
    """
    target = target or base() / CATALOGUE
    work = target.with_name(target.name + "-work")
    shutil.rmtree(work, ignore_errors=True)
    (work / "en").mkdir(parents=True)
    with explained():
        sources.write_english(work / "en", course, (), root, theme.words_of("en", work))
    run_sphinx(work, "en", work / "made", "gettext", {})
    (work / "made" / CATALOGUE.name).replace(target)
    shutil.rmtree(work)
    return target


@contextmanager
def explained() -> Iterator[None]:
    """Turn faults of what pages are made from into a SiteError."""
    try:
        yield
    except (bank.BankError, notebooks.NotebookError, CourseMissing) as error:
        raise SiteError(str(error)) from error


def copy_notebooks(course: Course, root: Path, folder: Path) -> None:
    """Put the notebooks, without pictures, beside the pages that show them."""
    for lesson in course.lessons:
        found = notebooks.files_of(lesson, root)
        for kind, place in (
            ("lesson", folder / "lessons"),
            ("exercise", folder / "exercises" / lesson.stem),
        ):
            if kind in found:
                place.mkdir(parents=True, exist_ok=True)
                notebook = notebooks.to_run(notebooks.read(found[kind]))
                nbformat.write(notebook, place / found[kind].name)


async def index(folder: Path) -> None:
    """Let Pagefind write its index of all pages into `folder`/pagefind."""
    from pagefind.index import IndexConfig, PagefindIndex

    # A formula's MathML is read; its picture would double it.
    config = IndexConfig(
        output_path=str(folder / "pagefind"),
        exclude_selectors=[".katex-html", ".headerlink", "button"],
    )
    async with PagefindIndex(config=config) as search:
        await search.add_directory(str(folder), glob="{en,zh}/**/*.html")
        await search.write_files()
    for name in theme.UNUSED_SEARCH:
        for path in (folder / "pagefind").glob(name):
            path.unlink()


def stale(course: Course, root: Path = ROOT) -> tuple[str, ...]:
    """A sentence for each built notebook that is older than its sources."""
    look = Look(course, root)
    look.lessons()
    look.exercises()
    return tuple(
        f"{one.thing.capitalize()} is stale ({', '.join(one.why[:3])}) and is shown as "
        f"it is: `{one.command}` renews it."
        for one in look.found
    )
