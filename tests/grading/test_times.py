"""When students handed in: only what cannot be misread, and no line without a use."""

from datetime import datetime

import pytest

from digitdreams.grading import grader, inbox


def test_times_table(tmp_path):
    path = tmp_path / "times.csv"
    path.write_text("student,time\nann,2026-11-21T10:00+02:00\n")
    assert grader.read_times(path) == {"ann": datetime(2026, 11, 21, 8)}
    path.write_text("who,when\nann,now\n")
    with pytest.raises(grader.GradingError, match="student_id and timestamp"):
        grader.read_times(path)
    path.write_text("student,time\nann,soon\n")
    with pytest.raises(grader.GradingError, match=r"line 2: .*not a time"):
        grader.read_times(path)
    path.write_text("student,time\nann,2026-11-21T10:00\nben\n")
    with pytest.raises(grader.GradingError, match=r"line 3: .*a comma"):
        grader.read_times(path)
    path.write_text("student,time\nann,2026-11-21T10:00\n ann ,2026-11-22T10:00\n")
    with pytest.raises(
        grader.GradingError, match=r"line 3: ann is there a second time"
    ):
        grader.read_times(path)
    path.write_text("student,time\n,2026-11-21T10:00\n")
    with pytest.raises(grader.GradingError, match=r"line 2: .*a student"):
        grader.read_times(path)
    path.write_text("student,time\nann,-\nben,\ncid,2026-11-21 10:00 -0130\n")
    cid = datetime(2026, 11, 21, 11, 30)
    assert grader.read_times(path) == {"ann": None, "ben": None, "cid": cid}


TIMES = {
    "2026-11-22 06:00 +0200": "2026-11-22 04:00:00",
    "2026-11-22 06:00": "2026-11-22 06:00:00",
    "2026-11-22T06:00:07Z": "2026-11-22 06:00:07",
    "2026-11-22 04:54:14.25 UTC": "2026-11-22 04:54:14.250000",
    " 2026-1-2 6:00-05:30 ": "2026-01-02 11:30:00",
}


@pytest.mark.parametrize(("text", "expected"), TIMES.items())
def test_times_that_are_read(text, expected):
    assert str(inbox.read_time(text)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "12/03/2026 10:00",  # December or March
        "12.03.2026 10:00",
        "2026-11-22",  # at which hour
        "10:00",
        "2026-11-22 10",
        "2026-11-22 10:00 CST",  # in China, Cuba or Chicago
        "2026-11-22 10:00 PM",
        "Sunday, 22 November 2026, 10:00 AM",
        "2026-02-30 10:00",
        "2026-11-22 25:00",
        "2026-11-22 10:00 +99",
        "2026-11-22 10:00 +2500",
        "0000-11-22 10:00",
        "0001-01-01 00:00 +0100",
        "9" * 5000,
        "\u0662\u0660\u0662\u0666-11-22 10:00",
        "yesterday-ish",
        "",
    ],
)
def test_times_that_could_be_misread(text):
    with pytest.raises(ValueError, match=r"not a time.*: write it as 2026-11-22 18:00"):
        inbox.read_time(text)


def test_every_line_of_a_table_has_a_use_or_is_told():
    def handed_in(student, name):
        return inbox.Submission(student, "", lambda: b"", name=name)

    submissions = [
        handed_in("ann", "ann"),
        handed_in("Ben Lee 17", "Ben Lee"),
        handed_in("Cid Lee 18", "Cid Lee"),
        handed_in("Cid Lee 19", "Cid Lee"),
        handed_in("dan", "dan"),
    ]
    time = datetime(2026, 11, 21)
    table = {"ann": time, "Ben Lee": time, "Cid Lee": time, "Cid Lee 19": time}
    table |= {"dan": None, "eve": None, "fay": time}
    times, told = grader.times_by_student(table, submissions)
    assert times == dict.fromkeys(["ann", "Ben Lee 17", "Cid Lee 19"], time)
    assert told == [
        "Cid Lee may be Cid Lee 18 or Cid Lee 19",
        "dan handed in, but has no time",
        "fay has a time, but handed in nothing",
    ]
