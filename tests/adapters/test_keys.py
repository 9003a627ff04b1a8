"""Plain keys: made once, whole and private, and of no use unless the installer asked for them."""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.adapters.keys import KeySource, PlainKeys, device_document
from agent.adapters.keys.source import epoch_box
from agent.crypto import box_public, fingerprint, sign_public
from agent.errors import DeviceError, VaultError
from agent.introduction import DeviceDocument
from agent.policy.document import read
from agent.units import DeviceId

DEVICE = DeviceId("gate-1")


@pytest.fixture
def path(state: Path) -> Path:
    return state / "keys.json"


def test_what_is_made_is_read_back(path: Path) -> None:
    made: KeySource = PlainKeys.create(path, DEVICE)
    found: KeySource = PlainKeys.open(path, insecure_dev=True)
    assert (found.device, found.backend, found.erase_strength) == (DEVICE, "plain", "best-effort")
    assert (found.sign_secret, found.box_secret) == (made.sign_secret, made.box_secret)
    assert found.ledger_key == made.ledger_key
    secrets = {
        found.sign_secret,
        found.box_secret,
        found.gallery_key,
        found.ledger_key,
        found.epochs.secret(1),
        epoch_box(found.epochs.secret(1)),
    }
    assert len(secrets) == 6
    assert made.epochs.secret(1) == found.epochs.secret(1)
    assert {len(secret) for secret in secrets} == {32}


def test_the_file_is_its_owners_alone_and_lies_there_alone(path: Path) -> None:
    PlainKeys.create(path, DEVICE)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    files = [file for file in path.parent.rglob("*") if file.is_file()]
    assert sorted(file.name for file in files) == ["1.key", "keys.json"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE((path.parent / "epochs").stat().st_mode) == 0o700


def test_works_only_when_the_installer_asked_for_it(path: Path) -> None:
    PlainKeys.create(path, DEVICE)
    with pytest.raises(VaultError, match="insecure_dev"):
        PlainKeys.open(path, insecure_dev=False)


def test_keys_are_never_replaced(path: Path) -> None:
    PlainKeys.create(path, DEVICE)
    before = path.read_bytes()
    with pytest.raises(VaultError, match="exist already"):
        PlainKeys.create(path, DEVICE)
    assert path.read_bytes() == before


def test_what_a_power_cut_left_does_not_stand_in_the_way(path: Path) -> None:
    path.with_name(".keys.json.part").write_bytes(b"half")
    PlainKeys.create(path, DEVICE)
    assert PlainKeys.open(path, insecure_dev=True).device == DEVICE


def test_keys_that_others_can_read_are_refused(path: Path) -> None:
    PlainKeys.create(path, DEVICE)
    path.chmod(0o640)
    with pytest.raises(VaultError, match="others than its owner"):
        PlainKeys.open(path, insecure_dev=True)


@pytest.mark.parametrize("change", [{"epochs": "00"}, {"gallery": None}, {"extra": 1}, {"schema": "x"}, {"signing": 5}])
def test_a_malformed_file_is_one_line_without_a_key(path: Path, change: dict[str, object]) -> None:
    PlainKeys.create(path, DEVICE)
    document = json.loads(path.read_bytes())
    changed = {name: value for name, value in (document | change).items() if value is not None}
    path.write_text(json.dumps(changed))
    with pytest.raises(VaultError) as error:
        PlainKeys.open(path, insecure_dev=True)
    assert str(error.value).startswith(f"{path}: {next(iter(change))}")
    assert "\n" not in str(error.value)
    assert not any(document[name] in str(error.value) for name in ("signing", "box", "gallery", "ledger", "epochs"))


def test_a_missing_file_or_folder_says_what_to_do(path: Path) -> None:
    with pytest.raises(VaultError, match="doorward device init"):
        PlainKeys.open(path, insecure_dev=True)
    with pytest.raises(DeviceError, match="check the folder"):
        PlainKeys.create(path.parent / "missing" / "keys.json", DEVICE)


def test_the_devices_own_document_holds_public_keys_only(path: Path) -> None:
    keys = PlainKeys.create(path, DEVICE)
    document = read(device_document(keys), DeviceDocument, "device.json")
    assert document.id == DEVICE
    assert document.signing_key == sign_public(keys.sign_secret).hex()
    assert document.box_key == box_public(keys.box_secret).hex()
    assert len(fingerprint(bytes.fromhex(document.signing_key))) == 24
    assert keys.sign_secret.hex() not in repr(keys)


def test_a_destroyed_epoch_is_overwritten_and_gone(path: Path) -> None:
    keys = PlainKeys.create(path, DEVICE)
    file = path.parent / "epochs" / "1.key"
    with file.open("rb") as kept:  # whoever had it open sees what became of the blocks
        before = kept.read()
        assert keys.epochs.begin() == 2
        keys.epochs.destroy(1)
        kept.seek(0)
        assert kept.read() == bytes(len(before))
    assert not file.exists()
    keys.epochs.destroy(1)
    assert (keys.epochs.known(), keys.epochs.present) == ({2}, 2)
    with pytest.raises(VaultError, match=r"1\.key: the secret of this epoch was destroyed by an erasure"):
        keys.epochs.secret(1)


@pytest.mark.parametrize("change", [lambda data: data[:-1], lambda data: bytes(len(data)), lambda data: b""])
def test_a_damaged_epoch_does_not_open(path: Path, change: Callable[[bytes], bytes]) -> None:
    keys = PlainKeys.create(path, DEVICE)
    file = path.parent / "epochs" / "1.key"
    file.write_bytes(change(file.read_bytes()))
    with pytest.raises(VaultError, match="damaged"):
        keys.epochs.secret(1)


def test_an_epoch_under_another_number_does_not_open(path: Path) -> None:
    keys = PlainKeys.create(path, DEVICE)
    (path.parent / "epochs" / "1.key").rename(path.parent / "epochs" / "2.key")
    with pytest.raises(VaultError, match="damaged"):
        keys.epochs.secret(2)


def test_files_that_are_no_epochs_are_none(path: Path) -> None:
    keys = PlainKeys.create(path, DEVICE)
    for name in (".2.key.part", "0.key", "x.key", "7.key.old", "07.key"):
        (path.parent / "epochs" / name).write_bytes(b"x")
    assert keys.epochs.known() == {1}


def test_folders_in_the_way_are_one_line(path: Path) -> None:
    keys = PlainKeys.create(path, DEVICE)
    (path.parent / "epochs" / "2.key").mkdir()
    for attempt in (lambda: keys.epochs.secret(2), lambda: keys.epochs.destroy(2)):
        with pytest.raises(DeviceError, match=r"^[^\n]*2\.key: [^\n]*; check the folder[^\n]*$"):
            attempt()
    shutil.rmtree(path.parent / "epochs")
    (path.parent / "epochs").touch()
    with pytest.raises(DeviceError, match="check the folder"):
        keys.epochs.known()
    (path.parent / "epochs").unlink()
    (path.parent / "epochs").symlink_to(path.parent / "nowhere" / "epochs")
    with pytest.raises(DeviceError, match="check the folder"):
        keys.epochs.begin()


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """Of somebody else, to whom a link in the state folder leads."""
    made = tmp_path / "victim"
    made.mkdir()
    (made / "1.key").write_text("root:x:0:0\n")
    return made


def test_what_a_link_names_is_not_overwritten(path: Path, victim: Path) -> None:
    keys = PlainKeys.create(path, DEVICE)
    file = path.parent / "epochs" / "1.key"
    file.unlink()
    file.symlink_to(victim / "1.key")
    with pytest.raises(DeviceError, match=r"^[^\n]*epochs/1\.key: is a link, or no file; [^\n]* take it away$"):
        keys.epochs.destroy(1)
    assert (victim / "1.key").read_text() == "root:x:0:0\n"
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(DeviceError, match="is a link, or no file"):
        keys.epochs.destroy(1)


def test_a_folder_that_is_a_link_leads_nowhere(path: Path, victim: Path) -> None:
    keys = PlainKeys.create(path, DEVICE)
    shutil.rmtree(path.parent / "epochs")
    (path.parent / "epochs").symlink_to(victim)
    with pytest.raises(DeviceError, match=r"^[^\n]*1\.key: [^\n]*; check the folder[^\n]*$"):
        keys.epochs.destroy(1)
    with pytest.raises(DeviceError, match=r"^[^\n]*epochs: is a link; [^\n]*take it away$"):
        keys.epochs.begin()
    assert {file.name: file.read_text() for file in victim.iterdir()} == {"1.key": "root:x:0:0\n"}


def test_the_erased_are_marked_and_never_forgotten(path: Path) -> None:
    keys = PlainKeys.create(path, DEVICE)
    assert keys.erased.read() == frozenset()
    keys.erased.add({b"a" * 32, b"b" * 32})
    keys.erased.add({b"b" * 32, b"c" * 32})
    file = path.parent / "erased"
    assert PlainKeys.open(path, insecure_dev=True).erased.read() == {b"a" * 32, b"b" * 32, b"c" * 32}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    whole = file.read_bytes()
    flipped = [whole[:at] + bytes((whole[at] ^ 1,)) + whole[at + 1 :] for at in range(len(whole))]
    shortened = whole[:-32]
    for damaged in (*flipped, shortened, whole[:-1], b"", b"x" * 50):
        file.write_bytes(damaged)
        with pytest.raises(VaultError, match="erased: is damaged"):
            keys.erased.read()
        with pytest.raises(VaultError, match="erased: is damaged"):
            keys.erased.add({b"d" * 32})
    file.unlink()
    file.mkdir()
    with pytest.raises(DeviceError, match="check the folder"):
        keys.erased.read()
