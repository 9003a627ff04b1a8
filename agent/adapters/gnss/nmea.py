"""NMEA 0183 sentences of a position receiver: GGA, RMC and GST, read strictly; all others are passed over.

Rules: a sentence counts only with its checksum right and every field that is used of its form and in its range. What
a receiver did not measure (dead reckoning, manual input, a simulator) is no position. Times are seconds of the UTC day.
Leaves out: which sentences belong together, and whether they can be believed (receiver.py).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import reduce
from operator import xor
from typing import Final

LONGEST: Final = 120
"""Bytes of a sentence; the standard has 82, and some receivers write more digits."""
_SENTENCE: Final = re.compile(rb"\$((?:G[ABILNPQ]|BD)(GGA|RMC|GST),([ -)+-~]*))\*([0-9A-Fa-f]{2})\r?")
_TIME: Final = re.compile(r"([01][0-9]|2[0-3])([0-5][0-9])([0-5][0-9](?:\.[0-9]{1,4})?)")
_ANGLE: Final = re.compile(r"([0-9]{2,3})([0-5][0-9](?:\.[0-9]{1,8})?)")
_NUMBER: Final = re.compile(r"[0-9]{1,7}(?:\.[0-9]{1,6})?")
_MEASURED: Final = frozenset("12345")
"""GGA quality: autonomous, differential, precise, fixed, float."""
_UNMEASURED: Final = frozenset("EMNS")
"""RMC mode: estimated, manual, none, simulated."""


@dataclass(frozen=True, slots=True)
class Position:
    """From GGA."""

    time_s: float
    lat_deg: float
    lon_deg: float
    hdop: float | None


@dataclass(frozen=True, slots=True)
class Errors:
    """From GST."""

    time_s: float
    sigma_m: float
    """Of latitude and longitude together, which is never less than along the worse of the two."""


@dataclass(frozen=True, slots=True)
class NoPosition:
    """The receiver says that it has measured none: quality 0, no satellite, or void."""


Sentence = Position | Errors | NoPosition


def parse(line: bytes) -> Sentence | None:
    """One line without its newline; None: nothing that counts."""
    found = _SENTENCE.fullmatch(line) if len(line) <= LONGEST else None
    if found is None or reduce(xor, found[1]) != int(found[4], 16):
        return None
    fields = found[3].decode("ascii").split(",")
    return _PARSERS[found[2]](fields)


def _gga(fields: list[str]) -> Sentence | None:
    if len(fields) != 14:
        return None
    time, lat, north, lon, east, quality, satellites, hdop = fields[:8]
    if not (quality.isdigit() and len(quality) == 1 and (satellites == "" or _NUMBER.fullmatch(satellites))):
        return None
    if quality not in _MEASURED or satellites == "" or int(float(satellites)) == 0:
        return NoPosition()
    time_s, lat_deg, lon_deg = _time(time), _angle(lat, north, "NS", 90), _angle(lon, east, "EW", 180)
    if time_s is None or lat_deg is None or lon_deg is None:
        return None
    return Position(time_s, lat_deg, lon_deg, _number(hdop))


def _rmc(fields: list[str]) -> Sentence | None:
    if not 11 <= len(fields) <= 13 or fields[1] not in ("A", "V"):
        return None
    return NoPosition() if fields[1] == "V" or fields[11:12] in [[mode] for mode in _UNMEASURED] else None


def _gst(fields: list[str]) -> Sentence | None:
    if len(fields) != 8:
        return None
    time_s, lat_m, lon_m = _time(fields[0]), _number(fields[5]), _number(fields[6])
    if time_s is None or lat_m is None or lon_m is None:
        return None
    return Errors(time_s, math.hypot(lat_m, lon_m))


_PARSERS: Final = {b"GGA": _gga, b"RMC": _rmc, b"GST": _gst}


def _time(text: str) -> float | None:
    found = _TIME.fullmatch(text)
    return None if found is None else int(found[1]) * 3600 + int(found[2]) * 60 + float(found[3])


def _angle(text: str, side: str, sides: str, most: int) -> float | None:
    """Degrees and minutes written as one number; the first of the two sides is positive."""
    found = _ANGLE.fullmatch(text)
    if found is None or len(side) != 1 or side not in sides or len(found[1]) != len(str(most)):
        return None
    angle = int(found[1]) + float(found[2]) / 60
    return None if angle > most else angle if side == sides[0] else -angle


def _number(text: str) -> float | None:
    """A number above nothing: an error of 0 is no estimate."""
    found = float(text) if _NUMBER.fullmatch(text) else 0.0
    return found if found > 0 else None
