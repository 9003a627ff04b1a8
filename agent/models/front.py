"""Put a front before another embedder's int8 file, so that it takes the chips that an agent makes.

The agent gives (1, 112, 112, 3) int8, RGB, x - 128. The front resizes that to the file's own size, and one pointwise
convolution brings colours into its order and pixels into its range. All of it is int8; the file's own operations and
weights stay as they are. Leaves out: whether the network is any good (`add` measures that).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

import flatbuffers
import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from agent.errors import ConfigError
from agent.face.align import CHIP_SIDE

Colour = Literal["rgb", "bgr"]
_MAGIC: Final = b"TFL3"
_CHIP_STEP: Final = 1.0 / 128.0
_SIDES: Final = (32, 512)
_LENGTHS: Final = (16, 4096)
_QUANTISE: Final = "quantise it to int8 at both ends first"
_TYPES: Final = {value: name for name, value in vars(schema.TensorType).items() if isinstance(value, int)}


@dataclass(frozen=True, slots=True)
class Pixels:
    """What the network takes for a pixel x of 0 to 255: (x - mean) / step."""

    mean: float
    step: float


@dataclass(frozen=True, slots=True)
class Embedder:
    """A file that was found to be an embedder: one int8 picture in, one int8 vector out."""

    model: Any
    side: int
    scale: float
    zero: int
    """Of the input."""
    floats: int
    """How many tensors inside are float: such a file is slower, and runs otherwise on another processor."""
    where: str

    @property
    def sub(self) -> Any:
        return self.model.subgraphs[0]


def read_embedder(data: bytes, where: str) -> Embedder:
    """Check the bytes of a TFLite file.

    Raises:
        ConfigError: it is no TFLite file, or its tensors are not those of an int8 embedder.
    """
    if data[4:8] != _MAGIC:
        raise ConfigError(f"{where}: is not a TFLite file; give the .tflite file of an embedder")
    try:
        model: Any = schema.ModelT.InitFromObj(schema.Model.GetRootAs(data, 0))
        (sub,) = model.subgraphs
        for buffer in model.buffers:
            _bring_in(buffer, data)
        source, result = (
            _tensor(sub, ends, kind, where) for ends, kind in ((sub.inputs, "input"), (sub.outputs, "output"))
        )
        floats = sum(tensor.type in (schema.TensorType.FLOAT32, schema.TensorType.FLOAT16) for tensor in sub.tensors)
    except (AttributeError, LookupError, TypeError, ValueError, struct.error):
        raise ConfigError(f"{where}: is not a TFLite file with one graph that can be read; export it again") from None
    shape, length = _shape(source), _shape(result)
    if len(shape) != 4 or shape[0] != 1 or shape[1] != shape[2] or shape[3] != 3 or not _within(shape[1], _SIDES):
        raise ConfigError(
            f"{where}: input: shape {_shown(shape)}: must be one square colour picture, 1 x side x side x 3 "
            f"with a side of {_SIDES[0]} to {_SIDES[1]}; export it for one picture"
        )
    if len(length) != 2 or length[0] != 1 or not _within(length[1], _LENGTHS):
        raise ConfigError(
            f"{where}: output: shape {_shown(length)}: must be one vector, 1 x length "
            f"with a length of {_LENGTHS[0]} to {_LENGTHS[1]}; export it with the embedding as its one output"
        )
    scale, zero = float(source.quantization.scale[0]), int(source.quantization.zeroPoint[0])
    return Embedder(model, shape[1], scale, zero, floats, where)


def _bring_in(buffer: Any, data: bytes) -> None:
    """Take stored numbers that lie behind the graph's tables into the tables, where a rewritten file has them."""
    if not buffer.offset:
        return
    if buffer.offset + buffer.size > len(data):
        raise ValueError("out of the file")
    buffer.data = np.frombuffer(data, np.uint8, buffer.size, buffer.offset)
    buffer.offset = buffer.size = 0


def _tensor(sub: Any, ends: Any, kind: str, where: str) -> Any:
    if len(ends) != 1:
        raise ConfigError(f"{where}: {kind}: has {len(ends)} tensors, must have one; export it with one {kind}")
    tensor = sub.tensors[ends[0]]
    if tensor.type != schema.TensorType.INT8:
        name = _TYPES.get(tensor.type, "of an unknown type").lower()
        raise ConfigError(f"{where}: {kind}: is {name}, must be int8; {_QUANTISE}")
    if not len(tensor.quantization.scale) == len(tensor.quantization.zeroPoint) == 1:
        raise ConfigError(f"{where}: {kind}: has no scale and zero point; {_QUANTISE}")
    return tensor


def _shape(tensor: Any) -> tuple[int, ...]:
    return tuple(int(side) for side in tensor.shape)


def _shown(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "of one number"


def _within(value: int, limits: tuple[int, int]) -> bool:
    return limits[0] <= value <= limits[1]


def derived_pixels(embedder: Embedder) -> Pixels:
    """How pixels are normalised, told from the range that the input's int8 values stand for.

    Raises:
        ConfigError: the range is that of no usual normalisation.
    """
    low, high = ((stored - embedder.zero) * embedder.scale for stored in (-128, 127))
    usual = (
        (Pixels(0.0, 1.0), abs(low) < 1.0 and 200.0 < high < 300.0),
        (Pixels(127.5, 127.5), abs(low + 1.0) < 0.1 and abs(high - 1.0) < 0.1),
        (Pixels(0.0, 255.0), abs(low) < 0.05 and abs(high - 1.0) < 0.1),
    )
    for pixels, fits in usual:
        if fits:
            return pixels
    raise ConfigError(
        f"{embedder.where}: input: its range from {low:.3g} to {high:.3g} tells no usual normalisation; "
        "give --mean and --step"
    )


def fronted(embedder: Embedder, colour: Colour, pixels: Pixels) -> bytes:
    """The file with its front, as bytes: input `chip`, output `embedding`."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(_packed(embedder.model), 0))
    sub = model.subgraphs[0]
    old, result = int(sub.inputs[0]), int(sub.outputs[0])
    front = _Front(model)
    chip = front.activation("chip", CHIP_SIDE, _CHIP_STEP, 0)
    taken = chip
    if embedder.side != CHIP_SIDE:
        taken = front.activation("sized", embedder.side, _CHIP_STEP, 0)
        size = front.stored("size", np.full(2, embedder.side, np.int32))
        front.operation("RESIZE_BILINEAR", 3, [chip, size], taken, "ResizeBilinearOptions", _half_pixels)
    # x = 128 + 128 c for a chip's real value c, so (x - mean) / step = (128 / step) c + (128 - mean) / step.
    gain = 128.0 / pixels.step
    order = np.eye(3)[:: -1 if colour == "bgr" else 1]
    weight = np.rint(127 * order).astype(np.int8).reshape(3, 1, 1, 3)
    steps = np.full(3, abs(gain) / 127.0, np.float32)
    bias = np.rint((128.0 - pixels.mean) / pixels.step / (steps.astype(np.float64) * _CHIP_STEP)).astype(np.int32)
    weights = front.stored("order", weight if gain > 0 else -weight, steps)
    biases = front.stored("middle", bias, (steps.astype(np.float64) * _CHIP_STEP).astype(np.float32))
    front.operation("CONV_2D", 3, [taken, weights, biases], old, "Conv2DOptions", _pointwise)
    sub.operators = [*front.operators, *sub.operators]
    sub.inputs = [chip]
    for index, name in ((old, "pixels"), (result, "embedding")):
        sub.tensors[index].name = name
    model.signatureDefs = None  # it would still name the old input
    return _packed(model)


def _packed(model: Any) -> bytes:
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), file_identifier=_MAGIC)
    return bytes(builder.Output())


def _half_pixels(options: Any) -> None:
    options.halfPixelCenters = True


def _pointwise(options: Any) -> None:
    options.padding = schema.Padding.VALID
    options.strideH = options.strideW = options.dilationHFactor = options.dilationWFactor = 1


class _Front:
    """Adds tensors and operations to a model; the operations are put in front by the caller."""

    def __init__(self, model: Any) -> None:
        self.model, self.sub = model, model.subgraphs[0]
        self.operators: list[Any] = []

    def activation(self, name: str, side: int, scale: float, zero: int) -> int:
        return self._tensor(name, (1, side, side, 3), schema.TensorType.INT8, 0, [scale], zero)

    def stored(self, name: str, values: npt.NDArray[Any], scales: Any = None) -> int:
        buffer: Any = schema.BufferT()
        buffer.data = np.frombuffer(values.tobytes(), np.uint8)
        self.model.buffers.append(buffer)
        kind = schema.TensorType.INT8 if values.dtype == np.int8 else schema.TensorType.INT32
        return self._tensor(name, values.shape, kind, len(self.model.buffers) - 1, scales, 0)

    def _tensor(self, name: str, shape: tuple[int, ...], kind: int, buffer: int, scales: Any, zero: int) -> int:
        tensor: Any = schema.TensorT()
        tensor.name, tensor.shape, tensor.type, tensor.buffer = name, list(shape), kind, buffer
        if scales is not None:
            made: Any = schema.QuantizationParametersT()
            made.scale = np.asarray(scales, np.float32)
            made.zeroPoint = np.full(len(made.scale), zero, np.int64)
            made.quantizedDimension = 0
            tensor.quantization = made
        self.sub.tensors.append(tensor)
        return len(self.sub.tensors) - 1

    def operation(
        self, name: str, version: int, inputs: list[int], output: int, options: str, fill: Callable[[Any], None]
    ) -> None:
        code: Any = schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = getattr(schema.BuiltinOperator, name)
        code.version = version
        self.model.operatorCodes.append(code)
        operator: Any = schema.OperatorT()
        operator.opcodeIndex, operator.inputs = len(self.model.operatorCodes) - 1, inputs
        operator.outputs = [output]
        operator.builtinOptionsType = getattr(schema.BuiltinOptions, options)
        operator.builtinOptions = getattr(schema, options + "T")()
        fill(operator.builtinOptions)
        self.operators.append(operator)
