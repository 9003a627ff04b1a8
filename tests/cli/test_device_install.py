"""`doorward device fill | mud | erase` as they are typed, with real keys."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
import tomllib
from pathlib import Path

import pytest

from tests.adapters.tpm import running_tpm
from tests.cli.started import doorward
from tests.conftest import ROOT

ANSWERS = ("--id", "gate-1", "--site", "my-house", "--root-sha256", "AB" * 32, "--repository", "https://site.example",
           "--broker", "broker.example", "--keys", "tpm2")  # fmt: skip


def fill(folder: Path, *more: str, **changed: str) -> subprocess.CompletedProcess[str]:
    words = list(ANSWERS)
    for name, value in changed.items():
        words[words.index(f"--{name}") + 1] = value
    here = ("--set", f"models.directory={ROOT / 'models'}", "--set", f"camera.file={ROOT / 'scenes/cast'}")
    example = ROOT / "device_config/desktop.toml"
    return doorward("device", "fill", example, *words, *here, *more, "-o", folder / "device.toml")


def test_the_answers_become_a_config(tmp_path: Path) -> None:
    done = fill(tmp_path, "--set", "broker.user=gate-1", "--set", "page.port=8481", broker="[2001:db8::1]:8884")
    assert done.returncode == 0, done.stderr
    made = tomllib.loads((tmp_path / "device.toml").read_text())
    assert made["device"] == {"id": "gate-1", "state": "/var/lib/doorward"}
    assert made["site"]["root_sha256"] == "ab" * 32
    assert made["site"]["repository"] == "https://site.example/"
    assert (made["broker"]["host"], made["broker"]["port"], made["broker"]["user"]) == ("2001:db8::1", 8884, "gate-1")
    assert (made["keys"]["backend"], made["page"]["port"]) == ("tpm2", 8481)
    assert [path.name for path in tmp_path.iterdir()] == ["device.toml"]


@pytest.mark.parametrize("broker", ["2001:db8::7", "[2001:db8::7]", "[2001:db8::7]:8883"])
def test_an_address_of_ipv6_with_and_without_brackets(tmp_path: Path, broker: str) -> None:
    assert fill(tmp_path, broker=broker).returncode == 0
    made = tomllib.loads((tmp_path / "device.toml").read_text())["broker"]
    assert (made["host"], made["port"]) == ("2001:db8::7", 8883)


def test_without_a_port_it_is_that_of_tls(tmp_path: Path) -> None:
    assert fill(tmp_path).returncode == 0
    assert tomllib.loads((tmp_path / "device.toml").read_text())["broker"]["port"] == 8883
    again = fill(tmp_path)
    assert again.returncode == 2 and "is there already and was left as it is" in again.stderr


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"id": "Gate 1"}, "device.id: "),
        ({"repository": "http://site.example/"}, "site.repository: needs https"),
        ({"root-sha256": "ab"}, "site.root_sha256: "),
        ({"broker": "host:x"}, "--broker: 'x' is no port"),
        ({"keys": "plain"}, "plain keys are for a desktop"),
    ],
)
def test_a_wrong_answer_is_told_and_nothing_is_written(tmp_path: Path, changed: dict[str, str], said: str) -> None:
    done = fill(tmp_path, **changed)
    assert done.returncode == 2 and said in done.stderr and ".tried" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_key_that_is_none_is_told(tmp_path: Path) -> None:
    assert "--set: 'x' is not TABLE.KEY=VALUE" in fill(tmp_path, "--set", "x").stderr
    missing = doorward("device", "fill", tmp_path / "none", *ANSWERS, "-o", tmp_path / "device.toml")
    assert missing.returncode == 2 and "cannot be read" in missing.stderr


@pytest.mark.parametrize("example", ["gate-pi", "door-usb", "rtsp"])
@pytest.mark.parametrize("keys", ["tpm2", "systemd-credentials"])
def test_each_example_of_a_device_takes_the_five_answers_and_says_what_it_needs(
    tmp_path: Path, example: str, keys: str
) -> None:
    words = [keys if word == "tpm2" else word for word in ANSWERS]
    file = tmp_path / "device.toml"
    more = ("--set", f"models.directory={ROOT / 'models'}", "--set", f"broker.tls.ca={file_of_ca(tmp_path)}")
    done = doorward("device", "fill", ROOT / f"device_config/{example}.toml", *words, *more, "-o", file)
    assert done.returncode == 0, done.stderr
    asked = doorward("device", "needs", "--config", file)
    assert asked.returncode == 0 and {"tpm2": "tpm", "systemd-credentials": "credentials"}[keys] in asked.stdout.split()


def file_of_ca(folder: Path) -> Path:
    """As scripts/install names one in every config."""
    (folder / "ca.pem").write_text("")
    return folder / "ca.pem"


def configured(folder: Path, keys: str) -> Path:
    text = (ROOT / "device_config/desktop.toml").read_text()
    for key, value in (
        ("state", str(folder / "state")),
        ("directory", str(ROOT / "models")),
        ("file", str(ROOT / "scenes/cast")),
    ):
        text = re.sub(rf'^{key} = ".*?"', f'{key} = "{value}"', text, flags=re.MULTILINE)
    file = folder / "device.toml"
    file.write_text(re.sub(r'^backend = "plain"', keys, text, flags=re.MULTILINE))
    return file


def test_the_mud_file_is_written(tmp_path: Path) -> None:
    file = configured(tmp_path, 'backend = "plain"')
    words = ("device", "mud", "--config", file, "--url", "https://mud.example/x.json", "--ntp", "time.example")
    shown = doorward(*words)
    assert json.loads(shown.stdout)["ietf-mud:mud"]["mud-url"] == "https://mud.example/x.json"
    assert doorward(*words, "-o", tmp_path / "mud.json").returncode == 0
    assert json.loads((tmp_path / "mud.json").read_text()).keys() == json.loads(shown.stdout).keys()


def test_erasing_destroys_every_secret_and_leaves_the_ledger(tmp_path: Path) -> None:
    file = configured(tmp_path, 'backend = "plain"')
    assert doorward("device", "init", "--config", file).returncode == 0
    state = tmp_path / "state"
    (state / "store.sqlite").write_bytes(b"the ledger")
    inodes = {path.name: path.stat().st_ino for path in state.rglob("*.key")}
    assert inodes.keys() == {"1.key"}
    assert doorward("device", "erase", "--config", file).returncode == 130, "nobody said yes"
    assert (state / "keys.json").exists()
    done = doorward("device", "erase", "--config", file, "--yes")
    assert (done.returncode, done.stdout) == (0, f"{state}: keys destroyed: 1.key, keys.json\n")
    assert sorted(path.name for path in state.rglob("*") if path.is_file()) == ["device.json", "lock", "store.sqlite"]
    assert "holds no keys" in doorward("device", "erase", "--config", file, "--yes").stdout


@pytest.mark.parametrize("name", ["lock", "keys.json", "epochs/1.key"])
def test_no_link_in_the_state_leads_whoever_erases_elsewhere(tmp_path: Path, name: str) -> None:
    """The recogniser's user may put anything into its folder, and root may be who erases."""
    file = configured(tmp_path, 'backend = "plain"')
    assert doorward("device", "init", "--config", file).returncode == 0
    victim, planted = tmp_path / "victim", tmp_path / "state" / name
    victim.write_text("root:x:0:0\n")
    planted.unlink(missing_ok=True)
    planted.symlink_to(victim)
    done = doorward("device", "erase", "--config", file, "--yes")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1 and f"{planted}: is a link, or no file; " in done.stderr
    assert victim.read_text() == "root:x:0:0\n"


def test_in_a_tpm_the_indices_go_too() -> None:
    short = tempfile.TemporaryDirectory
    with short(prefix="tpm-") as chip, short() as folder, running_tpm(Path(chip)) as tcti:
        file = configured(Path(folder), f'backend = "tpm2"\ntcti = "{tcti}"')
        assert doorward("device", "init", "--config", file).returncode == 0
        done = doorward("device", "erase", "--config", file, "--yes")
        assert done.returncode == 0, done.stderr
        assert "keys destroyed: epoch 1 in the TPM, tpm.json" in done.stdout
        left = subprocess.run(["tpm2_getcap", "-T", tcti, "handles-nv-index"], capture_output=True, text=True)
        assert (left.returncode, left.stdout.strip()) == (0, "")
