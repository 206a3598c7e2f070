"""Coding problems on editing: style, inpainting, super-resolution, quality."""

import numpy as np

from digitdreams.interview.bank import Text
from digitdreams.interview.problems import problem

# gram_matrix: which channels are active together


def gram_inputs(rng):
    for shape in ((2, 3, 4, 3), (1, 5, 2, 4)):
        yield {"features": rng.normal(size=shape)}


@problem(
    title=Text(en="The Gram matrix of a style", zh="风格的格拉姆矩阵"),
    statement=Text(
        en=(
            "Style transfer (Gatys et al. 2015, arXiv:1508.06576) describes "
            "style by which channels of a feature map are active together, "
            "wherever that is. For each image of the batch return the matrix "
            "whose entry `[c, d]` is the mean over all places of (channel c "
            "times channel d)."
        ),
        zh=(
            "风格迁移（Gatys 等，2015，arXiv:1508.06576）用特征图各通道的共同激活"
            "来描述风格，而不管激活发生在什么位置。请对批次中的每张图像返回一个矩"
            "阵，元素 `[c, d]` 为通道 c 与通道 d 的乘积在所有位置上的均值。"
        ),
    ),
    limits=Text(
        en=(
            "`features`: (batch, rows, columns, channels); return (batch, "
            "channels, channels). Divide by the number of places only. NumPy."
        ),
        zh=(
            "`features` 的形状为 (batch, rows, columns, channels)；返回 (batch, "
            "channels, channels)。只除以位置数。使用 NumPy。"
        ),
    ),
    examples=[
        "gram_matrix(np.array([[[[1.0, 0.0], [1.0, 2.0]]]])) -> [[[1.0, 1.0], "
        "[1.0, 2.0]]]"
    ],
    topic="editing",
    level="junior",
    inputs=gram_inputs,
    hints=[
        "Bring rows and columns together into one axis of places; a matrix product "
        "then sums over it.",
        "flat = features.reshape(batch, rows * columns, channels); flat.transpose(0, "
        "2, 1) @ flat / (rows * columns)",
    ],
)
def gram_matrix(features):
    batch, rows, columns, channels = features.shape
    flat = features.reshape(batch, rows * columns, channels)
    return flat.transpose(0, 2, 1) @ flat / (rows * columns)


@gram_matrix.also_right
def gram_by_einsum(features):
    places = features.shape[1] * features.shape[2]
    return np.einsum("bhwc,bhwd->bcd", features, features) / places


@gram_matrix.wrong(
    "This compares places: the result must have one row and one column for each "
    "channel."
)
def gram_of_places(features):
    batch, rows, columns, channels = features.shape
    flat = features.reshape(batch, rows * columns, channels)
    return flat @ flat.transpose(0, 2, 1) / (rows * columns)


@gram_matrix.wrong(
    "The sum is not divided by the number of places: a larger image would have more "
    "style."
)
def gram_not_divided(features):
    return gram_matrix(features) * features.shape[1] * features.shape[2]


@gram_matrix.wrong("You divided by the channels as well: only the places are averaged.")
def gram_also_by_channels(features):
    return gram_matrix(features) / features.shape[3]


@gram_matrix.wrong(
    "The means were subtracted, which gives a covariance: the Gram matrix uses the "
    "features as they are."
)
def gram_centred(features):
    return gram_matrix(features - features.mean(axis=(1, 2), keepdims=True))


@gram_matrix.wrong(
    "The channels are the last axis: a reshape to (channels, places) scrambles them. "
    "Keep them last and transpose."
)
def gram_scrambled(features):
    batch, rows, columns, channels = features.shape
    flat = features.reshape(batch, channels, rows * columns)
    return flat @ flat.transpose(0, 2, 1) / (rows * columns)


@gram_matrix.wrong("Each image keeps its own matrix: do not average over the batch.")
def gram_of_batch(features):
    return gram_matrix(features).mean(axis=0)


# total_variation


def variation_inputs(rng):
    for shape in ((2, 4, 5, 1), (3, 3, 3, 3)):
        yield {"images": rng.uniform(size=shape)}


@problem(
    title=Text(en="Total variation", zh="全变差"),
    statement=Text(
        en=(
            "Total variation punishes noise between neighbouring pixels. Return "
            "for each image the sum of the absolute differences between vertical "
            "neighbours plus that between horizontal neighbours, over all pixels "
            "and channels."
        ),
        zh=(
            "全变差用来惩罚相邻像素之间的噪声。请对每张图像返回所有像素与通道上，"
            "上下相邻像素之差的绝对值之和，加上左右相邻像素之差的绝对值之和。"
        ),
    ),
    limits=Text(
        en=(
            "`images`: (batch, rows, columns, channels); return (batch,). No "
            "loop over pixels. NumPy."
        ),
        zh=(
            "`images` 的形状为 (batch, rows, columns, channels)；返回 (batch,)。"
            "不要对像素写循环。使用 NumPy。"
        ),
    ),
    examples=["total_variation(np.array([[[[0.0], [1.0]], [[0.0], [3.0]]]])) -> [6.0]"],
    topic="editing",
    level="junior",
    inputs=variation_inputs,
    hints=[
        "Shift the images by one row and subtract: images[:, 1:] - images[:, :-1].",
        "Sum the absolute differences of both directions over the axes 1, 2 and 3.",
    ],
)
def total_variation(images):
    down = np.abs(images[:, 1:] - images[:, :-1])
    across = np.abs(images[:, :, 1:] - images[:, :, :-1])
    return down.sum(axis=(1, 2, 3)) + across.sum(axis=(1, 2, 3))


@total_variation.also_right
def variation_by_diff(images):
    values = []
    for image in images:
        steps = [np.diff(image, axis=axis) for axis in (0, 1)]
        values.append(sum(np.abs(one).sum() for one in steps))
    return np.array(values)


@total_variation.wrong(
    "The differences are squared: take absolute values, which leave sharp edges "
    "affordable."
)
def variation_squared(images):
    down = (images[:, 1:] - images[:, :-1]) ** 2
    across = (images[:, :, 1:] - images[:, :, :-1]) ** 2
    return down.sum(axis=(1, 2, 3)) + across.sum(axis=(1, 2, 3))


@total_variation.wrong("Without absolute values the differences cancel each other.")
def variation_signed(images):
    down = images[:, 1:] - images[:, :-1]
    across = images[:, :, 1:] - images[:, :, :-1]
    return down.sum(axis=(1, 2, 3)) + across.sum(axis=(1, 2, 3))


@total_variation.wrong("Horizontal neighbours are missing.")
def variation_only_down(images):
    return np.abs(images[:, 1:] - images[:, :-1]).sum(axis=(1, 2, 3))


@total_variation.wrong(
    "np.roll makes the last row a neighbour of the first: cut at the border."
)
def variation_wraps(images):
    down = np.abs(images - np.roll(images, 1, axis=1))
    across = np.abs(images - np.roll(images, 1, axis=2))
    return down.sum(axis=(1, 2, 3)) + across.sum(axis=(1, 2, 3))


@total_variation.wrong("This is a mean over pixels: return the sum.")
def variation_averaged(images):
    return total_variation(images) / np.prod(images.shape[1:])


@total_variation.wrong("Return one value for each image.")
def variation_over_batch(images):
    return total_variation(images).sum()


@total_variation.wrong(
    "This takes the length of the gradient (isotropic): here the two directions are "
    "added."
)
def variation_of_lengths(images):
    down = images[:, 1:, :-1] - images[:, :-1, :-1]
    across = images[:, :-1, 1:] - images[:, :-1, :-1]
    return np.sqrt(down**2 + across**2).sum(axis=(1, 2, 3))


# keep_known: one step of inpainting with a diffusion model


def inpainting_inputs(rng):
    for shape, kept in (((2, 3, 3, 1), 0.6), ((1, 2, 4, 2), 0.95)):
        missing = (rng.uniform(size=(*shape[:3], 1)) < 0.5).astype(float)
        missing[:, 0, :2] = [[0.0], [1.0]]
        yield {
            "drawn": rng.normal(size=shape),
            "known": rng.normal(size=shape),
            "missing": missing,
            "kept": kept,
            "noise": rng.normal(size=shape),
        }
    yield {
        "drawn": rng.normal(size=(1, 2, 2, 1)),
        "known": rng.normal(size=(1, 2, 2, 1)),
        "missing": np.array([1.0, 0.0, 0.0, 1.0]).reshape(1, 2, 2, 1),
        "kept": 1.0,
        "noise": rng.normal(size=(1, 2, 2, 1)),
    }


def noised_known(known, kept, noise):
    return np.sqrt(kept) * known + np.sqrt(1 - kept) * noise


@problem(
    title=Text(en="Inpainting: keep the known pixels", zh="图像修复：保留已知像素"),
    statement=Text(
        en=(
            "A diffusion model that knows nothing about inpainting can fill a "
            "hole (RePaint, Lugmayr et al. 2022, arXiv:2201.09865): after each "
            "reverse step the known pixels are replaced by the original ones, "
            "brought to the same noise level: $\\sqrt{\\bar\\alpha}\\, x_0 + "
            "\\sqrt{1 - \\bar\\alpha}\\, \\epsilon$. Return the image after this "
            "replacement. `missing` is 1 in the hole and 0 at known pixels; "
            "`kept` is $\\bar\\alpha$ of the level that `drawn` has now."
        ),
        zh=(
            "从未学过修复任务的扩散模型也能补全缺失区域（RePaint，Lugmayr 等，2022，"
            "arXiv:2201.09865）：每做一步反向去噪，就把已知像素换成加噪到同一水平"
            "的原图像素：$\\sqrt{\\bar\\alpha}\\, x_0 + \\sqrt{1 - "
            "\\bar\\alpha}\\, \\epsilon$。请返回替换之后的图像。`missing` 在缺失区域"
            "处为 1，在已知像素处为 0；`kept` 是 `drawn` 当前噪声水平的 "
            "$\\bar\\alpha$。"
        ),
    ),
    limits=Text(
        en=(
            "`drawn`, `known`, `noise`: (batch, rows, columns, channels); "
            "`missing`: one channel; `kept`: one number. NumPy."
        ),
        zh=(
            "`drawn`、`known`、`noise` 的形状为 (batch, rows, columns, "
            "channels)；`missing` 只有一个通道；`kept` 为一个数。使用 NumPy。"
        ),
    ),
    examples=[
        "keep_known(np.full((1, 1, 2, 1), 9.0), np.ones((1, 1, 2, 1)), "
        "np.array([[[[0.0], [1.0]]]]), 0.64, np.ones((1, 1, 2, 1))) -> [[[[1.4], "
        "[9.0]]]]"
    ],
    topic="editing",
    level="middle",
    inputs=inpainting_inputs,
    hints=[
        "Two images are mixed by the mask. Both must be equally noisy.",
        "missing * drawn + (1 - missing) * (sqrt(kept) * known + sqrt(1 - kept) * "
        "noise)",
    ],
)
def keep_known(drawn, known, missing, kept, noise):
    return missing * drawn + (1 - missing) * noised_known(known, kept, noise)


@keep_known.also_right
def keep_known_by_choice(drawn, known, missing, kept, noise):
    same_level = known * kept**0.5 + noise * (1 - kept) ** 0.5
    return np.where(missing > 0, drawn, same_level)


@keep_known.wrong(
    "The known pixels were put in clean: the network expects one noise level "
    "everywhere. Noise them first."
)
def keep_known_clean(drawn, known, missing, kept, noise):
    return missing * drawn + (1 - missing) * known


@keep_known.wrong("The mask is inverted: the hole is where `missing` is 1.")
def keep_known_inverted(drawn, known, missing, kept, noise):
    return keep_known(drawn, known, 1 - missing, kept, noise)


@keep_known.wrong(
    "Noise was added to the hole as well, which is already noisy: only the known "
    "pixels are noised."
)
def keep_known_noise_everywhere(drawn, known, missing, kept, noise):
    mixed = missing * drawn + (1 - missing) * known
    return noised_known(mixed, kept, noise)


@keep_known.wrong("The factors are the roots of kept and of 1 - kept.")
def keep_known_without_roots(drawn, known, missing, kept, noise):
    same_level = kept * known + (1 - kept) * noise
    return missing * drawn + (1 - missing) * same_level


@keep_known.wrong(
    "What was drawn over the known pixels is still there: multiply it by `missing`."
)
def keep_known_added(drawn, known, missing, kept, noise):
    return drawn + (1 - missing) * noised_known(known, kept, noise)


# enlarge and enlarge_smoothly: two ways to upsample


def enlarge_inputs(rng):
    yield {"images": rng.uniform(size=(2, 2, 3, 1)), "factor": 2}
    yield {"images": rng.uniform(size=(1, 3, 2, 2)), "factor": 3}


@problem(
    title=Text(en="Nearest-neighbour upsampling", zh="最近邻上采样"),
    statement=Text(
        en=(
            "Enlarge images by a whole factor: every pixel becomes a square of "
            "`factor` x `factor` equal pixels."
        ),
        zh=(
            "按整数倍放大图像：每个像素变成 `factor` x `factor` 个相同像素组成的方块。"
        ),
    ),
    limits=Text(
        en="`images`: (batch, rows, columns, channels). No loop over pixels. NumPy.",
        zh=(
            "`images` 的形状为 (batch, rows, columns, channels)。不要对像素写循"
            "环。使用 NumPy。"
        ),
    ),
    examples=[
        "enlarge(np.array([[[[1], [2]]]]), 2) -> [[[[1], [1], [2], [2]], [[1], "
        "[1], [2], [2]]]]"
    ],
    topic="editing",
    level="junior",
    inputs=enlarge_inputs,
    hints=[
        "np.repeat writes each entry several times, np.tile the whole array.",
        "images.repeat(factor, axis=1) enlarges the rows; the columns are axis 2.",
    ],
)
def enlarge(images, factor):
    return images.repeat(factor, axis=1).repeat(factor, axis=2)


@enlarge.also_right
def enlarge_by_index(images, factor):
    rows = np.arange(images.shape[1] * factor) // factor
    columns = np.arange(images.shape[2] * factor) // factor
    return images[:, rows][:, :, columns]


@enlarge.wrong(
    "The image was laid out several times like tiles: repeat each pixel instead."
)
def enlarge_tiled(images, factor):
    return np.tile(images, (1, factor, factor, 1))


@enlarge.wrong("Only the rows were repeated: repeat the columns, too.")
def enlarge_only_rows(images, factor):
    return images.repeat(factor, axis=1)


@enlarge.wrong(
    "np.resize fills the new shape with the old numbers one after another: the picture "
    "is scrambled."
)
def enlarge_resized(images, factor):
    batch, rows, columns, channels = images.shape
    return np.resize(images, (batch, rows * factor, columns * factor, channels))


@enlarge.wrong(
    "There are zeros between the pixels: each square is filled with its pixel."
)
def enlarge_with_holes(images, factor):
    batch, rows, columns, channels = images.shape
    result = np.zeros((batch, rows * factor, columns * factor, channels))
    result[:, ::factor, ::factor] = images
    return result


@enlarge.wrong(
    "The axes are shifted by one: rows are axis 1, columns axis 2. Channels stay."
)
def enlarge_wrong_axes(images, factor):
    return images.repeat(factor, axis=2).repeat(factor, axis=3)


def smooth_inputs(rng):
    yield {"image": rng.uniform(size=(3, 4)), "rows": 6, "columns": 8}
    yield {"image": rng.uniform(size=(2, 3)), "rows": 5, "columns": 3}
    yield {"image": rng.uniform(size=(4, 2)), "rows": 10, "columns": 7}


def line_weights(new, old):
    """A matrix (new, old): how much each old value weighs in each new one."""
    place = np.clip((np.arange(new) + 0.5) * old / new - 0.5, 0, old - 1)
    return np.maximum(0, 1 - np.abs(place[:, None] - np.arange(old)))


@problem(
    title=Text(en="Bilinear upsampling", zh="双线性上采样"),
    statement=Text(
        en=(
            "Resize an image by linear interpolation in both directions. Pixels "
            "are little squares, so that the centre of new pixel `i` lies at `(i "
            "+ 0.5) * old / new - 0.5` in the old image; places beyond the first "
            "or last centre take the value at the border."
        ),
        zh=(
            "在两个方向上用线性插值缩放图像。像素视为小方块，因此新像素 `i` 的中"
            "心在旧图中的坐标为 `(i + 0.5) * old / new - 0.5`；超出首个或末个像素"
            "中心的位置取边缘值。"
        ),
    ),
    limits=Text(
        en=(
            "`image`: (height, width), grey; the new size is not smaller than "
            "the old one. NumPy."
        ),
        zh="`image` 为 (height, width) 的灰度图；新尺寸不小于原尺寸。使用 NumPy。",
    ),
    examples=[
        "enlarge_smoothly(np.array([[0.0, 4.0]]), 1, 4) -> [[0.0, 1.0, 3.0, 4.0]]"
    ],
    topic="editing",
    level="senior",
    inputs=smooth_inputs,
    hints=[
        "Rows and columns are independent: interpolate along one, then along the "
        "other.",
        "A place y between the old pixels 2 and 3 takes 3 - y of the first and y - 2 "
        "of the second. Clip y to 0 .. old - 1 first.",
        "Weights as a matrix (new, old): np.maximum(0, 1 - np.abs(place[:, None] - "
        "np.arange(old))); then down @ image @ across.T",
    ],
)
def enlarge_smoothly(image, rows, columns):
    down = line_weights(rows, image.shape[0])
    across = line_weights(columns, image.shape[1])
    return down @ image @ across.T


@enlarge_smoothly.also_right
def smooth_pixel_by_pixel(image, rows, columns):
    height, width = image.shape
    result = np.empty((rows, columns))
    for i in range(rows):
        y = min(max((i + 0.5) * height / rows - 0.5, 0), height - 1)
        top = int(y)
        bottom = min(top + 1, height - 1)
        for j in range(columns):
            x = min(max((j + 0.5) * width / columns - 0.5, 0), width - 1)
            left = int(x)
            right = min(left + 1, width - 1)
            v, h = y - top, x - left
            result[i, j] = (1 - v) * (
                (1 - h) * image[top, left] + h * image[top, right]
            ) + v * ((1 - h) * image[bottom, left] + h * image[bottom, right])
    return result


def smooth_with_places(image, rows, columns, place):
    weights = [
        np.maximum(0, 1 - np.abs(place(new, old)[:, None] - np.arange(old)))
        for new, old in ((rows, image.shape[0]), (columns, image.shape[1]))
    ]
    return weights[0] @ image @ weights[1].T


@enlarge_smoothly.wrong(
    "The corner pixels were put on top of each other (align_corners): here the borders "
    "of the squares coincide."
)
def smooth_corners(image, rows, columns):
    def place(new, old):
        return np.linspace(0, old - 1, new)

    return smooth_with_places(image, rows, columns, place)


@enlarge_smoothly.wrong(
    "The two halves are missing: the centre of pixel i lies at i + 0.5, so the result "
    "is shifted by part of a pixel."
)
def smooth_from_the_corner(image, rows, columns):
    def place(new, old):
        return np.minimum(np.arange(new) * old / new, old - 1)

    return smooth_with_places(image, rows, columns, place)


@enlarge_smoothly.wrong("The border fades to 0: clip the places to 0 .. old - 1.")
def smooth_fades_out(image, rows, columns):
    def place(new, old):
        return (np.arange(new) + 0.5) * old / new - 0.5

    return smooth_with_places(image, rows, columns, place)


@enlarge_smoothly.wrong("This takes the nearest pixel: interpolate between neighbours.")
def smooth_nearest(image, rows, columns):
    down = np.arange(rows) * image.shape[0] // rows
    across = np.arange(columns) * image.shape[1] // columns
    return image[down][:, across]


@enlarge_smoothly.wrong("Rows and columns are exchanged.")
def smooth_swapped(image, rows, columns):
    return enlarge_smoothly(image, columns, rows)


# psnr


def psnr_inputs(rng):
    for shape, largest in (((3, 4, 4, 1), 1.0), ((2, 5, 3, 3), 255.0)):
        images = largest * rng.uniform(size=shape)
        strength = 0.1 * largest * rng.uniform(0.2, 1, size=(len(images), 1, 1, 1))
        yield {
            "images": images,
            "others": images + strength * rng.normal(size=shape),
            "largest": largest,
        }


def squared_errors(images, others):
    return np.mean((images - others) ** 2, axis=(1, 2, 3))


@problem(
    title=Text(en="Peak signal-to-noise ratio", zh="峰值信噪比（PSNR）"),
    statement=Text(
        en=(
            "Return for each pair of images the PSNR in decibels: ten times the "
            "decimal logarithm of (largest possible value squared / mean squared "
            "error of this image)."
        ),
        zh=(
            "请对每一对图像返回以分贝为单位的 PSNR：10 乘以（最大可能值的平方 / "
            "该图像的均方误差）的常用对数。"
        ),
    ),
    limits=Text(
        en=(
            "Both (batch, rows, columns, channels), never equal; `largest`: 1.0 "
            "or 255.0. Return (batch,). NumPy."
        ),
        zh=(
            "两者形状均为 (batch, rows, columns, channels)，且不完全相同；"
            "`largest` 为 1.0 或 255.0。返回 (batch,)。使用 NumPy。"
        ),
    ),
    examples=[
        "psnr(np.zeros((1, 2, 2, 1)), np.full((1, 2, 2, 1), 0.1), 1.0) -> [20.0]"
    ],
    topic="editing",
    level="junior",
    inputs=psnr_inputs,
    hints=[
        "First the mean squared error of each image, over the axes 1, 2 and 3.",
        "10 * np.log10(largest**2 / error)",
    ],
)
def psnr(images, others, largest):
    return 10 * np.log10(largest**2 / squared_errors(images, others))


@psnr.also_right
def psnr_in_decibels(images, others, largest):
    difference = (images - others).reshape(len(images), -1)
    deviation = np.linalg.norm(difference, axis=1) / difference.shape[1] ** 0.5
    return 20 * (np.log10(largest) - np.log10(deviation))


@psnr.wrong("This is half of it: with the root of the error the factor is 20.")
def psnr_half(images, others, largest):
    return 10 * np.log10(largest / np.sqrt(squared_errors(images, others)))


@psnr.wrong("The largest value must be squared, like the error.")
def psnr_not_squared(images, others, largest):
    return 10 * np.log10(largest / squared_errors(images, others))


@psnr.wrong("Decibels use the decimal logarithm, log10.")
def psnr_natural(images, others, largest):
    return 10 * np.log(largest**2 / squared_errors(images, others))


@psnr.wrong("`largest` is not used: with pixels up to 255 the result is wrong.")
def psnr_of_one(images, others, largest):
    return -10 * np.log10(squared_errors(images, others))


@psnr.wrong("Return one value for each pair, from its own error.")
def psnr_over_batch(images, others, largest):
    return 10 * np.log10(largest**2 / np.mean((images - others) ** 2))


@psnr.wrong("The errors were summed over the pixels: take their mean.")
def psnr_of_summed(images, others, largest):
    total = np.sum((images - others) ** 2, axis=(1, 2, 3))
    return 10 * np.log10(largest**2 / total)


@psnr.wrong("The sign is the other way round: a smaller error gives a larger PSNR.")
def psnr_sign(images, others, largest):
    return -psnr(images, others, largest)


# structural_similarity


def ssim_inputs(rng):
    for shape, largest in (((4, 4), 1.0), ((3, 6), 255.0)):
        image = largest * rng.uniform(size=shape)
        other = 0.7 * image + 0.3 * largest * rng.uniform(size=shape)
        yield {"image": image, "other": other, "largest": largest}
    image = rng.uniform(size=(4, 4))
    yield {"image": image, "other": 1 - image, "largest": 1.0}
    # So dark that the constants count.
    image = rng.uniform(0, 4, size=(4, 4))
    yield {"image": image, "other": 0.5 * image + 3, "largest": 255.0}


def ssim_parts(image, other, largest, free=0):
    mean_a, mean_b = image.mean(), other.mean()
    variance_a, variance_b = image.var(ddof=free), other.var(ddof=free)
    shared = np.sum((image - mean_a) * (other - mean_b)) / (image.size - free)
    c1, c2 = (0.01 * largest) ** 2, (0.03 * largest) ** 2
    return mean_a, mean_b, variance_a, variance_b, shared, c1, c2


def ssim_of(mean_a, mean_b, variance_a, variance_b, shared, c1, c2):
    light = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    return light * (2 * shared + c2) / (variance_a + variance_b + c2)


@problem(
    title=Text(en="Structural similarity in one window", zh="单窗口结构相似度（SSIM）"),
    statement=Text(
        en=(
            "SSIM (Wang et al. 2004) compares brightness, contrast and "
            "structure. Compute it with the whole image as one window: "
            "$\\frac{(2 \\mu_a \\mu_b + c_1)(2 \\sigma_{ab} + c_2)}{(\\mu_a^2 + "
            "\\mu_b^2 + c_1)(\\sigma_a^2 + \\sigma_b^2 + c_2)}$ with the means, "
            "variances and covariance over all pixels (divided by their number), "
            "$c_1 = (0.01 L)^2$, $c_2 = (0.03 L)^2$ and $L$ = `largest`."
        ),
        zh=(
            "SSIM（Wang 等，2004）比较亮度、对比度和结构。请把整张图像当作一个窗"
            "口计算：$\\frac{(2 \\mu_a \\mu_b + c_1)(2 \\sigma_{ab} + "
            "c_2)}{(\\mu_a^2 + \\mu_b^2 + c_1)(\\sigma_a^2 + \\sigma_b^2 + "
            "c_2)}$，其中均值、方差、协方差都在全部像素上计算（除以像素个数），"
            "$c_1 = (0.01 L)^2$，$c_2 = (0.03 L)^2$，$L$ 即 `largest`。"
        ),
    ),
    limits=Text(
        en=(
            "Two grey images of one shape. Return one number. (Libraries average "
            "over many small windows.) NumPy."
        ),
        zh=(
            "两幅同形的灰度图。返回一个数。（库函数会对许多小窗口取平均。）使用 NumPy。"
        ),
    ),
    examples=["structural_similarity(np.eye(2), np.eye(2), 1.0) -> 1.0"],
    topic="editing",
    level="middle",
    inputs=ssim_inputs,
    tolerance=1e-6,
    hints=[
        "Five numbers are enough: two means, two variances, one covariance.",
        "The covariance is the mean of (image - its mean) * (other - its mean).",
        "c1 and c2 depend on `largest`: (0.01 * largest)**2 and (0.03 * largest)**2",
    ],
)
def structural_similarity(image, other, largest):
    return ssim_of(*ssim_parts(image, other, largest))


@structural_similarity.also_right
def ssim_of_three_factors(image, other, largest):
    a, b = np.ravel(image) / largest, np.ravel(other) / largest
    covariance = np.cov(a, b, bias=True)
    deviation_a, deviation_b = np.sqrt(np.diag(covariance))
    both = deviation_a * deviation_b
    light = (2 * a.mean() * b.mean() + 1e-4) / (a.mean() ** 2 + b.mean() ** 2 + 1e-4)
    contrast = (2 * both + 9e-4) / (deviation_a**2 + deviation_b**2 + 9e-4)
    return light * contrast * (covariance[0, 1] + 4.5e-4) / (both + 4.5e-4)


@structural_similarity.wrong(
    "The constants ignore `largest`: with pixels up to 255 they are far too small."
)
def ssim_constants_fixed(image, other, largest):
    return ssim_of(*ssim_parts(image, other, largest)[:5], 0.01**2, 0.03**2)


@structural_similarity.wrong("The factor with the means is missing: brightness counts.")
def ssim_without_light(image, other, largest):
    *_, variance_a, variance_b, shared, _, c2 = ssim_parts(image, other, largest)
    return (2 * shared + c2) / (variance_a + variance_b + c2)


@structural_similarity.wrong(
    "The covariance was replaced by the product of the deviations: an inverted image "
    "would be a perfect match."
)
def ssim_without_structure(image, other, largest):
    a, b, variance_a, variance_b, _, c1, c2 = ssim_parts(image, other, largest)
    both = np.sqrt(variance_a * variance_b)
    return ssim_of(a, b, variance_a, variance_b, both, c1, c2)


@structural_similarity.wrong(
    "The denominator takes variances, not standard deviations."
)
def ssim_of_deviations(image, other, largest):
    a, b, variance_a, variance_b, shared, c1, c2 = ssim_parts(image, other, largest)
    return ssim_of(a, b, variance_a**0.5, variance_b**0.5, shared, c1, c2)


@structural_similarity.wrong(
    "This is the correlation: SSIM also compares brightness and contrast."
)
def ssim_of_correlation(image, other, largest):
    return np.corrcoef(np.ravel(image), np.ravel(other))[0, 1]


@structural_similarity.wrong("The constants are squares: (0.01 * largest)**2.")
def ssim_constants_not_squared(image, other, largest):
    parts = ssim_parts(image, other, largest)[:5]
    return ssim_of(*parts, 0.01 * largest, 0.03 * largest)
