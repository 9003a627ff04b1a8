"""docs/people.md, word by word: every command of the page is typed as it stands there, in its order."""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from contextlib import closing
from pathlib import Path

import pytest

from agent.cli import main
from agent.demo.web import FileServer

CAMERA = "--receipt receipt.json"
"""The line that needs a camera and has tests of its own: here pictures take its place."""


def commands(page: str) -> list[str]:
    blocks = re.findall(r"^```sh\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [re.sub(r"\s+#.*", "", line) for line in lines]


class Shell:
    """Types commands as a shell does: in a folder, with the names of files that stand for a pattern."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._folder, self._monkeypatch, self._capsys = folder, monkeypatch, capsys
        monkeypatch.chdir(folder)

    def types(self, line: str) -> str:
        """What it says; it must succeed, and leave no traceback."""
        words = [name for word in shlex.split(line) for name in self._named(word)]
        assert words[0] == "doorward"
        self._monkeypatch.setattr(sys, "argv", words)
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        said = self._capsys.readouterr()
        assert code == 0, (line, said.out, said.err)
        return said.out

    def _named(self, word: str) -> list[str]:
        found = sorted(str(path.relative_to(self._folder)) for path in self._folder.glob(word)) if "*" in word else []
        return found or [word]


def test_every_command_of_the_page_works_as_it_stands(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given, shell = root / "device_config", Shell(tmp_path, monkeypatch, capsys)
    shell.types("doorward device init --state state --id desk-1 --insecure-dev")
    made = shell.types(
        "doorward site init site --site my-house --keys anna --keys bert --keys cleo --plain "
        f"--policy {given}/policy.toml --device state/device.json"
    )
    shutil.copy(tmp_path / "state" / "device.json", tmp_path / "device.json")
    fingerprint = re.findall(r"\b[0-9a-f]{64}\b", made)[-1]
    for folder, person in (("pictures", "p2"), ("p1", "p1"), ("p3", "p3")):
        (tmp_path / folder).mkdir()
        for picture in (root / "scenes" / "cast").glob(f"{person}-enrol-*.webp"):
            shutil.copy(picture, tmp_path / folder)
    with closing(FileServer(tmp_path / "site" / "repository")) as server:
        text = (given / "desktop.toml").read_text()
        for key, value in (
            ("state", "state"),
            ("root_sha256", fingerprint),
            ("repository", server.url),
            ("directory", str(root / "models")),
            ("file", str(root / "scenes" / "cast")),
        ):
            text = re.sub(rf'^{key} = ".*?"', f'{key} = "{value}"', text, flags=re.MULTILINE)
        for name in ("gate", "station"):
            (tmp_path / f"{name}.toml").write_text(text)
        typed = commands((root / "docs" / "people.md").read_text())
        said = [shell.types(line + (" p1/*.webp" if line.endswith(CAMERA) else "")) for line in typed]
    done = {" ".join(line.split()[1:3]) for line in typed}
    people = {"consent", "guardian", "receipt", "seal", "enrol", "erased", "list", "withdraw", "export"}
    assert {f"people {each}" for each in people} <= done
    listed = next(out for line, out in zip(typed, said, strict=True) if line.startswith("doorward people list"))
    assert "p1" in listed and "p2" in listed and "in-force" in listed
