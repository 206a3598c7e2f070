"""Submissions in the forms that nbgrader and learning platforms give them."""

import io
import random
import unicodedata
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
        ("Ann Lee_12345_assignsubmission_file_vae.ipynb", "Ann Lee 12345"),
        ("Ann Lee_12345_assignsubmission_file_/vae.ipynb", "Ann Lee 12345"),
        ("leeann_9876_4321_01_small.ipynb", "leeann 9876"),
        ("leeann_LATE_9876_4321_01_small-2.ipynb", "leeann 9876"),
        ("Exercise 1_ann17_attempt_2026-11-22-04-54-14_vae.ipynb", "ann17"),
        ("Ann Lee - Copy of 01_small.ipynb", "Ann Lee"),
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


# Nothing is left out in silence -------------------------------------------------------

STUDENTS = ("ann", "José", "李 明", "Nguyễn Văn A", "O'Neil, Zoë (Jr.)")
FORMS_OF_FILES = (
    "{}.ipynb",
    "{}.IPYNB",
    "{}.zip",
    "{}.py",
    "{}_01_small.ipynb",
    "{}/01_small.ipynb",
    "{}/01_small/01_small.ipynb",
    "{}/01_small/data.csv",
    "{}/01_small/old/scratch.ipynb",
    "{}/my notebooks/X.ipynb",
    "{}/Untitled.ipynb",
    "{}/work.zip",
    "{}_17_assignsubmission_file_/vae.ipynb",
    "{}_17_assignsubmission_file_vae.zip",
    "{}_17_assignsubmission_onlinetext_.html",
    "{}_9876_4321_01_small-1.ipynb",
    "{}_9876_4322_scratch.ipynb",
    "01_{}_attempt_2026-11-22-04-54-14_01_small.ipynb",
    "01_{}_attempt_2026-11-22-04-54-14.txt",
    "{} - Copy of 01_small.ipynb",
    "a\x1b[31mb/{}.ipynb",
    "x/y/z/{}/deep.ipynb",
)


def told(found):
    """All that a run says about the files of an export."""
    texts = [*found.problems]
    for one in found.submissions:
        texts += [one.where, *one.notes]
        try:
            one.read()
        except inbox.Unreadable as error:
            texts.append(str(error))
    return "\n".join(texts)


def some_export(rng):
    count = rng.randrange(1, 9)
    return sorted(
        {rng.choice(FORMS_OF_FILES).format(rng.choice(STUDENTS)) for _ in range(count)}
    )


@pytest.mark.parametrize("kind", ["zip", "folder"])
def test_every_file_of_an_export_is_a_mark_or_a_line(tmp_path, kind):
    rng = random.Random(7)
    for number in range(300 if kind == "zip" else 60):
        names = some_export(rng)
        place = tmp_path / f"{number}"
        if kind == "zip":
            archive(place, dict.fromkeys(names, b"A"))
        else:
            put(place, **dict.fromkeys(names, b"A"))
        found = inbox.find(place, STEM)
        said = told(found)
        for name in names:
            shown = name.replace("\x1b", "\ufffd")
            assert shown in said or " more" in said, (name, names, said)
        assert "\x1b" not in said
        assert len({one.student for one in found.submissions}) == len(found.submissions)


@pytest.mark.parametrize("kind", ["zip", "folder"])
def test_whose_a_file_is_does_not_depend_on_the_others(tmp_path, kind):
    """Alone or among others of another person: the student has the same name."""
    rng = random.Random(8)
    forms = [one for one in FORMS_OF_FILES if "/" not in one and "ipynb" in one]
    for number, form in enumerate(forms * 3):
        mine = form.format("Ann Lee")
        others = {rng.choice(forms).format(one) for one in STUDENTS}
        namesake = form.format("Ann Lee").replace("_17_", "_18_").replace("9876", "77")
        students = []
        for names in ({mine}, {mine, namesake, *others}):
            place = tmp_path / f"{number} {len(names)}"
            members = {name: b"mine" if name == mine else b"other" for name in names}
            if kind == "zip":
                archive(place, members)
            else:
                put(place, **members)
            found = inbox.find(place, STEM).submissions
            students += [one.student for one in found if one.where == mine]
        assert len(students) == 2 and students[0] == students[1], (mine, students)


@pytest.mark.parametrize(
    "name",
    [
        "Zoë O\u2019Neil",
        "Núria Puig i Marcel·lí",
        "'t Hooft, Gerard",
        "Sammy Davis Jr.",
        "María-José (Pepa) Ruiz",
        "अनुष्का शर्मा",
        "สมชาย ใจดี",
        "محمد عبد الله",
        "علی‌رضا",
        "김민준",
        "Ⅳ Béla",
        "E\u0301lise",  # as some systems write É
        "x" * 200,
        "界" * 100,
    ],
)
def test_names_of_people(tmp_path, name):
    put(tmp_path / "a", **{f"{name[:80]}.ipynb": b"A"})
    packed = archive(tmp_path / "a.zip", {f"{name}/{STEM}.ipynb": b"A", "b.ipynb": b""})
    (flat,) = inbox.find(tmp_path / "a", STEM).submissions
    found = inbox.find(packed, STEM)
    assert not found.problems and len(found.submissions) == 2
    for one in (flat, *found.submissions):
        assert len(one.student) <= 100 and len(one.student.encode()) <= 200
    wanted = unicodedata.normalize("NFC", name)
    assert wanted == flat.student or len(name) > 80
    whole = [one for one in found.submissions if one.student != "b"]
    assert whole[0].student == wanted or any(wanted in one for one in whole[0].notes)


def test_long_names_that_begin_alike_stay_two(tmp_path):
    names = ["x" * 150 + end for end in ("a", "b")]
    packed = archive(tmp_path / "a.zip", {f"{name}.ipynb": b"" for name in names})
    assert len(inbox.find(packed, STEM).submissions) == 2


ATTEMPTS = {
    "a scratch file beside it": (
        ("lee_9_1_01_small.ipynb", "lee_9_2_scratch.ipynb", "lee_9_3_other.ipynb"),
        0,
    ),
    "Canvas numbers what comes again": (
        ("lee_9_1_01_small.ipynb", "lee_9_2_01_small-2.ipynb", "lee_9_3_x.ipynb"),
        1,
    ),
    "Blackboard's later attempt": (
        (
            "E_lee_attempt_2026-11-22-04-54-14_01_small.ipynb",
            "E_lee_attempt_2026-11-23-04-54-14_final.ipynb",
            "E_lee_attempt_2026-11-23-04-54-14.txt",
        ),
        1,
    ),
    "copies in Drive": (("lee - 01_small.ipynb", "lee - 01_small (1).ipynb"), 1),
    "beside a folder's scratch": (
        ("lee/scratch.ipynb", "lee/01_small_final.ipynb", "lee/data.csv"),
        1,
    ),
    "the upper one of two": (("lee/01_small.ipynb", "lee/old/01_small.ipynb"), 0),
}


@pytest.mark.parametrize(("names", "right"), ATTEMPTS.values(), ids=ATTEMPTS)
def test_of_several_files_of_one_student(tmp_path, names, right):
    members = {name: str(place).encode() for place, name in enumerate(names)}
    members["bob.ipynb"] = b""
    found = inbox.find(archive(tmp_path / "a.zip", members), STEM)
    (one,) = [one for one in found.submissions if one.student != "bob"]
    assert one.read() == b"%d" % right
    assert not found.problems
    assert all(name in told(found) for name in names)


@pytest.mark.parametrize(
    "name", ["lee_9_1_work.zip", "Lee_9_assignsubmission_file_work.py"]
)
def test_who_hands_in_something_else_is_told_so(tmp_path, name):
    found = inbox.find(archive(tmp_path / "a.zip", {name: b"", "b.ipynb": b""}), STEM)
    with pytest.raises(inbox.Missing, match="no notebook"):
        next(one for one in found.submissions if one.student != "b").read()


def test_what_names_nobody_is_a_problem(tmp_path):
    put(tmp_path, **{"ann.ipynb": b"A", "bob.zip": b"", "read me.txt": b""})
    (tmp_path / "empty").mkdir()
    found = inbox.find(tmp_path, STEM)
    assert [one.student for one in found.submissions] == ["ann"]
    assert [one.partition(":")[0] for one in found.problems] == [
        "bob.zip",
        "empty",
        "read me.txt",
    ]
