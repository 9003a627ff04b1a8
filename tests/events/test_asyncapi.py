"""The AsyncAPI document: current, whole, and of one mind with the topics and schemas of the code."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from agent.events import wire
from agent.events.asyncapi import document
from agent.events.wire import Kind

FILE = Path(__file__).resolve().parents[2] / "agent" / "events" / "asyncapi.json"


def text() -> str:
    return json.dumps(document(), indent=2, sort_keys=True) + "\n"


def test_the_file_is_that_of_the_code() -> None:
    assert FILE.read_text("utf-8") == text(), "run: python -m tests.events.test_asyncapi --write"


def references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if "$ref" in value else []
        return own + [found for each in value.values() for found in references(each)]
    return [found for each in value for found in references(each)] if isinstance(value, list) else []


def test_every_reference_leads_somewhere() -> None:
    found = document()
    assert found["asyncapi"] == "3.0.0" and {"title", "version"} <= found["info"].keys()
    for reference in references(found):
        if reference.startswith("#/"):
            at: Any = found
            for part in reference[2:].split("/"):
                at = at[part]
        else:
            assert json.loads((FILE.parent / reference).read_text())["$schema"]


def test_channels_are_the_topics_and_say_what_is_retained() -> None:
    found = document()
    addresses = {channel["address"].format(site="yard", device="gate-1") for channel in found["channels"].values()}
    topics = {wire.topic("yard", "gate-1", kind) for kind in Kind}
    assert addresses == topics | {
        each("yard", "gate-1")
        for each in (wire.acknowledge_topic, wire.command_topic, wire.token_topic, wire.order_topic)
    }
    assert [each["action"] for each in found["operations"].values()].count("receive") == 3
    retained = {
        each["channel"]["$ref"].rsplit("/")[-1]
        for each in found["operations"].values()
        if each["bindings"]["mqtt"]["retain"]
    }
    assert retained == {kind.value for kind in wire.RETAINED}


if __name__ == "__main__" and "--write" in sys.argv:
    FILE.write_text(text(), "utf-8")
