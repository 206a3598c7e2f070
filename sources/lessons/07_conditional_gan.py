# %% [markdown]
# # 7. Conditional GAN
#
# The GAN of lesson 5 draws some digit; which one is luck. A *conditional* GAN
# draws the digit that you ask for. Everything hangs on how the two networks
# are told the label, so you will build three ways to tell the discriminator
# and two to tell the generator, train one strong pair in earnest, and slide
# from one digit into another.
#
# Two relatives close the lesson: AC-GAN, whose discriminator names the digit
# itself, and InfoGAN, which invents classes although nobody tells it any. All
# of it takes about two and a half minutes on two CPU cores.

# %%
from digitdreams import course

seed = course.start("07")

# %% [markdown]
# ## Images and labels
#
# The labels come as *one-hot* vectors: ten numbers, a one at the place of the
# digit and zeros elsewhere.

# %%
import numpy as np

from digitdreams import data, plots

digits = data.load()
one_hot = np.eye(10, dtype="float32")
one_hot[digits.train.labels[:3]]

# %%
plots.grid(digits.train.images[:10], labels=digits.train.labels[:10])

# %% [markdown]
# ## What changes in the game
#
# The generator gets noise *and* a label, $G(z, y)$. The discriminator gets an
# image *and* a label, $D(x, y)$, and answers: is this a real image *of this
# digit*? Both losses stay as they were. A clean 4 under the label 9 is now as
# false as a blot, so the generator has to obey.
#
# The fakes of a batch are made with the labels of its real images. So real and
# generated pairs have the same labels, and the label alone gives nothing away.

# %% [markdown]
# ## A label for a vector
#
# Noise and one-hot vector are joined end to end: *concatenation*. The first
# dense layer multiplies the joined vector with its weights, and the ten zeros
# and ones pick a row. So the label adds one learned vector to the layer's
# result before its activation, nothing more.
#
# An *embedding* is a table with a learned vector for each label. Looking up a
# row is the same as multiplying the one-hot vector with the table:

# %%
table = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
table[2], np.array([0.0, 0.0, 1.0]) @ table

# %% [markdown]
# We multiply. It gives the same numbers and allows more: a vector that is half
# 3 and half 8 selects the point in the middle of two rows. The slides at the
# end of this lesson depend on it.

# %% [markdown]
# ## A label for an image
#
# A convolution wants maps. The usual way to concatenate a label with an image:
# ten maps of the image's size, the map of the right digit all ones, the others
# all zeros. A public tutorial that many programs copy makes them like this:

# %%
label = one_hot[[3]]
copied = np.repeat(label, 28 * 28).reshape(-1, 28, 28, 10)
right = np.broadcast_to(label[:, None, None], (1, 28, 28, 10))
copied.shape, right.shape

# %% [markdown]
# The shapes agree, so nothing complains. But look at the ten maps. `repeat`
# copies each *number* 784 times, and `reshape` deals the long row out over
# pixels first and channels last, so that all ten channels get the same band,
# but for a pixel at its ends.

# %%
maps = {"right": right, "copied": copied}
plots.panel({name: np.moveaxis(m[0], -1, 0) for name, m in maps.items()})

# %% [markdown]
# Training still works after a fashion: the band lies lower for a higher digit,
# and a network can learn to read that where it looks at the band. Such bugs
# survive because GANs hide them. The check that finds it takes a line: every
# pixel of a label map has to equal the one-hot vector.

# %%
[bool(np.all(maps == label)) for maps in (right, copied)]

# %% [markdown]
# ## Projection
#
# The third way asks what the best discriminator's logit is made of. With $p$
# for real and $q$ for generated pairs,
#
# $$\log \frac{p(x, y)}{q(x, y)} = \log \frac{p(y|x)}{q(y|x)} + \log
# \frac{p(x)}{q(x)}.$$
#
# The second term judges the image alone. The first asks whether the label
# fits. A softmax classifier on some features $\phi(x)$ would answer with a
# product $v_y \cdot \phi(x)$, one vector $v_y$ for each label, and a
# normalisation that does not depend on the label. So the *projection
# discriminator* (Miyato and Koyama, 2018) adds an inner product to the logit:
#
# $$a(x, y) = w \cdot \phi(x) + b + v_y \cdot \phi(x)$$
#
# With the features (2, 1), $w = (0.5, -1)$, $b = 0$, and two labels with $v_0
# = (1, 0)$, $v_1 = (-1, 1)$, the same image is rather real as a 0 and rather
# not as a 1:

# %%
features, w = np.array([2.0, 1.0]), np.array([0.5, -1.0])
vectors = np.array([[1.0, 0.0], [-1.0, 1.0]])
features @ w + vectors @ features

# %% [markdown]
# ## Three discriminators
#
# Small dense networks, to compare the three ways in seconds. Concatenation
# joins image and one-hot vector, which is multiplied by 10 here: the vector of
# a digit's pixels is about 9 long, and a single 1 beside it would be
# overlooked for long. (By a classifier of our own, trained on real digits,
# samples obey about as well with any factor from 5 to 20, and hardly with 1 or
# 2.) Embedding turns the label into a learned picture of 28 by 28 numbers and
# joins that. Projection comes in only at the end.

# %%
import keras
from keras import layers


def build_dense_discriminator(way):
    images, labels = keras.Input((28, 28, 1)), keras.Input((10,))
    x = layers.Flatten()(images)
    if way == "concatenation":
        x = layers.Concatenate()([x, 10 * labels])
    if way == "embedding":
        learned = layers.Dense(28 * 28, use_bias=False)(labels)
        x = layers.Concatenate()([x, learned])
    x = layers.Dense(256, activation="leaky_relu")(x)
    x = layers.Dense(128, activation="leaky_relu")(x)
    logits = layers.Dense(1)(x)
    if way == "projection":
        vectors = layers.Dense(128, use_bias=False)(labels)
        logits += layers.Dot(axes=1)([vectors, x])
    return keras.Model([images, labels], logits)


# %% [markdown]
# One generator serves all three:

# %%
noise_size = 32


def build_dense_generator():
    noise, labels = keras.Input((noise_size,)), keras.Input((10,))
    x = layers.Concatenate()([noise, labels])
    for size in (256, 512):
        x = layers.Dense(size, activation="leaky_relu")(x)
    x = layers.Dense(28 * 28, activation="sigmoid")(x)
    return keras.Model([noise, labels], layers.Reshape((28, 28, 1))(x))


# %% [markdown]
# ## The game
#
# The recipe is that of lesson 5: the non-saturating loss, an R1 penalty, Adam
# without momentum, rates that fall to 0 and of which the generator's is the
# higher one, an average of the generator's weights. The penalty is paid in one
# step of eight, eight times over, and on half of the batch only, because
# slopes of slopes are expensive.

# %%
batch_size = 32
average_decay, noise_scale = 0.995, 0.85
penalty, penalty_images, penalty_every = 0.01, 16, 8

dense_recipe = {"steps": 400, "rates": (0.003, 0.002)}
final_recipe = {"steps": 1760, "rates": (0.008, 0.004)}
generator_size, generator_channels = 256, [64, 32]
discriminator_size, discriminator_channels = 128, [32, 64]

# %% [markdown]
# The class holds both networks, the average and the optimisers. `build` makes
# a generator and is called twice. The three methods after `fakes` are all that
# AC-GAN and InfoGAN will change.

# %%
import tensorflow as tf
from keras import ops

from digitdreams.models import adam, squared_slope


class ConditionalGAN:
    def __init__(self, build, discriminator, steps, rates):
        self.generator, self.average = build(), build()
        self.average.set_weights(self.generator.get_weights())
        self.discriminator, self.steps = discriminator, steps
        self.generator_adam = adam(self.generator, rates[0], steps)
        self.discriminator_adam = adam(discriminator, rates[1], steps)
        self.random = keras.random.SeedGenerator(seed)

    def fakes(self, labels):
        shape = batch_size, noise_size
        noise = keras.random.normal(shape, seed=self.random)
        return self.generator([noise, labels], training=True)

    def logits(self, images, labels):
        return self.discriminator([images, labels])

    def discriminator_loss(self, real, fake, labels):
        loss = ops.mean(ops.softplus(-self.logits(real, labels)))
        return loss + ops.mean(ops.softplus(self.logits(fake, labels)))

    def generator_loss(self, fake, labels):
        return ops.mean(ops.softplus(-self.logits(fake, labels)))


# %% [markdown]
# A step is a turn of each. The fakes are made once, recorded on the
# generator's tape, and serve both turns: first the discriminator learns to
# tell them from the real images, then the generator learns from what the
# improved discriminator says of the same fakes. Making them twice, as lesson
# 5's two separate turns would, costs about a tenth more.


# %%
def steepness(gan, images, labels):
    """Return R1, the mean squared length of d logit / d image: one number."""
    return ops.mean(squared_slope(lambda x: gan.logits(x, labels), images))


def both_turns(gan, real, labels, penalised):
    with tf.GradientTape() as generator_tape:
        fake = gan.fakes(labels)
    with tf.GradientTape() as tape:
        loss = price = gan.discriminator_loss(real, fake, labels)
        if penalised:
            few = slice(penalty_images)
            slope = steepness(gan, real[few], labels[few])
            price = loss + penalty_every * penalty * slope
    weights = gan.discriminator.trainable_weights
    gan.discriminator_adam.apply(tape.gradient(price, weights), weights)
    with generator_tape:
        made = gan.generator_loss(fake, labels)
    weights = gan.generator.trainable_weights
    gradients = generator_tape.gradient(made, weights)
    gan.generator_adam.apply(gradients, weights)
    pairs = zip(gan.average.weights, gan.generator.weights, strict=True)
    for mean, new in pairs:
        mean.assign(average_decay * mean + (1 - average_decay) * new)
    return tf.stack([loss, made])


# %% [markdown]
# Training runs in ten parts, each of them one call of a graph.

# %%
from digitdreams.progress import track


@tf.function
def train_rounds(gan, batches, count):
    total = tf.zeros(2)
    for _ in tf.range(count):
        total += both_turns(gan, *next(batches), penalised=True)
        for _ in tf.range(penalty_every - 1):
            total += both_turns(gan, *next(batches), penalised=False)
    return total / tf.cast(count * penalty_every, "float32")


def train(gan, labels, title):
    pairs = digits.train.images, one_hot[labels]
    batches = iter(data.batches(pairs, batch_size, seed).repeat())
    losses, count = [], tf.constant(gan.steps // penalty_every // 10)
    for _ in track(range(10), title, unit="parts"):
        losses.append(train_rounds(gan, batches, count).numpy())
    judged, made = np.transpose(losses)
    return {"discriminator": judged, "generator": made}


# %% [markdown]
# ## Three ways, side by side

# %%
gans = {}
for way in ("concatenation", "embedding", "projection"):
    discriminator = build_dense_discriminator(way)
    gan = ConditionalGAN(build_dense_generator, discriminator, **dense_recipe)
    train(gan, digits.train.labels, way)
    gans[way] = gan

# %% [markdown]
# Ten digits from each, always with the same noise. Whether they obey is
# counted at the end, together with the other models.
#
# For drawing, the noise is scaled by 0.85. Shorter vectors lie nearer to the
# middle and give more ordinary images, so fewer samples fail; what is lost is
# some variety. It is a relative of the *truncation* of BigGAN (Brock and
# others, 2018), which draws every number that is too large once more. The 0.85
# was chosen on validation images, with a small classifier of our own.


# %%
def images_of(gan, noise, labels):
    """Return the average generator's images, computed 500 at a time."""
    parts = [slice(at, at + 500) for at in range(0, len(labels), 500)]
    images = [gan.average([noise[part], labels[part]]) for part in parts]
    return np.concatenate(images)


def draw(gan, labels, noise_seed=seed):
    shape = len(labels), noise_size
    noise = keras.random.normal(shape, seed=noise_seed).numpy()
    return images_of(gan, noise_scale * noise, labels)


plots.panel({name: draw(gan, one_hot) for name, gan in gans.items()})

# %% [markdown]
# ## Class-conditional batch normalisation
#
# In a deep generator a label that enters at the bottom has to survive every
# layer. Better to tell it again in each one. Batch normalisation brings a
# channel to mean 0 and variance 1, then gives it a learned gain and shift.
# *Class-conditional* batch normalisation learns a gain and a shift for every
# class. A channel with the values 1 and 3, in a class with gain 2 and shift
# 0.5:

# %%
channel = np.array([1.0, 3.0])
2 * (channel - channel.mean()) / channel.std() + 0.5

# %% [markdown]
# So the class can switch channels off and on, and with them kinds of strokes.
# In Keras it is made of parts: a normalisation without gain and shift, and two
# tables.


# %%
def conditional_normalisation(x, labels):
    channels = x.shape[-1]
    x = layers.BatchNormalization(momentum=0.9, center=False, scale=False)(x)
    gain = layers.Dense(channels, use_bias=False, kernel_initializer="ones")
    shift = layers.Dense(channels, use_bias=False, kernel_initializer="zeros")
    as_map = layers.Reshape((1,) * (len(x.shape) - 2) + (channels,))
    x = layers.Multiply()([x, as_map(gain(labels))])
    x = layers.Add()([x, as_map(shift(labels))])
    return layers.ReLU()(x)


# %% [markdown]
# ## The model
#
# The generator of lesson 5, whose three normalisations are now told the label.
# Mind the order: the second one comes *before* the reshape, so each of its
# 3,136 numbers has its own gain and shift, and a class can put strokes where
# it wants them. Behind the reshape it would shift a whole channel at once, the
# same everywhere: a first version of this model did, and hardly learned its
# labels.


# %%
def build_generator():
    noise, labels = keras.Input((noise_size,)), keras.Input((10,))
    first, second = generator_channels
    x = noise
    for size in (generator_size, 7 * 7 * first):
        x = layers.Dense(size, use_bias=False)(x)
        x = conditional_normalisation(x, labels)
    double = {"kernel_size": 4, "strides": 2, "padding": "same"}
    x = layers.Reshape((7, 7, first))(x)
    x = layers.Conv2DTranspose(second, use_bias=False, **double)(x)
    x = conditional_normalisation(x, labels)
    x = layers.Conv2DTranspose(1, activation="sigmoid", **double)(x)
    return keras.Model([noise, labels], x, name="generator")


# %% [markdown]
# And the discriminator of lesson 5 with a projection at its end:


# %%
def build_discriminator():
    images, labels = keras.Input((28, 28, 1)), keras.Input((10,))
    x = images
    for channels in discriminator_channels:
        x = layers.Conv2D(channels, 4, strides=2, padding="same")(x)
        x = layers.LeakyReLU(0.2)(x)
    x = layers.Dense(discriminator_size)(layers.Flatten()(x))
    x = layers.LeakyReLU(0.2)(x)
    vectors = layers.Dense(discriminator_size, use_bias=False)(labels)
    logits = layers.Dense(1)(x) + layers.Dot(axes=1)([vectors, x])
    return keras.Model([images, labels], logits, name="discriminator")


# %% [markdown]
# Cheap checks before the expensive cell: the first losses are near 1.386 and
# 0.693, a gradient reaches every weight of the generator, and another label
# changes the logit of the same image.

# %%
final = ConditionalGAN(build_generator, build_discriminator(), **final_recipe)
real = ops.convert_to_tensor(digits.train.images[:batch_size])
labels = ops.convert_to_tensor(one_hot[digits.train.labels[:batch_size]])
with tf.GradientTape() as tape:
    fake = final.fakes(labels)
    loss = final.generator_loss(fake, labels)
gradients = tape.gradient(loss, final.generator.trainable_weights)
float(final.discriminator_loss(real, fake, labels)), float(loss)

# %%
other = final.logits(real, ops.roll(labels, 1, axis=1))
moved = ops.all(other != final.logits(real, labels))
all(np.any(g) for g in gradients), bool(moved)

# %%
history = train(final, digits.train.labels, "conditional GAN")
knowing_nothing = {"bar": 1.386, "bar_name": "2 log 2 ="}
plots.curve(history, "loss in nats", xlabel="part", **knowing_nothing)

# %% [markdown]
# The discriminator's loss stays below 1.386: it can still tell something.
#
# ## Looking
#
# Every row has its own noise, every column its digit. What the noise decides
# (thickness, slant, width) is alike along a row; nobody has told the model to
# keep *style* and *content* apart.

# %%
columns = np.tile(one_hot, (6, 1))
noise = noise_scale * keras.random.normal((6, noise_size), seed=seed)
rows = np.repeat(noise, 10, axis=0)
plots.grid(images_of(final, rows, columns))

# %% [markdown]
# ## From one class to another
#
# Keep the noise and mix two labels: from all of the first to all of the
# second. The mixed vector gives mixed gains and shifts in every layer. No
# image of a half 3 was ever seen in training. The noise is 0 here, the middle
# of all handwritings.

# %%
share = np.linspace(0, 1, 11)[:, None]
middle, slides = np.zeros((11, noise_size)), {}
for start, end in ((3, 8), (4, 9), (1, 7), (0, 6)):
    mixed = (1 - share) * one_hot[start] + share * one_hot[end]
    slides[f"{start} to {end}"] = images_of(final, middle, mixed)
plots.panel(slides)

# %% [markdown]
# The middle of a slide need not be a digit. Where two classes share their
# strokes, as 4 and 9 do, the way is short.

# %% [markdown]
# ## AC-GAN: the discriminator names the digit
#
# An *auxiliary classifier* GAN (Odena and others, 2017) does not give the
# label to the discriminator but asks for it. The network has two heads on one
# body: a logit for "real", and ten logits for the digit.


# %%
def build_two_heads():
    images = keras.Input((28, 28, 1))
    x = layers.Flatten()(images)
    for size in (256, 128):
        x = layers.Dense(size, activation="leaky_relu")(x)
    return keras.Model(images, [layers.Dense(1)(x), layers.Dense(10)(x)])


# %% [markdown]
# The losses of lesson 5 stay, and both players also pay the classifier's
# cross-entropy: the discriminator for naming images wrongly, the generator for
# images that are named wrongly. So they pull in the same direction here, and
# are opponents only about "real". `supervised` will be needed in a moment.


# %%
naming_loss = keras.losses.CategoricalCrossentropy(from_logits=True)


class AuxiliaryGAN(ConditionalGAN):
    supervised = True

    def logits(self, images, labels):
        return self.discriminator(images)[0]

    def discriminator_loss(self, real, fake, labels):
        loss = super().discriminator_loss(real, fake, labels)
        loss += naming_loss(labels, self.discriminator(fake)[1])
        if self.supervised:
            loss += naming_loss(labels, self.discriminator(real)[1])
        return loss

    def generator_loss(self, fake, labels):
        loss = super().generator_loss(fake, labels)
        return loss + naming_loss(labels, self.discriminator(fake)[1])


# %%
ac_gan = AuxiliaryGAN(build_dense_generator, build_two_heads(), **dense_recipe)
train(ac_gan, digits.train.labels, "AC-GAN")
gans["AC-GAN"] = ac_gan
plots.grid(draw(ac_gan, columns[:40]))

# %% [markdown]
# The price, as Miyato and Koyama report it for a thousand classes: the
# generator is rewarded for images that are easy to *name*, so odd-looking but
# real ones get rare. A projection has no such pull. In the page above the
# samples of a digit differ little; we have not measured how much of that is
# this price, and how much the short training.

# %% [markdown]
# ## InfoGAN: classes without labels
#
# Now give no labels at all. The generator gets noise and a random *code* $c$,
# one of ten, and the second head has to read the code off the image. That is
# only possible if the generator lets the code be seen. With $Q(c|x)$ for the
# head's probability,
#
# $$I(c; x) \ge E[\log Q(c|x)] + \log 10$$
#
# bounds the *mutual information* from below: how many nats an image tells
# about its code, at most $\log 10 = 2.303$. The generator raises the bound.
# In code, InfoGAN (Chen and others, 2016) is the AC-GAN without the term for
# real images, fed with random codes instead of labels.


# %%
class InfoGAN(AuxiliaryGAN):
    supervised = False


codes = np.random.default_rng(seed).integers(10, size=len(digits.train.labels))
info = InfoGAN(build_dense_generator, build_two_heads(), **dense_recipe)
history = train(info, codes, "InfoGAN")

# %% [markdown]
# The bound in nats, on new samples, and one row for each code:

# %%
asked = np.tile(one_hot, (100, 1))
invented = draw(info, asked, noise_seed=seed + 1)
_, read = info.discriminator(invented)
float(np.log(10) - naming_loss(asked, read))

# %%
by_code = {f"code {c}": invented[c::10][:12] for c in range(10)}
plots.panel(by_code)

# %% [markdown]
# Even at a bound close to 2.303 the rows need not be the ten digits: it asks
# that codes can be told apart, not that they mean what we mean. Codes take up
# what is easiest to see and to keep apart. Much of that is the digit, but a
# code may also stand for two digits, or two codes for one digit that is
# written in two ways, and after so short a training some digits may be left
# without a code. The code is a *name the model invented*; which digit it means
# has to be looked up.

# %% [markdown]
# ## Measuring
#
# *Label accuracy*: the share of samples, equally many for each digit, that the
# judge takes for the digit that was asked for. First a look at the dense
# models, with 1,000 samples each:

# %%
from digitdreams import judge, metrics

wanted = asked.argmax(axis=1)
for name, gan in gans.items():
    verdicts = judge.probabilities(draw(gan, asked, seed + 2))
    print(f"{name:15}{metrics.label_accuracy(verdicts, wanted):.3f}")

# %% [markdown]
# Guessing would give 0.1, and that is what concatenation gives in so short a
# training if its ten numbers are not multiplied. A projection multiplies the
# label with all features by itself. For InfoGAN every code is translated
# to the digit that the judge sees in most of its samples. The last number says
# how many digits have a code:

# %%
seen = judge.probabilities(invented).argmax(axis=1)
meaning = [int(np.bincount(seen[c::10]).argmax()) for c in range(10)]
found = float(np.mean(np.take(meaning, wanted) == seen))
meaning, found, len(set(meaning))

# %% [markdown]
# The final model gets 5,000 samples. Its mistakes, by digit asked for (rows)
# and digit seen (columns), and the whole report:

# %%
asked = np.tile(one_hot, (500, 1))
wanted, best = asked.argmax(axis=1), draw(final, asked, seed + 2)
verdicts = judge.probabilities(best)
plots.confusion(wanted, verdicts.argmax(axis=1))

# %%
report = judge.report(best)
report

# %% [markdown]
# Precision comes near that of real images. Recall stays far below: the price
# of a short training and of the 0.85.
#
# Lesson 8 compares this model with the others, so it is kept. There labels are
# whole numbers; a fixed table turns them into one-hot vectors. The scale of
# the noise is not part of the file: who draws from it chooses.

# %%
from digitdreams import models

noise, numbers = keras.Input((noise_size,)), keras.Input((), dtype="int32")
table = layers.Embedding(10, 10, "identity", trainable=False)
generator = final.average([noise, table(numbers)])
models.save(keras.Model([noise, numbers], generator), "07").name

# %%
course.expect(
    label_accuracy=metrics.label_accuracy(verdicts, wanted),
    fid_over_floor=report.fid / report.fid_floor,
)

# %% [markdown]
# ## What to remember
#
# 1. A conditional discriminator judges *pairs*; real and generated pairs need
#    the same shares of labels, or the label alone gives the fakes away.
# 2. A label enters by concatenation, embedding or projection, and into a
#    deep generator in every layer, as gain and shift of a normalisation.
# 3. AC-GAN asks for the label, InfoGAN for an invented code; both are a second
#    head with a cross-entropy.
#
# ## Asked in interviews
#
# - *Why does a projection discriminator often beat concatenation?* Its form is
#   that of the best logit: one term for the image, one inner product for the
#   match of image and label.
# - *What is class-conditional batch normalisation?* Batch normalisation whose
#   gain and shift are looked up by class.
# - *What is AC-GAN's weakness?* Its classifier rewards images that are easy to
#   name, so variety within a class shrinks.
# - *What does InfoGAN maximise besides the game?* A lower bound of the mutual
#   information of code and image, by a head that reads the code.
# - *Your label maps have the right shape and the model ignores labels. What do
#   you check?* That every pixel of the maps equals the one-hot vector.
#
# ## To read
#
# - Mirza and Osindero, [Conditional generative adversarial
#   nets](https://arxiv.org/abs/1411.1784), 2014: concatenation.
# - Chen and others, [InfoGAN](https://arxiv.org/abs/1606.03657), 2016.
# - Odena, Olah and Shlens, [Conditional image synthesis with auxiliary
#   classifier GANs](https://arxiv.org/abs/1610.09585), 2017.
# - De Vries and others, [Modulating early visual processing by
#   language](https://arxiv.org/abs/1707.00683), 2017: conditional batch
#   normalisation.
# - Miyato and Koyama, [cGANs with projection
#   discriminator](https://arxiv.org/abs/1802.05637), 2018.
#
# ## Next
#
# In [exercise 7](../exercises/07_conditional_gan/07_conditional_gan.ipynb) you
# write these parts and repair two programs. [Lesson 8](08_measuring.ipynb)
# asks what all our numbers are worth, and how each can be fooled.
