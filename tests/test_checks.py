"""The student's side of the checks, with a small task of its own."""

import json

import numpy as np
import pytest
from keras import ops

from digitdreams import checks, course, tasks
from digitdreams.tasks import task
from places import ROOT


def inputs(rng):
    for size in (2, 3):
        yield {"rows": rng.normal(size=(4, size)).astype("float32"), "scale": 2.0}


@task(
    points=1,
    inputs=inputs,
    hints=["Which axis?", "Axis 1.", "scale * np.sum(rows, axis=1)"],
)
def scaled_sum(rows, scale):
    return scale * np.sum(rows, axis=1)


@scaled_sum.wrong("You averaged: sum.")
def scaled_mean(rows, scale):
    return scale * np.mean(rows, axis=1)


@scaled_sum.wrong("You summed over the batch: sum over the columns.")
def summed_down(rows, scale):
    return scale * np.sum(rows, axis=0)


@scaled_sum.wrong("An array has no such thing.")
def refusing(rows, scale):
    return rows.no_such_thing


@pytest.fixture(autouse=True)
def exercise(tmp_path, monkeypatch):
    tasks.write([scaled_sum], tmp_path / checks.FILE_NAME)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(checks, "_hints_given", {})
    return tmp_path


def named(function):
    function.__name__ = "scaled_sum"
    return function


def test_a_right_answer_is_told_so(capsys):
    checks.check(scaled_sum)
    assert "right (2 cases)" in capsys.readouterr().out


def test_a_tensor_is_as_good_as_an_array():
    checks.check(named(lambda rows, scale: scale * ops.sum(rows, axis=-1)))


def test_a_list_of_numbers_is_as_good_as_an_array():
    checks.check(named(lambda rows, scale: scaled_sum(rows, scale).tolist()))


@pytest.mark.parametrize(
    "wrong", scaled_sum.mistakes, ids=lambda one: one.answer.__name__
)
def test_a_known_mistake_gets_its_own_message(wrong):
    def scaled_sum(rows, scale):
        return wrong.answer(rows, scale)

    with pytest.raises(checks.CheckFailed, match=wrong.message):
        checks.check(scaled_sum)


def test_a_blank_is_friendly():
    def scaled_sum(rows, scale):
        raise NotImplementedError

    with pytest.raises(NotImplementedError, match=r"not started.*hint"):
        checks.check(scaled_sum)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda rows, scale: None, "forget to return"),
        (lambda rows, scale: rows, r"shape \(4, 2\), expected \(4,\)"),
        (lambda rows, scale: np.full(4, np.nan), "NaN"),
        (lambda rows, scale: np.zeros(4), "case 1: the result at .0. is 0, expected"),
        (lambda rows, scale: "text", "is 'text', expected an array"),
        (lambda rows, scale: object(), "type object"),
        (lambda rows: rows, "keep its arguments as they were: rows, scale"),
        (lambda values, scale: values, "keep its arguments as they were: rows"),
        (lambda rows, scale: np.array(["a"] * 4), "type <U1"),
        (lambda rows, scale: [1, 2], r"shape \(2,\), expected \(4,\)"),
        (lambda rows, scale: [[1], [2, 3]], "expected an array"),
        (lambda rows, scale: rows.sum(axis=1) + 0j, r"complex: return its real part"),
        (
            lambda rows, scale: rows.sum(axis=1),
            r"Case 1 is scaled_sum\(rows=\[\[.*2\.0",
        ),
        (lambda rows, scale: {}[0], r"KeyError in case 1: 0\nCase 1 is scaled_sum"),
    ],
)
def test_other_mistakes_are_described(answer, said):
    with pytest.raises(checks.CheckFailed, match=said):
        checks.check(named(answer))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.array([1.0, 0.25]), "[1. , 0.25]"),
        (np.arange(12), "[ 0, 1, ..., 10, 11] of shape (12,)"),
        (np.ones((2, 2, 2)), "[[[1, 1, 1, ... of shape (2, 2, 2)"),
        ([3, "a", [1, 2], None, 5], "[3, 'a', [1, 2], None, ...]"),
        ({"a": np.array([1, 2])}, "{'a': [1, 2]}"),
        ("x" * 99, "'" + 56 * "x" + "..."),
    ],
)
def test_inputs_are_shown_shortened(value, text):
    assert checks.shown(value) == text
    assert checks.call_of("f", {"x": value}) == f"f(x={text})"


def test_long_arguments_are_cut():
    assert len(checks.call_of("f", {"x": ["text of many letters " * 2] * 99})) < 210


def test_parts_may_come_as_one_array_and_texts_as_arrays():
    rows = np.arange(6.0).reshape(2, 3)
    assert checks.difference(list(rows), checks.plain(rows), 1e-4) is None
    assert checks.difference([1.0, 2.0], checks.plain(np.array([1, 2])), 1e-4) is None
    words = checks.plain(np.array(["a", "b"]))
    assert checks.difference(["a", "b"], words, 1e-4) is None
    assert checks.difference("a", np.str_("a"), 1e-4) is None
    assert checks.difference([0, 1, 2], checks.plain(range(3)), 1e-4) is None
    assert "2 parts" in checks.difference([1.0, 2.0], np.arange(3.0), 1e-4)
    assert "2 parts" in checks.difference([1.0, 2.0], np.array(1.0), 1e-4)


def test_always_equal_objects_earn_nothing():
    class Equal:
        def __eq__(self, other):
            return True

    with pytest.raises(checks.CheckFailed):
        checks.check(named(lambda rows, scale: Equal()))


def test_an_answer_that_changes_its_argument_is_told_so():
    def careless(rows, scale):
        total = scale * rows.sum(axis=1)
        rows *= 0
        return total

    for _ in range(2):  # and the case itself stays as it was
        with pytest.raises(checks.CheckFailed, match=r"changes its argument 'rows'"):
            checks.check(named(careless))
    checks.check(named(lambda rows, scale: careless(rows.copy(), scale)))


def test_a_real_not_implemented_error_is_no_blank():
    def unsupported(rows, scale):
        raise NotImplementedError("Cannot convert a symbolic tf.Tensor to an array.")

    with pytest.raises(checks.CheckFailed, match="Cannot convert a symbolic"):
        checks.check(named(unsupported))


def test_what_keras_says_first_is_where_and_then_what():
    first = "Exception encountered when calling Reshape.call()."
    then = "\x1b[1mThe total size of the tensor must be unchanged.\x1b[0m"
    results = [{"raised": "ValueError", "saying": f"{first}\n\n{then}\n\nArguments"}]
    said = checks.raised(results)
    assert said == (
        " (It raised ValueError: The total size of the tensor must be unchanged.)"
    )


def test_a_text_is_not_checked():
    with pytest.raises(TypeError, match=r"not 'scaled_sum'.*without quotes"):
        checks.check("scaled_sum")


def test_a_hint_can_be_asked_for_with_the_function(capsys):
    checks.hint(named(lambda rows, scale: rows))
    assert "Hint" in capsys.readouterr().out


def test_hints_go_from_gentle_to_near_solution(capsys):
    for _ in range(4):
        checks.hint("scaled_sum")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Hint 1 of 3: Which axis?"
    assert lines[2] == lines[3]
    assert "the last one" in lines[2]


def test_an_unknown_task_is_answered_with_the_list():
    with pytest.raises(LookupError, match="scaled_sum"):
        checks.hint("scale_sum")


def test_a_missing_file_says_what_to_do(exercise, monkeypatch):
    (exercise / checks.FILE_NAME).unlink()
    with pytest.raises(FileNotFoundError, match="run the first cell"):
        checks.check(scaled_sum)
    lesson = course.Lesson("77", "none", "None", "Part", 1.0, (), (), ())
    monkeypatch.setattr(course, "_running", course.Running(lesson, True, 1))
    with pytest.raises(FileNotFoundError, match="digitdreams start 77") as caught:
        checks.check(scaled_sum)
    assert caught.value._render_traceback_() == [f"NoChecks: {caught.value}"]


@pytest.mark.parametrize("place", ["lessons", "exercises", "exercises/03_vae", "."])
def test_the_checks_are_found_from_other_folders(place, tmp_path, monkeypatch):
    """Editors start a kernel in the folder that was opened, or elsewhere."""
    work = tmp_path / "my_work"
    found = work / "exercises" / "03_vae" / checks.FILE_NAME
    found.parent.mkdir(parents=True)
    (work / "lessons").mkdir()
    found.write_text((tmp_path / checks.FILE_NAME).read_text())
    running = course.Running(course.load().find("03"), True, 1)
    monkeypatch.setattr(course, "_running", running)
    monkeypatch.chdir(work / place)
    assert checks.find() == found


def test_a_notebook_that_is_nowhere_uses_the_checks_of_the_course(
    tmp_path, monkeypatch
):
    """A hosted service runs a notebook in a folder that holds nothing of the course."""
    (tmp_path / "content").mkdir()
    monkeypatch.chdir(tmp_path / "content")
    monkeypatch.setenv("DIGITDREAMS_HOME", str(tmp_path))
    running = course.Running(course.load().find("03"), True, 1)
    monkeypatch.setattr(course, "_running", running)
    assert checks.find() == ROOT / "exercises" / "03_vae" / checks.FILE_NAME
    assert "slerp" in checks.read()["tasks"]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format": 99}', "\x00"])
def test_a_damaged_file_says_what_to_do(exercise, content):
    (exercise / checks.FILE_NAME).write_text(content)
    with pytest.raises(ValueError, match="digitdreams start"):
        checks.check(scaled_sum)


def test_the_file_holds_data_and_no_code(exercise):
    text = (exercise / checks.FILE_NAME).read_text()
    json.loads(text)
    assert "np.mean" not in text and "def " not in text


@pytest.mark.parametrize(
    "value",
    [
        np.arange(6, dtype="float32").reshape(2, 3) / 7,
        [np.zeros(0), {"a": np.array(True), "b": 3}],
        np.array([1, 2], "uint8"),
        "text",
    ],
)
def test_values_survive_being_written_down(value):
    again = checks.decode(json.loads(json.dumps(checks.encode(value))))
    assert checks.difference(value, again, 0.0, same_dtype=True) is None


def build(units):
    import keras

    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(units, "sigmoid")])


def build_without_activation(units):
    import keras

    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(units)])


def test_models_are_compared_by_shape_size_and_range():
    x = np.full((2, 3), 50, "float32") * np.array([[1], [-1]], "float32")
    case = {"units": 4, "x": x}
    right = checks.observe("model", build, case)
    assert right["shapes of the outputs"] == [[2, 4]]
    assert right["number of trainable weights"] == 16
    wrong = checks.observe("model", build_without_activation, case)
    assert "lie in [0, 1]" in checks.difference(right, wrong, 1e-4)
    with pytest.raises(checks.CheckFailed, match=r"keras\.Model"):
        checks.observe("model", lambda units: 3, case)


def test_activations_are_compared():
    import keras

    def build_inside(units, activation="relu"):
        start = [keras.Input((3,)), keras.layers.Dense(4, activation)]
        return keras.Sequential([*start, keras.layers.Dense(units)])

    # Zeros come out as zeros, whatever the random weights: only ours tell.
    case = {"units": 2, "x": np.zeros((2, 3), "float32")}
    right, again = (checks.observe("activations", build_inside, case) for _ in "ab")
    assert not checks.difference(right, again, 1e-4)
    wrong = checks.observe("activations", lambda units: build_inside(units, None), case)
    assert "our weights" in checks.difference(right, wrong, 1e-4)


def test_gradients_are_compared():
    case = {"a": np.array([2.0], "float32"), "b": np.array([3.0], "float32")}
    whole = checks.observe("gradient", lambda a, b: a * b, case)
    stopped = checks.observe("gradient", lambda a, b: a * ops.stop_gradient(b), case)
    assert float(whole["gradient of b"][0]) == 2
    said = checks.difference(whole, stopped, 1e-4)
    assert said is not None and said.startswith("gradient of b")


def test_a_missing_gradient_and_an_array_can_be_compared():
    said = checks.difference({"gradient": "none"}, {"gradient": np.ones(3)}, 1e-4)
    assert said == "gradient is an array of shape (3,), expected 'none'"


def test_both_arrays_and_tensors_are_given():
    def takes_arrays(rows):
        return rows.mean(axis=0)

    def takes_both(rows):
        return np.asarray(rows).mean(axis=0)

    case = {"rows": np.ones((2, 3), "float32")}
    first, second = checks.observe("both", takes_both, case)
    assert np.array_equal(first, second) and first.shape == (3,)
    assert checks.outcome("both", takes_arrays, case)["raised"] == "AttributeError"


def test_a_message_ends_with_what_was_raised():
    def misspelt(rows, scale):
        return rows.no_such_thing_either

    said = checks.judge(scaled_sum.as_data(), "scaled_sum", misspelt)
    assert said.startswith("scaled_sum: An array has no such thing. (It raised ")
    assert "no_such_thing_either" in said
