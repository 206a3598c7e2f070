"""What the reader has answered, and when each question comes again.

A small SQLite file in the user's data folder holds every rating. Due dates are not
stored: they follow from the ratings by FSRS (free spaced repetition scheduler; Ye, Su
and Cao 2022), so two files can be merged and nothing can disagree.
"""

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import fsrs
import platformdirs

from digitdreams.interview import screen

VERSION = 1  # of the SQLite file and of the exported JSON
DAY = 86_400.0  # seconds; no answer takes longer
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)  # before it no clock was right
AHEAD = timedelta(days=2)  # what a clock of another time zone may be ahead
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
# Files that were begun before there was this table get it, too.
SITTINGS = """
CREATE TABLE IF NOT EXISTS sittings (name TEXT PRIMARY KEY, content TEXT NOT NULL)
"""
COLUMNS = "question, rated_at, rating, seconds, language, answer"
READ_DRAFTS = "SELECT question, answer FROM drafts"


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
            text = getattr(self, key)
            if not isinstance(text, str):
                return f"{key} is not text"
            try:
                text.encode("utf-8")
            except UnicodeEncodeError:
                return f"{key} holds signs that no text can hold"
        if type(self.rating) is not int or self.rating not in RATINGS:
            return f"rating is {self.rating!r}, not 1, 2, 3 or 4"
        number = type(self.seconds) in (int, float)
        if not number or not 0 <= self.seconds <= DAY:
            return f"seconds is {self.seconds!r}, not a number from 0 to {DAY:.0f}"
        return self.time_fault()

    def time_fault(self) -> str | None:
        """Say what is wrong with `rated_at`, None where nothing is."""
        try:
            time = datetime.fromisoformat(self.rated_at)
        except ValueError:
            return f"rated_at is {self.rated_at!r}, not a date and time"
        if time.tzinfo is None:
            return f"rated_at is {self.rated_at!r}: the time zone is missing"
        if not EARLIEST <= time <= datetime.now(UTC) + AHEAD:
            return (
                f"rated_at is {self.rated_at!r}, before the year 2000 or in the future"
            )
        return None


def default_path() -> Path:
    """The progress file in the user's data folder."""
    return platformdirs.user_data_path("digitdreams", appauthor=False) / (
        "interview.sqlite"
    )


def damaged(error: Exception) -> bool:
    """Whether SQLite says that a file is none of its own, or not whole."""
    codes = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT)
    if "unsupported file format" in str(error):
        return True
    return (getattr(error, "sqlite_errorcode", 0) & 0xFF) in codes


def as_damage(reason: str) -> sqlite3.DatabaseError:
    """An error that counts as damage."""
    error = sqlite3.DatabaseError(reason)
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error


def as_text(content: bytes) -> str:
    """Text of the file; a damaged sign becomes a mark."""
    return content.decode("utf-8", "replace")


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
            except (sqlite3.DatabaseError, OverflowError) as error:
                if not damaged(error):
                    raise
                kept = self.set_aside()
                self.database = self.opened()
                self.salvage(kept)

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
        except sqlite3.Error as error:
            raise MemoryFault(
                f"{self.path} was damaged while it was in use ({error}): rename it, "
                "and begin again."
            ) from None

    def opened(self) -> sqlite3.Connection:
        """Open, look whether it is whole, and make what is missing.

        Raises:
            MemoryFault: the file is a folder, or of a newer version.
            sqlite3.DatabaseError: the file is damaged (see `damaged`) or in use.
        """
        if self.path.is_dir():
            raise self.unwritable("it is a folder")
        database = sqlite3.connect(self.path, isolation_level=None)
        database.text_factory = as_text
        try:
            self.look_into(database)
            database.execute("BEGIN IMMEDIATE")  # fails where nothing can be written
            if database.execute("PRAGMA user_version").fetchone()[0] == 0:
                for statement in TABLES.split(";"):
                    database.execute(statement)
                database.execute(f"PRAGMA user_version = {VERSION}")
            database.execute(SITTINGS)
            database.execute("COMMIT")
            try:
                database.execute("SELECT name, content FROM sittings").fetchone()
            except sqlite3.OperationalError as error:
                raise as_damage(str(error)) from None
        except BaseException:
            database.close()
            raise
        return database

    def look_into(self, database: sqlite3.Connection) -> None:
        """Look whether a file is whole, and one of ours.

        Raises:
            MemoryFault: it is of a newer version.
            sqlite3.DatabaseError: it is damaged, or cannot be read.
        """
        verdict = database.execute("PRAGMA integrity_check").fetchone()[0]
        version = database.execute("PRAGMA user_version").fetchone()[0]
        tables = database.execute("SELECT name FROM sqlite_master").fetchall()
        if verdict != "ok" or (version == 0 and tables) or version < 0:
            raise as_damage(verdict)
        if version > VERSION:
            raise MemoryFault(
                f"{self.path} was written by a newer version of the course: update "
                "the course, or name another file with --progress FILE."
            )
        if version == VERSION:
            try:
                for query in (f"SELECT {COLUMNS} FROM reviews", READ_DRAFTS):
                    database.execute(query).fetchone()
            except sqlite3.OperationalError as error:
                raise as_damage(str(error)) from None  # a table's name is damaged

    def set_aside(self) -> Path:
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
        return kept

    def salvage(self, kept: Path) -> None:
        """Take over what can still be read of a damaged file, and say how much."""
        count = 0
        with self.writing():
            for row in readable(kept, f"SELECT {COLUMNS} FROM reviews", 6):
                review = Review(*row)
                count += 0 if review.fault() else self.insert(review)
            for question, answer in readable(kept, READ_DRAFTS, 2):
                if isinstance(question, str) and isinstance(answer, str):
                    self.insert_draft(question, answer)
        self.note = (
            f"The progress file is damaged. It was kept as {kept}, and a new one was "
            f"begun with {count} ratings that could be read. If you have an export, "
            "`digitdreams progress import FILE` brings it back."
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
        seconds = min(max(seconds, 0.0), DAY)  # a sitting may have lain open for days
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
            f"INSERT OR IGNORE INTO reviews ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)",
            tuple(asdict(review).values()),
        )
        return cursor.rowcount

    def reviews(self) -> list[Review]:
        """All ratings, oldest first; rows with impossible values are left out."""
        with self.explained():
            rows = self.database.execute(f"SELECT {COLUMNS} FROM reviews").fetchall()
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
            self.insert_draft(question, answer)

    def insert_draft(self, question: str, answer: str) -> None:
        """Store a draft in place of an older one."""
        self.database.execute(
            "INSERT OR REPLACE INTO drafts (question, answer) VALUES (?, ?)",
            (question, answer),
        )

    def draft(self, question: str) -> str:
        """The answer that was begun, or an empty text."""
        with self.explained():
            row = self.database.execute(
                "SELECT answer FROM drafts WHERE question = ?", (question,)
            ).fetchone()
        return row[0] if row and isinstance(row[0], str) else ""

    # A sitting that was left ----------------------------------------------------------

    def keep_sitting(self, name: str, content: dict[str, Any] | None) -> None:
        """Keep what a quiz of this name needs to go on; None for one that is done."""
        with self.writing():
            self.database.execute("DELETE FROM sittings WHERE name = ?", (name,))
            if content is not None:
                self.database.execute(
                    "INSERT INTO sittings (name, content) VALUES (?, ?)",
                    (name, json.dumps(content)),
                )

    def sitting(self, name: str) -> dict[str, Any] | None:
        """What `keep_sitting` kept, None where there is nothing usable."""
        with self.explained():
            row = self.database.execute(
                "SELECT content FROM sittings WHERE name = ?", (name,)
            ).fetchone()
        try:
            content = json.loads(row[0]) if row else None
        except (ValueError, TypeError, RecursionError):
            return None
        return content if isinstance(content, dict) else None

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


def readable(path: Path, query: str, width: int) -> Iterator[tuple[Any, ...]]:
    """The rows of a damaged file up to the first that cannot be read."""
    with contextlib.suppress(sqlite3.Error, OverflowError):
        uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
        with contextlib.closing(sqlite3.connect(uri, uri=True)) as database:
            database.text_factory = as_text
            for row in database.execute(query):
                if len(row) == width:
                    yield row


def read_export(text: str) -> list[Review]:
    """Read and check a document written by `as_json`.

    Raises:
        ValueError: it is no such document; the message says what is wrong.
    """
    try:
        content = json.loads(text)
    except ValueError as error:
        raise ValueError(f"it is not JSON: {error}") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
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
        # The same moment in another zone's words is the same rating.
        reviews.append(replace(review, rated_at=review.time.isoformat()))
    return reviews
