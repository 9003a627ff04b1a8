"""One reading of the repository by python-tuf, with its clock and its list of verified roles within reach.

Rules: every byte that leaves this file is signed, of the announced length and hash, of its own role's path; metadata
are JSON without a duplicate key or a number that is none, so that no two readers can see different things in them.
The time is passed in. Leaves out: what stays on disk, and what was seen before (folder.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import IO, Final, Literal, cast
from urllib.parse import quote

from tuf.api.exceptions import DownloadError, DownloadHTTPError, DownloadLengthMismatchError, RepositoryError
from tuf.api.metadata import DelegatedRole, Metadata, Root, Signed, Snapshot, TargetFile, Targets, Timestamp
from tuf.ngclient import FetcherInterface, Updater, UpdaterConfig

from agent import tuf_keys as _registers_the_keys  # noqa: F401
from agent.errors import DeviceError, DoorwardError, LinkError, PolicyError
from agent.policy.bundle import VerifiedTarget
from agent.policy.document import Strict, read_json
from agent.units import DeviceId

Fetch = Callable[[str, int], bytes | None]
"""Path below the repository (`metadata/…`, `targets/…`) and the most bytes wanted; None: the server has no such file.

Raises LinkError when it cannot tell. Its bytes are untrusted.
"""

Followed = Literal["permission", "restriction", "pass", "enrolment"]
_FOLLOWED: Final[tuple[Followed, ...]] = ("permission", "restriction", "pass")
_TARGET_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,127}")
_TARGET_BYTES: Final = 1_000_000
_TARGETS: Final = 4096
ROOT_BYTES: Final = 64_000
_CONFIG: Final = UpdaterConfig(
    max_root_rotations=256,
    max_delegations=8,
    root_max_length=ROOT_BYTES,
    timestamp_max_length=16_384,
    snapshot_max_length=64_000,
    targets_max_length=2_000_000,
)


class SeenRole(Strict):
    """A role's version, and the keys that may sign for it: a version does not fall while they stay."""

    version: int
    keys: tuple[str, ...]
    threshold: int


class Seen(Strict):
    """What a state said that later ones are held against."""

    roles: dict[str, SeenRole]
    issued_s: float
    clock_keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verified:
    """One consistent state of the site repository."""

    targets: tuple[VerifiedTarget, ...]
    """All targets of the roles permission, restriction and pass, in this order, each sorted by path; then those of the
    role enrolment that are addressed to this device."""
    lease_until_s: float
    """Unix time at which the first of all roles expires: from then on nothing here permits anything."""
    issued_s: float
    """Unix time at which the site signed the timestamp."""
    root_version: int
    timestamp_version: int
    policy_version: int
    """Version of the permission role's metadata."""
    clock_keys: tuple[str, ...]
    """Ids of the keys that vouch for `issued_s`; what others said about the time before is void."""
    single_key: bool
    """One key alone can permit more: of root, top-level targets or permission."""


class Client(Updater):
    """python-tuf's client with its clock and its list of verified roles within reach."""

    def __init__(self, directory: Path, root: bytes, fetch: Fetch, device: DeviceId | None = None) -> None:
        self._device = device
        self._followed: tuple[Followed, ...] = _FOLLOWED if device is None else (*_FOLLOWED, "enrolment")
        metadata, self._targets_path = directory / "metadata", directory / "targets"
        self._timestamp_path = metadata / "timestamp.json"
        super().__init__(
            str(metadata), "metadata/", str(self._targets_path), "targets/", _Fetcher(fetch), _CONFIG, bootstrap=root
        )

    def verified(self, unix_s: float | None) -> Verified:
        """Refresh and read all; None for a time judges what is on disk as of its own issue."""
        if unix_s is None:
            # Read before its signature is checked, which happens below like any other.
            unix_s = _issued_s(Metadata[Timestamp].from_bytes(self._timestamp_path.read_bytes()).signed)
        self._trusted_set.reference_time = datetime.fromtimestamp(unix_s, UTC)
        self.refresh()
        targets: list[VerifiedTarget] = []
        for role in self._followed:
            # Asking for any path of a role makes the client load and verify the role.
            self.get_targetinfo(f"{role}/-")
            if role not in self._trusted_set:
                raise PolicyError(f"site repository: delegates no role {role}; publish it with 'doorward site'")
            targets += self._targets_of(role)
        roles: list[Signed] = [
            self._trusted_set[role]
            for role in (Root.type, Timestamp.type, Snapshot.type, Targets.type, *self._followed)
        ]
        timestamp = self._trusted_set.timestamp
        issued_s = _issued_s(timestamp)
        until_s = min(signed.expires.timestamp() for signed in roles)
        if issued_s >= until_s:
            # Offline keys bound what the online key may say: a stolen one must not push the clock's floor past them.
            raise PolicyError("site repository: timestamp: issued after a role's expiry; renew the roles at the site")
        self._prune({target.path for target in targets})
        root, top = self._trusted_set.root, self._trusted_set.targets
        permission = top.get_delegated_role("permission")
        several = min(role.threshold for role in (root.roles[Root.type], root.roles[Targets.type], permission))
        return Verified(
            targets=tuple(targets),
            lease_until_s=until_s,
            issued_s=issued_s,
            root_version=self._trusted_set.root.version,
            timestamp_version=timestamp.version,
            policy_version=self._trusted_set["permission"].version,
            clock_keys=self.clock_keys(),
            single_key=several < 2,
        )

    def clock_keys(self) -> tuple[str, ...]:
        """Of the newest root that has been verified so far, even if nothing else has."""
        return tuple(sorted(self._trusted_set.root.roles[Timestamp.type].keyids))

    def seen(self) -> Seen:
        """Of what `verified` has found."""
        root, top = self._trusted_set.root, self._trusted_set.targets
        delegators: dict[str, Root | Targets] = {Targets.type: root} | dict.fromkeys(self._followed, top)
        roles = {}
        for name, delegator in delegators.items():
            role = delegator.get_delegated_role(name)
            keys, version = tuple(sorted(role.keyids)), self._trusted_set[name].version
            roles[name] = SeenRole(version=version, keys=keys, threshold=role.threshold)
        issued_s = _issued_s(self._trusted_set.timestamp)
        return Seen(roles=roles, issued_s=issued_s, clock_keys=self.clock_keys())

    def _targets_of(self, role: Followed) -> Iterator[VerifiedTarget]:
        signed, top = cast("Targets", self._trusted_set[role]), self._trusted_set.targets
        delegated = cast("DelegatedRole", top.get_delegated_role(role))
        # A sealed enrolment begins with the name of its device: nobody else's are fetched.
        begins = f"{role}/" if role != "enrolment" else f"{role}/{self._device}."
        listed = [(path, info) for path, info in sorted(signed.targets.items()) if path.startswith(begins)]
        if (len(listed) if role == "enrolment" else len(signed.targets)) > _TARGETS:
            raise PolicyError(f"site repository: {role}: more than {_TARGETS} targets; remove some")
        for path, info in listed:
            # A path of another role's, or outside the delegation, is no target at all: a role speaks for itself only.
            prefix, _, name = path.partition("/")
            if prefix == role and _TARGET_NAME.fullmatch(name) and delegated.is_delegated_path(path):
                yield VerifiedTarget(role, path, self._bytes_of(info))

    def _bytes_of(self, info: TargetFile) -> bytes:
        if info.length > _TARGET_BYTES:
            raise PolicyError(f"{info.path}: larger than {_TARGET_BYTES} bytes; publish a smaller one")
        try:
            data = Path(self.find_cached_target(info) or self.download_target(info)).read_bytes()
            info.verify_length_and_hashes(data)
            return data
        except RepositoryError:
            raise PolicyError(f"{info.path}: is not what the site signed; publish it again") from None

    def _prune(self, paths: set[str]) -> None:
        """What the site took back does not stay on the device."""
        kept = {quote(path, "") for path in paths}
        for file in self._targets_path.iterdir():
            if file.name not in kept:
                file.unlink()


class _Fetcher(FetcherInterface):
    """python-tuf's download port over ours."""

    def __init__(self, fetch: Fetch) -> None:
        self._from = fetch

    def _fetch(self, url: str) -> Iterator[bytes]:
        raise AssertionError("downloads go through download_file, which knows the limit")

    @contextmanager
    def download_file(self, url: str, max_length: int) -> Iterator[IO[bytes]]:
        data = get(self._from, url, max_length)
        if data is None:
            raise DownloadHTTPError(f"{url}: not on the server", 404)
        if url.startswith("metadata/"):
            try:
                read_json(data)
            except ValueError as error:
                raise PolicyError(f"site repository: {url}: {error}; publish it again") from None
        yield BytesIO(data)


def get(fetch: Fetch, path: str, limit: int) -> bytes | None:
    data = fetch(path, limit)
    if data is not None and len(data) > limit:
        raise DownloadLengthMismatchError(f"{path}: more than {limit} bytes")
    return data


def _issued_s(timestamp: Timestamp) -> float:
    issued = timestamp.unrecognized_fields.get("issued")
    if type(issued) is not int or not 0 < issued < 1 << 40:
        raise PolicyError("site repository: timestamp: issued: not a time in Unix seconds; renew it at the site")
    return float(issued)


@contextmanager
def errors() -> Iterator[None]:
    """Whatever goes wrong with bytes from outside, as one of the errors of the device."""
    try:
        yield
    except DoorwardError:
        raise
    except DownloadError as error:
        raise LinkError(f"site repository: {error}; look at the server and the repository's address") from None
    except OSError as error:
        raise DeviceError(f"{error.filename or 'tuf'}: {error.strerror}; look at the disk and its owner") from None
    except RepositoryError as error:
        raise PolicyError(f"site repository: {error}; publish or renew it with 'doorward site'") from None
    except Exception as error:  # signed or not, these bytes came from outside: no fault in them may be a crash
        raise PolicyError(f"site repository: malformed ({type(error).__name__}); publish it again") from None
