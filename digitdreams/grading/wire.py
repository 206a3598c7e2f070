"""How data crosses the wall of the sandbox: JSON for structure, raw bytes for arrays.

A message is two lengths (unsigned 32 bits each, little-endian), a JSON header, and a
payload with the arrays' bytes, one after another. The header holds no floats, so NaN
and infinity cannot hide in JSON; no object is ever unpickled. Whoever reads treats a
message as a claim: `Reader` and `unpack` refuse whatever is not exactly this form.
"""

import json
import math
import struct
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

import numpy as np

HEAD = struct.Struct("<II")
DTYPES = {
    np.dtype(name).str: np.dtype(name)
    for name in (
        *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32"),
        *("uint64", "float16", "float32", "float64"),
    )
}
DEPTH = 16
NODES = 20_000
HEADER_BYTES = 1_000_000
LARGEST_ARRAY = 2**31  # bytes that its axes may speak of, those of length 0 left out
Message = dict[str, Any]  # what one message says, by name
TEXT = 2_000  # characters of one text in an answer: NumPy pads lists of texts


class WireError(Exception):
    """What came is not in the agreed form."""


# Writing ----------------------------------------------------------------------------


def pack(value: Any, payload: list[bytes], depth: int = 0) -> Any:
    """Describe a plain value (see `checks.plain`); array bytes are put on `payload`.

    Raises:
        WireError: a part of the value is not plain data.
    """
    kind = type(value)
    if depth > DEPTH:
        raise WireError("the result is nested too deeply")
    if value is None:
        return ["none"]
    if kind is bool:
        return ["bool", value]
    if issubclass(kind, int):
        return ["int", str(int(value))]
    if issubclass(kind, str):
        return ["str", str(value)]
    if kind is list or kind is tuple:
        row = as_row(value)
        if row is not None:
            payload.append(row.tobytes())
            numpys = isinstance(value[0], (np.ndarray, np.generic))
            return ["row" if numpys else "numbers", row.dtype.str, len(row)]
        return ["list", [pack(part, payload, depth + 1) for part in value]]
    if kind is dict:
        return [
            "dict",
            [[str(key), pack(part, payload, depth + 1)] for key, part in value.items()],
        ]
    if kind is float:
        payload.append(np.array(value, "<f8").tobytes())
        return ["float"]
    if issubclass(kind, (float, np.generic)):
        value = np.asarray(value)
        kind = np.ndarray
    if kind is np.ndarray:
        if value.dtype == np.longdouble:
            value = value.astype("float64")  # in which answers are compared
        dtype = value.dtype.newbyteorder("<").str
        if dtype not in DTYPES:
            raise WireError(f"the result holds values of the type {value.dtype}")
        payload.append(np.ascontiguousarray(value).astype(dtype, copy=False).tobytes())
        return ["array", dtype, list(value.shape)]
    raise WireError(
        f"the result is of type {kind.__name__}: return an array, a number, or a list "
        "of these"
    )


def as_row(values: Sequence[Any]) -> np.ndarray[Any, Any] | None:
    """Numbers of one type as one array, None for other lists: those have many parts."""
    kinds = {type(value) for value in values}
    if len(kinds) != 1:
        return None
    (kind,) = kinds
    if kind is np.ndarray or issubclass(kind, np.generic):
        dtypes = {value.dtype for value in values}
        if len(dtypes) != 1 or any(np.shape(value) for value in values):
            return None
    elif kind not in (bool, int, float):
        return None
    try:
        row = np.array(values)
    except (OverflowError, ValueError):
        return None
    row = row.astype("float64") if row.dtype == np.longdouble else row
    return row.astype(row.dtype.newbyteorder("<")) if row.dtype.str in DTYPES else None


def answer(value: Any) -> bytes:
    """Write the message that holds a result.

    Raises:
        WireError: it is no plain data, or more than `Reader` takes; the message says
            what to do.
    """
    content = message(value=value)
    header, _ = HEAD.unpack_from(content)
    end = HEAD.size + header
    if header > HEADER_BYTES:
        raise WireError("the result has too many parts: return an array")
    try:
        read(content[HEAD.size : end], content[end:])
    except WireError as error:
        raise WireError(f"the result cannot be compared: {error}") from None
    return content


def message(**fields: Any) -> bytes:
    """Write one message."""
    payload: list[bytes] = []
    header = json.dumps({key: pack(part, payload) for key, part in fields.items()})
    body = b"".join(payload)
    return HEAD.pack(len(header), len(body)) + header.encode("ascii") + body


# Reading ----------------------------------------------------------------------------


def refuse_number(text: str) -> NoReturn:
    raise WireError(f"a header holds the number {text[:20]}")


class Payload:
    """The arrays' bytes of one message, taken from the front."""

    def __init__(self, content: bytes, longest_text: int):
        self.content = content
        self.longest_text = longest_text
        self.place = 0
        self.nodes = 0

    def take(self, size: int) -> bytes:
        if size > len(self.content) - self.place:
            raise WireError("a message holds fewer bytes than its arrays need")
        self.place += size
        return self.content[self.place - size : self.place]


def unpack(tree: Any, payload: Payload, depth: int = 0) -> Any:
    """Read what `pack` wrote: None, bool, int, float, str, list, dict, NumPy array.

    Raises:
        WireError: `tree` was not written by `pack`.
    """
    payload.nodes += 1
    if depth > DEPTH or payload.nodes > NODES:
        raise WireError("a message is nested too deeply or has too many parts")
    if type(tree) is not list or not tree or type(tree[0]) is not str:
        raise WireError("a message has a part without a kind")
    kind, *rest = tree
    if kind == "none" and not rest:
        return None
    if kind == "bool" and len(rest) == 1 and type(rest[0]) is bool:
        return rest[0]
    if kind == "str" and len(rest) == 1 and type(rest[0]) is str:
        if len(rest[0]) > payload.longest_text:
            raise WireError("a message holds a text that is too long")
        return rest[0]
    if kind == "int" and len(rest) == 1 and type(rest[0]) is str:
        if len(rest[0]) > 40:
            raise WireError("a message holds a number that is too long")
        try:
            return int(rest[0])
        except ValueError:
            raise WireError("a message holds a broken number") from None
    if kind == "list" and len(rest) == 1 and type(rest[0]) is list:
        return [unpack(part, payload, depth + 1) for part in rest[0]]
    if kind == "dict" and len(rest) == 1 and type(rest[0]) is list:
        pairs = rest[0]
        if not all(
            type(pair) is list and len(pair) == 2 and type(pair[0]) is str
            for pair in pairs
        ):
            raise WireError("a message holds a broken dictionary")
        return {key: unpack(part, payload, depth + 1) for key, part in pairs}
    if kind == "array" and len(rest) == 2:
        return unpack_array(rest[0], rest[1], payload)
    if kind == "float" and not rest:
        return unpack_array("<f8", [], payload).item()
    if kind in {"row", "numbers"} and len(rest) == 2:
        row = unpack_array(rest[0], [rest[1]], payload)
        return list(row) if kind == "row" else row.tolist()  # Python's own numbers
    raise WireError(f"a message has a part of the kind {kind[:20]!r}")


def unpack_array(dtype: Any, shape: Any, payload: Payload) -> np.ndarray[Any, Any]:
    if type(dtype) is not str or dtype not in DTYPES:
        raise WireError("a message holds an array of an unknown type")
    if type(shape) is not list or len(shape) > 8:
        raise WireError("a message holds an array of an unknown shape")
    if not all(type(size) is int and 0 <= size < 2**31 for size in shape):
        raise WireError("a message holds an array of an unknown shape")
    size = DTYPES[dtype].itemsize
    if math.prod(axis or 1 for axis in shape) * size > LARGEST_ARRAY:
        raise WireError("a message holds an array that is too large")
    content = payload.take(math.prod(shape) * size)
    if dtype == "|b1" and content.strip(b"\0\1"):
        raise WireError("a message holds truth values that are neither true nor false")
    return np.frombuffer(content, DTYPES[dtype]).reshape(shape)


def read(header: bytes, body: bytes, longest_text: int = TEXT) -> Message:
    """Read one message.

    Raises:
        WireError: it is not in the agreed form.
    """
    if header.count(b"[") > 4 * NODES:
        raise WireError("a message has too many parts")
    try:
        fields = json.loads(
            header.decode("ascii"),
            parse_float=refuse_number,
            parse_constant=refuse_number,
        )
    except (ValueError, RecursionError):
        raise WireError("a header is not JSON") from None
    if type(fields) is not dict:
        raise WireError("a header is not a dictionary")
    payload = Payload(body, longest_text)
    found = {key: unpack(tree, payload) for key, tree in fields.items()}
    if payload.place != len(body):
        raise WireError("a message holds more bytes than its arrays need")
    return found


class Reader:
    """Turn a stream of bytes into messages.

    Args:
        largest: bytes that the whole stream may have.
    """

    def __init__(self, largest: int):
        self.left = largest
        self.buffer = bytearray()

    def feed(self, content: bytes) -> Iterator[Message]:
        """Yield the messages that `content` completes, each before the next is read.

        Raises:
            WireError: the stream is too long or not in the agreed form.
        """
        self.left -= len(content)
        if self.left < 0:
            raise WireError("the answers are too large")
        self.buffer += content
        while len(self.buffer) >= HEAD.size:
            header, body = HEAD.unpack_from(self.buffer)
            if header > HEADER_BYTES or body > self.left + len(self.buffer):
                raise WireError("the answers are too large")
            end = HEAD.size + header + body
            if len(self.buffer) < end:
                break
            parts = bytes(self.buffer[HEAD.size : end])
            del self.buffer[:end]
            yield read(parts[:header], parts[header:])
