"""A site, its web server and a stopped device on a folder; every word is typed into the real command."""

from __future__ import annotations

import re
import subprocess
from contextlib import closing
from pathlib import Path

from agent.adapters.keys import PlainKeys
from agent.adapters.store import Store
from agent.demo.web import FileServer
from agent.units import SiteId, SubjectId
from tests.cli.started import doorward

ROOT = Path(__file__).resolve().parents[2]
CAST = ROOT / "scenes" / "cast"


class Desk:
    """A site, its web server and a stopped device; every word is typed into the real command."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state, self.site = folder / "state", folder / "site"
        self.types("device", "init", "--state", self.state, "--id", "desk-1", "--insecure-dev")
        policy, device = ROOT / "device_config" / "policy.toml", self.state / "device.json"
        made = self.types(
            "site",
            "init",
            self.site,
            "--single-key",
            "--plain",
            "--site",
            "my-house",
            "--policy",
            policy,
            "--device",
            device,
        )
        root = re.search(r"\b[0-9a-f]{64}\b", made.stdout)
        assert root is not None and made.stderr == "", "the example policy leaves nothing unmet"
        self.server = FileServer(self.site / "repository")
        text = (ROOT / "device_config" / "desktop.toml").read_text()
        for key, value in (
            ("state", str(self.state)),
            ("root_sha256", root[0]),
            ("repository", self.server.url),
            ("directory", str(ROOT / "models")),
            ("file", str(CAST)),
        ):
            text = re.sub(rf'^{key} = ".*?"', f'{key} = "{value}"', text, flags=re.MULTILINE)
        self.config = folder / "device.toml"
        self.config.write_text(text)
        self.receipt = folder / "r.json"

    def types(self, *words: object) -> subprocess.CompletedProcess[str]:
        done = doorward(*words)
        assert "Traceback" not in done.stderr
        return done

    def consents(self, subject: str = "p1", *more: str) -> subprocess.CompletedProcess[str]:
        return self.types("people", "consent", "--site", self.site, "--subject", subject, "-o", self.receipt, *more)

    def enrols(self, *pictures: Path) -> subprocess.CompletedProcess[str]:
        return self.types("people", "enrol", "--config", self.config, "--receipt", self.receipt, *pictures)

    def enrolled(self) -> list[SubjectId]:
        keys = PlainKeys.open(self.state / "keys.json", insecure_dev=True)
        store = Store.open(
            self.state / "store.sqlite", site=SiteId("my-house"), device=keys.device, ledger_key=keys.ledger_key
        )
        with closing(store):
            return [row.subject for row in store.references()]
