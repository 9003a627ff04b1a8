"""A door that is opened over MQTT: each opening is a signed order that is good for a second.

Rules: an order goes out at once or never; nobody keeps one. Without a link, a broker or a trusted time the door cannot
be reached: then nothing is decided that would open it. Whether somebody obeyed, nobody says: the lock that hears
nothing stays as it is, which is shut. Leaves out: what an order is, and who obeys it (events/order.py).
"""

from __future__ import annotations

from agent.adapters.channel import Channel
from agent.app.config import DeviceConfig
from agent.app.config_door import MqttDoor
from agent.app.timekeeping import DeviceTime
from agent.crypto import SignSecret
from agent.events.order import sign_order
from agent.policy.clock import TrustedClock
from agent.ports import Clock
from agent.units import DeviceId, DoorId, SiteId


class OrderedDoor:
    """Implements `ports.DistantDoor`."""

    def __init__(
        self,
        channel: Channel,
        clock: Clock,
        trusted: TrustedClock,
        *,
        site: SiteId,
        device: DeviceId,
        sign_secret: SignSecret,
    ) -> None:
        self._channel, self._clock, self._time = channel, clock, DeviceTime(trusted, clock)
        self._site, self._device, self._sign_secret = site, device, sign_secret

    def reachable(self) -> bool:
        return self._channel.broker and self._time.unix_s() is not None

    def order(self, door: DoorId, number: int, until_ns: int) -> None:
        unix_s = self._time.unix_s()
        if unix_s is None:
            return
        left_s = (until_ns - self._clock.monotonic_ns()) / 1e9
        self._channel.send_order(
            sign_order(
                door,
                sequence=number,
                not_after_s=unix_s + left_s,
                site=self._site,
                device=self._device,
                secret=self._sign_secret,
            )
        )


def distant(
    config: DeviceConfig, channel: Channel, clock: Clock, trusted: TrustedClock, sign_secret: SignSecret
) -> OrderedDoor | None:
    """The door that the config has opened over MQTT; None: it is another one, or there is none."""
    if not isinstance(config.door, MqttDoor):
        return None
    site, device = SiteId(config.site.name), DeviceId(config.device.id)
    return OrderedDoor(channel, clock, trusted, site=site, device=device, sign_secret=sign_secret)
