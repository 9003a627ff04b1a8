"""A door that MQTT opens, both processes and a real broker: one order for one opening, and none while nobody hears."""

from __future__ import annotations

import contextlib
import json
import time
from pathlib import Path

import pytest

from agent.app.config import load
from agent.app.link_settings import settings_of
from agent.events import wire
from agent.events.decision import UNREACHABLE, Outcome
from agent.events.order import Opener
from agent.events.wire import Kind
from agent.units import DoorId
from tests.adapters.mosquitto import Mosquitto, Observer, Seen
from tests.app.door import WALL, Bench, Peer, day_passes, ledger, shown, site
from tests.app.running import link_process, until

GONE_S = 2.5
"""So long a pass must be away to be shown again."""


def topics(observer: Observer) -> set[str]:
    return {each.topic for each in observer.now()}


@pytest.mark.alone
def test_each_opening_is_one_order_and_without_a_broker_the_door_stays_shut(tmp_path: Path, free_port: int) -> None:
    broker = Mosquitto(tmp_path, free_port)
    broker.start()
    device = site(tmp_path / "gate")
    config = device.config.read_text().replace("port = 1883", f"port = {broker.port}")
    device.config.write_text(config + '[door]\nkind = "mqtt"\n')
    first, second = day_passes(device, 2)
    bench, topic = Bench(device), wire.order_topic(device.site, device.id)

    def script(_: Peer) -> None:
        opener = Opener(device.site, DoorId(device.policy.door), {device.id: device.key})

        def opens(order: Seen) -> bool:
            return opener.take(order.topic, order.payload, retained=order.retained, unix_s=time.time()).opens

        def recognising(observer: Observer) -> None:
            while b'"grounds":[]' not in observer.next(wire.topic(device.site, device.id, Kind.STATUS), 30).payload:
                pass

        with link_process(settings_of(load(device.config))) as link, contextlib.closing(Observer(broker.port)) as lock:
            link.ready()
            recognising(lock)
            bench.view = shown(first)
            order = lock.next(topic, timeout_s=20)
            assert opens(order) and not order.retained
            assert not opens(order), "once"
            assert json.loads(order.payload)["sequence"] == 1
            with contextlib.closing(Observer(broker.port)) as later:
                assert topic not in topics(later), "it is kept nowhere"

            broker.stop()
            link.wait_said("connection lost")
            bench.view = WALL
            time.sleep(GONE_S)
            bench.view = shown(second)
            until(lambda: ledger(device)[-1].outcome is Outcome.TOO_LATE, 20, "too late")
            shut = ledger(device)[-1]
            assert (shut.ground, shut.subject) == (UNREACHABLE, None)
            bench.view = WALL
            broker.start()
        with link_process(settings_of(load(device.config))) as link, contextlib.closing(Observer(broker.port)) as lock:
            link.ready()
            recognising(lock)
            assert topic not in topics(lock), "what could not be told opens nothing later"
            time.sleep(GONE_S)
            bench.view = shown(second)
            assert opens(lock.next(topic, timeout_s=20)), "the pass was not used up"

    try:
        assert bench.play(script, linked=False) == 0
    finally:
        device.server.close()
        broker.stop()
    assert bench.opened == 0, "no other door was told"
    assert [each.outcome for each in ledger(device)] == [
        Outcome.PASS_ACCEPTED, Outcome.TOO_LATE, Outcome.PASS_ACCEPTED,
    ]  # fmt: skip
