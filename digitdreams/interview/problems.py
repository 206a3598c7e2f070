"""Coding problems and bug hunts, checked like the tasks of the exercises.

`content/problems/<topic>.py` holds them, written with `problem` as tasks are with
`tasks.task`. The folder lies outside the package, for it holds answers.
"""

import linecache
from collections.abc import Iterable
from dataclasses import KW_ONLY, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from digitdreams import files
from digitdreams.checks import Answer
from digitdreams.interview.bank import LEVELS, TOPICS, Question, Text, suggestion
from digitdreams.tasks import Specification, decorator, import_file, specified

FOLDER = files.ROOT / "content" / "problems"
CHINESE = "chinese.yaml"  # beside the problems: their hints, messages and examples


@dataclass(eq=False)
class Problem(Specification):
    """A coding problem, or a bug hunt where `broken` is given; made with `problem`.

    Attributes:
        title: a few words, in both languages.
        statement: Markdown in both languages: what to write, or what goes wrong.
        limits: shapes, sizes, what may not be used; both languages.
        examples: calls with their results, as text.
        topic, level: see `bank.TOPICS` and `bank.LEVELS`.
        lesson: `stem#cell`, or None.
        broken: source text with exactly one mistake, the first of the wrong answers.
        mistake: what to say to the one who leaves that mistake.
    """

    _: KW_ONLY
    title: Text
    statement: Text
    limits: Text
    examples: list[str]
    topic: str
    level: str
    lesson: str | None = None
    broken: str | None = None
    mistake: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        for key, known in (("topic", TOPICS), ("level", LEVELS)):
            if getattr(self, key) not in known:
                raise ValueError(
                    f"problem {self.name}: {key} is {getattr(self, key)!r}, choose "
                    f"one of {', '.join(known)}"
                )
        if (self.broken is None) != (self.mistake is None):
            raise ValueError(f"problem {self.name}: give both broken and mistake")
        if self.broken is not None and self.mistake is not None:
            self.wrong(self.mistake)(program(self.broken, self.name))

    @property
    def id(self) -> str:
        """The name, as what lists call it beside the ids of questions."""
        return self.name

    def hints_in(self, language: str) -> list[str]:
        """The hints, from gentle to nearly the solution."""
        return translated(self.hints, language)

    def examples_in(self, language: str) -> list[str]:
        """The examples, with their words in this language."""
        return translated(self.examples, language)

    def data_in(self, language: str) -> dict[str, Any]:
        """What a check needs (`as_data`), with what it says in this language."""
        data = self.as_data()
        messages = translated([wrong["message"] for wrong in data["wrong"]], language)
        for wrong, message in zip(data["wrong"], messages, strict=True):
            wrong["message"] = message
        return {**data, "hints": self.hints_in(language)}

    @property
    def is_hunt(self) -> bool:
        """Whether a bug is to be found."""
        return self.broken is not None


problem = decorator(Problem)
Entry = Question | Problem  # what a search finds and an interview asks


@cache
def chinese() -> dict[str, str]:
    """Hints, messages and examples of all problems: English to Chinese."""
    path = FOLDER / CHINESE
    if not path.is_file():
        return {}
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    content = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)
    return {key: text for group in content.values() for key, text in group.items()}


def translated(texts: Iterable[str], language: str) -> list[str]:
    """Texts in this language; one that has no translation stays as it is."""
    if language == "en":
        return list(texts)
    return [chinese().get(text, text) for text in texts]


def compiled(source: str, name: str) -> Answer:
    """Run a program's text and return its function of this name."""
    file = f"<{name}>"
    # Keras reads the source of some functions, so it must be found.
    linecache.cache[file] = (len(source), None, source.splitlines(True), file)
    names: dict[str, Any] = {"__name__": name, "__source__": source}
    exec(compile(source, file, "exec"), names)
    function: Answer = names[name]
    return function


def program(source: str, name: str) -> Answer:
    """The function `name` of a program's text, compiled at the first call.

    Many programs import Keras, which takes seconds: listing problems must not.
    """
    compile_once = cache(compiled)

    def answer(**case: Any) -> Any:
        return compile_once(source, name)(**case)

    answer.__name__ = name
    return answer


@cache
def problems_of(path: Path) -> list[Problem]:
    """The problems of one file."""
    return specified(import_file(path, f"problems_{path.stem}"), Problem)


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
