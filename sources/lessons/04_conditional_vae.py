# %% [markdown]
# # 4. Conditional VAE
#
# The VAE of lesson 3 draws digits, but you cannot ask it for a seven. A
# *conditional* VAE (CVAE) can be asked: it is told the label of each image,
# and afterwards it draws the digit that you name. Something else happens on
# the way. The latent numbers no longer need to say *which* digit it is, so
# they are free to say *how* it is written, and one handwriting can be moved
# from digit to digit.
#
# You will build two, with 6 and with 16 latent numbers, see what each is good
# at, and repair the second one. It takes about two minutes on two CPU cores;
# the first cell prints the numbers to reach.

# %%
from digitdreams import course

seed = course.start("04")

# %% [markdown]
# ## What comes out
#
# No digit below was written by hand. A column holds the digit that was asked
# for; a *row* is one draw of latent numbers, and so one handwriting. (Three
# draws, picked because they differ.)
#
# ![Ten digits in each of three handwritings](../images/hands.png)
#
# For comparison, real digits with their labels. From now on the model is given
# both:

# %%
from digitdreams import data, plots

digits = data.load()
plots.grid(digits.train.images[:20], labels=digits.train.labels[:20])

# %% [markdown]
# ## One story for each digit
#
# Lesson 3 told how an image $x$ arises: draw latent numbers $z$, decode them.
# Now the label $y$ is known before the story begins:
#
# $$p(x|y) = \int p(x|z, y)\,p(z|y)\,dz$$
#
# The derivation of the *evidence lower bound* (ELBO) stays the same with a $y$
# behind every bar. We minimise its negative:
#
# $$-E_q[\log p(x|z, y)] + \mathrm{KL}(q(z|x, y)\,\|\,p(z|y))$$
#
# The label can enter at three places:
#
# - the *decoder* $p(x|z, y)$ needs it: without it no digit can be asked for;
# - the *encoder* $q(z|x, y)$ should have it, so that it need not spend latent
#   numbers on what the decoder knows already;
# - the *prior* $p(z|y)$ may have it. At first we keep $N(0, I)$ for all
#   digits: then every handwriting is as probable for a 3 as for a 7. A prior
#   for each digit comes last, and it will pay.

# %% [markdown]
# ## What a label is worth
#
# Do not compare the loss of a CVAE with that of a VAE as it stands: one was
# told something. What? All ten labels are about equally frequent, so $p(x)$
# is $0.1\,p(x|0) + \dots + 0.1\,p(x|9)$, which is at least $0.1\,p(x|y)$ for
# the true label. Hence
#
# $$-\log p(x) \le -\log p(x|y) + \log 10.$$
#
# To send the label costs $\log 10$ nats. A CVAE with negative ELBO $L$ can
# thus be used as a model without labels that costs $L$ plus this number:

# %%
import numpy as np

float(np.log(10))

# %% [markdown]
# ## The label as ten numbers
#
# A network takes numbers, and the label 7 as the number 7.0 would claim that a
# 7 lies between 6 and 8. So the label becomes *one-hot*: ten numbers, all 0
# but a 1 at the place of the digit. A dense layer that sees them learns a row
# of weights for each digit.

# %%
import keras

keras.ops.one_hot([7], 10).numpy()

# %% [markdown]
# ## Parts that you know
#
# Three parts come from lesson 3, and you need not write them again: the two
# costs, and the layer that draws $z = \mu + \sigma\epsilon$. The only change
# is that `kl_divergence` sums over the latent numbers, one KL for each image.
# Our package holds them; `??models.Sampling` in a cell shows the code.

# %%
from digitdreams import models

# %% [markdown]
# ## Encoder and decoder with a label
#
# Both are the dense networks of lesson 3, and both get the label in the
# simplest way there is: its ten numbers are appended to the others
# (*concatenation*). The encoder sees $784 + 10$ numbers, the decoder 6 + 10.

# %%
hidden_sizes = [512, 256]
batch_size, learning_rate, epochs = 128, 0.006, 6

# %%
from keras import layers, ops

mean_image = digits.train.images.mean(axis=0).clip(0.001, 0.999)


def build_encoder(latent_size):
    images, label = keras.Input((28, 28, 1)), keras.Input((), dtype="int32")
    x = layers.Flatten()(layers.Rescaling(1.0, offset=-mean_image)(images))
    x = layers.Concatenate()([x, ops.one_hot(label, 10)])
    for size in hidden_sizes:
        x = layers.Dense(size, activation="swish")(x)
    mean = layers.Dense(latent_size)(x)
    narrowness = layers.Dense(latent_size, activation="softplus")(x)
    return keras.Model([images, label], [mean, -narrowness])


# %% [markdown]
# The biases of the decoder's last layer start at the logits of the mean image,
# so that the loss starts near 207 nats, 206 of them for the mean image.

# %%
mean_logits = np.log(mean_image / (1 - mean_image)).ravel()


def build_decoder(latent_size):
    start = keras.initializers.Constant(mean_logits)
    code, label = keras.Input((latent_size,)), keras.Input((), dtype="int32")
    x = layers.Concatenate()([code, ops.one_hot(label, 10)])
    for size in reversed(hidden_sizes):
        x = layers.Dense(size, activation="swish")(x)
    logits = layers.Dense(28 * 28, bias_initializer=start)(x)
    return keras.Model([code, label], layers.Reshape((28, 28, 1))(logits))


# %% [markdown]
# ## The model
#
# Compare it with the VAE of lesson 3: the word `labels` was added, the knobs
# are gone, and `call` returns the sum of both costs, in nats: (batch,).

# %%
import tensorflow as tf


class CVAE(keras.Model):
    def __init__(self, latent_size):
        super().__init__()
        self.encoder = build_encoder(latent_size)
        self.sampling = models.Sampling(seed)
        self.decoder = build_decoder(latent_size)
        self.average = keras.metrics.Mean("negative_elbo")

    def call(self, images, labels):
        mean, log_variance = self.encoder([images, labels])
        logits = self.decoder([self.sampling(mean, log_variance), labels])
        kl = models.kl_divergence(mean, log_variance)
        return models.reconstruction_loss(images, logits) + kl

    def train_step(self, batch):
        with tf.GradientTape() as tape:
            loss = ops.mean(self(*batch))
        gradients = tape.gradient(loss, self.trainable_weights)
        self.optimizer.apply(gradients, self.trainable_weights)
        self.average.update_state(loss)
        return {"negative_elbo": self.average.result()}


# %% [markdown]
# Cheap checks before the expensive cell. The first loss is near 207 nats, and
# a gradient reaches every weight:

# %%
cvae_6 = CVAE(latent_size=6)
with tf.GradientTape() as tape:
    loss = ops.mean(cvae_6(*digits.validation))
gradients = tape.gradient(loss, cvae_6.trainable_weights)
float(loss), all(np.any(g) for g in gradients)

# %% [markdown]
# One more, for this lesson: does the *label* reach the output? `draw` decodes
# codes as the digits 0 to 9 in turn and returns probabilities of ink. From one
# code for all ten, no two images may be the same.


# %%
def draw(cvae, codes):
    labels = np.arange(len(codes)) % 10
    return ops.sigmoid(cvae.decoder([np.asarray(codes), labels])).numpy()


len(np.unique(draw(cvae_6, np.zeros((10, 6))), axis=0))

# %% [markdown]
# ## Training with 6 latent numbers
#
# As in lesson 3: Adam, a learning rate that rises for a tenth of the steps and
# then falls along a cosine (`rising_and_falling` makes that schedule), a
# compiled step, 20 steps at a time.

# %%
from digitdreams.progress import Progress


def train(cvae, title):
    batches = data.batches(digits.train, batch_size, seed)
    rate = models.rising_and_falling(learning_rate, epochs * len(batches))
    optimizer = keras.optimizers.Adam(rate, beta_2=0.99)
    cvae.compile(optimizer, jit_compile=True, steps_per_execution=20)
    options = {"verbose": 0, "shuffle": False, "callbacks": [Progress(title)]}
    return cvae.fit(batches, epochs=epochs, **options).history["negative_elbo"]


# %%
history = {"6 numbers": train(cvae_6, "6 numbers")}

# %% [markdown]
# ## One style, ten digits
#
# Six draws of $z$ from the prior, each decoded with all ten labels. A row
# holds one $z$, a column one label. (`noise` holds more draws than this
# picture needs; they serve until the end.)

# %%
noise = keras.random.normal((5000, 16), seed=seed)
plots.grid(draw(cvae_6, np.repeat(noise[:6, :6], 10, axis=0)))

# %% [markdown]
# Within a row, slant, width and thickness stay. Nobody told the model that
# there is such a thing as handwriting. The KL did: each nat in $z$ has a
# price, the label is free, so $z$ keeps mostly what the label leaves open.
# Some draws make a blot of some of the digits: they lie far from the codes
# that real images of *that* digit have.

# %% [markdown]
# ## Swap the digit
#
# The same with a real hand. Encode a validation image together with its true
# label, keep the mean of $q(z|x, y)$, and decode it with other labels. The
# first column is the real image. Common hands move well; a rare one, such as
# the wide 2 of the second row, does not: for some digits the training images
# held nothing near its code.

# %%
real = [part[:6] for part in digits.validation]
codes, _ = cvae_6.encoder(real)
swapped = draw(cvae_6, np.repeat(codes, 10, axis=0))
plots.grid(np.insert(swapped, range(0, 60, 10), real[0], axis=0), columns=11)

# %% [markdown]
# ## Sixteen latent numbers
#
# Six numbers hold the rough style. With 16 there is room for the small loop at
# the end of a 2.

# %%
cvae_16 = CVAE(latent_size=16)
history["16 numbers"] = train(cvae_16, "16 numbers")
plots.curve(history, "nats per image")

# %% [markdown]
# The negative ELBO of both on the validation images, in nats:


# %%
def negative_elbo(cvae, split):
    return float(ops.mean(cvae(*split)))


[negative_elbo(cvae, digits.validation) for cvae in (cvae_6, cvae_16)]

# %% [markdown]
# ## Is style free of content?
#
# If $z$ holds style only, nobody should be able to read the digit from it. Let
# a linear classifier (*logistic regression*) try. It sees codes of 2,500
# images and is tested on 2,500 others; by chance it would be right one time in
# ten. (What it reads is there; a cleverer reader may find more.) For
# comparison, the same with 16 numbers of principal component analysis, the
# linear code of lesson 2.


# %%
def codes_of(split):
    """Draw one code of each image from q(z|x, y): (n, 16)."""
    q = cvae_16.encoder.predict(list(split), batch_size=1000, verbose=0)
    return cvae_16.sampling(*q).numpy()


# %%
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression

pca = PCA(16).fit_transform(digits.validation.images.reshape(-1, 784))
known, asked = np.split(digits.validation.labels, 2)
for name, codes in {"PCA": pca, "CVAE": codes_of(digits.validation)}.items():
    reader = LogisticRegression(max_iter=1000).fit(codes[:2500], known)
    print(f"{name:5} {reader.score(codes[2500:], asked):.1%} read")

# %% [markdown]
# Far less of the digit is left in the code than PCA leaves in its numbers, but
# more than nothing. Some styles go with some digits: a 1 is narrow, a 0 is
# not. So the codes of one digit do not fill the prior evenly. Remember this;
# it is about to cause trouble.

# %% [markdown]
# ## What you asked for, and what came
#
# Ask the model with 16 numbers for four of each digit, with $z$ from $N(0,
# I)$:

# %%
plots.grid(draw(cvae_16, noise[:40]))

# %% [markdown]
# Most are what was asked for, some are blots. Here is the *trade-off*: with
# more latent numbers the model describes images better and draws worse,
# because a larger space has more room that no image's code fills, and $N(0,
# I)$ draws from that room all the same.

# %% [markdown]
# ## The third place: a prior for each digit
#
# Where do the codes of, say, sevens really lie? Not quite as $N(0, I)$ says.
# So replace the prior by one that fits. For each digit we take the codes of
# its training images and fit a *mixture* of normal distributions: several of
# them, each with its mean, its covariance and its share. The weights of the
# networks stay as they are.
#
# Is this allowed? The ELBO holds for *any* prior $p(z|y)$ that does not look
# at $x$, so we may choose the one that makes it largest on the training
# images. That is the distribution of their codes: the average of $q(z|x, y)$
# over the images with label $y$. (The exact average would fit the training
# images too closely to suit others; a few normal distributions are a smooth
# stand-in.)

# %%
from sklearn.mixture import GaussianMixture

codes = codes_of(digits.train).astype("float64")
of_digit = [codes[digits.train.labels == digit] for digit in range(10)]
options = {"tol": 0.02, "reg_covar": 1e-3}
one = [GaussianMixture(1, **options).fit(part) for part in of_digit]
eight = [GaussianMixture(8, **options).fit(part) for part in of_digit]

# %% [markdown]
# One normal distribution for each digit and eight: here are both beside $N(0,
# I)$, one draw for each digit.


# %%
def draw_fitted(prior, count):
    """Draw `count` of each digit, with codes from a fitted prior."""
    codes = [mixture.sample(count)[0] for mixture in prior]
    return draw(cvae_16, np.stack(codes, axis=1).reshape(-1, 16))


rows = {"N(0, I)": draw(cvae_16, noise[:10]), "1 fitted": draw_fitted(one, 1)}
rows["8 fitted"] = draw_fitted(eight, 1)
plots.panel(rows)

# %% [markdown]
# And the page of 40 again, now from eight:

# %%
plots.grid(draw_fitted(eight, 4))

# %% [markdown]
# The bound changes, too, and how much is easy to say. In the KL, $E_q[\log
# q(z|x, y) - \log p(z|y)]$, only the prior is new. So each image saves the
# new $\log p(z|y)$ minus the old one, at a code $z$ that was drawn from $q$:

# %%
from scipy.stats import norm


def saved_nats(prior, split):
    codes = codes_of(split)
    saved = -norm.logpdf(codes).sum()
    for digit, mixture in enumerate(prior):
        saved += mixture.score_samples(codes[split.labels == digit]).sum()
    return float(saved) / len(codes)


saved_nats(one, digits.validation), saved_nats(eight, digits.validation)

# %% [markdown]
# Both priors make the bound better, eight normal distributions more than one.
# The page of 40 has fewer blots than before; how many fewer is counted below.
# It is not magic. The latent space had not been filled as $N(0, I)$ promised,
# and now the model says so. In *latent diffusion* models, such as Stable
# Diffusion, a whole second network plays the part of this mixture.

# %% [markdown]
# ## Measuring
#
# Two numbers for each model, on test images and with the judge of lesson 0.
# *Label accuracy*: ask for each digit 500 times; how often does the judge
# see that digit? It was neither trained on these images nor used to choose
# anything.

# %%
from digitdreams import judge, metrics

samples = {"6": draw(cvae_6, noise[:, :6]), "16": draw(cvae_16, noise)}
samples |= {"16, fitted": draw_fitted(eight, 500)}
samples |= {"16, one": draw_fitted(one, 500)}
nats = {"6": negative_elbo(cvae_6, digits.test)}
nats["16"] = negative_elbo(cvae_16, digits.test)
nats["16, fitted"] = nats["16"] - saved_nats(eight, digits.test)
nats["16, one"] = nats["16"] - saved_nats(one, digits.test)

# %%
accuracy = {}
for name, drawn in samples.items():
    seen = judge.probabilities(drawn)
    accuracy[name] = metrics.label_accuracy(seen, np.arange(5000) % 10)
    print(f"{name:10} {nats[name]:6.1f} nats, {accuracy[name]:.1%} as asked")

# %% [markdown]
# The first two rows are the trade-off; the third escapes it: now one model
# does both. One normal distribution for each digit, the last row, comes close.
# Here is the full report on the third. The samples of lesson 3 had a FID
# dozens of times its floor; here it is only a few times the floor. Precision
# is as high as that of real images, recall is not: the samples look right, but
# the rarer hands are missing.

# %%
judge.report(samples["16, fitted"])

# %% [markdown]
# And the loss? The larger VAE of lesson 3 had the same size, nearly the same
# training and no labels. Its loss on the test images, in nats, lies between
# these two numbers in nine of ten runs:

# %%
course.load().find("03").numbers[-1].typical

# %% [markdown]
# With its first prior, the CVAE is 3 to 4 nats below that, and 2.3 of them are
# the price of the label. So it is a little better, but most of what there is
# to say about a digit is its style.
#
# Lesson 8 puts all models into one table. It feeds every generator with plain
# noise, drawn from $N(0, I)$. A mixture cannot be kept that way, but one
# normal distribution for each digit can: with its mean $m$ and a matrix $L$
# for which $LL^T$ is its covariance (a *Cholesky root*), $m + L\epsilon$ is a
# draw from it. `with_prior` puts this in front of the decoder, with a table of
# all $m$ and one of all $L$, looked up by the label. So we keep the second
# best of our models with 16 numbers.

# %%
means = [mixture.means_[0] for mixture in one]
covariances = [mixture.covariances_[0] for mixture in one]
second_best = models.with_prior(cvae_16.decoder, means, covariances)
models.save(second_best, "04").name

# %%
course.expect(
    label_accuracy_6=accuracy["6"],
    negative_elbo_16=nats["16"],
    label_accuracy_16=accuracy["16, fitted"],
)

# %% [markdown]
# ## What to remember
#
# 1. A CVAE is a VAE whose encoder and decoder are told the label; then the
#    latent numbers hold what the label leaves open, the style.
# 2. A conditional loss is not comparable with an unconditional one: the label
#    itself is worth up to $\log 10 = 2.303$ nats.
# 3. The prior may depend on the label, too, and may be fitted afterwards: it
#    should be where the codes are.
#
# ## Asked in interviews
#
# - *What does the encoder of a CVAE gain from the label?* It need not encode
#   what the decoder is told anyway, so $z$ is left to the style.
# - *How do you change the digit but keep the handwriting?* Encode the image
#   with its own label, decode the code with another one.
# - *Why not give the label as one number from 0 to 9?* It would impose an
#   order and distances that digits do not have.
# - *Samples ignore the label. Where do you look?* Whether images and labels
#   were shuffled together, whether the decoder gets the label, and whether
#   $z$ already holds it.
# - *More latent numbers: better loss, worse samples. Why?* The codes fill a
#   smaller part of the prior, and draws fall beside them; use fewer numbers,
#   or fit the prior to the codes.
#
# ## To read
#
# - Kingma and others, [Semi-supervised learning with deep generative
#   models](https://arxiv.org/abs/1406.5298), 2014: style and content apart, on
#   MNIST.
# - Sohn, Lee and Yan, [Learning structured output representation using deep
#   conditional generative models](https://papers.nips.cc/paper_files/paper/2015/hash/8d55a249e6baa5c06772297520da2051-Abstract.html),
#   2015: the CVAE with a prior that is learned.
# - Dai and Wipf, [Diagnosing and enhancing VAE
#   models](https://arxiv.org/abs/1903.05789), 2019: a second model for the
#   codes.
# - Ghosh and others, [From variational to deterministic
#   autoencoders](https://arxiv.org/abs/1903.12436), 2020: mixtures as the
#   prior afterwards.
#
# ## Next
#
# In [exercise 4](../exercises/04_conditional_vae/04_conditional_vae.ipynb) you
# append the label and repair five programs that were handed around as VAEs.
# [Lesson 5](05_gan.ipynb) draws sharper digits with no likelihood at all.
