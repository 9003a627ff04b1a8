"""docs/policy.md, word by word: every `doorward site` command of the page is typed as it stands there."""

from __future__ import annotations

import io
import json
import re
import shlex
import sys
from pathlib import Path

import pytest

from agent.cli import main
from agent.crypto import fingerprint
from agent.introduction import device_json
from agent.site.keys import SiteKeys
from tests.policy.given import square

AWAY = ("doorward people", "doorward policy", "doorward recogniser", "doorward link", "doorward pass")
"""What needs a server, a camera or a broker, and has tests of its own."""

CHANGES = ("add-device", "remove-device")
PUBLISH = ("site", "publish", "site", "--keys", "anna", "--keys", "cleo")


def commands(page: str) -> list[str]:
    blocks = re.findall(r"^```sh\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [line for line in lines if line.startswith("doorward") and not line.startswith(AWAY)]


def test_every_command_of_the_page_works_as_it_stands(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "device_config").symlink_to(root / "device_config")
    (tmp_path / "gate-2.json").write_bytes(device_json("gate-2", bytes(32), bytes(32)))
    yard = {"type": "Feature", "id": "yard", "geometry": square(10.0, 52.0, 0.001)["geometry"]}
    (tmp_path / "yard.geojson").write_text(json.dumps(yard))
    done = []
    for line in commands((root / "docs/policy.md").read_text()):
        words = shlex.split(line, comments=True)[1:]
        if words[:2] == ["site", "revoke"]:
            words[3] = fingerprint(SiteKeys.load(tmp_path / "anna").sign_public("permission"))
        if words[0] == "check":
            continue  # its config is corrected by hand on the page
        monkeypatch.setattr(sys, "argv", ["doorward", *words])
        monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        said = capsys.readouterr()
        assert code == 0, (line, said.err)
        done.append(words[1])
        if words[1] in CHANGES and "--set" not in words:
            monkeypatch.setattr(sys, "argv", ["doorward", *PUBLISH])
            main()
            capsys.readouterr()
    assert set(done) >= {
        "init",
        "show",
        "renew",
        "edit",
        "diff",
        "prepare",
        "sign",
        "publish",
        "rotate",
        "add-key",
        "revoke",
    }
    assert set(done) >= {"withdraw", "stop", "zone", "incident", "add-device", "remove-device"}
