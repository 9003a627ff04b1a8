"""Who may sign for what: how many keys each role takes, and the changes of them.

Rules: of several people two must agree to widen (root, targets, permission); one key is enough to narrow or to keep the
lease fresh. A role never keeps fewer keys than it takes. Whatever a changed set of keys speaks for is signed anew.
Functions change the state that they are given and return the roles that must be signed. Leaves out: signatures
(version.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from securesystemslib.signer import Key
from tuf.api.metadata import DelegatedRole, Delegations, Metadata, Root, Snapshot, Targets, Timestamp

from agent.errors import ConfigError
from agent.site.keyfiles import ROLES, Role
from agent.site.keys import HELD, SiteKeys
from agent.site.metadata import DELEGATES, ONLINE, TOP, State
from agent.tuf_keys import Ed25519Key

OFFLINE_LIFE: Final = timedelta(days=365)
THRESHOLD: Final = 2
_SECOND: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Named:
    """The keys that may sign for a role, by key id, and how many of them it takes."""

    keys: Mapping[str, Ed25519Key]
    threshold: int


@dataclass(frozen=True, slots=True)
class RoleState:
    """One line of `doorward site show`."""

    role: Role
    version: int
    expires_s: float
    threshold: int
    targets: tuple[str, ...]
    keys: tuple[str, ...]
    """The public keys that may sign for it, in hex."""


def of_one(keys: SiteKeys) -> dict[Role, Named]:
    """One key for each role."""
    return {role: _named([keys.public_key(role)], 1) for role in ROLES}


def of_several(own: SiteKeys, holders: Sequence[SiteKeys]) -> dict[Role, Named]:
    """Two of the holders for what widens, the site's own key for the rest.

    Raises:
        ConfigError: fewer holders than two.
    """
    if len(holders) < THRESHOLD:
        raise ConfigError(f"--keys: {THRESHOLD} people must agree, so name {THRESHOLD} or more folders, one a person")
    return {
        role: _named([holder.public_key(role) for holder in holders], THRESHOLD)
        if role in HELD
        else _named([own.public_key(role)], 1)
        for role in ROLES
    }


def found(site: str, lease: timedelta, named: Mapping[Role, Named], now: datetime) -> State:
    """Version 1 of every role (0 of those online, which are signed when it is saved), without signatures."""
    ends = now + OFFLINE_LIFE
    state = State(
        Metadata(Root(version=1, expires=ends, unrecognized_fields={"site": site, "lease_s": lease // _SECOND})),
        Metadata(Targets(version=1, expires=ends, delegations=Delegations({}, {}))),
        Metadata(Snapshot(version=1, expires=now + lease, meta={})),
        Metadata(Timestamp(version=1, expires=now + lease)),
        {each: Metadata(Targets(version=1, expires=ends)) for each in DELEGATES},
    )
    state.snapshot.signed.version = state.timestamp.signed.version = 0
    for each in DELEGATES:
        _delegated(state)[1][each] = DelegatedRole(each, [], 1, terminating=True, paths=[f"{each}/*"])
    for role in ROLES:
        give(state, role, named[role])
    return state


def named(state: State, role: Role) -> Named:
    """Who may sign for a role."""
    delegator = state.delegator(role)
    wanted = delegator.get_delegated_role(role)
    keys = {keyid: delegator.get_key(keyid) for keyid in wanted.keyids}
    return Named({keyid: key for keyid, key in keys.items() if isinstance(key, Ed25519Key)}, wanted.threshold)


def give(state: State, role: Role, to: Named) -> set[Role]:
    """Let these keys, and no others, sign for a role.

    Raises:
        ConfigError: they would be fewer than the role takes.
    """
    if len(to.keys) < to.threshold:
        raise ConfigError(f"{role}: takes {to.threshold} keys and would have {len(to.keys)}; add a key first")
    if role in TOP:
        roles, known = state.root.signed.roles, state.root.signed.keys
        roles[role].keyids, roles[role].threshold = list(to.keys), to.threshold
        in_use = {keyid for each in roles.values() for keyid in each.keyids}
    else:
        known, delegated = _delegated(state)
        delegated[role].keyids, delegated[role].threshold = list(to.keys), to.threshold
        in_use = {keyid for each in delegated.values() for keyid in each.keyids}
    known.update(to.keys)
    for keyid in set(known) - in_use:
        del known[keyid]
    delegator: Role = "root" if role in TOP else "targets"
    return {delegator} if role in ONLINE else {delegator, role}


def add(state: State, role: Role, key: Ed25519Key) -> set[Role]:
    """Let one key more sign for a role; it takes as many as before."""
    before = named(state, role)
    if key.keyid in before.keys:
        raise ConfigError(f"{role}: that key signs for it already")
    return give(state, role, Named({**before.keys, key.keyid: key}, before.threshold))


def revoke(state: State, keyid: str) -> set[Role]:
    """Take a key away from every role that it signs for.

    Raises:
        ConfigError: it signs for none, or a role would be left with fewer keys than it takes.
    """
    changed: set[Role] = set()
    for role in ROLES:
        before = named(state, role)
        if keyid in before.keys:
            left = {each: key for each, key in before.keys.items() if each != keyid}
            changed |= give(state, role, Named(left, before.threshold))
    if not changed:
        raise ConfigError("key: signs for no role; 'doorward site show --keys' lists those that do")
    return changed


def rotate(state: State, role: Role, keys: Iterable[Ed25519Key]) -> set[Role]:
    """New keys for a role in place of all old ones; it takes as many as before."""
    return give(state, role, _named(keys, named(state, role).threshold))


def one_suffices(state: State) -> bool:
    """One key by itself can widen: the site must say so wherever it speaks."""
    return any(named(state, role).threshold < THRESHOLD for role in HELD)


def states(state: State) -> tuple[RoleState, ...]:
    """What a repository holds, role by role."""
    found = []
    for role in (*TOP, *DELEGATES):
        signed, who = state.signed(role), named(state, role)
        listed = tuple(sorted(signed.targets)) if isinstance(signed, Targets) else ()
        public = tuple(str(key.keyval["public"]) for key in who.keys.values())
        found.append(RoleState(role, signed.version, signed.expires.timestamp(), who.threshold, listed, public))
    return tuple(found)


def _named(keys: Iterable[Ed25519Key], threshold: int) -> Named:
    return Named({key.keyid: key for key in keys}, threshold)


def _delegated(state: State) -> tuple[dict[str, Key], dict[str, DelegatedRole]]:
    """Keys and roles of the top-level targets."""
    delegations = state.targets.signed.delegations
    if delegations is None or delegations.roles is None:
        raise AssertionError("a site delegates to its four roles from the beginning")
    return delegations.keys, delegations.roles
