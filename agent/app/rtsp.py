"""`doorward rtsp`: the process between a network camera and the recogniser, which has no network.

Rules: it has the camera's address and login and nothing else: no key, no policy, no ledger, and it keeps no frame. The
camera is open only while a recogniser wants frames, and a little longer, since one that has waited too long comes back.
A stream that gives nothing in time is given up, whatever its thread still waits for, and opened again with growing
pauses; when several threads hang, the process ends, and whoever started it starts it again.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Final, Protocol

from agent.adapters.camera.handing import Handing
from agent.adapters.camera.rtsp import RtspStream, address_with
from agent.adapters.watchdog import Watchdog, handed_over, watchdog
from agent.app.config import DeviceConfig
from agent.app.config_camera import RtspCamera
from agent.app.fault import one_fate, report
from agent.app.reopening import pause_s
from agent.errors import ConfigError, DeviceError, DoorwardError
from agent.units import Luma, Rgb

Frame = tuple[int, Rgb, Luma]
"""Exposure in monotonic ns, RGB, luma."""
_OPEN_S: Final = 8.0
"""A camera may take so long until its first frame: it waits for the next whole picture of the stream."""
_LINGER_S: Final = 12.0
_STUCK: Final = 3
_LOOK_S: Final = 0.2
_PASSWORD_MAX: Final = 1024


class Stream(Protocol):
    def read(self) -> Frame:
        """
        Raises:
            DeviceError: the stream has ended or is broken.
        """
        ...

    def close(self) -> None: ...


class _Reading:
    """One stream and the thread that waits for it."""

    def __init__(self, open_stream: Callable[[], Stream], came: Callable[[_Reading, Frame], None]) -> None:
        self._open, self._came = open_stream, came
        self.wait_until_s = time.monotonic() + _OPEN_S
        self.given_up = False
        self.reason: str | None = None
        """Why it has ended; None while it has not."""
        self.thread = threading.Thread(target=self._run, name="rtsp", daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            stream = self._open()
            try:
                while not self.given_up:
                    self._came(self, stream.read())
            finally:
                stream.close()
        except DoorwardError as error:
            self.reason = str(error)
        except Exception as error:  # a decoder's own; without its text, which could hold anything
            self.reason = f"camera: failed ({type(error).__name__}); see to the camera"


class Source:
    """The camera, opened again and again while it is wanted.

    Args:
        stall_s: a stream that gives nothing for so long is given up.
        report: told once about each failure, until there are frames again.
    """

    def __init__(self, open_stream: Callable[[], Stream], stall_s: float, report: Callable[[str], None]) -> None:
        self._open, self._stall_s, self._report = open_stream, stall_s, report
        self._ready = threading.Condition()
        self._frame: Frame | None = None
        self._reading: _Reading | None = None
        self._stuck: list[_Reading] = []
        self._failures, self._again_s = 0, 0.0

    def take(self, timeout_s: float) -> Frame | None:
        """The newest frame that was not taken yet; None when none came in time. Opens the camera.

        Raises:
            DeviceError: threads hang, and no time-out ends them.
        """
        self._look_after()
        with self._ready:
            self._ready.wait_for(lambda: self._frame is not None, timeout_s)
            frame, self._frame = self._frame, None
        return frame

    def close(self) -> None:
        """Let go of the camera; a thread that hangs ends when it can."""
        if self._reading is not None:
            self._give_up(self._reading)
        with self._ready:
            self._frame = None

    def ended(self, within_s: float) -> bool:
        """Whether every thread has ended, waiting for it."""
        until_s = time.monotonic() + within_s
        for each in self._stuck:
            each.thread.join(max(0.0, until_s - time.monotonic()))
        return not any(each.thread.is_alive() for each in self._stuck)

    def _look_after(self) -> None:
        now_s, reading = time.monotonic(), self._reading
        if reading is None:
            if now_s >= self._again_s:
                self._reading = _Reading(self._open, self._came)
        elif reading.reason is not None:
            self._failed(reading.reason)
        elif now_s > reading.wait_until_s:
            self._failed(f"camera: no frame for {self._stall_s:g} s; see to the camera and its network")

    def _failed(self, reason: str) -> None:
        if self._reading is not None:
            self._give_up(self._reading)
        self._again_s = time.monotonic() + pause_s(self._failures)
        if self._failures == 0:
            self._report(reason)
        self._failures += 1
        if len(self._stuck) > _STUCK:
            raise DeviceError(
                f"camera: {len(self._stuck)} threads hang in its stream; this process ends, start it again"
            )

    def _give_up(self, reading: _Reading) -> None:
        reading.given_up, self._reading = True, None
        self._stuck = [each for each in (*self._stuck, reading) if each.thread.is_alive()]

    def _came(self, reading: _Reading, frame: Frame) -> None:
        with self._ready:
            if not reading.given_up:
                reading.wait_until_s = time.monotonic() + self._stall_s
                self._frame, self._failures = frame, 0
                self._ready.notify()


def serve(handing: Handing, source: Source, scale: int, systemd: Watchdog, stop: threading.Event) -> None:
    """Until told to stop.

    Raises:
        DeviceError: see `Source.take`.
    """
    wanted_s = 0.0
    while not stop.is_set():
        systemd.feed()
        if handing.wanted(0 if time.monotonic() < wanted_s else _LOOK_S):
            wanted_s = time.monotonic() + _LINGER_S
        elif time.monotonic() > wanted_s:
            source.close()
            continue
        frame = source.take(_LOOK_S)
        if frame is not None:
            handing.hand(*frame, scale)
    source.close()


def run(config: DeviceConfig) -> int:
    """Run until SIGTERM or SIGINT; the exit code.

    Raises:
        ConfigError: the config names no such camera, or its password or socket cannot be used; or this is the user who
            owns the keys.
    """
    camera = config.camera
    if not isinstance(camera, RtspCamera):
        raise ConfigError("camera.kind: is not 'rtsp'; this process is for a network camera alone")
    _keep_apart(config)
    password = None if camera.password_file is None else _password(config, camera.password_file)
    address = address_with(camera.address, camera.user, password)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    systemd, server = watchdog(), handed_over()
    handing = Handing.listen(config.frames) if server is None else Handing(server)
    source = Source(
        lambda: RtspStream(address, transport=camera.transport, code_scale=camera.code_scale, stall_s=camera.stall_s),
        camera.stall_s,
        report,
    )
    code = 0
    sys.stdout.write(json.dumps({"ready": True}) + "\n")
    sys.stdout.flush()
    systemd.ready()
    with one_fate(report) as died:
        try:
            serve(handing, source, camera.code_scale, systemd, stop)
        except DeviceError as error:
            report(str(error))
            code = 2
    systemd.stopping()
    handing.close()
    if not source.ended(camera.stall_s):
        os._exit(code or int(died.is_set()))  # Python cannot end while a thread is inside FFmpeg: it aborts
    return code or int(died.is_set())


def _keep_apart(config: DeviceConfig) -> None:
    """What decodes a camera's bytes, and has a network, has no keys: not even as files that its user may read."""
    if config.device.insecure_dev:
        return
    try:
        owner = config.state.stat().st_uid
    except OSError:  # not even seen, as in the unit
        owner = None
    if os.geteuid() in (0, owner):
        raise ConfigError(
            f"{config.state}: this user can read the device's keys, and the reader of a network camera must not; run "
            "it as another user (scripts/install lays its unit), or, on a desktop, set device.insecure_dev = true"
        )


def _password(config: DeviceConfig, name: str) -> str:
    path = config.path(name)
    try:
        with path.open("rb") as file:
            data = file.read(_PASSWORD_MAX + 1)
        password = data.decode("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        raise ConfigError(f"{path}: cannot be read as text; correct camera.password_file, or who may read it") from None
    if not password or len(data) > _PASSWORD_MAX:
        raise ConfigError(f"{path}: is empty or too long; write the camera's password into it, on one line")
    return password
