"""Strict reading of one TOML table: every key is taken once, by type and range, and none may be left over."""

from __future__ import annotations

import re
from typing import Any, Final, NoReturn

from agent.errors import DeviceError

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_FILE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,127}")
_TEXT_MAX: Final = 1000


class Table:
    """One table of a parsed TOML file.

    Args:
        raw: what the TOML parser gave.
        where: the file, for errors.
        path: the table's place in the file, for errors; empty for the top.
        remedy: what the reader of an error should do.
    """

    def __init__(self, raw: dict[str, Any], where: str, path: str, remedy: str) -> None:
        self._left = dict(raw)
        self._where, self._path, self._remedy = where, path, remedy

    def fault(self, key: str, rule: str) -> NoReturn:
        field = f"{self._path}.{key}" if self._path else key
        raise DeviceError(f"{self._where}: {field}: {rule}; {self._remedy}")

    def _take(self, key: str) -> Any:
        if key not in self._left:
            self.fault(key, "is missing")
        return self._left.pop(key)

    def text(self, key: str) -> str:
        value = self._take(key)
        if not isinstance(value, str) or not 0 < len(value) <= _TEXT_MAX or not value.isprintable():
            self.fault(key, f"must be printable text of 1 to {_TEXT_MAX} characters")
        return value

    def file_name(self, key: str) -> str:
        value = self.text(key)
        if _FILE_NAME.fullmatch(value) is None:
            self.fault(key, "must be a plain file name")
        return value

    def digest(self, key: str) -> str:
        value = self._take(key)
        if not isinstance(value, str) or _DIGEST.fullmatch(value) is None:
            self.fault(key, "must be a SHA-256 in 64 lower-case hex digits")
        return value

    def one_of(self, key: str, allowed: tuple[str, ...]) -> str:
        value = self._take(key)
        if not isinstance(value, str) or value not in allowed:
            self.fault(key, f"must be one of {', '.join(allowed)}")
        return value

    def texts(self, key: str, allowed: tuple[str, ...]) -> tuple[str, ...]:
        value = self._take(key)
        if not isinstance(value, list) or not all(isinstance(item, str) and item in allowed for item in value):
            self.fault(key, f"must be a list out of {', '.join(allowed)}")
        if len(set(value)) != len(value):
            self.fault(key, "must not repeat anything")
        return tuple(value)

    def integer(self, key: str, low: int, high: int) -> int:
        value = self._take(key)
        if type(value) is not int or not low <= value <= high:
            self.fault(key, f"must be a whole number from {low} to {high}")
        return value

    def integers(self, key: str, low: int, high: int) -> tuple[int, ...]:
        value = self._take(key)
        if not isinstance(value, list) or not value or not all(type(i) is int and low <= i <= high for i in value):
            self.fault(key, f"must be a list of whole numbers from {low} to {high}")
        return tuple(value)

    def number(self, key: str, low: float, high: float) -> float:
        value = self._take(key)
        if type(value) not in (int, float) or not low <= value <= high:
            self.fault(key, f"must be a number from {low:g} to {high:g}")
        return float(value)

    def table(self, key: str) -> Table:
        value = self._take(key)
        if not isinstance(value, dict):
            self.fault(key, "must be a table")
        return Table(value, self._where, self._inner(key), self._remedy)

    def tables(self, key: str) -> tuple[Table, ...]:
        """The tables of an array of tables; an absent key is an empty array."""
        value = self._left.pop(key, [])
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            self.fault(key, "must be an array of tables")
        return tuple(
            Table(item, self._where, self._inner(f"{key}[{place}]"), self._remedy) for place, item in enumerate(value)
        )

    def _inner(self, key: str) -> str:
        return f"{self._path}.{key}" if self._path else key

    def end(self) -> None:
        """No key may be left over."""
        for key in self._left:
            shown = key if key.isprintable() and len(key) <= 64 else "(a key that cannot be shown)"
            self.fault(shown, "is not known here")
