"""From a decision or the button inside to the door: sealed, written down, and only then, if still young, told to it.

Rules: what is older than a second when it is asked for is written down as too late, and never opens; the age is asked
again after the commit, because the disk may have been slow. The button opens through this too: it is a convenience and
no way of escape, which works without any computer. Leaves out: what to do when nothing can be written.
"""

from __future__ import annotations

from agent.adapters.store import Store
from agent.crypto import BoxPublic, SignSecret
from agent.events.decision import Decision, Outcome, timely
from agent.events.seal import SealedEvent, seal_event
from agent.policy.bundle import PolicyDocument
from agent.policy.law import Law
from agent.ports import Clock, Contacts, Door
from agent.units import DeviceId, SiteId


class Opening:
    """The only caller of the door."""

    def __init__(
        self,
        store: Store,
        door: Door,
        clock: Clock,
        *,
        site: SiteId,
        device: DeviceId,
        sign_secret: SignSecret,
        contacts: Contacts | None = None,
    ) -> None:
        self._store, self._door, self._clock, self._contacts = store, door, clock, contacts
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
