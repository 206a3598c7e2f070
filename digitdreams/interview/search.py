"""Full-text search over questions and problems, in English and in Chinese.

SQLite's FTS5 splits English into word stems. Chinese has no spaces: its runs are
indexed as pairs of neighbouring characters, so that a query of two or more characters
finds every place where they stand together.
"""

# ruff: noqa: SIM905

import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from digitdreams.interview.bank import Question
from digitdreams.interview.problems import Entry, Problem

RUN = re.compile(r"[\u3400-\u9fff]+")
WORD = re.compile(r"[\u3400-\u9fff]+|[^\W_]+")
CLOSE = 16.0  # bm25 score; below it, matches were seen to be about something else


@dataclass(frozen=True)
class Hit:
    """A question or a problem that was found, best first."""

    item: Entry
    score: float


def pairs(run: str) -> list[str]:
    """Neighbouring characters, and the last one alone: 潜变量 to 潜变, 变量, 量."""
    return [run[i : i + 2] for i in range(len(run))]


def spaced(text: str) -> str:
    """Text whose Chinese runs are split into what the index holds."""
    return RUN.sub(lambda match: f" {' '.join(pairs(match[0]))} ", text)


def term(word: str) -> str:
    """One word of a query in FTS5's language."""
    if not RUN.fullmatch(word):
        return f'"{word}"'
    if len(word) == 1:
        return f'"{word}"*'
    return '"' + " ".join(word[i : i + 2] for i in range(len(word) - 1)) + '"'


def parts(word: str) -> list[str]:
    """The looser terms of a word: for Chinese, each pair."""
    if RUN.fullmatch(word) and len(word) > 2:
        return [f'"{word[i : i + 2]}"' for i in range(len(word) - 1)]
    return [term(word)]


COMMON = frozenset(
    (
        "a an and are be by can do does for from how i in is it its of on or the this "
        "to what when where which who why with you your "
    ).split()
)


class Index:
    """An index in memory; it takes some milliseconds to fill."""

    def __init__(self, questions: Sequence[Question], problems: Sequence[Problem]):
        self.items: list[Entry] = [*questions, *problems]
        self.database = sqlite3.connect(":memory:")
        self.database.execute(
            "CREATE VIRTUAL TABLE entries USING fts5(head, body, rest, "
            "tokenize = 'porter unicode61 remove_diacritics 2')"
        )
        rows = [
            [number, *(spaced(text) for text in fields(item))]
            for number, item in enumerate(self.items)
        ]
        self.database.executemany(
            "INSERT INTO entries (rowid, head, body, rest) VALUES (?, ?, ?, ?)", rows
        )

    def search(self, text: str, limit: int = 5) -> list[Hit]:
        """Find entries with all words; where there is none, with some of them."""
        words = WORD.findall(text.lower())
        useful = [word for word in words if word not in COMMON] or words
        if not useful:
            return []
        strict = " AND ".join(term(word) for word in useful)
        loose = " OR ".join(part for word in useful for part in parts(word))
        for query in (strict, loose):
            found = self.database.execute(
                # Titles weigh most; bm25 is smaller where it fits better.
                "SELECT rowid, bm25(entries, 8.0, 3.0, 1.0) AS rank FROM entries "
                "WHERE entries MATCH ? ORDER BY rank, rowid LIMIT ?",
                (query, limit),
            ).fetchall()
            if found:
                return [Hit(self.items[number], -rank) for number, rank in found]
        return []


def fields(item: Entry) -> tuple[str, str, str]:
    """Three texts of falling weight."""
    if isinstance(item, Problem):
        head = f"{item.name.replace('_', ' ')} {item.title.en} {item.title.zh}"
        body = f"{item.statement.en} {item.statement.zh} {item.topic}"
        return head, body, f"{item.limits.en} {item.limits.zh}"
    head = f"{item.question.en} {item.question.zh} {item.id.replace('-', ' ')}"
    body = f"{item.short.en} {item.short.zh} {item.topic.replace('_', ' ')}"
    texts = [item.answer]
    for follow_up in item.follow_ups:
        texts += [follow_up.question, follow_up.reply]
    for wrong in item.wrong:
        texts += [wrong.claim, wrong.why]
    rest = [part for text in texts for part in (text.en, text.zh)]
    return head, body, " ".join([*rest, *item.sources])


def companion(question: Question, problems: Sequence[Problem]) -> Problem | None:
    """The problem that practises a question: the same lesson cell, or the best match.

    A match counts only within the question's topic, and only a close one.
    """
    candidates = [problem for problem in problems if problem.topic == question.topic]
    for problem in candidates:
        if problem.lesson and problem.lesson == question.lesson:
            return problem
    index = Index([], candidates)
    for hit in index.search(f"{question.short.en} {question.question.en}", limit=1):
        if isinstance(hit.item, Problem) and hit.score > CLOSE:
            return hit.item
    return None
