"""A generator from a network that gives each pixel's logit from those before it."""

from typing import Any

import keras
from keras import layers, ops

from digitdreams.models.parts import Tensor

PIXELS = 28 * 28


@keras.saving.register_keras_serializable("digitdreams")
class PixelByPixel(layers.Layer):
    """Draws images by asking a network for one pixel after the other.

    `net` maps images (n, 28, 28, 1) to logits of the same shape, that of each pixel
    from the pixels before it in some order; then noise (n, 784) from N(0, I) decides
    all pixels: one is white where the normal distribution function of its noise is
    below its probability. Returned are these probabilities, (n, 28, 28, 1) in [0, 1]:
    as in a VAE's samples, the grey levels of which the white pixels are draws.

    All pixels are guessed at once and corrected until none changes, which ends at the
    draw that pixel after pixel would give: after k passes the first k are right.
    Source: Song et al. (2021), "Accelerating feedforward computation via parallel
    nonlinear equation solving".
    """

    def __init__(self, net: keras.Model, **options: Any):
        super().__init__(**options)
        self.net = net

    def call(self, noise: Tensor) -> Tensor:
        levels = ops.reshape(0.5 + 0.5 * ops.erf(noise / 2**0.5), (-1, 28, 28, 1))

        def changes(images: Tensor, corrected: Tensor) -> Tensor:
            return ops.any(ops.not_equal(images, corrected))

        def correct(_: Tensor, images: Tensor) -> tuple[Tensor, Tensor]:
            white = levels < ops.sigmoid(self.net(images, training=False))
            return images, ops.cast(white, "float32")

        black = ops.zeros_like(levels)
        start = correct(black, black)
        _, images = ops.while_loop(changes, correct, start, maximum_iterations=PIXELS)
        return ops.sigmoid(self.net(images, training=False))

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[Any, ...]:
        return (shape[0], 28, 28, 1)

    def get_config(self) -> dict[str, Any]:
        net = keras.saving.serialize_keras_object(self.net)
        return {**super().get_config(), "net": net}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "PixelByPixel":
        net = keras.saving.deserialize_keras_object(config.pop("net"))
        return cls(net, **config)


def pixel_generator(net: keras.Model) -> keras.Model:
    """Return the generator that draws from `net`, made of layers that can be shared.

    A dense layer with a `mask` beside its `kernel` becomes a plain one that holds their
    product.
    """

    def without_mask(layer: Any) -> Any:
        if hasattr(layer, "mask") and isinstance(layer, layers.Dense):
            return layers.Dense(
                layer.units, activation=layer.activation, name=layer.name
            )
        return layer.__class__.from_config(layer.get_config())

    plain = keras.models.clone_model(net, clone_function=without_mask)
    for copy, layer in zip(plain.layers, net.layers, strict=True):
        weights = layer.get_weights()
        if hasattr(layer, "mask") and isinstance(layer, layers.Dense):
            weights[0] = weights[0] * ops.convert_to_numpy(layer.mask)
        copy.set_weights(weights)
    noise = keras.Input((PIXELS,))
    return keras.Model(noise, PixelByPixel(plain)(noise))
