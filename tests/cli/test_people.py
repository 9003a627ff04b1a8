"""`doorward people` as an operator and a person at the desk meet it, on a real site, real models and real pictures."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.given import CAST, ROOT, Desk


def pictures(person: str, count: int = 6) -> list[Path]:
    return [CAST / f"{person}-enrol-{place}.webp" for place in range(1, count + 1)]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    with closing(made.server):
        yield made


def test_a_person_who_agreed_is_enrolled_and_nothing_of_the_pictures_is_kept(desk: Desk) -> None:
    assert desk.consents().returncode == 0
    done = desk.enrols(*pictures("p1"))
    assert (done.returncode, done.stdout.count("p1 is enrolled")) == (0, 1), done.stderr
    assert desk.enrolled() == ["p1"]
    kept = {path.name for path in desk.state.rglob("*") if path.is_file()}
    assert not {name for name in kept if name.endswith((".webp", ".png", ".jpg", ".npy"))}
    verified = desk.types("ledger", "verify", desk.state / "store.sqlite", "--policy", desk.site / "policy.json")
    assert verified.returncode == 0 and "enrolment 1" in verified.stdout


def test_faults_of_pictures_are_named_and_nobody_is_enrolled(desk: Desk) -> None:
    desk.consents()
    done = desk.enrols(*pictures("p1", 4), *pictures("p2", 2))
    assert done.returncode == 2
    assert done.stderr.count("unlike the other pictures") == 2
    assert "4 good pictures, 5 are needed; nothing was kept" in done.stderr
    few = desk.enrols(*pictures("p1", 4))
    assert (few.returncode, "at least 5" in few.stderr) == (2, True)
    missing = desk.enrols(*pictures("p1", 5), desk.folder / "gone.webp")
    assert (missing.returncode, "gone.webp: No such file" in missing.stderr) == (2, True)
    other = desk.enrols(*pictures("p1", 5), desk.config)
    assert (other.returncode, "device.toml: is not a picture" in other.stderr) == (2, True)
    assert desk.enrolled() == []


def test_a_receipt_that_does_not_hold_is_refused_by_its_field(desk: Desk) -> None:
    desk.consents()
    good = desk.receipt.read_text()
    for change, words in (
        (("resident-entry", "staff-entry"), "signature: does not fit"),
        (('"p1"', '"p9"'), "signature: does not fit"),
        (("doorward/receipt/2", "doorward/receipt/9"), "schema: Input should be 'doorward/receipt/2'"),
    ):
        desk.receipt.write_text(good.replace(*change))
        done = desk.enrols(*pictures("p1"))
        assert (done.returncode, words in done.stderr, done.stderr.count("\n")) == (2, True, 1), done.stderr
    name = desk.consents("Pat Smith")
    assert (name.returncode, "never a name" in name.stderr) == (2, True)
    assert desk.consents("p1", "--days", "4000").returncode == 2
    assert desk.consents("p1", "--device", "roof").returncode == 2


def test_who_has_withdrawn_is_not_enrolled_again_even_without_the_network(desk: Desk) -> None:
    desk.consents()
    assert desk.enrols(*pictures("p1")).returncode == 0
    assert desk.types("site", "withdraw", desk.site, "p1").returncode == 0
    done = desk.enrols(*pictures("p1"))
    assert (done.returncode, "has withdrawn" in done.stderr) == (2, True)
    assert desk.enrolled() == []
    desk.server.close()
    done = desk.enrols(*pictures("p1"))
    assert (done.returncode, "has withdrawn" in done.stderr) == (2, True)
    desk.consents("p2")
    offline = desk.enrols(*pictures("p2"))
    assert (offline.returncode, "using what was verified before" in offline.stderr) == (0, True)
    assert desk.enrolled() == ["p2"]


def test_a_stop_order_stops_enrolment_too(desk: Desk) -> None:
    desk.consents()
    assert desk.types("site", "stop", desk.site, "fair").returncode == 0
    done = desk.enrols(*pictures("p1"))
    assert (done.returncode, "not permitted (stopped)" in done.stderr) == (2, True)


def test_the_example_policy_names_the_models_that_are_shipped() -> None:
    manifest = (ROOT / "models" / "manifest.toml").read_text()
    policy = (ROOT / "device_config" / "policy.toml").read_text()
    hashes = {each for each in re.findall(r'"([0-9a-f]{64})"', policy) if each != "0" * 64}
    assert len(hashes) == 2 and all(f'sha256 = "{each}"' in manifest for each in hashes)
    threshold = re.search(r"threshold = ([0-9.]+)", policy)
    assert threshold is not None and f"threshold = {threshold[1]}" in manifest
