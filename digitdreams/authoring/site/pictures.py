"""The gallery: every picture of the lessons, with its sentence."""

from pathlib import Path

from digitdreams.authoring import gallery
from digitdreams.authoring.site.notebooks import read
from digitdreams.course import Course


def write_gallery(folder: Path, course: Course, root: Path) -> None:
    """Write the page gallery.md and its pictures, from the built lessons."""
    images = folder / "gallery"
    images.mkdir(parents=True, exist_ok=True)
    parts = [
        "# Gallery",
        "Every picture that the lessons make, as they made it when they were built.",
    ]
    for lesson in course.lessons:
        path = root / "lessons" / f"{lesson.stem}.ipynb"
        if not path.is_file():
            continue
        pictures = gallery.save_pictures(read(path), lesson.stem, images)
        if not pictures:
            continue
        parts.append(
            f"## {lesson.id} {lesson.title}\n\n[Lesson](lessons/{lesson.stem}.ipynb)"
        )
        for one in pictures:
            alt = one["alt"].replace("[", "(").replace("]", ")")
            parts.append(f"![{alt}](gallery/{one['file']})")
            if one["caption"]:
                caption = one["caption"].replace("*", r"\*").replace("_", r"\_")
                parts.append(f"*{caption}*")
    (folder / "gallery.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")
