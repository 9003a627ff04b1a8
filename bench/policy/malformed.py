"""Bytes that are no JSON, no metadata of this kind, or no policy, all of them signed by everybody who may."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from agent.policy.bundle import POLICY_PATH
from agent.site.keyfiles import Role
from bench.policy.arena import Arena, Attack, policy
from bench.policy.case import SIGNED, Case, changed, of_role, put, run
from bench.policy.forge import Json


def no_json(arena: Arena) -> Iterator[Case]:
    for role in SIGNED:
        ways: dict[str, Callable[[bytes], bytes]] = {
            "a key twice": lambda data: data.replace(b'"signed": {', b'"signed": {"version": 1, ', 1),
            "signatures twice": lambda data: b'{"signatures": [], ' + data[1:],
            "NaN": lambda data: data.replace(b'"signed": {', b'"signed": {"x": NaN, ', 1),
            "infinity": lambda data: data.replace(b'"signed": {', b'"signed": {"x": -Infinity, ', 1),
            "nested deep": lambda data: b'{"signed": ' * 3000 + data,
            "a list": lambda data: b"[" + data + b"]",
            "UTF-16": lambda data: data.decode().encode("utf-16"),
            "a byte order mark": lambda data: b"\xef\xbb\xbf" + data,
            "no UTF-8": lambda data: data[:-1] + b', "x": "\xff"}',
            "something behind it": lambda data: data + b"{}",
        }
        for how, change in ways.items():
            forge = changed(arena, role)
            forge.bytes[role] = change
            yield f"{role}: {how}", run(arena, Attack(forge.files()))


def no_metadata(arena: Arena) -> Iterator[Case]:
    """Signed by everybody who may, and still not what this device speaks."""
    wrong: dict[str, Any] = {
        "spec_version": ["2.0.0", "0.9.0", "9", "", "1", "one", 1, None],
        "version": [-1, "2", None, True, 2.0, [2]],
        "_type": ["other", "Root", None, 1],
        "expires": ["never", "2099-01-01", 4102444800, None, "2099-13-45T00:00:00Z"],
    }
    for role in SIGNED:
        for name, values in wrong.items():
            for value in values:
                if name == "version" and isinstance(value, float):
                    continue  # canonical JSON knows no fractions: nobody can sign it
                forge = changed(arena, role)
                forge.edit[role] = put({name: value})
                yield f"{role}: {name} {value!r}", run(arena, Attack(forge.files()))
            forge = changed(arena, role)
            forge.edit[role] = _without(name)
            yield f"{role}: no {name}", run(arena, Attack(forge.files()))
    keys: dict[str, Json] = {
        "of another kind": {"keytype": "rsa", "scheme": "rsassa-pss-sha256", "keyval": {"public": "x"}},
        "of another scheme": {"keytype": "ed25519", "scheme": "none", "keyval": {"public": "1" * 64}},
        "too short": {"keytype": "ed25519", "scheme": "ed25519", "keyval": {"public": "1" * 62}},
        "with a secret": {
            "keytype": "ed25519",
            "scheme": "ed25519",
            "keyval": {"public": "1" * 64, "private": "2" * 64},
        },
    }
    for delegator in ("root", "targets"):
        for how, key in keys.items():
            forge = arena.forge()
            forge.changed = {delegator}

            def named(signed: Json, key: Json = key) -> None:
                of_role(signed, "permission" if "delegations" in signed else "root")[0]["ab" * 32] = key

            forge.edit[delegator] = named
            yield f"{delegator}: a key {how}", run(arena, Attack(forge.files()))
        for threshold in (0, -1, "2", None, 4):
            below: Role = "targets" if delegator == "root" else "permission"
            forge = changed(arena, below)
            forge.changed.add(delegator)

            def demanded(signed: Json, role: Role = below, threshold: object = threshold) -> None:
                of_role(signed, role)[1]["threshold"] = threshold

            forge.edit[delegator] = demanded
            yield f"{below}: threshold {threshold!r}", run(arena, Attack(forge.files()))
    for role in ("permission", "restriction", "pass"):
        forge = arena.forge()
        forge.changed = {"targets"}

        def dropped(signed: Json, role: str = role) -> None:
            there = signed["delegations"]["roles"]
            signed["delegations"]["roles"] = [each for each in there if each["name"] != role]

        forge.edit["targets"] = dropped
        yield f"nobody delegates to {role}", run(arena, Attack(forge.files()))


def _without(name: str) -> Callable[[Json], None]:
    def edit(signed: Json) -> None:
        del signed[name]

    return edit


def documents(arena: Arena) -> Iterator[Case]:
    """Policies that all holders have signed, and that this device must not take for one."""
    good = json.loads(policy(version=9))
    text, crossed = policy(version=9).decode(), [[0, 0], [9, 9], [9, 0], [0, 9]]
    wrong = {
        "another device's": policy(version=9, devices=[{"id": "gate-9", "signing_key": "1" * 64, "box_key": "2" * 64}]),
        "this device named twice": policy(version=9, devices=good["devices"] * 2),
        "one key claimed to be several": None,
        "a field twice": text.replace('"margin_m": 5', '"margin_m": 5, "margin_m": 0', 1).encode(),
        "NaN": text.replace('"margin_m": 5', '"margin_m": NaN', 1).encode(),
        "infinity": text.replace('"margin_m": 5', '"margin_m": 1e999', 1).encode(),
        "a negative margin": policy(version=9, margin_m=-1),
        "an unknown field": json.dumps(good | {"debug": True}).encode(),
        "another schema": json.dumps(good | {"schema": "doorward/policy/2"}).encode(),
        "a number as text": json.dumps(good | {"margin_m": "5"}).encode(),
        "no retention": policy(version=9, retention=None),
        "no devices": json.dumps(good | {"devices": []}).encode(),
        "ends before it begins": json.dumps(good | {"until": good["from"]}).encode(),
        "an unknown ground": json.dumps(good | {"stricter": ["anything"]}).encode(),
        "an unknown profile": json.dumps(good | {"profile": "none"}).encode(),
        "empty": b"", "a list": b"[]", "null": b"null", "deep": b"[" * 100_000,
        "no UTF-8": text.encode().replace(b"quay", b"qu\xffy"),
        "a key in capitals": json.dumps(good | {"events_key": "A" * 64}).encode(),
        "a crossed region": json.dumps(good | {"attempt": good["attempt"] | {"region": crossed}}).encode(),
    }  # fmt: skip
    for how, data in wrong.items():
        if data is not None:
            yield how, partial(_no_law, arena, data)
    yield "gone", partial(_no_law, arena, None)


def _no_law(arena: Arena, data: bytes | None) -> str | None:
    forge = arena.forge()
    if data is None:
        forge.drop(POLICY_PATH)
    else:
        forge.put(POLICY_PATH, data)
    law, _ = arena.law(arena.second, {**arena.second, **forge.files()})
    return None if law is None else "it stands as law"
