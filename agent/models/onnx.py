"""Read a float ONNX file into a graph: the few parts of the format that two networks use, with no library.

ONNX is a protocol buffer: fields of a number and a type in a row. Only convolutions, PReLUs, additions, gates of
channels (squeeze and excitation) and a linear end are known; anything else is an error, never a guess. Tensors are
turned from channels-first to TFLite's channels-last. Source of the field numbers: onnx.proto3 of ONNX 1.x. Leaves out:
any other data type than float32.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NoReturn

import numpy as np

from agent.errors import DeviceError
from agent.models.graph import ADD, CONV, DEPTHWISE, GATE, MEAN, PRELU, RESHAPE, SIGMOID, Array, Graph, Node
from agent.models.linear import multiply, normalise, rectify

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_FLOAT: Final = 1
"""TensorProto.DataType.FLOAT"""
_PLAIN: Final = {"dilations": [1, 1]}
"""Attributes that a node does not hold, with the one value that they may have."""
_SIZES: Final = ("Shape", "Constant", "Gather", "Unsqueeze", "Concat")
"""Operations by which a file works out the sides of a reshape; a reshape is known only where it can have but one."""
_EPSILON: Final = 1e-5
"""What BatchNormalization adds to the variance: ONNX's default, and the only value that is known."""


class _Malformed(ValueError):
    """The bytes are no protocol buffer."""


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    """The number that starts at `at`, and where the next thing starts."""
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise _Malformed
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _fields(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Number and value of each field: an integer, or the bytes of all that is not one."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, at = _varint(data, at)
            yield number, value
            continue
        if kind == _BYTES:
            size, at = _varint(data, at)
        elif kind in (_FIXED64, _FIXED32):
            size = 8 if kind == _FIXED64 else 4
        else:
            raise _Malformed
        if at + size > len(data):
            raise _Malformed
        yield number, data[at : at + size]
        at += size


class _Message:
    """The fields of one message by number."""

    def __init__(self, data: int | memoryview) -> None:
        if isinstance(data, int):
            raise _Malformed
        self._found: dict[int, list[int | memoryview]] = {}
        for number, value in _fields(data):
            self._found.setdefault(number, []).append(value)

    def messages(self, number: int) -> list[_Message]:
        return [_Message(value) for value in self._found.get(number, [])]

    def texts(self, number: int) -> list[str]:
        return [bytes(self._raw(value)).decode("utf-8") for value in self._found.get(number, [])]

    def text(self, number: int) -> str:
        return next(iter(self.texts(number)), "")

    def data(self, number: int) -> bytes:
        return b"".join(bytes(self._raw(value)) for value in self._found.get(number, []))

    def integers(self, number: int) -> list[int]:
        """Repeated integers, packed into one field or not; each below 2**63."""
        made: list[int] = []
        for value in self._found.get(number, []):
            if isinstance(value, int):
                made.append(value)
                continue
            at = 0
            while at < len(value):
                one, at = _varint(value, at)
                made.append(one)
        return made

    @staticmethod
    def _raw(value: int | memoryview) -> memoryview:
        if isinstance(value, int):
            raise _Malformed
        return value


@dataclass(slots=True)
class _Source:
    """What a file holds: stored tensors by name, and where it is, for errors."""

    where: str
    stored: dict[str, Array] = field(default_factory=dict)
    flat: dict[str, str] = field(default_factory=dict)
    """Vectors by name, and the (1, 1, 1, channels) tensor of the graph that each is."""

    def fault(self, what: str) -> NoReturn:
        raise DeviceError(f"{self.where}: {what}; build from the named package file")


def read(data: bytes, where: str) -> Graph:
    """Read the bytes of a float ONNX file with one input (1, channels, height, width) and one output.

    Raises:
        DeviceError: it is no ONNX file, or holds something that this reader does not know.
    """
    source = _Source(where)
    try:
        (body,) = _Message(memoryview(data)).messages(7)
        return _graph(body, source)
    except (LookupError, ValueError):
        source.fault("is not an ONNX file that can be read")


def _graph(body: _Message, source: _Source) -> Graph:
    for tensor in body.messages(5):
        if tensor.integers(2) == [_FLOAT]:
            source.stored[tensor.text(8)] = _tensor(tensor)
    inputs = [value for value in body.messages(11) if value.text(1) not in source.stored]
    outputs = body.messages(12)
    if len(inputs) != 1 or len(outputs) != 1:
        source.fault("must have one input and one output")
    graph = Graph(inputs[0].text(1), (outputs[0].text(1),))
    batch, channels, high, wide = _shape(inputs[0])
    if batch != 1:
        source.fault("must take one picture at a time")
    graph.shapes[graph.source] = (1, high, wide, channels)
    for place, node in enumerate(body.messages(1)):
        _take(node, graph, source, f"operation {place}")
    if graph.producer(graph.result[0]) is None:
        source.fault("its output is made by no operation")
    return graph


def _tensor(message: _Message) -> Array:
    raw = message.data(9) or message.data(4)
    return np.frombuffer(raw, "<f4").reshape(message.integers(1)).astype(np.float32)


def _shape(value: _Message) -> list[int]:
    """Sides of a ValueInfoProto's tensor."""
    (kind,) = value.messages(2)
    (tensor,) = kind.messages(1)
    (shape,) = tensor.messages(2)
    return [side for dimension in shape.messages(1) for side in dimension.integers(1)]


def _take(message: _Message, graph: Graph, source: _Source, where: str) -> None:
    """Append one operation to the graph."""
    kind, names = message.text(4), [source.flat.get(name, name) for name in message.texts(1)]
    (output,) = message.texts(2)
    inputs = tuple(name for name in names if name in graph.shapes)
    stored = [source.stored[name] for name in names if name in source.stored]
    shape = graph.shapes[inputs[0]] if inputs else ()
    if kind in _SIZES and not stored:
        return
    if kind == "Conv" and len(inputs) == 1 and len(stored) == 2:
        options = {each.text(1): each.integers(8) or each.integers(3) for each in message.messages(5)}
        if not all(options.values()):  # an attribute that is no integer, as an automatic padding is
            source.fault(f"{where}: Conv is not known in this form")
        node, shape = _convolution(inputs[0], shape, stored, options, source, where)
    elif kind == "PRelu" and len(inputs) == 1 and len(stored) == 1 and stored[0].size == shape[-1]:
        node = Node(PRELU, inputs, "", slope=stored[0].reshape(-1))
    elif kind == "Add" and len(inputs) == 2 and graph.shapes[inputs[1]] == shape:
        node = Node(ADD, inputs, "")
    elif kind == "GlobalAveragePool" and len(inputs) == 1 and not stored:
        node, shape = Node(MEAN, inputs, ""), (1, 1, 1, shape[-1])
    elif kind == "Sigmoid" and len(inputs) == 1 and not stored:
        node = Node(SIGMOID, inputs, "")
    elif kind == "Mul" and len(inputs) == 2 and graph.shapes[inputs[1]] == (1, 1, 1, shape[-1]):
        node = Node(GATE, inputs, "")
    elif kind == "Reshape" and len(inputs) == 1 and shape[1:3] == (1, 1):
        if (output,) != graph.result:
            source.flat[output] = inputs[0]
            return
        node, shape = Node(RESHAPE, inputs, ""), (1, shape[-1])
    else:
        _fold(message, kind, inputs, stored, graph, source, where)
        return
    node.output = output
    graph.nodes.append(node)
    graph.shapes[output] = shape


def _fold(
    message: _Message,
    kind: str,
    inputs: tuple[str, ...],
    stored: list[Array],
    graph: Graph,
    source: _Source,
    where: str,
) -> None:
    """Take an operation that goes into the one before it."""
    (output,) = message.texts(2)
    made: str | None = None
    if kind == "Relu" and len(inputs) == 1 and output not in graph.result:
        made = rectify(graph, inputs[0])
    elif kind == "MatMul" and len(inputs) == 1 and len(stored) == 1:
        made = multiply(graph, inputs[0], stored[0], output)
    elif kind == "BatchNormalization" and len(inputs) == 1 and len(stored) == 4:
        epsilon = b"".join(each.data(2) for each in message.messages(5) if each.text(1) == "epsilon")
        if not epsilon or np.frombuffer(epsilon, "<f4")[0] == np.float32(_EPSILON):
            made = normalise(graph, inputs[0], stored, _EPSILON)
    if made is None:
        source.fault(f"{where}: {kind if kind.isalnum() else 'an operation'} is not known in this form")
    if (output,) == graph.result:
        graph.nodes.append(Node(RESHAPE, (made,), output))
        graph.shapes[output] = (1, graph.shapes[made][-1])
    else:
        source.flat[output] = made


def _convolution(
    taken: str,
    shape: tuple[int, ...],
    stored: list[Array],
    options: dict[str, list[int]],
    source: _Source,
    where: str,
) -> tuple[Node, tuple[int, ...]]:
    """A convolution in TFLite's padding, which is the same on both sides only where the kernel makes it so.

    ONNX pads an even input of stride 2 by one before and one after; TFLite's SAME pads a kernel of three by one after
    only. A fourth row and column of zeros brings the missing one in front, and its own weight adds nothing.
    """
    weight, bias = stored
    out, each, side, other = weight.shape
    high, wide, channels = shape[1:]
    stride, edge = options["strides"][0], options["pads"][0]
    whole = edge == 0 and (stride == 1 or side == 1)
    framed = 2 * edge == side - 1 and side == 3 and (stride == 1 or (stride == 2 and high % 2 == wide % 2 == 0))
    plain = all(options.get(name, value) == value for name, value in _PLAIN.items())
    square = side == other and len(set(options["strides"])) == len(set(options["pads"])) == 1
    (group,) = options.get("group", [1])
    fits = (each, group) == (channels, 1) or (out, each, group) == (channels, 1, channels)
    if not ((whole or framed) and plain and square and fits and bias.shape == (out,)):
        source.fault(f"{where}: Conv is not known in this form")
    if framed and stride == 2:
        weight = np.pad(weight, ((0, 0), (0, 0), (0, 1), (0, 1)))
    deep = group > 1
    axes = (1, 2, 3, 0) if deep else (0, 2, 3, 1)
    node = Node(
        DEPTHWISE if deep else CONV,
        (taken,),
        "",
        weight=np.ascontiguousarray(weight.transpose(axes)),
        bias=bias,
        stride=stride,
        same=framed,
    )
    high, wide = ((size + 2 * edge - side) // stride + 1 for size in (high, wide))
    return node, (1, high, wide, out)
