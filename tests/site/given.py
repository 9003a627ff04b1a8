"""A site of three key holders in folders, its operator at the command line, and a device that looks at it."""

from __future__ import annotations

import io
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from agent.adapters.store import Store
from agent.adapters.updates import Updates, Verified
from agent.cli import main
from agent.site.repository import SiteRepository
from agent.units import DeviceId, SiteId
from tests.app.given import standing
from tests.site.test_policy_draft import DEVICE, TOML

NOW = 1_795_000_000
DAY = 86_400


class Hands:
    """A clock that stands where it is put."""

    def __init__(self) -> None:
        self.unix_s: float = NOW

    def __call__(self) -> float:
        return self.unix_s


class Gate:
    """A real device's side of a site in a folder: client, store and what stands."""

    def __init__(self, folder: Path, site: Path, device: str = DEVICE["id"]) -> None:
        folder.mkdir(mode=0o700)
        self._files = site / "repository"
        self.said: list[str] = []
        self._device, self._path = DeviceId(device), folder / "store.sqlite"
        self.starts()
        root = (self._files / "metadata/1.root.json").read_bytes()
        self.updates = Updates(folder / "tuf", root, self._fetch)

    def starts(self) -> None:
        """A new start of the process; what was on disk still is."""
        self.store = Store.open(self._path, site=SiteId("quay"), device=self._device, ledger_key=bytes(32))
        self.standing = standing(self.store, lambda: None, self.said.append)

    def looks(self, unix_s: float) -> Verified:
        """Ask the site for news and take them over."""
        verified = self.updates.refresh(unix_s)
        self.standing.take(verified, unix_s)
        return verified

    def document(self) -> Any:
        """The policy that stands."""
        assert self.standing.law is not None, self.said
        return self.standing.law.policy.document

    def _fetch(self, path: str, limit: int) -> bytes | None:
        file = self._files / path
        return file.read_bytes() if file.exists() else None


@dataclass
class Said:
    code: int
    out: str
    err: str


class Operator:
    """Types `doorward site …`; folders are named by a word."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self._capsys, self._monkeypatch = folder, capsys, monkeypatch
        monkeypatch.setenv("COLUMNS", "200")
        (folder / "policy.toml").write_text(TOML)
        (folder / "device.json").write_text(json.dumps({"schema": "doorward/device/1", **DEVICE}))
        self.dir = str(folder / "quay")
        self.copy = folder / "quay/policy.json"

    def types(self, *words: str) -> Said:
        self._monkeypatch.setattr(sys, "argv", ["doorward", "site", *words])
        self._monkeypatch.setattr(sys, "stdin", io.StringIO(""))  # nobody is there to answer
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        said = self._capsys.readouterr()
        return Said(code, said.out, said.err)

    def does(self, *words: str) -> str:
        """What it says; it must work."""
        said = self.types(*words)
        assert said.code == 0, said.err
        return said.out

    def fails(self, *words: str) -> str:
        """The one line that says what is wrong."""
        said = self.types(*words)
        assert said.code == 2, said
        assert "Traceback" not in said.err
        return said.err

    def keys(self, *holders: str) -> tuple[str, ...]:
        return tuple(word for holder in holders for word in ("--keys", str(self.folder / holder)))

    def makes_a_site(self, *holders: str) -> str:
        """Of these key holders; of a single key if there are none."""
        files = ("--policy", str(self.folder / "policy.toml"), "--device", str(self.folder / "device.json"))
        who = self.keys(*holders) if holders else ("--single-key",)
        return self.does("init", self.dir, "--site", "quay", *who, "--plain", *files)

    def changes(self, **fields: Any) -> None:
        """Fields of the working copy, by hand."""
        self.copy.write_text(json.dumps(json.loads(self.copy.read_bytes()) | fields))


def several(folder: Path, clock: Hands, holders: int = 3) -> SiteRepository:
    """A site of several holders, opened with its own keys alone."""
    SiteRepository.init(folder / "site", "quay", clock=clock, holders=people(folder, holders))
    return SiteRepository.open(folder / "site", clock=clock)


def people(folder: Path, holders: int = 3) -> list[Path]:
    return [folder / f"holder-{number}" for number in range(holders)]
