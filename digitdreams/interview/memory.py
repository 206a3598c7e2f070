"""What the reader has answered, and when each question comes again.

A small SQLite file in the user's data folder holds every rating. Due dates are not
stored: they follow from the ratings by FSRS (free spaced repetition scheduler; Ye, Su
and Cao 2022), so two files can be merged and nothing can disagree.
"""

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import fsrs
import platformdirs

from digitdreams.interview import screen

VERSION = 1  # of the SQLite file and of the exported JSON
RATINGS = {1: "again", 2: "hard", 3: "good", 4: "easy"}
TABLES = """
CREATE TABLE reviews (
    question TEXT NOT NULL,
    rated_at TEXT NOT NULL,
    rating INTEGER NOT NULL CHECK (rating BETWEEN 1 AND 4),
    seconds REAL NOT NULL,
    language TEXT NOT NULL,
    answer TEXT NOT NULL,
    PRIMARY KEY (question, rated_at)
);
CREATE TABLE drafts (question TEXT PRIMARY KEY, answer TEXT NOT NULL);
"""


class MemoryFault(RuntimeError):
    """The progress file cannot be used; the message says which and what to do."""


@dataclass(frozen=True)
class Review:
    """One rating: 1 again, 2 hard, 3 good, 4 easy; `rated_at` is ISO 8601 in UTC."""

    question: str
    rated_at: str
    rating: int
    seconds: float
    language: str
    answer: str

    @property
    def time(self) -> datetime:
        """When it was rated, in UTC."""
        return datetime.fromisoformat(self.rated_at).astimezone(UTC)

    def fault(self) -> str | None:
        """Say what is wrong with the values, None where nothing is."""
        for key in ("question", "rated_at", "language", "answer"):
            if not isinstance(getattr(self, key), str):
                return f"{key} is not text"
        if type(self.rating) is not int or self.rating not in RATINGS:
            return f"rating is {self.rating!r}, not 1, 2, 3 or 4"
        if not isinstance(self.seconds, (int, float)):
            return f"seconds is {self.seconds!r}, not a number"
        try:
            if datetime.fromisoformat(self.rated_at).tzinfo is None:
                return f"rated_at is {self.rated_at!r}: the time zone is missing"
        except ValueError:
            return f"rated_at is {self.rated_at!r}, not a date and time"
        return None


def default_path() -> Path:
    """The progress file in the user's data folder."""
    return platformdirs.user_data_path("digitdreams", appauthor=False) / (
        "interview.sqlite"
    )


def damaged(error: sqlite3.Error) -> bool:
    """Whether SQLite says that a file is none of its own, or not whole."""
    codes = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
    return (getattr(error, "sqlite_errorcode", 0) & 0xFF) in codes


class Memory:
    """The progress file.

    Args:
        path: the file, made where it does not exist.

    Attributes:
        note: what was done with a damaged file, None where it was whole.

    Raises:
        MemoryFault: the file cannot be read or written.
    """

    def __init__(self, path: Path | None = None):
        self.path = Path(path or default_path())
        self.note: str | None = None
        self.scheduler = fsrs.Scheduler(enable_fuzzing=False)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self.unwritable(str(error.strerror)) from None
        with self.explained():
            try:
                self.database = self.opened()
            except sqlite3.DatabaseError as error:
                if not damaged(error):
                    raise
                self.set_aside()
                self.database = self.opened()

    def unwritable(self, reason: str) -> MemoryFault:
        """The fault of a file that cannot be written, for this reason."""
        return MemoryFault(
            f"Your progress cannot be kept in {self.path} ({reason}). Make that "
            "folder writable, or name another file with --progress FILE."
        )

    @contextlib.contextmanager
    def explained(self) -> Iterator[None]:
        """Turn SQLite's errors into MemoryFault."""
        try:
            yield
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise MemoryFault(
                    f"{self.path} is in use by another program: close that one, then "
                    "try again."
                ) from None
            raise self.unwritable(str(error)) from None

    def opened(self) -> sqlite3.Connection:
        """Open, look whether it is whole, and make what is missing.

        Raises:
            MemoryFault: the file is a folder, or of a newer version.
            sqlite3.DatabaseError: the file is damaged (see `damaged`) or in use.
        """
        if self.path.is_dir():
            raise self.unwritable("it is a folder")
        database = sqlite3.connect(self.path, isolation_level=None)
        try:
            verdict = database.execute("PRAGMA quick_check").fetchone()[0]
            version = database.execute("PRAGMA user_version").fetchone()[0]
            tables = database.execute("SELECT name FROM sqlite_master").fetchall()
            if verdict != "ok" or (version == 0 and tables):
                error = sqlite3.DatabaseError(verdict)
                error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
                raise error
            if version > VERSION:
                raise MemoryFault(
                    f"{self.path} was written by a newer version of the course: update "
                    "the course, or name another file with --progress FILE."
                )
            database.execute("BEGIN IMMEDIATE")  # fails where nothing can be written
            if version == 0:
                for statement in TABLES.split(";"):
                    database.execute(statement)
                database.execute(f"PRAGMA user_version = {VERSION}")
            database.execute("COMMIT")
            database.execute("SELECT question, answer FROM drafts").fetchone()
        except BaseException:
            database.close()
            raise
        return database

    def set_aside(self) -> None:
        """Rename a damaged file, and what SQLite keeps beside it."""
        stamp = datetime.now().strftime("%Y-%m-%d_%H%M%S")
        kept = self.path.with_name(f"{self.path.stem}.damaged-{stamp}.sqlite")
        number = 1
        while kept.exists():
            number += 1
            kept = kept.with_name(f"{self.path.stem}.damaged-{stamp}-{number}.sqlite")
        for ending in ("", "-journal", "-wal", "-shm"):
            beside = Path(f"{self.path}{ending}")
            if beside.exists():
                beside.rename(f"{kept}{ending}")
        self.note = (
            f"The progress file is damaged. It was kept as {kept}, and a new one was "
            "begun. If you have an export, `digitdreams progress import FILE` brings "
            "it back."
        )

    def close(self) -> None:
        """Close the file."""
        self.database.close()

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """A transaction that Ctrl-C cannot cut in two."""
        with self.explained(), screen.undisturbed():
            self.database.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self.database.execute("ROLLBACK")
                raise
            self.database.execute("COMMIT")

    # Ratings --------------------------------------------------------------------------

    def rate(
        self,
        question: str,
        rating: int,
        time: datetime | None = None,
        seconds: float = 0.0,
        language: str = "en",
        answer: str = "",
    ) -> fsrs.Card:
        """Store a rating; when this returns, it is on the disk.

        Args:
            time: when it was rated; now where it is left out.
            seconds: that the answer took.

        Returns:
            The question's card, with its new due date.

        Raises:
            ValueError: a value is none that a review can have.
            MemoryFault: the file cannot be written.
        """
        rated_at = (time or datetime.now(UTC)).astimezone(UTC).isoformat()
        review = Review(question, rated_at, rating, seconds, language, answer)
        if fault := review.fault():
            raise ValueError(fault)
        with self.writing():
            self.insert(review)
            self.database.execute("DELETE FROM drafts WHERE question = ?", (question,))
        return self.cards()[question]

    def insert(self, review: Review) -> int:
        """Add a review unless it is there; return how many were added."""
        cursor = self.database.execute(
            "INSERT OR IGNORE INTO reviews VALUES (?, ?, ?, ?, ?, ?)",
            tuple(asdict(review).values()),
        )
        return cursor.rowcount

    def reviews(self) -> list[Review]:
        """All ratings, oldest first; rows with impossible values are left out."""
        with self.explained():
            rows = self.database.execute("SELECT * FROM reviews").fetchall()
        reviews = [Review(*row) for row in rows]
        usable = [review for review in reviews if not review.fault()]
        return sorted(usable, key=lambda review: review.time)

    def cards(self) -> dict[str, fsrs.Card]:
        """The card of each question that was ever rated, with its due date."""
        cards: dict[str, fsrs.Card] = {}
        for review in self.reviews():
            card = cards.get(review.question) or fsrs.Card(card_id=len(cards) + 1)
            card, _ = self.scheduler.review_card(
                card, fsrs.Rating(review.rating), review.time
            )
            cards[review.question] = card
        return cards

    # Answers that were begun ----------------------------------------------------------

    def keep_draft(self, question: str, answer: str) -> None:
        """Keep an answer that was written but not rated."""
        with self.writing():
            self.database.execute(
                "INSERT OR REPLACE INTO drafts VALUES (?, ?)", (question, answer)
            )

    def draft(self, question: str) -> str:
        """The answer that was begun, or an empty text."""
        row = self.database.execute(
            "SELECT answer FROM drafts WHERE question = ?", (question,)
        ).fetchone()
        return row[0] if row else ""

    # Export and import ----------------------------------------------------------------

    def as_json(self) -> str:
        """All ratings as a JSON document."""
        reviews = [asdict(review) for review in self.reviews()]
        content = {"format": VERSION, "reviews": reviews}
        return json.dumps(content, ensure_ascii=False, indent=1) + "\n"

    def merge(self, text: str) -> int:
        """Add the ratings of an exported document; return how many were new.

        Raises:
            ValueError: the document is not an export; nothing was added.
        """
        reviews = read_export(text)
        with self.writing():
            return sum(self.insert(review) for review in reviews)


def read_export(text: str) -> list[Review]:
    """Read and check a document written by `as_json`.

    Raises:
        ValueError: it is no such document; the message says what is wrong.
    """
    try:
        content = json.loads(text)
    except ValueError as error:
        raise ValueError(f"it is not JSON: {error}") from None
    if not isinstance(content, dict) or not isinstance(content.get("reviews"), list):
        raise ValueError("it holds no list `reviews`: was it exported by the course?")
    if content.get("format") != VERSION:
        raise ValueError(f"its format is {content.get('format')!r}, not {VERSION}")
    reviews = []
    for number, entry in enumerate(content["reviews"], start=1):
        try:
            review = Review(**entry)
        except TypeError:
            keys = ", ".join(Review.__dataclass_fields__)
            raise ValueError(f"review {number} must have the keys {keys}") from None
        if fault := review.fault():
            raise ValueError(f"review {number}: {fault}")
        reviews.append(review)
    return reviews
