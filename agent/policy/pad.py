"""Presentation attack detection as the authority asks for it: from which score on a face counts as bona fide.

Rules: a policy that has it opens no door by a face that was not found bona fide; one that has it not asks for nothing.
It only ever denies. Leaves out: the model and its cues (face/pad.py), and which file it may be (`models`).
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from agent.policy.document import Strict
from agent.policy.fields import Name


class Pad(Strict):
    label: Name
    """Of the point in `models/manifest.toml` that the threshold comes from."""
    threshold: Annotated[float, Field(gt=0.0, lt=1.0)]
    """A face is bona fide whose score reaches this; higher denies more attacks, and more honest people."""
