"""The page's web server over real sockets: this machine alone, known files alone, strict headers on every answer."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

import pytest

from agent.adapters.page import ASKED, Page
from agent.errors import ConfigError

JPEG = b"\xff\xd8" + bytes(range(256)) + b"\xff\xd9"
SOCKET = "wss://broker.example:9001/mqtt"


class Served:
    """A page that is running, and what it says when it is asked."""

    def __init__(self, websocket_url: str | None = SOCKET) -> None:
        self.facts: dict[str, Any] = {"site": "yard", "device": "gate-1"}
        self.preview: bytes | None = None
        self.page = Page(0, websocket_url=websocket_url, facts=lambda: self.facts, preview=lambda: self.preview)
        self.page.start()
        self.port = int(self.page.url.rstrip("/").rsplit(":", 1)[1])

    def ask(self, path: str, method: str = "GET", host: str | None = None) -> tuple[HTTPResponse, bytes]:
        with ExitStack() as closing:
            connection = HTTPConnection("127.0.0.1", self.port, timeout=5)
            closing.callback(connection.close)
            connection.putrequest(method, path, skip_host=host is not None)
            if host:
                connection.putheader("Host", host)
            connection.endheaders()
            answer = connection.getresponse()
            return answer, answer.read()

    def say(self, raw: bytes) -> bytes:
        """Everything that comes back for bytes that no browser would send."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as client:
            client.sendall(raw)
            client.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: client.recv(65536), b""))


@pytest.fixture(scope="module")
def shared() -> Iterator[Served]:
    made = Served()
    yield made
    made.page.close()


@pytest.fixture
def served(shared: Served) -> Served:
    shared.preview = None
    return shared


def test_only_this_machine_is_served(served: Served) -> None:
    assert served.page.url == f"http://127.0.0.1:{served.port}/"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", served.port), timeout=2)


@pytest.mark.parametrize(
    ("path", "kind", "file"),
    [
        ("/", "text/html; charset=utf-8", "index.html"),
        ("/index.html", "text/html; charset=utf-8", "index.html"),
        ("/style.css", "text/css; charset=utf-8", "style.css"),
        ("/app.js", "text/javascript; charset=utf-8", "app.js"),
        ("/app.js?v=2", "text/javascript; charset=utf-8", "app.js"),
        ("/icon.svg", "image/svg+xml", "icon.svg"),
        ("/vendor/mqtt.esm.js", "text/javascript; charset=utf-8", "vendor/mqtt.esm.js"),
        ("/vendor/mqtt.LICENSE.md", "text/plain; charset=utf-8", "vendor/mqtt.LICENSE.md"),
    ],
)
def test_each_file_has_its_type(served: Served, root: Path, path: str, kind: str, file: str) -> None:
    answer, body = served.ask(path)
    assert (answer.status, answer.headers["Content-Type"]) == (200, kind)
    assert body == (root / "agent" / "dashboard" / file).read_bytes()
    assert answer.headers["Cache-Control"] == "no-cache"


def test_every_file_of_the_dashboard_is_served_and_nothing_in_it_comes_from_elsewhere(
    served: Served, root: Path
) -> None:
    files = [path for path in (root / "agent" / "dashboard").rglob("*") if path.is_file()]
    assert len(files) > 5
    for file in files:
        assert served.ask(f"/{file.relative_to(root / 'agent' / 'dashboard')}")[1] == file.read_bytes()
    page = served.ask("/")[1].decode()
    assert "<script>" not in page and "style=" not in page and "onclick" not in page  # the policy would block them


@pytest.mark.parametrize(
    ("path", "method", "host"),
    [
        ("/", "GET", None),
        ("/", "HEAD", None),
        ("/page.json", "GET", None),
        ("/preview.jpg", "GET", None),
        ("/nothing", "GET", None),
        ("/", "GET", "evil.example"),
    ],
)
def test_every_answer_is_strict(served: Served, path: str, method: str, host: str | None) -> None:
    headers = served.ask(path, method, host)[0].headers
    rules = {name: words for name, *words in (rule.split() for rule in headers["Content-Security-Policy"].split(";"))}
    assert rules == {
        "default-src": ["'self'"],
        "connect-src": ["'self'", "wss://broker.example:9001"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
    }
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["Server"].strip() == "doorward"  # neither Python nor its version
    assert "Access-Control-Allow-Origin" not in headers


def test_errors_of_the_server_itself_are_strict_too(served: Served) -> None:
    for raw in (
        b"DELETE / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\r\n\r\n",
    ):
        said = served.say(raw)
        assert b"default-src 'self'" in said and b"nosniff" in said, said


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "TRACE"])
def test_nothing_can_be_changed_from_here(served: Served, method: str) -> None:
    assert served.ask("/page.json", method)[0].status == 501


@pytest.mark.parametrize(
    "path",
    [
        "/../app/link.py",
        "/../../pyproject.toml",
        "/vendor/../../app/link.py",
        "/vendor/../index.html",
        "/%2e%2e/app/link.py",
        "/..%2fapp%2flink.py",
        "/..\\app\\link.py",
        "//etc/passwd",
        "/etc/passwd",
        "//index.html/../../app/link.py",
        "http://127.0.0.1/../app/link.py",
        "/index.html/",
        "/vendor",
        "/vendor/",
        "/.",
        "/index.html%00.css",
        "/INDEX.HTML",
        "file:///etc/passwd",
        "/" + "a" * 60_000,
    ],
)
def test_no_path_leads_out_of_the_page_s_files(served: Served, path: str) -> None:
    said = served.say(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
    assert said.startswith(b"HTTP/1.1 404 ")
    assert said.endswith(b"\r\n\r\nno such page\n")


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "[::1]:80", ""]
)
def test_a_site_that_reaches_in_through_a_name_of_its_own_is_refused(served: Served, host: str) -> None:
    served.preview = JPEG
    for path in ("/", "/page.json", "/preview.jpg"):
        answer, body = served.ask(path, host=host)
        assert (answer.status, body) == (421, b"ask 127.0.0.1\n")


@pytest.mark.parametrize("host", ["localhost", "localhost:9", "127.0.0.1"])
def test_the_names_of_this_machine_are_answered(served: Served, host: str) -> None:
    assert served.ask("/", host=host)[0].status == 200


def test_facts_are_those_of_the_moment(served: Served) -> None:
    for number in (1, 2):
        served.facts["broker"] = {"state": "connected", "detail": f"{number}"}
        answer, body = served.ask("/page.json")
        assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
        assert answer.headers["Cache-Control"] == "no-store"
        assert json.loads(body) == served.facts


def test_the_latest_preview_and_none_before_it(served: Served) -> None:
    answer, body = served.ask("/preview.jpg")
    assert (answer.status, answer.headers["Retry-After"], body) == (503, "1", b"no preview yet\n")
    assert answer.headers["Cache-Control"] == "no-store"
    for jpeg in (JPEG, JPEG[::-1]):
        served.preview = jpeg
        answer, body = served.ask("/preview.jpg?1")
        assert (answer.status, answer.headers["Content-Type"], body) == (200, "image/jpeg", jpeg)
        assert answer.headers["Cache-Control"] == "no-store"
    answer, body = served.ask("/preview.jpg", "HEAD")
    assert (answer.headers["Content-Length"], body) == (str(len(JPEG)), b"")


def test_a_connection_may_ask_again_and_a_browser_may_hang_up(
    served: Served, capfd: pytest.CaptureFixture[str]
) -> None:
    connection = HTTPConnection("127.0.0.1", served.port, timeout=5)
    for _ in range(3):
        connection.request("GET", "/page.json")
        assert connection.getresponse().read()
    connection.close()
    served.preview = bytes(10_000_000)
    with socket.create_connection(("127.0.0.1", served.port)) as rude:
        rude.sendall(b"GET /preview.jpg HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        rude.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, bytes([1, 0, 0, 0, 0, 0, 0, 0]))
    assert served.ask("/")[0].status == 200
    assert capfd.readouterr() == ("", "")  # who looks is nobody's news


@pytest.mark.parametrize(
    ("url", "connect"),
    [
        (None, "connect-src 'self'"),
        ("ws://127.0.0.1:9001", "connect-src 'self' ws://127.0.0.1:9001"),
        ("http://127.0.0.1:9001", "connect-src 'self'"),
        ("ws:///path", "connect-src 'self'"),
        (ASKED, "connect-src 'self' wss: ws://127.0.0.1:* ws://localhost:*"),
    ],
)
def test_the_page_may_connect_to_its_broker_alone(url: str | None, connect: str) -> None:
    served = Served(url)
    rules = served.ask("/")[0].headers["Content-Security-Policy"]
    assert [rule.strip() for rule in rules.split(";")][1] == connect
    served.page.close()


@pytest.mark.parametrize("url", ["ws://a b:1", "ws://a;script-src *", "ws://a,b", "ws://'unsafe-inline'", 'ws://"a"'])
def test_an_address_that_would_loosen_the_policy_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match=r"^broker\.websocket: .*write ws://host:port"):
        Served(url)


def test_a_port_that_is_taken_is_one_clear_error(served: Served) -> None:
    with pytest.raises(ConfigError, match=rf"^page\.port: {served.port}: Address already in use; choose another"):
        Page(served.port, websocket_url=None, facts=dict, preview=lambda: None)


def test_a_page_that_was_never_started_can_be_closed(free_port: int) -> None:
    for _ in range(2):  # and its port is free again at once
        Page(free_port, websocket_url=None, facts=dict, preview=lambda: None).close()
