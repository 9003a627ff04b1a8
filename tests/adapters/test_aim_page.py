"""The page by which a camera is aimed, over real sockets: one browser, one token, nothing from elsewhere."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from http.client import HTTPConnection, HTTPResponse
from typing import Any

import pytest

from agent.adapters.page import AimPage, PageAnswer
from agent.errors import ConfigError

JPEG = b"\xff\xd8aim\xff\xd9"
STRICT = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)


class Served:
    """A page that is running, and what it was asked."""

    def __init__(self, address: str = "127.0.0.1") -> None:
        self.view: bytes | None = JPEG
        self.asked: list[tuple[str, Any]] = []
        self.page = AimPage(
            address, 0, token="token-1", session="session-1", posts=frozenset({"pose"}),
            view=lambda: self.view, ask=self._ask,
        )  # fmt: skip
        self.page.start()
        self.host = self.page.origin.removeprefix("http://")

    def _ask(self, name: str, said: Any) -> PageAnswer:
        self.asked.append((name, said))
        return PageAnswer({"name": name}, good=said != {"bad": True})

    def ask(
        self, path: str, body: bytes | None = None, session: str | None = "session-1", **headers: str
    ) -> tuple[HTTPResponse, bytes]:
        with ExitStack() as closing:
            connection = HTTPConnection(self.host, timeout=5)
            closing.callback(connection.close)
            sent = {} if session is None else {"Authorization": f"Bearer {session}"}
            if body is not None:
                sent["Content-Type"] = "application/json"
            connection.request("GET" if body is None else "POST", path, body, sent | headers)
            answer = connection.getresponse()
            return answer, answer.read()


@pytest.fixture
def served() -> Iterator[Served]:
    made = Served()
    yield made
    made.page.close()


def test_the_token_opens_once_and_the_session_goes_on(served: Served) -> None:
    assert served.page.url == f"{served.page.origin}/#token-1"
    assert served.ask("/enter", b'{"token": "token-2"}', session=None)[0].status == 403
    first, said = served.ask("/enter", b'{"token": "token-1"}', session=None)
    assert (first.status, json.loads(said)) == (200, {"session": "session-1"})
    assert first.headers["Cache-Control"] == "no-store"
    assert served.ask("/enter", b'{"token": "token-1"}', session=None)[0].status == 403, "it was used"
    assert served.ask("/enter", b'{"token": ""}')[0].status == 200, "who is in may load the page anew"


def test_no_cookie_is_set_and_none_opens(served: Served) -> None:
    """A browser sends a cookie to every port of this machine: whoever listens at another would have it."""
    for path, body in (("/", None), ("/enter", b'{"token": "token-1"}'), ("/facts.json", None), ("/pose", b"{}")):
        assert "Set-Cookie" not in served.ask(path, body)[0].headers
    for name in ("Cookie", "Doorward-Aim", "Proxy-Authorization"):
        shown = {name: "doorward-aim=session-1; session=session-1" if name == "Cookie" else "Bearer session-1"}
        assert served.ask("/view.jpg", session=None, **shown)[0].status == 403
    for scheme in ("Basic session-1", "bearer", "Bearer", "session-1", "Bearer session-"):
        assert served.ask("/view.jpg", session=None, Authorization=scheme)[0].status == 403


@pytest.mark.parametrize(
    "said", [b"{}", b"[]", b'"token-1"', b'{"token": 1}', b'{"token": null}', '{"token": "ü"}'.encode()]
)
def test_what_is_not_the_token_does_not_open_and_does_not_use_it_up(served: Served, said: bytes) -> None:
    assert served.ask("/enter", said, session=None)[0].status == 403
    assert served.ask("/enter", b'{"token": "token-1"}', session=None)[0].status == 200


@pytest.mark.parametrize("session", [None, "", "session-2", "token-1", '"', "ü".encode().decode("latin-1")])
def test_without_the_session_there_is_neither_view_nor_word(served: Served, session: str | None) -> None:
    for path, body in (("/facts.json", None), ("/view.jpg", None), ("/pose", b"{}")):
        answer, said = served.ask(path, body, session=session)
        assert answer.status == 403 and b"open the address" in said
    assert served.asked == []


def test_the_files_are_served_to_anybody_there_and_say_nothing_of_the_device(served: Served) -> None:
    for path in ("/", "/index.html", "/app.js", "/style.css", "/look.js", "/make.js", "/icon.svg", "/chinese.js"):
        answer, _ = served.ask(path, session=None)
        assert answer.status == 200, path
        assert answer.headers["Content-Security-Policy"] == STRICT
    for path in ("/plan.js", "/../aim/index.html", "/%2e%2e/units.py", "/pose", "/app.js/", "/keys.json"):
        assert served.ask(path)[0].status == 404, path


def test_the_session_sees_and_asks(served: Served) -> None:
    answer, picture = served.ask("/view.jpg?123")
    assert (answer.status, answer.headers["Content-Type"], picture) == (200, "image/jpeg", JPEG)
    assert answer.headers["Cache-Control"] == "no-store"
    served.view = None
    assert served.ask("/view.jpg")[0].status == 503
    assert json.loads(served.ask("/facts.json")[1]) == {"name": "facts"}
    assert json.loads(served.ask("/pose", b'{"view_deg": 62}')[1]) == {"name": "pose"}
    assert served.ask("/pose", b'{"bad": true}')[0].status == 422
    assert served.asked == [("facts", None), ("pose", {"view_deg": 62}), ("pose", {"bad": True})]


@pytest.mark.parametrize(
    "host", ["localhost:{port}", "127.0.0.1", "evil.example:{port}", "127.0.0.1:1", "0.0.0.0:{port}"]
)
def test_another_name_for_it_is_refused(served: Served, host: str) -> None:
    port = served.host.rpartition(":")[2]
    assert served.ask("/", Host=host.format(port=port))[0].status == 421


def test_what_another_site_can_send_is_refused(served: Served) -> None:
    assert served.ask("/pose", b"{}", Origin="http://evil.example")[0].status == 403
    assert served.ask("/pose", b"{}", Origin="null")[0].status == 403
    assert served.ask("/pose", b"{}", Origin=served.page.origin)[0].status == 200
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
        assert served.ask("/pose", b"{}", **{"Content-Type": kind})[0].status == 415
    assert served.asked == [("pose", {})]


def test_what_is_no_question_is_refused(served: Served) -> None:
    assert served.ask("/facts", b"{}")[0].status == 404
    assert served.ask("/keep", b"{}")[0].status == 404
    for bad in (b"", b"{", b"\xff", b"[" * 9000):
        assert served.ask("/pose", bad)[0].status == 400
    assert served.ask("/pose", b" " * 16_385)[0].status == 413
    for method in ("PUT", "DELETE", "OPTIONS"):
        with socket.create_connection(("127.0.0.1", int(served.host.rpartition(":")[2])), timeout=5) as client:
            client.sendall(f"{method} /pose HTTP/1.1\r\nHost: {served.host}\r\nConnection: close\r\n\r\n".encode())
            said = b"".join(iter(lambda: client.recv(65_536), b""))
        assert b" 501 " in said.splitlines()[0] and STRICT.encode() in said
    assert served.asked == []


@pytest.mark.parametrize("length", ["", "-1", "1e3", "99999999999", "٣"])
def test_a_body_without_a_plain_length_is_not_read(served: Served, length: str) -> None:
    head = f"POST /pose HTTP/1.1\r\nHost: {served.host}\r\nContent-Length: {length}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", int(served.host.rpartition(":")[2])), timeout=5) as client:
        client.sendall(head.encode("utf-8"))
        said = b"".join(iter(lambda: client.recv(65_536), b""))
    assert b" 411 " in said.splitlines()[0]


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "224.0.0.1", "door.example", "", "127.0.0.1:80"])
def test_only_one_address_can_be_written_into_a_browser(address: str) -> None:
    with pytest.raises(ConfigError, match=r"--address: .*not one address of this machine"):
        Served(address)


def test_an_address_of_another_machine_is_one_line() -> None:
    with pytest.raises(ConfigError, match=r"--port: 0: .*or an --address of this machine"):
        Served("192.0.2.7")


def test_it_is_served_by_the_sixth_version_too() -> None:
    try:
        made = Served("::1")
    except ConfigError:
        pytest.skip("this machine has no IPv6")
    try:
        assert made.page.origin.startswith("http://[::1]:")
        assert made.ask("/index.html", session=None)[0].status == 200
    finally:
        made.page.close()
