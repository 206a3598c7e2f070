"""A generator from a denoiser, with the sampler's steps inside."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import layers, ops


def diffusion_generator(
    denoiser: keras.Model,
    levels: Sequence[float],
    guidance: Sequence[float],
    no_label: int = 10,
) -> keras.Model:
    """Return a model from [noise, labels] to images in [0, 1] that takes steps of DDIM.

    Noise (n, pixels) is drawn from N(0, I), labels are int32 (n,), images (n, 28, 28,
    1). `denoiser` maps [z (n, pixels), log-SNR (n, 1), labels (n,)] to logits of the
    image (n, pixels); `no_label` is the label that stands for none. `levels` are the
    log-SNRs in nats from noise to image, one more than there are steps. `guidance` has
    a scale for each step, by which the logits with the label are moved along their
    difference to those without. A step asks the denoiser twice, or once where its
    scale is 0.

    Sources: Song et al. (2021), "Denoising diffusion implicit models"; Ho and Salimans
    (2022), "Classifier-free diffusion guidance".

    Raises:
        ValueError: the levels do not rise, or there is not one scale for each step.
    """
    ratios = np.asarray(levels, "float64")
    if len(ratios) < 2 or not (np.diff(ratios) > 0).all():
        raise ValueError("levels are two or more log-SNRs, rising from noise to image")
    if len(guidance) != len(ratios) - 1:
        raise ValueError(
            f"guidance has a scale for each step: {len(ratios) - 1}, "
            f"not {len(guidance)}"
        )
    noise = keras.Input(denoiser.inputs[0].shape[1:], name="noise")
    labels = keras.Input((), dtype="int32", name="labels")
    nobody = ops.full_like(labels, no_label)
    signal, spread = (1 / np.sqrt(1 + np.exp(-s * ratios)) for s in (1, -1))
    z = image = noise
    for i, (level, scale) in enumerate(zip(ratios[:-1], guidance, strict=True)):
        told = ops.full_like(noise[:, :1], float(level))
        logits = denoiser([z, told, labels])
        if scale:
            free = denoiser([z, told, nobody])
            logits += float(scale) * (logits - free)
        image = ops.sigmoid(logits)
        clean = 2 * image - 1
        implied = (z - float(signal[i]) * clean) / float(spread[i])
        z = float(signal[i + 1]) * clean + float(spread[i + 1]) * implied
    return keras.Model([noise, labels], layers.Reshape((28, 28, 1))(image))
