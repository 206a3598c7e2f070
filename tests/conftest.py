"""Fixtures of several test files."""

import threading

import pytest
from reader import CHROMIUM

import timing
from places import LESSONS, WITH_EXERCISE


def pytest_configure(config):
    config.pluginmanager.register(timing.Timing())


# Started first: a long file that starts last leaves a core without work at the end.
LONG = (
    "test_exercise_attacks",
    "test_task_seeds",
    "test_exercises",
    "test_marks",
    "test_problems",
)


# Whoever needs one of these copies the course or makes a gradebook with nbgrader.
SLOW_FIXTURES = {"whole_copy", "empty_gradebook"}


def pytest_collection_modifyitems(items):
    """Run what is quick first, so that a slip shows early; of these what is long."""
    for item in items:
        if SLOW_FIXTURES & {*getattr(item, "fixturenames", ())}:  # a cell has none
            item.add_marker(pytest.mark.slow)

    def place(item):
        slow = item.get_closest_marker("slow") is not None
        name = item.path.stem
        return slow, LONG.index(name) if name in LONG else len(LONG)

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
