"""Submissions in the forms that nbgrader and learning platforms give them."""

import io
import zipfile

import pytest

from digitdreams.grading import inbox

STEM = "01_small"


def put(folder, **files):
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def archive(path, members):
    with zipfile.ZipFile(path, "w") as made:
        for name, content in members.items():
            made.writestr(name, content)
    return path


def contents(found):
    return {one.student: one.read() for one in found.submissions}


def test_nbgraders_layout(tmp_path):
    put(
        tmp_path, **{f"ann/{STEM}/{STEM}.ipynb": b"A", f"bob/{STEM}/{STEM}.ipynb": b"B"}
    )
    put(tmp_path, **{"cid/02_other/02_other.ipynb": b"not this exercise"})
    found = inbox.find(tmp_path, STEM)
    assert contents(found) == {"ann": b"A", "bob": b"B"}
    assert not found.problems


def test_a_folder_without_a_notebook_is_missing(tmp_path):
    put(tmp_path, **{f"ann/{STEM}/notes.txt": b"sorry"})
    (one,) = inbox.find(tmp_path, STEM).submissions
    with pytest.raises(inbox.Missing, match=f"no {STEM}.ipynb"):
        one.read()


def test_the_only_notebook_may_have_another_name(tmp_path):
    put(tmp_path, **{f"ann/{STEM}/Untitled.ipynb": b"A"})
    (one,) = inbox.find(tmp_path, STEM).submissions
    assert one.read() == b"A"
    assert one.notes == ("the file was called Untitled.ipynb",)


def test_flat_folder(tmp_path):
    put(tmp_path, **{"ann.ipynb": b"A", f"bob_{STEM}.ipynb": b"B", "read me.txt": b""})
    put(tmp_path, **{"cid/whatever.ipynb": b"C"})
    assert contents(inbox.find(tmp_path, STEM)) == {
        "ann": b"A",
        "bob": b"B",
        "cid": b"C",
    }


@pytest.mark.parametrize(
    ("name", "student"),
    [
        ("Ann Lee_12345_assignsubmission_file_vae.ipynb", "Ann Lee"),
        ("Ann Lee_12345_assignsubmission_file_/vae.ipynb", "Ann Lee"),
        ("leeann_9876_4321_01_small.ipynb", "leeann"),
        ("leeann_LATE_9876_4321_01_small-2.ipynb", "leeann"),
        ("Zoë O'Neil.ipynb", "Zoë O'Neil"),
    ],
)
def test_names_that_platforms_write(tmp_path, name, student):
    put(tmp_path / "folder", **{name: b"A"})
    put(tmp_path / "folder", **{"bob.ipynb": b"B"})
    assert contents(inbox.find(tmp_path / "folder", STEM))[student] == b"A"
    packed = archive(tmp_path / "a.zip", {name: b"A", "bob.ipynb": b"B"})
    assert contents(inbox.find(packed, STEM))[student] == b"A"


def test_namesakes_keep_the_platforms_number(tmp_path):
    for number in (1, 2):
        put(
            tmp_path,
            **{f"Ann Lee_{number}_assignsubmission_file_a.ipynb": b"%d" % number},
        )
    assert contents(inbox.find(tmp_path, STEM)) == {
        "Ann Lee 1": b"1",
        "Ann Lee 2": b"2",
    }


def test_a_pattern_for_other_names(tmp_path):
    put(tmp_path, **{"group7-ann-final.ipynb": b"A", "odd.ipynb": b"?"})
    found = inbox.find(tmp_path, STEM, r"group\d+-(?P<student>\w+)-")
    assert contents(found) == {"ann": b"A"}
    assert "odd.ipynb" in found.problems[0]
    with pytest.raises(inbox.InboxError, match="student"):
        inbox.find(tmp_path, STEM, r"group\d+")
    with pytest.raises(inbox.InboxError, match="regular expression"):
        inbox.find(tmp_path, STEM, r"(?P<student>")


FORMS = ("{}.ipynb", "{}/{stem}.ipynb", "{}/{stem}/{stem}.ipynb")
CLASSES = [
    (wrapper, inner, students)
    for wrapper in ("", "class of 2026/", "submitted/")
    for inner in FORMS
    for students in (["ann", "bob"], ["ann"])
    # One file in one folder: then the folder is named by the student.
    if not (wrapper and inner == FORMS[0] and students == ["ann"])
]


@pytest.mark.parametrize(("wrapper", "inner", "students"), CLASSES)
def test_archives(tmp_path, wrapper, inner, students):
    members = {wrapper + inner.format(one, stem=STEM): one.encode() for one in students}
    members["__MACOSX/._ann.ipynb"] = b"junk"
    found = inbox.find(archive(tmp_path / "all.zip", members), STEM)
    assert contents(found) == {one: one.encode() for one in students}
    assert not found.problems


def test_two_notebooks_of_one_student_are_not_guessed_between(tmp_path):
    put(tmp_path, **{"ann.ipynb": b"A", "ann/other.ipynb": b"B", "bob.ipynb": b"B"})
    found = inbox.find(tmp_path, STEM)
    ann, bob = found.submissions
    with pytest.raises(inbox.Unreadable, match="several"):
        ann.read()
    assert bob.read() == b"B"


def test_extras_of_the_exchange(tmp_path):
    put(tmp_path, **{f"ann/{STEM}/{STEM}.ipynb": b"A"})
    put(tmp_path, **{f"ann/{STEM}/timestamp.txt": b"2026-11-22 04:54:14.25 UTC"})
    (one,) = inbox.find(tmp_path, STEM).submissions
    assert str(one.claimed) == "2026-11-22 04:54:14.250000"
    assert set(one.extras) == {"timestamp.txt"}


def test_times_are_utc():
    assert str(inbox.read_time("2026-11-22 06:00 +0200")) == "2026-11-22 04:00:00"
    with pytest.raises(ValueError, match="not a time"):
        inbox.read_time("yesterday-ish")


def test_no_place(tmp_path):
    with pytest.raises(inbox.InboxError, match="does not exist"):
        inbox.find(tmp_path / "nowhere", STEM)
    (tmp_path / "a.zip").write_bytes(b"PK but no archive")
    with pytest.raises(inbox.InboxError, match="not a zip"):
        inbox.find(tmp_path / "a.zip", STEM)


def test_a_damaged_member_harms_nobody_else(tmp_path):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("ann.ipynb", b"A" * 1000)
        made.writestr("bob.ipynb", b"B")
    content = bytearray(stream.getvalue())
    place = content.index(b"ann.ipynb") + len("ann.ipynb")
    content[place : place + 4] = b"\xff\xff\xff\xff"
    (tmp_path / "a.zip").write_bytes(content)
    ann, bob = inbox.find(tmp_path / "a.zip", STEM).submissions
    with pytest.raises(inbox.Unreadable, match="damaged"):
        ann.read()
    assert bob.read() == b"B"
