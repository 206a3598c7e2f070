"""The folder from which Sphinx makes the English pages, laid as the repository is."""

import os
import re
import shutil
from pathlib import Path

import nbformat

from digitdreams.authoring.site import notebooks
from digitdreams.authoring.site.bankpages import Say, write_problems, write_questions
from digitdreams.authoring.site.pictures import write_gallery
from digitdreams.authoring.site.reference import write_reference
from digitdreams.course import Course
from digitdreams.interview.bank import Question

# Pages at the root of the repository that readers get.
ROOT_PAGES = ("INSTRUCTORS.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")
TERMS = re.compile(r"^\| term \|.*\n\|[-| ]+\n((?:\|.*\n)+)", re.MULTILINE)
LINK = re.compile(r"(?<!!)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^()\s]+)\)")
OUTSIDE = re.compile(r"[a-z]+:|#|/")
FENCE = re.compile(r"(^(?:```|~~~).*?^(?:```|~~~)[ ]*$)", re.DOTALL | re.MULTILINE)


def write_english(
    folder: Path,
    course: Course,
    questions: tuple[Question, ...],
    root: Path,
    say: Say,
    solutions: bool = False,
) -> None:
    """Write all English pages' sources into an empty folder.

    Args:
        folder: where to; pages have the places that they have in the repository.
        course: the lessons and their order.
        questions: the bank.
        root: the course's folder.
        say: gives the words of generated pages.
        solutions: whether exercises show their solutions.
    """
    shutil.copytree(root / "images", folder / "images", dirs_exist_ok=True)
    shutil.copytree(root / "book" / "pages", folder, dirs_exist_ok=True)
    write_notebooks(folder, course, root, solutions)
    write_gallery(folder, course, root)
    write_problems(folder, say)
    write_questions(folder, questions, "en", say, notebooks.present(course, root))
    write_reference(folder, root)
    pages = [*root.glob("docs/*.md"), *(root / name for name in ROOT_PAGES)]
    for path in pages:
        if path.is_file():
            place = folder / path.relative_to(root)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    list_documents(folder)
    glossary = folder / "docs" / "glossary.md"
    glossary.write_text(indexed(glossary.read_text("utf-8")), encoding="utf-8")
    for path in folder.rglob("*.md"):
        mend(path, folder)


def indexed(text: str) -> str:
    """The glossary, whose terms the book's index lists; commas separate them there."""

    def entry(found: re.Match[str]) -> str:
        terms = (row.split("|")[1].strip() for row in found[1].splitlines())
        return f"```{{index}} {', '.join(terms)}\n```\n\n{found[0]}"

    return TERMS.sub(entry, text)


def list_documents(folder: Path) -> None:
    """Put each page of docs/ that the front page does not list where it says docs/*."""
    front = folder / "index.md"
    text = front.read_text(encoding="utf-8")
    there = sorted(f"docs/{path.stem}" for path in (folder / "docs").glob("*.md"))
    others = [one for one in there if f"\n{one}\n" not in text]
    listed = "".join(f"{one}\n" for one in others)
    front.write_text(text.replace("docs/*\n", listed), encoding="utf-8")


def mend(path: Path, folder: Path) -> None:
    """Turn links to files that are no pages into the files' names."""
    text = path.read_text(encoding="utf-8")
    path.write_text(mended(text, path.parent, folder), encoding="utf-8")


def mended(text: str, place: Path, folder: Path) -> str:
    """Markdown of a page in `place`, whose links lead to pages only.

    A file of the repository that is no page is named instead of linked.
    """

    def replaced(found: re.Match[str]) -> str:
        words, target = found[1], found[2]
        if OUTSIDE.match(target):
            return found[0]
        path, _, cell = target.partition("#")
        there = Path(os.path.normpath(place / path))
        if there.name == "README.md" and there.parent == folder:
            return f"[{words}](/index.md)"
        if there.is_file() and there.suffix in (".md", ".ipynb", ".rst"):
            if cell and there.suffix == ".ipynb":
                # MyST knows no anchors of cells.
                page = f"{path.removesuffix('.ipynb')}.html#{notebooks.anchor(cell)}"
                return f'<a class="reference internal" href="{page}">{words}</a>'
            return found[0]
        if not there.is_relative_to(folder):
            return words
        name = there.relative_to(folder).as_posix()
        bare = words.strip("`")
        return f"`{name}`" if bare in (name, there.name) else f"{words} (`{name}`)"

    parts = FENCE.split(text)
    return "".join(
        part if FENCE.fullmatch(part) else LINK.sub(replaced, part) for part in parts
    )


def write_notebooks(folder: Path, course: Course, root: Path, solutions: bool) -> None:
    """Write lessons and exercises, and the pages that list them."""
    lessons, exercises, made = [], [], []
    for lesson in course.lessons:
        found = notebooks.files_of(lesson, root)
        if "lesson" in found:
            place = folder / "lessons" / f"{lesson.stem}.ipynb"
            made.append(
                (place, notebooks.page_of_lesson(notebooks.read(found["lesson"])))
            )
            lessons.append(lesson.stem)
        if "exercise" in found and "checks" in found:
            solution = found.get("solution") if solutions else None
            place = folder / "exercises" / lesson.stem / f"{lesson.stem}.ipynb"
            page = notebooks.page_of_exercise(
                notebooks.read(found["exercise"]),
                found["checks"],
                notebooks.read(solution) if solution else None,
            )
            made.append((place, page))
            exercises.append(f"{lesson.stem}/{lesson.stem}")
    write_list(folder / "lessons", "Lessons", lessons)
    write_list(folder / "exercises", "Exercises", exercises)
    for place, _ in made:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()  # links between notebooks look whether the other one is there
    for place, page in made:
        for cell in page.cells:
            if cell.cell_type == "markdown":
                cell.source = mended(cell.source, place.parent, folder)
        nbformat.write(page, place)


def write_list(folder: Path, title: str, pages: list[str]) -> None:
    """Write the page that lists others, after what book/pages says there."""
    folder.mkdir(parents=True, exist_ok=True)
    said = folder / "index.md"
    text = said.read_text(encoding="utf-8") if said.is_file() else f"# {title}\n"
    listed = "\n".join(pages)
    text += f"\n```{{toctree}}\n:maxdepth: 1\n\n{listed}\n```\n"
    said.write_text(text, encoding="utf-8")
