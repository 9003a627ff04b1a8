"""The web server under each page: threads, strict headers on every answer, no log. What is answered the page says."""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar, Final, Protocol

from agent.errors import ConfigError

ROOMS: Final = Path(__file__).resolve().parent.parent.parent
"""Where the folders of files lie that pages are made of."""
TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".md": "text/plain; charset=utf-8",
}
STRICT: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""On every answer of every page, beside its own policy of content."""

Answer = tuple[HTTPStatus, str, bytes, dict[str, str]]
"""Status, content type, body and extra headers."""


class Answering(Protocol):
    takes: int
    """Bytes of a POST's body at the most; 0: there is no POST."""

    def headers(self) -> dict[str, str]:
        """On every answer, errors of the server itself included."""
        ...

    def answer(self, target: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        """To a GET, or to a POST, which has a body."""
        ...


def listen(address: str, port: int, page: Answering, named: str, remedy: str) -> Server:
    """A server that is listening and not serving yet.

    Args:
        named: where the port was chosen, for who must choose another, as `remedy` says.

    Raises:
        ConfigError: it cannot listen there.
    """
    try:
        return Server((address, port), page)
    except OSError as error:
        raise ConfigError(f"{named}: {port}: {error.strerror}; {remedy}") from None


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 16

    def __init__(self, address: tuple[str, int], page: Answering) -> None:
        self.page = page
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _Handler)
        self._thread: threading.Thread | None = None

    def begin(self, name: str) -> None:
        """Serve, on a thread of this name."""
        self._thread = threading.Thread(target=self.serve_forever, args=(0.2,), name=name, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Serve no more, and listen no more."""
        if self._thread is not None:
            self.shutdown()
            self._thread.join(timeout=2)
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that hangs up is nobody's news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    default_request_version = "HTTP/1.0"  # an answer to 0.9 has no headers
    server_version = "doorward"
    sys_version = ""
    timeout: ClassVar[float | None] = 30

    def do_GET(self) -> None:
        self._answer(None, body_too=True)

    def do_HEAD(self) -> None:
        self._answer(None, body_too=False)

    def do_POST(self) -> None:
        assert isinstance(self.server, Server)
        length = self.headers["Content-Length"] or ""
        if not self.server.page.takes:
            self.send_error(HTTPStatus.NOT_IMPLEMENTED, "Unsupported method ('POST')")
        elif not (length.isascii() and length.isdigit() and len(length) < 10):
            self.send_error(HTTPStatus.LENGTH_REQUIRED)
        elif int(length) > self.server.page.takes:
            self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        else:
            self._answer(self.rfile.read(int(length)), body_too=True)
            return
        self.close_connection = True

    def _answer(self, posted: bytes | None, *, body_too: bool) -> None:
        assert isinstance(self.server, Server)
        asked = {name.lower(): value for name, value in self.headers.items()}
        status, kind, body, extra = self.server.page.answer(self.path, asked, posted)
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **extra}.items():
            self.send_header(name, value)
        self.end_headers()
        if body_too:
            self.wfile.write(body)

    def end_headers(self) -> None:
        assert isinstance(self.server, Server)
        for name, value in self.server.page.headers().items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Who looks at the page is nobody's news."""
