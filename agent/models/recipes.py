"""How each of the three float networks becomes a strictly int8 file.

Detector: the head that gave 16 numbers a cell is split by what they are, so that each part has a scale of its own, and
the parts' ranges are those that cells on a face use (background cells reach further and would cost resolution).
Embedder: idle channels are dropped (`prune`), each PReLU becomes the greater of two convolutions
(`equalise.spell_prelu`), and the ranges come from widely varied chips (`vary`). Detection of presentation attacks goes
the same way; it takes pixels from 0 to 255, so that the zeros of its borders are black, as they were in training.
"""

from __future__ import annotations

import copy
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter

from agent.errors import DeviceError
from agent.face.detect import Finder, Floats
from agent.models import onnx
from agent.models.emit import Scale, emit
from agent.models.equalise import equalise, shift_input, spell_prelu
from agent.models.graph import RESHAPE, Graph, read
from agent.models.prune import prune
from agent.models.quantise import measure, scale_for, scales
from agent.models.runtime import start
from agent.models.sources import DETECTOR, EMBEDDER, PAD
from agent.units import Rgb

_DETECTOR_STEP: Final = 127.5
"""The float networks take (x - 127.5) / step; the int8 files take x - 128, the half is moved into the first bias."""
EMBEDDER_STEP: Final = 128.0
_HEAD_PARTS: Final = (("sizes", (2, 3)), ("offsets", (0, 1, *range(4, 16))))
_LOGIT_RANGE: Final = (-8.0, 8.0)
_SIZE_RANGE: Final = (0.0, 176.0)
_OFFSET_RANGE: Final = (-72.0, 72.0)
"""Input pixels; cells on a face of up to 360 px in a 640 px picture stay within."""
_STRENGTH: Final = 0.5
_REACH_SHARE: Final = 0.999
_DETECTOR_COVER: Final = 0.99
_EMBEDDER_COVER: Final = 1.0
_PAD_COVER: Final = 1.0
"""Share of the calibration pictures that each scale covers; real people reach further than the few synthetic ones."""


def detector_graph(data: bytes) -> Graph:
    """The float detector with its heads apart: logits, sizes, offsets on the 48 x 48 grid."""
    graph = read(data, DETECTOR.file)
    graph.nodes = [node for node in graph.nodes if node.kind != RESHAPE]
    heads = {
        node.weight.shape[0]: node for node in graph.nodes if node.weight is not None and node.output in _ends(graph)
    }
    if set(heads) != {1, 16}:
        raise DeviceError(f"{DETECTOR.file}: heads: must be of 1 and of 16 channels; build from the named package file")
    whole = heads[16]
    graph.nodes.remove(whole)
    assert whole.weight is not None and whole.bias is not None
    for name, channels in _HEAD_PARTS:
        part = copy.deepcopy(whole)
        part.output, part.weight, part.bias = name, whole.weight[list(channels)], whole.bias[list(channels)]
        graph.nodes.append(part)
        graph.shapes[name] = (*graph.shapes[whole.output][:3], len(channels))
    graph.result = (heads[1].output, *(name for name, _ in _HEAD_PARTS))
    kept = {graph.source, *(node.output for node in graph.nodes)}
    graph.shapes = {name: shape for name, shape in graph.shapes.items() if name in kept}
    return graph


def _ends(graph: Graph) -> set[str]:
    return {node.output for node in graph.nodes if not graph.consumers(node.output)}


def detector(data: bytes, frames: npt.NDArray[np.uint8]) -> bytes:
    """The int8 detector, from the package's float file and calibration inputs (n, 192, 192, 3)."""
    graph = shift_input(detector_graph(data), 0.5 / _DETECTOR_STEP)
    logits, sizes, offsets = graph.result
    fixed = {
        graph.source: Scale(1.0 / _DETECTOR_STEP, 0),
        logits: scale_for(*_LOGIT_RANGE),
        sizes: scale_for(*_SIZE_RANGE),
        offsets: scale_for(*_OFFSET_RANGE),
    }
    names = {graph.source: "picture", logits: "logits", sizes: "sizes", offsets: "offsets"}
    return _quantised(graph, _centred(frames, _DETECTOR_STEP), fixed, names, _DETECTOR_COVER)


def embedder_graph(data: bytes) -> Graph:
    """The float embedder for chips (x - 128) / 128 in RGB.

    Its package feeds it RGB, but it tells people apart clearly better in BGR (docs/embedder.md), so the first
    convolution takes its channels in reverse.
    """
    graph = shift_input(onnx.read(data, EMBEDDER.file), 1.0 / EMBEDDER_STEP)
    for node in graph.consumers(graph.source):
        assert node.weight is not None
        node.weight = np.ascontiguousarray(node.weight[..., ::-1])
    return graph


def embedder(graph: Graph, chips: npt.NDArray[np.uint8]) -> bytes:
    """The int8 embedder, from its float graph and calibration inputs (n, 112, 112, 3)."""
    inputs = _centred(chips, EMBEDDER_STEP)
    graph = spell_prelu(prune(graph))
    fixed = {graph.source: Scale(1.0 / EMBEDDER_STEP, 0)}
    names = {graph.source: "chip", graph.result[0]: "embedding"}
    return _quantised(graph, inputs, fixed, names, _EMBEDDER_COVER)


def pad_graph(data: bytes) -> Graph:
    """The float network that tells prints and screens, for views in RGB from 0 to 255: logits, bona fide first.

    Its package feeds it RGB; attacks are told apart clearly better in BGR (docs/pad.md).
    """
    graph = onnx.read(data, PAD.file)
    for node in graph.consumers(graph.source):
        assert node.weight is not None
        node.weight = np.ascontiguousarray(node.weight[..., ::-1])
    return graph


def pad(graph: Graph, views: npt.NDArray[np.uint8]) -> bytes:
    """The int8 network, from its float graph and calibration inputs (n, 128, 128, 3)."""
    graph = spell_prelu(prune(graph))
    fixed = {graph.source: Scale(1.0, -128)}
    names = {graph.source: "view", graph.result[0]: "classes"}
    return _quantised(graph, views.astype(np.float32), fixed, names, _PAD_COVER)


def _centred(pictures: npt.NDArray[np.uint8], step: float) -> npt.NDArray[np.float32]:
    return ((pictures.astype(np.float32) - 128.0) / step).astype(np.float32)


def _quantised(
    graph: Graph, inputs: npt.NDArray[np.float32], fixed: dict[str, Scale], names: dict[str, str], cover: float
) -> bytes:
    graph = equalise(graph, measure(graph, inputs), _STRENGTH, _REACH_SHARE)
    return emit(graph, scales(graph, measure(graph, inputs), fixed, cover), names)


class FloatDetector:
    """The detector before quantising: finds faces in calibration pictures, and is what int8 is held against."""

    def __init__(self, data: bytes) -> None:
        graph = detector_graph(data)
        self._runtime: Any = start(Interpreter, emit(graph))
        self._source = self._runtime.get_input_details()[0]["index"]
        by_name = {detail["name"]: detail["index"] for detail in self._runtime.get_output_details()}
        self._results = [by_name[name] for name in graph.result]
        self.find = Finder(self.infer).find

    def infer(self, square: Rgb) -> tuple[Floats, ...]:
        self._runtime.set_tensor(self._source, ((square.astype(np.float32) - 127.5) / _DETECTOR_STEP)[None])
        self._runtime.invoke()
        return tuple(self._runtime.get_tensor(index)[0] for index in self._results)
