"""What a run plays, and the models it plays it with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from agent.demo.case import Case

ROOT: Final = Path(__file__).resolve().parent.parent.parent
MODELS: Final = ROOT / "models"
SCENE: Final = ROOT / "scenes" / "front-gate.toml"


@dataclass(frozen=True, slots=True)
class Source:
    """What plays before the camera."""

    scene: Path = SCENE
    """A scene file; for a recording, the scene whose cast is enrolled."""
    video: Path | None = None
    """A recording instead of the scene."""
    inspected: bool = True
    """The sign at the recording's site was attested by inspection."""
    case: Case | None = None
    """A site of tests/scenarios, whose scene this is."""

    @property
    def name(self) -> str:
        if self.case is not None:
            return self.case.name
        return self.scene.stem if self.video is None else self.video.name
