"""A process that is killed while it takes over a new policy: at the next start the old one stands, or the new one."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from agent.adapters.store import Store
from agent.adapters.updates import Updates
from agent.policy.bundle import POLICY_PATH
from agent.site.repository import SiteRepository
from agent.site.restrictions import stop_order
from agent.units import SiteId
from bench.policy.arena import policy
from tests.app.given import standing as standing_over
from tests.app.kills import killed
from tests.policy.given import DEVICE, NOW_S

KILLS = 110
SITE = SiteId("quay")
WATCHED = (
    "/agent/adapters/updates/",
    "/agent/adapters/store/",
    "/agent/app/standing",
    "/tuf/ngclient/updater",
    "shutil.py",
)


class Place:
    """A site, and the state folder of one device."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.state = folder, folder / "state"
        self.site = SiteRepository.init(folder / "site", SITE, clock=lambda: NOW_S)
        self.publish(1)
        self.root = (folder / "site/repository/metadata/1.root.json").read_bytes()

    def publish(self, version: int) -> None:
        data = policy(single_key=True, version=version, margin_m=version)
        self.site.publish({POLICY_PATH: data, **dict([stop_order(f"no-{version}", NOW_S - 1)])})

    def fetch(self, path: str, limit: int) -> bytes | None:
        file = self.folder / "site/repository" / path
        return file.read_bytes() if file.exists() else None

    def starts(self, *, news: bool) -> int | None:
        """The version of the policy that stands after a start, with or without news of the site."""
        self.state.mkdir(mode=0o700, exist_ok=True)
        store = Store.open(self.state / "store.sqlite", site=SITE, device=DEVICE, ledger_key=bytes(32))
        try:
            standing, updates = standing_over(store, lambda: None, lambda line: None), Updates(
                self.state / "tuf", self.root, self.fetch
            )  # fmt: skip
            standing.opening(NOW_S)
            verified = updates.refresh(NOW_S) if news else updates.load()
            if verified is not None:
                standing.take(verified, NOW_S)
            law = standing.law
            assert law is None or law.policy.document.margin_m == law.policy.document.version
            return None if law is None else law.policy.document.version
        finally:
            store.close()

    def killed(self, at: int | None) -> int | None:
        """Take over what is new in a process that is killed at this line; None: how many lines there are."""

        def work(begin: Callable[[], None]) -> None:
            begin()
            self.starts(news=True)

        return killed(work, WATCHED, at)


def test_a_kill_at_any_moment_leaves_the_old_policy_or_the_new(tmp_path: Path) -> None:
    place = Place(tmp_path)
    assert place.starts(news=True) == 1
    place.publish(2)
    shutil.copytree(place.state, tmp_path / "kept", symlinks=True)
    stood = []
    total = place.killed(None)
    assert total is not None and total > 20 * KILLS
    for number in range(KILLS):
        shutil.rmtree(place.state)
        shutil.copytree(tmp_path / "kept", place.state, symlinks=True)
        assert place.killed(1 + number * (total - 1) // KILLS) is None
        stood.append(place.starts(news=False))
        assert stood[-1] in (1, 2)
        if number % 10 == 0:
            assert place.starts(news=True) == 2
    assert stood == sorted(stood) and set(stood) == {1, 2}
