"""A recording as a camera: every kind is read, fitted, looped by time; a broken one is an error."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from agent.adapters.fitting import fitted
from agent.adapters.recording import RecordingCamera, looks
from agent.errors import ConfigError, DeviceError
from agent.policy.frames import CapturedFrame
from agent.units import Rgb

SHADES = (40, 90, 140, 190)
"""Grey of the first, second, third and fourth picture of every recording here."""


class HandClock:
    """`ports.Clock` whose hands the test moves; sleeping moves them too."""

    def __init__(self) -> None:
        self.now_ns = 77

    def monotonic_ns(self) -> int:
        return self.now_ns

    def unix_s(self) -> float:
        return 1_700_000_000.0

    def sleep(self, seconds: float) -> None:
        self.now_ns += round(seconds * 1e9)


def pictures(width: int = 160, height: int = 90) -> list[Rgb]:
    return [np.full((height, width, 3), shade, np.uint8) for shade in SHADES]


def shade(frame: CapturedFrame | None) -> int:
    """Which of the four pictures a frame shows."""
    assert frame is not None and frame._rgb is not None and frame._luma is not None
    assert frame._rgb.shape == (480, 640, 3) and frame._luma.shape == (480, 640)
    return min(range(4), key=lambda index: abs(SHADES[index] - int(frame._luma[240, 320])))


def video(path: Path, fps: float = 15.0) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), fps, (160, 90))
    for picture in pictures():
        writer.write(picture)
    writer.release()
    return path


def animation(path: Path, milliseconds: int) -> Path:
    made = cv2.Animation()
    made.frames, made.durations = pictures(), np.full(4, milliseconds, np.int32)
    assert cv2.imwriteanimation(str(path), made)
    return path


def shown(path: Path, count: int, fps: int = 15) -> list[int]:
    clock = HandClock()
    camera = RecordingCamera(path, clock, fps=fps, sleep=clock.sleep)
    found = [shade(camera.read(1.0)) for _ in range(count)]
    camera.close()
    return found


def test_a_video_is_looped(tmp_path: Path) -> None:
    assert shown(video(tmp_path / "a.avi"), 10) == [0, 1, 2, 3, 0, 1, 2, 3, 0, 1]


def test_a_faster_video_loses_frames_and_not_time(tmp_path: Path) -> None:
    assert shown(video(tmp_path / "a.avi", fps=30.0), 4) == [0, 2, 0, 2]


@pytest.mark.parametrize("name", ["a.gif", "a.webp"])
def test_an_animation_is_looped(tmp_path: Path, name: str) -> None:
    found = shown(animation(tmp_path / name, 200), 12, fps=5)
    assert found == [0, 1, 2, 3] * 3


def test_stills_are_shown_long_enough_to_opt_in(tmp_path: Path) -> None:
    for index, picture in enumerate(pictures()):
        cv2.imwrite(str(tmp_path / f"{index}.png"), picture)
    (tmp_path / "notes.txt").write_text("no picture", "utf-8")
    assert shown(tmp_path, 9, fps=1) == [0, 0, 1, 1, 2, 2, 3, 3, 0]


def test_a_folder_plays_its_recordings_once_each_and_begins_again(tmp_path: Path) -> None:
    video(tmp_path / "1.avi", fps=2.0)
    cv2.imwrite(str(tmp_path / "2.png"), pictures()[3])
    animation(tmp_path / "3.gif", 500)
    assert shown(tmp_path, 14, fps=2) == [0, 1, 2, 3, 3, 3, 3, 3, 0, 1, 2, 3, 0, 1]


def test_a_recording_in_a_folder_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    video(tmp_path / "1.avi", fps=2.0)
    (tmp_path / "2.mp4").write_bytes(b"nothing that moves")
    with pytest.raises(DeviceError, match="cannot be read any more"):
        shown(tmp_path, 6, fps=2)


def test_who_comes_late_gets_the_newest_frame(tmp_path: Path) -> None:
    clock = HandClock()
    camera = RecordingCamera(video(tmp_path / "a.avi"), clock, sleep=clock.sleep)
    first = camera.read(1.0)
    clock.now_ns += 200_000_000
    later = camera.read(1.0)
    assert first is not None and later is not None
    assert (first.number, later.number) == (0, 3)
    assert later.captured_ns == 77 + 200_000_000
    assert shade(later) == 3


def test_pictures_are_fitted_and_never_stretched() -> None:
    wide = fitted(np.full((90, 160, 3), (10, 20, 200), np.uint8))
    assert (wide[:59] == 0).all() and (wide[421:] == 0).all()
    assert (wide[61:419] == (200, 20, 10)).all()
    tall = fitted(np.full((960, 480, 3), 90, np.uint8))
    assert (tall[:, :199] == 0).all() and (tall[:, 201:439] == 90).all() and (tall[:, 441:] == 0).all()
    same = np.random.default_rng(1).integers(0, 255, (480, 640, 3), np.uint8)
    assert np.array_equal(fitted(same), same[..., ::-1])


def test_what_is_not_there_or_no_recording(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.mp4: no such file"):
        RecordingCamera(tmp_path / "none.mp4", HandClock())
    for name in ("broken.mp4", "broken.gif", "broken.webp"):
        (tmp_path / name).write_bytes(b"nothing that moves")
        with pytest.raises(DeviceError, match=f"{name}: no picture can be read"):
            RecordingCamera(tmp_path / name, HandClock())
    (tmp_path / "empty").mkdir()
    with pytest.raises(DeviceError, match="empty: no picture can be read"):
        RecordingCamera(tmp_path / "empty", HandClock())


def test_a_recording_that_goes_away_is_an_error(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "0.png"), pictures()[0])
    cv2.imwrite(str(tmp_path / "1.png"), pictures()[1])
    clock = HandClock()
    camera = RecordingCamera(tmp_path, clock, fps=1, sleep=clock.sleep)
    assert shade(camera.read(1.0)) == 0
    (tmp_path / "1.png").unlink()
    camera.read(1.0)
    with pytest.raises(DeviceError, match="cannot be read any more"):
        camera.read(1.0)


@pytest.mark.parametrize("name", ["who.mp4", "who.webp", "who.gif", "folder/who.png"])
def test_what_opencv_has_to_say_about_a_file_is_not_said(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str
) -> None:
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"\0\0\0\x18ftypmp42" + bytes(1000))
    with pytest.raises(DeviceError):
        RecordingCamera(file.parent if "/" in name else file, HandClock())
    assert capfd.readouterr() == ("", "")


class TestLooks:
    """Stills of a commissioned camera, as fine as they were taken."""

    @pytest.mark.parametrize(
        "size, scale",
        [((640, 480), 1), ((1920, 1440), 3), ((1920, 1080), 3), ((1000, 750), 2), ((320, 240), 1), ((4608, 3456), 6)],
    )
    def test_luma_is_a_whole_number_of_times_the_view_and_no_coarser_than_the_still(
        self, tmp_path: Path, size: tuple[int, int], scale: int
    ) -> None:
        still = np.full((size[1], size[0], 3), 130, np.uint8)
        still[size[1] // 2 :, size[0] // 2 :] = 30
        cv2.imwrite(str(tmp_path / "a.png"), still)
        ((name, captured),) = looks(tmp_path, (640, 480))
        assert name == "a.png" and captured._luma is not None
        luma = captured._luma
        assert luma.shape == (480 * scale, 640 * scale)
        assert luma[241 * scale, 321 * scale] == 30 and luma[238 * scale, 318 * scale] == 130, "its middle stays there"
        bars = size[0] * 480 > size[1] * 640
        assert (luma[0, 0] == 0) == bars, "its shape is kept"

    def test_stills_come_in_the_order_of_their_names_and_other_files_are_left(self, tmp_path: Path) -> None:
        for name, shade in (("b.jpg", 90), ("a.PNG", 40)):
            cv2.imwrite(str(tmp_path / name), np.full((480, 640, 3), shade, np.uint8))
        (tmp_path / "notes.txt").write_text("left alone")
        assert [name for name, _ in looks(tmp_path, (640, 480))] == ["a.PNG", "b.jpg"]

    def test_of_a_long_video_frames_are_taken_evenly(self, tmp_path: Path) -> None:
        file = tmp_path / "film.avi"
        writer = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*"MJPG"), 25, (64, 48))
        for shade in range(100):
            writer.write(np.full((48, 64, 3), 2 * shade, np.uint8))
        writer.release()
        names = [name for name, _ in looks(file, (64, 48))]
        assert names == [f"film.avi frame {number}" for number in range(0, 100, 2)]

    @pytest.mark.parametrize(
        "name, fault",
        [
            ("gone", "no such file"),
            ("empty", "no picture can be read"),
            ("text.avi", "no picture can be read"),
            ("bad", "is not a picture"),
        ],
    )
    def test_what_holds_no_picture_is_one_line(self, tmp_path: Path, name: str, fault: str) -> None:
        (tmp_path / "empty").mkdir()
        (tmp_path / "bad").mkdir()
        (tmp_path / "bad" / "a.png").write_text("no picture")
        (tmp_path / "text.avi").write_text("no film")
        with pytest.raises(ConfigError, match=fault):
            list(looks(tmp_path / name, (640, 480)))
