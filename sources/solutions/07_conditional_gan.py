# %% [markdown]
# # Exercise 7: the parts of a conditional GAN
#
# You write the places where a label enters, repair two programs in which it
# goes astray, and train a small conditional GAN with your parts. `check` says
# whether a function is right, and often which mistake was made; `hint` helps,
# a little more each time.

# %%
from digitdreams import course
from digitdreams.checks import check, hint

seed = course.start("07", exercise=True)

# %%
hint("join_labels")

# %% [markdown]
# Use `keras.ops`. The checks hand your functions NumPy arrays, but the
# training hands them tensors and variables inside a compiled graph. There
# NumPy's functions, `len`, methods such as `.sum()` and `table[labels]` do not
# work; `ops.shape`, `ops.sum` and `ops.take` do.

# %%
import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

# %% [markdown]
# ## Task 1: concatenation
#
# Join each noise vector with the one-hot vector of its label. `noise` has the
# shape (batch, noise numbers), `labels` (batch,), whole numbers from 0 to 9.
# The noise comes first. See
# [ops.one_hot](https://keras.io/api/ops/nn/) and
# [ops.concatenate](https://keras.io/api/ops/numpy/).


# %% task="join_labels"
def join_labels(noise, labels):
    """Return noise and one-hot labels: (batch, noise numbers + 10)."""
    ### BEGIN SOLUTION
    return ops.concatenate([noise, ops.one_hot(labels, 10)], axis=1)
    ### END SOLUTION


# %% check="join_labels"
check(join_labels)

# %% [markdown]
# ## Task 2: repair the label maps
#
# A discriminator that is told the label by concatenation needs it as maps. In
# a widely copied program they are made like this:
#
# ```python
# def label_maps(labels, height, width):
#     one_hot = ops.one_hot(labels, 10)
#     copies = ops.repeat(one_hot, height * width)
#     return ops.reshape(copies, (-1, height, width, 10))
# ```
#
# The shape is right and nothing complains, but ten digits are told apart only
# by the height of a band. Repair it: every pixel of an image's maps has to
# equal its one-hot vector. See
# [ops.broadcast_to](https://keras.io/api/ops/numpy/).


# %% task="label_maps"
def label_maps(labels, height, width):
    """Return the label of each image as maps: (batch, height, width, 10)."""
    ### BEGIN SOLUTION
    one_hot = ops.one_hot(labels, 10)[:, None, None, :]
    return ops.broadcast_to(one_hot, (ops.shape(labels)[0], height, width, 10))
    ### END SOLUTION


# %% check="label_maps"
check(label_maps)

# %% [markdown]
# ## Task 3: class-conditional batch normalisation
#
# Bring each channel of `x`, (batch, height, width, channels), to mean 0 and
# variance 1 over batch, height and width. Then multiply by the gain and add
# the shift of each image's class: `gains` and `shifts` have the shape
# (classes, channels). Add 0.001 to the variance before the square root, so
# that a channel without variance does no harm. See
# [ops.var](https://keras.io/api/ops/numpy/).


# %% task="conditional_normalisation"
def conditional_normalisation(x, labels, gains, shifts):
    """Return x, normalised, with the gain and shift of each image's class."""
    ### BEGIN SOLUTION
    axes = (0, 1, 2)
    mean = ops.mean(x, axis=axes)
    deviation = ops.sqrt(ops.var(x, axis=axes) + 0.001)
    gain = ops.take(gains, labels, axis=0)[:, None, None]
    shift = ops.take(shifts, labels, axis=0)[:, None, None]
    return gain * (x - mean) / deviation + shift
    ### END SOLUTION


# %% check="conditional_normalisation"
check(conditional_normalisation)

# %% [markdown]
# ## Task 4: projection
#
# Return the logit of each pair of image and label, $w \cdot \phi + b + v_y
# \cdot \phi$: what the image is worth by itself, plus how well it fits its
# label. The features $\phi$ have the shape (batch, features), `w` has
# (features,), `b` is a number, and $v_y$ is row $y$ of `vectors`, which has
# the shape (classes, features). See
# [ops.take](https://keras.io/api/ops/numpy/).


# %% task="projection_logits"
def projection_logits(features, labels, w, b, vectors):
    """Return the logit of each pair: (batch,)."""
    ### BEGIN SOLUTION
    match = ops.sum(features * ops.take(vectors, labels, axis=0), axis=1)
    return ops.matmul(features, w) + b + match
    ### END SOLUTION


# %% check="projection_logits"
check(projection_logits)

# %% [markdown]
# ## Task 5: repair the discriminator's loss
#
# In this program the generator draws labels of its own, `fake_labels`. The
# loss soon falls to nearly 0, and the samples never become digits:
#
# ```python
# def pair_loss(real, real_labels, fake, fake_labels, w, b, vectors):
#     weights = w, b, vectors
#     real_logits = projection_logits(real, real_labels, *weights)
#     fake_logits = projection_logits(fake, real_labels, *weights)
#     logits = ops.concatenate([real_logits, fake_logits], axis=0)
#     return ops.mean(ops.softplus(-logits))
# ```
#
# `real` and `fake` are features of the images. Two things are wrong: once the
# loss no longer falls to 0, even a perfect generator would still be found out.
# Return $-\log D$ averaged over the real pairs plus $-\log(1 - D)$ averaged
# over the generated ones. The two batches may differ in size.


# %% task="pair_loss"
def pair_loss(real, real_labels, fake, fake_labels, w, b, vectors):
    """Return the discriminator's loss in nats: one number."""
    ### BEGIN SOLUTION
    real_logits = projection_logits(real, real_labels, w, b, vectors)
    fake_logits = projection_logits(fake, fake_labels, w, b, vectors)
    loss = ops.mean(ops.softplus(-real_logits))
    return loss + ops.mean(ops.softplus(fake_logits))
    ### END SOLUTION


# %% check="pair_loss"
check(pair_loss)

# %% [markdown]
# ## Task 6: what an image tells about its code
#
# InfoGAN's second head gives ten logits for the code of each generated image.
# Return the lower bound of the mutual information of code and image in nats:
# the average of $\log Q(c|x)$ over the batch, plus $\log 10$, for codes drawn
# from ten with equal chances. See
# [ops.log_softmax](https://keras.io/api/ops/nn/).


# %% task="information_bound"
def information_bound(code_logits, codes):
    """Return the bound in nats: one number, at most log 10."""
    ### BEGIN SOLUTION
    log_q = ops.log_softmax(code_logits, axis=1)
    chosen = ops.sum(log_q * ops.one_hot(codes, 10), axis=1)
    return ops.mean(chosen) + np.log(10)
    ### END SOLUTION


# %% check="information_bound"
check(information_bound)

# %% [markdown]
# ## Train with your parts
#
# A small dense conditional GAN. The generator's first layer gets your joined
# vector, the discriminator ends in your projection, and the loss is your pair
# loss, with labels of its own for the fakes. The rest is the lesson's recipe:
# an R1 penalty, rates that fall to 0, an average of the generator's weights.

# %%
noise_size, batch_size = 64, 32


def build_network(inputs, outputs, last):
    network = keras.Sequential([keras.Input((inputs,))])
    for size in (256, 256):
        network.add(layers.Dense(size, activation="leaky_relu"))
    network.add(layers.Dense(outputs, activation=last))
    return network


def falling_adam(rate, steps, weights):
    falling = keras.optimizers.schedules.CosineDecay(rate, steps)
    optimizer = keras.optimizers.Adam(falling, beta_1=0.0, beta_2=0.99)
    optimizer.build(weights)
    return optimizer


# %%
def build_step(generator, average, steps):
    body = build_network(28 * 28, 128, "leaky_relu")
    shapes = {"w": (128,), "b": (), "vectors": (10, 128)}
    head = {k: keras.Variable(np.zeros(s, "f")) for k, s in shapes.items()}
    weights = generator.trainable_weights
    judge_weights = body.trainable_weights + list(head.values())
    generator_adam = falling_adam(0.003, steps, weights)
    judge_adam = falling_adam(0.002, steps, judge_weights)
    chance = keras.random.SeedGenerator(seed)

    def draw():
        labels = keras.random.randint((batch_size,), 0, 10, seed=chance)
        noise = keras.random.normal((batch_size, noise_size), seed=chance)
        return generator(join_labels(noise, labels)), labels

    @tf.function(jit_compile=True)
    def step(images, labels):
        real, few = ops.reshape(images, (batch_size, -1)), slice(16)
        fake, fake_labels = draw()
        with tf.GradientTape() as tape:
            both = body(real), labels, body(fake), fake_labels
            loss = pair_loss(*both, **head)
            with tf.GradientTape() as inner:
                inner.watch(real)
                logits = projection_logits(
                    body(real[few]), labels[few], **head
                )
            slopes = inner.gradient(logits, real)
            loss += 0.5 * ops.sum(ops.square(slopes)) / 16
        gradients = tape.gradient(loss, judge_weights)
        judge_adam.apply(gradients, judge_weights)
        with tf.GradientTape() as tape:
            fake, fake_labels = draw()
            logits = projection_logits(body(fake), fake_labels, **head)
            loss = ops.mean(ops.softplus(-logits))
        generator_adam.apply(tape.gradient(loss, weights), weights)
        for mean, new in zip(average.weights, weights, strict=True):
            mean.assign(0.99 * mean + 0.01 * new)

    return step


# %%
from digitdreams import data
from digitdreams.progress import track


def train(steps=2000):
    sizes = noise_size + 10, 28 * 28, "sigmoid"
    generator, average = build_network(*sizes), build_network(*sizes)
    average.set_weights(generator.get_weights())
    step = build_step(generator, average, steps)
    train = data.load().train
    stream = iter(data.batches(train, batch_size, seed).repeat())
    for _ in track(range(steps), "conditional GAN"):
        step(*next(stream))
    return average


# %% [markdown]
# The number to reach: the share of 2,000 samples that the judge takes for the
# digit that was asked for. As in the lesson, the noise is scaled for drawing,
# here by 0.8. The pair loss starts at $2 \log 2 = 1.386$.

# %% check="training" points=4
from digitdreams import judge, metrics

asked = np.arange(2000) % 10
noise = 0.8 * keras.random.normal((2000, noise_size), seed=seed)
joined = join_labels(noise, asked)
empty = np.zeros((2, 3), "float32"), np.zeros(2, "int32")
start = pair_loss(*empty, *empty, empty[0][0], 0.0, empty[0])
print(f"at the start: {float(start):.3f}")
average = train()
samples = ops.reshape(average(joined), (-1, 28, 28))
verdicts = judge.probabilities(samples)
course.expect(label_accuracy=metrics.label_accuracy(verdicts, asked))

# %% [markdown]
# And what it draws, ten by ten:

# %%
from digitdreams import plots

noise = 0.8 * keras.random.normal((5, noise_size), seed=seed)
joined = join_labels(np.repeat(noise, 10, axis=0), np.arange(50) % 10)
plots.grid(ops.reshape(average(joined), (-1, 28, 28)))
