"""A generator that draws tokens with a GPT, against a GPT without a cache."""

import keras
import numpy as np
import pytest
from keras import layers
from scipy.stats import norm

from digitdreams.models.tokens import token_generator


def rows_of(x):
    spread = np.sqrt(x.var(axis=-1, keepdims=True) + 1e-3)
    return (x - x.mean(axis=-1, keepdims=True)) / spread


def logits_of(tokens, weights, heads):
    """What a GPT says of each token of one sequence, without a cache: (n, codes)."""
    table, places, *blocks, gain, shift, head, bias = weights
    x = table[tokens] + places[: len(tokens)]
    for start in range(0, len(blocks), 12):
        g, s, g2, s2, *four, wide, c, narrow, c2 = blocks[start : start + 12]
        y = rows_of(x) * g + s
        *three, output = four
        q, k, v = (np.split(y @ one, heads, axis=1) for one in three)
        for i, (query, key, value) in enumerate(zip(q, k, v, strict=True)):
            scores = np.exp(query @ key.T / np.sqrt(key.shape[1]))
            scores = np.tril(scores) / np.tril(scores).sum(axis=1, keepdims=True)
            rows = slice(i * key.shape[1], (i + 1) * key.shape[1])
            x = x + scores @ value @ output[rows]
        x = x + np.maximum((rows_of(x) * g2 + s2) @ wide + c, 0) @ narrow + c2
    return (rows_of(x) * gain + shift) @ head + bias


def small_gpt(codes=5, places=4, width=6, hidden=7, depth=2):
    rng = np.random.default_rng(3)
    block = [*[(width,)] * 4, *[(width, width)] * 4]
    block += [(width, hidden), (hidden,), (hidden, width), (width,)]
    shapes = [(codes + 11, width), (places, width), *block * depth]
    shapes += [(width,), (width,), (width, codes), (codes,)]
    return [rng.normal(size=shape).astype("float32") for shape in shapes]


def test_a_generator_of_tokens_draws_as_a_gpt_without_a_cache_does(tmp_path):
    weights, rng = small_gpt(), np.random.default_rng(4)
    noise, labels = rng.normal(size=(6, 4)).astype("float32"), np.arange(6) + 2
    vectors = keras.Input((2, 2, 1))
    decoder = keras.Model(vectors, layers.UpSampling2D(14)(vectors))
    book = np.arange(5)[:, None] / 4
    generator = token_generator(
        weights, 2, book, decoder, temperature=0.5, guidance=0.5
    )
    file = tmp_path / "tokens.keras"
    generator.save(file)
    images = keras.models.load_model(file)([noise, labels])
    drawn = np.log(images / (1 - images))[:, ::14, ::14].reshape(6, 4) * 4
    written = drawn.round().astype(int)
    for label, row, level in zip(labels, written, norm.cdf(noise), strict=True):
        told, untold = (
            logits_of(np.concatenate([[5 + first], row[:-1]]), weights, 2)
            for first in (label, 10)
        )
        logits = 1.5 * told - 0.5 * untold
        chances = np.exp(2 * (logits - logits.max(axis=1, keepdims=True)))
        reached = np.cumsum(chances / chances.sum(axis=1, keepdims=True), axis=1)
        assert row.tolist() == np.sum(reached < np.c_[level], axis=1).tolist()


def test_a_generator_of_tokens_names_weights_that_are_not_a_gpts():
    with pytest.raises(ValueError, match="not those of a GPT: give two tables"):
        token_generator(small_gpt()[:-1], 2, np.zeros((5, 1)), keras.Sequential())
