"""Vectors for watchers in other languages: telemetry in the order in which it comes, and what must be made of each.

`python -m tests.dashboard.vectors --write` writes docs/vectors/telemetry.json again. The keys are for tests alone.
"""

from __future__ import annotations

import json
import sys
from base64 import b64encode
from typing import Any

from agent.crypto import SignPublic, SignSecret, sign_public
from agent.events import bodies, wire
from agent.events.bodies import Body, Stage, StageTime
from agent.events.seal import canonical
from agent.events.telemetry import sign_telemetry
from agent.ledger.checkpoint import make_checkpoint, read_checkpoint
from agent.ledger.merkle import Frontier, leaf_hash
from agent.policy.grounds import Ground
from agent.units import DeviceId, SiteId
from tests.app.running import compliance, status
from tests.conftest import ROOT

FILE = ROOT / "docs" / "vectors" / "telemetry.json"
SITE, DEVICE, NOW_S = SiteId("yard"), DeviceId("gate-1"), 1_800_000_000
SIGN, OTHER = SignSecret(bytes(range(32))), SignSecret(bytes(range(1, 33)))
BOX_KEY = "358072d6365880d1aeea329adf9121383851ed21a28e3b75e965d0d2cd166254"


def told(
    body: Body,
    number: int,
    *,
    at_s: float = NOW_S,
    secret: SignSecret = SIGN,
    site: SiteId = SITE,
    device: DeviceId = DEVICE,
) -> tuple[str, str]:
    """Kind and payload."""
    signed = sign_telemetry(body, site=site, device=device, sequence=number, unix_s=at_s, secret=secret)
    return signed.kind.value, signed.payload.decode()


def head(size: int, leaf: str = "entry", at_s: float | None = NOW_S, secret: SignSecret = SIGN) -> bodies.Ledger:
    """The signed head of a ledger of so many entries."""
    frontier = Frontier()
    for number in range(size):
        frontier = frontier.append(leaf_hash(f"{leaf} {number}".encode()))
    signed = read_checkpoint(make_checkpoint(frontier, SITE, DEVICE, secret, at_s))
    return bodies.Ledger(
        size=signed.size,
        root=signed.root,
        at_s=(signed.time_ms or 0) / 1000,
        key=signed.key,
        signature=b64encode(bytes.fromhex(signed.signature)).decode(),
    )


def metrics() -> bodies.Metrics:
    """With numbers that JavaScript would write in another way than Python."""
    return bodies.Metrics(
        fps=30.0,
        stages=(StageTime(stage=Stage.GATE, median_ms=1e-05), StageTime(stage=Stage.FRAME, median_ms=0.1 + 0.2)),
        queue=2**53 - 1,
        frames=0,
        refused=(),
        rss_kb=10**15,
        hour_s=1e11,
    )


def made() -> dict[str, Any]:
    """The file; signatures of Ed25519 are the same each time."""
    first, second = told(status(), 10), told(status(Ground.SIGN_MISSING), 12, at_s=NOW_S + 0.125)
    whole = json.loads(second[1])
    shifted = second[1].replace(',"sequence":12', ',"sequence": 12')
    rules = compliance(Ground.SIGN_MISSING, expiring={Ground.ASSESSMENT_STALE: NOW_S + 1_036_800.5})
    rules = rules.model_copy(
        update={"obligations": tuple(each.model_copy(update={"since_s": NOW_S - 90.5}) for each in rules.obligations)}
    )
    swapped = head(4).model_copy(update={"signature": head(3).signature})
    named: list[tuple[str, tuple[str, str], str, str]] = [
        ("the first status", first, "verified", "signed"),
        ("the same, announced again", first, "verified", "signed"),
        ("a newer one", second, "verified", "signed"),
        ("the first one, retained or put out again", first, "unverified", "older"),
        ("what runs, by obligation", told(rules, 11), "verified", "signed"),
        ("numbers as Python writes them", told(metrics(), 13, at_s=NOW_S + 1), "verified", "signed"),
        ("a number beyond 2^53", told(metrics(), 2**60 + 1, at_s=NOW_S + 2), "verified", "signed"),
        ("behind it by one, which a double cannot tell", told(metrics(), 2**60), "unverified", "older"),
        ("a sequence used for something else", told(status(Ground.IN_ZONE), 12), "forged", "number-twice"),
        ("newer, and an hour earlier", told(status(), 14, at_s=NOW_S - 3600), "unverified", "earlier"),
        ("goes on from there", told(status(), 15, at_s=NOW_S - 3599), "verified", "signed"),
        ("the ledger before the clock was trusted", told(head(2, at_s=None), 16), "verified", "signed"),
        ("three entries", told(head(3), 17), "verified", "signed"),
        ("five entries", told(head(5, at_s=NOW_S + 0.001), 18), "verified", "signed"),
        ("the same five", told(head(5, at_s=NOW_S + 60), 19), "verified", "signed"),
        ("four entries after five", told(head(4), 20), "forged", "ledger-shrank"),
        ("five other entries", told(head(5, leaf="other"), 21), "forged", "ledger-forked"),
        ("a head with the signature of another", told(swapped, 22), "forged", "checkpoint"),
        ("a head of another device's", told(head(6, secret=OTHER), 23), "forged", "checkpoint"),
        ("signed by another device", told(status(), 24, secret=OTHER), "forged", "signature"),
        ("of another site", told(status(), 25, site=SiteId("my-house")), "forged", "elsewhere"),
        ("under another device's name", told(status(), 26, device=DeviceId("gate-2")), "forged", "elsewhere"),
        ("on the topic of another kind", ("compliance", told(status(), 27)[1]), "forged", "elsewhere"),
        ("with a space", ("status", shifted), "forged", "malformed"),
        (
            "without a signature",
            ("status", canonical({k: v for k, v in whole.items() if k != "signature"}).decode()),
            "forged",
            "malformed",
        ),
        ("the signature of another message", ("status", _with(second[1], first[1])), "forged", "signature"),
        ("the link's last will", ("status", wire.OFFLINE.decode()), "unverified", "link"),
        ("the link's word", ("status", wire.RECOGNISER_LOST.decode()), "unverified", "link"),
        ("the link's word where it has none", ("compliance", wire.OFFLINE.decode()), "forged", "malformed"),
        ("no JSON", ("status", "{"), "forged", "malformed"),
        ("nothing", ("status", ""), "forged", "malformed"),
    ]
    return {
        "about": "Telemetry in order for one watcher; keys for tests alone. See docs/consumers.md.",
        "site": SITE,
        "device": {
            "schema": "doorward/device/1",
            "id": DEVICE,
            "signing_key": SignPublic(sign_public(SIGN)).hex(),
            "box_key": BOX_KEY,
        },
        "messages": [
            {"name": name, "kind": kind, "payload": payload, "state": state, "why": why}
            for name, (kind, payload), state, why in named
        ],
    }


def _with(payload: str, other: str) -> str:
    mine, theirs = json.loads(payload), json.loads(other)
    return payload.replace(mine["signature"], theirs["signature"])


if __name__ == "__main__" and "--write" in sys.argv:
    FILE.write_text(json.dumps(made(), indent=1) + "\n", "utf-8")
