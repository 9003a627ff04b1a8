"""What the eye makes of scenes that are hard to see, with the real models: light behind, crossing ways, far faces."""

from __future__ import annotations

from pathlib import Path

from agent.adapters.litert import LoadedModel, load_pad
from agent.policy.grounds import Ground
from agent.scene import truth
from agent.scene.scene import load
from tests.scenarios.player import MODELS, play

SCENES = Path(__file__).parent / "eye"


def test_with_the_light_behind_the_camera_exposes_for_the_face(
    models: tuple[LoadedModel, LoadedModel], tmp_path: Path
) -> None:
    played = play(load(SCENES / "backlight.toml"), models, tmp_path)
    assert played.decisions == [("match", "p1")] and all(now.grounds == () for now in played.moments)
    assert played.made[0][0] < 2.5


def test_a_camera_that_cannot_gives_no_look_that_nobody_could_use(
    models: tuple[LoadedModel, LoadedModel], tmp_path: Path
) -> None:
    played = play(load(SCENES / "backlight.toml"), models, tmp_path, metering=False)
    assert played.made == [] and played.looks == []


def test_two_who_cross_are_each_recognised_as_themselves_once(
    models: tuple[LoadedModel, LoadedModel], tmp_path: Path
) -> None:
    played = play(load(SCENES / "crossing.toml"), models, tmp_path)
    assert played.decisions == [("match", "p1"), ("match", "p2")]
    assert truth.unlawful(played.scene, played.looks) == []


def test_who_was_let_in_is_not_let_in_again_when_somebody_walks_past_before_them(
    models: tuple[LoadedModel, LoadedModel], tmp_path: Path
) -> None:
    played = play(load(SCENES / "decided.toml"), models, tmp_path)
    assert played.decisions == [("match", "p1"), ("match", "p2")]
    assert played.looked_at == {"P1": 2, "P2": 1}, "for a moment it could not be told who is who: P1 is looked at anew"


def test_far_faces_are_found_followed_and_recognised(models: tuple[LoadedModel, LoadedModel], tmp_path: Path) -> None:
    played = play(load(SCENES / "far.toml"), models, tmp_path)
    assert played.decisions == [("match", "p1"), ("no-match", "")]
    assert played.looked_at["P4"] <= 3 and set(played.looked_at) == {"P1", "P4"}
    assert truth.unlawful(played.scene, played.looks) == []


def test_a_print_and_a_phone_of_somebody_enrolled_are_denied_and_the_person_is_let_in(
    models: tuple[LoadedModel, LoadedModel], tmp_path: Path
) -> None:
    played = play(load(SCENES / "attacks.toml"), models, tmp_path, pad=load_pad(MODELS))
    assert [made[1:] for made in played.made] == [("attack-denied", None), ("attack-denied", None), ("match", "p1")]
    assert [each.expected for each in truth.attempts(played.scene)] == ["attack-denied", "attack-denied", "match"]
    assert all(now.grounds == () for now in played.moments) and truth.unlawful(played.scene, played.looks) == []


def test_without_the_model_that_the_policy_asks_for_nobody_is_looked_at(
    models: tuple[LoadedModel, LoadedModel], tmp_path: Path
) -> None:
    played = play(load(SCENES / "attacks.toml"), models, tmp_path)
    assert played.made == [] and played.looks == []
    assert played.refused_for(Ground.PAD_MISSING)
