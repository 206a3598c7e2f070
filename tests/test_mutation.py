"""Mutants of references: which there are, which survive, and that each has a reason."""

import ast

import numpy as np
import pytest
from typer.testing import CliRunner

from digitdreams import cli, tasks
from digitdreams.authoring import mutation
from digitdreams.authoring.mutants import mutants
from digitdreams.tasks import Specification

SAMPLE = ("attention", "captioning", "metrics", "privacy_responsibility", "editing")


WHERE = {
    *("np.where(y, x, 1)", "np.where(x, 1, y)"),
    *("np.where(x, y, 2)", "np.where(x, y, 0)"),
}


def function(text):
    """The tree of a function."""
    (found,) = ast.parse(text).body
    return found


def made(text, dtypes=False):
    """What the mutants of a function of one expression return, by description."""
    tree = function(f"def f(x, y):\n    return {text}")
    before = ast.dump(tree)
    found = {
        description.removeprefix("f: "): ast.unparse(tree.body[0]).removeprefix(
            "return "
        )
        for description in mutants(tree, dtypes)
    }
    assert ast.dump(tree) == before
    return set(found.values())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x + y", {"x - y", "x", "y"}),
        ("x @ y", {"y @ x"}),
        ("x < y", {"x <= y"}),
        (
            "x if y else 2.0",
            {"x if True else 2.0", "x if False else 2.0", "x if y else 4.0"},
        ),
        ("x and y", {"x", "y"}),
        ("-x.T", {"x.T", "-x"}),
        ("x[1:y]", {"x[2:y]", "x[0:y]", "x[1:y + 1]", "x[1:y - 1]"}),
        (
            "x.max(axis=1, keepdims=True)",
            {
                "x.min(axis=1, keepdims=True)",
                "x.max(keepdims=True)",
                "x.max(axis=1)",
                "x.max(axis=2, keepdims=True)",
                "x.max(axis=0, keepdims=True)",
                "x.max(axis=1, keepdims=False)",
                "x",
            },
        ),
        ("np.append(x, y)", {"np.append(y, x)"}),
        ("np.where(x, y, 1)", WHERE),
        ("sorted(x)", {"x", "other_sorted(x)"}),
        (
            "x.argmax(axis=y)",
            {"x.argmin(axis=y)", "x.argmax()", "other_argmax(x, axis=y)"},
        ),
        ("min(x, key=lambda a: (a, y))", {"min(x, key=lambda a: a)"}),
        ("x.copy()", {"x"}),
        (
            "[a for a in x if a in y]",
            {"[a for a in x]", "[a for a in x if a not in y]"},
        ),
        ("x.reshape(-1)", {"x.reshape(1)"}),
        ("zip(x, y, strict=True)", {"zip(y, x, strict=True)"}),
    ],
)
def test_expressions_are_changed_in_one_place(text, expected):
    assert expected <= made(text)
    if "key=" not in text:
        assert made(text) == expected


def test_types_are_changed_where_they_are_compared():
    assert made("x.astype('float32')") == set()
    assert made("x.astype('float32')", dtypes=True) == {"x"}
    assert made("np.ones(x, dtype=y)", dtypes=True) > made("np.ones(x, dtype=y)")


def test_statements_are_left_out_and_written_into_arguments():
    text = (
        "def f(x):\n    x = x * 2\n    for i in range(x):\n        break\n    return x"
    )
    found = set(mutants(function(text), dtypes=False))
    assert "f: x = x * 2 -> pass" in found
    assert "f: x = x * 2 -> x *= 2" in found
    assert "f: break -> pass" in found
    assert "f: for i in range(x): -> for i in range(x + 1):" in found


def test_equal_changes_are_numbered():
    text = "def f(x):\n    return (x.somewhere + 1, x.somewhere + 1)"
    found = list(mutants(function(text), False))
    assert len(set(found)) == len(found)
    assert [one for one in found if one.endswith(" (2)")]


REFERENCE = '''
def share_below(values, bar):
    """The share of values below a bar."""
    return count(values, bar) / len(values)


def count(values, bar):
    return int((values < bar).sum())
'''


def subject(text, name, cases):
    """A reference with its cases, as a file would hold it."""
    names = {"np": np}
    exec(text, names)
    one = Specification(names[name], inputs=lambda rng: iter(cases), hints=[])
    return mutation.Subject(name, one, ast.parse(text))


def test_what_no_case_touches_survives():
    away = {"values": np.array([1.0, 2.0, 5.0]), "bar": 3}
    found = mutation.examine(subject(REFERENCE, "share_below", [away]))
    assert "count: (values < bar).sum -> (values <= bar).sum" in found.survivors
    at = {"values": np.array([1.0, 3.0, 5.0]), "bar": 3}
    better = mutation.examine(subject(REFERENCE, "share_below", [away, at]))
    assert better.count == found.count > 5
    assert better.survivors == [
        "count: int((values < bar).sum()) -> (values < bar).sum()"
    ]


def test_endless_loops_and_changed_arguments_do_not_pass(monkeypatch):
    monkeypatch.setattr(mutation, "LIMIT", 0.2)
    text = "def half(values):\n    n = 0\n    while n < 3:\n        n += 1\n"
    text += "    values = values.copy()\n    values /= 2\n    return values + 0 * n"
    cases = [{"values": np.array([1.0, 2.0])}]
    found = mutation.examine(subject(text, "half", cases))
    assert "half: n += 1 -> pass" not in found.survivors
    assert "half: values.copy() -> values" not in found.survivors
    # n counts for nothing, so that another end of the loop changes no result
    assert "half: while n < 3: -> while n <= 3:" in found.survivors


def test_a_reference_that_does_not_pass_is_an_error():
    one = subject(REFERENCE, "share_below", [{"values": np.ones(2), "bar": 1}])
    wrong = REFERENCE.replace("<", ">=")
    with pytest.raises(mutation.MutationError, match="does not pass"):
        mutation.examine(mutation.Subject(one.id, one.specification, ast.parse(wrong)))


def test_ties_are_broken_the_other_way():
    ties = np.array([[3, 1, 3], [2, 2, 2]])
    assert mutation.other_argmax(ties, axis=1).tolist() == [2, 2]
    assert mutation.other_argmin(ties, axis=1).tolist() == [1, 2]
    assert mutation.other_argmax(ties) == 2
    assert mutation.other_argsort(ties[0]).tolist() == [1, 2, 0]
    assert mutation.other_max(["aa", "bb"], key=len) == "bb"
    assert mutation.other_min(["aa", "bb"], key=len) == "bb"
    assert mutation.other_sorted(["aa", "bb", "c"], key=len) == ["c", "bb", "aa"]


# The record ---------------------------------------------------------------------------


def test_the_record_is_fresh():
    assert mutation.changes() == {}, "run `digitdreams mutate`"


def test_every_survivor_has_a_reason_and_every_reason_a_survivor():
    assert mutation.faults(mutation.read(), mutation.reasons()) == []


@pytest.mark.parametrize("topic", SAMPLE)
def test_the_record_says_what_a_run_finds(topic):
    recorded = mutation.read()[f"problems/{topic}"].found
    for one in mutation.subjects(f"problems/{topic}")[:2]:
        assert mutation.examine(one) == recorded[one.id]


def test_every_problem_and_task_is_examined():
    found = mutation.read()
    assert set(found) == set(mutation.sources())
    for one in found.values():
        assert all(each.count for each in one.found.values())


def test_texts_that_are_only_read_make_nothing_stale(tmp_path):
    source, path = "problems/vae", mutation.sources()["problems/vae"]
    text = path.read_text("utf-8")
    other = tmp_path / "vae.py"
    other.write_text(text.replace("Write the KL term", "Write this term"), "utf-8")
    tool = mutation.stamp_of_tool()
    before = mutation.stamp_of(source, path, tool)
    assert not mutation.stamp_of(source, other, tool).changes(before)
    other.write_text(text.replace("0.5 * each.sum", "0.6 * each.sum"), "utf-8")
    changed = mutation.stamp_of(source, other, tool).changes(before)
    assert changed == ["content/problems/vae.py"]


def test_missing_and_outdated_reasons_are_named():
    rows = {"problems/vae": mutation.Row({}, {"kl": mutation.Found(9, ["a", "b"])})}
    said = mutation.faults(rows, {"kl": {"b": "So.", "c": "So."}, "gone": {"d": "So."}})
    assert said == [
        "gone: a reason is out of date: d",
        "kl: no case tells apart a",
        "kl: a reason is out of date: c",
    ]


@pytest.mark.parametrize(
    "text", ["- a", "kl: [{why: So.}]", "kl: [", "kl: [{why: So., mutants: [a, a]}]"]
)
def test_a_damaged_file_of_reasons_is_named(tmp_path, text):
    path = tmp_path / mutation.REASONS
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(mutation.MutationError, match=r"mutants\.yaml"):
        mutation.reasons(tmp_path)


def test_the_command_shows_every_survivor_with_its_reason():
    result = CliRunner().invoke(cli.app, ["mutate", "best_pair"])
    assert result.exit_code == 0
    assert "best_pair: " in result.output and "survive" in result.output
    assert "A tuple is as good as a list." in result.output
    assert "NO REASON" not in result.output


def test_the_seeds_of_grading_are_not_that_of_the_notebook():
    assert tasks.NOTEBOOK_SEED not in mutation.HIDDEN
