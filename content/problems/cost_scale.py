"""Coding problems on cost, memory and training on several machines."""

import numpy as np

from digitdreams.interview.bank import Text
from digitdreams.interview.problems import problem

# accumulated_gradient: several small batches in place of a large one


def accumulation_inputs(rng):
    for rows, size in ((8, 4), (7, 3), (5, 8)):
        yield {
            "x": rng.normal(size=(rows, 3)),
            "y": rng.normal(size=rows),
            "weights": rng.normal(size=3),
            "size": size,
        }


def part_gradient(x, y, weights):
    """The gradient of the mean squared error of some examples."""
    return 2 * x.T @ (x @ weights - y) / len(x)


def parts(x, y, size):
    for start in range(0, len(x), size):
        yield x[start : start + size], y[start : start + size]


@problem(
    title=Text(en="Gradient accumulation", zh="梯度累积"),
    statement=Text(
        en=(
            "The batch does not fit into memory. Compute the gradient of the "
            "mean squared error of `x @ weights` against `y` from small batches "
            "of `size` examples, visited in order, so that the result equals the "
            "gradient of the whole batch. The last small batch may hold fewer "
            "examples."
        ),
        zh=(
            "整个批次放不进显存。请按顺序用每次 `size` 个样本的小批次，计算 `x @ "
            "weights` 相对 `y` 的均方误差的梯度，使结果与整个批次一次算出的梯度相"
            "同。最后一个小批次可能不足 `size` 个样本。"
        ),
    ),
    limits=Text(
        en=(
            "`x`: (examples, features); `y`: (examples,); `weights`: "
            "(features,). The weights stay as they are meanwhile. NumPy."
        ),
        zh=(
            "`x` 的形状为 (examples, features)，`y` 为 (examples,)，`weights` 为 "
            "(features,)。累积期间权重不变。使用 NumPy。"
        ),
    ),
    examples=[
        "accumulated_gradient(np.array([[1.0], [1.0], [2.0]]), np.array([0.0, "
        "0.0, 0.0]), np.array([1.0]), 2) -> [4.0]"
    ],
    topic="cost_scale",
    level="middle",
    inputs=accumulation_inputs,
    hints=[
        "The gradient of a mean is a mean of gradients over examples. How many "
        "examples does each small batch speak for?",
        "Weigh each small batch's mean gradient with len(small batch) / len(x), and "
        "add up.",
    ],
)
def accumulated_gradient(x, y, weights, size):
    total = np.zeros_like(weights)
    for some_x, some_y in parts(x, y, size):
        total += part_gradient(some_x, some_y, weights) * len(some_x) / len(x)
    return total


@accumulated_gradient.also_right
def gradient_of_big_batch(x, y, weights, size):
    return part_gradient(x, y, weights)


@accumulated_gradient.wrong(
    "The means of the small batches were added: the gradient grows with their number. "
    "Weigh each with its share of the examples."
)
def accumulated_sum(x, y, weights, size):
    return sum(part_gradient(*some, weights) for some in parts(x, y, size))


@accumulated_gradient.wrong(
    "All small batches weigh the same, so that the examples of a short last one count "
    "too much."
)
def accumulated_equal_weights(x, y, weights, size):
    return np.mean(
        [part_gradient(*some, weights) for some in parts(x, y, size)], axis=0
    )


@accumulated_gradient.wrong("The last, shorter batch was left out.")
def accumulated_full_parts(x, y, weights, size):
    rows = max(len(x) // size, 1) * size
    return part_gradient(x[:rows], y[:rows], weights)


@accumulated_gradient.wrong(
    "Only the last small batch is left: add to the total instead of replacing it."
)
def accumulated_last_part(x, y, weights, size):
    return part_gradient(*list(parts(x, y, size))[-1], weights)


@accumulated_gradient.wrong(
    "The weights were changed between the small batches: accumulate first, then step "
    "once."
)
def accumulated_by_steps(x, y, weights, size):
    total, now = np.zeros_like(weights), weights
    for some_x, some_y in parts(x, y, size):
        gradient = part_gradient(some_x, some_y, now)
        total += gradient * len(some_x) / len(x)
        now = now - 0.1 * gradient
    return total


@accumulated_gradient.wrong(
    "A short last batch was divided by `size`: divide by the examples that it holds."
)
def accumulated_divided_by_size(x, y, weights, size):
    total = np.zeros_like(weights)
    for some_x, some_y in parts(x, y, size):
        total += 2 * some_x.T @ (some_x @ weights - some_y) / size
    return total / np.ceil(len(x) / size)


# ring_bytes: what one machine sends in a ring all-reduce


def ring_inputs(rng):
    for machines, size in ((1, 4), (2, 4), (8, 2)):
        yield {
            "parameters": int(rng.integers(1, 50)) * 840_000,
            "bytes_each": size,
            "machines": machines,
        }


@problem(
    title=Text(en="Bytes sent in a ring all-reduce", zh="环形 All-Reduce 的通信量"),
    statement=Text(
        en=(
            "In data-parallel training, `machines` machines add up their "
            "gradients in a ring: every gradient is cut into as many pieces as "
            "there are machines; first each piece goes around and is added up "
            "(reduce-scatter), then each finished piece goes around once more "
            "(all-gather). How many bytes does one machine send?"
        ),
        zh=(
            "在数据并行训练中，`machines` 台机器用环形方式累加梯度：梯度被切成与"
            "机器数相同的份数；先让每一份沿环传递并逐步累加（reduce-scatter），再"
            "让每个累加完的份沿环传递一圈（all-gather）。每台机器共发送多少字节？"
        ),
    ),
    limits=Text(
        en=(
            "`parameters`: numbers in the gradient, divisible by `machines`; "
            "`bytes_each`: bytes for one number. One machine sends nothing."
        ),
        zh=(
            "`parameters` 为梯度中的数的个数，能被 `machines` 整除；`bytes_each` "
            "为每个数的字节数。只有一台机器时不发送。"
        ),
    ),
    examples=["ring_bytes(1000, 4, 4) -> 6000"],
    topic="cost_scale",
    level="middle",
    inputs=ring_inputs,
    tolerance=1e-9,
    hints=[
        "How large is one piece, and how many times does a machine send one in each "
        "of the two rounds?",
        "Each round has machines - 1 steps; in each step a machine sends one piece.",
    ],
)
def ring_bytes(parameters, bytes_each, machines):
    return 2 * (machines - 1) * parameters * bytes_each / machines


@ring_bytes.also_right
def ring_by_simulation(parameters, bytes_each, machines):
    piece, sent = parameters / machines, 0.0
    for _ in range(machines - 1):  # each piece travels and is added up
        sent += piece * bytes_each
    for _ in range(machines - 1):  # each finished piece travels once more
        sent += piece * bytes_each
    return sent


@ring_bytes.wrong("This is one round: the finished pieces must go around as well.")
def ring_one_round(parameters, bytes_each, machines):
    return (machines - 1) * parameters * bytes_each / machines


@ring_bytes.wrong(
    "This sends the whole gradient to every other machine: in a ring only pieces "
    "travel."
)
def ring_to_everyone(parameters, bytes_each, machines):
    return (machines - 1) * parameters * bytes_each


@ring_bytes.wrong("This is what all machines send together: divide by their number.")
def ring_of_all_machines(parameters, bytes_each, machines):
    return 2 * (machines - 1) * parameters * bytes_each


@ring_bytes.wrong("This counts numbers: multiply by the bytes of each.")
def ring_of_numbers(parameters, bytes_each, machines):
    return 2 * (machines - 1) * parameters / machines


@ring_bytes.wrong(
    "This is the limit for many machines: the factor is (machines - 1) / machines."
)
def ring_limit(parameters, bytes_each, machines):
    return 2 * parameters * bytes_each


# block_cost: parameters and multiplications of a Transformer block


def block_inputs(rng):
    for _ in range(2):
        width = 32 * int(rng.integers(2, 9))
        yield {
            "width": width,
            "hidden": int(rng.integers(2, 6)) * width,
            "time": int(rng.integers(20, 200)),
        }


@problem(
    title=Text(
        en="The cost of a Transformer block", zh="Transformer 块的参数量与计算量"
    ),
    statement=Text(
        en=(
            "A Transformer block has four linear layers of attention (query, "
            "key, value, output; width to width), a feed-forward part (width to "
            "hidden to width), biases in all six layers, and two layer "
            "normalisations with gain and bias. Return `[parameters, flops]`: "
            "the number of parameters, and the floating-point operations of all "
            "matrix products of a forward pass over one sequence of `time` "
            "tokens. A product of (a, b) by (b, c) costs 2abc. Attention's "
            "scores and weighted sums count in full (no causal saving); biases, "
            "softmax and normalisations are left out of the operations."
        ),
        zh=(
            "一个 Transformer 块包含注意力的四个线性层（查询、键、值、输出，宽度"
            "到宽度）、前馈部分（宽度到隐藏维再到宽度）、这六层各自的偏置，以及两"
            "个带增益和偏置的层归一化。请返回 `[parameters, flops]`：参数总数，以"
            "及对一条 `time` 个词元的序列做一次前向计算时所有矩阵乘法的浮点运算次"
            "数。(a, b) 与 (b, c) 相乘计 2abc 次。注意力分数与加权求和全部计入（"
            "不考虑因果掩码的节省）；偏置、softmax 与归一化不计入运算次数。"
        ),
    ),
    limits=Text(
        en=(
            "Integers. The number of heads does not matter: together they have "
            "the full width."
        ),
        zh="参数均为整数。头数不影响结果：各头合起来就是完整宽度。",
    ),
    examples=["block_cost(2, 4, 3) -> [54, 264]"],
    topic="cost_scale",
    level="senior",
    inputs=block_inputs,
    tolerance=1e-9,
    hints=[
        "List the six layers with their shapes. Each has rows * columns weights and "
        "columns biases.",
        "Two products contain no parameters: queries with keys, and weights with "
        "values. Each costs 2 * time * time * width.",
        "flops = 2 * time * (4 * width**2 + 2 * width * hidden) + 4 * time**2 * width",
    ],
)
def block_cost(width, hidden, time):
    weights = 4 * width**2 + 2 * width * hidden
    biases = 4 * width + hidden + width
    norms = 4 * width
    return [weights + biases + norms, 2 * time * weights + 4 * time**2 * width]


@block_cost.also_right
def block_cost_by_layers(width, hidden, time):
    shapes = 4 * [(width, width)] + [(width, hidden), (hidden, width)]
    parameters = sum(rows * columns + columns for rows, columns in shapes)
    parameters += 2 * (width + width)
    products = [(time, rows, columns) for rows, columns in shapes]
    products += [(time, width, time), (time, time, width)]
    return [parameters, sum(2 * a * b * c for a, b, c in products)]


@block_cost.wrong("The biases of the six layers are missing among the parameters.")
def block_without_biases(width, hidden, time):
    parameters, flops = block_cost(width, hidden, time)
    return [parameters - 5 * width - hidden, flops]


@block_cost.wrong(
    "The two layer normalisations are missing: each has gain and bias, 2 * width."
)
def block_without_norms(width, hidden, time):
    parameters, flops = block_cost(width, hidden, time)
    return [parameters - 4 * width, flops]


@block_cost.wrong(
    "Attention has four layers: the output layer after the heads is missing."
)
def block_without_output(width, hidden, time):
    parameters, flops = block_cost(width, hidden, time)
    return [parameters - width**2 - width, flops - 2 * time * width**2]


@block_cost.wrong(
    "The products inside attention are missing: they have no parameters, but they grow "
    "with time squared."
)
def block_without_scores(width, hidden, time):
    parameters, flops = block_cost(width, hidden, time)
    return [parameters, flops - 4 * time**2 * width]


@block_cost.wrong("You counted multiply-adds: each is two operations.")
def block_counts_pairs(width, hidden, time):
    parameters, flops = block_cost(width, hidden, time)
    return [parameters, flops // 2]


@block_cost.wrong(
    "One of attention's two products is missing: scores and weighted sums cost the "
    "same."
)
def block_only_scores(width, hidden, time):
    parameters, flops = block_cost(width, hidden, time)
    return [parameters, flops - 2 * time**2 * width]


@block_cost.wrong("This is the cost for each token: the sequence has `time` of them.")
def block_one_token(width, hidden, time):
    parameters, flops = block_cost(width, hidden, time)
    return [parameters, flops / time]


# cache_bytes: memory of a key-value cache


def cache_inputs(rng):
    for group in (2, 4):
        heads = int(rng.choice([8, 16]))
        yield {
            "layers": int(rng.integers(10, 40)),
            "heads": heads,
            "shared_heads": heads // group,
            "head_size": int(rng.choice([64, 128])),
            "time": int(rng.integers(100, 4000)),
            "batch": int(rng.integers(2, 9)),
            "bytes_each": 2,
        }


@problem(
    title=Text(en="Memory of a key-value cache", zh="KV 缓存占用的显存"),
    statement=Text(
        en=(
            "While a language model writes, it keeps the keys and values of all "
            "tokens in every layer. With grouped-query attention, `heads` query "
            "heads share `shared_heads` heads of keys and values. How many bytes "
            "does the cache take for `batch` sequences of `time` tokens?"
        ),
        zh=(
            "语言模型生成文本时，每一层都要保存所有词元的键和值。采用分组查询注意"
            "力时，`heads` 个查询头共用 `shared_heads` 个键值头。`batch` 条长为 "
            "`time` 的序列，缓存共占多少字节？"
        ),
    ),
    limits=Text(
        en="Integers; `bytes_each`: bytes for one number.",
        zh="参数均为整数；`bytes_each` 为每个数的字节数。",
    ),
    examples=["cache_bytes(32, 32, 8, 128, 4096, 1, 2) -> 536870912"],
    topic="cost_scale",
    level="middle",
    inputs=cache_inputs,
    tolerance=1e-9,
    hints=[
        "What shape have the keys of one layer? Which heads are kept?",
        "Two arrays (batch, shared_heads, time, head_size) in each layer.",
    ],
)
def cache_bytes(layers, heads, shared_heads, head_size, time, batch, bytes_each):
    return 2 * layers * shared_heads * head_size * time * batch * bytes_each


@cache_bytes.also_right
def cache_by_shapes(layers, heads, shared_heads, head_size, time, batch, bytes_each):
    one_layer = [(batch, shared_heads, time, head_size)] * 2  # keys and values
    return layers * bytes_each * sum(int(np.prod(shape)) for shape in one_layer)


@cache_bytes.wrong("Keys and values are kept: two arrays in each layer.")
def cache_only_keys(layers, heads, shared_heads, head_size, time, batch, bytes_each):
    return layers * shared_heads * head_size * time * batch * bytes_each


@cache_bytes.wrong(
    "Only the shared heads are kept: that is what grouped-query attention saves."
)
def cache_all_heads(layers, heads, shared_heads, head_size, time, batch, bytes_each):
    return 2 * layers * heads * head_size * time * batch * bytes_each


@cache_bytes.wrong(
    "The attention weights are not kept: the cache grows with time, not with its "
    "square."
)
def cache_of_scores(layers, heads, shared_heads, head_size, time, batch, bytes_each):
    return layers * heads * time**2 * batch * bytes_each


@cache_bytes.wrong("Every layer has its own cache.")
def cache_one_layer(layers, heads, shared_heads, head_size, time, batch, bytes_each):
    return 2 * shared_heads * head_size * time * batch * bytes_each


@cache_bytes.wrong("Every sequence of the batch has its own cache.")
def cache_one_sequence(layers, heads, shared_heads, head_size, time, batch, bytes_each):
    return 2 * layers * shared_heads * head_size * time * bytes_each


@cache_bytes.wrong(
    "Queries of earlier tokens are never needed again: they are not kept."
)
def cache_with_queries(layers, heads, shared_heads, head_size, time, batch, bytes_each):
    per_place = (2 * shared_heads + heads) * head_size
    return layers * per_place * time * batch * bytes_each


# moving_average: averaged weights


def average_inputs(rng):
    for steps, decay in ((4, 0.9), (6, 0.5)):
        yield {"history": rng.normal(size=(steps, 3)) + 2, "decay": decay}


@problem(
    title=Text(en="Averaged weights", zh="权重的指数滑动平均"),
    statement=Text(
        en=(
            "Diffusion models and GANs are sampled with averaged weights: after "
            "every training step, average = decay * average + (1 - decay) * "
            "weights. The average begins with the first weights. Return it after "
            "the last step."
        ),
        zh=(
            "扩散模型和 GAN 采样时使用平均权重：每个训练步之后，average = decay "
            "* average + (1 - decay) * weights。平均值从第一组权重开始。请返回最"
            "后一步之后的平均值。"
        ),
    ),
    limits=Text(
        en=(
            "`history`: (steps, weights), oldest first, at least two steps; "
            "decay between 0 and 1. NumPy."
        ),
        zh=(
            "`history` 的形状为 (steps, weights)，按时间从早到晚，至少两步；"
            "decay 介于 0 与 1 之间。使用 NumPy。"
        ),
    ),
    examples=["moving_average(np.array([[0.0], [10.0], [10.0]]), 0.9) -> [1.9]"],
    topic="cost_scale",
    level="junior",
    inputs=average_inputs,
    hints=[
        "Begin with history[0] and visit the others in order.",
        "With a decay of 0.999 the average must change slowly: which of the two "
        "factors belongs to it?",
    ],
)
def moving_average(history, decay):
    average = history[0]
    for weights in history[1:]:
        average = decay * average + (1 - decay) * weights
    return average


@moving_average.also_right
def average_in_closed_form(history, decay):
    age = np.arange(len(history))[::-1]
    shares = (1 - decay) * decay**age
    shares[0] = decay ** age[0]
    return shares @ history


@moving_average.wrong(
    "The two factors are exchanged: the average keeps the share `decay` of itself."
)
def average_swapped(history, decay):
    return moving_average(history, 1 - decay)


@moving_average.wrong(
    "The average began at 0 and is too small in the first steps: begin with the first "
    "weights."
)
def average_from_zero(history, decay):
    average = np.zeros_like(history[0])
    for weights in history:
        average = decay * average + (1 - decay) * weights
    return average


@moving_average.wrong("This is the plain mean: old steps are to fade.")
def average_plain(history, decay):
    return history.mean(axis=0)


@moving_average.wrong(
    "Only the last two steps count here: keep the average between the steps."
)
def average_not_kept(history, decay):
    return decay * history[-2] + (1 - decay) * history[-1]


@moving_average.wrong(
    "The new weights must be multiplied by 1 - decay, or the average grows."
)
def average_unbounded(history, decay):
    average = history[0]
    for weights in history[1:]:
        average = decay * average + weights
    return average
