"""The embedded broker of a desktop: iotcore in a process of its own, on this machine alone.

Rules: it listens on 127.0.0.1 only (iotcore would take all interfaces) and keeps its ports over a restart, so that
clients find it again. It has no users, no TLS and no memory: a device at a door talks to a broker of the site's.
"""

from __future__ import annotations

import socket
import tempfile
from pathlib import Path
from typing import Final

import iotcore

from agent.errors import LinkError

_LISTENER: Final = """
[{table}.1]
name = "{table}"
listen = "127.0.0.1:{port}"
next_connection_delay_ms = 1
  [{table}.1.connections]
  connection_timeout_ms = 5000
  max_payload_size = 262144
  max_inflight_count = 200
  dynamic_filters = true
"""
_ROUTER: Final = """
id = 0
[router]
id = 0
max_connections = 64
max_outgoing_packet_count = 200
max_segment_size = 1048576
max_segment_count = 4
"""


class EmbeddedBroker:
    """A broker that can be started, killed and started again; it ends with the process that started it."""

    def __init__(self) -> None:
        """Picks free ports; nothing runs before `start`.

        Raises:
            LinkError: this machine cannot talk to itself.
        """
        self.port, self.port_311, self.port_websocket = _free_ports(3)
        """MQTT 5; MQTT 3.1.1; MQTT 3.1.1 over WebSockets, all on 127.0.0.1."""
        self._folder = tempfile.TemporaryDirectory(prefix="doorward-broker-")
        config = Path(self._folder.name) / "broker.toml"
        listeners = (("v5", self.port), ("v4", self.port_311), ("ws", self.port_websocket))
        config.write_text(_ROUTER + "".join(_LISTENER.format(table=table, port=port) for table, port in listeners))
        self._broker = iotcore.Broker(config_path=str(config))

    @property
    def websocket_url(self) -> str:
        return f"ws://127.0.0.1:{self.port_websocket}"

    @property
    def running(self) -> bool:
        return self._broker.is_running

    def start(self) -> None:
        """Start it and wait until all three ports take connections (about 0.2 s).

        Raises:
            LinkError: a port was taken meanwhile, or the broker does not come up.
        """
        try:
            self._broker.start()
        except (OSError, RuntimeError) as error:
            raise LinkError(f"embedded broker: does not start ({error}); start again") from None

    def stop(self) -> None:
        """End it at once, as a broker that dies: clients notice by their closed sockets; everything it held is gone."""
        self._broker.stop()

    def close(self) -> None:
        """Stop it for good."""
        self.stop()
        self._folder.cleanup()


def _free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            socket.create_connection(server.getsockname()[:2], timeout=2.0).close()
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    except OSError as error:
        raise LinkError(
            f"embedded broker: 127.0.0.1 cannot be used ({error.strerror}); see to the loopback interface"
        ) from None
    finally:
        for probe in probes:
            probe.close()
