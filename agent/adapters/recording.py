"""A recording as a camera: a video file, an animation, or a folder of such and of stills, looped by time, with OpenCV.

Rules: any size is fitted into 640 x 480 with black bars, never stretched; frames leave on a steady grid in real time,
and whoever comes late gets the newest one. Pictures are decoded as they are needed, never all at once.
Leaves out: live cameras.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, Protocol

import cv2
import numpy as np

from agent.adapters.fitting import fitted, within
from agent.errors import ConfigError, DeviceError
from agent.policy.frames import CapturedFrame
from agent.ports import Clock
from agent.units import Rgb

_NS: Final = 1_000_000_000
_STILLS: Final = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".webp"})
_MOVING: Final = frozenset({".avi", ".gif", ".m4v", ".mkv", ".mov", ".mp4", ".webm"})
_STILL_S: Final = 2.0
"""How long each still of a folder is shown: long enough to opt in."""
_FALLBACK_FPS: Final = 15.0
_LOOKS: Final = 40
_SCALE_MAX: Final = 6
_HAIR_S: Final = 1e-6
"""Added to every time, so that rounding never shows the picture before the one that is due."""


class _Source(Protocol):
    """Pictures by time since the start; the time only grows."""

    def picture(self, t: float) -> Rgb | None: ...

    def close(self) -> None: ...


class _Video:
    """A video file or GIF, decoded frame by frame and begun again at its end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reader = cv2.VideoCapture(str(path))
        fps = self._reader.get(cv2.CAP_PROP_FPS) if self._reader.isOpened() else 0.0
        self._fps = fps if 0.5 <= fps <= 240 else _FALLBACK_FPS
        self.lasts_s = max(1.0, self._reader.get(cv2.CAP_PROP_FRAME_COUNT)) / self._fps  # one frame if it is not said
        self._shown = -1
        self._picture: Rgb | None = None

    def picture(self, t: float) -> Rgb | None:
        wanted = int(t * self._fps)
        while self._shown < wanted:
            if not self._forward(decode=self._shown + 1 == wanted):
                return None
            self._shown += 1
        return self._picture

    def _forward(self, *, decode: bool) -> bool:
        """One frame on; at the end from the beginning. False when not even the first frame can be read."""
        if not self._reader.grab():
            self._reader.release()
            self._reader = cv2.VideoCapture(str(self._path))
            if not self._reader.grab():
                return False
        if decode:
            done, bgr = self._reader.retrieve()
            self._picture = fitted(np.asarray(bgr, np.uint8)) if done and bgr is not None else None
        return True

    def close(self) -> None:
        self._reader.release()


class _Animation:
    """An animated WebP: each picture for its own time."""

    def __init__(self, path: Path) -> None:
        done, animation = cv2.imreadanimation(str(path))
        frames = list(animation.frames) if done else []
        # A few seconds at most, so it may be kept whole; a picture without a time gets a usual one.
        self._pictures = [fitted(_plain(np.asarray(frame, np.uint8))) for frame in frames]
        lengths = [length / 1000 if length > 0 else 0.1 for length in animation.durations] if done else []
        self._ends = np.cumsum(lengths)

    def picture(self, t: float) -> Rgb | None:
        if not self._pictures:
            return None
        place = int(np.searchsorted(self._ends, t % float(self._ends[-1]), side="right"))
        return self._pictures[min(place, len(self._pictures) - 1)]

    def close(self) -> None:
        self._pictures = []


class _Still:
    """One picture, decoded when it is wanted."""

    lasts_s = _STILL_S

    def __init__(self, path: Path) -> None:
        self._path = path
        self._picture: Rgb | None = None

    def picture(self, t: float) -> Rgb | None:
        if self._picture is None:
            bgr = cv2.imread(str(self._path), cv2.IMREAD_COLOR)
            self._picture = None if bgr is None else fitted(np.asarray(bgr, np.uint8))
        return self._picture

    def close(self) -> None:
        self._picture = None


class _Folder:
    """Stills and recordings in the order of their names: each still for a while, each recording once; then again."""

    def __init__(self, path: Path) -> None:
        kinds = _STILLS | _MOVING
        self._files = sorted(each for each in path.iterdir() if each.suffix.lower() in kinds)
        self._opened = 0
        self._part: _Still | _Video | None = None
        self._from_s = self._until_s = 0.0

    def picture(self, t: float) -> Rgb | None:
        if not self._files:
            return None
        while self._part is None or t >= self._until_s:
            self.close()
            path = self._files[self._opened % len(self._files)]
            self._part = _Still(path) if path.suffix.lower() in _STILLS else _Video(path)
            self._opened += 1
            self._from_s, self._until_s = self._until_s, self._until_s + self._part.lasts_s
        return self._part.picture(t - self._from_s)

    def close(self) -> None:
        if self._part is not None:
            self._part.close()


class RecordingCamera:
    """`ports.Camera` over a recording; it never ends by itself.

    Args:
        path: a video file, an animated GIF or WebP, or a folder of stills, videos and GIFs.
        fps: frames a second given out at most.

    Raises:
        ConfigError: there is no such file or folder.
        DeviceError: not one picture can be read from it.
    """

    def __init__(self, path: Path, clock: Clock, *, fps: int = 15, sleep: Callable[[float], None] = time.sleep) -> None:
        self._name = path.name
        self._source = _source(path)
        self._clock = clock
        self._fps = fps
        self._sleep = sleep
        self._start_ns: int | None = None
        self._next = 0
        if self._source.picture(0.0) is None:
            raise DeviceError(f"{path.name}: no picture can be read from it; give a video, an animation or stills")

    def read(self, timeout_s: float) -> CapturedFrame | None:
        """The next frame that is due, waiting for it.

        Raises:
            DeviceError: the recording cannot be read any more.
        """
        now_ns = self._clock.monotonic_ns()
        if self._start_ns is None:
            self._start_ns = now_ns
        number = max(self._next, (now_ns - self._start_ns) * self._fps // _NS)
        due_ns = self._start_ns + number * _NS // self._fps
        if due_ns > now_ns:
            self._sleep((due_ns - now_ns) / _NS)
        self._next = number + 1
        rgb = self._source.picture(number / self._fps + _HAIR_S)
        if rgb is None:
            raise DeviceError(f"{self._name}: cannot be read any more; see whether the file is whole")
        luma = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8)
        return CapturedFrame(number, due_ns, rgb.copy(), luma)

    def close(self) -> None:
        self._source.close()


def _source(path: Path) -> _Source:
    if path.is_dir():
        return _Folder(path)
    if not path.is_file():
        raise ConfigError(
            f"{path.name}: no such file or folder; give a video, an animation, or a folder of them or of stills"
        )
    return _Animation(path) if path.suffix.lower() == ".webp" else _Video(path)


def _plain(picture: Rgb) -> Rgb:
    """BGR from whatever an animation holds."""
    if picture.ndim == 2:
        return np.asarray(cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR), np.uint8)
    return np.ascontiguousarray(picture[..., :3])


def handed_in(number: int, bgr: Rgb) -> CapturedFrame:
    """A picture that was handed in at a desk, as the camera would have given it; the time of exposure is unknown."""
    rgb = fitted(bgr)
    return CapturedFrame(number, 0, rgb, np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8))


def looks(path: Path, view: tuple[int, int]) -> Iterator[tuple[str, CapturedFrame]]:
    """What a commissioned camera saw, by name, with luma as fine as it was taken: stills, or a video's frames.

    Of a video at most `_LOOKS` frames, evenly spread. The pictures are fitted into the view like live ones.

    Args:
        view: width and height of the recognition picture in the policy.

    Raises:
        ConfigError: there is no such file or folder, or nothing in it can be read.
    """
    found = 0
    for found, (name, bgr) in enumerate(_stills(path) if path.is_dir() else _frames(path), 1):
        yield name, _as_taken(found, bgr, view)
    if not found:
        raise ConfigError(f"{path}: no picture can be read from it; name a folder of stills, a picture or a video")


def _stills(path: Path) -> Iterator[tuple[str, Rgb]]:
    for each in sorted(path.iterdir()):
        if each.suffix.lower() in _STILLS:
            bgr = cv2.imread(str(each), cv2.IMREAD_COLOR)
            if bgr is None:
                raise ConfigError(f"{each}: is not a picture; take it out of the folder")
            yield each.name, np.asarray(bgr, np.uint8)


def _frames(path: Path) -> Iterator[tuple[str, Rgb]]:
    if not path.is_file():
        raise ConfigError(f"{path}: no such file or folder; name a folder of stills, a picture or a video")
    single = cv2.imread(str(path), cv2.IMREAD_COLOR) if path.suffix.lower() in _STILLS else None
    if single is not None:
        yield path.name, np.asarray(single, np.uint8)
        return
    reader = cv2.VideoCapture(str(path))
    step = max(1, int(reader.get(cv2.CAP_PROP_FRAME_COUNT)) // _LOOKS) if reader.isOpened() else 1
    number = 0
    while reader.grab():
        if number % step == 0:
            done, bgr = reader.retrieve()
            if done:
                yield f"{path.name} frame {number}", np.asarray(bgr, np.uint8)
        number += 1
    reader.release()


def _as_taken(number: int, bgr: Rgb, view: tuple[int, int]) -> CapturedFrame:
    """Luma of a whole number of pixels for one of the view, never coarser than the picture was."""
    height, width = bgr.shape[:2]
    scale = min(max(1, math.ceil(max(width / view[0], height / view[1]))), _SCALE_MAX)
    grey = np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY), np.uint8)
    luma = within(grey, (view[0] * scale, view[1] * scale))
    return CapturedFrame(number, 0, np.zeros((view[1], view[0], 3), np.uint8), luma)


def decoded(data: bytes) -> Rgb | None:
    """The picture in the bytes of one file, blue first; None when it is not one that OpenCV reads."""
    bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    return None if bgr is None else np.asarray(bgr, np.uint8)
