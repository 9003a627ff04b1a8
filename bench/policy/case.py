"""What every class of hostile repositories is made of.

A case is a name and something to carry out; it gives None, or what the device did wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, Literal

from agent.policy.bundle import POLICY_PATH
from agent.site.keyfiles import Role
from agent.site.keys import Ed25519Signer, SiteKeys
from bench.policy.arena import Arena, Attack, policy
from bench.policy.forge import Forge, Json

Case = tuple[str, Callable[[], str | None]]
SIGNED: Final[tuple[Role, ...]] = ("root", "targets", "snapshot", "timestamp", "permission", "restriction", "pass")
SEVERAL: Final[tuple[Role, ...]] = ("root", "targets", "permission")
EVIL: Final = policy(version=9, margin_m=0, retention={"max_days": 365, "max_idle_days": 365})
"""What an attacker would have the device accept."""


def run(arena: Arena, attack: Attack) -> Callable[[], str | None]:
    return lambda: arena.attack(attack)


def changed(arena: Arena, role: Role) -> Forge:
    """A new version of a role, with a forged policy where the role has one."""
    forge = arena.forge()
    if role == "permission":
        forge.put(POLICY_PATH, EVIL)
    elif role not in ("snapshot", "timestamp"):
        forge.changed.add(role)
    return forge


def strangers(number: int = 1) -> list[Ed25519Signer]:
    return [SiteKeys.fresh().signer("root") for _ in range(number)]


def asking(arena: Arena, path: str) -> Literal["fresh", "first"]:
    """A device that has not seen version 2 and will ask for this file of it."""
    return "fresh" if arena.first.get(path) == arena.second[path] else "first"


def of_role(signed: Json, role: str) -> tuple[Json, Json]:
    """Keys and the role's own entry, in a root or in top-level targets."""
    if "roles" in signed:
        return signed["keys"], signed["roles"][role]
    delegations = signed["delegations"]
    return delegations["keys"], next(each for each in delegations["roles"] if each["name"] == role)


def put(changes: Json, *within: str) -> Callable[[Json], None]:
    """An edit that gives these fields to what is about to be signed, or to the part of it that the names lead to."""

    def edit(signed: Json) -> None:
        for name in within:
            signed = signed[name]
        signed.update(changes)

    return edit


def controls(arena: Arena) -> Iterator[Case]:
    """Not hostile: each must be taken, or the rest proves nothing."""
    for role in SIGNED:

        def taken(role: Role = role) -> str | None:
            forge = changed(arena, role)
            forge.edit.setdefault(role, lambda signed: signed.update(x=1))
            forge.bytes[role] = lambda data: data.replace(b'"x": 1', b'"x":  1')
            served = {**arena.second, **forge.files()}
            law, stopped = arena.law(arena.second, served)
            lawful = law is not None and law.policy.document.version == (9 if role == "permission" else 2)
            return None if lawful and stopped else "is not taken"

        yield f"{role}: signed by all, in other white space", taken
    for number in range(3):

        def by_two(number: int = number) -> str | None:
            forge = changed(arena, "permission")
            forge.by["permission"] = [arena.people[each].signer("permission") for each in range(3) if each != number]
            law, _ = arena.law({**arena.second, **forge.files()})
            return None if law is not None and law.policy.document.version == 9 else "is not taken"

        yield f"permission: all but holder {number + 1}", by_two
