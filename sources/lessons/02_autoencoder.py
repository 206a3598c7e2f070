# %% [markdown]
# # 2. Autoencoder
#
# An *autoencoder* is a network that must pass each image through a few numbers
# and rebuild the image from them. Without labels it learns what digits have in
# common. You will build one that keeps 32 numbers instead of 784, compare it
# with the best *linear* method (one that only scales and adds), teach it to
# remove noise, and see why it cannot invent new digits, which lesson 3
# repairs. Models that draw large pictures from text rely on such a network:
# they work on its numbers, not on pixels.
#
# It takes about a minute on two CPU cores.

# %%
from digitdreams import course

seed = course.start("02")

# %%
from digitdreams import data

digits = data.load()
train_images = digits.train.images
validation_images = digits.validation.images
train_images.shape, validation_images.shape

# %% [markdown]
# ## The picture first
#
# To store an image in fewer numbers is *compression*. Below, ten digits that
# the method has not seen stand above their copies. Each copy was made from 32
# numbers instead of 784, by *principal component analysis* (PCA), the
# classical method of lesson 0, which takes a second. Your network will use 32
# numbers, too, and make less than half of the error.

# %%
from sklearn.decomposition import PCA

flat_images = train_images.reshape(-1, 784)
pca = PCA(32).fit(flat_images)


def pca_rebuild(images, size):
    """Return images rebuilt from their first `size` PCA numbers."""
    components = pca.components_[:size]
    codes = (images.reshape(-1, 784) - pca.mean_) @ components.T
    return (codes @ components + pca.mean_).reshape(images.shape)


# %%
from digitdreams import plots

shown = validation_images[:10]
plots.panel({"original": shown, "PCA": pca_rebuild(shown, 32)})

# %% [markdown]
# ## Encoder, bottleneck, decoder
#
# The *encoder* $e$ turns an image $x$ into its *code* $z = e(x)$: a few
# *latent* (hidden) numbers. The *decoder* $d$ turns a code into an image, the
# *reconstruction* $\hat{x} = d(z)$. The narrow place between them is the
# *bottleneck*. Both are trained together to make one number small:
#
# $$L = \frac{1}{784} \sum_{i=1}^{784} (x_i - \hat{x}_i)^2,
# \qquad \hat{x} = d(e(x)).$$
#
# $x_i$ is pixel $i$ of the image, $\hat{x}_i$ the same pixel of the
# reconstruction, and $L$ is their *mean squared error*, averaged over a batch
# of images in training. The image is its own target. Without the bottleneck
# the network could copy it; with the bottleneck it must find what digits
# share.

# %%
import numpy as np


def mean_squared_error(images, rebuilt):
    """Return the mean squared error per pixel over all images."""
    return float(np.mean(np.square(images - rebuilt)))


# %% [markdown]
# Which error is good? Suppose that the code holds nothing. Then the best
# reconstruction is the same for every image: the mean image. Its error is the
# *variance* of the data, here per pixel, and no sensible method does worse.

# %%
mean_image = train_images.mean(axis=0)
mean_squared_error(validation_images, mean_image)

# %% [markdown]
# With 32 numbers, PCA leaves about a quarter of it:

# %%
rebuilt_by_pca = pca_rebuild(validation_images, 32)
pca_error = mean_squared_error(validation_images, rebuilt_by_pca)
pca_error

# %% [markdown]
# ## A linear autoencoder is PCA
#
# PCA finds the *principal components*: directions in the space of images along
# which the training images vary most. A code says how far to go along each
# direction, starting from the mean image. One matrix product finds the code
# and another one uses it, so PCA is an autoencoder without *activation
# functions*, the bends after a layer such as ReLU.
#
# Baldi and Hornik (1989) proved the converse. A network with one linear layer
# down and one up, trained on the mean squared error, has no minimum but the
# best one, and there it equals PCA. Does training get there? PCA works on
# images minus their mean, so this network does as well.

# %%
import keras
from keras import layers

encoding = layers.Dense(32, use_bias=False)
decoding = layers.Dense(784, use_bias=False)
linear = keras.Sequential([keras.Input((784,)), encoding, decoding])
centred_images = flat_images - pca.mean_

# %% [markdown]
# A cheap check before training: random weights know nothing, so the error must
# start near the variance, somewhat above it.

# %%
some = centred_images[:1000]
mean_squared_error(some, linear(some))

# %% [markdown]
# The optimiser is Adam. Its learning rate climbs for the first tenth of the
# steps, because the first gradients are rough, and then falls to zero along a
# cosine, so that the weights settle.


# %%
def make_optimiser(peak_rate, steps):
    """Return Adam with a learning rate that climbs, then falls to zero."""
    warmup = steps // 10
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, steps - warmup, warmup_target=peak_rate, warmup_steps=warmup
    )
    return keras.optimizers.Adam(rate, beta_2=0.99)


# %% [markdown]
# `fit` takes pairs of input and target: here an image and itself. Two settings
# of `compile` are for speed: translate the network into fast code for this
# processor (`jit_compile`), and do 20 steps for each visit to Python.

# %%
from digitdreams.progress import Progress


def train(model, pairs, peak_rate, epochs, title):
    """Train on batches of (input, target); return the loss of each epoch."""
    optimiser = make_optimiser(peak_rate, epochs * len(pairs))
    model.compile(optimiser, "mse", jit_compile=True, steps_per_execution=20)
    options = dict(verbose=0, shuffle=False, callbacks=[Progress(title)])
    return model.fit(pairs, epochs=epochs, **options).history


# %%
def pairs_of(images):
    """Return shuffled batches in which each image is its own target."""
    batches = data.batches(images, 128, seed)
    return batches.map(lambda batch: (batch, batch))


history = train(linear, pairs_of(centred_images), 0.01, 4, "linear")

# %% [markdown]
# PCA is the best linear method for the images that it was made from. So we
# compare on the training images: by how many per cent is the network's error
# larger?

# %%
linear_error = mean_squared_error(centred_images, linear(centred_images))
best_error = mean_squared_error(train_images, pca_rebuild(train_images, 32))
100 * (linear_error / best_error - 1)

# %% [markdown]
# The images that a linear decoder can draw form a *subspace*: a flat sheet of
# 32 dimensions within the 784. Are the two sheets the same? Pair their
# directions as well as possible; the cosine of the angle between partners is 1
# if both sheets hold the direction and 0 if they are at right angles there.

# %%
weights = decoding.kernel.numpy()  # (32, 784)
basis, _ = np.linalg.qr(weights.T)  # (784, 32), directions at right angles
cosines = np.linalg.svd(pca.components_ @ basis, compute_uv=False)
print(f"cosines from {cosines.min():.4f} to {cosines.max():.4f}")

# %% [markdown]
# The sheets agree. The single directions do not: PCA sorts its components and
# keeps them at right angles, while any 32 directions that span the sheet are
# as good to the network. White is positive, black is negative:

# %%
directions = weights / np.linalg.norm(weights, axis=1, keepdims=True)
rows = {"PCA": pca.components_[:8], "linear net": directions[:8]}
plots.panel(
    {name: 0.5 + 4 * row.reshape(8, 28, 28) for name, row in rows.items()}
)

# %% [markdown]
# ## A nonlinear autoencoder
#
# More linear layers would not help: a chain of them is one linear layer, and
# PCA is the best of those. But digits do not lie on a flat sheet. A stroke
# that moves or turns follows a curve in the space of images, and to follow
# curves a network needs nonlinear activation functions.

# %%
latent_size = 32
hidden_size = 256

peak_rate = 4e-3
epochs = 3


# %%
def build_encoder(latent_size):
    """Return a network from images to codes."""
    images = keras.Input((28, 28, 1))
    x = layers.Flatten()(images)
    x = layers.Dense(hidden_size, activation="relu")(x)
    return keras.Model(images, layers.Dense(latent_size)(x))


# %% [markdown]
# The decoder goes the same way back. It ends in a *sigmoid*, $1 / (1 +
# e^{-a})$, which turns any number $a$ into one between 0 and 1, as pixels
# need. The biases of its last layer start at the inverse of the sigmoid,
# $\log(m / (1 - m))$ for a pixel with mean $m$: thus the untrained network
# draws nearly the mean image and need not spend its first steps on learning
# it.

# %%
means = mean_image.clip(0.001, 0.999).ravel()
mean_logits = keras.initializers.Constant(np.log(means / (1 - means)))


def build_decoder(latent_size):
    """Return a network from codes to images."""
    codes = keras.Input((latent_size,))
    x = layers.Dense(hidden_size, activation="relu")(codes)
    x = layers.Dense(784, "sigmoid", bias_initializer=mean_logits)(x)
    return keras.Model(codes, layers.Reshape((28, 28, 1))(x))


# %%
def build_autoencoder(latent_size):
    """Return a model whose two layers are the encoder and the decoder."""
    parts = [build_encoder(latent_size), build_decoder(latent_size)]
    return keras.Sequential(parts)


autoencoder = build_autoencoder(latent_size)
encoder, decoder = autoencoder.layers

# %% [markdown]
# ## Checks before training
#
# Do the shapes fit? 784 numbers go in, 32 pass, 784 come out.

# %%
codes = encoder(shown)
codes.shape, decoder(codes).shape

# %% [markdown]
# Does the error start near the variance, 0.067?

# %%
some = validation_images[:1000]
mean_squared_error(some, autoencoder(some))

# %% [markdown]
# Does the gradient reach every weight? A part of the network that is not
# connected would show as `None`, a dead one as 0. There are eight arrays of
# weights, four in each half; the size of each gradient is:

# %%
import tensorflow as tf
from keras import ops

with tf.GradientTape() as tape:
    loss = ops.mean(ops.square(some - autoencoder(some)))
gradients = tape.gradient(loss, autoencoder.trainable_weights)
[f"{ops.norm(gradient):.5f}" for gradient in gradients]

# %% [markdown]
# ## Training
#
# The dashed line is the error of PCA with 32 numbers.

# %%
pairs = pairs_of(train_images)
history = train(autoencoder, pairs, peak_rate, epochs, "32 numbers")
plots.curve(history, "mean squared error", bar=round(pca_error, 4))

# %% [markdown]
# The validation digits, rebuilt from 32 numbers by both methods:

# %%
rows = {"original": shown, "PCA": pca_rebuild(shown, 32)}
plots.panel(rows | {"network": autoencoder(shown)})

# %% [markdown]
# PCA leaves grey clouds around the strokes, because it can only add and
# subtract pictures. The network keeps paper black and strokes sharp. Where
# does it fail? Sort the validation images by their errors and look at the
# worst:

# %%
rebuilt = autoencoder(validation_images).numpy()
errors = np.square(validation_images - rebuilt).mean(axis=(1, 2, 3))
worst = np.argsort(errors)[-10:]
plots.panel({"original": validation_images[worst], "network": rebuilt[worst]})

# %% [markdown]
# Unusual strokes are lost: the network spends its 32 numbers on what is common
# in the training images.

# %% [markdown]
# ## How small can the code be?
#
# Two more networks, with 8 numbers and with 2, are trained like the first:

# %%
autoencoders = {32: autoencoder}
for size in (8, 2):
    autoencoders[size] = build_autoencoder(size)
    train(autoencoders[size], pairs, peak_rate, epochs, f"{size} numbers")

# %%
sizes = [2, 8, 32]
original = validation_images
rebuilt_pca = [pca_rebuild(original, size) for size in sizes]
rebuilt_net = [autoencoders[size](original) for size in sizes]
pca_errors = [mean_squared_error(original, one) for one in rebuilt_pca]
net_errors = [mean_squared_error(original, one) for one in rebuilt_net]

# %%
import matplotlib.pyplot as plt

plt.figure(figsize=(5.5, 3), facecolor="white")
plt.plot(["2", "8", "32"], pca_errors, "o-", label="PCA")
plt.plot(["2", "8", "32"], net_errors, "o-", label="autoencoder")
plt.ylim(0)
plt.xlabel("numbers in the code")
plt.ylabel("mean squared error")
plt.legend()
plt.show()

# %% [markdown]
# Eight numbers of the network come close to 32 of PCA. With two it can only
# draw a typical digit of roughly the right kind:

# %%
rows = {f"{size} numbers": autoencoders[size](shown) for size in sizes}
plots.panel({"original": shown} | rows)

# %% [markdown]
# ## A map of two numbers
#
# Two numbers have one advantage: they can be drawn. Each point is a validation
# image at its two latent numbers. The network saw no labels; the colours were
# added afterwards.

# %%
map_encoder, map_decoder = autoencoders[2].layers
map_codes = map_encoder(validation_images).numpy()
plots.latent_map(map_codes, digits.validation.labels)

# %% [markdown]
# Images of one digit lie together, because similar images get similar codes.
# But nothing says where codes should lie: the numbers have no particular
# scale, some digits spread far out, others crowd in the middle, and wide
# regions hold nothing. Decode a grid of codes that covers most of the map:

# %%
low, high = np.percentile(map_codes, [2, 98], axis=0)
across = np.linspace(low[0], high[0], 12)
down = np.linspace(high[1], low[1], 8)
plane = np.stack(np.meshgrid(across, down), axis=-1).reshape(-1, 2)
plots.grid(map_decoder(plane), columns=12)

# %% [markdown]
# A few digits own most of the map. Some digits hardly appear, and in the empty
# regions the decoder makes things up.

# %% [markdown]
# ## Interpolation
#
# *Interpolation* walks in a straight line from one image to another. With
# pixels, one image fades out while the other fades in. With codes $z_1$ and
# $z_2$ and a share $t$ that goes from 0 to 1, the images are
# $d((1 - t)\,z_1 + t\,z_2)$: strokes move instead.

# %%
pair = validation_images[[3, 7]]
pixels = np.linspace(*pair, 9)
codes = np.linspace(*encoder(pair).numpy(), 9)
plots.panel({"pixels": pixels, "codes": decoder(codes)})

# %% [markdown]
# ## Removing noise
#
# A *denoising autoencoder* (Vincent and others, 2008) sees a damaged image and
# is asked for the clean one. To answer, it must know what digits look like.
# The diffusion models of a later lesson grow from this idea.
#
# The noise is drawn anew for each batch; one fixed noise could be learned by
# heart. So the random numbers come from a `SeedGenerator`, which moves on at
# each call. A whole number as `seed` would repeat the same noise.

# %%
generator = keras.random.SeedGenerator(seed)


def add_noise(images):
    """Add normal noise, drawn anew at each call, and stay in [0, 1]."""
    noise = keras.random.normal(ops.shape(images), seed=generator)
    return ops.clip(images + 0.5 * noise, 0, 1)


noisy = add_noise(validation_images)
bool(ops.all(noisy == add_noise(validation_images)))

# %%
denoiser = build_autoencoder(latent_size)
noisy_pairs = pairs.map(lambda batch, target: (add_noise(batch), target))
history = train(denoiser, noisy_pairs, peak_rate, epochs, "denoiser")

rows = {"clean": shown, "noisy": noisy[:10]}
rows |= {"plain": autoencoder(noisy[:10]), "denoiser": denoiser(noisy[:10])}
plots.panel(rows)

# %% [markdown]
# The plain autoencoder has never seen such input; the denoiser takes most of
# the noise away. The errors, each against the clean images:

# %%
results = [noisy, autoencoder(noisy), denoiser(noisy)]
[mean_squared_error(validation_images, result) for result in results]

# %% [markdown]
# ## Why it cannot dream
#
# The decoder turns 32 numbers into an image. Why not draw 32 numbers at random
# and get a new digit? Two attempts: the standard normal distribution $N(0,
# I)$, in which each number has mean 0 and variance 1; and the normal
# distribution with the mean and the covariance of the training codes, which is
# the best fit that a normal distribution can be.

# %%
random = np.random.default_rng(seed)
codes = encoder(train_images).numpy()
fitted = codes.mean(axis=0), np.cov(codes.T)
first_half, second_half = np.split(validation_images, 2)
drawn = {
    "real codes": encoder(first_half),
    "N(0, I)": random.normal(size=(2500, latent_size)),
    "fitted": random.multivariate_normal(*fitted, size=2500),
}

# %%
dreams = {name: decoder(codes).numpy() for name, codes in drawn.items()}
plots.panel({name: images[:10] for name, images in dreams.items()})

# %% [markdown]
# Codes of real images become digits, random codes ghosts and scribble. The
# judge of lesson 0 puts a number on it. The *Fréchet inception distance* (FID)
# compares two sets of images by the means and covariances of the judge's
# features: 0 if they agree. Here they are compared with the second half of the
# validation images. What the first half itself reaches is the *floor*: nobody
# can ask for less.

# %%
from digitdreams import judge, metrics

real_features = judge.features(second_half)
floor = metrics.fid(real_features, judge.features(first_half))
print(f"{'floor':10} {floor:6.2f}")
for name, images in dreams.items():
    distance = metrics.fid(real_features, judge.features(images))
    print(f"{name:10} {distance:6.2f}")

# %% [markdown]
# The decoder is not to blame: with codes of real images it comes near the
# floor. But the loss does not say *where* codes should lie. They fill a thin,
# bent part of the latent space, and nobody ever asked the decoder about the
# rest. Even the fitted distribution puts most draws there. A *variational*
# autoencoder adds what is missing: a term in the loss that pulls the codes
# towards $N(0, I)$, so that few gaps are left.

# %% [markdown]
# ## Measuring
#
# All choices were made on validation images. The test images are used once:

# %%
test_images = digits.test.images
test_error = mean_squared_error(test_images, autoencoder(test_images))
test_pca = mean_squared_error(test_images, pca_rebuild(test_images, 32))
ratio = test_error / test_pca
course.expect(reconstruction_error=test_error, error_over_pca=ratio)

# %% [markdown]
# ## What to remember
#
# 1. An autoencoder learns to compress by rebuilding its input through a narrow
#    code.
# 2. Without activation functions it can only find the subspace of PCA; with
#    them it needs a fraction of the numbers.
# 3. It knows the codes of images, but not where to find new ones.
#
# ## Asked in interviews
#
# - *How is an autoencoder related to PCA?* With linear layers and the mean
#   squared error, its best solution spans the same subspace.
# - *What keeps it from copying its input?* The bottleneck, noise on the input,
#   or a penalty on the code.
# - *Why is a plain autoencoder a poor generator?* Its loss does not shape the
#   distribution of codes, so random codes fall where the decoder was never
#   trained.
# - *Why draw new noise for every batch?* With fixed noise, a denoiser can
#   learn the noisy training images by heart.
# - *How do you choose the size of the code?* By the validation error: where
#   the curve flattens, more numbers buy little.
#
# ## To read
#
# - Baldi and Hornik, [Neural networks and principal component
#   analysis](https://doi.org/10.1016/0893-6080(89)90014-2), 1989: linear
#   networks and PCA.
# - Hinton and Salakhutdinov, [Reducing the dimensionality of data with neural
#   networks](https://doi.org/10.1126/science.1127647), 2006: deep autoencoders
#   against PCA.
# - Vincent and others, [Stacked denoising
#   autoencoders](https://jmlr.org/papers/v11/vincent10a.html), 2010: the
#   longer account of the work of 2008.
# - Rombach and others, [High-resolution image synthesis with latent diffusion
#   models](https://arxiv.org/abs/2112.10752), 2022: images from text, drawn in
#   the latent space of an autoencoder.
#
# ## Next
#
# [Exercise 2](../exercises/02_autoencoder/02_autoencoder.ipynb), where you
# write these parts yourself, then [lesson 3](03_vae.ipynb), the variational
# autoencoder.
