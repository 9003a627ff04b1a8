"""The records that the demo's recogniser writes: nothing is lost on the way, and no pixel can be in one."""

from __future__ import annotations

import os
import socket
import threading
from dataclasses import fields

import numpy as np
import pytest

from agent.demo import recorder
from agent.demo.recorder import Embedded, Framed, Isolation, Opened, Over, Record, WatchedCamera, WatchedDoor
from agent.policy.frames import CapturedFrame
from agent.units import DoorId

RECORDS: list[Record] = [
    Framed(3, 12_345),
    Embedded(4, ((1.0, 2.0), (3.5, 2.0), (3.5, 4.25), (1.0, 4.25))),
    Opened(99),
    Isolation(("lo",), 0),
    Over(100),
]


def heard(read_end: int) -> list[Record]:
    with os.fdopen(read_end, encoding="ascii") as pipe:
        return [recorder.read(line) for line in pipe]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_a_record_comes_out_of_the_pipe_as_it_went_in(record: Record) -> None:
    read_end, write_end = os.pipe()
    recorder.write(write_end, record)
    os.close(write_end)
    assert heard(read_end) == [record]


def test_no_field_of_a_record_could_hold_a_picture() -> None:
    kinds = {field.type for record in RECORDS for field in fields(record)}
    assert kinds == {"int", "Polygon", "tuple[str, ...]"}


class Film:
    """A camera of black frames, as many as it is told."""

    def __init__(self, frames: int) -> None:
        self.left, self.number, self.closed = frames, 0, False

    def read(self, timeout_s: float) -> CapturedFrame | None:
        if self.left == 0:
            return None
        self.left, self.number = self.left - 1, self.number + 1
        return CapturedFrame(self.number, self.number * 1000, np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4), np.uint8))

    def close(self) -> None:
        self.closed = True


def test_a_watched_camera_says_each_frame_and_its_end() -> None:
    read_end, write_end = os.pipe()
    film = Film(2)
    camera = WatchedCamera(film, write_end, threading.Event())
    numbers = [frame.number for frame in iter(lambda: camera.read(1.0), None)]
    camera.close()
    os.close(write_end)
    around, *rest = heard(read_end)
    assert numbers == [1, 2]
    assert isinstance(around, Isolation)
    assert rest[:2] == [Framed(1, 1000), Framed(2, 2000)]
    assert isinstance(rest[2], Over)
    assert film.closed


def test_a_watched_camera_gives_nothing_more_once_enough_was_seen() -> None:
    read_end, write_end = os.pipe()
    enough = threading.Event()
    camera = WatchedCamera(Film(9), write_end, enough)
    assert camera.read(1.0) is not None
    enough.set()
    assert camera.read(1.0) is None
    os.close(write_end)
    assert [type(record) for record in heard(read_end)] == [Isolation, Framed, Over]


def test_a_watched_door_says_when_it_was_told_to_open() -> None:
    read_end, write_end = os.pipe()
    moved: list[DoorId] = []

    class Spring:
        def pulse(self, door: DoorId) -> None:
            moved.append(door)

        def close(self) -> None:
            moved.clear()

    WatchedDoor(Spring(), write_end).pulse(DoorId("main"))
    os.close(write_end)
    assert [type(record) for record in heard(read_end)] == [Opened]
    assert moved == ["main"]


def test_looking_around_counts_sockets_of_the_network_and_no_others() -> None:
    before = recorder.look_around()
    with socket.socket() as inet, socket.socket(socket.AF_UNIX) as local:
        after = recorder.look_around()
        assert inet.fileno() != local.fileno()
    assert after.sockets == before.sockets + 1
    assert "lo" in after.interfaces
