# %% [markdown]
# # 8. Measuring
#
# You have built four kinds of generators. Which one is the best? This lesson
# answers with numbers, and shows at each number how it can be fooled. You will
# meet the measures that papers print (likelihood, Inception Score, FID, KID,
# precision and recall, classification accuracy score), test whether they
# notice damage, cheat each of them, and end with a *leaderboard*: all models
# in one table.
#
# It takes about two minutes on two CPU cores once lessons 3, 4, 5 and 7 have
# run. The first cell prints the numbers to reach.

# %%
from digitdreams import course

seed = course.start("08")

# %% [markdown]
# ## Four models
#
# Lessons 3, 4, 5 and 7 save their generators. Where a file is missing, because
# you have not run its lesson here, the next cell trains a short version of the
# model and says so. A short version is worse than the lesson's model; keep
# that in mind when you compare.

# %%
from digitdreams import data, models, plots

digits = data.load()
generators = {
    name: models.get(lesson, seed) for lesson, name in models.needed().items()
}

# %% [markdown]
# 5,000 images from each. The two conditional models are asked for the digits 0
# to 9 in turn; the other two draw what they like. All get plain noise from
# $N(0, I)$. Two lessons do something cleverer at this point, which is *not*
# measured here: lesson 4's best prior is a mixture, where its file holds one
# normal distribution for each digit, and lesson 7 scales the noise by 0.85.

# %%
samples = {
    name: models.sample(generator, 5000, seed)
    for name, generator in generators.items()
}
labels = samples["conditional GAN"][1]
samples = {name: images for name, (images, _) in samples.items()}
plots.panel({name: images[10:22] for name, images in samples.items()})

# %% [markdown]
# Decide now which row you would put first, and remember it.
#
# For comparison we need real images in two roles. *Reference* images are what
# samples are compared with. *Other real* images stand in for a perfect
# generator. In this lesson the reference is the validation split; the test
# images come in only at the end, for the last two measurements.

# %%
import numpy as np

rng = np.random.default_rng(seed)
reference = digits.validation.images
chosen = rng.permutation(55_000)[:5000]
other_real = digits.train.images[chosen]
other_labels = digits.train.labels[chosen]

# %% [markdown]
# ## The eye
#
# The oldest measure is to look. Done properly, it is an experiment: mix real
# and generated images, let somebody judge each one without knowing, and count.
# Here are ten images of each kind in random order. Write down the numbers of
# those that you take for generated.

# %%
mixed = np.concatenate([samples["conditional GAN"][:10], other_real[:10]])
order = rng.permutation(20)
plots.grid(mixed[order], labels=range(1, 21))

# %% [markdown]
# The answer:

# %%
sorted((np.flatnonzero(order < 10) + 1).tolist())

# %% [markdown]
# How many of 20 verdicts must be right before we believe that you see a
# difference? With guessing, each is right with probability 0.5. The chance of
# at least $k$ lucky ones out of 20:

# %%
from scipy.stats import binom

{k: float(binom.sf(k - 1, 20, 0.5).round(3)) for k in range(12, 18)}

# %% [markdown]
# 15 or more right verdicts happen by luck in 2 of 100 tries, so from 15 on you
# may claim a difference. From 12 you may not, although it is "more than half".
# (If you mark exactly ten, verdicts come in pairs: 16 or more right then
# happen in 1 of 100.) Large studies work the same way (HYPE, below). *How to
# fool it*: choose the images that you show, or show few. Nobody sees from 20
# images that one digit is missing, or that all are copies of training images.
#
# ## Likelihood against samples
#
# Lesson 3 bounded the *likelihood*: how probable a model finds real images.
# For GANs nobody can compute it. Is it at least a measure of sample quality?
# No, in neither direction. We build two extreme models to see it.
#
# The first one is a copying machine. It picks one of 10,000 black-and-white
# training images and flips each pixel with a probability of 1 %:
#
# $$p(x) = \frac{1}{N} \sum_{i=1}^{N} \prod_j p(x_j | c_{ij})$$
#
# with $x_j$ pixel $j$ of image $x$, $c_{ij}$ the same pixel of copy $i$, and
# $p(x_j|c_{ij})$ 0.99 where both agree, else 0.01. Its samples:

# %%
copies = digits.train.images[:10_000].reshape(-1, 784) > 0.5
white = np.where(copies, 0.99, 0.01).astype("float32")
plots.strip((rng.random((12, 784)) < white[:12]).reshape(-1, 28, 28))

# %% [markdown]
# Nearly perfect. Its likelihood needs one matrix product: the logarithm of a
# product is a sum over pixels. We ask for real images, made black and white
# with their grey levels as probabilities, as in lesson 3.

# %%
from scipy.special import logsumexp

binary = data.binarise(reference[:1000], seed).reshape(-1, 784)
log_p = binary @ np.log(white / (1 - white)).T + np.log(1 - white).sum(axis=1)
nats_of_copies = -(logsumexp(log_p, axis=1) - np.log(10_000)).mean()
float(nats_of_copies)

# %% [markdown]
# That is worse than the 206 nats of the model that only knows the mean image.
# New handwriting differs even from its nearest copy in some 45 pixels, and
# each of them costs about $-\ln 0.01 = 4.6$ nats. A machine that flips 6 % of
# the pixels costs only some 184 nats: the likelihood prefers samples that are
# full of specks.
#
# The second model makes noise in 99 of 100 draws and uses the VAE of lesson 3
# for the other one. Whatever the noise does, $p(x) \ge 0.01\,p_{VAE}(x)$, so
# it costs at most $\ln 100$ nats more. For the VAE we take the upper end of
# what is typical for lesson 3, in nats:

# %%
nats_of_vae = course.load().find("03").numbers[-1].typical[1]
nats_of_vae, round(float(nats_of_vae + np.log(100)), 2)

# %% [markdown]
# By likelihood a model whose samples are 99 % noise beats, by far, one whose
# samples are nearly perfect
# ([Theis and others, 2016](https://arxiv.org/abs/1511.01844)). So choose by
# purpose: likelihood for compression or for finding odd images, measures of
# samples when the samples are what you want.
#
# ## Inception Score
#
# The first popular measure of samples asks a classifier. Each sample should be
# clearly *one* digit, and all digits should come up. With $p(y|x)$ the
# classifier's probabilities for sample $x$ and $p(y)$ their mean over all
# samples,
#
# $$\mathrm{IS} = \exp\left(\text{mean over } x \text{ of }
# \mathrm{KL}(p(y|x)\,\|\,p(y))\right).$$
#
# Take two classes and two samples, both judged (0.9, 0.1). The mean is (0.9,
# 0.1), both divergences are 0, and the score is 1: no variety. Judged (0.9,
# 0.1) and (0.1, 0.9) the mean is (0.5, 0.5), each divergence is $0.9 \ln 1.8 +
# 0.1 \ln 0.2 = 0.368$, and the score is 1.445, of 2 at most.

# %%
from digitdreams import metrics

metrics.inception_score([[0.9, 0.1], [0.1, 0.9]])

# %% [markdown]
# Papers use a network named Inception, trained on photographs; it knows no
# digits. We use the course's judge. With it the measure is called *MNIST
# score*, and 10 is the most.

# %%
from digitdreams import judge

measured = {**samples, "other real": other_real}
verdicts = {n: judge.probabilities(images) for n, images in measured.items()}
{n: round(metrics.inception_score(v), 2) for n, v in verdicts.items()}

# %% [markdown]
# *How to fool it*: draw one perfect image for each digit, again and again. We
# take the training image of each digit that the judge is surest of. Repeating
# all ten does not change the score, so ten rows are enough to compute it.

# %%
sure = verdicts["other real"]
ten = [(sure[:, d] * (other_labels == d)).argmax() for d in range(10)]
metrics.inception_score(sure[ten])

# %% [markdown]
# Ten images beat all of handwriting. The score never looks at real images, and
# it sees no variety within a digit.
#
# ## FID
#
# The *Fréchet inception distance* compares samples with real images. Both are
# turned into *features*, the 64 numbers of the judge's last but one layer.
# Each of the two clouds of features is summarised by a mean $m$ and a
# covariance $C$:
#
# $$\mathrm{FID} = |m_a - m_b|^2 + \mathrm{trace}(C_a + C_b -
# 2 (C_a C_b)^{1/2})$$
#
# The trace is the sum of the diagonal, and $M^{1/2}$ the matrix whose square
# is $M$. With a single feature this is $(m_a - m_b)^2 + (s_a - s_b)^2$, where
# $s$ are standard deviations: a cloud at 0 with spread 1 and one at 2 with
# spread 3 are $4 + 4 = 8$ apart.

# %%
metrics.frechet_distance([0], [[1]], [2], [[9]])

# %%
real_features = judge.features(reference)
features = {name: judge.features(images) for name, images in measured.items()}
fids = {name: metrics.fid(real_features, f) for name, f in features.items()}
{name: round(value, 2) for name, value in fids.items()}

# %% [markdown]
# "Other real" shows the *floor*: even real images do not reach 0. One reason
# is that 5,000 images do not give a covariance exactly; another one is that
# the validation images, the end of the training file, differ a little from the
# rest. Values at the floor cannot be told apart.
#
# ### It depends on the number of samples
#
# With fewer samples the covariance is less exact, and the FID *rises*, even
# for real images. Chong and Forsyth found that it is nearly a straight line in
# $1/N$. So one can measure it at several $N$ and extend the line to $1/N = 0$,
# to infinitely many samples.

# %%
sizes = np.array([250, 500, 1000, 2000, 5000])
real_half = real_features[:2500]


def fid_at(features, size):
    draws = [rng.choice(features, size, False) for _ in range(4)]
    return np.mean([metrics.fid(real_half, draw) for draw in draws])


curves = {
    name: [fid_at(features[name], size) for size in sizes]
    for name in ("other real", "conditional GAN")
}

# %%
from matplotlib import rc_context

with rc_context(plots.STYLE):
    figure = plots.Picture(560, 300, "FID by 1/N", layout="constrained")
    axes = figure.add_subplot()
    axes.grid()
    for name, values in curves.items():
        slope, at_zero = np.polyfit(1 / sizes, values, 1)
        (line,) = axes.plot(1 / sizes, values, "o", label=name)
        axes.axline((0, at_zero), slope=slope, color=line.get_color())
        print(f"{name:16} {values[-1]:.2f} at 5,000, {at_zero:.2f} extended")
    axes.set(xlabel="1 / number of samples", ylabel="FID", xlim=0, ylim=0)
    axes.legend()
figure

# %% [markdown]
# The points are measured; the lines are fitted to them and extended to 0 on
# the left. Real images at 250 samples have several times the FID of real
# images at 5,000. Two FIDs may be compared only with equally many samples on
# both sides, all the more where models are good: the bias stays the same while
# the FID gets small. (What is left at the left end for real images comes from
# the reference: it has only 2,500 images here, and the difference just
# mentioned.)
#
# ### It depends on the network
#
# The judge decides what counts as different. Two other sets of features: 64
# principal components of the pixels, and a layer with random weights that has
# never seen a digit. Besides the models we measure real digits with three
# kinds of damage.

# %%
from scipy.ndimage import gaussian_filter
from sklearn.decomposition import PCA


def blurred(images, strength):
    return gaussian_filter(images, (0, strength, strength, 0))


def noisy(images, strength):
    return (images + rng.normal(0, strength, images.shape)).clip(0, 1)


# %%
some_real = other_real[:2000]
sets = {name: images[:2000] for name, images in samples.items()}
sets["blurred"] = blurred(some_real, 0.8)
sets["noisy"] = noisy(some_real, 0.3)
sets["moved"] = np.roll(some_real, (2, 2), axis=(1, 2))

# %%
import keras
from keras import layers

convolution = layers.Conv2D(64, 9, strides=4, activation="relu")
pooling = layers.GlobalAveragePooling2D()
pca = PCA(64, random_state=seed).fit(reference.reshape(-1, 784))
networks = {
    "judge": judge.features,
    "pixels": lambda images: pca.transform(images.reshape(-1, 784)),
    "random": lambda images: pooling(convolution(images)).numpy(),
}

# %% [markdown]
# A table needs a small printer. It shows one row for each set of images. Only
# the order within a column means something: the columns have units of their
# own.


# %%
def table(rows):
    columns = list(next(iter(rows.values())))
    print(" " * 18 + "".join(f"{column:>12}" for column in columns))
    for name, row in rows.items():
        cells = [row.get(column) for column in columns]
        cells = ["-" if cell is None else f"{cell:.4g}" for cell in cells]
        print(f"{name:18}" + "".join(f"{cell:>12}" for cell in cells))


# %%
by_network = {name: {} for name in sets}
for network, extract in networks.items():
    real = extract(reference)
    for name, images in sets.items():
        by_network[name][network] = metrics.fid(real, extract(images))
table(by_network)

# %% [markdown]
# Read down each column and compare the three damaged rows. To the judge and in
# pixels, moving all digits by two pixels is by far the worst; to the random
# layer noise is. Your eye hardly minds the move. *Another network, another
# order.* An FID without the name of its network says nothing, and one from a
# network that knows no digits, such as Inception, says little about digits.
# Note also what the FID is *not*: a comparison of two generators with each
# other. One side is always real.
#
# *How to fool it*: FID knows means and covariances only. Features drawn from
# *one* Gaussian with the real mean and covariance have an FID below the floor
# (first number; the second is that of other real images), although real
# features form ten clouds, with little between them.

# %%
gaussian = rng.multivariate_normal(
    real_features.mean(axis=0), np.cov(real_features.T), 5000
)
metrics.fid(real_features, gaussian), fids["other real"]

# %% [markdown]
# ## KID
#
# The *kernel inception distance* sums no cloud up as a Gaussian, and it has no
# bias: on average it is 0 for two draws of the same distribution, whatever
# their number. Its kernel $k(x, y) = (x \cdot y / d + 1)^3$, with $d$ the
# number of features, says how alike two feature vectors are. KID is the mean
# likeness within each set, summed over both, minus twice the mean likeness
# across, where no vector is compared with itself:
#
# $$\mathrm{KID} = \overline{k(a, a')} + \overline{k(b, b')} -
# 2\,\overline{k(a, b)}$$
#
# Four draws of 250, 1,000 and 4,000 real images, and the Gaussian:

# %%
for size in (250, 1000, 4000):
    draws = [rng.choice(features["other real"], size, False) for _ in range(4)]
    kids = [metrics.kid(real_features, draw) for draw in draws]
    print(f"{size:5}", *(f"{kid:9.4f}" for kid in kids))
print("the Gaussian:", round(metrics.kid(real_features, gaussian), 4))

# %% [markdown]
# Few samples make KID uncertain, up and down, but do not push it upwards. What
# is left at 4,000 is mostly a true difference: the end of the training file is
# not quite like the rest. And the Gaussian no longer passes for real: the
# kernel's third power sees one step beyond covariance (third moments, such as
# skewness; not more). *How to fool it*: with copies of training images, like
# FID. Both ask only whether the clouds agree.
#
# ## Precision and recall
#
# One number cannot tell whether samples are bad or too few kinds come up. Two
# can. Put a ball around each real feature vector that reaches to its third
# nearest real neighbour. *Precision* is the share of samples inside one of the
# balls: are they realistic? *Recall* exchanges the roles: the share of real
# images inside the balls of the samples: is everything covered? In the table,
# "score" is the Inception Score. From here to the leaderboard there are 2,000
# images on either side, so FIDs are not those of above; sets of real images
# reach 0.4 to 0.8.


# %%
def compare(real, features, verdicts):
    precision, recall = metrics.precision_recall(real, features)
    return {
        "score": metrics.inception_score(verdicts),
        "FID": metrics.fid(real, features),
        "KID": metrics.kid(real, features),
        "precision": precision,
        "recall": recall,
    }


def measure(images):
    seen = judge.features(images), judge.probabilities(images)
    return compare(real_features[:2000], *seen)


table({name: measure(images[:2000]) for name, images in samples.items()})

# %% [markdown]
# Models that draw what nobody writes lose precision, collapsed ones lose
# recall. *How to fool it*: both look only at whether a point lies in *some*
# ball, and a single odd image among thousands, whose neighbours are far, has a
# huge one. So images that show no digit at all can fall inside an odd real
# image's ball and count as precise; and a model that repeats a few good images
# keeps its precision, so that only recall gives it away. Recall is fooled by
# the opposite: images that are odd in many ways lie far from each other, so
# their balls are large and hold real ones. A table near the end shows all
# three.
#
# ## Nearest neighbours
#
# Has the generator learned, or does it remember? For each sample look for the
# nearest training image, in pixels. A copy has the distance 0. But what is
# "too near"? New real images, here the validation split, give the scale.

# %%
train_images = digits.train.images
asked = {name: images[:500] for name, images in samples.items()}
asked["new real"] = reference[:500]
nearest = {
    name: metrics.nearest_neighbours(images, train_images)
    for name, images in asked.items()
}

# %%
limit = np.percentile(nearest["new real"][1], 1)
table(
    {
        name: {"median": np.median(d), "too near": (d < limit).mean()}
        for name, (_, d) in nearest.items()
    }
)

# %% [markdown]
# "Too near" is the share of images that are nearer to a training image than 99
# % of new real images are. *How to fool it*: move copies by one pixel. In
# pixels they are then as far from the training images as new handwriting is.
# The soft samples of the conditional VAE, on the other hand, lie nearer than
# new handwriting without being copies: a small distance alone is no proof. So
# look at the pairs, too. Samples above, their nearest training images below:

# %%
indices, distances = nearest["conditional GAN"]
close = distances.argsort()[:12]
twins = train_images[indices[close]]
plots.panel({"sample": samples["conditional GAN"][close], "training": twins})

# %% [markdown]
# These are the twelve suspects of the conditional GAN. Look for strokes that
# differ. Simple digits such as 1 leave little room to be new: if the suspects
# are nearly all 1s, that is no sign of copying.
#
# ## Do they notice damage?
#
# Before we trust a measure we test it, like any instrument: real images, and
# damage that grows in four steps. *Blur* and *noise* spoil the images;
# *dropped classes* leaves the images alone and takes away 2, 4, 6 and 8
# digits. A useful measure gets worse with each step.

# %%
ladder = {
    "blur": [blurred(some_real, s) for s in (0, 0.4, 0.6, 0.8, 1.0)],
    "noise": [noisy(some_real, s) for s in (0, 0.1, 0.2, 0.3, 0.4)],
    "dropped": [
        train_images[digits.train.labels >= d][:2000] for d in (0, 2, 4, 6, 8)
    ],
}
plots.panel({name: [s[5] for s in row] for name, row in ladder.items()})

# %%
values = {
    name: [measure(images) for images in row] for name, row in ladder.items()
}
for name, row in values.items():
    print(f"\n{name}, step 0 to 4")
    table({key: dict(enumerate(r[key] for r in row)) for key in row[0]})

# %% [markdown]
# The rank correlation of a measure with the damage (*Spearman*'s $\rho$) is 1
# where it rises with each step and -1 where it falls with each step.

# %%
from scipy.stats import spearmanr


def follows(values):
    return spearmanr(range(5), values).statistic


agreement = {
    name: {key: follows([r[key] for r in row]) for key in row[0]}
    for name, row in values.items()
}
table(agreement)

# %% [markdown]
# FID and KID must order all three kinds of damage rightly: that is a number of
# the contract. Precision is a specialist: dropped classes are none of its
# business, and blurred images can even be *more* typical. Recall falls with
# all three, since damaged samples, too, leave real images uncovered.

# %%
right_order = min(min(row["FID"], row["KID"]) for row in agreement.values())

# %% [markdown]
# ## A measure that does not exist
#
# An article in circulation recommends a third measure beside Inception Score
# and FID, the "Pixel Recurrence Plot". We know of no paper on such a measure.
# *Recurrence plots* do exist, in the study of time series
# ([Eckmann and others, 1987](https://doi.org/10.1209/0295-5075/4/9/004)): a
# table that marks at which times $i$ and $j$ a system is in nearly the same
# state. We can build the obvious version for images: "time" runs down the
# image, the state is a row of pixels, and $R_{ij}$ is 1 (light in the picture)
# where row $i$ and row $j$ are less than 1 apart.


# %%
def recurrence(images, threshold=1.0):
    rows = images.reshape(-1, 28, 28)
    apart = rows[:, :, None] - rows[:, None]
    return np.linalg.norm(apart, axis=-1) < threshold


shown = {n: np.stack([s[5] for s in ladder[n]]) for n in ("blur", "noise")}
tables = {f"plot, {n}": 0.8 * recurrence(row) for n, row in shown.items()}
plots.panel({**shown, **tables})

# %% [markdown]
# Does its mean, the *recurrence rate*, track blur and noise? The table shows
# the mean over 500 images, and $\rho$ with the damage.


# %%
def rate(images):
    return recurrence(images[:500]).mean()


rates = {name: list(map(rate, row)) for name, row in ladder.items()}
table({n: {**dict(enumerate(r)), "rho": follows(r)} for n, r in rates.items()})

# %% [markdown]
# The rate reacts to damage. But is it a measure of quality? Two counter
# checks: the same images with their columns shuffled, which nobody could read;
# and the rates of undamaged 0s, 1s, ..., 9s.

# %%
shuffled = some_real[:, :, rng.permutation(28)]
print("shuffled columns", rate(shuffled), "undamaged", rate(some_real))
np.round([rate(other_real[other_labels == d]) for d in range(10)], 2)

# %% [markdown]
# The honest finding: the rate does track both kinds of damage, in *opposite*
# directions. Blur makes rows alike and raises it, noise makes them unlike and
# lowers it. So images with both can have the rate of undamaged ones, and a
# generator that draws nothing but 1s has a rate like strong blur. Dropping
# eight of ten digits, in contrast, changes it little. It is blind to the order
# of columns, too: distances between rows do not change when all rows are
# shuffled alike, so unreadable images get exactly the rate of real ones. And
# it compares samples with nothing real. As an alarm for one known kind of
# damage on one kind of image it works; as a measure of generators it does not.
# If a text names a measure that you cannot find in a paper, test it like this
# before you use it.
#
# ## Classification accuracy score
#
# A practical question: are generated images good for anything? Train a
# classifier *only* on generated digits with the labels that were wanted, and
# test it on real ones, here on the test images. A high *classification
# accuracy score* (CAS) needs right labels, realistic images and variety at the
# same time. It needs a conditional model.


# %%
def build_classifier():
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 5, strides=2, activation="relu"),
            layers.Conv2D(64, 3, strides=2, activation="relu"),
            layers.Flatten(),
            layers.Dropout(0.3),
            layers.Dense(10),
        ]
    )


# %%
from digitdreams.progress import Progress


def classification_accuracy(images, labels, title, epochs=2):
    classifier = build_classifier()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    batches = data.batches((images, labels), 100, seed)
    rate = keras.optimizers.schedules.CosineDecay(0.004, epochs * len(batches))
    optimizer = keras.optimizers.Adam(rate)
    speed = {"steps_per_execution": 20, "jit_compile": False}
    classifier.compile(optimizer, loss, **speed)
    show = {"verbose": 0, "callbacks": [Progress(title)]}
    classifier.fit(batches, epochs=epochs, shuffle=False, **show)
    found = classifier.predict(digits.test.images, 1000, verbose=0)
    return float((found.argmax(axis=1) == digits.test.labels).mean())


# %% [markdown]
# 30,000 images each: from both conditional models, real ones as the ceiling,
# and blurred real ones.

# %%
size = 30_000
training = {
    name: models.sample(generators[name], size, seed + 1)
    for name in ("conditional VAE", "conditional GAN")
}
real = train_images[:size], digits.train.labels[:size]
training |= {"real": real, "blurred": (blurred(real[0], 1.0), real[1])}

# %%
accuracies = {
    name: classification_accuracy(*pair, name)
    for name, pair in training.items()
}
table({name: {"accuracy": value} for name, value in accuracies.items()})

# %% [markdown]
# The gap to "real" is the price of training on dreams. Of the two models the
# conditional VAE is the better teacher here, although its FID and its label
# accuracy are the worse ones: neither says how much a classifier can learn
# from the images, for which variety counts, too. *How to fool it*: copy
# the training set, which gives exactly the real value; or blur it, which the
# eye and the FID find poor and a classifier hardly minds. A high score says
# that the images are *useful*, not that they are beautiful or new.
#
# ## Who is fooled by what
#
# The cheats against the measures. "Ten images" are those that fooled the
# Inception Score; "grey fog" shows no digit at all, only a grey that was
# found, by trial, to lie in an odd real image's ball; "mixed halves" are the
# upper half of one digit above the lower half of another, found by trial, too;
# "copies" are training images, and "moved copies" the same, one pixel to the
# side.

# %%
cheats = {
    "new real": reference[2000:4000],
    "ten images": np.repeat(other_real[ten], 200, axis=0),
    "grey fog": noisy(np.full_like(some_real, 0.43), 0.07),
    "mixed halves": np.hstack([some_real[:, :14], some_real[::-1, 14:]]),
    "copies": some_real,
    "moved copies": np.roll(some_real, 1, axis=2),
}
fooled = {}
for name, images in cheats.items():
    apart = metrics.nearest_neighbours(images[::10], train_images)[1]
    fooled[name] = {**measure(images), "too near": (apart < limit).mean()}
table(fooled)

# %% [markdown]
# Ten images have the best score (and, asked for in turn, a label accuracy of
# 100 %), fog a precision that real images do not reach, and halves that do not
# belong together as good a recall as real images. Copies pass every measure
# except the search for neighbours. Moved copies pass that one, too, and the
# FID notices only that all digits stand one pixel to the side. There is no
# single number. Report several that fail in different ways, and look.
#
# ## The leaderboard
#
# Now the test images, in two random halves of 5,000: one is the reference, the
# other one stands in for a perfect generator and shows what can be reached.
# Both are from one set, so this floor is lower than the one above. All columns
# but the last are from the judge, which has trained no model and chosen none.
# *Label accuracy* is the share of samples in which the judge sees the wanted
# digit.

# %%
rows = rng.permutation(10_000)
test_features = judge.features(digits.test.images)[rows]
features["real"] = test_features[5000:]
verdicts["real"] = judge.probabilities(digits.test.images)[rows[5000:]]

# %%
board = {}
for name in ("conditional GAN", "conditional VAE", "GAN", "VAE", "real"):
    seen = verdicts[name]
    board[name] = compare(test_features[:5000], features[name], seen)
    if name.startswith("conditional"):
        board[name]["label acc."] = metrics.label_accuracy(seen, labels)
    if name in accuracies:
        board[name]["CAS"] = accuracies[name]
table(board)

# %% [markdown]
# The same as a picture: right is realistic, up is varied, a small circle is a
# small FID.

# %%
with rc_context(plots.STYLE):
    figure = plots.Picture(560, 330, "leaderboard", layout="constrained")
    axes = figure.add_subplot()
    axes.grid()
    axes.set(xlabel="precision", ylabel="recall", xlim=(0.4, 1), ylim=(0.4, 1))
    for name, row in board.items():
        place, area = (row["precision"], row["recall"]), 20 + 20 * row["FID"]
        text = f"{name}, FID {row['FID']:.1f}"
        axes.scatter(*place, s=area, alpha=0.7, label=text)
    figure.legend(loc="outside right center", markerscale=0.5)
figure

# %% [markdown]
# Is the first row, here the one with the lowest FID, the one that you chose by
# eye? Other columns have other winners. Read along the rows, too: high
# precision with low recall means good images of few kinds, the opposite
# means that everything comes up, some of it badly.
#
# And read the table as what it is: four saved models, not four *methods*. The
# conditional VAE is the one of lesson 4 with one normal distribution for each
# digit, not its best, and the conditional GAN draws from plain noise here. And
# one run each says nothing of the next run. A fair contest gives each method
# the same time and several seeds. The contract:

# %%
course.expect(
    right_order=right_order,
    classification_accuracy=accuracies["conditional GAN"],
)

# %% [markdown]
# ## What to remember
#
# 1. Likelihood and sample quality are different things; a model can have
#    either without the other.
# 2. An FID depends on the network and on the number of samples: name both,
#    give the floor, and compare only values for which both are the same.
# 3. Each measure can be fooled. Report several, search for copies, and look at
#    the images.
#
# ## Asked in interviews
#
# - *What does FID compare?* The mean and covariance of the features of
#   generated images with those of real images, in a given network; not two
#   generators with each other.
# - *Your FID fell from 12 to 10 when you evaluated on 50,000 instead of 5,000
#   samples. Is the model better?* That does not show it: FID is biased upwards
#   for few samples. Compare at equal numbers, extend to infinity, or use KID.
# - *A model has precision 0.95 and recall 0.2. What is wrong?* It makes good
#   images of few kinds: mode collapse, or noise that was scaled down too much.
# - *How do you find out whether a generator memorises?* Compare the distances
#   of samples to their nearest training images with those of new real images,
#   in pixels and in features, and look at the nearest pairs.
# - *Inception Score 9.9 and FID 40: possible?* Yes: sharp, balanced classes,
#   but few variants of each; the score sees no variety within a class and no
#   real image.
#
# ## To read
#
# - Theis and others, [A note on the evaluation of generative
#   models](https://arxiv.org/abs/1511.01844), 2016: likelihood against
#   samples.
# - Salimans and others, [Improved techniques for training
#   GANs](https://arxiv.org/abs/1606.03498), 2016: the Inception Score.
# - Heusel and others, [GANs trained by a two time-scale update
#   rule](https://arxiv.org/abs/1706.08500), 2017: FID.
# - Bińkowski and others, [Demystifying MMD
#   GANs](https://arxiv.org/abs/1801.01401), 2018: KID.
# - Chong and Forsyth, [Effectively unbiased FID and Inception
#   Score](https://arxiv.org/abs/1911.07023), 2020: the line in 1/N.
# - Kynkäänniemi and others, [Improved precision and recall
#   metric](https://arxiv.org/abs/1904.06991), 2019.
# - Ravuri and Vinyals, [Classification accuracy
#   score](https://arxiv.org/abs/1905.10887), 2019.
# - Zhou and others, [HYPE](https://arxiv.org/abs/1904.01121), 2019: measuring
#   with human eyes.
#
# ## Next
#
# In [exercise 8](../exercises/08_measuring/08_measuring.ipynb) you write four
# measures and repair two that articles get wrong. Whatever generator you build
# next, you can measure it now.
