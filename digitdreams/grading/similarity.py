"""Which submissions share text that the others do not: for a person to look at.

Overlapping runs of tokens are compared as in Schleimer, Wilkerson and Aiken,
"Winnowing", 2003, without the thinning out, which notebooks are too small to need.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations, islice

TOKEN = re.compile(r"[^\W\d]\w*|\d+(?:\.\d+)?|[^\s\w]")
RUN = 6  # tokens of one shingle
MOST = 20_000  # tokens of one submission that are compared: exercises have hundreds
LONGEST = 500_000  # characters of it
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
    """All runs of `RUN` tokens, names and comments included; of the first `MOST`."""
    found = TOKEN.finditer(text[:LONGEST])
    tokens = [token.group()[:SAMPLE] for token in islice(found, MOST)]
    return [tuple(tokens[i : i + RUN]) for i in range(len(tokens) - RUN + 1)]


def longest_shared(
    run_of_first: list[tuple[str, ...]], shared: set[tuple[str, ...]]
) -> str:
    best, start = range(0), 0  # places of shingles
    for place, shingle in enumerate(run_of_first):
        if shingle not in shared:
            start = place + 1
        elif place + 1 - start > len(best):
            best = range(start, place + 1)
    if not best:
        return ""
    first, *rest = (run_of_first[place] for place in best[:SAMPLE])
    return " ".join([*first, *(shingle[-1] for shingle in rest)])[:SAMPLE]


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
