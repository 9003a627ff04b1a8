"""QR codes through zxing-cpp, from the full-resolution luma; coarse luma is made finer by OpenCV first.

Why: zxing-cpp samples a module's middle, and from two pixels a module on that is read more often between pixels than on
them (`scripts/prove pass`). In fine luma a code that fills the picture is read at a third of the size, after all else.

Rules: read is where something has moved lately, and the whole frame now and then; elsewhere the picture is as it was,
so the codes that were there still are.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
import zxingcpp

from agent.policy.frames import CodeFrame
from agent.units import Luma, Polygon, QrText

_COARSE_PX: Final = 800
"""Luma of this width or less is doubled."""
_CELL: Final = 8
"""Side of a cell in which motion is looked for, in pixels of the recognition picture."""
_MOVED: Final = 12
"""Grey levels by which a cell that has moved differs: more than a sensor's noise, less than any print."""
_SPARE: Final = 5
"""So many cells round what moved are read too: a code's white border and what lies under a thumb."""
_LATELY_NS: Final = 1_500_000_000
"""A hand that has come to rest is no longer blurred, and that is when its code can be read."""
_WHOLE_NS: Final = 1_000_000_000

_Grey = npt.NDArray[np.int16]


class ZxingReader:
    """Implements `ports.QrReader`; corners come back in pixels of the recognition picture. For one camera's frames."""

    def __init__(self) -> None:
        self._former: _Grey | None = None
        self._moved_ns = np.zeros((0, 0), np.int64)
        """When each cell moved the last time."""
        self._whole_ns = 0
        self._found: list[QrText] = []

    def texts(self, frame: CodeFrame) -> tuple[QrText, ...]:
        part = self._due(frame)
        if part is not None:
            x0, y0, x1, y1 = part
            codes, finer = _codes(frame.luma[y0:y1, x0:x1])
            elsewhere = [code for code in self._found if _apart(code.corners, part, frame.scale)]
            self._found = elsewhere + [_placed(code, x0, y0, finer, frame.scale) for code in codes]
        return tuple(self._found)

    def _due(self, frame: CodeFrame) -> tuple[int, int, int, int] | None:
        """The part of the luma to be read: x0, y0, x1, y1, the last two outside; None: nothing has moved."""
        now_ns, grey, former = frame.captured_ns, _grey(frame.luma, _CELL * frame.scale), self._former
        self._former = grey
        height, width = frame.luma.shape
        if former is None or former.shape != grey.shape or not 0 <= now_ns - self._whole_ns < _WHOLE_NS:
            if self._moved_ns.shape != grey.shape:
                self._moved_ns = np.full(grey.shape, now_ns - _LATELY_NS, np.int64)
            if former is not None and former.shape == grey.shape:
                self._moved_ns[np.abs(grey - former) >= _MOVED] = now_ns
            self._whole_ns = now_ns
            return 0, 0, width, height
        self._moved_ns[np.abs(grey - former) >= _MOVED] = now_ns
        rows, columns = np.nonzero(self._moved_ns > now_ns - _LATELY_NS)
        if not len(rows):
            return None
        cell = _CELL * frame.scale
        x0, y0 = (max(0, int(each.min()) - _SPARE) * cell for each in (columns, rows))
        x1, y1 = ((int(each.max()) + 1 + _SPARE) * cell for each in (columns, rows))
        return x0, y0, min(x1, width), min(y1, height)

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


def _grey(luma: Luma, cell: int) -> _Grey:
    """Mean of four pixels for every cell."""
    rows, columns = (side // cell * cell for side in luma.shape)
    whole, low, high = luma[:rows, :columns], cell // 8, cell // 8 + cell // 2
    found = np.zeros((rows // cell, columns // cell), np.int16)
    for y, x in ((low, low), (low, high), (high, low), (high, high)):
        found += whole[y::cell, x::cell]
    return found // 4


def _placed(code: zxingcpp.Barcode, x0: int, y0: int, finer: int, scale: int) -> QrText:
    place = code.position
    corners = (place.top_left, place.top_right, place.bottom_right, place.bottom_left)
    return QrText(code.text, tuple(((each.x / finer + x0) / scale, (each.y / finer + y0) / scale) for each in corners))


def _apart(corners: Polygon, part: tuple[int, int, int, int], scale: int) -> bool:
    """Whether a code lies wholly outside a part of the luma."""
    x0, y0, x1, y1 = (side / scale for side in part)
    xs, ys = [x for x, _ in corners], [y for _, y in corners]
    return max(xs) < x0 or min(xs) >= x1 or max(ys) < y0 or min(ys) >= y1
