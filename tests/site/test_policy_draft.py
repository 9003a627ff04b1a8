"""A drafted policy is one that a device reads, or every fault of it is named before anything is signed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agent.errors import ConfigError
from agent.policy.bundle import POLICY_PATH, Policy, VerifiedTarget
from agent.site.keys import OWN, SiteKeys
from agent.site.policy_draft import DAYS, draft_policy, next_version, read_decided, read_device
from agent.units import DeviceId

NOW = 1_795_000_000.7
DEVICE = {"id": "gate-1", "signing_key": "1" * 64, "box_key": "2" * 64}
KEYS = SiteKeys.fresh()

FIELDS = [
    "controller",
    "contact",
    "complaint",
    "purpose",
    "method",
    "retention",
    "necessity",
    "effect",
    "rights",
    "alternative",
]
NOTICE = ", ".join(f'{field} = "the {field}"' for field in FIELDS)
DATED = "on = 2026-11-01T00:00:00Z, until = 2027-06-01T00:00:00Z"
TOML = f"""
place = "private-land"
purpose = "resident-entry"
mode = "identify"
identify = {{ statement = "Both hands are full at this gate." }}
door = "main"
view = {{ width = 640, height = 480 }}
location = {{ kind = "survey", lat_deg = 48, lon_deg = 11, sigma_m = 0.5 }}
notice = {{ version = "n-1", accessible = ["staff"], texts.en = {{ {NOTICE} }} }}
necessity = {{ {DATED}, statement = "Both hands are full at this gate." }}
alternatives = [{{ {DATED}, way = "staff" }}]
retention = {{ max_days = 365, max_idle_days = 90 }}
operating_point = {{ label = "real", threshold = 0.42 }}
models = [{{ role = "detector", sha256 = "{"d" * 64}" }}, {{ role = "embedder", sha256 = "{"e" * 64}" }}]
attempt = {{ region = [[200, 100], [440, 100], [440, 470]], dwell_s = 0.5, probes = 3, window_s = 0.5, leave_s = 2, inter_eye_px = 48 }}
[assessment]
id = "pia-1"
on = 2026-11-01T00:00:00Z
until = 2027-06-01T00:00:00Z
sha256 = "{"9" * 64}"
heads = ["lawful-and-necessary", "effect-on-rights", "risk-of-harm", "protection"]
scope = {{ purpose = "resident-entry", mode = "identify", models = ["{"d" * 64}", "{"e" * 64}"] }}
[sign]
id = "main-sign"
inspection = {{ inspector = "front-desk", inspected = 2026-11-01T08:00:00+08:00, until = 2027-01-01T00:00:00Z }}
"""  # noqa: E501


@pytest.fixture
def decided(tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "policy.toml").write_text(TOML)
    return read_decided(tmp_path / "policy.toml")


def draft(decided: dict[str, Any], keys: SiteKeys = KEYS, version: int = 1) -> bytes:
    return draft_policy(decided, site="quay", version=version, keys=keys, devices=[DEVICE], now_s=NOW)


def as_policy(data: bytes) -> Policy:
    return Policy(VerifiedTarget("permission", POLICY_PATH, data), DeviceId("gate-1"))


def test_a_draft_is_completed_with_what_the_site_knows(decided: dict[str, Any]) -> None:
    document = as_policy(draft(decided)).document
    assert (document.site, document.version, document.single_key) == ("quay", 1, True)
    assert document.events_key == KEYS.events_public().hex()
    assert [key.key for key in document.enrolment_keys] == [KEYS.sign_public("enrolment").hex()]
    assert [(key.key, key.doors) for key in document.pass_keys] == [(KEYS.sign_public("pass").hex(), ("main",))]
    assert document.from_.timestamp() == int(NOW)
    assert document.until.timestamp() == int(NOW) + DAYS * 86_400 == document.pass_keys[0].until.timestamp()
    inspection = document.sign.inspection
    assert inspection is not None and inspection.inspected.timestamp() == 1_793_491_200


def test_a_site_of_several_keys_says_so(decided: dict[str, Any]) -> None:
    assert not as_policy(draft(decided, SiteKeys.fresh_for(OWN))).document.single_key


def test_dates_that_people_set_are_kept(decided: dict[str, Any]) -> None:
    dated = decided | {"from": "2026-12-01T00:00:00Z", "until": "2026-12-02T00:00:00Z"}
    document = as_policy(draft(dated)).document
    assert document.until.timestamp() - document.from_.timestamp() == 86_400


@pytest.mark.parametrize("field", ["site", "version", "devices", "events_key", "pass_keys", "single_key", "schema"])
def test_what_the_site_fills_in_is_not_for_people_to_set(decided: dict[str, Any], field: str) -> None:
    with pytest.raises(ConfigError, match=rf"policy: {field}: filled in by the site"):
        draft(decided | {field: "x"})


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"door": None}, "door"),
        ({"attempt": {}}, r"attempt\.dwell_s"),
        ({"margin_m": float("nan")}, "JSON compliant|not a number"),
        ({"margin_m": {1, 2}}, "a set has no place"),
        ({"mood": "good"}, "mood"),
        ({"until": "2020-01-01T00:00:00Z"}, "until must lie after from"),
    ],
)
def test_a_faulty_draft_is_refused_by_field(decided: dict[str, Any], changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        draft(decided | changes)


def test_the_next_version_changes_nothing_else(decided: dict[str, Any]) -> None:
    first = as_policy(draft(decided)).document
    second = as_policy(next_version(draft(decided), 2)).document
    assert second.version == 2
    assert second.model_copy(update={"version": 1}) == first


@pytest.mark.parametrize("data", [b"", b"{}", b"[1]", b'{"version": 1, "version": 2}'])
def test_what_is_no_policy_gets_no_version(data: bytes) -> None:
    with pytest.raises(ConfigError, match=r"policy\.json"):
        next_version(data, 2)


def test_a_policy_file_may_be_json(tmp_path: Path, decided: dict[str, Any]) -> None:
    (tmp_path / "policy.json").write_text(json.dumps(decided, default=str))
    assert as_policy(draft(read_decided(tmp_path / "policy.json"))).door == "main"


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("a.toml", b"place = ", "write the policy as TOML or JSON"),
        ("a.toml", b"place = 1\nplace = 2", "write the policy as TOML or JSON"),
        ("a.json", b"{", "write the policy as TOML or JSON"),
        ("a.json", b"[]", "not a table of fields"),
        ("a.json", b"[" * 100_000, "write the policy as TOML or JSON"),
        ("a.toml", b"\xff", "not UTF-8"),
    ],
)
def test_an_unreadable_policy_file_is_named(tmp_path: Path, name: str, data: bytes, says: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ConfigError, match=says) as caught:
        read_decided(tmp_path / name)
    assert name in str(caught.value) and len(str(caught.value).splitlines()) == 1


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    for read in (read_decided, read_device):
        with pytest.raises(ConfigError, match="No such file"):
            read(tmp_path / "none.json")


def test_a_devices_public_keys_are_read_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "device.json").write_text(json.dumps({"schema": "doorward/device/1", **DEVICE}))
    assert read_device(tmp_path / "device.json") == DEVICE
    (tmp_path / "device.json").write_text(f"DOORWARD:DEVICE:GATE-1:{'1' * 64}:{'2' * 64}\n")
    assert read_device(tmp_path / "device.json") == DEVICE


@pytest.mark.parametrize("data", ["{", "[]", "{}", '{"id": "gate-1"}', "[" * 100_000])
def test_what_is_no_device_file_is_named(tmp_path: Path, data: str) -> None:
    (tmp_path / "device.json").write_text(data)
    with pytest.raises(ConfigError, match=r"device\.json"):
        read_device(tmp_path / "device.json")


def test_a_device_with_a_bad_key_is_refused(decided: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"devices\.0\.box_key"):
        draft_policy(decided, site="quay", version=1, keys=KEYS, devices=[DEVICE | {"box_key": "zz"}], now_s=NOW)
