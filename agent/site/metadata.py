"""The signed metadata files of a site's repository: read and verified, written as one new state.

Rules: nothing unverified is handed out, so nothing unverified is ever signed on top of: the first root is the pinned
one, each later root is signed by the one before, all else by the newest. A new state is put aside whole before any of
it is visible; whatever interrupts the writing, the next opening finishes it. The timestamp, which alone makes a new
state visible, is written last. Snapshot and timestamp name files by hash: delegated metadata do not say which role they
are of, so that with one key for all roles a server could otherwise hand out one role's file in another's place.
Leaves out: who may sign (roles.py), signatures still to be collected (version.py), when to sign (repository.py).
"""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeVar, get_args

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, MetaFile, Root, Signed, Snapshot, Targets, Timestamp

from agent import tuf_keys as _registers_the_keys  # noqa: F401
from agent.errors import ConfigError, PolicyError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.site.keyfiles import Role
    from agent.site.keys import SiteKeys

Delegate = Literal["permission", "restriction", "enrolment", "pass"]
DELEGATES: Final[tuple[Delegate, ...]] = get_args(Delegate)
TOP: Final[tuple[Role, ...]] = ("root", "targets", "snapshot", "timestamp")
ONLINE: Final[tuple[Role, ...]] = ("snapshot", "timestamp")
"""Signed anew with each new state."""
_KEPT_VERSIONS: Final = 3
"""So many versions of a file stay, for a device that is in the middle of a download."""

S = TypeVar("S", Root, Targets, Snapshot, Timestamp)


@dataclass(frozen=True, slots=True)
class State:
    """One consistent state of the repository; the metadata in a copy of it are changed, then signed and saved."""

    root: Metadata[Root]
    targets: Metadata[Targets]
    snapshot: Metadata[Snapshot]
    timestamp: Metadata[Timestamp]
    delegated: dict[Delegate, Metadata[Targets]]

    def copy(self) -> State:
        return State(
            _copy(self.root),
            _copy(self.targets),
            _copy(self.snapshot),
            _copy(self.timestamp),
            {role: _copy(metadata) for role, metadata in self.delegated.items()},
        )

    def metadata(self, role: Role) -> Metadata[Root] | Metadata[Targets] | Metadata[Snapshot] | Metadata[Timestamp]:
        match role:
            case "root":
                return self.root
            case "targets":
                return self.targets
            case "snapshot":
                return self.snapshot
            case "timestamp":
                return self.timestamp
            case _:
                return self.delegated[role]

    def signed(self, role: Role) -> Signed:
        return self.metadata(role).signed

    def delegator(self, role: Role) -> Root | Targets:
        """Whose word says which keys sign for the role."""
        return self.root.signed if role in TOP else self.targets.signed

    @property
    def lease(self) -> timedelta:
        return timedelta(seconds=int(self.root.signed.unrecognized_fields["lease_s"]))


class MetadataFolder:
    """The files below `repository/metadata`.

    Args:
        staged: a folder that is not served; a new state is put aside there.
        pinned: SHA-256 of the first root in hex.
    """

    def __init__(self, folder: Path, staged: Path, pinned: str) -> None:
        self._folder, self._staged, self._pinned = folder, staged, pinned

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

    def save(self, state: State, changed: set[Role], keys: SiteKeys, now: datetime) -> None:
        """Write `changed`, which are signed already, with a snapshot and a timestamp that are signed here.

        Raises:
            ConfigError: an online key is not at hand, or the disk cannot be written; what was visible still is.
        """
        files: dict[str, bytes] = {}
        for role in changed:
            metadata = state.metadata(role)
            data = files[f"{metadata.signed.version}.{role}.json"] = metadata.to_bytes()
            if role != "root":
                state.snapshot.signed.meta[f"{role}.json"] = _described(metadata.signed.version, data)
        self._sign(state, "snapshot", keys, now)
        data = files[f"{state.snapshot.signed.version}.snapshot.json"] = state.snapshot.to_bytes()
        state.timestamp.signed.snapshot_meta = _described(state.snapshot.signed.version, data)
        state.timestamp.signed.unrecognized_fields["issued"] = int(now.timestamp())
        self._sign(state, "timestamp", keys, now)
        files["timestamp.json"] = state.timestamp.to_bytes()
        with disk():
            self._put_aside(files)
            self.finish()
            self._prune(state)

    def finish(self) -> None:
        """Make visible what was put aside, also by a process that did not get to the end."""
        if not self._staged.exists():
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        found = {path.name: path for path in self._staged.iterdir()}
        # Roots are seen by their number alone, so they come as late as can be; the timestamp comes last.
        for name in sorted(found, key=lambda name: (name == "timestamp.json", name.endswith(".root.json"), name)):
            if name == "timestamp.json":
                sync(self._folder)  # all names are on disk before the timestamp speaks of them
            write(self._folder / name, found[name].read_bytes())
        sync(self._folder)
        shutil.rmtree(self._staged)

    def _put_aside(self, files: dict[str, bytes]) -> None:
        new = self._staged.with_name(f".{self._staged.name}.new")
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(parents=True)
        for name, data in files.items():
            write(new / name, data)
        sync(new)
        new.replace(self._staged)
        sync(self._staged.parent)

    def _sign(self, state: State, role: Literal["snapshot", "timestamp"], keys: SiteKeys, now: datetime) -> None:
        metadata = state.metadata(role)
        metadata.signed.version += 1
        metadata.signed.expires = now + state.lease
        metadata.signatures.clear()
        for signer in keys.signers(state.root.signed.roles[role].keyids):
            metadata.sign(signer, append=True)
        if not state.root.signed.get_verification_result(role, metadata.signed_bytes, metadata.signatures):
            raise ConfigError(f"{role}: its key is not at hand; name its folder with --keys")

    def _root(self) -> Metadata[Root]:
        first = self._file("root", 1).read_bytes()
        if sha256(first).hexdigest() != self._pinned:
            raise ValueError("1.root.json is not the root that the keys are for")
        root = _read(self._file("root", 1), Root)
        _verify(root.signed, "root", root)
        while (path := self._file("root", root.signed.version + 1)).exists():
            later = _read(path, Root)
            if later.signed.version != root.signed.version + 1:
                raise ValueError(f"{path.name}: of another version")
            _verify(root.signed, "root", later)
            _verify(later.signed, "root", later)
            root = later
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


def _copy(metadata: Metadata[S]) -> Metadata[S]:
    return Metadata[S].from_bytes(metadata.to_bytes())


def _described(version: int, data: bytes) -> MetaFile:
    return MetaFile.from_data(version, data, ["sha256"])


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
