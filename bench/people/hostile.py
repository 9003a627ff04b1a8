"""Receipts, sealed references and withdrawal codes after every kind of harm, and whether one was accepted.

Each function yields `Attempt`s without end of its own but `count`; none may be accepted, and whatever is raised beside
the documented errors is a fault of ours that ends the proof. Keys, policy and readers are the real ones; the template
is random, since nothing here looks at it.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import numpy as np

from agent.crypto import BoxSecret, SignSecret, box_public, random_bytes, sign, sign_public
from agent.errors import PolicyError
from agent.gallery.consent import read_receipt, transmissible
from agent.gallery.envelope import Delivered, Recipient, open_envelope, seal_reference
from agent.gallery.epoch import epoch_json, read_epoch
from agent.gallery.receipt import signed_part
from agent.gallery.reference import PROBES_MIN, ModelIdentity, Reference, average
from agent.gallery.withdrawal import PREFIX, judge_withdrawal
from agent.policy.bundle import POLICY_PATH, Policy, VerifiedTarget
from agent.policy.fields import AgeBand
from agent.policy.law import Law
from agent.site.consents import issue_guardian, issue_receipt
from agent.site.edit import opened, with_fields
from agent.site.keys import SiteKeys
from agent.site.policy_draft import draft_policy, read_decided
from agent.site.withdrawals import withdrawal_code
from agent.units import DeviceId, Sha256, SiteId, SubjectId

_ROOT: Final = Path(__file__).resolve().parents[2]
_DIMENSIONS: Final = 512
_SIGNS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"


@dataclass(frozen=True, slots=True)
class Attempt:
    kind: str
    """What was done to the document, in a few words."""
    accepted: bool


class Town:
    """A site with two devices that may be enrolled for from elsewhere, and two people who agreed to that."""

    def __init__(self, seed: int = 1) -> None:
        self.chance, self.now_s = random.Random(seed), time.time()
        self.keys, self.stranger = SiteKeys.fresh(), SignSecret(random_bytes(32))
        self.secret = self.keys.sign_secret("enrolment")
        self.signing = {name: SignSecret(random_bytes(32)) for name in ("gate-1", "gate-2")}
        self.boxes = {name: BoxSecret(random_bytes(32)) for name in self.signing}
        devices = [
            {"id": name, "signing_key": sign_public(secret).hex(), "box_key": box_public(self.boxes[name]).hex()}
            for name, secret in self.signing.items()
        ]
        decided = read_decided(_ROOT / "device_config" / "policy.toml")
        drafted = draft_policy(decided, site="town", version=1, keys=self.keys, devices=devices, now_s=self.now_s - 60)
        grant = {"doors": [decided["door"]], "purposes": [decided["purpose"]], "per_day": 100}
        fields = with_fields(opened(drafted), [f"enrolment_keys.0.elsewhere={json.dumps(grant)}"])
        target = VerifiedTarget("permission", POLICY_PATH, json.dumps(fields).encode())
        self.law = Law(Policy(target, DeviceId("gate-1")))
        self.policy = self.law.policy.document
        self.model = ModelIdentity(Sha256("e" * 64), "litert 2")
        self.here = Recipient(DeviceId("gate-1"), SiteId("town"), 1, self.boxes["gate-1"], self.model, _DIMENSIONS)

    def receipt(self, subject: str, **changes: Any) -> bytes:
        asked: dict[str, Any] = {"given_s": self.now_s - 30, "days": 20, "transmission": True} | changes
        return issue_receipt(self.policy, self.secret, SubjectId(subject), **asked)

    def child(self, subject: str) -> bytes:
        guardian = issue_guardian(
            self.policy, self.secret, SubjectId("g-1"), SubjectId(subject), given_s=self.now_s - 30, days=20,
            transmission=True,
        )  # fmt: skip
        return self.receipt(subject, age=AgeBand.UNDER_14, guardian=guardian)

    def envelope(self, receipt: bytes, device: str = "gate-1", epoch: int = 1) -> bytes:
        consent = read_receipt(receipt, self.policy.enrolment_keys, self.now_s)
        rows = np.random.default_rng(self.chance.randrange(2**32)).standard_normal(_DIMENSIONS)
        probe: Any = SimpleNamespace(vector=rows.astype(np.float32), permit=None)  # all that is asked of one here
        reference = Reference(average([probe] * PROBES_MIN, self.model), consent)
        leave = transmissible(consent)
        assert leave is not None
        told = epoch_json(DeviceId(device), epoch, box_public(self.boxes[device]), self.signing[device])
        named = {name: sign_public(secret) for name, secret in self.signing.items()}
        return seal_reference(reference, leave, read_epoch(told, named), self.secret)

    def admits(self, receipt: bytes) -> bool:
        try:
            read_receipt(receipt, self.policy.enrolment_keys, self.now_s)
        except PolicyError:
            return False
        return True

    def takes(self, envelope: bytes, here: Recipient | None = None) -> bool:
        return isinstance(open_envelope(envelope, here or self.here, self.law, self.now_s), Delivered)

    def withdraws(self, text: str) -> bool:
        keys = [each.key for each in self.policy.enrolment_keys] + [each.key for each in self.policy.pass_keys]
        return isinstance(judge_withdrawal(text, keys, SiteId("town")), str)


def receipts(town: Town, count: int = 5_000) -> Iterator[Attempt]:
    """Flipped bits, cut ends, fields of another receipt, and strangers' signatures.

    Raises:
        AssertionError: the unharmed receipts are not admitted: then the rest proves nothing.
    """
    whole = [town.receipt("p-1"), town.child("p-2")]
    assert all(town.admits(each) for each in whole)
    for number in range(count):
        one, other = whole[number % 2], whole[1 - number % 2]
        kind, data = _harmed(town, one, other, number)
        yield Attempt(f"receipt: {kind}", data != one and town.admits(data))


def envelopes(town: Town, count: int = 5_000) -> Iterator[Attempt]:
    """The same of sealed references, and whole ones at another device, epoch, model and site.

    Raises:
        AssertionError: see `receipts`.
    """
    one, other = town.envelope(town.receipt("p-1")), town.envelope(town.child("p-2"))
    assert town.takes(one) and town.takes(other)
    here = town.here
    wrong: list[tuple[str, Recipient]] = [
        ("another device", replace(here, device=DeviceId("gate-2"), secret=town.boxes["gate-2"])),
        ("another device's name alone", replace(here, device=DeviceId("gate-2"))),
        ("another box key", replace(here, secret=town.boxes["gate-2"])),
        ("a later epoch", replace(here, epoch=2)),
        ("another model", replace(here, model=ModelIdentity(Sha256("f" * 64), "litert 2"))),
        ("another runtime", replace(here, model=ModelIdentity(here.model.sha256, "other 1"))),
        ("another site", replace(here, site=SiteId("pier"))),
        ("another length", replace(here, dimensions=_DIMENSIONS + 1)),
    ]
    for kind, elsewhere in wrong:
        yield Attempt(f"sealed reference: {kind}", town.takes(one, elsewhere))
    for number in range(count - len(wrong)):
        kind, data = _harmed(town, (one, other)[number % 2], (other, one)[number % 2], number)
        yield Attempt(f"sealed reference: {kind}", data not in (one, other) and town.takes(data))


def withdrawal_codes(town: Town, count: int = 5_000) -> Iterator[Attempt]:
    """Changed signs, cut ends, another's name over a signature, strangers' signatures.

    Raises:
        AssertionError: see `receipts`.
    """
    good = [withdrawal_code(town.policy, town.secret, SubjectId(name)) for name in ("p-1", "p-2")]
    assert all(town.withdraws(text) for text in good)
    chance = town.chance
    for number in range(count):
        text, other, at = good[number % 2], good[1 - number % 2], 0
        if number % 4 == 0:
            kind, at = "a changed sign", chance.randrange(len(PREFIX), len(text))
            changed = text[:at] + chance.choice(_SIGNS) + text[at + 1 :]
        elif number % 4 == 1:
            kind, changed = "cut off", text[: chance.randrange(len(PREFIX), len(text))]
        elif number % 4 == 2:
            kind, at = "two codes joined", chance.randrange(len(PREFIX), len(text))
            changed = text[:at] + other[at:]
        else:
            kind, changed = "noise", PREFIX + "".join(chance.choices(_SIGNS, k=len(text) - len(PREFIX)))
        yield Attempt(f"withdrawal code: {kind}", changed not in good and town.withdraws(changed))


def _harmed(town: Town, data: bytes, other: bytes, number: int) -> tuple[str, bytes]:
    """One kind of harm after another, to a signed JSON document."""
    ways: tuple[tuple[str, Callable[[Town, bytes, bytes], bytes]], ...] = (
        ("a flipped bit", _flip),
        ("a flipped bit ", _flip),
        ("cut off", lambda town, data, _: data[: town.chance.randrange(len(data) - 2)]),
        ("a part doubled", _doubled),
        ("a field of another", _swapped),
        ("signed by a stranger", _by_a_stranger),
    )
    kind, harm = ways[number % len(ways)]
    return kind.strip(), harm(town, data, other)


def _flip(town: Town, data: bytes, _: bytes) -> bytes:
    changed = bytearray(data)
    changed[town.chance.randrange(len(data) - 1)] ^= 1 << town.chance.randrange(8)  # the last byte ends the line
    return bytes(changed)


def _doubled(town: Town, data: bytes, _: bytes) -> bytes:
    at = town.chance.randrange(len(data) - 2)
    end = min(at + town.chance.randrange(1, 40), len(data) - 2)
    return data[:end] + data[at:end].replace(b" ", b"x").replace(b"\n", b"x") + b"x" + data[end:]


def _swapped(town: Town, data: bytes, other: bytes) -> bytes:
    """One leaf of the document, or one branch, from another that is good."""
    document, source = json.loads(data), json.loads(other)
    here, there = document, source
    while True:
        names = [name for name in here if name in there and here[name] != there[name]]
        name = town.chance.choice(names)
        if isinstance(here[name], dict) and isinstance(there[name], dict) and town.chance.random() < 0.7:
            here, there = here[name], there[name]
            continue
        here[name] = there[name]
        return json.dumps(document).encode()


def _by_a_stranger(town: Town, data: bytes, _: bytes) -> bytes:
    """Signed anew with a key of nobody, now and then under the name of the site's."""
    document = json.loads(data)
    if town.chance.random() < 0.5:
        document["key"] = sign_public(town.stranger).hex()
    document["signature"] = sign(town.stranger, document["schema"], signed_part(document)).hex()
    return json.dumps(document).encode()
