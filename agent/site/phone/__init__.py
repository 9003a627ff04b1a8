"""A pass on a phone: one page without any request, which signs a fresh code with its own key every 15 seconds.

Rules: the page may load and call nothing (its policy names its own two parts by their hashes); the key is made for this
one pass and is in the file, so the file is the pass. Leaves out: bringing the file to the phone.
"""

from __future__ import annotations

import html
import json
from base64 import b64encode
from hashlib import sha256
from importlib import resources
from string import Template
from typing import Final

from agent.crypto import SignSecret, framed
from agent.errors import ConfigError
from agent.gallery.passes_text import CODE, CODE_CONTEXT, PREFIX, base45, unbase45

EVERY_S: Final = 15
_FORMS: Final = (
    (335, {"version": 9, "blocks": (116, 116), "repair": 30, "marks": (6, 26, 46)}),
    (395, {"version": 10, "blocks": (68, 68, 69, 69), "repair": 18, "marks": (6, 28, 50)}),
)
"""Signs that a code holds at level L, and what ISO/IEC 18004 says of its version (tables 7, 9 and E.1)."""
_PKCS8: Final = bytes.fromhex("302e020100300506032b657004220420")
"""What stands before an Ed25519 seed in PKCS #8 (RFC 8410)."""


def phone_page(text: str, secret: SignSecret, *, what: str, until_s: float) -> bytes:
    """The page of a pass that names a phone's key.

    Args:
        text: of the pass, as `issue_pass` gave it.
        secret: of the key that the pass names.
        what: which doors and until when, in words for the person.

    Raises:
        ConfigError: the pass says too much for a code on a phone.
    """
    held = unbase45(text[len(PREFIX) :]) or b""
    length = len(PREFIX) + len(base45(held + bytes(CODE)))
    form = next((each for most, each in _FORMS if length <= most), None)
    if form is None:
        raise ConfigError("pass: too long for a code on a phone; issue it for fewer doors")
    said = {
        "pass": held.hex(),
        "key": (_PKCS8 + secret).hex(),
        "frame": framed(CODE_CONTEXT, b"").hex(),
        "prefix": PREFIX,
        "form": form,
        "every_s": EVERY_S,
        "until_s": until_s,
    }
    script, style = _part("code.js") + _part("show.js"), _part("style.css")
    return (
        Template(_part("page.html"))
        .substitute(
            what=html.escape(what),
            script=script,
            style=style,
            script_sha256=_hash(script),
            style_sha256=_hash(style),
            **{"pass": json.dumps(said)},
        )
        .encode()
    )


def _part(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text("utf-8")


def _hash(text: str) -> str:
    return b64encode(sha256(text.encode()).digest()).decode("ascii")
