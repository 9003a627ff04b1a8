"""`doorward people list, withdraw, erased, export` as an operator types them, on a stopped device with people in it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.given import CAST, Desk


def pictures(person: str) -> list[Path]:
    return [CAST / f"{person}-enrol-{place}.webp" for place in range(1, 7)]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """P1 (for a year) and p2, who is 15 (ten days), are enrolled; the tests below go on from one another."""
    made = Desk(tmp_path_factory.mktemp("desk"))
    with closing(made.server):
        for subject, *more in (("p1",), ("p2", "--days", "10", "--age", "14-15")):
            assert made.consents(subject, *more).returncode == 0
            assert made.enrols(*pictures(subject)).returncode == 0
        yield made


def test_the_list_shows_states_and_days_and_never_a_face(desk: Desk) -> None:
    done = desk.types("people", "list", "--config", desk.config)
    assert (done.returncode, done.stderr) == (0, "")
    rows = {cells[0]: cells[1:] for line in done.stdout.splitlines() if len(cells := line.split()) == 7}
    assert (rows["p1"][0], rows["p1"][2], rows["p1"][-1]) == ("in-force", "never", "idle")
    assert (rows["p2"][0], rows["p2"][-2:]) == ("expiring", ["9", "until"])
    assert "2 people (in-force 1, expiring 1); withdrawn 0" in done.stdout


def test_the_list_needs_neither_the_site_nor_the_network_and_names_what_it_cannot_open(desk: Desk) -> None:
    store = desk.state / "store.sqlite"
    kept = store.read_bytes()
    with closing(sqlite3.connect(store)) as db:
        db.execute("UPDATE reference SET runtime = 'other' WHERE subject = (SELECT max(subject) FROM reference)")
        db.commit()
    done = desk.types("people", "list", "--config", desk.config)
    assert done.returncode == 0 and "unreadable 1" in done.stdout and "does not open" in done.stderr
    for side in desk.state.glob("store.sqlite*"):
        side.unlink()
    store.write_bytes(kept)
    store.chmod(0o600)


def test_a_person_gets_what_is_stored_on_them_without_the_template(desk: Desk) -> None:
    out = desk.folder / "p1.json"
    done = desk.types("people", "export", "--config", desk.config, "--subject", "p1", "-o", out)
    assert done.returncode == 0 and "enrolled, 1 entries" in done.stdout
    record = json.loads(out.read_text())
    assert out.stat().st_mode & 0o777 == 0o600
    assert (record["subject"], record["device"]) == ("p1", "desk-1")
    held = record["enrolment"]
    assert held["receipt"]["header"]["subject"] == "p1" and held["state"] == "in-force" and held["last_use"] is None
    assert set(held["template"]) == {"kept", "model_sha256", "runtime", "epoch"}
    assert [(each["kind"], each["subject"]) for each in record["ledger"]] == [("enrolment", "p1")]
    assert "p2" not in out.read_text()
    nobody = desk.types("people", "export", "--config", desk.config, "--subject", "p9", "-o", desk.folder / "p9.json")
    assert (nobody.returncode, "nothing is stored" in nobody.stderr) == (2, True)
    assert not (desk.folder / "p9.json").exists()


def test_who_withdraws_at_the_device_is_erased_and_gets_a_receipt_that_verifies_offline(desk: Desk) -> None:
    out, store = desk.folder / "erased.json", desk.state / "store.sqlite"
    nowhere = desk.types(
        "people", "withdraw", "--config", desk.config, "--subject", "p1", "-o", desk.folder / "no" / "r.json"
    )
    assert (nowhere.returncode, "nothing was erased" in nowhere.stderr) == (2, True)
    done = desk.types("people", "withdraw", "--config", desk.config, "--subject", "p1", "-o", out)
    assert (done.returncode, str(out) in done.stdout, done.stderr) == (0, True, "")
    assert desk.enrolled() == ["p2"]
    device = desk.state / "device.json"
    seen = desk.types("people", "erased", "--subject", "p1", "--receipt", out, "--device", device)
    assert seen.returncode == 0, seen.stderr
    assert "erased: my-house, desk-1" in seen.stdout and "withdrawn; epoch 1" in seen.stdout
    assert "best-effort" in seen.stdout and "as in device.json" in seen.stdout
    alone = desk.types("people", "erased", "--subject", "p1", "--receipt", out)
    assert alone.returncode == 0 and "compare" in alone.stdout
    assert desk.types("ledger", "verify", store).stdout.count("erasure 1") == 1
    listed = desk.types("people", "list", "--config", desk.config).stdout
    assert "1 people (expiring 1); withdrawn 1" in listed and "p1" not in listed


def test_a_receipt_of_somebody_else_or_of_another_device_or_changed_is_refused(desk: Desk, tmp_path: Path) -> None:
    out = desk.folder / "erased.json"
    other = desk.types("people", "erased", "--subject", "p2", "--receipt", out)
    assert (other.returncode, "is of another person" in other.stderr) == (2, True)
    made = desk.types("device", "init", "--state", tmp_path / "s", "--id", "desk-1", "--insecure-dev")
    assert made.returncode == 0
    foreign = desk.types(
        "people", "erased", "--subject", "p1", "--receipt", out, "--device", tmp_path / "s/device.json"
    )
    assert (foreign.returncode, "ask whose receipt this is" in foreign.stderr) == (2, True)
    changed = tmp_path / "changed.json"
    changed.write_text(out.read_text().replace("withdrawn", "idle"))
    done = desk.types("people", "erased", "--subject", "p1", "--receipt", changed)
    assert (done.returncode, "signature: does not fit" in done.stderr) == (2, True)
    missing = desk.types("people", "erased", "--subject", "p1", "--receipt", tmp_path / "none.json")
    assert (missing.returncode, "No such file" in missing.stderr) == (2, True)


def test_twice_is_said_and_the_old_receipt_of_consent_enrols_nobody_again(desk: Desk) -> None:
    again = desk.types("people", "withdraw", "--config", desk.config, "--subject", "p1")
    assert (again.returncode, "has withdrawn here before" in again.stderr) == (2, True)
    desk.consents("p1")
    done = desk.enrols(*pictures("p1"))
    assert (done.returncode, "has withdrawn" in done.stderr) == (2, True)
    never = desk.types("people", "withdraw", "--config", desk.config, "--subject", "p7")
    assert (never.returncode, "to the site, sealed" in never.stdout) == (0, True)
    name = desk.types("people", "withdraw", "--config", desk.config, "--subject", "Pat Smith")
    assert (name.returncode, "never a name" in name.stderr, "Pat" in name.stderr) == (2, True, False)


def test_a_device_that_never_heard_of_its_site_lists_and_withdraws_too(desk: Desk, tmp_path: Path) -> None:
    state = tmp_path / "new"
    desk.types("device", "init", "--state", state, "--id", "desk-1", "--insecure-dev")
    config = tmp_path / "new.toml"
    config.write_text(desk.config.read_text().replace(str(desk.state), str(state)))
    listed = desk.types("people", "list", "--config", config)
    assert (listed.returncode, "0 people; withdrawn 0" in listed.stdout) == (0, True)
    assert "the clock is not trusted" in listed.stderr
    assert desk.types("people", "withdraw", "--config", config, "--subject", "p1").returncode == 0


def test_near_the_filing_threshold_the_operator_is_reminded_and_past_it_nobody_is_enrolled(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    with closing(desk.server):
        assert desk.consents("p1").returncode == 0
        few = desk.enrols(*pictures("p1"))
        assert (few.returncode, "filing" in few.stderr) == (0, False)
        crowd(desk, 7_999)
        listed = desk.types("people", "list", "--config", desk.config)
        assert "filing: 8000 of 10000 people are enrolled: file with the authority" in listed.stderr
        crowd(desk, 9_999)
        desk.consents("p3")
        full = desk.enrols(*pictures("p3"))
        assert (full.returncode, "not permitted (gallery-too-large)" in full.stderr) == (2, True)
        assert "10000 people are enrolled, 10000 is the most without a further filing" in full.stderr
        assert "file with the authority by 20" in full.stderr


def crowd(desk: Desk, count: int) -> None:
    """Rows of so many people, which only count."""
    with closing(sqlite3.connect(desk.state / "store.sqlite")) as db:
        db.executemany(
            "INSERT OR REPLACE INTO reference VALUES (?, 'c', 'd', 'g', 1, 'm', 'r', x'00', 1.0, NULL)",
            [(b"q%d" % number,) for number in range(count)],
        )
        db.commit()
