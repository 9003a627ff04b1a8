"""The camera's section of the device config: one form for each kind, so that a key of another kind is a fault.

Whatever is chosen here decides how well is seen, never whether anybody may look.
"""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from agent.app.config_section import DeviceFile, FilePath, Pin, Section


def _one_camera(address: str) -> str:
    parts = urlsplit(address)
    if parts.username is not None or parts.password is not None:
        raise ValueError("holds a name or a password, which then stand in this file: use user and password_file")
    try:
        valid = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        valid = False
    if not valid:
        raise ValueError("names no host, or no port of 1 to 65535; write rtsp://192.0.2.7:554/stream")
    return address


CodeScale = Annotated[int, Field(ge=1, le=3)]
"""Signs and passes are read in a picture that is so many times finer each way; 2 reads twice as far."""


class _Source(Section):
    stall_s: Annotated[float, Field(ge=0.5, le=30)] = 2.0
    """Without a frame for so long recognition is refused, and the camera is opened again."""


class Simulated(_Source):
    """Plays a scene; scripts/demo runs it."""

    kind: Literal["simulated"]
    scene: FilePath


class Recording(_Source):
    """Plays a video file, an animation, or a folder of them and of stills, again and again."""

    kind: Literal["recording"]
    file: FilePath


class PiCamera(_Source):
    """A camera of the Raspberry Pi's own connector, through picamera2."""

    kind: Literal["picamera2"]
    number: Annotated[int, Field(ge=0, le=7)] = 0
    fps: Annotated[int, Field(ge=5, le=30)] = 15
    code_scale: CodeScale = 1
    upside_down: bool = False
    exposure: Literal["normal", "short"] = "normal"
    """`short` blurs less those who walk, and is noisier in the dark."""
    metering: Literal["centre", "spot", "matrix"] = "centre"
    brighter_ev: Annotated[float, Field(ge=-4, le=4)] = 0.0
    """Stops brighter than the camera would expose by itself; about 1 where there is daylight behind people."""
    hdr: Literal["off", "sensor", "processor"] = "off"
    """`sensor`: Camera Module 3; `processor`: Raspberry Pi 5. For a door with daylight behind it."""
    focus_m: Annotated[float, Field(ge=0.05, le=100)] | None = None
    """Distance that a camera with a motor focuses on, for good; None: as it comes."""
    ir_cut_pin: Pin | None = None
    """Pin that moves the filter of a day and night camera: high by day; None: there is none."""


class UsbCamera(_Source):
    """A USB camera, or another one with a V4L2 driver."""

    kind: Literal["v4l2"]
    device: DeviceFile
    fps: Annotated[int, Field(ge=5, le=30)] = 15
    code_scale: CodeScale = 1
    backlight: Annotated[int, Field(ge=0, le=10)] | None = None
    """The camera's own compensation of backlight, in its own steps; None: as it comes."""


class RtspCamera(_Source):
    """A camera of the network. `doorward rtsp` speaks to it, and hands pictures to the recogniser, which has none."""

    kind: Literal["rtsp"]
    address: Annotated[str, Field(max_length=512, pattern=r"^rtsps?://[^\s]+$"), AfterValidator(_one_camera)]
    user: Annotated[str, Field(min_length=1, max_length=255)] | None = None
    password_file: FilePath | None = None
    """Read by `doorward rtsp` alone."""
    transport: Literal["tcp", "udp"] = "tcp"
    code_scale: CodeScale = 1
    socket: FilePath | None = None
    """Where the pictures are handed over; None: in the state folder, both processes under one user."""

    @model_validator(mode="after")
    def _password_of_somebody(self) -> RtspCamera:
        if self.password_file is not None and self.user is None:
            raise ValueError("a password needs a user; add user")
        return self


Camera = Annotated[Simulated | Recording | PiCamera | UsbCamera | RtspCamera, Field(discriminator="kind")]
