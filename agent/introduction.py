"""How a device introduces itself to the operator who admits it: its id, its public keys, and what both sides compare.

`device.json` and the text of the QR code that the device shows say the same. Rules: nothing in here is secret; the
fingerprint covers id and both keys, so that comparing it is enough. Leaves out: making keys (adapters/keys),
admitting (site/edit.py).
"""

from __future__ import annotations

import json
import re
from typing import Annotated, Final, Literal

from pydantic import Field

from agent.crypto import fingerprint
from agent.errors import PolicyError
from agent.policy.document import Strict, read
from agent.policy.fields import Hex32, Name

_CODE: Final = re.compile(r"DOORWARD:DEVICE:([A-Z0-9-]{1,63}):([0-9A-F]{64}):([0-9A-F]{64})")


class DeviceDocument(Strict):
    """What a device tells about itself: `device.json`."""

    schema_: Annotated[Literal["doorward/device/1"], Field(alias="schema")]
    id: Name
    signing_key: Hex32
    box_key: Hex32

    @property
    def fingerprint(self) -> str:
        """What the operator compares with the device's own word."""
        return fingerprint(f"doorward/device/1 {self.id} {self.signing_key} {self.box_key}".encode())

    @property
    def code(self) -> str:
        """The same as the text of a QR code, in signs that it packs well."""
        return f"DOORWARD:DEVICE:{self.id}:{self.signing_key}:{self.box_key}".upper()


def device_json(device: str, signing_key: bytes, box_key: bytes) -> bytes:
    """The document as a file."""
    document = {
        "schema": "doorward/device/1",
        "id": device,
        "signing_key": signing_key.hex(),
        "box_key": box_key.hex(),
    }
    return json.dumps(document, indent=1).encode() + b"\n"


def introduced(id: str, signing_key: str, box_key: str) -> DeviceDocument:
    """A device as a policy names it.

    Raises:
        PolicyError: these are no id and keys.
    """
    return read(device_json(id, bytes.fromhex(signing_key), bytes.fromhex(box_key)), DeviceDocument, id)


def read_introduction(data: bytes, source: str) -> DeviceDocument:
    """Read a `device.json`, or the text of the code.

    Raises:
        PolicyError: it is neither, by field and rule.
    """
    found = _CODE.fullmatch(data.decode("ascii", errors="replace").strip())
    if found is not None:
        data = device_json(found[1].lower(), bytes.fromhex(found[2]), bytes.fromhex(found[3]))
    elif data.startswith(b"DOORWARD:"):
        raise PolicyError(f"{source}: not the whole text of a device's code; scan it again")
    return read(data, DeviceDocument, source)
