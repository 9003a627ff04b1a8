"""From a decision or the button inside to the door: sealed, written down, and only then, if still young, told to it.

Rules: what is older than a second when it is asked for is written down as too late, and never opens; the age is asked
again after the commit, because the disk may have been slow. What cannot be told to a door beyond a network is written
down so as well. The button opens through this too: it is a convenience and no way of escape, which works without any
computer. Leaves out: what to do when nothing can be written.
"""

from __future__ import annotations

from agent.adapters.store import Store
from agent.crypto import BoxPublic, SignSecret
from agent.events.decision import LATE_NS, UNREACHABLE, Decision, Outcome, shut, timely
from agent.events.seal import SealedEvent, seal_event
from agent.policy.bundle import PolicyDocument
from agent.policy.law import Law
from agent.ports import Clock, Contacts, DistantDoor, Door
from agent.units import DeviceId, SiteId


class Opening:
    """The only caller of the door."""

    def __init__(
        self,
        store: Store,
        door: Door | DistantDoor,
        clock: Clock,
        *,
        site: SiteId,
        device: DeviceId,
        sign_secret: SignSecret,
        contacts: Contacts | None = None,
    ) -> None:
        self._store, self._clock, self._contacts = store, clock, contacts
        self._door = None if isinstance(door, DistantDoor) else door
        self._distant = door if isinstance(door, DistantDoor) else None
        self._site, self._device, self._sign_secret = site, device, sign_secret

    @property
    def tampered(self) -> bool:
        """The housing is open; a device without such a contact never says so."""
        return self._contacts is not None and self._contacts.tampered

    def exit_asked(self, law: Law | None, dated_s: float) -> Decision | None:
        """What the button inside asks for, once; None: nothing, or there is no policy that could be told of it.

        Args:
            dated_s: trusted Unix time, or the earliest that it can be.
        """
        pressed_ns = None if self._contacts is None else self._contacts.exit_asked(self._clock.monotonic_ns())
        if pressed_ns is None or law is None:
            return None
        policy = law.policy
        return Decision(
            outcome=Outcome.EXIT, door=policy.door, unix_s=dated_s, captured_ns=pressed_ns, frame=0,
            policy_version=policy.document.version,
        )  # fmt: skip

    def decide(self, decision: Decision, document: PolicyDocument) -> list[Decision]:
        """Write the decision down, and open the door if it says so and is in time.

        Returns:
            What was written: the decision, or it as too late; both if the time ran out while it was written. What a
            pass lost to that is not given back: its use is on disk.

        Raises:
            DoorwardError: it could not be written; the door was not told.
        """
        first = self._possible(decision)
        number = self._write(first, document)
        now = self._possible(first)
        if now is not first:
            self._write(now, document)
            return [first, now]
        if now.opens and self._door is not None:
            self._door.pulse(now.door)
        elif now.opens and self._distant is not None:
            self._distant.order(now.door, number, now.captured_ns + LATE_NS)
        return [first]

    def _possible(self, decision: Decision) -> Decision:
        """The decision as it holds now, by its age and by whether the door can be told."""
        young = timely(decision, self._clock.monotonic_ns())
        if young.opens and self._distant is not None and not self._distant.reachable():
            return shut(young, UNREACHABLE)
        return young

    def _write(self, decision: Decision, document: PolicyDocument) -> int:
        """The sequence number of its event."""

        def make(sequence: int) -> SealedEvent:
            return seal_event(
                decision, sequence=sequence, site=self._site, device=self._device,
                events_key=BoxPublic(bytes.fromhex(document.events_key)), sign_secret=self._sign_secret,
                outcome_in_clear=document.outcome_class_in_clear,
            )  # fmt: skip

        return self._store.record(decision, make)
