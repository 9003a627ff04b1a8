"""Canaries that nobody else has, every way in which they may be written, and the search for any part of them.

Part of `scripts/prove people`. A canary counts as found where any 16 bytes in a row of any of its encodings are: of
templates and names every window is looked for, of frames (every 16th row) those at every 16th byte, so that a run of 31
bytes cannot be missed. Windows of fewer than six different bytes say nothing (a black wall is no frame) and are left
out. Leaves out: where is searched (leaks.py).
"""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from agent.gallery.passes_text import base45
from agent.units import Luma, Rgb, Vector

WINDOW: Final = 16
ROWS: Final = 16
"""Every so many rows of a frame."""
_DISTINCT: Final = 6
_BITS: Final = 27
_APART: Final = b"\x00" * WINDOW
_SIGNS: Final = "abcdefghijklmnopqrstuvwxyz0123456789"
Keys = npt.NDArray[np.uint64]
Encodings = dict[str, Callable[[Any], bytes]]


def names(count: int) -> list[str]:
    """Pseudonyms of 31 random signs."""
    chance = np.random.default_rng(41)
    return ["".join(_SIGNS[place] for place in chance.integers(0, len(_SIGNS), 31)) for _ in range(count)]


def templates(count: int, length: int) -> list[Vector]:
    """Directions of their own, float32, length one."""
    rows = np.random.default_rng(42).standard_normal((count, length))
    return list((rows / np.linalg.norm(rows, axis=1)[:, None]).astype(np.float32))


def _base64(data: bytes) -> bytes:
    """As it stands in Base64 whatever comes before it."""
    return _APART.join(base64.b64encode(b"\x00" * phase + data)[4:-4] for phase in range(3))


def _json(values: npt.NDArray[Any]) -> bytes:
    return json.dumps(values.tolist())[1:-1].encode()


def _rows(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    return np.ascontiguousarray(picture[::ROWS])


def _small(vector: Vector, scale: float) -> bytes:
    return np.clip(np.round(vector * scale), -127, 127).astype(np.int8).tobytes()


OF_TEMPLATE: Final[Encodings] = {
    "f32": lambda vector: vector.astype("<f4").tobytes(),
    "f64": lambda vector: vector.astype("<f8").tobytes(),
    "f16": lambda vector: vector.astype("<f2").tobytes(),
    "int8": lambda vector: _small(vector, 127.0) + _APART + _small(vector, 127.0 / float(np.abs(vector).max())),
    "hex": lambda vector: vector.astype("<f4").tobytes().hex().encode(),
    "base64": lambda vector: _base64(vector.astype("<f4").tobytes()),
    "JSON": lambda vector: _json(vector) + _APART + _json(vector.astype(np.float64).round(6)),
}
OF_NAME: Final[Encodings] = {
    "UTF-8": lambda name: name.encode(),
    "UTF-16": lambda name: name.encode("utf-16-le"),
    "hex": lambda name: name.encode().hex().encode(),
    "base64": lambda name: _base64(name.encode()),
    "base32": lambda name: _APART.join(
        base64.b32encode(b"\x00" * phase + name.encode())[8:-8] for phase in range(5)
    ),
    "base45": lambda name: base45(name.encode()).encode() + _APART + base45(b"\x00" + name.encode())[3:].encode(),
}  # fmt: skip
OF_FRAME: Final[Encodings] = {
    "RGB": lambda rgb: _rows(rgb).tobytes() + _APART + _rows(rgb[..., ::-1]).tobytes(),
    "int8": lambda rgb: (_rows(rgb).astype(np.int16) - 128).astype(np.int8).tobytes(),
    "f32": lambda rgb: (_rows(rgb).astype("<f4") / np.float32(255)).tobytes(),
    "f16": lambda rgb: (_rows(rgb).astype("<f4") / np.float32(255)).astype("<f2").tobytes(),
    "hex": lambda rgb: _rows(rgb).tobytes().hex().encode(),
    "base64": lambda rgb: _base64(_rows(rgb).tobytes()),
    "JSON": lambda rgb: _json(_rows(rgb).reshape(-1)),
}
OF_LUMA: Final[Encodings] = {"luma": lambda luma: _rows(luma).tobytes(), "luma, base64": lambda luma: _base64(
    _rows(luma).tobytes()
)}  # fmt: skip


def frame(rgb: Rgb, luma: Luma) -> dict[str, bytes]:
    """One frame in each of its encodings."""
    made = {name: write(rgb) for name, write in OF_FRAME.items()}
    return made | {name: write(luma) for name, write in OF_LUMA.items()}


class Haystack:
    """Bytes of several places, in which windows are looked for.

    Args:
        places: what was collected, by the place's name.
    """

    def __init__(self, places: Mapping[str, bytes]) -> None:
        self._keys: dict[str, Keys] = {place: np.sort(_keys(data + _APART, 1)) for place, data in places.items()}
        self._table = np.zeros(1 << _BITS, np.bool_)
        """A first look, which most windows do not pass."""
        for keys in self._keys.values():
            self._table[keys >> np.uint64(64 - _BITS)] = True

    def search(self, canaries: Sequence[bytes], stride: int = 1) -> Counter[str]:
        """How many of these are found, in any part, at each place."""
        ends = np.cumsum([len(each) + WINDOW for each in canaries])
        joined = b"".join(each + _APART for each in canaries)
        keys = _keys(joined, stride)
        maybe = np.flatnonzero(self._table[keys >> np.uint64(64 - _BITS)])
        maybe = maybe[[_telling(joined[start : start + WINDOW]) for start in (maybe * stride).tolist()]]
        found = Counter[str]()
        for place, known in self._keys.items():
            at = np.minimum(np.searchsorted(known, keys[maybe]), len(known) - 1)
            there = maybe[known[at] == keys[maybe]] * stride
            whose = np.searchsorted(ends, there, "right")
            inside = there + WINDOW <= ends[whose] - WINDOW  # and not where two canaries meet
            found[place] = len(np.unique(whose[inside]))
        return found


def _telling(window: bytes) -> bool:
    """Whether a window says anything: not one of nearly one byte, or where two parts of an encoding meet."""
    return len(set(window)) >= _DISTINCT and b"\x00" * 4 not in window


def _keys(data: bytes, stride: int) -> Keys:
    """One number for each window of 16 bytes; windows that are alike have the same."""
    count = (len(data) - WINDOW) // stride + 1
    low = np.ndarray((count,), "<u8", data, 0, (stride,))
    high = np.ndarray((count,), "<u8", data, 8, (stride,))
    mixed = (low ^ (low >> np.uint64(31))) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= (high ^ (high >> np.uint64(29))) * np.uint64(0xC2B2AE3D27D4EB4F)
    mixed ^= mixed >> np.uint64(32)
    return np.asarray(mixed * np.uint64(0xD6E8FEB86659FD93), np.uint64)
