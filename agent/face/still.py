"""Nobody in view and nothing moves: then most frames go without the detector, and the device stays cool.

Rules: as long as anybody is tracked every frame is searched, and so is each one in which anything has changed since the
last that was searched; none goes unsearched for longer than `LONGEST_NS`, so somebody whom no pixel tells from the wall
is found a moment later. Looked at is the permitted frame, so what is excluded moves nothing. What is remembered is a
coarse grey picture, in the session that a refusal drops.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from agent.face.tiles import MOVED, Grey, coarse
from agent.policy.frames import PermittedFrame

LONGEST_NS: Final = 400_000_000


class Still:
    """The frames of one session."""

    __slots__ = ("_searched", "_searched_ns")

    def __init__(self) -> None:
        self._searched: Grey | None = None
        self._searched_ns = 0

    def holds(self, frame: PermittedFrame, *, anybody: bool) -> bool:
        """Whether this frame need not be searched; if it must be, it is taken as searched.

        Args:
            anybody: somebody is tracked.
        """
        if anybody:
            self._searched = None  # whoever leaves is seen leaving
            return False
        grey, former = coarse(frame.pixels), self._searched
        if (
            former is not None
            and former.shape == grey.shape
            and 0 <= frame.captured_ns - self._searched_ns < LONGEST_NS
            and int(np.abs(grey - former).max(initial=0)) < MOVED
        ):
            return True
        self._searched, self._searched_ns = grey, frame.captured_ns
        return False
