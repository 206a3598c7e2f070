"""Coding problems and bug hunts on describing and recognising images in words."""

from collections import Counter
from itertools import pairwise, product

import numpy as np
from scipy.special import softmax as scipy_softmax

from digitdreams.interview.bank import Text
from digitdreams.interview.problems import compiled, problem

# caption_score: BLEU of one caption


def words_of(text):
    return text.split()


def bleu_inputs(rng):
    yield {
        "caption": words_of("a bright seven beside a dark one"),
        "references": [
            words_of("a bright seven stands beside a dark one"),
            words_of("bright seven beside one"),
        ],
        "longest": 2,
    }
    yield {
        "caption": ["the"] * 5 + ["seven"],
        "references": [words_of("the seven is on the left")],
        "longest": 1,
    }
    yield {
        "caption": words_of("a thin three"),
        "references": [
            words_of("a thin three lies on its side"),
            words_of("a thin one"),
        ],
        "longest": 2,
    }
    yield {
        "caption": words_of("one two three four"),
        "references": [words_of("four three two one")],
        "longest": 2,
    }
    yield {
        "caption": words_of("the the seven"),
        "references": [
            words_of("the seven lies here"),
            words_of("the one and the seven"),
        ],
        "longest": 1,
    }
    yield {
        "caption": words_of("the the seven"),
        "references": [
            words_of("the seven lies here"),
            words_of("lies the one here still"),
        ],
        "longest": 1,
    }
    words = ["a", "thin", "thick", "four", "beside"]
    drawn = [words[i] for i in rng.integers(0, 5, size=9)]
    yield {
        "caption": [*drawn[:4], "five", *drawn[4:]],
        "references": [drawn, [*drawn[4:], "five", "lies", "below", "it", *drawn[:4]]],
        "longest": 3,
    }
    yield {
        "caption": words_of("a five and a six lie here"),
        "references": [
            words_of("a five and a six"),
            words_of("a five and a six lie over here"),
        ],
        "longest": 2,
    }
    # One word shorter, one word longer: equally close.
    yield {
        "caption": words_of("a five and a six"),
        "references": [
            words_of("a five and the six below"),
            words_of("five and a six"),
        ],
        "longest": 2,
    }


def grams(words, n):
    return Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1))


def clipped_precision(caption, references, n):
    own = grams(caption, n)
    most = Counter()
    for reference in references:
        most |= grams(reference, n)
    total = sum(own.values())
    return sum((own & most).values()) / total if total else 0.0


def closest_length(caption, references):
    lengths = [len(one) for one in references]
    return min(lengths, key=lambda length: (abs(length - len(caption)), length))


def brevity(caption, length):
    return min(1.0, np.exp(1 - length / len(caption)))


def geometric_mean(values):
    return 0.0 if min(values) == 0 else float(np.exp(np.mean(np.log(values))))


def precisions(caption, references, longest):
    return [clipped_precision(caption, references, n + 1) for n in range(longest)]


@problem(
    title=Text(en="BLEU of one caption", zh="单条图像描述的 BLEU"),
    statement=Text(
        en=(
            "BLEU (Papineni et al. 2002) compares a caption with references. For "
            "every length n from 1 to `longest`, the precision is the share of "
            "the caption's n-grams that the references hold, where each n-gram "
            "counts at most as often as in the one reference that holds it most "
            "often. The score is the geometric mean of these precisions times "
            "the brevity penalty: 1 if the caption is longer than the closest "
            "reference, else `exp(1 - r / c)` with the reference's length `r` "
            "and the caption's length `c`. Closest: the smallest difference of "
            "lengths, of two equally close the shorter one. With a precision of "
            "0 the score is 0."
        ),
        zh=(
            "BLEU（Papineni 等，2002）把一条描述与若干参考描述比较。对从 1 到 "
            "`longest` 的每个 n，精确率是该描述的 n 元组中出现在参考里的比例，且"
            "每个 n 元组的计数不超过它在任一条参考中出现次数的最大值（截断计"
            "数）。得分为各精确率的几何平均乘以简短惩罚：描述比最接近的参考长时为"
            " 1，否则为 `exp(1 - r / c)`，其中 `r` 为该参考的长度，`c` 为描述的长"
            "度。最接近是指长度差最小，差相等时取较短者。任一精确率为 0 时得分为 "
            "0。"
        ),
    ),
    limits=Text(
        en=(
            "`caption`: list of at least `longest` words; `references`: list of "
            "such lists. Return one number between 0 and 1. Python, NumPy."
        ),
        zh=(
            "`caption` 为词的列表，至少 `longest` 个词；`references` 为若干这样的"
            "列表。返回 0 到 1 之间的一个数。使用 Python、NumPy。"
        ),
    ),
    examples=[
        'caption_score(["a", "seven"], [["a", "seven"]], 2) -> 1.0',
        'caption_score(["the", "the", "the", "the"], [["the", "cat", "the", '
        '"mat"]], 1) -> 0.5',
    ],
    topic="captioning",
    level="senior",
    inputs=bleu_inputs,
    tolerance=1e-6,
    hints=[
        "collections.Counter counts n-grams as tuples. `a & b` takes the smaller "
        "counts, `a | b` the larger ones.",
        "Precision: sum((own & most).values()) / sum(own.values()), where `most` is "
        "the union of the references' counters.",
        "Mean: exp(mean(log(precisions))). Penalty: min(1, exp(1 - r / c)).",
    ],
)
def caption_score(caption, references, longest):
    mean = geometric_mean(precisions(caption, references, longest))
    return mean * brevity(caption, closest_length(caption, references))


@caption_score.also_right
def caption_score_by_counting(caption, references, longest):
    result = 1.0
    for n in range(1, longest + 1):
        pieces = [caption[i : i + n] for i in range(len(caption) - n + 1)]
        hits = 0
        for piece in {tuple(one) for one in pieces}:
            most = 0
            for one in references:
                places = range(len(one) - n + 1)
                most = max(most, sum(tuple(one[i : i + n]) == piece for i in places))
            hits += min(most, sum(tuple(one) == piece for one in pieces))
        result *= (hits / max(len(pieces), 1)) ** (1 / longest)
    gaps = sorted((abs(len(one) - len(caption)), len(one)) for one in references)
    if gaps[0][1] > len(caption):
        result *= np.exp(1 - gaps[0][1] / len(caption))
    return result


@caption_score.wrong(
    "The counts are not clipped: a caption that repeats one right word gets full marks."
)
def score_unclipped(caption, references, longest):
    values = []
    for n in range(1, longest + 1):
        known = {gram for one in references for gram in grams(one, n)}
        own = grams(caption, n)
        hits = sum(count for gram, count in own.items() if gram in known)
        values.append(hits / sum(own.values()))
    closest = closest_length(caption, references)
    return geometric_mean(values) * brevity(caption, closest)


@caption_score.wrong(
    "The brevity penalty is missing: a caption of two sure words would win."
)
def score_without_brevity(caption, references, longest):
    return geometric_mean(precisions(caption, references, longest))


@caption_score.wrong(
    "Only the longest n-grams count: take the geometric mean over all lengths from 1."
)
def score_only_longest(caption, references, longest):
    value = clipped_precision(caption, references, longest)
    return value * brevity(caption, closest_length(caption, references))


@caption_score.wrong(
    "The mean is arithmetic: it is geometric, one precision of 0 makes the score 0."
)
def score_arithmetic(caption, references, longest):
    mean = np.mean(precisions(caption, references, longest))
    return mean * brevity(caption, closest_length(caption, references))


@caption_score.wrong("Only the first reference is used.")
def score_first_reference(caption, references, longest):
    return caption_score(caption, references[:1], longest)


@caption_score.wrong(
    "The references' counts were added: an n-gram counts at most as often as in a "
    "single reference."
)
def score_counts_added(caption, references, longest):
    values = []
    for n in range(1, longest + 1):
        own = grams(caption, n)
        most = sum((grams(one, n) for one in references), Counter())
        values.append(sum((own & most).values()) / sum(own.values()))
    closest = closest_length(caption, references)
    return geometric_mean(values) * brevity(caption, closest)


@caption_score.wrong(
    "The penalty compares with the shortest reference: take the one whose length is "
    "closest."
)
def score_shortest_reference(caption, references, longest):
    mean = geometric_mean(precisions(caption, references, longest))
    return mean * brevity(caption, min(len(one) for one in references))


@caption_score.wrong(
    "Of two references that are equally close the penalty takes the shorter one."
)
def score_longer_of_two(caption, references, longest):
    def distance(one):
        return abs(len(one) - len(caption)), -len(one)

    mean = geometric_mean(precisions(caption, references, longest))
    return mean * brevity(caption, len(min(references, key=distance)))


@caption_score.wrong(
    "The penalty grows above 1 for long captions: it is never more than 1."
)
def score_rewards_length(caption, references, longest):
    mean = geometric_mean(precisions(caption, references, longest))
    return mean * np.exp(1 - closest_length(caption, references) / len(caption))


@caption_score.wrong(
    "This divides by the references' n-grams, which is recall: BLEU divides by the "
    "caption's."
)
def score_of_recall(caption, references, longest):
    values = []
    for n in range(1, longest + 1):
        most = Counter()
        for one in references:
            most |= grams(one, n)
        values.append(sum((grams(caption, n) & most).values()) / sum(most.values()))
    closest = closest_length(caption, references)
    return geometric_mean(values) * brevity(caption, closest)


# best_caption: beam search


def trap(rng):
    """A model in which the best first word does not begin the best caption."""
    first = np.array([0.0, 0.5, 0.4, 0.1])
    follow = np.array(
        [
            [1.0, 0.0, 0.0, 0.0],
            [0.1, 0.32, 0.3, 0.28],
            [0.05, 0.03, 0.02, 0.9],
            [0.9, 0.04, 0.03, 0.03],
        ]
    )
    order = [0, *(1 + rng.permutation(3))]
    first, follow = first[order], follow[order][:, order]
    return np.log(np.maximum(first, 1e-9)), np.log(np.maximum(follow, 1e-9))


def beam_inputs(rng):
    for beams, longest in ((1, 4), (2, 4), (2, 2)):
        first, follow = trap(rng)
        yield {"first": first, "follow": follow, "beams": beams, "longest": longest}
    for beams in (2, 3):
        logits = 1.5 * rng.normal(size=(6, 5))
        table = np.log(scipy_softmax(logits, axis=1))
        yield {"first": table[0], "follow": table[1:], "beams": beams, "longest": 5}


def search(first, follow, beams, longest, rank=lambda words, score: -score):
    kept = [([token], first[token]) for token in range(len(first))]
    kept = sorted(kept, key=lambda one: rank(*one))[:beams]
    for _ in range(longest - 1):
        grown = []
        for words, score in kept:
            if words[-1] == 0:
                grown.append((words, score))
                continue
            for token in range(len(first)):
                grown.append(([*words, token], score + follow[words[-1], token]))
        kept = sorted(grown, key=lambda one: rank(*one))[:beams]
    return [kept[0][0], float(kept[0][1])]


@problem(
    title=Text(en="Beam search", zh="束搜索"),
    statement=Text(
        en=(
            "A tiny caption model knows the log-probability of each first token "
            "(`first`) and of each token after another (`follow[previous, "
            "next]`). Token 0 ends a caption. Keep the `beams` best beginnings "
            "by total log-probability at every length; a finished caption stays "
            "in the beam with its score and is not continued. Stop after "
            "`longest` tokens (the end counts as one). Return `[tokens, score]` "
            "of the best: finished or cut off, without correction for its length."
        ),
        zh=(
            "一个小型图像描述模型给出每个首词元的对数概率（`first`），以及在某词"
            "元之后出现另一词元的对数概率（`follow[previous, next]`）。词元 0 表"
            "示结束。每一步按总对数概率保留 `beams` 个最好的前缀；已结束的描述带"
            "着自己的分数留在束中，不再延长。最多 `longest` 个词元（结束符计"
            "入）。返回最佳结果的 `[tokens, score]`，无论它是已结束还是被截断，都"
            "不做长度校正。"
        ),
    ),
    limits=Text(
        en=(
            "`first`: (tokens,); `follow`: (tokens, tokens); `longest` at least "
            "2. Return a list of integers, with the 0 if it ended, and a number."
        ),
        zh=(
            "`first` 的形状为 (tokens,)，`follow` 为 (tokens, tokens)；`longest` "
            "不小于 2。返回整数列表（若已结束则包含末尾的 0）和一个数。"
        ),
    ),
    examples=[
        "best_caption(np.log([0.1, 0.9]), np.log([[0.5, 0.5], [0.8, 0.2]]), 1, "
        "3) -> [[1, 0], -0.328504]"
    ],
    topic="captioning",
    level="middle",
    inputs=beam_inputs,
    tolerance=1e-6,
    hints=[
        "Keep a list of (tokens, score). One round: every unfinished one grows into "
        "as many as there are tokens.",
        "Finished ones go into the next round unchanged and compete with the grown "
        "ones.",
        "kept = sorted(grown, key=lambda one: -one[1])[:beams]",
    ],
)
def best_caption(first, follow, beams, longest):
    return search(first, follow, beams, longest)


@best_caption.also_right
def best_caption_by_arrays(first, follow, beams, longest):
    best = np.argsort(-first)[:beams]
    rows, scores = [[int(token)] for token in best], first[best]
    for _ in range(longest - 1):
        grown = scores[:, None] + follow[[row[-1] for row in rows]]
        for i, row in enumerate(rows):
            if row[-1] == 0:
                grown[i] = -np.inf
                grown[i, 0] = scores[i]
        order = np.argsort(-grown, axis=None)[:beams]
        parents, tokens = np.unravel_index(order, grown.shape)
        scores = grown[parents, tokens]
        rows = [
            rows[p] if rows[p][-1] == 0 else [*rows[p], int(t)]
            for p, t in zip(parents, tokens, strict=True)
        ]
    return [rows[0], scores[0]]


@best_caption.wrong("This is greedy search, one beam: keep `beams` beginnings.")
def caption_greedy(first, follow, beams, longest):
    return search(first, follow, 1, longest)


@best_caption.wrong(
    "You searched all captions: the task asks for what a beam of this size finds, even "
    "where a better caption exists."
)
def caption_of_all(first, follow, beams, longest):
    best = None
    for size in range(1, longest + 1):
        for words in product(range(1, len(first)), repeat=size):
            for row in ([*words[:-1], 0], list(words)):
                if row[-1] != 0 and size < longest:
                    continue
                score = first[row[0]]
                score = score + sum(follow[a, b] for a, b in pairwise(row))
                if best is None or score > best[1]:
                    best = [row, score]
    return best


@best_caption.wrong(
    "Captions go on after the end token: a finished one stays as it is."
)
def caption_goes_on_after_end(first, follow, beams, longest):
    kept = [([token], first[token]) for token in range(len(first))]
    kept = sorted(kept, key=lambda one: -one[1])[:beams]
    for _ in range(longest - 1):
        grown = [
            ([*words, token], score + follow[words[-1], token])
            for words, score in kept
            for token in range(len(first))
        ]
        kept = sorted(grown, key=lambda one: -one[1])[:beams]
    return [kept[0][0], float(kept[0][1])]


@best_caption.wrong(
    "Log-probabilities are added: the product of two negative numbers is positive."
)
def caption_multiplies_logarithms(first, follow, beams, longest):
    kept = [([token], first[token]) for token in range(len(first))]
    kept = sorted(kept, key=lambda one: -one[1])[:beams]
    for _ in range(longest - 1):
        grown = []
        for words, score in kept:
            if words[-1] == 0:
                grown.append((words, score))
                continue
            for token in range(len(first)):
                grown.append(([*words, token], score * follow[words[-1], token]))
        kept = sorted(grown, key=lambda one: -one[1])[:beams]
    return [kept[0][0], float(kept[0][1])]


@best_caption.wrong(
    "The score holds the last token only: add the log-probabilities of all."
)
def caption_best_of_last_token(first, follow, beams, longest):
    kept = [([token], first[token]) for token in range(len(first))]
    kept = sorted(kept, key=lambda one: -one[1])[:beams]
    for _ in range(longest - 1):
        grown = []
        for words, score in kept:
            if words[-1] == 0:
                grown.append((words, score))
                continue
            for token in range(len(first)):
                grown.append(([*words, token], follow[words[-1], token]))
        kept = sorted(grown, key=lambda one: -one[1])[:beams]
    return [kept[0][0], float(kept[0][1])]


@best_caption.wrong("The search stops one token early.")
def caption_one_word_short(first, follow, beams, longest):
    return search(first, follow, beams, longest - 1)


@best_caption.wrong("Finished captions fell out of the beam: they stay and compete.")
def caption_drops_finished(first, follow, beams, longest):
    kept = [([token], first[token]) for token in range(len(first))]
    kept = sorted(kept, key=lambda one: -one[1])[:beams]
    for _ in range(longest - 1):
        grown = [
            ([*words, token], score + follow[words[-1], token])
            for words, score in kept
            if words[-1] != 0
            for token in range(len(first))
        ]
        kept = sorted(grown, key=lambda one: -one[1])[:beams] or kept
    return [kept[0][0], float(kept[0][1])]


# teaching_rows: what a caption model reads and what it is to say


def teaching_inputs(rng):
    for lengths, longest in (([2, 4, 1], 5), ([3, 3], 6)):
        yield {
            "captions": [rng.integers(3, 9, size=n).tolist() for n in lengths],
            "longest": longest,
            "special": [0, 1, 2],
        }


@problem(
    title=Text(
        en="Inputs and targets of a caption model", zh="图像描述模型的输入与目标"
    ),
    statement=Text(
        en=(
            "With teacher forcing, a caption model reads the start token and the "
            "words, and at every place it is to say the next one: the targets "
            "are the words and then the end token. Pad both with the padding "
            "token to `longest` and return `[inputs, targets, real]`, where "
            "`real` is 1 where the loss counts (the end token included)."
        ),
        zh=(
            "采用教师强制训练时，图像描述模型读入起始符和各个词，并在每个位置预测"
            "下一个词元：目标为各个词加上结束符。请把两者都用填充符补到 "
            "`longest`，返回 `[inputs, targets, real]`，其中 `real` 在计入损失的"
            "位置（含结束符）为 1。"
        ),
    ),
    limits=Text(
        en=(
            "`captions`: lists of integers, each shorter than `longest`; "
            "`special`: `[padding, start, end]`. Return three arrays (captions, "
            "longest)."
        ),
        zh=(
            "`captions` 为若干整数列表，长度均小于 `longest`；`special` 为 "
            "`[padding, start, end]`。返回三个形状为 (captions, longest) 的数组。"
        ),
    ),
    examples=[
        "teaching_rows([[7, 8]], 4, [0, 1, 2]) -> [[[1, 7, 8, 0]], [[7, 8, 2, "
        "0]], [[1, 1, 1, 0]]]"
    ],
    topic="captioning",
    level="junior",
    inputs=teaching_inputs,
    hints=[
        "Write one caption on paper, start and end included. Inputs leave out its "
        "last token, targets its first.",
        "inputs: [start, *words]; targets: [*words, end]; both have len(words) + 1 "
        "tokens",
    ],
)
def teaching_rows(captions, longest, special):
    padding, start, end = special
    inputs = np.full((len(captions), longest), padding)
    targets = inputs.copy()
    for row, words in enumerate(captions):
        inputs[row, : len(words) + 1] = [start, *words]
        targets[row, : len(words) + 1] = [*words, end]
    return [inputs, targets, (targets != padding).astype(int)]


@teaching_rows.also_right
def teaching_by_shifting(captions, longest, special):
    padding, start, end = special
    rows = [[start, *words, end] for words in captions]
    full = np.array([row + [padding] * (longest + 1 - len(row)) for row in rows])
    inputs, targets = full[:, :-1].copy(), full[:, 1:]
    inputs[inputs == end] = padding
    return [inputs, targets, np.where(targets == padding, 0, 1)]


@teaching_rows.wrong(
    "Inputs and targets are the same: the model would learn to copy. The targets are "
    "one place ahead."
)
def teaching_not_shifted(captions, longest, special):
    inputs = teaching_rows(captions, longest, special)[0]
    return [inputs, inputs, (inputs != special[0]).astype(int)]


@teaching_rows.wrong(
    "The end token is missing from the targets: the model would never stop."
)
def teaching_without_end(captions, longest, special):
    inputs, targets, _ = teaching_rows(captions, longest, special)
    targets[targets == special[2]] = special[0]
    return [inputs, targets, (targets != special[0]).astype(int)]


@teaching_rows.wrong(
    "The end token stands among the inputs: nothing is to be said after it."
)
def teaching_end_among_inputs(captions, longest, special):
    padding, start, end = special
    rows = [[start, *words, end] for words in captions]
    full = np.array([row + [padding] * (longest + 1 - len(row)) for row in rows])
    return [full[:, :-1], full[:, 1:], (full[:, 1:] != padding).astype(int)]


@teaching_rows.wrong(
    "The padding counts in the loss: the model would learn to say padding."
)
def teaching_all_count(captions, longest, special):
    inputs, targets, real = teaching_rows(captions, longest, special)
    return [inputs, targets, np.ones_like(real)]


@teaching_rows.wrong("The end token must count in the loss, too.")
def teaching_end_not_counted(captions, longest, special):
    inputs, targets, real = teaching_rows(captions, longest, special)
    return [inputs, targets, real * (targets != special[2])]


# describe (bug hunt): the prompt holds an address, the model never sees the image

DESCRIBE = '''\
"""Have an image described by a model that reads text and images."""

import numpy as np

NAMES = ["zero", "one", "two", "three"]


def tiny_model(parts):
    """Stands for a large model behind an interface.

    parts: a list; text is {"type": "text", "text": ...}, an image is
    {"type": "image", "pixels": array (rows, columns) in [0, 1]}.
    It looks at the first image. Without one it has to guess from the words, and
    like large models it does not say that it guessed.
    """
    images = [part["pixels"] for part in parts if part["type"] == "image"]
    if images:
        ink = np.mean(images[0])
        strength = "bold" if ink > 0.5 else "faint"
        return f"a {strength} drawing, {100 * ink:.0f} percent ink"
    text = " ".join(part["text"] for part in parts)
    for name in NAMES:
        if name in text:
            return f"a beautiful {name}"
    return "a beautiful digit"


def describe(address, files):
    """Return what the model says about the image.

    address: where the image lies; files: dictionary from address to pixels, in
    place of a download.
    """
    question = "Describe this image: " + address
    return tiny_model([{"type": "text", "text": question}])
'''
DESCRIBE_REPAIRED = DESCRIBE.replace(
    """    question = "Describe this image: " + address
    return tiny_model([{"type": "text", "text": question}])
""",
    """    image = {"type": "image", "pixels": files[address]}
    return tiny_model([{"type": "text", "text": "Describe this image."}, image])
""",
)


def describe_inputs(rng):
    files = {
        "https://example.org/three.png": rng.uniform(0.6, 1, size=(4, 4)),
        "https://example.org/1.png": rng.uniform(0, 0.4, size=(4, 4)),
        "https://example.org/zero.png": rng.uniform(0.1, 0.4, size=(4, 4)),
    }
    for address in list(files)[::-1]:
        yield {"address": address, "files": files}


describe = problem(
    title=Text(
        en="Bug hunt: the caption that follows the file's name",
        zh="找错：跟着文件名走的描述",
    ),
    statement=Text(
        en=(
            'The program has images described by a model. `three.png` becomes "a '
            'beautiful three" whatever it shows; when the file is renamed, the '
            "caption changes. Find the mistake and repair `describe`."
        ),
        zh=(
            "这段程序让模型描述图像。无论画的是什么，`three.png` 总得到“a "
            "beautiful three”；文件一改名，描述也跟着变。请找出错误并修好 "
            "`describe`。"
        ),
    ),
    limits=Text(
        en=(
            "`files`: dictionary from address to an array of pixels. Leave "
            "`tiny_model` as it is."
        ),
        zh="`files` 是从地址到像素数组的字典。不要改动 `tiny_model`。",
    ),
    examples=[
        'describe("a", {"a": np.ones((2, 2))}) -> "a bold drawing, 100 percent ink"'
    ],
    topic="captioning",
    level="junior",
    broken=DESCRIBE,
    mistake=(
        "The prompt holds the address as text, so that the model never sees the image "
        "and guesses from the words. Send the pixels as an image part."
    ),
    inputs=describe_inputs,
    hints=[
        "What exactly does the model receive? Print the list `parts`.",
        'Add a part {"type": "image", "pixels": files[address]}.',
    ],
)(compiled(DESCRIBE_REPAIRED, "describe"))


@describe.also_right
def describe_by_hand(address, files):
    ink = np.asarray(files[address]).mean()
    strength = "bold" if ink > 0.5 else "faint"
    return f"a {strength} drawing, {round(100 * ink)} percent ink"


@describe.wrong("Always the first file was sent: send the one at the address.")
def describe_first_file(address, files):
    return describe_by_hand(next(iter(files)), files)


@describe.wrong(
    "The model still gets no image: without the address it can only say that there is "
    "a digit."
)
def describe_pixels_as_text(address, files):
    return "a beautiful digit"


@describe.wrong("The image was inverted on its way: send the pixels as they are.")
def describe_inverted(address, files):
    return describe_by_hand("x", {"x": 1 - files[address]})


# recognise_digit (bug hunt): the prompt is the same for every image

RECOGNISE = '''\
"""Recognise digits with a tiny language model that can read images."""

import numpy as np


def embed_words(words, vocabulary, table):
    """One row of `table` for each word."""
    return table[[vocabulary.index(word) for word in words]]


def image_tokens(image, projector):
    """Each row of the image becomes a token in the space of the words."""
    return image @ projector


def answer(tokens, classes):
    """From what was read, an array (tokens, width), to P(class)."""
    scores = tokens.mean(axis=0) @ classes.T
    powers = np.exp(scores - scores.max())
    return powers / powers.sum()


def recognise_digit(image, vocabulary, table, projector, classes):
    """Return P(class | image).

    The model reads the image's tokens and then the prompt, one word: "digit".
    table: (words, width); projector: (columns, width); classes: (10, width).
    """
    tokens = embed_words(["digit"], vocabulary, table)
    return answer(tokens, classes)
'''
RECOGNISE_REPAIRED = RECOGNISE.replace(
    """    tokens = embed_words(["digit"], vocabulary, table)
    return answer(tokens, classes)
""",
    """    prompt = embed_words(["digit"], vocabulary, table)
    tokens = np.concatenate([image_tokens(image, projector), prompt])
    return answer(tokens, classes)
""",
)


def recognise_inputs(rng):
    vocabulary = ["a", "digit", "start"]
    table = rng.normal(size=(3, 4))
    for rows, columns in ((3, 5), (4, 4)):
        yield {
            "image": rng.uniform(size=(rows, columns)),
            "vocabulary": vocabulary,
            "table": table,
            "projector": rng.normal(size=(columns, 4)),
            "classes": rng.normal(size=(10, 4)),
        }


def answer_to(tokens, classes):
    return scipy_softmax(classes @ tokens.mean(axis=0))


recognise_digit = problem(
    title=Text(
        en="Bug hunt: the same answer to every image", zh="找错：对每张图都给同样的答案"
    ),
    statement=Text(
        en=(
            "A small language model is to recognise digits. All images, a black "
            "one included, get exactly the same probabilities. Find the mistake "
            "and repair `recognise_digit`."
        ),
        zh=(
            "用一个小型语言模型识别数字。所有图像（包括全黑的图像）得到的概率完全"
            "相同。请找出错误并修好 `recognise_digit`。"
        ),
    ),
    limits=Text(
        en=(
            "The model reads the image's tokens (one for each row) and then the "
            "prompt. Keep the other functions."
        ),
        zh="模型先读图像词元（每行一个），再读提示词。保留其他函数。",
    ),
    examples=[
        'recognise_digit(np.array([[1.0]]), ["digit"], np.zeros((1, 1)), '
        "np.ones((1, 1)), np.array([[0.0], [2 * np.log(3)]])) -> [0.25, 0.75]"
    ],
    topic="captioning",
    level="junior",
    broken=RECOGNISE,
    mistake=(
        "The recognition ignores the image: the model reads the prompt alone. Put the "
        "image's tokens in front of it."
    ),
    inputs=recognise_inputs,
    hints=[
        "Which argument has no influence on the result?",
        "np.concatenate([image_tokens(image, projector), prompt]) is what the model "
        "is to read.",
    ],
)(compiled(RECOGNISE_REPAIRED, "recognise_digit"))


@recognise_digit.also_right
def recognise_by_sums(image, vocabulary, table, projector, classes):
    word = table[vocabulary.index("digit")]
    total = image.sum(axis=0) @ projector + word
    return scipy_softmax(classes @ total / (len(image) + 1))


@recognise_digit.wrong(
    "The image is there, but the prompt is gone: the model reads both."
)
def recognise_without_prompt(image, vocabulary, table, projector, classes):
    return answer_to(image @ projector, classes)


@recognise_digit.wrong('The prompt is the word "digit".')
def recognise_other_word(image, vocabulary, table, projector, classes):
    word = table[[vocabulary.index("start")]]
    return answer_to(np.concatenate([image @ projector, word]), classes)


@recognise_digit.wrong(
    "Another prompt does not help: the model still does not read the image."
)
def recognise_only_other_word(image, vocabulary, table, projector, classes):
    return answer_to(table[[vocabulary.index("start")]], classes)


@recognise_digit.wrong(
    "The image's rows were averaged to one token: each row is a token of its own."
)
def recognise_image_as_one_token(image, vocabulary, table, projector, classes):
    one = (image @ projector).mean(axis=0, keepdims=True)
    word = table[[vocabulary.index("digit")]]
    return answer_to(np.concatenate([one, word]), classes)


@recognise_digit.wrong("Only the first row of the image is read.")
def recognise_first_row(image, vocabulary, table, projector, classes):
    word = table[[vocabulary.index("digit")]]
    return answer_to(np.concatenate([image[:1] @ projector, word]), classes)
