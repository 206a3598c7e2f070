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
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from digitdreams.files import ROOT

# Another folder of questions can be named, for a bank of your own.
FOLDER = Path(os.environ.get("DIGITDREAMS_QUESTIONS") or ROOT / "content" / "questions")
LESSONS = ROOT / "lessons"

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
)
LEVELS = ("junior", "middle", "senior")
KINDS = ("concept", "derivation", "number", "code reading", "design", "trap")
LANGUAGES = ("en", "zh")

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
OPTIONAL = ("lesson", "numbers")

WIDE = r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]"
CHINESE_BREAK = re.compile(rf"(?<={WIDE})\n(?={WIDE})")
CHINESE = re.compile(r"[\u4e00-\u9fff]")
NUMBER = re.compile(r"[-−]?\d[\d,]*(\.\d+)?(e[-+]?\d+)?")


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
        """Compute the number."""
        names = {"math": math}
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
    place: str = field(default="", compare=False)


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
        super().__init__("\n".join(str(one) for one in self.faults))


# From YAML nodes to questions ---------------------------------------------------------


def near(word: str, known: Iterable[str]) -> str:
    """` (did you mean X?)` where some known word is similar."""
    found = difflib.get_close_matches(word, list(known), n=1)
    return f" (did you mean {found[0]!r}?)" if found else ""


class Reader:
    """Reads one file, collecting faults instead of stopping at the first."""

    def __init__(self, path: Path):
        self.path = path
        try:
            self.name = str(path.resolve().relative_to(Path.cwd()))
        except ValueError:
            self.name = str(path)
        self.faults: list[Fault] = []

    def fault(self, node, text: str) -> None:
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
        found = [self.question(node) for node in root.value]
        return [one for one in found if one is not None]

    def yaml_fault(self, error: yaml.YAMLError) -> None:
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

    def mapping(self, node, what: str, required, optional=()) -> dict | None:
        """The entries of a mapping node, None (and a fault) where it is none."""
        if not isinstance(node, yaml.MappingNode):
            keys = ", ".join(required)
            self.fault(node, f"{what} must have the keys {keys}")
            return None
        entries = {}
        known = (*required, *optional)
        for key, value in node.value:
            name = str(key.value)
            if name in entries:
                self.fault(key, f"{what} has the key {name!r} twice: keep one")
            elif name not in known:
                self.fault(
                    key,
                    f"{what} has an unknown key {name!r}{near(name, known)}; the keys "
                    f"are {', '.join(known)}",
                )
            entries[name] = value
        for name in required:
            if name not in entries:
                self.fault(node, f"{what} lacks the key {name!r}: add `{name}:`")
        return entries

    def string(self, node, what: str) -> str:
        if node is None:
            return ""
        if not isinstance(node, yaml.ScalarNode):
            self.fault(node, f"{what} must be text, not a list or further keys")
            return ""
        kind = node.tag.rsplit(":", 1)[-1]
        if kind == "null" or not node.value.strip():
            self.fault(node, f"{what} is empty: write it or remove the key")
        elif kind != "str":
            self.fault(
                node,
                f"{what} is read as {kind}, not as text: put {node.value} in quotes",
            )
        return node.value.strip()

    def choice(self, node, what: str, known: tuple[str, ...]) -> str:
        value = self.string(node, what)
        if value and value not in known:
            self.fault(
                node,
                f"{what} is {value!r}{near(value, known)}; choose one of "
                f"{', '.join(known)}",
            )
        return value

    def text(self, node, what: str) -> Text:
        if node is None:
            return Text("", "")
        entries = self.mapping(node, what, LANGUAGES) or {}
        parts = {}
        for language in LANGUAGES:
            child = entries.get(language)
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

    def sequence(self, node, what: str, least: int = 1) -> list:
        if node is None:
            return []
        if not isinstance(node, yaml.SequenceNode):
            self.fault(node, f"{what} must be a list: begin each entry with `- `")
            return []
        if len(node.value) < least:
            self.fault(node, f"{what} needs at least {least} entry")
        return node.value

    def pairs(self, node, what: str, kind: type, keys: tuple[str, str], item) -> tuple:
        """A list of two-key mappings, such as follow-ups."""
        found = []
        for number, child in enumerate(self.sequence(node, what), start=1):
            name = f"{what}[{number}]"
            entries = self.mapping(child, name, keys)
            if entries is not None:
                parts = {key: item(entries.get(key), f"{name}.{key}") for key in keys}
                found.append(kind(**parts))
        return tuple(found)

    def question(self, node) -> Question | None:
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
            place=f"{self.name}:{node.start_mark.line + 1}",
        )
        for number in question.numbers:
            self.check_number(entries["numbers"], number, question.answer)
        return question

    def check_number(self, node, number: Number, answer: Text) -> None:
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
    questions, faults = [], []
    for path in paths:
        reader = Reader(Path(path))
        questions += reader.questions()
        faults += reader.faults
    first = {}
    for one in questions:
        if one.id and one.id in first:
            file, line = one.place.rsplit(":", 1)
            faults.append(
                Fault(
                    file,
                    int(line),
                    f"id {one.id!r} is taken by {first[one.id]}: choose another",
                )
            )
        first.setdefault(one.id, one.place)
    return questions, faults


def load(folder: Path = FOLDER) -> list[Question]:
    """Read the bank, in the order of TOPICS and of the files.

    Raises:
        BankError: naming every fault with its file and line.
    """
    paths = sorted(Path(folder).glob("*.yaml"))
    order = {f"{topic}.yaml": place for place, topic in enumerate(TOPICS)}
    paths.sort(key=lambda path: order.get(path.name, len(order)))
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
        cells[path.stem] = {one["id"] for one in content["cells"]}
    return cells


def link_fault(lesson: str, cells: dict[str, set[str]]) -> str | None:
    """Say what is wrong with `03_vae#cell`, None where that cell exists."""
    stem, _, cell = lesson.partition("#")
    if stem not in cells:
        return f"there is no lesson {stem!r}{near(stem, cells)}"
    if cell not in cells[stem]:
        return f"{stem} has no cell {cell!r}{near(cell, cells[stem])}"
    return None


def words(text: str) -> Counter:
    """The words of an English text, in small letters."""
    return Counter(re.findall(r"[a-z]+", text.lower()))


def near_duplicates(
    questions: list[Question], threshold: float = 0.6
) -> list[tuple[float, Question, Question]]:
    """List pairs of similar questions, most similar first.

    The similarity is the cosine of the questions' English words (question and short
    answer), weighted by rarity (inverse document frequency), from 0 to 1.
    """
    counts = [words(f"{one.question.en} {one.short.en}") for one in questions]
    frequency = Counter(word for one in counts for word in one)
    vectors = []
    for one in counts:
        vector = {
            word: count * math.log((1 + len(counts)) / frequency[word])
            for word, count in one.items()
        }
        length = math.sqrt(sum(value**2 for value in vector.values())) or 1.0
        vectors.append({word: value / length for word, value in vector.items()})
    found = []
    for i, one in enumerate(vectors):
        for j in range(i):
            other = vectors[j]
            similarity = sum(value * other.get(word, 0) for word, value in one.items())
            if similarity >= threshold:
                found.append((similarity, questions[j], questions[i]))
    return sorted(found, key=lambda pair: -pair[0])


def deep_faults(questions: list[Question]) -> list[Fault]:
    """The faults of numbers and links, which need code and notebooks."""
    faults = []
    cells = lesson_cells()
    for one in questions:
        file, line = one.place.rsplit(":", 1)
        said = [number_fault(number) for number in one.numbers]
        if one.lesson and cells:
            said.append(link_fault(one.lesson, cells))
        faults += [Fault(file, int(line), f"{one.id}: {text}") for text in said if text]
    return faults


def main(names: list[str]) -> int:
    """Print the faults of these files, or of the bank; return the exit status."""
    paths = [Path(name) for name in names] or sorted(FOLDER.glob("*.yaml"))
    questions, faults = read(paths)
    faults = sorted([*faults, *deep_faults(questions)])
    for fault in faults:
        print(fault)
    for similarity, one, other in near_duplicates(questions):
        print(f"similar ({similarity:.2f}): {one.place} {one.id} and {other.id}")
    print(f"{len(questions)} questions, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
