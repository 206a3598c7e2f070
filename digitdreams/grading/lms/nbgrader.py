"""nbgrader: STUDENT/EXERCISE/EXERCISE.ipynb, and what its exchange puts beside it."""

TIMESTAMP = "timestamp.txt"
EXTRAS = (TIMESTAMP, "submission_secret.txt")
LARGEST_EXTRA = 1000  # bytes


def is_students(parts: tuple[str, ...], stem: str) -> bool:
    """Tell whether a path below a folder makes that folder a student's."""
    return parts == (stem, f"{stem}.ipynb")
