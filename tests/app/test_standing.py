"""What stands: a policy is taken over whole or not at all, and whatever narrows stays until its own end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.adapters.store import Store, read_ledger
from agent.adapters.updates import Verified
from agent.core import GalleryChanged, Input, LawChanged
from agent.errors import DeviceError
from agent.gallery.gallery import Gallery
from agent.gallery.vault import VaultRow
from agent.ledger.entry import decode
from agent.policy.bundle import POLICY_PATH, Policy, VerifiedTarget
from agent.site.restrictions import extra_zone, revoked_pass, stop_order, withdrawal
from agent.units import ConsentId, Sha256, SiteId, SubjectId
from tests.app.given import standing
from tests.app.test_custody import row
from tests.gallery.given import KEYS, protected, vector
from tests.gallery.given import gallery as gallery_of
from tests.policy.given import DEVICE, NOW_S, document, iso, square

SITE = SiteId("quay")
P1, P2 = SubjectId("p-1"), SubjectId("p-2")


class Bench:
    """A store with two people in it, and what stands over it; `again` is a new start of the process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.said: list[str] = []
        self.galleries = 0
        self.begin()
        for subject in (P1, P2):
            names = (DEVICE, SITE, subject, ConsentId("c-1"), 1, Sha256("e" * 64), "litert 2")
            row = VaultRow(*names, b"sealed", KEYS.epoch, b"")
            self.store.put_reference(row, NOW_S)

    def begin(self) -> None:
        self.store = Store.open(self.path, site=SITE, device=DEVICE, ledger_key=bytes(32))
        self.standing = standing(self.store, self._gallery, self.said.append)

    def again(self) -> None:
        self.store.close()
        self.said.clear()
        self.begin()

    def _gallery(self) -> None:
        self.galleries += 1

    def take(self, *targets: tuple[str, bytes] | VerifiedTarget, unix_s: float | None = NOW_S) -> list[Input]:
        made = [each if isinstance(each, VerifiedTarget) else VerifiedTarget("restriction", *each) for each in targets]
        return self.standing.take(Verified(tuple(made), NOW_S + 3600, NOW_S, 1, 1, 1, ("k",), True), unix_s)

    def limit(self, pages: int) -> None:
        """How large the store's file may become; what is there already stays."""
        self.store._db.execute(f"PRAGMA max_page_count = {pages}")

    def kinds(self) -> list[str]:
        with read_ledger(self.path) as copy:
            return [decode(data).kind for _, data in copy.entries]

    def people(self) -> list[SubjectId]:
        return [row.subject for row in self.store.references()]


def policy(**changes: Any) -> VerifiedTarget:
    return VerifiedTarget("permission", POLICY_PATH, json.dumps(document(**changes)).encode())


def zone(name: str) -> tuple[str, bytes]:
    """The target of an extra zone that ends a minute from now."""
    drawn = Policy(policy(zones=[square(10.0, 50.0, 0.1, name)]), DEVICE).document.zones[0]
    return extra_zone(drawn, NOW_S + 60)


@pytest.fixture
def bench(state: Path) -> Iterator[Bench]:
    made = Bench(state / "store.sqlite")
    yield made
    made.store.close()


def test_before_anything_was_verified_there_is_no_law(bench: Bench) -> None:
    assert bench.standing.law is None and bench.standing.lease_until_s is None
    assert not bench.standing.stopped(NOW_S)
    assert bench.standing.settle(NOW_S) == []
    (event,) = bench.standing.opening(NOW_S)
    assert event == GalleryChanged(None, bench.store.marks.people())
    assert bench.people() == [P1, P2]


def test_a_policy_is_taken_over_once_and_written_down(bench: Bench) -> None:
    (event,) = bench.take(policy())
    assert event == LawChanged(bench.standing.law)
    assert bench.standing.law is not None and bench.standing.law.policy.document.version == 3
    assert (bench.standing.lease_until_s, bench.standing.stock) == (NOW_S + 3600, 2)
    assert bench.take(policy()) == []
    assert bench.kinds().count("policy") == 1
    (event,) = bench.take(policy(version=4))
    assert isinstance(event, LawChanged) and event.law is not None and event.law.policy.document.version == 4
    assert bench.kinds().count("policy") == 2
    assert bench.said == []


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (policy(devices=[{"id": "gate-2", "signing_key": "1" * 64, "box_key": "2" * 64}]), "does not name"),
        (policy(version=None), "version"),
        (VerifiedTarget("permission", POLICY_PATH, b"{"), "policy.json"),
        (VerifiedTarget("pass", POLICY_PATH, json.dumps(document(version=4)).encode()), "permission role"),
        (None, "the site publishes no policy"),
    ],
)
def test_a_policy_that_cannot_be_used_ends_the_law_and_is_said_once(
    bench: Bench, bad: VerifiedTarget | None, words: str
) -> None:
    bench.take(policy())
    assert bench.take(*([] if bad is None else [bad])) == [LawChanged(None)]
    assert bench.standing.law is None
    assert len(bench.said) == 1 and words in bench.said[0]
    assert bench.take(*([] if bad is None else [bad])) == []
    assert len(bench.said) == 1
    (event,) = bench.take(policy())
    assert isinstance(event, LawChanged) and event.law is not None


def test_a_stop_order_stays_when_the_site_no_longer_lists_it(bench: Bench) -> None:
    bench.take(policy(), stop_order("fair", NOW_S + 60))
    assert bench.standing.stopped(NOW_S)
    bench.take(policy())
    assert bench.standing.stopped(NOW_S)
    bench.again()
    assert bench.standing.stopped(NOW_S)
    assert bench.standing.stopped(None)  # an untrusted clock ends nothing
    assert not bench.standing.stopped(NOW_S + 60)


def test_the_permission_role_lifts_a_restriction_by_its_id(bench: Bench) -> None:
    bench.take(policy(), stop_order("fair"))
    assert bench.standing.stopped(NOW_S)
    bench.take(policy(lifts=["stop-fair"], version=4))
    assert not bench.standing.stopped(NOW_S)


def test_a_restriction_that_cannot_be_read_stops_all(bench: Bench) -> None:
    bench.take(policy(), ("restriction/new-kind.json", b'{"schema": "doorward/restriction/2"}'))
    assert bench.standing.stopped(NOW_S)
    assert "restriction/new-kind.json" in bench.said[0] and "\n" not in bench.said[0]
    bench.again()
    assert bench.standing.stopped(NOW_S)
    bench.take(policy(), (stop_order("x", NOW_S - 1)[0], stop_order("x", NOW_S - 1)[1]))
    assert bench.standing.stopped(NOW_S)
    _, data = stop_order("x", NOW_S - 1)
    bench.take(policy(), ("restriction/new-kind.json", data))  # nor does a readable version of the same target
    assert bench.standing.stopped(NOW_S)
    bench.take(policy(lifts=["new-kind"], version=4))
    assert not bench.standing.stopped(NOW_S)


def test_who_may_restrict_cannot_take_a_restriction_back_by_a_shorter_one_of_the_same_name(bench: Bench) -> None:
    bench.take(policy(), stop_order("fair", NOW_S + 3600))
    bench.take(policy(), stop_order("fair", NOW_S - 1))
    assert bench.standing.stopped(NOW_S) and not bench.standing.stopped(NOW_S + 3600)
    bench.take(policy(), stop_order("fair", NOW_S + 7200))
    assert bench.standing.stopped(NOW_S + 3600)
    bench.again()
    assert bench.standing.stopped(NOW_S + 3600)


def test_a_policy_that_claims_several_signers_where_one_is_enough_is_refused(bench: Bench) -> None:
    assert bench.take(policy(single_key=False)) == [] and bench.standing.law is None
    assert "one key can widen" in bench.said[0]


def test_a_zone_begins_at_once_and_ends_at_its_time(bench: Bench) -> None:
    bench.take(policy())
    (event,) = bench.take(policy(), zone("fair"))
    assert isinstance(event, LawChanged) and event.law is not None
    assert [each.id for each in event.law.extra_zones] == ["fair"]
    assert bench.standing.settle(NOW_S + 59) == []
    (event,) = bench.standing.settle(NOW_S + 60)
    assert isinstance(event, LawChanged) and event.law is not None and event.law.extra_zones == ()


def test_a_revoked_pass_stays_revoked_offline_and_over_a_restart_until_a_policy_lifts_it(bench: Bench) -> None:
    bench.take(policy())
    (event,) = bench.take(policy(), revoked_pass("0102030405060708"))
    assert isinstance(event, LawChanged) and event.law is not None
    assert event.law.revoked == {"0102030405060708"}
    assert bench.take(policy()) == [], "the site no longer lists it, and nothing changes"
    bench.again()
    bench.take(policy())
    assert bench.standing.law is not None and bench.standing.law.revoked == {"0102030405060708"}
    bench.take(policy(lifts=["revoke-0102030405060708"], version=4))
    assert bench.standing.law.revoked == frozenset()


def test_whoever_withdraws_is_erased_once_and_the_gallery_is_new(bench: Bench) -> None:
    bench.standing.opening(NOW_S)
    gallery, law = bench.take(policy(), withdrawal(P1))
    assert gallery == GalleryChanged(None, bench.store.marks.people()) and bench.store.marks.withdrawn(P1)
    assert isinstance(law, LawChanged)
    assert (bench.people(), bench.galleries, bench.standing.stock) == ([P2], 2, 1)
    assert bench.kinds().count("withdrawal") == 1
    assert bench.take(policy(), withdrawal(P1)) == []
    assert (bench.kinds().count("withdrawal"), bench.galleries) == (1, 2)


def test_an_erasure_that_a_crash_cut_off_is_done_at_the_next_start(bench: Bench) -> None:
    bench.store.said.remember(*withdrawal(P2))  # the process died right behind this
    bench.again()
    (event,) = bench.standing.opening(None)
    assert event == GalleryChanged(None, bench.store.marks.people()) and bench.store.marks.withdrawn(P2)
    assert bench.people() == [P1]


def test_what_a_full_disk_keeps_from_being_written_is_taken_over_later(bench: Bench) -> None:
    """The former law stands meanwhile, whoever was erased before it was full stays erased."""
    bench.take(policy(), withdrawal(P1))
    bench.store.purge()
    bench.limit(1)
    version = 4
    with pytest.raises(DeviceError, match="full"):
        while True:  # what was free in the file's pages is used up first
            bench.take(policy(version=version), withdrawal(P1))
            version += 1
    law = bench.standing.law
    assert law is not None and law.policy.document.version == version - 1
    with pytest.raises(DeviceError, match="full"):
        bench.take(policy(version=version), withdrawal(P1))
    assert bench.standing.law is law and not bench.store.broken
    bench.limit(1_000_000)
    (event,) = bench.take(policy(version=version), withdrawal(P1))
    assert isinstance(event, LawChanged) and event.law is not None and event.law.policy.document.version == version
    assert bench.people() == [P2] and bench.store.marks.withdrawn(P1)


def test_a_withdrawal_that_cannot_be_remembered_is_an_error_and_nobody_believes_that_it_is_done(bench: Bench) -> None:
    bench.store.close()
    with pytest.raises(DeviceError):
        bench.take(policy(), withdrawal(P1))
    bench.begin()
    assert bench.people() == [P1, P2]


def test_once_carried_out_a_withdrawal_names_nobody_in_the_store_however_often_it_is_listed(bench: Bench) -> None:
    for again in range(3):
        bench.take(policy(), withdrawal(P1), stop_order("fair"))
        kept = [path for path, _ in bench.store.said.restrictions()]
        assert kept == ["restriction/stop-fair.json"]
        assert bench.standing.stopped(NOW_S)
        if again == 1:
            bench.again()
    assert bench.kinds().count("withdrawal") == bench.kinds().count("erasure") == 1
    bench.store.purge()
    assert b"withdraw-p-1" not in bench.path.read_bytes()


def test_a_restored_old_database_erases_again(bench: Bench) -> None:
    bench.take(policy())
    bench.store.close()
    image = bench.path.read_bytes()
    bench.begin()
    bench.take(policy(), withdrawal(P1))
    assert bench.people() == [P2]
    bench.store.close()
    bench.path.write_bytes(image)
    bench.begin()
    assert bench.people() == [P1, P2] and not bench.store.marks.withdrawn(P1)
    bench.take(policy(), withdrawal(P1))  # what the client verified before is taken over at every start
    assert bench.people() == [P2] and bench.store.marks.withdrawn(P1)


def test_a_receipt_of_the_erasure_goes_to_the_key_of_the_policy(bench: Bench) -> None:
    bench.take(policy())
    assert bench.store.pending() == 0
    bench.take(policy(), withdrawal(P1))
    assert bench.store.pending() == 1
    bench.store.said.remember(*withdrawal(P2))
    bench.again()
    bench.standing.opening(None)  # before anything was verified: the key of the last policy is remembered
    assert bench.store.pending() == 2


def test_a_sweep_makes_the_gallery_new_only_if_somebody_went(bench: Bench) -> None:
    bench.take(policy())
    assert bench.standing.sweep(NOW_S) == []
    bench.store.put_reference(row("p-9", until=iso(NOW_S + 50)), NOW_S)
    bench.again()
    bench.take(policy())
    galleries = bench.galleries
    assert bench.standing.sweep(NOW_S + 49) == [] and bench.galleries == galleries
    assert bench.standing.sweep(NOW_S + 50) == [GalleryChanged(None, bench.store.marks.people())]
    assert (bench.galleries, bench.standing.stock, bench.people()) == (galleries + 1, 2, [P1, P2])
    assert len(bench.said) == 1 and "a row does not open" in bench.said[0]


def test_whoever_withdrew_at_the_door_is_erased_when_things_are_settled(bench: Bench) -> None:
    bench.take(policy())
    galleries = bench.galleries
    bench.standing.asked(P1)
    bench.standing.asked(P1)
    assert bench.people() == [P1, P2], "asking alone writes nothing"
    assert bench.standing.settle(NOW_S) == [GalleryChanged(None, bench.store.marks.people())]
    assert (bench.people(), bench.standing.stock, bench.galleries) == ([P2], 1, galleries + 1)
    assert P1 in bench.store.marks.people() and bench.store.pending() == 1
    assert bench.standing.settle(NOW_S) == []
    bench.standing.asked(P1)
    assert bench.standing.settle(NOW_S) == [], "who is out already is not erased again"
    assert bench.kinds().count("withdrawal") == bench.kinds().count("erasure") == 1


def test_it_needs_neither_a_law_nor_a_trusted_clock_nor_somebody_who_is_enrolled(bench: Bench) -> None:
    bench.standing.asked(P2)
    bench.standing.asked(SubjectId("p-9"))
    (event,) = bench.standing.settle(None)
    assert isinstance(event, GalleryChanged)
    assert [each for each in (P1, P2, SubjectId("p-9")) if each in event.withdrawn] == [P2, "p-9"]
    assert bench.people() == [P1]


def test_while_the_disk_is_full_a_withdrawal_at_the_door_waits_and_is_carried_out_as_soon_as_there_is_room(
    bench: Bench,
) -> None:
    bench.take(policy())
    bench.store.purge()
    bench.store._db.execute("CREATE TEMP TRIGGER full BEFORE INSERT ON ledger BEGIN SELECT raise(ABORT, 'full'); END")
    bench.standing.asked(P1)
    for _ in range(2):
        with pytest.raises(DeviceError):
            bench.standing.settle(NOW_S)
        assert bench.people() == [P1, P2] and P1 not in bench.store.marks.people()
    bench.store._db.execute("DROP TRIGGER full")
    assert bench.standing.settle(NOW_S) == [GalleryChanged(None, bench.store.marks.people())]
    assert bench.people() == [P2] and P1 in bench.store.marks.people()


def test_a_withdrawal_at_the_door_and_one_of_the_site_are_one_erasure(bench: Bench) -> None:
    bench.take(policy())
    bench.standing.asked(P1)
    (event,) = bench.take(policy(), withdrawal(P1))
    assert isinstance(event, GalleryChanged)
    assert bench.standing.settle(NOW_S) == []
    assert bench.kinds().count("withdrawal") == bench.kinds().count("erasure") == 1


def test_an_erasure_takes_people_out_without_opening_the_others_again(bench: Bench) -> None:
    opened = list[Gallery]()

    def gallery() -> Gallery:
        opened.append(gallery_of(*(protected(each, vector(1), id="c-1") for each in ("p-1", "p-2"))))
        return opened[-1]

    stands = standing(bench.store, gallery, bench.said.append)
    stands.opening(NOW_S)
    stands.asked(P1)
    (changed,) = stands.settle(NOW_S)
    assert isinstance(changed, GalleryChanged) and changed.gallery is not None and len(opened) == 1
    assert changed.gallery.issuer(P1) is None and changed.gallery.issuer(P2) is not None
    assert opened[0].issuer(P1) is not None
    names = (DEVICE, SITE, SubjectId("p-3"), ConsentId("c-1"), 1, Sha256("e" * 64), "litert 2")
    bench.store.put_reference(VaultRow(*names, b"sealed", bench.store.epochs.present or 0, b""), NOW_S)
    assert stands.gallery_changed().gallery is opened[1], "who was added is in a gallery that is opened again"
