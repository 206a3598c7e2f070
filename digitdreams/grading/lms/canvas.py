"""Canvas: "Download submissions", one file for each student."""

import re

from digitdreams.grading.lms.names import Name, numbered

FORM = re.compile(
    r"^(?P<student>[^_]+)(?:_LATE)?_(?P<number>\d+)_\d+_(?P<file>.*)$", re.DOTALL
)


def read_name(text: str) -> Name | None:
    """Read `leeann_LATE_9876_4321_vae`; None for another form."""
    return numbered(FORM, text)
