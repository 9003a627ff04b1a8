"""Where a broker is and how to enter it: TLS of 1.2 at least, own authority, certificate or password."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from agent.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Tls:
    """None for `ca` trusts the system's CAs; certificate and key identify this device where the broker asks."""

    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None


@dataclass(frozen=True, slots=True)
class Address:
    """Where a broker is and how to enter."""

    host: str
    port: int
    protocol: Literal["5", "3.1.1"] = "5"
    tls: Tls | None = None
    user: str | None = None
    password_file: Path | None = None

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Will:
    topic: str
    payload: bytes


def tls_context(tls: Tls) -> ssl.SSLContext:
    """Raises ConfigError when a file is missing or no PEM."""
    named = [path for path in (tls.ca, tls.cert, tls.key) if path is not None]
    try:
        context = ssl.create_default_context(cafile=None if tls.ca is None else str(tls.ca))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if tls.cert is not None:
            context.load_cert_chain(tls.cert, tls.key)
    except (OSError, ssl.SSLError) as error:
        if getattr(error, "reason", None) == "KEY_VALUES_MISMATCH":
            raise ConfigError(
                f"broker.tls: {tls.key}: not the key of {tls.cert}; name the two that were made together"
            ) from None
        files = ", ".join(str(path) for path in named)
        raise ConfigError(f"broker.tls: {files}: not usable as PEM ({error.strerror or 'not a certificate'})") from None
    return context


def password(file: Path) -> str:
    """Raises ConfigError when the file cannot be read."""
    try:
        return file.read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        raise ConfigError(
            f"broker.password_file: {file}: cannot be read as text; correct the path or its mode"
        ) from None
