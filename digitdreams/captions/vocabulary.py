"""The form of a language's words and templates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Words = Sequence[str]
ByClass = Sequence[Words]  # a list of words for each of three classes, or ten digits


@dataclass(frozen=True)
class Templates:
    """One split of a language's templates.

    Attributes:
        phrases: name a digit, and thickness and slant or not; they fill the slot `x`.
        tags: captions that are a list of words.
        captions: short frames, with a slot `x`.
        requests: frames that ask for something.
        sentences: whole requests.
        distractors: frames that hold what must not be followed.
        distracting: whole sentences of that kind.
        riddles: sentences that describe the digit in a slot `riddle`.
    """

    phrases: Words
    captions: Words
    requests: Words
    tags: Words = ()
    sentences: Words = ()
    distractors: Words = ()
    distracting: Words = ()
    riddles: Words = ()


@dataclass(frozen=True)
class Vocabulary:
    """The words of a language for each slot, and its templates.

    Attributes:
        digits: ways to write each digit, the word first.
        counts: numbers above one, as they count things.
        thickness: slot -> words for thin, medium and thick.
        slant: slot -> words for leaning left, upright and leaning right.
        templates: "train" and "unseen".
        riddles: the same -> descriptions of each digit.
        neutral: words that hold a digit's name and mean none.
        spaced: whether words stand apart.
        articles: whether "a" becomes "an" before a vowel.
    """

    digits: ByClass
    thickness: Mapping[str, ByClass]
    slant: Mapping[str, ByClass]
    templates: Mapping[str, Templates]
    counts: Words = ()
    riddles: Mapping[str, ByClass] = field(default_factory=dict)
    neutral: Words = ()
    spaced: bool = True
    articles: bool = False


def arithmetic(
    names: Words,
    after: Words = (),
    before: Words = (),
    sums: Words = (),
    differences: Words = (),
    products: Words = (),
    halves: Words = (),
) -> list[list[str]]:
    """Describe each digit by small sums, with the names of the numbers in slots.

    Every argument holds forms such as `{a} plus {b}`, whose result is the digit. Sums
    and products have terms of at least two.
    """
    found: list[list[str]] = [[] for _ in range(10)]
    for digit in range(10):
        cases = [(after, digit - 1, 0), (before, digit + 1, 0), (halves, 2 * digit, 0)]
        cases += [(sums, a, digit - a) for a in range(2, digit - 1)]
        cases += [(differences, a, a - digit) for a in range(digit + 2, 10)]
        cases += [(products, a, digit // a) for a in range(2, digit) if digit % a == 0]
        for forms, a, b in cases:
            if 0 <= a < 10:
                found[digit] += [one.format(a=names[a], b=names[b]) for one in forms]
    return found
