"""`doorward events open`, `doorward command`, `doorward device retire`."""

from __future__ import annotations

import contextlib
import json
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from agent import crypto
from agent.cli import doorward
from agent.errors import ConfigError, DoorwardError, LinkError
from agent.events import command
from agent.events.decision import Decision, Outcome
from agent.events.seal import Addressee, canonical, seal_erasure, seal_event
from agent.policy.bundle import CommandKey, utc
from agent.policy.document import read
from agent.site.keyfiles import write_folder
from agent.units import DeviceId, DoorId, SiteId, SubjectId
from tests.adapters.mosquitto import Mosquitto, Observer
from tests.app.door import site


def run(*arguments: str, stdin: str | bytes = "") -> Result:
    return CliRunner().invoke(doorward, arguments, input=stdin)


def fault(result: Result, kind: type[DoorwardError]) -> str:
    assert isinstance(result.exception, kind), result.output
    return str(result.exception)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site's policy and events key, and a folder with events of its device."""
    folder = tmp_path_factory.mktemp("place")
    device = site(folder / "gate")
    device.server.close()
    (folder / "policy.json").write_bytes(device.data)
    write_folder(folder / "plain", {"events": device.events_secret}, None)
    write_folder(folder / "locked", {"events": device.events_secret}, "correct horse battery")
    (folder / "passphrase").write_text("correct horse battery\n")
    (folder / "passphrase").chmod(0o600)
    made = [
        seal_event(
            Decision(outcome, DoorId("main"), 1.9e9, 1, 1, 3, subject=subject, ground=ground),
            sequence=number,
            site=device.site,
            device=device.id,
            events_key=crypto.box_public(device.events_secret),
            sign_secret=device.keys.sign_secret,
            outcome_in_clear=False,
        ).envelope
        for number, (outcome, subject, ground) in enumerate(
            [
                (Outcome.MATCH, SubjectId("p-7"), None),
                (Outcome.NO_MATCH, None, None),
                (Outcome.PASS_REFUSED, None, "pass-used"),
            ],
            1,
        )
    ]
    (folder / "erased").write_bytes(canonical({"reason": "withdrawn", "site": device.site, "device": device.id}))
    receipt = seal_erasure(
        (folder / "erased").read_bytes(),
        unix_s=1.9e9,
        sequence=4,
        site=device.site,
        device=device.id,
        addressee=Addressee(crypto.box_public(device.events_secret), DoorId("main")),
        sign_secret=device.keys.sign_secret,
    )
    (folder / "receipt").write_bytes(receipt.envelope)
    (folder / "events").write_bytes(b"\n".join(made) + b"\n\n")
    return folder


def opened(place: Path, *more: str, stdin: bytes = b"", key: str = "plain/events.x25519") -> Result:
    return run("events", "open", "--key", str(place / key), "--policy", str(place / "policy.json"), *more, stdin=stdin)


def test_the_receipt_of_an_erasure_is_shown(place: Path) -> None:
    result = opened(place, str(place / "receipt"))
    assert result.exit_code == 0, result.output
    assert result.stdout.split() == ["4", "gate-1", "erasure", "receipt", (place / "erased").read_text()]
    told = json.loads(opened(place, "--json", str(place / "receipt")).stdout)
    assert told == {"device": "gate-1", "sequence": 4, "erasure": json.loads((place / "erased").read_text())}


def test_events_are_read_from_a_file_or_as_a_subscriber_writes_them(place: Path) -> None:
    result = opened(place, str(place / "events"))
    assert result.exit_code == 0, result.output
    assert [line.split() for line in result.stdout.splitlines()] == [
        ["1", "2030-03-17", "17:46:40.000+00:00", "gate-1", "main", "match", "p-7"],
        ["2", "2030-03-17", "17:46:40.000+00:00", "gate-1", "main", "no-match"],
        ["3", "2030-03-17", "17:46:40.000+00:00", "gate-1", "main", "pass-refused", "pass-used"],
    ]
    lines = b"\n".join(
        b"doorward/v1/x/gate-1/events " + line if line else b"" for line in (place / "events").read_bytes().splitlines()
    )
    piped = opened(place, "--json", stdin=lines)
    assert [json.loads(line)["outcome"] for line in piped.stdout.splitlines()] == ["match", "no-match", "pass-refused"]


def test_a_locked_key_takes_its_passphrase(place: Path) -> None:
    words = ("--passphrase-file", str(place / "passphrase"))
    result = opened(place, str(place / "events"), *words, key="locked/events.x25519")
    assert result.exit_code == 0 and len(result.stdout.splitlines()) == 3
    assert "no passphrase given opens it" in fault(opened(place, key="locked/events.x25519"), ConfigError)


def test_what_is_not_genuine_is_told_by_its_line_and_the_rest_is_printed(place: Path) -> None:
    lines = (place / "events").read_bytes().splitlines()
    changed = lines[0].replace(b'"sequence":1', b'"sequence":9')
    foreign = lines[1].replace(b'"device":"gate-1"', b'"device":"gate-9"')
    result = opened(place, stdin=b"\n".join([changed, foreign, b"\xff nothing", lines[2]]))
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["3"]
    told = result.stderr.splitlines()
    assert told[0].startswith("line 1: events: not signed by this device")
    assert told[1].startswith("line 2: events: from no device of this policy")
    assert told[2].startswith("line 3: events: from no device of this policy")
    assert fault(result, LinkError) == "3 of the lines could not be opened; see above"


def test_files_that_are_not_there_are_one_line(place: Path) -> None:
    assert "nothing: No such file" in fault(opened(place, str(place / "nothing")), ConfigError)
    assert "nothing: No such file" in fault(opened(place, key="nothing"), ConfigError)


def test_commands_are_written_and_taken(tmp_path: Path) -> None:
    key = tmp_path / "porter.ed25519"
    made = run("command", "key", str(key), "--days", "2")
    assert made.exit_code == 0 and "may end a stop" in made.stderr and key.stat().st_mode & 0o077 == 0
    assert run("command", "key", str(key)).stderr == ""
    import tomllib

    [named] = tomllib.loads(made.stdout)["command_keys"]
    assert named["until"] > utc(time.time() + 86_400)
    ours = read(json.dumps({**named, "until": named["until"].isoformat()}).encode(), CommandKey, "key")
    for words in (
        ["stop", "--minutes", "5"],
        ["check"],
        ["resume", "--key", str(key), "--site", "yard", "--device", "gate-1"],
    ):
        result = run("command", *words)
        assert result.exit_code == 0, result.output
        found = command.judge(
            result.stdout.strip().encode(),
            site=SiteId("yard"),
            device=DeviceId("gate-1"),
            keys=(ours,),
            unix_s=time.time(),
            taken=0,
        )
        assert isinstance(found, command.Asked) and found.command.kind == words[0]
        assert found.command.id is not None


def test_a_command_to_nobody_or_without_its_key_is_one_line(tmp_path: Path) -> None:
    words = ("command", "resume", "--key", str(tmp_path / "none"), "--site")
    assert "no such file; 'doorward command key' makes one" in fault(run(*words, "a", "--device", "b"), ConfigError)
    assert "is no name for a topic" in fault(run(*words, "a/#", "--device", "b"), LinkError)


def test_a_retired_device_leaves_nothing_on_the_broker(tmp_path: Path, free_port: int) -> None:
    device = site(tmp_path / "gate")
    device.server.close()
    text = device.config.read_text().replace("port = 1883", f'port = {free_port}\nhome_assistant = "ha"')
    device.config.write_text(text)
    broker = Mosquitto(tmp_path, free_port)
    broker.start()
    with contextlib.ExitStack() as ends:
        ends.callback(broker.stop)
        teller = Observer(free_port)
        ends.callback(teller.close)
        prefix = f"doorward/v1/{device.site}/{device.id}"
        topics = [f"{prefix}/status", f"{prefix}/notice", f"ha/device/doorward-{device.site}/{device.id}/config"]
        for topic in (*topics, f"{prefix}2/status"):
            teller.publish(topic, b"{}", retain=True)
        result = run("device", "retire", "--config", str(device.config))
        assert result.exit_code == 0 and "nothing of it is left" in result.stdout
        late = Observer(free_port)
        ends.callback(late.close)
        assert [each.topic for each in late.now()] == [f"{prefix}2/status"]
