"""A TCP pipe to a broker that a test can cut, close to newcomers, slow down, let go deaf while its sockets stay, or
hang: like any server that takes connections and says nothing."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time
from types import TracebackType


class Pipe:
    """Listens on a port of its own and passes bytes on to `target` on this machine, both ways.

    Args:
        target: port on 127.0.0.1.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._deaf: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._open = True
        self._closing = False
        self.delay_s = 0.0
        """How long each piece waits before it is passed on."""
        self._hangs_after: int | None = None
        """Bytes of answers that a connection still gets."""
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Pipe:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def cut(self) -> None:
        """End all connections."""
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            for end in pair:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def refuse(self) -> None:
        """End all connections, and those to come."""
        self._open = False
        self.cut()

    def admit(self) -> None:
        self._open = True

    def deafen(self, *, to_broker: bool = True) -> None:
        """What the clients of now send goes nowhere, nor do they hear anything; new connections work.

        Args:
            to_broker: False lets the broker go on hearing: only its answers (PUBACK) are lost.
        """
        with self._lock:
            for client, broker in self._pairs:
                self._deaf.add(broker)
                if to_broker:
                    self._deaf.add(client)

    def hang(self, after: int = 0) -> None:
        """Of each connection, the ones to come too, no more than so many bytes of the answers are passed on until
        `go_on`. What is not passed on waits.
        """
        self._hangs_after = after

    def go_on(self) -> None:
        self._hangs_after = None

    def close(self) -> None:
        self._closing = True
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self.cut()

    def _accept(self) -> None:
        while not self._closing:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            try:
                if not self._open:
                    raise OSError("closed to newcomers")
                broker = socket.create_connection(("127.0.0.1", self._target), timeout=2)
                broker.settimeout(None)
            except OSError:
                client.close()
                continue
            with self._lock:
                self._pairs.append((client, broker))
            threading.Thread(target=self._pass, args=(client, broker), daemon=True).start()

    def _pass(self, client: socket.socket, broker: socket.socket) -> None:
        other = {client: broker, broker: client}
        passed = 0
        with client, broker, contextlib.suppress(OSError):
            while True:
                for ready in select.select([client, broker], [], [])[0]:
                    most = 65536
                    if ready is broker and (limit := self._hangs_after) is not None:
                        most = limit - passed
                        if most <= 0:
                            time.sleep(0.02)
                            continue
                    data = ready.recv(most)
                    if not data:
                        return
                    if ready in self._deaf:
                        continue
                    self._wait()
                    other[ready].sendall(data)
                    passed += len(data) if ready is broker else 0

    def _wait(self) -> None:
        if self.delay_s:
            time.sleep(self.delay_s)
