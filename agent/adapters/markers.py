"""ArUco markers through OpenCV: where a known sign hangs, in the whole frame, and at commissioning.

Near a known place the marker is brought to one working size, from the finest luma there is, so that a far one reads
like a near one and every look costs the same. The whole frame is searched at half size. Corners come back in pixels of
the recognition picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np

from agent.policy.frames import CodeFrame
from agent.policy.signage import MARKER_FAMILY
from agent.units import Luma, Marker, Polygon

_WORKING_PX: Final = 112
"""Longest side to which the part of the frame near a known place is brought."""
_MOST_ZOOM: Final = 4.0
_SHARP_WINDOW: Final = 7
"""For a marker that was made smaller: less than a module, or border and inside would melt into one."""
_WINDOW: Final = 13
"""For whatever is soft or small. One size is enough, and costs a third of OpenCV's three."""
_GLANCE_PX: Final = 16
"""Side of the small picture of a known place by which it is seen whether anything has changed there."""
_CHANGED: Final = 8.0
"""Grey levels of one of its pixels: more than a sensor's noise, less than a finger on the sign."""
_GLANCE_NS: Final = 300_000_000
"""So long a reading stands for pictures that look the same; then it is read again."""


@dataclass(slots=True)
class _Glance:
    """What was read near a known place, and what it looked like."""

    near: Polygon
    small: cv2.typing.MatLike
    read_ns: int
    found: tuple[Marker, ...]


class ArucoReader:
    """Implements `ports.MarkerReader`."""

    def __init__(self) -> None:
        self._near = _detector(minMarkerPerimeterRate=0.3)
        self._near_and_sharp = _detector(
            adaptiveThreshWinSizeMin=_SHARP_WINDOW, adaptiveThreshWinSizeMax=_SHARP_WINDOW, minMarkerPerimeterRate=0.3
        )
        # Print is black on white: a strong edge is asked for, which leaves out most of what else is in view.
        self._anywhere = _detector(adaptiveThreshConstant=15, minMarkerPerimeterRate=0.1)
        self._latest: _Glance | None = None

    def markers(self, frame: CodeFrame, near: Polygon | None) -> tuple[Marker, ...]:
        if near is None:
            height, width = frame.luma.shape
            size = (width // (2 * frame.scale), height // (2 * frame.scale))
            small = np.asarray(cv2.resize(frame.luma, size, interpolation=cv2.INTER_AREA), np.uint8)
            return _read(self._anywhere, small, 0, 0, 0.5)
        x0, y0, x1, y1 = _reach(near, frame)
        part = frame.luma[y0:y1, x0:x1]
        if part.size == 0:
            return ()
        found = self._unmoved(part, near, frame.captured_ns)
        if found is not None:
            return found
        zoom = min(_WORKING_PX / max(part.shape), _MOST_ZOOM)
        if zoom != 1:
            method = cv2.INTER_AREA if zoom < 1 else cv2.INTER_CUBIC
            part = np.asarray(cv2.resize(part, None, fx=zoom, fy=zoom, interpolation=method), np.uint8)
        detector = self._near if zoom > 1 else self._near_and_sharp
        found = _read(detector, part, x0 / frame.scale, y0 / frame.scale, zoom * frame.scale)
        assert self._latest is not None  # it was looked at just now
        self._latest.found = found
        return found

    def _unmoved(self, part: Luma, near: Polygon, now_ns: int) -> tuple[Marker, ...] | None:
        """What was read here a moment ago, if nothing has changed since; None: it must be read."""
        small = cv2.resize(part, (_GLANCE_PX, _GLANCE_PX), interpolation=cv2.INTER_AREA)
        latest = self._latest
        if (
            latest is not None
            and latest.near == near
            and 0 <= now_ns - latest.read_ns < _GLANCE_NS
            and cv2.norm(latest.small, small, cv2.NORM_INF) < _CHANGED
        ):
            return latest.found
        self._latest = _Glance(near, small, now_ns, ())
        return None


def survey(frame: CodeFrame) -> tuple[Marker, ...]:
    """Every marker of a whole border in the finest luma, corners to a part of a pixel: slow, for commissioning."""
    careful = _detector(
        adaptiveThreshWinSizeMax=53,
        maxErroneousBitsInBorderRate=0.0,
        minMarkerPerimeterRate=0.01,
        cornerRefinementMethod=cv2.aruco.CORNER_REFINE_SUBPIX,
    )
    return _read(careful, frame.luma, 0, 0, frame.scale)


def _reach(near: Polygon, frame: CodeFrame) -> tuple[int, int, int, int]:
    """The luma pixels round `near`, with the white that belongs to a marker: x0, y0, x1, y1, the last two outside."""
    height, width = frame.luma.shape
    corners = np.array(near, np.float64)
    low, high = corners.min(axis=0), corners.max(axis=0)
    white = 0.25 * (high - low).max() + 2
    x0, y0 = np.floor((low - white) * frame.scale)
    x1, y1 = np.ceil((high + white) * frame.scale)
    return (
        int(np.clip(x0, 0, width)),
        int(np.clip(y0, 0, height)),
        int(np.clip(x1, 0, width)),
        int(np.clip(y1, 0, height)),
    )


def _detector(**settings: Any) -> cv2.aruco.ArucoDetector:
    parameters = cv2.aruco.DetectorParameters()
    usual = {
        "adaptiveThreshWinSizeMin": _WINDOW,
        "adaptiveThreshWinSizeMax": _WINDOW,
        "cornerRefinementMethod": cv2.aruco.CORNER_REFINE_NONE,
    }
    for name, value in (usual | settings).items():
        setattr(parameters, name, value)
    return cv2.aruco.ArucoDetector(cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, MARKER_FAMILY)), parameters)


def _read(detector: cv2.aruco.ArucoDetector, luma: Luma, x0: float, y0: float, zoom: float) -> tuple[Marker, ...]:
    """Markers of a part that begins at (x0, y0) of the picture and has `zoom` pixels for one of the picture's."""
    corners, numbers, _ = detector.detectMarkers(luma)
    if not corners:
        return ()
    # Corners are centres of pixels, which lie half a pixel inside the edge.
    shift = np.array((x0, y0)) + 0.5 / zoom - 0.5
    return tuple(
        Marker(int(number), tuple((float(x), float(y)) for x, y in quad.reshape(4, 2) / zoom + shift))
        for number, quad in zip(numbers.flatten(), corners, strict=True)
    )
