"""Which submissions share text that the others do not: for a person to look at.

Overlapping runs of tokens are compared as in Schleimer, Wilkerson and Aiken,
"Winnowing", 2003, without the thinning out, which notebooks are too small to need.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

TOKEN = re.compile(r"[^\W\d]\w*|\d+(?:\.\d+)?|[^\s\w]")
RUN = 6  # tokens of one shingle
LEAST = 15  # shared shingles from which two submissions are worth a look
SHARE = 0.5  # of the smaller one's own shingles
SAMPLE = 160  # characters of the longest shared piece


@dataclass(frozen=True)
class Pair:
    """Two submissions that share uncommon text; no verdict.

    Attributes:
        share: of the smaller one's own text, from 0 to 1.
        shared: how many runs of tokens both have.
        sample: a piece that both contain, as tokens with single spaces.
    """

    first: str
    second: str
    share: float
    shared: int
    sample: str


def shingles(text: str) -> list[tuple[str, ...]]:
    """All runs of `RUN` tokens, names and comments included."""
    tokens = TOKEN.findall(text)
    return [tuple(tokens[i : i + RUN]) for i in range(len(tokens) - RUN + 1)]


def longest_shared(
    run_of_first: list[tuple[str, ...]], shared: set[tuple[str, ...]]
) -> str:
    best: list[str] = []
    piece: list[str] = []
    for shingle in run_of_first:
        if shingle in shared:
            piece = [*piece, shingle[-1]] if piece else list(shingle)
            best = max(best, piece, key=len)
        else:
            piece = []
    return " ".join(best)[:SAMPLE]


def pairs(texts: dict[str, str], known: Iterable[str], most: int = 30) -> list[Pair]:
    """Find the pairs of submissions that are most alike.

    What the exercise or its solution contains does not count, nor what many
    students wrote: short right answers are alike by themselves.

    Args:
        texts: each student's code and text.
        known: texts that everybody was given, and right answers.
        most: how many pairs to return.

    Returns:
        The pairs, the most alike first.
    """
    given = {shingle for text in known for shingle in shingles(text)}
    runs = {student: shingles(text) for student, text in texts.items()}
    seen = Counter(shingle for run in runs.values() for shingle in set(run) - given)
    common = max(4, min(30, len(texts) // 5))
    own = {
        student: {
            shingle
            for shingle in run
            if shingle not in given and seen[shingle] <= common
        }
        for student, run in runs.items()
    }
    owners: dict[tuple[str, ...], list[str]] = {}
    for student in sorted(own):
        for shingle in own[student]:
            owners.setdefault(shingle, []).append(student)
    shared = Counter(
        pair for those in owners.values() for pair in combinations(those, 2)
    )
    found = []
    for (first, second), count in shared.items():
        share = count / min(len(own[first]), len(own[second]))
        if count >= LEAST and share >= SHARE:
            both = own[first] & own[second]
            sample = longest_shared(runs[first], both)
            found.append(Pair(first, second, share, count, sample))
    found.sort(key=lambda pair: (-pair.share, -pair.shared, pair.first, pair.second))
    return found[:most]
