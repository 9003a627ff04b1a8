"""The device's side of the signed repository: what arrives, what stays on disk, and what a cut leaves behind."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tuf.api.metadata import Metadata, Timestamp
from tuf.ngclient._internal.trusted_metadata_set import TrustedMetadataSet

from agent.adapters.updates import Updates, pin_root
from agent.crypto import sha256
from agent.errors import ConfigError, DeviceError, LinkError, PolicyError
from agent.site.metadata import moment
from agent.units import DeviceId
from tests.adapters.authority import DAY, FAR_AHEAD, GOOD, LONG_AGO, NOW, World, asked_by_a_new_device, paths


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.mark.parametrize("now", [LONG_AGO, FAR_AHEAD])
def test_what_was_published_arrives_whatever_the_system_clock_says(tmp_path: Path, now: int) -> None:
    verified = World(tmp_path, now).refresh()
    assert paths(verified) == GOOD
    assert (verified.issued_s, verified.lease_until_s) == (now, now + DAY)
    assert (verified.root_version, verified.timestamp_version, verified.policy_version) == (1, 2, 2)
    assert [target.role for target in verified.targets] == ["permission", "restriction", "pass"]


def test_a_device_is_given_the_sealed_enrolments_that_begin_with_its_name(world: World) -> None:
    mine, others = "enrolment/gate-1.aa.json", ("enrolment/gate-2.bb.json", "enrolment/gate-11.cc.json")
    world.site.publish({mine: b"mine"} | dict.fromkeys(others, b"not mine"))
    device = Updates(world.folder / "device", world.root, world.fetch, DeviceId("gate-1"))
    for verified in (device.refresh(world.now), device.load()):
        assert paths(verified) == GOOD | {mine: b"mine"}
        assert {target.role for target in verified.targets if target.path == mine} == {"enrolment"}
    assert not [path for path in world.asked if "gate-2" in path or "gate-11" in path or "p-2" in path]
    world.site.publish({}, remove=[mine])
    assert paths(device.refresh(world.now)) == GOOD
    assert not list((world.folder / "device" / "targets").glob("enrolment*")), "what was taken back does not stay"


def test_enrolments_are_not_fetched(world: World) -> None:
    world.refresh()
    assert not [path for path in world.asked if "enrolment" in path]


def test_the_second_refresh_asks_for_news_alone(world: World) -> None:
    world.refresh()
    world.asked.clear()
    assert paths(world.refresh()) == GOOD
    assert world.asked == ["metadata/2.root.json", "metadata/timestamp.json"]


def test_load_gives_the_last_state_without_asking_anybody(world: World) -> None:
    assert world.device().load() is None
    verified = world.refresh()
    world.asked.clear()
    assert world.device().load() == verified
    assert world.asked == []


def test_load_gives_an_expired_state_with_its_lease_over(world: World) -> None:
    world.refresh()
    world.now += 7 * DAY
    loaded = world.device().load()
    assert loaded is not None and loaded.lease_until_s < world.now
    with pytest.raises(PolicyError, match="expired"):
        world.refresh()
    world.site.renew()
    assert world.refresh().lease_until_s == world.now + DAY


def test_expiry_is_checked_again_should_the_client_not_do_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    long_before = datetime.fromtimestamp(NOW, UTC)
    deaf = property(lambda trusted: long_before, lambda trusted, moment: None)
    monkeypatch.setattr(TrustedMetadataSet, "reference_time", deaf, raising=False)
    world.refresh(after_s=DAY - 1)
    with pytest.raises(PolicyError, match="expired"):
        world.refresh(after_s=DAY)


def test_a_frozen_repository_is_not_news_after_its_lease(world: World) -> None:
    world.refresh(after_s=DAY - 1)
    for late in (0, 1, 7 * DAY, 366 * DAY):
        with pytest.raises(PolicyError, match="expired"):
            world.refresh(after_s=DAY + late)
    assert world.device().load() is not None


@pytest.mark.parametrize("role", ["root", "targets", "permission", "restriction", "pass", "snapshot", "timestamp"])
def test_the_first_role_to_end_ends_the_lease(world: World, role: Any) -> None:
    # Signed beside the authority's own code, which gives each role its usual life.
    forge = world.forge()
    forge.changed = {"root", "targets", "permission", "restriction", "pass"}
    forge.expires[role] = moment(world.now + 60)
    world.serve(forge)
    assert world.refresh().lease_until_s == world.now + 60
    with pytest.raises(PolicyError, match="expired"):
        world.refresh(after_s=60)


def test_a_restriction_that_is_dropped_is_no_longer_handed_out_here(world: World) -> None:
    # That it stays in force all the same is the store's business: it keeps what this file has once handed out.
    assert "restriction/withdraw-p-1.json" in paths(world.refresh())
    world.site.publish({}, remove=["restriction/withdraw-p-1.json"])
    assert "restriction/withdraw-p-1.json" not in paths(world.refresh())
    assert not list((world.folder / "device/targets").glob("restriction*"))


def test_a_repository_that_lacks_a_file_is_the_networks_fault(world: World) -> None:
    world.refresh()
    world.site.publish({"permission/policy.json": b"new"})
    for path in [path for path in asked_by_a_new_device(world) if "2.root" not in path]:
        world.instead = {path: None}
        with pytest.raises(LinkError, match="not on the server"):
            Updates(world.folder / f"device-{sha256(path.encode())}", world.root, world.fetch).refresh(world.now)


def test_a_line_that_dies_at_any_moment_leaves_the_old_state_and_then_the_new(world: World) -> None:
    old = world.refresh()
    world.site.publish({path: data + b"2" for path, data in GOOD.items()})
    shutil.copytree(world.folder / "device", world.folder / "kept", symlinks=True)
    for fetches in range(9):
        shutil.rmtree(world.folder / "device")
        shutil.copytree(world.folder / "kept", world.folder / "device", symlinks=True)
        world.die_at = fetches
        with pytest.raises(LinkError, match="dead"):
            world.refresh()
        assert world.device().load() == old
    world.die_at = None
    new = world.refresh()
    assert paths(new) == {path: data + b"2" for path, data in GOOD.items()}
    assert world.device().load() == new


def test_load_refuses_what_was_changed_on_disk_and_the_next_refresh_mends_it(world: World) -> None:
    good = world.refresh()
    (whole,) = (world.folder / "device").glob("whole-*")
    for path in [path for path in whole.rglob("*") if path.is_file() and not path.is_symlink()]:
        if path.name in ("1.root.json", "seen.json"):
            continue
        data = path.read_bytes()
        for harmed in (b"", data[:-3], data[:-1] + bytes([data[-1] ^ 1])):
            path.write_bytes(harmed)
            with pytest.raises(PolicyError):
                world.device().load()
            path.write_bytes(data)
        path.unlink()
        with pytest.raises(PolicyError):
            world.device().load()
        path.write_bytes(data)
    assert world.device().load() == good
    shutil.rmtree(whole / "metadata")
    with pytest.raises(PolicyError):
        world.device().load()
    world.site.renew()
    world.refresh()
    assert world.device().load() is not None


def test_a_folder_that_cannot_be_written_is_the_devices_fault(world: World) -> None:
    (world.folder / "device").write_text("in the way")
    with pytest.raises(DeviceError, match="look at the disk"):
        world.device()


def test_a_disk_that_fills_up_is_the_devices_fault(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    old = world.refresh()
    world.site.publish({"permission/policy.json": b"new"})

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(DeviceError, match="No space left"):
            world.refresh()
    assert world.device().load() == old
    assert paths(world.refresh())["permission/policy.json"] == b"new"


def test_the_root_is_pinned_by_its_fingerprint(world: World) -> None:
    fingerprint = world.site.root_sha256
    spaced = " ".join(fingerprint[at : at + 8] for at in range(0, 64, 8)).upper()
    assert pin_root(world.fetch, fingerprint) == pin_root(world.fetch, spaced) == world.root
    with pytest.raises(PolicyError, match="not of this fingerprint"):
        pin_root(world.fetch, "0" * 64)
    for typed in ("", "abc", fingerprint + "0", "g" * 64):
        with pytest.raises(ConfigError, match="64 hex digits"):
            pin_root(world.fetch, typed)
    world.instead = {"metadata/1.root.json": world.root + b" "}
    with pytest.raises(PolicyError, match="not of this fingerprint"):
        pin_root(world.fetch, fingerprint)
    world.instead = {"metadata/1.root.json": None}
    with pytest.raises(LinkError, match="not on the server"):
        pin_root(world.fetch, fingerprint)
    world.instead = {"metadata/1.root.json": b"x" * 100_000}
    with pytest.raises(LinkError, match="more than"):
        pin_root(world.fetch, fingerprint)


def test_the_signed_time_is_in_the_signed_part(world: World) -> None:
    data = world.fetch("metadata/timestamp.json", 1 << 20)
    assert data is not None
    assert Metadata[Timestamp].from_bytes(data).signed.unrecognized_fields == {"issued": NOW}
