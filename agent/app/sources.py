"""The camera, position, reader, door and contacts that a device config names."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any, assert_never

from agent.adapters.clock import SystemClock
from agent.adapters.door import NoDoor
from agent.adapters.gnss import SerialLocator
from agent.adapters.recording import RecordingCamera
from agent.adapters.token import SerialTokens
from agent.app.config import DeviceConfig
from agent.app.config_camera import PiCamera, Recording, RtspCamera, Simulated, UsbCamera
from agent.app.config_door import Relay
from agent.app.parts import Parts
from agent.errors import ConfigError
from agent.ports import Camera, Contacts, Door, Locator, TokenReader


def parts(config: DeviceConfig, report: Callable[[str], None]) -> Parts:
    """What the config names, not opened yet.

    Args:
        report: told in one line about a part that does not work.

    Raises:
        ConfigError: a simulated camera or position; those belong to `scripts/demo`, which brings its own parts.
    """
    if isinstance(config.camera, Simulated) or config.position.kind == "simulated":
        raise ConfigError("camera: kind 'simulated' is played by scripts/demo; name a recording or a real camera")
    return Parts(
        open_camera=_camera(config, config.camera),
        open_locator=_serial(config, report),
        open_door=_door(config, report),
        open_reader=_reader(config, report),
        open_contacts=_contacts(config, report),
    )


def capture_parts(config: DeviceConfig, report: Callable[[str], None]) -> Parts:
    """What enrolment at the camera uses: as `parts`, and a simulated camera, which shows no passes.

    Raises:
        ConfigError: a simulated position without a simulated camera, or a scene that cannot be read.
    """
    if not isinstance(config.camera, Simulated):
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
        open_door=NoDoor,
    )


def _camera(config: DeviceConfig, camera: Recording | PiCamera | UsbCamera | RtspCamera) -> Callable[[], Camera]:
    """Each kind's own libraries are imported when it is opened."""
    clock = SystemClock()
    match camera:
        case Recording():
            return partial(RecordingCamera, config.path(camera.file), clock)
        case RtspCamera():
            from agent.adapters.camera.handed import HandedCamera

            return partial(HandedCamera, config.frames, clock)
        case UsbCamera():
            from agent.adapters.camera.v4l2 import V4l2Camera

            return partial(
                V4l2Camera,
                camera.device,
                clock,
                fps=camera.fps,
                code_scale=camera.code_scale,
                backlight=camera.backlight,
                stall_s=camera.stall_s,
            )
        case PiCamera():
            return partial(_pi_camera, camera, clock)
        case _:
            assert_never(camera)


def _pi_camera(camera: PiCamera, clock: SystemClock) -> Camera:
    from agent.adapters.camera import picamera

    ir_cut = None
    if camera.ir_cut_pin is not None:
        from agent.adapters.gpio import PinFilter

        ir_cut = PinFilter(camera.ir_cut_pin, _pins())
    look = picamera.Look(
        fps=camera.fps,
        code_scale=camera.code_scale,
        upside_down=camera.upside_down,
        exposure=camera.exposure,
        metering=camera.metering,
        brighter_ev=camera.brighter_ev,
        hdr=camera.hdr,
        focus_m=camera.focus_m,
    )
    return picamera.PiCamera(camera.number, clock, look, ir_cut=ir_cut)


@cache
def _pins() -> Any:
    """One way to the pins for the whole process; it is opened with the first of them."""
    from agent.adapters.gpio import pins

    return pins()


def _door(config: DeviceConfig, report: Callable[[str], None]) -> Callable[[], Door]:
    door = config.door
    if not isinstance(door, Relay):
        return NoDoor

    def opened() -> Door:
        from agent.adapters import gpio

        return gpio.Relay(
            door.pin,
            lock=door.lock,
            active_low=door.active_low,
            pulse_s=door.pulse_s,
            report=report,
            factory=_pins(),
        )

    return opened


def _contacts(config: DeviceConfig, report: Callable[[str], None]) -> Callable[[], Contacts] | None:
    """None where the config names none."""
    contacts = config.contacts
    if contacts.exit_pin is None and contacts.tamper_pin is None:
        return None

    def opened() -> Contacts:
        from agent.adapters.gpio import PinContacts

        return PinContacts(contacts.exit_pin, contacts.tamper_pin, SystemClock(), report, _pins())

    return opened


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
