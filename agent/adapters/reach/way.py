"""The steps to a server, one after the other, each with what was found where it fails.

Rules: nothing is sent but the beginning of TLS; what to do about a fault says who calls. Leaves out: what is spoken
over the connection (adapters/mqtt).
"""

from __future__ import annotations

import socket
import ssl
import time
from contextlib import closing
from dataclasses import dataclass
from enum import Enum, auto, unique
from typing import Any, Final

from agent.adapters.reach.certificate import Certificate, day, read_der

_ALERT_S: Final = 0.5
"""With TLS 1.3 a server says what it thinks of our certificate only after the handshake."""
_EXPIRED: Final = 10
"""X509_V_ERR_… of OpenSSL, as those below."""
_NOT_YET: Final = 9
_OTHER_NAME: Final = frozenset({62, 64})
"""A host name, an IP address that the certificate does not have."""
_NO_AUTHORITY: Final = frozenset({18, 19, 20, 21})
"""Signed by itself, alone or in the chain; the issuer is not at hand; the first signature cannot be verified."""
_OURS: Final = ("CERTIFICATE", "UNKNOWN_CA", "ACCESS_DENIED", "HANDSHAKE_FAILURE")
"""Alerts of a server that has seen our certificate, or none."""


@unique
class Fault(Enum):
    NO_NAME = auto()
    NO_NAME_SERVER = auto()
    CLOSED = auto()
    """Nothing listens there."""
    SILENT = auto()
    NO_WAY = auto()
    EXPIRED = auto()
    NOT_YET = auto()
    OTHER_NAME = auto()
    NO_AUTHORITY = auto()
    OURS_REFUSED = auto()
    """It wants a certificate of ours, or does not accept the one that it was shown."""
    NO_TLS = auto()


@dataclass(frozen=True, slots=True)
class Failed:
    fault: Fault
    detail: str
    """What was found: dates or names of the server's certificate, or the system's own words; "" if there are none."""


@dataclass(frozen=True, slots=True)
class Secured:
    version: str
    """For instance `TLSv1.3`."""
    certificate: Certificate


def addresses_of(host: str, port: int) -> list[str] | Failed:
    """What the name stands for; never empty."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        busy = error.errno in (socket.EAI_AGAIN, socket.EAI_FAIL)
        return Failed(Fault.NO_NAME_SERVER if busy else Fault.NO_NAME, error.strerror or "")
    except UnicodeError:
        return Failed(Fault.NO_NAME, "not a name")
    return list(dict.fromkeys(str(each[4][0]) for each in found))


def port_open(host: str, port: int, timeout_s: float) -> Failed | None:
    """None: something listens there."""
    opened = _opened(host, port, timeout_s)
    if isinstance(opened, Failed):
        return opened
    opened.close()
    return None


def secured(host: str, port: int, context: ssl.SSLContext, timeout_s: float) -> Secured | Failed:
    """Begin TLS as a client would, and end it.

    Args:
        context: as the client has it, with its certificate.
    """
    opened = _opened(host, port, timeout_s)
    if isinstance(opened, Failed):
        return opened
    with closing(opened):
        try:
            with context.wrap_socket(opened, server_hostname=host) as channel:
                shown = channel.getpeercert(binary_form=True) or b""
                _hear_alert(channel)
                return Secured(channel.version() or "", read_der(shown))
        except ssl.SSLCertVerificationError as error:
            code, words = error.verify_code, error.verify_message
        except ssl.SSLError as error:
            reason = error.reason or ""
            ours = "ALERT" in reason and any(each in reason for each in _OURS)
            return Failed(Fault.OURS_REFUSED if ours else Fault.NO_TLS, reason.replace("_", " ").lower())
        except (OSError, ValueError) as error:
            return Failed(Fault.NO_TLS, getattr(error, "strerror", None) or str(error))
    if code in (_EXPIRED, _NOT_YET):
        return Failed(Fault.EXPIRED if code == _EXPIRED else Fault.NOT_YET, _dates(host, port, timeout_s))
    if code in _OTHER_NAME:
        return Failed(Fault.OTHER_NAME, _names(host, port, context, timeout_s))
    return Failed(Fault.NO_AUTHORITY if code in _NO_AUTHORITY else Fault.NO_TLS, words)


def _opened(host: str, port: int, timeout_s: float) -> socket.socket | Failed:
    try:
        return socket.create_connection((host, port), timeout=timeout_s)
    except ConnectionRefusedError as error:
        return Failed(Fault.CLOSED, error.strerror or "")
    except TimeoutError:
        return Failed(Fault.SILENT, f"no answer within {timeout_s:g} s")
    except OSError as error:
        return Failed(Fault.NO_WAY, error.strerror or str(error))


def _hear_alert(channel: ssl.SSLSocket) -> None:
    """Raises ssl.SSLError with what the server says against us; one that waits for us says nothing."""
    channel.settimeout(_ALERT_S)
    try:
        channel.recv(1)
    except TimeoutError:
        return


def _dates(host: str, port: int, timeout_s: float) -> str:
    """Of a certificate that is refused for its time, or for that of one above it."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # nothing is sent to who shows it
    try:
        shown = read_der(_shown(host, port, context, timeout_s, whole=False) or b"")
    except ValueError:
        return ""
    if shown.from_s < time.time() < shown.until_s:
        return "that of an authority above it"
    return f"{day(shown.from_s)} to {day(shown.until_s)}"


def _names(host: str, port: int, context: ssl.SSLContext, timeout_s: float) -> str:
    """Whom a certificate is for that is trusted but for its name."""
    context.check_hostname = False
    shown = _shown(host, port, context, timeout_s, whole=True) or {}
    context.check_hostname = True
    return ", ".join(str(name[1]) for name in shown.get("subjectAltName", ()))


def _shown(host: str, port: int, context: ssl.SSLContext, timeout_s: float, *, whole: bool) -> Any:
    """The server's certificate once more: as Python tells it, or its bytes; None when it does not come again."""
    opened = _opened(host, port, timeout_s)
    if isinstance(opened, Failed):
        return None
    try:
        with closing(opened), context.wrap_socket(opened, server_hostname=host) as channel:
            return channel.getpeercert(binary_form=not whole)
    except OSError:
        return None
