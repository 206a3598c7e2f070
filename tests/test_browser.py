"""A student's first ten minutes: `make lab`, a real JupyterLab, a real browser."""

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from reader import CHROMIUM

from digitdreams import course, workspace
from places import ROOT

sync_api = pytest.importorskip(
    "playwright.sync_api", reason="Playwright is not installed: pip install playwright"
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on the PATH"),
    pytest.mark.skipif(shutil.which("make") is None, reason="there is no make"),
    pytest.mark.skipif(sys.platform == "win32", reason="the course runs inside WSL"),
]

PATIENCE = 300_000  # ms: a busy machine is slow
NOT_COURSE = {".git", ".venv", "build", "my_work", "__pycache__", ".ci", "shared"}
VAE = course.load().find("03")


def state(folder: Path) -> dict[str, str]:
    """A digest of every file of the course, without what git ignores."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and not NOT_COURSE & set(path.relative_to(folder).parts)
    }


class Lab:
    """A copy of the checkout in which a student has typed `make lab`."""

    def __init__(self, place: Path):
        self.folder, self.log, self.opened = (
            place / "course",
            place / "log",
            place / "opened",
        )
        shutil.copytree(
            ROOT, self.folder, ignore=shutil.ignore_patterns(*NOT_COURSE, ".*_cache")
        )
        self.before = state(self.folder)
        self.work = self.folder / "my_work"
        browser = place / "browser"
        browser.write_text(f'#!/bin/sh\nprintf %s "$1" > "{self.opened}"\n')
        browser.chmod(0o755)
        settings = place / "settings"
        settings.mkdir()
        if os.geteuid() == 0:  # Jupyter asks root for this, as in a container
            (settings / "jupyter_server_config.json").write_text(
                '{"ServerApp": {"allow_root": true}}'
            )
        # The package of the copy, not the one that is installed.
        environment = os.environ | {
            "PYTHONPATH": str(self.folder),
            "PYTHONDONTWRITEBYTECODE": "1",
            "BROWSER": str(browser),
            "JUPYTER_CONFIG_DIR": str(settings),
            "JUPYTER_DATA_DIR": str(place / "data"),
            "JUPYTER_RUNTIME_DIR": str(place / "runtime"),
            "IPYTHONDIR": str(place / "ipython"),
        }
        for name in ("DIGITDREAMS_HOME", "DIGITDREAMS_SEED", "JUPYTER_CONFIG_PATH"):
            environment.pop(name, None)
        bin = Path(sys.executable).parent  # nothing is to be installed: -o
        stages = ["-o", ".venv/.student", "-o", ".venv/.language"]
        command = ["make", "lab", f"BIN='{bin}'", *stages]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command,
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def address(self) -> str:
        """What JupyterLab gives to the student's browser."""
        for _ in range(PATIENCE // 500):
            if self.opened.exists() and self.opened.read_text():
                return self.opened.read_text()
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.5)
        raise AssertionError(self.log.read_text())

    def stop(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            self.process.wait(timeout=60)


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    lab = Lab(tmp_path_factory.mktemp("lab"))
    yield lab
    lab.stop()


class Screen:
    """The browser's page, and whatever went wrong on it."""

    def __init__(self, page, pictures: Path):
        self.page, self.pictures, self.trouble = page, pictures, []
        page.set_default_timeout(PATIENCE)
        page.on("console", self.heard)
        page.on("pageerror", lambda error: self.trouble.append(str(error)))
        page.on("response", self.answered)

    def heard(self, message) -> None:
        if message.type == "error":
            self.trouble.append(message.text)

    def answered(self, response) -> None:
        if response.status >= 400:
            self.trouble.append(f"{response.status} {response.url}")

    @property
    def notebook(self):
        """The notebook in front."""
        return self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")

    @property
    def dirty(self):
        """The tabs of notebooks that would have to be saved."""
        return self.page.locator(".lm-TabBar-tab.jp-mod-dirty")

    def wait_for(self, stem: str) -> None:
        """Wait until a notebook is in front and its kernel is ready."""
        tab = self.page.locator(".jp-mod-current .lm-TabBar-tabLabel")
        sync_api.expect(tab.last).to_have_text(f"{stem}.ipynb", timeout=PATIENCE)
        self.notebook.locator(".jp-Cell").first.wait_for()
        sync_api.expect(self.notebook.locator(".jp-Spinner")).to_have_count(0)
        self.idle()

    def idle(self) -> None:
        """Wait until the kernel of the notebook in front has nothing to do."""
        self.page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()

    def browse(self, *steps: str) -> None:
        """Go from the workspace's root through the file browser."""
        self.page.locator(".jp-BreadCrumbs-home").click()
        for step in steps:
            self.page.locator(".jp-DirListing-item", has_text=step).dblclick()

    def lists(self, *names: str) -> None:
        """Wait until the file browser shows exactly these files and folders."""
        items = self.page.locator(".jp-DirListing-itemText")
        sync_api.expect(items).to_have_text(list(names), timeout=PATIENCE)

    def cell(self, text: str):
        return self.notebook.locator(".jp-CodeCell", has_text=text).first

    def run(self, text: str, source: str | None = None):
        """Run the cell that holds a text, with another source where one is given."""
        cell = self.cell(text)
        cell.scroll_into_view_if_needed()
        cell.locator(".cm-content").click()
        if source is not None:
            self.page.keyboard.press("ControlOrMeta+a")
            self.page.keyboard.insert_text(source)
        self.page.keyboard.press("Shift+Enter")
        self.idle()
        return self.cell(text).locator(".jp-OutputArea").last

    def save(self) -> None:
        self.page.keyboard.press("Escape")
        self.page.keyboard.press("ControlOrMeta+s")
        sync_api.expect(self.dirty).to_have_count(0, timeout=PATIENCE)

    def photograph(self, name: str) -> None:
        self.page.screenshot(path=self.pictures / f"{name}.png")

    def nothing_popped_up(self) -> None:
        for kind in (".jp-Dialog", ".Toastify__toast"):
            assert self.page.locator(kind).all_inner_texts() == []


@pytest.fixture(scope="module")
def screen(lab, tmp_path_factory):
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        screen = Screen(page, tmp_path_factory.mktemp("pictures"))
        page.goto(lab.address())
        yield screen
        browser.close()


def pictures_load(screen) -> int:
    """See that every picture of the notebook in front has arrived; count them."""
    pictures = screen.notebook.locator(".jp-Cell img")
    for number in range(pictures.count()):
        picture = pictures.nth(number)
        picture.scroll_into_view_if_needed()
        for _ in range(100):
            if picture.evaluate("image => image.complete && image.naturalWidth > 0"):
                break
            screen.page.wait_for_timeout(100)
        else:
            raise AssertionError(picture.get_attribute("src"))
    return pictures.count()


def test_make_lab_opens_lesson_00(screen, lab):
    screen.wait_for("00_start_here")
    assert "/lab/tree/lessons/00_start_here.ipynb" in screen.page.url
    screen.photograph("lesson-00")
    screen.nothing_popped_up()
    screen.page.wait_for_timeout(2000)
    assert screen.dirty.count() == 0  # opening a notebook changes nothing in it


def test_the_file_browser_reaches_everything(screen):
    screen.browse()
    screen.lists("exercises", "images", "lessons")
    screen.browse("exercises", VAE.stem)
    screen.lists(f"{VAE.stem}.ipynb", "checks.json")
    screen.photograph("file-browser")
    screen.browse("lessons")
    screen.lists(*(f"{one.stem}.ipynb" for one in course.load().lessons))


def test_a_whole_lesson_runs(screen, lab):
    screen.page.get_by_role("menuitem", name="Run", exact=True).click()
    screen.page.get_by_text("Run All Cells", exact=True).click()
    last = screen.cell("course.expect(")
    sync_api.expect(last.locator(".jp-OutputArea")).to_contain_text(
        "reached", timeout=PATIENCE
    )
    screen.idle()
    assert not screen.notebook.get_by_text("[*]:").count()
    screen.save()
    page = workspace.page(course.load().find("00"))
    cells = nbformat.read(lab.work / page, as_version=4).cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell.outputs]
    assert not [one for one in outputs if one.output_type == "error"]
    assert not [one for one in outputs if one.get("name") == "stderr"]
    assert pictures_load(screen) > 5


@pytest.mark.parametrize("number", ["03", "04", "05"])
def test_pictures_load(screen, number):
    lesson = course.load().find(number)
    screen.browse("lessons", f"{lesson.stem}.ipynb")
    screen.wait_for(lesson.stem)
    page = ROOT / workspace.page(lesson)
    linked = [one for one in workspace.links(nbformat.read(page, 4)) if "image" in one]
    assert linked
    texts = screen.notebook.locator(".jp-RenderedMarkdown img")
    assert texts.count() == len(linked)
    assert pictures_load(screen) > len(linked)


def test_lesson_03_leads_to_exercise_03(screen):
    screen.page.locator(".lm-TabBar-tab", has_text=f"{VAE.stem}.ipynb").click()
    link = screen.notebook.get_by_role("link", name="exercise 3")
    link.scroll_into_view_if_needed()
    link.click()
    cell = screen.notebook.locator("h1", has_text="Exercise 3")
    cell.wait_for()
    screen.wait_for(VAE.stem)
    assert f"/lab/tree/{workspace.page(VAE, exercise=True)}" in screen.page.url


WRONG = """\
def reparameterise(mean, log_variance, noise):
    return mean + ops.exp(log_variance) * noise"""
RIGHT = WRONG.replace("exp(", "exp(0.5 * ")


def test_an_exercise_answers(screen):
    started = screen.run('course.start("03"')
    sync_api.expect(started).to_contain_text("exercise 03", timeout=PATIENCE)
    hint = screen.run('hint("reparameterise")')
    sync_api.expect(hint).to_contain_text("Hint 1 of", timeout=PATIENCE)
    screen.run("from keras import layers")
    screen.run("def reparameterise(")
    blank = screen.run("check(reparameterise)")
    sync_api.expect(blank).to_contain_text("NotImplementedError", timeout=PATIENCE)

    screen.run("def reparameterise(", WRONG)
    answer = screen.run("check(reparameterise)")
    sync_api.expect(answer).to_contain_text("Not yet: reparameterise:")
    (line,) = answer.inner_text().strip().splitlines()
    assert "log_variance" in line or "variance" in line
    screen.photograph("wrong-answer")

    screen.run("def reparameterise(", RIGHT)
    answer = screen.run("check(reparameterise)")
    sync_api.expect(answer).to_contain_text("reparameterise: right")
    hint = screen.run('hint("reparameterise")')
    sync_api.expect(hint).to_contain_text("Hint 2 of")
    screen.photograph("right-answer")
    screen.save()


def test_nothing_went_wrong_on_the_way(screen, lab):
    screen.nothing_popped_up()
    assert screen.trouble == []
    log = lab.log.read_text()
    wrong = re.findall(r"^(?:\[[WE] .*|.*(?:WARNING|ERROR|Traceback).*)$", log, re.M)
    # Jupyter Server says this of its own defaults; pings go on every 30 seconds.
    wrong = [line for line in wrong if "The websocket_ping_timeout" not in line]
    assert wrong == []
    assert "nbgrader" not in log


def test_the_course_is_as_it_was(lab):
    assert state(lab.folder) == lab.before
