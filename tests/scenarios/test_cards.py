"""No-recognition cards in scenes, with the real models and marker reader: who is embedded, and who never is."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.adapters.litert import LiteRtDetector, LiteRtEmbedder, LoadedModel, held, load_models
from agent.adapters.markers import ArucoReader
from agent.adapters.qr import ZxingReader
from agent.adapters.simulated import SceneStart, SimulatedCamera, SimulatedLocator
from agent.adapters.store import Store
from agent.app.erasure import Erasure
from agent.app.recogniser import open_gallery
from agent.core import Core, Decided, FrameArrived, GalleryChanged, LawChanged
from agent.demo import policies
from agent.demo.device import make
from agent.demo.people import enrol_cast
from agent.gallery.reference import ModelIdentity
from agent.models.manifest import read_manifest
from agent.policy.bundle import POLICY_PATH, Policy, VerifiedTarget
from agent.policy.circumstances import Surroundings
from agent.policy.gate import Gate, Refusal
from agent.policy.grounds import Ground
from agent.policy.law import Law
from agent.scene import truth
from agent.scene.scene import Scene, load
from agent.units import Polygon
from tests.scenarios.test_sites import MODELS, NS, NoStopwatch, RecordingEmbedder, Still

SCENES = Path(__file__).parent / "cards"


@dataclass
class Played:
    scene: Scene
    looks: list[tuple[int, Polygon]]
    made: list[tuple[float, str, str | None]]
    """Time, outcome, subject of each decision."""
    forbidden: list[float]
    """Times of the frames on which recognition was refused because of a sign or a card."""

    @property
    def looked_at(self) -> set[str]:
        found = (truth.whose(self.scene, number, quad) for number, quad in self.looks)
        return {"nobody" if person is None else person.person for person in found}


@pytest.fixture(scope="module")
def models() -> tuple[LoadedModel, LoadedModel]:
    return load_models(MODELS, threads=2)


def play(name: str, models: tuple[LoadedModel, LoadedModel], folder: Path) -> Played:
    scene, now = load(SCENES / f"{name}.toml"), datetime.now(UTC)
    device = make(folder, policies.for_scene(scene.script, read_manifest(MODELS), now))
    try:
        enrol_cast(device, scene, *models)
    finally:
        device.server.close()
    law = Law(Policy(VerifiedTarget("permission", POLICY_PATH, device.data), device.id))
    store = Store.open(device.store, site=device.site, device=device.id, ledger_key=device.keys.ledger_key)
    gallery = open_gallery(
        store, Erasure(store, device.keys, print), ModelIdentity(models[1].sha256, models[1].runtime)
    )
    store.close()
    embedder = RecordingEmbedder(LiteRtEmbedder(models[1]))
    core = Core(Gate(law), LiteRtDetector(models[0]), embedder, ArucoReader(), ZxingReader(), NoStopwatch(), {})
    core.receive(LawChanged(law))
    core.receive(GalleryChanged(gallery, frozenset()))
    start, began = SceneStart(0), time.time()
    camera, locator = SimulatedCamera(scene, {}, Still(), start, paced=False), SimulatedLocator(scene, start)
    played = Played(scene, embedder.looks, [], [])
    while (frame := camera.read(1.0)) is not None:
        at_s = frame.captured_ns / NS
        around = Surroundings(
            unix_s=began + at_s,
            lease_until_s=began + 3600,
            fix=locator.fix(frame.captured_ns),
            models=held(*models),
            keys_sealed=True,
            ledger_writable=True,
            stopped=False,
            moved=False,
            stock=len(scene.script.enrolled),
            crossed_s=None,
        )
        for output in core.receive(FrameArrived(frame, around, frame.number % 2 == 0, False)):
            if isinstance(output, Decided):
                played.made.append((at_s, output.decision.outcome.value, output.decision.subject))
        if isinstance(core.state, Refusal) and Ground.SIGN_FORBIDS in core.state.grounds:
            played.forbidden.append(at_s)
    return played


def test_only_who_shows_no_card_is_looked_at_and_the_word_holds_when_the_card_is_down(
    models: tuple[LoadedModel, LoadedModel], tmp_path: Path
) -> None:
    played = play("held", models, tmp_path)
    assert [(outcome, subject) for _, outcome, subject in played.made] == [("match", "p2")]
    assert played.looked_at == {"P2"} and played.forbidden == []
    assert truth.unlawful(played.scene, played.looks) == []


def test_a_card_between_two_forbids_for_both_and_two_seconds_after_it_is_gone_both_are_looked_at(
    models: tuple[LoadedModel, LoadedModel], tmp_path: Path
) -> None:
    played = play("between", models, tmp_path)
    gone_s = played.scene.script.card[0].span[1]
    assert played.looks and all(number / 15 >= gone_s + 2.0 for number, _ in played.looks)
    assert sorted((outcome, subject) for _, outcome, subject in played.made) == [("match", "p1"), ("match", "p2")]
    assert played.forbidden[0] <= 1.2 and played.forbidden[-1] >= gone_s + 1.9
    assert truth.unlawful(played.scene, played.looks) == []


def test_the_truth_of_a_card() -> None:
    held, between = load(SCENES / "held.toml"), load(SCENES / "between.toml")
    for number in range(held.script.frames):
        now = truth.truth(held, number)
        assert now.grounds == ()
        for person in now.people:
            assert person.left_alone is (person.person == "P1")
            if person.left_alone:
                assert not person.may_be_embedded and not person.good
                assert truth.unlawful(held, [(number, person.quad)]) == [(number, person.quad)]
    assert [(each.person, each.expected) for each in truth.attempts(held)] == [("P2", "match")]
    refused = [n for n in range(between.script.frames) if truth.truth(between, n).grounds == ("sign-forbids",)]
    assert refused == list(range(8, 105)), "while it hangs there, and two seconds more"
    assert not any(person.left_alone for n in range(between.script.frames) for person in truth.truth(between, n).people)
