"""Checks and hints inside an exercise notebook.

An exercise folder holds `checks.json`: for every task some inputs, the expected
results, the results of plausible wrong answers with what to say about each,
and hints. It holds data only: neither the solution's code nor pickles.
"""

import inspect
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitdreams import course, files

FILE_NAME = "checks.json"
FORMAT = 2  # 2: other weights and inputs for "activations"

Answer = Callable[..., Any]  # a student's function
Case = dict[str, Any]  # the arguments of one call
Data = dict[str, Any]  # what checks.json holds of an exercise, or of one task

_hints_given: dict[str, int] = {}


class CheckFailed(AssertionError):
    """The answer is not right yet; the message says in what way."""

    def _render_traceback_(self) -> list[str]:
        """Let IPython show the message instead of the way to it."""
        return [f"Not yet: {self}"]


# Values that can be written down ------------------------------------------------


def plain(value: Any) -> Any:
    """Turn tensors into arrays and tuples into lists, at any depth."""
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple, range)):
        return [plain(one) for one in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (np.ndarray, np.generic)):
        found = np.asarray(value)
        return plain(found.tolist()) if found.dtype.kind in "OU" else found
    import keras

    if keras.ops.is_tensor(value) or isinstance(value, keras.Variable):
        return keras.ops.convert_to_numpy(value)
    raise CheckFailed(
        f"the result is of type {type(value).__name__}: return an array, a number, "
        "or a list of these"
    )


def encode(value: Any) -> Any:
    """Write a plain value as JSON; arrays keep their type and shape."""
    if isinstance(value, dict):
        return {"dict": {key: encode(one) for key, one in value.items()}}
    if isinstance(value, list):
        return [encode(one) for one in value]
    if isinstance(value, np.ndarray):
        values = value.ravel().tolist()
        if value.dtype == np.float32:  # the shortest text that reads back the same
            values = [float(str(one)) for one in value.ravel()]
        return {"dtype": str(value.dtype), "shape": list(value.shape), "values": values}
    return value


def decode(value: Any) -> Any:
    """Read what `encode` wrote."""
    if isinstance(value, list):
        return [decode(one) for one in value]
    if isinstance(value, dict) and "dict" in value:
        return {key: decode(one) for key, one in value["dict"].items()}
    if isinstance(value, dict):
        return np.array(value["values"], value["dtype"]).reshape(value["shape"])
    return value


# What is observed of an answer ----------------------------------------------------


def observe_value(function: Answer, case: Case) -> Any:
    """What the answer returns."""
    return plain(function(**case))


def observe_both(function: Answer, case: Case) -> Any:
    """Give the arrays of floats once as they are and once as tensors."""
    import keras

    tensors = {
        key: keras.ops.convert_to_tensor(one)
        if isinstance(one, np.ndarray) and one.dtype.kind == "f"
        else one
        for key, one in case.items()
    }
    return [plain(function(**one)) for one in (case, tensors)]


def observe_model(function: Answer, case: Case) -> Any:
    """Look at the model that the answer builds; see `look_at`."""
    return look_at(*called(function, case))


def observe_activations(function: Answer, case: Case) -> Any:
    """Look at a model, and at what it makes of its inputs with our weights.

    A weight's value depends on its shape and its last axis only: neither the order of
    a model's layers nor that of what they join counts. Weights and inputs are short
    binary fractions: a processor may add their products in any order, and even sums
    of 200,000 of them come out the same to the last bit.
    """
    import keras

    model, x = called(function, case)
    found = look_at(model, x)
    for weight in model.trainable_variables:
        *others, last = weight.shape
        each = short_fractions(np.cos(2 * np.arange(last) + 1), 4)
        each *= 2.0 ** -np.round(np.log2(np.prod(others)) / 2)  # sums of about 1
        weight.assign(np.broadcast_to(each, weight.shape))
    x = keras.tree.map_structure(small, x)
    outputs = [np.asarray(one) for one in keras.tree.flatten(model(x))]
    return {**found, "outputs with our weights (are all activations there?)": outputs}


def short_fractions(values: NDArray[Any], parts: int) -> NDArray[Any]:
    """Round to multiples of 1 / parts, a power of two."""
    return np.round(values * parts) / parts


def small(values: NDArray[Any]) -> NDArray[Any]:
    """Bring floats into [-1, 1] as short binary fractions; leave whole numbers."""
    if values.dtype.kind != "f":
        return values
    return short_fractions(values / max(1, np.abs(values).max()), 8)


def called(function: Answer, case: Case) -> tuple[Any, Any]:
    """Return the model that an answer builds, and the inputs `x` of the case."""
    import keras

    case = dict(case)
    x = case.pop("x")
    model = function(**case)
    if not isinstance(model, keras.Model):
        raise CheckFailed(
            f"the result is of type {type(model).__name__}: return a keras.Model"
        )
    return model, x


def look_at(model: Any, x: Any) -> dict[str, Any]:
    """Describe a model by the shapes and ranges of its outputs and by its size."""
    import keras

    outputs = [np.asarray(one) for one in keras.tree.flatten(model(x))]
    return {
        "shapes of the outputs": [list(one.shape) for one in outputs],
        "number of trainable weights": sum(
            int(np.prod(one.shape)) for one in model.trainable_variables
        ),
        "outputs lie in [0, 1]": [
            bool(one.min() >= 0 and one.max() <= 1) for one in outputs
        ],
    }


def observe_gradient(function: Answer, case: Case) -> Any:
    """What the answer returns, and the gradient of its sum for each array of floats."""
    import keras
    import tensorflow as tf

    floats = {
        key: tf.convert_to_tensor(one)
        for key, one in case.items()
        if isinstance(one, np.ndarray) and one.dtype.kind == "f"
    }
    with tf.GradientTape() as tape:
        tape.watch(floats)
        result = function(**{**case, **floats})
        value = plain(result)
        total = sum(tf.reduce_sum(one) for one in keras.tree.flatten(result))
    gradients = tape.gradient(total, floats)
    return {
        "value": value,
        **{
            f"gradient of {key}": "none" if one is None else plain(one)
            for key, one in gradients.items()
        },
    }


OBSERVE = {
    "value": observe_value,
    "both": observe_both,
    "model": observe_model,
    "activations": observe_activations,
    "gradient": observe_gradient,
}


def copied(value: Any) -> Any:
    """A copy of a case that an answer may change without harm."""
    if isinstance(value, dict):
        return {key: copied(one) for key, one in value.items()}
    if isinstance(value, list):
        return [copied(one) for one in value]
    return value.copy() if isinstance(value, np.ndarray) else value


def observe(how: str, function: Answer, case: Case) -> Any:
    """Call an answer on one case and return what is compared: plain data.

    Raises:
        CheckFailed: the answer changes an array that it was given.
    """
    given = copied(case)
    found = OBSERVE[how](function, given)
    for key, one in case.items():
        if isinstance(one, np.ndarray) and one.tobytes() != given[key].tobytes():
            raise CheckFailed(
                f"the function changes its argument {key!r} itself, and whoever "
                f"uses that array later gets the changed one: work on a copy, "
                f"np.array({key})"
            )
    return found


def blank(error: NotImplementedError) -> bool:
    """Whether an error is that of an unfilled blank; TensorFlow's carry a text."""
    return not error.args


# Comparing -----------------------------------------------------------------------


def difference(
    expected: Any,
    found: Any,
    tolerance: float,
    same_dtype: bool = False,
    what: str = "the result",
) -> str | None:
    """Say how two plain values differ, or return None where they agree.

    Numbers agree when |found - expected| <= tolerance * (1 + |expected|); two whole
    numbers only when they are equal.
    """
    if found is None and expected is not None:
        return f"{what} is None: did you forget to return it?"
    if isinstance(expected, dict):
        if not isinstance(found, dict) or set(found) != set(expected):
            return f"{what} should be a dictionary with the keys {sorted(expected)}"
        pairs = [(f"{key}", expected[key], found[key]) for key in expected]
    elif isinstance(expected, list):
        if isinstance(found, np.ndarray) and found.ndim:
            found = list(found)  # parts of one shape may come as one array
        if not isinstance(found, list) or len(found) != len(expected):
            return f"{what} should have {len(expected)} parts"
        pairs = [
            (f"part {i + 1} of {what}", one, found[i]) for i, one in enumerate(expected)
        ]
    else:
        return leaf_difference(expected, found, tolerance, same_dtype, what)
    for name, one, other in pairs:
        said = difference(one, other, tolerance, same_dtype, name)
        if said:
            return said
    return None


def short(value: Any) -> str:
    """A value in a message: an array by its shape, the rest by its text."""
    if isinstance(value, np.ndarray) and value.size > 1:
        return f"an array of shape {value.shape}"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def leaf_difference(
    expected: Any, found: Any, tolerance: float, same_dtype: bool, what: str
) -> str | None:
    """As `difference`, for what is neither a dictionary nor a list."""
    if isinstance(expected, str) or isinstance(found, (str, dict)):
        texts = isinstance(expected, str) and isinstance(found, str)
        same = texts and expected == found
        return None if same else f"{what} is {short(found)}, expected {short(expected)}"
    try:
        found = np.asarray(found)
    except ValueError:  # a ragged list
        return f"{what} is {short(found)}, expected {short(expected)}"
    expected = np.asarray(expected)
    if found.shape != expected.shape:
        return f"{what} has the shape {found.shape}, expected {expected.shape}"
    if same_dtype and found.dtype != expected.dtype:
        return f"{what} has the type {found.dtype}, expected {expected.dtype}"
    if found.dtype.kind == "c":
        return f"{what} is complex: return its real part, with .real"
    if expected.dtype.kind not in "fiub" or found.dtype.kind not in "fiub":
        return f"{what} has the type {found.dtype}, expected {expected.dtype}"
    wanted, got = expected.astype("float64"), found.astype("float64")
    if expected.dtype.kind in "iub" and found.dtype.kind in "iub":
        tolerance = 0  # no processor rounds them
    agree = np.isclose(got, wanted, rtol=tolerance, atol=tolerance, equal_nan=True)
    if agree.all():
        return None
    if np.isnan(got).any() and not np.isnan(wanted).any():
        return f"{what} contains NaN (not a number)"
    place = tuple(int(i) for i in np.argwhere(~agree)[0])
    where = f" at {list(place)}" if place else ""
    return f"{what}{where} is {got[place]:.6g}, expected {wanted[place]:.6g}"


# The student's side ------------------------------------------------------------------


class NoChecks(FileNotFoundError):
    """There is no checks.json for this notebook; the message says what to do."""

    def _render_traceback_(self) -> list[str]:
        """Let IPython show the line instead of the way to it."""
        return [f"{type(self).__name__}: {self}"]


def find() -> Path:
    """The checks.json of the exercise that runs here.

    It lies beside the notebook, and most programs run a notebook in its own folder.
    Where one does not (an editor's option, a hosted notebook service), the exercise
    that `course.start` named is looked for: in the folders around, in `my_work`, and
    among the exercises of the course.

    Raises:
        NoChecks: it is in none of these places.
    """
    here = Path.cwd()
    if (here / FILE_NAME).is_file():
        return here / FILE_NAME
    running = course.running()
    if running is None or not running.exercise:
        raise NoChecks(
            f"{FILE_NAME} is not in {here}: run the first cell of the exercise, the "
            'one with course.start("…", exercise=True), and then this one'
        )
    around = (here, *here.parents, files.work_folder(), files.ROOT)
    name = Path("exercises", running.lesson.stem, FILE_NAME)
    for folder in around:
        if (folder / name).is_file():
            return folder / name
    raise NoChecks(
        f"{FILE_NAME} is not in {here}: run `digitdreams start {running.lesson.id}` "
        "and open the notebook that it names"
    )


def read(folder: Path | None = None) -> Data:
    """Read the exercise's checks.json.

    Args:
        folder: where it lies; None looks for it, see `find`.

    Raises:
        FileNotFoundError: it is not there.
        ValueError: the file is damaged.
    """
    path = folder / FILE_NAME if folder else find()
    if not path.exists():
        raise NoChecks(f"{path} does not exist")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise ValueError(f"format {content['format']}")
        return content
    except (ValueError, KeyError, TypeError, UnicodeDecodeError) as error:
        raise ValueError(
            f"{path} is damaged or of another version ({error}): rename it and copy it "
            "again with `digitdreams start` and the number of the lesson"
        ) from None


def find_task(content: Data, name: str) -> Data:
    """The data of a task in those of its exercise.

    Raises:
        LookupError: there is no such task; the message lists all.
    """
    if name not in content["tasks"]:
        raise LookupError(
            f"there is no task called {name!r}; the tasks are "
            + ", ".join(content["tasks"])
        )
    return content["tasks"][name]


def outcome(how: str, function: Answer, case: Case) -> Any:
    """Observe one case; an exception of the answer becomes data, too."""
    try:
        return observe(how, function, case)
    except CheckFailed:
        raise
    except Exception as error:
        if isinstance(error, NotImplementedError) and blank(error):
            raise
        return {"raised": type(error).__name__, "saying": str(error)}


def matches(expected: Any, found: Any, task: Data) -> bool:
    """Whether two results agree: values within the tolerance, or exceptions."""
    if isinstance(expected, dict) and "raised" in expected:
        return isinstance(found, dict) and found.get("raised") == expected["raised"]
    if isinstance(found, dict) and "raised" in found:
        return False
    return not difference(expected, found, task["tolerance"], task["same_dtype"])


def shown(value: Any) -> str:
    """A value of a case as a reader may type it; what is long is shortened."""
    if isinstance(value, np.ndarray) and value.ndim > 2:
        first = ", ".join(f"{one:.4g}" for one in value.ravel()[:3])
        return f"[[[{first}, ... of shape {value.shape}"
    if isinstance(value, np.ndarray):
        text = np.array2string(
            value, precision=4, separator=", ", threshold=8, edgeitems=2
        )
        size = f" of shape {value.shape}" if value.size > 8 else ""
        return " ".join(text.split()) + size
    if isinstance(value, list):
        parts = [shown(one) for one in value[:4]] + ["..."] * (len(value) > 4)
        return f"[{', '.join(parts)}]"
    if isinstance(value, dict):
        pairs = [f"{key!r}: {shown(one)}" for key, one in list(value.items())[:4]]
        return f"{{{', '.join(pairs + ['...'] * (len(value) > 4))}}}"
    return short(value)


def call_of(name: str, case: Case) -> str:
    """The call of a function that a case makes, each argument within 200 characters."""
    arguments = []
    for key, value in case.items():
        text = shown(value)
        arguments.append(f"{key}={text if len(text) <= 200 else text[:197] + '...'}")
    return f"{name}({', '.join(arguments)})"


def raised(results: list[Any]) -> str:
    """What the first exception among the results said, for the end of a message.

    Exceptions are compared by their types: another mistake may raise the same one.
    """
    for one in results:
        if isinstance(one, dict) and "raised" in one:
            lines = [line for line in one["saying"].splitlines() if line.strip()]
            if len(lines) > 1 and lines[0].startswith("Exception encountered"):
                lines = lines[1:]  # Keras says where first and what then
            said = re.sub(r"\x1b\[\d*m", "", lines[0].strip()) if lines else ""
            said = said if len(said) <= 200 else said[:197] + "..."
            return f" (It raised {one['raised']}: {said})"
    return ""


def takes(function: Answer, case: Case) -> bool:
    """Whether a function can be called with the arguments of a case."""
    try:
        inspect.signature(function).bind(**case)
    except TypeError:
        return False
    except ValueError:  # some functions have no signature to read
        return True
    return True


def judge(task: Data, name: str, function: Answer) -> str | None:
    """Say what is wrong with an answer, or return None where it is right.

    Raises:
        NotImplementedError: the blank was not filled in.
    """
    cases = [decode(one) for one in task["cases"]]
    arguments = dict(cases[0])
    if task["observe"] in ("model", "activations"):
        arguments.pop("x")  # it goes to the model that the answer builds
    if not takes(function, arguments):
        return f"{name}: keep its arguments as they were: {', '.join(arguments)}"
    try:
        found = [outcome(task["observe"], function, case) for case in cases]
    except NotImplementedError:
        raise NotImplementedError(
            f"{name}, or a function of yours that it calls, is not started: fill in "
            f'its cell, run that cell, then this one. hint("{name}") helps.'
        ) from None
    except CheckFailed as error:
        return f"{name}: {error}"
    return verdict(task, name, cases, found)


def verdict(task: Data, name: str, cases: list[Case], found: list[Any]) -> str | None:
    """Say what is wrong with what an answer gave for the cases, None where nothing.

    A known mistake has its message; any other is shown with the inputs of the case.
    """
    expected = [decode(one) for one in task["expected"]]
    if all(
        matches(one, other, task) for one, other in zip(expected, found, strict=True)
    ):
        return None
    for wrong in task["wrong"]:
        results = [decode(one) for one in wrong["results"]]
        if all(
            matches(one, other, task) for one, other in zip(results, found, strict=True)
        ):
            return f"{name}: {wrong['message']}{raised(found)}"
    for number, (one, other) in enumerate(zip(expected, found, strict=True), start=1):
        if matches(one, other, task):
            continue
        place = f"\nCase {number} is {call_of(name, cases[number - 1])}"
        if isinstance(other, dict) and "raised" in other:
            return (
                f"{name} raised {other['raised']} in case {number}: {other['saying']}"
                f"{place}"
            )
        if isinstance(one, dict) and "raised" in one:
            return f"{name}, case {number}: it should raise {one['raised']}{place}"
        said = difference(one, other, task["tolerance"], task["same_dtype"])
        return f"{name}, case {number}: {said}{place}"
    raise AssertionError("unreachable: some case differs")


def check(function: Answer) -> None:
    """Compare a student's function with the task of the same name.

    Prints one line when it is right.

    Raises:
        NotImplementedError: the blank was not filled in.
        CheckFailed: the answer is wrong; the message names the mistake where it
            is a known one.
    """
    if not callable(function):
        raise TypeError(
            f"check takes the function itself, not {short(function)}: check(name), "
            "without quotes"
        )
    name = getattr(function, "__name__", str(function))
    task = find_task(read(), name)
    said = judge(task, name, function)
    if said:
        raise CheckFailed(said)
    count = len(task["cases"])
    print(f"{name}: right ({count} case{'s' * (count != 1)}).")


def hint(name: str | Answer) -> None:
    """Print the task's next hint; they go from gentle to nearly the solution."""
    task = str(getattr(name, "__name__", name))
    hints = find_task(read(), task)["hints"]
    given = _hints_given.get(task, 0)
    number = min(given, len(hints) - 1)
    last = " (the last one)" if number == len(hints) - 1 else ""
    print(f"Hint {number + 1} of {len(hints)}{last}: {hints[number]}")
    _hints_given[task] = given + 1
