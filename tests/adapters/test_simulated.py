"""The simulated camera keeps time like a real one; the position comes with the time it was taken."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.adapters.simulated import SceneStart, SimulatedCamera, SimulatedLocator
from agent.errors import DeviceError
from agent.policy.frames import CapturedFrame, CodeFrame
from agent.policy.gate import Gate
from agent.scene.scene import Scene, load
from agent.units import Box
from tests.face.given import VIEW
from tests.policy.given import law

SCENES = Path(__file__).resolve().parents[2] / "scenes"
SCENE = load(SCENES / "front-gate.toml")
START_NS = 5_000_000_123


class HandClock:
    """`ports.Clock` whose hands the test moves; sleeping moves them too."""

    def __init__(self) -> None:
        self.now_ns = START_NS
        self.slept: list[float] = []

    def monotonic_ns(self) -> int:
        return self.now_ns

    def unix_s(self) -> float:
        return 1_700_000_000.0

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now_ns += round(seconds * 1e9)


def camera(
    clock: HandClock, start: SceneStart | None = None, scene: Scene = SCENE, paced: bool = True
) -> SimulatedCamera:
    return SimulatedCamera(scene, {}, clock, start or SceneStart(), paced=paced, sleep=clock.sleep)


def taken(frame: CapturedFrame | None) -> CapturedFrame:
    assert frame is not None
    return frame


def short_scene(folder: Path, change: str, to: str) -> Scene:
    for name in ("cast", "front-gate.webp", "sign-face.webp", "pass-head.webp"):
        (folder / name).symlink_to(SCENES / name)
    text = (SCENES / "front-gate.toml").read_text("utf-8")
    assert change in text
    (folder / "scene.toml").write_text(text.replace(change, to, 1), "utf-8")
    return load(folder / "scene.toml")


def test_frames_are_exposed_at_their_exact_times() -> None:
    clock = HandClock()
    source = camera(clock)
    for number in range(4):
        frame = taken(source.read(1.0))
        assert (frame.number, frame.captured_ns) == (number, START_NS + number * 1_000_000_000 // 15)
        assert clock.now_ns == pytest.approx(frame.captured_ns, abs=2)
    assert clock.slept == pytest.approx([1 / 15] * 3, abs=1e-6)


class TestMetering:
    SKY, WALL = Box(200.0, 0.0, 300.0, 60.0), Box(160.0, 420.0, 300.0, 470.0)

    @staticmethod
    def luma(source: SimulatedCamera, region: Box) -> float:
        frame = Gate(law(view=VIEW)).codes(taken(source.read(1.0)))
        assert isinstance(frame, CodeFrame)
        return float(frame.luma[int(region.y0) : int(region.y1), int(region.x0) : int(region.x1)].mean())

    def test_the_part_is_exposed_to_a_middle_grey_within_some_frames_and_back(self, tmp_path: Path) -> None:
        dark = short_scene(tmp_path, "light = [\n    [0.0, 1.0, 0.0],", "light = [\n    [0.0, 0.5, 0.0],")
        for region in (self.SKY, self.WALL):
            source = camera(HandClock(), scene=dark, paced=False)
            before = self.luma(source, region)
            source.meter(region)
            found = [self.luma(source, region) for _ in range(10)]
            assert abs(found[-1] - 110) < 12 and abs(before - 110) > 20
            source.meter(None)
            back = [self.luma(source, region) for _ in range(14)]
            assert abs(back[-1] - before) < 16, "the light of the scene rises a little meanwhile"

    def test_without_a_wish_every_frame_is_as_painted(self) -> None:
        one, other = camera(HandClock(), paced=False), camera(HandClock(), paced=False)
        other.meter(None)
        for _ in range(3):
            assert self.luma(one, self.WALL) == self.luma(other, self.WALL)

    def test_a_part_outside_the_picture_changes_nothing(self) -> None:
        source = camera(HandClock(), paced=False)
        before = self.luma(source, self.WALL)
        source.meter(Box(900.0, 900.0, 950.0, 950.0))
        assert abs([self.luma(source, self.WALL) for _ in range(5)][-1] - before) < 3


def test_who_comes_late_gets_the_newest_frame() -> None:
    clock = HandClock()
    source = camera(clock)
    assert taken(source.read(1.0)).number == 0
    clock.now_ns += 500_000_000
    frame = taken(source.read(1.0))
    assert frame.number == 7 and frame.captured_ns <= clock.now_ns
    assert clock.slept == []
    assert taken(source.read(1.0)).number == 8


def test_the_start_may_be_given_and_is_shared() -> None:
    clock = HandClock()
    start = SceneStart(START_NS - 2_000_000_000)
    assert taken(camera(clock, start).read(1.0)).number == 30
    fresh = SceneStart()
    camera(clock, fresh).read(1.0)
    assert fresh.start_ns == clock.now_ns


def test_a_scene_ends(tmp_path: Path) -> None:
    clock = HandClock()
    source = camera(clock, scene=short_scene(tmp_path, "duration_s = 90.0", "duration_s = 1.0"), paced=False)
    numbers = []
    while (frame := source.read(1.0)) is not None:
        numbers.append(frame.number)
    assert numbers == list(range(15)) and clock.slept == []
    assert source.read(1.0) is None


def test_a_camera_that_fails_is_a_device_error(tmp_path: Path) -> None:
    clock = HandClock()
    scene = short_scene(tmp_path, "[position]", "[position]").script
    assert scene.camera_fails_s is None
    (tmp_path / "again").mkdir()
    failing = short_scene(tmp_path / "again", "noise = 2.0", "noise = 2.0\ncamera_fails_s = 0.2")
    source = camera(clock, scene=failing)
    for _ in range(3):
        source.read(0.8)
    with pytest.raises(DeviceError, match=r"no frame within 0\.8 s"):
        source.read(0.8)
    assert clock.slept[-1] == 0.8


def test_a_closed_camera_gives_nothing() -> None:
    source = camera(HandClock())
    source.close()
    with pytest.raises(DeviceError, match="after close"):
        source.read(1.0)


def test_the_locator_gives_the_latest_fix_and_never_one_from_the_future() -> None:
    start = SceneStart()
    locator = SimulatedLocator(SCENE, start)
    assert locator.fix(START_NS) is None
    start.start_ns = START_NS
    assert locator.fix(START_NS - 1) is None
    for number in range(0, 1350, 7):
        now_ns = START_NS + number * 1_000_000_000 // 15
        fix = locator.fix(now_ns)
        assert fix is not None and 0 <= now_ns - fix.taken_ns <= 200_000_001
        assert fix.sigma_m == 1.2
    first, last = locator.fix(START_NS), locator.fix(START_NS + 89_000_000_000)
    assert first is not None and last is not None
    assert first.lon_deg == 10.0 and last.lon_deg == pytest.approx(10.00053)
