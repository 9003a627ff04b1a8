"""What came by command and must survive a restart: how long recognition is stopped, and the last signed command.

Rules: the sequence number only rises. A stop that is on disk holds until its end or until somebody who may has signed
that it is over; a restart ends nothing. Leaves out: who may command what (events/command.py, app/commands.py).
"""

from __future__ import annotations

from typing import Final

from agent.adapters.store.part import Part

_STOP: Final = "command_stop_until_s"
_SEQUENCE: Final = "command_sequence"


class Orders(Part):
    """A part of the store."""

    def stopped_until_s(self) -> float | None:
        """Unix seconds; None: nobody has stopped it."""
        text = self._word(_STOP)
        return None if text is None else float(text)

    def sequence(self) -> int:
        """Of the last signed command that was taken; 0: none ever."""
        return int(self._word(_SEQUENCE) or 0)

    def stop(self, until_s: float) -> None:
        with self._transaction() as db:
            self._keep(db, _STOP, repr(until_s))

    def resume(self, sequence: int) -> None:
        """End a stop by a signed command, in one transaction with its number."""
        with self._transaction() as db:
            self._drop(db, _STOP)
            self._keep(db, _SEQUENCE, str(sequence))
