"""Hostile repositories and lying clocks, class by class: each must come to nothing on a device."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from bench.policy.arena import Arena
from bench.policy.case import Case
from bench.policy.malformed import documents, no_json, no_metadata
from bench.policy.restrictions import restrictions_taken_back
from bench.policy.served import endless, freeze, length_and_hash, mix_and_match, rollback
from bench.policy.signed import (
    one_key_twice,
    one_signer_widens,
    other_roles_paths,
    other_sites,
    paths,
    under_threshold,
    unsigned,
)

CLASSES: Final[dict[str, Callable[[Arena], Iterator[Case]]]] = {
    "unsigned, or by strangers": unsigned,
    "under the threshold": under_threshold,
    "one key for two": one_key_twice,
    "one signer widens": one_signer_widens,
    "another role's targets": other_roles_paths,
    "paths that lead elsewhere": paths,
    "rollback": rollback,
    "freeze, expiry, time of issue": freeze,
    "mix and match": mix_and_match,
    "length and hash": length_and_hash,
    "endless data": endless,
    "no JSON, or JSON twice over": no_json,
    "no metadata of this kind": no_metadata,
    "another site": other_sites,
    "policies that are none": documents,
    "restrictions taken back": restrictions_taken_back,
}


def cases(arena: Arena) -> Iterator[tuple[str, str, Callable[[], str | None]]]:
    """Class, name, and what carries the case out."""
    for kind, make in CLASSES.items():
        for name, carry_out in make(arena):
            yield kind, name, carry_out
