"""Files that are no notebooks, and notebooks that are traps."""

import json
import os

import classroom
import pytest
from battlefield import NOTHING, points, states

EMPTY = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def with_cell(**cell) -> bytes:
    return json.dumps({**EMPTY, "cells": [cell]}).encode()


REFUSED = {
    "empty": b"",
    "blank": b" \n\n",
    "zeros": bytes(1000),
    "random": os.urandom(20_000),
    "corrupt": json.dumps(EMPTY).encode()[:-10],
    "not UTF-8": json.dumps(EMPTY).encode().replace(b"cells", b"c\xff\xfells"),
    "UTF-16": json.dumps(EMPTY).encode("utf-16"),
    "nested deeply": b"[" * 100_000,
    "nested deeply, closed": b"[" * 100_000 + b"]" * 100_000,
    "nested deeply in a cell": b'{"cells": ' + b'{"a":' * 100_000,
    "very many parts": b'{"nbformat": 4, "cells": [' + b"{}," * 500_000 + b"{}]}",
    "huge": b'{"nbformat": 4, "cells": [], "metadata": "' + b"x" * 21_000_000 + b'"}',
    "huge number": b'{"nbformat": 4, "cells": [], "a": ' + b"9" * 100_000 + b"}",
    "huge source": with_cell(cell_type="code", source="x" * 2_000_000),
    "very many cells": json.dumps(
        {**EMPTY, "cells": [{"cell_type": "code", "source": ""}] * 2000}
    ).encode(),
    "a list": b"[]",
    "a number": b"7",
    "null": b"null",
    "no cells": b'{"nbformat": 4}',
    "cells that are none": b'{"nbformat": 4, "cells": [1, "x", null]}',
    "cells as a dictionary": b'{"nbformat": 4, "cells": {}}',
    "source of another type": with_cell(cell_type="code", source={"a": 1}),
    "source as a list of numbers": with_cell(cell_type="code", source=[1, 2]),
    "format 2": b'{"nbformat": 2, "worksheets": [{"cells": []}]}',
    "format 3, damaged": b'{"nbformat": 3, "worksheets": 5}',
    "format 5": json.dumps({**EMPTY, "nbformat": 5}).encode(),
    "format as text": json.dumps({**EMPTY, "nbformat": "4"}).encode(),
    "format true": json.dumps({**EMPTY, "nbformat": True}).encode(),
    "an image": b"\x89PNG\r\n\x1a\n" + bytes(1000),
    "a zip": b"PK\x03\x04" + bytes(1000),
    "a pickle": b"\x80\x04\x95\x1e\x00\x00\x00\x00\x00\x00\x00cposix\nsystem\n.",
}


@pytest.mark.parametrize("content", REFUSED.values(), ids=REFUSED)
def test_refused(field, content):
    result = field.grade_alone(content)
    assert result.state == "refused"
    assert points(result) == NOTHING
    assert set(states(result).values()) == {"refused"}
    assert result.tasks[0].message


SOURCES = {
    "surrogates": "x = '\ud800'",
    "null byte": "x = 1\0",
    "carriage returns": "x = 1\r\ry = 2",
    "deep parentheses": "x = " + "(" * 50_000 + ")" * 50_000,
    "deep operators": "x = " + "-" * 200_000 + "1",
    "deep attributes": "x" + ".a" * 100_000,
    "deep blocks": "".join(" " * i + "if 1:\n" for i in range(150)) + " " * 150 + "1",
    "huge constant": "x = 10 ** 10 ** 10",
    "huge string": "x = 'a' * 10**10",
    "unknown encoding": "# -*- coding: attack -*-\nx = 1",
    "magics": "%load_ext attack\n%%bash\ntouch /tmp/attack-magic",
    "cell magic": "%%bash\ntouch /tmp/attack-magic",
    "shell": "!touch /tmp/attack-magic\nx = !touch /tmp/attack-magic",
    "help": "?print\nprint??",
    "await": "import asyncio\nawait asyncio.sleep(1000)",
    "no end of a text": '"""',
}


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_strange_sources(field, wrong, source):
    notebook = classroom.as_bytes(classroom.add(wrong, source, place=2))
    result = field.grade_alone(notebook, cell=0.7)
    assert points(result) == NOTHING


@pytest.mark.parametrize(
    "name", ["", "../../attack", "a" * 1000, 7, None, ["x"], "task-squares\n", "\ud800"]
)
def test_strange_ids(field, wrong, name):
    for cell in wrong["cells"]:
        cell["id"] = name
    result = field.grade_alone(classroom.as_bytes(wrong))
    assert points(result) == NOTHING
    assert result.state == "graded"
