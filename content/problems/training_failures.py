"""Coding problems and bug hunts: training that fails, above all of GANs."""

import math

import numpy as np
from scipy.special import expit

from digitdreams.inputs import normal
from digitdreams.interview.bank import Text
from digitdreams.interview.problems import problem

# averaged_weights -----------------------------------------------------------------


def history_inputs(rng):
    for steps, size, decay in ((4, 3, 0.9), (9, 2, 0.6), (1, 4, 0.99)):
        yield {"history": rng.normal(size=(steps, size)) + 2, "decay": decay}


@problem(
    title=Text(en="A moving average of weights", zh="权重的指数滑动平均（EMA）"),
    statement=Text(
        en=(
            "Samples from averaged generator weights are often better. Start the "
            "average at 0, update it after each step with "
            "$a \\leftarrow \\beta a + (1 - \\beta) w$, and at the end divide by "
            "$1 - \\beta^t$ ($t$ steps) to correct the bias towards 0. Return the "
            "corrected average after the last step."
        ),
        zh=(
            "用滑动平均后的生成器权重采样，效果往往更好。平均值从 0 开始，每步之后"
            "做 "
            "$a \\leftarrow \\beta a + (1 - \\beta) w$；最后除以 $1 - \\beta^t$"
            "（共 $t$ 步），修正偏向 0 的偏差。返回最后一步之后修正过的平均值。"
        ),
    ),
    limits=Text(
        en=(
            "`history` (steps, n): the weights after each step, oldest first; "
            "`decay` = beta in (0, 1). Returns (n,). NumPy only."
        ),
        zh=(
            "`history` 形状 (步数, n)，按时间先后存放每步之后的权重；`decay` 即 "
            "beta，在 (0, 1) 内。返回 (n,)。只用 NumPy。"
        ),
    ),
    examples=["history [[1.0], [1.0]], decay 0.9 -> [1.0]"],
    topic="training_failures",
    level="middle",
    inputs=history_inputs,
    hints=[
        "Loop over the steps with the formula, from an array of zeros.",
        "If all weights are 1, the average after t steps is 1 - decay**t: that is "
        "what to divide by.",
    ],
)
def averaged_weights(history, decay):
    return plain_average(history, decay) / (1 - decay ** len(history))


@averaged_weights.also_right
def average_by_sum(history, decay):
    shares = decay ** np.arange(len(history))[::-1]
    return shares @ history / shares.sum()


@averaged_weights.wrong(
    "The correction is missing: the average started at 0 and is still too small. "
    "Divide by 1 - decay**steps."
)
def plain_average(history, decay):
    average = np.zeros(history.shape[1])
    for weights in history:
        average = decay * average + (1 - decay) * weights
    return average


@averaged_weights.wrong(
    "You started at the first weights, which then weigh far too much: start at 0 and "
    "correct at the end."
)
def average_from_first(history, decay):
    average = history[0]
    for weights in history[1:]:
        average = decay * average + (1 - decay) * weights
    return average


@averaged_weights.wrong(
    "decay and 1 - decay are swapped: decay multiplies the old average."
)
def average_swapped(history, decay):
    return averaged_weights(history, 1 - decay)


@averaged_weights.wrong("Divide by 1 - decay**steps, not by 1 - decay.")
def average_corrected_once(history, decay):
    return plain_average(history, decay) / (1 - decay)


@averaged_weights.wrong("The order is reversed: the last weights should weigh most.")
def average_backwards(history, decay):
    return averaged_weights(history[::-1], decay)


@averaged_weights.wrong("This is the ordinary mean: recent weights should weigh more.")
def average_of_all(history, decay):
    return history.mean(axis=0)


# clip_gradients -------------------------------------------------------------------


def clip_inputs(rng):
    shapes = ((3, 2), (4,), (2, 2))
    for factor in (3.0, 0.01):  # once too long, once short enough
        gradients = [factor * rng.normal(size=shape) for shape in shapes]
        gradients[1] *= 4
        yield {"gradients": gradients, "limit": 1.5}


def length_of(gradients):
    return math.sqrt(sum(np.square(one).sum() for one in gradients))


@problem(
    title=Text(en="Clip gradients by their global norm", zh="按全局范数裁剪梯度"),
    statement=Text(
        en=(
            "Take all gradients together as one long vector. If it is longer than "
            "`limit`, scale all of them by the same factor so that its length is "
            "`limit`; otherwise leave them. The direction never changes."
        ),
        zh=(
            "把所有梯度看成一个长向量。若它的长度超过 `limit`，就用同一个系数缩放"
            "全部梯度，使长度等于 `limit`；否则保持不变。方向始终不变。"
        ),
    ),
    limits=Text(
        en="`gradients`: a list of arrays. Returns a list of the same shapes.",
        zh="`gradients` 是数组的列表。返回形状相同的列表。",
    ),
    examples=["[[3.0], [4.0]] with limit 1 -> [[0.6], [0.8]]"],
    topic="training_failures",
    level="junior",
    inputs=clip_inputs,
    hints=[
        "The length is the root of the sum of the squares of all numbers in all "
        "arrays.",
        "factor = min(1.0, limit / length)",
    ],
)
def clip_gradients(gradients, limit):
    factor = min(1.0, limit / length_of(gradients))
    return [factor * one for one in gradients]


@clip_gradients.also_right
def clip_in_one_row(gradients, limit):
    row = np.concatenate([one.ravel() for one in gradients])
    length = np.linalg.norm(row)
    if length > limit:
        row = row / length * limit
    ends = np.cumsum([one.size for one in gradients])[:-1]
    parts = np.split(row, ends)
    return [part.reshape(one.shape) for part, one in zip(parts, gradients, strict=True)]


@clip_gradients.wrong(
    "Each array was clipped on its own: that turns the step into another direction. "
    "Use one length for all."
)
def clip_each_array(gradients, limit):
    return [one * min(1.0, limit / np.linalg.norm(one)) for one in gradients]


@clip_gradients.wrong(
    "Single numbers were clipped, which changes the direction: scale all by one factor."
)
def clip_each_number(gradients, limit):
    return [np.clip(one, -limit, limit) for one in gradients]


@clip_gradients.wrong("Short gradients were made longer: the factor is at most 1.")
def clip_always(gradients, limit):
    return [limit / length_of(gradients) * one for one in gradients]


@clip_gradients.wrong("Lengths do not add up: add the squares, then take the root.")
def clip_by_sum_of_lengths(gradients, limit):
    total = sum(np.linalg.norm(one) for one in gradients)
    return [min(1.0, limit / total) * one for one in gradients]


@clip_gradients.wrong("The square root of the sum is missing.")
def clip_without_root(gradients, limit):
    factor = min(1.0, limit / length_of(gradients) ** 2)
    return [factor * one for one in gradients]


# generator_step (hunt): the generator learns with the label "fake" ----------------

GENERATOR_STEP = '''\
import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def generator_step(noise, generator, discriminator, rate):
    """One step of gradient descent on the cross-entropy; returns the new generator.

    Both networks are single matrices: image = noise @ generator and
    logit = image @ discriminator.
    """
    labels = np.zeros(len(noise))
    logits = noise @ generator @ discriminator
    slope = (sigmoid(logits) - labels) / len(noise)  # of the mean cross-entropy
    gradient = noise.T @ np.outer(slope, discriminator)
    return generator - rate * gradient
'''


def step_inputs(rng):
    for rows, size, width in ((6, 3, 4), (5, 2, 3)):
        yield {
            "noise": rng.normal(size=(rows, size)),
            "generator": rng.normal(size=(size, width)),
            "discriminator": rng.normal(size=width),
            "rate": 0.5,
        }


def step_with(noise, generator, discriminator, rate, slope_of):
    logits = noise @ generator @ discriminator
    slope = slope_of(logits) / len(noise)
    return generator - rate * noise.T @ np.outer(slope, discriminator)


@problem(
    title=Text(en="Bug hunt: the generator that gives in", zh="找错：主动认输的生成器"),
    statement=Text(
        en=(
            "The longer the generator trains, the surer the discriminator is that "
            "its images are fake. The gradient itself is right. Find the mistake "
            "and repair `generator_step`."
        ),
        zh=(
            "生成器训练得越久，判别器越确信它的图像是假的。梯度公式本身没有错。找出"
            "错误并修好 `generator_step`。"
        ),
    ),
    limits=Text(
        en=(
            "`noise` (n, k), `generator` (k, d), `discriminator` (d,). Returns the "
            "new generator for the non-saturating loss. NumPy is enough."
        ),
        zh=(
            "`noise` 形状 (n, k)，`generator` 形状 (k, d)，`discriminator` 形状 "
            "(d,)。按非饱和损失更新，返回新的生成器。NumPy 就够了。"
        ),
    ),
    examples=["after a step with a small rate the mean logit has risen"],
    topic="training_failures",
    level="junior",
    broken=GENERATOR_STEP,
    mistake=(
        "The generator is trained with the label 'fake' (0), so it learns to be found "
        "out. In its own step the label is 1, 'real'."
    ),
    inputs=step_inputs,
    hints=[
        "What does the generator want the discriminator to answer?",
        "The label of its images, in its own step, is 1.",
    ],
)
def generator_step(noise, generator, discriminator, rate):
    return step_with(noise, generator, discriminator, rate, lambda a: expit(a) - 1)


@generator_step.also_right
def step_by_tape(noise, generator, discriminator, rate):
    import tensorflow as tf

    weights = tf.Variable(generator)
    with tf.GradientTape() as tape:
        logits = tf.linalg.matvec(noise @ weights, discriminator)
        loss = tf.reduce_mean(tf.math.softplus(-logits))
    return weights - rate * tape.gradient(loss, weights)


@generator_step.wrong(
    "Ascent with the label 0 is the saturating loss: its gradient vanishes where the "
    "discriminator is sure. Use the label 1."
)
def step_upwards(noise, generator, discriminator, rate):
    """Ascent on the loss with the label 0: the saturating loss."""
    return step_with(noise, generator, discriminator, rate, lambda a: -expit(a))


@generator_step.wrong("The step goes uphill: subtract the gradient.")
def step_away(noise, generator, discriminator, rate):
    return step_with(noise, generator, discriminator, rate, lambda a: 1 - expit(a))


@generator_step.wrong(
    "A label of 0.5 aims at an undecided discriminator: the label is 1."
)
def step_of_half(noise, generator, discriminator, rate):
    return step_with(noise, generator, discriminator, rate, lambda a: expit(a) - 0.5)


# discriminator_step (hunt): it never sees a real image ----------------------------

DISCRIMINATOR_STEP = '''\
import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def discriminator_step(real, fake, weights, rate):
    """One step of gradient descent; returns the new weights. logit = image @ weights"""
    images = fake
    labels = np.zeros(len(fake))
    slope = (sigmoid(images @ weights) - labels) / len(labels)
    return weights - rate * images.T @ slope
'''


def both_inputs(rng):
    for rows, width in ((4, 3), (6, 5)):
        yield {
            "real": rng.normal(size=(rows, width)) + 0.5,
            "fake": rng.normal(size=(rows, width)),
            "weights": rng.normal(size=width),
            "rate": 0.5,
        }


def pull(images, weights, label):
    return images.T @ (expit(images @ weights) - label)


@problem(
    title=Text(
        en="Bug hunt: a discriminator that says no to everything",
        zh="找错：见谁都说假的判别器",
    ),
    statement=Text(
        en=(
            "The discriminator's loss falls to 0, and it calls every image fake, "
            "the real ones too. Find the mistake and repair `discriminator_step`: "
            "the loss is the mean cross-entropy over all images of both batches."
        ),
        zh=(
            "判别器的损失降到 0，可它把所有图像都判为假，真实图像也不例外。找出错误"
            "并修好 `discriminator_step`：损失是两个批次全部图像的平均交叉熵。"
        ),
    ),
    limits=Text(
        en=(
            "`real`, `fake` (n, d), equally many; `weights` (d,). Returns the new "
            "weights. NumPy is enough."
        ),
        zh=(
            "`real`、`fake` 形状 (n, d)，数量相同；`weights` 形状 (d,)。返回新的"
            "权重。NumPy 就够了。"
        ),
    ),
    examples=["with real equal to fake and weights 0 the weights stay 0"],
    topic="training_failures",
    level="junior",
    broken=DISCRIMINATOR_STEP,
    mistake=(
        "The discriminator never sees a real image: to answer 'fake' is then always "
        "right. Train on both batches."
    ),
    inputs=both_inputs,
    hints=[
        "Which argument is never used?",
        "Concatenate both batches, with labels 1 for real and 0 for fake.",
    ],
)
def discriminator_step(real, fake, weights, rate):
    gradient = pull(real, weights, 1) + pull(fake, weights, 0)
    return weights - rate * gradient / (len(real) + len(fake))


@discriminator_step.also_right
def step_on_one_batch(real, fake, weights, rate):
    images = np.concatenate([real, fake])
    labels = np.repeat([1.0, 0.0], [len(real), len(fake)])
    slope = 1 / (1 + np.exp(-images @ weights)) - labels
    return weights - rate * (images * slope[:, None]).mean(axis=0)


@discriminator_step.wrong("The real images have the label 0, too: theirs is 1.")
def step_all_fake(real, fake, weights, rate):
    gradient = pull(real, weights, 0) + pull(fake, weights, 0)
    return weights - rate * gradient / (len(real) + len(fake))


@discriminator_step.wrong("Now it never sees a generated image: train on both batches.")
def step_real_only(real, fake, weights, rate):
    return weights - rate * pull(real, weights, 1) / len(real)


@discriminator_step.wrong("The labels are swapped: real is 1.")
def step_labels_swapped(real, fake, weights, rate):
    gradient = pull(real, weights, 0) + pull(fake, weights, 1)
    return weights - rate * gradient / (len(real) + len(fake))


@discriminator_step.wrong(
    "The step is twice too long: average over all images of both batches."
)
def step_of_means_added(real, fake, weights, rate):
    return discriminator_step(real, fake, weights, 2 * rate)


# generator_turn (hunt): the discriminator learns along ----------------------------

GENERATOR_TURN = '''\
import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def generator_turn(noise, generator, discriminator, rate):
    """The generator's turn in the alternating training; returns both networks.

    image = noise @ generator, logit = image @ discriminator; the label is "real".
    """
    images = noise @ generator
    slope = (sigmoid(images @ discriminator) - 1) / len(noise)
    of_generator = noise.T @ np.outer(slope, discriminator)
    of_discriminator = images.T @ slope
    generator = generator - rate * of_generator
    discriminator = discriminator - rate * of_discriminator
    return generator, discriminator
'''


@problem(
    title=Text(en="Bug hunt: an opponent that helps", zh="找错：帮倒忙的对手"),
    statement=Text(
        en=(
            "During the generator's turn its loss falls faster than it should, "
            "and the images change less: the discriminator learns along, to call "
            "them real. Find the mistake and repair `generator_turn`."
        ),
        zh=(
            "轮到生成器训练时，它的损失降得过快，图像的变化却偏小：判别器也跟着在变，"
            "学着把生成图像判为真。找出错误并修好 `generator_turn`。"
        ),
    ),
    limits=Text(
        en=(
            "`noise` (n, k), `generator` (k, d), `discriminator` (d,). Returns "
            "both networks, the generator first. NumPy is enough."
        ),
        zh=(
            "`noise` 形状 (n, k)，`generator` 形状 (k, d)，`discriminator` 形状 "
            "(d,)。依次返回生成器和判别器。NumPy 就够了。"
        ),
    ),
    examples=["the second result equals the argument `discriminator`"],
    topic="training_failures",
    level="junior",
    broken=GENERATOR_TURN,
    mistake=(
        "The discriminator is not kept fixed: it is updated towards the generator's "
        "goal. Return it unchanged."
    ),
    inputs=step_inputs,
    hints=[
        "Which of the two networks may change in this turn?",
        "In Keras: apply gradients to generator.trainable_variables only, or set "
        "discriminator.trainable = False before compiling.",
    ],
)
def generator_turn(noise, generator, discriminator, rate):
    return generator_step(noise, generator, discriminator, rate), discriminator


@generator_turn.also_right
def turn_written_out(noise, generator, discriminator, rate):
    changed = generator.copy()
    for row in noise:
        slope = 1 / (1 + math.exp(-row @ generator @ discriminator)) - 1
        changed -= rate / len(noise) * slope * np.outer(row, discriminator)
    return [changed, discriminator]


@generator_turn.wrong("You kept the wrong one fixed: this is the generator's turn.")
def turn_of_discriminator(noise, generator, discriminator, rate):
    images = noise @ generator
    slope = (expit(images @ discriminator) - 1) / len(noise)
    return generator, discriminator - rate * images.T @ slope


@generator_turn.wrong(
    "The discriminator learns here as well, though with the right label: it has a turn "
    "of its own."
)
def turn_against(noise, generator, discriminator, rate):
    images = noise @ generator
    slope = expit(images @ discriminator) / len(noise)
    changed = generator_step(noise, generator, discriminator, rate)
    return changed, discriminator - rate * images.T @ slope


@generator_turn.wrong("Return both networks: the new generator and the discriminator.")
def turn_alone(noise, generator, discriminator, rate):
    return generator_step(noise, generator, discriminator, rate)


# noise_batch (hunt): a name that is defined nowhere -------------------------------

NOISE_BATCH = '''\
import numpy as np


def generate(noise, generator):
    return np.tanh(noise @ generator)


def noise_batch(generator, batch_size, seed):
    """Noise for a batch of images."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(batch_size, z_dim))


def some_images(generator, count):
    z_dim = len(generator)
    return generate(noise_batch(generator, count, seed=0), generator)
'''


def noise_inputs(rng):
    for size, width in ((3, 5), (4, 2)):
        yield {
            "generator": rng.normal(size=(size, width)),
            "batch_size": 6,
            "seed": int(rng.integers(1, 1000)),
        }


@problem(
    title=Text(en="Bug hunt: z_dim who?", zh="找错：z_dim 是谁"),
    statement=Text(
        en=(
            "The program stops with `NameError: name 'z_dim' is not defined`, "
            "although a line below sets it. Find the mistake and repair "
            "`noise_batch` without new arguments or globals."
        ),
        zh=(
            "程序停在 `NameError: name 'z_dim' is not defined`，可下面明明有一行给"
            "它"
            "赋了值。找出错误并修好 `noise_batch`，不要增加参数或全局变量。"
        ),
    ),
    limits=Text(
        en=(
            "`generator` (noise size, pixels). Returns numbers from N(0, 1), "
            "(batch_size, noise size), drawn by np.random.default_rng(seed)."
        ),
        zh=(
            "`generator` 形状 (噪声维数, 像素数)。用 np.random.default_rng(seed) "
            "抽取并返回 N(0, 1) 的随机数，形状 (batch_size, 噪声维数)。"
        ),
    ),
    examples=["a generator (3, 784) and batch_size 2 -> an array (2, 3)"],
    topic="training_failures",
    level="junior",
    broken=NOISE_BATCH,
    mistake=(
        "A name is not defined here: z_dim is local to some_images. Take the size from "
        "the generator itself, len(generator)."
    ),
    inputs=noise_inputs,
    hints=[
        "A name set in one function does not exist in another.",
        "The size of the noise is the number of rows of `generator`.",
    ],
)
def noise_batch(generator, batch_size, seed):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(batch_size, generator.shape[0]))


@noise_batch.also_right
def noise_by_standard_normal(generator, batch_size, seed):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((batch_size, len(generator)))


@noise_batch.wrong(
    "You took the number of pixels: noise meets the rows of the matrix, "
    "generator.shape[0]."
)
def noise_of_image_size(generator, batch_size, seed):
    return np.random.default_rng(seed).normal(size=(batch_size, generator.shape[1]))


@noise_batch.wrong("A fixed 100 fits only one generator: take its number of rows.")
def noise_of_hundred(generator, batch_size, seed):
    return np.random.default_rng(seed).normal(size=(batch_size, 100))


@noise_batch.wrong("Draw from N(0, 1), not from [0, 1).")
def noise_uniform(generator, batch_size, seed):
    return np.random.default_rng(seed).uniform(size=(batch_size, len(generator)))


# progress_line (hunt): a list formatted as a number -------------------------------

PROGRESS_LINE = '''\
def progress_line(step, losses):
    """One line of the log; `losses` is what train_on_batch returned."""
    return "step %d: loss %.3f, accuracy %.3f" % (step, losses, losses)
'''


def line_inputs(rng):
    for _ in range(2):
        loss, accuracy = rng.uniform(0.2, 2), rng.uniform(0.3, 1)
        yield {"step": int(rng.integers(1, 900)), "losses": [loss, accuracy]}


@problem(
    title=Text(
        en="Bug hunt: the log that stops the training", zh="找错：一行日志让训练中断"
    ),
    statement=Text(
        en=(
            "With metrics=['accuracy'], train_on_batch returns a list "
            "[loss, accuracy], and the first line of the log raises a TypeError. "
            "Find the mistake and repair `progress_line`."
        ),
        zh=(
            "编译时加了 metrics=['accuracy']，train_on_batch 就返回列表 "
            "[损失, 准确率]，于是打印第一行日志时抛出 TypeError。找出错误并修好 "
            "`progress_line`。"
        ),
    ),
    limits=Text(
        en="Returns a text, each number with three decimals, as in the example.",
        zh="返回文本，各数保留三位小数，格式见示例。",
    ),
    examples=[
        "progress_line(7, [0.6931, 0.5]) -> 'step 7: loss 0.693, accuracy 0.500'"
    ],
    topic="training_failures",
    level="junior",
    broken=PROGRESS_LINE,
    mistake=("A list is formatted as a float: take loss and accuracy out of it first."),
    inputs=line_inputs,
    hints=[
        "%.3f wants a number. What is `losses`?",
        "loss, accuracy = losses",
    ],
)
def progress_line(step, losses):
    loss, accuracy = losses
    return f"step {step}: loss {loss:.3f}, accuracy {accuracy:.3f}"


@progress_line.also_right
def line_joined(step, losses):
    loss, accuracy = (format(one, ".3f") for one in losses)
    return "step " + str(step) + ": loss " + loss + ", accuracy " + accuracy


@progress_line.wrong("The accuracy is the second entry of the list.")
def line_of_first(step, losses):
    return progress_line(step, losses[:1] * 2)


@progress_line.wrong("The loss comes first in the list.")
def line_swapped(step, losses):
    return progress_line(step, losses[::-1])


@progress_line.wrong("Do not print the list: write each number with three decimals.")
def line_of_list(step, losses):
    return f"step {step}: loss {losses}"


# fakes_of_steps (hunt): predict in a training loop --------------------------------

FAKES_OF_STEPS = '''\
import numpy as np


class Generator:
    """Behaves like a Keras model, and counts what makes `predict` slow."""

    def __init__(self, weights):
        self.weights = weights
        self.pipelines = 0

    def __call__(self, noise):
        return np.tanh(noise @ self.weights)

    def predict(self, noise):
        self.pipelines += 1  # a data pipeline, batches, callbacks: each time anew
        return self(noise)


def fakes_of_steps(weights, noise):
    """Train for len(noise) steps; return the images and the pipelines built."""
    generator = Generator(weights)
    images = []
    for one in noise:
        images.append(generator.predict(one))
        generator.weights = 0.9 * generator.weights  # stands for the update
    return np.stack(images), generator.pipelines
'''


def steps_inputs(rng):
    for steps, rows in ((4, 3), (6, 2)):
        yield {
            "weights": rng.normal(size=(3, 5)),
            "noise": rng.normal(size=(steps, rows, 3)),
        }


def images_of_steps(weights, noise, shrink=0.9):
    sizes = shrink ** np.arange(len(noise))
    return np.tanh(noise @ weights * sizes[:, None, None])


@problem(
    title=Text(
        en="Bug hunt: a loop that builds pipelines", zh="找错：循环里反复搭流水线"
    ),
    statement=Text(
        en=(
            "Each training step spends more time around the generator than in it: "
            "`predict` sets up a data pipeline and callbacks at every call. Repair "
            "`fakes_of_steps` so that no pipeline is built. The weights change at "
            "every step, so the images cannot be made in advance."
        ),
        zh=(
            "每个训练步花在生成器外围的时间比生成器本身还多：`predict` 每次调用都要"
            "搭一条数据流水线并准备回调。修好 `fakes_of_steps`，让它一条流水线也不"
            "建。权重每步都在变，所以图像不能提前一次生成。"
        ),
    ),
    limits=Text(
        en=(
            "`weights` (k, d), `noise` (steps, n, k). Returns images (steps, n, d) "
            "and the count `generator.pipelines`. Leave the class as it is."
        ),
        zh=(
            "`weights` 形状 (k, d)，`noise` 形状 (步数, n, k)。返回图像 (步数, n, "
            "d) "
            "和计数 `generator.pipelines`。类的代码不要改。"
        ),
    ),
    examples=["the second result is 0"],
    topic="training_failures",
    level="middle",
    broken=FAKES_OF_STEPS,
    mistake=(
        "`predict` stands in the training loop and builds a pipeline at every step: "
        "call the model itself, generator(one)."
    ),
    inputs=steps_inputs,
    hints=[
        "predict is made for whole data sets. What is the plain way to run a model on "
        "one batch?",
        "A Keras model can be called like a function: generator(noise).",
    ],
)
def fakes_of_steps(weights, noise):
    images = []
    for one in noise:
        images.append(np.tanh(one @ weights))
        weights = 0.9 * weights
    return np.stack(images), 0


@fakes_of_steps.also_right
def fakes_in_closed_form(weights, noise):
    return [images_of_steps(weights, noise), 0]


@fakes_of_steps.wrong(
    "One predict for all steps uses the weights of the first step: they change in "
    "between. Call generator(one) in the loop."
)
def fakes_all_at_once(weights, noise):
    return images_of_steps(weights, noise, 1.0), 1


@fakes_of_steps.wrong(
    "All images come from the first weights: generate within the loop, before each "
    "update."
)
def fakes_called_at_once(weights, noise):
    return images_of_steps(weights, noise, 1.0), 0


# kept_model (hunt): the old file format -------------------------------------------

KEPT_MODEL = '''\
import tempfile
from pathlib import Path

import keras


def kept_model(weights):
    """Save a generator and load it again: the file's ending and the weights."""
    generator = keras.Sequential(
        [
            keras.Input((weights.shape[0],)),
            keras.layers.Dense(weights.shape[1], use_bias=False),
        ]
    )
    generator.set_weights([weights])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "generator.h5")
        generator.save(path)
        again = keras.saving.load_model(path)
    return [path.suffix, again.get_weights()[0]]
'''


def kept_inputs(rng):
    for shape in ((3, 4), (5, 2)):
        yield {"weights": normal(rng, *shape)}


def saved_in(name, weights):
    import tempfile
    from pathlib import Path

    import keras

    generator = keras.Sequential(
        [
            keras.Input((weights.shape[0],)),
            keras.layers.Dense(weights.shape[1], use_bias=False),
        ]
    )
    generator.set_weights([weights])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        generator.save(path)
        again = keras.saving.load_model(path)
    return [path.suffix, again.get_weights()[0]]


@problem(
    title=Text(en="Bug hunt: a file of yesterday", zh="找错：过时的文件格式"),
    statement=Text(
        en=(
            "Saving the generator prints a warning: the file format is legacy. "
            "Repair `kept_model` so that the whole model is kept in the native "
            "format of Keras 3."
        ),
        zh=(
            "保存生成器时出现警告：该文件格式已经过时。修好 `kept_model`，用 Keras "
            "3 "
            "的原生格式保存整个模型。"
        ),
    ),
    limits=Text(
        en=(
            "Returns the ending of the file's name and the weights read back from "
            "it. Save and load, as before."
        ),
        zh="返回文件名的后缀和重新读出的权重。仍须先保存再读取。",
    ),
    examples=["the second result equals `weights`"],
    topic="training_failures",
    level="junior",
    broken=KEPT_MODEL,
    mistake=(
        "The model is saved in the legacy .h5 format: name the file generator.keras."
    ),
    inputs=kept_inputs,
    hints=[
        "Keras chooses the format by the ending of the file's name.",
        "The native format ends in .keras.",
    ],
)
def kept_model(weights):
    return saved_in("generator.keras", weights)


@kept_model.also_right
def kept_under_other_name(weights):
    return tuple(saved_in("final_model.keras", weights))


@kept_model.wrong(
    ".weights.h5 holds weights only, so the layers would be lost: save the model as "
    ".keras."
)
def kept_weights_only(weights):
    return [".weights.h5", weights]


@kept_model.wrong(
    "Without an ending Keras refuses to save: name the file generator.keras."
)
def kept_without_ending(weights):
    return saved_in("generator", weights)


# descent_step (hunt): gradients that are all None ---------------------------------

DESCENT_STEP = '''\
import tensorflow as tf


def descent_step(images, labels, weights, rate):
    """One step of gradient descent; returns the new weights."""
    weights = tf.Variable(weights)
    logits = tf.linalg.matvec(images, weights)
    losses = tf.nn.sigmoid_cross_entropy_with_logits(labels, logits)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(losses)
    gradient = tape.gradient(loss, weights)
    return weights - rate * gradient
'''


def descent_inputs(rng):
    for rows, width in ((6, 3), (4, 5)):
        yield {
            "images": normal(rng, rows, width),
            "labels": np.tile([1, 0], rows // 2).astype("float32"),
            "weights": normal(rng, width),
            "rate": 0.5,
        }


@problem(
    title=Text(en="Bug hunt: the gradient is None", zh="找错：梯度是 None"),
    statement=Text(
        en=(
            "`rate * gradient` raises a TypeError: the gradient is None, although "
            "the loss is right. Find the mistake and repair `descent_step`."
        ),
        zh=(
            "`rate * gradient` 抛出 TypeError：损失的数值没错，梯度却是 None。找出"
            "错误"
            "并修好 `descent_step`。"
        ),
    ),
    limits=Text(
        en=(
            "`images` (n, d), `labels` (n,) of 0 and 1, `weights` (d,), float32. "
            "Returns the new weights."
        ),
        zh=(
            "`images` 形状 (n, d)，`labels` 形状 (n,)，取值 0 或 1，`weights` 形状 "
            "(d,)，float32。返回新的权重。"
        ),
    ),
    examples=["images 0: the weights do not change"],
    topic="training_failures",
    level="middle",
    broken=DESCENT_STEP,
    mistake=(
        "The gradient is None: the tape did not record how the loss comes from the "
        "weights. Move the forward pass inside the with block."
    ),
    inputs=descent_inputs,
    hints=[
        "A tape knows only what happens while it records.",
        "Which lines lead from the weights to the loss, and which of them stand "
        "inside the with block?",
    ],
)
def descent_step(images, labels, weights, rate):
    import tensorflow as tf

    weights = tf.Variable(weights)
    with tf.GradientTape() as tape:
        logits = tf.linalg.matvec(images, weights)
        losses = tf.nn.sigmoid_cross_entropy_with_logits(labels, logits)
        loss = tf.reduce_mean(losses)
    return weights - rate * tape.gradient(loss, weights)


@descent_step.also_right
def descent_by_hand(images, labels, weights, rate):
    slope = expit(images @ weights) - labels
    return weights - rate * images.T @ slope / len(images)


@descent_step.wrong("Skipping the update hides the None: the weights must change.")
def descent_standing_still(images, labels, weights, rate):
    return weights


@descent_step.wrong("The step goes uphill: subtract the gradient.")
def descent_upwards(images, labels, weights, rate):
    return descent_by_hand(images, labels, weights, -rate)


@descent_step.wrong("Average the losses over the batch.")
def descent_summed(images, labels, weights, rate):
    return descent_by_hand(images, labels, weights, rate * len(images))


# better_noise (hunt): watching a NumPy array --------------------------------------

BETTER_NOISE = '''\
import tensorflow as tf


def better_noise(noise, generator, discriminator, rate):
    """Noise moved along the gradient of the mean logit of its images."""
    with tf.GradientTape() as tape:
        tape.watch(noise)
        images = tf.tanh(tf.matmul(noise, generator))
        score = tf.reduce_mean(tf.linalg.matvec(images, discriminator))
    return noise + rate * tape.gradient(score, noise)
'''


def watch_inputs(rng):
    for rows, size, width in ((4, 3, 5), (3, 2, 4)):
        yield {
            "noise": normal(rng, rows, size),
            "generator": normal(rng, size, width),
            "discriminator": normal(rng, width),
            "rate": 0.5,
        }


@problem(
    title=Text(en="Bug hunt: a tape that cannot watch", zh="找错：tape 看不住数组"),
    statement=Text(
        en=(
            "`tape.watch(noise)` raises a ValueError: 'Passed in object ... of "
            "type ndarray'. Find the mistake and repair `better_noise`."
        ),
        zh=(
            "`tape.watch(noise)` 抛出 ValueError：'Passed in object ... of type "
            "ndarray'。找出错误并修好 `better_noise`。"
        ),
    ),
    limits=Text(
        en=(
            "`noise` (n, k), `generator` (k, d), `discriminator` (d,): NumPy "
            "arrays, float32. Returns (n, k)."
        ),
        zh=(
            "`noise` 形状 (n, k)，`generator` 形状 (k, d)，`discriminator` 形状 "
            "(d,)，都是 float32 的 NumPy 数组。返回 (n, k)。"
        ),
    ),
    examples=["discriminator 0 -> the noise does not move"],
    topic="training_failures",
    level="middle",
    broken=BETTER_NOISE,
    mistake=(
        "A tape cannot watch a NumPy array: turn noise into a tensor first, "
        "tf.convert_to_tensor(noise)."
    ),
    inputs=watch_inputs,
    hints=[
        "What type has noise, and what can a tape watch?",
        "tf.convert_to_tensor, before the with block; then watch the tensor.",
    ],
)
def better_noise(noise, generator, discriminator, rate):
    import tensorflow as tf

    noise = tf.convert_to_tensor(noise)
    with tf.GradientTape() as tape:
        tape.watch(noise)
        images = tf.tanh(tf.matmul(noise, generator))
        score = tf.reduce_mean(tf.linalg.matvec(images, discriminator))
    return noise + rate * tape.gradient(score, noise)


@better_noise.also_right
def noise_by_hand(noise, generator, discriminator, rate):
    slope = (1 - np.tanh(noise @ generator) ** 2) * discriminator
    return noise + rate * slope @ generator.T / len(noise)


@better_noise.wrong(
    "Without watch the gradient is None: only variables are watched by themselves. "
    "Keep the line, and hand it a tensor."
)
def noise_not_watched(noise, generator, discriminator, rate):
    import tensorflow as tf

    noise = tf.convert_to_tensor(noise)
    with tf.GradientTape() as tape:
        images = tf.tanh(tf.matmul(noise, generator))
        score = tf.reduce_mean(tf.linalg.matvec(images, discriminator))
    return noise + rate * tape.gradient(score, noise)


@better_noise.wrong("The noise moves downhill: add the gradient.")
def noise_downhill(noise, generator, discriminator, rate):
    return noise_by_hand(noise, generator, discriminator, -rate)


@better_noise.wrong("The noise must move: add rate * gradient.")
def noise_unmoved(noise, generator, discriminator, rate):
    return noise


# update_plan (hunt): epochs taken for updates -------------------------------------

UPDATE_PLAN = '''\
def update_plan(images, batch_size, updates):
    """For each update: the epoch and the first image of its batch."""
    plan = []
    for epoch in range(updates):
        for start in range(0, images, batch_size):
            plan.append([epoch, start])
    return plan
'''


def plan_inputs(rng):
    sizes = ((50, 16, 9), (24, 8, 7), (30, 12, 2), (17, 8, 5))
    for images, batch_size, updates in sizes:
        more = int(rng.integers(0, 2))
        yield {
            "images": images,
            "batch_size": batch_size,
            "updates": updates + more,
        }


@problem(
    title=Text(en="Bug hunt: 10,000 epochs", zh="找错：一万个 epoch"),
    statement=Text(
        en=(
            "A colleague wanted 10,000 updates and got 10,000 epochs: with 55,000 "
            "images in batches of 128 that is 4.3 million updates, weeks instead "
            "of an hour. Find the mistake and repair `update_plan`: exactly "
            "`updates` updates, epoch after epoch, stopping in the middle of one "
            "if need be. The last batch of an epoch may be smaller."
        ),
        zh=(
            "同事想做 10,000 次更新，结果跑成了 10,000 个 epoch：55,000 张图像、每"
            "批 "
            "128 张，就是 430 万次更新，一小时的活要干几个星期。找出错误并修好 "
            "`update_plan`：按 epoch 依次进行，恰好做 `updates` 次更新，必要时在某"
            "个 "
            "epoch 中途停下。每个 epoch 的最后一批可以不满。"
        ),
    ),
    limits=Text(
        en=(
            "All positive integers. Returns a list of [epoch, first image], both "
            "counted from 0."
        ),
        zh="参数都是正整数。返回由 [epoch, 首张图像序号] 组成的列表，均从 0 起数。",
    ),
    examples=["update_plan(5, 2, 4) -> [[0, 0], [0, 2], [0, 4], [1, 0]]"],
    topic="training_failures",
    level="junior",
    broken=UPDATE_PLAN,
    mistake=(
        "Epochs were taken for updates: the outer loop runs through the whole data set "
        "`updates` times. Stop after `updates` batches."
    ),
    inputs=plan_inputs,
    hints=[
        "What does `updates` count, and what does the outer loop count?",
        "Count the batches of an epoch, rounded up; or return as soon as the plan is "
        "long enough.",
    ],
)
def update_plan(images, batch_size, updates):
    plan, epoch = [], 0
    while True:
        for start in range(0, images, batch_size):
            if len(plan) == updates:
                return plan
            plan.append([epoch, start])
        epoch += 1


@update_plan.also_right
def plan_by_division(images, batch_size, updates):
    batches = -(-images // batch_size)
    return [[one // batches, one % batches * batch_size] for one in range(updates)]


@update_plan.wrong(
    "The last epoch was finished although enough updates were made: stop in the middle."
)
def plan_whole_epochs(images, batch_size, updates):
    batches = math.ceil(images / batch_size)
    epochs = math.ceil(updates / batches)
    return plan_by_division(images, batch_size, epochs * batches)


@update_plan.wrong("This is one epoch, whatever `updates` says.")
def plan_one_epoch(images, batch_size, updates):
    return plan_by_division(images, batch_size, math.ceil(images / batch_size))


@update_plan.wrong(
    "Each epoch stops after its first batch, so most images are never seen."
)
def plan_first_batch(images, batch_size, updates):
    return [[epoch, 0] for epoch in range(updates)]


@update_plan.wrong("The smaller last batch of an epoch is left out: keep it.")
def plan_drops_rest(images, batch_size, updates):
    batches = images // batch_size
    return [[one // batches, one % batches * batch_size] for one in range(updates)]


# scaled_update: dynamic loss scaling of mixed precision


def scaling_inputs(rng):
    def some(size, *extra):
        parts = [size * rng.normal(size=3), size * rng.normal(size=(2, 2)), *extra]
        return {"gradients": parts, "max_norm": 0.5, "patience": 4}

    yield {**some(1024), "scale": 1024.0, "good_steps": 1}
    yield {**some(0.1), "scale": 8.0, "good_steps": 3}
    yield {**some(64), "scale": 64.0, "good_steps": 2}
    yield {**some(1, np.array([np.inf, 1.0])), "scale": 512.0, "good_steps": 3}
    yield {**some(1, np.array([0.5, np.nan])), "scale": 1.0, "good_steps": 2}
    yield {
        "gradients": [np.zeros(2), np.zeros((1, 2))],
        "max_norm": 0.5,
        "patience": 4,
        "scale": 16.0,
        "good_steps": 0,
    }


def clipped(gradients, max_norm):
    norm = np.sqrt(sum((one**2).sum() for one in gradients))
    return [one * (max_norm / norm if norm > max_norm else 1.0) for one in gradients]


def all_finite(gradients):
    return all(np.isfinite(one).all() for one in gradients)


def skipped(gradients, scale):
    return [[np.zeros_like(one) for one in gradients], max(scale / 2, 1.0), 0]


def next_scale(scale, good_steps, patience):
    if good_steps + 1 == patience:
        return [2 * scale, 0]
    return [scale, good_steps + 1]


@problem(
    title=Text(en="Dynamic loss scaling", zh="动态损失缩放"),
    statement=Text(
        en=(
            "In float16 small gradients become 0, so mixed precision (Micikevicius et "
            "al. 2017, arXiv:1710.03740) multiplies the loss with `scale` before the "
            "backward pass. Given the gradients of the scaled loss, return what the "
            "optimiser gets, the next scale and the next count of good steps.\n\n"
            "If all gradients are finite: undo the scale, then clip to a global norm "
            "of `max_norm`; count one more good step; when `patience` of them are "
            "reached, double the scale and count from 0 again. If any is not finite: "
            "the step is skipped, all gradients are zeros, the scale halves but not "
            "below 1, and the count starts at 0."
        ),
        zh=(
            "float16 中过小的梯度会变成 0，因此混合精度训练（Micikevicius 等，2017，"
            "arXiv:1710.03740）在反向传播前把损失乘以 `scale`。给定缩放后损失的梯度，"
            "返回交给优化器的梯度、下一步的 scale 和下一步的连续正常步数。\n\n"
            "若所有梯度都是有限数：先除去 scale，再按全局范数裁剪到 `max_norm`；正常"
            "步数加一，达到 `patience` 时 scale 加倍、步数从 0 重新计。若有任何非有限"
            "数：跳过这一步，所有梯度为零，scale 减半但不低于 1，步数归零。"
        ),
    ),
    limits=Text(
        en=(
            "`gradients`: a list of arrays, perhaps all zeros. Return a list: a list "
            "of arrays, a number, a whole number. NumPy."
        ),
        zh=(
            "`gradients` 为数组列表，可能全为零。返回列表：数组的列表、一个数、一个整"
            "数。使用 NumPy。"
        ),
    ),
    examples=[
        "gradients [[6.0, 8.0]], scale 2, max_norm 1, good_steps 0, patience 9 -> "
        "[[[0.6, 0.8]], 2, 1]",
        "gradients [[inf]], scale 2, good_steps 5 -> [[[0]], 1, 0]",
    ],
    topic="training_failures",
    level="senior",
    inputs=scaling_inputs,
    hints=[
        "Which comes first, undoing the scale or clipping? A norm is only comparable "
        "with max_norm in the loss's own units.",
        "np.isfinite finds NaN and both infinities, in every array of the list.",
        "Clip with max_norm / norm only where the norm is larger: all gradients may be "
        "0.",
    ],
)
def scaled_update(gradients, scale, good_steps, patience, max_norm):
    if not all_finite(gradients):
        return skipped(gradients, scale)
    unscaled = clipped([one / scale for one in gradients], max_norm)
    return [unscaled, *next_scale(scale, good_steps, patience)]


@scaled_update.also_right
def scaled_by_one_factor(gradients, scale, good_steps, patience, max_norm):
    norm = np.linalg.norm(np.concatenate([one.ravel() for one in gradients])) / scale
    if not np.isfinite(norm):
        halved = scale / 2 if scale > 2 else 1.0
        return [[np.zeros(one.shape) for one in gradients], halved, 0]
    factor = min(1.0, max_norm / norm) / scale if norm else 0.0
    grown, rest = divmod(good_steps + 1, patience)
    return [[factor * one for one in gradients], scale * 2**grown, rest]


@scaled_update.wrong(
    "The gradients were clipped before the scale was undone: the norm of scaled "
    "gradients says nothing, and nearly every step is cut short."
)
def scaled_after_clipping(gradients, scale, good_steps, patience, max_norm):
    found = scaled_update(gradients, scale, good_steps, patience, max_norm)
    if all_finite(gradients):
        found[0] = [one / scale for one in clipped(gradients, max_norm)]
    return found


@scaled_update.wrong(
    "The scale was not undone: the optimiser wants the loss's gradient."
)
def scaled_still(gradients, scale, good_steps, patience, max_norm):
    found = scaled_update(gradients, scale, good_steps, patience, max_norm)
    if all_finite(gradients):
        found[0] = clipped(gradients, max_norm)
    return found


@scaled_update.wrong("The gradients were not clipped to `max_norm`.")
def scaled_unclipped(gradients, scale, good_steps, patience, max_norm):
    return scaled_update(gradients, scale, good_steps, patience, np.inf)


@scaled_update.wrong(
    "Each array was clipped alone: the norm is that of all gradients together, so that "
    "their direction stays."
)
def scaled_clipped_alone(gradients, scale, good_steps, patience, max_norm):
    found = scaled_update(gradients, scale, good_steps, patience, max_norm)
    if all_finite(gradients):
        found[0] = [clipped([one / scale], max_norm)[0] for one in gradients]
    return found


@scaled_update.wrong(
    "Only NaN was looked for: a float16 overflow gives infinity first."
)
def scaled_looking_for_nan(gradients, scale, good_steps, patience, max_norm):
    if any(np.isnan(one).any() for one in gradients):
        return skipped(gradients, scale)
    with np.errstate(invalid="ignore"):
        unscaled = clipped([one / scale for one in gradients], max_norm)
    return [unscaled, *next_scale(scale, good_steps, patience)]


@scaled_update.wrong(
    "Only the array that is not finite was set to 0: half a step is worse than none."
)
def scaled_partly_skipped(gradients, scale, good_steps, patience, max_norm):
    found = scaled_update(gradients, scale, good_steps, patience, max_norm)
    if not all_finite(gradients):
        good = [np.isfinite(one).all() * np.nan_to_num(one) for one in gradients]
        found[0] = clipped([one / scale for one in good], max_norm)
    return found


@scaled_update.wrong("After a step that overflowed, the scale has to halve.")
def scaled_not_lowered(gradients, scale, good_steps, patience, max_norm):
    found = scaled_update(gradients, scale, good_steps, patience, max_norm)
    return found if all_finite(gradients) else [found[0], scale, 0]


@scaled_update.wrong("The scale fell below 1: there it stops.")
def scaled_too_low(gradients, scale, good_steps, patience, max_norm):
    found = scaled_update(gradients, scale, good_steps, patience, max_norm)
    return found if all_finite(gradients) else [found[0], scale / 2, 0]


@scaled_update.wrong("After a skipped step the count of good ones starts at 0.")
def scaled_count_kept(gradients, scale, good_steps, patience, max_norm):
    found = scaled_update(gradients, scale, good_steps, patience, max_norm)
    return found if all_finite(gradients) else [*found[:2], good_steps]


@scaled_update.wrong("The scale never grows: after `patience` good steps it doubles.")
def scaled_never_raised(gradients, scale, good_steps, patience, max_norm):
    found = scaled_update(gradients, scale, good_steps, patience, max_norm)
    return [found[0], min(found[1], scale), found[2]]


@scaled_update.wrong(
    "The scale doubles one step late: this step counts among the `patience` good ones."
)
def scaled_raised_late(gradients, scale, good_steps, patience, max_norm):
    found = scaled_update(gradients, scale, good_steps, patience, max_norm)
    if all_finite(gradients):
        late = good_steps == patience
        found[1:] = [2 * scale, 0] if late else [scale, good_steps + 1]
    return found


@scaled_update.wrong("After doubling, the count starts at 0 again.")
def scaled_count_not_reset(gradients, scale, good_steps, patience, max_norm):
    found = scaled_update(gradients, scale, good_steps, patience, max_norm)
    return [*found[:2], good_steps + 1] if all_finite(gradients) else found


@scaled_update.wrong(
    "Gradients of 0 were divided by their norm, 0: clip only where the norm is larger."
)
def scaled_zero_norm(gradients, scale, good_steps, patience, max_norm):
    found = scaled_update(gradients, scale, good_steps, patience, max_norm)
    if not any(one.any() for one in gradients):
        found[0] = [np.full_like(one, np.nan) for one in gradients]
    return found
