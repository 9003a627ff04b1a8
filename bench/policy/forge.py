"""What somebody with some of a site's keys, and with its server, can make devices see: against every rule of the site.

Files are made in memory and signed for real; nothing here asks whether a signature is enough, or whether what is signed
makes sense. For tests and proofs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from securesystemslib.formats import encode_canonical
from tuf.api.metadata import Metadata, TargetFile

from agent.site.keyfiles import Role
from agent.site.keys import Ed25519Signer, SiteKeys
from agent.site.metadata import DELEGATES, ONLINE, State

Json = dict[str, Any]


class Forge:
    """One state of a repository that never was.

    Args:
        state: what is published; it is copied.
        keys: signs for each role with all keys in it that the role names, unless `by` says otherwise.
    """

    def __init__(self, state: State, keys: SiteKeys, now: datetime) -> None:
        self.base, self.state, self._keys, self._now = state, state.copy(), keys, now
        self.changed: set[Role] = set()
        self.by: dict[Role, list[Ed25519Signer]] = {}
        self.issued: object = int(now.timestamp())
        self.expires: dict[Role, datetime] = {}
        self.versions: dict[Role, int] = {}
        """Instead of the next one."""
        self.edit: dict[Role, Callable[[Json], None]] = {}
        """Changes what is about to be signed."""
        self.signatures: dict[Role, Callable[[list[Json]], list[Json]]] = {}
        """Changes the signatures."""
        self.bytes: dict[Role, Callable[[bytes], bytes]] = {}
        """Changes the whole file; the snapshot and the timestamp are of the changed one."""
        self.targets: dict[str, bytes] = {}

    def put(self, path: str, data: bytes) -> None:
        """Let a delegated role name a target."""
        role = path.partition("/")[0]
        assert role in DELEGATES
        self.state.delegated[role].signed.targets[path] = info = TargetFile.from_data(path, data)
        self.targets[f"targets/{role}/{info.hashes['sha256']}.{path.partition('/')[2]}"] = data
        self.changed.add(role)

    def drop(self, path: str) -> None:
        role = path.partition("/")[0]
        assert role in DELEGATES
        self.state.delegated[role].signed.targets.pop(path)
        self.changed.add(role)

    def files(self) -> dict[str, bytes]:
        """Path below `repository/` -> bytes, of all that is new."""
        files, meta = dict(self.targets), {}
        for role in ("root", "targets", *DELEGATES):
            if role in self.changed:
                version, data = self._signed(role)
                files[f"metadata/{version}.{role}.json"] = data
                if role != "root":
                    meta[f"{role}.json"] = described(version, data)
        earlier = self.edit.get("snapshot", _as_it_is)
        self.edit["snapshot"] = lambda signed: (signed["meta"].update(meta), earlier(signed))[-1]
        version, data = self._signed("snapshot")
        files[f"metadata/{version}.snapshot.json"] = data
        edited = self.edit.get("timestamp", _as_it_is)
        named = {"snapshot.json": described(version, data)}

        def stamp(signed: Json) -> None:
            signed["meta"], signed["issued"] = named, self.issued
            if self.issued is None:
                del signed["issued"]
            edited(signed)

        self.edit["timestamp"] = stamp
        files["metadata/timestamp.json"] = self._signed("timestamp")[1]
        return files

    def signers(self, role: Role) -> list[Ed25519Signer]:
        return self._keys.signers(self.state.delegator(role).get_delegated_role(role).keyids)

    def _signed(self, role: Role) -> tuple[int, bytes]:
        metadata: Metadata[Any] = self.state.metadata(role)
        metadata.signed.version = self.versions.get(role, self.base.signed(role).version + 1)
        if role in self.expires:
            metadata.signed.expires = self.expires[role]
        elif role in ONLINE:
            metadata.signed.expires = self._now + self.state.lease
        signed = json.loads(metadata.to_bytes())["signed"]
        self.edit.get(role, _as_it_is)(signed)
        signatures = made_by(self.by[role] if role in self.by else self.signers(role), signed)
        if role in self.signatures:
            signatures = self.signatures[role](signatures)
        body = {"signatures": signatures, "signed": signed}
        data = json.dumps(body).encode()
        return metadata.signed.version, self.bytes[role](data) if role in self.bytes else data


def _as_it_is(signed: Json) -> None:
    """The edit of what nobody edits."""


def made_by(signers: list[Ed25519Signer], signed: Json) -> list[Json]:
    """Signatures over the canonical form, as a repository writes them."""
    canonical = encode_canonical(signed)
    assert canonical is not None
    return [{"keyid": each.public_key.keyid, "sig": each.sign(canonical.encode()).signature} for each in signers]


def described(version: int, data: bytes) -> Json:
    return {"version": version, "length": len(data), "hashes": {"sha256": hashlib.sha256(data).hexdigest()}}
