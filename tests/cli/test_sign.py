"""`doorward sign` as an operator types it: from the published policy to a print, to stills of it, to a new policy."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from agent.cli import main
from agent.site.signs.inspection import demand_own_signature
from tests.cli.given import ROOT, Desk
from tests.policy.given import policy
from tests.site.mounted import Camera, Printed, centre, printed, seen


@dataclass
class Said:
    code: int
    out: str
    err: str


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A site with its published policy, its printed sign, and three stills of it."""
    folder = tmp_path_factory.mktemp("founded")
    with closing(Desk(folder).server):
        pass  # signs need no web server
    words = ("sign", "make", "--site", str(folder / "site"), "-o", str(folder / "sign.pdf"), "--size", "A4")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["doorward", *words])
        main()
    paper = printed((folder / "sign.pdf").read_bytes(), "A4")
    (folder / "stills").mkdir()
    for number in range(3):
        cv2.imwrite(str(folder / "stills" / f"{number}.png"), picture(paper, number))
    yield folder


def picture(paper: Printed, number: int) -> np.ndarray:
    camera = Camera(1920, 1440, 1.1, centre(paper.mark_corners()), yaw=-10.0, off=(20.0, 10.0))
    return seen(paper, camera, np.random.default_rng(number))


class Operator:
    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self._capsys, self._monkeypatch = folder, capsys, monkeypatch
        self.site, self.stills = folder / "site", folder / "stills"

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

    def attests(self, *words: object, stills: Path | None = None) -> Said:
        return self.types("sign", "attest", "--site", self.site, "--stills", stills or self.stills, *words)


@pytest.fixture
def operator(
    founded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Operator:
    shutil.copytree(founded, tmp_path, dirs_exist_ok=True)
    capsys.readouterr()
    return Operator(tmp_path, capsys, monkeypatch)


def test_a_print_that_hangs_is_attested_and_published(operator: Operator) -> None:
    said = operator.attests("--save", "-o", operator.folder / "sign.toml")
    assert said.code == 0 and "in 3 of 3 stills; code verified in 3" in said.err, said.err
    assert (operator.folder / "sign.toml").read_text() == said.out
    section = tomllib.loads(said.out)["sign"]
    assert set(section["marker"]) == {"number", "corners", "tolerance_px"} and "inspection" not in section
    published = operator.types("site", "publish", operator.site)
    assert published.code == 0 and "note:" not in published.err, published.err
    sign = json.loads((operator.site / "policy.json").read_bytes())["sign"]
    assert sign["marker"]["number"] == section["marker"]["number"]
    assert sign["notice_sha256"] == json.loads((operator.site / "policy.json").read_bytes())["notice"]["sha256"]
    again = operator.attests()
    assert again.code == 0 and again.out == said.out, "the section says nothing about the policy that holds it"


def test_a_video_serves_as_well_as_stills(operator: Operator) -> None:
    film = operator.folder / "film.avi"
    writer = cv2.VideoWriter(str(film), cv2.VideoWriter.fourcc(*"MJPG"), 10, (1920, 1440), isColor=False)
    for name in ("0.png", "1.png", "2.png"):
        still = cv2.imread(str(operator.stills / name), cv2.IMREAD_GRAYSCALE)
        assert still is not None
        writer.write(still)
    writer.release()
    said = operator.attests(stills=film)
    assert (said.code, "in 3 of 3 stills" in said.err) == (0, True), said.err


def test_one_photo_and_an_inspector_s_key_make_a_signed_inspection(operator: Operator) -> None:
    key = operator.folder / "inspector.key"
    options = ("--inspector", "front-desk", "--inspector-key", key, "--days", "30", "--save")
    said = operator.attests(*options, stills=operator.stills / "0.png")
    assert said.code == 0 and "a new key" in said.err and key.stat().st_mode & 0o777 == 0o600, said.err
    section = tomllib.loads(said.out)["sign"]
    assert "marker" not in section
    days = section["inspection"]["until"].timestamp() - time.time()
    assert 29.9 * 86_400 < days <= 30 * 86_400
    assert operator.types("site", "publish", operator.site).code == 0
    assert operator.attests(*options).err.count("a new key") == 0
    forged = json.loads((operator.site / "policy.json").read_bytes())
    forged["sign"]["inspection"]["inspector"] = "somebody-else"
    (operator.site / "policy.json").write_text(json.dumps(forged))
    refused = operator.types("site", "publish", operator.site)
    assert (refused.code, "sign.inspection.signature: is not the inspector's" in refused.err) == (2, True)


def test_the_other_paper_the_other_format_and_the_no_recognition_sheets(operator: Operator) -> None:
    svg = operator.folder / "sign.svg"
    said = operator.types("sign", "make", "--site", operator.site, "-o", svg, "--lang", "en", "--days", "10")
    assert said.code == 0 and "Print it on A3 without scaling" in said.out
    assert svg.read_text().startswith('<svg xmlns="http://www.w3.org/2000/svg" width="297mm" height="420mm"')
    card = operator.folder / "card.pdf"
    assert operator.types("sign", "refuse", "-o", card, "--size", "A6", "--lang", "de").code == 0
    assert card.read_bytes().startswith(b"%PDF")
    own = operator.folder / "own.svg"
    said = operator.types("sign", "card", "-o", own, "--lang", "de")
    assert said.code == 0 and "whoever holds it is left alone" in said.out
    assert 'width="105mm" height="148mm"' in own.read_text() and "DN1" not in own.read_text()


def test_a_changed_policy_makes_the_print_another_s(operator: Operator) -> None:
    copy = operator.site / "policy.json"
    copy.write_text(copy.read_text().replace('"max_days": 365', '"max_days": 300'))
    assert operator.types("site", "publish", operator.site).code == 0
    said = operator.attests()
    assert (said.code, said.err.count("\n")) == (2, 1)
    assert "0.png: the sign is refused: it was printed for other terms" in said.err


@pytest.mark.parametrize(
    "words, told",
    [
        (("make", "--site", "SITE", "-o", "sign.png"), "sign.png: a sign is drawn as .pdf or .svg"),
        (("make", "--site", "SITE", "-o", "gone/sign.pdf"), "gone/sign.pdf: No such file or directory; choose a file"),
        (("make", "--site", "nowhere", "-o", "sign.pdf"), "nowhere: not a site; 'doorward site init' makes one"),
        (("make", "--site", "SITE", "-o", "sign.pdf", "--lang", "fr"), "--lang: the notice has no texts in fr"),
        (("make", "--site", "SITE", "-o", "sign.pdf", "--font", "gone.ttf"), "gone.ttf: is no font that can be read"),
        (("attest", "--site", "SITE", "--stills", "gone"), "gone: no such file or folder"),
        (("attest", "--site", "SITE", "--stills", "empty"), "empty: no picture can be read from it"),
        (("attest", "--site", "SITE", "--stills", "broken"), "broken/a.png: is not a picture; take it out"),
        (("attest", "--site", "SITE", "--stills", "stills/0.png"), "--stills: 1 is too few"),
        (("attest", "--site", "SITE", "--stills", "stills", "--inspector", "x"), "give both or neither"),
        (
            ("attest", "--site", "SITE", "--stills", "stills", "--inspector", "A B", "--inspector-key", "k"),
            "--inspector: a role or pseudonym",
        ),
        (
            ("attest", "--site", "SITE", "--stills", "stills", "--inspector", "x", "--inspector-key", "short.key"),
            "short.key: a key is 64 hex digits",
        ),
        (
            ("attest", "--site", "SITE", "--stills", "stills", "--inspector", "x", "--inspector-key", "open.key"),
            "open.key: others may read this key",
        ),
    ],
)
def test_mistakes_are_one_line(
    operator: Operator, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], told: str
) -> None:
    monkeypatch.chdir(operator.folder)
    for name in ("empty", "broken"):
        Path(name).mkdir()
    Path("broken/a.png").write_text("no picture")
    Path("short.key").write_text("12")
    Path("short.key").chmod(0o600)
    Path("open.key").write_text("1" * 64)
    Path("open.key").chmod(0o644)
    said = operator.types("sign", *(word.replace("SITE", "site") for word in words))
    lines = [line for line in said.err.splitlines() if "a new key" not in line]
    assert said.code == 2 and len(lines) == 1 and told in lines[0], said.err


def test_a_desk_without_the_drawing_libraries_is_told_what_to_install(tmp_path: Path) -> None:
    """In a process of its own, in which the library cannot be imported."""
    words = ["doorward", "sign", "refuse", "-o", str(tmp_path / "card.pdf")]
    code = f"import sys; sys.modules['fpdf'] = None; sys.argv = {words}; from agent.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    told = "doorward: sign: fpdf is not installed; run: pip install 'doorward[sign]'\n"
    assert (done.returncode, done.stderr) == (2, told)


def test_a_site_without_a_policy_has_no_sign(operator: Operator) -> None:
    bare = operator.folder / "bare"
    assert operator.types("site", "init", bare, "--single-key", "--plain", "--site", "bare").code == 0
    said = operator.types("sign", "make", "--site", bare, "-o", operator.folder / "x.pdf")
    assert (said.code, "no policy is published" in said.err) == (2, True)


def test_an_unsigned_inspection_passes_where_no_signature_is_claimed() -> None:
    demand_own_signature(policy().document)
