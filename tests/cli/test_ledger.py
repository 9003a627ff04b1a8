"""`doorward ledger verify` on a ledger whose beginning was dropped by right, and on one whose beginning was cut off."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from agent.adapters.store import Store
from agent.crypto import SignSecret, sign_public
from agent.ledger.entry import refusal_changed, started
from agent.units import DeviceId, SiteId

SIGNER = SignSecret(b"\x05" * 32)
NOW_S = 1_900_000_000.0


def verified(path: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("doorward")), "ledger", "verify", str(path)]
    return subprocess.run(
        [*command, "--key", sign_public(SIGNER).hex()],
        capture_output=True,
        text=True,
        check=False,
        env={"COLUMNS": "120", "PATH": "/usr/bin:/bin"},
    )


def test_what_was_dropped_by_right_is_said_and_what_was_cut_off_is_found(state: Path) -> None:
    path, copy = state / "store.sqlite", state / "copy.sqlite"
    store = Store.open(path, site=SiteId("quay"), device=DeviceId("gate-1"), ledger_key=bytes(32))
    store.note(started(SiteId("quay"), DeviceId("gate-1"), "0.1.0", NOW_S))
    for number in range(4):
        store.note(refusal_changed((), NOW_S + number))
    store.checkpoint(SIGNER, NOW_S + 4)
    store.note(refusal_changed((), NOW_S + 5))
    whole = verified(path)
    assert whole.returncode == 0 and "dropped" not in whole.stdout
    assert store.shorten(200, SIGNER, NOW_S + 201 * 86_400) == 5
    store.close()
    done = verified(path)
    assert done.returncode == 0, done.stderr
    assert "the first 5 entries; all older than 200 days, as a signed entry says" in done.stdout
    shutil.copy(path, copy)
    for change, words in (
        ("DELETE FROM ledger WHERE position = 5", "entry 5: missing"),
        ("UPDATE ledger_begin SET size = 0, peaks = x''", "entry 0: missing"),
        ("DELETE FROM checkpoint WHERE number = 1", "no signed checkpoint ends there"),
    ):
        shutil.copy(copy, path)
        with closing(sqlite3.connect(path)) as db:
            db.execute(change)
            db.commit()
        found = verified(path)
        assert found.returncode == 2 and words in found.stderr, found.stderr
