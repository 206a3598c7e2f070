"""Write the playground's networks anew, as files that its pages read.

    python tools/export_networks.py            all of them
    python tools/export_networks.py latent     one

Writes book/playground/networks/NAME.net, a record of each in networks.json, and
tests/networks.json: inputs with the outputs that Keras gives, for the tests. `latent`
runs lesson 03 up to its training with 2 latent numbers, about a minute; the others are
read from what `digitdreams run` of their lessons has saved.
"""

import argparse
import hashlib
import json
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from digitdreams import attributes, course, data, generators, judge, models
from digitdreams.authoring.site import playground
from digitdreams.authoring.site.notebooks import read
from digitdreams.files import ROOT, write_atomically

EXPECTED = ROOT / "tests" / "networks.json"
LARGE = 4096  # weights; matrices of more are kept in 8 bits a weight
LAST_CELL = "training-with-2-latent-numbers-3"  # of lesson 03, that trains its map
SHOWN = 1500  # validation images whose codes the map shows
STYLES = ("thickness", "slant", "width")
DRAWS = 500  # of each digit, from which the directions of styles are estimated
COMPARED = 3  # inputs that the tests compare

Tensor = Any


class Network:
    """What a file holds: steps in the order of their computing, tables, weights."""

    def __init__(self) -> None:
        self.inputs: dict[str, int] = {}
        self.outputs: dict[str, int] = {}
        self.steps: list[dict[str, Any]] = []
        self.tables: dict[str, Any] = {}
        self.weights = bytearray()
        self.known: dict[tuple[int, int], int] = {}
        self.count = 0

    def place(self) -> int:
        """A new value's number."""
        self.count += 1
        return self.count - 1

    def stored(self, values: Any, exact: bool = False) -> dict[str, Any]:
        """Keep an array; large matrices in 8 bits, with a scale for each column.

        `exact` keeps float32.
        """
        array = np.asarray(values, "float32")
        kept: dict[str, Any] = {"shape": list(array.shape)}
        if exact:
            kept |= {"type": "f32", "at": self.append(array)}
        elif array.ndim == 2 and array.size > LARGE:
            scale = np.maximum(np.abs(array).max(axis=0), 1e-12) / 127
            rounded = np.rint(array / scale).astype("int8")
            kept |= {"type": "i8", "at": self.append(rounded)}
            kept["scale"] = self.append(scale.astype("float32"))
        else:
            kept |= {"type": "f16", "at": self.append(array.astype("float16"))}
        return kept

    def append(self, array: np.ndarray) -> int:
        """Add an array's bytes and return where they begin, a multiple of four."""
        at = len(self.weights)
        self.weights += array.tobytes()
        self.weights += bytes(-len(self.weights) % 4)
        return at

    def step(self, kind: str, given: list[int], size: int, **more: Any) -> int:
        """Add a step and return the number of its value."""
        made = self.place()
        more = {key: value for key, value in more.items() if value is not None}
        self.steps.append({"op": kind, "in": given, "out": made, "size": size, **more})
        return made

    def given(self, tensor: Tensor, name: str, size: int | None = None) -> None:
        """Make a tensor of Keras an input."""
        size = size or int(np.prod(tensor.shape[1:]))
        self.known[id(tensor), 0] = place = self.place()
        self.inputs[name] = place
        self.tables.setdefault("sizes", {})[name] = size

    def gives(self, tensor: Tensor, name: str) -> None:
        """Make a tensor of Keras an output."""
        self.outputs[name] = self.of(tensor, 0)

    def of(self, tensor: Tensor, scope: int) -> int:
        """The number of a tensor's value, with the steps that it needs.

        `scope` tells apart the uses of a model inside the model.
        """
        key = id(tensor), scope
        if key not in self.known:
            operation, node, index = tensor._keras_history
            used = operation._inbound_nodes[node]
            if isinstance(operation, keras.Model):
                inner = len(self.known) + 1
                for one, other in zip(
                    keras.tree.flatten(operation.inputs),
                    used.input_tensors,
                    strict=True,
                ):
                    self.known[id(one), inner] = self.of(other, scope)
                self.known[key] = self.of(operation.outputs[index], inner)
            else:
                given = [self.of(one, scope) for one in used.input_tensors]
                self.known[key] = self.layer(operation, used, given, tensor)
        return self.known[key]

    def layer(self, layer: Any, used: Any, given: list[int], tensor: Tensor) -> int:
        """The steps of a layer or an operation of Keras."""
        size = int(np.prod(tensor.shape[1:]))
        kind = type(layer).__name__
        if kind in ("Reshape", "Flatten", "Dropout", "OneHot"):
            return given[0]
        if kind == "Embedding":
            table = np.asarray(layer.embeddings)
            if np.array_equal(table, np.eye(len(table))):
                return given[0]
            return self.step("dense", given, size, kernel=self.stored(table))
        if kind == "Dense":
            made = self.step(
                "dense",
                given,
                size,
                kernel=self.stored(layer.kernel),
                bias=self.stored(layer.bias) if layer.use_bias else None,
            )
            return self.activated(layer, made, size)
        if kind in ("Conv2D", "Conv2DTranspose"):
            if layer.padding != "same" or layer.dilation_rate not in (1, (1, 1)):
                raise ValueError(f"{layer.name}: only padding 'same' is known")
            height, width, channels = used.input_tensors[0].shape[1:]
            made = self.step(
                "convolve" if kind == "Conv2D" else "spread",
                given,
                size,
                kernel=self.stored(layer.kernel),
                bias=self.stored(layer.bias) if layer.use_bias else None,
                stride=layer.strides[0],
                height=height,
                width=width,
                channels=channels,
            )
            return self.activated(layer, made, size)
        if kind == "BatchNormalization":
            scale = 1 / np.sqrt(np.asarray(layer.moving_variance) + layer.epsilon)
            if layer.scale:
                scale = scale * np.asarray(layer.gamma)
            shift = -np.asarray(layer.moving_mean) * scale
            if layer.center:
                shift = shift + np.asarray(layer.beta)
            kept = self.stored(scale, exact=True), self.stored(shift, exact=True)
            return self.step("affine", given, size, scale=kept[0], shift=kept[1])
        if kind == "Rescaling":
            scale, offset = np.broadcast_arrays(
                np.asarray(layer.scale, "float32"), np.asarray(layer.offset, "float32")
            )
            kept = self.stored(scale, exact=True), self.stored(offset)
            return self.step("affine", given, size, scale=kept[0], shift=kept[1])
        if kind == "LayerNormalization":
            return self.step(
                "normalise",
                given,
                size,
                epsilon=layer.epsilon,
                scale=self.stored(layer.gamma),
                shift=self.stored(layer.beta),
            )
        if kind == "Activation":
            return self.activated(layer, given[0], size)
        if kind == "ReLU":
            return self.step("relu", given, size)
        if kind in ("Softmax", "Negative", "Sin", "Cos", "Concatenate"):
            return self.step(kind.lower(), given, size)
        if kind in ("Add", "Multiply"):
            for one in keras.tree.flatten((used.arguments.args, used.arguments.kwargs)):
                if not isinstance(one, keras.KerasTensor) and np.ndim(one):
                    shift = self.stored(one, exact=True)
                    if kind == "Multiply":
                        return self.step("scale", given, size, scale=shift)
            if len(given) != 2:
                raise ValueError(f"{layer.name}: {kind} with {len(given)} inputs")
            return self.step(kind.lower(), given, size)
        if kind == "Dot":
            if tuple(layer.axes) != (1, 2):
                raise ValueError(f"{layer.name}: only axes (1, 2) are known")
            return self.step("dot", given, size)
        raise ValueError(f"the playground's pages do not know {kind}")

    def activated(self, layer: Any, made: int, size: int) -> int:
        """The step of a layer's activation, none for a linear one."""
        name = keras.activations.serialize(layer.activation)
        return made if name == "linear" else self.step(name, [made], size)

    def content(self) -> bytes:
        """The file: a mark, the header's length, the header (JSON), the weights."""
        header = {
            "inputs": self.inputs,
            "outputs": self.outputs,
            "values": self.count,
            "steps": self.steps,
            "tables": self.tables,
        }
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 4)
        return b"DDN1" + len(text).to_bytes(4, "little") + text + bytes(self.weights)


# The networks -------------------------------------------------------------------------

Example = dict[str, Any]


def saved(lesson: str, name: str) -> keras.Model:
    """A generator that a lesson saved; says how to get one that counts."""
    entry = course.load().find(lesson)
    file = generators.paths(entry)[name]
    if not file.is_file() or generators.changes(entry):
        raise SystemExit(
            f"no {name} of today's lesson {lesson} is saved here: "
            f"digitdreams run {lesson}"
        )
    return models.load(file)


def one_hot(labels: np.ndarray, count: int = 10) -> np.ndarray:
    return np.eye(count, dtype="float32")[labels]


def labels_given(network: Network, model: keras.Model, count: int = 10) -> None:
    """Make labels an input: as many shares, which need not be all in one digit."""
    for one in model.inputs:
        if len(one.shape) == 1:
            network.given(one, "labels", count)


def latent() -> tuple[Network, list[Example]]:
    """Encoder and decoder of lesson 03's map, and codes of validation images."""
    import matplotlib

    matplotlib.use("agg")
    there: dict[str, Any] = {"__name__": "lesson"}
    for cell in read(ROOT / "lessons" / "03_vae.ipynb").cells:
        if cell.cell_type == "code":
            exec(compile(cell.source, cell.id, "exec"), there)
        if cell.id == LAST_CELL:
            break
    encoder, decoder = there["vae_2"].encoder, there["vae_2"].decoder
    network = Network()
    network.given(encoder.inputs[0], "images")
    for name, tensor in zip(("mean", "log_variance"), encoder.outputs, strict=True):
        network.gives(tensor, name)
    network.given(decoder.inputs[0], "code")
    network.gives(decoder.outputs[0], "logits")
    split = data.load().validation
    means, _ = encoder.predict(split.images[:SHOWN], verbose=0)
    network.tables["codes"] = network.stored(means.astype("float16"), exact=True)
    network.tables["labels"] = "".join(map(str, split.labels[:SHOWN]))
    images, examples = split.images[-COMPARED:], []
    codes = np.array([[0, 0], [1.5, -1], [-2, 2.5]], "float32")
    mean, log_variance = encoder.predict(images, verbose=0)
    logits = decoder.predict(codes, verbose=0)
    for row in range(COMPARED):
        examples.append(
            {
                "inputs": {"images": images[row], "code": codes[row]},
                "outputs": {
                    "mean": mean[row],
                    "log_variance": log_variance[row],
                    "logits": logits[row],
                },
            }
        )
    return network, examples


def of_judge() -> tuple[Network, list[Example]]:
    """The judge's probabilities."""
    model = judge.load()
    network = Network()
    network.given(model.inputs[0], "images")
    network.gives(model.output["probabilities"], "probabilities")
    images = data.load().validation.images[-COMPARED:].copy()
    images[-1, :14] = 0  # one that is no digit
    found = model.predict(images, verbose=0)["probabilities"]
    return network, [
        {"inputs": {"images": image}, "outputs": {"probabilities": one}}
        for image, one in zip(images, found, strict=True)
    ]


def conditional(lesson: str, name: str) -> tuple[Network, list[Example]]:
    """A generator from noise and shares of labels to images, and its styles."""
    model = saved(lesson, name)
    network = Network()
    noise, labels = keras.tree.flatten(model.input)
    if len(noise.shape) == 1:
        noise, labels = labels, noise
    network.given(noise, "noise")
    network.given(labels, "labels", 10)
    network.gives(model.outputs[0], "images")
    network.tables["styles"] = styles(network, model)
    drawn = np.random.default_rng(1).normal(size=(COMPARED, noise.shape[-1]))
    drawn, asked = drawn.astype("float32"), np.array([3, 7, 8], "int32")
    found = np.asarray(model(ordered(model, drawn, asked), training=False))
    return network, [
        {
            "inputs": {"noise": drawn[row], "labels": one_hot(asked[row])},
            "outputs": {"images": found[row]},
        }
        for row in range(COMPARED)
    ]


def ordered(model: keras.Model, noise: np.ndarray, labels: np.ndarray) -> Any:
    return keras.tree.pack_sequence_as(model.input, [noise, labels])


def styles(network: Network, model: keras.Model) -> dict[str, Any]:
    """Directions of the noise that change what a ruler measures, for each digit.

    Of each digit's draws, thickness, slant and width are regressed on the noise. With
    the slopes as rows of W (in standard deviations of the attribute), the columns of
    W's pseudoinverse change one attribute each and leave the two others, as far as the
    regression is right.
    """
    images, labels = models.sample(model, 10 * DRAWS)
    noise = np.random.default_rng(0).normal(size=(10 * DRAWS, noise_size(model)))
    measured = attributes.measure(images)
    table = np.stack([getattr(measured, name) for name in STYLES], axis=1)
    directions, explained = [], []
    for digit in range(10):
        rows = labels == digit
        wanted = (table[rows] - table[rows].mean(axis=0)) / table[rows].std(axis=0)
        given = noise[rows] - noise[rows].mean(axis=0)
        slopes, *_ = np.linalg.lstsq(given, wanted, rcond=None)
        explained.append(1 - (wanted - given @ slopes).var(axis=0))
        directions.append(np.linalg.pinv(slopes.T).T)  # (styles, noise)
    print("  share explained:", np.mean(explained, axis=0).round(2), "of", STYLES)
    return {"names": list(STYLES), "directions": network.stored([directions], True)}


def noise_size(model: keras.Model) -> int:
    return max(one.shape[-1] for one in model.inputs if len(one.shape) == 2)


def flow() -> tuple[Network, list[Example]]:
    """Lesson 14's velocity, with 11 shares of labels (the last: none), and its pixels.

    The steps are the page's.
    """
    generator = saved("14", "flow")
    [velocity] = [one for one in generator.layers if isinstance(one, keras.Model)]
    pixels = generator.get_layer("to_pixels")
    points, times, labels = velocity.inputs
    network = Network()
    network.given(points, "points")
    network.given(times, "time")
    network.given(labels, "labels", 11)
    network.gives(velocity.outputs[0], "velocity")
    end = keras.Input(points.shape[1:])
    network.given(end, "end")
    network.gives(pixels(end), "pixels")
    drawn = np.random.default_rng(1).normal(size=(COMPARED, points.shape[-1]))
    drawn, asked = drawn.astype("float32"), np.array([3, 7, 10], "int32")
    when = np.array([[0.0], [0.4], [0.9]], "float32")
    found = np.asarray(velocity([drawn, when, asked]))
    shown = np.asarray(pixels(drawn))
    return network, [
        {
            "inputs": {
                "points": drawn[row],
                "time": when[row],
                "labels": one_hot(asked[row], 11),
                "end": drawn[row],
            },
            "outputs": {"velocity": found[row], "pixels": shown[row]},
        }
        for row in range(COMPARED)
    ]


MAKERS: dict[str, Callable[[], tuple[Network, list[Example]]]] = {
    "judge": of_judge,
    "latent": latent,
    "cvae": lambda: conditional("04", "conditional VAE"),
    "cgan": lambda: conditional("07", "conditional GAN"),
    "flow": flow,
}


def export(name: str) -> None:
    """Write a network, its record and what the tests expect of it."""
    keras.utils.set_random_seed(course.load().seed)
    network, examples = MAKERS[name]()
    content = network.content()
    record = playground.records()
    digest = hashlib.sha256(content).hexdigest()
    (playground.NETWORKS / f"{name}.net").write_bytes(content)
    record[name] = {
        "sha256": digest,
        "bytes": len(content),
        "command": f"python tools/export_networks.py {name}",
        "made_from": playground.stamp_of(name, course.load()).numbers_made("exported"),
    }
    write_atomically(ROOT / playground.RECORDS, json.dumps(record, indent=2) + "\n")
    expected = json.loads(EXPECTED.read_text()) if EXPECTED.is_file() else {}
    expected[name] = [
        {
            kind: {key: as_list(values) for key, values in example[kind].items()}
            for kind in ("inputs", "outputs")
        }
        for example in examples
    ]
    write_atomically(EXPECTED, json.dumps(expected, separators=(",", ":")) + "\n")
    print(f"{name}: {len(content) / 1000:,.0f} kB")


def as_list(values: np.ndarray) -> list[float]:
    return [float(f"{one:.5g}") for one in np.ravel(values)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", choices=[*MAKERS, []], metavar="NAME")
    for name in parser.parse_args().names or MAKERS:
        export(name)


if __name__ == "__main__":
    main()
