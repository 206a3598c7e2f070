"""Whether a notebook can begin here, and in one line what to do where it cannot."""

import os
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

from digitdreams import data, files


class NotReady(RuntimeError):
    """Something that every notebook needs is missing; the message says what to do."""

    def _render_traceback_(self) -> list[str]:
        """Let IPython show the line instead of the way to it."""
        return [f"{type(self).__name__}: {self}"]


def check_files() -> None:
    """Look for course.toml, the digits, and the files that the package itself brings.

    Raises:
        NotReady: names the first file that is missing or damaged.
    """
    try:
        files.home()
        data.check_files(Path(data.FOLDER))
    except (files.CourseMissing, data.DataError) as error:
        raise NotReady(str(error)) from None
    for name in ("judge.keras", "judge.json"):
        path = files.PACKAGE / name
        if not path.is_file():
            restore = "install digitdreams again"
            if files.in_checkout():
                restore = "restore it with `git checkout -- digitdreams`"
            raise NotReady(f"{path} is missing: {restore}")


def check_keras() -> None:
    """Import Keras and TensorFlow, and see that the one computes with the other.

    Raises:
        NotReady: one of them is missing or broken, Keras is older than 3, or it
            computes with another backend.
    """
    try:
        import tensorflow  # noqa: F401
    except ImportError as error:
        raise NotReady(
            f"TensorFlow cannot be imported ({error}): {install('tensorflow')}"
        ) from None
    try:
        import keras
    except (ImportError, ValueError) as error:
        named = os.environ.get("KERAS_BACKEND", "tensorflow")
        if named == "tensorflow":
            raise NotReady(
                f"Keras cannot be imported ({error}): {install('keras')}"
            ) from None
        backend = named
    else:
        if keras.__version__.split(".")[0] != "3":
            raise NotReady(f"This is Keras {keras.__version__}: {install('keras')}")
        backend = keras.backend.backend()
    if backend != "tensorflow":
        raise NotReady(
            f"Keras computes with {backend!r} here, and the course needs TensorFlow: "
            "set the environment variable KERAS_BACKEND to tensorflow before Keras is "
            "imported (%env KERAS_BACKEND=tensorflow in a new first cell), restart the "
            "kernel and run the notebook again"
        )
    # The user's own keras.json may say otherwise, where Keras was loaded before us.
    keras.config.set_image_data_format("channels_last")
    keras.config.set_floatx("float32")
    keras.config.set_epsilon(1e-7)


def wanted() -> dict[str, Requirement]:
    """What this installation of the course asks for; empty where it is not known."""
    try:
        lines = metadata.requires("digitdreams") or []
    except metadata.PackageNotFoundError:  # a checkout that was never installed
        return {}
    return {one.name: one for one in map(Requirement, lines)}


def install(name: str) -> str:
    """The remedy for a package: what to type, and that the kernel must be restarted."""
    asked = wanted().get(name)
    exact = f"{name}{asked.specifier}" if asked else name
    return f"run `%pip install {exact}` in a cell, then restart the kernel"


def notes() -> list[str]:
    """A line for Keras or TensorFlow where another version than the course's is loaded.

    Lessons will probably run, but numbers may miss their bars.
    """
    import keras
    import tensorflow as tf

    lines = []
    loaded = {"keras": keras.__version__, "tensorflow": tf.__version__}
    for name, version in loaded.items():
        asked = wanted().get(name)
        if asked and not asked.specifier.contains(version, prereleases=True):
            lines.append(
                f"note: {name} {version} is loaded, the course was measured with "
                f"{asked.specifier}: numbers may differ. For that version, "
                f"{install(name)}."
            )
    return lines
