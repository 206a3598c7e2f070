import tempfile
from pathlib import Path

import battlefield
import classroom
import pytest

from digitdreams.grading import sandbox
from digitdreams.grading.exercise import Exercise


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.parent.name == "attacks":
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def root(tmp_path_factory):
    return classroom.make(tmp_path_factory.mktemp("course"))


@pytest.fixture(scope="session")
def exercise(root):
    return Exercise.load(classroom.STEM, root)


@pytest.fixture(scope="session", autouse=True)
def available():
    try:
        sandbox.probe()
    except sandbox.SandboxUnavailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def host():
    # Open to all, so that an attack which is let out would find it. Every start of
    # pytest closes its own folder to other users, also the start of another run.
    with tempfile.TemporaryDirectory(prefix="host-") as folder:
        found = battlefield.Host(Path(folder))
        yield found
        found.close()


@pytest.fixture
def field(exercise, host, root):
    honest = classroom.as_bytes(classroom.solution(root))
    return battlefield.Field(exercise, host, honest)


@pytest.fixture
def wrong(root):
    """A submission without a right answer: whatever it earns is unearned."""
    return battlefield.wrong(root)
