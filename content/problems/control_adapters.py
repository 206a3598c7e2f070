"""Coding problems on control branches and adapters beside frozen weights."""

import numpy as np

from digitdreams.interview.bank import Text
from digitdreams.interview.problems import problem

# merged_weights: LoRA folded into the layer that it adapts


def adapters(rng, rows, columns, ranks):
    return {
        "weights": rng.normal(size=(rows, columns)),
        "downs": [rng.normal(size=(rank, columns)) for rank in ranks],
        "ups": [rng.normal(size=(rows, rank)) for rank in ranks],
        "alphas": [float(one) for one in rng.uniform(1, 9, size=len(ranks))],
        "strengths": [float(one) for one in rng.uniform(0.3, 1.5, size=len(ranks))],
    }


def merging_inputs(rng):
    yield adapters(rng, 4, 4, (2, 2))
    yield adapters(rng, 5, 3, (1, 4, 2))
    yield adapters(rng, 2, 6, (3,))
    yield adapters(rng, 3, 3, ())


@problem(
    title=Text(en="Merge LoRA adapters", zh="合并 LoRA 适配器"),
    statement=Text(
        en=(
            "A LoRA adapter (Hu et al. 2021, arXiv:2106.09685) adds to a frozen "
            "matrix the product of a tall and a flat one, times `alpha` over the "
            "rank. Fold several adapters into the weights, each times its strength, "
            "so that generation costs no more than without them."
        ),
        zh=(
            "LoRA 适配器（Hu 等，2021，arXiv:2106.09685）在冻结的矩阵上加一个高矩阵与"
            "扁矩阵之积，再乘以 `alpha` 与秩之比。请把若干适配器按各自的强度并入权"
            "重，使生成时没有额外开销。"
        ),
    ),
    limits=Text(
        en=(
            "`weights`: (out, in); `downs[i]`: (rank, in) and `ups[i]`: (out, rank), "
            "ranks may differ; `alphas` and `strengths`: one number each. Perhaps no "
            "adapter. NumPy."
        ),
        zh=(
            "`weights` 的形状为 (out, in)；`downs[i]` 为 (rank, in)，`ups[i]` 为 "
            "(out, rank)，各适配器的秩可以不同；`alphas` 和 `strengths` 每项一个数。"
            "可能没有适配器。使用 NumPy。"
        ),
    ),
    examples=[
        "merged_weights(np.zeros((1, 2)), [np.array([[1.0, 2.0]])], "
        "[np.array([[3.0]])], [2.0], [0.5]) -> [[3.0, 6.0]]"
    ],
    topic="control_adapters",
    level="middle",
    inputs=merging_inputs,
    hints=[
        "Which order of the two factors gives the shape of the weights?",
        "Add strength * alpha / rank * up @ down for each adapter; the rank is "
        "len(down).",
    ],
)
def merged_weights(weights, downs, ups, alphas, strengths):
    merged = weights.copy()
    for down, up, alpha, strength in zip(downs, ups, alphas, strengths, strict=True):
        merged += strength * alpha / len(down) * up @ down
    return merged


@merged_weights.also_right
def merged_as_one_product(weights, downs, ups, alphas, strengths):
    """The adapters side by side are one adapter of the summed rank."""
    if not downs:
        return weights
    factors = [
        np.full(len(down), strength * alpha / len(down))
        for down, alpha, strength in zip(downs, alphas, strengths, strict=True)
    ]
    return weights + (np.hstack(ups) * np.concatenate(factors)) @ np.vstack(downs)


@merged_weights.wrong(
    "`alpha` was not divided by the rank: doubling the rank would double the change."
)
def merged_without_rank(weights, downs, ups, alphas, strengths):
    factors = [alpha * len(down) for alpha, down in zip(alphas, downs, strict=True)]
    return merged_weights(weights, downs, ups, factors, strengths)


@merged_weights.wrong("`alphas` is not used: each change is times alpha / rank.")
def merged_without_alpha(weights, downs, ups, alphas, strengths):
    ranks = [len(down) for down in downs]
    return merged_weights(weights, downs, ups, ranks, strengths)


@merged_weights.wrong(
    "`strengths` is not used: each adapter's change is times its own."
)
def merged_without_strength(weights, downs, ups, alphas, strengths):
    return merged_weights(weights, downs, ups, alphas, [1.0] * len(downs))


@merged_weights.wrong("The frozen weights are missing: this is their change only.")
def merged_change_only(weights, downs, ups, alphas, strengths):
    return merged_weights(0 * weights, downs, ups, alphas, strengths)


@merged_weights.wrong(
    "The factors were added before they were multiplied: that mixes one adapter's up "
    "with another's down. Add the products."
)
def merged_factors(weights, downs, ups, alphas, strengths):
    up = sum(
        strength * alpha / len(down) * up
        for down, up, alpha, strength in zip(downs, ups, alphas, strengths, strict=True)
    )
    return weights + up @ sum(downs)


@merged_weights.wrong(
    "The change was divided by the number of adapters: each has its own strength, and "
    "the changes add up."
)
def merged_averaged(weights, downs, ups, alphas, strengths):
    shares = [one / len(strengths) for one in strengths]
    return merged_weights(weights, downs, ups, alphas, shares)


@merged_weights.wrong("The factors are in the wrong order: up @ down, not down @ up.")
def merged_in_wrong_order(weights, downs, ups, alphas, strengths):
    merged = weights.copy()
    for down, up, alpha, strength in zip(downs, ups, alphas, strengths, strict=True):
        merged += strength * alpha / len(down) * down.T @ up.T
    return merged


# controlled_features: one block of a ControlNet


def control_inputs(rng):
    for rows, width, hints, strength in ((3, 4, 2, 1.0), (2, 3, 5, 0.6)):
        yield {
            "x": rng.normal(size=(rows, width)),
            "control": rng.normal(size=(rows, hints)),
            "locked": rng.normal(size=(width, width)),
            "copied": rng.normal(size=(width, width)),
            "entry": rng.normal(size=(hints, width)),
            "exit": rng.normal(size=(width, width)),
            "strength": strength,
        }
    yield {
        "x": rng.normal(size=(2, 3)),
        "control": rng.normal(size=(2, 2)),
        "locked": rng.normal(size=(3, 3)),
        "copied": rng.normal(size=(3, 3)),
        "entry": np.zeros((2, 3)),
        "exit": np.zeros((3, 3)),
        "strength": 1.0,
    }


@problem(
    title=Text(en="A block with a control branch", zh="带控制分支的模块"),
    statement=Text(
        en=(
            "ControlNet (Zhang et al. 2023, arXiv:2302.05543) keeps a block locked and "
            "trains a copy of it. The block here is `np.tanh(x @ weights)`. The copy "
            "reads the input plus the control after the convolution `entry`; what it "
            "gives passes the convolution `exit` and is added to the locked block's "
            "output, times `strength`. Both convolutions are 1 × 1 and start at zero. "
            "Return the output."
        ),
        zh=(
            "ControlNet（Zhang 等，2023，arXiv:2302.05543）锁定一个模块，并训练它的副"
            "本。这里的模块是 `np.tanh(x @ weights)`。副本的输入是原输入加上经卷积 "
            "`entry` 变换的控制条件；副本的输出经卷积 `exit` 变换，乘以 `strength` 后"
            "加到锁定模块的输出上。两个卷积都是 1×1，初值为零。请返回输出。"
        ),
    ),
    limits=Text(
        en=(
            "`x`: (positions, width); `control`: (positions, channels); `locked` and "
            "`copied`, the weights of the two blocks, and `exit`: (width, width); "
            "`entry`: (channels, width). No biases. NumPy."
        ),
        zh=(
            "`x` 的形状为 (positions, width)，`control` 为 (positions, channels)；"
            "`locked`、`copied`（两个模块的权重）和 `exit` 为 (width, width)，`entry` "
            "为 (channels, width)。没有偏置。使用 NumPy。"
        ),
    ),
    examples=[
        "with `exit` all zeros -> np.tanh(x @ locked): training starts at the model "
        "that was there"
    ],
    topic="control_adapters",
    level="middle",
    inputs=control_inputs,
    hints=[
        "What may the locked block see, so that it stays the model it was?",
        "branch = np.tanh((x + control @ entry) @ copied) @ exit; it is added to "
        "np.tanh(x @ locked).",
    ],
)
def controlled_features(x, control, locked, copied, entry, exit, strength):
    branch = np.tanh((x + control @ entry) @ copied) @ exit
    return np.tanh(x @ locked) + strength * branch


@controlled_features.also_right
def features_from_stacked_weights(x, control, locked, copied, entry, exit, strength):
    """Copy and convolution at the entry as one matrix over both inputs."""
    both = np.concatenate([x, control], axis=1)
    hidden = np.tanh(both @ np.concatenate([copied, entry @ copied]))
    return np.concatenate([np.tanh(x @ locked), hidden], axis=1) @ np.concatenate(
        [np.eye(x.shape[1]), strength * exit]
    )


@controlled_features.wrong(
    "The locked block is missing: without it nothing is left of the trained model when "
    "training starts."
)
def controlled_branch_only(x, control, locked, copied, entry, exit, strength):
    return strength * np.tanh((x + control @ entry) @ copied) @ exit


@controlled_features.wrong(
    "The copy's output was added without `exit`: the first step would start with the "
    "block's output twice."
)
def controlled_without_exit(x, control, locked, copied, entry, exit, strength):
    same = np.eye(x.shape[1])
    return controlled_features(x, control, locked, copied, entry, same, strength)


@controlled_features.wrong(
    "The locked block sees the control, too: only the copy may, or the trained model "
    "changes with it."
)
def controlled_everywhere(x, control, locked, copied, entry, exit, strength):
    x = x + control @ entry
    return np.tanh(x @ locked) + strength * np.tanh(x @ copied) @ exit


@controlled_features.wrong(
    "The copy does not see `x`: it has to know what it controls. Add the control to "
    "the input."
)
def controlled_blindly(x, control, locked, copied, entry, exit, strength):
    return controlled_features(
        0 * x, control, locked, copied, entry, exit, strength
    ) + (np.tanh(x @ locked))


@controlled_features.wrong(
    "The control was added behind the copy: add it to the input, so that the copy "
    "works on both together."
)
def controlled_behind(x, control, locked, copied, entry, exit, strength):
    branch = (np.tanh(x @ copied) + control @ entry) @ exit
    return np.tanh(x @ locked) + strength * branch


@controlled_features.wrong("`strength` is not used: it scales what the branch adds.")
def controlled_at_full_strength(x, control, locked, copied, entry, exit, strength):
    return controlled_features(x, control, locked, copied, entry, exit, 1.0)


@controlled_features.wrong(
    "`strength` scales the whole output: at 0 the trained model has to be left as it "
    "was."
)
def controlled_scaled(x, control, locked, copied, entry, exit, strength):
    return strength * controlled_features(x, control, locked, copied, entry, exit, 1.0)


@controlled_features.wrong(
    "The copy runs with the locked weights: it starts as their copy and is trained "
    "away from them."
)
def controlled_by_locked(x, control, locked, copied, entry, exit, strength):
    return controlled_features(x, control, locked, locked, entry, exit, strength)
