"""A new version of the repository while it collects the signatures that it needs: prepare, sign, sign, publish.

It lies in a folder `prepared/` that may be carried about: what is to be signed, the signatures so far, new targets.
Rules: nobody signs what they cannot compare: it is read on top of the verified state that it follows, and refused when
that has moved on. Nothing of it is visible to devices. Leaves out: who may sign (roles.py), saying in words what it
changes (difference.py).
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, TargetFile

from agent.errors import ConfigError
from agent.site.metadata import DELEGATES, Delegate, State, disk, sync, write
from agent.site.roles import OFFLINE_LIFE, named

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from agent.site.keyfiles import Role
    from agent.site.keys import SiteKeys

TARGET: Final = re.compile(r"(permission|restriction|enrolment|pass)/[a-z0-9][a-z0-9._-]{0,127}")
_ORDER: Final[tuple[Role, ...]] = ("root", "targets", *DELEGATES)


@dataclass(frozen=True, slots=True)
class Missing:
    """A role that cannot be published yet."""

    role: Role
    have: int
    need: int


@dataclass(frozen=True, slots=True)
class Version:
    """What is to become of `base`; None stands for a repository's beginning."""

    base: State | None
    state: State
    changed: set[Role] = field(default_factory=set)
    files: dict[str, bytes] = field(default_factory=dict)
    """Path of a changed target -> its bytes."""

    @classmethod
    def after(cls, base: State) -> Version:
        return cls(base, base.copy())

    def put(self, targets: Mapping[str, bytes], remove: Iterable[str] = ()) -> None:
        """Add or replace targets and take others away; a path that is not there is no fault."""
        for path in (*remove, *targets):
            listed = self.state.delegated[role_of(path)].signed.targets
            if listed.pop(path, None) is not None:
                self.changed.add(role_of(path))
        for path, data in targets.items():
            self.state.delegated[role_of(path)].signed.targets[path] = TargetFile.from_data(path, data)
            self.files[path] = data
            self.changed.add(role_of(path))

    def close(self, now: datetime) -> None:
        """Give each changed role its next version and its year; from here on it is signed, no longer changed."""
        for role in self.changed:
            metadata = self.state.metadata(role)
            metadata.signed.version = 1 if self.base is None else self.base.signed(role).version + 1
            metadata.signed.expires = now + OFFLINE_LIFE
            metadata.signatures.clear()

    def sign(self, keys: SiteKeys) -> set[Role]:
        """Add the signatures of all keys at hand that count; the roles that got one.

        Raises:
            ConfigError: a key does not open.
        """
        signed: set[Role] = set()
        for role in self.changed:
            metadata = self.state.metadata(role)
            before = dict(metadata.signatures)
            for signer in keys.signers(self._counting(role)):
                metadata.sign(signer, append=True)
            if metadata.signatures != before:
                signed.add(role)
        return signed

    def missing(self) -> tuple[Missing, ...]:
        """The roles whose threshold is not met, in the order of the tree."""
        found = []
        for role in _ORDER:
            for have, need in self._counts(role) if role in self.changed else ():
                if have < need:
                    found.append(Missing(role, have, need))
                    break
        return tuple(found)

    def demand_whole(self) -> None:
        """What is not changed must still be signed by those who may sign for it now.

        Raises:
            ConfigError: it is not: who may sign for it was changed, and it was not signed again.
        """
        for role in _ORDER[1:]:
            metadata = self.state.metadata(role)
            by = self.state.delegator(role).get_verification_result(role, metadata.signed_bytes, metadata.signatures)
            if not by:
                raise ConfigError(f"{role}: its keys are about to change, but it is not signed again; prepare it anew")

    def _counts(self, role: Role) -> list[tuple[int, int]]:
        """Valid signatures and the threshold; a root needs those of the root before it as well."""
        metadata = self.state.metadata(role)
        by = [self.state.delegator(role)]
        if role == "root" and self.base is not None:
            by.append(self.base.root.signed)
        results = [each.get_verification_result(role, metadata.signed_bytes, metadata.signatures) for each in by]
        return [(len(result.signed), result.threshold) for result in results]

    def _counting(self, role: Role) -> set[str]:
        """Ids of the keys whose signature counts for this role."""
        before = named(self.base, role).keys if role == "root" and self.base is not None else {}
        return {*before, *named(self.state, role).keys}

    def save(self, folder: Path) -> None:
        """Write it into a folder, in place of what is there.

        Raises:
            ConfigError: the disk cannot be written.
        """
        new = folder.with_name(f".{folder.name}.new")
        with disk():
            shutil.rmtree(new, ignore_errors=True)
            (new / "targets").mkdir(parents=True)
            for role in self.changed:
                write(new / f"{role}.json", self.state.metadata(role).to_bytes())
            for path, data in self.files.items():
                (new / "targets" / path).parent.mkdir(exist_ok=True)
                write(new / "targets" / path, data)
            for each in (*new.glob("targets/*/"), new / "targets", new):
                sync(each)
            shutil.rmtree(folder, ignore_errors=True)
            new.replace(folder)
            sync(folder.parent)

    @classmethod
    def load(cls, folder: Path, base: State) -> Version:
        """Read a prepared version as what is to follow `base`.

        Raises:
            ConfigError: nothing is prepared there, it is damaged, or it does not follow.
        """
        made = cls.after(base)
        try:
            for role in _ORDER:
                if (folder / f"{role}.json").exists():
                    made._take(role, (folder / f"{role}.json").read_bytes())
            for path, info in made._new_targets():
                data = made.files[path] = (folder / "targets" / path).read_bytes()
                info.verify_length_and_hashes(data)
        except OSError as error:
            raise ConfigError(f"{error.filename}: {error.strerror}; prepare the version again") from None
        except (RepositoryError, ValueError, KeyError) as error:
            raise ConfigError(f"{folder}: {error}; discard it, and prepare the version again") from None
        if not made.changed:
            raise ConfigError(f"{folder}: nothing is prepared; run 'doorward site prepare'")
        return made

    def _take(self, role: Role, data: bytes) -> None:
        if self.base is None:
            raise AssertionError("a prepared version follows another")
        metadata = self.state.metadata(role)
        taken: Metadata[Any] = Metadata.from_bytes(data)
        if taken.signed.type != metadata.signed.type:
            raise ValueError(f"{role}.json: of another role")
        if taken.signed.version != self.base.signed(role).version + 1:
            raise ValueError(f"{role}: version {taken.signed.version} does not follow {self.base.signed(role).version}")
        metadata.signed = taken.signed
        metadata.signatures = taken.signatures
        self.changed.add(role)

    def _new_targets(self) -> list[tuple[str, TargetFile]]:
        if self.base is None:
            raise AssertionError("a prepared version follows another")
        found = []
        for role in DELEGATES:
            for path, info in self.state.delegated[role].signed.targets.items():
                if self.base.delegated[role].signed.targets.get(path) != info:
                    if not TARGET.fullmatch(path) or role_of(path) != role:
                        raise ValueError(f"{role}.json: names a target outside its folder")
                    found.append((path, info))
        return found


def role_of(path: str) -> Delegate:
    return cast("Delegate", path.partition("/")[0])
