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


def parts(config: DeviceConfig, report: Callable[[str], None]) -> Parts:
    """What the config names, not opened yet.

    Args:
        report: told in one line about a part that does not work.

    Raises:
        ConfigError: a simulated camera or position; those belong to `scripts/demo`, which brings its own parts.
    """
    recording = config.camera.file
    if recording is None or config.position.kind == "simulated":
        raise ConfigError("camera: kind 'simulated' is played by scripts/demo; name a recording or a real camera")
    file, position, open_locator = config.path(recording), config.position, None
    if position.port is not None:
        open_locator = partial(
            SerialLocator, position.port, position.baud, SystemClock(), report, uere_m=position.uere_m
        )
    reader = config.reader
    return Parts(
        open_camera=lambda: RecordingCamera(file, SystemClock()),
        open_locator=open_locator,
        door=NoDoor(),
        open_reader=None if reader is None else partial(SerialTokens, reader.port, reader.baud, SystemClock(), report),
    )
