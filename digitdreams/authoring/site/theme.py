"""What the book adds to Furo: words, a language switch, the bar above a notebook."""

import json
import re
import shutil
from collections.abc import Collection
from gettext import GNUTranslations
from pathlib import Path
from typing import Any

import furo
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.builders.html import StandaloneHTMLBuilder

from digitdreams.authoring.site import playground
from digitdreams.authoring.site.bankpages import DRILL, Say, script_words
from digitdreams.files import ROOT

BOOK = ROOT / "book"
LANGUAGES = {"en": "English", "zh": "中文"}  # folder of the site: its name
# Sphinx's name of a language, where it is not that of the folder.
CODES = {"en": "en", "zh": "zh_CN"}
# What Sphinx, Furo and Pagefind put beside pages, and no page of the book asks for.
UNUSED = (
    *("*.map", "debug.css", "skeleton.css", "file.png", "plus.png", "minus.png"),
    *("searchtools.js", "language_data.js"),
)
UNUSED_SEARCH = ("pagefind-component-ui.*", "pagefind-modular-ui.*", "*highlight.js")
ICONS = Path(furo.__file__).with_name("theme") / "furo" / "partials" / "icons.html"
OF_SIDEBAR = {"titles_only": True, "includehidden": True}
ARTICLE = re.compile(r"<article.*</article>", re.DOTALL)
SYMBOLS = re.compile(r"<svg .*</svg>", re.DOTALL)


def words_of(language: str, folder: Path) -> Say:
    """What turns the English words of templates and generated pages into a language.

    Args:
        language: "en" or "zh".
        folder: where the compiled catalogue is written.
    """
    if language == "en":
        return lambda text: text
    catalogue = BOOK / "words" / f"{language}.po"
    compiled = folder / f"{language}.mo"
    compiled.parent.mkdir(parents=True, exist_ok=True)
    with catalogue.open("rb") as source, compiled.open("wb") as target:
        write_mo(target, read_po(source))
    with compiled.open("rb") as stream:
        return GNUTranslations(stream).gettext


def write_words(folder: Path, say: Say) -> None:
    """Write words.js and play-words.js, the words of scripts, into a new folder."""
    folder.mkdir(parents=True)
    played = {text: say(text) for text in playground.words()}
    for name, variable, words in (
        ("words.js", "bookWords", script_words(say)),
        ("play-words.js", "playWords", played),
    ):
        text = json.dumps(words, ensure_ascii=False)
        text = f"globalThis.{variable} = {text};\n"
        (folder / name).write_text(text, encoding="utf-8")


def write_shared(site: Path) -> None:
    """Write what the pages of all languages share: KaTeX's style, Furo's icons.

    Furo writes its icons into each page, 7 kB; the template `page.html` leads to one
    file of them.
    """
    target = site / "katex"
    target.mkdir()
    shutil.copytree(BOOK / "katex" / "fonts", target / "fonts")
    for name in ("katex.min.css", "LICENSE"):
        shutil.copy(BOOK / "katex" / name, target)
    found = SYMBOLS.search(ICONS.read_text(encoding="utf-8"))
    assert found, "Furo's icons are elsewhere than in its version of the lock"
    symbols = found[0].replace(' style="display: none;"', "", 1)
    (site / "icons.svg").write_text(symbols + "\n", encoding="utf-8")


def squeezed(page: str) -> str:
    """A page without the blank space that templates leave around its article."""
    article = ARTICLE.search(page)
    if article is None:
        return page
    ends = (page[: article.start()], page[article.end() :])
    first, last = (re.sub(r"\n\s+", "\n", one) for one in ends)
    return first + article[0] + last


def settings(language: str, words: Path) -> dict[str, Any]:
    """Sphinx's configuration of the pages in a language.

    Args:
        language: "en" or "zh".
        words: the folder of `words.js`.
    """
    package = "digitdreams.authoring.site"
    return {
        "project": "Digit Dreams",
        "author": "",
        "language": CODES[language],
        "extensions": [
            "myst_nb",
            f"{package}.formulas",
            f"{package}.folds",
            f"{package}.theme",
        ],
        "html_theme": "furo",
        "html_title": "Digit Dreams",
        "html_math_renderer": "katex",
        "html_static_path": [str(BOOK / "theme" / "static"), str(words)],
        "templates_path": [str(BOOK / "theme" / "templates")],
        "html_css_files": ["book.css"],
        "html_js_files": [
            ("words.js", {"defer": "defer"}),
            ("book.js", {"defer": "defer"}),
        ],
        "html_sidebars": {
            "**": [
                "sidebar/brand.html",
                "find.html",
                "sidebar/scroll-start.html",
                "sidebar/navigation.html",
                "sidebar/scroll-end.html",
                "languages.html",
            ]
        },
        "html_additional_pages": {"search": "finder.html"},
        "html_favicon": str(BOOK / "theme" / "icon.svg"),
        "html_copy_source": False,
        "html_domain_indices": False,  # of Python's modules: the index has them
        "html_show_sourcelink": False,
        "html_permalinks_icon": "#",
        "pygments_style": "a11y-high-contrast-light",
        "default_role": "code",
        "nb_execution_mode": "off",
        "nb_render_image_options": {"loading": "lazy"},
        "nb_mime_priority_overrides": [("html", "image/gif", 1)],
        "myst_enable_extensions": ["dollarmath", "colon_fence"],
        "myst_heading_anchors": 4,
        "myst_dmath_double_inline": True,
        "locale_dirs": [str(BOOK / "locale")],  # translations of pages
        "gettext_compact": "pages",
        "gettext_uuid": False,
        "suppress_warnings": ["myst.header", "mystnb.unknown_mime_type"],
        "keep_warnings": False,
        "smartquotes": False,
    }


def of_notebook(page: str, pages: Collection[str]) -> dict[str, Any]:
    """What stands above a lesson or an exercise; nothing above another page.

    Args:
        page: its name, such as `lessons/03_vae`.
        pages: the names of all pages.

    Returns:
        `lines` to copy, the pages `exercise` and `lesson` that belong to it, and where
        its `notebook` is, seen from the folder of all languages.
    """
    kind, _, name = page.partition("/")
    stem = name.partition("/")[0]
    number = stem.partition("_")[0]
    if kind not in ("lessons", "exercises") or not number.isdigit():
        return {"lines": [], "exercise": None, "lesson": None, "notebook": None}
    lesson, exercise = f"lessons/{stem}", f"exercises/{stem}/{stem}"
    lines = [f"digitdreams lab {number}"] if kind == "lessons" else []
    if exercise in pages:
        lines.append(f"digitdreams start {number}")
    return {
        "lines": lines,
        "exercise": exercise if kind == "lessons" and exercise in pages else None,
        "lesson": lesson if kind == "exercises" and lesson in pages else None,
        "notebook": f"notebooks/{page}.ipynb",
    }


def shared(language: str, pages: dict[str, set[str]], say: Say) -> dict[str, Any]:
    """What the templates of all pages in a language show.

    Args:
        language: "en" or "zh".
        pages: the names of all pages in each language, for the switch.
        say: gives the words of templates.
    """
    return {
        "say": say,
        "languages": LANGUAGES,
        "here": language,
        "pages": pages,
    }


def add_context(
    common: dict[str, Any],
    app: Sphinx,
    page: str,
    template: str,
    context: dict[str, Any],
    doctree: nodes.document | None,
) -> None:
    """Give templates what they show: what is common, and what is of this page."""
    context.update(common, **of_notebook(page, app.env.all_docs))
    context["site"] = "../" * (page.count("/") + 1)  # the folder of all languages
    context["play"] = playground.script_of(page)
    if "toctree" not in context:
        return
    tree = context["toctree"]
    if page.startswith("questions/") and page != DRILL:
        # Hundreds of pages: the chapters alone, which are the same beside each.
        if "chapters" not in common:
            common["chapters"] = levelled(tree(maxdepth=1, **OF_SIDEBAR))
        context["toctree"] = lambda **options: common["chapters"]
    else:
        context["toctree"] = lambda **options: levelled(tree(**options))


def levelled(tree: str) -> str:
    """The sidebar's list, whose captions say which level of heading they are."""
    return tree.replace('role="heading"', 'role="heading" aria-level="2"')


def without_search(app: Sphinx) -> None:
    """Leave out Sphinx's own search: Pagefind indexes the pages."""
    if isinstance(app.builder, StandaloneHTMLBuilder):
        app.builder.search = False


def setup(app: Sphinx) -> dict[str, bool]:
    """Leave out what the book has of its own; `add_context` is connected by `build`."""
    app.connect("builder-inited", without_search)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
