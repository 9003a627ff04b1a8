"""One contract for every camera, whatever is behind it: size, number, time, memory of its own, a stall that is said."""

from __future__ import annotations

import glob
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from agent.adapters.camera.exposed import DriverTime, StreamTime
from agent.adapters.camera.handed import HandedCamera
from agent.adapters.camera.handing import Handing
from agent.adapters.camera.picamera import Look, PiCamera, opened
from agent.adapters.camera.v4l2 import V4l2Camera
from agent.adapters.clock import SystemClock
from agent.adapters.recording import RecordingCamera
from agent.adapters.simulated import SceneStart, SimulatedCamera
from agent.errors import DeviceError
from agent.ports import Camera
from agent.scene.scene import load
from agent.units import Box
from tests.adapters.picamera import StandIn, light
from tests.conftest import ROOT

CLOCK = SystemClock()
S = 1_000_000_000
STALL_S = 0.4


class Under:
    """A camera under test and what may be done to it."""

    def __init__(self, camera: Camera, stall: Callable[[], None] | None = None) -> None:
        self.camera = camera
        self.stall = stall
        """Let it give nothing any more; None: this kind never stalls, or only in its driver."""


def simulated(folder: Path) -> Iterator[Under]:
    yield Under(SimulatedCamera(load(ROOT / "scenes" / "front-gate.toml"), {}, CLOCK, SceneStart()))


def recording(folder: Path) -> Iterator[Under]:
    yield Under(RecordingCamera(video(folder), CLOCK))


class Plugged:
    """A video that stands for the device file, since OpenCV reads both; its frames are of the driver's own time."""

    def __init__(self, path: str) -> None:
        self._video = cv2.VideoCapture(path)
        self._read_ns = 0

    def isOpened(self) -> bool:
        return self._video.isOpened()

    def getBackendName(self) -> str:
        return self._video.getBackendName()

    def read(self) -> tuple[bool, Any]:
        self._read_ns = time.monotonic_ns()
        return self._video.read()

    def get(self, key: int) -> float:
        assert key == cv2.CAP_PROP_POS_MSEC
        return self._read_ns / 1e6

    def set(self, key: int, value: float) -> bool:
        return self._video.set(key, value)

    def release(self) -> None:
        self._video.release()


def usb(folder: Path) -> Iterator[Under]:
    """Where this machine has no camera."""
    yield Under(V4l2Camera(str(video(folder)), CLOCK, open_device=Plugged, code_scale=2))


def usb_for_real(folder: Path) -> Iterator[Under]:
    found = sorted(glob.glob("/dev/video[0-9]*"))
    if not found:
        pytest.skip("no V4L2 camera here: scripts/prove pi runs this on the kernel's virtual one")
    yield Under(V4l2Camera(found[0], CLOCK))


def pi(folder: Path) -> Iterator[Under]:
    stand_in = StandIn()

    def stall() -> None:
        stand_in.stalled = True

    yield Under(PiCamera(0, CLOCK, Look(), open_camera=stand_in.opened), stall)
    assert stand_in.borrowed == 0, "every frame was given back"
    assert stand_in.closed and not stand_in.stuck


def pi_for_real(folder: Path) -> Iterator[Under]:
    pytest.importorskip("picamera2", reason="no picamera2 here: scripts/prove pi runs this on libcamera's virtual one")
    yield Under(PiCamera(0, CLOCK, Look(), open_camera=opened, pixels="NV12"))


def network(folder: Path) -> Iterator[Under]:
    """The recogniser's end; tests/adapters/test_rtsp.py has the whole way from a real server."""
    handing, over, silent = Handing.listen(folder / "own" / "frames.sock"), threading.Event(), threading.Event()

    def serve() -> None:
        number = 0
        while not over.is_set():
            if handing.wanted(0.02) and not silent.is_set():
                number += 1
                rgb = np.full((480, 640, 3), number % 200, np.uint8)
                handing.hand(time.monotonic_ns(), rgb, np.full((960, 1280), number % 200, np.uint8), 2)
                time.sleep(0.01)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield Under(HandedCamera(folder / "own" / "frames.sock", CLOCK), silent.set)
    finally:
        over.set()
        thread.join()
        handing.close()


def video(folder: Path) -> Path:
    file = folder / "door.avi"
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*"MJPG"), 15.0, (320, 240))
    for shade in range(40, 100):
        writer.write(np.full((240, 320, 3), shade, np.uint8))
    writer.release()
    return file


@pytest.fixture(
    params=[simulated, recording, usb, usb_for_real, pi, pi_for_real, network], ids=lambda made: made.__name__
)
def under(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Under]:
    making: Iterator[Under] = request.param(tmp_path)
    made = next(making)
    try:
        yield made
    finally:
        made.camera.close()
        made.camera.close()  # twice does no harm
        for _ in making:
            raise AssertionError("one camera each")


def test_every_camera_gives_pixels_number_and_time_and_keeps_none_of_them(under: Under) -> None:
    number, captured_ns, kept = -1, 0, []
    for _ in range(6):
        frame = under.camera.read(5.0)
        now_ns = time.monotonic_ns()
        assert frame is not None and frame._rgb is not None and frame._luma is not None
        assert frame.number > number and captured_ns <= frame.captured_ns <= now_ns
        assert now_ns - frame.captured_ns < 1_000_000_000
        number, captured_ns = frame.number, frame.captured_ns
        assert (frame._rgb.shape, frame._rgb.dtype) == ((480, 640, 3), np.uint8)
        scale = frame._luma.shape[0] // 480
        assert (frame._luma.shape, frame._luma.dtype) == ((480 * scale, 640 * scale), np.uint8) and scale >= 1
        kept.append((frame._rgb, frame._luma, frame._rgb.copy(), frame._luma.copy()))
    for index, (rgb, luma, rgb_then, luma_then) in enumerate(kept):
        assert np.array_equal(rgb, rgb_then) and np.array_equal(luma, luma_then), "later frames change no earlier one"
        for other, other_luma, _, _ in kept[:index]:
            assert not np.shares_memory(rgb, other) and not np.shares_memory(luma, other_luma)


@pytest.mark.parametrize("under", [pi, network], indirect=True, ids=["pi", "network"])
def test_a_camera_that_stalls_says_so_in_time(under: Under) -> None:
    assert under.stall is not None and under.camera.read(5.0) is not None
    under.stall()
    with pytest.raises(DeviceError, match=r"^camera: no frame within 0\.4 s; see to"):
        began = time.monotonic()
        while True:  # what was on its way already still comes
            began = time.monotonic()
            under.camera.read(STALL_S)
    assert STALL_S * 0.9 <= time.monotonic() - began < STALL_S + 0.5


class TestPi:
    def test_it_is_set_up_as_the_config_says(self) -> None:
        stand_in = StandIn()
        look = Look(
            fps=20, code_scale=3, exposure="short", metering="spot", brighter_ev=1.0, hdr="processor", focus_m=0.5
        )
        camera = PiCamera(1, CLOCK, look, open_camera=stand_in.opened)
        assert stand_in.modes == [(1, False)]
        assert stand_in.told == [
            {
                "FrameDurationLimits": (50_000, 50_000),
                "AeMeteringMode": 1,
                "AeExposureMode": 1,
                "ExposureValue": 1.0,
                "HdrMode": 4,
                "AfMode": 0,
                "LensPosition": 2.0,
            }
        ]
        assert {name: about["size"] for name, about in stand_in.config.items()} == {
            "main": (1920, 1440),
            "lores": (640, 480),
        }
        frame = camera.read(1.0)
        assert frame is not None and frame._luma is not None and frame._luma.shape == (1440, 1920)
        camera.close()
        assert stand_in.closed and not stand_in.started and stand_in.borrowed == 0

    def test_the_hdr_of_a_sensor_is_asked_for_before_it_is_opened(self) -> None:
        stand_in = StandIn()
        PiCamera(0, CLOCK, Look(hdr="sensor"), open_camera=stand_in.opened).close()
        assert stand_in.modes == [(0, True)]

    @pytest.mark.parametrize(
        ("look", "key"),
        [
            (Look(hdr="processor"), "hdr"),
            (Look(focus_m=1.0), "focus_m"),
            (Look(metering="matrix"), "metering"),
            (Look(exposure="short"), "exposure"),
            (Look(brighter_ev=1.0), "brighter_ev"),
        ],
    )
    def test_what_a_camera_cannot_do_is_a_fault(self, look: Look, key: str) -> None:
        stand_in = StandIn(controls=("FrameDurationLimits",))
        with pytest.raises(DeviceError, match=rf"cannot do camera\.{key} "):
            PiCamera(0, CLOCK, look, open_camera=stand_in.opened)
        assert stand_in.closed

    def test_a_size_that_is_another_than_was_asked_for_is_a_fault(self) -> None:
        stand_in = StandIn(only=(1280, 720))
        with pytest.raises(DeviceError, match=r"^camera: gives 1280 x 720 where 640 x 480 was asked for"):
            PiCamera(0, CLOCK, Look(), open_camera=stand_in.opened)
        assert stand_in.closed and not stand_in.started

    def test_one_that_does_not_start_is_one_line_and_given_back(self) -> None:
        class Busy(StandIn):
            def start(self) -> None:
                raise RuntimeError("Failed to acquire camera: Device or resource busy")

        stand_in = Busy()
        with pytest.raises(DeviceError, match=r"^camera: number 0 does not start \(RuntimeError\); see to cable"):
            PiCamera(0, CLOCK, Look(), open_camera=stand_in.opened)
        assert stand_in.closed

    def test_without_picamera2_it_says_what_to_install(self) -> None:
        try:
            import picamera2  # noqa: F401
        except ImportError:
            with pytest.raises(DeviceError, match="apt install python3-picamera2"):
                PiCamera(0, CLOCK, Look())

    def test_lines_that_are_longer_than_the_picture_are_cut(self) -> None:
        stand_in = StandIn(stride_more=64)
        camera = PiCamera(0, CLOCK, Look(), open_camera=stand_in.opened, pixels="NV12")
        frame = camera.read(1.0)
        assert frame is not None and frame._rgb is not None and frame._luma is not None
        assert (frame._rgb.shape, set(frame._luma.flat)) == ((480, 640, 3), {121})
        other = PiCamera(0, CLOCK, Look(), open_camera=StandIn(stride_more=64).opened)
        with pytest.raises(DeviceError, match="choose another code_scale"):
            other.read(1.0)

    def test_it_exposes_for_a_part_and_goes_back(self) -> None:
        class Sensor(StandIn):
            """Its picture follows the exposure; the part at the left is four stops darker than the rest."""

            def set_controls(self, controls: dict[str, Any]) -> None:
                super().set_controls(controls)
                self.luma = min(250, round(20 * 2 ** controls["ExposureValue"]))

        stand_in = Sensor()
        stand_in.luma = 20
        camera = PiCamera(0, CLOCK, Look(), open_camera=stand_in.opened)
        camera.meter(Box(10, 10, 200, 200))
        for _ in range(60):
            seen = light(camera)
        assert 95 <= seen <= 125
        camera.meter(None)
        for _ in range(60):
            seen = light(camera)
        assert 18 <= seen <= 25
        camera.meter(Box(-50, -50, -10, -10))  # nothing of it is in the picture
        assert 18 <= light(camera) <= 25

    def test_the_filter_moves_by_night_and_not_with_headlights(self) -> None:
        moved: list[bool] = []

        class Filter:
            closed = False

            def by_day(self, day: bool) -> None:
                moved.append(day)

            def close(self) -> None:
                self.closed = True

        stand_in, ir_cut = StandIn(), Filter()
        camera = PiCamera(0, CLOCK, Look(), ir_cut=ir_cut, open_camera=stand_in.opened)
        for lux, frames in ((400.0, 5), (1.0, 40), (50.0, 1), (1.0, 50), (200.0, 10), (1.0, 5), (200.0, 50)):
            stand_in.about = {"Lux": lux}
            for _ in range(frames):
                camera.read(1.0)
        assert moved == [True, False, True]
        camera.close()
        assert ir_cut.closed


class TestUsb:
    def test_a_device_that_is_not_there(self) -> None:
        with pytest.raises(DeviceError, match=r"^camera: /dev/video99: cannot be opened; see to camera, cable and"):
            V4l2Camera("/dev/video99", CLOCK)

    def test_compensation_that_it_does_not_have(self, tmp_path: Path) -> None:
        with pytest.raises(DeviceError, match=r"cannot compensate backlight; remove camera\.backlight"):
            V4l2Camera(str(video(tmp_path)), CLOCK, backlight=1, open_device=Plugged)

    def test_unplugged(self, tmp_path: Path) -> None:
        camera = V4l2Camera(str(video(tmp_path)), CLOCK, open_device=Plugged)
        with pytest.raises(DeviceError, match="gives no frame; see to camera and cable"):
            for _ in range(100):  # the video has sixty frames
                camera.read(1.0)

    def test_opencv_waits_for_a_silent_camera_no_longer_than_the_config_says(self, tmp_path: Path) -> None:
        V4l2Camera(str(video(tmp_path)), CLOCK, stall_s=3.5, open_device=Plugged).close()
        assert os.environ["OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT"] == "4"


class TestDriverTime:
    """`NOW` is long after the start, and the camera was opened two seconds before."""

    NOW = 500_000 * S

    @pytest.fixture
    def slept(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
        """The machine has slept so long: CLOCK_BOOTTIME is ahead by that."""
        real = time.clock_gettime_ns

        def sleep(seconds: float) -> None:
            ahead = {time.CLOCK_BOOTTIME: round(seconds * S) + time.monotonic_ns() - real(time.CLOCK_BOOTTIME)}
            monkeypatch.setattr(time, "clock_gettime_ns", lambda clock: real(clock) + ahead.get(clock, 0))

        return sleep

    def ages(self, *stamps_ns: int) -> list[float]:
        driver = DriverTime(self.NOW - 2 * S)
        return [(self.NOW - driver.exposed_ns(stamp_ns, self.NOW)) / S for stamp_ns in stamps_ns]

    def test_a_driver_without_a_time_is_dated_when_the_frame_came(self) -> None:
        assert self.ages(0, 0) == [0, 0]
        assert self.ages(0, self.NOW - S) == [0, 1], "it may begin to say one"
        with pytest.raises(DeviceError, match=r"^camera: its driver dates some frames and others not"):
            self.ages(self.NOW - S, 0)

    @pytest.mark.parametrize("old_s", [0.1, 1, 59, 61, 3_600, 400_000])
    def test_a_time_that_is_there_is_never_taken_for_now(self, old_s: float) -> None:
        assert self.ages(self.NOW - round(old_s * S)) == [old_s]
        assert self.ages(self.NOW - S // 20, self.NOW - round(old_s * S)) == [0.05, old_s]

    def test_the_end_of_a_frame_may_be_dated_before_it_is_over(self) -> None:
        """As vivid does, by up to a frame's period."""
        assert self.ages(self.NOW + S // 15, self.NOW + S // 10) == [0, 0]

    def test_a_frame_of_the_future_is_a_fault_of_the_driver(self) -> None:
        for of_another_clock in (self.NOW + S // 5, self.NOW + S, 1_790_000_000 * S):
            with pytest.raises(DeviceError, match="dates frames by no clock of this machine; let it use CLOCK_MONOT"):
                self.ages(of_another_clock)
        assert self.ages(self.NOW + 1_000_000) == [0], "two clocks are not read at one moment"

    @pytest.mark.parametrize("slept_s", [0.0, 5.0, 3_600.0])
    @pytest.mark.parametrize("boottime", [False, True])
    def test_the_first_frame_tells_the_clock_and_every_later_one_is_dated_by_it(
        self, slept: Callable[[float], None], slept_s: float, boottime: bool
    ) -> None:
        slept(slept_s)
        ahead_ns = round(slept_s * S) if boottime else 0
        old_s = [0.05, slept_s + 0.5, 7.0]
        assert self.ages(*(self.NOW + ahead_ns - round(each * S) for each in old_s)) == pytest.approx(old_s, abs=0.01)

    def test_where_both_clocks_could_be_the_frame_is_the_older(self, slept: Callable[[float], None]) -> None:
        slept(1)
        assert self.ages(self.NOW + S - 3 * S // 2) == pytest.approx([1.5], abs=0.01)
        assert self.ages(self.NOW - 3 * S // 2) == [1.5], "by the other clock it were of before the opening"

    def test_frames_that_stay_late_end_the_opening_and_a_late_one_does_not(self) -> None:
        driver, at_ns = DriverTime(self.NOW), self.NOW
        for number in range(15 * 20):
            at_ns = self.NOW + number * S // 15
            driver.exposed_ns(at_ns - (2 * S if number % 30 else 0), at_ns)
        with pytest.raises(
            DeviceError, match=r"^camera: its frames come 2\.0 s late and stay so; see to camera and net"
        ):
            for more in range(15 * 4):
                driver.exposed_ns(at_ns + more * S // 15 - 2 * S, at_ns + more * S // 15)


class TestStreamTime:
    """Frames come fifteen times a second, 5 ms after their exposure, but for what a test does to them."""

    @staticmethod
    def ages(delays_s: Iterable[float], stream: StreamTime | None = None) -> list[tuple[float, float | None, float]]:
        """When a frame was exposed, the age that is said of it when it comes (None: dropped), the true one; s."""
        stream, found, came_ns = stream or StreamTime(), [], 0
        for number, delay_s in enumerate(delays_s):
            sent_ns = number * S // 15
            came_ns = max(came_ns + 1_000_000, sent_ns + round((delay_s + 0.005) * S))  # in order, and never at once
            said_ns = stream.exposed_ns(sent_ns, came_ns)
            age_s = None if said_ns is None else (came_ns - said_ns) / S
            found.append((sent_ns / S, age_s, (came_ns - sent_ns) / S))
        return found

    def test_frames_that_were_held_back_do_not_seem_new(self) -> None:
        delays = [max(0.0, 63 - number / 15) if 60 * 15 <= number < 63 * 15 else 0.0 for number in range(100 * 15)]
        found = self.ages(delays)
        assert all(age_s is None for at_s, age_s, _ in found if at_s < 0.9), "nothing is known of the first second"
        assert {age_s for at_s, age_s, _ in found if 1.1 < at_s < 59.9 or at_s > 64} == {0.0}
        assert [age_s for at_s, age_s, _ in found if at_s in (60, 62)] == pytest.approx([3.0, 1.0], abs=0.1)

    @pytest.mark.parametrize("minutes", [1, 15])
    def test_a_delay_that_rises_and_stays_ends_the_connection_and_is_never_forgotten(self, minutes: int) -> None:
        stream, said = StreamTime(), list[float]()
        steady = self.ages([0.05] * 15 * 60 * minutes, stream)
        assert steady[-1][1] == 0
        began_s = minutes * 60.0
        with pytest.raises(DeviceError, match=r"^camera: its frames come 4\.9 s late and stay so"):
            for number in range(15 * 120):
                sent_ns = round(began_s * S) + number * S // 15
                came_ns = sent_ns + round(5.005 * S)
                exposed_ns = stream.exposed_ns(sent_ns, came_ns)
                assert exposed_ns is not None
                said.append((came_ns - exposed_ns) / S)
        assert min(said) > 4.94 and len(said) < 15 * 4

    def test_what_was_held_back_before_the_opening_is_dropped(self) -> None:
        """Five seconds come in a burst, a frame each millisecond; then they come as they are exposed."""
        found = self.ages([max(0.0, 5 - number / 15) for number in range(15 * 20)])
        assert all(age_s is None for at_s, age_s, _ in found if at_s < 5.9)
        assert all(age_s == pytest.approx(true_s - 0.005, abs=0.001) for _, age_s, true_s in found if age_s is not None)
        assert {age_s for at_s, age_s, _ in found if at_s > 6.2} == {0.0}

    def test_a_burst_in_the_middle_that_shows_that_all_was_late_is_dropped_too(self) -> None:
        """Half a second late from the opening on, and so not to be seen; then that is made up for."""
        found = self.ages([0.4] * 15 * 10 + [max(0.0, 0.4 - number * 0.03) for number in range(15 * 10)])
        assert {age_s for at_s, age_s, _ in found if 1.5 < at_s < 9.9} == {0.0}
        assert {age_s for at_s, age_s, _ in found if 10.3 < at_s < 11.2} == {None}
        assert {age_s for at_s, age_s, _ in found if at_s > 12} == {0.0}

    def test_no_frame_is_dated_before_the_one_before_it(self) -> None:
        stream, dates = StreamTime(), list[int]()
        for number in range(300):
            sent_ns = number * S // 100
            quicker_ns = 40_000_000 if number >= 200 else 0  # less than what counts as a burst, more than a frame
            if (dated := stream.exposed_ns(sent_ns, sent_ns + S - quicker_ns)) is not None:
                dates.append(dated)
        assert dates == sorted(dates) and len(dates) == 200 - 3

    @pytest.mark.parametrize("ppm", [-100, 100, 190])
    def test_clocks_that_drift_apart_do_not_make_frames_old(self, ppm: int) -> None:
        stream = StreamTime()
        for number in range(0, 15 * 3600, 5):
            sent_ns = number * S // 15
            came_ns = 900 * S + sent_ns + sent_ns * ppm // 1_000_000
            said_ns = stream.exposed_ns(sent_ns, came_ns)
            assert number <= 15 or (said_ns is not None and came_ns - said_ns < 10_000_000)

    @pytest.mark.parametrize("leap_s", [-0.4, -3.0, 3.0])
    def test_a_camera_whose_clock_leaps_is_connected_anew_or_goes_on(self, leap_s: float) -> None:
        stream = StreamTime()
        self.ages([0.0] * 150, stream)

        def after(seconds: int) -> list[float | None]:
            found: list[float | None] = []
            for number in range(150, 150 + 15 * seconds):
                came_ns = number * S // 15 + 5_000_000
                said_ns = stream.exposed_ns(number * S // 15 + round(leap_s * S), came_ns)
                found.append(None if said_ns is None else (came_ns - said_ns) / S)
            return found

        if leap_s == -3.0:
            with pytest.raises(DeviceError, match="stay so"):
                after(4)
        else:
            assert after(4)[-1] == pytest.approx(max(0.0, -leap_s), abs=0.01)
