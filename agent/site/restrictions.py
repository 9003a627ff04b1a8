"""Restrictions as the authority writes them: a withdrawal, a stop order, an extra zone, an incident, a lost pass.

Rules: each is one target of its own, named by its id, so that publishing one never touches another. A device keeps what
it has once seen until the restriction's own `until`; without one, for good. What is written here is read back by the
device's own reader before it is returned.
Leaves out: signing and publishing (repository.py).
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from agent.errors import ConfigError, PolicyError
from agent.gallery.passes_text import PREFIX, unbase45
from agent.policy.bundle import VerifiedTarget, restriction, utc
from agent.policy.document import read, read_json
from agent.policy.zones import Zone

_SCHEMA = "doorward/restriction/1"
_PASS = re.compile(r"[0-9a-f]{16}")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,53}")


def withdrawal(subject: str, until_s: float | None = None) -> tuple[str, bytes]:
    """One person's withdrawal of consent.

    Args:
        subject: the pseudonym in the gallery.
        until_s: Unix time at which devices may forget it; None: never.

    Returns:
        Path and bytes of the target.

    Raises:
        ConfigError: the subject is no pseudonym.
    """
    return _target(f"withdraw-{subject}", {"kind": "withdraw", "subject": subject}, until_s)


def stop_order(name: str, until_s: float | None = None) -> tuple[str, bytes]:
    """All recognition at the site stops; passes go on. Arguments and result as for `withdrawal`."""
    return _target(f"stop-{name}", {"kind": "stop"}, until_s)


def incident_record(name: str, at_s: float) -> tuple[str, bytes]:
    """A major incident: from then on no impact assessment of an earlier day counts. Result as for `withdrawal`."""
    return _target(f"incident-{name}", {"kind": "incident", "at": utc(at_s).isoformat()}, None)


def revoked_pass(pass_id: str) -> tuple[str, bytes]:
    """A pass opens nothing any more, at any door of the site. Result as for `withdrawal`.

    Args:
        pass_id: its number, 16 hex digits, or the text of its code.

    Raises:
        ConfigError: it is neither.
    """
    number = pass_id.lower()
    if pass_id.startswith(PREFIX):
        number = (unbase45(pass_id[len(PREFIX) :]) or b"")[9:17].hex()
    if not _PASS.fullmatch(number):
        raise ConfigError("pass: give its number (16 hex digits, printed when it was issued) or the text of its code")
    return _target(f"revoke-{number}", {"kind": "revoke-pass", "pass_id": number}, None)


def extra_zone(zone: Zone, until_s: float | None = None) -> tuple[str, bytes]:
    """A further no-recognition zone. Result as for `withdrawal`."""
    drawn = zone.model_dump(mode="json", by_alias=True, exclude_none=True)
    return _target(f"zone-{zone.id}", {"kind": "zone", "zone": drawn}, until_s)


def zone_drawn(path: Path, name: str | None = None) -> Zone:
    """Read a zone as a policy writes it, or a GeoJSON feature or geometry, which becomes one.

    Args:
        name: id of the zone; the file's own is taken where it gives one.

    Raises:
        ConfigError: it cannot be read, gives no id, or is no zone; every fault, one a line.
    """
    try:
        found = read_json(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; name a file that can be read") from None
    except ValueError as error:
        raise ConfigError(f"{path}: not readable as JSON ({error}); save the zone as GeoJSON") from None
    if not isinstance(found, dict):
        raise ConfigError(f"{path}: not a zone, nor a GeoJSON feature or geometry")
    if found.get("type") == "Feature":
        said = found.get("properties")
        own = {"id": found["id"]} if "id" in found else {}
        found = own | (said if isinstance(said, dict) else {}) | {"geometry": found.get("geometry")}
    elif "coordinates" in found:
        found = {"geometry": found}
    found = {"class": "other"} | found | ({} if name is None else {"id": name})
    try:
        return read(json.dumps(found).encode(), Zone, str(path))
    except PolicyError as error:
        raise ConfigError(str(error)) from None


def _target(name: str, body: dict[str, object], until_s: float | None) -> tuple[str, bytes]:
    if not _NAME.fullmatch(name.partition("-")[2]):  # not repeated in the message: it may be a person's name
        raise ConfigError("restriction: subjects and names are a-z, 0-9 and '-', at most 54 characters")
    path = f"restriction/{name}.json"
    document = {"schema": _SCHEMA, "id": name, **body}
    if until_s is not None:
        document["until"] = utc(until_s).isoformat()
    data = json.dumps(document, sort_keys=True).encode()
    try:
        restriction(VerifiedTarget("restriction", path, data))
    except PolicyError as error:
        raise ConfigError(str(error)) from None
    return path, data
