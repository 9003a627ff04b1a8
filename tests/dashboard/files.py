"""The dashboard's files on localhost with nothing behind them, for tests of one of its modules."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from tests.conftest import ROOT

FOLDER = ROOT / "agent" / "dashboard"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def served(address: str = "127.0.0.1") -> Iterator[str]:
    """Its address, without a path."""
    server = ThreadingHTTPServer((address, 0), partial(_Quiet, directory=str(FOLDER)))
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://{address}:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
