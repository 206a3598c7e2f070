"""Coding problems and bug hunts on text encoders and image-text embedding."""

from collections import Counter
from itertools import pairwise

import numpy as np
from scipy.linalg import orthogonal_procrustes
from scipy.special import log_softmax

from digitdreams.interview.bank import Text
from digitdreams.interview.problems import compiled, problem


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def softmax(scores, axis=-1):
    weights = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return weights / weights.sum(axis=axis, keepdims=True)


# contrastive_loss: the symmetric InfoNCE loss


def contrastive_inputs(rng):
    for pairs, width, temperature in ((4, 3, 0.5), (6, 5, 0.1), (3, 2, 2.0)):
        yield {
            "images": 3 * rng.normal(size=(pairs, width)),
            "texts": 2 * rng.normal(size=(pairs, width)),
            "temperature": temperature,
        }


def cosines(images, texts):
    return unit(images) @ unit(texts).T


@problem(
    title=Text(en="The symmetric InfoNCE loss", zh="对称 InfoNCE 损失"),
    statement=Text(
        en=(
            "CLIP (Radford et al. 2021, arXiv:2103.00020) learns from pairs: "
            "image i belongs to text i, all other texts of the batch are wrong "
            "for it, and the other way round. Scores are cosines divided by the "
            "temperature. Return the mean of two cross-entropies: the right text "
            "among all texts for each image, and the right image among all "
            "images for each text, each averaged over the batch, in nats."
        ),
        zh=(
            "CLIP（Radford 等，2021，arXiv:2103.00020）用图文对学习：图像 i 与文"
            "本 i 配对，同一批次里的其余文本对它都是负样本，反之亦然。分数为余弦"
            "相似度除以温度。请返回两个交叉熵的均值：对每张图像在所有文本中选出正"
            "确文本，以及对每条文本在所有图像中选出正确图像；各自对批次取平均，单"
            "位为奈特。"
        ),
    ),
    limits=Text(
        en=(
            "`images` and `texts`: (pairs, width), of any length; `temperature` "
            "> 0. Return one number. NumPy, SciPy."
        ),
        zh=(
            "`images` 与 `texts` 的形状为 (pairs, width)，向量长度任意；"
            "`temperature` > 0。返回一个数。使用 NumPy、SciPy。"
        ),
    ),
    examples=["contrastive_loss(np.eye(2), np.eye(2), 1.0) -> 0.313262"],
    topic="text_encoders",
    level="middle",
    inputs=contrastive_inputs,
    hints=[
        "Scale every vector to length 1, then one matrix product gives all cosines. "
        "Where do the right pairs lie?",
        "The right answers lie on the diagonal: take a log-softmax over the rows and "
        "one over the columns.",
        "-(mean of diag(log_softmax(s, axis=1)) + mean of diag(log_softmax(s, "
        "axis=0))) / 2",
    ],
)
def contrastive_loss(images, texts, temperature):
    scores = cosines(images, texts) / temperature
    by_image = np.diag(log_softmax(scores, axis=1))
    by_text = np.diag(log_softmax(scores, axis=0))
    return -(by_image.mean() + by_text.mean()) / 2


@contrastive_loss.also_right
def contrastive_by_loop(images, texts, temperature):
    scores = cosines(images, texts) / temperature
    total = 0.0
    for i in range(len(scores)):
        for line in (scores[i], scores[:, i]):
            total += np.log(np.exp(line - line[i]).sum())
    return total / (2 * len(scores))


@contrastive_loss.wrong(
    "Only the images choose among texts: add the other direction, texts that choose "
    "among images."
)
def contrastive_one_way(images, texts, temperature):
    scores = cosines(images, texts) / temperature
    return -np.diag(log_softmax(scores, axis=1)).mean()


@contrastive_loss.wrong("Only the texts choose among images: add the other direction.")
def contrastive_other_way(images, texts, temperature):
    return contrastive_one_way(texts, images, temperature)


@contrastive_loss.wrong(
    "The vectors were not scaled to length 1: scores are cosines, not dot products."
)
def contrastive_not_normalised(images, texts, temperature):
    scores = images @ texts.T / temperature
    log_both = log_softmax(scores, axis=1) + log_softmax(scores, axis=0)
    return -np.diag(log_both).mean() / 2


@contrastive_loss.wrong("The cosines were multiplied by the temperature: divide.")
def contrastive_multiplied(images, texts, temperature):
    return contrastive_loss(images, texts, 1 / temperature)


@contrastive_loss.wrong("The two directions were added: take their mean.")
def contrastive_added(images, texts, temperature):
    return 2 * contrastive_loss(images, texts, temperature)


@contrastive_loss.wrong("You summed over the batch: take the mean.")
def contrastive_of_batch(images, texts, temperature):
    return len(images) * contrastive_loss(images, texts, temperature)


@contrastive_loss.wrong(
    "The softmax ran over the whole matrix: each row and each column is a choice of "
    "its own."
)
def contrastive_over_everything(images, texts, temperature):
    scores = cosines(images, texts) / temperature
    return np.log(np.exp(scores).sum()) - np.diag(scores).mean()


@contrastive_loss.wrong(
    "Only the right pairs count here: without the wrong ones, all embeddings collapse "
    "into one point."
)
def contrastive_only_matches(images, texts, temperature):
    return -np.diag(cosines(images, texts)).mean() / temperature


# mean_pooling


def pooling_inputs(rng):
    for lengths in ([3, 1, 4], [2, 5]):
        longest = max(lengths) + 1
        yield {
            "states": rng.normal(size=(len(lengths), longest, 3)),
            "real": (np.arange(longest) < np.array(lengths)[:, None]).astype(int),
        }


@problem(
    title=Text(en="Mean pooling without the padding", zh="忽略填充的平均池化"),
    statement=Text(
        en=(
            "A text encoder returned one state for each token. Average the "
            "states of the real tokens of each sentence; `real` is 1 at real "
            "tokens and 0 at padding."
        ),
        zh=(
            "文本编码器为每个词元输出一个隐藏状态。请对每个句子的真实词元的状态取"
            "平均；`real` 在真实词元处为 1，在填充处为 0。"
        ),
    ),
    limits=Text(
        en=(
            "`states`: (batch, time, width); `real`: (batch, time); at least one "
            "real token in each sentence. NumPy."
        ),
        zh=(
            "`states` 的形状为 (batch, time, width)；`real` 为 (batch, time)；每"
            "句至少有一个真实词元。使用 NumPy。"
        ),
    ),
    examples=[
        "mean_pooling(np.array([[[1.0], [3.0], [9.0]]]), np.array([[1, 1, 0]])) "
        "-> [[2.0]]"
    ],
    topic="text_encoders",
    level="junior",
    inputs=pooling_inputs,
    hints=[
        "Two numbers decide: the sum over the real tokens and how many there are.",
        "np.sum(states * real[:, :, None], axis=1) / np.sum(real, axis=1, "
        "keepdims=True)",
    ],
)
def mean_pooling(states, real):
    total = np.sum(states * real[:, :, None], axis=1)
    return total / np.sum(real, axis=1, keepdims=True)


@mean_pooling.also_right
def pooling_one_by_one(states, real):
    pairs = zip(states, real, strict=True)
    return np.stack([one[mask == 1].mean(axis=0) for one, mask in pairs])


@mean_pooling.wrong("The padding takes part: `real` is not used.")
def pooling_with_padding(states, real):
    return states.mean(axis=1)


@mean_pooling.wrong(
    "The sum leaves out the padding but you divided by the longest length: divide by "
    "the number of real tokens."
)
def pooling_by_longest(states, real):
    return np.mean(states * real[:, :, None], axis=1)


@mean_pooling.wrong("This is the first token's state: average over all real tokens.")
def pooling_first(states, real):
    return states[:, 0]


@mean_pooling.wrong("This is the last token's state: average over all real tokens.")
def pooling_last_real(states, real):
    return states[np.arange(len(states)), real.sum(axis=1) - 1]


@mean_pooling.wrong("This is the sum: divide by the number of real tokens.")
def pooling_sum(states, real):
    return np.sum(states * real[:, :, None], axis=1)


@mean_pooling.wrong(
    "You averaged over the batch as well: each sentence keeps its own vector."
)
def pooling_over_batch(states, real):
    return np.sum(states * real[:, :, None], axis=(0, 1)) / real.sum()


# recall_at


def recall_inputs(rng):
    for size, k in ((30, 1), (30, 3), (25, 5)):
        similarities = rng.normal(size=(size, size)) + np.eye(size)
        yield {"similarities": similarities + rng.normal(size=size), "k": k}


@problem(
    title=Text(en="Recall at k", zh="召回率 Recall@k"),
    statement=Text(
        en=(
            "Entry `[i, j]` of `similarities` says how well text j fits image i; "
            "text i is the right one. For every image, rank all texts. Return "
            "the share of images whose right text is among the `k` best."
        ),
        zh=(
            "`similarities` 的元素 `[i, j]` 表示文本 j 与图像 i 的匹配程度，文本 "
            "i 为正确文本。对每张图像给所有文本排序，返回正确文本排进前 `k` 名的"
            "图像所占比例。"
        ),
    ),
    limits=Text(
        en=(
            "`similarities`: (n, n), no two equal values in a row; 1 <= k <= n. "
            "Return one number. NumPy."
        ),
        zh=(
            "`similarities` 的形状为 (n, n)，同一行中没有相等的值；1 <= k <= n。"
            "返回一个数。使用 NumPy。"
        ),
    ),
    examples=["recall_at(np.array([[3.0, 1.0], [5.0, 4.0]]), 1) -> 0.5"],
    topic="text_encoders",
    level="junior",
    inputs=recall_inputs,
    hints=[
        "How many texts beat the right one? Compare each row with its diagonal entry.",
        "np.mean(np.sum(similarities > np.diag(similarities)[:, None], axis=1) < k)",
    ],
)
def recall_at(similarities, k):
    right = np.diag(similarities)[:, None]
    return np.mean(np.sum(similarities > right, axis=1) < k)


@recall_at.also_right
def recall_by_sorting(similarities, k):
    best = np.argsort(-similarities, axis=1)[:, :k]
    return np.any(best == np.arange(len(best))[:, None], axis=1).mean()


@recall_at.wrong(
    "You ranked the images for each text: rank the texts for each image (along the "
    "rows)."
)
def recall_of_texts(similarities, k):
    return recall_at(similarities.T, k)


@recall_at.wrong(
    "One place too many: the right text may have at most k - 1 better ones."
)
def recall_one_more(similarities, k):
    return recall_at(similarities, k + 1)


@recall_at.wrong(
    "You divided by k, which gives precision at k: recall counts an image as found or "
    "not found."
)
def recall_divided(similarities, k):
    return recall_at(similarities, k) / k


@recall_at.wrong("You ranked upwards: the best text has the largest similarity.")
def recall_of_worst(similarities, k):
    return recall_at(-similarities, k)


@recall_at.wrong("This is a number of images: return their share.")
def recall_counted(similarities, k):
    return len(similarities) * recall_at(similarities, k)


# best_pair: the next merge of byte-pair encoding


def pair_inputs(rng):
    times = int(rng.integers(1, 5))
    yield {
        "words": [list("low"), list("lower"), list("new"), list("wide")],
        "counts": [5 * times, 2 * times, 6 * times, 3 * times],
    }
    yield {
        "words": [list("abc"), list("abd"), list("xy")],
        "counts": [times, times, 10 * times],
    }
    yield {"words": [list("go"), list("nanana")], "counts": [5 * times, 2 * times]}
    yield {"words": [list("th"), list("an"), ["th", "e"]], "counts": 3 * [times]}
    yield {"words": [["th", "e"], ["i", "n"]], "counts": [5 * times, 4 * times]}
    yield {"words": [["p", "o", "p"], list("op"), list("po")], "counts": [2, 5, 4]}
    yield {"words": [list("aaa"), list("bc")], "counts": [2 * times, 3 * times]}
    yield {"words": [["a", "bc"], ["ab", "b"]], "counts": 2 * [times]}


def pair_counts(words, counts):
    found = Counter()
    for word, count in zip(words, counts, strict=True):
        for pair in pairwise(word):
            found[pair] += count
    return found


@problem(
    title=Text(en="Byte-pair encoding: the best merge", zh="BPE：选出下一个合并对"),
    statement=Text(
        en=(
            "Byte-pair encoding (Sennrich et al. 2016, arXiv:1508.07909) begins "
            "with single characters and merges the most frequent pair of "
            "neighbours again and again. `words[i]` is a list of symbols that "
            "occurs `counts[i]` times in the corpus. Return the pair to merge "
            "next, `[left, right]`. Every place where the pair stands counts. Of "
            "equally frequent pairs take the first in alphabetical order (by "
            "left, then right)."
        ),
        zh=(
            "BPE（Sennrich 等，2016，arXiv:1508.07909）从单个字符开始，反复合并出"
            "现最频繁的相邻符号对。`words[i]` 是一个符号列表，在语料中出现 "
            "`counts[i]` 次。请返回下一个要合并的符号对 `[left, right]`。一个词里"
            "该符号对出现几处就计几次。频次相同时取字典序最小者（先比左边，再比右"
            "边）。"
        ),
    ),
    limits=Text(
        en="At most 10,000 words; at least one pair exists. Python.",
        zh="词数不超过 10000；至少存在一个符号对。使用 Python。",
    ),
    examples=['best_pair([["t", "h", "e"], ["t", "h"]], [3, 2]) -> ["t", "h"]'],
    topic="text_encoders",
    level="middle",
    inputs=pair_inputs,
    hints=[
        "Count pairs in a dictionary whose keys are tuples. How much does one place "
        "in word i add?",
        "zip(word, word[1:]) gives the neighbours; each adds counts[i].",
        "min(found, key=lambda pair: (-found[pair], pair))",
    ],
)
def best_pair(words, counts):
    found = pair_counts(words, counts)
    return list(min(found, key=lambda pair: (-found[pair], pair)))


@best_pair.also_right
def best_pair_by_sorting(words, counts):
    found = {}
    for word, count in zip(words, counts, strict=True):
        for i in range(len(word) - 1):
            key = word[i], word[i + 1]
            found[key] = found.get(key, 0) + count
    most = max(found.values())
    return sorted([*key] for key, value in found.items() if value == most)[0]


@best_pair.wrong("`counts` is not used: a pair in a frequent word counts more.")
def pair_without_counts(words, counts):
    return best_pair(words, [1] * len(words))


@best_pair.wrong("A pair that stands several times in a word counts several times.")
def pair_once_for_each_word(words, counts):
    found = Counter()
    for word, count in zip(words, counts, strict=True):
        for pair in set(pairwise(word)):
            found[pair] += count
    return list(min(found, key=lambda pair: (-found[pair], pair)))


@best_pair.wrong(
    "Of equally frequent pairs the one seen first was taken: take the first in "
    "alphabetical order."
)
def pair_first_seen(words, counts):
    return list(pair_counts(words, counts).most_common(1)[0][0])


@best_pair.wrong("Of equally frequent pairs you took the last in alphabetical order.")
def pair_last_in_alphabet(words, counts):
    found = pair_counts(words, counts)
    return list(max(found, key=lambda pair: (found[pair], pair)))


@best_pair.wrong(
    "Of equally frequent pairs you took the first by the joined text: compare the left "
    "symbols, then the right ones."
)
def pair_first_by_joined_text(words, counts):
    found = pair_counts(words, counts)
    return list(min(found, key=lambda pair: (-found[pair], "".join(pair))))


@best_pair.wrong(
    "Places that overlap were counted once: `aaa` holds the pair of two `a` twice."
)
def pair_without_overlaps(words, counts):
    found = Counter()
    for word, count in zip(words, counts, strict=True):
        place = 0
        while place < len(word) - 1:
            pair = word[place], word[place + 1]
            found[pair] += count
            same = pair[0] == pair[1] == word[min(place + 2, len(word) - 1)]
            place += 2 if same else 1
    return list(min(found, key=lambda pair: (-found[pair], pair)))


@best_pair.wrong(
    "Return the two symbols as a list, not joined: the joined text does not say where "
    "it was cut."
)
def pair_joined(words, counts):
    return "".join(best_pair(words, counts))


@best_pair.wrong("You counted letters: symbols that were merged before are one piece.")
def pair_of_letters(words, counts):
    found = Counter()
    for word, count in zip(words, counts, strict=True):
        letters = "".join(word)
        for pair in pairwise(letters):
            found[pair] += count
    return list(min(found, key=lambda pair: (-found[pair], pair)))


# skip_gram_pairs


def skip_gram_inputs(rng):
    words = ["a", "bright", "seven", "beside", "dark", "one"]
    for size, window in ((5, 1), (7, 2)):
        tokens = [words[i] for i in rng.integers(0, len(words), size=size)]
        tokens[2] = tokens[1]
        yield {"tokens": tokens, "window": window}
    yield {"tokens": ["three", "four"], "window": 3}


@problem(
    title=Text(en="Skip-gram pairs", zh="Skip-gram 训练样本对"),
    statement=Text(
        en=(
            "Word2Vec's skip-gram (Mikolov et al. 2013, arXiv:1301.3781) "
            "predicts the neighbours of a word. List all pairs `[centre, "
            "neighbour]` where the neighbour stands at most `window` places "
            "away, on both sides. Order: by the place of the centre, then by the "
            "place of the neighbour."
        ),
        zh=(
            "Word2Vec 的 skip-gram（Mikolov 等，2013，arXiv:1301.3781）用中心词预"
            "测邻词。请列出所有样本对 `[centre, neighbour]`，邻词位于中心词左右两"
            "侧且距离不超过 `window`。先按中心词位置排序，再按邻词位置排序。"
        ),
    ),
    limits=Text(
        en=(
            "`tokens`: list of words, repetitions allowed; `window` at least 1. "
            "The window is fixed (no random shortening). Python."
        ),
        zh=(
            "`tokens` 为词的列表，可以有重复；`window` 不小于 1。窗口大小固定（不"
            "做随机缩小）。使用 Python。"
        ),
    ),
    examples=[
        'skip_gram_pairs(["a", "b", "c"], 1) -> [["a", "b"], ["b", "a"], ["b", '
        '"c"], ["c", "b"]]'
    ],
    topic="text_encoders",
    level="junior",
    inputs=skip_gram_inputs,
    hints=[
        "Two loops over places, not over words: the same word may stand at two places.",
        "range(max(0, i - window), min(len(tokens), i + window + 1)) and leave out i "
        "itself",
    ],
)
def skip_gram_pairs(tokens, window):
    pairs = []
    for i, centre in enumerate(tokens):
        for j in range(max(0, i - window), min(len(tokens), i + window + 1)):
            if j != i:
                pairs.append([centre, tokens[j]])
    return pairs


@skip_gram_pairs.also_right
def skip_gram_by_distance(tokens, window):
    places = range(len(tokens))
    return [
        [tokens[i], tokens[j]]
        for i in places
        for j in places
        if 0 < abs(i - j) <= window
    ]


@skip_gram_pairs.wrong("A place is not its own neighbour: leave out j == i.")
def skip_gram_with_itself(tokens, window):
    places = range(len(tokens))
    return [
        [tokens[i], tokens[j]] for i in places for j in places if abs(i - j) <= window
    ]


@skip_gram_pairs.wrong("Neighbours on the left are missing.")
def skip_gram_only_right(tokens, window):
    places = range(len(tokens))
    return [
        [tokens[i], tokens[j]] for i in places for j in places if 0 < j - i <= window
    ]


@skip_gram_pairs.wrong("The window is one too small: the end of range is not included.")
def skip_gram_one_short(tokens, window):
    return skip_gram_by_distance(tokens, window - 1)


@skip_gram_pairs.wrong(
    "You compared words instead of places: the same word may stand at two neighbouring "
    "places."
)
def skip_gram_compares_words(tokens, window):
    return [pair for pair in skip_gram_by_distance(tokens, window) if len({*pair}) > 1]


@skip_gram_pairs.wrong(
    "At the ends the window went round to the other side: cut it there."
)
def skip_gram_wraps(tokens, window):
    pairs = []
    for i, centre in enumerate(tokens):
        for step in range(-window, window + 1):
            if step:
                pairs.append([centre, tokens[(i + step) % len(tokens)]])
    return pairs


@skip_gram_pairs.wrong("The order inside the pairs is reversed: centre first.")
def skip_gram_reversed(tokens, window):
    return [pair[::-1] for pair in skip_gram_by_distance(tokens, window)]


# zero_shot: P(class | image) from class names


def zero_shot_inputs(rng):
    for images, classes, templates in ((3, 4, 2), (2, 3, 3)):
        yield {
            "images": 2 * rng.normal(size=(images, 5)),
            "prompts": rng.normal(size=(classes, templates, 5))
            * rng.uniform(0.5, 3, size=(classes, templates, 1)),
            "scale": float(rng.uniform(2, 6)),
        }


@problem(
    title=Text(
        en="Zero-shot classification with several templates", zh="多模板零样本分类"
    ),
    statement=Text(
        en=(
            "Recognise images without training: encode each class name in "
            'several templates ("a photo of a ...", "a drawing of a ...") and '
            "compare. As in CLIP: scale every prompt embedding to length 1, "
            "average over the templates, scale the average to length 1 again; "
            "scores are `scale` times the cosine. Return P(class | image), one "
            "row for each image."
        ),
        zh=(
            "无需训练即可识别图像：把每个类别名套进若干模板（如“一张……的照片”“一"
            "幅……的画”）编码后再比较。做法同 CLIP：把每条提示的嵌入归一化为单位长"
            "度，对模板取平均，再把平均向量归一化；分数为余弦乘以 `scale`。请返回"
            " P(class | image)，每张图像一行。"
        ),
    ),
    limits=Text(
        en=(
            "`images`: (n, width); `prompts`: (classes, templates, width), not "
            "of length 1. NumPy."
        ),
        zh=(
            "`images` 的形状为 (n, width)；`prompts` 为 (classes, templates, "
            "width)，尚未归一化。使用 NumPy。"
        ),
    ),
    examples=[
        "zero_shot(np.array([[2.0, 0.0]]), np.array([[[3.0, 0.0]], [[0.0, "
        "1.0]]]), np.log(3)) -> [[0.75, 0.25]]"
    ],
    topic="text_encoders",
    level="middle",
    inputs=zero_shot_inputs,
    hints=[
        "Write a small function that scales vectors to length 1 along the last axis; "
        "you need it three times.",
        "classes = unit(unit(prompts).mean(axis=1))",
        "softmax(scale * unit(images) @ classes.T) along the last axis: the classes",
    ],
)
def zero_shot(images, prompts, scale):
    classes = unit(unit(prompts).mean(axis=1))
    return softmax(scale * unit(images) @ classes.T)


@zero_shot.also_right
def zero_shot_one_by_one(images, prompts, scale):
    rows = []
    for image in images:
        scores = []
        for templates in prompts:
            name = sum(one / np.sqrt(one @ one) for one in templates)
            scores.append(image @ name / np.sqrt((image @ image) * (name @ name)))
        powers = np.exp(scale * np.array(scores))
        rows.append(powers / powers.sum())
    return np.array(rows)


@zero_shot.wrong(
    "The softmax runs over the images: the classes of one image must add up to 1."
)
def zero_shot_over_images(images, prompts, scale):
    classes = unit(unit(prompts).mean(axis=1))
    return softmax(scale * unit(images) @ classes.T, axis=0)


@zero_shot.wrong(
    "The prompts were averaged before they were scaled to length 1: long ones weigh "
    "more."
)
def zero_shot_long_templates_win(images, prompts, scale):
    return softmax(scale * unit(images) @ unit(prompts.mean(axis=1)).T)


@zero_shot.wrong(
    "The average of unit vectors is shorter than 1: scale it once more, or classes "
    "whose templates disagree lose."
)
def zero_shot_short_classes(images, prompts, scale):
    return softmax(scale * unit(images) @ unit(prompts).mean(axis=1).T)


@zero_shot.wrong("Only the first template is used: average over all.")
def zero_shot_first_template(images, prompts, scale):
    return softmax(scale * unit(images) @ unit(prompts[:, 0]).T)


@zero_shot.wrong("The images were not scaled to length 1.")
def zero_shot_images_not_normalised(images, prompts, scale):
    return softmax(scale * images @ unit(unit(prompts).mean(axis=1)).T)


@zero_shot.wrong(
    "`scale` is not used: cosines lie between -1 and 1, so that the probabilities stay "
    "nearly equal."
)
def zero_shot_without_scale(images, prompts, scale):
    return zero_shot(images, prompts, 1.0)


@zero_shot.wrong("These are scores: apply the softmax over the classes.")
def zero_shot_scores(images, prompts, scale):
    return scale * unit(images) @ unit(unit(prompts).mean(axis=1)).T


# align_languages: an orthogonal map between two embedding spaces


def align_inputs(rng):
    for words, width in ((8, 3), (12, 4)):
        turn = np.linalg.qr(rng.normal(size=(width, width)))[0]
        source = rng.normal(size=(words, width))
        target = 1.5 * source @ turn + 0.3 * rng.normal(size=(words, width))
        yield {"source": source, "target": target}


@problem(
    title=Text(en="One space for two languages", zh="把两种语言对齐到同一空间"),
    statement=Text(
        en=(
            "Row i of `source` and row i of `target` are the embeddings of the "
            "same word in two languages. Find the orthogonal matrix `W` (a turn, "
            "possibly with a mirror, so that cosines within a language are kept) "
            "that makes the sum of squared differences between `source @ W` and "
            "`target` smallest. This is the Procrustes problem."
        ),
        zh=(
            "`source` 与 `target` 的第 i 行是同一个词在两种语言中的嵌入。请求出正"
            "交矩阵 `W`（旋转，可含镜像，因此语言内部的余弦相似度不变），使 "
            "`source @ W` 与 `target` 之差的平方和最小。这就是正交普鲁克问题（"
            "Procrustes）。"
        ),
    ),
    limits=Text(
        en=(
            "Both (words, width) with more words than width. Return (width, "
            "width). NumPy."
        ),
        zh=(
            "两者形状均为 (words, width)，词数大于维数。返回 (width, width)。使用"
            " NumPy。"
        ),
    ),
    examples=[
        "align_languages(np.array([[1.0, 0.0], [0.0, 2.0]]), np.array([[0.0, "
        "1.0], [-2.0, 0.0]])) -> [[0.0, 1.0], [-1.0, 0.0]]"
    ],
    topic="text_encoders",
    level="senior",
    inputs=align_inputs,
    hints=[
        "The squared lengths do not depend on W: only the trace of W^T (source^T "
        "target) does, and it is to be large.",
        "The singular value decomposition of source.T @ target gives two orthogonal "
        "matrices.",
        "left, _, right = np.linalg.svd(source.T @ target); NumPy's third result is "
        "already transposed",
    ],
)
def align_languages(source, target):
    left, _, right = np.linalg.svd(source.T @ target)
    return left @ right


@align_languages.also_right
def align_by_scipy(source, target):
    return orthogonal_procrustes(source, target)[0]


@align_languages.wrong(
    "Least squares fits better but stretches the space: W must be orthogonal."
)
def align_by_least_squares(source, target):
    return np.linalg.lstsq(source, target, rcond=None)[0]


@align_languages.wrong("This maps the target to the source: transpose it.")
def align_backwards(source, target):
    return align_languages(source, target).T


@align_languages.wrong("This product holds the singular values: replace them by ones.")
def align_with_lengths(source, target):
    return source.T @ target


@align_languages.wrong("NumPy's svd returns the third matrix already transposed.")
def align_right_transposed(source, target):
    left, _, right = np.linalg.svd(source.T @ target)
    return left @ right.T


# sentence_vector (bug hunt): vectors of different size are added

SENTENCE_VECTOR = '''\
"""The vector of a sentence: the mean of the vectors of its known words."""

import numpy as np


def words_of(sentence):
    """The words in lower case, without full stop and comma."""
    return sentence.lower().replace(".", "").replace(",", "").split()


def sentence_vector(sentence, vocabulary, table):
    """Average the rows of `table` that belong to the sentence's words.

    vocabulary: list of words; table: array (words, size), row i for word i.
    Unknown words are left out; without any known word the result is zero.
    """
    total = np.zeros(len(vocabulary))
    known = 0
    for word in words_of(sentence):
        if word in vocabulary:
            total = total + table[vocabulary.index(word)]
            known += 1
    return total / max(known, 1)
'''
SENTENCE_VECTOR_REPAIRED = SENTENCE_VECTOR.replace(
    "np.zeros(len(vocabulary))", "np.zeros(table.shape[1])"
)


def sentence_inputs(rng):
    vocabulary = ["a", "bright", "seven", "one", "beside"]
    for sentence, size in (
        ("A bright seven.", 3),
        ("One seven, one purple one.", 8),
        ("Nothing known", 4),
        ("Seven hills", 2),
    ):
        table = rng.normal(size=(len(vocabulary), size))
        yield {"sentence": sentence, "vocabulary": vocabulary, "table": table}


def clean_words(sentence):
    return sentence.lower().replace(".", "").replace(",", "").split()


sentence_vector = problem(
    title=Text(en="Bug hunt: a sentence without a vector", zh="找错：算不出的句向量"),
    statement=Text(
        en=(
            "This program averages word vectors. It stops with `operands could "
            "not be broadcast together` for most sentences; for a sentence of "
            "unknown words it returns as many zeros as the vocabulary has words. "
            "Find the mistake and repair `sentence_vector`."
        ),
        zh=(
            "这段程序对词向量取平均。大多数句子都会报错 `operands could not be "
            "broadcast together`；若句中全是未知词，返回的零的个数等于词表大小。"
            "请找出错误并修好 `sentence_vector`。"
        ),
    ),
    limits=Text(
        en=(
            "`vocabulary`: list of words; `table`: (words, size). The sizes are "
            "unrelated. Known words that stand twice count twice."
        ),
        zh=(
            "`vocabulary` 为词的列表；`table` 的形状为 (words, size)，两个数互不"
            "相关。重复出现的已知词重复计入。"
        ),
    ),
    examples=[
        'sentence_vector("One two.", ["one", "two", "three"], np.array([[1.0, '
        "0.0], [3.0, 2.0], [9.0, 9.0]])) -> [2.0, 1.0]"
    ],
    topic="text_encoders",
    level="junior",
    broken=SENTENCE_VECTOR,
    mistake=(
        "Vectors of different size are added: the running total has one number for "
        "each word of the vocabulary. It must have the size of a word vector, "
        "table.shape[1]."
    ),
    inputs=sentence_inputs,
    hints=[
        "Print the shapes of the two arrays that are added.",
        "How long is a word's vector, and where does the program get the length of "
        "the running total from?",
    ],
)(compiled(SENTENCE_VECTOR_REPAIRED, "sentence_vector"))


@sentence_vector.also_right
def sentence_by_matrix(sentence, vocabulary, table):
    counts = Counter(clean_words(sentence))
    row = np.array([counts[word] for word in vocabulary], float)
    return row @ table / max(row.sum(), 1)


@sentence_vector.wrong(
    "The vectors were cut until they fitted: the total must have the full size of a "
    "word vector."
)
def sentence_cut_to_fit(sentence, vocabulary, table):
    size = min(len(vocabulary), table.shape[1])
    return sentence_by_matrix(sentence, vocabulary, table)[:size]


@sentence_vector.wrong(
    "Unknown words are counted in the division: divide by the number of known ones."
)
def sentence_divided_by_all(sentence, vocabulary, table):
    words = clean_words(sentence)
    known = [word for word in words if word in vocabulary]
    mean = sentence_by_matrix(sentence, vocabulary, table)
    return mean * len(known) / len(words)


@sentence_vector.wrong("A word that stands twice counts twice.")
def sentence_each_word_once(sentence, vocabulary, table):
    words = " ".join(dict.fromkeys(clean_words(sentence)))
    return sentence_by_matrix(words, vocabulary, table)


@sentence_vector.wrong("The division was lost: the result is a mean.")
def sentence_only_added(sentence, vocabulary, table):
    known = [word for word in clean_words(sentence) if word in vocabulary]
    return sentence_by_matrix(sentence, vocabulary, table) * len(known)


# look_up_vectors (bug hunt): an attribute was removed from the library

LOOK_UP = '''\
"""Look up the vectors of a sentence's known words."""

import numpy as np


class WordVectors:
    """Stands for a library of word vectors, version 4.

    index_to_key: list of the words; key_to_index: dictionary from word to row;
    vectors: array (words, size). Version 3 had `vocab`, a dictionary from word to
    an object with the attribute `index`.
    """

    def __init__(self, words, vectors):
        self.index_to_key = list(words)
        self.key_to_index = {word: row for row, word in enumerate(words)}
        self.vectors = np.asarray(vectors)


def look_up_vectors(sentence, words, vectors):
    """Return one row for each known word, in the order of the sentence."""
    model = WordVectors(words, vectors)
    known = model.vocab
    rows = [known[word].index for word in sentence.split() if word in known]
    return model.vectors[rows]
'''
LOOK_UP_REPAIRED = LOOK_UP.replace("model.vocab", "model.key_to_index").replace(
    "known[word].index", "known[word]"
)


def look_up_inputs(rng):
    words = ["zero", "one", "two", "three", "thick", "thin"]
    for sentence in ("thin three beside thin one", "two thick two", "a one"):
        yield {
            "sentence": sentence,
            "words": words,
            "vectors": rng.normal(size=(len(words), 3)),
        }


look_up_vectors = problem(
    title=Text(en="Bug hunt: the library has moved on", zh="找错：库已升级"),
    statement=Text(
        en=(
            "The program was written for version 3 of a library of word vectors. "
            "With version 4 (the class in the program stands for it) it stops "
            "with an `AttributeError`. Repair `look_up_vectors`; leave the class "
            "as it is."
        ),
        zh=(
            "这段程序是为某词向量库的第 3 版写的。换成第 4 版（程序中的类代表它）"
            "后抛出 `AttributeError`。请修好 `look_up_vectors`，不要改动那个类。"
        ),
    ),
    limits=Text(
        en=(
            "Unknown words are left out; the order and the repetitions of the "
            "sentence are kept."
        ),
        zh="忽略未知词；保持句中的顺序与重复。",
    ),
    examples=[
        'look_up_vectors("two red one", ["one", "two"], np.array([[1.0], '
        "[2.0]])) -> [[2.0], [1.0]]"
    ],
    topic="text_encoders",
    level="junior",
    broken=LOOK_UP,
    mistake=(
        "The attribute `vocab` was removed from the library: use key_to_index, which "
        "gives the row itself."
    ),
    inputs=look_up_inputs,
    hints=[
        "Read the class's description: what does version 4 offer in place of `vocab`?",
        "key_to_index[word] is the row itself, without `.index`.",
    ],
)(compiled(LOOK_UP_REPAIRED, "look_up_vectors"))


@look_up_vectors.also_right
def look_up_by_index(sentence, words, vectors):
    places = [words.index(word) for word in sentence.split() if word in words]
    return np.take(vectors, places, axis=0)


@look_up_vectors.wrong(
    "Unknown words got the vector of the first word: leave them out."
)
def look_up_unknown_as_first(sentence, words, vectors):
    places = {word: row for row, word in enumerate(words)}
    return vectors[[places.get(word, 0) for word in sentence.split()]]


@look_up_vectors.wrong(
    "The error is gone, but so are the words: an exception was swallowed, or an empty "
    "dictionary took the place of `vocab`."
)
def look_up_nothing(sentence, words, vectors):
    return vectors[:0]


@look_up_vectors.wrong(
    "The rows are in the order of the vocabulary: keep the sentence's order and "
    "repetitions."
)
def look_up_in_order_of_vocabulary(sentence, words, vectors):
    return vectors[[row for row, word in enumerate(words) if word in sentence.split()]]


@look_up_vectors.wrong("A word that stands twice gives two rows.")
def look_up_each_once(sentence, words, vectors):
    return look_up_by_index(" ".join(dict.fromkeys(sentence.split())), words, vectors)


# name_probabilities (bug hunt): the softmax runs over the images

NAME_PROBABILITIES = '''\
"""Recognise images by comparing them with class names."""

import numpy as np


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def name_probabilities(images, names, scale):
    """Return P(class | image): one row for each image.

    images: (n, size) image embeddings; names: (classes, size) embeddings of the
    class names; scale: what cosines are multiplied by.
    """
    scores = scale * unit(images) @ unit(names).T
    powers = np.exp(scores)
    return powers / powers.sum(axis=0, keepdims=True)
'''
NAME_PROBABILITIES_REPAIRED = NAME_PROBABILITIES.replace("axis=0", "axis=1")


def name_inputs(rng):
    for count in (4, 1, 3):
        yield {
            "images": rng.normal(size=(count, 4)),
            "names": rng.normal(size=(3, 4)),
            "scale": 5.0,
        }


name_probabilities = problem(
    title=Text(
        en="Bug hunt: one image, every class certain", zh="找错：每个类别的概率都是 1"
    ),
    statement=Text(
        en=(
            "The program recognises images by comparing them with encoded class "
            "names. A single image gets the probability 1 for every class, and "
            "the answer for an image changes with the other images of the batch. "
            "Find the mistake and repair `name_probabilities`."
        ),
        zh=(
            "这段程序把图像与编码后的类别名比较来做识别。只送入一张图像时，每个类"
            "别的概率都是 1；同一张图像的结果还会随批次里的其他图像而变。请找出错"
            "误并修好 `name_probabilities`。"
        ),
    ),
    limits=Text(
        en=(
            "`images`: (n, size); `names`: (classes, size). Each row of the "
            "result adds up to 1."
        ),
        zh=(
            "`images` 的形状为 (n, size)；`names` 为 (classes, size)。结果的每一"
            "行之和为 1。"
        ),
    ),
    examples=[
        "name_probabilities(np.array([[1.0, 0.0]]), np.eye(2), np.log(4)) -> "
        "[[0.8, 0.2]]"
    ],
    topic="text_encoders",
    level="junior",
    broken=NAME_PROBABILITIES,
    mistake=(
        "The softmax runs over the images of the batch: P(class | image) must add up "
        "to 1 over the classes, axis 1."
    ),
    inputs=name_inputs,
    hints=[
        "Add up the result along each axis. Which sums are 1, and which should be?",
        "Rows are images, columns are classes: the classes of one image compete with "
        "each other.",
    ],
)(compiled(NAME_PROBABILITIES_REPAIRED, "name_probabilities"))


@name_probabilities.also_right
def names_by_logarithm(images, names, scale):
    return np.exp(log_softmax(scale * cosines(images, names), axis=-1))


@name_probabilities.wrong(
    "The softmax runs over the whole table: each row must add up to 1."
)
def names_over_everything(images, names, scale):
    powers = np.exp(scale * cosines(images, names))
    return powers / powers.sum()


@name_probabilities.wrong("Rows and columns are exchanged: one row for each image.")
def names_transposed(images, names, scale):
    return names_by_logarithm(images, names, scale).T


@name_probabilities.wrong(
    "The wrong softmax is still there and its result was rescaled: take the softmax of "
    "the scores along axis 1."
)
def names_normalised_twice(images, names, scale):
    over_images = softmax(scale * cosines(images, names), axis=0)
    return over_images / over_images.sum(axis=1, keepdims=True)


@name_probabilities.wrong(
    "A second softmax was put on top of the wrong one: take one, along axis 1."
)
def names_softmax_twice(images, names, scale):
    return softmax(softmax(scale * cosines(images, names), axis=0))
