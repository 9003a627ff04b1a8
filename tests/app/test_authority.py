"""The authority's thread over a real socket, with a site that really signs: it verifies, and says trouble once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.adapters.channel import Channel
from agent.adapters.link_end import LinkEnd
from agent.adapters.updates import Verified
from agent.app.authority import Authority, follow
from agent.errors import PolicyError
from agent.events.wire import FetchOutcome, FetchReply, FetchRequest, FromRecogniser
from tests.adapters.authority import NOW, World, paths
from tests.app.running import until

EVERY_S = 0.05


class Bench:
    """A site, a link's end that fetches from it, and the recogniser's side that follows it."""

    def __init__(self, folder: Path, state: Path) -> None:
        self.world = World(folder)
        self.outcome: FetchOutcome | None = None
        self.asked = 0
        self.said: list[str] = []
        self.tuf = state / "tuf"
        self._path = state / "link.sock"
        self.channel = Channel.listen(self._path)
        self._authority: Authority | None = None
        self._end: LinkEnd | None = None

    def follow(self, root_sha256: str | None = None) -> Authority:
        wanted = root_sha256 or hashlib.sha256(self.world.root).hexdigest()
        self._authority = Authority(self.tuf, wanted, self.channel, EVERY_S, lambda: self.world.now, self.said.append)
        self._authority.start()
        return self._authority

    def join(self) -> None:
        self._end = LinkEnd(self._path, self._received, lambda there: None, retry_s=0.05)
        self._end.start()

    def leave(self) -> None:
        assert self._end is not None
        self._end.close()
        until(lambda: not self.channel.connected)

    def _received(self, message: FromRecogniser) -> None:
        assert isinstance(message, FetchRequest) and self._end is not None
        self.asked += 1
        data = self.world.fetch(message.path, message.limit)
        outcome = self.outcome or (FetchOutcome.ABSENT if data is None else FetchOutcome.BYTES)
        self._end.send(FetchReply(message.number, outcome, (data or b"") if outcome is FetchOutcome.BYTES else b""))

    def rounds(self, count: int = 2) -> None:
        """Wait until it has asked that many times more: each round asks for the timestamp at least."""
        goal = self.asked + count
        until(lambda: self.asked >= goal)

    def end(self) -> None:
        if self._authority is not None:
            self._authority.close()
            self._authority = None

    def close(self) -> None:
        self.end()
        if self._end is not None:
            self._end.close()
        self.channel.close()


@pytest.fixture
def bench(tmp_path: Path, state: Path) -> Iterator[Bench]:
    made = Bench(tmp_path, state)
    yield made
    made.close()


def news(authority: Authority) -> Verified:
    found: Verified = until(authority.news)
    return found


def test_a_verified_state_is_handed_over_once_it_was_fetched(bench: Bench) -> None:
    authority = bench.follow()
    assert authority.news() is None
    bench.join()
    assert paths(news(authority))["permission/policy.json"] == b'{"v": 1}'
    bench.world.site.publish({"permission/policy.json": b'{"v": 2}'})
    until(lambda: paths(news(authority))["permission/policy.json"] == b'{"v": 2}')
    assert bench.said == []


def test_without_a_link_nothing_is_said_and_what_is_kept_stands(bench: Bench) -> None:
    bench.join()
    news(bench.follow())
    bench.end()
    bench.leave()
    authority = bench.follow()
    assert paths(news(authority))["permission/policy.json"] == b'{"v": 1}'
    assert bench.said == []


def test_trouble_is_said_once_until_it_changes_and_the_former_state_stands(bench: Bench) -> None:
    bench.join()
    authority = bench.follow()
    news(authority)
    bench.outcome = FetchOutcome.UNREACHABLE
    until(lambda: bench.said)
    bench.rounds(4)
    assert len(bench.said) == 1 and "cannot be reached" in bench.said[0]
    bench.outcome = FetchOutcome.REFUSED
    until(lambda: len(bench.said) == 2)
    assert "refused" in bench.said[1]
    bench.outcome = None
    bench.rounds(4)
    bench.outcome = FetchOutcome.REFUSED
    until(lambda: len(bench.said) == 3)  # good in between: it is news again
    assert all("\n" not in line for line in bench.said)


def test_a_changed_byte_anywhere_is_refused_and_the_former_state_stands(bench: Bench) -> None:
    bench.join()
    authority = bench.follow()
    news(authority)
    bench.world.site.publish({"permission/policy.json": b'{"v": 2}'})
    target = next(path for path in (bench.world.folder / "site/repository/targets/permission").iterdir())
    good = target.read_bytes()
    target.write_bytes(good.replace(b"2", b"3"))
    until(lambda: bench.said)
    while (verified := authority.news()) is not None:  # refreshed before it was published
        assert paths(verified)["permission/policy.json"] == b'{"v": 1}'
    assert bench.said[0].startswith("permission/policy.json: is not what the site signed")
    target.write_bytes(good)
    until(lambda: paths(news(authority))["permission/policy.json"] == b'{"v": 2}')


def test_another_site_than_the_installer_pinned_is_never_followed(bench: Bench) -> None:
    bench.join()
    authority = bench.follow("0" * 64)
    until(lambda: bench.said)
    bench.rounds()
    assert authority.news() is None
    assert len(bench.said) == 1 and "\n" not in bench.said[0]
    assert not (bench.tuf / "pinned.json").exists()


def test_a_pinned_root_that_was_changed_on_disk_is_fetched_again(bench: Bench) -> None:
    bench.join()
    news(bench.follow())
    bench.end()
    pinned = bench.tuf / "pinned.json"
    pinned.write_bytes(pinned.read_bytes()[:-1] + b" ")
    news(bench.follow())
    bench.end()
    assert pinned.read_bytes() == bench.world.root


def test_kept_metadata_that_were_changed_on_disk_permit_nothing(bench: Bench) -> None:
    bench.join()
    news(bench.follow())
    bench.end()
    bench.leave()
    for file in bench.tuf.rglob("*.json"):
        if file.name != "pinned.json":
            file.write_bytes(file.read_bytes().replace(b"e", b"f", 1))
    with pytest.raises(PolicyError):
        follow(bench.tuf, hashlib.sha256(bench.world.root).hexdigest(), bench.channel.fetch).load()


def test_an_expired_site_is_refused_by_the_trusted_clock(bench: Bench) -> None:
    bench.join()
    authority = bench.follow()
    lease = news(authority).lease_until_s
    bench.world.now = int(lease) + 1
    until(lambda: bench.said)
    assert bench.world.now > NOW and "expired" in bench.said[0]
