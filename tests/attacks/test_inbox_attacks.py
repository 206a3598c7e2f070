"""Files, links and archives that are meant to reach beyond one's own submission."""

import os
import stat
import struct
import zipfile

import pytest

from digitdreams.grading import inbox

STEM = "01_small"
HONEST = b'{"honest": true}'


@pytest.fixture
def submitted(tmp_path):
    """A folder with one honest submission and something secret outside of it."""
    (tmp_path / "secret.txt").write_bytes(b"the solution")
    folder = tmp_path / "submitted"
    place = folder / "honest" / STEM
    place.mkdir(parents=True)
    (place / f"{STEM}.ipynb").write_bytes(HONEST)
    return folder


def refused(found, student):
    """The reason why a student's submission is not read; the honest one is."""
    by_name = {one.student: one for one in found.submissions}
    assert by_name["honest"].read() == HONEST
    with pytest.raises(inbox.Unreadable) as caught:
        by_name[student].read()
    return str(caught.value)


def nested(submitted, student):
    place = submitted / student / STEM
    place.mkdir(parents=True)
    return place / f"{STEM}.ipynb"


def test_symlink_to_a_file_outside(submitted):
    nested(submitted, "eve").symlink_to(submitted.parent / "secret.txt")
    assert "link" in refused(inbox.find(submitted, STEM), "eve")


def test_symlink_to_another_submission(submitted):
    nested(submitted, "eve").symlink_to(submitted / "honest" / STEM / f"{STEM}.ipynb")
    assert "link" in refused(inbox.find(submitted, STEM), "eve")


def test_symlinked_folders(submitted):
    (submitted / "eve").symlink_to(submitted / "honest")
    (submitted / "mallory").mkdir()
    (submitted / "mallory" / STEM).symlink_to(submitted / "honest" / STEM)
    found = inbox.find(submitted, STEM)
    assert "link" in refused(found, "eve")
    assert "link" in refused(found, "mallory")


def test_folder_that_becomes_a_link_after_it_was_found(submitted):
    path = nested(submitted, "eve")
    path.write_bytes(b"{}")
    found = inbox.find(submitted, STEM)
    path.unlink()
    path.parent.rmdir()
    path.parent.symlink_to(submitted / "honest" / STEM)
    assert "link" in refused(found, "eve")


def test_named_pipe_does_not_hold_up_the_class(submitted):
    os.mkfifo(nested(submitted, "eve"))
    # To open it would wait for a writer without end: pytest's own limit would tell.
    assert "regular" in refused(inbox.find(submitted, STEM), "eve")


def test_device(submitted):
    path = nested(submitted, "eve")
    try:
        os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(1, 5))  # endless zeros
    except OSError:
        pytest.skip("only root makes devices")
    with pytest.raises(inbox.Unreadable):
        next(
            o for o in inbox.find(submitted, STEM).submissions if o.student == "eve"
        ).read()


def test_folder_closed_to_the_grader(submitted, monkeypatch):
    nested(submitted, "eve").write_bytes(b"{}")
    scan = os.scandir

    def closed(path):
        if "eve" in str(path):  # chmod would not stop root, who may run this
            raise PermissionError(13, "Permission denied")
        return scan(path)

    monkeypatch.setattr(os, "scandir", closed)
    assert "cannot be read" in refused(inbox.find(submitted, STEM), "eve")


def test_folder_in_place_of_the_notebook(submitted):
    nested(submitted, "eve").mkdir()
    assert refused(inbox.find(submitted, STEM), "eve")


def test_huge_file_is_not_read(submitted):
    path = nested(submitted, "eve")
    with open(path, "wb") as stream:
        stream.truncate(50_000_000_000)
    assert "larger" in refused(inbox.find(submitted, STEM), "eve")


@pytest.mark.parametrize("text", ["1999-01-01 00:00 UTC", "not a time", "9" * 5000])
def test_forged_timestamp_is_only_a_claim(submitted, text):
    path = nested(submitted, "eve")
    path.write_bytes(b"{}")
    (path.parent / "timestamp.txt").write_text(text)
    by_name = {one.student: one for one in inbox.find(submitted, STEM).submissions}
    assert by_name["eve"].read() == b"{}"
    assert by_name["honest"].claimed is None


@pytest.mark.parametrize(
    "name", ["=cmd|calc", "..", "a\nb", "<script>", "x" * 300, "*"]
)
def test_names_that_would_do_harm(submitted, name):
    if len(name) < 250 and name != "..":
        (submitted / f"{name}.ipynb").write_bytes(b"{}")
    packed = submitted.parent / "all.zip"
    with zipfile.ZipFile(packed, "w") as made:
        made.writestr(f"{name}.ipynb", b"{}")
        made.writestr("honest.ipynb", HONEST)
    for place in (submitted, packed):
        found = inbox.find(place, STEM)
        assert [one.student for one in found.submissions] == ["honest"]


# Archives -----------------------------------------------------------------------------


def packed(path, *members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr(f"honest/{STEM}/{STEM}.ipynb", HONEST)
        for name, content in members:
            made.writestr(name, content)
    return path


@pytest.mark.parametrize(
    "name",
    [
        "../../evil.ipynb",
        "/etc/evil.ipynb",
        "honest/../evil.ipynb",
        f"honest/{STEM}/../{STEM}.ipynb",
        "..\\..\\evil.ipynb",
        "C:/evil.ipynb",
    ],
)
def test_paths_that_climb_out(tmp_path, name):
    info = zipfile.ZipInfo("x")
    info.filename = name
    before = sorted(tmp_path.rglob("*"))
    path = packed(tmp_path / "all.zip", (info, b"evil"))
    found = inbox.find(path, STEM)
    assert [one.student for one in found.submissions] == ["honest"]
    assert found.submissions[0].read() == HONEST
    assert any("leads out" in one for one in found.problems)
    assert sorted(tmp_path.rglob("*")) == sorted([*before, path])


def test_archive_that_expands_without_end(tmp_path):
    bomb = (f"eve/{STEM}/{STEM}.ipynb", b"\0" * 60_000_000)
    found = inbox.find(packed(tmp_path / "all.zip", bomb), STEM)
    assert "larger" in refused(found, "eve")


def test_archive_that_lies_about_its_size(tmp_path):
    path = packed(
        tmp_path / "all.zip", (f"eve/{STEM}/{STEM}.ipynb", b"\0" * 60_000_000)
    )
    content = path.read_bytes()
    path.write_bytes(
        content.replace(struct.pack("<I", 60_000_000), struct.pack("<I", 7))
    )
    assert refused(inbox.find(path, STEM), "eve")


def test_archive_of_very_many_members(tmp_path, monkeypatch):
    monkeypatch.setattr(inbox, "MOST_MEMBERS", 100)
    path = packed(tmp_path / "all.zip", *((f"{i}.txt", b"") for i in range(101)))
    with pytest.raises(inbox.InboxError, match="members"):
        inbox.find(path, STEM)


def test_archive_that_is_too_large_in_all(tmp_path, monkeypatch):
    monkeypatch.setattr(inbox, "LARGEST_ARCHIVE", 100)
    path = packed(tmp_path / "all.zip", ("eve.ipynb", b"\0" * 1000))
    with pytest.raises(inbox.InboxError, match="expand"):
        inbox.find(path, STEM)


def test_symlink_in_an_archive(tmp_path):
    info = zipfile.ZipInfo(f"eve/{STEM}/{STEM}.ipynb")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    found = inbox.find(packed(tmp_path / "all.zip", (info, b"/etc/passwd")), STEM)
    assert "link" in refused(found, "eve")


def test_encrypted_member(tmp_path):
    path = packed(tmp_path / "all.zip", (f"eve/{STEM}/{STEM}.ipynb", b"{}"))
    content = bytearray(path.read_bytes())
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = content.rindex(mark)
        content[place + flags] |= 1
    path.write_bytes(content)
    assert "encrypted" in refused(inbox.find(path, STEM), "eve")


def test_archive_in_an_archive_is_not_opened(tmp_path):
    inner = packed(tmp_path / "inner.zip")
    path = packed(tmp_path / "all.zip", ("eve/inner.zip", inner.read_bytes()))
    assert [one.student for one in inbox.find(path, STEM).submissions] == ["honest"]
