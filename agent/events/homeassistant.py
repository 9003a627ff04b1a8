"""Home Assistant: one device with its entities, by MQTT device discovery.

Made for the keys of device-based discovery as of Home Assistant 2024.11 (`device`, `origin`, `components`,
`availability` of homeassistant/components/mqtt/schemas.py, and those of its platforms binary_sensor, button, sensor);
tests/events/test_homeassistant.py holds them. Rules: entities read the topics that are published anyway; nothing is
published for them but this description. Home Assistant checks no signature: what it shows is for a look, and opens no
door. The button can only stop. Leaves out: when it is sent (app/link.py). Imports the standard library alone.
"""

from __future__ import annotations

import json
from typing import Any, Final

from agent.events import wire
from agent.events.wire import Kind

BIRTH: Final = b"online"
_OUTCOMES: Final = ("match", "no-match", "pass-accepted", "pass-refused", "too-late", "attack-denied", "exit")
"""The wire names of events/decision.py, which the link does not import."""
_STOP_MINUTES: Final = 60


def discovery_topic(prefix: str, site: str, device: str) -> str:
    """Retained; an empty message takes device and entities away."""
    wire.prefix(site, device)  # names, without wildcards
    return f"{prefix}/device/doorward-{site}/{device}/config"


def birth_topic(prefix: str) -> str:
    """Where Home Assistant says `online` when it has started."""
    return f"{prefix}/status"


def in_clear(status: bytes) -> bool:
    """Whether the recogniser says that the policy grants the class of outcomes; its link's own word says nothing."""
    body = json.loads(status).get("body")
    return isinstance(body, dict) and body.get("outcome_in_clear") is True


def discovery(site: str, device: str, *, agent: str, outcome_in_clear: bool) -> bytes:
    """The description of one door.

    Args:
        agent: version of this software.
        outcome_in_clear: the policy grants the class of the last decision; else there is no such entity.

    Raises:
        LinkError: site or device is no name.
    """
    topics = {kind: wire.topic(site, device, kind) for kind in Kind}
    unique = f"doorward_{site}_{device}".replace("-", "_")
    components = {
        key: {"unique_id": f"{unique}_{key}", **about} for key, about in _components(topics, outcome_in_clear).items()
    }
    components["stop"]["command_topic"] = wire.command_topic(site, device)
    return json.dumps(
        {
            "device": {
                "identifiers": [f"doorward:{site}:{device}"],
                "name": f"Doorward {device}",
                "manufacturer": "Doorward",
                "model": "Door camera agent",
                "sw_version": agent,
            },
            "origin": {"name": "doorward", "sw_version": agent},
            "availability": [
                {
                    "topic": topics[Kind.STATUS],
                    "value_template": "{{ 'online' if value_json is defined and value_json.by is not defined"
                    " else 'offline' }}",
                }
            ],
            "qos": 1,
            "components": components,
        },
        sort_keys=True,
        separators=(",", ":"),
    ).encode("ascii")


def _components(topics: dict[Kind, str], outcome_in_clear: bool) -> dict[str, dict[str, Any]]:
    status, compliance, metrics = topics[Kind.STATUS], topics[Kind.COMPLIANCE], topics[Kind.METRICS]
    found = {
        "recognition": _binary("Recognition allowed", status, "value_json.body.state == 'online'", None),
        "grounds": {
            "platform": "sensor",
            "name": "Grounds",
            "state_topic": status,
            "value_template": _told("(value_json.body.grounds | join(', ') or 'none')[:250]"),
            "icon": "mdi:shield-alert-outline",
        },
        "sign": _unmet("Sign", compliance, "sign-missing"),
        "zone": _unmet("Zone", compliance, "in-zone"),
        "camera": _binary("Camera", status, "'no-frames' in value_json.body.grounds", "problem"),
        "consents": _number("Consents", compliance, "consents", "mdi:account-check-outline"),
        "next_purge": _number("Next purge", metrics, "purge_in_days", "mdi:delete-clock-outline", "d"),
        "assessment": {
            "platform": "sensor",
            "name": "Impact assessment days left",
            "state_topic": compliance,
            "unit_of_measurement": "d",
            "icon": "mdi:file-clock-outline",
            "entity_category": "diagnostic",
            "value_template": _told(
                "((value_json.body.assessment_until_s - value_json.unix_s) / 86400) | round(0, 'floor') | int"
                " if value_json.body.assessment_until_s is number else none"
            ),
        },
        "filing": _number("People until the filing duty", compliance, "filing_left", "mdi:file-sign"),
        "queue": {**_number("Events not acknowledged", metrics, "queue", "mdi:tray-full"), "expire_after": 120},
        "temperature": {
            **_number("Temperature", metrics, "temperature_c", "mdi:thermometer", "°C"),
            "device_class": "temperature",
        },
        "throttled": _problem("Slowed by heat or power", metrics, "throttled"),
        "under_voltage": _problem("Supply too weak", metrics, "under_voltage"),
        "camera_restarts": _number("Camera restarts", metrics, "camera_restarts", "mdi:camera-retake-outline"),
        "stop": {
            "platform": "button",
            "name": "Stop recognition",
            "icon": "mdi:hand-back-right-outline",
            "payload_press": f'{{"kind":"stop","minutes":{_STOP_MINUTES},"v":1}}',
            "qos": 1,
            "retain": False,
        },
    }
    if outcome_in_clear:
        found["decision"] = {
            "platform": "sensor",
            "name": "Last decision",
            "state_topic": topics[Kind.EVENTS],
            "device_class": "enum",
            "options": list(_OUTCOMES),
            # An erasure is an event too, and no decision; `this` is the entity as it is shown.
            "value_template": "{{ value_json.outcome if value_json is defined and value_json.outcome is defined"
            f" else this.state if this.state in {list(_OUTCOMES)} else none }}}}",
        }
    return found


def _told(expression: str) -> str:
    """What the recogniser said. The link's own word has no body, and a topic that is emptied says nothing at all.

    Home Assistant logs an error for each template that stumbles over that.
    """
    return f"{{{{ ({expression}) if value_json is defined and value_json.body is defined else none }}}}"


def _binary(name: str, topic: str, condition: str, device_class: str | None) -> dict[str, Any]:
    found: dict[str, Any] = {
        "platform": "binary_sensor",
        "name": name,
        "state_topic": topic,
        "value_template": _told(f"'ON' if {condition} else 'OFF'"),
    }
    return found if device_class is None else {**found, "device_class": device_class}


def _problem(name: str, topic: str, field: str) -> dict[str, Any]:
    """Of the device itself; unknown while it does not say."""
    said = f"value_json.body.{field}"
    return {
        "platform": "binary_sensor",
        "name": name,
        "state_topic": topic,
        "device_class": "problem",
        "entity_category": "diagnostic",
        "value_template": _told(f"('ON' if {said} else 'OFF') if {said} is boolean else none"),
    }


def _unmet(name: str, topic: str, ground: str) -> dict[str, Any]:
    """A problem unless it is met, for a while at least, or does not bind: what is unknown refuses, too."""
    picked = f"value_json.body.obligations | selectattr('ground', 'eq', '{ground}') | map(attribute='state') | list"
    return {
        "platform": "binary_sensor",
        "name": name,
        "state_topic": topic,
        "device_class": "problem",
        "value_template": _told(f"'OFF' if ({picked}) in (['met'], ['expiring'], ['not-binding']) else 'ON'"),
    }


def _number(name: str, topic: str, field: str, icon: str, unit: str | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {
        "platform": "sensor",
        "name": name,
        "state_topic": topic,
        "icon": icon,
        "entity_category": "diagnostic",
        "value_template": _told(f"value_json.body.{field} | default(none)"),
    }
    return found if unit is None else {**found, "unit_of_measurement": unit}
