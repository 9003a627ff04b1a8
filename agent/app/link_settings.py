"""What the link process is told at start; a plain value, so that the recogniser's config can name it for free."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """Everything that shapes the link. Paths are absolute; None means that the feature is off."""

    socket: Path
    """The recogniser's AF_UNIX socket."""
    site: str
    device: str
    broker_host: str = "127.0.0.1"
    broker_port: int = 8883
    protocol: Literal["5", "3.1.1"] = "5"
    tls: bool = True
    ca: Path | None = None
    """CA of the broker; None trusts the system's CAs."""
    cert: Path | None = None
    key: Path | None = None
    user: str | None = None
    password_file: Path | None = None
    websocket_url: str | None = None
    """Where the page hears the broker, `ws://` or `wss://`; None leaves the page without live data."""
    acknowledge: Literal["consumer", "puback"] = "consumer"
    others: tuple[tuple[str, int], ...] = ()
    """Host and port of further brokers, asked in this order where the first does not let the device in."""
    home_assistant: str | None = None
    """Discovery prefix; None: no entities are made."""
    page_port: int = 0
    """On 127.0.0.1; 0 takes a free one. The ready line on standard output says which."""
    repository_url: str | None = None
    """Of the site repository, `https://` (or `http://` to this machine); None fetches nothing."""
    repository_ca: Path | None = None
