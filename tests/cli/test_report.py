"""`doorward report` and `doorward ledger verify BUNDLE` as an auditor types them, over the store of a real device."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from agent.adapters.keys import PlainKeys, device_document
from agent.adapters.store import Store, read_ledger
from agent.cli import main
from agent.crypto import sha256, sign_public
from agent.events.decision import Decision, Outcome
from agent.gallery.retention import Ended
from agent.ledger.entry import policy_adopted, refusal_changed, started
from agent.policy.grounds import Ground
from agent.report.archive import unpack
from agent.units import DeviceId, DoorId, SiteId, SubjectId
from tests.events.given import given_event
from tests.policy.given import document
from tests.report.given import at

SITE, DEVICE = SiteId("quay"), DeviceId("gate-1")


@dataclass
class Said:
    code: int
    out: str
    err: str


class Auditor:
    """Types commands in a folder of their own, with the state folder of a device beside it."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self._capsys, self._monkeypatch = folder, capsys, monkeypatch
        self.state, self.policy = folder / "state", folder / "policy.json"
        self.page, self.bundle = folder / "report.html", folder / "evidence.zip"

    def types(self, *words: object) -> Said:
        self._monkeypatch.setattr(sys, "argv", ["doorward", *(str(word) for word in words)])
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        said = self._capsys.readouterr()
        assert "Traceback" not in said.err
        return Said(code, said.out, said.err)

    def reports(self, *words: object) -> Said:
        return self.types("report", "--store", self.state, "-o", self.page, *words)


def lived(state: Path, device: DeviceId = DEVICE) -> bytes:
    """A device that has run for two days; returns its policy as it was published."""
    state.mkdir(mode=0o700)
    keys = PlainKeys.create(state / "keys.json", device)
    (state / "device.json").write_bytes(device_document(keys))
    named = {
        "id": device,
        "signing_key": sign_public(keys.sign_secret).hex(),
        "box_key": json.loads((state / "device.json").read_bytes())["box_key"],
    }
    policy = json.dumps(document(site=SITE, devices=[named])).encode()
    targets = state / "tuf" / "targets"
    targets.mkdir(parents=True)
    (targets / "permission%2Fpolicy.json").write_bytes(policy)
    (targets / "restriction%2Fwithdrawn.json").write_bytes(b'{"subject": "someone-1"}')
    store = Store.open(state / "store.sqlite", site=SITE, device=device, ledger_key=keys.ledger_key)
    with closing(store):
        store.note(started(SITE, device, "0.1.0", at(11, 8)))
        store.note(policy_adopted(3, sha256(policy), at(11, 8, 0, 1)))
        store.note(refusal_changed((Ground.SIGN_MISSING,), at(11, 8, 0, 2)))
        store.note(refusal_changed((), at(11, 9)))
        for number in range(12):
            made = Decision(Outcome.MATCH, DoorId("main"), at(12, 9, number), 1, 1, 3, subject=SubjectId("someone-1"))
            store.record(made, lambda sequence: given_event(sequence, b"sealed", b"n" * 16, SITE))
        store.erase({SubjectId("someone-1"): Ended.WITHDRAWN}, at(12, 10))
        store.checkpoint(keys.sign_secret, at(12, 11))
    return policy


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("device")
    (folder / "policy.json").write_bytes(lived(folder / "state"))
    return folder


@pytest.fixture
def auditor(
    device: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Auditor:
    shutil.copytree(device, tmp_path, dirs_exist_ok=True)
    return Auditor(tmp_path, capsys, monkeypatch)


def test_a_state_folder_gives_a_page_and_a_bundle_that_checks_without_it(auditor: Auditor) -> None:
    before = (auditor.state / "store.sqlite").read_bytes()
    said = auditor.reports("--bundle", auditor.bundle, "--timezone", "Asia/Shanghai")
    assert said.code == 0 and "quay, 2030-03-11 to 2030-03-12, 1 device(s)" in said.out, said.err
    assert (auditor.state / "store.sqlite").read_bytes() == before
    page = auditor.page.read_text()
    assert "The ledger of gate-1 verifies" in page and "compare it with the one in the site" in page
    assert "at hand, fits its hash" in page and "someone-1" not in page
    files = unpack(auditor.bundle.read_bytes())
    assert files["report.html"] == auditor.page.read_bytes()
    assert files["devices/gate-1/device.json"] == (auditor.state / "device.json").read_bytes()
    assert not any(b"someone-1" in data for data in files.values()), "no restriction of the site rides along"
    shutil.rmtree(auditor.state)
    found = auditor.types("ledger", "verify", auditor.bundle, "--policy", auditor.policy)
    assert found.code == 0, found.err
    assert "bundle of quay verified" in found.out and "as given" in found.out and "NOT COVERED" not in found.out


def test_twice_made_report_and_bundle_are_the_same_bytes(auditor: Auditor) -> None:
    assert auditor.reports("--bundle", auditor.bundle).code == 0
    first = auditor.page.read_bytes(), auditor.bundle.read_bytes()
    assert auditor.reports("--bundle", auditor.bundle).code == 0
    assert (auditor.page.read_bytes(), auditor.bundle.read_bytes()) == first


def test_a_changed_bundle_is_refused_in_one_line(auditor: Auditor) -> None:
    auditor.reports("--bundle", auditor.bundle)
    from agent.report.archive import pack

    files = unpack(auditor.bundle.read_bytes())
    files["report.html"] = files["report.html"].replace(b"Sign missing", b"Sign in place")
    auditor.bundle.write_bytes(pack(files))
    said = auditor.types("ledger", "verify", auditor.bundle)
    assert said.code == 2 and said.err.count("\n") == 1
    assert f"{auditor.bundle}: report.html: is not what the ledger" in said.err


def test_the_bundle_of_another_key_is_refused(auditor: Auditor) -> None:
    auditor.reports("--bundle", auditor.bundle)
    key = json.loads((auditor.state / "device.json").read_bytes())["signing_key"]
    assert auditor.types("ledger", "verify", auditor.bundle, "--key", key).code == 0
    said = auditor.types("ledger", "verify", auditor.bundle, "--key", "0" * 64)
    assert said.code == 2 and "another key" in said.err


def test_days_language_and_kind_are_as_asked(auditor: Auditor) -> None:
    auditor.page = auditor.folder / "r.pdf"
    said = auditor.reports("--lang", "zh-Hans", "--from", "2030-03-11", "--to", "2030-03-11")
    assert said.code == 0 and "2030-03-11 to 2030-03-11" in said.out, said.err
    assert auditor.page.read_bytes().startswith(b"%PDF")


def test_the_policy_of_the_site_names_the_key_and_a_wrong_one_shows(auditor: Auditor) -> None:
    said = auditor.reports("--policy", auditor.policy)
    assert said.code == 0 and "is the one that was asked for" in auditor.page.read_text()
    wrong = json.loads(auditor.policy.read_bytes())
    wrong["devices"][0]["signing_key"] = "0" * 64
    other = auditor.folder / "other.json"
    other.write_text(json.dumps(wrong))
    said = auditor.reports("--policy", other)
    assert said.code == 1 and "gate-1: ledger: a checkpoint is signed by another key" in said.err
    assert "does not verify" in auditor.page.read_text()
    said = auditor.reports("--policy", auditor.policy, "--policy", other)
    assert said.code == 2 and "names another key for gate-1" in said.err


def test_a_checkpoint_from_elsewhere_is_held_against_the_ledger(auditor: Auditor) -> None:
    with read_ledger(auditor.state / "store.sqlite") as copy:
        (auditor.folder / "kept.json").write_bytes(copy.checkpoints[-1])
    said = auditor.reports("--checkpoint", auditor.folder / "kept.json", "--bundle", auditor.bundle)
    assert said.code == 0 and "kept elsewhere fit as well: 1" in auditor.page.read_text(), said.err
    assert "devices/gate-1/held.jsonl" in unpack(auditor.bundle.read_bytes())


def test_a_changed_ledger_makes_a_report_that_says_so_and_no_bundle(auditor: Auditor) -> None:
    store = auditor.state / "store.sqlite"
    store.write_bytes(store.read_bytes().replace(b'"sign-missing"', b'"sign-forbids"'))
    said = auditor.reports()
    assert said.code == 1 and "gate-1: ledger: the first" in said.err
    assert "does not verify" in auditor.page.read_text() and "A sign forbids it" in auditor.page.read_text()
    auditor.page.unlink()
    said = auditor.reports("--bundle", auditor.bundle)
    assert said.code == 2 and "keep the store itself as evidence" in said.err
    assert not auditor.page.exists() and not auditor.bundle.exists(), "nothing half-written"


def test_several_devices_are_one_report_and_the_same_one_twice_is_refused(auditor: Auditor) -> None:
    lived(auditor.folder / "second", DeviceId("gate-2"))
    said = auditor.reports("--store", auditor.folder / "second" / "store.sqlite", "--bundle", auditor.bundle)
    assert said.code == 0 and "2 device(s)" in said.out, said.err
    assert "The ledgers of all 2 devices verify" in auditor.page.read_text()
    assert "devices/gate-2/ledger.jsonl" in unpack(auditor.bundle.read_bytes())
    assert auditor.types("ledger", "verify", auditor.bundle).code == 0
    said = auditor.reports("--store", auditor.state)
    assert said.code == 2 and "two of them are of one device" in said.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--from", "yesterday"), "--from: 'yesterday' is no day"),
        (("--from", "2030-03-12", "--to", "2030-03-11"), "--to: 2030-03-11 lies before"),
        (("--timezone", "Mars"), "--timezone: 'Mars' is not known"),
        (("--policy", "nowhere.json"), "nowhere.json: No such file"),
        (("--store", "nowhere"), "nowhere: no such file"),
        (("-o", "report.doc"), "report.doc: a report is written as .html or .pdf"),
        (("-o", "nowhere/report.html"), "nowhere/report.html: No such file"),
        (("--font", "nowhere.ttf", "-o", "r.pdf"), "nowhere.ttf"),
    ],
)
def test_every_mistake_is_one_line_that_names_it(auditor: Auditor, words: tuple[str, ...], says: str) -> None:
    said = auditor.reports(*words)
    assert (said.code, said.err.count("\n")) == (2, 1)
    assert says in said.err and not auditor.page.exists()


def test_without_a_store_it_says_what_to_name(auditor: Auditor) -> None:
    said = auditor.types("report", "-o", auditor.page)
    assert said.code == 2 and "--store: name a device's store" in said.err


def test_the_config_of_a_device_names_its_state(auditor: Auditor, root: Path) -> None:
    text = (root / "device_config" / "desktop.toml").read_text()
    for old, new in (
        ("../state/desk-1", auditor.state),
        ("../recording.mp4", root / "scenes" / "cast"),
        ("../models", root / "models"),
    ):
        text = text.replace(old, str(new))
    config = auditor.folder / "gate.toml"
    config.write_text(text)
    said = auditor.types("report", "--config", config, "-o", auditor.page)
    assert said.code == 0 and "The ledger of gate-1 verifies" in auditor.page.read_text(), said.err


def test_the_command_loads_no_library_of_the_device_or_the_desk_for_its_help() -> None:
    code = (
        "import sys; from agent.cli.report import report;"
        "print(sorted({'cv2','numpy','shapely','fpdf','pydantic','nacl'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
