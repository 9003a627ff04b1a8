"""Operations of a float graph that need none of their own: what is linear goes into the convolution before it.

Each function changes the last convolution, or adds a pointwise one, and names the tensor that holds the answer then;
None: the place is another one, and nothing was changed. Leaves out: reading a file (`onnx`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from agent.models.graph import CONV, DEPTHWISE, Array, Graph, Node


def _own(graph: Graph, name: str) -> Node | None:
    """The convolution that makes this tensor, if nothing else reads it and nothing was done to its answer."""
    node = graph.producer(name)
    if node is None or node.kind not in (CONV, DEPTHWISE) or node.relu or graph.consumers(name):
        return None
    return None if name in graph.result else node


def _pointwise(node: Node) -> bool:
    return node.kind == CONV and node.weight is not None and node.weight.shape[1:3] == (1, 1)


def rectify(graph: Graph, name: str) -> str | None:
    """Let the convolution that makes `name` leave out what is below zero."""
    node = _own(graph, name)
    if node is None:
        return None
    node.relu = True
    return name


def multiply(graph: Graph, name: str, matrix: Array, output: str) -> str | None:
    """The (1, 1, 1, n) tensor `name` times an (n, m) matrix, as a pointwise convolution called `output` + "/m".

    A product that follows a pointwise convolution on the same vector is one with it.
    """
    shape = graph.shapes[name]
    if shape[1:3] != (1, 1) or matrix.ndim != 2 or matrix.shape[0] != shape[-1]:
        return None
    turned = matrix.T.astype(np.float64)
    node = _own(graph, name)
    if node is not None and _pointwise(node):
        assert node.weight is not None and node.bias is not None
        node.bias = (turned @ node.bias).astype(np.float32)
        node.weight = (turned @ node.weight[:, 0, 0].astype(np.float64)).astype(np.float32)[:, None, None]
        graph.shapes[name] = (1, 1, 1, matrix.shape[1])
        return name
    made = output + "/m"
    weight = np.ascontiguousarray(turned[:, None, None], np.float32)
    bias = np.zeros(matrix.shape[1], np.float32)
    graph.nodes.append(Node(CONV, (name,), made, weight=weight, bias=bias, same=False))
    graph.shapes[made] = (1, 1, 1, matrix.shape[1])
    return made


def normalise(graph: Graph, name: str, stored: Sequence[Array], epsilon: float) -> str | None:
    """Batch normalisation of `name` with factor, shift, mean and variance of each channel."""
    node = _own(graph, name)
    if node is None or node.weight is None or node.bias is None or node.kind != CONV:
        return None
    if any(each.shape != node.bias.shape for each in stored):
        return None
    factor, shift, mean, variance = (each.astype(np.float64) for each in stored)
    factor = factor / np.sqrt(variance + epsilon)
    node.weight = (node.weight * factor.reshape(-1, 1, 1, 1)).astype(np.float32)
    node.bias = ((node.bias - mean) * factor + shift).astype(np.float32)
    return name
