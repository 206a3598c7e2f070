"""Start the command line; what is missing here ends it with one line, no traceback."""

import contextlib
import io
import os
import signal
import sys
import tempfile
from typing import Any

# The modules that only an extra installs, and the extra: see pyproject.toml.
EXTRAS = {
    "dask": "grading",
    "dateutil": "grading",
    "distributed": "grading",
    "nbgrader": "grading",
    "psycopg2": "grading",
    "sqlalchemy": "grading",
    "traitlets": "grading",
    "genanki": "interview",
    "babel": "site",
    "docutils": "site",
    "furo": "site",
    "myst_nb": "site",
    "pagefind": "site",
    "py_mini_racer": "site",
    "sphinx": "site",
    "jupytext": "dev",
    "oxipng": "dev",
    "tomlkit": "dev",
}

# What reads notebooks imports it where it is installed, to check addresses that no
# notebook has: it would build forty grammars, for more than a second.
UNUSED: dict[str, Any] = {"rfc3987_syntax": None}


def main() -> None:
    """Load the commands and run the one that was asked for."""
    # A name or formula that the output's encoding lacks must not end a command.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    # Some programs say 0 where they have no terminal; nothing fits into no columns.
    for name in ("COLUMNS", "LINES"):
        if not os.environ.get(name, "1").strip("0"):
            del os.environ[name]
    # Programs that this one starts shall use the temporary folder that it has found.
    with contextlib.suppress(OSError):  # none can be written: told where it is needed
        os.environ.setdefault("TMPDIR", tempfile.gettempdir())
    # Ctrl-C while the commands still load ends the process at once.
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    sys.modules.update(UNUSED)
    try:
        from digitdreams.cli import app
        from digitdreams.files import CourseMissing, in_checkout
        from digitdreams.surroundings import in_one_line
    except PermissionError as error:
        sys.exit(
            f"{error.filename} is closed to this user: whoever installed the course "
            "types `chmod -R a+rX` and the name of its folder"
        )
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        in_one_line(app)()
    except CourseMissing as error:
        sys.exit(str(error))
    except ImportError as error:
        package = (error.name or "").partition(".")[0]
        if package == "digitdreams" and not in_checkout():
            sys.exit(
                f"This copy of the course holds no {error.name}, which this command "
                "needs: install the whole course, or work in a checkout of it"
            )
        if package not in EXTRAS or not isinstance(error, ModuleNotFoundError):
            raise
        sys.exit(missing(package))


def missing(package: str) -> str:
    """Say how to get a package that only an extra, or a checkout's lock, installs."""
    from digitdreams.files import in_checkout

    extra = f"`pip install 'digitdreams[{EXTRAS[package]}]'`"
    make = "`make site`" if EXTRAS[package] == "site" else "`make install`"
    remedy = make if in_checkout() else extra
    return f"This needs the package {package}, which is not installed: type {remedy}"
