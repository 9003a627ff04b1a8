"""Keys of a real TPM 2.0 in software: what it seals it alone unseals, and what was destroyed is nowhere."""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.adapters.keys import KeySource, TpmKeys
from agent.adapters.keys.tools import TpmTools
from agent.errors import DeviceError, VaultError
from agent.units import DeviceId
from tests.adapters.tpm import running_tpm
from tests.conftest import ROOT

DEVICE = DeviceId("gate-1")


@pytest.fixture
def chip() -> Iterator[Path]:
    """The TPM's memory; its path is short, as a socket's must be."""
    with tempfile.TemporaryDirectory(prefix="tpm-") as folder:
        yield Path(folder)


@pytest.fixture
def tcti(chip: Path) -> Iterator[str]:
    with running_tpm(chip) as named:
        yield named


@pytest.fixture
def path(state: Path) -> Path:
    return state / "tpm.json"


def test_what_is_made_is_unsealed_again_after_a_restart_of_the_tpm(chip: Path, path: Path) -> None:
    with running_tpm(chip) as tcti:
        made: KeySource = TpmKeys.create(path, DEVICE, tcti)
        kept = (made.sign_secret, made.box_secret, made.gallery_key, made.ledger_key, made.epochs.secret(1))
    with running_tpm(chip) as tcti:
        found: KeySource = TpmKeys.open(path, tcti)
        assert (found.device, found.backend, found.erase_strength) == (DEVICE, "tpm2", "hardware")
        assert (found.sign_secret, found.box_secret, found.gallery_key, found.ledger_key) == kept[:4]
        assert (found.epochs.present, found.epochs.secret(1)) == (1, kept[4])
        assert len(set(kept)) == 5 and {len(secret) for secret in kept} == {32}
        assert repr(found) == "<TpmKeys of gate-1>"


def test_no_secret_lies_in_the_state_folder(path: Path, tcti: str) -> None:
    keys = TpmKeys.create(path, DEVICE, tcti)
    assert [file.name for file in path.parent.iterdir()] == ["tpm.json"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    secrets = (keys.sign_secret, keys.box_secret, keys.gallery_key, keys.ledger_key, keys.epochs.secret(1))
    assert not any(form in path.read_bytes() for secret in secrets for form in (secret, secret.hex().encode()))


def test_a_destroyed_epoch_is_gone_from_the_chip(path: Path, tcti: str) -> None:
    keys, tools = TpmKeys.create(path, DEVICE, tcti), TpmTools(tcti)
    before = tools.indices()
    assert keys.epochs.begin() == 2
    assert (keys.epochs.known(), len(tools.indices())) == ({1, 2}, 2)
    assert keys.epochs.secret(1) != keys.epochs.secret(2)
    second = keys.epochs.secret(2)
    keys.epochs.destroy(1)
    keys.epochs.destroy(1)
    assert not tools.indices() & before
    for again in (keys, TpmKeys.open(path, tcti)):
        assert (again.epochs.known(), again.epochs.present, again.epochs.secret(2)) == ({2}, 2, second)
        with pytest.raises(VaultError, match="secret of epoch 1 was destroyed"):
            again.epochs.secret(1)
    keys.epochs.destroy(2)
    with pytest.raises(VaultError, match="holds no epoch's secret"):
        _ = keys.epochs.present


def test_an_index_that_a_power_cut_left_empty_is_no_epoch(path: Path, tcti: str) -> None:
    keys, tools = TpmKeys.create(path, DEVICE, tcti), TpmTools(tcti)
    index = min(tools.indices()) + 1
    tools._run("tpm2_nvdefine", "-Q", hex(index), "-C", "o", "-s", "40", "-a", "ownerread|ownerwrite|no_da")
    again = TpmKeys.open(path, tcti)
    assert again.epochs.known() == {1}
    assert again.epochs.begin() == 2
    assert len(again.epochs.secret(2)) == 32
    assert again.epochs.secret(1) == keys.epochs.secret(1)


def test_two_devices_on_one_tpm_do_not_meet(path: Path, tmp_path: Path, tcti: str) -> None:
    one, two = TpmKeys.create(path, DEVICE, tcti), TpmKeys.create(tmp_path / "tpm.json", DeviceId("gate-2"), tcti)
    assert one.epochs.secret(1) != two.epochs.secret(1)
    two.epochs.begin()
    two.epochs.destroy(1)
    assert TpmKeys.open(path, tcti).epochs.known() == {1}


def test_the_chip_alone_is_not_enough(path: Path, tmp_path: Path, tcti: str) -> None:
    """Who has the TPM and another document cannot make the epoch's secret out of the index."""
    one, two = TpmKeys.create(path, DEVICE, tcti), TpmKeys.create(tmp_path / "tpm.json", DEVICE, tcti)
    document = json.loads((tmp_path / "tpm.json").read_bytes())
    first = json.loads(path.read_bytes())["first_index"]
    (tmp_path / "tpm.json").write_text(json.dumps(document | {"first_index": first}))
    assert TpmKeys.open(tmp_path / "tpm.json", tcti).epochs.secret(1) not in (
        one.epochs.secret(1),
        two.epochs.secret(1),
    )


def test_another_tpm_does_not_unseal(path: Path, tcti: str) -> None:
    TpmKeys.create(path, DEVICE, tcti)
    before = path.read_bytes()
    with (
        tempfile.TemporaryDirectory(prefix="tpm-") as folder,
        running_tpm(Path(folder)) as other,
        pytest.raises(VaultError, match=r"tpm\.json: this TPM does not unseal the keys"),
    ):
        TpmKeys.open(path, other)
    assert path.read_bytes() == before


def test_keys_are_never_replaced(path: Path, tcti: str) -> None:
    TpmKeys.create(path, DEVICE, tcti)
    before = path.read_bytes()
    with pytest.raises(VaultError, match="exist already"):
        TpmKeys.create(path, DEVICE, tcti)
    assert path.read_bytes() == before


@pytest.mark.parametrize("change", [{"public": "0"}, {"first_index": 7}, {"extra": 1}, {"document": "00" * 80}])
def test_a_changed_file_is_one_line(path: Path, tcti: str, change: dict[str, object]) -> None:
    TpmKeys.create(path, DEVICE, tcti)
    path.write_text(json.dumps(json.loads(path.read_bytes()) | change))
    with pytest.raises(VaultError, match=rf"^[^\n]*tpm\.json: {next(iter(change))}[^\n]*$"):
        TpmKeys.open(path, tcti)


def test_a_tpm_that_is_not_there_says_what_to_look_at(path: Path, tmp_path: Path, tcti: str) -> None:
    with pytest.raises(VaultError, match="doorward device init"):
        TpmKeys.open(path, tcti)
    TpmKeys.create(path, DEVICE, tcti)
    nowhere = f"swtpm:path={tmp_path}/none"
    for attempt in (lambda: TpmKeys.open(path, nowhere), lambda: TpmKeys.create(tmp_path / "t.json", DEVICE, nowhere)):
        with pytest.raises(DeviceError, match=r"^TPM: tpm2_getcap failed \([^\n]*\); check keys\.tcti[^\n]*$"):
            attempt()


def test_power_cuts_do_not_lock_it(path: Path, chip: Path) -> None:
    """A TPM counts a start after a cut as a try of a password, if what it had loaded was protected by one."""
    with running_tpm(chip) as tcti:
        TpmKeys.create(path, DEVICE, tcti)
        secret = TpmKeys.open(path, tcti).epochs.secret(1)
    for _ in range(40):
        with running_tpm(chip) as tcti:
            assert TpmKeys.open(path, tcti).epochs.secret(1) == secret


def test_without_tpm2_tools_it_says_what_to_install(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(DeviceError, match="install tpm2-tools"):
        TpmKeys.create(path, DEVICE, None)


def test_the_environment_names_the_tpm(path: Path, tcti: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TPM2TOOLS_TCTI", tcti)
    TpmKeys.create(path, DEVICE, None)
    assert TpmKeys.open(path, tcti).epochs.known() == {1}


def test_no_secret_stands_on_a_command_line(
    path: Path, tcti: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every tool is run through one that writes its words down."""
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    for name in ("create", "createprimary", "load", "unseal", "getcap", "nvdefine", "nvwrite", "nvread", "nvundefine"):
        real = shutil.which(f"tpm2_{name}")
        script = bin_ / f"tpm2_{name}"
        script.write_text(f'#!/bin/sh\necho "$0 $*" >>{tmp_path}/words\nenv >>{tmp_path}/words\nexec {real} "$@"\n')
        script.chmod(0o700)
    monkeypatch.setenv("PATH", f"{bin_}:/usr/bin:/bin")
    keys = TpmKeys.create(path, DEVICE, tcti)
    keys.epochs.begin()
    keys.epochs.destroy(1)
    words = (tmp_path / "words").read_bytes()
    assert words.count(b"tpm2_nvwrite") >= 2
    secrets = (keys.sign_secret, keys.gallery_key, keys.ledger_key, keys.epochs.secret(2))
    assert not any(form in words for secret in secrets for form in (secret, secret.hex().encode()))


def test_a_process_that_gave_up_the_network_still_reaches_the_tpm(path: Path, tcti: str) -> None:
    TpmKeys.create(path, DEVICE, tcti)
    acts = (
        "import sys\n"
        "from pathlib import Path\n"
        "from agent.adapters import sandbox\n"
        "sandbox.keep_private()\n"
        "sandbox.leave_network()\n"
        "from agent.adapters.keys import TpmKeys\n"
        "keys = TpmKeys.open(Path(sys.argv[1]), sys.argv[2])\n"
        "print(keys.epochs.begin())\n"
        "keys.epochs.destroy(1)\n"
    )
    done = subprocess.run([sys.executable, "-c", acts, str(path), tcti], capture_output=True, text=True, cwd=ROOT)
    assert (done.stdout, done.stderr) == ("2\n", "")
    assert TpmKeys.open(path, tcti).epochs.known() == {2}
