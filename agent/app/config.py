"""The device config: what an installer may choose. Nothing in it can turn a refusal into a permit.

Rules: strict TOML. An unknown key, a wrong type, a value out of range or a missing file is a fault; every fault is
listed with file, line and rule, and nothing starts. Paths are relative to the config file.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationError, ValidationInfo, field_validator, model_validator

from agent.app.config_broker import Broker
from agent.app.config_camera import Camera, RtspCamera
from agent.app.config_door import Contacts, Door, NoDoor
from agent.app.config_lines import fault_of, line_of
from agent.app.config_section import DeviceFile, FilePath, Name, Section
from agent.errors import ConfigError
from agent.measured import Aimed

_SIZE_MAX: Final = 64 * 1024
_FILES: Final = (
    ("site", "repository_ca"),
    ("camera", "scene"),
    ("camera", "file"),
    ("camera", "password_file"),
    ("models", "directory"),
    ("preview", "empty"),
    ("broker", "password_file"),
    ("broker", "tls", "ca"),
    ("broker", "tls", "certificate"),
    ("broker", "tls", "key"),
)


def _repository(url: str) -> str:
    parts = urlsplit(url)
    if not parts.hostname or (parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "localhost", "::1")):
        raise ValueError("needs https; plain http is for this machine alone")
    return url


Port = Annotated[int, Field(ge=0, le=65535)]
Url = Annotated[str, Field(pattern=r"^https?://[^\s]+/$"), AfterValidator(_repository)]


class Device(Section):
    id: Name
    state: FilePath
    insecure_dev: bool = False
    outbox_share: Annotated[float, Field(ge=0.001, le=0.9)] = 0.25
    """Of the disk that `state` is on; a fuller outbox refuses, since nothing in it is ever dropped."""


class Keys(Section):
    """Where the device's secrets are kept; `plain` is for a desktop, and needs `device.insecure_dev`."""

    backend: Literal["plain", "systemd-credentials", "tpm2"] = "plain"
    tcti: Annotated[str, Field(pattern=r"^[a-z0-9-]+(:[^\s]+)?$", max_length=256)] | None = None
    """How tpm2-tools reach the TPM, for instance `device:/dev/tpmrm0`; None: TPM2TOOLS_TCTI, or their own choice."""

    @model_validator(mode="after")
    def _tpm_of_somebody(self) -> Keys:
        if self.tcti is not None and self.backend != "tpm2":
            raise ValueError('only backend = "tpm2" reaches a TPM; remove tcti')
        return self


class Site(Section):
    name: Name
    root_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    repository: Url
    repository_ca: FilePath | None = None
    """CA of an `https` repository; None trusts the system's CAs."""
    check_every_s: Annotated[float, Field(ge=0.5, le=86_400)] = 60.0


class Position(Section):
    """Where fixes come from when the policy asks for a receiver; a surveyed position without an anchor needs none."""

    kind: Literal["none", "simulated", "serial"] = "none"
    port: DeviceFile | None = None
    """Device file of the receiver, for instance `/dev/serial0`; it may come and go."""
    baud: Literal[4800, 9600, 19200, 38400, 57600, 115200, 230400, 460800] = 9600
    uere_m: Annotated[float, Field(ge=1, le=100)] | None = None
    """User equivalent range error: the error of a fix is then HDOP times this. None: the receiver sends GST."""

    @model_validator(mode="after")
    def _names_its_line(self) -> Position:
        if (self.kind == "serial") != (self.port is not None):
            raise ValueError("a serial receiver names its port, and nothing else does")
        return self


class Reader(Section):
    """A reader of cards or PINs on a serial line; whose they are, and whether they open, only the policy says."""

    port: DeviceFile
    """Device file of the reader; it may come and go."""
    baud: Literal[1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200] = 9600


class Models(Section):
    directory: FilePath
    threads: Annotated[int, Field(ge=1, le=4)] = 1


class Page(Section):
    port: Port = 8480


class Preview(Section):
    """The commissioned picture of the empty scene; without it previews are blocks alone."""

    empty: FilePath | None = None
    every_s: Annotated[float, Field(ge=0.1, le=10)] = 0.2


class DeviceConfig(Section):
    device: Device
    keys: Annotated[Keys, Field(validate_default=True)] = Keys()
    site: Site
    camera: Camera
    position: Position = Position()
    reader: Reader | None = None
    door: Door = NoDoor()
    contacts: Annotated[Contacts, Field(validate_default=True)] = Contacts()
    models: Models
    broker: Broker
    page: Page = Page()
    preview: Preview = Preview()
    aim: Aimed | None = None
    """Where `doorward aim` begins; it permits nothing."""

    base: Path = Field(exclude=True)
    """The folder of the config file; not a key of it."""

    @field_validator("keys")
    @classmethod
    def _plain_on_a_desktop(cls, keys: Keys, checked: ValidationInfo) -> Keys:
        device = checked.data.get("device")
        if isinstance(device, Device) and keys.backend == "plain" and not device.insecure_dev:
            raise ValueError(
                'plain keys are for a desktop: choose backend = "tpm2" or "systemd-credentials", or set insecure_dev = '
                "true under [device]"
            )
        return keys

    @field_validator("contacts")
    @classmethod
    def _a_pin_for_one_thing(cls, contacts: Contacts, checked: ValidationInfo) -> Contacts:
        camera, door = checked.data.get("camera"), checked.data.get("door")
        taken = [
            contacts.exit_pin,
            contacts.tamper_pin,
            getattr(camera, "ir_cut_pin", None),
            getattr(door, "pin", None),
        ]
        pins = [pin for pin in taken if pin is not None]
        if len(pins) > len(set(pins)):
            raise ValueError(
                f"GPIO {max(pins, key=pins.count)} is named twice among exit_pin, tamper_pin, camera.ir_cut_pin and "
                "door.pin; give each a pin of its own"
            )
        return contacts

    def path(self, name: str) -> Path:
        return _path(self.base, name)

    @property
    def state(self) -> Path:
        return self.path(self.device.state)

    @property
    def socket(self) -> Path:
        return self.state / "link.sock"

    @property
    def frames(self) -> Path:
        """Where `doorward rtsp` hands pictures over."""
        named = self.camera.socket if isinstance(self.camera, RtspCamera) else None
        return self.state / "frames.sock" if named is None else self.path(named)


def load(file: Path) -> DeviceConfig:
    """Read one device config.

    Raises:
        ConfigError: every fault, one a line: `file:line: field: rule`.
    """
    text = _text(file)
    try:
        raw = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # a number or a nesting that is too long is no TOMLDecodeError
        where = re.search(r" \(at (line (\d+), column \d+|end of document)\)", str(error))
        rule = str(error).replace(where[0], "") if where else "a number or a nesting without end"
        line = 1 if where is None else where[2] or len(text.splitlines())
        raise ConfigError(f"{file}:{line}: not TOML: {rule}; correct it") from None
    base = file.resolve().parent
    faults = [(line_of(text, field), words) for field, words in _missing_files(raw, base)]
    if raw.pop("base", None) is not None:
        faults.append((line_of(text, ("base",)), "base: unknown key; remove it"))
    try:
        config = DeviceConfig.model_validate({**raw, "base": base})
    except ValidationError as error:
        faults += [fault_of(text, each) for each in error.errors(include_url=False, include_input=False)]
    else:
        if not faults:
            return config
    raise ConfigError("\n".join(f"{file}:{line}: {words}" for line, words in sorted(faults)))


def _text(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            data = opened.read(_SIZE_MAX + 1)
        if len(data) <= _SIZE_MAX:
            return data.decode("utf-8").replace("\r\n", "\n")
        reason = f"larger than {_SIZE_MAX // 1024} KiB"
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror or "no file" if isinstance(error, OSError) else "not UTF-8 text"
    raise ConfigError(f"{file}: cannot be read ({reason}); name a device config file") from None


def _missing_files(raw: dict[str, Any], base: Path) -> Iterator[tuple[tuple[str, ...], str]]:
    """Files that must be there before anything starts; secrets are read later, by the process that owns them."""
    for field in _FILES:
        name: Any = raw
        for key in field:
            name = name.get(key) if isinstance(name, dict) else None
        if isinstance(name, str) and name and "\0" not in name and not _exists(path := _path(base, name)):
            yield field, f"{'.'.join(field)}: {path} is not there; correct the path"


def _path(base: Path, name: str) -> Path:
    named = base / name
    try:
        return named.resolve()
    except (OSError, RuntimeError):  # links in a circle, a name that is too long; whoever opens it says so
        return named


def _exists(path: Path) -> bool:
    try:
        path.stat()
    except PermissionError:  # what this process may not look at is another's secret, and that one reads it
        return True
    except OSError:  # a name that is too long, links in a circle
        return False
    return True
