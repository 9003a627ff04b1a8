"""ArUco markers through OpenCV."""

from __future__ import annotations

import cv2

from agent.policy.frames import CodeFrame
from agent.policy.signage import MARKER_FAMILY
from agent.units import Luma, Marker


class ArucoReader:
    """Implements `ports.MarkerReader`; corners come back in pixels of the recognition picture."""

    def __init__(self) -> None:
        parameters = cv2.aruco.DetectorParameters()
        # One window size is enough for printed markers at gate distances and costs a third of the default three.
        parameters.adaptiveThreshWinSizeMin = 13
        parameters.adaptiveThreshWinSizeMax = 13
        parameters.minMarkerPerimeterRate = 0.03
        parameters.cornerRefinementMethod = cv2.aruco.CORNER_REFINE_NONE
        family = cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, MARKER_FAMILY))
        self._detector = cv2.aruco.ArucoDetector(family, parameters)

    def markers(self, frame: CodeFrame) -> tuple[Marker, ...]:
        luma = frame.luma if frame.scale == 1 else _reduced(frame.luma, frame.scale)
        corners, numbers, _ = self._detector.detectMarkers(luma)
        if not corners:
            return ()
        return tuple(
            Marker(int(number), tuple((float(x), float(y)) for x, y in quad.reshape(4, 2)))
            for number, quad in zip(numbers.flatten(), corners, strict=True)
        )


def _reduced(luma: Luma, scale: int) -> Luma:
    height, width = luma.shape
    return cv2.resize(luma, (width // scale, height // scale), interpolation=cv2.INTER_AREA)  # type: ignore[return-value]
