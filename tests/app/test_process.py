"""The recogniser as a process of its own: no network, alone on its state, killed at any moment, on a full disk."""

from __future__ import annotations

import contextlib
import os
import random
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import pytest

from agent.adapters.store import read_ledger
from agent.demo import recorder
from agent.demo.device import Device
from agent.demo.process import start
from agent.demo.recorder import Isolation, Opened, Record
from agent.events.bodies import Status
from agent.events.decision import Outcome
from agent.gallery.retention import Ended
from agent.ledger.entry import decode
from agent.ledger.erasure import read_erasure
from agent.policy.grounds import Ground
from agent.site.withdrawals import signed_withdrawal
from tests.app.door import (
    MODELS,
    P1,
    WALL,
    Bench,
    Peer,
    Process,
    configure,
    day_passes,
    enrol,
    face,
    ledger,
    opened,
    process,
    shown,
    site,
    video,
)
from tests.app.running import until


@pytest.fixture
def device(tmp_path: Path) -> Iterator[Device]:
    made = site(tmp_path / "gate")
    with contextlib.closing(made.server):
        yield made


@pytest.fixture
def peer(device: Device) -> Iterator[Peer]:
    made = Peer(device)
    yield made
    made.close()


def stills(device: Device, *pictures: str) -> Path:
    """The camera's folder, two pictures in it: it is looked at again every two seconds."""
    folder = device.folder / "stills"
    for name in pictures or ("a.png", "b.png"):
        cv2.imwrite(str(folder / name), WALL)
    return folder


def network_sockets(pid: int) -> list[str]:
    """Sockets of this process that are not AF_UNIX, by its open files and the kernel's table of its namespace."""
    unix = {
        line.split()[6]
        for looker in (pid, "self")  # an accepted socket belongs to the namespace of who has connected
        for line in Path(f"/proc/{looker}/net/unix").read_text().splitlines()[1:]
    }
    found = []
    for name in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            target = os.readlink(f"/proc/{pid}/fd/{name}")
            if (match := re.fullmatch(r"socket:\[(\d+)\]", target)) and match[1] not in unix:
                found.append(target)
    return found


def connections(pid: int) -> list[str]:
    """Everything that the process's network namespace knows of the internet protocols."""
    tables = ("tcp", "tcp6", "udp", "udp6", "raw", "raw6", "udplite")
    lines: list[str] = []
    for table in tables:
        with contextlib.suppress(FileNotFoundError):
            lines += Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]
    return lines


def interfaces(pid: int) -> list[str]:
    return [line.split(":")[0].strip() for line in Path(f"/proc/{pid}/net/dev").read_text().splitlines() if ":" in line]


def may_leave_the_network() -> bool:
    user = () if os.geteuid() == 0 else ("--user",)
    return subprocess.run(["unshare", *user, "--net", "true"], capture_output=True).returncode == 0


@pytest.mark.alone
def test_it_has_no_network_takes_no_second_start_lives_through_its_camera_and_ends_in_order(
    device: Device, peer: Peer
) -> None:
    folder = stills(device)
    with process(device) as running:
        peer.wait_grounds()
        with contextlib.suppress(PermissionError):  # the process is not dumpable: only root may look
            assert network_sockets(running.pid) == []
            if may_leave_the_network():
                assert interfaces(running.pid) == ["lo"]
                assert connections(running.pid) == []
        limits = Path(f"/proc/{running.pid}/limits").read_text()
        assert re.search(r"Max core file size +0 +0 ", limits)

        second = Process(device)
        assert second.end(signal.SIGCONT) == 2
        assert second.lines == [f"doorward: {device.state}: in use by a running recogniser; stop it first\n"]
        assert peer.there == [True]  # the first still has its socket

        shutil.move(folder, device.folder / "gone")
        peer.wait_grounds(Ground.NO_FRAMES)
        shutil.move(device.folder / "gone", folder)
        peer.wait_grounds()
        assert running.end() == 0
        camera = [line for line in running.lines if "stills" in line]
        assert len(camera) == len(running.lines) == 1
    assert {path.stat().st_mode & 0o077 for path in device.state.rglob("*") if path.name != "device.json"} == {0}
    assert ledger(device) == []


def test_a_changed_model_ends_the_start_with_one_line(device: Device, tmp_path: Path) -> None:
    copied = tmp_path / "models"
    shutil.copytree(MODELS, copied)
    configure(device, stills(device), copied)
    file = copied / "embedder.tflite"
    data = bytearray(file.read_bytes())
    data[12345] ^= 0x10
    file.write_bytes(data)
    with process(device) as running:
        assert running.end(signal.SIGCONT) == 2
        assert len(running.lines) == 1
        assert running.lines[0].startswith(f"doorward: {file}: sha256: is not the one in the manifest")


def test_a_disk_that_fails_under_it_ends_the_process_with_one_line_and_a_sound_ledger(
    device: Device, peer: Peer
) -> None:
    [text] = day_passes(device, 1)
    folder = stills(device)
    with process(device) as running:
        peer.wait_grounds()
        resource.prlimit(running.pid, resource.RLIMIT_FSIZE, (0, 0))  # every write to a file fails from here on
        for name in ("a.png", "b.png"):
            cv2.imwrite(str(folder / name), shown(text))
        assert running.process.wait(20) == 2
        assert running.end() == 2
        assert running.lines[-1].startswith(f"doorward: {device.store}: ")
        assert all(line.startswith("doorward: ") for line in running.lines) and len(running.lines) <= 3, running.lines
    assert peer.events == [] and ledger(device) == []


def test_a_withdrawal_code_before_its_camera_erases_and_no_kill_brings_the_person_back(
    device: Device, peer: Peer
) -> None:
    enrol(device)
    code = signed_withdrawal(device.site, device.repository.keys.sign_secret("enrolment"), P1)
    folder = stills(device)
    with process(device) as running:
        peer.wait_grounds()
        for name in ("a.png", "b.png"):
            cv2.imwrite(str(folder / name), shown(code))
        (told,) = until(lambda: peer.erasures, 20, "a receipt of the erasure")
        running.end(signal.SIGKILL)
    receipt = read_erasure(told.receipt)
    assert receipt.concerns(P1) and receipt.reason is Ended.WITHDRAWN and peer.events == []
    for name in ("a.png", "b.png"):
        cv2.imwrite(str(folder / name), face()[..., ::-1])
    with process(device) as running:
        (event,) = peer.wait_events(1)
        assert (event.outcome, event.subject) == (Outcome.NO_MATCH, None)
        assert running.end() == 0 and running.lines == []
    with contextlib.closing(opened(device)) as store:
        assert store.references() == [] and store.marks.withdrawn(P1)
    assert [each.outcome for each in ledger(device)].count(Outcome.MATCH) == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of three megabytes."""
    folder = tmp_path / "small"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", folder], capture_output=True).returncode:
        pytest.skip("mounting a small file system is not allowed here")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_full_disk_shuts_the_door_and_room_opens_it_again(
    small_disk: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    device = site(small_disk)
    bench = Bench(device)
    first, second = day_passes(device, 2)
    ballast = small_disk / "ballast"

    def script(peer: Peer) -> None:
        peer.wait_grounds()
        bench.view = shown(first)
        peer.wait_events(1)
        bench.view = WALL
        with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))
        bench.view = shown(second)
        peer.wait_grounds(Ground.LEDGER_UNWRITABLE)
        assert (bench.opened, len(peer.events)) == (1, 1)
        ballast.unlink()
        peer.wait_grounds()
        bench.view = WALL
        time.sleep(2.5)  # so long it must be away to be shown again
        bench.view = shown(second)
        assert peer.wait_events(2)[1].outcome is Outcome.PASS_ACCEPTED, "what could not be written is not used up"

    try:
        assert bench.play(script) == 0
    finally:
        device.server.close()
    assert bench.opened == 2
    assert [each.outcome for each in ledger(device)] == [Outcome.PASS_ACCEPTED] * 2
    said = capfd.readouterr().err.splitlines()
    full = [line for line in said if "store.sqlite" in line]
    assert [line.startswith(f"doorward: {device.store}: the disk is full; free some space") for line in full] == [True]
    assert all("No space left on device" in line for line in said if line not in full) and len(said) <= 3, said


TO_THE_BRIM = """
import os, sys
from pathlib import Path
from agent.adapters.store import Store
from agent.errors import DeviceError
from agent.ledger.entry import refusal_changed

store = Store.open(Path(sys.argv[1]), site="north-gate", device="gate-1", ledger_key=bytes.fromhex(sys.argv[2]))
try:
    while True:
        store.note(refusal_changed((), None))
except DeviceError:
    os._exit(7 if store.answers else 1)
"""
"""Ends without closing, which would write the WAL home and make room."""


def test_on_a_full_disk_it_starts_refuses_and_lives_until_there_is_room(
    small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ending it would make no room: the watchdog is fed, and the start is written down as soon as it can be."""
    device = site(small_disk)
    running = Process(device)
    peer = Peer(device)
    until(lambda: peer.last(Status) is not None, 20, "a status")
    running.end(signal.SIGKILL)
    peer.close()
    bench, ballast = Bench(device), small_disk / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    filled = subprocess.run([sys.executable, "-c", TO_THE_BRIM, device.store, device.keys.ledger_key.hex()])
    assert filled.returncode == 7
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(20)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))

        def script(peer: Peer) -> None:
            until(lambda: peer.last(Status) is not None, 20, "a status")
            assert Ground.LEDGER_UNWRITABLE in peer.last(Status).grounds
            assert (systemd.recv(64), systemd.recv(64)) == (b"READY=1", b"WATCHDOG=1")
            ballast.unlink()
            peer.wait_grounds()

        try:
            assert bench.play(script) == 0
        finally:
            device.server.close()
    with read_ledger(device.store) as copy:
        assert [decode(data).kind for _, data in copy.entries].count("start") == 2


class Watched:
    """The same process with the demo's records: how often its door was told to open. It begins when it is told to."""

    def __init__(self, device: Device, errors: Path) -> None:
        read_end, write_end = os.pipe()
        self._device = device
        self.child = start(
            "recogniser",
            "agent.demo.recogniser",
            [str(os.getpid()), str(write_end)],
            errors,
            fds=[write_end],
            ask=True,
        )
        os.close(write_end)
        self.records: list[Record] = []
        self._listener = threading.Thread(target=self._listen, args=(read_end,), daemon=True)
        self._listener.start()

    def _listen(self, read_end: int) -> None:
        with os.fdopen(read_end, encoding="ascii") as pipe:
            self.records.extend(recorder.read(line) for line in pipe)

    def go(self) -> None:
        assert self.child.process.stdin is not None
        self.child.process.stdin.write(f"{self._device.config}\t-\n")
        self.child.process.stdin.flush()

    def kill(self) -> None:
        self.child.process.kill()
        self.child.stop()
        self._listener.join(10)

    def end(self) -> int:
        code = self.child.stop(20)
        self._listener.join(10)
        return code

    @property
    def openings(self) -> int:
        return sum(isinstance(record, Opened) for record in self.records)


@pytest.mark.alone
def test_killed_at_any_moment_it_has_lost_nothing_and_opened_no_door_without_an_entry(
    device: Device, peer: Peer, tmp_path: Path
) -> None:
    film = device.folder / "passes.avi"
    video(film, [shown(text) for text in day_passes(device, 15, uses=255)])
    configure(device, device.folder / "stills", file=f'"{film}"')
    chance, kills = random.Random(20), 4
    errors = tmp_path / "errors"
    waiting = [Watched(device, errors) for _ in range(2)]
    openings = 0
    for kill in range(kills + 1):
        running = waiting.pop(0)
        if kill < kills - 1:
            waiting.append(Watched(device, errors))  # its imports overlap with the run
        heard, peer.acknowledging = len(peer.events), chance.random() < 0.6
        running.go()
        if kill < kills:
            peer.wait_events(heard + chance.randrange(1, 5))
            time.sleep(chance.uniform(0, 0.2))
            running.kill()
            openings += running.openings
            accepted = [each for each in ledger(device) if each.outcome is Outcome.PASS_ACCEPTED]
            assert openings <= len(accepted)
            continue
        peer.acknowledging = True
        peer.wait_events(heard + 3)
        with contextlib.closing(opened(device)) as store:
            until(lambda: store.pending() == 0, what="an empty outbox")
        assert running.end() == 0
        assert any(isinstance(record, Isolation) and record.sockets == 0 for record in running.records)
    decided = [each.event for each in ledger(device)]
    assert decided == list(range(1, len(decided) + 1))
    with contextlib.closing(opened(device)) as store:
        left = {row.sequence for row in store.outbox()}  # decided while the process ended
    assert {event.sequence for event in peer.events} | left == set(decided) and len(left) <= 1
    assert errors.read_text() == ""
