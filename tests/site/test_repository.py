"""The authority's repository: what is published is signed, what is taken back is gone, and a kill halves nothing."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.adapters.updates import Updates, Verified
from agent.errors import ConfigError, PolicyError
from agent.site.repository import RoleState, SiteRepository

NOW = 1_795_000_000
DAY = 86_400


class Hands:
    """A clock that stands where it is put."""

    def __init__(self) -> None:
        self.unix_s: float = NOW

    def __call__(self) -> float:
        return self.unix_s


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def site(tmp_path: Path, clock: Hands) -> SiteRepository:
    return SiteRepository.init(tmp_path / "site", "quay", clock=clock)


def served(folder: Path, device: Path, unix_s: float = NOW) -> Verified:
    """What a device that starts with nothing makes of the files on disk."""
    files = folder / "repository"

    def fetch(path: str, limit: int) -> bytes | None:
        return (files / path).read_bytes() if (files / path).exists() else None

    root = (files / "metadata" / "1.root.json").read_bytes()
    return Updates(device, root, fetch).refresh(unix_s)


def paths(verified: Verified) -> dict[str, bytes]:
    return {target.path: target.data for target in verified.targets}


def states(site: SiteRepository) -> dict[str, RoleState]:
    return {state.role: state for state in site.states()}


def test_an_empty_site_is_whole(site: SiteRepository, tmp_path: Path) -> None:
    verified = served(tmp_path / "site", tmp_path / "device")
    assert verified.targets == ()
    assert (verified.issued_s, verified.lease_until_s) == (NOW, NOW + DAY)
    assert site.site == "quay" and len(site.root_sha256) == 64
    assert {state.threshold for state in site.states()} == {1}


def test_published_targets_reach_a_device(site: SiteRepository, tmp_path: Path) -> None:
    site.publish({"permission/policy.json": b"one", "restriction/a.json": b"two", "pass/k.json": b"three"})
    assert paths(served(tmp_path / "site", tmp_path / "device")) == {
        "permission/policy.json": b"one",
        "restriction/a.json": b"two",
        "pass/k.json": b"three",
    }
    assert site.target("permission/policy.json") == b"one"
    assert site.target("permission/other.json") is None


def test_only_what_changed_gets_a_new_version(site: SiteRepository) -> None:
    site.publish({"restriction/a.json": b"x"})
    versions = {role: state.version for role, state in states(site).items()}
    assert {role for role, version in versions.items() if version == 2} == {"restriction", "snapshot", "timestamp"}
    assert {role for role, version in versions.items() if version == 1} == {
        "root", "targets", "permission", "enrolment", "pass",
    }  # fmt: skip
    assert states(site)["restriction"].targets == ("restriction/a.json",)


def test_what_is_taken_back_leaves_the_server(site: SiteRepository, tmp_path: Path) -> None:
    site.publish({"enrolment/p-1.json": b"sealed-1", "enrolment/p-2.json": b"sealed-2"})
    site.publish({"enrolment/p-2.json": b"sealed-3"}, remove=["enrolment/p-1.json", "enrolment/none.json"])
    left = [file.read_bytes() for file in (tmp_path / "site/repository/targets").rglob("*") if file.is_file()]
    assert left == [b"sealed-3"]
    assert states(site)["enrolment"].targets == ("enrolment/p-2.json",)


@pytest.mark.parametrize(
    "path",
    ["policy.json", "other/a.json", "permission/", "permission/../a", "permission/a/b", "/permission/a", "pass/A.json",
     "pass/.hidden", "pass/" + "a" * 129, "pass/a\n"],
)  # fmt: skip
def test_a_path_that_is_no_targets_is_refused(site: SiteRepository, path: str) -> None:
    before = site.states()
    with pytest.raises(ConfigError, match="a path is <role>/<name>"):
        site.publish({path: b"x"})
    with pytest.raises(ConfigError, match="a path is <role>/<name>"):
        site.publish({}, remove=[path])
    assert site.states() == before


def test_a_lease_is_as_long_as_at_the_beginning(tmp_path: Path, clock: Hands) -> None:
    SiteRepository.init(tmp_path / "s", "quay", clock=clock, lease_s=600)
    clock.unix_s = NOW + 300
    SiteRepository.open(tmp_path / "s", clock=clock).renew()
    verified = served(tmp_path / "s", tmp_path / "device", NOW + 301)
    assert (verified.issued_s, verified.lease_until_s) == (NOW + 300, NOW + 900)


def test_renewing_touches_the_lease_alone_until_a_role_is_about_to_end(site: SiteRepository, clock: Hands) -> None:
    clock.unix_s = NOW + 300 * DAY
    site.renew()
    assert {role for role, state in states(site).items() if state.version == 2} == {"snapshot", "timestamp"}
    clock.unix_s = NOW + 340 * DAY
    site.renew()
    assert {state.version for role, state in states(site).items() if role not in ("snapshot", "timestamp")} == {2}
    assert all(state.expires_s >= clock.unix_s + DAY for state in site.states())


def test_a_renewed_root_is_followed(site: SiteRepository, clock: Hands, tmp_path: Path) -> None:
    clock.unix_s = NOW + 340 * DAY
    site.renew()
    assert served(tmp_path / "site", tmp_path / "device", clock.unix_s).root_version == 2
    assert site.site == "quay"


def test_few_old_versions_stay_on_the_server(site: SiteRepository, tmp_path: Path) -> None:
    for number in range(10):
        site.publish({"restriction/a.json": b"%d" % number})
    names = sorted(file.name for file in (tmp_path / "site/repository/metadata").glob("*.restriction.json"))
    assert names == ["10.restriction.json", "11.restriction.json", "9.restriction.json"]
    assert (tmp_path / "site/repository/metadata/1.root.json").exists()


def test_a_site_is_made_once(site: SiteRepository, tmp_path: Path, clock: Hands) -> None:
    with pytest.raises(ConfigError, match="holds a site already"):
        SiteRepository.init(tmp_path / "site", "quay", clock=clock)
    with pytest.raises(ConfigError, match="use a-z"):
        SiteRepository.init(tmp_path / "other", "The Quay", clock=clock)
    assert not (tmp_path / "other").exists()


def test_a_folder_that_is_no_site_is_named(tmp_path: Path, clock: Hands) -> None:
    with pytest.raises(ConfigError, match="not a site"):
        SiteRepository.open(tmp_path, clock=clock)


@pytest.mark.parametrize(
    "name", ["timestamp.json", "1.root.json", "2.snapshot.json", "1.targets.json", "2.permission.json"]
)
@pytest.mark.parametrize("harm", ["cut", "changed", "gone", "of another site", "of another role"])
def test_nothing_is_signed_on_top_of_a_foreign_file(
    site: SiteRepository, tmp_path: Path, clock: Hands, name: str, harm: str
) -> None:
    site.publish({"permission/policy.json": b"x"})
    other = SiteRepository.init(tmp_path / "other", "quay", clock=clock)
    other.publish({"permission/policy.json": b"mine"})
    file = tmp_path / "site/repository/metadata" / name
    data = file.read_bytes()
    match harm:
        case "cut":
            file.write_bytes(data[:-20])
        case "changed":
            body = json.loads(data)
            body["signed"]["expires"] = "2031-01-01T00:00:00Z"
            file.write_text(json.dumps(body))
        case "gone":
            file.unlink()
        case "of another site":
            shutil.copy(tmp_path / "other/repository/metadata" / name, file)
        case _:
            shutil.copy(file.with_name("1.enrolment.json"), file)
    before = {path: path.read_bytes() for path in (tmp_path / "site/repository").rglob("*") if path.is_file()}
    with pytest.raises((PolicyError, ConfigError)) as caught:
        SiteRepository.open(tmp_path / "site", clock=clock)
    assert len(str(caught.value).splitlines()) == 1
    with pytest.raises(PolicyError):
        site.publish({"permission/policy.json": b"y"})
    after = {path: path.read_bytes() for path in (tmp_path / "site/repository").rglob("*") if path.is_file()}
    assert before == after


def test_a_full_disk_is_one_clear_line(site: SiteRepository, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "site/repository/targets/pass")
    with pytest.raises(ConfigError, match="make room"):
        site.publish({"pass/k.json": b"x"})
    assert paths(served(tmp_path / "site", tmp_path / "device")) == {}


class Killed(BaseException):
    """The process ends here: nothing after it runs."""


@pytest.fixture
def kill_at(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Counts down at each change of a name on disk and ends the process at zero."""
    left = [1_000_000]
    replace, unlink = Path.replace, Path.unlink

    def step() -> None:
        left[0] -= 1
        if left[0] < 0:
            raise Killed

    def counted_replace(self: Path, target: Path) -> Path:
        step()
        return replace(self, target)

    def counted_unlink(self: Path, missing_ok: bool = False) -> None:
        step()
        unlink(self, missing_ok)

    monkeypatch.setattr(Path, "replace", counted_replace)
    monkeypatch.setattr(Path, "unlink", counted_unlink)
    yield left
    left[0] = 1_000_000


def test_a_kill_between_any_two_writes_leaves_the_old_or_the_new(
    site: SiteRepository, tmp_path: Path, clock: Hands, kill_at: list[int]
) -> None:
    old = {"permission/policy.json": b"old", "restriction/a.json": b"old"}
    new = {"permission/policy.json": b"new", "pass/k.json": b"new"}
    site.publish(old)
    shutil.copytree(tmp_path / "site", tmp_path / "kept")
    seen: list[dict[str, bytes]] = []
    finished = False
    for steps in range(40):
        shutil.rmtree(tmp_path / "site")
        shutil.copytree(tmp_path / "kept", tmp_path / "site")
        kill_at[0] = steps
        try:
            site.publish(new, remove=["restriction/a.json"])
            finished = True
        except Killed:
            pass
        kill_at[0] = 1_000_000
        seen.append(paths(served(tmp_path / "site", tmp_path / f"device-{steps}")))
        again = SiteRepository.open(tmp_path / "site", clock=clock)
        again.publish({"restriction/b.json": b"after"})
        # What had been put aside whole is finished by the next opening; what had not is gone.
        after = paths(served(tmp_path / "site", tmp_path / f"device-{steps}"))
        assert after.pop("restriction/b.json") == b"after" and after in (old, new)
        assert after == new or seen[-1] == old
        if finished:
            break
    assert finished and seen[0] == old and seen[-1] == new
    assert [state for state in seen if state not in (old, new)] == []
    assert len(seen) > 12 and old in seen[6:]


def test_two_writers_wait_for_each_other(site: SiteRepository, tmp_path: Path) -> None:
    children = []
    for number in range(4):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                site.publish({f"restriction/r-{number}.json": b"x"})
                status = 0
            finally:
                os._exit(status)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0, 0]
    assert len(states(site)["restriction"].targets) == 4
    assert states(site)["timestamp"].version == 5
