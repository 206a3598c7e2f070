"""Coding problems: conditional models."""

import numpy as np

from digitdreams.interview.bank import Text
from digitdreams.interview.problems import problem

# condition_maps -------------------------------------------------------------------


def maps_inputs(rng):
    for rows, side, channels, classes in ((3, 2, 4, 5), (5, 3, 2, 3)):
        yield {
            "features": rng.normal(size=(rows, side, side + 1, channels)),
            "labels": rng.integers(0, classes, rows),
            "classes": classes,
        }


def label_maps(features, labels, classes):
    shape = (*features.shape[:3], classes)
    return np.broadcast_to(np.eye(classes)[labels][:, None, None, :], shape)


@problem(
    title=Text(en="Labels as extra feature maps", zh="把标签拼成额外的特征图"),
    statement=Text(
        en=(
            "A conditional discriminator gets its label as `classes` extra "
            "channels: the map of the wanted class is 1 at every place, the "
            "others are 0. Append these maps behind the channels of `features`."
        ),
        zh=(
            "条件判别器把标签当作 `classes` 个额外通道：对应类别的那张特征图处处为 "
            "1，其余为 0。把这些图接在 `features` 的通道之后。"
        ),
    ),
    limits=Text(
        en=(
            "`features` (n, height, width, channels), `labels` (n,) integers. "
            "Returns (n, height, width, channels + classes). NumPy only."
        ),
        zh=(
            "`features` 形状 (n, 高, 宽, 通道)，`labels` 形状 (n,)，整数。返回 "
            "(n, 高, 宽, 通道 + classes)。只用 NumPy。"
        ),
    ),
    examples=["features (1, 1, 1, 1) with 7.0, label 2 of 3 -> 7, 0, 0, 1"],
    topic="conditional",
    level="junior",
    inputs=maps_inputs,
    hints=[
        "np.eye(classes)[labels] is the one-hot code, (n, classes). It needs two axes "
        "more.",
        "np.broadcast_to(one_hot[:, None, None, :], (n, height, width, classes)), "
        "then np.concatenate along the last axis.",
    ],
)
def condition_maps(features, labels, classes):
    maps = label_maps(features, labels, classes)
    return np.concatenate([features, maps], axis=-1)


@condition_maps.also_right
def maps_filled_in(features, labels, classes):
    rows, height, width, channels = features.shape
    whole = np.zeros((rows, height, width, channels + classes))
    whole[..., :channels] = features
    for row, label in enumerate(labels):
        whole[row, :, :, channels + label] = 1
    return whole


@condition_maps.wrong("The label maps stand in front: append them behind the features.")
def maps_first(features, labels, classes):
    return np.concatenate([label_maps(features, labels, classes), features], axis=-1)


@condition_maps.wrong(
    "The label became a number: it would say that 9 is more than 1. Give each class a "
    "channel of its own (one-hot)."
)
def maps_of_numbers(features, labels, classes):
    number = np.broadcast_to(labels[:, None, None, None], (*features.shape[:3], 1))
    return np.concatenate([features, number], axis=-1)


@condition_maps.wrong("You multiplied the features by the labels: append the maps.")
def maps_multiplied(features, labels, classes):
    rows, height, width, channels = features.shape
    joined = features[..., None] * label_maps(features, labels, classes)[..., None, :]
    return joined.reshape(rows, height, width, channels * classes)


@condition_maps.wrong(
    "The label stands in one corner only: repeat it at every place, so that every "
    "convolution sees it."
)
def maps_in_a_corner(features, labels, classes):
    maps = np.zeros((*features.shape[:3], classes))
    maps[:, 0, 0] = np.eye(classes)[labels]
    return np.concatenate([features, maps], axis=-1)


# conditional_batch_norm -----------------------------------------------------------


def norm_inputs(rng):
    for rows, side, channels, classes, epsilon in (
        (4, 3, 2, 3, 1e-3),
        (6, 2, 3, 4, 0.5),
    ):
        features = 2 * rng.normal(size=(rows, side, side, channels)) + 1
        features *= 1 + np.arange(rows)[:, None, None, None]
        yield {
            "features": features,
            "labels": rng.permutation(np.arange(rows) % classes),
            "gamma": 1 + 0.5 * rng.normal(size=(classes, channels)),
            "beta": rng.normal(size=(classes, channels)),
            "epsilon": epsilon,
        }


def normalised(features, epsilon, axes=(0, 1, 2)):
    mean = features.mean(axis=axes, keepdims=True)
    return (features - mean) / np.sqrt(features.var(axis=axes, keepdims=True) + epsilon)


def each(table, labels):
    return table[labels][:, None, None, :]


@problem(
    title=Text(en="Conditional batch normalisation", zh="条件批归一化"),
    statement=Text(
        en=(
            "Compute the forward pass in training: normalise each channel with "
            "its mean and variance over the **whole** batch and all places "
            "(variance divided by the count, plus `epsilon` under the root), then "
            "scale and shift with the row of `gamma` and `beta` that belongs to "
            "the label of each image."
        ),
        zh=(
            "写出训练时的前向计算：每个通道用**整个**批次、所有位置上的均值和方差"
            "归一化（方差除以总个数，根号内加 `epsilon`），再按每张图像的标签取 "
            "`gamma` 和 `beta` 的对应行做缩放和平移。"
        ),
    ),
    limits=Text(
        en=(
            "`features` (n, height, width, channels), `labels` (n,), `gamma` and "
            "`beta` (classes, channels). NumPy only."
        ),
        zh=(
            "`features` 形状 (n, 高, 宽, 通道)，`labels` 形状 (n,)，`gamma`、"
            "`beta` 形状 (类别数, 通道)。只用 NumPy。"
        ),
    ),
    examples=["gamma 0: every place of an image holds beta[label]"],
    topic="conditional",
    level="middle",
    inputs=norm_inputs,
    hints=[
        "Only the scale and the shift depend on the label: mean and variance are "
        "those of ordinary batch normalisation, over axes 0, 1 and 2.",
        "gamma[labels] has the shape (n, channels); [:, None, None, :] makes it fit "
        "to the features.",
    ],
)
def conditional_batch_norm(features, labels, gamma, beta, epsilon):
    return each(gamma, labels) * normalised(features, epsilon) + each(beta, labels)


@conditional_batch_norm.also_right
def norm_by_rows(features, labels, gamma, beta, epsilon):
    rows = features.reshape(-1, features.shape[-1])
    mean = rows.mean(axis=0)
    variance = (rows**2).mean(axis=0) - mean**2
    scaled = [
        gamma[label] * (one - mean) * (variance + epsilon) ** -0.5 + beta[label]
        for one, label in zip(features, labels, strict=True)
    ]
    return np.stack(scaled)


@conditional_batch_norm.wrong(
    "You normalised each image on its own: that is instance normalisation. Average "
    "over the batch, too."
)
def norm_of_each_image(features, labels, gamma, beta, epsilon):
    scaled = normalised(features, epsilon, (1, 2))
    return each(gamma, labels) * scaled + each(beta, labels)


@conditional_batch_norm.wrong(
    "You averaged over the batch only: average over all places, too, axes (0, 1, 2)."
)
def norm_of_each_place(features, labels, gamma, beta, epsilon):
    scaled = normalised(features, epsilon, (0,))
    return each(gamma, labels) * scaled + each(beta, labels)


@conditional_batch_norm.wrong(
    "Mean and variance come from the whole batch, not from the images of one class."
)
def norm_of_each_class(features, labels, gamma, beta, epsilon):
    result = np.empty_like(features)
    for label in set(labels.tolist()):
        chosen = labels == label
        scaled = normalised(features[chosen], epsilon)
        result[chosen] = gamma[label] * scaled + beta[label]
    return result


@conditional_batch_norm.wrong(
    "Divide by the standard deviation: the root of variance + epsilon."
)
def norm_without_root(features, labels, gamma, beta, epsilon):
    axes = (0, 1, 2)
    scaled = (features - features.mean(axis=axes)) / (features.var(axis=axes) + epsilon)
    return each(gamma, labels) * scaled + each(beta, labels)


@conditional_batch_norm.wrong(
    "All images get the same scale and shift: take the row of the label, gamma[labels]."
)
def norm_without_classes(features, labels, gamma, beta, epsilon):
    return gamma.mean(axis=0) * normalised(features, epsilon) + beta.mean(axis=0)


@conditional_batch_norm.wrong("The shift is missing: add beta[labels].")
def norm_without_shift(features, labels, gamma, beta, epsilon):
    return each(gamma, labels) * normalised(features, epsilon)


# projection_logit -----------------------------------------------------------------


def projection_inputs(rng):
    for rows, width, classes in ((5, 3, 4), (4, 6, 3)):
        yield {
            "features": rng.normal(size=(rows, width)),
            "labels": rng.integers(0, classes, rows),
            "weights": rng.normal(size=width),
            "bias": float(rng.normal()),
            "embeddings": rng.normal(size=(classes, width)),
        }


@problem(
    title=Text(en="The logit of a projection discriminator", zh="投影判别器的 logit"),
    statement=Text(
        en=(
            "A projection discriminator turns an image into features $h$ and adds "
            "to the ordinary logit the inner product with an embedding of the "
            "label: $v \\cdot h + b + e_y \\cdot h$. Return the logit of each "
            "image for its own label."
        ),
        zh=(
            "投影判别器先把图像变成特征 $h$，再在普通 logit 上加上标签嵌入与特征的"
            "内积：$v \\cdot h + b + e_y \\cdot h$。返回每张图像在自己标签下的 "
            "logit。"
        ),
    ),
    limits=Text(
        en=(
            "`features` (n, d), `labels` (n,), `weights` (d,), `embeddings` "
            "(classes, d). Returns (n,). NumPy only."
        ),
        zh=(
            "`features` 形状 (n, d)，`labels` 形状 (n,)，`weights` 形状 (d,)，"
            "`embeddings` 形状 (类别数, d)。返回 (n,)。只用 NumPy。"
        ),
    ),
    examples=["h [1, 2], v [1, 0], b 0.5, e_y [0, 3] -> 1 + 0.5 + 6 = 7.5"],
    topic="conditional",
    level="middle",
    inputs=projection_inputs,
    hints=[
        "embeddings[labels] has one row for each image, like the features.",
        "The inner product of matching rows: multiply, then sum over axis 1.",
    ],
)
def projection_logit(features, labels, weights, bias, embeddings):
    return ((weights + embeddings[labels]) * features).sum(axis=1) + bias


@projection_logit.also_right
def projection_by_table(features, labels, weights, bias, embeddings):
    of_class = features @ embeddings.T
    return features @ weights + bias + of_class[np.arange(len(labels)), labels]


@projection_logit.wrong(
    "The label is not used: add the inner product with its embedding."
)
def projection_without_class(features, labels, weights, bias, embeddings):
    return features @ weights + bias


@projection_logit.wrong(
    "Only the class term is there: add v @ h + b, which judges whether the image is "
    "real at all."
)
def projection_class_only(features, labels, weights, bias, embeddings):
    return (embeddings[labels] * features).sum(axis=1)


@projection_logit.wrong("You returned a logit for every class: take that of the label.")
def projection_of_all_classes(features, labels, weights, bias, embeddings):
    return (features @ weights + bias)[:, None] + features @ embeddings.T


@projection_logit.wrong(
    "You added the embedding to the features, so that the class term no longer depends "
    "on the image: take their inner product."
)
def projection_of_sum(features, labels, weights, bias, embeddings):
    return (features + embeddings[labels]) @ weights + bias


@projection_logit.wrong(
    "`features @ embeddings[labels].T` pairs every image with every label of the "
    "batch: multiply row by row and sum over axis 1."
)
def projection_crossed(features, labels, weights, bias, embeddings):
    return (features @ weights + bias)[:, None] + features @ embeddings[labels].T


# wanted_label_share ---------------------------------------------------------------


def wanted_inputs(rng):
    for rows, classes in ((30, 4), (24, 3)):
        labels = rng.permutation(np.arange(rows) % (classes - 1))
        labels[:3] = classes - 1  # a rare class, always drawn wrongly
        drawn = np.where(rng.uniform(size=rows) < 0.8, labels, (labels + 1) % classes)
        drawn[:3] = 0
        chances = rng.dirichlet(np.ones(classes), rows)
        chances[np.arange(rows), drawn] += 1.0
        yield {
            "probabilities": chances / chances.sum(axis=1, keepdims=True),
            "labels": labels,
        }


def hits(probabilities, labels):
    return probabilities.argmax(axis=1) == labels


@problem(
    title=Text(en="Does it draw what was asked for?", zh="要什么就画什么吗？"),
    statement=Text(
        en=(
            "A conditional generator was asked for `labels`; a judge gives class "
            "probabilities for its samples. Return the share of samples whose "
            "most probable class is the wanted one, computed for each wanted "
            "class and then averaged over the classes asked for, so that a rare "
            "class counts as much as a frequent one."
        ),
        zh=(
            "按 `labels` 要求条件生成器画图，再由评判网络给出各样本的类别概率。"
            "求最可能的类别与要求一致的样本比例：先对每个被要求的类别分别计算，再对"
            "这些类别取平均，使稀有类别与常见类别同等重要。"
        ),
    ),
    limits=Text(
        en="`probabilities` (n, classes), `labels` (n,). Returns one number.",
        zh="`probabilities` 形状 (n, 类别数)，`labels` 形状 (n,)。返回一个数。",
    ),
    examples=["wanted 0, 0, 0, 1 and drawn 0, 0, 0, 0 -> (1 + 0) / 2 = 0.5"],
    topic="conditional",
    level="junior",
    inputs=wanted_inputs,
    hints=[
        "right = probabilities.argmax(axis=1) == labels. For one class, right[labels "
        "== one].mean() is its share.",
        "Average these shares over np.unique(labels).",
    ],
)
def wanted_label_share(probabilities, labels):
    right = hits(probabilities, labels)
    return float(np.mean([right[labels == one].mean() for one in np.unique(labels)]))


@wanted_label_share.also_right
def wanted_by_counts(probabilities, labels):
    rights = np.bincount(labels, hits(probabilities, labels))
    counts = np.bincount(labels)
    return (rights[counts > 0] / counts[counts > 0]).mean()


@wanted_label_share.wrong(
    "You averaged over all samples: a rare class that is never drawn rightly then "
    "hardly shows. Average over the classes."
)
def wanted_over_all(probabilities, labels):
    return hits(probabilities, labels).mean()


@wanted_label_share.wrong(
    "You averaged probabilities: count whether the most probable class is the wanted "
    "one."
)
def wanted_mean_probability(probabilities, labels):
    chosen = probabilities[np.arange(len(labels)), labels]
    return np.mean([chosen[labels == one].mean() for one in np.unique(labels)])


@wanted_label_share.wrong("You grouped by what was drawn: group by what was asked for.")
def wanted_by_prediction(probabilities, labels):
    right, drawn = hits(probabilities, labels), probabilities.argmax(axis=1)
    return np.mean([right[drawn == one].mean() for one in np.unique(drawn)])


# rescaled_guidance: strong guidance without washed-out colours


def rescaling_inputs(rng):
    for shape, scale, rescale in (
        ((3, 2, 4, 2), 5.0, 0.7),
        ((2, 6), 3.0, 1.0),
        ((4, 3, 3), 7.5, 0.4),
    ):
        sizes = np.linspace(0.5, 2, shape[0]).reshape(-1, *[1] * (len(shape) - 1))
        offsets = rng.normal(size=shape[-1])
        yield {
            "conditional": sizes * rng.normal(size=shape) + offsets,
            "unconditional": sizes * rng.normal(size=shape) + offsets,
            "scale": scale,
            "rescale": rescale,
        }


def spread(x):
    """The standard deviation of each sample, with axes to broadcast."""
    return x.std(axis=tuple(range(1, x.ndim)), keepdims=True)


def guide(conditional, unconditional, scale):
    return unconditional + scale * (conditional - unconditional)


def mixed_guidance(guided, wanted, rescale):
    return rescale * guided * wanted / spread(guided) + (1 - rescale) * guided


@problem(
    title=Text(en="Guidance that keeps its contrast", zh="保持对比度的引导"),
    statement=Text(
        en=(
            "Classifier-free guidance with a large scale makes predictions too large "
            "and images overexposed. Lin et al. (2023, arXiv:2305.08891) rescale it: "
            "compute the guided prediction (`scale` 1 is the conditional one), "
            "multiply it so that each sample has the standard deviation of its "
            "conditional prediction, and mix: `rescale` of that, 1 - `rescale` of the "
            "guided prediction as it was. Standard deviations run over all axes but "
            "the first."
        ),
        zh=(
            "引导系数很大时，无分类器引导的预测值偏大，图像过曝。Lin 等（2023，"
            "arXiv:2305.08891）对它重新缩放：先求引导后的预测（`scale` 为 1 即条件预"
            "测），再乘以一个系数，使每个样本的标准差等于其条件预测的标准差，最后混"
            "合：前者占 `rescale`，未缩放的引导预测占 1 - `rescale`。标准差在除第一个"
            "轴以外的所有轴上计算。"
        ),
    ),
    limits=Text(
        en=(
            "`conditional`, `unconditional`: (n, ...), two or more axes; no sample of "
            "the guided prediction is constant. NumPy."
        ),
        zh=(
            "`conditional`、`unconditional` 的形状为 (n, ...)，至少两个轴；引导后的预"
            "测没有哪个样本是常数。使用 NumPy。"
        ),
    ),
    examples=[
        "rescale 0 -> guidance as usual; scale 1 -> the conditional prediction, "
        "whatever rescale is"
    ],
    topic="conditional",
    level="senior",
    inputs=rescaling_inputs,
    hints=[
        "The standard deviation needs its axes kept, so that (n, 1, ..., 1) "
        "broadcasts.",
        "axis=tuple(range(1, x.ndim)), keepdims=True; the mean is left as it comes.",
    ],
)
def rescaled_guidance(conditional, unconditional, scale, rescale):
    guided = guide(conditional, unconditional, scale)
    return mixed_guidance(guided, spread(conditional), rescale)


@rescaled_guidance.also_right
def rescaled_row_by_row(conditional, unconditional, scale, rescale):
    found = []
    for with_text, without in zip(conditional, unconditional, strict=True):
        guided = scale * with_text + (1 - scale) * without
        ratio = np.std(with_text, ddof=1) / np.std(guided, ddof=1)
        found.append(guided * (1 + rescale * (ratio - 1)))
    return np.stack(found)


@rescaled_guidance.wrong(
    "The scale is counted from the conditional prediction: here `scale` 1 gives the "
    "conditional prediction itself."
)
def rescaled_from_conditional(conditional, unconditional, scale, rescale):
    return rescaled_guidance(conditional, unconditional, scale + 1, rescale)


@rescaled_guidance.wrong("There is no rescaling: this is ordinary guidance.")
def guided_only(conditional, unconditional, scale, rescale):
    return guide(conditional, unconditional, scale)


@rescaled_guidance.wrong("`rescale` is not used: the two predictions have to be mixed.")
def rescaled_wholly(conditional, unconditional, scale, rescale):
    return rescaled_guidance(conditional, unconditional, scale, 1.0)


@rescaled_guidance.wrong("`rescale` and 1 - `rescale` are exchanged.")
def rescaled_exchanged(conditional, unconditional, scale, rescale):
    return rescaled_guidance(conditional, unconditional, scale, 1 - rescale)


@rescaled_guidance.wrong(
    "One standard deviation was taken for the whole batch: each sample has its own."
)
def rescaled_by_batch(conditional, unconditional, scale, rescale):
    guided = guide(conditional, unconditional, scale)
    return (rescale * conditional.std() / guided.std() + 1 - rescale) * guided


@rescaled_guidance.wrong(
    "The standard deviation runs over the last axis only: take all axes but the first."
)
def rescaled_by_last_axis(conditional, unconditional, scale, rescale):
    guided = guide(conditional, unconditional, scale)
    ratio = conditional.std(axis=-1, keepdims=True) / guided.std(axis=-1, keepdims=True)
    return (rescale * ratio + 1 - rescale) * guided


@rescaled_guidance.wrong(
    "The unconditional prediction's standard deviation was taken: use the conditional "
    "one's."
)
def rescaled_to_unconditional(conditional, unconditional, scale, rescale):
    guided = guide(conditional, unconditional, scale)
    return mixed_guidance(guided, spread(unconditional), rescale)


@rescaled_guidance.wrong("The factor is upside down: wanted over guided.")
def rescaled_upside_down(conditional, unconditional, scale, rescale):
    guided = guide(conditional, unconditional, scale)
    return mixed_guidance(guided, spread(guided) ** 2 / spread(conditional), rescale)


@rescaled_guidance.wrong("Variances were divided: use standard deviations.")
def rescaled_by_variance(conditional, unconditional, scale, rescale):
    guided = guide(conditional, unconditional, scale)
    return mixed_guidance(guided, spread(conditional) ** 2 / spread(guided), rescale)


@rescaled_guidance.wrong(
    "The mean was taken away before scaling and added again: multiply the prediction "
    "as it is."
)
def rescaled_about_mean(conditional, unconditional, scale, rescale):
    guided = guide(conditional, unconditional, scale)
    mean = guided.mean(axis=tuple(range(1, guided.ndim)), keepdims=True)
    scaled = mean + (guided - mean) * spread(conditional) / spread(guided)
    return rescale * scaled + (1 - rescale) * guided


@rescaled_guidance.wrong(
    "The guided prediction was mixed with the conditional one: mix it with its own "
    "rescaled form."
)
def rescaled_with_conditional(conditional, unconditional, scale, rescale):
    guided = guide(conditional, unconditional, scale)
    return rescale * conditional + (1 - rescale) * guided
