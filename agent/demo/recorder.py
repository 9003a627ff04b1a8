"""What the demo's recogniser tells the demo besides what any recogniser tells: numbers for the judgement, no pixels.

Rules: the records go to a pipe that the demo opened and that exists only when the camera is simulated or a recording. A
record holds frame numbers, times and the four corners of an embedded face; one record is one line, written at once, so
that two threads cannot mix theirs. Times are CLOCK_MONOTONIC nanoseconds, the same in both processes.
Leaves out: who a face belongs to (judge.py joins that from the scene afterwards).
"""

from __future__ import annotations

import json
import os
import socket
import stat
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from threading import Event
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:  # the demo's own process reads records and needs none of what makes them
    from agent.face.probe import Probe, ProbeTemplate
    from agent.policy.frames import CapturedFrame
    from agent.ports import Camera, Door, Embedder
    from agent.units import DoorId, Polygon


@dataclass(frozen=True, slots=True)
class Framed:
    """The camera gave a frame."""

    number: int
    captured_ns: int


@dataclass(frozen=True, slots=True)
class Embedded:
    """The embedder is about to look at one face of a frame."""

    number: int
    quad: Polygon


@dataclass(frozen=True, slots=True)
class Opened:
    """The door was told to open."""

    at_ns: int


@dataclass(frozen=True, slots=True)
class Isolation:
    """What the recogniser can see of the network, by its own look at /proc when the first frame came."""

    interfaces: tuple[str, ...]
    """Of its network namespace; an empty namespace has `lo` alone."""
    sockets: int
    """Open sockets that are not AF_UNIX."""


@dataclass(frozen=True, slots=True)
class Over:
    """The last frame was given; the recogniser runs on until it is told to end."""

    at_ns: int


Record = Framed | Embedded | Opened | Isolation | Over
_KINDS: Final[dict[str, Callable[..., Record]]] = {
    "framed": Framed, "embedded": Embedded, "opened": Opened, "isolation": Isolation, "over": Over,
}  # fmt: skip


def write(fd: int, record: Record) -> None:
    """One line in one write. A demo that is gone ends the recogniser: nobody is left to judge it."""
    line = json.dumps({"kind": type(record).__name__.lower(), **asdict(record)}) + "\n"
    try:
        os.write(fd, line.encode("ascii"))
    except BrokenPipeError:
        os._exit(1)


def read(line: str) -> Record:
    """The record of one line that `write` made."""
    fields: dict[str, Any] = json.loads(line)
    kind = fields.pop("kind")
    if kind == "embedded":
        fields["quad"] = tuple((float(x), float(y)) for x, y in fields["quad"])
    if kind == "isolation":
        fields["interfaces"] = tuple(fields["interfaces"])
    return _KINDS[kind](**fields)


class WatchedCamera:
    """Implements `ports.Camera` around another one: says which frames it gave, and ends when the demo has seen enough.

    Args:
        enough: set by the demo; the frame that comes then is not given any more. The recogniser runs on, so that what
            it has on its way to the broker arrives.
    """

    def __init__(self, camera: Camera, fd: int, enough: Event) -> None:
        self._camera, self._fd, self._enough = camera, fd, enough
        self._begun = False

    def read(self, timeout_s: float) -> CapturedFrame | None:
        frame = self._camera.read(timeout_s)
        if frame is None or self._enough.is_set():
            write(self._fd, Over(time.monotonic_ns()))
            return None
        if not self._begun:
            self._begun = True
            write(self._fd, look_around())
        write(self._fd, Framed(frame.number, frame.captured_ns))
        return frame

    def close(self) -> None:
        self._camera.close()


class WatchedEmbedder:
    """Implements `ports.Embedder` around the real one: says which face, then lets it look."""

    def __init__(self, embedder: Embedder, fd: int) -> None:
        self._embedder, self._fd = embedder, fd

    def embed(self, probe: Probe) -> ProbeTemplate:
        write(self._fd, Embedded(probe.number, probe.quad))
        return self._embedder.embed(probe)


class WatchedDoor:
    """Implements `ports.Door`: moves nothing, says when it was told to."""

    def __init__(self, door: Door, fd: int) -> None:
        self._door, self._fd = door, fd

    def pulse(self, door: DoorId) -> None:
        write(self._fd, Opened(time.monotonic_ns()))
        self._door.pulse(door)

    def close(self) -> None:
        self._door.close()


def look_around() -> Isolation:
    """List this process's own network interfaces, and count its sockets other than AF_UNIX."""
    with open("/proc/self/net/dev", encoding="ascii") as table:
        interfaces = tuple(line.split(":")[0].strip() for line in table if ":" in line)
    sockets = 0
    for name in os.listdir("/proc/self/fd"):
        try:
            if stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                with socket.socket(fileno=os.dup(int(name))) as same:
                    sockets += same.family != socket.AF_UNIX
        except OSError:
            continue  # the one that listed the folder is closed again
    return Isolation(interfaces, sockets)
