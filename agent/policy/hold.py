"""Resuming after a refusal: a ground that went unmet must stay met for a while before it counts as met again.

Rules: refusing takes effect on the same frame; the first permit needs no hold; only grounds with a hold named in
`holds()` wait. Time is the frames' own, never the wall clock.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from agent.policy.bundle import Policy
from agent.policy.grounds import Ground
from agent.policy.location import Gnss


@dataclass(frozen=True, slots=True)
class ClearHold:
    seconds: float
    frames: int


_STOP_HOLD: Final = ClearHold(2.0, 5)
_MOVED_HOLD: Final = ClearHold(30.0, 5)


def holds(policy: Policy) -> dict[Ground, ClearHold]:
    """The clear hold of each ground that has one, by the policy (sign, position) or by the house (stop, housing)."""
    sign, location = policy.document.sign, policy.document.location
    seen = ClearHold(sign.clear_hold_s, sign.clear_frames)
    zone = ClearHold(location.clear_hold_s, 5) if isinstance(location, Gnss) else ClearHold(2.0, 5)
    return {
        Ground.SIGN_MISSING: seen,
        Ground.SIGN_FORBIDS: seen,
        Ground.STOPPED: _STOP_HOLD,
        Ground.IN_ZONE: zone,
        Ground.VIEW_UNKNOWN: zone,
        Ground.LOCATION_UNKNOWN: zone,
        Ground.DEVICE_MOVED: _MOVED_HOLD,
        Ground.TAMPERED: _MOVED_HOLD,
    }


class Resumption:
    """Remembers which grounds are waiting to be clear for long enough."""

    __slots__ = ("_armed", "_since")

    def __init__(self) -> None:
        self._armed = False
        self._since: dict[Ground, tuple[int, int] | None] = {}
        """Ground -> (monotonic ns since when it is met, frames met), or None while it is unmet."""

    def settle(self, unmet: Iterable[Ground], now_ns: int, holds: dict[Ground, ClearHold]) -> tuple[Ground, ...]:
        """The grounds that still refuse at this frame: the unmet ones, and those met too briefly.

        Returns:
            Unmet grounds in their order, then waiting ones. Empty arms the holds: from then on they apply.
        """
        refusing = list(unmet)
        for ground, hold in holds.items():
            if ground in refusing:
                if self._armed:
                    self._since[ground] = None
            elif ground in self._since and not self._clear(ground, hold, now_ns):
                refusing.append(ground)
        if not refusing:
            self._armed = True
        return tuple(refusing)

    def _clear(self, ground: Ground, hold: ClearHold, now_ns: int) -> bool:
        waiting = self._since[ground]
        since_ns, frames = (now_ns, 1) if waiting is None else (waiting[0], waiting[1] + 1)
        if now_ns - since_ns >= hold.seconds * 1e9 and frames >= hold.frames:
            del self._since[ground]
            return True
        self._since[ground] = (since_ns, frames)
        return False
