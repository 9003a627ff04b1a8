"""A float file is read into the network that it is, or refused: nothing is left out, nothing is guessed."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.errors import DeviceError
from agent.models.emit import emit
from agent.models.equalise import spell_prelu
from agent.models.graph import CONV, POOL, PRELU, RESIZE, Graph, read
from tests.models.given import Chance, answers, network, pictures

SEEDS = st.integers(0, 2**32 - 1)


class File:
    """A float file taken apart, so that a test can write it as another converter would."""

    def __init__(self, data: bytes) -> None:
        self.model: Any = schema.ModelT.InitFromObj(schema.Model.GetRootAs(data, 0))
        self.sub = self.model.subgraphs[0]

    def data(self) -> bytes:
        builder = flatbuffers.Builder(1 << 16)
        builder.Finish(self.model.Pack(builder), file_identifier=b"TFL3")
        return bytes(builder.Output())

    def kind(self, operator: Any) -> str:
        code = self.model.operatorCodes[operator.opcodeIndex].builtinCode
        return next(name for name, value in vars(schema.BuiltinOperator).items() if value == code)

    def operators(self, *kinds: str) -> list[Any]:
        return [operator for operator in self.sub.operators if self.kind(operator) in kinds]

    def tensor(self, like: int, kind: int | None = None, values: Any = None) -> int:
        """A new tensor with the shape of another one; returns its index."""
        made = copy.deepcopy(self.sub.tensors[like])
        made.buffer = 0
        if kind is not None:
            made.type = kind
        if values is not None:
            buffer: Any = schema.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8)
            self.model.buffers.append(buffer)
            made.buffer = len(self.model.buffers) - 1
        self.sub.tensors.append(made)
        return len(self.sub.tensors) - 1

    def operator(self, name: str, inputs: list[int], output: int) -> Any:
        code: Any = schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = getattr(schema.BuiltinOperator, name)
        self.model.operatorCodes.append(code)
        made: Any = schema.OperatorT()
        made.opcodeIndex, made.inputs, made.outputs = len(self.model.operatorCodes) - 1, inputs, [output]
        return made

    def values(self, index: int) -> Any:
        raw = bytes(self.model.buffers[self.sub.tensors[index].buffer].data)
        return np.frombuffer(raw, np.float32).reshape(self.sub.tensors[index].shape)


def halved(file: File) -> None:
    """Weights in half precision, each with a DEQUANTIZE in front, as the detector's package has them."""
    first = []
    for operator in file.operators("CONV_2D", "DEPTHWISE_CONV_2D"):
        for index in operator.inputs[1:]:
            small = file.tensor(index, schema.TensorType.FLOAT16, file.values(index).astype(np.float16))
            file.sub.tensors[index].buffer = 0
            first.append(file.operator("DEQUANTIZE", [small], index))
    file.sub.operators = first + file.sub.operators


def unfused(file: File) -> None:
    """Every fused RELU as an operation of its own."""
    made = []
    for operator in file.sub.operators:
        made.append(operator)
        options = operator.builtinOptions
        if getattr(options, "fusedActivationFunction", 0) == schema.ActivationFunctionType.RELU:
            options.fusedActivationFunction = schema.ActivationFunctionType.NONE
            final = operator.outputs[0]
            operator.outputs = [file.tensor(final)]
            made.append(file.operator("RELU", list(operator.outputs), final))
    file.sub.operators = made


def rewritten(graph: Graph, *changes: Callable[[File], None]) -> bytes:
    file = File(emit(graph))
    for change in changes:
        change(file)
    return file.data()


def same(graph: Graph, other: Graph, tolerance: float) -> None:
    for picture in pictures(graph, 2):
        expected = answers(graph, picture)[graph.result[0]]
        found = answers(other, picture)[other.result[0]]
        np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


@settings(derandomize=True, max_examples=60)
@given(SEEDS)
def test_what_was_written_is_read_back(seed: int) -> None:
    graph = spell_prelu(network(seed, gates=False))
    other = read(rewritten(graph), "float.tflite")
    assert [node.kind for node in other.nodes] == [node.kind for node in graph.nodes]
    assert [node.relu for node in other.nodes] == [node.relu for node in graph.nodes]
    shapes = [[each.shapes[node.output] for node in each.nodes] for each in (other, graph)]
    assert shapes[0] == shapes[1] and other.shapes[other.source] == graph.shapes[graph.source]
    same(graph, other, 1e-5)


@settings(derandomize=True, max_examples=40)
@given(SEEDS)
def test_spellings_of_other_converters_are_the_same_network(seed: int) -> None:
    graph = spell_prelu(network(seed, gates=False))
    other = read(rewritten(graph, unfused), "float.tflite")
    assert [node.relu for node in other.nodes] == [node.relu for node in graph.nodes]
    same(graph, other, 1e-5)
    same(graph, read(rewritten(graph, halved), "half.tflite"), 0.05)


def refused(data: bytes, text: str) -> None:
    with pytest.raises(DeviceError, match=text) as caught:
        read(data, "float.tflite")
    assert str(caught.value).startswith("float.tflite: operation ")
    assert "\n" not in str(caught.value)


def with_all_kinds() -> Graph:
    chance = Chance(1)
    chance.convolution(CONV, relu=True)
    for step in (chance.pool, chance.resize, chance.pad, chance.bend, chance.join):
        step()
    return chance.finish(flat=True)


def test_an_operation_that_no_network_here_has_is_refused() -> None:
    refused(emit(with_all_kinds()), "PRELU is not known")


@pytest.mark.parametrize(
    ("kind", "option", "value"),
    [
        ("CONV_2D", "dilationHFactor", 2),
        ("CONV_2D", "dilationWFactor", 2),
        ("CONV_2D", "strideW", 3),
        ("CONV_2D", "fusedActivationFunction", schema.ActivationFunctionType.RELU6),
        ("MAX_POOL_2D", "filterHeight", 3),
        ("MAX_POOL_2D", "filterWidth", 3),
        ("ADD", "fusedActivationFunction", schema.ActivationFunctionType.TANH),
        ("RESIZE_BILINEAR", "alignCorners", True),
    ],
)
def test_an_option_that_a_node_cannot_hold_is_refused(kind: str, option: str, value: Any) -> None:
    def change(file: File) -> None:
        setattr(file.operators(kind)[-1].builtinOptions, option, value)

    refused(rewritten(spell_prelu(with_all_kinds()), change), f"{kind} with a {option} that is not known")


def test_a_relu_is_fused_only_where_nothing_has_seen_the_value_before_it() -> None:
    def late(file: File) -> None:
        unfused(file)
        relu = file.operators("RELU")[0]
        place = file.sub.operators.index(relu)
        early = file.operator("ADD", [relu.inputs[0], relu.inputs[0]], file.tensor(relu.inputs[0]))
        file.sub.operators.insert(place, early)

    def of_the_input(file: File) -> None:
        file.sub.operators.insert(0, file.operator("RELU", [file.sub.inputs[0]], file.tensor(file.sub.inputs[0])))

    def of_a_resize(file: File) -> None:
        resize = file.operators("RESIZE_BILINEAR")[0]
        relu = file.operator("RELU", list(resize.outputs), file.tensor(resize.outputs[0]))
        file.sub.operators.insert(file.sub.operators.index(resize) + 1, relu)

    for change in (late, of_the_input, of_a_resize):
        refused(rewritten(spell_prelu(with_all_kinds()), change), "a RELU that cannot be fused")


def test_who_makes_and_who_reads() -> None:
    graph = with_all_kinds()
    pool, resize = (next(node for node in graph.nodes if node.kind == kind) for kind in (POOL, RESIZE))
    assert graph.producer(pool.output) is pool
    assert graph.consumers(pool.output) == [resize]
    assert graph.producer(graph.source) is None
    assert any(node.kind == PRELU for node in graph.nodes)
