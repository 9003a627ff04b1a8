"""The two ends between which events travel: a door that decides, and the site's consumer that keeps what it takes."""

from __future__ import annotations

import json
import sys
import threading
import time
from functools import partial
from pathlib import Path
from typing import Literal

from agent import crypto
from agent.adapters.channel import Channel
from agent.adapters.mqtt import Address, Broker, Connection
from agent.adapters.store import Store
from agent.app.outbox import SWITCH_S, Outbox
from agent.crypto import BoxSecret, SignSecret
from agent.events import wire
from agent.events.consume import Consumer, Verdict
from agent.events.decision import Decision, Outcome
from agent.events.seal import SealedEvent, seal_event
from agent.events.wire import Kind
from agent.units import DeviceId, DoorId, SiteId, SubjectId

SITE, DEVICE, DOOR = SiteId("yard"), DeviceId("gate-1"), DoorId("main")
SIGN, BOX = SignSecret(bytes(range(32))), BoxSecret(bytes(range(32, 64)))
CANARY = SubjectId("canary-of-the-wire-0815")
EVENTS = wire.topic(SITE, DEVICE, Kind.EVENTS)


class Door:
    """What the recogniser is to the link: a real store, its outbox and the socket. It decides when it is told to."""

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

    def decide(self) -> int:
        """One decision, durable and on its way; its number."""
        began = time.perf_counter()
        decision = Decision(Outcome.MATCH, DOOR, time.time(), 1, 1, 3, subject=CANARY)
        sequence = self.store.record(decision, partial(_sealed, decision))
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


def _sealed(decision: Decision, sequence: int) -> SealedEvent:
    return seal_event(
        decision,
        sequence=sequence,
        site=SITE,
        device=DEVICE,
        events_key=crypto.box_public(BOX),
        sign_secret=SIGN,
        outcome_in_clear=False,
    )


class SiteConsumer:
    """Takes events with the consumer library and counts them; it is not killed, so it writes its numbers at its end."""

    def __init__(self, port: int, kept: Path) -> None:
        self._kept = kept
        held = json.loads(kept.read_text()) if kept.exists() else None
        self._consumer = Consumer(SITE, BOX, {DEVICE: crypto.sign_public(SIGN)}, held)
        self.messages = self.acted = self.recorded = self.again = self.refused = 0
        self.taken = sum(last - first + 1 for spans in (held or {}).values() for first, last in spans)
        self.highest = max((last for spans in (held or {}).values() for _, last in spans), default=0)
        self.late_s: list[float] = []
        """From each decision to its first arrival here."""
        self.out_of_order = 0
        """First arrivals behind a newer one."""
        self._lock = threading.Lock()
        self._unsaid: dict[int, tuple[str, bytes]] = {}
        """Acknowledgements without the broker's word: said again on each connect."""
        self.connection = Connection(
            Address("127.0.0.1", port),
            "bench-consumer",
            subscribe=(EVENTS,),
            received=self._received,
            changed=self._changed,
            published=lambda token: self._unsaid.pop(token, None),
            session_s=3600,
        )
        self.connection.start()

    def _received(self, topic: str, payload: bytes, retained: bool) -> None:
        with self._lock:
            self.messages += 1
            found = self._consumer.take(topic, payload, retained=retained, unix_s=time.time())
            if found.event is None or found.acknowledgement is None:
                self.refused += 1
                return
            if found.verdict is Verdict.AGAIN:
                self.again += 1
            else:
                self.taken += 1
                self.late_s.append(time.time() - found.event.unix_s)
                self.out_of_order += found.event.sequence < self.highest
                self.highest = max(self.highest, found.event.sequence)
                self.acted += found.verdict is Verdict.ACT
                self.recorded += found.verdict is Verdict.RECORD
        self._unsaid[found.event.sequence] = found.acknowledgement
        self._say(found.event.sequence, *found.acknowledgement)

    def _say(self, sequence: int, topic: str, payload: bytes) -> None:
        self.connection.publish(topic, payload, qos=1, retain=False, token=sequence)

    def _changed(self, state: Broker, detail: str) -> None:
        if state is Broker.CONNECTED:
            for sequence, word in sorted(self._unsaid.items()):
                self._say(sequence, *word)

    def _keep(self) -> None:
        part = self._kept.with_suffix(".part")
        part.write_text(json.dumps(self._consumer.held()))
        part.replace(self._kept)

    @property
    def gaps(self) -> int:
        return sum(last - first + 1 for first, last in self._consumer.gaps(DEVICE))

    def close(self) -> None:
        self.connection.close()
        self._keep()
