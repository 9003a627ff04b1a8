"""Detector, alignment and embedder of this checkout over single pictures of a folder: part of `bench/looks.py`."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from agent.adapters.litert import load_models
from agent.face.detect import Face, Finder
from agent.units import Rgb

MODELS = Path(__file__).resolve().parent.parent / "models"
Scores = npt.NDArray[np.float32]


class Eye:
    def __init__(self) -> None:
        detector, self._embedder = load_models(MODELS, threads=2)
        self._find = Finder(detector.run).find

    def face(self, picture: Rgb) -> Face | None:
        """The face nearest to the middle; None: none."""
        middle = np.array(picture.shape[1::-1]) / 2
        return min(self._find(picture), key=lambda face: float(np.hypot(*(middle - face.box.centre))), default=None)

    def template(self, chip: Rgb) -> Scores:
        raw = np.asarray(self._embedder.run(np.ascontiguousarray(chip))[0], np.float32)
        return raw / np.linalg.norm(raw)


def read(path: Path) -> Rgb:
    return np.ascontiguousarray(np.asarray(cv2.imread(str(path)))[..., ::-1])
