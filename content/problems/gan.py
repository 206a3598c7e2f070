"""Coding problems and bug hunts: generative adversarial networks."""

import math

import numpy as np
from scipy.special import expit, log_expit

from digitdreams.inputs import normal
from digitdreams.interview.bank import Text
from digitdreams.interview.problems import problem

# optimal_discriminator ------------------------------------------------------------


def densities_inputs(rng):
    for level in (-2.0, -900.0):
        log_real = level + 3 * rng.normal(size=6)
        yield {"log_real": log_real, "log_fake": level + 3 * rng.normal(size=6)}
    yield {"log_real": np.array([0.0, -800.0]), "log_fake": np.array([-800.0, 0.0])}


@problem(
    title=Text(en="The optimal discriminator", zh="最优判别器"),
    statement=Text(
        en=(
            "For a fixed generator the best discriminator is "
            "$D^*(x) = p(x) / (p(x) + q(x))$ with the densities $p$ of real and "
            "$q$ of generated images. Given the **logarithms** of both densities "
            "at "
            "some points, return $D^*$ there. Images have many pixels, so the "
            "logarithms may be near -1,000."
        ),
        zh=(
            "生成器固定时，最优判别器是 $D^*(x) = p(x) / (p(x) + q(x))$，$p$、$q$ "
            "分别是真实图像和生成图像的概率密度。给定若干点上两个密度的**对数**，"
            "返回这些点上的 $D^*$。图像像素很多，对数值可能在 -1000 左右。"
        ),
    ),
    limits=Text(
        en="Both (n,), float64. Returns (n,) in [0, 1]. NumPy only.",
        zh="两个参数形状均为 (n,)，float64。返回 (n,)，取值 [0, 1]。只用 NumPy。",
    ),
    examples=[
        "log densities -1000 and -1000 -> 0.5",
        "log densities log 3 - 900 and -900 -> 0.75",
    ],
    topic="gan",
    level="middle",
    inputs=densities_inputs,
    hints=[
        "Divide numerator and denominator by p: only the ratio q / p is left.",
        "The ratio is exp(log_fake - log_real). So D* is the sigmoid of log_real - "
        "log_fake.",
    ],
)
def optimal_discriminator(log_real, log_fake):
    return 1 / (1 + np.exp(np.clip(log_fake - log_real, -700, 700)))


@optimal_discriminator.also_right
def optimal_by_logarithms(log_real, log_fake):
    return np.exp(log_real - np.logaddexp(log_real, log_fake))


@optimal_discriminator.wrong(
    "exp of numbers near -1,000 is 0, and 0 / 0 is NaN: use the difference of the "
    "logarithms."
)
def optimal_naive(log_real, log_fake):
    with np.errstate(all="ignore"):
        real, fake = np.exp(log_real), np.exp(log_fake)
        return real / (real + fake)


@optimal_discriminator.wrong(
    "This is the probability of being generated: the sign of the difference is the "
    "other way round."
)
def optimal_for_fakes(log_real, log_fake):
    return expit(log_fake - log_real)


@optimal_discriminator.wrong(
    "This is the ratio p / q: a probability needs p / (p + q)."
)
def density_ratio(log_real, log_fake):
    return np.exp(np.clip(log_real - log_fake, -700, 700))


@optimal_discriminator.wrong(
    "You divided logarithms as if they were densities: exponentiate their difference."
)
def shares_of_logarithms(log_real, log_fake):
    return log_real / (log_real + log_fake)


# discriminator_loss ---------------------------------------------------------------


def two_batches(rng):
    for real, fake, shift in ((5, 3, 0.5), (2, 6, -1.0)):
        yield {
            "real_logits": 2 * rng.normal(size=real) + shift,
            "fake_logits": 2 * rng.normal(size=fake) + 1,
        }


def logits_inputs(rng):
    yield from two_batches(rng)
    yield {
        "real_logits": np.array([-900.0, 40.0, rng.normal()]),
        "fake_logits": np.array([800.0, -50.0, rng.normal()]),
    }


@problem(
    title=Text(en="The discriminator's loss", zh="判别器损失"),
    statement=Text(
        en=(
            "The discriminator returns logits. Its loss is the binary "
            "cross-entropy with label 1 for real and 0 for generated images: the "
            "mean over the real ones **plus** the mean over the generated ones "
            "(the batches may differ in size). Logits reach 900."
        ),
        zh=(
            "判别器输出 logits。它的损失是二元交叉熵，真实图像标签为 1，生成图像"
            "标签为 0：真实批次的均值**加上**生成批次的均值（两个批次大小可以不"
            "同）。"
            "logits 的绝对值可达 900。"
        ),
    ),
    limits=Text(
        en="Arrays (n,) and (m,). Returns one number, always finite.",
        zh="形状为 (n,) 和 (m,) 的数组。返回一个数，必须有限。",
    ),
    examples=["all logits 0 -> 2 log 2 = 1.386294"],
    topic="gan",
    level="junior",
    inputs=logits_inputs,
    hints=[
        "-log sigmoid(a) = log(1 + exp(-a)), and -log(1 - sigmoid(a)) = log(1 + "
        "exp(a)).",
        "np.logaddexp(0, a) is log(1 + exp(a)) without overflow.",
    ],
)
def discriminator_loss(real_logits, fake_logits):
    return np.logaddexp(0, -real_logits).mean() + np.logaddexp(0, fake_logits).mean()


@discriminator_loss.also_right
def loss_by_log_expit(real_logits, fake_logits):
    real, fake = log_expit(real_logits), log_expit(-fake_logits)
    return -(real.sum() / len(real) + fake.sum() / len(fake))


@discriminator_loss.wrong(
    "Probabilities that round to 0 or 1 make the loss infinite or NaN: stay with "
    "logits, np.logaddexp(0, ...)."
)
def loss_through_probabilities(real_logits, fake_logits):
    with np.errstate(all="ignore"):
        real, fake = 1 / (1 + np.exp(-real_logits)), 1 / (1 + np.exp(-fake_logits))
        return -np.log(real).mean() - np.log(1 - fake).mean()


@discriminator_loss.wrong("The labels are swapped: real has 1, generated 0.")
def loss_with_labels_swapped(real_logits, fake_logits):
    return discriminator_loss(-real_logits, -fake_logits)


@discriminator_loss.wrong(
    "You averaged over both batches together: the larger one then weighs more. Add the "
    "two means."
)
def loss_of_both_together(real_logits, fake_logits):
    return np.logaddexp(0, np.concatenate([-real_logits, fake_logits])).mean()


@discriminator_loss.wrong(
    "The real images are missing: without them the answer 'fake' is always right."
)
def loss_of_fakes_only(real_logits, fake_logits):
    return np.logaddexp(0, fake_logits).mean()


@discriminator_loss.wrong("Add the two means; do not average them.")
def loss_halved(real_logits, fake_logits):
    return discriminator_loss(real_logits, fake_logits) / 2


# generator_loss -------------------------------------------------------------------


def fake_inputs(rng):
    yield {"fake_logits": 2 * rng.normal(size=5)}
    yield {"fake_logits": np.array([-900.0, 60.0, rng.normal()])}


@problem(
    title=Text(en="The non-saturating generator loss", zh="非饱和的生成器损失"),
    statement=Text(
        en=(
            "In practice the generator does not minimise $\\log(1 - D(G(z)))$, "
            "whose gradient vanishes where the discriminator is sure, but "
            "$-\\log D(G(z))$. Return its mean, from logits that reach 900 in size."
        ),
        zh=(
            "实践中生成器并不最小化 $\\log(1 - D(G(z)))$（判别器很有把握时，它的梯"
            "度"
            "几乎为零），而是最小化 $-\\log D(G(z))$。由 logits 算出它的均值，"
            "logits 的绝对值可达 900。"
        ),
    ),
    limits=Text(
        en="`fake_logits` (n,). Returns one number, always finite.",
        zh="`fake_logits` 形状 (n,)。返回一个数，必须有限。",
    ),
    examples=[
        "fake_logits [-900.0] -> 900.0",
        "fake_logits [0.0] -> 0.693147",
    ],
    topic="gan",
    level="junior",
    inputs=fake_inputs,
    hints=[
        "It is the cross-entropy of the generated images with the label 'real'.",
        "-log sigmoid(a) = log(1 + exp(-a)) = np.logaddexp(0, -a)",
    ],
)
def generator_loss(fake_logits):
    return np.logaddexp(0, -fake_logits).mean()


@generator_loss.also_right
def generator_by_cases(fake_logits):
    small = np.log1p(np.exp(-np.abs(fake_logits)))
    return np.mean(small - np.minimum(fake_logits, 0))


@generator_loss.wrong(
    "This is log(1 - D), the saturating loss: hardly any gradient while the "
    "discriminator wins."
)
def generator_saturating(fake_logits):
    return -np.logaddexp(0, fake_logits).mean()


@generator_loss.wrong(
    "This is the discriminator's cost of generated images (label 0): the generator "
    "wants them to be taken for real."
)
def generator_labelled_fake(fake_logits):
    return np.logaddexp(0, fake_logits).mean()


@generator_loss.wrong(
    "The sigmoid of -900 rounds to 0 and its logarithm is infinite: use "
    "np.logaddexp(0, -fake_logits)."
)
def generator_naive(fake_logits):
    with np.errstate(all="ignore"):
        return -np.log(1 / (1 + np.exp(-fake_logits))).mean()


@generator_loss.wrong("Average over the batch.")
def generator_summed(fake_logits):
    return np.logaddexp(0, -fake_logits).sum()


@generator_loss.wrong("The sign is the other way round.")
def generator_reward(fake_logits):
    return -generator_loss(fake_logits)


# hinge_losses ---------------------------------------------------------------------


def scores_inputs(rng):
    for one in two_batches(rng):
        real = np.append(one["real_logits"], [3.0, -2.0])
        fake = np.append(one["fake_logits"], [-3.0, 2.0])
        yield {"real_scores": real, "fake_scores": fake}


@problem(
    title=Text(en="Hinge losses", zh="hinge 损失"),
    statement=Text(
        en=(
            "Return `[discriminator loss, generator loss]` in the hinge form: the "
            "discriminator pays for real scores below 1 and for generated scores "
            "above -1, in proportion to the distance (add the mean over each "
            "batch); the generator's loss is minus the mean of its scores."
        ),
        zh=(
            "按 hinge 形式返回 `[判别器损失, 生成器损失]`：真实图像得分低于 1、生成"
            "图像得分高于 -1 时，判别器按差距付出代价（两个批次各取均值再相加）；"
            "生成器损失是其得分均值的相反数。"
        ),
    ),
    limits=Text(
        en="Scores (n,) and (m,), any real numbers. Returns two numbers.",
        zh="得分形状为 (n,) 和 (m,)，可取任意实数。返回两个数。",
    ),
    examples=["real [2, 0], fake [-2, 0] -> [1.0, 1.0]"],
    topic="gan",
    level="middle",
    inputs=scores_inputs,
    hints=[
        "A real score of 1 or more costs nothing: max(0, 1 - score).",
        "Generated scores cost max(0, 1 + score). The generator has no hinge.",
    ],
)
def hinge_losses(real_scores, fake_scores):
    real, fake = np.maximum(0, 1 - real_scores), np.maximum(0, 1 + fake_scores)
    return [real.mean() + fake.mean(), -fake_scores.mean()]


@hinge_losses.also_right
def hinge_by_minimum(real_scores, fake_scores):
    value = np.minimum(0, real_scores - 1).mean()
    value += np.minimum(0, -fake_scores - 1).mean()
    return (-value, -np.average(fake_scores))


@hinge_losses.wrong(
    "The generator's loss has no hinge: it is minus the mean score, so its gradient "
    "never stops."
)
def hinge_for_both(real_scores, fake_scores):
    first = hinge_losses(real_scores, fake_scores)[0]
    return [first, np.maximum(0, 1 - fake_scores).mean()]


@hinge_losses.wrong("Real and generated are swapped: real scores should exceed 1.")
def hinge_swapped(real_scores, fake_scores):
    real, fake = np.maximum(0, 1 + real_scores), np.maximum(0, 1 - fake_scores)
    return [real.mean() + fake.mean(), -fake_scores.mean()]


@hinge_losses.wrong("The margin of 1 is missing: max(0, 1 - real), max(0, 1 + fake).")
def hinge_without_margin(real_scores, fake_scores):
    real, fake = np.maximum(0, -real_scores), np.maximum(0, fake_scores)
    return [real.mean() + fake.mean(), -fake_scores.mean()]


@hinge_losses.wrong(
    "The hinge is missing: scores beyond the margin must cost 0, not earn something."
)
def hinge_unbounded(real_scores, fake_scores):
    return [(1 - real_scores).mean() + (1 + fake_scores).mean(), -fake_scores.mean()]


@hinge_losses.wrong("The generator wants high scores: its loss is minus their mean.")
def hinge_generator_sign(real_scores, fake_scores):
    return [hinge_losses(real_scores, fake_scores)[0], fake_scores.mean()]


# wasserstein_losses ---------------------------------------------------------------


@problem(
    title=Text(en="Wasserstein losses", zh="Wasserstein 损失"),
    statement=Text(
        en=(
            "The critic of a Wasserstein GAN should score real images higher than "
            "generated ones by as much as possible; the generator wants high "
            "scores for its images. Return `[critic loss, generator loss]`, both "
            "to be **minimised**."
        ),
        zh=(
            "Wasserstein GAN 中的评分网络（critic）要让真实图像的平均得分尽量高于"
            "生成图像；生成器则希望自己的图像得分高。返回 `[critic 损失, 生成器"
            "损失]`，两者都要**最小化**。"
        ),
    ),
    limits=Text(
        en="Scores (n,) and (m,), any real numbers. Returns two numbers.",
        zh="得分形状为 (n,) 和 (m,)，可取任意实数。返回两个数。",
    ),
    examples=["real [3, 1], fake [-1] -> [-3.0, 1.0]"],
    topic="gan",
    level="junior",
    inputs=scores_inputs,
    hints=[
        "No sigmoid and no logarithm: only means.",
        "What is to be large gets a minus sign in a loss.",
    ],
)
def wasserstein_losses(real_scores, fake_scores):
    return [fake_scores.mean() - real_scores.mean(), -fake_scores.mean()]


@wasserstein_losses.also_right
def wasserstein_by_sums(real_scores, fake_scores):
    real = math.fsum(real_scores) / len(real_scores)
    fake = math.fsum(fake_scores) / len(fake_scores)
    return (-(real - fake), -fake)


@wasserstein_losses.wrong(
    "The critic's sign is the other way round: this is what it wants to be large, and "
    "optimisers minimise."
)
def wasserstein_maximised(real_scores, fake_scores):
    return [real_scores.mean() - fake_scores.mean(), -fake_scores.mean()]


@wasserstein_losses.wrong(
    "These are the losses of an ordinary GAN: a critic's scores are not logits. Use "
    "the difference of the means."
)
def wasserstein_cross_entropy(real_scores, fake_scores):
    return [discriminator_loss(real_scores, fake_scores), generator_loss(fake_scores)]


@wasserstein_losses.wrong(
    "The generator wants high scores: its loss is minus their mean."
)
def wasserstein_generator_sign(real_scores, fake_scores):
    return [fake_scores.mean() - real_scores.mean(), fake_scores.mean()]


@wasserstein_losses.wrong(
    "The real scores do not depend on the generator: its loss is minus the mean of the "
    "generated scores alone."
)
def wasserstein_zero_sum(real_scores, fake_scores):
    critic = fake_scores.mean() - real_scores.mean()
    return [critic, -critic]


@wasserstein_losses.wrong("Take the mean of each batch on its own.")
def wasserstein_of_one_batch(real_scores, fake_scores):
    both = np.concatenate([-real_scores, fake_scores])
    return [both.mean(), -fake_scores.mean()]


# gradient_penalty -----------------------------------------------------------------


def penalty_inputs(rng):
    for rows, width, hidden in ((4, 3, 5), (3, 6, 4)):
        yield {
            "real": normal(rng, rows, width),
            "fake": normal(rng, rows, width) + 1,
            "mix": rng.uniform(size=(rows, 1)).astype("float32"),
            "first": normal(rng, width, hidden),
            "second": normal(rng, hidden),
            "strength": 10.0,
        }


def slopes(x, first, second):
    """The gradient of tanh(x @ first) @ second with respect to each row."""
    return ((1 - np.tanh(x @ first) ** 2) * second) @ first.T


CRITIC_EN = (
    "The critic is $D(x) = \\tanh(x W) \\cdot v$ with $W$ = `first` (d, hidden) and "
    "$v$ = `second` (hidden,). "
)
CRITIC_ZH = (
    "判别函数为 $D(x) = \\tanh(x W) \\cdot v$，其中 $W$ 是 `first`（形状 (d, "
    "hidden)），"
    "$v$ 是 `second`（形状 (hidden,)）。"
)


@problem(
    title=Text(en="One gradient penalty", zh="计算一次梯度惩罚"),
    statement=Text(
        en=CRITIC_EN + "WGAN-GP holds the length of the critic's gradient near 1 "
        "between real and generated images. Form "
        "$\\hat x = m\\,x + (1 - m)\\,\\tilde x$ with real $x$, generated "
        "$\\tilde x$ and $m$ = `mix`, take the gradient of $D$ at each "
        "$\\hat x$, and return `strength` times the mean of "
        "$(\\lVert\\nabla D(\\hat x)\\rVert - 1)^2$ over the batch.",
        zh=CRITIC_ZH + "WGAN-GP 要求在真实图像与生成图像之间，判别函数梯度的长度"
        "接近 1。令 $\\hat x = m\\,x + (1 - m)\\,\\tilde x$，$x$ 为真实图像，"
        "$\\tilde x$ 为生成图像，$m$ 即 `mix`；求 $D$ 在每个 $\\hat x$ 处的"
        "梯度，返回 `strength` 乘以 $(\\lVert\\nabla D(\\hat x)\\rVert - 1)^2$ "
        "的批次均值。",
    ),
    limits=Text(
        en=(
            "`real`, `fake` (n, d) float32, `mix` (n, 1). tf.GradientTape, or the "
            "gradient by hand. Returns one number."
        ),
        zh=(
            "`real`、`fake` 形状 (n, d)，float32；`mix` 形状 (n, 1)。用 "
            "tf.GradientTape，或手工推导梯度。返回一个数。"
        ),
    ),
    examples=["second = 0: every gradient is 0, the penalty is `strength`"],
    topic="gan",
    level="senior",
    inputs=penalty_inputs,
    hints=[
        "The gradient is with respect to the images, not the weights: watch the mixed "
        "images. Scores of different images do not mix, so the gradient of the sum "
        "holds one row per image.",
        "The length of each row: square, sum over axis 1, square root. Then (length - "
        "1) squared, and the mean over the batch.",
        "By hand: the row is ((1 - tanh(x W)^2) * v) W^T.",
    ],
)
def gradient_penalty(real, fake, mix, first, second, strength):
    import tensorflow as tf

    between = tf.convert_to_tensor(mix * real + (1 - mix) * fake)
    with tf.GradientTape() as tape:
        tape.watch(between)
        scores = tf.linalg.matvec(tf.tanh(between @ first), second)
    gradient = tape.gradient(scores, between)
    lengths = tf.sqrt(tf.reduce_sum(gradient**2, axis=1))
    return strength * tf.reduce_mean((lengths - 1) ** 2)


@gradient_penalty.also_right
def penalty_by_hand(real, fake, mix, first, second, strength):
    between = fake + mix * (real - fake)
    lengths = np.linalg.norm(slopes(between, first, second), axis=1)
    return strength * np.mean(np.square(lengths - 1))


@gradient_penalty.wrong(
    "You took one length for the whole batch: take it for each image (sum over axis "
    "1), then average the penalties."
)
def penalty_of_the_batch(real, fake, mix, first, second, strength):
    gradient = slopes(mix * real + (1 - mix) * fake, first, second)
    return strength * (np.linalg.norm(gradient) - 1) ** 2


@gradient_penalty.wrong(
    "The square root is missing: the penalty compares the length, not its square, with "
    "1."
)
def penalty_of_squares(real, fake, mix, first, second, strength):
    gradient = slopes(mix * real + (1 - mix) * fake, first, second)
    return strength * np.mean(((gradient**2).sum(axis=1) - 1) ** 2)


@gradient_penalty.wrong(
    "The gradient was taken at the real images: take it at points between real and "
    "generated ones."
)
def penalty_at_real(real, fake, mix, first, second, strength):
    return penalty_by_hand(real, real, mix, first, second, strength)


@gradient_penalty.wrong(
    "The -1 is missing: WGAN-GP pulls the length towards 1, not towards 0."
)
def penalty_around_zero(real, fake, mix, first, second, strength):
    gradient = slopes(mix * real + (1 - mix) * fake, first, second)
    return strength * np.mean((gradient**2).sum(axis=1))


@gradient_penalty.wrong(
    "mix is the share of the real image, 1 - mix that of the generated one."
)
def penalty_swapped(real, fake, mix, first, second, strength):
    return penalty_by_hand(fake, real, mix, first, second, strength)


@gradient_penalty.wrong("Multiply by `strength`.")
def penalty_unweighted(real, fake, mix, first, second, strength):
    return penalty_by_hand(real, fake, mix, first, second, 1.0)


# r1_penalty -----------------------------------------------------------------------


def r1_inputs(rng):
    for rows, width, hidden in ((4, 3, 5), (3, 6, 4)):
        yield {
            "real": normal(rng, rows, width),
            "first": normal(rng, width, hidden),
            "second": normal(rng, hidden),
            "gamma": float(rng.choice([5.0, 10.0])),
        }


@problem(
    title=Text(en="The R1 penalty", zh="R1 梯度惩罚"),
    statement=Text(
        en=CRITIC_EN + "Return the R1 penalty, half of `gamma` times the mean of "
        "the **squared** gradient length at the real images:\n\n"
        "$$\\frac{\\gamma}{2}\\,\\mathbb E\\,\\lVert\\nabla_x D(x)\\rVert^2$$",
        zh=CRITIC_ZH + "返回 R1 惩罚，即 `gamma` 的一半乘以真实图像处梯度长度**平方**"
        "的均值：\n\n"
        "$$\\frac{\\gamma}{2}\\,\\mathbb E\\,\\lVert\\nabla_x D(x)\\rVert^2$$",
    ),
    limits=Text(
        en=(
            "`real` (n, d) float32. tf.GradientTape, or the gradient by hand. "
            "Returns one number."
        ),
        zh=(
            "`real` 形状 (n, d)，float32。用 tf.GradientTape，或手工推导梯度。"
            "返回一个数。"
        ),
    ),
    examples=["second = 0 -> 0.0"],
    topic="gan",
    level="senior",
    inputs=r1_inputs,
    hints=[
        "Only the real images matter, and no length needs a square root.",
        "The gradient of tanh(x W) v with respect to x is ((1 - tanh(x W)^2) * v) "
        "W^T. Sum its squares over axis 1.",
    ],
)
def r1_penalty(real, first, second, gamma):
    return gamma / 2 * np.mean((slopes(real, first, second) ** 2).sum(axis=1))


@r1_penalty.also_right
def r1_by_tape(real, first, second, gamma):
    import tensorflow as tf

    images = tf.convert_to_tensor(real)
    with tf.GradientTape() as tape:
        tape.watch(images)
        logits = tf.reduce_sum(tf.tanh(images @ first) * second, axis=1)
    gradient = tape.gradient(logits, images)
    return 0.5 * gamma * tf.reduce_sum(gradient**2) / len(real)


@r1_penalty.wrong("The factor 1/2 is missing.")
def r1_without_half(real, first, second, gamma):
    return 2 * r1_penalty(real, first, second, gamma)


@r1_penalty.wrong("Square the length: R1 is quadratic.")
def r1_not_squared(real, first, second, gamma):
    return gamma / 2 * np.linalg.norm(slopes(real, first, second), axis=1).mean()


@r1_penalty.wrong(
    "That is the form of WGAN-GP: R1 pulls the gradient towards 0, not its length "
    "towards 1."
)
def r1_around_one(real, first, second, gamma):
    lengths = np.linalg.norm(slopes(real, first, second), axis=1)
    return gamma / 2 * np.mean((lengths - 1) ** 2)


@r1_penalty.wrong("You averaged over pixels: sum the squares within an image.")
def r1_mean_over_pixels(real, first, second, gamma):
    return gamma / 2 * np.mean(slopes(real, first, second) ** 2)


@r1_penalty.wrong("Average over the images instead of adding them.")
def r1_summed(real, first, second, gamma):
    return gamma / 2 * np.sum(slopes(real, first, second) ** 2)


# spectral_norm --------------------------------------------------------------------


def spectral_inputs(rng):
    for rows, columns, steps in ((4, 3, 1), (5, 6, 3)):
        yield {
            "weight": rng.normal(size=(rows, columns)),
            "u": rng.normal(size=rows),
            "steps": steps,
        }


def unit(vector):
    return vector / np.linalg.norm(vector)


@problem(
    title=Text(en="Spectral norm by power iteration", zh="用幂迭代求谱范数"),
    statement=Text(
        en=(
            "Spectral normalisation divides a weight matrix by its largest "
            "singular value, estimated by power iteration from a stored vector "
            "$u$. Do `steps` rounds of $v \\leftarrow W^T u$, $v \\leftarrow v / "
            "\\lVert v \\rVert$, $u \\leftarrow W v$, $u \\leftarrow u / "
            "\\lVert u \\rVert$, and return `[sigma, u]` with "
            "$\\sigma = u^T W v$."
        ),
        zh=(
            "谱归一化用权重矩阵除以它的最大奇异值，后者由保存下来的向量 $u$ 经幂迭"
            "代"
            "估计。做 `steps` 轮 $v \\leftarrow W^T u$，$v \\leftarrow v / "
            "\\lVert v \\rVert$，$u \\leftarrow W v$，$u \\leftarrow u / "
            "\\lVert u \\rVert$，返回 `[sigma, u]`，其中 $\\sigma = u^T W v$。"
        ),
    ),
    limits=Text(
        en=(
            "`weight` (out, in), `u` (out,), not of length 1; `steps` at least 1. "
            "NumPy only."
        ),
        zh=(
            "`weight` 形状 (out, in)；`u` 形状 (out,)，长度不一定为 1；`steps` 不"
            "小于 1。只用 NumPy。"
        ),
    ),
    examples=["weight 3 * np.eye(2), u [1, 0], 1 step -> [3.0, [1, 0]]"],
    topic="gan",
    level="middle",
    inputs=spectral_inputs,
    hints=[
        "Each round is two matrix products, each followed by a division by the length "
        "(np.linalg.norm).",
        "Use the u and the v of the last round for sigma; then sigma is also the "
        "length of W v.",
    ],
)
def spectral_norm(weight, u, steps):
    for _ in range(steps):
        v = unit(weight.T @ u)
        u = unit(weight @ v)
    return [u @ weight @ v, u]


@spectral_norm.also_right
def spectral_by_length(weight, u, steps):
    for _ in range(steps):
        v = u @ weight
        moved = weight @ (v / math.sqrt(v @ v))
        sigma = math.sqrt(moved @ moved)
        u = moved / sigma
    return (sigma, u)


@spectral_norm.wrong(
    "This is the exact singular value decomposition: the task is the estimate after "
    "`steps` rounds, which costs far less."
)
def spectral_exact(weight, u, steps):
    left, sizes, _ = np.linalg.svd(weight)
    return [sizes[0], left[:, 0] * np.sign(left[:, 0] @ u)]


@spectral_norm.wrong(
    "np.linalg.norm of a matrix is the Frobenius norm, the root of the sum of all "
    "squares: sigma is u W v."
)
def spectral_frobenius(weight, u, steps):
    return [np.linalg.norm(weight), spectral_norm(weight, u, steps)[1]]


@spectral_norm.wrong(
    "Divide v and u by their lengths in every round, or they grow without limit."
)
def spectral_not_normalised(weight, u, steps):
    for _ in range(steps):
        v = weight.T @ u
        u = weight @ v
    return [u @ weight @ v, u]


@spectral_norm.wrong("This is the square of sigma, the eigenvalue of W W^T.")
def spectral_squared(weight, u, steps):
    sigma, u = spectral_norm(weight, u, steps)
    return [sigma**2, u]


@spectral_norm.wrong(
    "sigma was computed with the u from before the last round: use the new one."
)
def spectral_old_u(weight, u, steps):
    for _ in range(steps):
        before, v = u, unit(weight.T @ u)
        u = unit(weight @ v)
    return [unit(before) @ weight @ v, u]


# digit_generator (hunt): upsampling never reaches 28 x 28 -------------------------

DIGIT_GENERATOR = '''\
import keras
from keras import layers


def digit_generator(noise_size, filters):
    """Noise to images of 28 x 28 pixels."""
    noise = keras.Input((noise_size,))
    x = layers.Dense(7 * 7 * filters, activation="relu")(noise)
    x = layers.Reshape((7, 7, filters))(x)
    x = layers.Conv2DTranspose(
        filters, 5, strides=1, padding="same", activation="relu"
    )(x)
    x = layers.Conv2DTranspose(
        1, 5, strides=1, padding="same", activation="tanh"
    )(x)
    return keras.Model(noise, x)
'''


def noise_inputs(rng):
    for size, filters in ((6, 3), (8, 2)):
        x = 10 * normal(rng, 4, size)
        yield {"noise_size": size, "filters": filters, "x": x}


def generator_with(noise_size, filters, strides, padding="same", last="tanh"):
    import keras
    from keras import layers

    noise = keras.Input((noise_size,))
    x = layers.Dense(7 * 7 * filters, activation="relu")(noise)
    x = layers.Reshape((7, 7, filters))(x)
    x = layers.Conv2DTranspose(
        filters, 5, strides=strides[0], padding=padding, activation="relu"
    )(x)
    x = layers.Conv2DTranspose(
        1, 5, strides=strides[1], padding=padding, activation=last
    )(x)
    return keras.Model(noise, x)


@problem(
    title=Text(en="Bug hunt: stamps instead of digits", zh="找错：生成的图只有邮票大"),
    statement=Text(
        en=(
            "The generator should draw 28 x 28 pixels, but the discriminator "
            "refuses its images: they are far too small. Find the mistake and "
            "repair the function; keep all layers and their sizes."
        ),
        zh=(
            "生成器应当画出 28 x 28 像素的图像，判别器却拒收它的输出：图像太小了。"
            "找出错误并修好这个函数，各层及其大小保持不变。"
        ),
    ),
    limits=Text(
        en="Keras. Returns a keras.Model; pixels in [-1, 1] from a tanh.",
        zh="用 Keras。返回 keras.Model，像素经 tanh 落在 [-1, 1] 内。",
    ),
    examples=["digit_generator(100, 64): noise (n, 100) -> images (n, 28, 28, 1)"],
    topic="gan",
    level="junior",
    broken=DIGIT_GENERATOR,
    mistake=(
        "Upsampling never happens: with strides of 1 the image stays at 7 x 7. Two "
        "strides of 2 lead to 28 x 28."
    ),
    inputs=noise_inputs,
    observe="activations",
    hints=[
        "From 7 x 7 to 28 x 28 the side has to double twice. Which setting of a "
        "transposed convolution multiplies the side?",
        'With padding="same" the side grows by the factor `strides`.',
    ],
)
def digit_generator(noise_size, filters):
    return generator_with(noise_size, filters, (2, 2))


@digit_generator.also_right
def generator_in_a_row(noise_size, filters):
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((noise_size,)),
            layers.Dense(49 * filters),
            layers.ReLU(),
            layers.Reshape((7, 7, filters)),
            layers.Conv2DTranspose(filters, (5, 5), strides=(2, 2), padding="same"),
            layers.ReLU(),
            layers.Conv2DTranspose(1, (5, 5), strides=(2, 2), padding="same"),
            layers.Activation("tanh"),
        ]
    )


@digit_generator.wrong("The side doubles only once, to 14: both layers need strides=2.")
def generator_doubling_once(noise_size, filters):
    return generator_with(noise_size, filters, (2, 1))


@digit_generator.wrong('Keep padding="same": without it the side becomes 37.')
def generator_not_padded(noise_size, filters):
    return generator_with(noise_size, filters, (2, 2), padding="valid")


@digit_generator.wrong("Keep the tanh: the real images lie in [-1, 1].")
def generator_with_sigmoid(noise_size, filters):
    return generator_with(noise_size, filters, (2, 2), last="sigmoid")


# patch_generator (hunt): 49 numbers reshaped to 784 -------------------------------

PATCH_GENERATOR = '''\
import keras
from keras import layers


def patch_generator(noise_size, channels):
    """Noise to images of 28 x 28 pixels in [0, 1]."""
    noise = keras.Input((noise_size,))
    x = layers.Dense(7 * 7 * channels, activation="relu")(noise)
    x = layers.Reshape((7, 7, channels))(x)
    x = layers.Dense(1, activation="sigmoid")(x)
    x = layers.Reshape((28, 28, 1))(x)
    return keras.Model(noise, x)
'''


def patch_inputs(rng):
    for size, channels in ((6, 3), (8, 2)):
        x = 10 * normal(rng, 4, size)
        yield {"noise_size": size, "channels": channels, "x": x}


def small_maps(noise_size, channels):
    import keras
    from keras import layers

    noise = keras.Input((noise_size,))
    x = layers.Dense(7 * 7 * channels, activation="relu")(noise)
    return noise, layers.Reshape((7, 7, channels))(x)


@problem(
    title=Text(
        en="Bug hunt: 49 numbers for 784 pixels", zh="找错：49 个数填不满 784 个像素"
    ),
    statement=Text(
        en=(
            "Building the generator raises a ValueError: 'The total size of the "
            "tensor must be unchanged'. Each of the 7 x 7 places should become a "
            "patch of 4 x 4 pixels, by one transposed convolution with a kernel "
            "of 4 x 4 and the fitting stride. Repair the function."
        ),
        zh=(
            "建立生成器时报 ValueError：`The total size of the tensor must be "
            "unchanged`。正确的做法是用一个 4 x 4 卷积核、步长合适的转置卷积，把 "
            "7 x 7 的每个位置变成 4 x 4 像素的一小块。修好这个函数。"
        ),
    ),
    limits=Text(
        en="Keras. Keep the first two layers and the sigmoid at the end.",
        zh="用 Keras。保留前两层和最后的 sigmoid。",
    ),
    examples=["patch_generator(100, 128): noise (n, 100) -> images (n, 28, 28, 1)"],
    topic="gan",
    level="junior",
    broken=PATCH_GENERATOR,
    mistake=(
        "7 x 7 x 1 numbers were reshaped to 28 x 28: Reshape only sorts numbers anew, "
        "49 of them never fill 784 pixels."
    ),
    inputs=patch_inputs,
    observe="activations",
    hints=[
        "How many numbers does Dense(1) leave of (7, 7, channels)? Reshape makes no "
        "new ones.",
        "layers.Conv2DTranspose(1, 4, strides=4, ...) turns 7 x 7 into 28 x 28.",
    ],
)
def patch_generator(noise_size, channels):
    import keras
    from keras import layers

    noise, x = small_maps(noise_size, channels)
    x = layers.Conv2DTranspose(1, 4, strides=4, activation="sigmoid")(x)
    return keras.Model(noise, x)


@patch_generator.also_right
def patches_in_a_row(noise_size, channels):
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((noise_size,)),
            layers.Dense(7 * 7 * channels, activation="relu"),
            layers.Reshape((7, 7, channels)),
            layers.Conv2DTranspose(1, (4, 4), strides=(4, 4), padding="same"),
            layers.Activation("sigmoid"),
        ]
    )


@patch_generator.wrong(
    "The count is right, but a plain Reshape lays the 16 numbers of a place in one row "
    "of pixels, not in a patch of 4 x 4."
)
def sixteen_numbers_reshaped(noise_size, channels):
    import keras
    from keras import layers

    noise, x = small_maps(noise_size, channels)
    x = layers.Dense(16, activation="sigmoid")(x)
    return keras.Model(noise, layers.Reshape((28, 28, 1))(x))


@patch_generator.wrong("Without the Reshape it runs, but the image has 7 x 7 pixels.")
def patches_of_seven(noise_size, channels):
    import keras
    from keras import layers

    noise, x = small_maps(noise_size, channels)
    return keras.Model(noise, layers.Dense(1, activation="sigmoid")(x))


@patch_generator.wrong(
    "Each place became a patch of 16 equal pixels: let a transposed convolution learn "
    "the patch."
)
def patches_repeated(noise_size, channels):
    import keras
    from keras import layers

    noise, x = small_maps(noise_size, channels)
    x = layers.Dense(1, activation="sigmoid")(x)
    return keras.Model(noise, layers.UpSampling2D(4)(x))


# dense_generator (hunt): np is imported nowhere ------------------------------------

DENSE_GENERATOR = '''\
import keras
from keras import layers


def dense_generator(noise_size, image_shape):
    """Noise to images of this shape, pixels in [0, 1]."""
    noise = keras.Input((noise_size,))
    size = int(np.prod(image_shape))
    x = layers.Dense(size, activation="sigmoid")(noise)
    return keras.Model(noise, layers.Reshape(image_shape)(x))
'''


def shape_inputs(rng):
    for size, shape in ((5, (28, 28, 1)), (3, (6, 5, 2)), (4, (9, 4, 1))):
        x = 10 * normal(rng, 4, size)
        yield {"noise_size": size, "image_shape": list(shape), "x": x}


def dense_layer_of(size, noise_size, image_shape, last="sigmoid"):
    import keras
    from keras import layers

    noise = keras.Input((noise_size,))
    x = layers.Dense(size, activation=last)(noise)
    return keras.Model(noise, layers.Reshape(image_shape)(x))


@problem(
    title=Text(en="Bug hunt: a cell that stayed behind", zh="找错：漏抄了一个单元格"),
    statement=Text(
        en=(
            "Building the generator stops with `NameError: name 'np' is not "
            "defined`. In its author's notebook it ran: an earlier cell, which "
            "was not copied, defined the name. Find the mistake and repair the "
            "function, for images of any shape."
        ),
        zh=(
            "建立生成器时报 `NameError: name 'np' is not defined`。在作者的笔记本里"
            "它能运行：这个名字是在前面一个单元格里定义的，抄代码时漏掉了。找出错误并"
            "修好这个函数，图像可以是任意形状。"
        ),
    ),
    limits=Text(
        en="Keras. `image_shape`: rows, columns, channels. Keep both layers.",
        zh="用 Keras。`image_shape` 依次为行数、列数、通道数。保留这两层。",
    ),
    examples=["dense_generator(100, (28, 28, 1)): (n, 100) -> (n, 28, 28, 1)"],
    topic="gan",
    level="junior",
    broken=DENSE_GENERATOR,
    mistake=(
        "A name is used that this program never defines: np. Add import numpy as np."
    ),
    inputs=shape_inputs,
    observe="activations",
    hints=[
        "A program has to define, or import, every name that it uses.",
        "import numpy as np at the top; or math.prod, with import math.",
    ],
)
def dense_generator(noise_size, image_shape):
    return dense_layer_of(int(np.prod(image_shape)), noise_size, image_shape)


@dense_generator.also_right
def dense_without_numpy(noise_size, image_shape):
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((noise_size,)),
            layers.Dense(math.prod(image_shape)),
            layers.Reshape(image_shape),
            layers.Activation("sigmoid"),
        ]
    )


@dense_generator.wrong(
    "784 fits images of 28 x 28 only: compute the size from image_shape."
)
def dense_for_mnist_only(noise_size, image_shape):
    return dense_layer_of(784, noise_size, image_shape)


@dense_generator.wrong("The channels are missing: rows times columns times channels.")
def dense_without_channels(noise_size, image_shape):
    rows, columns, _ = image_shape
    return dense_layer_of(rows * columns, noise_size, image_shape)


@dense_generator.wrong("np.prod multiplies; you added the sides.")
def dense_of_summed_sides(noise_size, image_shape):
    return dense_layer_of(sum(image_shape), noise_size, image_shape)


@dense_generator.wrong("Keep the sigmoid: pixels lie in [0, 1].")
def dense_without_sigmoid(noise_size, image_shape):
    return dense_layer_of(math.prod(image_shape), noise_size, image_shape, None)


# flat_discriminator (hunt): Flatten(d) --------------------------------------------

FLAT_DISCRIMINATOR = '''\
import keras
from keras import layers


def flat_discriminator(image_shape, filters):
    """Images to one logit each."""
    images = keras.Input(image_shape)
    x = layers.Conv2D(filters, 3, strides=2, padding="same", activation="relu")(images)
    x = layers.Flatten(x)
    return keras.Model(images, layers.Dense(1)(x))
'''


def image_inputs(rng):
    for shape, filters in (((8, 8, 1), 3), ((6, 10, 1), 2)):
        x = 30 * normal(rng, 8, *shape)
        yield {"image_shape": list(shape), "filters": filters, "x": x}


@problem(
    title=Text(en="Bug hunt: a layer in the wrong brackets", zh="找错：括号里的层"),
    statement=Text(
        en=(
            "Building the discriminator raises a ValueError that complains about "
            "`data_format` and shows a KerasTensor. Find the mistake and repair "
            "the function."
        ),
        zh=(
            "建立判别器时报 ValueError，说 `data_format` 不合法，还打印出一个 "
            "KerasTensor。找出错误并修好这个函数。"
        ),
    ),
    limits=Text(
        en="Keras. One logit for each image, no sigmoid.",
        zh="用 Keras。每张图像输出一个 logit，不加 sigmoid。",
    ),
    examples=["flat_discriminator((28, 28, 1), 32): (n, 28, 28, 1) -> (n, 1)"],
    topic="gan",
    level="junior",
    broken=FLAT_DISCRIMINATOR,
    mistake=(
        "Flatten(x) makes a layer with x as its setting; it does not flatten x. Make "
        "the layer, then call it: Flatten()(x)."
    ),
    inputs=image_inputs,
    observe="activations",
    hints=[
        "Compare the line of Flatten with the line above it: how many pairs of "
        "brackets follow the layer's name?",
        "First make the layer, then call it: layers.Flatten()(x).",
    ],
)
def flat_discriminator(image_shape, filters):
    import keras
    from keras import layers

    images = keras.Input(image_shape)
    x = layers.Conv2D(filters, 3, strides=2, padding="same", activation="relu")(images)
    x = layers.Flatten()(x)
    return keras.Model(images, layers.Dense(1)(x))


@flat_discriminator.also_right
def discriminator_in_a_row(image_shape, filters):
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input(image_shape),
            layers.Conv2D(filters, 3, strides=2, padding="same"),
            layers.ReLU(),
            layers.Reshape((-1,)),
            layers.Dense(1),
        ]
    )


@flat_discriminator.wrong(
    "Without Flatten the last layer gives one logit for each place: flatten, so that "
    "it sees the whole image."
)
def discriminator_never_flat(image_shape, filters):
    import keras
    from keras import layers

    images = keras.Input(image_shape)
    x = layers.Conv2D(filters, 3, strides=2, padding="same", activation="relu")(images)
    return keras.Model(images, layers.Dense(1)(x))


@flat_discriminator.wrong("Return a logit: no sigmoid at the end.")
def discriminator_with_sigmoid(image_shape, filters):
    import keras
    from keras import layers

    whole = flat_discriminator(image_shape, filters)
    return keras.Sequential([*whole.layers, layers.Activation("sigmoid")])


# leaky_response (hunt): LeakyReLU(alpha=) -----------------------------------------

LEAKY_RESPONSE = '''\
import warnings

from keras import layers


def leaky_response(values, slope):
    """What a leaky ReLU makes of the values."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # as in our tests
        return layers.LeakyReLU(alpha=slope)(values)
'''


def leaky_inputs(rng):
    for slope in (0.2, 0.05):
        yield {"values": normal(rng, 3, 4), "slope": slope}


@problem(
    title=Text(en="Bug hunt: a setting of old", zh="找错：过时的参数名"),
    statement=Text(
        en=(
            "Our tests turn warnings into errors, and this program stops with a "
            "UserWarning. Repair the function for Keras 3; the activation keeps "
            "the slope that it is given."
        ),
        zh=(
            "我们的测试把警告当作错误，这段程序因 UserWarning 而停下。按 Keras 3 修"
            "好"
            "这个函数，负半轴的斜率仍由参数给定。"
        ),
    ),
    limits=Text(
        en="`values` float32, any shape. Leave the filter for warnings in place.",
        zh="`values` 为 float32，形状任意。保留把警告变成错误的那一行。",
    ),
    examples=["leaky_response(np.array([-1.0, 2.0]), 0.2) -> [-0.2, 2.0]"],
    topic="gan",
    level="junior",
    broken=LEAKY_RESPONSE,
    mistake=(
        "LeakyReLU(alpha=...) is the name of Keras 2: in Keras 3 the setting is called "
        "negative_slope."
    ),
    inputs=leaky_inputs,
    hints=[
        "Read the warning: Keras 3 gave the setting another name.",
        "layers.LeakyReLU(negative_slope=...)",
    ],
)
def leaky_response(values, slope):
    from keras import layers

    return layers.LeakyReLU(negative_slope=slope)(values)


@leaky_response.also_right
def leaky_by_where(values, slope):
    return np.where(values > 0, values, slope * values)


@leaky_response.wrong("The slope is ignored: without a setting LeakyReLU uses 0.3.")
def leaky_default(values, slope):
    return leaky_by_where(values, 0.3)


@leaky_response.wrong("This is a plain ReLU: negative values must leak.")
def not_leaky(values, slope):
    return np.maximum(values, 0)


# score_loss (hunt): bare scores read as probabilities -----------------------------

SCORE_LOSS = '''\
import keras


def score_loss(features, weights, labels):
    """The discriminator's loss; its last layer is Dense(1) without activation."""
    scores = features @ weights
    return keras.losses.BinaryCrossentropy()(labels, scores)
'''


def score_inputs(rng):
    for rows, width in ((8, 3), (6, 4)):
        features = rng.normal(size=(rows, width))
        yield {
            "features": features.astype("float32"),
            "weights": normal(rng, width),
            "labels": np.tile([1.0, 0.0], rows // 2).astype("float32"),
        }


@problem(
    title=Text(en="Bug hunt: scores taken for probabilities", zh="找错：把分数当概率"),
    statement=Text(
        en=(
            "The discriminator's loss jumps between 0 and 16, and for every score "
            "below 0 or above 1 its gradient is 0. The last layer is a bare "
            "Dense(1). Find the mistake and repair the function."
        ),
        zh=(
            "判别器的损失在 0 和 16 之间乱跳，而且只要分数小于 0 或大于 1，梯度就"
            "为 "
            "0。最后一层是不带激活函数的 Dense(1)。找出错误并修好这个函数。"
        ),
    ),
    limits=Text(
        en=(
            "`features` (n, d), `weights` (d,), `labels` (n,) of 0 and 1, float32. "
            "Returns the mean cross-entropy in nats."
        ),
        zh=(
            "`features` 形状 (n, d)，`weights` 形状 (d,)，`labels` 形状 (n,)，取值 "
            "0 或 1，float32。返回平均交叉熵，单位奈特。"
        ),
    ),
    examples=["weights 0 -> log 2 = 0.693147"],
    topic="gan",
    level="junior",
    broken=SCORE_LOSS,
    mistake=(
        "A bare Dense(1) returns logits, but the loss reads them as probabilities and "
        "clips them to [0, 1]: say from_logits=True."
    ),
    inputs=score_inputs,
    hints=[
        "In which range does BinaryCrossentropy expect its second argument, unless "
        "told otherwise?",
        "Either a sigmoid in the last layer, or from_logits=True in the loss; the "
        "second is more exact. Not both.",
    ],
)
def score_loss(features, weights, labels):
    import keras

    scores = features @ weights
    return keras.losses.BinaryCrossentropy(from_logits=True)(labels, scores)


@score_loss.also_right
def score_by_hand(features, weights, labels):
    scores = features @ weights
    white = 1 / (1 + np.exp(-scores))
    return -np.mean(labels * np.log(white) + (1 - labels) * np.log(1 - white))


@score_loss.wrong(
    "The sigmoid is applied twice: with from_logits=True hand over the scores "
    "themselves."
)
def score_sigmoid_twice(features, weights, labels):
    probabilities = expit(features @ weights)
    return np.mean(np.logaddexp(0, probabilities) - labels * probabilities)


@score_loss.wrong(
    "(tanh(score) + 1) / 2 is the sigmoid of twice the score: use the sigmoid of the "
    "score."
)
def score_by_tanh(features, weights, labels):
    return score_by_hand(features, 2 * weights, labels)


@score_loss.wrong("This is a squared error: keep the cross-entropy.")
def score_squared(features, weights, labels):
    return np.mean((expit(features @ weights) - labels) ** 2)


# gan_losses (hunt): losses that compare images ------------------------------------

GAN_LOSSES = '''\
import numpy as np


def cross_entropy(label, logits):
    return np.mean(np.logaddexp(0, logits) - label * logits)


def gan_losses(real_images, fake_images, weights):
    """The losses of discriminator and generator; `weights` is the discriminator."""
    real_logits = real_images @ weights
    fake_logits = fake_images @ weights
    real, fake = real_images, fake_images
    discriminator_loss = cross_entropy(1, real) + cross_entropy(0, fake)
    generator_loss = cross_entropy(1, fake)
    return discriminator_loss, generator_loss
'''


def images_inputs(rng):
    for real, fake, width in ((4, 6, 5), (5, 3, 4)):
        yield {
            "real_images": rng.uniform(size=(real, width)),
            "fake_images": rng.uniform(size=(fake, width)),
            "weights": 2 * rng.normal(size=width) + 0.5,
        }


@problem(
    title=Text(
        en="Bug hunt: losses that never ask the discriminator",
        zh="找错：损失里没有判别器",
    ),
    statement=Text(
        en=(
            "Whatever the discriminator's weights, both losses stay the same, and "
            "no gradient reaches them. Find the mistake and repair `gan_losses`."
        ),
        zh=(
            "不管判别器的权重怎么变，两个损失都不变，也没有梯度传到判别器。找出错误"
            "并修好 `gan_losses`。"
        ),
    ),
    limits=Text(
        en=(
            "Images (n, d) and (m, d), `weights` (d,). Returns the discriminator's "
            "and the (non-saturating) generator's loss."
        ),
        zh=(
            "图像形状 (n, d) 与 (m, d)，`weights` 形状 (d,)。依次返回判别器损失和"
            "（非饱和的）生成器损失。"
        ),
    ),
    examples=["weights 0 -> (2 log 2, log 2) = (1.386294, 0.693147)"],
    topic="gan",
    level="junior",
    broken=GAN_LOSSES,
    mistake=(
        "The losses compare images with 0 and 1: they must judge the discriminator's "
        "outputs, real_logits and fake_logits."
    ),
    inputs=images_inputs,
    hints=[
        "What does cross_entropy expect as its second argument, and what does it get?",
        "real_logits and fake_logits are computed and never used.",
    ],
)
def gan_losses(real_images, fake_images, weights):
    real, fake = real_images @ weights, fake_images @ weights
    return [discriminator_loss(real, fake), generator_loss(fake)]


@gan_losses.also_right
def gan_losses_by_probability(real_images, fake_images, weights):
    real, fake = expit(real_images @ weights), expit(fake_images @ weights)
    first = -np.log(real).mean() - np.log(1 - fake).mean()
    return (first, -np.log(fake).mean())


@gan_losses.wrong("The generator's loss still uses the images: give it fake_logits.")
def gan_losses_half_repaired(real_images, fake_images, weights):
    first = gan_losses(real_images, fake_images, weights)[0]
    return [first, generator_loss(fake_images)]


@gan_losses.wrong(
    "Both have the same loss, so they would not be opponents: the generator wants its "
    "images to be called real."
)
def gan_losses_same_for_both(real_images, fake_images, weights):
    loss = gan_losses(real_images, fake_images, weights)[0]
    return [loss, loss]


@gan_losses.wrong("The generator's label must be 1: it wants to be taken for real.")
def gan_losses_with_fake_label(real_images, fake_images, weights):
    real, fake = real_images @ weights, fake_images @ weights
    return [discriminator_loss(real, fake), generator_labelled_fake(fake)]


# discriminator_objective (hunt): the logarithm of a sum ---------------------------

DISCRIMINATOR_OBJECTIVE = '''\
import numpy as np


def discriminator_objective(real, fake):
    """The discriminator's loss; real and fake are D(x) and D(G(z))."""
    return -np.mean(np.log(real + fake))
'''


def probability_inputs(rng):
    for rows in (5, 4):
        yield {
            "real": rng.uniform(0.6, 0.98, rows),
            "fake": rng.uniform(0.45, 0.95, rows),
        }


@problem(
    title=Text(en="Bug hunt: the logarithm of a sum", zh="找错：和的对数"),
    statement=Text(
        en=(
            "Somebody wrote the discriminator's loss as "
            "$-\\log(D(x) + D(G(z)))$. For $D(x) = 1$ and $D(G(z)) = 0.8$ it gives "
            "-0.588, which no cross-entropy can be, and training drives $D(G(z))$ "
            "up. Find the mistake, compare with the value function of the GAN, and "
            "repair the function."
        ),
        zh=(
            "有人把判别器损失写成 $-\\log(D(x) + D(G(z)))$。当 $D(x) = 1$、"
            "$D(G(z)) = 0.8$ 时它等于 -0.588，交叉熵不可能为负；训练还会把 "
            "$D(G(z))$ 推高。对照 GAN 的价值函数找出错误，修好这个函数。"
        ),
    ),
    limits=Text(
        en=(
            "`real`, `fake` (n,): probabilities D(x) and D(G(z)), inside (0, 1). "
            "Returns one number in nats, to be minimised."
        ),
        zh=(
            "`real`、`fake` 形状 (n,)，即概率 D(x) 与 D(G(z))，在 (0, 1) 内。返回"
            "一个待最小化的数，单位奈特。"
        ),
    ),
    examples=["real [0.5], fake [0.5] -> 2 log 2 = 1.386294"],
    topic="gan",
    level="junior",
    broken=DISCRIMINATOR_OBJECTIVE,
    mistake=(
        "-log(D(x) + D(G(z))) rewards high scores for fakes and can be negative: the "
        "loss is -log D(x) - log(1 - D(G(z)))."
    ),
    inputs=probability_inputs,
    hints=[
        "The discriminator maximises E[log D(x)] + E[log(1 - D(G(z)))].",
        "Two logarithms, each averaged; a loss has the opposite sign.",
    ],
)
def discriminator_objective(real, fake):
    return -np.mean(np.log(real)) - np.mean(np.log(1 - fake))


@discriminator_objective.also_right
def objective_as_product(real, fake):
    return -np.log(real * (1 - fake)).mean()


@discriminator_objective.wrong(
    "Taking the absolute value hides the impossible sign: the sum of two probabilities "
    "is no probability. Use two logarithms."
)
def objective_absolute(real, fake):
    return np.abs(np.log(real + fake)).mean()


@discriminator_objective.wrong(
    "Fakes should get a low probability: use log(1 - D(G(z)))."
)
def objective_for_fakes(real, fake):
    return -np.mean(np.log(real)) - np.mean(np.log(fake))


@discriminator_objective.wrong(
    "This is the value that the discriminator maximises: the loss is its negative."
)
def objective_value(real, fake):
    return -discriminator_objective(real, fake)


@discriminator_objective.wrong(
    "The logarithm of a sum is not the sum of logarithms: take two."
)
def objective_one_logarithm(real, fake):
    return -np.mean(np.log(real + 1 - fake))


# generator_cost (hunt): logarithm to base 2 ---------------------------------------

GENERATOR_COST = '''\
import numpy as np


def generator_cost(probability):
    """-log D(G(z)) for each image, in nats."""
    return -np.log2(probability)
'''


def cost_inputs(rng):
    yield {"probability": np.append(rng.uniform(0.05, 0.95, 4), 0.8)}
    yield {"probability": rng.uniform(0.05, 0.95, 3)}


@problem(
    title=Text(en="Bug hunt: 0.322 or 0.223?", zh="找错：0.322 还是 0.223？"),
    statement=Text(
        en=(
            "Keras reports a generator loss of 0.223 where $D(G(z)) = 0.8$; this "
            "function says 0.322. Find the mistake and repair the function."
        ),
        zh=(
            "当 $D(G(z)) = 0.8$ 时，Keras 报告的生成器损失是 0.223，这个函数却给出 "
            "0.322。找出错误并修好它。"
        ),
    ),
    limits=Text(
        en="`probability` (n,), inside (0, 1). Returns (n,), in nats.",
        zh="`probability` 形状 (n,)，在 (0, 1) 内。返回 (n,)，单位奈特。",
    ),
    examples=["generator_cost(np.array([0.8])) -> [0.223144]"],
    topic="gan",
    level="junior",
    broken=GENERATOR_COST,
    mistake=(
        "The logarithm has base 2, so the result is in bits: losses use the natural "
        "logarithm."
    ),
    inputs=cost_inputs,
    hints=[
        "What is 0.322 / 0.223?",
        "It is 1 / log 2 = 1.4427: the units differ, bits against nats.",
    ],
)
def generator_cost(probability):
    return -np.log(probability)


@generator_cost.also_right
def cost_changed_base(probability):
    return [math.log(1 / one) for one in probability]


@generator_cost.wrong("This logarithm has base 10: use np.log.")
def cost_decimal(probability):
    return -np.log10(probability)


@generator_cost.wrong(
    "The sign is missing: the logarithm of a probability is negative."
)
def cost_negative(probability):
    return np.log(probability)


@generator_cost.wrong("This is log(1 - D), the saturating form: keep -log D.")
def cost_saturating(probability):
    return np.log(1 - probability)


# share_taken_for_real (hunt): real read as a low probability ----------------------

SHARE_TAKEN_FOR_REAL = '''\
import numpy as np


def share_taken_for_real(logits):
    """The share of images with D(x) above 0.5; in training, real had the label 1."""
    probability = 1 / (1 + np.exp(logits))
    return np.mean(probability > 0.5)
'''


def decision_inputs(rng):
    for rows, shift in ((15, 1.0), (9, -1.0)):
        logits = rng.normal(size=rows) + shift
        logits[0], logits[1:3], logits[3] = -shift, shift, 0.25
        yield {"logits": logits}


@problem(
    title=Text(en="Bug hunt: the world upside down", zh="找错：真假颠倒"),
    statement=Text(
        en=(
            "The discriminator was trained with the label 1 for real images, and "
            "its loss is low. Yet this report says that it takes hardly any real "
            "image for real, and nearly every generated one. Find the mistake and "
            "repair the function."
        ),
        zh=(
            "训练判别器时真实图像的标签是 1，它的损失也很低。可是按这个函数的统计，"
            "真实图像几乎都没被判为真，生成图像反而几乎全被判为真。找出错误并修好"
            "它。"
        ),
    ),
    limits=Text(
        en="`logits` (n,), none is exactly 0. Returns a share from 0 to 1.",
        zh="`logits` 形状 (n,)，没有恰好为 0 的值。返回 0 到 1 的比例。",
    ),
    examples=["logits [3.0, 2.0, -1.0, 4.0] -> 0.75"],
    topic="gan",
    level="junior",
    broken=SHARE_TAKEN_FOR_REAL,
    mistake=(
        "The more real the image, the lower this probability: the sign in the sigmoid "
        "is missing, 1 / (1 + exp(-logits))."
    ),
    inputs=decision_inputs,
    hints=[
        "Does a larger logit mean a higher or a lower probability of 'real'?",
        "The sigmoid is 1 / (1 + exp(-logit)).",
    ],
)
def share_taken_for_real(logits):
    return np.mean(1 / (1 + np.exp(-logits)) > 0.5)


@share_taken_for_real.also_right
def share_of_positive(logits):
    return sum(one > 0 for one in logits) / len(logits)


@share_taken_for_real.wrong(
    "You compared logits with 0.5: a probability of 0.5 is a logit of 0."
)
def share_above_half(logits):
    return np.mean(logits > 0.5)


@share_taken_for_real.wrong("Count decisions; do not average them.")
def mean_probability(logits):
    return np.mean(expit(logits))


@share_taken_for_real.wrong("Return the share, not the count.")
def count_taken_for_real(logits):
    return np.sum(logits > 0)


# discriminator_batch (hunt): [-1, 1] against a sigmoid ----------------------------

DISCRIMINATOR_BATCH = '''\
import numpy as np


def generate(noise, weights):
    """The generator: its last layer is a sigmoid."""
    return 1 / (1 + np.exp(-noise @ weights))


def discriminator_batch(pixels, noise, weights):
    """Real images, then generated ones, as the discriminator sees them."""
    real = (pixels - 127.5) / 127.5
    fake = generate(noise, weights)
    return np.concatenate([real, fake])
'''


def batch_inputs(rng):
    for rows, width in ((4, 6), (3, 5)):
        yield {
            "pixels": rng.integers(0, 256, (rows, width)).astype("float64"),
            "noise": rng.normal(size=(rows + 1, 3)),
            "weights": rng.normal(size=(3, width)),
        }


@problem(
    title=Text(
        en="Bug hunt: a discriminator that wins at once", zh="找错：判别器一上来就赢"
    ),
    statement=Text(
        en=(
            "After a few steps the discriminator is always right: it only has to "
            "look whether the paper is -1 or 0. Find the mistake and repair "
            "`discriminator_batch`; the generator stays as it is."
        ),
        zh=(
            "没训练几步，判别器就百发百中：它只要看背景是 -1 还是 0 就够了。找出错"
            "误"
            "并修好 `discriminator_batch`，生成器不改。"
        ),
    ),
    limits=Text(
        en=(
            "`pixels` (n, d) from 0 to 255, `noise` (m, k), `weights` (k, d). "
            "Returns (n + m, d), real images first."
        ),
        zh=(
            "`pixels` 形状 (n, d)，取值 0 到 255；`noise` 形状 (m, k)；`weights` "
            "形状 (k, d)。返回 (n + m, d)，真实图像在前。"
        ),
    ),
    examples=["pixels 255 and weights 0 -> a row of 1.0, then rows of 0.5"],
    topic="gan",
    level="junior",
    broken=DISCRIMINATOR_BATCH,
    mistake=(
        "Real images lie in [-1, 1], but a sigmoid only reaches [0, 1]: scale the "
        "pixels by 1 / 255."
    ),
    inputs=batch_inputs,
    hints=[
        "In which range do the real images lie, in which the generated ones?",
        "A sigmoid gives numbers from 0 to 1: bring the real pixels there.",
    ],
)
def discriminator_batch(pixels, noise, weights):
    return np.concatenate([pixels / 255, expit(noise @ weights)])


@discriminator_batch.also_right
def batch_by_halves(pixels, noise, weights):
    real = (pixels - 127.5) / 127.5
    return np.vstack([0.5 * real + 0.5, 1 / (1 + np.exp(-(noise @ weights)))])


@discriminator_batch.wrong(
    "The ranges agree now, but you changed the generated images: scale the real ones "
    "to [0, 1] instead."
)
def batch_fakes_stretched(pixels, noise, weights):
    fake = 2 * expit(noise @ weights) - 1
    return np.concatenate([(pixels - 127.5) / 127.5, fake])


@discriminator_batch.wrong("Now the real images reach from 0 to 2: divide by 255.")
def batch_up_to_two(pixels, noise, weights):
    return np.concatenate([pixels / 127.5, expit(noise @ weights)])


@discriminator_batch.wrong("Scale the pixels to [0, 1]: divide by 255.")
def batch_unscaled(pixels, noise, weights):
    return np.concatenate([pixels, expit(noise @ weights)])


@discriminator_batch.wrong(
    "Clipping turns every dark grey into black: scale, do not cut."
)
def batch_cut_off(pixels, noise, weights):
    real = np.clip((pixels - 127.5) / 127.5, 0, 1)
    return np.concatenate([real, expit(noise @ weights)])
