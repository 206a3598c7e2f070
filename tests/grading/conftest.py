import classroom
import nbformat
import pytest

from digitdreams.grading import book as books
from digitdreams.grading.exercise import Exercise


@pytest.fixture(scope="session")
def root(tmp_path_factory):
    """A course with one small exercise."""
    return classroom.make(tmp_path_factory.mktemp("course"))


@pytest.fixture(scope="session")
def exercise(root):
    return Exercise.load(classroom.STEM, root)


@pytest.fixture(scope="session")
def empty_gradebook(tmp_path_factory):
    """A new gradebook: nbgrader takes seconds to make one, so it is made once."""
    folder = books.CourseFolder.open(tmp_path_factory.mktemp("empty"))
    books.Book(folder).gradebook.close()
    return folder.root / "gradebook.db"


@pytest.fixture(scope="session")
def released(root):
    path = root / "exercises" / classroom.STEM / f"{classroom.STEM}.ipynb"
    return nbformat.read(path, as_version=4)
