"""Coding problems and bug hunts: metrics of generated images."""

import math

import numpy as np
from scipy.linalg import sqrtm
from scipy.special import entr, rel_entr

from digitdreams.interview.bank import Text
from digitdreams.interview.problems import problem

# fid_of_features ------------------------------------------------------------------


def two_sets(rng, rows, others, width):
    """Two sets of feature vectors with different means and correlations."""
    mixing, other = rng.normal(size=(2, width, width))
    return (
        rng.normal(size=(rows, width)) @ mixing,
        rng.normal(size=(others, width)) @ other + rng.normal(size=width),
    )


def fid_inputs(rng):
    for rows, others, width in ((12, 9, 3), (10, 14, 4)):
        real, generated = two_sets(rng, rows, others, width)
        yield {"real": real, "generated": generated}


def moments(features):
    return features.mean(axis=0), np.cov(features, rowvar=False)


def root(matrix):
    """The symmetric square root of a covariance."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(values.clip(min=0))) @ vectors.T


def fid_parts(real, generated):
    (mean, covariance), (other_mean, other) = moments(real), moments(generated)
    # A^(1/2) B A^(1/2) has the eigenvalues of A B, and it is symmetric.
    half = root(covariance)
    shared = np.sqrt(np.linalg.eigvalsh(half @ other @ half).clip(min=0)).sum()
    distance = np.square(mean - other_mean).sum()
    return distance, np.trace(covariance), np.trace(other), shared


@problem(
    title=Text(en="FID from two arrays", zh="由两组特征计算 FID"),
    statement=Text(
        en=(
            "Each row is the feature vector of an image. Describe each set by its "
            "mean $\\mu$ and covariance $\\Sigma$ (divided by $n - 1$) and return "
            "the Fréchet distance of the two Gaussians, which is the FID:\n\n"
            "$$\\lVert\\mu_r - \\mu_g\\rVert^2 + \\operatorname{tr}\\big(\\Sigma_r "
            "+ \\Sigma_g - 2(\\Sigma_r\\Sigma_g)^{1/2}\\big)$$"
        ),
        zh=(
            "每一行是一张图像的特征向量。用均值 $\\mu$ 和协方差 $\\Sigma$（除以 "
            "$n - 1$）描述每一组，返回两个高斯分布之间的 Fréchet 距离，也就是 FID："
            "\n\n"
            "$$\\lVert\\mu_r - \\mu_g\\rVert^2 + \\operatorname{tr}\\big(\\Sigma_r "
            "+ \\Sigma_g - 2(\\Sigma_r\\Sigma_g)^{1/2}\\big)$$"
        ),
    ),
    limits=Text(
        en=(
            "(n, d) and (m, d) with n, m > d > 1. NumPy; scipy.linalg.sqrtm is "
            "allowed, not needed. Returns one number."
        ),
        zh=(
            "形状 (n, d) 与 (m, d)，n、m > d > 1。用 NumPy；允许 "
            "scipy.linalg.sqrtm，但不是必需。返回一个数。"
        ),
    ),
    examples=[
        "a set and itself -> 0.0",
        "a set and itself shifted by (3, 4) -> 25.0",
    ],
    topic="metrics",
    level="senior",
    inputs=fid_inputs,
    tolerance=1e-4,
    hints=[
        "np.cov(features, rowvar=False) is the covariance. What remains is the trace "
        "of a matrix square root.",
        "The trace of (A B)^(1/2) is the sum of the square roots of the eigenvalues "
        "of A B.",
        "These are also the eigenvalues of the symmetric A^(1/2) B A^(1/2); "
        "np.linalg.eigh gives A^(1/2).",
    ],
)
def fid_of_features(real, generated):
    distance, spread, other_spread, shared = fid_parts(real, generated)
    return distance + spread + other_spread - 2 * shared


@fid_of_features.also_right
def fid_by_sqrtm(real, generated):
    (mean, covariance), (other_mean, other) = moments(real), moments(generated)
    product = sqrtm(covariance @ other)
    apart = mean - other_mean
    return apart @ apart + np.trace(covariance + other - 2 * np.real(product))


@fid_of_features.wrong("The square root of the product of the covariances is missing.")
def fid_without_root(real, generated):
    covariance, other = moments(real)[1], moments(generated)[1]
    distance, spread, other_spread, _ = fid_parts(real, generated)
    return distance + spread + other_spread - 2 * np.trace(covariance @ other)


@fid_of_features.wrong(
    "np.sqrt takes the root of each entry: a matrix square root is needed "
    "(eigenvalues, or scipy.linalg.sqrtm)."
)
def fid_elementwise(real, generated):
    covariance, other = moments(real)[1], moments(generated)[1]
    shared = np.trace(np.sqrt(np.abs(covariance @ other)))
    distance, spread, other_spread, _ = fid_parts(real, generated)
    return distance + spread + other_spread - 2 * shared


@fid_of_features.wrong(
    "Only the means are compared: samples that are all alike could have the right "
    "mean. Add the term of the covariances."
)
def fid_of_means(real, generated):
    return fid_parts(real, generated)[0]


@fid_of_features.wrong("You took the root at the end: FID is the squared distance.")
def fid_rooted(real, generated):
    return math.sqrt(fid_of_features(real, generated))


@fid_of_features.wrong(
    "This compares standard deviations and ignores how features vary together: use the "
    "whole covariances."
)
def fid_of_deviations(real, generated):
    """The formula for uncorrelated features."""
    apart = np.square(real.mean(axis=0) - generated.mean(axis=0)).sum()
    deviations = real.std(axis=0, ddof=1) - generated.std(axis=0, ddof=1)
    return apart + np.square(deviations).sum()


@fid_of_features.wrong(
    "The covariances are divided by n: divide by n - 1, as np.cov does."
)
def fid_by_n(real, generated):
    """Covariances divided by n instead of n - 1."""
    apart = np.square(real.mean(axis=0) - generated.mean(axis=0)).sum()
    covariance = np.cov(real, rowvar=False, bias=True)
    other = np.cov(generated, rowvar=False, bias=True)
    half = root(covariance)
    shared = np.sqrt(np.linalg.eigvalsh(half @ other @ half).clip(min=0)).sum()
    return apart + np.trace(covariance + other) - 2 * shared


# inception_score_of ---------------------------------------------------------------


def certain(rng, rows, classes):
    chances = rng.dirichlet(np.full(classes, 0.3), rows)
    chances[0] = np.eye(classes)[0]
    return chances


def score_inputs(rng):
    for rows, classes in ((8, 4), (12, 10)):
        yield {"probabilities": certain(rng, rows, classes)}


@problem(
    title=Text(en="Inception Score", zh="Inception 分数（IS）"),
    statement=Text(
        en=(
            "A classifier gives a row of class probabilities for each sample. "
            "Return the exponential of the mean KL divergence from each row to "
            "the mean row: $\\exp\\big(\\tfrac1n \\sum_i "
            "\\mathrm{KL}(p_i \\,\\|\\, \\bar p)\\big)$. Some probabilities are "
            "exactly 0; 0 log 0 counts as 0."
        ),
        zh=(
            "分类器为每个样本给出一行类别概率。求每一行到平均行的 KL 散度，取平均后"
            "再取指数返回：$\\exp\\big(\\tfrac1n \\sum_i "
            "\\mathrm{KL}(p_i \\,\\|\\, \\bar p)\\big)$。有些概率恰好为 0，"
            "0 log 0 按 0 计。"
        ),
    ),
    limits=Text(
        en="(n, classes), rows sum to 1. Returns a number from 1 to classes.",
        zh="形状 (n, 类别数)，每行之和为 1。返回 1 到类别数之间的一个数。",
    ),
    examples=[
        "np.eye(10) -> 10.0",
        "equal rows -> 1.0",
    ],
    topic="metrics",
    level="middle",
    lesson="01_digits_and_a_judge#why-a-classifier-will-judge-generators",
    inputs=score_inputs,
    hints=[
        "First the mean row, then for each row sum p * log(p / mean).",
        "Average these divergences, and only then take the exponential.",
        "Or: the entropy of the mean row minus the mean entropy of the rows.",
    ],
)
def inception_score_of(probabilities):
    mean = probabilities.mean(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = probabilities * np.log(probabilities / mean)
    return math.exp(np.nan_to_num(terms).sum(axis=1).mean())


@inception_score_of.also_right
def score_by_entropies(probabilities):
    of_mean = entr(probabilities.mean(axis=0)).sum()
    return np.exp(of_mean - entr(probabilities).sum(axis=1).mean())


@inception_score_of.wrong("0 times log 0 became NaN: it counts as 0.")
def score_with_nan(probabilities):
    with np.errstate(all="ignore"):
        terms = probabilities * np.log(probabilities / probabilities.mean(axis=0))
        return np.exp(terms.sum(axis=1).mean())


@inception_score_of.wrong("Take the exponential at the end.")
def score_without_exp(probabilities):
    return math.log(inception_score_of(probabilities))


@inception_score_of.wrong("Average the divergences first, then take the exponential.")
def score_exp_first(probabilities):
    mean = probabilities.mean(axis=0)
    return np.exp(rel_entr(probabilities, mean).sum(axis=1)).mean()


@inception_score_of.wrong(
    "This measures the variety of classes only: subtract the entropy of the single "
    "rows, which says how sure the classifier is."
)
def score_of_variety(probabilities):
    return np.exp(entr(probabilities.mean(axis=0)).sum())


@inception_score_of.wrong(
    "Compare with the mean row of the samples, not with equal probabilities: else one "
    "repeated digit gets the best score."
)
def score_against_uniform(probabilities):
    uniform = 1 / probabilities.shape[1]
    return np.exp(rel_entr(probabilities, uniform).sum(axis=1).mean())


@inception_score_of.wrong("You averaged over the classes: a divergence sums over them.")
def score_summed(probabilities):
    mean = probabilities.mean(axis=0)
    return np.exp(rel_entr(probabilities, mean).mean())


# kernel_distance ------------------------------------------------------------------


def kid_inputs(rng):
    for rows, others, width in ((6, 5, 3), (5, 8, 4)):
        real, generated = two_sets(rng, rows, others, width)
        yield {"real": real, "generated": generated}


def kernel(a, b, degree=3):
    return (a @ b.T / a.shape[1] + 1) ** degree


def unbiased_discrepancy(real, generated, of):
    def among(x):
        values, n = of(x, x), len(x)
        return (values.sum() - np.trace(values)) / (n * (n - 1))

    return among(real) + among(generated) - 2 * of(real, generated).mean()


@problem(
    title=Text(en="Kernel inception distance", zh="核 Inception 距离（KID）"),
    statement=Text(
        en=(
            "KID is the squared maximum mean discrepancy of two sets of feature "
            "vectors with the kernel $k(x, y) = (x \\cdot y / d + 1)^3$. Return "
            "the **unbiased** estimate: mean of $k$ over pairs of *different* "
            "real vectors, plus the same for generated ones, minus twice the mean "
            "over all mixed pairs. It may be negative."
        ),
        zh=(
            "KID 是两组特征向量的最大均值差异（MMD）的平方，核函数为 "
            "$k(x, y) = (x \\cdot y / d + 1)^3$。返回**无偏**估计：真实向量中"
            "所有*不同*向量对的 $k$ 均值，加上生成向量的同一项，减去所有混合对均值"
            "的两倍。结果可能为负。"
        ),
    ),
    limits=Text(
        en="(n, d) and (m, d), n and m at least 2. NumPy. Returns one number.",
        zh="形状 (n, d) 与 (m, d)，n、m 至少为 2。用 NumPy。返回一个数。",
    ),
    examples=["real [[1], [1]], generated [[0], [0]] -> 8 + 1 - 2 = 7.0"],
    topic="metrics",
    level="senior",
    inputs=kid_inputs,
    hints=[
        "(real @ generated.T / d + 1) ** 3 holds the kernel of every mixed pair.",
        "Within a set leave out the diagonal, a vector with itself: subtract the "
        "trace and divide by n (n - 1).",
    ],
)
def kernel_distance(real, generated):
    return unbiased_discrepancy(real, generated, kernel)


@kernel_distance.also_right
def kid_by_pairs(real, generated):
    def value(a, b):
        return (np.dot(a, b) / len(a) + 1) ** 3

    def among(x):
        n = len(x)
        pairs = [value(x[i], x[j]) for i in range(n) for j in range(i)]
        return math.fsum(pairs) / len(pairs)

    between = [value(a, b) for a in real for b in generated]
    return among(real) + among(generated) - 2 * math.fsum(between) / len(between)


@kernel_distance.wrong(
    "Pairs of a vector with itself are counted: this estimate is biased upwards. Leave "
    "the diagonal out, divide by n (n - 1)."
)
def kid_biased(real, generated):
    within = kernel(real, real).mean() + kernel(generated, generated).mean()
    return within - 2 * kernel(real, generated).mean()


@kernel_distance.wrong("Divide the dot product by the width d.")
def kid_unscaled(real, generated):
    return unbiased_discrepancy(real, generated, lambda a, b: (a @ b.T + 1) ** 3)


@kernel_distance.wrong("The kernel has the power 3.")
def kid_of_degree_two(real, generated):
    return unbiased_discrepancy(real, generated, lambda a, b: kernel(a, b, 2))


@kernel_distance.wrong(
    "With the plain dot product only the means are compared: use the kernel of the "
    "statement."
)
def kid_linear(real, generated):
    return unbiased_discrepancy(real, generated, lambda a, b: a @ b.T)


@kernel_distance.wrong("The mixed pairs are subtracted twice.")
def kid_cross_once(real, generated):
    return kernel_distance(real, generated) + kernel(real, generated).mean()


@kernel_distance.wrong("Return the estimate as it is: no root, and it may be negative.")
def kid_rooted(real, generated):
    return math.sqrt(max(0.0, kernel_distance(real, generated)))


# precision_and_recall -------------------------------------------------------------


def neighbour_sets(rng, width):
    """Vectors of uneven density, and samples near some of them."""
    real = rng.normal(size=(18, width)) * rng.uniform(0.2, 3, (18, 1))
    near = real[:4].repeat(2, axis=0) + 0.5 * rng.normal(size=(8, width))
    return real, np.concatenate([near, 2 * rng.normal(size=(6, width)) + 2])


def neighbour_inputs(rng):
    mistakes = (
        precision_swapped,
        precision_own_distance,
        precision_by_nearest,
        precision_one_radius,
        precision_real_balls_only,
    )
    for width, neighbours in ((2, 2), (3, 3)):
        while True:  # until every mistake shows
            real, generated = neighbour_sets(rng, width)
            case = {"real": real, "generated": generated, "neighbours": neighbours}
            right = precision_and_recall(**case)
            if all(one(**case) != right for one in mistakes) and max(right) < 1:
                break
        yield case
    # Two generated vectors lie exactly on the edge of a ball.
    real, generated = [0.0, 2, 10, 13], [4.0, 16, 30, 33, 34]
    yield {
        "real": np.array(real)[:, None],
        "generated": np.array(generated)[:, None],
        "neighbours": 1,
    }


def distances(a, b):
    return np.linalg.norm(a[:, None] - b[None], axis=2)


def share_inside(points, centres, neighbours):
    radii = np.sort(distances(centres, centres), axis=1)[:, neighbours]
    return (distances(points, centres) <= radii).any(axis=1).mean()


@problem(
    title=Text(en="Precision and recall", zh="精确率与召回率"),
    statement=Text(
        en=(
            "Draw a ball around each vector of a set that reaches to its "
            "`neighbours`-th nearest *other* vector of the same set (the edge "
            "belongs to it). Precision is the share of generated vectors inside "
            "at least one ball of the real set, recall the share of real vectors "
            "inside at least one ball of the generated set. Return "
            "`[precision, recall]`."
        ),
        zh=(
            "以集合中每个向量为球心作球，半径为它到同一集合中第 `neighbours` 近的"
            "*其他*向量的距离（含边界）。精确率是落入真实集合至少一个球内的生成向量"
            "所占比例，召回率是落入生成集合至少一个球内的真实向量所占比例。返回 "
            "`[精确率, 召回率]`。"
        ),
    ),
    limits=Text(
        en="(n, d) and (m, d) with n, m > `neighbours` >= 1. Euclidean distance.",
        zh="形状 (n, d) 与 (m, d)，n、m > `neighbours` >= 1。用欧氏距离。",
    ),
    examples=["all generated vectors equal one real vector -> precision 1.0"],
    topic="metrics",
    level="senior",
    inputs=neighbour_inputs,
    hints=[
        "Write one function share(points, centres) and call it twice.",
        "Sort the distances within `centres` row by row: column 0 is the vector "
        "itself, so the radius stands in column `neighbours`.",
        "(distances(points, centres) <= radii).any(axis=1).mean()",
    ],
)
def precision_and_recall(real, generated, neighbours):
    return [
        share_inside(generated, real, neighbours),
        share_inside(real, generated, neighbours),
    ]


@precision_and_recall.also_right
def precision_by_loops(real, generated, neighbours):
    def share(points, centres):
        inside = 0
        for point in points:
            for i, centre in enumerate(centres):
                others = np.delete(centres, i, axis=0)
                lengths = sorted(math.dist(centre, other) for other in others)
                if math.dist(point, centre) <= lengths[neighbours - 1]:
                    inside += 1
                    break
        return inside / len(points)

    return (share(generated, real), share(real, generated))


@precision_and_recall.wrong(
    "The two are swapped: precision asks about generated vectors, recall about real "
    "ones."
)
def precision_swapped(real, generated, neighbours):
    return precision_and_recall(real, generated, neighbours)[::-1]


@precision_and_recall.wrong(
    "A vector is not its own neighbour: after sorting, column 0 is its distance to "
    "itself."
)
def precision_own_distance(real, generated, neighbours):
    return precision_and_recall(real, generated, neighbours - 1)


@precision_and_recall.wrong(
    "You looked only at the ball of the nearest centre: a larger ball further away may "
    "hold the point."
)
def precision_by_nearest(real, generated, neighbours):
    """Only the ball of the nearest centre is looked at."""

    def share(points, centres):
        radii = np.sort(distances(centres, centres), axis=1)[:, neighbours]
        apart = distances(points, centres)
        nearest = apart.argmin(axis=1)
        return (apart.min(axis=1) <= radii[nearest]).mean()

    return [share(generated, real), share(real, generated)]


@precision_and_recall.wrong("The edge of a ball belongs to it: <= instead of <.")
def precision_without_edge(real, generated, neighbours):
    def share(points, centres):
        radii = np.sort(distances(centres, centres), axis=1)[:, neighbours]
        return (distances(points, centres) < radii).any(axis=1).mean()

    return [share(generated, real), share(real, generated)]


@precision_and_recall.wrong(
    "Each ball has a radius of its own: small where vectors lie close, large where "
    "they are rare."
)
def precision_one_radius(real, generated, neighbours):
    def share(points, centres):
        radii = np.sort(distances(centres, centres), axis=1)[:, neighbours]
        return (distances(points, centres).min(axis=1) <= radii.mean()).mean()

    return [share(generated, real), share(real, generated)]


@precision_and_recall.wrong(
    "For recall the balls belong to the generated set. With the balls of the real one "
    "this is the measure called coverage."
)
def precision_real_balls_only(real, generated, neighbours):
    precision = share_inside(generated, real, neighbours)
    radii = np.sort(distances(real, real), axis=1)[:, neighbours]
    recall = (distances(real, generated) <= radii[:, None]).any(axis=1).mean()
    return [precision, recall]


# covered_modes --------------------------------------------------------------------


def mode_inputs(rng):
    for counts, at_least in (((22, 5, 4, 11, 8, 0), 0.1), ((13, 2, 5, 0, 20), 0.05)):
        classes = len(counts)
        winners = rng.permutation(np.repeat(np.arange(classes), counts))
        chances = rng.dirichlet(np.ones(classes), len(winners))
        chances[np.arange(len(winners)), winners] += 1.0
        chances /= chances.sum(axis=1, keepdims=True)
        yield {"probabilities": chances, "at_least": at_least}


@problem(
    title=Text(en="Mode coverage", zh="模式覆盖数"),
    statement=Text(
        en=(
            "A sign of mode collapse: some digits are hardly drawn. Each sample "
            "counts for its most probable class. Return how many classes hold at "
            "least the share `at_least` of the samples."
        ),
        zh=(
            "模式崩溃的一个迹象是某些数字几乎画不出来。每个样本计入概率最大的类别。"
            "返回样本占比不低于 `at_least` 的类别个数。"
        ),
    ),
    limits=Text(
        en="(n, classes), rows sum to 1; `at_least` in (0, 1). Returns an int.",
        zh="形状 (n, 类别数)，每行之和为 1；`at_least` 在 (0, 1) 内。返回整数。",
    ),
    examples=["np.eye(3)[[0, 0, 0, 1]] with at_least 0.25 -> 2"],
    topic="metrics",
    level="junior",
    inputs=mode_inputs,
    hints=[
        "argmax gives the class of each sample; np.bincount counts them.",
        "Divide the counts by the number of samples and compare with `at_least` "
        "(equal is enough).",
    ],
)
def covered_modes(probabilities, at_least):
    winners = probabilities.argmax(axis=1)
    counts = np.bincount(winners, minlength=probabilities.shape[1])
    return int((counts / len(winners) >= at_least).sum())


@covered_modes.also_right
def modes_by_loop(probabilities, at_least):
    winners = [int(np.argmax(row)) for row in probabilities]
    shares = [winners.count(one) / len(winners) for one in range(len(probabilities[0]))]
    return sum(share >= at_least for share in shares)


@covered_modes.wrong(
    "A single sample does not cover a class: compare its share with `at_least`."
)
def modes_seen_at_all(probabilities, at_least):
    return len(set(probabilities.argmax(axis=1).tolist()))


@covered_modes.wrong("A share of exactly `at_least` is enough: use >=.")
def modes_strictly_above(probabilities, at_least):
    winners = probabilities.argmax(axis=1)
    counts = np.bincount(winners, minlength=probabilities.shape[1])
    return int((counts / len(winners) > at_least).sum())


@covered_modes.wrong(
    "You averaged probabilities: a little doubt in every sample then looks like a "
    "class. Count the most probable class."
)
def modes_of_mean(probabilities, at_least):
    return int((probabilities.mean(axis=0) >= at_least).sum())


@covered_modes.wrong("Return the number of classes, not a share.")
def modes_as_share(probabilities, at_least):
    return covered_modes(probabilities, at_least) / probabilities.shape[1]


# rank_by_fid (hunt): the FID of two generators to each other ----------------------

RANK_BY_FID = '''\
import numpy as np


def frechet_distance(a, b):
    """The Frechet distance of two sets of features, one row for each image."""
    apart = a.mean(axis=0) - b.mean(axis=0)
    first, second = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    values, vectors = np.linalg.eigh(first)
    half = (vectors * np.sqrt(values.clip(min=0))) @ vectors.T
    shared = np.sqrt(np.linalg.eigvalsh(half @ second @ half).clip(min=0)).sum()
    return apart @ apart + np.trace(first + second) - 2 * shared


def rank_by_fid(real, one, other):
    """The FID of two generators, in this order."""
    return [frechet_distance(one, other), frechet_distance(other, one)]
'''


def rank_inputs(rng):
    for rows, width in ((12, 3), (10, 4)):
        real, one = two_sets(rng, rows, rows, width)
        other = two_sets(rng, rows, rows, width)[1]
        yield {"real": real, "one": one, "other": other}


@problem(
    title=Text(
        en="Bug hunt: two generators, one FID", zh="找错：两个生成器，同一个 FID"
    ),
    statement=Text(
        en=(
            "Two generators are to be ranked by FID. One draws clean digits, the "
            "other noise, and yet both get the same number. Find the mistake and "
            "repair `rank_by_fid`."
        ),
        zh=(
            "要用 FID 给两个生成器排名。一个画得清清楚楚，一个全是噪声，两者的 FID "
            "却完全相同。找出错误并修好 `rank_by_fid`。"
        ),
    ),
    limits=Text(
        en=(
            "Feature vectors (n, d): of real images, of the first and of the "
            "second "
            "generator. Returns two numbers; smaller is better."
        ),
        zh=(
            "三组特征向量，形状 (n, d)：真实图像、第一个生成器、第二个生成器。返回"
            "两个数，越小越好。"
        ),
    ),
    examples=["one = real, other = real + (3, 4) -> [0.0, 25.0]"],
    topic="metrics",
    level="junior",
    broken=RANK_BY_FID,
    mistake=(
        "The FID was taken between the two generators: it says how alike they are, not "
        "how good. Compare each with the real images."
    ),
    inputs=rank_inputs,
    hints=[
        "Which of the three arguments is never used?",
        "FID compares generated images with real ones.",
    ],
)
def rank_by_fid(real, one, other):
    return [fid_of_features(real, one), fid_of_features(real, other)]


@rank_by_fid.also_right
def rank_seen_from_fakes(real, one, other):
    return tuple(fid_by_sqrtm(fake, real) for fake in (one, other))


@rank_by_fid.wrong("The second number still compares the generators with each other.")
def rank_of_differences(real, one, other):
    return [fid_of_features(real, one), fid_of_features(one, other)]


@rank_by_fid.wrong("The order is swapped: first `one`, then `other`.")
def rank_swapped(real, one, other):
    return rank_by_fid(real, other, one)


@rank_by_fid.wrong("Return both numbers, in the order given.")
def rank_best_only(real, one, other):
    return min(rank_by_fid(real, one, other))
