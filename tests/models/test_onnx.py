"""An ONNX file is read into the network that it is, or refused; the answers are those of ONNX's own definition."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view

from agent.errors import DeviceError
from agent.models.onnx import read
from tests.models.given import answers

Real = npt.NDArray[np.float64]


def varint(value: int) -> bytes:
    made = bytearray()
    while value > 0x7F:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*made, value])


def part(number: int, value: int | str | bytes) -> bytes:
    """One field of a protocol buffer."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def value_info(name: str, shape: tuple[int, ...]) -> bytes:
    sides = b"".join(part(1, part(1, side)) for side in shape)
    return part(1, name) + part(2, part(1, part(1, 1) + part(2, sides)))


@dataclass
class Net:
    """A small network in ONNX: what a test changes before it is written."""

    stride: int = 1
    group: bool = False
    side: int = 3
    edge: int = 1
    high: int = 6
    attributes: dict[str, Any] = field(default_factory=dict)
    batch: int = 1
    kinds: tuple[str, ...] = ("Conv", "PRelu", "Add")
    outputs: int = 1
    data_type: int = 1
    seed: int = 1

    def __post_init__(self) -> None:
        random = np.random.default_rng(self.seed)
        self.weight = random.normal(0, 0.5, (4, 1 if self.group else 4, self.side, self.side)).astype(np.float32)
        self.bias, self.slope = (random.normal(0, 0.5, size).astype(np.float32) for size in (4, 4))
        self.picture = random.normal(0, 1, (self.high, self.high, 4)).astype(np.float32)

    def data(self) -> bytes:
        shape = (self.batch, 4, self.high, self.high)
        stored = {"w": self.weight, "b": self.bias, "s": self.slope.reshape(4, 1, 1)}
        body = part(11, value_info("in", shape))
        body += b"".join(part(12, value_info("out", (1,))) for _ in range(self.outputs))
        for name, array in stored.items():
            sides = b"".join(part(1, side) for side in array.shape)
            body += part(5, sides + part(2, self.data_type) + part(8, name) + part(9, array.tobytes()))
        inputs = {"Conv": ("w", "b"), "PRelu": ("s",), "Reshape": ("s",)}
        last = "in"
        for place, kind in enumerate(self.kinds):
            output = "out" if place == len(self.kinds) - 1 else f"n{place}"
            names = (last, *(inputs.get(kind, ()) or (last,)))
            made = b"".join(part(1, name) for name in names) + part(2, output) + part(4, kind)
            if kind == "Conv":
                made += b"".join(part(5, attribute(*each)) for each in self.options().items())
            body += part(1, made)
            last = output
        return part(1, 7) + part(2, "test") + part(7, body)

    def options(self) -> dict[str, Any]:
        made: dict[str, Any] = {"dilations": [1, 1], "group": 4 if self.group else 1}
        made |= {"kernel_shape": [self.side] * 2, "pads": [self.edge] * 4, "strides": [self.stride] * 2}
        return made | self.attributes

    def answer(self) -> Real:
        """Convolution, PReLU, and twice the result, by ONNX's definition, (height, width, channels)."""
        padded = np.pad(self.picture.astype(np.float64), ((self.edge,) * 2, (self.edge,) * 2, (0, 0)))
        seen = sliding_window_view(padded, (self.side, self.side), axis=(0, 1))[:: self.stride, :: self.stride]
        rule = "ijckl,ckl->ijc" if self.group else "ijckl,ockl->ijo"
        made = np.einsum(rule, seen, self.weight[:, 0] if self.group else self.weight) + self.bias
        return 2 * np.where(made < 0, made * self.slope, made)


def attribute(name: str, value: Any) -> bytes:
    if isinstance(value, str):
        return part(1, name) + part(4, value)
    if isinstance(value, int):
        return part(1, name) + part(3, value)
    return part(1, name) + b"".join(part(8, each) for each in value)


@settings(derandomize=True, max_examples=30)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([(1, 3, 1), (2, 3, 1), (1, 1, 0), (2, 1, 0), (1, 3, 0), (1, 6, 0)]),
    st.booleans(),
)
def test_a_network_answers_as_onnx_defines(seed: int, form: tuple[int, int, int], group: bool) -> None:
    net = Net(*(form[0], group, form[1], form[2]), seed=seed)
    graph = read(net.data(), "net.onnx")
    assert graph.shapes[graph.source] == (1, 6, 6, 4)
    np.testing.assert_allclose(answers(graph, net.picture)[graph.result[0]], net.answer(), atol=1e-4)


def test_a_last_reshape_makes_a_row_of_one_place() -> None:
    net = Net(side=6, edge=0, kinds=("Conv", "Reshape"))
    graph = read(net.data(), "net.onnx")
    assert graph.shapes[graph.result[0]] == (1, 4)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda net: setattr(net, "kinds", ("Conv", "Tanh")), "operation 1: Tanh is not known in this form"),
        (lambda net: setattr(net, "kinds", ("Conv", "Reshape", "Add")), "operation 1: Reshape is not known"),
        (lambda net: setattr(net, "kinds", ("Conv", "Re shape")), "operation 1: an operation is not known"),
        (lambda net: setattr(net, "stride", 3), "operation 0: Conv is not known in this form"),
        (lambda net: setattr(net, "edge", 2), "operation 0: Conv is not known"),
        (lambda net: net.attributes.update(auto_pad="SAME_UPPER"), "operation 0: Conv is not known"),
        (lambda net: net.attributes.update(dilations=[2, 2]), "operation 0: Conv is not known"),
        (lambda net: net.attributes.update(strides=[1, 2]), "operation 0: Conv is not known"),
        (lambda net: net.attributes.update(group=2), "operation 0: Conv is not known"),
        (lambda net: setattr(net, "batch", 2), "must take one picture at a time"),
        (lambda net: setattr(net, "outputs", 2), "must have one input and one output"),
        (lambda net: setattr(net, "kinds", ()), "its output is made by no operation"),
        (lambda net: setattr(net, "data_type", 10), "operation 0: Conv is not known"),
    ],
)  # fmt: skip
def test_what_is_not_known_is_refused(change: Callable[[Net], None], fault: str) -> None:
    net = Net()
    change(net)
    with pytest.raises(DeviceError) as caught:
        read(net.data(), "net.onnx")
    text = str(caught.value)
    assert text.startswith(f"net.onnx: {fault}") and text.endswith("; build from the named package file")


def test_an_odd_picture_at_stride_two_is_refused() -> None:
    with pytest.raises(DeviceError, match="Conv is not known"):
        read(Net(stride=2, high=7).data(), "net.onnx")


def stored(name: str, array: npt.NDArray[np.float32]) -> bytes:
    sides = b"".join(part(1, side) for side in array.shape)
    return part(5, sides + part(2, 1) + part(8, name) + part(9, array.tobytes()))


def acts(kind: str, inputs: tuple[str, ...], output: str, *attributes: bytes) -> bytes:
    names = b"".join(part(1, name) for name in inputs)
    return part(1, names + part(2, output) + part(4, kind) + b"".join(part(5, each) for each in attributes))


@dataclass
class Gated:
    """Squeeze and excitation, then a linear end, in ONNX: what a test changes before it is written."""

    seed: int
    epsilon: float = 1e-5
    reads_before_the_relu: bool = False
    last: str = "MatMul"

    def __post_init__(self) -> None:
        random = np.random.default_rng(self.seed)

        def some(*shape: int) -> npt.NDArray[np.float32]:
            return random.normal(0, 0.5, shape).astype(np.float32)

        self.arrays = {
            "w0": some(4, 3, 1, 1), "b0": some(4), "w1": some(2, 4, 1, 1), "b1": some(2), "w2": some(4, 2, 1, 1),
            "b2": some(4), "w3": some(4, 1, 6, 6), "b3": some(4), "m0": some(4, 5), "m1": some(5, 3),
            "f": some(5), "s": some(5), "n": some(5), "v": np.abs(some(5)) + 0.1,
        }  # fmt: skip
        self.picture = some(6, 6, 3)

    def data(self) -> bytes:
        def conv(taken: str, place: int, output: str, side: int = 1, group: int = 1) -> bytes:
            options = {
                "dilations": [1, 1],
                "group": group,
                "kernel_shape": [side] * 2,
                "pads": [0] * 4,
                "strides": [1] * 2,
            }
            attributes = (attribute(*each) for each in options.items())
            return acts("Conv", (taken, f"w{place}", f"b{place}"), output, *attributes)

        epsilon = part(1, "epsilon") + varint(2 << 3 | 5) + np.float32(self.epsilon).tobytes()
        body = part(11, value_info("in", (1, 3, 6, 6))) + part(12, value_info("out", (1, 3)))
        body += b"".join(stored(name, array) for name, array in self.arrays.items())
        body += conv("in", 0, "a") + acts("GlobalAveragePool", ("a",), "p") + conv("p", 1, "q")
        if self.reads_before_the_relu:
            body += acts("Sigmoid", ("q",), "other")
        body += acts("Relu", ("q",), "r") + conv("r", 2, "t") + acts("Sigmoid", ("t",), "u")
        body += acts("Mul", ("a", "u"), "g") + acts("Add", ("a", "g"), "h") + conv("h", 3, "d", 6, 4)
        body += acts("Shape", ("d",), "sides") + acts("Reshape", ("d", "sides"), "flat")
        body += acts("MatMul", ("flat", "m0"), "x")
        body += acts("BatchNormalization", ("x", "f", "s", "n", "v"), "y", epsilon)
        body += acts(self.last, ("y", "m1"), "out")
        return part(1, 7) + part(2, "test") + part(7, body)

    def answer(self) -> Real:
        """By ONNX's definition, three numbers."""
        of = {name: array.astype(np.float64) for name, array in self.arrays.items()}
        a = self.picture @ of["w0"][:, :, 0, 0].T + of["b0"]
        gate = np.maximum(of["w1"][:, :, 0, 0] @ a.mean(axis=(0, 1)) + of["b1"], 0)
        gate = 1 / (1 + np.exp(-(of["w2"][:, :, 0, 0] @ gate + of["b2"])))
        h = a + a * gate
        d = np.einsum("ijc,cij->c", h, of["w3"][:, 0]) + of["b3"]
        x = (d @ of["m0"] - of["n"]) / np.sqrt(of["v"] + 1e-5) * of["f"] + of["s"]
        return np.asarray(x @ of["m1"], np.float64)


@pytest.mark.parametrize("seed", range(5))
def test_gates_and_a_linear_end_answer_as_onnx_defines(seed: int) -> None:
    net = Gated(seed)
    graph = read(net.data(), "net.onnx")
    assert graph.shapes[graph.result[0]] == (1, 3)
    np.testing.assert_allclose(answers(graph, net.picture)[graph.result[0]], net.answer(), atol=1e-4)
    assert [node.kind for node in graph.nodes][-3:] == ["depthwise", "conv", "reshape"], "one product is left of three"


@pytest.mark.parametrize(
    ("net", "fault"),
    [
        (Gated(1, epsilon=1e-3), "BatchNormalization is not known in this form"),
        (Gated(1, reads_before_the_relu=True), "Relu is not known in this form"),
        (Gated(1, last="Relu"), "Relu is not known in this form"),
        (Gated(1, last="Gemm"), "Gemm is not known in this form"),
    ],
)
def test_another_linear_end_is_refused(net: Gated, fault: str) -> None:
    with pytest.raises(DeviceError, match=fault):
        read(net.data(), "net.onnx")


@settings(derandomize=True, max_examples=200)
@given(st.data())
def test_changed_bytes_are_read_or_refused(data: st.DataObject) -> None:
    whole = bytearray(Net().data())
    cut = data.draw(st.integers(0, len(whole)))
    for _ in range(data.draw(st.integers(0, 3))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    made = bytes(whole[:cut] if data.draw(st.booleans()) else whole)
    try:
        read(made, "net.onnx")
    except DeviceError as error:
        assert str(error).startswith("net.onnx: ") and "\n" not in str(error)
