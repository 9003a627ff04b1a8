"""The signed metadata files of a site's repository: read and verified, signed on, written whole.

Rules: nothing unverified is handed out, so nothing unverified is ever signed on top of; a file is either its old self
or its new self, never half; the timestamp, which alone makes a new state visible, is written last. Snapshot and
timestamp name files by hash: delegated metadata do not say which role they are of, so that with one key for all roles a
server could otherwise hand out one role's file in another's place.
Leaves out: which targets there are and when to sign (repository.py).
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeVar, get_args

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import DelegatedRole, Delegations, Metadata, MetaFile, Root, Signed, Snapshot, Targets, Timestamp

from agent.errors import ConfigError, PolicyError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.site.keys import Role, SiteKeys

Delegate = Literal["permission", "restriction", "enrolment", "pass"]
DELEGATES: Final[tuple[Delegate, ...]] = get_args(Delegate)
TOP: Final[tuple[Role, ...]] = ("root", "targets", "snapshot", "timestamp")
_OFFLINE_LIFE: Final = timedelta(days=365)
_SECOND: Final = timedelta(seconds=1)
_KEPT_VERSIONS: Final = 3
"""So many versions of a file stay, for a device that is in the middle of a download."""

S = TypeVar("S", Root, Targets, Snapshot, Timestamp)


@dataclass(frozen=True, slots=True)
class State:
    """One consistent state of the repository; the metadata in it are changed, then signed again and saved."""

    root: Metadata[Root]
    targets: Metadata[Targets]
    snapshot: Metadata[Snapshot]
    timestamp: Metadata[Timestamp]
    delegated: dict[Delegate, Metadata[Targets]]

    def signed(self, role: Role) -> Signed:
        match role:
            case "root":
                return self.root.signed
            case "targets":
                return self.targets.signed
            case "snapshot":
                return self.snapshot.signed
            case "timestamp":
                return self.timestamp.signed
            case _:
                return self.delegated[role].signed


class MetadataFolder:
    """The files below `repository/metadata`."""

    def __init__(self, folder: Path, keys: SiteKeys) -> None:
        self._folder, self._keys = folder, keys

    @property
    def first_root(self) -> bytes:
        return (self._folder / "1.root.json").read_bytes()

    def found(self, site: str, now: datetime, lease: timedelta) -> State:
        """Metadata version 1 of every role, with one key and threshold 1 each; not yet on disk."""
        public = {role: self._keys.signer(role).public_key for role in (*TOP, *DELEGATES)}
        root = Root(
            version=1, expires=now + _OFFLINE_LIFE, unrecognized_fields={"site": site, "lease_s": lease // _SECOND}
        )
        for role in TOP:
            root.add_key(public[role], role)
        delegations = Delegations({}, {})
        for each in DELEGATES:
            delegations.keys[public[each].keyid] = public[each]
            name, paths = str(each), [f"{each}/*"]
            delegated_role = DelegatedRole(name, [public[each].keyid], 1, terminating=True, paths=paths)
            if delegations.roles is not None:
                delegations.roles[name] = delegated_role
        ends = now + _OFFLINE_LIFE
        return State(
            Metadata(root),
            Metadata(Targets(version=1, expires=ends, delegations=delegations)),
            Metadata(Snapshot(version=1, expires=now + lease, meta={})),
            Metadata(Timestamp(version=1, expires=now + lease)),
            {each: Metadata(Targets(version=1, expires=ends)) for each in DELEGATES},
        )

    def read(self) -> State:
        """The state that the timestamp names.

        Raises:
            PolicyError: a file is missing, or was not signed by this site's keys.
        """
        try:
            root = self._root()
            timestamp = _read(self._folder / "timestamp.json", Timestamp)
            _verify(root.signed, "timestamp", timestamp)
            meta = timestamp.signed.snapshot_meta
            snapshot = _read(self._file("snapshot", meta.version), Snapshot, meta)
            _verify(root.signed, "snapshot", snapshot)
            targets = self._targets("targets", snapshot, root.signed)
            delegated = {each: self._targets(each, snapshot, targets.signed) for each in DELEGATES}
        except (RepositoryError, ValueError, KeyError) as error:
            raise PolicyError(f"{self._folder}: {error}; not what this site signed, restore it from a copy") from None
        except OSError as error:
            raise PolicyError(f"{error.filename}: {error.strerror}; restore the repository from a copy") from None
        return State(root, targets, snapshot, timestamp, delegated)

    def save(self, state: State, changed: set[Role], now: datetime) -> None:
        """Sign `changed`, the snapshot and the timestamp as new versions, and write them, the timestamp last.

        Raises:
            ConfigError: the disk cannot be written; what was visible before still is.
        """
        first = not self._folder.exists()
        lease = int(state.root.signed.unrecognized_fields["lease_s"]) * _SECOND
        with disk():
            self._folder.mkdir(parents=True, exist_ok=True)
            if "root" in changed:
                self._sign(state.root, "root", now + _OFFLINE_LIFE, first)
                self._save(state.root, "root")
            if "targets" in changed:
                self._save_targets(state.targets, "targets", state.snapshot, now, first)
            for each in DELEGATES:
                if each in changed:
                    self._save_targets(state.delegated[each], each, state.snapshot, now, first)
            self._sign(state.snapshot, "snapshot", now + lease, first)
            state.timestamp.signed.snapshot_meta = self._save(state.snapshot, "snapshot")
            state.timestamp.signed.unrecognized_fields["issued"] = int(now.timestamp())
            self._sign(state.timestamp, "timestamp", now + lease, first)
            sync(self._folder)  # all names are on disk before the timestamp speaks of them
            write(self._folder / "timestamp.json", state.timestamp.to_bytes())
            sync(self._folder)
            self._prune(state)

    def _save_targets(
        self, metadata: Metadata[Targets], role: Role, snapshot: Metadata[Snapshot], now: datetime, first: bool
    ) -> None:
        self._sign(metadata, role, now + _OFFLINE_LIFE, first)
        snapshot.signed.meta[f"{role}.json"] = self._save(metadata, role)

    def _save(self, metadata: Metadata[S], role: Role) -> MetaFile:
        data, version = metadata.to_bytes(), metadata.signed.version
        write(self._file(role, version), data)
        return MetaFile.from_data(version, data, ["sha256"])

    def _sign(self, metadata: Metadata[S], role: Role, expires: datetime, first: bool) -> None:
        metadata.signed.version += 0 if first else 1
        metadata.signed.expires = expires
        metadata.sign(self._keys.signer(role))

    def _root(self) -> Metadata[Root]:
        newest = max(int(path.name.partition(".")[0]) for path in self._folder.glob("[0-9]*.root.json"))
        root = _read(self._file("root", newest), Root)
        own = self._keys.signer("root").public_key.keyid
        if root.signed.roles["root"].keyids != [own]:
            raise ValueError("the root names other keys than those of this folder")
        _verify(root.signed, "root", root)
        return root

    def _targets(self, role: Role, snapshot: Metadata[Snapshot], delegator: Root | Targets) -> Metadata[Targets]:
        meta = snapshot.signed.meta[f"{role}.json"]
        metadata = _read(self._file(role, meta.version), Targets, meta)
        _verify(delegator, role, metadata)
        return metadata

    def _file(self, role: Role, version: int) -> Path:
        return self._folder / f"{version}.{role}.json"

    def _prune(self, state: State) -> None:
        roles: tuple[Role, ...] = ("targets", "snapshot", *DELEGATES)
        for role in roles:
            for path in self._folder.glob(f"[0-9]*.{role}.json"):
                if int(path.name.partition(".")[0]) <= state.signed(role).version - _KEPT_VERSIONS:
                    path.unlink()


def _read(path: Path, kind: type[S], meta: MetaFile | None = None) -> Metadata[S]:
    data = path.read_bytes()
    if meta is not None:
        meta.verify_length_and_hashes(data)
    metadata = Metadata[S].from_bytes(data)
    if metadata.signed.type != kind.type:
        raise ValueError(f"{path.name}: of another role")
    return metadata


def _verify(delegator: Root | Targets, role: Role, metadata: Metadata[S]) -> None:
    delegator.verify_delegate(role, metadata.signed_bytes, metadata.signatures)


def write(path: Path, data: bytes) -> None:
    """Replace a file as a whole; its name is durable after `sync` of the folder."""
    new = path.with_name(f".{path.name}.new")
    with new.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def disk() -> Iterator[None]:
    """A disk that cannot be written, as the error of whoever runs the command."""
    try:
        yield
    except OSError as error:
        raise ConfigError(
            f"{error.filename or 'site folder'}: {error.strerror}; make room or choose a folder"
        ) from None


def moment(unix_s: float) -> datetime:
    """Whole seconds, as TUF writes them."""
    return datetime.fromtimestamp(int(unix_s), UTC)
