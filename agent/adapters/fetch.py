"""Bytes from the site repository, which nobody trusts before the recogniser has verified them.

Rules: one base address, relative paths below it, a limit of bytes and of time, no redirects to elsewhere; TLS except to
this very machine. Leaves out: signatures, versions, expiry (the recogniser's TUF client).
"""

from __future__ import annotations

import ssl
import time
import urllib.error
import urllib.request
from http.client import HTTPException
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from agent.errors import ConfigError
from agent.events.wire import FetchOutcome

_TIMEOUT_S: Final = 5.0
_WHOLE_S: Final = 30.0
_CHUNK: Final = 64 * 1024
_ABSENT: Final = frozenset({403, 404, 410})
"""What file servers and object stores answer when there is no such file."""


class Repository:
    """The site repository behind one address.

    Args:
        url: `https://host/path/`; plain `http` is for 127.0.0.1 and localhost alone.
        ca: CA of an `https` repository; None trusts the system's CAs.

    Raises:
        ConfigError: the address is none of these, or the CA cannot be read.
    """

    def __init__(self, url: str, ca: Path | None = None) -> None:
        parts = urlsplit(url)
        local = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1")
        if not parts.hostname or not (parts.scheme == "https" or local):
            raise ConfigError(f"site.repository: {url}: not https; plain http is for this machine alone")
        self._base = url.rstrip("/") + "/"
        handlers: list[urllib.request.BaseHandler] = [_NoRedirect()]
        if local:
            handlers.append(urllib.request.ProxyHandler({}))
        else:
            try:
                context = ssl.create_default_context(cafile=None if ca is None else str(ca))
            except (OSError, ssl.SSLError):
                raise ConfigError(f"site.repository_ca: {ca}: not readable as PEM; correct the path") from None
            handlers.append(urllib.request.HTTPSHandler(context=context))
        self._opener = urllib.request.build_opener(*handlers)

    def fetch(self, path: str, limit: int) -> tuple[FetchOutcome, bytes]:
        """One file, at most `limit` bytes. Never raises; the bytes are empty unless the outcome is BYTES.

        Args:
            path: as `wire.FetchRequest` allows: plain parts, no way upward.
        """
        try:
            with self._opener.open(self._base + path, timeout=_TIMEOUT_S) as answer:
                data, ends = bytearray(), time.monotonic() + _WHOLE_S
                while len(data) <= limit and (chunk := answer.read1(min(_CHUNK, limit + 1 - len(data)))):
                    data += chunk
                    if time.monotonic() > ends:
                        return FetchOutcome.UNREACHABLE, b""
        except urllib.error.HTTPError as error:
            error.close()
            return (FetchOutcome.ABSENT if error.code in _ABSENT else FetchOutcome.REFUSED), b""
        except urllib.error.URLError as error:
            refused = isinstance(error.reason, ssl.SSLError)
            return (FetchOutcome.REFUSED if refused else FetchOutcome.UNREACHABLE), b""
        except (OSError, ValueError, HTTPException) as error:
            return (FetchOutcome.REFUSED if isinstance(error, ssl.SSLError) else FetchOutcome.UNREACHABLE), b""
        return (FetchOutcome.TOO_LARGE, b"") if len(data) > limit else (FetchOutcome.BYTES, bytes(data))


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A repository is where the config says it is."""

    def redirect_request(self, *args: object, **named: object) -> None:
        return None
