"""What was this made from? One answer for everything that the course keeps.

A stamp holds a digest of each part that a thing was made from: its own text, the code
of ours that it can reach in each module (see `digitdreams.tracing`), the data and model
files, and the versions of the libraries. Marks, calibrations, built notebooks, saved
generators, recorded benchmarks and the judge keep the stamp of their making; they are
stale as soon as the present one differs, and the parts say why.

    stamp = stamps.of("sources/tasks/03_vae.py", texts={"contract": contract})
    stamp.digest()                     # changes whenever numbers could change
    stamp.changes(recorded)            # ["digitdreams/metrics.py"]

Digests depend on content alone: not on times, line endings, comments, docstrings, hints
of types or layout of code, nor on where the checkout lies. Each call looks at the files
again, so a process that lives long sees changes; what it has imported stays as it was,
which `changed_since_start` tells. A missing file is an error that names it.

Code that makes pictures and text (DISPLAY) is kept apart from code that makes numbers:
a new style makes the figures stale, not what was trained. Where files lie and how
course.toml is read (UNCOUNTED) makes neither.
"""

import hashlib
import json
import os
import posixpath
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from types import MappingProxyType
from typing import Any

from digitdreams import tracing
from digitdreams.course import Course, Lesson, Number
from digitdreams.course import load as load_course
from digitdreams.files import PACKAGE, ROOT
from digitdreams.tracing import Places, Tracer, TracingError, Unit

LENGTH = 12  # hexadecimal digits of a part

# Folders, modules, or single names in modules: they make pictures and text, no number.
DISPLAY = frozenset(
    {
        "digitdreams/__init__.py",  # what TensorFlow prints
        *(  # what is said of an answer
            f"digitdreams/checks.py:{name}"
            for name in ("CheckFailed", "check", "hint", "judge")
        ),
        "digitdreams/console.py",
        "digitdreams/course.py:BarMissed",
        "digitdreams/course.py:Verdict",
        "digitdreams/course.py:expect",
        "digitdreams/interview/",
        "digitdreams/judge.py:Report",
        "digitdreams/plots.py",
        "digitdreams/progress.py",
        "digitdreams/quiet.py",
    }
)
# What finds files and reads course.toml. What was read counts where it is used.
UNCOUNTED = frozenset(
    {
        *(
            f"digitdreams/data.py:{name}"
            for name in (
                *("DataError", "_cache_file", "_read_cache", "_remedy"),
                *("_write_cache", "check_files"),
            )
        ),
        "digitdreams/files.py",
        "digitdreams/generators.py",
        "digitdreams/machine.py",
        *(
            f"digitdreams/models/__init__.py:{name}"
            for name in ("check", "load", "save_all")
        ),
        "digitdreams/ready.py",
        "digitdreams/stamps.py",
        "digitdreams/tracing.py",
        *(
            f"digitdreams/course.py:{name}"
            for name in (
                *("Course", "Generator", "Lesson", "Number", "Running"),
                *("UnknownLesson", "check_needs", "load", "read_generators"),
                *("read_lesson", "read_number", "running"),
            )
        ),
    }
)
# Who uses the name on the left reads the files on the right. Python files are modules
# that are imported by a computed name.
FILES = {
    "digitdreams/data.py:FOLDER": (
        "data/mnist/3.0.1/dataset_info.json",
        "data/mnist/3.0.1/features.json",
        "data/mnist/3.0.1/mnist-test.tfrecord-00000-of-00001",
        "data/mnist/3.0.1/mnist-train.tfrecord-00000-of-00001",
    ),
    "digitdreams/judge.py:FILE": ("digitdreams/judge.keras",),
    "digitdreams/captions/stored.py:FILE": ("digitdreams/captions/measurements.npz",),
    "digitdreams/captions/free.py:FILE": ("digitdreams/captions/requests.yaml",),
    "digitdreams/interview/bank.py:FOLDER": ("content/questions/*.yaml",),
    "digitdreams/interview/problems.py:FOLDER": ("content/problems/*.py",),
}
# Libraries whose version can change a number: the whole version, or the first so many
# components. NumPy keeps its random streams within a major version.
LIBRARIES = {"keras": 3, "tensorflow": 3, "numpy": 1}
TEXT = {".json", ".yaml", ".toml", ".md", ".html", ".txt", ".csv", ".ipynb", ".py"}


class StampError(Exception):
    """Something that a stamp is made from is missing; the message names it."""


@dataclass(frozen=True)
class Stamp:
    """Part -> digest, apart for what makes numbers and for what makes pictures or text.

    A part is a file or folder seen from the course's folder, a library, or a text that
    the caller named.
    """

    numbers: Mapping[str, str] = field(default_factory=dict)
    display: Mapping[str, str] = field(default_factory=dict)

    def digest(self, display: bool = False) -> str:
        """16 hexadecimal digits for the numbers, or for numbers and display."""
        parts = [sorted(self.numbers.items())]
        if display:
            parts.append(sorted(self.display.items()))
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]

    def changes(self, recorded: "Stamp | None", display: bool = False) -> list[str]:
        """The parts that differ from those of a recorded stamp; empty for none.

        Without a recorded stamp the answer is one line that says so.
        """
        if recorded is None:
            return ["made before stamps were kept"]
        found = differing(self.numbers, recorded.numbers)
        if display:
            found += differing(self.display, recorded.display)
        return found

    def as_data(self) -> dict[str, dict[str, str]]:
        """For JSON or TOML; `from_data` reads it."""
        return {
            "numbers": dict(sorted(self.numbers.items())),
            "display": dict(sorted(self.display.items())),
        }

    def numbers_made(self, how: str) -> dict[str, Any]:
        """`as_data` of the numbers alone, with a word on how they were made."""
        return {"how": how, "numbers": dict(sorted(self.numbers.items()))}

    @classmethod
    def from_data(cls, content: Any) -> "Stamp | None":
        """The stamp that `as_data` wrote; None for anything else."""
        try:
            parts = [
                {
                    str(name): str(digest)
                    for name, digest in content.get(key, {}).items()
                }
                for key in ("numbers", "display")
            ]
        except AttributeError:
            return None
        return cls(*parts) if parts[0] or parts[1] else None


def differing(now: Mapping[str, str], then: Mapping[str, str]) -> list[str]:
    found = []
    for part in sorted({*now, *then}):
        if part not in then:
            found.append(f"{part} (new)")
        elif part not in now:
            found.append(f"{part} (no longer used)")
        elif now[part] != then[part]:
            found.append(part)
    return found


# Making a stamp -----------------------------------------------------------------------


def of(
    *sources: str | Path,
    texts: Mapping[str, str] = MappingProxyType({}),
    shown: Mapping[str, str] = MappingProxyType({}),
    files: Iterable[str] = (),
    root: Path = ROOT,
) -> Stamp:
    """The stamp of what these sources make, today.

    Args:
        sources: Python files or notebooks, seen from `root` or absolute. `file.py`
            counts whole; of `file.py:name` only what `name` can reach.
        texts: more parts that make numbers, by name, such as a contract.
        shown: more parts that are only shown.
        files: files or patterns that the sources read, seen from `root`.
        root: the course's folder. Its own package counts where it holds one, as a
            checkout does, else the package that runs.

    Raises:
        StampError: a file is missing or is not Python; the message names it.
    """
    places = places_of(root)
    try:
        counted = trace(places, sources, "numbers")
        both = trace(places, sources, "numbers", "display")
    except TracingError as error:
        raise StampError(str(error)) from error
    numbers = {**code_parts(counted), **versions(counted.trace.foreign)}
    numbers |= data_parts(places, {*files_read(counted)})
    numbers |= data_parts(places, {(one,) for one in files})
    numbers |= {name: digest_of(text) for name, text in texts.items()}
    display = code_parts(both, without=counted)
    display |= data_parts(places, files_read(both) - files_read(counted))
    display |= {name: digest_of(text) for name, text in shown.items()}
    return Stamp(numbers, display)


def places_of(root: Path) -> Places:
    root = Path(root).resolve()
    own = root / tracing.PACKAGE
    return Places(own if (own / "__init__.py").is_file() else PACKAGE, root)


def trace(places: Places, sources: Iterable[str | Path], *kinds: str) -> Tracer:
    """Follow the sources through code of these kinds."""
    tracer = Tracer(places, lambda label, unit: kind_of(label, unit) in kinds)
    for source in sources:
        file, _, name = str(source).partition(".py:")
        path = locate(places, file + ".py" if name else file)
        if not name:
            tracer.whole(path)
            continue
        tracer.load(path)
        if not tracer.name(path, name):
            raise TracingError(f"{places.label(path)} has no {name}")
    seen: set[Path] = set()
    while new := sorted(modules_read(places, tracer) - seen):
        seen.update(new)
        for path in new:
            tracer.whole(path)
    return tracer


def kind_of(label: str, unit: Unit | None) -> str:
    """`numbers`, `display` or `uncounted`: what a unit of a file makes."""
    names = [label, posixpath.dirname(label) + "/"]
    names += [f"{label}:{name}" for name in (unit.names if unit else ())]
    for name in names:
        if name in UNCOUNTED:
            return "uncounted"
        if name in DISPLAY:
            return "display"
    return "numbers"


def code_parts(tracer: Tracer, without: Tracer | None = None) -> dict[str, str]:
    """A part for each file, over the units that count, in the order of the text.

    Modules that FILES declares by a pattern are one part together.
    """
    together = {
        path: posixpath.dirname(pattern)
        for pattern in sum(files_read(tracer), ())
        if pattern.endswith("*.py")
        for path in matching(tracer.places, pattern)
    }
    texts: dict[str, str] = {}
    for path, module, numbers in tracer:
        left_out = without.trace.units.get(path, set()) if without else set()
        found = "".join(module.units[n].digest for n in numbers if n not in left_out)
        if found:
            part = together.get(path) or tracer.label(path)
            texts[part] = texts.get(part, "") + path.name + found
    return {part: digest_of(text) for part, text in texts.items()}


def files_read(tracer: Tracer) -> set[tuple[str, ...]]:
    """The files that FILES declares for the units that were reached."""
    found = set()
    for path, module, numbers in tracer:
        label = tracer.label(path)
        for number in numbers:
            for name in module.units[number].names:
                if f"{label}:{name}" in FILES:
                    found.add(FILES[f"{label}:{name}"])
    return found


def modules_read(places: Places, tracer: Tracer) -> set[Path]:
    """The Python files among those that were declared."""
    patterns = [one for group in files_read(tracer) for one in group]
    return {
        path
        for pattern in patterns
        if pattern.endswith(".py")
        for path in matching(places, pattern)
    }


def data_parts(places: Places, groups: Iterable[tuple[str, ...]]) -> dict[str, str]:
    """A part for each group of files, named by the folder that holds them all."""
    parts = {}
    for group in groups:
        patterns = [one for one in group if not one.endswith(".py")]
        if patterns:
            found = [
                f"{path.name} {digest_of_file(path)}"
                for pattern in patterns
                for path in matching(places, pattern)
            ]
            parts[posixpath.commonpath(patterns).partition("/*")[0]] = digest_of(
                "\n".join(found)
            )
    return parts


def versions(foreign: Iterable[str]) -> dict[str, str]:
    """The versions of the libraries that were reached."""
    used = set(foreign) & set(LIBRARIES)
    if "keras" in used:
        used.add("tensorflow")  # its backend
    return {
        name: ".".join(metadata.version(name).split(".")[: LIBRARIES[name]])
        for name in used
    }


# Files --------------------------------------------------------------------------------


def locate(places: Places, name: str) -> Path:
    """The path of a file of the course, which need not exist."""
    if name.startswith(f"{tracing.PACKAGE}/"):
        return places.package.parent / name
    elsewhere = os.environ.get("DIGITDREAMS_DATA")
    if elsewhere and name.startswith("data/"):
        return Path(elsewhere).resolve() / name.removeprefix("data/")
    return places.root / name


def matching(places: Places, pattern: str) -> list[Path]:
    """The files that a pattern such as `content/questions/*.yaml` names, sorted.

    Raises:
        StampError: there is none.
    """
    if "*" not in pattern:
        return [locate(places, pattern)]
    folder = locate(places, posixpath.dirname(pattern))
    found = sorted(folder.glob(posixpath.basename(pattern)))
    if not found:
        raise StampError(f"no file {pattern} exists below {places.root}")
    return found


_digests: dict[Path, tuple[tuple[int, int], str]] = {}


def digest_of_file(path: Path) -> str:
    """A digest of a file's content, of text whatever its line endings.

    Raises:
        StampError: the file cannot be read.
    """
    try:
        status = path.stat()
        key = (status.st_mtime_ns, status.st_size)
        if path not in _digests or _digests[path][0] != key:
            content = path.read_bytes()
            if path.suffix in TEXT:
                content = content.replace(b"\r\n", b"\n")
            _digests[path] = key, hashlib.sha256(content).hexdigest()
    except OSError as error:
        raise StampError(
            f"{path} is missing or cannot be read ({error.strerror}); it is needed to "
            "tell what was made from it"
        ) from error
    return _digests[path][1]


def digest_of(text: str) -> str:
    content = "\n".join(text.splitlines()).encode()
    return hashlib.sha256(content).hexdigest()[:LENGTH]


def package_files() -> dict[str, str]:
    """Module -> digest of each file of the package, as it is now."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        name = ".".join(parts).removesuffix(".__init__")
        found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


_at_start = package_files()


def changed_since_start() -> list[str]:
    """Imported modules of ours whose files have changed since this process began.

    Stamps speak of files. A process that lives long, such as a Dask worker, has old
    code in memory after an update: where this names a module, it must start again.
    """
    now = package_files()
    return [
        name
        for name, digest in _at_start.items()
        if name in sys.modules and now.get(name) != digest
    ]


# The things of the course -------------------------------------------------------------


def of_lesson(lesson: Lesson, root: Path = ROOT) -> Stamp:
    """The stamp of a lesson.

    Its numbers make the calibration and the generator that it saves; with its display
    they make the notebook.

    Raises:
        StampError: a file is missing.
    """
    course = load_course(root / "course.toml")
    source = source_of("lessons", lesson, root)
    needed = {
        f"lesson {one}": of_lesson(course.find(one), root).digest()
        for one in lesson.needs
    }
    shown = {"text": text_of(root / source)}
    shown["course.toml"] = contract(course, lesson, lesson.numbers)
    read = []
    for one in lesson.reads:
        if one == "course.toml":
            shown["table of contents"] = contents(course)
        elif one.startswith("lesson "):
            other = course.find(one.removeprefix("lesson "))
            shown[f"{one} in course.toml"] = contract(course, other, other.numbers)
        else:
            read.append(one)
    return of(source, texts=needed, shown=shown, files=read, root=root)


def of_solution(lesson: Lesson, root: Path = ROOT) -> Stamp:
    """The stamp of an exercise's solution: its numbers make its calibration.

    Raises:
        StampError: a file is missing.
    """
    return of(source_of("solutions", lesson, root), root=root)


def of_exercise(lesson: Lesson, root: Path = ROOT) -> Stamp:
    """The stamp of an exercise as it is handed out, and of its solution's notebook.

    Raises:
        StampError: a file is missing.
    """
    tasks = (f"sources/tasks/{lesson.stem}.py", "digitdreams/tasks.py:write")
    text = text_of(root / source_of("solutions", lesson, root))
    return of(*tasks, shown={"text": text}, root=root)


def of_judge(root: Path = ROOT) -> Stamp:
    """The stamp of the judge's weights: its training, not how it is used.

    Raises:
        StampError: a file is missing.
    """
    return of("digitdreams/judge.py:fit", root=root)


def of_judgement(judge: Path | None = None, root: Path = ROOT) -> Stamp:
    """The stamp of the accuracies and the score in the record of a judge's file.

    Raises:
        StampError: a file is missing.
    """
    judge = judge or places_of(root).package / "judge.keras"
    code = of("digitdreams/judge.py:measure", root=root).numbers
    numbers = {**code, "digitdreams/judge.keras": digest_of_file(judge)[:LENGTH]}
    return Stamp(numbers)


def of_measurements(root: Path = ROOT) -> Stamp:
    """The stamp of the stored attributes of the digits: the ruler and the digits.

    Raises:
        StampError: a file is missing.
    """
    digits = FILES["digitdreams/data.py:FOLDER"]
    return of("digitdreams/attributes.py:measure", files=digits, root=root)


def of_handbook(course: Course, root: Path = ROOT) -> Stamp:
    """The stamp of INSTRUCTORS.md's tables: specifications, exercises and contracts.

    Raises:
        StampError: a file is missing.
    """
    lessons = [one for one in course.lessons if one.exercise_numbers]
    sources = ["digitdreams/authoring/handbook.py"]
    sources += [f"sources/tasks/{one.stem}.py" for one in lessons]
    made_from = of(*sources, root=root)
    # What the specifications only use, such as the judge, is in no table.
    numbers = {name: made_from.numbers[name] for name in sources}
    for one in lessons:
        path = root / source_of("solutions", one, root)
        printed = [one.exercise_minutes, contract(course, one, one.exercise_numbers)]
        numbers[f"exercise {one.id}"] = digest_of(f"{text_of(path)}\0{printed}")
    return Stamp(numbers)


# Benchmark -> its recipe and its measure in benchmarks/published.py.
BENCHMARKS = {
    "gan": ("TensorFlowDCGAN", "measure_samples"),
    "conditional": ("KerasConditionalGAN", "measure_samples"),
    "vae": ("KerasVAE", "measure_nats"),
    "pixels": ("KerasPixelCNN", "measure_thresholded"),
    "diffusion": ("PulferDDPM", "measure_diffusion"),
}


def of_benchmark(name: str, root: Path = ROOT) -> Stamp:
    """The stamp of a recorded curve: the published recipe, its training and measure.

    Raises:
        StampError: a file is missing.
    """
    names = (*BENCHMARKS[name], "build", "steps_of")
    return of(*(f"benchmarks/published.py:{one}" for one in names), root=root)


def is_built(kind: str, lesson: Lesson, root: Path = ROOT) -> bool:
    """Whether a notebook's code is that of its source; `kind` as in `source_of`.

    Raises:
        StampError: one of the two is missing.
    """
    source = root / source_of(kind, lesson, root)
    try:
        return tracing.read(source) == tracing.read(notebook_of(kind, lesson, root))
    except TracingError as error:
        raise StampError(str(error)) from error


def recorded_in(notebook: Path) -> Stamp | None:
    """The stamp that a built notebook carries, None where there is none.

    Raises:
        StampError: the notebook is missing or is none.
    """
    try:
        content = json.loads(notebook.read_text(encoding="utf-8"))
        metadata = content.get("metadata", {}).get("digitdreams", {})
    except (OSError, ValueError, AttributeError) as error:
        raise StampError(f"cannot read {notebook}: {error}") from error
    return Stamp.from_data(metadata.get("stamp"))


def notebook_of(kind: str, lesson: Lesson, root: Path = ROOT) -> Path:
    """The notebook of a lesson (kind `lessons`), exercise or solution."""
    folder = root / kind if kind == "lessons" else root / kind / lesson.stem
    return folder / f"{lesson.stem}.ipynb"


def source_of(kind: str, lesson: Lesson, root: Path) -> str:
    """The text of a notebook (kind `lessons` or `solutions`), seen from `root`.

    An installation has no sources: there it is the notebook itself.
    """
    source = f"sources/{kind}/{lesson.stem}.py"
    if (root / source).is_file():
        return source
    return notebook_of(kind, lesson, root).relative_to(root).as_posix()


def text_of(path: Path) -> str:
    """All of a source; of a notebook its cells, not what they have put out.

    Raises:
        StampError: the file is missing.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise StampError(f"cannot read {path}: {error.strerror}") from error
    if path.suffix == ".ipynb":
        return json.dumps([cell["source"] for cell in json.loads(text)["cells"]])
    return text


def contract(course: Course, lesson: Lesson, numbers: Iterable[Number]) -> str:
    """What a notebook prints of course.toml."""
    printed = [
        [one.name, one.label, one.unit, one.side, one.bar, one.stretch, one.typical]
        for one in numbers
    ]
    return json.dumps([course.seed, lesson.id, lesson.title, printed])


def contents(course: Course) -> str:
    """What a table of contents shows of the lessons, but for what calibration sets."""
    return json.dumps(
        [
            [one.id, one.title, one.part, one.after, bool(one.exercise_numbers)]
            for one in course.lessons
        ]
    )
