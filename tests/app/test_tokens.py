"""Cards through the whole recogniser: over its serial line they may open, handed on by the link they never do."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import Any

import pytest

from agent.adapters.clock import SystemClock
from agent.adapters.token import SerialTokens
from agent.events.decision import Outcome
from agent.gallery.named import digest
from agent.policy.bundle import utc
from agent.policy.grounds import Ground
from agent.token import Token, TokenKind, TokenWay
from tests.app.door import Bench, Peer, ledger, site

CARD = "04A2B3C4D5E6F7"


def tokens(until_s: float) -> dict[str, Any]:
    entry = {
        "digest": digest(TokenKind.CARD, CARD, bytes(16), 1, 8_192),
        "subject": "p-7",
        "doors": ["main"],
        "until": utc(until_s).isoformat(),
        "opens": True,
    }
    return {"salt": "0" * 32, "passes": 1, "memory_kib": 8_192, "entries": [entry]}


@pytest.mark.parametrize("mode", ["blind", "identify"])
def test_a_card_at_the_device_opens_camera_or_not_and_one_from_afar_never(
    tmp_path: Path, mode: str, capfd: pytest.CaptureFixture[str]
) -> None:
    device = site(tmp_path / "gate", mode=mode, tokens=tokens(time.time() + 3600))
    far, near = os.openpty()
    bench = Bench(device, reader=lambda: SerialTokens(os.ttyname(near), 9600, SystemClock(), print, again_s=0.05))

    def script(peer: Peer) -> None:
        peer.wait_grounds(*([Ground.MODE_BLIND] if mode == "blind" else []))
        peer.end.send(Token(TokenKind.CARD, CARD, TokenWay.MQTT))
        (refused,) = peer.wait_events(1)
        assert (refused.outcome, refused.ground) == (Outcome.PASS_REFUSED, "token-names-only")
        os.write(far, f"CARD {CARD}\n".encode())
        accepted = peer.wait_events(2)[1]
        assert (accepted.outcome, accepted.subject) == (Outcome.PASS_ACCEPTED, "p-7")

    with contextlib.closing(device.server):
        assert bench.play(script) == 0
    for end in (far, near):
        os.close(end)
    assert bench.opened == 1 and (bench.openings == 0) is (mode == "blind")
    assert [entry.ground for entry in ledger(device)] == ["token-names-only", None]
    said = capfd.readouterr()
    assert CARD not in said.err + said.out
    held = b"".join(path.read_bytes() for path in device.state.rglob("*") if path.is_file())
    assert CARD.encode() not in held


def test_a_start_gives_no_wrong_tokens_back(tmp_path: Path) -> None:
    """Whoever has the process ended after each try, by the camera's cable or by the mains, has five tries."""
    device = site(tmp_path / "gate", mode="blind", tokens=tokens(time.time() + 3600))
    far, near = os.openpty()
    bench = Bench(device, reader=lambda: SerialTokens(os.ttyname(near), 9600, SystemClock(), print, again_s=0.05))
    grounds: list[str | None] = []

    def script(peer: Peer) -> None:
        peer.wait_grounds(Ground.MODE_BLIND)
        for _ in range(3):
            before = len(peer.events)
            os.write(far, b"PIN 0000\n")
            grounds.append(peer.wait_events(before + 1)[before].ground)
            time.sleep(1.1)  # a token a second is taken

    def right(peer: Peer) -> None:
        peer.wait_grounds(Ground.MODE_BLIND)
        os.write(far, f"CARD {CARD}\n".encode())
        time.sleep(1.0)
        assert peer.events == []

    with contextlib.closing(device.server):
        assert [bench.play(each) for each in (script, script, right)] == [0, 0, 0]
    for end in (far, near):
        os.close(end)
    assert grounds == ["token-unknown"] * 5 + ["tokens-spent"] and bench.opened == 0
