"""Pretrained models of language, from installed packages alone: nothing is downloaded.

    from digitdreams import pretrained

    pretrained.universal().encode(["eine dicke Sieben"])        # (1, 512)
    pretrained.smollm2().generate("The capital of France is")

docs/pretrained.md has sizes, licences and how to install them.
"""

from digitdreams.pretrained.found import ModelMissing
from digitdreams.pretrained.sentences import (
    MiniLM,
    UniversalSentenceEncoder,
    minilm,
    universal,
)
from digitdreams.pretrained.smollm import Reading, SmolLM2, smollm2
from digitdreams.pretrained.vectors import WordVectors, glove

__all__ = [
    "MiniLM",
    "ModelMissing",
    "Reading",
    "SmolLM2",
    "UniversalSentenceEncoder",
    "WordVectors",
    "glove",
    "minilm",
    "smollm2",
    "universal",
]
