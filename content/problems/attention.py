"""Coding problems on attention and the parts of a Transformer block."""

import numpy as np

from digitdreams.interview.bank import Text
from digitdreams.interview.problems import problem


def softmax(scores):
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


# causal_attention: scaled dot-product attention that does not look ahead


def attention_inputs(rng):
    for time, width, size in ((4, 3, 2), (6, 8, 5)):
        yield {
            "queries": 2 * rng.normal(size=(time, width)),
            "keys": 2 * rng.normal(size=(time, width)),
            "values": rng.normal(size=(time, size)),
        }


def scaled_scores(queries, keys):
    return queries @ keys.T / np.sqrt(queries.shape[-1])


@problem(
    title=Text(
        en="Scaled dot-product attention with a causal mask",
        zh="带因果掩码的缩放点积注意力",
    ),
    statement=Text(
        en=(
            "Position `i` of a sequence may look at itself and at everything "
            "before it, never at what comes later. Compute `softmax(Q K^T / "
            "sqrt(d)) V` under this rule, where `d` is the length of one query. "
            "Return one row for each position."
        ),
        zh=(
            "序列中的第 `i` 个位置只能看到自己和它之前的位置，不能看到后面的内"
            "容。请在这一约束下计算 `softmax(Q K^T / sqrt(d)) V`，其中 `d` 是单个"
            "查询向量的维度。返回值的每一行对应一个位置。"
        ),
    ),
    limits=Text(
        en=(
            "`queries` and `keys`: (time, d); `values`: (time, size); at most "
            "1,000 positions. NumPy."
        ),
        zh=(
            "`queries` 与 `keys` 的形状为 (time, d)，`values` 为 (time, size)，位"
            "置数不超过 1000。使用 NumPy。"
        ),
    ),
    examples=[
        "causal_attention(np.zeros((2, 1)), np.zeros((2, 1)), np.array([[1.0], "
        "[3.0]])) -> [[1.0], [2.0]]"
    ],
    topic="attention",
    level="middle",
    inputs=attention_inputs,
    hints=[
        "The scores form a square: row = who looks, column = who is looked at. Which "
        "triangle is allowed?",
        "A forbidden score must come out of the softmax as exactly 0. Which number "
        "has the exponential 0?",
        "np.where(np.tril(...) > 0, scores, -np.inf), then a softmax over the last "
        "axis, then @ values",
    ],
)
def causal_attention(queries, keys, values):
    scores = scaled_scores(queries, keys)
    allowed = np.tril(np.ones(scores.shape, bool))
    return softmax(np.where(allowed, scores, -np.inf)) @ values


@causal_attention.also_right
def attention_row_by_row(queries, keys, values):
    rows = []
    for i, query in enumerate(queries):
        weights = np.exp(keys[: i + 1] @ query / len(query) ** 0.5)
        rows.append(weights @ values[: i + 1] / weights.sum())
    return np.stack(rows)


@causal_attention.wrong("Nothing is masked: every position sees the later ones.")
def attention_to_everything(queries, keys, values):
    return softmax(scaled_scores(queries, keys)) @ values


@causal_attention.wrong(
    "The scores are not divided by sqrt(d): with long vectors the softmax saturates."
)
def attention_unscaled(queries, keys, values):
    return causal_attention(queries * np.sqrt(queries.shape[-1]), keys, values)


@causal_attention.wrong("The scores are divided by d: divide by its square root.")
def attention_over_width(queries, keys, values):
    return causal_attention(queries / np.sqrt(queries.shape[-1]), keys, values)


@causal_attention.wrong(
    "The mask is the other way round: each position sees only itself and what comes "
    "later."
)
def attention_looks_ahead(queries, keys, values):
    scores = scaled_scores(queries, keys)
    allowed = np.triu(np.ones(scores.shape, bool))
    return softmax(np.where(allowed, scores, -np.inf)) @ values


@causal_attention.wrong(
    "A position must see itself as well: the first row has nothing left to look at and "
    "becomes NaN."
)
def attention_without_itself(queries, keys, values):
    scores = scaled_scores(queries, keys)
    allowed = np.tril(np.ones(scores.shape, bool), -1)
    with np.errstate(invalid="ignore"):
        return softmax(np.where(allowed, scores, -np.inf)) @ values


@causal_attention.wrong(
    "Masked scores were set to 0, and exp(0) = 1 still has weight: set them to -inf "
    "before the softmax."
)
def attention_zero_scores(queries, keys, values):
    return softmax(np.tril(scaled_scores(queries, keys))) @ values


@causal_attention.wrong(
    "The mask came after the softmax: the remaining weights no longer add up to 1."
)
def attention_masked_late(queries, keys, values):
    return np.tril(softmax(scaled_scores(queries, keys))) @ values


# padding_weights: attention weights that leave out padded keys


def padding_inputs(rng):
    yield {"scores": 2 * rng.normal(size=(3, 4, 4)), "lengths": np.array([4, 2, 3])}
    yield {"scores": 2 * rng.normal(size=(2, 5, 5)), "lengths": np.array([1, 3])}
    yield {"scores": 2 * rng.normal(size=(2, 3, 5)), "lengths": np.array([5, 2])}


@problem(
    title=Text(
        en="Attention weights without the padding", zh="屏蔽填充位置的注意力权重"
    ),
    statement=Text(
        en=(
            "Sentences of different length were padded at the end to make one "
            "batch. Turn the attention scores into weights so that no position "
            "gives any weight to a padded key. Each row of weights must add up "
            "to 1. The rows of padded queries are computed like all others (the "
            "loss leaves them out later)."
        ),
        zh=(
            "为了组成一个批次，长短不一的句子在末尾做了填充。请把注意力分数变成权"
            "重，使任何位置都不会把权重分给填充的键；每一行权重之和必须为 1。填充"
            "查询所在的行照常计算（之后由损失函数忽略）。"
        ),
    ),
    limits=Text(
        en=(
            "`scores`: (batch, queries, keys); `lengths`: (batch,) integers, at "
            "least 1. NumPy."
        ),
        zh=(
            "`scores` 的形状为 (batch, queries, keys)；`lengths` 的形状为 "
            "(batch,)，为不小于 1 的整数。使用 NumPy。"
        ),
    ),
    examples=[
        "padding_weights(np.zeros((1, 1, 3)), np.array([2])) -> [[[0.5, 0.5, 0.0]]]"
    ],
    topic="attention",
    level="junior",
    inputs=padding_inputs,
    hints=[
        "Which keys are real? Compare np.arange(keys) with each length.",
        "The comparison must have the shape (batch, 1, keys), so that it is the same "
        "for every query.",
        "np.where(np.arange(keys) < lengths[:, None, None], scores, -np.inf), then "
        "softmax over the last axis",
    ],
)
def padding_weights(scores, lengths):
    real = np.arange(scores.shape[-1]) < lengths[:, None, None]
    return softmax(np.where(real, scores, -np.inf))


@padding_weights.also_right
def padding_weights_one_by_one(scores, lengths):
    weights = np.zeros_like(scores)
    for row, (one, length) in enumerate(zip(scores, lengths, strict=True)):
        part = np.exp(one[:, :length])
        weights[row, :, :length] = part / part.sum(axis=1, keepdims=True)
    return weights


@padding_weights.wrong("The padding still takes part: `lengths` is not used.")
def padding_ignored(scores, lengths):
    return softmax(scores)


@padding_weights.wrong(
    "You masked the queries (rows). The padded keys (columns) are what must get no "
    "weight."
)
def padding_of_queries(scores, lengths):
    real = np.arange(scores.shape[-2]) < lengths[:, None]
    return softmax(scores) * real[:, :, None]


@padding_weights.wrong("A score of 0 is not a weight of 0, since exp(0) = 1: use -inf.")
def padding_scores_zero(scores, lengths):
    real = np.arange(scores.shape[-1]) < lengths[:, None, None]
    return softmax(scores * real)


@padding_weights.wrong(
    "The padded keys lost their weight, but the rest does not add up to 1: mask before "
    "the softmax."
)
def padding_not_renormalised(scores, lengths):
    real = np.arange(scores.shape[-1]) < lengths[:, None, None]
    return softmax(scores) * real


@padding_weights.wrong("The mask is inverted: only the padding gets weight.")
def padding_inverted(scores, lengths):
    real = np.arange(scores.shape[-1]) < lengths[:, None, None]
    with np.errstate(invalid="ignore"):
        return softmax(np.where(real, -np.inf, scores))


@padding_weights.wrong(
    "One padded key is let through: with length n the real keys are 0 to n - 1."
)
def padding_one_too_many(scores, lengths):
    return padding_weights(scores, lengths + 1)


# split_heads and merge_heads


def split_inputs(rng):
    yield {"x": rng.normal(size=(2, 3, 8)), "heads": 4}
    yield {"x": rng.normal(size=(1, 4, 6)), "heads": 2}


@problem(
    title=Text(en="Split into attention heads", zh="拆分成多个注意力头"),
    statement=Text(
        en=(
            "Cut the last axis of `x` into `heads` equal neighbouring parts and "
            "bring the heads in front of time: (batch, time, width) becomes "
            "(batch, heads, time, width / heads). Head 0 gets the first numbers "
            "of each vector."
        ),
        zh=(
            "把 `x` 的最后一个轴切成 `heads` 个相邻的等长部分，并把头这一维移到时"
            "间维之前：(batch, time, width) 变为 (batch, heads, time, width / "
            "heads)。第 0 个头取每个向量最前面的那一段。"
        ),
    ),
    limits=Text(
        en="`heads` divides the width. No loop over positions. NumPy.",
        zh="`heads` 能整除宽度。不要对位置写循环。使用 NumPy。",
    ),
    examples=[
        "split_heads(np.arange(8).reshape(1, 2, 4), 2) -> [[[[0, 1], [4, 5]], "
        "[[2, 3], [6, 7]]]]"
    ],
    topic="attention",
    level="junior",
    inputs=split_inputs,
    hints=[
        "A reshape may cut an axis in two, but it must not carry numbers from one "
        "position to another.",
        "First (batch, time, heads, width // heads), then exchange the two middle "
        "axes.",
    ],
)
def split_heads(x, heads):
    batch, time, width = x.shape
    return x.reshape(batch, time, heads, width // heads).transpose(0, 2, 1, 3)


@split_heads.also_right
def split_by_slices(x, heads):
    return np.stack(np.split(x, heads, axis=-1), axis=1)


@split_heads.wrong(
    "A reshape alone mixes positions: the shape is right and the numbers are in the "
    "wrong places. Cut the last axis, then transpose."
)
def split_without_transpose(x, heads):
    batch, time, width = x.shape
    return x.reshape(batch, heads, time, width // heads)


@split_heads.wrong(
    "The heads still stand behind time: transpose to (batch, heads, time, size)."
)
def split_left_inside(x, heads):
    batch, time, width = x.shape
    return x.reshape(batch, time, heads, width // heads)


@split_heads.wrong(
    "The heads take every n-th number: each head is to get neighbouring ones."
)
def split_interleaved(x, heads):
    batch, time, width = x.shape
    return x.reshape(batch, time, width // heads, heads).transpose(0, 3, 1, 2)


def merge_inputs(rng):
    yield {"x": rng.normal(size=(2, 4, 3, 2))}
    yield {"x": rng.normal(size=(1, 2, 5, 3))}


@problem(
    title=Text(en="Merge the attention heads", zh="合并注意力头"),
    statement=Text(
        en=(
            "Undo the splitting into heads: (batch, heads, time, size) becomes "
            "(batch, time, heads * size), with head 0 first in each vector."
        ),
        zh=(
            "把拆分的注意力头还原：(batch, heads, time, size) 变为 (batch, time, "
            "heads * size)，每个向量中第 0 个头排在最前。"
        ),
    ),
    limits=Text(
        en="No loop over positions. NumPy.", zh="不要对位置写循环。使用 NumPy。"
    ),
    examples=[
        "merge_heads(np.array([[[[0, 1], [4, 5]], [[2, 3], [6, 7]]]])) -> [[[0, "
        "1, 2, 3], [4, 5, 6, 7]]]"
    ],
    topic="attention",
    level="junior",
    inputs=merge_inputs,
    hints=[
        "Which axes must be neighbours before a reshape may join them?",
        "Transpose to (batch, time, heads, size) first, then reshape.",
    ],
)
def merge_heads(x):
    batch, heads, time, size = x.shape
    return x.transpose(0, 2, 1, 3).reshape(batch, time, heads * size)


@merge_heads.also_right
def merge_by_joining(x):
    return np.concatenate([x[:, head] for head in range(x.shape[1])], axis=-1)


@merge_heads.wrong(
    "A reshape alone puts parts of different positions into one vector: transpose to "
    "(batch, time, heads, size) first."
)
def merge_without_transpose(x):
    batch, heads, time, size = x.shape
    return x.reshape(batch, time, heads * size)


@merge_heads.wrong(
    "The numbers of the heads are interleaved: head 0 must come first as a whole."
)
def merge_wrong_axes(x):
    batch, heads, time, size = x.shape
    return x.transpose(0, 2, 3, 1).reshape(batch, time, heads * size)


@merge_heads.wrong("The heads are put side by side, not averaged.")
def merge_by_mean(x):
    return x.mean(axis=1)


# sinusoidal_positions


def positions_inputs(rng):
    yield {"length": int(rng.integers(5, 9)), "width": 6}
    yield {"length": 12, "width": int(2 * rng.integers(4, 8))}


@problem(
    title=Text(en="Sinusoidal positions", zh="正弦位置编码"),
    statement=Text(
        en=(
            "Build the table of positions of the original Transformer (Vaswani "
            "et al. 2017, arXiv:1706.03762): entry `[p, 2i]` is `sin(p / "
            "10000**(2i / width))` and entry `[p, 2i + 1]` is the cosine of the "
            "same angle. Positions begin at 0."
        ),
        zh=(
            "构造原始 Transformer（Vaswani 等，2017，arXiv:1706.03762）的位置编码"
            "表：元素 `[p, 2i]` 为 `sin(p / 10000**(2i / width))`，元素 `[p, 2i "
            "+ 1]` 为同一角度的余弦。位置从 0 开始。"
        ),
    ),
    limits=Text(
        en="`width` is even. Return an array of shape (length, width). NumPy.",
        zh="`width` 为偶数。返回形状为 (length, width) 的数组。使用 NumPy。",
    ),
    examples=["sinusoidal_positions(2, 2) -> [[0.0, 1.0], [0.841471, 0.540302]]"],
    topic="attention",
    level="junior",
    inputs=positions_inputs,
    hints=[
        "Two columns share one angle. How many different angles does a position have?",
        "angles = np.arange(length)[:, None] / 10000 ** (np.arange(0, width, 2) / "
        "width)",
        "Sines go to table[:, 0::2], cosines to table[:, 1::2].",
    ],
)
def sinusoidal_positions(length, width):
    position = np.arange(length)[:, None]
    angles = position / 10000 ** (np.arange(0, width, 2) / width)
    return np.stack([np.sin(angles), np.cos(angles)], -1).reshape(length, width)


@sinusoidal_positions.also_right
def positions_one_by_one(length, width):
    table = np.empty((length, width))
    for place in range(length):
        for i in range(width // 2):
            angle = place * np.exp(-2 * i / width * np.log(1e4))
            table[place, 2 * i : 2 * i + 2] = np.sin(angle), np.cos(angle)
    return table


@sinusoidal_positions.wrong(
    "All sines stand in front of all cosines. Many programs do that, but here they "
    "alternate: sine, cosine, sine, cosine."
)
def positions_in_halves(length, width):
    table = sinusoidal_positions(length, width)
    return np.concatenate([table[:, ::2], table[:, 1::2]], axis=1)


@sinusoidal_positions.wrong("Sine and cosine are swapped: even columns hold the sine.")
def positions_swapped(length, width):
    table = sinusoidal_positions(length, width)
    return table.reshape(length, -1, 2)[:, :, ::-1].reshape(length, width)


@sinusoidal_positions.wrong(
    "The exponent is i / width: it must be 2i / width, so that the wavelengths reach "
    "10000."
)
def positions_half_exponent(length, width):
    angles = np.arange(length)[:, None] / 10000 ** (np.arange(width // 2) / width)
    return np.stack([np.sin(angles), np.cos(angles)], -1).reshape(length, width)


@sinusoidal_positions.wrong(
    "Each column got an angle of its own: columns 2i and 2i + 1 share one."
)
def positions_exponent_of_column(length, width):
    angles = np.arange(length)[:, None] / 10000 ** (np.arange(width) / width)
    even = np.arange(width) % 2 == 0
    return np.where(even, np.sin(angles), np.cos(angles))


@sinusoidal_positions.wrong("Positions begin at 0, not at 1.")
def positions_from_one(length, width):
    return sinusoidal_positions(length + 1, width)[1:]


# layer_norm


def layer_norm_inputs(rng):
    for shape in ((2, 3, 4), (3, 6)):
        yield {
            "x": 0.2 * rng.normal(size=shape) + 1,
            "gain": 1 + 0.5 * rng.normal(size=shape[-1]),
            "bias": rng.normal(size=shape[-1]),
            "epsilon": 0.01,
        }


@problem(
    title=Text(en="Layer normalisation", zh="层归一化"),
    statement=Text(
        en=(
            "Bring every vector along the last axis of `x` to mean 0 and "
            "variance 1, then multiply by `gain` and add `bias`. The variance is "
            "the mean squared deviation, and `epsilon` is added to it before the "
            "root."
        ),
        zh=(
            "沿 `x` 的最后一个轴，把每个向量变为均值 0、方差 1，再乘以 `gain`、加"
            "上 `bias`。方差取偏差平方的均值，开方之前先加上 `epsilon`。"
        ),
    ),
    limits=Text(
        en="`x`: any shape (..., width); `gain` and `bias`: (width,). NumPy.",
        zh=(
            "`x` 为任意形状 (..., width)；`gain` 与 `bias` 的形状为 (width,)。使"
            "用 NumPy。"
        ),
    ),
    examples=[
        "layer_norm(np.array([[1.0, 3.0]]), np.ones(2), np.zeros(2), 0.0) -> "
        "[[-1.0, 1.0]]"
    ],
    topic="attention",
    level="junior",
    inputs=layer_norm_inputs,
    hints=[
        "Every vector is normalised by itself: the statistics belong to the last axis.",
        "keepdims=True lets the mean and the variance be subtracted and divided "
        "without a reshape.",
        "gain * (x - mean) / np.sqrt(variance + epsilon) + bias",
    ],
)
def layer_norm(x, gain, bias, epsilon):
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = np.mean(centred**2, axis=-1, keepdims=True)
    return gain * centred / np.sqrt(variance + epsilon) + bias


@layer_norm.also_right
def layer_norm_by_moments(x, gain, bias, epsilon):
    mean = x.sum(-1, keepdims=True) / x.shape[-1]
    variance = (x * x).sum(-1, keepdims=True) / x.shape[-1] - mean**2
    return (x - mean) * (gain * (variance + epsilon) ** -0.5) + bias


@layer_norm.wrong(
    "You normalised over the first axis, as batch normalisation does: take the last "
    "axis."
)
def norm_over_batch(x, gain, bias, epsilon):
    centred = x - x.mean(axis=0)
    return gain * centred / np.sqrt(x.var(axis=0) + epsilon) + bias


@layer_norm.wrong("One mean for the whole array: each vector has its own.")
def norm_over_everything(x, gain, bias, epsilon):
    return gain * (x - x.mean()) / np.sqrt(x.var() + epsilon) + bias


@layer_norm.wrong("epsilon belongs under the root, beside the variance.")
def norm_epsilon_outside(x, gain, bias, epsilon):
    centred = x - x.mean(axis=-1, keepdims=True)
    return gain * centred / (x.std(axis=-1, keepdims=True) + epsilon) + bias


@layer_norm.wrong("You divided by the variance: divide by its root.")
def norm_by_variance(x, gain, bias, epsilon):
    centred = x - x.mean(axis=-1, keepdims=True)
    return gain * centred / (x.var(axis=-1, keepdims=True) + epsilon) + bias


@layer_norm.wrong("This is the sample variance with n - 1: divide by n.")
def norm_of_sample(x, gain, bias, epsilon):
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = x.var(axis=-1, ddof=1, keepdims=True)
    return gain * centred / np.sqrt(variance + epsilon) + bias


@layer_norm.wrong("The mean is not subtracted: this is RMS normalisation.")
def norm_of_squares(x, gain, bias, epsilon):
    square = np.mean(x**2, axis=-1, keepdims=True)
    return gain * x / np.sqrt(square + epsilon) + bias


@layer_norm.wrong("`gain` and `bias` are not used.")
def norm_without_gain(x, gain, bias, epsilon):
    return layer_norm(x, np.ones_like(gain), np.zeros_like(bias), epsilon)


# rotate_positions: rotary position embedding


def rotary_inputs(rng):
    yield {"x": rng.normal(size=(4, 4)), "start": 0}
    yield {"x": rng.normal(size=(3, 6)), "start": int(rng.integers(2, 9))}


def rotary_angles(x, start):
    time, width = x.shape
    places = start + np.arange(time)
    return places[:, None] / 10000 ** (np.arange(0, width, 2) / width)


@problem(
    title=Text(en="Rotary positions", zh="旋转位置编码（RoPE）"),
    statement=Text(
        en=(
            "Rotary embedding (Su et al. 2021, arXiv:2104.09864) turns each pair "
            "of neighbouring numbers `(x[2i], x[2i + 1])` of a query or key by "
            "the angle `p / 10000**(2i / width)`, counter-clockwise, where `p` "
            "is the position. Row 0 of `x` stands at position `start`. Return "
            "the turned rows."
        ),
        zh=(
            "旋转位置编码（Su 等，2021，arXiv:2104.09864）把查询或键中相邻的一对"
            "数 `(x[2i], x[2i + 1])` 逆时针旋转角度 `p / 10000**(2i / width)`，其"
            "中 `p` 为位置。`x` 的第 0 行位于位置 `start`。请返回旋转后的各行。"
        ),
    ),
    limits=Text(
        en=(
            "`x`: (time, width) with an even width; `start`: an integer, 0 or "
            "more. NumPy."
        ),
        zh=("`x` 的形状为 (time, width)，宽度为偶数；`start` 为非负整数。使用 NumPy。"),
    ),
    examples=["rotate_positions(np.array([[1.0, 0.0]]), 1) -> [[0.540302, 0.841471]]"],
    topic="attention",
    level="senior",
    inputs=rotary_inputs,
    hints=[
        "A turn by the angle a takes (x, y) to (x cos a - y sin a, x sin a + y cos a).",
        "The angles have the shape (time, width // 2): one for each position and pair.",
        "even, odd = x[:, ::2], x[:, 1::2]; write the two results back into the same "
        "columns",
    ],
)
def rotate_positions(x, start):
    angles = rotary_angles(x, start)
    even, odd = x[:, ::2], x[:, 1::2]
    turned = [
        even * np.cos(angles) - odd * np.sin(angles),
        even * np.sin(angles) + odd * np.cos(angles),
    ]
    return np.stack(turned, axis=-1).reshape(x.shape)


@rotate_positions.also_right
def rotate_as_complex(x, start):
    turned = (x[:, ::2] + 1j * x[:, 1::2]) * np.exp(1j * rotary_angles(x, start))
    return np.stack([turned.real, turned.imag], axis=-1).reshape(x.shape)


@rotate_positions.wrong(
    "The turn goes clockwise: check the sign of the two sine terms."
)
def rotate_backwards(x, start):
    angles = rotary_angles(x, start)
    turned = (x[:, ::2] + 1j * x[:, 1::2]) * np.exp(-1j * angles)
    return np.stack([turned.real, turned.imag], axis=-1).reshape(x.shape)


@rotate_positions.wrong(
    "You paired the first half with the second, as some libraries do: here "
    "neighbouring numbers form a pair. Weights trained with one layout do not work "
    "with the other."
)
def rotate_halves(x, start):
    angles = rotary_angles(x, start)
    first, second = np.split(x, 2, axis=1)
    turned = (first + 1j * second) * np.exp(1j * angles)
    return np.concatenate([turned.real, turned.imag], axis=1)


@rotate_positions.wrong(
    "`start` is not used: with a key-value cache the new rows do not stand at position "
    "0."
)
def rotate_without_start(x, start):
    return rotate_positions(x, 0)


@rotate_positions.wrong(
    "All pairs turn at the same speed: pair i turns by p / 10000**(2i / width)."
)
def rotate_one_speed(x, start):
    places = start + np.arange(len(x))
    turned = (x[:, ::2] + 1j * x[:, 1::2]) * np.exp(1j * places[:, None])
    return np.stack([turned.real, turned.imag], axis=-1).reshape(x.shape)


@rotate_positions.wrong(
    "This adds a sinusoidal table: rotary positions multiply, they turn the vector and "
    "keep its length."
)
def rotate_by_adding(x, start):
    angles = rotary_angles(x, start)
    table = np.stack([np.sin(angles), np.cos(angles)], axis=-1)
    return x + table.reshape(x.shape)


# cached_attention_step: one step of decoding with a key-value cache


def cache_inputs(rng):
    for time, width, size in ((3, 4, 2), (1, 3, 3)):
        yield {
            "query": rng.normal(size=width),
            "key": rng.normal(size=width),
            "value": rng.normal(size=size),
            "cached_keys": rng.normal(size=(time, width)),
            "cached_values": rng.normal(size=(time, size)),
        }


def attend(query, keys, values):
    return softmax(keys @ query / np.sqrt(len(query))) @ values


@problem(
    title=Text(
        en="One step of decoding with a key-value cache", zh="使用 KV 缓存的单步解码"
    ),
    statement=Text(
        en=(
            "A model writes one token at a time. The keys and values of the "
            "earlier tokens are kept, so that only the new token has to be "
            "computed. Given the new token's query, key and value and the two "
            "caches, return `[output, keys, values]`: the attention output of "
            "the new token (it sees all earlier tokens and itself, scores "
            "divided by `sqrt(d)`) and the caches for the next step, newest row "
            "last."
        ),
        zh=(
            "模型每次生成一个词元。之前词元的键和值被保存下来，因此只需计算新词"
            "元。给定新词元的查询、键、值以及两个缓存，返回 `[output, keys, "
            "values]`：新词元的注意力输出（它能看到之前的所有词元和它自己，分数除"
            "以 `sqrt(d)`），以及供下一步使用的缓存，最新的一行放在最后。"
        ),
    ),
    limits=Text(
        en=(
            "`query` and `key`: (d,); `value`: (size,); caches: (time, d) and "
            "(time, size). One head, no batch. Do not change the caches in "
            "place. NumPy."
        ),
        zh=(
            "`query`、`key` 的形状为 (d,)，`value` 为 (size,)，缓存为 (time, d) "
            "和 (time, size)。单头、无批次维。不要原地修改缓存。使用 NumPy。"
        ),
    ),
    examples=[
        "cached_attention_step(np.zeros(1), np.zeros(1), np.array([3.0]), "
        "np.zeros((1, 1)), np.array([[1.0]])) -> [[2.0], [[0.0], [0.0]], [[1.0], "
        "[3.0]]]"
    ],
    topic="attention",
    level="middle",
    inputs=cache_inputs,
    hints=[
        "No mask is needed: everything in the cache is earlier than the new token.",
        "Append first, then attend: the new token must be able to see itself.",
        "keys = np.vstack([cached_keys, key]); weights = softmax(keys @ query / "
        "np.sqrt(d))",
    ],
)
def cached_attention_step(query, key, value, cached_keys, cached_values):
    keys = np.vstack([cached_keys, key])
    values = np.vstack([cached_values, value])
    return [attend(query, keys, values), keys, values]


@cached_attention_step.also_right
def cached_step_through_causal(query, key, value, cached_keys, cached_values):
    keys = np.concatenate([cached_keys, key[None]])
    values = np.concatenate([cached_values, value[None]])
    queries = np.repeat(query[None], len(keys), axis=0)
    return [causal_attention(queries, keys, values)[-1], keys, values]


@cached_attention_step.wrong(
    "The new token does not see itself: append its key and value before attending."
)
def cache_without_new(query, key, value, cached_keys, cached_values):
    keys = np.vstack([cached_keys, key])
    values = np.vstack([cached_values, value])
    return [attend(query, cached_keys, cached_values), keys, values]


@cached_attention_step.wrong(
    "The caches were returned as they came: the next step would forget this token."
)
def cache_not_grown(query, key, value, cached_keys, cached_values):
    keys = np.vstack([cached_keys, key])
    values = np.vstack([cached_values, value])
    return [attend(query, keys, values), cached_keys, cached_values]


@cached_attention_step.wrong(
    "The new row stands first: rows are in the order of the tokens, newest last."
)
def cache_new_in_front(query, key, value, cached_keys, cached_values):
    keys = np.vstack([key, cached_keys])
    values = np.vstack([value, cached_values])
    return [attend(query, keys, values), keys, values]


@cached_attention_step.wrong("The scores are not divided by sqrt(d).")
def cache_unscaled(query, key, value, cached_keys, cached_values):
    keys = np.vstack([cached_keys, key])
    values = np.vstack([cached_values, value])
    return [softmax(keys @ query) @ values, keys, values]


@cached_attention_step.wrong(
    "The weighted sum runs over the keys: it runs over the values."
)
def cache_keys_as_values(query, key, value, cached_keys, cached_values):
    keys = np.vstack([cached_keys, key])
    values = np.vstack([cached_values, value])
    return [attend(query, keys, keys), keys, values]
