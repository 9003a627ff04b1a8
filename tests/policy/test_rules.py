"""Each obligation: met, unmet, unknown, and raising. Only met permits; all the others refuse under its own ground."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from agent.policy.bundle import Zone
from agent.policy.circumstances import Circumstances, LoadedModels, SignSighting
from agent.policy.rules import OBLIGATIONS, Ground, Law, Obligation, unmet
from agent.units import Fix, Sha256
from tests.policy.given import DETECTOR, EMBEDDER, NOW_S, SECOND, document, here, iso, law, square

GNSS: dict[str, Any] = {"location": {"kind": "gnss", "max_age_s": 5}}
NOW_NS = 100 * SECOND
FIX = Fix(48.0, 11.0, 2.0, NOW_NS)
AT_SCHOOL = square(10.999, 47.999, 0.002)
FAR_SCHOOL = square(11.01, 48.0, 0.002)
SIGN = document()["sign"]
INSPECTED = {
    "id": "sign-1",
    "inspection": {"inspector": "warden-2", "inspected": iso(NOW_S - 60), "until": iso(NOW_S + 60)},
}

# name, policy changes, surroundings changes, sign, grounds
Case = tuple[str, dict[str, Any], dict[str, Any], SignSighting | None, set[Ground]]
SEEN, LOST, FORBIDDEN = SignSighting(True, False), SignSighting(False, False), SignSighting(True, True)

CASES: list[Case] = [
    ("all met", {}, {}, SEEN, set()),
    (
        "clock unknown",
        {},
        {"unix_s": None},
        SEEN,
        {Ground.CLOCK_UNTRUSTED, Ground.POLICY_NOT_IN_FORCE, Ground.LEASE_EXPIRED},
    ),
    ("time is no number", {}, {"unix_s": float("nan")}, SEEN, {Ground.POLICY_NOT_IN_FORCE, Ground.LEASE_EXPIRED}),
    ("policy begins now", {"from": iso(NOW_S)}, {}, SEEN, set()),
    ("policy begins in a second", {"from": iso(NOW_S + 1)}, {}, SEEN, {Ground.POLICY_NOT_IN_FORCE}),
    ("policy ends in a second", {"until": iso(NOW_S + 1)}, {}, SEEN, set()),
    ("policy ends now", {"until": iso(NOW_S)}, {}, SEEN, {Ground.POLICY_NOT_IN_FORCE}),
    ("lease unknown", {}, {"lease_until_s": None}, SEEN, {Ground.LEASE_EXPIRED}),
    ("lease ends now", {}, {"lease_until_s": NOW_S}, SEEN, {Ground.LEASE_EXPIRED}),
    ("lease ends in a moment", {}, {"lease_until_s": NOW_S + 0.001}, SEEN, set()),
    ("stopped", {}, {"stopped": True}, SEEN, {Ground.STOPPED}),
    ("stop unknown", {}, {"stopped": None}, SEEN, {Ground.STOPPED}),
    ("private space", {"place": "private-space"}, {}, SEEN, {Ground.PLACE_PRIVATE}),
    ("public place for residents", {"place": "public-place"}, {}, SEEN, {Ground.PURPOSE_UNFIT}),
    ("public place for security", {"place": "public-place", "purpose": "public-security"}, {}, SEEN, set()),
    ("private land for security", {"purpose": "public-security"}, {}, SEEN, {Ground.PURPOSE_UNFIT}),
    ("staff entry", {"purpose": "staff-entry"}, {}, SEEN, set()),
    ("1:N not justified", {"identify": None}, {}, SEEN, {Ground.MODE_UNJUSTIFIED}),
    ("1:1 without a trigger", {"mode": "verify"}, {}, SEEN, {Ground.MODE_UNJUSTIFIED}),
    ("passes only", {"mode": "pass"}, {}, SEEN, {Ground.MODE_UNJUSTIFIED}),
    ("blind", {"mode": "blind"}, {}, SEEN, {Ground.MODE_UNJUSTIFIED}),
    ("surveyed inside a zone", {"zones": [AT_SCHOOL]}, {}, SEEN, {Ground.IN_ZONE}),
    ("surveyed outside a zone", {"zones": [FAR_SCHOOL]}, {}, SEEN, set()),
    ("no fix", GNSS, {}, SEEN, {Ground.LOCATION_UNKNOWN, Ground.IN_ZONE}),
    ("fix", GNSS, {"fix": FIX}, SEEN, set()),
    ("fix just fresh", GNSS, {"fix": replace(FIX, taken_ns=NOW_NS - 5 * SECOND)}, SEEN, set()),
    (
        "fix just stale",
        GNSS,
        {"fix": replace(FIX, taken_ns=NOW_NS - 5 * SECOND - 1)},
        SEEN,
        {Ground.LOCATION_UNKNOWN},
    ),
    ("fix from the future", GNSS, {"fix": replace(FIX, taken_ns=NOW_NS + 1)}, SEEN, {Ground.LOCATION_UNKNOWN}),
    ("fix inside a zone", GNSS | {"zones": [AT_SCHOOL]}, {"fix": FIX}, SEEN, {Ground.IN_ZONE}),
    ("fix outside a zone", GNSS | {"zones": [FAR_SCHOOL]}, {"fix": FIX}, SEEN, set()),
    (
        "fix too coarse for a zone",
        GNSS | {"zones": [FAR_SCHOOL]},
        {"fix": replace(FIX, sigma_m=300.0)},
        SEEN,
        {Ground.IN_ZONE},
    ),
    ("sign lost", {}, {}, LOST, {Ground.SIGN_MISSING}),
    ("codes unread", {}, {}, None, {Ground.SIGN_MISSING, Ground.SIGN_FORBIDS}),
    ("sign forbids", {}, {}, FORBIDDEN, {Ground.SIGN_FORBIDS}),
    ("sign inspected, not seen", {"sign": INSPECTED}, {}, LOST, set()),
    ("sign inspected, another forbids", {"sign": INSPECTED}, {}, FORBIDDEN, {Ground.SIGN_FORBIDS}),
    ("inspection ends now", {"sign": INSPECTED}, {"unix_s": NOW_S + 60}, LOST, {Ground.SIGN_MISSING}),
    ("inspection begins now", {"sign": INSPECTED}, {"unix_s": NOW_S - 60}, LOST, set()),
    ("inspection still to come", {"sign": INSPECTED}, {"unix_s": NOW_S - 61}, LOST, {Ground.SIGN_MISSING}),
    ("inspection over, sign seen", {"sign": SIGN | INSPECTED}, {"unix_s": NOW_S + 61}, SEEN, set()),
    (
        "inspected, clock unknown",
        {"sign": INSPECTED},
        {"unix_s": None},
        LOST,
        {Ground.CLOCK_UNTRUSTED, Ground.POLICY_NOT_IN_FORCE, Ground.LEASE_EXPIRED, Ground.SIGN_MISSING},
    ),
    ("models unknown", {}, {"models": None}, SEEN, {Ground.MODEL_NOT_ALLOWED}),
    (
        "another detector",
        {},
        {"models": LoadedModels(Sha256("f" * 64), EMBEDDER)},
        SEEN,
        {Ground.MODEL_NOT_ALLOWED},
    ),
    ("another embedder", {}, {"models": LoadedModels(DETECTOR, DETECTOR)}, SEEN, {Ground.MODEL_NOT_ALLOWED}),
    ("detector as embedder", {}, {"models": LoadedModels(EMBEDDER, EMBEDDER)}, SEEN, {Ground.MODEL_NOT_ALLOWED}),
    ("keys not sealed", {}, {"keys_sealed": False}, SEEN, {Ground.KEYS_NOT_SEALED}),
    ("keys unknown", {}, {"keys_sealed": None}, SEEN, {Ground.KEYS_NOT_SEALED}),
    ("ledger full", {}, {"ledger_writable": False}, SEEN, {Ground.LEDGER_UNWRITABLE}),
    ("ledger unknown", {}, {"ledger_writable": None}, SEEN, {Ground.LEDGER_UNWRITABLE}),
]


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_grounds_of_each_obligation(case: Case) -> None:
    _, policy_changes, around_changes, sign, grounds = case
    found = unmet(law(**policy_changes), here(NOW_NS, sign, **around_changes))
    assert set(found) == grounds
    order = [each.ground for each in OBLIGATIONS]
    assert list(found) == [ground for ground in order if ground in grounds], "in the gate's order, each once"


def test_every_obligation_is_shown_unmet_by_a_case() -> None:
    shown = {ground for case in CASES for ground in case[4]}
    assert shown == {each.ground for each in OBLIGATIONS}


def test_each_obligation_names_its_provision_and_has_a_ground_of_its_own() -> None:
    assert all(each.provision for each in OBLIGATIONS)
    grounds = [each.ground for each in OBLIGATIONS]
    assert len(set(grounds)) == len(grounds)


def test_the_gate_asks_in_the_order_of_the_design() -> None:
    order = [each.ground for each in OBLIGATIONS]
    asked = [
        Ground.CLOCK_UNTRUSTED,
        Ground.PLACE_PRIVATE,
        Ground.LOCATION_UNKNOWN,
        Ground.IN_ZONE,
        Ground.SIGN_MISSING,
        Ground.SIGN_FORBIDS,
        Ground.MODEL_NOT_ALLOWED,
        Ground.KEYS_NOT_SEALED,
        Ground.LEDGER_UNWRITABLE,
    ]
    assert [ground for ground in order if ground in asked] == asked


def test_without_a_law_the_one_ground_is_no_policy() -> None:
    assert unmet(None, here()) == (Ground.NO_POLICY,)


@pytest.mark.parametrize("which", OBLIGATIONS, ids=[each.ground.value for each in OBLIGATIONS])
@pytest.mark.parametrize("answer", [ZeroDivisionError, KeyError, None, False, 1, "yes"])
def test_whatever_is_not_true_refuses_under_the_rules_own_ground(which: Obligation, answer: object) -> None:
    def odd(law: Law, here: Circumstances) -> bool | None:
        if isinstance(answer, type) and issubclass(answer, Exception):
            raise answer("inside a rule")
        return answer  # type: ignore[return-value]

    among = [replace(each, rule=odd) if each is which else each for each in OBLIGATIONS]
    assert unmet(law(), here(), among) == (which.ground,)


def test_a_zone_that_crosses_itself_refuses() -> None:
    crossing = {"id": "bow", "rings": [[[12.0, 48.0], [12.1, 48.1], [12.1, 48.0], [12.0, 48.1]]]}
    assert unmet(law(zones=[crossing]), here()) == (Ground.IN_ZONE,)


@pytest.mark.parametrize(
    "fix",
    [
        replace(FIX, sigma_m=float("nan")),
        replace(FIX, sigma_m=float("inf")),
        replace(FIX, sigma_m=-1000.0),
        replace(FIX, lat_deg=float("nan")),
        replace(FIX, lon_deg=float("inf")),
        replace(FIX, lat_deg=90.5),
        replace(FIX, lon_deg=-180.5),
    ],
)
def test_a_fix_that_is_no_position_is_unknown(fix: Fix) -> None:
    assert Ground.LOCATION_UNKNOWN in unmet(law(**GNSS), here(NOW_NS, fix=fix))
    grounds = unmet(law(**GNSS, zones=[FAR_SCHOOL]), here(NOW_NS, fix=fix))
    assert Ground.LOCATION_UNKNOWN in grounds


@pytest.mark.parametrize("lat_deg, lon_deg", [(90.0, 180.0), (-90.0, -180.0)])
def test_the_edge_of_the_map_is_a_position_and_exact_is_an_error(lat_deg: float, lon_deg: float) -> None:
    fix = Fix(lat_deg, lon_deg, 0.0, NOW_NS)
    assert Ground.LOCATION_UNKNOWN not in unmet(law(**GNSS), here(NOW_NS, fix=fix))


def test_margin_and_three_standard_deviations_keep_clear_of_a_zone() -> None:
    zone = square(11.0, 48.001, 0.002)  # its near edge is 110.574 m to the north
    at = {"kind": "survey", "lat_deg": 48.0, "lon_deg": 11.001}
    assert unmet(law(zones=[zone], margin_m=80.5, location=at | {"sigma_m": 10}), here()) == ()
    assert unmet(law(zones=[zone], margin_m=80.6, location=at | {"sigma_m": 10}), here()) == (Ground.IN_ZONE,)
    assert unmet(law(zones=[zone], margin_m=80.5, location=at | {"sigma_m": 10.1}), here()) == (Ground.IN_ZONE,)
    gnss = {"zones": [zone], **GNSS}
    fix = Fix(48.0, 11.001, 10.0, NOW_NS)
    assert unmet(law(**gnss, margin_m=80.5), here(NOW_NS, fix=fix)) == ()
    assert unmet(law(**gnss, margin_m=80.6), here(NOW_NS, fix=fix)) == (Ground.IN_ZONE,)
    assert unmet(law(**gnss, margin_m=80.5), here(NOW_NS, fix=replace(fix, sigma_m=10.1))) == (Ground.IN_ZONE,)


def test_a_zone_that_a_restriction_adds_counts_like_one_of_the_policy() -> None:
    added = Zone.model_validate_json(
        '{"id": "fair", "rings": [[[10.999, 47.999], [11.001, 47.999], [11.001, 48.001], [10.999, 48.001]]]}'
    )
    lawful = law(zones=[FAR_SCHOOL])
    assert unmet(lawful, here()) == ()
    assert [zone.id for zone in replace(lawful, extra_zones=(added,)).zones] == ["school", "fair"]
    assert unmet(replace(lawful, extra_zones=(added,)), here()) == (Ground.IN_ZONE,)
