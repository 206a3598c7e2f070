"""Tasks of exercise 11: masks, a loss, draws and mixtures of orders."""

import numpy as np
from keras import ops

from digitdreams import learning, metrics
from digitdreams.inputs import normal
from digitdreams.tasks import Training, task


def short(values, parts=8):
    """Round to short binary fractions, whose sums are exact."""
    return (np.round(values * parts) / parts).astype("float32")


def sigmoid(logits):
    return 1 / (1 + np.exp(-np.asarray(logits, "float64")))


# Task 1: made_masks


def mask_inputs(rng):
    for pixels, units in ((5, 7), (6, 4)):
        degrees = np.append([1, pixels - 1], rng.integers(1, pixels, units))
        yield {
            "order": (rng.permutation(pixels) + 1).astype("int32"),
            "degrees": np.sort(degrees).astype("int32"),
        }


@task(
    points=2,
    inputs=mask_inputs,
    hints=[
        "Two questions. Which pixels may a hidden unit of degree m see? Which "
        "hidden units may the output of the pixel at place p use?",
        "A unit of degree m sees the pixels at the places 1 to m. The output "
        "at place p must know the places 1 to p - 1 only. So one inequality "
        "holds with equality, the other without.",
        "order[:, None] <= degrees is the first mask, (pixels, units). For "
        "the second one start with degrees[:, None].",
    ],
)
def made_masks(order, degrees):
    first = order[:, None] <= degrees
    last = degrees[:, None] < order
    return first.astype("float32"), last.astype("float32")


@made_masks.also_right
def masks_by_loops(order, degrees):
    first = np.zeros((len(order), len(degrees)))
    last = np.zeros((len(degrees), len(order)))
    for pixel, place in enumerate(order):
        for unit, degree in enumerate(degrees):
            first[pixel, unit] = place <= degree
            last[unit, pixel] = place > degree
    return [first, last]


@made_masks.also_right
def masks_by_outer(order, degrees):
    first = np.less_equal.outer(order, degrees)
    return first + 0.0, 1.0 - first.T


@made_masks.wrong(
    "An output sees its own pixel: a unit of degree m knows pixel m, so only "
    "outputs at *later* places may use it (degree < place, without equality)."
)
def masks_that_see_themselves(order, degrees):
    first = (order[:, None] <= degrees) + 0.0
    return first, (degrees[:, None] <= order) + 0.0


@made_masks.wrong(
    "Both inequalities are strict: a unit of degree m must see the pixel at "
    "place m too, or no output learns of the pixel just before it."
)
def masks_twice_strict(order, degrees):
    first = (order[:, None] < degrees) + 0.0
    return first, (degrees[:, None] < order) + 0.0


@made_masks.wrong(
    "The equality stands at the wrong layer: it belongs to the first one "
    "(place <= degree), the last one is strict (degree < place)."
)
def masks_with_equality_swapped(order, degrees):
    first = (order[:, None] < degrees) + 0.0
    return first, (degrees[:, None] <= order) + 0.0


@made_masks.wrong(
    "The masks are transposed: a kernel has the shape (inputs, outputs) of "
    "its layer, so the first mask is (pixels, units), the last one (units, "
    "pixels)."
)
def masks_transposed(order, degrees):
    first, last = made_masks(order, degrees)
    return first.T, last.T


@made_masks.wrong(
    "The order runs backwards: a pixel may depend on pixels at *smaller* "
    "places. Turn both inequalities round."
)
def masks_backwards(order, degrees):
    first = (order[:, None] >= degrees) + 0.0
    return first, (degrees[:, None] > order) + 0.0


@made_masks.wrong(
    "The last mask is the same as the first, turned on its side: hidden units "
    "then feed the pixels that they have seen. It needs degree < place."
)
def masks_the_same(order, degrees):
    first, _ = made_masks(order, degrees)
    return first, first.T


@made_masks.wrong(
    "`order` was not used: the pixels were taken in the order in which they "
    "are stored. The place of pixel i is order[i]."
)
def masks_of_stored_order(order, degrees):
    return made_masks(np.arange(len(order)) + 1, degrees)


@made_masks.wrong(
    "Places were counted from 0: `order` and `degrees` count from 1, so leave "
    "them as they are."
)
def masks_counted_from_zero(order, degrees):
    return made_masks(order - 1, degrees)


# Task 2: made_loss (find the bugs)


def loss_inputs(rng):
    for batch, pixels, units in ((3, 8, 6), (4, 10, 8)):
        grey = short(rng.uniform(0.1, 0.9, size=(batch, pixels)), 16)
        # Half of the draws differ from a cut at 0.5.
        levels = short(rng.uniform(size=(batch, pixels)), 32)
        levels[:, ::2] = np.where(grey[:, ::2] > 0.5, 1, 0)
        degrees = np.sort(rng.integers(1, pixels, units))
        yield {
            "grey": grey,
            "levels": levels + 1 / 64,
            "order": (rng.permutation(pixels) + 1).astype("int32"),
            "degrees": degrees.astype("int32"),
            "weights": [
                short(normal(rng, pixels, units)),
                short(normal(rng, units) + 0.5),
                short(normal(rng, units, pixels)),
                short(normal(rng, pixels) + 0.5),
            ],
        }


def drawn(grey, levels):
    return ops.cast(ops.convert_to_tensor(levels) < grey, "float32")


def logits_of(images, masks, weights):
    first, first_bias, last, last_bias = weights
    x = ops.relu(ops.matmul(images, first * masks[0]) + first_bias)
    return ops.matmul(x, last * masks[1]) + last_bias


def nats_of(images, logits):
    each = ops.binary_crossentropy(images, logits, from_logits=True)
    return ops.sum(each, axis=1)


@task(
    points=3,
    inputs=loss_inputs,
    hints=[
        "There are three mistakes: one in how the images become binary, one "
        "in the network, one in the last line.",
        "A pixel is 1 where its uniform number lies below its grey level. "
        "Which kernel is used without its mask?",
        'images = ops.cast(levels < grey, "float32"); multiply `first` by '
        "`first_mask`; ops.mean(ops.sum(each, axis=1))",
    ],
)
def made_loss(grey, levels, order, degrees, weights):
    images = drawn(grey, levels)
    logits = logits_of(images, made_masks(order, degrees), weights)
    return ops.mean(nats_of(images, logits))


@made_loss.also_right
def loss_by_numpy(grey, levels, order, degrees, weights):
    first, first_bias, last, last_bias = weights
    masks = made_masks(order, degrees)
    images = (levels < grey).astype("float32")
    x = np.maximum(images @ (first * masks[0]) + first_bias, 0)
    logits = x @ (last * masks[1]) + last_bias
    total = np.logaddexp(0, logits).sum() - (images * logits).sum()
    return total / len(images)


@made_loss.wrong(
    "All three mistakes are still there: the cut at 0.5, the kernel without "
    "its mask, and the mean over pixels."
)
def loss_of_the_program(grey, levels, order, degrees, weights):
    images = ops.cast(ops.convert_to_tensor(grey) > 0.5, "float32")
    masks = 1.0, made_masks(order, degrees)[1]
    logits = logits_of(images, masks, weights)
    return ops.mean(nats_of(images, logits)) / grey.shape[1]


@made_loss.wrong(
    "The images were cut at 0.5: draw each pixel, 1 where its number in "
    "`levels` lies below its grey level. Cut images are other data, and their "
    "nats cannot be compared."
)
def loss_of_cut_images(grey, levels, order, degrees, weights):
    images = ops.cast(ops.convert_to_tensor(grey) > 0.5, "float32")
    logits = logits_of(images, made_masks(order, degrees), weights)
    return ops.mean(nats_of(images, logits))


@made_loss.wrong(
    "The draw is inverted: a pixel is 1 where its number lies *below* its "
    "grey level, so that a brighter pixel is 1 more often."
)
def loss_of_inverted_draws(grey, levels, order, degrees, weights):
    images = 1 - drawn(grey, levels)
    logits = logits_of(images, made_masks(order, degrees), weights)
    return ops.mean(nats_of(images, logits))


@made_loss.wrong(
    "The network is fed with grey levels: it has to see what it will see "
    "when it draws, pixels that are 0 or 1."
)
def loss_fed_with_grey(grey, levels, order, degrees, weights):
    logits = logits_of(grey, made_masks(order, degrees), weights)
    return ops.mean(nats_of(drawn(grey, levels), logits))


@made_loss.wrong(
    "The first kernel is still without its mask: outputs see their own pixel, "
    "so the loss falls towards 0 and nothing can be drawn."
)
def loss_with_first_unmasked(grey, levels, order, degrees, weights):
    images = drawn(grey, levels)
    masks = 1.0, made_masks(order, degrees)[1]
    return ops.mean(nats_of(images, logits_of(images, masks, weights)))


@made_loss.wrong("Now the last kernel is without its mask: both need theirs.")
def loss_with_last_unmasked(grey, levels, order, degrees, weights):
    images = drawn(grey, levels)
    masks = made_masks(order, degrees)[0], 1.0
    return ops.mean(nats_of(images, logits_of(images, masks, weights)))


@made_loss.wrong(
    "The biases were masked or left out: they are constants and tell nothing "
    "of an image, so no mask touches them. They give the first pixel its "
    "probability."
)
def loss_without_bias(grey, levels, order, degrees, weights):
    images = drawn(grey, levels)
    bare = [weights[0], 0.0, weights[2], 0.0]
    logits = logits_of(images, made_masks(order, degrees), bare)
    return ops.mean(nats_of(images, logits))


@made_loss.wrong(
    "This is the mean over the pixels: the nats of an image are a *sum*, -log "
    "of a product. Sum over axis 1, then average over the batch."
)
def loss_averaged_over_pixels(grey, levels, order, degrees, weights):
    return made_loss(grey, levels, order, degrees, weights) / grey.shape[1]


@made_loss.wrong(
    "You summed over the batch: average over it, or the loss depends on its "
    "size."
)
def loss_summed(grey, levels, order, degrees, weights):
    return made_loss(grey, levels, order, degrees, weights) * len(grey)


@made_loss.wrong(
    "You returned the nats of each image: a loss is one number, so average "
    "over the batch."
)
def loss_of_each_image(grey, levels, order, degrees, weights):
    images = drawn(grey, levels)
    logits = logits_of(images, made_masks(order, degrees), weights)
    return nats_of(images, logits)


@made_loss.wrong(
    "The logits are taken for probabilities: say from_logits=True."
)
def loss_of_logits_as_pixels(grey, levels, order, degrees, weights):
    images = drawn(grey, levels)
    logits = logits_of(images, made_masks(order, degrees), weights)
    each = ops.binary_crossentropy(images, logits)
    return ops.mean(ops.sum(each, axis=1))


# Task 3: draw (find the bugs)


def draw_inputs(rng):
    for rows, pixels, temperature in ((16, 10, 0.5), (20, 8, 2.0)):
        yield {
            "kernel": short(np.triu(2 * normal(rng, pixels, pixels), 1)),
            "bias": short(normal(rng, pixels)),
            "uniforms": rng.uniform(0.02, 0.98, size=(rows, pixels)),
            "temperature": temperature,
        }


@task(
    points=2,
    inputs=draw_inputs,
    hints=[
        "Two mistakes: one in what is done with the temperature, one in how a "
        "probability becomes a pixel.",
        "A temperature below 1 makes a model more certain. Which operation "
        "makes logits larger when the temperature is 0.5?",
        "probability = 1 / (1 + np.exp(-logit / temperature)); the pixel is "
        "uniforms[:, i] < probability",
    ],
)
def draw(kernel, bias, uniforms, temperature):
    images = np.zeros(uniforms.shape)
    for i in range(uniforms.shape[1]):
        logit = images @ kernel[:, i] + bias[i]
        images[:, i] = uniforms[:, i] < sigmoid(logit / temperature)
    return images


@draw.also_right
def draw_with_running_sums(kernel, bias, uniforms, temperature):
    logits = np.tile(np.asarray(bias, "float64"), (len(uniforms), 1))
    images = np.zeros(uniforms.shape)
    for i in range(len(bias)):
        u = uniforms[:, i]
        images[:, i] = temperature * np.log(u / (1 - u)) < logits[:, i]
        logits += np.outer(images[:, i], kernel[i])
    return images


@draw.also_right
def draw_by_repeated_guesses(kernel, bias, uniforms, temperature):
    images = np.zeros(uniforms.shape)
    for _ in range(len(bias)):
        p = sigmoid((images @ kernel + bias) / temperature)
        images = (uniforms < p).astype("float64")
    return images


def draw_wrongly(kernel, bias, uniforms, temperature, pixel):
    """Draw pixel by pixel; `pixel` makes one of its logit and its number."""
    images = np.zeros(uniforms.shape)
    for i in range(uniforms.shape[1]):
        logit = images @ kernel[:, i] + bias[i]
        images[:, i] = pixel(logit, uniforms[:, i], temperature)
    return images


@draw.wrong(
    "Nothing is drawn: each pixel takes its more probable value, so all "
    "images come out the same. Compare the probability with the pixel's "
    "number in `uniforms`."
)
def draw_the_most_likely(kernel, bias, uniforms, temperature):
    given = kernel, bias, uniforms, temperature
    return draw_wrongly(*given, lambda logit, u, t: logit > 0)


@draw.wrong(
    "The logits are still multiplied by the temperature: divide, so that a "
    "low temperature makes the model more certain."
)
def draw_with_temperature_multiplied(kernel, bias, uniforms, temperature):
    given = kernel, bias, uniforms, temperature
    return draw_wrongly(*given, lambda logit, u, t: u < sigmoid(logit * t))


@draw.wrong("The temperature is not used: divide the logits by it.")
def draw_without_temperature(kernel, bias, uniforms, temperature):
    given = kernel, bias, uniforms, temperature
    return draw_wrongly(*given, lambda logit, u, t: u < sigmoid(logit))


@draw.wrong(
    "The probability was divided by the temperature: divide the logit, before "
    "the sigmoid."
)
def draw_with_temperature_after(kernel, bias, uniforms, temperature):
    given = kernel, bias, uniforms, temperature
    return draw_wrongly(*given, lambda logit, u, t: u < sigmoid(logit) / t)


@draw.wrong(
    "The comparison is turned round: a pixel is 1 where its uniform number "
    "lies *below* the probability."
)
def draw_inverted(kernel, bias, uniforms, temperature):
    given = kernel, bias, uniforms, temperature
    return draw_wrongly(*given, lambda logit, u, t: u > sigmoid(logit / t))


@draw.wrong(
    "Each pixel was drawn without seeing those before it (in one pass, or "
    "from the last to the first): ask for one logit at a time, from the left."
)
def draw_all_at_once(kernel, bias, uniforms, temperature):
    return (uniforms < sigmoid(bias / temperature)).astype("float64")


@draw.wrong(
    "The next pixel sees probabilities: it must see what was drawn, 0 or 1."
)
def draw_of_probabilities(kernel, bias, uniforms, temperature):
    given = kernel, bias, uniforms, temperature
    return draw_wrongly(*given, lambda logit, u, t: sigmoid(logit / t))


@draw.wrong(
    "One uniform number serves all pixels of an image: each pixel has its own "
    "column."
)
def draw_with_one_number(kernel, bias, uniforms, temperature):
    same = np.repeat(uniforms[:, :1], uniforms.shape[1], axis=1)
    return draw(kernel, bias, same, temperature)


# Task 4: score (find the bugs)


def score_inputs(rng):
    for count, pixels in ((3, 16), (5, 9)):
        yield {
            "images": rng.integers(0, 2, (count, pixels)).astype("float32"),
            "logits": short(2 * normal(rng, count, pixels)),
        }


def costs(images, logits):
    return np.logaddexp(0, logits) - images * logits


@task(
    points=1,
    inputs=score_inputs,
    hints=[
        "-log of a product is a sum. Over which axis?",
        "1 bit is log(2) = 0.693 nats, so the same surprise is a *larger* "
        "number of bits.",
        "nats = each.sum(axis=1).mean(); bits = nats / (images.shape[1] * "
        "np.log(2))",
    ],
)
def score(images, logits):
    nats = costs(images, logits).sum(axis=1).mean()
    return nats, nats / (images.shape[1] * np.log(2))


@score.also_right
def score_by_mean(images, logits):
    each = costs(images, logits)
    return [each.sum() / len(each), (each / np.log(2)).mean()]


@score.wrong(
    "Both mistakes are still there: the nats of an image are a sum over its "
    "pixels, and nats become bits by a division by log(2)."
)
def score_of_the_program(images, logits):
    nats = costs(images, logits).mean()
    return nats, nats * np.log(2)


@score.wrong(
    "The first number is still a mean over pixels: sum over the pixels of an "
    "image, then average over the images."
)
def score_averaged(images, logits):
    nats = costs(images, logits).mean()
    return nats, nats / np.log(2)


@score.wrong(
    "A bit is smaller than a nat (0.693 of one), so there are more bits: "
    "divide by log(2) instead of multiplying."
)
def score_multiplied(images, logits):
    nats, _ = score(images, logits)
    return nats, nats * np.log(2) / images.shape[1]


@score.wrong(
    "The second number is bits an *image*: divide by the number of pixels."
)
def score_of_images_in_bits(images, logits):
    nats, _ = score(images, logits)
    return nats, nats / np.log(2)


@score.wrong(
    "The second number is nats a pixel: divide by log(2) to have bits."
)
def score_in_nats_a_pixel(images, logits):
    nats, _ = score(images, logits)
    return nats, nats / images.shape[1]


@score.wrong("The first number is the sum over all images: average over them.")
def score_summed(images, logits):
    nats, bits = score(images, logits)
    return nats * len(images), bits


@score.wrong("The two numbers are exchanged: nats first, then bits a pixel.")
def score_swapped(images, logits):
    return score(images, logits)[::-1]


@score.wrong(
    "The sign is missing: these are log-probabilities, at most 0. A cost is "
    "their negative."
)
def score_negative(images, logits):
    nats, bits = score(images, logits)
    return -nats, -bits


# Task 5: mix_orders


def orders_inputs(rng):
    for orders, count, pixels in ((3, 4, 6), (2, 3, 8)):
        yield {
            "images": rng.integers(0, 2, (count, pixels)).astype("float32"),
            "logits": short(2 * normal(rng, orders, count, pixels)),
        }
    # So improbable that exp() of it is 0.
    images = rng.integers(0, 2, (2, 900)).astype("float32")
    logits = short((1 - 2 * images) * rng.uniform(1, 2, size=(2, 2, 900)))
    yield {"images": images, "logits": logits}


def likelihoods(images, logits):
    """Log p of each image under each order: (orders, images)."""
    costs = np.logaddexp(0, np.asarray(logits, "float64")) - images * logits
    return -costs.sum(axis=-1)


@task(
    points=2,
    inputs=orders_inputs,
    hints=[
        "First the log-probability of each *whole image* under each order, an "
        "array (orders, images). Only then mix the orders.",
        "The mixture is p = (p_1 + ... + p_K) / K. You have log p_k, and exp "
        "of it underflows: np.logaddexp.reduce adds in logarithms.",
        "np.logaddexp.reduce(log_p, axis=0) - np.log(len(logits))",
    ],
)
def mix_orders(images, logits):
    log_p = likelihoods(images, logits)
    return np.logaddexp.reduce(log_p, axis=0) - np.log(len(logits))


@mix_orders.also_right
def mix_by_largest(images, logits):
    log_p = likelihoods(images, logits)
    largest = log_p.max(axis=0)
    return np.log(np.exp(log_p - largest).mean(axis=0)) + largest


@mix_orders.wrong(
    "You averaged the logits of the orders. In one order or another each "
    "pixel has seen the others, so the product is no probability: over all "
    "images it does not add up to 1. Average the probabilities of whole "
    "images."
)
def mix_by_averaged_logits(images, logits):
    return likelihoods(images, np.mean(logits, axis=0)[None])[0]


@mix_orders.wrong(
    "You averaged each pixel's probability over the orders. Each order's "
    "factors belong together: multiply them (add logarithms) first, average "
    "then."
)
def mix_by_averaged_pixels(images, logits):
    p = sigmoid(logits).mean(axis=0)
    return np.log(np.where(images > 0, p, 1 - p)).sum(axis=-1)


@mix_orders.wrong(
    "You averaged log-probabilities. That is what one order costs on average; "
    "a mixture averages the probabilities, and costs less."
)
def mix_by_averaged_logarithms(images, logits):
    return likelihoods(images, logits).mean(axis=0)


@mix_orders.wrong(
    "The division by the number of orders is missing: subtract its logarithm, "
    "or the probabilities add up to more than 1."
)
def mix_without_division(images, logits):
    return np.logaddexp.reduce(likelihoods(images, logits), axis=0)


@mix_orders.wrong(
    "You divided the logarithm by the number of orders: subtract the "
    "logarithm of that number."
)
def mix_with_division_of_the_log(images, logits):
    total = np.logaddexp.reduce(likelihoods(images, logits), axis=0)
    return total / len(logits)


@mix_orders.wrong(
    "Right for a few pixels, but exp of -1,000 is 0 and its logarithm minus "
    "infinity: stay in logarithms, np.logaddexp.reduce."
)
def mix_underflowing(images, logits):
    p = np.exp(likelihoods(images, logits)).mean(axis=0)
    with np.errstate(divide="ignore"):
        return np.log(p)


@mix_orders.wrong(
    "You took the best order for each image: knowing which one was best is "
    "knowledge of the image. Average over all orders."
)
def mix_by_best(images, logits):
    return likelihoods(images, logits).max(axis=0)


@mix_orders.wrong("The sign is turned: return log p, at most 0, not the cost.")
def mix_as_cost(images, logits):
    return -mix_orders(images, logits)


@mix_orders.wrong(
    "You averaged over the images: return one number for each of them."
)
def mix_averaged_over_images(images, logits):
    return mix_orders(images, logits).mean()


# Task 6: masked_kernels (find the bug)


def kernel_inputs(rng):
    for sizes in ((5, 3, 1), (3, 1, 5)):
        channels = [1, *rng.permutation([2, 3, 4])]
        shapes = [
            (size, size, *channels[at : at + 2])
            for at, size in enumerate(sizes)
        ]
        kernels = [short(normal(rng, *shape)) for shape in shapes]
        yield {"kernels": [k + np.where(k < 0, -1, 1) for k in kernels]}


def with_mask(kernel, kind):
    size = len(kernel)
    mask, middle = np.ones((size, size, 1, 1), "float32"), size // 2
    mask[middle, middle + (kind == "B") :] = 0
    mask[middle + 1 :] = 0
    return kernel * mask


@task(
    points=2,
    inputs=kernel_inputs,
    hints=[
        "Which values does mask B hide in the middle row, and which should "
        "it? Print a mask of 5 x 5.",
        "What the middle of a later layer holds was computed from *earlier* "
        "pixels only: mask A of the first layer saw to that. Mask B lets it "
        "through, and what lies to its left.",
        "mask[middle, middle + 1 :] = 0 for all layers but the first, where "
        "it is mask[middle, middle:] = 0",
    ],
)
def masked_kernels(kernels):
    kinds = "A" + "B" * (len(kernels) - 1)
    return [with_mask(*pair) for pair in zip(kernels, kinds, strict=True)]


@masked_kernels.also_right
def kernels_by_reading_order(kernels):
    masked = []
    for number, kernel in enumerate(kernels):
        size = len(kernel)
        place = np.arange(size * size).reshape(size, size, 1, 1)
        middle = size * size // 2
        seen = place <= middle if number else place < middle
        masked.append(kernel * seen)
    return masked


@masked_kernels.wrong(
    "The mistake is still there: from the second layer on the whole middle "
    "row is 0. Nothing of a row travels to the right, and a 1x1 kernel, which "
    "is nothing but its middle, is cut off."
)
def kernels_of_the_program(kernels):
    masked = [with_mask(kernels[0], "A")]
    for kernel in kernels[1:]:
        kept = np.arange(len(kernel)) < len(kernel) // 2
        masked.append(kernel * kept[:, None, None, None])
    return masked


@masked_kernels.wrong(
    "Mask A everywhere: each layer then loses the nearest pixel once more, "
    "and a 1x1 kernel becomes 0. Only the first layer hides the middle."
)
def kernels_all_a(kernels):
    return [with_mask(kernel, "A") for kernel in kernels]


@masked_kernels.wrong(
    "Mask B everywhere: the first layer shows each pixel to itself, so "
    "training is perfect and drawing fails. Hide the middle in the first "
    "layer."
)
def kernels_all_b(kernels):
    return [with_mask(kernel, "B") for kernel in kernels]


@masked_kernels.wrong(
    "A and B are exchanged: A, which hides the middle, belongs to the first "
    "layer, B to all others."
)
def kernels_swapped(kernels):
    kinds = "B" + "A" * (len(kernels) - 1)
    return [with_mask(*pair) for pair in zip(kernels, kinds, strict=True)]


@masked_kernels.wrong(
    "Rows and columns are exchanged: the first axis of a kernel is the row. "
    "Images are drawn row by row."
)
def kernels_by_columns(kernels):
    turned = [np.swapaxes(kernel, 0, 1) for kernel in kernels]
    return [np.swapaxes(one, 0, 1) for one in masked_kernels(turned)]


@masked_kernels.wrong(
    "The middle row is open to its end: pixels to the right are not drawn "
    "yet. Set mask[middle, middle + 1 :] to 0."
)
def kernels_with_whole_row(kernels):
    masked = []
    for number, kernel in enumerate(kernels):
        kept = np.ones((len(kernel), len(kernel), 1, 1), "float32")
        middle = len(kernel) // 2
        kept[middle + 1 :] = 0
        kept[middle, middle] = number > 0
        masked.append(kernel * kept)
    return masked


@masked_kernels.wrong(
    "A triangle is the mask of a sequence: in an image the whole row above is "
    "known, its right side too."
)
def kernels_with_triangle(kernels):
    masked = []
    for number, kernel in enumerate(kernels):
        kept = np.tril(np.ones((len(kernel), len(kernel))), -(number == 0))
        masked.append(kernel * kept[:, :, None, None])
    return masked


@masked_kernels.wrong(
    "No row below the middle was closed: set mask[middle + 1 :] to 0."
)
def kernels_open_below(kernels):
    masked = []
    for number, kernel in enumerate(kernels):
        kept = np.ones((len(kernel), len(kernel), 1, 1), "float32")
        middle = len(kernel) // 2
        kept[middle, middle + (number > 0) :] = 0
        masked.append(kernel * kept)
    return masked


# The training: two models of two orders come out, and are scored here with
# the masks of the specification.

PIXELS, UNITS = 28 * 28, 256


def hidden_chance(rng):
    return {}, {"rng": rng}


def measure_two_orders(weights, given, kept):
    degrees = np.linspace(1, PIXELS - 1, UNITS).round().astype("int32")
    forwards = np.arange(PIXELS) + 1
    nats = {}

    def losses(split):
        grey = split.images.reshape(-1, PIXELS)
        images = (kept["rng"].uniform(size=grey.shape) < grey).astype(
            "float32"
        )
        log_p = []
        for order, one in zip(
            (forwards, forwards[::-1]), weights, strict=True
        ):
            one = [np.asarray(each, "float32") for each in one]
            logits = logits_of(images, made_masks(order, degrees), one)
            log_p.append(-metrics.reconstruction_nats(images, logits))
        mixed = np.logaddexp.reduce(log_p, axis=0) - np.log(2)
        nats[len(mixed)] = -mixed.mean()
        return -mixed

    known = learning.known_better(losses)
    return {"nats": nats[10_000], "known": known}


TRAINING = Training(
    points=4,
    inputs=hidden_chance,
    probe="""
def probe():
    return [[w.numpy() for w in model.weights] for model in models]
""",
    measure=measure_two_orders,
    needs=("made_masks", "made_loss"),
    # Seed 1: 0.014; trained on test images: 0.043
    signs=(learning.known(0.028),),
)
