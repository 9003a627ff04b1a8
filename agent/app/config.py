"""The device config: what an installer may choose. Nothing in it can turn a refusal into a permit.

Rules: strict TOML. An unknown key, a wrong type, a value out of range or a missing file is a fault; every fault is
listed with file, line and rule, and nothing starts. Paths are relative to the config file.
"""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from agent.app.config_lines import fault_of, line_of
from agent.errors import ConfigError
from agent.measured import Aimed

_SIZE_MAX: Final = 64 * 1024


def _repository(url: str) -> str:
    parts = urlsplit(url)
    if not parts.hostname or (parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "localhost", "::1")):
        raise ValueError("needs https; plain http is for this machine alone")
    return url


Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
Port = Annotated[int, Field(ge=0, le=65535)]
Url = Annotated[str, Field(pattern=r"^https?://[^\s]+/$"), AfterValidator(_repository)]
FilePath = Annotated[str, Field(min_length=1, max_length=1024, pattern=r"^[^\x00]+$")]
"""Relative to the config file, or absolute."""
WebSocket = Annotated[str, Field(pattern=r"^wss?://[A-Za-z0-9._:\[\]-]+(/[^\s]*)?$")]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


class Device(_Section):
    id: Name
    state: FilePath
    insecure_dev: bool = False
    outbox_share: Annotated[float, Field(ge=0.001, le=0.9)] = 0.25
    """Of the disk that `state` is on; a fuller outbox refuses, since nothing in it is ever dropped."""


class Keys(_Section):
    """Where the device's secrets are kept; `plain` is for a desktop, and needs `device.insecure_dev`."""

    backend: Literal["plain", "systemd-credentials", "tpm2"] = "plain"
    tcti: Annotated[str, Field(pattern=r"^[a-z0-9-]+(:[^\s]+)?$", max_length=256)] | None = None
    """How tpm2-tools reach the TPM, for instance `device:/dev/tpmrm0`; None: TPM2TOOLS_TCTI, or their own choice."""

    @model_validator(mode="after")
    def _tpm_of_somebody(self) -> Keys:
        if self.tcti is not None and self.backend != "tpm2":
            raise ValueError('only backend = "tpm2" reaches a TPM; remove tcti')
        return self


class Site(_Section):
    name: Name
    root_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    repository: Url
    repository_ca: FilePath | None = None
    """CA of an `https` repository; None trusts the system's CAs."""
    check_every_s: Annotated[float, Field(ge=0.5, le=86_400)] = 60.0


class Camera(_Section):
    """`simulated` plays a scene; `recording` plays a video file, an animation or a folder of them and of stills."""

    kind: Literal["simulated", "recording"]
    scene: FilePath | None = None
    file: FilePath | None = None
    stall_s: Annotated[float, Field(ge=0.5, le=30)] = 2.0

    @model_validator(mode="after")
    def _names_its_source(self) -> Camera:
        if (self.kind == "simulated") != (self.scene is not None) or (self.kind == "recording") != (
            self.file is not None
        ):
            raise ValueError("a simulated camera names a scene, a recording names a file, and neither names both")
        return self


class Position(_Section):
    """Where fixes come from when the policy asks for a receiver; a surveyed position without an anchor needs none."""

    kind: Literal["none", "simulated", "serial"] = "none"
    port: Annotated[str, Field(pattern=r"^/[^\s]+$")] | None = None
    """Device file of the receiver, for instance `/dev/serial0`; it may come and go."""
    baud: Literal[4800, 9600, 19200, 38400, 57600, 115200, 230400, 460800] = 9600
    uere_m: Annotated[float, Field(ge=1, le=100)] | None = None
    """User equivalent range error: the error of a fix is then HDOP times this. None: the receiver sends GST."""

    @model_validator(mode="after")
    def _names_its_line(self) -> Position:
        if (self.kind == "serial") != (self.port is not None):
            raise ValueError("a serial receiver names its port, and nothing else does")
        return self


class Reader(_Section):
    """A reader of cards or PINs on a serial line; whose they are, and whether they open, only the policy says."""

    port: Annotated[str, Field(pattern=r"^/[^\s]+$")]
    """Device file of the reader; it may come and go."""
    baud: Literal[1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200] = 9600


class Models(_Section):
    directory: FilePath
    threads: Annotated[int, Field(ge=1, le=4)] = 1


class Tls(_Section):
    ca: FilePath
    certificate: FilePath | None = None
    key: FilePath | None = None

    @model_validator(mode="after")
    def _key_of_something(self) -> Tls:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key go together; name both or neither")
        return self


class Fallback(_Section):
    """Another broker of the same site, entered as the first one."""

    host: Annotated[str, Field(min_length=1, max_length=253)]
    port: Annotated[int, Field(ge=1, le=65535)]


class Broker(_Section):
    host: Annotated[str, Field(min_length=1, max_length=253)]
    port: Annotated[int, Field(ge=1, le=65535)]
    protocol: Literal["5", "3.1.1"] = "5"
    acknowledge: Literal["consumer", "puback"] = "puback"
    tls: Tls | None = None
    user: str | None = None
    password_file: FilePath | None = None
    tokens: bool = False
    """Take cards and PINs from the broker too; there they name a person for 1:1 and never open."""
    websocket: WebSocket | None = None
    """What the page connects to; None shows the page without live data."""
    fallback: Annotated[tuple[Fallback, ...], Field(max_length=8, strict=False)] = ()
    """Tried in this order where the first does not let the device in."""
    home_assistant: Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,60}$")] | None = None
    """Discovery prefix of a Home Assistant on this broker, `homeassistant` unless it was changed; None: no entities."""

    @model_validator(mode="after")
    def _password_of_somebody(self) -> Broker:
        if self.password_file is not None and self.user is None:
            raise ValueError("a password needs a user; add user")
        return self

    @model_validator(mode="after")
    def _word_that_counts(self) -> Broker:
        if self.protocol == "3.1.1" and self.acknowledge == "puback":
            raise ValueError(
                "a broker of MQTT 3.1.1 acknowledges what its access list forbids, and drops it: "
                'set acknowledge = "consumer", or protocol = "5"'
            )
        return self


class Page(_Section):
    port: Port = 8480


class Preview(_Section):
    """The commissioned picture of the empty scene; without it previews are blocks alone."""

    empty: FilePath | None = None
    every_s: Annotated[float, Field(ge=0.1, le=10)] = 0.2


class DeviceConfig(_Section):
    device: Device
    keys: Annotated[Keys, Field(validate_default=True)] = Keys()
    site: Site
    camera: Camera
    position: Position = Position()
    reader: Reader | None = None
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

    def path(self, name: str) -> Path:
        named = self.base / name
        try:
            return named.resolve()
        except RuntimeError:  # links in a circle; whoever opens it says so
            return named

    @property
    def state(self) -> Path:
        return self.path(self.device.state)

    @property
    def socket(self) -> Path:
        return self.state / "link.sock"


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
    if "base" in raw:
        raise ConfigError(f"{file}:{line_of(text, ('base',))}: base: unknown key; remove it")
    try:
        config = DeviceConfig.model_validate({**raw, "base": file.resolve().parent})
    except ValidationError as error:
        faults = sorted(fault_of(text, each) for each in error.errors(include_url=False, include_input=False))
        raise ConfigError("\n".join(f"{file}:{line}: {words}" for line, words in faults)) from None
    missing = _missing_files(config, file, text)
    if missing:
        raise ConfigError("\n".join(missing))
    return config


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


def _missing_files(config: DeviceConfig, file: Path, text: str) -> list[str]:
    """Files that must be there before anything starts; secrets are read later, by the process that owns them."""
    broker = config.broker
    named = {
        ("site", "repository_ca"): config.site.repository_ca,
        ("camera", "scene"): config.camera.scene,
        ("camera", "file"): config.camera.file,
        ("models", "directory"): config.models.directory,
        ("preview", "empty"): config.preview.empty,
        ("broker", "password_file"): broker.password_file,
        ("broker", "tls", "ca"): broker.tls.ca if broker.tls else None,
        ("broker", "tls", "certificate"): broker.tls.certificate if broker.tls else None,
        ("broker", "tls", "key"): broker.tls.key if broker.tls else None,
    }
    return [
        f"{file}:{line_of(text, field)}: {'.'.join(field)}: {config.path(name)} is not there; correct the path"
        for field, name in named.items()
        if name is not None and not os.path.exists(config.path(name))  # one that may not be asked for is not there
    ]
