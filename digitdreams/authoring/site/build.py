"""`digitdreams site`: build the book from what exists, training nothing."""

import asyncio
import io
import logging
import re
import shutil
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import perf_counter

from sphinx.application import Sphinx
from sphinx.errors import SphinxError
from sphinx.util.docutils import docutils_namespace, patch_docutils

from digitdreams.authoring.site import notebooks, sources, theme
from digitdreams.authoring.site.bankpages import Say, write_questions
from digitdreams.authoring.site.formulas import FormulaError
from digitdreams.authoring.status import Look
from digitdreams.course import Course
from digitdreams.files import ROOT, base, write_atomically
from digitdreams.interview import bank

TARGET = Path("build/site")
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
        warnings: what Sphinx complained about, a line each.
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
    for folder in (work, target):
        shutil.rmtree(folder, ignore_errors=True)
    questions = tuple(bank.load()) if questions is None else questions
    warnings: list[str] = []
    words = {one: theme.words_of(one, work) for one in theme.LANGUAGES}
    target.mkdir(parents=True)
    for language in theme.LANGUAGES:
        (work / language).mkdir(parents=True)
    sources.write_english(work / "en", course, questions, root, words["en"], solutions)
    lessons = notebooks.present(course, root)
    write_chinese(work / "zh", questions, words["zh"], lessons)
    pages = {one: pages_in(work / one) for one in theme.LANGUAGES}
    for language, name in theme.LANGUAGES.items():
        say(f"{len(pages[language])} pages in {name}")
        common = theme.shared(language, pages, words[language])
        warnings += make_pages(work, language, common)
        (work / "html" / language).replace(target / language)
    copy_notebooks(course, root, target / "notebooks")
    write_atomically(target / "index.html", WAY_IN)
    (target / ".nojekyll").touch()
    asyncio.run(index(target))
    shutil.rmtree(work)
    return Report(
        target / "index.html",
        perf_counter() - began,
        stale(course, root),
        tuple(warnings),
    )


# The way to the language of the reader's browser, or to English without a script.
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


def make_pages(work: Path, language: str, common: dict[str, object]) -> list[str]:
    """Let Sphinx make `work`/html/`language` from `work`/`language`.

    Args:
        work: the folder that holds all that is needed for the build only.
        language: "en" or "zh".
        common: what the templates of all pages show.

    Returns:
        Its warnings, a line each.

    Raises:
        SiteError: a page cannot be made.
    """
    said, troubles = io.StringIO(), io.StringIO()
    source, target = work / language, work / "html" / language
    try:
        with patch_docutils(None), docutils_namespace():
            app = Sphinx(
                source,
                None,
                target,
                work / "doctrees" / language,
                "html",
                confoverrides=theme.settings(language),
                status=said,
                warning=troubles,
                freshenv=True,
            )
            app.connect("html-page-context", partial(theme.add_context, common))
            app.build(force_all=True)
    except (SphinxError, FormulaError) as error:
        raise SiteError(f"The pages cannot be made: {error}") from error
    finally:
        logging.getLogger("sphinx").handlers.clear()
    (target / ".buildinfo").unlink(missing_ok=True)
    shutil.rmtree(target / "_sources", ignore_errors=True)
    lines = COLOUR.sub("", troubles.getvalue()).replace(str(source), "").splitlines()
    return [line for line in lines if line.strip()]


def copy_notebooks(course: Course, root: Path, folder: Path) -> None:
    """Put the notebooks beside the pages that show them."""
    for lesson in course.lessons:
        found = notebooks.files_of(lesson, root)
        for kind, place in (
            ("lesson", folder / "lessons"),
            ("exercise", folder / "exercises" / lesson.stem),
        ):
            if kind in found:
                place.mkdir(parents=True, exist_ok=True)
                shutil.copy(found[kind], place)


async def index(folder: Path) -> None:
    """Let Pagefind write its index of all pages into `folder`/pagefind."""
    from pagefind.index import IndexConfig, PagefindIndex

    # A formula's MathML is read; its picture and its LaTeX would double it.
    config = IndexConfig(
        output_path=str(folder / "pagefind"),
        exclude_selectors=[".katex-html", "annotation", ".headerlink", "button"],
    )
    async with PagefindIndex(config=config) as search:
        await search.add_directory(str(folder), glob="{en,zh}/**/*.html")
        await search.write_files()


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
