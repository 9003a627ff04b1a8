"""The preview on its way out as JPEG, pictures from disk, and the two smallest adapters."""

from __future__ import annotations

import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from agent.adapters.clock import SystemClock
from agent.adapters.door import NoDoor
from agent.adapters.picture import Encoder, encode, read_picture
from agent.errors import DeviceError
from agent.policy.frames import Preview
from agent.policy.gate import Gate
from agent.ports import Clock, Door
from agent.units import DoorId
from tests.policy.given import captured, law


def test_a_preview_is_a_jpeg_of_its_size_and_its_colours() -> None:
    rgb = np.zeros((72, 96, 3), np.uint8)
    rgb[..., 0] = 200  # red
    preview = Gate(law()).blocks(captured(rgb=rgb))
    assert isinstance(preview, Preview)
    jpeg = encode(preview)
    assert jpeg.startswith(b"\xff\xd8") and jpeg.endswith(b"\xff\xd9")
    seen = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert seen is not None and seen.shape[:2] == preview.picture.shape[:2]
    assert np.abs(seen[..., ::-1].astype(int) - preview.picture.astype(int)).mean() < 8


def test_a_jpeg_holds_nothing_but_the_picture() -> None:
    preview = Gate(law()).blocks(captured())
    assert isinstance(preview, Preview)
    assert b"Exif" not in encode(preview)


def test_a_picture_is_read_red_first_whatever_it_was(tmp_path: Path) -> None:
    blue_first = np.zeros((4, 6, 3), np.uint8)
    blue_first[..., 2] = 255
    cv2.imwrite(str(tmp_path / "red.png"), blue_first)
    cv2.imwrite(str(tmp_path / "grey.png"), np.full((4, 6), 9, np.uint8))
    red = read_picture(str(tmp_path / "red.png"))
    assert red.shape == (4, 6, 3) and red.dtype == np.uint8
    assert red[0, 0].tolist() == [255, 0, 0]
    assert read_picture(str(tmp_path / "grey.png"))[0, 0].tolist() == [9, 9, 9]


@pytest.mark.parametrize("data", [None, b"", b"\x89PNG\r\n\x1a\n" + bytes(50), b"words"])
def test_what_is_no_picture_is_named(tmp_path: Path, data: bytes | None) -> None:
    path = tmp_path / "empty.png"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(DeviceError, match=r"empty\.png: not a picture that OpenCV reads; commission"):
        read_picture(str(path))


def test_the_system_s_clocks() -> None:
    clock: Clock = SystemClock()
    before_ns, before_s = time.monotonic_ns(), time.time()
    assert before_ns <= clock.monotonic_ns() <= time.monotonic_ns()
    assert before_s - 1 <= clock.unix_s() <= time.time() + 1


def test_a_door_that_is_not_there_moves_nothing() -> None:
    door: Door = NoDoor()
    assert door.pulse(DoorId("main")) is None  # type: ignore[func-returns-value]


def test_a_picture_like_the_latest_is_not_encoded_again() -> None:
    encoder, gate = Encoder(), Gate(law())
    red, blue = (np.full((72, 96, 3), colour, np.uint8) for colour in ((200, 0, 0), (0, 0, 200)))
    made = [encoder.encode(blocks) for rgb in (red, red, blue, red) if isinstance(
        blocks := gate.blocks(captured(rgb=rgb)), Preview
    )]  # fmt: skip
    assert made[0] is made[1] and made[0] != made[2] and made[0] == made[3]
