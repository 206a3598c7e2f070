"""How far the answers of a task are from each other, in tolerances."""

from itertools import combinations

from digitdreams import checks

FAR = 100  # between two different answers, at least
NEAR = 0.1  # between the same answer on two processors, at most


def within(share: float, rule: dict, one: list, other: list) -> bool:
    """Whether the results of two answers agree in this many tolerances, at every case.

    Results that differ in kind (shape, type, exception, whole numbers) never do.
    """
    rule = {**rule, "tolerance": share * rule["tolerance"]}
    return all(
        checks.matches(mine, theirs, rule)
        for mine, theirs in zip(one, other, strict=True)
    )


def recorded(stored: dict) -> dict[str, list]:
    """The results that a checks.json holds for a task: "right" and each message."""
    results = {one["message"]: one["results"] for one in stored["wrong"]}
    results = {"right": stored["expected"], **results}
    return {
        name: [checks.decode(one) for one in found] for name, found in results.items()
    }


def too_close(stored: dict) -> list[tuple[str, str]]:
    """The pairs of different answers between which other rounding could decide."""
    return [
        (one, other)
        for (one, mine), (other, theirs) in combinations(recorded(stored).items(), 2)
        if within(FAR, stored, mine, theirs)
    ]
