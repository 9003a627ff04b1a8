"""Doors without hardware: one that is not there, for sites that act on the sealed event alone."""

from __future__ import annotations

from agent.units import DoorId


class NoDoor:
    """Implements `ports.Door` and moves nothing."""

    def pulse(self, door: DoorId) -> None:
        return None

    def close(self) -> None:
        """There is nothing to close."""
