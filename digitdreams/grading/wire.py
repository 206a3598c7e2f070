"""How data crosses the wall of the sandbox: JSON for structure, raw bytes for arrays.

A message is two lengths (unsigned 32 bits each, little-endian), a JSON header, and a
payload with the arrays' bytes, one after another. The header holds no floats, so NaN
and infinity cannot hide in JSON; no object is ever unpickled. Whoever reads treats a
message as a claim: `Reader` and `unpack` refuse whatever is not exactly this form.
"""

import json
import struct
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
    if kind is int:
        return ["int", str(value)]
    if kind is str:
        return ["str", value]
    if kind is list or kind is tuple:
        return ["list", [pack(part, payload, depth + 1) for part in value]]
    if kind is dict:
        return [
            "dict",
            [[str(key), pack(part, payload, depth + 1)] for key, part in value.items()],
        ]
    if kind is float or issubclass(kind, np.generic):
        value = np.asarray(value)
        kind = np.ndarray
    if kind is np.ndarray:
        dtype = value.dtype.newbyteorder("<").str
        if dtype not in DTYPES:
            raise WireError(f"the result holds values of the type {value.dtype}")
        payload.append(np.ascontiguousarray(value).astype(dtype, copy=False).tobytes())
        return ["array", dtype, list(value.shape)]
    raise WireError(
        f"the result is of type {kind.__name__}: return an array, a number, or a list "
        "of these"
    )


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
    """Read what `pack` wrote: None, bool, int, str, list, dict, NumPy array.

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
    raise WireError(f"a message has a part of the kind {kind[:20]!r}")


def unpack_array(dtype: Any, shape: Any, payload: Payload) -> np.ndarray[Any, Any]:
    if type(dtype) is not str or dtype not in DTYPES:
        raise WireError("a message holds an array of an unknown type")
    if type(shape) is not list or len(shape) > 8:
        raise WireError("a message holds an array of an unknown shape")
    count = 1
    for size in shape:
        if type(size) is not int or not 0 <= size < 2**31:
            raise WireError("a message holds an array of an unknown shape")
        count *= size
    content = payload.take(count * DTYPES[dtype].itemsize)
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

    def feed(self, content: bytes) -> list[Message]:
        """Return the messages that `content` completes.

        Raises:
            WireError: the stream is too long or not in the agreed form.
        """
        self.left -= len(content)
        if self.left < 0:
            raise WireError("the answers are too large")
        self.buffer += content
        found = []
        while len(self.buffer) >= HEAD.size:
            header, body = HEAD.unpack_from(self.buffer)
            if header > HEADER_BYTES or body > self.left + len(self.buffer):
                raise WireError("the answers are too large")
            end = HEAD.size + header + body
            if len(self.buffer) < end:
                break
            parts = bytes(self.buffer[HEAD.size : end])
            del self.buffer[:end]
            found.append(read(parts[:header], parts[header:]))
        return found
