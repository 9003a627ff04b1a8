"""No-recognition cards in scenes, with the real models and marker reader: who is embedded, and who never is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.adapters.litert import LoadedModel, load_models
from agent.demo import policies
from agent.demo.device import make
from agent.demo.people import enrol_cast
from agent.models.manifest import read_manifest
from agent.policy.grounds import Ground
from agent.scene import truth
from agent.scene.scene import Scene, load
from agent.units import Polygon
from tests.scenarios.player import MODELS, Player

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
    player = Player(scene, device, models)
    played = Played(scene, player.looks, [], [])
    for moment in player.play({}):
        played.made += [(moment.at_s, each.outcome.value, each.subject) for each in moment.decisions]
        if Ground.SIGN_FORBIDS in moment.grounds:
            played.forbidden.append(moment.at_s)
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
