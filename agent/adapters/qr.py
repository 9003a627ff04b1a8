"""QR codes through zxing-cpp, from the full-resolution luma."""

from __future__ import annotations

import zxingcpp

from agent.policy.frames import CodeFrame
from agent.units import Luma, QrText


class ZxingReader:
    """Implements `ports.QrReader`; corners come back in pixels of the recognition picture."""

    def texts(self, frame: CodeFrame) -> tuple[QrText, ...]:
        return tuple(
            QrText(
                code.text,
                tuple(
                    (point.x / frame.scale, point.y / frame.scale)
                    for point in (
                        code.position.top_left,
                        code.position.top_right,
                        code.position.bottom_right,
                        code.position.bottom_left,
                    )
                ),
            )
            for code in _codes(frame.luma)
        )

    def in_picture(self, luma: Luma) -> tuple[str, ...]:
        """The texts in a picture that is no camera's: handed in at a desk, or drawn to try this reader on."""
        return tuple(code.text for code in _codes(luma))


def _codes(luma: Luma) -> list[zxingcpp.Barcode]:
    found = zxingcpp.read_barcodes(
        luma,
        formats=zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode]),
        try_rotate=True,
        try_downscale=False,
        try_invert=False,
    )
    return [code for code in found if code.valid]
