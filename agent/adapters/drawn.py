"""A QR code as the luma of a picture of its own, through segno: what the reader is tried on."""

from __future__ import annotations

import numpy as np
import segno

from agent.units import Luma

_MODULE_PX = 4
_MARGIN = 8
"""Modules of white round the code: twice what the standard asks for."""


def drawn(text: str) -> Luma:
    """The text, which has signs of QR's alphanumeric mode only, black on white."""
    rows = segno.make_qr(text, mode="alphanumeric", error="m").matrix_iter(border=_MARGIN)
    modules = np.array([[0 if dark else 255 for dark in row] for row in rows], np.uint8)
    return np.ascontiguousarray(modules.repeat(_MODULE_PX, axis=0).repeat(_MODULE_PX, axis=1))
