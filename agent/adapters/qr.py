"""QR codes through zxing-cpp, from the full-resolution luma; coarse luma is made finer by OpenCV first.

Why: zxing-cpp samples a module's middle, and from two pixels a module on that is read more often between pixels than on
them (`scripts/prove pass`). In fine luma a code that fills the picture is read at a third of the size, after all else.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import zxingcpp

from agent.policy.frames import CodeFrame
from agent.units import Luma, QrText

_COARSE_PX: Final = 800
"""Luma of this width or less is doubled."""


class ZxingReader:
    """Implements `ports.QrReader`; corners come back in pixels of the recognition picture."""

    def texts(self, frame: CodeFrame) -> tuple[QrText, ...]:
        found, finer = _codes(frame.luma)
        scale = frame.scale * finer
        return tuple(
            QrText(
                code.text,
                tuple(
                    (point.x / scale, point.y / scale)
                    for point in (
                        code.position.top_left,
                        code.position.top_right,
                        code.position.bottom_right,
                        code.position.bottom_left,
                    )
                ),
            )
            for code in found
        )

    def in_picture(self, luma: Luma) -> tuple[str, ...]:
        """The texts in a picture that is no camera's: handed in at a desk, or drawn to try this reader on."""
        return tuple(code.text for code in _codes(luma)[0])


def _codes(luma: Luma) -> tuple[list[zxingcpp.Barcode], int]:
    """What was read, and how many times finer than the luma its places are."""
    finer = 2 if luma.shape[1] <= _COARSE_PX else 1
    found = zxingcpp.read_barcodes(
        luma if finer == 1 else np.asarray(cv2.resize(luma, None, fx=finer, fy=finer, interpolation=cv2.INTER_CUBIC)),
        formats=zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode]),
        try_rotate=True,
        try_downscale=True,
        try_invert=False,
    )
    return [code for code in found if code.valid], finer
