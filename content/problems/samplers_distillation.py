"""Coding problems on samplers of diffusion models."""

from itertools import pairwise

import numpy as np

from digitdreams.interview.bank import Text
from digitdreams.interview.problems import problem

# heun_sampler: the second-order sampler of EDM


def sampler_inputs(rng):
    for sigmas in ([4.0, 1.5, 0.5, 0.0], [3.0, 1.0], [2.0, 0.0]):
        points = 2 * rng.normal(size=(4, 2))
        yield {
            "x": sigmas[0] * rng.normal(size=(3, 2)),
            "points": points,
            "sigmas": np.array(sigmas),
        }
    points = 40 * rng.normal(size=(3, 2))
    yield {
        "x": points[:2] + 9,
        "points": points,
        "sigmas": np.array([0.2, 0.1, 0.0]),
    }


def denoised(x, points, sigma):
    """The mean of the clean point, given x."""
    squares = ((x[:, None] - points) ** 2).sum(axis=2)
    scores = -squares / (2 * sigma**2)
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True) @ points


def slope(x, points, sigma):
    return (x - denoised(x, points, sigma)) / sigma


@problem(
    title=Text(en="Heun's sampler", zh="Heun 采样器"),
    statement=Text(
        en=(
            "The data are the given `points`, all equally likely, and $x = "
            "\\text{point} + \\sigma\\cdot\\text{noise}$. The best denoiser gives the "
            "mean of the points with weights proportional to "
            "$\\exp(-|x - \\text{point}|^2 / (2\\sigma^2))$. Draw samples as in EDM "
            "(Karras et al. 2022, arXiv:2206.00364): the path follows "
            "$dx/d\\sigma = (x - D(x, \\sigma)) / \\sigma$.\n\n"
            "For each pair of neighbouring `sigmas` take an Euler step; unless the "
            "new sigma is 0, compute the slope at the new place as well and repeat "
            "the step from the old place with the mean of both slopes (Heun). Return "
            "the last x."
        ),
        zh=(
            "数据是给定的 `points`，等概率出现，且 $x = \\text{point} + "
            "\\sigma\\cdot\\text{noise}$。最优去噪器给出各点的加权平均，权重正比于 "
            "$\\exp(-|x - \\text{point}|^2 / (2\\sigma^2))$。请像 EDM（Karras 等，"
            "2022，arXiv:2206.00364）那样采样：轨迹满足 $dx/d\\sigma = (x - D(x, "
            "\\sigma)) / \\sigma$。\n\n"
            "对 `sigmas` 中每一对相邻值，先走一步 Euler；只要新的 sigma 不为 0，就再"
            "求新位置的斜率，并从原位置用两个斜率的均值重走这一步（Heun）。返回最后的 "
            "x。"
        ),
    ),
    limits=Text(
        en=(
            "`x`: (n, size), noisy at `sigmas[0]`; `points`: (count, size); `sigmas`: "
            "falling, the last perhaps 0. Distances may be large against sigma: the "
            "result must stay finite. NumPy."
        ),
        zh=(
            "`x` 的形状为 (n, size)，噪声水平为 `sigmas[0]`；`points` 为 (count, "
            "size)；`sigmas` 递减，最后一个可能为 0。距离可能远大于 sigma，结果必须保"
            "持有限。使用 NumPy。"
        ),
    ),
    examples=[
        "one point, whatever the sigmas before the last 0 -> that point: the path is "
        "straight"
    ],
    topic="samplers_distillation",
    level="senior",
    inputs=sampler_inputs,
    tolerance=1e-6,
    hints=[
        "Write the denoiser first: a softmax over the points; subtract its largest "
        "score.",
        "x_next = x + (new - old) * slope: sigma falls, so the step is negative.",
        "Both slopes start from the old x: x + (new - old) * (first + second) / 2.",
    ],
)
def heun_sampler(x, points, sigmas):
    for old, new in pairwise(sigmas):
        first = slope(x, points, old)
        ahead = x + (new - old) * first
        if new > 0:
            second = slope(ahead, points, new)
            ahead = x + (new - old) * (first + second) / 2
        x = ahead
    return x


@heun_sampler.also_right
def heun_point_by_point(x, points, sigmas):
    def best(place, sigma):
        logs = -((place - points) ** 2).sum(axis=1) / (2 * sigma**2)
        return np.exp(logs - np.logaddexp.reduce(logs)) @ points

    found = []
    for place in x:
        for old, new in pairwise(sigmas):
            share = new / old  # an Euler step mixes x with its denoised form
            euler = share * place + (1 - share) * best(place, old)
            if new:
                second = (euler - best(euler, new)) / new
                place = (euler + place + (new - old) * second) / 2
            else:
                place = euler
        found.append(place)
    return np.array(found)


@heun_sampler.wrong("This is Euler's method: the second slope is missing.")
def euler_sampler(x, points, sigmas):
    for old, new in pairwise(sigmas):
        x = x + (new - old) * slope(x, points, old)
    return x


@heun_sampler.wrong(
    "The second slope was taken at sigma 0, where it divides by 0: the last step is "
    "Euler's."
)
def heun_to_the_end(x, points, sigmas):
    found = heun_sampler(x, points, sigmas)
    return found * np.nan if sigmas[-1] == 0 else found


@heun_sampler.wrong(
    "The step to sigma 0 was left out: it removes the last of the noise."
)
def heun_without_last(x, points, sigmas):
    return heun_sampler(x, points, sigmas[sigmas > 0])


@heun_sampler.wrong(
    "The second slope was computed at the old place: take it where Euler's step leads."
)
def heun_at_old_place(x, points, sigmas):
    for old, new in pairwise(sigmas):
        first = slope(x, points, old)
        second = slope(x, points, new) if new > 0 else first
        x = x + (new - old) * (first + second) / 2
    return x


@heun_sampler.wrong(
    "The second slope was computed with the old sigma: the new place has the new one."
)
def heun_at_old_sigma(x, points, sigmas):
    for old, new in pairwise(sigmas):
        first = slope(x, points, old)
        second = slope(x + (new - old) * first, points, old) if new > 0 else first
        x = x + (new - old) * (first + second) / 2
    return x


@heun_sampler.wrong(
    "The mean step started from the new place: go back and take it from the old one."
)
def heun_from_new_place(x, points, sigmas):
    for old, new in pairwise(sigmas):
        first = slope(x, points, old)
        ahead = x + (new - old) * first
        if new > 0:
            ahead = ahead + (new - old) * (first + slope(ahead, points, new)) / 2
        x = ahead
    return x


@heun_sampler.wrong("Only the second slope was used: take the mean of both.")
def heun_second_only(x, points, sigmas):
    for old, new in pairwise(sigmas):
        ahead = x + (new - old) * slope(x, points, old)
        x = x + (new - old) * slope(ahead, points, new) if new > 0 else ahead
    return x


@heun_sampler.wrong(
    "The step has the wrong sign: with new - old, which is negative, x moves towards "
    "the denoised point."
)
def heun_backwards(x, points, sigmas):
    for old, new in pairwise(sigmas):
        first = slope(x, points, old)
        second = slope(x + (old - new) * first, points, new) if new > 0 else first
        x = x + (old - new) * (first + second) / 2
    return x


@heun_sampler.wrong(
    "The denoiser divides by 2 sigma: the Gaussian has 2 sigma squared."
)
def heun_of_other_gaussian(x, points, sigmas):
    def wrong_slope(x, sigma):
        return (x - denoised(x, points, sigma**0.5)) / sigma

    for old, new in pairwise(sigmas):
        first = wrong_slope(x, old)
        ahead = x + (new - old) * first
        x = (
            x + (new - old) * (first + wrong_slope(ahead, new)) / 2
            if new > 0
            else ahead
        )
    return x


@heun_sampler.wrong(
    "All weights became 0 far from the points: subtract the largest score before "
    "np.exp."
)
def heun_unstable(x, points, sigmas):
    for old, new in pairwise(sigmas):
        squares = ((x[:, None] - points) ** 2).sum(axis=2)
        weights = np.exp(-squares / (2 * old**2))
        with np.errstate(invalid="ignore"):
            weights = weights / weights.sum(axis=1, keepdims=True)
        first = (x - weights @ points) / old
        ahead = x + (new - old) * first
        if new > 0:
            ahead = x + (new - old) * (first + slope(ahead, points, new)) / 2
        x = ahead
    return x
