"""Take out the channels of a float graph that say nothing.

A network that was trained with decay leaves depthwise kernels of zeros: such a channel puts out one constant, whatever
is in the picture. The constant goes into the bias of the next convolution and the channel is dropped, from the
convolution that made it on: the answers stay, the work goes. Leaves out: channels that say little.
"""

from __future__ import annotations

import copy
from typing import Final

import numpy as np
import numpy.typing as npt

from agent.models.graph import CONV, DEPTHWISE, PRELU, Graph, Node

_NOTHING: Final = 1e-6
"""A depthwise kernel is nothing below this share of the layer's greatest weight."""


def prune(graph: Graph) -> Graph:
    """A new graph without the idle channels between a convolution, its depthwise convolution and the next one.

    Looked at are chains of convolution, depthwise convolution and pointwise convolution, PReLUs between them or not,
    where nothing else reads on the way.
    """
    graph = copy.deepcopy(graph)
    for node in graph.nodes:
        if node.kind != DEPTHWISE:
            continue
        before, after = _before(graph, node), _after(graph, node)
        if before is None or after is None:
            continue
        assert node.weight is not None
        size = np.abs(node.weight).max(axis=(0, 1, 2))
        kept = size > _NOTHING * size.max()
        _drop(graph, before, node, after, kept)
    return graph


def _before(graph: Graph, node: Node) -> list[Node] | None:
    """The convolution that makes the input, and the PReLU between; None where the chain is another one."""
    chain: list[Node] = []
    name = node.inputs[0]
    while (maker := graph.producer(name)) is not None and len(graph.consumers(name)) == 1 and name not in graph.result:
        chain.insert(0, maker)
        if maker.kind == CONV:
            return chain
        if maker.kind != PRELU:
            return None
        name = maker.inputs[0]
    return None


def _after(graph: Graph, node: Node) -> list[Node] | None:
    """The PReLU behind, and the pointwise convolution that reads; None where the chain is another one."""
    chain: list[Node] = []
    name = node.output
    while len(readers := graph.consumers(name)) == 1 and name not in graph.result:
        chain.append(readers[0])
        if readers[0].kind == CONV and readers[0].weight is not None and readers[0].weight.shape[1:3] == (1, 1):
            return chain
        if readers[0].kind != PRELU:
            return None
        name = readers[0].output
    return None


def _drop(graph: Graph, before: list[Node], node: Node, after: list[Node], kept: npt.NDArray[np.bool_]) -> None:
    assert node.bias is not None
    idle = node.bias.astype(np.float64)
    if node.relu:
        idle = np.maximum(idle, 0.0)
    for bend in after[:-1]:
        assert bend.slope is not None
        idle = np.where(idle < 0.0, idle * bend.slope, idle)
    last = after[-1]
    assert last.weight is not None and last.bias is not None
    last.bias = (last.bias + last.weight[:, 0, 0, ~kept].astype(np.float64) @ idle[~kept]).astype(np.float32)
    last.weight = np.ascontiguousarray(last.weight[..., kept])
    for each in (*before, node, *after[:-1]):
        if each.slope is not None:
            each.slope = each.slope[kept]
        if each.weight is not None and each.bias is not None:
            each.bias = each.bias[kept]
            each.weight = np.ascontiguousarray(each.weight[kept] if each.kind == CONV else each.weight[..., kept])
        graph.shapes[each.output] = (*graph.shapes[each.output][:-1], int(kept.sum()))
