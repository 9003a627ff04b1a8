"""A site of three key holders through four versions, a device that has seen the second, and a server that may do its
worst. What a case changes is served in place of what the site published.

    version 1   a policy, a stop order that holds on, a pass target
    version 2   a stricter policy, a withdrawal; the device has seen this one
    version 3   published, but not seen by the device
    rotated     like version 3, after the keys of timestamp and snapshot were replaced
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from agent.adapters.store import Store
from agent.adapters.updates import Updates, Verified
from agent.errors import LinkError, PolicyError
from agent.policy.bundle import POLICY_PATH
from agent.policy.law import Law
from agent.site import roles
from agent.site.keys import Ed25519Signer, SiteKeys
from agent.site.metadata import State, moment
from agent.site.repository import SiteRepository
from agent.site.restrictions import stop_order, withdrawal
from agent.units import SiteId
from bench.policy.forge import Forge
from tests.app.given import standing as standing_over
from tests.policy.given import DEVICE, NOW_S, document

NOW = int(NOW_S)
DAY = 86_400
SITE = SiteId("quay")
STOP = "restriction/stop-fair.json"
PASS = "pass/door.json"
Served = Mapping[str, bytes | None]


def policy(**changes: Any) -> bytes:
    return json.dumps(document(**{"single_key": False, **changes})).encode()


@dataclass
class Attack:
    """What is served, to whom and when."""

    files: Mapping[str, bytes | None]
    """In place of what the site published last for the device to see; None: the server has no such file."""
    at_s: float = NOW
    device: Literal["fresh", "first", "second"] = "second"
    on_top_of: Literal["first", "second", "third", "rotated"] = "second"
    ignored: bool = False
    """The device may accept the state, but must hand out none of what was forged."""
    endless: frozenset[str] = field(default_factory=frozenset)
    """Paths at which the server never stops sending."""


class Arena:
    """Made once; every attack gets a device of its own."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self._now, self._count = folder, float(NOW - 10 * DAY), 0
        holders = [folder / f"holder-{number}" for number in range(3)]
        self.site = SiteRepository.init(folder / "site", SITE, clock=lambda: self._now, holders=holders)
        self.keys = self.site.keys
        self.people = [SiteKeys.load(holder) for holder in holders]
        self.own = SiteKeys.load(folder / "site/keys")
        self.root = self._published()["metadata/1.root.json"]
        self.stop = stop_order("fair", NOW + 5 * DAY)[1]
        self.site.publish({POLICY_PATH: policy(version=1), STOP: self.stop, PASS: b"{}"})
        self.first, self.first_state = self._published(), self.site.state()
        Updates(folder / "device-first", self.root, self.fetcher(self.first)).refresh(self._now)
        self._now = float(NOW - 60)
        self.site.publish({POLICY_PATH: policy(version=2, margin_m=50), **dict([withdrawal("p-1")])})
        self.second, self.state = self._published(), self.site.state()
        shutil.copytree(folder / "device-first", folder / "device-second", symlinks=True)
        self.verified = Updates(folder / "device-second", self.root, self.fetcher(self.second)).refresh(NOW)
        self._now = float(NOW)
        self.site.publish({POLICY_PATH: policy(version=3, margin_m=60), **dict([withdrawal("p-2")])})
        self.third, self.third_state = self._published(), self.site.state()
        self._rotate()

    def _rotate(self) -> None:
        fresh = SiteKeys.fresh_for(["timestamp", "snapshot"])
        self.stolen = self.own
        """The online keys of before."""
        rotated = SiteRepository(self.folder / "site", self.keys + fresh, self.site.root_sha256, lambda: self._now)
        rotated.prepare(
            change=lambda state: (
                roles.rotate(state, "timestamp", [fresh.public_key("timestamp")])
                | roles.rotate(state, "snapshot", [fresh.public_key("snapshot")])
            )
        )
        rotated.complete()
        self.rotated, self.rotated_state, self.rotated_keys = self._published(), rotated.state(), self.keys + fresh

    def _published(self) -> dict[str, bytes]:
        files = self.folder / "site/repository"
        return {str(path.relative_to(files)): path.read_bytes() for path in files.rglob("*") if path.is_file()}

    @staticmethod
    def fetcher(served: Served, endless: frozenset[str] = frozenset()) -> Any:
        def fetch(path: str, limit: int) -> bytes | None:
            return b" " * (limit + 1) if path in endless else served.get(path)

        return fetch

    def forge(self, state: State | None = None, keys: SiteKeys | None = None, now_s: float = NOW) -> Forge:
        """On top of version 2, with all keys, unless told otherwise."""
        return Forge(self.state if state is None else state, self.keys if keys is None else keys, moment(now_s))

    def person(self, number: int, role: Any) -> list[Ed25519Signer]:
        return [self.people[number].signer(role)]

    def device(self, which: str) -> Path:
        """A device's folder as it was, for one attack."""
        self._count += 1
        folder = self.folder / f"attacked-{self._count}"
        if which != "fresh":
            shutil.copytree(self.folder / f"device-{which}", folder, symlinks=True)
        return folder

    def attack(self, attack: Attack) -> str | None:
        """Carry it out; None if it came to nothing, else what the device did wrong."""
        served = {**getattr(self, attack.on_top_of), **attack.files}
        folder = self.device(attack.device)
        updates = Updates(folder, self.root, self.fetcher(served, attack.endless))
        before = updates.load()
        try:
            after = updates.refresh(attack.at_s)
        except (PolicyError, LinkError) as error:
            if "\n" in str(error):
                return "says it in more than one line"
            return None if updates.load() == before else "refused it, but has another state on disk"
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        if attack.ignored and self._legitimate(after):
            return None
        return f"accepted it: {', '.join(target.path for target in after.targets)}"

    def _legitimate(self, verified: Verified) -> bool:
        return {target.path: target.data for target in verified.targets} == {
            target.path: target.data for target in self.verified.targets
        }

    def law(self, *states: Served, at_s: float = NOW) -> tuple[Law | None, bool]:
        """What stands on a new device that sees these states one by one: its law, and whether all is stopped."""
        self._count += 1
        folder = self.folder / f"standing-{self._count}"
        folder.mkdir(mode=0o700)
        store = Store.open(folder / "store.sqlite", site=SITE, device=DEVICE, ledger_key=bytes(32))
        try:
            standing = standing_over(store, lambda: None, lambda line: None)
            for served in states:
                verified = Updates(folder / "tuf", self.root, self.fetcher(served)).refresh(at_s)
                standing.take(verified, at_s)
            return standing.law, standing.stopped(at_s)
        finally:
            store.close()
            shutil.rmtree(folder)
