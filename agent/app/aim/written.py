"""What aiming leaves behind as text: the `[aim]` section of the device config, and what the policy's authors take over.

Rules: of the device config nothing but that section changes, every comment stays, and a file of which this cannot be
said for sure is left alone. The section permits nothing: it is where the next aiming begins.
"""

from __future__ import annotations

import difflib
import json
import os
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from agent.adapters.keys import write_whole
from agent.errors import ConfigError
from agent.measured import Aimed
from agent.policy.bundle import MarkerPlace
from agent.policy.location import Pose
from agent.units import Point

_HEADER: Final = re.compile(r"^\s*\[\s*aim\s*\]\s*(#.*)?$")
_OURS: Final = "# Measured by 'doorward aim' on "


@dataclass(frozen=True, slots=True)
class Change:
    """What would be written."""

    path: Path
    before: bytes
    after: bytes

    @property
    def diff(self) -> str:
        """The lines that change, as `diff -u` shows them; empty: none."""
        old, new = (data.decode("utf-8").splitlines() for data in (self.before, self.after))
        return "\n".join(difflib.unified_diff(old, new, self.path.name, f"{self.path.name} (new)", lineterm="", n=2))

    def write(self) -> None:
        """All of it or nothing, as the same owner's and with the same rights.

        Raises:
            ConfigError: somebody has changed the file meanwhile.
            DeviceError: it cannot be written.
        """
        target = self.path.resolve()
        if target.read_bytes() != self.before:
            raise ConfigError(f"{self.path}: was changed meanwhile; nothing is written, run 'doorward aim' again")
        had = target.stat()
        write_whole(target, self.after, had.st_mode & 0o777)
        if (had.st_uid, had.st_gid) != (os.geteuid(), os.getegid()):
            os.chown(target, had.st_uid, had.st_gid)


def change(path: Path, aimed: Aimed, today: date) -> Change:
    """The device config with these measurements.

    Raises:
        ConfigError: it cannot be read, or its `[aim]` is written in a way that only its author can change.
    """
    try:
        before = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; name the device config") from None
    text = before.decode("utf-8")
    ending = "\r\n" if "\r\n" in text else "\n"
    lines = _replaced(text.replace("\r\n", "\n").split("\n"), _section(aimed, today))
    after = ending.join(lines).encode()
    if not _only_that(before, after, aimed):
        raise ConfigError(
            f"{path}: aim: is not written as a section of its own, one key a line; take it out and run this again"
        )
    return Change(path, before, after)


def _section(aimed: Aimed, today: date) -> list[str]:
    fields = {name: value for name, value in aimed.model_dump(mode="json").items() if value is not None}
    return ["[aim]", f"{_OURS}{today}; permits nothing.", *(f"{name} = {value}" for name, value in fields.items())]


def _replaced(lines: list[str], section: list[str]) -> list[str]:
    """With this section in the place of the former one, or at the end; comments that somebody wrote stay."""
    start = next((number for number, line in enumerate(lines) if _HEADER.match(line)), None)
    if start is None:
        while lines and not lines[-1].strip():
            lines = lines[:-1]
        return [*lines, *([""] if lines else []), *section, ""]
    end = next(
        (number for number in range(start + 1, len(lines)) if lines[number].lstrip().startswith("[")), len(lines)
    )
    while end > start + 1 and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#")):
        end -= 1  # what stands right before the next section belongs to it
    theirs = [line for line in lines[start + 1 : end] if line.lstrip().startswith("#") and not line.startswith(_OURS)]
    return [*lines[:start], lines[start], *section[1:2], *theirs, *section[2:], *lines[end:]]


def _only_that(before: bytes, after: bytes, aimed: Aimed) -> bool:
    try:
        old, new = (tomllib.loads(data.decode("utf-8")) for data in (before, after))
        old.pop("aim", None)
        return Aimed.model_validate(new.pop("aim")) == aimed and old == new
    except (ValueError, KeyError):  # TOML's own errors, and pydantic's, are ValueErrors
        return False


def for_policy(pose: Pose, region: Sequence[Point] | None, place: MarkerPlace | None, *, site: str = "SITE") -> str:
    """What the policy's authors take over: as TOML for a first policy, and as a command for one that is there."""
    fields = pose.model_dump()
    lines = ["[pose]", *(f"{name} = {value}" for name, value in fields.items())]
    sets: list[tuple[str, Any]] = [("pose", fields)]
    if region is not None:
        corners = [[round(x, 1), round(y, 1)] for x, y in region]
        lines += ["", "[attempt]", f"region = {corners}"]
        sets.append(("attempt.region", corners))
    if place is not None:
        marker = place.model_dump(mode="json")
        lines += ["", "[sign.marker]", *(f"{name} = {value}" for name, value in marker.items())]
        sets.append(("sign.marker", marker))
    assigned = " \\\n  ".join(f"--set '{name}={json.dumps(value)}'" for name, value in sets)
    return "\n".join(lines) + f"\n\ndoorward site edit {site} \\\n  {assigned}\n"
