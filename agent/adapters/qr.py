"""QR codes through zxing-cpp, from the full-resolution luma."""

from __future__ import annotations

import zxingcpp

from agent.policy.frames import CodeFrame
from agent.units import QrText


class ZxingReader:
    """Implements `ports.QrReader`; corners come back in pixels of the recognition picture."""

    def texts(self, frame: CodeFrame) -> tuple[QrText, ...]:
        found = zxingcpp.read_barcodes(
            frame.luma,
            formats=zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode]),
            try_rotate=True,
            try_downscale=False,
            try_invert=False,
        )
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
            for code in found
            if code.valid
        )
