# %% [markdown]
# # Exercise 12: write a picture token by token
#
# You write four functions of a tokeniser and a small GPT and repair three
# programs. Mistakes like these were made in public code: masks with the wrong
# polarity, targets that are not shifted, caches that forget the position.
# `check` says whether a function is right, and often which mistake is left;
# `hint` helps, a little more each time.
#
# Similar mistakes stand alone in short programs with a check: `digitdreams
# problems list --hunts --topic autoregressive` in a terminal lists them.

# %%
from digitdreams import course
from digitdreams.checks import check, hint

seed = course.start("12", exercise=True)

# %%
hint("nearest_code")

# %% [markdown]
# Use `keras.ops`: it works like NumPy, gradients pass through it, and the
# training compiles your functions.

# %%
import keras
import numpy as np
from keras import layers, ops

# %% [markdown]
# ## Task 1: the nearest code
#
# Return the number of the nearest vector of the codebook for each vector:
# vectors (batch, places, size) and book (codes, size) become whole numbers
# (batch, places). As in the lesson, $\|z - e\|^2 = \|z\|^2 - 2\,z \cdot e +
# \|e\|^2$ needs no loop. See
# [ops.argmin](https://keras.io/api/ops/numpy/).


# %% task="nearest_code"
def nearest_code(vectors, book):
    """Return the number of the nearest code of each vector."""
    ### BEGIN SOLUTION
    lengths = ops.sum(ops.square(book), axis=1)
    products = ops.matmul(vectors, ops.transpose(book))
    return ops.argmin(lengths - 2 * products, axis=-1)
    ### END SOLUTION


# %% check="nearest_code"
check(nearest_code)

# %% [markdown]
# ## Task 2: find the bugs, the loss of a VQ-VAE
#
# With this loss the error stays high, and the encoder learns nothing:
#
# ```python
# def vq_loss(found, chosen, target, decoder):
#     passed = found + (chosen - found)
#     error = ops.sum(ops.square(target - ops.matmul(passed, decoder)))
#     commitment = ops.sum(ops.square(ops.stop_gradient(found) - chosen))
#     return error + 0.25 * commitment
# ```
#
# `found` is what the encoder found, `chosen` the nearest codes, and the
# decoder a matrix, to keep the program short. Three things are wrong. The
# gradient does not go straight through to `found`. The commitment cost, with
# the weight 0.25, has to move `found`, and it moves `chosen`. And the term
# that moves `chosen`, with the weight 1, is missing. Return the sum of the
# three terms. The check looks at the gradients as well. See
# [ops.stop_gradient](https://keras.io/api/ops/core/).


# %% task="vq_loss"
def vq_loss(found, chosen, target, decoder):
    """Return error + codebook term + 0.25 * commitment cost: one number."""
    ### BEGIN SOLUTION
    passed = found + ops.stop_gradient(chosen - found)
    error = ops.sum(ops.square(target - ops.matmul(passed, decoder)))
    codebook = ops.sum(ops.square(ops.stop_gradient(found) - chosen))
    commitment = ops.sum(ops.square(found - ops.stop_gradient(chosen)))
    return error + codebook + 0.25 * commitment
    ### END SOLUTION


# %% check="vq_loss"
check(vq_loss)

# %% [markdown]
# ## Task 3: inputs and targets
#
# Tokens (batch, places) are numbers from 0 to `code_count - 1`. Return inputs
# and targets for a GPT, both (batch, places). The label comes first, as the
# token `code_count + label`. At each place the target is the token that comes
# *next*.


# %% task="inputs_and_targets"
def inputs_and_targets(tokens, labels, code_count):
    """Return inputs and targets, two arrays (batch, places)."""
    ### BEGIN SOLUTION
    first = labels[:, None] + code_count
    return np.concatenate([first, tokens[:, :-1]], axis=1), tokens
    ### END SOLUTION


# %% check="inputs_and_targets"
check(inputs_and_targets)

# %% [markdown]
# ## Task 4: find the bugs, attention
#
# A model with this attention soon has a loss that is too low, because it sees
# the tokens that it should predict, and it writes nonsense:
#
# ```python
# def causal_attention(queries, keys, values):
#     asking, seen = queries.shape[-2], keys.shape[-2]
#     scores = ops.matmul(queries, ops.swapaxes(keys, -2, -1))
#     mask = np.tril(np.ones((asking, seen), bool))
#     scores = ops.where(mask, -1e9, scores)
#     return ops.matmul(ops.softmax(scores, axis=-2), values)
# ```
#
# Four things are wrong: the mask hides what it should show; the softmax runs
# over the queries; the scores are not divided by the root of the size; and
# with fewer queries than keys (a cache) the mask starts at the wrong end. The
# *last* query has to see all keys. See
# [np.tril](https://numpy.org/doc/stable/reference/generated/numpy.tril.html),
# whose `k` moves the diagonal.


# %% task="causal_attention"
def causal_attention(queries, keys, values):
    """Return the mixed values: (..., queries, size)."""
    ### BEGIN SOLUTION
    asking, seen = queries.shape[-2], keys.shape[-2]
    scores = ops.matmul(queries, ops.swapaxes(keys, -2, -1))
    scores = scores / queries.shape[-1] ** 0.5
    mask = np.tril(np.ones((asking, seen), bool), k=seen - asking)
    scores = ops.where(mask, scores, -1e9)
    return ops.matmul(ops.softmax(scores, axis=-1), values)
    ### END SOLUTION


# %% check="causal_attention"
check(causal_attention)

# %% [markdown]
# ## Task 5: find the bugs, a step with a cache
#
# With this step, the first token of a picture is right, the rest is nonsense:
#
# ```python
# def cached_step(token, past, tables, matrices):
#     keys, values = past
#     x = tables["token"][token] + tables["place"][0]
#     query, key, value = (ops.matmul(x, one) for one in matrices)
#     keys = ops.concatenate([key[None], keys])
#     values = ops.concatenate([value[None], values])
#     return causal_attention(query[None], keys, values), past
# ```
#
# `past` holds the keys and values of all earlier places, each (places, size).
# The number of earlier places is the new one's position, and the table of
# places has a row for each. Three things are wrong: the position, the end at
# which the new key and value are joined, and what is handed on to the next
# step. It uses your `causal_attention`.


# %% task="cached_step"
def cached_step(token, past, tables, matrices):
    """Return the mixed value (1, size) and the new [keys, values]."""
    ### BEGIN SOLUTION
    keys, values = past
    x = tables["token"][token] + tables["place"][len(keys)]
    query, key, value = (ops.matmul(x, one) for one in matrices)
    keys = ops.concatenate([keys, key[None]])
    values = ops.concatenate([values, value[None]])
    return causal_attention(query[None], keys, values), [keys, values]
    ### END SOLUTION


# %% check="cached_step"
check(cached_step)

# %% [markdown]
# ## Task 6: temperature and top-p
#
# Return the probabilities that a sampler draws from. First take the softmax of
# the logits *divided by* the temperature. Then keep only the most likely
# tokens: the smallest set whose probabilities reach `p` together. The token
# that crosses `p` belongs to it. Last, make the kept ones sum to 1 again.
# Hint: a token is kept if the tokens *before* it, from the most likely on,
# have less than `p` together.


# %% task="sampling_chances"
def sampling_chances(logits, temperature, p):
    """Return the probabilities to draw from: (batch, codes)."""
    ### BEGIN SOLUTION
    chances = ops.softmax(logits / temperature, axis=-1)
    ordered = ops.flip(ops.sort(chances, axis=-1), axis=-1)
    before = ops.cumsum(ordered, axis=-1) - ordered
    inside = ops.where(before < p, ordered, 1.0)
    least = ops.min(inside, axis=-1, keepdims=True)
    chances = ops.where(chances >= least, chances, 0.0)
    return chances / ops.sum(chances, axis=-1, keepdims=True)
    ### END SOLUTION


# %% check="sampling_chances"
check(sampling_chances)

# %% [markdown]
# ## Train with your parts
#
# To save time, the codebook is not learned. A patch of 4 x 4 pixels becomes
# four numbers, the mean grey levels of its quarters, and the 16 codes are all
# ways to make each quarter black or white. Your `nearest_code` turns digits
# into tokens.

# %%
import itertools

from digitdreams import data, plots

side, code_count = 7, 16
book = np.array(list(itertools.product([0, 1], repeat=4)), "float32")


def tokens_of(images):
    """Return the tokens of images: (n, 49)."""
    quarters = images.reshape(-1, side, 2, 2, side, 2, 2).mean(axis=(3, 6))
    vectors = quarters.transpose(0, 1, 3, 2, 4).reshape(-1, side * side, 4)
    return np.asarray(nearest_code(vectors, book)).astype("int32")


def picture_of(tokens):
    """Return pictures (n, 14, 14) of tokens."""
    patches = book[tokens].reshape(-1, side, side, 2, 2)
    return patches.transpose(0, 1, 3, 2, 4).reshape(-1, 2 * side, 2 * side)


digits = data.load()
tokens = tokens_of(digits.train.images)
plots.grid(picture_of(tokens[:10]))

# %% [markdown]
# A GPT of two small blocks, with your attention:

# %%
width, heads = 48, 4


def split_heads(x):
    x = ops.reshape(x, (-1, side * side, heads, width // heads))
    return ops.transpose(x, (0, 2, 1, 3))


def build_gpt():
    ids = keras.Input((side * side,), dtype="int32")
    places = ops.zeros_like(ids) + np.arange(side * side, dtype="int32")
    x = layers.Embedding(code_count + 10, width)(ids)
    x = x + layers.Embedding(side * side, width)(places)
    for _ in range(2):
        y = layers.LayerNormalization()(x)
        made = [layers.Dense(width, use_bias=False)(y) for _ in range(3)]
        mixed = causal_attention(*map(split_heads, made))
        mixed = ops.transpose(mixed, (0, 2, 1, 3))
        mixed = ops.reshape(mixed, (-1, side * side, width))
        x = x + layers.Dense(width)(mixed)
        y = layers.LayerNormalization()(x)
        x = x + layers.Dense(width)(layers.Dense(3 * width, "relu")(y))
    return keras.Model(
        ids, layers.Dense(code_count)(layers.LayerNormalization()(x))
    )


# %%
from digitdreams.progress import Progress

steps, batch_size = 800, 32
cost = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def train():
    gpt = build_gpt()
    pairs = inputs_and_targets(tokens, digits.train.labels, code_count)
    batches = data.batches(pairs, batch_size, seed).repeat()
    warmup = steps // 10
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, steps - warmup, warmup_target=0.004, warmup_steps=warmup
    )
    optimizer = keras.optimizers.Adam(rate)
    gpt.compile(optimizer, cost, jit_compile=False, steps_per_execution=20)
    options = {"verbose": 0, "shuffle": False, "callbacks": [Progress("GPT")]}
    gpt.fit(batches, epochs=5, steps_per_epoch=steps // 5, **options)
    return gpt


# %% [markdown]
# The number to reach is the mean cost of a token of the test images, in nats.
# Guessing costs $\ln 16 = 2.77$. Below it you see digits that the model writes
# token by token, drawn from your `sampling_chances`.


# %%
def nats_a_token(gpt):
    split = digits.test
    pairs = inputs_and_targets(
        tokens_of(split.images), split.labels, code_count
    )
    logits = gpt.predict(pairs[0], batch_size=500, verbose=0)
    return float(cost(pairs[1], logits))


def write(gpt, labels):
    """Return tokens (n, 49), drawn one after the other."""
    rng = np.random.default_rng(seed)
    ids = np.zeros((len(labels), side * side + 1), "int32")
    ids[:, 0] = labels + code_count
    for place in range(side * side):
        logits = gpt(ids[:, :-1])[:, place]
        reached = np.cumsum(sampling_chances(logits, 0.8, 0.95), axis=1)
        drawn = rng.uniform(size=(len(labels), 1)) * reached[:, -1:]
        ids[:, place + 1] = np.sum(reached < drawn, axis=1)
    return ids[:, 1:]


# %% check="training" points=4
gpt = train()
course.expect(nats_a_token=nats_a_token(gpt))
plots.grid(picture_of(write(gpt, np.tile(np.arange(10), 3))))
