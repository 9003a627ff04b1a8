"""What watching the sign's mark costs a frame: part of `scripts/prove sign`."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Final

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table

from agent.adapters.markers import ArucoReader
from agent.policy.frames import CodeFrame
from agent.policy.signage import SignWatch
from agent.scene.render import Stage
from agent.scene.scene import load
from agent.units import Polygon
from tests.policy.given import policy
from tests.site.mounted import codes_of

ROOT: Final = Path(__file__).resolve().parent.parent


def watching_cost(seconds: int, console: Console) -> float:
    """Mean milliseconds of watching a frame, on frames of the demo's scene, in this process and on one core."""
    cv2.setNumThreads(1)
    scene = load(ROOT / "scenes" / "front-gate.toml")
    stage, step_ns = Stage(scene, {}), round(1e9 / scene.script.fps)
    frames = [
        codes_of(stage.picture(number)[1], number, number * step_ns) for number in range(seconds * scene.script.fps)
    ]
    corners, tolerance = scene.script.sign.corners, scene.script.sign.tolerance_px
    place = {"number": scene.script.sign.marker, "corners": corners, "tolerance_px": tolerance}
    rules = policy(view={"width": 640, "height": 480}, sign={"id": "s", "marker": place})
    reader, whole, place_px = ArucoReader(), whole_frame(), near_scene(corners, tolerance)

    def timed(look: Callable[[], Callable[[CodeFrame], object]]) -> list[float]:
        """The least of three goes over all frames, frame by frame: others share this machine."""
        goes = []
        for _ in range(3):
            looks, times = look(), []
            for frame in frames:
                began = time.perf_counter()
                looks(frame)
                times.append((time.perf_counter() - began) * 1e3)
            goes.append(times)
        return [min(each) for each in zip(*goes, strict=True)]

    def watching(due: Callable[[int], bool]) -> Callable[[], Callable[[CodeFrame], object]]:
        def fresh() -> Callable[[CodeFrame], object]:
            watch = SignWatch()
            return lambda frame: watch.see(frame, reader, rules, [], due=due(frame.number))

        return fresh

    rows = {
        "before: whole frame, full size, every frame": timed(lambda: lambda frame: whole.detectMarkers(frame.luma)),
        "now: nobody opts in": timed(watching(lambda number: False)),
        "now: somebody opts in, 5 frames in 60": timed(watching(lambda number: number % 60 < 5)),
        "now: on a frame that may reach the embedder": timed(watching(lambda number: True)),
        "of these: near the attested place": timed(lambda: lambda frame: reader.markers(frame, place_px)),
        "of these: whole frame at half size": timed(lambda: lambda frame: reader.markers(frame, None)),
    }
    table = Table(title=f"Watching the mark, {len(frames)} frames of the demo's scene, ms a frame")
    for heading in ("how", "mean", "median", "p95"):
        table.add_column(heading, justify="left" if heading == "how" else "right")
    for how, times in rows.items():
        table.add_row(how, *(f"{value:.2f}" for value in (np.mean(times), median(times), np.percentile(times, 95))))
    console.print(table)
    return float(np.mean(rows["now: somebody opts in, 5 frames in 60"]))


def whole_frame() -> cv2.aruco.ArucoDetector:
    """The search as it was before, for comparison."""
    parameters = cv2.aruco.DetectorParameters()
    parameters.adaptiveThreshWinSizeMin = parameters.adaptiveThreshWinSizeMax = 13
    family = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_4X4_50)
    return cv2.aruco.ArucoDetector(family, parameters)


def near_scene(corners: Polygon, tolerance: float) -> Polygon:
    low, high = np.min(corners, axis=0) - tolerance, np.max(corners, axis=0) + tolerance
    return ((low[0], low[1]), (high[0], low[1]), (high[0], high[1]), (low[0], high[1]))
