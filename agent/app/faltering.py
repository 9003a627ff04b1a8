"""A model that failed on a frame rests and is tried again: one odd frame or a short want of memory is no end.

Rules: while it rests recognition is refused, so that no model sees a frame; passes go on. Each failure soon after
another makes the rest twice as long. Leaves out: what a failure is (core.py).
"""

from __future__ import annotations

from typing import Final

FIRST_S: Final = 10
LONGEST_S: Final = 320
_NS: Final = 1_000_000_000


class Faltering:
    """Whether the models may be used; times are monotonic nanoseconds."""

    def __init__(self) -> None:
        self._until_ns = 0
        self._rest_s = FIRST_S

    def failed(self, now_ns: int) -> int:
        """Lay them to rest; the seconds that it lasts."""
        calm_ns = now_ns - self._until_ns
        self._rest_s = FIRST_S if calm_ns > LONGEST_S * _NS else self._rest_s
        rest_s = self._rest_s
        self._until_ns, self._rest_s = now_ns + rest_s * _NS, min(2 * rest_s, LONGEST_S)
        return rest_s

    def rests(self, now_ns: int) -> bool:
        return now_ns < self._until_ns
