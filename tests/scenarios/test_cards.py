"""No-recognition cards in scenes, with the real models and marker reader: who is embedded, and who never is."""

from __future__ import annotations

from pathlib import Path

from agent.adapters.litert import LoadedModel
from agent.policy.grounds import Ground
from agent.scene import truth
from agent.scene.scene import load
from tests.scenarios.player import play

SCENES = Path(__file__).parent / "cards"


def test_only_who_shows_no_card_is_looked_at_and_the_word_holds_when_the_card_is_down(
    models: tuple[LoadedModel, LoadedModel], tmp_path: Path
) -> None:
    played = play(load(SCENES / "held.toml"), models, tmp_path)
    assert played.decisions == [("match", "p2")]
    assert set(played.looked_at) == {"P2"} and played.refused_for(Ground.SIGN_FORBIDS) == []
    assert truth.unlawful(played.scene, played.looks) == []


def test_a_card_between_two_forbids_for_both_and_two_seconds_after_it_is_gone_both_are_looked_at(
    models: tuple[LoadedModel, LoadedModel], tmp_path: Path
) -> None:
    played = play(load(SCENES / "between.toml"), models, tmp_path)
    gone_s = played.scene.script.card[0].span[1]
    assert played.looks and all(number / 15 >= gone_s + 2.0 for number, _ in played.looks)
    assert played.decisions == [("match", "p1"), ("match", "p2")]
    forbidden = played.refused_for(Ground.SIGN_FORBIDS)
    assert forbidden[0] <= 1.2 and forbidden[-1] >= gone_s + 1.9
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
