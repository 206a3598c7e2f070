"""Coding problems on training with preferences and rewards."""

import numpy as np

from digitdreams.interview.bank import Text
from digitdreams.interview.problems import problem

# dpo_loss ---------------------------------------------------------------------------


def lengths_as_mask(lengths, tokens):
    return (np.arange(tokens) < np.array(lengths)[:, None]).astype(float)


def preference_inputs(rng):
    for pairs, tokens, scale in ((3, 4, 1.0), (2, 5, 1.0), (4, 3, 900.0)):
        case = {
            f"{model}_{answer}": -scale * rng.uniform(0.1, 3, size=(pairs, tokens))
            for model in ("policy", "reference")
            for answer in ("chosen", "rejected")
        }
        for answer in ("chosen", "rejected"):
            lengths = rng.integers(1, tokens, size=pairs)
            lengths[0] = tokens
            case[f"{answer}_mask"] = lengths_as_mask(lengths, tokens)
        if scale > 1:
            case["policy_chosen"][0] -= 5000
            case["policy_rejected"][1] -= 5000
        yield {**case, "beta": 0.3}


def softplus(x):
    return np.logaddexp(0, x)


def sums(values, mask):
    return (values * mask).sum(axis=1)


def margins(
    policy_chosen,
    policy_rejected,
    reference_chosen,
    reference_rejected,
    chosen_mask,
    rejected_mask,
):
    better = sums(policy_chosen - reference_chosen, chosen_mask)
    return better - sums(policy_rejected - reference_rejected, rejected_mask)


@problem(
    title=Text(en="The DPO loss", zh="DPO 损失"),
    statement=Text(
        en=(
            "Direct preference optimisation (Rafailov et al. 2023, arXiv:2305.18290) "
            "trains a model on pairs of answers of which people chose one. From the "
            "log probabilities of the tokens under the model and under a frozen "
            "reference compute\n\n"
            "$$-\\log\\sigma\\Big(\\beta\\log\\frac{\\pi(y_w)}{\\pi_0(y_w)} - "
            "\\beta\\log\\frac{\\pi(y_l)}{\\pi_0(y_l)}\\Big)$$\n\n"
            "and return its mean over the pairs. $y_w$ is the chosen answer, $y_l$ "
            "the rejected one; an answer's log probability is the sum over its tokens."
        ),
        zh=(
            "直接偏好优化（DPO；Rafailov 等，2023，arXiv:2305.18290）用成对的回答训练"
            "模型，每对中有一个是人选中的。请用模型和冻结的参考模型给出的各词元对数概"
            "率计算\n\n"
            "$$-\\log\\sigma\\Big(\\beta\\log\\frac{\\pi(y_w)}{\\pi_0(y_w)} - "
            "\\beta\\log\\frac{\\pi(y_l)}{\\pi_0(y_l)}\\Big)$$\n\n"
            "并返回它对各对的均值。$y_w$ 是选中的回答，$y_l$ 是被拒的回答；一个回答的"
            "对数概率是其各词元对数概率之和。"
        ),
    ),
    limits=Text(
        en=(
            "Log probabilities and masks: (pairs, tokens); a mask is 1 at an answer's "
            "tokens and 0 at its padding. Differences may be in the thousands: the "
            "result must stay finite. Return a number. NumPy."
        ),
        zh=(
            "对数概率和掩码的形状均为 (pairs, tokens)；掩码在回答的词元处为 1，在填充"
            "处为 0。差值可能高达几千，结果必须保持有限。返回一个数。使用 NumPy。"
        ),
    ),
    examples=[
        "model and reference alike -> ln 2 = 0.693, whatever beta is",
    ],
    topic="preference_tuning",
    level="middle",
    inputs=preference_inputs,
    hints=[
        "The difference of two log probabilities is the logarithm of their ratio: no "
        "exponential is needed for it.",
        "-log(sigmoid(z)) = log(1 + exp(-z)), and np.logaddexp(0, -z) does not "
        "overflow.",
    ],
)
def dpo_loss(
    policy_chosen,
    policy_rejected,
    reference_chosen,
    reference_rejected,
    chosen_mask,
    rejected_mask,
    beta,
):
    better = sums(policy_chosen - reference_chosen, chosen_mask)
    worse = sums(policy_rejected - reference_rejected, rejected_mask)
    return softplus(-beta * (better - worse)).mean()


@dpo_loss.also_right
def dpo_by_cases(beta, **given):
    z = beta * margins(**given)
    return float(np.mean(np.maximum(-z, 0) + np.log1p(np.exp(-np.abs(z)))))


@dpo_loss.wrong("The sign is turned round: the loss has to fall when the margin grows.")
def dpo_reversed(beta, **given):
    return softplus(beta * margins(**given)).mean()


@dpo_loss.wrong(
    "The reference is missing: without it the model may move away from it as far as it "
    "likes."
)
def dpo_without_reference(beta, **given):
    given["reference_chosen"] = np.zeros_like(given["reference_chosen"])
    given["reference_rejected"] = np.zeros_like(given["reference_rejected"])
    return softplus(-beta * margins(**given)).mean()


@dpo_loss.wrong("The padding is counted: multiply with the masks before you add up.")
def dpo_with_padding(beta, **given):
    given["chosen_mask"] = np.ones_like(given["chosen_mask"])
    given["rejected_mask"] = np.ones_like(given["rejected_mask"])
    return softplus(-beta * margins(**given)).mean()


@dpo_loss.wrong(
    "The log probabilities were averaged over the tokens: an answer's log probability "
    "is their sum."
)
def dpo_of_means(beta, **given):
    for name in ("chosen_mask", "rejected_mask"):
        given[name] = given[name] / given[name].sum(axis=1, keepdims=True)
    return softplus(-beta * margins(**given)).mean()


@dpo_loss.wrong(
    "`beta` stands in front of the logarithm: it belongs inside the sigmoid."
)
def dpo_beta_outside(beta, **given):
    return beta * softplus(-margins(**given)).mean()


@dpo_loss.wrong("`beta` is not used.")
def dpo_without_beta(beta, **given):
    return softplus(-margins(**given)).mean()


@dpo_loss.wrong("The pairs were added up: return their mean.")
def dpo_summed(beta, **given):
    return softplus(-beta * margins(**given)).sum()


@dpo_loss.wrong(
    "The mean was taken before the logarithm of the sigmoid: each pair has its own "
    "loss."
)
def dpo_of_mean_margin(beta, **given):
    return float(softplus(-beta * margins(**given).mean()))


@dpo_loss.wrong(
    "The sigmoid becomes 0 for large margins and its logarithm infinite: use "
    "np.logaddexp(0, -z)."
)
def dpo_unstable(beta, **given):
    with np.errstate(over="ignore", divide="ignore"):
        return np.mean(-np.log(1 / (1 + np.exp(-beta * margins(**given)))))


# grpo_loss --------------------------------------------------------------------------


def group_inputs(rng):
    for prompts, answers, tokens in ((2, 4, 3), (3, 3, 4)):
        old = -rng.uniform(0.2, 2, size=(prompts, answers, tokens))
        lengths = rng.integers(1, tokens, size=(prompts * answers))
        lengths[0] = tokens
        rewards = rng.normal(size=(prompts, answers))
        rewards[-1] += 3
        yield {
            "log_probs": old + 0.5 * rng.normal(size=old.shape),
            "old_log_probs": old,
            "rewards": rewards,
            "mask": lengths_as_mask(lengths, tokens).reshape(old.shape),
            "clip": 0.2,
        }
    old = -rng.uniform(0.2, 2, size=(2, 3, 2))
    yield {
        "log_probs": old + 0.4 * rng.normal(size=old.shape),
        "old_log_probs": old,
        "rewards": np.array([[1.0, 1.0, 1.0], [0.0, 1.0, 0.0]]),
        "mask": np.ones(old.shape),
        "clip": 0.1,
    }


def advantages(rewards):
    centred = rewards - rewards.mean(axis=1, keepdims=True)
    spread = rewards.std(axis=1, keepdims=True)
    return centred / np.where(spread > 0, spread, 1)  # of equal rewards 0 is left


def clipped_objective(ratio, advantage, clip):
    return np.minimum(ratio * advantage, np.clip(ratio, 1 - clip, 1 + clip) * advantage)


def answer_means(values, mask):
    return (values * mask).sum(axis=-1) / mask.sum(axis=-1)


@problem(
    title=Text(en="The GRPO loss", zh="GRPO 损失"),
    statement=Text(
        en=(
            "Group relative policy optimisation (Shao et al. 2024, arXiv:2402.03300) "
            "draws several answers to each prompt and needs no critic: an answer's "
            "advantage is its reward minus the mean of its group, over the standard "
            "deviation of its group. In a group of equal rewards it is 0.\n\n"
            "With the ratio $r$ of a token's probability now to that when it was "
            "drawn, a token's objective is $\\min(rA, "
            "\\mathrm{clip}(r, 1-\\epsilon, 1+\\epsilon)\\,A)$. Average it over each "
            "answer's tokens, then over all answers, and return minus that. There is "
            "no KL term here."
        ),
        zh=(
            "组相对策略优化（GRPO；Shao 等，2024，arXiv:2402.03300）对每个提示词采样"
            "若干回答，不需要价值网络：一个回答的优势等于其奖励减去组内均值，再除以组"
            "内标准差。组内奖励全部相等时优势为 0。\n\n"
            "设 $r$ 为词元当前概率与采样时概率之比，则每个词元的目标为 $\\min(rA, "
            "\\mathrm{clip}(r, 1-\\epsilon, 1+\\epsilon)\\,A)$。先在每个回答的词元上"
            "求均值，再对所有回答求均值，返回其相反数。这里没有 KL 项。"
        ),
    ),
    limits=Text(
        en=(
            "`log_probs`, `old_log_probs`, `mask`: (prompts, answers, tokens), the "
            "mask 0 at padding; `rewards`: (prompts, answers); `clip` is epsilon. The "
            "standard deviation divides by the number of answers. Return a number. "
            "NumPy."
        ),
        zh=(
            "`log_probs`、`old_log_probs`、`mask` 的形状为 (prompts, answers, "
            "tokens)，掩码在填充处为 0；`rewards` 为 (prompts, answers)；`clip` 即 "
            "epsilon。标准差的分母是回答数。返回一个数。使用 NumPy。"
        ),
    ),
    examples=[
        "nothing changed since the answers were drawn -> 0: a group's advantages "
        "cancel",
    ],
    topic="preference_tuning",
    level="senior",
    inputs=group_inputs,
    tolerance=1e-6,
    hints=[
        "Take advantages first, (prompts, answers); give them an axis for the tokens.",
        "For a negative advantage the smaller product is the one with the larger "
        "ratio: take the minimum of the products, not of the ratios.",
        "np.divide(centred, spread, out=np.zeros_like(centred), where=spread > 0)",
    ],
)
def grpo_loss(log_probs, old_log_probs, rewards, mask, clip):
    ratio = np.exp(log_probs - old_log_probs)
    each = clipped_objective(ratio, advantages(rewards)[..., None], clip)
    return -answer_means(each, mask).mean()


@grpo_loss.also_right
def grpo_one_by_one(log_probs, old_log_probs, rewards, mask, clip):
    """A bound on the ratio from one side only, by the advantage's sign."""
    total = 0.0
    for prompt, row in enumerate(rewards):
        spread = row.std()
        for answer, reward in enumerate(row):
            if not spread:
                continue
            advantage = (reward - row.mean()) / spread
            there = mask[prompt, answer] > 0
            change = (log_probs - old_log_probs)[prompt, answer][there]
            if advantage > 0:
                bound = np.minimum(np.exp(change), 1 + clip)
            else:
                bound = np.maximum(np.exp(change), 1 - clip)
            total += advantage * bound.mean()
    return -total / rewards.size


@grpo_loss.wrong("The sign is missing: a loss is minimised, the objective maximised.")
def grpo_positive(log_probs, old_log_probs, rewards, mask, clip):
    return -grpo_loss(log_probs, old_log_probs, rewards, mask, clip)


@grpo_loss.wrong(
    "In a group of equal rewards 0 was divided by 0: its advantages are 0, nothing can "
    "be learned from it."
)
def grpo_divided_by_zero(log_probs, old_log_probs, rewards, mask, clip):
    ratio = np.exp(log_probs - old_log_probs)
    centred = rewards - rewards.mean(axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):
        advantage = centred / rewards.std(axis=1, keepdims=True)
    return -answer_means(
        clipped_objective(ratio, advantage[..., None], clip), mask
    ).mean()


@grpo_loss.wrong(
    "Rewards were compared over all prompts: a hard prompt's best answer would count "
    "as bad. Use each group's own mean and deviation."
)
def grpo_over_all(log_probs, old_log_probs, rewards, mask, clip):
    ratio = np.exp(log_probs - old_log_probs)
    advantage = (rewards - rewards.mean()) / rewards.std()
    return -answer_means(
        clipped_objective(ratio, advantage[..., None], clip), mask
    ).mean()


@grpo_loss.wrong(
    "The advantages are not divided by the standard deviation (Dr. GRPO leaves it out "
    "on purpose; it is asked for here)."
)
def grpo_centred(log_probs, old_log_probs, rewards, mask, clip):
    ratio = np.exp(log_probs - old_log_probs)
    advantage = rewards - rewards.mean(axis=1, keepdims=True)
    return -answer_means(
        clipped_objective(ratio, advantage[..., None], clip), mask
    ).mean()


@grpo_loss.wrong(
    "The standard deviation divides by one less than the number of answers: use "
    "ddof=0, np.std's default."
)
def grpo_sample_deviation(log_probs, old_log_probs, rewards, mask, clip):
    shrink = (1 - 1 / rewards.shape[1]) ** 0.5
    return shrink * grpo_loss(log_probs, old_log_probs, rewards, mask, clip)


@grpo_loss.wrong(
    "There is no clipping: one batch could move the model as far as it likes."
)
def grpo_unclipped(log_probs, old_log_probs, rewards, mask, clip):
    return grpo_loss(log_probs, old_log_probs, rewards, mask, np.inf)


@grpo_loss.wrong(
    "The ratio was only clipped: without the minimum a token that has moved too far "
    "the wrong way gets no gradient back."
)
def grpo_clipped_only(log_probs, old_log_probs, rewards, mask, clip):
    ratio = np.clip(np.exp(log_probs - old_log_probs), 1 - clip, 1 + clip)
    return -answer_means(ratio * advantages(rewards)[..., None], mask).mean()


@grpo_loss.wrong(
    "The smaller ratio was multiplied with the advantage: for a negative advantage "
    "that is the larger product. Take the minimum of the products."
)
def grpo_smaller_ratio(log_probs, old_log_probs, rewards, mask, clip):
    ratio = np.minimum(np.exp(log_probs - old_log_probs), 1 + clip)
    return -answer_means(ratio * advantages(rewards)[..., None], mask).mean()


@grpo_loss.wrong("The ratio is upside down: the probability now over the old one.")
def grpo_inverted(log_probs, old_log_probs, rewards, mask, clip):
    return grpo_loss(old_log_probs, log_probs, rewards, mask, clip)


@grpo_loss.wrong("The padding is counted: average over each answer's own tokens.")
def grpo_with_padding(log_probs, old_log_probs, rewards, mask, clip):
    return grpo_loss(log_probs, old_log_probs, rewards, np.ones_like(mask), clip)


@grpo_loss.wrong(
    "All tokens weigh the same, so that long answers count more (as in DAPO): average "
    "each answer first."
)
def grpo_over_tokens(log_probs, old_log_probs, rewards, mask, clip):
    ratio = np.exp(log_probs - old_log_probs)
    each = clipped_objective(ratio, advantages(rewards)[..., None], clip)
    return -(each * mask).sum() / mask.sum()
