"""`doorward site …` of several key holders, typed word by word, with a real device looking on."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.crypto import fingerprint
from agent.introduction import introduced
from agent.site.keys import SiteKeys
from agent.site.repository import SiteRepository
from agent.site.restrictions import stop_order
from agent.units import SubjectId
from tests.policy.given import square
from tests.site.given import Gate, Operator
from tests.site.test_policy_draft import DEVICE

SECOND = introduced("gate-2", "5" * 64, "6" * 64)


@pytest.fixture
def operator(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Operator:
    made = Operator(tmp_path, capsys, monkeypatch)
    made.makes_a_site("anna", "bert", "cleo")
    return made


@pytest.fixture
def gate(operator: Operator) -> Iterator[Gate]:
    made = Gate(operator.folder / "gate", operator.folder / "quay")
    made.looks(time.time())
    yield made
    made.store.close()


def test_a_policy_of_two_holders_stands_and_says_that_it_takes_two(operator: Operator, gate: Gate) -> None:
    assert gate.document().single_key is False
    shown = operator.does("show", operator.dir)
    assert "2 of 3" in shown and "one key for all" not in shown and "policy version 1" in shown
    for holder in ("anna", "bert", "cleo"):
        assert (operator.folder / holder / "permission.ed25519").exists()


def test_without_naming_folders_the_holders_have_theirs_in_the_sites(operator: Operator) -> None:
    other = str(operator.folder / "other")
    assert "holder-3" in operator.does("init", other, "--site", "quay", "--plain")
    assert (Path(other) / "holder-2/root.ed25519").exists()


def test_edited_prepared_signed_twice_and_published(operator: Operator, gate: Gate) -> None:
    operator.does("edit", operator.dir, "--set", "margin_m=9", "--set", "retention.max_days=30")
    assert "2 narrow" in operator.does("diff", operator.dir)
    assert "permission has 0 of 2" in operator.does("prepare", operator.dir)
    assert "prepared: permission" in operator.does("show", operator.dir)
    assert "still missing" not in operator.fails("publish", operator.dir)
    gate.looks(time.time())
    assert gate.document().margin_m == 5
    said = operator.does("sign", operator.dir, *operator.keys("cleo"), "--yes")
    assert "narrows" in said and "permission has 1 of 2" in said
    assert "1 of 2" in operator.fails("publish", operator.dir)
    assert "none of these keys counts" in operator.fails("sign", operator.dir, *operator.keys("cleo"), "--yes")
    assert "complete" in operator.does("sign", operator.dir, *operator.keys("anna"), "--yes")
    assert "prepared and signed" in operator.does("show", operator.dir)
    assert "policy version 2 published" in operator.does("publish", operator.dir)
    gate.looks(time.time())
    assert (gate.document().margin_m, gate.document().version) == (9, 2)
    assert json.loads(operator.copy.read_bytes())["version"] == 2


def test_who_signs_is_asked_first(operator: Operator) -> None:
    operator.does("edit", operator.dir, "--set", "margin_m=0")
    operator.does("prepare", operator.dir)
    said = operator.types("sign", operator.dir, *operator.keys("anna"))
    assert said.code == 130 and "widens" in said.out and "Sign this?" in said.err
    assert "0 of 2" in operator.fails("publish", operator.dir)
    operator.does("discard", operator.dir)
    assert "nothing is prepared" in operator.fails("sign", operator.dir, *operator.keys("anna"), "--yes")
    assert json.loads(operator.copy.read_bytes())["margin_m"] == 0, "the working copy stays"


def test_with_two_holders_keys_at_hand_it_is_one_command(operator: Operator, gate: Gate) -> None:
    operator.does("edit", operator.dir, "--set", "margin_m=8")
    assert "policy version 2 published" in operator.does("publish", operator.dir, *operator.keys("anna", "cleo"))
    gate.looks(time.time())
    assert gate.document().margin_m == 8


def test_what_is_written_while_a_version_waits_is_kept(operator: Operator) -> None:
    operator.does("edit", operator.dir, "--set", "margin_m=8")
    operator.does("prepare", operator.dir)
    operator.does("edit", operator.dir, "--set", "margin_m=7")
    said = operator.types("publish", operator.dir, *operator.keys("anna", "cleo"))
    assert said.code == 0 and "changes that were not in this version" in said.err
    assert json.loads(operator.copy.read_bytes())["margin_m"] == 7
    assert "narrows" not in operator.does("diff", operator.dir)


def test_one_key_narrows_at_once_and_dropping_it_lifts_nothing(operator: Operator, gate: Gate) -> None:
    operator.does("stop", operator.dir, "fair", "--hours", "2")
    gate.looks(time.time())
    assert gate.standing.stopped(time.time())
    # Whoever has the key for restrictions takes the order out of the repository, and then puts a harmless one there.
    own = SiteRepository.open(operator.folder / "quay", clock=time.time)
    own.publish({}, remove=["restriction/stop-fair.json"])
    gate.looks(time.time())
    assert gate.standing.stopped(time.time())
    own.publish(dict([stop_order("fair", time.time() - 1)]))
    gate.looks(time.time())
    assert gate.standing.stopped(time.time())
    gate.store.close()
    gate.starts()
    assert gate.standing.stopped(time.time())
    # Lifting takes two.
    operator.does("lift", operator.dir, "stop-fair")
    assert "1 of 2" in operator.fails("publish", operator.dir, *operator.keys("bert"))
    gate.looks(time.time())
    assert gate.standing.stopped(time.time())
    operator.does("publish", operator.dir, *operator.keys("cleo"))
    gate.looks(time.time())
    assert not gate.standing.stopped(time.time())
    assert "the policy lifts this id" in operator.fails("stop", operator.dir, "fair")
    operator.does("stop", operator.dir, "fair-2")
    gate.looks(time.time())
    assert gate.standing.stopped(time.time())


def test_withdrawal_zone_and_incident_take_one_key(operator: Operator, gate: Gate) -> None:
    zone = operator.folder / "school.geojson"
    feature = {"type": "Feature", "id": "school", "properties": {"class": "school", "buffer_m": 20}}
    zone.write_text(json.dumps(feature | {"geometry": square(11.0, 48.0, 0.01)["geometry"]}))
    operator.does("withdraw", operator.dir, "p-7")
    operator.does("zone", operator.dir, str(zone), "--hours", "3")
    operator.does("incident", operator.dir, "leak", "--at", "2026-11-20T10:00:00+01:00")
    gate.looks(time.time())
    law = gate.standing.law
    assert law is not None and [each.id for each in law.extra_zones] == ["school"]
    assert law.extra_zones[0].buffer_m == 20
    assert law.incident_s == 1_795_165_200.0
    assert gate.store.marks.withdrawn(SubjectId("p-7"))
    assert "the policy lifts" not in operator.does("stop", operator.dir, "x")
    for words, says in [
        (("incident", operator.dir, "later", "--at", "2999-01-01T00:00:00Z"), "has not come yet"),
        (("incident", operator.dir, "later", "--at", "2026-01-01T00:00:00"), "names no zone of time"),
        (("incident", operator.dir, "later", "--at", "noon"), "is no time"),
        (("zone", operator.dir, str(operator.folder / "none")), "No such file"),
        (("zone", operator.dir, str(operator.folder / "policy.toml")), "not readable as JSON"),
        (("lift", operator.dir, "withdraw-p-7"), "it has erased"),
    ]:
        assert says in operator.fails(*words)
    zone.write_text(json.dumps(square(11.0, 48.0, 0.01)["geometry"]))
    assert "id" in operator.fails("zone", operator.dir, str(zone))
    assert "restriction/zone-yard.json" in operator.does("zone", operator.dir, str(zone), "--name", "yard")


def test_a_device_is_admitted_by_its_fingerprint_and_goes_again(operator: Operator, gate: Gate) -> None:
    assert "has another one" in operator.fails("add-device", operator.dir, SECOND.code, "--fingerprint", "0" * 20)
    asked = operator.types("add-device", operator.dir, SECOND.code)
    assert asked.code == 130 and SECOND.fingerprint in asked.out and "show the same" in asked.err
    operator.does("add-device", operator.dir, SECOND.code, "--fingerprint", SECOND.fingerprint.upper())
    assert "devices[gate-2]" in operator.does("diff", operator.dir)
    operator.does("publish", operator.dir, *operator.keys("anna", "bert"))
    second = Gate(operator.folder / "second", operator.folder / "quay", "gate-2")
    second.looks(time.time())
    assert second.document().version == 2
    assert SECOND.fingerprint in operator.does("show", operator.dir)
    operator.does("remove-device", operator.dir, DEVICE["id"])
    operator.does("publish", operator.dir, *operator.keys("bert", "cleo"))
    gate.looks(time.time())
    assert gate.standing.law is None and "does not name gate-1" in gate.said[-1]
    second.looks(time.time())
    assert second.document().version == 3
    second.store.close()
    file = operator.folder / "third.json"
    file.write_bytes(b"{}")
    for words, says in [
        (("add-device", operator.dir, str(file)), "schema"),
        (("add-device", operator.dir, str(operator.folder / "none")), "give a device.json"),
        (("add-device", operator.dir, "DOORWARD:DEVICE:X"), "scan it again"),
        (("add-device", operator.dir, SECOND.code, "--fingerprint", SECOND.fingerprint), "remove it first"),
        (("remove-device", operator.dir, "gate-1"), "no such device"),
        (("remove-device", operator.dir, "gate-2"), "the only device"),
    ]:
        assert says in operator.fails(*words)


def test_keys_are_rotated_added_and_revoked_and_the_device_follows(operator: Operator, gate: Gate) -> None:
    all_three = operator.keys("anna", "bert", "cleo")
    new = [word for holder in ("anna", "bert", "cleo") for word in ("--new", str(operator.folder / holder))]
    assert "name a folder for each" in operator.fails("rotate", operator.dir, "root", *all_three, *new[:2], "--plain")
    said = operator.does("rotate", operator.dir, "permission", "targets", *all_three, *new, "--plain")
    assert "root version 2 published" in said and "permission version 3 published" in said
    said = operator.does("rotate", operator.dir, "timestamp", "snapshot", *operator.keys("anna", "bert"), "--plain")
    assert "root version 3 published" in said
    old = SiteKeys.load(operator.folder / "quay/keys").sign_public("pass")
    said = operator.does("rotate", operator.dir, "pass", "events", *operator.keys("anna", "bert"), "--plain")
    assert "policy version 2 published" in said and "events_key" in said
    verified = gate.looks(time.time())
    assert verified.root_version == 3
    keys = SiteKeys.load(operator.folder / "quay/keys")
    assert [each.key for each in gate.document().pass_keys] == [keys.sign_public("pass").hex()] != [old.hex()]
    assert gate.document().events_key == keys.events_public().hex()
    dora = ("--new", str(operator.folder / "dora"))
    operator.does(
        "add-key", operator.dir, "permission", "targets", "root", *operator.keys("bert", "cleo"), *dora, "--plain"
    )
    assert "2 of 4" in operator.does("show", operator.dir)
    lost = SiteKeys.load(operator.folder / "anna")
    for role in ("permission", "targets", "root"):
        operator.does("revoke", operator.dir, fingerprint(lost.sign_public(role)), *operator.keys("bert", "dora"))
    gate.looks(time.time())
    operator.does("edit", operator.dir, "--set", "margin_m=8")
    assert "1 of 2" in operator.fails("publish", operator.dir, *operator.keys("anna", "dora"))
    operator.does("publish", operator.dir, *operator.keys("bert"))
    gate.looks(time.time())
    assert gate.document().margin_m == 8
    for words, says in [
        (("rotate", operator.dir), "name one role or several"),
        (("rotate", operator.dir, "timestamp", *dora), "leave it out"),
        (("revoke", operator.dir, "0000 0000"), "no key's fingerprint"),
        (("add-key", operator.dir, "root"), "--new"),
        (("rotate", operator.dir, "root", *dora, *dora, "--plain"), "a folder of its own"),
    ]:
        assert says in operator.fails(*words)


def test_keys_change_only_when_nothing_else_waits(operator: Operator) -> None:
    rotate = ("rotate", operator.dir, "timestamp", *operator.keys("anna", "bert"), "--plain")
    operator.does("edit", operator.dir, "--set", "margin_m=8")
    assert "publish them first" in operator.fails(*rotate)
    operator.does("prepare", operator.dir)
    assert "prepared already" in operator.fails(*rotate)
    assert len(list((operator.folder / "quay/keys").glob("timestamp*"))) == 1, "no key was made in vain"


def test_a_rotation_waits_for_signatures_like_any_version(operator: Operator, gate: Gate) -> None:
    said = operator.types("rotate", operator.dir, "restriction", "--plain")
    assert said.code == 2 and "targets has 0 of 2" in said.err
    for holder in ("anna", "cleo"):
        operator.does("sign", operator.dir, *operator.keys(holder), "--yes")
    operator.does("publish", operator.dir)
    operator.does("stop", operator.dir, "fair")
    gate.looks(time.time())
    assert gate.standing.stopped(time.time())


def test_a_single_key_is_rotated_for_all_roles_at_once(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    operator.dir, operator.copy = str(operator.folder / "one"), operator.folder / "one/policy.json"
    operator.makes_a_site()
    gate = Gate(operator.folder / "alone", operator.folder / "one")
    gate.looks(time.time())
    operator.does("rotate", operator.dir, "--plain")
    assert "one key for all roles" in operator.does("show", operator.dir)
    assert gate.looks(time.time()).root_version == 2
    assert gate.document().single_key
    operator.does("stop", operator.dir, "fair")
    gate.looks(time.time())
    assert gate.standing.stopped(time.time())
    new = ("--new", str(operator.folder / "anna"))
    assert "has a single key" in operator.fails("add-key", operator.dir, "root", *new, "--plain")
    gate.store.close()


def test_policies_in_files_are_compared(operator: Operator) -> None:
    operator.does("edit", operator.dir, "--set", "margin_m=3")
    old = operator.folder / "old.json"
    old.write_bytes(operator.copy.read_bytes())
    operator.does("edit", operator.dir, "--set", "margin_m=9")
    assert "0 widen, 1 narrow" in operator.does("diff", str(old), str(operator.copy))
    assert "1 widen, 0 narrow" in operator.does("diff", str(operator.copy), str(old))
    assert "nothing is widened" in operator.does("diff", str(old), str(old))
    assert "1 narrow" in operator.does("diff", str(operator.copy))
    assert "name one or two" in operator.fails("diff", str(old), str(old), str(old))
    assert "name a policy" in operator.fails("diff", str(old), str(operator.folder / "none"))


def test_an_editor_is_asked_again_until_it_is_a_policy(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    script = operator.folder / "editor"
    script.write_text('#!/bin/sh\nsed -i \'s/"margin_m": 5.0/"margin_m": 11.0/\' "$1"\n')
    script.chmod(0o755)
    monkeypatch.setenv("VISUAL", str(script))
    assert "changed" in operator.does("edit", operator.dir)
    assert json.loads(operator.copy.read_bytes())["margin_m"] == 11
    before = operator.copy.read_bytes()
    script.write_text('#!/bin/sh\nsed -i \'s/"margin_m": 11.0/"margin_m": -1/\' "$1"\n')
    said = operator.types("edit", operator.dir)
    assert said.code == 130 and "margin_m" in said.err and "Edit it again?" in said.err
    assert operator.copy.read_bytes() == before
    monkeypatch.setenv("VISUAL", "true")
    assert "nothing changed" in operator.does("edit", operator.dir)
    monkeypatch.setenv("VISUAL", str(operator.folder / "no-such-editor"))
    assert "or use --set" in operator.fails("edit", operator.dir)


def passphrase(operator: Operator, word: str) -> str:
    file = operator.folder / f"passphrase-{word}"
    file.write_text(f"{word} {word} {word}\nnot this line\n")
    file.chmod(0o600)
    return str(file)


def test_keys_under_passphrases_from_files(operator: Operator) -> None:
    locked = str(operator.folder / "locked")
    files = [passphrase(operator, word) for word in ("desk-key", "dora-key", "emil-key")]
    given = [word for file in files for word in ("--passphrase-file", file)]
    holders = operator.keys("dora", "emil")
    operator.does("init", locked, "--site", "quay", *holders, *given)
    assert "no passphrase given opens it" in operator.fails("stop", locked, "fair")
    assert "no passphrase given opens it" in operator.fails("stop", locked, "fair", *given[2:4])
    operator.does("stop", locked, "fair", *given[:2])
    assert "lease renewed" in operator.does("renew", locked, *given)
    (operator.folder / "passphrase-desk-key").chmod(0o644)
    assert "others may read" in operator.fails("renew", locked, *given)
    for words, says in [
        (("--plain", *given), "leave it out"),
        (given[:4], "one for each"),
        (("--passphrase-file", str(operator.folder / "none")), "name a file with a passphrase"),
    ]:
        (operator.folder / "passphrase-desk-key").chmod(0o600)
        other = str(operator.folder / "another")
        assert says in operator.fails("init", other, "--site", "quay", *operator.keys("x", "y"), *words)
    short = operator.folder / "short"
    short.write_text("short\n")
    short.chmod(0o600)
    assert "less than 12" in operator.fails("renew", locked, "--passphrase-file", str(short))


def test_a_passphrase_is_typed_at_the_terminal_and_not_shown(operator: Operator) -> None:
    locked = operator.folder / "typed"
    typed = [sys.executable, "-c", "from agent.cli import main; main()", "site"]

    def at_a_terminal(*words: str, answers: list[str]) -> str:
        leader, follower = pty.openpty()
        with subprocess.Popen(
            [*typed, *words], stdin=follower, stdout=follower, stderr=follower, close_fds=True
        ) as child:
            os.close(follower)
            said = b""
            while True:
                try:
                    read = os.read(leader, 4096)
                except OSError:  # the other end is closed: the command is over
                    break
                said += read
                if answers and said.rstrip(b" ").endswith(b":"):
                    os.write(leader, answers.pop(0).encode() + b"\n")
                    said += b"\n"
        os.close(leader)
        return f"{child.returncode} {said.decode()}"

    said = at_a_terminal("init", str(locked), "--site", "quay", "--single-key", answers=["typed by hand"] * 2)
    assert said.startswith("0") and "New passphrase of" in said and "typed by hand" not in said
    said = at_a_terminal("renew", str(locked), answers=["something else", "typed by hand"])
    assert said.startswith("0") and "lease renewed" in said and "typed by hand" not in said
