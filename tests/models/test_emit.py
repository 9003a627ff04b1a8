"""Float files answer like NumPy; int8 files answer like NumPy rounded to int8, and hold nothing but int8 and int32."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.models.emit import Scale, emit, quantised_weight, weight_steps
from agent.models.equalise import spell_prelu
from agent.models.graph import CONV, PRELU, Array, Graph, Node
from agent.models.quantise import measure, scales
from tests.models.given import Running, answers, network, operation, pictures, tensors

SEEDS = st.integers(0, 2**32 - 1)


def quantised(graph: Graph, inputs: Array) -> tuple[Graph, dict[str, Scale]]:
    """The network without PReLU, and scales that cover all of `inputs`."""
    graph = spell_prelu(graph)
    return graph, scales(graph, measure(graph, inputs), {}, share=1.0)


@settings(derandomize=True, max_examples=80)
@given(SEEDS)
def test_every_activation_of_a_float_file_is_what_numpy_computes(seed: int) -> None:
    graph = network(seed)
    names = tuple(node.output for node in graph.nodes)
    run = Running(emit(graph, results=names))
    for picture in pictures(graph, 2):
        expected, found = answers(graph, picture), run(picture)
        assert set(found) == set(names)
        for name in names:
            np.testing.assert_allclose(found[name], expected[name], rtol=1e-3, atol=1e-4, err_msg=name)


@settings(derandomize=True, max_examples=60)
@given(SEEDS)
def test_every_operation_of_an_int8_file_is_at_most_one_step_from_its_exact_answer(seed: int) -> None:
    graph = network(seed)
    inputs = pictures(graph, 6)
    graph, steps = quantised(graph, inputs)
    names = tuple(node.output for node in graph.nodes)
    run = Running(emit(graph, steps, results=names))
    for picture in inputs[:2]:
        source = steps[graph.source]
        stored = {graph.source: np.clip(np.rint(picture / source.scale + source.zero), -128, 127).astype(np.int8)}
        stored |= run(stored[graph.source])
        for node in graph.nodes:
            one = alone(node, graph, steps)
            given_in = {
                name: (stored[name].astype(np.float64) - steps[name].zero) * steps[name].scale for name in node.inputs
            }
            exact = operation(one, graph, given_in)
            scale = steps[node.output]
            expected = np.clip(np.rint(exact / scale.scale + scale.zero), -128, 127)
            assert np.abs(stored[node.output] - expected).max() <= 1, node.kind


def alone(node: Node, graph: Graph, steps: dict[str, Scale]) -> Node:
    """The operation with the weights and bias that an int8 file can hold."""
    node = copy.deepcopy(node)
    if node.weight is not None and node.bias is not None:
        wide = weight_steps(node)
        bias_step = wide.astype(np.float64) * steps[node.inputs[0]].scale
        node.weight = (
            quantised_weight(node, wide) * wide.reshape((-1, 1, 1, 1) if node.kind == CONV else (-1,))
        ).astype(np.float32)
        node.bias = (np.rint(node.bias / bias_step) * bias_step).astype(np.float32)
    return node


@pytest.mark.parametrize("gates", [False, True])
@settings(derandomize=True, max_examples=60)
@given(seed=SEEDS)
def test_an_int8_file_is_close_to_the_float_network_from_end_to_end(gates: bool, seed: int) -> None:
    graph = network(seed, gates=gates)
    inputs = pictures(graph, 12)
    made, steps = quantised(graph, inputs)
    data = emit(made, steps)
    run = Running(data)
    (name,) = graph.result
    exact = np.array([answers(graph, picture)[name] for picture in inputs])
    found = np.array([run.real(picture)[name] for picture in inputs])
    error = float(np.sqrt(np.mean((found - exact) ** 2)))
    # Two steps for both: a gate costs none (of 300 with one the worst takes 0.3). What costs most is an answer that
    # hardly changes from picture to picture, a dozen of its steps in all; one network in 300 takes more than two then.
    assert error <= 0.15 * float(exact.std()) + 2 * steps[name].scale
    kinds = {schema.TensorType.INT8, schema.TensorType.INT32}
    for tensor, kind, stored in tensors(data):
        assert kind in kinds, tensor
        assert stored or kind == schema.TensorType.INT8, f"{tensor}: an activation must be int8"


def test_the_bytes_follow_from_the_network_alone() -> None:
    graph, steps = quantised(network(5), pictures(network(5), 4))
    first, second = emit(graph, steps), emit(copy.deepcopy(graph), dict(steps))
    assert first == second
    assert first != emit(graph, steps | {graph.source: Scale(0.5, 3)})
    assert first[4:8] == b"TFL3"


def test_input_and_outputs_get_their_public_names() -> None:
    graph = network(3)
    names = {graph.source: "picture", graph.result[0]: "answer"}
    run = Running(emit(graph, names=names))
    assert run.source["name"] == "picture"
    assert set(run.outputs) == {"answer"}


def test_weights_use_their_whole_range_in_each_channel_and_a_channel_of_zeros_stays_zero() -> None:
    node = Node(CONV, ("in",), "out", weight=np.zeros((3, 1, 1, 4), np.float32), bias=np.zeros(3, np.float32))
    assert node.weight is not None
    node.weight[0], node.weight[1] = (0.001, -0.0005, 0, 0), (-800, 400, 3, 0)
    stored = quantised_weight(node, weight_steps(node))
    assert np.abs(stored).reshape(3, -1).max(axis=1).tolist() == [127, 127, 0]
    assert stored.min() >= -127


@settings(derandomize=True, max_examples=20)
@given(SEEDS)
def test_a_bias_is_rounded_to_the_nearest_step_of_input_times_weight(seed: int) -> None:
    graph, steps = quantised(network(seed), pictures(network(seed), 3))
    model: Any = schema.ModelT.InitFromObj(schema.Model.GetRootAs(emit(graph, steps), 0))
    stored = {tensor.name.decode(): tensor for tensor in model.subgraphs[0].tensors}
    for node in graph.nodes:
        if node.bias is not None:
            tensor = stored[f"{node.output}/b"]
            found = np.frombuffer(bytes(model.buffers[tensor.buffer].data), np.int32)
            step = steps[node.inputs[0]].scale * weight_steps(node).astype(np.float64)
            np.testing.assert_allclose(tensor.quantization.scale, step, rtol=1e-6)
            assert np.abs(found - node.bias / step).max() <= 0.501


def test_a_prelu_never_gets_into_an_int8_file() -> None:
    graph = Graph("in", ("out",), shapes={"in": (1, 2, 2, 1), "mid": (1, 2, 2, 1), "out": (1, 2, 2, 1)})
    one = np.ones((1, 1, 1, 1), np.float32)
    graph.nodes = [
        Node(CONV, ("in",), "mid", weight=one, bias=np.zeros(1, np.float32)),
        Node(PRELU, ("mid",), "out", slope=np.full(1, 0.5, np.float32)),
    ]
    with pytest.raises(AssertionError, match="spell_prelu"):
        emit(graph, dict.fromkeys(graph.shapes, Scale(0.1, 0)))
