"""Which lines of a program's output are remarks of TensorFlow's, said to nobody.

Its libraries write them to the stream of errors in the form of Google's logs: a letter
for information, warning or error, a time, a file. Some come on every machine without a
GPU. What ends a program is fatal and has the letter F: that is no remark.
"""

import re

REMARK = re.compile(
    r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+: [IWE] |[IWE]\d{4} \d\d:\d\d:\d+\.\d+ |"
    r"WARNING: All log messages before absl|To enable the following instructions: |"
    r"Skipping registering GPU devices"
)


def is_remark(line: str) -> bool:
    """Whether a line is a remark of TensorFlow's."""
    return REMARK.match(line) is not None


def without_remarks(text: str) -> str:
    """A text without the lines that are remarks."""
    return "".join(
        line for line in text.splitlines(keepends=True) if not is_remark(line)
    )
