"""Write a graph as a TFLite file: float for measuring, int8 for shipping.

The int8 file is strictly int8 from its input to its outputs: weights per output channel, activations per tensor,
biases int32. The bytes depend on the graph and its quantisation alone: no time, path, name or version goes in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import flatbuffers
import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

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
    Graph,
    Node,
)

_VERSION = 3


@dataclass(frozen=True, slots=True)
class Scale:
    """real value = scale * (int8 value - zero)."""

    scale: float
    zero: int


_CODES = {
    CONV: ("CONV_2D", "Conv2DOptions", 3),
    DEPTHWISE: ("DEPTHWISE_CONV_2D", "DepthwiseConv2DOptions", 3),
    ADD: ("ADD", "AddOptions", 2),
    MAXIMUM: ("MAXIMUM", "MaximumMinimumOptions", 2),
    POOL: ("MAX_POOL_2D", "Pool2DOptions", 2),
    PAD: ("PAD", "PadOptions", 2),
    RESIZE: ("RESIZE_BILINEAR", "ResizeBilinearOptions", 2),
    RESHAPE: ("RESHAPE", "ReshapeOptions", 1),
    PRELU: ("PRELU", None, 1),
    MEAN: ("MEAN", "ReducerOptions", 2),
    SIGMOID: ("LOGISTIC", None, 2),
    GATE: ("MUL", "MulOptions", 2),
}


class _Writer:
    def __init__(self, graph: Graph, scales: Mapping[str, Scale] | None, names: Mapping[str, str]) -> None:
        self.graph, self.scales, self.names = graph, scales, names
        self.model: Any = schema.ModelT()
        self.model.version, self.model.description = _VERSION, "doorward"
        self.model.buffers, self.model.operatorCodes = [schema.BufferT()], []
        self.sub: Any = schema.SubGraphT()
        self.sub.name, self.sub.tensors, self.sub.operators = "main", [], []
        self.index: dict[str, int] = {}
        self.codes: dict[str, int] = {}

    def tensor(self, name: str, shape: tuple[int, ...], kind: int, data: npt.NDArray[Any] | None = None) -> Any:
        tensor: Any = schema.TensorT()
        tensor.name, tensor.shape, tensor.type, tensor.buffer = name, list(shape), kind, 0
        if data is not None:
            buffer: Any = schema.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(data).tobytes(), np.uint8)
            self.model.buffers.append(buffer)
            tensor.buffer = len(self.model.buffers) - 1
        self.index[name] = len(self.sub.tensors)
        self.sub.tensors.append(tensor)
        return tensor

    def activation(self, name: str) -> None:
        shape = self.graph.shapes[name]
        if self.scales is None:
            self.tensor(name, shape, schema.TensorType.FLOAT32)
        else:
            scale = self.scales[name]
            tensor = self.tensor(name, shape, schema.TensorType.INT8)
            tensor.quantization = _quantisation([scale.scale], [scale.zero])
        public = self.names.get(name)
        if public is not None:
            self.sub.tensors[-1].name = public

    def weights(self, node: Node) -> list[int]:
        """Add the weight and bias tensors of a convolution; returns their indices."""
        assert node.weight is not None and node.bias is not None
        name, weight, bias = node.output, node.weight, node.bias
        if self.scales is None:
            self.tensor(name + "/w", weight.shape, schema.TensorType.FLOAT32, weight)
            self.tensor(name + "/b", bias.shape, schema.TensorType.FLOAT32, bias)
        else:
            axis = 0 if node.kind == CONV else 3
            steps = weight_steps(node)
            whole = quantised_weight(node, steps)
            tensor = self.tensor(name + "/w", weight.shape, schema.TensorType.INT8, whole)
            tensor.quantization = _quantisation(steps, [0] * len(steps), axis)
            bias_steps = (steps.astype(np.float64) * self.scales[node.inputs[0]].scale).astype(np.float32)
            stored = np.clip(np.rint(bias.astype(np.float64) / bias_steps), -(2**31) + 1, 2**31 - 1).astype(np.int32)
            tensor = self.tensor(name + "/b", bias.shape, schema.TensorType.INT32, stored)
            tensor.quantization = _quantisation(bias_steps, [0] * len(steps), 0)
        return [self.index[name + "/w"], self.index[name + "/b"]]

    def integers(self, name: str, values: npt.NDArray[np.int32]) -> int:
        self.tensor(name, values.shape, schema.TensorType.INT32, values)
        return self.index[name]

    def node(self, node: Node) -> None:
        operator: Any = schema.OperatorT()
        operator.inputs = [self.index[name] for name in node.inputs]
        shape = self.graph.shapes[node.output]
        if node.kind in (CONV, DEPTHWISE):
            operator.inputs += self.weights(node)
        elif node.kind == PAD:
            wide = np.zeros((4, 2), np.int32)
            wide[3, 1] = node.grow
            operator.inputs.append(self.integers(node.output + "/n", wide))
        elif node.kind == RESIZE:
            operator.inputs.append(self.integers(node.output + "/n", np.array(shape[1:3], np.int32)))
        elif node.kind == RESHAPE:
            operator.inputs.append(self.integers(node.output + "/n", np.array(shape, np.int32)))
        elif node.kind == MEAN:
            operator.inputs.append(self.integers(node.output + "/n", np.array((1, 2), np.int32)))
        elif node.kind == PRELU:
            assert node.slope is not None and self.scales is None, "an int8 file has no PReLU: spell_prelu first"
            self.tensor(node.output + "/s", (1, 1, node.slope.size), schema.TensorType.FLOAT32, node.slope)
            operator.inputs.append(self.index[node.output + "/s"])
        name, option_name, version = _CODES[node.kind]
        if name not in self.codes:
            code: Any = schema.OperatorCodeT()
            code.builtinCode = getattr(schema.BuiltinOperator, name)
            code.deprecatedBuiltinCode, code.version = code.builtinCode, version
            self.codes[name] = len(self.codes)
            self.model.operatorCodes.append(code)
        operator.opcodeIndex = self.codes[name]
        if option_name is not None:
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, option_name)
            operator.builtinOptions = _options(option_name, node, shape)
        self.activation(node.output)
        operator.outputs = [self.index[node.output]]
        self.sub.operators.append(operator)

    def finish(self, results: tuple[str, ...]) -> bytes:
        self.sub.inputs = [self.index[self.graph.source]]
        self.sub.outputs = [self.index[name] for name in results]
        self.model.subgraphs = [self.sub]
        builder = flatbuffers.Builder(1 << 20)
        builder.Finish(self.model.Pack(builder), file_identifier=b"TFL3")
        return bytes(builder.Output())


def weight_steps(node: Node) -> npt.NDArray[np.float32]:
    """The real value of one int8 step of each output channel's weights."""
    assert node.weight is not None
    axes = (1, 2, 3) if node.kind == CONV else (0, 1, 2)
    peak = np.abs(node.weight).max(axis=axes)
    return np.asarray(np.maximum(peak / 127.0, 1e-9), np.float32)


def quantised_weight(node: Node, steps: npt.NDArray[np.float32]) -> npt.NDArray[np.int8]:
    assert node.weight is not None
    wide = steps.reshape((-1, 1, 1, 1) if node.kind == CONV else (1, 1, 1, -1)).astype(np.float64)
    return np.clip(np.rint(node.weight / wide), -127, 127).astype(np.int8)


def _quantisation(scales: Any, zeros: list[int], axis: int = 0) -> Any:
    made: Any = schema.QuantizationParametersT()
    made.scale = np.asarray(scales, np.float32)
    made.zeroPoint = np.asarray(zeros, np.int64)
    made.quantizedDimension = axis
    return made


def _options(name: str, node: Node, shape: tuple[int, ...]) -> Any:
    made: Any = getattr(schema, name + "T")()
    active = schema.ActivationFunctionType.RELU if node.relu else schema.ActivationFunctionType.NONE
    if node.kind in (CONV, DEPTHWISE, POOL):
        made.padding = schema.Padding.SAME if node.same else schema.Padding.VALID
        made.strideH = made.strideW = node.stride
        made.fusedActivationFunction = active
    if node.kind in (CONV, DEPTHWISE):
        made.dilationHFactor = made.dilationWFactor = 1
    if node.kind == DEPTHWISE:
        made.depthMultiplier = 1
    if node.kind == POOL:
        made.filterHeight = made.filterWidth = 2
    if node.kind == ADD:
        made.fusedActivationFunction = active
    if node.kind == RESIZE:
        made.halfPixelCenters = node.half_pixel
    if node.kind == RESHAPE:
        made.newShape = list(shape)
    if node.kind == MEAN:
        made.keepDims = True
    return made


def emit(
    graph: Graph,
    scales: Mapping[str, Scale] | None = None,
    names: Mapping[str, str] | None = None,
    results: tuple[str, ...] | None = None,
) -> bytes:
    """The graph as bytes of a TFLite file.

    Args:
        scales: quantisation of every activation by name; None writes a float file.
        names: public names of input and outputs by internal name.
        results: outputs, when they are to be others than the graph's own (all activations, to measure them).
    """
    writer = _Writer(graph, scales, names or {})
    writer.activation(graph.source)
    for node in graph.nodes:
        writer.node(node)
    return writer.finish(results or graph.result)
