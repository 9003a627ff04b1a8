"""MQTT, both versions, through paho: addresses, one connection that mends itself, and how long it waits."""

from agent.adapters.mqtt.address import Address, Tls, Will, tls_context
from agent.adapters.mqtt.connection import Broker, Connection

__all__ = ["Address", "Broker", "Connection", "Tls", "Will", "tls_context"]
