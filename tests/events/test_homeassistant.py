"""Home Assistant's discovery message, held to its schema as of release 2024.11, and its templates to real bodies.

The schema is written down here in our own words, after homeassistant/components/mqtt (schemas.py and the platforms):
which keys each may have. A key that is not there makes Home Assistant drop the whole message.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from agent.errors import LinkError
from agent.events import command, homeassistant, wire
from agent.events.bodies import Met
from agent.events.decision import Outcome
from agent.events.wire import Kind
from agent.policy.grounds import Ground
from agent.units import DeviceId, SiteId

SITE, DEVICE = SiteId("yard"), DeviceId("gate-1")
ROOT = {"device", "origin", "components", "availability", "qos"}
DEVICE_KEYS = {"identifiers", "name", "manufacturer", "model", "sw_version"}
ENTITY = {"platform", "unique_id", "name", "icon", "entity_category"}
PLATFORMS = {
    "binary_sensor": ENTITY | {"state_topic", "value_template", "device_class", "expire_after"},
    "sensor": ENTITY
    | {"state_topic", "value_template", "device_class", "expire_after", "options", "unit_of_measurement"},
    "button": ENTITY | {"command_topic", "payload_press", "qos", "retain"},
}
TOPIC = re.compile(r"(?P<component>\w+)/(?:(?P<node>[a-zA-Z0-9_-]+)/)?(?P<object>[a-zA-Z0-9_-]+)/config")


def described(*, in_clear: bool = True) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(homeassistant.discovery(SITE, DEVICE, agent="0.1.0", outcome_in_clear=in_clear))
    return found


def test_only_the_recogniser_says_what_is_granted() -> None:
    said = {"body": {"outcome_in_clear": True}}
    assert homeassistant.in_clear(json.dumps(said).encode()) and not homeassistant.in_clear(wire.OFFLINE)
    assert not homeassistant.in_clear(b'{"body":{"outcome_in_clear":false}}')


def test_topic_is_one_that_home_assistant_looks_at() -> None:
    topic = homeassistant.discovery_topic("homeassistant", SITE, DEVICE)
    found = TOPIC.fullmatch(topic.removeprefix("homeassistant/"))
    assert found is not None and found["component"] == "device"
    assert (found["node"], found["object"]) == ("doorward-yard", "gate-1")
    assert homeassistant.birth_topic("ha") == "ha/status"
    for site, device in (("a/b", "gate-1"), ("yard", "#")):
        with pytest.raises(LinkError):
            homeassistant.discovery_topic("homeassistant", site, device)


def test_every_key_is_one_that_the_release_knows() -> None:
    found = described()
    assert found.keys() == ROOT
    assert found["device"].keys() == DEVICE_KEYS and found["device"]["identifiers"]
    assert found["origin"].keys() == {"name", "sw_version"}
    assert [each.keys() for each in found["availability"]] == [{"topic", "value_template"}]
    for key, entity in found["components"].items():
        assert entity.keys() <= PLATFORMS[entity["platform"]], key
        assert {"platform", "unique_id", "name"} <= entity.keys()
        assert ("state_topic" in entity) == (entity["platform"] != "button")
        assert entity.get("entity_category") in (None, "diagnostic", "config")
    uniques = [entity["unique_id"] for entity in found["components"].values()]
    assert len(set(uniques)) == len(uniques)


def test_entities_read_what_is_published_anyway_and_nothing_of_other_devices() -> None:
    published = {wire.topic(SITE, DEVICE, kind) for kind in Kind}
    for entity in described()["components"].values():
        if entity["platform"] == "button":
            assert entity["command_topic"] == wire.command_topic(SITE, DEVICE)
        else:
            assert entity["state_topic"] in published


def test_what_an_operator_asks_for_is_there_and_the_last_decision_only_by_grant() -> None:
    always = {
        "recognition",
        "grounds",
        "sign",
        "zone",
        "camera",
        "consents",
        "next_purge",
        "assessment",
        "filing",
        "queue",
        "temperature",
        "throttled",
        "under_voltage",
        "camera_restarts",
    }
    assert described(in_clear=False)["components"].keys() == always | {"stop"}
    granted = described()["components"]
    assert granted.keys() == always | {"stop", "decision"}
    assert granted["decision"]["options"] == [outcome.value for outcome in Outcome]


def test_the_button_presses_a_command_that_only_narrows() -> None:
    payload = described()["components"]["stop"]["payload_press"].encode()
    found = command.judge(payload, site=SITE, device=DEVICE, keys=(), unix_s=None, taken=0)
    assert isinstance(found, command.Asked) and isinstance(found.command, command.Stop)


def test_no_template_stumbles_over_words_without_a_body_or_an_emptied_topic() -> None:
    found = described()
    (availability,) = found["availability"]
    assert availability["value_template"].startswith("{{ 'online' if value_json is defined and value_json.by is not")
    for key, entity in found["components"].items():
        if entity["platform"] == "button":
            continue
        said = "outcome" if key == "decision" else "body"
        guard = f" if value_json is defined and value_json.{said} is defined else "
        assert entity["value_template"].count(guard) == 1, key
        assert entity["value_template"].endswith("none }}"), key


def test_what_is_met_for_a_while_yet_or_does_not_bind_is_no_problem() -> None:
    for key in ("sign", "zone"):
        template = described()["components"][key]["value_template"]
        fine = re.findall(r"\['([a-z-]+)'\]", template)
        assert {Met(each) for each in fine} == {Met.MET, Met.EXPIRING, Met.NOT_BINDING}


def test_templates_name_only_fields_that_the_bodies_have() -> None:
    from agent.events.bodies import Compliance, Metrics, Status

    bodies = {Kind.STATUS: Status, Kind.COMPLIANCE: Compliance, Kind.METRICS: Metrics}
    for kind, body in bodies.items():
        topic = wire.topic(SITE, DEVICE, kind)
        for key, entity in described()["components"].items():
            if entity.get("state_topic") == topic:
                fields = set(re.findall(r"value_json\.body\.(\w+)", entity["value_template"]))
                known = {*body.model_fields, "purge_in_days"}  # the last is told once somebody's time is looked at
                assert fields and fields <= known, key
    for ground in re.findall(r"'eq', '([a-z-]+)'", json.dumps(described())):
        assert Ground(ground)
    assert Ground.NO_FRAMES.value in described()["components"]["camera"]["value_template"]
