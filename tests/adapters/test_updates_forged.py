"""The signed repository in the hands of whoever owns the server, the network or a stolen key: nothing gets through."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tuf.api.metadata import Metadata, Root, TargetFile

from agent.adapters.updates import Updates
from agent.errors import LinkError, PolicyError
from agent.site.keys import SiteKeys
from tests.adapters.authority import DAY, GOOD, NOW, World, asked_by_a_new_device, paths


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_each_changed_byte_is_refused_and_the_former_state_stays(world: World) -> None:
    before = world.refresh()
    world.site.publish({path: data + b"2" for path, data in GOOD.items()})
    world.instead, world.asked = {}, []
    Updates(world.folder / "asker", world.root, world.fetch).refresh(world.now)
    names = [name for name in world.asked if name not in ("metadata/2.root.json", "metadata/1.targets.json")]
    assert len(names) == 8  # timestamp, snapshot, three roles, three targets
    for name in names:
        data = (world.folder / "site/repository" / name).read_bytes()
        for at in sorted({0, len(data) // 3, len(data) // 2, len(data) - 1}):
            world.instead = {name: data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]}
            shutil.rmtree(world.folder / "copy", ignore_errors=True)
            shutil.copytree(world.folder / "device", world.folder / "copy", symlinks=True)
            with pytest.raises((PolicyError, LinkError)):
                Updates(world.folder / "copy", world.root, world.fetch).refresh(world.now)
            assert Updates(world.folder / "copy", world.root, world.fetch).load() == before
    world.instead = {}
    assert paths(world.refresh()) == {path: data + b"2" for path, data in GOOD.items()}


@pytest.mark.parametrize("name", ["timestamp.json", "2.snapshot.json", "1.targets.json", "2.permission.json"])
@pytest.mark.parametrize("how", ["unsigned", "other key", "empty", "a list", "deep", "not a number"])
def test_a_file_without_the_right_signature_is_refused(world: World, tmp_path: Path, name: str, how: str) -> None:
    path = f"metadata/{name}"
    body = json.loads((world.folder / "site/repository" / path).read_bytes())
    match how:
        case "unsigned":
            data = json.dumps(body | {"signatures": []}).encode()
        case "other key":
            metadata = Metadata[Any].from_dict(body)
            metadata.sign(SiteKeys.fresh().signer("root"))
            data = metadata.to_bytes()
        case "empty":
            data = b""
        case "a list":
            data = b"[]"
        case "deep":
            data = b'{"signed":' * 1500
        case _:
            data = json.dumps(body | {"signed": body["signed"] | {"version": float("nan")}}).encode()
    world.instead = {path: data}
    with pytest.raises((PolicyError, LinkError)) as caught:
        world.refresh()
    assert len(str(caught.value).splitlines()) == 1
    assert world.device().load() is None


def test_a_link_that_answers_nonsense_is_no_crash(world: World) -> None:
    with pytest.raises(PolicyError, match="malformed"):
        Updates(world.folder / "device", world.root, lambda path, limit: "text").refresh(NOW)  # type: ignore[arg-type,return-value]


def test_a_timestamp_of_another_site_is_refused(world: World, tmp_path: Path) -> None:
    other = World(tmp_path / "other")
    world.refresh()
    world.instead = {
        path: other.fetch(path, 1 << 20) for path in ("metadata/timestamp.json", "metadata/2.snapshot.json")
    }
    with pytest.raises(PolicyError, match="signed by"):
        world.refresh()


def test_a_version_once_seen_is_not_rolled_back(world: World) -> None:
    world.keep("old")
    world.site.publish({"restriction/withdraw-p-9.json": b"w"})
    seen = world.refresh()
    world.bring_back("old")
    with pytest.raises(PolicyError, match="version"):
        world.refresh()
    assert world.device().load() == seen


def test_stolen_online_keys_do_not_roll_a_role_back(world: World) -> None:
    world.keep("old")
    world.site.publish({"permission/policy.json": b"stricter"})
    world.site.publish({"permission/policy.json": b"stricter still"})
    world.refresh()
    world.bring_back("old")
    for _ in range(9):  # timestamp and snapshot rise past what the device has seen, the permission role does not
        world.site.renew()
    with pytest.raises(PolicyError, match="permission"):
        world.refresh()


def test_an_expired_version_still_blocks_a_rollback(world: World) -> None:
    world.keep("old")
    world.site.publish({"restriction/withdraw-p-9.json": b"w"})
    world.refresh()
    world.now += 30 * DAY
    world.bring_back("old")
    with pytest.raises(PolicyError):
        world.refresh()
    with pytest.raises(PolicyError, match="version"):  # nor with a time at which the old one was good
        world.device().refresh(NOW)


@pytest.mark.parametrize("issued", [None, "2011-03-13T07:06:40Z", True, [1], 0, -5, 1 << 41, NOW + 2 * DAY])
def test_a_timestamp_must_say_when_it_was_issued(world: World, issued: object) -> None:
    before = world.refresh()
    forge = world.forge()
    forge.issued = issued
    world.serve(forge)
    with pytest.raises(PolicyError, match="issued"):
        world.refresh()
    assert world.device().load() == before


def test_a_role_speaks_for_its_own_paths_alone(world: World) -> None:
    forged = b'{"v": "forged"}'
    forge = world.forge()
    forge.put("permission/policy.json", forged)
    info = forge.state.delegated["permission"].signed.targets["permission/policy.json"]
    forge.changed, forge.state.delegated["permission"] = (
        {"restriction", "pass"},
        world.site.state().delegated["permission"],
    )
    for role in ("restriction", "pass"):
        forge.state.delegated[role].signed.targets["permission/policy.json"] = info
        forge.state.delegated[role].signed.targets["permission/extra.json"] = info
    world.serve(forge)
    assert paths(world.refresh()) == GOOD


@pytest.mark.parametrize(
    "path", ["permission/../../evil", "permission/.x", "permission/a/b", "permission", "", "/etc/x"]
)
def test_a_path_that_could_lead_elsewhere_is_no_target(world: World, path: str) -> None:
    info = TargetFile.from_data("permission/policy.json", b"x")
    forge = world.forge()
    forge.state.delegated["permission"].signed.targets[path] = info
    forge.changed = {"permission"}
    world.serve(forge)
    before = set(world.folder.rglob("*"))
    assert paths(world.refresh()) == GOOD
    assert not [
        new for new in set(world.folder.rglob("*")) - before if world.folder / "device" not in (new, *new.parents)
    ]


def test_one_roles_file_does_not_pass_for_anothers(world: World) -> None:
    # One key signs all roles here, and the versions are equal: only the hashes in the snapshot tell them apart.
    empty = world.fetch("metadata/2.enrolment.json", 1 << 20)
    world.instead = {"metadata/2.restriction.json": empty}
    with pytest.raises(PolicyError):
        world.refresh()


def test_a_site_without_a_role_is_refused(world: World) -> None:
    forge = world.forge()
    delegations = forge.state.targets.signed.delegations
    assert delegations is not None and delegations.roles is not None
    del delegations.roles["restriction"]
    forge.changed = {"targets"}
    world.serve(forge)
    with pytest.raises(PolicyError, match="no role restriction"):
        world.refresh()


def test_data_without_end_is_cut_off(world: World) -> None:
    for path in ("metadata/timestamp.json", "metadata/2.snapshot.json", "metadata/2.root.json"):
        limits: list[int] = []

        def endless(asked: str, limit: int, path: str = path, limits: list[int] = limits) -> bytes | None:
            if asked != path:
                return world.fetch(asked, limit)
            limits.append(limit)
            return b"x" * (limit + 1)

        with pytest.raises(LinkError, match="more than"):
            Updates(world.folder / "device", world.root, endless).refresh(world.now)
        assert limits and limits[0] <= 1 << 20


def test_a_target_larger_than_a_device_holds_is_refused_before_it_is_fetched(world: World) -> None:
    world.site.publish({"permission/huge.bin": bytes(1_000_001)})
    with pytest.raises(PolicyError, match="larger than"):
        world.refresh()
    assert not [path for path in world.asked if path.endswith("huge.bin")]


def test_more_targets_than_a_device_holds_are_refused(world: World) -> None:
    info = TargetFile.from_data("pass/x", b"x")
    forge = world.forge()
    forge.state.delegated["pass"].signed.targets.update({f"pass/k-{number}": info for number in range(4097)})
    forge.changed = {"pass"}
    world.serve(forge)
    with pytest.raises(PolicyError, match="more than 4096"):
        world.refresh()


def test_the_pinned_root_is_the_only_beginning(world: World, tmp_path: Path) -> None:
    world.refresh()
    other = World(tmp_path / "other")
    for root in (other.root, b"", b"{}", world.root[:-1]):
        device = Updates(world.folder / "device", root, world.fetch)
        with pytest.raises(PolicyError):
            device.refresh(world.now)
        with pytest.raises(PolicyError):
            device.load()


def test_a_root_is_followed_only_when_the_former_one_signed_it(world: World) -> None:
    world.refresh()
    root = Metadata[Root].from_bytes(world.root)
    root.signed.version = 2
    root.sign(SiteKeys.fresh().signer("root"))
    world.instead = {"metadata/2.root.json": root.to_bytes()}
    with pytest.raises(PolicyError):
        world.refresh()
    root.sign(world.site.keys.signer("root"))
    world.instead = {"metadata/2.root.json": root.to_bytes()}
    assert world.refresh().root_version == 2


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("standing"))


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_bytes_raise_anything_but_the_documented_errors(standing: World, data: st.DataObject) -> None:
    shutil.rmtree(standing.folder / "device", ignore_errors=True)
    standing.instead = {}
    names = data.draw(st.sampled_from(asked_by_a_new_device(standing)))
    original = standing.fetch(names, 1 << 20) or b""
    at = data.draw(st.integers(0, max(0, len(original) - 1)))
    piece = data.draw(
        st.binary(max_size=40) | st.sampled_from([b"null", b"[]", b"{}", b"1e999", b'"a"', b"-1", b"9" * 400])
    )
    length = data.draw(st.integers(0, 40))
    harmed = original[:at] + piece + original[at + length :]
    standing.instead = {names: harmed}
    try:
        verified = Updates(standing.folder / "device", standing.root, standing.fetch).refresh(standing.now)
    except (PolicyError, LinkError):
        return
    finally:
        standing.instead = {}
    assert harmed == original or paths(verified) == GOOD
