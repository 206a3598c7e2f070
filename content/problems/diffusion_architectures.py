"""Coding problems on the parts of diffusion Transformers and U-Nets."""

import numpy as np
from scipy.special import expit

from digitdreams.interview.bank import Text
from digitdreams.interview.problems import problem

# timestep_embedding -----------------------------------------------------------------


def time_inputs(rng):
    for width, longest in ((6, 10_000.0), (4, 100.0), (7, 1000.0)):
        times = np.round(rng.uniform(0, 20, size=3), 2)
        times[0] = 0.0
        yield {"times": times, "width": width, "longest": longest}


@problem(
    title=Text(en="The embedding of a time step", zh="时间步嵌入"),
    statement=Text(
        en=(
            "A denoiser is told the time step as a vector of cosines and sines (as in "
            "DiT, Peebles and Xie 2022, arXiv:2212.09748). With `half = width // 2`, "
            "frequency number $i$ is $\\mathrm{longest}^{-i/\\mathrm{half}}$, for $i$ "
            "from 0 to `half` - 1. The vector holds first all cosines of time times "
            "frequency, then all sines; an odd width ends with a zero."
        ),
        zh=(
            "去噪网络以一个由余弦和正弦组成的向量得知时间步（与 DiT 相同；Peebles 和 "
            "Xie，2022，arXiv:2212.09748）。令 `half = width // 2`，第 $i$ 个频率为 "
            "$\\mathrm{longest}^{-i/\\mathrm{half}}$，$i$ 从 0 到 `half` - 1。向量先放"
            "所有“时间×频率”的余弦，再放所有正弦；宽度为奇数时末尾补一个零。"
        ),
    ),
    limits=Text(
        en=(
            "`times`: (n,), floats; `width` >= 2; `longest` > 1. Returns (n, width). "
            "NumPy."
        ),
        zh=(
            "`times` 为 (n,) 的浮点数；`width` >= 2；`longest` > 1。返回 (n, width)。"
            "使用 NumPy。"
        ),
    ),
    examples=["timestep_embedding(np.array([0.0]), 5, 100.0) -> [[1, 1, 0, 0, 0]]"],
    topic="diffusion_architectures",
    level="junior",
    inputs=time_inputs,
    hints=[
        "An outer product of times and frequencies gives all angles, (n, half).",
        "frequencies = longest ** (-np.arange(half) / half)",
    ],
)
def timestep_embedding(times, width, longest):
    half = width // 2
    angles = times[:, None] * longest ** (-np.arange(half) / half)
    rest = np.zeros((len(times), width % 2))
    return np.concatenate([np.cos(angles), np.sin(angles), rest], axis=1)


@timestep_embedding.also_right
def embedding_by_rotations(times, width, longest):
    half = width // 2
    turns = np.exp(
        1j * np.outer(times, np.exp(-np.log(longest) * np.arange(half) / half))
    )
    found = np.zeros((len(times), width))
    found[:, :half], found[:, half : 2 * half] = turns.real, turns.imag
    return found


def arranged(cosines, sines, width):
    rest = np.zeros((len(cosines), width % 2))
    return np.concatenate([cosines, sines, rest], axis=1)


@timestep_embedding.wrong("Sines stand before cosines here: cosines come first.")
def embedding_sines_first(times, width, longest):
    half = width // 2
    found = timestep_embedding(times, width, longest)
    return arranged(found[:, half : 2 * half], found[:, :half], width)


@timestep_embedding.wrong(
    "Cosines and sines alternate: all cosines come first, then all sines."
)
def embedding_interleaved(times, width, longest):
    half = width // 2
    found = timestep_embedding(times, width, longest)
    mixed = np.stack([found[:, :half], found[:, half : 2 * half]], axis=2)
    return arranged(mixed.reshape(len(times), -1), found[:, :0], width)


@timestep_embedding.wrong("The exponents run to 1, i / (half - 1): divide by `half`.")
def embedding_to_the_end(times, width, longest):
    half = width // 2
    angles = times[:, None] * longest ** (-np.arange(half) / (half - 1))
    return arranged(np.cos(angles), np.sin(angles), width)


@timestep_embedding.wrong("The exponents start at 1: the first frequency is 1, i = 0.")
def embedding_from_one(times, width, longest):
    half = width // 2
    angles = times[:, None] * longest ** (-np.arange(1, half + 1) / half)
    return arranged(np.cos(angles), np.sin(angles), width)


@timestep_embedding.wrong(
    "The exponents were divided by the width: cosines and sines share `half` "
    "frequencies."
)
def embedding_by_width(times, width, longest):
    angles = times[:, None] * longest ** (-np.arange(width // 2) / width)
    return arranged(np.cos(angles), np.sin(angles), width)


@timestep_embedding.wrong(
    "The exponents have the wrong sign: frequencies fall from 1 to nearly 1 / longest."
)
def embedding_of_high_frequencies(times, width, longest):
    return timestep_embedding(times, width, 1 / longest)


@timestep_embedding.wrong("An odd width lacks its last zero.")
def embedding_even_only(times, width, longest):
    return timestep_embedding(times, width - width % 2, longest)


# patchify ---------------------------------------------------------------------------


def patch_inputs(rng):
    for shape, size in (((3, 4, 6, 3), 2), ((1, 6, 3, 2), 3), ((2, 2, 3, 1), 1)):
        yield {"images": rng.normal(size=shape), "size": size}


@problem(
    title=Text(en="Cut images into patches", zh="把图像切成图块"),
    statement=Text(
        en=(
            "A vision or diffusion Transformer reads an image or a latent as a "
            "sequence of square patches. Cut each image into patches of `size` × "
            "`size` pixels, row by row, left to right, and lay out each patch as a "
            "vector: its pixels row by row, each with all its channels."
        ),
        zh=(
            "视觉 Transformer 或扩散 Transformer 把图像（或潜变量）读作一串正方形图"
            "块。请把每张图像切成 `size`×`size` 像素的图块，按行、从左到右排列，并把每"
            "个图块展开成向量：像素按行排列，每个像素带着全部通道。"
        ),
    ),
    limits=Text(
        en=(
            "`images`: (n, height, width, channels); height and width are multiples "
            "of `size`. Returns (n, patches, size * size * channels). NumPy."
        ),
        zh=(
            "`images` 的形状为 (n, height, width, channels)；高和宽是 `size` 的整数"
            "倍。返回 (n, patches, size * size * channels)。使用 NumPy。"
        ),
    ),
    examples=[
        "patchify(np.arange(8.0).reshape(1, 2, 4, 1), 2) -> [[[0, 1, 4, 5], [2, 3, 6, "
        "7]]]"
    ],
    topic="diffusion_architectures",
    level="junior",
    inputs=patch_inputs,
    hints=[
        "Split each of the two sides in two axes: (n, rows, size, columns, size, "
        "channels). Which axes have to change places before you join them?",
        "transpose(0, 1, 3, 2, 4, 5) brings the two axes of `size` side by side.",
    ],
)
def patchify(images, size):
    n, height, width, channels = images.shape
    split = images.reshape(n, height // size, size, width // size, size, channels)
    return split.transpose(0, 1, 3, 2, 4, 5).reshape(n, -1, size * size * channels)


@patchify.also_right
def patches_one_by_one(images, size):
    _, height, width, _ = images.shape
    patches = [
        images[:, top : top + size, left : left + size].reshape(len(images), -1)
        for top in range(0, height, size)
        for left in range(0, width, size)
    ]
    return np.stack(patches, axis=1)


@patchify.wrong(
    "Reshaping alone cuts rows into pieces: the two axes of `size` have to come "
    "together by a transposition first."
)
def patches_by_reshape(images, size):
    return images.reshape(len(images), -1, size * size * images.shape[-1])


@patchify.wrong("The patches go column by column: rows come first.")
def patches_by_columns(images, size):
    n, height, width, channels = images.shape
    split = images.reshape(n, height // size, size, width // size, size, channels)
    return split.transpose(0, 3, 1, 2, 4, 5).reshape(n, -1, size * size * channels)


@patchify.wrong("Inside a patch the pixels go column by column: rows come first.")
def patches_turned(images, size):
    n, height, width, channels = images.shape
    split = images.reshape(n, height // size, size, width // size, size, channels)
    return split.transpose(0, 1, 3, 4, 2, 5).reshape(n, -1, size * size * channels)


@patchify.wrong(
    "The channels come first in each vector: here each pixel keeps its channels "
    "together."
)
def patches_by_channel(images, size):
    n, height, width, channels = images.shape
    split = images.reshape(n, height // size, size, width // size, size, channels)
    return split.transpose(0, 1, 3, 5, 2, 4).reshape(n, -1, size * size * channels)


# group_norm -------------------------------------------------------------------------


def group_norm_inputs(rng):
    for shape, groups in (((2, 2, 3, 4), 2), ((3, 2, 2, 6), 3), ((2, 2, 2, 3), 1)):
        channels = shape[-1]
        yield {
            "x": rng.normal(size=shape) + 2 * rng.normal(size=channels),
            "groups": groups,
            "gain": rng.uniform(0.5, 2, size=channels),
            "offset": rng.normal(size=channels),
            "epsilon": 0.05,
        }


def normalised(x, axes, epsilon):
    mean = x.mean(axis=axes, keepdims=True)
    return (x - mean) / np.sqrt(x.var(axis=axes, keepdims=True) + epsilon)


@problem(
    title=Text(en="Group normalisation", zh="组归一化"),
    statement=Text(
        en=(
            "The U-Nets of diffusion models normalise neighbouring channels together "
            "(Wu and He 2018, arXiv:1803.08494). Split the channels into `groups` "
            "equal groups of neighbours. In each image and group subtract the mean "
            "and divide by the square root of variance plus `epsilon`, both over all "
            "positions and the group's channels. Then multiply with each channel's "
            "gain and add its offset."
        ),
        zh=(
            "扩散模型的 U-Net 把相邻通道放在一起归一化（Wu 和 He，2018，"
            "arXiv:1803.08494）。把通道按相邻关系等分成 `groups` 组。在每张图像的每一"
            "组内减去均值，再除以“方差加 `epsilon`”的平方根，均值和方差都在所有位置和"
            "组内通道上计算。最后乘以各通道的增益，加上其偏移。"
        ),
    ),
    limits=Text(
        en=(
            "`x`: (n, height, width, channels); `gain`, `offset`: (channels,). The "
            "variance divides by the number of values. NumPy."
        ),
        zh=(
            "`x` 的形状为 (n, height, width, channels)；`gain`、`offset` 为 "
            "(channels,)。方差的分母是数值个数。使用 NumPy。"
        ),
    ),
    examples=["groups = 1 is layer normalisation of the whole image"],
    topic="diffusion_architectures",
    level="middle",
    inputs=group_norm_inputs,
    hints=[
        "Give the groups an axis of their own: (n, height, width, groups, channels of "
        "a group).",
        "Mean and variance over the axes 1, 2 and 4, with keepdims=True; then reshape "
        "back.",
    ],
)
def group_norm(x, groups, gain, offset, epsilon):
    grouped = x.reshape(*x.shape[:3], groups, -1)
    return normalised(grouped, (1, 2, 4), epsilon).reshape(x.shape) * gain + offset


@group_norm.also_right
def group_norm_by_parts(x, groups, gain, offset, epsilon):
    parts = np.split(x, groups, axis=3)
    joined = np.concatenate([normalised(one, (1, 2, 3), epsilon) for one in parts], 3)
    return joined * gain + offset


@group_norm.wrong(
    "Each channel was normalised alone: that is instance normalisation. A group's "
    "channels share mean and variance."
)
def instance_norm(x, groups, gain, offset, epsilon):
    return normalised(x, (1, 2), epsilon) * gain + offset


@group_norm.wrong(
    "All channels were normalised together: `groups` says how many share a mean."
)
def layer_norm_of_image(x, groups, gain, offset, epsilon):
    return normalised(x, (1, 2, 3), epsilon) * gain + offset


@group_norm.wrong(
    "The mean runs over the batch, too: an image must not depend on those beside it."
)
def group_norm_of_batch(x, groups, gain, offset, epsilon):
    grouped = x.reshape(*x.shape[:3], groups, -1)
    return normalised(grouped, (0, 1, 2, 4), epsilon).reshape(x.shape) * gain + offset


@group_norm.wrong(
    "Each position was normalised alone: mean and variance run over all positions."
)
def group_norm_of_positions(x, groups, gain, offset, epsilon):
    grouped = x.reshape(*x.shape[:3], groups, -1)
    return normalised(grouped, (4,), epsilon).reshape(x.shape) * gain + offset


@group_norm.wrong(
    "The groups are not of neighbours: the axis of groups has to come before that of "
    "a group's channels."
)
def group_norm_of_strides(x, groups, gain, offset, epsilon):
    grouped = x.reshape(*x.shape[:3], -1, groups)
    return normalised(grouped, (1, 2, 3), epsilon).reshape(x.shape) * gain + offset


@group_norm.wrong("`groups` is their number, not the number of channels in one.")
def group_norm_of_sizes(x, groups, gain, offset, epsilon):
    grouped = x.reshape(*x.shape[:3], -1, groups)
    return normalised(grouped, (1, 2, 4), epsilon).reshape(x.shape) * gain + offset


@group_norm.wrong("`epsilon` stands outside the root: add it to the variance.")
def group_norm_epsilon_outside(x, groups, gain, offset, epsilon):
    grouped = x.reshape(*x.shape[:3], groups, -1)
    mean = grouped.mean(axis=(1, 2, 4), keepdims=True)
    deviation = grouped.std(axis=(1, 2, 4), keepdims=True)
    return ((grouped - mean) / (deviation + epsilon)).reshape(x.shape) * gain + offset


@group_norm.wrong("`gain` and `offset` are missing.")
def group_norm_plain(x, groups, gain, offset, epsilon):
    return group_norm(x, groups, 1.0, 0.0, epsilon)


# adaln_zero -------------------------------------------------------------------------


def adaln_inputs(rng):
    # Of the second one the tokens hardly vary: there the 1e-6 counts.
    for n, tokens, width, conditions, spread in (
        (2, 3, 4, 3, 1.0),
        (3, 2, 3, 5, 2e-3),
    ):
        yield {
            "x": 1 + spread * rng.normal(size=(n, tokens, width)),
            "condition": rng.normal(size=(n, conditions)),
            "weights": rng.normal(size=(conditions, 3 * width)),
            "biases": rng.normal(size=3 * width),
            "branch": rng.normal(size=(width, width)),
        }
    yield {
        "x": rng.normal(size=(2, 2, 3)),
        "condition": rng.normal(size=(2, 2)),
        "weights": np.zeros((2, 9)),
        "biases": np.zeros(9),
        "branch": rng.normal(size=(3, 3)),
    }


def silu(x):
    return x * expit(x)


def modulation(condition, weights, biases):
    """Shift, scale and gate, each (n, 1, width)."""
    return np.split((condition @ weights + biases)[:, None], 3, axis=2)


@problem(
    title=Text(en="adaLN-Zero", zh="零初始化的自适应归一化（adaLN-Zero）"),
    statement=Text(
        en=(
            "In DiT (Peebles and Xie 2022, arXiv:2212.09748) time step and class "
            "steer a block by its normalisation. The condition passes the SiLU, "
            "$c\\,\\sigma(c)$, and a linear layer, whose output is shift, scale and "
            "gate, in this order, a third each. The input is normalised over its last "
            "axis (mean 0, variance 1, epsilon 1e-6, no parameters), multiplied with "
            "one plus scale, and shifted. The branch, here a product with the matrix "
            "`branch`, works on that; its output times the gate is added to the "
            "block's input. Return the sum."
        ),
        zh=(
            "在 DiT（Peebles 和 Xie，2022，arXiv:2212.09748）中，时间步和类别通过归一"
            "化控制一个模块。条件先经过 SiLU（$c\\,\\sigma(c)$），再经过一个线性层，其"
            "输出依次为 shift、scale 和 gate，各占三分之一。输入沿最后一个轴归一化（均"
            "值 0、方差 1，epsilon 为 1e-6，无参数），乘以 1 加 scale，再加 shift。分"
            "支（这里是与矩阵 `branch` 相乘）作用于其结果，输出乘以 gate 后加到模块的"
            "输入上。请返回这个和。"
        ),
    ),
    limits=Text(
        en=(
            "`x`: (n, tokens, width); `condition`: (n, conditions); `weights`: "
            "(conditions, 3 * width); `biases`: (3 * width,); `branch`: (width, "
            "width). NumPy."
        ),
        zh=(
            "`x` 的形状为 (n, tokens, width)，`condition` 为 (n, conditions)，"
            "`weights` 为 (conditions, 3 * width)，`biases` 为 (3 * width,)，`branch` "
            "为 (width, width)。使用 NumPy。"
        ),
    ),
    examples=["weights and biases all zeros -> x: at first, the block does nothing"],
    topic="diffusion_architectures",
    level="middle",
    inputs=adaln_inputs,
    hints=[
        "One condition belongs to all tokens of an image: which axis does it lack?",
        "x + gate * ((normalised(x) * (1 + scale) + shift) @ branch)",
    ],
)
def adaln_zero(x, condition, weights, biases, branch):
    shift, scale, gate = modulation(silu(condition), weights, biases)
    hidden = normalised(x, (2,), 1e-6) * (1 + scale) + shift
    return x + gate * (hidden @ branch)


@adaln_zero.also_right
def adaln_one_by_one(x, condition, weights, biases, branch):
    found, width = [], x.shape[2]
    for tokens, wanted in zip(x, condition, strict=True):
        steering = wanted / (1 + np.exp(-wanted)) @ weights + biases
        centred = tokens.T - tokens.mean(axis=1)
        hidden = (centred / np.sqrt(tokens.var(axis=1) + 1e-6)).T
        hidden = hidden + hidden * steering[width : 2 * width] + steering[:width]
        found.append(tokens + hidden @ branch * steering[2 * width :])
    return np.stack(found)


@adaln_zero.wrong(
    "The scale lacks its one: with zero weights the normalised input would vanish."
)
def adaln_without_one(x, condition, weights, biases, branch):
    shift, scale, gate = modulation(silu(condition), weights, biases)
    return x + gate * ((normalised(x, (2,), 1e-6) * scale + shift) @ branch)


@adaln_zero.wrong(
    "The block's input was not added: with a gate of 0 it has to be left."
)
def adaln_without_input(x, condition, weights, biases, branch):
    return adaln_zero(x, condition, weights, biases, branch) - x


@adaln_zero.wrong("The gate is not used: it is what makes the block begin as identity.")
def adaln_without_gate(x, condition, weights, biases, branch):
    shift, scale, _ = modulation(silu(condition), weights, biases)
    return x + (normalised(x, (2,), 1e-6) * (1 + scale) + shift) @ branch


@adaln_zero.wrong("The gate multiplies the sum: it belongs to the branch alone.")
def adaln_gated_sum(x, condition, weights, biases, branch):
    shift, scale, gate = modulation(silu(condition), weights, biases)
    hidden = normalised(x, (2,), 1e-6) * (1 + scale) + shift
    return gate * (x + hidden @ branch)


@adaln_zero.wrong("The gate stands before the branch: it multiplies what comes out.")
def adaln_gated_early(x, condition, weights, biases, branch):
    shift, scale, gate = modulation(silu(condition), weights, biases)
    hidden = normalised(x, (2,), 1e-6) * (1 + scale) + shift
    return x + (gate * hidden) @ branch


@adaln_zero.wrong("Shift and scale are exchanged: shift is the first third.")
def adaln_exchanged(x, condition, weights, biases, branch):
    scale, shift, gate = modulation(silu(condition), weights, biases)
    hidden = normalised(x, (2,), 1e-6) * (1 + scale) + shift
    return x + gate * (hidden @ branch)


@adaln_zero.wrong("The condition did not pass the SiLU.")
def adaln_without_silu(x, condition, weights, biases, branch):
    shift, scale, gate = modulation(condition, weights, biases)
    hidden = normalised(x, (2,), 1e-6) * (1 + scale) + shift
    return x + gate * (hidden @ branch)


@adaln_zero.wrong(
    "The SiLU came after the linear layer: then no shift could be far below 0."
)
def adaln_late_silu(x, condition, weights, biases, branch):
    shift, scale, gate = map(silu, modulation(condition, weights, biases))
    hidden = normalised(x, (2,), 1e-6) * (1 + scale) + shift
    return x + gate * (hidden @ branch)


@adaln_zero.wrong("The normalisation is missing.")
def adaln_without_norm(x, condition, weights, biases, branch):
    shift, scale, gate = modulation(silu(condition), weights, biases)
    return x + gate * ((x * (1 + scale) + shift) @ branch)


@adaln_zero.wrong(
    "The normalisation runs over the tokens, too: each token has its own mean and "
    "variance."
)
def adaln_over_tokens(x, condition, weights, biases, branch):
    shift, scale, gate = modulation(silu(condition), weights, biases)
    hidden = normalised(x, (1, 2), 1e-6) * (1 + scale) + shift
    return x + gate * (hidden @ branch)
