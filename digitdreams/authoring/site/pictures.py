"""The gallery: every picture of the lessons, with its sentence."""

import hashlib
import tempfile
from html import escape
from pathlib import Path
from typing import Any

from digitdreams.authoring import gallery
from digitdreams.authoring.site.notebooks import hint_text, read
from digitdreams.course import Course


def write_gallery(folder: Path, course: Course, root: Path) -> None:
    """Write the page gallery.md, from the built lessons whose pictures it shares."""
    parts = [
        "# Gallery",
        "Every picture that the lessons make, as they made it when they were built.",
    ]
    for lesson in course.lessons:
        path = root / "lessons" / f"{lesson.stem}.ipynb"
        if not path.is_file():
            continue
        with tempfile.TemporaryDirectory() as place:
            images = Path(place)
            pictures = gallery.save_pictures(read(path), lesson.stem, images)
            shown = [picture(one, images) for one in pictures]
        if shown:
            parts.append(f"## {lesson.id} {lesson.title}")
            parts.append(f"[Lesson](lessons/{lesson.stem}.ipynb)")
            parts += shown
    (folder / "gallery.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def picture(row: dict[str, Any], images: Path) -> str:
    """Markdown of a picture; MyST-NB names its file after what is in it."""
    content = (images / row["file"]).read_bytes()
    name = hashlib.sha256(content).hexdigest() + Path(row["file"]).suffix
    size = f'width="{row["width"]}" height="{row["height"]}"'
    alt = escape(row["alt"])
    image = f'<p><img src="_images/{name}" alt="{alt}" {size} loading="lazy"></p>'
    if not row["caption"]:
        return image
    return f"{image}\n\n*{hint_text(row['caption'])}*"
