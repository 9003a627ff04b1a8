"""What somebody with some of a site's keys, and with its server, can make devices see: against every rule of the site.

Files are made in memory and signed for real; nothing here asks whether a signature is enough. For tests and proofs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from securesystemslib.signer import Signer
from tuf.api.metadata import Metadata, MetaFile, TargetFile

from agent.site.keyfiles import Role
from agent.site.keys import SiteKeys
from agent.site.metadata import DELEGATES, ONLINE, State

Signers = Mapping[Role, list[Signer]]


class Forge:
    """One state of a repository that never was.

    Args:
        state: what is published; it is copied.
        keys: signs for each role with all keys in it that the role names, unless `by` says otherwise.
    """

    def __init__(self, state: State, keys: SiteKeys, now: datetime) -> None:
        self.state, self._keys, self._now = state.copy(), keys, now
        self.base = state
        self.changed: set[Role] = set()
        self.by: dict[Role, list[Signer]] = {}
        self.issued: object = int(now.timestamp())
        self.expires: dict[Role, datetime] = {}
        self.versions: dict[Role, int] = {}
        """Instead of the next one."""
        self.edit: dict[Role, Callable[[dict[str, Any]], None]] = {}
        """Changes a role's signed part as JSON values before it is signed."""
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
        files = dict(self.targets)
        snapshot, timestamp = self.state.snapshot.signed, self.state.timestamp.signed
        for role in ("root", "targets", *DELEGATES):
            if role in self.changed:
                version, data = self._signed(role)
                files[f"metadata/{version}.{role}.json"] = data
                if role != "root":
                    snapshot.meta[f"{role}.json"] = MetaFile.from_data(version, data, ["sha256"])
        version, data = self._signed("snapshot")
        files[f"metadata/{version}.snapshot.json"] = data
        timestamp.snapshot_meta = MetaFile.from_data(version, data, ["sha256"])
        timestamp.unrecognized_fields["issued"] = self.issued
        if self.issued is None:
            del timestamp.unrecognized_fields["issued"]
        files["metadata/timestamp.json"] = self._signed("timestamp")[1]
        return files

    def _signed(self, role: Role) -> tuple[int, bytes]:
        metadata: Metadata[Any] = self.state.metadata(role)
        metadata.signed.version = self.versions.get(role, self.base.signed(role).version + 1)
        if role in self.expires:
            metadata.signed.expires = self.expires[role]
        elif role in ONLINE:
            metadata.signed.expires = self._now + self.state.lease
        if role in self.edit:
            body = metadata.to_dict()
            self.edit[role](body["signed"])
            metadata = Metadata.from_dict(body)
        metadata.signatures.clear()
        named = self.state.delegator(role).get_delegated_role(role).keyids
        for signer in self.by[role] if role in self.by else self._keys.signers(named):
            metadata.sign(signer, append=True)
        return metadata.signed.version, metadata.to_bytes()
