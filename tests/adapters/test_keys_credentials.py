"""Keys as systemd hands them to a service: a read-only folder, one document, epochs encrypted beside the store."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.adapters.keys import CredentialKeys, KeySource
from agent.adapters.keys.source import new_document
from agent.errors import DeviceError, VaultError
from agent.units import DeviceId

DEVICE = DeviceId("gate-1")


@pytest.fixture
def given(tmp_path: Path) -> Path:
    folder = tmp_path / "credentials"
    folder.mkdir()
    (folder / "doorward-keys").write_bytes(new_document(DEVICE))
    (folder / "doorward-keys").chmod(0o400)
    folder.chmod(0o500)
    return folder


def test_the_document_is_read_and_the_epochs_lie_in_the_state_folder(state: Path, given: Path) -> None:
    keys: KeySource = CredentialKeys.open(state, str(given))
    assert (keys.device, keys.backend, keys.erase_strength) == (DEVICE, "systemd-credentials", "best-effort")
    assert keys.epochs.known() == set()
    with pytest.raises(VaultError, match="holds no epoch's secret"):
        _ = keys.epochs.present
    assert (keys.epochs.begin(), keys.epochs.begin(), keys.epochs.present) == (1, 2, 2)
    again = CredentialKeys.open(state, str(given))
    assert again.epochs.secret(2) == keys.epochs.secret(2)
    assert keys.epochs.secret(2) not in (state / "epochs" / "2.key").read_bytes(), "it lies there encrypted"


def test_the_environment_says_where_it_is(state: Path, given: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(given))
    assert CredentialKeys.open(state).device == DEVICE
    monkeypatch.delenv("CREDENTIALS_DIRECTORY")
    with pytest.raises(VaultError, match="LoadCredentialEncrypted=doorward-keys:"):
        CredentialKeys.open(state)


def test_a_missing_or_malformed_credential_is_one_line(state: Path, tmp_path: Path) -> None:
    with pytest.raises(VaultError, match=r"^[^\n]*doorward-keys: No such file[^\n]*$"):
        CredentialKeys.open(state, str(tmp_path))
    (tmp_path / "doorward-keys").write_bytes(b"{}")
    with pytest.raises(VaultError, match=r"^[^\n]*doorward-keys: [^\n]*$"):
        CredentialKeys.open(state, str(tmp_path))


def test_the_epochs_of_another_credential_do_not_open(state: Path, given: Path, tmp_path: Path) -> None:
    CredentialKeys.open(state, str(given)).epochs.begin()
    other = tmp_path / "other"
    other.mkdir()
    (other / "doorward-keys").write_bytes(new_document(DEVICE))
    with pytest.raises(VaultError, match="damaged or another device's"):
        CredentialKeys.open(state, str(other)).epochs.secret(1)


def test_without_systemd_creds_it_says_what_to_install(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(DeviceError, match="install systemd 250 or newer"):
        CredentialKeys.create(state, DEVICE)
    assert list(state.iterdir()) == []
