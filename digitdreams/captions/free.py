"""Requests written by hand, with what they ask for: to measure, never to tune on."""

import functools
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import yaml

from digitdreams.captions.fields import NAMES, Fields

FILE = Path(__file__).with_name("requests.yaml")


class RequestsError(RuntimeError):
    """The file of requests is missing or damaged; the message says what to do."""


class Requests(NamedTuple):
    """Sentences, what they ask for, and which describe the digit: bool (n,)."""

    texts: list[str]
    asked: Fields
    riddle: npt.NDArray[np.bool_]


def requests(language: str) -> Requests:
    """Return the free requests in "en" or "zh", some sixty each.

    They are held out: no template, prompt or recipe may be chosen by them.

    Raises:
        ValueError: there are none in this language.
        RequestsError: the file is missing or damaged.
    """
    found = _load(FILE)
    if language not in found:
        raise ValueError(f"no requests in {language!r}; there are {', '.join(found)}")
    return found[language]


@functools.lru_cache(maxsize=2)
def _load(path: Path) -> dict[str, Requests]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        return {language: _requests(rows) for language, rows in content.items()}
    except (OSError, yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
        raise RequestsError(
            f"The requests {path} are missing or damaged ({error}). Restore them with "
            "`git checkout -- digitdreams`."
        ) from error


def _requests(rows: list[dict[str, str]]) -> Requests:
    texts = [row["text"] for row in rows]
    twice = [text for text, times in Counter(texts).items() if times > 1]
    if twice:
        raise KeyError(f"{twice[0]!r} is there twice")
    asked = Fields.of(
        {name: row[name] for name in NAMES if name in row} for row in rows
    )
    riddle = np.array([bool(row.get("riddle")) for row in rows])
    return Requests(texts, asked, riddle)
