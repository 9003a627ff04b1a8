"""The device config: what an installer may choose. Nothing in it can turn a refusal into a permit.

Rules: strict TOML. An unknown key, a wrong type, a value out of range or a missing file is a fault; every fault is
listed with file, line and rule, and nothing starts. Paths are relative to the config file.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from agent.errors import ConfigError

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
Port = Annotated[int, Field(ge=0, le=65535)]
Url = Annotated[str, Field(pattern=r"^https?://[^\s]+/$")]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


class Device(_Section):
    id: Name
    state: str
    insecure_dev: bool = False


class Site(_Section):
    name: Name
    root_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    repository: Url
    check_every_s: Annotated[float, Field(ge=0.5, le=86_400)] = 60.0


class Camera(_Section):
    """`simulated` plays a scene; `recording` plays a video file, an animation or a folder of stills."""

    kind: Literal["simulated", "recording"]
    scene: str | None = None
    file: str | None = None
    stall_s: Annotated[float, Field(ge=0.5, le=30)] = 2.0

    @model_validator(mode="after")
    def _names_its_source(self) -> Camera:
        if (self.kind == "simulated") != (self.scene is not None) or (self.kind == "recording") != (
            self.file is not None
        ):
            raise ValueError("a simulated camera names a scene, a recording names a file, and neither names both")
        return self


class Position(_Section):
    """Where fixes come from when the policy asks for a receiver; a surveyed position needs none."""

    kind: Literal["none", "simulated"] = "none"


class Models(_Section):
    directory: str
    threads: Annotated[int, Field(ge=1, le=4)] = 1


class Tls(_Section):
    ca: str
    certificate: str | None = None
    key: str | None = None


class Broker(_Section):
    host: Annotated[str, Field(min_length=1, max_length=253)]
    port: Annotated[int, Field(ge=1, le=65535)]
    protocol: Literal["5", "3.1.1"] = "5"
    acknowledge: Literal["consumer", "puback"] = "puback"
    tls: Tls | None = None
    user: str | None = None
    password_file: str | None = None
    websocket: Annotated[str, Field(pattern=r"^wss?://[^\s]+$")] | None = None
    """What the page connects to; None shows the page without live data."""


class Page(_Section):
    port: Port = 8480


class Preview(_Section):
    """The commissioned picture of the empty scene; without it previews are blocks alone."""

    empty: str | None = None
    every_s: Annotated[float, Field(ge=0.1, le=10)] = 0.2


class DeviceConfig(_Section):
    device: Device
    site: Site
    camera: Camera
    position: Position = Position()
    models: Models
    broker: Broker
    page: Page = Page()
    preview: Preview = Preview()

    base: Path = Field(exclude=True)
    """The folder of the config file; not a key of it."""

    def path(self, name: str) -> Path:
        return (self.base / name).resolve()

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
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise ConfigError(f"{file}: cannot be read ({reason}); name a device config file") from None
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file}: not TOML: {error}") from None
    if "base" in raw:
        raise ConfigError(f"{file}:{_line(text, ('base',))}: base: unknown key; remove it")
    try:
        config = DeviceConfig.model_validate({**raw, "base": file.resolve().parent})
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        raise ConfigError("\n".join(sorted(_fault(file, text, fault) for fault in faults))) from None
    missing = _missing_files(config, file, text)
    if missing:
        raise ConfigError("\n".join(missing))
    return config


def _missing_files(config: DeviceConfig, file: Path, text: str) -> list[str]:
    """Files that must be there before anything starts; secrets are read later, by the process that owns them."""
    broker = config.broker
    named = {
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
        f"{file}:{_line(text, field)}: {'.'.join(field)}: {config.path(name)} does not exist; correct the path"
        for field, name in named.items()
        if name is not None and not config.path(name).exists()
    ]


def _fault(file: Path, text: str, fault: Any) -> str:
    field = tuple(str(part) for part in fault["loc"])
    rule = {"extra_forbidden": "unknown key; remove it or correct its spelling", "missing": "missing; add it"}.get(
        fault["type"], fault["msg"]
    )
    return f"{file}:{_line(text, field)}: {'.'.join(field) or 'file'}: {rule}"


def _line(text: str, field: tuple[str, ...]) -> int:
    """The line of a key, or of the deepest table on the way to it; 1 when neither is written."""
    table: tuple[str, ...] = ()
    best, depth = 1, 0
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if stripped.startswith("["):
            table = tuple(part.strip().strip("\"'") for part in stripped.strip("[] ").split("."))
            here = table
        elif "=" in stripped and not stripped.startswith("#"):
            here = (*table, *(part.strip().strip("\"'") for part in stripped.split("=", 1)[0].split(".")))
        else:
            continue
        if len(here) > depth and field[: len(here)] == here:
            best, depth = number, len(here)
    return best
