"""The signed site repository as the device sees it: python-tuf over bytes that the link fetches and nobody trusts.

Rules: nothing that leaves this file is older than what was seen before, not even after a rotation of the online keys.
The time is passed in; python-tuf alone would ask the system clock, so the expiry of every role is checked again here.
What is expired is not handed out as news but still blocks a rollback. A refresh that is cut off anywhere leaves the
last whole state to `load`. When the root takes the timestamp's keys away, what they said about the time is void.
Leaves out: the network (a `Fetch`), signatures (client.py), what targets say (policy/bundle.py), the stickiness of
restrictions (the store).
"""

from __future__ import annotations

import os
import re
import shutil
from hashlib import sha256
from pathlib import Path
from typing import Final

from tuf.api.exceptions import DownloadError, ExpiredMetadataError

from agent.adapters.updates.client import ROOT_BYTES, Client, Fetch, Seen, Verified, errors, get
from agent.errors import ConfigError, LinkError, PolicyError
from agent.policy.document import read
from agent.units import DeviceId

_SEEN: Final = "seen.json"


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
    with errors():
        data = get(fetch, "metadata/1.root.json", ROOT_BYTES)
    if data is None:
        raise LinkError("metadata/1.root.json: not on the server; look at the repository's address")
    if sha256(data).hexdigest() != wanted:
        raise PolicyError("metadata/1.root.json: not of this fingerprint; compare it with 'doorward site show'")
    return data


class Updates:
    """The trusted metadata and targets in one folder that no other process writes."""

    def __init__(self, directory: Path, root: bytes, fetch: Fetch, device: DeviceId | None = None) -> None:
        """Bind to a folder, made if it is missing.

        Args:
            root: the pinned first root, see `pin_root`.
            device: whose sealed enrolments are followed too; None: the role is left alone.

        Raises:
            DeviceError: the folder cannot be written.
        """
        self._directory, self._root, self._fetch, self._device = directory, root, fetch, device
        with errors():
            for name in ("metadata", "targets"):
                (directory / name).mkdir(mode=0o700, parents=True, exist_ok=True)
            for left_over in directory.glob("metadata/tmp*"):
                left_over.unlink()

    def refresh(self, unix_s: float) -> Verified:
        """Ask the site for news and keep it. A failure leaves the former state, with its own lease, in force.

        Args:
            unix_s: the time that is proved. It may rest on the word of keys that the site has taken away since; then
                what is new is judged as of its own issue.

        Raises:
            PolicyError: unsigned, expired at `unix_s`, rolled back, malformed, or more than a device can hold.
            LinkError: the repository could not be reached, lacks a file, or sends more than it announced.
            DeviceError: the disk cannot be written.
        """
        with errors():
            before = self._kept()
            client = self._client()
            try:
                verified = client.verified(unix_s)
            except ExpiredMetadataError:
                if before is None or set(before.clock_keys) <= set(client.clock_keys()):
                    raise
                client = self._client()
                verified = client.verified(0.0)
                if verified.issued_s >= before.issued_s:
                    raise
                # Keys that were taken away have signed a time to come: by that word all else is expired for ever.
                unix_s = verified.issued_s
            if verified.lease_until_s <= unix_s:
                raise PolicyError("site repository: expired; run 'doorward site renew' at the site")
            if before is not None:
                _demand_no_rollback(before, client.seen())
            self._keep(client.seen())
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
        with errors():
            whole = self._whole()
            if whole is None:
                return None
            try:
                return self._from_disk(whole).verified(None)
            except (DownloadError, FileNotFoundError):
                raise PolicyError(f"{self._directory}: incomplete; the next contact with the site mends it") from None

    def _client(self) -> Client:
        return Client(self._directory, self._root, self._fetch, self._device)

    def _from_disk(self, whole: Path) -> Client:
        def fetch(path: str, limit: int) -> bytes | None:
            # The client asks its server for a timestamp even if it has one: the answer is the one that it has.
            return (whole / path).read_bytes() if path == "metadata/timestamp.json" else None

        return Client(whole, self._root, fetch, self._device)

    def _kept(self) -> Seen | None:
        """What the last whole state said; None if there is none, or if the disk was harmed: that keeps no news out."""
        whole = self._whole()
        try:
            return None if whole is None else read((whole / _SEEN).read_bytes(), Seen, _SEEN)
        except (OSError, PolicyError):
            return None

    def _whole(self) -> Path | None:
        """The newest whole state on disk; there is one, but for an instant of a refresh."""
        wholes = {int(path.name.removeprefix("whole-")): path for path in self._directory.glob("whole-[0-9]*")}
        return wholes[max(wholes)] if wholes else None

    def _keep(self, seen: Seen) -> None:
        """Put a copy aside: a later refresh, cut off half-way, must not take the policy in force along."""
        before = self._whole()
        if before is not None and _same(before, self._directory):
            return
        new = self._directory / "whole-new"
        shutil.rmtree(new, ignore_errors=True)
        for folder in ("metadata", "targets"):
            shutil.copytree(self._directory / folder, new / folder, symlinks=True)
        (new / _SEEN).write_text(seen.model_dump_json())
        _make_durable(self._directory / "metadata")
        _make_durable(new)
        number = 1 if before is None else int(before.name.removeprefix("whole-")) + 1
        new.rename(self._directory / f"whole-{number}")
        _make_durable(self._directory)
        for path in self._directory.glob("whole-[0-9]*"):
            if path.name != f"whole-{number}":
                shutil.rmtree(path)


def _same(whole: Path, directory: Path) -> bool:
    """The whole state is of the same timestamp, which names all else by hash, and of the same root."""
    try:
        (whole / _SEEN).stat()
        return all((whole / "metadata" / name).read_bytes() == (directory / "metadata" / name).read_bytes()
                   for name in ("timestamp.json", "root.json"))  # fmt: skip
    except OSError:
        return False


def _demand_no_rollback(before: Seen, now: Seen) -> None:
    """A role's version does not fall while its keys stay; the snapshot alone forgets that when its own keys change."""
    for name, role in now.roles.items():
        then = before.roles.get(name, role)
        same = (role.keys, role.threshold) == (then.keys, then.threshold)
        if same and role.version < then.version:
            raise PolicyError(
                f"site repository: {name}: version {role.version} is older than {then.version}, seen before; "
                "publish the newest again"
            )


def _make_durable(folder: Path) -> None:
    """A version that was acted upon must survive a power cut, or it could be rolled back."""
    for path in (*folder.rglob("*"), folder):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
