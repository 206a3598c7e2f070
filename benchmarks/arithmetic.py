"""How much arithmetic a training step holds, and how much this machine can do.

Counted are matrix products and convolutions, two operations for each pair of numbers
that is multiplied and added; all else is small beside them, or is no arithmetic.
"""

import math
import time
from collections.abc import Callable
from typing import Any

import tensorflow as tf

SIZE = 2048  # of the matrices in the measured product


def operations(step: Callable[..., Any], *inputs: Any, rare: float = 1.0) -> float:
    """The arithmetic of one call of `step` with inputs like these.

    `rare` is how often the costlier branch of a condition is taken: of each condition
    that the step holds, this share of it counts, and the rest of the cheaper one.

    Raises ValueError where a loop or an unknown shape hides how much it is.
    """
    shapes = [tf.TensorSpec(one.shape, one.dtype) for one in inputs]
    graph = tf.function(step).get_concrete_function(*shapes).graph
    return count(graph, rare)


def count(graph: Any, rare: float) -> float:
    """The arithmetic of a graph and of the functions that it calls."""
    total = 0.0
    for node in graph.get_operations():
        if node.type in PRODUCTS:
            total += 2 * PRODUCTS[node.type](node)
        elif node.type in ("If", "StatelessIf"):
            names = [node.get_attr(f"{one}_branch").name for one in ("then", "else")]
            costs = sorted(count(body(graph, name), rare) for name in names)
            total += (1 - rare) * costs[0] + rare * costs[1]
        elif node.type in ("PartitionedCall", "StatefulPartitionedCall"):
            total += count(body(graph, node.get_attr("f").name), rare)
        elif node.type in ("While", "StatelessWhile"):
            inside = count(body(graph, node.get_attr("body").name), rare)
            if inside:
                raise ValueError(f"{node.name} repeats arithmetic, unknown how often")
    return total


def body(graph: Any, name: str) -> Any:
    """The graph of a function that a graph calls."""
    return graph._get_function(name).graph


def size(tensor: Any) -> int:
    if not tensor.shape.is_fully_defined():
        raise ValueError(f"{tensor.name} has no fixed shape: {tensor.shape}")
    return math.prod(tensor.shape)


def of_product(node: Any) -> int:
    first, _ = node.inputs
    transposed = "transpose_a" if node.type == "MatMul" else "adj_x"
    inner = first.shape[-2 if node.get_attr(transposed) else -1]
    return size(node.outputs[0]) * inner


def of_convolution(node: Any) -> int:
    """Each output takes a window of the kernel's size, in all input channels."""
    height, width, channels, _ = node.inputs[1].shape
    return size(node.outputs[0]) * height * width * channels


def of_input_gradient(node: Any) -> int:
    """As many products as forwards, where the output had the gradient's shape."""
    height, width, channels, _ = node.inputs[1].shape
    return size(node.inputs[2]) * height * width * channels


def of_kernel_gradient(node: Any) -> int:
    height, width, channels, _ = node.outputs[0].shape
    return size(node.inputs[2]) * height * width * channels


PRODUCTS = {
    "MatMul": of_product,
    "BatchMatMulV2": of_product,
    "Conv2D": of_convolution,
    "Conv2DBackpropInput": of_input_gradient,
    "Conv2DBackpropFilter": of_kernel_gradient,
}


class Peak:
    """The operations a second that this machine reaches in one large matrix product."""

    def __init__(self) -> None:
        matrix = tf.random.normal((SIZE, SIZE))
        self._product = tf.function(lambda: tf.reduce_max(matrix @ matrix))
        float(self._product())

    def measure(self, repeats: int = 3) -> float:
        """The best of so many products, as things are now."""
        seconds = []
        for _ in range(repeats):
            began = time.perf_counter()
            float(self._product())
            seconds.append(time.perf_counter() - began)
        return 2 * SIZE**3 / min(seconds)
