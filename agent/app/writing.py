"""Whether the disk takes what must be written: after one refusal nothing is tried until it may have recovered.

Rules: what is not on disk did not happen, so recognition and doors stop with the very row that was not taken; where the
store says that its content is unknown, the process must end. A disk without room is no disk that hangs: ADR 26.
Leaves out: what is written.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from agent.adapters.store import Store
from agent.errors import DeviceError
from agent.ports import Clock

_RETRY_NS: Final = 2_000_000_000


class Writing:
    """The store's word on whether it can be written."""

    def __init__(self, store: Store, clock: Clock, report: Callable[[str], None]) -> None:
        self._store, self._clock, self._report = store, clock, report
        self._again_ns = 0
        self._owed: Callable[[], object] | None = None
        self.possible = True

    @property
    def answered(self) -> bool:
        """The disk takes what is written, or says plainly that there is no room, within the last moments."""
        return self._store.answers

    def written(self, write: Callable[[], object]) -> bool:
        """Whether it is on disk; if not, nothing is tried any more until `retry`.

        Raises:
            DeviceError: the disk has failed in a way that leaves its content unknown.
        """
        if not self.possible:
            return False
        try:
            write()
        except DeviceError as error:
            self.possible = False
            self._again_ns = self._clock.monotonic_ns() + _RETRY_NS
            self._report(str(error))
            if self._store.broken:
                raise
            return False
        return True

    def owe(self, write: Callable[[], object]) -> None:
        """Write it now, or as the first thing once that is possible.

        Raises:
            DeviceError: as for `written`.
        """
        self._owed = None if self.written(write) else write

    def retry(self) -> None:
        """Ask the disk again, if it is time.

        Raises:
            DeviceError: as for `written`.
        """
        if self.possible or self._clock.monotonic_ns() < self._again_ns:
            return
        self._again_ns = self._clock.monotonic_ns() + _RETRY_NS
        self.possible = self._store.writable()
        if self.possible and self._owed is not None:
            self.owe(self._owed)
        if self._store.broken:
            raise DeviceError(f"{self._store.path}: the disk has failed; check it, then start again")
