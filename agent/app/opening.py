"""From a decision to the door: sealed, written down, and only then, if it is still young, told to the door.

Rules: what is older than a second when it is asked for is written down as too late, and never opens; the age is asked
again after the commit, because the disk may have been slow. Leaves out: what to do when nothing can be written.
"""

from __future__ import annotations

from agent.adapters.store import Store
from agent.crypto import BoxPublic, SignSecret
from agent.events.decision import Decision, timely
from agent.events.seal import SealedEvent, seal_event
from agent.policy.bundle import PolicyDocument
from agent.ports import Clock, Door
from agent.units import DeviceId, SiteId


class Opening:
    """The only caller of the door."""

    def __init__(
        self, store: Store, door: Door, clock: Clock, *, site: SiteId, device: DeviceId, sign_secret: SignSecret
    ) -> None:
        self._store, self._door, self._clock = store, door, clock
        self._site, self._device, self._sign_secret = site, device, sign_secret

    def decide(self, decision: Decision, document: PolicyDocument) -> list[Decision]:
        """Write the decision down, and open the door if it says so and is in time.

        Returns:
            What was written: the decision, or it as too late; both if the time ran out while it was written. What a
            pass lost to that is not given back: its use is on disk.

        Raises:
            DoorwardError: it could not be written; the door was not told.
        """
        written = [self._write(timely(decision, self._clock.monotonic_ns()), document)]
        late = timely(written[0], self._clock.monotonic_ns())
        if late is not written[0]:
            return [*written, self._write(late, document)]
        if late.opens:
            self._door.pulse(late.door)
        return written

    def _write(self, decision: Decision, document: PolicyDocument) -> Decision:
        def make(sequence: int) -> SealedEvent:
            return seal_event(
                decision, sequence=sequence, site=self._site, device=self._device,
                events_key=BoxPublic(bytes.fromhex(document.events_key)), sign_secret=self._sign_secret,
                outcome_in_clear=document.outcome_class_in_clear,
            )  # fmt: skip

        self._store.record(decision, make)
        return decision
