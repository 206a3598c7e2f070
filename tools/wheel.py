"""Put the course beside the package in a wheel, as digitdreams/files.py expects it.

An editable installation takes the course from the checkout and gets no copy.
"""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PARTS = ("course.toml", "content", "data", "exercises", "images", "lessons")


class CourseHook(BuildHookInterface):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the course's parts; `version` is "standard" or "editable"."""
        if version != "standard":
            return
        root = Path(self.root)
        for part in PARTS:
            for path in sorted([root / part, *(root / part).rglob("*")]):
                name = path.relative_to(root)
                hidden = any(one.startswith((".", "__")) for one in name.parts)
                if path.is_file() and not hidden:
                    build_data["force_include"][name] = f"digitdreams_course/{name}"
