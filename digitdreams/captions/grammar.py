"""From fields to sentences and back, in several languages.

A template is a sentence with slots, such as `a {thick} {digit} {leaning}`. Each
language has a list of words for every slot and two sets of templates: those that
training may show, and unseen ones, which share no frame and no phrase with them but are
filled with the same words.
"""

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from digitdreams.captions import chinese, english, others
from digitdreams.captions.fields import NAMES, UNSAID, Fields
from digitdreams.captions.vocabulary import Templates, Vocabulary

LANGUAGES: Mapping[str, Vocabulary] = {
    "en": english.VOCABULARY,
    "zh": chinese.VOCABULARY,
    **others.VOCABULARIES,
}
KINDS = ("caption", "request", "distractor")  # of these a sentence is drawn
ALL_KINDS = (*KINDS, "riddle", "phrase")
SPLITS = ("train", "unseen")

# An English article before a vowel, as it sounds: an eight, a one.
ARTICLE = re.compile(r"\b([Aa]) (?=(?!one\b)[aeiou8])")
SLOT = re.compile(r"\{(\w+)\}")
PLACES = 8  # random numbers for one sentence; no template has more slots


class Captions(NamedTuple):
    """Sentences, and what each of them asks for."""

    texts: list[str]
    asked: Fields


@dataclass(frozen=True)
class Template:
    """A template in pieces: text, slot, text, slot, text."""

    text: str
    pieces: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "pieces", tuple(SLOT.split(self.text)))

    @property
    def slots(self) -> tuple[str, ...]:
        return self.pieces[1::2]


def templates(
    language: str,
    split: str = "train",
    kinds: str | Sequence[str] = (*KINDS, "riddle"),
) -> list[str]:
    """Return the templates of a language, with their slots in braces.

    Args:
        language: "en" or "zh"; "de", "es", "fr" or "tr" with the split "unseen".
        split: "train", or "unseen" for those that no training sentence uses.
        kinds: "caption" (short), "request", "distractor" (holds numbers or words that
            must not be followed), "riddle" (describes the digit) and "phrase" (fits
            into another sentence).

    Raises:
        ValueError: a language, split or kind that there is none of.
    """
    wanted = _checked(kinds, ALL_KINDS, "kind")
    pools = _pools(language, split)
    return [
        one.text for (kind, _), pool in pools.items() if kind in wanted for one in pool
    ]


def write(
    fields: Fields,
    languages: str | Sequence[str] = "en",
    split: str = "train",
    kinds: str | Sequence[str] = KINDS,
    complete: bool = True,
    seed: int = 0,
) -> Captions:
    """Write one sentence for each row of the fields.

    Args:
        fields: what to say of n digits; what is UNSAID is not named.
        languages: one of `templates`, or several to choose from for each row.
        split: "train" or "unseen" templates.
        kinds: kinds of templates to choose from, see `templates`.
        complete: whether a sentence names all that is said. Otherwise it names
            thickness and slant with a probability of one half each.
        seed: the same seed gives the same sentences.

    Returns:
        n sentences, and the fields that each of them names. About 15 microseconds a
        sentence.

    Raises:
        ValueError: a language, split or kind that there is none of; a row without a
            digit.
    """
    if (fields.digit == UNSAID).any():
        raise ValueError("every sentence names a digit: give each row one, 0 to 9")
    languages = _checked(languages, tuple(LANGUAGES), "language")
    kinds = _checked(kinds, ALL_KINDS, "kind")
    random = np.random.default_rng(seed)
    count = len(fields)
    chosen = fields.table()
    if not complete:
        chosen[:, 1:][random.random((count, 2)) < 0.5] = UNSAID
    language = random.integers(len(languages), size=count).tolist()
    kind = random.integers(len(kinds), size=count).tolist()
    numbers = random.integers(2**31, size=(count, PLACES + 1)).tolist()

    pools = [_pools(one, split) for one in languages]
    texts = []
    for row, asked in enumerate(chosen.tolist()):
        named = (asked[1] != UNSAID, asked[2] != UNSAID)
        pool = pools[language[row]].get((kinds[kind[row]], named))
        if not pool:
            raise ValueError(
                f"{languages[language[row]]!r} has no template of the kind "
                f"{kinds[kind[row]]!r}"
            )
        place, *drawn = numbers[row]
        vocabulary = LANGUAGES[languages[language[row]]]
        texts.append(_fill(pool[place % len(pool)], vocabulary, split, asked, drawn))
    return Captions(texts, Fields(*chosen.T))


def read(texts: Sequence[str], language: str = "en") -> Fields:
    """Return what sentences name, found by the words of the slots alone.

    The inverse of `write` for captions and requests. A field that a sentence does not
    name, or for which it holds words of two classes, is UNSAID; so distractors and
    riddles are beyond it.

    Raises:
        ValueError: there is no such language.
    """
    _checked(language, tuple(LANGUAGES), "language")
    words, meaning = _lexicon(language)
    rows = []
    for text in texts:
        found: dict[str, set[int]] = {name: set() for name in NAMES}
        for match in words.finditer(text.lower()):
            for name, value in meaning[match[0]]:
                found[name].add(value)
        one = [min(seen) if len(seen) == 1 else UNSAID for seen in found.values()]
        rows.append(one)
    return Fields(*np.array(rows, "int32").reshape(-1, 3).T)


def _fill(
    template: Template,
    vocabulary: Vocabulary,
    split: str,
    asked: list[int],
    drawn: list[int],
) -> str:
    digit, thickness, slant = asked
    parts = list(template.pieces)
    for at in range(1, len(parts), 2):
        slot, number = parts[at], drawn[at // 2]
        options: Sequence[str]
        if slot == "digit":
            options = vocabulary.digits[digit]
        elif slot in vocabulary.thickness:
            options = vocabulary.thickness[slot][thickness]
        elif slot in vocabulary.slant:
            options = vocabulary.slant[slot][slant]
        elif slot == "riddle":
            options = vocabulary.riddles[split][digit]
        elif slot == "other":  # a digit that is not the one asked for
            options = vocabulary.digits[(digit + 1 + number % 9) % 10][:1]
        elif slot == "unthick":  # a thickness that is not the one asked for
            options = vocabulary.thickness["thick"][(thickness + 1 + number % 2) % 3]
        elif slot == "unlean":
            options = vocabulary.slant["lean"][(slant + 1 + number % 2) % 3]
        else:  # any number from two to nine, which means nothing
            options = vocabulary.counts
        parts[at] = options[number % len(options)]
    text = "".join(parts)
    return ARTICLE.sub(r"\1n ", text) if vocabulary.articles else text


Pools = dict[tuple[str, tuple[bool, bool]], list[Template]]


@functools.cache
def _pools(language: str, split: str) -> Pools:
    """The templates by kind and by whether they name thickness and slant."""
    _checked(language, tuple(LANGUAGES), "language")
    _checked(split, SPLITS, "split")
    vocabulary = LANGUAGES[language]
    if split not in vocabulary.templates:
        raise ValueError(f"{language!r} has unseen templates only: split='unseen'")
    found: Pools = {}
    for kind, text in _sentences(vocabulary.templates[split]):
        template = Template(text)
        slots = set(template.slots)
        named = (
            bool(slots & {*vocabulary.thickness}),
            bool(slots & {*vocabulary.slant}),
        )
        found.setdefault((kind, named), []).append(template)
    return found


def _sentences(parts: Templates) -> Iterator[tuple[str, str]]:
    """Each frame around each phrase, and the sentences that need no frame."""
    frames = (parts.captions, parts.requests, parts.distractors)
    for kind, around in zip(KINDS, frames, strict=True):
        for frame in around:
            for phrase in parts.phrases:
                yield kind, frame.replace("{x}", phrase)
    for text in parts.tags:
        yield "caption", text
    for text in parts.sentences:
        yield "request", text
    for text in parts.distracting:
        yield "distractor", text
    for text in parts.riddles:
        yield "riddle", text
    for phrase in parts.phrases:
        if not set(phrase) & set(",，、"):
            yield "phrase", phrase


@functools.cache
def _lexicon(language: str) -> tuple[re.Pattern[str], dict[str, Any]]:
    """A pattern of all words with a meaning, the longest first, and what they mean."""
    vocabulary = LANGUAGES[language]
    meaning: dict[str, set[tuple[str, int]]] = {
        one: set() for one in vocabulary.neutral
    }
    slots = [("digit", vocabulary.digits)]
    slots += [("thickness", one) for one in vocabulary.thickness.values()]
    slots += [("slant", one) for one in vocabulary.slant.values()]
    for name, classes in slots:
        for value, words in enumerate(classes):
            for word in words:
                meaning.setdefault(word.lower(), set()).add((name, value))
    longest_first = sorted(meaning, key=len, reverse=True)
    alternatives = "|".join(map(re.escape, longest_first))
    # Chinese puts no space between words.
    edges = r"\b(?:{})\b" if vocabulary.spaced else "{}"
    return re.compile(edges.format(alternatives)), meaning


def _checked(
    given: str | Sequence[str], known: Sequence[str], what: str
) -> tuple[str, ...]:
    names = (given,) if isinstance(given, str) else tuple(given)
    for name in names or ("nothing",):
        if name not in known:
            raise ValueError(f"no {what} {name!r}; there are {', '.join(known)}")
    return names
