"""A fresh site and a fresh device for one loop of the demo, made with the same commands' own functions.

Rules: everything lies in one folder that nobody else can read and that is deleted afterwards; nothing is kept from one
loop to the next. Leaves out: the people (people.py), the processes (play.py), what the policy says (policies.py).
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from agent.adapters.keys import PlainKeys, device_document
from agent.crypto import BoxSecret, SignPublic, sign_public
from agent.demo.web import FileServer
from agent.policy.bundle import POLICY_PATH, PolicyDocument
from agent.policy.document import read
from agent.site.passes import issue_pass
from agent.site.policy_draft import draft_policy
from agent.site.repository import SiteRepository
from agent.units import DeviceId, SiteId

SITE: Final = SiteId("north-gate")
DEVICE: Final = DeviceId("gate-1")
CHECK_EVERY_S: Final = 1.0
_DAY_S: Final = 86_400.0


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Device:
    """One loop's site and device."""

    folder: Path
    repository: SiteRepository
    server: FileServer
    keys: PlainKeys
    policy: PolicyDocument
    data: bytes
    """The policy as it was published."""
    site: SiteId = SITE
    id: DeviceId = DEVICE

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def store(self) -> Path:
        return self.state / "store.sqlite"

    @property
    def config(self) -> Path:
        return self.folder / "device.toml"

    @property
    def key(self) -> SignPublic:
        return sign_public(self.keys.sign_secret)

    @property
    def events_secret(self) -> BoxSecret:
        return self.repository.keys.events_secret()


def make(folder: Path, decided: Mapping[str, Any]) -> Device:
    """A new site with one policy, its web server, and a device that the policy names.

    Args:
        folder: new and empty.
        decided: see policies.py.
    """
    state = folder / "state"
    state.mkdir(mode=0o700)
    keys = PlainKeys.create(state / "keys.json", DEVICE)
    described = device_document(keys)
    (state / "device.json").write_bytes(described)
    repository = SiteRepository.init(folder / "site", SITE, clock=time.time)
    named = {"id": DEVICE, "signing_key": sign_public(keys.sign_secret).hex(), "box_key": _box_key(described)}
    data = draft_policy(decided, site=SITE, version=1, keys=repository.keys, devices=[named], now_s=time.time() - 1)
    repository.publish({POLICY_PATH: data})
    server = FileServer(folder / "site" / "repository")
    return Device(folder, repository, server, keys, read(data, PolicyDocument, POLICY_PATH), data)


def _box_key(described: bytes) -> str:
    import json

    return str(json.loads(described)["box_key"])


def passes(device: Device, shown: Mapping[str, str | None]) -> dict[str, str]:
    """One day pass for a single use for each pass of the scene, as the text of its code.

    Args:
        shown: name of the pass -> person of the cast whom it names, or None.
    """
    secret, now = device.repository.keys.sign_secret("pass"), time.time()
    return {
        name: issue_pass(
            device.policy,
            secret,
            doors=(device.policy.door,),
            from_s=now - 60,
            until_s=now + _DAY_S,
            subject=None if person is None else person.lower(),
            compare=person is not None,
        )
        for name, person in shown.items()
    }


def write_config(
    device: Device, *, broker_port: int, websocket: str, page_port: int, models: Path, camera: str, empty: Path | None
) -> None:
    """The device config as an installer would write it.

    Args:
        camera: the lines of the camera section.
        page_port: 0 takes a free one.
        empty: the commissioned picture of the empty scene.
    """
    simulated = 'kind = "simulated"' in camera
    lines = [
        "[device]",
        f'id = "{device.id}"',
        'state = "state"',
        "insecure_dev = true",
        "[site]",
        f'name = "{device.site}"',
        f'root_sha256 = "{device.repository.root_sha256}"',
        f'repository = "{device.server.url}"',
        f"check_every_s = {CHECK_EVERY_S}",
        "[camera]",
        camera,
        *(["[position]", 'kind = "simulated"'] if simulated else []),
        "[models]",
        f'directory = "{models}"',
        "[broker]",
        'host = "127.0.0.1"',
        f"port = {broker_port}",
        'acknowledge = "consumer"',
        f'websocket = "{websocket}"',
        "[page]",
        f"port = {page_port}",
        *(["[preview]", f'empty = "{empty}"'] if empty is not None else []),
    ]
    part = device.config.with_suffix(".part")
    part.write_text("\n".join(lines) + "\n", "utf-8")
    os.replace(part, device.config)
