"""What a device tells about itself is the same in its file and in its code, and whole or nothing."""

from __future__ import annotations

import numpy as np
import pytest
import zxingcpp

from agent.adapters.terminal import shown_code
from agent.errors import PolicyError
from agent.introduction import device_json, introduced, read_introduction

FILE = device_json("gate-1", bytes(range(32)), bytes(range(32, 64)))


def test_file_and_code_say_the_same() -> None:
    known = read_introduction(FILE, "device.json")
    assert read_introduction(f"{known.code}\n".encode(), "the code") == known
    assert introduced(known.id, known.signing_key, known.box_key) == known
    assert known.code == known.code.upper() and len(known.code) < 180


def test_the_fingerprint_covers_all_that_is_said() -> None:
    known = read_introduction(FILE, "device.json")
    others = [
        introduced("gate-2", known.signing_key, known.box_key),
        introduced(known.id, known.box_key, known.box_key),
        introduced(known.id, known.signing_key, known.signing_key),
        introduced(known.id, known.box_key, known.signing_key),
    ]
    assert len({known.fingerprint, *(each.fingerprint for each in others)}) == 5
    assert len(known.fingerprint.replace(" ", "")) == 20


@pytest.mark.parametrize("at", [0, 5, 16, 24, 100, -1])
def test_a_code_that_was_misread_is_refused(at: int) -> None:
    code = read_introduction(FILE, "device.json").code
    for misread in (code[:at], code[:at] + "!" + code[at:][1:], code + "0"):
        with pytest.raises(PolicyError, match="DEVICE"):
            read_introduction(misread.encode(), "DEVICE")


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", FILE.replace(b"gate-1", b"Gate 1"), FILE[:-9], b"\xff\xfe"])
def test_a_file_that_is_none_is_named(data: bytes) -> None:
    with pytest.raises(PolicyError, match=r"device\.json"):
        read_introduction(data, "device.json")


def test_the_code_on_the_terminal_is_read_back() -> None:
    text = read_introduction(FILE, "device.json").code
    rows = []
    for line in shown_code(text).splitlines():
        # On a dark screen a block is light; each sign holds an upper and a lower half.
        rows += [[sign in "█▀" for sign in line], [sign in "█▄" for sign in line]]
    picture = np.kron(np.array(rows, np.uint8) * 255, np.ones((4, 4), np.uint8))
    assert [found.text for found in zxingcpp.read_barcodes(picture)] == [text]
