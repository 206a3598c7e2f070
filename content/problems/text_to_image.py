"""Coding problems and bug hunts on drawing images from text."""

import numpy as np
from scipy.special import expit

from digitdreams.inputs import grey_images
from digitdreams.interview.bank import Text
from digitdreams.interview.problems import compiled, problem


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def softmax(scores, axis=-1):
    weights = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return weights / weights.sum(axis=axis, keepdims=True)


# drop_captions: what classifier-free guidance needs in training


def drop_inputs(rng):
    for batch, rate in ((8, 0.3), (6, 0.5)):
        draws = rng.uniform(size=batch)
        draws[:3] = rate / 2, rate + (1 - rate) / 2, rate
        yield {
            "texts": rng.normal(size=(batch, 3)),
            "empty": rng.normal(size=3),
            "draws": draws,
            "rate": rate,
        }
    yield {
        "texts": rng.normal(size=(3, 2, 4)),
        "empty": rng.normal(size=(2, 4)),
        "draws": np.array([0.0, 0.05, 0.9]),
        "rate": 0.1,
    }


@problem(
    title=Text(en="Drop captions for guidance", zh="为引导随机丢弃文本条件"),
    statement=Text(
        en=(
            "For classifier-free guidance a model must also learn to draw "
            "without a text. During training, replace the text embedding of some "
            "examples by the embedding of the empty text: example i is replaced "
            "when `draws[i] < rate`, where the draws are uniform in [0, 1)."
        ),
        zh=(
            "使用无分类器引导的模型还必须学会在没有文本时作画。训练时，把部分样本"
            "的文本嵌入换成空文本的嵌入：当 `draws[i] < rate` 时替换第 i 个样本，"
            "其中 draws 为 [0, 1) 上的均匀随机数。"
        ),
    ),
    limits=Text(
        en=(
            "`texts`: (batch, ...), one vector or one matrix each; `empty`: the "
            "shape of one text; `draws`: (batch,). Do not change `texts` in "
            "place. NumPy."
        ),
        zh=(
            "`texts` 的形状为 (batch, ...)，每条文本是一个向量或矩阵；`empty` 与"
            "单条文本同形；`draws` 为 (batch,)。不要原地修改 `texts`。使用 "
            "NumPy。"
        ),
    ),
    examples=[
        "drop_captions(np.array([[1.0], [2.0]]), np.array([9.0]), np.array([0.5, "
        "0.05]), 0.1) -> [[1.0], [9.0]]"
    ],
    topic="text_to_image",
    level="junior",
    inputs=drop_inputs,
    hints=[
        "np.where chooses between two arrays; the condition needs as many axes as "
        "`texts`.",
        "np.where((draws < rate).reshape(-1, 1, ...), empty, texts)",
    ],
)
def drop_captions(texts, empty, draws, rate):
    dropped = (draws < rate).reshape(-1, *[1] * (texts.ndim - 1))
    return np.where(dropped, empty, texts)


@drop_captions.also_right
def drop_one_by_one(texts, empty, draws, rate):
    return np.stack(
        [
            empty if draw < rate else text
            for text, draw in zip(texts, draws, strict=True)
        ]
    )


@drop_captions.wrong(
    "The text was replaced by zeros: the empty text has an embedding of its own, and "
    "sampling will use that one."
)
def drop_to_zero(texts, empty, draws, rate):
    return drop_captions(texts, np.zeros_like(empty), draws, rate)


@drop_captions.wrong(
    "The condition is the other way round: replace where draws < rate."
)
def drop_the_others(texts, empty, draws, rate):
    dropped = (draws >= rate).reshape(-1, *[1] * (texts.ndim - 1))
    return np.where(dropped, empty, texts)


@drop_captions.wrong(
    "The kept texts were scaled up, as dropout does: leave them as they are."
)
def drop_like_dropout(texts, empty, draws, rate):
    return drop_captions(texts / (1 - rate), empty, draws, rate)


@drop_captions.wrong("Texts are replaced as a whole, not mixed with the empty one.")
def drop_mixed(texts, empty, draws, rate):
    return (1 - rate) * texts + rate * empty


@drop_captions.wrong(
    "Examples were thrown away: the batch keeps its size, only their texts are "
    "replaced."
)
def drop_rows(texts, empty, draws, rate):
    return texts[draws >= rate]


# match_score: does the image match the text?


def match_inputs(rng):
    for pairs, width in ((6, 3), (4, 5)):
        yield {
            "images": 2 * rng.normal(size=(pairs, width)),
            "texts": rng.normal(size=(pairs, width)),
        }
    ready = rng.normal(size=(3, 4))
    yield {"images": ready, "texts": np.array([[2.0], [-1.0], [0.5]]) * ready}


@problem(
    title=Text(en="Does the image match the text?", zh="图像与文本是否匹配"),
    statement=Text(
        en=(
            "CLIPScore (Hessel et al. 2021, arXiv:2104.08718) of an image and "
            "its caption is `2.5 * max(cosine, 0)`, with the cosine of the angle "
            "between their two embeddings. Row i of `images` belongs to row i of "
            "`texts`. Return one score for each pair."
        ),
        zh=(
            "图像与其描述的 CLIPScore（Hessel 等，2021，arXiv:2104.08718）为 "
            "`2.5 * max(cosine, 0)`，其中 cosine 是两者嵌入夹角的余弦。`images` "
            "的第 i 行与 `texts` 的第 i 行对应。请为每一对返回一个分数。"
        ),
    ),
    limits=Text(
        en="Both (pairs, width), of any length. Return (pairs,). NumPy.",
        zh="两者形状均为 (pairs, width)，向量长度任意。返回 (pairs,)。使用 NumPy。",
    ),
    examples=[
        "match_score(np.array([[2.0, 0.0], [1.0, 0.0]]), np.array([[3.0, 4.0], "
        "[-1.0, 0.0]])) -> [1.5, 0.0]"
    ],
    topic="text_to_image",
    level="junior",
    inputs=match_inputs,
    hints=[
        "Row against row: multiply elementwise and add up, no matrix product.",
        "Scale both to length 1 along the last axis, then 2.5 * np.maximum(cosine, 0).",
    ],
)
def match_score(images, texts):
    cosine = np.sum(unit(images) * unit(texts), axis=1)
    return 2.5 * np.maximum(cosine, 0)


@match_score.also_right
def match_by_einsum(images, texts):
    lengths = np.sum(images**2, axis=1) * np.sum(texts**2, axis=1)
    cosine = np.einsum("ij,ij->i", images, texts) / lengths**0.5
    return np.where(cosine > 0, 2.5 * cosine, 0.0)


@match_score.wrong("Negative cosines must give the score 0.")
def match_may_be_negative(images, texts):
    return 2.5 * np.sum(unit(images) * unit(texts), axis=1)


@match_score.wrong("Dot products depend on the lengths: divide by both lengths.")
def match_of_lengths(images, texts):
    return 2.5 * np.maximum(np.sum(images * texts, axis=1), 0)


@match_score.wrong("The factor 2.5 is missing.")
def match_without_factor(images, texts):
    return match_score(images, texts) / 2.5


@match_score.wrong("You compared every image with every text: row i belongs to row i.")
def match_of_all(images, texts):
    return 2.5 * np.maximum(unit(images) @ unit(texts).T, 0)


@match_score.wrong("Return one score for each pair.")
def match_averaged(images, texts):
    return match_score(images, texts).mean()


@match_score.wrong("A negative cosine is no match: it gives 0, not its absolute value.")
def match_absolute(images, texts):
    return 2.5 * np.abs(np.sum(unit(images) * unit(texts), axis=1))


# attend_to_text: cross-attention from pixels to tokens


def cross_inputs(rng):
    for places, tokens, real in ((4, 3, 2), (6, 5, 4)):
        yield {
            "image": rng.normal(size=(places, 4)),
            "text": rng.normal(size=(tokens, 3)),
            "real": (np.arange(tokens) < real).astype(int),
            "to_query": rng.normal(size=(4, 2)),
            "to_key": rng.normal(size=(3, 2)),
            "to_value": rng.normal(size=(3, 4)),
        }


def cross_weights(image, text, real, to_query, to_key):
    scores = image @ to_query @ (text @ to_key).T / np.sqrt(to_key.shape[1])
    return softmax(np.where(real == 1, scores, -np.inf))


@problem(
    title=Text(en="Cross-attention to the text", zh="图像对文本的交叉注意力"),
    statement=Text(
        en=(
            "In a text-to-image network every place of the image looks at the "
            "tokens of the text: queries come from the image, keys and values "
            "from the text, scores are divided by the root of the query's "
            "length, padded tokens (`real` is 0) get no weight, and the result "
            "is added to the image (residual connection). Return the new image "
            "features."
        ),
        zh=(
            "在文生图网络中，图像的每个位置都去查看文本词元：查询来自图像，键和值"
            "来自文本，分数除以查询维度的平方根，填充词元（`real` 为 0）不得分到"
            "权重，结果再加回图像特征（残差连接）。请返回新的图像特征。"
        ),
    ),
    limits=Text(
        en=(
            "`image`: (places, a); `text`: (tokens, b); `real`: (tokens,); "
            "`to_query`: (a, d); `to_key`: (b, d); `to_value`: (b, a). One head. "
            "NumPy."
        ),
        zh=(
            "`image` 的形状为 (places, a)，`text` 为 (tokens, b)，`real` 为 "
            "(tokens,)，`to_query` 为 (a, d)，`to_key` 为 (b, d)，`to_value` 为 "
            "(b, a)。单头。使用 NumPy。"
        ),
    ),
    examples=[
        "attend_to_text(np.array([[1.0]]), np.array([[2.0], [4.0], [9.0]]), "
        "np.array([1, 1, 0]), np.zeros((1, 1)), np.ones((1, 1)), np.ones((1, "
        "1))) -> [[4.0]]"
    ],
    topic="text_to_image",
    level="middle",
    inputs=cross_inputs,
    hints=[
        "The table of scores has one row for each place and one column for each "
        "token. Over which axis does the softmax run?",
        "scores = (image @ to_query) @ (text @ to_key).T / np.sqrt(d); set the "
        "columns of padded tokens to -inf.",
        "image + softmax(scores) @ (text @ to_value)",
    ],
)
def attend_to_text(image, text, real, to_query, to_key, to_value):
    weights = cross_weights(image, text, real, to_query, to_key)
    return image + weights @ (text @ to_value)


@attend_to_text.also_right
def cross_one_by_one(image, text, real, to_query, to_key, to_value):
    tokens = text[real == 1]
    keys, values = tokens @ to_key, tokens @ to_value
    rows = []
    for place in image:
        powers = np.exp(keys @ (place @ to_query) / len(to_key[0]) ** 0.5)
        rows.append(place + powers @ values / powers.sum())
    return np.array(rows)


@attend_to_text.wrong("The padded tokens take part: `real` is not used.")
def cross_with_padding(image, text, real, to_query, to_key, to_value):
    return attend_to_text(image, text, np.ones_like(real), to_query, to_key, to_value)


@attend_to_text.wrong("The image is gone: add the result to the image's features.")
def cross_replaces_image(image, text, real, to_query, to_key, to_value):
    return attend_to_text(image, text, real, to_query, to_key, to_value) - image


@attend_to_text.wrong(
    "The softmax runs over the places: each place divides its attention among the "
    "tokens."
)
def cross_over_places(image, text, real, to_query, to_key, to_value):
    scores = image @ to_query @ (text @ to_key).T / np.sqrt(to_key.shape[1])
    return image + softmax(scores, axis=0) * real @ (text @ to_value)


@attend_to_text.wrong("The scores are not divided by sqrt(d).")
def cross_unscaled(image, text, real, to_query, to_key, to_value):
    longer = to_query * np.sqrt(to_key.shape[1])
    return attend_to_text(image, text, real, longer, to_key, to_value)


@attend_to_text.wrong(
    "Divide by the root of the query's length d, not of the image's width."
)
def cross_scaled_by_image(image, text, real, to_query, to_key, to_value):
    longer = to_query * np.sqrt(to_key.shape[1] / image.shape[1])
    return attend_to_text(image, text, real, longer, to_key, to_value)


# modulate: the text sets scale and shift of every channel


def modulate_inputs(rng):
    for shape in ((2, 3, 3, 4), (3, 2, 5, 2)):
        yield {
            "features": rng.normal(size=shape),
            "text": rng.normal(size=(shape[0], 3)),
            "weights": rng.normal(size=(3, 2 * shape[-1])),
            "bias": rng.normal(size=2 * shape[-1]),
        }


def modulation(text, weights, bias):
    scale, shift = np.split(text @ weights + bias, 2, axis=-1)
    return scale[:, None, None], shift[:, None, None]


@problem(
    title=Text(en="The text scales and shifts channels", zh="由文本缩放和平移特征通道"),
    statement=Text(
        en=(
            "Feature-wise modulation (FiLM, Perez et al. 2018, arXiv:1709.07871) "
            "lets a text steer a convolutional network: a linear layer turns the "
            "text into one scale and one shift for every channel (first all "
            "scales, then all shifts). Return `(1 + scale) * features + shift`, "
            "so that a layer of zeros changes nothing."
        ),
        zh=(
            "特征级线性调制（FiLM，Perez 等，2018，arXiv:1709.07871）让文本控制卷"
            "积网络：线性层把文本变成每个通道的一个缩放量和一个平移量（先是全部缩"
            "放量，后是全部平移量）。请返回 `(1 + scale) * features + shift`，这"
            "样当线性层全为零时特征不变。"
        ),
    ),
    limits=Text(
        en=(
            "`features`: (batch, rows, columns, channels); `text`: (batch, "
            "width); `weights`: (width, 2 * channels); `bias`: (2 * channels,). "
            "NumPy."
        ),
        zh=(
            "`features` 的形状为 (batch, rows, columns, channels)，`text` 为 "
            "(batch, width)，`weights` 为 (width, 2 * channels)，`bias` 为 (2 * "
            "channels,)。使用 NumPy。"
        ),
    ),
    examples=[
        "modulate(np.ones((1, 1, 1, 1)), np.array([[2.0]]), np.array([[0.5, "
        "0.0]]), np.array([0.0, 3.0])) -> [[[[5.0]]]]"
    ],
    topic="text_to_image",
    level="middle",
    inputs=modulate_inputs,
    hints=[
        "text @ weights + bias has the shape (batch, 2 * channels): cut it in two "
        "halves.",
        "Scale and shift must become (batch, 1, 1, channels) to meet the features: "
        "scale[:, None, None].",
    ],
)
def modulate(features, text, weights, bias):
    scale, shift = modulation(text, weights, bias)
    return (1 + scale) * features + shift


@modulate.also_right
def modulate_by_einsum(features, text, weights, bias):
    channels = features.shape[-1]
    both = np.einsum("bt,tc->bc", text, weights) + bias
    scaled = np.einsum("bhwc,bc->bhwc", features, 1 + both[:, :channels])
    return scaled + both[:, channels:].reshape(-1, 1, 1, channels)


@modulate.wrong("The 1 is missing: with scale 0 the features would vanish.")
def modulate_without_one(features, text, weights, bias):
    scale, shift = modulation(text, weights, bias)
    return scale * features + shift


@modulate.wrong("Scale and shift are exchanged: the scales are the first half.")
def modulate_swapped(features, text, weights, bias):
    shift, scale = modulation(text, weights, bias)
    return (1 + scale) * features + shift


@modulate.wrong("The numbers do not alternate: first all scales, then all shifts.")
def modulate_interleaved(features, text, weights, bias):
    both = (text @ weights + bias)[:, None, None]
    return (1 + both[..., ::2]) * features + both[..., 1::2]


@modulate.wrong("The scale is not used.")
def modulate_only_shift(features, text, weights, bias):
    return features + modulation(text, weights, bias)[1]


@modulate.wrong("Every image got the first text: each has its own.")
def modulate_first_text(features, text, weights, bias):
    return modulate(features, np.repeat(text[:1], len(text), axis=0), weights, bias)


# image_from_text (bug hunt): an unconditional sampler called text-to-image

IMAGE_FROM_TEXT = '''\
"""Draw an image for a text with a small generator."""

import numpy as np

WORDS = ["zero", "one", "two", "three", "thick", "thin"]


def encode(text):
    """How often each known word stands in the text."""
    words = text.lower().split()
    return np.array([words.count(word) for word in WORDS], float)


def generate(code, weights):
    """One layer: from a code to a square of pixels in [0, 1]."""
    pixels = 1 / (1 + np.exp(-code @ weights))
    side = round(len(pixels) ** 0.5)
    return pixels.reshape(side, side)


def image_from_text(text, noise, weights):
    """Draw an image that belongs to the text.

    weights: array (len(WORDS) + len(noise), pixels); a code holds the text's
    numbers first and then the noise.
    """
    empty = np.zeros(len(WORDS))
    return generate(np.concatenate([empty, noise]), weights)
'''
IMAGE_FROM_TEXT_REPAIRED = IMAGE_FROM_TEXT.replace(
    "    empty = np.zeros(len(WORDS))\n", ""
).replace("[empty, noise]", "[encode(text), noise]")
KNOWN = ["zero", "one", "two", "three", "thick", "thin"]


def from_text_inputs(rng):
    for text in ("a thick three", "Thin one beside thick one", "something else"):
        yield {
            "text": text,
            "noise": rng.normal(size=6),
            "weights": rng.normal(size=(12, 16)),
        }


def counts_of(text):
    return np.array([text.lower().split().count(word) for word in KNOWN])


image_from_text = problem(
    title=Text(en="Bug hunt: any text, the same image", zh="找错：换了文本，图像不变"),
    statement=Text(
        en=(
            "The program promises an image for a text. With the same noise, "
            "every text gives the same image; the images look fine. Find the "
            "mistake and repair `image_from_text`."
        ),
        zh=(
            "这段程序声称能按文本作画。噪声相同时，无论给什么文本得到的图像都一"
            "样，而图像本身看起来没有问题。请找出错误并修好 `image_from_text`。"
        ),
    ),
    limits=Text(
        en=(
            "The code holds the text's numbers first and then the noise. Keep "
            "`encode` and `generate`."
        ),
        zh="编码向量先放文本的数值，再放噪声。保留 `encode` 与 `generate`。",
    ),
    examples=[
        'image_from_text("one", np.array([0.0]), np.log(3) * np.array([[0.0], '
        "[1.0], [0.0], [0.0], [0.0], [0.0], [9.0]])) -> [[0.75]]"
    ],
    topic="text_to_image",
    level="junior",
    broken=IMAGE_FROM_TEXT,
    mistake=(
        "This is an unconditional sampler: the text never reaches the generator. "
        "Encode it and put it in front of the noise."
    ),
    inputs=from_text_inputs,
    hints=[
        "Follow the argument `text` through the function. Where does it go?",
        "np.concatenate([encode(text), noise])",
    ],
)(compiled(IMAGE_FROM_TEXT_REPAIRED, "image_from_text"))


@image_from_text.also_right
def from_text_in_two_parts(text, noise, weights):
    logits = counts_of(text) @ weights[:6] + noise @ weights[6:]
    return expit(logits).reshape(4, 4)


@image_from_text.wrong("Now the noise is not used: a text would have one single image.")
def from_text_without_noise(text, noise, weights):
    return from_text_in_two_parts(text, 0 * noise, weights)


@image_from_text.wrong(
    "The noise stands in front: the generator's first rows belong to the text."
)
def from_text_noise_first(text, noise, weights):
    return from_text_in_two_parts(text, noise, np.roll(weights, 6, axis=0))


@image_from_text.wrong("Words are counted: one that stands twice gives 2.")
def from_text_present_or_not(text, noise, weights):
    words = " ".join(set(text.lower().split()))
    return from_text_in_two_parts(words, noise, weights)


@image_from_text.wrong(
    "The text was added to the noise: it has its own places in the code."
)
def from_text_mixed(text, noise, weights):
    code = np.concatenate([np.zeros(6), noise + counts_of(text)])
    return expit(code @ weights).reshape(4, 4)


# picture_of_text (bug hunt): hidden states taken for an image

PICTURE_OF_TEXT = '''\
"""Draw a picture of a text: a language model reads, a decoder draws."""

import numpy as np


def hidden_states(text, table):
    """A tiny language model: a state is the mean of all letters up to its own.

    table: array (letters, width); returns an array (len(text), width).
    """
    letters = table[[ord(letter) % len(table) for letter in text]]
    return np.cumsum(letters, axis=0) / np.arange(1, len(text) + 1)[:, None]


def decode(code, decoder):
    """From a code (width,) to a square of pixels in [0, 1]."""
    pixels = 1 / (1 + np.exp(-code @ decoder))
    side = round(len(pixels) ** 0.5)
    return pixels.reshape(side, side)


def picture_of_text(text, table, decoder):
    """Return the picture that belongs to the text's last hidden state.

    decoder: array (width, pixels).
    """
    states = hidden_states(text, table)
    low, high = states.min(), states.max()
    return (states - low) / (high - low)
'''
PICTURE_OF_TEXT_REPAIRED = PICTURE_OF_TEXT.replace(
    """    low, high = states.min(), states.max()
    return (states - low) / (high - low)
""",
    "    return decode(states[-1], decoder)\n",
)


def picture_inputs(rng):
    for text in ("thick seven", "one", "four"):
        yield {
            "text": text,
            "table": rng.normal(size=(13, 4)),
            "decoder": 2 * rng.normal(size=(4, 16)),
        }


picture_of_text = problem(
    title=Text(
        en="Bug hunt: a picture as tall as its text", zh="找错：图像高度随文本变化"
    ),
    statement=Text(
        en=(
            "The program is to draw a text. The longer the text, the more rows "
            "the picture has, its width is always that of the language model, "
            "and its stripes look like no digit. Find the mistake and repair "
            "`picture_of_text`."
        ),
        zh=(
            "这段程序要把文本画成图像。文本越长，图像的行数越多，宽度总等于语言模"
            "型的隐藏维度，条纹状的画面不像任何数字。请找出错误并修好 "
            "`picture_of_text`。"
        ),
    ),
    limits=Text(
        en=(
            "`table`: (letters, width); `decoder`: (width, pixels), pixels is a "
            "square number. Return a square image in [0, 1]. Keep the other two "
            "functions."
        ),
        zh=(
            "`table` 的形状为 (letters, width)，`decoder` 为 (width, pixels)，"
            "pixels 是平方数。返回取值在 [0, 1] 的正方形图像。保留另外两个函数。"
        ),
    ),
    examples=[
        'picture_of_text("ab", np.array([[0.0], [2.0]]), np.log(3) * np.ones((1, '
        "4))) -> [[0.75, 0.75], [0.75, 0.75]]"
    ],
    topic="text_to_image",
    level="middle",
    broken=PICTURE_OF_TEXT,
    mistake=(
        "Hidden states are taken for an image: they have one row for each token and no "
        "pixels. A decoder must draw the picture from the last state."
    ),
    inputs=picture_inputs,
    hints=[
        "What do the rows and columns of `states` stand for? Are they rows and "
        "columns of an image?",
        "One function of the program is never called.",
        "decode(states[-1], decoder)",
    ],
)(compiled(PICTURE_OF_TEXT_REPAIRED, "picture_of_text"))


@picture_of_text.also_right
def picture_by_mean(text, table, decoder):
    code = np.mean([table[ord(letter) % len(table)] for letter in text], axis=0)
    return expit(code @ decoder).reshape(4, 4)


def states_of(text, table):
    letters = table[[ord(letter) % len(table) for letter in text]]
    return np.cumsum(letters, axis=0) / np.arange(1, len(text) + 1)[:, None]


@picture_of_text.wrong("The first state has seen one letter only: decode the last.")
def picture_of_first_state(text, table, decoder):
    return expit(states_of(text, table)[0] @ decoder).reshape(4, 4)


@picture_of_text.wrong(
    "Every state was decoded: one picture belongs to the text, that of the last state."
)
def picture_of_all_states(text, table, decoder):
    return expit(states_of(text, table) @ decoder).reshape(-1, 4, 4)


@picture_of_text.wrong(
    "The mean of all states was decoded: take the last one, as the description says."
)
def picture_of_mean_state(text, table, decoder):
    return expit(states_of(text, table).mean(axis=0) @ decoder).reshape(4, 4)


@picture_of_text.wrong(
    "The size is right now, the content is still made of hidden states: call decode."
)
def picture_stretched(text, table, decoder):
    states = states_of(text, table)
    grey = (states - states.min()) / (states.max() - states.min())
    return np.resize(grey, (4, 4))


# draw_caption (bug hunt): there is no decoder

DRAW_CAPTION = '''\
"""Draw a caption: the encoder makes a code, the decoder makes pixels of it."""

import numpy as np


def encode(caption, words, table):
    """The mean of the vectors of the known words; at least one is known."""
    rows = [words.index(word) for word in caption.split() if word in words]
    return table[rows].mean(axis=0)


def draw_caption(caption, words, table, decoder):
    """Return an image of 4 x 4 pixels in [0, 1].

    table: array (words, 16); decoder: array (16, 16) from code to logits, whose
    sigmoid is the image.
    """
    code = encode(caption, words, table)
    low, high = code.min(), code.max()
    pixels = (code - low) / (high - low)
    return pixels.reshape(4, 4)
'''
DRAW_CAPTION_REPAIRED = DRAW_CAPTION.replace(
    """    low, high = code.min(), code.max()
    pixels = (code - low) / (high - low)
""",
    "    pixels = 1 / (1 + np.exp(-code @ decoder))\n",
)


def caption_inputs(rng):
    words = ["a", "thin", "thick", "two", "five"]
    for caption in ("a thick two", "five", "a thin purple five"):
        yield {
            "caption": caption,
            "words": words,
            "table": rng.normal(size=(5, 16)),
            "decoder": rng.normal(size=(16, 16)),
        }


def caption_code(caption, words, table):
    counts = np.array([caption.split().count(word) for word in words])
    return counts @ table / counts.sum()


draw_caption = problem(
    title=Text(
        en="Bug hunt: a decoder that cannot learn", zh="找错：怎么训练都没用的解码器"
    ),
    statement=Text(
        en=(
            "Images have the right size and the right range, but they never "
            "improve: whatever numbers the decoder holds, the image stays the "
            "same. Find the mistake and repair `draw_caption`."
        ),
        zh=(
            "图像的尺寸和取值范围都正确，却始终没有改进：无论解码器的参数是多少，"
            "画出的图像都不变。请找出错误并修好 `draw_caption`。"
        ),
    ),
    limits=Text(
        en=(
            "`words`: list; `table`: (words, 16); `decoder`: (16, 16). Return "
            "(4, 4) in [0, 1]."
        ),
        zh=(
            "`words` 为列表；`table` 的形状为 (words, 16)；`decoder` 为 (16, "
            "16)。返回取值在 [0, 1] 的 (4, 4) 图像。"
        ),
    ),
    examples=[
        'draw_caption("two", ["two"], np.ones((1, 16)), np.zeros((16, 16))) -> '
        "np.full((4, 4), 0.5)"
    ],
    topic="text_to_image",
    level="junior",
    broken=DRAW_CAPTION,
    mistake=(
        "There is no decoder at all: the code itself was stretched to grey levels. "
        "Pixels are the sigmoid of code @ decoder."
    ),
    inputs=caption_inputs,
    hints=[
        "Which argument is never used?",
        "The code is a description, not pixels: logits = code @ decoder, and the "
        "image is their sigmoid.",
    ],
)(compiled(DRAW_CAPTION_REPAIRED, "draw_caption"))


@draw_caption.also_right
def draw_by_tanh(caption, words, table, decoder):
    logits = caption_code(caption, words, table) @ decoder
    return ((np.tanh(logits / 2) + 1) / 2).reshape(4, 4)


@draw_caption.wrong("These are logits: apply the sigmoid.")
def draw_logits(caption, words, table, decoder):
    return (caption_code(caption, words, table) @ decoder).reshape(4, 4)


@draw_caption.wrong("The sigmoid was added, but the decoder is still not used.")
def draw_sigmoid_of_code(caption, words, table, decoder):
    return expit(caption_code(caption, words, table)).reshape(4, 4)


@draw_caption.wrong(
    "The decoder was multiplied from the left: it goes from rows (code) to columns "
    "(pixels)."
)
def draw_transposed_decoder(caption, words, table, decoder):
    return expit(decoder @ caption_code(caption, words, table)).reshape(4, 4)


@draw_caption.wrong(
    "The decoder's output was stretched to [0, 1]: every image would have a black and "
    "a white pixel. Apply the sigmoid."
)
def draw_stretched(caption, words, table, decoder):
    logits = caption_code(caption, words, table) @ decoder
    grey = (logits - logits.min()) / (logits.max() - logits.min())
    return grey.reshape(4, 4)


# for_saving (bug hunt): three axes of a four-axis array are transposed

FOR_SAVING = '''\
"""Prepare generated images for an image file."""

import numpy as np


def for_saving(images):
    """Turn (n, channels, rows, columns) in [-1, 1] into bytes from 0 to 255.

    Files want the channels last: the result is (n, rows, columns, channels), uint8.
    """
    images = np.clip((images + 1) / 2, 0, 1)
    images = images.transpose(0, 2, 3)
    return np.round(255 * images).astype("uint8")
'''
FOR_SAVING_REPAIRED = FOR_SAVING.replace("(0, 2, 3)", "(0, 2, 3, 1)")


def saving_inputs(rng):
    for shape in ((2, 3, 4, 5), (1, 1, 6, 6), (3, 3, 3, 3)):
        yield {"images": rng.uniform(-1.1, 1.1, size=shape)}


def as_bytes(images):
    return np.round(255 * np.clip((images + 1) / 2, 0, 1)).astype("uint8")


for_saving = problem(
    title=Text(en="Bug hunt: images that cannot be saved", zh="找错：存不下来的图像"),
    statement=Text(
        en=(
            "The generator's images are to be saved. The program stops with "
            "`axes don't match array`. Find the mistake and repair `for_saving`."
        ),
        zh=(
            "要把生成器的图像保存成文件，程序却报错 `axes don't match array`。请"
            "找出错误并修好 `for_saving`。"
        ),
    ),
    limits=Text(
        en=(
            "`images`: (n, channels, rows, columns); return (n, rows, columns, "
            "channels), uint8, rounded."
        ),
        zh=(
            "`images` 的形状为 (n, channels, rows, columns)；返回 (n, rows, "
            "columns, channels)，类型为 uint8，四舍五入。"
        ),
    ),
    examples=[
        "for_saving(np.array([[[[-1.0, 1.0]], [[1.0, -1.0]]]])) -> [[[[0, 255], "
        "[255, 0]]]]"
    ],
    topic="text_to_image",
    level="junior",
    broken=FOR_SAVING,
    mistake=(
        "Three axes of a four-axis array are transposed: name all four, channels last, "
        "(0, 2, 3, 1)."
    ),
    inputs=saving_inputs,
    same_dtype=True,
    hints=[
        "How many axes does the array have, and how many does transpose name?",
        "A transpose names every axis once: rows, columns, then the channels.",
    ],
)(compiled(FOR_SAVING_REPAIRED, "for_saving"))


@for_saving.also_right
def saving_by_moveaxis(images):
    return np.moveaxis(as_bytes(images), 1, -1)


@for_saving.wrong(
    "Rows and columns are exchanged: the images are mirrored at the diagonal. Use (0, "
    "2, 3, 1)."
)
def saving_mirrored(images):
    return as_bytes(images).transpose(0, 3, 2, 1)


@for_saving.wrong("A reshape changes the shape and scrambles the pixels: transpose.")
def saving_reshaped(images):
    count, channels, rows, columns = images.shape
    return as_bytes(images).reshape(count, rows, columns, channels)


@for_saving.wrong("The channels still stand in front of rows and columns.")
def saving_channels_first(images):
    return as_bytes(images)


@for_saving.wrong(
    "The other channels were thrown away to lose an axis: all of them must stay, last."
)
def saving_first_channel(images):
    return as_bytes(images)[:, 0]


# halve_images (bug hunt): arrays in another framework's order of axes

HALVE_IMAGES = '''\
"""Halve images that come from a PyTorch data loader, with Keras."""

import numpy as np


def halve_images(images):
    """Average squares of 2 x 2 pixels.

    images: (n, channels, rows, columns), rows and columns even; returns
    (n, rows / 2, columns / 2, channels), the order of axes that Keras uses.
    """
    from keras import ops  # here, because loading Keras takes a while

    images = np.asarray(images, "float32")
    return ops.average_pool(images, 2, data_format="channels_last")
'''
HALVE_IMAGES_REPAIRED = HALVE_IMAGES.replace(
    '"float32")\n', ('"float32").transpose(0, 2, 3, 1)\n')
)


def halve_inputs(rng):
    for shape in ((2, 3, 4, 6), (1, 4, 4, 4)):
        yield {"images": grey_images(rng, *shape)}


halve_images = problem(
    title=Text(en="Bug hunt: another framework's axes", zh="找错：另一个框架的轴顺序"),
    statement=Text(
        en=(
            "Images from a PyTorch data loader are halved with Keras. Three "
            "colour channels and 4 x 6 pixels go in; 1 x 2 pixels with 6 "
            "channels come out, and no error is raised. Find the mistake and "
            "repair `halve_images`."
        ),
        zh=(
            "用 Keras 把 PyTorch 数据加载器送来的图像缩小一半。输入为 3 个颜色通"
            "道、4 × 6 像素，输出却成了 1 × 2 像素、6 个通道，而且没有任何报错。"
            "请找出错误并修好 `halve_images`。"
        ),
    ),
    limits=Text(
        en=(
            "`images`: (n, channels, rows, columns), rows and columns even; "
            "return (n, rows / 2, columns / 2, channels). Keras or NumPy."
        ),
        zh=(
            "`images` 的形状为 (n, channels, rows, columns)，行数与列数为偶数；返"
            "回 (n, rows / 2, columns / 2, channels)。使用 Keras 或 NumPy。"
        ),
    ),
    examples=["halve_images(np.array([[[[1.0, 2.0], [3.0, 6.0]]]])) -> [[[[3.0]]]]"],
    topic="text_to_image",
    level="middle",
    broken=HALVE_IMAGES,
    mistake=(
        "The array is in another framework's order: Keras took the channels for rows "
        "and averaged over colours. Bring the channels last first."
    ),
    inputs=halve_inputs,
    hints=[
        "PyTorch stores images as (n, channels, rows, columns), Keras with TensorFlow "
        "as (n, rows, columns, channels).",
        "images.transpose(0, 2, 3, 1) before the pooling",
    ],
)(compiled(HALVE_IMAGES_REPAIRED, "halve_images"))


@halve_images.also_right
def halve_by_reshape(images):
    count, channels, rows, columns = images.shape
    squares = images.reshape(count, channels, rows // 2, 2, columns // 2, 2)
    return squares.mean(axis=(3, 5)).transpose(0, 2, 3, 1)


@halve_images.wrong("The pooling is right, but the channels still come first.")
def halve_channels_first(images):
    return np.moveaxis(halve_by_reshape(images), -1, 1)


@halve_images.wrong("A reshape does not move axes, it scrambles the pixels: transpose.")
def halve_scrambled(images):
    count, channels, rows, columns = images.shape
    scrambled = images.reshape(count, rows, columns, channels)
    return halve_by_reshape(np.moveaxis(scrambled, -1, 1))


@halve_images.wrong("Rows and columns are exchanged: use (0, 2, 3, 1).")
def halve_mirrored(images):
    return halve_by_reshape(images).transpose(0, 2, 1, 3)


@halve_images.wrong("Every second pixel was taken: average squares of 2 x 2.")
def halve_not_averaged(images):
    return np.moveaxis(images[:, :, ::2, ::2], 1, -1)


# joint_attention: text and image in one attention


def joint_inputs(rng):
    for n, words, patches, width, heads, lengths in (
        (2, 3, 4, 4, 2, [3, 1]),
        (1, 2, 3, 6, 3, [2]),
        (3, 4, 2, 2, 1, [4, 2, 0]),
    ):
        yield {
            "text": rng.normal(size=(n, words, width)),
            "image": rng.normal(size=(n, patches, width)),
            "text_weights": rng.normal(size=(3, width, width)),
            "image_weights": rng.normal(size=(3, width, width)),
            "lengths": np.array(lengths),
            "heads": heads,
        }


def in_heads(x, heads):
    return x.reshape(*x.shape[:2], heads, -1).transpose(0, 2, 1, 3)


def out_of_heads(x):
    n, heads, tokens, size = x.shape
    return x.transpose(0, 2, 1, 3).reshape(n, tokens, heads * size)


def attended(queries, keys, values, visible, heads, scale=None):
    """Attention of heads; `visible` (n, keys) says which keys are no padding."""
    queries, keys, values = (in_heads(one, heads) for one in (queries, keys, values))
    scores = queries @ keys.swapaxes(2, 3) / np.sqrt(scale or queries.shape[3])
    scores = np.where(visible[:, None, None], scores, -np.inf)
    weights = np.exp(scores - scores.max(axis=3, keepdims=True))
    return out_of_heads(weights / weights.sum(axis=3, keepdims=True) @ values)


def both_visible(text, image, lengths):
    words = np.arange(text.shape[1]) < lengths[:, None]
    return np.concatenate([words, np.ones(image.shape[:2], bool)], axis=1)


def joined(text, image, text_weights, image_weights):
    """Queries, keys and values of both, text first."""
    return [
        np.concatenate([text @ one, image @ other], axis=1)
        for one, other in zip(text_weights, image_weights, strict=True)
    ]


@problem(
    title=Text(en="Joint attention of text and image", zh="文本与图像的联合注意力"),
    statement=Text(
        en=(
            "In the MMDiT of Stable Diffusion 3 (Esser et al. 2024, arXiv:2403.03206) "
            "text and image have weights of their own, yet attend to each other in "
            "one attention. Compute queries, keys and values of each stream with its "
            "own weights, join them along the tokens, text first, and apply scaled "
            "dot-product attention with several heads, without a causal mask. Text "
            "beyond an example's length is padding: nothing attends to it. Return the "
            "outputs of text and image apart."
        ),
        zh=(
            "在 Stable Diffusion 3 的 MMDiT（Esser 等，2024，arXiv:2403.03206）中，"
            "文本和图像各有自己的权重，却在同一个注意力中相互关注。请用各自的权重算出"
            "两路的 query、key 和 value，沿词元轴拼接（文本在前），做多头缩放点积注意"
            "力，不用因果掩码。超出样本长度的文本是填充，任何词元都不关注它。请分别返"
            "回文本和图像的输出。"
        ),
    ),
    limits=Text(
        en=(
            "`text`: (n, words, width); `image`: (n, patches, width); both weights: "
            "(3, width, width), for queries, keys and values as `x @ weights[i]`; "
            "`lengths`: (n,), perhaps 0; a head takes neighbouring features. Return a "
            "list of two arrays; what stands at padding counts as well. NumPy."
        ),
        zh=(
            "`text` 的形状为 (n, words, width)，`image` 为 (n, patches, width)；两组权"
            "重均为 (3, width, width)，依次用于 query、key、value，即 `x @ "
            "weights[i]`；`lengths` 为 (n,)，可能为 0；每个头取相邻的特征。返回两个数"
            "组的列表，填充位置的输出也会比较。使用 NumPy。"
        ),
    ),
    examples=[
        "all queries 0 -> each token gets the mean of the values that are no padding"
    ],
    topic="text_to_image",
    level="senior",
    inputs=joint_inputs,
    tolerance=1e-6,
    hints=[
        "After joining, this is ordinary attention: what remains is the mask of the "
        "keys and cutting the output apart again.",
        "Heads: reshape to (n, tokens, heads, size), then transpose to (n, heads, "
        "tokens, size). The scale is the square root of the size of a head.",
        "np.where(visible[:, None, None, :], scores, -np.inf) before the softmax over "
        "the keys.",
    ],
)
def joint_attention(text, image, text_weights, image_weights, lengths, heads):
    together = joined(text, image, text_weights, image_weights)
    found = attended(*together, both_visible(text, image, lengths), heads)
    return [found[:, : text.shape[1]], found[:, text.shape[1] :]]


@joint_attention.also_right
def joint_one_by_one(text, image, text_weights, image_weights, lengths, heads):
    words, width = text.shape[1:]
    size = width // heads
    found = np.empty((len(text), words + image.shape[1], width))
    for row, length in enumerate(lengths):
        q, k, v = (
            np.vstack([text[row] @ one, image[row] @ other])
            for one, other in zip(text_weights, image_weights, strict=True)
        )
        there = np.r_[0:length, words : len(k)]
        for start in range(0, width, size):
            part = slice(start, start + size)
            scores = q[:, part] @ k[there, part].T / size**0.5
            shares = np.exp(scores - np.logaddexp.reduce(scores, axis=1)[:, None])
            found[row, :, part] = shares @ v[there, part]
    return [found[:, :words], found[:, words:]]


@joint_attention.wrong(
    "Both streams use the text's weights: each has its own, they live in different "
    "spaces."
)
def joint_with_shared_weights(text, image, text_weights, image_weights, lengths, heads):
    return joint_attention(text, image, text_weights, text_weights, lengths, heads)


@joint_attention.wrong("The padding is attended to: mask the keys beyond `lengths`.")
def joint_with_padding(text, image, text_weights, image_weights, lengths, heads):
    full = np.full(len(text), text.shape[1])
    return joint_attention(text, image, text_weights, image_weights, full, heads)


@joint_attention.wrong(
    "Each stream attends to itself only: join keys and values of both."
)
def joint_apart(text, image, text_weights, image_weights, lengths, heads):
    words = np.arange(text.shape[1]) < np.maximum(lengths, 1)[:, None]
    everything = np.ones(image.shape[:2], bool)
    return [
        attended(*(text @ one for one in text_weights), words, heads),
        attended(*(image @ one for one in image_weights), everything, heads),
    ]


@joint_attention.wrong(
    "The text attends to the text only, as with cross-attention: in joint attention it "
    "sees the image, too."
)
def joint_one_way(text, image, text_weights, image_weights, lengths, heads):
    alone, _ = joint_apart(text, image, text_weights, image_weights, lengths, heads)
    _, found = joint_attention(text, image, text_weights, image_weights, lengths, heads)
    return [alone, found]


@joint_attention.wrong(
    "The image attends to the text only: in joint attention it sees itself, too."
)
def joint_crosswise(text, image, text_weights, image_weights, lengths, heads):
    together = joint_attention(text, image, text_weights, image_weights, lengths, heads)
    _, keys, values = (text @ one for one in text_weights)
    words = np.arange(text.shape[1]) < np.maximum(lengths, 1)[:, None]
    found = attended(image @ image_weights[0], keys, values, words, heads)
    return [together[0], found]


@joint_attention.wrong(
    "The scores were divided by the square root of the whole width: take the size of "
    "one head."
)
def joint_scaled_by_width(text, image, text_weights, image_weights, lengths, heads):
    together = joined(text, image, text_weights, image_weights)
    visible = both_visible(text, image, lengths)
    found = attended(*together, visible, heads, scale=text.shape[2])
    return [found[:, : text.shape[1]], found[:, text.shape[1] :]]


@joint_attention.wrong(
    "The scores were not divided by the square root of a head's size."
)
def joint_unscaled(text, image, text_weights, image_weights, lengths, heads):
    together = joined(text, image, text_weights, image_weights)
    found = attended(*together, both_visible(text, image, lengths), heads, scale=1)
    return [found[:, : text.shape[1]], found[:, text.shape[1] :]]


@joint_attention.wrong("There is one head only: cut the features into `heads` of them.")
def joint_with_one_head(text, image, text_weights, image_weights, lengths, heads):
    return joint_attention(text, image, text_weights, image_weights, lengths, 1)


@joint_attention.wrong(
    "A head takes features at intervals: a head's features are neighbours."
)
def joint_with_spread_heads(text, image, text_weights, image_weights, lengths, heads):
    width = text.shape[2]
    order = np.arange(width).reshape(-1, heads).T.ravel()  # features head by head
    found = joint_attention(
        text,
        image,
        text_weights[:, :, order],
        image_weights[:, :, order],
        lengths,
        heads,
    )
    return [one[:, :, np.argsort(order)] for one in found]


@joint_attention.wrong(
    "The padded words' values were set to 0, but their keys still take weight: mask "
    "the scores before the softmax."
)
def joint_with_zeroed_values(text, image, text_weights, image_weights, lengths, heads):
    queries, keys, values = joined(text, image, text_weights, image_weights)
    visible = both_visible(text, image, lengths)
    values = values * visible[:, :, None]
    found = attended(queries, keys, values, np.ones_like(visible), heads)
    return [found[:, : text.shape[1]], found[:, text.shape[1] :]]
