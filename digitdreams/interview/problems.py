"""Coding problems and bug hunts, checked like the tasks of the exercises.

`content/problems/<topic>.py` holds a list PROBLEMS; the folder lies outside the
package, for it holds answers. The name of a problem is that of its task: the function
to write.
"""

import linecache
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from digitdreams import files
from digitdreams.interview.bank import LEVELS, TOPICS, Question, Text, suggestion
from digitdreams.tasks import Task, import_file

FOLDER = files.ROOT / "content" / "problems"


@dataclass(frozen=True)
class Problem:
    """A coding problem, or a bug hunt where `broken` is given.

    Attributes:
        title: a few words, in both languages (Text or a dictionary with en and zh).
        statement: Markdown in both languages: what to write, or what goes wrong.
        signature: the head of the function, such as `def kl(mean, log_variance):`.
        limits: shapes, sizes, what may not be used; both languages.
        examples: calls with their results, as text.
        topic, level: see `bank.TOPICS` and `bank.LEVELS`.
        lesson: `stem#cell`, or None.
        task: inputs, reference, hints, wrong answers; its name is the problem's.
        broken: source text with exactly one mistake; it is also the first of the
            task's wrong answers, whose message names the mistake.
    """

    title: Text
    statement: Text
    signature: str
    limits: Text
    examples: list[str]
    topic: str
    level: str
    task: Task
    lesson: str | None = None
    broken: str | None = None

    def __post_init__(self) -> None:
        for key in ("title", "statement", "limits"):
            value = getattr(self, key)
            if isinstance(value, dict):
                object.__setattr__(self, key, Text(**value))
        for key, known in (("topic", TOPICS), ("level", LEVELS)):
            if getattr(self, key) not in known:
                raise ValueError(
                    f"problem {self.name}: {key} is {getattr(self, key)!r}, choose "
                    f"one of {', '.join(known)}"
                )

    @property
    def name(self) -> str:
        """The function's name, unique among all problems."""
        return self.task.name

    @property
    def id(self) -> str:
        """The name, as what lists call it beside the ids of questions."""
        return self.name

    @property
    def is_hunt(self) -> bool:
        """Whether a bug is to be found."""
        return self.broken is not None


Entry = Question | Problem  # what a search finds and an interview asks


def compiled(source: str, name: str) -> Callable[..., Any]:
    """Run a program's text and return its function of this name."""
    file = f"<{name}>"
    # Keras reads the source of some functions, so it must be found.
    linecache.cache[file] = (len(source), None, source.splitlines(True), file)
    names: dict[str, Any] = {"__name__": name}
    exec(compile(source, file, "exec"), names)
    function: Callable[..., Any] = names[name]
    return function


def program(source: str, name: str) -> Callable[..., Any]:
    """The function `name` of a program's text, compiled at the first call.

    Many programs import Keras, which takes seconds: listing problems must not.
    """

    @cache
    def function() -> Callable[..., Any]:
        return compiled(source, name)

    def answer(**case: Any) -> Any:
        return function()(**case)

    answer.__name__ = name
    return answer


@cache
def problems_of(path: Path) -> list[Problem]:
    """The list PROBLEMS of a file."""
    problems: list[Problem] = import_file(path, f"problems_{path.stem}").PROBLEMS
    return problems


def present() -> bool:
    """Whether this copy of the course holds its problems."""
    return FOLDER.is_dir()


def of_topic(topic: str) -> list[Problem]:
    """The problems of one topic; none where there is no file.

    Raises:
        LookupError: there is no such topic.
        CourseMissing: this copy of the course was made without its problems.
    """
    if topic not in TOPICS:
        raise LookupError(
            f"there is no topic {topic!r}; the topics are {', '.join(TOPICS)}"
        )
    if not present():
        raise files.CourseMissing(
            f"This copy of the course holds no coding problems ({FOLDER} is not "
            "there): it was made without answers. Take the whole course."
        )
    path = FOLDER / f"{topic}.py"
    return problems_of(path) if path.exists() else []


def load() -> list[Problem]:
    """All problems in the order of the topics.

    Raises:
        CourseMissing: this copy of the course was made without its problems.
    """
    return [problem for topic in TOPICS for problem in of_topic(topic)]


def find(name: str) -> Problem:
    """The problem of this name.

    Raises:
        LookupError: with similar names.
        CourseMissing: this copy of the course was made without its problems.
    """
    known = {problem.name: problem for problem in load()}
    if name not in known:
        raise LookupError(
            f"There is no problem {name!r}{suggestion(name, known)}. "
            "`digitdreams problems list` shows all."
        )
    return known[name]
