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
def host(tmp_path_factory):
    # Far above, so that an attack which is let out would find it.
    folder = tmp_path_factory.mktemp("host")
    for one in (folder, *folder.parents):
        if one.owner() == folder.owner() and one.name.startswith(("pytest-", "host")):
            one.chmod(0o755)
    found = battlefield.Host(folder)
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
