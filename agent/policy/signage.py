"""Watching signs by their markers, frame by frame.

A marker can be copied, so the site's sign counts only where it was attested: all four corners within the tolerance of
the place that the signed policy names. A no-recognition marker counts anywhere, signed or not, on the same frame.
Leaves out: the sign's QR token, and holds after a refusal (hold.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from agent.policy.bundle import MarkerPlace, Policy
from agent.policy.circumstances import SignSighting
from agent.units import Marker

MARKER_FAMILY: Final = "DICT_4X4_50"
"""ArUco family of every Doorward marker."""
FORBIDDING_MARKER: Final = 49
"""Number of the printed no-recognition sign, the same at every site; no site's own sign may use it."""


class SignWatch:
    """Remembers only when, and at which attested place, the sign was last seen."""

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last: tuple[MarkerPlace, int] | None = None

    def see(self, markers: Iterable[Marker], captured_ns: int, policy: Policy) -> SignSighting:
        seen = tuple(markers)
        sign = policy.document.sign
        if sign.marker is not None and any(at_place(marker, sign.marker) for marker in seen):
            self._last = sign.marker, captured_ns
        recently = (
            self._last is not None
            and self._last[0] == sign.marker  # a new policy may have moved the sign
            and 0 <= captured_ns - self._last[1] <= sign.lost_hold_s * 1e9
        )
        return SignSighting(recently, any(marker.number == FORBIDDING_MARKER for marker in seen))


def at_place(marker: Marker, place: MarkerPlace) -> bool:
    """All four corners lie within the tolerance of the attested corners, in the same order."""
    return marker.number == place.number and all(
        (x - px) ** 2 + (y - py) ** 2 <= place.tolerance_px**2
        for (x, y), (px, py) in zip(marker.corners, place.corners, strict=True)
    )
