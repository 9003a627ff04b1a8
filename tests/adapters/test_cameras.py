"""One contract for every camera, whatever is behind it: size, number, time, memory of its own, a stall that is said."""

from __future__ import annotations

import glob
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from agent.adapters.camera.exposed import StreamTime, exposed_ns
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


def usb(folder: Path) -> Iterator[Under]:
    """Where this machine has no camera, a video stands for the device file: OpenCV reads both."""
    yield Under(V4l2Camera(str(video(folder)), CLOCK, open_device=cv2.VideoCapture, code_scale=2))


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
            V4l2Camera(str(video(tmp_path)), CLOCK, backlight=1, open_device=cv2.VideoCapture)

    def test_unplugged(self, tmp_path: Path) -> None:
        camera = V4l2Camera(str(video(tmp_path)), CLOCK, open_device=cv2.VideoCapture)
        with pytest.raises(DeviceError, match="gives no frame; see to camera and cable"):
            for _ in range(100):  # the video has sixty frames
                camera.read(1.0)


class TestExposed:
    def test_a_driver_is_believed_within_a_minute(self) -> None:
        now_ns = 500_000_000_000
        assert exposed_ns(now_ns - 7, now_ns) == now_ns - 7
        for no_time in (0, now_ns - 61_000_000_000, now_ns + 90_000_000_000):
            assert exposed_ns(no_time, now_ns) == now_ns

    def test_frames_that_were_held_back_do_not_seem_new(self) -> None:
        second, stream, late = 1_000_000_000, StreamTime(), []
        for number in range(15 * 100):
            sent_ns = number * second // 15
            held = 3 * second if 15 * 60 <= number < 15 * 63 else 0  # three seconds stand still, then come at once
            came_ns = 900 * second + max(sent_ns, 63 * second if held else 0) + 5_000_000
            late.append((came_ns - stream.exposed_ns(sent_ns, came_ns)) / second)
        assert max(late[: 15 * 60]) == 0 and max(late[15 * 64 :]) == 0
        assert late[15 * 60] == pytest.approx(3.0) and late[15 * 62] == pytest.approx(1.0, abs=0.1)

    def test_clocks_that_drift_apart_do_not_make_frames_old(self) -> None:
        second, stream = 1_000_000_000, StreamTime()
        for number in range(0, 15 * 3600, 5):
            sent_ns = number * second // 15
            came_ns = 900 * second + sent_ns + sent_ns // 10_000
            assert came_ns - stream.exposed_ns(sent_ns, came_ns) < 10_000_000
