"""Coding problems on privacy, memorised data and bias."""

import numpy as np
from scipy.spatial.distance import cdist

from digitdreams.interview.bank import Text
from digitdreams.interview.problems import problem

# private_gradient: one step of DP-SGD


def private_inputs(rng):
    for examples, limit in ((5, 1.0), (4, 2.5)):
        gradients = rng.normal(size=(examples, 3))
        gradients *= rng.permutation(np.linspace(0.1, 4, examples))[:, None]
        gradients[0] *= limit / 2 / np.linalg.norm(gradients[0])
        gradients[1] *= 3 * limit / np.linalg.norm(gradients[1])
        yield {
            "gradients": gradients,
            "limit": limit,
            "multiplier": float(rng.uniform(0.5, 1.5)),
            "noise": rng.normal(size=3),
        }
    yield {
        "gradients": np.array([[0.0, 0.0], [3.0, 4.0]]),
        "limit": 2.0,
        "multiplier": 1.0,
        "noise": rng.normal(size=2),
    }


def lengths_of(gradients):
    return np.linalg.norm(gradients, axis=1, keepdims=True)


def clipped(gradients, limit):
    return gradients / np.maximum(lengths_of(gradients) / limit, 1)


@problem(
    title=Text(en="One private gradient (DP-SGD)", zh="一次差分隐私梯度（DP-SGD）"),
    statement=Text(
        en=(
            "DP-SGD (Abadi et al. 2016, arXiv:1607.00133) limits what a single "
            "training example can do: every example's gradient is scaled down to "
            "length `limit` if it is longer, the gradients are added, Gaussian "
            "noise with the standard deviation `multiplier * limit` is added to "
            "the sum, and the whole is divided by the number of examples. "
            "`noise` holds draws from N(0, 1)."
        ),
        zh=(
            "DP-SGD（Abadi 等，2016，arXiv:1607.00133）限制单个训练样本的影响：每"
            "个样本的梯度若长于 `limit`，就按比例缩到长度 `limit`；把各梯度相加，"
            "给总和加上标准差为 `multiplier * limit` 的高斯噪声，再除以样本数。"
            "`noise` 为取自 N(0, 1) 的随机数。"
        ),
    ),
    limits=Text(
        en=(
            "`gradients`: (examples, parameters), one row for each example, rows "
            "of zeros possible; `noise`: (parameters,). NumPy."
        ),
        zh=(
            "`gradients` 的形状为 (examples, parameters)，每个样本一行，可能有全"
            "零行；`noise` 为 (parameters,)。使用 NumPy。"
        ),
    ),
    examples=[
        "private_gradient(np.array([[3.0, 4.0], [0.0, 1.0]]), 2.5, 1.0, "
        "np.zeros(2)) -> [0.75, 1.5]"
    ],
    topic="privacy_responsibility",
    level="senior",
    inputs=private_inputs,
    hints=[
        "Clip before anything is added up: one length for each row.",
        "gradients / np.maximum(lengths / limit, 1) leaves short rows alone and "
        "cannot divide by 0.",
        "(clipped.sum(axis=0) + multiplier * limit * noise) / len(gradients)",
    ],
)
def private_gradient(gradients, limit, multiplier, noise):
    total = clipped(gradients, limit).sum(axis=0) + multiplier * limit * noise
    return total / len(gradients)


@private_gradient.also_right
def private_one_by_one(gradients, limit, multiplier, noise):
    total = limit * multiplier * noise
    for gradient in gradients:
        length = np.sqrt(gradient @ gradient)
        total = total + (gradient * limit / length if length > limit else gradient)
    return total / len(gradients)


@private_gradient.wrong(
    "The mean was clipped: one example can still change it much. Clip every example's "
    "gradient."
)
def private_clips_the_mean(gradients, limit, multiplier, noise):
    mean = clipped(gradients.mean(axis=0, keepdims=True), limit)[0]
    return mean + multiplier * limit * noise / len(gradients)


@private_gradient.wrong(
    "Nothing is clipped, so that no fixed amount of noise hides an example with a huge "
    "gradient."
)
def private_without_clipping(gradients, limit, multiplier, noise):
    return gradients.mean(axis=0) + multiplier * limit * noise / len(gradients)


@private_gradient.wrong(
    "Each number was clipped by itself: scale the whole row, so that its direction "
    "stays and its length is limited."
)
def private_clips_numbers(gradients, limit, multiplier, noise):
    total = np.clip(gradients, -limit, limit).sum(axis=0)
    return (total + multiplier * limit * noise) / len(gradients)


@private_gradient.wrong(
    "Short gradients were stretched to the limit (and 0 divided by 0): only longer "
    "ones are scaled down."
)
def private_all_to_limit(gradients, limit, multiplier, noise):
    with np.errstate(invalid="ignore"):
        total = (limit * gradients / lengths_of(gradients)).sum(axis=0)
    return (total + multiplier * limit * noise) / len(gradients)


@private_gradient.wrong(
    "The noise's deviation is multiplier * limit: it must be as large as what an "
    "example can do."
)
def private_noise_ignores_limit(gradients, limit, multiplier, noise):
    total = clipped(gradients, limit).sum(axis=0) + multiplier * noise
    return total / len(gradients)


@private_gradient.wrong(
    "The noise was added after the division: it belongs to the sum."
)
def private_noise_after_mean(gradients, limit, multiplier, noise):
    return clipped(gradients, limit).mean(axis=0) + multiplier * limit * noise


@private_gradient.wrong("The noise is missing: clipping alone gives no privacy.")
def private_without_noise(gradients, limit, multiplier, noise):
    return clipped(gradients, limit).mean(axis=0)


@private_gradient.wrong("Divide by the number of examples at the end.")
def private_sum(gradients, limit, multiplier, noise):
    return len(gradients) * private_gradient(gradients, limit, multiplier, noise)


# memorised_share: generated images that copy a training image


def memorised_inputs(rng):
    for samples, known, width in ((6, 8, 3), (5, 10, 6)):
        training = rng.normal(size=(known, width))
        generated = rng.normal(size=(samples, width))
        generated[0] = training[3] + 0.01
        generated[2] = training[5] + 0.02 * rng.normal(size=width)
        training[-1] = training[5] + 0.015 * rng.normal(size=width)
        yield {"generated": generated, "training": training, "ratio": 1 / 3}
        yield {"generated": generated, "training": training, "ratio": 0.8}
    scale = rng.uniform(2, 5)
    generated, training = np.array([[1.0], [0.5]]), np.array([[0.0], [3.0]])
    yield {"generated": scale * generated, "training": scale * training, "ratio": 1 / 3}
    # The first lies exactly at the bar, which is not below it.
    generated = np.array([[1.0], [4.0], [-1.0]])
    yield {"generated": generated, "training": training, "ratio": 0.5}


def two_nearest(generated, training):
    distances = np.sort(cdist(generated, training), axis=1)
    return distances[:, 0], distances[:, 1]


@problem(
    title=Text(en="How many samples are copies?", zh="有多少样本是训练图像的复制？"),
    statement=Text(
        en=(
            "A generated image counts as memorised when its nearest training "
            "image is much nearer than the second nearest: distance 1 below "
            "`ratio` times distance 2 (Euclidean; 1/3 is a common choice). "
            "Return the share of memorised images among the generated ones."
        ),
        zh=(
            "若生成图像到最近训练图像的距离远小于到次近训练图像的距离，即距离 1 "
            "小于 `ratio` 乘以距离 2（欧氏距离，常取 1/3），就把它算作被记住的图"
            "像。请返回生成图像中被记住者所占的比例。"
        ),
    ),
    limits=Text(
        en=(
            "`generated`: (n, width); `training`: (m, width), m at least 2. "
            "Return one number. NumPy, SciPy. Note what the rule cannot see: a "
            "training image that occurs twice."
        ),
        zh=(
            "`generated` 的形状为 (n, width)；`training` 为 (m, width)，m 不小于 "
            "2。返回一个数。使用 NumPy、SciPy。注意该规则的盲区：训练集中重复出现"
            "的图像。"
        ),
    ),
    examples=[
        "memorised_share(np.array([[0.1], [5.0]]), np.array([[0.0], [4.0], "
        "[6.5]]), 0.5) -> 0.5"
    ],
    topic="privacy_responsibility",
    level="middle",
    inputs=memorised_inputs,
    hints=[
        "Build the table of all distances (generated, training) and sort each row.",
        "np.mean(d[:, 0] < ratio * d[:, 1]) with d = np.sort(distances, axis=1)",
    ],
)
def memorised_share(generated, training, ratio):
    nearest, second = two_nearest(generated, training)
    return np.mean(nearest < ratio * second)


@memorised_share.also_right
def memorised_by_loop(generated, training, ratio):
    copies = 0
    for image in generated:
        squares = sorted(((training - image) ** 2).sum(axis=1))
        copies += squares[0] < ratio**2 * squares[1]
    return copies / len(generated)


@memorised_share.wrong(
    "Squared distances were compared: with them the ratio must be squared, too."
)
def memorised_with_squares(generated, training, ratio):
    nearest, second = two_nearest(generated, training)
    return np.mean(nearest**2 < ratio * second**2)


@memorised_share.wrong(
    "The distance itself was compared with the ratio: compare with ratio times the "
    "second distance, so that the scale of the images does not matter."
)
def memorised_by_distance(generated, training, ratio):
    return np.mean(two_nearest(generated, training)[0] < ratio)


@memorised_share.wrong("Nearest and second nearest are exchanged.")
def memorised_upside_down(generated, training, ratio):
    nearest, second = two_nearest(generated, training)
    return np.mean(second < ratio * nearest)


@memorised_share.wrong(
    "The roles are exchanged: for every generated image look among the training images."
)
def memorised_from_training(generated, training, ratio):
    return memorised_share(training, generated, ratio)


@memorised_share.wrong("This is the share that is not memorised.")
def memorised_not(generated, training, ratio):
    return 1 - memorised_share(generated, training, ratio)


@memorised_share.wrong("This is a number of images: return the share.")
def memorised_count(generated, training, ratio):
    return len(generated) * memorised_share(generated, training, ratio)


@memorised_share.wrong("This is the mean ratio: count the images below the limit.")
def memorised_mean_ratio(generated, training, ratio):
    nearest, second = two_nearest(generated, training)
    return np.mean(nearest / second)


# attack_advantage: membership inference from losses


def attack_inputs(rng):
    for members, others in ((12, 15), (20, 8), (40, 50)):
        yield {
            "member_losses": rng.gamma(2, 0.4, size=members),
            "other_losses": rng.gamma(2, 0.7, size=others),
        }


def rates_at(threshold, member_losses, other_losses):
    hits = np.mean(member_losses <= threshold)
    return hits, np.mean(other_losses <= threshold)


@problem(
    title=Text(en="Advantage of a membership attack", zh="成员推断攻击的优势"),
    statement=Text(
        en=(
            'An attacker says "was in the training set" when the model\'s loss '
            "on an example is at most a threshold. Return the attacker's "
            "advantage at the best threshold: the largest value of (share of "
            "members called members) minus (share of others called members); 0 "
            "if no threshold does better than saying no always."
        ),
        zh=(
            "攻击者在模型对某样本的损失不超过某个阈值时断言“它在训练集中”。请返回"
            "在最佳阈值下攻击者的优势：（成员中被判为成员的比例）减去（非成员中被"
            "判为成员的比例）的最大值；若没有任何阈值优于一律回答“不在”，则返回 "
            "0。"
        ),
    ),
    limits=Text(
        en=(
            "(members,) and (others,); all losses differ. Return one number "
            "between 0 and 1. NumPy."
        ),
        zh=(
            "形状分别为 (members,) 与 (others,)；所有损失互不相同。返回 0 到 1 之"
            "间的一个数。使用 NumPy。"
        ),
    ),
    examples=["attack_advantage(np.array([0.1, 0.3]), np.array([0.2, 0.9])) -> 0.5"],
    topic="privacy_responsibility",
    level="senior",
    inputs=attack_inputs,
    hints=[
        "The two shares only change where the threshold passes a loss: try every loss "
        "as a threshold.",
        "max over t of np.mean(member_losses <= t) - np.mean(other_losses <= t), and "
        "at least 0",
    ],
)
def attack_advantage(member_losses, other_losses):
    best = 0.0
    for threshold in np.concatenate([member_losses, other_losses]):
        hits, false_alarms = rates_at(threshold, member_losses, other_losses)
        best = max(best, hits - false_alarms)
    return best


@attack_advantage.also_right
def advantage_by_sorting(member_losses, other_losses):
    losses = np.concatenate([member_losses, other_losses])
    member = np.arange(len(losses)) < len(member_losses)
    steps = np.where(member, 1 / len(member_losses), -1 / len(other_losses))
    return max(np.cumsum(steps[np.argsort(losses)]).max(), 0.0)


@attack_advantage.wrong(
    "Members and others are exchanged: training examples have the smaller losses."
)
def advantage_reversed(member_losses, other_losses):
    return attack_advantage(other_losses, member_losses)


@attack_advantage.wrong("One fixed threshold was used: try all.")
def advantage_at_the_mean(member_losses, other_losses):
    threshold = np.mean(np.concatenate([member_losses, other_losses]))
    hits, false_alarms = rates_at(threshold, member_losses, other_losses)
    return hits - false_alarms


@attack_advantage.wrong(
    "The false alarms are missing: calling everything a member would be perfect."
)
def advantage_only_hits(member_losses, other_losses):
    return max(
        rates_at(threshold, member_losses, other_losses)[0]
        for threshold in np.concatenate([member_losses, other_losses])
    )


@attack_advantage.wrong(
    "This is the accuracy with equally many members and others: the advantage is twice "
    "that, minus 1."
)
def advantage_as_accuracy(member_losses, other_losses):
    return (1 + attack_advantage(member_losses, other_losses)) / 2


@attack_advantage.wrong(
    "This is the area under the ROC curve: the task asks for the largest gap of the "
    "two rates."
)
def advantage_of_pairs(member_losses, other_losses):
    return np.mean(member_losses[:, None] < other_losses[None])


@attack_advantage.wrong(
    "This is a difference of losses: the advantage is a difference of shares."
)
def advantage_of_means(member_losses, other_losses):
    return np.mean(other_losses) - np.mean(member_losses)


# share_gap: are classes generated as often as they occur?


def gap_inputs(rng):
    for classes in (4, 10):
        yield {
            "wanted": rng.dirichlet(3 * np.ones(classes)),
            "labels": rng.integers(0, classes - 1, size=40),
        }


def shares_of(labels, classes):
    return np.bincount(labels, minlength=classes) / len(labels)


@problem(
    title=Text(
        en="Are the classes drawn as often as wanted?",
        zh="各类别的生成比例是否符合要求？",
    ),
    statement=Text(
        en=(
            "A judge named the class of every generated image. Return the total "
            "variation distance between the shares of the classes among them and "
            "the wanted shares: half the sum of the absolute differences (0: as "
            "wanted, 1: nothing in common)."
        ),
        zh=(
            "评判模型给出了每幅生成图像的类别。请返回实际类别比例与期望比例之间的"
            "总变差距离：差的绝对值之和的一半（0 表示完全符合，1 表示毫无重叠）。"
        ),
    ),
    limits=Text(
        en=(
            "`wanted`: (classes,), adds up to 1; `labels`: integers below "
            "classes; a class may never occur. Return one number. NumPy."
        ),
        zh=(
            "`wanted` 的形状为 (classes,)，和为 1；`labels` 为小于 classes 的整"
            "数；某些类别可能从未出现。返回一个数。使用 NumPy。"
        ),
    ),
    examples=["share_gap(np.array([0.5, 0.25, 0.25]), np.array([0, 0, 0, 1])) -> 0.25"],
    topic="privacy_responsibility",
    level="junior",
    inputs=gap_inputs,
    hints=[
        "np.bincount counts labels. What does it leave out when the last class never "
        "occurs?",
        "0.5 * np.abs(np.bincount(labels, minlength=classes) / len(labels) - "
        "wanted).sum()",
    ],
)
def share_gap(wanted, labels):
    return 0.5 * np.abs(shares_of(labels, len(wanted)) - wanted).sum()


@share_gap.also_right
def gap_of_excess(wanted, labels):
    shares = np.array([np.mean(labels == one) for one in range(len(wanted))])
    return np.maximum(shares - wanted, 0).sum()


@share_gap.wrong(
    "The half is missing: what one class has too much, another has too little."
)
def gap_without_half(wanted, labels):
    return 2 * share_gap(wanted, labels)


@share_gap.wrong("This is the largest difference: add up all of them and halve.")
def gap_largest(wanted, labels):
    return np.abs(shares_of(labels, len(wanted)) - wanted).max()


@share_gap.wrong("This is a Euclidean distance: use absolute differences.")
def gap_squared(wanted, labels):
    return np.sqrt(((shares_of(labels, len(wanted)) - wanted) ** 2).sum())


@share_gap.wrong("You compared with equal shares: compare with the wanted ones.")
def gap_of_equal_shares(wanted, labels):
    return 0.5 * np.abs(shares_of(labels, len(wanted)) - 1 / len(wanted)).sum()


@share_gap.wrong(
    "A class that never occurs at the end was left out: count with minlength."
)
def gap_missing_class(wanted, labels):
    counts = np.bincount(labels)
    shares = counts / counts.sum()
    return 0.5 * np.abs(shares - wanted[: len(shares)]).sum()
