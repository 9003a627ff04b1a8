"""A hall with one door, for stories about people: real models, keys, store, receipts and erasure; the time is told.

What the recogniser's loop does with frames, news of the site and erasures is done here one frame after the other. The
readers of markers and codes are simulated: what hangs at the wall or is held up is said, not drawn.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from agent.adapters.keys import PlainKeys, vault_keys
from agent.adapters.litert import LiteRtDetector, LiteRtEmbedder, LoadedModel, held
from agent.adapters.recording import handed_in
from agent.adapters.store import Store
from agent.adapters.updates import Verified
from agent.app.custody import Custody
from agent.app.desk import Desk, Kept
from agent.app.elsewhere import Deliveries, epoch_document
from agent.app.erasure import Erasure
from agent.app.recogniser import open_gallery
from agent.app.standing import Standing
from agent.app.station import sealed_for
from agent.core import Core, Decided, FrameArrived, Input, WithdrawalShown
from agent.crypto import BoxSecret, SignSecret, box_public, sign_public
from agent.errors import DoorwardError
from agent.events.decision import Decision, Outcome
from agent.events.seal import OpenedErasure, SealedEvent, open_event, seal_event
from agent.gallery.alike import Alike
from agent.gallery.enrol import NotPermitted, TooFewGood
from agent.gallery.epoch import read_epoch
from agent.gallery.reference import ModelIdentity
from agent.ledger.erasure import read_erasure
from agent.models.manifest import read_manifest
from agent.policy.bundle import POLICY_PATH, Policy, PolicyDocument, VerifiedTarget
from agent.policy.circumstances import Surroundings
from agent.policy.declared import notice_sha256
from agent.policy.fields import AgeBand
from agent.policy.frames import CapturedFrame
from agent.policy.gate import Gate, Refusal
from agent.policy.signage import OPT_OUT_MARKER
from agent.site.consents import issue_guardian, issue_receipt
from agent.site.enrolments import enrolment_target
from agent.site.passes import issue_pass
from agent.units import DeviceId, Marker, Rgb, SiteId, SubjectId
from tests.app.door import MODELS, WALL, face
from tests.core.given import SimulatedQrs
from tests.policy.given import AROUND, NOW_S, SIGN, TEXTS, SimulatedMarkers, document, iso
from tests.scenarios.player import NoStopwatch, RecordingEmbedder

SITE, DEVICE = SiteId("quay"), DeviceId("gate-1")
RECEIPTS, PASSES, EVENTS = SignSecret(b"\x31" * 32), SignSecret(b"\x32" * 32), BoxSecret(b"\x33" * 32)
DAY_S = 86_400.0
FRAME_NS = 100_000_000
AWAY = 25
"""Empty frames after each visit: tracks, codes and cards that were shown are forgotten after two seconds."""
CARD = Marker(OPT_OUT_MARKER, ((310.0, 440.0), (330.0, 440.0), (330.0, 460.0), (310.0, 460.0)))
"""A no-recognition card before the chest of whoever stands there."""
WHOLE = ((0.0, 0.0), (640.0, 0.0), (640.0, 480.0), (0.0, 480.0))
ELSEWHERE = {"doors": ["main"], "purposes": ["resident-entry"], "per_day": 20}


def policy_fields(**changes: Any) -> dict[str, Any]:
    """The site's policy for the next 360 days."""
    manifest = read_manifest(MODELS)
    run = manifest.models[:2]  # this site asks for no detection of attacks
    dated = {"on": iso(NOW_S - DAY_S), "until": iso(NOW_S + 360 * DAY_S)}
    lawful = document()
    until = {"until": dated["until"]}
    fields = {
        **until,
        "necessity": lawful["necessity"] | dated,
        "assessment": lawful["assessment"]
        | dated
        | {"scope": lawful["assessment"]["scope"] | {"models": [each.sha256 for each in run]}},
        "alternatives": [{**dated, "way": "staff"}, {**dated, "way": "pass"}],
        "view": {"width": 640, "height": 480},
        "attempt": lawful["attempt"] | {"region": WHOLE},
        "retention": {"max_days": 365, "max_idle_days": 120},
        "operating_point": {"label": "real", "threshold": manifest.threshold("real")},
        "models": [{"role": each.role, "sha256": each.sha256} for each in run],
        "events_key": box_public(EVENTS).hex(),
        "enrolment_keys": [{"key": sign_public(RECEIPTS).hex(), "elsewhere": ELSEWHERE, **until}],
        "pass_keys": [{"key": sign_public(PASSES).hex(), "doors": ["main"], **until}],
    }
    purpose = changes.get("purpose", lawful["purpose"])
    fields["assessment"]["scope"] |= {"purpose": purpose}
    return document(**(fields | changes))


class Hall:
    """The door, its device, and the site that it belongs to.

    Args:
        folder: new.
        models: detector and embedder.
    """

    def __init__(self, folder: Path, models: tuple[LoadedModel, LoadedModel]) -> None:
        self._folder, self._models = folder, models
        self._identity = ModelIdentity(models[1].sha256, models[1].runtime)
        self.now_s, self._at_ns, self._number = NOW_S, 500 * FRAME_NS, 0
        self.markers, self.qrs = SimulatedMarkers(), SimulatedQrs()
        self.faces: dict[str, str] = {}
        """Pseudonym -> member of the cast, where it is another than its number says."""
        self.people: set[str] = set()
        """Every pseudonym that was ever used."""
        self._targets: dict[str, VerifiedTarget] = {}
        self._changes: dict[str, Any] = {}
        self._version = 1
        self.state = folder / "device"
        self._begin(self.state)
        self.start()

    # The device.

    @staticmethod
    def _begin(state: Path) -> None:
        state.mkdir(mode=0o700)
        PlainKeys.create(state / "keys.json", DEVICE)

    def start(self) -> None:
        """A new start of the process."""
        self.keys = PlainKeys.open(self.state / "keys.json", insecure_dev=True)
        self.store = Store.open(self.state / "store.sqlite", site=SITE, device=DEVICE, ledger_key=self.keys.ledger_key)
        self._told = max((row.sequence for row in self.store.outbox()), default=0)
        self._erasure = Erasure(self.store, self.keys, lambda line: None)
        self._erasure.settle(self.now_s)
        custody = Custody(self.store, self.keys, self._erasure, lambda line: None)
        deliveries = Deliveries(
            self.store, self._erasure, self._identity, self._models[1].dimensions, lambda line: None
        )
        self._custody = custody
        self._standing = Standing(
            self.store, custody, lambda: open_gallery(self.store, self._erasure, self._identity), lambda line: None,
            deliveries.take,
        )  # fmt: skip
        self._embedder = RecordingEmbedder(LiteRtEmbedder(self._models[1]))
        self._core = Core(
            Gate(None), LiteRtDetector(self._models[0]), self._embedder, self.markers, self.qrs, NoStopwatch(),
            self.store.passes.used(),
        )  # fmt: skip
        self._receive(self._standing.opening(self.now_s))
        self.hear()

    def stop(self) -> None:
        self.store.close()

    @property
    def opens(self) -> bool:
        """Whether the vault opens."""
        return open_gallery(self.store, self._erasure, self._identity) is not None

    def copy(self, name: str, *, back: bool = False, keys: bool = False) -> None:
        """Copy the database of the stopped device, with its keys or without, or put such a copy back."""
        kept = self._folder / name
        kept.mkdir(exist_ok=True)
        source, target = (kept, self.state) if back else (self.state, kept)
        self.stop()
        for file in target.glob("store.sqlite*"):
            file.unlink()
        for file in source.iterdir() if keys else source.glob("store.sqlite*"):
            if file.is_dir():
                shutil.rmtree(target / file.name, ignore_errors=True)
                shutil.copytree(file, target / file.name)
            else:
                shutil.copy(file, target / file.name)
        self.start()

    def carried_off(self) -> None:
        """The database now lies on another device, which says that it is this one and has keys of its own."""
        self.stop()
        other = self._folder / "other"
        self._begin(other)
        for file in self.state.glob("store.sqlite*"):
            shutil.copy(file, other / file.name)
        self.state = other
        self.start()

    # The site.

    @property
    def policy(self) -> PolicyDocument:
        return self._policy.document

    def publish(self, **changes: Any) -> list[str]:
        """The next version of the policy."""
        self._changes |= changes
        self._version += 1
        return self.hear()

    def add(self, path: str, data: bytes, role: str = "restriction") -> list[str]:
        self._targets[path] = VerifiedTarget(role, path, data)
        return self.hear()

    def hear(self) -> list[str]:
        """The device hears from its site now; gives whoever is erased by it."""
        fields = policy_fields(**(self._changes | {"version": self._version}))
        target = VerifiedTarget("permission", POLICY_PATH, json.dumps(fields).encode())
        self._policy = Policy(target, DEVICE)
        said = Verified((target, *self._targets.values()), self.now_s + 3600, self.now_s, 1, 1, 1, ("k",), True)
        self._receive(self._standing.take(said, self.now_s))
        return self.settle()

    def pass_time(self, days: float) -> list[str]:
        self.now_s += days * DAY_S
        return self.hear()

    # Consent and enrolment.

    def agree(
        self, who: str, days: int, age: AgeBand = AgeBand.ADULT, guardian: str | None = None, *, travels: bool = False
    ) -> bytes:
        agreement = None
        if guardian is not None:
            agreement = issue_guardian(
                self.policy, RECEIPTS, SubjectId(guardian), SubjectId(who), given_s=self.now_s - 1, days=days,
                transmission=travels,
            )  # fmt: skip
        return issue_receipt(
            self.policy, RECEIPTS, SubjectId(who), given_s=self.now_s - 1, days=days, age=age, guardian=agreement,
            transmission=travels,
        )  # fmt: skip

    def _desk(self) -> Desk:
        assert self._standing.law is not None
        return Desk(
            self.store, self.keys, self._standing.law, *self._models, unix_s=self.now_s,
            lease_until_s=self._standing.lease_until_s, stopped=self._standing.stopped(self.now_s),
        )  # fmt: skip

    def _pictures(self, who: str) -> list[CapturedFrame]:
        pictures = [face(self._cast(who), f"enrol-{place}")[..., ::-1] for place in range(1, 7)]
        return [handed_in(place, np.ascontiguousarray(bgr)) for place, bgr in enumerate(pictures)]

    def enrol(self, who: str, receipt: bytes) -> str:
        desk = self._desk()
        found = desk.enrol(desk.consent(receipt), self._pictures(who))
        if not isinstance(found, Kept):
            return refusal(found)
        self._receive([self._standing.gallery_changed()])
        return f"{who} is enrolled"

    def enrol_elsewhere(self, who: str, receipt: bytes) -> str:
        """By a station of the site, which seals it for this device."""
        vault = vault_keys(self.keys, self.keys.epochs.present)
        epoch = read_epoch(epoch_document(self.keys, vault), {DEVICE: sign_public(self.keys.sign_secret)})
        found = sealed_for(self._desk(), receipt, "receipt", [epoch], RECEIPTS, self._pictures(who))
        if not isinstance(found, dict):
            return refusal(found)
        devices = [{"id": DEVICE, "signing_key": "1" * 64, "box_key": "2" * 64}]
        self._changes |= {"devices": devices}
        path, data = enrolment_target(found[DEVICE], self.policy, "envelope")
        before = len(self.store.references())
        self.add(path, data, "enrolment")
        return f"{who} is enrolled" if len(self.store.references()) > before else "not taken"

    def issue(self, uses: int) -> str:
        return issue_pass(
            self.policy, PASSES, doors=("main",), from_s=self.now_s - 60, until_s=self.now_s + 20 * DAY_S, uses=uses
        )

    def withdraw(self, who: str) -> list[str]:
        """By the operator, at the device."""
        self._custody.withdraw([SubjectId(who)], self.now_s)
        self._receive([self._standing.gallery_changed()])
        return self.settle()

    # The door.

    def visit(self, who: str | None, texts: Sequence[str] = (), *, card: bool = False, frames: int = 30) -> list[str]:
        """Somebody stands there for three seconds, or nobody does, with these codes from the third frame on."""
        picture = WALL if who is None else face(self._cast(who), "scene-1")
        looks, found = len(self._embedder.looks), list[str]()
        hung = self.markers.markers_now
        for number in range(frames):
            self.qrs.texts_now = tuple(texts) if number >= 2 else ()
            self.markers.markers_now = (*hung, CARD) if card else hung
            found += self._frame(picture)
            if found and not texts:
                break
        self.qrs.texts_now, self.markers.markers_now = (), hung
        if not found and who is not None:
            state = self._core.state
            why = ": " + ", ".join(state.grounds) if isinstance(state, Refusal) else ""
            assert len(self._embedder.looks) == looks, "somebody was looked at, and nothing came of it"
            found = [f"nobody is looked at{why}"]
        for _ in range(AWAY):
            assert self._frame(WALL) == []
        return found

    def _frame(self, rgb: Rgb) -> list[str]:
        self._number += 1
        self._at_ns += FRAME_NS
        self.now_s += FRAME_NS / 1e9
        luma = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8)
        captured = CapturedFrame(self._number, self._at_ns, rgb.copy(), luma)
        found: list[str] = []
        for output in self._core.receive(FrameArrived(captured, self._around(), True, False)):
            if isinstance(output, Decided):
                found.append(self._decide(output.decision))
            elif isinstance(output, WithdrawalShown):
                self._standing.asked(output.subject)
        return found + self.settle()

    def _around(self) -> Surroundings:
        standing = self._standing
        return replace(
            AROUND, unix_s=self.now_s, lease_until_s=standing.lease_until_s, models=held(*self._models),
            stopped=standing.stopped(self.now_s), stock=standing.stock, crossed_s=standing.crossed_s,
        )  # fmt: skip

    def _decide(self, decision: Decision) -> str:
        def make(sequence: int) -> SealedEvent:
            return seal_event(
                decision, sequence=sequence, site=SITE, device=DEVICE, events_key=box_public(EVENTS),
                sign_secret=self.keys.sign_secret, outcome_in_clear=False,
            )  # fmt: skip

        self.store.record(decision, make)
        match decision.outcome:
            case Outcome.MATCH:
                return f"the door opens for {decision.subject}"
            case Outcome.NO_MATCH:
                return "a stranger, the door stays shut"
            case Outcome.PASS_ACCEPTED:
                return "the door opens"
            case _:
                return f"refused: {decision.ground}"

    def settle(self) -> list[str]:
        """Whoever has withdrawn or is due goes; what their receipts say, which are verified."""
        self._receive(self._standing.settle(self.now_s))
        self._receive(self._standing.sweep(self.now_s))
        found: list[str] = []
        for row in self.store.outbox(self._told):
            self._told = row.sequence
            event = open_event(row.envelope, EVENTS, sign_public(self.keys.sign_secret))
            if isinstance(event, OpenedErasure):
                receipt = read_erasure(event.receipt)
                (who,) = [each for each in sorted(self.people) if receipt.concerns(each)]
                found.append(f"{who} is erased: {receipt.reason}")
        return sorted(found)

    def _receive(self, inputs: Sequence[Input]) -> None:
        for event in inputs:
            self._core.receive(event)

    def _cast(self, who: str) -> str:
        return self.faces.get(who, who).replace("-", "")


def other_notice() -> dict[str, Any]:
    texts = {"en": TEXTS["en"] | {"purpose": "another text than the one that people agreed to"}}
    return {"version": "n2", "sha256": notice_sha256(texts), "texts": texts, "accessible": ["staff"]}


def refusal(found: object) -> str:
    match found:
        case NotPermitted(grounds):
            return "refused: " + ", ".join(grounds)
        case TooFewGood():
            return "refused: too few good pictures"
        case Alike():
            return "refused: already enrolled, or too like somebody else"
        case DoorwardError():
            return f"refused: {found}"
        case _:
            raise TypeError(found)


HUNG = (SIGN,)
