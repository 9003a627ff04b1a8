"""What a device config asks of the machine that the agent is installed on: scripts/install lays the units by it.

Rules: what is not named here is not opened. The one network camera is named by its IP address, since the unit that
speaks to it may reach that address and no other, and asks nobody for names.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from agent.app.config import DeviceConfig
from agent.app.config_camera import PiCamera, RtspCamera, UsbCamera
from agent.app.config_door import Relay
from agent.errors import ConfigError

FRAMES: Final = Path("/run/doorward/frames.sock")
"""Where systemd/doorward-rtsp.socket listens."""
_KEYS: Final = {"tpm2": "tpm", "systemd-credentials": "credentials"}


def needs(config: DeviceConfig) -> Iterator[str]:
    """One need a line: `devices`, `tpm`, `credentials`, `rtsp ADDRESS`, and `python MODULE PACKAGE` for each library
    that is not everywhere, with the system's package that has it.

    Raises:
        ConfigError: a network camera is named in a way that no unit can serve.
    """
    pins = _pins(config)
    serial = config.position.port is not None or config.reader is not None
    if pins or serial or isinstance(config.camera, PiCamera | UsbCamera):
        yield "devices"
    if config.keys.backend in _KEYS:
        yield _KEYS[config.keys.backend]
    if isinstance(config.camera, RtspCamera):
        yield f"rtsp {_one_address(config, config.camera)}"
    if isinstance(config.camera, PiCamera):
        yield "python picamera2 python3-picamera2"
    if pins:
        yield "python gpiozero python3-gpiozero"
        yield "python lgpio python3-lgpio"


def _pins(config: DeviceConfig) -> bool:
    filtered = isinstance(config.camera, PiCamera) and config.camera.ir_cut_pin is not None
    contacts = config.contacts.exit_pin is not None or config.contacts.tamper_pin is not None
    return filtered or contacts or isinstance(config.door, Relay)


def _one_address(config: DeviceConfig, camera: RtspCamera) -> str:
    host = urlsplit(camera.address).hostname
    try:
        address = ipaddress.ip_address(host or "")
    except ValueError:
        raise ConfigError(
            f"camera.address: {host} is a name; write the camera's IP address: its unit may speak to that one alone"
        ) from None
    if camera.transport != "tcp":
        raise ConfigError('camera.transport: frames by UDP come to ports that the unit does not open; write "tcp"')
    if config.frames != FRAMES:
        raise ConfigError(f'camera.socket: {config.frames} is not where the unit listens; write socket = "{FRAMES}"')
    return str(address)
