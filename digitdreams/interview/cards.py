"""The bank as a deck for Anki, one subdeck for each language.

A note's guid follows from the question's id and the language, and the numbers of decks
and note type are fixed, so that importing a newer export updates the cards and keeps
what the reader has learnt.
"""

import io
from collections.abc import Sequence
from pathlib import Path

import genanki

from digitdreams import files
from digitdreams.interview import formula, screen, translations
from digitdreams.interview.bank import LANGUAGES, Question

DECKS = {
    "en": (1764900001, "Digit Dreams::English"),
    "zh": (1764900002, "Digit Dreams::中文"),
}
MODEL = 1764900000
FIELDS = (
    "Id",
    "Question",
    "Short",
    "Answer",
    "FollowUps",
    "Wrong",
    "Sources",
    "Lesson",
)
FRONT = '<div class="question">{{Question}}</div>'
BACK = """{{FrontSide}}
<hr id="answer">
<div class="short">{{Short}}</div>
{{Answer}}
{{FollowUps}}
{{Wrong}}
<div class="sources">{{Sources}}{{#Lesson}}<br>{{Lesson}}{{/Lesson}}</div>
"""
STYLE = """.card { font: 18px/1.5 sans-serif; text-align: left; }
.card { max-width: 40em; margin: 1em auto; }
.short { font-weight: bold; } .sources { font-size: 13px; opacity: .7; }
h4 { margin-bottom: 0; } pre { white-space: pre-wrap; }
"""


def model() -> genanki.Model:
    """The note type."""
    return genanki.Model(
        MODEL,
        "Digit Dreams question",
        fields=[{"name": name} for name in FIELDS],
        templates=[{"name": "Answer", "qfmt": FRONT, "afmt": BACK}],
        css=STYLE,
        sort_field_index=0,
    )


def listed(title: str, rows: Sequence[str]) -> str:
    """A heading and rows of HTML; empty where there are none."""
    items = "".join(f"<li>{row}</li>" for row in rows)
    return f"<h4>{title}</h4><ul>{items}</ul>" if rows else ""


def bare(markdown: str) -> str:
    """HTML of one paragraph, without its tags."""
    return formula.for_anki(markdown).removeprefix("<p>").removesuffix("</p>")


def note(question: Question, language: str, kind: genanki.Model) -> genanki.Note:
    """One question in one language."""
    word = translations.in_language(language)
    replies = [
        f"<i>{bare(asked.question.in_language(language))}</i> "
        f"{bare(asked.reply.in_language(language))}"
        for asked in question.follow_ups
    ]
    points = [bare(point.in_language(language)) for point in question.rubric]
    mistakes = [bare(screen.wrong_line(wrong, language)) for wrong in question.wrong]
    fields = [
        question.id,
        formula.for_anki(question.question.in_language(language)),
        formula.for_anki(question.short.in_language(language)),
        formula.for_anki(question.answer.in_language(language))
        + listed(word["rubric"], points),
        listed(word["follow_ups"], replies),
        listed(word["wrong"], mistakes),
        "<br>".join(formula.escaped(source) for source in question.sources),
        question.lesson or "",
    ]
    return genanki.Note(
        model=kind,
        fields=fields,
        tags=[question.topic, question.level, question.kind.replace(" ", "_")],
        guid=genanki.guid_for("digitdreams", question.id, language),
    )


def write(
    questions: Sequence[Question], path: Path, languages: Sequence[str] = LANGUAGES
) -> int:
    """Write the deck, whole or not at all; return the number of notes.

    Raises:
        OSError: the file cannot be written.
    """
    kind = model()
    decks = []
    for language in languages:
        number, name = DECKS[language]
        deck = genanki.Deck(number, name)
        for question in questions:
            deck.add_note(note(question, language, kind))
        decks.append(deck)
    content = io.BytesIO()
    genanki.Package(decks).write_to_file(content)
    files.write_atomically(path, content.getvalue())
    return sum(len(deck.notes) for deck in decks)
