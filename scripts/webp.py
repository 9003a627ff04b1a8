"""Pictures as WebP: what a browser gave is decoded, encoded again, held below a size, and put where the texts show it.

For who makes pictures, not for a device. Leaves out: what is in a picture.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from agent.errors import DeviceError

PICTURES: Final = Path(__file__).resolve().parent.parent / "docs" / "pictures"
LARGEST: Final = 200_000
"""Bytes of one picture of the documentation, where a script has no bound of its own."""
Pixels = npt.NDArray[np.uint8]
"""(height, width, 3) BGR, or (height, width, 4) BGRA."""


def decoded(picture: bytes) -> Pixels:
    """The pixels of a PNG that a browser gave.

    Raises:
        DeviceError: it is none.
    """
    bgr = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
    if bgr is None:
        raise DeviceError("Chromium gave no picture; try again")
    return np.asarray(bgr, np.uint8)


def encoded(pixels: Pixels, quality: int, largest: int | None = None) -> bytes:
    """The picture as WebP.

    Args:
        largest: so many bytes at the most; None: however many it takes.

    Raises:
        DeviceError: it is larger, or cannot be encoded.
    """
    done, data = cv2.imencode(".webp", pixels, [cv2.IMWRITE_WEBP_QUALITY, quality])
    if not done:
        raise DeviceError("the WebP encoder failed")
    if largest is not None and len(data) > largest:
        raise DeviceError(f"a picture of {len(data)} bytes; {largest} are the most")
    return data.tobytes()


def publish(name: str, pixels: Pixels, quality: int = 84) -> int:
    """Replace a picture of the documentation and say so; the exit status. One that is too large replaces nothing."""
    try:
        data = encoded(pixels, quality, LARGEST)
    except DeviceError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 1
    PICTURES.mkdir(exist_ok=True)
    (PICTURES / name).write_bytes(data)
    print(f"docs/pictures/{name}: {pixels.shape[1]} x {pixels.shape[0]}, {len(data)} bytes")
    return 0
