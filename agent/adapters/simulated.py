"""The simulated camera and position receiver: they play a scene in real time.

Rules: frame n is exposed at the scene's start plus n / fps, exactly; whoever comes late gets the newest frame, and the
ones between are never seen, as with a real camera. Nothing but pixels, time, number and position comes out.
Leaves out: what is true about the scene (agent/scene/truth.py, which this must not import).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from agent.errors import DeviceError
from agent.policy.frames import CapturedFrame
from agent.ports import Clock
from agent.scene import stage
from agent.scene.render import Stage
from agent.scene.scene import Scene
from agent.units import Box, Fix, Luma

_NS = 1_000_000_000
_GREY = 110.0
"""Mean luma that a metered part is exposed to."""
_MOST = 4.0
"""The sensor can take in so many times more light than as painted, or less."""


class SceneStart:
    """When the scene began; camera and locator of one run share it.

    Args:
        start_ns: CLOCK_MONOTONIC nanoseconds; None starts the scene with the camera's first read.
    """

    __slots__ = ("start_ns",)

    def __init__(self, start_ns: int | None = None) -> None:
        self.start_ns = start_ns


class SimulatedCamera:
    """`ports.Camera` over a scene.

    Args:
        passes: text of the QR code for each pass name of the scene; a pass without a text is not shown.
        paced: False gives every frame at once, in order, with the same exposure times (for tests).
        sleep: waits that many seconds.
    """

    def __init__(
        self,
        scene: Scene,
        passes: Mapping[str, str],
        clock: Clock,
        start: SceneStart,
        *,
        paced: bool = True,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._script = scene.script
        self._stage = Stage(scene, passes)
        self._clock = clock
        self._start = start
        self._paced = paced
        self._sleep = sleep
        self._next = 0
        self._closed = False
        self._region: Box | None = None
        self._exposure = 1.0

    def read(self, timeout_s: float) -> CapturedFrame | None:
        """The next frame that is due, waiting for it; None when the scene is over.

        Raises:
            DeviceError: the scene lets the camera fail, or it has been closed.
        """
        if self._closed:
            raise DeviceError("simulated camera: read after close; open it again")
        now_ns = self._clock.monotonic_ns()
        start_ns = self._start.start_ns
        if start_ns is None:
            start_ns = self._start.start_ns = now_ns
        number = self._next
        if self._paced:
            number = max(number, (now_ns - start_ns) * self._script.fps // _NS)
        if number >= self._script.frames:
            return None
        due_ns = start_ns + number * _NS // self._script.fps
        self._fail_where_the_scene_says(number, timeout_s)
        if self._paced and due_ns > now_ns:
            self._sleep((due_ns - now_ns) / _NS)
        self._next = number + 1
        rgb, luma = self._stage.picture(number, self._exposure)
        self._expose(luma)
        return CapturedFrame(number, due_ns, rgb, luma)

    def meter(self, region: Box | None) -> None:
        """Implements `ports.MeteredCamera`: the next frames are exposed for this part; None: as painted."""
        self._region = region

    def _expose(self, luma: Luma) -> None:
        """Half the way to the wanted exposure with each frame, as a camera's own control does."""
        wanted, region = 1.0, self._region
        if region is not None:
            x0, y0, x1, y1 = (max(0, int(side)) for side in (region.x0, region.y0, region.x1, region.y1))
            seen = luma[y0:y1, x0:x1]
            if seen.size:
                wanted = self._exposure * _GREY / max(1.0, float(seen.mean()))
        self._exposure *= (min(_MOST, max(1 / _MOST, wanted)) / self._exposure) ** 0.5

    def _fail_where_the_scene_says(self, number: int, timeout_s: float) -> None:
        fails_s = self._script.camera_fails_s
        if fails_s is not None and stage.frame_time(self._script, number) >= fails_s:
            if self._paced:
                self._sleep(timeout_s)
            raise DeviceError(f"simulated camera: no frame within {timeout_s:g} s; see to camera and cable")

    def close(self) -> None:
        self._closed = True


class SimulatedLocator:
    """`ports.Locator` over a scene: the fixes of a receiver that measures some times a second."""

    def __init__(self, scene: Scene, start: SceneStart) -> None:
        self._script = scene.script
        self._start = start

    def fix(self, now_ns: int) -> Fix | None:
        """The latest fix taken at or before `now_ns`; None before the scene has started."""
        start_ns = self._start.start_ns
        if start_ns is None or now_ns < start_ns:
            return None
        taken_s, lat, lon, sigma = stage.position(self._script, (now_ns - start_ns) / _NS)
        return Fix(lat, lon, sigma, min(now_ns, start_ns + round(taken_s * _NS)))

    def close(self) -> None:
        """There is nothing to close."""
