"""A real recogniser whose ports hang when they are told to: `python -m bench.faults.recogniser CONFIG FOLDER`.

Rules: a port that finds a file of its name in FOLDER takes it away and hangs for ever in that very call, once: the next
process finds none. `show` holds the text of a pass that is held up, `face` stands for a person, `unplugged` for a
camera that gives an error. Each pulse of the door is a line of `pulses`, written before the port returns. Where the
config names a camera of the network or a receiver of positions, it is the real one.
"""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import cv2
import numpy as np

from agent.adapters import sandbox
from agent.adapters.clock import SystemClock
from agent.app.config import load
from agent.app.config_camera import RtspCamera
from agent.app.fault import report
from agent.app.parts import Parts
from agent.app.recogniser import run
from agent.app.sources import parts
from agent.errors import DeviceError, DoorwardError
from agent.face.detect import Face
from agent.face.probe import Probe, ProbeTemplate
from agent.policy.frames import CapturedFrame, CodeFrame, PermittedFrame
from agent.ports import CloserDetector, Embedder, MarkerReader, QrReader
from agent.token import Token
from agent.units import Box, DoorId, Marker, Polygon, QrText
from tests.app.door import WALL, face, shown


class Switches:
    """What hangs now."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def at(self, stage: str) -> None:
        try:
            (self.folder / f"hang-{stage}").unlink()
        except FileNotFoundError:
            return
        threading.Event().wait()


class HangingCamera:
    """Implements `ports.Camera`."""

    def __init__(self, switches: Switches) -> None:
        self._switches, self._number, self._shown, self._view = switches, 0, "", WALL
        switches.at("camera-open")

    def read(self, timeout_s: float) -> CapturedFrame | None:
        time.sleep(1 / 15)
        self._switches.at("camera-read")
        if (self._switches.folder / "unplugged").exists():
            raise DeviceError("camera: gone; see to its cable")
        show = self._switches.folder / "show"
        text = show.read_text() if show.exists() else ""
        if text != self._shown:
            self._shown = text
            self._view = WALL if not text else face(name="enrol-1") if text == "face" else shown(text)
        self._number += 1
        luma = np.asarray(cv2.cvtColor(self._view, cv2.COLOR_RGB2GRAY), np.uint8)
        return CapturedFrame(self._number, time.monotonic_ns(), self._view.copy(), luma)

    def close(self) -> None:
        """There is nothing to give back."""


class Hanging:
    """Implements the ports of the models, the readers, the door and the clock over real ones."""

    def __init__(self, switches: Switches) -> None:
        self._at, self._folder, self._clock = switches.at, switches.folder, SystemClock()
        self._detector: CloserDetector | None = None
        self._embedder: Embedder | None = None
        self._markers: MarkerReader | None = None
        self._qrs: QrReader | None = None

    def detector(self, real: CloserDetector) -> CloserDetector:
        self._detector = real
        return self

    def embedder(self, real: Embedder) -> Embedder:
        self._embedder = real
        return self

    def markers_of(self, real: MarkerReader) -> MarkerReader:
        self._markers = real
        return self

    def qrs(self, real: QrReader) -> QrReader:
        self._qrs = real
        return self

    def detect(self, frame: PermittedFrame) -> tuple[Face, ...]:
        self._at("detector")
        assert self._detector is not None
        return self._detector.detect(frame)

    def detect_in(self, frame: PermittedFrame, part: Box) -> tuple[Face, ...]:
        assert self._detector is not None
        return self._detector.detect_in(frame, part)

    def embed(self, probe: Probe) -> ProbeTemplate:
        self._at("embedder")
        assert self._embedder is not None
        return self._embedder.embed(probe)

    def markers(self, frame: CodeFrame, near: Polygon | None) -> tuple[Marker, ...]:
        self._at("markers")
        assert self._markers is not None
        return self._markers.markers(frame, near)

    def texts(self, frame: CodeFrame) -> tuple[QrText, ...]:
        self._at("qr")
        assert self._qrs is not None
        return self._qrs.texts(frame)

    def token(self, now_ns: int) -> Token | None:
        self._at("token-reader")
        return None

    def close(self) -> None:
        """There is nothing to give back."""

    def monotonic_ns(self) -> int:
        self._at("clock")
        return self._clock.monotonic_ns()

    def unix_s(self) -> float:
        return self._clock.unix_s()

    def pulse(self, door: DoorId) -> None:
        self._at("door")
        with (self._folder / "pulses").open("a") as file:
            file.write(f"{time.time():.3f}\n")


def main() -> int:
    sandbox.leave_network()
    switches = Switches(Path(sys.argv[2]))
    hanging = Hanging(switches)
    try:
        config = load(Path(sys.argv[1]))
        real = parts(config, report)
        far = isinstance(config.camera, RtspCamera)
        return run(
            config,
            Parts(
                open_camera=real.open_camera if far else lambda: HangingCamera(switches),
                open_locator=real.open_locator,
                open_door=lambda: hanging,
                open_reader=lambda: hanging,
                clock=hanging,
                detector=hanging.detector,
                embedder=hanging.embedder,
                markers=hanging.markers_of,
                qrs=hanging.qrs,
            ),
        )
    except DoorwardError as error:
        sys.stderr.write(f"{error}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main())
