"""The model that tells prints and screens, if the device has one that can be used.

One that is missing or changed is reported and left out, not fatal: where the policy asks for it recognition is then
refused under its own ground and passes go on working; where it does not, nothing is lacking.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from agent.adapters.litert import LoadedModel, load_pad
from agent.errors import DeviceError


def open_pad(directory: Path, report: Callable[[str], None], threads: int = 1) -> LoadedModel | None:
    """The model of a folder, or None; `report` is told one line where there is one that cannot be used."""
    try:
        return load_pad(directory, threads)
    except DeviceError as error:
        report(str(error))
        return None
