"""A copy of the course in which files may be changed."""

import shutil
from pathlib import Path

from digitdreams import course, stamps
from digitdreams.stamps import Stamp
from places import ROOT

FOLDERS = (
    *("benchmarks", "content", "data", "digitdreams", "docs", "exercises", "images"),
    *("lessons", "solutions", "sources"),
)
FILES = ("course.toml", "INSTRUCTORS.md", "nbgrader_config.py", "README.md")


class Copy:
    """A copy of the course whose files may be changed, and its stamps."""

    def __init__(self, root: Path):
        self.root = root
        ignored = shutil.ignore_patterns("__pycache__")
        for name in FOLDERS:
            shutil.copytree(ROOT / name, root / name, ignore=ignored)
        for name in FILES:
            shutil.copy(ROOT / name, root)
        self.changed: set[str] = set()
        self.before = self.stamps()

    def stamps(self) -> dict[str, Stamp]:
        found = {}
        for one in course.load(self.root / "course.toml").lessons:
            found[f"lesson {one.id}"] = stamps.of_lesson(one, self.root)
            if one.exercise_numbers:
                found[f"exercise {one.id}"] = stamps.of_exercise(one, self.root)
                found[f"solution {one.id}"] = stamps.of_solution(one, self.root)
        found["judge"] = stamps.of_judge(self.root)
        found["measurements"] = stamps.of_measurements(self.root)
        found["judgement"] = stamps.of_judgement(root=self.root)
        for name in stamps.BENCHMARKS:
            found[f"benchmark {name}"] = stamps.of_benchmark(name, self.root)
        return found

    def change(self, name: str, old: str, new: str) -> None:
        text = (ROOT / name).read_text("utf-8")
        assert old in text
        self.write(name, text.replace(old, new, 1).encode())

    def write(self, name: str, content: bytes | None) -> None:
        """Replace a file, or take it away."""
        self.changed.add(name)
        path = self.root / name
        path.unlink()
        if content is not None:
            path.write_bytes(content)

    def restore(self) -> None:
        for name in self.changed:
            shutil.copy(ROOT / name, self.root / name)
        self.changed.clear()

    def stale(self, display: bool = False) -> dict[str, list[str]]:
        """What differs from before: thing -> parts."""
        now = self.stamps()
        differences = {
            name: now[name].changes(self.before[name], display) for name in now
        }
        return {name: parts for name, parts in differences.items() if parts}
