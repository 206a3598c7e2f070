"""nbgrader's settings: its own commands work from the repository's root."""

c = get_config()  # noqa: F821

c.CourseDirectory.course_id = "digitdreams"
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "exercises"
c.CourseDirectory.ignore = [
    ".ipynb_checkpoints",
    "*.pyc",
    "__pycache__",
    ".pytest_cache",
]
c.ClearSolutions.code_stub = {"python": "# Your code here.\nraise NotImplementedError"}
c.Execute.timeout = 600
