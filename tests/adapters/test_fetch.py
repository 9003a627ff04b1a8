"""Bytes from the site repository: limits, absences and refusals, against real servers on this machine."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from agent.adapters.fetch import Repository
from agent.errors import ConfigError
from agent.events.wire import FetchOutcome
from tests.adapters.certificates import Certificates


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        code = {"/site/denied.json": 403, "/site/broken.json": 500, "/site/moved.json": 302}.get(self.path, 200)
        if self.path == "/site/absent.json":
            code = 404
        self.send_response(code)
        if code == 302:
            self.send_header("Location", "/site/good.json")
        self.end_headers()
        if code == 200:
            self.wfile.write(b"x" * 100)

    def log_message(self, format: str, *args: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        pass


def serving(certificates: Certificates | None = None) -> _Server:
    server = _Server(("127.0.0.1", 0), _Answers)
    if certificates is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates.server_cert, certificates.server_key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    return server


@pytest.fixture
def plain() -> Iterator[str]:
    server = serving()
    yield f"http://127.0.0.1:{server.server_address[1]}/site/"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("name", "limit", "outcome"),
    [
        ("good.json", 100, FetchOutcome.BYTES),
        ("good.json", 99, FetchOutcome.TOO_LARGE),
        ("absent.json", 100, FetchOutcome.ABSENT),
        ("denied.json", 100, FetchOutcome.ABSENT),
        ("broken.json", 100, FetchOutcome.REFUSED),
        ("moved.json", 100, FetchOutcome.REFUSED),
    ],
)
def test_each_answer_has_its_outcome(plain: str, name: str, limit: int, outcome: FetchOutcome) -> None:
    found, data = Repository(plain).fetch(name, limit)
    assert found is outcome
    assert data == (b"x" * 100 if outcome is FetchOutcome.BYTES else b"")


def test_a_server_that_is_not_there_is_unreachable(free_port: int) -> None:
    assert Repository(f"http://127.0.0.1:{free_port}/").fetch("a.json", 10) == (FetchOutcome.UNREACHABLE, b"")


def test_a_server_that_talks_no_http_is_unreachable() -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:

        def nonsense() -> None:
            taken, _ = server.accept()
            taken.recv(1000)
            taken.sendall(b"\x00\x01\x02\r\n\r\n")
            taken.close()

        threading.Thread(target=nonsense, daemon=True).start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        assert Repository(url).fetch("a.json", 10) == (FetchOutcome.UNREACHABLE, b"")


@pytest.mark.parametrize("url", ["http://example.org/site/", "ftp://127.0.0.1/", "file:///etc/", "site", "https:///x"])
def test_only_https_or_this_machine(url: str) -> None:
    with pytest.raises(ConfigError, match="not https"):
        Repository(url)


def test_a_ca_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    for name in ("ca.pem", "missing.pem"):
        with pytest.raises(ConfigError, match=name):
            Repository("https://127.0.0.1/", tmp_path / name)


def test_https_trusts_the_named_ca_alone(certificates: Certificates) -> None:
    server = serving(certificates)
    url = f"https://127.0.0.1:{server.server_address[1]}/site/"
    assert Repository(url, certificates.ca).fetch("good.json", 100) == (FetchOutcome.BYTES, b"x" * 100)
    assert Repository(url, certificates.other_ca).fetch("good.json", 100) == (FetchOutcome.REFUSED, b"")
    server.shutdown()
    server.server_close()
