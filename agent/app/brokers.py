"""A device's brokers: their addresses, what to do when they refuse, and how a device that is no more leaves them."""

from __future__ import annotations

from queue import Empty, Queue
from typing import Final

from agent.adapters.mqtt import Address, Broker, Connection, Tls
from agent.app.link_settings import LinkSettings
from agent.errors import LinkError
from agent.events import homeassistant, wire

TO_DO: Final = {
    Broker.UNREACHABLE: "look at broker.host, broker.port and whether it runs",
    Broker.TLS_REFUSED: "look at broker.tls and the broker's certificates",
    Broker.NOT_AUTHORISED: "look at broker.user, broker.password_file and the broker's list of users",
    Broker.REFUSED: "look at the broker's log",
}


def addresses(settings: LinkSettings) -> list[Address]:
    """In the order in which they are asked."""
    tls = Tls(settings.ca, settings.cert, settings.key) if settings.tls else None
    return [
        Address(host, port, settings.protocol, tls, settings.user, settings.password_file)
        for host, port in ((settings.broker_host, settings.broker_port), *settings.others)
    ]


def retire(settings: LinkSettings, timeout_s: float = 10.0) -> None:
    """Take a device that is no more off the broker: its retained topics, and its entities in Home Assistant.

    Raises:
        ConfigError: a file in the settings cannot be used.
        LinkError: the broker does not let this device in, or did not acknowledge in time.
    """
    topics = [wire.topic(settings.site, settings.device, kind) for kind in sorted(wire.RETAINED)]
    if settings.home_assistant is not None:  # first, so that no entity reads the emptied topics
        topics.insert(0, homeassistant.discovery_topic(settings.home_assistant, settings.site, settings.device))
    states: Queue[tuple[Broker, str]] = Queue()
    taken: Queue[int] = Queue()
    first, *others = addresses(settings)
    connection = Connection(
        first,
        f"doorward-{settings.site}-{settings.device}",
        changed=lambda state, detail: states.put((state, detail)),
        published=taken.put,
        others=tuple(others),
    )
    connection.start()
    try:
        while (told := states.get(timeout=timeout_s))[0] is not Broker.CONNECTED:
            if told[0] is not Broker.UNREACHABLE:
                raise LinkError(f"broker {connection.address}: {told[0]}: {told[1]}; {TO_DO[told[0]]}")
        for token, topic in enumerate(topics):
            connection.publish(topic, b"", qos=1, retain=True, token=token)
        for _ in topics:
            taken.get(timeout=timeout_s)
    except Empty:
        raise LinkError(f"broker {connection.address}: no answer within {timeout_s:g} s; try again") from None
    finally:
        connection.close()
