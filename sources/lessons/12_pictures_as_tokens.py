# %% [markdown]
# # 12. Pictures as tokens
#
# A language model writes text as a sequence of *tokens*, whole numbers from a
# fixed vocabulary. In this lesson a picture becomes such a sequence. A VQ-VAE
# turns each digit into 49 tokens and back, and a small GPT learns to write
# them one after another, beginning with the label. Change the vocabulary, and
# the same program writes text.
#
# **You will be able to** train a discrete autoencoder and keep its codebook
# alive; write causal attention from dense layers and *prove* that it does not
# look ahead; measure a sequence model in nats a token; sample with
# temperature, top-k and top-p; build a KV cache and show that it changes
# nothing but the time.
#
# **You need** autoencoders ([lesson 2](02_autoencoder.ipynb)), nats ([lesson
# 3](03_vae.ipynb)), the judge's FID and recall ([lesson
# 8](08_measuring.ipynb)) and the chain rule for images ([lesson
# 11](11_one_pixel_at_a_time.ipynb)). **Time:** about 45 minutes to read, two
# minutes of machine time on two CPU cores.

# %%
from digitdreams import course

seed = course.start("12")

# %% [markdown]
# ## The picture first
#
# Cut a digit into 7 x 7 patches of 4 x 4 pixels. Now allow only 64 different
# patches, found by *k-means* clustering, and replace each patch by the most
# similar one of them. What is left of the digit is 49 numbers from 0 to 63.

# %%
import numpy as np
from sklearn.cluster import MiniBatchKMeans

from digitdreams import data, plots

digits = data.load()
side, code_count = 7, 64
cut = digits.train.images[:5000].reshape(-1, side, 4, side, 4)
patches = cut.transpose(0, 1, 3, 2, 4).reshape(-1, 16)
clusters = MiniBatchKMeans(code_count, n_init=1, random_state=seed).fit(
    patches
)
found = clusters.labels_.reshape(-1, side, side)
copies = clusters.cluster_centers_[found[:12]].reshape(-1, side, side, 4, 4)
copies = copies.transpose(0, 1, 3, 2, 4).reshape(-1, 28, 28)
plots.panel({"original": digits.train.images[:12], "64 patches": copies})

# %% [markdown]
# The tokens of the first digit, each at its place:

# %%
found[0]

# %% [markdown]
# This is *vector quantisation*: a vector is replaced by the nearest of a few
# vectors, the *codebook*. The copies show their seams, because each patch is
# chosen and drawn without its neighbours. A network does better on both
# sides. That is the VQ-VAE (van den Oord and others, 2017):

# %%
vq_stages = [("image\n28 x 28", 28), ("encoder\n7 x 7 x 8", 14)]
vq_stages += [("tokens\n7 x 7", 12), ("codebook\n7 x 7 x 8", 14)]
vq_stages += [("decoder\n7 x 7 x 64", 20), ("image\n28 x 28", 28)]
gpt_stages = [("label +\n48 tokens", 10), ("vectors\n49 x 64", 10)]
gpt_stages += [(f"block {i}", 10) for i in (1, 2, 3)]
gpt_stages += [("64 logits\na place", 10)]
plots.stages(
    {
        "VQ-VAE: picture to tokens, and back": vq_stages,
        "GPT: one token after another": gpt_stages,
    }
)

# %% [markdown]
# Above: a picture becomes tokens and a picture again. Below: the model that
# learns to write the tokens.
#
# ## The codebook
#
# The encoder gives a vector $z_e$ for each of the 49 places. The codebook
# holds 64 vectors $e_1, \dots, e_{64}$. The token is the number of the nearest
# one, and the decoder gets that vector instead of $z_e$:
#
# $$k = \arg\min_j \|z_e - e_j\|^2, \qquad z_q = e_k.$$
#
# Written out, $\|z_e - e_j\|^2 = \|z_e\|^2 - 2\,z_e \cdot e_j + \|e_j\|^2$.
# The first term is the same for all $j$ and can be left out, so one matrix
# product compares a batch with the whole codebook.

# %%
import keras
from keras import layers, ops


def nearest(vectors, book):
    """Return the number of the nearest code of each vector."""
    lengths = ops.sum(ops.square(book), axis=1)
    products = ops.matmul(vectors, ops.transpose(book))
    return ops.argmin(lengths - 2 * products, axis=-1)


small_book = np.array([[0.0, 0.0], [1.0, 0.0], [4.0, 4.0]], "float32")
vectors = np.array([[0.2, 0.1], [0.9, -0.3], [2.0, 3.0]], "float32")
nearest(vectors, small_book).numpy().tolist()

# %% [markdown]
# ## A gradient through a choice
#
# Move $z_e$ a little, and $k$ stays as it is: the derivative of the choice is
# 0 almost everywhere, and the encoder would learn nothing. The
# *straight-through estimator* pretends that $z_q$ had been $z_e$ on the way
# back:
#
# $$z = z_e + \text{sg}(z_q - z_e).$$
#
# sg, *stop gradient*, is the identity forward and has the derivative 0. So the
# value of $z$ is $z_q$, and its gradient is that of $z_e$.

# %%
import tensorflow as tf


def straight_through(found, chosen):
    return found + ops.stop_gradient(chosen - found)


found = tf.constant(vectors)
with tf.GradientTape(persistent=True) as tape:
    tape.watch(found)
    chosen = ops.take(small_book, nearest(found, small_book), axis=0)
    plain = ops.sum(ops.square(chosen))
    passed = ops.sum(ops.square(straight_through(found, chosen)))
print("plain choice:", tape.gradient(plain, found))
print("straight through:", tape.gradient(passed, found).numpy().tolist())

# %% [markdown]
# The slope of a square $z^2$ is $2z$. You see twice the *chosen* vectors: the
# decoder's gradient is taken where the decoder was, and handed to the encoder.
#
# That is right only if $z_e$ and $z_q$ are close. Two more terms see to it:
#
# $$L = C(x, \hat x) + \lambda\,\bigl(\|\text{sg}(z_e) - z_q\|^2 + \beta\,\|z_e
# - \text{sg}(z_q)\|^2\bigr).$$
#
# $x$ is the image, $\hat x$ its copy and $C$ the reconstruction cost of lesson
# 3 in nats; the squares are summed over the 49 places, and $\lambda$ and
# $\beta$ are weights. The second term moves the *code* to the vectors that
# chose it, and is its only teacher: the straight-through gradient passes the
# codebook by. The third, the *commitment* cost, keeps the *encoder* near the
# code that it chose. Many programs replace the second term
# by a moving average of those vectors (EMA), which does the same as k-means.

# %%
code_size, code_width = 8, 64
code_weight, commitment = 10.0, 0.25


def build_encoder():
    images = keras.Input((28, 28, 1))
    x = layers.Conv2D(32, 4, strides=4, activation="relu")(images)
    x = layers.Conv2D(32, 3, padding="same", activation="relu")(x)
    return keras.Model(images, layers.Dense(code_size)(x))


def build_decoder():
    found = keras.Input((side, side, code_size))
    x = layers.Conv2D(code_width, 3, padding="same", activation="relu")(found)
    x = layers.Dense(code_width, activation="relu")(x)
    logits = layers.Conv2DTranspose(1, 4, strides=4)(x)
    return keras.Model(found, logits)


# %% [markdown]
# The first layer sees one patch at a time, and so does the last: strides and
# kernel have the same size. The 3 x 3 convolutions between see neighbours. On
# 7 x 7 places they cost little.
#
# ## Dead codes
#
# A code that is nobody's nearest never moves, and so it stays nobody's
# nearest: it is *dead*. The cure: a code that nobody chose in a batch is
# placed on one of the batch's own vectors.


# %%
from digitdreams.models import reconstruction_loss, rising_and_falling


def mean_distance(a, b):
    """Return the mean over images of the summed squares."""
    return ops.mean(ops.sum(ops.square(a - b), axis=(1, 2, 3)))


class VQVAE(keras.Model):
    def __init__(self, cure=True):
        super().__init__()
        self.encoder, self.decoder = build_encoder(), build_decoder()
        self.book = self.add_weight((code_count, code_size), "random_normal")
        self.random = keras.random.SeedGenerator(seed)
        self.cure = cure

    def call(self, images):
        """Return what the encoder found, tokens, and logits of the copies."""
        found = self.encoder(images)  # (batch, 7, 7, 8)
        tokens = nearest(found, self.book)
        chosen = ops.take(self.book, tokens, axis=0)
        book = mean_distance(ops.stop_gradient(found), chosen)
        commit = mean_distance(found, ops.stop_gradient(chosen))
        self.add_loss(code_weight * (book + commitment * commit))
        return found, tokens, self.decoder(straight_through(found, chosen))

    def train_step(self, images):
        with tf.GradientTape() as tape:
            found, tokens, logits = self(images)
            cost = ops.mean(reconstruction_loss(images, logits))
            loss = cost + sum(self.losses)
        weights = self.trainable_weights
        self.optimizer.apply(tape.gradient(loss, weights), weights)
        hits = ops.bincount(ops.reshape(tokens, (-1,)), minlength=code_count)
        if self.cure:
            found = ops.reshape(found, (-1, code_size))
            among = (code_count,), 0, ops.shape(found)[0]
            rows = keras.random.randint(*among, seed=self.random)
            fresh = ops.take(found, rows, axis=0)
            self.book.assign(ops.where(hits[:, None] > 0, self.book, fresh))
        error = ops.mean(ops.square(images - ops.sigmoid(logits)))
        return {"error": error, "perplexity": perplexity(hits)}


# %% [markdown]
# While it trains, `fit` shows the mean squared error per pixel, as lesson 2
# counts it, and how evenly the batch's vectors use the codes: the
# *perplexity*, $\exp$ of the entropy of their shares. It is 64 if all are used
# equally often, and 1 if always the same one is used.

# %%
from digitdreams.progress import Progress


def perplexity(counts):
    counts = ops.cast(counts, "float32")
    shares = counts / ops.sum(counts)
    return ops.exp(-ops.sum(shares * ops.log(shares + 1e-9)))


vq_batch, vq_rate = 128, 0.004


def train_codes(model, parts, steps, title):
    """Train for so many parts of so many steps; return what fit shows."""
    rate = rising_and_falling(vq_rate, parts * steps)
    optimizer = keras.optimizers.Adam(rate, beta_2=0.99)
    model.compile(optimizer, jit_compile=False, steps_per_execution=steps)
    images = data.batches(digits.train.images, vq_batch, seed).repeat()
    options = dict(verbose=0, shuffle=False, callbacks=[Progress(title)])
    counts = dict(epochs=parts, steps_per_epoch=steps)
    return model.fit(images, **counts, **options).history


# %% [markdown]
# Two short trainings show what the cure is for:

# %%
curves = {}
for name, cure in (("with the cure", True), ("without", False)):
    history = train_codes(VQVAE(cure), 12, 8, name)
    curves[name] = history["perplexity"]
plots.curve(curves, "perplexity of the codes", xlabel="8 steps")

# %% [markdown]
# Without it most codes start where no vector of the encoder comes near, and
# stay there. (Others start the codebook with k-means, or look codes up on the
# unit sphere; both help for the same reason.)
#
# ## Training the VQ-VAE
#
# Cheap checks first: the shapes, a gradient for every weight, and a cost near
# 784 ln 2 = 543 nats, because an untrained sigmoid paints everything grey.

# %%
vq = VQVAE()
with tf.GradientTape() as tape:
    found, tokens, logits = vq(digits.train.images[:100])
    each = reconstruction_loss(digits.train.images[:100], logits)
    cost = ops.mean(each)
    loss = cost + sum(vq.losses)
slopes = tape.gradient(loss, vq.trainable_weights)
{
    "vectors": found.shape,
    "tokens": tokens.shape,
    "cost": round(float(cost), 1),
    "every weight has a gradient": all(np.any(one) for one in slopes),
}

# %%
history = train_codes(vq, 16, 40, "VQ-VAE")
plots.curve(
    {"VQ-VAE": history["error"]}, "mean squared error", xlabel="40 steps"
)

# %% [markdown]
# From images to tokens and back:


# %%
quick = {"batch_size": 500, "verbose": 0}


def encode(images):
    """Return the tokens of images: (n, 49)."""
    found = vq.encoder.predict(images, **quick)
    found = nearest(found, vq.book).numpy().reshape(-1, side * side)
    return found.astype("int32")


def decode(tokens):
    """Return the images of tokens (n, 49)."""
    grid = np.reshape(tokens, (-1, side, side))
    logits = vq.decoder.predict(vq.book.numpy()[grid], **quick)
    return ops.sigmoid(logits).numpy()


def squared_error(images, copies):
    return float(np.mean(np.square(images - copies)))


names = "train", "validation", "test"
tokens = {name: encode(getattr(digits, name).images) for name in names}
real = digits.validation.images
rebuilt = decode(tokens["validation"])
plots.panel({"original": real[:12], "VQ-VAE": rebuilt[:12]})

# %%
counts = np.bincount(tokens["train"].ravel(), minlength=code_count)
{
    "error": round(squared_error(real, rebuilt), 4),
    "codes used": int(np.sum(counts > 0)),
    "perplexity": round(float(perplexity(counts)), 1),
    "bits of a picture": 49 * int(np.log2(code_count)),
}

# %% [markdown]
# The autoencoder of lesson 2 keeps 32 numbers of 32 bits each, 1,024 bits, and
# its error is about 0.0065. The tokens reach about the same with 294 bits,
# because each has a place of its own; and a model can choose among 64 tokens
# with a softmax.
#
# What does one token draw? Replace the token in the middle by others. The
# decoder's convolution sees a token's neighbours, so the change reaches a
# little over the patch's border, and no further.

# %%
changed = np.repeat(tokens["validation"][:1], 12, axis=0)
changed[1:, 24] = np.argsort(counts)[-11:]
plots.strip(decode(changed), captions=changed[:, 24])

# %% [markdown]
# **Predict, change, run.** With `code_count = 256` a picture has 49 · 8 bits.
# Will the error halve? Will the tokens be easier or harder to predict? Change
# it at the top of the lesson and run all cells.
#
# ## The pictures as a language
#
# Now forget pixels. There are 55,000 "sentences" of 49 tokens, read row by
# row. As in lesson 11, the chain rule turns the probability of a whole into
# predictions of one token each:
#
# $$\log p(t_1, \dots, t_{49} \mid y) = \sum_{i=1}^{49} \log p(t_i \mid y, t_1,
# \dots, t_{i-1}).$$
#
# $t_i$ is the $i$-th token and $y$ the label. The label comes first, as a
# token of its own: numbers 64 to 73. So the input is the label and the first
# 48 tokens, and the target at each place is the *next* token. This shift by
# one is the whole trick of training a language model, and forgetting it a
# common bug: a model that predicts its own input reaches loss 0 and cannot
# write.


# %%
def sequences(split):
    """Return inputs and targets, both (n, 49)."""
    first = getattr(digits, split).labels[:, None] + code_count
    found = tokens[split]
    return np.concatenate([first, found[:, :-1]], axis=1), found


inputs, targets = sequences("train")
inputs[0, :8], targets[0, :8]

# %% [markdown]
# Two baselines in nats a token. Knowing nothing costs $\ln 64 = 4.16$. Knowing
# how often each token occurs (a *unigram* model, one table for all places)
# costs less, mostly because much of a picture is paper:

# %%
shares = (counts + 1) / (counts + 1).sum()
unigram = float(-np.log(shares)[tokens["validation"]].mean())
{"uniform": round(float(np.log(code_count)), 3), "unigram": round(unigram, 3)}

# %% [markdown]
# ## Attention from dense layers
#
# At each place, the model has to gather what it needs from earlier places.
# *Attention* does that by content. Each place $i$ has a vector $x_i$ and makes
# three others from it with dense layers: a *query* $q_i$ (what am I looking
# for?), a *key* $k_i$ (what do I have?) and a *value* $v_i$ (what do I hand
# over?). With $d$ for the length of a key, place $i$ receives
#
# $$\sum_{j \le i} a_{ij}\, v_j, \qquad a_{ij} = \frac{\exp(q_i \cdot k_j /
# \sqrt d)}{\sum_{l \le i} \exp(q_i \cdot k_l / \sqrt d)}.$$
#
# A weighted mean, with weights from a softmax over the *keys*. The root keeps
# the scores near size 1. Sums run over $j \le i$ only: that is the *causal
# mask*. Several *heads* do this side by side, each with a share of the width,
# so that a place can look for several things.

# %%
width, heads, depth = 64, 4, 3
size = width // heads
places = np.arange(side * side, dtype="int32")
earlier = places <= places[:, None]  # (query, key): may it look?


def split_heads(x):
    """(batch, places, width) to (batch, heads, places, size)."""
    x = ops.reshape(x, (-1, x.shape[1], heads, size))
    return ops.transpose(x, (0, 2, 1, 3))


def attend(queries, keys, values, seen):
    """Return mixed values; `seen` is true where a query may look."""
    scores = ops.matmul(queries, ops.swapaxes(keys, 2, 3)) / size**0.5
    scores = ops.where(seen, scores, -1e9)
    return ops.matmul(ops.softmax(scores, axis=-1), values)


# %% [markdown]
# A hidden place gets the score $-10^9$ *before* the softmax, so its weight is
# exactly 0 and the others still sum to 1.


# %%
class Attention:
    def __init__(self):
        self.layers = [layers.Dense(width, use_bias=False) for _ in range(4)]

    def __call__(self, x, seen, memory=None, place=None):
        *three, output = self.layers
        queries, keys, values = (split_heads(layer(x)) for layer in three)
        if memory:
            new = (places == place)[:, None]
            keys = ops.where(new, keys, memory[0])
            values = ops.where(new, values, memory[1])
        mixed = attend(queries, keys, values, seen)
        mixed = ops.transpose(mixed, (0, 2, 1, 3))
        mixed = ops.reshape(mixed, (-1, x.shape[1], width))
        return output(mixed), (keys, values)


# %% [markdown]
# (`memory` is for the cache; leave it for now.) Is this what everyone uses?
# Keras has a layer,
# [MultiHeadAttention](https://keras.io/api/layers/attention_layers/multi_head_attention/).
# Give it our weights, and the results have to agree:

# %%
attention = Attention()
x = keras.random.normal((2, side * side, width), seed=seed)
ours, _ = attention(x, earlier)
theirs = layers.MultiHeadAttention(heads, size, use_bias=False)
theirs(x, x)
kernels = [one.kernel for one in attention.layers]
shapes = [(width, heads, size)] * 3 + [(heads, size, width)]
theirs.set_weights(list(map(ops.reshape, kernels, shapes)))
for causal in (True, False):
    gap = ops.max(ops.abs(theirs(x, x, use_causal_mask=causal) - ours))
    print(f"use_causal_mask={causal}: largest difference {float(gap):.1e}")

# %% [markdown]
# The second line shows what happens if the option is forgotten: no error, only
# other numbers. Mind the polarity if you pass a mask of your own: Keras
# *attends* where it is 1; some tutorials *hide* where it is 1.
#
# ## The GPT
#
# A *block* is attention followed by two dense layers at each place. Both add
# to what they get, and both normalise their input (*layer normalisation*:
# mean 0 and variance 1 over the 64 numbers of a place, then a learned gain
# and shift). Attention does not know where a place is, so each place has a
# learned vector that is added to its token's.


# %%
class GPT:
    def __init__(self, seen=earlier):
        self.token = layers.Embedding(code_count + 11, width)
        self.place = layers.Embedding(side * side, width)
        self.blocks = [self.block() for _ in range(depth)]
        self.norm = layers.LayerNormalization()
        self.head = layers.Dense(code_count)
        self.seen = seen
        ids = keras.Input((side * side,), dtype="int32")
        self.model = keras.Model(ids, self.read(self.embed(ids, places)))

    def block(self):
        first, second = (layers.LayerNormalization() for _ in range(2))
        wide = layers.Dense(4 * width, activation="relu")
        return first, Attention(), second, wide, layers.Dense(width)

    def embed(self, ids, at):
        """Return a vector for each token and its place."""
        return self.token(ids) + self.place(ops.zeros_like(ids) + at)

    def read(self, x):
        """Return the logits of all places: (batch, 49, codes)."""
        for first, attention, second, wide, narrow in self.blocks:
            x = x + attention(first(x), self.seen)[0]
            x = x + narrow(wide(second(x)))
        return self.head(self.norm(x))


gpt = GPT()
f"{gpt.model.count_params():,} weights"

# %% [markdown]
# ## Causal? A test
#
# Change the token at place 20, as lesson 11 flips a pixel. The logits at
# places 0 to 19 must not move at all, and those from 20 on must.


# %%
def movement(model, place=20):
    """Return how far the logits at each place move: (49,)."""
    one, other = inputs[:1].copy(), inputs[:1].copy()
    other[0, place] = (one[0, place] + 1) % code_count
    moved = ops.abs(model.model(one) - model.model(other))
    return np.asarray(ops.max(moved, axis=(0, 2)))


open_gpt = GPT(seen=True)
for name, model in (("causal", gpt), ("without a mask", open_gpt)):
    moved = movement(model)
    before, after = moved[:20].max(), moved[20:].min()
    print(f"{name}: before {before:.1e}, from 20 on {after:.1e} or more")


# %% [markdown]
# Such a test belongs into every program with a mask: in June 2026 a version of
# Keras under development lost its causal mask for two weeks, and nothing but
# such a test would have said so.
#
# More cheap checks: the first loss is near that of uniform guessing, and a
# gradient reaches every weight, the vectors of the places included.

# %%
with tf.GradientTape() as tape:
    logits = gpt.model(inputs[:64])
    nats = keras.losses.sparse_categorical_crossentropy
    first = ops.mean(nats(targets[:64], logits, from_logits=True))
slopes = tape.gradient(first, gpt.model.trainable_weights)
round(float(first), 2), all(one is not None for one in slopes)

# %% [markdown]
# ## Training the GPT
#
# One pass over 49 places trains 49 predictions at once: *teacher forcing*. The
# mask makes that honest. One label in ten is replaced by one more token, 74,
# which means "no label": guidance, below, needs it. Plain classification, so
# `fit` will do.

# %%
gpt_batch, gpt_rate, gpt_steps = 32, 0.004, 1600

unknown = np.random.default_rng(seed).uniform(size=len(inputs)) < 0.1
inputs[unknown, 0] = code_count + 10
optimizer = keras.optimizers.Adam(
    rising_and_falling(gpt_rate, gpt_steps), beta_2=0.98
)
gpt.model.compile(
    optimizer,
    keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    jit_compile=False,
    steps_per_execution=20,
)
options = dict(verbose=0, shuffle=False, callbacks=[Progress("GPT")])
pairs = data.batches((inputs, targets), gpt_batch, seed).repeat()
history = gpt.model.fit(
    pairs, epochs=8, steps_per_epoch=gpt_steps // 8, **options
).history
plots.curve(
    {"GPT": history["loss"]},
    "nats a token",
    xlabel="eighth of the training",
    bar=round(unigram, 2),
    bar_name="unigram",
)


# %%
def nats_a_token(split):
    """Return the mean cost of a token by place, in nats: (49,)."""
    given, wanted = sequences(split)
    logits = gpt.model.predict(given, **quick)
    return np.mean(nats(wanted, logits, from_logits=True), axis=0)


by_place = nats_a_token("validation")
plots.strip(by_place.reshape(1, side, side) / np.log(code_count))
{
    "uniform": round(float(np.log(code_count)), 3),
    "unigram": round(unigram, 3),
    "GPT": round(float(by_place.mean()), 3),
    "GPT, a picture": round(float(by_place.sum()), 1),
}

# %% [markdown]
# These are nats of *tokens*. They cannot be set beside the nats of pixels of
# lessons 3 and 11: the tokens do not determine the pixels, and another
# VQ-VAE has another language. With two codes everything would be easy to
# predict, and nothing could be drawn.
#
# ## From logits to a token
#
# Drawing from the softmax is right if the model is. A model that is not quite
# right gives a little probability to many bad tokens, and 49 draws find some.
# Three settings cut them off, at the cost of variety:
#
# - *temperature* $T$: softmax of logits divided by $T$. Below 1 the likely
#   gets likelier.
# - *top-k*: only the $k$ most likely tokens.
# - *top-p*: the smallest set of most likely tokens whose probabilities reach
#   $p$. The token that crosses $p$ belongs to it.


# %%
def filtered(logits, temperature=1.0, top_k=code_count, top_p=1.0):
    """Return the probabilities to draw from: (batch, codes)."""
    chances = ops.softmax(logits / temperature)
    ordered = ops.flip(ops.sort(chances, axis=-1), axis=-1)
    larger = ops.cumsum(ordered, axis=-1) - ordered  # mass before each
    inside = (larger < top_p) & (np.arange(code_count) < top_k)
    least = ops.min(ops.where(inside, ordered, 1.0), axis=-1, keepdims=True)
    chances = ops.where(chances >= least, chances, 0.0)
    return chances / ops.sum(chances, axis=-1, keepdims=True)


def draw(chances, uniform):
    """Return the first token at which the chances added up reach u."""
    reached = ops.cumsum(chances, axis=-1)
    below = reached < uniform[:, None] * reached[:, -1:]
    return ops.sum(ops.cast(below, "int32"), axis=-1)


# %%
row = np.full((1, code_count), -30.0, "float32")
row[0, :4] = np.log([0.4, 0.3, 0.2, 0.1])
for options in ({}, {"temperature": 0.5}, {"top_k": 2}, {"top_p": 0.5}):
    print(options, np.round(filtered(row, **options)[0, :4], 2))

# %% [markdown]
# With 0.5 for top-p, 0.4 is not enough, so the second token stays. And why
# draw at all, why not take the most likely token each time (*argmax*, or
# *greedy* decoding)? Then every label has one picture.
#
# ## The KV cache
#
# A sampler asks 49 times. The simple way reads the whole sequence each time:


# %%
def pick(logits, uniform, *options):
    return draw(filtered(logits, *options), uniform)


@tf.function(jit_compile=True)
def write_slowly(labels, uniforms):
    """Return tokens (batch, 49), drawn one after the other."""
    ids = labels[:, None] + code_count + tf.zeros_like(places)
    token = labels
    for place in tf.range(side * side):
        logits = gpt.model(ids)
        token = pick(logits[:, place], uniforms[:, place])
        ids = ops.where(places == place + 1, token[:, None], ids)
    return tf.concat([ids[:, 1:], token[:, None]], axis=1)


# %% [markdown]
# But under a causal mask, keys and values of earlier places never change. Keep
# them in an array with room for 49, and a step computes *one* place: its query
# looks at all keys so far.


# %%
def step(token, place, memory):
    """Return the logits after one token, and the new memory."""
    x, kept = gpt.embed(token[:, None], place), []
    for block, before in zip(gpt.blocks, memory, strict=True):
        first, attention, second, wide, narrow = block
        mixed, after = attention(first(x), places <= place, before, place)
        x = x + mixed
        x = x + narrow(wide(second(x)))
        kept.append(after)
    return gpt.head(gpt.norm(x))[:, 0], kept


def empty_memory(uniforms):
    room = ops.zeros((1, heads, side * side, size))
    room = room * uniforms[:, :1, None, None]
    return [(room, room)] * depth


@tf.function(jit_compile=True)
def write(labels, uniforms):
    """Return tokens (batch, 49), drawn with a cache."""
    token, memory = labels + code_count, empty_memory(uniforms)
    written = tf.zeros_like(uniforms, "int32")
    for place in tf.range(side * side):
        logits, memory = step(token, place, memory)
        token = pick(logits, uniforms[:, place])
        written = ops.where(places == place, token[:, None], written)
    return written


# %% [markdown]
# A cache may change the time and nothing else. Test sequences, token by token
# with the cache against all at once, at every place:

# %%
given = tf.constant(sequences("test")[0][:200])
memory, by_step = empty_memory(tf.zeros((200, 1))), []
for place in places:
    logits, memory = step(given[:, place], place, memory)
    by_step.append(logits)
gaps = ops.abs(ops.stack(by_step, axis=1) - gpt.model(given))
cache_error = float(ops.max(gaps))
f"largest difference of 200 x 49 x {code_count} logits: {cache_error:.1e}"

# %% [markdown]
# The common mistake is a position that restarts: `gpt.embed(token, 0)`, so
# that every token seems to stand at place 0. **Predict, change, run:** make
# the mistake in `step`. At which places do the logits still agree?
#
# The time for 50 pictures, in turns, five times each, after a first run that
# only compiles. (Half of what `write_slowly` computes lies behind the place
# that it asks for. An array that grows would spare it that, and no more.)

# %%
import time

few = tf.constant(np.arange(50, dtype="int32") % 10)
uniforms = keras.random.uniform((50, side * side), seed=seed)
same = np.mean(write(few, uniforms) == write_slowly(few, uniforms))


def seconds(function):
    start = time.perf_counter()
    function(few, uniforms).numpy()
    return time.perf_counter() - start


turns = [(seconds(write_slowly), seconds(write)) for _ in range(5)]
ratios = [slow / fast for slow, fast in turns]
print(f"{same:.1%} of the tokens agree")
print(f"times faster: {min(ratios):.1f} to {max(ratios):.1f}")

# %% [markdown]
# Training needs no cache: there all tokens are known, and all places are
# computed at once. This is the asymmetry of autoregressive models.
#
# ## Guidance
#
# The label is one token among 49, and a small model does not follow it well
# enough. *Classifier-free guidance* (Ho and Salimans, 2022) asks the same
# model twice, with the label $y$ and without one:
#
# $$\ell = \ell_y + w\,(\ell_y - \ell_\varnothing).$$
#
# $\ell_y$ and $\ell_\varnothing$ are the logits with and without the label,
# and $w$ is the *guidance scale*. Tokens that the label makes likelier get
# likelier still. At $w = 0$ nothing changes. Both sequences receive the token
# that was drawn, and everything is computed twice.


# %%
@tf.function(jit_compile=True)
def write_guided(labels, uniforms, guidance, *options):
    """Return tokens (batch, 49); the label counts more with guidance."""
    token = tf.concat([labels, 10 + 0 * labels], axis=0) + code_count
    memory = empty_memory(tf.concat([uniforms, uniforms], axis=0))
    written = tf.zeros_like(uniforms, "int32")
    for place in tf.range(side * side):
        logits, memory = step(token, place, memory)
        told, untold = tf.split(logits, 2)
        logits = told + guidance * (told - untold)
        token = pick(logits, uniforms[:, place], *options)
        written = ops.where(places == place, token[:, None], written)
        token = tf.concat([token, token], axis=0)
    return written


def samples(labels, guidance, temperature=1.0, top_k=code_count, top_p=1.0):
    """Return images of the labels, drawn by the GPT."""
    options = map(tf.constant, (guidance, temperature, top_k, top_p))
    options, rng, written = list(options), np.random.default_rng(seed), []
    for part in np.split(labels, max(1, len(labels) // 500)):
        uniforms = rng.uniform(size=(len(part), side * side))
        uniforms = tf.constant(uniforms, "float32")
        written.append(write_guided(tf.constant(part), uniforms, *options))
    return decode(np.concatenate(written))


# %% [markdown]
# ## Samples

# %%
guidance, temperature = 0.5, 0.9
columns = np.tile(np.arange(10, dtype="int32"), 8)
plots.grid(samples(columns, guidance, temperature))

# %% [markdown]
# How much does each setting cost? Label accuracy and recall of 1,000 samples,
# with validation images as the real ones. (Our guidance of 0.5 and temperature
# of 0.9 were chosen on validation images with a small classifier of our own.)

# %%
from digitdreams import judge, metrics

asked = np.tile(np.arange(10, dtype="int32"), 100)
settings = {
    "all as it is": (0.0, 1.0),
    "temperature 0.7": (0.0, 0.7),
    "top-k 8": (0.0, 1.0, 8),
    "top-p 0.9": (0.0, 1.0, code_count, 0.9),
    "guidance 0.5": (0.5, 1.0),
    "guidance 2": (2.0, 1.0),
    "ours": (guidance, temperature),
}
for name, options in settings.items():
    images = samples(asked, *options)
    verdicts = judge.probabilities(images)
    report = judge.report(images, real=digits.validation.images)
    accuracy = metrics.label_accuracy(verdicts, asked)
    print(f"{name:16} accuracy {accuracy:.3f}  recall {report.recall:.3f}")

# %% [markdown]
# Each setting raises accuracy, guidance most of all; much of any of them costs
# recall. **Predict, change, run:** what will temperature 2 do to both? Add a
# row.
#
# ## A good VQ-VAE with a weak prior
#
# A model of tokens is called the *prior* of the VQ-VAE. Here are four priors
# for the same decoder: uniform tokens; tokens as often as in the training set;
# the same for each place by itself; and the GPT.

# %%
rng = np.random.default_rng(seed)
train_tokens = tokens["train"]
each_place = rng.integers(len(train_tokens), size=(12, side * side))
priors = {
    "uniform": rng.integers(code_count, size=(12, side * side)),
    "unigram": rng.choice(train_tokens.ravel(), (12, side * side)),
    "by place": np.take_along_axis(train_tokens, each_place, axis=0),
}
rows = {name: decode(found) for name, found in priors.items()}
plots.panel(rows | {"GPT": samples(columns[:12], guidance, temperature)})

# %% [markdown]
# The reconstructions are the same in all four cases: excellent. A decoder
# draws well what encoders say; whether something sensible is said depends on
# the prior. "My VQ-VAE reconstructs perfectly and my samples are garbage" is
# a sentence from many a forum, and this is the answer.
#
# ## The bridge to language models
#
# What would have to change for text? The vocabulary, and nothing else: 50,000
# word pieces instead of 64 codes, and a longer sequence. Shift, mask, blocks,
# cache, temperature and top-p are those of the large language models; so is
# the loss. And what would let *one* model do both? One vocabulary with both
# kinds of tokens: then a caption can stand where our label stands, and the
# pictures continue the sentence. Image GPT, DALL-E and Parti are such models.

# %% [markdown]
# ## Measuring
#
# 5,000 samples, 500 of each digit, against test images:

# %%
asked = np.tile(np.arange(10, dtype="int32"), 500)
best = samples(asked, guidance, temperature)
verdicts = judge.probabilities(best)
plots.confusion(asked, verdicts.argmax(axis=1))

# %%
report = judge.report(best)
report

# %% [markdown]
# The generator is kept for later lessons as one network from noise and label
# to an image. Normal noise becomes uniform by the normal distribution
# function, so each picture follows from its 49 numbers.

# %%
from digitdreams import models
from digitdreams.models.tokens import token_generator

parts = [gpt.token, gpt.place]
for first, attention, *rest in gpt.blocks:
    parts += [first, *attention.layers, *rest]
parts += [gpt.norm, gpt.head]
weights = [one for part in parts for one in part.get_weights()]
parts = weights, heads, vq.book, vq.decoder
generator = token_generator(*parts, temperature, guidance)
[file.name for file in models.save_all({"VQ-GPT": generator}, "12")]

# %%
copies = decode(tokens["test"])
course.expect(
    label_accuracy=metrics.label_accuracy(verdicts, asked),
    fid_over_floor=report.fid / report.fid_floor,
    reconstruction_error=squared_error(digits.test.images, copies),
    nats_a_token=nats_a_token("test").mean(),
    cache_error=cache_error,
    times_faster=float(np.median(ratios)),
)

# %% [markdown]
# ## What to remember
#
# 1. A VQ-VAE chooses the nearest code; the gradient goes straight through the
#    choice, a commitment cost keeps both sides together, and dead codes have
#    to be revived.
# 2. A GPT predicts the next token at all places at once. Its causal mask is
#    tested by changing a later token: earlier logits may not move.
# 3. A KV cache changes the time and nothing else; temperature, top-k and top-p
#    trade variety for fewer mistakes; a weak prior wastes a good decoder.
#
# ## Asked in interviews
#
# <details><summary>How does a gradient pass the argmin of a
# VQ-VAE?</summary>
#
# It does not. The straight-through estimator copies the decoder's gradient to
# the encoder: z + stop_gradient(q - z). A commitment cost keeps z and q close,
# so that the copy is about right.
# </details>
#
# <details><summary>Reconstructions are perfect, samples are garbage. What do
# you look at?</summary>
#
# The prior. Compare its nats a token with the unigram baseline on validation
# images, and check mask, shift and cache. The decoder is innocent.
# </details>
#
# <details><summary>How do you show that a mask is causal?</summary>
#
# Change the input at one place; logits at earlier places must stay the same to
# the last bit. Or compute the gradients: all above the diagonal is 0.
# </details>
#
# <details><summary>Why is there a cache of keys and values and none of
# queries?</summary>
#
# A new place asks once, with its own query. Old places are asked for their
# keys and values again and again; their queries are never needed any more.
# </details>
#
# <details><summary>Temperature 0.7 raised label accuracy. Is the model better
# now?</summary>
#
# No. It draws the likelier tokens more often, so variety (recall) falls. The
# likelihood of test images says what the model knows, and is measured at
# temperature 1.
# </details>
#
# ## To read
#
# - Van den Oord, Vinyals and Kavukcuoglu, [Neural discrete representation
#   learning](https://arxiv.org/abs/1711.00937), 2017: the VQ-VAE.
# - Razavi, van den Oord and Vinyals, [Generating diverse high-fidelity images
#   with VQ-VAE-2](https://arxiv.org/abs/1906.00446), 2019.
# - Vaswani and others, [Attention is all you
#   need](https://arxiv.org/abs/1706.03762), 2017.
# - Holtzman and others, [The curious case of neural text
#   degeneration](https://arxiv.org/abs/1904.09751), 2019: top-p.
# - Ho and Salimans, [Classifier-free diffusion
#   guidance](https://arxiv.org/abs/2207.12598), 2022.
# - Esser, Rombach and Ommer, [Taming transformers for high-resolution image
#   synthesis](https://arxiv.org/abs/2012.09841), 2020.
# - Ramesh and others, [Zero-shot text-to-image
#   generation](https://arxiv.org/abs/2102.12092), 2021: DALL-E.
#
# ## Next
#
# In [exercise
# 12](../exercises/12_pictures_as_tokens/12_pictures_as_tokens.ipynb) you write
# these parts and repair three programs. The lesson on diffusion draws all
# places of a picture at once, in many small steps.
