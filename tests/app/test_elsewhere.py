"""Enrolment elsewhere: what a device takes into its vault of what was sealed for it, and what it never takes."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.adapters.keys import PlainKeys, epoch_box, vault_keys
from agent.adapters.litert import load_models
from agent.adapters.recording import handed_in
from agent.adapters.store import Store, read_ledger
from agent.adapters.updates import Verified
from agent.app.custody import Custody
from agent.app.desk import Desk
from agent.app.elsewhere import AT_ONCE, Deliveries, epoch_document
from agent.app.erasure import Erasure
from agent.app.standing import Standing
from agent.app.station import sealed_for
from agent.core import GalleryChanged
from agent.crypto import SignSecret, box_public, sign_public
from agent.errors import ConfigError, PolicyError
from agent.events.decision import Outcome
from agent.gallery.consent import transmissible
from agent.gallery.envelope import envelope_name, seal_reference
from agent.gallery.epoch import DeviceEpoch, epoch_json, read_epoch
from agent.gallery.reference import ModelIdentity, Reference
from agent.gallery.vault import VaultContext, unlock
from agent.ledger.entry import decode
from agent.policy.bundle import POLICY_PATH, Policy, VerifiedTarget
from agent.policy.law import Law
from agent.site.consents import issue_receipt
from agent.site.edit import opened as opened_policy
from agent.site.edit import with_fields
from agent.site.enrolments import enrolment_target
from agent.site.policy_draft import next_version
from agent.site.restrictions import stop_order
from agent.units import DeviceId, SubjectId
from tests.app import door
from tests.app.running import until
from tests.gallery.given import DEVICE, ISSUER, LENGTH, MODEL, SITE, reference, vector
from tests.policy.given import NOW_S, document, iso

GRANT: dict[str, Any] = {"doors": ["main"], "purposes": ["resident-entry"], "per_day": 2}
P1 = SubjectId("p-1")


class Bench:
    """A stopped device with what stands for it; references are made without a model."""

    def __init__(self, folder: Path) -> None:
        self.keys = PlainKeys.create(folder / "keys.json", DEVICE)
        self.said: list[str] = []
        self.galleries = 0
        self.store = Store.open(folder / "store.sqlite", site=SITE, device=DEVICE, ledger_key=self.keys.ledger_key)
        self.path = folder / "store.sqlite"
        self.renew(MODEL)

    def renew(self, model: ModelIdentity) -> None:
        """A new start of the process, with this model."""
        erasure = Erasure(self.store, self.keys, self.said.append)
        custody = Custody(self.store, self.keys, erasure, self.said.append)
        deliveries = Deliveries(self.store, erasure, model, LENGTH, self.said.append)
        self.standing = Standing(self.store, custody, self._gallery, self.said.append, deliveries.take)

    def _gallery(self) -> None:
        self.galleries += 1

    def sealed(self, subject: str = "p-1", keys: PlainKeys | None = None, **changes: Any) -> VerifiedTarget:
        made = reference(subject, vector(len(subject)), **({"transmission_consent": True} | changes))
        return target(made, self.epoch(keys), self.keys.device)

    def epoch(self, keys: PlainKeys | None = None) -> DeviceEpoch:
        source = keys or self.keys
        return read_epoch(
            epoch_document(source, vault_keys(source, source.epochs.present)),
            {source.device: sign_public(source.sign_secret)},
        )

    def take(
        self, *targets: VerifiedTarget, unix_s: float | None = NOW_S, lease_s: float = NOW_S + 3600, **policy: Any
    ) -> bool:
        """Whether somebody was enrolled of it."""
        entry = {"key": sign_public(ISSUER).hex(), "until": iso(NOW_S + 1000), "elsewhere": GRANT}
        fields = {"enrolment_keys": [entry]} | policy
        law = VerifiedTarget("permission", POLICY_PATH, json.dumps(document(**fields)).encode())
        before = len(self.store.references())
        inputs = self.standing.take(Verified((law, *targets), lease_s, NOW_S, 1, 1, 1, ("k",), True), unix_s)
        grown = len(self.store.references()) > before
        assert (GalleryChanged(None, self.store.marks.people()) in inputs) is grown
        return grown

    def kinds(self) -> list[str]:
        with read_ledger(self.path) as copy:
            return [decode(data).kind for _, data in copy.entries]


def target(made: Reference, to: DeviceEpoch, device: DeviceId) -> VerifiedTarget:
    leave = transmissible(made.consent)
    assert leave is not None
    data = seal_reference(made, leave, to, ISSUER)
    return VerifiedTarget("enrolment", f"enrolment/{envelope_name(data, device)}", data)


@pytest.fixture
def bench(state: Path) -> Iterator[Bench]:
    made = Bench(state)
    yield made
    made.store.close()


def test_what_is_sealed_for_it_comes_into_the_vault_and_the_ledger_once(bench: Bench) -> None:
    sent = bench.sealed()
    assert bench.take(sent)
    (row,) = bench.store.references()
    opened = unlock(row, VaultContext(DEVICE, SITE, MODEL), vault_keys(bench.keys, bench.keys.epochs.present))
    assert (opened.consent.subject, bench.kinds().count("enrolment"), bench.galleries) == (P1, 1, 1)
    assert bench.standing.stock == 1
    assert not bench.take(sent) and not bench.take(bench.sealed())
    assert bench.kinds().count("enrolment") == 1 and bench.said == []


def test_a_replay_after_erasure_brings_nobody_back(bench: Bench) -> None:
    sent = bench.sealed()
    assert bench.take(sent)
    bench.standing._custody.withdraw([P1], NOW_S)
    assert not bench.take(sent)
    assert not bench.take(bench.sealed(id="c-2")), "a new receipt under the old pseudonym"
    assert bench.store.references() == []
    assert [line.split(": ")[1][:31] for line in bench.said] == ["not taken (envelope-withdrawn);"]


def test_a_row_that_retention_has_swept_is_not_brought_back_either(bench: Bench) -> None:
    sent = bench.sealed()
    assert bench.take(sent)
    with bench.store._transaction() as db:
        db.execute("DELETE FROM reference")
    assert not bench.take(sent)


def test_who_was_enrolled_at_the_device_is_not_replaced_from_elsewhere(bench: Bench) -> None:
    sent = bench.sealed()
    assert bench.take(sent)
    (row,) = bench.store.references()
    bench.store.put_reference(row, NOW_S)  # at the device itself the same receipt may be used again
    assert not bench.take(bench.sealed())


@pytest.mark.parametrize(
    "changes",
    [
        {"purpose": "staff-entry"},
        {"age": "under-14"},
        {"notice_sha256": "b" * 64},
        {"until": iso(NOW_S - 1)},
    ],
)
def test_a_consent_that_does_not_cover_it_is_refused(bench: Bench, changes: dict[str, Any]) -> None:
    if "until" in changes:
        sent = bench.sealed()
        assert not bench.take(sent, unix_s=NOW_S + 200)
    else:
        assert not bench.take(bench.sealed(**changes))
    assert len(bench.said) == 1 and "p-1" not in bench.said[0]


def test_another_devices_envelope_is_refused_and_said_once(bench: Bench, tmp_path: Path) -> None:
    other = PlainKeys.create(tmp_path / "other.json", DeviceId("gate-2"))
    made = reference("p-1", vector(1), transmission_consent=True, devices=["gate-1", "gate-2"])
    sent = target(made, bench.epoch(other), DEVICE)
    for _ in range(3):
        assert not bench.take(sent)
    assert len(bench.said) == 1 and "envelope-other-device" in bench.said[0]


def test_another_model_or_epoch_is_refused(bench: Bench) -> None:
    epoch, secret = 1, epoch_box(bench.keys.epochs.secret(1))
    past = epoch_json(DEVICE, epoch + 1, box_public(secret), bench.keys.sign_secret)
    named = {DEVICE: sign_public(bench.keys.sign_secret)}
    made = reference("p-1", vector(1), transmission_consent=True)
    assert not bench.take(target(made, read_epoch(past, named), DEVICE))
    bench.renew(replace(MODEL, runtime="tflite-runtime 2.14.0"))
    assert not bench.take(bench.sealed())
    assert ["other-epoch" in bench.said[0], "other-model" in bench.said[1]] == [True, True]


def test_a_key_enrols_no_more_than_its_number_a_day(bench: Bench) -> None:
    sent = [bench.sealed(f"p-{number}", until=iso(NOW_S + 90_000)) for number in range(1, 4)]
    until = iso(NOW_S + 900_000)
    entry = {"key": sign_public(ISSUER).hex(), "until": until, "elsewhere": GRANT}
    assert bench.take(*sent, enrolment_keys=[entry])
    assert len(bench.store.references()) == 2 and "envelope-day-full" in bench.said[0]
    next_day = NOW_S + 86_400 - 1
    times = {"enrolment_keys": [entry], "until": until, "version": 2}
    assert bench.take(*sent, unix_s=next_day, lease_s=next_day + 60, **times)
    assert len(bench.store.references()) == 3


def test_many_are_taken_a_few_at_each_check(bench: Bench) -> None:
    entry = {"key": sign_public(ISSUER).hex(), "until": iso(NOW_S + 1000), "elsewhere": GRANT | {"per_day": 1000}}
    sent = [bench.sealed(f"p-{number}") for number in range(AT_ONCE + 1)]
    assert bench.take(*sent, enrolment_keys=[entry]) and len(bench.store.references()) == AT_ONCE
    assert bench.take(*sent, enrolment_keys=[entry]) and len(bench.store.references()) == AT_ONCE + 1
    assert not bench.take(*sent, enrolment_keys=[entry]) and bench.said == []


def test_without_leave_of_the_policy_nothing_is_taken(bench: Bench) -> None:
    entry = {"key": sign_public(ISSUER).hex(), "until": iso(NOW_S + 1000)}
    assert not bench.take(bench.sealed(), enrolment_keys=[entry])
    assert "envelope-not-granted" in bench.said[0]


def test_nothing_is_taken_while_it_is_stopped_stale_or_the_time_unknown(bench: Bench) -> None:
    sent = bench.sealed()
    assert not bench.take(sent, unix_s=None)
    assert not bench.take(sent, lease_s=NOW_S)
    assert not bench.take(sent, VerifiedTarget("restriction", *stop_order("fair", NOW_S + 50)))
    assert bench.said == [] and bench.store.references() == []
    assert bench.take(sent, unix_s=NOW_S + 60)


def test_past_the_filing_threshold_nobody_is_enrolled(bench: Bench) -> None:
    profile = {"profile": "strict"}
    law = Law(Policy(VerifiedTarget("permission", POLICY_PATH, json.dumps(document(**profile)).encode()), DEVICE))
    assert law.profile.filing_at is not None
    (row,) = [bench.sealed()]
    assert bench.take(row)
    with bench.store._transaction() as db:
        columns = "consent_id, device, gallery, rotation, model_sha256, runtime, sealed, enrolled_s, last_use_s"
        db.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
            f"INSERT INTO reference (subject, {columns}) SELECT CAST('q-' || i AS BLOB), {columns} FROM n, reference",
            (law.profile.filing_at,),
        )
    assert not bench.take(bench.sealed("p-22"), **profile)
    assert "stock-unfiled" in bench.said[0]


def test_past_what_the_threshold_covers_nobody_is_enrolled_for_a_search(bench: Bench) -> None:
    one = {"operating_point": {"label": "real", "threshold": 0.5, "search": [{"people": 1, "threshold": 0.5}]}}
    assert bench.take(bench.sealed(), **one)
    assert not bench.take(bench.sealed("p-22"), **one)
    assert "gallery-too-large" in bench.said[0]


def test_bytes_that_are_no_envelope_are_refused(bench: Bench) -> None:
    assert not bench.take(VerifiedTarget("enrolment", "enrolment/gate-1.x.json", b"{}"))
    assert "envelope-malformed" in bench.said[0]


def test_a_station_seals_and_a_running_device_takes_and_knows_the_person(tmp_path: Path) -> None:
    """The whole way with real models: station, repository, link, recogniser, door."""
    device = door.site(tmp_path / "site")
    granted = {"doors": [device.policy.door], "purposes": [device.policy.purpose.value], "per_day": 5}
    fields = with_fields(opened_policy(device.data), [f"enrolment_keys.0.elsewhere={json.dumps(granted)}"])
    data = next_version(json.dumps(fields).encode(), 2)
    device.repository.publish({POLICY_PATH: data})
    law = Law(Policy(VerifiedTarget("permission", POLICY_PATH, data), device.id))
    policy, secret, now = law.policy.document, device.repository.keys.sign_secret("enrolment"), time.time()
    to = [read_epoch(epoch_document(device.keys, vault_keys(device.keys, 1)), {device.id: device.key})]
    pictures = [np.ascontiguousarray(door.face(name=f"enrol-{place}")[..., ::-1]) for place in range(1, 7)]
    with contextlib.closing(door.opened(device)) as store:
        desk = Desk(store, device.keys, law, *load_models(door.MODELS), unix_s=now, lease_until_s=now + 3600)

        def seal(transmission: bool, to: list[DeviceEpoch], devices: tuple[str, ...] = ()) -> Any:
            receipt = issue_receipt(
                policy, secret, P1, given_s=now - 60, days=30, devices=devices, transmission=transmission
            )
            frames = [handed_in(place, bgr) for place, bgr in enumerate(pictures)]
            return sealed_for(desk, receipt, "r.json", to, secret, frames)

        with pytest.raises(PolicyError, match="transmission_consent: was not given"):
            seal(False, to)
        with pytest.raises(ConfigError, match="named twice"):
            seal(True, to * 2)
        stranger = epoch_json(
            DeviceId("gate-9"), 1, box_public(epoch_box(device.keys.epochs.secret(1))), SignSecret(bytes(32))
        )
        elsewhere = read_epoch(stranger, {"gate-9": sign_public(SignSecret(bytes(32)))})
        with pytest.raises(PolicyError, match="does not name gate-9"):
            seal(True, [elsewhere])
        made: dict[DeviceId, bytes] = seal(True, to)
        assert store.references() == [], "nothing stays at the station"
    device.repository.publish(dict(enrolment_target(each, policy, "gate.json") for each in made.values()))
    bench = door.Bench(device)

    def script(peer: door.Peer) -> None:
        peer.wait_grounds()
        with contextlib.closing(door.opened(device)) as store:
            until(lambda: bool(store.references()), 20, "an enrolment")
        bench.view = door.face()
        (event,) = peer.wait_events(1)
        assert (event.outcome, event.subject) == (Outcome.MATCH, P1)

    assert bench.play(script) == 0
    assert bench.opened == 1
