"""Each obligation: met, unmet, unknown, and raising. Only met permits; all the others refuse under its own ground."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from agent.policy.circumstances import Circumstances, LoadedModels, SignSighting
from agent.policy.grounds import Ground
from agent.policy.law import Law, Obligation
from agent.policy.operating import ALONE
from agent.policy.rules import ALLOWED_OUTPUTS, OBLIGATIONS, room_for_one_more, sign_in_force, unmet
from agent.policy.zones import Zone
from agent.units import Fix, Sha256
from tests.policy.given import DATED, DETECTOR, EMBEDDER, NOW_S, OUTPUTS, SECOND, document, here, iso, law, square

GNSS: dict[str, Any] = {"location": {"kind": "gnss", "max_age_s": 5}}
NOW_NS = 100 * SECOND
FIX = Fix(48.0, 11.0, 2.0, NOW_NS)
POSE = {"height_m": 2.2, "heading_deg": 180, "tilt_deg": 10, "view_deg": 62, "range_m": 15}
POSED = {"pose": POSE}
"""The camera looks south."""
AT_SCHOOL = square(10.999, 47.999, 0.002)
FAR_SCHOOL = square(11.01, 48.0, 0.002)
SIGN = document()["sign"]
NOTICE = document()["notice"]
SCOPE = document()["assessment"]["scope"]
INSPECTED = {
    "id": "sign-1",
    "inspection": {"inspector": "warden-2", "inspected": iso(NOW_S - 60), "until": iso(NOW_S + 60)},
}

# name, policy changes, surroundings changes, sign, grounds
Case = tuple[str, dict[str, Any], dict[str, Any], SignSighting | None, set[Ground]]
SEEN, LOST, FORBIDDEN = SignSighting(True, False), SignSighting(False, False), SignSighting(True, True)

TIMED = {
    Ground.POLICY_NOT_IN_FORCE,
    Ground.LEASE_EXPIRED,
    Ground.NECESSITY_MISSING,
    Ground.ASSESSMENT_STALE,
    Ground.ALTERNATIVE_MISSING,
}
"""Whatever has a date is unmet while the time is not known."""
UNTIMED = TIMED | {Ground.CLOCK_UNTRUSTED}
MODELS = {Ground.MODEL_NOT_ALLOWED, Ground.ASSESSMENT_UNFIT}
UNLOADED = {Ground.MODEL_NOT_ALLOWED, Ground.OUTPUT_NOT_ALLOWED, Ground.ASSESSMENT_UNFIT}
PAD = Sha256("b" * 64)
WITH_PAD = LoadedModels(DETECTOR, EMBEDDER, OUTPUTS | {"liveness"}, PAD)
_MODELS: Any = document()["models"]
_SCOPE: Any = document()["assessment"]["scope"]
UNASSESSED: dict[str, Any] = {
    "pad": {"label": "simulated", "threshold": 0.5},
    "models": [*_MODELS, {"role": "pad", "sha256": PAD}],
}
ASKS = UNASSESSED | {
    "assessment": document()["assessment"] | {"scope": _SCOPE | {"models": [DETECTOR, EMBEDDER, PAD]}},
}
UNNAMED: dict[str, Any] = {"models": [*_MODELS, {"role": "embedder", "sha256": PAD}]}
"""Named, but not for this."""


def declared(name: str, **changes: Any) -> dict[str, Any]:
    """The lawful policy's declaration of this name, changed."""
    return {name: document()[name] | changes}


def stock(people: int | None, crossed_s: float | None = None) -> dict[str, Any]:
    return {"stock": people, "crossed_s": crossed_s}


PASS_KEY = {"key": "4" * 64, "doors": ["main"], "until": iso(NOW_S + 60)}
STATUTE = {**DATED, "kind": "statute", "law": "Border Act, section 9", "record_sha256": "5" * 64, "shown_on_sign": True}
FILING = {"authority": "province-cac", "number": "f-17", "filed": iso(NOW_S), "covers_people": 20_000}
LONG_AGO = NOW_S - 60 * 86_400
PLAIN = {"label": "real", "threshold": 0.5}
STEPS = PLAIN | {"search": [{"people": 10, "threshold": 0.5}, {"people": 100, "threshold": 0.6}]}
PASS_ONLY = {"alternatives": [{**DATED, "way": "pass"}]}

CASES: list[Case] = [
    ("all met", {}, {}, SEEN, set()),
    (
        "clock unknown",
        {},
        {"unix_s": None},
        SEEN,
        UNTIMED,
    ),
    ("time is no number", {}, {"unix_s": float("nan")}, SEEN, TIMED),
    ("policy begins now", {"from": iso(NOW_S)}, {}, SEEN, set()),
    ("policy begins in a second", {"from": iso(NOW_S + 1)}, {}, SEEN, {Ground.POLICY_NOT_IN_FORCE}),
    ("policy ends in a second", {"until": iso(NOW_S + 1)}, {}, SEEN, set()),
    ("policy ends now", {"until": iso(NOW_S)}, {}, SEEN, {Ground.POLICY_NOT_IN_FORCE}),
    ("lease unknown", {}, {"lease_until_s": None}, SEEN, {Ground.LEASE_EXPIRED}),
    ("lease ends now", {}, {"lease_until_s": NOW_S}, SEEN, {Ground.LEASE_EXPIRED}),
    ("lease ends in a moment", {}, {"lease_until_s": NOW_S + 0.001}, SEEN, set()),
    ("stopped", {}, {"stopped": True}, SEEN, {Ground.STOPPED}),
    ("stop unknown", {}, {"stopped": None}, SEEN, {Ground.STOPPED}),
    ("private space", {"place": "private-space"}, {}, SEEN, {Ground.PLACE_PRIVATE, Ground.PURPOSE_UNFIT}),
    ("payment at a counter", {"place": "business-premises", "purpose": "payment", "mode": "verify"}, {}, SEEN, set()),
    ("payment by search", {"place": "business-premises", "purpose": "payment"}, {}, SEEN, {Ground.PURPOSE_UNFIT}),
    ("a paper dispenser", {"purpose": "dispenser"}, {}, SEEN, {Ground.PURPOSE_UNFIT}),
    ("no necessity", {"necessity": None}, {}, SEEN, {Ground.NECESSITY_MISSING}),
    ("necessity over", declared("necessity", until=iso(NOW_S)), {}, SEEN, {Ground.NECESSITY_MISSING}),
    ("necessity still to come", declared("necessity", on=iso(NOW_S + 1)), {}, SEEN, {Ground.NECESSITY_MISSING}),
    ("statute", {"basis": STATUTE}, {}, SEEN, set()),
    (
        "statute, time unknown",
        {"basis": STATUTE},
        {"unix_s": None},
        SEEN,
        TIMED | {Ground.CLOCK_UNTRUSTED, Ground.BASIS_UNFIT},
    ),
    ("statute not on the sign", {"basis": STATUTE | {"shown_on_sign": False}}, {}, SEEN, {Ground.BASIS_UNFIT}),
    ("statute over", {"basis": STATUTE | {"until": iso(NOW_S)}}, {}, SEEN, {Ground.BASIS_UNFIT}),
    (
        "no assessment",
        {"assessment": None},
        {},
        SEEN,
        {Ground.ASSESSMENT_MISSING, Ground.ASSESSMENT_STALE, Ground.ASSESSMENT_UNFIT},
    ),
    ("a head is missing", declared("assessment", heads=["protection"]), {}, SEEN, {Ground.ASSESSMENT_MISSING}),
    ("assessment over", declared("assessment", until=iso(NOW_S)), {}, SEEN, {Ground.ASSESSMENT_STALE}),
    (
        "assessment older than the profile allows",
        declared("assessment", on=iso(NOW_S - 365 * 86_400)),
        {},
        SEEN,
        {Ground.ASSESSMENT_STALE},
    ),
    (
        "assessment just young enough",
        declared("assessment", on=iso(NOW_S - 365 * 86_400 + 1)),
        {},
        SEEN,
        set(),
    ),
    (
        "assessment of another purpose",
        {"purpose": "staff-entry", "assessment": document()["assessment"]},
        {},
        SEEN,
        {Ground.ASSESSMENT_UNFIT},
    ),
    (
        "assessment of another mode",
        {"mode": "verify", "assessment": document()["assessment"]},
        {},
        SEEN,
        {Ground.ASSESSMENT_UNFIT},
    ),
    (
        "assessment of fewer zones",
        {"zones": [FAR_SCHOOL], "assessment": document()["assessment"]},
        {},
        SEEN,
        {Ground.ASSESSMENT_UNFIT},
    ),
    (
        "assessment of one model more",
        {
            "assessment": document(models=None)["assessment"]
            | {"scope": SCOPE | {"models": [DETECTOR, EMBEDDER, "7" * 64]}}
        },
        {},
        SEEN,
        {Ground.ASSESSMENT_UNFIT},
    ),
    ("notice without texts", {"notice": NOTICE | {"texts": {}}}, {}, SEEN, {Ground.NOTICE_INCOMPLETE}),
    ("notice not accessible", {"notice": NOTICE | {"accessible": []}}, {}, SEEN, {Ground.NOTICE_INCOMPLETE}),
    (
        "notice of other texts than its hash",
        {"notice": NOTICE | {"sha256": "a" * 64}},
        {},
        SEEN,
        {Ground.NOTICE_INCOMPLETE},
    ),
    ("sign of another notice", {"sign": SIGN | {"notice_sha256": "a" * 64}}, {}, SEEN, {Ground.NOTICE_MISMATCH}),
    ("sign of no notice", {"sign": SIGN | {"notice_sha256": None}}, {}, SEEN, {Ground.NOTICE_MISMATCH}),
    ("no alternative", {"alternatives": []}, {}, SEEN, {Ground.ALTERNATIVE_MISSING}),
    (
        "alternative not tried for long",
        {"alternatives": [{"way": "staff", "on": iso(NOW_S - 9), "until": iso(NOW_S)}]},
        {},
        SEEN,
        {Ground.ALTERNATIVE_MISSING},
    ),
    ("passes without a key", PASS_ONLY, {}, SEEN, {Ground.ALTERNATIVE_MISSING}),
    ("passes with a key", PASS_ONLY | {"pass_keys": [PASS_KEY]}, {}, SEEN, set()),
    (
        "passes that the reader fails to read",
        PASS_ONLY | {"pass_keys": [PASS_KEY]},
        {"codes_read": False},
        SEEN,
        {Ground.ALTERNATIVE_MISSING},
    ),
    (
        "passes with a reader that nobody has tried",
        PASS_ONLY | {"pass_keys": [PASS_KEY]},
        {"codes_read": None},
        SEEN,
        {Ground.ALTERNATIVE_MISSING},
    ),
    ("staff, and a reader that fails", {}, {"codes_read": False}, SEEN, set()),
    (
        "passes of another door",
        PASS_ONLY | {"pass_keys": [PASS_KEY | {"doors": ["back"]}]},
        {},
        SEEN,
        {Ground.ALTERNATIVE_MISSING},
    ),
    (
        "pass key over",
        PASS_ONLY | {"pass_keys": [PASS_KEY | {"until": iso(NOW_S)}]},
        {},
        SEEN,
        {Ground.ALTERNATIVE_MISSING},
    ),
    ("kept too long", {"retention": {"max_days": 366, "max_idle_days": 30}}, {}, SEEN, {Ground.RETENTION_TOO_LONG}),
    ("idle too long", {"retention": {"max_days": 30, "max_idle_days": 181}}, {}, SEEN, {Ground.RETENTION_TOO_LONG}),
    ("kept just long enough", {"retention": {"max_days": 365, "max_idle_days": 180}}, {}, SEEN, set()),
    (
        "kept longer under a laxer law",
        {"profile": "cn-2025", "retention": {"max_days": 1095, "max_idle_days": 1095}},
        {},
        SEEN,
        set(),
    ),
    ("stock unknown", {}, stock(None), SEEN, {Ground.FILING_OVERDUE, Ground.GALLERY_TOO_LARGE}),
    ("stock unknown in 1:1", {"mode": "verify", "profile": "eu-gdpr"}, stock(None), SEEN, set()),
    ("as many as one threshold covers", {"operating_point": PLAIN}, stock(ALONE), SEEN, set()),
    ("more than one threshold covers", {"operating_point": PLAIN}, stock(ALONE + 1), SEEN, {Ground.GALLERY_TOO_LARGE}),
    ("as many as any threshold covers", {"operating_point": STEPS}, stock(100), SEEN, set()),
    ("more than any threshold covers", {"operating_point": STEPS}, stock(101), SEEN, {Ground.GALLERY_TOO_LARGE}),
    ("so many in 1:1", {"operating_point": PLAIN, "mode": "verify"}, stock(ALONE + 1), SEEN, set()),
    ("stock just below the threshold", {}, stock(9_999, LONG_AGO), SEEN, set()),
    ("threshold reached today", {}, stock(10_000, NOW_S), SEEN, set()),
    ("threshold reached long ago", {}, stock(10_000, LONG_AGO), SEEN, {Ground.FILING_OVERDUE}),
    ("threshold reached, nobody knows when", {}, stock(10_000), SEEN, {Ground.FILING_OVERDUE}),
    (
        "threshold reached, time unknown",
        {},
        stock(10_000, NOW_S) | {"unix_s": None},
        SEEN,
        UNTIMED | {Ground.FILING_OVERDUE},
    ),
    ("filed", {"filing": FILING}, stock(20_000, LONG_AGO), SEEN, set()),
    ("more people than filed", {"filing": FILING}, stock(20_001, LONG_AGO), SEEN, {Ground.FILING_OVERDUE}),
    ("no filing duty", {"profile": "eu-gdpr"}, stock(10**6, LONG_AGO), SEEN, set()),
    ("moved", {}, {"moved": True}, SEEN, {Ground.DEVICE_MOVED}),
    ("perhaps moved", {}, {"moved": None}, SEEN, {Ground.DEVICE_MOVED}),
    ("opened", {}, {"tampered": True}, SEEN, {Ground.TAMPERED}),
    ("perhaps opened", {}, {"tampered": None}, SEEN, {Ground.TAMPERED}),
    ("sign out of date", {"sign": SIGN | {"until": iso(NOW_S)}}, {}, SEEN, {Ground.SIGN_MISSING}),
    ("sign in date", {"sign": SIGN | {"until": iso(NOW_S + 1)}}, {}, SEEN, set()),
    (
        "date of the sign, time unknown",
        {"sign": SIGN | {"until": iso(NOW_S + 1)}},
        {"unix_s": None},
        SEEN,
        UNTIMED | {Ground.SIGN_MISSING},
    ),
    (
        "a model that tells ages",
        {},
        {"models": LoadedModels(DETECTOR, EMBEDDER, OUTPUTS | {"age"})},
        SEEN,
        {Ground.OUTPUT_NOT_ALLOWED},
    ),
    (
        "models that declare nothing",
        {},
        {"models": LoadedModels(DETECTOR, EMBEDDER, frozenset())},
        SEEN,
        {Ground.OUTPUT_NOT_ALLOWED},
    ),
    ("pad not asked for, and loaded", {}, {"models": WITH_PAD}, SEEN, set()),
    ("pad asked for, and loaded", ASKS, {"models": WITH_PAD}, SEEN, set()),
    ("pad asked for, none loaded", ASKS, {}, SEEN, {Ground.PAD_MISSING, Ground.ASSESSMENT_UNFIT}),
    ("pad asked for, models unknown", ASKS, {"models": None}, SEEN, UNLOADED | {Ground.PAD_MISSING}),
    (
        "pad asked for, another loaded",
        ASKS,
        {"models": replace(WITH_PAD, pad=DETECTOR)},
        SEEN,
        {Ground.PAD_MISSING, Ground.ASSESSMENT_UNFIT},
    ),
    ("pad asked for, its file not named", ASKS | UNNAMED, {"models": WITH_PAD}, SEEN, {Ground.PAD_MISSING}),
    ("pad asked for, not assessed", UNASSESSED, {"models": WITH_PAD}, SEEN, {Ground.ASSESSMENT_UNFIT}),
    ("public place for residents", {"place": "public-place"}, {}, SEEN, {Ground.PURPOSE_UNFIT}),
    ("public place for security", {"place": "public-place", "purpose": "public-security"}, {}, SEEN, set()),
    ("private land for security", {"purpose": "public-security"}, {}, SEEN, {Ground.PURPOSE_UNFIT}),
    ("staff entry", {"purpose": "staff-entry"}, {}, SEEN, set()),
    ("1:N not justified", {"identify": None}, {}, SEEN, {Ground.MODE_UNJUSTIFIED}),
    ("1:1", {"mode": "verify", "identify": None}, {}, SEEN, set()),
    ("passes only", {"mode": "pass"}, {}, SEEN, {Ground.MODE_UNJUSTIFIED}),
    ("blind", {"mode": "blind"}, {}, SEEN, {Ground.MODE_UNJUSTIFIED}),
    ("surveyed inside a zone", POSED | {"zones": [AT_SCHOOL]}, {}, SEEN, {Ground.IN_ZONE}),
    ("surveyed inside a zone, pose unknown", {"zones": [AT_SCHOOL]}, {}, SEEN, {Ground.IN_ZONE, Ground.VIEW_UNKNOWN}),
    ("surveyed outside a zone", {"zones": [FAR_SCHOOL]}, {}, SEEN, set()),
    ("no fix", GNSS, {}, SEEN, {Ground.LOCATION_UNKNOWN, Ground.IN_ZONE, Ground.VIEW_UNKNOWN}),
    ("no fix, pose known", GNSS | POSED, {}, SEEN, {Ground.LOCATION_UNKNOWN, Ground.IN_ZONE}),
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
    ("fix inside a zone", GNSS | POSED | {"zones": [AT_SCHOOL]}, {"fix": FIX}, SEEN, {Ground.IN_ZONE}),
    ("fix outside a zone", GNSS | {"zones": [FAR_SCHOOL]}, {"fix": FIX}, SEEN, set()),
    (
        "fix too coarse for a zone",
        GNSS | POSED | {"zones": [FAR_SCHOOL]},
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
        UNTIMED | {Ground.SIGN_MISSING},
    ),
    (
        "models unknown",
        {},
        {"models": None},
        SEEN,
        {Ground.MODEL_NOT_ALLOWED, Ground.OUTPUT_NOT_ALLOWED, Ground.ASSESSMENT_UNFIT},
    ),
    (
        "another detector",
        {},
        {"models": LoadedModels(Sha256("f" * 64), EMBEDDER, OUTPUTS)},
        SEEN,
        MODELS,
    ),
    (
        "another embedder",
        {},
        {"models": LoadedModels(DETECTOR, DETECTOR, OUTPUTS)},
        SEEN,
        MODELS,
    ),
    (
        "detector as embedder",
        {},
        {"models": LoadedModels(EMBEDDER, EMBEDDER, OUTPUTS)},
        SEEN,
        MODELS,
    ),
    ("a model failed", {}, {"models_work": False}, SEEN, {Ground.MODEL_FAILED}),
    ("perhaps a model failed", {}, {"models_work": None}, SEEN, {Ground.MODEL_FAILED}),
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


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_every_rule_answers_of_itself(case: Case) -> None:
    """Nothing of all this is so odd that a rule would stumble, and refuse only because of that."""
    _, policy_changes, around_changes, sign, grounds = case
    asked, around = law(**policy_changes), here(NOW_NS, sign, **around_changes)
    assert {
        each.ground for each in OBLIGATIONS if asked.binds(each.ground) and each.rule(asked, around) is not True
    } == grounds


def test_every_obligation_is_shown_unmet_by_a_case() -> None:
    shown = {ground for case in CASES for ground in case[4]}
    assert shown == {each.ground for each in OBLIGATIONS}


def test_each_obligation_says_what_to_do_and_has_a_ground_of_its_own() -> None:
    assert all(each.demand and each.remedy for each in OBLIGATIONS)
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
    posed = POSED | {"zones": [zone]}
    assert unmet(law(**posed, margin_m=80.5, location=at | {"sigma_m": 10}), here()) == ()
    assert unmet(law(**posed, margin_m=80.6, location=at | {"sigma_m": 10}), here()) == (Ground.IN_ZONE,)
    assert unmet(law(**posed, margin_m=80.5, location=at | {"sigma_m": 10.1}), here()) == (Ground.IN_ZONE,)
    gnss = posed | GNSS
    fix = Fix(48.0, 11.001, 10.0, NOW_NS)
    assert unmet(law(**gnss, margin_m=80.5), here(NOW_NS, fix=fix)) == ()
    assert unmet(law(**gnss, margin_m=80.6), here(NOW_NS, fix=fix)) == (Ground.IN_ZONE,)
    assert unmet(law(**gnss, margin_m=80.5), here(NOW_NS, fix=replace(fix, sigma_m=10.1))) == (Ground.IN_ZONE,)


def test_models_may_tell_all_that_is_allowed() -> None:
    assert unmet(law(), here(models=LoadedModels(DETECTOR, EMBEDDER, ALLOWED_OUTPUTS))) == ()
    more = LoadedModels(DETECTOR, EMBEDDER, ALLOWED_OUTPUTS | {"age"})
    assert unmet(law(), here(models=more)) == (Ground.OUTPUT_NOT_ALLOWED,)


def test_a_sign_with_an_end_is_unknown_without_a_time_and_unmet_past_it() -> None:
    ending = law(sign=SIGN | {"until": iso(NOW_S + 60)})
    said = [sign_in_force(ending, here(unix_s=unix_s)) for unix_s in (None, NOW_S, NOW_S + 60)]
    assert said == [None, True, False]


def test_a_zone_that_a_restriction_adds_counts_like_one_of_the_policy() -> None:
    added = Zone.model_validate_json(json.dumps(AT_SCHOOL | {"id": "fair"}))
    lawful = law(zones=[FAR_SCHOOL], **POSED)
    assert unmet(lawful, here()) == ()
    assert [zone.id for zone in replace(lawful, extra_zones=(added,)).plan(None)] == ["school", "fair"]
    assert unmet(replace(lawful, extra_zones=(added,)), here()) == (Ground.IN_ZONE,)


def test_an_incident_makes_every_earlier_assessment_stale() -> None:
    made_s = NOW_S - 86_400
    assert unmet(replace(law(), incident_s=made_s - 1), here()) == ()
    assert unmet(replace(law(), incident_s=made_s), here()) == (Ground.ASSESSMENT_STALE,)
    assert unmet(replace(law(), incident_s=NOW_S), here()) == (Ground.ASSESSMENT_STALE,)


def test_what_a_profile_leaves_open_does_not_refuse_unless_the_policy_is_stricter() -> None:
    bare = {"profile": "us-il-bipa", "assessment": None, "alternatives": [], "necessity": None}
    assert unmet(law(**bare), here(sign=LOST)) == ()
    assert unmet(law(**bare, stricter=["sign-missing", "alternative-missing"]), here(sign=LOST)) == (
        Ground.ALTERNATIVE_MISSING,
        Ground.SIGN_MISSING,
    )
    assert unmet(law(**bare, place="private-space"), here()) == (Ground.PLACE_PRIVATE,)


def test_a_profile_without_a_filing_duty_has_none_to_miss() -> None:
    demanded = law(profile="eu-gdpr", stricter=["filing-overdue"])
    assert demanded.binds(Ground.FILING_OVERDUE) and demanded.profile.filing_at is None
    many = here(stock=1_000_000, crossed_s=LONG_AGO)
    assert Ground.FILING_OVERDUE not in unmet(demanded, many)
    assert room_for_one_more(demanded, many.surroundings.stock)
