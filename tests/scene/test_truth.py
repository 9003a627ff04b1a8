"""Ground truth: what it promises, and that it agrees with the gate's own rules without sharing their code."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.policy.footprint import hidden
from agent.policy.geofence import Fence
from agent.policy.grounds import Ground
from agent.policy.hold import ClearHold, Resumption
from agent.policy.location import Spot
from agent.scene import stage
from agent.scene.scene import load
from agent.scene.script import HEIGHT, WIDTH
from agent.scene.truth import Holds, Quad, attempts, lawful, presentations, truth, unlawful, whose

SCENE = load(Path(__file__).resolve().parents[2] / "scenes" / "front-gate.toml")
SCRIPT = SCENE.script
NUMBERS = range(SCRIPT.frames)


def at(seconds: float) -> int:
    return round(seconds * SCRIPT.fps)


def quad_of(person: str, number: int) -> Quad:
    return next(each.quad for each in truth(SCENE, number).people if each.person == person)


def test_the_scene_demands_these_attempts_in_this_order() -> None:
    assert [(each.person, each.expected) for each in attempts(SCENE)] == [
        ("P1", "match"),
        ("P2", "match"),
        ("P4", "no-match"),
        ("P3", "match"),
        ("P2", "match"),
        ("P3", "match"),
        ("P1", "match"),
        ("P2", "no-match"),
        ("P1", "match"),
        ("P3", "match"),
    ]


def test_the_first_attempt_comes_early_and_each_leaves_time_to_decide() -> None:
    found = attempts(SCENE)
    assert found[0].first_good <= at(3.5)
    for each in found:
        assert each.first <= each.first_good
        assert each.last - each.first_good >= at(1.0), each


def test_a_pass_opens_once_and_also_while_the_sign_is_covered() -> None:
    shown = presentations(SCENE)
    assert [(each.name, each.expected) for each in shown] == [
        ("day", "pass-accepted"),
        ("day", "pass-refused"),
        ("evening", "pass-accepted"),
    ]
    assert truth(SCENE, shown[2].first).grounds == ("sign-missing",)
    assert all(later.first - earlier.last > at(3) for earlier, later in pairwise(shown))


def test_nobody_may_be_embedded_on_a_refused_frame_in_an_excluded_region_or_outside_the_attempt_region() -> None:
    refused = excluded = passing = 0
    for number in NUMBERS:
        now = truth(SCENE, number)
        refused += bool(now.grounds)
        for person in now.people:
            excluded += person.excluded
            passing += not person.in_region
            if now.grounds or person.excluded:
                assert not person.may_be_embedded and not lawful(SCENE, number, person.quad)
            if person.good:
                assert person.opted_in and person.in_region and person.may_be_embedded
                assert person.inter_eye_px >= SCRIPT.attempt.inter_eye_px
    assert refused > 200 and excluded > 50 and passing > 300


def test_passers_by_never_opt_in() -> None:
    for number in NUMBERS:
        for person in truth(SCENE, number).people:
            if SCRIPT.actor[person.actor].layer != "path" or person.person == "P5":
                assert not person.may_be_embedded and not person.opted_in


def test_somebody_stands_in_the_region_while_each_ground_refuses() -> None:
    for t, ground in ((44.5, "sign-missing"), (85.0, "in-zone")):
        now = truth(SCENE, at(t))
        assert now.grounds == (ground,)
        assert any(person.in_region and person.consented and not person.opted_in for person in now.people)


def test_holds_are_the_gates_own() -> None:
    """The gate's resumption, fed with the scene's own sign and position, refuses on exactly the same frames."""
    gate, holds = Resumption(), {Ground.SIGN_MISSING: ClearHold(2.0, 5), Ground.IN_ZONE: ClearHold(30.0, 5)}
    fence = Fence(SCRIPT.position.zones)
    seen_ns = None
    for number in NUMBERS:
        now_ns = number * 1_000_000_000 // SCRIPT.fps
        t = stage.frame_time(SCRIPT, number)
        if stage.covering(SCRIPT, t) == 0:
            seen_ns = now_ns
        unmet = []
        _, lat, lon, sigma = stage.position(SCRIPT, t)
        if fence.reached(Spot(lat, lon, sigma), SCRIPT.position.margin_m + 3 * sigma, None, None):
            unmet.append(Ground.IN_ZONE)
        if seen_ns is None or now_ns - seen_ns > 0.5e9:
            unmet.append(Ground.SIGN_MISSING)
        assert {str(g) for g in gate.settle(unmet, now_ns, holds)} == set(truth(SCENE, number).grounds), number


def test_the_zone_is_not_entered_on_a_knife_edge() -> None:
    """A step of the position is large beside what two ways of measuring may differ by."""
    zone = SCRIPT.position.zones[0]
    west = min(x for rings in zone.geometry.pieces for x, _ in rings[0])
    near = [west - stage.position(SCRIPT, stage.frame_time(SCRIPT, n))[2] for n in NUMBERS]
    metres = [each * 68_458 - SCRIPT.position.margin_m - 3 * 1.2 for each in near]
    assert min(abs(each) for each in metres) > 0.05


def test_the_camera_looks_away_from_every_zone() -> None:
    """The truth knows no black parts of the picture but the excluded regions, so the gate must not find any."""
    fence, pose = Fence(SCRIPT.position.zones), SCRIPT.position.pose
    assert pose is not None
    places = {stage.position(SCRIPT, n / SCRIPT.fps)[1:] for n in NUMBERS if "in-zone" not in truth(SCENE, n).grounds}
    for lat, lon, sigma in places:
        near = tuple(fence.reached(Spot(lat, lon, sigma), 500.0, None, None))
        assert near and not hidden(pose, WIDTH, HEIGHT, Spot(lat, lon, sigma), near).any()
    assert len(places) > 10


def test_a_withdrawal_ends_consent_at_its_time() -> None:
    gone = next(event for event in SCRIPT.event if event.kind == "withdraw")
    for number in NUMBERS:
        for person in truth(SCENE, number).people:
            if person.person == gone.person:
                assert person.consented == (stage.frame_time(SCRIPT, number) < gone.t)
            elif person.person in ("P4", "P5"):
                assert not person.consented


def test_dwell_starts_anew_after_a_refusal() -> None:
    """P3 stands in the region long before the sign is back for two seconds: half a second more is waited."""
    allowed = [n for n in range(at(50), at(57)) if not truth(SCENE, n).grounds]
    opted = [n for n in range(at(50), at(57)) for p in truth(SCENE, n).people if p.person == "P3" and p.opted_in]
    assert opted[0] - allowed[0] == 8  # 0.5 s are 7.5 frames


def test_a_face_is_known_by_its_place() -> None:
    number = at(20.6)
    for person in ("P3", "P5"):
        found = whose(SCENE, number, quad_of(person, number))
        assert found is not None and found.person == person
    assert whose(SCENE, number, ((0, 0), (60, 0), (60, 60), (0, 60))) is None
    assert not lawful(SCENE, number, ((0, 0), (60, 0), (60, 60), (0, 60)))


def test_three_looks_in_half_a_second_are_lawful_and_not_one_more() -> None:
    first = attempts(SCENE)[0]
    looks = [(n, quad_of("P1", n)) for n in (first.first_good, first.first_good + 2, first.first_good + 7)]
    assert unlawful(SCENE, looks) == []
    late = (first.first_good + 8, quad_of("P1", first.first_good + 8))
    assert unlawful(SCENE, [looks[0], late]) == [late]
    fourth = (first.first_good + 3, quad_of("P1", first.first_good + 3))
    assert unlawful(SCENE, [*looks, fourth]) == [looks[2]]


def test_looks_before_opting_in_and_on_refused_frames_are_not_lawful() -> None:
    first = attempts(SCENE)[0]
    early = [(n, quad_of("P1", n)) for n in range(first.first - 3)]
    refused = [
        (at(44.5), quad_of("P3", at(44.5))),
        (at(85), quad_of("P1", at(85))),
        (at(38.5), quad_of("P1", at(38.5))),
    ]
    assert unlawful(SCENE, early) == early
    assert len(unlawful(SCENE, refused)) == 3


def test_each_stay_holds_one_attempt() -> None:
    """The same person may try again after leaving for two seconds, or after a refusal."""
    stays = {person.stay for n in NUMBERS for person in truth(SCENE, n).people if person.person == "P1" and person.good}
    assert len(stays) == sum(each.person == "P1" for each in attempts(SCENE)) == 3


def test_a_longer_hold_delays_the_attempt_after_the_sign_is_back() -> None:
    usual, longer = attempts(SCENE), attempts(SCENE, Holds(sign_clear_s=3.0))
    assert len(usual) == len(longer)
    assert longer[5].first - usual[5].first == at(1.0)


@given(st.integers(0, SCRIPT.frames - 1))
def test_truth_is_a_function_of_the_frame_number(number: int) -> None:
    assert truth(SCENE, number) == truth(SCENE, number)
    assert truth(SCENE, number).number == number


def test_there_is_no_truth_outside_the_scene() -> None:
    for number in (-1, SCRIPT.frames):
        with pytest.raises(IndexError):
            truth(SCENE, number)
