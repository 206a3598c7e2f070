"""Coding problems on autoregressive models and on sampling from them."""

import numpy as np

from digitdreams.interview.bank import Text
from digitdreams.interview.problems import problem


def softmax(logits):
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


# pixel_mask: the mask of a PixelCNN's kernel


def mask_inputs(rng):
    for size in (3, 5, 7):
        for kind in "AB":
            yield {"size": size, "kind": kind}


@problem(
    title=Text(en="The mask of a PixelCNN kernel", zh="PixelCNN 卷积核的掩码"),
    statement=Text(
        en=(
            "A PixelCNN (van den Oord et al. 2016, arXiv:1601.06759) predicts "
            "pixels row by row, left to right. Its kernels are multiplied by a "
            "mask of ones and zeros so that a pixel only sees what was drawn "
            'before it. Kind `"A"` (first layer) hides the pixel itself as well; '
            'kind `"B"` (all later layers) lets the middle through. Return the '
            "mask."
        ),
        zh=(
            "PixelCNN（van den Oord 等，2016，arXiv:1601.06759）按行、从左到右逐"
            "个预测像素。卷积核要乘以一个由 0 和 1 组成的掩码，使每个像素只能看到"
            '在它之前画出的像素。`"A"` 型掩码（用于第一层）连当前像素也遮住；'
            '`"B"` 型掩码（用于其后各层）保留中心位置。请返回该掩码。'
        ),
    ),
    limits=Text(
        en=(
            "`size` is odd, the result has the shape (size, size); one colour "
            "channel. NumPy."
        ),
        zh="`size` 为奇数，返回形状为 (size, size)；只考虑单通道图像。使用 NumPy。",
    ),
    examples=['pixel_mask(3, "A") -> [[1, 1, 1], [1, 0, 0], [0, 0, 0]]'],
    topic="autoregressive",
    level="junior",
    inputs=mask_inputs,
    hints=[
        "Number the entries row by row. Which numbers come before the middle?",
        "All rows above the middle row are open; in the middle row only what lies to "
        "the left.",
        "mask[:middle] = 1; mask[middle, :middle] = 1; for kind B also mask[middle, "
        "middle] = 1",
    ],
)
def pixel_mask(size, kind):
    mask = np.zeros((size, size))
    middle = size // 2
    mask[:middle] = 1
    mask[middle, : middle + (kind == "B")] = 1
    return mask


@pixel_mask.also_right
def mask_by_order(size, kind):
    order = np.arange(size * size).reshape(size, size)
    middle = order[size // 2, size // 2]
    return np.where(order <= middle if kind == "B" else order < middle, 1, 0)


@pixel_mask.wrong("The kinds are swapped: A hides the middle, B shows it.")
def mask_kinds_swapped(size, kind):
    return pixel_mask(size, "AB"[kind == "A"])


@pixel_mask.wrong(
    "`kind` is not used: kind B shows the middle. Without it, deep layers lose what "
    "lies under the pixel."
)
def mask_always_a(size, kind):
    return pixel_mask(size, "A")


@pixel_mask.wrong(
    "`kind` is not used: kind A hides the middle. In the first layer the pixel would "
    "see its own value and predict it perfectly."
)
def mask_always_b(size, kind):
    return pixel_mask(size, "B")


@pixel_mask.wrong("Rows and columns are exchanged: images are drawn row by row.")
def mask_by_columns(size, kind):
    return pixel_mask(size, kind).T


@pixel_mask.wrong("In the middle row, pixels to the right are not drawn yet.")
def mask_whole_row(size, kind):
    mask = pixel_mask(size, kind)
    mask[size // 2] = 1
    return mask


@pixel_mask.wrong(
    "A triangle is the mask of a sequence: in an image the whole row above is known, "
    "its right side too."
)
def mask_triangle(size, kind):
    return np.tril(np.ones((size, size)), 0 if kind == "B" else -1)


# soften: softmax with temperature


def soften_inputs(rng):
    yield {"logits": rng.normal(size=(2, 5)), "temperature": 0.5}
    yield {"logits": rng.normal(size=(3, 4)), "temperature": 2.5}
    yield {"logits": 900 + 100 * rng.normal(size=(2, 4)), "temperature": 0.7}
    # Rows far from each other, tokens far within a row, and a third axis.
    logits = rng.normal(size=(2, 2, 3))
    logits[0, 1] += 2000
    logits[1, 0] = -2000, 2000, 1999
    yield {"logits": logits, "temperature": 1.5}


@problem(
    title=Text(en="Softmax with temperature", zh="带温度的 softmax"),
    statement=Text(
        en=(
            "Divide the logits by the temperature, then apply the softmax along "
            "the last axis. A temperature below 1 sharpens the distribution, one "
            "above 1 flattens it. Logits may be in the thousands: the result "
            "must stay finite."
        ),
        zh=(
            "先把 logits 除以温度，再沿最后一个轴做 softmax。温度小于 1 时分布更"
            "尖锐，大于 1 时更平坦。logits 可能高达几千，结果必须保持有限。"
        ),
    ),
    limits=Text(
        en="`logits`: (..., tokens); `temperature` > 0. NumPy.",
        zh="`logits` 的形状为 (..., tokens)；`temperature` > 0。使用 NumPy。",
    ),
    examples=["soften(np.array([0.0, np.log(3)]), 0.5) -> [0.1, 0.9]"],
    topic="autoregressive",
    level="junior",
    inputs=soften_inputs,
    hints=[
        "Adding the same number to all logits changes nothing in a softmax. Which "
        "number makes every exponential at most 1?",
        "scaled = logits / temperature; subtract its largest value along the last "
        "axis, exponentiate, divide by the sum.",
    ],
)
def soften(logits, temperature):
    return softmax(logits / temperature)


@soften.also_right
def soften_by_logarithm(logits, temperature):
    scaled = np.asarray(logits, float) / temperature
    return np.exp(scaled - np.logaddexp.reduce(scaled, axis=-1, keepdims=True))


@soften.wrong(
    "The logits were multiplied by the temperature: a high temperature must flatten, "
    "so divide."
)
def soften_multiplied(logits, temperature):
    return softmax(logits * temperature)


@soften.wrong(
    "Right as a formula, but exp overflows with large logits: subtract the largest one "
    "first."
)
def soften_overflowing(logits, temperature):
    with np.errstate(over="ignore", invalid="ignore"):
        weights = np.exp(logits / temperature)
        return weights / weights.sum(axis=-1, keepdims=True)


@soften.wrong(
    "The temperature came after the softmax: the result does not add up to 1. Divide "
    "the logits."
)
def soften_after(logits, temperature):
    return softmax(logits) / temperature


@soften.wrong("The temperature is not used.")
def soften_ignored(logits, temperature):
    return softmax(logits)


@soften.wrong(
    "The softmax ran over the whole array: each row has its own distribution."
)
def soften_over_all(logits, temperature):
    weights = np.exp((logits - logits.max()) / temperature)
    return weights / weights.sum()


# keep_top_k and keep_top_p: which tokens may be drawn


def spread(rng, size, sharpness=1.5):
    return softmax(sharpness * rng.normal(size=size))


def top_k_inputs(rng):
    yield {"probabilities": spread(rng, 6), "k": 2}
    yield {"probabilities": spread(rng, 9), "k": 4}
    yield {"probabilities": spread(rng, 4), "k": 9}


@problem(
    title=Text(
        en="Top-k sampling: the kept distribution", zh="Top-k 采样：截断后的分布"
    ),
    statement=Text(
        en=(
            "Keep the `k` most probable tokens, give all others probability 0 "
            "and let the kept ones add up to 1 again. Tokens stay in their "
            "places. With `k` larger than the vocabulary nothing changes."
        ),
        zh=(
            "保留概率最高的 `k` 个词元，其余概率置 0，并让保留下来的概率重新归"
            "一。词元位置不变。当 `k` 大于词表大小时，分布保持不变。"
        ),
    ),
    limits=Text(
        en=(
            "`probabilities`: (tokens,), no two equal; `k` at least 1. Return a "
            "distribution, do not draw. NumPy."
        ),
        zh=(
            "`probabilities` 的形状为 (tokens,)，各值互不相同；`k` 不小于 1。返回"
            "分布本身，不做抽样。使用 NumPy。"
        ),
    ),
    examples=["keep_top_k(np.array([0.2, 0.5, 0.3]), 2) -> [0.0, 0.625, 0.375]"],
    topic="autoregressive",
    level="junior",
    inputs=top_k_inputs,
    hints=[
        "np.argsort sorts upwards. How do you get the places of the largest values?",
        "best = np.argsort(-probabilities)[:k]; copy these into an array of zeros, "
        "then divide by the sum.",
    ],
)
def keep_top_k(probabilities, k):
    kept = np.zeros_like(probabilities)
    best = np.argsort(-probabilities)[:k]
    kept[best] = probabilities[best]
    return kept / kept.sum()


@keep_top_k.also_right
def top_k_by_threshold(probabilities, k):
    smallest = np.sort(probabilities)[::-1][min(k, len(probabilities)) - 1]
    kept = np.where(probabilities >= smallest, probabilities, 0)
    return kept / kept.sum()


@keep_top_k.wrong("The kept probabilities do not add up to 1: divide by their sum.")
def top_k_not_renormalised(probabilities, k):
    kept = np.zeros_like(probabilities)
    best = np.argsort(-probabilities)[:k]
    kept[best] = probabilities[best]
    return kept


@keep_top_k.wrong("You kept the least probable tokens: argsort sorts upwards.")
def top_k_smallest(probabilities, k):
    kept = np.zeros_like(probabilities)
    worst = np.argsort(probabilities)[:k]
    kept[worst] = probabilities[worst]
    return kept / kept.sum()


@keep_top_k.wrong(
    "The tokens lost their places: return one probability for every token of the "
    "vocabulary, in the given order."
)
def top_k_only_values(probabilities, k):
    kept = np.sort(probabilities)[::-1][:k]
    return kept / kept.sum()


@keep_top_k.wrong(
    "The kept tokens all got the same probability: keep their proportions."
)
def top_k_uniform(probabilities, k):
    kept = np.zeros_like(probabilities)
    kept[np.argsort(-probabilities)[:k]] = 1
    return kept / kept.sum()


@keep_top_k.wrong(
    "A softmax of probabilities changes their proportions: divide by the sum."
)
def top_k_softmax_again(probabilities, k):
    kept = keep_top_k(probabilities, k)
    return softmax(np.where(kept > 0, probabilities, -np.inf))


def top_p_inputs(rng):
    yield {"probabilities": np.array([0.15, 0.4, 0.05, 0.3, 0.1]), "p": 0.75}
    yield {"probabilities": spread(rng, 8), "p": 0.9}
    first = np.array([0.7, 0.2, 0.1])[rng.permutation(3)]
    yield {"probabilities": first, "p": 0.5}
    yield {"probabilities": spread(rng, 5), "p": 1.0}
    first = np.array([0.5, 0.375, 0.125])[rng.permutation(3)]
    yield {"probabilities": first, "p": 0.5}  # reached exactly by the first


@problem(
    title=Text(
        en="Top-p (nucleus) sampling: the kept distribution",
        zh="Top-p（核）采样：截断后的分布",
    ),
    statement=Text(
        en=(
            "Nucleus sampling (Holtzman et al. 2020, arXiv:1904.09751) keeps the "
            "smallest set of most probable tokens whose probabilities add up to "
            "at least `p`, and draws from these only. Return that distribution: "
            "kept probabilities rescaled to sum 1, zeros elsewhere, tokens in "
            "their places."
        ),
        zh=(
            "核采样（Holtzman 等，2020，arXiv:1904.09751）按概率从高到低选取词"
            "元，保留累计概率达到 `p` 所需的最小集合，只从中抽样。请返回这一分"
            "布：保留的概率重新归一，其余为 0，词元位置不变。"
        ),
    ),
    limits=Text(
        en=(
            "`probabilities`: (tokens,), no two equal; 0 < p <= 1. At least one "
            "token is always kept. NumPy."
        ),
        zh=(
            "`probabilities` 的形状为 (tokens,)，各值互不相同；0 < p <= 1。至少保"
            "留一个词元。使用 NumPy。"
        ),
    ),
    examples=[
        "keep_top_p(np.array([0.1, 0.5, 0.4]), 0.6) -> [0.0, 0.555556, 0.444444]"
    ],
    topic="autoregressive",
    level="middle",
    inputs=top_p_inputs,
    hints=[
        "Sort downwards and take the cumulative sum. The token that crosses p belongs "
        "to the set.",
        "Keep a token when the sum of those before it is still below p.",
        "order = np.argsort(-probabilities); before = np.cumsum(probabilities[order]) "
        "- probabilities[order]; keep order[before < p]",
    ],
)
def keep_top_p(probabilities, p):
    order = np.argsort(-probabilities)
    reached = np.cumsum(probabilities[order])
    best = order[reached - probabilities[order] < p]
    kept = np.zeros_like(probabilities)
    kept[best] = probabilities[best]
    return kept / kept.sum()


@keep_top_p.also_right
def top_p_one_by_one(probabilities, p):
    kept, total = np.zeros_like(probabilities), 0.0
    for token in sorted(range(len(kept)), key=lambda i: -probabilities[i]):
        if total >= p:
            break
        kept[token] = probabilities[token]
        total += probabilities[token]
    return kept / total


@keep_top_p.wrong(
    "The token that crosses p was dropped: the kept ones add up to less than p, and a "
    "single very probable token leaves nothing."
)
def top_p_stops_early(probabilities, p):
    order = np.argsort(-probabilities)
    best = order[np.cumsum(probabilities[order]) <= p]
    kept = np.zeros_like(probabilities)
    kept[best] = probabilities[best]
    with np.errstate(invalid="ignore"):
        return kept / kept.sum()


@keep_top_p.wrong(
    "You compared each probability with 1 - p: p is a limit for their running total."
)
def top_p_as_threshold(probabilities, p):
    kept = np.where(probabilities >= 1 - p, probabilities, 0)
    return kept / kept.sum()


@keep_top_p.wrong("The kept probabilities do not add up to 1: divide by their sum.")
def top_p_not_renormalised(probabilities, p):
    return np.where(keep_top_p(probabilities, p) > 0, probabilities, 0)


@keep_top_p.wrong("The set starts with the least probable tokens: sort downwards.")
def top_p_from_the_rare(probabilities, p):
    order = np.argsort(probabilities)
    reached = np.cumsum(probabilities[order])
    best = order[reached - probabilities[order] < p]
    kept = np.zeros_like(probabilities)
    kept[best] = probabilities[best]
    return kept / kept.sum()


@keep_top_p.wrong(
    "The running total followed the order of the vocabulary: sort by probability first."
)
def top_p_in_given_order(probabilities, p):
    reached = np.cumsum(probabilities)
    kept = np.where(reached - probabilities < p, probabilities, 0)
    return kept / kept.sum()


@keep_top_p.wrong(
    "The result is in sorted order: put each probability back in its token's place."
)
def top_p_left_sorted(probabilities, p):
    return np.sort(keep_top_p(probabilities, p))[::-1]


# bits_per_dimension


def bits_inputs(rng):
    yield {"nats": rng.uniform(60, 120, size=3), "shape": [28, 28, 1]}
    yield {"nats": rng.uniform(5000, 9000, size=2), "shape": [32, 32, 3]}


@problem(
    title=Text(en="Bits per dimension", zh="每维比特数（bits/dim）"),
    statement=Text(
        en=(
            "A model reports the negative log-likelihood of each image in nats. "
            "Papers compare models by bits per dimension, where every number of "
            "the image (rows x columns x channels) is one dimension. Convert."
        ),
        zh=(
            "模型给出每张图像的负对数似然，单位为奈特（nat）。论文通常用每维比特"
            "数比较模型，图像中的每个数（行 × 列 × 通道）算作一维。请完成换算。"
        ),
    ),
    limits=Text(
        en=(
            "`nats`: (images,); `shape`: list of rows, columns, channels. Return "
            "one number for each image. NumPy."
        ),
        zh=(
            "`nats` 的形状为 (images,)；`shape` 为 [行, 列, 通道]。每张图像返回一"
            "个数。使用 NumPy。"
        ),
    ),
    examples=["bits_per_dimension(np.array([4 * np.log(2)]), [2, 2, 1]) -> [1.0]"],
    topic="autoregressive",
    level="junior",
    inputs=bits_inputs,
    tolerance=1e-6,
    hints=[
        "One bit is log(2) nats, about 0.693. Does the number grow or shrink when you "
        "go from nats to bits?",
        "Divide by log(2) and by the number of dimensions, np.prod(shape).",
    ],
)
def bits_per_dimension(nats, shape):
    return nats / (np.log(2) * np.prod(shape))


@bits_per_dimension.also_right
def bits_by_base_change(nats, shape):
    bits = np.asarray(nats) * np.log2(np.e)
    for size in shape:
        bits = bits / size
    return bits


@bits_per_dimension.wrong(
    "These are bits for each image: divide by the number of dimensions."
)
def bits_per_image(nats, shape):
    return nats / np.log(2)


@bits_per_dimension.wrong("These are nats for each dimension: divide by log(2).")
def nats_per_dimension(nats, shape):
    return nats / np.prod(shape)


@bits_per_dimension.wrong(
    "A nat is 1.44 bits: divide by log(2) instead of multiplying."
)
def bits_multiplied(nats, shape):
    return nats * np.log(2) / np.prod(shape)


@bits_per_dimension.wrong(
    "The channels count as dimensions, too: a colour image has three for each pixel."
)
def bits_per_pixel_position(nats, shape):
    return nats / np.log(2) / (shape[0] * shape[1])


@bits_per_dimension.wrong("Return one number for each image.")
def bits_averaged(nats, shape):
    return np.mean(bits_per_dimension(nats, shape))


# perplexity


def perplexity_inputs(rng):
    for real in ([[1, 1, 1, 1], [1, 0, 0, 0]], [[1, 1, 0], [1, 1, 1], [1, 0, 0]]):
        real = np.array(real)
        probabilities = rng.uniform(0.3, 0.9, size=real.shape)
        probabilities[-1] /= 8  # the short sentence is the surprising one
        log_probabilities = np.log(probabilities)
        yield {"log_probabilities": log_probabilities, "real": real}


@problem(
    title=Text(en="Perplexity of padded sentences", zh="含填充句子的困惑度"),
    statement=Text(
        en=(
            "`log_probabilities` holds the natural logarithm of the probability "
            "that a model gave to each token of some sentences; `real` is 1 at "
            "real tokens and 0 at padding. Return the perplexity: e to the power "
            "of the average negative log-probability of a real token, over all "
            "sentences together."
        ),
        zh=(
            "`log_probabilities` 为模型给各句子中每个词元的概率的自然对数；"
            "`real` 在真实词元处为 1，在填充处为 0。请返回困惑度：对所有句子中的"
            "真实词元求平均负对数概率，再取以 e 为底的指数。"
        ),
    ),
    limits=Text(
        en=(
            "Both (sentences, longest). The values at padding are meaningless "
            "and must not matter. Return one number. NumPy."
        ),
        zh=(
            "两者形状均为 (sentences, longest)。填充处的数值没有意义，不得影响结"
            "果。返回一个数。使用 NumPy。"
        ),
    ),
    examples=[
        "perplexity(np.log([[0.5, 0.125], [0.25, 0.9]]), np.array([[1, 1], [1, "
        "0]])) -> 4.0"
    ],
    topic="autoregressive",
    level="junior",
    inputs=perplexity_inputs,
    hints=[
        "A perplexity of 4 means: as unsure as a choice among 4 equally likely tokens.",
        "Add up the log-probabilities of the real tokens of all sentences and divide "
        "once, by their number.",
        "np.exp(-np.sum(log_probabilities * real) / np.sum(real))",
    ],
)
def perplexity(log_probabilities, real):
    return np.exp(-np.sum(log_probabilities * real) / np.sum(real))


@perplexity.also_right
def perplexity_as_geometric_mean(log_probabilities, real):
    chosen = np.exp(log_probabilities[real > 0])
    return 1 / np.prod(chosen ** (1 / len(chosen)))


@perplexity.wrong("The padding takes part: `real` is not used.")
def perplexity_with_padding(log_probabilities, real):
    return np.exp(-np.mean(log_probabilities))


@perplexity.wrong(
    "The sum leaves out the padding but the division counts it: divide by the number "
    "of real tokens."
)
def perplexity_of_all_places(log_probabilities, real):
    return np.exp(-np.mean(log_probabilities * real))


@perplexity.wrong(
    "You averaged the perplexities of the sentences: average the log-probabilities of "
    "all tokens first."
)
def perplexity_of_sentences(log_probabilities, real):
    means = np.sum(log_probabilities * real, axis=1) / np.sum(real, axis=1)
    return np.mean(np.exp(-means))


@perplexity.wrong(
    "You averaged each sentence first: a short sentence then weighs as much as a long "
    "one. Average over tokens."
)
def perplexity_mean_of_means(log_probabilities, real):
    means = np.sum(log_probabilities * real, axis=1) / np.sum(real, axis=1)
    return np.exp(-np.mean(means))


@perplexity.wrong(
    "You averaged probabilities: average their logarithms, a single very unlikely "
    "token must count fully."
)
def perplexity_of_mean_probability(log_probabilities, real):
    return np.sum(real) / np.sum(np.exp(log_probabilities) * real)


@perplexity.wrong("This is the cross-entropy: the perplexity is e to that power.")
def perplexity_without_exponential(log_probabilities, real):
    return -np.sum(log_probabilities * real) / np.sum(real)


@perplexity.wrong("The logarithms are natural: use e, not 2.")
def perplexity_in_base_two(log_probabilities, real):
    return 2 ** (-np.sum(log_probabilities * real) / np.sum(real))


@perplexity.wrong("The sign is missing: perplexity is at least 1.")
def perplexity_sign(log_probabilities, real):
    return 1 / perplexity(log_probabilities, real)


# accepted_tokens: one round of speculative decoding


def speculation(rng, ahead, tokens):
    guesses = softmax(rng.normal(size=(ahead, tokens)))
    return {
        "draft": rng.integers(tokens, size=ahead),
        "guesses": guesses,
        "target": softmax(rng.normal(size=(ahead + 1, tokens))),
        "chances": rng.uniform(size=ahead),
        "last_chance": float(rng.uniform()),
    }


def speculation_inputs(rng):
    for ahead, tokens in ((1, 3), (2, 4), (3, 5), (4, 3)) * 3:
        yield speculation(rng, ahead, tokens)
    for last in (0.6, 0.65):
        yield {  # refused, and where each way to replace it leads elsewhere
            "draft": np.array([1]),
            "guesses": np.array([[0.25, 0.5, 0.25]]),
            "target": np.array([[0.5, 0.125, 0.375], [0.25, 0.5, 0.25]]),
            "chances": np.array([0.75]),
            "last_chance": last,
        }
    rounds = (((0.0, 0.0, 0.0), 0.5), ((0.0, 0.5, 0.8), 0.7), ((0.0, 0.0, 0.0), 0.375))
    for chances, last in rounds:
        yield {  # whole eighths; a chance of exactly p/q is refused, as is a sum
            "draft": np.array([0, 1, 2]),
            "guesses": np.array(
                [[0.5, 0.25, 0.25], [0.25, 0.5, 0.25], [0.5, 0.25, 0.25]]
            ),
            "target": np.array(
                [
                    [0.25, 0.25, 0.5],
                    [0.25, 0.25, 0.5],
                    [0.125, 0.625, 0.25],
                    [0.125, 0.25, 0.625],
                ]
            ),
            "chances": np.array(chances),
            "last_chance": last,
        }


def drawn(probabilities, chance):
    """The first token at which the running sum exceeds the chance."""
    sums = np.cumsum(probabilities)
    return int(min(np.searchsorted(sums, chance, side="right"), len(sums) - 1))


def excess(target, guess):
    return np.maximum(target - guess, 0)


def speculate(
    draft, guesses, target, chances, last_chance, accepts=None, replace=None, after=True
):
    """One round; `accepts`, `replace` and `after` may differ from what is right."""
    accepts = accepts or (lambda p, q, chance: chance < p / q)
    replace = replace or (lambda p, q: excess(p, q) / excess(p, q).sum())
    found = []
    for place, token in enumerate(draft):
        p, q = target[place], guesses[place]
        if not accepts(p[token], q[token], chances[place]):
            return np.array([*found, drawn(replace(p, q), last_chance)])
        found.append(int(token))
    return np.array([*found, drawn(target[-1], last_chance)] if after else found)


@problem(
    title=Text(en="A round of speculative decoding", zh="一轮投机解码"),
    statement=Text(
        en=(
            "A small model has drafted some tokens; the large one, the target, judged "
            "them all in one pass (Leviathan et al. 2022, arXiv:2211.17192). With $q$ "
            "the small model's probability of a drafted token and $p$ the target's at "
            "the same place, the token is accepted if its chance is below $p/q$. At "
            "the first one refused, draw a token from the distribution proportional "
            "to $\\max(p - q, 0)$ over all tokens instead, and stop. If all are "
            "accepted, draw one more from the target's last distribution. So the "
            "result is distributed as if the target alone had drawn it.\n\n"
            "To draw, take the first token at which the running sum of probabilities "
            "exceeds `last_chance`. Return the tokens of this round."
        ),
        zh=(
            "小模型起草了若干词元，大模型（目标模型）一次前向就给出了全部位置的概率"
            "（Leviathan 等，2022，arXiv:2211.17192）。设 $q$ 是小模型给草稿词元的概"
            "率，$p$ 是目标模型在同一位置给它的概率，若该位置的随机数小于 $p/q$ 则接"
            "受。遇到第一个被拒的词元时，改从与 $\\max(p - q, 0)$（对所有词元计算）成"
            "正比的分布中抽一个，然后停止。若全部接受，再从目标模型的最后一个分布中抽"
            "一个。这样得到的结果与只用目标模型采样同分布。\n\n"
            "抽取方法：取概率累加和首次超过 `last_chance` 的词元。请返回这一轮得到的"
            "词元。"
        ),
    ),
    limits=Text(
        en=(
            "`draft`: (k,); `guesses`: (k, tokens); `target`: (k + 1, tokens); "
            "`chances`: (k,) and `last_chance`: uniform in [0, 1). Returns 1 to k + 1 "
            "tokens. NumPy."
        ),
        zh=(
            "`draft` 为 (k,)，`guesses` 为 (k, tokens)，`target` 为 (k + 1, "
            "tokens)；`chances` (k,) 和 `last_chance` 是 [0, 1) 上的均匀随机数。返回 "
            "1 到 k + 1 个词元。使用 NumPy。"
        ),
    ),
    examples=[
        "draft [0], guesses [[0.5, 0.5]], target [[0.25, 0.75], [0.5, 0.5]], chances "
        "[0.6], last_chance 0.1 -> [1]"
    ],
    topic="autoregressive",
    level="senior",
    inputs=speculation_inputs,
    hints=[
        "Go through the draft place by place; what ends the loop early, and what "
        "happens if nothing does?",
        "Normalise max(p - q, 0) before you draw: its sum is below 1.",
        "np.searchsorted(np.cumsum(probabilities), chance, side='right')",
    ],
)
def accepted_tokens(draft, guesses, target, chances, last_chance):
    return speculate(draft, guesses, target, chances, last_chance)


@accepted_tokens.also_right
def accepted_at_once(draft, guesses, target, chances, last_chance):
    places = np.arange(len(draft))
    good = chances * guesses[places, draft] < target[places, draft]
    count = len(draft) if good.all() else int(good.argmin())
    rest = target[count].copy()
    if count < len(draft):
        rest = (rest - guesses[count]).clip(0)
    token = int((np.cumsum(rest) <= last_chance * rest.sum()).sum())
    return np.array([*draft[:count], token])


@accepted_tokens.wrong(
    "A refused token was replaced by one from the target's own distribution: what the "
    "draft likes would come too often. Draw from max(p - q, 0)."
)
def accepted_then_target(draft, guesses, target, chances, last_chance):
    return speculate(
        draft, guesses, target, chances, last_chance, replace=lambda p, q: p
    )


@accepted_tokens.wrong(
    "max(p - q, 0) was not normalised: its sum is below 1, so that the last token "
    "comes too often."
)
def accepted_unnormalised(draft, guesses, target, chances, last_chance):
    return speculate(draft, guesses, target, chances, last_chance, replace=excess)


@accepted_tokens.wrong(
    "A refused token was replaced by one from |p - q|: what the draft likes too much "
    "has to get 0."
)
def accepted_with_distance(draft, guesses, target, chances, last_chance):
    def distance(p, q):
        return abs(p - q) / abs(p - q).sum()

    return speculate(draft, guesses, target, chances, last_chance, replace=distance)


@accepted_tokens.wrong(
    "When all are accepted, one more token is free: the target has judged the place "
    "behind the draft as well."
)
def accepted_without_bonus(draft, guesses, target, chances, last_chance):
    return speculate(draft, guesses, target, chances, last_chance, after=False)


@accepted_tokens.wrong("The ratio is upside down: p of the target over q of the draft.")
def accepted_upside_down(draft, guesses, target, chances, last_chance):
    return speculate(
        draft,
        guesses,
        target,
        chances,
        last_chance,
        accepts=lambda p, q, chance: chance < q / p,
    )


@accepted_tokens.wrong(
    "A token was accepted only if the target likes it at least as much (p >= q): with "
    "the chance p/q it is accepted otherwise, too."
)
def accepted_if_liked(draft, guesses, target, chances, last_chance):
    return speculate(
        draft,
        guesses,
        target,
        chances,
        last_chance,
        accepts=lambda p, q, chance: p >= q,
    )


@accepted_tokens.wrong("Compared with p alone: the chance has to be below p/q.")
def accepted_by_target(draft, guesses, target, chances, last_chance):
    return speculate(
        draft,
        guesses,
        target,
        chances,
        last_chance,
        accepts=lambda p, q, chance: chance < p,
    )


@accepted_tokens.wrong(
    "The round went on behind a refused token: what follows was drafted for another "
    "text and has to go."
)
def accepted_all_along(draft, guesses, target, chances, last_chance):
    found = []
    for place, token in enumerate(draft):
        p, q = target[place], guesses[place]
        if chances[place] < p[token] / q[token]:
            found.append(int(token))
        else:
            found.append(drawn(excess(p, q) / excess(p, q).sum(), last_chance))
    return np.array([*found, drawn(target[-1], last_chance)])


@accepted_tokens.wrong(
    "The likeliest token was taken: draw with `last_chance`, or the text is no sample "
    "of the target."
)
def accepted_greedily(draft, guesses, target, chances, last_chance):
    count = len(accepted_tokens(draft, guesses, target, chances, last_chance)) - 1
    rest = target[count]
    if count < len(draft):
        rest = excess(rest, guesses[count])
    return np.array([*draft[:count], int(rest.argmax())])
