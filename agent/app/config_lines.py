"""Where in a TOML text a fault is: the parser tells the key, people look for the line."""

from __future__ import annotations

from typing import Any


def fault_of(text: str, fault: Any) -> tuple[int, str]:
    """Line and words of one of pydantic's faults in this TOML text."""
    field = tuple(str(part) for part in fault["loc"])
    rule = {"extra_forbidden": "unknown key; remove it or correct its spelling", "missing": "missing; add it"}.get(
        fault["type"], fault["msg"].removeprefix("Value error, ")
    )
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
