"""The sections of the device config about the door: what opens it, and the contacts beside it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from agent.app.config_section import Pin, Section


class NoDoor(Section):
    """Nothing moves here: whoever hears the sealed events acts on them."""

    kind: Literal["none"] = "none"


class Relay(Section):
    """A relay on a pin of the Raspberry Pi."""

    kind: Literal["relay"]
    pin: Pin
    lock: Literal["fail-secure", "fail-safe"] = "fail-secure"
    """`fail-secure`: current opens, and without it the door is shut. `fail-safe`: current holds the door shut, and
    without it, or without this process, the door is open: for ways of escape alone."""
    active_low: bool = False
    """The relay board switches on when its input is pulled down."""
    pulse_s: Annotated[float, Field(ge=0.2, le=30)] = 3.0


class MqttDoor(Section):
    """Whoever obeys signed orders on this device's topic `open`; without a broker the door stays shut."""

    kind: Literal["mqtt"]


Door = Annotated[NoDoor | Relay | MqttDoor, Field(discriminator="kind")]


class Contacts(Section):
    """Contacts to ground; the pin's own resistor pulls it up."""

    exit_pin: Pin | None = None
    """Button inside, closed while it is pressed: opens without recognition, and is written down as that."""
    tamper_pin: Pin | None = None
    """Contact of the housing, closed while it is whole: open, or a cut wire, refuses recognition."""
