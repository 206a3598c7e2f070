# %% [markdown]
# # 12. Pictures as tokens
#
# A language model writes text as a sequence of *tokens*, whole numbers from a
# fixed vocabulary. In this lesson a picture becomes such a sequence. A VQ-VAE
# turns each digit into 49 tokens and back, and a small GPT learns to write
# them one after another, beginning with the label. With another vocabulary the
# same program writes text.
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
# 11](11_one_pixel_at_a_time.ipynb)). **Time:** about 45 minutes to read, three
# minutes of machine time on two CPU cores.

# %%
from digitdreams import course

seed = course.start("12")

# %% [markdown]
# ## The picture first
#
# Cut a digit into 7 x 7 patches of 4 x 4 pixels. Now allow only 64 different
# patches, found by *k-means*: assign each patch to the nearest of 64 centres,
# move each centre to the mean of its patches, and repeat. Replace each patch
# by its centre. What is left of the digit is 49 numbers from 0 to 63.

# %%
import numpy as np

from digitdreams import data, plots
from digitdreams.models.tokens import by_k_means

digits = data.load()
side, code_count = 7, 64
some = digits.train.images[:5000]
found, copies = by_k_means(some, side, code_count, seed)
plots.panel({"original": some[:12], "64 patches": copies[:12]})

# %% [markdown]
# The tokens of the first digit, each at its place:

# %%
found[0]

# %% [markdown]
# This is *vector quantisation*: a vector is replaced by the nearest of a few
# vectors, the *codebook*. The copies show their seams, because each patch is
# chosen and drawn without its neighbours. A network improves both the choice
# and the drawing. That is the VQ-VAE, the vector-quantised variational
# autoencoder (van den Oord and others, 2017):

# %%
vq_stages = [("image\n28 x 28", 28), ("encoder\n7 x 7 x 8", 14)]
vq_stages += [("tokens\n7 x 7", 12), ("codebook\n7 x 7 x 8", 14)]
vq_stages += [("decoder\n7 x 7 x 64", 20), ("image\n28 x 28", 28)]
gpt_stages = [("label +\n48 tokens", 10), ("vectors\n49 x 64", 10)]
gpt_stages += [("3 blocks\n49 x 64", 10), ("64 logits\na place", 10)]
plots.stages({"VQ-VAE": vq_stages, "GPT": gpt_stages})

# %% [markdown]
# Above, a picture becomes tokens and a picture again. Below, the model that
# writes tokens.
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
# sg, *stop gradient*, is the identity forward and has the derivative 0. So $z$
# has the value of $z_q$, and its gradient passes to $z_e$ unchanged.

# %%
import tensorflow as tf


def straight_through(found, chosen):
    return found + ops.stop_gradient(chosen - found)


small_book = tf.constant([[0.0, 0.0], [1.0, 0.0], [4.0, 4.0]])
found = tf.constant([[0.2, 0.1], [0.9, -0.3], [2.0, 3.0]])
with tf.GradientTape(persistent=True) as tape:
    tape.watch(found)
    chosen = ops.take(small_book, nearest(found, small_book), axis=0)
    passed = ops.sum(ops.square(straight_through(found, chosen)))
print("plain choice:", tape.gradient(chosen, found))
print("straight through:", tape.gradient(passed, found).numpy().tolist())

# %% [markdown]
# `None` means that no gradient comes through the choice. The derivative of a
# square $z^2$ is $2z$, so on the other line you see twice the *chosen*
# vectors: the decoder's gradient is taken where the decoder was, and handed to
# the encoder.
#
# That is right only if $z_e$ and $z_q$ are close. Two more terms see to it:
#
# $$L = C(x, \hat x) + \lambda\,\bigl(\|\text{sg}(z_e) - z_q\|^2 + \beta\,\|z_e
# - \text{sg}(z_q)\|^2\bigr).$$
#
# $x$ is the image, $\hat x$ its copy and $C$ the reconstruction cost of lesson
# 3 in nats; the squares are summed over the 49 places, and $\lambda$ and
# $\beta$ are weights (`code_weight` and `commitment` below). The second term
# moves the *code* to the vectors that chose it, and no other term does: the
# straight-through gradient bypasses the codebook. The third, the *commitment*
# cost, keeps the *encoder* near the code that it chose. Many programs replace
# the second term by an exponential moving average (EMA) of those vectors,
# which is k-means batch by batch.
#
# Encoder and decoder are small convolutional networks, like those of [lesson
# 5](05_gan.ipynb). The first layer reads one patch at a time, and the last one
# paints one patch at a time: their kernels are as large as their strides. The
# 3 x 3 convolutions between them see neighbours.
#
# ## Dead codes
#
# A code that is nearest to no vector gets no gradient. It stays where it is,
# usually unused for ever: it is *dead*. The remedy: a code that was not chosen
# in a batch is placed on one of the batch's own vectors.


# %%
from digitdreams.models import reconstruction_loss, rising_and_falling
from digitdreams.models.tokens import build_decoder, build_encoder, perplexity

code_size, code_weight, commitment = 8, 10.0, 0.25


class VQVAE(keras.Model):
    def __init__(self):
        super().__init__()
        self.encoder = build_encoder(code_size)
        self.decoder = build_decoder(code_size)
        self.book = self.add_weight((code_count, code_size), "random_normal")
        self.random = keras.random.SeedGenerator(seed)

    def call(self, images):
        """Return what the encoder found, tokens, logits, and the loss."""
        found = self.encoder(images)  # (batch, 7, 7, 8)
        tokens = nearest(found, self.book)
        chosen = ops.take(self.book, tokens, axis=0)
        logits = self.decoder(straight_through(found, chosen))
        book = ops.square(ops.stop_gradient(found) - chosen)
        commit = ops.square(found - ops.stop_gradient(chosen))
        far = ops.sum(book + commitment * commit, axis=(1, 2, 3))
        loss = reconstruction_loss(images, logits) + code_weight * far
        return found, tokens, logits, ops.mean(loss)

    def train_step(self, images):
        with tf.GradientTape() as tape:
            found, tokens, _, loss = self(images)
        weights = self.trainable_weights
        self.optimizer.apply(tape.gradient(loss, weights), weights)
        hits = ops.bincount(ops.reshape(tokens, (-1,)), minlength=code_count)
        found = ops.reshape(found, (-1, code_size))
        fresh = keras.random.shuffle(found, seed=self.random)[:code_count]
        self.book.assign(ops.where(hits[:, None] > 0, self.book, fresh))
        return {"loss": loss, "perplexity": perplexity(hits)}


# %% [markdown]
# While it trains, `fit` shows how evenly a batch's vectors use the codes: the
# *perplexity*, $\exp$ of the entropy of their shares. It is 64 if all are used
# equally often, and 1 if always the same one is used. The learning rate rises
# and falls, as in lesson 11.

# %%
from digitdreams.progress import Progress


def train(model, examples, batch_size, rate, steps, title, loss=None):
    """Train for so many steps; return what fit showed at each eighth."""
    adam = keras.optimizers.Adam(rising_and_falling(rate, steps), beta_2=0.98)
    model.compile(adam, loss, jit_compile=False, steps_per_execution=10)
    batches = data.batches(examples, batch_size, seed).repeat()
    options = dict(verbose=0, shuffle=False, callbacks=[Progress(title)])
    counts = dict(epochs=8, steps_per_epoch=steps // 8)
    return model.fit(batches, **counts, **options).history


# %% [markdown]
# ## Training the VQ-VAE
#
# Cheap checks first: the shapes, a gradient for every weight of encoder and
# decoder, and a cost near 784 ln 2 = 543 nats, because the logits of an
# untrained decoder are near 0, which is grey.

# %%
vq, images = VQVAE(), digits.train.images
with tf.GradientTape() as tape:
    found, tokens, logits, _ = vq(images[:100])
    cost = ops.mean(reconstruction_loss(images[:100], logits))
slopes = tape.gradient(cost, vq.encoder.weights + vq.decoder.weights)
print("shapes:", found.shape, tokens.shape, f"cost: {float(cost):.1f}")
print("a gradient for every weight:", all(map(np.any, slopes)))

# %%
history = train(vq, images, 128, 0.004, 640, "VQ-VAE")
plots.curve({"VQ-VAE": history["loss"]}, "loss", xlabel="80 steps")

# %% [markdown]
# From images to tokens and back:


# %%
quick = {"batch_size": 500, "verbose": 0}


def encode(images):
    parts = np.split(images, len(images) // 1000)  # to save memory
    found = [nearest(vq.encoder(part), vq.book) for part in parts]
    return np.reshape(found, (len(images), -1)).astype("int32")  # (n, 49)


def decode(tokens):
    vectors = vq.book.numpy()[np.reshape(tokens, (-1, side, side))]
    return ops.sigmoid(vq.decoder.predict(vectors, **quick)).numpy()


tokens = {one: encode(getattr(digits, one).images) for one in digits._fields}
real, rebuilt = digits.validation.images, decode(tokens["validation"])
plots.panel({"original": real[:12], "VQ-VAE": rebuilt[:12]})

# %%
counts = np.bincount(tokens["train"].ravel(), minlength=code_count)
print(f"mean squared error {np.square(real - rebuilt).mean():.4f}")
print(f"{np.sum(counts > 0)} codes, perplexity {perplexity(counts):.1f}")

# %% [markdown]
# The autoencoder of lesson 2 keeps 32 numbers of 32 bits each, 1,024 bits, and
# its error is about 0.0065. The tokens reach about the same with 49 · 6 = 294
# bits. (The comparison flatters them: the last digits of 32 bits hold next to
# nothing.) What matters here is that a model can choose among 64 tokens with a
# softmax.
#
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
# 48 tokens, and the target at each place is the *next* token. A language model
# is trained by this shift, and to forget it is a common bug: a model that
# predicts its own input reaches a loss near 0 and cannot write.


# %%
def sequences(split):
    """Return inputs and targets, both (n, 49)."""
    found, labels = tokens[split], getattr(digits, split).labels[:, None]
    return np.concatenate([code_count + labels, found[:, :-1]], axis=1), found


inputs, targets = sequences("train")
inputs[0, :8], targets[0, :8]

# %% [markdown]
# Two baselines in nats a token. Knowing nothing costs $\ln 64 = 4.16$. Knowing
# how often each token occurs (a *unigram* model, one table for all places)
# costs less, because some tokens are far more frequent than others:

# %%
shares = (counts + 1) / (counts + 1).sum()
unigram = float(-np.log(shares)[tokens["validation"]].mean())
print(f"uniform {np.log(code_count):.3f}, unigram {unigram:.3f}")

# %% [markdown]
# ## Attention from dense layers
#
# At each place, the model has to gather what it needs from earlier places.
# *Attention* does that by content. Each place $i$ has a vector $x_i$ and makes
# three others from it with dense layers: a *query* $q_i$ (what am I looking
# for?), a *key* $k_i$ (what do I have?) and a *value* $v_i$ (what do I hand
# over?). With $d$ for the size of a key, place $i$ receives
#
# $$\sum_{j \le i} a_{ij}\, v_j, \qquad a_{ij} = \frac{\exp(q_i \cdot k_j /
# \sqrt d)}{\sum_{l \le i} \exp(q_i \cdot k_l / \sqrt d)}.$$
#
# This is a weighted mean, and its weights $a_{ij}$ are a softmax over the
# *keys*. Dividing by $\sqrt d$ keeps the scores $q_i \cdot k_j$ near size 1.
# Sums run over $j \le i$ only: that is the *causal mask*. A place may see
# itself, like mask B of lesson 11, because its input is the token *before* its
# target. Several *heads* do this side by side, each with a share of the width,
# so that a place can look for several things.

# %%
width, heads, size, depth = 64, 4, 16, 3  # width = heads * size
places = np.arange(side * side, dtype="int32")
earlier = places <= places[:, None]  # (query, key): may it look?


def attend(queries, keys, values, seen):  # (batch, places, heads, size)
    scores = ops.einsum("bqhd,bkhd->bhqk", queries, keys) / size**0.5
    weights = ops.softmax(ops.where(seen, scores, -1e9), axis=-1)
    return ops.einsum("bhqk,bkhd->bqhd", weights, values)


# %% [markdown]
# A hidden place gets the score $-10^9$ *before* the softmax, so its weight is
# exactly 0 and the others still sum to 1.
#
# Keras has a layer for it,
# [MultiHeadAttention](https://keras.io/api/layers/attention_layers/multi_head_attention/),
# with `use_causal_mask=True`; forget the option, and nothing complains. Mind
# the polarity of a mask of your own: Keras *attends* where it is 1; some
# tutorials *hide* where it is 1.
#
# ## The GPT
#
# GPT stands for generative pre-trained transformer, and a transformer is a
# stack of *blocks*. A block is attention followed by two dense layers at each
# place. Both add to what they get (a *residual connection*), and both
# normalise their input (*layer normalisation*: mean 0 and variance 1 over the
# 64 numbers of a place, then a learned gain and shift). Attention does not
# know where a place is, so each place has a learned vector that is added to
# its token's.


# %%
class Block(layers.Layer):
    def __init__(self):
        super().__init__()
        self.norms = [layers.LayerNormalization() for _ in range(2)]
        self.maps = [layers.Dense(width, use_bias=False) for _ in range(4)]
        self.wide = layers.Dense(4 * width, activation="relu")
        self.narrow = layers.Dense(width)

    def call(self, x, seen, at, memory=None):
        shape, y = (-1, x.shape[1], heads, size), self.norms[0](x)
        three = [ops.reshape(one(y), shape) for one in self.maps[:3]]
        if memory is not None:  # put the new key and value into their place
            new = (places == at)[:, None, None]
            three[1:] = map(ops.where, (new, new), three[1:], memory)
        x = x + self.maps[3](ops.reshape(attend(*three, seen), ops.shape(x)))
        return x + self.narrow(self.wide(self.norms[1](x))), three[1:]


class GPT(keras.Model):
    def __init__(self):
        super().__init__()
        self.token = layers.Embedding(code_count + 11, width)
        self.place = layers.Embedding(side * side, width)
        self.blocks = [Block() for _ in range(depth)]
        self.norm = layers.LayerNormalization()
        self.head = layers.Dense(code_count)

    def read(self, ids, at, seen, memories=(None,) * depth):
        """Return logits (batch, places, codes) and each block's memory."""
        x, kept = self.token(ids) + self.place(at), []
        for block, memory in zip(self.blocks, memories, strict=True):
            x, memory = block(x, seen=seen, at=at, memory=memory)
            kept.append(memory)
        return self.head(self.norm(x)), kept

    def call(self, ids):
        return self.read(ids, places, earlier)[0]


# %% [markdown]
# (`memory` and the 75th token come later.) A cheap check: untrained logits are
# random, so the first loss lies above the 4.16 of uniform guessing, by less
# than 1.

# %%
gpt, nats = GPT(), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
first = float(nats(targets[:64], gpt(inputs[:64])))
print(f"{gpt.count_params():,} weights, first loss {first:.2f} nats")

# %% [markdown]
# ## Causal? A test
#
# Change the token at place 20, as lesson 11 flips a pixel. The logits at
# places 0 to 19 must not move at all, and those from 20 on must.


# %%
def movement(seen, place=20):
    one, other = inputs[:1], inputs[:1] + (places == place)
    one, other = (gpt.read(ids, places, seen)[0] for ids in (one, other))
    return np.asarray(ops.max(abs(one - other), axis=(0, 2)))  # (49,)


for name, seen in (("causal", earlier), ("without a mask", earlier | True)):
    before, after = np.split(movement(seen), [20])
    print(f"{name}: before {before.max():.1e}, from 20 on {after.min():.1e}")


# %% [markdown]
# Such a test belongs in every program with a mask. In June 2026 the
# development version of Keras ignored the causal mask for two weeks, without
# an error message
# ([keras#23038](https://github.com/keras-team/keras/issues/23038)).
#
# ## Training the GPT
#
# The inputs are the true tokens, not the model's own (*teacher forcing*), so
# one pass trains 49 predictions at once. The mask keeps that honest. One label
# in ten is replaced by one more token, 74, which means "no label": guidance,
# below, needs it.

# %%
unknown = np.random.default_rng(seed).uniform(size=len(inputs)) < 0.1
inputs[unknown, 0] = code_count + 10
history = train(gpt, (inputs, targets), 32, 0.004, 1600, "GPT", nats)
plots.curve({"GPT": history["loss"]}, "nats a token", xlabel="200 steps")


# %%
def nats_a_token(split):  # the mean cost at each place: (49,)
    given, wanted = sequences(split)
    return np.mean(nats.call(wanted, gpt.predict(given, **quick)), axis=0)


by_place = nats_a_token("validation")
print(f"GPT: {by_place.mean():.3f} nats a token, unigram {unigram:.3f}")
surprise = np.kron(by_place.reshape(side, side), np.ones((4, 4)))
plots.strip([images.mean(axis=0)[..., 0], surprise / by_place.max()])

# %% [markdown]
# Left the mean training image, right the *map of nats*: brighter where a token
# costs more. Corners, nearly always paper, cost little, and the middle costs
# most. The bottom row costs less than the top row: by then most of the digit
# is known.
#
# These are nats of *tokens*. They cannot be set beside the nats of pixels of
# lessons 3 and 11: the tokens do not determine the pixels, and another VQ-VAE
# has another language. With two codes the tokens would be easy to predict, and
# little could be drawn.
#
# ## From logits to a token
#
# Drawing from the softmax is right if the model is. A model that is not quite
# right gives a little probability to many bad tokens, and 49 draws find some.
# Three settings make them rarer or cut them off, at the cost of variety:
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


# %%
row = np.full((1, code_count), -30.0, "float32")
row[0, :4] = np.log([0.4, 0.3, 0.2, 0.1])
for options in ({}, {"temperature": 0.5}, {"top_k": 2}, {"top_p": 0.5}):
    print(options, np.round(filtered(row, **options)[0, :4], 2))

# %% [markdown]
# With 0.5 for top-p, 0.4 is not enough, so the second token stays. And why
# draw at all, why not take the most likely token each time (*argmax*, or
# *greedy* decoding)? Then each label has only one picture.
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
# likelier still. At $w = 0$ nothing changes. (Many programs call $1 + w$ the
# scale.) Both sequences stand in one batch, first all with a label, then all
# without, and both receive the token that was drawn. As in lesson 11, one
# uniform number decides each draw: `pick` takes the first token at which the
# sum of the probabilities reaches it.


# %%
def pick(logits, uniform, guidance, *options):  # one token for both rows
    told, untold = tf.split(logits, 2)
    chances = filtered(told + guidance * (told - untold), *options)
    reached = ops.cumsum(chances, axis=-1)
    below = reached < uniform[:, None] * reached[:, -1:]
    return tf.tile(ops.sum(ops.cast(below, "int32"), axis=-1), [2])


# %% [markdown]
# ## The KV cache
#
# A sampler asks 49 times. The simple way reads the whole sequence each time.
# But under a causal mask, keys and values of earlier places never change. A
# *KV cache* keeps these keys and values, in an array with room for 49. Then a
# step computes *one* place, whose query looks at all keys so far.


# %%
def empty(rows):  # memories with room for all places
    return [[tf.zeros((rows, side * side, heads, size))] * 2] * depth


@tf.function(jit_compile=True)
def write(cached, labels, uniforms, guidance, *options):
    """Return tokens (batch, 49), drawn one after the other."""
    token = tf.concat([labels, 10 + 0 * labels], axis=0) + code_count
    ids, memories = token[:, None] + 0 * places, empty(token.shape[0])
    for at in tf.range(side * side):
        if cached:
            now = token[:, None], at, places <= at
            logits, memories = gpt.read(*now, memories)
        else:
            logits = gpt(ids)[:, at, None]
        token = pick(logits[:, 0], uniforms[:, at], guidance, *options)
        ids = ops.where(places == at + 1, token[:, None], ids)
    return tf.concat([ids[:, 1:], token[:, None]], 1)[: labels.shape[0]]


# %% [markdown]
# A cache may change the time and nothing else. Compare the logits of 200
# sequences, token by token with the cache and all at once without it:

# %%
given, memories, by_step = sequences("test")[0][:200], empty(200), []
for at in places:
    now = given[:, at, None], at, places <= at
    logits, memories = gpt.read(*now, memories)
    by_step.append(logits)
cache_error = float(ops.max(abs(ops.concatenate(by_step, 1) - gpt(given))))
print(f"largest difference of 200 x 49 x 64 logits: {cache_error:.1e}")

# %% [markdown]
# The common mistake is a position that restarts, so that every token seems to
# stand at place 0. **Predict, change, run:** make the mistake in `GPT.read`,
# with `self.place(0 * at if memories[0] else at)`. At which places do the
# logits still agree? (`gpt` keeps its old class: put a new, untrained `GPT()`
# in its place for the test.)
#
# The time for 50 pictures, five times each in turns, after a first run that
# also compiles. (The simple way always computes 49 places, about half of them
# behind the one it needs; a growing sequence would save at most that half.)
# The two compiled programs round differently: rarely, a draw on the border
# between two tokens falls the other way, and that picture goes on differently.

# %%
from timeit import timeit

asked = tf.constant(np.arange(1000, dtype="int32") % 10)
uniforms = keras.random.uniform((1000, side * side), seed=seed)
job = asked[:50], uniforms[:50], 0.5
same = np.mean(write(True, *job) == write(False, *job))
print(f"{same:.1%} of the tokens agree")


def seconds(cached):
    return timeit(lambda: write(cached, *job).numpy(), number=1)


ratios = [seconds(False) / seconds(True) for _ in range(5)]
print(f"times faster: {min(ratios):.1f} to {max(ratios):.1f}")

# %% [markdown]
# Training needs no cache: there all tokens are known, and all places are
# computed at once. This is the asymmetry of autoregressive models.
#
# ## Samples


# %%
def samples(guidance=0.0, temperature=1.0, top_k=code_count, top_p=1.0):
    options = map(tf.constant, (guidance, temperature, top_k, top_p))
    return decode(write(True, asked, uniforms, *options))


ours = {"guidance": 0.75, "temperature": 0.8}
plots.grid(samples(**ours)[:80])

# %% [markdown]
# How much does each setting cost? Label accuracy and recall of 1,000 samples,
# with validation images as the real ones. (Our guidance and temperature
# were chosen on validation images, with a small classifier of our own.)

# %%
from digitdreams import judge, metrics

settings = {
    "all as it is": {},
    "temperature 0.7": {"temperature": 0.7},
    "top-k 8": {"top_k": 8},
    "top-p 0.9": {"top_p": 0.9},
    "guidance 2": {"guidance": 2.0},
    "ours": ours,
}
for name, options in settings.items():
    images = samples(**options)
    accuracy = metrics.label_accuracy(judge.probabilities(images), asked)
    recall = judge.report(images, real=digits.validation.images).recall
    print(f"{name:16} accuracy {accuracy:.3f}  recall {recall:.3f}")

# %% [markdown]
# Each setting raises accuracy, strong guidance more than any cut or
# temperature here, and each costs recall. **Predict, change, run:** what will
# temperature 2 do to both? Add a row.
#
# ## A good VQ-VAE with a weak prior
#
# A model of tokens is called the *prior* of the VQ-VAE. Here are two priors
# for the same decoder, below reconstructions of real digits: the unigram
# model, which draws each token as often as it occurs (we mix the tokens of
# twelve digits), and the GPT.

# %%
mixed = np.random.default_rng(seed).permuted(tokens["train"][:12])
rows = {"unigram": decode(mixed), "GPT": samples(**ours)[:12]}
plots.panel({"reconstruction": rebuilt[:12]} | rows)

# %% [markdown]
# A decoder draws well what an encoder says; whether something sensible is said
# depends on the prior. Good reconstructions and unrealistic samples are a
# common complaint ([an
# example](https://github.com/ritheshkumar95/pytorch-vqvae/issues/13)); a weak
# prior is the first thing to suspect.
#
# ## The bridge to language models
#
# What would have to change for text? Only the sizes: some 50,000 word pieces
# instead of 64 codes, longer sequences, a larger network. All else, apart from
# details, is as in large language models. And what would let *one* model do
# both? One vocabulary with both kinds of tokens: then a caption can stand
# where our label stands, and the pictures continue the sentence. DALL-E (2021)
# is such a model.

# %% [markdown]
# ## Measuring
#
# The generator is kept for later lessons as one network from noise and label
# to an image. The cumulative distribution function of the normal distribution
# turns its noise into uniform numbers, so each picture follows from 49 numbers
# and a label. 5,000 of its samples, 500 of each digit, against test images:

# %%
from digitdreams import models
from digitdreams.models.tokens import token_generator

weights = gpt.get_weights(), heads, vq.book, vq.decoder
generator = token_generator(*weights, **ours)
models.save_all({"VQ-GPT": generator}, "12")
images, labels = models.sample(generator, 5000, seed)
verdicts = judge.probabilities(images)
plots.confusion(labels, verdicts.argmax(axis=1))

# %%
report = judge.report(images)
report

# %%
copies = decode(tokens["test"])
course.expect(
    label_accuracy=metrics.label_accuracy(verdicts, labels),
    fid_over_floor=report.fid / report.fid_floor,
    reconstruction_error=np.square(digits.test.images - copies).mean(),
    nats_a_token=nats_a_token("test").mean(),
    cache_error=cache_error,
    times_faster=np.median(ratios),
)

# %% [markdown]
# ## What to remember
#
# 1. A VQ-VAE chooses the nearest code; the gradient goes straight through the
#    choice, a commitment cost keeps both sides together, and dead codes have
#    to be revived.
# 2. A GPT predicts the next token at all places at once. Its causal mask is
#    tested by changing a later token: earlier logits must not move.
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
# <details><summary>Why is there a cache of keys and values and none of
# queries?</summary>
#
# A new place asks once, with its own query. Old places are asked for their
# keys and values again and again; their queries are never needed again.
# </details>
#
# <details><summary>Temperature 0.7 raised label accuracy. Is the model better
# now?</summary>
#
# No. It draws the likelier tokens more often, so variety (recall) falls. What
# the model knows is measured by the cost of test tokens at temperature 1,
# which no setting of the sampler changes.
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
