"""A device config out of an example and the few answers that only the installer knows.

Rules: the example's own lines and comments stay; the answers, and where scripts/install puts things, replace theirs.
What comes out is read as a config before it is used (config.py), so that a wrong answer is told like any other fault.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

Key = tuple[str, str]
"""Table and key, for instance `("broker", "host")`."""

INSTALLED: Final[Mapping[Key, str]] = {
    ("device", "state"): "/var/lib/doorward",
    ("models", "directory"): "/opt/doorward/current/models",
}
_DESKTOP: Final = frozenset({("device", "insecure_dev"), ("broker", "websocket")})
"""What no device takes over from an example."""
_BACKEND: Final = ("keys", "backend")
_TPM: Final = ("keys", "tcti")
"""Taken over where the keys are in a TPM."""


def filled(example: str, answers: Mapping[Key, str | int]) -> str:
    """The example's text with these values; a key that it does not have is added to its table, or to a new one."""
    due = dict(answers)
    lines: list[str] = []
    table = ""
    for line in example.splitlines():
        stripped = line.strip()
        if stripped.startswith("["):
            lines += _left(due, table)
            table = stripped.partition("]")[0].strip("[ ")  # a comment may follow
        key = (table, stripped.split("=", 1)[0].strip())
        if "=" in stripped and not stripped.startswith("#"):
            if key in _DESKTOP or (key == _TPM and answers.get(_BACKEND, "tpm2") != "tpm2"):
                continue
            if key in due:
                line = _line(key[1], due.pop(key))
        lines.append(line)
    lines += _left(due, table)
    for table in dict.fromkeys(table for table, _ in due):
        lines += ["", f"[{table}]", *_left(due, table)]
    return "\n".join(lines) + "\n"


def _left(due: dict[Key, str | int], table: str) -> list[str]:
    """The lines of this table that the example does not have; they are taken out of `due`."""
    keys = [key for key in due if key[0] == table]
    return [_line(key[1], due.pop(key)) for key in keys]


def _line(key: str, value: str | int) -> str:
    return f"{key} = {json.dumps(value, ensure_ascii=False)}"  # a basic string of TOML is written like one of JSON
