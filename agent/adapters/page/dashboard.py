"""The page's web server: a few static files, the latest preview, and where the page finds its live data.

Rules: 127.0.0.1 only, GET only, the files of agent/dashboard by exact name, no log, no picture cached.
A request that names another host is refused, so that a web site cannot reach in through a name of its own.
Leaves out: the live data itself; the page hears the broker.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from agent.adapters.page.server import ROOMS, STRICT, TYPES, Answer, listen
from agent.errors import ConfigError

_FILES: Final = ROOMS / "dashboard"
ASKED: Final = "asked"
"""In the place of a broker's address: who watches says it, so the page may go to any by TLS, and to this machine."""


def page_files() -> dict[str, Path]:
    """Path on the page's server -> file, without a leading slash.

    Raises:
        ConfigError: the dashboard is not installed.
    """
    files = {str(path.relative_to(_FILES)): path for path in sorted(_FILES.rglob("*")) if path.suffix in TYPES}
    if "index.html" not in files:
        raise ConfigError(f"{_FILES}: the page's files are missing; install doorward again")
    return files


def strict_headers(websocket_url: str | None) -> dict[str, str]:
    """What goes with every answer, whatever server gives it.

    Raises:
        ConfigError: the address would loosen the policy.
    """
    return STRICT | {"Content-Security-Policy": _content_policy(websocket_url)}


class Page:
    """Serves the dashboard until it is closed.

    Args:
        port: 0 takes a free one.
        websocket_url: the one other place that the page may connect to; `ASKED`: who watches says it; None: none.
        facts: what `/page.json` says at the moment of asking.
        preview: the latest JPEG, or None.
        named: where the port was chosen, for who must choose another.

    Raises:
        ConfigError: the port is taken, or the dashboard is not installed.
    """

    takes: int = 0

    def __init__(
        self,
        port: int,
        *,
        websocket_url: str | None,
        facts: Callable[[], Mapping[str, Any]],
        preview: Callable[[], bytes | None],
        named: str = "page.port",
    ) -> None:
        files = {f"/{name}": path for name, path in page_files().items()}
        files["/"] = files["/index.html"]
        self._files, self._facts, self._preview = files, facts, preview
        self._headers = strict_headers(websocket_url)
        self._server = listen("127.0.0.1", port, self, named, "choose another, or 0 for a free one")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/"

    def start(self) -> None:
        self._server.begin("page")

    def close(self) -> None:
        self._server.end()

    def answer(self, target: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        """One GET; see `server.Answering`."""
        name = headers.get("host", "").rsplit(":", 1)[0]
        if name not in ("127.0.0.1", "localhost"):
            return HTTPStatus.MISDIRECTED_REQUEST, "text/plain", b"ask 127.0.0.1\n", {}
        path = urlsplit(target).path
        fresh = {"Cache-Control": "no-store"}
        if path == "/page.json":
            return HTTPStatus.OK, "application/json", json.dumps(self._facts()).encode(), fresh
        if path == "/preview.jpg":
            jpeg = self._preview()
            if jpeg is None:
                return HTTPStatus.SERVICE_UNAVAILABLE, "text/plain", b"no preview yet\n", {**fresh, "Retry-After": "1"}
            return HTTPStatus.OK, "image/jpeg", jpeg, fresh
        file = self._files.get(path)
        if file is None:
            return HTTPStatus.NOT_FOUND, "text/plain", b"no such page\n", {}
        return HTTPStatus.OK, TYPES[file.suffix], file.read_bytes(), {"Cache-Control": "no-cache"}

    def headers(self) -> dict[str, str]:
        """On every answer, errors of the server itself included."""
        return self._headers


def _content_policy(websocket_url: str | None) -> str:
    """Nothing from elsewhere; one more place to connect to, and only if its address is a plain one."""
    if websocket_url == ASKED:
        return _rules(" wss: ws://127.0.0.1:* ws://localhost:*")
    parts = urlsplit(websocket_url or "")
    broker = f" {parts.scheme}://{parts.netloc}" if parts.scheme in ("ws", "wss") and parts.netloc else ""
    if any(sign in broker[1:] for sign in " ;,'\""):
        raise ConfigError(f"broker.websocket: {websocket_url}: not an address; write ws://host:port")
    return _rules(broker)


def _rules(broker: str) -> str:
    rules = ("default-src 'self'", f"connect-src 'self'{broker}", "frame-ancestors 'none'", "base-uri 'none'")
    return "; ".join((*rules, "form-action 'none'"))
