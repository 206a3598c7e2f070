"""Coding problems on diffusion and flow matching."""

import numpy as np

from digitdreams.interview.bank import Text
from digitdreams.interview.problems import problem


def column(values, x):
    """Give one number for each row of x a shape that meets x."""
    return np.asarray(values).reshape(-1, *[1] * (x.ndim - 1))


def some_betas(rng, steps):
    return np.linspace(0.02, 0.3, steps) * rng.uniform(0.8, 1.2, size=steps)


# noised: draw from q(x_t | x_0)


def noised_inputs(rng):
    for shape in ((4, 3), (3, 2, 2)):
        clean = rng.normal(size=shape)
        yield {
            "clean": clean,
            "t": np.array([0, *rng.integers(1, 8, size=len(clean) - 1)]),
            "noise": rng.normal(size=shape),
            "betas": some_betas(rng, 8),
        }


@problem(
    title=Text(en="Noise an image in one step", zh="一步加噪"),
    statement=Text(
        en=(
            "A diffusion model (Ho et al. 2020, arXiv:2006.11239) adds noise "
            "with the variances `betas`: $x_t = \\sqrt{1 - \\beta_t}\\, x_{t-1} "
            "+ \\sqrt{\\beta_t}\\, \\epsilon$. Draw from $q(x_t \\mid x_0)$ "
            "directly, without the steps between. Steps are counted from 0: `t = "
            "0` means that one step of noise was added. The noise is given, each "
            "image has its own `t`."
        ),
        zh=(
            "扩散模型（Ho 等，2020，arXiv:2006.11239）按方差序列 `betas` 逐步加"
            "噪：$x_t = \\sqrt{1 - \\beta_t}\\, x_{t-1} + \\sqrt{\\beta_t}\\, "
            "\\epsilon$。请不经过中间步骤，直接从 $q(x_t \\mid x_0)$ 采样。步数从"
            " 0 计起：`t = 0` 表示已加过一步噪声。噪声由参数给出，每张图像有各自"
            "的 `t`。"
        ),
    ),
    limits=Text(
        en=(
            "`clean` and `noise`: (batch, ...), any number of axes; `t`: "
            "(batch,) integers; `betas`: (steps,). NumPy."
        ),
        zh=(
            "`clean` 与 `noise` 的形状为 (batch, ...)，轴数不限；`t` 为 (batch,) "
            "的整数；`betas` 为 (steps,)。使用 NumPy。"
        ),
    ),
    examples=[
        "noised(np.array([[1.0]]), np.array([1]), np.array([[1.0]]), "
        "np.array([0.2, 0.2])) -> [[1.4]]"
    ],
    topic="diffusion_flow",
    level="junior",
    inputs=noised_inputs,
    hints=[
        "What is left of the image after t + 1 steps is a product. Of which numbers?",
        "kept = np.cumprod(1 - betas)[t]; the noise that came together has the "
        "variance 1 - kept.",
        "np.sqrt(kept) * clean + np.sqrt(1 - kept) * noise, with kept reshaped to "
        "(batch, 1, ...)",
    ],
)
def noised(clean, t, noise, betas):
    kept = column(np.cumprod(1 - betas)[t], clean)
    return np.sqrt(kept) * clean + np.sqrt(1 - kept) * noise


@noised.also_right
def noised_by_logarithms(clean, t, noise, betas):
    rows = []
    for x, step, e in zip(clean, t, noise, strict=True):
        log_kept = np.sum(np.log1p(-betas[: step + 1]))
        rows.append(np.exp(log_kept / 2) * x + (-np.expm1(log_kept)) ** 0.5 * e)
    return np.array(rows)


@noised.wrong(
    "Factors and variances are mixed up: kept and 1 - kept are variances, the factors "
    "are their roots."
)
def noised_without_roots(clean, t, noise, betas):
    kept = column(np.cumprod(1 - betas)[t], clean)
    return kept * clean + (1 - kept) * noise


@noised.wrong(
    "This adds the noise of step t alone: multiply the factors 1 - beta of all steps "
    "up to t."
)
def noised_one_step(clean, t, noise, betas):
    beta = column(betas[t], clean)
    return np.sqrt(1 - beta) * clean + np.sqrt(beta) * noise


@noised.wrong(
    "The product runs over beta: it runs over 1 - beta, the share that each step keeps."
)
def noised_product_of_betas(clean, t, noise, betas):
    kept = column(np.cumprod(betas)[t], clean)
    return np.sqrt(kept) * clean + np.sqrt(1 - kept) * noise


@noised.wrong("One step is missing: t = 0 has already one step of noise.")
def noised_step_late(clean, t, noise, betas):
    kept = column(np.append(1, np.cumprod(1 - betas))[t], clean)
    return np.sqrt(kept) * clean + np.sqrt(1 - kept) * noise


@noised.wrong("The image is not scaled down: the variance would grow above 1.")
def noised_variance_grows(clean, t, noise, betas):
    kept = column(np.cumprod(1 - betas)[t], clean)
    return clean + np.sqrt(1 - kept) * noise


@noised.wrong("Image and noise are exchanged: with small t the image must dominate.")
def noised_swapped(clean, t, noise, betas):
    return noised(noise, t, clean, betas)


# clean_from_noise: the image that a noise prediction implies


def implied_inputs(rng):
    yield {
        "x": rng.normal(size=(3, 4)),
        "noise": rng.normal(size=(3, 4)),
        "kept": rng.uniform(0.1, 0.9, size=3),
    }
    yield {
        "x": rng.normal(size=(2, 2, 3)),
        "noise": rng.normal(size=(2, 2, 3)),
        "kept": np.array([0.05, 0.99]),
    }


@problem(
    title=Text(
        en="From predicted noise to the clean image", zh="由预测噪声还原干净图像"
    ),
    statement=Text(
        en=(
            "A network looked at $x_t = \\sqrt{\\bar\\alpha_t}\\, x_0 + \\sqrt{1 "
            "- \\bar\\alpha_t}\\, \\epsilon$ and predicted the noise. Return the "
            "clean image that this prediction implies. `kept` is "
            "$\\bar\\alpha_t$, one number for each image."
        ),
        zh=(
            "网络看到 $x_t = \\sqrt{\\bar\\alpha_t}\\, x_0 + \\sqrt{1 - "
            "\\bar\\alpha_t}\\, \\epsilon$ 并预测了噪声。请返回该预测所对应的干净"
            "图像。`kept` 即 $\\bar\\alpha_t$，每张图像一个数。"
        ),
    ),
    limits=Text(
        en="`x` and `noise`: (batch, ...); `kept`: (batch,), between 0 and 1. NumPy.",
        zh=(
            "`x` 与 `noise` 的形状为 (batch, ...)；`kept` 为 (batch,)，取值在 0 "
            "与 1 之间。使用 NumPy。"
        ),
    ),
    examples=[
        "clean_from_noise(np.array([[1.4]]), np.array([[1.0]]), "
        "np.array([0.64])) -> [[1.0]]"
    ],
    topic="diffusion_flow",
    level="junior",
    inputs=implied_inputs,
    hints=[
        "Solve the equation of the statement for x_0.",
        "(x - np.sqrt(1 - kept) * noise) / np.sqrt(kept), with kept reshaped to "
        "(batch, 1, ...)",
    ],
)
def clean_from_noise(x, noise, kept):
    kept = column(kept, x)
    return (x - np.sqrt(1 - kept) * noise) / np.sqrt(kept)


@clean_from_noise.also_right
def clean_by_score(x, noise, kept):
    kept = column(kept, x)
    score = -noise / np.sqrt(1 - kept)
    return kept**-0.5 * (x + (1 - kept) * score)


@clean_from_noise.wrong(
    "One step is missing: what is left is still scaled by sqrt(kept), so divide by it."
)
def clean_not_divided(x, noise, kept):
    kept = column(kept, x)
    return x - np.sqrt(1 - kept) * noise


@clean_from_noise.wrong(
    "The roots are missing: the factors are sqrt(1 - kept) and sqrt(kept)."
)
def clean_without_roots(x, noise, kept):
    kept = column(kept, x)
    return (x - (1 - kept) * noise) / kept


@clean_from_noise.wrong(
    "The noise entered with the factor sqrt(1 - kept), and the image with sqrt(kept)."
)
def clean_plain_difference(x, noise, kept):
    return x - noise


@clean_from_noise.wrong("The two factors are exchanged.")
def clean_roots_swapped(x, noise, kept):
    return clean_from_noise(x, noise, 1 - kept)


@clean_from_noise.wrong("The noise is to be taken away: check the sign.")
def clean_plus(x, noise, kept):
    return clean_from_noise(x, -noise, kept)


# posterior_step: mean and variance of q(x_{t-1} | x_t, x_0)


def posterior_inputs(rng):
    for shape, t in (((2, 3), int(rng.integers(3, 6))), ((4,), 1), ((3,), 0)):
        yield {
            "x": rng.normal(size=shape),
            "clean": rng.normal(size=shape),
            "t": t,
            "betas": some_betas(rng, 7),
        }


def posterior_parts(t, betas):
    kept = np.cumprod(1 - betas)
    return betas[t], kept[t], kept[t - 1] if t else 1.0


@problem(
    title=Text(en="The posterior of a DDPM step", zh="DDPM 单步后验的均值与方差"),
    statement=Text(
        en=(
            "If the clean image were known, the reverse step $q(x_{t-1} \\mid "
            "x_t, x_0)$ would be a Gaussian that can be written down. Return "
            "`[mean, variance]` of it. Steps are counted from 0; before step 0 "
            "the image is untouched, $\\bar\\alpha_{-1} = 1$."
        ),
        zh=(
            "如果已知干净图像，反向一步 $q(x_{t-1} \\mid x_t, x_0)$ 就是一个可以"
            "写出解析式的高斯分布。请返回它的 `[mean, variance]`（均值与方差）。"
            "步数从 0 计起；第 0 步之前没有加过噪声，即 $\\bar\\alpha_{-1} = 1$。"
        ),
    ),
    limits=Text(
        en=(
            "`x` ($x_t$) and `clean` ($x_0$) have the same shape; `t`: one "
            "integer; `betas`: (steps,). The variance is one number. NumPy."
        ),
        zh=(
            "`x`（即 $x_t$）与 `clean`（即 $x_0$）形状相同；`t` 为一个整数；"
            "`betas` 的形状为 (steps,)。方差为一个数。使用 NumPy。"
        ),
    ),
    examples=[
        "posterior_step(np.array([2.0]), np.array([1.0]), 0, np.array([0.1])) -> "
        "[[1.0], 0.0]"
    ],
    topic="diffusion_flow",
    level="senior",
    inputs=posterior_inputs,
    hints=[
        "Bayes: prior q(x_{t-1} | x_0) times likelihood q(x_t | x_{t-1}). Both are "
        "Gaussian, so precisions add up.",
        "variance = beta_t (1 - kept_{t-1}) / (1 - kept_t), where kept is the running "
        "product of 1 - beta.",
        "mean = sqrt(kept_{t-1}) beta_t / (1 - kept_t) * clean + sqrt(1 - beta_t) (1 "
        "- kept_{t-1}) / (1 - kept_t) * x",
    ],
)
def posterior_step(x, clean, t, betas):
    beta, kept, before = posterior_parts(t, betas)
    from_clean = np.sqrt(before) * beta / (1 - kept)
    from_x = np.sqrt(1 - beta) * (1 - before) / (1 - kept)
    return [from_clean * clean + from_x * x, beta * (1 - before) / (1 - kept)]


@posterior_step.also_right
def posterior_by_bayes(x, clean, t, betas):
    # prior N(sqrt(before) clean, 1 - before), likelihood N(sqrt(alpha) y, beta)
    beta, _, before = posterior_parts(t, betas)
    alpha = 1 - beta
    if t == 0:
        return [np.array(clean), 0.0]
    precision = 1 / (1 - before) + alpha / beta
    pull = np.sqrt(before) * clean / (1 - before) + np.sqrt(alpha) * x / beta
    return [pull / precision, 1 / precision]


@posterior_step.wrong(
    "The mean is right, the variance is beta_t: the DDPM paper allows it as well (it "
    "is optimal where the data are standard normal), but the posterior is narrower by "
    "(1 - kept_{t-1}) / (1 - kept_t)."
)
def posterior_with_beta(x, clean, t, betas):
    return [posterior_step(x, clean, t, betas)[0], betas[t]]


@posterior_step.wrong("You returned the standard deviation: return the variance.")
def posterior_deviation(x, clean, t, betas):
    mean, variance = posterior_step(x, clean, t, betas)
    return [mean, np.sqrt(variance)]


@posterior_step.wrong(
    "The weights of x_t and x_0 are exchanged: at t = 0 the mean must be the clean "
    "image."
)
def posterior_swapped(x, clean, t, betas):
    return posterior_step(clean, x, t, betas)


@posterior_step.wrong(
    "The two weights of the mean need roots: sqrt(kept_{t-1}) and sqrt(1 - beta_t)."
)
def posterior_without_roots(x, clean, t, betas):
    beta, kept, before = posterior_parts(t, betas)
    from_clean = before * beta / (1 - kept)
    from_x = (1 - beta) * (1 - before) / (1 - kept)
    return [from_clean * clean + from_x * x, beta * (1 - before) / (1 - kept)]


@posterior_step.wrong("At t = 0 the index t - 1 took the last step: there kept is 1.")
def posterior_wrapped(x, clean, t, betas):
    kept = np.cumprod(1 - betas)
    beta, before, kept = betas[t], kept[t - 1], kept[t]
    from_clean = np.sqrt(before) * beta / (1 - kept)
    from_x = np.sqrt(1 - beta) * (1 - before) / (1 - kept)
    return [from_clean * clean + from_x * x, beta * (1 - before) / (1 - kept)]


@posterior_step.wrong(
    "The clean image's weight takes the root of kept_{t-1}, not of kept_t."
)
def posterior_kept_of_now(x, clean, t, betas):
    beta, kept, before = posterior_parts(t, betas)
    from_clean = np.sqrt(kept) * beta / (1 - kept)
    from_x = np.sqrt(1 - beta) * (1 - before) / (1 - kept)
    return [from_clean * clean + from_x * x, beta * (1 - before) / (1 - kept)]


# ddim_step


def ddim_inputs(rng):
    for eta, before in ((0.0, 0.8), (0.0, 1.0), (0.6, 0.7)):
        yield {
            "x": rng.normal(size=(2, 3)),
            "predicted_noise": rng.normal(size=(2, 3)),
            "kept": float(rng.uniform(0.2, 0.6)),
            "kept_before": before,
            "eta": eta,
            "fresh_noise": rng.normal(size=(2, 3)),
        }


def ddim_deviation(kept, kept_before, eta):
    share = (1 - kept_before) / (1 - kept)
    return eta * np.sqrt(share * (1 - kept / kept_before))


@problem(
    title=Text(en="One DDIM step", zh="DDIM 单步采样"),
    statement=Text(
        en=(
            "Go from noise level $\\bar\\alpha$ (`kept`) to $\\bar\\alpha'$ "
            "(`kept_before`, nearer to the clean image) as in DDIM (Song et al. "
            "2021, arXiv:2010.02502): compute the implied clean image, then add "
            "back predicted noise and fresh noise, with $\\sigma = \\eta "
            "\\sqrt{\\frac{1 - \\bar\\alpha'}{1 - \\bar\\alpha}} \\sqrt{1 - "
            "\\frac{\\bar\\alpha}{\\bar\\alpha'}}$ as the fresh noise's standard "
            "deviation. The whole noise must have the variance $1 - "
            "\\bar\\alpha'$."
        ),
        zh=(
            "按 DDIM（Song 等，2021，arXiv:2010.02502）从噪声水平 $\\bar\\alpha$"
            "（`kept`）走到 $\\bar\\alpha'$（`kept_before`，更接近干净图像）：先"
            "求出隐含的干净图像，再加回预测噪声和新噪声，其中新噪声的标准差为 "
            "$\\sigma = \\eta \\sqrt{\\frac{1 - \\bar\\alpha'}{1 - "
            "\\bar\\alpha}} \\sqrt{1 - \\frac{\\bar\\alpha}{\\bar\\alpha'}}$。噪"
            "声的总方差必须为 $1 - \\bar\\alpha'$。"
        ),
    ),
    limits=Text(
        en=(
            "0 < kept < kept_before <= 1; eta between 0 (deterministic) and 1. "
            "Arrays of one shape. NumPy."
        ),
        zh=(
            "0 < kept < kept_before <= 1；eta 介于 0（确定性）与 1 之间。各数组形"
            "状相同。使用 NumPy。"
        ),
    ),
    examples=[
        "ddim_step(np.array([1.4]), np.array([1.0]), 0.64, 1.0, 0.0, "
        "np.array([5.0])) -> [1.0]"
    ],
    topic="diffusion_flow",
    level="senior",
    inputs=ddim_inputs,
    hints=[
        "First the implied clean image: (x - sqrt(1 - kept) * predicted_noise) / "
        "sqrt(kept).",
        "The fresh noise takes sigma**2 of the variance 1 - kept_before; the "
        "predicted noise gets the rest.",
        "sqrt(kept_before) * clean + sqrt(1 - kept_before - sigma**2) * "
        "predicted_noise + sigma * fresh_noise",
    ],
)
def ddim_step(x, predicted_noise, kept, kept_before, eta, fresh_noise):
    clean = (x - np.sqrt(1 - kept) * predicted_noise) / np.sqrt(kept)
    deviation = ddim_deviation(kept, kept_before, eta)
    direction = np.sqrt(1 - kept_before - deviation**2) * predicted_noise
    return np.sqrt(kept_before) * clean + direction + deviation * fresh_noise


@ddim_step.also_right
def ddim_as_one_line(x, predicted_noise, kept, kept_before, eta, fresh_noise):
    ratio, rest = kept_before / kept, 1 - kept_before
    variance = eta**2 * rest / (1 - kept) * (1 - 1 / ratio)
    weight = (rest - variance) ** 0.5 - (ratio * (1 - kept)) ** 0.5
    return ratio**0.5 * x + weight * predicted_noise + variance**0.5 * fresh_noise


@ddim_step.wrong(
    "The predicted noise is missing from the new image: it must come back with the "
    "factor sqrt(1 - kept_before - sigma**2)."
)
def ddim_without_direction(x, predicted_noise, kept, kept_before, eta, fresh_noise):
    clean = (x - np.sqrt(1 - kept) * predicted_noise) / np.sqrt(kept)
    deviation = ddim_deviation(kept, kept_before, eta)
    return np.sqrt(kept_before) * clean + deviation * fresh_noise


@ddim_step.wrong(
    "You added fresh noise only: with eta = 0 the step must not depend on it."
)
def ddim_all_fresh(x, predicted_noise, kept, kept_before, eta, fresh_noise):
    clean = (x - np.sqrt(1 - kept) * predicted_noise) / np.sqrt(kept)
    return np.sqrt(kept_before) * clean + np.sqrt(1 - kept_before) * fresh_noise


@ddim_step.wrong(
    "The variances add up to more than 1 - kept_before: take sigma**2 away from the "
    "predicted noise's share."
)
def ddim_too_much_noise(x, predicted_noise, kept, kept_before, eta, fresh_noise):
    clean = (x - np.sqrt(1 - kept) * predicted_noise) / np.sqrt(kept)
    direction = np.sqrt(1 - kept_before) * predicted_noise
    deviation = ddim_deviation(kept, kept_before, eta)
    return np.sqrt(kept_before) * clean + direction + deviation * fresh_noise


@ddim_step.wrong(
    "The noise of the old level was put back: the new image has the level kept_before."
)
def ddim_keeps_level(x, predicted_noise, kept, kept_before, eta, fresh_noise):
    clean = (x - np.sqrt(1 - kept) * predicted_noise) / np.sqrt(kept)
    deviation = ddim_deviation(kept, kept_before, eta)
    direction = np.sqrt(1 - kept - deviation**2) * predicted_noise
    return np.sqrt(kept_before) * clean + direction + deviation * fresh_noise


@ddim_step.wrong("eta is not used: with eta above 0 some of the noise is fresh.")
def ddim_eta_ignored(x, predicted_noise, kept, kept_before, eta, fresh_noise):
    return ddim_step(x, predicted_noise, kept, kept_before, 0.0, fresh_noise)


@ddim_step.wrong(
    "This is the implied clean image: the step goes only part of the way, to "
    "kept_before."
)
def ddim_returns_clean(x, predicted_noise, kept, kept_before, eta, fresh_noise):
    return (x - np.sqrt(1 - kept) * predicted_noise) / np.sqrt(kept)


# cosine_betas


def cosine_inputs(rng):
    for steps in (int(rng.integers(4, 10)), 50):
        yield {"steps": steps}


def cosine_kept(steps, offset=0.008):
    t = np.arange(steps + 1) / steps
    return np.cos((t + offset) / (1 + offset) * np.pi / 2) ** 2


@problem(
    title=Text(en="The cosine schedule", zh="余弦噪声调度"),
    statement=Text(
        en=(
            "Nichol and Dhariwal (2021, arXiv:2102.09672) choose "
            "$\\bar\\alpha(t) = f(t) / f(0)$ with $f(t) = "
            "\\cos^2\\!\\left(\\frac{t + s}{1 + s} \\cdot "
            "\\frac{\\pi}{2}\\right)$, $s = 0.008$ and t from 0 to 1. Return the "
            "betas of all steps: $\\beta_i = 1 - \\bar\\alpha(\\frac{i + 1}{n}) "
            "/ \\bar\\alpha(\\frac{i}{n})$, none above 0.999."
        ),
        zh=(
            "Nichol 与 Dhariwal（2021，arXiv:2102.09672）取 $\\bar\\alpha(t) = "
            "f(t) / f(0)$，其中 $f(t) = \\cos^2\\!\\left(\\frac{t + s}{1 + s} "
            "\\cdot \\frac{\\pi}{2}\\right)$，$s = 0.008$，t 从 0 到 1。请返回全"
            "部步的 beta：$\\beta_i = 1 - \\bar\\alpha(\\frac{i + 1}{n}) / "
            "\\bar\\alpha(\\frac{i}{n})$，并且不超过 0.999。"
        ),
    ),
    limits=Text(
        en="`steps` ($n$) at most 4,000. Return an array of shape (steps,). NumPy.",
        zh="`steps`（即 $n$）不超过 4000。返回形状为 (steps,) 的数组。使用 NumPy。",
    ),
    examples=["cosine_betas(2) -> [0.506157, 0.999]"],
    topic="diffusion_flow",
    level="middle",
    inputs=cosine_inputs,
    tolerance=1e-6,
    hints=[
        "There are n betas but n + 1 places on the curve. f(0) cancels in the ratio.",
        "f = np.cos((np.arange(n + 1) / n + s) / (1 + s) * np.pi / 2) ** 2",
        "np.minimum(1 - f[1:] / f[:-1], 0.999)",
    ],
)
def cosine_betas(steps):
    kept = cosine_kept(steps)
    return np.minimum(1 - kept[1:] / kept[:-1], 0.999)


@cosine_betas.also_right
def cosine_betas_one_by_one(steps):
    def kept(t):
        return (1 + np.cos(np.pi * (t + 0.008) / 1.008)) / 2

    return np.array(
        [min(1 - kept((i + 1) / steps) / kept(i / steps), 0.999) for i in range(steps)]
    )


@cosine_betas.wrong("The last beta is 1: cut at 0.999, or the last step divides by 0.")
def cosine_not_clipped(steps):
    kept = cosine_kept(steps)
    return 1 - kept[1:] / kept[:-1]


@cosine_betas.wrong("The cosine is not squared.")
def cosine_not_squared(steps):
    kept = np.sqrt(cosine_kept(steps))
    return np.minimum(1 - kept[1:] / kept[:-1], 0.999)


@cosine_betas.wrong(
    "The offset s = 0.008 is missing: the first betas become too small."
)
def cosine_without_offset(steps):
    kept = cosine_kept(steps, 0)
    return np.minimum(1 - kept[1:] / kept[:-1], 0.999)


@cosine_betas.wrong("You returned the curve alpha-bar: return the betas.")
def cosine_returns_kept(steps):
    kept = cosine_kept(steps)
    return kept[1:] / kept[0]


@cosine_betas.wrong("A beta is one minus a ratio of neighbours, not their difference.")
def cosine_differences(steps):
    kept = cosine_kept(steps) / cosine_kept(steps)[0]
    return np.minimum(kept[:-1] - kept[1:], 0.999)


@cosine_betas.wrong("You returned 1 - beta.")
def cosine_alphas(steps):
    return 1 - cosine_betas(steps)


# guided_noise: classifier-free guidance


def guidance_inputs(rng):
    for scale in (1.0, 0.0, float(rng.uniform(2, 8))):
        yield {
            "with_text": rng.normal(size=(2, 3)),
            "without_text": rng.normal(size=(2, 3)),
            "scale": scale,
        }


@problem(
    title=Text(en="Classifier-free guidance", zh="无分类器引导（CFG）"),
    statement=Text(
        en=(
            "A text-to-image model predicted the noise twice: with the text and "
            "with an empty text. Combine both so that scale 0 ignores the text, "
            "scale 1 gives the prediction with text, and a larger scale goes "
            "further in the same direction. (Ho and Salimans 2022, "
            "arXiv:2207.12598, count the scale from 0 at the prediction with "
            "text; most programs count as here.)"
        ),
        zh=(
            "文生图模型预测了两次噪声：一次带文本，一次用空文本。请把两者结合起"
            "来：引导系数为 0 时忽略文本，为 1 时等于带文本的预测，更大时沿同一方"
            "向继续外推。（Ho 与 Salimans 2022，arXiv:2207.12598 的系数以带文本的"
            "预测为 0；多数程序采用本题的约定。）"
        ),
    ),
    limits=Text(
        en="Arrays of one shape; `scale` is a number, 0 or more. NumPy.",
        zh="两个数组形状相同；`scale` 为非负数。使用 NumPy。",
    ),
    examples=["guided_noise(np.array([1.0]), np.array([0.5]), 3.0) -> [2.0]"],
    topic="diffusion_flow",
    level="junior",
    inputs=guidance_inputs,
    hints=[
        "Start from one prediction and walk along the difference of the two. Where "
        "must scale 0 stand?",
        "without_text + scale * (...)",
    ],
)
def guided_noise(with_text, without_text, scale):
    return without_text + scale * (with_text - without_text)


@guided_noise.also_right
def guided_as_weights(with_text, without_text, scale):
    both = np.stack([with_text, without_text])
    return np.tensordot([scale, 1 - scale], both, axes=1)


@guided_noise.wrong(
    "This is the paper's count, where 0 already uses the text: here scale 1 is the "
    "plain prediction with text."
)
def guided_one_too_many(with_text, without_text, scale):
    return (1 + scale) * with_text - scale * without_text


@guided_noise.wrong(
    "The two predictions are exchanged: a larger scale walks away from the text."
)
def guided_swapped(with_text, without_text, scale):
    return with_text + scale * (without_text - with_text)


@guided_noise.wrong(
    "The prediction without text is not used: the noise is merely scaled."
)
def guided_only_text(with_text, without_text, scale):
    return scale * with_text


@guided_noise.wrong(
    "The difference alone is not a noise prediction: add the one without text."
)
def guided_only_difference(with_text, without_text, scale):
    return scale * (with_text - without_text)


# flow_pair: the training pair of flow matching


def flow_inputs(rng):
    for shape in ((3, 4), (2, 2, 3)):
        yield {
            "noise": rng.normal(size=shape),
            "data": rng.normal(size=shape),
            "t": rng.uniform(0.1, 0.9, size=shape[0]),
        }


@problem(
    title=Text(en="The training pair of flow matching", zh="流匹配的训练样本对"),
    statement=Text(
        en=(
            "Flow matching with straight paths (Lipman et al. 2023, "
            "arXiv:2210.02747; Liu et al. 2023, arXiv:2209.03003) moves every "
            "noise sample on a straight line to a data sample, from noise at t = "
            "0 to data at t = 1. Return `[x, target]`: the point at time `t` and "
            "the velocity that the network is to predict there."
        ),
        zh=(
            "直线路径的流匹配（Lipman 等，2023，arXiv:2210.02747；Liu 等，2023，"
            "arXiv:2209.03003）让每个噪声样本沿直线走向一个数据样本：t = 0 时为噪"
            "声，t = 1 时为数据。请返回 `[x, target]`：时刻 `t` 所处的点，以及网"
            "络在该处应预测的速度。"
        ),
    ),
    limits=Text(
        en="`noise` and `data`: (batch, ...); `t`: (batch,) between 0 and 1. NumPy.",
        zh=(
            "`noise` 与 `data` 的形状为 (batch, ...)；`t` 为 (batch,)，取值在 0 "
            "与 1 之间。使用 NumPy。"
        ),
    ),
    examples=[
        "flow_pair(np.array([[0.0]]), np.array([[4.0]]), np.array([0.25])) -> "
        "[[[1.0]], [[4.0]]]"
    ],
    topic="diffusion_flow",
    level="junior",
    inputs=flow_inputs,
    hints=[
        "Write the point as a weighted mean of noise and data. The velocity is its "
        "derivative with respect to t.",
        "On a straight line the velocity does not depend on t.",
        "x = (1 - t) * noise + t * data, target = data - noise",
    ],
)
def flow_pair(noise, data, t):
    t = column(t, data)
    return [(1 - t) * noise + t * data, data - noise]


@flow_pair.also_right
def flow_pair_by_steps(noise, data, t):
    velocity = data - noise
    places = [a + s * v for a, s, v in zip(noise, t, velocity, strict=True)]
    return [np.stack(places), velocity]


@flow_pair.wrong("Time runs the other way: here t = 0 is noise and t = 1 is data.")
def flow_backwards(noise, data, t):
    return flow_pair(data, noise, t)


@flow_pair.wrong("The velocity points back to the noise: check its sign.")
def flow_velocity_reversed(noise, data, t):
    x, velocity = flow_pair(noise, data, t)
    return [x, -velocity]


@flow_pair.wrong(
    "This is the way that is left, data - x: the velocity is the whole way, data - "
    "noise."
)
def flow_rest_of_the_way(noise, data, t):
    x, _ = flow_pair(noise, data, t)
    return [x, data - x]


@flow_pair.wrong(
    "The target is a velocity, not the noise: that is how a diffusion model is trained."
)
def flow_target_is_noise(noise, data, t):
    return [flow_pair(noise, data, t)[0], noise]


@flow_pair.wrong(
    "The roots belong to diffusion, which keeps the variance: here the path is "
    "straight."
)
def flow_with_roots(noise, data, t):
    t = column(t, data)
    return [np.sqrt(1 - t) * noise + np.sqrt(t) * data, data - noise]


# euler_path: the sampler of flow matching


def euler_inputs(rng):
    for steps in (1, 4, 7):
        yield {
            "x": rng.normal(size=(2, 3)),
            "matrix": 0.5 * rng.normal(size=(3, 3)),
            "push": rng.normal(size=3),
            "steps": steps,
        }


def velocity(x, t, matrix, push):
    return x @ matrix + t * push


@problem(
    title=Text(en="Euler sampling of a flow", zh="用欧拉法从流模型采样"),
    statement=Text(
        en=(
            "Follow the velocity field from t = 0 to t = 1 in `steps` equal "
            "Euler steps and return where `x` arrives. To keep the check small, "
            "the field is `velocity(x, t) = x @ matrix + t * push` instead of a "
            "network; each step uses the velocity at its start."
        ),
        zh=(
            "用 `steps` 个等长的欧拉步沿速度场从 t = 0 走到 t = 1，返回 `x` 的终"
            "点。为便于检查，这里用 `velocity(x, t) = x @ matrix + t * push` 代替"
            "神经网络；每一步使用该步起点处的速度。"
        ),
    ),
    limits=Text(
        en=(
            "`x`: (batch, size); `matrix`: (size, size); `push`: (size,). Do not "
            "change `x` in place. NumPy."
        ),
        zh=(
            "`x` 的形状为 (batch, size)，`matrix` 为 (size, size)，`push` 为 "
            "(size,)。不要原地修改 `x`。使用 NumPy。"
        ),
    ),
    examples=[
        "euler_path(np.array([[1.0]]), np.array([[1.0]]), np.array([0.0]), 2) -> "
        "[[2.25]]"
    ],
    topic="diffusion_flow",
    level="middle",
    inputs=euler_inputs,
    hints=[
        "One step: x + (length of a step) * velocity(x, t). How long is a step?",
        "Step number i begins at t = i / steps.",
        "for i in range(steps): x = x + velocity(x, i / steps) / steps",
    ],
)
def euler_path(x, matrix, push, steps):
    for i in range(steps):
        x = x + velocity(x, i / steps, matrix, push) / steps
    return x


@euler_path.also_right
def euler_in_closed_form(x, matrix, push, steps):
    growth = np.eye(len(matrix)) + matrix / steps
    end = x @ np.linalg.matrix_power(growth, steps)
    for i in range(steps):
        power = np.linalg.matrix_power(growth, steps - 1 - i)
        end = end + i / steps**2 * push @ power
    return end


@euler_path.wrong(
    "Each step uses the time at its end: take the time at its start, i / steps."
)
def euler_late(x, matrix, push, steps):
    for i in range(steps):
        x = x + velocity(x, (i + 1) / steps, matrix, push) / steps
    return x


@euler_path.wrong("The velocity is not multiplied by the length of a step, 1 / steps.")
def euler_without_step_size(x, matrix, push, steps):
    for i in range(steps):
        x = x + velocity(x, i / steps, matrix, push)
    return x


@euler_path.wrong("One step is missing: the path stops before t = 1.")
def euler_one_step_short(x, matrix, push, steps):
    for i in range(steps - 1):
        x = x + velocity(x, i / steps, matrix, push) / steps
    return x


@euler_path.wrong("Time was counted in steps: it runs from 0 to 1.")
def euler_counts_steps(x, matrix, push, steps):
    for i in range(steps):
        x = x + velocity(x, i, matrix, push) / steps
    return x


@euler_path.wrong("You walked from 1 to 0: here t = 0 is noise and t = 1 is data.")
def euler_backwards(x, matrix, push, steps):
    for i in range(steps):
        x = x - velocity(x, 1 - i / steps, matrix, push) / steps
    return x


@euler_path.wrong(
    "The velocity was always taken at the first point: take it where x is now."
)
def euler_from_the_start(x, matrix, push, steps):
    end = x
    for i in range(steps):
        end = end + velocity(x, i / steps, matrix, push) / steps
    return end


@euler_path.wrong(
    "This is the midpoint rule: more exact, but the task asks for plain Euler steps."
)
def euler_midpoint(x, matrix, push, steps):
    for i in range(steps):
        half = x + velocity(x, i / steps, matrix, push) / (2 * steps)
        x = x + velocity(half, (i + 0.5) / steps, matrix, push) / steps
    return x


# signal_weights: signal-to-noise ratio and the weights made of it


def signal_inputs(rng):
    yield {"kept": rng.uniform(0.02, 0.98, size=6), "most": 5.0}
    yield {"kept": np.array([0.5, 0.9, 0.999]), "most": 1.0}


@problem(
    title=Text(
        en="Signal-to-noise ratio and min-SNR weights", zh="信噪比与 min-SNR 权重"
    ),
    statement=Text(
        en=(
            "The signal-to-noise ratio of $x_t = \\sqrt{\\bar\\alpha_t}\\, x_0 + "
            "\\sqrt{1 - \\bar\\alpha_t}\\, \\epsilon$ is a ratio of variances "
            "(data of variance 1). Return `[ratio, weight]` for every level, "
            "where `weight` is the min-SNR weight (Hang et al. 2023, "
            "arXiv:2303.09556) of a network that predicts noise: the ratio, but "
            "at most `most`, divided by the ratio."
        ),
        zh=(
            "$x_t = \\sqrt{\\bar\\alpha_t}\\, x_0 + \\sqrt{1 - "
            "\\bar\\alpha_t}\\, \\epsilon$ 的信噪比是方差之比（设数据方差为 1）。"
            "请对每个噪声水平返回 `[ratio, weight]`，其中 `weight` 是预测噪声的网"
            "络所用的 min-SNR 权重（Hang 等，2023，arXiv:2303.09556）：信噪比以 "
            "`most` 为上限截断，再除以信噪比。"
        ),
    ),
    limits=Text(
        en=(
            "`kept` ($\\bar\\alpha_t$): (levels,), between 0 and 1, both "
            "excluded; `most` > 0. NumPy."
        ),
        zh=(
            "`kept`（即 $\\bar\\alpha_t$）的形状为 (levels,)，取值在 0 与 1 之间"
            "（不含端点）；`most` > 0。使用 NumPy。"
        ),
    ),
    examples=[
        "signal_weights(np.array([0.5, 0.9]), 5.0) -> [[1.0, 9.0], [1.0, 0.555556]]"
    ],
    topic="diffusion_flow",
    level="middle",
    inputs=signal_inputs,
    hints=[
        "Which factor stands before the image, which before the noise? Square both.",
        "ratio = kept / (1 - kept); weight = np.minimum(ratio, most) / ratio",
    ],
)
def signal_weights(kept, most):
    ratio = kept / (1 - kept)
    return [ratio, np.minimum(ratio, most) / ratio]


@signal_weights.also_right
def signal_weights_by_cases(kept, most):
    ratio = 1 / (1 / kept - 1)
    return [ratio, np.where(ratio > most, most / ratio, 1.0)]


@signal_weights.wrong(
    "This is the ratio of the factors: the ratio of the variances is its square."
)
def signal_of_amplitudes(kept, most):
    ratio = np.sqrt(kept / (1 - kept))
    return [ratio, np.minimum(ratio, most) / ratio]


@signal_weights.wrong(
    "Signal and noise are exchanged: little noise means a large ratio."
)
def signal_upside_down(kept, most):
    ratio = (1 - kept) / kept
    return [ratio, np.minimum(ratio, most) / ratio]


@signal_weights.wrong(
    "The weight is not divided by the ratio: that is the weight for a network that "
    "predicts the clean image."
)
def signal_weight_not_divided(kept, most):
    ratio = kept / (1 - kept)
    return [ratio, np.minimum(ratio, most)]


@signal_weights.wrong("`most` is a ceiling: take the minimum.")
def signal_weight_of_maximum(kept, most):
    ratio = kept / (1 - kept)
    return [ratio, np.maximum(ratio, most) / ratio]


@signal_weights.wrong(
    "You took the share of the signal: divide by the noise's variance, 1 - kept."
)
def signal_against_all(kept, most):
    return [kept, np.minimum(kept, most) / kept]


# pure_at_the_end (bug hunt): a schedule whose last level still shows the image


PURE_AT_THE_END = """
def pure_at_the_end(kept):
    roots = np.sqrt(kept)
    shifted = roots - roots[-1]
    return shifted**2
"""


def leaking_inputs(rng):
    for steps in (3, 4):
        shares = rng.uniform(0.55, 0.85, size=steps)
        yield {"kept": np.cumprod(shares)}


@problem(
    title=Text(
        en="Bug hunt: noise that still shows the image",
        zh="找错：最后一级噪声里仍有图像",
    ),
    statement=Text(
        en=(
            "With many schedules the last level is no pure noise: some of the signal "
            "is kept, and so is the brightness of the image. A model that learned to "
            "trust it draws everything mid-grey when it starts from pure noise. Lin "
            "et al. (2024, arXiv:2305.08891) shift and scale the signal rates "
            "$\\sqrt{\\bar\\alpha}$ linearly, so that the last one becomes 0 and the "
            "first one stays as it was. The program returns the new $\\bar\\alpha$ of "
            "all levels, but it adds noise to the first level as well, so fine "
            "detail gets lost. Find the mistake and repair the function."
        ),
        zh=(
            "许多噪声调度的最后一级并不是纯噪声：还留有一部分信号，也就留下了图像的"
            "整体亮度。模型学会依赖它之后，从纯噪声出发画出的图就都是中等灰度。Lin "
            "等（2024，arXiv:2305.08891）对信号系数 $\\sqrt{\\bar\\alpha}$ 做线性平"
            "移和缩放，使最后一个变为 0，第一个保持不变。程序返回各级新的 "
            "$\\bar\\alpha$，但它给第一级也多加了噪声，细节因此丢失。找出错误并修好"
            "这个函数。"
        ),
    ),
    limits=Text(
        en="`kept`: $\\bar\\alpha$ of at least two levels, falling, above 0. NumPy.",
        zh="`kept` 为至少两级的 $\\bar\\alpha$，递减且大于 0。使用 NumPy。",
    ),
    examples=["pure_at_the_end(np.array([0.81, 0.49, 0.09])) -> [0.81, 0.36, 0.0]"],
    topic="diffusion_flow",
    level="middle",
    lesson="13_diffusion#signal-to-noise-ratio-and-schedules",
    broken=PURE_AT_THE_END,
    mistake=(
        "The shift alone lowers every rate, the first one too: scale by roots[0] / "
        "(roots[0] - roots[-1]) before squaring."
    ),
    inputs=leaking_inputs,
    hints=[
        "Compare the first number that goes in with the first that comes out.",
        "A straight line through two points: the last rate goes to 0, the first one "
        "to itself. What slope has it?",
        "scale = roots[0] / shifted[0]",
    ],
)
def pure_at_the_end(kept):
    roots = np.sqrt(kept)
    shifted = roots - roots[-1]
    return (shifted * roots[0] / shifted[0]) ** 2


@pure_at_the_end.also_right
def pure_by_interpolation(kept):
    roots = np.sqrt(kept)
    return np.interp(roots, [roots[-1], roots[0]], [0, roots[0]]) ** 2


@pure_at_the_end.wrong(
    "Only the last level was changed: the sampler's first step would jump. Move all "
    "rates on one line."
)
def pure_last_only(kept):
    return np.append(kept[:-1], 0.0)


@pure_at_the_end.wrong(
    "A last beta of 0.9 still keeps a tenth of the power that the level before it "
    "kept: the last level has to keep exactly 0."
)
def pure_with_a_large_beta(kept):
    return np.append(kept[:-1], kept[-2] * 0.1)


@pure_at_the_end.wrong(
    "The line goes through alpha-bar itself: it is the signal rates, its roots, that "
    "are moved linearly."
)
def pure_without_roots(kept):
    return (kept - kept[-1]) * kept[0] / (kept[0] - kept[-1])


@pure_at_the_end.wrong("These are the signal rates: square them at the end.")
def pure_not_squared(kept):
    return np.sqrt(pure_at_the_end(kept))


@pure_at_the_end.wrong(
    "The first level now keeps everything: it has to stay as it was, with its own "
    "little noise."
)
def pure_from_one(kept):
    return pure_at_the_end(kept) / kept[0]


# velocity_target: v-prediction and back


def v_inputs(rng):
    for shape in ((3, 2), (2, 2, 2)):
        yield {
            "clean": rng.normal(size=shape),
            "noise": rng.normal(size=shape),
            "kept": rng.uniform(0.1, 0.9, size=shape[0]),
        }


@problem(
    title=Text(en="The target of v-prediction", zh="v 预测的训练目标"),
    statement=Text(
        en=(
            "Write $\\bar\\alpha_t = \\cos^2\\varphi$, so that $x_t = "
            "\\cos\\varphi\\, x_0 + \\sin\\varphi\\, \\epsilon$. In v-prediction "
            "(Salimans and Ho 2022, arXiv:2202.00512) the network learns $v = "
            "\\mathrm{d}x_t / \\mathrm{d}\\varphi$. Return the target `v`; "
            "`kept` is $\\bar\\alpha_t$."
        ),
        zh=(
            "令 $\\bar\\alpha_t = \\cos^2\\varphi$，则 $x_t = \\cos\\varphi\\, "
            "x_0 + \\sin\\varphi\\, \\epsilon$。在 v 预测（Salimans 与 Ho，2022，"
            "arXiv:2202.00512）中，网络学习 $v = \\mathrm{d}x_t / "
            "\\mathrm{d}\\varphi$。请返回训练目标 `v`；`kept` 即 "
            "$\\bar\\alpha_t$。"
        ),
    ),
    limits=Text(
        en=(
            "`clean` and `noise`: (batch, ...); `kept`: (batch,), between 0 and "
            "1. NumPy."
        ),
        zh=(
            "`clean` 与 `noise` 的形状为 (batch, ...)；`kept` 为 (batch,)，取值在"
            " 0 与 1 之间。使用 NumPy。"
        ),
    ),
    examples=[
        "velocity_target(np.array([[1.0]]), np.array([[2.0]]), np.array([0.64])) "
        "-> [[1.0]]"
    ],
    topic="diffusion_flow",
    level="senior",
    inputs=v_inputs,
    hints=[
        "Differentiate cosine and sine; image and noise are constants.",
        "cos(angle) * noise - sin(angle) * clean, and cos(angle) = sqrt(kept)",
    ],
)
def velocity_target(clean, noise, kept):
    kept = column(kept, clean)
    return np.sqrt(kept) * noise - np.sqrt(1 - kept) * clean


@velocity_target.also_right
def velocity_as_derivative(clean, noise, kept):
    # x(angle) = cos(angle) clean + sin(angle) noise, differentiated by the angle
    angle = np.arccos(np.sqrt(column(kept, clean)))
    return np.cos(angle) * noise - np.sin(angle) * clean


@velocity_target.wrong(
    "The sign is the other way round: the derivative of the cosine is minus the sine."
)
def velocity_sign(clean, noise, kept):
    return -velocity_target(clean, noise, kept)


@velocity_target.wrong("This is x_t itself: differentiate it.")
def velocity_is_noisy_image(clean, noise, kept):
    kept = column(kept, clean)
    return np.sqrt(kept) * clean + np.sqrt(1 - kept) * noise


@velocity_target.wrong(
    "This is the velocity of a straight path: here image and noise have the factors of "
    "a circle."
)
def velocity_of_flow(clean, noise, kept):
    return noise - clean


@velocity_target.wrong("The roots are missing: cos(angle) is sqrt(kept).")
def velocity_without_roots(clean, noise, kept):
    kept = column(kept, clean)
    return kept * noise - (1 - kept) * clean


@velocity_target.wrong("Sine and cosine are exchanged: the noise gets sqrt(kept).")
def velocity_weights_swapped(clean, noise, kept):
    return velocity_target(clean, noise, 1 - kept)


# path_bend (bug hunt): how straight paths are


PATH_BEND = """
def path_bend(paths):
    steps = paths.shape[1] - 1
    velocities = np.diff(paths, axis=1) * steps
    chords = velocities.mean(axis=0, keepdims=True)
    bends = ((velocities - chords) ** 2).sum()
    return bends / (velocities ** 2).sum()
"""


def bend_inputs(rng):
    for count, points, size in ((3, 5, 2), (2, 3, 4)):
        steps = rng.integers(-8, 9, size=(count, points, size)) / 4
        yield {"paths": np.cumsum(steps + rng.integers(1, 4, (count, 1, size)), 1)}


def bend_parts(paths):
    velocities = np.diff(paths, axis=1) * (paths.shape[1] - 1)
    return velocities, paths[:, -1:] - paths[:, :1]


@problem(
    title=Text(
        en="Bug hunt: straight paths that look bent", zh="找错：直线路径测出了弯曲"
    ),
    statement=Text(
        en=(
            "The program measures how bent the paths of a flow are: the mean squared "
            "difference of the velocities $v_t$ from their path's chord $c = x_1 - "
            "x_0$, over the mean squared velocity. It should be 0 for straight paths "
            "of constant speed, and below 1. But two straight paths in different "
            "directions do not give 0. Find the mistake and repair the function. "
            "`paths` are points (n, points of a path, d) at equal distances of time "
            "from 0 to 1. See Liu et al. (2022), arXiv:2209.03003, for straightness."
        ),
        zh=(
            "程序测量流的路径有多弯：速度 $v_t$ 与该路径的弦 $c = x_1 - x_0$ 之差的"
            "均方，除以速度的均方。匀速直线路径应得 0，且结果总小于 1。可是方向不同"
            "的两条直线路径得到的却不是 0。找出错误并修好这个函数。`paths` 的形状为 "
            "(n, 每条路径的点数, d)，各点在 0 到 1 之间等时间间隔。直线程度"
            "（straightness）的定义见 Liu 等（2022），arXiv:2209.03003。"
        ),
    ),
    limits=Text(
        en="At least two points a path, not all equal. NumPy; return one number.",
        zh="每条路径至少两个点，且不全相同。使用 NumPy，返回一个数。",
    ),
    examples=["path_bend(np.array([[[0.0], [1.0], [1.0]]])) -> 0.5"],
    topic="diffusion_flow",
    level="middle",
    lesson="14_flow_and_few_steps#how-straight-are-the-paths",
    broken=PATH_BEND,
    mistake=(
        "The mean is over the paths: each path has its own chord, the mean of its own "
        "velocities over time, axis=1."
    ),
    inputs=bend_inputs,
    hints=[
        "What are the three axes of `velocities`? Over which one does a chord average?",
        "velocities.mean(axis=1, keepdims=True) is x_1 - x_0 of each path.",
    ],
)
def path_bend(paths):
    velocities, chords = bend_parts(paths)
    return ((velocities - chords) ** 2).sum() / (velocities**2).sum()


@path_bend.also_right
def bend_by_variance(paths):
    velocities, chords = bend_parts(paths)
    steps = velocities.shape[1]
    return 1 - steps * (chords**2).sum() / (velocities**2).sum()


@path_bend.wrong(
    "Divided by the squared chords, the number has no upper bound: divide by the "
    "squared velocities."
)
def bend_over_chords(paths):
    velocities, chords = bend_parts(paths)
    return ((velocities - chords) ** 2).mean() / (chords**2).mean()


@path_bend.wrong(
    "Not normalised: twice as long paths would seem four times as bent. Divide by the "
    "squared velocities."
)
def bend_not_normalised(paths):
    velocities, chords = bend_parts(paths)
    return ((velocities - chords) ** 2).sum(axis=2).mean()


@path_bend.wrong("This is the share along the chord, 1 for straight paths: 1 minus it.")
def bend_as_straightness(paths):
    return 1 - path_bend(paths)


@path_bend.wrong(
    "The squares are missing: lengths are compared here, not squared lengths."
)
def bend_of_lengths(paths):
    velocities, chords = bend_parts(paths)
    length = np.linalg.norm
    return length(velocities - chords, axis=2).sum() / length(velocities, axis=2).sum()


@path_bend.wrong(
    "A mean of the paths' own ratios lets a nearly resting path count as much as a "
    "long one: divide once, at the end."
)
def bend_mean_of_ratios(paths):
    return np.mean([path_bend(path[None]) for path in paths])
