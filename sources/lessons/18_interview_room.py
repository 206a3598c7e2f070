# %% [markdown]
# # 18. The interview room
#
# Interview answers on generative models are often learnt from lists that
# nobody checked. Here every answer has a source, every number in it is
# recomputed by a test, and most can be tried. This lesson shows how to
# practise, and then works ten questions through: first the answer on paper,
# then code that measures the same thing.
#
# It takes less than a minute on two CPU cores. The number to reach is the
# largest gap, over the questions that have both, between what the formula
# says and what the code measures.

# %%
from digitdreams import course

seed = course.start("18")

# %% [markdown]
# ## The bank
#
# Each question has a topic, a level and a kind, a short and a long answer in
# English and in Chinese, follow-ups, common wrong answers and sources.

# %%
from collections import Counter

from digitdreams.interview import bank

questions = {one.id: one for one in bank.load()}
len(questions), Counter(one.kind for one in questions.values())

# %%
one = questions["gan-which-logarithm"]
print(one.question.en, "\n->", one.short.en, "\n")
print(one.question.zh, "\n->", one.short.zh)

# %% [markdown]
# In a terminal, these commands show the same:
#
#     digitdreams questions search "mode collapse"
#     digitdreams questions show gan-which-logarithm --language zh
#
# The search knows both languages and covers the coding problems, too:

# %%
from digitdreams.interview import problems, search

index = search.Index.filled(list(questions.values()), problems.load())
for hit in index.search("模式崩溃", limit=3):
    print(hit.row.id)

# %% [markdown]
# ## Drilling
#
# `digitdreams quiz` asks a question. You answer aloud or in writing, compare
# with the answer, and rate yourself from 1 (again) to 4 (easy). A *spaced
# repetition* scheduler then decides when the question comes back: it estimates
# how fast you forget, and asks again when the chance that you still know the
# answer has fallen to 90 %. Suppose that you rate each return as 3 (good):

# %%
from datetime import UTC, datetime

import fsrs

scheduler = fsrs.Scheduler(enable_fuzzing=False)
card, now, days = fsrs.Card(), datetime(2026, 1, 1, tzinfo=UTC), []
for _ in range(6):
    card, _ = scheduler.review_card(card, fsrs.Rating.Good, now)
    days.append((card.due - now).days)
    now = card.due
days

# %% [markdown]
# After six good answers within a few months the question rests for a long
# time. One rating of 1 brings it back within minutes:

# %%
card, _ = scheduler.review_card(card, fsrs.Rating.Again, now)
str(card.due - now)

# %% [markdown]
# `digitdreams progress show` counts what you have seen and what is due.
# `digitdreams interview --minutes 45 --level senior` holds a mock interview
# and writes a report; with `--seed 3` it asks the same again. `digitdreams
# anki deck.apkg` writes the bank as a deck for Anki.

# %% [markdown]
# ## Problems that are checked
#
# `digitdreams problems start stable_softmax` writes a file to fill in, and
# `digitdreams problems check stable_softmax` judges it, in a separate process.
# Here is an answer as many give it:

# %%
import numpy as np


def stable_softmax(logits):
    powers = np.exp(logits)
    return powers / powers.sum(axis=-1, keepdims=True)


# %%
from digitdreams import checks

problem = problems.find("stable_softmax")
with np.errstate(all="ignore"):
    print(checks.judge(problem.as_data(), problem.name, stable_softmax))

# %% [markdown]
# Some problems are *bug hunts*: a short program with one mistake. The check
# tells when it is repaired.

# %%
sum(one.is_hunt for one in problems.load()), len(problems.load())

# %% [markdown]
# ## Ten questions, worked through
#
# The rest of this lesson needs two helpers: one shows a question of the bank,
# the other notes what a formula says and what a measurement gives.

# %%
from IPython.display import Markdown


def ask(name):
    return Markdown(questions[name].question.en)


# %%
random = np.random.default_rng(seed)
gaps = {}


def compare(name, formula, measured):
    gaps[name] = abs(measured / formula - 1)
    print(f"{name}: formula {formula:.4f}, measured {measured:.4f}")


# %% [markdown]
# ## Question 1: nats or bits

# %%
ask("gan-which-logarithm")

# %% [markdown]
# Losses use the natural logarithm and are in nats. Divided by $\ln 2$ they are
# in bits. Mixing the two up is the commonest wrong number in texts on GANs.

# %%
nats = -np.log(0.8)
round(float(nats), 3), round(float(nats / np.log(2)), 3)

# %% [markdown]
# ## Question 2: a KL divergence

# %%
ask("vae-gaussian-kl")

# %% [markdown]
# The formula is $\frac12(\mu^2 + \sigma^2 - 1 - \ln \sigma^2)$. By definition
# it is the average of $\ln q(z) - \ln p(z)$ over draws $z$ from $q$, so that
# we can also measure it:

# %%
from scipy.stats import norm

mean, deviation = 0.5, 0.5
z = random.normal(mean, deviation, 200_000)
difference = norm.logpdf(z, mean, deviation) - norm.logpdf(z)
formula = 0.5 * (mean**2 + deviation**2 - 1 - np.log(deviation**2))
compare("KL", formula, difference.mean())

# %% [markdown]
# Single terms scatter widely and some are negative; only their average is
# never below 0. That is why a VAE uses the formula where it has one.

# %%
import matplotlib.pyplot as plt

from digitdreams import plots

plt.rcParams.update(plots.STYLE)
figure, axes = plt.subplots(figsize=(5, 2.2))
axes.hist(difference, bins=80, color="#3f90da")
axes.axvline(formula, color="#e76300", label="KL")
axes.set(xlabel="ln q(z) - ln p(z), nats", ylabel="draws")
axes.legend()
plt.close(figure)
figure

# %% [markdown]
# ## Question 3: the optimal discriminator

# %%
ask("gan-optimal-discriminator")

# %% [markdown]
# It is $D^*(x) = p(x) / (p(x) + q(x))$, with the density $p$ of real and $q$
# of generated images: 0.75 where real ones are three times as dense. To see
# it, let numbers from $N(-1, 1)$ be real and numbers from $N(1, 1)$ be fake,
# and train the simplest discriminator. Here $p/q = e^{-2x}$, which is 3 at
# $x = -\frac12 \ln 3$.

# %%
from sklearn.linear_model import LogisticRegression

numbers = random.normal([-1.0, 1.0], 1.0, (100_000, 2))
labels = np.tile([1, 0], (100_000, 1))
discriminator = LogisticRegression(C=1e6)
discriminator.fit(numbers.reshape(-1, 1), labels.ravel())
where = [[-0.5 * np.log(3)]]
compare("D*", 0.75, discriminator.predict_proba(where)[0, 1])

# %%
x = np.linspace(-4, 4, 81)
figure, axes = plt.subplots(figsize=(5, 2.4))
axes.plot(x, norm.pdf(x, -1), "#3f90da", label="real")
axes.plot(x, norm.pdf(x, 1), "#e76300", label="generated")
answers = discriminator.predict_proba(x[:, None])[:, 1]
axes.plot(x, answers, "#832db6", label="D, trained")
axes.plot(x[::4], 1 / (1 + np.exp(2 * x[::4])), "k.", label="D*, formula")
axes.set(xlabel="x", ylabel="density or probability")
axes.legend(fontsize=7)
plt.close(figure)
figure

# %% [markdown]
# ## Question 4: temperature

# %%
ask("classifiers-temperature")

# %% [markdown]
# Dividing the logits by a temperature $T$ changes how sure the answer is, and
# never which answer is first. Take the validation image about which the judge
# is least sure. Logarithms of its probabilities serve as logits, because a
# softmax does not notice a constant that is added to all of them.

# %%
from digitdreams import data, judge

digits = data.load()
images = digits.validation.images[:2000]
probabilities = judge.probabilities(images)
unsure = probabilities.max(axis=1).argmin()
logits = np.log(probabilities[unsure])

# %%
from scipy.special import softmax

figure, axes = plt.subplots(1, 4, figsize=(7, 1.9))
axes[0].imshow(images[unsure, ..., 0], cmap="gray")
axes[0].axis("off")
for axis, temperature in zip(axes[1:], (0.5, 1.0, 3.0), strict=True):
    axis.bar(range(10), softmax(logits / temperature), color="#3f90da")
    axis.set(title=f"T = {temperature}", ylim=(0, 1), xticks=range(10))
    axis.tick_params(labelsize=6)
plt.close(figure)
figure

# %% [markdown]
# The same image, three degrees of confidence, one order of the answers.

# %% [markdown]
# ## Question 5: top-p sampling

# %%
ask("ar-temperature-and-top-p")

# %% [markdown]
# Top-p keeps the smallest set of likeliest tokens whose probabilities reach
# $p$ and divides by their sum. For the logits (2, 1, 0) and $p = 0.9$ the
# probabilities 0.665 and 0.245 stay, and the first becomes
# $0.665 / 0.910 = 0.731$.

# %%
chances = softmax([2.0, 1.0, 0.0])
kept = np.cumsum(chances) - chances < 0.9
kept_chances = np.where(kept, chances, 0) / chances[kept].sum()
drawn = random.choice(3, size=100_000, p=kept_chances)
compare("top-p", 1 / (1 + np.exp(-1)), np.mean(drawn == 0))

# %% [markdown]
# ## Question 6: the ELBO and its gap

# %%
ask("vae-elbo-derivation")

# %% [markdown]
# The gap is the KL divergence from $q(z)$ to the true posterior $p(z|x)$. A
# model small enough to know everything: $z \sim N(0, 1)$, $x = z + $ noise
# from $N(0, 1)$, and $x = 1$ was seen. Then $p(x) = N(0, 2)$ and the posterior
# is $N(\frac12, \frac12)$. For $q = N(m, \frac12)$ the gap is $(m -
# \frac12)^2$. We measure the ELBO with draws from $q$:


# %%
def elbo(m, draws=50_000):
    z = random.normal(m, np.sqrt(0.5), draws)
    joint = norm.logpdf(1.0, z, 1.0) + norm.logpdf(z)
    return np.mean(joint - norm.logpdf(z, m, np.sqrt(0.5)))


evidence = norm.logpdf(1.0, 0, np.sqrt(2))
compare("gap of the ELBO", 1.0, evidence - elbo(1.5))

# %%
means = np.linspace(-1, 2, 25)
figure, axes = plt.subplots(figsize=(5, 2.2))
axes.axhline(evidence, color="#e76300", label="log p(x)")
axes.plot(means, [elbo(m, 5000) for m in means], "#3f90da", label="ELBO")
axes.set(xlabel="mean of q", ylabel="nats")
axes.legend()
plt.close(figure)
figure

# %% [markdown]
# The bound touches at $m = \frac12$, where $q$ is the posterior. Training the
# encoder closes the gap; training the decoder raises the line.

# %% [markdown]
# ## Question 7: a causal mask

# %%
ask("attention-mask-multiplied")

# %% [markdown]
# A score of 0 is not "no attention": $e^0 = 1$. The mask has to be added
# before the softmax, as $-\infty$. Rows are the positions that look, columns
# those that are looked at:

# %%
scores = random.normal(size=(8, 8))
mask = np.tril(np.ones((8, 8)))
wrong = softmax(scores * mask, axis=1)
right = softmax(np.where(mask == 1, scores, -np.inf), axis=1)
figure, axes = plt.subplots(1, 2, figsize=(5, 2.4))
for axis, weights, name in zip(
    axes, (wrong, right), ("multiplied", "minus infinity"), strict=True
):
    axis.imshow(weights, cmap="Blues", vmin=0, vmax=1)
    axis.set_title(f"{name}: {np.triu(weights, 1).sum() / 8:.0%} leaks")
plt.close(figure)
figure

# %% [markdown]
# ## Question 8: noise in one step

# %%
ask("diffusion-closed-form")

# %% [markdown]
# All steps together are one: $x_t = \sqrt{\bar\alpha_t}\,x_0 + \sqrt{1 -
# \bar\alpha_t}\,\epsilon$, where $\bar\alpha_t$ is the product of all
# $\alpha$ up to $t$. So the variance is $\bar\alpha_t \mathrm{Var}(x_0) + 1 -
# \bar\alpha_t$. We go through 100 small steps and compare:

# %%
alphas = np.linspace(0.999, 0.97, 100)
noisy, kept_frames = images[:500] * 2 - 1, []
start_variance = noisy.var()
for step, alpha in enumerate(alphas):
    if step % 20 == 0:
        kept_frames.append(noisy[0])
    noise = random.normal(size=noisy.shape)
    noisy = np.sqrt(alpha) * noisy + np.sqrt(1 - alpha) * noise
a = alphas.prod()
compare("variance", a * start_variance + 1 - a, noisy.var())

# %%
frames = np.clip(np.stack([*kept_frames, noisy[0]]) / 2 + 0.5, 0, 1)
products = np.append(1, np.cumprod(alphas))[::20]
plots.strip(frames, [f"{one:.3f}" for one in products])

# %% [markdown]
# Above each image stands its $\bar\alpha_t$.

# %% [markdown]
# ## Question 9: InfoNCE

# %%
ask("text-infonce")

# %% [markdown]
# For $N$ pairs the loss is the cross-entropy of choosing the right one of $N$
# captions. An untrained model whose similarities say nothing pays $\ln N$, for
# $N = 128$ that is 4.85 nats. A loss that starts elsewhere has a mistake in
# it.


# %%
def infonce(images, captions, temperature=1.0):
    logits = images @ captions.T / temperature
    chosen = np.diag(logits) - np.log(np.exp(logits).sum(axis=1))
    return -chosen.mean()


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


pictures = unit(random.normal(size=(128, 512)))
captions = unit(random.normal(size=(128, 512)))
compare("InfoNCE", np.log(128), infonce(pictures, captions))

# %% [markdown]
# If each caption agrees with its image, the temperature decides how small the
# loss can become, because similarities of unit vectors end at 1:

# %%
near = unit(pictures + 0.02 * random.normal(size=(128, 512)))
for temperature in (1.0, 0.2, 0.07):
    loss = infonce(pictures, near, temperature)
    print(f"temperature {temperature}: {loss:.4f} nats")

# %% [markdown]
# ## Question 10: the FID

# %%
ask("metrics-fid-by-hand")

# %% [markdown]
# In one dimension the distance is $(\mu_1 - \mu_2)^2 + (\sigma_1 -
# \sigma_2)^2$. Here that is $1 + 1 = 2$.

# %%
from digitdreams import metrics

real = random.normal(0, 1, (1_000_000, 1))
generated = random.normal(1, 2, (1_000_000, 1))
compare("FID", 2.0, metrics.fid(real, generated))

# %% [markdown]
# The follow-up is about sample sizes. Two halves of the *same* real images
# should have the distance 0, but an estimated covariance is never exact, and
# each error counts:

# %%
features = judge.features(digits.validation.images)
sizes = [100, 200, 500, 1000, 2500]
floors = []
for size in sizes:
    chosen = features[random.permutation(5000)[: 2 * size]]
    floors.append(metrics.fid(chosen[:size], chosen[size:]))

# %%
figure, axes = plt.subplots(figsize=(5, 2.2))
axes.loglog(sizes, floors, "o-", color="#3f90da")
axes.set(xlabel="images in each set", ylabel="FID of real to real")
plt.close(figure)
figure

# %% [markdown]
# In theory it falls like $1/n$ with the number $n$ of images; single draws
# scatter around that. So a FID without a sample size means little, and two of
# them can be compared only at the same size.

# %% [markdown]
# ## From questions to lessons
#
# Where a lesson's cell shows the answer, the question names it. This map is
# made from the bank:

# %%
shown_in = {}
for one in questions.values():
    lesson = one.lesson.partition("#")[0] if one.lesson else None
    if lesson:
        shown_in.setdefault(lesson, {}).setdefault(one.topic, []).append(
            one.id
        )
lines = ["| lesson | topic | questions |", "|---|---|---|"]
for lesson in sorted(shown_in):
    for topic, names in shown_in[lesson].items():
        lines.append(f"| {lesson} | {topic} | {', '.join(names)} |")
Markdown("\n".join(lines))

# %% [markdown]
# The other questions belong to topics that no lesson shows yet; their answers
# name the papers.

# %% [markdown]
# ## The contract
#
# The largest relative gap between formula and measurement:

# %%
worst = max(gaps, key=gaps.get)
print(worst, round(float(gaps[worst]), 4))
course.expect(largest_gap=gaps[worst])

# %% [markdown]
# ## What to remember
#
# 1. An answer that can be measured should be measured once by yourself.
# 2. Give the short answer first, then the formula, then a number.
# 3. Ask for unit, base of the logarithm, sample size and range before you
#    compare two numbers.
#
# ## To read
#
# - Ye, Su and Cao, [A stochastic shortest path algorithm for optimizing spaced
#   repetition scheduling](https://doi.org/10.1145/3534678.3539081), 2022: when
#   a card should come back.
# - Goodfellow and others, [Generative adversarial
#   networks](https://arxiv.org/abs/1406.2661), 2014: question 3.
# - Ho, Jain and Abbeel, [Denoising diffusion probabilistic
#   models](https://arxiv.org/abs/2006.11239), 2020: question 8.
# - Heusel and others, [GANs trained by a two time-scale update
#   rule](https://arxiv.org/abs/1706.08500), 2017: the FID.
#
# ## Next
#
# Type `digitdreams quiz --topic vae` and answer ten questions aloud.
