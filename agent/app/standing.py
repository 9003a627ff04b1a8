"""What stands at this moment: the law in force and who has withdrawn, from what was verified and what is remembered.

Rules: a new policy is taken over whole or not at all. A restriction is remembered in the store before anything else
happens, and stays until its own end even if a later version of the site no longer lists it. One that cannot be read
stops recognition, until the permission role lifts it by its name: it was signed to narrow, so it narrows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from agent.adapters.store import Store
from agent.adapters.updates import Verified
from agent.app.custody import Custody
from agent.core import GalleryChanged, Input, LawChanged
from agent.crypto import BoxPublic, sha256
from agent.errors import PolicyError
from agent.events.seal import Addressee
from agent.gallery.gallery import Gallery
from agent.ledger.entry import policy_adopted
from agent.policy.bundle import POLICY_PATH, Policy, Restriction, VerifiedTarget, restriction
from agent.policy.law import Law
from agent.policy.zones import Zone
from agent.units import PassId, SubjectId

MakeGallery = Callable[[], Gallery | None]
Deliver = Callable[[Sequence[VerifiedTarget], Law, float], bool]
"""Takes the sealed enrolments that are for this device now; True if anybody was enrolled. See elsewhere.py."""


class Standing:
    """Turns verified states into inputs of the core.

    Args:
        gallery: opens the vault anew; called when somebody is added.
        report: told about documents that cannot be used, in one line.
        deliver: None takes no sealed enrolments.
    """

    def __init__(
        self,
        store: Store,
        custody: Custody,
        gallery: MakeGallery,
        report: Callable[[str], None],
        deliver: Deliver | None = None,
    ) -> None:
        self._store, self._custody, self._deliver = store, custody, deliver
        self._gallery, self._report = gallery, report
        self._opened: Gallery | None = None
        """As it was opened the last time; None: it does not open, or was not opened yet."""
        self._policy: Policy | None = None
        self._policy_sha256: str | None = None
        self._law: Law | None = None
        self._made_of: tuple[Policy, tuple[Zone, ...], float | None, frozenset[PassId]] | None = None
        """What the law was made of: asked at every frame, so it is not made anew to be compared."""
        self._asked: set[SubjectId] = set()
        """Who has withdrawn at the door and is not erased yet, because the disk did not take it."""
        self._restrictions: list[Restriction] = []
        self._unreadable: set[str] = set()
        """Names of restrictions that cannot be read: each stops all until it is lifted."""
        self.lease_until_s: float | None = None
        self.stock: int | None = None
        """People in the gallery; None while it could not be counted."""
        self.crossed_s: float | None = None
        self._recall()

    @property
    def law(self) -> Law | None:
        return self._law

    def stopped(self, unix_s: float | None) -> bool:
        unread = not self._unreadable <= set(self._lifted())
        return unread or any(each.kind == "stop" for each in self._in_force(unix_s))

    def opening(self, unix_s: float | None) -> list[Input]:
        """The first inputs of a start: the gallery as it is, without those whose erasure a crash had cut off."""
        self._withdraw(unix_s)
        return [self.gallery_changed()]

    def take(self, verified: Verified, unix_s: float | None) -> list[Input]:
        """Take over one verified state of the site.

        Raises:
            DeviceError: the disk. What came before it holds, and the same state may be taken once more; whoever was
                erased already is out of `gallery_changed`.
        """
        inputs: list[Input] = []
        for target in verified.targets:
            if target.role == "restriction" and not self._carried_out(target):
                self._store.said.remember(target.path, target.data)
        self._recall()
        if self._withdraw(unix_s):
            inputs.append(self.gallery_changed())
        self.lease_until_s = verified.lease_until_s
        policies = [target for target in verified.targets if target.path == POLICY_PATH]
        self._adopt(policies, verified.single_key, unix_s)
        inputs += self.settle(unix_s)
        if self._delivered(verified, unix_s):
            self._count(self._law, unix_s)
            inputs.append(self.gallery_changed())
        return inputs

    def asked(self, subject: SubjectId) -> None:
        """Somebody has withdrawn at the door; `settle` erases them."""
        self._asked.add(subject)

    def settle(self, unix_s: float | None) -> list[Input]:
        """Whoever has withdrawn at the door is out; the law anew if what narrows it has begun or ended."""
        gone = [self.gallery_changed()] if self._asked and self._withdraw(unix_s) else []
        in_force = self._in_force(unix_s)
        zones = tuple(each.zone for each in in_force if each.zone is not None)
        incident_s = max((each.at.timestamp() for each in in_force if each.at is not None), default=None)
        revoked = frozenset(PassId(each.pass_id) for each in in_force if each.pass_id is not None)
        made_of = None if self._policy is None else (self._policy, zones, incident_s, revoked)
        if made_of == self._made_of:
            return [*gone]
        law = None if made_of is None else Law(*made_of)
        self._count(law, unix_s)
        self._law, self._made_of = law, made_of
        return [*gone, LawChanged(law)]

    def _adopt(self, targets: list[VerifiedTarget], single_key: bool, unix_s: float | None) -> None:
        digest = sha256(targets[0].data) if targets else None
        if digest == self._policy_sha256:
            return
        policy = None
        try:
            if not targets:
                raise PolicyError(f"{POLICY_PATH}: the site publishes no policy; publish one with 'doorward site'")
            policy = _honest(Policy(targets[0], self._store.device), single_key)
        except PolicyError as error:
            self._report(str(error))
        if policy is not None:
            self._store.said.address(Addressee(BoxPublic(bytes.fromhex(policy.document.events_key)), policy.door))
            self._store.note(policy_adopted(policy.document.version, digest or "", unix_s))
        self._policy, self._policy_sha256 = policy, digest

    def _delivered(self, verified: Verified, unix_s: float | None) -> bool:
        """Whether a sealed enrolment was taken; none is while recognition is stopped or the site's word is stale."""
        law, sealed = self._law, [target for target in verified.targets if target.role == "enrolment"]
        if self._deliver is None or not sealed or law is None or unix_s is None or self.stopped(unix_s):
            return False
        fresh = unix_s < verified.lease_until_s and law.policy.in_force(unix_s)
        return fresh and self._deliver(sealed, law, unix_s)

    def _recall(self) -> None:
        self._restrictions, self._unreadable = [], set()
        for path, document in self._store.said.restrictions():
            try:
                self._restrictions.append(restriction(VerifiedTarget("restriction", path, document)))
            except PolicyError as error:
                self._unreadable.add(path.removeprefix("restriction/").removesuffix(".json"))
                self._report(str(error))

    def _in_force(self, unix_s: float | None) -> list[Restriction]:
        """What narrows now: all that were ever seen, but for those that are over or that the permission role lifts."""
        lifted = self._lifted()
        return [each for each in self._restrictions if each.id not in lifted and each.in_force(unix_s)]

    def _lifted(self) -> tuple[str, ...]:
        return () if self._policy is None else self._policy.document.lifts

    def sweep(self, unix_s: float) -> list[Input]:
        """Erase whoever's time is over; cheap while nobody is due.

        Args:
            unix_s: trusted time. Without it nobody is swept; the gate refuses then, so nobody is matched either.

        Raises:
            DeviceError: the disk; whoever was erased already is out of `gallery_changed`.
        """
        fresh = self.lease_until_s is not None and unix_s < self.lease_until_s
        if not self._custody.sweep(self._law, unix_s, fresh=fresh):
            return []
        self._count(self._law, unix_s)
        return [self.gallery_changed()]

    def _withdraw(self, unix_s: float | None) -> bool:
        """Erase whoever withdrew and is not erased yet; True if anybody was. Their documents go: they name people."""
        named = {SubjectId(each.subject) for each in self._restrictions if each.subject is not None} | self._asked
        news = {subject for subject in named if not self._store.marks.withdrawn(subject)}
        if news:
            self._custody.withdraw(sorted(news), unix_s)
            self._count(self._law, unix_s)
        self._asked.clear()
        if named:
            kept = [VerifiedTarget("restriction", *each) for each in self._store.said.restrictions()]
            self._store.said.carried_out((each.path, each.data) for each in kept if self._carried_out(each))
            self._custody.purge()
            self._restrictions = [each for each in self._restrictions if each.subject is None]
        return bool(news)

    def _carried_out(self, target: VerifiedTarget) -> bool:
        """Whether it is the withdrawal of somebody who is erased."""
        try:
            subject = restriction(target).subject
        except PolicyError:
            return False
        return subject is not None and self._store.marks.withdrawn(SubjectId(subject))

    def _count(self, law: Law | None, unix_s: float | None) -> None:
        filing_at = None if law is None else law.profile.filing_at
        self.stock, self.crossed_s = self._store.people.stock(filing_at, unix_s)

    def gallery_changed(self) -> GalleryChanged:
        """The gallery as it is now, and who has withdrawn from it.

        An erasure only takes people out: then the door does not wait until everybody else's row is opened again.
        """
        kept = {(who, use.consent_id) for who, use in self._store.people.uses().items()}
        left = None if self._opened is None else self._opened.only(kept)
        self._opened = self._gallery() if left is None else left
        return GalleryChanged(self._opened, self._store.marks.people())


def _honest(policy: Policy, single_key: bool) -> Policy:
    """The policy, if it says that one key is enough where it is: every heartbeat repeats what the policy says."""
    if single_key and not policy.document.single_key:
        raise PolicyError(
            f"{POLICY_PATH}: single_key: says false, but one key can widen; publish it with 'doorward site'"
        )
    return policy
