"""Which of the good probes of one attempt are compared: the first that is very good, else the best that comes soon.

Rules: the demanded quality falls with the time since the first good probe, from `AT_ONCE` to nothing beyond being good;
no picture is kept for later, so whatever is compared is of the present frame and its permit. Leaves out: what is good.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import Final

from agent.policy.attempt import TrackId

AT_ONCE: Final = 60.0
"""Quality, 0 to 100, that is not bettered by waiting."""
PATIENCE_NS: Final = 200_000_000
"""After this any good probe is taken: three frames at fifteen a second."""


class Choice:
    """The waiting of one session's tracks."""

    __slots__ = ("_since",)

    def __init__(self) -> None:
        self._since: dict[TrackId, int] = {}

    def takes(self, track: TrackId, quality: float, now_ns: int) -> bool:
        """Whether a good probe of this quality is compared now, or a better one waited for."""
        waited_ns = now_ns - self._since.setdefault(track, now_ns)
        return quality >= AT_ONCE * (1.0 - min(1.0, waited_ns / PATIENCE_NS))

    @property
    def begun(self) -> bool:
        """Whether any attempt that is not over has had a good probe."""
        return bool(self._since)

    def forget(self, tracks: Iterable[TrackId]) -> None:
        """The attempts of these tracks are over."""
        for track in tracks:
            self._since.pop(track, None)

    def keep(self, alive: Container[TrackId]) -> None:
        self._since = {track: since for track, since in self._since.items() if track in alive}
