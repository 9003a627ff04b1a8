"""What an operator types for a child, for the sheet to take home, and for enrolling somebody at another place."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import cv2
import pytest
import zxingcpp

from agent.gallery.withdrawal import judge_withdrawal
from agent.units import SiteId
from tests.cli.given import CAST, Desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    with closing(made.server):
        yield made


def test_a_child_is_enrolled_with_a_guardians_own_agreement(desk: Desk) -> None:
    without = desk.consents("p1", "--age", "under-14")
    assert (without.returncode, "--guardian: needed below 14" in without.stderr) == (2, True)
    agreed = desk.folder / "g.json"
    made = desk.types("people", "guardian", "--site", desk.site, "--guardian", "g-ann", "--subject", "p1", "-o", agreed)
    assert (made.returncode, "give the guardian a copy" in made.stdout) == (0, True), made.stderr
    assert desk.consents("p2", "--age", "under-14", "--guardian", str(agreed)).returncode == 2
    assert desk.consents("p1", "--age", "under-14", "--guardian", str(agreed)).returncode == 0
    assert desk.enrols(*(CAST / f"p1-enrol-{place}.webp" for place in range(1, 7))).returncode == 0
    assert desk.enrolled() == ["p1"]


def test_the_sheet_is_drawn_in_three_forms_and_no_other(desk: Desk) -> None:
    desk.consents()
    words = ("people", "receipt", "--site", desk.site, "--receipt", desk.receipt, "-o")
    for suffix, begins in ((".pdf", b"%PDF"), (".svg", b"<svg"), (".png", b"\x89PNG")):
        sheet = desk.folder / f"home{suffix}"
        done = desk.types(*words, sheet)
        assert (done.returncode, sheet.read_bytes()[:4]) == (0, begins), done.stderr
    other = desk.types(*words, desk.folder / "home.txt")
    assert (other.returncode, "drawn as .pdf, .svg or .png" in other.stderr, other.stderr.count("\n")) == (2, True, 1)
    desk.receipt.write_text(desk.receipt.read_text().replace('"p1"', '"p2"'))
    forged = desk.types(*words, desk.folder / "forged.pdf")
    assert (forged.returncode, f"{desk.receipt}: signature" in forged.stderr) == (2, True)
    assert not (desk.folder / "forged.pdf").exists()


@pytest.mark.parametrize("role", ["enrolment", "pass"])
def test_the_code_alone_withdraws_at_the_door(desk: Desk, role: str) -> None:
    words = ("people", "code", "--site", desk.site, "--subject", "p1", "--key", role, "-o")
    drawn = desk.folder / "code.png"
    done = desk.types(*words, drawn)
    assert (done.returncode, drawn.stat().st_mode & 0o777) == (0, 0o600), done.stderr
    (read,) = zxingcpp.read_barcodes(cv2.imread(str(drawn)))
    policy = json.loads(next((desk.site / "repository").rglob("*policy.json")).read_bytes())
    kept = {"enrolment": "enrolment_keys", "pass": "pass_keys"}[role]
    keys = [each["key"] for each in policy[kept]]
    assert judge_withdrawal(read.text, keys, SiteId(policy["site"])) == "p1"
    other = desk.types(*words, desk.folder / "code.txt")
    assert (other.returncode, "drawn as .png or .svg" in other.stderr, other.stderr.count("\n")) == (2, True, 1)
    named = desk.types("people", "code", "--site", desk.site, "--subject", "Ann Lee", "-o", drawn)
    assert (named.returncode, named.stderr.count("\n")) == (2, 1)


def test_a_person_is_enrolled_for_another_device_and_nothing_stays_at_the_station(desk: Desk) -> None:
    epoch, out = desk.folder / "epoch.json", desk.folder / "sealed"
    told = desk.types("device", "epoch", "--config", desk.config)
    assert json.loads(told.stdout)["schema"] == "doorward/epoch/1"
    assert desk.types("device", "epoch", "--config", desk.config, "-o", epoch).returncode == 0

    def seals(out: Path = out) -> subprocess.CompletedProcess[str]:
        return desk.types(
            *("people", "seal", "--config", desk.config, "--receipt", desk.receipt, "--keys", desk.site / "keys"),
            *("--for", epoch, "-o", out, *(CAST / f"p1-enrol-{place}.webp" for place in range(1, 7))),
        )

    desk.consents()
    refused = seals()
    assert (refused.returncode, "transmission_consent: was not given" in refused.stderr) == (2, True)
    desk.consents("p1", "--transmission")
    nowhere = seals(desk.folder / "none" / "sealed")
    assert (nowhere.returncode, "none/sealed: there is no folder" in nowhere.stderr, out.exists()) == (2, True, False)
    assert seals().returncode == 0
    (envelope,) = out.iterdir()
    assert (desk.enrolled(), b"p1" in envelope.read_bytes()) == ([], False)

    early = desk.types("site", "enrol", desk.site, envelope)
    assert (early.returncode, "may not enrol elsewhere" in early.stderr, early.stderr.count("\n")) == (2, True, 1)
    granted = {"doors": ["main"], "purposes": ["resident-entry"], "per_day": 5}
    setting = f"enrolment_keys.0.elsewhere={json.dumps(granted)}"
    assert desk.types("site", "edit", desk.site, "--set", setting).returncode == 0
    widened = desk.types("site", "diff", desk.site)
    assert "1 widen, 0 narrow" in widened.stdout
    assert desk.types("site", "publish", desk.site).returncode == 0
    done = desk.types("site", "enrol", desk.site, envelope)
    assert (done.returncode, "1 sealed enrolments published" in done.stdout) == (0, True), done.stderr
    (served,) = (desk.site / "repository" / "targets" / "enrolment").iterdir()
    assert (served.name.endswith(envelope.name), served.read_bytes()) == (True, envelope.read_bytes())
    assert desk.types("site", "enrol", desk.site, "--replace", envelope).returncode == 0
    other = desk.types("site", "enrol", desk.site, desk.receipt)
    assert (other.returncode, "schema" in other.stderr) == (2, True)
