"""The camera's thread with cameras that do what cameras do: give, stall, fail, hang, come back."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from queue import Queue

import numpy as np
import pytest

from agent.app.eye import Eye
from agent.app.strain import Strain, temperature_c
from agent.errors import ConfigError, DeviceError
from agent.policy.frames import CapturedFrame
from agent.units import Box
from tests.app.running import until

STALL_S = 0.3
Step = int | BaseException | threading.Event | None


class Simulated:
    """Implements `ports.Camera`: each read does the next step that the test has put there.

    A number is a frame of that number, None the end, an error is raised, and an event is waited for in the driver.
    """

    def __init__(self, steps: Queue[Step]) -> None:
        self._steps = steps
        self.closed = False

    def read(self, timeout_s: float) -> CapturedFrame | None:
        assert not self.closed
        step = self._steps.get()
        if isinstance(step, threading.Event):
            step.wait()
            step = 0
        if isinstance(step, BaseException):
            raise step
        if step is None:
            return None
        return CapturedFrame(step, step, np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8), np.uint8))

    def close(self) -> None:
        self.closed = True


class Bench:
    """An eye, its cameras in the order in which it opened them, and what it reported."""

    def __init__(self, folder: Path) -> None:
        self.steps: Queue[Step] = Queue()
        self.opened: list[Simulated] = []
        self.broken: Exception | None = None
        self.said: list[str] = []
        self.firmware = folder / "get_throttled"
        strain = Strain(self.said.append, firmware=self.firmware, zones=folder)
        self.eye = Eye(self._open, STALL_S, self.said.append, strain)

    def _open(self) -> Simulated:
        if self.broken is not None:
            raise self.broken
        self.opened.append(Simulated(self.steps))
        return self.opened[-1]

    def sees(self, number: int) -> None:
        taken = self.eye.take(10)
        assert taken is not None and taken.number == number


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.steps.put(DeviceError("the test is over"))
    made.eye.close()


def test_the_camera_is_opened_only_when_told_and_closed_again(bench: Bench) -> None:
    assert bench.eye.take(0.01) is None
    assert bench.opened == [] and not bench.eye.failed
    for _ in range(2):
        bench.eye.open()
        bench.eye.open()  # open already
        bench.steps.put(1)
        bench.sees(1)
        bench.steps.put(2)  # wakes the camera, so that it sees that it is closed
        bench.eye.close()
        assert bench.eye.take(0.01) is None  # what it gave meanwhile is not seen later
    assert [camera.closed for camera in bench.opened] == [True, True]
    assert bench.said == []


class Metered(Simulated):
    """Implements `ports.MeteredCamera`."""

    def __init__(self, steps: Queue[Step]) -> None:
        super().__init__(steps)
        self.wishes: list[Box | None] = []

    def meter(self, region: Box | None) -> None:
        self.wishes.append(region)


def test_a_wish_for_an_exposure_reaches_a_camera_that_can_and_ends_by_itself(bench: Bench) -> None:
    camera, face = Metered(bench.steps), Box(1.0, 2.0, 3.0, 4.0)
    eye = Eye(lambda: camera, STALL_S, bench.said.append, bench.eye.strain)
    eye.meter(face)
    eye.open()
    bench.steps.put(1)
    until(lambda: camera.wishes == [face, face])
    time.sleep(1.1)
    bench.steps.put(2)
    until(lambda: len(camera.wishes) == 3)
    assert camera.wishes[-1] is None
    bench.steps.put(None)
    until(lambda: camera.closed)
    eye.close()


def test_a_camera_that_cannot_is_asked_for_nothing(bench: Bench) -> None:
    bench.eye.meter(Box(1.0, 2.0, 3.0, 4.0))
    bench.eye.open()
    bench.steps.put(1)
    bench.sees(1)
    assert bench.said == []


def test_only_the_newest_frame_is_seen(bench: Bench) -> None:
    for number in range(1, 6):
        bench.steps.put(number)
    bench.eye.open()
    until(bench.steps.empty)
    bench.steps.put(6)
    until(bench.steps.empty)
    seen = []
    while (frame := bench.eye.take(0.2)) is not None:
        seen.append(frame.number)
    assert seen[-1] == 6 and len(seen) <= 2
    assert not bench.eye.over


def test_the_end_of_a_scene_comes_after_its_last_frame(bench: Bench) -> None:
    bench.steps.put(1)
    bench.steps.put(None)
    bench.eye.open()
    until(bench.steps.empty)
    until(lambda: bench.opened[0].closed)
    assert not bench.eye.over
    bench.sees(1)
    assert bench.eye.over and not bench.eye.failed
    assert bench.eye.take(0.01) is None


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (DeviceError("camera: no frame within 2 s; see to camera and cable"), "see to camera and cable"),
        (ConfigError("clip.mp4: no such file or folder"), "no such file"),
        (ValueError("a face was in it"), "camera: failed (ValueError); see to camera and driver"),
    ],
)
def test_a_camera_that_fails_is_said_once_and_comes_back(bench: Bench, error: Exception, words: str) -> None:
    bench.eye.open()
    bench.steps.put(1)
    bench.sees(1)
    bench.broken = error
    bench.steps.put(error)
    assert bench.eye.take(10) is None
    until(lambda: bench.eye.failed)
    until(lambda: bench.opened[0].closed)
    assert len(bench.said) == 1 and words in bench.said[0] and "face" not in bench.said[0]
    bench.broken = None
    bench.steps.put(2)
    until(lambda: len(bench.opened) == 2)
    until(lambda: not bench.eye.failed)
    bench.sees(2)
    assert len(bench.said) == 1 and bench.eye.restarts == 1


def test_pauses_grow_while_it_does_not_come_back(bench: Bench) -> None:
    tried: list[float] = []

    def fails() -> Simulated:
        tried.append(time.monotonic())
        raise DeviceError("camera: number 0 does not start")

    eye = Eye(fails, STALL_S, bench.said.append, bench.eye.strain)
    eye.open()
    until(lambda: len(tried) == 3)
    eye.close()
    assert 0.9 < tried[1] - tried[0] < 1.6 and 1.9 < tried[2] - tried[1] < 2.6
    assert (eye.restarts, len(bench.said)) == (2, 1)


def test_under_strain_fewer_frames_are_taken_and_each_is_the_newest(bench: Bench) -> None:
    def taken(seconds: float) -> list[int]:
        numbers: list[int] = []
        ends_s = time.monotonic() + seconds
        while time.monotonic() < ends_s:
            bench.steps.put(len(given))
            given.append(0)
            time.sleep(0.02)
            if (frame := bench.eye.take(0.1)) is not None:
                numbers.append(frame.number)
        return numbers

    given: list[int] = []
    bench.eye.open()
    assert len(taken(1.0)) > 20
    bench.firmware.write_text("50005\n")  # under-voltage and throttled, now and before
    until(lambda: bench.eye.strain.gap_s() > 0)
    assert 4 <= len(taken(1.2)) <= 7
    assert bench.said == ["power: too low; see to supply and cable, meanwhile fewer frames are looked at"]


class TestStrain:
    @pytest.mark.parametrize(
        ("bits", "throttled", "under_voltage", "gap_s"),
        [
            ("0", False, False, 0.0),
            ("50000", False, False, 0.0),  # it has been, since the start
            ("1", False, True, 0.2),
            ("2", True, False, 0.2),
            ("4", True, False, 0.2),
            ("8", True, False, 0.2),
            ("f000f", True, True, 0.2),
            ("no number", None, None, 0.0),
        ],
    )
    def test_what_the_firmware_of_a_pi_says(
        self, tmp_path: Path, bits: str, throttled: bool | None, under_voltage: bool | None, gap_s: float
    ) -> None:
        (tmp_path / "get_throttled").write_text(bits + "\n")
        strain = Strain(lambda line: None, firmware=tmp_path / "get_throttled", zones=tmp_path)
        found = strain.now()
        assert (found.throttled, found.under_voltage, strain.gap_s()) == (throttled, under_voltage, gap_s)

    def test_another_machine_is_strained_when_it_is_hot_and_for_a_while_after(self, tmp_path: Path) -> None:
        now_s, said = [100.0], list[str]()
        zone = tmp_path / "thermal_zone0" / "temp"
        zone.parent.mkdir()
        strain = Strain(said.append, firmware=tmp_path / "none", zones=tmp_path, clock=lambda: now_s[0])
        found = []
        for at_s, milli in ((100, 50_000), (110, 80_000), (111, 40_000), (113, 40_000), (141, 40_000), (200, 90_000)):
            now_s[0] = at_s
            zone.write_text(f"{milli}\n")
            found.append((strain.now().throttled, strain.gap_s()))
        assert found == [(False, 0.0), (True, 0.2), (True, 0.2), (False, 0.2), (False, 0.0), (True, 0.2)]
        assert said == ["heat: this machine slows itself down; cool it, meanwhile fewer frames are looked at"] * 2

    def test_the_temperature_is_that_of_the_hottest_zone_that_says_one(self, tmp_path: Path) -> None:
        assert temperature_c(tmp_path) is None
        for name, said in (("thermal_zone0", "48312\n"), ("thermal_zone1", "51500\n"), ("thermal_zone2", "off\n")):
            (tmp_path / name).mkdir()
            (tmp_path / name / "temp").write_text(said)
        (tmp_path / "thermal_zone3").mkdir()
        (tmp_path / "thermal_zone4").mkdir()
        (tmp_path / "thermal_zone4" / "temp").write_text("999999\n")  # no sensor measures that
        assert temperature_c(tmp_path) == 51.5


def test_a_failure_takes_back_a_frame_that_nobody_has_seen(bench: Bench) -> None:
    bench.steps.put(1)
    bench.steps.put(DeviceError("gone"))
    bench.eye.open()
    until(lambda: bench.eye.failed)
    assert bench.eye.take(0.01) is None


def test_a_camera_that_hangs_in_its_driver_has_failed(bench: Bench) -> None:
    hanging = threading.Event()
    bench.eye.open()
    bench.steps.put(1)
    bench.sees(1)
    bench.steps.put(hanging)
    began = time.monotonic()
    while not bench.eye.failed:
        assert bench.eye.take(0.05) is None
        assert time.monotonic() - began < 10
    assert time.monotonic() - began > STALL_S
    assert len(bench.said) == 1 and bench.said[0].startswith("camera: hangs")
    bench.steps.put(2)
    hanging.set()
    until(lambda: not bench.eye.failed)
    frame = bench.eye.take(10)
    assert frame is not None and frame.number in (0, 2)


def test_a_camera_that_says_that_it_fails_does_not_hang_and_one_that_hangs_when_opened_again_does(
    bench: Bench,
) -> None:
    hanging, tries = threading.Event(), list[int]()

    def opens() -> Simulated:
        tries.append(0)
        if len(tries) == 3:
            hanging.wait()
        raise DeviceError("camera: number 0 does not start")

    eye = Eye(opens, STALL_S, bench.said.append, bench.eye.strain)
    assert not eye.hangs, "closed"
    eye.open()
    until(lambda: eye.failed)
    while len(tries) < 3:
        assert eye.failed and not eye.hangs, "it pauses, and that takes longer than a frame may"
        time.sleep(0.05)
    assert not eye.hangs
    began = time.monotonic()
    until(lambda: eye.hangs)
    assert STALL_S < time.monotonic() - began < STALL_S + 2 and eye.failed
    hanging.set()
    until(lambda: not eye.hangs)
    eye.close()
    assert not eye.hangs and bench.said == ["camera: number 0 does not start"]


def test_the_end_of_a_scene_is_no_hang(bench: Bench) -> None:
    bench.steps.put(1)
    bench.steps.put(None)
    bench.eye.open()
    bench.sees(1)
    time.sleep(STALL_S + 1.1)
    assert bench.eye.over and not bench.eye.hangs


def test_one_that_hung_when_it_was_closed_does_not_come_back_beside_the_next(bench: Bench) -> None:
    hanging = threading.Event()
    bench.steps.put(hanging)
    bench.eye.open()
    until(bench.steps.empty)
    bench.eye.close()  # gives up waiting for it
    bench.eye.open()
    bench.steps.put(5)
    bench.sees(5)
    hanging.set()
    until(lambda: bench.opened[0].closed)
    bench.steps.put(6)
    bench.sees(6)
    assert bench.said == []


def test_one_that_fails_for_very_long_is_for_another_process(bench: Bench) -> None:
    def fails() -> Simulated:
        raise DeviceError("camera: is busy")

    eye = Eye(fails, STALL_S, bench.said.append, bench.eye.strain, lost_s=0.4)
    eye.open()
    until(lambda: eye.failed)
    assert eye.take(0.01) is None, "not yet"
    time.sleep(0.3)
    eye.close()
    time.sleep(0.2)
    eye.open()  # the policy kept it shut for a while
    assert eye.take(0.01) is None, "what was before that does not count"
    time.sleep(0.5)
    with pytest.raises(DeviceError, match=r"^camera: fails for 0\.00666667 minutes; the process ends"):
        eye.take(0.01)
    eye.close()


def test_a_frame_begins_the_count_anew(bench: Bench) -> None:
    eye = Eye(bench._open, STALL_S, bench.said.append, bench.eye.strain, lost_s=1.5)
    eye.open()
    bench.steps.put(DeviceError("camera: unplugged"))
    until(lambda: eye.failed)
    time.sleep(1.0)
    bench.steps.put(3)  # it is opened again after a second
    until(lambda: not eye.failed)
    bench.steps.put(DeviceError("camera: unplugged again"))
    until(lambda: eye.failed)
    time.sleep(1.0)
    eye.take(0.01)
    eye.close()
