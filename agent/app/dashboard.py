"""The dashboard of a whole site: static files and what the page must know, served here or written for a web server.

Rules: the page is told where the broker is, and never how to enter it. A folder is written whole or not at all, and
only where there is none, an empty one, or one that this wrote. Leaves out: the page itself (agent/dashboard).
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from agent.adapters.page import ASKED, Page, page_files, strict_headers
from agent.errors import ConfigError
from agent.events import wire

_FACTS: Final = "page.json"
_MARK: Final = ".doorward-dashboard"
"""Names every file that was written, so that no file of somebody else's is ever taken away."""


@dataclass(frozen=True, slots=True)
class Watched:
    """What the page is told; None: it is not told, and asks who watches."""

    websocket_url: str | None = None
    site: str | None = None

    @property
    def prefix(self) -> str:
        """Of the topics of all devices."""
        return wire.TOPIC_ROOT if self.site is None else f"{wire.TOPIC_ROOT}/{self.site}"

    @property
    def where(self) -> str:
        """Where its rules let the page go."""
        return self.websocket_url or ASKED

    def facts(self) -> dict[str, Any]:
        """What `page.json` says: the link's own facts of one device, with `device` null for all of them."""
        return {
            "site": self.site,
            "device": None,
            "prefix": self.prefix,
            "websocket": self.websocket_url,
            "broker": None,
            "recogniser": None,
            "preview": False,
            "retained": {},
        }


def serve(watched: Watched, port: int, ready: Callable[[str], None]) -> None:
    """Serve the page on this machine until SIGINT or SIGTERM; `ready` hears its address.

    Raises:
        ConfigError: the port is taken, or the page is not installed.
    """
    stop = threading.Event()
    page = Page(port, websocket_url=watched.where, facts=watched.facts, preview=lambda: None, named="--port")
    former = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        page.start()
        ready(page.url)
        stop.wait()
    finally:
        page.close()
        for number, handler in former.items():
            signal.signal(number, handler)


def write(watched: Watched, folder: Path) -> dict[str, str]:
    """Write the page into `folder`, which is then whole; the headers that a web server must send with it.

    Raises:
        ConfigError: the folder is somebody else's, or cannot be written; nothing has changed then.
    """
    headers, files = strict_headers(watched.where), page_files()
    whole = folder.absolute()
    _ours_or_empty(whole)
    part, old = whole.with_name(f".{whole.name}.part"), whole.with_name(f".{whole.name}.old")
    try:
        for left in (part, old):  # of one that was killed
            shutil.rmtree(left, ignore_errors=True)
        part.mkdir()
        part.chmod(0o755)
        for name, source in files.items():
            _write(part, name, source.read_bytes())
        _write(part, _FACTS, json.dumps(watched.facts(), indent=1).encode() + b"\n")
        _write(part, _MARK, json.dumps(sorted([*files, _FACTS, _MARK]), indent=1).encode() + b"\n")
        if whole.exists():
            os.rename(whole, old)
        os.rename(part, whole)
    except OSError as error:
        shutil.rmtree(part, ignore_errors=True)
        raise ConfigError(f"--out: {folder}: {error.strerror}; name a folder whose parent can be written") from None
    shutil.rmtree(old, ignore_errors=True)
    return headers


def _write(folder: Path, name: str, data: bytes) -> None:
    path = folder / name
    if not path.parent.is_dir():
        path.parent.mkdir(parents=True)
        path.parent.chmod(0o755)  # a web server is another user, whatever the umask
    path.write_bytes(data)
    path.chmod(0o644)


def _ours_or_empty(folder: Path) -> None:
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise ConfigError(f"--out: {folder}: not a folder of its own; name a new or an empty one")
    if not folder.exists():
        return
    try:
        there = {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir() or path.is_symlink()}
        ours = set(json.loads((folder / _MARK).read_text("utf-8"))) if there else set()
    except (OSError, ValueError, TypeError):
        raise ConfigError(
            f"--out: {folder}: holds files that this command did not write; name a new or an empty folder"
        ) from None
    foreign = sorted(there - ours)
    if foreign:
        raise ConfigError(
            f"--out: {folder}: holds {foreign[0]}, which this command did not write; move it away, or name a new folder"
        )
