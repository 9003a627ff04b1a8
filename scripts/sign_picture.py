"""The picture of a printed sign for the documentation: real PDF files, rasterised by PDFium, on a wall."""

from __future__ import annotations

import sys
from typing import Final

import cv2
import numpy as np
import pypdfium2

from agent.site.signs.making import make_refusing, make_sign
from scripts.webp import Pixels, publish
from tests.policy.given import NOW_S
from tests.site.mounted import SECRET, policy_of

_PER_MM: Final = 3.0
_WALL: Final = (206, 210, 212)


def main() -> int:
    sign, _ = make_sign(policy_of(), SECRET, kind="pdf", size="A3", languages=["en", "zh-Hans"], now_s=NOW_S)
    card = make_refusing(kind="pdf", size="A5", languages=["en", "zh-Hans"], now_s=NOW_S)
    sheets = [_sheet(sign), _sheet(card)]
    gap = 60
    wall = np.full((sheets[0].shape[0] + 2 * gap, sum(each.shape[1] for each in sheets) + 3 * gap, 3), _WALL, np.uint8)
    x = gap
    for sheet in sheets:
        _hang(wall, sheet, x, wall.shape[0] - gap - sheet.shape[0])
        x += sheet.shape[1] + gap
    small = cv2.resize(wall, None, fx=0.8, fy=0.8, interpolation=cv2.INTER_AREA)
    return publish("sign.webp", np.asarray(small, np.uint8), quality=82)


def _sheet(pdf: bytes) -> Pixels:
    rendered = pypdfium2.PdfDocument(pdf)[0].render(scale=_PER_MM * 25.4 / 72).to_numpy()
    return np.ascontiguousarray(rendered[..., :3], np.uint8)


def _hang(wall: Pixels, sheet: Pixels, x: int, y: int) -> None:
    """The sheet with a soft shadow."""
    high, wide = sheet.shape[:2]
    shade = np.zeros(wall.shape[:2], np.float32)
    shade[y + 8 : y + high + 8, x + 6 : x + wide + 6] = 0.35
    shade = np.asarray(cv2.GaussianBlur(shade, (0, 0), 9), np.float32)
    wall[:] = (wall * (1 - shade[..., None])).astype(np.uint8)
    wall[y : y + high, x : x + wide] = sheet


if __name__ == "__main__":
    sys.exit(main())
