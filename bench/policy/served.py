"""Hostile repositories in which the right people signed, but something else, for another time, or in another order."""

from __future__ import annotations

from collections.abc import Iterator

from agent.policy.bundle import POLICY_PATH
from agent.site.keyfiles import Role
from agent.site.metadata import moment
from bench.policy.arena import DAY, NOW, PASS, Arena, Attack, Served
from bench.policy.case import SIGNED, Case, asking, put, run
from bench.policy.forge import Forge


def rollback(arena: Arena) -> Iterator[Case]:
    yield "all of version 1, to who has seen version 2", run(arena, Attack({}, on_top_of="first"))
    for role in SIGNED[1:]:
        old, new = (f"metadata/{_file(arena, role, which)}" for which in ("first", "second"))
        if arena.first[old] != arena.second[new]:
            yield (
                f"{role}: the old file in the place of the new",
                run(arena, Attack({new: arena.first[old]}, device="first")),
            )
    for role in ("permission", "restriction"):
        for forget in (1, 5):
            forge = arena.forge(now_s=NOW)
            forge.versions = {"snapshot": arena.state.snapshot.signed.version + forget, "timestamp": 99}
            version = arena.first_state.signed(role).version
            forge.edit["snapshot"] = put({f"{role}.json": {"version": version}}, "meta")
            served = (
                _old_targets(arena)
                | forge.files()
                | {f"metadata/{version}.{role}.json": arena.first[f"metadata/{version}.{role}.json"]}
            )
            yield f"{role}: by whoever has the online keys, snapshot {forget} ahead", run(arena, Attack(served))
    for role in ("permission", "restriction", "targets", "pass"):
        # The snapshot's own memory ends with its keys: the device has one of its own.
        forge = Forge(arena.rotated_state, arena.rotated_keys, moment(NOW))
        lower = max(1, arena.state.signed(role).version - 1)
        if lower == arena.state.signed(role).version:
            continue
        forge.edit["snapshot"] = put({f"{role}.json": {"version": lower}}, "meta")
        served = (
            _old_targets(arena)
            | forge.files()
            | {f"metadata/{lower}.{role}.json": arena.first[f"metadata/{lower}.{role}.json"]}
        )
        yield (
            f"{role}: by whoever has the new online keys, after a rotation",
            run(arena, Attack(served, on_top_of="rotated")),
        )
    for role in ("timestamp", "snapshot"):
        for to in (0, 1):
            forge = arena.forge()
            forge.versions[role] = to + (1 if role == "timestamp" else 0)
            yield f"{role}: signed anew as version {forge.versions[role]}", run(arena, Attack(forge.files()))
    forge = arena.forge()
    forge.changed, forge.versions["root"] = {"root"}, 1
    yield (
        "root: another version 1",
        run(arena, Attack(forge.files(), device="fresh", on_top_of="rotated", at_s=NOW + 8 * DAY)),
    )
    files = forge.files()
    yield (
        "root: version 1 again, as version 2",
        run(arena, Attack({"metadata/2.root.json": files["metadata/1.root.json"]})),
    )
    for version in (3, 4, 9, 2**53):
        forge = arena.forge()
        forge.changed, forge.versions["root"] = {"root"}, version
        yield (
            f"root: version {version} as version 2",
            run(arena, Attack({"metadata/2.root.json": forge.files()[f"metadata/{version}.root.json"]})),
        )


def _old_targets(arena: Arena) -> dict[str, bytes | None]:
    return {path: data for path, data in arena.first.items() if path.startswith("targets/")}


def _file(arena: Arena, role: Role, which: str) -> str:
    state = arena.first_state if which == "first" else arena.state
    return "timestamp.json" if role == "timestamp" else f"{state.signed(role).version}.{role}.json"


def freeze(arena: Arena) -> Iterator[Case]:
    ends = arena.verified.lease_until_s
    for late in (0, 1, 59, 3600, DAY, 7 * DAY, 364 * DAY, 366 * DAY, 20 * 366 * DAY):
        for device in ("fresh", "first", "second"):
            yield (
                f"{late} s after the lease, {device} device",
                run(arena, Attack({}, at_s=ends + late, device=device)),
            )
    for role in SIGNED:
        for late in (0, 1, 30 * DAY):
            forge = arena.forge()
            if role not in ("snapshot", "timestamp"):
                forge.changed = {role}
            forge.expires[role] = moment(NOW - late)
            yield f"{role}: over since {late} s", run(arena, Attack(forge.files()))
    never: tuple[object, ...] = (
        None, "now", "2026-11-25T00:00:00Z", True, [1], {}, 0, -5, 1 << 41, NOW + 400 * DAY, NOW + 2 * DAY,
    )  # fmt: skip
    for issued in never:
        forge = arena.forge()
        forge.issued = issued
        yield f"timestamp: issued {issued!r}", run(arena, Attack(forge.files()))


def mix_and_match(arena: Arena) -> Iterator[Case]:
    first, second = arena.first, arena.second
    top: dict[Role, str] = {role: f"metadata/{_file(arena, role, 'second')}" for role in SIGNED if role != "root"}
    for role, path in top.items():
        for other, foreign in top.items():
            if other != role:
                yield (
                    f"{other} in the place of {role}",
                    run(arena, Attack({path: second[foreign]}, device=asking(arena, path))),
                )
    later: tuple[Role, ...] = ("snapshot", "permission", "restriction")
    for role in later:
        new = f"metadata/{arena.third_state.signed(role).version}.{role}.json"
        yield f"{role} of version 3 in version 2", run(arena, Attack({top[role]: arena.third[new]}, device="first"))
    yield (
        "timestamp of version 3, files of version 2",
        run(arena, Attack({"metadata/timestamp.json": arena.third["metadata/timestamp.json"]}, device="first")),
    )
    yield (
        "timestamp of version 1, files of version 2",
        run(arena, Attack({"metadata/timestamp.json": first["metadata/timestamp.json"]}, device="second")),
    )
    yield (
        "targets' bytes of version 1 under the names of version 2",
        run(arena, Attack(_targets(arena, first), device="first")),
    )


def _targets(arena: Arena, source: Served) -> dict[str, bytes | None]:
    """Each target file of version 2 with the bytes of some other target."""
    bodies = [data for path, data in sorted(source.items()) if path.startswith("targets/")]
    return {
        path: bodies[0] if arena.second[path] != bodies[0] else bodies[-1]
        for path in arena.second
        if path.startswith("targets/")
    }


def length_and_hash(arena: Arena) -> Iterator[Case]:
    files = [
        path for path in sorted(arena.second) if path not in arena.first or arena.first[path] != arena.second[path]
    ]
    files += [path for path in arena.second if path.startswith("targets/") and path not in files]
    for path in files:
        data = arena.second[path] or b""
        flipped = data[:-2] + bytes([data[-2] ^ 1]) + data[-1:]
        ways = {
            "cut": data[:-1],
            "longer": data + b" ",
            "empty": b"",
            "one bit": flipped,
            "twice": data * 2,
            "missing": None,
        }
        for how, harmed in ways.items():
            if path.endswith("timestamp.json") and how == "longer":
                continue  # nothing has announced its length, and a blank behind JSON says nothing
            if data != harmed:
                yield (
                    f"{path.rpartition('/')[2][:40]}: {how}",
                    run(arena, Attack({path: harmed}, device=asking(arena, path))),
                )


def endless(arena: Arena) -> Iterator[Case]:
    asked = [path for path in arena.second if path not in arena.first or arena.first[path] != arena.second[path]]
    for path in (*asked, "metadata/2.root.json"):
        yield f"{path.rpartition('/')[2][:40]}", run(arena, Attack({}, device="first", endless=frozenset({path})))
    for length in (10**7, 10**9, 2**63, -1):
        forge = arena.forge()
        forge.changed = {"permission"}
        forge.edit["permission"] = put({"length": length}, "targets", POLICY_PATH)
        yield f"a policy announced with {length} bytes", run(arena, Attack(forge.files()))
    forge = arena.forge()
    info = arena.state.delegated["pass"].signed.targets[PASS].to_dict()
    forge.changed = {"pass"}
    forge.edit["pass"] = put({f"pass/k-{number}": info for number in range(4097)}, "targets")
    yield "4097 targets", run(arena, Attack(forge.files()))
