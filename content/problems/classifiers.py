"""Coding problems: classifiers and convolutional networks."""

import numpy as np

from digitdreams.interview.bank import Text
from digitdreams.interview.problems import problem

# stable_softmax -------------------------------------------------------------------


def softmax_inputs(rng):
    yield {"logits": 3 * rng.normal(size=(4, 5))}
    yield {"logits": rng.normal(size=(3, 6)) + 1000}
    yield {"logits": 40 * rng.normal(size=(2, 3, 4)) - 900}
    # Rows far from each other, and classes within a row.
    yield {"logits": np.array([[0.0, 0, 1], [1000, 1000, 999], [-1000, 1000, 998]])}


@problem(
    title=Text(en="A softmax that survives", zh="不会溢出的 softmax"),
    statement=Text(
        en=(
            "Turn logits into probabilities along the **last** axis: "
            "$p_i = e^{z_i} / \\sum_j e^{z_j}$. Logits may be as large as 1,000 or "
            "as small as -1,000; the result must stay finite and sum to 1."
        ),
        zh=(
            "沿**最后一个**轴把 logits 变成概率："
            "$p_i = e^{z_i} / \\sum_j e^{z_j}$。logits 可能大到 1000，也可能小到 "
            "-1000，结果必须有限，并且每行之和为 1。"
        ),
    ),
    limits=Text(
        en="`logits` (..., classes), float64. NumPy only; no loop is needed.",
        zh="`logits` 形状为 (..., 类别数)，float64。只用 NumPy，不需要循环。",
    ),
    examples=[
        "stable_softmax(np.array([[1000.0, 1000.0]])) -> [[0.5, 0.5]]",
        "stable_softmax(np.array([[0.0, np.log(3)]])) -> [[0.25, 0.75]]",
    ],
    topic="classifiers",
    level="junior",
    lesson="01_digits_and_a_judge#from-logits-to-a-loss",
    inputs=softmax_inputs,
    hints=[
        "What changes in the fraction if you subtract the same number from every "
        "logit of a row?",
        "Nothing changes. So subtract the largest logit of the row: then no exponent "
        "is above 0.",
        "powers = np.exp(logits - logits.max(axis=-1, keepdims=True)); divide by "
        "their sum along the same axis.",
    ],
)
def stable_softmax(logits):
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


@stable_softmax.also_right
def softmax_by_logarithms(logits):
    return np.exp(logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True))


@stable_softmax.wrong(
    "exp overflows for large logits and gives NaN. Subtract the largest logit of each "
    "row first: the fraction stays the same."
)
def softmax_unshifted(logits):
    with np.errstate(all="ignore"):
        powers = np.exp(logits)
        return powers / powers.sum(axis=-1, keepdims=True)


@stable_softmax.wrong(
    "One largest logit is subtracted from all rows: in a row far below it every power "
    "becomes 0, and 0 / 0 is NaN. Subtract each row's own (axis=-1, keepdims=True)."
)
def softmax_shifted_alike(logits):
    powers = np.exp(logits - logits.max())
    with np.errstate(invalid="ignore"):
        return powers / powers.sum(axis=-1, keepdims=True)


@stable_softmax.wrong(
    "All numbers together sum to 1: normalise each row on its own (axis=-1, "
    "keepdims=True)."
)
def softmax_over_everything(logits):
    powers = np.exp(logits - logits.max())
    return powers / powers.sum()


@stable_softmax.wrong(
    "You normalised along axis 0, across examples. Classes lie along the last axis."
)
def softmax_over_first_axis(logits):
    powers = np.exp(logits - logits.max(axis=0, keepdims=True))
    return powers / powers.sum(axis=0, keepdims=True)


@stable_softmax.wrong(
    "The division by the sum is missing: the largest class has the value 1 in every "
    "row."
)
def softmax_without_division(logits):
    return np.exp(logits - logits.max(axis=-1, keepdims=True))


# softmax_cross_entropy ------------------------------------------------------------


def cross_entropy_inputs(rng):
    for rows, classes, drop in ((5, 4, 0), (6, 3, 1000)):
        logits = 2 * rng.normal(size=(rows, classes))
        labels = rng.integers(0, classes, rows)
        logits[0, labels[0]] -= drop
        yield {"logits": logits, "labels": labels}
    yield {"logits": np.zeros((3, 10)), "labels": rng.integers(0, 10, 3)}


def log_normaliser(logits):
    top = logits.max(axis=1)
    return top + np.log(np.exp(logits - top[:, None]).sum(axis=1))


@problem(
    title=Text(en="Cross-entropy from logits", zh="由 logits 直接算交叉熵"),
    statement=Text(
        en=(
            "Return for each example the cross-entropy between its label and the "
            "softmax of its logits, in nats: $-\\log p_y$. Some logits differ by "
            "more than 800, so that the probability of the label rounds to 0: the "
            "loss must still be finite and exact."
        ),
        zh=(
            "对每个样本返回标签与 logits 的 softmax 之间的交叉熵 $-\\log p_y$，"
            "单位为奈特。有些 logits 相差超过 800，标签的概率会舍入成 0："
            "损失仍然必须有限且精确。"
        ),
    ),
    limits=Text(
        en=(
            "`logits` (n, classes) float64, `labels` (n,) integers. Returns (n,). "
            "NumPy only."
        ),
        zh=(
            "`logits` 形状 (n, 类别数)，float64；`labels` 形状 (n,)，整数。"
            "返回 (n,)。只用 NumPy。"
        ),
    ),
    examples=[
        "softmax_cross_entropy(np.zeros((1, 10)), np.array([3])) -> [2.302585]",
        "softmax_cross_entropy(np.array([[0.0, 900.0]]), np.array([0])) -> [900.0]",
    ],
    topic="classifiers",
    level="junior",
    lesson="01_digits_and_a_judge#from-logits-to-a-loss",
    inputs=cross_entropy_inputs,
    hints=[
        "Write the logarithm of the softmax before you compute anything: the "
        "exponential of the label's logit and the logarithm cancel.",
        "The loss is logsumexp(logits) - logits[label]. For a stable logsumexp, take "
        "the largest logit out of the sum.",
        "top = logits.max(axis=1); top + np.log(np.exp(logits - top[:, "
        "None]).sum(axis=1)) - logits[np.arange(len(labels)), labels]",
    ],
)
def softmax_cross_entropy(logits, labels):
    return log_normaliser(logits) - logits[np.arange(len(labels)), labels]


@softmax_cross_entropy.also_right
def cross_entropy_by_one_hot(logits, labels):
    log_probabilities = logits - np.logaddexp.reduce(logits, axis=1)[:, None]
    return -(np.eye(logits.shape[1])[labels] * log_probabilities).sum(axis=1)


@softmax_cross_entropy.wrong(
    "The logarithm of a probability that rounded to 0 is infinite. Do not form the "
    "probability: use logsumexp(logits) - logits[label]."
)
def log_of_probabilities(logits, labels):
    with np.errstate(all="ignore"):
        chosen = stable_softmax(logits)[np.arange(len(labels)), labels]
        return -np.log(chosen)


@softmax_cross_entropy.wrong(
    "You averaged over the batch: return one loss for each example."
)
def cross_entropy_averaged(logits, labels):
    return softmax_cross_entropy(logits, labels).mean()


@softmax_cross_entropy.wrong(
    "The sign is the other way round: this is log p, the loss is -log p and never "
    "negative."
)
def log_likelihood(logits, labels):
    return -softmax_cross_entropy(logits, labels)


@softmax_cross_entropy.wrong(
    "This is in bits (logarithm to base 2). Nats use the natural logarithm."
)
def cross_entropy_in_bits(logits, labels):
    return softmax_cross_entropy(logits, labels) / np.log(2)


@softmax_cross_entropy.wrong(
    "The softmax was applied twice: the function already normalises, so hand it the "
    "logits."
)
def softmax_twice(logits, labels):
    return softmax_cross_entropy(stable_softmax(logits), labels)


# calibration_gap ------------------------------------------------------------------


def calibration_inputs(rng):
    # Too sure on the whole, not sure enough, and one row alone in its bin;
    # confidences lie off the middle of their bin.
    for rows, bins, chance, end in ((60, 10, 0.3, np.max), (40, 5, 0.95, np.min)):
        place = end(rng.integers(bins // 5, bins, (2, rows)), axis=0)
        confidences = (place + rng.uniform(0.6, 0.9, rows)) / bins
        correct = (rng.uniform(size=rows) < chance).astype(int)
        confidences[:4], correct[:4] = 1, 0
        yield {"confidences": confidences, "correct": correct, "bins": bins}
    confidences, correct = np.repeat([0.98, 0.38], [9, 1]), np.repeat([1, 0], [9, 1])
    yield {"confidences": confidences, "correct": correct, "bins": 10}


def bins_of(confidences, bins):
    return np.minimum((confidences * bins).astype(int), bins - 1)


@problem(
    title=Text(en="Expected calibration error", zh="期望校准误差（ECE）"),
    statement=Text(
        en=(
            "A classifier gives a confidence (the probability of its answer) for "
            "each image; `correct` says whether the answer was right. Cut [0, 1] "
            "into `bins` bins of equal width (a confidence of exactly 1 belongs to "
            "the last bin; a value on an inner edge to the upper bin). Return\n\n"
            "$$\\text{ECE} = \\sum_b \\frac{n_b}{n}\\,|\\text{acc}_b - "
            "\\text{conf}_b|$$\n\n"
            "with the accuracy and the mean confidence in each bin. Empty bins "
            "count nothing."
        ),
        zh=(
            "分类器对每张图像给出一个置信度（它所选答案的概率），`correct` 记录"
            "答案是否正确。把 [0, 1] 等分成 `bins` 个区间（置信度恰为 1 时归入"
            "最后一个区间，落在内部边界上时归入右侧区间），返回\n\n"
            "$$\\text{ECE} = \\sum_b \\frac{n_b}{n}\\,|\\text{acc}_b - "
            "\\text{conf}_b|$$\n\n"
            "其中 acc 与 conf 是该区间内的准确率和平均置信度。空区间不计。"
        ),
    ),
    limits=Text(
        en=(
            "`confidences` (n,) in [0, 1], `correct` (n,) of 0 and 1, `bins` an "
            "integer. Returns one number."
        ),
        zh=(
            "`confidences` 形状 (n,)，取值 [0, 1]；`correct` 形状 (n,)，取值 0 或 "
            "1；`bins` 为整数。返回一个数。"
        ),
    ),
    examples=["calibration_gap(np.array([0.9, 0.9]), np.array([1, 0]), 10) -> 0.4"],
    topic="classifiers",
    level="middle",
    lesson="01_digits_and_a_judge#can-the-probabilities-be-trusted",
    inputs=calibration_inputs,
    hints=[
        "The bin of a confidence is int(confidence * bins), except for 1.",
        "Within a bin use the mean of the confidences, not the middle of the bin. "
        "Weigh each gap by the share of images in its bin.",
        "In one line per bin: inside.mean() * abs(correct[inside].mean() - "
        "confidences[inside].mean())",
    ],
)
def calibration_gap(confidences, correct, bins):
    place, total = bins_of(confidences, bins), 0.0
    for one in range(bins):
        inside = place == one
        if inside.any():
            gap = abs(correct[inside].mean() - confidences[inside].mean())
            total += inside.mean() * gap
    return total


@calibration_gap.also_right
def calibration_by_sums(confidences, correct, bins):
    differences = np.bincount(
        bins_of(confidences, bins), correct - confidences, minlength=bins
    )
    return np.abs(differences).sum() / len(confidences)


@calibration_gap.wrong(
    "You averaged over the bins as if all were equally full: weigh each gap by the "
    "share of images in its bin."
)
def calibration_unweighted(confidences, correct, bins):
    place = bins_of(confidences, bins)
    inside = [place == one for one in range(bins) if (place == one).any()]
    return np.mean([abs(correct[i].mean() - confidences[i].mean()) for i in inside])


@calibration_gap.wrong(
    "Over- and underconfidence cancel in this difference of two means: take the "
    "absolute gap of each bin, then add."
)
def calibration_signed(confidences, correct, bins):
    return confidences.mean() - correct.mean()


@calibration_gap.wrong(
    "That is the gap of one big bin: within it, over- and underconfidence cancel. "
    "Compute a gap for each bin."
)
def calibration_of_one_bin(confidences, correct, bins):
    return abs(confidences.mean() - correct.mean())


@calibration_gap.wrong(
    "You compared the accuracy with the middle of the bin: compare it with the mean "
    "confidence of the images in it."
)
def calibration_at_middles(confidences, correct, bins):
    place = bins_of(confidences, bins)
    rights = np.bincount(place, correct, minlength=bins)
    counts = np.bincount(place, minlength=bins)
    middles = (np.arange(bins) + 0.5) / bins
    return np.abs(rights - counts * middles).sum() / len(confidences)


@calibration_gap.wrong(
    "Confidences of exactly 1 fall out of the last bin: put them into it, "
    "np.minimum(..., bins - 1)."
)
def calibration_without_ones(confidences, correct, bins):
    place = (confidences * bins).astype(int)
    differences = np.bincount(place, correct - confidences, minlength=bins)[:bins]
    return np.abs(differences).sum() / len(confidences)


# confusion_counts -----------------------------------------------------------------


def confusion_inputs(rng):
    for rows, classes in ((40, 4), (30, 6)):
        labels = rng.integers(0, classes, rows)
        predictions = np.where(
            rng.uniform(size=rows) < 0.6, labels, rng.integers(0, classes - 1, rows)
        )
        labels[0], predictions[0] = 0, 1  # so that the table is not symmetric
        labels[1:4], predictions[1:4] = 1, 2
        labels[labels == classes - 1] = 0  # a class that never occurs
        yield {"labels": labels, "predictions": predictions, "classes": classes}


@problem(
    title=Text(en="Confusion matrix", zh="混淆矩阵"),
    statement=Text(
        en=(
            "Count how often each digit is taken for each other. The row is the "
            "true label, the column the prediction. Some classes may not occur."
        ),
        zh=(
            "统计每个数字被认成各个数字的次数。行是真实标签，列是预测结果。"
            "有的类别可能一次也不出现。"
        ),
    ),
    limits=Text(
        en=(
            "`labels`, `predictions` (n,) integers from 0 to `classes` - 1. "
            "Returns whole numbers (classes, classes)."
        ),
        zh=(
            "`labels`、`predictions` 形状 (n,)，取 0 到 `classes` - 1 的整数。"
            "返回整数矩阵 (classes, classes)。"
        ),
    ),
    examples=[
        "confusion_counts(np.array([0, 0, 1]), np.array([0, 1, 1]), 2) "
        "-> [[1, 1], [0, 1]]"
    ],
    topic="classifiers",
    level="junior",
    lesson="01_digits_and_a_judge#which-digits-are-confused",
    inputs=confusion_inputs,
    hints=[
        "Each pair (label, prediction) adds 1 to one cell of a table of zeros.",
        "table[labels, predictions] += 1 counts a pair that occurs twice only once. "
        "np.add.at does not have this flaw; a loop neither.",
    ],
)
def confusion_counts(labels, predictions, classes):
    table = np.zeros((classes, classes), int)
    np.add.at(table, (labels, predictions), 1)
    return table


@confusion_counts.also_right
def confusion_by_loop(labels, predictions, classes):
    table = [[0] * classes for _ in range(classes)]
    for label, prediction in zip(labels, predictions, strict=True):
        table[label][prediction] += 1
    return np.array(table)


@confusion_counts.wrong("Rows and columns are swapped: the row is the true label.")
def confusion_transposed(labels, predictions, classes):
    return confusion_counts(predictions, labels, classes)


@confusion_counts.wrong(
    "Repeated pairs were counted once: `table[a, b] += 1` adds once per cell, however "
    "often the pair occurs. Use np.add.at."
)
def confusion_counted_once(labels, predictions, classes):
    table = np.zeros((classes, classes), int)
    table[labels, predictions] += 1
    return table


@confusion_counts.wrong("These are shares of each row: return the counts.")
def confusion_as_shares(labels, predictions, classes):
    table = confusion_counts(labels, predictions, classes)
    return table / np.maximum(table.sum(axis=1, keepdims=True), 1)


# convolution_size -----------------------------------------------------------------


def convolution_inputs(rng):
    for stride, padding in ((1, "valid"), (2, "same"), (2, "valid"), (3, "same")):
        yield {
            "height": int(rng.integers(14, 31)) * 2 + 1,
            "width": int(rng.integers(14, 31)) * 2,
            "channels": int(rng.integers(2, 5)),
            "filters": int(rng.integers(6, 20)),
            "kernel": int(rng.choice([4, 5])),
            "stride": stride,
            "padding": padding,
        }


@problem(
    title=Text(
        en="Size and parameters of a convolution", zh="卷积层的输出尺寸与参数量"
    ),
    statement=Text(
        en=(
            "A 2D convolution with a bias has square kernels of side `kernel` and "
            "the same stride in both directions. Return "
            "`[output height, output width, number of parameters]`. "
            '`padding` is `"valid"` (none) or `"same"` as in Keras: enough zeros '
            "that with stride 1 the size would not change."
        ),
        zh=(
            "一个带偏置的二维卷积层，卷积核是边长为 `kernel` 的正方形，两个方向"
            "步长相同。返回 `[输出高, 输出宽, 参数个数]`。"
            '`padding` 取 `"valid"`（不填充）或 `"same"`（与 Keras 相同：'
            "补零到步长为 1 时尺寸不变）。"
        ),
    ),
    limits=Text(
        en="All arguments but `padding` are positive integers; no Keras needed.",
        zh="除 `padding` 外都是正整数；不需要 Keras。",
    ),
    examples=[
        'convolution_size(28, 28, 1, 32, 3, 1, "valid") -> [26, 26, 320]',
        'convolution_size(7, 7, 32, 64, 3, 2, "same") -> [4, 4, 18496]',
    ],
    topic="classifiers",
    level="junior",
    lesson="01_digits_and_a_judge#the-network",
    inputs=convolution_inputs,
    hints=[
        "Count the places where the kernel can start. One filter looks at all "
        "channels and has one bias.",
        "valid: (size - kernel) // stride + 1. same: size / stride, rounded up; the "
        "kernel does not matter.",
        "Parameters: filters * (kernel * kernel * channels + 1).",
    ],
)
def convolution_size(height, width, channels, filters, kernel, stride, padding):
    if padding == "same":
        sides = [-(-side // stride) for side in (height, width)]
    else:
        sides = [(side - kernel) // stride + 1 for side in (height, width)]
    return [*sides, filters * (kernel * kernel * channels + 1)]


@convolution_size.also_right
def convolution_by_counting(height, width, channels, filters, kernel, stride, padding):
    def side(size):
        last = size if padding == "same" else size - kernel + 1
        return len(range(0, last, stride))

    return [side(height), side(width), kernel**2 * channels * filters + filters]


@convolution_size.wrong("The biases are missing: one more parameter for each filter.")
def convolution_without_bias(height, width, channels, filters, kernel, stride, padding):
    *sides, count = convolution_size(
        height, width, channels, filters, kernel, stride, padding
    )
    return [*sides, count - filters]


@convolution_size.wrong(
    "Each filter has weights for every input channel: multiply by `channels`."
)
def convolution_without_channels(
    height, width, channels, filters, kernel, stride, padding
):
    return convolution_size(height, width, 1, filters, kernel, stride, padding)


@convolution_size.wrong(
    'The padding is not used: with "same" the size is size / stride, rounded up.'
)
def convolution_always_valid(height, width, channels, filters, kernel, stride, padding):
    return convolution_size(height, width, channels, filters, kernel, stride, "valid")


@convolution_size.wrong(
    'With "same" an odd size is rounded up, not down: 7 with stride 2 becomes 4.'
)
def convolution_rounded_down(height, width, channels, filters, kernel, stride, padding):
    *sides, count = convolution_size(
        height, width, channels, filters, kernel, stride, padding
    )
    if padding == "same":
        sides = [height // stride, width // stride]
    return [*sides, count]


@convolution_size.wrong("One place was forgotten: (size - kernel) // stride + 1.")
def convolution_without_one(height, width, channels, filters, kernel, stride, padding):
    *sides, count = convolution_size(
        height, width, channels, filters, kernel, stride, padding
    )
    if padding == "valid":
        sides = [side - 1 for side in sides]
    return [*sides, count]


# two_layer_gradients: the backward pass by hand


def network_inputs(rng):
    for rows, features, hidden, classes in ((3, 2, 4, 3), (5, 4, 3, 3)):
        yield {
            "x": rng.normal(size=(rows, features)),
            "labels": rng.integers(classes, size=rows),
            "first": rng.normal(size=(features, hidden)),
            "first_bias": rng.normal(size=hidden),
            "second": rng.normal(size=(hidden, classes)),
            "second_bias": rng.normal(size=classes),
        }
    yield {  # the first hidden unit stands exactly at 0 in the first row
        "x": np.array([[0.0, 0.0], [1.0, -0.5]]),
        "labels": np.array([1, 0]),
        "first": rng.normal(size=(2, 3)),
        "first_bias": np.array([0.0, 0.5, 1.0]),
        "second": rng.normal(size=(3, 2)),
        "second_bias": np.array([0.3, -0.2]),
    }
    yield {
        "x": 30 * rng.normal(size=(4, 3)),
        "labels": np.array([0, 1, 2, 1]),
        "first": 30 * rng.normal(size=(3, 4)),
        "first_bias": rng.normal(size=4),
        "second": 30 * rng.normal(size=(4, 3)),
        "second_bias": rng.normal(size=3),
    }


def share_of_loss(hidden, labels, second, second_bias):
    """The gradient of the mean cross-entropy with respect to the logits."""
    logits = hidden @ second + second_bias
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    chances = weights / weights.sum(axis=1, keepdims=True)
    return (chances - np.eye(second.shape[1])[labels]) / len(labels)


def backwards(x, hidden, slope, errors, second):
    """Gradients of both layers, from those of the logits."""
    below = errors @ second.T * slope
    return [x.T @ below, below.sum(axis=0), hidden.T @ errors, errors.sum(axis=0)]


@problem(
    title=Text(en="The backward pass by hand", zh="手写反向传播"),
    statement=Text(
        en=(
            "A classifier has one hidden layer: `hidden = relu(x @ first + "
            "first_bias)`, `logits = hidden @ second + second_bias`. Its loss is the "
            "mean cross-entropy between the softmax of the logits and the labels. "
            "Return the gradients of the loss with respect to `first`, `first_bias`, "
            "`second` and `second_bias`, in this order, without automatic "
            "differentiation. The slope of relu at 0 counts as 0."
        ),
        zh=(
            "一个分类器有一个隐藏层：`hidden = relu(x @ first + first_bias)`，"
            "`logits = hidden @ second + second_bias`。损失是 logits 的 softmax 与标签"
            "之间交叉熵的均值。请不用自动微分，依次返回损失对 `first`、"
            "`first_bias`、`second` 和 `second_bias` 的梯度。relu 在 0 处的导数取 0。"
        ),
    ),
    limits=Text(
        en=(
            "`x`: (n, features); `labels`: (n,), whole numbers; the rest as the "
            "products need it. Logits may be in the thousands. Return a list of four "
            "arrays. NumPy."
        ),
        zh=(
            "`x` 的形状为 (n, features)，`labels` 为 (n,) 的整数，其余形状由乘法决"
            "定。logits 可能高达几千。返回四个数组的列表。使用 NumPy。"
        ),
    ),
    examples=[
        "with logits that do not depend on x and even chances for two classes, a row "
        "of label 0 adds [-0.5, 0.5] / n to the gradient of second_bias"
    ],
    topic="classifiers",
    level="senior",
    inputs=network_inputs,
    tolerance=1e-6,
    hints=[
        "Begin at the end: the gradient of the mean cross-entropy with respect to the "
        "logits has a short form.",
        "errors = (softmax - one_hot) / n. A layer's weights get inputs.T @ errors, "
        "its bias the sum of the errors over the rows.",
        "Errors go back through errors @ second.T and stop where hidden is 0.",
    ],
)
def two_layer_gradients(x, labels, first, first_bias, second, second_bias):
    hidden = np.maximum(x @ first + first_bias, 0)
    errors = share_of_loss(hidden, labels, second, second_bias)
    return backwards(x, hidden, hidden > 0, errors, second)


@two_layer_gradients.also_right
def gradients_row_by_row(x, labels, first, first_bias, second, second_bias):
    total = [np.zeros_like(one) for one in (first, first_bias, second, second_bias)]
    for row, label in zip(x, labels, strict=True):
        before = row @ first + first_bias
        hidden = before.clip(0)
        logits = hidden @ second + second_bias
        errors = np.exp(logits - np.logaddexp.reduce(logits))
        errors[label] -= 1
        below = np.where(before > 0, second @ errors, 0)
        parts = (np.outer(row, below), below, np.outer(hidden, errors), errors)
        for sum_so_far, part in zip(total, parts, strict=True):
            sum_so_far += part / len(x)
    return total


@two_layer_gradients.wrong(
    "The losses were added up: for their mean divide by the number of examples."
)
def gradients_of_sum(x, labels, first, first_bias, second, second_bias):
    found = two_layer_gradients(x, labels, first, first_bias, second, second_bias)
    return [len(x) * one for one in found]


@two_layer_gradients.wrong(
    "The errors pass units that relu has shut: where hidden is 0, nothing goes back."
)
def gradients_without_relu(x, labels, first, first_bias, second, second_bias):
    hidden = np.maximum(x @ first + first_bias, 0)
    errors = share_of_loss(hidden, labels, second, second_bias)
    return backwards(x, hidden, 1, errors, second)


@two_layer_gradients.wrong(
    "relu passes the error at exactly 0: its slope there counts as 0 (hidden > 0)."
)
def gradients_open_at_zero(x, labels, first, first_bias, second, second_bias):
    before = x @ first + first_bias
    hidden = np.maximum(before, 0)
    errors = share_of_loss(hidden, labels, second, second_bias)
    return backwards(x, hidden, before >= 0, errors, second)


@two_layer_gradients.wrong(
    "The errors of the logits have the wrong sign: softmax minus one-hot label."
)
def gradients_reversed(x, labels, first, first_bias, second, second_bias):
    found = two_layer_gradients(x, labels, first, first_bias, second, second_bias)
    return [-one for one in found]


@two_layer_gradients.wrong(
    "The biases' gradients are means over the rows: the division by n is in the errors "
    "already, so add them up."
)
def gradients_bias_means(x, labels, first, first_bias, second, second_bias):
    found = two_layer_gradients(x, labels, first, first_bias, second, second_bias)
    return [found[0], found[1] / len(x), found[2], found[3] / len(x)]


@two_layer_gradients.wrong(
    "The softmax's own slope was multiplied in as well: softmax minus one-hot label is "
    "the gradient of both together."
)
def gradients_with_slope_twice(x, labels, first, first_bias, second, second_bias):
    hidden = np.maximum(x @ first + first_bias, 0)
    errors = share_of_loss(hidden, labels, second, second_bias)
    chances = errors * len(x) + np.eye(second.shape[1])[labels]
    return backwards(x, hidden, hidden > 0, errors * chances * (1 - chances), second)


@two_layer_gradients.wrong(
    "The gradient of `second` uses the hidden values before relu: the layer multiplied "
    "those after it."
)
def gradients_before_relu(x, labels, first, first_bias, second, second_bias):
    before = x @ first + first_bias
    hidden = np.maximum(before, 0)
    errors = share_of_loss(hidden, labels, second, second_bias)
    return backwards(x, before, hidden > 0, errors, second)


@two_layer_gradients.wrong(
    "The softmax overflows: subtract each row's largest logit before np.exp."
)
def gradients_unstable(x, labels, first, first_bias, second, second_bias):
    hidden = np.maximum(x @ first + first_bias, 0)
    with np.errstate(over="ignore", invalid="ignore"):
        weights = np.exp(hidden @ second + second_bias)
        chances = weights / weights.sum(axis=1, keepdims=True)
        errors = (chances - np.eye(second.shape[1])[labels]) / len(x)
        return backwards(x, hidden, hidden > 0, errors, second)
