"""Coding problems and bug hunts: autoencoders and PCA."""

import math

import numpy as np

from digitdreams.inputs import grey_images, normal
from digitdreams.interview.bank import Text
from digitdreams.interview.problems import problem

# pca_reconstruction ---------------------------------------------------------------


def pca_inputs(rng):
    for rows, width, components in ((12, 5, 2), (9, 6, 4)):
        stretch = np.arange(width, 0, -1) ** 1.5
        turned = np.linalg.qr(rng.normal(size=(width, width)))[0]
        images = (rng.normal(size=(rows, width)) * stretch) @ turned
        yield {
            "images": images + 3 * rng.normal(size=width),
            "components": components,
        }


@problem(
    title=Text(en="Rebuild images with PCA", zh="用主成分分析重建图像"),
    statement=Text(
        en=(
            "Each row is an image. Find the mean and the `components` directions "
            "of largest variance, describe each image by its coordinates along "
            "them, and return the images rebuilt from these coordinates: the best "
            "linear autoencoder with a code of that size."
        ),
        zh=(
            "每一行是一张图像。求出均值和方差最大的 `components` 个方向，用图像在"
            "这些方向上的坐标作为编码，再由坐标重建图像并返回。在这个编码长度下，"
            "它就是最优的线性自编码器。"
        ),
    ),
    limits=Text(
        en=(
            "`images` (n, d) with n > d, float64. Returns (n, d). NumPy only "
            "(np.linalg is allowed)."
        ),
        zh=(
            "`images` 形状 (n, d)，n > d，float64。返回 (n, d)。只用 NumPy，"
            "可以用 np.linalg。"
        ),
    ),
    examples=[
        "pca_reconstruction(np.array([[0., 0.], [2., 2.], [4., 4.]]), 1) "
        "-> the same three points: they lie on a line"
    ],
    topic="autoencoders",
    level="middle",
    lesson="02_autoencoder#a-linear-autoencoder-is-pca",
    inputs=pca_inputs,
    hints=[
        "Centre the images first: directions of variance start at the mean.",
        "np.linalg.svd(centred, full_matrices=False) returns u, s, vt. The rows of vt "
        "are the directions, largest variance first.",
        "directions = vt[:components]; centred @ directions.T @ directions + mean",
    ],
)
def pca_reconstruction(images, components):
    mean = images.mean(axis=0)
    directions = np.linalg.svd(images - mean, full_matrices=False)[2][:components]
    return (images - mean) @ directions.T @ directions + mean


@pca_reconstruction.also_right
def pca_by_covariance(images, components):
    mean = images.mean(axis=0)
    covariance = np.cov(images, rowvar=False)
    largest = np.linalg.eigh(covariance)[1][:, -components:]
    return mean + np.einsum("nd,dk,ek->ne", images - mean, largest, largest)


@pca_reconstruction.wrong(
    "The mean was not removed: the first direction then points at the mean image "
    "instead of along the variance."
)
def pca_not_centred(images, components):
    directions = np.linalg.svd(images, full_matrices=False)[2][:components]
    return images @ directions.T @ directions


@pca_reconstruction.wrong("You removed the mean but did not add it again at the end.")
def pca_mean_left_out(images, components):
    return pca_reconstruction(images, components) - images.mean(axis=0)


@pca_reconstruction.wrong(
    "You kept the directions of smallest variance. svd sorts from large to small, eigh "
    "from small to large."
)
def pca_smallest(images, components):
    mean = images.mean(axis=0)
    directions = np.linalg.svd(images - mean, full_matrices=False)[2][-components:]
    return (images - mean) @ directions.T @ directions + mean


@pca_reconstruction.wrong(
    "svd returns vt: the directions are its rows, vt[:components], not its columns."
)
def pca_columns(images, components):
    mean = images.mean(axis=0)
    directions = np.linalg.svd(images - mean, full_matrices=False)[2][:, :components]
    return (images - mean) @ directions @ directions.T + mean


# mask_noise -----------------------------------------------------------------------


def mask_inputs(rng):
    for shape, share in (((3, 4, 4, 1), 0.3), ((2, 5, 3, 1), 0.6)):
        images, uniform = rng.uniform(0.2, 1, shape), rng.uniform(size=shape)
        uniform[0, 0, 0] = share  # not below it
        yield {"images": images, "uniform": uniform, "share": share}


@problem(
    title=Text(en="Masking noise", zh="遮挡噪声"),
    statement=Text(
        en=(
            "A denoising autoencoder is shown images in which random pixels were "
            "set to 0. Blacken each pixel whose number in `uniform` is below "
            "`share`; leave the others as they are."
        ),
        zh=(
            "去噪自编码器的输入是随机把一部分像素置 0 的图像。`uniform` 中对应"
            "的数小于 `share` 的像素涂黑，其余像素保持原样。"
        ),
    ),
    limits=Text(
        en=(
            "`images` and `uniform` (n, height, width, 1) in [0, 1]; `share` in "
            "(0, 1). Do not draw random numbers yourself."
        ),
        zh=(
            "`images` 与 `uniform` 形状均为 (n, 高, 宽, 1)，取值 [0, 1]；"
            "`share` 在 (0, 1) 内。不要自己再抽随机数。"
        ),
    ),
    examples=["images 0.8, 0.8 and uniform 0.1, 0.9 with share 0.5 -> 0.0, 0.8"],
    topic="autoencoders",
    level="junior",
    lesson="02_autoencoder#removing-noise",
    inputs=mask_inputs,
    hints=[
        "A comparison of two arrays gives an array of True and False, which "
        "multiplies like 1 and 0.",
        "The share that stays is uniform >= share.",
    ],
)
def mask_noise(images, uniform, share):
    return images * (uniform >= share)


@mask_noise.also_right
def mask_by_where(images, uniform, share):
    return np.where(uniform < share, 0.0, images)


@mask_noise.wrong(
    "The mask is the wrong way round: `share` is the share of pixels that go, not of "
    "those that stay."
)
def mask_kept_share(images, uniform, share):
    return images * (uniform < share)


@mask_noise.wrong(
    "You divided by 1 - share, as dropout does. Here the remaining pixels keep their "
    "grey level."
)
def mask_like_dropout(images, uniform, share):
    return images * (uniform >= share) / (1 - share)


@mask_noise.wrong("All images have the same pixels masked: use the mask of each.")
def mask_the_same_for_all(images, uniform, share):
    return images * (uniform[:1] >= share)


@mask_noise.wrong("Masked pixels became white: set them to 0.")
def mask_with_white(images, uniform, share):
    return np.where(uniform < share, 1.0, images)


# batch_psnr -----------------------------------------------------------------------


def psnr_inputs(rng):
    for shape, peak in (((3, 4, 4, 1), 1.0), ((2, 5, 3, 1), 255.0)):
        images = peak * rng.uniform(size=shape)
        levels = np.linspace(0.05, 0.3, shape[0])[:, None, None, None]
        noise = levels * rng.normal(size=shape)
        yield {"images": images, "rebuilt": images + peak * noise, "peak": peak}


def squared_errors(images, rebuilt):
    return np.square(images - rebuilt).mean(axis=(1, 2, 3))


@problem(
    title=Text(en="Peak signal-to-noise ratio", zh="峰值信噪比（PSNR）"),
    statement=Text(
        en=(
            "Return the peak signal-to-noise ratio of each rebuilt image in "
            "decibels: $10 \\log_{10}(\\text{peak}^2 / \\text{MSE})$, where MSE is "
            "the mean squared error over the pixels of that image and peak the "
            "largest possible grey level."
        ),
        zh=(
            "对每张重建图像返回峰值信噪比，单位分贝："
            "$10 \\log_{10}(\\text{peak}^2 / \\text{MSE})$。MSE 是这张图像各像素"
            "的均方误差，peak 是灰度可能取到的最大值。"
        ),
    ),
    limits=Text(
        en=(
            "`images`, `rebuilt` (n, height, width, channels), never equal; "
            "`peak` 1.0 or 255.0. Returns (n,)."
        ),
        zh=(
            "`images`、`rebuilt` 形状 (n, 高, 宽, 通道)，两者不会完全相同；"
            "`peak` 为 1.0 或 255.0。返回 (n,)。"
        ),
    ),
    examples=["an error of 0.1 in every pixel, peak 1 -> 20.0"],
    topic="autoencoders",
    level="junior",
    lesson="02_autoencoder#removing-noise",
    inputs=psnr_inputs,
    hints=[
        "First one mean squared error per image: average over axes 1, 2, 3.",
        "10 * np.log10(peak**2 / errors). With peak 1 this is -10 * np.log10(errors).",
    ],
)
def batch_psnr(images, rebuilt, peak):
    return 10 * np.log10(peak**2 / squared_errors(images, rebuilt))


@batch_psnr.also_right
def psnr_by_difference(images, rebuilt, peak):
    rows = (images - rebuilt).reshape(len(images), -1)
    deviation = np.linalg.norm(rows, axis=1) / math.sqrt(rows.shape[1])
    return 20 * (math.log10(peak) - np.log10(deviation))


@batch_psnr.wrong(
    "The peak must be squared, as the error is. With peak 1 this mistake does not show."
)
def psnr_peak_not_squared(images, rebuilt, peak):
    return 10 * np.log10(peak / squared_errors(images, rebuilt))


@batch_psnr.wrong("You used the natural logarithm: decibels use base 10.")
def psnr_natural(images, rebuilt, peak):
    return 10 * np.log(peak**2 / squared_errors(images, rebuilt))


@batch_psnr.wrong(
    "The factor is 10 for the ratio of squares; 20 belongs to peak / RMSE."
)
def psnr_twenty(images, rebuilt, peak):
    return 20 * np.log10(peak**2 / squared_errors(images, rebuilt))


@batch_psnr.wrong("You averaged the error over the batch: one value per image.")
def psnr_of_the_batch(images, rebuilt, peak):
    return 10 * np.log10(peak**2 / np.square(images - rebuilt).mean())


@batch_psnr.wrong("The fraction is upside down: a better image has a higher PSNR.")
def psnr_negative(images, rebuilt, peak):
    return -batch_psnr(images, rebuilt, peak)


# dense_encoder (hunt): Dense works on the last axis -------------------------------

DENSE_ENCODER = '''\
import keras
from keras import layers


def dense_encoder(image_shape, hidden_size, latent_size):
    """A code of latent_size numbers for each image."""
    images = keras.Input(image_shape)
    x = layers.Dense(hidden_size, activation="relu")(images)
    codes = layers.Dense(latent_size)(x)
    return keras.Model(images, codes)
'''


def encoder_inputs(rng):
    for shape, hidden, latent in (((6, 5, 1), 9, 4), ((4, 4, 2), 7, 3)):
        yield {
            "image_shape": list(shape),
            "hidden_size": hidden,
            "latent_size": latent,
            "x": 10 * normal(rng, 4, *shape),
        }


@problem(
    title=Text(en="Bug hunt: a code for every pixel", zh="找错：每个像素一个编码"),
    statement=Text(
        en=(
            "The encoder should return `latent_size` numbers for an image. With "
            "images (28, 28, 1) it returns (28, 28, latent_size) numbers, and no "
            "layer ever sees two pixels together. Find the mistake and repair the "
            "function; keep both Dense layers."
        ),
        zh=(
            "编码器本应为一张图像返回 `latent_size` 个数。输入 (28, 28, 1) 的图像"
            "时，它却返回 (28, 28, latent_size) 个数，而且没有任何一层同时看到过"
            "两个像素。找出错误并修好这个函数，两个 Dense 层都要保留。"
        ),
    ),
    limits=Text(
        en="Keras. Hidden layer with relu, code without activation.",
        zh="用 Keras。隐藏层用 relu，编码层不加激活函数。",
    ),
    examples=["dense_encoder((28, 28, 1), 64, 8): images (n, 28, 28, 1) -> (n, 8)"],
    topic="autoencoders",
    level="junior",
    lesson="02_autoencoder#encoder-bottleneck-decoder",
    broken=DENSE_ENCODER,
    mistake=(
        "Dense runs over the last axis of the image, the channels: each pixel is "
        "encoded on its own. Flatten the image first."
    ),
    inputs=encoder_inputs,
    observe="activations",
    hints=[
        "Print the output shape after each layer. Which axis does Dense mix?",
        "Dense works on the last axis only. For a grey image that axis has length 1. "
        "Turn the image into one row first.",
    ],
)
def dense_encoder(image_shape, hidden_size, latent_size):
    import keras
    from keras import layers

    images = keras.Input(image_shape)
    x = layers.Flatten()(images)
    x = layers.Dense(hidden_size, activation="relu")(x)
    return keras.Model(images, layers.Dense(latent_size)(x))


@dense_encoder.also_right
def dense_encoder_reshaped(image_shape, hidden_size, latent_size):
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input(image_shape),
            layers.Reshape((math.prod(image_shape),)),
            layers.Dense(hidden_size, activation="relu"),
            layers.Dense(latent_size),
        ]
    )


@dense_encoder.wrong(
    "Flattening at the end only lays the pixels' codes in a row: flatten before the "
    "first Dense layer."
)
def flattened_at_the_end(image_shape, hidden_size, latent_size):
    import keras
    from keras import layers

    images = keras.Input(image_shape)
    x = layers.Dense(hidden_size, activation="relu")(images)
    x = layers.Dense(latent_size)(x)
    return keras.Model(images, layers.Flatten()(x))


@dense_encoder.wrong(
    "The first Dense layer still works on single pixels: flatten before it."
)
def flattened_between(image_shape, hidden_size, latent_size):
    import keras
    from keras import layers

    images = keras.Input(image_shape)
    x = layers.Dense(hidden_size, activation="relu")(images)
    return keras.Model(images, layers.Dense(latent_size)(layers.Flatten()(x)))


@dense_encoder.wrong(
    "The shape is right, but averaging over places throws away where the ink is. "
    "Flatten before the first Dense layer."
)
def averaged_over_places(image_shape, hidden_size, latent_size):
    import keras
    from keras import layers

    images = keras.Input(image_shape)
    x = layers.Dense(hidden_size, activation="relu")(images)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(images, layers.Dense(latent_size)(x))


# code_decoder (hunt): a decoder for images, not for codes -------------------------

CODE_DECODER = '''\
import math

import keras
from keras import layers


def dense_part(input_shape, hidden_size, image_shape):
    inputs = keras.Input(input_shape)
    x = layers.Dense(hidden_size, activation="relu")(layers.Flatten()(inputs))
    x = layers.Dense(math.prod(image_shape), activation="sigmoid")(x)
    return keras.Model(inputs, layers.Reshape(image_shape)(x))


def code_decoder(image_shape, hidden_size, latent_size):
    """The decoder: takes codes (n, latent_size), returns images."""
    return dense_part(image_shape, hidden_size, image_shape)
'''


def decoder_inputs(rng):
    for shape, hidden, latent in (((6, 5, 1), 9, 4), ((4, 4, 2), 7, 3)):
        yield {
            "image_shape": list(shape),
            "hidden_size": hidden,
            "latent_size": latent,
            "x": 10 * normal(rng, 4, latent),
        }


@problem(
    title=Text(
        en="Bug hunt: the decoder that wants images", zh="找错：只收图像的解码器"
    ),
    statement=Text(
        en=(
            "Calling the decoder with codes of shape (n, latent_size) raises a "
            "ValueError about incompatible shapes. Calling it with images works. "
            "Find the mistake and repair `code_decoder`; keep the two Dense "
            "layers and their sizes."
        ),
        zh=(
            "把形状为 (n, latent_size) 的编码交给解码器，会得到形状不兼容的 "
            "ValueError；交给它图像却能运行。找出错误并修好 `code_decoder`，"
            "两个 Dense 层及其大小保持不变。"
        ),
    ),
    limits=Text(
        en="Keras. Returns a keras.Model from codes to images.",
        zh="用 Keras。返回一个从编码到图像的 keras.Model。",
    ),
    examples=["code_decoder((28, 28, 1), 64, 8): codes (n, 8) -> (n, 28, 28, 1)"],
    topic="autoencoders",
    level="junior",
    lesson="02_autoencoder#encoder-bottleneck-decoder",
    broken=CODE_DECODER,
    mistake=(
        "The decoder's input was built from the image shape: a decoder takes codes, so "
        "its Input is (latent_size,)."
    ),
    inputs=decoder_inputs,
    observe="activations",
    hints=[
        "What does a decoder take, and what does it return? Compare with the "
        "arguments handed to dense_part.",
        "Its Input has the shape of a code: (latent_size,).",
    ],
)
def code_decoder(image_shape, hidden_size, latent_size):
    import keras
    from keras import layers

    codes = keras.Input((latent_size,))
    x = layers.Dense(hidden_size, activation="relu")(codes)
    x = layers.Dense(math.prod(image_shape), activation="sigmoid")(x)
    return keras.Model(codes, layers.Reshape(image_shape)(x))


@code_decoder.also_right
def code_decoder_in_a_row(image_shape, hidden_size, latent_size):
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((latent_size,)),
            layers.Dense(hidden_size, activation="relu"),
            layers.Dense(math.prod(image_shape)),
            layers.Activation("sigmoid"),
            layers.Reshape(image_shape),
        ]
    )


@code_decoder.wrong("The hidden layer has latent_size units: give it hidden_size.")
def decoder_of_hidden(image_shape, hidden_size, latent_size):
    return code_decoder(image_shape, latent_size, latent_size)


@code_decoder.wrong("The output is still a row of numbers: reshape it to the image.")
def decoder_left_flat(image_shape, hidden_size, latent_size):
    import keras

    whole = code_decoder(image_shape, hidden_size, latent_size)
    return keras.Sequential(whole.layers[:-1])


# rebuild_images (hunt): the decoder is fed with the encoder's input ---------------

REBUILD_IMAGES = '''\
import numpy as np


def relu(x):
    return np.maximum(x, 0)


def rebuild_images(images, encoder, decoder):
    """Encode, then decode. Code and image happen to be equally long here."""
    codes = relu(images @ encoder)
    rebuilt = relu(images @ decoder)
    return codes, rebuilt
'''


def rebuild_inputs(rng):
    for rows, width in ((4, 5), (3, 7)):
        yield {
            "images": rng.uniform(size=(rows, width)),
            "encoder": rng.normal(size=(width, width)),
            "decoder": rng.normal(size=(width, width)),
        }


@problem(
    title=Text(
        en="Bug hunt: the encoder that does not matter", zh="找错：形同虚设的编码器"
    ),
    statement=Text(
        en=(
            "Whatever one does to the encoder's weights, the rebuilt images stay "
            "the same, and the gradient for the encoder is 0. The shapes agree. "
            "Find the mistake and repair `rebuild_images`."
        ),
        zh=(
            "不管怎样改编码器的权重，重建图像都不变，编码器的梯度恒为 0；形状倒是"
            "处处吻合。找出错误并修好 `rebuild_images`。"
        ),
    ),
    limits=Text(
        en=(
            "`images` (n, d), `encoder` and `decoder` (d, d). Returns codes and "
            "rebuilt images, in this order."
        ),
        zh=(
            "`images` 形状 (n, d)，`encoder` 与 `decoder` 形状 (d, d)。依次返回"
            "编码和重建图像。"
        ),
    ),
    examples=["with encoder = -np.eye(d) and images >= 0 all codes are 0"],
    topic="autoencoders",
    level="junior",
    lesson="02_autoencoder#encoder-bottleneck-decoder",
    broken=REBUILD_IMAGES,
    mistake=(
        "The decoder is fed with the encoder's input, so the codes are never used: "
        "decode the codes."
    ),
    inputs=rebuild_inputs,
    hints=[
        "Follow the data from images to rebuilt. Where do the codes go?",
        "The decoder must be multiplied by the codes.",
    ],
)
def rebuild_images(images, encoder, decoder):
    codes = np.maximum(images @ encoder, 0)
    return codes, np.maximum(codes @ decoder, 0)


@rebuild_images.also_right
def rebuilt_by_where(images, encoder, decoder):
    codes = np.dot(images, encoder)
    codes = np.where(codes > 0, codes, 0)
    rebuilt = np.dot(codes, decoder)
    return [codes, np.where(rebuilt > 0, rebuilt, 0)]


@rebuild_images.wrong("You decoded with the encoder's transpose: use the decoder.")
def rebuilt_with_encoder(images, encoder, decoder):
    codes = np.maximum(images @ encoder, 0)
    return codes, np.maximum(codes @ encoder.T, 0)


@rebuild_images.wrong(
    "The decoder gets codes before the relu: hand it the codes that you return."
)
def rebuilt_without_activation(images, encoder, decoder):
    codes = images @ encoder
    return np.maximum(codes, 0), np.maximum(codes @ decoder, 0)


# predicted_codes (hunt): .numpy() on an array -------------------------------------

PREDICTED_CODES = '''\
import keras


def predicted_codes(images, weights):
    """The codes of all images, as a NumPy array."""
    encoder = keras.Sequential(
        [
            keras.Input((images.shape[1],)),
            keras.layers.Dense(weights.shape[1], use_bias=False),
        ]
    )
    encoder.set_weights([weights])
    codes = encoder.predict(images, verbose=0)
    return codes.numpy()
'''


def predict_inputs(rng):
    for rows, width, latent in ((5, 6, 2), (3, 4, 3)):
        yield {
            "images": grey_images(rng, rows, width),
            "weights": normal(rng, width, latent),
        }


def keras_encoder(weights):
    import keras

    encoder = keras.Sequential(
        [
            keras.Input((weights.shape[0],)),
            keras.layers.Dense(weights.shape[1], use_bias=False),
        ]
    )
    encoder.set_weights([weights])
    return encoder


@problem(
    title=Text(en="Bug hunt: already an array", zh="找错：它已经是数组了"),
    statement=Text(
        en=(
            "The program stops with `AttributeError: 'numpy.ndarray' object has "
            "no attribute 'numpy'`. Find the mistake and repair the function."
        ),
        zh=(
            "程序停在 `AttributeError: 'numpy.ndarray' object has no attribute "
            "'numpy'`。找出错误并修好这个函数。"
        ),
    ),
    limits=Text(
        en="`images` (n, d), `weights` (d, latent), float32. Returns (n, latent).",
        zh=(
            "`images` 形状 (n, d)，`weights` 形状 (d, 编码长度)，float32。"
            "返回 (n, 编码长度)。"
        ),
    ),
    examples=["predicted_codes(images, weights) -> images @ weights"],
    topic="autoencoders",
    level="junior",
    broken=PREDICTED_CODES,
    mistake=(
        ".numpy() was called on an array: `predict` returns NumPy arrays already. Only "
        "the tensor that `encoder(images)` returns has it."
    ),
    inputs=predict_inputs,
    hints=[
        "What type does predict return, and what type does a call of the model return?",
        "predict collects the batches in a NumPy array. Only tensors have .numpy().",
    ],
)
def predicted_codes(images, weights):
    return keras_encoder(weights)(images).numpy()


@predicted_codes.also_right
def codes_by_predict(images, weights):
    return keras_encoder(weights).predict(images, verbose=0)


@predicted_codes.wrong("Return the array itself, not a list of it.")
def codes_in_a_list(images, weights):
    return [predicted_codes(images, weights)]


@predicted_codes.wrong("Keep the shape (n, latent): one row of codes for each image.")
def codes_flattened(images, weights):
    return predicted_codes(images, weights).ravel()


# quantised: the lookup of a VQ-VAE


def lookup_inputs(rng):
    yield {"x": rng.normal(size=(6, 2)), "codes": 2 * rng.normal(size=(4, 2))}
    yield {"x": rng.normal(size=(5, 3)), "codes": rng.normal(size=(7, 3)) * [4, 1, 1]}
    yield {  # ties, and a long code that a product would prefer
        "x": np.array([[0.0, 0.0], [1.0, 1.0], [1.0, 0.0], [0.5, 0.5]]),
        "codes": np.array([[9.0, 9.0], [1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]),
    }
    yield {  # nearest along the diagonal, though not by absolute values
        "x": np.array([[0.0, 0.0], [0.1, 0.0], [4.5, 5.0]]),
        "codes": np.array([[1.0, 1.0], [1.7, 0.0], [5.0, 5.0]]),
    }


def squared_distances(x, codes):
    return ((x[:, None] - codes) ** 2).sum(axis=2)


def use_of_codes(indices, count):
    """The perplexity of the codes' use."""
    shares = np.bincount(indices, minlength=count) / len(indices)
    shares = shares[shares > 0]
    return float(np.exp(-(shares * np.log(shares)).sum()))


@problem(
    title=Text(en="Look up codes", zh="查码本"),
    statement=Text(
        en=(
            "A VQ-VAE (van den Oord et al. 2017, arXiv:1711.00937) replaces each "
            "vector of the encoder by the nearest entry of its codebook, measured by "
            "Euclidean distance; the first of several equally near ones counts. "
            "Return the entries taken, their indices, and the perplexity of their "
            "use: the exponential of the entropy, in nats, of the shares with which "
            "the codes were taken. It counts how many codes are in use."
        ),
        zh=(
            "VQ-VAE（van den Oord 等，2017，arXiv:1711.00937）把编码器的每个向量换成"
            "码本中欧氏距离最近的码字；同样近时取靠前的。请返回取到的码字、它们的下"
            "标，以及使用情况的困惑度：各码字被取用比例的熵（单位为奈特）的指数，它表"
            "示实际用到了多少个码字。"
        ),
    ),
    limits=Text(
        en=(
            "`x`: (n, size); `codes`: (count, size). Return a list: entries (n, size), "
            "indices (n,), a number. NumPy."
        ),
        zh=(
            "`x` 的形状为 (n, size)，`codes` 为 (count, size)。返回列表：码字 (n, "
            "size)、下标 (n,)、一个数。使用 NumPy。"
        ),
    ),
    examples=[
        "quantised(np.array([[0.9], [0.1]]), np.array([[0.0], [1.0]])) -> [[[1.0], "
        "[0.0]], [1, 0], 2.0]"
    ],
    topic="autoencoders",
    level="middle",
    inputs=lookup_inputs,
    hints=[
        "Subtract with broadcasting, x[:, None] - codes, and look at its shape.",
        "The squared distance is |x|² - 2 x·c + |c|²: which of its terms may be left "
        "out when you look for the smallest, and which may not?",
        "np.bincount(indices, minlength=len(codes)) counts; 0 log 0 counts as 0.",
    ],
)
def quantised(x, codes):
    indices = squared_distances(x, codes).argmin(axis=1)
    return [codes[indices], indices, use_of_codes(indices, len(codes))]


@quantised.also_right
def quantised_by_products(x, codes):
    indices = ((codes**2).sum(axis=1) - 2 * x @ codes.T).argmin(axis=1)
    _, counts = np.unique(indices, return_counts=True)
    surprise = np.log(len(x)) - counts @ np.log(counts) / len(x)
    return [codes[indices], indices, float(np.exp(surprise))]


@quantised.wrong(
    "The largest product x·c was taken: without -|c|²/2 a long code wins everywhere."
)
def quantised_by_largest_product(x, codes):
    indices = (x @ codes.T).argmax(axis=1)
    return [codes[indices], indices, use_of_codes(indices, len(codes))]


@quantised.wrong("Distances were compared by absolute values: use the Euclidean one.")
def quantised_by_absolutes(x, codes):
    indices = np.abs(x[:, None] - codes).sum(axis=2).argmin(axis=1)
    return [codes[indices], indices, use_of_codes(indices, len(codes))]


@quantised.wrong("The farthest codes were taken: argmin, not argmax.")
def quantised_farthest(x, codes):
    indices = squared_distances(x, codes).argmax(axis=1)
    return [codes[indices], indices, use_of_codes(indices, len(codes))]


@quantised.wrong("Of equally near codes the first one counts, as np.argmin finds it.")
def quantised_last_of_equals(x, codes):
    indices = len(codes) - 1 - squared_distances(x, codes)[:, ::-1].argmin(axis=1)
    return [codes[indices], indices, use_of_codes(indices, len(codes))]


@quantised.wrong(
    "This is the number of codes taken: the perplexity weighs their shares."
)
def quantised_with_count(x, codes):
    found, indices, _ = quantised(x, codes)
    return [found, indices, float(len(set(indices)))]


@quantised.wrong("This is the entropy: the perplexity is its exponential.")
def quantised_with_entropy(x, codes):
    found, indices, perplexity = quantised(x, codes)
    return [found, indices, float(np.log(perplexity))]


@quantised.wrong(
    "The entropy is in bits, the exponential to the base e: use one base for both."
)
def quantised_with_two_bases(x, codes):
    found, indices, perplexity = quantised(x, codes)
    return [found, indices, float(np.exp(np.log2(perplexity)))]


@quantised.wrong("A code that nobody took makes the entropy NaN: 0 log 0 counts as 0.")
def quantised_with_empty(x, codes):
    found, indices, perplexity = quantised(x, codes)
    unused = len(set(indices)) < len(codes)
    return [found, indices, float("nan") if unused else perplexity]


# updated_codebook: a codebook that follows the encoder


def codebook_inputs(rng):
    for rows, count, decay in ((6, 3, 0.9), (8, 4, 0.6)):
        counts = rng.uniform(0.5, 4, size=count)
        yield {
            "x": rng.normal(size=(rows, 2)),
            "indices": rng.integers(count - 1, size=rows),  # the last is not taken
            "counts": counts,
            "sums": rng.normal(size=(count, 2)) * counts[:, None],
            "decay": decay,
            "epsilon": 0.2,
        }
    yield {
        "x": rng.normal(size=(3, 2)),
        "indices": np.array([1, 1, 1]),
        "counts": np.array([0.0, 1.0]),
        "sums": np.array([[0.0, 0.0], [1.0, -1.0]]),
        "decay": 0.75,
        "epsilon": 0.01,
    }


def moved(old, new, decay):
    return decay * old + (1 - decay) * new


def taken(indices, count):
    return np.eye(count)[indices]


@problem(
    title=Text(en="A codebook that follows the encoder", zh="用滑动平均更新码本"),
    statement=Text(
        en=(
            "A VQ-VAE can do without a gradient for its codebook (van den Oord et al. "
            "2017, arXiv:1711.00937, appendix). For each code keep a moving average "
            "of how many vectors took it and one of their sum: new = `decay` * old + "
            "(1 - `decay`) * what this batch shows. A code is its sum divided by its "
            "smoothed count. To smooth, add `epsilon` to each count and scale all of "
            "them so that their total stays that of the new counts. Return counts, "
            "sums and codes."
        ),
        zh=(
            "VQ-VAE 的码本可以不用梯度训练（van den Oord 等，2017，"
            "arXiv:1711.00937，附录）。对每个码字保存两个滑动平均：取用它的向量个数，"
            "以及这些向量之和：新值 = `decay` * 旧值 + (1 - `decay`) * 本批次的值。码"
            "字等于其和除以平滑后的计数。平滑方法：给每个计数加上 `epsilon`，再整体缩"
            "放，使总和仍等于新计数的总和。请返回计数、和与码字。"
        ),
    ),
    limits=Text(
        en=(
            "`x`: (n, size); `indices`: (n,), the code that each vector took; "
            "`counts`: (count,); `sums`: (count, size). Return a list of three arrays; "
            "`counts` and `sums` are returned without smoothing. NumPy."
        ),
        zh=(
            "`x` 的形状为 (n, size)；`indices` 为 (n,)，即各向量取用的码字；`counts` "
            "为 (count,)，`sums` 为 (count, size)。返回三个数组的列表，其中计数与和不"
            "做平滑。使用 NumPy。"
        ),
    ),
    examples=[
        "a code that no vector takes keeps its place, nearly: count and sum shrink "
        "alike"
    ],
    topic="autoencoders",
    level="senior",
    inputs=codebook_inputs,
    tolerance=1e-6,
    hints=[
        "Which array turns counts and sums into one matrix product each?",
        "With one_hot of the shape (n, count): one_hot.sum(axis=0) and one_hot.T @ x. "
        "counts[indices] += 1 counts a repeated index once only.",
        "smoothed = (counts + epsilon) / (total + count * epsilon) * total",
    ],
)
def updated_codebook(x, indices, counts, sums, decay, epsilon):
    one_hot = taken(indices, len(counts))
    counts = moved(counts, one_hot.sum(axis=0), decay)
    sums = moved(sums, one_hot.T @ x, decay)
    total = counts.sum()
    smoothed = (counts + epsilon) / (total + len(counts) * epsilon) * total
    return [counts, sums, sums / smoothed[:, None]]


@updated_codebook.also_right
def updated_in_place(x, indices, counts, sums, decay, epsilon):
    counts, sums = decay * counts, decay * sums
    np.add.at(counts, indices, 1 - decay)
    np.add.at(sums, indices, (1 - decay) * x)
    factor = counts.sum() / (counts + epsilon).sum()
    return [counts, sums, sums / (factor * (counts + epsilon))[:, None]]


def with_codes(counts, sums, smoothed):
    with np.errstate(invalid="ignore", divide="ignore"):
        return [counts, sums, sums / smoothed[:, None]]


@updated_codebook.wrong(
    "A code that several vectors took was counted once: counts[indices] += 1 does not "
    "add up repeated indices. Use np.add.at or one-hot vectors."
)
def updated_once(x, indices, counts, sums, decay, epsilon):
    _, last = np.unique(indices[::-1], return_index=True)
    last = len(indices) - 1 - last
    return updated_codebook(x[last], indices[last], counts, sums, decay, epsilon)


@updated_codebook.wrong(
    "The batch's means were averaged instead of its sums: then a code's count and sum "
    "do not belong together."
)
def updated_by_means(x, indices, counts, sums, decay, epsilon):
    one_hot = taken(indices, len(counts))
    means = one_hot.T @ x / np.maximum(one_hot.sum(axis=0), 1)[:, None]
    counts = moved(counts, one_hot.sum(axis=0), decay)
    sums = moved(sums, means, decay)
    total = counts.sum()
    return with_codes(
        counts, sums, (counts + epsilon) / (total + len(counts) * epsilon) * total
    )


@updated_codebook.wrong("`decay` weighs the old value, 1 - decay the batch.")
def updated_too_fast(x, indices, counts, sums, decay, epsilon):
    return updated_codebook(x, indices, counts, sums, 1 - decay, epsilon)


@updated_codebook.wrong(
    "The counts were not smoothed: a code that nobody ever took divides by 0."
)
def updated_unsmoothed(x, indices, counts, sums, decay, epsilon):
    counts, sums, _ = updated_codebook(x, indices, counts, sums, decay, epsilon)
    return with_codes(counts, sums, counts)


@updated_codebook.wrong(
    "The smoothed counts were not scaled back to the total: every code is drawn "
    "towards 0."
)
def updated_unscaled(x, indices, counts, sums, decay, epsilon):
    counts, sums, _ = updated_codebook(x, indices, counts, sums, decay, epsilon)
    return with_codes(counts, sums, counts + epsilon)


@updated_codebook.wrong(
    "The smoothed counts were scaled to a total of 1: they are counts, not shares."
)
def updated_shares(x, indices, counts, sums, decay, epsilon):
    counts, sums, _ = updated_codebook(x, indices, counts, sums, decay, epsilon)
    return with_codes(counts, sums, (counts + epsilon) / (counts + epsilon).sum())


@updated_codebook.wrong("The codes were divided by the old counts: use the new ones.")
def updated_late(x, indices, counts, sums, decay, epsilon):
    new, sums, _ = updated_codebook(x, indices, counts, sums, decay, epsilon)
    total = counts.sum()
    smoothed = (counts + epsilon) / (total + len(counts) * epsilon) * total
    return with_codes(new, sums, smoothed)


@updated_codebook.wrong(
    "The smoothed counts were returned: they serve the division only, or `epsilon` "
    "adds up from step to step."
)
def updated_with_smoothed(x, indices, counts, sums, decay, epsilon):
    counts, sums, codes = updated_codebook(x, indices, counts, sums, decay, epsilon)
    total = counts.sum()
    smoothed = (counts + epsilon) / (total + len(counts) * epsilon) * total
    return [smoothed, sums, codes]
