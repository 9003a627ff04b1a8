"""An outbox row whose sealed part is what the test says; nobody can open it."""

from __future__ import annotations

from agent.events.seal import SealedEvent
from agent.units import DeviceId, DoorId, SiteId

SITE, END_MS = SiteId("yard"), 1_900_000_030_000


def given_event(sequence: int, sealed: bytes, nonce: bytes, site: SiteId = SITE) -> SealedEvent:
    return SealedEvent(site, DeviceId("gate-1"), sequence, END_MS, DoorId("main"), None, sealed, nonce)
