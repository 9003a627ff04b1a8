"""Sites of several key holders: what two must sign, what one may, and what a device makes of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from agent.errors import ConfigError, PolicyError
from agent.site import roles
from agent.site.keyfiles import Role
from agent.site.keys import HELD, SiteKeys
from agent.site.metadata import State
from agent.site.repository import SiteRepository
from agent.site.restrictions import stop_order
from tests.site.given import DAY, NOW, Gate, Hands, people, several

POLICY = {"permission/policy.json": b"{}"}


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def site(tmp_path: Path, clock: Hands) -> SiteRepository:
    return several(tmp_path, clock)


def opened(folder: Path, clock: Hands, *holders: int) -> SiteRepository:
    """The site with these people's keys at hand."""
    return SiteRepository.open(folder / "site", clock=clock, holders=[people(folder)[each] for each in holders])


def needs(site: SiteRepository) -> dict[str, tuple[int, int]]:
    return {state.role: (state.threshold, len(state.keys)) for state in site.states()}


def test_two_of_three_widen_and_one_narrows(site: SiteRepository) -> None:
    assert needs(site) == {
        "root": (2, 3), "targets": (2, 3), "permission": (2, 3),
        "snapshot": (1, 1), "timestamp": (1, 1), "restriction": (1, 1), "enrolment": (1, 1), "pass": (1, 1),
    }  # fmt: skip
    assert not site.single_key
    public = [key for state in site.states() for key in state.keys]
    assert len(set(public)) == len(public) == 14, "every role and every person has a key of its own"


def test_keys_lie_where_they_belong(site: SiteRepository, tmp_path: Path) -> None:
    for holder in people(tmp_path):
        assert {file.name for file in holder.iterdir()} == {*(f"{role}.ed25519" for role in HELD), "root.sha256"}
    own = {file.name for file in (tmp_path / "site/keys").iterdir()}
    assert not own & {f"{role}.ed25519" for role in HELD} and "events.x25519" in own


def test_the_sites_own_keys_publish_no_policy(site: SiteRepository, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="permission: 0 of 2 signatures"):
        site.publish(POLICY)
    assert site.target("permission/policy.json") is None
    assert not list((tmp_path / "site/repository/targets").rglob("*.json"))


@pytest.mark.parametrize("holders", [(0, 1), (1, 2), (0, 2), (0, 1, 2)])
def test_any_two_publish_one(site: SiteRepository, tmp_path: Path, clock: Hands, holders: tuple[int, ...]) -> None:
    opened(tmp_path, clock, *holders).publish(POLICY)
    assert site.target("permission/policy.json") == b"{}"


def test_one_person_twice_is_one_person(site: SiteRepository, tmp_path: Path, clock: Hands) -> None:
    with pytest.raises(ConfigError, match="1 of 2"):
        opened(tmp_path, clock, 1, 1).publish(POLICY)
    shutil.copytree(people(tmp_path)[1], tmp_path / "copy")
    twice = SiteRepository.open(tmp_path / "site", clock=clock, holders=[people(tmp_path)[1], tmp_path / "copy"])
    with pytest.raises(ConfigError, match="1 of 2"):
        twice.publish(POLICY)


def test_prepared_signed_signed_published(site: SiteRepository, tmp_path: Path, clock: Hands) -> None:
    assert [(each.role, each.have, each.need) for each in site.prepare(POLICY)] == [("permission", 0, 2)]
    before = site.states()
    for holder, (have, role) in enumerate([(1, {"permission"}), (2, {"permission"})]):
        signed, missing = opened(tmp_path, clock, holder).sign()
        assert signed == role and [each.have for each in missing] == ([1] if have == 1 else [])
        assert site.states() == before, "nothing is seen before it is published"
    site.complete()
    assert site.target("permission/policy.json") == b"{}" and site.prepared() is None


def test_a_version_may_be_signed_on_another_machine_that_has_no_key_of_the_site(
    site: SiteRepository, tmp_path: Path, clock: Hands
) -> None:
    site.prepare(POLICY)
    for holder in people(tmp_path)[:2]:
        away = tmp_path / "stick"
        away.mkdir()
        for name in ("repository", "prepared"):
            shutil.copytree(tmp_path / "site" / name, away / name)
        SiteRepository.open(away, clock=clock, holders=[holder]).sign()
        shutil.rmtree(tmp_path / "site/prepared")
        shutil.copytree(away / "prepared", tmp_path / "site/prepared")
        shutil.rmtree(away)
    site.complete()
    assert site.target("permission/policy.json") == b"{}"


def test_who_signs_on_another_machine_is_not_shown_another_site(
    site: SiteRepository, tmp_path: Path, clock: Hands
) -> None:
    (tmp_path / "other").mkdir()
    several(tmp_path / "other", clock).prepare(POLICY)
    shutil.rmtree(tmp_path / "other/site/keys")
    with pytest.raises(PolicyError, match="not the root that the keys are for"):
        SiteRepository.open(tmp_path / "other/site", clock=clock, holders=[people(tmp_path)[0]])


def test_what_is_prepared_goes_only_on_top_of_what_it_was_made_for(
    site: SiteRepository, tmp_path: Path, clock: Hands
) -> None:
    site.prepare(POLICY)
    site.publish(dict([stop_order("fair")]))  # another role's: no harm
    assert site.prepared() is not None
    shutil.move(tmp_path / "site/prepared", tmp_path / "aside")
    opened(tmp_path, clock, 0, 1).publish({"permission/policy.json": b"other"})
    shutil.move(tmp_path / "aside", tmp_path / "site/prepared")
    with pytest.raises(ConfigError, match="does not follow"):
        site.complete()
    site.discard()
    assert site.prepared() is None


def test_one_version_is_prepared_at_a_time(site: SiteRepository) -> None:
    site.prepare(POLICY)
    with pytest.raises(ConfigError, match="prepared already"):
        site.prepare({"permission/policy.json": b"other"})
    site.discard()
    with pytest.raises(ConfigError, match="nothing has changed"):
        site.prepare()
    with pytest.raises(ConfigError, match=r"prepare the version again|nothing is prepared"):
        site.complete()


@pytest.mark.parametrize("harm", ["cut", "foreign", "target", "outside", "empty"])
def test_a_damaged_version_is_not_signed(site: SiteRepository, tmp_path: Path, clock: Hands, harm: str) -> None:
    site.prepare(POLICY)
    folder = tmp_path / "site/prepared"
    match harm:
        case "cut":
            (folder / "permission.json").write_bytes((folder / "permission.json").read_bytes()[:-9])
        case "foreign":
            (folder / "permission.json").write_bytes((tmp_path / "site/repository/metadata/1.root.json").read_bytes())
        case "target":
            (folder / "targets/permission/policy.json").write_bytes(b"[]")
        case "outside":
            data = (folder / "permission.json").read_bytes()
            (folder / "permission.json").write_bytes(data.replace(b"permission/policy.json", b"permission/../../x"))
        case _:
            (folder / "permission.json").unlink()
    with pytest.raises(ConfigError, match=r"prepare(d| the version again)"):
        opened(tmp_path, clock, 0).sign()


def test_roles_about_to_end_wait_for_their_holders_and_the_rest_is_renewed(
    site: SiteRepository, tmp_path: Path, clock: Hands
) -> None:
    clock.unix_s = NOW + 340 * DAY
    assert site.renew() == ("root", "targets", "permission")
    ends = {state.role: state.expires_s for state in site.states()}
    assert ends["restriction"] == ends["pass"] == clock.unix_s + 365 * DAY > ends["root"] == NOW + 365 * DAY
    assert {each.role for each in site.prepare()} == {"root", "targets", "permission"}
    for holder in (1, 2):
        opened(tmp_path, clock, holder).sign()
    site.complete()
    assert site.renew() == ()
    assert {state.expires_s for state in site.states() if state.threshold == 2} == {clock.unix_s + 365 * DAY}


def rotates(*kinds: Role, new: list[SiteKeys]):  # type: ignore[no-untyped-def]
    def change(state: State) -> set[Role]:
        changed: set[Role] = set()
        for role in kinds:
            changed |= roles.rotate(state, role, [keys.public_key(role) for keys in new if keys.holds(role)])
        return changed

    return change


def test_a_device_follows_a_rotation_of_every_role(site: SiteRepository, tmp_path: Path, clock: Hands) -> None:
    every = opened(tmp_path, clock, 0, 1, 2)
    every.publish(POLICY)
    gate = Gate(tmp_path / "gate", tmp_path / "site")
    gate.updates.refresh(NOW)
    fresh = [SiteKeys.fresh_for(HELD) for _ in range(3)]
    own = SiteKeys.fresh_for(["timestamp", "snapshot", "restriction", "pass", "enrolment"])
    kinds: tuple[Role, ...] = (*HELD, "timestamp", "snapshot", "restriction", "pass", "enrolment")
    for number, role in enumerate(kinds):
        folder = tmp_path / f"new-{number}"
        (own if role not in HELD else fresh[0]).save(folder)
        new = [own] if role not in HELD else fresh
        with_new = SiteRepository(tmp_path / "site", sum(fresh, every.keys) + own, every.root_sha256, clock)
        assert with_new.prepare(change=rotates(role, new=new)) == ()
        with_new.complete()
        verified = gate.updates.refresh(NOW)
        assert [target.data for target in verified.targets] == [b"{}"], role
    assert verified.root_version == 5
    old = opened(tmp_path, clock, 0, 1, 2)
    with pytest.raises(ConfigError, match="0 of 2"):
        old.publish({"permission/policy.json": b"by the old keys"})
    with pytest.raises(ConfigError, match="snapshot: its key"):
        old.renew()


def test_a_root_needs_the_former_holders_and_the_new(site: SiteRepository, tmp_path: Path, clock: Hands) -> None:
    fresh = [SiteKeys.fresh_for(["root"]) for _ in range(3)]
    for former, new, enough in [((0,), 3, False), ((0, 1), 1, False), ((0, 1), 2, True)]:
        keys = sum(fresh[:new], opened(tmp_path, clock, *former).keys)
        at_hand = SiteRepository(tmp_path / "site", keys, site.root_sha256, clock)
        assert (at_hand.prepare(change=rotates("root", new=fresh)) == ()) is enough
        if enough:
            at_hand.complete()
        else:
            at_hand.discard()
    assert site.states()[0].version == 2


def test_a_key_more_and_a_key_less(site: SiteRepository, tmp_path: Path, clock: Hands) -> None:
    fourth, two = SiteKeys.fresh_for(HELD), opened(tmp_path, clock, 0, 1)
    two.prepare(change=lambda state: roles.add(state, "permission", fourth.public_key("permission")))
    two.complete()
    assert needs(site)["permission"] == (2, 4)
    with pytest.raises(ConfigError, match="signs for it already"):
        two.prepare(change=lambda state: roles.add(state, "permission", fourth.public_key("permission")))
    lost = SiteKeys.load(people(tmp_path)[2])
    for role in HELD:
        two.prepare(change=lambda state, role=role: roles.revoke(state, lost.public_key(role).keyid))
        two.complete()
    assert [needs(site)[role] for role in HELD] == [(2, 2), (2, 2), (2, 3)]
    with pytest.raises(ConfigError, match="add a key first"):
        two.prepare(change=lambda state: roles.revoke(state, two.keys.public_key("root").keyid))
    with pytest.raises(ConfigError, match="signs for no role"):
        two.prepare(change=lambda state: roles.revoke(state, "ab" * 32))
    one_and_lost = opened(tmp_path, clock, 0, 2)
    with pytest.raises(ConfigError, match="permission: 1 of 2"):
        one_and_lost.publish(POLICY)


def test_what_a_changed_key_spoke_for_is_signed_anew(site: SiteRepository, tmp_path: Path, clock: Hands) -> None:
    site.publish(dict([stop_order("fair")]))
    fresh = SiteKeys.fresh_for(["restriction"])
    keys = opened(tmp_path, clock, 0, 1).keys
    without = SiteRepository(tmp_path / "site", keys, site.root_sha256, clock)
    missing = without.prepare(change=rotates("restriction", new=[fresh]))
    assert [(each.role, each.have, each.need) for each in missing] == [("restriction", 0, 1)]
    without.discard()
    SiteRepository(tmp_path / "site", keys + fresh, site.root_sha256, clock).prepare(
        change=lambda state: rotates("restriction", new=[fresh])(state) - {"restriction"}
    )
    with pytest.raises(ConfigError, match="not signed again"):
        SiteRepository(tmp_path / "site", keys + fresh, site.root_sha256, clock).complete()


def test_a_site_of_several_is_made_with_two_people_at_least(tmp_path: Path, clock: Hands) -> None:
    with pytest.raises(ConfigError, match="2 people must agree"):
        several(tmp_path, clock, holders=1)
    with pytest.raises(ConfigError, match="a folder of its own for each person"):
        SiteRepository.init(tmp_path / "a", "quay", clock=clock, holders=[tmp_path / "k", tmp_path / "k"])
    assert not (tmp_path / "a").exists()


def test_keys_of_two_sites_do_not_mix(site: SiteRepository, tmp_path: Path, clock: Hands) -> None:
    (tmp_path / "other").mkdir()
    several(tmp_path / "other", clock)
    with pytest.raises(ConfigError, match="not the keys of one site"):
        SiteRepository.open(tmp_path / "site", clock=clock, holders=[people(tmp_path / "other")[0]])
    shutil.rmtree(tmp_path / "site/keys")
    with pytest.raises(ConfigError, match="name the folder of your key"):
        SiteRepository.open(tmp_path / "site", clock=clock)
