"""Marks into the tables that learning platforms export and import.

A platform knows its students, its exercises and its columns by numbers of its own. So
its own table, as exported, is filled in and goes back: nothing else in it changes.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

Row = list[str]


class TableError(Exception):
    """A table cannot be filled; the message says what to do."""


@dataclass(frozen=True)
class Form:
    """The table of one platform.

    Attributes:
        platform: its name.
        needed: columns that it always has.
        numbers: the column whose digits a student's name in an export ends with.
        names: columns, joined by spaces, that may name a student.
        marks: what the heading of a column of marks looks like; a group `most` is the
            most points that it takes.
        most: the column with the most points, where each row says it.
        total: what the first cell of the row says that has the most points.
    """

    platform: str
    needed: tuple[str, ...]
    numbers: str | None
    names: tuple[tuple[str, ...], ...]
    marks: re.Pattern[str]
    most: str | None = None
    total: str | None = None


FORMS = (
    Form(
        "Moodle",
        ("Identifier", "Grade", "Last modified (grade)"),
        numbers="Identifier",
        names=(("Full name",), ("Email address",), ("Username",), ("ID number",)),
        marks=re.compile("^Grade$"),
        most="Maximum Grade",
    ),
    Form(
        "Canvas",
        ("Student", "ID", "Section"),
        numbers="ID",
        names=(("Student",), ("SIS Login ID",), ("SIS User ID",)),
        marks=re.compile(r" \(\d+\)$"),
        total="Points Possible",
    ),
    Form(
        "Blackboard",
        ("Last Name", "First Name", "Username"),
        numbers=None,
        names=(("Username",), ("Student ID",), ("First Name", "Last Name")),
        marks=re.compile(r"\[Total Pts: (?P<most>[\d.,]+)[^\]]*\] ?\|\s*\w+$"),
    ),
    Form(
        "Google Classroom",
        ("Last Name", "First Name", "Email Address"),
        numbers=None,
        names=(("First Name", "Last Name"), ("Email Address",)),
        marks=re.compile("^(?!(Last Name|First Name|Email Address)$).+"),
        total="Points",
    ),
)


@dataclass
class Filled:
    """A table with marks.

    Attributes:
        content: the file, in the form in which it came.
        platform: whose it is.
        column: the heading of the column that was filled.
        placed: the students whose marks stand in it.
        told: marks that have no place, in sentences.
    """

    content: bytes
    platform: str
    column: str
    placed: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)


@dataclass
class Table:
    """A table as it was read, and how it is written again."""

    rows: list[Row]
    encoding: str
    delimiter: str
    end: str
    quoted: bool

    @classmethod
    def read(cls, content: bytes) -> "Table":
        """Read a table of any platform.

        Raises:
            TableError: it is none.
        """
        utf_16 = content[:2] in (b"\xff\xfe", b"\xfe\xff")
        marked = content.startswith(b"\xef\xbb\xbf")
        encoding = "utf-16" if utf_16 else "utf-8-sig" if marked else "utf-8"
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            raise TableError(
                "it is neither UTF-8 nor UTF-16 text: export it as CSV again"
            ) from None
        first = text.partition("\n")[0]
        delimiter = max("\t,;", key=first.count)
        end = "\r\n" if first.endswith("\r") else "\n"
        try:
            rows = list(csv.reader(io.StringIO(text, ""), delimiter=delimiter))
        except csv.Error as error:
            raise TableError(f"it is no table: {error}") from None
        if len(rows) < 2 or len(rows[0]) < 2:
            raise TableError("it has no header with rows below it")
        return cls(rows, encoding, delimiter, end, first.startswith('"'))

    def write(self) -> bytes:
        text = io.StringIO(newline="")
        csv.writer(
            text,
            delimiter=self.delimiter,
            lineterminator=self.end,
            quoting=csv.QUOTE_ALL if self.quoted else csv.QUOTE_MINIMAL,
        ).writerows(self.rows)
        return text.getvalue().encode(self.encoding)


def form_of(header: Row) -> Form:
    """The platform whose table has this header.

    Raises:
        TableError: none of those that are known.
    """
    for form in FORMS:
        if {*form.needed} <= {*header} and any(map(form.marks.search, header)):
            return form
    known = "; ".join(f"{form.platform}: {', '.join(form.needed)}" for form in FORMS)
    raise TableError(
        f"its columns are those of no platform (in English, {known}; and one with "
        "marks)"
    )


def column_of(header: Row, form: Form, wanted: str) -> int:
    """The number of the column of marks whose heading holds `wanted`.

    Raises:
        TableError: none, or several.
    """
    of_marks = [i for i, title in enumerate(header) if form.marks.search(title)]
    found = [i for i in of_marks if wanted.casefold() in header[i].casefold()]
    if len(found) == 1:
        return found[0]
    listed = ", ".join(header[i] for i in found or of_marks)
    raise TableError(
        f"{'several columns' if found else 'no column'} of marks with {wanted!r} in "
        f"the heading: name one by --column. There are: {listed}"
    )


def most_points(rows: list[Row], form: Form, column: int) -> Iterator[float]:
    """What a table says of the most points that a column takes."""
    header, *rest = rows
    said = []
    heading = form.marks.search(header[column])
    if heading and "most" in form.marks.groupindex:
        said.append(heading["most"])
    if form.most in header:
        place = header.index(form.most)
        said += [row[place] for row in rest if len(row) > place]
    if form.total:
        said += [
            row[column]
            for row in rest
            if row and row[0].strip() == form.total and len(row) > column
        ]
    for text in said:
        try:
            yield float(text.replace(",", "."))
        except ValueError:
            continue


def same(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def keys(row: Row, header: Row, form: Form) -> set[str]:
    """What may name a row's student in an export, and so in the gradebook."""
    cells = dict(zip(header, row, strict=False))
    found = set()
    for names in form.names:
        found.add(same(" ".join(cells.get(name, "") for name in names)))
    addresses = {name.partition("@")[0] for name in found if "@" in name}
    numbers = re.findall(r"\d+$", cells.get(form.numbers or "", ""))
    return (found | addresses | {f"#{number}" for number in numbers}) - {""}


def fill(
    content: bytes,
    marks: Mapping[str, float],
    most: float,
    column: str = "",
    scale: bool = False,
) -> Filled:
    """Put marks into a platform's own table.

    Args:
        content: the table as the platform exported it.
        marks: points by student, as the gradebook knows them.
        most: points that the exercise gives at most.
        column: a part of the column's heading, where there are several with marks.
        scale: turn the points into those of the column.

    Raises:
        TableError: it is no such table; the message says what to do.
    """
    table = Table.read(content)
    header = [title.strip() for title in table.rows[0]]
    form = form_of(header)
    place = column_of(header, form, column)
    asked = {*most_points(table.rows, form, place)} or {most}
    if asked != {most} and not (scale and len(asked) == 1):
        listed = " or ".join(f"{one:g}" for one in sorted(asked))
        raise TableError(
            f"the column takes {listed} points, the exercise gives {most:g}: set it to "
            f"{most:g} on the platform and export again, or turn the points by --scale"
        )
    (top,) = asked
    filled = Filled(b"", form.platform, header[place])
    rows = dict(places_of(table.rows, header, form))
    for student, points in sorted(marks.items()):
        found = rows_of(student, rows, form)
        if len(found) != 1:
            said = "several rows" if found else "no row"
            filled.told.append(f"{student} has a mark, but {said} in the table")
            continue
        row = table.rows[found[0]]
        row += [""] * (place + 1 - len(row))
        row[place] = f"{round(points * top / most, 2):g}"
        filled.placed.append(student)
        rows[found[0]] = set()  # a row takes one mark
    filled.content = table.write()
    return filled


def places_of(
    rows: list[Row], header: Row, form: Form
) -> Iterable[tuple[int, set[str]]]:
    for number, row in enumerate(rows):
        if number and row and row[0].strip() not in (form.total, "Date"):
            yield number, keys(row, header, form)


def rows_of(student: str, rows: dict[int, set[str]], form: Form) -> list[int]:
    """The rows that may be a student's: by the platform's number, else by name."""
    number = re.search(r" (\d+)$", student) if form.numbers else None
    for wanted in ((f"#{number[1]}",) if number else ()) + (same(student),):
        places = [place for place, known in rows.items() if wanted in known]
        if places:
            return places
    return []
