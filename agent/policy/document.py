"""Signed JSON, read strictly: what is signed twice over, unknown, or not a number is refused.

Rules: duplicate keys, NaN and infinities, unknown fields and wrong types are errors, each named by its field.
Leaves out: signatures (the TUF client has checked them before these bytes get here).
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from agent.errors import PolicyError

_LIMIT_BYTES = 1_000_000
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


class Strict(BaseModel):
    """A frozen document part: unknown fields refused, no coercion of types."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False, hide_input_in_errors=True)


D = TypeVar("D", bound=Strict)


def read(data: bytes, kind: type[D], source: str) -> D:
    """Parse `data` as one document of `kind`.

    Args:
        source: what to call the document in an error, for instance `permission/policy.json`.

    Raises:
        PolicyError: every fault, one a line, as `source: field: rule`.
    """
    if len(data) > _LIMIT_BYTES:
        raise PolicyError(f"{source}: larger than {_LIMIT_BYTES} bytes; publish a smaller document")
    try:
        raw = read_json(data)
        text = json.dumps(raw)
    except (ValueError, RecursionError) as error:
        raise PolicyError(f"{source}: not readable as JSON ({error}); publish it again") from None
    try:
        # Strict validation of JSON input, not of Python objects: dates and tuples are written as JSON can write them.
        return kind.model_validate_json(text)
    except ValidationError as error:
        raise PolicyError("\n".join(_lines(error, source, raw))) from None


def read_json(data: bytes) -> Any:
    """JSON in UTF-8 without a duplicate key, NaN or infinity.

    Raises:
        ValueError: it is none, with the reason in one line.
    """
    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("nested too deep") from None
    except ValueError as error:
        raise ValueError(str(error).splitlines()[0]) from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = sorted({key for key, _ in pairs if sum(key == other for other, _ in pairs) > 1})
        raise ValueError(f"field {twice[0]!r} is given twice")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")


def _lines(error: ValidationError, source: str, raw: Any) -> list[str]:
    found = error.errors(include_url=False, include_input=False)
    # A document of another kind has one fault that matters.
    other = [fault for fault in found if fault["loc"] == ("schema",)]
    return [f"{source}: {_where(fault['loc'], raw)}: {fault['msg']}" for fault in other or found]


def _where(way: tuple[int | str, ...], raw: Any) -> str:
    """The way to a field, and the id of the entry of a list on that way, if it has one."""
    here, name = raw, ""
    for part in way:
        listed = isinstance(here, list) and isinstance(part, int)
        here = here[part] if listed else here.get(part) if isinstance(here, dict) else None
        if listed and isinstance(here, dict) and _ID.fullmatch(str(here.get("id"))):
            name = f" ({here['id']})"
    return (".".join(str(part) for part in way) or "document") + name
