"""The policy and the restrictions: what makes one, what it then says, and what is refused by name."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agent.errors import PolicyError
from agent.policy.bundle import POLICY_PATH, Gnss, Policy, PolicyDocument, VerifiedTarget, restriction, utc
from agent.policy.document import read
from agent.units import DeviceId, Sha256
from tests.policy.given import DETECTOR, DEVICE, EMBEDDER, NOW_S, document, iso, policy, square


def refused(match: str, **changes: Any) -> None:
    with pytest.raises(PolicyError, match=match):
        policy(**changes)


def test_a_policy_names_its_site_door_and_this_device() -> None:
    made = policy()
    assert (made.site, made.door, made.device.id) == ("quay", "main", DEVICE)


def test_keys_for_receipts_and_passes_withdraw_though_they_have_ended() -> None:
    assert policy().document.withdrawal_keys == ()
    ended = {"until": iso(NOW_S - 1)}
    enrolment, passes = ({"key": sign * 64, **ended} for sign in "45")
    made = policy(enrolment_keys=[enrolment], pass_keys=[passes | {"doors": ["main"]}])
    assert made.document.withdrawal_keys == ("4" * 64, "5" * 64)


@pytest.mark.parametrize("role", ["restriction", "enrolment", "pass"])
def test_only_the_permission_role_makes_a_policy(role: Any) -> None:
    with pytest.raises(PolicyError, match="from the permission role"):
        Policy(VerifiedTarget(role, POLICY_PATH, json.dumps(document()).encode()), DEVICE)


def test_only_the_one_path_is_a_policy() -> None:
    with pytest.raises(PolicyError, match="comes as permission"):
        Policy(VerifiedTarget("permission", "permission/policy-2.json", json.dumps(document()).encode()), DEVICE)


def test_another_devices_policy_is_refused() -> None:
    with pytest.raises(PolicyError, match="does not name gate-2 once"):
        Policy(VerifiedTarget("permission", POLICY_PATH, json.dumps(document()).encode()), DeviceId("gate-2"))


def test_a_device_named_twice_is_not_named() -> None:
    device = {"id": DEVICE, "signing_key": "1" * 64, "box_key": "2" * 64}
    refused("does not name gate-1 once", devices=[device, device | {"box_key": "4" * 64}])


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("schema", "doorward/policy/2", "schema"),
        ("site", "The Quay", "site"),
        ("version", 0, "version"),
        ("single_key", "yes", "single_key"),
        ("from", "2026-01-01", "from"),
        ("until", iso(NOW_S - 86_400), "until must lie after from"),
        ("place", "private", "place"),
        ("identify", {"statement": "short"}, "identify.statement"),
        ("view", {"width": 10, "height": 10}, "view.width"),
        ("excluded", [{"id": "a", "polygon": [[0, 0], [1, 1]]}], "excluded.0.polygon"),
        ("excluded", [{"id": "a", "polygon": [[0, 0], [1, 1], [-1, 0]]}], "excluded.0.polygon.2.0"),
        ("excluded", [{"id": "a", "polygon": [[0, 0], [9, 9], [9, 0], [0, 9]]}], "crosses itself"),
        ("excluded", [{"id": "a", "polygon": [[0, 0], [9, 9], [3, 3]]}], "has no area"),
        ("sign", {"id": "s"}, "name a marker place or a dated inspection"),
        ("location", {"kind": "wifi"}, "location"),
        ("location", {"kind": "survey", "lat_deg": 91, "lon_deg": 0, "sigma_m": 1}, "location.survey.lat_deg"),
        ("zones", [{"id": "z", "class": "school"}], r"zones.0.geometry \(z\): "),
        ("zones", [square(11, 48, 0.1), square(12, 48, 0.1)], "zone school: the id is given twice"),
        ("timezone", "Europe/../../etc", "timezone"),
        ("margin_m", -1, "margin_m"),
        ("retention", {"max_days": 0, "max_idle_days": 1}, "retention.max_days"),
        ("operating_point", {"label": "real", "threshold": 0.1}, "operating_point.threshold"),
        ("models", [], "models"),
        ("models", [{"role": "detector", "sha256": "D" * 64}], "models.0.sha256"),
        ("devices", [], "devices"),
        ("events_key", "3" * 63, "events_key"),
        ("pass_keys", [{"key": "3" * 64, "doors": [], "until": iso(NOW_S)}], "pass_keys.0.doors"),
        ("override", True, "override"),
    ],
)
def test_each_field_is_held_to_its_rule(field: str, value: object, says: str) -> None:
    with pytest.raises(PolicyError, match=says) as caught:
        policy(**{field: value})
    assert str(caught.value).startswith("permission/policy.json: ")


@pytest.mark.parametrize(
    "field",
    ["schema", "site", "version", "single_key", "from", "until", "place", "purpose", "mode", "door", "view", "attempt",
     "sign", "location", "notice", "retention", "operating_point", "models", "devices", "events_key"],
)  # fmt: skip
def test_what_a_policy_leaves_open_is_not_guessed(field: str) -> None:
    refused(rf"{field}: Field required|{field}: Unable to extract tag", **{field: None})


@pytest.mark.parametrize("limit", ["dwell_s", "probes", "window_s", "leave_s", "inter_eye_px"])
@pytest.mark.parametrize("value", [0, 10_000, None, "1"])
def test_an_attempt_stays_within_its_limits(limit: str, value: object) -> None:
    attempt = document()["attempt"] | {limit: value}
    refused(rf"attempt\.{limit}", attempt=attempt)


def test_a_policy_with_a_field_twice_is_refused() -> None:
    data = json.dumps(document()).replace('"door": "main"', '"door": "main", "door": "vault"').encode()
    with pytest.raises(PolicyError, match="'door' is given twice"):
        Policy(VerifiedTarget("permission", POLICY_PATH, data), DEVICE)


def test_in_force_from_its_first_moment_to_before_its_last() -> None:
    made = policy()
    begins, ends = NOW_S - 86_400, NOW_S + 86_400
    asked = [begins - 1, begins, NOW_S, ends - 1, ends]
    assert [made.in_force(at) for at in asked] == [False, True, True, True, False]


def test_a_model_is_allowed_by_role_and_hash_together() -> None:
    made = policy()
    assert made.allows_model("detector", DETECTOR) and made.allows_model("embedder", EMBEDDER)
    assert not made.allows_model("detector", EMBEDDER)
    assert not made.allows_model("embedder", Sha256("0" * 64))


def test_an_inspection_covers_its_dates() -> None:
    sign = {"id": "s", "inspection": {"inspector": "front-desk", "inspected": iso(NOW_S), "until": iso(NOW_S + 10)}}
    inspection = policy(sign=sign).document.sign.inspection
    assert inspection is not None
    assert [inspection.covers(NOW_S + after) for after in (-1, 0, 9, 10)] == [False, True, True, False]


def test_a_moving_gate_takes_its_place_from_a_receiver() -> None:
    location = policy(location={"kind": "gnss"}).document.location
    assert isinstance(location, Gnss) and location.max_age_s == 5 and location.clear_hold_s == 30


def test_a_document_survives_being_written_again() -> None:
    first = policy(zones=[square(11, 48, 0.1)], pass_keys=[{"key": "4" * 64, "doors": ["main"], "until": iso(NOW_S)}])
    again = read(first.document.model_dump_json(by_alias=True).encode(), PolicyDocument, "again")
    assert again == first.document


def target(role: Any = "restriction", **fields: object) -> VerifiedTarget:
    body = {"schema": "doorward/restriction/1", "id": "r-1", **fields}
    return VerifiedTarget(role, "restriction/r-1.json", json.dumps(body).encode())


def test_each_kind_of_restriction_is_read() -> None:
    assert restriction(target(kind="withdraw", subject="p-7")).subject == "p-7"
    assert restriction(target(kind="stop")).kind == "stop"
    zone = restriction(target(kind="zone", zone=square(11, 48, 0.1))).zone
    assert zone is not None and zone.id == "school"


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "withdraw"},
        {"kind": "zone"},
        {"kind": "stop", "subject": "p-7"},
        {"kind": "withdraw", "subject": "p-7", "zone": square(11, 48, 0.1)},
        {"kind": "zone", "subject": "p-7"},
    ],
)
def test_a_restriction_says_exactly_what_it_is_about(fields: dict[str, object]) -> None:
    with pytest.raises(PolicyError, match="withdraw names a subject"):
        restriction(target(**fields))


@pytest.mark.parametrize("role", ["permission", "enrolment", "pass"])
def test_a_restriction_comes_from_its_own_role(role: Any) -> None:
    with pytest.raises(PolicyError, match="from the restriction role"):
        restriction(target(role, kind="stop"))


def test_a_restriction_ends_by_its_own_date_and_by_a_trusted_clock_only() -> None:
    ends = restriction(target(kind="stop", until=iso(NOW_S)))
    assert [ends.in_force(at) for at in (NOW_S - 1, NOW_S, None)] == [True, False, True]
    assert restriction(target(kind="stop")).in_force(NOW_S * 10)


def test_times_are_utc() -> None:
    assert utc(0).isoformat() == "1970-01-01T00:00:00+00:00"
