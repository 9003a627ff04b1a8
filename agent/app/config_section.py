"""What the sections of the device config have in common: strictness, names, paths, device files."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
FilePath = Annotated[str, Field(min_length=1, max_length=1024, pattern=r"^[^\x00]+$")]
"""Relative to the config file, or absolute."""
DeviceFile = Annotated[str, Field(max_length=255, pattern=r"^/[^\s\x00]+$")]
"""For instance `/dev/serial0`."""
Pin = Annotated[int, Field(ge=0, le=27)]
"""A pin of the 40-pin header by its GPIO number (BCM), not by its place."""


class Section(BaseModel):
    """Nothing but what is named, of just the type that is named; a fault never repeats what was written."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, hide_input_in_errors=True, use_attribute_docstrings=True
    )
