import math

import keras
import numpy as np
from keras import layers, ops

from digitdreams import learning
from digitdreams.inputs import grey_images, normal
from digitdreams.tasks import Training, task

# Task 1: image_errors


def pairs_of_images(rng):
    for shape in ((5, 4, 3, 1), (2, 3, 6, 2), (4, 3, 3, 1)):
        yield {
            "images": grey_images(rng, *shape),
            "rebuilt": grey_images(rng, *shape),
        }


@task(
    points=2,
    inputs=pairs_of_images,
    hints=[
        "Three steps: subtract, square each number, average. Only the last "
        "one changes the shape.",
        "The result has the shape (n,). Axis 0 counts the images and stays; "
        "height, width and channels are axes 1, 2 and 3 and go.",
        "np.mean(np.square(...), axis=(1, 2, 3)), with the difference of the "
        "two arrays inside.",
    ],
)
def image_errors(images, rebuilt):
    return np.mean(np.square(images - rebuilt), axis=(1, 2, 3))


@image_errors.also_right
def errors_of_rows(images, rebuilt):
    rows = np.reshape(images - rebuilt, (len(images), -1))
    return (rows**2).sum(axis=1) / rows.shape[1]


@image_errors.also_right
def errors_by_loop(images, rebuilt):
    pairs = zip(images, rebuilt, strict=True)
    return [ops.mean((one - other) ** 2) for one, other in pairs]


@image_errors.wrong(
    "You averaged over the images, too, so that one number is left. Keep axis "
    "0: average over axis=(1, 2, 3)."
)
def one_error_for_all(images, rebuilt):
    return np.mean(np.square(images - rebuilt))


@image_errors.wrong(
    "You summed over the pixels: the mean squared error is their average, so "
    "use np.mean."
)
def errors_summed(images, rebuilt):
    return np.sum(np.square(images - rebuilt), axis=(1, 2, 3))


@image_errors.wrong(
    "You averaged over axis 0, which counts the images, and got one error for "
    "each pixel. Average over axes 1, 2 and 3."
)
def errors_over_batch(images, rebuilt):
    return np.mean(np.square(images - rebuilt), axis=0)


@image_errors.wrong(
    "Only the last axis is gone: that gives one error for each pixel of each "
    "image. Average over height and width, too."
)
def errors_over_last_axis(images, rebuilt):
    return np.mean(np.square(images - rebuilt), axis=-1)


@image_errors.wrong(
    "These are absolute errors: square the differences instead of taking "
    "np.abs."
)
def errors_absolute(images, rebuilt):
    return np.mean(np.abs(images - rebuilt), axis=(1, 2, 3))


@image_errors.wrong(
    "You took the square root at the end. The mean squared error has none."
)
def errors_rooted(images, rebuilt):
    return np.sqrt(image_errors(images, rebuilt))


# Task 2: pca_rebuild


def images_and_components(rng):
    for count, shape, size in (
        (4, (3, 4, 1), 2),
        (3, (4, 3, 1), 5),
        (5, (3, 3, 1), 3),
    ):
        pixels = math.prod(shape)
        directions, _ = np.linalg.qr(rng.normal(size=(pixels, size)))
        yield {
            "images": grey_images(rng, count, *shape),
            "mean": grey_images(rng, pixels),
            "components": directions.T.astype("float32"),
        }


@task(
    points=3,
    inputs=images_and_components,
    hints=[
        "Write down the shape after each step: (n, h, w, 1), then (n, "
        "pixels), then (n, latent numbers), and back the same way.",
        "The codes are (flat - mean) @ components.T. The way back uses "
        "components without .T.",
        "flat = images.reshape(len(images), -1); the result is codes @ "
        "components + mean, reshaped to images.shape.",
    ],
)
def pca_rebuild(images, mean, components):
    flat = images.reshape(len(images), -1)
    codes = (flat - mean) @ components.T
    return (codes @ components + mean).reshape(images.shape)


@pca_rebuild.also_right
def pca_by_projection(images, mean, components):
    projection = components.T @ components  # (pixels, pixels)
    centred = images - mean.reshape(images.shape[1:])
    flat = centred.reshape(len(images), mean.size)
    moved = np.einsum("np,pq->nq", flat, projection) + mean
    return ops.reshape(moved, images.shape)


@pca_rebuild.wrong(
    "You did not subtract the mean before encoding, but you add it "
    "afterwards. The codes belong to flat - mean."
)
def pca_without_centring(images, mean, components):
    flat = images.reshape(len(images), -1)
    return (flat @ components.T @ components + mean).reshape(images.shape)


@pca_rebuild.wrong(
    "You subtracted the mean but did not add it again: add it after codes @ "
    "components."
)
def pca_without_mean_back(images, mean, components):
    flat = images.reshape(len(images), -1) - mean
    return (flat @ components.T @ components).reshape(images.shape)


@pca_rebuild.wrong(
    "The mean is not used. Subtract it before encoding and add it after "
    "decoding."
)
def pca_without_mean(images, mean, components):
    flat = images.reshape(len(images), -1)
    return (flat @ components.T @ components).reshape(images.shape)


@pca_rebuild.wrong(
    "The numbers are right, but the images are still flat: reshape them to "
    "images.shape."
)
def pca_left_flat(images, mean, components):
    rebuilt = pca_rebuild(images, mean, components)
    return rebuilt.reshape(len(images), -1)


@pca_rebuild.wrong(
    "These are the codes. Turn them back into images: multiply by components, "
    "add the mean, reshape."
)
def pca_codes_only(images, mean, components):
    return (images.reshape(len(images), -1) - mean) @ components.T


@pca_rebuild.wrong(
    "The shapes do not fit. Encoding needs components.T, from pixels to "
    "latent numbers; decoding needs components."
)
def pca_not_transposed(images, mean, components):
    flat = images.reshape(len(images), -1)
    return (flat - mean) @ components @ components.T + mean


# Task 3: build_encoder


def sizes_and_images(rng):
    for shape, hidden_size, latent_size in (
        ((4, 6, 1), 9, 12),
        ((5, 3, 2), 16, 10),
    ):
        # Large inputs, so that codes without activation leave [0, 1].
        images = 10 * rng.normal(size=(4, *shape))
        yield {
            "image_shape": list(shape),
            "hidden_size": hidden_size,
            "latent_size": latent_size,
            "x": images.astype("float32"),
        }


@task(
    points=3,
    inputs=sizes_and_images,
    observe="activations",
    hints=[
        "Dense works on the last axis only, and the last axis of an image is "
        "its channels. All pixels must stand in one row first.",
        "Four steps: keras.Input(image_shape), layers.Flatten(), a Dense "
        "layer with relu, a Dense layer without activation.",
        'After Flatten: x = layers.Dense(hidden_size, activation="relu")(x), '
        "then keras.Model(images, layers.Dense(latent_size)(x)).",
    ],
)
def build_encoder(image_shape, hidden_size, latent_size):
    images = keras.Input(image_shape)
    x = layers.Flatten()(images)
    x = layers.Dense(hidden_size, activation="relu")(x)
    return keras.Model(images, layers.Dense(latent_size)(x))


@build_encoder.also_right
def sequential_encoder(image_shape, hidden_size, latent_size):
    return keras.Sequential(
        [
            keras.Input(image_shape),
            layers.Reshape((-1,)),
            layers.Dense(hidden_size),
            layers.ReLU(),
            layers.Dense(latent_size),
        ]
    )


@build_encoder.wrong(
    "Each pixel is encoded on its own, because Dense runs over the last axis "
    "of its input. Flatten the images first."
)
def encoder_without_flatten(image_shape, hidden_size, latent_size):
    images = keras.Input(image_shape)
    x = layers.Dense(hidden_size, activation="relu")(images)
    return keras.Model(images, layers.Dense(latent_size)(x))


@build_encoder.wrong(
    "Flatten comes too late: the Dense layers still run over each pixel on "
    "its own, and the code is as long as all pixels together. Flatten before "
    "the first Dense."
)
def encoder_flattens_last(image_shape, hidden_size, latent_size):
    images = keras.Input(image_shape)
    x = layers.Dense(hidden_size, activation="relu")(images)
    x = layers.Dense(latent_size)(x)
    return keras.Model(images, layers.Flatten()(x))


@build_encoder.wrong(
    "The hidden layer runs over each pixel on its own. Flatten the images "
    "before it, not after it."
)
def encoder_flattens_between(image_shape, hidden_size, latent_size):
    images = keras.Input(image_shape)
    x = layers.Dense(hidden_size, activation="relu")(images)
    x = layers.Flatten()(x)
    return keras.Model(images, layers.Dense(latent_size)(x))


@build_encoder.wrong(
    "There is no hidden layer: this encoder is linear. Add a Dense layer of "
    "hidden_size with relu before the code."
)
def encoder_without_hidden(image_shape, hidden_size, latent_size):
    images = keras.Input(image_shape)
    x = layers.Flatten()(images)
    return keras.Model(images, layers.Dense(latent_size)(x))


@build_encoder.wrong(
    "All latent numbers lie between 0 and 1: leave the last layer without "
    "activation, so that codes may be any numbers."
)
def encoder_with_sigmoid(image_shape, hidden_size, latent_size):
    images = keras.Input(image_shape)
    x = layers.Flatten()(images)
    x = layers.Dense(hidden_size, activation="relu")(x)
    x = layers.Dense(latent_size, activation="sigmoid")(x)
    return keras.Model(images, x)


@build_encoder.wrong(
    "hidden_size and latent_size have changed places: the code is the last "
    "layer, and it has latent_size numbers."
)
def encoder_swapped(image_shape, hidden_size, latent_size):
    return build_encoder(image_shape, latent_size, hidden_size)


# Task 4: build_decoder


def sizes_and_codes(rng):
    for shape, hidden_size, latent_size in (
        ((8, 8, 1), 9, 12),
        ((9, 4, 2), 16, 10),
    ):
        codes = 10 * rng.normal(size=(4, latent_size))
        yield {
            "image_shape": list(shape),
            "hidden_size": hidden_size,
            "latent_size": latent_size,
            "x": codes.astype("float32"),
        }


@task(
    points=3,
    inputs=sizes_and_codes,
    observe="activations",
    hints=[
        "Read the arguments from the data's point of view: which shape "
        "enters, how many numbers must leave, which values may they have?",
        "A code has the shape (latent_size,). Reshape needs exactly as many "
        "numbers as the image has pixels. tanh goes down to -1.",
        "keras.Input((latent_size,)), then the hidden layer, then "
        'layers.Dense(math.prod(image_shape), activation="sigmoid").',
    ],
)
def build_decoder(image_shape, hidden_size, latent_size):
    codes = keras.Input((latent_size,))
    x = layers.Dense(hidden_size, activation="relu")(codes)
    x = layers.Dense(math.prod(image_shape), activation="sigmoid")(x)
    return keras.Model(codes, layers.Reshape(image_shape)(x))


@build_decoder.also_right
def sequential_decoder(image_shape, hidden_size, latent_size):
    decoder = keras.Sequential([keras.Input((latent_size,))])
    decoder.add(layers.Dense(hidden_size, activation="relu"))
    decoder.add(layers.Dense(int(np.prod(image_shape))))
    decoder.add(layers.Reshape(image_shape))
    decoder.add(layers.Activation("sigmoid"))
    return decoder


@build_decoder.wrong(
    "The shapes do not fit. A decoder's input is a code, (latent_size,), and "
    "the layer before Reshape needs as many numbers as the image has pixels: "
    "math.prod(image_shape)."
)
def decoder_of_images(image_shape, hidden_size, latent_size):
    codes = keras.Input(image_shape)
    x = layers.Dense(hidden_size, activation="relu")(layers.Flatten()(codes))
    x = layers.Dense(math.prod(image_shape), activation="sigmoid")(x)
    return keras.Model(codes, layers.Reshape(image_shape)(x))


@build_decoder.wrong(
    "The images have 7 x 7 pixels, whatever was asked for. Use "
    "math.prod(image_shape) numbers and reshape to image_shape."
)
def decoder_of_small_images(image_shape, hidden_size, latent_size):
    codes = keras.Input((latent_size,))
    x = layers.Dense(hidden_size, activation="relu")(codes)
    x = layers.Dense(7 * 7, activation="sigmoid")(x)
    return keras.Model(codes, layers.Reshape((7, 7, 1))(x))


@build_decoder.wrong(
    "Some pixels lie outside [0, 1]. End with a sigmoid, which stays between "
    "0 and 1."
)
def decoder_with_tanh(image_shape, hidden_size, latent_size):
    codes = keras.Input((latent_size,))
    x = layers.Dense(hidden_size, activation="relu")(codes)
    x = layers.Dense(math.prod(image_shape), activation="tanh")(x)
    return keras.Model(codes, layers.Reshape(image_shape)(x))


@build_decoder.wrong(
    "The images are still rows of numbers: end with "
    "layers.Reshape(image_shape)."
)
def decoder_left_flat(image_shape, hidden_size, latent_size):
    codes = keras.Input((latent_size,))
    x = layers.Dense(hidden_size, activation="relu")(codes)
    x = layers.Dense(math.prod(image_shape), activation="sigmoid")(x)
    return keras.Model(codes, x)


@build_decoder.wrong(
    "The hidden layer is missing: put a Dense layer of hidden_size with relu "
    "between code and pixels."
)
def decoder_without_hidden(image_shape, hidden_size, latent_size):
    codes = keras.Input((latent_size,))
    x = layers.Dense(math.prod(image_shape), activation="sigmoid")(codes)
    return keras.Model(codes, layers.Reshape(image_shape)(x))


# Task 5: add_noise


def images_and_noise(rng):
    for shape, strength in (((3, 4, 5, 1), 0.5), ((4, 3, 3, 1), 0.9)):
        yield {
            "images": grey_images(rng, *shape),
            "noise": normal(rng, *shape),
            "strength": strength,
        }


@task(
    points=1,
    inputs=images_and_noise,
    hints=[
        "Add first, then bring back what left the range.",
        "strength scales the noise, not the images. Clip the sum.",
        "ops.clip(..., 0, 1) around images + strength * noise.",
    ],
)
def add_noise(images, noise, strength):
    return np.clip(images + strength * noise, 0, 1)


@add_noise.also_right
def add_noise_between(images, noise, strength):
    noisy = ops.add(images, ops.multiply(noise, strength))
    return ops.maximum(0.0, ops.minimum(1.0, noisy))


@add_noise.wrong("Some pixels lie outside [0, 1]: clip the sum.")
def noise_without_clip(images, noise, strength):
    return images + strength * noise


@add_noise.wrong("strength is not used: multiply the noise by it.")
def noise_at_full_strength(images, noise, strength):
    return np.clip(images + noise, 0, 1)


@add_noise.wrong(
    "You clipped the noise before adding it, so that it can only brighten. "
    "Add first, then clip the sum."
)
def noise_clipped_first(images, noise, strength):
    return np.clip(images, 0, 1) + strength * np.clip(noise, 0, 1)


@add_noise.wrong(
    "You mixed images and noise, which darkens the images. Add strength times "
    "the noise to the unchanged images."
)
def noise_mixed_in(images, noise, strength):
    return np.clip((1 - strength) * images + strength * noise, 0, 1)


@add_noise.wrong(
    "You multiplied the images by the noise, so that black pixels stay clean. "
    "Add the noise instead."
)
def noise_multiplied(images, noise, strength):
    return np.clip(images * (1 + strength * noise), 0, 1)


@add_noise.wrong("You clipped to [-1, 1]: pixels lie between 0 and 1.")
def noise_clipped_to_both_signs(images, noise, strength):
    return np.clip(images + strength * noise, -1, 1)


# The training: weights come out, for the sandbox holds the clean test images.


def hidden_chance(rng):
    return {}, {"rng": rng}


def measure_error(weights, given, kept):
    shape, sizes = (28, 28, 1), {"hidden_size": 256, "latent_size": 32}
    encoder = build_encoder(shape, **sizes)
    denoiser = keras.Sequential([encoder, build_decoder(shape, **sizes)])
    denoiser.set_weights(weights)
    error = {}

    def losses(split):
        clean = split.images
        noise = kept["rng"].standard_normal(clean.shape, dtype="float32")
        noisy = add_noise(clean, noise, 0.5)
        errors = image_errors(clean, denoiser(noisy))
        error[len(clean)] = np.mean(errors)
        return errors

    known = learning.known_better(losses)
    return {"denoising_error": error[10_000], "known": known}


TRAINING = Training(
    points=4,
    inputs=hidden_chance,
    probe="def probe():\n    return denoiser.get_weights()",
    measure=measure_error,
    needs=("build_encoder", "build_decoder", "add_noise"),
    # Seeds 1, 2: 0.016, 0.022; test images: 0.084
    signs=(learning.known(0.05),),
)
