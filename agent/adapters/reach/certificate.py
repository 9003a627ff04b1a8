"""Dates and common name of an X.509 certificate (RFC 5280, section 4.1), also of one that nobody would accept.

Python's ssl tells them only of a certificate that it has verified, and whoever looks for a fault has the others.
Leaves out: everything else in a certificate, and whether it can be trusted.
"""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from agent.errors import ConfigError

_PEM: Final = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_LONGEST: Final = 4 * 1024 * 1024
_SEQUENCE, _VERSION, _INTEGER, _UTC, _GENERALIZED = 0x30, 0xA0, 0x02, 0x17, 0x18
_COMMON_NAME: Final = b"\x55\x04\x03"
"""The OID 2.5.4.3."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """Times are Unix seconds."""

    name: str
    """The subject's common name; "" if it has none."""
    from_s: float
    until_s: float


def day(unix_s: float) -> str:
    """The date in UTC, for people."""
    return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%d")


def read_pem(field: str, file: Path) -> list[Certificate]:
    """All certificates of the file that this field of the device config names, in their order.

    Raises:
        ConfigError: it cannot be read, or holds no certificate.
    """
    try:
        text = file.read_bytes()[:_LONGEST].decode("latin-1")
        found = [read_der(ssl.PEM_cert_to_DER_cert(each)) for each in _PEM.findall(text)]
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no certificate in PEM form"
        raise ConfigError(f"{field}: {file}: {reason}; correct the path or the file") from None
    if not found:
        raise ConfigError(f"{field}: {file}: no certificate in PEM form; correct the path or the file")
    return found


def read_der(data: bytes) -> Certificate:
    """Raises ValueError when these bytes are no certificate."""
    signed = _inside(_inside(data, _SEQUENCE), _SEQUENCE)
    fields = _parts(signed)
    if fields and fields[0][0] == _VERSION:
        fields = fields[1:]
    kinds = [kind for kind, _ in fields[:5]]  # serial, signature, issuer, validity, subject
    if kinds != [_INTEGER, _SEQUENCE, _SEQUENCE, _SEQUENCE, _SEQUENCE]:
        raise ValueError("not the fields of a certificate")
    times = [_time(kind, value) for kind, value in _parts(fields[3][1])]
    if len(times) != 2:
        raise ValueError("not two times")
    return Certificate(_common_name(fields[4][1]), *times)


def _parts(data: bytes) -> list[tuple[int, bytes]]:
    """Tag and value of each element that stands in `data`, one behind the other."""
    found, at = list[tuple[int, bytes]](), 0
    while at < len(data):
        head = data[at : at + 2]
        if len(head) < 2:
            raise ValueError("cut off")
        size, at = head[1], at + 2
        if size & 0x80:
            count = size & 0x7F
            size = int.from_bytes(data[at : at + count], "big")
            at += count
        if at + size > len(data):
            raise ValueError("cut off")
        found.append((head[0], data[at : at + size]))
        at += size
    return found


def _inside(data: bytes, kind: int) -> bytes:
    parts = _parts(data)
    if not parts or parts[0][0] != kind:
        raise ValueError("another kind of element")
    return parts[0][1]


def _time(kind: int, value: bytes) -> float:
    text = value.decode("ascii")
    if kind == _UTC:  # two digits of the year stand for 1950 to 2049
        text = ("19" if text[:2] >= "50" else "20") + text
    elif kind != _GENERALIZED:
        raise ValueError("no time")
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp()


def _common_name(subject: bytes) -> str:
    for _, several in _parts(subject):
        for _, pair in _parts(several):
            (_, kind), (_, value) = _parts(pair)
            if kind == _COMMON_NAME:
                return "".join(sign for sign in value.decode("utf-8", "replace") if sign.isprintable())
    return ""
