"""Marks go out in the tables that platforms import; they are read back here."""

import csv
import io

import pytest

from digitdreams.grading.lms import tables

MOODLE = (
    "\ufeffIdentifier,Full name,Email address,Status,Grade,Maximum Grade,"
    "Grade can be changed,Last modified (submission),Last modified (grade),"
    "Feedback comments\n"
    'Participant 101,"Lee, Ann",ann@x.edu,Submitted,,12.00,Yes,"Friday, 3 April",-,\n'
    "Participant 102,Ann Lee,lee@x.edu,Submitted,,12.00,Yes,-,-,\n"
    "Participant 103,Ann Lee,other@x.edu,Submitted,7.00,12.00,Yes,-,-,Well done\n"
    "Participant 104,=1+2,d@x.edu,No submission,,12.00,Yes,-,-,\n"
).encode()
CANVAS = (
    "Student,ID,SIS User ID,SIS Login ID,Section,Exercise 3 (77),Exercise 4 (78),"
    "Final Score\r\n"
    ",,,,,Manual Posting,,\r\n"
    "    Points Possible,,,,,12,9,(read only)\r\n"
    '"Lee, Ann",101,s1,ann@x.edu,Main,,5,88\r\n'
    '"Lee, Ann",102,s2,lee@x.edu,Main,,5,88\r\n'
    '"Öz, Ée",103,s3,oz@x.edu,Main,,,\r\n'
    '"Student, Test",9,,abc,Main,,,\r\n'
).encode()
BLACKBOARD = (
    '"Last Name"\t"First Name"\t"Username"\t"Student ID"\t"Last Access"\t'
    '"Weighted Total [Total Pts: up to 0 Percentage] |5"\t'
    '"Exercise 3 [Total Pts: 12 Score] |98765"\r\n'
    '"Lee"\t"Ann"\t"ann17"\t"1"\t""\t""\t""\r\n'
    '"Öz"\t"Ée"\t"oz"\t"2"\t""\t""\t"Needs Marking(0)"\r\n'
).encode("utf-16")
CLASSROOM = (
    "Last Name,First Name,Email Address,Exercise 3,Exercise 4\n"
    "Date,,,2026-11-20,2026-11-27\n"
    "Points,,,12,9\n"
    "Lee,Ann,ann@x.edu,,\n"
    "Öz,Ée,oz@x.edu,,3\n"
).encode()
# The table, its column, who has which mark, and what a reader finds, by its own key.
CASES = {
    "Moodle": (
        MOODLE,
        ("", "Identifier", "Grade"),
        {"Lee Ann 101": 8.5, "Ann Lee 102": 12.0, "Ann Lee 104": 0.0},
        {
            "Participant 101": "8.5",
            "Participant 102": "12",
            "Participant 103": "7.00",
            "Participant 104": "0",
        },
    ),
    "Canvas": (
        CANVAS,
        ("Exercise 3", "ID", "Exercise 3 (77)"),
        {"leeann 102": 3.0, "ozee 103": 4.25},
        {"101": "", "102": "3", "103": "4.25", "9": "", "": "12"},
    ),
    "Blackboard": (
        BLACKBOARD,
        ("exercise 3", "Username", "Exercise 3 [Total Pts: 12 Score] |98765"),
        {"ann17": 11.333333, "oz": 0.0},
        {"ann17": "11.33", "oz": "0"},
    ),
    "Google Classroom": (
        CLASSROOM,
        ("Exercise 3", "Email Address", "Exercise 3"),
        {"Ann Lee": 6.0, "E\u0301e  öz": 7.0},
        {"": "12", "ann@x.edu": "6", "oz@x.edu": "7"},
    ),
}


def read_back(content):
    """As a platform does: by the column's names."""
    utf_16 = content.startswith(b"\xff\xfe")
    text = content.decode("utf-16" if utf_16 else "utf-8-sig")
    dialect = "excel-tab" if "\t" in text else "excel"
    return list(csv.DictReader(io.StringIO(text, ""), dialect=dialect))


@pytest.mark.parametrize("name", CASES)
def test_a_platforms_table_takes_the_marks_and_nothing_else_changes(name):
    content, (column, key, heading), marks, expected = CASES[name]
    filled = tables.fill(content, marks, 12, column)
    assert (filled.platform, filled.column, filled.told) == (name, heading, [])
    assert filled.placed == sorted(marks)
    before, after = read_back(content), read_back(filled.content)
    assert {row[key]: row[heading] for row in after} == expected
    for old, new in zip(before, after, strict=True):
        assert {**old, heading: ""} == {**new, heading: ""}
    # Without marks the file is the same, byte for byte.
    assert tables.fill(content, {}, 12, column).content == content


def test_who_has_no_row_or_several_is_told():
    marks = {"Ann Lee": 1.0, "Ann Lee 999": 2.0, "ann@x.edu": 3.0, "ann": 4.0}
    filled = tables.fill(MOODLE, marks, 12)
    assert filled.placed == ["ann"]
    assert filled.told == [
        "Ann Lee has a mark, but several rows in the table",
        "Ann Lee 999 has a mark, but no row in the table",
        "ann@x.edu has a mark, but no row in the table",
    ]


def test_points_of_another_scale():
    of_120 = MOODLE.replace(b"12.00", b"120.00")
    filled = tables.fill(of_120, {"x 101": 1.02}, 12, scale=True)
    assert read_back(filled.content)[0]["Grade"] == "10.2"
    for name, (content, (column, *_), *_) in CASES.items():
        with pytest.raises(tables.TableError, match=r"takes 12 points.*--scale"):
            tables.fill(content, {}, 10, column)
        assert tables.fill(content, {}, 10, column, scale=True).platform == name


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no header"),
        (b"a,b\n", "no header"),
        (b"\xff\xfe\xfa", "neither UTF-8 nor UTF-16"),
        (b"a\xe4,b\n1,2\n", "neither UTF-8 nor UTF-16"),
        (b"a,b\n1,2\n", "no platform"),
        (b"Identifier,Grade\n1,2\n", "no platform"),
        (CANVAS, "several columns"),
        (b"a,b\n\0,2\n", "no platform|no table"),
    ],
)
def test_what_is_no_table_is_told(content, said):
    with pytest.raises(tables.TableError, match=said):
        tables.fill(content, {}, 12, "")


def test_a_column_that_is_not_there():
    with pytest.raises(tables.TableError, match=r"no column .*Exercise 3 \(77\)"):
        tables.fill(CANVAS, {}, 12, "Exercise 5")
