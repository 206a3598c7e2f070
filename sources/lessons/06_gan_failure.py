# %% [markdown]
# # 6. When GANs fail, and how to repair them
#
# The GAN of lesson 5 worked because its recipe avoids three traps: *mode
# collapse*, *vanishing gradients* and *oscillation*. Here you walk into each
# of them on purpose, learn the number that gives it away, and repair it.
#
# Most of this happens in a world of two dimensions, where one picture shows
# everything and a training takes seconds; at the end the same code makes MNIST
# digits, once broken and once repaired. All of it takes a little more than two
# minutes on two CPU cores.

# %%
from digitdreams import course

seed = course.start("06")

# %% [markdown]
# ## A small world
#
# The real data are points around eight centres on a circle: a *mixture* of
# eight normal distributions, each with an eighth of the points. Every centre
# is a *mode*, a place where data are dense, as each digit is in MNIST. As a
# picture, the cloud is cut into small boxes, the brighter the more points fall
# into them. The picture ends at 1.5 in all four directions; where later ones
# are black, the points lie outside.

# %%
import numpy as np

from digitdreams import data, judge, metrics, plots

spread, angles = 0.05, np.arange(8) * np.pi / 4
centres = np.stack([np.cos(angles), np.sin(angles)], axis=1)
noise = np.random.default_rng(seed).normal(size=(20_000, 2))
ring = centres[np.arange(20_000) % 8] + spread * noise
plots.strip(plots.densities([ring]), title="Real points")

# %% [markdown]
# ## The test, before the trial
#
# "The samples look bad" is no diagnosis. We state now what we will count. A
# sample *belongs* to the mode that is nearest if it lies within reach, three
# standard deviations of its centre. A mode is *covered* if at least 2 % of all
# samples belong to it (an equal share is 12.5 %). Samples that belong nowhere
# are bad ones. For the real points: the modes covered, and the share of good
# points.


# %%
def mode_shares(points, reach=3 * spread):
    distances = np.linalg.norm(points[:, None] - centres, axis=2)
    nearest = distances == distances.min(axis=1, keepdims=True)
    return (nearest & (distances < reach)).mean(axis=0)


def covered(points):
    return int((mode_shares(points) >= 0.02).sum())


covered(ring), float(mode_shares(ring).sum())

# %% [markdown]
# The third number compares looks at the same training with each other. Send
# every sample to its nearest centre, however far; between two looks, half the
# sum of the changes of the eight shares says what part of the samples has
# moved house. The mean over the last five changes is the *restlessness*.


# %%
def restlessness(looks):
    shares = [mode_shares(points, reach=np.inf) for points in looks[-6:]]
    return np.abs(np.diff(shares, axis=0)).sum(axis=1).mean() / 2


# %% [markdown]
# ## Two players and a recipe
#
# Generator and critic are small dense networks, from one row of numbers to
# another. *Critic* is another name for the discriminator, common where it
# returns a score rather than a probability. Ours always returns one number, a
# logit or a score; the loss makes the difference.

# %%
import keras
from keras import layers, ops


def build_network(inputs, outputs, sizes=(128, 128), wrap=None, **last):
    network = keras.Sequential([keras.Input((inputs,))])
    for size in sizes:
        layer = layers.Dense(size, activation="relu")
        network.add(wrap(layer) if wrap else layer)
    network.add(layers.Dense(outputs, **last))
    return network


# %% [markdown]
# The losses of lesson 5, from the scores of real and of generated points. The
# first number is the critic's loss, the second the generator's. `softplus(a)`
# is $\log(1 + e^a)$, so that `softplus(-score)` is minus the logarithm of the
# probability "real".


# %%
def non_saturating(real, fake):
    critic = ops.mean(ops.softplus(-real)) + ops.mean(ops.softplus(fake))
    return critic, ops.mean(ops.softplus(-fake))


# %% [markdown]
# All choices of a training stand in one *recipe*. The failures and repairs
# below change a few entries of this one each; `penalty` and its `weight` are
# explained when they are needed.

# %%
plain = {"loss": non_saturating, "penalty": lambda *args: 0.0, "weight": 0}
plain |= {"rates": (0.003, 0.003)}  # of the critic, of the generator
plain |= {"beta_1": 0.5, "critic_steps": 1, "rounds": 1500}
batch_size, noise_size = 128, 8
random = keras.random.SeedGenerator(seed)

# %% [markdown]
# A `Game` holds both networks and an optimiser for each. `average` is a second
# generator, whose weights follow those of the first one slowly. `adam` is that
# of lesson 5, here with a rate that stays; `squared_slope` is for the repairs.

# %%
import tensorflow as tf

from digitdreams.models import adam, squared_slope


class Game:
    def __init__(self, change, generator=None, critic=None):
        self.recipe = recipe = plain | change
        self.generator = generator or build_network(noise_size, 2)
        self.critic = critic or build_network(2, 1)
        self.average = keras.models.clone_model(self.generator)
        self.average.set_weights(self.generator.get_weights())
        rates, beta_1 = recipe["rates"], recipe["beta_1"]
        self.critic_adam = adam(self.critic, rates[0], beta_1=beta_1)
        self.generator_adam = adam(self.generator, rates[1], beta_1=beta_1)

    def fakes(self):
        noise = keras.random.normal((batch_size, noise_size), seed=random)
        return self.generator(noise)


# %% [markdown]
# The two turns. As in lesson 5, each tape asks only for the gradients of its
# own player, so the other one stays as it is. The generator's turn returns the
# length of its gradient, which will be a diagnosis.


# %%
def critic_turn(game, real):
    fake, recipe = game.fakes(), game.recipe
    with tf.GradientTape() as tape:
        scores = [game.critic(x, training=True) for x in (real, fake)]
        loss = recipe["loss"](*scores)[0]
        loss += recipe["weight"] * recipe["penalty"](game.critic, real, fake)
    weights = game.critic.trainable_weights
    game.critic_adam.apply(tape.gradient(loss, weights), weights)


# %%
def generator_turn(game, real):
    with tf.GradientTape() as tape:
        scores = game.critic(real), game.critic(game.fakes())
        loss = game.recipe["loss"](*scores)[1]
    weights = game.generator.trainable_weights
    gradients = tape.gradient(loss, weights)
    game.generator_adam.apply(gradients, weights)
    for mean, new in zip(game.average.weights, weights, strict=True):
        mean.assign(0.99 * mean + 0.01 * new)
    return tf.linalg.global_norm(gradients)


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
        generator_turn(game, draw(data))


# %%
from digitdreams.progress import track


def train(game, data, look, title):
    data, looks = ops.convert_to_tensor(data, "float32"), []
    count = tf.constant(game.recipe["rounds"] // 15)
    for _ in track(range(15), title, unit="looks"):
        play_rounds(game, data, count)
        looks.append(look(game))
    return looks


# %% [markdown]
# On the ring, a look holds the answer of the generator and that of its average
# to the same 2,000 draws of noise. All are kept for the gallery at the end.
# Printed are the modes covered at each look, and at the end the share of good
# samples and the restlessness.

# %%
noise = keras.random.normal((2000, noise_size), seed=seed)
gallery, averages = {}, {}


def look(game):
    return game.generator(noise).numpy(), game.average(noise).numpy()


def play(name, change, critic=None):
    looks = train(Game(change, critic=critic), ring, look, name)
    gallery[name], averages[name] = zip(*looks, strict=True)
    print("modes covered:", *[covered(points) for points in gallery[name]])
    good = mode_shares(gallery[name][-1]).sum()
    print(f"good {good:.2f}, restlessness {restlessness(gallery[name]):.2f}")


# %% [markdown]
# ## Failure 1: mode collapse
#
# Give the critic a small part of the generator's learning rate. It answers so
# slowly that the generator can carry all its samples to the one place that
# the critic likes best at the moment.

# %%
play("slow critic", {"rates": (0.0001, 0.001)})
plots.strip(plots.densities(gallery["slow critic"][::2]))

# %% [markdown]
# Nearly all samples share one place, and it changes: once the critic has
# learned that points there are false, the generator moves on. A single sample
# may be fine. Only a count over many samples shows what is missing. (A
# collapse can also stand still, as you will see in failure 3.)
#
# **Diagnosis:** count modes over many samples. **Repair:** a critic that keeps
# up. With *two time scales* (two learning rates) it has the higher one. Taking
# several critic steps for each step of the generator does the same at a higher
# price.

# %%
play("two time scales", {"rates": (0.003, 0.001)})

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
#
# As a matrix, one round takes the pair $(\theta, \psi)$ to the next; its
# $n$-th power makes $n$ rounds. With `gamma` the critic also pays
# $\frac{\gamma}{2}\psi^2$, `gamma` times half the squared slope of its score:
# the *R1 penalty* in one dimension. It works as friction. (The start is
# $\theta = 1$, $\psi = 0$, and $r = 0.1$.)


# %%
def path(gamma):
    a_round = np.array([[1, 0.1], [-0.1, 1 - 0.1 * gamma]])
    return [np.linalg.matrix_power(a_round, n)[0, 0] for n in range(1, 201)]


curves = {"no penalty": path(gamma=0.0), "R1": path(gamma=0.5)}
plots.curve(curves, "the generator's point", xlabel="round")

# %% [markdown]
# On the ring the same happens with heavy momentum: `beta_1 = 0.9`, Adam's
# default, keeps pushing in the direction of a critic that has long changed its
# mind. After it, the plain recipe, which has 0.5 there and is otherwise the
# same:

# %%
play("momentum", {"beta_1": 0.9})
play("less momentum", {})
plots.strip(plots.densities(gallery["momentum"][::2]))

# %% [markdown]
# **Diagnosis:** restlessness, many times that of a game which arrives. It does
# not tell oscillation from a collapse that is chased around, which is restless
# as well; the cause does, the momentum here and the slow critic there.
# **Repair:** less momentum. What is left of the swings, the average of the
# weights takes away; it is the cheapest repair of all. The restlessness
# without and with it:

# %%
[float(restlessness(looks["less momentum"])) for looks in (gallery, averages)]

# %% [markdown]
# Friction for the ring needs the *slope* of the critic's score, its gradient
# with respect to the points. Lesson 5 wrote its squared length with a second
# tape inside the first; `squared_slope` of our package is the same, one number
# for each point. R1 takes the mean over real points, R2 over generated ones;
# we use both. Their trial comes below, in a game that less momentum alone does
# not repair.


# %%
def flat_ground(critic, real, fake):
    return ops.mean(squared_slope(critic, real) + squared_slope(critic, fake))


# %% [markdown]
# ## Failure 3: the vanishing gradient
#
# The minimax game of lesson 5 has the generator lower $\log(1 - D)$, where $D$
# is the critic's probability of "real". This loss *saturates*: where the
# critic is sure, it is flat.


# %%
def saturating(real, fake):
    return non_saturating(real, fake)[0], -ops.mean(ops.softplus(fake))


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
    share = keras.random.uniform((len(real), 1), seed=random)
    between = share * real + (1 - share) * fake
    slopes = ops.sqrt(squared_slope(critic, between) + 1e-12)
    return ops.mean((slopes - 1) ** 2)


# %% [markdown]
# Now the trial. The ring is moved to (4, 4), far from the generator's points,
# and the generator's rate is 0. How long is its gradient while the critic gets
# better and better? `plain` has the non-saturating loss. The vertical axis
# shows powers of ten; between two looks lie 40 steps of the critic. Its loss
# at the last look is printed.

# %%
far = ops.convert_to_tensor(ring + 4, "float32")


def slope(game):
    scores = game.critic(far[:1000]), game.critic(game.fakes())
    length = generator_turn(game, far)
    return np.log10(length + 1e-9), float(game.recipe["loss"](*scores)[0])


# %%
wgan = {"loss": wasserstein, "penalty": gradient_penalty, "weight": 1}
losses = {"saturating": {"loss": saturating}, "plain": {}, "Wasserstein": wgan}
still = {"rates": (0.003, 0.0), "critic_steps": 20, "rounds": 30}
lengths = {}
for name, change in losses.items():
    looks = train(Game(change | still), far, slope, name)
    lengths[name], costs = zip(*looks, strict=True)
    print(f"the critic's loss: {costs[-1]:.2g}")
plots.curve(lengths, "log10 of the gradient's length", xlabel="look")

# %% [markdown]
# The saturating loss leaves the generator nothing to follow, and less the
# better the critic is. **Diagnosis:** a critic's loss near 0 *and* a gradient
# that shrinks by powers of ten. (The loss alone says little: with the plain
# recipe it is about as small, and the gradient is not.) **Repair:** the
# non-saturating loss or the Wasserstein critic, which may be trained as far as
# you like.
#
# In a real game the loss does not stop everything: it moves the few points
# that pass for real already and forsakes the others, which have the longest
# way to go. Here is such a game with five critic steps a round, and then the
# same with one thing changed each time: the loss, twice, and then only R1 and
# R2 added to the saturating one.

# %%
friction = {"loss": saturating, "penalty": flat_ground, "weight": 0.05}
strong = {"critic_steps": 5, "rounds": 600}
for name, change in (losses | {"R1 and R2": friction}).items():
    play(name, change | strong)

# %% [markdown]
# The plain loss finds several modes and then stays where it is, hardly
# restless: a collapse that stands still. Against so strong a critic only the
# recipes that tame its slope get around the whole ring.
#
# ## Spectral normalisation
#
# A dense layer stretches a vector by at most its largest singular value.
# Divide the weights by that number and no layer can stretch, without a penalty
# and at little cost. The `SpectralNormalization` layer does it, with one step
# of power iteration per call. The last layer stays free here, because a slope
# of at most 1 is too gentle for modes as narrow as ours. Again the saturating
# game, with nothing else changed:

# %%
bounded = build_network(2, 1, wrap=layers.SpectralNormalization)
play("spectral norm", losses["saturating"] | strong, bounded)

# %% [markdown]
# It comes around the whole ring, though not with every mode at every look:
# under so gentle a critic many samples stay between the modes. The largest
# singular values of the two bounded layers need not be exactly 1: the last
# step of Adam has moved the weights since they were last divided.

# %%
[float(np.linalg.norm(one.layer.kernel, 2)) for one in bounded.layers[:2]]

# %% [markdown]
# ## The failure gallery
#
# Every recipe at every second look. Which would you keep, and which of the
# three numbers tells you why?

# %%
plots.panel({name: plots.densities(gallery[name][::2]) for name in gallery})

# %% [markdown]
# ## The same on digits
#
# The modes of MNIST are its ten digits, and the judge of lesson 0 tells them
# apart. The stated test: a digit is covered if it has at least 1 % of 2,000
# samples; a run has *collapsed* if fewer than ten digits are. The networks are
# dense, as quick as they can be, and the two recipes differ in nothing but
# the loss and its penalty.

# %%
batch_size, noise_size, sizes = 64, 32, (128, 256)
shared = {"rates": (0.001, 0.001), "rounds": 1350}
recipes = {"collapsed": shared, "repaired": wgan | {"weight": 10} | shared}

# %% [markdown]
# A look now keeps the samples and the *gap*: the mean score of validation
# images minus that of samples. For a Wasserstein critic it estimates the
# distance between the two.

# %%
digits = data.load()
real_images = digits.validation.images[:2000]
noise = keras.random.normal((2000, noise_size), seed=seed)


def look_at_digits(game):
    images, some = game.generator(noise), real_images.reshape(-1, 784)
    gap = ops.mean(game.critic(some)) - ops.mean(game.critic(images))
    return images.numpy().reshape(-1, 28, 28, 1), float(gap)


# %%
final, train_images = {}, digits.train.images.reshape(-1, 784)
for name, change in recipes.items():
    generator = build_network(noise_size, 784, sizes, activation="sigmoid")
    game = Game(change, generator, build_network(784, 1, sizes[::-1]))
    looks = train(game, train_images, look_at_digits, name)
    final[name] = looks[-1][0]

# %%
plots.panel({name: images[:14] for name, images in final.items()})

# %% [markdown]
# The collapsed generator repeats a few shapes whatever the noise, whether they
# are digits or not. The Wasserstein loss with its penalty is all that the
# second row has more. How often does each digit occur among the 2,000
# samples, in per cent? (The judge knows nothing but digits and has to call
# every picture one.)

# %%
verdicts = {name: judge.probabilities(final[name]) for name in final}
for name, verdict in verdicts.items():
    print(f"{name:10}", (100 * metrics.class_shares(verdict)).round(1))

# %% [markdown]
# ## A loss that means something
#
# In a classifying GAN neither loss says how good the samples are: each is
# measured against an opponent who changes. The Wasserstein gap has a meaning
# of its own, and should fall as the samples improve. We compare it with the
# FID of 1,000 samples, look by look.

# %%
images, gaps = zip(*looks, strict=True)
real = judge.features(real_images)
fids = [metrics.fid(real, judge.features(drawn[:1000])) for drawn in images]
both = {"gap": np.divide(gaps, max(gaps)), "FID": np.divide(fids, max(fids))}
plots.curve(both, "share of the largest", xlabel="look")

# %% [markdown]
# *Rank correlation* (Spearman's) asks only for the order: 1 if both always
# rise and fall together, 0 if they have nothing to do with each other, -1 if
# one rises whenever the other falls. Where both hardly change from look to
# look, chance decides the order, so it differs from training to training: the
# table at the end shows what is typical.

# %%
from scipy.stats import spearmanr

course.expect(
    collapsed_digits=metrics.mode_coverage(verdicts["collapsed"]),
    repaired_digits=metrics.mode_coverage(verdicts["repaired"]),
    rank_correlation=spearmanr(gaps, fids).statistic,
)

# %% [markdown]
# ## What to remember
#
# 1. Three numbers, read together, tell the failures apart: modes covered,
#    restlessness, and the length of the generator's gradient.
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
# In [exercise 6](../exercises/06_gan_failure/06_gan_failure.ipynb) you write
# three measures and a pair of losses and repair two penalties. [Lesson
# 7](07_conditional_gan.ipynb) tells the GAN which digit to make.
