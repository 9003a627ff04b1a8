"""How long a camera is left alone before it is opened again, by whoever has it."""

from __future__ import annotations

from typing import Final

_PAUSES_S: Final = (1.0, 2.0, 4.0, 8.0)
"""One that comes back does so soon, one that does not is not to be hammered at."""


def pause_s(failures: int) -> float:
    """After so many failures in a row before this one."""
    return _PAUSES_S[min(failures, len(_PAUSES_S) - 1)]
