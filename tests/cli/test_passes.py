"""`doorward pass` as an operator types it: issued on the authority's desk, asked about on a stopped device."""

from __future__ import annotations

import re
import stat
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
import pypdfium2
import pytest

from agent.adapters.qr import ZxingReader
from agent.cli import main
from tests.cli.given import Desk


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    made = Desk(tmp_path_factory.mktemp("passes"))
    with closing(made.server):
        yield made


def issues(desk: Desk, name: str, *more: object) -> Path:
    output = desk.folder / name
    done = desk.types("pass", "issue", "--site", desk.site, "--door", "main", "-o", output, *more)
    assert done.returncode == 0, done.stderr
    assert stat.S_IMODE(output.stat().st_mode) == 0o600, "who can read it can use it"
    return output


def test_every_print_is_accepted_by_the_device_and_verifying_uses_nothing_up(desk: Desk) -> None:
    picture = issues(desk, "once.png", "--subject", "p-104")
    for _ in range(2):
        done = desk.types("pass", "verify", "--config", desk.config, picture)
        assert (done.returncode, done.stderr) == (0, "") and done.stdout.startswith("accepted: opens main"), done
        assert "p-104" not in done.stdout
    card = issues(desk, "card.pdf", "--uses", "many", "--days", 7)
    grey = pypdfium2.PdfDocument(card)[0].render(scale=4, grayscale=True).to_numpy()
    (text,) = ZxingReader().in_picture(np.ascontiguousarray(grey.reshape(grey.shape[:2]), np.uint8))
    assert desk.types("pass", "verify", "--config", desk.config, text).returncode == 0
    assert b"<svg" in issues(desk, "pass.svg").read_bytes()


def test_a_phone_s_pass_is_one_page_and_no_good_without_its_codes(desk: Desk) -> None:
    page = issues(desk, "pass.html", "--rotating", "--uses", "many")
    assert b"script-src 'sha256-" in page.read_bytes()


def test_a_revoked_pass_is_refused_on_the_device(desk: Desk) -> None:
    picture = issues(desk, "lost.png")
    number = re.search(r"[0-9a-f]{16}", desk.types("pass", "verify", "--config", desk.config, picture).stdout)
    assert number is not None
    done = desk.types("site", "revoke-pass", desk.site, number[0])
    assert done.returncode == 0 and f"restriction/revoke-{number[0]}.json published" in done.stdout, done.stderr
    done = desk.types("pass", "verify", "--config", desk.config, picture)
    assert (done.returncode, done.stdout) == (1, f"refused: pass-revoked ({number[0]})\n")


def test_what_nobody_signed_is_refused_and_what_is_no_pass_is_an_error(desk: Desk) -> None:
    done = desk.types("pass", "verify", "--config", desk.config, "DW1:NONSENSE")
    assert (done.returncode, done.stdout) == (1, "refused: pass-malformed\n")
    empty = desk.folder / "empty.png"
    cv2.imwrite(str(empty), np.full((100, 100), 255, np.uint8))
    for what, words in (
        (empty, "holds no code of a pass"),
        (desk.folder / "none.png", "No such file"),
        (desk.config, "is not a picture"),
    ):
        done = desk.types("pass", "verify", "--config", desk.config, what)
        assert done.returncode == 2 and words in done.stderr and done.stdout == ""


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--uses", "0"), "--uses"),
        (("--uses", "255"), "--uses"),
        (("--uses", "often"), "--uses"),
        (("--days", "40"), "31 days at most"),
        (("--hours", "8-18"), "--hours"),
        (("--hours", "08:00-08:00"), "--hours"),
        (("--hours", "08:10-18:00"), "--hours"),
        (("--hours", "08:00-18:00"), "timezone"),
        (("--on", "mon"), "timezone"),
        (("--door", "cellar"), "for door cellar"),
        (("--compare",), "--subject"),
        (("--rotating",), ".html"),
    ],
)
def test_each_mistake_is_one_clear_line_and_nothing_is_written(
    desk: Desk, more: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    output = desk.folder / "never.png"
    typed = ["doorward", "pass", "issue", "--site", str(desk.site), "--door", "main", "-o", str(output), *more]
    monkeypatch.setattr(sys, "argv", typed)
    with pytest.raises(SystemExit) as stop:
        main()
    said = capsys.readouterr()
    assert stop.value.code == 2 and words in said.err and said.err.count("\n") == 1, said.err
    assert not output.exists()
