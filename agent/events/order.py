"""Orders to open a door that MQTT opens: one door, once, within a second of the frame that decided.

The recogniser signs; neither link nor broker can make one, change one, or keep one for later. An order names a door and
nobody: what opens doors need not know who came, and has no key to the events. `Opener` is for who stands at the other
end: an order opens if its device signed it for this door, it came on that device's topic and not as a retained message,
its number is above every one before, and its time is not over. Everything else opens nothing. Write `newest()` down
before the door is opened: then a restart forgets none. Both ends need the right time (`APART_S`).
Pure: bring a clock and an MQTT client. docs/consumers.md has examples.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from agent.crypto import SignPublic, SignSecret
from agent.errors import LinkError
from agent.events import wire
from agent.events.decision import LATE_NS
from agent.events.seal import Base64, Millis, Sequence, read_signed, signed
from agent.policy.document import Strict
from agent.policy.fields import Name
from agent.units import DeviceId, DoorId, SiteId

CONTEXT: Final = "doorward/open/1"
GOOD_FOR_S: Final = LATE_NS / 1e9
"""From the exposure of the frame that decided, or the press of the button inside."""
APART_S: Final = 0.25
"""So much an opener's clock may be behind; one that is ahead opens less long."""


class Order(Strict):
    """As it is published; `schemas/open.json` is made from it."""

    v: Literal[1]
    site: Name
    device: Name
    sequence: Sequence
    """Of the decision's event; it rises, with gaps."""
    not_after_ms: Millis
    """Unix milliseconds; from then on the order opens nothing."""
    door: Name
    signature: Base64


def sign_order(
    door: DoorId, *, sequence: int, not_after_s: float, site: SiteId, device: DeviceId, secret: SignSecret
) -> bytes:
    """One order as it is published.

    Args:
        sequence: of the event of the decision that opens.
        not_after_s: Unix seconds, `GOOD_FOR_S` after the frame that decided.
    """
    document = {
        "v": 1,
        "site": site,
        "device": device,
        "sequence": sequence,
        "not_after_ms": round(not_after_s * 1000),
        "door": door,
    }
    return signed(document, CONTEXT, secret)


@dataclass(frozen=True, slots=True)
class Judged:
    opens: bool
    reason: str = ""
    """Why it opens nothing."""


class Opener:
    """What opens one door.

    Args:
        devices: the signing key of each that may, from the policy.
        newest: what `newest()` gave before the restart; without it a repeated order is told by its time alone.
    """

    def __init__(
        self,
        site: SiteId,
        door: DoorId,
        devices: Mapping[DeviceId, SignPublic],
        newest: Mapping[str, int] | None = None,
    ) -> None:
        self._door = door
        self._devices = {wire.order_topic(site, device): (device, key) for device, key in devices.items()}
        known = newest or {}
        self._newest = {_name(device, key): known.get(_name(device, key), 0) for device, key in devices.items()}

    def take(self, topic: str, payload: bytes, *, retained: bool, unix_s: float) -> Judged:
        """Judge one message; never raises on what somebody published."""
        if topic not in self._devices or retained:
            return Judged(False, "retained" if retained else "not a topic of orders of these devices")
        device, key = self._devices[topic]
        try:
            order = read_signed(payload, Order, CONTEXT, key, "open")
        except LinkError as error:
            return Judged(False, str(error))
        if (wire.order_topic(order.site, order.device), order.door) != (topic, self._door):
            return Judged(False, "for another door, or of another device")
        if order.sequence <= self._newest[_name(device, key)]:
            return Judged(False, "repeated, or behind a newer one")
        self._newest[_name(device, key)] = order.sequence
        not_after_s = order.not_after_ms / 1000
        if not not_after_s - GOOD_FOR_S - APART_S <= unix_s < not_after_s:
            return Judged(False, "too late, or the clocks are apart; set both by the same time servers")
        return Judged(True)

    def newest(self) -> dict[str, int]:
        """The highest number of each device, by device and key; to be kept as JSON."""
        return dict(self._newest)


def _name(device: DeviceId, key: SignPublic) -> str:
    """A device with new keys counts anew."""
    return f"{device}/{key.hex()}"
