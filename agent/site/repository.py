"""The site's TUF repository: static, signed files that any web server can hand out.

Rules: target files are on disk before the metadata that name them; whenever the authority is interrupted a device sees
the old state or the new one; versions only rise; what several people must sign waits in `prepared/` until they have.
The time is passed in.
Leaves out: what targets say (policy_draft.py, restrictions.py, consents.py, passes.py), the metadata files
(metadata.py), a version's signatures (version.py), the device's side (adapters/updates.py).
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

from tuf.api.metadata import TargetFile

from agent.errors import ConfigError
from agent.site import roles
from agent.site.founding import found_site
from agent.site.keyfiles import Ask, Role, nobody, pinned
from agent.site.keys import SiteKeys
from agent.site.metadata import DELEGATES, MetadataFolder, State, disk, moment, sync, write
from agent.site.roles import RoleState
from agent.site.version import TARGET, Missing, Version, role_of

LEASE_S: Final = 86_400.0
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_RENEW_BEFORE: Final = timedelta(days=30)
_OFFLINE: Final[tuple[Role, ...]] = ("root", "targets", *DELEGATES)


class SiteRepository:
    """The repository of one site, with the keys at hand to sign it. It is locked while it changes."""

    def __init__(self, directory: Path, keys: SiteKeys, root_sha256: str, clock: Callable[[], float]) -> None:
        """For `init` and `open`."""
        self._directory, self._keys, self._clock, self._root_sha256 = directory, keys, clock, root_sha256
        self._files = directory / "repository" / "targets"
        self._metadata = MetadataFolder(directory / "repository" / "metadata", directory / "staged", root_sha256)
        self._prepared = directory / "prepared"

    @classmethod
    def init(
        cls,
        directory: Path,
        site: str,
        *,
        clock: Callable[[], float],
        holders: Sequence[Path] = (),
        lease_s: float = LEASE_S,
        passphrase: Callable[[Path], str | None] = lambda folder: None,
    ) -> SiteRepository:
        """Make keys and a repository without targets.

        Args:
            directory: the authority's folder; the web server serves its `repository/`.
            holders: one folder for each of the people of whom two must agree; none makes one key for all roles.
            clock: gives Unix seconds.
            lease_s: how long devices may go on without hearing from the site.
            passphrase: for a new folder of keys; None leaves its keys in the clear.

        Raises:
            ConfigError: the name will not do, a folder is in use, or there are too few holders.
        """
        if not _NAME.fullmatch(site):
            raise ConfigError(f"site name {site!r}: use a-z, 0-9 and '-', at most 63, for instance 'north-gate'")
        if (directory / "repository").exists():
            raise ConfigError(f"{directory}: holds a site already; choose another folder")
        founded = found_site(directory / "keys", site, holders, lease_s, moment(clock()), passphrase)
        made = cls(directory, founded.keys, founded.root_sha256, clock)
        with disk():
            for delegate in DELEGATES:
                (made._files / delegate).mkdir(parents=True)
        made._metadata.save(founded.version.state, founded.version.changed, founded.keys, moment(clock()))
        return made

    @classmethod
    def open(
        cls, directory: Path, *, clock: Callable[[], float], holders: Sequence[Path] = (), ask: Ask = nobody
    ) -> SiteRepository:
        """Open an existing site, and finish what an interrupted command had begun to write.

        Args:
            holders: folders of people's keys, beside the site's own.
            ask: gives the passphrases to try on locked keys.

        Raises:
            ConfigError: not a site's folder, or keys are damaged or of another site.
            PolicyError: the repository on disk is not what its keys signed.
        """
        if not any((directory / name).exists() for name in ("staged", "repository/metadata/1.root.json")):
            raise ConfigError(f"{directory}: not a site; 'doorward site init' makes one")
        folders = [folder for folder in (directory / "keys",) if folder.exists()] + list(holders)
        if not folders:
            raise ConfigError(f"{directory}: has no keys of its own; name the folder of your key with --keys")
        known = {root for folder in folders if (root := pinned(folder)) is not None}
        if len(known) != 1:
            listed = ", ".join(str(folder) for folder in folders)
            raise ConfigError(f"{listed}: not the keys of one site; each holds the root.sha256 of its site")
        found = cls(directory, SiteKeys.load(*folders, ask=ask), known.pop(), clock)
        with found._locked():
            pass
        found._metadata.read()
        return found

    @property
    def keys(self) -> SiteKeys:
        return self._keys

    @property
    def site(self) -> str:
        """The name given at `init`, signed in the root."""
        return str(self.state().root.signed.unrecognized_fields["site"])

    @property
    def root_sha256(self) -> str:
        """The fingerprint that an installer types or scans at a device."""
        return self._root_sha256

    @property
    def single_key(self) -> bool:
        """One key alone can widen."""
        return roles.one_suffices(self.state())

    def publish(self, targets: Mapping[str, bytes], remove: Iterable[str] = ()) -> None:
        """Add or replace targets and take others away, in one step, with the keys at hand.

        Args:
            targets: path such as `permission/policy.json` -> bytes; its first part names the role that signs.
            remove: paths; one that is not there is no fault.

        Raises:
            ConfigError: a path that is no target's, keys are missing, or the disk cannot be written.
            PolicyError: the repository on disk is not what its keys signed.
        """
        gone = _checked(targets, remove)
        with self._locked():
            self._commit(self._signed(lambda version: version.put(targets, gone)))

    def renew(self) -> tuple[Role, ...]:
        """Sign a fresh lease, as long as at `init`; roles that end within 30 days are renewed with it.

        Returns:
            The roles that are about to end and that the keys at hand cannot renew: prepare a version for them.

        Raises as `publish` does.
        """
        with self._locked():
            version = self._signed(lambda version: version.changed.update(self._due(version.state)))
            wanting = {each.role for each in version.missing()}
            if wanting:
                able = version.changed - wanting
                version = self._signed(lambda version: version.changed.update(able))
            self._commit(version)
        return tuple(role for role in _OFFLINE if role in wanting)

    def prepare(
        self,
        targets: Mapping[str, bytes] | None = None,
        remove: Iterable[str] = (),
        change: Callable[[State], set[Role]] = lambda state: set(),
    ) -> tuple[Missing, ...]:
        """Put a new version aside, with the signatures of the keys at hand; roles that are about to end are in it.

        Args:
            change: of who may sign, see roles.py.

        Returns:
            What is still missing; nothing: `complete` publishes it.

        Raises:
            ConfigError: a version is prepared already, or a path or change cannot be.
        """
        wanted, gone = targets or {}, _checked(targets or {}, remove)

        def make(version: Version) -> None:
            version.put(wanted, gone)
            version.changed.update(change(version.state), self._due(version.state))

        with self._locked():
            if self._prepared.exists():
                raise ConfigError(f"{self._prepared}: a version is prepared already; publish or discard it")
            version = self._signed(make)
            if not version.changed:
                raise ConfigError("prepare: nothing has changed, and no role is about to end")
            version.save(self._prepared)
        return version.missing()

    def prepared(self) -> Version | None:
        """The version that waits for signatures; None when there is none.

        Raises:
            ConfigError: it is damaged, or the site has moved on since.
        """
        return Version.load(self._prepared, self.state()) if self._prepared.exists() else None

    def sign(self) -> tuple[set[Role], tuple[Missing, ...]]:
        """Add the signatures of the keys at hand to the prepared version: what they signed, what is missing."""
        with self._locked():
            version = Version.load(self._prepared, self.state())
            signed = version.sign(self._keys)
            version.save(self._prepared)
        return signed, version.missing()

    def complete(self) -> None:
        """Publish the prepared version.

        Raises:
            ConfigError: signatures are missing; it stays prepared.
        """
        with self._locked():
            version = Version.load(self._prepared, self.state())
            version.sign(self._keys)
            self._commit(version)
            shutil.rmtree(self._prepared)

    def discard(self) -> None:
        """Forget the prepared version; nothing that devices see changes."""
        with self._locked():
            shutil.rmtree(self._prepared, ignore_errors=True)

    def state(self) -> State:
        """What is published now, verified.

        Raises:
            PolicyError: the repository on disk is not what its keys signed.
        """
        return self._metadata.read()

    def states(self) -> tuple[RoleState, ...]:
        """What the repository holds now, role by role. Raises as `state` does."""
        return roles.states(self.state())

    def target(self, path: str) -> bytes | None:
        """The bytes of a published target; None when there is none of this path."""
        info = self.state().delegated[role_of(path)].signed.targets.get(path)
        return None if info is None else self._file(info).read_bytes()

    def _signed(self, make: Callable[[Version], None]) -> Version:
        """A version on top of what is published, with the signatures of the keys at hand."""
        version = Version.after(self.state())
        make(version)
        version.close(moment(self._clock()))
        version.sign(self._keys)
        return version

    def _commit(self, version: Version) -> None:
        if missing := version.missing():
            listed = ", ".join(f"{each.role}: {each.have} of {each.need} signatures" for each in missing)
            raise ConfigError(f"{listed}; 'doorward site sign' adds one with --keys and the folder of a key holder")
        version.demand_whole()
        with disk():
            for path, data in version.files.items():
                write(self._file(version.state.delegated[role_of(path)].signed.targets[path]), data)
            for role in {role_of(path) for path in version.files}:
                sync(self._files / role)
            self._metadata.save(version.state, version.changed, self._keys, moment(self._clock()))
            self._sweep(version.state)

    def _due(self, state: State) -> set[Role]:
        soon = moment(self._clock()) + _RENEW_BEFORE
        return {role for role in _OFFLINE if state.signed(role).expires < soon}

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
            with disk():
                self._metadata.finish()
            yield
        finally:
            os.close(descriptor)


def _checked(targets: Mapping[str, bytes], remove: Iterable[str]) -> tuple[str, ...]:
    gone = tuple(remove)
    for path in (*targets, *gone):
        if not TARGET.fullmatch(path):
            raise ConfigError(f"target {path!r}: a path is <role>/<name> in a-z, 0-9, '.', '_' and '-'")
    return gone
