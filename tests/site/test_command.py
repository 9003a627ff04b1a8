"""`doorward site …` as the operator types it: what it makes, and one clear line for each mistake."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from agent.adapters.updates import Updates, Verified
from tests.site.given import Operator
from tests.site.test_policy_draft import DEVICE, TOML


def device_sees(operator: Operator) -> Verified:
    """What a device that starts with nothing makes of the site now."""
    files = operator.folder / "quay/repository"

    def fetch(path: str, limit: int) -> bytes | None:
        return (files / path).read_bytes() if (files / path).exists() else None

    device = Updates(operator.folder / "device", (files / "metadata/1.root.json").read_bytes(), fetch)
    return device.refresh(json.loads((files / "metadata/timestamp.json").read_bytes())["signed"]["issued"])


@pytest.fixture
def operator(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Operator:
    return Operator(tmp_path, capsys, monkeypatch)


def test_one_command_makes_a_site_that_a_device_follows(operator: Operator) -> None:
    said = operator.makes_a_site()
    verified = device_sees(operator)
    assert [target.path for target in verified.targets] == ["permission/policy.json"]
    assert json.loads(verified.targets[0].data)["devices"] == [DEVICE]
    fingerprint = said.splitlines()[-1].rpartition(" ")[2]
    assert fingerprint in operator.types("show", operator.dir).out


def test_show_names_every_role_and_target(operator: Operator) -> None:
    operator.makes_a_site()
    operator.types("withdraw", operator.dir, "p-7")
    said = operator.types("show", operator.dir)
    assert said.code == 0 and "quay, one key for all roles" in said.out
    for word in ("root", "targets", "snapshot", "timestamp", "enrolment", "pass", "permission/policy.json",
                 "restriction/withdraw-p-7.json"):  # fmt: skip
        assert word in said.out


def test_an_edited_working_copy_is_published_as_the_next_version(operator: Operator) -> None:
    operator.makes_a_site()
    copy = operator.folder / "quay/policy.json"
    copy.write_text(
        copy.read_text().replace('"margin_m": 5', '"margin_m": 9').replace('"door": "main"', '"door": "main"')
    )
    assert "policy version 2" in operator.types("publish", operator.dir).out
    document = json.loads(device_sees(operator).targets[0].data)
    assert (document["version"], document["margin_m"]) == (2, 9) and json.loads(copy.read_bytes()) == document
    assert "nothing has changed" in operator.types("publish", operator.dir).err


def test_a_new_policy_replaces_the_old(operator: Operator) -> None:
    operator.makes_a_site()
    (operator.folder / "new.toml").write_text(TOML.replace('door = "main"', 'door = "side"'))
    files = ("--policy", str(operator.folder / "new.toml"), "--device", str(operator.folder / "device.json"))
    assert operator.types("publish", operator.dir, *files).code == 0
    document = json.loads(device_sees(operator).targets[0].data)
    assert (document["door"], document["version"]) == ("side", 2)


def test_a_site_without_a_policy_permits_nothing_until_one_is_published(operator: Operator) -> None:
    assert operator.types("init", operator.dir, "--single-key", "--plain", "--site", "quay").code == 0
    assert device_sees(operator).targets == ()
    assert "give a policy with --policy" in operator.types("publish", operator.dir).err
    files = ("--policy", str(operator.folder / "policy.toml"), "--device", str(operator.folder / "device.json"))
    assert "version 1" in operator.types("publish", operator.dir, *files).out
    assert len(device_sees(operator).targets) == 1


def test_withdrawal_stop_and_renewal_reach_a_device(operator: Operator) -> None:
    operator.makes_a_site()
    assert operator.types("withdraw", operator.dir, "p-7").code == 0
    assert operator.types("stop", operator.dir, "fair", "--hours", "2").code == 0
    assert "lease renewed until" in operator.types("renew", operator.dir).out
    found = {target.path: json.loads(target.data) for target in device_sees(operator).targets}
    assert found["restriction/withdraw-p-7.json"]["subject"] == "p-7"
    assert found["restriction/stop-fair.json"]["kind"] == "stop"


def test_each_mistake_is_one_clear_line(operator: Operator) -> None:
    operator.makes_a_site()
    policy, device = str(operator.folder / "policy.toml"), str(operator.folder / "device.json")
    (operator.folder / "bad.toml").write_text(TOML.replace("dwell_s = 0.5", "dwell_s = 0.1"))
    other, bad = str(operator.folder / "other"), str(operator.folder / "bad.toml")
    for words, says in [
        (("init", operator.dir, "--single-key", "--site", "quay"), "holds a site already"),
        (("init", other, "--site", "quay"), "give --passphrase-file, or --plain"),
        (("init", other, "--single-key", "--plain", "--site", "The Quay"), "use a-z"),
        (("init", other, "--single-key", "--site", "quay", "--policy", policy), "add --device"),
        (("init", other, "--single-key", "--site", "quay", "--policy", bad, "--device", device), "attempt.dwell_s"),
        (("init", other, "--single-key", "--site", "quay", "--policy", other, "--device", device), "No such file"),
        (("init", other, "--single-key", "--site", "quay", "--device", policy), "copy the device's device.json again"),
        (("publish", other), "not a site"),
        (("show", policy), "is a file"),
        (("withdraw", operator.dir, "Zaphod B"), "a-z, 0-9"),
        (("renew", other), "not a site"),
    ]:
        said = operator.types(*words)
        assert said.code == 2, words
        assert says in said.err and "Traceback" not in said.err and "Zaphod" not in said.err
        assert len([line for line in said.err.splitlines() if line.startswith(("doorward:", "Error:"))]) == 1
    assert not (operator.folder / "other").exists()


def test_a_changed_repository_is_not_signed_over(operator: Operator) -> None:
    operator.makes_a_site()
    file = operator.folder / "quay/repository/metadata/timestamp.json"
    file.write_bytes(file.read_bytes().replace(b'"version":2', b'"version":9'))
    for words in (("show",), ("publish",), ("renew",), ("stop", "fair")):
        said = operator.types(words[0], operator.dir, *words[1:])
        assert said.code == 2 and "restore it from a copy" in said.err


def test_the_command_is_installed_under_its_name(operator: Operator) -> None:
    told = subprocess.run(
        [sys.executable, "-c", "from agent.cli import main; main()", "site", "--help"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "withdraw" in told.stdout
