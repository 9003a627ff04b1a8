"""What tests of the models room start from: small networks by chance, their answers in NumPy, and a LiteRT to run them.

The NumPy answers are written from the definition of each operation and share no code with the agent.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from numpy.lib.stride_tricks import sliding_window_view

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
    RESHAPE,
    RESIZE,
    SIGMOID,
    Array,
    Graph,
    Node,
)
from agent.models.runtime import start

ROOT = Path(__file__).resolve().parents[2]
MODELS, CAST = ROOT / "models", ROOT / "scenes" / "cast"
Real = npt.NDArray[np.float64]


def windows(value: Real, high: int, wide: int, node: Node, fill: float) -> Real:
    """What each output place sees, (out height, out width, channels, high, wide), by TFLite's rule of padding."""
    edges = []
    for size, kernel in ((value.shape[0], high), (value.shape[1], wide)):
        missing = (math.ceil(size / node.stride) - 1) * node.stride + kernel - size
        before = max(missing, 0) // 2
        edges.append((before, max(missing, 0) - before) if node.same else (0, 0))
    padded = np.pad(value, (*edges, (0, 0)), constant_values=fill)
    return sliding_window_view(padded, (high, wide), axis=(0, 1))[:: node.stride, :: node.stride]


def resized(value: Real, axis: int, size: int, half_pixel: bool) -> Real:
    """Linear interpolation along one axis."""
    old = value.shape[axis]
    half = 0.5 if half_pixel else 0.0
    at = np.clip((np.arange(size) + half) * old / size - half, 0, old - 1)
    low = np.floor(at).astype(int)
    share = (at - low).reshape([-1 if i == axis else 1 for i in range(3)])
    return value.take(low, axis) * (1 - share) + value.take(np.minimum(low + 1, old - 1), axis) * share


def operation(node: Node, graph: Graph, known: Mapping[str, Real]) -> Real:
    """The exact answer of one operation, from its inputs."""
    first = known[node.inputs[0]]
    if node.kind in (CONV, DEPTHWISE):
        assert node.weight is not None and node.bias is not None
        weight = node.weight.astype(np.float64)
        seen = windows(first, weight.shape[1], weight.shape[2], node, 0.0)
        if node.kind == CONV:
            made = np.einsum("ijckl,oklc->ijo", seen, weight) + node.bias
        else:
            made = np.einsum("ijckl,klc->ijc", seen, weight[0]) + node.bias
    elif node.kind == ADD:
        made = first + known[node.inputs[1]]
    elif node.kind == MAXIMUM:
        made = np.maximum(first, known[node.inputs[1]])
    elif node.kind == PRELU:
        made = np.where(first < 0, first * node.slope, first)
    elif node.kind == POOL:
        made = windows(first, 2, 2, node, -np.inf).max(axis=(3, 4))
    elif node.kind == PAD:
        made = np.pad(first, ((0, 0), (0, 0), (0, node.grow)))
    elif node.kind == RESIZE:
        high, wide = graph.shapes[node.output][1:3]
        made = resized(resized(first, 0, high, node.half_pixel), 1, wide, node.half_pixel)
    elif node.kind == MEAN:
        made = first.mean(axis=(0, 1), keepdims=True)
    elif node.kind == SIGMOID:
        made = 1 / (1 + np.exp(-first))
    elif node.kind == GATE:
        made = first * known[node.inputs[1]]
    else:
        assert node.kind == RESHAPE
        made = first.reshape(graph.shapes[node.output][1:])
    assert made.shape == graph.shapes[node.output][1:], node.kind
    return np.maximum(made, 0) if node.relu else made


def answers(graph: Graph, picture: npt.ArrayLike) -> dict[str, Real]:
    """Every activation of the network for one input (height, width, channels), without the batch axis."""
    known: dict[str, Real] = {graph.source: np.asarray(picture, np.float64)}
    for node in graph.nodes:
        known[node.output] = operation(node, graph, known)
    return known


class Chance:
    """Builds one network by chance; the same seed builds the same one."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        side = self.random.integers(5, 10, 2)
        shape = (1, int(side[0]), int(side[1]), int(self.random.integers(1, 4)))
        self.graph = Graph("in", (), shapes={"in": shape})
        self.last = "in"
        self.free = ["in"]
        """What an addition may take: no activation whose sign `spell_prelu` turns."""

    def number(self, low: int, high: int) -> int:
        return int(self.random.integers(low, high + 1))

    def add(self, node: Node, shape: tuple[int, ...], *, free: bool = True) -> None:
        self.graph.nodes.append(node)
        self.graph.shapes[node.output] = shape
        self.last = node.output
        if free:
            self.free.append(node.output)

    def name(self) -> str:
        return f"n{len(self.graph.nodes)}"

    def convolution(self, kind: str, relu: bool, free: bool = True, kernel: int | None = None) -> None:
        _, high, wide, channels = self.graph.shapes[self.last]
        size, stride, same = kernel or self.number(1, 3), self.number(1, 2), bool(self.number(0, 1))
        if min(high, wide) < 4:
            stride, same = 1, True
        out = self.number(1, 5) if kind == CONV else channels
        weight = self.random.normal(0, 1 / size, (out, size, size, channels) if kind == CONV else (1, size, size, out))
        node = Node(kind, (self.last,), self.name(), stride=stride, same=same, relu=relu)
        node.weight = weight.astype(np.float32)
        node.bias = self.random.normal(0, 0.3, out).astype(np.float32)
        sides = (math.ceil(high / stride), math.ceil(wide / stride))
        if not same:
            sides = ((high - size) // stride + 1, (wide - size) // stride + 1)
        self.add(node, (1, *sides, out), free=free)

    def bend(self) -> None:
        """A convolution, its PReLU, and another convolution."""
        self.convolution((CONV, DEPTHWISE)[self.number(0, 1)], relu=False, free=False)
        shape = self.graph.shapes[self.last]
        slope = self.random.normal(0.5, 1.5, shape[-1]).astype(np.float32)
        self.add(Node(PRELU, (self.last,), self.name(), slope=slope), shape, free=False)
        self.convolution((CONV, DEPTHWISE)[self.number(0, 1)], relu=bool(self.number(0, 1)))

    def join(self) -> None:
        shape = self.graph.shapes[self.last]
        others = [name for name in self.free if self.graph.shapes[name] == shape]
        other = others[self.number(0, len(others) - 1)]
        self.add(Node(ADD, (self.last, other), self.name(), relu=bool(self.number(0, 1))), shape)

    def pool(self) -> None:
        _, high, wide, channels = self.graph.shapes[self.last]
        self.add(
            Node(POOL, (self.last,), self.name(), stride=2), (1, math.ceil(high / 2), math.ceil(wide / 2), channels)
        )

    def pad(self) -> None:
        grow, shape = self.number(1, 3), self.graph.shapes[self.last]
        self.add(Node(PAD, (self.last,), self.name(), grow=grow), (*shape[:3], shape[3] + grow))

    def resize(self) -> None:
        _, high, wide, channels = self.graph.shapes[self.last]
        half_pixel = bool(self.number(0, 1))
        self.add(Node(RESIZE, (self.last,), self.name(), half_pixel=half_pixel), (1, high * 2, wide * 2, channels))

    def gate(self) -> None:
        """Squeeze and excitation: channels are let through by what their means say."""
        through, channels = self.last, self.graph.shapes[self.last][-1]
        self.add(Node(MEAN, (self.last,), self.name()), (1, 1, 1, channels), free=False)
        for relu, out in ((True, self.number(1, 4)), (False, channels)):
            weight = self.random.normal(0, 1, (out, 1, 1, self.graph.shapes[self.last][-1])).astype(np.float32)
            bias = self.random.normal(0, 0.3, out).astype(np.float32)
            node = Node(CONV, (self.last,), self.name(), weight=weight, bias=bias, relu=relu)
            self.add(node, (1, 1, 1, out), free=False)
        self.add(Node(SIGMOID, (self.last,), self.name()), (1, 1, 1, channels), free=False)
        self.add(Node(GATE, (through, self.last), self.name()), self.graph.shapes[through])

    def finish(self, flat: bool) -> Graph:
        self.convolution(CONV, relu=False, kernel=1)
        if flat:
            _, high, wide, channels = self.graph.shapes[self.last]
            self.add(Node(RESHAPE, (self.last,), self.name()), (1, high * wide * channels))
        self.graph.result = (self.last,)
        return self.graph


def network(seed: int, *, gates: bool = True) -> Graph:
    """A network of three to eight operations and more, any of the eleven kinds, its last a convolution or a reshape.

    Args:
        gates: what only an ONNX file has may be there too.
    """
    chance = Chance(seed)
    chance.convolution(CONV, relu=bool(chance.number(0, 1)))
    for _ in range(chance.number(1, 5)):
        step = chance.number(0, 6 + gates)
        if step == 0:
            chance.convolution(CONV, relu=bool(chance.number(0, 1)))
        elif step == 1:
            chance.convolution(DEPTHWISE, relu=bool(chance.number(0, 1)))
        else:
            (chance.bend, chance.join, chance.pool, chance.pad, chance.resize, chance.gate)[step - 2]()
    return chance.finish(flat=bool(chance.number(0, 1)))


def pictures(graph: Graph, count: int, seed: int = 1) -> Array:
    """Inputs between -1 and 1, smooth as pictures are, (count, height, width, channels)."""
    _, high, wide, channels = graph.shapes[graph.source]
    random = np.random.default_rng(seed)
    made = random.uniform(-1, 1, (count, 1, 1, channels)) + random.normal(0, 0.4, (count, high, wide, channels))
    return np.clip(made, -1, 1).astype(np.float32)


class Running:
    """A file in LiteRT, one input at a time."""

    def __init__(self, data: bytes) -> None:
        self.runtime = start(Interpreter, data)
        self.source = self.runtime.get_input_details()[0]
        self.outputs: dict[str, dict[str, Any]] = {
            detail["name"]: detail for detail in self.runtime.get_output_details()
        }

    def __call__(self, stored: npt.NDArray[Any]) -> dict[str, npt.NDArray[Any]]:
        """From the stored input (without batch axis) to the stored outputs by name."""
        self.runtime.set_tensor(self.source["index"], stored[None])
        self.runtime.invoke()
        return {name: self.runtime.get_tensor(detail["index"])[0] for name, detail in self.outputs.items()}

    def real(self, picture: npt.NDArray[np.float32]) -> dict[str, npt.NDArray[np.float32]]:
        """The same in real numbers, for a file with int8 at both ends."""
        scale, zero = self.source["quantization"]
        stored = np.clip(np.rint(picture / scale + zero), -128, 127).astype(np.int8)
        made: dict[str, npt.NDArray[np.float32]] = {}
        for name, value in self(stored).items():
            scale, zero = self.outputs[name]["quantization"]
            made[name] = (value.astype(np.float32) - zero) * scale
        return made


def tensors(data: bytes) -> list[tuple[str, int, bool]]:
    """Name, type and whether it is stored in the file, of every tensor of a model file."""
    model: Any = schema.ModelT.InitFromObj(schema.Model.GetRootAs(data, 0))
    found = []
    for sub in model.subgraphs:
        for tensor in sub.tensors:
            stored = model.buffers[tensor.buffer].data
            found.append((tensor.name.decode(), int(tensor.type), stored is not None and len(stored) > 0))
    return found
