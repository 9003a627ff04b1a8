"""Whether the way without a face is alive: the reader of passes reads, and pictures come.

Rules: the reader is alive for a day after it has read a code that was drawn for this one test, with the library that
reads passes; one that fails is tried again every minute, and until then nobody is recognised where a pass is the only
alternative. Passes go on being tried. Leaves out: the rule itself (policy/rules.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from agent.adapters.drawn import drawn
from agent.adapters.qr import ZxingReader
from agent.crypto import random_bytes
from agent.policy.circumstances import Circumstances, Surroundings
from agent.policy.grounds import Ground
from agent.policy.law import Law
from agent.policy.rules import alternative_works
from agent.units import Luma

DAY_S: Final = 86_400.0
AGAIN_S: Final = 60.0
_UNSEEN: Final = frozenset(
    {Ground.NO_POLICY, Ground.NO_FRAMES, Ground.VIEW_MISMATCH, Ground.PLACE_PRIVATE, Ground.MODE_BLIND}
)
"""Under these the camera shows no pass to the reader."""


class SelfTest:
    """The daily test of the reader.

    Args:
        read: all texts in a picture.
        report: told of a failure, in one line.
    """

    def __init__(self, read: Callable[[Luma], tuple[str, ...]], report: Callable[[str], None]) -> None:
        self._read, self._report = read, report
        self._alive = False
        self._due_s = float("-inf")

    def alive(self, now_s: float) -> bool:
        """Whether the reader has read its test within a day; tests it when that is due.

        Args:
            now_s: seconds of a clock that only runs forward.
        """
        if now_s >= self._due_s:
            text = f"DOORWARD SELF-TEST {random_bytes(40).hex().upper()}"
            self._alive = text in self._read(drawn(text))
            self._due_s = now_s + (DAY_S if self._alive else AGAIN_S)
            if not self._alive:
                self._report(
                    "passes: the reader failed its self-test; nobody is recognised where passes are all there is"
                )
        return self._alive


def self_test(report: Callable[[str], None]) -> SelfTest:
    """Of the reader that the device uses."""
    return SelfTest(ZxingReader().in_picture, report)


def unseen(
    grounds: tuple[Ground, ...], law: Law | None, around: Callable[[int], Surroundings], now_ns: int
) -> tuple[Ground, ...]:
    """The grounds, and that the alternative is missing if it is a pass that no picture could show now.

    Args:
        around: asked only when no picture comes: the frames that do come have been judged already.
    """
    if law is None or not _UNSEEN & set(grounds) or Ground.ALTERNATIVE_MISSING in grounds:
        return grounds
    blind = Circumstances(now_ns, replace(around(now_ns), codes_read=False), None)
    missing = law.binds(Ground.ALTERNATIVE_MISSING) and alternative_works(law, blind) is not True
    return (*grounds, Ground.ALTERNATIVE_MISSING) if missing else grounds
