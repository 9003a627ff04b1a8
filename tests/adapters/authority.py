"""A site that really signs, a server that can do its worst, and a device that asks it."""

from __future__ import annotations

import shutil
from pathlib import Path

from agent.adapters.updates import Updates, Verified
from agent.errors import LinkError
from agent.site.metadata import moment
from agent.site.repository import SiteRepository
from bench.policy.forge import Forge

# Far from today in both directions: nothing here may ask the system clock.
LONG_AGO, FAR_AHEAD = 1_300_000_000, 2_500_000_000
NOW = LONG_AGO
DAY = 86_400
GOOD = {"permission/policy.json": b'{"v": 1}', "restriction/withdraw-p-1.json": b"w", "pass/key.json": b"k"}


class World:
    """A site, its server and one device. The server gives what the site published, unless told otherwise."""

    def __init__(self, folder: Path, now: int = NOW) -> None:
        self.folder, self.now = folder, now
        self.site = SiteRepository.init(folder / "site", "quay", clock=lambda: self.now)
        self.site.publish(GOOD | {"enrolment/p-2.json": b"sealed"})
        self.instead: dict[str, bytes | None] = {}
        self.asked: list[str] = []
        self.die_at: int | None = None
        self.root = (folder / "site/repository/metadata/1.root.json").read_bytes()

    def fetch(self, path: str, limit: int) -> bytes | None:
        self.asked.append(path)
        if self.die_at is not None:
            self.die_at -= 1
            if self.die_at < 0:
                raise LinkError("the line is dead")
        if path in self.instead:
            return self.instead[path]
        file = self.folder / "site/repository" / path
        return file.read_bytes() if file.exists() else None

    def device(self) -> Updates:
        return Updates(self.folder / "device", self.root, self.fetch)

    def refresh(self, after_s: float = 0) -> Verified:
        return self.device().refresh(self.now + after_s)

    def keep(self, name: str) -> None:
        shutil.copytree(self.folder / "site", self.folder / name)

    def bring_back(self, name: str) -> None:
        shutil.rmtree(self.folder / "site")
        shutil.copytree(self.folder / name, self.folder / "site")

    def forge(self) -> Forge:
        """What somebody with the keys could sign, against every rule of the authority's own code."""
        return Forge(self.site.state(), self.site.keys, moment(self.now))

    def serve(self, forge: Forge) -> None:
        self.instead = dict(forge.files())


def paths(verified: Verified | None) -> dict[str, bytes]:
    assert verified is not None
    return {target.path: target.data for target in verified.targets}


def asked_by_a_new_device(world: World) -> list[str]:
    world.asked.clear()
    Updates(world.folder / "asker", world.root, world.fetch).refresh(world.now)
    shutil.rmtree(world.folder / "asker")
    return list(dict.fromkeys(world.asked))
