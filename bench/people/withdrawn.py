"""A withdrawal at the door of a device with a full vault: from the frame that shows the code to the person being gone.

Part of `scripts/prove people`. Gone means: no row, a WAL of no bytes, no secret of an earlier epoch, and a gallery
without them. The core reads the code out of a frame; store, keys, custody and standing are the device's own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from agent.adapters.markers import ArucoReader
from agent.adapters.qr import ZxingReader
from agent.app.custody import Custody
from agent.app.recogniser import open_gallery
from agent.app.standing import Standing
from agent.core import Core, FrameArrived, LawChanged, WithdrawalShown
from agent.gallery.passes_uses import Uses
from agent.policy.frames import CapturedFrame
from agent.policy.gate import Gate
from agent.site.withdrawals import signed_withdrawal
from bench.vault.device import person
from bench.vault.erased import device_of
from tests.app.door import shown
from tests.core.given import CountingStopwatch, SimulatedDetector, SimulatedEmbedder
from tests.gallery.given import ISSUER, MODEL, SITE
from tests.policy.given import AROUND, NOW_S, law

TIMES: Final = 5
Watch = Callable[[Iterable[int], str, int], Iterable[int]]


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """Seconds: the least of `TIMES` people, since others share this machine, and the most."""

    backend: str
    strength: str
    unlock_s: float
    """Opening the vault at the start, the quicker of two."""
    gone_s: float
    slowest_s: float
    worked_s: float
    """Of work on one core, the least."""


def withdrawn(backend: str, people: int, watch: Watch) -> Withdrawn:
    """Enrol so many, and let a few withdraw one after the other.

    Raises:
        AssertionError: somebody was not gone, or somebody else was.
    """
    with device_of(backend) as device:
        device.enrol(watch(range(people), f"{backend}: enrolling", people))
        with closing(device.store()) as store:
            keys = device.keys()
            erasure = device.erasure(store)
            erasure.settle(NOW_S)
            standing = Standing(
                store,
                Custody(store, keys, erasure, device.said.append),
                lambda: open_gallery(store, erasure, MODEL),
                device.said.append,
            )
            core = Core(
                Gate(None), SimulatedDetector(), SimulatedEmbedder(), ArucoReader(), ZxingReader(), CountingStopwatch(),
                Uses(),
            )  # fmt: skip
            core.receive(LawChanged(law(view={"width": 640, "height": 480})))
            unlocks = []
            for _ in range(2):
                began = time.perf_counter()
                core.receive(standing.gallery_changed())
                unlocks.append(time.perf_counter() - began)
            gone, worked = [], []
            for number in range(TIMES):
                frame = _showing(signed_withdrawal(SITE, ISSUER, person(number)), number)
                began, working = time.perf_counter(), time.process_time()
                asked = [each for each in core.receive(frame) if isinstance(each, WithdrawalShown)]
                assert [each.subject for each in asked] == [person(number)]
                standing.asked(asked[0].subject)
                inputs = standing.settle(NOW_S)
                gone.append(time.perf_counter() - began)
                worked.append(time.process_time() - working)
                assert store.path.with_name(f"{store.path.name}-wal").stat().st_size == 0
                assert device.keys().epochs.known() == {store.epochs.present}
                for each in inputs:
                    core.receive(each)
            left = {row.subject for row in store.references()}
            assert left == {person(number) for number in range(TIMES, people)} and not device.said
            return Withdrawn(backend, keys.erase_strength, min(unlocks), min(gone), max(gone), min(worked))


def _showing(text: str, number: int) -> FrameArrived:
    rgb = shown(text)
    luma = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8)
    captured = CapturedFrame(number + 1, (number + 1) * 4_000_000_000, rgb.copy(), luma)
    return FrameArrived(captured, AROUND, True, False)
