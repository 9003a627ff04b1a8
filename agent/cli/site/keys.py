"""`doorward site rotate | add-key | revoke`: who may sign.

Each makes a prepared version that the present key holders sign; it is published at once if the keys at hand suffice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import click

from agent.cli.passphrase import PASSPHRASES, chooser
from agent.cli.site.group import DIR, FOLDER, KEYS, open_site, site
from agent.cli.site.signing import offer
from agent.cli.site.working import copy_of, next_policy, read_copy
from agent.crypto import fingerprint
from agent.errors import ConfigError
from agent.policy.bundle import POLICY_PATH
from agent.site import edit as edits
from agent.site import roles
from agent.site.keyfiles import ROLES, Kind, Role, pin
from agent.site.keys import HELD, SiteKeys
from agent.site.metadata import State
from agent.site.policy_draft import checked
from agent.site.repository import SiteRepository

_NEW = click.option(
    "--new", "folders", multiple=True, type=FOLDER, help="Folder for a new key, beside what is in it; see --help."
)
_PLAIN = click.option("--plain", is_flag=True, help="Write new keys in the clear, not under a passphrase.")
_KINDS = click.Choice([*ROLES, "events"])


@site.command()
@DIR
@click.argument("kinds", nargs=-1, metavar="[ROLE]...", type=_KINDS)
@KEYS
@_NEW
@PASSPHRASES
@_PLAIN
def rotate(
    folder: Path,
    kinds: tuple[Kind, ...],
    holders: tuple[Path, ...],
    folders: tuple[Path, ...],
    passphrases: tuple[Path, ...],
    plain: bool,
) -> None:
    """Put new keys in the place of all keys of ROLE (or `events`, the key that events are sealed to).

    For root, targets and permission give --new once for each key holder; other new keys are written to DIR/keys. A site
    with a single key rotates that for all roles at once. After a theft of an online key rotate timestamp and snapshot,
    and with them the role whose versions were driven up.
    """
    opened = _ready(folder, holders, passphrases)
    before = opened.state()
    if opened.keys.single:
        kinds, groups = ROLES, [(folder / "keys", SiteKeys.fresh_for(["root"]))]
        groups = [(folder / "keys", SiteKeys.of(dict.fromkeys(ROLES, groups[0][1].sign_secret("root"))))]
    else:
        if not kinds:
            raise ConfigError("rotate: name one role or several: root, targets, permission, timestamp …")
        groups = _fresh(folder, kinds, folders)
    for role in (kind for kind in kinds if kind in HELD):
        need, given = roles.named(before, role).threshold, sum(keys.holds(role) for _, keys in groups)
        if given < need:
            raise ConfigError(f"--new: {role} takes {need} keys; name a folder for each of its key holders")
    saved = _save(opened, groups, chooser(() if plain else passphrases, plain=plain))

    def change(state: State) -> set[Role]:
        changed: set[Role] = set()
        for role in (kind for kind in kinds if kind != "events"):
            changed |= roles.rotate(state, role, [keys.public_key(role) for keys in saved if keys.holds(role)])
        return changed

    events = next((keys.events_public() for keys in saved if keys.holds("events")), None)
    _offer(folder, (*holders, *folders), passphrases, change, events)


@site.command()
@DIR
@click.argument("kinds", nargs=-1, required=True, metavar="ROLE...", type=click.Choice(ROLES))
@KEYS
@_NEW
@PASSPHRASES
@_PLAIN
def add_key(
    folder: Path,
    kinds: tuple[Role, ...],
    holders: tuple[Path, ...],
    folders: tuple[Path, ...],
    passphrases: tuple[Path, ...],
    plain: bool,
) -> None:
    """Let one key holder more sign for ROLE: a new key in --new FOLDER. It takes as many signatures as before."""
    opened = _ready(folder, holders, passphrases)
    if len(folders) != 1:
        raise ConfigError("--new: name the one folder of the new key holder")
    if opened.single_key:
        raise ConfigError(f"{folder}: has a single key for all roles; make a site with several keys for several people")
    saved = _save(opened, [(folders[0], SiteKeys.fresh_for(kinds))], chooser(passphrases, plain=plain))

    def change(state: State) -> set[Role]:
        return {each for role in kinds for each in roles.add(state, role, saved[0].public_key(role))}

    _offer(folder, (*holders, *folders), passphrases, change, None)


@site.command()
@DIR
@click.argument("key", metavar="FINGERPRINT")
@KEYS
@PASSPHRASES
def revoke(folder: Path, key: str, holders: tuple[Path, ...], passphrases: tuple[Path, ...]) -> None:
    """Take a key, named by the fingerprint that 'doorward site show' lists, away from every role it signs for."""
    opened = _ready(folder, holders, passphrases)
    wanted = key.replace(" ", "").lower()
    known = {keyid: each for role in ROLES for keyid, each in roles.named(opened.state(), role).keys.items()}
    prints = {keyid: fingerprint(bytes.fromhex(each.keyval["public"])) for keyid, each in known.items()}
    found = [keyid for keyid, text in prints.items() if text.replace(" ", "") == wanted]
    if len(found) != 1:
        raise ConfigError(f"{key}: is no key's fingerprint; 'doorward site show {folder}' lists them")
    _offer(folder, holders, passphrases, lambda state: roles.revoke(state, found[0]), None)


def _ready(folder: Path, holders: Sequence[Path], passphrases: Sequence[Path]) -> SiteRepository:
    """The site, if nothing else is under way: keys change by themselves, so that their holders see just that."""
    opened = open_site(folder, holders, passphrases)
    if opened.prepared() is not None:
        raise ConfigError(
            f"{folder}: a version is prepared already; publish it, or run 'doorward site discard {folder}'"
        )
    published = opened.target(POLICY_PATH)
    if published is not None and copy_of(folder).exists() and not edits.same(read_copy(folder), published):
        raise ConfigError(f"{copy_of(folder)}: holds changes that are not published; publish them first")
    return opened


def _fresh(folder: Path, kinds: Sequence[Kind], folders: Sequence[Path]) -> list[tuple[Path, SiteKeys]]:
    """New keys, each with its folder: a key for every holder of what several hold, one of the rest for the site."""
    held, own = [kind for kind in kinds if kind in HELD], [kind for kind in kinds if kind not in HELD]
    if folders and not held:
        raise ConfigError(f"--new: {', '.join(own)}: the new key goes to {folder / 'keys'}; leave it out")
    if len({each.resolve() for each in folders}) < len(folders):
        raise ConfigError("--new: name a folder of its own for each person")
    groups = [(each, SiteKeys.fresh_for(held)) for each in folders] if held else []
    return groups + ([(folder / "keys", SiteKeys.fresh_for(own))] if own else [])


def _save(
    opened: SiteRepository, groups: Sequence[tuple[Path, SiteKeys]], choose: Callable[[Path], str | None]
) -> list[SiteKeys]:
    saved = []
    for folder, keys in groups:
        saved.append(keys.save(folder, choose(folder), beside=True))
        pin(folder, opened.root_sha256)
    return saved


def _offer(
    folder: Path,
    holders: Sequence[Path],
    passphrases: Sequence[Path],
    change: Callable[[State], set[Role]],
    events: bytes | None,
) -> None:
    """Prepare the change, with the policy that follows from it, and publish it if the keys at hand suffice."""
    opened = open_site(folder, tuple(dict.fromkeys(holders)), passphrases)
    targets, published = {}, opened.target(POLICY_PATH)
    if published is not None:
        before = edits.opened(published)
        state = opened.state().copy()
        change(state)
        after = edits.with_keys(before, state, events or bytes.fromhex(before["events_key"]))
        if after != before:
            targets[POLICY_PATH] = next_policy(opened, checked(after))
    offer(opened, folder, targets, change)
