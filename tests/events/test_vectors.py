"""Vectors for consumers in other languages: messages in their order, and what must be made of each.

The keys in the file are for tests alone. The snippet of docs/consumers.md is run over the same file by Node.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest

from agent import crypto
from agent.crypto import BoxSecret, SignPublic, SignSecret
from agent.events import wire
from agent.events.acknowledge import acknowledgement
from agent.events.consume import Consumer
from agent.events.decision import Decision, Outcome
from agent.events.seal import Addressee, canonical, seal_erasure, seal_event
from agent.events.wire import Kind
from agent.units import DeviceId, DoorId, SiteId, SubjectId

DOCS = Path(__file__).resolve().parents[2] / "docs"
FILE = DOCS / "vectors" / "events.json"
SITE, DEVICE, DOOR, NOW_S = SiteId("yard"), DeviceId("gate-1"), DoorId("main"), 1_800_000_000.0
SIGN, BOX = SignSecret(bytes(range(32))), BoxSecret(bytes(range(32, 64)))


def made() -> dict[str, Any]:
    """The file, with fresh ciphertexts."""

    def event(sequence: int, *, at_s: float = NOW_S, sign: SignSecret = SIGN, box: BoxSecret = BOX) -> bytes:
        outcome = Outcome.MATCH if sequence % 2 else Outcome.NO_MATCH
        subject = SubjectId("p-7") if sequence % 2 else None
        return seal_event(
            Decision(outcome, DOOR, at_s, 1, 1, 3, subject=subject),
            sequence=sequence,
            site=SITE,
            device=DEVICE,
            events_key=crypto.box_public(box),
            sign_secret=sign,
            outcome_in_clear=sequence == 1,
        ).envelope

    first, second, third = event(1), event(2), event(3)
    old, huge = event(4, at_s=NOW_S - 3600), event(2**60 + 1)
    changed = canonical({**json.loads(event(5)), "not_after_ms": 2**52})
    topic = wire.topic(SITE, DEVICE, Kind.EVENTS)
    receipt = seal_erasure(
        canonical({"reason": "withdrawn", "site": SITE, "device": DEVICE}),
        unix_s=NOW_S,
        sequence=2**60 + 2,
        site=SITE,
        device=DEVICE,
        addressee=Addressee(crypto.box_public(BOX), DOOR),
        sign_secret=SIGN,
    ).envelope
    named: list[tuple[str, bytes, str, bool, str]] = [
        ("the first event", first, topic, False, "act"),
        ("the same once more", first, topic, False, "again"),
        ("retained", second, topic, True, "refused"),
        ("a newer one first", third, topic, False, "act"),
        ("an older number behind it", second, topic, False, "record"),
        ("an hour late", old, topic, False, "record"),
        ("signed by somebody else", event(6, sign=SignSecret(bytes(32))), topic, False, "refused"),
        ("a later end than the device signed", changed, topic, False, "refused"),
        ("sealed to another key", event(7, box=BoxSecret(bytes(32))), topic, False, "refused"),
        ("on the topic of another device", event(8), topic.replace(DEVICE, "gate-2"), False, "refused"),
        ("with a space", event(9).replace(b",", b", ", 1), topic, False, "refused"),
        ("no JSON", b"{", topic, False, "refused"),
        ("a number beyond 2^53", huge, topic, False, "act"),
        ("the receipt of an erasure", receipt, topic, False, "record"),
        ("repeated at the end", third, topic, False, "again"),
    ]
    return {
        "about": "Messages in order for one consumer; keys for tests alone. See docs/consumers.md.",
        "site": SITE,
        "device": DEVICE,
        "device_key": crypto.sign_public(SIGN).hex(),
        "events_secret": BOX.hex(),
        "events_public": crypto.box_public(BOX).hex(),
        "unix_s": NOW_S + 1,
        "messages": [
            {
                "name": name,
                "topic": where,
                "retained": retained,
                "payload": payload.decode(),
                "sealed_part": _opened(payload),
                "verdict": verdict,
            }
            for name, payload, where, retained, verdict in named
        ],
    }


def _opened(payload: bytes) -> str | None:
    """What the site's key makes of the sealed part, padding and all, in hex."""
    try:
        opened = crypto.open_sealed(BOX, b64decode(json.loads(payload)["sealed"]))
    except ValueError:
        return None
    return None if opened is None else opened.hex()


def vectors() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
    return found


@pytest.mark.parametrize("fresh", [False, True])
def test_this_library_makes_of_each_what_the_file_says(fresh: bool) -> None:
    found = made() if fresh else vectors()
    key = SignPublic(bytes.fromhex(found["device_key"]))
    ours = Consumer(SITE, BoxSecret(bytes.fromhex(found["events_secret"])), {DEVICE: key})
    for each in found["messages"]:
        taken = ours.take(each["topic"], each["payload"].encode(), retained=each["retained"], unix_s=found["unix_s"])
        assert taken.verdict.value == each["verdict"], each["name"]


def node() -> str:
    import playwright

    bundled = Path(playwright.__file__).parent / "driver" / "node"
    return str(bundled) if bundled.exists() else shutil.which("node") or "node"


def test_the_javascript_of_the_documentation_does_the_same(tmp_path: Path) -> None:
    snippet, _ = re.findall(r"```js\n(.*?)```", (DOCS / "consumers.md").read_text("utf-8"), re.DOTALL)
    script = tmp_path / "run.mjs"
    # libsodium's place is taken by a table: of each sealed part what the site's key makes of it.
    script.write_text(
        snippet
        + """
import { readFileSync } from "node:fs";
const found = JSON.parse(readFileSync(process.argv[2], "utf8"));
const table = new Map();
for (const { payload, sealed_part } of found.messages) {
  try { table.set(JSON.parse(payload).sealed, sealed_part); } catch {}
}
const sodium = {
  crypto_box_seal_open(sealed) {
    const opened = table.get(Buffer.from(sealed).toString("base64"));
    if (!opened) throw new Error("incorrect key pair for the given ciphertext");
    return Buffer.from(opened, "hex");
  },
};
const take = consumer({ sodium, site: found.site, devices: { [found.device]: found.device_key },
  publicKey: found.events_public, secretKey: found.events_secret });
console.log(JSON.stringify(found.messages.map((each) =>
  take(each.topic, Buffer.from(each.payload), each.retained, found.unix_s))));
"""
    )
    run = subprocess.run([node(), script, FILE], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)
    found = vectors()
    for each, said in zip(found["messages"], told, strict=True):
        assert said["verdict"] == each["verdict"], each["name"]
        if each["verdict"] != "refused":
            inside = json.loads(bytes.fromhex(each["sealed_part"])[2:].rstrip(b"\0"))
            sequence = json.loads(each["payload"])["sequence"]
            assert said["ack"]["topic"] == wire.acknowledge_topic(SITE, DEVICE)
            assert said["ack"]["payload"].encode() == acknowledgement(sequence, bytes.fromhex(inside["nonce"]))
            assert said["event"] == inside


if __name__ == "__main__" and "--write" in sys.argv:
    FILE.write_text(json.dumps(made(), indent=1) + "\n", "utf-8")
