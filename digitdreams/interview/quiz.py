"""The quiz: ask, let the reader answer, show the answer, take a rating, schedule."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import fsrs
from rich.table import Table

from digitdreams.interview import bank, screen, translations
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

    def due_until(self, time: datetime) -> list[Question]:
        """The questions that are due by then."""
        return [self.known[id] for id, due in self.due.items() if due <= time]

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


def span(delta: timedelta, language: str = "en") -> str:
    """A time to come in words: `in 10 minutes`, `in 3 days`."""
    word = translations.in_language(language)
    minutes = max(0, round(delta.total_seconds() / 60))
    for size, unit in ((1440, "day"), (60, "hour"), (1, "minute")):
        if minutes >= size:
            count = round(minutes / size)
            return word[f"in_{unit}{'s' * (count > 1)}"].format(count=count)
    return word["now"]


def midnight(now: datetime, days: int = 0) -> datetime:
    """The end of this day in local time, or of the day so many days later."""
    local = now.astimezone()
    end = local.replace(hour=0, minute=0, second=0, microsecond=0)
    # The zone is asked again, for summer time may begin or end meanwhile.
    return (end.replace(tzinfo=None) + timedelta(days=days + 1)).astimezone()


def agenda(deck: Deck, now: datetime, language: str) -> list[str]:
    """Lines that say what is due today, by topic, and what comes after."""
    word = translations.in_language(language)
    today = deck.due_until(midnight(now))
    waiting = len(deck.due_until(now))
    lines = [word["nothing_due_today"]]
    if today:
        first = word["due_today"].format(count=len(today))
        when = [word["due_now"].format(count=waiting)]
        if len(today) > waiting:
            when.append(word["due_later"].format(count=len(today) - waiting))
        counts = Counter(question.topic for question in today).most_common()
        topics = [f"{word[topic]} {count}" for topic, count in counts]
        lines = [f"{first} ({', '.join(when)})", ", ".join(topics)]
        if language == "zh":
            lines = [f"{first}（{'，'.join(when)}）", "，".join(topics)]
    tomorrow = len(deck.due_until(midnight(now, 1))) - len(today)
    week = len(deck.due_until(midnight(now, 7))) - len(today)
    later = [
        word["new_questions"].format(count=len(deck.new)),
        word["due_tomorrow"].format(count=tomorrow),
        word["due_week"].format(count=week),
    ]
    return [*lines, word["comma"].join(later)]


def usable(sitting: dict[str, Any] | None) -> dict[str, Any] | None:
    """A sitting that was kept, where all that it needs to go on is there."""
    if sitting is None:
        return None
    try:
        datetime.fromisoformat(sitting["began"]).astimezone()
        numbers = [sitting["rated"], sitting["left"]]
        whole = all(type(number) is int and number >= 0 for number in numbers)
        return sitting if whole and isinstance(sitting["question"], str) else None
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


class Session:
    """One sitting at the terminal; a sitting that was left goes on where it was.

    Args:
        questions: those that may be asked.
        problems: those that an answer may recommend.
        memory: the reader's progress.
        language: "en" or "zh".
        new: how many new questions may be asked.
        count: how many ratings end the sitting; None for no limit.
        filters: what the questions were chosen by. Only a sitting that was left with
            the same filters, `new` and `count` goes on.
        restart: whether such a sitting is forgotten.
    """

    def __init__(
        self,
        questions: list[Question],
        problems: Sequence[Problem],
        memory: Memory,
        language: str,
        new: int,
        count: int | None,
        filters: Sequence[str] = (),
        restart: bool = False,
    ):
        self.problems, self.memory, self.language = problems, memory, language
        self.word = translations.in_language(language)
        self.count = count
        self.ratings: list[int] = []
        self.before = 0  # ratings of this sitting that were given before it was left
        self.new = new
        limit = [] if count is None else [f"count {count}"]
        self.name = " ".join([*filters, f"new {new}", *limit])
        self.began = datetime.now(UTC).isoformat()
        self.left: Question | None = None
        cards = memory.cards()
        resumed = None if restart else usable(memory.sitting(self.name))
        if resumed:
            self.before = resumed["rated"]
            self.began, self.new = resumed["began"], resumed["left"]
        self.deck = Deck(questions, cards, self.new)
        if resumed:
            self.left = self.deck.known.get(resumed["question"])
        self.resumed = resumed is not None
        self.out = screen.console()

    def run(self) -> str | None:
        """Ask until nothing is left; return how the reader stopped, None if not.

        Raises:
            MemoryFault: a rating cannot be kept.
        """
        self.welcome()
        how = None
        question = None
        try:
            while self.count is None or self.before + len(self.ratings) < self.count:
                question = self.left or self.deck.next(datetime.now(UTC))
                self.left = None
                if question is None:
                    break
                self.ask(question)
        except screen.Stopped as stopped:
            how = stopped.how
        except KeyboardInterrupt:
            how = screen.CTRL_C
        self.keep(question if how else None)
        self.close(how)
        return how

    def welcome(self) -> None:
        """Say what is due, and that a sitting goes on."""
        for line in agenda(self.deck, datetime.now(UTC), self.language):
            screen.say(self.out, line)
        if self.resumed:
            began = datetime.fromisoformat(self.began).astimezone()
            text = self.word["going_on"].format(
                date=f"{began:%Y-%m-%d %H:%M}", rated=self.before, new=self.new
            )
            screen.say(self.out, text)
        screen.say(self.out, self.word["quit_any_time"])

    def keep(self, question: Question | None) -> None:
        """Keep what goes on next time, from this question; None where all is done."""
        content = None
        if question is not None:
            content = {
                "began": self.began,
                "rated": self.before + len(self.ratings),
                "left": len(self.deck.new),
                "question": question.id,
            }
        self.memory.keep_sitting(self.name, content)

    def ask(self, question: Question) -> None:
        """One question with its answer and the reader's rating."""
        out, language, word = self.out, self.language, self.word
        out.print()
        out.rule(style="dim")
        screen.show_question(out, question, language)
        out.print()
        if draft := self.memory.draft(question.id):
            screen.show_dim(out, f"{word['began']}\n{draft}")
        screen.show_dim(out, word["answer_aloud"])
        started = time.monotonic()
        lines: list[str] = []
        try:
            screen.write_answer(lines, language)
            seconds = time.monotonic() - started
            problem = companion(question, self.problems)
            screen.show_answer(out, question, language, problem)
            choice = screen.choose(
                out, word["how_was_it"], word["rating"], "1234s", language
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
        when = span(card.due - datetime.now(UTC), language)
        screen.show_dim(out, word["comes_again"].format(when=when))

    def close(self, how: str | None) -> None:
        """The last lines: what was done, and what comes next."""
        word, counts = self.word, Counter(self.ratings)
        parts = [
            f"{counts[key]} {word[RATINGS[key]]}" for key in RATINGS if counts[key]
        ]
        self.out.print()
        if how:
            how = translations.translated(how, self.language)
            screen.say(self.out, word["stopped_by"].format(how=how))
        elif not self.ratings:
            screen.say(self.out, word["nothing_due"])
        detail = word["detail"].format(parts=word["comma"].join(parts))
        text = word["saved_one" if len(self.ratings) == 1 else "saved"].format(
            count=len(self.ratings),
            detail=detail if parts else "",
            path=self.memory.path,
        )
        self.out.print(text, markup=False, soft_wrap=True)


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


def table(content: Statistics, language: str = "en") -> Table:
    """The statistics as a table that fits 40 columns."""
    word = translations.in_language(language)
    shown = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    shown.add_column(word["topic"], overflow="fold")
    for heading in ("seen", "of", "due", "know"):
        shown.add_column(word[heading], justify="right")
    for topic, row in content.topics.items():
        recall = "-" if row.recall is None else f"{row.recall:.0%}"
        numbers = (str(row.seen), str(row.questions), str(row.due))
        shown.add_row(word[topic], *numbers, recall)
    return shown
