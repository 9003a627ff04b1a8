"""A consent as the vault keeps it beside its receipt: the fields that were checked, so that no receipt is read twice.

Opening ten thousand rows must take a second or two. Reading as many receipts again, with their signatures, would take
several, and show nothing: the vault seals only what `read_receipt` admitted (`lock` takes a `Consent`), and the seal
shows that these are the same bytes. Whoever could seal others has the keys. Rules: only this room unpacks, with its
mint; the fields are those of `Consent`, whatever they are, so none can be forgotten here; the receipt lies beside them
unread, for the person to have. Leaves out: encryption (vault.py).
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Final, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from agent.gallery._mint import Mint, demand
from agent.gallery.consent import Consent

_FIELDS: Final[dict[str, Any]] = {
    field.name: (get_type_hints(Consent)[field.name], ...) for field in fields(Consent) if field.name != "receipt"
}
_Kept: Final[type[BaseModel]] = create_model(
    "_Kept",
    __config__=ConfigDict(
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,
        ser_json_bytes="hex",
        val_json_bytes="hex",
    ),
    **_FIELDS,
)


def pack(consent: Consent) -> bytes:
    """All of a consent but its receipt, as JSON."""
    return _Kept.model_construct(**{name: getattr(consent, name) for name in _FIELDS}).model_dump_json().encode()


def unpack(data: bytes, receipt: bytes, mint: Mint) -> Consent:
    """The consent again.

    Raises:
        ValueError: not what `pack` makes, or made by another version.
    """
    demand(mint, "Consent")
    try:
        kept = _Kept.model_validate_json(data)
    except ValidationError:
        raise ValueError("not a kept consent of this version") from None
    return Consent(mint=mint, receipt=receipt, **vars(kept))
