"""A preview as a JPEG picture, through OpenCV."""

from __future__ import annotations

import cv2
import numpy as np

from agent.errors import DeviceError
from agent.policy.frames import Preview
from agent.units import Rgb

_QUALITY = 80


def encode(preview: Preview) -> bytes:
    """Takes a `Preview` and nothing else: no other picture has a way out of the process."""
    ok, data = cv2.imencode(
        ".jpg", cv2.cvtColor(preview.picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
    )
    if not ok:
        raise DeviceError("preview: OpenCV cannot encode it; install the pinned opencv-python-headless")
    return data.tobytes()


class Encoder:
    """Encodes one preview after the other; one like the latest, as of an empty scene, is not encoded again."""

    def __init__(self) -> None:
        self._latest: tuple[Rgb, bytes] | None = None

    def encode(self, preview: Preview) -> bytes:
        """Takes a `Preview` and nothing else, as `encode` does."""
        if self._latest is None or not np.array_equal(self._latest[0], preview.picture):
            self._latest = preview.picture, encode(preview)
        return self._latest[1]


def read_picture(path: str) -> Rgb:
    """A picture file as (height, width, 3) uint8, red first.

    Raises:
        DeviceError: it cannot be read as a picture.
    """
    picture = cv2.imread(path, cv2.IMREAD_COLOR)
    if picture is None:
        raise DeviceError(f"{path}: not a picture that OpenCV reads; commission the empty scene again")
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)  # type: ignore[return-value]
