"""The quiz: ask, let the reader answer, show the answer, take a rating, schedule."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
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
    seen: Counter[tuple[str, str]] = Counter()
    keys = {}
    for question in questions:
        topic, level = question.topic, question.level
        keys[question.id] = (
            bank.LEVELS.index(level),
            seen[topic, level],
            bank.TOPICS.index(topic),
        )
        seen[topic, level] += 1
    return sorted(questions, key=lambda question: keys[question.id])


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
        self.known = {question.id: question for question in questions}
        self.due = {id: card.due for id, card in cards.items() if id in self.known}
        ordered = in_order(questions)
        self.new = [question for question in ordered if question.id not in cards][:new]

    def count_due(self, now: datetime) -> int:
        """How many questions are due."""
        return sum(due <= now for due in self.due.values())

    def next(self, now: datetime) -> Question | None:
        """What is due, longest overdue first; then new ones; then what is due soon."""
        soonest = min(self.due, key=lambda id: self.due[id], default=None)
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
        self.new = [other for other in self.new if other.id != question.id]
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
    """One sitting at the terminal.

    Args:
        questions: those that may be asked.
        problems: those that an answer may recommend.
        memory: the reader's progress.
        language: "en" or "zh".
        new: how many new questions may be asked.
        count: how many ratings end the sitting; None for no limit.
    """

    def __init__(
        self,
        questions: list[Question],
        problems: Sequence[Problem],
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
        """Ask until nothing is left; return how the reader stopped, None if not.

        Raises:
            MemoryFault: a rating cannot be kept.
        """
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
        started = time.monotonic()
        lines: list[str] = []
        try:
            screen.write_answer(lines)
            seconds = time.monotonic() - started
            screen.show_answer(
                out, question, language, companion(question, self.problems)
            )
            choice = screen.choose(
                out,
                "\nHow was it? 1 again, 2 hard, 3 good, 4 easy (s skip, q stop)",
                "rating: ",
                "1234s",
            )
        except (screen.Stopped, KeyboardInterrupt):
            if lines:
                self.memory.keep_draft(question.id, "\n".join(lines))
            raise
        if choice == "s":
            self.deck.skipped(question)
            return
        card = self.memory.rate(
            question.id,
            int(choice),
            seconds=round(seconds, 1),
            language=language,
            answer="\n".join(lines),
        )
        self.ratings.append(int(choice))
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
        detail = f" ({', '.join(parts)})" if parts else ""
        plural = "s" * (len(self.ratings) != 1)
        self.out.print(
            f"{len(self.ratings)} rating{plural}{detail} saved in {self.memory.path}",
            markup=False,
            soft_wrap=True,
        )


# Statistics ---------------------------------------------------------------------------


@dataclass(frozen=True)
class TopicStatistics:
    """What was done of one topic, or of all.

    Attributes:
        questions, seen, due: how many there are, were rated, and are due.
        recall: the mean over seen questions of FSRS's estimate of the chance, 0 to 1,
            that the reader still knows the answer; None where none was seen.
    """

    questions: int
    seen: int
    due: int
    recall: float | None


@dataclass(frozen=True)
class Statistics:
    """What the progress file says, for each topic that has questions, and in all.

    Attributes:
        topics: by topic, in the order of TOPICS; the last is "all".
        ratings: how often each rating was given, by its name.
        minutes: that all answers took.
        days: on how many days there was a rating, in local time.
    """

    topics: dict[str, TopicStatistics]
    ratings: dict[str, int]
    minutes: float
    days: int


def statistics(questions: list[Question], memory: Memory, now: datetime) -> Statistics:
    """Count, for each topic and in all, what was seen, is due, and is remembered."""
    cards = memory.cards()
    topics = {}
    for topic in (*bank.TOPICS, "all"):
        ids = [
            question.id for question in questions if topic in (question.topic, "all")
        ]
        seen = [cards[id] for id in ids if id in cards]
        chances = [memory.scheduler.get_card_retrievability(card, now) for card in seen]
        if ids:
            topics[topic] = TopicStatistics(
                questions=len(ids),
                seen=len(seen),
                due=sum(card.due <= now for card in seen),
                recall=sum(chances) / len(chances) if chances else None,
            )
    reviews = memory.reviews()
    counts = Counter(review.rating for review in reviews)
    return Statistics(
        topics=topics,
        ratings={name: counts[rating] for rating, name in RATINGS.items()},
        minutes=round(sum(review.seconds for review in reviews) / 60, 1),
        days=len({review.time.astimezone().date() for review in reviews}),
    )


def table(content: Statistics) -> Table:
    """The statistics as a table that fits 40 columns."""
    shown = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    shown.add_column("topic", overflow="fold")
    for heading in ("seen", "of", "due", "know"):
        shown.add_column(heading, justify="right")
    for topic, row in content.topics.items():
        recall = "-" if row.recall is None else f"{row.recall:.0%}"
        shown.add_row(topic, str(row.seen), str(row.questions), str(row.due), recall)
    return shown
