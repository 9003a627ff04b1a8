"""A QR code on a terminal: half blocks, two rows of the code a line, for a phone or scanner to read off the screen."""

from __future__ import annotations

import io

import segno


def shown_code(text: str) -> str:
    """The code as lines of text, light on a dark screen, with its quiet border."""
    out = io.StringIO()
    segno.make_qr(text, error="m", boost_error=False).terminal(out, border=4, compact=True)
    return out.getvalue().rstrip("\n")
