"""The whole way from a camera of the network: GStreamer's RTSP server, `doorward rtsp`, and the recogniser's end."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from agent.adapters.camera.handed import HandedCamera
from agent.adapters.camera.handing import Handing
from agent.adapters.camera.raw import Header, packed
from agent.adapters.camera.rtsp import address_with
from agent.adapters.clock import SystemClock
from agent.adapters.watchdog import Watchdog
from agent.app.config import DeviceConfig, load
from agent.app.rtsp import Frame, Source, Stream, run, serve
from agent.errors import ConfigError, DeviceError
from agent.policy.frames import CapturedFrame
from tests.conftest import ROOT

CLOCK = SystemClock()
STALL_S = 1.0
pytestmark = pytest.mark.alone
PASSWORD = "p@ss/wörd:1"


class Server:
    """A camera of the network in a process of its own."""

    def __init__(self, port: int, *login: str) -> None:
        self.port = port
        command = ["/usr/bin/python3", str(Path(__file__).with_name("rtsp_server.py")), str(port), *login]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None and self._process.stdout.readline() == "ready\n"

    def freeze(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        self.go_on()
        self._process.kill()
        self._process.wait()


def free_port() -> int:
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        return int(tried.getsockname()[1])


@pytest.fixture
def started() -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def start(*login: str) -> Server:
        servers.append(Server(free_port(), *login))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


class Reader:
    """`doorward rtsp` in a process of its own."""

    def __init__(self, folder: Path, port: int, more: str = "") -> None:
        self.socket = folder / "state" / "frames.sock"
        self.config = folder / "device.toml"
        text = (ROOT / "device_config" / "desktop.toml").read_text("utf-8")
        recording = (
            'kind = "recording"\nfile = "../recording.mp4"        # a video, an animation, or a folder of stills'
        )
        camera = f'kind = "rtsp"\naddress = "rtsp://127.0.0.1:{port}/door"\nstall_s = {STALL_S}\ncode_scale = 2\n{more}'
        for old, new in ((recording, camera), ("../state/desk-1", "state"), ('"../models"', f'"{ROOT / "models"}"')):
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        self.config.write_text(text, "utf-8")
        start = [sys.executable, "-c", "from agent.cli import main; main()", "rtsp", "--config", str(self.config)]
        self.process = subprocess.Popen(start, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.ready = self.process.stdout.readline() == '{"ready": true}\n'

    def frame(self, within_s: float = 15.0) -> CapturedFrame:
        """A frame, connecting again and again as the eye does."""
        until_s = time.monotonic() + within_s
        while True:
            try:
                camera = HandedCamera(self.socket, CLOCK)
                try:
                    frame = camera.read(STALL_S)
                    assert frame is not None
                    return frame
                finally:
                    camera.close()
            except DeviceError:
                assert time.monotonic() < until_s, "no frame in time"
                time.sleep(0.2)

    def close(self) -> tuple[int, str]:
        """Exit code, and what it said on standard error."""
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        _, said = self.process.communicate(timeout=20)
        return self.process.returncode, said


@pytest.fixture
def reading(tmp_path: Path) -> Iterator[Callable[..., Reader]]:
    readers: list[Reader] = []

    def start(port: int, more: str = "") -> Reader:
        readers.append(Reader(tmp_path, port, more))
        return readers[-1]

    yield start
    for reader in readers:
        reader.close()


def test_frames_come_as_they_are_and_the_camera_is_left_alone_until_they_are_wanted(
    started: Callable[..., Server], reading: Callable[..., Reader]
) -> None:
    server = started()
    reader = reading(server.port)
    assert reader.ready
    time.sleep(0.5)
    assert not connected(reader.process.pid, server.port)
    first = reader.frame()
    assert first._rgb is not None and first._luma is not None
    assert (first._rgb.shape, first._luma.shape) == ((480, 640, 3), (960, 1280))
    assert (first._rgb[:59] == 0).all() and (first._rgb[421:] == 0).all(), "16:9 is fitted, not stretched"
    red, blue = first._rgb[200, 500], first._rgb[200, 600]
    assert red[0] > 130 > red[2] and blue[2] > 130 > blue[0], "colours are in their order"
    camera = HandedCamera(reader.socket, CLOCK)
    times = []
    for _ in range(30):
        frame = camera.read(STALL_S)
        assert frame is not None
        times.append((time.monotonic_ns() - frame.captured_ns) / 1e6)
    camera.close()
    assert float(np.median(times)) < 200, times
    code, said = reader.close()
    assert (code, said) == (0, "")


def test_a_frozen_server_blocks_nobody_and_comes_back(
    started: Callable[..., Server], reading: Callable[..., Reader]
) -> None:
    server = started()
    reader = reading(server.port)
    reader.frame()
    camera = HandedCamera(reader.socket, CLOCK)
    assert camera.read(STALL_S) is not None
    server.freeze()
    while True:
        began = time.monotonic()
        try:
            camera.read(STALL_S)
        except DeviceError as error:
            assert str(error).startswith("camera: no frame within 1 s; see to the camera, its network and")
            break
    assert time.monotonic() - began < STALL_S + 0.3
    camera.close()
    time.sleep(3)
    server.go_on()
    began = time.monotonic()
    frame = reader.frame(within_s=30)
    assert time.monotonic_ns() - frame.captured_ns < 1_000_000_000
    assert time.monotonic() - began < 15, "4 s on a quiet machine"
    code, said = reader.close()
    assert (code, said) == (0, "doorward: camera: no frame for 1 s; see to the camera and its network\n")


def test_a_reader_that_is_stopped_blocks_nobody(started: Callable[..., Server], reading: Callable[..., Reader]) -> None:
    server = started()
    reader = reading(server.port)
    reader.frame()
    camera = HandedCamera(reader.socket, CLOCK)
    assert camera.read(STALL_S) is not None
    reader.process.send_signal(signal.SIGSTOP)
    with pytest.raises(DeviceError, match="no frame within 1 s"):
        for _ in range(30):  # what the socket still holds
            began = time.monotonic()
            camera.read(STALL_S)
    assert time.monotonic() - began < STALL_S + 0.3
    camera.close()
    reader.process.send_signal(signal.SIGCONT)
    frame = reader.frame(within_s=30)
    assert time.monotonic_ns() - frame.captured_ns < 1_000_000_000


def test_with_a_login_and_with_a_wrong_one(
    started: Callable[..., Server], reading: Callable[..., Reader], tmp_path: Path
) -> None:
    server = started("door", PASSWORD)
    (tmp_path / "password").write_text("wrong\n", "utf-8")
    more = 'user = "door"\npassword_file = "password"'
    reader = reading(server.port, more)
    with pytest.raises(AssertionError, match="no frame in time"):
        reader.frame(within_s=4)
    code, said = reader.close()
    assert code == 0 and said.startswith("doorward: camera: no stream; see whether it is reachable, to camera.address")
    assert len(said.splitlines()) == 1 and "wrong" not in said and str(server.port) not in said
    (tmp_path / "password").write_text(f"{PASSWORD}\n", "utf-8")
    reader = reading(server.port, more)
    assert reader.frame().number > 0
    for shown in ("cmdline", "environ"):
        assert PASSWORD.encode() not in Path(f"/proc/{reader.process.pid}/{shown}").read_bytes()
    assert reader.close() == (0, "")


def test_a_password_that_cannot_be_read_is_one_line(reading: Callable[..., Reader], tmp_path: Path) -> None:
    (tmp_path / "password").write_text("\n")
    reader = reading(1, 'user = "door"\npassword_file = "password"')
    assert not reader.ready
    code, said = reader.close()
    assert code == 2 and said == (
        f"doorward: {tmp_path}/password: is empty or too long; write the camera's password into it, on one line\n"
    )


def of_a_device(folder: Path) -> DeviceConfig:
    """Of no desktop; its state is there, and its password is not."""
    text = (ROOT / "device_config" / "rtsp.toml").read_text("utf-8")
    for old, new in (
        ('"/var/lib/doorward"', '"state"'),
        ('"../models"', f'"{ROOT / "models"}"'),
        ('# password_file = "/etc/doorward/rtsp/password"', 'user = "door"\npassword_file = "password"'),
        ('"/etc/ssl/certs/ca-certificates.crt"', '"device.toml"'),
    ):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    (folder / "device.toml").write_text(text, "utf-8")
    (folder / "password").touch()
    (folder / "state").mkdir(mode=0o700)
    return load(folder / "device.toml")


def test_whoever_owns_the_keys_does_not_read_a_network_camera(tmp_path: Path) -> None:
    config = of_a_device(tmp_path)
    with pytest.raises(ConfigError, match=r"^[^\n]*state: this user can read the device's keys[^\n]*$"):
        run(config)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user")
@pytest.mark.parametrize(("user", "said"), [(61184, "can read the device's keys"), (61185, "password: is empty")])
def test_another_user_does(user: int, said: str) -> None:
    with tempfile.TemporaryDirectory() as folder:  # pytest's own is closed to others
        Path(folder).chmod(0o755)
        config = of_a_device(Path(folder))
        os.chown(config.state, 61184, 61184)
        os.seteuid(user)
        try:
            with pytest.raises(ConfigError, match=said):
                run(config)
        finally:
            os.seteuid(0)


def test_a_login_is_quoted() -> None:
    assert address_with("rtsp://192.0.2.7:554/a?b=c", None, None) == "rtsp://192.0.2.7:554/a?b=c"
    assert address_with("rtsp://h/a", "me@x", "p/w:?") == "rtsp://me%40x:p%2Fw%3A%3F@h/a"
    assert address_with("rtsp://h/a", "me", None) == "rtsp://me@h/a"


def connected(pid: int, port: int) -> bool:
    """Whether a process has a TCP connection to this port."""
    rows = Path(f"/proc/{pid}/net/tcp").read_text("ascii").splitlines()[1:]
    return any(row.split()[2].endswith(f":{port:04X}") and row.split()[3] == "01" for row in rows)


class TestSource:
    """Threads that hang, without a network."""

    class Hanging:
        def __init__(self, over: threading.Event) -> None:
            self._over, self.first = over, True

        def read(self) -> Frame:
            if self.first:
                self.first = False
                return time.monotonic_ns(), np.zeros((480, 640, 3), np.uint8), np.zeros((480, 640), np.uint8)
            self._over.wait()
            raise DeviceError("the test is over")

        def close(self) -> None:
            """There is nothing to close."""

    def test_a_stream_that_hangs_is_given_up_and_opened_again_until_too_many_hang(self) -> None:
        over, said, opened = threading.Event(), list[str](), list[float]()

        def open_stream() -> Stream:
            opened.append(time.monotonic())
            return self.Hanging(over)

        source, frames = Source(open_stream, 0.1, said.append), 0
        with pytest.raises(DeviceError, match=r"^camera: 4 threads hang in its stream; this process ends"):
            until_s = time.monotonic() + 20
            while time.monotonic() < until_s:
                frames += source.take(0.05) is not None
        over.set()
        assert (len(opened), frames) == (4, 4)
        assert said == ["camera: no frame for 0.1 s; see to the camera and its network"] * 4, "each after a frame"

    def test_pauses_grow_and_one_line_is_said(self) -> None:
        said, opened = list[str](), list[float]()

        def open_stream() -> Stream:
            opened.append(time.monotonic())
            raise ValueError("rtsp://user:secret@host")

        source = Source(open_stream, 0.1, said.append)
        until_s = time.monotonic() + 4
        while time.monotonic() < until_s:
            source.take(0.05)
        source.close()
        apart = np.diff(opened)
        assert len(opened) == 3 and 0.9 < apart[0] < 1.4 and 1.9 < apart[1] < 2.4
        assert said == ["camera: failed (ValueError); see to the camera"]

    def test_a_recogniser_that_takes_nothing_is_cut_off_and_a_new_one_served(self, tmp_path: Path) -> None:
        class Plain:
            def read(self) -> Frame:
                time.sleep(0.02)
                return time.monotonic_ns(), np.zeros((480, 640, 3), np.uint8), np.zeros((480, 640), np.uint8)

            def close(self) -> None:
                """There is nothing to close."""

        handing, stop = Handing.listen(tmp_path / "own" / "frames.sock"), threading.Event()
        source = Source(Plain, 1.0, print)
        thread = threading.Thread(target=serve, args=(handing, source, 1, Watchdog(None), stop))
        thread.start()
        lazy = HandedCamera(tmp_path / "own" / "frames.sock", CLOCK)
        time.sleep(0.5)
        eager = HandedCamera(tmp_path / "own" / "frames.sock", CLOCK)
        assert eager.read(10.0) is not None
        for camera in (lazy, eager):
            camera.close()
        stop.set()
        thread.join(10)
        assert not thread.is_alive()
        handing.close()


class TestHanded:
    """Whoever speaks at the other end can send pictures and nothing else."""

    @staticmethod
    def told(tmp_path: Path, data: bytes) -> HandedCamera:
        path = tmp_path / "s"
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        server.bind(str(path))
        server.listen(1)
        camera = HandedCamera(path, CLOCK)
        peer, _ = server.accept()
        server.close()

        def send() -> None:
            with contextlib.suppress(OSError):
                peer.sendall(data)
            peer.close()

        threading.Thread(target=send).start()
        return camera

    PICTURE = bytes(480 * 640 * 4)

    @pytest.mark.parametrize(
        ("data", "words"),
        [
            (b"", "has ended"),
            (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "is no frame"),
            (packed(Header(1, 1, 4)) + PICTURE, "is no frame"),
            (packed(Header(1, 1, 0)) + PICTURE, "is no frame"),
            (packed(Header(1, 2**63, 1)) + PICTURE, "is no frame"),
            (packed(Header(1, 2**62, 1)) + PICTURE, "comes from the future"),
            (packed(Header(1, 1, 1)) + PICTURE[:-1], "has ended"),
            (packed(Header(2, 2, 1)) + PICTURE + packed(Header(2, 3, 1)) + PICTURE, "goes back"),
            (packed(Header(2, 2, 1)) + PICTURE + packed(Header(3, 1, 1)) + PICTURE, "goes back"),
        ],
    )
    def test_what_is_no_frame_ends_it(self, tmp_path: Path, data: bytes, words: str) -> None:
        camera = self.told(tmp_path, data)
        with pytest.raises(DeviceError, match=words):
            for _ in range(2):
                camera.read(2.0)
        camera.close()

    def test_a_byte_at_a_time_is_no_way_past_the_deadline(self, tmp_path: Path) -> None:
        path = tmp_path / "s"
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        server.bind(str(path))
        server.listen(1)
        camera = HandedCamera(path, CLOCK)
        peer, _ = server.accept()
        over = threading.Event()

        def drip() -> None:
            data = packed(Header(1, 1, 1)) + self.PICTURE
            for at in range(len(data)):
                if over.wait(0.01):
                    return
                peer.send(data[at : at + 1])

        thread = threading.Thread(target=drip)
        thread.start()
        began = time.monotonic()
        with pytest.raises(DeviceError, match=r"no frame within 0\.3 s"):
            camera.read(0.3)
        assert time.monotonic() - began < 0.6
        over.set()
        thread.join()
        for end in (peer, server):
            end.close()
        camera.close()

    def test_nobody_is_there(self, tmp_path: Path) -> None:
        with pytest.raises(DeviceError, match=r"No such file or directory; see that 'doorward rtsp' runs, and camera"):
            HandedCamera(tmp_path / "none", CLOCK)

    def test_a_folder_that_is_open_to_others_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "open").mkdir(mode=0o755)
        os.chmod(tmp_path / "open", 0o755)
        with pytest.raises(ConfigError, match="open to other users; run 'chmod 700' on it"):
            Handing.listen(tmp_path / "open" / "frames.sock")
        with pytest.raises(ConfigError, match="too long for a socket"):
            Handing.listen(tmp_path / ("x" * 120))
        (tmp_path / "file").write_text("")
        with pytest.raises(ConfigError, match=r"cannot listen there \(.+\); correct camera\.socket"):
            Handing.listen(tmp_path / "file" / "frames.sock")

    def test_a_socket_that_others_may_connect_to_is_refused(self, tmp_path: Path) -> None:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(tmp_path / "frames.sock"))
            for mode in (0o606, 0o620):
                (tmp_path / "frames.sock").chmod(mode)
                with pytest.raises(ConfigError, match=r"open to other users; its \.socket needs SocketMode=0600"):
                    Handing(server)
            (tmp_path / "frames.sock").chmod(0o600)
            Handing(server).close()
