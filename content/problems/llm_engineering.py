"""Coding problems on the parts of today's language models."""

import numpy as np
from scipy.special import expit, softmax

from digitdreams.interview.bank import Text
from digitdreams.interview.problems import problem

# rms_norm ---------------------------------------------------------------------------


def norm_inputs(rng):
    yield {"x": rng.normal(size=(3, 4)), "gain": rng.normal(size=4), "epsilon": 1e-6}
    yield {
        "x": 2 + rng.normal(size=(2, 3, 5)),
        "gain": rng.uniform(0.5, 2, size=5),
        "epsilon": 1e-6,
    }
    yield {
        "x": 0.1 * rng.normal(size=(2, 3)),
        "gain": np.ones(3),
        "epsilon": 0.05,
    }


@problem(
    title=Text(en="RMSNorm", zh="均方根归一化（RMSNorm）"),
    statement=Text(
        en=(
            "Divide each vector by its root mean square and multiply with the gain "
            "(Zhang and Sennrich 2019, arXiv:1910.07467):\n\n"
            "$$y_j = g_j \\frac{x_j}{\\sqrt{\\tfrac1d \\sum_i x_i^2 + \\epsilon}}$$"
        ),
        zh=(
            "把每个向量除以它的均方根，再乘以增益（Zhang 和 Sennrich，2019，"
            "arXiv:1910.07467）：\n\n"
            "$$y_j = g_j \\frac{x_j}{\\sqrt{\\tfrac1d \\sum_i x_i^2 + \\epsilon}}$$"
        ),
    ),
    limits=Text(
        en="`x`: (..., d); `gain`: (d,); `epsilon` > 0. NumPy.",
        zh="`x` 的形状为 (..., d)，`gain` 为 (d,)，`epsilon` > 0。使用 NumPy。",
    ),
    examples=["rms_norm(np.array([[3.0, 4.0]]), np.ones(2), 1e-6) -> [[0.849, 1.131]]"],
    topic="llm_engineering",
    level="junior",
    inputs=norm_inputs,
    hints=[
        "Over which axis is the mean taken, and what has to stay so that the division "
        "broadcasts?",
        "np.mean(x**2, axis=-1, keepdims=True)",
    ],
)
def rms_norm(x, gain, epsilon):
    return gain * x / np.sqrt(np.mean(x**2, axis=-1, keepdims=True) + epsilon)


@rms_norm.also_right
def norm_from_length(x, gain, epsilon):
    width = x.shape[-1]
    length = np.linalg.norm(x, axis=-1, keepdims=True)
    return x / np.hypot(length / width**0.5, epsilon**0.5) * gain


@rms_norm.wrong(
    "The mean was subtracted: that is layer normalisation. RMSNorm leaves it."
)
def norm_of_layer(x, gain, epsilon):
    return rms_norm(x - x.mean(axis=-1, keepdims=True), gain, epsilon)


@rms_norm.wrong("The squares were added up: take their mean, or the width counts.")
def norm_by_sum(x, gain, epsilon):
    return gain * x / np.sqrt(np.sum(x**2, axis=-1, keepdims=True) + epsilon)


@rms_norm.wrong("The square root is missing: this divides by the mean square.")
def norm_without_root(x, gain, epsilon):
    return gain * x / (np.mean(x**2, axis=-1, keepdims=True) + epsilon)


@rms_norm.wrong("`epsilon` stands outside the root: add it to the mean square.")
def norm_epsilon_outside(x, gain, epsilon):
    return gain * x / (np.sqrt(np.mean(x**2, axis=-1, keepdims=True)) + epsilon)


@rms_norm.wrong("`epsilon` is not used: it keeps a vector of zeros from dividing by 0.")
def norm_without_epsilon(x, gain, epsilon):
    return rms_norm(x, gain, 0.0)


@rms_norm.wrong("`gain` is not used.")
def norm_without_gain(x, gain, epsilon):
    return rms_norm(x, 1.0, epsilon)


@rms_norm.wrong("The mean runs over all of `x`: each vector has its own.")
def norm_of_all(x, gain, epsilon):
    return gain * x / np.sqrt(np.mean(x**2) + epsilon)


@rms_norm.wrong("The mean runs over axis 0: it belongs to the last one, the features.")
def norm_of_first_axis(x, gain, epsilon):
    return gain * x / np.sqrt(np.mean(x**2, axis=0, keepdims=True) + epsilon)


# swiglu -----------------------------------------------------------------------------


def gate_inputs(rng):
    for rows, width, hidden in ((3, 4, 5), (2, 3, 3)):
        yield {
            "x": rng.normal(size=(rows, width)),
            "gate": rng.normal(size=(width, hidden)),
            "up": rng.normal(size=(width, hidden)),
            "down": rng.normal(size=(hidden, width)),
        }


@problem(
    title=Text(en="A SwiGLU feed-forward layer", zh="SwiGLU 前馈层"),
    statement=Text(
        en=(
            "Feed-forward layers of today's language models have three matrices "
            "(Shazeer 2020, arXiv:2002.05202). `gate` and `up` widen the input; the "
            "first passes the SiLU, $z\\,\\sigma(z)$, and is multiplied element by "
            "element with the second; `down` leads back. Return the output."
        ),
        zh=(
            "如今语言模型的前馈层有三个矩阵（Shazeer，2020，arXiv:2002.05202）。"
            "`gate` 和 `up` 把输入升维；前者的结果经过 SiLU（$z\\,\\sigma(z)$），再与后"
            "者的结果逐元素相乘；`down` 变回原来的宽度。请返回输出。"
        ),
    ),
    limits=Text(
        en=(
            "`x`: (tokens, width); `gate`, `up`: (width, hidden); `down`: (hidden, "
            "width). No biases. NumPy."
        ),
        zh=(
            "`x` 的形状为 (tokens, width)；`gate`、`up` 为 (width, hidden)；`down` 为 "
            "(hidden, width)。没有偏置。使用 NumPy。"
        ),
    ),
    examples=[
        "swiglu(np.array([[1.0]]), np.array([[2.0]]), np.array([[3.0]]), "
        "np.array([[1.0]])) -> [[5.285]]"
    ],
    topic="llm_engineering",
    level="junior",
    inputs=gate_inputs,
    hints=[
        "Compute x @ gate first: it is used twice, in the SiLU's two factors.",
        "SiLU(z) = z / (1 + exp(-z))",
    ],
)
def swiglu(x, gate, up, down):
    opening = x @ gate
    return (opening * expit(opening) * (x @ up)) @ down


@swiglu.also_right
def swiglu_by_tanh(x, gate, up, down):
    opening = np.einsum("tw,wh->th", x, gate)
    silu = opening * (1 + np.tanh(opening / 2)) / 2
    return np.einsum("th,th,hw->tw", silu, x @ up, down)


@swiglu.wrong("The gate is a sigmoid here (GLU): SiLU is z times the sigmoid of z.")
def glu(x, gate, up, down):
    return (expit(x @ gate) * (x @ up)) @ down


@swiglu.wrong("The SiLU is on `up`: it belongs to the branch `gate`.")
def swiglu_other_branch(x, gate, up, down):
    return swiglu(x, up, gate, down)


@swiglu.wrong("The branches were added: the gate multiplies.")
def swiglu_added(x, gate, up, down):
    opening = x @ gate
    return (opening * expit(opening) + x @ up) @ down


@swiglu.wrong("`up` is not used: this is an ordinary layer with SiLU.")
def silu_layer(x, gate, up, down):
    opening = x @ gate
    return (opening * expit(opening)) @ down


@swiglu.wrong("There is no SiLU on the gate: two linear branches multiplied.")
def bilinear(x, gate, up, down):
    return ((x @ gate) * (x @ up)) @ down


@swiglu.wrong("The SiLU came after the product: only the gate passes it.")
def swiglu_late(x, gate, up, down):
    product = (x @ gate) * (x @ up)
    return (product * expit(product)) @ down


@swiglu.wrong("That is ReGLU: use the SiLU, not the ReLU.")
def reglu(x, gate, up, down):
    return (np.maximum(x @ gate, 0) * (x @ up)) @ down


# routed_weights: a mixture of experts sends each token to few of them


def routing_inputs(rng):
    yield {"logits": rng.normal(size=(6, 4)), "chosen": 2, "capacity": 6}
    leaning = rng.normal(size=(5, 3)) + np.array([2.0, 0.0, 0.0])
    uneven = rng.normal(size=(8, 4)) + np.array([0.0, 5.0, 0.0, 0.0])
    yield {"logits": uneven, "chosen": 2, "capacity": 3}
    yield {"logits": leaning, "chosen": 1, "capacity": 2}
    yield {"logits": 900 + 200 * rng.normal(size=(4, 3)), "chosen": 2, "capacity": 4}


def chosen_experts(logits, chosen):
    """Return a mask (tokens, experts) of each token's largest logits."""
    order = np.argsort(-logits, axis=1, kind="stable")[:, :chosen]
    mask = np.zeros(logits.shape, bool)
    np.put_along_axis(mask, order, True, axis=1)
    return mask


def kept(mask, capacity):
    """Drop what comes to an expert after it is full."""
    return mask & (np.cumsum(mask, axis=0) <= capacity)


def gates(logits, mask):
    return softmax(np.where(mask, logits, -np.inf), axis=1)


def imbalance(probabilities, mask):
    shares = mask.sum(axis=0) / mask.sum()
    return float(mask.shape[1] * shares @ probabilities.mean(axis=0))


@problem(
    title=Text(en="Route tokens to experts", zh="把词元分给专家"),
    statement=Text(
        en=(
            "In a mixture of experts a router gives each token a logit for each "
            "expert. The token goes to the `chosen` experts with the largest logits, "
            "with the softmax over these logits alone as weights. Each expert takes "
            "at most `capacity` tokens, in the order of the batch; what comes later "
            "is dropped: its weight becomes 0, and the token's other weights stay.\n\n"
            "Also return the loss that balances the load (Fedus et al. 2021, "
            "arXiv:2101.03961): the number of experts times "
            "$\\sum_i f_i P_i$, where $f_i$ is the share of all choices that fell on "
            "expert $i$, before dropping, and $P_i$ the mean over the tokens of its "
            "probability under the softmax over all experts."
        ),
        zh=(
            "在混合专家模型中，路由器为每个词元给出它对各个专家的 logit。词元被送往 "
            "logit 最大的 `chosen` 个专家，权重为仅在这些 logit 上做的 softmax。每个专"
            "家按批次中的顺序最多接收 `capacity` 个词元，之后来的被丢弃：其权重变为 "
            "0，该词元的其他权重不变。\n\n"
            "另外返回平衡负载的损失（Fedus 等，2021，arXiv:2101.03961）：专家数乘以 "
            "$\\sum_i f_i P_i$，其中 $f_i$ 是丢弃之前全部选择中落在专家 $i$ 上的比例，"
            "$P_i$ 是在全部专家上做 softmax 得到的概率对词元求的均值。"
        ),
    ),
    limits=Text(
        en=(
            "`logits`: (tokens, experts), perhaps in the thousands, no two alike. "
            "Return a list: weights (tokens, experts) and the loss. NumPy, SciPy."
        ),
        zh=(
            "`logits` 的形状为 (tokens, experts)，可能高达几千，没有两个相等。返回列"
            "表：权重 (tokens, experts) 和损失。使用 NumPy、SciPy。"
        ),
    ),
    examples=[
        "logits [[2, 0], [1, 0]], chosen 1, capacity 1 -> weights [[1, 0], [0, 0]], "
        "loss 2 * (1 * 0.806 + 0 * 0.194) = 1.612"
    ],
    topic="llm_engineering",
    level="senior",
    inputs=routing_inputs,
    hints=[
        "Build a mask of the choices first; weights, dropping and loss all need it.",
        "A running count down each column of the mask, np.cumsum(mask, axis=0), says "
        "which place a token gets.",
        "Logits outside the choice become -inf before the softmax that gives weights.",
    ],
)
def routed_weights(logits, chosen, capacity):
    mask = chosen_experts(logits, chosen)
    weights = gates(logits, mask) * kept(mask, capacity)
    return [weights, imbalance(softmax(logits, axis=1), mask)]


@routed_weights.also_right
def routed_one_by_one(logits, chosen, capacity):
    tokens, experts = logits.shape
    weights, load = np.zeros((tokens, experts)), np.zeros(experts)
    everywhere = np.zeros(experts)
    for token, row in enumerate(logits):
        each = np.exp(row - row.max())
        everywhere += each / each.sum() / tokens
        best = sorted(range(experts), key=lambda expert: -row[expert])[:chosen]
        for expert in best:
            load[expert] += 1
            if load[expert] <= capacity:
                weights[token, expert] = each[expert] / each[best].sum()
    return [weights, experts * float(load / load.sum() @ everywhere)]


@routed_weights.wrong(
    "The weights are probabilities over all experts: a token's weights have to add up "
    "to 1 over those chosen."
)
def routed_over_all(logits, chosen, capacity):
    mask = chosen_experts(logits, chosen)
    weights = softmax(logits, axis=1) * kept(mask, capacity)
    return [weights, imbalance(softmax(logits, axis=1), mask)]


@routed_weights.wrong(
    "`capacity` is not used: an expert takes no more tokens than that."
)
def routed_without_capacity(logits, chosen, capacity):
    return routed_weights(logits, chosen, len(logits))


@routed_weights.wrong(
    "What was left after dropping was normalised again: the other weights stay as they "
    "were."
)
def routed_renormalised(logits, chosen, capacity):
    mask = chosen_experts(logits, chosen)
    weights = gates(logits, mask) * kept(mask, capacity)
    totals = weights.sum(axis=1, keepdims=True)
    weights = np.divide(weights, totals, out=np.zeros_like(weights), where=totals > 0)
    return [weights, imbalance(softmax(logits, axis=1), mask)]


@routed_weights.wrong(
    "An expert keeps one token too few: it is full when it has `capacity` of them."
)
def routed_one_fewer(logits, chosen, capacity):
    mask = chosen_experts(logits, chosen)
    weights = gates(logits, mask) * kept(mask, capacity - 1)
    return [weights, imbalance(softmax(logits, axis=1), mask)]


@routed_weights.wrong(
    "A full expert sent the token on to the next best one: it is dropped here."
)
def routed_elsewhere(logits, chosen, capacity):
    free = np.full(logits.shape[1], capacity)
    weights = np.zeros(logits.shape)
    for token, row in enumerate(logits):
        best = [one for one in np.argsort(-row) if free[one] > 0][:chosen]
        free[best] -= 1
        if best:
            weights[token, best] = softmax(row[best])
    return [weights, routed_weights(logits, chosen, capacity)[1]]


@routed_weights.wrong(
    "The loss counts what was kept: count the choices before dropping, or a full "
    "expert looks balanced."
)
def routed_loss_of_kept(logits, chosen, capacity):
    weights, _ = routed_weights(logits, chosen, capacity)
    mask = kept(chosen_experts(logits, chosen), capacity)
    return [weights, imbalance(softmax(logits, axis=1), mask)]


@routed_weights.wrong(
    "The loss uses the weights of the chosen experts: P is the mean probability over "
    "all of them, and its gradient reaches those not chosen."
)
def routed_loss_of_weights(logits, chosen, capacity):
    mask = chosen_experts(logits, chosen)
    weights, _ = routed_weights(logits, chosen, capacity)
    return [weights, imbalance(gates(logits, mask), mask)]


@routed_weights.wrong(
    "The loss is not multiplied with the number of experts: with an even load it is 1."
)
def routed_loss_unscaled(logits, chosen, capacity):
    weights, loss = routed_weights(logits, chosen, capacity)
    return [weights, loss / logits.shape[1]]


@routed_weights.wrong(
    "f is the share of tokens, not of choices: with several experts a token its sum "
    "exceeds 1."
)
def routed_loss_of_tokens(logits, chosen, capacity):
    weights, loss = routed_weights(logits, chosen, capacity)
    return [weights, loss * chosen]


@routed_weights.wrong("The softmax overflows: subtract each row's largest logit first.")
def routed_unstable(logits, chosen, capacity):
    mask = chosen_experts(logits, chosen)
    with np.errstate(over="ignore", invalid="ignore"):
        each = np.exp(logits)
        probabilities = each / each.sum(axis=1, keepdims=True)
        some = np.where(mask, each, 0)
        weights = some / some.sum(axis=1, keepdims=True)
    return [weights * kept(mask, capacity), imbalance(probabilities, mask)]
