"""The web server of the page by which an installer aims the camera: for one browser, which has the token.

Rules: one address of this machine; its files are served to anybody there and hold nothing of the device. All else needs
the session, which the token begins once: it is in the part of the address that no browser sends, so no log, preview or
prefetch can use it up or keep it. The page shows the session in a header (RFC 6750), not as a cookie: a browser would
send one to every port of this machine, whoever listens there. What is posted is JSON, which no other site's form can
send. Nothing is cached.
Leaves out: what is answered (app/aim); secrets are made there too.
"""

from __future__ import annotations

import hmac
import ipaddress
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from agent.adapters.page.server import ROOMS, STRICT, TYPES, Answer, listen
from agent.errors import ConfigError

_OWN: Final = ROOMS / "aim"
_SHARED: Final = ("style.css", "icon.svg", "look.js", "make.js", "language.js")
"""Of the dashboard: both pages look the same."""
_BEARER: Final = "Bearer "
_FRESH: Final = {"Cache-Control": "no-store"}
_HEADERS: Final = STRICT | {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
}


@dataclass(frozen=True, slots=True)
class PageAnswer:
    """What the device says to one question of the page."""

    body: Mapping[str, Any]
    good: bool = True
    """False: what was posted is not what can be posted here."""


class AimPage:
    """Serves until it is closed.

    Args:
        address: of this machine, one that can be written into a browser.
        port: 0 takes a free one.
        token: begins the session, once.
        session: what the page shows from then on; nobody else is told it.
        view: the latest JPEG, or None.
        ask: answers `facts` (without a body), and whatever is posted under one of the names of `posts`.

    Raises:
        ConfigError: this cannot be listened on, or the page is not installed.
    """

    takes: int = 16_384

    def __init__(
        self,
        address: str,
        port: int,
        *,
        token: str,
        session: str,
        posts: frozenset[str],
        view: Callable[[], bytes | None],
        ask: Callable[[str, Any], PageAnswer],
    ) -> None:
        self._host = _host(address)
        self._token: str | None = token
        self._first = token
        self._entering = threading.Lock()
        self._session, self._posts, self._view, self._ask = session, posts, view, ask
        shared = {f"/{name}": ROOMS / "dashboard" / name for name in _SHARED}
        self._files: dict[str, Path] = shared | {f"/{path.name}": path for path in _OWN.glob("*.*")}
        if "/index.html" not in self._files or not all(path.is_file() for path in shared.values()):
            raise ConfigError(f"{_OWN}: the page's files are missing; install doorward again")
        self._files["/"] = self._files["/index.html"]
        self._server = listen(address, port, self, "--port", "choose another, or an --address of this machine")

    @property
    def origin(self) -> str:
        return f"http://{self._host}:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        """With the token."""
        return f"{self.origin}/#{self._first}"

    def start(self) -> None:
        self._server.begin("aim-page")

    def close(self) -> None:
        self._server.end()

    def headers(self) -> dict[str, str]:
        """On every answer, errors of the server itself included."""
        return _HEADERS

    def answer(self, target: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        """One GET, or one POST of JSON; see `server.Answering`."""
        if f"http://{headers.get('host', '')}" != self.origin:
            return _plain(HTTPStatus.MISDIRECTED_REQUEST, f"ask {self.origin}")
        path = urlsplit(target).path
        if body is not None:
            if headers.get("origin", self.origin) != self.origin:
                return _plain(HTTPStatus.FORBIDDEN, "not from here")
            if headers.get("content-type", "").partition(";")[0].strip() != "application/json":
                return _plain(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "JSON only")
            return self._posted(path.removeprefix("/"), headers, body)
        if path in ("/facts.json", "/view.jpg"):
            return self._looked(path, headers)
        file = self._files.get(path)
        if file is None:
            return _plain(HTTPStatus.NOT_FOUND, "no such page")
        return HTTPStatus.OK, TYPES[file.suffix], file.read_bytes(), {"Cache-Control": "no-cache"}

    def _looked(self, path: str, headers: Mapping[str, str]) -> Answer:
        if not self._entered(headers):
            return _plain(HTTPStatus.FORBIDDEN, "open the address that the command has printed")
        if path == "/facts.json":
            return _said(self._ask("facts", None))
        jpeg = self._view()
        if jpeg is None:
            return _plain(HTTPStatus.SERVICE_UNAVAILABLE, "no picture yet")
        return HTTPStatus.OK, "image/jpeg", jpeg, _FRESH

    def _posted(self, name: str, headers: Mapping[str, str], body: bytes) -> Answer:
        try:
            said = json.loads(body)
        except (ValueError, RecursionError):
            return _plain(HTTPStatus.BAD_REQUEST, "not JSON")
        if name == "enter":
            return self._enter(said, headers)
        if not self._entered(headers):
            return _plain(HTTPStatus.FORBIDDEN, "open the address that the command has printed")
        if name not in self._posts:
            return _plain(HTTPStatus.NOT_FOUND, "no such question")
        return _said(self._ask(name, said))

    def _enter(self, said: Any, headers: Mapping[str, str]) -> Answer:
        """The token's page gets the session, and nobody after it; who has the session already stays in."""
        good = self._entered(headers)
        given = said.get("token") if isinstance(said, dict) else None
        with self._entering:
            if not good and isinstance(given, str) and self._token is not None and _same(given, self._token):
                good, self._token = True, None
        if not good:
            return _plain(HTTPStatus.FORBIDDEN, "not the token, or it was used; run the command again")
        return _said(PageAnswer({"session": self._session}))

    def _entered(self, headers: Mapping[str, str]) -> bool:
        shown = headers.get("authorization", "")
        return shown.startswith(_BEARER) and _same(shown.removeprefix(_BEARER), self._session)


def _host(address: str) -> str:
    """As it stands in a URL.

    Raises:
        ConfigError: it is no single address of a machine.
    """
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        known = None
    if known is None or known.is_unspecified or known.is_multicast:
        raise ConfigError(f"--address: {address}: not one address of this machine; write for instance 192.168.1.20")
    return f"[{known}]" if known.version == 6 else str(known)


def _same(given: str, secret: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), secret.encode())


def _plain(status: HTTPStatus, words: str) -> Answer:
    return status, "text/plain", f"{words}\n".encode(), _FRESH


def _said(answer: PageAnswer) -> Answer:
    status = HTTPStatus.OK if answer.good else HTTPStatus.UNPROCESSABLE_ENTITY
    return status, "application/json", json.dumps(answer.body, allow_nan=False).encode(), _FRESH
