"""Fixtures of several test files."""

import pytest

import timing
from places import LESSONS, WITH_EXERCISE


def pytest_configure(config):
    config.pluginmanager.register(timing.Timing())


def pytest_collection_modifyitems(items):
    """Run what is quick first, so that a slip shows early."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is not None)


@pytest.fixture(params=LESSONS, ids=lambda one: one.stem)
def lesson(request):
    return request.param


@pytest.fixture(params=WITH_EXERCISE, ids=lambda one: one.stem)
def exercised(request):
    """A lesson that has an exercise."""
    return request.param
