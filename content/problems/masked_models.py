"""Coding problems on models that fill in masked tokens."""

import numpy as np

from digitdreams.interview.bank import Text
from digitdreams.interview.problems import problem

# filled_tokens: one step of MaskGIT


def masked_case(rng, places, tokens, known, step, steps):
    probabilities = rng.dirichlet(np.ones(tokens), size=places)
    shown = np.full(places, -1)
    shown[rng.permutation(places)[:known]] = rng.integers(tokens, size=known)
    return {
        "tokens": shown,
        "probabilities": probabilities,
        "step": step,
        "steps": steps,
    }


def masked_inputs(rng):
    for places, known, step, steps in (
        (8, 0, 1, 4),
        (10, 2, 2, 4),
        (12, 5, 5, 8),
        (9, 6, 8, 8),
        (16, 1, 3, 6),
        (10, 1, 1, 4),  # as many are masked as are to stay: none is filled
    ):
        yield masked_case(rng, places, 4, known, step, steps)


def sure_tokens(probabilities):
    return probabilities.argmax(axis=1), probabilities.max(axis=1)


def filled(tokens, best, confidence, hidden):
    """Show the surest of the masked places; `hidden` stay masked."""
    masked = np.flatnonzero(tokens < 0)
    order = masked[np.argsort(-confidence[masked], kind="stable")]
    shown = order[: max(len(masked) - hidden, 0)]
    found = tokens.copy()
    found[shown] = best[shown]
    return found


def still_hidden(places, step, steps):
    return int(np.floor(places * np.cos(np.pi / 2 * step / steps) + 1e-9))


@problem(
    title=Text(en="A step of MaskGIT", zh="MaskGIT 的一步"),
    statement=Text(
        en=(
            "MaskGIT (Chang et al. 2022, arXiv:2202.04200) draws all tokens of an "
            "image in a few steps. In each it predicts all places, keeps what it is "
            "sure of and masks the rest again. After step `step` of `steps`, "
            "$\\lfloor N\\cos(\\pi/2\\cdot\\text{step}/\\text{steps})\\rfloor$ of all "
            "$N$ places are still masked (none after the last step). Here each masked "
            "place proposes its likeliest token; the surest proposals are kept. "
            "Tokens that are known stay as they are. Return the tokens, -1 where "
            "masked."
        ),
        zh=(
            "MaskGIT（Chang 等，2022，arXiv:2202.04200）用很少几步生成一张图像的全部"
            "词元：每一步预测所有位置，保留最有把握的，其余重新掩盖。在共 `steps` 步"
            "中的第 `step` 步之后，全部 $N$ 个位置中仍有 "
            "$\\lfloor N\\cos(\\pi/2\\cdot\\text{step}/\\text{steps})\\rfloor$ 个被掩"
            "盖（最后一步之后为零）。这里每个被掩盖的位置提出其概率最大的词元，保留其"
            "中概率最高的。已知词元保持不变。返回词元，仍被掩盖处为 -1。"
        ),
    ),
    limits=Text(
        en=(
            "`tokens`: (N,), -1 where masked, at least as many as are to stay masked; "
            "`probabilities`: (N, vocabulary), no two alike; `step` from 1 to "
            "`steps`. NumPy."
        ),
        zh=(
            "`tokens` 为 (N,)，-1 表示被掩盖，其个数不少于应保持掩盖的个数；"
            "`probabilities` 为 (N, 词表大小)，没有两个相等；`step` 从 1 到 "
            "`steps`。使用 NumPy。"
        ),
    ),
    examples=[
        "tokens [-1, -1, 3], probabilities [[0.9, 0.1, 0, 0], [0.4, 0.6, 0, 0], "
        "[0.25, 0.25, 0.3, 0.2]], step 1 of 2 -> 2 stay masked, none is shown: "
        "[-1, -1, 3]"
    ],
    topic="masked_models",
    level="middle",
    inputs=masked_inputs,
    hints=[
        "How many masked places are there now, how many shall be left, and so how many "
        "are shown?",
        "Only masked places compete: order them by their largest probability.",
    ],
)
def filled_tokens(tokens, probabilities, step, steps):
    best, confidence = sure_tokens(probabilities)
    return filled(tokens, best, confidence, still_hidden(len(tokens), step, steps))


@filled_tokens.also_right
def filled_by_threshold(tokens, probabilities, step, steps):
    hidden = int(len(tokens) * np.cos(np.pi / 2 * step / steps) + 1e-9)
    confidence = np.where(tokens < 0, probabilities.max(axis=1), np.inf)
    threshold = np.sort(confidence)[hidden]
    found = np.where(tokens < 0, probabilities.argmax(axis=1), tokens)
    return np.where(confidence >= threshold, found, -1)


@filled_tokens.wrong(
    "Known tokens were predicted anew: what was kept in an earlier step stays."
)
def filled_over_known(tokens, probabilities, step, steps):
    found = filled_tokens(tokens, probabilities, step, steps)
    return np.where(found >= 0, probabilities.argmax(axis=1), -1)


@filled_tokens.wrong(
    "Known tokens competed and were masked again: they count as sure, whatever the "
    "model says now."
)
def filled_and_masked_again(tokens, probabilities, step, steps):
    best, confidence = sure_tokens(probabilities)
    every = np.full(len(tokens), -1)
    found = filled(every, best, confidence, still_hidden(len(tokens), step, steps))
    return np.where((found >= 0) & (tokens >= 0), tokens, found)


@filled_tokens.wrong("The least sure proposals were kept: keep the surest.")
def filled_with_unsure(tokens, probabilities, step, steps):
    best, confidence = sure_tokens(probabilities)
    return filled(tokens, best, -confidence, still_hidden(len(tokens), step, steps))


@filled_tokens.wrong(
    "The number that stays masked falls in a straight line here: it follows the cosine."
)
def filled_linearly(tokens, probabilities, step, steps):
    best, confidence = sure_tokens(probabilities)
    hidden = int(len(tokens) * (1 - step / steps))
    return filled(tokens, best, confidence, hidden)


@filled_tokens.wrong(
    "The schedule is one step late: it gives what is masked after this step."
)
def filled_late(tokens, probabilities, step, steps):
    best, confidence = sure_tokens(probabilities)
    hidden = still_hidden(len(tokens), step - 1, steps)
    return filled(tokens, best, confidence, hidden)


@filled_tokens.wrong(
    "The share was taken of the places masked now: it is a share of all places."
)
def filled_share_of_masked(tokens, probabilities, step, steps):
    best, confidence = sure_tokens(probabilities)
    hidden = still_hidden(int((tokens < 0).sum()), step, steps)
    return filled(tokens, best, confidence, hidden)


@filled_tokens.wrong("The number was rounded up: round down, so that some are shown.")
def filled_rounded_up(tokens, probabilities, step, steps):
    best, confidence = sure_tokens(probabilities)
    share = np.cos(np.pi / 2 * step / steps)
    return filled(tokens, best, confidence, int(np.ceil(len(tokens) * share)))


@filled_tokens.wrong("This many were shown: the cosine says how many stay masked.")
def filled_and_hidden_exchanged(tokens, probabilities, step, steps):
    best, confidence = sure_tokens(probabilities)
    hidden = (tokens < 0).sum() - still_hidden(len(tokens), step, steps)
    return filled(tokens, best, confidence, int(max(hidden, 0)))
