"""Files in one ZIP: always the same bytes for the same files, and read back without believing anything it says.

Rules: names are given in their order, dates and rights are fixed; what is encrypted, doubled, too large, or not of this
form is refused. Nothing is ever unpacked to a disk.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Mapping
from io import BytesIO
from typing import Final

from agent.errors import VaultError

_DATE: Final = (1980, 1, 1, 0, 0, 0)
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*){0,3}")
_FILES: Final = 2000
_BYTES: Final = 2**31
_END_BYTES: Final = 22
"""Length of the record at the very end of a ZIP without a comment."""


def pack(files: Mapping[str, bytes]) -> bytes:
    """The files in the order in which they are given."""
    made = BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, _DATE)
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            archive.writestr(entry, data, zipfile.ZIP_DEFLATED, 9)
    return made.getvalue()


def unpack(data: bytes) -> dict[str, bytes]:
    """Every file by name.

    Raises:
        VaultError: it is not such a ZIP, or it is damaged.
    """
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            entries = archive.infolist()
            _demand(data, entries)
            return {entry.filename: archive.read(entry) for entry in entries}
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError, RuntimeError) as error:
        raise VaultError(f"bundle: cannot be unpacked ({error}); get it again from whoever made it") from None


def _demand(data: bytes, entries: list[zipfile.ZipInfo]) -> None:
    names = [entry.filename for entry in entries]
    wrong = [
        (len(entries) > _FILES or sum(entry.file_size for entry in entries) > _BYTES, "is larger than a bundle may be"),
        (len(set(names)) != len(names), "holds a file twice"),
        (any(not _NAME.fullmatch(name) for name in names), "holds a file of a strange name"),
        (any(entry.flag_bits & 1 for entry in entries), "is encrypted"),
        (any(entry.compress_type != zipfile.ZIP_DEFLATED for entry in entries), "is packed in another way"),
        (any(entry.comment or entry.extra for entry in entries), "holds comments"),
        (data[-_END_BYTES:][:4] != b"PK\5\6" or (bool(entries) and entries[0].header_offset != 0), "holds more"),
    ]
    for found, what in wrong:
        if found:
            raise VaultError(f"bundle: {what}; 'doorward report --bundle' makes it otherwise")
