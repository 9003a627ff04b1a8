"""The door's end: what the recogniser is to the link, without a camera. It decides when it is told to."""

from __future__ import annotations

import sys
import threading
import time
from functools import partial
from pathlib import Path
from typing import Literal

from agent import crypto
from agent.adapters.channel import Channel
from agent.adapters.store import Store
from agent.app.outbox import SWITCH_S, Outbox
from agent.crypto import BoxSecret, SignSecret
from agent.events import wire
from agent.events.decision import Decision, Outcome
from agent.events.seal import SealedEvent, seal_event
from agent.events.wire import Kind
from agent.units import DeviceId, DoorId, SiteId, SubjectId
from bench.people import canaries

SITE, DEVICE, DOOR = SiteId("yard"), DeviceId("gate-1"), DoorId("main")
SIGN, BOX = SignSecret(bytes(range(32))), BoxSecret(bytes(range(32, 64)))
CANARIES = [SubjectId(name) for name in canaries.names(100)]
"""Whoever passes; in turn."""
EVENTS = wire.topic(SITE, DEVICE, Kind.EVENTS)


class Door:
    """A real store, its outbox and the socket."""

    def __init__(self, state: Path, acknowledge: Literal["consumer", "puback"] = "consumer") -> None:
        sys.setswitchinterval(SWITCH_S)
        state.mkdir(mode=0o700, exist_ok=True)
        self.store = Store.open(state / "store.sqlite", site=SITE, device=DEVICE, ledger_key=bytes(32))
        self.channel = Channel.listen(state / "link.sock")
        self.said: list[str] = []
        self.outbox = Outbox(self.store, self.channel, acknowledge, self.said.append)
        self.spent_s: list[float] = []
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._again, daemon=True)
        self._thread.start()

    def decide(self, ago_s: float = 0.0) -> int:
        """One decision, durable and on its way; its number.

        Args:
            ago_s: how long ago the door's clock says that it was.
        """
        began, unix_s = time.perf_counter(), time.time() - ago_s
        who = CANARIES[len(self.spent_s) % len(CANARIES)]
        decision = Decision(Outcome.MATCH, DOOR, unix_s, 1, 1, 3, subject=who)
        sequence = self.store.record(decision, partial(sealed, decision))
        self.outbox.push()
        self.spent_s.append(time.perf_counter() - began)
        return sequence

    def _again(self) -> None:
        while not self._closing.wait(0.1):
            self.outbox.offer_again()

    def close(self) -> None:
        self._closing.set()
        self._thread.join(5)
        self.outbox.close()
        self.channel.close()
        self.store.close()


def sealed(decision: Decision, sequence: int) -> SealedEvent:
    return seal_event(
        decision,
        sequence=sequence,
        site=SITE,
        device=DEVICE,
        events_key=crypto.box_public(BOX),
        sign_secret=SIGN,
        outcome_in_clear=False,
    )
