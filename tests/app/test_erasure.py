"""Erasing: whole or not at all, wherever it is killed; finished at the next start; and no copy brings anybody back."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from agent.adapters.keys import PlainKeys
from agent.adapters.store import Store, read_ledger
from agent.app.erasure import Erasure
from agent.errors import DeviceError, VaultError
from agent.gallery.retention import Ended
from agent.gallery.tombstone import tombstone
from agent.ledger.entry import decode
from bench.vault.device import VaultDevice, person, rows
from tests.adapters.tpm import running_tpm
from tests.gallery.given import DEVICE
from tests.policy.given import NOW_S

KILLS = 110
ALL = [person(number) for number in range(1, 6)]
LEFT = [person(number) for number in (1, 2, 4, 5)]


@pytest.fixture
def device(tmp_path: Path) -> VaultDevice:
    made = VaultDevice(tmp_path)
    made.enrol(range(1, 6))
    assert made.start() == (1, ALL)
    return made


@pytest.fixture
def with_tpm(tmp_path: Path) -> Iterator[VaultDevice]:
    with tempfile.TemporaryDirectory(prefix="tpm-") as chip, running_tpm(Path(chip)) as tcti:
        made = VaultDevice(tmp_path, "tpm2", tcti)
        made.enrol(range(1, 6))
        yield made


def copied(device: VaultDevice, name: str) -> Path:
    kept = device.state.with_name(name)
    shutil.copytree(device.state, kept)
    return kept


def restored(device: VaultDevice, kept: Path, *names: str) -> None:
    """Put back these files of a copy."""
    for side in ("store.sqlite-wal", "store.sqlite-shm"):
        (device.state / side).unlink(missing_ok=True)
    for name in names:
        if (kept / name).is_dir():
            shutil.rmtree(device.state / name)
            shutil.copytree(kept / name, device.state / name)
        else:
            shutil.copy(kept / name, device.state / name)


def test_who_is_erased_is_gone_and_the_rest_opens_under_a_new_epoch(device: VaultDevice) -> None:
    traces = device.traces([3])
    assert device.remains(traces) == 1
    device.erase([3])
    assert device.remains(traces) == 0
    assert device.start() == (2, LEFT)
    assert device.keys().epochs.known() == {2}
    assert device.keys().erased.read() == {tombstone(device.keys().ledger_key, person(3))}
    with read_ledger(device.state / "store.sqlite") as copy:
        assert [decode(data).kind for _, data in copy.entries] == ["enrolment"] * 5 + ["withdrawal"]
    assert device.said == []


def test_several_are_erased_in_one_step(device: VaultDevice) -> None:
    device.erase([1, 2, 3])
    device.erase([3, 9])
    assert device.start() == (3, ALL[3:])
    assert len(device.keys().erased.read()) == 4


def test_whoever_kept_the_old_store_cannot_open_it_with_todays_keys(device: VaultDevice) -> None:
    """The row is there, in the old copy; its data key was wrapped by what is no more."""
    kept = copied(device, "kept")
    device.erase([3])
    device.erase([4])
    restored(device, kept, "store.sqlite")
    epoch, found = device.start()
    assert (epoch, found) == (1, None)
    assert "was destroyed by an erasure" in device.said[-1]
    assert device.keys().epochs.known() == {3}, "the newer store's secret is not touched"
    with closing(device.store()) as store:
        assert [row.subject for row in store.references()] == ALL[:2] + ALL[4:], "erased again"
        assert all(store.marks.withdrawn(person(number)) for number in (3, 4))


def test_an_old_store_and_all_old_files_are_erased_again_by_the_marks(device: VaultDevice) -> None:
    """With plain keys old files bring the secret back: best-effort. The list of marks is apart, and still counts."""
    kept = copied(device, "kept")
    device.erase([3])
    restored(device, kept, "store.sqlite", "epochs")
    assert device.start() == (2, LEFT)
    assert device.keys().epochs.known() == {2}


def test_with_a_tpm_no_old_image_opens(with_tpm: VaultDevice) -> None:
    kept = copied(with_tpm, "kept")
    with_tpm.erase([3])
    assert with_tpm.start() == (2, LEFT)
    shutil.rmtree(with_tpm.state)
    shutil.copytree(kept, with_tpm.state)
    assert with_tpm.start() == (1, None)
    assert "TPM: the secret of epoch 1 was destroyed" in with_tpm.said[-1]


def test_a_kill_at_any_line_leaves_all_of_the_old_or_all_of_the_new(device: VaultDevice) -> None:
    kept, traces = copied(device, "kept"), device.traces([3])
    total = device.killed([3], None)
    assert total is not None and total > KILLS
    found = []
    for number in range(KILLS):
        shutil.rmtree(device.state)
        shutil.copytree(kept, device.state)
        assert device.killed([3], 1 + number * (total - 1) // KILLS) is None
        found.append(device.start())
        assert found[-1] in ((1, ALL), (2, LEFT))
        new = found[-1][0] == 2
        assert device.keys().epochs.known() == {found[-1][0]}, "the start has destroyed the other"
        assert (device.remains(traces), len(device.keys().erased.read())) == ((0, 1) if new else (1, 0))
        assert device.start() == found[-1]
    assert found == sorted(found) and {epoch for epoch, _ in found} == {1, 2}
    assert device.said == []


def test_whoever_enrols_again_cannot_be_put_back_to_the_earlier_row(device: VaultDevice) -> None:
    with closing(device.store()) as store:
        earlier = next(row for row in store.references() if row.subject == person(3))
    device.enrol([3])
    assert device.start() == (2, ALL)
    with closing(device.store()) as store:
        hidden = store._names.hide(earlier.subject)
        store._db.execute("UPDATE data_key SET wrapped = ?, epoch = ? WHERE subject = ?", (earlier.wrapped, 2, hidden))
        store._db.execute("UPDATE reference SET sealed = ? WHERE subject = ?", (earlier.sealed, hidden))
    assert device.start() == (2, None)


def test_a_new_store_beside_keys_that_have_a_past(device: VaultDevice) -> None:
    device.erase([3])
    for file in device.state.glob("store.sqlite*"):
        file.unlink()
    assert device.start() == (2, [])
    device.enrol([6])
    assert device.start() == (2, [person(6)])


def test_keys_whose_making_was_cut_off_begin_their_first_epoch(tmp_path: Path) -> None:
    device = VaultDevice(tmp_path)
    shutil.rmtree(device.state / "epochs")
    assert device.start() == (1, [])
    assert device.keys().epochs.known() == {1}


# Keys that fail.


def broken(device: VaultDevice) -> Path:
    """No new secret can be written: something lies where its file would be made."""
    way = device.state / "epochs" / ".2.key.part"
    way.mkdir()
    return way


def test_a_secret_that_cannot_be_made_does_not_delay_the_deletion(device: VaultDevice) -> None:
    way = broken(device)
    with closing(device.store()) as store:
        erasure = Erasure(store, device.keys(), device.said.append)
        erasure.erase({person(3): Ended.WITHDRAWN}, NOW_S)
        assert [row.subject for row in store.references()] == LEFT
        assert store.epochs.owed and store.epochs.present == 1
        erasure.retry(NOW_S)
        assert store.epochs.present == 1
        way.rmdir()
        erasure.retry(NOW_S)
        assert not store.epochs.owed and store.epochs.present == 2
        erasure.retry(NOW_S)
        assert store.epochs.present == 2, "nothing is left to do"
    assert len(device.said) == 2 and all(".2.key.part" in line or "2.key" in line for line in device.said)
    assert device.start() == (2, LEFT)


def test_an_epoch_that_is_owed_comes_at_the_next_start(device: VaultDevice) -> None:
    way = broken(device)
    device.erase([3])
    way.rmdir()
    assert device.start() == (2, LEFT)
    assert device.keys().epochs.known() == {2}


def test_an_old_store_is_not_written_again_and_again(device: VaultDevice) -> None:
    kept = copied(device, "kept")
    device.erase([3])
    restored(device, kept, "store.sqlite")
    with closing(device.store()) as store:
        erasure = Erasure(store, device.keys(), device.said.append)
        erasure.settle(NOW_S)
        erasure.erase({person(4): Ended.WITHDRAWN}, NOW_S)
        assert store.epochs.owed and [row.subject for row in store.references()] == [*ALL[:2], ALL[4]]
        changes = store._db.total_changes
        erasure.retry(NOW_S)
        assert store._db.total_changes == changes
    assert device.said == []


def test_a_mark_that_could_not_be_written_is_written_later(device: VaultDevice) -> None:
    way = device.state / "erased"
    way.mkdir()
    with closing(device.store()) as store:
        erasure = Erasure(store, device.keys(), device.said.append)
        erasure.erase({person(3): Ended.WITHDRAWN}, NOW_S)
        assert device.keys().epochs.known() == {2} and "erased: Is a directory" in device.said[0]
        way.rmdir()
        erasure.retry(NOW_S)
        assert len(device.keys().erased.read()) == 1


def test_a_reader_of_the_store_delays_the_truncation_only(device: VaultDevice) -> None:
    traces = device.traces([3])
    with closing(device.store()) as store:
        erasure = Erasure(store, device.keys(), device.said.append)
        with read_ledger(device.state / "store.sqlite") as copy:
            assert len(list(copy.entries)) == 5
            erasure.erase({person(3): Ended.WITHDRAWN}, NOW_S)
            assert device.keys().epochs.known() == {2}
        erasure.retry(NOW_S)
        assert device.remains(traces) == 0


@pytest.mark.parametrize("content", [b"", b"doorward/erased/2\n" + b"x" * 65])
def test_if_it_is_not_known_who_was_erased_nobody_is_recognised(device: VaultDevice, content: bytes) -> None:
    (device.state / "erased").write_bytes(content)
    assert device.start() == (1, None)
    assert "erased: is damaged" in device.said[-1]
    device.erase([3])
    with closing(device.store()) as store:
        assert [row.subject for row in store.references()] == LEFT, "deletion goes on"


def test_a_damaged_data_key_does_not_hold_up_the_others(device: VaultDevice) -> None:
    with closing(device.store()) as store:
        store._db.execute(
            "UPDATE data_key SET wrapped = zeroblob(72) WHERE subject = ?", (store._names.hide(person(5)),)
        )
    device.erase([3])
    epoch, found = device.start()
    assert (epoch, found) == (2, None)
    with closing(device.store()) as store:
        assert {row.subject: row.epoch for row in store.references()} == dict.fromkeys(LEFT, 2) | {person(5): 1}


def test_a_row_of_another_epoch_is_not_kept(device: VaultDevice) -> None:
    old = next(iter(rows([7], Erasure(device.store(), device.keys(), print).vault_keys())))
    device.erase([3])
    with closing(device.store()) as store, pytest.raises(VaultError, match="another epoch than the store"):
        store.put_reference(old, NOW_S)


def test_a_disk_that_fails_erases_nobody_and_says_so(device: VaultDevice) -> None:
    with closing(device.store()) as store:
        pages = store._db.execute("PRAGMA page_count").fetchone()[0]
        store._db.execute(f"PRAGMA max_page_count = {pages}")
        store._db.execute("CREATE TEMP TRIGGER full BEFORE INSERT ON ledger BEGIN SELECT raise(ABORT, 'full'); END")
        with pytest.raises(DeviceError):
            Erasure(store, device.keys(), device.said.append).erase({person(3): Ended.WITHDRAWN}, NOW_S)
    assert device.start() == (1, ALL)
    assert device.keys().epochs.known() == {1}


def test_opening_keys_switches_core_dumps_off(tmp_path: Path) -> None:
    PlainKeys.create(tmp_path / "keys.json", DEVICE)
    looked = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from types import SimpleNamespace as N\n"
        "from agent.app.keys import open_keys\n"
        "most = resource.getrlimit(resource.RLIMIT_CORE)[1]\n"  # 0 where a test before has opened keys in this process
        "resource.setrlimit(resource.RLIMIT_CORE, (most, most))\n"
        "open_keys(N(state=Path(sys.argv[1]), device=N(id='gate-1', insecure_dev=True), keys=N(backend='plain')))\n"
        "import ctypes\n"
        "print(resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))\n"
    )
    done = subprocess.run([sys.executable, "-c", looked, str(tmp_path)], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("(0, 0) 0\n", "")


def test_only_the_owner_reads_what_lies_in_the_state_folder(device: VaultDevice) -> None:
    device.erase([3])
    store: Store = device.store()
    with closing(store):
        files = [path for path in device.state.rglob("*") if path.is_file()]
        assert {"keys.json", "erased", "2.key", "store.sqlite", "store.sqlite-wal"} <= {path.name for path in files}
        assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
