"""The signed site repository as the device sees it: python-tuf over bytes that the link fetches and nobody trusts.

Rules: every byte that leaves this file is signed, of the announced length and hash, of its own role's path, and not
older than what was seen before. The time is passed in; python-tuf alone would ask the system clock, so the expiry of
every role is checked again here. What is expired is not handed out as news but still blocks a rollback. A refresh that
is cut off anywhere leaves the last whole state to `load`.
Leaves out: the network (a `Fetch`), what targets say (policy/bundle.py), the stickiness of restrictions (the store).
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import IO, Final, Literal, cast
from urllib.parse import quote

from tuf.api.exceptions import DownloadError, DownloadHTTPError, DownloadLengthMismatchError, RepositoryError
from tuf.api.metadata import DelegatedRole, Metadata, Root, Signed, Snapshot, TargetFile, Targets, Timestamp
from tuf.ngclient import FetcherInterface, Updater, UpdaterConfig

from agent import tuf_keys as _registers_the_keys  # noqa: F401
from agent.errors import ConfigError, DeviceError, DoorwardError, LinkError, PolicyError
from agent.policy.bundle import VerifiedTarget

Fetch = Callable[[str, int], bytes | None]
"""Path below the repository (`metadata/…`, `targets/…`) and the most bytes wanted; None: the server has no such file.

Raises LinkError when it cannot tell. Its bytes are untrusted.
"""

_FOLLOWED: Final[tuple[Literal["permission", "restriction", "pass"], ...]] = ("permission", "restriction", "pass")
_TARGET_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,127}")
_TARGET_BYTES: Final = 1_000_000
_TARGETS: Final = 4096
_ROOT_BYTES: Final = 64_000
_CONFIG: Final = UpdaterConfig(
    max_root_rotations=256,
    max_delegations=8,
    root_max_length=_ROOT_BYTES,
    timestamp_max_length=16_384,
    snapshot_max_length=64_000,
    targets_max_length=2_000_000,
)


@dataclass(frozen=True, slots=True)
class Verified:
    """One consistent state of the site repository."""

    targets: tuple[VerifiedTarget, ...]
    """All targets of the roles permission, restriction and pass, in this order, each sorted by path."""
    lease_until_s: float
    """Unix time at which the first of all roles expires: from then on nothing here permits anything."""
    issued_s: float
    """Unix time at which the site signed the timestamp."""
    root_version: int
    timestamp_version: int
    policy_version: int
    """Version of the permission role's metadata."""


def pin_root(fetch: Fetch, sha256_hex: str) -> bytes:
    """Fetch the site's first root and hold it against the fingerprint that the installer typed or scanned.

    Raises:
        ConfigError: the fingerprint is not 64 hex digits.
        PolicyError: the site's root is another one.
        LinkError: the root could not be fetched.
    """
    wanted = sha256_hex.replace(" ", "").lower()
    if not re.fullmatch(r"[0-9a-f]{64}", wanted):
        raise ConfigError("root fingerprint: give the 64 hex digits that 'doorward site show' prints")
    with _errors():
        data = _get(fetch, "metadata/1.root.json", _ROOT_BYTES)
    if data is None:
        raise LinkError("metadata/1.root.json: not on the server; look at the repository's address")
    if sha256(data).hexdigest() != wanted:
        raise PolicyError("metadata/1.root.json: not of this fingerprint; compare it with 'doorward site show'")
    return data


class Updates:
    """The trusted metadata and targets in one folder that no other process writes."""

    def __init__(self, directory: Path, root: bytes, fetch: Fetch) -> None:
        """Bind to a folder, made if it is missing.

        Args:
            root: the pinned first root, see `pin_root`.

        Raises:
            DeviceError: the folder cannot be written.
        """
        self._directory, self._root, self._fetch = directory, root, fetch
        with _errors():
            for name in ("metadata", "targets"):
                (directory / name).mkdir(mode=0o700, parents=True, exist_ok=True)
            for left_over in directory.glob("metadata/tmp*"):
                left_over.unlink()

    def refresh(self, unix_s: float) -> Verified:
        """Ask the site for news and keep it. A failure leaves the former state, with its own lease, in force.

        Args:
            unix_s: the trusted time, or the clock's floor while there is none.

        Raises:
            PolicyError: unsigned, expired at `unix_s`, rolled back, malformed, or more than a device can hold.
            LinkError: the repository could not be reached, lacks a file, or sends more than it announced.
            DeviceError: the disk cannot be written.
        """
        with _errors():
            verified = _Client(self._directory, self._root, self._fetch).verified(unix_s)
            if verified.lease_until_s <= unix_s:
                raise PolicyError("site repository: expired; run 'doorward site renew' at the site")
            self._keep(verified.timestamp_version)
        return verified

    def load(self) -> Verified | None:
        """What the last whole refresh left on disk, its signatures checked again, without asking anybody.

        It is judged as of its own `issued`, so it may be expired by now: `lease_until_s` says so, and the gate asks.

        Returns:
            None before the first refresh.

        Raises:
            PolicyError: changed, cut off, or not of the pinned root; the next refresh replaces it.
            DeviceError: the disk cannot be read.
        """
        with _errors():
            if not (wholes := self._wholes()):
                return None
            whole = wholes[max(wholes)]

            def from_disk(path: str, limit: int) -> bytes | None:
                # The client asks its server for a timestamp even if it has one: the answer is the one that it has.
                return (whole / path).read_bytes() if path == "metadata/timestamp.json" else None

            try:
                return _Client(whole, self._root, from_disk).verified(None)
            except (DownloadError, FileNotFoundError):
                raise PolicyError(f"{self._directory}: incomplete; the next contact with the site mends it") from None

    def _wholes(self) -> dict[int, Path]:
        """Whole states on disk by version of their timestamp; one, but for an instant of a refresh."""
        return {int(path.name.removeprefix("whole-")): path for path in self._directory.glob("whole-[0-9]*")}

    def _keep(self, version: int) -> None:
        """Put a copy aside: a later refresh, cut off half-way, must not take the policy in force along."""
        if version in (before := self._wholes()):
            return
        new = self._directory / "whole-new"
        shutil.rmtree(new, ignore_errors=True)
        for folder in ("metadata", "targets"):
            shutil.copytree(self._directory / folder, new / folder, symlinks=True)
        _make_durable(self._directory / "metadata")
        _make_durable(new)
        new.rename(self._directory / f"whole-{version}")
        _make_durable(self._directory)
        for path in before.values():
            shutil.rmtree(path)


class _Client(Updater):
    """python-tuf's client with its clock and its list of verified roles within reach."""

    def __init__(self, directory: Path, root: bytes, fetch: Fetch) -> None:
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
        for role in _FOLLOWED:
            # Asking for any path of a role makes the client load and verify the role.
            self.get_targetinfo(f"{role}/-")
            if role not in self._trusted_set:
                raise PolicyError(f"site repository: delegates no role {role}; publish it with 'doorward site'")
            targets += self._targets_of(role)
        roles: list[Signed] = [
            self._trusted_set[role] for role in (Root.type, Timestamp.type, Snapshot.type, Targets.type, *_FOLLOWED)
        ]
        timestamp = self._trusted_set.timestamp
        issued_s = _issued_s(timestamp)
        until_s = min(signed.expires.timestamp() for signed in roles)
        if issued_s >= until_s:
            # Offline keys bound what the online key may say: a stolen one must not push the clock's floor past them.
            raise PolicyError("site repository: timestamp: issued after a role's expiry; renew the roles at the site")
        self._prune({target.path for target in targets})
        return Verified(
            targets=tuple(targets),
            lease_until_s=until_s,
            issued_s=issued_s,
            root_version=self._trusted_set.root.version,
            timestamp_version=timestamp.version,
            policy_version=self._trusted_set["permission"].version,
        )

    def _targets_of(self, role: Literal["permission", "restriction", "pass"]) -> Iterator[VerifiedTarget]:
        signed, top = cast("Targets", self._trusted_set[role]), self._trusted_set.targets
        delegated = cast("DelegatedRole", top.get_delegated_role(role))
        if len(signed.targets) > _TARGETS:
            raise PolicyError(f"site repository: {role}: more than {_TARGETS} targets; remove some")
        for path, info in sorted(signed.targets.items()):
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
        data = _get(self._from, url, max_length)
        if data is None:
            raise DownloadHTTPError(f"{url}: not on the server", 404)
        yield BytesIO(data)


def _get(fetch: Fetch, path: str, limit: int) -> bytes | None:
    data = fetch(path, limit)
    if data is not None and len(data) > limit:
        raise DownloadLengthMismatchError(f"{path}: more than {limit} bytes")
    return data


def _issued_s(timestamp: Timestamp) -> float:
    issued = timestamp.unrecognized_fields.get("issued")
    if type(issued) is not int or not 0 < issued < 1 << 40:
        raise PolicyError("site repository: timestamp: issued: not a time in Unix seconds; renew it at the site")
    return float(issued)


def _make_durable(folder: Path) -> None:
    """A version that was acted upon must survive a power cut, or it could be rolled back."""
    for path in (*folder.rglob("*"), folder):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def _errors() -> Iterator[None]:
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
