"""What the link process is told at start; a plain value, so that the recogniser's config can name it for free."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from agent.app.config import DeviceConfig


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
    tokens: bool = False
    """Hand on what is published on the token topic: cards and PINs that name somebody."""
    others: tuple[tuple[str, int], ...] = ()
    """Host and port of further brokers, asked in this order where the first does not let the device in."""
    home_assistant: str | None = None
    """Discovery prefix; None: no entities are made."""
    page_port: int = 0
    """On 127.0.0.1; 0 takes a free one. The ready line on standard output says which."""
    repository_url: str | None = None
    """Of the site repository, `https://` (or `http://` to this machine); None fetches nothing."""
    repository_ca: Path | None = None


def settings_of(config: DeviceConfig) -> LinkSettings:
    """What the device config says about the link."""
    broker = config.broker
    tls = broker.tls

    def path(name: str | None) -> Path | None:
        return None if name is None else config.path(name)

    return LinkSettings(
        socket=config.socket,
        site=config.site.name,
        device=config.device.id,
        broker_host=broker.host,
        broker_port=broker.port,
        protocol=broker.protocol,
        tls=tls is not None,
        ca=path(tls.ca if tls else None),
        cert=path(tls.certificate if tls else None),
        key=path(tls.key if tls else None),
        user=broker.user,
        password_file=path(broker.password_file),
        websocket_url=broker.websocket,
        acknowledge=broker.acknowledge,
        tokens=broker.tokens,
        others=tuple((each.host, each.port) for each in broker.fallback),
        home_assistant=broker.home_assistant,
        page_port=config.page.port,
        repository_url=config.site.repository,
        repository_ca=path(config.site.repository_ca),
    )
