"""Full-text search over questions and problems, in English and in Chinese.

SQLite's FTS5 splits English into word stems. Chinese has no spaces: its runs are
indexed as pairs of neighbouring characters, so that a query of two or more characters
finds every place where they stand together. What is searched and what is indexed are
written alike first (see `normal`), and a query also asks for synonyms
(`synonyms.yaml`).

An index is kept in the user's cache folder, so that a search takes a moment: it is
renewed when a file of the bank changes.
"""

# ruff: noqa: SIM905

import contextlib
import hashlib
import json
import os
import re
import sqlite3
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import platformdirs
import yaml

from digitdreams.interview import bank, problems
from digitdreams.interview.bank import LANGUAGES, Question, Text
from digitdreams.interview.problems import Entry, Problem

HERE = Path(__file__).parent
HAN = r"\u3400-\u9fff"
RUN = re.compile(rf"[{HAN}]+")
WORD = re.compile(rf"[{HAN}]+|[^\W_{HAN}]+")
PROGRAM = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
# Words of a question that say nothing about its subject.
ASKING = re.compile("为什么|是什么|什么是|什么|怎么样|怎么算|怎么|如何|请问|的")
MORE = 12  # hits beside those that are wanted, of which some may move up
COMMON = frozenset(
    (
        "a an and are be by can do does for from how i in is it its of on or the this "
        "to what when where which who why with you your "
    ).split()
)


@dataclass(frozen=True)
class Row:
    """What a list of hits shows of a question or a problem.

    Attributes:
        id: of the question, or the problem's name.
        kind: that of the question; "problem" or "bug hunt".
        title: the question on one line, or the problem's title.
        short: the short answer; that of a problem is its title.
        problem: the problem to practise with.
    """

    id: str
    topic: str
    level: str
    kind: str
    title: Text
    short: Text
    lesson: str | None
    problem: str | None

    @property
    def is_problem(self) -> bool:
        """Whether it is a problem, not a question."""
        return self.kind in ("problem", "bug hunt")

    @classmethod
    def of(cls, item: Entry) -> "Row":
        """The row of a question or a problem."""
        if isinstance(item, Problem):
            kind, title, short = (
                ("bug hunt" if item.is_hunt else "problem"),
                item.title,
                item.title,
            )
            problem: str | None = item.name
        else:
            kind, short, problem = item.kind, item.short, item.problem
            title = Text(
                *(without_code(item.question.in_language(one)) for one in LANGUAGES)
            )
        return cls(
            item.id, item.topic, item.level, kind, title, short, item.lesson, problem
        )

    def is_called(self, text: str) -> bool:
        """Whether name or title holds these words as they were typed."""
        names = f"{self.id} {self.title.en} {self.title.zh}"
        typed, found = (WORD.findall(normal(one)) for one in (text, names))
        return f" {' '.join(typed)} " in f" {' '.join(found)} "

    def as_json(self) -> str:
        """The row as a JSON document."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "Row":
        """The row in a document of `as_json`."""
        content = json.loads(text)
        for key in ("title", "short"):
            content[key] = Text(**content[key])
        return cls(**content)


def without_code(markdown: str) -> str:
    """A question's words on one line; its program is left out."""
    from digitdreams.interview import formula  # not needed with a kept index

    return formula.as_text(PROGRAM.sub(" … ", markdown))


@dataclass(frozen=True)
class Hit:
    """A question or a problem that was found; a larger score fits better."""

    row: Row
    score: float


# How texts are written before they are compared ---------------------------------------


@cache
def simplified() -> dict[int, int]:
    """For `str.translate`: traditional characters to simplified ones."""
    text = (HERE / "simplified.txt").read_text(encoding="utf-8")
    traditional, simple = text.splitlines()
    return str.maketrans(traditional, simple)


def normal(text: str) -> str:
    """A text in the one form in which it is indexed and searched.

    Full-width letters, ligatures and the like become plain ones (NFKC), capitals small,
    letters lose their marks, and traditional characters become simplified ones.
    """
    text = unicodedata.normalize("NFKC", text).casefold().translate(simplified())
    decomposed = unicodedata.normalize("NFD", text)
    return "".join(sign for sign in decomposed if unicodedata.category(sign) != "Mn")


def pairs(run: str) -> list[str]:
    """Neighbouring characters, and the last one alone: 潜变量 to 潜变, 变量, 量."""
    return [run[i : i + 2] for i in range(len(run))]


def spaced(text: str) -> str:
    """Text whose Chinese runs are split into what the index holds."""
    return RUN.sub(lambda match: f" {' '.join(pairs(match[0]))} ", text)


# Queries in FTS5's language -----------------------------------------------------------


def term(word: str) -> str:
    """One word of a query."""
    if not RUN.fullmatch(word):
        return f'"{word}"'
    if len(word) == 1:
        return f'"{word}"*'
    return '"' + " ".join(word[i : i + 2] for i in range(len(word) - 1)) + '"'


def phrase(text: str) -> str:
    """Some words that stand one after the other."""
    words = WORD.findall(text)
    if len(words) == 1:
        return term(words[0])
    inner = " ".join(term(word).strip('"*') for word in words)
    return f'"{inner}"'


def parts(word: str) -> list[str]:
    """The looser terms of a word: for Chinese, each pair."""
    if RUN.fullmatch(word) and len(word) > 2:
        return [f'"{word[i : i + 2]}"' for i in range(len(word) - 1)]
    return [term(word)]


@cache
def synonyms() -> dict[str, tuple[str, ...]]:
    """For each word or phrase of the table, all that mean the same; longest first."""
    content = yaml.safe_load((HERE / "synonyms.yaml").read_text(encoding="utf-8"))
    found: dict[str, tuple[str, ...]] = {}
    for group in content:
        words = tuple(" ".join(WORD.findall(normal(entry))) for entry in group)
        for word in words:
            # Latin words in the plural, too: the index knows stems only
            for form in (word,) if RUN.search(word) else (word, f"{word}s"):
                found[form] = (*found.get(form, ()), *words)
    return dict(sorted(found.items(), key=lambda entry: -len(entry[0])))


def split(text: str) -> tuple[list[tuple[str, ...]], list[str]]:
    """What a query asks for: groups of synonyms, and the words besides."""
    rest = f" {' '.join(WORD.findall(normal(text)))} "
    groups = []
    for word, group in synonyms().items():
        chinese = RUN.search(word) is not None
        found = word if chinese else f" {word} "
        if found in rest:
            groups.append(group)
            rest = rest.replace(found, " ")
    words = WORD.findall(ASKING.sub(" ", rest))
    useful = [word for word in words if word not in COMMON]
    return groups, useful or ([] if groups else WORD.findall(rest))


def queries(text: str) -> list[str]:
    """FTS5's queries for a text: all of it; where nothing has all, some of it."""
    groups, words = split(text)
    either = ["(" + " OR ".join(map(phrase, group)) + ")" for group in groups]
    strict = either + [term(word) for word in words]
    loose = either + [part for word in words for part in parts(word)]
    return [" AND ".join(strict), " OR ".join(loose)] if strict else []


# The index ----------------------------------------------------------------------------


class Index:
    """An index of rows.

    Args:
        database: where it lies; see `filled`.
    """

    def __init__(self, database: sqlite3.Connection):
        self.database = database

    @classmethod
    def filled(
        cls,
        questions: Sequence[Question],
        problems: Sequence[Problem],
        place: Path | str = ":memory:",
    ) -> "Index":
        """A new index, in memory or in a file."""
        database = sqlite3.connect(place)
        database.execute(
            "CREATE VIRTUAL TABLE entries USING fts5(name, head, body, rest, "
            "content = '', tokenize = 'porter unicode61 remove_diacritics 2')"
        )
        database.execute("CREATE TABLE rows (number INTEGER PRIMARY KEY, content TEXT)")
        items: list[Entry] = [*questions, *problems]
        for number, item in enumerate(items):
            texts = [spaced(normal(text)) for text in fields(item)]
            database.execute(
                "INSERT INTO entries (rowid, name, head, body, rest) "
                "VALUES (?, ?, ?, ?, ?)",
                [number, *texts],
            )
            row = Row.of(item).as_json()
            database.execute("INSERT INTO rows VALUES (?, ?)", (number, row))
        database.commit()
        return cls(database)

    def search(self, text: str, limit: int = 5) -> list[Hit]:
        """Find entries with all words; where there is none, with some of them.

        Those that have the words themselves in name or title stand first.
        """
        for query in queries(text):
            found = self.database.execute(
                # Names weigh most; bm25 is smaller where it fits better.
                "SELECT content, bm25(entries, 16.0, 8.0, 3.0, 1.0) AS rank "
                "FROM entries JOIN rows ON rows.number = entries.rowid "
                "WHERE entries MATCH ? ORDER BY rank, number LIMIT ?",
                (query, limit + MORE),
            ).fetchall()
            if found:
                hits = [Hit(Row.from_json(row), -rank) for row, rank in found]
                hits.sort(key=lambda hit: not hit.row.is_called(text))
                return hits[:limit]
        return []


def fields(item: Entry) -> tuple[str, str, str, str]:
    """Four texts of falling weight."""
    if isinstance(item, Problem):
        name = item.name.replace("_", " ")
        head = f"{item.title.en} {item.title.zh}"
        body = f"{item.statement.en} {item.statement.zh} {item.topic}"
        return name, head, body, f"{item.limits.en} {item.limits.zh}"
    head = f"{item.question.en} {item.question.zh}"
    body = f"{item.short.en} {item.short.zh} {item.topic.replace('_', ' ')}"
    texts = [item.answer]
    for follow_up in item.follow_ups:
        texts += [follow_up.question, follow_up.reply]
    for wrong in item.wrong:
        texts += [wrong.claim, wrong.why]
    rest = [part for text in texts for part in (text.en, text.zh)]
    return item.id.replace("-", " "), head, body, " ".join([*rest, *item.sources])


# The kept index -----------------------------------------------------------------------


def stamp(folders: Iterable[Path]) -> str:
    """A digest of the files that an index is made from, by name, size and time."""
    digest = hashlib.sha256()
    here = [path for path in HERE.iterdir() if path.is_file()]
    for path in sorted(
        [*here, *(one for folder in folders for one in folder.glob("*"))]
    ):
        if path.is_file():
            state = path.stat()
            digest.update(f"{path} {state.st_size} {state.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


def cache_folder() -> Path:
    """Where the index is kept: the user's cache folder."""
    return platformdirs.user_cache_path("digitdreams", appauthor=False)


def find(text: str, limit: int, folder: Path | None = None) -> list[Hit]:
    """Search the bank with the kept index; with a new one where that is of no use.

    Args:
        folder: where the index is kept; else the user's cache folder.

    Raises:
        BankError, CourseMissing: as `bank.load`.
    """
    name = f"search-{stamp((bank.FOLDER, problems.FOLDER))}.sqlite"
    kept = (folder or cache_folder()) / name
    faults = (sqlite3.Error, OSError, ValueError, KeyError, TypeError)
    if kept.is_file():
        with contextlib.suppress(*faults):  # a damaged file
            return searched(kept, text, limit)
    questions = bank.load()
    known = problems.load() if problems.present() else []
    with contextlib.suppress(OSError, sqlite3.Error):
        keep(questions, known, kept)
        return searched(kept, text, limit)
    return Index.filled(questions, known).search(text, limit)


def searched(path: Path, text: str, limit: int) -> list[Hit]:
    """Search in an index's file.

    Raises:
        sqlite3.Error, ValueError, KeyError, TypeError: the file is damaged.
    """
    uri = f"{path.resolve().as_uri()}?mode=ro"
    with contextlib.closing(sqlite3.connect(uri, uri=True)) as database:
        if database.execute("PRAGMA quick_check").fetchone()[0] != "ok":
            raise sqlite3.DatabaseError("damaged")
        return Index(database).search(text, limit)


def keep(questions: Sequence[Question], known: Sequence[Problem], path: Path) -> None:
    """Write an index whole, and remove older ones.

    Raises:
        OSError, sqlite3.Error: it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}")
    partial.unlink(missing_ok=True)
    try:
        Index.filled(questions, known, partial).database.close()
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    for other in path.parent.glob("search-*.sqlite"):
        if other != path:
            other.unlink(missing_ok=True)


def companion(question: Question, problems: Sequence[Problem]) -> Problem | None:
    """The problem that practises a question, as its key `problem` names it."""
    named = {problem.name: problem for problem in problems}
    return named.get(question.problem) if question.problem else None
