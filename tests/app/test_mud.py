"""The MUD file: what RFC 8520 demands of its form, and that it allows no more than the config names."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from agent.app.config import DeviceConfig, load
from agent.app.mud import mud
from agent.errors import ConfigError
from tests.conftest import ROOT

URL = "https://mud.example/gate-1.json"
NOW_S = 1_800_000_000.0


def config(folder: Path, broker: str = "broker.example") -> DeviceConfig:
    text = (ROOT / "device_config/desktop.toml").read_text()
    for key, value in (
        ("directory", str(ROOT / "models")),
        ("file", str(ROOT / "scenes/cast")),
        ("repository", "https://site.example/"),
        ("host", broker),
    ):
        text = re.sub(rf'^{key} = ".*?"', f'{key} = "{value}"', text, flags=re.MULTILINE)
    file = folder / "device.toml"
    file.write_text(re.sub(r"^port = 1883", "port = 8883", text, flags=re.MULTILINE))
    return load(file)


def allowed(made: dict[str, Any], name: str) -> set[tuple[str, str, int]]:
    """Whom, by which protocol, to which port, one of the access lists lets it speak to."""
    (found,) = (each for each in made["ietf-access-control-list:acls"]["acl"] if each["name"].endswith(name))
    rules = set()
    for entry in found["aces"]["ace"]:
        assert entry["actions"] == {"forwarding": "accept"}
        matches = entry["matches"]
        family, kind = found["type"][:4], "tcp" if "tcp" in matches else "udp"
        assert matches[family]["protocol"] == {"tcp": 6, "udp": 17}[kind]
        place = {key: value for key, value in matches[family].items() if key != "protocol"}
        whom = next(iter(place.values())) if place else matches["ietf-mud:mud"]["controller"]
        end = "destination" if name.endswith("from") else "source"
        assert matches[kind][f"{end}-port"]["operator"] == "eq"
        if kind == "tcp":
            assert matches[kind]["ietf-mud:direction-initiated"] == "from-device"
        rules.add((whom, kind, matches[kind][f"{end}-port"]["port"]))
    return rules


def test_the_container_is_as_the_rfc_says(tmp_path: Path) -> None:
    made = mud(config(tmp_path), url=URL, ntp=("time.example",), now_s=NOW_S)
    about = made["ietf-mud:mud"]
    assert (about["mud-version"], about["mud-url"], about["is-supported"]) == (1, URL, True)
    assert about["last-update"] == "2027-01-15T08:00:00Z"
    assert 1 <= about["cache-validity"] <= 168
    assert len(about["systeminfo"]) <= 60
    named = {
        each["name"] for way in ("from", "to") for each in about[f"{way}-device-policy"]["access-lists"]["access-list"]
    }
    lists = made["ietf-access-control-list:acls"]["acl"]
    assert named == {each["name"] for each in lists}
    for each in lists:
        names = [entry["name"] for entry in each["aces"]["ace"]]
        assert len(names) == len(set(names))
        assert all(len(name) <= 64 for name in (each["name"], *names))


def test_it_allows_broker_repository_and_time_alone(tmp_path: Path) -> None:
    more = '[[broker.fallback]]\nhost = "second.example"\nport = 8884\n'
    made = mud(config(tmp_path), url=URL, ntp=("time.example",), now_s=NOW_S)
    names = "urn:ietf:params:mud:dns"
    expected = {
        ("broker.example", "tcp", 8883),
        ("site.example", "tcp", 443),
        ("time.example", "udp", 123),
        (names, "udp", 53),
        (names, "tcp", 53),
    }
    for name in ("ipv4-from", "ipv6-from", "ipv4-to", "ipv6-to"):
        assert allowed(made, name) == expected
    file = tmp_path / "device.toml"
    file.write_text(file.read_text() + more)
    second = mud(load(file), url=URL, ntp=(), now_s=NOW_S)
    assert ("second.example", "tcp", 8884) in allowed(second, "ipv4-from")


def test_an_address_is_of_one_family(tmp_path: Path) -> None:
    made = mud(config(tmp_path, broker="192.0.2.7"), url=URL, ntp=(), now_s=NOW_S)
    assert ("192.0.2.7/32", "tcp", 8883) in allowed(made, "ipv4-from")
    assert not [each for each in allowed(made, "ipv6-from") if each[2] == 8883]


def test_what_is_on_this_machine_needs_no_network(tmp_path: Path) -> None:
    made = mud(config(tmp_path, broker="127.0.0.1"), url=URL, ntp=(), now_s=NOW_S)
    assert not [each for each in allowed(made, "ipv4-from") if each[2] == 8883]


@pytest.mark.parametrize("url", ["http://mud.example/x.json", "mud.example", "https://"])
def test_it_is_served_by_https(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigError, match="--url"):
        mud(config(tmp_path), url=url, ntp=(), now_s=NOW_S)


def test_a_camera_of_the_network_is_among_them(tmp_path: Path) -> None:
    config(tmp_path)
    file = tmp_path / "device.toml"
    text = re.sub(r'kind = "recording"\nfile = .*', 'kind = "rtsp"\naddress = "ADDRESS"', file.read_text())
    for address, port in (("rtsp://192.0.2.7/a", 554), ("rtsps://192.0.2.7/a", 322), ("rtsp://192.0.2.7:8554/a", 8554)):
        file.write_text(text.replace("ADDRESS", address))
        made = mud(load(file), url=URL, ntp=(), now_s=NOW_S)
        assert ("192.0.2.7/32", "tcp", port) in allowed(made, "ipv4-from")
        assert not [rule for rule in allowed(made, "ipv6-from") if rule[2] == port]
