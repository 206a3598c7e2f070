"""Data that crosses the wall of the sandbox: exact types, nothing else."""

import json

import numpy as np
import pytest

from digitdreams.grading import wire

VALUES = [
    None,
    True,
    7,
    -(10**30),
    "text \ud800 \u00e4",
    [1, [2, []]],
    [28, 28, 1],
    [True, False],
    [0.5, 2.0],
    0.25,
    {"a": {"b": np.arange(3)}},
    np.arange(6, dtype="float32").reshape(2, 3),
    np.zeros((0, 3), "int64"),
    np.array(True),
    np.float16(0.5),
    np.arange(4, dtype=">i4"),
]


def there_and_back(**fields):
    (found,) = wire.Reader(10_000_000).feed(wire.message(**fields))
    return found


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_values_come_back_as_they_were(value):
    found = there_and_back(value=value)["value"]
    np.testing.assert_equal(found, value)
    if not isinstance(value, (np.ndarray, np.generic)):
        assert type(found) is type(value)
    if isinstance(value, list):  # a task's units=64 must not arrive as np.int64(64)
        assert [type(one) for one in found] == [type(one) for one in value]


def test_floats_are_bytes_so_that_json_holds_none():
    values = [1.5, float("nan"), float("inf")]
    content = wire.message(value=values, one=float("nan"), numpys=[np.float32(2)] * 2)
    assert b"NaN" not in content and b"Infinity" not in content
    (found,) = wire.Reader(1000).feed(content)
    np.testing.assert_array_equal(found["value"], values)
    assert np.isnan(found["one"])
    assert [type(one) for one in found["numpys"]] == [np.float32] * 2


def test_messages_may_come_in_pieces():
    content = wire.message(a=1) + wire.message(b=np.arange(3)) + wire.message(c=True)
    reader, found = wire.Reader(10_000), []
    for place in range(len(content)):
        found += reader.feed(content[place : place + 1])
    assert [list(one) for one in found] == [["a"], ["b"], ["c"]]


@pytest.mark.parametrize(
    "value",
    [object(), 1j, {1, 2}, b"x", np.array([None]), np.zeros(2, complex)],
    ids=lambda value: type(value).__name__,  # the same names in every process
)
def test_what_is_not_plain_is_not_written(value):
    with pytest.raises(wire.WireError, match="the result"):
        wire.message(value=value)


def test_endless_nesting_is_not_written():
    value = []
    value.append(value)
    with pytest.raises(wire.WireError, match="deeply"):
        wire.message(value=value)


TREES = {
    "no kind": [],
    "bare value": 7,
    "unknown kind": ["object", "x"],
    "kind that is no text": [["none"], 1],
    "bool that is none": ["bool", 1],
    "text that is none": ["str", 1],
    "number that is none": ["int", 7],
    "broken number": ["int", "seven"],
    "long number": ["int", "9" * 5000],
    "list that is none": ["list", {"a": 1}],
    "broken dictionary": ["dict", [["a"]]],
    "array of objects": ["array", "|O", [0]],
    "array of texts": ["array", "<U3", [0]],
    "structured array": ["array", [["a", "<f8"]], [0]],
    "negative shape": ["array", "<f8", [-1]],
    "shape of floats": ["array", "<f8", ["1"]],
    "shape too deep": ["array", "<f8", [0] * 9],
    "shape without bytes": ["array", "<f8", [1000]],
    "huge shape": ["array", "<f8", [2**30, 2**30]],
}


@pytest.mark.parametrize("tree", TREES.values(), ids=TREES)
def test_what_pack_did_not_write_is_refused(tree):
    header = json.dumps({"value": tree}).encode()
    with pytest.raises(wire.WireError):
        wire.read(header, b"")


HEADERS = {
    "NaN": b'{"value": NaN}',
    "infinity": b'{"value": -Infinity}',
    "float": b'{"value": 1.0}',
    "overflow": b'{"value": 1e999}',
    "no JSON": b"{",
    "no dictionary": b"[]",
    "not ASCII": '{"ä": 1}'.encode(),
    "deep": b"[" * 50_000,
    "many parts": b"[" + b"[]," * 200_000 + b"[]]",
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
def test_headers_that_are_refused(header):
    with pytest.raises(wire.WireError):
        wire.read(header, b"")


def test_left_over_bytes_and_strange_truth_are_refused():
    with pytest.raises(wire.WireError, match="more bytes"):
        wire.read(b"{}", b"x")
    with pytest.raises(wire.WireError, match="truth"):
        wire.read(b'{"value": ["array", "|b1", [1]]}', b"\2")


def test_a_stream_is_bounded():
    with pytest.raises(wire.WireError, match="too large"):
        list(wire.Reader(100).feed(bytes(101)))
    for lengths in ((2**32 - 1, 0), (0, 2**32 - 1)):
        with pytest.raises(wire.WireError, match="too large"):
            list(wire.Reader(1000).feed(wire.HEAD.pack(*lengths)))


def test_what_is_right_is_taken_before_what_breaks_the_stream():
    """Else a submission whose nonsense comes at once would not count as begun."""
    taken = []
    with pytest.raises(wire.WireError):
        for message in wire.Reader(1000).feed(wire.message(ready=True) + b"\xff" * 64):
            taken.append(message)  # noqa: PERF402: what is taken before the error
    assert taken == [{"ready": True}]


def test_long_texts_are_refused_before_numpy_pads_them():
    answer = ["x" * 900_000] + ["a"] * 1000
    with pytest.raises(wire.WireError, match="too long"):
        there_and_back(value=answer)
