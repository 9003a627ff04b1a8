"""All that went over a pipe, both ways, kept in a file; and the search for people's names in it, in every writing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bench.people.canaries import OF_NAME, WINDOW, Haystack
from bench.wire.ends import CANARIES

_PART: Final = 8 * 1024 * 1024
_OVERLAP: Final = 4 * WINDOW


class Capture:
    """Takes what any pipe passes on."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("ab")
        self._lock = threading.Lock()

    def keep(self, data: bytes) -> None:
        with self._lock:
            self._file.write(data)

    def close(self) -> None:
        self._file.close()


def found_in(*captures: Path) -> tuple[int, int]:
    """How many of the names are found there in any writing, and how many bytes were looked through.

    Raises:
        RuntimeError: the search does not find a name that is there.
    """
    needles = [encode(name) for encode in OF_NAME.values() for name in CANARIES]
    if Haystack({"planted": b"\n".join(needles)}).search(needles)["planted"] != len(needles):
        raise RuntimeError("the search is blind: it misses what was planted")
    hits = size = 0
    for part in (part for path in captures for part in _parts(path)):
        hits += Haystack({"wire": part}).search(needles)["wire"]
        size += len(part)
    return hits, size


def _parts(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        before = b""
        while data := file.read(_PART):
            yield before + data
            before = data[-_OVERLAP:]
