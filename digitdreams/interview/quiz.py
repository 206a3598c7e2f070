"""The quiz: ask, let the reader answer, show the answer, take a rating, schedule."""

import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import fsrs
from rich.table import Table

from digitdreams.interview import bank, screen
from digitdreams.interview.bank import Question
from digitdreams.interview.memory import RATINGS, Memory
from digitdreams.interview.problems import Problem
from digitdreams.interview.search import companion

SOON = timedelta(minutes=20)  # what is due within it may be asked at once


def in_order(questions: list[Question]) -> list[Question]:
    """New questions in the order of asking: easy ones first, topics in turn."""
    seen: Counter = Counter()
    keyed = []
    for one in questions:
        place = seen[one.topic, one.level]
        seen[one.topic, one.level] += 1
        key = (bank.LEVELS.index(one.level), place, bank.TOPICS.index(one.topic))
        keyed.append((key, one))
    return [one for _, one in sorted(keyed, key=lambda pair: pair[0])]


class Deck:
    """Decides which question comes next.

    Args:
        questions: those that may be asked.
        cards: of those that were rated before.
        new: how many that were never rated may be asked.
    """

    def __init__(
        self, questions: list[Question], cards: dict[str, fsrs.Card], new: int
    ):
        self.known = {one.id: one for one in questions}
        self.due = {id: card.due for id, card in cards.items() if id in self.known}
        self.new = [one for one in in_order(questions) if one.id not in cards][:new]

    def count_due(self, now: datetime) -> int:
        return sum(due <= now for due in self.due.values())

    def next(self, now: datetime) -> Question | None:
        """What is due, longest overdue first; then new ones; then what is due soon."""
        soonest = min(self.due, key=self.due.get, default=None)
        if soonest and self.due[soonest] <= now:
            return self.known[soonest]
        if self.new:
            return self.new[0]
        if soonest and self.due[soonest] <= now + SOON:
            return self.known[soonest]
        return None

    def rated(self, question: Question, due: datetime) -> None:
        """Note when a question comes again."""
        self.skipped(question)
        self.due[question.id] = due

    def skipped(self, question: Question) -> None:
        """Do not ask a question again in this session."""
        self.new = [one for one in self.new if one.id != question.id]
        self.due.pop(question.id, None)


def span(delta: timedelta) -> str:
    """A time to come in words: `in 10 minutes`, `in 3 days`."""
    minutes = max(0, round(delta.total_seconds() / 60))
    for size, unit in ((1440, "day"), (60, "hour"), (1, "minute")):
        if minutes >= size:
            count = round(minutes / size)
            return f"in {count} {unit}{'s' * (count > 1)}"
    return "now"


class Session:
    """One sitting at the terminal."""

    def __init__(
        self,
        questions: list[Question],
        problems: list[Problem],
        memory: Memory,
        language: str,
        new: int,
        count: int | None,
    ):
        self.problems, self.memory, self.language = problems, memory, language
        self.deck = Deck(questions, memory.cards(), new)
        self.count = count
        self.ratings: list[int] = []
        self.out = screen.console()

    def run(self) -> str | None:
        """Ask until nothing is left; return how the reader stopped, if he did."""
        now = datetime.now(UTC)
        self.out.print(
            f"{self.deck.count_due(now)} due and {len(self.deck.new)} new questions. "
            "Type q to stop at any time.",
            markup=False,
        )
        how = None
        try:
            while self.count is None or len(self.ratings) < self.count:
                question = self.deck.next(datetime.now(UTC))
                if question is None:
                    break
                self.ask(question)
        except screen.Stopped as stopped:
            how = stopped.how
        except KeyboardInterrupt:
            how = screen.CTRL_C
        self.close(how)
        return how

    def ask(self, question: Question) -> None:
        """One question with its answer and the reader's rating."""
        out, language = self.out, self.language
        out.print()
        out.rule(style="dim")
        screen.show_question(out, question, language)
        if draft := self.memory.draft(question.id):
            out.print(f"\nYou began last time:\n{draft}", style="dim", markup=False)
        out.print(
            "\nAnswer aloud and press Enter, or write and end with an empty line.",
            style="dim",
        )
        started, lines = time.monotonic(), []
        try:
            screen.write_answer(lines)
            seconds = time.monotonic() - started
            screen.show_answer(
                out, question, language, companion(question, self.problems)
            )
            found = screen.choose(
                out,
                "\nHow was it? 1 again, 2 hard, 3 good, 4 easy (s skip, q stop)",
                "rating: ",
                "1234s",
            )
        except (screen.Stopped, KeyboardInterrupt):
            if lines:
                self.memory.keep_draft(question.id, "\n".join(lines))
            raise
        if found == "s":
            self.deck.skipped(question)
            return
        card = self.memory.rate(
            question.id,
            int(found),
            seconds=round(seconds, 1),
            language=language,
            answer="\n".join(lines),
        )
        self.ratings.append(int(found))
        self.deck.rated(question, card.due)
        out.print(f"Comes again {span(card.due - datetime.now(UTC))}.", style="dim")

    def close(self, how: str | None) -> None:
        """The last lines: what was done, and what comes next."""
        counts = Counter(self.ratings)
        parts = [f"{counts[key]} {RATINGS[key]}" for key in RATINGS if counts[key]]
        self.out.print()
        if how:
            self.out.print(f"Stopped: {how}.", markup=False)
        elif not self.ratings:
            self.out.print("Nothing is due. --new asks more that are new.")
        said = f" ({', '.join(parts)})" if parts else ""
        plural = "s" * (len(self.ratings) != 1)
        self.out.print(
            f"{len(self.ratings)} rating{plural}{said} saved in {self.memory.path}",
            markup=False,
            soft_wrap=True,
        )


# Statistics ---------------------------------------------------------------------------


def statistics(questions: list[Question], memory: Memory, now: datetime) -> dict:
    """Count, for each topic and in all, what was seen, is due, and is remembered.

    `recall` is the mean over seen questions of FSRS's estimate of the chance that the
    reader still knows the answer, None where none was seen.
    """
    cards = memory.cards()
    rows = {}
    for topic in (*bank.TOPICS, "all"):
        ids = [one.id for one in questions if topic in (one.topic, "all")]
        seen = [cards[one] for one in ids if one in cards]
        chances = [memory.scheduler.get_card_retrievability(one, now) for one in seen]
        rows[topic] = {
            "questions": len(ids),
            "seen": len(seen),
            "due": sum(one.due <= now for one in seen),
            "recall": sum(chances) / len(chances) if chances else None,
        }
    reviews = memory.reviews()
    return {
        "topics": {topic: row for topic, row in rows.items() if row["questions"]},
        "ratings": {
            name: sum(one.rating == value for one in reviews)
            for value, name in RATINGS.items()
        },
        "minutes": round(sum(one.seconds for one in reviews) / 60, 1),
        "days": len({one.time.astimezone().date() for one in reviews}),
    }


def table(content: dict) -> Table:
    """The statistics as a table that fits 40 columns."""
    shown = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    shown.add_column("topic", overflow="fold")
    for heading in ("seen", "of", "due", "know"):
        shown.add_column(heading, justify="right")
    for topic, row in content["topics"].items():
        recall = "-" if row["recall"] is None else f"{row['recall']:.0%}"
        numbers = (str(row[key]) for key in ("seen", "questions", "due"))
        shown.add_row(topic, *numbers, recall)
    return shown
