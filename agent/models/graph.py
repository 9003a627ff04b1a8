"""A small network as plain data: read from a float file, changed by pure functions, written by `emit`.

Only the operations of the networks that are built here exist; any other operation in a source file is an
error, never a guess. Weights are float32 NumPy arrays in TFLite's own layout. Leaves out: training, control flow,
dynamic shapes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from agent.errors import DeviceError

Array = npt.NDArray[np.float32]
Shape = tuple[int, ...]

CONV, DEPTHWISE, ADD, MAXIMUM, PRELU, POOL, PAD, RESIZE, RESHAPE, MEAN, SIGMOID, GATE = (
    "conv",
    "depthwise",
    "add",
    "maximum",
    "prelu",
    "pool",
    "pad",
    "resize",
    "reshape",
    "mean",
    "sigmoid",
    "gate",
)
"""`mean` is over height and width, (1, 1, 1, channels); `gate` multiplies its first input by such a second one."""


@dataclass(slots=True)
class Node:
    """One operation with one output, which is also the node's name."""

    kind: str
    inputs: tuple[str, ...]
    output: str
    weight: Array | None = None
    """conv: (out, height, width, in); depthwise: (1, height, width, channels)."""
    bias: Array | None = None
    slope: Array | None = None
    """prelu: factor of each channel for values below zero."""
    stride: int = 1
    same: bool = True
    """True: output size = input size / stride (zero padding); False: only whole windows."""
    relu: bool = False
    grow: int = 0
    """pad: channels of zeros that are appended."""
    half_pixel: bool = False
    """resize: where sample centres lie (bilinear, to the size of the node's declared shape)."""


@dataclass(slots=True)
class Graph:
    """Nodes in running order; `shapes` holds every tensor's shape with a batch of one."""

    source: str
    result: tuple[str, ...]
    nodes: list[Node] = field(default_factory=list)
    shapes: dict[str, Shape] = field(default_factory=dict)

    def producer(self, name: str) -> Node | None:
        return next((node for node in self.nodes if node.output == name), None)

    def consumers(self, name: str) -> list[Node]:
        return [node for node in self.nodes if name in node.inputs]


_PLAIN = {
    "dilationHFactor": 1,
    "dilationWFactor": 1,
    "depthMultiplier": 1,
    "alignCorners": False,
    "filterHeight": 2,
    "filterWidth": 2,
}
"""Options that a node does not hold, with the one value that they may have in a source file."""
_NO_ACTIVATION, _RELU = schema.ActivationFunctionType.NONE, schema.ActivationFunctionType.RELU
_RELU_MAKERS = (CONV, DEPTHWISE, ADD, POOL)
_OPS: dict[int, str] = {value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)}


class _File:
    """The tables of one float TFLite file with one subgraph."""

    def __init__(self, data: bytes) -> None:
        self.model: Any = schema.ModelT.InitFromObj(schema.Model.GetRootAs(data, 0))
        self.sub: Any = self.model.subgraphs[0]

    def op_name(self, operator: Any) -> str:
        code = self.model.operatorCodes[operator.opcodeIndex]
        return _OPS[max(code.builtinCode, code.deprecatedBuiltinCode)]

    def name(self, index: int) -> str:
        return f"t{index}"

    def constant(self, index: int) -> Array | None:
        """The stored float values of a tensor, or None when it is computed."""
        tensor = self.sub.tensors[index]
        raw = self.model.buffers[tensor.buffer].data
        if raw is None or len(raw) == 0:
            return None
        kinds = {schema.TensorType.FLOAT32: np.float32, schema.TensorType.FLOAT16: np.float16}
        if tensor.type not in kinds:
            return None
        return np.frombuffer(bytes(raw), kinds[tensor.type]).reshape(tensor.shape).astype(np.float32)

    def integers(self, index: int) -> npt.NDArray[np.int32]:
        tensor = self.sub.tensors[index]
        return np.frombuffer(bytes(self.model.buffers[tensor.buffer].data), np.int32).reshape(tensor.shape)

    def shape(self, index: int) -> Shape:
        return (1, *(int(side) for side in self.sub.tensors[index].shape[1:]))


def read(data: bytes, where: str) -> Graph:
    """Read the bytes of a float TFLite file into a graph with a batch of one; half-precision weights become float32.

    Raises:
        DeviceError: the file uses an operation that these networks do not have.
    """
    file = _File(data)
    constants: dict[int, Array] = {}
    graph = Graph(file.name(file.sub.inputs[0]), tuple(file.name(i) for i in file.sub.outputs))
    graph.shapes[graph.source] = file.shape(file.sub.inputs[0])
    for index in range(len(file.sub.tensors)):
        value = file.constant(index)
        if value is not None:
            constants[index] = value
    raw: list[Any] = []
    for operator in file.sub.operators:
        if file.op_name(operator) == "DEQUANTIZE":
            constants[operator.outputs[0]] = constants[operator.inputs[0]]
        else:
            raw.append(operator)
    for position, operator in enumerate(raw):
        _take(file, constants, operator, graph, f"{where}: operation {position}")
    return graph


def _take(file: _File, constants: dict[int, Array], operator: Any, graph: Graph, where: str) -> None:
    """Append the node of one operation, or fuse it into the one that makes its input."""
    kind, options, output = file.op_name(operator), operator.builtinOptions, operator.outputs[0]
    _demand_plain(kind, options, where)
    inputs = tuple(file.name(i) for i in operator.inputs if i not in constants)
    if kind in ("CONV_2D", "DEPTHWISE_CONV_2D"):
        node = Node(CONV if kind == "CONV_2D" else DEPTHWISE, inputs, "")
        node.weight, node.bias = constants[operator.inputs[1]], constants[operator.inputs[2]].reshape(-1)
        node.stride, node.same = options.strideH, options.padding == schema.Padding.SAME
    elif kind in ("ADD", "MAXIMUM"):
        node = Node(ADD if kind == "ADD" else MAXIMUM, inputs, "")
    elif kind == "MAX_POOL_2D":
        node = Node(POOL, inputs, "", stride=options.strideH, same=options.padding == schema.Padding.SAME)
    elif kind == "PAD":
        node = Node(PAD, inputs[:1], "", grow=int(file.integers(operator.inputs[1])[3, 1]))
    elif kind == "RESIZE_BILINEAR":
        node = Node(RESIZE, inputs[:1], "", half_pixel=bool(options.halfPixelCenters))
    elif kind == "RESHAPE":
        node = Node(RESHAPE, inputs[:1], "")
    elif kind == "RELU":
        last = graph.producer(inputs[0])
        if last is None or last.kind not in _RELU_MAKERS or graph.consumers(last.output):
            raise DeviceError(f"{where}: a RELU that cannot be fused; build from the named package file")
        last.relu, graph.shapes[file.name(output)] = True, graph.shapes.pop(last.output)
        last.output = file.name(output)
        return
    else:
        raise DeviceError(f"{where}: {kind} is not known; build from the named package file")
    node.output = file.name(output)
    node.relu = getattr(options, "fusedActivationFunction", _NO_ACTIVATION) == _RELU
    graph.nodes.append(node)
    graph.shapes[node.output] = file.shape(output)


def _demand_plain(kind: str, options: Any, where: str) -> None:
    faults = [name for name, plain in _PLAIN.items() if getattr(options, name, plain) != plain]
    if getattr(options, "strideH", 0) != getattr(options, "strideW", 0):
        faults.append("strideW")
    active = getattr(options, "fusedActivationFunction", _NO_ACTIVATION)
    if active not in (_NO_ACTIVATION, _RELU):
        faults.append("fusedActivationFunction")
    if faults:
        raise DeviceError(f"{where}: {kind} with a {faults[0]} that is not known; build from the named package file")
