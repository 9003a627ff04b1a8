"""An old copy of the store under a whole recogniser: nobody is recognised, one line says why, and passes open."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.app.erasure import Erasure
from agent.events.bodies import Status
from agent.events.decision import Outcome
from agent.gallery.retention import Ended
from agent.units import SubjectId
from tests.app.door import Bench, Peer, day_passes, enrol, face, opened, shown, site
from tests.app.running import until


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    device = site(tmp_path / "gate")
    with contextlib.closing(device.server):
        yield Bench(device)


def test_an_old_store_opens_to_nobody_and_passes_go_on(bench: Bench, capfd: pytest.CaptureFixture[str]) -> None:
    device = bench.device
    enrol(device)
    kept = shutil.copy(device.store, device.folder / "old.sqlite")
    with contextlib.closing(opened(device)) as store:
        Erasure(store, device.keys, print).erase({SubjectId("p-9"): Ended.WITHDRAWN}, time.time())
    shutil.copy(kept, device.store)
    [text] = day_passes(device, 1)

    def script(peer: Peer) -> None:
        until(lambda: peer.last(Status) is not None and peer.last(Status).policy_version == 1)
        bench.view = face()
        assert peer.wait_events(1)[0].outcome is Outcome.NO_MATCH
        bench.view = shown(text)
        until(lambda: any(event.outcome is Outcome.PASS_ACCEPTED for event in peer.events))
        assert all(event.outcome is not Outcome.MATCH for event in peer.events)

    assert bench.play(script) == 0
    assert bench.opened == 1
    [line] = capfd.readouterr().err.splitlines()
    assert line.startswith("doorward: ") and "the secret of this epoch was destroyed by an erasure" in line
    with contextlib.closing(opened(device)) as store:
        assert [row.epoch for row in store.references()] == [1], "nothing is overwritten"
    assert device.keys.epochs.known() == {2}
