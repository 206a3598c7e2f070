"""Where the course lies, where work goes, and how a file is written whole.

The course (course.toml, lessons, exercises, content, data) is a checkout whose root
holds this package, or the folder `digitdreams_course` that a wheel installs beside it.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import platformdirs

PACKAGE = Path(__file__).resolve().parent
INSTALLED = "digitdreams_course"  # the course's folder in an installation


class CourseMissing(FileNotFoundError):
    """A part of the course is not here; the message says what to do."""


def _root() -> Path:
    folders = (PACKAGE.parent, PACKAGE.parent / INSTALLED)
    present = [folder for folder in folders if (folder / "course.toml").is_file()]
    return (present or folders)[0]


ROOT = _root()  # of the course; `home` also checks that the course is there


def home() -> Path:
    """The folder that holds course.toml, lessons, exercises, content and data.

    Raises:
        CourseMissing: neither a checkout nor an installation with its course.
    """
    if (ROOT / "course.toml").is_file():
        return ROOT
    raise CourseMissing(
        f"course.toml is neither in {PACKAGE.parent} nor in its folder {INSTALLED}: "
        "install digitdreams again, or work in a whole checkout of the course"
    )


def in_checkout() -> bool:
    """Whether this package runs from a checkout, which has the authors' sources."""
    return PACKAGE.parent == ROOT and (ROOT / "sources").is_dir()


def checkout(purpose: str) -> Path:
    """The checkout's root, for work that only a checkout allows.

    Args:
        purpose: what it is for, as the beginning of a sentence: "Building notebooks".

    Raises:
        CourseMissing: the package was installed without the authors' sources.
    """
    if not in_checkout():
        raise CourseMissing(
            f"{purpose} needs a checkout of the course with its folder sources/; "
            f"the copy in {ROOT} has none"
        )
    return home()


def named_folder(variable: str) -> Path | None:
    """The folder that an environment variable names, None where it names none.

    Absolute, because kernels and workers run in other folders.
    """
    named = os.environ.get(variable, "").strip()
    return Path(named).expanduser().absolute() if named else None


def base() -> Path:
    """The folder below which `my_work` and `build` are written.

    DIGITDREAMS_HOME where it is set (`digitdreams --home`), else the checkout's root
    where this user may write there, else the folder that holds the `my_work` we are in
    (a notebook runs there), else the current folder.
    """
    named = named_folder("DIGITDREAMS_HOME")
    if named:
        return named
    if PACKAGE.parent == ROOT and os.access(ROOT, os.W_OK):
        return ROOT
    here = Path.cwd()
    around = [one.parent for one in (here, *here.parents) if one.name == "my_work"]
    return (around or [here])[0]


def settle_home() -> None:
    """Give libraries a home folder where this user has none that can be written.

    A user without an entry in the system's list, as in many containers, has none; some
    libraries fail then, and others write below the current folder or warn. Programs
    that this one starts see the same folder.
    """
    if os.name != "posix":
        return
    try:
        home = Path.home()
        if home.is_absolute() and home.is_dir() and os.access(home, os.W_OK):
            return
    except (RuntimeError, OSError):
        pass
    try:
        own = base() / "build" / "home"
    except OSError:  # the folder that we are in was removed
        return
    for name, value in os.environ.items():
        if name.startswith("DIGITDREAMS_") and value.strip().startswith("~"):
            os.environ[name] = os.path.expanduser(value.strip())
    os.environ["HOME"] = str(own)


def data_folder() -> Path:
    """The folder that holds `mnist`: DIGITDREAMS_DATA where it is set."""
    return named_folder("DIGITDREAMS_DATA") or ROOT / "data"


def work_folder() -> Path:
    """The folder `my_work`, where a student's notebooks and answers lie."""
    return base() / "my_work"


def relative(path: Path) -> str:
    """A path as seen from the working directory, where it lies below it."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a file beside `path`; it takes that name if the block ends well.

    On any trouble the old file stays as it was. The folder is made where it is missing.
    An error of the disk names `path`.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _beside(path) as partial:
            yield partial
    except OSError as error:
        beside = str(path.parent / f".{path.stem}.")
        if error.errno is not None and str(error.filename or beside).startswith(beside):
            error.filename = str(path)
        raise


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    # The suffix stays last: some writers look at it.
    handle, name = tempfile.mkstemp(
        dir=path.parent, prefix=f".{path.stem}.", suffix=path.suffix
    )
    os.close(handle)
    partial = Path(name)
    try:
        yield partial
        # mkstemp makes private files; a page or a course.toml is for everyone
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()
        partial.chmod(mode)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a whole file or, on any trouble, leave the old one as it was.

    Text is written in UTF-8 with its line ends as they are.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    with replacing(path) as partial:
        partial.write_bytes(data)


def _umask() -> int:
    """The process's umask, which can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


# Before any library asks for it. Keras keeps what it downloads there, too; the user's
# own keras.json would change every layer.
settle_home()
os.environ.setdefault(
    "KERAS_HOME",
    str(platformdirs.user_cache_path("digitdreams", appauthor=False) / "keras"),
)
