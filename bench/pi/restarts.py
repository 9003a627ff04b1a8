"""The agent's own eye over a camera that fails, and comes back."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from agent.app.eye import Eye
from agent.app.strain import Strain
from agent.ports import Camera

STALL_S: Final = 2.0
"""As the device config has it."""
_LONGEST_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Restarted:
    said: list[str]
    noticed_s: float | None
    """From the failure until the eye has failed; None: it never did."""
    back_s: float | None
    """From the failure until the next frame; None: none came within a minute."""
    restarts: int

    @property
    def value(self) -> str:
        noticed = "never" if self.noticed_s is None else f"after {self.noticed_s:.1f} s"
        back = "no frame came again" if self.back_s is None else f"frames again after {self.back_s:.1f} s"
        return f"noticed {noticed}, {back}, {self.restarts} restarts; said: {' / '.join(self.said) or 'nothing'}"


def restarted(open_camera: Callable[[], Camera], fail: Callable[[], None], mend: Callable[[], None]) -> Restarted:
    """Look, let it fail, and look until there are frames again.

    Args:
        mend: called as soon as the eye has noticed.
    """
    said: list[str] = []
    eye = Eye(open_camera, STALL_S, said.append, Strain(said.append))
    eye.open()
    try:
        for _ in range(5):
            if eye.take(30.0) is None:
                return Restarted(said, None, None, eye.restarts)
        fail()
        failed_s, noticed_s, back_s = time.monotonic(), None, None
        while back_s is None and time.monotonic() - failed_s < _LONGEST_S:
            frame = eye.take(0.05)
            if noticed_s is None and eye.failed:
                noticed_s = time.monotonic() - failed_s
                mend()
            elif noticed_s is not None and frame is not None:
                back_s = time.monotonic() - failed_s
        return Restarted(said, noticed_s, back_s, eye.restarts)
    finally:
        eye.close()
