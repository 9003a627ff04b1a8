"""The store's SQLite file: opening it, recognising a foreign or damaged one, reading its ledger without writing.

Rules: only the owner can read the file; nothing that is not ours is changed; every fault of SQLite becomes one
clear line for whoever must act. Leaves out: what is written (store.py).
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from importlib import resources
from pathlib import Path
from typing import Final

from agent.errors import DeviceError, DoorwardError, VaultError
from agent.ledger.merkle import Frontier
from agent.ledger.verify import LedgerCopy
from agent.units import DeviceId, SiteId

APPLICATION: Final = 0x44_57_53_31
"""`DWS1` in the file's header: any other SQLite file is foreign."""
FORM: Final = 2
"""Of the tables, in the file's header."""
PAGE_BYTES: Final = 512
"""Of a new store; one that exists keeps its own. The least that SQLite has is the least that is written: ADR 25."""
_ROOM_BYTES: Final = 2**20
"""With more than this left, a disk that says that it is full is not believed."""
_SETTINGS: Final = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "wal_autocheckpoint=8000",  # only where nobody writes it home beside; see rows.py
    "secure_delete=ON",
    "trusted_schema=OFF",
    "temp_store=MEMORY",
)
_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")
_NO_ROOM: Final = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY})
_NOT_OURS: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


def connect(path: Path, site: SiteId, device: DeviceId) -> sqlite3.Connection:
    """The store of this device, opened for writing; made when there is no such file yet.

    Raises:
        DeviceError: the file cannot be read or written.
        VaultError: the file is damaged, no store at all, or another device's. It is left as it is.
    """
    db: sqlite3.Connection | None = None
    try:
        # Made by us, so that it is never readable by others; SQLite gives its side files the same mode.
        _read_anew(path, os.O_RDWR | os.O_CREAT)
        with suppress(FileNotFoundError):
            _read_anew(Path(f"{path}-wal"), os.O_RDONLY)
        db = sqlite3.connect(path, timeout=2.0, isolation_level=None, check_same_thread=False)
        _prepare(db, path, site, device)
        read_frontier(db)
        return db
    except (sqlite3.Error, OSError, DoorwardError) as error:
        if db is not None:
            db.close()
        raise fault(error, path) from None


def _read_anew(path: Path, flags: int) -> None:
    """Have the kernel forget what it holds of a file and has not still to write.

    Pages whose writing failed count as written from then on, and stay in memory. Whoever reads them takes over a
    transaction that is on no disk, appends to it, and loses all that with the next power cut.
    """
    file = os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(file)


@contextmanager
def read_ledger(path: Path) -> Iterator[LedgerCopy]:
    """The ledger in a store, read-only: of a stopped device, a copy, or one that is running. Never the vault.

    Raises:
        DeviceError: the file cannot be read.
        VaultError: the file is damaged or no store.
    """
    # A file without a WAL beside it is read as it is, so that looking at evidence leaves no file behind.
    still = "&immutable=1" if not Path(f"{path}-wal").exists() else ""
    try:
        if not path.is_file():
            raise DeviceError(f"{path}: no such file; name the store of a device")
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro{still}", uri=True, timeout=2.0)) as db:
            db.execute("BEGIN")  # one state of a file that may be growing
            _demand_ours(db, path)
            statements = [bytes(row[0]) for row in db.execute("SELECT statement FROM checkpoint ORDER BY number")]
            entries = db.execute("SELECT position, entry FROM ledger ORDER BY position")
            yield LedgerCopy(entries, statements, read_frontier(db), read_begin(db))
    except sqlite3.Error as error:
        raise fault(error, path) from None


def _prepare(db: sqlite3.Connection, path: Path, site: SiteId, device: DeviceId) -> None:
    if db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
        _lay_out(db, site, device)
    _demand_ours(db, path)
    if db.execute("PRAGMA user_version").fetchone()[0] != FORM:
        raise VaultError(f"{path}: is of another build; it was left as it is: move it away and enrol again")
    about, boot = dict(db.execute("SELECT name, value FROM about").fetchall()), _boot()
    if not _whole(db, quickly=boot is not None and about.get("boot") == boot):
        raise VaultError(f"{path}: is damaged; restore a copy, or move it away and enrol again")
    if (about.get("site"), about.get("device")) != (site, device):
        raise VaultError(
            f"{path}: is the store of another device or site; it was left as it is: give each a folder of its own"
        )
    path.chmod(0o600)
    for setting in _SETTINGS:
        db.execute(f"PRAGMA {setting}").fetchall()
    db.executescript(resources.files(__package__).joinpath("later.sql").read_text("utf-8"))
    if boot is not None and about.get("boot") != boot:
        try:
            db.execute("INSERT OR REPLACE INTO about VALUES ('boot', ?)", (boot,))
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode not in _NO_ROOM:
                raise  # a full disk, or another who writes, is no reason not to start: the next one looks again


def _boot() -> str | None:
    """The kernel's own name of this start of the machine; None: it says none."""
    try:
        return _BOOT.read_text("ascii").strip() or None
    except OSError:
        return None


def _whole(db: sqlite3.Connection, *, quickly: bool) -> bool:
    """Whether the file's pages fit together.

    Args:
        quickly: leave the ledger out, which grows for months: so a start after a hang does not take a minute. It was
            looked at since the machine's start, its edge is read, and its Merkle tree tells any change of a row.
    """
    if not quickly:
        return bool(db.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok")
    tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    db.execute("SELECT max(position), entry FROM ledger").fetchall()
    return all(db.execute(f'PRAGMA quick_check("{each}")').fetchone()[0] == "ok" for each in tables if each != "ledger")


def _lay_out(db: sqlite3.Connection, site: SiteId, device: DeviceId) -> None:
    """One transaction, so that a power cut leaves an empty file or a whole one."""
    schema = resources.files(__package__).joinpath("schema.sql").read_text("utf-8")
    db.executescript(
        f"PRAGMA page_size = {PAGE_BYTES};"
        f"BEGIN IMMEDIATE; {schema} PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {FORM};"
    )
    db.execute("INSERT INTO about VALUES ('site', ?), ('device', ?)", (site, device))
    db.execute("COMMIT")


def _demand_ours(db: sqlite3.Connection, path: Path) -> None:
    if db.execute("PRAGMA application_id").fetchone()[0] != APPLICATION:
        raise VaultError(f"{path}: is not a Doorward store; it was left as it is: name another file")


def read_frontier(db: sqlite3.Connection) -> Frontier:
    """The ledger's right edge."""
    return _edge(db.execute("SELECT size, peaks FROM frontier").fetchall())


def read_begin(db: sqlite3.Connection) -> Frontier:
    """The edge of what was dropped; empty if nothing was."""
    return _edge(db.execute("SELECT size, peaks FROM ledger_begin").fetchall())


def _edge(rows: list[tuple[int, bytes]]) -> Frontier:
    size, peaks = rows[0] if rows else (-1, b"")
    try:
        return Frontier(size, tuple(peaks[at : at + 32] for at in range(0, len(peaks), 32)))
    except ValueError:
        raise VaultError("ledger: its edge is damaged; keep this copy and restore another") from None


def no_room(path: Path) -> bool:
    """Whether the file system that a file is on counts no room left for more than its smallest writes."""
    try:
        found = os.statvfs(path)
    except OSError:
        return False
    return found.f_bavail * found.f_frsize < _ROOM_BYTES or found.f_ffree == 0 < found.f_files


def code(error: sqlite3.Error) -> int:
    """SQLite's primary result code; 0 for errors that Python itself raises."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def fault(error: Exception, path: Path) -> DoorwardError:
    """One clear line for whoever must act."""
    if isinstance(error, DoorwardError):
        return error
    if isinstance(error, OSError):
        return DeviceError(f"{path}: {error.strerror}; check the folder, its owner and the disk")
    number = code(error) if isinstance(error, sqlite3.Error) else 0
    if number in _NOT_OURS:
        return VaultError(f"{path}: is damaged or not a Doorward store ({error}); it was left as it is: restore a copy")
    if number == sqlite3.SQLITE_FULL:
        return DeviceError(f"{path}: the disk is full; free some space: until then every decision is no")
    return DeviceError(f"{path}: cannot be read or written ({error}); check the disk and who else uses the file")
