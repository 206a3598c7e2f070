# %% [markdown]
# # Exercise 2: the parts of an autoencoder
#
# You write four functions and repair a broken one. Then the last cells train a
# network with your parts that removes noise from digits. `check` says whether
# a function is right, and often which mistake was made; `hint` helps, a little
# more each time.

# %%
from digitdreams import course
from digitdreams.checks import check, hint

seed = course.start("02", exercise=True)

# %% [markdown]
# A first hint, to see how it looks. The name is that of the function to write;
# call `hint` again and it tells more.

# %%
hint("image_errors")

# %%
import keras
import numpy as np
from keras import layers, ops

# %% [markdown]
# ## Task 1: one error for each image
#
# One number for a whole batch hides which images fail. Write the mean squared
# error of each image $x$ and its reconstruction $\hat{x}$, averaged over its
# pixels, so that `n` images give `n` errors. You need the `axis` of
# [numpy.mean](https://numpy.org/doc/stable/reference/generated/numpy.mean.html):
# it names the axes that disappear.


# %% task="image_errors"
def image_errors(images, rebuilt):
    """Return the mean squared error of each image: (n,).

    Both arrays have the shape (n, height, width, channels).
    """
    ### BEGIN SOLUTION
    return np.mean(np.square(images - rebuilt), axis=(1, 2, 3))
    ### END SOLUTION


# %% check="image_errors"
check(image_errors)

# %% [markdown]
# ## Task 2: encode and decode with PCA
#
# PCA is the linear autoencoder to beat. Turn each image into a row of numbers,
# subtract the mean image, find the codes with one matrix product, turn the
# codes back into images with another, and undo the first two steps. The rows
# of `components` have length 1 and are at right angles. The operator `@` is
# [numpy.matmul](https://numpy.org/doc/stable/reference/generated/numpy.matmul.html).


# %% task="pca_rebuild"
def pca_rebuild(images, mean, components):
    """Return the images rebuilt from their PCA codes, in their own shape.

    Shapes: images (n, height, width, 1), mean (pixels,), components
    (latent numbers, pixels).
    """
    ### BEGIN SOLUTION
    flat = images.reshape(len(images), -1)
    codes = (flat - mean) @ components.T  # (n, latent numbers)
    return (codes @ components + mean).reshape(images.shape)
    ### END SOLUTION


# %% check="pca_rebuild"
check(pca_rebuild)

# %% [markdown]
# ## Task 3: the encoder
#
# Build the network from images to codes: a hidden `Dense` layer with `relu`,
# then a `Dense` layer without activation for the latent numbers, which may be
# any numbers, negative ones too. Look up what
# [Dense](https://keras.io/api/layers/core_layers/dense/) does with an input of
# more than two axes, and what
# [Flatten](https://keras.io/api/layers/reshaping_layers/flatten/) is for.


# %% task="build_encoder"
def build_encoder(image_shape, hidden_size, latent_size):
    """Return a keras.Model from images to codes (n, latent_size)."""
    ### BEGIN SOLUTION
    images = keras.Input(image_shape)
    x = layers.Flatten()(images)
    x = layers.Dense(hidden_size, activation="relu")(x)
    return keras.Model(images, layers.Dense(latent_size)(x))
    ### END SOLUTION


# %% check="build_encoder"
check(build_encoder)

# %% [markdown]
# ## Task 4: find the bugs in the decoder
#
# This decoder holds three mistakes that stand in published tutorials. One is
# in what goes in, one in how many numbers come out, one in which values they
# can take:
#
# ```python
# def build_decoder(image_shape, hidden_size, latent_size):
#     codes = keras.Input(image_shape)
#     x = layers.Dense(hidden_size, activation="relu")(codes)
#     x = layers.Dense(7 * 7, activation="tanh")(x)
#     return keras.Model(codes, layers.Reshape(image_shape)(x))
# ```
#
# Write the repaired function. Pixels lie between 0 and 1.
# [Reshape](https://keras.io/api/layers/reshaping_layers/reshape/) neither adds
# nor drops numbers; `math.prod` multiplies the numbers of a shape.

# %%
import math


# %% task="build_decoder"
def build_decoder(image_shape, hidden_size, latent_size):
    """Return a keras.Model from codes to images (n, *image_shape)."""
    ### BEGIN SOLUTION
    codes = keras.Input((latent_size,))
    x = layers.Dense(hidden_size, activation="relu")(codes)
    x = layers.Dense(math.prod(image_shape), activation="sigmoid")(x)
    return keras.Model(codes, layers.Reshape(image_shape)(x))
    ### END SOLUTION


# %% check="build_decoder"
check(build_decoder)

# %% [markdown]
# ## Task 5: add noise
#
# A denoising autoencoder needs damaged images. Add `strength` times the given
# noise to the images, then bring every pixel back into [0, 1] with
# [keras.ops.clip](https://keras.io/api/ops/numpy/). The noise comes in as an
# argument, so that each epoch can bring its own.


# %% task="add_noise"
def add_noise(images, noise, strength):
    """Return noisy images within [0, 1]; noise has the images' shape."""
    ### BEGIN SOLUTION
    return ops.clip(images + strength * noise, 0, 1)
    ### END SOLUTION


# %% check="add_noise"
check(add_noise)

# %% [markdown]
# ## Train with your parts
#
# Your encoder and decoder now learn to remove noise that your function adds,
# drawn anew in each epoch. The next cells are given; they only use what you
# wrote. The training takes about ten seconds.

# %%
from IPython.display import display

from digitdreams import data, plots
from digitdreams.progress import track

image_shape = (28, 28, 1)
digits = data.load()
random = np.random.default_rng(seed)


def make_noisy(images):
    """Return the images with new noise, by your add_noise."""
    noise = random.standard_normal(images.shape, dtype="float32")
    return np.asarray(add_noise(images, noise, 0.5))


# %%
def train_denoiser(epochs=3, batch_size=128, peak_rate=4e-3):
    """Return a network from noisy to clean images, made of your parts."""
    encoder = build_encoder(image_shape, hidden_size=256, latent_size=32)
    decoder = build_decoder(image_shape, hidden_size=256, latent_size=32)
    denoiser = keras.Sequential([encoder, decoder])
    clean = digits.train.images
    steps = epochs * (len(clean) // batch_size)
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, steps, warmup_target=peak_rate, warmup_steps=steps // 10
    )
    optimiser = keras.optimizers.Adam(rate, beta_2=0.99)
    denoiser.compile(
        optimiser, "mse", jit_compile=True, steps_per_execution=20
    )
    progress = track(range(epochs), "denoiser", unit="epochs")
    for epoch in progress:
        pairs = data.batches(
            (make_noisy(clean), clean), batch_size, seed + epoch
        )
        history = denoiser.fit(pairs, shuffle=False, verbose=0)
        progress.report(loss=history.history["loss"][0])
    return denoiser


# %% [markdown]
# How good is it? Your errors on test images compare three attempts to find the
# clean image: the noisy image itself, your PCA with 32 numbers, and your
# denoiser.


# %%
def compare(denoiser, images):
    """Show each attempt and its mean error; return the denoiser's."""
    from sklearn.decomposition import PCA

    pca = PCA(32).fit(digits.train.images.reshape(-1, 784))
    noisy = make_noisy(images)
    attempts = {
        "noisy": noisy,
        "PCA": pca_rebuild(noisy, pca.mean_, pca.components_),
        "denoiser": np.asarray(denoiser(noisy)),
    }
    for name, attempt in attempts.items():
        errors = np.asarray(image_errors(images, attempt))
        print(f"{name:8} {errors.mean():.4f}")
    rows = {name: attempt[:10] for name, attempt in attempts.items()}
    display(plots.panel({"clean": images[:10]} | rows))
    return float(errors.mean())


# %% check="training" points=4
denoiser = train_denoiser()
error = compare(denoiser, digits.test.images)
course.expect(denoising_error=error)
