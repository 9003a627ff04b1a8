"""Pure changes of a float graph that keep its answers and make it fit for int8.

`spell_prelu` writes each PReLU with operations that int8 runtimes have; `equalise` gives every channel of an
activation a like range, so that one scale for the tensor serves all of them; `shift_input` moves the picture's half
step into the first bias. Each returns a new graph that computes the same real numbers.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from agent.models.graph import (
    ADD,
    CONV,
    DEPTHWISE,
    GATE,
    MAXIMUM,
    MEAN,
    PAD,
    POOL,
    PRELU,
    RESIZE,
    Array,
    Graph,
    Node,
)


def spell_prelu(graph: Graph) -> Graph:
    """Replace conv -> PReLU by two convolutions of the same input and the greater of them, exactly.

    prelu(x) = max(x, slope * x) where slope <= 1. Where slope > 1 the sign of the channel is turned first
    (x' = -x, result' = -result), and the next layer's weights take the turned sign back. The second convolution is
    the first with its weights multiplied by the slope, so each channel's slope sits in per-channel weights. In int8
    both have the result's scale (`quantise.scales`): one rounding in all, and what a branch clips is never the greater.
    """
    graph = copy.deepcopy(graph)
    made: list[Node] = []
    for node in graph.nodes:
        if node.kind != PRELU:
            made.append(node)
            continue
        assert node.slope is not None
        base = made[-1]
        assert base.output == node.inputs[0] and base.weight is not None and base.bias is not None
        assert graph.consumers(base.output) == [node], "another reader would see the turned sign"
        turn = np.where(node.slope > 1.0, -1.0, 1.0).astype(np.float32)
        _scale_output(base, turn)
        twin = copy.deepcopy(base)
        twin.output = base.output + "b"
        _scale_output(twin, node.slope)
        graph.shapes[twin.output] = graph.shapes[base.output]
        made += [twin, Node(MAXIMUM, (base.output, twin.output), node.output)]
        assert node.output not in graph.result or (turn > 0).all(), "a turned sign needs weights behind it"
        for reader in graph.consumers(node.output):
            assert reader.kind in (CONV, DEPTHWISE), "a turned sign needs weights behind it"
            _scale_input(reader, turn)
    graph.nodes = made
    return graph


def _scale_output(node: Node, factor: Array) -> None:
    assert node.weight is not None and node.bias is not None
    wide = factor.reshape((-1, 1, 1, 1) if node.kind == CONV else (1, 1, 1, -1))
    node.weight = (node.weight * wide).astype(np.float32)
    node.bias = (node.bias * factor).astype(np.float32)


def _scale_input(node: Node, factor: Array) -> None:
    assert node.weight is not None
    node.weight = (node.weight * factor.reshape(1, 1, 1, -1)).astype(np.float32)


def shift_input(graph: Graph, amount: float) -> Graph:
    """Let the first convolution take inputs that are smaller by `amount` (the border padding aside)."""
    graph = copy.deepcopy(graph)
    for node in graph.consumers(graph.source):
        assert node.weight is not None and node.bias is not None and node.kind == CONV
        node.bias = (node.bias + amount * node.weight.sum(axis=(1, 2, 3))).astype(np.float32)
    return graph


@dataclass(frozen=True, slots=True)
class Extent:
    """Per-channel range of one activation over the calibration pictures; arrays of shape (pictures, channels)."""

    low: npt.NDArray[np.float32]
    high: npt.NDArray[np.float32]

    def reach(self, share: float) -> npt.NDArray[np.float64]:
        """Greatest absolute value of each channel, leaving out the (1 - share) wildest pictures."""
        peak = np.maximum(np.abs(self.low), np.abs(self.high))
        return np.asarray(np.quantile(peak, share, axis=0), np.float64)


def tied(graph: Graph) -> list[list[str]]:
    """Activations whose channels must share one factor, because additions, pools or resizes join them.

    A gate's answer goes with what it lets through, not with how far it is open.
    """
    parent = {name: name for name in graph.shapes}

    def root(name: str) -> str:
        while parent[name] != name:
            name = parent[name]
        return name

    for node in graph.nodes:
        if node.kind in (ADD, MAXIMUM, POOL, PAD, RESIZE, MEAN, GATE):
            for name in node.inputs[:1] if node.kind == GATE else node.inputs:
                parent[root(name)] = root(node.output)
    groups: dict[str, list[str]] = {}
    for name in graph.shapes:
        groups.setdefault(root(name), []).append(name)
    return list(groups.values())


def equalise(graph: Graph, extents: Mapping[str, Extent], strength: float, share: float) -> Graph:
    """Scale channels towards a common reach; convolutions before and behind absorb the factors.

    Args:
        strength: 0 leaves all as it is, 1 makes the reaches equal. Full convolutions pay for it with uneven weights,
            so activations that only depthwise layers read always get 1; not so where one window takes in the whole
            picture, for what lies there reaches further on other people than on those of the calibration.
        share: see `Extent.reach`.
    """
    graph = copy.deepcopy(graph)
    fixed = {graph.source, *graph.result}
    for group in tied(graph):
        if fixed & set(group) or any(_joined_raw(graph, name) for name in group):
            continue
        channels = max(graph.shapes[name][-1] for name in group)
        reach = np.zeros(channels)
        for name in group:
            here = extents[name].reach(share)
            reach[: here.size] = np.maximum(reach[: here.size], here)
        readers = [reader for name in group for reader in graph.consumers(name) if reader.weight is not None]
        power = 1.0 if readers and all(reader.kind == DEPTHWISE and reader.same for reader in readers) else strength
        peak = reach.max()
        if not peak > 0.0:
            continue
        factor = np.clip(peak / np.maximum(reach, peak * 1e-3), 1.0, 1e3) ** power
        for name in group:
            size = graph.shapes[name][-1]
            own = factor[:size].astype(np.float32)
            node = graph.producer(name)
            if node is not None and node.weight is not None:
                _scale_output(node, own)
            for reader in graph.consumers(name):
                if reader.weight is not None:
                    _scale_input(reader, (1.0 / own).astype(np.float32))
    return graph


def _joined_raw(graph: Graph, name: str) -> bool:
    """Whether anything but the known joins or convolutions makes or reads the activation (then it is left alone)."""
    known = (CONV, DEPTHWISE, ADD, MAXIMUM, POOL, PAD, RESIZE, MEAN, GATE)
    return any(node.kind not in known for node in graph.nodes if name in (node.output, *node.inputs))
