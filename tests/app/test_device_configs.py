"""The examples of device_config/ are read as they are, and the JSON Schema for editors is that of the code.

`python -m tests.app.test_device_configs --write` writes the schema again.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import jsonschema
import pytest

from agent.app.config import load
from agent.app.config_camera import PiCamera, Recording, RtspCamera, UsbCamera
from agent.app.config_door import NoDoor, Relay
from agent.app.config_schema import schema, text
from agent.app.sources import parts
from agent.errors import ConfigError
from tests.conftest import ROOT

FOLDER = ROOT / "device_config"
FILE = FOLDER / "schema.json"
EXAMPLES = {
    "gate-pi": (PiCamera, Relay),
    "door-usb": (UsbCamera, NoDoor),
    "rtsp": (RtspCamera, NoDoor),
    "desktop": (Recording, NoDoor),
}


def test_every_example_is_known() -> None:
    assert {path.stem for path in FOLDER.glob("*.toml")} == {*EXAMPLES, "policy"}


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_read_and_its_parts_are_found(name: str, tmp_path: Path) -> None:
    file = tmp_path / "device_config" / f"{name}.toml"
    file.parent.mkdir()
    (tmp_path / "models").mkdir()
    (tmp_path / "recording.mp4").touch()
    file.write_text((FOLDER / f"{name}.toml").read_text("utf-8"), "utf-8")
    config = load(file)
    assert (type(config.camera), type(config.door)) == EXAMPLES[name]
    assert config.device.insecure_dev is (name == "desktop")
    made = parts(config, print)
    assert made.open_locator is None and made.open_reader is None and made.open_contacts is None
    assert config.frames == Path("/run/doorward/frames.sock" if name == "rtsp" else config.state / "frames.sock")


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_keeps_to_the_schema_and_names_it(name: str) -> None:
    written = (FOLDER / f"{name}.toml").read_text("utf-8")
    assert written.startswith("#:schema ./schema.json\n")
    jsonschema.Draft202012Validator(schema()).validate(tomllib.loads(written))


def test_the_schema_is_that_of_the_code() -> None:
    assert FILE.read_text("utf-8") == text(), "run: python -m tests.app.test_device_configs --write"
    jsonschema.Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize(
    ("table", "key", "value"),
    [
        ("device", "id", "Gate 1"),
        ("device", "debug", True),
        ("camera", "kind", "webcam"),
        ("camera", "fps", 60),
        ("camera", "backlight", 1),
        ("door", "pin", 28),
        ("door", "lock", "open"),
        ("broker", "port", "8883"),
    ],
)
def test_the_schema_refuses_what_the_code_refuses(table: str, key: str, value: object) -> None:
    document = tomllib.loads((FOLDER / "gate-pi.toml").read_text("utf-8"))
    document[table][key] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema()).validate(document)


def test_the_schema_explains_what_a_key_is_for() -> None:
    definitions = schema()["$defs"]
    for name in ("PiCamera", "UsbCamera", "RtspCamera", "Relay", "Contacts"):
        assert len(definitions[name]["description"]) > 20
    assert "Stops brighter" in definitions["PiCamera"]["properties"]["brighter_ev"]["description"]
    assert "base" not in json.dumps(schema()["properties"])


def test_the_command_prints_it_without_a_config() -> None:
    start = [sys.executable, "-c", "from agent.cli import main; main()", "check", "--schema"]
    done = subprocess.run(start, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, text(), "")


RELAY = '[door]\nkind = "relay"\npin = 17\n[contacts]\nexit_pin = 5\ntamper_pin = 6\n'


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("pin = 17", "pin = 28", ":3: door.pin: Input should be less than or equal to 27; choose a smaller one"),
        ('kind = "relay"', 'kind = "none"', ":3: door.pin: unknown key; remove it or correct its spelling"),
        ("tamper_pin = 6", "tamper_pin = 5", ":4: contacts: GPIO 5 is named twice among exit_pin, tamper_pin, camera."),
        ("exit_pin = 5", "exit_pin = 17", ":4: contacts: GPIO 17 is named twice among exit_pin, tamper_pin, camera."),
        (
            "pin = 17",
            'pin = 17\nlock = "magnet"',
            ":4: door.lock: Input should be 'fail-secure' or 'fail-safe'; choose",
        ),
        ("exit_pin", "egress_pin", ":5: contacts.egress_pin: unknown key; remove it or correct its spelling"),
    ],
)
def test_pins_are_held_to_their_rules(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert RELAY.count(old) >= 1
    rest = (FOLDER / "door-usb.toml").read_text("utf-8").replace('[door]\nkind = "none"\n', "")
    file = tmp_path / "device.toml"
    file.write_text(RELAY.replace(old, new, 1) + rest.replace('"../models"', f'"{tmp_path}"'), "utf-8")
    with pytest.raises(ConfigError) as caught:
        load(file)
    assert f"{file}{words}" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("http://192.0.2.7/", "camera.address: String should match pattern"),
        ("rtsp://door:secret@192.0.2.7/", "camera.address: holds a name or a password, which then stand in this file"),
        ("rtsp:///stream", "camera.address: names no host"),
        ("rtsp://192.0.2.7:99999/a", "camera.address: names no host, or no port of 1 to 65535; write rtsp://"),
    ],
)
def test_an_address_is_that_of_one_camera(tmp_path: Path, address: str, words: str) -> None:
    changed = (FOLDER / "rtsp.toml").read_text("utf-8").replace("rtsp://192.0.2.7:554/stream1", address)
    file = tmp_path / "device.toml"
    file.write_text(changed.replace('"../models"', f'"{tmp_path}"'), "utf-8")
    with pytest.raises(ConfigError) as caught:
        load(file)
    assert words in str(caught.value) and "secret" not in str(caught.value) and "\n" not in str(caught.value)


if __name__ == "__main__" and "--write" in sys.argv:
    FILE.write_text(text(), "utf-8")
