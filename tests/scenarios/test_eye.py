"""What the eye makes of scenes that are hard to see, with the real models: light behind, crossing ways, far faces."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.adapters.litert import LoadedModel, load_models, load_pad
from agent.demo import policies
from agent.demo.device import make
from agent.demo.people import enrol_cast
from agent.models.manifest import read_manifest
from agent.policy.grounds import Ground
from agent.scene import truth
from agent.scene.scene import Scene, load
from agent.units import Polygon
from tests.scenarios.player import MODELS, Player

SCENES = Path(__file__).parent / "eye"


@dataclass
class Played:
    scene: Scene
    looks: list[tuple[int, Polygon]]
    made: list[tuple[float, str, str | None]]
    """Time, outcome, subject of each decision."""
    grounds: set[Ground]

    @property
    def decisions(self) -> list[tuple[str, str]]:
        return sorted((outcome, subject or "") for _, outcome, subject in self.made)

    @property
    def looked_at(self) -> Counter[str]:
        found = (truth.whose(self.scene, number, quad) for number, quad in self.looks)
        return Counter("nobody" if person is None else person.person for person in found)


@pytest.fixture(scope="module")
def models() -> tuple[LoadedModel, LoadedModel]:
    return load_models(MODELS, threads=2)


def play(
    name: str,
    models: tuple[LoadedModel, LoadedModel],
    folder: Path,
    *,
    metering: bool = True,
    pad: LoadedModel | None = None,
) -> Played:
    scene, now = load(SCENES / f"{name}.toml"), datetime.now(UTC)
    device = make(folder, policies.for_scene(scene.script, read_manifest(MODELS), now))
    try:
        enrol_cast(device, scene, *models, pad=load_pad(MODELS) if scene.script.attempt.pad else None)
    finally:
        device.server.close()
    player = Player(scene, device, models, pad)
    played = Played(scene, player.looks, [], set())
    for moment in player.play({}, metering=metering):
        played.made += [(moment.at_s, each.outcome.value, each.subject) for each in moment.decisions]
        played.grounds |= set(moment.grounds)
    return played


def test_with_the_light_behind_the_camera_exposes_for_the_face(
    models: tuple[LoadedModel, LoadedModel], tmp_path: Path
) -> None:
    played = play("backlight", models, tmp_path)
    assert played.decisions == [("match", "p1")] and played.grounds == set()
    assert played.made[0][0] < 2.5


def test_a_camera_that_cannot_gives_no_look_that_nobody_could_use(
    models: tuple[LoadedModel, LoadedModel], tmp_path: Path
) -> None:
    played = play("backlight", models, tmp_path, metering=False)
    assert played.made == [] and played.looks == []


def test_two_who_cross_are_each_recognised_as_themselves_once(
    models: tuple[LoadedModel, LoadedModel], tmp_path: Path
) -> None:
    played = play("crossing", models, tmp_path)
    assert played.decisions == [("match", "p1"), ("match", "p2")]
    assert truth.unlawful(played.scene, played.looks) == []


def test_who_was_let_in_is_not_let_in_again_when_somebody_walks_past_before_them(
    models: tuple[LoadedModel, LoadedModel], tmp_path: Path
) -> None:
    played = play("decided", models, tmp_path)
    assert played.decisions == [("match", "p1"), ("match", "p2")]
    assert played.looked_at == {"P1": 2, "P2": 1}, "for a moment it could not be told who is who: P1 is looked at anew"


def test_far_faces_are_found_followed_and_recognised(models: tuple[LoadedModel, LoadedModel], tmp_path: Path) -> None:
    played = play("far", models, tmp_path)
    assert played.decisions == [("match", "p1"), ("no-match", "")]
    assert played.looked_at["P4"] <= 3 and set(played.looked_at) == {"P1", "P4"}
    assert truth.unlawful(played.scene, played.looks) == []


def test_a_print_and_a_phone_of_somebody_enrolled_are_denied_and_the_person_is_let_in(
    models: tuple[LoadedModel, LoadedModel], tmp_path: Path
) -> None:
    played = play("attacks", models, tmp_path, pad=load_pad(MODELS))
    assert [made[1:] for made in played.made] == [("attack-denied", None), ("attack-denied", None), ("match", "p1")]
    assert [each.expected for each in truth.attempts(played.scene)] == ["attack-denied", "attack-denied", "match"]
    assert played.grounds == set() and truth.unlawful(played.scene, played.looks) == []


def test_without_the_model_that_the_policy_asks_for_nobody_is_looked_at(
    models: tuple[LoadedModel, LoadedModel], tmp_path: Path
) -> None:
    played = play("attacks", models, tmp_path)
    assert played.made == [] and played.looks == []
    assert Ground.PAD_MISSING in played.grounds
