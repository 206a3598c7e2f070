"""The student's workspace `my_work`: copies to run and change, beside the course.

It mirrors the course: `my_work/lessons`, `my_work/exercises`, `my_work/images`. So a
relative link in a notebook leads from copy to copy. A copy is renewed with the course
for as long as nobody has changed it; work is never overwritten.
"""

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from posixpath import normpath
from urllib.parse import unquote, urlsplit

import nbformat
from markdown_it import MarkdownIt
from nbformat import NotebookNode

from digitdreams import checks, files
from digitdreams.course import Lesson

MANIFEST = ".copied.json"  # in the workspace: name of a copy -> digest when copied
FOLDERS = ("lessons", "exercises", "images")  # what a workspace mirrors
SETTINGS = Path(__file__).parent / "jupyter"  # for the students' JupyterLab


class WorkspaceError(Exception):
    """The workspace cannot be written; the message says which file and why."""


@dataclass
class Report:
    """What `refresh` did; names are relative to the workspace, with slashes.

    Attributes:
        copied: files that were missing.
        renewed: copies that nobody had changed and the course had changed.
        kept: files that stay although the course differs, and why.
    """

    copied: list[str] = field(default_factory=list)
    renewed: list[str] = field(default_factory=list)
    kept: dict[str, str] = field(default_factory=dict)


def page(lesson: Lesson, exercise: bool = False) -> str:
    """The notebook of a lesson or its exercise, as seen from the workspace's root."""
    stem = lesson.stem
    return f"exercises/{stem}/{stem}.ipynb" if exercise else f"lessons/{stem}.ipynb"


# What belongs together ----------------------------------------------------------------


def links(notebook: NotebookNode) -> Iterator[str]:
    """The relative links and images of a notebook's text, without `#` parts."""
    for cell in notebook.cells:
        if cell.cell_type != "markdown":
            continue
        for token in MarkdownIt().parse(cell.source):
            for one in (token, *(token.children or ())):
                found = [one.attrGet("href"), one.attrGet("src")]
                if one.type in ("html_block", "html_inline"):
                    found = re.findall(r"(?:href|src)=[\"']([^\"']+)", one.content)
                for link in filter(None, found):
                    parts = urlsplit(str(link))
                    if parts.path and not (parts.scheme or parts.netloc):
                        yield unquote(parts.path)


def is_here(page: str) -> bool:
    """Whether this copy of the course has a page; a handout has only some."""
    return (files.home() / page).is_file()


def with_all_they_need(pages: Iterable[str]) -> list[str]:
    """These notebooks, their checks, and whatever they link to, over any distance.

    Raises:
        CourseMissing: one of the pages is not here.
    """
    home = files.home()
    waiting: list[str] = []
    for asked in pages:
        if not is_here(asked):
            raise files.CourseMissing(f"This copy of the course holds no {asked}")
        waiting.append(asked)
    found: list[str] = []
    while waiting:
        name = waiting.pop(0)
        path = home / name
        if name in found or name.split("/")[0] not in FOLDERS or not path.is_file():
            continue
        found.append(name)
        if path.suffix != ".ipynb":
            continue
        folder = PurePosixPath(name).parent
        waiting.append(str(folder / checks.FILE_NAME))
        notebook = nbformat.v4.reads(path.read_text(encoding="utf-8"))
        waiting += [normpath(str(folder / link)) for link in links(notebook)]
    return found


# Copies -------------------------------------------------------------------------------


def digest(name: str, content: bytes) -> str:
    """Identify a file's content; of a notebook, what a reader sees and writes.

    JupyterLab writes the kernel's name and version into a notebook as soon as it is
    opened, and the course records from what it built one: neither is a reader's work,
    nor news to a reader.
    """
    if name.endswith(".ipynb"):
        with contextlib.suppress(ValueError, KeyError, AttributeError, TypeError):
            notebook = nbformat.v4.reads(content.decode("utf-8"))
            for key in ("digitdreams", "kernelspec", "language_info"):
                notebook.metadata.pop(key, None)
            content = nbformat.v4.writes(notebook).encode("utf-8")
    return hashlib.sha256(content).hexdigest()


def for_this_kernel(content: bytes) -> NotebookNode:
    """A notebook that names this Python as its kernel, as JupyterLab would do it.

    JupyterLab would otherwise change the notebook by opening it, and ask a reader who
    only read whether to save.
    """
    from ipykernel.ipkernel import IPythonKernel
    from ipykernel.kernelspec import get_kernel_dict

    notebook = nbformat.v4.reads(content.decode("utf-8"))
    notebook.metadata.kernelspec = {
        "display_name": get_kernel_dict()["display_name"],
        "language": "python",
        "name": "python3",
    }
    notebook.metadata.language_info = IPythonKernel.language_info
    return notebook


def copy(name: str, content: bytes, folder: Path) -> None:
    """Write one file of the course into the workspace; notebooks become trusted.

    Who runs this package trusts its notebooks: JupyterLab shows their outputs at once.
    """
    if name.endswith(".ipynb"):
        from nbformat.sign import NotebookNotary

        notebook = for_this_kernel(content)
        with contextlib.suppress(OSError):  # a home folder that cannot be written
            NotebookNotary().sign(notebook)
        content = (nbformat.v4.writes(notebook) + "\n").encode("utf-8")
    files.write_atomically(folder / name, content)


def fits(old: bytes, new: bytes) -> bool:
    """Whether new checks suit a notebook that was written for the old ones.

    They do where every task of the old ones is there with the same arguments, or
    where this version of the course cannot read the old ones at all.
    """
    asked = []
    for content in (old, new):
        try:
            tasks = json.loads(content)
            if tasks["format"] != checks.FORMAT:
                return True
            asked.append(
                {
                    name: (task["observe"], sorted(checks.decode(task["cases"][0])))
                    for name, task in tasks["tasks"].items()
                }
            )
        except (ValueError, KeyError, TypeError, IndexError):
            return True
    before, after = asked
    return before.items() <= after.items()


def read_manifest(folder: Path) -> dict[str, str]:
    """What was copied, empty where nothing was or the record is damaged."""
    try:
        recorded = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return {str(name): str(value) for name, value in recorded["files"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def refresh(pages: Iterable[str]) -> Report:
    """Bring notebooks, and what they need, into the workspace.

    Args:
        pages: names that `page` gives.

    Raises:
        WorkspaceError: a file cannot be read or written.
        CourseMissing: the course is not here.
    """
    home, folder = files.home(), files.work_folder()
    known, report = read_manifest(folder), Report()
    before = dict(known)
    try:
        for name in with_all_they_need(pages):
            bring(name, home, folder, known, report)
        if known != before:
            record = {"format": 1, "files": dict(sorted(known.items()))}
            files.write_atomically(folder / MANIFEST, json.dumps(record, indent=1))
    except files.CourseMissing:
        raise
    except OSError as error:
        raise WorkspaceError(
            f"{error.filename or folder} cannot be written or read: {error.strerror}"
        ) from error
    return report


def bring(
    name: str, home: Path, folder: Path, known: dict[str, str], report: Report
) -> None:
    """Copy, renew or keep one file; `known` and `report` are changed in place."""
    content = (home / name).read_bytes()
    offered, target = digest(name, content), folder / name
    if target.exists():
        mine = target.read_bytes()
        present = digest(name, mine)
        if present == offered:
            known[name] = offered
            return
        if known.get(name) == offered:  # changed here, and the course has no newer one
            return
        if known.get(name) != present:
            report.kept[name] = "it is not as it was copied"
            return
        beside = PurePosixPath(name)
        notebook = beside.with_name(f"{beside.parent.name}.ipynb")
        if str(notebook) in report.kept and not fits(mine, content):
            report.kept[name] = "your notebook beside it needs it"
            return
        report.renewed.append(name)
    else:
        report.copied.append(name)
    copy(name, content, folder)
    known[name] = offered


def from_earlier_layout(lessons: Iterable[Lesson]) -> list[str]:
    """A sentence about each exercise that an earlier version copied elsewhere."""
    folder = files.work_folder()
    return [
        f"{files.relative(folder / one.stem)} is from an earlier version of the "
        f"course: it stays as it is, and you can go on in it; new copies lie in "
        f"{files.relative(folder / 'exercises' / one.stem)}"
        for one in lessons
        if (folder / one.stem).is_dir()
    ]


# JupyterLab ---------------------------------------------------------------------------


def lab(page: str, options: list[str]) -> None:
    """Run JupyterLab in the workspace until it is stopped.

    Args:
        page: the notebook that it opens, relative to the workspace.
        options: of JupyterLab's own command line, such as `--port=9999`.
    """
    folder = files.work_folder()
    searched = [str(SETTINGS), os.environ.get("JUPYTER_CONFIG_PATH", "")]
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(filter(None, searched))
    # A kernel works in its notebook's folder; what lessons save lies beside my_work.
    os.environ["DIGITDREAMS_HOME"] = str(folder.parent)
    from jupyterlab.labapp import LabApp

    LabApp.launch_instance(
        [
            f"--ServerApp.root_dir={folder}",
            f"--LabApp.default_url=/lab/tree/{page}",
            # Open tabs are remembered here: other folders have other files.
            f"--LabApp.workspaces_dir={folder / '.jupyter' / 'workspaces'}",
            *options,
        ]
    )
