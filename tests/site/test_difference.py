"""What a new version widens and narrows: every field weighed the right way, and what is not known counts as wider."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from agent.policy.bundle import PolicyDocument
from agent.policy.fields import Mode, ProfileName
from agent.policy.profiles import PROFILES
from agent.site import roles, weights
from agent.site.difference import Change, _walk, between, between_states
from agent.site.keys import HELD, OWN, SiteKeys
from agent.site.metadata import State, moment
from agent.site.version import Version
from tests.policy.given import DATED, NOW_S, document, iso, square

TOKENS = [{"digest": "8" * 64, "subject": "p-1", "doors": ["main"], "until": "2030-01-02T00:00:00Z", "opens": False}]
FULL = {
    "excluded": [{"id": "street", "polygon": [[0, 0], [10, 0], [10, 10], [0, 10]]}],
    "zones": [square(10.0, 50.0, 0.1)],
    "stricter": ["sign-missing"],
    "filing": {"authority": "cac", "number": "n-1", "filed": iso(NOW_S - 9), "covers_people": 20_000},
    "lifts": ["stop-old"],
    "pad": {"label": "simulated", "threshold": 0.5},
    "enrolment_keys": [
        {
            "key": "4" * 64,
            "until": iso(NOW_S + 900),
            "elsewhere": {"doors": ["main"], "purposes": ["resident-entry"], "per_day": 5},
        }
    ],
    "pass_keys": [{"key": "5" * 64, "doors": ["main"], "until": iso(NOW_S + 900)}],
    "tokens": {"salt": "7" * 32, "passes": 1, "memory_kib": 8192, "entries": TOKENS},
}
BASE = document(**FULL)
BASE["zones"][0]["buffer_m"] = 9
BASE["mode"] = "verify"
BASE["assessment"]["scope"]["mode"] = "verify"
BASE["single_key"] = False
BASE["operating_point"]["search"] = [{"people": 500, "threshold": 0.6}]
BASE["attempt"] |= {"dwell_s": 0.6, "leave_s": 3, "probes": 2, "window_s": 0.4, "inter_eye_px": 30}
BASE["sign"] |= {"clear_hold_s": 5.0, "lost_hold_s": 0.5}


def policy(**changes: Any) -> bytes:
    return json.dumps({name: value for name, value in (BASE | changes).items() if value is not None}).encode()


def told(**changes: Any) -> list[Change]:
    return between(policy(), policy(**changes))


def part(field: str, **changes: Any) -> dict[str, Any]:
    return {field: BASE[field] | changes}


def entry(field: str, at: int = 0, **changes: Any) -> dict[str, Any]:
    return {field: [each | (changes if place == at else {}) for place, each in enumerate(BASE[field])]}


ASIDE = [[0, 0], [30, 0], [30, 30], [0, 30]]
OF, UNTIL = "tokens.entries[", '["main"] 2030-01-02T00:00:00Z]'
KEY = {"key": "6" * 64, "until": iso(NOW_S)}
FAR = {"doors": ["main"], "purposes": ["resident-entry"], "per_day": 5}
WIDER: list[tuple[str, dict[str, Any]]] = [
    ("enrolment_keys[" + "4" * 59 + "…].elsewhere.per_day", entry("enrolment_keys", elsewhere=FAR | {"per_day": 6})),
    (
        "enrolment_keys[" + "4" * 59 + "…].elsewhere.doors[side]",
        entry("enrolment_keys", elsewhere=FAR | {"doors": ["main", "side"]}),
    ),
    (
        "enrolment_keys[" + "4" * 59 + "…].elsewhere.purposes[boarding]",
        entry("enrolment_keys", elsewhere=FAR | {"purposes": ["resident-entry", "boarding"]}),
    ),
    ("retention.max_days", part("retention", max_days=31)),
    ("retention.max_idle_days", part("retention", max_idle_days=31)),
    ("until", {"until": iso(NOW_S + 2 * 86_400)}),
    ("from", {"from": iso(NOW_S - 2 * 86_400)}),
    ("margin_m", {"margin_m": 4}),
    ("single_key", {"single_key": True}),
    ("outcome_class_in_clear", {"outcome_class_in_clear": True}),
    ("operating_point.threshold", part("operating_point", threshold=0.4)),
    ("pad", {"pad": None}),
    ("pad.threshold", {"pad": {"label": "simulated", "threshold": 0.4}}),
    ("operating_point.search[500].threshold", part("operating_point", search=[{"people": 500, "threshold": 0.55}])),
    ("attempt.dwell_s", part("attempt", dwell_s=0.4)),
    ("attempt.leave_s", part("attempt", leave_s=2)),
    ("attempt.probes", part("attempt", probes=3)),
    ("attempt.window_s", part("attempt", window_s=0.5)),
    ("attempt.inter_eye_px", part("attempt", inter_eye_px=20)),
    ("attempt.region", part("attempt", region=[[0, 0], [96, 0], [96, 72], [0, 72]])),
    ("mode", {"mode": "identify"}),
    ("profile", {"profile": "cn-2025"}),
    ("stricter[sign-missing]", {"stricter": []}),
    ("excluded[street]", {"excluded": []}),
    ("excluded[street].polygon", entry("excluded", polygon=[[1, 1], [9, 1], [9, 9], [1, 9]])),
    ("excluded[street].code_readable", entry("excluded", code_readable=True)),
    ("zones[school]", {"zones": []}),
    ("zones[school].buffer_m", entry("zones", buffer_m=1)),
    ("zones[school].geometry", {"zones": [square(10.01, 50.01, 0.05) | {"buffer_m": 9}]}),
    ("lifts[stop-new]", {"lifts": ["stop-new", "stop-old"]}),
    ("filing.covers_people", part("filing", covers_people=30_000)),
    ("devices[gate-2]", {"devices": [*BASE["devices"], BASE["devices"][0] | {"id": "gate-2"}]}),
    ("models[embedder " + "f" * 59 + "…]", {"models": [*BASE["models"], {"role": "embedder", "sha256": "f" * 64}]}),
    ("enrolment_keys[" + "6" * 59 + "…]", {"enrolment_keys": [*BASE["enrolment_keys"], KEY]}),
    ("pass_keys[" + "5" * 59 + "…].doors[side]", entry("pass_keys", doors=["side", "main"])),
    ("pass_keys[" + "5" * 59 + "…].until", entry("pass_keys", until=iso(NOW_S + 9000))),
    ("pass_keys[" + "5" * 59 + "…].max_days", entry("pass_keys", max_days=32)),
    ("pass_keys[" + "5" * 59 + "…].per_day", entry("pass_keys", per_day=201)),
    (OF + "p-2 " + UNTIL, part("tokens", entries=[*TOKENS, TOKENS[0] | {"subject": "p-2"}])),
    (OF + "p-1 " + UNTIL + ".opens", part("tokens", entries=[TOKENS[0] | {"opens": True}])),
    ("sign.clear_hold_s", {"sign": BASE["sign"] | {"clear_hold_s": 2.0}}),
    ("sign.lost_hold_s", {"sign": BASE["sign"] | {"lost_hold_s": 1.0}}),
]  # fmt: skip
"""Path and change of each; the other way round it narrows."""


@pytest.mark.parametrize("days", [180, 3650])
def test_a_longer_ledger_keeps_more_and_a_shorter_proves_less_so_both_widen(days: int) -> None:
    (change,) = between(policy(), policy(**part("retention", ledger_days=days)))
    assert (change.widens, change.where) == (True, "retention.ledger_days")


@pytest.mark.parametrize(("where", "changes"), WIDER, ids=[where for where, _ in WIDER])
def test_what_permits_more_widens_and_the_other_way_round_narrows(where: str, changes: dict[str, Any]) -> None:
    changes = {name: BASE[name] | value if isinstance(value, dict) else value for name, value in changes.items()}
    (wider,) = between(policy(), policy(**changes))
    assert (wider.widens, wider.where) == (True, where)
    (narrower,) = between(policy(**changes), policy())
    assert (narrower.widens, narrower.where) == (False, where)
    assert "cannot be weighed" not in wider.words + narrower.words


STATUTE = {"kind": "statute", **DATED, "law": "some law", "record_sha256": "1" * 64, "shown_on_sign": True}
UNKNOWN: list[dict[str, Any]] = [
    {"place": "business-premises"},
    {"purpose": "staff-entry"},
    {"door": "side"},
    {"site": "other"},
    {"events_key": "9" * 64},
    {"view": {"width": 128, "height": 96}},
    part("notice", version="n2"),
    part("notice", accessible=["staff", "audio"]),
    {"location": BASE["location"] | {"lat_deg": 49.0}},
    {"location": {"kind": "gnss"}},
    part("operating_point", label="other"),
    part("operating_point", search=[]),
    part("operating_point", search=[{"people": 500, "threshold": 0.6}, {"people": 800, "threshold": 0.6}]),
    {"necessity": {**DATED, "statement": "Some other reason, as long as this."}},
    entry("alternatives", way="intercom"),
    {"alternatives": []},
    entry("devices", box_key="7" * 64),
    part("attempt", region=ASIDE),
    entry("excluded", polygon=[[5, 5], [15, 5], [15, 15], [5, 15]]),
    {"zones": [square(11.0, 50.0, 0.1) | {"buffer_m": 9}]},
    {"basis": STATUTE},
    {"sign": BASE["sign"] | {"id": "sign-2"}},
    entry("zones", hours=[{"days": ["mon"], "from": "08:00", "until": "09:00"}]),
    {"timezone": "Europe/Berlin"},
]


@pytest.mark.parametrize("changes", UNKNOWN, ids=lambda changes: str(next(iter(changes))))
def test_what_cannot_be_weighed_widens_both_ways(changes: dict[str, Any]) -> None:
    for one, other in ((policy(), policy(**changes)), (policy(**changes), policy())):
        found = between(one, other)
        assert found and all(change.widens for change in found)
        assert any("cannot be weighed" in change.words for change in found)


@pytest.mark.parametrize("field", ["necessity", "assessment", "filing", "identify"])
def test_to_do_without_a_declaration_narrows(field: str) -> None:
    had, not_had = policy(), policy(**{field: None})
    (gone,), (come,) = between(had, not_had), between(not_had, had)
    assert (gone.widens, gone.where, gone.words) == (False, field, "removed")
    assert (come.widens, come.where, come.words) == (True, field, "added")


def test_the_same_is_no_difference_and_a_version_is_none() -> None:
    assert told() == [] == told(version=9)
    assert told(lifts=["stop-old"], devices=list(BASE["devices"])) == []


def test_a_first_policy_widens_and_the_last_narrows() -> None:
    assert [change.widens for change in between(None, policy())] == [True]
    assert [change.widens for change in between(policy(), None)] == [False]
    assert between(None, None) == []


def test_whatever_field_a_policy_has_its_difference_is_named() -> None:
    """A field that is added to the policy tomorrow is named, and widens, without anybody thinking of it here."""
    names = {info.alias or name for name, info in PolicyDocument.model_fields.items()}
    for name in names - weights.IGNORED - {"schema"}:
        if BASE.get(name) is None:
            continue
        changed = [
            change for change in between_values(name, BASE[name]) if change.where.split(".")[0].split("[")[0] == name
        ]
        assert changed, name


def between_values(name: str, value: Any) -> list[Change]:
    return list(_walk({name: value}, {name: "something else"} if not isinstance(value, list) else {name: []}, (), ()))


def test_every_mode_and_profile_is_weighed() -> None:
    for modes in ((one, other) for one in Mode for other in Mode if one is not other):
        old, new = (policy(mode=mode, identify=None, assessment=None) for mode in modes)
        (change,) = between(old, new)
        assert "cannot" not in change.words
        (back,) = between(new, old)
        assert change.widens is not back.widens
    for one in ProfileName:
        for other in set(ProfileName) - {one}:
            (change,) = told(profile=other.value) if one is ProfileName.STRICT else between(
                policy(profile=one.value), policy(profile=other.value)
            )  # fmt: skip
            lost = set(PROFILES[one].provisions) - set(PROFILES[other].provisions)
            assert change.widens or not lost
            assert all(ground.value in change.words for ground in lost)
    assert "guardian_below 18 → 14" in between(policy(profile="us-il-bipa"), policy(profile="strict"))[0].words
    assert not between(policy(profile="cn-2025"), policy(profile="strict"))[0].widens
    assert "filing_at" in between(policy(profile="strict"), policy(profile="cn-2025"))[0].words


KEYS, PEOPLE = SiteKeys.fresh_for(OWN), [SiteKeys.fresh_for(HELD) for _ in range(3)]


def state(**targets: bytes) -> State:
    made = roles.found("quay", timedelta(days=1), roles.of_several(KEYS, PEOPLE), moment(NOW_S))
    Version(None, made).put({f"restriction/{name}.json": data for name, data in targets.items()})
    return made


def test_keys_and_thresholds_are_weighed() -> None:
    fourth = SiteKeys.fresh_for(HELD)
    old, new = state(), state()
    roles.add(new, "permission", fourth.public_key("permission"))
    roles.revoke(new, PEOPLE[0].public_key("root").keyid)
    found = {(change.where, change.widens) for change in between_states(old, new)}
    assert found == {("permission", True), ("root", False)}
    assert {(change.where, change.widens) for change in between_states(new, old)} == {
        ("permission", False),
        ("root", True),
    }
    lower = state()
    named = roles.named(lower, "permission")
    roles.give(lower, "permission", roles.Named(named.keys, 1))
    (change,) = between_states(old, lower)
    assert change == Change(True, "permission", "takes 1 keys, took 2")
    assert not between_states(lower, old)[0].widens


def test_restrictions_and_passes_are_weighed() -> None:
    old, new = state(a=b"1", b=b"2"), state(b=b"3", c=b"4")
    found = {change.where: (change.widens, change.words) for change in between_states(old, new)}
    assert found["restriction/a.json"] == (True, "is no longer published; a device that has seen it keeps it")
    assert found["restriction/b.json"] == (True, "is another one; cannot be weighed")
    assert found["restriction/c.json"] == (False, "is published")
    new = state()
    Version(None, new).put({"pass/k.json": b"k", "permission/extra.json": b"x", "permission/policy.json": b"p"})
    assert {(change.where, change.widens) for change in between_states(state(), new)} == {
        ("pass/k.json", True), ("permission/extra.json", True),
    }  # fmt: skip


@pytest.mark.parametrize("role", ["root", "targets", "permission"])
def test_what_else_a_role_says_widens(role: Any) -> None:
    new = state()
    new.signed(role).unrecognized_fields["lease_s"] = 9
    (change,) = between_states(state(), new)
    assert (change.widens, change.where) == (True, role) and "cannot be weighed" in change.words
    later = state()
    later.signed(role).expires += timedelta(days=1)
    (change,) = between_states(state(), later)
    assert change.widens and "signed until" in change.words
    assert not between_states(later, state())[0].widens


def test_a_delegation_that_reaches_further_widens() -> None:
    new = state()
    delegations = new.targets.signed.delegations
    assert delegations is not None and delegations.roles is not None
    delegations.roles["restriction"].paths = ["restriction/*", "permission/*"]
    (change,) = between_states(state(), new)
    assert (change.widens, change.where) == (True, "targets")
