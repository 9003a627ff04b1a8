"""A checkpoint holds for what was signed and for nothing else."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, strategies

from agent.crypto import sign_public
from agent.errors import VaultError
from agent.ledger.checkpoint import make_checkpoint, read_checkpoint
from agent.ledger.merkle import EMPTY_ROOT, Frontier
from tests.ledger.given import DEVICE, SIGNER, SITE, ledger

STATEMENT = ledger().checkpoints[-1]


def test_says_size_root_and_time() -> None:
    found = read_checkpoint(STATEMENT)
    assert (found.site, found.device, found.size, found.time_ms) == (SITE, DEVICE, 8, 1_900_000_000_250)
    assert found.key == sign_public(SIGNER).hex()


def test_an_empty_ledger_and_an_unknown_time_can_be_signed() -> None:
    found = read_checkpoint(make_checkpoint(Frontier(), SITE, DEVICE, SIGNER, None))
    assert (found.size, found.root, found.time_ms) == (0, EMPTY_ROOT.hex(), None)


@pytest.mark.parametrize(
    ("field", "value"),
    [("size", 7), ("root", "0" * 64), ("time_ms", 1), ("device", "gate-2"), ("site", "pier"), ("key", "0" * 64)],
)
def test_no_field_can_be_changed(field: str, value: object) -> None:
    changed = json.dumps(json.loads(STATEMENT) | {field: value}).encode()
    with pytest.raises(VaultError, match="signature"):
        read_checkpoint(changed)


@pytest.mark.parametrize("data", [b"", b"{}", b"NaN", json.dumps(json.loads(STATEMENT) | {"note": "x"}).encode()])
def test_a_malformed_one_is_one_line(data: bytes) -> None:
    with pytest.raises(VaultError, match=r"^checkpoint: [^\n]+$"):
        read_checkpoint(data)


@given(at=strategies.integers(0, len(STATEMENT) - 1), mask=strategies.integers(1, 255))
def test_no_changed_byte_is_accepted(at: int, mask: int) -> None:
    data = bytearray(STATEMENT)
    data[at] ^= mask
    with pytest.raises(VaultError):
        read_checkpoint(bytes(data))
