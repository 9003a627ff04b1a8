"""Where in a TOML text a fault is, and what to do: the parser tells the key and the rule, people look for the line."""

from __future__ import annotations

from typing import Any, Final

_OF_KINDS: Final = ("camera", "door")
"""Sections whose keys depend on their `kind`, which the parser tells as a part of the way to the key."""
_TO_DO: Final = {
    "bool_type": "write true or false",
    "float_type": "write a number",
    "greater_than_equal": "choose a greater one",
    "int_type": "write a whole number, without quotes",
    "less_than_equal": "choose a smaller one",
    "literal_error": "choose one of them",
    "model_type": "write a table of keys",
    "string_pattern_mismatch": "write it in that form",
    "string_too_long": "shorten it",
    "string_too_short": "fill it in, or remove the key",
    "string_type": "put it in quotes",
    "tuple_type": "write a list",
}
"""For rules that do not say so themselves."""


def fault_of(text: str, fault: Any) -> tuple[int, str]:
    """Line and words of one of pydantic's faults in this TOML text."""
    kind, field = fault["type"], tuple(str(part) for part in fault["loc"])
    if field[0] in _OF_KINDS and len(field) > 1:
        field = (field[0], *field[2:])
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        field = (*field, "kind")
        kinds = fault["ctx"].get("expected_tags")
        rule = f"Input should be one of {kinds}; choose one of them" if kinds else "missing; add it"
    elif kind == "extra_forbidden":
        rule = "unknown key; remove it or correct its spelling"
    elif kind == "missing":
        rule = "missing; add it"
    else:
        rule = fault["msg"].removeprefix("Value error, ")
        rule += f"; {_TO_DO[kind]}" if kind in _TO_DO else ""
    return line_of(text, field), f"{'.'.join(field)}: {rule}"


def line_of(text: str, field: tuple[str, ...]) -> int:
    """The line of a key, or of the deepest table on the way to it; 1 when neither is written."""
    table: tuple[str, ...] = ()
    best, depth = 1, 0
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.strip()
        if stripped.startswith("["):
            table = tuple(part.strip().strip("\"'") for part in stripped.strip("[] ").split("."))
            here = table
        elif "=" in stripped and not stripped.startswith("#"):
            here = (*table, *(part.strip().strip("\"'") for part in stripped.split("=", 1)[0].split(".")))
        else:
            continue
        shared = min(len(here), len(field))
        if shared > depth and here[:shared] == field[:shared]:
            best, depth = number, shared
    return best
