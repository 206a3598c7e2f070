"""What several parts of the package share: files, the machine, words for amounts."""

import os

import pytest

from digitdreams import files, machine
from digitdreams.authoring.display import sentence
from digitdreams.words import amount, duration


def test_words():
    assert amount(145.2, "nats") == "145.20 nats"
    assert amount(0.99234) == "0.9923"
    assert amount(None, "nats") == "not a number"
    written = {0.04: "0.0 s", 7.4: "7.4 s", 9.94: "9.9 s", 9.96: "10 s"}
    written |= {59.7: "1 min 00 s", 125: "2 min 05 s"}
    assert {seconds: duration(seconds) for seconds in written} == written
    number = {"label": "accuracy", "unit": "", "side": "above", "bar": 0.99}
    number |= {"value": 0.995, "stretch": 0.994, "passed": True}
    assert sentence(number) == "accuracy 0.995, above 0.99: stretch reached"


def test_the_machine_is_described_without_names():
    cores, *model, memory = machine.describe().split(", ")
    assert int(cores.split()[0]) >= 1
    assert "".join(model)
    assert memory.endswith(" GB")
    assert os.uname().nodename not in machine.describe()


def test_a_text_file_is_replaced_whole_or_not_at_all(tmp_path):
    path = tmp_path / "course.toml"
    path.write_text("old")
    path.chmod(0o640)
    with pytest.raises(UnicodeEncodeError):
        files.write_atomically(path, "new \ud800")
    assert path.read_text() == "old"
    files.write_atomically(path, "new")
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o640
    assert [one.name for one in tmp_path.iterdir()] == ["course.toml"]


def test_work_is_written_where_the_environment_says(tmp_path, monkeypatch):
    monkeypatch.delenv("DIGITDREAMS_HOME", raising=False)
    assert files.base() == files.home() == files.checkout("This test")
    monkeypatch.setenv("DIGITDREAMS_HOME", str(tmp_path / "mine"))
    assert files.work_folder() == tmp_path / "mine" / "my_work"


def test_a_missing_course_is_told_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "ROOT", tmp_path)
    with pytest.raises(files.CourseMissing, match="install digitdreams again"):
        files.home()
    with pytest.raises(files.CourseMissing, match="Building needs a checkout"):
        files.checkout("Building")
