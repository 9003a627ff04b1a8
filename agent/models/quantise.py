"""Measure a float graph on calibration pictures and choose the int8 scale of every activation.

Scales are rounded to few bits, so that the last-bit differences between two processors' float kernels do not change
the written file. Leaves out: the changes of the graph (`equalise`) and the file format (`emit`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter

from agent.models.emit import Scale, emit
from agent.models.equalise import Extent
from agent.models.graph import MAXIMUM, PAD, POOL, RESHAPE, RESIZE, SIGMOID, Array, Graph
from agent.models.runtime import start

_OPEN: Final = Scale(1 / 256, -128)
"""The one scale that int8 runtimes give to a sigmoid."""
_DEAD_STEP: Final = 1 / 256
"""Far from the steps of its neighbours, a scale could not be added to theirs in a runtime."""


def measure(graph: Graph, pictures: Array) -> dict[str, Extent]:
    """Run the float graph on `pictures` (n, height, width, 3) and note each channel's least and greatest value."""
    names = (graph.source, *(node.output for node in graph.nodes))
    runtime = start(Interpreter, emit(graph, results=names[1:]))
    source = runtime.get_input_details()[0]["index"]
    by_name = {detail["name"]: detail["index"] for detail in runtime.get_output_details()}
    low: dict[str, list[npt.NDArray[np.float32]]] = {name: [] for name in names}
    high: dict[str, list[npt.NDArray[np.float32]]] = {name: [] for name in names}
    for picture in pictures:
        runtime.set_tensor(source, picture[None])
        runtime.invoke()
        for name in names:
            value = picture[None] if name == graph.source else runtime.get_tensor(by_name[name])
            flat = value.reshape(-1, value.shape[-1])
            low[name].append(flat.min(axis=0))
            high[name].append(flat.max(axis=0))
    return {name: Extent(np.array(low[name]), np.array(high[name])) for name in names}


def scale_for(low: float, high: float) -> Scale:
    """The int8 scale that covers [low, high] and zero; a plain one for an activation that was never but zero."""
    low, high = min(0.0, low), max(0.0, high)
    step = round_up((high - low) / 255.0) if high > low else _DEAD_STEP
    zero = max(-128, min(127, round(-128.0 - low / step)))
    return Scale(step, zero)


def round_up(value: float, bits: int = 8) -> float:
    """The next number at or above `value` with so few bits that float noise cannot change it."""
    mantissa, exponent = math.frexp(max(value, 1e-9))
    return math.ldexp(math.ceil(mantissa * (1 << bits) - 1e-3), exponent - bits)


def scales(graph: Graph, extents: Mapping[str, Extent], fixed: Mapping[str, Scale], share: float) -> dict[str, Scale]:
    """An int8 scale for every activation.

    Args:
        fixed: scales that are set from outside (input, outputs whose useful range is known).
        share: each tensor covers this share of the calibration pictures fully.
    """
    chosen: dict[str, Scale] = {}
    for name, extent in extents.items():
        low = float(np.quantile(extent.low.min(axis=1), 1.0 - share))
        high = float(np.quantile(extent.high.max(axis=1), share))
        chosen[name] = fixed.get(name) or scale_for(low, high)
    for node in reversed(graph.nodes):
        if node.kind in (POOL, RESHAPE, PAD, RESIZE) and node.inputs[0] not in fixed:
            # These only move values about: input and output must share one scale.
            chosen[node.inputs[0]] = chosen[node.output]
    moved = [node for node in graph.nodes if node.kind in (POOL, RESHAPE, PAD, RESIZE)]
    assert all(chosen[node.inputs[0]] == chosen[node.output] for node in moved), "two readers ask for two scales"
    for node in graph.nodes:
        if node.kind == MAXIMUM:  # it compares stored numbers, so all three must mean the same
            chosen.update(dict.fromkeys(node.inputs, chosen[node.output]))
        elif node.kind == SIGMOID:
            chosen[node.output] = _OPEN
    return chosen
