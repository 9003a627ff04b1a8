"""What `scripts/prove pi` is made of: a board's Debian, emulated, and a guest with the cameras' real software."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

Found: TypeAlias = Callable[[str, str, str, bool], None]
"""Takes one row: what, its value, the goal, and whether it was reached."""
