"""The section of the device config about the broker: where it is, how the device enters, what counts as delivered."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from agent.app.config_section import FilePath, Section

WebSocket = Annotated[str, Field(pattern=r"^wss?://[A-Za-z0-9._:\[\]-]+(/[^\s]*)?$")]


class Tls(Section):
    ca: FilePath
    certificate: FilePath | None = None
    key: FilePath | None = None

    @model_validator(mode="after")
    def _key_of_something(self) -> Tls:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key go together; name both or neither")
        return self


class Fallback(Section):
    """Another broker of the same site, entered as the first one."""

    host: Annotated[str, Field(min_length=1, max_length=253)]
    port: Annotated[int, Field(ge=1, le=65535)]


class Broker(Section):
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
