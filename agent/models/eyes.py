"""Detector and embedder on plain pictures, for evaluation only: there is no way from here to a door."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from agent.errors import ConfigError
from agent.face.align import chip
from agent.face.detect import Face, Finder, Floats, Infer
from agent.models.faceset import Faces
from agent.models.rates import Matrix
from agent.units import Rgb


class Eyes:
    """Detector and embedder on plain pictures, for evaluation only: there is no way from here to a door."""

    def __init__(self, detect: Infer, embed: Infer) -> None:
        self._find, self._embed = Finder(detect).find, embed

    def face(self, picture: Rgb) -> Face | None:
        """The face nearest to the middle, by its own size; None when none is found."""
        return nearest(self._find(picture), picture)

    def template(self, picture: Rgb) -> Floats | None:
        """The unit template of that face; None: failure to acquire."""
        face = self.face(picture)
        if face is None:
            return None
        try:
            return self.embedded(chip(picture, face))
        except ValueError:
            return None

    def embedded(self, aligned: Rgb) -> Floats:
        """The unit template of a (112, 112, 3) chip."""
        vector = self._embed(aligned)[0]
        return np.asarray(vector / np.float32(np.linalg.norm(vector)), np.float32)


def nearest(faces: Sequence[Face], picture: Rgb) -> Face | None:
    """The face nearest to the picture's middle, by its own size; None of none."""
    height, width = picture.shape[:2]

    def far(face: Face) -> float:
        x, y = face.box.centre
        return math.hypot(x - width / 2, y - height / 2) / max(face.box.width, 1.0)

    return min(faces, key=far, default=None)


def stacked(templates: Sequence[Floats | None], faces: Faces) -> Matrix:
    """One row a picture, zeros for a failure to acquire.

    Raises:
        ConfigError: there is no face in any picture.
    """
    found = next((each for each in templates if each is not None), None)
    if found is None:
        raise ConfigError(f"{faces.name}: faces: none is found in any picture; take pictures of faces")
    return np.array([np.zeros_like(found) if each is None else each for each in templates], np.float32)


def read_picture(path: Path) -> Rgb:
    """The picture of a file as RGB.

    Raises:
        ConfigError: it is none.
    """
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise ConfigError(f"{path}: is not a picture; correct the list")
    return np.ascontiguousarray(picture[..., ::-1], np.uint8)
