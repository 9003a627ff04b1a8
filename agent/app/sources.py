"""The camera, position, reader and door that a device config names."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from agent.adapters.clock import SystemClock
from agent.adapters.door import NoDoor
from agent.adapters.gnss import SerialLocator
from agent.adapters.recording import RecordingCamera
from agent.adapters.token import SerialTokens
from agent.app.config import DeviceConfig
from agent.app.parts import Parts
from agent.errors import ConfigError
from agent.ports import Camera, Locator, TokenReader


def parts(config: DeviceConfig, report: Callable[[str], None]) -> Parts:
    """What the config names, not opened yet.

    Args:
        report: told in one line about a part that does not work.

    Raises:
        ConfigError: a simulated camera or position; those belong to `scripts/demo`, which brings its own parts.
    """
    if config.camera.scene is not None or config.position.kind == "simulated":
        raise ConfigError("camera: kind 'simulated' is played by scripts/demo; name a recording or a real camera")
    return Parts(
        open_camera=_recording(config),
        open_locator=_serial(config, report),
        door=NoDoor(),
        open_reader=_reader(config, report),
    )


def capture_parts(config: DeviceConfig, report: Callable[[str], None]) -> Parts:
    """What enrolment at the camera uses: as `parts`, and a simulated camera, which shows no passes.

    Raises:
        ConfigError: a simulated position without a simulated camera, or a scene that cannot be read.
    """
    if config.camera.scene is None:
        return parts(config, report)
    # Imported here: a device that has a camera needs nothing of the scenes, and the wheel holds none.
    try:
        from agent.adapters.simulated import SceneStart, SimulatedCamera, SimulatedLocator
        from agent.scene.scene import load
    except ImportError:
        raise ConfigError("camera: kind 'simulated' needs a checkout of the project; name a real camera") from None

    scene, start = load(config.path(config.camera.scene)), SceneStart()
    simulated = config.position.kind == "simulated"
    return Parts(
        open_camera=lambda: SimulatedCamera(scene, {}, SystemClock(), start),
        open_locator=(lambda: SimulatedLocator(scene, start)) if simulated else _serial(config, report),
        door=NoDoor(),
    )


def _recording(config: DeviceConfig) -> Callable[[], Camera]:
    recording = config.camera.file
    assert recording is not None  # what is not simulated is a recording
    file = config.path(recording)
    return lambda: RecordingCamera(file, SystemClock())


def _serial(config: DeviceConfig, report: Callable[[str], None]) -> Callable[[], Locator] | None:
    """The receiver on a serial line; None where the config names none."""
    position = config.position
    if position.port is None:
        return None
    return partial(SerialLocator, position.port, position.baud, SystemClock(), report, uere_m=position.uere_m)


def _reader(config: DeviceConfig, report: Callable[[str], None]) -> Callable[[], TokenReader] | None:
    """The reader of cards or PINs on a serial line; None where the config names none."""
    reader = config.reader
    return None if reader is None else partial(SerialTokens, reader.port, reader.baud, SystemClock(), report)
