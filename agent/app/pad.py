"""The model that tells prints and screens, if the device has one that can be used; loaded only where it is asked for.

One that is missing or changed is reported and left out, not fatal: where the policy asks for it recognition is then
refused under its own ground and passes go on working; where it does not, nothing is lacking.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from agent.adapters.litert import LiteRtPad, LoadedModel, held, load_pad
from agent.errors import DeviceError
from agent.face.pad import PadView
from agent.policy.bundle import PolicyDocument
from agent.policy.circumstances import LoadedModels


def open_pad(directory: Path, report: Callable[[str], None], threads: int = 1) -> LoadedModel | None:
    """The model of a folder, or None; `report` is told one line where there is one that cannot be used."""
    try:
        return load_pad(directory, threads)
    except DeviceError as error:
        report(str(error))
        return None


class PadOnDemand:
    """Implements `ports.PadDetector`. Loads the model, once, under the first policy that asks for it.

    Args:
        detector, embedder: what the runtime holds besides.
        open_model: as `open_pad`; None: there is none that can be used.
    """

    def __init__(
        self, detector: LoadedModel, embedder: LoadedModel, open_model: Callable[[], LoadedModel | None]
    ) -> None:
        self._others, self._open = (detector, embedder), open_model
        self._held = held(detector, embedder)
        self._asked = False
        self._pad: LiteRtPad | None = None

    def held(self, document: PolicyDocument | None) -> LoadedModels:
        """What the runtime holds, under this policy."""
        if not self._asked and document is not None and document.pad is not None:
            self._asked = True
            if (found := self._open()) is not None:
                self._pad, self._held = LiteRtPad(found), held(*self._others, found)
        return self._held

    def bona_fide(self, view: PadView) -> float:
        """
        Raises:
            DeviceError: there is no model, or it failed.
        """
        if self._pad is None:
            raise DeviceError("models: none of role pad is loaded; run 'doorward models verify'")
        return self._pad.bona_fide(view)
