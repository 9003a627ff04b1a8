"""A small ledger with every kind of entry and two checkpoints, and ways to change it."""

from __future__ import annotations

from dataclasses import dataclass, field

from agent.crypto import SignSecret
from agent.events.decision import Decision, Outcome
from agent.gallery.retention import Ended
from agent.ledger.checkpoint import make_checkpoint
from agent.ledger.entry import (
    Entry,
    aimed,
    decided,
    encode,
    enrolled,
    erased,
    policy_adopted,
    refusal_changed,
    salt,
    shortened,
    started,
    withdrawn,
)
from agent.ledger.merkle import Frontier, leaf_hash
from agent.ledger.verify import LedgerCopy
from agent.policy.grounds import Ground
from agent.units import DeviceId, DoorId, SiteId, SubjectId

SITE, DEVICE, DOOR = SiteId("quay"), DeviceId("gate-1"), DoorId("main")
SIGNER = SignSecret(b"\x05" * 32)
KEY = b"\x06" * 32
"""The secret of `SUBJECT`."""
NOW_S = 1_900_000_000.25
SUBJECT = SubjectId("p-1")


def decision(outcome: Outcome = Outcome.MATCH, **changes: object) -> Decision:
    fields: dict[str, object] = {
        "outcome": outcome,
        "door": DOOR,
        "unix_s": NOW_S,
        "captured_ns": 1,
        "frame": 1,
        "policy_version": 3,
        "subject": SUBJECT if outcome is Outcome.MATCH else None,
    }
    return Decision(**(fields | changes))  # type: ignore[arg-type]


def one_of_each() -> list[Entry]:
    return [
        started(SITE, DEVICE, "0.1.0", None),
        policy_adopted(3, "b" * 64, NOW_S),
        enrolled(SUBJECT, "c-1", NOW_S, salt(KEY, 2)),
        decided(decision(), 1, salt(KEY, 3)),
        decided(decision(Outcome.NO_MATCH), 2, None),
        decided(decision(Outcome.PASS_REFUSED, ground="pass-expired"), 3, None),
        refusal_changed((Ground.SIGN_MISSING, Ground.IN_ZONE), NOW_S),
        refusal_changed((), NOW_S + 1),
        withdrawn(SUBJECT, NOW_S + 2, salt(KEY, 8)),
        erased(Ended.WITHDRAWN, b"receipt", NOW_S + 2),
        shortened(1, 365, NOW_S + 3),
        aimed(open=True, unix_s=NOW_S + 4),
    ]


@dataclass
class Draft:
    """A ledger to change: `copy` gives it to the verifier."""

    entries: list[tuple[int, bytes]] = field(default_factory=list)
    checkpoints: list[bytes] = field(default_factory=list)
    frontier: Frontier = field(default_factory=Frontier)
    begin: Frontier = field(default_factory=Frontier)

    def add(self, entry: Entry) -> None:
        data = encode(entry)
        self.entries.append((self.frontier.size, data))
        self.frontier = self.frontier.append(leaf_hash(data))

    def sign(
        self,
        secret: SignSecret = SIGNER,
        site: SiteId = SITE,
        device: DeviceId = DEVICE,
        unix_s: float | None = NOW_S,
    ) -> bytes:
        self.checkpoints.append(make_checkpoint(self.frontier, site, device, secret, unix_s))
        return self.checkpoints[-1]

    def drop(self, first: int) -> None:
        """Take the entries before position `first` away and keep their edge."""
        for _, data in self.entries[: first - self.begin.size]:
            self.begin = self.begin.append(leaf_hash(data))
        del self.entries[: first - (self.entries[0][0] if self.entries else 0)]

    def renumber(self) -> None:
        """What a careful forger does after a change: new positions and a new frontier, all but the signatures."""
        self.entries = list(enumerate((data for _, data in self.entries), self.begin.size))
        self.frontier = self.begin
        for _, data in self.entries:
            self.frontier = self.frontier.append(leaf_hash(data))

    def copy(self) -> LedgerCopy:
        return LedgerCopy(iter(self.entries), tuple(self.checkpoints), self.frontier, self.begin)


def ledger() -> Draft:
    """Nine entries; checkpoints over the first five and the first eight."""
    draft = Draft()
    for position, entry in enumerate(one_of_each()[:9]):
        if position in (5, 8):
            draft.sign()
        draft.add(entry)
    return draft
