"""my_work: what is copied, renewed and left alone, and where links lead."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import nbformat
import pytest
from typer.testing import CliRunner

from digitdreams import checks, cli, course, files, workspace
from places import LESSONS, ROOT, WITH_EXERCISE

VAE = course.load().find("03")
LESSON, EXERCISE = workspace.page(VAE), workspace.page(VAE, exercise=True)
CHECKS = f"exercises/{VAE.stem}/{checks.FILE_NAME}"


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A course to be changed by the test, with one lesson, and a place for work."""
    home = tmp_path / "course"
    shutil.copytree(ROOT / "images", home / "images")
    shutil.copy(ROOT / "course.toml", home)
    (home / "lessons").mkdir()
    shutil.copy(ROOT / LESSON, home / LESSON)
    shutil.copytree((ROOT / EXERCISE).parent, (home / EXERCISE).parent)
    monkeypatch.setattr(files, "ROOT", home)
    monkeypatch.setenv("DIGITDREAMS_HOME", str(tmp_path / "student"))
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))
    return home


@pytest.fixture
def whole(home):
    """The same with all lessons and exercises."""
    for folder in ("lessons", "exercises"):
        shutil.copytree(ROOT / folder, home / folder, dirs_exist_ok=True)
    return home


@pytest.fixture
def work(home):
    return files.work_folder()


def change(path, word):
    """Write a word into the first text of a notebook, as a person does."""
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[0].source += f"\n\n{word}"
    nbformat.write(notebook, path)


def text(path):
    return path.read_text(encoding="utf-8")


def type_in(*words):
    return CliRunner().invoke(cli.app, words)


def essence(path):
    return [
        (cell.id, cell.source, cell.metadata, cell.get("outputs"))
        for cell in nbformat.read(path, as_version=4).cells
    ]


def test_a_copy_holds_what_the_course_holds(home, work):
    report = workspace.refresh([LESSON, EXERCISE])
    assert {LESSON, EXERCISE, CHECKS} <= set(report.copied)
    for name in (LESSON, EXERCISE):
        assert essence(work / name) == essence(home / name)
    assert (work / CHECKS).read_bytes() == (home / CHECKS).read_bytes()


def test_a_second_time_nothing_happens(work):
    workspace.refresh([LESSON, EXERCISE])
    before = {path: path.stat().st_mtime_ns for path in work.rglob("*")}
    assert workspace.refresh([LESSON, EXERCISE]) == workspace.Report()
    assert {path: path.stat().st_mtime_ns for path in work.rglob("*")} == before


def test_every_relative_link_of_the_course_leads_to_a_file_that_is_copied(whole, work):
    pages = [workspace.page(one) for one in LESSONS]
    pages += [workspace.page(one, exercise=True) for one in WITH_EXERCISE]
    workspace.refresh(pages)
    count = 0
    for page in pages:
        notebook = nbformat.read(whole / page, as_version=4)
        for link in workspace.links(notebook):
            target = (work / page).parent / link
            assert target.is_file(), f"{page} links to {link}"
            assert target.resolve().is_relative_to(work.resolve()), link
            count += 1
    assert count > len(WITH_EXERCISE)


def test_each_lesson_links_to_its_exercise():
    for one in WITH_EXERCISE:
        notebook = nbformat.read(ROOT / workspace.page(one), as_version=4)
        wanted = f"../{workspace.page(one, exercise=True)}"
        assert wanted in workspace.links(notebook), one.stem


def test_links_are_read_as_a_browser_reads_them():
    cell = nbformat.v4.new_markdown_cell(
        "[a](../b%20c.ipynb#part) ![d](e.png) <img src='f.png'> [web](https://g.org/h) "
        "[mail](mailto:i@j.org) [here](#k)\n\n```\n[no](code.ipynb)\n```\n"
        '\n<a href="l.ipynb">\n\n[m]\n\n[m]: n.ipynb'
    )
    code = nbformat.v4.new_code_cell("[o](p.ipynb)")
    found = list(workspace.links(nbformat.v4.new_notebook(cells=[cell, code])))
    assert found == ["../b c.ipynb", "e.png", "f.png", "l.ipynb", "n.ipynb"]


def test_what_a_page_links_to_is_copied_with_it(home, work):
    report = workspace.refresh([LESSON])
    assert {EXERCISE, CHECKS, "images/latent_map.png"} <= set(report.copied)
    assert all(name.split("/")[0] in workspace.FOLDERS for name in report.copied)


def test_an_untouched_copy_is_renewed(home, work):
    workspace.refresh([LESSON])
    change(home / LESSON, "A better sentence.")
    assert workspace.refresh([LESSON]).renewed == [LESSON]
    assert "A better sentence." in text(work / LESSON)
    change(home / LESSON, "And another.")
    assert workspace.refresh([LESSON]).renewed == [LESSON]


def test_opening_a_notebook_is_no_change(home, work):
    workspace.refresh([LESSON])
    notebook = nbformat.read(work / LESSON, as_version=4)
    notebook.metadata.kernelspec.display_name = "Python 3.11 (my editor)"
    notebook.metadata.language_info.version = "3.11.99"
    nbformat.write(notebook, work / LESSON)
    change(home / LESSON, "A better sentence.")
    assert workspace.refresh([LESSON]).renewed == [LESSON]


def test_a_new_stamp_alone_is_no_news(home, work):
    workspace.refresh([LESSON])
    change(work / LESSON, "my note")
    notebook = nbformat.read(home / LESSON, as_version=4)
    notebook.metadata.digitdreams = {"stamp": "another"}
    nbformat.write(notebook, home / LESSON)
    assert workspace.refresh([LESSON]) == workspace.Report()


def run_a_cell(path):
    notebook = nbformat.read(path, as_version=4)
    cell = next(one for one in notebook.cells if one.cell_type == "code")
    cell.execution_count, cell.outputs = 99, []
    nbformat.write(notebook, path)


@pytest.mark.parametrize(
    "touch",
    [
        lambda path: change(path, "my note"),
        run_a_cell,
        lambda path: path.write_text(""),
        lambda path: path.write_bytes(b"\xff\xfe"),
        lambda path: path.write_text("[]"),
    ],
    ids=["edited", "run", "emptied", "binary", "no notebook"],
)
def test_work_is_never_overwritten(home, work, touch):
    workspace.refresh([LESSON])
    touch(work / LESSON)
    mine = (work / LESSON).read_bytes()
    assert not workspace.refresh([LESSON]).kept  # the course has nothing newer
    change(home / LESSON, "A better sentence.")
    for _ in range(2):  # and it is said each time
        assert list(workspace.refresh([LESSON]).kept) == [LESSON]
        assert (work / LESSON).read_bytes() == mine
    (work / LESSON).rename(work / "lessons" / "mine.ipynb")
    assert workspace.refresh([LESSON]).copied == [LESSON]
    assert "A better sentence." in text(work / LESSON)


@pytest.mark.parametrize("record", [None, "", "[]", '{"files": 3}', '{"files": {}}'])
def test_without_a_record_nothing_that_differs_is_overwritten(home, work, record):
    workspace.refresh([LESSON])
    change(work / LESSON, "my note")
    if record is None:
        (work / workspace.MANIFEST).unlink()
    else:
        (work / workspace.MANIFEST).write_text(record)
    report = workspace.refresh([LESSON])
    assert list(report.kept) == [LESSON] and not report.copied
    assert "my note" in text(work / LESSON)
    change(home / EXERCISE, "A better sentence.")  # the others are known again
    assert workspace.refresh([LESSON]).renewed == [EXERCISE]


def change_checks(path, edit):
    content = json.loads(text(path))
    edit(content)
    path.write_text(json.dumps(content), encoding="utf-8")


def say_better(content):
    content["tasks"]["slerp"]["hints"][0] = "A better hint."


def ask_otherwise(content):
    say_better(content)
    content["tasks"]["spherical"] = content["tasks"].pop("slerp")


def test_checks_are_mended_beside_a_notebook_with_work_in_it(home, work):
    workspace.refresh([EXERCISE])
    change(work / EXERCISE, "my answer")
    change(home / EXERCISE, "A better sentence.")
    change_checks(home / CHECKS, say_better)
    report = workspace.refresh([EXERCISE])
    assert list(report.kept) == [EXERCISE] and report.renewed == [CHECKS]
    assert "A better hint." in text(work / CHECKS)


def test_checks_that_ask_for_something_else_wait_for_their_notebook(home, work):
    workspace.refresh([EXERCISE])
    change(work / EXERCISE, "my answer")
    change(home / EXERCISE, "Another task.")
    change_checks(home / CHECKS, ask_otherwise)
    report = workspace.refresh([EXERCISE])
    assert set(report.kept) == {EXERCISE, CHECKS} and not report.renewed
    assert "A better hint." not in text(work / CHECKS)
    (work / EXERCISE).rename(work / "mine.ipynb")
    report = workspace.refresh([EXERCISE])
    assert report.copied == [EXERCISE] and report.renewed == [CHECKS]


def test_a_place_that_cannot_be_written_is_named(home, tmp_path):
    (tmp_path / "student").mkdir()
    (tmp_path / "student" / "my_work").write_text("a file")
    with pytest.raises(workspace.WorkspaceError, match="my_work"):
        workspace.refresh([LESSON])


# The commands -------------------------------------------------------------------------


def test_start_copies_an_exercise_and_says_how_to_open_it(home, work):
    result = type_in("start", "03")
    assert result.exit_code == 0
    assert f"{VAE.stem}.ipynb" in result.output
    assert "digitdreams lab 03 --exercise" in result.output
    change(work / EXERCISE, "my answer")
    result = type_in("start", "03")
    assert result.exit_code == 0 and "Kept" not in result.output
    change(home / EXERCISE, "A better sentence.")
    result = type_in("start", "03")
    (line,) = (one for one in result.output.splitlines() if one.startswith("Kept"))
    assert EXERCISE in line and "digitdreams start 03" in line
    assert "my answer" in text(work / EXERCISE)


def test_work_from_the_earlier_layout_is_left_alone_and_told(home, work):
    shutil.copytree(home / "exercises" / VAE.stem, work / VAE.stem)
    mine = work / VAE.stem / f"{VAE.stem}.ipynb"
    change(mine, "my answer")
    before = mine.read_bytes()
    result = type_in("start", "03")
    (line,) = (one for one in result.output.splitlines() if "earlier version" in one)
    assert VAE.stem in line
    assert "earlier version" not in type_in("start", "04").output
    assert "earlier version" in type_in("lessons").output
    assert mine.read_bytes() == before and (work / EXERCISE).is_file()


def test_lessons_copies_the_lessons_with_their_outputs(whole, work):
    result = type_in("lessons")
    assert result.exit_code == 0
    for one in LESSONS:
        copied = nbformat.read(work / workspace.page(one), as_version=4)
        assert any(cell.get("outputs") for cell in copied.cells)
        (line,) = (x for x in result.output.splitlines() if x.endswith(one.title))
        assert f"{one.stem}.ipynb" in line


def test_trouble_is_one_line(home, tmp_path):
    (tmp_path / "student").write_text("a file")
    for command in (["start", "03"], ["lessons"], ["lab"]):
        result = type_in(*command)
        assert result.exit_code == 1
        assert len(result.output.strip().splitlines()) == 1
        assert "student" in result.output


def test_lab_refuses_what_it_cannot_open(home, work):
    assert "has no exercise" in type_in("lab", "00", "--exercise").output
    assert "One lesson at a time" in type_in("lab", "01", "02").output
    assert not work.exists()


def test_an_installed_course_is_copied_into_the_folder_where_one_works(
    home, tmp_path, monkeypatch
):
    """A wheel's course lies elsewhere and may be read-only; work goes to the cwd."""
    monkeypatch.delenv("DIGITDREAMS_HOME")
    for path in home.rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    (tmp_path / "anywhere").mkdir()
    monkeypatch.chdir(tmp_path / "anywhere")
    assert type_in("start", "03").exit_code == 0
    copied = tmp_path / "anywhere" / "my_work" / EXERCISE
    assert copied.is_file() and os.access(copied, os.W_OK)
    assert copied.stat().st_mode & 0o200
    monkeypatch.chdir(copied.parent)  # where its kernel runs
    assert files.work_folder() == tmp_path / "anywhere" / "my_work"


@pytest.mark.slow
def test_lab_serves_the_workspace_without_a_browser_and_ends_on_ctrl_c(tmp_path):
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    settings = tmp_path / "settings"
    settings.mkdir()
    if os.geteuid() == 0:  # Jupyter asks root for this, as in a container
        (settings / "jupyter_server_config.json").write_text(
            '{"ServerApp": {"allow_root": true}}'
        )
    environment = os.environ | {
        "DIGITDREAMS_HOME": str(tmp_path),
        "JUPYTER_TOKEN": "secret",
        "JUPYTER_CONFIG_DIR": str(settings),
        "JUPYTER_DATA_DIR": str(tmp_path / "jupyter"),
        "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime"),
    }
    code = "from digitdreams import launch; launch.main()"
    command = [sys.executable, "-c", code, "lab", "03", "--exercise", "--no-browser"]
    process = subprocess.Popen(
        [*command, "--port", str(port), "--ServerApp.port_retries=0"],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        place = f"http://localhost:{port}/api/contents/{EXERCISE}?token=secret"
        answer = None
        for _ in range(240):
            with contextlib.suppress(OSError), urllib.request.urlopen(place) as reply:
                answer = json.load(reply)
                break
            assert process.poll() is None, process.stdout.read()
            time.sleep(0.5)
        assert answer["path"] == EXERCISE
        start = f"http://localhost:{port}/?token=secret"
        with urllib.request.urlopen(start) as reply:
            assert reply.url.endswith(f"/lab/tree/{EXERCISE}?token=secret")
        process.send_signal(signal.SIGINT)  # without a terminal, nobody is asked
        said, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0, said
    assert "Traceback" not in said
