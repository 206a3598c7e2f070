"""Fixtures of several test files."""

import pytest

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
