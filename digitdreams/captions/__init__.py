"""Captions for MNIST: what a digit looks like, in words, from what was measured on it.

    from digitdreams import captions

    fields = captions.of_split("train")               # digit, thickness, slant
    texts, asked = captions.write(fields, "en")        # "a thick seven leaning left"
    captions.agreement(images, asked).rates()          # is it right?

Thickness and slant are measured (`digitdreams.attributes`), so what a sentence says of
an image is known, and whether an image shows what a sentence asks for can be measured.
docs/captions.md is the datasheet.
"""

from digitdreams.captions.fields import (
    SLANT,
    THICKNESS,
    UNSAID,
    UNSEEN,
    Fields,
    classify,
    cuts,
    is_unseen,
    of_split,
)
from digitdreams.captions.free import Requests, RequestsError, requests
from digitdreams.captions.grammar import (
    KINDS,
    LANGUAGES,
    Captions,
    read,
    templates,
    write,
)
from digitdreams.captions.judging import Agreement, agreement, compare, seen
from digitdreams.captions.pairs import Scenes, binding, scenes, write_scenes
from digitdreams.captions.stored import MeasurementsError, measured

__all__ = [
    "KINDS",
    "LANGUAGES",
    "SLANT",
    "THICKNESS",
    "UNSAID",
    "UNSEEN",
    "Agreement",
    "Captions",
    "Fields",
    "MeasurementsError",
    "Requests",
    "RequestsError",
    "Scenes",
    "agreement",
    "binding",
    "classify",
    "compare",
    "cuts",
    "is_unseen",
    "measured",
    "of_split",
    "read",
    "requests",
    "scenes",
    "seen",
    "templates",
    "write",
    "write_scenes",
]
