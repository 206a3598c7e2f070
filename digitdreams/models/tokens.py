"""What lesson 12 on tokens needs beside its models: patches, networks, its file."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import ArrayLike

from digitdreams.models.parts import Tensor

EPSILON = 1e-3  # of layer normalisation, as Keras has it
LABELS = 11  # the last one means "no label"
CHANNELS = 32  # of the encoder
WIDTH = 64  # of the decoder
STRIDE = 4  # pixels of a patch's side


def by_k_means(
    images: np.ndarray, side: int, codes: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Cluster the patches of images; return the clusters' numbers and the copies.

    Images (n, 28, 28, 1) are cut into side x side patches, where side divides 28. The
    numbers of the `codes` clusters, of k-means on batches, are int32 (n, side, side);
    the copies, float32 (n, 28, 28, 1), show each patch's cluster centre.
    """
    from sklearn.cluster import MiniBatchKMeans

    size = images.shape[1] // side
    cut = images.reshape(-1, side, size, side, size).swapaxes(2, 3)
    clusters = MiniBatchKMeans(codes, n_init=1, random_state=seed)
    numbers = clusters.fit_predict(cut.reshape(-1, size * size))
    centres = clusters.cluster_centers_[numbers].astype("float32")
    copies = centres.reshape(-1, side, side, size, size).swapaxes(2, 3)
    return numbers.reshape(-1, side, side), copies.reshape(images.shape)


def build_encoder(code_size: int) -> keras.Model:
    """Return a network from images (n, 28, 28, 1) to vectors (n, 7, 7, code_size)."""
    images = keras.Input((28, 28, 1))
    x = layers.Conv2D(CHANNELS, STRIDE, strides=STRIDE, activation="relu")(images)
    x = layers.Conv2D(CHANNELS, 3, padding="same", activation="relu")(x)
    return keras.Model(images, layers.Dense(code_size)(x))


def build_decoder(code_size: int) -> keras.Model:
    """Return a network from vectors (n, 7, 7, code_size) to logits (n, 28, 28, 1)."""
    vectors = keras.Input((7, 7, code_size))
    x = layers.Conv2D(WIDTH, 3, padding="same", activation="relu")(vectors)
    x = layers.Dense(WIDTH, activation="relu")(x)
    return keras.Model(vectors, layers.Conv2DTranspose(1, STRIDE, strides=STRIDE)(x))


def perplexity(counts: Tensor) -> Tensor:
    """Return exp of the entropy of shares: 1 to codes. `counts` (codes,), 0 or more."""
    shares = ops.cast(counts, "float32") / ops.cast(ops.sum(counts), "float32")
    return ops.exp(-ops.sum(shares * ops.log(shares + EPSILON**3)))


@keras.saving.register_keras_serializable("digitdreams")
class TokenByToken(layers.Layer):
    """Draws the tokens of images with a GPT, one after the other, with a KV cache.

    Called on noise (n, places) from N(0, I) and labels (n,): the noise of a place,
    through the normal distribution function, decides its token: the first at which the
    sum of the probabilities reaches it. Returns tokens (n, places). The label is the
    first input, as token `codes` + label; each block is attention and two dense layers,
    both on normalised inputs and both added to what they got.

    Args:
        codes, places, width, heads, depth, hidden: numbers of codes, tokens of an
            image, units of a place, heads, blocks, and units between the dense layers.
        temperature: logits are divided by it, above 0.
        guidance: how much the label counts beyond what it does, 0 or more: this many
            times the difference of the logits with and without it is added. Source: Ho
            and Salimans (2022), "Classifier-free diffusion guidance".
    """

    def __init__(
        self,
        codes: int,
        places: int,
        width: int,
        heads: int,
        depth: int,
        hidden: int,
        temperature: float = 1.0,
        guidance: float = 0.0,
        **options: Any,
    ):
        super().__init__(**options)
        self.sizes = {
            "codes": codes,
            "places": places,
            "width": width,
            "heads": heads,
            "depth": depth,
            "hidden": hidden,
        }
        self.temperature, self.guidance = temperature, guidance
        block = [*[(width,)] * 4, *[(width, width)] * 4]
        block += [(width, hidden), (hidden,), (hidden, width), (width,)]
        shapes = [(codes + LABELS, width), (places, width), *block * depth]
        shapes += [(width,), (width,), (width, codes), (codes,)]
        self.parts = [
            self.add_weight(shape, "zeros", trainable=False) for shape in shapes
        ]

    def call(self, inputs: Sequence[Tensor]) -> Tensor:
        noise, labels = inputs
        places, heads = self.sizes["places"], self.sizes["heads"]
        size = self.sizes["width"] // heads
        token_table, place_table, *blocks, gain, shift, head, bias = self.parts
        levels = 0.5 + 0.5 * ops.erf(noise / 2**0.5)
        numbers = np.arange(places, dtype="int32")
        room = ops.zeros((2 * self.sizes["depth"], 1, heads, places, size))
        both = ops.concatenate([levels, levels])  # with the label, and without
        room = room + ops.zeros_like(both)[:, :1, None, None]

        def step(
            place: Tensor, token: Tensor, memory: Tensor, written: Tensor
        ) -> tuple[Tensor, ...]:
            x = ops.take(token_table, token, axis=0) + place_table[place]
            new = (numbers == place)[:, None]
            kept: list[Tensor] = []
            for start in range(0, len(blocks), 12):
                g, s, g2, s2, q, k, v, o, wide, c, narrow, c2 = blocks[
                    start : start + 12
                ]
                y = normalised(x, g, s)
                query, *pair = (
                    ops.reshape(ops.matmul(y, one), (-1, heads, 1, size))
                    for one in (q, k, v)
                )
                keys, values = (
                    ops.where(new, one, memory[len(kept) + i])
                    for i, one in enumerate(pair)
                )
                kept += [keys, values]
                scores = ops.sum(query * keys, axis=-1) / size**0.5
                chances = ops.softmax(ops.where(numbers <= place, scores, -1e9))
                mixed = ops.sum(chances[..., None] * values, axis=2)
                x = x + ops.matmul(ops.reshape(mixed, ops.shape(x)), o)
                y = ops.relu(ops.matmul(normalised(x, g2, s2), wide) + c)
                x = x + ops.matmul(y, narrow) + c2
            told, untold = ops.split(
                ops.matmul(normalised(x, gain, shift), head) + bias, 2
            )
            logits = told + self.guidance * (told - untold)
            reached = ops.cumsum(ops.softmax(logits / self.temperature), axis=-1)
            level = ops.take(levels, place, axis=1)[:, None]
            below = ops.cast(reached < level * reached[:, -1:], "int32")
            token = ops.sum(below, axis=-1)
            written = ops.where(numbers == place, token[:, None], written)
            token = ops.concatenate([token, token])
            return place + 1, token, ops.stack(kept), written

        labels = ops.cast(labels, "int32")
        free = ops.full_like(labels, LABELS - 1)
        first = ops.concatenate([labels, free]) + self.sizes["codes"]
        written = ops.cast(ops.zeros_like(levels), "int32")
        start = ops.convert_to_tensor(0, "int32"), first, room, written
        return ops.while_loop(lambda place, *_: place < places, step, start)[-1]

    def compute_output_spec(self, inputs: Sequence[Tensor]) -> keras.KerasTensor:
        return keras.KerasTensor(inputs[0].shape, "int32")

    def get_config(self) -> dict[str, Any]:
        own = {"temperature": self.temperature, "guidance": self.guidance}
        return {**super().get_config(), **self.sizes, **own}


def normalised(x: Tensor, gain: Tensor, shift: Tensor) -> Tensor:
    """Return x with mean 0 and variance 1 over its last axis, times gain plus shift."""
    x = x - ops.mean(x, axis=-1, keepdims=True)
    spread = ops.mean(ops.square(x), axis=-1, keepdims=True)
    return x / ops.sqrt(spread + EPSILON) * gain + shift


def token_generator(
    weights: Sequence[ArrayLike],
    heads: int,
    book: ArrayLike,
    decoder: keras.Model,
    temperature: float = 1.0,
    guidance: float = 0.0,
) -> keras.Model:
    """Return a generator: noise (n, places) and labels (n,) to images (n, 28, 28, 1).

    Args:
        weights: of a GPT with `heads` heads: the tables of tokens and of places; for
            each block gain and shift before attention and before the dense layers, the
            kernels of queries, keys, values and output, kernel and bias of two dense
            layers; at the end gain, shift, kernel and bias.
        book: the vectors of the codes, (codes, size).
        decoder: maps vectors (n, side, side, size) to logits of images.
        temperature: logits of tokens are divided by it, above 0.
        guidance: how much the label counts beyond what it does, 0 or more.

    Raises:
        ValueError: the weights are not those of such a GPT.
    """
    codes = np.shape(weights[-1])[0]
    places, width = np.shape(weights[1])
    depth, rest = divmod(len(weights) - 6, 12)
    if rest or depth < 1 or np.shape(weights[0]) != (codes + LABELS, width):
        raise ValueError(
            "weights are not those of a GPT: give two tables, 12 arrays for each "
            "block, and 4 at the end"
        )
    hidden = np.shape(weights[10])[1]
    sizes = codes, places, width, heads, depth, hidden
    drawn = TokenByToken(*sizes, temperature, guidance)
    drawn.set_weights(list(map(np.asarray, weights)))
    side = round(places**0.5)
    table = layers.Embedding(*np.shape(book), trainable=False)
    noise, labels = keras.Input((places,)), keras.Input((), dtype="int32")
    tokens = layers.Reshape((side, side))(drawn([noise, labels]))
    images = layers.Activation("sigmoid")(decoder(table(tokens)))
    table.set_weights([np.asarray(book)])
    return keras.Model([noise, labels], images)
