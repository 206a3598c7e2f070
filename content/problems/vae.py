"""Coding problems and bug hunts: variational autoencoders."""

import math

import numpy as np
from scipy.special import entr, logsumexp

from digitdreams.inputs import normal
from digitdreams.interview.bank import Text
from digitdreams.interview.problems import problem

# kl_standard_normal ---------------------------------------------------------------


def kl_inputs(rng):
    yield {"mean": rng.normal(size=(4, 3)), "log_variance": rng.normal(size=(4, 3))}
    yield {"mean": rng.normal(size=(2, 6)), "log_variance": rng.normal(size=(2, 6)) - 3}
    yield {"mean": np.zeros((2, 2)), "log_variance": np.zeros((2, 2))}


@problem(
    title=Text(en="Write the KL term", zh="写出 KL 项"),
    statement=Text(
        en=(
            "The encoder describes the code of each image as a Gaussian with the "
            "given mean and log variance in each direction. Return its KL "
            "divergence to the prior $N(0, I)$, in nats:\n\n"
            "$$D = \\tfrac12 \\sum_j (\\mu_j^2 + \\sigma_j^2 - 1 - "
            "\\log \\sigma_j^2)$$"
        ),
        zh=(
            "编码器用一个各维独立的高斯分布描述每张图像的编码，给出每一维的均值和"
            "对数方差。返回它到先验 $N(0, I)$ 的 KL 散度，单位为奈特：\n\n"
            "$$D = \\tfrac12 \\sum_j (\\mu_j^2 + \\sigma_j^2 - 1 - "
            "\\log \\sigma_j^2)$$"
        ),
    ),
    limits=Text(
        en="Both (n, latent), float64. Returns (n,). NumPy only.",
        zh="两个参数形状均为 (n, 编码长度)，float64。返回 (n,)。只用 NumPy。",
    ),
    examples=[
        "mean [[0, 0]], log variance [[0, 0]] -> [0.0]",
        "mean [[1, 2]], log variance [[0, 0]] -> [2.5]",
    ],
    topic="vae",
    level="junior",
    lesson="03_vae#the-kl-divergence-by-hand",
    inputs=kl_inputs,
    hints=[
        "You are given the logarithm of the variance: the variance is its "
        "exponential, and the logarithm needs no computing.",
        "Directions are independent, so their divergences add up: sum over axis 1 "
        "only.",
    ],
)
def kl_standard_normal(mean, log_variance):
    each = mean**2 + np.exp(log_variance) - 1 - log_variance
    return 0.5 * each.sum(axis=1)


@kl_standard_normal.also_right
def kl_as_expectation(mean, log_variance):
    """E[log q] - E[log p], each in closed form."""
    size = mean.shape[1]
    entropy = 0.5 * (size * math.log(2 * math.pi * math.e) + log_variance.sum(axis=1))
    second_moment = (mean**2 + np.exp(log_variance)).sum(axis=1)
    return 0.5 * (size * math.log(2 * math.pi) + second_moment) - entropy


@kl_standard_normal.wrong(
    "You averaged over the latent directions: divergences of independent numbers add "
    "up."
)
def kl_averaged(mean, log_variance):
    return kl_standard_normal(mean, log_variance) / mean.shape[1]


@kl_standard_normal.wrong(
    "The sign is the other way round: a KL divergence is never negative."
)
def kl_negative(mean, log_variance):
    return -kl_standard_normal(mean, log_variance)


@kl_standard_normal.wrong("The factor 1/2 is missing.")
def kl_without_half(mean, log_variance):
    return 2 * kl_standard_normal(mean, log_variance)


@kl_standard_normal.wrong(
    "You took log_variance for the logarithm of the standard deviation: the variance "
    "is exp(log_variance)."
)
def kl_deviation(mean, log_variance):
    return kl_standard_normal(mean, 2 * log_variance)


@kl_standard_normal.wrong(
    "This is the divergence of the prior to the code's distribution. The bound needs "
    "the other direction, KL(q || p)."
)
def kl_reversed(mean, log_variance):
    """The divergence of the standard normal to the code's distribution."""
    each = (mean**2 + 1) / np.exp(log_variance) - 1 + log_variance
    return 0.5 * each.sum(axis=1)


@kl_standard_normal.wrong("Return one value for each image: sum over axis 1.")
def kl_total(mean, log_variance):
    return kl_standard_normal(mean, log_variance).sum()


# sample_with_gradient -------------------------------------------------------------


def sample_inputs(rng):
    for shape in ((4, 2), (3, 5)):
        yield {
            "mean": normal(rng, *shape),
            "raw": 2 * normal(rng, *shape),
            "noise": normal(rng, *shape),
        }


def softplus(raw):
    from keras import ops

    return ops.softplus(raw)


@problem(
    title=Text(en="A sample that passes gradients", zh="能传梯度的采样"),
    statement=Text(
        en=(
            "The encoder returns a mean and a number `raw` of any sign; the "
            "standard deviation is softplus(raw) = $\\log(1 + e^{\\text{raw}})$. "
            "Turn `noise` from $N(0, 1)$ into a sample of the code such that the "
            "gradient reaches both `mean` and `raw`."
        ),
        zh=(
            "编码器输出均值和一个可正可负的数 `raw`，标准差取 softplus(raw) = "
            "$\\log(1 + e^{\\text{raw}})$。用来自 $N(0, 1)$ 的 `noise` 得到编码的"
            "一个样本，并且梯度要能传到 `mean` 和 `raw`（重参数化）。"
        ),
    ),
    limits=Text(
        en=(
            "All (n, latent), float32 tensors. Use keras.ops (or TensorFlow); the "
            "check looks at the values and at the gradients."
        ),
        zh=(
            "三个参数都是 (n, 编码长度) 的 float32 张量。用 keras.ops（或 "
            "TensorFlow）；检查时既看数值，也看梯度。"
        ),
    ),
    examples=["mean 1.0, raw 0.0, noise 1.0 -> 1 + log 2 = 1.693147"],
    topic="vae",
    level="middle",
    lesson="03_vae#a-random-number-has-no-gradient",
    inputs=sample_inputs,
    observe="gradient",
    hints=[
        "A number from N(0, 1), stretched by the standard deviation and shifted by "
        "the mean, is a number from N(mean, deviation squared).",
        "mean + ops.softplus(raw) * noise; NumPy functions would cut the gradient off.",
    ],
)
def sample_with_gradient(mean, raw, noise):
    return mean + softplus(raw) * noise


@sample_with_gradient.also_right
def sample_by_logarithm(mean, raw, noise):
    from keras import ops

    return ops.add(ops.multiply(noise, ops.log(1 + ops.exp(raw))), mean)


@sample_with_gradient.wrong(
    "You treated raw as a log variance: here the deviation is softplus(raw)."
)
def sample_exponential(mean, raw, noise):
    from keras import ops

    return mean + ops.exp(0.5 * raw) * noise


@sample_with_gradient.wrong(
    "You used raw as the deviation, which may then be negative: apply softplus."
)
def sample_raw(mean, raw, noise):
    return mean + raw * noise


@sample_with_gradient.wrong(
    "softplus(raw) is the standard deviation, not the variance: no square root."
)
def sample_root(mean, raw, noise):
    from keras import ops

    return mean + ops.sqrt(softplus(raw)) * noise


@sample_with_gradient.wrong(
    "Nothing is sampled: this is the mean. Add deviation times noise."
)
def sample_mean_only(mean, raw, noise):
    from keras import ops

    return ops.convert_to_tensor(mean)


@sample_with_gradient.wrong(
    "The values are right, but no gradient reaches raw: compute softplus with "
    "keras.ops."
)
def sample_deviation_cut(mean, raw, noise):
    from keras import ops

    return mean + ops.stop_gradient(softplus(raw)) * noise


@sample_with_gradient.wrong(
    "The values are right, but no gradient passes: use keras.ops on the arguments as "
    "they are."
)
def sample_cut(mean, raw, noise):
    from keras import ops

    return ops.stop_gradient(sample_with_gradient(mean, raw, noise))


# negative_elbo --------------------------------------------------------------------


def elbo_inputs(rng):
    for rows, side, latent, scale in ((3, 3, 2, 2.0), (4, 4, 5, 3.0)):
        logits = scale * rng.normal(size=(rows, side, side, 1))
        images = rng.uniform(size=logits.shape)
        yield {
            "images": images,
            "logits": logits,
            "mean": rng.normal(size=(rows, latent)),
            "log_variance": rng.normal(size=(rows, latent)),
        }
    ink = (rng.uniform(size=(2, 3, 3, 1)) > 0.5).astype(float)
    yield {
        "images": ink,
        "logits": 900 * rng.choice([-1.0, 1.0], ink.shape),
        "mean": rng.normal(size=(2, 2)),
        "log_variance": rng.normal(size=(2, 2)),
    }


def pixel_costs(images, logits):
    each = np.logaddexp(0, logits) - images * logits
    return each.reshape(len(images), -1)


@problem(
    title=Text(en="Negative ELBO from logits", zh="由 logits 计算负 ELBO"),
    statement=Text(
        en=(
            "Return the loss of a VAE with Bernoulli pixels: the cross-entropy "
            "between images and logits, summed over pixels, plus the KL divergence "
            "of the code to $N(0, I)$, summed over latent directions; then "
            "averaged over the batch. Logits reach 1,000: the result must stay "
            "exact."
        ),
        zh=(
            "返回像素服从伯努利分布的 VAE 的损失：图像与 logits 的交叉熵对像素"
            "求和，加上编码到 $N(0, I)$ 的 KL 散度（对各维求和），再对批次取平均。"
            "logits 的绝对值可达 1000，结果仍须精确。"
        ),
    ),
    limits=Text(
        en=(
            "`images` in [0, 1] and `logits` (n, height, width, 1); `mean`, "
            "`log_variance` (n, latent). Returns one number in nats. NumPy only."
        ),
        zh=(
            "`images`（取值 [0, 1]）与 `logits` 形状 (n, 高, 宽, 1)；`mean`、"
            "`log_variance` 形状 (n, 编码长度)。返回一个数，单位奈特。只用 NumPy。"
        ),
    ),
    examples=["one white pixel, logit 0, mean 0, log variance 0 -> log 2 = 0.693147"],
    topic="vae",
    level="middle",
    lesson="03_vae#the-lower-bound",
    inputs=elbo_inputs,
    hints=[
        "The cross-entropy of a pixel x with logit a is log(1 + exp(a)) - x a. "
        "np.logaddexp(0, a) computes the first term.",
        "Sum both costs within an image, and only then average over images.",
    ],
)
def negative_elbo(images, logits, mean, log_variance):
    reconstruction = pixel_costs(images, logits).sum(axis=1)
    return np.mean(reconstruction + kl_standard_normal(mean, log_variance))


@negative_elbo.also_right
def elbo_in_one_piece(images, logits, mean, log_variance):
    # log(1 + exp(-|a|)) never overflows.
    cost = np.maximum(logits, 0) - images * logits + np.log1p(np.exp(-abs(logits)))
    kl = np.expm1(log_variance) - log_variance + mean**2
    return (cost.sum() + kl.sum() / 2) / len(images)


@negative_elbo.wrong(
    "You averaged over pixels: the KL then weighs as many times too much as there are "
    "pixels. Sum over them."
)
def elbo_pixels_averaged(images, logits, mean, log_variance):
    reconstruction = pixel_costs(images, logits).mean(axis=1)
    return np.mean(reconstruction + kl_standard_normal(mean, log_variance))


@negative_elbo.wrong("The KL divergence was subtracted: in the loss both are costs.")
def elbo_kl_subtracted(images, logits, mean, log_variance):
    reconstruction = pixel_costs(images, logits).sum(axis=1)
    return np.mean(reconstruction - kl_standard_normal(mean, log_variance))


@negative_elbo.wrong("This is the ELBO itself: the loss is its negative.")
def elbo_itself(images, logits, mean, log_variance):
    return -negative_elbo(images, logits, mean, log_variance)


@negative_elbo.wrong("The KL term is missing: this is a plain autoencoder's loss.")
def elbo_without_kl(images, logits, mean, log_variance):
    return pixel_costs(images, logits).sum(axis=1).mean()


@negative_elbo.wrong("Average over the batch instead of summing.")
def elbo_summed(images, logits, mean, log_variance):
    return len(images) * negative_elbo(images, logits, mean, log_variance)


@negative_elbo.wrong(
    "Probabilities that round to 0 or 1 make the logarithm infinite: stay with logits, "
    "np.logaddexp(0, logits) - images * logits."
)
def elbo_through_probabilities(images, logits, mean, log_variance):
    with np.errstate(all="ignore"):
        white = 1 / (1 + np.exp(-logits))
        each = images * np.log(white) + (1 - images) * np.log(1 - white)
        reconstruction = -each.reshape(len(images), -1).sum(axis=1)
        return np.mean(reconstruction + kl_standard_normal(mean, log_variance))


# importance_bound -----------------------------------------------------------------


def bound_inputs(rng):
    for samples, rows, level in ((5, 4, -90.0), (8, 3, -1200.0), (1, 3, -90.0)):
        yield {
            "log_joint": level + 3 * rng.normal(size=(samples, rows)),
            "log_proposal": -10 + 2 * rng.normal(size=(samples, rows)),
        }
    # Images far from each other, and a code far from the other ones.
    log_joint = rng.normal(size=(3, 2)) - [90, 1200]
    log_joint[1] -= 1000
    yield {"log_joint": log_joint, "log_proposal": rng.normal(size=(3, 2)) - 10}


@problem(
    title=Text(en="Importance-weighted bound", zh="重要性加权下界"),
    statement=Text(
        en=(
            "For each image $x$ the encoder drew $k$ codes $z_i$. Given "
            "$\\log p(x, z_i)$ and $\\log q(z_i | x)$, return the bound of the "
            "importance-weighted autoencoder, an estimate of $\\log p(x)$ that is "
            "at least as tight as the ELBO on average:\n\n"
            "$$\\log \\frac1k \\sum_i \\frac{p(x, z_i)}{q(z_i | x)}$$\n\n"
            "The logarithms are near -1,000, so exp alone would give 0."
        ),
        zh=(
            "编码器为每张图像 $x$ 抽取了 $k$ 个编码 $z_i$。已知 "
            "$\\log p(x, z_i)$ 和 $\\log q(z_i | x)$，返回重要性加权自编码器的"
            "下界，它对 $\\log p(x)$ 的估计平均不比 ELBO 松：\n\n"
            "$$\\log \\frac1k \\sum_i \\frac{p(x, z_i)}{q(z_i | x)}$$\n\n"
            "这些对数值在 -1000 左右，直接取 exp 会得到 0。"
        ),
    ),
    limits=Text(
        en="Both (k, n): axis 0 counts the samples. Returns (n,). NumPy only.",
        zh="两个参数形状均为 (k, n)，第 0 轴是样本。返回 (n,)。只用 NumPy。",
    ),
    examples=["log weights 0 and log 3 (k = 2, n = 1) -> [log 2] = [0.693147]"],
    topic="vae",
    level="senior",
    lesson="03_vae#the-lower-bound",
    inputs=bound_inputs,
    tolerance=1e-6,
    hints=[
        "The logarithm of a weight is a difference. What remains is the logarithm of "
        "a mean of exponentials.",
        "Take the largest log weight m of each image out: m + log(mean(exp(log weight "
        "- m))).",
    ],
)
def importance_bound(log_joint, log_proposal):
    weights = log_joint - log_proposal
    top = weights.max(axis=0)
    return top + np.log(np.exp(weights - top).mean(axis=0))


@importance_bound.also_right
def bound_by_logsumexp(log_joint, log_proposal):
    weights = log_joint - log_proposal
    return logsumexp(weights, axis=0) - math.log(len(weights))


@importance_bound.wrong(
    "This is the mean of the log weights, the ordinary ELBO. Average the weights, then "
    "take the logarithm."
)
def bound_of_logarithms(log_joint, log_proposal):
    return (log_joint - log_proposal).mean(axis=0)


@importance_bound.wrong(
    "exp of a number near -1,000 is 0 and its logarithm infinite: take the largest log "
    "weight out first."
)
def bound_naive(log_joint, log_proposal):
    with np.errstate(all="ignore"):
        return np.log(np.exp(log_joint - log_proposal).mean(axis=0))


@importance_bound.wrong("The 1/k is missing: subtract log k, or use the mean.")
def bound_summed(log_joint, log_proposal):
    return logsumexp(log_joint - log_proposal, axis=0)


@importance_bound.wrong(
    "Divide by the proposal: samples come from q, so each weighs p(x, z) / q(z | x)."
)
def bound_of_the_joint(log_joint, log_proposal):
    return logsumexp(log_joint, axis=0) - math.log(len(log_joint))


@importance_bound.wrong(
    "You averaged over images (axis 1): average over the samples, axis 0."
)
def bound_over_images(log_joint, log_proposal):
    weights = log_joint - log_proposal
    return logsumexp(weights, axis=1) - math.log(weights.shape[1])


@importance_bound.wrong("log q is added: dividing by q subtracts its logarithm.")
def bound_with_added_proposal(log_joint, log_proposal):
    return bound_by_logsumexp(log_joint, -log_proposal)


# kl_weight ------------------------------------------------------------------------


def weight_inputs(rng):
    for _ in range(2):
        wait, rise = int(rng.integers(20, 50)), int(rng.integers(50, 90))
        steps = np.array([0, wait // 2, wait, wait + rise // 3, wait + rise, 400])
        yield {"steps": steps, "wait": wait, "rise": rise}


@problem(
    title=Text(en="KL warm-up", zh="KL 预热"),
    statement=Text(
        en=(
            "Against posterior collapse the weight of the KL term is 0 for the "
            "first `wait` steps, rises on a straight line to 1 during the next "
            "`rise` steps, and stays at 1. Return the weight for each step."
        ),
        zh=(
            "为了防止后验坍缩，KL 项的权重在前 `wait` 步为 0，随后 `rise` 步内沿"
            "直线升到 1，之后保持 1。返回每一步的权重。"
        ),
    ),
    limits=Text(
        en="`steps` (n,) integers from 0; `wait`, `rise` positive integers.",
        zh="`steps` 形状 (n,)，从 0 起的整数；`wait`、`rise` 为正整数。",
    ),
    examples=["kl_weight(np.array([0, 10, 15, 20, 99]), 10, 10) -> [0, 0, 0.5, 1, 1]"],
    topic="vae",
    level="junior",
    lesson="03_vae#beta-and-posterior-collapse",
    inputs=weight_inputs,
    hints=[
        "How many steps after `wait` are we, as a share of `rise`?",
        "np.clip holds a number between two limits.",
    ],
)
def kl_weight(steps, wait, rise):
    return np.clip((steps - wait) / rise, 0, 1)


@kl_weight.also_right
def weight_by_interpolation(steps, wait, rise):
    return np.interp(steps, [wait, wait + rise], [0.0, 1.0])


@kl_weight.wrong(
    "The weight keeps growing: stop at 1, or the model becomes a beta-VAE with an ever "
    "larger beta."
)
def weight_without_end(steps, wait, rise):
    return np.maximum((steps - wait) / rise, 0)


@kl_weight.wrong(
    "Before `wait` the weight is negative and would reward a large KL: hold it at 0."
)
def weight_below_zero(steps, wait, rise):
    return np.minimum((steps - wait) / rise, 1)


@kl_weight.wrong("`wait` is not used: start the rise there.")
def weight_without_wait(steps, wait, rise):
    return np.clip(steps / rise, 0, 1)


@kl_weight.wrong("The rise lasts `rise` steps, so it ends at wait + rise.")
def weight_ends_at_rise(steps, wait, rise):
    return np.clip((steps - wait) / (rise - wait), 0, 1)


@kl_weight.wrong(
    "The weight falls: it has to rise, so that the code is worth using before it costs "
    "anything."
)
def weight_falling(steps, wait, rise):
    return 1 - kl_weight(steps, wait, rise)


# bernoulli_floor ------------------------------------------------------------------


def floor_inputs(rng):
    for shape in ((3, 4, 4, 1), (2, 5, 3, 1)):
        images = rng.uniform(size=shape)
        images[0, :2], images[1, 0] = 0, 1
        yield {"images": images}


@problem(
    title=Text(en="The least possible cross-entropy", zh="交叉熵能低到多少"),
    statement=Text(
        en=(
            "With grey images the Bernoulli cross-entropy never reaches 0, even if "
            "the decoder predicts each grey level $x$ exactly: each pixel costs "
            "its binary entropy $-x \\log x - (1 - x) \\log(1 - x)$. Return this "
            "floor: the sum over pixels, averaged over images. Black (0) and white "
            "(1) pixels cost nothing."
        ),
        zh=(
            "对灰度图像，即使解码器把每个灰度 $x$ 都预测得分毫不差，伯努利交叉熵也"
            "到不了 0：每个像素仍要付出二元熵 $-x \\log x - (1 - x) \\log(1 - x)$。"
            "返回这个下限：对像素求和、对图像取平均。纯黑 (0) 和纯白 (1) 的像素"
            "不产生代价。"
        ),
    ),
    limits=Text(
        en="`images` (n, height, width, 1) in [0, 1]. Returns one number, nats.",
        zh="`images` 形状 (n, 高, 宽, 1)，取值 [0, 1]。返回一个数，单位奈特。",
    ),
    examples=["one image with pixels 0.5, 0 and 1 -> log 2 = 0.693147"],
    topic="vae",
    level="middle",
    lesson="03_vae#measuring",
    inputs=floor_inputs,
    hints=[
        "0 log 0 counts as 0, but NumPy says NaN: treat these pixels apart.",
        "scipy.special.entr(x) is -x log x with the right value at 0; or replace 0 "
        "inside the logarithm by a tiny number.",
    ],
)
def bernoulli_floor(images):
    x = np.clip(images, 1e-300, 1)
    paper = np.clip(1 - images, 1e-300, 1)
    entropy = -(images * np.log(x) + (1 - images) * np.log(paper))
    return entropy.sum() / len(images)


@bernoulli_floor.also_right
def floor_by_entr(images):
    return np.mean([np.sum(entr(one) + entr(1 - one)) for one in images])


@bernoulli_floor.wrong(
    "0 times log 0 became NaN: it counts as 0. Use entr, or keep zeros out of the "
    "logarithm."
)
def floor_with_nan(images):
    with np.errstate(all="ignore"):
        each = images * np.log(images) + (1 - images) * np.log(1 - images)
        return -each.sum() / len(images)


@bernoulli_floor.wrong("Half of the formula is missing: the term of 1 - x.")
def floor_of_ink(images):
    return entr(images).sum() / len(images)


@bernoulli_floor.wrong("Sum over pixels; average over images only.")
def floor_per_pixel(images):
    return bernoulli_floor(images) * len(images) / images.size


@bernoulli_floor.wrong("This is in bits: use the natural logarithm.")
def floor_in_bits(images):
    return bernoulli_floor(images) / math.log(2)


@bernoulli_floor.wrong("Average over images instead of adding them.")
def floor_of_the_set(images):
    return bernoulli_floor(images) * len(images)


# slerp_codes ----------------------------------------------------------------------


def slerp_inputs(rng):
    for rows, size, t in ((4, 3, 0.25), (3, 8, 0.5), (2, 5, 1.0)):
        # Short, so that their product without the lengths is a cosine, too.
        a, b = 0.3 * rng.normal(size=(2, rows, size))
        b[-1] = 3 * a[-1]
        yield {"a": a, "b": b, "t": t}
    # Opposite directions: rounding takes some cosines below -1.
    a = rng.normal(size=(24, 3))
    yield {"a": a, "b": -rng.uniform(0.2, 3, size=(24, 1)) * a, "t": 0.25}


@problem(
    title=Text(en="Spherical interpolation", zh="球面插值（slerp）"),
    statement=Text(
        en=(
            "Each row of `a` is joined with the same row of `b`. With the angle "
            "$\\omega$ between the two rows return\n\n"
            "$$\\frac{\\sin((1-t)\\omega)}{\\sin\\omega}\\,a + "
            "\\frac{\\sin(t\\omega)}{\\sin\\omega}\\,b .$$\n\n"
            "Where $\\sin\\omega < 10^{-6}$ the formula breaks down: return the "
            "straight line $(1-t)a + tb$ there. Rounding must not push the cosine "
            "out of [-1, 1]."
        ),
        zh=(
            "把 `a` 的每一行与 `b` 的同一行连起来。设两行的夹角为 $\\omega$，返回"
            "\n\n$$\\frac{\\sin((1-t)\\omega)}{\\sin\\omega}\\,a + "
            "\\frac{\\sin(t\\omega)}{\\sin\\omega}\\,b .$$\n\n"
            "当 $\\sin\\omega < 10^{-6}$ 时公式失效，改用直线 $(1-t)a + tb$。"
            "注意舍入误差不能让余弦越出 [-1, 1]。"
        ),
    ),
    limits=Text(
        en="`a`, `b` (n, latent), no row is 0; `t` one number in [0, 1].",
        zh="`a`、`b` 形状 (n, 编码长度)，没有全零行；`t` 是 [0, 1] 内的一个数。",
    ),
    examples=["a [[1, 0]], b [[0, 1]], t 0.5 -> [[0.707107, 0.707107]]"],
    topic="vae",
    level="middle",
    lesson="03_vae#interpolation",
    inputs=slerp_inputs,
    hints=[
        "The cosine of the angle is the dot product divided by both lengths; np.clip "
        "it, then np.arccos. One angle for each row.",
        "Compute the two factors as columns (n, 1). np.where chooses between the "
        "formula and the straight line; divide by 1 where it is not used.",
    ],
)
def slerp_codes(a, b, t):
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    angle = np.arccos(np.clip((a * b).sum(axis=1) / lengths, -1, 1))[:, None]
    parallel = np.sin(angle) < 1e-6
    below = np.where(parallel, 1, np.sin(angle))
    start = np.where(parallel, 1 - t, np.sin((1 - t) * angle) / below)
    end = np.where(parallel, t, np.sin(t * angle) / below)
    return start * a + end * b


@slerp_codes.also_right
def slerp_row_by_row(a, b, t):
    rows = []
    for one, other in zip(a, b, strict=True):
        cosine = one @ other / math.sqrt(one @ one) / math.sqrt(other @ other)
        angle = math.acos(max(-1.0, min(1.0, cosine)))
        if math.sin(angle) < 1e-6:
            rows.append(one + t * (other - one))
        else:
            both = math.sin((1 - t) * angle) * one + math.sin(t * angle) * other
            rows.append(both / math.sin(angle))
    return np.array(rows)


@slerp_codes.wrong("This is the straight line: its middle lies too close to 0.")
def slerp_straight(a, b, t):
    return (1 - t) * a + t * b


@slerp_codes.wrong(
    "Rows in the same direction give 0 / 0, NaN: use the straight line where the sine "
    "is tiny."
)
def slerp_always_divided(a, b, t):
    with np.errstate(all="ignore"):
        lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
        cosine = (a * b).sum(axis=1, keepdims=True) / lengths[:, None]
        angle = np.where(cosine > 1 - 1e-12, 0, np.arccos(np.clip(cosine, -1, 1)))
        both = np.sin((1 - t) * angle) * a + np.sin(t * angle) * b
        return both / np.sin(angle)


@slerp_codes.wrong("The path runs backwards: t = 0 must give a.")
def slerp_backwards(a, b, t):
    return slerp_codes(b, a, t)


@slerp_codes.wrong(
    "The rows were scaled to length 1: use lengths only to find the angle."
)
def slerp_of_directions(a, b, t):
    a = a / np.linalg.norm(a, axis=1, keepdims=True)
    return slerp_codes(a, b / np.linalg.norm(b, axis=1, keepdims=True), t)


@slerp_codes.wrong("Divide the dot product by both lengths before arccos.")
def slerp_without_lengths(a, b, t):
    angle = np.arccos(np.clip((a * b).sum(axis=1), -1, 1))[:, None]
    parallel = np.sin(angle) < 1e-6
    below = np.where(parallel, 1, np.sin(angle))
    start = np.where(parallel, 1 - t, np.sin((1 - t) * angle) / below)
    end = np.where(parallel, t, np.sin(t * angle) / below)
    return start * a + end * b


# gaussian_encoder (hunt): one code instead of mean and log variance -----------------

GAUSSIAN_ENCODER = '''\
import keras
from keras import layers


def gaussian_encoder(image_shape, hidden_size, latent_size):
    """The encoder of a VAE."""
    images = keras.Input(image_shape)
    x = layers.Flatten()(images)
    x = layers.Dense(hidden_size, activation="relu")(x)
    codes = layers.Dense(latent_size)(x)
    return keras.Model(images, codes)
'''


def encoder_inputs(rng):
    for shape, hidden, latent in (((6, 5, 1), 9, 8), ((4, 4, 2), 7, 9)):
        yield {
            "image_shape": list(shape),
            "hidden_size": hidden,
            "latent_size": latent,
            "x": 10 * normal(rng, 6, *shape),
        }


def hidden_of(image_shape, hidden_size):
    import keras
    from keras import layers

    images = keras.Input(image_shape)
    x = layers.Flatten()(images)
    return images, layers.Dense(hidden_size, activation="relu")(x)


@problem(
    title=Text(en="Bug hunt: the encoder of a VAE", zh="找错：VAE 的编码器"),
    statement=Text(
        en=(
            "`mean, log_variance = encoder(images)` fails, or worse: with a "
            "batch of two images it takes their codes for mean and log variance. "
            "The encoder "
            "should give `latent_size` numbers of each kind. Find the mistake and "
            "repair the function; both kinds are computed from the same hidden "
            "layer, each with weights of its own."
        ),
        zh=(
            "`mean, log_variance = encoder(images)` 会报错；更糟的是批次恰好只有"
            "两张图像时，它会把这两张图的编码当成均值和对数方差。编码器应当分别给"
            "出 "
            "`latent_size` 个均值和 `latent_size` 个对数方差。找出错误并修好这个"
            "函数：两者来自同一个隐藏层，"
            "但各有各的权重。"
        ),
    ),
    limits=Text(
        en="Keras. Returns a keras.Model with two outputs (n, latent_size).",
        zh="用 Keras。返回有两个输出的 keras.Model，形状均为 (n, latent_size)。",
    ),
    examples=["gaussian_encoder((28, 28, 1), 64, 8): two outputs (n, 8)"],
    topic="vae",
    level="junior",
    lesson="03_vae#encoder-and-decoder",
    broken=GAUSSIAN_ENCODER,
    mistake=(
        "This is the encoder of a plain autoencoder: one code, no distribution. A VAE "
        "needs a mean and a log variance."
    ),
    inputs=encoder_inputs,
    observe="model",
    hints=[
        "A plain autoencoder needs one code for each image. What does a VAE need to "
        "sample from?",
        "Two Dense layers after the hidden one, and a list of two outputs.",
    ],
)
def gaussian_encoder(image_shape, hidden_size, latent_size):
    import keras
    from keras import layers

    images, x = hidden_of(image_shape, hidden_size)
    mean = layers.Dense(latent_size)(x)
    log_variance = layers.Dense(latent_size)(x)
    return keras.Model(images, [mean, log_variance])


@gaussian_encoder.also_right
def encoder_split(image_shape, hidden_size, latent_size):
    import keras
    from keras import layers, ops

    images, x = hidden_of(image_shape, hidden_size)
    both = layers.Dense(2 * latent_size)(x)
    return keras.Model(images, list(ops.split(both, 2, axis=1)))


@gaussian_encoder.wrong(
    "Both outputs come from one layer, so mean and log variance are always equal: use "
    "two Dense layers."
)
def encoder_shared_head(image_shape, hidden_size, latent_size):
    import keras
    from keras import layers

    images, x = hidden_of(image_shape, hidden_size)
    head = layers.Dense(latent_size)
    return keras.Model(images, [head(x), head(x)])


@gaussian_encoder.wrong("Return two outputs: split the row into mean and log variance.")
def encoder_in_one_row(image_shape, hidden_size, latent_size):
    import keras
    from keras import layers

    images, x = hidden_of(image_shape, hidden_size)
    return keras.Model(images, layers.Dense(2 * latent_size)(x))


@gaussian_encoder.wrong(
    "The log variance is computed from the mean: compute both from the hidden layer."
)
def encoder_of_log_variance_from_mean(image_shape, hidden_size, latent_size):
    import keras
    from keras import layers

    images, x = hidden_of(image_shape, hidden_size)
    mean = layers.Dense(latent_size)(x)
    return keras.Model(images, [mean, layers.Dense(latent_size)(mean)])


# drawn_codes (hunt): no sampling ----------------------------------------------------

DRAWN_CODES = '''\
import numpy as np


def drawn_codes(images, to_mean, to_log_variance, noise):
    """Codes for the decoder, one row for each image."""
    mean = images @ to_mean
    log_variance = images @ to_log_variance
    deviation = np.exp(0.5 * log_variance)
    codes = mean
    return codes
'''


def code_inputs(rng):
    for rows, width, latent in ((4, 5, 2), (3, 6, 4)):
        yield {
            "images": rng.uniform(size=(rows, width)),
            "to_mean": rng.normal(size=(width, latent)),
            "to_log_variance": 0.5 * rng.normal(size=(width, latent)),
            "noise": rng.normal(size=(rows, latent)),
        }


@problem(
    title=Text(en="Bug hunt: the noise is unused", zh="找错：噪声没用上"),
    statement=Text(
        en=(
            "The KL divergence falls to almost nothing while reconstructions stay "
            "perfect, and samples from the prior decode to nonsense. The log "
            "variance has no influence on the decoder. Find the mistake and repair "
            "the function."
        ),
        zh=(
            "KL 散度几乎降到 0，重建却依然完美，而从先验采样解码出来的图像毫无"
            "意义；对数方差对解码器没有任何影响。找出错误并修好这个函数。"
        ),
    ),
    limits=Text(
        en=(
            "`images` (n, d), `to_mean` and `to_log_variance` (d, latent), `noise` "
            "(n, latent) from N(0, 1). Returns (n, latent). NumPy only."
        ),
        zh=(
            "`images` 形状 (n, d)，`to_mean` 与 `to_log_variance` 形状 (d, 编码"
            "长度)，`noise` 形状 (n, 编码长度)，来自 N(0, 1)。返回 (n, 编码长度)。"
            "只用 NumPy。"
        ),
    ),
    examples=["with all weights 0 the codes equal the noise"],
    topic="vae",
    level="junior",
    lesson="03_vae#a-random-number-has-no-gradient",
    broken=DRAWN_CODES,
    mistake=(
        "Nothing is sampled: the decoder gets the mean, so this is a plain "
        "autoencoder. Add deviation * noise."
    ),
    inputs=code_inputs,
    hints=[
        "Two of the quantities in the program are never used.",
        "A sample is the mean plus the deviation times the noise.",
    ],
)
def drawn_codes(images, to_mean, to_log_variance, noise):
    return images @ to_mean + np.exp(0.5 * images @ to_log_variance) * noise


@drawn_codes.also_right
def codes_by_square_root(images, to_mean, to_log_variance, noise):
    variance = np.exp(np.dot(images, to_log_variance))
    return np.sqrt(variance) * noise + np.dot(images, to_mean)


@drawn_codes.wrong(
    "All codes get the same amount of noise: multiply it by the deviation."
)
def codes_with_plain_noise(images, to_mean, to_log_variance, noise):
    return images @ to_mean + noise


@drawn_codes.wrong("You multiplied the noise by the variance: take its square root.")
def codes_with_variance(images, to_mean, to_log_variance, noise):
    return images @ to_mean + np.exp(images @ to_log_variance) * noise


@drawn_codes.wrong("The mean is gone: the sample is spread around it.")
def codes_without_mean(images, to_mean, to_log_variance, noise):
    return np.exp(0.5 * images @ to_log_variance) * noise


# vae_cost (hunt): no KL term -----------------------------------------------------

VAE_COST = '''\
import numpy as np


def cross_entropy(images, logits):
    """Nats for each image, summed over its pixels."""
    return (np.logaddexp(0, logits) - images * logits).sum(axis=1)


def divergence(mean, log_variance):
    """KL divergence of each code to N(0, I), in nats."""
    each = mean**2 + np.exp(log_variance) - 1 - log_variance
    return 0.5 * each.sum(axis=1)


def vae_cost(images, logits, mean, log_variance):
    """The loss of a VAE: one number for the batch."""
    return cross_entropy(images, logits).mean()
'''


def cost_inputs(rng):
    for rows, width, latent in ((4, 9, 2), (3, 12, 5)):
        yield {
            "images": rng.uniform(size=(rows, width)),
            "logits": 2 * rng.normal(size=(rows, width)),
            "mean": rng.normal(size=(rows, latent)),
            "log_variance": rng.normal(size=(rows, latent)),
        }


@problem(
    title=Text(en="Bug hunt: samples of nothing", zh="找错：采样全是噪点"),
    statement=Text(
        en=(
            "Reconstructions are excellent, but images decoded from $N(0, I)$ are "
            "scribble: the codes lie far apart, their variances near 0. Find the "
            "mistake and repair `vae_cost`."
        ),
        zh=(
            "重建效果极好，从 $N(0, I)$ 采样解码却是一团乱线：各图像的编码彼此相距"
            "很远，方差接近 0。找出错误并修好 `vae_cost`。"
        ),
    ),
    limits=Text(
        en=(
            "`images`, `logits` (n, pixels); `mean`, `log_variance` (n, latent). "
            "Returns one number in nats."
        ),
        zh=(
            "`images`、`logits` 形状 (n, 像素数)；`mean`、`log_variance` 形状 "
            "(n, 编码长度)。返回一个数，单位奈特。"
        ),
    ),
    examples=["logits 0, mean 0, log variance 0 -> pixels * log 2"],
    topic="vae",
    level="junior",
    lesson="03_vae#the-lower-bound",
    broken=VAE_COST,
    mistake=(
        "The KL term is missing: nothing holds the codes near the prior. Add "
        "divergence(mean, log_variance)."
    ),
    inputs=cost_inputs,
    hints=[
        "What holds the codes near 0 in a VAE?",
        "One of the functions above is never called. Add both costs for each image, "
        "then average.",
    ],
)
def vae_cost(images, logits, mean, log_variance):
    return negative_elbo(images, logits, mean, log_variance)


@vae_cost.also_right
def cost_one_by_one(images, logits, mean, log_variance):
    total = 0.0
    for x, a, m, v in zip(images, logits, mean, log_variance, strict=True):
        total += np.sum(np.log1p(np.exp(a)) - x * a)
        total += np.sum(m * m + np.exp(v) - v - 1) / 2
    return total / len(images)


vae_cost.wrong("The divergence is subtracted, so training makes it large: add it.")(
    elbo_kl_subtracted
)


vae_cost.wrong("Leave the sum over pixels: averaging makes the KL weigh too much.")(
    elbo_pixels_averaged
)
