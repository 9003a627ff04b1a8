"""A sheet as a picture, for a phone: drawn by OpenCV at three times its size and made smaller, so that edges are soft.

Contours of a glyph may overlap: what a path winds round at all is inside. Shapes are even-odd, as everywhere here.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from fontTools.pens.basePen import BasePen

from agent.site.signs.drawing import Line, Shape, Sheet, Steps
from agent.site.signs.fonts import Face, Family
from agent.site.signs.svg import HEAVIER

DOTS_PER_MM: Final = 6
_FINER: Final = 3
_PARTS: Final = 8
"""Straight pieces of a curve; letters are small."""
_SHIFT: Final = 4
Points = npt.NDArray[np.float64]
Canvas = npt.NDArray[np.uint8]


def png(sheet: Sheet, family: Family) -> bytes:
    """The page at about 150 dots an inch, on white."""
    scale = DOTS_PER_MM * _FINER
    canvas = np.full((round(sheet.height * scale), round(sheet.width * scale), 3), 255, np.uint8)
    for item in sheet.items:
        if isinstance(item, Shape):
            cv2.fillPoly(canvas, [_fixed(each * scale) for each in _contours(item.steps)], _bgr(item), shift=_SHIFT)
        else:
            _line(canvas, item, family.face(item.bold), item.bold and family.bold is None, scale)
    size = (canvas.shape[1] // _FINER, canvas.shape[0] // _FINER)
    done, data = cv2.imencode(".png", cv2.resize(canvas, size, interpolation=cv2.INTER_AREA))
    assert done
    return data.tobytes()


def _line(canvas: Canvas, line: Line, face: Face, heavier: bool, scale: int) -> None:
    em, place = line.size * scale, 0.0
    for glyph in face.glyphs(line.text):
        origin = np.array([line.x * scale + place * em, line.y * scale])
        outline = [contour * (em / face.units) * (1, -1) + origin for contour in _outline(face, glyph)]
        _winding(canvas, outline, _bgr(line), round(HEAVIER * em) if heavier else 0)
        place += face.advance(glyph)


def _winding(canvas: Canvas, outline: list[Points], colour: tuple[int, int, int], pen: int) -> None:
    if not outline:
        return
    edges = np.concatenate(outline)
    low = np.maximum(np.floor(edges.min(axis=0)).astype(int) - pen - 1, 0)
    high = np.ceil(edges.max(axis=0)).astype(int) + pen + 2
    window = canvas[low[1] : high[1], low[0] : high[0]]
    wound = np.zeros(window.shape[:2], np.int16)
    for contour in outline:
        mask = np.zeros(window.shape[:2], np.uint8)
        cv2.fillPoly(mask, [_fixed(contour - low)], 1, shift=_SHIFT)
        wound += np.int16(_turns(contour)) * mask
    inside = (wound != 0).astype(np.uint8)
    if pen:
        inside = cv2.dilate(inside, np.ones((pen, pen), np.uint8)).astype(np.uint8)
    window[inside != 0] = colour


def _turns(contour: Points) -> int:
    """1 or -1: which way round it goes."""
    x, y = contour.T
    return 1 if float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y)) > 0 else -1


def _contours(steps: Steps) -> list[Points]:
    pen = _Flat()
    for name, numbers in steps:
        pairs = [(numbers[at], numbers[at + 1]) for at in range(0, len(numbers), 2)]
        if name == "M":
            pen.moveTo(pairs[0])
        elif name == "L":
            pen.lineTo(pairs[0])
        elif name == "C":
            pen.curveTo(*pairs)
        else:
            pen.closePath()
    return pen.done()


@cache
def _outline(face: Face, glyph: str) -> tuple[Points, ...]:
    pen = _Flat(face.glyph_set)
    face.glyph_set[glyph].draw(pen)
    return tuple(pen.done())


class _Flat(BasePen):  # type: ignore[misc]
    """Turns an outline into polygons."""

    def __init__(self, glyphs: object = None) -> None:
        super().__init__(glyphs)
        self._found: list[list[tuple[float, float]]] = []

    def done(self) -> list[Points]:
        return [np.array(each, np.float64) for each in self._found if len(each) > 2]

    def _moveTo(self, pt: tuple[float, float]) -> None:
        self._found.append([pt])

    def _lineTo(self, pt: tuple[float, float]) -> None:
        self._found[-1].append(pt)

    def _curveToOne(self, pt1: tuple[float, float], pt2: tuple[float, float], pt3: tuple[float, float]) -> None:
        start = np.array(self._found[-1][-1])
        one, two, end = (np.array(each) for each in (pt1, pt2, pt3))
        for part in range(1, _PARTS + 1):
            t = part / _PARTS
            u = 1 - t
            x, y = u**3 * start + 3 * u * u * t * one + 3 * u * t * t * two + t**3 * end
            self._found[-1].append((float(x), float(y)))


def _fixed(contour: Points) -> npt.NDArray[np.int32]:
    """In OpenCV's fixed-point pixels, whose whole numbers are pixel centres."""
    return np.rint((contour - 0.5) * (1 << _SHIFT)).astype(np.int32)


def _bgr(item: Shape | Line) -> tuple[int, int, int]:
    red, green, blue = item.colour
    return blue, green, red
