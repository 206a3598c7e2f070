# %% [markdown]
# # 0. Start here
#
# In this course you build programs that invent handwritten digits. This first
# notebook checks your computer, shows the images that all lessons work with,
# and builds a simple program of that kind, without any neural network: the
# *baseline* that later models are compared with. About 90 of 100 of its
# images show the digit that was wanted. You also learn how lessons, exercises
# and hints work. The notebook runs in less than half a minute on two cores.
#
# Run one cell after the other with Shift+Enter, and read what stands between
# them. The first code cell of each lesson looks like the next one. It says
# which numbers the notebook has to reach.

# %%
from digitdreams import course

seed = course.start("00")

# %% [markdown]
# ## What comes out
#
# Here are 30 digits that people wrote. A *generator* is a program that turns
# random numbers into an image. Its goal: new images that look as if the same
# people had written them, and not copies.

# %%
from digitdreams import data, plots

digits = data.load()
plots.grid(digits.train.images[:30], title="Real digits")

# %% [markdown]
# ## Your computer
#
# Lessons need Python 3.11 and the packages of this course, but no graphics
# processor. You will write *neural networks*, formulas with many numbers that
# are learned from examples, in Keras; TensorFlow does the computing behind it.

# %%
import platform
from importlib.metadata import requires, version

for name in ("keras", "tensorflow", "numpy"):
    print(name, version(name))
print("python", platform.python_version())

# %% [markdown]
# The times in this course were measured with two processor cores; more are
# faster. A lesson needs up to 3 GB of memory.

# %%
import psutil

free_memory = psutil.virtual_memory().available / 1e9
print(f"{psutil.cpu_count()} cores, {free_memory:.1f} GB of memory free")

# %% [markdown]
# The next cell compares this with what the course needs.

# %%
from packaging.requirements import Requirement

advice = []
for wanted in map(Requirement, requires("digitdreams")):
    if wanted.marker and not wanted.marker.evaluate({"extra": ""}):
        continue  # for instructors, or for another system
    if version(wanted.name) not in wanted.specifier:
        advice.append(f"Change {wanted.name}: {wanted.specifier} is needed.")
if not platform.python_version().startswith("3.11."):
    advice.append("Change Python: 3.11 is needed.")
if free_memory < 3:
    advice.append("Change what is open: 3 GB of memory should be free.")
print("\n".join(advice) or "All is as it should be.")

# %% [markdown]
# If a line above starts with "Change" and names a package, close the notebook
# and open it with `make lab`, which uses the packages of the course.
#
# ## MNIST
#
# The images are called MNIST
# ([LeCun and others, 1998](https://doi.org/10.1109/5.726791)).
# Each comes with a *label*: the digit that it shows. Here both are arrays of
# numbers. The *shape* of an array says how many there are along each axis:
# images, rows, columns, and a last axis of length 1, which would have length
# 3 for colours.

# %%
for name, split in digits._asdict().items():
    print(f"{name:10} {split.images.shape} {split.labels.shape}")

# %% [markdown]
# ## Three splits
#
# The images stand in three groups, called splits. Think of a student:
#
# - **train** is the book: models learn from these 55,000 images;
# - **validation** is the mock exam: with these 5,000 we compare choices, such
#   as the size of a model, as often as we like;
# - **test** is the exam: these 10,000 are for the final number only.
#
# Whoever looks at the test images while choosing picks what happens to suit
# them. The final number then promises more than new images will keep.
#
# All ten digits are about equally frequent. Let us count them.

# %%
import numpy as np

np.bincount(digits.train.labels)

# %% [markdown]
# These are the counts of 0 to 9. A program that always answers "1" would be
# right for 11 % of the images.
#
# ## Grey levels
#
# An image is 28 rows of 28 *pixels*. Each pixel holds a grey level from 0
# (paper, shown black) to 1 (ink, shown white). Here is a part of one image as
# numbers from 0 to 9. You can see the stroke.

# %%
image = digits.train.images[0, :, :, 0]
print(digits.train.labels[0])
(9 * image[6:24, 6:24]).round().astype(int)

# %% [markdown]
# Most pixels are paper, and few lie in between, at the edges of strokes.

# %%
pixels = digits.train.images
for name, chosen in [("paper", pixels < 0.1), ("ink", pixels > 0.9)]:
    print(f"{name}: {chosen.mean():.0%} of the pixels")

# %% [markdown]
# ## A first generator
#
# How would you draw a new 3? A first idea: draw the average 3. It looks like
# a digit, but there is only one.

# %%
vectors = digits.train.images.reshape(-1, 784)
averages = [vectors[digits.train.labels == d].mean(axis=0) for d in range(10)]
plots.strip(np.reshape(averages, (10, 28, 28)), captions=range(10))

# %% [markdown]
# We need variety. A second idea: let chance decide each pixel on its own, as
# often ink as the average says. Now every image is new, but neighbouring
# pixels do not know of each other, and no stroke appears.

# %%
rng = np.random.default_rng(seed)
noisy = rng.random((10, 784)) < averages
plots.strip(noisy.reshape(10, 28, 28), captions=range(10))

# %% [markdown]
# So pixels have to change together. *Principal component analysis* (PCA)
# finds directions in which they do. It writes an image as the average of all
# images plus a sum of fixed patterns, the *components*:
#
# $$x \approx m + \sum_{k=1}^{40} c_k\, v_k$$
#
# Here $x$ is an image as a list of 784 numbers, $m$ the average image, $v_k$
# the $k$-th pattern, and $c_k$ the number that says how much of it this image
# holds. The patterns are chosen such that 40 of them rebuild the training
# images with the least squared error.

# %%
from sklearn.decomposition import PCA

pca = PCA(40, random_state=seed).fit(vectors)
codes = pca.transform(vectors)
codes.shape

# %% [markdown]
# Each image is now a *code* of 40 numbers instead of 784. What was lost? Fine
# detail: rebuilt images are a little blurred, and grey shadows appear.

# %%
rebuilt = pca.inverse_transform(codes[:10]).reshape(-1, 28, 28)
plots.panel({"image": digits.train.images[:10], "from 40": rebuilt})

# %% [markdown]
# The same in two numbers: each point is an image, placed by the first two
# numbers of its code. Different digits live in different places, so each
# digit gets a description of its own.

# %%
plots.latent_map(
    codes[:, :2],
    digits.train.labels,
    title="Codes of training images",
    axis_names=("first number of the code", "second number"),
)

# %% [markdown]
# We describe the codes of each digit by a *Gaussian*, or *normal
# distribution*: the bell curve in several dimensions. It has a *mean* (the
# middle of the cloud) and a *covariance* (how far the cloud reaches, and which
# numbers rise and fall together). Drawing from it gives new codes, and the
# formula above turns codes into images. This is the whole generator.


# %%
def generate(digit, count):
    chosen = codes[digits.train.labels == digit]
    mean, covariance = chosen.mean(axis=0), np.cov(chosen.T)
    drawn = rng.multivariate_normal(mean, covariance, size=count)
    return pca.inverse_transform(drawn).clip(0, 1).reshape(-1, 28, 28)


samples = np.stack([generate(digit, 250) for digit in range(10)])
samples.shape

# %% [markdown]
# That took a moment for 250 images of each digit. Here are five of each.

# %%
shown = samples[:, :5].transpose(1, 0, 2, 3).reshape(-1, 28, 28)
plots.grid(shown, columns=10, title="Wanted: 0 to 9, once per row")

# %% [markdown]
# Strokes and variety at last. Most are legible, though grey shadows lie
# everywhere, and some are mixtures: the cloud of codes is not shaped like a
# bell, so the Gaussian also draws codes where no real image is. Later lessons
# are about getting this shape right.
#
# ## The judge
#
# "Most" is not a number. To measure, the course brings a *judge*: a small
# neural network that has learned to read digits. Lesson 1 builds one like
# it. Before we trust it, we ask how many real test images it reads correctly.

# %%
from digitdreams import judge, metrics

probabilities = judge.probabilities(digits.test.images)
judge_accuracy = metrics.label_accuracy(probabilities, digits.test.labels)
print(f"{judge_accuracy:.2%} of the real digits are read correctly")

# %% [markdown]
# Now the generator. Its *label accuracy* is the share of images in which the
# judge sees the digit that was wanted.

# %%
wanted = np.repeat(np.arange(10), 250)
samples = samples.reshape(-1, 28, 28)
probabilities = judge.probabilities(samples)
label_accuracy = metrics.label_accuracy(probabilities, wanted)
print(f"{label_accuracy:.1%} show the digit that was wanted")

# %% [markdown]
# What are the others taken for? Each row holds the 250 images that should show
# one digit.

# %%
plots.confusion(wanted, probabilities.argmax(axis=1))

# %% [markdown]
# Many mistakes are ones that you would make, too: an 8 that is half a 3, a 4
# that is nearly a 9. But the judge is not an eye. Here is what it says about
# 200 images of pure noise, where each pixel is a random grey:

# %%
verdicts = judge.probabilities(rng.random((200, 28, 28)))
counts = np.bincount(verdicts.argmax(axis=1), minlength=10)
print(f"{counts}, sure of it: {verdicts.max(axis=1).mean():.1%}")

# %% [markdown]
# All of them are an 8, it says, and has hardly a doubt. It must name a digit
# for whatever it gets, and nobody has taught it what is none. Remember this:
# **a judge can be trusted on images like those it learned from, and on others
# it needs checking by eye.**
#
# ## Two clouds
#
# Label accuracy alone can be fooled: a generator that draws the same perfect
# 3 each time reaches 100 % for the digit 3. So we also compare all samples
# with all real images. The judge describes each image by 64 numbers, its
# *features*, and the *FID* (Fréchet inception distance) says how far apart
# the two clouds of features lie: 0 if they agree.
#
# With it we can ask whether a simple repair helps. Make pale grey paper and
# dark grey ink. (The limits 0.15 and 0.7 were the best of seven pairs on
# validation images.)

# %%
clean = ((samples - 0.15) / 0.55).clip(0, 1)
shown = clean.reshape(10, 250, 28, 28)[:, :5].transpose(1, 0, 2, 3)
plots.grid(shown.reshape(-1, 28, 28), title="Wanted: 0 to 9, once per row")

# %% [markdown]
# These are the same drawings with clean paper. Their FID, before and after,
# against as many validation images:

# %%
real = judge.features(digits.validation.images[:2500])
for name, images in {"shadows": samples, "clean paper": clean}.items():
    print(f"{name:12} {metrics.fid(real, judge.features(images)):.1f}")

# %% [markdown]
# It helps. Is the digit that was wanted still there?

# %%
probabilities = judge.probabilities(clean)
baseline_label_accuracy = metrics.label_accuracy(probabilities, wanted)
print(f"{baseline_label_accuracy:.1%} show the digit that was wanted")

# %% [markdown]
# The final numbers come from the test images. Even two sets of real images do
# not have an FID of exactly 0; that *floor* stands in the column "real".

# %%
report = judge.report(clean, seed=seed)
report

# %% [markdown]
# The other rows in short. The *MNIST score* is 10 when each image is clearly
# one digit and all ten are equally frequent. *Precision* is the share of
# samples that lie among real images, *recall* the share of real images that
# lie among samples. The last row counts the digits that appear at all.
#
# The FID is still dozens of times its floor: the judge tells these images
# from real ones easily, and so do you.
#
# ## What a lesson promises
#
# Each lesson has a contract: numbers that it reaches in a stated time. A
# number has a *bar*, the value that it must reach, and a *typical* range, in
# which nine of ten runs end. Why a range? The computer makes random numbers
# from a start value, the *seed*. Another seed gives slightly different
# results. To try one, type this in a terminal:
#
# ```
# DIGITDREAMS_SEED=7 make run LESSON=00
# ```
#
# `make run` without `LESSON` runs all lessons and collects their pictures and
# numbers in one page, `build/gallery/index.html`. Two computers can differ a
# little even with the same seed.
#
# ## How exercises work
#
# From lesson 1 on, each lesson has an exercise: a notebook with blanks. A link
# at the end of the lesson opens it, and all of them lie in the folder
# `exercises` beside `lessons`. Your notebooks, this one included, are copies
# in the folder `my_work`. Change what you like: an update of the course renews
# only copies that you have not changed. Without JupyterLab, this command
# copies exercise 1 and says where it is:
#
# ```
# digitdreams start 01
# ```
#
# A blank is a function that you write, such as this one from exercise 1. It
# gets images in bytes, whole numbers from 0 to 255, and has to prepare them
# for a network. Suppose that this is your first try:


# %%
def scale_images(pixels):
    return pixels.astype("float32")[..., None]


# %% [markdown]
# Below each blank stands a call of `check`. It runs your function on small
# inputs and compares the results. For common mistakes it knows what went
# wrong. In your exercise you only write `check(scale_images)`; the lines
# around it are needed because this notebook is not in that folder.

# %%
from contextlib import chdir

from digitdreams import files
from digitdreams.checks import CheckFailed, check, hint

exercise = files.home() / "exercises" / course.load().find("01").stem
with chdir(exercise):
    try:
        check(scale_images)
    except CheckFailed as problem:
        print("Not yet:", problem)

# %% [markdown]
# If you are stuck, ask for a hint. The first is gentle, and each further call
# says more. Nobody counts them.

# %%
with chdir(exercise):
    hint("scale_images")

# %% [markdown]
# Solutions are in the folder `solutions` of the course. An exercise ends with
# a training that uses your functions and has a bar of its own.
#
# ## The map
#
# These are the lessons. Take them in order: each uses what the ones before it
# have explained.

# %%
for lesson in course.load().lessons:
    extra = "with exercise" if lesson.exercise_numbers else ""
    print(f"{lesson.id}  {lesson.title:26} {extra}".rstrip())

# %% [markdown]
# ## The contract
#
# The last step of each lesson compares its numbers with their bars. If one
# were missed, the notebook would stop here and say so.

# %%
course.expect(
    judge_accuracy=judge_accuracy,
    baseline_label_accuracy=baseline_label_accuracy,
    baseline_fid=report.fid,
)

# %% [markdown]
# ## What to remember
#
# 1. A generator turns random numbers into images; a good one gets both the
#    look and the variety of real images right.
# 2. Learn on train, choose on validation, and use test for the final number
#    only.
# 3. A judge measures well what is like its training images. Look at samples
#    and at its mistakes before you believe a number.
#
# ## Asked in interviews
#
# - *Why keep a test set apart from the validation set?* Choosing by a set
#   makes the number on it too good, so the final number needs images that no
#   choice has seen.
# - *Why build a baseline before a neural network?* It costs minutes, shows
#   that data and metrics work, and says how much the network really adds.
# - *Why is a high label accuracy not enough for a generator?* One perfect
#   image per digit, repeated, would reach 100 %.
#
# ## To read
#
# - LeCun and others, [Gradient-based learning applied to document
#   recognition](https://doi.org/10.1109/5.726791), 1998:
#   where MNIST was introduced.
# - Heusel and others, [GANs trained by a two time-scale update
#   rule](https://arxiv.org/abs/1706.08500), 2017: the paper that proposed FID.
# - scikit-learn's guide to
#   [PCA](https://scikit-learn.org/stable/modules/decomposition.html#pca).
#
# ## Next
#
# [Lesson 1](01_digits_and_a_judge.ipynb) builds a network that reads digits, a
# judge of your own.
