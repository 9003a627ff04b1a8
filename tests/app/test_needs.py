"""What a device config asks of the machine: no more than it names, and nothing that the units could not give."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from agent.app.config import load
from agent.app.needs import needs
from agent.errors import ConfigError
from tests.conftest import ROOT


def asked(folder: Path, example: str, *changes: tuple[str, str]) -> list[str]:
    """Of this example with these lines changed, each found by its beginning."""
    text = (ROOT / "device_config" / f"{example}.toml").read_text()
    for start, line in (("directory = ", f'directory = "{ROOT / "models"}"'), *changes):
        text, count = re.subn(rf"^{re.escape(start)}.*", line, text, flags=re.MULTILINE)
        assert count == 1, start
    file = folder / "device.toml"
    file.write_text(text)
    return list(needs(load(file)))


PINS = ["python gpiozero python3-gpiozero", "python lgpio python3-lgpio"]
RELAY = ('kind = "relay"', 'kind = "none"')
NO_RELAY = (RELAY, *((f"{key} = ", "") for key in ("pin", "lock", "pulse_s")))
CONTACTS = [("# exit_pin", "exit_pin = 5"), ("# tamper_pin", "tamper_pin = 6"), ("# ir_cut_pin", "ir_cut_pin = 22")]


def test_a_pi_with_camera_relay_and_tpm(tmp_path: Path) -> None:
    assert asked(tmp_path, "gate-pi") == ["devices", "tpm", "python picamera2 python3-picamera2", *PINS]


@pytest.mark.parametrize("contact", CONTACTS)
def test_one_pin_is_enough_to_need_them(tmp_path: Path, contact: tuple[str, str]) -> None:
    assert asked(tmp_path, "gate-pi", *NO_RELAY, contact)[-2:] == PINS


def test_without_a_pin_none_is_needed(tmp_path: Path) -> None:
    assert asked(tmp_path, "gate-pi", *NO_RELAY)[2:] == ["python picamera2 python3-picamera2"]


def test_a_usb_camera(tmp_path: Path) -> None:
    assert asked(tmp_path, "door-usb") == ["devices", "credentials"]


def test_a_recording_needs_nothing_and_a_line_needs_devices(tmp_path: Path) -> None:
    film = ("file = ", f'file = "{ROOT / "scenes/cast"}"')
    assert asked(tmp_path, "desktop", film) == []
    reader = ("[page]", '[reader]\nport = "/dev/ttyUSB0"\n[page]')
    assert asked(tmp_path, "desktop", film, reader) == ["devices"]


@pytest.mark.parametrize(("address", "named"), [("192.0.2.7:554", "192.0.2.7"), ("[2001:db8::7]", "2001:db8::7")])
def test_a_camera_of_the_network_is_one_address(tmp_path: Path, address: str, named: str) -> None:
    found = asked(tmp_path, "rtsp", ("address = ", f'address = "rtsp://{address}/stream1"'))
    assert found == ["credentials", f"rtsp {named}"]


@pytest.mark.parametrize(
    ("start", "line", "said"),
    [
        ("address = ", 'address = "rtsp://camera.example/a"', "camera.address: camera.example is a name; write"),
        ("transport = ", 'transport = "udp"', "camera.transport: frames by UDP"),
        ("socket = ", "", 'is not where the unit listens; write socket = "/run/doorward/frames.sock"'),
    ],
)
def test_one_that_no_unit_can_serve_is_told(tmp_path: Path, start: str, line: str, said: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(said)):
        asked(tmp_path, "rtsp", (start, line))
