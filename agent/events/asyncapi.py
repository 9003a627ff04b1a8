"""The AsyncAPI 3 document of all topics, out of the types: `asyncapi.json` beside this file is what `document()` gives.

From the device's side: it sends telemetry, events and answers, it receives commands and acknowledgements. Payloads are
the closed schemas of `schemas/`, named by relative reference.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

from agent import __version__
from agent.events import wire
from agent.events.telemetry import schemas
from agent.events.wire import Kind

_FORMAT: Final = "application/schema+json;version=draft-2020-12"


@dataclass(frozen=True, slots=True)
class _Topic:
    path: str
    """Behind site and device."""
    action: Literal["send", "receive"]
    qos: Literal[0, 1]
    summary: str

    @property
    def name(self) -> str:
        return self.path.replace("/", "-")

    @property
    def retained(self) -> bool:
        return self.path in {kind.value for kind in wire.RETAINED}


_TOPICS: Final = (
    _Topic(
        Kind.STATUS.value,
        "send",
        1,
        "State, every unmet ground, versions, keys; signed by the recogniser. Messages with `by: link` are the link's "
        "own (last will, recogniser lost): `unverified`, they can only take trust away.",
    ),
    _Topic(
        Kind.COMPLIANCE.value,
        "send",
        1,
        "Each obligation: met or not, since when, on what evidence and until when; signed by the recogniser.",
    ),
    _Topic(
        Kind.METRICS.value,
        "send",
        0,
        "Times, rates, the queue, and decisions an hour in steps of five; signed by the recogniser. Of an outage they "
        "are let go, and counted.",
    ),
    _Topic(
        Kind.EVENTS.value,
        "send",
        1,
        "One decision, sealed to the site and signed by the recogniser. Never retained: whoever acts on a retained one "
        "opens a door for a replay.",
    ),
    _Topic("events/ack", "receive", 1, "The consumer holds an event; the nonce is from inside the sealed part."),
    _Topic(Kind.LEDGER.value, "send", 1, "The last signed checkpoint of the ledger."),
    _Topic(Kind.NOTICE.value, "send", 1, "What a passer-by's phone may read: purpose, notice, region, zones."),
    _Topic(
        "cmd",
        "receive",
        1,
        "`stop` and `check` need no signature, they only narrow; `resume` is signed, addressed, dated and numbered. "
        "Retained commands are ignored.",
    ),
    _Topic(
        "token",
        "receive",
        0,
        "A card or PIN that names somebody, where `broker.tokens` is set: it opens nothing by itself. "
        "Retained ones are ignored; the broker's access list says who may publish and read here.",
    ),
    _Topic(
        "open",
        "send",
        0,
        "An order to open a door that MQTT opens, signed by the recogniser: one door, once, within a second. Never "
        "retained; a controller checks signature, number and time.",
    ),
    _Topic(Kind.ACK.value, "send", 1, "What became of a command; signed by the recogniser."),
)


def document() -> dict[str, Any]:
    """AsyncAPI 3.0.0."""
    assert {topic.name for topic in _TOPICS} == schemas().keys()
    name = {"description": "Lower-case letters, digits and hyphens."}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Doorward on MQTT",
            "version": __version__,
            "description": "What a door says and hears. No picture, landmark, template, score, name or free text is on "
            "any topic.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic) for topic in _TOPICS},
        "operations": {
            f"{topic.action}-{topic.name}": {
                "action": topic.action,
                "channel": {"$ref": f"#/channels/{topic.name}"},
                "summary": topic.summary,
                "messages": [{"$ref": f"#/channels/{topic.name}/messages/{topic.name}"}],
                "bindings": {"mqtt": {"qos": topic.qos, "retain": topic.retained, "bindingVersion": "0.2.0"}},
            }
            for topic in _TOPICS
        },
        "components": {
            "messages": {
                topic.name: {
                    "name": topic.name,
                    "contentType": "application/json",
                    "payload": {"schemaFormat": _FORMAT, "schema": {"$ref": f"schemas/{topic.name}.json"}},
                }
                for topic in _TOPICS
            },
            "parameters": {"site": name, "device": name},
        },
    }


def _channel(topic: _Topic) -> dict[str, Any]:
    return {
        "address": f"{wire.TOPIC_ROOT}/{{site}}/{{device}}/{topic.path}",
        "summary": topic.summary,
        "messages": {topic.name: {"$ref": f"#/components/messages/{topic.name}"}},
        "parameters": {name: {"$ref": f"#/components/parameters/{name}"} for name in ("site", "device")},
    }
