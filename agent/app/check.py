"""What an installer wants to know before going down the ladder: the clock, the repository, and the way to each broker.

Rules: it looks and changes nothing. It comes as a client of its own name, so that a running link is not thrown out, and
what it publishes to try the access list is empty, not retained, and no message of anybody's. Each finding that is a
fault says what to do. Leaves out: the config itself (config.py), the policy (`doorward policy why`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum, unique
from pathlib import Path
from queue import Empty, Queue
from typing import Final

from agent.adapters.fetch import Repository
from agent.adapters.mqtt import Address, Broker, Connection, Tls, tls_context
from agent.adapters.reach import Failed, Fault, addresses_of, day, port_open, read_pem, secured
from agent.app.brokers import TO_DO, addresses
from agent.app.link_settings import LinkSettings
from agent.app.timekeeping import BUILT_S
from agent.events import wire
from agent.events.wire import FetchOutcome, Kind
from agent.policy.proof import SOON_DAYS

_WAIT_S: Final = 6.0
_STEP_S: Final = 60.0
_DAY_S: Final = 86_400.0
_OWN_MOST: Final = 8
"""Certificates in a file that somebody made for one site; a system's bundle has more than a hundred."""


@unique
class Level(StrEnum):
    GOOD = "good"
    WARNING = "warning"
    FAULT = "FAULT"


@dataclass(frozen=True, slots=True)
class Finding:
    level: Level
    what: str
    words: str
    """What was found and, unless it is good, what to do."""


def findings(settings: LinkSettings, now_s: float) -> Iterator[Finding]:
    """Everything that is found, each as soon as it is; a step that needs one that failed is left out.

    Args:
        now_s: the system's clock.

    Raises:
        ConfigError: a certificate, key or password file cannot be used.
    """
    yield from _clock(settings, now_s)
    ours = _own_name(settings)
    broker_files = (("broker.tls.ca", settings.ca), ("broker.tls.certificate", settings.cert)) if settings.tls else ()
    for what, file in (*broker_files, ("site.repository_ca", settings.repository_ca)):
        if file is not None:
            yield from _file_dates(what, file, now_s)
    for address in addresses(settings):
        yield from _broker(settings, address, ours, now_s)


def _clock(settings: LinkSettings, now_s: float) -> Iterator[Finding]:
    """The system's clock against this release and against what the site signed last (which is not verified here)."""
    shown = datetime.fromtimestamp(now_s, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    set_it = "set it (timedatectl set-time, or let it reach a time server: timedatectl set-ntp true)"
    if now_s < BUILT_S:
        yield Finding(Level.FAULT, "clock", f"{shown} is before this release was made; {set_it}")
        return
    if settings.repository_url is None:
        yield Finding(Level.GOOD, "clock", f"{shown}; no repository to hold it against")
        return
    outcome, data = Repository(settings.repository_url, settings.repository_ca).fetch("metadata/timestamp.json", 65_536)
    if outcome is not FetchOutcome.BYTES:
        to_do = {
            FetchOutcome.ABSENT: "there is no metadata/timestamp.json; copy the whole of SITE/repository there",
            FetchOutcome.REFUSED: "it refuses; look at site.repository_ca, its certificate and the web server's log",
        }.get(outcome, "no answer; look at site.repository, name server, network and whether the web server runs")
        yield Finding(Level.GOOD, "clock", f"{shown}; nothing to hold it against")
        yield Finding(Level.FAULT, "repository", f"{settings.repository_url}: {to_do}")
        return
    try:
        signed = json.loads(data)["signed"]
        issued_s, until_s = float(signed["issued"]), datetime.fromisoformat(signed["expires"]).timestamp()
    except (ValueError, KeyError, TypeError):
        yield Finding(
            Level.FAULT, "repository", f"{settings.repository_url}: no timestamp of a site; correct the address"
        )
        return
    if now_s < issued_s - _STEP_S:
        yield Finding(Level.FAULT, "clock", f"{shown} is before the site's last signature; {set_it}")
    elif now_s > until_s:
        yield Finding(Level.FAULT, "clock", f"{shown} is after the site's lease; {set_it}, or 'doorward site renew'")
    else:
        yield Finding(Level.GOOD, "clock", shown)
    yield Finding(Level.GOOD, "repository", settings.repository_url)


def _file_dates(what: str, file: Path, now_s: float) -> Iterator[Finding]:
    """Each certificate of a file; of a system's authorities, of which some always end soon, only how many serve."""
    held = read_pem(what, file)
    if len(held) > _OWN_MOST:
        serve = sum(each.from_s <= now_s <= each.until_s for each in held)
        level, todo = (Level.GOOD, "") if serve else (Level.FAULT, "; look at the clock, or update ca-certificates")
        yield Finding(level, what, f"{file.name}: {serve} of {len(held)} authorities serve today{todo}")
        return
    for each in held:
        yield _dates(what, f"{file.name} ({each.name})" if each.name else file.name, each.from_s, each.until_s, now_s)


def _dates(what: str, whose: str, from_s: float, until_s: float, now_s: float) -> Finding:
    left = round((until_s - now_s) / _DAY_S)
    if now_s > until_s:
        return Finding(Level.FAULT, what, f"{whose} ended on {day(until_s)}; issue a new one")
    if now_s < from_s:
        return Finding(
            Level.FAULT, what, f"{whose} begins on {day(from_s)}; look at the clock, here and where it was made"
        )
    if left < SOON_DAYS:
        days = "today" if left == 0 else "in 1 day" if left == 1 else f"in {left} days"
        return Finding(Level.WARNING, what, f"{whose} ends {days}, on {day(until_s)}; issue a new one before")
    return Finding(Level.GOOD, what, f"{whose} until {day(until_s)}")


def _own_name(settings: LinkSettings) -> str:
    """By whom the broker will take us, in words."""
    if settings.user is not None:
        return f"user {settings.user}"
    if settings.tls and settings.cert is not None:
        return f"certificate of {read_pem('broker.tls.certificate', settings.cert)[0].name or 'nobody'}"
    return "nobody (no certificate and no user)"


def _broker(settings: LinkSettings, address: Address, ours: str, now_s: float) -> Iterator[Finding]:
    what = f"broker {address}"
    found = addresses_of(address.host, address.port)
    if isinstance(found, Failed):
        yield Finding(Level.FAULT, what, _way_words(found, address, ours))
        return
    failed = port_open(address.host, address.port, _WAIT_S)
    if failed is not None:
        yield Finding(Level.FAULT, what, f"{', '.join(found)}: {_way_words(failed, address, ours)}")
        return
    yield Finding(Level.GOOD, what, f"{', '.join(found)}: port open")
    if address.tls is not None:
        way = secured(address.host, address.port, tls_context(address.tls), _WAIT_S)
        if isinstance(way, Failed):
            yield Finding(Level.FAULT, what, _way_words(way, address, ours))
            return
        shown = way.certificate
        yield _dates(what, f"{way.version}, its certificate", shown.from_s, shown.until_s, now_s)
    yield from _login(settings, address, what, ours)


def _way_words(failed: Failed, address: Address, ours: str) -> str:
    tls = address.tls or Tls()
    trusted = "the system's authorities" if tls.ca is None else tls.ca.name
    words = {
        Fault.NO_NAME: f"no such host; correct broker.host ({address.host})",
        Fault.NO_NAME_SERVER: "no name server answers; look at the network and /etc/resolv.conf",
        Fault.CLOSED: f"nothing listens at port {address.port}; look at broker.port, and whether the broker runs",
        Fault.SILENT: f"{failed.detail}; look at broker.host and at firewalls on the way",
        Fault.NO_WAY: f"{failed.detail}; look at the network",
        Fault.EXPIRED: f"its certificate is over ({failed.detail}); issue a new one for the broker and restart it",
        Fault.NOT_YET: f"its certificate is not valid yet ({failed.detail}); look at the clock, here and where it was "
        "made",
        Fault.OTHER_NAME: f"its certificate is for {failed.detail or 'another host'}, not for {address.host}; write "
        f"that name in broker.host, or issue one with subjectAltName for {address.host}",
        Fault.NO_AUTHORITY: f"its certificate is not of {trusted} ({failed.detail}); copy the CA that issued it "
        "to broker.tls.ca",
        Fault.OURS_REFUSED: f"it does not accept this device, {ours} ({failed.detail}); look at "
        "broker.tls.certificate, its dates, and cafile of the broker",
        Fault.NO_TLS: f"no TLS of 1.2 or later ({failed.detail}); look at broker.port and the broker's certfile",
    }
    return words[failed.fault]


def _login(settings: LinkSettings, address: Address, what: str, ours: str) -> Iterator[Finding]:
    with _Client(settings, address) as client:
        state, detail = client.entered()
        if state is Broker.CONNECTED:
            yield Finding(Level.GOOD, what, f"let in as {ours}, MQTT {address.protocol}")
            yield _topics(settings, client, what, ours)
            return
    if state is Broker.NOT_AUTHORISED:
        yield Finding(Level.FAULT, what, f"does not let in {ours}: {detail}; {TO_DO[state]}")
        return
    other = replace(address, protocol="3.1.1" if address.protocol == "5" else "5")
    with _Client(settings, other) as client:
        if client.entered()[0] is Broker.CONNECTED:
            words = f'speaks MQTT {other.protocol} and not {address.protocol}; set broker.protocol = "{other.protocol}"'
            yield Finding(Level.FAULT, what, words)
            return
    secret = "if it wants TLS, add [broker.tls]; " if address.tls is None and state is Broker.UNREACHABLE else ""
    yield Finding(Level.FAULT, what, f"{detail}; {secret}{TO_DO[state]}")


def _topics(settings: LinkSettings, client: _Client, what: str, ours: str) -> Finding:
    if client.address.protocol != "5":
        return Finding(Level.GOOD, what, "its access list cannot be tried: MQTT 3.1.1 does not tell")
    kinds, prefix = list(Kind), wire.prefix(settings.site, settings.device)
    denied = client.denied([wire.topic(settings.site, settings.device, kind) for kind in kinds])
    if denied is None:
        words = f"acknowledges nothing within {_WAIT_S:g} s; look at the broker's log and disk"
        return Finding(Level.FAULT, what, words)
    if denied:
        words = (
            f"may not write {prefix}/ {', '.join(kinds[place] for place in denied)}; correct the access list for {ours}"
        )
        if settings.device not in ours.split():
            words += f" (that of device_config/mosquitto wants the name {settings.device})"
        return Finding(Level.FAULT, what, words)
    return Finding(Level.GOOD, what, f"may write {prefix}/ {', '.join(kinds)}")


class _Client:
    """One connection for as long as the block lasts."""

    def __init__(self, settings: LinkSettings, address: Address) -> None:
        self.address = address
        self._states: Queue[tuple[Broker, str]] = Queue()
        self._answers: Queue[tuple[int | None, bool]] = Queue()
        self._connection = Connection(
            address,
            f"doorward-{settings.site}-{settings.device}-check",
            changed=lambda state, detail: self._states.put((state, detail)),
            published=lambda token: self._answers.put((token, True)),
            refused=lambda token, reason: self._answers.put((token, False)),
        )

    def __enter__(self) -> _Client:
        self._connection.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._connection.close()

    def entered(self) -> tuple[Broker, str]:
        """What the broker made of us, and why."""
        try:
            return self._states.get(timeout=2 * _WAIT_S)
        except Empty:
            return Broker.UNREACHABLE, "it takes connections and does not answer"

    def denied(self, topics: list[str]) -> list[int] | None:
        """Places of the topics on which it takes nothing of ours; None when it does not answer."""
        for place, topic in enumerate(topics):
            self._connection.publish(topic, b"", qos=1, retain=False, token=place)
        try:
            answers = [self._answers.get(timeout=_WAIT_S) for _ in topics]
        except Empty:
            return None
        return sorted(place for place, taken in answers if place is not None and not taken)
