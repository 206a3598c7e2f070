"""Coding problems on models that learn representations."""

import numpy as np

from digitdreams.interview.bank import Text
from digitdreams.interview.problems import problem

# siglip_loss ------------------------------------------------------------------------


def pair_inputs(rng):
    for rows, size, scale, bias in ((3, 4, 10.0, -10.0), (4, 3, 2.0, 0.5)):
        yield {
            "images": 3 * rng.normal(size=(rows, size)),
            "texts": rng.normal(size=(rows, size)),
            "scale": scale,
            "bias": bias,
        }
    yield {
        "images": rng.normal(size=(3, 2)),
        "texts": rng.normal(size=(3, 2)),
        "scale": 4000.0,
        "bias": -10.0,
    }


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def all_logits(images, texts, scale, bias):
    return scale * unit(images) @ unit(texts).T + bias


def signs(count):
    return 2 * np.eye(count) - 1


def pair_costs(logits):
    return np.logaddexp(0, -signs(len(logits)) * logits)


@problem(
    title=Text(en="The SigLIP loss", zh="SigLIP 损失"),
    statement=Text(
        en=(
            "SigLIP (Zhai et al. 2023, arXiv:2303.15343) trains image and text "
            "encoders with a yes-or-no question for each pair in the batch: do they "
            "belong together? The logit of a pair is `scale` times the cosine of its "
            "embeddings plus `bias`. Row i of `images` belongs to row i of `texts`; "
            "all other pairs are negative. Add up the binary cross-entropies of all "
            "pairs and divide by the number of images."
        ),
        zh=(
            "SigLIP（Zhai 等，2023，arXiv:2303.15343）训练图像和文本编码器时，对批次"
            "中的每一对都问一个是非题：它们是一对吗？一对的 logit 等于 `scale` 乘以两"
            "个嵌入的余弦，再加 `bias`。`images` 的第 i 行与 `texts` 的第 i 行是一对，"
            "其余都是负样本。把所有对的二元交叉熵相加，再除以图像数。"
        ),
    ),
    limits=Text(
        en=(
            "`images`, `texts`: (n, size), not normalised, no row of zeros. Logits may "
            "be in the thousands. Return a number. NumPy."
        ),
        zh=(
            "`images`、`texts` 的形状为 (n, size)，未归一化，没有全零的行。logits 可"
            "能高达几千。返回一个数。使用 NumPy。"
        ),
    ),
    examples=[
        "one pair of equal directions, scale 2, bias -2 -> ln 2 = 0.693",
    ],
    topic="representations",
    level="middle",
    inputs=pair_inputs,
    hints=[
        "All logits at once: one matrix product of the normalised embeddings.",
        "With z = +1 on the diagonal and -1 elsewhere each pair costs log(1 + exp(-z "
        "* logit)); np.logaddexp(0, ...) does not overflow.",
    ],
)
def siglip_loss(images, texts, scale, bias):
    return pair_costs(all_logits(images, texts, scale, bias)).sum() / len(images)


@siglip_loss.also_right
def siglip_by_cross_entropy(images, texts, scale, bias):
    lengths = np.outer(np.linalg.norm(images, axis=1), np.linalg.norm(texts, axis=1))
    logits = scale * (images @ texts.T) / lengths + bias
    cost = np.maximum(logits, 0) + np.log1p(np.exp(-np.abs(logits)))
    return float((cost.sum() - np.trace(logits)) / len(images))


@siglip_loss.wrong(
    "That is CLIP's loss: a softmax over the batch. Here each pair has its own sigmoid."
)
def clip_loss(images, texts, scale, bias):
    logits = all_logits(images, texts, scale, bias)
    rows = np.logaddexp.reduce(logits, axis=1) - np.diag(logits)
    columns = np.logaddexp.reduce(logits, axis=0) - np.diag(logits)
    return (rows.mean() + columns.mean()) / 2


@siglip_loss.wrong(
    "The sum was divided by the number of pairs: divide by that of images, n."
)
def siglip_over_pairs(images, texts, scale, bias):
    return siglip_loss(images, texts, scale, bias) / len(images)


@siglip_loss.wrong("The sum has to be divided by the number of images.")
def siglip_summed(images, texts, scale, bias):
    return siglip_loss(images, texts, scale, bias) * len(images)


@siglip_loss.wrong("The embeddings were not normalised: the logit needs their cosine.")
def siglip_unnormalised(images, texts, scale, bias):
    return pair_costs(scale * images @ texts.T + bias).sum() / len(images)


@siglip_loss.wrong(
    "Only the pairs that belong together count here: every other one is a question, "
    "too, or all embeddings could be alike."
)
def siglip_of_positives(images, texts, scale, bias):
    costs = pair_costs(all_logits(images, texts, scale, bias))
    return np.trace(costs) / len(images)


@siglip_loss.wrong(
    "The negative pairs have the wrong sign: their logits should be low."
)
def siglip_all_positive(images, texts, scale, bias):
    logits = all_logits(images, texts, scale, bias)
    return np.logaddexp(0, -logits).sum() / len(images)


@siglip_loss.wrong("All signs are turned round: the loss rises when pairs match.")
def siglip_reversed(images, texts, scale, bias):
    logits = all_logits(images, texts, scale, bias)
    return np.logaddexp(0, signs(len(logits)) * logits).sum() / len(images)


@siglip_loss.wrong(
    "`bias` is not used: it holds off the many negative pairs when training starts."
)
def siglip_without_bias(images, texts, scale, bias):
    return siglip_loss(images, texts, scale, 0.0)


@siglip_loss.wrong(
    "The sigmoid becomes 0 for large logits and its logarithm infinite: use "
    "np.logaddexp."
)
def siglip_unstable(images, texts, scale, bias):
    logits = signs(len(images)) * all_logits(images, texts, scale, bias)
    with np.errstate(over="ignore", divide="ignore"):
        return -np.log(1 / (1 + np.exp(-logits))).sum() / len(images)
