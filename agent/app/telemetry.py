"""What the recogniser tells of itself on its way out: dated, numbered, signed, and handed to the channel.

Rules: the number rises over restarts too, and the date is never one that nobody vouches for. Leaves out: what is told
(heartbeat.py, metrics.py, commands.py), and when it leaves the device (adapters/channel.py).
"""

from __future__ import annotations

from agent.adapters.channel import Channel
from agent.adapters.keys import KeySource
from agent.app.config import DeviceConfig
from agent.app.timekeeping import DeviceTime
from agent.events.bodies import Body
from agent.events.telemetry import sign_telemetry
from agent.policy.clock import TrustedClock
from agent.ports import Clock
from agent.units import DeviceId, SiteId


class Telemetry:
    """Signs bodies with a sequence that rises over restarts and hands them to the channel."""

    def __init__(
        self, config: DeviceConfig, channel: Channel, keys: KeySource, trusted: TrustedClock, clock: Clock
    ) -> None:
        self._site, self._device = SiteId(config.site.name), DeviceId(config.device.id)
        self._channel, self._keys, self._time = channel, keys, DeviceTime(trusted, clock)
        self._sequence = int(self._time.dated_s() * 1000)

    def send(self, body: Body) -> None:
        self._sequence += 1
        signed = sign_telemetry(
            body,
            site=self._site,
            device=self._device,
            sequence=self._sequence,
            unix_s=self._time.dated_s(),
            secret=self._keys.sign_secret,
        )
        self._channel.send_telemetry(signed.kind, signed.payload)
