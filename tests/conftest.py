"""Fixtures of several test files."""

import sys
import threading

import pytest
from reader import CHROMIUM

import timing
from places import LESSONS, WITH_EXERCISE

# What reads notebooks would import it to build forty grammars, for more than a second.
sys.modules.setdefault("rfc3987_syntax", None)


def pytest_configure(config):
    config.pluginmanager.register(timing.Timing())


# Started first: a long file that starts last leaves a core without work at the end.
LONGEST = "test_exercise_attacks"  # longer than any lesson
LONG = (
    "test_style",
    "test_task_seeds",
    "test_exercises",
    "test_problems",
    "test_processors",
    "test_commands",
    "test_marks",
    "test_processes",
    "test_browser",
    "test_wheel",
)


# Whoever needs one of these copies the course or makes a gradebook with nbgrader.
SLOW_FIXTURES = {"whole_copy", "empty_gradebook"}


def pytest_collection_modifyitems(items):
    """Run what is quick first, so that a slip shows early; then what is long."""
    for item in items:
        if SLOW_FIXTURES & {*getattr(item, "fixturenames", ())}:  # a cell has none
            item.add_marker(pytest.mark.slow)

    def place(item):
        name = item.path.stem
        order = LONG.index(name) if name in LONG else len(LONG)
        if item.path.suffix == ".ipynb":
            return 2, 0  # in the order of tests/notebooks/conftest.py
        if name == LONGEST:
            return 1, 0
        return 3 * (item.get_closest_marker("slow") is not None), order

    items.sort(key=place)


@pytest.fixture(params=LESSONS, ids=lambda one: one.stem)
def lesson(request):
    return request.param


@pytest.fixture(params=WITH_EXERCISE, ids=lambda one: one.stem)
def exercised(request):
    """A lesson that has an exercise."""
    return request.param


@pytest.fixture(scope="module")
def address(site):
    """Where the pages of a test file's fixture `site` are served."""
    from digitdreams.authoring.site import serve

    with serve.server(site) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_address[1]}/"
        running.shutdown()


@pytest.fixture(scope="module")
def browser(address):
    """A browser for those pages, which are built first: that needs an event loop."""
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on the PATH")
    reason = "Playwright is not installed: pip install playwright"
    sync_api = pytest.importorskip("playwright.sync_api", reason=reason)
    with sync_api.sync_playwright() as play:
        started = play.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox"],  # root in a container
        )
        yield started
        started.close()
