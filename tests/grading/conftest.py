import classroom
import pytest

from digitdreams.grading.exercise import Exercise


@pytest.fixture(scope="session")
def root(tmp_path_factory):
    """A course with one small exercise."""
    return classroom.make(tmp_path_factory.mktemp("course"))


@pytest.fixture(scope="session")
def exercise(root):
    return Exercise.load(classroom.STEM, root)
