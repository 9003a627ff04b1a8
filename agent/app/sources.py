"""The camera, position and door that a device config names."""

from __future__ import annotations

from agent.adapters.clock import SystemClock
from agent.adapters.door import NoDoor
from agent.adapters.recording import RecordingCamera
from agent.app.config import DeviceConfig
from agent.app.parts import Parts
from agent.errors import ConfigError


def parts(config: DeviceConfig) -> Parts:
    """What the config names, not opened yet.

    Raises:
        ConfigError: a simulated camera or position; those belong to `scripts/demo`, which brings its own parts.
    """
    recording = config.camera.file
    if recording is None or config.position.kind == "simulated":
        raise ConfigError("camera: kind 'simulated' is played by scripts/demo; name a recording or a real camera")
    file = config.path(recording)
    return Parts(open_camera=lambda: RecordingCamera(file, SystemClock()), locator=None, door=NoDoor())
