"""Hostile repositories in which somebody signs who may not, or not alone, or not that."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from agent.policy.bundle import POLICY_PATH
from agent.site.keyfiles import Role
from agent.tuf_keys import Ed25519Key
from bench.policy.arena import PASS, STOP, Arena, Attack, policy
from bench.policy.case import EVIL, SEVERAL, SIGNED, Case, changed, of_role, put, run, strangers
from bench.policy.forge import Json

_DELEGATED: Final[tuple[tuple[Role, Role], ...]] = (("permission", "targets"), ("targets", "root"), ("root", "root"))
"""A role that several hold, and the one that says who."""
_SECOND_ID: Final = "ab" * 32


def unsigned(arena: Arena) -> Iterator[Case]:
    for role in SIGNED:
        ways: dict[str, Callable[[list[Json]], list[Json]]] = {
            "no signature": lambda made: [],
            "signatures of zeros": lambda made: [each | {"sig": "00" * 64} for each in made],
            "signatures changed": lambda made: [
                each | {"sig": f"{int(each['sig'][0], 16) ^ 1:x}{each['sig'][1:]}"} for each in made
            ],
            "signatures empty": lambda made: [each | {"sig": ""} for each in made],
            "signatures no hex": lambda made: [each | {"sig": "zz" * 64} for each in made],
        }
        for how, change in ways.items():
            forge = changed(arena, role)
            forge.signatures[role] = change
            yield f"{role}: {how}", run(arena, Attack(forge.files()))
        for how, signers in (("a stranger", strangers()), ("three strangers", strangers(3))):
            forge = changed(arena, role)
            forge.by[role] = signers
            yield f"{role}: signed by {how}", run(arena, Attack(forge.files()))
        forge = changed(arena, role)
        forge.edit[role] = lambda signed: signed.update(x="before it was signed")
        forge.bytes[role] = lambda data: data.replace(b"before it was signed", b"after it was signed!")
        yield f"{role}: changed after it was signed", run(arena, Attack(forge.files()))


def under_threshold(arena: Arena) -> Iterator[Case]:
    for role in SEVERAL:
        for number in range(3):
            forge = changed(arena, role)
            forge.by[role] = arena.person(number, role)
            yield f"{role}: holder {number + 1} alone", run(arena, Attack(forge.files()))
            for with_whom in ("a stranger", "every key of the site's own"):
                forge = changed(arena, role)
                own = [arena.own.signer(each) for each in ("timestamp", "snapshot", "restriction", "enrolment", "pass")]
                forge.by[role] = arena.person(number, role) + (strangers() if with_whom == "a stranger" else own)
                yield f"{role}: holder {number + 1} and {with_whom}", run(arena, Attack(forge.files()))
            forge = changed(arena, role)
            forge.by[role] = [arena.people[number].signer(each) for each in SEVERAL if each != role] + arena.person(
                number, role
            )
            yield f"{role}: holder {number + 1} with all three keys", run(arena, Attack(forge.files()))
    for former, new in ((0, 2), (1, 2), (2, 0), (2, 1)):
        forge, others = arena.forge(), strangers(3)
        forge.changed = {"root"}
        keys = [each.public_key for each in others]

        def replaced(signed: Json, keys: Sequence[Ed25519Key] = keys) -> None:
            signed["keys"] |= {key.keyid: key.to_dict() for key in keys}
            signed["roles"]["root"] = {"keyids": [key.keyid for key in keys], "threshold": 2}

        forge.edit["root"] = replaced
        forge.by["root"] = [arena.people[each].signer("root") for each in range(former)] + others[:new]
        yield (
            f"root: new keys, signed by {former} of the former and {new} of the new",
            run(arena, Attack(forge.files())),
        )


def one_key_twice(arena: Arena) -> Iterator[Case]:
    for role in SEVERAL:
        first = arena.person(0, role)
        forge = changed(arena, role)
        forge.by[role], forge.signatures[role] = first, lambda made: made * 2
        yield f"{role}: one signature twice", run(arena, Attack(forge.files()))
        ids: dict[str, Callable[[str], str]] = {
            "in capitals": str.upper,
            "with a blank": lambda text: f" {text}",
            "cut short": lambda text: text[:63],
            "of another key": lambda text: "0" * 64,
        }
        for how, other in ids.items():
            forge = changed(arena, role)
            forge.by[role] = first
            forge.signatures[role] = _again(other)
            yield f"{role}: the same signature under an id {how}", run(arena, Attack(forge.files()))
    for role, delegator in _DELEGATED:
        key = arena.people[0].public_key(role)
        for how in ("listed twice", "under a second id"):
            forge = changed(arena, role)
            forge.changed.add(delegator)
            forge.by[role] = arena.person(0, role)
            second = key.keyid if how == "listed twice" else _SECOND_ID

            def twice(signed: Json, role: str = role, key: Ed25519Key = key, second: str = second) -> None:
                keys, holder = of_role(signed, role)
                keys[second] = key.to_dict()
                holder["keyids"], holder["threshold"] = [key.keyid, second], 2

            forge.edit[delegator] = twice
            forge.signatures[role] = _again(str if how == "listed twice" else lambda keyid: _SECOND_ID)
            yield f"{role}: one key {how} by those who may", run(arena, Attack(forge.files()))


def _again(rename: Callable[[str], str]) -> Callable[[list[Json]], list[Json]]:
    """The first signature once more, under another id of its key."""
    return lambda made: [*made, made[0] | {"keyid": rename(made[0]["keyid"])}]


def one_signer_widens(arena: Arena) -> Iterator[Case]:
    """Whoever holds one key of each role but those of the holders, and one holder's keys, says that less is needed."""
    wider: dict[str, dict[str, Any]] = {
        "longer retention": {"retention": {"max_days": 365, "max_idle_days": 365}},
        "no margin": {"margin_m": 0},
        "a device more": {
            "devices": [{"id": name, "signing_key": "1" * 64, "box_key": "2" * 64} for name in ("gate-1", "gate-2")]
        },
        "a model more": {
            "models": [
                {"role": role, "sha256": digit * 64}
                for role, digit in (("detector", "d"), ("embedder", "e"), ("embedder", "f"))
            ]
        },
        "a lower threshold": {"operating_point": {"label": "real", "threshold": 0.2}},
        "another profile": {"profile": "us-il-bipa"},
        "the stop order lifted": {"lifts": ["stop-fair"]},
        "the outcome in clear": {"outcome_class_in_clear": True},
        "other events key": {"events_key": "4" * 64},
    }
    for how, changes in wider.items():
        for number in range(3):
            forge = arena.forge()
            forge.put(POLICY_PATH, policy(version=9, **changes))
            forge.by["permission"] = arena.person(number, "permission")
            yield f"{how}, by holder {number + 1}", run(arena, Attack(forge.files()))
    for role, delegator in _DELEGATED:
        forge = changed(arena, role)
        forge.changed.add(delegator)

        def lower(signed: Json, role: str = role) -> None:
            of_role(signed, role)[1]["threshold"] = 1

        forge.edit[delegator] = lower
        for each in {role, delegator}:
            forge.by[each] = arena.person(1, each)
        yield f"threshold of {role} lowered by one holder", run(arena, Attack(forge.files()))
    for role in ("restriction", "pass", "enrolment"):
        forge = arena.forge()
        forge.put(POLICY_PATH, EVIL)
        forge.by["permission"] = [arena.own.signer(role)] * 2
        yield f"policy signed by the key for {role}", run(arena, Attack(forge.files()))


def other_roles_paths(arena: Arena) -> Iterator[Case]:
    """A role names what is not its own: the state is good, and the foreign target is none."""
    for role in ("restriction", "pass"):
        for path in (POLICY_PATH, "permission/extra.json", STOP if role == "pass" else PASS, "enrolment/p-1.json"):
            forge = arena.forge()
            forge.put(POLICY_PATH, EVIL)
            info = forge.state.delegated["permission"].signed.targets[POLICY_PATH].to_dict()
            forge.changed = {role}
            forge.edit[role] = put({path: info}, "targets")
            yield f"{role} names {path}", run(arena, Attack(forge.files(), ignored=True))
    for role in SIGNED[2:4]:
        forge = arena.forge()
        forge.edit[role] = put({"evil.json": {"version": 1}}, "meta")
        yield (
            f"{role} names a role that nobody delegates",
            run(arena, Attack(forge.files(), ignored=role == "snapshot")),
        )


_LEADING_ELSEWHERE: Final = (
    *("../evil", "../../evil", "/etc/evil", "/../evil", "..", ".", "", "a/b", "%2e%2e%2fevil", "..%2fevil"),
    *("a\\..\\evil", "evil\x00.json", ".hidden", "EVIL", "evil\n", "e" * 129),
)


def paths(arena: Arena) -> Iterator[Case]:
    for role in ("permission", "restriction", "pass"):
        for path in _LEADING_ELSEWHERE:
            forge = arena.forge()
            info = arena.state.delegated["permission"].signed.targets[POLICY_PATH].to_dict()
            forge.changed = {role}
            forge.edit[role] = put({f"{role}/{path}": info}, "targets")
            yield f"{role}/{path!r}", run(arena, Attack(forge.files(), ignored=True))


def other_sites(arena: Arena) -> Iterator[Case]:
    """A site of the same name, made by somebody else."""
    folder = arena.folder / "other"
    folder.mkdir()
    other = Arena(folder)
    for which in ("first", "second", "third", "rotated"):
        yield f"all of it, {which}", run(arena, Attack(getattr(other, which), device="first"))
    for path in ("metadata/1.root.json", "metadata/2.root.json", "metadata/timestamp.json"):
        yield (
            f"its {path.rpartition('/')[2]}",
            run(arena, Attack({path: other.rotated[path]}, device="fresh", ignored="1.root" in path)),
        )
    for role in SEVERAL:
        forge = changed(arena, role)
        forge.by[role] = [person.signer(role) for person in other.people]
        yield f"{role}: signed by its holders", run(arena, Attack(forge.files()))
