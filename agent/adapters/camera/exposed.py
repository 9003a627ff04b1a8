"""When a frame was exposed, on the monotonic clock, from what cameras say about it.

A decision on an old frame opens nothing, so a frame must never seem younger than it is. What says a time that cannot be
is not believed, and what stays behind is opened again: both are failures of the camera, told as such (DeviceError).
"""

from __future__ import annotations

import time
from typing import Final

from agent.errors import DeviceError

_S: Final = 1_000_000_000
_BEHIND_NS: Final = _S // 2
"""A frame this old is of little use: what is a second old opens nothing."""
_STAYS_NS: Final = 3 * _S
_SKEW_NS: Final = 120_000_000
"""So much a driver may be ahead: vivid dates the end of a frame that is not over yet, up to a period (67 ms) ahead."""

_DRIFT: Final = 200e-6
"""How fast two clocks of quartz may drift apart: 100 ppm each at most."""
_JITTER_NS: Final = 50_000_000
_STEADY_NS: Final = 1 * _S


class _Behind:
    """Notices that every frame has been late for a while."""

    def __init__(self) -> None:
        self._since_ns: int | None = None

    def see(self, exposed_ns: int, now_ns: int) -> None:
        """
        Raises:
            DeviceError: they stay behind; a camera that is opened anew has nothing left to catch up with.
        """
        if now_ns - exposed_ns <= _BEHIND_NS:
            self._since_ns = None
        elif self._since_ns is None:
            self._since_ns = now_ns
        elif now_ns - self._since_ns > _STAYS_NS:
            late_s = (now_ns - exposed_ns) / _S
            raise DeviceError(f"camera: its frames come {late_s:.1f} s late and stay so; see to camera and network")


class DriverTime:
    """Exposure of the frames of one opened camera whose driver says it: by CLOCK_MONOTONIC or by CLOCK_BOOTTIME.

    V4L2 says the first, libcamera promises the second and passes on what the driver said. They differ by the time that
    the machine has slept. Which one it is the first frame tells, for as long as the camera is open: no frame is of
    before the opening, and none is of the future. Where both could be it is the one that makes frames older. Of a
    driver that never said a time the time when a frame came counts: it keeps one at most.

    Args:
        opened_ns: before the camera was opened, CLOCK_MONOTONIC.
    """

    def __init__(self, opened_ns: int) -> None:
        self._opened_ns = opened_ns
        self._behind = _Behind()
        self._by_boottime: bool | None = None
        """None: the driver has said nothing so far."""

    def exposed_ns(self, stamp_ns: int, now_ns: int) -> int:
        """
        Args:
            stamp_ns: the driver's time of the frame; 0: it says none.
            now_ns: when it came, CLOCK_MONOTONIC.

        Raises:
            DeviceError: the frame is of the future by either clock, the driver says no time any more, or its frames
                stay late.
        """
        slept_ns = max(0, time.clock_gettime_ns(time.CLOCK_BOOTTIME) - time.monotonic_ns())
        if stamp_ns == 0:
            if self._by_boottime is not None:
                raise DeviceError("camera: its driver dates some frames and others not; see to the driver")
            return now_ns
        if self._by_boottime is None:
            self._by_boottime = stamp_ns > now_ns + _SKEW_NS or stamp_ns - slept_ns >= self._opened_ns
        exposed_ns = stamp_ns - slept_ns if self._by_boottime else stamp_ns
        if exposed_ns > now_ns + _SKEW_NS:
            raise DeviceError("camera: its driver dates frames by no clock of this machine; let it use CLOCK_MONOTONIC")
        self._behind.see(exposed_ns, now_ns)
        return min(exposed_ns, now_ns)


class StreamTime:
    """Exposure of the frames of one connection whose sender counts time in its own way.

    Sender and receiver have no common clock, but how much later than its own time a frame came can be compared from
    frame to frame (RFC 3550, 6.4.1): the one that came quickest, of the whole connection, is taken as fresh, and
    what another one came later than that it has waited somewhere. Clocks drift apart, so this mark gives way by
    `_DRIFT` and no faster (as the base delay of RFC 6817, which may rise after minutes). So frames that were held back
    do not seem to be new, however long they are held back, and a delay that stays ends the connection.

    What was held back before the opening comes in a burst, each frame of it quicker than the one before. Nothing can be
    said of a frame until that has ended: frames are dropped until for `_STEADY_NS` none was quicker than the quickest
    before by more than `_JITTER_NS`, at the beginning and whenever that happens again. A delay that is the same from
    the first frame to the last cannot be seen in a stream.
    """

    def __init__(self) -> None:
        self._behind = _Behind()
        self._quickest = self._mark = 0.0
        """The least delay so far, which gives way with the clocks, and what it was at `_from_ns`; ns."""
        self._from_ns = self._last_ns = 0
        self._heard_ns: int | None = None
        self._steady = False

    def exposed_ns(self, stamp_ns: int, now_ns: int) -> int | None:
        """None: of this frame it cannot be told, drop it.

        Args:
            stamp_ns: the frame's own time in the stream.
            now_ns: when it came, CLOCK_MONOTONIC.

        Raises:
            DeviceError: the stream stays behind; connect anew.
        """
        delay = float(now_ns - stamp_ns)
        if self._heard_ns is None:
            self._quickest, self._mark, self._from_ns = delay, delay, now_ns
        else:
            self._quickest = min(self._quickest + (now_ns - self._heard_ns) * _DRIFT, delay)
        self._heard_ns = now_ns
        if self._quickest < self._mark - _JITTER_NS:
            self._mark, self._from_ns, self._steady = self._quickest, now_ns, False
        elif now_ns - self._from_ns >= _STEADY_NS:
            self._mark, self._from_ns, self._steady = self._quickest, now_ns, True
        if not self._steady:
            return None
        exposed_ns = min(now_ns, stamp_ns + round(self._quickest))
        self._behind.see(exposed_ns, now_ns)
        if exposed_ns < self._last_ns:
            return None  # the quickest is another one now: of the frame before too little was said
        self._last_ns = exposed_ns
        return exposed_ns
