"""The site's TUF repository: static, signed files that any web server can hand out.

Rules: target files are on disk before the metadata that name them; whenever the authority is interrupted a device sees
the old state or the new one; versions only rise. The time is passed in.
Leaves out: what targets say (policy_draft.py, restrictions.py, consents.py, passes.py), the metadata files
(metadata.py), the device's side (adapters/updates.py).
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Final, cast

from tuf.api.metadata import TargetFile, Targets

from agent.errors import ConfigError
from agent.site.keys import Role, SiteKeys
from agent.site.metadata import DELEGATES, TOP, Delegate, MetadataFolder, State, disk, moment, sync, write

LEASE_S: Final = 86_400.0
_TARGET = re.compile(r"(permission|restriction|enrolment|pass)/[a-z0-9][a-z0-9._-]{0,127}")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_RENEW_BEFORE: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class RoleState:
    """One line of `doorward site show`."""

    role: Role
    version: int
    expires_s: float
    threshold: int
    targets: tuple[str, ...]


class SiteRepository:
    """The repository of one site, with the keys to sign it. It is locked while it changes."""

    def __init__(self, directory: Path, keys: SiteKeys, clock: Callable[[], float]) -> None:
        """For `init` and `open`."""
        self._directory, self._keys, self._clock = directory, keys, clock
        self._files = directory / "repository" / "targets"
        self._metadata = MetadataFolder(directory / "repository" / "metadata", keys)

    @classmethod
    def init(
        cls,
        directory: Path,
        site: str,
        *,
        clock: Callable[[], float],
        single_key: bool = True,
        lease_s: float = LEASE_S,
    ) -> SiteRepository:
        """Make keys and a repository without targets.

        Args:
            directory: the authority's folder; the web server serves its `repository/`.
            clock: gives Unix seconds.
            lease_s: how long devices may go on without hearing from the site.

        Raises:
            ConfigError: `single_key` is not set, the name will not do, or the folder is in use.
        """
        if not single_key:
            raise ConfigError("site init: sites with several keys are not built yet; add --single-key")
        if not _NAME.fullmatch(site):
            raise ConfigError(f"site name {site!r}: use a-z, 0-9 and '-', at most 63, for instance 'north-gate'")
        if (directory / "repository").exists():
            raise ConfigError(f"{directory}: holds a site already; choose another folder")
        keys = SiteKeys.fresh()
        keys.save(directory / "keys")
        made = cls(directory, keys, clock)
        with disk():
            for delegate in DELEGATES:
                (made._files / delegate).mkdir(parents=True)
        now = moment(clock())
        made._metadata.save(made._metadata.found(site, now, timedelta(seconds=int(lease_s))), {*TOP, *DELEGATES}, now)
        return made

    @classmethod
    def open(cls, directory: Path, *, clock: Callable[[], float]) -> SiteRepository:
        """Open an existing site.

        Raises:
            ConfigError: not a site's folder, or its keys are damaged.
            PolicyError: the repository on disk is not what its keys signed.
        """
        if not (directory / "repository" / "metadata" / "1.root.json").is_file():
            raise ConfigError(f"{directory}: not a site; 'doorward site init' makes one")
        found = cls(directory, SiteKeys.load(directory / "keys"), clock)
        found._metadata.read()
        return found

    @property
    def keys(self) -> SiteKeys:
        return self._keys

    @property
    def site(self) -> str:
        """The name given at `init`, signed in the root."""
        return str(self._metadata.read().root.signed.unrecognized_fields["site"])

    @property
    def root_sha256(self) -> str:
        """The fingerprint that an installer types or scans at a device."""
        return sha256(self._metadata.first_root).hexdigest()

    def publish(self, targets: Mapping[str, bytes], remove: Iterable[str] = ()) -> None:
        """Add or replace targets and take others away, in one step.

        Args:
            targets: path such as `permission/policy.json` -> bytes; its first part names the role that signs.
            remove: paths; one that is not there is no fault.

        Raises:
            ConfigError: a path that is no target's, or the disk cannot be written.
            PolicyError: the repository on disk is not what its keys signed.
        """
        gone_paths = tuple(remove)
        for path in (*targets, *gone_paths):
            if not _TARGET.fullmatch(path):
                raise ConfigError(f"target {path!r}: a path is <role>/<name> in a-z, 0-9, '.', '_' and '-'")
        with self._locked(), disk():
            state = self._metadata.read()
            changed: set[Role] = set()
            for path in (*gone_paths, *targets):
                if state.delegated[_role_of(path)].signed.targets.pop(path, None) is not None:
                    changed.add(_role_of(path))
            for path, data in targets.items():
                info = TargetFile.from_data(path, data)
                write(self._file(info), data)
                state.delegated[_role_of(path)].signed.targets[path] = info
                changed.add(_role_of(path))
            for role in changed:
                sync(self._files / role)
            self._metadata.save(state, changed, moment(self._clock()))
            self._sweep(state)

    def renew(self) -> None:
        """Sign a fresh lease, as long as at `init`; roles that end within 30 days are renewed with it.

        Raises:
            ConfigError: the disk cannot be written.
            PolicyError: the repository on disk is not what its keys signed.
        """
        with self._locked():
            state, now = self._metadata.read(), moment(self._clock())
            roles: tuple[Role, ...] = ("root", "targets", *DELEGATES)
            self._metadata.save(
                state, {role for role in roles if state.signed(role).expires < now + _RENEW_BEFORE}, now
            )

    def states(self) -> tuple[RoleState, ...]:
        """What the repository holds now, role by role.

        Raises:
            PolicyError: the repository on disk is not what its keys signed.
        """
        state = self._metadata.read()
        found = []
        for role in (*TOP, *DELEGATES):
            signed = state.signed(role)
            delegator = state.root.signed if role in TOP else state.targets.signed
            found.append(
                RoleState(
                    role,
                    signed.version,
                    signed.expires.timestamp(),
                    delegator.get_delegated_role(role).threshold,
                    tuple(sorted(signed.targets)) if isinstance(signed, Targets) else (),
                )
            )
        return tuple(found)

    def target(self, path: str) -> bytes | None:
        """The bytes of a published target; None when there is none of this path."""
        state = self._metadata.read()
        info = state.delegated[_role_of(path)].signed.targets.get(path)
        return None if info is None else self._file(info).read_bytes()

    def _sweep(self, state: State) -> None:
        """What was taken back does not stay on the server; a device in mid-download asks again."""
        listed = {self._file(info) for role in DELEGATES for info in state.delegated[role].signed.targets.values()}
        for file in self._files.glob("*/*"):
            if file not in listed:
                file.unlink()

    def _file(self, info: TargetFile) -> Path:
        role, _, name = info.path.partition("/")
        return self._files / role / f"{info.hashes['sha256']}.{name}"

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with disk():
            descriptor = os.open(self._directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _role_of(path: str) -> Delegate:
    return cast("Delegate", path.partition("/")[0])
