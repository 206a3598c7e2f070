# %% [markdown]
# # 6. When GANs fail, and how to repair them
#
# The GAN of lesson 5 worked because its recipe avoids three traps: *mode
# collapse*, *vanishing gradients* and *oscillation*. Here you walk into each
# of them on purpose, learn the number that gives it away, and repair it.
#
# Most of this happens in a world of two dimensions, where one picture shows
# everything and a training takes seconds; at the end the same code makes MNIST
# digits, once broken and once repaired. All of it takes about two minutes on
# two CPU cores.

# %%
from digitdreams import course

seed = course.start("06")

# %% [markdown]
# ## A small world
#
# The real data are points around eight centres on a circle: a *mixture* of
# eight normal distributions, each with an eighth of the points. Every centre
# is a *mode*, a place where data are dense, as each digit is in MNIST.

# %%
import numpy as np

spread = 0.05
angles = np.arange(8) * np.pi / 4
centres = np.stack([np.cos(angles), np.sin(angles)], axis=1)


# %%
def draw_ring(count, random):
    which = random.integers(8, size=count)
    noise = random.normal(size=(count, 2))
    return (centres[which] + spread * noise).astype("float32")


ring = draw_ring(20_000, np.random.default_rng(seed))

# %% [markdown]
# A cloud of points becomes a picture: 48 by 48 boxes, the brighter the more
# points fall into them.

# %%
from digitdreams import plots


def picture(points):
    edges = np.linspace(-1.5, 1.5, 49)
    counts, *_ = np.histogram2d(*np.transpose(points), bins=[edges, edges])
    return counts.T[::-1] * 100 / len(points)


plots.strip([picture(ring)], title="Real points")

# %% [markdown]
# ## The test, before the trial
#
# "The samples look bad" is no diagnosis. We state now what we will count. A
# sample *belongs* to a mode if it lies within three standard deviations of its
# centre. A mode is *covered* if at least 2 % of all samples belong to it (an
# equal share is 12.5 %). Samples that belong nowhere are bad ones. For the
# real points: the modes covered, and the share of good points.


# %%
def mode_shares(points):
    """Return which share of the points belongs to each mode: (8,)."""
    distances = np.linalg.norm(points[:, None] - centres, axis=2)
    return (distances < 3 * spread).mean(axis=0)


def covered(points):
    return int((mode_shares(points) >= 0.02).sum())


covered(ring), float(mode_shares(ring).sum())

# %% [markdown]
# ## Two players and a recipe
#
# Generator and critic are small dense networks. *Critic* is another name for
# the discriminator, common where it returns a score rather than a probability.
# Ours always returns one number, a logit or a score; the loss makes the
# difference. The shapes are free, so that we can use the same networks for
# images later.

# %%
import keras
from keras import layers


def build_network(input_shape, output_shape, sizes=(128, 128)):
    network = keras.Sequential([keras.Input(input_shape), layers.Flatten()])
    for size in sizes:
        network.add(layers.Dense(size, activation="relu"))
    network.add(layers.Dense(int(np.prod(output_shape))))
    network.add(layers.Reshape(output_shape))
    return network


# %% [markdown]
# The losses of lesson 5, from the scores of real and of generated points. The
# first number is the critic's loss, the second the generator's. `softplus(a)`
# is $\log(1 + e^a)$, so that `softplus(-score)` is minus the logarithm of the
# probability "real".

# %%
from keras import ops


def non_saturating(real, fake):
    critic = ops.mean(ops.softplus(-real)) + ops.mean(ops.softplus(fake))
    return critic, ops.mean(ops.softplus(-fake))


# %% [markdown]
# All choices of a training stand in one *recipe*. The failures and repairs
# below change a few entries of this one each; `penalty` is explained when it
# is needed.

# %%
plain = {"loss": non_saturating, "penalty": None, "beta_1": 0.5}
plain |= {"critic_rate": 0.003, "generator_rate": 0.003}
plain |= {"critic_steps": 1, "rounds": 1500}
batch_size, noise_size = 128, 8
random = keras.random.SeedGenerator(seed)

# %% [markdown]
# A `Game` holds both networks and an optimiser for each. `average` is a second
# generator, whose weights follow those of the first one slowly.

# %%
import tensorflow as tf


class Game:
    def __init__(self, generator, critic, recipe):
        self.generator, self.critic = generator, critic
        self.recipe, self.adam = recipe, {}
        for network, name in ((generator, "generator"), (critic, "critic")):
            rate, beta_1 = recipe[f"{name}_rate"], recipe["beta_1"]
            self.adam[name] = keras.optimizers.Adam(rate, beta_1, beta_2=0.99)
            self.adam[name].build(network.trainable_weights)
        self.average = keras.models.clone_model(generator)
        self.average.set_weights(generator.get_weights())

    def fakes(self):
        shape = (batch_size, *self.generator.input_shape[1:])
        return self.generator(keras.random.normal(shape, seed=random))


# %% [markdown]
# The two turns. As in lesson 5, each tape asks only for the gradients of its
# own player, so the other one stays as it is.


# %%
def critic_turn(game, real):
    fake, penalty = game.fakes(), game.recipe["penalty"]
    with tf.GradientTape() as tape:
        scores = [game.critic(x, training=True) for x in (real, fake)]
        loss = game.recipe["loss"](*scores)[0]
        if penalty:
            loss += penalty(game.critic, real, fake)
    weights = game.critic.trainable_weights
    game.adam["critic"].apply(tape.gradient(loss, weights), weights)


# %%
def generator_turn(game, real):
    with tf.GradientTape() as tape:
        scores = game.critic(real), game.critic(game.fakes())
        loss = game.recipe["loss"](*scores)[1]
    weights, decay = game.generator.trainable_weights, 0.99
    game.adam["generator"].apply(tape.gradient(loss, weights), weights)
    for mean, new in zip(game.average.weights, weights, strict=True):
        mean.assign(decay * mean + (1 - decay) * new)


# %% [markdown]
# A round is one turn of the generator after one or more of the critic, each
# with another batch. Rounds are compiled into one program (`jit_compile`),
# without a way back to Python; fifteen times in a training we come out and
# look.


# %%
def draw(data):
    which = keras.random.randint((batch_size,), 0, len(data), seed=random)
    return ops.take(data, which, axis=0)


@tf.function(jit_compile=True)
def play_rounds(game, data, count):
    for _ in tf.range(count):
        for _ in tf.range(game.recipe["critic_steps"]):
            critic_turn(game, draw(data))
        if game.recipe["generator_rate"]:
            generator_turn(game, draw(data))


# %%
from digitdreams.progress import track


def train(game, data, look, title):
    data, looks = ops.convert_to_tensor(data), []
    count = tf.constant(game.recipe["rounds"] // 15)
    for _ in track(range(15), title, unit="looks"):
        play_rounds(game, data, count)
        looks.append(look(game))
    return looks


# %% [markdown]
# On the ring, a look holds the answer of the generator and that of its average
# to the same 2,000 draws of noise. All are kept for the gallery at the end;
# the number of modes covered is printed for each look.

# %%
noise = keras.random.normal((2000, noise_size), seed=seed)
gallery, averages = {}, {}


def look(game):
    return game.generator(noise).numpy(), game.average(noise).numpy()


def play(name, recipe, critic=None):
    critic = critic or build_network((2,), (1,))
    game = Game(build_network((noise_size,), (2,)), critic, recipe)
    looks = train(game, ring, look, name)
    gallery[name], averages[name] = zip(*looks, strict=True)
    print("modes covered:", *[covered(points) for points in gallery[name]])


# %% [markdown]
# ## Failure 1: mode collapse
#
# Give the critic a small part of the generator's learning rate. It answers so
# slowly that the generator can carry all its samples to the one place that
# the critic likes best at the moment.

# %%
slow_critic = {"critic_rate": 0.0001, "generator_rate": 0.001}
play("slow critic", plain | slow_critic)
plots.strip([picture(points) for points in gallery["slow critic"][::2]])

# %% [markdown]
# Nearly all samples share one place, and it changes: once the critic has
# learned that points there are false, the generator moves on. A single sample
# may be fine. Only a count over many samples shows what is missing.
#
# **Diagnosis:** count modes over many samples. **Repair:** a critic that keeps
# up. With *two time scales* (two learning rates) it has the higher one. Taking
# several critic steps for each step of the generator does the same at a higher
# price.

# %%
play("two time scales", plain | slow_critic | {"critic_rate": 0.003})

# %% [markdown]
# Now all modes are found, or nearly all. One or two may be lost again later:
# nothing in the loss counts modes.

# %% [markdown]
# ## Failure 2: oscillation
#
# Two players who each walk downhill need not arrive anywhere. The smallest
# example is the *Dirac GAN*: the only real point is 0, the generator makes one
# point $\theta$, and the critic scores a point $x$ with $\psi x$. The critic
# lowers $\psi\theta$, the generator lowers $-\psi\theta$. At the rate $r$ one
# round is $\psi \leftarrow \psi - r\theta$ and $\theta \leftarrow \theta +
# r\psi$: a rotation around the answer $\theta = 0$. Both moving at once even
# stretch it by $\sqrt{1 + r^2}$ a round.


# %%
def dirac(gamma, rounds=200, rate=0.1):
    theta, psi, path = 1.0, 0.0, []
    for _ in range(rounds):
        slope = theta + gamma * psi
        theta, psi = theta + rate * psi, psi - rate * slope
        path.append(theta)
    return np.array(path)


# %% [markdown]
# With `gamma` the critic also pays $\frac{\gamma}{2}\psi^2$, half the squared
# slope of its score: the *R1 penalty* in one dimension. It works as friction.
# The third curve is an *exponential moving average* (EMA) of the first: its
# swings are a fifth as large, although the game itself never comes to rest.

# %%
path, average = dirac(gamma=0.0), [1.0]
for theta in path:
    average.append(0.98 * average[-1] + 0.02 * theta)
curves = {"no penalty": path, "R1": dirac(gamma=0.5), "EMA": average}
plots.curve(curves, "the generator's point", xlabel="round")

# %% [markdown]
# On the ring the same happens with heavy momentum: `beta_1 = 0.9`, Adam's
# default, keeps pushing in the direction of a critic that has long changed its
# mind.

# %%
play("momentum", plain | {"beta_1": 0.9})
plots.strip([picture(points) for points in gallery["momentum"][::2]])

# %% [markdown]
# **Diagnosis:** compare looks with each other. Send every sample to its
# nearest centre; between two looks, half the sum of the changes of the eight
# shares says what part of the samples has moved house. We take the mean over
# the last five changes.


# %%
def restlessness(looks):
    shares = []
    for points in looks[-6:]:
        distances = np.linalg.norm(points[:, None] - centres, axis=2)
        shares.append(np.bincount(distances.argmin(axis=1), minlength=8))
    changes = np.abs(np.diff(shares, axis=0)).sum(axis=1) / len(points)
    return changes.mean() / 2


{name: float(restlessness(looks)) for name, looks in gallery.items()}

# %% [markdown]
# The slow critic is restless, too: a collapsed generator is easily chased
# around. **Repair:** less momentum, and friction. The penalty needs the
# *slope* of the critic's score, its gradient with respect to the points. A
# second tape inside the first gives it, and the outer tape differentiates
# through it.


# %%
def squared_slopes(critic, points):
    """Return the squared length of the score's gradient: (batch,)."""
    with tf.GradientTape() as tape:
        tape.watch(points)
        scores = critic(points)
    slopes = tape.gradient(scores, points)
    return ops.sum(ops.reshape(slopes, (len(slopes), -1)) ** 2, axis=1)


# %% [markdown]
# R1 takes the mean over real points, R2 over generated ones; we use both, and
# `beta_1` is 0.5 again.


# %%
def flat_ground(critic, real, fake):
    slopes = squared_slopes(critic, real) + squared_slopes(critic, fake)
    return 0.05 * ops.mean(slopes)


play("R1 and R2", plain | {"penalty": flat_ground})

# %% [markdown]
# Would less momentum alone have done? With four of six seeds that we tried it
# did; the other two lost modes, seed 1 all but one. With the penalty, and with
# the weights averaged, none of the six failed.
#
# What is left of the swings, the average of the weights takes away; it is
# the cheapest repair of all. The share of good samples at the last six looks,
# without and with it:

# %%
for looks in (gallery["R1 and R2"], averages["R1 and R2"]):
    print([round(float(mode_shares(p).sum()), 2) for p in looks[-6:]])

# %% [markdown]
# ## Failure 3: the vanishing gradient
#
# The minimax game of lesson 5 has the generator lower $\log(1 - D)$, where $D$
# is the critic's probability of "real". This loss *saturates*: where the
# critic is sure, it is flat.


# %%
def saturating(real, fake):
    critic, _ = non_saturating(real, fake)
    return critic, -ops.mean(ops.softplus(fake))


# %% [markdown]
# We will train only the critic, let the generator stand still (its rate is 0)
# and note the length of the generator's gradient. Before that, the candidate
# for a repair.

# %% [markdown]
# ## The Wasserstein distance
#
# How far are two clouds apart? The *Wasserstein distance* is the work of
# carrying one to the other: mass times way, by the best plan. On a line the
# best plan is to sort both and carry the first to the first. Points at 0, 1
# and 5 against points at 4, 2 and 9: $(2 + 3 + 4) / 3 = 3$.
#
# The classifying game measures another distance, the Jensen-Shannon
# divergence. For clouds that do not overlap it is $\log 2$, however far they
# are apart, so it does not say which way is nearer. The Wasserstein distance
# does, at any distance.
#
# It is also the largest value of *mean score of real points - mean score of
# generated points* that a critic can reach whose slope is nowhere above 1
# (*Kantorovich-Rubinstein duality*). So minus this difference becomes the
# critic's loss, and the generator raises the scores of its points.


# %%
def wasserstein(real, fake):
    return ops.mean(fake) - ops.mean(real), -ops.mean(fake)


# %% [markdown]
# The limit on the slope has to be enforced. The *gradient penalty* (WGAN-GP)
# asks for a slope of 1 at random places on the lines between real and
# generated points. Mind "of 1": friction pulls slopes to 0, this one to 1. The
# paper gives it the weight 10; in our small world 1 is enough.


# %%
def gradient_penalty(critic, real, fake):
    shape = (len(real),) + (1,) * (len(real.shape) - 1)
    share = keras.random.uniform(shape, seed=random)
    between = share * real + (1 - share) * fake
    slopes = ops.sqrt(squared_slopes(critic, between) + 1e-12)
    return ops.mean((slopes - 1) ** 2)


# %% [markdown]
# Now the trial. The generator starts with its points around (4, 4), far from
# the ring, and its rate is 0. How long is its gradient while the critic gets
# better and better? The vertical axis shows powers of ten.


# %%
def slope(game):
    with tf.GradientTape() as tape:
        scores = [game.critic(x) for x in (ring[:2000], game.generator(noise))]
        loss = game.recipe["loss"](*scores)[1]
    gradients = tape.gradient(loss, game.generator.trainable_weights)
    return np.log10(tf.linalg.global_norm(gradients) + 1e-9)


# %%
candidates = {
    "saturating": {"loss": saturating},
    "non-saturating": {"loss": non_saturating},
    "Wasserstein": {"loss": wasserstein, "penalty": gradient_penalty},
}
still = {"generator_rate": 0.0, "critic_steps": 20, "rounds": 30}
lengths = {}
for name, change in candidates.items():
    generator = build_network((noise_size,), (2,))
    generator.layers[-2].bias.assign([4.0, 4.0])
    critic = build_network((2,), (1,))
    game = Game(generator, critic, plain | still | change)
    lengths[name] = train(game, ring, slope, name)

# %%
plots.curve(
    lengths, "log10 of the gradient", xlabel="look, 40 critic steps each"
)

# %% [markdown]
# The saturating loss leaves the generator nothing to follow, and less the
# better the critic is. **Diagnosis:** the critic's loss near 0 and a gradient
# that shrinks by powers of ten. **Repair:** the non-saturating loss or the
# Wasserstein critic, which may be trained as far as you like.
#
# In a real game the loss does not stop everything: it moves the few points
# that pass for real already and forsakes the others, which have the longest
# way to go. Here is such a game with five critic steps a round, and beside it
# the Wasserstein critic:

# %%
many = plain | {"critic_steps": 5, "rounds": 600}
for name in ("saturating", "Wasserstein"):
    play(name, many | candidates[name])

# %% [markdown]
# ## Spectral normalisation
#
# A dense layer stretches a vector by at most its largest singular value.
# Divide the weights by that number and no layer can stretch, without a penalty
# and at little cost. The `SpectralNormalization` layer does it, with one step
# of power iteration per call. The last layer stays free here, because a slope
# of at most 1 is too gentle for modes as narrow as ours.

# %%
bounded = keras.Sequential([keras.Input((2,))])
for size in (128, 128):
    dense = layers.Dense(size, activation="relu")
    bounded.add(layers.SpectralNormalization(dense))
bounded.add(layers.Dense(1))
play("spectral norm", plain | {"generator_rate": 0.001}, bounded)
gallery["the same, EMA"] = averages["spectral norm"]

# %% [markdown]
# The generator still wavers, so the gallery below shows its average as well.
# The largest singular values of the two bounded layers, and the modes that the
# average covers at the end:

# %%
values = [np.linalg.norm(one.layer.kernel, 2) for one in bounded.layers[:2]]
np.round(values, 2), covered(averages["spectral norm"][-1])

# %% [markdown]
# ## The failure gallery
#
# Every recipe at every second look, and its three numbers at the end: modes
# covered, share of good samples, restlessness.

# %%
for name, looks in gallery.items():
    counts = covered(looks[-1]), mode_shares(looks[-1]).sum()
    print("{:16}{} modes, {:.2f}".format(name, *counts), end=", ")
    print(f"{restlessness(looks):.2f}")
rows = {n: [picture(p) for p in looks[::2]] for n, looks in gallery.items()}
plots.panel(rows)

# %% [markdown]
# ## The same on digits
#
# The modes of MNIST are its ten digits, and the judge of lesson 0 tells them
# apart. The stated test: a digit is covered if it has at least 1 % of 2,000
# samples; a run has *collapsed* if fewer than ten digits are. The networks are
# dense, as quick as they can be.

# %%
batch_size, noise_size, hidden_sizes = 64, 32, (128, 256)
repaired = {"loss": wasserstein, "critic_steps": 2, "rounds": 1350}
repaired |= {"critic_rate": 0.001, "generator_rate": 0.001}
repaired["penalty"] = lambda *args: 10 * gradient_penalty(*args)
collapsed = slow_critic | {"rounds": 300}

# %% [markdown]
# A look now keeps the samples and the *gap*: the mean score of validation
# images minus that of samples. For a Wasserstein critic it estimates the
# distance between the two.

# %%
from digitdreams import data

digits = data.load()
some = digits.validation.images[:2000]
noise = keras.random.normal((2000, noise_size), seed=seed)


def look_at_digits(game):
    images = game.generator(noise)
    gap = ops.mean(game.critic(some)) - ops.mean(game.critic(images))
    return images.numpy(), float(gap)


# %%
final = {}
for name, change in {"collapsed": collapsed, "repaired": repaired}.items():
    generator = build_network((noise_size,), (28, 28, 1), hidden_sizes)
    generator.add(layers.Activation("sigmoid"))
    critic = build_network((28, 28, 1), (1,), hidden_sizes[::-1])
    game = Game(generator, critic, plain | change)
    looks = train(game, digits.train.images, look_at_digits, name)
    final[name] = looks[-1][0]

# %% [markdown]
# The first row is the collapsed run as it ended, the second the average of the
# repaired one's weights.

# %%
final["repaired"] = game.average(noise).numpy()
plots.panel({name: images[:14] for name, images in final.items()})

# %% [markdown]
# The collapsed generator makes one picture whatever the noise, and with so
# slow a critic not even that of a digit. The slow critic is not the only
# cause: with equal rates this loss collapsed, too, when we tried. It is the
# Wasserstein loss with its penalty that repairs it. The judge, which knows
# nothing but digits, has to call that picture something. How often does each
# digit occur among the 2,000 samples, in per cent, and how many are covered?

# %%
from digitdreams import judge, metrics

verdicts = {name: judge.probabilities(final[name]) for name in final}
for name, verdict in verdicts.items():
    shares = 100 * metrics.class_shares(verdict)
    print(f"{name:10}", shares.round(1), metrics.mode_coverage(verdict))

# %% [markdown]
# ## A loss that means something
#
# In a classifying GAN neither loss says how good the samples are: each is
# measured against an opponent who changes. The Wasserstein gap has a meaning
# of its own, and should fall as the samples improve. We compare it with the
# FID of 1,000 of these samples, look by look.

# %%
real_features = judge.features(some)
fids = [
    metrics.fid(real_features, judge.features(images[:1000]))
    for images, _ in looks
]
gap = [gap for _, gap in looks]
both = {"gap": np.divide(gap, max(gap)), "FID": np.divide(fids, max(fids))}
plots.curve(both, "share of the largest", xlabel="look")

# %% [markdown]
# *Rank correlation* (Spearman's) asks only for the order: 1 if both always
# rise and fall together, 0 if they have nothing to do with each other, -1 if
# one rises whenever the other falls.

# %%
from scipy.stats import spearmanr

course.expect(
    collapsed_digits=metrics.mode_coverage(verdicts["collapsed"]),
    repaired_digits=metrics.mode_coverage(verdicts["repaired"]),
    rank_correlation=spearmanr(gap, fids).statistic,
)

# %% [markdown]
# ## What to remember
#
# 1. Each failure has its number: modes covered (collapse), restlessness
#    (oscillation), the length of the generator's gradient (saturation).
# 2. Keep the critic strong but its slopes tame: R1 and R2, the gradient
#    penalty and spectral normalisation are three ways to the same end.
# 3. A Wasserstein critic estimates a distance, so its loss can be read; and an
#    average of the generator's weights is a repair that costs nothing.
#
# ## Asked in interviews
#
# - *What is mode collapse, and how do you detect it?* Many draws of noise give
#   few kinds of samples; classify many samples and count the classes.
# - *Why does WGAN-GP use a penalty instead of clipping weights?* Clipping
#   limits the slope only through each weight, which wastes the critic's
#   capacity; the penalty asks for the slope itself.
# - *Where is the gradient of the penalty taken, and with respect to what?* At
#   random points between real and generated ones, with respect to those
#   points, one slope for each example.
# - *What is the difference between R1 and WGAN-GP?* R1 pulls slopes at real
#   images to 0, WGAN-GP pulls slopes in between to 1.
# - *Why does a GAN's loss go up and down without end?* The gradients of two
#   players together form a rotation; without friction nothing ends it.
#
# ## To read
#
# - Arjovsky, Chintala and Bottou, [Wasserstein
#   GAN](https://arxiv.org/abs/1701.07875), 2017; Gulrajani and others,
#   [Improved training of Wasserstein
#   GANs](https://arxiv.org/abs/1704.00028), 2017: the gradient penalty.
# - Mescheder, Geiger and Nowozin, [Which training methods for GANs do actually
#   converge?](https://arxiv.org/abs/1801.04406), 2018: the Dirac GAN, R1, R2.
# - Miyato and others, [Spectral normalization for
#   GANs](https://arxiv.org/abs/1802.05957), 2018.
# - Heusel and others, [GANs trained by a two time-scale update
#   rule](https://arxiv.org/abs/1706.08500), 2017.
# - Huang and others, [The GAN is dead; long live the
#   GAN!](https://arxiv.org/abs/2501.05441), 2025: a relativistic loss with R1
#   and R2.
#
# ## Next
#
# In exercise 6 you write the tests and the penalties yourself and repair two
# broken ones. Lesson 7 tells the GAN which digit to make.
