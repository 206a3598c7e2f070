"""Tasks of exercise 12: write a picture token by token."""

import itertools

import keras
import numpy as np
from keras import layers, ops

from digitdreams import learning
from digitdreams.inputs import normal, some_labels
from digitdreams.tasks import Training, task


def fractions(rng, *shape, parts=4, largest=8):
    """Short binary fractions, whose sums are exact on every processor."""
    drawn = rng.integers(-largest, largest + 1, size=shape) / parts
    return drawn.astype("float32")


# Task 1: nearest_code


def nearest_inputs(rng):
    # Codes far from the origin and near it: their lengths decide.
    for batch, places, code_count, size in ((2, 5, 8, 3), (3, 4, 7, 2)):
        found = 0
        while not found:
            book = fractions(rng, code_count, size) * rng.choice(
                [1, 4], (code_count, 1)
            )
            vectors = fractions(rng, batch, places, size, largest=16)
            book = book.astype("float32")
            found = decided(vectors, book)
        yield {"vectors": vectors, "book": book}


def decided(vectors, book):
    """Whether nothing is a tie, and each formula gives numbers of its own."""
    lengths, products = (book**2).sum(axis=1), vectors @ book.T
    scores = [
        lengths - 2 * products,
        -products,
        lengths - products,
        np.abs(book).sum(axis=1) - 2 * products,
    ]
    answers = [score.argmin(axis=-1) for score in scores]
    gaps = np.sort(scores[0], axis=-1)
    clear = (gaps[..., 1] > gaps[..., 0]).all()
    pairs = itertools.combinations(answers, 2)
    return clear and all((one != other).any() for one, other in pairs)


@task(
    points=1,
    inputs=nearest_inputs,
    hints=[
        "One matrix product gives all products of vectors and codes: what is "
        "its shape?",
        "The squared lengths of the codes are (codes,): they are added to the "
        "last axis of -2 times the products.",
        "ops.argmin(lengths - 2 * products, axis=-1)",
    ],
)
def nearest_code(vectors, book):
    lengths = ops.sum(ops.square(book), axis=1)
    products = ops.matmul(vectors, ops.transpose(book))
    return ops.argmin(lengths - 2 * products, axis=-1)


@nearest_code.also_right
def nearest_by_differences(vectors, book):
    distances = ((vectors[..., None, :] - book) ** 2).sum(axis=-1)
    return distances.argmin(axis=-1).astype("int32")


def scored(vectors, book):
    lengths = ops.sum(ops.square(book), axis=1)
    return lengths, ops.matmul(vectors, ops.transpose(book))


@nearest_code.wrong(
    "This is the farthest code: take the smallest distance, with ops.argmin."
)
def farthest_code(vectors, book):
    lengths, products = scored(vectors, book)
    return ops.argmax(lengths - 2 * products, axis=-1)


@nearest_code.wrong(
    "The largest product is not the smallest distance: a long code has large "
    "products with everything. Add the codes' squared lengths."
)
def nearest_by_product(vectors, book):
    _, products = scored(vectors, book)
    return ops.argmax(products, axis=-1)


@nearest_code.wrong(
    "The products count twice in the squared distance: lengths - 2 * products."
)
def nearest_with_half_products(vectors, book):
    lengths, products = scored(vectors, book)
    return ops.argmin(lengths - products, axis=-1)


@nearest_code.wrong(
    "The lengths of the codes enter squared: ops.sum(ops.square(book), "
    "axis=1)."
)
def nearest_with_plain_lengths(vectors, book):
    _, products = scored(vectors, book)
    return ops.argmin(ops.sum(ops.abs(book), axis=1) - 2 * products, axis=-1)


@nearest_code.wrong(
    "You looked for the nearest place of each code: each place looks for its "
    "nearest code, along the last axis."
)
def nearest_place(vectors, book):
    lengths, products = scored(vectors, book)
    return ops.argmin(lengths - 2 * products, axis=1)


@nearest_code.wrong(
    "You returned distances: return the number of the smallest one, with "
    "ops.argmin."
)
def distances_to_codes(vectors, book):
    lengths, products = scored(vectors, book)
    return lengths - 2 * products


@nearest_code.wrong(
    "You returned the codes themselves: a token is the number of its code."
)
def nearest_vectors(vectors, book):
    return ops.take(book, nearest_code(vectors, book), axis=0)


# Task 2: vq_loss (find the bugs)


def loss_inputs(rng):
    for places, size, pixels in ((3, 2, 4), (5, 3, 2)):
        found = fractions(rng, places, size)
        moved = rng.choice([-0.5, 0.5, 0.75, 1], size=found.shape)
        yield {
            "found": found,
            "chosen": (found + moved).astype("float32"),
            "target": fractions(rng, places, pixels),
            "decoder": fractions(rng, size, pixels, parts=2, largest=4),
        }


def terms(found, chosen, target, decoder, passed=None):
    """Return error, codebook term and commitment cost."""
    if passed is None:
        passed = found + ops.stop_gradient(chosen - found)
    error = ops.sum(ops.square(target - ops.matmul(passed, decoder)))
    codebook = ops.sum(ops.square(ops.stop_gradient(found) - chosen))
    commitment = ops.sum(ops.square(found - ops.stop_gradient(chosen)))
    return error, codebook, commitment


@task(
    points=3,
    inputs=loss_inputs,
    observe="gradient",
    hints=[
        "Say for each of the three terms which of `found` and `chosen` it "
        "should move, and stop the gradient of the other one.",
        "found + ops.stop_gradient(chosen - found) has the value of `chosen` "
        "and the gradient of `found`.",
        "The codebook term is sum((stop(found) - chosen)^2), the commitment "
        "cost is sum((found - stop(chosen))^2).",
    ],
)
def vq_loss(found, chosen, target, decoder):
    error, codebook, commitment = terms(found, chosen, target, decoder)
    return error + codebook + 0.25 * commitment


@vq_loss.also_right
def loss_in_other_words(found, chosen, target, decoder):
    gap = found - chosen
    passed = ops.stop_gradient(chosen) + found - ops.stop_gradient(found)
    pull = ops.stop_gradient(gap)
    codebook = ops.sum(
        -2 * pull * chosen + ops.stop_gradient(2 * pull * chosen)
    )
    commitment = ops.sum(
        2 * pull * found - ops.stop_gradient(2 * pull * found)
    )
    value = 1.25 * ops.stop_gradient(ops.sum(ops.square(gap)))
    error = ops.sum(ops.square(target - ops.matmul(passed, decoder)))
    return error + codebook + 0.25 * commitment + value


@vq_loss.wrong(
    "Without stop_gradient, found + chosen - found is just chosen, for the "
    "gradient too: write found + ops.stop_gradient(chosen - found)."
)
def loss_without_stop(found, chosen, target, decoder):
    passed = found + (chosen - found)
    error, codebook, commitment = terms(found, chosen, target, decoder, passed)
    return error + codebook + 0.25 * commitment


@vq_loss.wrong(
    "The decoder gets the value of `found`: it has to get that of `chosen`, "
    "by found + ops.stop_gradient(chosen - found)."
)
def loss_of_what_was_found(found, chosen, target, decoder):
    error, codebook, commitment = terms(found, chosen, target, decoder, found)
    return error + codebook + 0.25 * commitment


@vq_loss.wrong(
    "No gradient of the error reaches `found`: all that the decoder gets is "
    "stopped. Stop only the difference chosen - found."
)
def loss_with_everything_stopped(found, chosen, target, decoder):
    passed = ops.stop_gradient(chosen)
    error, codebook, commitment = terms(found, chosen, target, decoder, passed)
    return error + codebook + 0.25 * commitment


@vq_loss.wrong(
    "The two terms have changed places: 0.25 belongs to the commitment cost, "
    "which moves `found`; the codebook term, which moves `chosen`, has 1."
)
def loss_with_terms_exchanged(found, chosen, target, decoder):
    error, codebook, commitment = terms(found, chosen, target, decoder)
    return error + 0.25 * codebook + commitment


@vq_loss.wrong(
    "Nothing moves the codebook: add the term that stops `found` and moves "
    "`chosen`, with the weight 1."
)
def loss_without_codebook_term(found, chosen, target, decoder):
    error, _, commitment = terms(found, chosen, target, decoder)
    return error + 0.25 * commitment


@vq_loss.wrong(
    "The commitment cost is missing: nothing keeps `found` near its code."
)
def loss_without_commitment(found, chosen, target, decoder):
    error, codebook, _ = terms(found, chosen, target, decoder)
    return error + codebook


@vq_loss.wrong(
    "The codebook's gradient is lost: `chosen` is stopped in both terms. In "
    "the codebook term stop `found` instead."
)
def loss_with_book_stopped(found, chosen, target, decoder):
    error, _, commitment = terms(found, chosen, target, decoder)
    return error + 1.25 * commitment


@vq_loss.wrong(
    "The commitment cost still moves `chosen`: stop `chosen` in it, so that "
    "it moves `found`."
)
def loss_with_commitment_of_codes(found, chosen, target, decoder):
    error, codebook, _ = terms(found, chosen, target, decoder)
    return error + 1.25 * codebook


@vq_loss.wrong(
    "Nothing is stopped in the last two terms: both move `found` and `chosen` "
    "with the weight 1.25. Each should move one of the two."
)
def loss_with_nothing_stopped(found, chosen, target, decoder):
    error, _, _ = terms(found, chosen, target, decoder)
    return error + 1.25 * ops.sum(ops.square(found - chosen))


@vq_loss.wrong("These are means: add up the squares, with ops.sum.")
def loss_of_means(found, chosen, target, decoder):
    error, codebook, commitment = terms(found, chosen, target, decoder)
    parts = codebook + 0.25 * commitment
    return error / np.prod(target.shape) + parts / np.prod(found.shape)


# Task 3: inputs_and_targets


def sequence_inputs(rng):
    for batch, places, code_count in ((3, 6, 16), (2, 4, 64)):
        yield {
            "tokens": rng.integers(code_count, size=(batch, places)).astype(
                "int32"
            ),
            "labels": some_labels(rng, batch) % 9 + 1,
            "code_count": code_count,
        }


@task(
    points=1,
    inputs=sequence_inputs,
    hints=[
        "Write down one short sequence by hand: label L, tokens a b c. What "
        "goes in, and what should come out at each place?",
        "In: L a b. Out: a b c.",
        "np.concatenate([labels[:, None] + code_count, "
        "tokens[:, :-1]], axis=1)",
    ],
)
def inputs_and_targets(tokens, labels, code_count):
    first = labels[:, None] + code_count
    return np.concatenate([first, tokens[:, :-1]], axis=1), tokens


@inputs_and_targets.also_right
def sequence_by_rolling(tokens, labels, code_count):
    inputs = np.roll(tokens, 1, axis=1)
    inputs[:, 0] = labels + code_count
    return [inputs, tokens]


@inputs_and_targets.wrong(
    "The targets are not shifted against the inputs: the model would copy "
    "what it sees. At the place of the label the target is the first token."
)
def sequence_not_shifted(tokens, labels, code_count):
    inputs, _ = inputs_and_targets(tokens, labels, code_count)
    return inputs, inputs


@inputs_and_targets.wrong(
    "The label is not in the inputs: put code_count + label first, and "
    "leave the last token out."
)
def sequence_without_label(tokens, labels, code_count):
    return tokens, tokens


@inputs_and_targets.wrong(
    "A label has to have a number of its own: add code_count, or the label "
    "3 is the same token as the code 3."
)
def sequence_with_small_labels(tokens, labels, code_count):
    return np.concatenate([labels[:, None], tokens[:, :-1]], axis=1), tokens


@inputs_and_targets.wrong(
    "The inputs are one longer than the targets: the last token is never an "
    "input, since nothing follows it."
)
def sequence_too_long(tokens, labels, code_count):
    first = labels[:, None] + code_count
    return np.concatenate([first, tokens], axis=1), tokens


@inputs_and_targets.wrong(
    "The label comes last here: put it first, so that every token can depend "
    "on it."
)
def sequence_with_label_last(tokens, labels, code_count):
    last = labels[:, None] + code_count
    return np.concatenate([tokens[:, 1:], last], axis=1), tokens


@inputs_and_targets.wrong(
    "The shift goes the wrong way: this predicts the token before. The input "
    "at a place is the token *before* its target."
)
def sequence_shifted_back(tokens, labels, code_count):
    inputs, targets = inputs_and_targets(tokens, labels, code_count)
    return targets, inputs


@inputs_and_targets.wrong(
    "It is shifted twice: with the label in front, the targets are the tokens "
    "as they are."
)
def sequence_shifted_twice(tokens, labels, code_count):
    inputs, targets = inputs_and_targets(tokens, labels, code_count)
    return inputs[:, :-1], targets[:, 1:]


# Task 4: causal_attention (find the bugs)


def attention_inputs(rng):
    for asking, seen, size in ((4, 4, 3), (5, 5, 2), (2, 5, 3), (1, 4, 2)):
        yield {
            "queries": 2 * normal(rng, 2, asking, size),
            "keys": 2 * normal(rng, 2, seen, size),
            "values": 4 * normal(rng, 2, seen, size),
        }


def attend(queries, keys, values, hidden=None, scale=True, axis=-1):
    asking, seen = queries.shape[-2], keys.shape[-2]
    scores = np.matmul(queries, np.swapaxes(keys, -2, -1)).astype("float64")
    if scale:
        scores = scores / queries.shape[-1] ** 0.5
    if hidden is None:
        hidden = np.triu(np.ones((asking, seen), bool), k=seen - asking + 1)
    scores = np.where(hidden, -1e9, scores)
    weights = np.exp(scores - scores.max(axis=axis, keepdims=True))
    weights /= weights.sum(axis=axis, keepdims=True)
    return np.matmul(weights, values)


@task(
    points=3,
    inputs=attention_inputs,
    hints=[
        "For each of the four faults there is one place in the program. Begin "
        "with the mask: print it for four queries and four keys.",
        "ops.where(mask, a, b) takes a where the mask is true. And the "
        "weights of one *query* have to sum to 1, over all keys.",
        "np.tril(np.ones((asking, seen), bool), k=seen - asking), then "
        "ops.where(mask, scores, -1e9), then axis=-1; divide by "
        "queries.shape[-1] ** 0.5.",
    ],
)
def causal_attention(queries, keys, values):
    asking, seen = queries.shape[-2], keys.shape[-2]
    scores = ops.matmul(queries, ops.swapaxes(keys, -2, -1))
    scores = scores / queries.shape[-1] ** 0.5
    mask = np.tril(np.ones((asking, seen), bool), k=seen - asking)
    scores = ops.where(mask, scores, -1e9)
    return ops.matmul(ops.softmax(scores, axis=-1), values)


@causal_attention.also_right
def attention_by_numpy(queries, keys, values):
    return attend(queries, keys, values)


@causal_attention.wrong(
    "The polarity of the mask is wrong: np.tril is true for what may be "
    "seen, so write ops.where(mask, scores, -1e9)."
)
def attention_inverted(queries, keys, values):
    asking, seen = queries.shape[-2], keys.shape[-2]
    hidden = np.tril(np.ones((asking, seen), bool), k=seen - asking)
    return attend(queries, keys, values, hidden)


@causal_attention.wrong(
    "Nothing is hidden: a query sees later keys. Use the mask."
)
def attention_without_mask(queries, keys, values):
    asking, seen = queries.shape[-2], keys.shape[-2]
    return attend(queries, keys, values, np.zeros((asking, seen), bool))


@causal_attention.wrong(
    "The softmax runs over the queries: the weights of one query sum to 1 "
    "over the keys, axis=-1."
)
def attention_over_queries(queries, keys, values):
    return attend(queries, keys, values, axis=-2)


@causal_attention.wrong(
    "Divide the scores by the root of the size, queries.shape[-1] ** 0.5."
)
def attention_unscaled(queries, keys, values):
    return attend(queries, keys, values, scale=False)


@causal_attention.wrong(
    "With fewer queries than keys the mask starts at the wrong end: the last "
    "query sees all keys. Give np.tril k=seen - asking."
)
def attention_without_offset(queries, keys, values):
    asking, seen = queries.shape[-2], keys.shape[-2]
    hidden = np.triu(np.ones((asking, seen), bool), k=1)
    return attend(queries, keys, values, hidden)


@causal_attention.wrong(
    "Hidden scores were set to 0, which is a score like any other: set them "
    "to -1e9, so that their weights are 0."
)
def attention_with_zero_scores(queries, keys, values):
    asking, seen = queries.shape[-2], keys.shape[-2]
    shown = np.tril(np.ones((asking, seen)), k=seen - asking)
    scores = np.matmul(queries, np.swapaxes(keys, -2, -1)).astype("float64")
    scores = shown * scores / queries.shape[-1] ** 0.5
    weights = np.exp(scores)
    return np.matmul(weights / weights.sum(axis=-1, keepdims=True), values)


@causal_attention.wrong(
    "The weights are hidden after the softmax, so they no longer sum to 1: "
    "hide the scores before it."
)
def attention_masked_late(queries, keys, values):
    asking, seen = queries.shape[-2], keys.shape[-2]
    shown = np.tril(np.ones((asking, seen)), k=seen - asking)
    scores = np.matmul(queries, np.swapaxes(keys, -2, -1)).astype("float64")
    weights = np.exp(scores / queries.shape[-1] ** 0.5)
    weights = shown * weights / weights.sum(axis=-1, keepdims=True)
    return np.matmul(weights, values)


# Task 5: cached_step (find the bugs)


def step_inputs(rng):
    for past, size in ((3, 2), (5, 3)):
        yield {
            "token": int(rng.integers(6)),
            "past": [normal(rng, past, size), 4 * normal(rng, past, size)],
            "tables": {
                "token": normal(rng, 6, size),
                "place": normal(rng, past + 2, size),
            },
            "matrices": [0.7 * normal(rng, size, size) for _ in range(3)],
        }


def step(token, past, tables, matrices, place=None, front=False, forget=False):
    keys, values = (np.asarray(one) for one in past)
    place = len(keys) if place is None else place
    x = tables["token"][token] + tables["place"][place]
    query, key, value = (x @ one for one in matrices)
    if forget:
        keys, values = keys[:0], values[:0]
    order = (
        (lambda old, new: [new, old]) if front else lambda old, new: [old, new]
    )
    keys = np.concatenate(order(keys, key[None]))
    values = np.concatenate(order(values, value[None]))
    return attend(query[None], keys, values), [keys, values]


@task(
    points=3,
    inputs=step_inputs,
    hints=[
        "How many places lie before the new token? The cache knows.",
        "The position is len(keys), before the new key is joined; the new key "
        "comes last.",
        "keys = ops.concatenate([keys, key[None]]), the same for the values, "
        "and return [keys, values] instead of past.",
    ],
)
def cached_step(token, past, tables, matrices):
    keys, values = past
    x = tables["token"][token] + tables["place"][len(keys)]
    query, key, value = (ops.matmul(x, one) for one in matrices)
    keys = ops.concatenate([keys, key[None]])
    values = ops.concatenate([values, value[None]])
    return causal_attention(query[None], keys, values), [keys, values]


@cached_step.also_right
def step_by_numpy(token, past, tables, matrices):
    return step(token, past, tables, matrices)


@cached_step.wrong(
    "The position restarts at 0: the new token stands at place len(keys)."
)
def step_at_place_zero(token, past, tables, matrices):
    return step(token, past, tables, matrices, place=0)


@cached_step.wrong(
    "The position is one too far: take len(keys) before the new key is joined."
)
def step_one_place_further(token, past, tables, matrices):
    return step(token, past, tables, matrices, place=len(past[0]) + 1)


@cached_step.wrong(
    "The position is one too small: with t earlier places, the new one is "
    "number t, counted from 0."
)
def step_at_the_last_place(token, past, tables, matrices):
    return step(token, past, tables, matrices, place=len(past[0]) - 1)


@cached_step.wrong(
    "The new key and value come first here: they belong after the old ones."
)
def step_joined_in_front(token, past, tables, matrices):
    return step(token, past, tables, matrices, front=True)


@cached_step.wrong(
    "The cache does not grow: return [keys, values] with the new ones, not "
    "`past`."
)
def step_that_returns_the_past(token, past, tables, matrices):
    mixed, _ = step(token, past, tables, matrices)
    return mixed, past


@cached_step.wrong(
    "The new query does not see the new key: join key and value before the "
    "attention."
)
def step_joined_too_late(token, past, tables, matrices):
    _, new = step(token, past, tables, matrices)
    x = tables["token"][token] + tables["place"][len(past[0])]
    return attend((x @ matrices[0])[None], *past), new


@cached_step.wrong(
    "The query sees only its own key: join the earlier ones, from `past`."
)
def step_that_forgets(token, past, tables, matrices):
    return step(token, past, tables, matrices, forget=True)


@cached_step.wrong(
    "The token's place is missing: add its row of the table of places."
)
def step_without_place(token, past, tables, matrices):
    tables = {**tables, "place": 0 * tables["place"]}
    return step(token, past, tables, matrices)


# Task 6: sampling_chances


def chances_inputs(rng):
    for rows, code_count, temperature, p in (
        (3, 8, 0.5, 0.9),
        (4, 6, 2.0, 0.6),
    ):
        found = False
        while not found:
            logits = 1.5 * normal(rng, rows, code_count) * temperature**0.5
            found = clear_cut(logits / temperature, p)
        yield {"logits": logits, "temperature": temperature, "p": p}


def clear_cut(logits, p):
    """Whether p lies far from where each token crosses it."""
    chances = np.sort(softmax(logits), axis=-1)[:, ::-1]
    reached = np.cumsum(chances, axis=-1)
    kept = (reached - chances < p).sum(axis=-1)
    sharp = np.abs(reached - p).min() > 0.02
    flat = p > 0.8 or chances[:, 0].min() < 0.9 - p  # the rare can reach p
    few = kept.min() >= 2 and kept.max() <= logits.shape[1] - 2
    least = np.where(reached - chances < p, chances, 1).min()
    own = ((chances >= least).sum(axis=-1) != kept).any()  # thresholds of rows
    return sharp and flat and few and own


def softmax(logits):
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def kept_of(chances, p, crossing=True, again=True, own=True):
    """Keep the most likely tokens; the one that crosses p is in or out.

    Each row has a threshold of its own, or all have the smallest one.
    """
    chances = chances.astype("float64")
    ordered = np.sort(chances, axis=-1)[:, ::-1]
    reached = np.cumsum(ordered, axis=-1)
    inside = (reached - ordered if crossing else reached) < p
    inside[:, 0] = True
    least = np.where(inside, ordered, 1).min(axis=-1, keepdims=True)
    chances = np.where(chances >= (least if own else least.min()), chances, 0)
    return chances / chances.sum(axis=-1, keepdims=True) if again else chances


@task(
    points=2,
    inputs=chances_inputs,
    hints=[
        "Sort the probabilities from large to small and add them up: which "
        "ones lie before the sum reaches p?",
        "ops.cumsum(ordered, axis=-1) - ordered is what lies before each "
        "token. Keep those for which it is less than p.",
        "The smallest kept probability is a threshold for the unsorted ones: "
        "ops.where(chances >= least, chances, 0.0).",
    ],
)
def sampling_chances(logits, temperature, p):
    chances = ops.softmax(logits / temperature, axis=-1)
    ordered = ops.flip(ops.sort(chances, axis=-1), axis=-1)
    before = ops.cumsum(ordered, axis=-1) - ordered
    inside = ops.where(before < p, ordered, 1.0)
    least = ops.min(inside, axis=-1, keepdims=True)
    chances = ops.where(chances >= least, chances, 0.0)
    return chances / ops.sum(chances, axis=-1, keepdims=True)


@sampling_chances.also_right
def chances_by_numpy(logits, temperature, p):
    return kept_of(softmax(logits.astype("float64") / temperature), p)


@sampling_chances.wrong(
    "All rows got the smallest threshold of any: each has one of its own, so "
    "take the minimum along axis=-1, with keepdims=True."
)
def chances_with_one_threshold(logits, temperature, p):
    return kept_of(softmax(logits / temperature), p, own=False)


@sampling_chances.wrong(
    "The token that crosses p is cut off: keep a token if what lies *before* "
    "it is less than p."
)
def chances_without_the_crossing(logits, temperature, p):
    return kept_of(softmax(logits / temperature), p, crossing=False)


@sampling_chances.wrong(
    "The temperature comes after the softmax: divide the logits by it, before."
)
def chances_tempered_late(logits, temperature, p):
    chances = softmax(logits) / temperature
    return kept_of(chances / chances.sum(axis=-1, keepdims=True), p)


@sampling_chances.wrong(
    "The logits are multiplied by the temperature: divide by it, so that a "
    "low one makes the likely likelier."
)
def chances_multiplied(logits, temperature, p):
    return kept_of(softmax(logits * temperature), p)


@sampling_chances.wrong(
    "The probabilities no longer sum to 1: divide by their sum again."
)
def chances_not_normalised(logits, temperature, p):
    return kept_of(softmax(logits / temperature), p, again=False)


@sampling_chances.wrong(
    "You kept the *least* likely tokens: sort from large to small."
)
def chances_of_the_rare(logits, temperature, p):
    chances = softmax(logits / temperature)
    ordered = np.sort(chances, axis=-1)
    inside = np.cumsum(ordered, axis=-1) - ordered < p
    most = np.where(inside, ordered, 0).max(axis=-1, keepdims=True)
    chances = np.where(chances <= most, chances, 0)
    return chances / chances.sum(axis=-1, keepdims=True)


@sampling_chances.wrong(
    "Nothing is cut off: keep only the most likely tokens that reach p."
)
def chances_of_all(logits, temperature, p):
    return softmax(logits / temperature)


@sampling_chances.wrong(
    "You returned the probabilities in sorted order: keep each at its token's "
    "place, by a threshold."
)
def chances_left_sorted(logits, temperature, p):
    return np.sort(kept_of(softmax(logits / temperature), p), axis=-1)[:, ::-1]


@sampling_chances.wrong(
    "Only the most likely token is left: that is argmax, which draws the same "
    "picture every time."
)
def chances_of_the_best(logits, temperature, p):
    best = logits.max(axis=-1, keepdims=True)
    return (logits == best).astype("float64")


# The training: weights come out, and the number is computed here.

SIDE, CODES, WIDTH, HEADS = 7, 16, 48, 4


def tokens_of(images):
    book = np.array(list(itertools.product([0, 1], repeat=4)), "float32")
    quarters = images.reshape(-1, SIDE, 2, 2, SIDE, 2, 2).mean(axis=(3, 6))
    vectors = quarters.transpose(0, 1, 3, 2, 4).reshape(-1, SIDE * SIDE, 4)
    return np.asarray(nearest_code(vectors, book)).astype("int32")


def split_heads(x):
    x = ops.reshape(x, (-1, SIDE * SIDE, HEADS, WIDTH // HEADS))
    return ops.transpose(x, (0, 2, 1, 3))


def build_gpt():
    ids = keras.Input((SIDE * SIDE,), dtype="int32")
    places = ops.zeros_like(ids) + np.arange(SIDE * SIDE, dtype="int32")
    x = layers.Embedding(CODES + 10, WIDTH)(ids)
    x = x + layers.Embedding(SIDE * SIDE, WIDTH)(places)
    for _ in range(2):
        y = layers.LayerNormalization()(x)
        made = [layers.Dense(WIDTH, use_bias=False)(y) for _ in range(3)]
        mixed = causal_attention(*map(split_heads, made))
        mixed = ops.transpose(mixed, (0, 2, 1, 3))
        mixed = ops.reshape(mixed, (-1, SIDE * SIDE, WIDTH))
        x = x + layers.Dense(WIDTH)(mixed)
        y = layers.LayerNormalization()(x)
        x = x + layers.Dense(WIDTH)(layers.Dense(3 * WIDTH, "relu")(y))
    return keras.Model(
        ids, layers.Dense(CODES)(layers.LayerNormalization()(x))
    )


def nothing_hidden(rng):
    return {}, {}


def measure_gpt(weights, given, kept):
    gpt, nats = build_gpt(), {}
    gpt.set_weights(weights)
    cost = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def losses(split):
        tokens = tokens_of(split.images)
        inputs, targets = inputs_and_targets(tokens, split.labels, CODES)
        logits = gpt.predict(inputs, batch_size=500, verbose=0)
        costs = np.mean(cost.call(targets, logits), axis=1)
        nats[len(costs)] = float(costs.mean())
        return costs

    known = learning.known_better(losses)
    return {"nats_a_token": nats[10_000], "known": known}


TRAINING = Training(
    points=4,
    inputs=nothing_hidden,
    probe="""
def probe():
    return gpt.get_weights()
""",
    measure=measure_gpt,
    needs=("nearest_code", "inputs_and_targets", "causal_attention"),
    # Seed 1: -0.001; trained on test images: 0.024
    signs=(learning.known(0.012),),
)
