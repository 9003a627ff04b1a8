"""Changes of a policy: what comes back is a policy that a device reads, or every fault is named and nothing changes."""

from __future__ import annotations

import json
import tomllib
from datetime import timedelta
from typing import Any

import pytest

from agent.errors import ConfigError
from agent.introduction import introduced
from agent.policy.declared import notice_sha256
from agent.site import edit
from agent.site.keys import OWN, SiteKeys
from agent.site.metadata import moment
from agent.site.policy_draft import draft_policy
from agent.site.roles import found, of_one, rotate
from tests.site.given import NOW
from tests.site.test_policy_draft import DEVICE, KEYS, TOML

SECOND = introduced("gate-2", "5" * 64, "6" * 64)


@pytest.fixture(scope="module")
def policy() -> edit.Document:
    return edit.opened(
        draft_policy(tomllib.loads(TOML), site="quay", version=4, keys=KEYS, devices=[DEVICE], now_s=NOW)
    )


def differing(one: Any, other: Any) -> set[str]:
    return {field for field in one if one[field] != other[field]}


@pytest.mark.parametrize(
    ("assignment", "field", "value"),
    [
        ("retention.max_days=180", "retention", {"max_days": 180, "max_idle_days": 90, "ledger_days": 1095}),
        ("mode=verify", "mode", "verify"),
        ('mode="verify"', "mode", "verify"),
        ("until=2027-03-01T00:00:00+01:00", "until", "2027-03-01T00:00:00+01:00"),
        ("stricter=[]", "stricter", []),
        ("identify=null", "identify", None),
        ('stricter=["sign-missing"]', "stricter", ["sign-missing"]),
        ("outcome_class_in_clear=true", "outcome_class_in_clear", True),
        ("margin_m=7", "margin_m", 7.0),
    ],
)
def test_one_field_is_set(policy: edit.Document, assignment: str, field: str, value: object) -> None:
    after = edit.with_fields(policy, [assignment])
    assert after[field] == value
    assert differing(policy, after) <= {field, "enrolment_keys", "pass_keys"}


def test_fields_of_entries_are_set_by_their_place(policy: edit.Document) -> None:
    after = edit.with_fields(policy, ["alternatives.0.way=intercom", "attempt.region.1=[600, 8]", "margin_m=9"])
    assert after["alternatives"][0]["way"] == "intercom"
    assert (after["attempt"]["region"][1], after["margin_m"]) == ([600.0, 8.0], 9.0)


def test_keys_that_ended_with_the_policy_go_on_with_it(policy: edit.Document) -> None:
    after = edit.with_fields(policy, ["until=2027-05-01T00:00:00Z"])
    assert {key["until"] for key in (*after["pass_keys"], *after["enrolment_keys"])} == {"2027-05-01T00:00:00Z"}
    kept = edit.with_fields(policy, ["until=2027-05-01T00:00:00Z", "pass_keys.0.until=2027-01-01T00:00:00Z"])
    assert kept["pass_keys"][0]["until"] == "2027-01-01T00:00:00Z"


def test_a_changed_notice_has_another_hash_and_the_sign_does_not_pretend(policy: edit.Document) -> None:
    after = edit.with_fields(policy, ["notice.texts.en.contact=a new desk"])
    assert after["notice"]["sha256"] == notice_sha256(after["notice"]["texts"]) != policy["notice"]["sha256"]
    assert after["sign"]["notice_sha256"] == policy["sign"]["notice_sha256"]


@pytest.mark.parametrize(
    ("assignment", "says"),
    [
        ("retention.max_days=0", "retention.max_days"),
        ("retention.max_days", "FIELD=VALUE"),
        ("=5", "FIELD=VALUE"),
        ("colour=red", "no field colour"),
        ("retention.colour=1", "retention.colour"),
        ("retention.max_days.x=1", "there is no retention.max_days.x"),
        ("alternatives.7.way=pass", "there is no alternatives.7"),
        ("alternatives.x.way=pass", "there is no alternatives.x"),
        ("mode=glance", "mode"),
        ("margin_m=NaN", "nan"),
        ("version=9", "rises by itself"),
        ("devices=[]", "add-device"),
        ("devices.0.id=x", "add-device"),
        ("events_key=" + "1" * 64, "rotate"),
        ("site=other", "for good"),
        ("single_key=false", "follows from the site's keys"),
        ("until=2020-01-01T00:00:00Z", "until must lie after from"),
        ("place=null", "place"),
    ],
)
def test_what_cannot_be_set_is_named(policy: edit.Document, assignment: str, says: str) -> None:
    before = json.dumps(policy)
    with pytest.raises(ConfigError, match=r".*") as caught:
        edit.with_fields(policy, ["margin_m=9", assignment])
    assert says in str(caught.value)
    assert json.dumps(policy) == before


def test_by_hand_the_sites_own_fields_stay(policy: edit.Document) -> None:
    after = edit.hand_made(policy, json.dumps(policy | {"margin_m": 8}).encode())
    assert differing(policy, after) == {"margin_m"}
    with pytest.raises(ConfigError) as caught:
        edit.hand_made(policy, json.dumps(policy | {"version": 9, "site": "other"}).encode())
    assert len(str(caught.value).splitlines()) == 2
    with pytest.raises(ConfigError, match="margin_m"):
        edit.hand_made(policy, json.dumps(policy | {"margin_m": -1}).encode())


def test_a_device_comes_and_goes(policy: edit.Document) -> None:
    more = edit.with_device(policy, SECOND)
    assert [each["id"] for each in more["devices"]] == ["gate-1", "gate-2"]
    with pytest.raises(ConfigError, match="remove it first"):
        edit.with_device(more, SECOND)
    assert edit.without_device(more, "gate-1")["devices"] == [more["devices"][1]]
    with pytest.raises(ConfigError, match="no such device"):
        edit.without_device(policy, "gate-2")
    with pytest.raises(ConfigError, match="the only device"):
        edit.without_device(policy, "gate-1")


def test_a_restriction_is_lifted_once_and_a_withdrawal_never(policy: edit.Document) -> None:
    lifted = edit.with_lift(policy, "stop-fair")
    assert lifted["lifts"] == ["stop-fair"]
    with pytest.raises(ConfigError, match="lifted already"):
        edit.with_lift(lifted, "stop-fair")
    with pytest.raises(ConfigError, match="it has erased"):
        edit.with_lift(policy, "withdraw-p-1")
    with pytest.raises(ConfigError, match="lifts"):
        edit.with_lift(policy, "No Such")


def test_the_keys_that_a_policy_names_follow_those_that_may_sign(policy: edit.Document) -> None:
    state = found("quay", timedelta(days=1), of_one(KEYS), moment(NOW))
    events = KEYS.events_public()
    assert edit.with_keys(policy, state, events) == policy
    fresh = SiteKeys.fresh_for(OWN)
    rotate(state, "pass", [fresh.public_key("pass")])
    after = edit.with_keys(policy, state, fresh.events_public())
    assert differing(policy, after) == {"pass_keys", "events_key"}
    assert after["pass_keys"] == [{"key": fresh.sign_public("pass").hex(), "doors": ["main"], "until": policy["until"]}]


def test_two_versions_of_one_policy_are_the_same() -> None:
    decided = tomllib.loads(TOML)
    one, other = (
        draft_policy(decided, site="quay", version=version, keys=KEYS, devices=[DEVICE], now_s=NOW)
        for version in (1, 2)
    )
    assert edit.same(one, other)
    assert not edit.same(one, json.dumps(json.loads(one) | {"margin_m": 9}).encode())
    with pytest.raises(ConfigError, match="not readable as JSON"):
        edit.same(one, b"{")
