"""Who comes to a simulated door and when, and the clock and the camera of it: no frame waits for time to pass.

Rules: visits are spread evenly, each by one of three ways. The camera gives its next frame when the recogniser has done
with the one before: it asks its reader of cards once a turn, and that sets the pace. Time stands still meanwhile.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto, unique
from typing import Final

import cv2
import numpy as np

from agent.errors import DeviceError
from agent.policy.frames import CapturedFrame
from agent.token import Token, TokenKind, TokenWay
from agent.units import Rgb

DAY_S: Final = 86_400.0
FACE_S: Final = 1.6
"""So long somebody stands before the camera."""
CARD_S: Final = 0.4
"""Two frames: the card is judged between them, and must not grow old meanwhile."""
STEP_S: Final = 0.2
"""Between two frames while somebody is there."""


@unique
class Way(Enum):
    FACE = auto()
    PASS = auto()
    CARD = auto()


A_PASS: Final = 50
"""One visit in so many is by a fresh pass: at 10,000 a day that is what a pass key may grant in a day."""
_A_FACE: Final = 10


def way_of(visit: int) -> Way:
    """One in fifty by pass, one in ten by face, the rest by card: faces cost most, and one decision is like another."""
    if visit % A_PASS == 0:
        return Way.PASS
    return Way.FACE if visit % _A_FACE == 3 else Way.CARD


@dataclass(frozen=True, slots=True)
class Moment:
    """One turn of the recogniser."""

    at_s: float
    """Since the start."""
    visit: int
    way: Way | None
    """What is shown on this frame; None: nobody is there."""


def moments(hours: float, a_day: int, idle_s: float) -> Iterator[Moment]:
    """All turns of a run.

    Args:
        a_day: visits.
        idle_s: between two frames while nobody is there.
    """
    every_s, visit = DAY_S / a_day, 0
    while (begins_s := visit * every_s) < hours * 3600:
        way = way_of(visit)
        lasts_s = {Way.FACE: FACE_S, Way.PASS: STEP_S, Way.CARD: CARD_S}[way]
        for frame in range(round(lasts_s / STEP_S)):
            yield Moment(begins_s + frame * STEP_S, visit, way)
        for number in range(int((every_s - lasts_s) / idle_s)):
            yield Moment(begins_s + lasts_s + (number + 1) * idle_s * 0.99, visit, None)
        visit += 1


class Turns:
    """Implements `ports.Clock`, `ports.TokenReader` and, by `open_camera`, `ports.Camera`.

    Args:
        start_s: Unix seconds of the beginning.
        start_ns: the monotonic clock then.
        card: is presented on each visit by card.
        passed: told after each turn how many seconds have passed.
    """

    def __init__(
        self,
        turns: Iterator[Moment],
        start_s: float,
        start_ns: int,
        *,
        nobody: Sequence[Rgb],
        face: Rgb,
        held_up: Callable[[int], Rgb],
        card: str,
        passed: Callable[[float], None],
    ) -> None:
        self._turns, self._start_s, self._start_ns = turns, start_s, start_ns
        self._nobody, self._face, self._held_up, self._card = nobody, face, held_up, card
        self._passed = passed
        self._asked = threading.Semaphore(0)
        self._now: Moment | None = None
        self._carded = -1
        self._number = 0

    def monotonic_ns(self) -> int:
        return self._start_ns + (0 if self._now is None else round(self._now.at_s * 1e9))

    def unix_s(self) -> float:
        return self._start_s + (0 if self._now is None else self._now.at_s)

    def token(self, now_ns: int) -> Token | None:
        """The one who asks has done with the frame before."""
        self._asked.release()
        now = self._now
        if now is None or now.way is not Way.CARD or now.visit == self._carded:
            return None
        self._carded = now.visit
        return Token(TokenKind.CARD, self._card, TokenWay.SERIAL)

    def open_camera(self) -> Turns:
        return self

    def read(self, timeout_s: float) -> CapturedFrame | None:
        if not self._asked.acquire(timeout=timeout_s):
            raise DeviceError("simulated camera: the recogniser has not come back")
        while self._asked.acquire(blocking=False):  # turns without a frame, before the camera was open
            pass
        now = next(self._turns, None)
        if now is None:
            return None
        self._now = now
        self._passed(now.at_s)
        self._number += 1
        rgb = self._picture(now)
        luma = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8)
        return CapturedFrame(self._number, self.monotonic_ns(), rgb, luma)

    def _picture(self, now: Moment) -> Rgb:
        match now.way:
            case Way.FACE:
                return self._face.copy()
            case Way.PASS:
                return self._held_up(now.visit).copy()
            case _:
                return self._nobody[self._number % len(self._nobody)].copy()

    def close(self) -> None:
        """There is nothing to give back."""
