"""Moodle: "Download all submissions", a folder or a file for each student."""

import re

from digitdreams.grading.lms.names import Name, numbered

FORM = re.compile(
    r"^(?P<student>.+?)_(?P<number>\d+)_assignsubmission_(?:file|onlinetext)_?"
    r"(?P<file>.*)$",
    re.DOTALL,
)


def read_name(text: str) -> Name | None:
    """Read `Ann Lee_12345_assignsubmission_file_vae`; None for another form."""
    return numbered(FORM, text)
