"""The bank of interview questions: YAML files that people edit.

`content/questions/<topic>.yaml` holds a list of questions. `load` reads all of them and
refuses the bank as a whole when anything is wrong, with file and line of every fault.
`python -m digitdreams.interview.bank` prints the faults, those of the numbers and
links included.
"""

import difflib
import importlib
import json
import math
import os
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import yaml

from digitdreams import files

# Another folder of questions can be named, for a bank of your own.
FOLDER = Path(
    os.environ.get("DIGITDREAMS_QUESTIONS") or files.ROOT / "content" / "questions"
)
LESSONS = files.ROOT / "lessons"

TOPICS = (
    "classifiers",
    "autoencoders",
    "vae",
    "gan",
    "training_failures",
    "conditional",
    "metrics",
    "attention",
    "autoregressive",
    "diffusion_flow",
    "text_encoders",
    "text_to_image",
    "captioning",
    "editing",
    "cost_scale",
    "privacy_responsibility",
    "control_adapters",
    "diffusion_architectures",
    "samplers_distillation",
    "preference_tuning",
    "data_captions",
    "masked_models",
    "multimodal_models",
    "video",
    "representations",
    "safety_copyright",
    "llm_engineering",
)
LEVELS = ("junior", "middle", "senior")
KINDS = ("concept", "derivation", "number", "code reading", "design", "trap")
LANGUAGES = ("en", "zh")
# A question tagged "trap" rebuts a text that few readers meet: it is asked on demand.
TAGS = ("trap",)

REQUIRED = (
    "id",
    "topic",
    "level",
    "kind",
    "question",
    "short",
    "answer",
    "follow_ups",
    "wrong",
    "sources",
)
OPTIONAL = ("lesson", "problem", "numbers", "tags", "as_of", "rubric")

WIDE = r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]"
CHINESE_BREAK = re.compile(rf"(?<={WIDE})\n(?={WIDE})")
CHINESE = re.compile(r"[\u4e00-\u9fff]")
# Words that make an answer true only for a while, and years in what is asked.
# "Today:" with a capital begins the account of a system as it is, in a design.
DATED = re.compile(
    r"\b([Ss]tate[ -]of[ -]the[ -]art|today|[Nn]owadays|[Cc]urrently|[Aa]s of)\b"
)
YEAR = re.compile(r"\b(19[5-9]|20[0-3])\d\b")
BRACKETS = re.compile(r"\([^()]*\)")
STALE_MONTHS = 18
NUMBER = re.compile(r"[-−]?\d[\d,]*(\.\d+)?(e[-+]?\d+)?")

Pair = TypeVar("Pair")


@dataclass(frozen=True)
class Text:
    """The same text in English and in Chinese."""

    en: str
    zh: str

    def in_language(self, language: str) -> str:
        """The text in "en" or "zh"."""
        return {"en": self.en, "zh": self.zh}[language]


@dataclass(frozen=True)
class FollowUp:
    """What an interviewer asks next, and a reply in a sentence."""

    question: Text
    reply: Text


@dataclass(frozen=True)
class Wrong:
    """A common wrong answer and why it fails."""

    claim: Text
    why: Text


@dataclass(frozen=True)
class Number:
    """A number of the answer and the Python expression that gives it."""

    shown: str
    code: str

    def value(self) -> float:
        """Compute the number.

        Raises:
            Exception: whatever the code raises.
        """
        names: dict[str, Any] = {"math": math}
        # Only what the expression uses: scipy.stats alone takes a second.
        if re.search(r"\bnp\.", self.code):
            names["np"] = importlib.import_module("numpy")
        for module in set(re.findall(r"\bscipy(?:\.[a-z]+)?", self.code)):
            importlib.import_module(module)
            names["scipy"] = sys.modules["scipy"]
        if "metrics." in self.code:
            names["metrics"] = importlib.import_module("digitdreams.metrics")
            names["digitdreams"] = sys.modules["digitdreams"]
        return float(eval(self.code, names))


@dataclass(frozen=True)
class Question:
    """One question of the bank.

    `lesson` is `stem#cell`, such as `03_vae#the-lower-bound`, or None where no
    lesson shows the answer yet. `place` is `file:line`.

    `tags` are some of TAGS. `as_of` is the month, such as "2026-07", for which a
    dated answer was checked. `rubric` holds what a good design names, each worth
    0, 1 or 2 points. `problem` is the name of the problem that practises it.
    """

    id: str
    topic: str
    level: str
    kind: str
    lesson: str | None
    question: Text
    short: Text
    answer: Text
    follow_ups: tuple[FollowUp, ...]
    wrong: tuple[Wrong, ...]
    numbers: tuple[Number, ...]
    sources: tuple[str, ...]
    tags: tuple[str, ...] = ()
    as_of: str | None = None
    rubric: tuple[Text, ...] = ()
    problem: str | None = None
    place: str = field(default="", compare=False)

    @property
    def is_dated(self) -> bool:
        """Whether it names a year or a state of the art, so that it can grow old.

        A year in brackets belongs to a citation, which stays true.
        """
        replies = [one.reply.en for one in self.follow_ups]
        texts = [self.question.en, self.short.en, self.answer.en, *replies]
        asked = BRACKETS.sub("", f"{self.question.en} {self.short.en}")
        return any(map(DATED.search, texts)) or bool(YEAR.search(asked))

    def age(self, today: date) -> int | None:
        """How many months ago its answer was true; None where it does not date."""
        if self.as_of is None:
            return None
        year, month = map(int, self.as_of.split("-"))
        return 12 * (today.year - year) + today.month - month


@dataclass(frozen=True, order=True)
class Fault:
    """Something wrong in a file of the bank."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}"


class BankError(ValueError):
    """The bank cannot be used; the message names every fault with file and line."""

    def __init__(self, faults: Iterable[Fault]):
        self.faults = sorted(set(faults))
        super().__init__("\n".join(str(fault) for fault in self.faults))


# From YAML nodes to questions ---------------------------------------------------------


def suggestion(word: str, known: Iterable[str]) -> str:
    """` (did you mean X?)` where some known word is similar."""
    similar = difflib.get_close_matches(word, list(known), n=1)
    return f" (did you mean {similar[0]!r}?)" if similar else ""


class Reader:
    """Reads one file, collecting faults instead of stopping at the first."""

    def __init__(self, path: Path):
        self.path = path
        inside = path.resolve().is_relative_to(Path.cwd())
        self.name = files.relative(path.resolve()) if inside else str(path)
        self.faults: list[Fault] = []

    def fault(self, node: yaml.Node | int, text: str) -> None:
        """Note what is wrong, at a node's line or a line's number."""
        line = node if isinstance(node, int) else node.start_mark.line + 1
        self.faults.append(Fault(self.name, line, text))

    def questions(self) -> list[Question]:
        """Read the file; faults are in `faults` afterwards."""
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        try:
            root = yaml.compose(self.path.read_text(encoding="utf-8"), Loader=loader)
        except OSError as error:
            self.fault(1, f"cannot be read ({error.strerror}): check name and rights")
            return []
        except UnicodeDecodeError as error:
            self.fault(1, f"is not UTF-8 at byte {error.start}: save it as UTF-8")
            return []
        except yaml.YAMLError as error:
            self.yaml_fault(error)
            return []
        if root is None:
            self.fault(1, "holds no question: begin with a line `- id: ...`")
            return []
        if not isinstance(root, yaml.SequenceNode):
            self.fault(root, "must be a list: begin each question with `- id: ...`")
            return []
        questions = [self.question(node) for node in root.value]
        return [question for question in questions if question is not None]

    def yaml_fault(self, error: yaml.YAMLError) -> None:
        """Note where a file is not YAML, and what is often the cause."""
        mark = getattr(error, "problem_mark", None) or getattr(
            error, "context_mark", None
        )
        problem = getattr(error, "problem", None) or str(error)
        self.fault(
            mark.line + 1 if mark else 1,
            f"is not YAML: {problem}. Look at indentation on this line and the one "
            "before; put text that holds `: ` or begins with a sign in quotes or "
            "after `|`",
        )

    def mapping(
        self,
        node: yaml.Node | None,
        what: str,
        required: tuple[str, ...],
        optional: tuple[str, ...] = (),
    ) -> dict[str, yaml.Node] | None:
        """The entries of a mapping node, None (and a fault) where it is none."""
        if node is None:
            return None
        if not isinstance(node, yaml.MappingNode):
            keys = ", ".join(required)
            self.fault(node, f"{what} must have the keys {keys}")
            return None
        entries: dict[str, yaml.Node] = {}
        known = (*required, *optional)
        for key, value in node.value:
            name = str(key.value)
            if name in entries:
                self.fault(key, f"{what} has the key {name!r} twice: keep one")
            elif name not in known:
                self.fault(
                    key,
                    f"{what} has an unknown key {name!r}{suggestion(name, known)}; "
                    f"the keys are {', '.join(known)}",
                )
            entries[name] = value
        for name in required:
            if name not in entries:
                self.fault(node, f"{what} lacks the key {name!r}: add `{name}:`")
        return entries

    def string(self, node: yaml.Node | None, what: str) -> str:
        """A node's text; empty (and a fault) where it is none."""
        if node is None:
            return ""
        if not isinstance(node, yaml.ScalarNode):
            self.fault(node, f"{what} must be text, not a list or further keys")
            return ""
        kind = node.tag.rsplit(":", 1)[-1]
        text = str(node.value).strip()
        if kind == "null" or not text:
            self.fault(node, f"{what} is empty: write it or remove the key")
        elif kind != "str":
            self.fault(
                node,
                f"{what} is read as {kind}, not as text: put {node.value} in quotes",
            )
        return text

    def choice(self, node: yaml.Node | None, what: str, known: tuple[str, ...]) -> str:
        """A node's text, which must be one of the known words."""
        value = self.string(node, what)
        if node is not None and value and value not in known:
            self.fault(
                node,
                f"{what} is {value!r}{suggestion(value, known)}; choose one of "
                f"{', '.join(known)}",
            )
        return value

    def text(self, node: yaml.Node | None, what: str) -> Text:
        """A text in both languages."""
        entries = self.mapping(node, what, LANGUAGES) or {}
        parts = dict.fromkeys(LANGUAGES, "")
        for language, child in entries.items():
            if language not in LANGUAGES:
                continue
            value = self.string(child, f"{what}.{language}")
            if language == "zh":  # a line's end is no space in Chinese
                value = CHINESE_BREAK.sub("", value)
            parts[language] = value
            if not value:
                continue
            chinese = len(CHINESE.findall(value))
            if language == "zh" and not chinese:
                self.fault(child, f"{what}.zh holds no Chinese: translate it")
            if language == "en" and chinese > len(re.findall(r"[A-Za-z]", value)):
                self.fault(child, f"{what}.en is in Chinese: swap it with zh?")
            if len(re.findall(r"(?<!\\)\$", value)) % 2:
                self.fault(
                    child,
                    f"{what}.{language} has an odd number of $: close the formula, or "
                    r"write \$ for the currency",
                )
        return Text(**parts)

    def sequence(self, node: yaml.Node | None, what: str) -> list[yaml.Node]:
        """The entries of a list, which must have some."""
        if node is None:
            return []
        if not isinstance(node, yaml.SequenceNode):
            self.fault(node, f"{what} must be a list: begin each entry with `- `")
            return []
        entries: list[yaml.Node] = node.value
        if not entries:
            self.fault(node, f"{what} needs at least 1 entry")
        return entries

    def pairs(
        self,
        node: yaml.Node | None,
        what: str,
        kind: Callable[..., Pair],
        keys: tuple[str, str],
        item: Callable[[yaml.Node | None, str], object],
    ) -> tuple[Pair, ...]:
        """A list of two-key mappings, such as follow-ups; `item` reads a value."""
        found = []
        for number, child in enumerate(self.sequence(node, what), start=1):
            name = f"{what}[{number}]"
            entries = self.mapping(child, name, keys)
            if entries is not None:
                parts = {key: item(entries.get(key), f"{name}.{key}") for key in keys}
                found.append(kind(**parts))
        return tuple(found)

    def question(self, node: yaml.Node) -> Question | None:
        """One question, None where the node holds none."""
        entries = self.mapping(node, "a question", REQUIRED, OPTIONAL)
        if entries is None:
            return None
        identity = self.string(entries.get("id"), "id")
        if identity and not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", identity):
            self.fault(
                entries["id"],
                f"id {identity!r} must be small letters and digits with hyphens, such "
                "as vae-why-sample",
            )
        before = len(self.faults)
        topic = self.choice(entries.get("topic"), "topic", TOPICS)
        if topic != self.path.stem in TOPICS and len(self.faults) == before:
            self.fault(
                entries.get("topic", node),
                f"topic is {topic!r} in a file of the topic {self.path.stem!r}: move "
                "the question or change its topic",
            )
        lesson = None
        if "lesson" in entries:
            lesson = self.string(entries["lesson"], "lesson")
            if lesson and not re.fullmatch(r"\d\d_[a-z0-9_]+#[a-z0-9-]+", lesson):
                self.fault(
                    entries["lesson"],
                    f"lesson is {lesson!r}: write file and cell, such as "
                    "03_vae#the-lower-bound, or leave the key out",
                )
        tags = tuple(
            self.choice(child, f"tags[{number}]", TAGS)
            for number, child in enumerate(
                self.sequence(entries.get("tags"), "tags"), start=1
            )
        )
        as_of = None
        if "as_of" in entries:
            as_of = self.string(entries["as_of"], "as_of")
            if as_of and not re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])", as_of):
                self.fault(
                    entries["as_of"],
                    f"as_of is {as_of!r}: write the month for which the answer was "
                    "checked, such as 2026-07",
                )
                as_of = None
        problem = None
        if "problem" in entries:
            problem = self.string(entries["problem"], "problem") or None
        rubric = tuple(
            self.text(child, f"rubric[{number}]")
            for number, child in enumerate(
                self.sequence(entries.get("rubric"), "rubric"), start=1
            )
        )
        short = self.text(entries.get("short"), "short")
        for language in LANGUAGES:
            if "\n" in short.in_language(language):
                self.fault(entries["short"], f"short.{language} must be one line")
        sources = tuple(
            self.string(child, f"sources[{number}]")
            for number, child in enumerate(
                self.sequence(entries.get("sources"), "sources"), start=1
            )
        )
        for number, source in enumerate(sources, start=1):
            if source and not re.search(r"\b(18|19|20)\d\d\b", source):
                self.fault(entries["sources"], f"sources[{number}] names no year")
        question = Question(
            id=identity,
            topic=topic,
            level=self.choice(entries.get("level"), "level", LEVELS),
            kind=self.choice(entries.get("kind"), "kind", KINDS),
            lesson=lesson or None,
            question=self.text(entries.get("question"), "question"),
            short=short,
            answer=self.text(entries.get("answer"), "answer"),
            follow_ups=self.pairs(
                entries.get("follow_ups"),
                "follow_ups",
                FollowUp,
                ("question", "reply"),
                self.text,
            ),
            wrong=self.pairs(
                entries.get("wrong"), "wrong", Wrong, ("claim", "why"), self.text
            ),
            numbers=self.pairs(
                entries.get("numbers"),
                "numbers",
                Number,
                ("shown", "code"),
                self.string,
            ),
            sources=sources,
            tags=tags,
            as_of=as_of,
            rubric=rubric,
            problem=problem,
            place=f"{self.name}:{node.start_mark.line + 1}",
        )
        for shown in question.numbers:
            self.check_number(entries["numbers"], shown, question.answer)
        if rubric and question.kind != "design":
            self.fault(entries["rubric"], "a rubric belongs to a question of design")
        if question.is_dated and "as_of" not in entries:
            self.fault(
                node,
                f"{identity} names a year or a state of the art: say with `as_of:` "
                "for which month it was checked, such as 2026-07",
            )
        return question

    def check_number(self, node: yaml.Node, number: Number, answer: Text) -> None:
        """A shown number must be a number and stand in the answer."""
        if not number.shown:
            return
        if not NUMBER.fullmatch(number.shown):
            self.fault(
                node,
                f"shown is {number.shown!r}: write the bare number, the unit or % "
                "belongs to the answer only",
            )
            return
        alone = rf"(?<![\d.]){re.escape(number.shown)}(?!\d)(?!\.\d)"
        for language in LANGUAGES:
            if not re.search(alone, answer.in_language(language)):
                self.fault(
                    node,
                    f"the number {number.shown} does not stand in answer.{language}",
                )


def read(paths: Iterable[Path]) -> tuple[list[Question], list[Fault]]:
    """Read these files; return the questions and all faults."""
    questions: list[Question] = []
    faults: list[Fault] = []
    for path in paths:
        reader = Reader(Path(path))
        questions += reader.questions()
        faults += reader.faults
    places: dict[str, str] = {}
    for question in questions:
        if question.id and question.id in places:
            taken = f"id {question.id!r} is taken by {places[question.id]}"
            faults.append(fault_at(question, f"{taken}: choose another"))
        places.setdefault(question.id, question.place)
    return questions, faults


def fault_at(question: Question, text: str) -> Fault:
    """A fault at the place of a question."""
    file, line = question.place.rsplit(":", 1)
    return Fault(file, int(line), text)


def question_files(folder: Path = FOLDER) -> list[Path]:
    """The files of a bank, in the order of TOPICS.

    Raises:
        CourseMissing: this copy of the course was made without its questions.
    """
    if not folder.is_dir() and folder == files.ROOT / "content" / "questions":
        raise files.CourseMissing(
            f"This copy of the course holds no interview questions ({folder} is not "
            "there): it was made without answers. Take the whole course, or name your "
            "own folder of questions in DIGITDREAMS_QUESTIONS."
        )
    order = {f"{topic}.yaml": place for place, topic in enumerate(TOPICS)}
    return sorted(
        folder.glob("*.yaml"),
        key=lambda path: (order.get(path.name, len(order)), path.name),
    )


def load(folder: Path = FOLDER) -> list[Question]:
    """Read the bank, in the order of TOPICS and of the files.

    Raises:
        BankError: naming every fault with its file and line.
        CourseMissing: this copy of the course was made without its questions.
    """
    paths = question_files(folder)
    if not paths:
        raise BankError([Fault(str(folder), 1, "holds no *.yaml file of questions")])
    questions, faults = read(paths)
    if faults:
        raise BankError(faults)
    return questions


# What needs more than the file itself -------------------------------------------------


def number_fault(number: Number) -> str | None:
    """Say how a shown number differs from what its code gives, None where it agrees.

    It agrees within half a unit of its last decimal.
    """
    try:
        value = number.value()
    except Exception as error:
        return f"the code {number.code!r} raises {type(error).__name__}: {error}"
    shown = number.shown.replace(",", "").replace("−", "-")
    mantissa, _, exponent = shown.partition("e")
    decimals = len(mantissa.partition(".")[2])
    unit = 10.0 ** (int(exponent or 0) - decimals)
    if not abs(value - float(shown)) <= unit * 0.5000001:
        return f"shown is {number.shown}, but {number.code} gives {value:.8g}"
    return None


def lesson_cells(folder: Path = LESSONS) -> dict[str, set[str]]:
    """The cell ids of every lesson: stem to ids."""
    cells = {}
    for path in sorted(folder.glob("*.ipynb")):
        content = json.loads(path.read_text(encoding="utf-8"))
        cells[path.stem] = {cell["id"] for cell in content["cells"]}
    return cells


def link_fault(lesson: str, cells: dict[str, set[str]]) -> str | None:
    """Say what is wrong with `03_vae#cell`, None where that cell exists."""
    stem, _, cell = lesson.partition("#")
    if stem not in cells:
        return f"there is no lesson {stem!r}{suggestion(stem, cells)}"
    if cell not in cells[stem]:
        return f"{stem} has no cell {cell!r}{suggestion(cell, cells[stem])}"
    return None


def stale(questions: Iterable[Question], today: date) -> list[Question]:
    """The dated questions that nobody has checked for STALE_MONTHS, oldest first."""
    ages = {question.id: question.age(today) or 0 for question in questions}
    old = [question for question in questions if ages[question.id] > STALE_MONTHS]
    return sorted(old, key=lambda question: -ages[question.id])


def ordinary(questions: Iterable[Question]) -> list[Question]:
    """The questions of an ordinary drill: those without the tag "trap"."""
    return [question for question in questions if "trap" not in question.tags]


def near_duplicates(
    questions: list[Question], threshold: float = 0.6
) -> list[tuple[float, Question, Question]]:
    """List pairs of similar questions, most similar first.

    The similarity, from 0 to 1, is the cosine of the questions' English words
    (question and short answer), weighted by rarity (TF-IDF) and by the logarithm of
    their counts, so that a symbol that a formula repeats does not decide it.
    """
    import numpy as np
    from sklearn.feature_extraction.text import TfidfVectorizer

    if len(questions) < 2:
        return []
    vectorizer = TfidfVectorizer(token_pattern="[a-z]+", sublinear_tf=True)
    vectors = vectorizer.fit_transform(
        f"{question.question.en} {question.short.en}" for question in questions
    )
    similarities = (vectors @ vectors.T).toarray()
    pairs = [
        (float(similarities[i, j]), questions[j], questions[i])
        for i, j in np.argwhere(similarities >= threshold)
        if j < i
    ]
    return sorted(pairs, key=lambda pair: -pair[0])


def problem_names() -> set[str]:
    """The names of all problems; none where this copy of the course has none."""
    from digitdreams.interview import problems  # which reads texts of the bank's kind

    return {one.name for one in problems.load()} if problems.present() else set()


def deep_faults(questions: list[Question]) -> list[Fault]:
    """The faults of numbers and links, which need code, notebooks and problems."""
    faults = []
    cells, names = lesson_cells(), problem_names()
    for question in questions:
        texts = [number_fault(number) for number in question.numbers]
        if question.lesson and cells:
            texts.append(link_fault(question.lesson, cells))
        if question.problem and names and question.problem not in names:
            similar = suggestion(question.problem, names)
            texts.append(f"there is no problem {question.problem!r}{similar}")
        faults += [
            fault_at(question, f"{question.id}: {text}") for text in texts if text
        ]
    return faults


def main(names: list[str]) -> int:
    """Print the faults of these files, or of the bank; return the exit status."""
    try:
        paths = [Path(name) for name in names] or question_files()
    except files.CourseMissing as error:
        print(error)
        return 1
    questions, faults = read(paths)
    faults = sorted([*faults, *deep_faults(questions)])
    for fault in faults:
        print(fault)
    for similarity, first, second in near_duplicates(questions):
        print(f"similar ({similarity:.2f}): {first.place} {first.id} and {second.id}")
    for question in stale(questions, date.today()):
        print(
            f"{question.place}: {question.id} was checked for {question.as_of}: check "
            "it again"
        )
    print(f"{len(questions)} questions, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
