"""Orders to open a door: forged, repeated, retained, late and foreign ones open nothing, in Python and in JavaScript.

`docs/vectors/orders.json` is made by `python -m tests.events.test_order --write`; its keys are for tests alone.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import crypto
from agent.crypto import SignPublic, SignSecret
from agent.events import wire
from agent.events.order import APART_S, GOOD_FOR_S, Opener, sign_order
from agent.events.seal import canonical
from agent.units import DeviceId, DoorId, SiteId
from tests.events.test_vectors import DOCS, node

FILE = DOCS / "vectors" / "orders.json"
SITE, DEVICE, OTHER, DOOR, NOW_S = SiteId("yard"), DeviceId("gate-1"), DeviceId("gate-2"), DoorId("main"), 1.8e9
SECRET, SECOND = SignSecret(bytes(range(32))), SignSecret(bytes(range(1, 33)))
KEYS = {DEVICE: crypto.sign_public(SECRET), OTHER: crypto.sign_public(SECOND)}
TOPIC, ITS_TOPIC = wire.order_topic(SITE, DEVICE), wire.order_topic(SITE, OTHER)


def order(
    sequence: int,
    *,
    ends_s: float = NOW_S + 0.7,
    door: DoorId = DOOR,
    site: SiteId = SITE,
    device: DeviceId = DEVICE,
    secret: SignSecret = SECRET,
) -> bytes:
    return sign_order(door, sequence=sequence, not_after_s=ends_s, site=site, device=device, secret=secret)


def made() -> dict[str, Any]:
    first, held_back = order(1), order(2)
    longer = canonical({**json.loads(order(12)), "not_after_ms": 2**52})
    named = [
        ("an order", first, TOPIC, False, True),
        ("repeated", first, TOPIC, False, False),
        ("retained", order(3), TOPIC, True, False),
        ("the next one", order(4), TOPIC, False, True),
        ("an older one that was held back", held_back, TOPIC, False, False),
        ("its last millisecond is over", order(5, ends_s=NOW_S), TOPIC, False, False),
        ("held back, and sent again when the clock would let it", order(5), TOPIC, False, False),
        ("an hour late", order(6, ends_s=NOW_S - 3600), TOPIC, False, False),
        ("from a clock that runs ahead", order(7, ends_s=NOW_S + 1.251), TOPIC, False, False),
        ("for another door", order(8, door=DoorId("back")), TOPIC, False, False),
        ("of another site", order(9, site=SiteId("park")), TOPIC, False, False),
        ("signed by somebody else", order(10, secret=SignSecret(bytes(32))), TOPIC, False, False),
        ("of another device, on this one's topic", order(11, device=OTHER, secret=SECOND), TOPIC, False, False),
        ("its own, on its own topic", order(1, device=OTHER, secret=SECOND), ITS_TOPIC, False, True),
        ("a later end than was signed", longer, TOPIC, False, False),
        ("with a space", order(13).replace(b",", b", ", 1), TOPIC, False, False),
        ("no JSON", b"{", TOPIC, False, False),
        ("on a topic of somebody else's", order(14), TOPIC.replace("yard", "park"), False, False),
        ("a number beyond 2^53", order(2**60 + 1), TOPIC, False, True),
        ("one below it that doubles round to the same", order(2**60), TOPIC, False, False),
    ]
    return {
        "about": "Orders in their order for what opens one door; keys for tests alone. See docs/consumers.md.",
        "site": SITE,
        "door": DOOR,
        "devices": {device: key.hex() for device, key in KEYS.items()},
        "unix_s": NOW_S,
        "messages": [
            {"name": name, "topic": topic, "retained": retained, "payload": payload.decode(), "opens": opens}
            for name, payload, topic, retained, opens in named
        ],
    }


def test_the_file_is_what_this_makes() -> None:
    assert json.loads(FILE.read_text("utf-8")) == json.loads(json.dumps(made()))


def test_this_library_makes_of_each_what_the_file_says() -> None:
    found = json.loads(FILE.read_text("utf-8"))
    keys = {DeviceId(device): SignPublic(bytes.fromhex(key)) for device, key in found["devices"].items()}
    opener = Opener(SiteId(found["site"]), DoorId(found["door"]), keys)
    for each in found["messages"]:
        judged = opener.take(each["topic"], each["payload"].encode(), retained=each["retained"], unix_s=found["unix_s"])
        assert judged.opens is each["opens"], each["name"]
        assert bool(judged.reason) is not judged.opens


def test_the_javascript_of_the_documentation_does_the_same(tmp_path: Path) -> None:
    _, snippet = re.findall(r"```js\n(.*?)```", (DOCS / "consumers.md").read_text("utf-8"), re.DOTALL)
    script = tmp_path / "run.mjs"
    script.write_text(
        snippet
        + """
import { readFileSync } from "node:fs";
const found = JSON.parse(readFileSync(process.argv[2], "utf8"));
const opens = opener(found);
console.log(JSON.stringify(found.messages.map((each) =>
  opens(each.topic, Buffer.from(each.payload), each.retained, found.unix_s))));
"""
    )
    run = subprocess.run([node(), script, FILE], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    found = json.loads(FILE.read_text("utf-8"))
    for each, opened in zip(found["messages"], json.loads(run.stdout), strict=True):
        assert opened is each["opens"], each["name"]


@pytest.mark.parametrize(("after_s", "opens"), [(-0.54, True), (-0.56, False), (0.0, True), (0.69, True), (0.7, False)])
def test_it_is_good_for_a_second_and_a_clock_may_be_a_little_behind(after_s: float, opens: bool) -> None:
    judged = Opener(SITE, DOOR, KEYS).take(TOPIC, order(1), retained=False, unix_s=NOW_S + after_s)
    assert judged.opens is opens and (GOOD_FOR_S, APART_S) == (1.0, 0.25)


def test_a_restart_that_remembers_the_newest_opens_for_no_repeated_order() -> None:
    opener = Opener(SITE, DOOR, KEYS)
    assert opener.take(TOPIC, order(7), retained=False, unix_s=NOW_S).opens
    kept = json.loads(json.dumps(opener.newest()))
    again = Opener(SITE, DOOR, KEYS, kept)
    assert not again.take(TOPIC, order(7), retained=False, unix_s=NOW_S).opens
    assert again.take(TOPIC, order(8), retained=False, unix_s=NOW_S).opens
    new_keys = {DEVICE: crypto.sign_public(SECOND)}
    made_anew = Opener(SITE, DOOR, new_keys, kept)
    assert made_anew.take(TOPIC, order(1, secret=SECOND), retained=False, unix_s=NOW_S).opens, "it counts anew"


@given(st.integers(0, 400), st.binary(max_size=4))
def test_no_changed_byte_opens(at: int, put: bytes) -> None:
    whole = order(1)
    changed = whole[:at] + put + whole[at + len(put) :]
    judged = Opener(SITE, DOOR, KEYS).take(TOPIC, changed, retained=False, unix_s=NOW_S)
    assert judged.opens is (changed == whole)


def test_it_names_nobody() -> None:
    assert json.loads(order(1)).keys() == {"v", "site", "device", "sequence", "not_after_ms", "door", "signature"}


if __name__ == "__main__" and "--write" in sys.argv:
    FILE.write_text(json.dumps(made(), indent=1) + "\n", "utf-8")
