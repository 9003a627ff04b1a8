"""What this device says to the network of itself: a MUD file (RFC 8520), so that a router lets it speak to no one else.

Rules: made from the device config alone; the broker, the site repository, a camera of the network, name and time
servers, nothing else, and nobody may open a connection to it. Leaves out: the signature beside it (RFC 8520, 13), which
is the publisher's.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit

from agent import __version__
from agent.app.config import DeviceConfig
from agent.app.config_camera import RtspCamera
from agent.errors import ConfigError

_TCP, _UDP = 6, 17
_NTP, _DNS = 123, 53
_RTSP: Final = {"rtsp": 554, "rtsps": 322}
_VALID_H: Final = 48
"""RFC 8520, 3.5: how long a copy is good."""
_LOCAL: Final = ("localhost", "127.0.0.1", "::1")


def mud(config: DeviceConfig, *, url: str, ntp: tuple[str, ...], now_s: float) -> dict[str, Any]:
    """The MUD file as JSON.

    Args:
        url: where it will be served; the device names it, for instance by DHCP.
        ntp: hosts of the time servers.

    Raises:
        ConfigError: the address is no `https` one, as RFC 8520 demands.
    """
    if urlsplit(url).scheme != "https" or not urlsplit(url).hostname:
        raise ConfigError("--url: a MUD file is served by https; name the address where it will be")
    name = f"doorward-{config.site.name}-{config.device.id}"[:60]
    hosts = list(dict.fromkeys(_hosts(config, ntp)))
    lists = [(way, family) for way in ("from", "to") for family in ("ipv4", "ipv6")]
    return {
        "ietf-mud:mud": {
            "mud-version": 1,
            "mud-url": url,
            "last-update": datetime.fromtimestamp(now_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "cache-validity": _VALID_H,
            "is-supported": True,
            "systeminfo": f"Doorward door camera {config.device.id}"[:60],
            "mfg-name": "Doorward",
            "software-rev": __version__,
            **{
                f"{way}-device-policy": {
                    "access-lists": {"access-list": [{"name": f"{name}-{family}-{way}"} for family in ("ipv4", "ipv6")]}
                }
                for way in ("from", "to")
            },
        },
        "ietf-access-control-list:acls": {
            "acl": [
                {
                    "name": f"{name}-{family}-{way}",
                    "type": f"{family}-acl-type",
                    "aces": {"ace": [_entry(each, way, family) for each in hosts if _fits(each[0], family)]},
                }
                for way, family in lists
            ]
        },
    }


def _hosts(config: DeviceConfig, ntp: tuple[str, ...]) -> Iterator[tuple[str | None, int, int]]:
    """Host (None: the name servers of the network), protocol, port."""
    repository = urlsplit(config.site.repository)
    broker = config.broker
    named = [
        (broker.host, _TCP, broker.port),
        *((each.host, _TCP, each.port) for each in broker.fallback),
        (repository.hostname or "", _TCP, repository.port or (443 if repository.scheme == "https" else 80)),
        *((host, _UDP, _NTP) for host in ntp),
        *_camera(config),
    ]
    yield from (each for each in named if each[0] not in _LOCAL)
    yield None, _UDP, _DNS
    yield None, _TCP, _DNS


def _camera(config: DeviceConfig) -> Iterator[tuple[str, int, int]]:
    """Of the network: the port of RTSP, by which the frames come too."""
    if isinstance(config.camera, RtspCamera):
        camera = urlsplit(config.camera.address)
        yield camera.hostname or "", _TCP, camera.port or _RTSP[camera.scheme]


def _fits(host: str | None, family: str) -> bool:
    """A name has both kinds of address, an address is of one."""
    try:
        return host is None or f"ipv{ipaddress.ip_address(host).version}" == family
    except ValueError:
        return True


def _entry(whom: tuple[str | None, int, int], way: str, family: str) -> dict[str, Any]:
    host, protocol, port = whom
    matches: dict[str, Any] = {}
    end = "destination" if way == "from" else "source"
    if host is None:
        matches["ietf-mud:mud"] = {"controller": "urn:ietf:params:mud:dns"}
        matches[family] = {"protocol": protocol}
    else:
        matches[family] = {"protocol": protocol, **_address(host, end, family)}
    ports = {f"{end}-port": {"operator": "eq", "port": port}}
    kind = "tcp" if protocol == _TCP else "udp"
    # Only the device begins to speak.
    begun = {"ietf-mud:direction-initiated": "from-device"} if protocol == _TCP else {}
    matches[kind] = {**begun, **ports}
    return {
        "name": f"{(host or 'dns').replace(':', '-')}-{kind}-{port}-{way}"[:64],
        "matches": matches,
        "actions": {"forwarding": "accept"},
    }


def _address(host: str, end: str, family: str) -> dict[str, str]:
    bits = 32 if family == "ipv4" else 128
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return {f"ietf-acldns:{'dst' if end == 'destination' else 'src'}-dnsname": host}
    return {f"{end}-{family}-network": f"{host}/{bits}"}
